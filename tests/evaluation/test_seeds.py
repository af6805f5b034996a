"""Several seeds: the spread over seeds stands beside the interval over tracks."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.tree import DecisionTreeClassifier

from gtzan_lib.errors import ArrayError, RecordError
from gtzan_lib.evaluation.evaluate import evaluate
from gtzan_lib.evaluation.records import ExperimentRecord
from gtzan_lib.evaluation.seeds import seed_summary, summarise_seeds
from gtzan_lib.stats import bootstrap_score


def artists(n):
    return np.array([f"artist {number}" for number in range(n)])


@given(
    arrays(bool, st.tuples(st.integers(2, 30), st.integers(1, 5)), elements=st.booleans()),
)
def test_mean_and_spread(correct):
    summary = seed_summary(pd.DataFrame(correct), artists(len(correct)))
    accuracies = correct.mean(axis=0)
    assert summary.score.value == pytest.approx(accuracies.mean())
    assert list(summary.accuracies.values()) == pytest.approx(list(accuracies))
    assert summary.score.low <= summary.score.value <= summary.score.high
    if correct.shape[1] > 1:
        assert summary.sd == pytest.approx(np.std(accuracies, ddof=1))
    else:
        assert np.isnan(summary.sd)


def test_more_seeds_do_not_narrow_the_interval_over_tracks():
    one = np.arange(40) % 4 > 0
    equal = pd.DataFrame({seed: one for seed in range(20)})
    assert seed_summary(equal, artists(40)).score == bootstrap_score(one, artists(40))
    assert seed_summary(equal, artists(40)).sd == 0


def test_spread_over_seeds_holds_nothing_of_the_tracks():
    # Each seed has three of four tracks right, but other ones.
    correct = pd.DataFrame({seed: (np.arange(40) + seed) % 4 > 0 for seed in range(4)})
    summary = seed_summary(correct, artists(40))
    assert summary.sd == 0
    assert summary.score.low == summary.score.high == 0.75


def test_text_names_both():
    correct = pd.DataFrame({3: [True, False], 7: [True, True]})
    text = str(seed_summary(correct, artists(2)))
    assert "75.0 %" in text
    assert "2 seeds from 50.0 to 100.0 %, standard deviation 35.4 points" in text


def test_bad_input():
    with pytest.raises(ArrayError):
        seed_summary(pd.DataFrame({0: [True]}), ["artist"])
    with pytest.raises(RecordError, match="1 artists for 2 tracks"):
        seed_summary(pd.DataFrame({0: [True, False]}), artists(1))
    with pytest.raises(RecordError, match="no predictions"):
        seed_summary(pd.DataFrame(), artists(0))


def test_records_that_differ_only_in_the_seed_belong_together(toy_corpus, by_artist, tmp_path):
    corpus, table, _, features = toy_corpus

    def save(name, **parameters):
        tree = DecisionTreeClassifier(max_features=1, random_state=parameters["seed"])
        evaluation = evaluate(tree, features, table, by_artist)
        ExperimentRecord.save(
            evaluation, tmp_path, experiment=name, corpus=corpus, parameters=parameters
        )
        return evaluation.accuracy().value

    found = [save("tree", seed=1, depth=2), save("tree-seed-2", seed=2, depth=2)]
    save("other", seed=3, depth=3)
    summaries = summarise_seeds(tmp_path)
    assert list(summaries) == ["tree"]
    assert summaries["tree"].accuracies == pytest.approx({1: found[0], 2: found[1]})
