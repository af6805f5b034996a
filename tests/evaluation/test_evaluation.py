"""Evaluations: predictions for test parts, their scores and differences."""

import dataclasses
import json
import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.dummy import DummyClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import RidgeClassifier
from sklearn.metrics import accuracy_score, confusion_matrix, f1_score, recall_score
from sklearn.neighbors import KNeighborsClassifier
from sklearn.tree import DecisionTreeClassifier

from gtzan_lib.data.splits import split
from gtzan_lib.data.windows import window_table
from gtzan_lib.errors import GtzanWarning, OutputError, RecordError, SplitError
from gtzan_lib.evaluation.askings import read_askings
from gtzan_lib.evaluation.comparison import difference
from gtzan_lib.evaluation.evaluate import evaluate
from gtzan_lib.evaluation.evaluation import Evaluation
from gtzan_lib.evaluation.records import ExperimentRecord
from gtzan_lib.evaluation.summary import caveats, headline, summary
from gtzan_lib.stats import wilson_interval
from gtzan_lib.training.classifier import NetClassifier

# --- scores computed by hand ---------------------------------------------------


@pytest.fixture
def by_hand(paper_corpus):
    """An evaluation of six tracks with given probabilities."""
    rows = [("blues", "A", 6.0), ("blues", "A", 6.0), ("blues", None, 6.0)]
    rows += [("rock", "B", 6.0), ("rock", "C", 6.0), ("rock", "D", 3.0)]
    corpus = paper_corpus(rows)
    table = window_table(corpus).drop(columns="start_s")
    table["artist"] = corpus.tracks["artist"].fillna("").loc[table["track_id"]].to_numpy()
    table["fold"] = 0
    # Windows of blues:      0.0  0.1  1.0  1.1  2.0  2.1; of rock:
    table["blues"] = np.array([0.9, 0.4, 0.6, 0.1, 0.8, 0.7, 0.2, 0.3, 0.1, 0.6, 0.7])
    table["rock"] = 1 - table["blues"]
    by_track = split(window_table(corpus), corpus, protocol="track")
    return Evaluation(table, ["blues", "rock"], 1.0, [], by_track)


def test_tracks_are_predicted_by_the_mean_of_their_windows(by_hand):
    tracks = by_hand.tracks
    assert tracks["blues"].tolist() == pytest.approx([0.65, 0.35, 0.75, 0.25, 0.35, 0.7])
    assert tracks["predicted"].tolist() == ["blues", "rock", "blues", "rock", "rock", "blues"]
    assert by_hand.predictions()["correct"].tolist() == [True, False, True, True, True, False]
    assert by_hand.predictions("window")["correct"].sum() == 7


def test_columns_of_predictions(by_hand):
    common = ["genre", "artist", "predicted", "correct", "group"]
    assert by_hand.predictions().columns.tolist() == ["track_id", *common]
    windows = by_hand.predictions("window")
    assert windows.columns.tolist() == ["window_id", "track_id", *common]
    for name in ("window_id", "track_id", "genre", "artist"):
        assert windows[name].tolist() == by_hand.windows[name].tolist()


def test_aggregation_is_that_of_the_evaluation(by_hand):
    vote = dataclasses.replace(by_hand, aggregation="vote")
    assert vote.tracks["blues"].tolist() == [0.5, 0.5, 1.0, 0.0, 0.5, 1.0]
    # Ties are resolved in favour of the first genre.
    assert vote.tracks["predicted"].tolist() == [
        "blues", "blues", "blues", "rock", "blues", "blues",
    ]  # fmt: skip
    assert vote.accuracy("window") == by_hand.accuracy("window")


def test_accuracies(by_hand):
    track, window = by_hand.accuracy(), by_hand.accuracy("window")
    assert (track.value, track.n, track.interval) == (pytest.approx(4 / 6), 6, "wilson")
    assert (track.low, track.high) == wilson_interval(4, 6)
    assert (window.value, window.n) == (pytest.approx(7 / 11), 11)
    assert window.interval.startswith("bootstrap")
    assert window.low < window.value < window.high


def test_groups_are_artists_else_tracks(by_hand):
    groups = by_hand.predictions()["group"].tolist()
    assert groups == ["A", "A", "blues.00002", "B", "C", "D"]


