"""Tables of the 57 features: one row a window of a corpus."""

from __future__ import annotations

import dataclasses
import warnings
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from ..data import audio, tables
from ..data.cache import FileCache
from ..data.corpus import Corpus
from ..data.windows import WindowGrid
from ..errors import AudioError, CorpusError, GtzanWarning
from ..files import atomic_path
from ..progress import progress_bar
from . import fast_features

__all__ = ["CLIP_S", "FeatureTable", "feature_grid", "features"]

CLIP_S = 30.0
"""Length of a GTZAN clip: windows of it take shorter tracks, and those up to twice it, whole."""

_RATE = fast_features.SAMPLE_RATE


def feature_grid(seconds: float, *, tail: str = "align") -> WindowGrid:
    """Return the windows that features are computed of.

    Parameters
    ----------
    seconds : float
        From one window's start to the next.
    tail : {"align", "drop"}
        As for `gtzan_lib.data.windows.WindowGrid`; `drop` is what Kaggle's tables
        have.

    Returns
    -------
    WindowGrid
        Windows have one sample less than `seconds` says, as in Kaggle's tables.
        For 30 s, sound of less than a minute is taken whole, as there.

    Raises
    ------
    CorpusError
        If `seconds` is too short for a frame, or longer than an hour.
    """
    if not fast_features.MIN_SAMPLES < seconds * _RATE - 1.5 < 3600 * _RATE:
        raise CorpusError(
            f"features of windows of {seconds:g} s cannot be computed: they need at least 0.1 s, "
            "and no more than an hour."
        )
    tail = "whole" if seconds == CLIP_S else tail
    return WindowGrid(seconds - 1 / _RATE, seconds, tail)


@dataclasses.dataclass(frozen=True, eq=False)
class FeatureTable:
    """Features of windows, row by row.

    Attributes
    ----------
    values : np.ndarray [shape=(n, 57), dtype=float64]
        In the order of `names`.
    windows : pd.DataFrame
        What the rows are: `window_id`, `track_id`, `genre`, `start_s`, and
        `filename` and `length` (in samples) as in Kaggle's tables.
    left_out : pd.Series
        Why tracks, or single windows, have no row, by their id; in a table, by
        file name.
    """

    values: np.ndarray
    windows: pd.DataFrame
    left_out: pd.Series

    names = tables.FEATURES

    def __len__(self) -> int:
        return len(self.windows)

    def __repr__(self) -> str:
        tracks = self.windows["track_id"].nunique()
        return f"FeatureTable({len(self)} windows of {tracks} tracks, {len(self.names)} features)"

    @property
    def frame(self) -> pd.DataFrame:
        """The features with their names, by `window_id`."""
        return pd.DataFrame(self.values, self.windows["window_id"], self.names)

    def against(self, other: FeatureTable) -> pd.DataFrame:
        """Compare the numbers with those of another table, window by window.

        Parameters
        ----------
        other : FeatureTable
            Such as Kaggle's, or one by the reference.

        Returns
        -------
        pd.DataFrame
            One row a feature: how many `windows` both have, `median` and
            `largest` difference relative to the other's value, the share of
            them `within_1_percent`, and `absolute`, the largest difference.

        Raises
        ------
        CorpusError
            If no window is in both.
        """
        both = self.frame.index.intersection(other.frame.index)
        if both.empty:
            raise CorpusError(
                f"the two tables have no window in common, {self.windows['filename'].iloc[0]} is "
                f"not in the other; compute windows of the same length."
            )
        mine, others = self.frame.loc[both], other.frame.loc[both]
        absolute = (mine - others).abs()
        relative = (absolute / others.abs()).where(absolute > 0, 0.0)
        return pd.DataFrame(
            {
                "windows": len(both),
                "median": relative.median(),
                "largest": relative.max(),
                "within_1_percent": (relative <= 0.01).mean(),
                "absolute": absolute.max(),
            }
        )

    def save(self, path: str | Path) -> Path:
        """Write the table in the schema of Kaggle's.

        Where windows are not one after another from the beginning, a last column
        `start_s` says where they begin.

        Parameters
        ----------
        path : str or Path
            The new CSV file.

        Returns
        -------
        Path
            The same path.

        Raises
        ------
        CorpusError
            If it cannot be written.
        """
        table = self.windows[["filename", "length"]].join(self.frame.reset_index(drop=True))
        table = table.assign(label=self.windows["genre"])[list(tables.COLUMNS)]
        starts_s = self.windows["start_s"]
        if not np.allclose(starts_s, tables.starts_of(self.windows), atol=1e-3):
            # Kaggle's schema has no place for windows that end where their track ends.
            table["start_s"] = starts_s
        try:
            with atomic_path(path) as temporary:
                # Names that are no text are written with their bytes.
                table.to_csv(temporary, index=False, lineterminator="\n", errors="backslashreplace")
        except OSError as error:
            raise CorpusError(f"{path}: cannot be written ({error.strerror}).") from error
        return Path(path)


