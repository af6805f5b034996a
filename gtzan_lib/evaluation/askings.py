"""The list of askings: each time that the test part of an official split was scored.

A published split has one test part for everybody. Each score of it that is looked at
can influence a choice, and what was chosen by it looks better than it is. Under
protocol `official`, the validation part is therefore scored, unless the test part is
asked for; each asking is a row of a CSV file. The book page "The test part wears out"
explains the rule and shows the askings of this project.
"""

from __future__ import annotations

import csv
import hashlib
import re
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ..data.splits import DataSplit
from ..data.workspace import Workspace
from ..digests import package_commit
from ..errors import OutputError, RecordError
from ..files import atomic_path, canonical_json, printable
from ..outputs import try_to_write
from ..stats import Score

__all__ = [
    "COLUMNS",
    "configuration_hash",
    "corpus_of",
    "part_to_score",
    "prepare_list",
    "read_askings",
    "record_asking",
    "seeds_of",
]

COLUMNS = (
    "date",
    "corpus",
    "configuration",
    "description",
    "seeds",
    "commit",
    "part",
    "n",
    "score",
    "low",
    "high",
    "chosen_by",
)
"""Columns of the list."""

# Parameters of estimators that choose among equals, or change nothing but the speed.
_SEEDS = ("seed", "random_state")
_WITHOUT_EFFECT = ("checkpoint", "device", "n_jobs", "progress", "verbose")


def part_to_score(split: DataSplit, *, ask_test: bool) -> str:
    """Return the part of a split that is scored.

    Parameters
    ----------
    split : DataSplit
        The split.
    ask_test : bool
        Whether the test part of an official split is asked for.

    Returns
    -------
    str
        `valid` under protocol `official`, unless the test part is asked for; `test` under
        all others.
    """
    return "valid" if split.protocol == "official" and not ask_test else "test"


