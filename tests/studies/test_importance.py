"""Permutation importance: of features that a model needs, of others, and of correlated ones."""

import dataclasses

import numpy as np
import pytest
from sklearn.neighbors import KNeighborsClassifier
from sklearn.tree import DecisionTreeClassifier

from gtzan_lib.data.splits import split
from gtzan_lib.data.tables import FEATURE_NAMES
from gtzan_lib.data.windows import window_table
from gtzan_lib.errors import ModelError
from gtzan_lib.evaluation.evaluate import evaluate
from gtzan_lib.studies.importance import feature_groups, permutation_importance

GROUPS = {"genre": np.array([0]), "noise": np.array([1])}


@pytest.fixture(scope="module")
def music(paper_corpus):
    """Four genres of six artists, split by artist, and a feature that is the genre's number."""
    genres = ("blues", "jazz", "metal", "rock")
    corpus = paper_corpus((g, f"{g} {a}", 9.0) for g in genres for a in range(6) for _ in "xy")
    table = window_table(corpus)
    number = np.array([genres.index(genre) for genre in table["genre"]], dtype=float)
    return table, split(table, corpus, folds=3), number


def scores_of(model, music, columns, groups, **options):
    table, divided, _ = music
    X = np.column_stack(columns)
    return permutation_importance(evaluate(model, X, table, divided), X, groups, **options)


@pytest.fixture(scope="module")
def noise(music):
    return np.random.default_rng(1).normal(size=len(music[0]))


def test_only_the_feature_that_the_model_needs_is_important(music, noise):
    scores = scores_of(DecisionTreeClassifier(), music, [music[2], noise], GROUPS)
    assert scores.index.tolist() == ["genre", "noise"]
    # The model is always correct; by chance, a shuffled genre is right in a quarter.
    assert scores.at["genre", "loss"] == pytest.approx(0.75, abs=0.05)
    assert scores.at["genre", "low"] > 0.6
    assert scores.loc["noise", ["loss", "low", "high"]].tolist() == [0, 0, 0]
    assert scores["features"].tolist() == [1, 1]


def test_correlated_features_are_important_together_only(music):
    """Each of two equal features is enough for a model that looks at both."""
    columns = [music[2], music[2], music[2]]
    model = KNeighborsClassifier(1)
    single = scores_of(model, music, columns, {"first": np.array([0])})
    together = scores_of(model, music, columns, {"all": np.array([0, 1, 2])})
    assert single["loss"].iloc[0] < 0.5 * together["loss"].iloc[0]


def test_interval_contains_the_loss_and_repeats_are_reproducible(music, noise):
    columns = [music[2] + noise, noise]
    first, second = (
        scores_of(KNeighborsClassifier(3), music, columns, GROUPS, seed=4) for _ in range(2)
    )
    assert (first["low"] <= first["loss"]).all()
    assert (first["loss"] <= first["high"]).all()
    assert first.equals(second)


def test_features_are_left_as_they_are(music, noise):
    table, divided, number = music
    X = np.column_stack([number, noise])
    before = X.copy()
    permutation_importance(evaluate(DecisionTreeClassifier(), X, table, divided), X, GROUPS)
    np.testing.assert_array_equal(X, before)


def test_an_evaluation_without_estimators_is_refused(music, noise):
    table, divided, number = music
    X = np.column_stack([number, noise])
    bare = dataclasses.replace(evaluate(DecisionTreeClassifier(), X, table, divided), estimators=[])
    with pytest.raises(ModelError, match=r"no fitted estimators; evaluate the model"):
        permutation_importance(bare, X, GROUPS)


def test_kaggles_features_are_grouped_by_what_they_measure():
    groups = feature_groups(FEATURE_NAMES)
    assert {name: len(columns) for name, columns in groups.items()} == {
        "pitch classes (chroma)": 2,
        "loudness (RMS)": 2,
        "brightness (spectrum)": 8,
        "harmonic and percussive": 4,
        "tempo": 1,
        "timbre (MFCC)": 40,
    }
    assert sorted(np.concatenate(list(groups.values()))) == list(range(len(FEATURE_NAMES)))


def test_other_features_are_grouped_by_their_names():
    groups = feature_groups(["band_mean_000", "band_mean_001", "delta_skewness_000", "x"])
    assert {name: columns.tolist() for name, columns in groups.items()} == {
        "band mean": [0, 1],
        "delta skewness": [2],
        "x": [3],
    }
