"""How many points of a score are owed to recordings that are on both sides."""

from __future__ import annotations

import dataclasses
import itertools
import warnings
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.utils.validation import has_fit_parameter

from ..data.corpus import Corpus
from ..data.splits import PROTOCOLS, Split, split
from ..errors import GtzanWarning, SplitError
from .evaluation import (
    Difference,
    Evaluation,
    Score,
    bootstrap_interval,
    difference,
    evaluate,
)

__all__ = ["Audit", "Reshuffle", "audit", "reshuffle"]


@dataclasses.dataclass(frozen=True, eq=False)
class Audit:
    """Models under several protocols, on the same windows.

    Attributes
    ----------
    evaluations : dict of str to (dict of str to Evaluation)
        By model, then by protocol, the leaking one first.
    refused : dict of str to str
        Protocols that the corpus cannot honour, and why.
    """

    evaluations: dict[str, dict[str, Evaluation]]
    refused: dict[str, str]

    @property
    def protocols(self) -> list[str]:
        """What could be made, the leaking one first."""
        return list(next(iter(self.evaluations.values())))

    def scores(self) -> pd.DataFrame:
        """Return every score.

        Returns
        -------
        pd.DataFrame
            One row a model and protocol: `train_windows` (mean over folds), how
            many `tracks` were tested, and `accuracy`, `low`, `high` of tracks and
            `window_accuracy`, `window_low`, `window_high` of windows.
        """
        rows = {}
        for model, own in self.evaluations.items():
            for protocol, evaluation in own.items():
                track, window = evaluation.accuracy(), evaluation.accuracy("window")
                trained = np.mean([len(fold.train) for fold in evaluation.split])
                rows[model, protocol] = (round(trained), track.n, *track[:3], *window[:3])
        columns = ["train_windows", "tracks", "accuracy", "low", "high"]
        columns += ["window_accuracy", "window_low", "window_high"]
        return pd.DataFrame.from_dict(rows, "index", columns=columns).pipe(_two_levels)

    def leak(self, model: str, unit: str = "track") -> Difference:
        """Return what a model loses from the leaking protocol to the most honest one.

        Parameters
        ----------
        model : str
            Which.
        unit : {"track", "window"}
            What is counted.

        Returns
        -------
        Difference
            Paired, with a bootstrap over artists.
        """
        return difference(*self._ends(model), unit)

    def steps(self, unit: str = "track") -> pd.DataFrame:
        """Split the leak of every model into its steps.

        Parameters
        ----------
        unit : {"track", "window"}
            What is counted.

        Returns
        -------
        pd.DataFrame
            One row a model and two protocols in turn (`window to track`, `track
            to artist`): `points`, `low`, `high`, each from -1 to 1.
        """
        rows = {}
        for model, own in self.evaluations.items():
            crossed = {name: one for name, one in own.items() if len(one.split) > 1}
            # What every protocol tests, so that steps add up; one may leave out unknown artists.
            both = set.intersection(*(set(one.windows["window_id"]) for one in crossed.values()))
            crossed = {
                name: dataclasses.replace(
                    one, windows=one.windows[one.windows["window_id"].isin(both)]
                )
                for name, one in crossed.items()
            }
            for first, second in itertools.pairwise(crossed):
                step = difference(crossed[first], crossed[second], unit)
                rows[model, f"{first} to {second}"] = step[:3]
        return pd.DataFrame.from_dict(rows, "index", columns=["points", "low", "high"]).pipe(
            _two_levels
        )

    def by(self, column: str, model: str, unit: str = "window") -> pd.DataFrame:
        """Tell where the leak is.

        Parameters
        ----------
        column : {"genre", "artist"}
            What to look at one by one.
        model : str
            Which.
        unit : {"track", "window"}
            What is counted.

        Returns
        -------
        pd.DataFrame
            One row a genre or artist, the largest leak first: `points` with `low`
            and `high`, a bootstrap over artists in a genre and over tracks of an
            artist; `tracks`, how many there are; and the two scores, `leaking`
            and `honest`.
        """
        leaking, honest = (
            _answers(evaluation, unit).set_index(f"{unit}_id", drop=False)
            for evaluation in self._ends(model)
        )
        both = leaking.index.intersection(honest.index)
        leaking, honest = leaking.loc[both], honest.loc[both]
        gain = leaking["right"].astype(float) - honest["right"].astype(float)
        inner = "group" if column == "genre" else "track_id"
        rows = {}
        for name, own in leaking.groupby(column).groups.items():
            low, high = bootstrap_interval(
                gain.loc[own].to_numpy(), leaking.loc[own, inner].to_numpy(), resamples=2000
            )
            rows[name] = (
                gain.loc[own].mean(), low, high, leaking.loc[own, "track_id"].nunique(),
                leaking.loc[own, "right"].mean(), honest.loc[own, "right"].mean(),
            )  # fmt: skip
        columns = ["points", "low", "high", "tracks", "leaking", "honest"]
        table = pd.DataFrame.from_dict(rows, "index", columns=columns).rename_axis(column)
        return table.sort_values("points", ascending=False, kind="stable")

    def _ends(self, model: str) -> tuple[Evaluation, Evaluation]:
        crossed = [own for own in self.evaluations[model].values() if len(own.split) > 1]
        return crossed[0], crossed[-1]


