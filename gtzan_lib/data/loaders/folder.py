"""Any music in folders named after genres.

Below a genre there may be folders of artists, with folders of albums and discs
in them: `rock/Some Artist/Some Album/01 Song.flac`. The first folder below the
genre is then taken as the artist.
"""

from __future__ import annotations

import re
import warnings
from pathlib import Path

import pandas as pd

from ...errors import CorpusError, GtzanWarning
from ...files import printable
from .layout import DataSet, FoundFiles, own_name, track_id_of
from .search import (
    DEEPEST,
    PassedOver,
    has_audio,
    is_empty,
    list_folder,
    search,
    sound_beside,
)

__all__ = ["ABOUT", "LAYOUTS", "describe", "find", "find_root", "tracks_of"]

ABOUT = DataSet(
    title="Folders named after genres",
    reference="",
    license="that of your music",
    how_to_get="put the audio files of each genre into a folder named after it",
    official_split="the column partition of a tracks.csv beside the folders",
)

LAYOUTS = (
    "genres_original",
    "Data/genres_original",
    "gtzan_genre/genres",
    "genres",
    ".",
    "mini",
)
"""Where genre folders may be below the named folder, in order of preference: Kaggle's archive and
its parts, mirdata's and Marsyas' archive, the folder itself, and a sample of GTZAN."""

# Folders that are no genres, and why. A year or a decade may be a class.
_NO_GENRES = {
    r"(?!(19|20)\d\d$)\d+": "is a number",
    r"[a-z]": "is a letter",
    r"(cd|dis[ck]|vol|volume)[ _.-]*\d+": "is a disc",
    r"train|training|val|valid|validation|dev|test|testing": "is a part of a split",
    r"audio|clips|data|files|mp3|music|recordings|songs|sounds|tracks|wavs?": "is a container",
    r"genres(_original)?|gtzan(_genre)?|fma_\w+": "holds genres or tracks of a data set",
}

# Names that music players give to folders of several or unknown artists.
_NO_ARTISTS = r"(various|unknown)( artists?)?|compilations?|va|soundtracks?"


def find(folder: Path) -> FoundFiles | None:
    """List the files of a folder of genres.

    Parameters
    ----------
    folder : Path
        The folder that the user named.

    Returns
    -------
    FoundFiles or None
        None if no folder in it holds audio.

    Raises
    ------
    CorpusError
        If a folder in it cannot be a genre.
    """
    root = find_root(folder)
    if root is None:
        return None
    files = []
    passed_over = sound_beside(root, "beside the folders of genres")
    for place in list_folder(root).folders:
        inside = search(place)
        if inside.files:
            _refuse_no_genre(root, place.name)
        elif not inside.passed_over and is_empty(place):
            passed_over.append(PassedOver(place, "an empty folder"))
        files += inside.files
        passed_over += inside.passed_over
    return FoundFiles(root, files, [], passed_over)


def find_root(folder: Path) -> Path | None:
    """Return the folder whose sub-folders are genres, or None.

    Parameters
    ----------
    folder : Path
        The folder that the user named.

    Returns
    -------
    Path or None
        One of `LAYOUTS` below it; first those with audio files directly in the
        genre folders, then those with folders of artists.
    """
    roots = [(folder / layout).resolve() for layout in LAYOUTS]
    roots = [root for root in roots if root.is_dir()]
    for deepest in (1, DEEPEST):
        for root in roots:
            if any(has_audio(place, deepest=deepest) for place in list_folder(root).folders):
                return root
    return None


def describe(found: FoundFiles) -> tuple[str, pd.DataFrame]:
    """Return the folder's name and the tracks; artists are those of the folders.

    Parameters
    ----------
    found : FoundFiles
        From `find`.

    Returns
    -------
    name : str
        The folder's name.
    tracks : pd.DataFrame
        See `gtzan_lib.data.loaders.layout.Loader.describe`. The id of
        `rock/Some Artist/Song.flac` is `rock.Some Artist - Song`.

    Warns
    -----
    GtzanWarning
        If a genre has files both in artists' folders and beside them.
    """
    tracks = tracks_of(found)
    _warn_of_mixed_genres(found.root, tracks)
    return own_name(found.root.name), tracks


def tracks_of(found: FoundFiles) -> pd.DataFrame:
    """Return the tracks, as `describe` does, whatever lies beside folders of artists.

    Parameters
    ----------
    found : FoundFiles
        From `find`.

    Returns
    -------
    pd.DataFrame
        As from `describe`.
    """
    rows = []
    for path in found.audio:
        genre, *folders, name = path.relative_to(found.root).parts
        stem = " - ".join([*folders, Path(name).stem])
        artist = printable(folders[0]) if folders else None
        if artist and re.fullmatch(_NO_ARTISTS, artist, re.IGNORECASE):
            artist = None
        rows.append((track_id_of(stem, genre), printable(genre), str(path), artist, None))
    columns = ["track_id", "genre", "path", "artist", "partition"]
    return pd.DataFrame(rows, columns=columns, dtype=object).set_index("track_id")


def _refuse_no_genre(root: Path, name: str) -> None:
    for pattern, reason in _NO_GENRES.items():
        if re.fullmatch(pattern, name, re.IGNORECASE):
            raise CorpusError(
                f"{root}: its folder {name!r} {reason}, not a genre; name a folder that holds one "
                "folder of audio files per genre, such as blues/, and no others."
            )


def _warn_of_mixed_genres(root: Path, tracks: pd.DataFrame) -> None:
    depth = tracks["path"].map(lambda path: len(Path(path).relative_to(root).parts))
    for genre, of_genre in depth.groupby(tracks["genre"]):
        below, beside = of_genre[of_genre > 2], of_genre[of_genre == 2]
        if len(below) and len(beside):
            example = Path(tracks.at[below.index[0], "path"]).relative_to(root)
            warnings.warn(
                f"{root}: genre {genre!r} has files in sub-folders ({len(below)}) and beside them "
                f"({len(beside)}); the artist of {example} is taken to be {example.parts[1]!r}, "
                "and those beside have none.",
                GtzanWarning,
                stacklevel=4,
            )
