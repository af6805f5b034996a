"""Corpora: tracks with their genres, of audio files, of feature rows or of log-mel images.

All are a `Corpus`, with the same table of tracks; they differ in what they hold of a
track. `gtzan_lib.data.opening.open_corpus` makes them.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Collection, Iterable
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import ClassVar, Protocol, Self

import numpy as np
import pandas as pd

from ..errors import CorpusError
from ..files import printable, sha256_of, write_json
from . import audio, logmels, tables
from .workspace import Workspace

__all__ = ["COLUMNS", "AudioCorpus", "Corpus", "HasExclusions", "ImageCorpus", "TableCorpus"]


class HasExclusions(Protocol):
    """An object that names tracks to leave out, such as a health report."""

    @property
    def excluded(self) -> Iterable[str]:
        """Track ids to leave out."""


COLUMNS = ("genre", "path", "artist", "partition", "duration_s", "sample_rate")
"""Columns of the table of tracks."""


@dataclasses.dataclass(frozen=True, eq=False)
class Corpus:
    """Tracks with their genres, whatever is known of their sound.

    `open_corpus` makes one of its three kinds, `AudioCorpus`, `TableCorpus` and
    `ImageCorpus`; `select` and `exclude` return smaller ones of the same kind.

    Attributes
    ----------
    name : str
        `synthetic`, `gtzan`, `fma`, or the folder's name.
    root : Path
        The folder that holds the genre folders, or the one file of the corpus.
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

    has_audio: ClassVar[bool] = False
    """Whether the corpus holds sound."""

    contents: ClassVar[str] = "a list of tracks"
    """What the corpus holds of its tracks, for error messages."""

    def __len__(self) -> int:
        return len(self.tracks)

    def __repr__(self) -> str:
        seconds = self.tracks["duration_s"].sum()
        return (
            f"{type(self).__name__}({self.name!r}: {len(self)} tracks, {len(self.genres)} genres, "
            f"{seconds / 60:.1f} min)"
        )

    @property
    def genres(self) -> list[str]:
        """Genres, sorted by name."""
        return sorted(self.tracks["genre"].unique())

    @property
    def unreadable(self) -> list[str]:
        """Ids of the tracks whose file cannot be read."""
        return self.tracks.index[self.tracks["duration_s"].isna()].tolist()

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

    def require_audio(self) -> AudioCorpus:
        """Return the corpus if it holds sound.

        Returns
        -------
        AudioCorpus
            This corpus.

        Raises
        ------
        CorpusError
            If it was opened from a table or from log-mels.
        """
        raise CorpusError(
            f"{self.root}: is {self.contents}, which holds no sound; open the folder of the audio "
            "files instead."
        )

    def load(self, track_id: str, *, sample_rate: int | None = None) -> tuple[np.ndarray, int]:
        """Decode one track to mono; see `AudioCorpus.load`."""
        return self.require_audio().load(track_id, sample_rate=sample_rate)

    def select(
        self, *, genres: Iterable[str] | None = None, tracks: Iterable[str] | None = None
    ) -> Self:
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

    def exclude(self, tracks: Iterable[str] | HasExclusions) -> Self:
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
            Hexadecimal digests by `track_id`; missing where neither sound nor bytes
            can be read.

        Raises
        ------
        CorpusError
            If the file of a track can no longer be read.
        """
        location = hashlib.sha256(str(self.root).encode("utf-8", "backslashreplace")).hexdigest()
        cache = self.work.checksums / f"{location[:16]}.json"
        known = _read_cache(cache)
        fresh: dict[str, str] = {}
        digests: dict[str, str | None] = {}
        unreadable = set(self.unreadable)
        for track_id, path in self.tracks["path"].items():
            try:
                status = Path(path).stat()
                key = f"{printable(path)}|{status.st_size}|{status.st_mtime_ns}"
                fresh[key] = known.get(key) or fresh.get(key) or sha256_of(path)
                digests[track_id] = fresh[key]
            except OSError as error:
                if track_id not in unreadable:
                    raise CorpusError(
                        f"{path}: can no longer be read ({error.strerror}); open the corpus again."
                    ) from error
                digests[track_id] = None
        if not fresh.keys() <= known.keys():
            # Results are not cached where nothing can be written.
            with suppress(OSError):
                write_json(cache, {**known, **fresh})
        return pd.Series(digests, name="sha256", dtype=object).rename_axis("track_id")

    @cached_property
    def fingerprint(self) -> str:
        """Digest of the ids, genres, artists and bytes of all tracks, 16 hexadecimal digits."""
        table = self.tracks[["genre", "artist"]].assign(sha256=self.checksums()).sort_index()
        lines = table.fillna("").to_csv(lineterminator="\n")
        return hashlib.sha256(lines.encode()).hexdigest()[:16]

    def _refuse_unknown(
        self, *, genres: Collection[str] = (), tracks: Collection[str] = ()
    ) -> None:
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


class AudioCorpus(Corpus):
    """A corpus of audio files, one a track.

    Attributes
    ----------
    name, root, tracks, work
        As of `Corpus`.
    """

    has_audio = True
    contents = "a folder of audio files"

    def require_audio(self) -> AudioCorpus:
        """Return this corpus."""
        return self

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
            If there is no such track.
        AudioError
            If the file cannot be decoded.
        """
        self._refuse_unknown(tracks=[track_id])
        return audio.load(self.tracks.at[track_id, "path"], sample_rate=sample_rate)


class TableCorpus(Corpus):
    """A corpus that was opened from a table of features, without audio.

    Attributes
    ----------
    name, root, tracks, work
        As of `Corpus`.
    """

    contents = "a table of features"

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


class ImageCorpus(Corpus):
    """A corpus that was opened from a file of log-mel images, without audio.

    Attributes
    ----------
    name, root, tracks, work
        As of `Corpus`.
    """

    contents = "a file of log-mels"

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


def _read_cache(path: Path) -> dict[str, str]:
    try:
        known = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return known if isinstance(known, dict) else {}


def _names(names: Iterable[str]) -> list[str]:
    return [names] if isinstance(names, str) else list(names)
