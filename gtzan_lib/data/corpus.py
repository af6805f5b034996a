"""Corpora: GTZAN, any collection with one folder per genre, or the synthetic corpus."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import warnings
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path
from typing import Protocol

import numpy as np
import pandas as pd

from ..errors import AudioError, CorpusError, GtzanWarning
from ..files import sha256_of, write_json
from . import audio, gtzan, logmels, tables
from .workspace import Workspace

__all__ = [
    "LAYOUTS",
    "Corpus",
    "HasExclusions",
    "corpus_state",
    "find_tracks",
    "is_table_path",
    "open_corpus",
]

# Where genre folders may be below the named folder, in order of preference:
# Kaggle's archive and its parts, Marsyas' archive, the folder itself, and the
# sample of a hundred clips that development uses.
LAYOUTS = ("genres_original", "Data/genres_original", "genres", ".", "mini")


class HasExclusions(Protocol):
    """An object that names tracks to leave out, such as a health report."""

    @property
    def excluded(self) -> Iterable[str]:
        """Track ids to leave out."""


COLUMNS = ("genre", "path", "artist", "partition", "duration_s", "sample_rate")


@dataclasses.dataclass(frozen=True, eq=False)
class Corpus:
    """Tracks with their genres.

    `open_corpus` makes one; `select` and `exclude` return smaller ones.

    Attributes
    ----------
    name : str
        `synthetic`, `gtzan`, or the folder's name.
    root : Path
        The folder that holds the genre folders.
    tracks : pd.DataFrame
        One row a track, indexed by `track_id` (`blues.00000`), with columns
        `genre`, `path`, `artist` and `partition` (missing where unknown),
        `duration_s` in seconds and `sample_rate` in Hz (missing where the file
        cannot be read).
    work : Workspace
        Where checksums and results computed from the files are cached.

    Notes
    -----
    The book page "The corpus" explains the layouts and how to use your own music.
    """

    name: str
    root: Path
    tracks: pd.DataFrame
    work: Workspace = dataclasses.field(default_factory=Workspace)

    def __len__(self) -> int:
        return len(self.tracks)

    def __repr__(self) -> str:
        seconds = self.tracks["duration_s"].sum()
        return (
            f"Corpus({self.name!r}: {len(self)} tracks, {len(self.genres)} genres, "
            f"{seconds / 60:.1f} min)"
        )

    @property
    def is_table(self) -> bool:
        """Whether the corpus was opened from a table of features, without audio."""
        return is_table_path(self.root)

    @property
    def is_log_mels(self) -> bool:
        """Whether the corpus was opened from a file of log-mel images, without audio."""
        return logmels.is_log_mel_path(self.root)

    def log_mels(self) -> list[np.ndarray]:
        """Read the log-mel spectrograms from the file of the corpus.

        Returns
        -------
        list of np.ndarray [shape=(n_mels, columns)]
            One per track, in the order of `tracks`; see `gtzan_lib.data.logmels.LogMels`.

        Raises
        ------
        CorpusError
            If the file cannot be read, or no longer has all tracks.
        """
        names, images, _ = logmels.read(self.root)
        rows = {name: row for row, name in enumerate(names.tolist())}
        missing = self.tracks.index.difference(list(rows))
        if len(missing):
            raise CorpusError(f"{self.root}: has no image of {missing[0]} any more; open it again.")
        return [images[rows[track_id]] for track_id in self.tracks.index]

    def rows(self) -> pd.DataFrame:
        """Read the rows from the table of the corpus.

        Returns
        -------
        pd.DataFrame
            Rows of `gtzan_lib.data.tables.read_table` for the corpus' tracks, in
            the order of `tracks`.

        Raises
        ------
        CorpusError
            If the table cannot be read, or no longer has all tracks.
        """
        table = tables.read_table(self.root)
        place = pd.Series(range(len(self)), self.tracks.index)
        table = table[table["track_id"].isin(place.index)]
        missing = self.tracks.index.difference(table["track_id"])
        if len(missing):
            raise CorpusError(f"{self.root}: has no row of {missing[0]} any more; open it again.")
        order = np.argsort(place[table["track_id"]].to_numpy(), kind="stable")
        return table.iloc[order].reset_index(drop=True)

    @property
    def genres(self) -> list[str]:
        """Genres, sorted by name."""
        return sorted(self.tracks["genre"].unique())

    @property
    def unreadable(self) -> list[str]:
        """Ids of the tracks whose file cannot be read."""
        return self.tracks.index[self.tracks["duration_s"].isna()].tolist()

    def load(self, track_id: str, *, sample_rate: int | None = None) -> tuple[np.ndarray, int]:
        """Decode one track to mono.

        Parameters
        ----------
        track_id : str
            A label of `tracks`.
        sample_rate : int, optional
            Rate of the result in Hz. Default: the file's own.

        Returns
        -------
        y : np.ndarray [shape=(n,), dtype=float32]
            Samples.
        sample_rate : int
            Rate of `y` in Hz.

        Raises
        ------
        CorpusError
            If there is no such track, or the corpus has no audio.
        AudioError
            If the file cannot be decoded.
        """
        self.require_audio()
        self._refuse_unknown(tracks=[track_id])
        return audio.load(self.tracks.at[track_id, "path"], sample_rate=sample_rate)

    def artists_of(self, track_ids: Iterable[str]) -> np.ndarray:
        """Return the artist of each track, or its own id where the artist is unknown.

        Parameters
        ----------
        track_ids : iterable of str
            Labels of `tracks`; may repeat.

        Returns
        -------
        np.ndarray [shape=(n,), dtype=object]
            Groups of tracks by artist, as from `gtzan_lib.stats.independent_groups`.

        Raises
        ------
        CorpusError
            If a track is not in this corpus.
        """
        # It loads scipy.stats, which takes longer than opening a corpus.
        from ..stats import independent_groups

        track_ids = np.array(list(track_ids), dtype=object)
        self._refuse_unknown(tracks=pd.unique(track_ids))
        return independent_groups(self.tracks["artist"].loc[track_ids], track_ids)

    def require_audio(self) -> None:
        """Raise a `CorpusError` if the corpus was opened from a table or from log-mels."""
        for without_audio, kind in (
            (self.is_table, "a table of features"),
            (self.is_log_mels, "a file of log-mels"),
        ):
            if without_audio:
                raise CorpusError(
                    f"{self.root}: is {kind}, which holds no sound; open the folder of the audio "
                    "files instead."
                )

    def select(
        self, *, genres: Iterable[str] | None = None, tracks: Iterable[str] | None = None
    ) -> Corpus:
        """Keep only some genres, some tracks, or both.

        Parameters
        ----------
        genres : iterable of str, optional
            Genres to keep. Default: all.
        tracks : iterable of str, optional
            Track ids to keep. Default: all.

        Returns
        -------
        Corpus
            The smaller corpus, in the same order.

        Raises
        ------
        CorpusError
            If a name is unknown, or nothing is left.
        """
        keep = np.ones(len(self), dtype=bool)
        if genres is not None:
            genres = _names(genres)
            self._refuse_unknown(genres=genres)
            keep &= self.tracks["genre"].isin(genres).to_numpy()
        if tracks is not None:
            tracks = _names(tracks)
            self._refuse_unknown(tracks=tracks)
            keep &= self.tracks.index.isin(tracks)
        if not keep.any():
            raise CorpusError(f"{self.root}: the selection leaves no track of this corpus.")
        return dataclasses.replace(self, tracks=self.tracks[keep])

    def exclude(self, tracks: Iterable[str] | HasExclusions) -> Corpus:
        """Leave out some tracks.

        Parameters
        ----------
        tracks : iterable of str, or a health report
            Track ids to leave out, or a report. Tracks that a report excludes
            need not be in this corpus.

        Returns
        -------
        Corpus
            The smaller corpus, in the same order.

        Raises
        ------
        CorpusError
            If a named track is not in this corpus, or nothing is left.
        """
        if hasattr(tracks, "excluded"):
            # The report may be about a larger corpus, from which this one was selected.
            excluded = [name for name in tracks.excluded if name in self.tracks.index]
        else:
            excluded = _names(tracks)
            self._refuse_unknown(tracks=excluded)
        return self.select(tracks=self.tracks.index.difference(excluded))

    def checksums(self) -> pd.Series:
        """Return the SHA-256 of every track's file.

        Checksums are cached in the workspace while a file's size and
        modification time stay the same.

        Returns
        -------
        pd.Series
            Hexadecimal digests by `track_id`.
        """
        location = hashlib.sha256(str(self.root).encode()).hexdigest()[:16]
        cache = self.work.checksums / f"{location}.json"
        known = _read_cache(cache)
        fresh, digests = {}, {}
        for track_id, path in self.tracks["path"].items():
            try:
                status = Path(path).stat()
            except OSError as error:
                raise CorpusError(f"{path}: no longer exists; open the corpus again.") from error
            key = f"{path}|{status.st_size}|{status.st_mtime_ns}"
            digests[track_id] = fresh[key] = known.get(key) or fresh.get(key) or sha256_of(path)
        if not fresh.keys() <= known.keys():
            write_json(cache, {**known, **fresh})
        return pd.Series(digests, name="sha256", dtype=object).rename_axis("track_id")

    @cached_property
    def fingerprint(self) -> str:
        """Digest of the ids, genres, artists and bytes of all tracks, 16 hexadecimal digits."""
        table = self.tracks[["genre", "artist"]].assign(sha256=self.checksums()).sort_index()
        lines = table.fillna("").to_csv(lineterminator="\n")
        return hashlib.sha256(lines.encode()).hexdigest()[:16]

    def _refuse_unknown(self, *, genres: list[str] = (), tracks: list[str] = ()) -> None:
        for kind, names, known in (
            ("genre", genres, self.genres),
            ("track", tracks, self.tracks.index),
        ):
            unknown = sorted(set(names) - set(known))
            if unknown:
                examples = ", ".join(known[:3])
                raise CorpusError(
                    f"{self.root}: there is no {kind} {unknown[0]!r} in this corpus; "
                    f"choose from its {len(known)} ({examples}, ...)."
                )


def open_corpus(source: str | Path = "synthetic", *, work: Workspace | None = None) -> Corpus:
    """Open a corpus.

    Parameters
    ----------
    source : str or Path
        A folder with one sub-folder of audio files per genre: GTZAN in any of its
        layouts (`genres_original/blues/*.wav` of Kaggle, `genres/blues/*.au` of
        Marsyas, `blues/*.wav`), or any other music in such folders; a table of
        features in Kaggle's schema (`features_30_sec.csv`), which has no audio;
        an `.npz` file of log-mel images (`X`, uint8, tracks by mel bands by
        columns, and `names`), which has no audio; or `synthetic`, the embedded
        corpus, which is composed on first use.
    work : Workspace, optional
        Where the synthetic corpus and all caches are stored. Default: `Workspace()`.

    Returns
    -------
    Corpus
        The tracks, with artists and partitions where they are known: from a
        `tracks.csv` in the folder, or beside the table (columns `track_id`,
        `artist`, `partition`), else from the package's facts about GTZAN.

    Raises
    ------
    CorpusError
        If the folder is missing or has no genre folders with audio; if the table
        or the file of log-mels cannot be read, or a track in it has two labels.

    Examples
    --------
    >>> import gtzan_lib as gl
    >>> corpus = gl.open_corpus("/data/gtzan")  # doctest: +SKIP
    >>> corpus.tracks.groupby("genre").size()  # doctest: +SKIP
    """
    work = work or Workspace()
    if str(source) == "synthetic":
        return _open_folder(_synthetic(work.corpus), work)
    source = Path(source).expanduser()
    if is_table_path(source):
        return _open_table(source, work)
    if logmels.is_log_mel_path(source):
        return _open_log_mels(source, work)
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
    folder = Path(source).expanduser().absolute()
    if _is_file(folder):
        if not folder.is_file():
            raise CorpusError(f"{folder}: there is no such file; name an existing one.")
        files = [folder, *_tables(folder, folder)]
    else:
        root = _genre_root(folder)
        files = [file for files in _genre_folders(root).values() for file in files]
        files += _tables(root, folder)
    lines = []
    for file in files:
        if file.exists():
            status = file.stat()
            lines.append(f"{file}|{status.st_size}|{status.st_mtime_ns}")
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]


def _synthetic(folder: Path) -> Path:
    """Compose the corpus of this folder, or the default one; keep existing files."""
    from .. import synthetic

    settings = synthetic.arguments_of(folder)
    return synthetic.compose(folder, **settings, replace=True, jobs=os.cpu_count() or 1)


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
        If the folder is missing or has no genre folders with audio.
    """
    folder = Path(folder).expanduser()
    root = _genre_root(folder)
    rows = []
    for genre, files in _genre_folders(root).items():
        for file in files:
            track_id = file.stem if gtzan.is_gtzan_id(file.stem, genre) else f"{genre}.{file.stem}"
            rows.append((track_id, genre, str(file)))
    tracks = pd.DataFrame(rows, columns=["track_id", "genre", "path"]).set_index("track_id")
    name, known = _facts(root, folder, tracks)
    return name, root, tracks.join(known.reindex(columns=["artist", "partition"]).astype(object))


