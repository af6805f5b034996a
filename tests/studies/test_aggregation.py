"""Aggregation methods are compared on the same window probabilities."""

import dataclasses

import numpy as np
import pytest
from sklearn.neighbors import KNeighborsClassifier

from gtzan_lib.data.splits import split
from gtzan_lib.evaluation.aggregate import AGGREGATION_METHODS
from gtzan_lib.evaluation.comparison import difference
from gtzan_lib.evaluation.evaluate import evaluate
from gtzan_lib.studies.aggregation import compare_aggregations


@pytest.fixture(scope="module")
def evaluation(toy_corpus):
    corpus, windows, _, features = toy_corpus
    divided = split(windows, corpus, folds=3)
    return evaluate(KNeighborsClassifier(5), features, windows, divided)


def test_every_method_of_every_model(evaluation):
    table = compare_aggregations({"k-NN": evaluation, "again": evaluation})
    assert table.index.names == ["model", "method"]
    assert list(table.index) == [(m, a) for m in ("k-NN", "again") for a in AGGREGATION_METHODS]
    assert (table["n"] == 60).all()
    assert table.loc["k-NN"].equals(table.loc["again"])


def test_numbers_are_those_of_the_evaluation(evaluation):
    table = compare_aggregations({"k-NN": evaluation}).loc["k-NN"]
    for method in AGGREGATION_METHODS:
        other = dataclasses.replace(evaluation, aggregation=method)
        assert table.at[method, "accuracy"] == other.accuracy().value
        change = difference(other, evaluation)
        assert tuple(table.loc[method, ["difference", "low", "high"]]) == change[:3]
    assert tuple(table.loc["mean", ["difference", "low", "high"]]) == (0, 0, 0)
    assert np.ptp(table["accuracy"]) > 0, "the methods differ on these data"