@pytest.mark.parametrize("unit", ["track", "window"])
def test_tables_agree_with_scikit_learn(by_hand, unit):
    predictions = by_hand.predictions(unit)
    truth, predicted = predictions["genre"], predictions["predicted"]
    np.testing.assert_array_equal(
        by_hand.confusion_matrix(unit), confusion_matrix(truth, predicted)
    )
    per_genre = by_hand.per_genre(unit)
    np.testing.assert_allclose(per_genre["recall"], recall_score(truth, predicted, average=None))
    assert by_hand.macro_f1(unit) == pytest.approx(f1_score(truth, predicted, average="macro"))
    assert per_genre["n"].sum() == len(predictions)
    for genre, row in per_genre.iterrows():
        correct = by_hand.confusion_matrix(unit).loc[genre, genre]
        assert (row["low"], row["high"]) == pytest.approx(wilson_interval(correct, row["n"]))
    assert by_hand.accuracy(unit).value == pytest.approx(accuracy_score(truth, predicted))


def test_genre_that_is_never_predicted_has_no_precision(by_hand):
    by_hand.windows.loc[:, ["blues", "rock"]] = [0.0, 1.0]
    assert np.isnan(by_hand.per_genre().loc["blues", "precision"])
    assert by_hand.per_genre().loc["rock", "precision"] == 0.5
    assert by_hand.confusion_matrix().to_numpy().tolist() == [[0, 3], [0, 3]]


def test_chance_is_the_share_of_the_most_frequent_genre(by_hand):
    assert by_hand.baseline == 0.5
    # At least 4 of 6 at a probability of 1/2: (15 + 6 + 1) / 64.
    assert by_hand.p_value == pytest.approx(22 / 64)


# --- evaluate -----------------------------------------------------------------


class DictClassifier(ClassifierMixin, BaseEstimator):
    """Nearest neighbours on a dict of two inputs."""

    def fit(self, X, y):
        self.knn_ = KNeighborsClassifier().fit(np.hstack([X["a"], X["b"]]), y)
        self.classes_ = self.knn_.classes_
        return self

    def predict_proba(self, X):
        return self.knn_.predict_proba(np.hstack([X["a"], X["b"]]))

    def predict(self, X):
        return self.classes_[self.predict_proba(X).argmax(axis=1)]


class RecordingClassifier(KNeighborsClassifier):
    """Nearest neighbours that keep the arguments of `fit`."""

    def fit(self, X, y, valid=None):
        self.train_, self.valid_ = X, valid
        return super().fit(X, y)


def test_evaluation_of_nearest_neighbours(toy_corpus, by_artist):
    _, table, _, features = toy_corpus
    classifier = KNeighborsClassifier(5)
    evaluation = evaluate(classifier, features, table, by_artist)
    assert not hasattr(classifier, "classes_")
    train, _, test = by_artist.folds[0]
    part = features[train], table["genre"].iloc[train]
    fitted = KNeighborsClassifier(5).fit(*part)
    assert evaluation.windows["window_id"].tolist() == table["window_id"].iloc[test].tolist()
    np.testing.assert_allclose(
        evaluation.windows[evaluation.genres], fitted.predict_proba(features[test])
    )
    assert evaluation.genres == ["blues", "jazz", "rock"]
    assert evaluation.train_accuracy == pytest.approx(fitted.score(*part))
    assert len(evaluation.estimators) == 1
    assert evaluation.accuracy().value > 0.6
    assert evaluation.p_value < 0.01


def test_dict_of_inputs(toy_corpus, by_artist):
    _, table, _, features = toy_corpus
    inputs = {"a": features[:, :2], "b": features[:, 2:]}
    evaluation = evaluate(DictClassifier(), inputs, table, by_artist)
    plain = evaluate(KNeighborsClassifier(), features, table, by_artist)
    pd.testing.assert_frame_equal(evaluation.windows, plain.windows)


def test_estimators_get_training_and_validation_part_only(toy_corpus, by_artist):
    _, table, _, features = toy_corpus
    (estimator,) = evaluate(RecordingClassifier(), features, table, by_artist).estimators
    train, valid, _ = by_artist.folds[0]
    np.testing.assert_array_equal(estimator.train_, features[train])
    np.testing.assert_array_equal(estimator.valid_[0], features[valid])
    assert estimator.valid_[1].tolist() == table["genre"].iloc[valid].tolist()


@pytest.mark.parametrize("protocol", ["track", "artist"])
def test_cross_validation_tests_every_window_once(toy_corpus, protocol):
    corpus, table, _, features = toy_corpus
    divided = split(table, corpus, protocol=protocol, folds=4)
    evaluation = evaluate(KNeighborsClassifier(), features, table, divided)
    assert evaluation.windows["window_id"].tolist() == table["window_id"].tolist()
    assert sorted(evaluation.tracks.index) == sorted(corpus.tracks.index)
    for number, fold in enumerate(divided):
        assert (evaluation.windows["fold"].iloc[fold.test] == number).all()
    assert evaluation.accuracy().interval == "bootstrap over artists"
    assert len(evaluation.estimators) == 4


