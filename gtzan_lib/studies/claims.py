"""Tests of the original project's claims about its grid of models.

The project split windows at random. Each claim is tested under that `window`
protocol, and under one that keeps tracks or artists together. All intervals of
one claim come from the same resampled artists (tracks where artists are
unknown), so that they are paired.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy import stats

from ..data.corpus import Corpus
from ..errors import ModelError, SplitError
from ..stats import resampled_means
from .grid import CLASSIFIERS, LINEAR, TRANSFORMS, GridResult

__all__ = ["Claim", "claims_scope", "examine_claims"]

# Smaller differences of the window accuracy count as small.
_SMALL_DIFFERENCE = 0.05


class Claim(NamedTuple):
    """A claim of the original project, and the result of its test.

    Attributes
    ----------
    claim : str
        The claim.
    protocol : str
        The protocol of the split.
    verdict : str
        `confirmed`, `refuted`, or `undecided` where the interval allows neither.
    finding : str
        A sentence with the numbers.
    """

    claim: str
    protocol: str
    verdict: str
    finding: str


class _Accuracies:
    """Window accuracy of every cell, measured and resampled."""

    def __init__(
        self, grid: GridResult, window_ids: set[str], group_of: pd.Series, confidence: float
    ) -> None:
        self.confidence = confidence
        self.protocol = grid.split.protocol
        selected = np.isin(grid.tested, sorted(window_ids))
        correct = np.column_stack(
            [cell.predictions("window")["correct"] for cell in grid.cells.values()]
        )
        correct = correct[selected].astype(float)
        groups = group_of.loc[grid.tested[selected]].to_numpy()
        self.n_groups = len(np.unique(groups))
        self._columns = {place: column for column, place in enumerate(grid.cells)}
        # Measured values in the first row, resampled ones below.
        self._rows = np.vstack([correct.mean(axis=0), resampled_means(correct, groups)])

    def of(self, transform: str, model: str) -> np.ndarray:
        """Return the accuracy of a cell."""
        return self._rows[:, self._columns[transform, model]]

    def over(self, transform: str, models: Iterable[str]) -> np.ndarray:
        """Return the mean accuracy of several models under one transform."""
        return np.mean([self.of(transform, model) for model in models], axis=0)


def examine_claims(
    leaking: GridResult, honest: GridResult, *, confidence: float = 0.95
) -> list[Claim]:
    """Test the original project's claims on two grids.

    Parameters
    ----------
    leaking : GridResult
        All cells, cross-validated under the `window` protocol.
    honest : GridResult
        All cells, cross-validated under the `artist` or the `track` protocol.
    confidence : float
        Confidence of the intervals that decide. There are 11 verdicts: with
        `1 - 0.05 / 11` (Bonferroni), the probability that any of them is wrong is at most
        5 %.

    Returns
    -------
    list of Claim
        Each claim under both protocols, in the order of the project; the last
        one is this compendium's explanation of the claim about k-NN.

    Raises
    ------
    SplitError
        If the protocols are others, or the grids differ in their number of folds
        or have no window in common.
    ModelError
        If a grid lacks cells.

    Notes
    -----
    Windows that only one grid tests, such as those of unknown artists, are left
    out. The book page "Models on features" shows the claims with the heat maps.
    """
    _refuse_others(leaking, honest)
    shared_ids = set(leaking.tested) & set(honest.tested)
    # Both use the groups of the second grid, whose split keeps them together.
    predictions = next(iter(honest.cells.values())).predictions("window")
    group_of = predictions.set_axis(honest.tested)["group"]
    by_window, grouped = (
        _Accuracies(grid, shared_ids, group_of, confidence) for grid in (leaking, honest)
    )
    tests = [_polynomial, _rbf, _pca, _knn, _forest]
    claims = [test(accuracies) for test in tests for accuracies in (by_window, grouped)]
    return [*claims, _knn_leak(by_window, grouped)]


def _refuse_others(leaking: GridResult, honest: GridResult) -> None:
    for grid in (leaking, honest):
        missing = [
            place for place in itertools.product(TRANSFORMS, CLASSIFIERS) if place not in grid.cells
        ]
        if missing:
            raise ModelError(
                f"the claims need all cells, and the grid has no {missing[0][1]} with "
                f"{_transform_text(missing[0][0])}; compute it with all transforms and models."
            )
    if leaking.split.protocol != "window" or honest.split.protocol == "window":
        raise SplitError(
            "the claims compare the window protocol with the artist or track protocol, not "
            f"{leaking.split.protocol} with {honest.split.protocol}; pass the grids in that order."
        )
    folds = len(leaking.split), len(honest.split)
    if folds[0] != folds[1] or folds[0] < 3:
        raise SplitError(
            f"the grids have {folds[0]} and {folds[1]} folds; use the same number for both splits, "
            "at least 3, so that their training parts have the same size."
        )
    if not set(leaking.tested) & set(honest.tested):
        raise SplitError(
            "the two grids have no tested window in common; make both splits of the same table."
        )


def claims_scope(corpus: Corpus, windows: pd.DataFrame) -> str:
    """Return a sentence on whether these data can decide the claims.

    Parameters
    ----------
    corpus : Corpus
        The tracks.
    windows : pd.DataFrame
        Their windows.

    Returns
    -------
    str
        The sentence. The claims are about GTZAN's windows of three seconds.
    """
    per_track = len(windows) / windows["track_id"].nunique()
    if corpus.name != "gtzan":
        return (
            "The project's claims are about GTZAN's windows of three seconds and can only be "
            f"decided on those; the verdicts show whether they also hold on the {corpus.name} "
            "corpus."
        )
    if per_track < 2:
        return (
            "The project's claims are about windows of three seconds. Here a window is a whole "
            "track, so that neither protocol leaks: the verdicts are about models and "
            "transforms only."
        )
    starts = windows["start_s"]
    step = starts[starts > 0].min()
    if step != 3:
        return (
            f"The project's claims are about windows of three seconds, and these start every "
            f"{step:g} s; the verdicts show whether the claims also hold for such windows."
        )
    genres = windows["genre"].nunique()
    selection = "" if genres == 10 else f", in {genres} of its ten genres"
    return (
        f"These are GTZAN's windows, which the claims are about: {len(windows)} windows of "
        f"{windows['track_id'].nunique()} tracks{selection}."
    )


def _verdict(low: float, high: float) -> str:
    """Return `confirmed` for an interval above zero, `refuted` for one below zero."""
    return "confirmed" if low > 0 else "refuted" if high < 0 else "undecided"


# Equal accuracies differ by rounding errors; bounds are rounded to so many decimals.
_DECIMALS = 9


def _interval(values: np.ndarray, confidence: float) -> tuple[float, float]:
    tail = 50 * (1 - confidence)
    low, high = np.round(np.percentile(values[1:], [tail, 100 - tail]), _DECIMALS)
    return float(low), float(high)


def _joint_intervals(
    values: np.ndarray, groups: int, confidence: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return simultaneous intervals, which hold for all columns together.

    Their width is the percentile, at this confidence, of the largest standardised
    deviation of each draw, widened for few groups as Student's t is against the normal.
    """
    measured, resampled = values[0], values[1:]
    error = resampled.std(axis=0)
    deviations = np.abs(resampled - measured) / np.where(error > 0, error, 1)
    width = np.percentile(deviations.max(axis=1), 100 * confidence)
    if groups > 1:
        width = stats.t.isf(stats.norm.sf(width), groups - 1) * np.sqrt(groups / (groups - 1))
    width = width * error
    return np.round(measured - width, _DECIMALS), np.round(measured + width, _DECIMALS)


