"""Tables of features, with one row per window."""

from __future__ import annotations

import array
import dataclasses
import warnings
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from ..data import audio, tables
from ..data.arguments import require_corpus
from ..data.cache import FileCache
from ..data.corpus import Corpus, TableCorpus
from ..data.windows import WindowGrid
from ..errors import AudioError, CorpusError, GtzanWarning
from ..files import atomic_path
from ..progress import progress_bar
from .families import FAMILIES, SAMPLE_RATE, family_named

__all__ = ["CLIP_S", "FeatureTable", "feature_grid", "features"]

CLIP_S = 30.0
"""Length of a GTZAN clip; with windows of it, tracks of less than two windows are taken whole."""

_ROWS_AT_A_TIME = 1000
_WINDOW_COLUMNS = ["window_id", "track_id", "genre", "start_s", "filename", "length"]


def feature_grid(seconds: float, *, tail: str = "align", family: str = "kaggle") -> WindowGrid:
    """Return the grid of the windows of features, the same for all families.

    Parameters
    ----------
    seconds : float
        From one window's start to the next.
    tail : {"align", "drop"}
        As for `gtzan_lib.data.windows.WindowGrid`; Kaggle's tables have `drop`.
    family : str
        As for `features`.

    Returns
    -------
    WindowGrid
        Windows are one sample shorter than `seconds`, as in Kaggle's tables. For 30 s,
        sound of less than a minute is taken whole, as in Kaggle's tables.

    Raises
    ------
    CorpusError
        If there is no such family, or `seconds` is too short for it or longer than an
        hour.
    """
    chosen = family_named(family)
    if not chosen.allows(seconds):
        raise CorpusError(
            f"features of windows of {seconds:g} s cannot be computed: they need at least "
            f"{chosen.shortest_text}, and no more than an hour."
        )
    tail = "whole" if seconds == CLIP_S else tail
    return WindowGrid(seconds - 1 / SAMPLE_RATE, seconds, tail)


