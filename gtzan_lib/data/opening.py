"""Opening corpora: audio in folders, tables of features, files of log-mels."""

from __future__ import annotations

import hashlib
import os
import warnings
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from ..errors import AudioError, CorpusError, GtzanWarning
from . import audio, logmels, tables
from .corpus import COLUMNS, AudioCorpus, Corpus, ImageCorpus, TableCorpus
from .loaders import LOADERS, gtzan
from .loaders.layout import FoundFiles, Loader, own_name
from .loaders.own_table import add_own_facts
from .loaders.search import PassedOver, summaries
from .workspace import Workspace

__all__ = ["TrackList", "corpus_state", "find_tracks", "is_one_file", "open_corpus"]


def open_corpus(source: str | Path = "synthetic", *, work: Workspace | None = None) -> Corpus:
    """Open a corpus.

    Parameters
    ----------
    source : str or Path
        A folder of audio files: GTZAN in any of its layouts
        (`genres_original/blues/*.wav` of Kaggle, `genres/blues/*.au` of Marsyas,
        `gtzan_genre/genres` of mirdata, `blues/*.wav`), FMA as it is downloaded
        (`fma_small/000/*.mp3` with `fma_metadata/tracks.csv`), or any other music in
        folders named after genres, with or without folders of artists and albums in
        them; a table of features in Kaggle's schema (`features_30_sec.csv`); an
        `.npz` file of log-mel images (`X`, uint8, tracks by mel bands by columns, and
        `names`); or `synthetic`, the embedded corpus, which is composed on first use.
    work : Workspace, optional
        Where the synthetic corpus and all caches are stored. Default: `Workspace()`.

    Returns
    -------
    AudioCorpus, TableCorpus or ImageCorpus
        The tracks, with artists and partitions where they are known: from a
        `tracks.csv` in the folder, or beside the table (columns `track_id`,
        `artist`, `partition`), and from what comes with the data set.

    Raises
    ------
    CorpusError
        If the folder is missing, has no genre folders with audio, or one that is no
        genre; if the table or the file of log-mels cannot be read, or a track in it
        has two labels.

    Warns
    -----
    GtzanWarning
        If files cannot be read, are passed over, or are not of the data set; if a
        `tracks.csv` does not fit the tracks.

    Examples
    --------
    >>> import gtzan_lib as gl
    >>> corpus = gl.open_corpus("/data/gtzan")  # doctest: +SKIP
    >>> corpus.tracks.groupby("genre").size()  # doctest: +SKIP

    Notes
    -----
    The book page "The corpus" shows every layout, and how to add a data set.
    """
    work = work or Workspace()
    if str(source) == "synthetic":
        return _open_folder(_synthetic(work.corpus), work)
    source = Path(source).expanduser()
    if tables.is_table_path(source):
        return _open_table(source.absolute(), work)
    if logmels.is_log_mel_path(source):
        return _open_log_mels(source.absolute(), work)
    return _open_folder(source, work)


def corpus_state(source: str | Path) -> str:
    """Return a digest that changes when a file of a corpus changes.

    It is computed from names, sizes and modification times, without reading the
    files, and is quick enough for every run.

    Parameters
    ----------
    source : str or Path
        A corpus folder or file, as for `open_corpus`.

    Returns
    -------
    str
        Sixteen hexadecimal digits.
    """
    place = Path(source).expanduser().absolute()
    if is_one_file(place):
        if not place.is_file():
            raise CorpusError(f"{place}: there is no such file; name an existing one.")
        files = [place, place.parent / "tracks.csv"]
    else:
        _, found = _find(place)
        files = [*found.audio, *found.tables, *_own_tables(found.root, place)]
    lines = []
    for file in files:
        with suppress(OSError):
            status = file.stat()
            lines.append(f"{file}|{status.st_size}|{status.st_mtime_ns}")
    return hashlib.sha256("\n".join(lines).encode("utf-8", "backslashreplace")).hexdigest()[:16]