def _points(values: np.ndarray, confidence: float) -> str:
    low, high = _interval(values, confidence)
    return f"{_number(values[0])} points ({_number(low)} to {_number(high)})"


def _per_cent(accuracies: _Accuracies) -> str:
    return f"{100 * accuracies.confidence:.3g} %"


def _number(share: float) -> str:
    return f"{100 * share:+.1f}".replace("+0.0", "0.0").replace("-0.0", "0.0")


def _polynomial(accuracies: _Accuracies) -> Claim:
    gain = accuracies.over("polynomial kernel", LINEAR) - accuracies.over("none", LINEAR)
    return Claim(
        "Polynomial features help linear models.",
        accuracies.protocol,
        _verdict(*_interval(gain, accuracies.confidence)),
        f"They change the mean window accuracy of the {len(LINEAR)} linear models by "
        f"{_points(gain, accuracies.confidence)}.",
    )


def _rbf(accuracies: _Accuracies) -> Claim:
    gains = np.stack(
        [
            accuracies.of("RBF kernel", model) - accuracies.of("none", model)
            for model in CLASSIFIERS
        ],
        axis=1,
    )
    low, high = _joint_intervals(gains, accuracies.n_groups, accuracies.confidence)
    n_lower, n_higher = int((high < 0).sum()), int((low > 0).sum())
    half = len(CLASSIFIERS) // 2
    verdict = "confirmed" if n_lower > half else "refuted" if n_higher >= half else "undecided"
    return Claim(
        "The RBF kernel hurts most models.",
        accuracies.protocol,
        verdict,
        f"It lowers the accuracy of {n_lower} of {len(CLASSIFIERS)} models and raises that of "
        f"{n_higher} (simultaneous {_per_cent(accuracies)} intervals); it changes the mean "
        f"window accuracy by {_points(gains.mean(axis=1), accuracies.confidence)}.",
    )