@dataclasses.dataclass(frozen=True, eq=False)
class FeatureTable:
    """Features of windows, one row per window.

    Attributes
    ----------
    values : np.ndarray [shape=(n, features), dtype=float64 or float32]
        In the order of `names`.
    windows : pd.DataFrame
        The window of each row: `window_id`, `track_id`, `genre`, `start_s`, and
        `filename` and `length` (in samples) as in Kaggle's tables.
    left_out : pd.Series
        Reasons why tracks or windows have no row, by their ids; in a table, by file
        name.
    family : str
        A name of `gtzan_lib.signal.families.FAMILIES`.
    """

    values: np.ndarray
    windows: pd.DataFrame
    left_out: pd.Series
    family: str = "kaggle"

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the features, those of the family."""
        return FAMILIES[self.family].names

    def __len__(self) -> int:
        return len(self.windows)

    def __repr__(self) -> str:
        tracks = self.windows["track_id"].nunique()
        return f"FeatureTable({len(self)} windows of {tracks} tracks, {len(self.names)} features)"

    @property
    def frame(self) -> pd.DataFrame:
        """The features as a table with their names, indexed by `window_id`."""
        return pd.DataFrame(self.values, self.windows["window_id"], self.names)

    def against(self, other: FeatureTable) -> pd.DataFrame:
        """Compare the values with those of another table, window by window.

        Parameters
        ----------
        other : FeatureTable
            A table with common windows, such as Kaggle's.

        Returns
        -------
        pd.DataFrame
            One row per feature: `windows`, the number of common windows; `median` and
            `largest` difference relative to the other value; `within_1_percent`, the
            share of such differences; and `absolute`, the largest absolute difference.

        Raises
        ------
        CorpusError
            If the tables have no window in common.
        """
        both = self.frame.index.intersection(other.frame.index)
        if both.empty:
            raise CorpusError(
                f"the two tables have no window in common, {self.windows['filename'].iloc[0]} is "
                f"not in the other; compute windows of the same length."
            )
        ours, theirs = self.frame.loc[both], other.frame.loc[both]
        absolute = (ours - theirs).abs()
        relative = (absolute / theirs.abs()).where(absolute > 0, 0.0)
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
        """Write the table in the schema of Kaggle's tables.

        If windows do not follow one another from the beginning, the last column
        `start_s` has their starts.

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
            If the file cannot be written.
        """
        starts_s = self.windows["start_s"]
        columns = list(tables.COLUMNS)
        if not np.allclose(starts_s, tables.starts_of(self.windows), atol=1e-3):
            # Kaggle's schema has no starts of windows.
            columns.append("start_s")
        try:
            # Bytes of names that are not valid text are written with backslashes.
            with (
                atomic_path(path) as temporary,
                temporary.open("w", encoding="utf-8", errors="backslashreplace", newline="") as csv,
            ):
                csv.write(",".join(columns) + "\n")
                # The whole table as text, or copied, would take several times its memory.
                for first in range(0, len(self), _ROWS_AT_A_TIME):
                    rows = slice(first, first + _ROWS_AT_A_TIME)
                    windows = self.windows.iloc[rows].rename(columns={"genre": "label"})
                    values = pd.DataFrame(self.values[rows], windows.index, self.names)
                    table = windows.join(values)[columns]
                    table.to_csv(csv, index=False, header=False, lineterminator="\n")
        except OSError as error:
            raise CorpusError(
                f"{path}: cannot be written ({error.strerror}); name another place."
            ) from error
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
    """Compute the 57 features of every window, or read them from a table.

    Results are cached for each file in the corpus' workspace, so that an interrupted
    call continues, and a second one is quick.

    Parameters
    ----------
    corpus : Corpus
        The tracks. For a corpus that was opened from a table, the rows of the table
        are returned, and `seconds` and `grid` are not used.
    seconds : float
        Time from one window's start to the next. With 30, tracks of less than a
        minute are taken whole, as in Kaggle's table.
    grid : WindowGrid, optional
        Grid of the windows, such as `gtzan_lib.data.windows.KAGGLE_GRID`. Default:
        `feature_grid(seconds)`.
    reference : bool
        Compute with librosa's functions, which gives the same values up to rounding
        and takes more than ten times as long.
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
        If `seconds` is too short or too long, or there is no row.

    Warns
    -----
    GtzanWarning
        If tracks or windows have no row; the warning has the reasons.

    Examples
    --------
    >>> import gtzan_lib as gl
    >>> table = gl.features(gl.open_corpus("/data/gtzan"), seconds=3)  # doctest: +SKIP
    >>> table.save("features_3_sec.csv")  # doctest: +SKIP

    Notes
    -----
    Windows are one sample shorter than `seconds`, as in Kaggle's table, whose values
    are reproduced only with this length. The book page "Features" shows the
    differences.
    """
    require_corpus(corpus)
    if isinstance(corpus, TableCorpus):
        table = _read(corpus)
    else:
        table = _compute(corpus, grid or feature_grid(float(seconds)), reference, jobs, progress)
    left_out = table.left_out
    if len(left_out):
        reasons = "; ".join(f"{name}: {why}" for name, why in list(left_out.items())[:3])
        more = f"; and {len(left_out) - 3} more" if len(left_out) > 3 else ""
        message = f"{corpus.root}: no features of {reasons}{more}."
        if not len(table):
            raise CorpusError(f"{message} Nothing is left.")
        warnings.warn(message, GtzanWarning, stacklevel=2)
    return table


class _FileFeatures(NamedTuple):
    """Features of the windows of one file."""

    starts_s: np.ndarray
    lengths: np.ndarray
    values: np.ndarray
    problems: list[str]
    whole: bool


def _compute(
    corpus: Corpus, grid: WindowGrid, reference: bool, jobs: int, progress: bool
) -> FeatureTable:
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
    # A table or an array per file would take several times the memory of the features.
    rows: list[tuple[object, ...]] = []
    values = array.array("d")
    left_out: dict[str, str] = {}
    for (track_id, genre), result in zip(corpus.tracks["genre"].items(), results, strict=True):
        if isinstance(result, str):
            left_out[track_id] = result
            continue
        windows = zip(result.starts_s, result.lengths, result.values, result.problems, strict=True)
        for number, (start_s, length, row, problem) in enumerate(windows):
            window_id = f"{track_id}.{number}"
            if problem:
                left_out[window_id] = problem
                continue
            filename = tables.filename_of(window_id, track_id, whole=result.whole)
            rows.append((window_id, track_id, genre, start_s, filename, length))
            values.frombytes(row.tobytes())
    return FeatureTable(
        np.asarray(values).reshape(-1, len(tables.FEATURE_NAMES)),
        pd.DataFrame(rows, columns=_WINDOW_COLUMNS),
        _reasons(left_out),
    )


def _cached(corpus: Corpus, reference: bool) -> FileCache:
    modules = ["data.audio", "data.decoders", "data.tables", "data.windows", "signal.dsp"]
    modules += ["signal.fast_features", "signal.features", "signal.medians"]
    packages = ["numpy", "scipy", "soxr"]
    if reference:
        modules.append("signal.librosa_features")
        packages.append("librosa")
    return FileCache.of(
        _compute_file,
        corpus.work.features,
        modules,
        packages=packages,
        failed=lambda result: isinstance(result, str),
    )


def _compute_file(
    path: str, *, duration_s: float, grid: WindowGrid, reference: bool
) -> _FileFeatures | str:
    """Compute the features of a file's windows, or return the reason why it has none."""
    if reference:
        from .librosa_features import compute_features
    else:
        from .fast_features import compute_features
    try:
        y, _ = audio.load(path, sample_rate=SAMPLE_RATE)
    except AudioError as error:
        return f"cannot be decoded ({error.reason})"
    if len(y) < fast_features.MIN_SAMPLES:
        return f"shorter than a frame, {duration_s:.2f} s"
    whole, starts_s = grid.is_whole(duration_s), grid.starts(duration_s)
    size = len(y) if whole else round(grid.seconds * SAMPLE_RATE)
    if len(y) < size:
        y = np.resize(y, size)
    first = np.round(starts_s * SAMPLE_RATE).astype(int)
    pieces = [y[start : start + size] for start in first]
    if not pieces:
        return f"shorter than a window, {duration_s:.2f} s of {grid.step:g} s"
    problems = [_problem(piece) for piece in pieces]
    values = np.full((len(pieces), len(tables.FEATURE_NAMES)), np.nan)
    # Sums depend on the number of threads, and features must not.
    with threadpool_limits(1, user_api="blas"):
        for row, (piece, problem) in enumerate(zip(pieces, problems, strict=True)):
            if not problem:
                values[row] = compute_features(piece)
    return _FileFeatures(starts_s, np.array([len(p) for p in pieces]), values, problems, whole)


def _problem(y: np.ndarray) -> str:
    if not audio.is_invalid(y).any():
        return ""
    if np.isfinite(y).all():
        return "holds samples a million times beyond full scale"
    return "holds samples that are not finite numbers"


def _read(corpus: TableCorpus) -> FeatureTable:
    """Return the rows of a corpus that was opened from a table."""
    table = corpus.rows()
    faults = tables.row_faults(table, known=corpus.tracks.index, excluded={})
    rows = tables.numbers(table.drop(index=faults.index))
    rows.insert(2, "genre", corpus.tracks["genre"].loc[rows["track_id"]].to_numpy())
    left_out = dict(zip(table["filename"].loc[faults.index], faults, strict=True))
    names = list(tables.FEATURE_NAMES)
    windows = rows.drop(columns=names).reset_index(drop=True)
    return FeatureTable(rows[names].to_numpy(dtype=float), windows, _reasons(left_out))


def _reasons(left_out: dict[str, str]) -> pd.Series:
    return pd.Series(left_out, name="reason", dtype=object)
