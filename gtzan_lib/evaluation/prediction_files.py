"""CSV files of predictions, one row per track, as anyone writes them."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from ..errors import ScoringError

__all__ = ["PredictionTable", "read_predictions"]

# Ten probabilities with two decimals can be this far from a sum of one.
_MAX_ROUNDING = 0.05 + 1e-9
# Records have six decimals.
_SMALLEST_GAP = 1e-6
_SEPARATORS = {";": "semicolon", "\t": "tab", "|": "vertical bar", " ": "space"}
_AGGREGATE = "give one row per track, for instance the mean of the probabilities of its windows"


class PredictionTable(NamedTuple):
    """The predictions of a file.

    Attributes
    ----------
    probabilities : pd.DataFrame
        One row per track, in the order of the file, indexed by `track_id`; one column
        per genre. An answer has probability 1.
    are_answers : bool
        Whether the file has one answer per track instead of probabilities.
    """

    probabilities: pd.DataFrame
    are_answers: bool


class _Row(NamedTuple):
    """A row of the file, with the number of its last line."""

    line: int
    cells: list[str]


def read_predictions(
    path: str | Path, tracks: Collection[str], genres: Sequence[str]
) -> PredictionTable:
    """Read a CSV file of predictions.

    Parameters
    ----------
    path : str or Path
        A file with a header. The first column holds the track: its id, or the name
        or path of its file. Then there is either a column of probabilities for every
        genre, whose sum over each row is one, or a single column with a genre per
        track. Beside probabilities, `predicted` must name the most probable genre;
        other columns are ignored. The predictions of a record are such a file.
    tracks : collection of str
        The ids of all tracks that may be in the file.
    genres : sequence of str
        The genres.

    Returns
    -------
    PredictionTable
        The predictions.

    Raises
    ------
    ScoringError
        If the file cannot be read, is not as described, or has a track twice or one
        that is not in `tracks`; the error names the line.
    """
    path = Path(path)
    header, rows = _read_rows(path)
    known = frozenset(tracks)
    if _find_track(header[0], known) is not None:
        raise ScoringError(
            f"{path}: has no header; write the names of the columns into its first line, such as "
            "track_id,predicted."
        )
    ids = _track_ids(path, rows, known)
    columns = [name.strip() for name in header]
    are_answers = not any(genre in columns[1:] for genre in genres)
    if not are_answers:
        values = _probabilities(path, columns, rows, genres)
    elif len(columns) == 2:
        values = _answers(path, columns, rows, genres)
    else:
        raise ScoringError(
            f"{path}: has the columns {', '.join(columns)}; after the track, give one column of "
            f"probabilities per genre ({', '.join(genres)}), or a single column with the "
            "predicted genre."
        )
    table = pd.DataFrame(values, pd.Index(ids, name="track_id"), list(genres))
    return PredictionTable(table, are_answers)


def _find_track(text: str, tracks: Collection[str]) -> str | None:
    """Return the track that an id, a file name or a path names; None if there is none."""
    *_, folder, name = ["", *text.strip().replace("\\", "/").split("/")]
    # The number in blues.00000 is not the ending of a file.
    stem = re.sub(r"\.[A-Za-z]\w*$", "", name)
    candidates = (name, stem, f"{folder}.{stem}")
    return next((candidate for candidate in candidates if candidate in tracks), None)


def _read_rows(path: Path) -> tuple[list[str], list[_Row]]:
    """Return the header and the rows, which all have as many cells; empty lines are left out."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise ScoringError(
            f"{path}: cannot be read ({error.strerror}); name a CSV file of predictions."
        ) from error
    except UnicodeDecodeError as error:
        raise ScoringError(f"{path}: is not text in UTF-8; save it as CSV in UTF-8.") from error
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        rows = [_Row(reader.line_num, cells) for cells in reader if any(map(str.strip, cells))]
    except csv.Error as error:
        raise ScoringError(
            f"{path}: line {reader.line_num} is not CSV ({error}); save the table as CSV again."
        ) from error
    if len(rows) < 2:
        raise ScoringError(
            f"{path}: has no predictions; write a header and then one row per track."
        )
    (_, header), *rows = rows
    if len(header) == 1:
        separator = next((name for mark, name in _SEPARATORS.items() if mark in header[0]), None)
        found = f"separates its columns by {separator}s" if separator else "has a single column"
        raise ScoringError(
            f"{path}: {found}; write the track and its prediction in columns separated by commas, "
            "and numbers with a decimal point."
        )
    for line, cells in rows:
        if len(cells) != len(header):
            raise ScoringError(
                f"{path}: line {line} has {len(cells)} cells and the header {len(header)}; give "
                "every row a cell for each column."
            )
    return header, rows


