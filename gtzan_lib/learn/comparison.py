"""Telling two models apart, and how much more music would help."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from itertools import combinations
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from scipy import stats

from ..data.splits import Split
from ..errors import RecordError, SplitError
from .evaluation import evaluate
from .records import predictions, records_in

__all__ = ["McNemar", "learning_curve", "mcnemar", "paired_tests"]


class McNemar(NamedTuple):
    """Whether two models are right about different tracks by more than luck.

    Attributes
    ----------
    n : int
        Tracks that both answered.
    only_first, only_second : int
        Tracks that one of them alone has right.
    p_value : float
        Probability of so uneven a pair of counts, if both were equally good.
    """

    n: int
    only_first: int
    only_second: int
    p_value: float


def mcnemar(first: pd.DataFrame, second: pd.DataFrame) -> McNemar:
    """Compare the answers of two models by McNemar's exact test.

    Parameters
    ----------
    first, second : pd.DataFrame
        Answers with `genre` and `predicted` by `track_id`: of
        `gtzan_lib.learn.records.predictions`, or `Evaluation.tracks`. Tracks
        that only one of them has are left out.

    Returns
    -------
    McNemar
        Counts and p-value; 1 where both have the same tracks right.

    Raises
    ------
    RecordError
        If they have no track in common, or disagree about a track's genre.

    References
    ----------
    Q. McNemar, "Note on the sampling error of the difference between correlated
    proportions or percentages", Psychometrika 12, 1947.
    """
    both = first.index.intersection(second.index)
    if both.empty:
        raise RecordError(
            "the two experiments tested no track in common; compare experiments with the same "
            "corpus, protocol and seed."
        )
    one, other = first.loc[both], second.loc[both]
    differ = one["genre"].to_numpy() != other["genre"].to_numpy()
    if differ.any():
        raise RecordError(
            f"track {both[differ][0]!r} has another genre in the two experiments; compare "
            "experiments on the same corpus."
        )
    right, also = (
        table["genre"].to_numpy() == table["predicted"].to_numpy() for table in (one, other)
    )
    counts = int((right & ~also).sum()), int((~right & also).sum())
    p_value = stats.binomtest(counts[0], sum(counts)).pvalue if sum(counts) else 1.0
    return McNemar(len(both), *counts, float(p_value))


def paired_tests(folder: str | Path) -> pd.DataFrame:
    """Compare every two experiments of a run by McNemar's test.

    Parameters
    ----------
    folder : str or Path
        A run's `records`.

    Returns
    -------
    pd.DataFrame
        One row a pair with tracks in common: `first`, `second`, the fields of
        `McNemar`, and `p_holm`, the p-value that holds for all pairs together.

    Raises
    ------
    RecordError
        If there is no record, or one is damaged.

    References
    ----------
    S. Holm, "A simple sequentially rejective multiple test procedure",
    Scandinavian Journal of Statistics 6, 1979.
    """
    answers = {file.stem: predictions(file) for file in records_in(folder)}
    rows = [
        (first, second, *mcnemar(answers[first], answers[second]))
        for first, second in combinations(answers, 2)
        if len(answers[first].index.intersection(answers[second].index))
    ]
    table = pd.DataFrame(rows, columns=["first", "second", *McNemar._fields])
    order = table["p_value"].sort_values(kind="stable").index
    raised = table["p_value"].loc[order] * np.arange(len(table), 0, -1)
    table.loc[order, "p_holm"] = raised.cummax().clip(upper=1.0)
    return table


def learning_curve(
    estimator: Any,
    X: Any,
    windows: pd.DataFrame,
    split: Split,
    *,
    shares: Sequence[float] = (0.25, 0.5, 0.75, 1.0),
    seed: int = 0,
) -> pd.DataFrame:
    """Score an estimator that is given only part of the training tracks.

    Parameters
    ----------
    estimator, X, windows, split
        As for `gtzan_lib.learn.evaluation.evaluate`.
    shares : sequence of float
        Shares of the training tracks of every genre, above 0 and up to 1.
        Smaller parts lie within larger ones.
    seed : int
        Of the choice of tracks.

    Returns
    -------
    pd.DataFrame
        One row a share: mean number of training `tracks`, track `accuracy` with
        interval `low` and `high`, and `window_accuracy`.

    Raises
    ------
    SplitError
        If a share is not above 0 and at most 1.
    """
    for share in shares:
        if not 0 < share <= 1:
            raise SplitError(f"share {share} of the training tracks must be above 0, at most 1.")
    rows = []
    for share in shares:
        less = _with_less(split, share, seed)
        evaluation = evaluate(estimator, X, windows, less)
        tracks = np.mean([less.table["track_id"].iloc[fold.train].nunique() for fold in less])
        score = evaluation.accuracy()
        rows.append((tracks, *score[:3], evaluation.accuracy("window").value))
    columns = ["tracks", "accuracy", "low", "high", "window_accuracy"]
    return pd.DataFrame(rows, columns=columns, index=pd.Index(shares, name="share"))


def _with_less(split: Split, share: float, seed: int) -> Split:
    """Leave a part of the training tracks of every genre out of a split."""
    table = split.table.copy()
    for number, fold in enumerate(split):
        train = table.iloc[fold.train].drop_duplicates("track_id")
        rng = np.random.default_rng([seed, number])
        kept: set[str] = set()
        for _, tracks in train.groupby("genre")["track_id"]:
            order = rng.permutation(np.sort(tracks.to_numpy(dtype=str)))
            kept |= set(order[: max(1, round(share * len(order)))])
        out = fold.train[~table["track_id"].iloc[fold.train].isin(kept).to_numpy()]
        table.loc[table.index[out], f"fold_{number}"] = "unused"
    return dataclasses.replace(split, table=table)
