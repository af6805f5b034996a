"""McNemar's test of pairs of models, and learning curves."""

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
from gtzan_lib.evaluation.comparison import (
    McNemarResult,
    compare_models,
    learning_curve,
    mcnemar,
    paired_tests,
)
from gtzan_lib.evaluation.evaluate import evaluate
from gtzan_lib.evaluation.evaluation import Evaluation
from gtzan_lib.evaluation.records import ExperimentRecord

# --- McNemar ------------------------------------------------------------------


def predictions_with(correct, *, start: int = 0) -> pd.DataFrame:
    """Return predictions for alternating blues and rock, correct as given."""
    number = np.arange(start, start + len(correct))
    genre = np.where(number % 2, "rock", "blues")
    other = np.where(number % 2, "blues", "rock")
    index = pd.Index([f"t{n:04d}" for n in number], name="track_id")
    return pd.DataFrame({"genre": genre, "predicted": np.where(correct, genre, other)}, index)


def pair(both: int, first: int, second: int, neither: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return predictions of two models by the numbers of tracks that each predicts correctly."""
    kinds = np.repeat([0, 1, 2, 3], [both, first, second, neither])
    return predictions_with(np.isin(kinds, [0, 1])), predictions_with(np.isin(kinds, [0, 2]))


@pytest.mark.parametrize(
    ("first", "second", "p_value"),
    [
        (0, 0, 1.0),
        (3, 3, 1.0),
        (0, 1, 1.0),
        # Twice the shorter tail of the binomial distribution.
        (0, 5, 2 / 32),
        (1, 5, 2 * (1 + 6) / 64),
        (9, 2, 2 * (1 + 11 + 55) / 2048),
    ],
)
def test_mcnemar_by_hand(first, second, p_value):
    test = mcnemar(*pair(4, first, second, 2))
    assert test == McNemarResult(6 + first + second, first, second, pytest.approx(p_value))


@given(st.integers(0, 30), st.integers(0, 30), st.integers(0, 5), st.integers(0, 5))
def test_mcnemar_is_a_binomial_test_and_symmetric(first, second, both, neither):
    if not first + second + both + neither:
        return
    tables = pair(both, first, second, neither)
    test, swapped = mcnemar(*tables), mcnemar(*tables[::-1])
    assert swapped == (test.n, test.only_second, test.only_first, pytest.approx(test.p_value))
    expected = 1.0
    if first + second:
        expected = min(1.0, 2 * stats.binom.cdf(min(first, second), first + second, 0.5))
    assert test.p_value == pytest.approx(expected)
    assert 0 < test.p_value <= 1


def test_different_incorrect_predictions_count_as_equal():
    table = predictions_with([False, True])
    assert mcnemar(table, table.assign(predicted=["jazz", "rock"])) == (2, 0, 0, 1.0)


def test_tracks_are_paired_by_their_ids(rng):
    first = predictions_with(rng.random(40) < 0.8)
    second = predictions_with(rng.random(40) < 0.5)
    expected = mcnemar(first, second)
    assert mcnemar(first.sample(frac=1, random_state=1), second.iloc[::-1]) == expected
    longer = pd.concat([predictions_with([True] * 9, start=100), second])
    assert mcnemar(first, longer) == expected
    assert mcnemar(longer, first)[:3] == (40, expected.only_second, expected.only_first)


def test_no_track_in_common_is_refused():
    message = r"no tested track in common; compare .* protocol and seed\.$"
    with pytest.raises(RecordError, match=message):
        mcnemar(predictions_with([True]), predictions_with([True], start=1))


def test_tracks_with_different_genres_are_refused():
    table = predictions_with([True] * 3)
    changed = table.assign(genre=["blues", "jazz", "pop"])
    with pytest.raises(RecordError, match=r"track 't0001' has different genres in the two exper"):
        mcnemar(table, changed)


# --- every pair of a run ------------------------------------------------------


def holm(p_values: list[float]) -> list[float]:
    """Return adjusted p-values by Holm's definition."""
    products = [p * sum(q >= p for q in p_values) for p in p_values]
    pairs = list(zip(products, p_values, strict=True))
    return [min(1.0, max(product for product, q in pairs if q <= p)) for p in p_values]


@pytest.fixture
def save(toy_corpus, by_artist, tmp_path):
    """Write the record of a model with given correct predictions for given tracks."""
    corpus, table, _, _ = toy_corpus
    test = by_artist.table.iloc[by_artist.folds[0].test]
    genres = sorted(table["genre"].unique())

    def save(name, correct, tracks=slice(None), *, divided=by_artist, title=""):
        in_tracks = test["track_id"].isin(test["track_id"].unique()[tracks])
        rows = test[in_tracks].reset_index(drop=True)
        number = pd.factorize(rows["track_id"])[0]
        truth = rows["genre"].map(genres.index).to_numpy()
        predicted = np.where(np.asarray(correct)[number], truth, (truth + 1) % 3)
        probabilities = pd.DataFrame(np.eye(3)[predicted], columns=genres)
        columns = ["window_id", "track_id", "genre", "artist"]
        windows = rows[columns].assign(fold=0).join(probabilities)
        evaluation = Evaluation(windows, genres, 1.0, [], divided)
        extra = {"title": title} if title else None
        ExperimentRecord.save(
            evaluation, tmp_path, experiment=name, corpus=corpus, parameters={}, extra=extra
        )
        return evaluation.tracks

    return save


@pytest.fixture
def n_tracks(by_artist):
    """Number of tested tracks."""
    rows = by_artist.table.iloc[by_artist.folds[0].test]
    return rows["track_id"].nunique()


def test_every_pair_is_tested_once(save, n_tracks, tmp_path):
    rng = np.random.default_rng(2)
    shares = {"a": 1.0, "b": 0.0, "c": 0.5, "d": 0.8}
    tracks = {name: save(name, rng.random(n_tracks) < share) for name, share in shares.items()}
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


def test_equal_models_have_p_values_of_one(save, n_tracks, tmp_path):
    for name in "abc":
        save(name, np.arange(n_tracks) % 2 == 0)
    table = paired_tests(tmp_path)
    assert table["p_value"].tolist() == table["p_holm"].tolist() == [1.0] * 3


def test_pairs_without_a_common_track_are_left_out(save, n_tracks, tmp_path):
    whole, half = np.ones(n_tracks, dtype=bool), n_tracks // 2
    save("all", whole)
    save("early", whole, slice(half))
    save("late", ~whole, slice(half, None))
    table = paired_tests(tmp_path)
    assert table[["first", "second"]].to_numpy().tolist() == [["all", "early"], ["all", "late"]]
    assert table["n"].tolist() == [half, n_tracks - half]
    assert table["p_holm"].tolist() == pytest.approx(holm(table["p_value"].tolist()))


def test_one_experiment_has_no_pair(save, n_tracks, tmp_path):
    save("alone", np.ones(n_tracks, dtype=bool))
    table = paired_tests(tmp_path)
    assert table.empty
    assert table.columns.tolist() == ["first", "second", *McNemarResult._fields, "p_holm"]


def test_pairs_need_records(save, n_tracks, tmp_path):
    with pytest.raises(RecordError, match="holds no records"):
        paired_tests(tmp_path)
    save("a", np.ones(n_tracks, dtype=bool))
    (tmp_path / "a.predictions.csv").write_text("")
    with pytest.raises(RecordError, match=r"a\.predictions\.csv: is missing or not the file"):
        paired_tests(tmp_path)


# --- all models of a run ------------------------------------------------------


def test_models_are_ranked_among_those_of_the_same_tracks(save, n_tracks, tmp_path):
    whole, half = np.ones(n_tracks, dtype=bool), n_tracks // 2
    # The best score is that of a model on half of the tracks.
    tables = {
        "07_rnn-crnn": save("07_rnn-crnn", ~whole),
        "minivgg-3s": save("minivgg-3s", np.arange(n_tracks) > 0),
        "half": save("half", whole, slice(half)),
        "other": save("other", ~whole, slice(half)),
    }
    board = compare_models(tmp_path).leaderboard
    assert board.index.tolist() == ["MiniVGG 3 s", "CRNN", "half", "other"]
    assert board.index.name == "model"
    assert board["group"].tolist() == [1, 1, 2, 2]
    assert board["experiment"].tolist() == ["minivgg-3s", "07_rnn-crnn", "half", "other"]
    # A few tracks cannot show it, even if all of them are correct.
    assert board["above_chance"].tolist() == [True, False, False, False]
    for row in board.itertuples():
        table = tables[row.experiment]
        assert row.tracks == len(table)
        assert row.chance == table["genre"].value_counts(normalize=True).max()
        assert row.accuracy == (table["genre"] == table["predicted"]).mean()


def test_predictions_and_tests_have_the_titles_of_the_models(save, n_tracks, tmp_path):
    whole = np.ones(n_tracks, dtype=bool)
    save("a", whole, title="best net")
    save("b", ~whole, title="worst net")
    compared = compare_models(tmp_path)
    assert list(compared.predictions) == compared.leaderboard.index.tolist()
    assert list(compared.predictions) == ["best net", "worst net"]
    assert (compared.predictions["worst net"]["predicted"].notna()).all()
    pairs = paired_tests(tmp_path)
    named = pairs.assign(first="best net", second="worst net")
    pd.testing.assert_frame_equal(compared.tests, named)


def test_same_title_twice_is_told_from_the_other(save, n_tracks, tmp_path):
    for name in ("a", "b"):
        save(name, np.ones(n_tracks, dtype=bool), title="net")
    compared = compare_models(tmp_path)
    assert set(compared.leaderboard.index) == {"net (a)", "net (b)"}
    assert compared.tests[["first", "second"]].to_numpy().tolist() == [["net (a)", "net (b)"]]


def test_cross_validation_is_another_group_than_one_part(save, n_tracks, toy_corpus, tmp_path):
    corpus, table, _, _ = toy_corpus
    whole = np.ones(n_tracks, dtype=bool)
    save("part", whole)
    save("folds", whole, divided=split(table, corpus, folds=3))
    save("tracks", whole, divided=split(table, corpus, protocol="track"))
    board = compare_models(tmp_path).leaderboard
    assert sorted(board["group"]) == [1, 2, 3]


def test_leaders_of_each_group(save, n_tracks, tmp_path):
    whole, half = np.ones(n_tracks, dtype=bool), n_tracks // 2
    save("a", whole)
    save("b", whole)
    save("bad", ~whole)
    save("near", np.arange(n_tracks) > 0)
    save("half", whole, slice(half))
    compared = compare_models(tmp_path)
    first, second = compared.leaders().itertuples()
    assert (first.models, first.beaten, first.others) == (["a", "b"], 1, 2)
    assert (first.tracks, first.accuracy, first.folds) == (n_tracks, 1.0, 1)
    assert (second.models, second.beaten, second.others) == (["half"], 0, 0)
    assert compared.leaders(alpha=1e-12)["beaten"].tolist() == [0, 0]


def test_damaged_records_are_not_compared(save, n_tracks, tmp_path):
    with pytest.raises(RecordError, match="holds no records"):
        compare_models(tmp_path)
    save("a", np.ones(n_tracks, dtype=bool))
    (tmp_path / "a.predictions.csv").write_text("")
    with pytest.raises(RecordError, match=r"a\.predictions\.csv: is missing or not the file"):
        compare_models(tmp_path)


# --- learning curves ----------------------------------------------------------


@pytest.fixture
def recorded():
    """A classifier, and the rows on which it was fitted and that it predicted."""
    fitted, predicted = [], []

    class RecordingClassifier(KNeighborsClassifier):
        def fit(self, X, y, valid=None):
            fitted.append((X[:, 0].astype(int), valid[0][:, 0].astype(int)))
            return super().fit(X, y)

        def predict_proba(self, X):
            predicted.append(set(X[:, 0].astype(int)))
            return super().predict_proba(X)

    return RecordingClassifier(3), fitted, predicted


def numbered(table) -> np.ndarray:
    """Return features that hold the number of their row."""
    return np.arange(float(len(table)))[:, None]


SHARES = (0.25, 0.5, 1.0)


@pytest.mark.parametrize(("protocol", "folds"), [("artist", 1), ("artist", 3), ("window", 1)])
def test_smaller_parts_are_subsets_of_larger_ones_and_of_the_training_part(
    toy_corpus, recorded, protocol, folds
):
    corpus, table, _, _ = toy_corpus
    if protocol == "window":
        with pytest.warns(GtzanWarning):
            divided = split(table, corpus, protocol=protocol, folds=folds)
    else:
        divided = split(table, corpus, protocol=protocol, folds=folds)
    before = divided.hash
    estimator, fitted, predicted = recorded
    curve = learning_curve(estimator, numbered(table), table, divided, shares=SHARES)
    assert divided.hash == before
    assert curve.index.tolist() == list(SHARES)
    tracks = table["track_id"].to_numpy()
    counts = []
    for number, fold in enumerate(divided):
        trained = [set(train) for train, _ in fitted[number::folds]]
        assert trained[0] < trained[1] < trained[2] == set(fold.train)
        assert all(valid.tolist() == fold.valid.tolist() for _, valid in fitted[number::folds])
        train_tracks = tracks[fold.train]
        for rows in trained:
            # All training windows of the chosen tracks.
            assert rows == set(fold.train[np.isin(train_tracks, tracks[list(rows)])])
            assert not rows & (set(fold.test) | set(fold.valid))
            counts.append(table.loc[list(rows)].groupby("genre")["track_id"].nunique())
        for share, count in zip(SHARES, counts[-3:], strict=True):
            np.testing.assert_allclose(count, share * counts[-1], atol=0.5)
        # The reduced training part, and the same test part, at every share.
        assert predicted[2 * number + 1 :: 2 * folds] == [set(fold.test)] * 3
        assert predicted[2 * number :: 2 * folds] == trained
    means = np.reshape([count.sum() for count in counts], (folds, 3)).mean(axis=0)
    assert curve["tracks"].tolist() == pytest.approx(means)


@pytest.mark.parametrize("folds", [1, 3])
def test_share_of_one_is_the_plain_evaluation(toy_corpus, folds):
    corpus, table, _, features = toy_corpus
    divided = split(table, corpus, folds=folds)
    (row,) = learning_curve(
        KNeighborsClassifier(), features, table, divided, shares=[1.0]
    ).itertuples()
    evaluation = evaluate(KNeighborsClassifier(), features, table, divided)
    assert (row.accuracy, row.low, row.high) == evaluation.accuracy()[:3]
    assert row.window_accuracy == evaluation.accuracy("window").value


def test_accuracy_rises_with_the_training_part(toy_corpus, by_artist):
    _, table, _, _ = toy_corpus
    rng = np.random.default_rng(1)
    noisy = pd.factorize(table["genre"])[0][:, None] + rng.normal(scale=0.8, size=(len(table), 4))
    curve = learning_curve(KNeighborsClassifier(1), noisy, table, by_artist, shares=(0.01, 1.0))
    assert curve["tracks"].iloc[0] == 3
    assert curve["window_accuracy"].iloc[1] > curve["window_accuracy"].iloc[0]
    assert (curve["low"] <= curve["accuracy"]).all()
    assert (curve["accuracy"] <= curve["high"]).all()


def test_seed_chooses_the_tracks(toy_corpus, by_artist, recorded):
    _, table, _, _ = toy_corpus
    estimator, fitted, _ = recorded
    for seed in (0, 0, 1):
        learning_curve(estimator, numbered(table), table, by_artist, shares=[0.5], seed=seed)
    first, second, changed = (set(train) for train, _ in fitted)
    assert first == second != changed


@pytest.mark.parametrize("share", [0, 1.1, -0.5, float("nan")])
def test_impossible_shares_are_refused(toy_corpus, by_artist, share):
    _, table, _, features = toy_corpus
    message = rf"share {share} of the training tracks must be above 0 and at most 1\.$"
    with pytest.raises(SplitError, match=message):
        learning_curve(KNeighborsClassifier(), features, table, by_artist, shares=[share])


def test_split_of_other_windows_is_refused(toy_corpus, by_artist):
    _, table, _, features = toy_corpus
    with pytest.raises(SplitError, match="made from other windows"):
        learning_curve(KNeighborsClassifier(), features, table.iloc[::-1], by_artist)


def test_given_split_is_not_changed(toy_corpus, by_artist):
    _, table, _, features = toy_corpus
    copy = dataclasses.replace(by_artist, table=by_artist.table.copy())
    learning_curve(KNeighborsClassifier(), features, table, copy, shares=[0.5])
    pd.testing.assert_frame_equal(copy.table, by_artist.table)


def test_impossible_shares_are_refused_before_training(toy_corpus, by_artist, recorded):
    _, table, _, _ = toy_corpus
    estimator, fitted, _ = recorded
    with pytest.raises(SplitError):
        learning_curve(estimator, numbered(table), table, by_artist, shares=[0.5, 1.1])
    assert fitted == []
