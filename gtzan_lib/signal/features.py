"""Tables of features, with one row per window."""

from __future__ import annotations

import array
import dataclasses
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from ..data import audio, tables
from ..data.arguments import require_corpus
from ..data.cache import FileCache
from ..data.corpus import Corpus, ImageCorpus, TableCorpus
from ..data.windows import SHORTEST_S, WindowGrid
from ..errors import AudioError, CorpusError, GtzanWarning
from ..files import atomic_path
from ..progress import progress_bar
from .families import FAMILIES, SAMPLE_RATE, FeatureFamily, families_of, family_named

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
        """Write the table into a file.

        Parameters
        ----------
        path : str or Path
            The new file. With the ending `.npz`, it holds the arrays, and `load` reads
            it. Otherwise it is a CSV file in the schema of Kaggle's tables, with the
            columns of the family; if windows do not follow one another from the
            beginning, the last column `start_s` has their starts. Kaggle's 57 features
            open as a corpus. Families of thousands of features make large texts.

        Returns
        -------
        Path
            The same path.

        Raises
        ------
        CorpusError
            If the file cannot be written.
        """
        path = Path(path)
        try:
            with atomic_path(path) as temporary:
                if path.suffix.lower() == ".npz":
                    self._write_arrays(temporary)
                else:
                    self._write_text(temporary)
        except OSError as error:
            raise CorpusError(
                f"{path}: cannot be written ({error.strerror}); name another place."
            ) from error
        return path

    @classmethod
    def load(cls, path: str | Path) -> FeatureTable:
        """Read a table that `save` wrote with the ending `.npz`.

        Parameters
        ----------
        path : str or Path
            The file.

        Returns
        -------
        FeatureTable
            The same table.

        Raises
        ------
        CorpusError
            If there is no such file, or it is no such table.
        """
        if not Path(path).is_file():
            raise CorpusError(f"{path}: there is no such file; name a table of features.")
        try:
            with np.load(path, allow_pickle=False) as stored:
                family, values = str(stored["family"]), stored["values"]
                names = tuple(stored["names"].astype(str).tolist())
                columns = {name: stored[name] for name in _WINDOW_COLUMNS}
                ids, reasons = stored["left_out_ids"], stored["left_out_reasons"]
            windows = pd.DataFrame(
                {
                    name: column.astype(object) if column.dtype.kind == "U" else column
                    for name, column in columns.items()
                }
            )
            left_out = dict(zip(ids.tolist(), reasons.tolist(), strict=True))
            ok = values.shape == (len(windows), len(names)) and np.isfinite(values).all()
        except Exception as error:  # zipfile, numpy and pandas raise many kinds for damaged files
            raise _no_table(path) from error
        if not ok:
            raise _no_table(path)
        if names != family_named(family).names:
            raise CorpusError(
                f"{path}: its features are not those of the family {family!r} of this version; "
                "compute them again."
            )
        return cls(values, windows, _reasons(left_out), family)

    def _write_arrays(self, file: Path) -> None:
        arrays: dict[str, Any] = {
            "family": np.array(self.family),
            "names": np.array(self.names, dtype=bytes),
            "values": self.values,
            "left_out_ids": self.left_out.index.to_numpy(dtype=str),
            "left_out_reasons": self.left_out.to_numpy(dtype=str),
        }
        for name in _WINDOW_COLUMNS:
            column = self.windows[name]
            number = pd.api.types.is_numeric_dtype(column)
            arrays[name] = column.to_numpy(dtype=None if number else str)
        with file.open("wb") as stream:
            np.savez(stream, **arrays)

    def _write_text(self, file: Path) -> None:
        columns = ["filename", "length", *self.names, "label"]
        if not np.allclose(self.windows["start_s"], tables.starts_of(self.windows), atol=1e-3):
            # Kaggle's schema has no starts of windows.
            columns.append("start_s")
        # Bytes of names that are not valid text are written with backslashes.
        with file.open("w", encoding="utf-8", errors="backslashreplace", newline="") as csv:
            csv.write(",".join(columns) + "\n")
            # The whole table as text, or copied, would take several times its memory.
            for first in range(0, len(self), _ROWS_AT_A_TIME):
                rows = slice(first, first + _ROWS_AT_A_TIME)
                windows = self.windows.iloc[rows].rename(columns={"genre": "label"})
                values = pd.DataFrame(self.values[rows], windows.index, self.names)
                table = windows.join(values)[columns]
                table.to_csv(csv, index=False, header=False, lineterminator="\n")