class TrackList(NamedTuple):
    """The tracks of a folder.

    Attributes
    ----------
    name : str
        Name of the corpus.
    root : Path
        The folder that holds the genre folders.
    tracks : pd.DataFrame
        `genre`, `path`, `artist` and `partition` by `track_id`; two files may
        have the same id.
    passed_over : list of PassedOver
        What may hold sound and is no track.
    """

    name: str
    root: Path
    tracks: pd.DataFrame
    passed_over: list[PassedOver]


def find_tracks(folder: str | Path) -> TrackList:
    """List the audio files of a corpus without opening any.

    Parameters
    ----------
    folder : str or Path
        A folder as for `open_corpus`.

    Returns
    -------
    TrackList
        The tracks, and what is passed over.

    Raises
    ------
    CorpusError
        As for `open_corpus`.
    """
    folder = Path(folder).expanduser()
    loader, found = _find(folder)
    name, tracks = loader.describe(found)
    name, tracks = _with_own_table(name, found.root, tracks, _own_tables(found.root, folder))
    tracks = tracks[["genre", "path", "artist", "partition"]]
    return TrackList(name, found.root, tracks, found.passed_over)


def is_one_file(source: str | Path) -> bool:
    """Return whether a corpus is one file, a table or log-mels, not a folder of audio files."""
    return tables.is_table_path(source) or logmels.is_log_mel_path(source)


def _find(folder: Path) -> tuple[Loader, FoundFiles]:
    """Return the first loader that knows the folder, and the files in it."""
    try:
        os.scandir(folder).close()
        for loader in LOADERS.values():
            found = loader.find(folder)
            if found is not None:
                return loader, found
    except (FileNotFoundError, NotADirectoryError) as error:
        raise CorpusError(
            f"{folder}: there is no such folder; expected one with a sub-folder of audio files "
            f"per genre, such as genres_original/blues/*.wav. {gtzan.ABOUT.how_to_get}."
        ) from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise CorpusError(f"{folder}: cannot be listed ({reason}); name another folder.") from error
    raise CorpusError(
        f"{folder}: holds no genre folders with audio; expected sub-folders such as "
        f"genres_original/blues/ or blues/ with {', '.join(audio.EXTENSIONS)} files. "
        f"{gtzan.ABOUT.how_to_get}."
    )


def _synthetic(folder: Path) -> Path:
    """Compose the corpus of this folder, or the default one; keep existing files."""
    from .. import synthetic

    settings = synthetic.arguments_of(folder)
    return synthetic.compose(folder, **settings, replace=True, jobs=os.cpu_count() or 1)


def _open_folder(folder: Path, work: Workspace) -> AudioCorpus:
    name, root, tracks, passed_over = find_tracks(folder)
    if passed_over:
        warnings.warn(
            f"{root}: passed over {'; '.join(summaries(root, passed_over))}; what shall be in the "
            "corpus must be readable sound in a folder of its genre.",
            GtzanWarning,
            stacklevel=3,
        )
    _refuse_equal_ids(tracks)
    headers = [_header(Path(path)) for path in tracks["path"]]
    tracks["duration_s"] = [duration for duration, _ in headers]
    tracks["sample_rate"] = pd.array([rate for _, rate in headers], dtype="Int64")
    corpus = AudioCorpus(name, root, tracks[list(COLUMNS)], work)
    if corpus.unreadable:
        warnings.warn(
            f"{root}: {len(corpus.unreadable)} of {len(corpus)} tracks cannot be read and have "
            f"no windows ({', '.join(corpus.unreadable[:5])}).",
            GtzanWarning,
            stacklevel=3,
        )
    return corpus


