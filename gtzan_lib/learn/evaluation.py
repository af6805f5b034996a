"""Scores with intervals, by track and by window."""

from __future__ import annotations

import dataclasses
import warnings
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from scipy import stats
from scipy.special import softmax
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import f1_score
from sklearn.utils.validation import has_fit_parameter

from ..data.splits import Fold, Split
from ..errors import SplitError

__all__ = [
    "Difference",
    "Evaluation",
    "Score",
    "bootstrap_interval",
    "difference",
    "evaluate",
    "resampled_means",
    "wilson_interval",
]

# A net that cannot repeat what it was trained on has not learnt; and a test
# that a coin could pass shows nothing.
LEARNT_TRAIN_ACCURACY = 0.80
LEARNT_P_VALUE = 0.01


class Score(NamedTuple):
    """A share of right answers, with its 95 % interval.

    Attributes
    ----------
    value, low, high : float
        The share and the bounds of its interval, from 0 to 1.
    n : int
        How many answers.
    interval : str
        How the bounds were found.
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


class Difference(NamedTuple):
    """By how much one share of right answers exceeds another, with its 95 % interval.

    Attributes
    ----------
    value, low, high : float
        The difference and the bounds of its interval, from -1 to 1.
    n : int
        How many tracks or windows both answered.
    interval : str
        How the bounds were found.
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


def wilson_interval(right: int, n: int, *, confidence: float = 0.95) -> tuple[float, float]:
    """Interval of a share whose answers are independent.

    Parameters
    ----------
    right, n : int
        Right answers, and all.
    confidence : float
        Of the interval.

    Returns
    -------
    low, high : float
        Bounds by Wilson's score method.

    References
    ----------
    E. B. Wilson, "Probable inference, the law of succession, and statistical
    inference", Journal of the American Statistical Association 22, 1927.
    """
    bounds = stats.binomtest(int(right), int(n)).proportion_ci(confidence, method="wilson")
    return float(bounds.low), float(bounds.high)


def bootstrap_interval(
    values: np.ndarray,
    groups: np.ndarray,
    *,
    confidence: float = 0.95,
    resamples: int = 4000,
    seed: int = 0,
) -> tuple[float, float]:
    """Interval of a mean whose values come in groups that vary together.

    Whole groups are drawn with replacement, so that ten windows of one track,
    or ten tracks of one artist, do not count as ten independent answers.

    Parameters
    ----------
    values : np.ndarray [shape=(n,)]
        For instance 1 for a right answer and 0 for a wrong one.
    groups : np.ndarray [shape=(n,)]
        The group of each value: its artist, or its track.
    confidence : float
        Of the interval.
    resamples : int
        How many draws.
    seed : int
        Of the draws.

    Returns
    -------
    low, high : float
        Percentiles of the resampled means.
    """
    means = resampled_means(np.asarray(values)[:, None], groups, resamples=resamples, seed=seed)
    tail = 100 * (1 - confidence) / 2
    low, high = np.percentile(means, [tail, 100 - tail])
    return float(low), float(high)


def resampled_means(
    values: np.ndarray, groups: np.ndarray, *, resamples: int = 4000, seed: int = 0
) -> np.ndarray:
    """Draw whole groups with replacement, and take the means of what was drawn.

    Whatever is computed from the columns of one draw belongs together, so that
    intervals of differences, or of the best of several, are paired.

    Parameters
    ----------
    values : np.ndarray [shape=(n, columns)]
        For instance which windows (rows) which models (columns) answered right.
    groups : np.ndarray [shape=(n,)]
        The group of each row: its artist, or its track.
    resamples : int
        How many draws.
    seed : int
        Of the draws.

    Returns
    -------
    np.ndarray [shape=(resamples, columns)]
        Means.
    """
    _, group = np.unique(np.asarray(groups, dtype=str), return_inverse=True)
    sizes = np.bincount(group)
    totals = np.zeros((len(sizes), values.shape[1]))
    np.add.at(totals, group, values)
    drawn = np.random.default_rng(seed).integers(len(sizes), size=(resamples, len(sizes)))
    # How often each group was drawn, draw by draw.
    places = drawn + len(sizes) * np.arange(resamples)[:, None]
    times = np.bincount(places.ravel(), minlength=resamples * len(sizes))
    times = times.reshape(resamples, len(sizes))
    return (times @ totals) / (times @ sizes)[:, None]


