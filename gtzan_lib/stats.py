"""Intervals and tests for shares of correct predictions.

Wilson intervals for independent predictions, a bootstrap over groups for
predictions that depend on each other, McNemar's test for two models on the same
tracks, and Holm's correction for several tests.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from scipy import stats

__all__ = [
    "PairedDifference",
    "Score",
    "bootstrap_interval",
    "bootstrap_score",
    "calibration_error",
    "calibration_score",
    "exact_mcnemar",
    "holm",
    "independent_groups",
    "resampled_means",
    "wilson_interval",
    "wilson_score",
]


class Score(NamedTuple):
    """A share of correct predictions, with its 95 % interval.

    Attributes
    ----------
    value, low, high : float
        The share and the bounds of its interval, from 0 to 1.
    n : int
        Number of predictions.
    interval : str
        The method of the interval.
    """

    value: float
    low: float
    high: float
    n: int
    interval: str

    def __str__(self) -> str:
        return (
            f"{100 * self.value:.1f} % "
            f"(95 % interval {100 * self.low:.1f} to {100 * self.high:.1f}, n = {self.n})"
        )


class PairedDifference(NamedTuple):
    """The difference of two shares of correct predictions, with its 95 % interval.

    Attributes
    ----------
    value, low, high : float
        The difference and the bounds of its interval, from -1 to 1.
    n : int
        Number of tracks or windows that both were tested on.
    interval : str
        The method of the interval.
    """

    value: float
    low: float
    high: float
    n: int
    interval: str

    def __str__(self) -> str:
        return (
            f"{100 * self.value:+.1f} points "
            f"(95 % interval {100 * self.low:+.1f} to {100 * self.high:+.1f})"
        )


def wilson_interval(correct: int, n: int, *, confidence: float = 0.95) -> tuple[float, float]:
    """Compute the interval of a share of independent predictions.

    Parameters
    ----------
    correct, n : int
        Number of correct predictions, and of all predictions.
    confidence : float
        Confidence level.

    Returns
    -------
    low, high : float
        Bounds by Wilson's score method; NaN without predictions.

    References
    ----------
    E. B. Wilson, "Probable inference, the law of succession, and statistical
    inference", Journal of the American Statistical Association 22, 1927.
    """
    if n == 0:
        return np.nan, np.nan
    bounds = stats.binomtest(int(correct), int(n)).proportion_ci(confidence, method="wilson")
    return float(bounds.low), float(bounds.high)


def wilson_score(correct: np.ndarray) -> Score:
    """Compute the share of correct predictions with its Wilson interval.

    Parameters
    ----------
    correct : np.ndarray [shape=(n,), dtype=bool]
        Whether each prediction is correct.

    Returns
    -------
    Score
        The share, with n and interval.
    """
    correct = np.asarray(correct)
    bounds = wilson_interval(correct.sum(), len(correct))
    return Score(float(correct.mean()), *bounds, len(correct), "wilson")


def bootstrap_interval(
    values: np.ndarray,
    groups: np.ndarray,
    *,
    confidence: float = 0.95,
    resamples: int = 4000,
    seed: int = 0,
) -> tuple[float, float]:
    """Compute the interval of a mean whose values come in dependent groups.

    Whole groups are drawn with replacement, so that ten windows of one track,
    or ten tracks of one artist, do not count as ten independent predictions.

    Parameters
    ----------
    values : np.ndarray [shape=(n,)]
        For instance 1 for a correct prediction and 0 for a wrong one.
    groups : np.ndarray [shape=(n,)]
        The group of each value: its artist, or its track.
    confidence : float
        Confidence level.
    resamples : int
        Number of bootstrap samples.
    seed : int
        Random seed of the bootstrap.

    Returns
    -------
    low, high : float
        Percentiles of the resampled means.
    """
    means = resampled_means(np.asarray(values)[:, None], groups, resamples=resamples, seed=seed)
    tail = 100 * (1 - confidence) / 2
    low, high = np.percentile(means, [tail, 100 - tail])
    return float(low), float(high)


def bootstrap_score(correct: np.ndarray, groups: np.ndarray, over: str = "artists") -> Score:
    """Return the share of correct predictions, with a bootstrap over groups.

    Parameters
    ----------
    correct : np.ndarray [shape=(n,), dtype=bool]
        Whether each prediction is correct.
    groups : np.ndarray [shape=(n,)]
        The group of each prediction: its artist, or its track.
    over : str
        What the groups are, in words.

    Returns
    -------
    Score
        With the interval of `bootstrap_interval`.
    """
    low, high = bootstrap_interval(correct, groups)
    return Score(float(np.mean(correct)), low, high, len(correct), f"bootstrap over {over}")


def resampled_means(
    values: np.ndarray, groups: np.ndarray, *, resamples: int = 4000, seed: int = 0
) -> np.ndarray:
    """Draw whole groups with replacement and average each draw.

    All columns of one draw use the same groups, so that intervals of
    differences, or of the best of several models, are paired.

    Parameters
    ----------
    values : np.ndarray [shape=(n, columns)]
        For instance 1 where a model (column) predicted a window (row) correctly.
    groups : np.ndarray [shape=(n,)]
        The group of each row: its artist, or its track.
    resamples : int
        Number of bootstrap samples.
    seed : int
        Random seed of the bootstrap.

    Returns
    -------
    np.ndarray [shape=(resamples, columns)]
        Mean of each column in each draw.
    """
    _, group = np.unique(np.asarray(groups, dtype=str), return_inverse=True)
    sizes = np.bincount(group)
    totals = np.zeros((len(sizes), values.shape[1]))
    np.add.at(totals, group, values)
    drawn = np.random.default_rng(seed).integers(len(sizes), size=(resamples, len(sizes)))
    # Count how often each group was drawn in each bootstrap sample.
    places = drawn + len(sizes) * np.arange(resamples)[:, None]
    times = np.bincount(places.ravel(), minlength=resamples * len(sizes))
    times = times.reshape(resamples, len(sizes))
    return (times @ totals) / (times @ sizes)[:, None]


def independent_groups(artists: Iterable[str | None], track_ids: Iterable[str]) -> np.ndarray:
    """Return the independent group of each row: its artist, else its track.

    Parameters
    ----------
    artists : iterable of str
        The artist of each row; None, NaN or empty if unknown.
    track_ids : iterable of str
        The track of each row.

    Returns
    -------
    np.ndarray [shape=(n,), dtype=object]
        The artist of each row, or the id of the track if the artist is unknown.
    """
    known = [artist if isinstance(artist, str) and artist else None for artist in artists]
    pairs = zip(known, track_ids, strict=True)
    groups = [track_id if artist is None else artist for artist, track_id in pairs]
    return np.array(groups, dtype=object)


def calibration_error(confidence: np.ndarray, correct: np.ndarray) -> float:
    """Compute the expected calibration error.

    Parameters
    ----------
    confidence : np.ndarray [shape=(n,)]
        The probability of each predicted class.
    correct : np.ndarray [shape=(n,), dtype=bool]
        Whether it is right.

    Returns
    -------
    float
        The difference between mean confidence and accuracy, averaged over ten bins of
        equal width by confidence, weighted by the predictions in them.

    References
    ----------
    C. Guo, G. Pleiss, Y. Sun and K. Q. Weinberger, "On calibration of modern neural
    networks", ICML 2017, section 2.
    """
    return float(np.abs(_gaps(confidence, correct).mean(axis=0)).sum())


def calibration_score(confidence: np.ndarray, correct: np.ndarray, groups: np.ndarray) -> Score:
    """Compute the expected calibration error with an interval.

    Parameters
    ----------
    confidence, correct
        As for `calibration_error`.
    groups : np.ndarray [shape=(n,)]
        The group of each prediction: its artist, or its track.

    Returns
    -------
    Score
        With a bootstrap over groups. Resampling adds noise to each bin, and errors are
        never negative, so that the interval of a small error lies too high.
    """
    gaps = _gaps(confidence, correct)
    errors = np.abs(resampled_means(gaps, groups)).sum(axis=1)
    low, high = np.percentile(errors, [2.5, 97.5])
    value = float(np.abs(gaps.mean(axis=0)).sum())
    return Score(value, float(low), float(high), len(gaps), "bootstrap over artists")


def _gaps(confidence: np.ndarray, correct: np.ndarray) -> np.ndarray:
    """Return confidence less correctness, each row in the column of its bin."""
    bins = 10
    confidence = np.asarray(confidence, dtype=np.float64)
    column = np.minimum((confidence * bins).astype(int), bins - 1)
    gaps = np.zeros((len(confidence), bins))
    gaps[np.arange(len(confidence)), column] = confidence - np.asarray(correct, dtype=bool)
    return gaps


def exact_mcnemar(only_first: int, only_second: int) -> float:
    """Test whether two models differ in the share of tracks they predict correctly.

    Parameters
    ----------
    only_first, only_second : int
        Number of tracks that only the first, or only the second, model predicts
        correctly.

    Returns
    -------
    float
        The two-sided p-value of McNemar's exact test; 1 where both are 0.

    References
    ----------
    Q. McNemar, "Note on the sampling error of the difference between correlated
    proportions or percentages", Psychometrika 12, 1947.
    """
    discordant = only_first + only_second
    return float(stats.binomtest(only_first, discordant).pvalue) if discordant else 1.0


def holm(p_values: np.ndarray) -> np.ndarray:
    """Adjust the p-values of several tests by Holm's method (family-wise error rate).

    Parameters
    ----------
    p_values : np.ndarray [shape=(n,)]
        P-values of the single tests.

    Returns
    -------
    np.ndarray [shape=(n,)]
        Adjusted p-values in the same order, at most 1.

    References
    ----------
    S. Holm, "A simple sequentially rejective multiple test procedure",
    Scandinavian Journal of Statistics 6, 1979.
    """
    p_values = np.asarray(p_values, dtype=float)
    order = np.argsort(p_values, kind="stable")
    adjusted = np.maximum.accumulate(p_values[order] * np.arange(len(p_values), 0, -1))
    result = np.empty_like(adjusted)
    result[order] = np.minimum(adjusted, 1.0)
    return result