def _open_log_mels(path: Path, work: Workspace) -> ImageCorpus:
    names, _, durations = logmels.read(path)
    for name in names:
        # Stores and folders are named after tracks.
        if not name.strip(".") or set(name) & set("/\\\0"):
            raise CorpusError(
                f"{path}: {name!r} cannot be a track id; use ids such as blues.00000."
            )
    tracks = pd.DataFrame({"genre": [name.split(".")[0] for name in names]}, index=names)
    tracks.index.name = "track_id"
    if tracks.index.duplicated().any():
        repeated = tracks.index[tracks.index.duplicated()][0]
        raise CorpusError(f"{path}: has track {repeated!r} twice; keep one image per track.")
    lengths = pd.Series(durations, tracks.index)
    # The shared file has no durations; those of GTZAN's clips are known.
    lengths = lengths.fillna(gtzan.durations().reindex(tracks.index)).fillna(logmels.SECONDS)
    name, tracks = _facts_beside(path, tracks.assign(duration_s=lengths, sample_rate=pd.NA))
    return ImageCorpus(name, path, tracks, work)


def _open_table(path: Path, work: Workspace) -> TableCorpus:
    table = tables.read_table(path)
    if table.empty:
        raise CorpusError(f"{path}: has no rows; name a table of features that has some.")
    unlabelled = table["filename"][table["label"] == ""]
    if len(unlabelled):
        raise CorpusError(f"{path}: row {unlabelled.iloc[0]!r} has no label; add its genre.")
    by_track = table.groupby("track_id", sort=False)
    n_labels = by_track["label"].nunique()
    if (n_labels > 1).any():
        raise CorpusError(
            f"{path}: the rows of track {n_labels.idxmax()!r} have several labels; give each track "
            "one."
        )
    tracks = by_track["label"].first().rename("genre").to_frame()
    lengths = pd.to_numeric(table["length"], errors="coerce").clip(0, 2**40)
    lengths = lengths.groupby(table["track_id"]).sum().loc[tracks.index] / tables.SAMPLE_RATE
    tracks = tracks.assign(duration_s=lengths, sample_rate=tables.SAMPLE_RATE)
    name, tracks = _facts_beside(path, tracks)
    return TableCorpus(name, path, tracks, work)


def _facts_beside(path: Path, tracks: pd.DataFrame) -> tuple[str, pd.DataFrame]:
    """Return name and tracks of a corpus that is one file, with what is known of them."""
    if gtzan.are_mostly_gtzan(tracks.index, tracks["genre"]):
        name, tracks = "gtzan", gtzan.join_facts(path, tracks)
    else:
        name, tracks = own_name(path.stem), tracks.assign(artist=None, partition=None)
    own = path.parent / "tracks.csv"
    tracks = tracks.assign(path=str(path), sample_rate=tracks["sample_rate"].astype("Int64"))
    name, tracks = _with_own_table(name, path, tracks, [own] if own != path else [])
    return name, tracks[list(COLUMNS)]


def _own_tables(root: Path, named: Path) -> list[Path]:
    """Return where a `tracks.csv` of the user may be; the first that exists is used."""
    return [place / "tracks.csv" for place in (root, root.parent, named.resolve())]


def _with_own_table(
    name: str, root: Path, tracks: pd.DataFrame, places: list[Path]
) -> tuple[str, pd.DataFrame]:
    """Add artists and partitions of a `tracks.csv`, if there is one."""
    path = next(filter(Path.is_file, places), None)
    if path is None:
        return name, tracks
    if path.with_name("corpus.json").is_file():
        # It is composed; its tracks are not those of GTZAN, whose names they have.
        name, tracks = "synthetic", tracks.assign(artist=None, partition=None)
    elif name not in LOADERS:
        name = own_name(path.parent.name)
    return name, add_own_facts(path, root, tracks)


def _header(file: Path) -> tuple[float, int | None]:
    try:
        header = audio.info(file)
    except AudioError:
        return np.nan, None
    return header.duration_s, header.sample_rate


def _refuse_equal_ids(tracks: pd.DataFrame) -> None:
    repeated = tracks.index[tracks.index.duplicated()]
    if len(repeated):
        first, second = tracks.loc[repeated[0], "path"].iloc[:2]
        raise CorpusError(
            f"{first} and {second}: both would be track {repeated[0]!r}; rename or remove one."
        )