@dataclasses.dataclass(frozen=True, eq=False)
class Evaluation:
    """What an estimator answered about windows it was not trained on.

    Attributes
    ----------
    windows : pd.DataFrame
        One row a tested window: `window_id`, `track_id`, `genre`, `artist`,
        `fold`, and a column of probabilities for every genre.
    genres : list of str
        The columns of probabilities.
    train_accuracy : float
        Share of right answers about training windows, mean over folds.
    estimators : list
        The fitted estimator of each fold.
    split : Split
        What was trained and tested on.
    unconverged : int
        Folds in which the estimator warned that it did not converge.
    """

    windows: pd.DataFrame
    genres: list[str]
    train_accuracy: float
    estimators: list[Any]
    split: Split
    unconverged: int = 0

    def __repr__(self) -> str:
        return f"Evaluation(tracks {self.accuracy()}, protocol {self.split.protocol!r})"

    def _repr_markdown_(self) -> str:
        """Tell the outcome in sentences, as pages show it."""
        kind = "one test part" if len(self.split) == 1 else f"{len(self.split)} folds"
        lines = [
            f"**Track accuracy: {self.accuracy()}.** Split by {self.split.protocol}, {kind}; "
            f"chance is {100 * self.chance:.1f} %. Of single windows, "
            f"{self.accuracy('window')} are right; of the training windows, "
            f"{100 * self.train_accuracy:.1f} %."
        ]
        lines += [f"> **Doubtful.** {doubt}" for doubt in self.doubts]
        return "\n\n".join(lines)

    @property
    def answer(self) -> str:
        """The outcome in one or two sentences, doubts included."""
        outcome = f"{self.accuracy()}, split by {self.split.protocol}."
        return " ".join([outcome, *self.doubts])

    @cached_property
    def tracks(self) -> pd.DataFrame:
        """One row a tested track: the mean of its windows' probabilities decides."""
        by_track = self.windows.groupby("track_id", sort=False)
        table = by_track[["genre", "artist"]].first().join(by_track[self.genres].mean())
        table.insert(2, "predicted", table[self.genres].idxmax(axis=1))
        return table

    def answers(self, unit: str = "track") -> pd.DataFrame:
        """Return truth, answer and group of every tested track or window.

        Parameters
        ----------
        unit : {"track", "window"}
            What is counted.

        Returns
        -------
        pd.DataFrame
            `genre`, `predicted`, `right`, and `group`: what varies together.
        """
        if unit == "track":
            table = self.tracks.reset_index()
        else:
            table = self.windows.assign(predicted=self.windows[self.genres].idxmax(axis=1))
        return pd.DataFrame(
            {
                "genre": table["genre"],
                "predicted": table["predicted"],
                "right": table["genre"] == table["predicted"],
                "group": table["artist"].where(table["artist"] != "", table["track_id"]),
            }
        )

    def accuracy(self, unit: str = "track") -> Score:
        """Return the share of right answers, with its interval.

        Parameters
        ----------
        unit : {"track", "window"}
            What is counted. Papers compare tracks.

        Returns
        -------
        Score
            With Wilson's interval for the tracks of a single test part, else
            with a bootstrap over artists (over tracks where they are unknown).
        """
        return self._score(self.answers(unit)["right"].to_numpy(), unit)

    def _score(self, right: np.ndarray, unit: str) -> Score:
        """Return the share of what is right, with its interval."""
        if unit == "track" and len(self.split) == 1:
            bounds, interval = wilson_interval(right.sum(), len(right)), "wilson"
        else:
            bounds = bootstrap_interval(right, self.answers(unit)["group"].to_numpy())
            interval = f"bootstrap over {self.grouped_by}"
        return Score(float(right.mean()), *bounds, len(right), interval)

    @property
    def grouped_by(self) -> str:
        """What varies together: `artists`, or `tracks` where none is known."""
        return "artists" if (self.windows["artist"] != "").any() else "tracks"

    def confusion(self, unit: str = "track") -> pd.DataFrame:
        """Count answers by true genre (rows) and answered genre (columns)."""
        answers = self.answers(unit)
        table = pd.crosstab(answers["genre"], answers["predicted"])
        return table.reindex(index=self.genres, columns=self.genres, fill_value=0)

    def per_genre(self, unit: str = "track") -> pd.DataFrame:
        """Return recall with Wilson's interval, and precision, of every genre."""
        counts = self.confusion(unit)
        right, asked = np.diag(counts), counts.sum(axis=1).to_numpy()
        bounds = [
            wilson_interval(r, n) if n else (np.nan, np.nan)
            for r, n in zip(right, asked, strict=True)
        ]
        answered = counts.sum(axis=0).to_numpy()
        return pd.DataFrame(
            {
                "recall": right / np.maximum(asked, 1),
                "low": [low for low, _ in bounds],
                "high": [high for _, high in bounds],
                "precision": np.divide(
                    right, answered, out=np.full(len(right), np.nan), where=answered > 0
                ),
                "n": asked,
            },
            index=counts.index,
        )

    def macro_f1(self, unit: str = "track") -> float:
        """Return the mean over genres of the harmonic mean of recall and precision."""
        answers = self.answers(unit)
        return float(
            f1_score(answers["genre"], answers["predicted"], average="macro", zero_division=0)
        )

    def top(self, k: int = 2, unit: str = "track") -> Score:
        """Return how often the true genre is among the most probable ones.

        Parameters
        ----------
        k : int
            How many answers are allowed.
        unit : {"track", "window"}
            What is counted.

        Returns
        -------
        Score
            With an interval as of `accuracy`.
        """
        table = self.tracks if unit == "track" else self.windows
        own = self._probability_of(table, table["genre"])
        # A tie counts as right only if there is room for all that are tied.
        right = (table[self.genres].to_numpy() >= own[:, None]).sum(axis=1) <= k
        return self._score(right, unit)

    def calibration(self, *, bins: int = 10, unit: str = "track") -> pd.DataFrame:
        """Compare how sure the answers are with how often they are right.

        Parameters
        ----------
        bins : int
            Steps of equal width from 0 to 1, by the probability of the answer.
        unit : {"track", "window"}
            What is counted.

        Returns
        -------
        pd.DataFrame
            One row a step that has answers: mean `confidence`, `accuracy` with
            Wilson's interval `low` and `high`, and `n`.

        References
        ----------
        C. Guo, G. Pleiss, Y. Sun and K. Weinberger, "On calibration of modern
        neural networks", ICML 2017, section 2.
        """
        answers = self.answers(unit)
        table = self.tracks if unit == "track" else self.windows
        sure = self._probability_of(table, answers["predicted"])
        step = np.minimum((sure * bins).astype(int), bins - 1)
        right = answers["right"].to_numpy()
        rows = []
        for number in np.unique(step):
            own = step == number
            low, high = wilson_interval(right[own].sum(), own.sum())
            rows.append((sure[own].mean(), right[own].mean(), low, high, int(own.sum())))
        return pd.DataFrame(rows, columns=["confidence", "accuracy", "low", "high", "n"])

    def calibration_error(self, unit: str = "track") -> float:
        """Return the mean distance of confidence from accuracy, over ten steps."""
        table = self.calibration(unit=unit)
        gap = (table["confidence"] - table["accuracy"]).abs()
        return float(np.average(gap, weights=table["n"]))

    def _probability_of(self, table: pd.DataFrame, genres: pd.Series) -> np.ndarray:
        columns = pd.Index(self.genres).get_indexer(genres.to_numpy(dtype=object))
        return table[self.genres].to_numpy()[np.arange(len(table)), columns]

    @property
    def chance(self) -> float:
        """Share of the most frequent genre among the tested tracks."""
        return float(self.tracks["genre"].value_counts(normalize=True).iloc[0])

    @property
    def p_value(self) -> float:
        """Probability of at least as many right tracks for one who always guesses."""
        right = self.answers()["right"]
        test = stats.binomtest(int(right.sum()), len(right), self.chance, alternative="greater")
        return float(test.pvalue)

    @property
    def doubts(self) -> list[str]:
        """Sentences that a page must show if the estimator did not learn."""
        found = []
        if self.train_accuracy < LEARNT_TRAIN_ACCURACY:
            found.append(
                f"It answers only {100 * self.train_accuracy:.0f} % of its own training windows "
                "right: it has not learnt them, and its test score is no verdict on the method."
            )
        if self.p_value >= LEARNT_P_VALUE:
            found.append(
                f"Its test score is not better than chance (p = {self.p_value:.2g}): "
                "nothing can be concluded from it."
            )
        if self.unconverged:
            found.append(
                f"Its training was stopped before it converged in {self.unconverged} of "
                f"{len(self.split)} folds; with more iterations it may score differently."
            )
        return found

    def metrics(self) -> dict[str, Any]:
        """Return all scores in plain numbers, as a record keeps them."""
        return {
            **{
                unit: {
                    **self.accuracy(unit)._asdict(),
                    "macro_f1": self.macro_f1(unit),
                    "top2": self.top(2, unit).value,
                    "calibration_error": self.calibration_error(unit),
                }
                for unit in ("track", "window")
            },
            "train_accuracy": self.train_accuracy,
            "chance": self.chance,
            "p_value": self.p_value,
            "unconverged": self.unconverged,
            "per_genre": self.per_genre()["recall"].to_dict(),
            "confusion": {
                genre: row[row > 0].to_dict() for genre, row in self.confusion().iterrows()
            },
        }


