"""What the seed project found on its grid, put to the test.

It split windows at random. Each finding is a statement about scores under that
`window` protocol; whether it outlives an honest one is asked beside it. All
intervals of one claim come from the same resampled artists (tracks where
artists are unknown), so that they are paired.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from ..errors import SplitError
from .evaluation import resampled_means
from .tabular import LINEAR, MODELS, TRANSFORMS, Grid

__all__ = ["Claim", "examine_claims"]

# A loss that a reader would call small, in share of windows.
_LITTLE = 0.05


class Claim(NamedTuple):
    """One finding of the seed project and what this run says of it.

    Attributes
    ----------
    claim : str
        What was found.
    verdict : str
        `confirmed`, `refuted`, or `undecided` where the interval leaves it open.
    finding : str
        A sentence with the numbers.
    """

    claim: str
    verdict: str
    finding: str


class _Means:
    """Accuracy of every cell, measured and resampled."""

    def __init__(self, grid: Grid, unit: str) -> None:
        answers = {place: cell.answers(unit) for place, cell in grid.cells.items()}
        right = pd.DataFrame({place: one["right"] for place, one in answers.items()}).astype(float)
        groups = next(iter(answers.values()))["group"].to_numpy()
        self._columns = {place: number for number, place in enumerate(answers)}
        self._draws = resampled_means(right.to_numpy(), groups)
        # Measured values in the first row, resampled ones below.
        self.rows = np.vstack([right.to_numpy().mean(axis=0), self._draws])

    def of(self, transform: str, model: str) -> np.ndarray:
        return self.rows[:, self._columns[transform, model]]

    def over(self, transform: str, models: tuple[str, ...] | list[str]) -> np.ndarray:
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
        In the order in which the project stated them, and last the reason that
        this compendium gives for one of them.

    Raises
    ------
    SplitError
        If the two grids answered about different windows.

    Notes
    -----
    The book page "Models on features" shows them beside the heat maps.
    """
    ids = [
        next(iter(grid.cells.values())).windows["window_id"].to_numpy()
        for grid in (leaking, honest)
    ]
    if not np.array_equal(*ids):
        raise SplitError(
            "the two grids were tested on different windows; make both splits of the same table, "
            "with the same number of folds."
        )
    leak, fair = _Means(leaking, "window"), _Means(honest, "window")
    claims = [_polynomial, _rbf, _pca, _knn, _forest]
    found = [claim(leak) for claim in claims]
    again = [claim(fair) for claim in claims]
    protocol = honest.split.protocol
    joined = [
        one._replace(finding=f"{one.finding} Split by {protocol}: {_lower(other)}")
        for one, other in zip(found, again, strict=True)
    ]
    return [*joined, _leak_wins(leak, fair, protocol)]


def _lower(claim: Claim) -> str:
    return f"{claim.verdict}; {claim.finding[0].lower()}{claim.finding[1:]}"


def _verdict(low: float, high: float, above: float = 0.0) -> str:
    """Confirm what is surely above a value, refute what is surely below it."""
    return "confirmed" if low > above else "refuted" if high < above else "undecided"


def _interval(values: np.ndarray) -> tuple[float, float]:
    low, high = np.percentile(values[1:], [2.5, 97.5])
    return float(low), float(high)


def _points(values: np.ndarray) -> str:
    low, high = _interval(values)
    return f"{100 * values[0]:+.1f} points ({100 * low:+.1f} to {100 * high:+.1f})"


def _polynomial(means: _Means) -> Claim:
    gain = means.over("polynomial kernel", LINEAR) - means.over("none", LINEAR)
    return Claim(
        "Polynomial features help linear models.",
        _verdict(*_interval(gain)),
        f"On average over the {len(LINEAR)} linear models they change the share of windows "
        f"recognised by {_points(gain)}.",
    )


def _rbf(means: _Means) -> Claim:
    gains = [means.of("RBF kernel", model) - means.of("none", model) for model in MODELS]
    bounds = [_interval(gain) for gain in gains]
    hurt, helped = sum(high < 0 for _, high in bounds), sum(low > 0 for low, _ in bounds)
    most = len(MODELS) // 2
    verdict = "confirmed" if hurt > most else "refuted" if helped >= most else "undecided"
    return Claim(
        "The RBF kernel hurts most models.",
        verdict,
        f"It surely hurts {hurt} of {len(MODELS)} models and surely helps {helped}; on average it "
        f"changes the share of windows recognised by {_points(np.mean(gains, axis=0))}.",
    )


def _pca(means: _Means) -> Claim:
    loss = means.over("none", list(MODELS)) - means.over("PCA", list(MODELS))
    low, high = _interval(loss)
    little = "confirmed" if low > 0 and high < _LITTLE else "undecided"
    return Claim(
        "PCA costs a little.",
        "refuted" if high < 0 or low > _LITTLE else little,
        f"On average over the {len(MODELS)} models it costs {_points(loss)}; little is taken to "
        f"be less than {100 * _LITTLE:.0f}.",
    )


def _knn(means: _Means) -> Claim:
    others = [(t, m) for t in TRANSFORMS for m in MODELS if (t, m) != ("none", "k-NN")]
    best = max(others, key=lambda place: means.of(*place)[0])
    lead = means.of("none", "k-NN") - means.of(*best)
    return Claim(
        "k-NN on raw features is the best.",
        _verdict(*_interval(lead)),
        f"Against the best other cell, {best[1]} with {_named(best[0])}, it is ahead by "
        f"{_points(lead)}.",
    )


def _forest(means: _Means) -> Claim:
    spread = {
        model: np.ptp([means.of(transform, model) for transform in TRANSFORMS], axis=0)
        for model in MODELS
    }
    others = np.mean([spread[model] for model in MODELS if model != "random forest"], axis=0)
    gap = others - spread["random forest"]
    return Claim(
        "The random forest is robust.",
        _verdict(*_interval(gap)),
        f"From its best transform to its worst it loses {100 * spread['random forest'][0]:.1f} "
        f"points, the other models {100 * others[0]:.1f} on average, a difference of "
        f"{_points(gap)}.",
    )


def _leak_wins(leak: _Means, fair: _Means, protocol: str) -> Claim:
    fall = {model: leak.of("none", model) - fair.of("none", model) for model in MODELS}
    others = np.mean([fall[model] for model in MODELS if model != "k-NN"], axis=0)
    more = fall["k-NN"] - others
    return Claim(
        "k-NN is ahead because windows of one track are on both sides.",
        _verdict(*_interval(more)),
        f"Split by {protocol} instead of by window, k-NN on raw features loses "
        f"{_points(fall['k-NN'])}, the other models {100 * others[0]:.1f} on average; it owes "
        f"{_points(more)} more than they to the leak.",
    )


def _named(transform: str) -> str:
    return "raw features" if transform == "none" else f"the {transform}"
