"""Scores and their intervals."""

import dataclasses
import json
import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.dummy import DummyClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import RidgeClassifier
from sklearn.metrics import accuracy_score, confusion_matrix, recall_score
from sklearn.neighbors import KNeighborsClassifier

from gtzan_lib.data.splits import split
from gtzan_lib.data.windows import windows
from gtzan_lib.errors import GtzanWarning, SplitError
from gtzan_lib.evaluation.comparison import difference
from gtzan_lib.evaluation.evaluate import evaluate
from gtzan_lib.evaluation.evaluation import Evaluation
from gtzan_lib.stats import (
    Difference,
    Score,
    bootstrap_interval,
    resampled_means,
    wilson_interval,
)
from gtzan_lib.training.classifier import NetClassifier

# --- intervals ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("right", "n", "low", "high"),
    [
        # Newcombe, Statistics in Medicine 17, 1998, table I, method 3.
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0000, 0.1611),
        (1, 29, 0.0061, 0.1718),
        # By hand: the bound of none right is z² / (n + z²).
        (0, 10, 0.0000, 0.2775),
        (10, 10, 0.7225, 1.0000),
    ],
)
def test_wilson_against_published_values(right, n, low, high):
    assert wilson_interval(right, n) == pytest.approx((low, high), abs=5e-5)


@given(n=st.integers(1, 400), data=st.data())
def test_wilson_is_sane(n, data):
    right = data.draw(st.integers(0, n))
    low, high = wilson_interval(right, n)
    assert 0 <= low <= right / n <= high <= 1
    assert low < high
    # Turned round, it is the interval of the wrong answers; and doubt widens it.
    assert wilson_interval(n - right, n) == pytest.approx((1 - high, 1 - low))
    wide = wilson_interval(right, n, confidence=0.99)
    assert wide[0] <= low
    assert high <= wide[1]


@given(values=st.lists(st.booleans(), min_size=1, max_size=60), groups=st.integers(1, 8))
def test_bootstrap_is_sane(values, groups):
    group = np.arange(len(values)) % groups
    low, high = bootstrap_interval(np.array(values), group, resamples=300)
    means = pd.Series(values, dtype=float).groupby(group).mean()
    assert means.min() - 1e-12 <= low <= high <= means.max() + 1e-12


def test_bootstrap_of_one_group_has_no_width():
    assert bootstrap_interval([1, 0, 1, 1], ["a"] * 4) == (0.75, 0.75)


def test_bootstrap_of_independent_answers_is_wilsons():
    values = np.arange(400) % 4 == 0
    low, high = bootstrap_interval(values, np.arange(400))
    assert (low, high) == pytest.approx(wilson_interval(100, 400), abs=0.01)


def test_answers_that_vary_together_count_once():
    """Ten windows a track that are all right or all wrong are no ten answers."""
    tracks = np.arange(40) % 4 > 0
    narrow = bootstrap_interval(np.repeat(tracks, 10), np.arange(400))
    honest = bootstrap_interval(np.repeat(tracks, 10), np.repeat(np.arange(40), 10))
    alone = bootstrap_interval(tracks, np.arange(40))
    assert honest == pytest.approx(alone)
    assert honest[1] - honest[0] > 2 * (narrow[1] - narrow[0])


def test_bootstrap_repeats_itself():
    values, groups = np.arange(30) % 3 == 0, np.arange(30) // 2
    first = bootstrap_interval(values, groups, seed=1)
    np.random.seed(8)
    assert bootstrap_interval(values, groups, seed=1) == first
    assert bootstrap_interval(values, groups, seed=2) != first


def test_resampled_means_are_those_of_a_plain_loop(rng):
    groups = np.array(["b", "a", "c", "b", "b", "a", "d", "c"])
    values = rng.normal(size=(8, 3))
    names = sorted(set(groups))
    draws = np.random.default_rng(5).integers(4, size=(30, 4))
    expected = []
    for draw in draws:
        rows = [row for number in draw for row in np.flatnonzero(groups == names[number])]
        expected.append(values[rows].mean(axis=0))
    found = resampled_means(values, groups, resamples=30, seed=5)
    np.testing.assert_allclose(found, expected)