def evaluate(estimator: Any, X: Any, windows: pd.DataFrame, split: Split) -> Evaluation:
    """Fit and test an estimator on every fold of a split.

    Parameters
    ----------
    estimator : scikit-learn classifier
        Is cloned for each fold. If its `fit` takes `valid`, it is given the
        validation part; other estimators do without. Where there is no
        `predict_proba`, the softmax of `decision_function` stands for
        probabilities: it ranks genres, and is not calibrated.
    X : np.ndarray [shape=(windows, ...)], or dict of such arrays
        Images or features, one row a window. A dict is for estimators with
        several inputs.
    windows : pd.DataFrame
        The rows of `X`: `window_id`, `genre`. A store's `windows`.
    split : Split
        Made from the same windows.

    Returns
    -------
    Evaluation
        The answers about every test part.

    Raises
    ------
    SplitError
        If the split was made from other windows, `X` has more or fewer rows, or a
        genre that is tested is absent from the training part.

    Examples
    --------
    >>> import gtzan_lib as gl
    >>> from sklearn.neighbors import KNeighborsClassifier
    >>> flat = store.images.reshape(len(store), -1)  # doctest: +SKIP
    >>> gl.evaluate(KNeighborsClassifier(), flat, store.windows, split)  # doctest: +SKIP
    """
    if not np.array_equal(windows["window_id"].to_numpy(), split.table["window_id"].to_numpy()):
        raise SplitError(
            "the split was made from other windows than these; make it from the same table, "
            "gl.split(store.windows, corpus, ...)."
        )
    for rows in X.values() if isinstance(X, dict) else [X]:
        if len(rows) != len(windows):
            raise SplitError(
                f"there are {len(rows)} rows of data for {len(windows)} windows; give the rows "
                "that belong to the windows, in their order."
            )
    y = windows["genre"].to_numpy(dtype=str)
    genres = sorted(np.unique(y).tolist())
    takes_valid = has_fit_parameter(estimator, "valid")
    answers, estimators, train_accuracy, unconverged = [], [], [], 0
    for number, fold in enumerate(split):
        _refuse_absent(y, fold, number)
    for number, fold in enumerate(split):
        fitted = clone(estimator)
        train = _rows(X, fold.train)
        valid = {"valid": (_rows(X, fold.valid), y[fold.valid])} if takes_valid else {}
        unconverged += _fit(fitted, train, y[fold.train], valid)
        repeated = fitted.classes_[_probabilities(fitted, train).argmax(axis=1)]
        train_accuracy.append(np.mean(repeated == y[fold.train]))
        probabilities = pd.DataFrame(
            _probabilities(fitted, _rows(X, fold.test)), columns=fitted.classes_, index=fold.test
        )
        rows = split.table.loc[fold.test, ["window_id", "track_id", "genre", "artist"]]
        probabilities = probabilities.reindex(columns=genres, fill_value=0.0).astype(float)
        answers.append(rows.assign(fold=number).join(probabilities))
        estimators.append(fitted)
    table = pd.concat(answers).sort_index(kind="stable").reset_index(drop=True)
    learnt = float(np.mean(train_accuracy))
    return Evaluation(table, genres, learnt, estimators, split, unconverged)