def test_saved_split_gives_the_same_evaluation(toy_corpus, by_artist, tmp_path):
    _, table, _, features = toy_corpus
    loaded = type(by_artist).load(by_artist.save(tmp_path / "split.csv"))
    before, after = (
        evaluate(KNeighborsClassifier(), features, table, s) for s in (by_artist, loaded)
    )
    pd.testing.assert_frame_equal(before.windows, after.windows)
    assert before.accuracy() == after.accuracy()
    assert before.train_accuracy == after.train_accuracy


def test_genre_an_estimator_was_not_trained_on_has_probability_zero(toy_corpus, by_artist):
    class WithoutJazz(DummyClassifier):
        def fit(self, X, y):
            return super().fit(X[y != "jazz"], y[y != "jazz"])

    _, table, _, features = toy_corpus
    evaluation = evaluate(WithoutJazz(), features, table, by_artist)
    assert (evaluation.windows["jazz"] == 0).all()
    assert evaluation.confusion_matrix()["jazz"].sum() == 0


@pytest.mark.parametrize(
    "change",
    [
        lambda table: table.iloc[::-1],
        lambda table: table.iloc[:-1],
        lambda table: table.assign(window_id=table["window_id"] + "x"),
    ],
)
def test_split_of_other_windows_is_refused(toy_corpus, by_artist, change):
    _, table, _, features = toy_corpus
    with pytest.raises(SplitError, match="was made from other windows"):
        evaluate(KNeighborsClassifier(), features, change(table), by_artist)


@pytest.mark.parametrize("rows", [0, 239, 241])
def test_features_of_other_windows_are_refused(toy_corpus, by_artist, rows):
    _, table, _, features = toy_corpus
    other = np.resize(features, (rows, 3))
    message = f"X has {rows} rows for 240 windows"
    with pytest.raises(SplitError, match=message):
        evaluate(KNeighborsClassifier(), other, table, by_artist)
    with pytest.raises(SplitError, match=message):
        evaluate(DictClassifier(), {"a": features, "b": other}, table, by_artist)


def test_train_accuracy_is_computed_from_probabilities(toy_corpus, by_artist):
    class Inconsistent(KNeighborsClassifier):
        """Nearest neighbours whose `predict` does not fit `predict_proba`."""

        def predict(self, X):
            return np.repeat(self.classes_[:1], len(X))

    _, table, _, features = toy_corpus
    inconsistent, plain = (
        evaluate(kind(1), features, table, by_artist)
        for kind in (Inconsistent, KNeighborsClassifier)
    )
    assert inconsistent.train_accuracy == plain.train_accuracy == 1
    assert inconsistent.accuracy() == plain.accuracy()


# --- estimators without predict_proba -------------------------------------------


@pytest.mark.parametrize("genres", [("blues", "rock"), ("blues", "jazz", "rock")])
def test_softmax_of_decisions_replaces_probabilities(toy_corpus, genres):
    corpus, table, _, features = toy_corpus
    rows = table["genre"].isin(genres).to_numpy()
    table, features = table[rows].reset_index(drop=True), features[rows]
    divided = split(table, corpus)
    train, _, test = divided.folds[0]
    evaluation = evaluate(RidgeClassifier(), features, table, divided)
    fitted = RidgeClassifier().fit(features[train], table["genre"].to_numpy(dtype=str)[train])
    scores = fitted.decision_function(features[test])
    if len(genres) == 2:
        expected = np.column_stack([1 / (1 + np.exp(scores)), 1 / (1 + np.exp(-scores))])
    else:
        expected = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(evaluation.windows[list(genres)], expected)
    predicted = evaluation.predictions("window")["predicted"].tolist()
    assert predicted == fitted.predict(features[test]).tolist()


def test_large_decisions_do_not_overflow(toy_corpus, by_artist):
    class LargeDecisions(RidgeClassifier):
        def decision_function(self, X):
            return 1e6 * super().decision_function(X)

    _, table, _, features = toy_corpus
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        evaluation = evaluate(LargeDecisions(), features, table, by_artist)
    np.testing.assert_allclose(evaluation.windows[evaluation.genres].sum(axis=1), 1)


# --- warnings of estimators -----------------------------------------------------


class WarningClassifier(KNeighborsClassifier):
    """Nearest neighbours whose `fit` warns."""

    def __init__(self, *kinds):
        super().__init__()
        self.kinds = kinds

    def get_params(self, deep=True):
        return {"kinds": self.kinds}

    def set_params(self, kinds):
        self.kinds = kinds
        return self

    def __sklearn_clone__(self):
        return WarningClassifier(*self.kinds)

    def fit(self, X, y):
        for kind in self.kinds:
            warnings.warn("some warning", kind, stacklevel=1)
        return super().fit(X, y)