def _open_folder(folder: Path, work: Workspace) -> Corpus:
    name, root, tracks = find_tracks(folder)
    _refuse_equal_ids(tracks)
    headers = [_header(Path(path)) for path in tracks["path"]]
    tracks["duration_s"] = [duration for duration, _ in headers]
    tracks["sample_rate"] = pd.array([rate for _, rate in headers], dtype="Int64")
    corpus = Corpus(name, root, tracks[list(COLUMNS)], work)
    if corpus.unreadable:
        warnings.warn(
            f"{root}: {len(corpus.unreadable)} of {len(corpus)} tracks cannot be read and have "
            f"no windows ({', '.join(corpus.unreadable[:5])}).",
            GtzanWarning,
            stacklevel=3,
        )
    return corpus


def is_table_path(source: str | Path) -> bool:
    """Return whether the source of a corpus is a table of features, not a folder."""
    source = Path(source)
    return source.suffix.lower() == ".csv" and not source.is_dir()


def _is_file(source: Path) -> bool:
    """Return whether a corpus is one file, not a folder of audio files."""
    return is_table_path(source) or logmels.is_log_mel_path(source)


def _open_log_mels(path: Path, work: Workspace) -> Corpus:
    """Open a file of log-mel images as a corpus."""
    path = path.absolute()
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
    return _from_one_file(path, tracks, work, duration_s=lengths, sample_rate=pd.NA)