def difference(first: Evaluation, second: Evaluation, unit: str = "track") -> Difference:
    """Compare two estimators, or one under two protocols, on the same tracks.

    Parameters
    ----------
    first, second : Evaluation
        Answers about the same windows. Those that one of them never tests, since
        their artist is unknown, are left out.
    unit : {"track", "window"}
        What is counted.

    Returns
    -------
    Difference
        Accuracy of the first minus that of the second, with a bootstrap over
        artists (over tracks where they are unknown) of the paired answers.

    Raises
    ------
    SplitError
        If they answered about different windows.
    """
    ids = [set(evaluation.windows["window_id"]) for evaluation in (first, second)]
    both = ids[0] & ids[1]
    # Out of fold, a protocol may leave out windows of unknown artists, and nothing else.
    folds = min(len(first.split), len(second.split))
    if not both or (ids[0] != ids[1] and folds < 3):
        raise SplitError(
            "the two were tested on different windows; compare them out of fold, with splits of "
            "the same table and at least 3 folds."
        )
    one, other = (
        dataclasses.replace(e, windows=e.windows[e.windows["window_id"].isin(both)]).answers(unit)
        for e in (first, second)
    )
    gain = one["right"].to_numpy(dtype=float) - other["right"].to_numpy(dtype=float)
    bounds = bootstrap_interval(gain, one["group"].to_numpy())
    return Difference(float(gain.mean()), *bounds, len(gain), f"bootstrap over {first.grouped_by}")