@pytest.mark.parametrize("folds", [1, 3])
def test_folds_that_did_not_converge_are_counted(toy_corpus, folds):
    corpus, table, _, features = toy_corpus
    divided = split(table, corpus, folds=folds)
    with warnings.catch_warnings(record=True) as printed:
        warnings.simplefilter("always")
        # Two warnings of one fit count as one fold.
        classifier = WarningClassifier(ConvergenceWarning, ConvergenceWarning)
        evaluation = evaluate(classifier, features, table, divided)
    assert printed == []
    assert evaluation.unconverged == folds
    (caveat,) = caveats(evaluation)
    assert f"before it converged in {folds} of {folds} folds" in caveat
    assert caveat in headline(evaluation)
    assert caveat in summary(evaluation)


def test_convergence_is_checked_with_any_warning_filter(toy_corpus, by_artist):
    _, table, _, features = toy_corpus
    for action in ("ignore", "error"):
        with warnings.catch_warnings():
            warnings.simplefilter(action)
            evaluation = evaluate(WarningClassifier(ConvergenceWarning), features, table, by_artist)
        assert evaluation.unconverged == 1


def test_other_warnings_are_passed_on(toy_corpus, by_artist):
    _, table, _, features = toy_corpus
    with warnings.catch_warnings(record=True) as printed:
        warnings.simplefilter("always")
        classifier = WarningClassifier(UserWarning, ConvergenceWarning)
        evaluation = evaluate(classifier, features, table, by_artist)
    assert [warning.category for warning in printed] == [UserWarning]
    assert str(printed[0].message) == "some warning"
    assert printed[0].filename == __file__
    assert evaluation.unconverged == 1
    plain = WarningClassifier(UserWarning)
    with pytest.warns(UserWarning, match="some warning"):
        assert evaluate(plain, features, table, by_artist).unconverged == 0
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(UserWarning):
            evaluate(plain, features, table, by_artist)


# --- differences -----------------------------------------------------------------


def evaluation_with(table, divided, correct):
    """Return an evaluation with correct predictions for the given windows."""
    columns = ["window_id", "track_id", "genre", "artist"]
    is_blues = (table["genre"] == "blues").to_numpy()
    blues = np.where(correct, is_blues, ~is_blues).astype(float)
    windows = divided.table[columns].assign(fold=0, blues=blues, rock=1 - blues)
    return Evaluation(windows, ["blues", "rock"], 1.0, [], divided)


@pytest.fixture(scope="module")
def two_genres(paper_corpus):
    """Two genres of twenty artists with two tracks of four windows, in three folds."""
    rows = [(g, f"{g} {a}", 12.0) for g in ("blues", "rock") for a in range(20) for _ in "xy"]
    corpus = paper_corpus(rows)
    table = window_table(corpus)
    return table, split(table, corpus, folds=3)


@pytest.mark.parametrize("unit", ["track", "window"])
def test_difference_is_antisymmetric(two_genres, rng, unit):
    table, divided = two_genres
    better, worse = (
        evaluation_with(table, divided, rng.random(len(table)) < p) for p in (0.9, 0.6)
    )
    gain, loss = difference(better, worse, unit), difference(worse, better, unit)
    assert gain.value == pytest.approx(better.accuracy(unit).value - worse.accuracy(unit).value)
    assert gain[:3] == pytest.approx((-loss.value, -loss.high, -loss.low))
    assert gain.low < gain.value < gain.high
    assert gain.n == loss.n == (80 if unit == "track" else 320)
    assert gain.interval == "bootstrap over artists"
    assert difference(better, better, unit)[:3] == (0, 0, 0)


def test_difference_is_paired(two_genres):
    """Artists are easy or hard for both; one predicts one more window of each correctly."""
    table, divided = two_genres
    number = divided.table.groupby("artist").cumcount().to_numpy()
    easy = pd.factorize(divided.table["artist"])[0] % 8
    worse, better = (evaluation_with(table, divided, number < easy + extra) for extra in (0, 1))
    assert difference(better, worse, "window")[:3] == pytest.approx((1 / 8, 1 / 8, 1 / 8))
    low, high = better.accuracy("window")[1:3]
    assert high - low > 0.1


