"""How the windows of a track become the prediction for the track.

Evaluation, prediction and streaming all call this module. The book page
"Aggregating windows" compares the methods.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..errors import ParameterError

__all__ = ["AGGREGATION_METHODS", "SMALLEST", "aggregate", "aggregate_groups"]

SMALLEST = 1e-6
"""Lower bound of a probability, since one of zero would make a geometric mean zero."""


def _mean(probabilities: np.ndarray) -> np.ndarray:
    # Kahan's compensated sum: of many windows, too, the order hardly matters.
    total, error = np.zeros(probabilities.shape[1]), np.zeros(probabilities.shape[1])
    for row in probabilities:
        term = row - error
        larger = total + term
        error = (larger - total) - term
        total = larger
    return total / len(probabilities)


def _median(probabilities: np.ndarray) -> np.ndarray:
    return _normalised(np.median(probabilities, axis=0))


def _geometric_mean(probabilities: np.ndarray) -> np.ndarray:
    logs = np.log(np.maximum(probabilities, SMALLEST))
    return _normalised(np.exp(_mean(logs)))


def _vote(probabilities: np.ndarray) -> np.ndarray:
    votes = np.bincount(probabilities.argmax(axis=1), minlength=probabilities.shape[1])
    return votes / len(probabilities)


def _normalised(values: np.ndarray) -> np.ndarray:
    total = values.sum()
    return values / total if total > 0 else np.full(len(values), 1 / len(values))


AGGREGATION_METHODS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "mean": _mean,
    "median": _median,
    "geometric mean": _geometric_mean,
    "vote": _vote,
}
"""Methods by name, the default first."""


def aggregate(probabilities: np.ndarray, method: str = "mean") -> np.ndarray:
    """Combine the probabilities of a track's windows.

    Parameters
    ----------
    probabilities : np.ndarray [shape=(windows, genres)]
        One row per window, at least one; rows sum to one.
    method : {"mean", "median", "geometric mean", "vote"}
        The arithmetic mean; the median of each genre; the geometric mean, which
        is the exponential of the mean log-probability; or the share of windows
        in which a genre is the most probable. Median and geometric mean are
        scaled to sum to one.

    Returns
    -------
    np.ndarray [shape=(genres,), dtype=float64]
        The track's probabilities; they sum to one.

    Raises
    ------
    ParameterError
        If the method is unknown, or there is no window.

    Notes
    -----
    The book page "Aggregating windows" compares the methods.

    Examples
    --------
    >>> aggregate(np.array([[0.75, 0.25], [0.25, 0.75], [0.75, 0.25]]), "vote").round(2)
    array([0.67, 0.33])
    """
    probabilities = np.asarray(probabilities, dtype=np.float64)
    if method not in AGGREGATION_METHODS:
        raise ParameterError(
            f"there is no aggregation {method!r}; choose one of {', '.join(AGGREGATION_METHODS)}."
        )
    if not len(probabilities):
        raise ParameterError("there is no window to aggregate; give at least one.")
    return AGGREGATION_METHODS[method](probabilities)


def aggregate_groups(
    probabilities: np.ndarray, groups: np.ndarray, method: str = "mean"
) -> tuple[np.ndarray, np.ndarray]:
    """Combine the windows of several tracks.

    Parameters
    ----------
    probabilities : np.ndarray [shape=(windows, genres)]
        One row per window.
    groups : np.ndarray [shape=(windows,)]
        The track of each window.
    method : str
        As for `aggregate`.

    Returns
    -------
    tracks : np.ndarray [shape=(tracks,)]
        The tracks in the order in which they first appear.
    combined : np.ndarray [shape=(tracks, genres), dtype=float64]
        The probabilities of each track.
    """
    rows_of: dict[str, list[int]] = {}
    for row, group in enumerate(groups):
        rows_of.setdefault(group, []).append(row)
    combined = [aggregate(probabilities[rows], method) for rows in rows_of.values()]
    return np.array(list(rows_of), dtype=object), np.array(combined)
