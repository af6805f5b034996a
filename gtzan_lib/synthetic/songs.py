"""Songs: form, chords and melodic ideas, before any note is played.

A song is a sequence of sections. Sections of one kind (all verses, all choruses)
share one `Section`, so that they repeat each other.
"""

from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from .artists import Artist, invent_artist, random_generator
from .idioms import Groove
from .names import song_title
from .theory import KEYS, Chord, chart

__all__ = ["Motif", "Section", "Song", "compose_song"]

T = TypeVar("T")

_MOTIF_BARS = 2
# Scale steps from one note of a melody to the next, and their probabilities.
_SCALE_STEPS = {-4: 0.05, -2: 0.14, -1: 0.26, 0: 0.1, 1: 0.26, 2: 0.14, 4: 0.05}
# Largest relative difference of a song's tempo from the artist's usual tempo.
_TEMPO_RANGE = 0.08


@dataclass(frozen=True)
class Motif:
    """A melodic idea: the onsets of its notes and the steps between their pitches.

    Attributes
    ----------
    onsets : tuple of int
        Sixteenth notes from the motif's beginning.
    steps : tuple of int
        Scale steps from the note before, one per onset.
    bars : int
        Number of bars.
    """

    onsets: tuple[int, ...]
    steps: tuple[int, ...]
    bars: int = _MOTIF_BARS


@dataclass(frozen=True)
class Section:
    """One kind of section of a song.

    Attributes
    ----------
    kind : str
        I(ntro), V(erse), C(horus), S(olo) or B(reak).
    bars : int
        Number of bars.
    chart : tuple of tuple of Chord
        Chords by bar; repeated until the section ends.
    roles : tuple of str
        The roles that play.
    energy : float
        Factor of the notes' velocities, about 1.
    groove, bass, comping
        Patterns of drums, bass and accompaniment.
    motif : Motif
        Melodic idea.
    """

    kind: str
    bars: int
    chart: tuple[tuple[Chord, ...], ...]
    roles: tuple[str, ...]
    energy: float
    groove: Groove
    bass: str
    comping: str
    motif: Motif


@dataclass(frozen=True)
class Song:
    """A song, and the position at which its excerpt begins.

    Attributes
    ----------
    path : tuple
        Seed, genre, number of the artist, number of the track.
    artist : Artist
        The artist who plays it.
    title : str
        Its title.
    tempo : float
        Beats per minute.
    tonic : int
        Key, semitones above C.
    sections : tuple of Section
        The form; after the last section it begins again.
    start : float
        Bars from the beginning of the song to that of the excerpt.
    """

    path: tuple[int, str, int, int]
    artist: Artist
    title: str
    tempo: float
    tonic: int
    sections: tuple[Section, ...]
    start: float

    @property
    def key(self) -> str:
        """Name of the key, such as ``Bb dorian``."""
        return f"{KEYS[self.tonic]} {self.artist.mode}"

    @property
    def form(self) -> str:
        """The sections' kinds, such as ``VCVC``."""
        return "".join(section.kind for section in self.sections)

    def random_generator(self, player: int) -> np.random.Generator:
        """Return the random generator of one player or one step of the production."""
        seed, genre, artist, track = self.path
        return random_generator(seed, genre, artist, track, player)


def compose_song(*, seed: int, genre: str, artist: int, track: int) -> Song:
    """Write one song.

    Parameters
    ----------
    seed : int
        Seed of the corpus.
    genre : str
        One of GTZAN's genres.
    artist, track : int
        Number of the artist in the genre, and of the track among the artist's.

    Returns
    -------
    Song
        The same for the same arguments.
    """
    performer = invent_artist(seed=seed, genre=genre, index=artist)
    rng = random_generator(seed, genre, artist, track)
    form = str(rng.choice(performer.forms))
    kinds = {kind: _section(kind, performer, rng) for kind in "IVCSB"}
    sections = tuple(kinds[kind] for kind in form)
    return Song(
        path=(seed, genre, artist, track),
        artist=performer,
        title=song_title(rng=rng),
        tempo=performer.tempo * (1 + rng.uniform(-_TEMPO_RANGE, _TEMPO_RANGE)),
        tonic=int(rng.choice(performer.tonics)),
        sections=sections,
        start=rng.uniform(0, sum(section.bars for section in sections)),
    )


def _section(kind: str, artist: Artist, rng: np.random.Generator) -> Section:
    def pick(choices: tuple[T, ...]) -> T:
        return choices[rng.integers(len(choices))]

    chords = chart(pick(artist.progressions))
    return Section(
        kind=kind,
        # Progressions of more than 8 bars, as of a 12-bar blues, are played in full.
        bars=len(chords) if len(chords) > 8 else 4 if kind in "IB" else int(rng.choice([4, 8])),
        chart=chords,
        roles=_roles(kind, rng),
        energy={"I": 0.8, "V": 0.88, "C": 1.0, "S": 0.96, "B": 0.8}[kind],
        groove=pick(artist.grooves),
        bass=pick(artist.bass),
        comping=pick(artist.comping),
        motif=_motif(kind, artist, rng),
    )


def _roles(kind: str, rng: np.random.Generator) -> tuple[str, ...]:
    """Choose the roles that play in a section."""
    always = {
        "I": {"comp"},
        "V": {"kit", "bass", "comp", "lead"},
        "C": {"kit", "bass", "comp", "colour", "pad", "lead"},
        "S": {"kit", "bass", "comp", "solo"},
        "B": {"comp"},
    }[kind]
    sometimes = {
        "I": {"kit": 0.5, "bass": 0.5, "colour": 0.5, "pad": 0.3},
        "V": {"colour": 0.4, "pad": 0.3},
        "C": {},
        "S": {"colour": 0.5, "pad": 0.3},
        "B": {"kit": 0.5, "bass": 0.6, "pad": 0.5, "lead": 0.4},
    }[kind]
    roles = always | {role for role, share in sometimes.items() if rng.random() < share}
    return tuple(sorted(roles))


def _motif(kind: str, artist: Artist, rng: np.random.Generator) -> Motif:
    """Draw a motif, with most notes on strong positions and few in the last beat."""
    steps = 4 * artist.beats * _MOTIF_BARS
    low, high = artist.melody.density
    notes_per_beat = (low + (high - low) * np.clip(artist.density + rng.normal(0, 0.25), 0, 1)) * (
        1.4 if kind == "S" else 1.0
    )
    count = int(np.clip(round(notes_per_beat * artist.beats * _MOTIF_BARS), 2, steps - 4))
    syncopation = artist.melody.syncopation
    # Weights of the four sixteenth notes of a beat.
    weights = np.tile([1.0, 0.25 * syncopation, 0.3 + syncopation, 0.35 * syncopation], steps // 4)
    weights[-4:] = 0.02
    onsets = np.sort(rng.choice(steps, size=count, replace=False, p=weights / weights.sum()))
    scale_steps = rng.choice(list(_SCALE_STEPS), size=count, p=list(_SCALE_STEPS.values()))
    return Motif(tuple(map(int, onsets)), tuple(map(int, scale_steps)))
