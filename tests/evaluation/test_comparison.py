"""Telling models apart: exact where it can be counted, and never looking at the test part."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from sklearn.neighbors import KNeighborsClassifier

from gtzan_lib.data.splits import split
from gtzan_lib.errors import GtzanWarning, RecordError, SplitError
from gtzan_lib.evaluation.comparison import McNemar, learning_curve, mcnemar, paired_tests
from gtzan_lib.evaluation.evaluate import evaluate
from gtzan_lib.evaluation.evaluation import Evaluation
from gtzan_lib.evaluation.records import Record

# --- McNemar ------------------------------------------------------------------


def answers(right, *, start: int = 0) -> pd.DataFrame:
    """Answers about blues and rock in turn, right where told."""
    number = np.arange(start, start + len(right))
    genre = np.where(number % 2, "rock", "blues")
    other = np.where(number % 2, "blues", "rock")
    index = pd.Index([f"t{n:04d}" for n in number], name="track_id")
    return pd.DataFrame({"genre": genre, "predicted": np.where(right, genre, other)}, index)


def pair(both: int, first: int, second: int, neither: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Two models that are right together, alone, or not at all so often."""
    kinds = np.repeat([0, 1, 2, 3], [both, first, second, neither])
    return answers(np.isin(kinds, [0, 1])), answers(np.isin(kinds, [0, 2]))


@pytest.mark.parametrize(
    ("first", "second", "p_value"),
    [
        (0, 0, 1.0),
        (3, 3, 1.0),
        (0, 1, 1.0),
        # Twice the shorter tail of as many tosses of a coin.
        (0, 5, 2 / 32),
        (1, 5, 2 * (1 + 6) / 64),
        (9, 2, 2 * (1 + 11 + 55) / 2048),
    ],
)
def test_mcnemar_by_hand(first, second, p_value):
    found = mcnemar(*pair(4, first, second, 2))
    assert found == McNemar(6 + first + second, first, second, pytest.approx(p_value))


@given(st.integers(0, 30), st.integers(0, 30), st.integers(0, 5), st.integers(0, 5))
def test_mcnemar_is_scipys_binomial_test_and_symmetric(first, second, both, neither):
    if not first + second + both + neither:
        return
    tables = pair(both, first, second, neither)
    found, turned = mcnemar(*tables), mcnemar(*tables[::-1])
    assert turned == (found.n, found.only_second, found.only_first, pytest.approx(found.p_value))
    expected = 1.0
    if first + second:
        expected = min(1.0, 2 * stats.binom.cdf(min(first, second), first + second, 0.5))
    assert found.p_value == pytest.approx(expected)
    assert 0 < found.p_value <= 1


def test_wrong_in_another_way_is_wrong_all_the_same():
    one = answers([False, True])
    assert mcnemar(one, one.assign(predicted=["jazz", "rock"])) == (2, 0, 0, 1.0)


def test_tracks_are_paired_by_their_ids(rng):
    one, other = answers(rng.random(40) < 0.8), answers(rng.random(40) < 0.5)
    expected = mcnemar(one, other)
    assert mcnemar(one.sample(frac=1, random_state=1), other.iloc[::-1]) == expected
    more = pd.concat([answers([True] * 9, start=100), other])
    assert mcnemar(one, more) == expected
    assert mcnemar(more, one)[:3] == (40, expected.only_second, expected.only_first)


def test_no_track_in_common_is_refused():
    with pytest.raises(RecordError, match=r"no track in common; compare .* protocol and seed\.$"):
        mcnemar(answers([True]), answers([True], start=1))


def test_other_genres_are_refused():
    one = answers([True] * 3)
    other = one.assign(genre=["blues", "jazz", "pop"])
    with pytest.raises(RecordError, match=r"track 't0001' has another genre in the two exper"):
        mcnemar(one, other)


# --- every pair of a run ------------------------------------------------------


def holm(p_values: list[float]) -> list[float]:
    """By its definition: each p-value times how many are not below it, and no order is turned."""
    times = [p * sum(q >= p for q in p_values) for p in p_values]
    return [
        min(1.0, max(t for t, q in zip(times, p_values, strict=True) if q <= p)) for p in p_values
    ]