def _from_one_file(
    path: Path,
    tracks: pd.DataFrame,
    work: Workspace,
    *,
    duration_s: object,
    sample_rate: object,
) -> Corpus:
    """Make a corpus of tracks that are all in one file."""
    name, known = _facts(path, path, tracks)
    tracks = tracks.join(known.reindex(columns=["artist", "partition"]).astype(object))
    tracks = tracks.assign(
        path=str(path),
        duration_s=duration_s,
        sample_rate=pd.array([sample_rate] * len(tracks), dtype="Int64"),
    )
    return Corpus(name, path, tracks[list(COLUMNS)], work)


def _open_table(path: Path, work: Workspace) -> Corpus:
    """Open a table of features as a corpus."""
    path = path.absolute()
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
    return _from_one_file(path, tracks, work, duration_s=lengths, sample_rate=tables.SAMPLE_RATE)


def _genre_root(folder: Path) -> Path:
    """Return the folder whose sub-folders are genres."""
    if not folder.is_dir():
        raise CorpusError(
            f"{folder}: there is no such folder; expected one with a sub-folder of audio files "
            f"per genre, such as genres_original/blues/*.wav. {gtzan.HOW_TO_GET}."
        )
    for layout in LAYOUTS:
        root = (folder / layout).resolve()
        if root.is_dir() and _genre_folders(root):
            return root
    raise CorpusError(
        f"{folder}: holds no genre folders with audio; expected sub-folders such as "
        f"genres_original/blues/ or blues/ with {', '.join(audio.EXTENSIONS)} files. "
        f"{gtzan.HOW_TO_GET}."
    )