def _refuse_absent(y: np.ndarray, fold: Fold, number: int) -> None:
    absent = sorted(set(y[fold.test]) - set(y[fold.train]))
    if absent:
        raise SplitError(
            f"genre {str(absent[0])!r} is tested in fold {number} and has no window in its "
            "training part; choose another split, or leave the genre out."
        )


def _fit(estimator: Any, X: Any, y: np.ndarray, valid: dict[str, Any]) -> bool:
    """Fit an estimator; tell whether it warned that it did not converge."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ConvergenceWarning)
        estimator.fit(X, y, **valid)
    others = [one for one in caught if not issubclass(one.category, ConvergenceWarning)]
    for one in others:
        warnings.warn_explicit(one.message, one.category, one.filename, one.lineno)
    return len(others) < len(caught)


def _probabilities(estimator: Any, X: Any) -> np.ndarray:
    if hasattr(estimator, "predict_proba"):
        return estimator.predict_proba(X)
    scores = np.asarray(estimator.decision_function(X), dtype=float)
    if scores.ndim == 1:
        scores = np.stack([-scores, scores], axis=1) / 2
    return softmax(scores, axis=1)


def _rows(X: Any, rows: np.ndarray) -> Any:
    if isinstance(X, dict):
        return {name: values[rows] for name, values in X.items()}
    return X[rows]
