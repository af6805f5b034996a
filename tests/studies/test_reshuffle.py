"""Scores of a test part that is drawn again after training."""

import importlib

import numpy as np
import pandas as pd
import pytest
from sklearn.neighbors import KNeighborsClassifier

from gtzan_lib.data.windows import window_table
from gtzan_lib.errors import SplitError
from gtzan_lib.studies.reshuffle import PARTS, reshuffle

KNN = KNeighborsClassifier(1)


@pytest.fixture(scope="module")
def corpus_and_windows(paper_corpus):
    """Two genres of eight artists with three tracks of four windows."""
    rows = [(g, f"{g} {a}", 12.0) for g in ("blues", "rock") for a in range(8) for _ in "xyz"]
    corpus = paper_corpus(rows)
    return corpus, window_table(corpus)


def features_by(names, *, seed: int = 0) -> np.ndarray:
    """Return random features that are nearly equal for equal names."""
    rng = np.random.default_rng(seed)
    number = pd.factorize(np.asarray(names))[0]
    noise = rng.normal(scale=0.01, size=(len(number), 4))
    return rng.normal(size=(number.max() + 1, 4))[number] + noise


@pytest.fixture
def recorded(monkeypatch):
    """A classifier, and the lists of recorded splits and of arguments of `fit`."""
    # `gtzan_lib.studies.reshuffle` is the function of the same name.
    module = importlib.import_module("gtzan_lib.studies.reshuffle")
    splits, fits = [], []
    plain = module.quiet_split

    def recording_split(table, *args, **kwargs):
        splits.append((table, plain(table, *args, **kwargs)))
        return splits[-1][1]

    class RecordingClassifier(KNeighborsClassifier):
        def fit(self, X, y, valid=None):
            fits.append((X, y, valid))
            return super().fit(X, y)

    monkeypatch.setattr(module, "quiet_split", recording_split)
    return RecordingClassifier(1), splits, fits


def test_unseen_tracks_are_in_no_part(corpus_and_windows, recorded):
    corpus, table = corpus_and_windows
    estimator, splits, fits = recorded
    X = np.hstack([features_by(table["track_id"]), np.arange(len(table))[:, None] * 1e-9])
    result = reshuffle(estimator, X, table, corpus, draws=50)
    ((pool, split),) = splits
    ((train_X, train_y, (valid_X, _)),) = fits
    held_out = ~table["window_id"].isin(pool["window_id"])
    assert not set(table["track_id"][held_out]) & set(pool["track_id"])
    by_genre = table[held_out].groupby("genre")["track_id"].nunique()
    assert by_genre.to_dict() == {"blues": 5, "rock": 5}
    rows = {name: pool.index[getattr(split.folds[0], name)] for name in ("train", "valid", "test")}
    np.testing.assert_array_equal(train_X, X[rows["train"]])
    np.testing.assert_array_equal(valid_X, X[rows["valid"]])
    assert train_y.tolist() == table["genre"].iloc[rows["train"]].tolist()
    fitted = KNeighborsClassifier(1).fit(X[rows["train"]], train_y)
    rows["unseen"] = table.index[held_out]
    for name, part in rows.items():
        score = getattr(result, name)
        assert score.n == len(part)
        assert score.value == fitted.score(X[part], table["genre"].iloc[part])
        assert score.low <= score.value <= score.high
        assert score.interval == "bootstrap over tracks"


def test_overfitted_training_part_and_leaking_test_part(corpus_and_windows):
    corpus, table = corpus_and_windows
    result = reshuffle(KNN, features_by(table["track_id"]), table, corpus, draws=50)
    assert result.train[:3] == (1, 1, 1)
    # Windows of training tracks are predicted correctly, those of other tracks at chance.
    assert result.test.value > 0.8
    assert result.unseen.low < 0.5 < result.unseen.high


@pytest.mark.parametrize("name", ["track_id", "window_id"])
@pytest.mark.parametrize("neighbours", [1, 5])
def test_predicted_score_is_the_mean_of_the_draws(corpus_and_windows, name, neighbours):
    corpus, table = corpus_and_windows
    X, draws = features_by(table[name], seed=3), 2000
    result = reshuffle(KNeighborsClassifier(neighbours), X, table, corpus, draws=draws)
    parts = (result.train, result.valid, result.test)
    total = sum(part.n for part in parts)
    expected = sum(part.value * part.n for part in parts) / total
    assert result.predicted == pytest.approx(expected)
    # Drawn without replacement: the variance of a hypergeometric share.
    size = result.reshuffled.n
    assert size == result.test.n
    deviation = np.sqrt(expected * (1 - expected) / size * (total - size) / (total - 1))
    assert abs(result.reshuffled.value - expected) <= 4 * deviation / np.sqrt(draws) + 1e-12
    assert result.reshuffled.low - 1e-12 <= expected <= result.reshuffled.high + 1e-12
    width = result.reshuffled.high - result.reshuffled.low
    assert width == pytest.approx(2 * 1.96 * deviation, abs=2 / size)


def test_draws_are_reproducible(corpus_and_windows):
    corpus, table = corpus_and_windows
    X = features_by(table["window_id"])
    first = reshuffle(KNN, X, table, corpus, draws=50, seed=1)
    np.random.seed(9)
    assert reshuffle(KNN, X, table, corpus, draws=50, seed=1) == first
    assert reshuffle(KNN, X, table, corpus, draws=50, seed=2) != first


@pytest.mark.parametrize(("held_out", "count"), [(0.0, 1), (0.5, 12), (0.9, 22)])
def test_held_out_share(corpus_and_windows, held_out, count):
    """At least one track of every genre is held out, for any share."""
    corpus, table = corpus_and_windows
    X = features_by(table["track_id"])
    result = reshuffle(KNN, X, table, corpus, held_out=held_out, draws=10)
    assert result.unseen.n == 2 * 4 * count


def test_genre_of_one_track_is_refused(paper_corpus):
    rows = [("blues", f"B{a}", 30.0) for a in range(4)] + [("rock", "R", 30.0)]
    corpus = paper_corpus(rows)
    table = window_table(corpus)
    with pytest.raises(SplitError, match=r"genre 'rock' has none of its 1 tracks left .* out\.$"):
        reshuffle(KNN, features_by(table["track_id"]), table, corpus)


def test_tables_name_all_parts(corpus_and_windows):
    corpus, table = corpus_and_windows
    result = reshuffle(KNN, features_by(table["track_id"]), table, corpus, draws=50)
    assert set(PARTS) == set(result._fields) - {"predicted"}
    assert result.parts == {name: getattr(result, field) for field, name in PARTS.items()}
    assert result.frame.index.tolist() == list(PARTS.values())
    assert result.frame.columns.tolist() == [
        "window accuracy (%)", "low", "high", "windows", "interval",
    ]  # fmt: skip
    for field, name in PARTS.items():
        score = getattr(result, field)
        percent = [100 * bound for bound in score[:3]]
        assert result.frame.loc[name].tolist() == [*percent, score.n, score.interval]