def _genre_folders(root: Path) -> dict[str, list[Path]]:
    """Return the audio files of each genre, both sorted; hidden ones are left out."""
    genres = {}
    for folder in sorted(root.iterdir()):
        if folder.is_dir() and not folder.name.startswith("."):
            files = sorted(
                file
                for file in folder.iterdir()
                if file.suffix.lower() in audio.EXTENSIONS and not file.name.startswith(".")
            )
            if files:
                genres[folder.name] = files
    return genres


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


def _facts(root: Path, named: Path, tracks: pd.DataFrame) -> tuple[str, pd.DataFrame]:
    """Return the name of the corpus and the facts known about its tracks.

    `root` is the folder of genre folders, or the one file of a corpus.
    """
    for path in _tables(root, named):
        if path.is_file() and path != root:
            composed = path.with_name("corpus.json").is_file()
            return "synthetic" if composed else path.parent.name, _read_tracks_csv(path)
    if all(gtzan.is_gtzan_id(*pair) for pair in tracks["genre"].items()):
        facts = gtzan.facts()
        if tracks.index.isin(facts.index).all():
            return "gtzan", facts
    return root.stem if _is_file(root) else root.name, pd.DataFrame(index=tracks.index.unique())


def _tables(root: Path, named: Path) -> list[Path]:
    """Return where a `tracks.csv` may be; the first that exists is used."""
    folders = (root.parent,) if _is_file(root) else (root, root.parent, named.resolve())
    return [folder / "tracks.csv" for folder in folders]


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


def _read_cache(path: Path) -> dict[str, str]:
    try:
        known = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return known if isinstance(known, dict) else {}


def _names(names: Iterable[str]) -> list[str]:
    return [names] if isinstance(names, str) else list(names)
