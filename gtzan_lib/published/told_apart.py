"""Which differences a test part can show: limits, power and ties, and what was found."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.stats import binom, norm

from .intervals import interval_words
from .results import Results

__all__ = [
    "Comparison",
    "answer_words",
    "ensemble_words",
    "genre_words",
    "listed",
    "mcnemar_power",
    "pair_words",
    "power_table",
    "read_comparison",
    "reliable_difference",
    "reliable_words",
    "run_table",
    "scope_words",
    "score_words",
    "seed_words",
    "size_words",
    "smallest_differences",
    "tie_words",
    "tied_runs",
    "tied_with",
]

_LEVEL = 0.05

# McNemar's test takes tracks of one artist as independent, and finds differences too easily.
_VERDICT = "p_artists_holm"


def _most_of_fewer(discordant: np.ndarray, alpha: float) -> np.ndarray:
    """Return the largest smaller count that McNemar's exact test finds significant.

    It is -1 for numbers of discordant tracks with which no count is.
    """
    most = binom.ppf(alpha / 2, discordant, 0.5)
    # The quantile is the first count that reaches the level.
    return most - (2 * binom.cdf(most, discordant, 0.5) >= alpha)


def smallest_differences(tracks: int, alphas: Mapping[str, float]) -> pd.DataFrame:
    """Compute the smallest differences that McNemar's exact test finds significant.

    Parameters
    ----------
    tracks : int
        Number of tested tracks.
    alphas : mapping of str to float
        Levels of significance, by their labels.

    Returns
    -------
    pd.DataFrame
        Indexed by the share of tracks that exactly one of two models predicts correctly: the
        smallest difference of their accuracies with a p-value below each level, NaN where
        there is none.
    """
    discordant = np.arange(1, tracks + 1)
    columns = {}
    for label, alpha in alphas.items():
        most = _most_of_fewer(discordant, alpha)
        columns[label] = np.where(most < 0, np.nan, (discordant - 2 * most) / tracks)
    return pd.DataFrame(columns, pd.Index(discordant / tracks, name="disagreement"))


def mcnemar_power(tracks: int, disagreement: float, difference: float, alpha: float) -> float:
    """Compute the probability that McNemar's exact test finds a difference.

    Parameters
    ----------
    tracks : int
        Number of tested tracks, which are taken as independent.
    disagreement : float
        Share of all tracks that exactly one of the two models predicts correctly, above 0.
    difference : float
        True difference of their accuracies, from 0 to `disagreement`.
    alpha : float
        Level of significance.

    Returns
    -------
    float
        Probability of a p-value below the level, with the better model in front.
    """
    discordant = np.arange(1, tracks + 1)
    most = _most_of_fewer(discordant, alpha)
    worse = (1 - difference / disagreement) / 2
    found = binom.cdf(most, discordant, worse)
    return float(np.sum(binom.pmf(discordant, tracks, disagreement) * found))


def power_table(
    tracks: int, disagreements: Iterable[float], alphas: Mapping[str, float]
) -> pd.DataFrame:
    """Compute the power of McNemar's exact test for a range of differences.

    Parameters
    ----------
    tracks : int
        Number of tested tracks.
    disagreements : iterable of float
        Shares of tracks that exactly one of two models predicts correctly.
    alphas : mapping of str to float
        Levels of significance, by their labels.

    Returns
    -------
    pd.DataFrame
        One row a `disagreement`, `test` (label of the level) and `difference`, in steps of
        half a point up to 20 points or the disagreement: its `power`.
    """
    rows = [
        (share, label, difference, mcnemar_power(tracks, share, difference, alpha))
        for share in disagreements
        for label, alpha in alphas.items()
        for difference in np.arange(0, min(share, 0.2) + 1e-9, 0.005)
    ]
    return pd.DataFrame(rows, columns=["disagreement", "test", "difference", "power"])


def reliable_difference(
    tracks: int, disagreement: float, alpha: float, *, power: float = 0.8
) -> float:
    """Compute how large a difference must be to be found with high probability.

    Parameters
    ----------
    tracks, disagreement, alpha
        As for `mcnemar_power`.
    power : float
        The probability.

    Returns
    -------
    float
        The smallest difference, to a tenth of a point; NaN if even the largest that the
        disagreement allows is found less often.
    """
    for difference in np.arange(0, disagreement + 1e-9, 0.001):
        if mcnemar_power(tracks, disagreement, difference, alpha) >= power:
            return float(difference)
    return float("nan")


def tied_with(pairs: pd.DataFrame, model: str, column: str = _VERDICT) -> list[str]:
    """Return the models that cannot be told from one.

    Parameters
    ----------
    pairs : pd.DataFrame
        As from `gtzan_lib.published.measures.test_part.pair_tests`.
    model : str
        The one.
    column : str
        Which p-value is compared with 5 %. Default: with artists as the unit, after Holm's
        correction.

    Returns
    -------
    list of str
        In the order of the pairs.
    """
    table = pairs.reset_index()
    tied = table[table[column] >= _LEVEL]
    found = zip(tied["first"], tied["second"], strict=True)
    return [one for pair in found if model in pair for one in pair if one != model]


def tied_runs(
    pairs: pd.DataFrame, models: Sequence[str], column: str = _VERDICT
) -> list[list[str]]:
    """Return the stretches of a ranking in which no pair can be told apart.

    Parameters
    ----------
    pairs : pd.DataFrame
        As for `tied_with`.
    models : sequence of str
        All models, the most accurate first.
    column : str
        As for `tied_with`.

    Returns
    -------
    list of list of str
        Stretches of neighbours that are part of no longer one, from the top; they may
        overlap, and a model that can be told from both of its neighbours is alone.
    """
    tied = {model: {model, *tied_with(pairs, model, column)} for model in models}
    runs: list[list[str]] = []
    for start in range(len(models)):
        end = start
        while end < len(models) and all(models[end] in tied[one] for one in models[start:end]):
            end += 1
        run = list(models[start:end])
        if not runs or run[-1] != runs[-1][-1]:
            runs.append(run)
    return runs


def listed(names: Sequence[str], *, most: int = 6) -> str:
    """Write names as a part of a sentence.

    Parameters
    ----------
    names : sequence of str
        At least one.
    most : int
        How many are named at most; others are counted.

    Returns
    -------
    str
        Such as `A, B and C`, or `A, B and 4 others`.
    """
    named, others = list(names[:most]), len(names) - most
    if others > 1:
        named.append(f"{others} others")
    elif others == 1:
        named.append(names[-1])
    return " and ".join(filter(None, [", ".join(named[:-1]), named[-1]]))


# --- the tables, and what they say --------------------------------------------


class Comparison(NamedTuple):
    """What the step `test-part` has found.

    Attributes
    ----------
    material : str
        What it was made from, in words.
    scope : pd.Series
        Numbers of `tracks`, `artists`, `models` and `askings`, and `chance`.
    scores, seeds, pairs, ensembles, genres, agreement : pd.DataFrame
        The tables of `gtzan_lib.published.measures.test_part.measure`.
    """

    material: str
    scope: pd.Series
    scores: pd.DataFrame
    seeds: pd.DataFrame
    pairs: pd.DataFrame
    ensembles: pd.DataFrame
    genres: pd.DataFrame
    agreement: pd.DataFrame

    @property
    def tracks(self) -> int:
        """Number of test tracks."""
        return int(self.scope["tracks"])

    @property
    def disagreement(self) -> pd.Series:
        """Share of tracks that exactly one model of each pair predicts correctly."""
        return (self.pairs["only_first"] + self.pairs["only_second"]) / self.tracks

    @property
    def design_factor(self) -> float:
        """How many times as long the intervals of differences are as for independent tracks.

        Those over artists, by the median over the pairs: the square root of the design effect.
        """
        variance = (self.disagreement - self.pairs["difference"] ** 2) / self.tracks
        independent = 2 * norm.ppf(1 - _LEVEL / 2) * np.sqrt(variance)
        return float(((self.pairs["high"] - self.pairs["low"]) / independent).median())

    @property
    def levels(self) -> dict[str, float]:
        """Levels of significance of a single test, and of the first of all in Holm's method."""
        return {"single": _LEVEL, "corrected": _LEVEL / len(self.pairs)}

    @property
    def single(self) -> pd.DataFrame:
        """Scores of the models that are no ensembles."""
        return self.scores[self.scores["kind"] != "ensemble"]


