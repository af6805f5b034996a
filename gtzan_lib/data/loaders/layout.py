"""What every loader provides, and the ids of tracks."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple, Protocol

import pandas as pd

from ...files import printable
from .search import PassedOver

__all__ = [
    "DataSet",
    "FoundFiles",
    "Loader",
    "is_gtzan_id",
    "own_name",
    "track_id_of",
]


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
    passed_over : list of PassedOver
        What may hold sound and is not among the audio files.
    """

    root: Path
    audio: list[Path]
    tables: list[Path]
    passed_over: list[PassedOver]


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


def own_name(name: str) -> str:
    """Return the name of a corpus from that of a folder or file of users.

    It is another one than the names of data sets, by which their tracks are known.
    """
    name = printable(name)
    return f"own {name}" if name in ("fma", "gtzan", "synthetic") else name


def is_gtzan_id(track_id: str, genre: str) -> bool:
    """Return whether an id has GTZAN's form for a genre, such as `blues.00042` for blues."""
    return re.fullmatch(rf"{re.escape(genre)}\.\d{{5}}", track_id) is not None


def track_id_of(name: str, genre: str) -> str:
    """Return the id of a track: its name, after its genre unless it has GTZAN's form.

    It is one line of valid text, whatever the file's name is.
    """
    return printable(name if is_gtzan_id(name, genre) else f"{genre}.{name}")
