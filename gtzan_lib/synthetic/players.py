"""The band: players who turn a bar of a song into notes.

Each player has a random generator of its own and plays bar after bar, so that
a longer performance begins with the very notes of a shorter one.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from .songs import Section, Song
from .theory import SCALES, Chord, nearest, pitches_near

__all__ = [
    "DRUMS",
    "PLAYERS",
    "STYLES",
    "Bar",
    "Bassist",
    "Colourist",
    "Comper",
    "Drummer",
    "Melodist",
    "Note",
    "Padder",
    "Player",
]

_VELOCITY = {"X": 114, "x": 94, "o": 58, "?": 76}
_OCCASIONALLY = 0.4
STYLES = ("alberti", "arpeggio", "block", "bubble", "pad", "power", "shuffle", "strum")
"""Ways to accompany; a style without a rule of its own plays plain chords."""

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
    """A note: begin and length in beats, MIDI pitch, velocity (1 to 127)."""

    start: float
    length: float
    pitch: int
    velocity: float


@dataclass(frozen=True)
class Bar:
    """One bar as the players see it.

    Attributes
    ----------
    song : Song
        What is played.
    section : Section
        Where in the song we are.
    index : int
        Bars since the section began.
    start : float
        Beats since the performance began.
    """

    song: Song
    section: Section
    index: int
    start: float

    @property
    def steps(self) -> int:
        """Sixteenth notes in the bar."""
        return 4 * self.song.artist.beats

    @property
    def is_last(self) -> bool:
        """Whether the section ends with this bar."""
        return self.index == self.section.bars - 1

    def chord(self, step: float) -> Chord:
        """Chord at a sixteenth; past the bar's end, the next bar's."""
        bars, step = divmod(int(step), self.steps)
        chords = self.section.chart[(self.index + bars) % len(self.section.chart)]
        return chords[step * len(chords) // self.steps]

    def when(self, step: float) -> float:
        """Beat at which a sixteenth falls, swung as the artist swings."""
        unit = self.song.artist.swung
        count, place = divmod(step / 4, unit)
        place /= unit
        swing = self.song.artist.swing
        swung = place * 2 * swing if place < 0.5 else swing + (place - 0.5) * 2 * (1 - swing)
        return self.start + (count + swung) * unit

    def note(self, step: float, length: float, pitch: int, velocity: float) -> Note:
        """Note at a sixteenth, `length` sixteenths long, as hard as the section asks."""
        start = self.when(step)
        return Note(start, self.when(step + length) - start, pitch, velocity * self.section.energy)


class Player:
    """Someone in the band.

    Parameters
    ----------
    song : Song
        The song to play.
    rng : np.random.Generator
        The player's own whims.
    """

    def __init__(self, song: Song, rng: np.random.Generator) -> None:
        self.song = song
        self.rng = rng

    def play(self, bar: Bar) -> Iterator[Note]:
        """Yield the notes of one bar."""
        raise NotImplementedError


class Drummer(Player):
    """Plays the groove, with fills and a crash where sections meet."""

    def play(self, bar: Bar) -> Iterator[Note]:
        """Yield the notes of one bar."""
        fill = bar.is_last and self.rng.random() < self.song.artist.fills
        until = bar.steps - 4 if fill else bar.steps
        groove = bar.section.groove
        for name, pattern in groove.items():
            for step, symbol, _ in _hits(pattern, until):
                if symbol != "?" or self.rng.random() < _OCCASIONALLY:
                    yield bar.note(step, 1, DRUMS[name], _VELOCITY[symbol])
        if groove and fill:
            for step in range(until, bar.steps):
                drum = _FILL[min(step - until + int(self.rng.integers(2)), len(_FILL) - 1)]
                yield bar.note(step, 1, drum, self.rng.integers(70, 112))
        if "kick" in groove and bar.index == 0 and bar.section.kind in "CS":
            yield bar.note(0, 4, DRUMS["crash"], 96)


class Bassist(Player):
    """Plays the bass pattern over the chords, walking where it says so."""

    def play(self, bar: Bar) -> Iterator[Note]:
        """Yield the notes of one bar."""
        pitch = 36.0
        for step, symbol, length in _hits(bar.section.bass, bar.steps):
            chord = bar.chord(step)
            root = nearest((self.song.tonic + chord.root) % 12, 36)
            if symbol == "a":
                ahead = nearest((self.song.tonic + bar.chord(step + length).root) % 12, pitch)
                pitch = ahead + int(self.rng.choice([-2, -1, 1, 2]))
            elif symbol == "w":
                tone = int(self.rng.choice((*chord.tones[1:], 2)))
                pitch = nearest((root + tone) % 12, pitch + self.rng.choice([-3, 3]))
            else:
                pitch = root + _interval(symbol, chord)
            yield bar.note(step, 0.92 * length, int(np.clip(pitch, 28, 55)), 100)


class Comper(Player):
    """Accompanies: chords, strums, broken chords, power chords."""

    centre = 60
    loudness = 1.0

    def pattern(self, bar: Bar) -> str:
        """Style and rhythm for this bar."""
        return bar.section.comping

    def play(self, bar: Bar) -> Iterator[Note]:
        """Yield the notes of one bar."""
        style, rhythm = self.pattern(bar).split(":")
        for count, (step, symbol, length) in enumerate(_hits(rhythm, bar.steps)):
            chord = bar.chord(step)
            velocity = self.loudness * _VELOCITY[symbol] * (1.0 if step % 4 == 0 else 0.93)
            pitches = self._hand(style, chord, count)
            # A plectrum meets one string after the other, up and down in turn.
            late = 0.09 if style == "strum" else 0.0
            if step % 4:
                pitches = pitches[::-1]
            for string, pitch in enumerate(pitches):
                yield bar.note(step + late * string, 0.9 * length, pitch, velocity)

    def _hand(self, style: str, chord: Chord, count: int) -> list[int]:
        """Pitches of the hit number `count` of a bar."""
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


class Colourist(Comper):
    """Adds a second, sparser accompaniment an octave up."""

    centre = 69
    loudness = 0.8

    def pattern(self, bar: Bar) -> str:
        """Other favourite of the artist's, a power chord played as a plain one."""
        first, *others = (p for p in self.song.artist.comping if p != bar.section.comping)
        return (others or [first])[0].replace("power", "block").replace("shuffle", "block")