def features(
    corpus: Corpus,
    seconds: float = 3.0,
    *,
    family: str = "kaggle",
    grid: WindowGrid | None = None,
    reference: bool = False,
    jobs: int = 1,
    progress: bool = True,
) -> FeatureTable:
    """Compute the features of every window, or read them from a table.

    Results are cached for each audio file in the corpus' workspace, so that an
    interrupted call continues, and a second one is quick.

    Parameters
    ----------
    corpus : Corpus
        The tracks. For a corpus that was opened from a table, the rows of the table
        are returned, and `seconds` and `grid` are not used.
    seconds : float
        Time from one window's start to the next. With 30, tracks of less than a
        minute are taken whole, as in Kaggle's table.
    family : {"kaggle", "logmel-statistics"}
        `kaggle`: the 57 features of Kaggle's tables, from sound, windows of at least
        0.1 s. `logmel-statistics`: 4608 statistics of the log-mel spectrogram of each
        window (`gtzan_lib.signal.logmel_statistics`), from sound or from a file of
        log-mels, windows of at least 1.25 s. The windows are the same for all families.
    grid : WindowGrid, optional
        Grid of the windows, such as `gtzan_lib.data.windows.KAGGLE_GRID`. Default:
        `feature_grid(seconds)`.
    reference : bool
        Compute Kaggle's features with librosa's functions, which gives the same values
        up to rounding and takes more than ten times as long.
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
        If there is no such family, or it cannot be computed for this corpus; if
        `seconds` is too short or too long, or there is no row.

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
    _refuse_other_corpora(corpus, family, reference=reference)
    if isinstance(corpus, TableCorpus):
        table = _read(corpus)
    else:
        grid = grid or feature_grid(float(seconds), family=family)
        table = _compute(corpus, family, grid, reference, jobs, progress)
    left_out = table.left_out
    if len(left_out):
        reasons = "; ".join(f"{name}: {why}" for name, why in list(left_out.items())[:3])
        more = f"; and {len(left_out) - 3} more" if len(left_out) > 3 else ""
        message = f"{corpus.root}: no features of {reasons}{more}."
        if not len(table):
            raise CorpusError(f"{message} Nothing is left.")
        warnings.warn(message, GtzanWarning, stacklevel=2)
    return table


def _no_table(path: str | Path) -> CorpusError:
    return CorpusError(
        f"{path}: is no table of features, or is damaged; make one with FeatureTable.save and a "
        "name that ends with .npz."
    )


def _refuse_other_corpora(corpus: Corpus, family: str, *, reference: bool) -> None:
    """Refuse what the family cannot be computed from, or how."""
    chosen = family_named(family)
    if reference and not chosen.reference:
        raise CorpusError(
            f"the family {family!r} has no second implementation; leave out the reference."
        )
    if isinstance(corpus, TableCorpus) and family != "kaggle":
        raise CorpusError(
            f"{corpus.root}: is a table of Kaggle's features, from which {family!r} cannot be "
            "computed; open the folder of the audio files instead."
        )
    if isinstance(corpus, ImageCorpus) and not chosen.from_log_mels:
        others = ", ".join(families_of(corpus))
        raise CorpusError(
            f"{corpus.root}: is a file of log-mels, which holds no sound for the features of "
            f"{family!r}; open the folder of the audio files, or choose the family {others}."
        )


class _FileFeatures(NamedTuple):
    """Features of the windows of one file."""

    starts_s: np.ndarray
    lengths: np.ndarray
    values: np.ndarray
    problems: list[str]
    whole: bool


def _compute(
    corpus: Corpus, family: str, grid: WindowGrid, reference: bool, jobs: int, progress: bool
) -> FeatureTable:
    import joblib

    tasks = (
        _log_mel_tasks(corpus, family, grid)
        if isinstance(corpus, ImageCorpus)
        else _file_tasks(corpus, family, grid, reference)
    )
    results = progress_bar(
        joblib.Parallel(n_jobs=jobs, return_as="generator")(tasks),
        f"Features of {grid.step:g} s",
        len(corpus),
        show=progress,
    )
    chosen = FAMILIES[family]
    # A table or an array per file would take several times the memory of the features.
    rows: list[tuple[object, ...]] = []
    values = array.array(np.dtype(chosen.dtype).char)
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
        np.asarray(values).reshape(-1, len(chosen.names)),
        pd.DataFrame(rows, columns=_WINDOW_COLUMNS),
        _reasons(left_out),
        family,
    )


def _file_tasks(
    corpus: Corpus, family: str, grid: WindowGrid, reference: bool
) -> Iterator[tuple[Any, ...]]:
    import joblib

    compute = joblib.delayed(_cached(corpus, FAMILIES[family], reference))
    for path, duration_s in zip(corpus.tracks["path"], corpus.tracks["duration_s"], strict=True):
        yield compute(path, duration_s=duration_s, family=family, grid=grid, reference=reference)


def _cached(corpus: Corpus, family: FeatureFamily, reference: bool) -> FileCache:
    modules = ["data.audio", "data.decoders", "data.windows", "signal.families", "signal.features"]
    return FileCache.of(
        _compute_file,
        corpus.work.features,
        [*modules, *family.modules, *(family.reference_modules if reference else ())],
        packages=[*family.packages, *(family.reference_packages if reference else ())],
        failed=lambda result: isinstance(result, str),
    )


def _compute_file(
    path: str, *, duration_s: float, family: str, grid: WindowGrid, reference: bool
) -> _FileFeatures | str:
    """Compute the features of a file's windows, or return the reason why it has none."""
    chosen = FAMILIES[family]
    try:
        y, _ = audio.load(path, sample_rate=SAMPLE_RATE)
    except AudioError as error:
        return f"cannot be decoded ({error.reason})"
    whole, starts_s = grid.is_whole(duration_s), grid.starts(duration_s)
    reason = _too_short(chosen, grid, duration_s, decoded_s=len(y) / SAMPLE_RATE)
    if reason:
        return reason
    samples = len(y) if whole else round(grid.seconds * SAMPLE_RATE)
    windows = chosen.cut(y, starts_s, samples)
    problems = [_problem(window.y) for window in windows]
    valid = [window for window, problem in zip(windows, problems, strict=True) if not problem]
    values: np.ndarray = np.full((len(windows), len(chosen.names)), np.nan, dtype=chosen.dtype)
    compute = chosen.reference if reference and chosen.reference else chosen.compute
    # Sums depend on the number of threads, and features must not.
    with threadpool_limits(1, user_api="blas"):
        if valid:
            values[[not problem for problem in problems]] = compute(valid, samples)
    return _FileFeatures(starts_s, np.full(len(windows), samples), values, problems, whole)


