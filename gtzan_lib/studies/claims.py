"""What the seed project found on its grid, put to the test.

It split windows at random. Each finding is a statement about scores under that
`window` protocol; whether it outlives an honest one is asked beside it. All
intervals of one claim come from the same resampled artists (tracks where
artists are unknown), so that they are paired.
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
from .grid import LINEAR, MODELS, TRANSFORMS, Grid

__all__ = ["Claim", "decided_by", "examine_claims"]

# A loss that a reader would call small, in share of windows.
_LITTLE = 0.05


class Claim(NamedTuple):
    """One finding of the seed project and what this run says of it.

    Attributes
    ----------
    claim : str
        What was found.
    protocol : str
        How windows were split here.
    verdict : str
        `confirmed`, `refuted`, or `undecided` where the interval leaves it open.
    finding : str
        A sentence with the numbers.
    """

    claim: str
    protocol: str
    verdict: str
    finding: str


class _Means:
    """Accuracy of every cell, measured and resampled."""

    def __init__(self, grid: Grid, windows: set[str], kin: pd.Series) -> None:
        self.protocol = grid.split.protocol
        kept = np.isin(grid.tested, sorted(windows))
        answers = {place: cell.answers("window") for place, cell in grid.cells.items()}
        right = pd.DataFrame({place: one["right"] for place, one in answers.items()})
        right = right[kept].astype(float)
        groups = kin.loc[grid.tested[kept]].to_numpy()
        self.n_groups = len(np.unique(groups))
        self._columns = {place: number for number, place in enumerate(answers)}
        drawn = resampled_means(right.to_numpy(), groups)
        # Measured values in the first row, resampled ones below.
        self._rows = np.vstack([right.to_numpy().mean(axis=0), drawn])

    def of(self, transform: str, model: str) -> np.ndarray:
        """Return the accuracy of a cell."""
        return self._rows[:, self._columns[transform, model]]

    def over(self, transform: str, models: Iterable[str]) -> np.ndarray:
        """Return the mean accuracy of several models under one transform."""
        return np.mean([self.of(transform, model) for model in models], axis=0)


def examine_claims(leaking: Grid, honest: Grid) -> list[Claim]:
    """Test the seed project's findings on two grids.

    Parameters
    ----------
    leaking : Grid
        All cells under the `window` protocol, out of fold.
    honest : Grid
        The same under one that keeps tracks, or artists, together.

    Returns
    -------
    list of Claim
        Two for each finding, under either protocol, in the order in which the
        project stated them; last the reason that this compendium gives for one.

    Raises
    ------
    SplitError
        If the protocols are not these two, or the grids have different folds, or
        no window in common.
    ModelError
        If a grid lacks cells.

    Notes
    -----
    Windows that one of them never tests, such as those of unknown artists, are
    left out. The book page "Models on features" shows them beside the heat maps.
    """
    _refuse_others(leaking, honest)
    both = set(leaking.tested) & set(honest.tested)
    # The artists are those that the honest split kept apart, for both.
    kin = next(iter(honest.cells.values())).answers("window").set_axis(honest.tested)["group"]
    leak, fair = _Means(leaking, both, kin), _Means(honest, both, kin)
    claims = [_polynomial, _rbf, _pca, _knn, _forest]
    found = [claim(means) for claim in claims for means in (leak, fair)]
    return [*found, _leak_wins(leak, fair)]


def _refuse_others(leaking: Grid, honest: Grid) -> None:
    for grid in (leaking, honest):
        missing = [
            place for place in itertools.product(TRANSFORMS, MODELS) if place not in grid.cells
        ]
        if missing:
            raise ModelError(
                f"the claims are about all cells, and the grid has no {missing[0][1]} with "
                f"{_named(missing[0][0])}; make it with all transforms and models."
            )
    if leaking.split.protocol != "window" or honest.split.protocol == "window":
        raise SplitError(
            f"the claims compare the window protocol with an honest one, not "
            f"{leaking.split.protocol} with {honest.split.protocol}; give the grids in that order."
        )
    folds = len(leaking.split), len(honest.split)
    if folds[0] != folds[1] or folds[0] < 3:
        raise SplitError(
            f"the grids have {folds[0]} and {folds[1]} folds; give both splits the same number, at "
            "least 3, so that both are trained on as much and tested on everything."
        )
    if not set(leaking.tested) & set(honest.tested):
        raise SplitError(
            "the two grids were tested on different windows; make both splits of the same table."
        )


def decided_by(corpus: Corpus, windows: pd.DataFrame) -> str:
    """Say whether these data can decide the claims.

    Parameters
    ----------
    corpus : Corpus
        The tracks.
    windows : pd.DataFrame
        Their windows.

    Returns
    -------
    str
        A sentence: the claims were made of GTZAN's windows of three seconds.
    """
    per_track = len(windows) / windows["track_id"].nunique()
    if corpus.name != "gtzan":
        return (
            "The project's claims are about GTZAN's windows of three seconds, and only those can "
            f"decide them; on the {corpus.name} corpus the verdicts tell how they fare elsewhere."
        )
    if per_track < 2:
        return (
            "The project's claims are about windows of three seconds. Here a window is a whole "
            "track, so that both protocols are honest: the verdicts are about models and "
            "transforms, and no leak can show."
        )
    starts = windows["start_s"]
    step = starts[starts > 0].min()
    if step != 3:
        return (
            f"The project's claims are about windows of three seconds, and these begin every "
            f"{step:g} s: on GTZAN's own music, the verdicts tell how the claims fare elsewhere."
        )
    genres = windows["genre"].nunique()
    of = "" if genres == 10 else f", in {genres} of its ten genres"
    return (
        f"These are GTZAN's own windows, of which the claims were made: {len(windows)} of "
        f"{windows['track_id'].nunique()} tracks{of}."
    )


def _verdict(low: float, high: float) -> str:
    """Confirm what is surely above zero, refute what is surely below it."""
    return "confirmed" if low > 0 else "refuted" if high < 0 else "undecided"


# Shares that are equal differ in their last bits.
_DIGITS = 9


def _interval(values: np.ndarray) -> tuple[float, float]:
    low, high = np.round(np.percentile(values[1:], [2.5, 97.5]), _DIGITS)
    return float(low), float(high)


def _joint_intervals(values: np.ndarray, groups: int) -> tuple[np.ndarray, np.ndarray]:
    """Bounds that hold for all columns at once, so that none is picked by luck.

    As wide as the greatest of the standardised deviations is in 95 % of the
    draws; and wider, as Student's t is than the normal, where groups are few.
    """
    measured, drawn = values[0], values[1:]
    error = drawn.std(axis=0)
    deviations = np.abs(drawn - measured) / np.where(error > 0, error, 1)
    width = np.percentile(deviations.max(axis=1), 95)
    if groups > 1:
        width = stats.t.isf(stats.norm.sf(width), groups - 1) * np.sqrt(groups / (groups - 1))
    width = width * error
    return np.round(measured - width, _DIGITS), np.round(measured + width, _DIGITS)


def _points(values: np.ndarray) -> str:
    low, high = _interval(values)
    return f"{_number(values[0])} points ({_number(low)} to {_number(high)})"


def _number(share: float) -> str:
    return f"{100 * share:+.1f}".replace("+0.0", "0.0").replace("-0.0", "0.0")


def _polynomial(means: _Means) -> Claim:
    gain = means.over("polynomial kernel", LINEAR) - means.over("none", LINEAR)
    return Claim(
        "Polynomial features help linear models.",
        means.protocol,
        _verdict(*_interval(gain)),
        f"On average over the {len(LINEAR)} linear models they change the share of windows "
        f"recognised by {_points(gain)}.",
    )


def _rbf(means: _Means) -> Claim:
    gains = np.stack([means.of("RBF kernel", m) - means.of("none", m) for m in MODELS], axis=1)
    low, high = _joint_intervals(gains, means.n_groups)
    hurt, helped = int((high < 0).sum()), int((low > 0).sum())
    most = len(MODELS) // 2
    verdict = "confirmed" if hurt > most else "refuted" if helped >= most else "undecided"
    return Claim(
        "The RBF kernel hurts most models.",
        means.protocol,
        verdict,
        f"It surely hurts {hurt} of {len(MODELS)} models and surely helps {helped}; on average it "
        f"changes the share of windows recognised by {_points(gains.mean(axis=1))}.",
    )


def _pca(means: _Means) -> Claim:
    loss = means.over("none", MODELS) - means.over("PCA", MODELS)
    low, high = _interval(loss)
    little = "confirmed" if low > 0 and high < _LITTLE else "undecided"
    return Claim(
        "PCA costs a little.",
        means.protocol,
        "refuted" if high < 0 or low > _LITTLE else little,
        f"On average over the {len(MODELS)} models it costs {_points(loss)}; little is taken to "
        f"be less than {100 * _LITTLE:.0f}.",
    )


def _knn(means: _Means) -> Claim:
    others = [(t, m) for t in TRANSFORMS for m in MODELS if (t, m) != ("none", "k-NN")]
    mine = means.of("none", "k-NN")
    leads = np.stack([mine - means.of(*place) for place in others], axis=1)
    low, high = _joint_intervals(leads, means.n_groups)
    verdict = "confirmed" if (low > 0).all() else "refuted" if (high < 0).any() else "undecided"
    # The best of those on which the verdict rests, most often the best of all.
    decide = {"refuted": high < 0, "undecided": low <= 0, "confirmed": low > 0}[verdict]
    rival = int(np.where(decide, leads[0], np.inf).argmin())
    transform, model = others[rival]
    best = "the best other cell, " if rival == leads[0].argmin() else "another cell, "
    return Claim(
        "k-NN on raw features is the best.",
        means.protocol,
        verdict,
        f"Its lead over {best}{model} with {_named(transform)}, is "
        f"{_number(leads[0, rival])} points ({_number(low[rival])} to {_number(high[rival])}, "
        f"wide enough for all {len(others)} rivals).",
    )


def _forest(means: _Means) -> Claim:
    others = [name for name in TRANSFORMS if name != "none"]
    base = means.of("none", "random forest")
    changes = np.stack([means.of(name, "random forest") - base for name in others], axis=1)
    low, high = _joint_intervals(changes, means.n_groups)
    small = (low > -_LITTLE) & (high < _LITTLE)
    large = (low > _LITTLE) | (high < -_LITTLE)
    told = ", ".join(
        f"{_named(name)} by {_number(value)} ({_number(a)} to {_number(b)})"
        for name, value, a, b in zip(others, changes[0], low, high, strict=True)
    )
    return Claim(
        "The random forest is robust.",
        means.protocol,
        "confirmed" if small.all() else "refuted" if large.any() else "undecided",
        f"It is changed by {told} points; robust is taken to be less than {100 * _LITTLE:.0f}.",
    )


def _leak_wins(leak: _Means, fair: _Means) -> Claim:
    fall = {model: leak.of("none", model) - fair.of("none", model) for model in MODELS}
    others = np.mean([fall[model] for model in MODELS if model != "k-NN"], axis=0)
    more = fall["k-NN"] - others
    return Claim(
        "k-NN owes more to the leak than other models do.",
        f"{leak.protocol} against {fair.protocol}",
        _verdict(*_interval(more)),
        f"On raw features, windows of one track on both sides are worth {_points(fall['k-NN'])} "
        f"to it, {_number(others[0])} to the others on average, a difference of {_points(more)}.",
    )


def _named(transform: str) -> str:
    return {"none": "raw features", "PCA": "PCA"}.get(transform, f"the {transform}")