def test_intervals_of_differences_are_wider_if_artists_vary_together(two_genres, rng):
    table, divided = two_genres
    artist = pd.factorize(divided.table["artist"])[0]
    all_incorrect = evaluation_with(table, divided, np.zeros(len(table), dtype=bool))
    by_artist, by_window = rng.random(40)[artist] < 0.7, rng.random(len(table)) < 0.7
    wide, narrow = (
        difference(evaluation_with(table, divided, correct), all_incorrect, "window")
        for correct in (by_artist, by_window)
    )
    assert wide.high - wide.low > 2 * (narrow.high - narrow.low)


def test_coverage_of_intervals_of_differences(two_genres):
    """About 95 of 100 simulated differences of 10 points must be in their intervals."""
    table, divided = two_genres
    artist = pd.factorize(divided.table["artist"])[0]
    covered = 0
    for seed in range(100):
        rng = np.random.default_rng(seed)
        # Uniform numbers, of which some are equal for all windows of an artist.
        uniform = np.where(rng.random(40) < 0.3, rng.random(40), np.nan)[artist]
        uniform = np.where(np.isnan(uniform), rng.random(len(table)), uniform)
        better, worse = (evaluation_with(table, divided, uniform < share) for share in (0.8, 0.7))
        _, low, high, *_ = difference(better, worse, "window")
        covered += low <= 0.1 <= high
    assert 85 <= covered <= 99


@pytest.mark.parametrize("known", [True, False])
def test_groups_are_named(paper_corpus, known):
    rows = [(g, f"{g} {a}" if known else None, 6.0) for g in ("blues", "rock") for a in range(6)]
    corpus = paper_corpus(rows)
    table = window_table(corpus)
    divided = split(table, corpus, protocol="track", folds=3)
    first, second = (evaluation_with(table, divided, np.arange(24) % n > 0) for n in (2, 3))
    name = "artists" if known else "tracks"
    assert first.grouped_by == name
    interval = f"bootstrap over {name}"
    assert first.accuracy().interval == difference(first, second).interval == interval


def test_groups_are_artists_if_one_artist_is_known(by_hand):
    assert by_hand.grouped_by == "artists"


def test_difference_on_other_windows_is_refused(toy_corpus):
    corpus, table, _, features = toy_corpus
    evaluations = [
        evaluate(KNeighborsClassifier(), features, table, split(table, corpus, seed=seed))
        for seed in (1, 2)
    ]
    with pytest.raises(SplitError, match="tested on different windows"):
        difference(*evaluations)


def test_leak_is_measured_on_the_same_tracks(toy_corpus):
    corpus, table, _, features = toy_corpus
    with pytest.warns(GtzanWarning):
        leaking = split(table, corpus, protocol="window", folds=3)
    strict = split(table, corpus, folds=3)
    by_window, by_artist = (
        evaluate(KNeighborsClassifier(), features, table, s) for s in (leaking, strict)
    )
    leak = difference(by_window, by_artist)
    assert leak.n == 60
    assert leak.value == pytest.approx(by_window.accuracy().value - by_artist.accuracy().value)
    assert difference(by_window, by_artist, "window").n == 240


def test_leak_leaves_out_unknown_artists(paper_corpus, rng):
    """Folds by artist never test tracks of unknown artists (17 in GTZAN)."""
    rows = [(g, f"{g} {a}", 6.0) for g in ("blues", "rock") for a in range(4)]
    corpus = paper_corpus([*rows, ("rock", None, 6.0)])
    table = window_table(corpus)
    with pytest.warns(GtzanWarning):
        leaking = split(table, corpus, protocol="window", folds=3)
    strict = split(table, corpus, folds=3)
    features = rng.normal(size=(len(table), 2))
    by_window, by_artist = (
        evaluate(KNeighborsClassifier(), features, table, s) for s in (leaking, strict)
    )
    for first, second in ((by_window, by_artist), (by_artist, by_window)):
        assert difference(first, second).n == 8
        assert difference(first, second, "window").n == 16
    known = by_window.predictions().query("group != 'rock.00004'")["correct"].mean()
    leak = difference(by_window, by_artist)
    assert leak.value == pytest.approx(known - by_artist.accuracy().value)


def test_difference_of_single_test_parts_is_refused(toy_corpus):
    """Windows in both test parts are there by chance."""
    corpus, table, _, features = toy_corpus
    with pytest.warns(GtzanWarning):
        leaking = split(table, corpus, protocol="window")
    single, folds = split(table, corpus), split(table, corpus, folds=3)
    by_window, by_artist, crossed = (
        evaluate(KNeighborsClassifier(), features, table, s) for s in (leaking, single, folds)
    )
    assert set(by_window.windows["window_id"]) & set(by_artist.windows["window_id"])
    for pair in ((by_window, by_artist), (by_window, crossed), (crossed, by_artist)):
        with pytest.raises(SplitError, match="at least 3 folds"):
            difference(*pair)


