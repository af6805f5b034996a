"""Scales and chords: from Roman numerals to MIDI pitches.

A `Chord` is independent of the key: its root is given in semitones above the
tonic, its tones in semitones above the root. `pitches_near` returns its pitches.
"""

import re
from dataclasses import dataclass

__all__ = ["KEYS", "SCALES", "Chord", "chart", "nearest", "pitches_near"]

KEYS = ("C", "Db", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")

SCALES = {
    "major": (0, 2, 4, 5, 7, 9, 11),
    "minor": (0, 2, 3, 5, 7, 8, 10),
    "harmonic minor": (0, 2, 3, 5, 7, 8, 11),
    "dorian": (0, 2, 3, 5, 7, 9, 10),
    "phrygian": (0, 1, 3, 5, 7, 8, 10),
    "mixolydian": (0, 2, 4, 5, 7, 9, 10),
    "blues": (0, 3, 5, 6, 7, 10),
    "major blues": (0, 2, 3, 4, 7, 9),
    "major pentatonic": (0, 2, 4, 7, 9),
    "minor pentatonic": (0, 3, 5, 7, 10),
}

_DEGREES = {"I": 0, "II": 2, "III": 4, "IV": 5, "V": 7, "VI": 9, "VII": 11}
_ACCIDENTALS = {"": 0, "b": -1, "#": 1}
# Suffix -> (tones on an upper-case numeral, tones on a lower-case one).
_QUALITIES = {
    "": ((0, 4, 7), (0, 3, 7)),
    "5": ((0, 7), (0, 7)),
    "6": ((0, 4, 7, 9), (0, 3, 7, 9)),
    "7": ((0, 4, 7, 10), (0, 3, 7, 10)),
    "maj7": ((0, 4, 7, 11), (0, 3, 7, 11)),
    "9": ((0, 4, 10, 14), (0, 3, 10, 14)),
    "13": ((0, 4, 10, 21), (0, 3, 10, 21)),
    "sus4": ((0, 5, 7), (0, 5, 7)),
    "o": ((0, 3, 6), (0, 3, 6)),
    "o7": ((0, 3, 6, 9), (0, 3, 6, 10)),
}
_SYMBOL = re.compile(r"([b#]?)(VII|VI|V|IV|III|II|I|vii|vi|v|iv|iii|ii|i)(.*)")


@dataclass(frozen=True)
class Chord:
    """A chord in any key.

    Attributes
    ----------
    root : int
        Semitones above the tonic, 0 to 11.
    tones : tuple of int
        Semitones above the root, beginning with 0.
    """

    root: int
    tones: tuple[int, ...]

    @classmethod
    def parse(cls, symbol: str) -> "Chord":
        """Read a Roman numeral such as ``bVII7`` or ``iimaj7``."""
        match = _SYMBOL.fullmatch(symbol)
        if match is None or match[3] not in _QUALITIES:
            raise ValueError(f"{symbol!r} is not a chord symbol: use Roman numerals such as bVII7.")
        accidental, numeral, quality = match.groups()
        root = (_DEGREES[numeral.upper()] + _ACCIDENTALS[accidental]) % 12
        return cls(root, _QUALITIES[quality][numeral.islower()])


def chart(text: str) -> tuple[tuple[Chord, ...], ...]:
    """Read a progression, bars separated by ``|``, chords of a bar by blanks.

    Examples
    --------
    >>> [len(bar) for bar in chart("I | ii7 V7")]
    [1, 2]
    """
    return tuple(tuple(map(Chord.parse, bar.split())) for bar in text.split("|"))


def nearest(pitch_class: int, pitch: float) -> int:
    """Return the MIDI pitch of a pitch class that is nearest to `pitch`."""
    base = round(pitch) - (round(pitch) - pitch_class) % 12
    return base if pitch - base <= 6 else base + 12


def pitches_near(chord: Chord, *, tonic: int, centre: float) -> list[int]:
    """Return the MIDI pitches of a chord in close position around `centre`.

    Each tone is in the octave nearest to `centre`, so that pitches move little
    when chords change, as pianists and guitarists play.
    """
    classes = ((tonic + chord.root + tone) % 12 for tone in chord.tones)
    return sorted({nearest(pitch_class, centre) for pitch_class in classes})