def _pca(accuracies: _Accuracies) -> Claim:
    loss = accuracies.over("none", CLASSIFIERS) - accuracies.over("PCA", CLASSIFIERS)
    low, high = _interval(loss, accuracies.confidence)
    if high < 0 or low > _SMALL_DIFFERENCE:
        verdict = "refuted"
    else:
        verdict = "confirmed" if low > 0 and high < _SMALL_DIFFERENCE else "undecided"
    return Claim(
        "PCA lowers the accuracy a little.",
        accuracies.protocol,
        verdict,
        f"It lowers the mean window accuracy of the {len(CLASSIFIERS)} models by "
        f"{_points(loss, accuracies.confidence)}; a little means less than "
        f"{100 * _SMALL_DIFFERENCE:.0f} points.",
    )


def _knn(accuracies: _Accuracies) -> Claim:
    others = [
        place for place in itertools.product(TRANSFORMS, CLASSIFIERS) if place != ("none", "k-NN")
    ]
    knn = accuracies.of("none", "k-NN")
    leads = np.stack([knn - accuracies.of(*place) for place in others], axis=1)
    low, high = _joint_intervals(leads, accuracies.n_groups, accuracies.confidence)
    verdict = "confirmed" if (low > 0).all() else "refuted" if (high < 0).any() else "undecided"
    # The best of the cells that the verdict depends on, usually the best of all.
    relevant = {"refuted": high < 0, "undecided": low <= 0, "confirmed": low > 0}[verdict]
    rival = int(np.where(relevant, leads[0], np.inf).argmin())
    transform, model = others[rival]
    rank = "the best other cell, " if rival == leads[0].argmin() else "another cell, "
    return Claim(
        "k-NN on raw features is the best.",
        accuracies.protocol,
        verdict,
        f"Its lead over {rank}{model} with {_transform_text(transform)}, is "
        f"{_number(leads[0, rival])} points ({_number(low[rival])} to {_number(high[rival])}, "
        f"simultaneous interval for all {len(others)} other cells).",
    )


def _forest(accuracies: _Accuracies) -> Claim:
    others = [name for name in TRANSFORMS if name != "none"]
    baseline = accuracies.of("none", "random forest")
    changes = np.stack([accuracies.of(name, "random forest") - baseline for name in others], axis=1)
    low, high = _joint_intervals(changes, accuracies.n_groups, accuracies.confidence)
    small = (low > -_SMALL_DIFFERENCE) & (high < _SMALL_DIFFERENCE)
    large = (low > _SMALL_DIFFERENCE) | (high < -_SMALL_DIFFERENCE)
    values = ", ".join(
        f"{_transform_text(name)} {_number(value)} ({_number(a)} to {_number(b)})"
        for name, value, a, b in zip(others, changes[0], low, high, strict=True)
    )
    return Claim(
        "The random forest is robust.",
        accuracies.protocol,
        "confirmed" if small.all() else "refuted" if large.any() else "undecided",
        f"Changes of its accuracy in points: {values}; robust means less than "
        f"{100 * _SMALL_DIFFERENCE:.0f}.",
    )


def _knn_leak(by_window: _Accuracies, grouped: _Accuracies) -> Claim:
    gains = {
        model: by_window.of("none", model) - grouped.of("none", model) for model in CLASSIFIERS
    }
    others = np.mean([gains[model] for model in CLASSIFIERS if model != "k-NN"], axis=0)
    difference = gains["k-NN"] - others
    return Claim(
        "k-NN gains more from the leak than other models.",
        f"{by_window.protocol} against {grouped.protocol}",
        _verdict(*_interval(difference, by_window.confidence)),
        f"On raw features, the leak raises its accuracy by "
        f"{_points(gains['k-NN'], by_window.confidence)} and that of "
        f"the others by {_number(others[0])} on average, a difference of "
        f"{_points(difference, by_window.confidence)}.",
    )


def _transform_text(transform: str) -> str:
    return {"none": "raw features", "PCA": "PCA"}.get(transform, f"the {transform}")
