"""The search for audio files in folders, and for what is passed over."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from ...errors import CorpusError
from ...files import printable
from .. import audio

__all__ = [
    "DEEPEST",
    "FolderListing",
    "PassedOver",
    "SearchResult",
    "has_audio",
    "is_empty",
    "list_folder",
    "search",
    "sound_beside",
    "sound_files",
    "summaries",
]

DEEPEST = 4
"""Levels of folders that are searched for audio: genre, artist, album and disc."""

# Endings of further sound files, of videos and of scores; `EXTENSIONS` may have some of them.
_OTHER_SOUND = frozenset((
    ".3gp", ".aa", ".aac", ".aax", ".ac3", ".aif", ".aifc", ".aiff", ".amr", ".ape", ".asf",
    ".avi", ".caf", ".dff", ".dsf", ".dts", ".flv", ".gsm", ".m4a", ".m4b", ".m4p", ".m4v",
    ".mid", ".midi", ".mka", ".mkv", ".mov", ".mp1", ".mp2", ".mp4", ".mpc", ".mpg", ".oga",
    ".opus", ".ra", ".ram", ".rf64", ".sd2", ".shn", ".snd", ".spx", ".tak", ".tta", ".voc",
    ".w64", ".weba", ".webm", ".wma", ".wmv", ".wv",
))  # fmt: skip

# Folders of systems, which nobody made for music.
_SYSTEM = {"__MACOSX", "$RECYCLE.BIN", "System Volume Information", "@eaDir"}


class PassedOver(NamedTuple):
    """A file or folder that may hold sound, and is not in the corpus.

    Attributes
    ----------
    path : Path
        Where it is.
    reason : str
        Why it is passed over, in words that can stand after a number.
    """

    path: Path
    reason: str


class SearchResult(NamedTuple):
    """The result of a search.

    Attributes
    ----------
    files : list of Path
        Files with one of `gtzan_lib.data.audio.EXTENSIONS`, sorted.
    passed_over : list of PassedOver
        What may hold sound and is not among the files, sorted.
    """

    files: list[Path]
    passed_over: list[PassedOver]


class FolderListing(NamedTuple):
    """What is in a folder; hidden entries and folders of the system are left out.

    Attributes
    ----------
    folders, others : list of Path
        Sorted.
    problem : str
        Why the folder cannot be listed; empty if it can.
    """

    folders: list[Path]
    others: list[Path]
    problem: str


def list_folder(folder: Path) -> FolderListing:
    """List a folder.

    Parameters
    ----------
    folder : Path
        The folder; no error is raised if it cannot be listed.

    Returns
    -------
    FolderListing
        What is in it.
    """
    folders: list[Path] = []
    others: list[Path] = []
    try:
        with os.scandir(folder) as listed:
            for entry in listed:
                if entry.name.startswith(".") or entry.name in _SYSTEM:
                    continue
                (folders if _is_folder(entry) else others).append(Path(entry.path))
    except OSError as error:
        return FolderListing([], [], error.strerror or str(error))
    return FolderListing(sorted(folders), sorted(others), "")


def search(folder: Path, *, deepest: int = DEEPEST) -> SearchResult:
    """Search for audio files in a folder and in the folders below it.

    Nothing in it stops the search: what cannot be listed or is no file is passed over.

    Parameters
    ----------
    folder : Path
        Where to look.
    deepest : int
        Number of levels of folders; 1 for the folder alone.

    Returns
    -------
    SearchResult
        The files, and what is passed over.
    """
    found, below = _search(folder, deepest)
    reason = f"more than {deepest} folders deep"
    deeper = [PassedOver(place, reason) for place in below if has_audio(place)]
    return SearchResult(found.files, sorted(found.passed_over + deeper))


def has_audio(folder: Path, *, deepest: int = DEEPEST) -> bool:
    """Return whether there are audio files in a folder or in the folders below it."""
    return bool(_search(folder, deepest)[0].files)


def sound_files(folder: Path) -> list[Path]:
    """Return the audio files in a folder and in all folders below it.

    Parameters
    ----------
    folder : Path
        Where to look.

    Returns
    -------
    list of Path
        Sorted.

    Raises
    ------
    CorpusError
        If there are none.
    """
    found, _ = _search(folder, sys.maxsize)
    if not found.files:
        passed_over = "".join(f", but {text}" for text in summaries(folder, found.passed_over))
        raise CorpusError(
            f"{folder}: holds no audio files{passed_over}; name files, or another folder."
        )
    return found.files


def is_empty(folder: Path) -> bool:
    """Return whether there are no files in a folder nor below it, hidden ones aside."""
    return all(name.startswith(".") for *_, files in os.walk(folder) for name in files)


def sound_beside(folders: Path, reason: str) -> list[PassedOver]:
    """Return the sound files that lie beside the folders of a corpus, not in one of them."""
    return [PassedOver(file, reason) for file in list_folder(folders).others if _may_be_sound(file)]


def summaries(root: Path, passed_over: Iterable[PassedOver]) -> list[str]:
    """Return a clause with number and examples for each reason.

    Parameters
    ----------
    root : Path
        The folder that the examples are relative to.
    passed_over : iterable of PassedOver
        What was passed over in it.

    Returns
    -------
    list of str
        Such as `2 in a format that is not read (jazz/a.wma, jazz/b.wma)`.
    """
    names: dict[str, list[str]] = {}
    for path, reason in passed_over:
        names.setdefault(reason, []).append(printable(str(path.relative_to(root))))
    return [
        f"{len(of_reason)} {reason} ({', '.join(of_reason[:_EXAMPLES])}"
        f"{', ...' if len(of_reason) > _EXAMPLES else ''})"
        for reason, of_reason in sorted(names.items())
    ]


_EXAMPLES = 3


def _search(folder: Path, deepest: int) -> tuple[SearchResult, list[Path]]:
    """Search some levels of folders; also return the folders of the next level."""
    found = SearchResult([], [])
    level, depth, visited = [folder], 0, set()
    while level and depth < deepest:
        depth += 1
        below: list[Path] = []
        for place in level:
            # A link may lead back to a folder above.
            if place.resolve() in visited:
                continue
            visited.add(place.resolve())
            listed = list_folder(place)
            if listed.problem:
                found.passed_over.append(PassedOver(place, f"not listed ({listed.problem})"))
            for file in filter(_may_be_sound, listed.others):
                reason = _obstacle(file)
                if reason:
                    found.passed_over.append(PassedOver(file, reason))
                else:
                    found.files.append(file)
            for inside in filter(_may_be_sound, listed.folders):
                if is_empty(inside):
                    found.passed_over.append(PassedOver(inside, "a folder named like a file"))
            below += listed.folders
        level = below
    found.files.sort()
    return found, [place for place in level if place.resolve() not in visited]


def _may_be_sound(path: Path) -> bool:
    ending = path.suffix.lower()
    return ending in audio.EXTENSIONS or ending in _OTHER_SOUND


def _obstacle(file: Path) -> str:
    """Return why a file that may hold sound is passed over; empty if it is not."""
    if file.suffix.lower() not in audio.EXTENSIONS:
        return "in a format that is not read"
    try:
        return "" if file.is_file() or file.is_symlink() else "not a regular file"
    except OSError:
        # A track that cannot be read, as is a link that leads to no file.
        return ""


def _is_folder(entry: os.DirEntry[str]) -> bool:
    """Return whether an entry is a folder; not if this cannot be found out."""
    try:
        return entry.is_dir()
    except OSError:
        return False
