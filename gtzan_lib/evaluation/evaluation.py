"""The predictions of an estimator for data it was not trained on, and their scores."""

from __future__ import annotations

import dataclasses
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats
from sklearn.metrics import f1_score

from ..data.splits import PART_NAMES, DataSplit
from ..stats import (
    Score,
    bootstrap_score,
    calibration_error,
    independent_groups,
    wilson_interval,
    wilson_score,
)
from .aggregate import aggregate_groups

__all__ = ["Evaluation"]


@dataclasses.dataclass(frozen=True, eq=False)
class Evaluation:
    """Predictions for windows that an estimator was not trained on.

    Attributes
    ----------
    windows : pd.DataFrame
        One row per scored window: `window_id`, `track_id`, `genre`, `artist`,
        `fold`, and a column of probabilities for every genre.
    genres : list of str
        The columns of probabilities.
    train_accuracy : float
        Share of correct predictions for training windows, mean over folds.
    estimators : list
        The fitted estimator of each fold.
    split : DataSplit
        The training, validation and test parts.
    unconverged : int
        Number of folds in which the estimator warned that it did not converge.
    aggregation : str
        How the windows of a track are combined, one of
        `gtzan_lib.evaluation.aggregate.AGGREGATION_METHODS`.
    part : {"test", "valid"}
        The part of every fold that was scored.
    chose_epoch : bool
        Whether the scored part also chose the epoch, by early stopping.

    See Also
    --------
    gtzan_lib.evaluation.summary : The result in sentences.
    """

    windows: pd.DataFrame
    genres: list[str]
    train_accuracy: float
    estimators: list[Any]
    split: DataSplit
    unconverged: int = 0
    aggregation: str = "mean"
    part: str = "test"
    chose_epoch: bool = False

    def __repr__(self) -> str:
        kind = f"{self.scored_part}, protocol {self.split.protocol!r}"
        return f"Evaluation(tracks {self.accuracy()}, {kind})"

    @property
    def scored_part(self) -> str:
        """What was scored, for captions: `validation part` or `test part`, one or several."""
        name = PART_NAMES[self.part]
        return name if len(self.split) == 1 else f"{name}s of {len(self.split)} folds"

    @cached_property
    def tracks(self) -> pd.DataFrame:
        """One row per tested track: genre, artist, predicted genre and probabilities."""
        first = self.windows.groupby("track_id", sort=False)[["genre", "artist"]].first()
        track_ids, probabilities = aggregate_groups(
            self.windows[self.genres].to_numpy(),
            self.windows["track_id"].to_numpy(),
            self.aggregation,
        )
        table = first.join(pd.DataFrame(probabilities, track_ids, self.genres))
        table.insert(2, "predicted", table[self.genres].idxmax(axis=1))
        return table

    def _table(self, unit: str) -> pd.DataFrame:
        return self.tracks.reset_index() if unit == "track" else self.windows

    def predictions(self, unit: str = "track") -> pd.DataFrame:
        """Return the true and the predicted genre of every tested track or window.

        Parameters
        ----------
        unit : {"track", "window"}
            What is counted.

        Returns
        -------
        pd.DataFrame
            `track_id`, `window_id` if windows are counted, `genre`, `artist`,
            `predicted`, `correct`, and `group`: the artist, or the track if the
            artist is unknown. Predictions of one group depend on each other.
        """
        table = self._table(unit)
        predicted = table[self.genres].idxmax(axis=1)
        ids = [name for name in (f"{unit}_id", "track_id") if name in table]
        return table[list(dict.fromkeys([*ids, "genre", "artist"]))].assign(
            predicted=predicted,
            correct=(table["genre"] == predicted).to_numpy(),
            group=independent_groups(table["artist"], table["track_id"]),
        )

    def bootstrap_accuracy(self, unit: str = "track") -> Score:
        """Return the share of correct predictions, with a bootstrap whatever the unit is."""
        predictions = self.predictions(unit)
        return self._bootstrap(predictions["correct"].to_numpy(), predictions["group"])

    def accuracy(self, unit: str = "track") -> Score:
        """Return the share of correct predictions, with its interval.

        Parameters
        ----------
        unit : {"track", "window"}
            What is counted. Papers compare tracks.

        Returns
        -------
        Score
            With Wilson's interval for the tracks of a single part, else
            with a bootstrap over artists (over tracks if they are unknown).
        """
        predictions = self.predictions(unit)
        return self._score(predictions["correct"].to_numpy(), predictions["group"], unit)

    def _score(self, correct: np.ndarray, groups: pd.Series, unit: str) -> Score:
        """Return the share of correct predictions, with its interval."""
        if unit == "track" and len(self.split) == 1:
            return wilson_score(correct)
        return self._bootstrap(correct, groups)

    def _bootstrap(self, correct: np.ndarray, groups: pd.Series) -> Score:
        return bootstrap_score(correct, groups.to_numpy(), self.grouped_by)

    @property
    def grouped_by(self) -> str:
        """Unit that the bootstrap draws: `artists`, or `tracks` if no artist is known."""
        return "artists" if (self.windows["artist"] != "").any() else "tracks"

    def confusion_matrix(self, unit: str = "track") -> pd.DataFrame:
        """Count predictions by true genre (rows) and predicted genre (columns)."""
        predictions = self.predictions(unit)
        table = pd.crosstab(predictions["genre"], predictions["predicted"])
        return table.reindex(index=self.genres, columns=self.genres, fill_value=0)

    def per_genre(self, unit: str = "track") -> pd.DataFrame:
        """Return recall with Wilson's interval, precision and F1 of every genre."""
        counts = self.confusion_matrix(unit)
        correct, true = np.diag(counts), counts.sum(axis=1).to_numpy()
        bounds = [wilson_interval(k, n) for k, n in zip(correct, true, strict=True)]
        predicted = counts.sum(axis=0).to_numpy()
        precision = np.full(len(correct), np.nan)
        np.divide(correct, predicted, out=precision, where=predicted > 0)
        return pd.DataFrame(
            {
                "recall": correct / np.maximum(true, 1),
                "low": [low for low, _ in bounds],
                "high": [high for _, high in bounds],
                "precision": precision,
                "f1": 2 * correct / np.maximum(true + predicted, 1),
                "n": true,
            },
            index=counts.index,
        )

    def macro_f1(self, unit: str = "track") -> float:
        """Return the mean over genres of F1, the harmonic mean of recall and precision."""
        predictions = self.predictions(unit)
        return float(
            f1_score(
                predictions["genre"], predictions["predicted"], average="macro", zero_division=0
            )
        )

    def top_k_accuracy(self, k: int = 2, unit: str = "track") -> Score:
        """Return how often the true genre is among the k most probable genres.

        Parameters
        ----------
        k : int
            Number of genres that count as predicted.
        unit : {"track", "window"}
            What is counted.

        Returns
        -------
        Score
            With the same kind of interval as `accuracy`.
        """
        table = self._table(unit)
        of_truth = self._probability_of(table, table["genre"])
        # A tie counts as correct only if all tied genres are among the k.
        correct = (table[self.genres].to_numpy() >= of_truth[:, None]).sum(axis=1) <= k
        return self._score(correct, self.predictions(unit)["group"], unit)

    def calibration(self, *, bins: int = 10, unit: str = "track") -> pd.DataFrame:
        """Compare the confidence of predictions with their accuracy.

        Parameters
        ----------
        bins : int
            Number of bins of equal width from 0 to 1, by the probability of the
            predicted genre.
        unit : {"track", "window"}
            What is counted.

        Returns
        -------
        pd.DataFrame
            One row per bin that has predictions: mean `confidence`, `accuracy`
            with Wilson's interval `low` and `high`, and `n`.

        References
        ----------
        C. Guo, G. Pleiss, Y. Sun and K. Weinberger, "On calibration of modern
        neural networks", ICML 2017, section 2.
        """
        predictions = self.predictions(unit)
        confidence = self._probability_of(self._table(unit), predictions["predicted"])
        bin_of = np.minimum((confidence * bins).astype(int), bins - 1)
        correct = predictions["correct"].to_numpy()
        rows = []
        for number in np.unique(bin_of):
            in_bin = bin_of == number
            score = wilson_score(correct[in_bin])
            rows.append((confidence[in_bin].mean(), score.value, score.low, score.high, score.n))
        return pd.DataFrame(rows, columns=["confidence", "accuracy", "low", "high", "n"])

    def calibration_error(self, unit: str = "track") -> float:
        """Return the expected calibration error over ten bins."""
        predictions = self.predictions(unit)
        confidence = self._probability_of(self._table(unit), predictions["predicted"])
        return calibration_error(confidence, predictions["correct"].to_numpy())

    def _probability_of(self, table: pd.DataFrame, genres: pd.Series) -> np.ndarray:
        columns = pd.Index(self.genres).get_indexer(genres.to_numpy(dtype=object))
        return table[self.genres].to_numpy()[np.arange(len(table)), columns]

    @property
    def baseline(self) -> float:
        """Share of the most frequent genre among the tested tracks: the baseline."""
        return float(self.tracks["genre"].value_counts(normalize=True).iloc[0])

    @property
    def p_value(self) -> float:
        """Probability of at least as many correct tracks when always guessing one genre."""
        correct = self.predictions()["correct"]
        test = stats.binomtest(
            int(correct.sum()), len(correct), self.baseline, alternative="greater"
        )
        return float(test.pvalue)