def _track_ids(path: Path, rows: list[_Row], tracks: Collection[str]) -> list[str]:
    ids: dict[str, int] = {}
    for line, (text, *_) in rows:
        track = _find_track(text, tracks)
        if track is None:
            window = re.match(r"(.+)\.\d+(\.[A-Za-z]\w*)?$", text.strip())
            if window and _find_track(window[1], tracks):
                raise ScoringError(f"{path}: line {line}, {text!r}, is a window; {_AGGREGATE}.")
            raise ScoringError(
                f"{path}: line {line}, {text!r}, is no track of this split; write ids such as "
                f"{min(tracks)} into the first column."
            )
        if track in ids:
            raise ScoringError(
                f"{path}: lines {ids[track]} and {line} are both about track {track!r}; "
                f"{_AGGREGATE}."
            )
        ids[track] = line
    return list(ids)


def _probabilities(
    path: Path, columns: list[str], rows: list[_Row], genres: Sequence[str]
) -> np.ndarray:
    for genre in genres:
        if columns[1:].count(genre) != 1:
            number = "more than one" if genre in columns[1:] else "no"
            raise ScoringError(
                f"{path}: has {number} column {genre!r}; give one column of probabilities for each "
                f"of {', '.join(genres)}."
            )
    places = [columns.index(genre, 1) for genre in genres]
    values = np.empty((len(rows), len(genres)))
    for row, (line, cells) in enumerate(rows):
        for column, place in enumerate(places):
            values[row, column] = _number(path, line, columns[place], cells[place])
    for (line, cells), probabilities in zip(rows, values, strict=True):
        total = probabilities.sum()
        if probabilities.min() < 0 or abs(total - 1) > _MAX_ROUNDING:
            problem = "has negative values" if probabilities.min() < 0 else f"sums to {total:g}"
            raise ScoringError(
                f"{path}: line {line}, {cells[0]!r}, {problem}, so that these are not "
                "probabilities; apply the softmax to logits, and let every row sum to 1."
            )
    if "predicted" in columns:
        _refuse_other_predictions(path, columns.index("predicted"), rows, values, genres)
    return values


def _number(path: Path, line: int, column: str, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = np.nan
    if not np.isfinite(value):
        raise ScoringError(
            f"{path}: line {line}, column {column!r}: {text!r} is not a number; give every track "
            "a probability for every genre."
        )
    return value


def _refuse_other_predictions(
    path: Path, place: int, rows: list[_Row], values: np.ndarray, genres: Sequence[str]
) -> None:
    """Refuse a genre in the column `predicted` that is not the most probable one."""
    for (line, cells), probabilities in zip(rows, values, strict=True):
        predicted = cells[place].strip()
        value = probabilities[list(genres).index(predicted)] if predicted in genres else -1
        if value < probabilities.max() - _SMALLEST_GAP:
            raise ScoringError(
                f"{path}: line {line}, {cells[0]!r}: predicted is {predicted!r}, but "
                f"{genres[probabilities.argmax()]!r} has the highest probability; keep the one "
                "that counts, probabilities or answers."
            )


def _answers(path: Path, columns: list[str], rows: list[_Row], genres: Sequence[str]) -> np.ndarray:
    values = np.zeros((len(rows), len(genres)))
    for row, (line, cells) in enumerate(rows):
        answer = cells[1].strip()
        if answer not in genres:
            raise ScoringError(
                f"{path}: line {line}, column {columns[1]!r}: {answer!r} is no genre of this "
                f"split; choose from {', '.join(genres)}."
            )
        values[row, list(genres).index(answer)] = 1
    return values
