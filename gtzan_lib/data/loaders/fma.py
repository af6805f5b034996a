"""FMA: `fma_small`, `fma_medium`, `fma_large` and `fma_full`, as they are downloaded.

The audio archives hold folders of numbers, `fma_small/000/000002.mp3`. Genres,
artists and the official split are in `fma_metadata/tracks.csv`, which must be in
the same folder, or beside the folder of audio.

References
----------
M. Defferrard, K. Benzi, P. Vandergheynst and X. Bresson, "FMA: A dataset for music
analysis", ISMIR 2017, which has the genres, the subsets and the split.
"""

from __future__ import annotations

import csv
import itertools
import re
import warnings
from pathlib import Path

import pandas as pd

from ...errors import CorpusError, GtzanWarning
from .layout import DataSet, FoundFiles
from .search import list_folder, search, sound_beside

__all__ = ["ABOUT", "METADATA", "describe", "find"]

ABOUT = DataSet(
    title="FMA: A dataset for music analysis",
    reference="M. Defferrard, K. Benzi, P. Vandergheynst and X. Bresson, "
    '"FMA: A dataset for music analysis", ISMIR 2017',
    license="each track has its own Creative Commons licence, which fma_metadata/tracks.csv names",
    how_to_get="fma_small.zip and fma_metadata.zip are linked from github.com/mdeff/fma; unpack "
    "both into one folder",
    official_split="the column (set, split) of fma_metadata/tracks.csv",
)

METADATA = Path("fma_metadata", "tracks.csv")
"""Where the table of tracks is, in the named folder or beside it."""

_AUDIO_FOLDERS = ("fma_small", "fma_medium", "fma_large", "fma_full")

# The two rows of the table's head that name each column, and our name.
_COLUMNS = {
    ("artist", "id"): "artist",
    ("set", "split"): "partition",
    ("track", "genre_top"): "genre",
}

_PARTITIONS = {"training": "train", "validation": "valid", "test": "test"}


def find(folder: Path) -> FoundFiles | None:
    """List the files of FMA.

    Parameters
    ----------
    folder : Path
        The folder that the user named: `fma_small`, or the one that holds it.

    Returns
    -------
    FoundFiles or None
        None if there are no folders of numbers with files such as `000/000002.mp3`.

    Raises
    ------
    CorpusError
        If there is audio of FMA, and no `fma_metadata/tracks.csv` in the folder or
        beside it; or if the folder holds several sizes of FMA.
    """
    inside = [folder / name for name in _AUDIO_FOLDERS if _has_tracks(folder / name)]
    if len(inside) > 1:
        names = " and ".join(path.name for path in inside)
        raise CorpusError(f"{folder}: holds {names}; open one of them.")
    root = inside[0] if inside else folder
    if not _has_tracks(root):
        return None
    root = root.resolve()
    for table in (root / METADATA, root.parent / METADATA):
        if table.is_file():
            files: list[Path] = []
            passed_over = sound_beside(root, "beside the folders of numbers")
            for place in _number_folders(root):
                found = search(place)
                files += found.files
                passed_over += found.passed_over
            return FoundFiles(root, files, [table], passed_over)
    raise CorpusError(
        f"{root}: holds tracks of FMA, and {METADATA} is neither in it nor beside it; download "
        "fma_metadata.zip and unpack it beside the folder."
    )


def describe(found: FoundFiles) -> tuple[str, pd.DataFrame]:
    """Return the name `fma` and the tracks with genres, artists and partitions.

    Parameters
    ----------
    found : FoundFiles
        From `find`.

    Returns
    -------
    name : str
        `fma`, whatever the size, since the larger ones contain the smaller.
    tracks : pd.DataFrame
        See `gtzan_lib.data.loaders.layout.Loader.describe`. The genre is
        `genre_top`, with a hyphen for a slash; the artist is FMA's number of it;
        the id is for instance `Hip-Hop.000002`.

    Raises
    ------
    CorpusError
        If the table is damaged, or names the genre of no file.

    Warns
    -----
    GtzanWarning
        If files are left out, since the table has no top genre for them.
    """
    (table,) = found.tables
    known = _read(table)
    files = pd.Series(found.audio, index=[_number(file) for file in found.audio], dtype=object)
    tracks = known.reindex(files.index).assign(path=files.astype(str))
    usable = tracks["genre"].notna()
    if not usable.any():
        raise CorpusError(
            f"{table}: has a top genre for none of the {len(files)} files in {found.root}; unpack "
            "fma_metadata.zip again."
        )
    if not usable.all():
        warnings.warn(
            f"{found.root}: {(~usable).sum()} of {len(tracks)} files are left out, since {table} "
            f"has no top genre for them, such as {files[~usable].iloc[0].name}.",
            GtzanWarning,
            stacklevel=4,
        )
    tracks = tracks[usable]
    stems = tracks["path"].map(lambda path: Path(path).stem)
    tracks.index = pd.Index(tracks["genre"] + "." + stems, dtype=object, name="track_id")
    return "fma", tracks[["genre", "path", "artist", "partition"]].astype(object)


def _number_folders(root: Path) -> list[Path]:
    return [place for place in list_folder(root).folders if re.fullmatch(r"\d{3}", place.name)]


def _has_tracks(root: Path) -> bool:
    """Return whether a folder holds files such as `000/000002.mp3`."""
    return root.is_dir() and any(
        re.fullmatch(r"\d{6}", file.stem) and file.stem.startswith(place.name)
        for place in _number_folders(root)
        for file in search(place, deepest=1).files
    )


def _number(file: Path) -> str:
    """Return the number of a track as the table writes it, without leading zeros."""
    return str(int(file.stem)) if file.stem.isdecimal() else file.stem


def _read(path: Path) -> pd.DataFrame:
    """Read the genre, artist and partition of each track, indexed by its number."""
    try:
        with path.open(encoding="utf-8", newline="") as stream:
            head = list(zip(*itertools.islice(csv.reader(stream), 2), strict=True))
            places = {0: "number"} | {head.index(column): n for column, n in _COLUMNS.items()}
        table = pd.read_csv(
            path,
            skiprows=3,
            header=None,
            usecols=sorted(places),
            names=[places[place] for place in sorted(places)],
            dtype=str,
            # An artist may be called "None", a genre may not.
            keep_default_na=False,
            na_values=[""],
        ).set_index("number")
    except (OSError, ValueError, csv.Error) as error:
        raise CorpusError(
            f"{path}: is not FMA's table of tracks, which has columns (set, split), (track, "
            "genre_top) and (artist, id) in its first two rows; unpack fma_metadata.zip again."
        ) from error
    if table.index.duplicated().any():
        repeated = table.index[table.index.duplicated()][0]
        raise CorpusError(f"{path}: has track {repeated} twice; unpack fma_metadata.zip again.")
    table["genre"] = table["genre"].str.strip().str.replace(r"\s*/\s*", "-", regex=True)
    table["partition"] = table["partition"].map(_PARTITIONS)
    return table.astype(object)