@pytest.fixture
def save(lesson, by_artist, tmp_path):
    """Write the record of a model that is right so often, or about which tracks."""
    corpus, table, _, _ = lesson
    test = by_artist.table.iloc[by_artist.folds[0].test]
    genres = sorted(table["genre"].unique())

    def save(name, right, tracks=slice(None)):
        own = test[test["track_id"].isin(test["track_id"].unique()[tracks])].reset_index(drop=True)
        number = pd.factorize(own["track_id"])[0]
        truth = own["genre"].map(genres.index).to_numpy()
        said = np.where(np.asarray(right)[number], truth, (truth + 1) % 3)
        probabilities = pd.DataFrame(np.eye(3)[said], columns=genres)
        columns = ["window_id", "track_id", "genre", "artist"]
        windows = own[columns].assign(fold=0).join(probabilities)
        evaluation = Evaluation(windows, genres, 1.0, [], by_artist)
        Record.save(evaluation, tmp_path, experiment=name, corpus=corpus, parameters={})
        return evaluation.tracks

    return save


@pytest.fixture
def number(by_artist):
    """How many tracks are tested."""
    rows = by_artist.table.iloc[by_artist.folds[0].test]
    return rows["track_id"].nunique()


def test_every_pair_is_tested_once(save, number, tmp_path):
    rng = np.random.default_rng(2)
    shares = {"a": 1.0, "b": 0.0, "c": 0.5, "d": 0.8}
    tracks = {name: save(name, rng.random(number) < share) for name, share in shares.items()}
    table = paired_tests(tmp_path)
    pairs = list(zip(table["first"], table["second"], strict=True))
    assert pairs == [("a", "b"), ("a", "c"), ("a", "d"), ("b", "c"), ("b", "d"), ("c", "d")]
    for (first, second), row in zip(pairs, table.itertuples(), strict=True):
        expected = mcnemar(tracks[first], tracks[second])
        assert (row.n, row.only_first, row.only_second, row.p_value) == expected
    p_values = table["p_value"].tolist()
    assert table["p_holm"].tolist() == pytest.approx(holm(p_values))
    assert p_values[0] == table["p_value"].min() < 0.01
    assert table["p_holm"].iloc[0] == pytest.approx(6 * p_values[0])
    assert (table["p_holm"] >= table["p_value"]).all()
    assert table["p_holm"].max() <= 1


def test_pairs_that_are_alike_are_told_apart_by_nothing(save, number, tmp_path):
    for name in "abc":
        save(name, np.arange(number) % 2 == 0)
    table = paired_tests(tmp_path)
    assert table["p_value"].tolist() == table["p_holm"].tolist() == [1.0] * 3


def test_pairs_without_a_common_track_are_left_out(save, number, tmp_path):
    whole, half = np.ones(number, dtype=bool), number // 2
    save("all", whole)
    save("early", whole, slice(half))
    save("late", ~whole, slice(half, None))
    table = paired_tests(tmp_path)
    assert table[["first", "second"]].to_numpy().tolist() == [["all", "early"], ["all", "late"]]
    assert table["n"].tolist() == [half, number - half]
    assert table["p_holm"].tolist() == pytest.approx(holm(table["p_value"].tolist()))


def test_one_experiment_has_no_pair(save, number, tmp_path):
    save("alone", np.ones(number, dtype=bool))
    table = paired_tests(tmp_path)
    assert table.empty
    assert table.columns.tolist() == ["first", "second", *McNemar._fields, "p_holm"]


def test_pairs_need_records(save, number, tmp_path):
    with pytest.raises(RecordError, match="holds no records"):
        paired_tests(tmp_path)
    save("a", np.ones(number, dtype=bool))
    (tmp_path / "a.predictions.csv").write_text("")
    with pytest.raises(RecordError, match=r"a\.predictions\.csv: is missing or not the file"):
        paired_tests(tmp_path)


# --- learning curves ----------------------------------------------------------


@pytest.fixture
def watched():
    """Neighbours, what they were shown, and what they were asked."""
    fitted, asked = [], []

    class Watched(KNeighborsClassifier):
        def fit(self, X, y, valid=None):
            fitted.append((X[:, 0].astype(int), valid[0][:, 0].astype(int)))
            return super().fit(X, y)

        def predict_proba(self, X):
            asked.append(set(X[:, 0].astype(int)))
            return super().predict_proba(X)

    return Watched(3), fitted, asked


def numbered(table) -> np.ndarray:
    """Features that say which row they are."""
    return np.arange(float(len(table)))[:, None]


SHARES = (0.25, 0.5, 1.0)