def features(
    corpus: Corpus,
    seconds: float = 3.0,
    *,
    grid: WindowGrid | None = None,
    reference: bool = False,
    jobs: int = 1,
    progress: bool = True,
) -> FeatureTable:
    """Compute the 57 features of every window, or read those of a table.

    Results are cached by file in the corpus' workspace, so that an interrupted
    call continues, and a second one is quick.

    Parameters
    ----------
    corpus : Corpus
        The tracks. Of a corpus that was opened from a table, the table's own
        rows are taken, whatever their windows.
    seconds : float
        Length of a window; they follow one another. With 30, tracks of less
        than a minute are taken whole, as in Kaggle's table.
    grid : WindowGrid, optional
        Where windows begin, such as `gtzan_lib.data.windows.KAGGLE_GRID`. Default:
        that of `feature_grid`.
    reference : bool
        Call librosa's functions one by one, which gives the same numbers and
        takes more than ten times as long.
    jobs : int
        Processes on this machine. Inside
        `joblib.parallel_config(backend="dask")` the tracks go to the cluster.
    progress : bool
        Show a progress bar, if on a terminal.

    Returns
    -------
    FeatureTable
        Rows in the order of the corpus. All values are finite.

    Raises
    ------
    CorpusError
        If `seconds` is too short for a frame, or not one row is left.

    Warns
    -----
    GtzanWarning
        Of tracks and windows that have no row, and why.

    Examples
    --------
    >>> import gtzan_lib as gl
    >>> table = gl.features(gl.open_corpus("/data/gtzan"), seconds=3)  # doctest: +SKIP
    >>> table.save("features_3_sec.csv")  # doctest: +SKIP

    Notes
    -----
    A window has one sample less than `seconds` says, as in Kaggle's table: with
    it, that table's numbers come out to the last digits. The book page
    "Features" shows how near they come.
    """
    if corpus.is_table:
        rows, left_out = _read(corpus)
    else:
        rows, left_out = _compute(
            corpus, grid or feature_grid(float(seconds)), reference, jobs, progress
        )
    if len(left_out):
        named = "; ".join(f"{name}: {why}" for name, why in list(left_out.items())[:3])
        more = f"; and {len(left_out) - 3} more" if len(left_out) > 3 else ""
        message = f"{corpus.root}: no features of {named}{more}."
        if rows.empty:
            raise CorpusError(f"{message} Nothing is left.")
        warnings.warn(message, GtzanWarning, stacklevel=2)
    values = rows[list(tables.FEATURES)].to_numpy(dtype=float)
    windows = rows.drop(columns=list(tables.FEATURES)).reset_index(drop=True)
    return FeatureTable(values, windows, pd.Series(left_out, name="reason", dtype=object))


class _Described(NamedTuple):
    """The windows of one file."""

    starts_s: np.ndarray
    lengths: np.ndarray
    values: np.ndarray
    problems: list[str]
    whole: bool