def read_comparison(results: Results, step: str = "test-part") -> Comparison:
    """Read the tables of the step.

    Parameters
    ----------
    results : Results
        The results.
    step : str
        Name of the step.

    Returns
    -------
    Comparison
        All that the page shows.

    Raises
    ------
    RecordError
        If the step is not done, or a table is missing or was changed.
    """
    names = ("scores", "seeds", "pairs", "ensembles", "genres", "agreement")
    tables = {name: results.table(step, name) for name in names}
    scope = results.table(step, "scope").iloc[0]
    return Comparison(results.material(step), scope, **tables)


def scope_words(found: Comparison) -> str:
    """Return what the page was made from, and how often the test part was asked for it."""
    scope = found.scope
    return (
        f"{found.material[0].upper()}{found.material[1:]}. The {found.tracks} tracks of the test "
        f"part are by {scope['artists']:.0f} artists, where a track without a known artist counts "
        f"as one; always naming the most frequent genre is right for "
        f"{100 * scope['chance']:.0f} %. The test part was asked {scope['askings']:.0f} times, "
        "since each seed of a net and each ensemble counts, and none of these models was chosen "
        "by its score. The models of the package had been asked about before, and their "
        "predictions were kept."
    )


def score_words(found: Comparison, literature: pd.DataFrame) -> str:
    """Return how the best model without data from outside stands beside the literature.

    Parameters
    ----------
    found : Comparison
        From `read_comparison`.
    literature : pd.DataFrame
        From `gtzan_lib.published.scores.read_literature`.

    Returns
    -------
    str
        A few sentences.
    """
    best = _best_of_our_own(found)
    others = literature[literature["outside_data"] == "none"]["high"]
    widths = (
        (found.scores[f"{prefix}high"] - found.scores[f"{prefix}low"]).mean()
        for prefix in ("", "wilson_")
    )
    over_artists, over_tracks = (100 * width for width in widths)
    return (
        f"Of our models without data from outside, {best.name} has the highest accuracy, "
        f"{interval_words(best, 'accuracy', digits=1)} over artists; the interval contains "
        f"{others.between(best['low'], best['high']).sum()} of the {len(others)} published scores "
        f"without such data. Intervals over artists are {over_artists:.0f} points wide on "
        f"average, those over tracks {over_tracks:.0f}."
    )