def test_difference_without_common_windows_is_refused(paper_corpus):
    evaluations = []
    for genres in (("blues", "rock"), ("jazz", "pop")):
        corpus = paper_corpus([(g, f"{g} {a}", 6.0) for g in genres for a in range(6)])
        table = window_table(corpus)
        divided = split(table, corpus, folds=3)
        features = np.arange(2.0 * len(table)).reshape(-1, 2)
        evaluations.append(evaluate(KNeighborsClassifier(), features, table, divided))
    with pytest.raises(SplitError, match="tested on different windows"):
        difference(*evaluations)


# --- top-k accuracy and calibration ----------------------------------------------


@pytest.fixture
def make_evaluation(by_artist):
    """Make an evaluation with given or random probabilities of the test windows."""
    columns = ["window_id", "track_id", "genre", "artist"]
    rows = by_artist.table.iloc[by_artist.folds[0].test][columns].reset_index(drop=True)
    genres = ["blues", "jazz", "rock"]

    def make(probabilities=None):
        if probabilities is None:
            probabilities = np.random.default_rng(6).dirichlet(np.ones(3), size=len(rows))
        columns_ = pd.DataFrame(probabilities, columns=genres).reindex(rows.index)
        return Evaluation(rows.assign(fold=0).join(columns_), genres, 1.0, [], by_artist)

    return make


@pytest.mark.parametrize("unit", ["track", "window"])
def test_top_1_accuracy_is_the_accuracy(make_evaluation, by_hand, unit):
    for evaluation in (make_evaluation(), by_hand):
        assert evaluation.top_k_accuracy(1, unit) == evaluation.accuracy(unit)


@pytest.mark.parametrize("unit", ["track", "window"])
def test_top_k_accuracy_rises_with_k(make_evaluation, unit):
    evaluation = make_evaluation()
    scores = [evaluation.top_k_accuracy(k, unit) for k in (0, 1, 2, 3, 4)]
    values = [score.value for score in scores]
    assert values == sorted(values)
    assert (values[0], values[3], values[4]) == (0, 1, 1)
    assert 0 < values[1] < values[2] < 1
    assert {score.n for score in scores} == {scores[0].n}
    assert {score.interval for score in scores} == {evaluation.accuracy(unit).interval}
    table = evaluation.tracks if unit == "track" else evaluation.windows
    ranked = np.array(evaluation.genres)[np.argsort(-table[evaluation.genres], axis=1)]
    among = (ranked[:, :2] == table["genre"].to_numpy()[:, None]).any(axis=1)
    assert evaluation.top_k_accuracy(unit=unit).value == values[2] == among.mean()
    assert all(score.low <= score.value <= score.high for score in scores)


def test_tied_genres_are_correct_only_if_all_are_among_the_top_k(make_evaluation):
    evaluation = make_evaluation(np.full((len(make_evaluation().windows), 3), 1 / 3))
    for unit in ("track", "window"):
        assert [evaluation.top_k_accuracy(k, unit).value for k in (1, 2, 3)] == [0, 0, 1]


def test_calibration_by_hand(by_hand):
    """Confidences are 0.9, 0.6, 0.6, 0.9, 0.8, 0.7, 0.8, 0.7, 0.9, 0.6 and 0.7."""
    table = by_hand.calibration(unit="window", bins=4)
    assert table.columns.tolist() == ["confidence", "accuracy", "low", "high", "n"]
    # Three of six are correct from 0.5 to 0.75, four of five above.
    assert table["n"].tolist() == [6, 5]
    assert table["confidence"].tolist() == pytest.approx([3.9 / 6, 4.3 / 5])
    assert table["accuracy"].tolist() == pytest.approx([3 / 6, 4 / 5])
    bounds = [wilson_interval(3, 6), wilson_interval(4, 5)]
    assert list(zip(table["low"], table["high"], strict=True)) == bounds
    single = by_hand.calibration(unit="window", bins=1)
    assert single.iloc[0, :2].tolist() == pytest.approx([8.2 / 11, 7 / 11])


@pytest.mark.parametrize("unit", ["track", "window"])
@pytest.mark.parametrize("bins", [1, 3, 10, 100])
def test_bins_of_confidence_hold_every_prediction_once(make_evaluation, unit, bins):
    evaluation = make_evaluation()
    table = evaluation.calibration(bins=bins, unit=unit)
    score = evaluation.accuracy(unit)
    assert table["n"].sum() == score.n
    assert (table["accuracy"] @ table["n"]) / score.n == pytest.approx(score.value)
    assert (table["n"] > 0).all()
    assert table["confidence"].is_monotonic_increasing
    assert len(np.unique((table["confidence"] * bins).astype(int))) == len(table)
    assert (
        table[["low", "accuracy", "high"]].apply(lambda row: row.is_monotonic_increasing, 1).all()
    )


