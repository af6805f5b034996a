"""Leakage audits of features with known leaks."""

import itertools

import numpy as np
import pandas as pd
import pytest
from sklearn.neighbors import KNeighborsClassifier

from gtzan_lib.data.windows import window_table
from gtzan_lib.errors import SplitError
from gtzan_lib.evaluation import leakage
from gtzan_lib.evaluation.comparison import difference
from gtzan_lib.evaluation.leakage import audit

PROTOCOLS = ["window", "track", "artist"]
KNN = KNeighborsClassifier(1)


@pytest.fixture(scope="module")
def corpus_and_windows(paper_corpus):
    """Two genres of eight artists with three tracks of four windows."""
    rows = [(g, f"{g} {a}", 12.0) for g in ("blues", "rock") for a in range(8) for _ in "xyz"]
    corpus = paper_corpus(rows)
    return corpus, window_table(corpus)


def features_by(names, *, spread: float = 0.01, seed: int = 0) -> np.ndarray:
    """Return random features that are nearly equal for equal names."""
    rng = np.random.default_rng(seed)
    number = pd.factorize(np.asarray(names))[0]
    noise = rng.normal(scale=spread, size=(len(number), 4))
    return rng.normal(size=(number.max() + 1, 4))[number] + noise


def artists_of(corpus, table) -> np.ndarray:
    return corpus.tracks["artist"].loc[table["track_id"]].to_numpy()


@pytest.fixture(scope="module")
def audited(corpus_and_windows):
    """An audit of features that identify tracks, artists, genres or windows only."""
    corpus, table = corpus_and_windows
    features = {
        "tracks": features_by(table["track_id"]),
        "artists": features_by(artists_of(corpus, table)),
        "genres": features_by(table["genre"]),
        "windows": features_by(table["window_id"]),
    }
    return audit({name: (KNN, X) for name, X in features.items()}, table, corpus, folds=4)


# --- audits -------------------------------------------------------------------


def test_leaks_of_tracks_and_artists_are_found(audited):
    steps = audited.steps("window")["points"]
    assert steps["tracks", "window to track"] > 0.25
    assert abs(steps["tracks", "track to artist"]) < 0.25
    assert abs(steps["artists", "window to track"]) < 0.15
    assert steps["artists", "track to artist"] > 0.25
    for model in ("tracks", "artists"):
        for unit in ("track", "window"):
            leak = audited.leak(model, unit)
            assert leak.value > 0.25
            assert 0 < leak.low < leak.value < leak.high


def test_features_of_genres_and_windows_do_not_leak(audited):
    for unit in ("track", "window"):
        assert audited.leak("genres", unit)[:3] == (0, 0, 0)
        leak = audited.leak("windows", unit)
        assert abs(leak.value) < 0.2
        assert leak.low < 0 < leak.high
    assert (audited.scores().loc["genres", "accuracy"] == 1).all()


@pytest.mark.parametrize("unit", ["track", "window"])
def test_steps_add_up_to_the_whole_leak(audited, unit):
    steps = audited.steps(unit)
    assert steps.index.names == ["model", "step"]
    for model, evaluations in audited.evaluations.items():
        assert steps.loc[model].index.tolist() == ["window to track", "track to artist"]
        leak = audited.leak(model, unit)
        assert steps.loc[model, "points"].sum() == pytest.approx(leak.value)
        assert leak == difference(evaluations["window"], evaluations["artist"], unit)
        for first, second in itertools.pairwise(evaluations):
            row = steps.loc[(model, f"{first} to {second}")]
            assert tuple(row) == difference(evaluations[first], evaluations[second], unit)[:3]


def test_scores_are_those_of_the_evaluations(audited, corpus_and_windows):
    corpus, table = corpus_and_windows
    scores = audited.scores()
    assert scores.index.names == ["model", "protocol"]
    assert audited.protocols == PROTOCOLS
    assert audited.refused == {}
    for (model, protocol), row in scores.iterrows():
        evaluation = audited.evaluations[model][protocol]
        assert evaluation.split.protocol == protocol
        assert evaluation.windows["window_id"].tolist() == table["window_id"].tolist()
        assert row["tracks"] == len(corpus)
        assert tuple(row[["accuracy", "low", "high"]]) == evaluation.accuracy()[:3]
        expected = evaluation.accuracy("window")[:3]
        assert tuple(row[["window_accuracy", "window_low", "window_high"]]) == expected