def audit(
    estimators: dict[str, tuple[Any, Any]],
    windows: pd.DataFrame,
    corpus: Corpus,
    *,
    protocols: Sequence[str] = ("window", "track", "artist"),
    folds: int = 5,
    seed: int = 42,
) -> Audit:
    """Score models under several protocols, out of fold, on the same windows.

    Every window is tested once under each of them, by a model that was trained
    on as many windows; only what stands on both sides is different. Under
    `artist`, windows of unknown artists are trained on and never tested, and
    differences leave them out.

    Parameters
    ----------
    estimators : dict of str to (estimator, X)
        Each with what it takes, a row a window.
    windows : pd.DataFrame
        The rows.
    corpus : Corpus
        Where the artists are known.
    protocols : sequence of str
        The leaking one first. `fault-filtered` has one division and no folds, and
        stands beside the others for its score alone.
    folds : int
        From 3 on.
    seed : int
        Of the splits.

    Returns
    -------
    Audit
        Evaluations by model and protocol, and which protocols were refused.

    Raises
    ------
    SplitError
        If fewer than two protocols with folds can be honoured.
    """
    unknown = [name for name in protocols if name not in PROTOCOLS]
    if unknown:
        raise SplitError(
            f"there is no protocol {unknown[0]!r}; choose among {', '.join(PROTOCOLS)}."
        )
    if not estimators:
        raise SplitError("an audit needs a model; name at least one estimator with its data.")
    splits: dict[str, Split] = {}
    refused = {}
    for protocol in protocols:
        number = 1 if protocol == "fault-filtered" else folds
        try:
            made = _quietly(windows, corpus, protocol=protocol, folds=number, seed=seed)
            _refuse_unequal(made, protocol)
            splits[protocol] = made
        except SplitError as error:
            refused[protocol] = str(error)
    if sum(len(one) > 1 for one in splits.values()) < 2:
        raise SplitError(
            f"{corpus.root}: an audit needs two protocols and 3 folds or more; of "
            f"{', '.join(protocols)} with {folds} folds this corpus can honour "
            f"{', '.join(splits) or 'none'}; {next(iter(refused.values()), 'name more of them.')}"
        )
    return Audit(
        {
            name: {key: evaluate(estimator, X, windows, own) for key, own in splits.items()}
            for name, (estimator, X) in estimators.items()
        },
        refused,
    )


class Reshuffle(NamedTuple):
    """What a net scores that was trained once, depending on what is called the test part.

    Attributes
    ----------
    train, valid, test : Score
        Windows of the parts that were saved with it.
    unseen : Score
        Windows of tracks that were kept away from it altogether.
    reshuffled : Score
        A new test part of the same size, drawn from all three: the mean over all
        draws, with the range of 95 % of them.
    predicted : float
        What the first three say the reshuffled score must be on average.
    """

    train: Score
    valid: Score
    test: Score
    unseen: Score
    reshuffled: Score
    predicted: float

    @property
    def parts(self) -> dict[str, Score]:
        """The scores, by what was tested, the highest first as a rule."""
        return {
            "what it was trained on": self.train,
            "test part drawn anew": self.reshuffled,
            "test part as saved": self.test,
            "validation part": self.valid,
            "tracks it never saw": self.unseen,
        }

    @property
    def frame(self) -> pd.DataFrame:
        """The scores as a table, in per cent."""
        rows = {
            name: [*(100 * bound for bound in score[:3]), score.n, score.interval]
            for name, score in self.parts.items()
        }
        columns = ["windows recognised (%)", "low", "high", "windows", "interval"]
        return pd.DataFrame.from_dict(rows, "index", columns=columns)