def configuration_hash(configuration: Mapping[str, Any]) -> str:
    """Return one hash for everything that determines a score, except for seeds.

    Parameters
    ----------
    configuration : mapping of str to object
        What determines the score. `gtzan_lib.evaluation.evaluate.evaluate` gives the
        estimator, its data, the hash of the split and the aggregation. An estimator counts
        by its class and its parameters, without seeds and without those that change the
        speed alone; an array by its type, shape and bytes, which depend on recipe and
        windows; all else by its value.

    Returns
    -------
    str
        Sixteen hexadecimal digits. Seeds of one configuration have the same hash.
    """
    text = canonical_json(_described(configuration))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def _described(value: Any) -> Any:
    """Return a value as JSON that is equal for equal values."""
    if isinstance(value, str | int | float | None):
        return value
    if isinstance(value, Mapping):
        return {str(key): _described(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_described(item) for item in value]
    if isinstance(value, np.ndarray):
        digest = hashlib.sha256()
        # In pieces: images may be a memory map that is larger than the memory.
        for row in range(0, len(value), 64):
            digest.update(np.ascontiguousarray(value[row : row + 64]).tobytes())
        return [str(value.dtype), list(value.shape), digest.hexdigest()]
    name = f"{type(value).__module__}.{type(value).__qualname__}"
    if hasattr(value, "get_params") and not isinstance(value, type):
        settings = value.get_params(deep=False).items()
        left_out = (*_SEEDS, *_WITHOUT_EFFECT)
        return [name, {key: _described(item) for key, item in settings if key not in left_out}]
    # An address in memory is another one in every process.
    return [name, re.sub(r" at 0x[0-9a-fA-F]+", "", repr(value))]


def seeds_of(estimator: Any) -> str:
    """Return the seeds of an estimator and its steps, in order and separated by blanks."""
    found = {
        int(value)
        for name, value in estimator.get_params(deep=True).items()
        if name.rpartition("__")[2] in _SEEDS and isinstance(value, int | np.integer)
    }
    return " ".join(map(str, sorted(found)))


def corpus_of(split: DataSplit) -> str:
    """Return the name of the corpus of a split, or its fingerprint in older files."""
    return str(split.settings.get("corpus_name") or split.settings.get("corpus") or "")


def prepare_list(path: str | Path | None) -> Path:
    """Refuse a list that cannot be written, before the work that makes a score.

    Parameters
    ----------
    path : str or Path, optional
        The CSV file. Default: `test_access.csv` in the workspace.

    Returns
    -------
    Path
        The file, which need not exist.

    Raises
    ------
    RecordError
        If there is another file, or a damaged list.
    OutputError
        If the file cannot be written.
    """
    path = Workspace().test_access if path is None else Path(path)
    _rows(path)
    try:
        try_to_write(path.absolute().parent)
    except OSError as error:
        raise OutputError(
            f"{path}: cannot be written ({error.strerror}), and the test part is scored only if "
            "that can be noted; name a list in another folder, or set GTZAN_WORK."
        ) from error
    return path


def record_asking(
    path: str | Path,
    score: Score,
    *,
    corpus: str,
    configuration: str,
    description: str,
    seeds: str = "",
    chosen_by: str = "",
) -> None:
    """Append an asking to a list; it is made if it is missing.

    Parameters
    ----------
    path : str or Path
        The CSV file. Processes that append at the same time wait for each other, and a
        reader sees the old list or the new one.
    score : Score
        Track accuracy of the test part.
    corpus : str
        Name of the corpus; of a split, from `corpus_of`.
    configuration : str
        From `configuration_hash`.
    description : str
        The model in a few words.
    seeds : str
        Its seeds, from `seeds_of`.
    chosen_by : str
        What the configuration was chosen by.

    Raises
    ------
    RecordError
        If there is another file, or a damaged list.
    OutputError
        If the file cannot be written.
    """
    from filelock import FileLock

    path = Path(path)
    row = {
        "date": time.strftime("%Y-%m-%d", time.gmtime()),
        "corpus": corpus,
        "configuration": configuration,
        "description": description,
        "seeds": seeds,
        "commit": package_commit() or "",
        "part": "test",
        "n": score.n,
        "score": f"{score.value:.6f}",
        "low": f"{score.low:.6f}",
        "high": f"{score.high:.6f}",
        "chosen_by": chosen_by,
    }
    line = [printable(str(row[column])) for column in COLUMNS]
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(path.with_name(f".{path.name}.lock")):
            rows = [*_rows(path), line]
            with (
                atomic_path(path) as temporary,
                temporary.open("w", encoding="utf-8", newline="") as stream,
            ):
                csv.writer(stream, lineterminator="\n").writerows([COLUMNS, *rows])
    except OSError as error:
        raise OutputError(
            f"{path}: cannot be written ({error.strerror or error}), so that the score of the test "
            "part is not shown; name a list in another folder, or set GTZAN_WORK."
        ) from error


def read_askings(path: str | Path) -> pd.DataFrame:
    """Read a list of askings.

    Parameters
    ----------
    path : str or Path
        The CSV file.

    Returns
    -------
    pd.DataFrame
        One row per asking, the first one first, with the columns of `COLUMNS`; `n` is a
        whole number, `score`, `low` and `high` are shares, and the others are texts, empty
        where they are not known.

    Raises
    ------
    RecordError
        If there is no such file, or another one.
    """
    path = Path(path)
    if not path.is_file():
        raise RecordError(f"{path}: there is no list of askings; nothing was asked here yet.")
    table = pd.DataFrame(_rows(path), columns=list(COLUMNS), dtype=object)
    kinds = {"n": int, "score": float, "low": float, "high": float}
    return table.astype(kinds)


def _rows(path: Path) -> list[list[str]]:
    """Return the rows of a list below its header; none if there is no file."""
    if not path.exists():
        return []
    try:
        with path.open(encoding="utf-8", newline="") as stream:
            header, *rows = list(csv.reader(stream)) or [[]]
        whole = tuple(header) == COLUMNS and all(_is_row(row) for row in rows)
    except (OSError, ValueError, csv.Error) as error:
        raise _refusal(path) from error
    if not whole:
        raise _refusal(path)
    return rows


def _is_row(row: list[str]) -> bool:
    """Return whether a row has all columns, and a number where one belongs."""
    if len(row) != len(COLUMNS):
        return False
    values = dict(zip(COLUMNS, row, strict=True))
    int(values["n"])
    return all(0 <= float(values[name]) <= 1 for name in ("score", "low", "high"))


def _refusal(path: Path) -> RecordError:
    return RecordError(
        f"{path}: is not a list of askings, or is damaged; restore it from a copy, or name another "
        "file."
    )
