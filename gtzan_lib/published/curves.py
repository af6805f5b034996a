"""Learning curves over the artists of the training part, and what they say of more music."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from itertools import combinations
from typing import NamedTuple

import numpy as np
import pandas as pd

from ..errors import RecordError
from ..stats import resampled_means
from .results import Results

__all__ = [
    "ARTISTS",
    "LAWS",
    "TRACKS",
    "Estimate",
    "LearningCurve",
    "artists_or_tracks",
    "choice_table",
    "compare_doublings",
    "curve_table",
    "curves_from",
    "estimate_from",
    "extrapolations",
    "fit_table",
    "of_choice",
    "past_extrapolations",
    "read_curves",
]

ARTISTS, TRACKS = "fewer artists", "fewer tracks by each artist"
"""Choices of a share of the training part: all tracks of some artists, or as many tracks of
each genre, taken from all of its artists in turn."""

LAWS = ("straight line", "power law")
"""Accuracy by the logarithm of the number of artists, or its error by their power."""

_KEY = ["part", "model", "choice"]
_ABOUT = [*_KEY, "genre", "group"]
# A power law has no logarithm of an error of 0.
_SMALLEST_ERROR = 1e-6

Key = tuple[str, str, str]
"""Part that is scored, model, and choice."""


class Estimate(NamedTuple):
    """A number that is computed from learning curves.

    Attributes
    ----------
    value, low, high : float
        The number, with its bootstrap interval over the artists of the scored tracks.
    seed_error : float
        Its standard error over seeds, which the interval does not contain; NaN for one seed.
    """

    value: float
    low: float
    high: float
    seed_error: float


@dataclasses.dataclass(frozen=True, eq=False)
class LearningCurve:
    """What a model predicts correctly if it is trained on several shares of a training part.

    Attributes
    ----------
    right : pd.DataFrame [shape=(tracks, shares)]
        The share of seeds that predict a track correctly, by share of the training part.
    groups : np.ndarray [shape=(tracks,)]
        The artist of each scored track, or the track if the artist is unknown.
    accuracies : pd.DataFrame [shape=(seeds, shares)]
        Accuracy of each seed; NaN where it was not trained.
    sizes : pd.DataFrame
        By share: the number of training `artists` and `tracks`, means over seeds and folds.
    """

    right: pd.DataFrame
    groups: np.ndarray
    accuracies: pd.DataFrame
    sizes: pd.DataFrame

    def __repr__(self) -> str:
        shares = ", ".join(f"{100 * share:g} %" for share in self.shares)
        return f"LearningCurve({shares} of the training part, {len(self.right)} scored tracks)"

    @property
    def shares(self) -> list[float]:
        """Shares of the training part, rising."""
        return [float(share) for share in self.right]

    @property
    def doublings(self) -> np.ndarray:
        """Logarithm to base 2 of the number of artists of each share."""
        return np.log2(self.sizes["artists"].to_numpy(dtype=float))

    @cached_property
    def resampled(self) -> np.ndarray:
        """Accuracies of resampled artists [shape=(resamples, shares)].

        Curves of the same tracks are resampled alike, so that their differences are paired.
        """
        return resampled_means(self.right.to_numpy(dtype=float), self.groups)

    def of(self, shares: list[float]) -> LearningCurve:
        """Return the curve of some of the shares."""
        return LearningCurve(
            self.right[shares], self.groups, self.accuracies[shares], self.sizes.loc[shares]
        )


def estimate_from(
    function: Callable[..., np.ndarray], *curves: LearningCurve, confidence: float = 0.95
) -> Estimate:
    """Compute a number from the accuracies of one or several curves.

    Parameters
    ----------
    function : callable
        Gets an array of accuracies [shape=(..., shares)] for each curve, and returns numbers
        [shape=(...)].
    *curves : LearningCurve
        Of the same scored tracks.
    confidence : float
        Confidence level of the interval.

    Returns
    -------
    Estimate
        The number, with its interval and its standard error over the seeds that were trained
        on all shares.

    Raises
    ------
    RecordError
        If the curves are of other tracks.
    """
    first = curves[0]
    if any(not curve.right.index.equals(first.right.index) for curve in curves):
        raise RecordError(
            "the learning curves are of other scored tracks; do their steps again from the same "
            "copy of GTZAN."
        )
    tail = 50 * (1 - confidence)
    drawn = function(*(curve.resampled for curve in curves))
    low, high = np.percentile(drawn, [tail, 100 - tail])
    value = float(function(*(curve.right.mean().to_numpy() for curve in curves)))
    by_seed = pd.concat([curve.accuracies for curve in curves], axis=1).dropna()
    error = math.nan
    if len(by_seed) > 1:
        tables = (curve.accuracies.loc[by_seed.index].to_numpy() for curve in curves)
        error = float(np.std(function(*tables), ddof=1)) / math.sqrt(len(by_seed))
    return Estimate(value, float(low), float(high), error)


# --- reading ------------------------------------------------------------------


def curves_from(tracks: pd.DataFrame, scores: pd.DataFrame) -> dict[Key, LearningCurve]:
    """Make learning curves of two tables.

    Parameters
    ----------
    tracks : pd.DataFrame
        Indexed by `track_id`: `part`, `model`, `choice`, `genre`, `group`, and one column for
        each share with the share of seeds that predict the track correctly; NaN where the
        model was not trained on that share.
    scores : pd.DataFrame
        Indexed by `model`: `part`, `choice`, `share`, `seed`, number of training `tracks` and
        `artists`, and `accuracy`.

    Returns
    -------
    dict of (str, str, str) to LearningCurve
        By part, model and choice.
    """
    shares = [column for column in tracks if column not in _ABOUT]
    curves = {}
    of_scores = dict(list(scores.reset_index().groupby(_KEY)))
    for key, rows in tracks.groupby(_KEY, sort=False):
        of_key = of_scores[key]
        right = rows[shares].rename(columns=float).dropna(axis=1).sort_index(axis=1)
        accuracies = of_key.pivot(index="seed", columns="share", values="accuracy")
        sizes = of_key.groupby("share")[["artists", "tracks"]].mean()
        curves[key] = LearningCurve(right, rows["group"].to_numpy(), accuracies, sizes)
    return curves


def read_curves(results: Results, step: str = "learning-curve") -> dict[Key, LearningCurve]:
    """Read the learning curves of a step.

    Parameters
    ----------
    results : Results
        The results.
    step : str
        Name of the step.

    Returns
    -------
    dict of (str, str, str) to LearningCurve
        By part, model and choice.

    Raises
    ------
    RecordError
        If the step is not done.
    """
    return curves_from(results.table(step, "tracks"), results.table(step, "scores"))


def of_choice(curves: Mapping[Key, LearningCurve], choice: str) -> dict[Key, LearningCurve]:
    """Return the curves of one choice, `ARTISTS` or `TRACKS`."""
    return {key: curve for key, curve in curves.items() if key[2] == choice}


# --- tables -------------------------------------------------------------------


def curve_table(curves: Mapping[Key, LearningCurve]) -> pd.DataFrame:
    """Return the points of learning curves.

    Parameters
    ----------
    curves : mapping of (str, str, str) to LearningCurve
        By part, model and choice.

    Returns
    -------
    pd.DataFrame
        Indexed by `model`, one row a share: `part`, `choice`, `share`, mean number of training
        `artists` and `tracks`, `seeds`, mean `accuracy` with its interval `low` to `high` over
        the artists of the scored tracks, and the standard deviation over seeds `sd`.
    """
    rows: list[tuple[object, ...]] = []
    for (part, model, choice), curve in curves.items():
        for number, (share, size) in enumerate(curve.sizes.iterrows()):
            found = estimate_from(lambda accuracy, column=number: accuracy[..., column], curve)
            of_seeds = curve.accuracies[share].dropna()
            sizes = size["artists"], size["tracks"], len(of_seeds)
            rows.append((model, part, choice, share, *sizes, *found[:3], of_seeds.std()))
    columns = ["part", "choice", "share", "artists", "tracks", "seeds"]
    return _table(rows, [*columns, "accuracy", "low", "high", "sd"])


def fit_table(curves: Mapping[Key, LearningCurve]) -> pd.DataFrame:
    """Return what a doubling of the artists, with all their tracks, brings.

    Parameters
    ----------
    curves : mapping of (str, str, str) to LearningCurve
        By part, model and choice; those of `TRACKS` are left out.

    Returns
    -------
    pd.DataFrame
        Indexed by `model`, each value with the bounds of its interval: `part`; `points`, the
        slope of the straight line against the logarithm of the number of artists to base 2;
        `error`, its standard error over seeds; `exponent` of the power law of the error, so
        that a doubling divides it by 2 ** exponent; `last`, the points by doubling from
        half of the artists to all; `bend`, `last` less the points by doubling up to the half,
        NaN if there is no smaller share.
    """
    rows: list[tuple[object, ...]] = []
    for (part, model, _), curve in of_choice(curves, ARTISTS).items():
        slope = estimate_from(_slope(curve), curve)
        exponent = estimate_from(_exponent(curve), curve)
        half = _half(curve)
        last = estimate_from(_gain(curve, half, -1), curve)
        bend = Estimate(*[math.nan] * 4)
        if half > 0:
            bend = estimate_from(_bend(curve, half), curve)
        rows.append((model, part, *slope, *exponent[:3], *last[:3], *bend[:3]))
    columns = ["part", "points", "points_low", "points_high", "error"]
    for name in ("exponent", "last", "bend"):
        columns += [name, f"{name}_low", f"{name}_high"]
    return _table(rows, columns)


def extrapolations(
    curves: Mapping[Key, LearningCurve], times: tuple[float, ...] = (2, 4)
) -> pd.DataFrame:
    """Extrapolate learning curves to more artists than there are.

    Parameters
    ----------
    curves : mapping of (str, str, str) to LearningCurve
        By part, model and choice; those of `TRACKS` are left out.
    times : tuple of float
        How many times the music, with as many tracks by each artist.

    Returns
    -------
    pd.DataFrame
        Indexed by `model`, one row for each of `LAWS` and `times`: `part`, `law`, `times`,
        number of `artists` and `tracks`; `accuracy` with `low` and `high`; `gain`, the points
        above the fitted accuracy of all artists, with `gain_low` and `gain_high`. Intervals
        are for other scored artists, and hold only as far as the law does.
    """
    rows = []
    for (part, model, _), curve in of_choice(curves, ARTISTS).items():
        size = curve.sizes.iloc[-1]
        for law in LAWS:
            now = _predicted(curve, law, 1)
            for factor in times:
                then = _predicted(curve, law, factor)
                accuracy = estimate_from(then, curve)
                gain = estimate_from(_minus(then, now), curve)
                sizes = factor * size["artists"], factor * size["tracks"]
                rows.append((model, part, law, factor, *sizes, *accuracy[:3], *gain[:3]))
    columns = ["part", "law", "times", "artists", "tracks", "accuracy", "low", "high"]
    return _table(rows, [*columns, "gain", "gain_low", "gain_high"])


def past_extrapolations(curves: Mapping[Key, LearningCurve]) -> pd.DataFrame:
    """Extrapolate from half of the artists to all of them, and compare with what was scored.

    Parameters
    ----------
    curves : mapping of (str, str, str) to LearningCurve
        By part, model and choice; those of `TRACKS` are left out.

    Returns
    -------
    pd.DataFrame
        Indexed by `model`, one row for each of `LAWS`: `part`, `law`, `predicted` and `scored`
        accuracy of all artists; and `points`, the scored one less the predicted one, with
        `low` and `high`. Curves with a single share up to the half are left out.
    """
    rows = []
    for (part, model, _), curve in of_choice(curves, ARTISTS).items():
        half = _half(curve)
        if half < 1:
            continue
        past = curve.of(curve.shares[: half + 1])
        factor = float(2 ** (curve.doublings[-1] - curve.doublings[half]))
        for law in LAWS:
            predicted = _predicted(past, law, factor)
            missed = estimate_from(_minus(_last, predicted), curve, past)
            scored = float(curve.right.iloc[:, -1].mean())
            rows.append((model, part, law, scored - missed.value, scored, *missed[:3]))
    return _table(rows, ["part", "law", "predicted", "scored", "points", "low", "high"])


def compare_doublings(curves: Mapping[Key, LearningCurve]) -> pd.DataFrame:
    """Compare what a doubling of the artists brings to each pair of models.

    Parameters
    ----------
    curves : mapping of (str, str, str) to LearningCurve
        By part, model and choice; those of `TRACKS` are left out.

    Returns
    -------
    pd.DataFrame
        One row for each pair of a part with two shares in common: `part`, `first`, `second`;
        `shares`, the number of those that both have; `points`, the slope of the first less
        that of the second on these shares; `low` and `high`, which hold for all pairs of a part
        together (Bonferroni); `confidence` of the single interval; and `error`, the standard
        error over seeds.

    Raises
    ------
    RecordError
        If two models of a part scored other tracks.
    """
    rows: list[tuple[object, ...]] = []
    chosen = of_choice(curves, ARTISTS)
    for part in dict.fromkeys(key[0] for key in chosen):
        of_part = {model: curve for (name, model, _), curve in chosen.items() if name == part}
        pairs = list(combinations(of_part, 2))
        for names in pairs:
            first, second = (of_part[name] for name in names)
            shares = [share for share in first.shares if share in second.shares]
            if len(shares) < 2:
                continue
            first, second = first.of(shares), second.of(shares)
            confidence = 1 - 0.05 / len(pairs)
            found = estimate_from(
                _minus(_slope(first), _slope(second)), first, second, confidence=confidence
            )
            rows.append((part, *names, len(shares), *found[:3], confidence, found.seed_error))
    columns = ["part", "first", "second", "shares", "points", "low", "high", "confidence", "error"]
    return pd.DataFrame(rows, columns=columns)


def choice_table(curves: Mapping[Key, LearningCurve]) -> pd.DataFrame:
    """Compare as many tracks by all artists with all tracks of fewer artists.

    Parameters
    ----------
    curves : mapping of (str, str, str) to LearningCurve
        By part, model and choice.

    Returns
    -------
    pd.DataFrame
        Indexed by `model`, one row for each share below the largest: `part`, `share`, number of
        training `tracks`, number of `fewer` and of `more` artists, and `points`, the accuracy
        with more artists less that with fewer, with `low`, `high` and the standard `error`
        over seeds.
    """
    rows = []
    for part, model, few, many in _both(curves):
        for number, share in enumerate(few.shares[:-1]):
            found = estimate_from(
                lambda fewer, more, column=number: more[..., column] - fewer[..., column], few, many
            )
            sizes = [few.sizes["tracks"], few.sizes["artists"], many.sizes["artists"]]
            rows.append((model, part, share, *(size[share] for size in sizes), *found))
    columns = ["part", "share", "tracks", "fewer", "more", "points", "low", "high", "error"]
    return _table(rows, columns)


def artists_or_tracks(curves: Mapping[Key, LearningCurve]) -> pd.DataFrame:
    """Divide the gain of more music into that of more artists and that of more tracks by each.

    The accuracies of both choices and all shares are fitted by a sum of two straight lines,
    against the logarithms of the number of artists and of the number of tracks.

    Parameters
    ----------
    curves : mapping of (str, str, str) to LearningCurve
        By part, model and choice.

    Returns
    -------
    pd.DataFrame
        Indexed by `model`, each value with the bounds of its interval, which hold for all
        rows together (Bonferroni), and its standard error over seeds: `part`; the
        `confidence` of a single interval; `mean`, the mean difference of `choice_table` over
        the shares; `artists`, the points by doubling of the artists with as many tracks;
        `tracks`, those by doubling of the tracks of the same artists; and `more`, the first
        less the second. All but `mean` are NaN where the two numbers do not differ enough to
        be told apart.
    """
    rows: list[tuple[object, ...]] = []
    both = _both(curves)
    for part, model, few, many in both:
        confidence = 1 - 0.05 / len(both)
        functions: list[Callable[..., np.ndarray]] = [
            lambda fewer, more: (more - fewer)[..., :-1].mean(axis=-1)
        ]
        # All artists with all tracks are one point of both curves.
        sizes = np.log2(np.vstack([few.sizes, many.sizes.iloc[:-1]]).astype(float))
        design = np.column_stack([np.ones(len(sizes)), sizes])
        if np.linalg.matrix_rank(design) == design.shape[1]:
            _, artists, tracks = np.linalg.pinv(design)
            functions += [_both_lines(one) for one in (artists, tracks, artists - tracks)]
        found = [estimate_from(one, few, many, confidence=confidence) for one in functions]
        found += [Estimate(*[math.nan] * 4)] * (4 - len(found))
        rows.append((model, part, confidence, *(number for one in found for number in one)))
    columns = ["part", "confidence"]
    for name in ("mean", "artists", "tracks", "more"):
        columns += [name, f"{name}_low", f"{name}_high", f"{name}_error"]
    return _table(rows, columns)


def _table(rows: Sequence[tuple[object, ...]], columns: list[str]) -> pd.DataFrame:
    # Sums of shares that are zero may be rounded to a little more or less.
    return pd.DataFrame(rows, columns=["model", *columns]).set_index("model").round(12)


def _both(
    curves: Mapping[Key, LearningCurve],
) -> list[tuple[str, str, LearningCurve, LearningCurve]]:
    """Return part, model and the curves of both choices, where there are both."""
    return [
        (part, model, few, curves[part, model, TRACKS])
        for (part, model, _), few in of_choice(curves, ARTISTS).items()
        if (part, model, TRACKS) in curves
    ]


# --- what is computed from accuracies -----------------------------------------

_Function = Callable[[np.ndarray], np.ndarray]


def _line(doublings: np.ndarray, at: float) -> np.ndarray:
    """Return the weights of the values on a fitted straight line at another place."""
    centred = doublings - doublings.mean()
    return 1 / len(doublings) + (at - doublings.mean()) * centred / (centred**2).sum()


def _slope(curve: LearningCurve) -> _Function:
    weights = _line(curve.doublings, 1.0) - _line(curve.doublings, 0.0)
    return lambda accuracy: accuracy @ weights


def _exponent(curve: LearningCurve) -> _Function:
    slope = _slope(curve)
    return lambda accuracy: -slope(_log_error(accuracy))


def _log_error(accuracy: np.ndarray) -> np.ndarray:
    return np.log2(np.maximum(1 - accuracy, _SMALLEST_ERROR))


def _predicted(curve: LearningCurve, law: str, times: float) -> _Function:
    """Return what a law predicts for so many times the largest number of artists."""
    weights = _line(curve.doublings, curve.doublings[-1] + math.log2(times))
    if law == LAWS[0]:
        return lambda accuracy: accuracy @ weights
    return lambda accuracy: 1 - 2 ** (_log_error(accuracy) @ weights)


def _half(curve: LearningCurve) -> int:
    """Return the number of the share that is nearest to half of the largest."""
    shares = np.array(curve.shares)
    return int(np.abs(shares[:-1] - shares[-1] / 2).argmin())


def _last(accuracy: np.ndarray) -> np.ndarray:
    return accuracy[..., -1]


def _gain(curve: LearningCurve, start: int, end: int) -> _Function:
    """Return the points by doubling between two shares."""
    length = curve.doublings[end] - curve.doublings[start]
    return lambda accuracy: (accuracy[..., end] - accuracy[..., start]) / length


def _bend(curve: LearningCurve, half: int) -> _Function:
    return _minus(_gain(curve, half, -1), _gain(curve, 0, half))


def _minus(first: _Function, second: _Function) -> Callable[..., np.ndarray]:
    """Return the difference of two functions, of one curve or of one curve each."""
    return lambda *accuracies: first(accuracies[0]) - second(accuracies[-1])


def _both_lines(weights: np.ndarray) -> Callable[..., np.ndarray]:
    return lambda fewer, more: np.concatenate([fewer, more[..., :-1]], axis=-1) @ weights
