"""Accuracy on a test part that is drawn again after training."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.utils.validation import has_fit_parameter

from ..data.corpus import Corpus
from ..data.splits import quiet_split
from ..errors import SplitError
from ..stats import Score, bootstrap_interval

__all__ = ["PARTS", "ReshuffleResult", "reshuffle"]

PARTS = {
    "train": "training part",
    "reshuffled": "test part drawn again",
    "test": "test part as saved",
    "valid": "validation part",
    "unseen": "tracks not trained on",
}
"""Names of the scored parts by field of `ReshuffleResult`, usually the highest score first."""


class ReshuffleResult(NamedTuple):
    """Window accuracies of one trained net on different choices of a test part.

    Attributes
    ----------
    train, valid, test : Score
        On the parts that were saved with the net.
    unseen : Score
        On tracks that were in none of these parts.
    reshuffled : Score
        On a new test part of the same size, drawn from all three: the mean over
        all draws, with the range of 95 % of them.
    predicted : float
        The expected value of the reshuffled score, from the scores of the parts.
    """

    train: Score
    valid: Score
    test: Score
    unseen: Score
    reshuffled: Score
    predicted: float

    @property
    def parts(self) -> dict[str, Score]:
        """The scores by the name of the tested part."""
        return {name: getattr(self, field) for field, name in PARTS.items()}

    @property
    def frame(self) -> pd.DataFrame:
        """The scores as a table, in per cent."""
        rows = {
            name: [*(100 * bound for bound in score[:3]), score.n, score.interval]
            for name, score in self.parts.items()
        }
        columns = ["window accuracy (%)", "low", "high", "windows", "interval"]
        return pd.DataFrame.from_dict(rows, "index", columns=columns)


def reshuffle(
    estimator: Any,
    X: np.ndarray,
    windows: pd.DataFrame,
    corpus: Corpus,
    *,
    held_out: float = 0.2,
    draws: int = 2000,
    seed: int = 42,
) -> ReshuffleResult:
    """Train once on a split by window, then draw the test part again.

    This is what happens when the indices of a split are not saved.

    Parameters
    ----------
    estimator : scikit-learn classifier
        The classifier, which is cloned and trained on 70 % of the windows that are
        not held out.
    X : np.ndarray [shape=(windows, ...)]
        Inputs of the classifier.
    windows : pd.DataFrame
        The windows of the rows of `X`.
    corpus : Corpus
        The corpus of the windows.
    held_out : float
        Share of the tracks that is in none of the parts.
    draws : int
        Number of test parts that are drawn again.
    seed : int
        Random seed of the split and of all draws.

    Returns
    -------
    ReshuffleResult
        Accuracies by window.

    Raises
    ------
    SplitError
        If a genre has no training track left.
    """
    unseen = _held_out(windows, held_out, seed)
    pool = np.flatnonzero(~unseen)
    fold = quiet_split(windows.iloc[pool], corpus, protocol="window", seed=seed).folds[0]
    y = windows["genre"].to_numpy(dtype=str)
    fitted = clone(estimator)
    fit_parameters = {}
    if has_fit_parameter(fitted, "valid"):
        fit_parameters["valid"] = (X[pool[fold.valid]], y[pool[fold.valid]])
    fitted.fit(X[pool[fold.train]], y[pool[fold.train]], **fit_parameters)
    correct = fitted.predict(X) == y
    groups = windows["track_id"].to_numpy(dtype=str)
    scores = {
        name: _score(correct[rows], groups[rows])
        for name, rows in [
            *((part, pool[getattr(fold, part)]) for part in ("train", "valid", "test")),
            ("unseen", np.flatnonzero(unseen)),
        ]
    }
    rng = np.random.default_rng(seed)
    size = len(fold.test)
    means = np.array([correct[rng.choice(pool, size, replace=False)].mean() for _ in range(draws)])
    low, high = np.percentile(means, [2.5, 97.5])
    drawn = Score(float(means.mean()), float(low), float(high), size, "95 % of the draws")
    predicted = sum(
        scores[part].value * len(getattr(fold, part)) for part in ("train", "valid", "test")
    ) / len(pool)
    return ReshuffleResult(**scores, reshuffled=drawn, predicted=float(predicted))


def _held_out(windows: pd.DataFrame, share: float, seed: int) -> np.ndarray:
    """Choose whole tracks of every genre; return which windows belong to them."""
    tracks = windows.drop_duplicates("track_id")
    rng = np.random.default_rng(seed)
    chosen: set[str] = set()
    for genre, track_ids in tracks.groupby("genre")["track_id"]:
        order = rng.permutation(np.sort(track_ids.to_numpy(dtype=str)))
        number = max(1, round(share * len(order)))
        if number >= len(order):
            raise SplitError(
                f"genre {genre!r} has none of its {len(order)} tracks left for training; hold out "
                "a smaller share, or leave the genre out."
            )
        chosen |= set(order[:number])
    return windows["track_id"].isin(chosen).to_numpy()


def _score(correct: np.ndarray, tracks: np.ndarray) -> Score:
    bounds = bootstrap_interval(correct, tracks)
    return Score(float(correct.mean()), *bounds, len(correct), "bootstrap over tracks")
