"""Invented artists: a style that all tracks of an artist share.

An artist takes a line-up, grooves and habits from the genre's idiom, and has a
studio of its own. Some artists are cross-overs, who borrow much of that from a
neighbouring genre. The constants below set the difficulty of the corpus: how
much alike the artists of a genre are, and how many stand between two genres.
"""

import zlib
from dataclasses import dataclass, fields, replace

import numpy as np

from .idioms import IDIOMS, Band, Groove, Melody, Sound
from .names import artist_name
from .theory import SCALES

__all__ = ["Artist", "invent", "random_generator"]

# Scale of the differences between the studios of a genre.
STUDIO_SPREAD = 0.2
# Share of the roles played by the instrument most usual in the genre.
HOUSE_BAND = 0.65
# One artist in so many is a cross-over; the share of the habits that they
# borrow, and of the neighbour's sound in theirs.
CROSS_OVER_EVERY = 5
BORROWED_HABITS = 0.6
BORROWED_SOUND = (0.3, 0.6)
_GOLDEN = 0.6180339887498949


@dataclass(frozen=True, kw_only=True)
class Artist:
    """Everything that persists over an artist's tracks.

    Attributes
    ----------
    name, genre : str
        Invented name, and the genre the artist is filed under.
    band : Band
        Line-up.
    tempo : float
        Usual tempo in beats a minute.
    swing, swung : float
        Place of the off-beat in a swung unit, and that unit's length in beats.
    beats : int
        Beats a bar, 3 or 4.
    mode : str
        Usual scale.
    tonics : tuple of int
        Favourite keys, semitones above C.
    progressions, forms, bass, comping : tuple of str
        Favourites among the idiom's.
    grooves : tuple of dict
        Favourite drum patterns.
    melody : Melody
        How the melodies move.
    density : float
        Place in the melody's range of densities, 0 to 1.
    looseness : float
        Standard deviation of the timing in seconds.
    fills : float
        Share of sections that end in a drum fill.
    levels : dict
        Loudness of each role in the band, as MIDI channel volume (0 to 127).
    sound : Sound
        Production.
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
    """Give a generator of its own to a genre, an artist or a track.

    It depends on these names alone, so that more artists, tracks or genres
    leave the others' music as it is.
    """
    return np.random.default_rng([seed, zlib.crc32(genre.encode()), *path])


def invent(*, seed: int, genre: str, index: int) -> Artist:
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
        The same for the same arguments, however many others there are.
    """
    shared = random_generator(seed, genre)
    rng = random_generator(seed, genre, index)
    idiom = IDIOMS[genre]
    # Line-ups and cross-overs are dealt, not drawn, and tempi step by the golden
    # ratio: few artists cover the genre, and all seeds are about as hard.
    bands = shared.permutation(len(idiom.bands))
    place = (shared.random() + _GOLDEN * index) % 1.0
    name = artist_name(genre, index, rng=shared)
    crosses = (index + shared.integers(CROSS_OVER_EVERY)) % CROSS_OVER_EVERY == 0

    band = idiom.bands[bands[index % len(bands)]]
    grooves, bass, comping, sound = idiom.grooves, idiom.bass, idiom.comping, idiom.sound
    usual = idiom.bands[0]
    if crosses:
        lender = IDIOMS[rng.choice(idiom.neighbours)]
        sound = sound.blend(lender.sound, rng.uniform(*BORROWED_SOUND))
        if rng.random() < BORROWED_HABITS:
            band = usual = lender.bands[rng.integers(len(lender.bands))]
        if rng.random() < BORROWED_HABITS:
            grooves, bass = lender.grooves, lender.bass
        if rng.random() < BORROWED_HABITS:
            comping = lender.comping
    band = _mixed(usual, band, rng)
    low, high = idiom.tempo
    mode = str(rng.choice(idiom.modes))
    return Artist(
        name=name,
        genre=genre,
        band=band,
        tempo=low + (high - low) * place,
        swing=rng.uniform(*idiom.swing),
        swung=idiom.swung,
        beats=3 if rng.random() < idiom.waltz else 4,
        mode=mode,
        tonics=tuple(int(t) for t in rng.choice(12, size=2, replace=False)),
        progressions=_favourites(_in_mode(idiom.progressions, mode), 3, rng),
        forms=_favourites(idiom.forms, 2, rng),
        grooves=_favourites(grooves, 3, rng),
        bass=_favourites(bass, 3, rng),
        comping=_favourites(comping, 3, rng),
        melody=replace(idiom.melody, centre=idiom.melody.centre + int(rng.integers(-5, 6))),
        density=rng.random(),
        looseness=rng.uniform(0.003, 0.014),
        fills=rng.uniform(0.1, 0.8),
        levels=_balance(rng),
        sound=_studio(sound, rng),
    )


def _mixed(usual: Band, own: Band, rng: np.random.Generator) -> Band:
    """Take each role from the genre's usual line-up or from the artist's own."""
    lines = {
        f.name: getattr(usual if rng.random() < HOUSE_BAND else own, f.name) for f in fields(Band)
    }
    return Band(**lines)


def _favourites(choices: tuple, count: int, rng: np.random.Generator) -> tuple:
    order = rng.permutation(len(choices))[:count]
    return tuple(choices[i] for i in order)


def _in_mode(progressions: tuple[str, ...], mode: str) -> tuple[str, ...]:
    """Keep the progressions whose tonic chord suits the scale, or all if none does."""
    minor = 3 in SCALES[mode] and 4 not in SCALES[mode]
    suited = tuple(p for p in progressions if ("i" in _numerals(p)) == minor)
    return suited or progressions


def _numerals(progression: str) -> set[str]:
    return {chord.rstrip("5679majsuo134") for chord in progression.replace("|", " ").split()}


def _balance(rng: np.random.Generator) -> dict[str, int]:
    """How loud the band mixes each role."""
    usual = {"kit": 100, "bass": 96, "comp": 78, "colour": 66, "pad": 58, "lead": 92}
    return {role: int(np.clip(v * 10 ** rng.normal(0, 0.07), 30, 120)) for role, v in usual.items()}


def _studio(sound: Sound, rng: np.random.Generator) -> Sound:
    """Turn the genre's sound into one artist's."""

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