class Padder(Comper):
    """Holds the chords."""

    centre = 64
    loudness = 0.8

    def pattern(self, bar: Bar) -> str:
        """One chord after the other, each held."""
        chords = len(bar.section.chart[bar.index % len(bar.section.chart)])
        return "pad:" + ("x" + "-" * (16 // chords - 1)) * chords


class Melodist(Player):
    """Sings or plays the melody: a motif, answered and varied."""

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
        # Every other time round the motif is answered upside down.
        direction = -1 if bar.index // motif.bars % 2 else 1
        for onset, end, leap in zip(motif.onsets, ends, motif.steps, strict=True):
            if not first <= onset < first + bar.steps:
                continue
            step, varied = onset - first, self.rng.random()
            if varied < 0.08:
                continue
            self._move(direction * leap + (int(self.rng.integers(-1, 2)) if varied > 0.7 else 0))
            pitch = self.ladder[self.rung]
            if onset % 8 == 0:
                pitch = self._on_chord(bar.chord(step), pitch)
            length = min(end - onset, 8) * melody.legato
            yield bar.note(step, length, pitch, self.rng.uniform(84, 108))

    def _move(self, leap: int) -> None:
        """Climb the ladder, drawn back to the middle of the voice."""
        middle = self._closest(self.song.artist.melody.centre)
        astray = self.rung - middle
        self.rung = int(np.clip(self.rung + leap - round(astray / 4), middle - 7, middle + 7))

    def _closest(self, pitch: int) -> int:
        return min(range(len(self.ladder)), key=lambda rung: abs(self.ladder[rung] - pitch))

    def _on_chord(self, chord: Chord, pitch: int) -> int:
        tones = ((self.song.tonic + chord.root + tone) % 12 for tone in chord.tones)
        return min((nearest(tone, pitch) for tone in tones), key=lambda tone: abs(tone - pitch))


PLAYERS: dict[str, type[Player]] = {
    "kit": Drummer,
    "bass": Bassist,
    "comp": Comper,
    "colour": Colourist,
    "pad": Padder,
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
    """Semitones above the root of a bass pattern's symbol."""
    wanted = {"R": 0, "3": 4, "5": 7, "7": 10, "8": 12}[symbol]
    if wanted in (0, 12):
        return wanted
    return min(chord.tones, key=lambda tone: abs(tone - wanted))