@pytest.mark.parametrize(("protocol", "folds"), [("artist", 1), ("artist", 3), ("window", 1)])
def test_smaller_parts_lie_in_larger_ones_and_in_the_training_part(
    lesson, watched, protocol, folds
):
    corpus, table, _, _ = lesson
    if protocol == "window":
        with pytest.warns(GtzanWarning):
            divided = split(table, corpus, protocol=protocol, folds=folds)
    else:
        divided = split(table, corpus, protocol=protocol, folds=folds)
    before = divided.hash
    estimator, fitted, asked = watched
    curve = learning_curve(estimator, numbered(table), table, divided, shares=SHARES)
    assert divided.hash == before
    assert curve.index.tolist() == list(SHARES)
    tracks = table["track_id"].to_numpy()
    counts = []
    for number, fold in enumerate(divided):
        seen = [set(train) for train, _ in fitted[number::folds]]
        assert seen[0] < seen[1] < seen[2] == set(fold.train)
        assert all(valid.tolist() == fold.valid.tolist() for _, valid in fitted[number::folds])
        own = tracks[fold.train]
        for rows in seen:
            # Whole tracks, as far as they are in the training part.
            assert rows == set(fold.train[np.isin(own, tracks[list(rows)])])
            assert not rows & (set(fold.test) | set(fold.valid))
            shown = table.loc[list(rows)].groupby("genre")["track_id"].nunique()
            counts.append(shown)
        every = counts[-1]
        for share, shown in zip(SHARES, counts[-3:], strict=True):
            np.testing.assert_allclose(shown, share * every, atol=0.5)
        # Its own training part, and the same test part, at every share.
        assert asked[2 * number + 1 :: 2 * folds] == [set(fold.test)] * 3
        assert asked[2 * number :: 2 * folds] == seen
    means = np.reshape([shown.sum() for shown in counts], (folds, 3)).mean(axis=0)
    assert curve["tracks"].tolist() == pytest.approx(means)


@pytest.mark.parametrize("folds", [1, 3])
def test_all_of_the_training_part_is_evaluate(lesson, folds):
    corpus, table, _, features = lesson
    divided = split(table, corpus, folds=folds)
    (row,) = learning_curve(
        KNeighborsClassifier(), features, table, divided, shares=[1.0]
    ).itertuples()
    evaluation = evaluate(KNeighborsClassifier(), features, table, divided)
    assert (row.accuracy, row.low, row.high) == evaluation.accuracy()[:3]
    assert row.window_accuracy == evaluation.accuracy("window").value


def test_curve_rises_where_there_is_something_to_learn(lesson, by_artist):
    """What stands in few tracks cannot be learned from fewer."""
    _, table, _, _ = lesson
    rng = np.random.default_rng(1)
    noisy = pd.factorize(table["genre"])[0][:, None] + rng.normal(scale=0.8, size=(len(table), 4))
    curve = learning_curve(KNeighborsClassifier(1), noisy, table, by_artist, shares=(0.01, 1.0))
    assert curve["tracks"].iloc[0] == 3
    assert curve["window_accuracy"].iloc[1] > curve["window_accuracy"].iloc[0]
    assert (curve["low"] <= curve["accuracy"]).all()
    assert (curve["accuracy"] <= curve["high"]).all()


def test_the_seed_chooses_the_tracks(lesson, by_artist, watched):
    _, table, _, _ = lesson
    estimator, fitted, _ = watched
    for seed in (0, 0, 1):
        learning_curve(estimator, numbered(table), table, by_artist, shares=[0.5], seed=seed)
    first, again, other = (set(train) for train, _ in fitted)
    assert first == again != other


@pytest.mark.parametrize("share", [0, 1.1, -0.5, float("nan")])
def test_impossible_shares_are_refused(lesson, by_artist, share):
    _, table, _, features = lesson
    with pytest.raises(SplitError, match=rf"share {share} of the training tracks must be above 0"):
        learning_curve(KNeighborsClassifier(), features, table, by_artist, shares=[share])


def test_other_windows_are_refused(lesson, by_artist):
    _, table, _, features = lesson
    with pytest.raises(SplitError, match="made from other windows"):
        learning_curve(KNeighborsClassifier(), features, table.iloc[::-1], by_artist)


def test_split_may_be_used_on(lesson, by_artist):
    """Leaving tracks out makes another split, and changes none."""
    _, table, _, features = lesson
    copy = dataclasses.replace(by_artist, table=by_artist.table.copy())
    learning_curve(KNeighborsClassifier(), features, table, copy, shares=[0.5])
    pd.testing.assert_frame_equal(copy.table, by_artist.table)


def test_impossible_shares_are_refused_before_anything_is_trained(lesson, by_artist, watched):
    _, table, _, _ = lesson
    estimator, fitted, _ = watched
    with pytest.raises(SplitError):
        learning_curve(estimator, numbered(table), table, by_artist, shares=[0.5, 1.1])
    assert fitted == []