def test_every_protocol_trains_on_the_same_number_of_windows(audited):
    # Of four folds, one is for testing and one for validation.
    assert (audited.scores()["train_windows"] == 96).all()
    for evaluations in audited.evaluations.values():
        for evaluation in evaluations.values():
            assert [len(fold.train) for fold in evaluation.split] == [96] * 4


@pytest.mark.parametrize("unit", ["track", "window"])
@pytest.mark.parametrize(("column", "count"), [("genre", 2), ("artist", 16)])
def test_leak_by_genre_and_artist(audited, corpus_and_windows, column, count, unit):
    corpus, table = corpus_and_windows
    leaks = audited.leak_by(column, "tracks", unit)
    assert leaks.index.name == column
    assert len(leaks) == count
    assert leaks["points"].is_monotonic_decreasing
    np.testing.assert_allclose(leaks["points"], leaks["leaking"] - leaks["strict"], atol=1e-12)
    assert leaks["tracks"].sum() == len(corpus)
    # All have the same number of windows, so that the mean over rows is the mean over windows.
    assert leaks["points"].mean() == pytest.approx(audited.leak("tracks", unit).value)
    assert (leaks["low"] <= leaks["points"] + 1e-12).all()
    assert (leaks["points"] <= leaks["high"] + 1e-12).all()
    pair = [audited.evaluations["tracks"][name] for name in ("window", "artist")]
    names = table["genre"].to_numpy() if column == "genre" else artists_of(corpus, table)
    if unit == "window":
        correct = [evaluation.predictions("window")["correct"] for evaluation in pair]
        for name, row in leaks.iterrows():
            shares = [column[names == name].mean() for column in correct]
            assert row[["leaking", "strict"]].tolist() == pytest.approx(shares)


def test_leak_is_attributed_to_its_artist(corpus_and_windows):
    """Only the tracks of one artist can be recognised by their artist."""
    corpus, table = corpus_and_windows
    X = features_by(table["genre"], spread=0)
    X[:, 3] = 0
    of_artist = artists_of(corpus, table) == "rock 4"
    X[of_artist] = X[0]
    X[of_artist, 3] = 1
    result = audit({"knn": (KNN, X)}, table, corpus, folds=4)
    by_artist, by_genre = result.leak_by("artist", "knn"), result.leak_by("genre", "knn")
    assert by_artist.index[0] == "rock 4"
    assert by_artist["points"].tolist() == [1] + [0] * 15
    assert tuple(by_artist.iloc[0]) == (1, 1, 1, 3, 1, 0)
    assert by_genre["points"].to_dict() == pytest.approx({"rock": 1 / 8, "blues": 0})
    assert by_genre.loc["rock", "low"] == 0 < 1 / 8 < by_genre.loc["rock", "high"]


def test_impossible_protocols_are_listed(paper_corpus):
    rows = [(g, f"{g} {a}", 6.0) for g in ("blues", "rock") for a in "xy" for _ in range(3)]
    corpus = paper_corpus(rows)
    table = window_table(corpus)
    features = features_by(table["track_id"])
    result = audit({"knn": (KNN, features)}, table, corpus, folds=3)
    assert result.protocols == ["window", "track"]
    assert list(result.refused) == ["artist"]
    assert "genre 'blues' has 2 artists for 3 parts" in result.refused["artist"]
    assert result.steps().index.tolist() == [("knn", "window to track")]
    assert result.leak("knn").value == pytest.approx(result.steps()["points"].iloc[0])


def test_published_split_is_reported_with_the_others(corpus_and_windows):
    corpus, table = corpus_and_windows
    parts = ["train", "train", "train", "valid", "test", "test", "train", "dropped"]
    corpus.tracks["partition"] = [part for _ in range(2) for part in parts for _ in "xyz"]
    try:
        names = ["window", "artist", "official"]
        result = audit(
            {"knn": (KNN, features_by(table["track_id"]))}, table, corpus, folds=3, protocols=names
        )
    finally:
        corpus.tracks["partition"] = None
    assert result.protocols == names
    assert result.refused == {}
    scores = result.scores().xs("knn")
    assert scores["part"].to_dict() == {
        "window": "test part", "artist": "test part", "official": "validation part"
    }  # fmt: skip
    assert scores.loc["official", "tracks"] == 6
    assert result.steps().index.tolist() == [("knn", "window to artist")]
    pair = [result.evaluations["knn"][name] for name in ("window", "artist")]
    assert result.leak("knn") == difference(*pair)
    assert result.leak_by("genre", "knn")["tracks"].sum() == 48


