"""Comparing the methods by which windows become the prediction for a track."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import pandas as pd

from ..evaluation.aggregate import AGGREGATION_METHODS
from ..evaluation.comparison import difference
from ..evaluation.evaluation import Evaluation

__all__ = ["compare_aggregations"]


def compare_aggregations(evaluations: Mapping[str, Evaluation]) -> pd.DataFrame:
    """Compare all aggregation methods on the same window probabilities.

    Parameters
    ----------
    evaluations : mapping of str to Evaluation
        By the models' names.

    Returns
    -------
    pd.DataFrame
        One row a model and method: track `accuracy`; the `difference` to the
        mean with `low` and `high`, a paired bootstrap over artists; and `n`, the
        number of tracks.

    Notes
    -----
    The book page "Aggregating windows" shows the comparison.
    """
    rows = {}
    for model, evaluation in evaluations.items():
        mean = dataclasses.replace(evaluation, aggregation="mean")
        for method in AGGREGATION_METHODS:
            other = dataclasses.replace(evaluation, aggregation=method)
            score, change = other.accuracy(), difference(other, mean)
            rows[model, method] = (score.value, change.value, change.low, change.high, score.n)
    columns = ["accuracy", "difference", "low", "high", "n"]
    table = pd.DataFrame.from_dict(rows, "index", columns=columns)
    table.index = pd.MultiIndex.from_tuples(table.index, names=["model", "method"])
    return table