def _compute(
    corpus: Corpus, grid: WindowGrid, reference: bool, jobs: int, progress: bool
) -> tuple[pd.DataFrame, dict[str, str]]:
    import joblib

    compute = _cached(corpus, reference)
    paths = corpus.tracks["path"]
    tasks = (
        joblib.delayed(compute)(path, duration_s=duration, grid=grid, reference=reference)
        for path, duration in zip(paths, corpus.tracks["duration_s"], strict=True)
    )
    results = progress_bar(
        joblib.Parallel(n_jobs=jobs, return_as="generator")(tasks),
        f"Features of {grid.step:g} s",
        len(paths),
        show=progress,
    )
    parts, left_out = [], {}
    for (track_id, genre), one in zip(corpus.tracks["genre"].items(), results, strict=True):
        if isinstance(one, str):
            left_out[track_id] = one
            continue
        ids = [f"{track_id}.{number}" for number in range(len(one.starts_s))]
        left_out |= {name: why for name, why in zip(ids, one.problems, strict=True) if why}
        table = pd.DataFrame(
            {
                "window_id": ids,
                "track_id": track_id,
                "genre": genre,
                "start_s": one.starts_s,
                "filename": [tables.filename_of(i, track_id, whole=one.whole) for i in ids],
                "length": one.lengths,
            }
        )
        table = table.join(pd.DataFrame(one.values, columns=tables.FEATURES))
        parts.append(table[[not why for why in one.problems]])
    rows = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()
    return rows, left_out


def _cached(corpus: Corpus, reference: bool) -> FileCache:
    modules = ["data.audio", "data.tables", "data.windows", "signal.dsp", "signal.features"]
    modules += ["signal.fast_features", "signal.medians"]
    packages = ["numpy", "scipy", "soxr"]
    if reference:
        modules.append("signal.librosa_features")
        packages.append("librosa")
    return FileCache.of(
        _describe,
        corpus.work.features,
        modules,
        packages=packages,
        failed=lambda result: isinstance(result, str),
    )


def _describe(
    path: str, *, duration_s: float, grid: WindowGrid, reference: bool
) -> _Described | str:
    """Describe the windows of a file, or tell why it has none."""
    if reference:
        from .librosa_features import compute_features
    else:
        from .fast_features import compute_features
    try:
        y, _ = audio.load(path, sample_rate=_RATE)
    except AudioError as error:
        return f"cannot be decoded ({error.reason})"
    if len(y) < fast_features.MIN_SAMPLES:
        return f"shorter than a frame, {duration_s:.2f} s"
    whole, starts_s = grid.is_whole(duration_s), grid.starts(duration_s)
    size = len(y) if whole else round(grid.seconds * _RATE)
    if len(y) < size:
        y = np.resize(y, size)
    first = np.round(starts_s * _RATE).astype(int)
    pieces = [y[start : start + size] for start in first]
    if not pieces:
        return f"shorter than a window, {duration_s:.2f} s of {grid.step:g} s"
    problems = [_problem(piece) for piece in pieces]
    values = np.full((len(pieces), len(tables.FEATURES)), np.nan)
    # Sums depend on how many threads share them, and features must not.
    with threadpool_limits(1, user_api="blas"):
        for row, (piece, problem) in enumerate(zip(pieces, problems, strict=True)):
            if not problem:
                values[row] = compute_features(piece)
    return _Described(starts_s, np.array([len(p) for p in pieces]), values, problems, whole)


# Far above full scale, and far below where squares overflow.
_LOUDEST = 1e6


def _problem(y: np.ndarray) -> str:
    if not np.isfinite(y).all():
        return "holds samples that are not finite numbers"
    if np.abs(y).max() > _LOUDEST:
        return "holds samples a million times beyond full scale"
    return ""


def _read(corpus: Corpus) -> tuple[pd.DataFrame, dict[str, str]]:
    """Take the rows of a corpus that was opened from a table."""
    table = corpus.rows()
    faults = tables.row_faults(table, known=corpus.tracks.index, excluded={})
    kept = table.drop(index=faults.index)
    rows = tables.numbers(kept)
    rows.insert(2, "genre", corpus.tracks["genre"].loc[rows["track_id"]].to_numpy())
    return rows, dict(zip(table["filename"].loc[faults.index], faults, strict=True))