def test_columns_of_one_draw_belong_together(rng):
    values = rng.normal(size=(60, 1))
    one, more = resampled_means(np.hstack([values, values + 0.1]), np.arange(60) // 3).T
    np.testing.assert_allclose(more - one, 0.1)
    assert one.std() > 0.01


def test_bootstrap_interval_is_made_of_resampled_means(rng):
    values, groups = rng.normal(size=50), np.arange(50) // 4
    means = resampled_means(values[:, None], groups, resamples=500, seed=3)
    found = bootstrap_interval(values, groups, resamples=500, seed=3, confidence=0.8)
    assert found == pytest.approx(tuple(np.percentile(means, [10, 90])))


def test_score_reads_as_a_sentence():
    score = Score(0.3080, 0.2553, 0.3662, 263, "wilson")
    assert str(score) == "30.8 % (95 % interval 25.5 to 36.6, n = 263)"


# --- evaluations written down by hand -----------------------------------------


@pytest.fixture
def by_hand(paper_corpus):
    """Six tracks, of which windows were answered as follows."""
    rows = [("blues", "A", 6.0), ("blues", "A", 6.0), ("blues", None, 6.0)]
    rows += [("rock", "B", 6.0), ("rock", "C", 6.0), ("rock", "D", 3.0)]
    corpus = paper_corpus(rows)
    table = windows(corpus).drop(columns="start_s")
    table["artist"] = corpus.tracks["artist"].fillna("").loc[table["track_id"]].to_numpy()
    table["fold"] = 0
    # Windows of blues:      0.0  0.1  1.0  1.1  2.0  2.1; of rock:
    table["blues"] = np.array([0.9, 0.4, 0.6, 0.1, 0.8, 0.7, 0.2, 0.3, 0.1, 0.6, 0.7])
    table["rock"] = 1 - table["blues"]
    divided = split(windows(corpus), corpus, protocol="track")
    return Evaluation(table, ["blues", "rock"], 1.0, [], divided)


def test_mean_of_the_windows_decides(by_hand):
    tracks = by_hand.tracks
    assert tracks["blues"].tolist() == pytest.approx([0.65, 0.35, 0.75, 0.25, 0.35, 0.7])
    assert tracks["predicted"].tolist() == ["blues", "rock", "blues", "rock", "rock", "blues"]
    assert by_hand.answers()["right"].tolist() == [True, False, True, True, True, False]
    assert by_hand.answers("window")["right"].sum() == 7


def test_accuracies(by_hand):
    track, window = by_hand.accuracy(), by_hand.accuracy("window")
    assert (track.value, track.n, track.interval) == (pytest.approx(4 / 6), 6, "wilson")
    assert (track.low, track.high) == wilson_interval(4, 6)
    assert (window.value, window.n) == (pytest.approx(7 / 11), 11)
    assert window.interval.startswith("bootstrap")
    assert window.low < window.value < window.high


def test_groups_are_artists_else_tracks(by_hand):
    groups = by_hand.answers()["group"].tolist()
    assert groups == ["A", "A", "blues.00002", "B", "C", "D"]


@pytest.mark.parametrize("unit", ["track", "window"])
def test_tables_are_scikit_learns(by_hand, unit):
    answers = by_hand.answers(unit)
    truth, given_ = answers["genre"], answers["predicted"]
    np.testing.assert_array_equal(by_hand.confusion(unit), confusion_matrix(truth, given_))
    per_genre = by_hand.per_genre(unit)
    np.testing.assert_allclose(per_genre["recall"], recall_score(truth, given_, average=None))
    assert per_genre["n"].sum() == len(answers)
    for genre, row in per_genre.iterrows():
        right = by_hand.confusion(unit).loc[genre, genre]
        assert (row["low"], row["high"]) == pytest.approx(wilson_interval(right, row["n"]))
    assert by_hand.accuracy(unit).value == pytest.approx(accuracy_score(truth, given_))


def test_genre_never_answered_has_no_precision(by_hand):
    by_hand.windows.loc[:, ["blues", "rock"]] = [0.0, 1.0]
    assert np.isnan(by_hand.per_genre().loc["blues", "precision"])
    assert by_hand.per_genre().loc["rock", "precision"] == 0.5
    assert by_hand.confusion().to_numpy().tolist() == [[0, 3], [0, 3]]


def test_chance_is_the_most_frequent_genre(by_hand):
    assert by_hand.chance == 0.5
    # 4 or more of 6 by tossing a coin: (15 + 6 + 1) / 64.
    assert by_hand.p_value == pytest.approx(22 / 64)


# --- evaluate -----------------------------------------------------------------


class NamedInputs(ClassifierMixin, BaseEstimator):
    """Neighbours on two inputs that come as a dict."""

    def fit(self, X, y):
        self.knn_ = KNeighborsClassifier().fit(np.hstack([X["a"], X["b"]]), y)
        self.classes_ = self.knn_.classes_
        return self

    def predict_proba(self, X):
        return self.knn_.predict_proba(np.hstack([X["a"], X["b"]]))

    def predict(self, X):
        return self.classes_[self.predict_proba(X).argmax(axis=1)]


class Watched(KNeighborsClassifier):
    """Neighbours who remember what they were shown."""

    def fit(self, X, y, valid=None):
        self.seen_, self.valid_ = X, valid
        return super().fit(X, y)


def test_neighbours_on_features(lesson, by_artist):
    _, table, _, features = lesson
    neighbours = KNeighborsClassifier(5)
    evaluation = evaluate(neighbours, features, table, by_artist)
    assert not hasattr(neighbours, "classes_")
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


def test_dict_of_inputs(lesson, by_artist):
    _, table, _, features = lesson
    inputs = {"a": features[:, :2], "b": features[:, 2:]}
    evaluation = evaluate(NamedInputs(), inputs, table, by_artist)
    plain = evaluate(KNeighborsClassifier(), features, table, by_artist)
    pd.testing.assert_frame_equal(evaluation.windows, plain.windows)


def test_nothing_of_the_test_part_is_shown(lesson, by_artist):
    _, table, _, features = lesson
    (estimator,) = evaluate(Watched(), features, table, by_artist).estimators
    train, valid, _ = by_artist.folds[0]
    np.testing.assert_array_equal(estimator.seen_, features[train])
    np.testing.assert_array_equal(estimator.valid_[0], features[valid])
    assert estimator.valid_[1].tolist() == table["genre"].iloc[valid].tolist()


@pytest.mark.parametrize("protocol", ["track", "artist"])
def test_out_of_fold_answers_cover_everything_once(lesson, protocol):
    corpus, table, _, features = lesson
    divided = split(table, corpus, protocol=protocol, folds=4)
    evaluation = evaluate(KNeighborsClassifier(), features, table, divided)
    assert evaluation.windows["window_id"].tolist() == table["window_id"].tolist()
    assert sorted(evaluation.tracks.index) == sorted(corpus.tracks.index)
    for number, fold in enumerate(divided):
        assert (evaluation.windows["fold"].iloc[fold.test] == number).all()
    assert evaluation.accuracy().interval == "bootstrap over artists"
    assert len(evaluation.estimators) == 4


def test_saved_split_gives_the_same(lesson, by_artist, tmp_path):
    _, table, _, features = lesson
    loaded = type(by_artist).load(by_artist.save(tmp_path / "split.csv"))
    one, other = (evaluate(KNeighborsClassifier(), features, table, s) for s in (by_artist, loaded))
    assert one.metrics() == other.metrics()


def test_genre_an_estimator_never_saw_has_probability_zero(lesson, by_artist):
    class Blinkered(DummyClassifier):
        def fit(self, X, y):
            return super().fit(X[y != "jazz"], y[y != "jazz"])

    _, table, _, features = lesson
    evaluation = evaluate(Blinkered(), features, table, by_artist)
    assert (evaluation.windows["jazz"] == 0).all()
    assert evaluation.confusion()["jazz"].sum() == 0


@pytest.mark.parametrize(
    "change",
    [
        lambda table: table.iloc[::-1],
        lambda table: table.iloc[:-1],
        lambda table: table.assign(window_id=table["window_id"] + "x"),
    ],
)
def test_split_of_other_windows_is_refused(lesson, by_artist, change):
    _, table, _, features = lesson
    with pytest.raises(SplitError, match="was made from other windows"):
        evaluate(KNeighborsClassifier(), features, change(table), by_artist)


@pytest.mark.parametrize("rows", [0, 239, 241])
def test_features_of_other_windows_are_refused(lesson, by_artist, rows):
    _, table, _, features = lesson
    other = np.resize(features, (rows, 3))
    told = f"there are {rows} rows of data for 240 windows"
    with pytest.raises(SplitError, match=told):
        evaluate(KNeighborsClassifier(), other, table, by_artist)
    with pytest.raises(SplitError, match=told):
        evaluate(NamedInputs(), {"a": features, "b": other}, table, by_artist)


def test_train_accuracy_goes_by_probabilities_as_answers_do(lesson, by_artist):
    class Torn(KNeighborsClassifier):
        """Neighbours who are right in probability, and always say the same."""

        def predict(self, X):
            return np.repeat(self.classes_[:1], len(X))

    _, table, _, features = lesson
    torn, whole = (
        evaluate(kind(1), features, table, by_artist) for kind in (Torn, KNeighborsClassifier)
    )
    assert torn.train_accuracy == whole.train_accuracy == 1
    assert torn.accuracy() == whole.accuracy()


# --- estimators that only decide -----------------------------------------------


@pytest.mark.parametrize("genres", [("blues", "rock"), ("blues", "jazz", "rock")])
def test_decisions_stand_for_probabilities(lesson, genres):
    corpus, table, _, features = lesson
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
    given_ = evaluation.answers("window")["predicted"].tolist()
    assert given_ == fitted.predict(features[test]).tolist()


def test_far_decisions_do_not_overflow(lesson, by_artist):
    class Sure(RidgeClassifier):
        def decision_function(self, X):
            return 1e6 * super().decision_function(X)

    _, table, _, features = lesson
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        evaluation = evaluate(Sure(), features, table, by_artist)
    np.testing.assert_allclose(evaluation.windows[evaluation.genres].sum(axis=1), 1)


# --- warnings of estimators -----------------------------------------------------


class Warner(KNeighborsClassifier):
    """Neighbours who warn while they are fitted."""

    def __init__(self, *kinds):
        super().__init__()
        self.kinds = kinds

    def get_params(self, deep=True):
        return {"kinds": self.kinds}

    def set_params(self, kinds):
        self.kinds = kinds
        return self

    def __sklearn_clone__(self):
        return Warner(*self.kinds)

    def fit(self, X, y):
        for kind in self.kinds:
            warnings.warn("something is odd", kind, stacklevel=1)
        return super().fit(X, y)


@pytest.mark.parametrize("folds", [1, 3])
def test_folds_that_did_not_converge_are_counted(lesson, folds):
    corpus, table, _, features = lesson
    divided = split(table, corpus, folds=folds)
    with warnings.catch_warnings(record=True) as printed:
        warnings.simplefilter("always")
        # Two warnings of one fit are one fold.
        warner = Warner(ConvergenceWarning, ConvergenceWarning)
        evaluation = evaluate(warner, features, table, divided)
    assert printed == []
    assert evaluation.unconverged == folds
    (doubt,) = evaluation.doubts
    assert f"before it converged in {folds} of {folds} folds" in doubt
    assert doubt in evaluation.answer
    assert doubt in evaluation._repr_markdown_()


def test_convergence_is_noticed_where_warnings_are_silenced_or_errors(lesson, by_artist):
    _, table, _, features = lesson
    for action in ("ignore", "error"):
        with warnings.catch_warnings():
            warnings.simplefilter(action)
            evaluation = evaluate(Warner(ConvergenceWarning), features, table, by_artist)
        assert evaluation.unconverged == 1


def test_other_warnings_are_passed_on(lesson, by_artist):
    _, table, _, features = lesson
    with warnings.catch_warnings(record=True) as printed:
        warnings.simplefilter("always")
        evaluation = evaluate(Warner(UserWarning, ConvergenceWarning), features, table, by_artist)
    assert [one.category for one in printed] == [UserWarning]
    assert str(printed[0].message) == "something is odd"
    assert printed[0].filename == __file__
    assert evaluation.unconverged == 1
    with pytest.warns(UserWarning, match="odd"):
        assert evaluate(Warner(UserWarning), features, table, by_artist).unconverged == 0
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(UserWarning):
            evaluate(Warner(UserWarning), features, table, by_artist)


# --- differences -----------------------------------------------------------------


def answered(table, divided, right):
    """An evaluation that answers right in the given windows."""
    columns = ["window_id", "track_id", "genre", "artist"]
    blues = (table["genre"] == "blues").to_numpy()
    said = np.where(right, blues, ~blues).astype(float)
    windows_ = divided.table[columns].assign(fold=0, blues=said, rock=1 - said)
    return Evaluation(windows_, ["blues", "rock"], 1.0, [], divided)


@pytest.fixture(scope="module")
def two_genres(paper_corpus):
    """Two genres of twenty artists with two tracks of four windows, in three folds."""
    rows = [(g, f"{g} {a}", 12.0) for g in ("blues", "rock") for a in range(20) for _ in "xy"]
    corpus = paper_corpus(rows)
    table = windows(corpus)
    return table, split(table, corpus, folds=3)


@pytest.mark.parametrize("unit", ["track", "window"])
def test_difference_is_antisymmetric(two_genres, rng, unit):
    table, divided = two_genres
    one, other = (answered(table, divided, rng.random(len(table)) < p) for p in (0.9, 0.6))
    there, back = difference(one, other, unit), difference(other, one, unit)
    assert there.value == pytest.approx(one.accuracy(unit).value - other.accuracy(unit).value)
    assert there[:3] == pytest.approx((-back.value, -back.high, -back.low))
    assert there.low < there.value < there.high
    assert there.n == back.n == (80 if unit == "track" else 320)
    assert there.interval == "bootstrap over artists"
    assert difference(one, one, unit)[:3] == (0, 0, 0)


def test_difference_is_paired(two_genres):
    """Artists are easy or hard for both; one of them knows one window of each more."""
    table, divided = two_genres
    number = divided.table.groupby("artist").cumcount().to_numpy()
    easy = pd.factorize(divided.table["artist"])[0] % 8
    less, more = (answered(table, divided, number < easy + extra) for extra in (0, 1))
    assert difference(more, less, "window")[:3] == pytest.approx((1 / 8, 1 / 8, 1 / 8))
    low, high = more.accuracy("window")[1:3]
    assert high - low > 0.1


def test_artists_of_a_difference_count_once(two_genres, rng):
    table, divided = two_genres
    artist = pd.factorize(divided.table["artist"])[0]
    wrong = np.zeros(len(table), dtype=bool)
    clumped, loose = rng.random(40)[artist] < 0.7, rng.random(len(table)) < 0.7
    wide, narrow = (
        difference(answered(table, divided, right), answered(table, divided, wrong), "window")
        for right in (clumped, loose)
    )
    assert wide.high - wide.low > 2 * (narrow.high - narrow.low)


def test_intervals_of_differences_cover(two_genres):
    """Of 100 simulated gains of 10 points, about 95 must be covered."""
    table, divided = two_genres
    artist = pd.factorize(divided.table["artist"])[0]
    covered = 0
    for seed in range(100):
        rng = np.random.default_rng(seed)
        # Uniform in the end, so that shares are right: artist by artist, or window by window.
        luck = np.where(rng.random(40) < 0.3, rng.random(40), np.nan)[artist]
        luck = np.where(np.isnan(luck), rng.random(len(table)), luck)
        one, other = (answered(table, divided, luck < share) for share in (0.8, 0.7))
        _, low, high, *_ = difference(one, other, "window")
        covered += low <= 0.1 <= high
    assert 85 <= covered <= 99


@pytest.mark.parametrize("known", [True, False])
def test_groups_are_named(paper_corpus, known):
    rows = [(g, f"{g} {a}" if known else None, 6.0) for g in ("blues", "rock") for a in range(6)]
    corpus = paper_corpus(rows)
    table = windows(corpus)
    divided = split(table, corpus, protocol="track", folds=3)
    one, other = (answered(table, divided, np.arange(24) % n > 0) for n in (2, 3))
    name = "artists" if known else "tracks"
    assert one.grouped_by == name
    assert one.accuracy().interval == difference(one, other).interval == f"bootstrap over {name}"


def test_one_known_artist_is_enough_to_say_artists(by_hand):
    assert by_hand.grouped_by == "artists"


def test_difference_on_other_windows_is_refused(lesson):
    corpus, table, _, features = lesson
    one, other = (
        evaluate(KNeighborsClassifier(), features, table, split(table, corpus, seed=seed))
        for seed in (1, 2)
    )
    with pytest.raises(SplitError, match="tested on different windows"):
        difference(one, other)


def test_leak_is_measured_on_the_same_tracks(lesson):
    corpus, table, _, features = lesson
    with pytest.warns(GtzanWarning):
        leaking = split(table, corpus, protocol="window", folds=3)
    honest = split(table, corpus, folds=3)
    leak, fair = (
        evaluate(KNeighborsClassifier(), features, table, one) for one in (leaking, honest)
    )
    found = difference(leak, fair)
    assert found.n == 60
    assert found.value == pytest.approx(leak.accuracy().value - fair.accuracy().value)
    assert difference(leak, fair, "window").n == 240


def test_leak_with_unknown_artists_is_measured_on_the_others(paper_corpus, rng):
    """Artist folds never test tracks of unknown artist (17 in GTZAN)."""
    rows = [(g, f"{g} {a}", 6.0) for g in ("blues", "rock") for a in range(4)]
    corpus = paper_corpus([*rows, ("rock", None, 6.0)])
    table = windows(corpus)
    with pytest.warns(GtzanWarning):
        leaking = split(table, corpus, protocol="window", folds=3)
    honest = split(table, corpus, folds=3)
    features = rng.normal(size=(len(table), 2))
    leak, fair = (
        evaluate(KNeighborsClassifier(), features, table, one) for one in (leaking, honest)
    )
    for there, back in ((leak, fair), (fair, leak)):
        assert difference(there, back).n == 8
        assert difference(there, back, "window").n == 16
    known = leak.answers().query("group != 'rock.00004'")["right"].mean()
    assert difference(leak, fair).value == pytest.approx(known - fair.accuracy().value)


def test_single_divisions_that_overlap_are_no_comparison(lesson):
    """What both test is left over by chance; out of fold, it is all that can be compared."""
    corpus, table, _, features = lesson
    with pytest.warns(GtzanWarning):
        leaking = split(table, corpus, protocol="window")
    single, folds = split(table, corpus), split(table, corpus, folds=3)
    leak, one, all_of_them = (
        evaluate(KNeighborsClassifier(), features, table, x) for x in (leaking, single, folds)
    )
    assert set(leak.windows["window_id"]) & set(one.windows["window_id"])
    for pair in ((leak, one), (leak, all_of_them), (all_of_them, one)):
        with pytest.raises(SplitError, match="at least 3 folds"):
            difference(*pair)


def test_difference_where_no_window_is_in_both_is_refused(paper_corpus):
    made = []
    for genres in (("blues", "rock"), ("jazz", "pop")):
        corpus = paper_corpus([(g, f"{g} {a}", 6.0) for g in genres for a in range(6)])
        table = windows(corpus)
        divided = split(table, corpus, folds=3)
        features = np.arange(2.0 * len(table)).reshape(-1, 2)
        made.append(evaluate(KNeighborsClassifier(), features, table, divided))
    with pytest.raises(SplitError, match="tested on different windows"):
        difference(*made)


def test_difference_reads_as_a_sentence():
    gap = Difference(0.214, 0.1249, 0.3101, 100, "bootstrap over artists")
    assert str(gap) == "+21.4 points (95 % interval +12.5 to +31.0)"
    loss = Difference(-0.02, -0.05, 0.01, 9, "bootstrap over tracks")
    assert str(loss) == "-2.0 points (95 % interval -5.0 to +1.0)"


# --- how sure, and how nearly right ----------------------------------------------


@pytest.fixture
def unsure(lesson, by_artist):
    """Make an evaluation of given probabilities of the test windows."""
    columns = ["window_id", "track_id", "genre", "artist"]
    rows = by_artist.table.iloc[by_artist.folds[0].test][columns].reset_index(drop=True)
    genres = ["blues", "jazz", "rock"]

    def make(probabilities=None):
        if probabilities is None:
            probabilities = np.random.default_rng(6).dirichlet(np.ones(3), size=len(rows))
        told = pd.DataFrame(probabilities, columns=genres).reindex(rows.index)
        return Evaluation(rows.assign(fold=0).join(told), genres, 1.0, [], by_artist)

    return make


@pytest.mark.parametrize("unit", ["track", "window"])
def test_first_answer_is_the_accuracy(unsure, by_hand, unit):
    for evaluation in (unsure(), by_hand):
        assert evaluation.top(1, unit) == evaluation.accuracy(unit)


@pytest.mark.parametrize("unit", ["track", "window"])
def test_more_answers_are_right_more_often(unsure, unit):
    evaluation = unsure()
    scores = [evaluation.top(k, unit) for k in (0, 1, 2, 3, 4)]
    values = [score.value for score in scores]
    assert values == sorted(values)
    assert (values[0], values[3], values[4]) == (0, 1, 1)
    assert 0 < values[1] < values[2] < 1
    assert {score.n for score in scores} == {scores[0].n}
    assert {score.interval for score in scores} == {evaluation.accuracy(unit).interval}
    table = evaluation.tracks if unit == "track" else evaluation.windows
    ranked = np.array(evaluation.genres)[np.argsort(-table[evaluation.genres], axis=1)]
    among = (ranked[:, :2] == table["genre"].to_numpy()[:, None]).any(axis=1)
    assert evaluation.top(unit=unit).value == values[2] == among.mean()
    assert all(score.low <= score.value <= score.high for score in scores)


def test_all_the_same_is_no_answer(unsure):
    """An estimator that cannot choose is right when it may name every genre."""
    evaluation = unsure(np.full((len(unsure().windows), 3), 1 / 3))
    for unit in ("track", "window"):
        assert [evaluation.top(k, unit).value for k in (1, 2, 3)] == [0, 0, 1]


def test_calibration_by_hand(by_hand):
    """Windows answer with 0.9, 0.6, 0.6, 0.9, 0.8, 0.7, 0.8, 0.7, 0.9, 0.6 and 0.7."""
    table = by_hand.calibration(unit="window", bins=4)
    assert table.columns.tolist() == ["confidence", "accuracy", "low", "high", "n"]
    # 0.5 to 0.75: right are the third, sixth and eighth of six; above: three of five.
    assert table["n"].tolist() == [6, 5]
    assert table["confidence"].tolist() == pytest.approx([3.9 / 6, 4.3 / 5])
    assert table["accuracy"].tolist() == pytest.approx([3 / 6, 4 / 5])
    bounds = [wilson_interval(3, 6), wilson_interval(4, 5)]
    assert list(zip(table["low"], table["high"], strict=True)) == bounds
    one = by_hand.calibration(unit="window", bins=1)
    assert one.iloc[0, :2].tolist() == pytest.approx([8.2 / 11, 7 / 11])


@pytest.mark.parametrize("unit", ["track", "window"])
@pytest.mark.parametrize("bins", [1, 3, 10, 100])
def test_steps_of_confidence_hold_every_answer_once(unsure, unit, bins):
    evaluation = unsure()
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


def test_the_last_step_holds_what_is_certain(unsure):
    rows = unsure().windows
    certain = unsure(np.eye(3)[rows["genre"].map(["blues", "jazz", "rock"].index)])
    table = certain.calibration(unit="window")
    assert table[["confidence", "accuracy", "n"]].to_numpy().tolist() == [[1, 1, len(rows)]]
    assert certain.calibration_error() == certain.calibration_error("window") == 0
    wrong = unsure(np.roll(np.eye(3), 1, axis=1)[rows["genre"].map(certain.genres.index)])
    assert wrong.calibration_error() == wrong.calibration_error("window") == 1


def test_as_sure_as_right_has_no_calibration_error(two_genres):
    """Of ten answers with 0.6, six are right, and so on."""
    table, divided = two_genres
    place = np.arange(len(table)) % 40
    sure = np.array([0.6, 0.7, 0.8, 0.9])[place // 10]
    right = place % 10 < np.round(10 * sure)
    blues = (table["genre"] == "blues").to_numpy()
    evaluation = answered(table, divided, right)
    said = np.where(right, sure, 1 - sure)
    evaluation.windows["blues"] = np.where(blues, said, 1 - said)
    evaluation.windows["rock"] = 1 - evaluation.windows["blues"]
    assert evaluation.calibration_error("window") == pytest.approx(0, abs=1e-12)
    # Ten points more than they should be, all of them.
    bolder = np.where(right, sure + 0.05, 0.95 - sure)
    evaluation.windows["blues"] = np.where(blues, bolder, 1 - bolder)
    evaluation.windows["rock"] = 1 - evaluation.windows["blues"]
    assert evaluation.calibration_error("window") == pytest.approx(0.05)


def test_metrics_tell_both(unsure):
    evaluation = unsure()
    metrics = evaluation.metrics()
    for unit in ("track", "window"):
        assert metrics[unit]["top2"] == evaluation.top(2, unit).value
        assert metrics[unit]["calibration_error"] == evaluation.calibration_error(unit)


# --- genres that cannot be learnt --------------------------------------------------


@pytest.mark.parametrize("folds", [1, 3])
def test_genre_without_training_windows_is_refused(lesson, folds):
    corpus, table, _, features = lesson
    divided = split(table, corpus, folds=folds)
    changed = divided.table.copy()
    last = f"fold_{folds - 1}"
    jazz = (changed["genre"] == "jazz") & (changed[last] == "train")
    changed.loc[jazz, last] = "unused"
    less = dataclasses.replace(divided, table=changed)
    message = rf"genre 'jazz' is tested in fold {folds - 1} and has no window in its training part;"
    with pytest.raises(SplitError, match=message) as caught:
        evaluate(KNeighborsClassifier(), features, table, less)
    assert "\n" not in str(caught.value)
    assert str(caught.value).endswith(".")


def test_genre_that_is_only_trained_on_is_no_trouble(lesson, by_artist):
    _, table, _, features = lesson
    changed = by_artist.table.copy()
    changed.loc[(changed["genre"] == "jazz") & (changed["fold_0"] == "test"), "fold_0"] = "unused"
    less = dataclasses.replace(by_artist, table=changed)
    evaluation = evaluate(KNeighborsClassifier(), features, table, less)
    assert evaluation.genres == ["blues", "jazz", "rock"]
    assert sorted(evaluation.windows["genre"].unique()) == ["blues", "rock"]
    json.dumps(evaluation.metrics(), allow_nan=False)


# --- what is written down -----------------------------------------------------


def test_metrics_are_plain_numbers(lesson, by_artist):
    _, table, _, features = lesson
    evaluation = evaluate(KNeighborsClassifier(), features, table, by_artist)
    metrics = evaluation.metrics()
    assert json.loads(json.dumps(metrics, allow_nan=False)) == json.loads(json.dumps(metrics))
    assert metrics["track"]["value"] == evaluation.accuracy().value
    assert metrics["track"]["low"] <= metrics["track"]["value"] <= metrics["track"]["high"]
    confused = sum(n for row in metrics["confusion"].values() for n in row.values())
    assert confused == metrics["track"]["n"] == len(evaluation.tracks)
    assert metrics["unconverged"] == 0
    assert dataclasses.replace(evaluation, unconverged=2).metrics()["unconverged"] == 2


def test_page_says_what_came_out(lesson, by_artist):
    _, table, _, features = lesson
    evaluation = evaluate(KNeighborsClassifier(), features, table, by_artist)
    assert evaluation.doubts == []
    text = evaluation._repr_markdown_()
    assert f"**Track accuracy: {evaluation.accuracy()}.**" in text
    assert "Split by artist, one test part" in text
    assert evaluation.answer == f"{evaluation.accuracy()}, split by artist."
    assert "artist" in repr(evaluation)


def test_page_says_when_nothing_was_learnt(lesson, by_artist):
    _, table, _, features = lesson
    evaluation = evaluate(DummyClassifier(strategy="most_frequent"), features, table, by_artist)
    untrained, chance = evaluation.doubts
    assert "33 % of its own training windows" in untrained
    assert "not better than chance" in chance
    for doubt in evaluation.doubts:
        assert doubt in evaluation._repr_markdown_()
        assert doubt in evaluation.answer


def test_page_says_when_only_the_test_failed(lesson, by_artist, rng):
    """Neighbours know their own noise by heart, and nothing else."""
    _, table, _, _ = lesson
    noise = rng.normal(size=(len(table), 3))
    evaluation = evaluate(KNeighborsClassifier(1), noise, table, by_artist)
    assert evaluation.train_accuracy == 1
    (doubt,) = evaluation.doubts
    assert "not better than chance" in doubt


def test_net_is_validated_and_learns(lesson, by_artist):
    _, table, images, _ = lesson
    net = NetClassifier(
        arguments={"channels": [8, 16], "hidden": 16}, epochs=4, learning_rate=5e-3,
        batch_size=8, device="cpu",
    )  # fmt: skip
    evaluation = evaluate(net, images, table, by_artist)
    assert "valid_accuracy" in evaluation.estimators[0].history_
    assert evaluation.doubts == []
    assert evaluation.accuracy().value > 0.8
