"""Opening corpora: audio in folders, tables of features, files of log-mels."""

from __future__ import annotations

import hashlib
import os
import warnings
from pathlib import Path

import numpy as np
import pandas as pd

from ..errors import AudioError, CorpusError, GtzanWarning
from . import audio, logmels, tables
from .corpus import COLUMNS, AudioCorpus, Corpus, ImageCorpus, TableCorpus
from .loaders import LOADERS, gtzan
from .loaders.layout import FoundFiles, Loader
from .workspace import Workspace

__all__ = ["corpus_state", "find_tracks", "is_one_file", "open_corpus"]


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
        `artist`, `partition`), else from what comes with the data set.

    Raises
    ------
    CorpusError
        If the folder is missing, has no genre folders with audio, or one that is no
        genre; if the table or the file of log-mels cannot be read, or a track in it
        has two labels.

    Warns
    -----
    GtzanWarning
        If files cannot be read, are left out, or are not of the data set.

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
        if file.exists():
            status = file.stat()
            lines.append(f"{file}|{status.st_size}|{status.st_mtime_ns}")
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]


def find_tracks(folder: str | Path) -> tuple[str, Path, pd.DataFrame]:
    """List the audio files of a corpus without opening any.

    Parameters
    ----------
    folder : str or Path
        A folder as for `open_corpus`.

    Returns
    -------
    name : str
        Name of the corpus.
    root : Path
        The folder that holds the genre folders.
    tracks : pd.DataFrame
        `genre`, `path`, `artist` and `partition` by `track_id`; two files may
        have the same id.

    Raises
    ------
    CorpusError
        As for `open_corpus`.
    """
    folder = Path(folder).expanduser()
    loader, found = _find(folder)
    name, tracks = loader.describe(found)
    name, tracks = _with_own_table(name, tracks, _own_tables(found.root, folder))
    return name, found.root, tracks[["genre", "path", "artist", "partition"]]


def is_one_file(source: str | Path) -> bool:
    """Return whether a corpus is one file, a table or log-mels, not a folder of audio files."""
    return tables.is_table_path(source) or logmels.is_log_mel_path(source)


def _find(folder: Path) -> tuple[Loader, FoundFiles]:
    """Return the first loader that knows the folder, and the files in it."""
    if not folder.is_dir():
        raise CorpusError(
            f"{folder}: there is no such folder; expected one with a sub-folder of audio files "
            f"per genre, such as genres_original/blues/*.wav. {gtzan.ABOUT.how_to_get}."
        )
    for loader in LOADERS.values():
        found = loader.find(folder)
        if found is not None:
            return loader, found
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
    name, root, tracks = find_tracks(folder)
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
        name, tracks = path.stem, tracks.assign(artist=None, partition=None)
    own = path.parent / "tracks.csv"
    name, tracks = _with_own_table(name, tracks, [own] if own != path else [])
    tracks = tracks.assign(path=str(path), sample_rate=tracks["sample_rate"].astype("Int64"))
    return name, tracks[list(COLUMNS)]


def _own_tables(root: Path, named: Path) -> list[Path]:
    """Return where a `tracks.csv` of the user may be; the first that exists is used."""
    return [place / "tracks.csv" for place in (root, root.parent, named.resolve())]


def _with_own_table(
    name: str, tracks: pd.DataFrame, places: list[Path]
) -> tuple[str, pd.DataFrame]:
    """Replace artists and partitions by those of a `tracks.csv`, if there is one."""
    for path in places:
        if path.is_file():
            if path.with_name("corpus.json").is_file():
                name = "synthetic"
            elif name != "gtzan":
                name = path.parent.name
            own = _read_tracks_csv(path).reindex(columns=["artist", "partition"]).astype(object)
            return name, tracks.drop(columns=["artist", "partition"]).join(own)
    return name, tracks


def _read_tracks_csv(path: Path) -> pd.DataFrame:
    # An artist may be called "None".
    table = pd.read_csv(path, dtype=str, keep_default_na=False, na_values=[""])
    if "track_id" not in table.columns:
        raise CorpusError(
            f"{path}: has no column 'track_id'; expected 'track_id' and, where known, "
            "'artist' and 'partition'."
        )
    if table["track_id"].duplicated().any():
        repeated = table["track_id"][table["track_id"].duplicated()].iloc[0]
        raise CorpusError(f"{path}: has track {repeated!r} twice; keep one row per track.")
    return table.set_index("track_id")


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