def test_last_bin_holds_certain_predictions(make_evaluation):
    rows = make_evaluation().windows
    certain = make_evaluation(np.eye(3)[rows["genre"].map(["blues", "jazz", "rock"].index)])
    table = certain.calibration(unit="window")
    assert table[["confidence", "accuracy", "n"]].to_numpy().tolist() == [[1, 1, len(rows)]]
    assert certain.calibration_error() == certain.calibration_error("window") == 0
    incorrect = make_evaluation(
        np.roll(np.eye(3), 1, axis=1)[rows["genre"].map(certain.genres.index)]
    )
    assert incorrect.calibration_error() == incorrect.calibration_error("window") == 1


def test_calibrated_predictions_have_no_calibration_error(two_genres):
    """Of ten predictions with a confidence of 0.6, six are correct, and so on."""
    table, divided = two_genres
    place = np.arange(len(table)) % 40
    confidence = np.array([0.6, 0.7, 0.8, 0.9])[place // 10]
    correct = place % 10 < np.round(10 * confidence)
    is_blues = (table["genre"] == "blues").to_numpy()
    evaluation = evaluation_with(table, divided, correct)
    of_truth = np.where(correct, confidence, 1 - confidence)
    evaluation.windows["blues"] = np.where(is_blues, of_truth, 1 - of_truth)
    evaluation.windows["rock"] = 1 - evaluation.windows["blues"]
    assert evaluation.calibration_error("window") == pytest.approx(0, abs=1e-12)
    # Five points more confident than correct.
    of_truth = np.where(correct, confidence + 0.05, 0.95 - confidence)
    evaluation.windows["blues"] = np.where(is_blues, of_truth, 1 - of_truth)
    evaluation.windows["rock"] = 1 - evaluation.windows["blues"]
    assert evaluation.calibration_error("window") == pytest.approx(0.05)


# --- genres that are missing in a part ----------------------------------------------


@pytest.mark.parametrize("folds", [1, 3])
def test_genre_without_training_windows_is_refused(toy_corpus, folds):
    corpus, table, _, features = toy_corpus
    divided = split(table, corpus, folds=folds)
    changed = divided.table.copy()
    last = f"fold_{folds - 1}"
    jazz = (changed["genre"] == "jazz") & (changed[last] == "train")
    changed.loc[jazz, last] = "unused"
    without_jazz = dataclasses.replace(divided, table=changed)
    message = rf"genre 'jazz' is tested in fold {folds - 1} and has no window in its training part;"
    with pytest.raises(SplitError, match=message) as caught:
        evaluate(KNeighborsClassifier(), features, table, without_jazz)
    assert "\n" not in str(caught.value)
    assert str(caught.value).endswith(".")


def test_genre_may_be_missing_in_the_test_part(toy_corpus, by_artist, tmp_path):
    corpus, table, _, features = toy_corpus
    changed = by_artist.table.copy()
    changed.loc[(changed["genre"] == "jazz") & (changed["fold_0"] == "test"), "fold_0"] = "unused"
    without_jazz = dataclasses.replace(by_artist, table=changed)
    evaluation = evaluate(KNeighborsClassifier(), features, table, without_jazz)
    assert evaluation.genres == ["blues", "jazz", "rock"]
    assert sorted(evaluation.windows["genre"].unique()) == ["blues", "rock"]
    record = ExperimentRecord.save(
        evaluation, tmp_path, experiment="knn", corpus=corpus, parameters={}
    )
    json.dumps(record.result, allow_nan=False)


# --- nets ----------------------------------------------------------------------------


def test_net_is_validated_and_learns(toy_corpus, by_artist):
    _, table, images, _ = toy_corpus
    net = NetClassifier(
        arguments={"channels": [8, 16], "hidden": 16}, epochs=4, learning_rate=5e-3,
        batch_size=8, device="cpu",
    )  # fmt: skip
    evaluation = evaluate(net, images, table, by_artist)
    assert "valid_accuracy" in evaluation.estimators[0].history_
    assert caveats(evaluation) == []
    assert evaluation.accuracy().value > 0.8


# --- official splits ------------------------------------------------------------


class TakesValid(DummyClassifier):
    """Takes the validation part, and stops early if it has a patience."""

    def __init__(self, patience=None):
        super().__init__(strategy="prior")
        self.patience = patience

    def fit(self, X, y, *, valid=None):
        return super().fit(X, y)


def test_validation_part_of_an_official_split_is_scored(official_corpus, work):
    _, table, features, official = official_corpus
    evaluation = evaluate(KNeighborsClassifier(), features, table, official)
    assert (evaluation.part, evaluation.scored_part) == ("valid", "validation part")
    assert "validation part" in repr(evaluation)
    fold = official.folds[0]
    scored = set(table["window_id"].iloc[fold.valid])
    assert set(evaluation.windows["window_id"]) == scored
    tests = set(table["track_id"].iloc[fold.test])
    for predictions in (evaluation.tracks.reset_index(), evaluation.predictions("window")):
        assert not tests & set(predictions["track_id"])
    # Nothing is noted that was not asked for.
    assert not work.exists()


def test_test_part_of_an_official_split_is_scored_on_request(official_corpus, work):
    _, table, features, official = official_corpus
    evaluation = evaluate(KNeighborsClassifier(), features, table, official, ask_test=True)
    assert (evaluation.part, evaluation.scored_part) == ("test", "test part")
    scored = set(table["window_id"].iloc[official.folds[0].test])
    assert set(evaluation.windows["window_id"]) == scored
    (row,) = read_askings(work / "test_access.csv").itertuples()
    assert (row.corpus, row.part, row.n) == ("paper", "test", 12)
    assert row.score == pytest.approx(evaluation.accuracy().value, abs=1e-6)
    assert (row.description, row.chosen_by) == ("KNeighborsClassifier", "")


def test_each_asking_is_noted_and_seeds_are_one_configuration(official_corpus, work, tmp_path):
    _, table, features, official = official_corpus
    arguments = features, table, official
    words = {"ask_test": True, "description": "a tree", "chosen_by": "validation part"}
    for seed, depth in ((0, 2), (7, 2), (0, 3)):
        tree = DecisionTreeClassifier(random_state=seed, max_depth=depth)
        evaluate(tree, *arguments, test_access=tmp_path / "mine.csv", **words)
    askings = read_askings(tmp_path / "mine.csv")
    first, reseeded, deeper = askings["configuration"]
    assert first == reseeded != deeper
    assert askings["seeds"].tolist() == ["0", "7", "0"]
    assert set(askings["description"]) == {"a tree"}
    assert set(askings["chosen_by"]) == {"validation part"}
    assert not work.exists()


def test_other_protocols_are_scored_as_ever(toy_corpus, by_artist, work):
    corpus, table, _, features = toy_corpus
    for divided in (by_artist, split(table, corpus, folds=3)):
        results = [
            evaluate(KNeighborsClassifier(), features, table, divided, ask_test=asks)
            for asks in (False, True)
        ]
        assert {result.part for result in results} == {"test"}
        pd.testing.assert_frame_equal(*(result.windows for result in results))
    assert results[0].scored_part == "test parts of 3 folds"
    assert not work.exists()


def test_score_that_cannot_be_noted_is_not_computed(official_corpus, tmp_path):
    _, table, features, official = official_corpus
    broken = tmp_path / "test_access.csv"
    broken.write_text("date,corpus\n")

    class Untrained(KNeighborsClassifier):
        def fit(self, X, y):
            raise AssertionError("trained")

    for path in (broken, broken / "below" / "a.csv"):
        with pytest.raises((RecordError, OutputError)) as caught:
            evaluate(
                Untrained(), features, table, official, ask_test=True, test_access=path
            )  # fmt: skip
        assert str(caught.value).startswith(f"{path}: ")
    assert broken.read_text() == "date,corpus\n"


@pytest.mark.parametrize(("patience", "chose"), [(None, False), (3, True)])
def test_early_stopping_on_the_scored_part_is_known(official_corpus, by_artist, patience, chose):
    _, table, features, official = official_corpus
    estimator = TakesValid(patience)
    assert evaluate(estimator, features, table, official).chose_epoch is chose
    asked_for = evaluate(estimator, features, table, official, ask_test=True)
    assert not asked_for.chose_epoch
    assert not evaluate(estimator, features, table, by_artist).chose_epoch
    assert not evaluate(KNeighborsClassifier(), features, table, official).chose_epoch


def test_empty_part_is_refused(official_corpus):
    _, table, features, official = official_corpus
    without = official.table.replace({"fold_0": {"valid": "train"}})
    changed = dataclasses.replace(official, table=without)
    with pytest.raises(SplitError, match="the validation part of fold 0 has no window to score"):
        evaluate(KNeighborsClassifier(), features, table, changed)
