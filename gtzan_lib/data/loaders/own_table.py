"""The table `tracks.csv` that users put beside their music, with artists and partitions."""

from __future__ import annotations

import codecs
import csv
import io
import unicodedata
import warnings
from pathlib import Path, PurePosixPath

import numpy as np
import pandas as pd

from ...errors import CorpusError, GtzanWarning
from ...files import printable
from .. import audio

__all__ = ["add_own_facts"]

_SEPARATORS = (",", ";", "\t", "|")
_FACTS = ["artist", "partition"]


def add_own_facts(path: Path, root: Path, tracks: pd.DataFrame) -> pd.DataFrame:
    """Add the artists and partitions of a `tracks.csv` to a table of tracks.

    Parameters
    ----------
    path : Path
        The table: CSV with a column `track_id` and columns `artist`, `partition` or
        both, in UTF-8, UTF-16 or Windows-1252, separated by commas, semicolons, tabs
        or vertical bars. In `track_id` there may also be names or paths of the
        files, with endings or without.
    root : Path
        The folder of the corpus.
    tracks : pd.DataFrame
        Indexed by `track_id`, with `path`, and `artist` and `partition` as far as the
        loader knows them.

    Returns
    -------
    pd.DataFrame
        With the artists of the table where it has one, and with its partitions if it
        has any.

    Raises
    ------
    CorpusError
        If the table cannot be read, has a track twice, or no row of it is of a track.

    Warns
    -----
    GtzanWarning
        If rows are of no track, or tracks have no row; if the encoding is a guess.
    """
    rows = _read(path)
    known = _spellings(root, tracks)
    matches = pd.Series([_track_of(name, known) for name in rows["track_id"]], dtype=object)
    unmatched = rows["track_id"][matches.isna()]
    if len(rows) and matches.isna().all():
        raise CorpusError(
            f"{path}: none of its {len(rows)} rows is of a track: its first track_id is "
            f"{rows['track_id'].iloc[0]!r}, and the corpus has {tracks.index[0]!r}; write such ids "
            "into it, or move it elsewhere."
        )
    repeated = matches[matches.notna() & matches.duplicated()]
    if len(repeated):
        raise CorpusError(f"{path}: has track {repeated.iloc[0]!r} twice; keep one row per track.")
    without = tracks.index[~tracks.index.isin(matches)]
    _warn(path, unmatched, len(rows), without, len(tracks))
    own = rows.set_index(pd.Index(matches, name="track_id"))[_FACTS]
    own = own[own.index.notna()].reindex(tracks.index)
    artist = np.where(own["artist"].notna(), own["artist"], tracks["artist"])
    # Parts of two splits do not fit together.
    partition = own["partition"] if own["partition"].notna().any() else tracks["partition"]
    return tracks.assign(artist=artist, partition=partition.to_numpy(dtype=object))


def _read(path: Path) -> pd.DataFrame:
    """Read `track_id` as text, `artist` and `partition`; empty cells of these two are missing."""
    text = _decode(path)
    head = text.partition("\n")[0]
    separator = next((mark for mark in _SEPARATORS if "track_id" in _columns(head, mark)), None)
    if separator is None:
        raise CorpusError(
            f"{path}: has no column 'track_id'; expected 'track_id' and, where known, "
            "'artist' and 'partition'."
        )
    try:
        table = pd.read_csv(
            io.StringIO(text),
            sep=separator,
            names=_columns(head, separator),
            skiprows=1,
            index_col=False,
            dtype=str,
            # An artist may be called "None".
            keep_default_na=False,
        )
    except ValueError as error:
        reason = str(error).rpartition("error: ")[2].strip()
        raise CorpusError(
            f"{path}: cannot be read as a table ({reason}); save it as CSV again."
        ) from error
    table = table.reindex(columns=["track_id", *_FACTS]).astype(object).fillna("")
    table = table.map(lambda cell: _composed(cell).strip())
    table = table[(table != "").any(axis=1)].reset_index(drop=True)
    return table.assign(**{name: table[name].where(table[name] != "", None) for name in _FACTS})


def _decode(path: Path) -> str:
    try:
        octets = path.read_bytes()
    except OSError as error:
        raise CorpusError(
            f"{path}: cannot be read ({error.strerror}); allow it, or move it elsewhere."
        ) from error
    utf_16 = octets.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    for encoding in ("utf-16",) if utf_16 else ("utf-8-sig", "cp1252"):
        try:
            text = octets.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" in text:
            break
        if encoding == "cp1252":
            warnings.warn(
                f"{path}: is not in UTF-8 and is read as Windows-1252; save it as CSV in UTF-8 if "
                "names come out wrong.",
                GtzanWarning,
                stacklevel=6,
            )
        return text
    raise CorpusError(f"{path}: is not text in UTF-8; save it as CSV in UTF-8.")


def _columns(head: str, separator: str) -> list[str]:
    """Return the names in a header, in lower case and without blanks around them."""
    cells = next(csv.reader([head], delimiter=separator), [])
    return [cell.strip().lower() for cell in cells]


def _composed(name: str) -> str:
    """Return a name whose accents are parts of their letters, as macOS does not write them."""
    return unicodedata.normalize("NFC", name)


def _spellings(root: Path, tracks: pd.DataFrame) -> dict[str, str]:
    """Return the track of each spelling that names one track alone: id, path, name of its file."""
    spellings: dict[str, set[str]] = {}
    for track_id, path in tracks["path"].items():
        # A corpus that is one file has no files of tracks.
        if Path(path).is_relative_to(root) and Path(path) != root:
            inside = PurePosixPath(Path(path).relative_to(root).as_posix()).with_suffix("")
            for spelling in (printable(str(inside)), printable(inside.name)):
                spellings.setdefault(_composed(spelling), set()).add(track_id)
    known = {name: min(ids) for name, ids in spellings.items() if len(ids) == 1}
    return known | {_composed(track_id): track_id for track_id in tracks.index}


def _track_of(text: str, known: dict[str, str]) -> str | None:
    """Return the track that an id, a file's name or its path names; None if there is none."""
    stem, dot, ending = text.rpartition(".")
    stems = [text, stem] if f"{dot}{ending}".lower() in audio.EXTENSIONS else [text]
    for name in stems:
        parts = name.replace("\\", "/").split("/")
        for tail in range(len(parts)):
            spelling = "/".join(parts[tail:])
            if spelling in known:
                return known[spelling]
    return None


def _warn(path: Path, unmatched: pd.Series, rows: int, without: pd.Index, tracks: int) -> None:
    parts = []
    if len(unmatched):
        parts.append(
            f"{len(unmatched)} of {rows} rows are of no track (such as {unmatched.iloc[0]!r})"
        )
    if len(without):
        parts.append(f"{len(without)} of {tracks} tracks have no row (such as {without[0]!r})")
    if parts:
        warnings.warn(
            f"{path}: {', and '.join(parts)}; correct track_id, or leave artist empty where it is "
            "not known.",
            GtzanWarning,
            stacklevel=6,
        )
