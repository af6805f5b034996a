"""The settings of a composed corpus, and their checks."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

from ..digests import package_digest
from ..errors import CorpusError
from ..genres import GENRES
from .names import CAPACITY

__all__ = ["PLANTED_FAULTS", "Settings", "Slot"]

PLANTED_FAULTS = (
    "unreadable",
    "truncated",
    "too-short",
    "wrong-rate",
    "silent",
    "clipped",
    "dc-offset",
    "dropouts",
    "identical",
    "reencoded",
    "gain",
    "shifted",
    "mislabelled",
)
"""Names of the faults that can be planted; the last five are copies of another track."""

_FORMAT = "gtzan_lib synthetic corpus, version 1"
_MAX_TRACKS = 1000
_SECONDS = (1.0, 600.0)


class Slot(NamedTuple):
    """A track's place in the corpus: genre, number of the artist, number of the track, id."""

    genre: str
    artist: int
    track: int
    track_id: str

    @property
    def file(self) -> Path:
        """Path of the track's file, relative to the corpus."""
        return Path("genres_original", self.genre, f"{self.track_id}.wav")


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Arguments of `compose` that determine the corpus.

    Raises
    ------
    CorpusError
        If a value is out of range.
    """

    seed: int
    artists: int
    tracks: int
    seconds: float
    genres: tuple[str, ...]
    faults: Mapping[str, int]

    def __post_init__(self) -> None:
        """Check the ranges of all values."""
        _check_integer("seed", self.seed, 0, 2**63 - 1)
        _check_integer("artists", self.artists, 1, CAPACITY)
        _check_integer("tracks", self.tracks, 1, _MAX_TRACKS)
        low, high = _SECONDS
        if not (isinstance(self.seconds, int | float) and low <= self.seconds <= high):
            raise CorpusError(
                f"seconds is {self.seconds!r}: give a length from {low:g} to {high:g} s."
            )
        unknown = [genre for genre in self.genres if genre not in GENRES]
        if unknown or not self.genres or len(set(self.genres)) < len(self.genres):
            raise CorpusError(
                f"genres is {list(self.genres)}: name each genre once, out of {', '.join(GENRES)}."
            )
        for name, count in self.faults.items():
            if name not in PLANTED_FAULTS:
                raise CorpusError(
                    f"There is no fault {name!r}: choose from {', '.join(PLANTED_FAULTS)}."
                )
            _check_integer(f"faults[{name!r}]", count, 0, len(self))

    def __len__(self) -> int:
        """Return the number of tracks."""
        return len(self.genres) * self.artists * self.tracks

    def __iter__(self) -> Iterator[Slot]:
        """Yield the tracks, genre by genre and artist by artist."""
        for genre in self.genres:
            for number in range(self.artists * self.tracks):
                yield Slot(genre, *divmod(number, self.tracks), f"{genre}.{number:05d}")

    def as_json(self) -> dict[str, Any]:
        """Return all that determines the corpus: arguments, format, and the code's digest."""
        return {
            "format": _FORMAT,
            "composer": package_digest("synthetic", "mp3"),
            **asdict(self),
            "genres": list(self.genres),
            "faults": {name: self.faults[name] for name in PLANTED_FAULTS if self.faults.get(name)},
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "Settings":
        """Make settings from what `as_json` returned."""
        names: Sequence[str] = ("seed", "artists", "tracks", "seconds", "genres", "faults")
        return cls(**{name: stored[name] for name in names})


def _check_integer(name: str, value: object, low: int, high: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise CorpusError(f"{name} is {value!r}: give a whole number from {low} to {high}.")