def _best_of_our_own(found: Comparison) -> pd.Series:
    """Return the score of the most accurate model without data from outside."""
    return found.scores[found.scores["outside_data"] == "none"].iloc[0]


def pair_words(found: Comparison) -> str:
    """Return how many pairs can be told apart, as a clause without a full stop."""
    by_artists, by_tracks = (
        found.pairs[f"p_{unit}_holm"] < _LEVEL for unit in ("artists", "tracks")
    )
    return (
        f"{by_artists.sum()} of {len(found.pairs)} pairs can be told apart with artists as the "
        f"unit, {by_tracks.sum()} with tracks, and {(by_artists & by_tracks).sum()} with both"
    )


def tie_words(found: Comparison) -> str:
    """Return how many neighbours of the ranking, and which stretches, cannot be told apart.

    The unit of these verdicts is the artist.
    """
    models = list(found.scores.index)
    runs = tied_runs(found.pairs, models)
    longest = max(runs, key=len)
    tested = zip(found.pairs.index, found.pairs["second"], found.pairs[_VERDICT], strict=True)
    neighbours = set(pairwise(models))
    apart = sum((first, second) in neighbours and p < _LEVEL for first, second, p in tested)
    alone = int((found.pairs["p_artists"] < _LEVEL).sum())
    text = (
        f"Without a correction, the number would be {alone} with artists as the unit. Of the "
        f"{len(neighbours)} pairs of neighbours in the ranking, {apart or 'none'} can be told "
        "apart with artists as the unit."
    )
    if len(runs) == 1:
        return f"{text} The ranking is one stretch within which no pair can be told apart."
    return (
        f"{text} The ranking falls into {len(runs)} stretches within which no pair can be told "
        f"apart; they may overlap, and the longest has {len(longest)} models, from {longest[0]} "
        f"to {longest[-1]}."
    )


def run_table(found: Comparison) -> pd.DataFrame:
    """Return the stretches of the ranking in which no pair can be told apart.

    Parameters
    ----------
    found : Comparison
        From `read_comparison`.

    Returns
    -------
    pd.DataFrame
        One row a stretch, with artists as the unit: its `models` and the range of their
        `accuracy %`, as texts.
    """
    runs = tied_runs(found.pairs, list(found.scores.index))
    percent = 100 * found.scores["accuracy"]
    return pd.DataFrame(
        {
            "models": ["; ".join(names) for names in runs],
            "accuracy %": [f"{percent[run[-1]]:.1f} to {percent[run[0]]:.1f}" for run in runs],
        }
    )


def reliable_words(found: Comparison) -> str:
    """Return which difference the median pair needs to be found, as a clause."""
    middle = found.disagreement.median()
    points = [
        100 * reliable_difference(found.tracks, middle, level) for level in found.levels.values()
    ]
    # With few tracks, no difference may be large enough.
    one, many = ("no size" if np.isnan(one) else f"{one:.0f} points" for one in points)
    return (
        f"a true difference of {one} would be found with a probability of 80 % by a single test, "
        f"and one of {many} by the strictest of {len(found.pairs)} tests, if tracks were "
        f"independent; over artists, it must be about {found.design_factor:.1f} times as large"
    )


