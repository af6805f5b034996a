"""What every loader provides, and the search for audio files."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple, Protocol

import pandas as pd

from .. import audio

__all__ = [
    "DEEPEST",
    "DataSet",
    "FoundFiles",
    "Loader",
    "audio_below",
    "is_gtzan_id",
    "subfolders",
    "track_id_of",
]

DEEPEST = 4
"""Levels of folders that are searched for audio: genre, artist, album and disc."""


class DataSet(NamedTuple):
    """Facts about a data set.

    Attributes
    ----------
    title : str
        Its name in the literature.
    reference : str
        The paper that describes it.
    license : str
        What may be done with its recordings.
    how_to_get : str
        A clause for error messages.
    official_split : str
        Where the split that comes with it is from; empty if there is none.
    """

    title: str
    reference: str
    license: str
    how_to_get: str
    official_split: str


class FoundFiles(NamedTuple):
    """The files of a corpus, listed without opening any.

    Attributes
    ----------
    root : Path
        The folder that holds the folders of audio files.
    audio : list of Path
        Audio files, sorted.
    tables : list of Path
        Files with facts about the tracks.
    """

    root: Path
    audio: list[Path]
    tables: list[Path]


class Loader(Protocol):
    """A module that opens one data set."""

    ABOUT: DataSet

    def find(self, folder: Path) -> FoundFiles | None:
        """Return the files of this data set in a folder; None if it holds another one.

        Raises
        ------
        CorpusError
            If the folder holds this data set and lacks a part of it.
        """

    def describe(self, found: FoundFiles) -> tuple[str, pd.DataFrame]:
        """Return the name of the corpus and a table of its tracks.

        The table has a row for each file that is used: `genre`, `path`, `artist` and
        `partition` (missing where unknown), indexed by `track_id`, which begins with
        the genre and a dot.
        """


def is_gtzan_id(track_id: str, genre: str) -> bool:
    """Return whether an id has GTZAN's form for a genre, such as `blues.00042` for blues."""
    return re.fullmatch(rf"{re.escape(genre)}\.\d{{5}}", track_id) is not None


def track_id_of(name: str, genre: str) -> str:
    """Return the id of a track: its name, after its genre unless it has GTZAN's form."""
    return name if is_gtzan_id(name, genre) else f"{genre}.{name}"


def subfolders(folder: Path) -> list[Path]:
    """Return the folders in a folder, sorted; hidden ones are left out."""
    return sorted(
        entry for entry in folder.iterdir() if entry.is_dir() and not entry.name.startswith(".")
    )


def audio_below(folder: Path, *, deepest: int = DEEPEST) -> list[Path]:
    """Return the audio files in a folder and in the folders below it.

    Parameters
    ----------
    folder : Path
        Where to look. Hidden files and folders are left out.
    deepest : int
        Number of levels of folders; 1 for the folder alone.

    Returns
    -------
    list of Path
        Files with one of `gtzan_lib.data.audio.EXTENSIONS`, sorted.
    """
    found: list[Path] = []
    level, visited = [folder], set()
    for _ in range(deepest):
        below: list[Path] = []
        for place in level:
            # A link may lead back to a folder above.
            if place.resolve() in visited:
                continue
            visited.add(place.resolve())
            found += (
                file
                for file in place.iterdir()
                if file.suffix.lower() in audio.EXTENSIONS and not file.name.startswith(".")
            )
            below += subfolders(place)
        level = below
    return sorted(found)