@pytest.mark.parametrize("protocols", [["track"], [], ["track", "official"]])
def test_audit_of_one_protocol_is_refused(corpus_and_windows, protocols):
    corpus, table = corpus_and_windows
    features = features_by(table["track_id"])
    message = "/nowhere: an audit needs two protocols with at least 3 folds"
    with pytest.raises(SplitError, match=message) as caught:
        audit({"knn": (KNN, features)}, table, corpus, folds=3, protocols=protocols)
    assert "\n" not in str(caught.value)


def test_refusal_names_the_first_impossible_protocol(corpus_and_windows):
    """With more folds than tracks only one protocol is possible."""
    corpus, table = corpus_and_windows
    with pytest.raises(SplitError, match=r"possible are window; genre 'blues' has 24 tracks for"):
        audit({"knn": (KNN, features_by(table["track_id"]))}, table, corpus, folds=30)


@pytest.mark.parametrize("seed", [42, 7])
def test_audit_depends_on_its_seed_only(corpus_and_windows, seed):
    corpus, table = corpus_and_windows
    models = {"knn": (KNN, features_by(table["track_id"]))}
    tables = []
    for state in (1, 2):
        np.random.seed(state)
        result = audit(models, table, corpus, folds=3, seed=seed)
        tables.append((result.scores(), result.steps(), result.leak_by("genre", "knn")))
    for first, second in zip(*tables, strict=True):
        pd.testing.assert_frame_equal(first, second)


def test_other_seed_makes_other_splits(corpus_and_windows, audited):
    corpus, table = corpus_and_windows
    models = {"tracks": (KNN, features_by(table["track_id"]))}
    hashes = [
        [evaluation.split.hash for evaluation in result.evaluations["tracks"].values()]
        for result in (audited, audit(models, table, corpus, folds=4, seed=7))
    ]
    assert not set(hashes[0]) & set(hashes[1])


def test_tracks_are_the_groups_if_no_artist_is_known(paper_corpus):
    corpus = paper_corpus((g, None, 12.0) for g in ("blues", "rock") for _ in range(9))
    table = window_table(corpus)
    result = audit({"knn": (KNN, features_by(table["track_id"]))}, table, corpus, folds=3)
    assert result.protocols == ["window", "track"]
    for row in result.leak_by("genre", "knn").itertuples():
        assert row.low < row.points < row.high


@pytest.mark.parametrize("unit", ["track", "window"])
def test_steps_add_up_if_some_artists_are_unknown(paper_corpus, unit):
    rows = [(g, f"{g} {a}" if a < 6 else None, 12.0) for g in ("blues", "rock") for a in range(9)]
    corpus = paper_corpus(rows)
    table = window_table(corpus)
    result = audit({"knn": (KNN, features_by(table["track_id"]))}, table, corpus, folds=3)
    assert result.steps(unit)["points"].sum() == pytest.approx(result.leak("knn", unit).value)


def test_split_whose_training_part_lacks_a_genre_is_refused(corpus_and_windows, monkeypatch):
    """Such as the published split of a small part of GTZAN."""
    corpus, table = corpus_and_windows
    plain = leakage.quiet_split

    def split_without_blues(windows, corpus, *, protocol, **options):
        split = plain(windows, corpus, protocol=protocol, **options)
        if protocol == "track":
            split.table.loc[split.table["genre"] == "blues", "fold_0"] = "test"
        return split

    monkeypatch.setattr(leakage, "quiet_split", split_without_blues)
    result = audit({"knn": (KNN, features_by(table["track_id"]))}, table, corpus, folds=3)
    assert result.protocols == ["window", "artist"]
    assert "has no window of genre 'blues'" in result.refused["track"]
