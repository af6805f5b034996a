"""The result of an evaluation in sentences."""

import dataclasses

import numpy as np
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.neighbors import KNeighborsClassifier

from gtzan_lib.data.splits import split
from gtzan_lib.evaluation.evaluate import evaluate
from gtzan_lib.evaluation.summary import caveats, headline, summary, versus_chance
from gtzan_lib.stats import wilson_score


@pytest.fixture
def good(toy_corpus, by_artist):
    """An evaluation without caveats."""
    _, table, _, features = toy_corpus
    return evaluate(KNeighborsClassifier(), features, table, by_artist)


def test_result_of_one_test_part(good):
    assert caveats(good) == []
    assert headline(good) == f"{good.accuracy()}, split by artist."
    assert summary(good) == (
        f"**Track accuracy: {good.accuracy()}.** Split by artist, one test part; the baseline, "
        f"always guessing one genre, has {100 * good.baseline:.1f} %. Window accuracy: "
        f"{good.accuracy('window')}. Training accuracy, by window: "
        f"{100 * good.train_accuracy:.1f} %."
    )
    assert "artist" in repr(good)


def test_result_of_cross_validation(toy_corpus):
    corpus, table, _, features = toy_corpus
    divided = split(table, corpus, protocol="track", folds=4)
    evaluation = evaluate(KNeighborsClassifier(), features, table, divided)
    assert "Split by track, 4-fold cross-validation; the baseline" in summary(evaluation)
    assert headline(evaluation).endswith(", split by track.")


@pytest.fixture
def official(official_corpus):
    """An evaluation under the official split, of its validation part."""
    _, table, features, divided = official_corpus
    return evaluate(KNeighborsClassifier(), features, table, divided)


def test_official_split_names_the_scored_part(official):
    assert headline(official) == f"{official.accuracy()}, split by official, validation part."
    assert "Split by official, validation part; the baseline," in summary(official)
    test = dataclasses.replace(official, part="test")
    assert headline(test).endswith(", split by official, test part.")
    assert "Split by official, test part; the baseline," in summary(test)


def test_validation_part_that_chose_the_epoch_is_named(official):
    chosen = dataclasses.replace(official, chose_epoch=True)
    clause = "Split by official, validation part, which also chose the epoch; the baseline,"
    assert clause in summary(chosen)
    assert headline(chosen).endswith("official, validation part, which also chose the epoch.")


def test_caveats_name_the_scored_part(official_corpus):
    _, table, features, divided = official_corpus
    dummy = DummyClassifier(strategy="most_frequent")
    underfitted, chance = caveats(evaluate(dummy, features, table, divided))
    assert "and the validation score says nothing about the method" in underfitted
    assert chance.startswith("The validation score is not better than chance")


def test_underfitted_model_has_caveats(toy_corpus, by_artist):
    _, table, _, features = toy_corpus
    evaluation = evaluate(DummyClassifier(strategy="most_frequent"), features, table, by_artist)
    underfitted, chance = caveats(evaluation)
    assert underfitted.startswith("The training accuracy is only 33 %: the model is underfitted,")
    assert chance.startswith("The test score is not better than chance at the 1 % level (p = ")
    for caveat in (underfitted, chance):
        assert f"\n\n> **Caution.** {caveat}" in summary(evaluation)
        assert caveat in headline(evaluation)


def test_test_score_at_chance_is_a_caveat(toy_corpus, by_artist, rng):
    """Nearest neighbours on noise are correct in training and guess in the test."""
    _, table, _, _ = toy_corpus
    noise = rng.normal(size=(len(table), 3))
    evaluation = evaluate(KNeighborsClassifier(1), noise, table, by_artist)
    assert evaluation.train_accuracy == 1
    (caveat,) = caveats(evaluation)
    assert "not better than chance" in caveat


@pytest.mark.parametrize(("train_accuracy", "count"), [(0.7999, 1), (0.8, 0), (0.81, 0)])
def test_limit_of_the_training_accuracy(good, train_accuracy, count):
    assert len(caveats(dataclasses.replace(good, train_accuracy=train_accuracy))) == count


def test_folds_without_convergence_are_a_caveat(good):
    (caveat,) = caveats(dataclasses.replace(good, unconverged=1))
    assert caveat == (
        "Training stopped before it converged in 1 of 1 folds; with more iterations the score may "
        "differ."
    )


def test_headline_is_one_line(good):
    evaluation = dataclasses.replace(good, unconverged=1, train_accuracy=0.5)
    assert "\n" not in headline(evaluation)
    assert headline(evaluation).count(". ") == 2


# --- chance -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("correct", "n", "verdict"),
    [
        (0, 20, "not better than chance"),
        (2, 20, "not better than chance"),
        # P(6 or more of 20 by chance) = 0.011 and P(7 or more) = 0.002.
        (6, 20, "not better than chance"),
        (7, 20, "better than chance"),
        (20, 20, "better than chance"),
        (1, 1, "not better than chance"),
    ],
)
def test_score_is_compared_with_chance(correct, n, verdict):
    score = wilson_score(np.arange(n) < correct)
    assert versus_chance(score, 0.1) == verdict


def test_comparison_with_chance_agrees_with_the_caveats(toy_corpus, by_artist, good):
    _, table, _, features = toy_corpus
    dummy = evaluate(DummyClassifier(), features, table, by_artist)
    for evaluation in (good, dummy):
        verdict = versus_chance(evaluation.accuracy(), evaluation.baseline)
        warned = any("not better than chance" in caveat for caveat in caveats(evaluation))
        assert verdict.startswith("not") is warned
