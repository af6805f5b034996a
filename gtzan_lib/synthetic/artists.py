"""Invented artists: a style that all tracks of an artist share.

An artist draws instruments, grooves and other patterns from the genre's tables
(`idioms`), and has production settings of its own. Some artists are
cross-overs, which take a part of these from a neighbouring genre. The constants
below set how hard the corpus is to classify: how similar the artists of a genre
are, and how many lie between two genres.
"""

import zlib
from dataclasses import dataclass, fields, replace
from typing import TypeVar

import numpy as np

from .idioms import IDIOMS, Band, Groove, Melody, Sound
from .names import artist_name
from .theory import SCALES

__all__ = ["Artist", "invent_artist", "random_generator"]

T = TypeVar("T")

# Scale of the differences in production between the artists of a genre.
STUDIO_SPREAD = 0.2
# Share of the roles played by the genre's most usual instrument.
USUAL_INSTRUMENTS = 0.65
# Every fifth artist is a cross-over: the probability with which it takes each
# group of patterns from a neighbour, and the range of the neighbour's share in
# its sound.
CROSS_OVER_EVERY = 5
BORROWED_PATTERNS = 0.6
BORROWED_SOUND = (0.3, 0.6)
_GOLDEN = 0.6180339887498949


@dataclass(frozen=True, kw_only=True)
class Artist:
    """Everything that an artist's tracks have in common.

    Attributes
    ----------
    name, genre : str
        Invented name, and the genre that labels the tracks.
    band : Band
        Line-up.
    tempo : float
        Usual tempo in beats per minute.
    swing, swung : float
        Position of the off-beat in a swung unit, and that unit's length in beats.
    beats : int
        Beats per bar, 3 or 4.
    mode : str
        Usual scale.
    tonics : tuple of int
        The artist's keys, in semitones above C.
    progressions, forms, bass, comping : tuple of str
        The artist's choice from the genre's tables.
    grooves : tuple of dict
        The artist's drum patterns.
    melody : Melody
        How the melodies move.
    density : float
        Position in the melody's range of densities, 0 to 1.
    looseness : float
        Standard deviation of the notes' onsets in seconds.
    fills : float
        Share of sections that end in a drum fill.
    levels : dict
        MIDI channel volume (0 to 127) of each role.
    sound : Sound
        Production settings.
    """

    name: str
    genre: str
    band: Band
    tempo: float
    swing: float
    swung: float
    beats: int
    mode: str
    tonics: tuple[int, ...]
    progressions: tuple[str, ...]
    forms: tuple[str, ...]
    grooves: tuple[Groove, ...]
    bass: tuple[str, ...]
    comping: tuple[str, ...]
    melody: Melody
    density: float
    looseness: float
    fills: float
    levels: dict[str, int]
    sound: Sound


def random_generator(seed: int, genre: str, *path: int) -> np.random.Generator:
    """Return the random generator of a genre, an artist or a track.

    It depends on the arguments alone, so that further artists, tracks or genres
    do not change the others' music.
    """
    return np.random.default_rng([seed, zlib.crc32(genre.encode()), *path])