def _log_mel_tasks(corpus: ImageCorpus, family: str, grid: WindowGrid) -> Iterator[tuple[Any, ...]]:
    import joblib

    compute = joblib.delayed(_compute_log_mels)
    n_mels = FAMILIES[family].n_mels
    for image, duration_s in zip(corpus.log_mels(), corpus.tracks["duration_s"], strict=True):
        if len(image) != n_mels:
            raise CorpusError(
                f"{corpus.root}: its images have {len(image)} mel bands, but the features "
                f"{family!r} need {n_mels}; open another file."
            )
        yield compute(image, duration_s=duration_s, family=family, grid=grid)


def _compute_log_mels(
    image: np.ndarray, *, duration_s: float, family: str, grid: WindowGrid
) -> _FileFeatures | str:
    """Compute the features of the windows of a log-mel spectrogram, as `_compute_file`."""
    chosen = FAMILIES[family]
    whole, starts_s = grid.is_whole(duration_s), grid.starts(duration_s)
    reason = _too_short(chosen, grid, duration_s, decoded_s=duration_s)
    if reason or not chosen.from_log_mels:
        return reason
    samples = round((duration_s if whole else grid.seconds) * SAMPLE_RATE)
    values = chosen.from_log_mels(image, starts_s, 0 if whole else samples, duration_s)
    lengths = np.full(len(starts_s), samples)
    return _FileFeatures(starts_s, lengths, values, [""] * len(starts_s), whole)


def _too_short(
    family: FeatureFamily, grid: WindowGrid, duration_s: float, *, decoded_s: float
) -> str:
    """Return why a sound has no window, or an empty text."""
    # Sound of a second is repeated until it fills a window.
    least_s = family.shortest_s if grid.is_whole(duration_s) else min(family.shortest_s, SHORTEST_S)
    if decoded_s < least_s:
        return f"shorter than {family.shortest_text}, {duration_s:.2f} s"
    if not len(grid.starts(duration_s)):
        return f"shorter than a window, {duration_s:.2f} s of {grid.step:g} s"
    return ""


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
