"""Tables of features in the schema of Kaggle's CSV files."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from ..errors import CorpusError
from ..files import atomic_path
from . import audio

__all__ = [
    "COLUMNS",
    "FEATURE_NAMES",
    "SERIES",
    "clean_table",
    "filename_of",
    "is_table_path",
    "numbers",
    "read_table",
    "row_faults",
    "starts_of",
]

SERIES = (
    "chroma_stft", "rms", "spectral_centroid", "spectral_bandwidth", "rolloff",
    "zero_crossing_rate", "harmony", "perceptr",
)  # fmt: skip
"""Features whose mean and variance are in Kaggle's tables, besides the MFCCs."""

FEATURE_NAMES = (
    *(f"{name}_{moment}" for name in SERIES for moment in ("mean", "var")),
    "tempo",
    *(f"mfcc{n}_{moment}" for n in range(1, 21) for moment in ("mean", "var")),
)
"""The 57 features, in Kaggle's order."""

COLUMNS = ("filename", "length", *FEATURE_NAMES, "label")
"""All columns of Kaggle's tables."""

SAMPLE_RATE = 22_050
"""Sample rate in Hz of the column `length`."""


def is_table_path(source: str | Path) -> bool:
    """Return whether the source of a corpus is a table of features, by its name."""
    source = Path(source)
    return source.suffix.lower() == ".csv" and not source.is_dir()