def reshuffle(
    estimator: Any,
    X: np.ndarray,
    windows: pd.DataFrame,
    corpus: Corpus,
    *,
    aside: float = 0.2,
    draws: int = 2000,
    seed: int = 42,
) -> Reshuffle:
    """Train once by window, then draw the test part anew, as if its indices were lost.

    Parameters
    ----------
    estimator : scikit-learn classifier
        Is cloned and trained on 70 % of the windows of most tracks.
    X : np.ndarray [shape=(windows, ...)]
        What it takes.
    windows : pd.DataFrame
        The rows.
    corpus : Corpus
        Where they are from.
    aside : float
        Share of the tracks that are kept away altogether.
    draws : int
        How often the test part is drawn anew.
    seed : int
        Of everything.

    Returns
    -------
    Reshuffle
        The scores of windows.
    """
    away = _kept_away(windows, aside, seed)
    pool = np.flatnonzero(~away)
    fold = _quietly(windows.iloc[pool], corpus, protocol="window", seed=seed).folds[0]
    y = windows["genre"].to_numpy(dtype=str)
    fitted = clone(estimator)
    extra = {}
    if has_fit_parameter(fitted, "valid"):
        extra["valid"] = (X[pool[fold.valid]], y[pool[fold.valid]])
    fitted.fit(X[pool[fold.train]], y[pool[fold.train]], **extra)
    right = fitted.predict(X) == y
    groups = windows["track_id"].to_numpy(dtype=str)
    scores = {
        name: _share(right[rows], groups[rows])
        for name, rows in [
            *((part, pool[getattr(fold, part)]) for part in ("train", "valid", "test")),
            ("unseen", np.flatnonzero(away)),
        ]
    }
    rng = np.random.default_rng(seed)
    size = len(fold.test)
    means = np.array([right[rng.choice(pool, size, replace=False)].mean() for _ in range(draws)])
    low, high = np.percentile(means, [2.5, 97.5])
    drawn = Score(float(means.mean()), float(low), float(high), size, "95 % of the draws")
    predicted = sum(
        scores[part].value * len(getattr(fold, part)) for part in ("train", "valid", "test")
    ) / len(pool)
    return Reshuffle(**scores, reshuffled=drawn, predicted=float(predicted))


def _quietly(windows: pd.DataFrame, corpus: Corpus, **settings: Any) -> Split:
    """Split without the warning of the leak, which is what this is about."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", GtzanWarning)
        return split(windows, corpus, **settings)


def _refuse_unequal(made: Split, protocol: str) -> None:
    """Refuse a division, such as the published one of a part of GTZAN, that lacks a genre."""
    genres = made.table["genre"].to_numpy(dtype=str)
    for fold in made:
        absent = {*genres[fold.valid], *genres[fold.test]} - set(genres[fold.train])
        if absent:
            raise SplitError(
                f"its training part has nothing of genre {str(min(absent))!r}, which is to be "
                f"recognised; open a larger corpus, or leave {protocol!r} out."
            )


def _kept_away(windows: pd.DataFrame, aside: float, seed: int) -> np.ndarray:
    """Choose whole tracks of every genre; tell which windows are theirs."""
    tracks = windows.drop_duplicates("track_id")
    rng = np.random.default_rng(seed)
    chosen: set[str] = set()
    for genre, own in tracks.groupby("genre")["track_id"]:
        order = rng.permutation(np.sort(own.to_numpy(dtype=str)))
        number = max(1, round(aside * len(order)))
        if number >= len(order):
            raise SplitError(
                f"genre {genre!r} would have none of its {len(order)} tracks left to train on; "
                "keep a smaller share away, or leave the genre out."
            )
        chosen |= set(order[:number])
    return windows["track_id"].isin(chosen).to_numpy()


def _share(right: np.ndarray, tracks: np.ndarray) -> Score:
    bounds = bootstrap_interval(right, tracks)
    return Score(float(right.mean()), *bounds, len(right), "bootstrap over tracks")


def _answers(evaluation: Evaluation, unit: str) -> pd.DataFrame:
    """Return ids, genre, artist and right or wrong of what was tested."""
    table = evaluation.tracks.reset_index() if unit == "track" else evaluation.windows
    answers = evaluation.answers(unit)
    ids = dict.fromkeys((f"{unit}_id", "track_id", "genre", "artist"))
    right, group = answers["right"].to_numpy(), answers["group"].to_numpy()
    return table[list(ids)].assign(right=right, group=group)


def _two_levels(table: pd.DataFrame) -> pd.DataFrame:
    """Turn pairs in the index into two levels."""
    second = "protocol" if "tracks" in table else "step"
    table.index = pd.MultiIndex.from_tuples(table.index, names=["model", second])
    return table