def size_words(found: Comparison) -> str:
    """Return how large a difference must be, and what was observed."""
    low, middle, high = (100 * found.disagreement.quantile(share) for share in (0, 0.5, 1))
    factor = found.design_factor
    pairs = found.pairs.reset_index()
    apart = pairs[pairs[_VERDICT] < _LEVEL]
    tied = pairs[pairs[_VERDICT] >= _LEVEL]
    text = (
        f"Pairs of these models disagree on {low:.0f} to {high:.0f} % of the tracks, the median "
        f"pair on {middle:.0f} %. For such a pair, {reliable_words(found)}: by the median over the "
        f"pairs, the interval of a difference over artists is {factor:.2f} times as long as for "
        f"independent tracks, and the {found.tracks} tracks count like about "
        f"{found.tracks / factor**2:.0f} independent ones."
    )
    shown = {}
    if len(apart):
        shown["smallest difference that is"] = apart.loc[apart["difference"].idxmin()]
    if len(tied):
        shown["largest difference that is not"] = tied.loc[tied["difference"].idxmax()]
    sizes = [
        f"the {what} told apart is {100 * row['difference']:.1f} points, between {row['first']} "
        f"and {row['second']}"
        for what, row in shown.items()
    ]
    return f"{text} With artists as the unit, {'; '.join(sizes)}."


def ensemble_words(found: Comparison) -> str:
    """Return which ensembles differ from their best member."""
    table = found.ensembles
    clear = table["p_holm"] < _LEVEL
    parts = [
        f"{len(rows)} {'is' if len(rows) == 1 else 'are'} {how} accurate than "
        f"{'its' if len(rows) == 1 else 'their'} best member ("
        + "; ".join(f"{name}, {100 * gain:+.1f} points" for name, gain in rows["gain"].items())
        + ")"
        for how, rows in (
            ("more", table[clear & (table["gain"] > 0)]),
            ("less", table[clear & (table["gain"] < 0)]),
        )
        if len(rows)
    ]
    if not clear.all():
        which = f"the other {(~clear).sum()}" if clear.any() else "none"
        parts.append(f"{which} can{'not' if clear.any() else ''} be told from the best member")
    return (
        f"Of {len(table)} ensembles, by McNemar's test with tracks as the unit, corrected for "
        f"their number, {listed(parts)}."
    )


def seed_words(found: Comparison) -> str:
    """Return what averaging the seeds of a net adds."""
    table = found.ensembles[found.ensembles.index.str.contains(" seeds of ")]
    if table.empty:
        return "Each net has one seed only."
    points, above = 100 * table["mean_gain"], (table["mean_gain_low"] > 0).sum()
    return (
        f"Averaging the seeds of a net adds {points.min():+.1f} to {points.max():+.1f} points to "
        f"the mean accuracy of its seeds; {above} of {len(table)} intervals are above zero."
    )


def genre_words(found: Comparison) -> str:
    """Return which genres are easy and hard, and how uncertain a recall is."""
    table = found.genres[found.genres["model"].isin(found.single.index)]
    mean = 100 * table.groupby("genre")["recall"].mean()
    half = 50 * (table["high"] - table["low"]).mean()
    every = found.agreement.iloc[-1]
    return (
        f"Over the {len(found.single)} single models, the mean recall is highest for "
        f"{mean.idxmax()} ({mean.max():.0f} %) and lowest for {mean.idxmin()} "
        f"({mean.min():.0f} %). A genre has {table['tracks'].min()} to {table['tracks'].max()} "
        f"tracks by {table['artists'].min()} to {table['artists'].max()} artists, so that one "
        f"recall is known to about ±{half:.0f} points, if tracks are independent. "
        f"{100 * every['all']:.0f} % of all tracks are predicted correctly by all of these models "
        f"and {100 * every['any']:.0f} % by at least one, while the best of them has "
        f"{100 * every['best']:.0f} %: an average of probabilities reaches a part of that only."
    )


def answer_words(found: Comparison) -> str:
    """Return the answer of the page."""
    own, best = _best_of_our_own(found), found.scores.iloc[0]
    leaders = {"Without data from outside": own, "Of all models": best}
    if own.name == best.name:
        del leaders["Without data from outside"]
    parts = []
    for label, row in leaders.items():
        ties = tied_with(found.pairs, str(row.name))
        verdict = (
            f"cannot be told from {listed(ties, most=2)}" if ties else "differs from all others"
        )
        parts.append(
            f"{label}, {row.name} has the highest accuracy, "
            f"{interval_words(row, 'accuracy', digits=1)} over artists, and {verdict}."
        )
    apart = int((found.pairs[_VERDICT] < _LEVEL).sum())
    gains = found.ensembles
    better = int(((gains["p_holm"] < _LEVEL) & (gains["gain"] > 0)).sum())
    return (
        f"On {found.tracks} tracks by {found.scope['artists']:.0f} artists, {apart} of "
        f"{len(found.pairs)} pairs of models can be told apart, by a test over artists and after "
        f"Holm's correction. {' '.join(parts)} For the median pair, {reliable_words(found)}. "
        f"{better or 'None'} of {len(gains)} ensembles {'are' if better > 1 else 'is'} shown to be "
        "more accurate than the best of the members."
    )