def invent_artist(*, seed: int, genre: str, index: int) -> Artist:
    """Invent the artist `index` of a genre.

    Parameters
    ----------
    seed : int
        Seed of the corpus.
    genre : str
        One of GTZAN's genres.
    index : int
        Number of the artist within the genre, from 0.

    Returns
    -------
    Artist
        The same for the same arguments, whatever the number of artists.
    """
    shared = random_generator(seed, genre)
    rng = random_generator(seed, genre, index)
    idiom = IDIOMS[genre]
    # Line-ups and cross-overs are assigned in turn and tempi step by the golden
    # ratio, so that few artists cover the genre and all seeds are about equally hard.
    order = shared.permutation(len(idiom.line_ups))
    position = (shared.random() + _GOLDEN * index) % 1.0
    name = artist_name(genre, index, rng=shared)
    is_cross_over = (index + shared.integers(CROSS_OVER_EVERY)) % CROSS_OVER_EVERY == 0

    band = idiom.line_ups[order[index % len(order)]]
    grooves, bass, comping, sound = idiom.grooves, idiom.bass, idiom.comping, idiom.sound
    usual = idiom.line_ups[0]
    if is_cross_over:
        neighbour = IDIOMS[rng.choice(idiom.neighbours)]
        sound = sound.blend(neighbour.sound, rng.uniform(*BORROWED_SOUND))
        if rng.random() < BORROWED_PATTERNS:
            band = usual = neighbour.line_ups[rng.integers(len(neighbour.line_ups))]
        if rng.random() < BORROWED_PATTERNS:
            grooves, bass = neighbour.grooves, neighbour.bass
        if rng.random() < BORROWED_PATTERNS:
            comping = neighbour.comping
    band = _mix_bands(usual, band, rng)
    low, high = idiom.tempo
    mode = str(rng.choice(idiom.modes))
    return Artist(
        name=name,
        genre=genre,
        band=band,
        tempo=low + (high - low) * position,
        swing=rng.uniform(*idiom.swing),
        swung=idiom.swung,
        beats=3 if rng.random() < idiom.waltz else 4,
        mode=mode,
        tonics=tuple(int(t) for t in rng.choice(12, size=2, replace=False)),
        progressions=_choose(_in_mode(idiom.progressions, mode), 3, rng),
        forms=_choose(idiom.forms, 2, rng),
        grooves=_choose(grooves, 3, rng),
        bass=_choose(bass, 3, rng),
        comping=_choose(comping, 3, rng),
        melody=replace(idiom.melody, centre=idiom.melody.centre + int(rng.integers(-5, 6))),
        density=rng.random(),
        looseness=rng.uniform(0.003, 0.014),
        fills=rng.uniform(0.1, 0.8),
        levels=_levels(rng),
        sound=_vary_sound(sound, rng),
    )


def _mix_bands(usual: Band, other: Band, rng: np.random.Generator) -> Band:
    """Take each role from the genre's usual band or from the artist's."""
    programs = {
        f.name: getattr(usual if rng.random() < USUAL_INSTRUMENTS else other, f.name)
        for f in fields(Band)
    }
    return Band(**programs)


def _choose(choices: tuple[T, ...], count: int, rng: np.random.Generator) -> tuple[T, ...]:
    order = rng.permutation(len(choices))[:count]
    return tuple(choices[i] for i in order)


def _in_mode(progressions: tuple[str, ...], mode: str) -> tuple[str, ...]:
    """Return the progressions whose tonic chord fits the scale, or all if none does."""
    minor = 3 in SCALES[mode] and 4 not in SCALES[mode]
    fitting = tuple(p for p in progressions if ("i" in _numerals(p)) == minor)
    return fitting or progressions


def _numerals(progression: str) -> set[str]:
    return {chord.rstrip("5679majsuo134") for chord in progression.replace("|", " ").split()}


def _levels(rng: np.random.Generator) -> dict[str, int]:
    """Return the loudness of each role in the mix."""
    usual = {"kit": 100, "bass": 96, "comp": 78, "colour": 66, "pad": 58, "lead": 92}
    return {role: int(np.clip(v * 10 ** rng.normal(0, 0.07), 30, 120)) for role, v in usual.items()}


def _vary_sound(sound: Sound, rng: np.random.Generator) -> Sound:
    """Vary the genre's production settings for one artist."""

    def around(centre: float, spread: float, low: float, high: float) -> float:
        return float(np.clip(rng.normal(centre, spread * STUDIO_SPREAD), low, high))

    return Sound(
        low=around(sound.low, 3.0, -9, 9),
        mid=around(sound.mid, 2.5, -8, 8),
        high=around(sound.high, 3.5, -10, 10),
        lowpass=float(np.clip(sound.lowpass * 2 ** rng.normal(0, 0.4 * STUDIO_SPREAD), 3500, 1e4)),
        drive=around(sound.drive, 0.12, 0, 0.9),
        squash=around(sound.squash, 0.15, 0, 0.9),
        pump=around(sound.pump, 0.1, 0, 0.6),
        room=around(sound.room, 0.07, 0.02, 0.5),
        decay=float(np.clip(sound.decay * 2 ** rng.normal(0, 0.5), 0.3, 3.0)),
        noise=around(sound.noise, 6.0, -84, -48),
        crackle=around(sound.crackle, 1.0, 0, 4),
        level=around(sound.level, 1.5, -9, -0.3),
        left=float(rng.uniform(0.3, 0.7)),
    )