def read_table(path: str | Path, *, known: Collection[str] = ()) -> pd.DataFrame:
    """Read a table of features, with each cell as text.

    Parameters
    ----------
    path : str or Path
        A CSV file in Kaggle's schema, of 30 s or 3 s rows.
    known : collection of str, optional
        Ids of the existing tracks; a name that ends with a number, and is one of
        them, is not read as the name of a window.

    Returns
    -------
    pd.DataFrame
        The columns of the file, after a column `track_id` from `filename`:
        `blues.00000.wav` and `blues.00000.3.wav` belong to track `blues.00000`.

    Raises
    ------
    CorpusError
        If the file cannot be read or has not all columns.
    """
    path = Path(path)
    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False)
    except UnicodeDecodeError as error:
        raise CorpusError(
            f"{path}: is not text in UTF-8; save it as CSV in UTF-8, with commas between cells."
        ) from error
    except (OSError, pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        reason = "there is no such file" if isinstance(error, FileNotFoundError) else str(error)
        raise CorpusError(
            f"{path}: cannot be read as a table of features ({reason.strip()}); name a CSV file "
            "such as features_30_sec.csv."
        ) from error
    missing = [name for name in COLUMNS if name not in table.columns]
    if missing:
        _refuse_other_separators(path, table)
        others = f" and {len(missing) - 1} more columns" if len(missing) > 1 else ""
        alike = [name for name in table.columns if name.strip().lower() == missing[0]]
        others += f", but {alike[0]!r}" if alike else ""
        raise CorpusError(
            f"{path}: has no column {missing[0]!r}{others}; expected the {len(COLUMNS)} columns "
            "of Kaggle's tables, filename, length, 57 features and label."
        )
    if not isinstance(table.index, pd.RangeIndex) or "track_id" in table.columns:
        raise CorpusError(
            f"{path}: has more cells in a row than columns, or a column 'track_id'; expected the "
            f"{len(COLUMNS)} columns of Kaggle's tables."
        )
    # Spreadsheets leave rows of empty cells at the end.
    table = table[(table != "").any(axis=1)].reset_index(drop=True)
    table.insert(0, "track_id", [_track_of(name, known) for name in table["filename"]])
    return table


def _refuse_other_separators(path: Path, table: pd.DataFrame) -> None:
    head = " ".join(table.columns)
    for mark, name in {";": "semicolons", "\t": "tabs", "|": "vertical bars"}.items():
        if head.count(mark) >= len(COLUMNS) - 1:
            raise CorpusError(
                f"{path}: separates its cells by {name}; save it with commas between cells, and "
                "with points in numbers."
            )


def row_faults(
    table: pd.DataFrame, *, known: Collection[str], excluded: Mapping[str, str]
) -> pd.Series:
    """Return the rows that should not be used, with the reasons.

    Parameters
    ----------
    table : pd.DataFrame
        As from `read_table`.
    known : collection of str
        Ids of the existing tracks.
    excluded : mapping of str to str
        Reasons for excluding tracks, by track id.

    Returns
    -------
    pd.Series
        The reason for each row that should not be used, by row label.
    """
    values = table[list(FEATURE_NAMES)].apply(pd.to_numeric, errors="coerce").to_numpy(dtype=float)
    unusable = ~np.isfinite(values)
    repeated = pd.Series(_window_ids(table), table.index).duplicated()
    lengths = pd.Series(_lengths(table), table.index)
    reasons = {}
    for row, (label, track_id) in enumerate(table["track_id"].items()):
        if track_id in excluded:
            reasons[label] = excluded[track_id]
        elif track_id not in known:
            reasons[label] = "unknown track"
        elif repeated[label]:
            reasons[label] = "repeats the window of an earlier row"
        elif np.isnan(lengths[label]):
            reasons[label] = f"length is {table.at[label, 'length']!r}"
        elif unusable[row].any():
            name = FEATURE_NAMES[int(np.argmax(unusable[row]))]
            cell = table.at[label, name]
            reasons[label] = f"{name} is {cell!r}" if cell else f"{name} is empty"
    return pd.Series(reasons, dtype=object, name="reason")


def numbers(table: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of a table with window ids, and the features as numbers.

    Parameters
    ----------
    table : pd.DataFrame
        As from `read_table`, without the rows that `row_faults` returns.

    Returns
    -------
    pd.DataFrame
        `window_id`, `track_id`, `start_s`, `filename`, `length` in samples, and
        the 57 features as floats. `blues.00000.3.wav` is window
        `blues.00000.3`; `blues.00000.wav` is `blues.00000.0`. `start_s` is the
        table's own column, if it has one, else from `starts_of`.
    """
    names = _window_ids(table)
    length = _lengths(table).astype(int)
    starts_s = starts_of(pd.DataFrame({"window_id": names, "length": length}))
    if "start_s" in table:
        stored = pd.to_numeric(table["start_s"], errors="coerce").to_numpy(dtype=float)
        starts_s = np.where(np.isnan(stored), starts_s, stored)
    head = pd.DataFrame(
        {
            "window_id": names,
            "track_id": table["track_id"].to_numpy(dtype=object),
            "start_s": starts_s,
            "filename": table["filename"].to_numpy(dtype=object),
            "length": length,
        }
    )
    return head.join(table[list(FEATURE_NAMES)].astype(float).reset_index(drop=True))


def starts_of(windows: pd.DataFrame) -> np.ndarray:
    """Return the start of each row's window in Kaggle's tables.

    Parameters
    ----------
    windows : pd.DataFrame
        `window_id` and `length` in samples.

    Returns
    -------
    np.ndarray [shape=(n,)]
        In seconds: the number of the window (3 in `blues.00000.3`) times its
        length, which is one sample more than the row's `length` (see
        `gtzan_lib.data.windows.KAGGLE_GRID`).
    """
    number = windows["window_id"].astype(str).str.rsplit(".", n=1).str[1].astype(float).to_numpy()
    return np.round((windows["length"].to_numpy() + 1) / SAMPLE_RATE, 4) * number


def filename_of(window_id: str, track_id: str, *, whole: bool) -> str:
    """Return the file name of a row, from which the same ids are read back.

    Parameters
    ----------
    window_id, track_id : str
        The window, and its track.
    whole : bool
        Whether the window is the whole track.

    Returns
    -------
    str
        `blues.00000.wav` for a whole track, unless this could be the name of
        another track's window; otherwise `blues.00000.3.wav`.
    """
    return f"{track_id if whole and not _WINDOW.match(track_id) else window_id}.wav"


def clean_table(
    path: str | Path,
    target: str | Path | None,
    *,
    known: Collection[str],
    excluded: Mapping[str, str],
    replace: bool = False,
) -> pd.DataFrame:
    """Write a table without the rows that should not be used.

    Parameters
    ----------
    path : str or Path
        A table in Kaggle's schema; it is not changed.
    target : str or Path or None
        The new file; None writes no file.
    known, excluded
        As for `row_faults`.
    replace : bool
        Whether the new file may replace one that exists, other than the table itself.

    Returns
    -------
    pd.DataFrame
        The rows that were left out: `filename`, `track_id` and `reason`.

    Raises
    ------
    CorpusError
        If the table cannot be read, or the new file already exists.
    """
    table = read_table(path, known=known)
    file = None if target is None else Path(target)
    if file and file.exists() and (not replace or file.samefile(path)):
        raise CorpusError(f"{target}: already exists; name a new file.")
    reasons = row_faults(table, known=known, excluded=excluded)
    if file:
        _write_kept(Path(path), file, table.index.isin(reasons.index))
    return table.loc[reasons.index, ["filename", "track_id"]].assign(reason=reasons)


def _write_kept(path: Path, target: Path, left_out: np.ndarray) -> None:
    # Lines are copied unchanged, to the last digit.
    content = path.read_bytes().splitlines(keepends=True)
    head, *lines = [line for line in content if line.strip(b', "\t\r\n')]
    if len(lines) != len(left_out):
        raise CorpusError(f"{path}: has line breaks in cells; write each row in one line.")
    kept = (line for line, out in zip(lines, left_out, strict=True) if not out)
    try:
        with atomic_path(target) as temporary:
            temporary.write_bytes(head + b"".join(kept))
    except OSError as error:
        raise CorpusError(
            f"{target}: cannot be written ({error.strerror}); name another file."
        ) from error


def _track_of(filename: str, known: Collection[str]) -> str:
    """Return `blues.00000` for `blues.00000.wav` and for `blues.00000.3.wav`."""
    stem = _stem(filename)
    return stem if stem in known else _WINDOW.sub(r"\1", stem)


# Window numbers have no leading zeros: `blues.00000` is a track.
_WINDOW = re.compile(r"^(.+\..+)\.(?:0|[1-9]\d*)$", re.DOTALL)
_ENDING = re.compile(f"({'|'.join(map(re.escape, audio.EXTENSIONS))})$", re.IGNORECASE)


def _stem(filename: str) -> str:
    return _ENDING.sub("", filename)


def _window_ids(table: pd.DataFrame) -> list[str]:
    """Return `blues.00000.3` for `blues.00000.3.wav`, `blues.00000.0` for `blues.00000.wav`."""
    names = zip(table["filename"], table["track_id"], strict=True)
    return [f"{track}.0" if _stem(name) == track else _stem(name) for name, track in names]


def _lengths(table: pd.DataFrame) -> np.ndarray:
    """Return lengths in samples; NaN where a cell is not a whole number above zero."""
    lengths = pd.to_numeric(table["length"], errors="coerce").to_numpy(dtype=float)
    lengths = np.where((lengths >= 1) & (lengths <= 2**40), lengths, np.nan)
    return np.where(lengths % 1 == 0, lengths, np.nan)
