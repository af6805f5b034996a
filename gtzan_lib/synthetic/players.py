"""The instruments of a band: each player turns the bars of a song into notes.

Each player has a random generator of its own and plays bar after bar, so that
a longer performance begins with the notes of a shorter one.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from .songs import Section, Song
from .theory import SCALES, Chord, nearest, pitches_near

__all__ = [
    "DRUMS",
    "PLAYER_CLASSES",
    "STYLES",
    "Accompanist",
    "Bar",
    "Bassist",
    "Drummer",
    "Melodist",
    "Note",
    "PadPlayer",
    "Player",
    "SecondAccompanist",
]

_VELOCITY = {"X": 114, "x": 94, "o": 58, "?": 76}
# Probability of a hit that is marked with a question mark.
_RANDOM_HIT = 0.4
STYLES = ("alberti", "arpeggio", "block", "bubble", "pad", "power", "shuffle", "strum")
"""Styles of accompaniment; one without a rule in `Accompanist` plays plain chords."""

DRUMS = {
    "kick": 36,
    "rim": 37,
    "snare": 38,
    "clap": 39,
    "brush": 40,
    "hat": 42,
    "pedal": 44,
    "open": 46,
    "crash": 49,
    "china": 52,
    "tambourine": 54,
    "ride": 59,
    "bongo": 61,
    "conga": 64,
    "shaker": 70,
    "timpani": 41,
}
"""General MIDI percussion keys."""

_FILL = (38, 50, 47, 45, 43)


class Note(NamedTuple):
    """A note: start and length in beats, MIDI pitch, velocity (1 to 127)."""

    start: float
    length: float
    pitch: int
    velocity: float


@dataclass(frozen=True)
class Bar:
    """One bar of a performance.

    Attributes
    ----------
    song : Song
        The song.
    section : Section
        The section of the song.
    index : int
        Number of the bar in the section.
    start : float
        Beats from the beginning of the performance.
    """

    song: Song
    section: Section
    index: int
    start: float

    @property
    def steps(self) -> int:
        """Number of sixteenth notes in the bar."""
        return 4 * self.song.artist.beats

    @property
    def is_last(self) -> bool:
        """Whether the section ends with this bar."""
        return self.index == self.section.bars - 1

    def chord(self, step: float) -> Chord:
        """Return the chord at a sixteenth note; after the bar's end, that of the next bar."""
        bars, step = divmod(int(step), self.steps)
        chords = self.section.chart[(self.index + bars) % len(self.section.chart)]
        return chords[step * len(chords) // self.steps]

    def when(self, step: float) -> float:
        """Return the beat of a sixteenth note, with the artist's swing."""
        unit = self.song.artist.swung
        count, phase = divmod(step / 4, unit)
        phase /= unit
        swing = self.song.artist.swing
        swung = phase * 2 * swing if phase < 0.5 else swing + (phase - 0.5) * 2 * (1 - swing)
        return self.start + (count + swung) * unit

    def note(self, step: float, length: float, pitch: int, velocity: float) -> Note:
        """Return a note at a sixteenth, `length` sixteenths long, with the section's energy."""
        start = self.when(step)
        return Note(start, self.when(step + length) - start, pitch, velocity * self.section.energy)


class Player:
    """A player of one role of the band.

    Parameters
    ----------
    song : Song
        The song to play.
    rng : np.random.Generator
        The player's random generator.
    """

    def __init__(self, song: Song, rng: np.random.Generator) -> None:
        self.song = song
        self.rng = rng

    def play(self, bar: Bar) -> Iterator[Note]:
        """Yield the notes of one bar."""
        raise NotImplementedError


class Drummer(Player):
    """Plays the groove, with fills at the end of sections and a crash at the beginning of some."""

    def play(self, bar: Bar) -> Iterator[Note]:
        """Yield the notes of one bar."""
        fill = bar.is_last and self.rng.random() < self.song.artist.fills
        until = bar.steps - 4 if fill else bar.steps
        groove = bar.section.groove
        for name, pattern in groove.items():
            for step, symbol, _ in _hits(pattern, until):
                if symbol != "?" or self.rng.random() < _RANDOM_HIT:
                    yield bar.note(step, 1, DRUMS[name], _VELOCITY[symbol])
        if groove and fill:
            for step in range(until, bar.steps):
                drum = _FILL[min(step - until + int(self.rng.integers(2)), len(_FILL) - 1)]
                yield bar.note(step, 1, drum, int(self.rng.integers(70, 112)))
        if "kick" in groove and bar.index == 0 and bar.section.kind in "CS":
            yield bar.note(0, 4, DRUMS["crash"], 96)


class Bassist(Player):
    """Plays the bass pattern over the chords."""

    def play(self, bar: Bar) -> Iterator[Note]:
        """Yield the notes of one bar."""
        pitch = 36.0
        for step, symbol, length in _hits(bar.section.bass, bar.steps):
            chord = bar.chord(step)
            root = nearest((self.song.tonic + chord.root) % 12, 36)
            if symbol == "a":
                next_root = nearest((self.song.tonic + bar.chord(step + length).root) % 12, pitch)
                pitch = next_root + int(self.rng.choice([-2, -1, 1, 2]))
            elif symbol == "w":
                tone = int(self.rng.choice((*chord.tones[1:], 2)))
                pitch = nearest((root + tone) % 12, pitch + self.rng.choice([-3, 3]))
            else:
                pitch = root + _interval(symbol, chord)
            yield bar.note(step, 0.92 * length, int(np.clip(pitch, 28, 55)), 100)


class Accompanist(Player):
    """Plays the accompaniment: chords, strums, broken chords or power chords."""

    centre = 60
    loudness = 1.0

    def pattern(self, bar: Bar) -> str:
        """Return the style and rhythm of a bar."""
        return bar.section.comping

    def play(self, bar: Bar) -> Iterator[Note]:
        """Yield the notes of one bar."""
        style, rhythm = self.pattern(bar).split(":")
        for count, (step, symbol, length) in enumerate(_hits(rhythm, bar.steps)):
            chord = bar.chord(step)
            velocity = self.loudness * _VELOCITY[symbol] * (1.0 if step % 4 == 0 else 0.93)
            pitches = self._pitches(style, chord, count)
            # A strum plays one string after the other: upwards on the beats, else downwards.
            delay = 0.09 if style == "strum" else 0.0
            if step % 4:
                pitches = pitches[::-1]
            for string, pitch in enumerate(pitches):
                yield bar.note(step + delay * string, 0.9 * length, pitch, velocity)

    def _pitches(self, style: str, chord: Chord, count: int) -> list[int]:
        """Return the pitches of hit number `count` of a bar."""
        tonic = self.song.tonic
        if style in ("power", "shuffle"):
            root = nearest((tonic + chord.root) % 12, self.centre - 17)
            fifth = 9 if style == "shuffle" and count % 4 >= 2 else 7
            return [root, root + fifth] + ([root + 12] if style == "power" else [])
        voicing = pitches_near(chord, tonic=tonic, centre=self.centre)
        if style == "arpeggio":
            rising = voicing + voicing[-2:0:-1]
            return [rising[count % len(rising)]]
        if style == "alberti":
            return [voicing[(0, -1, 1, -1)[count % 4]]]
        return voicing[:3] if style == "pad" else voicing


class SecondAccompanist(Accompanist):
    """Plays a second accompaniment, softer and in a higher register."""

    centre = 69
    loudness = 0.8

    def pattern(self, bar: Bar) -> str:
        """Return another of the artist's patterns, with plain chords for power chords."""
        first, *others = (p for p in self.song.artist.comping if p != bar.section.comping)
        return (others or [first])[0].replace("power", "block").replace("shuffle", "block")


class PadPlayer(Accompanist):
    """Plays held chords."""

    centre = 64
    loudness = 0.8

    def pattern(self, bar: Bar) -> str:
        """Return a pattern that holds each chord of the bar."""
        chords = len(bar.section.chart[bar.index % len(bar.section.chart)])
        return "pad:" + ("x" + "-" * (16 // chords - 1)) * chords


class Melodist(Player):
    """Plays the melody: a motif, repeated with inversions and random changes."""

    def __init__(self, song: Song, rng: np.random.Generator) -> None:
        super().__init__(song, rng)
        artist = song.artist
        scale = SCALES[artist.melody.scale or artist.mode]
        self.ladder = [p for p in range(128) if (p - song.tonic) % 12 in scale]
        self.rung = self._closest(artist.melody.centre)

    def play(self, bar: Bar) -> Iterator[Note]:
        """Yield the notes of one bar."""
        melody, motif = self.song.artist.melody, bar.section.motif
        first = bar.index % motif.bars * bar.steps
        ends = (*motif.onsets[1:], motif.bars * bar.steps)
        # Every second repetition inverts the motif.
        direction = -1 if bar.index // motif.bars % 2 else 1
        for onset, end, interval in zip(motif.onsets, ends, motif.steps, strict=True):
            if not first <= onset < first + bar.steps:
                continue
            step, change = onset - first, self.rng.random()
            # Some notes are left out, and some get another pitch.
            if change < 0.08:
                continue
            varied = int(self.rng.integers(-1, 2)) if change > 0.7 else 0
            self._move(direction * interval + varied)
            pitch = self.ladder[self.rung]
            if onset % 8 == 0:
                pitch = self._on_chord(bar.chord(step), pitch)
            length = min(end - onset, 8) * melody.legato
            yield bar.note(step, length, pitch, self.rng.uniform(84, 108))

    def _move(self, interval: int) -> None:
        """Move by scale steps, drawn back to the centre of the melody's range."""
        middle = self._closest(self.song.artist.melody.centre)
        offset = self.rung - middle
        rung = self.rung + interval - round(offset / 4)
        self.rung = int(np.clip(rung, middle - 7, middle + 7))

    def _closest(self, pitch: int) -> int:
        return min(range(len(self.ladder)), key=lambda rung: abs(self.ladder[rung] - pitch))

    def _on_chord(self, chord: Chord, pitch: int) -> int:
        tones = ((self.song.tonic + chord.root + tone) % 12 for tone in chord.tones)
        return min((nearest(tone, pitch) for tone in tones), key=lambda tone: abs(tone - pitch))


PLAYER_CLASSES: dict[str, type[Player]] = {
    "kit": Drummer,
    "bass": Bassist,
    "comp": Accompanist,
    "colour": SecondAccompanist,
    "pad": PadPlayer,
    "lead": Melodist,
    "solo": Melodist,
}


def _hits(pattern: str, steps: int) -> Iterator[tuple[int, str, int]]:
    """Yield (sixteenth, symbol, length) of each hit within the first `steps`."""
    pattern = pattern[:steps]
    for step, symbol in enumerate(pattern):
        if symbol not in ".-":
            rest = pattern[step + 1 :]
            yield step, symbol, 1 + len(rest) - len(rest.lstrip("-"))


def _interval(symbol: str, chord: Chord) -> int:
    """Return the semitones above the root for a symbol of a bass pattern."""
    semitones = {"R": 0, "3": 4, "5": 7, "7": 10, "8": 12}[symbol]
    if semitones in (0, 12):
        return semitones
    return min(chord.tones, key=lambda tone: abs(tone - semitones))
