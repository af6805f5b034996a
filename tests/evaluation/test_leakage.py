"""Leaks: found where they were put, and nowhere else."""

import itertools

import numpy as np
import pandas as pd
import pytest
from sklearn.neighbors import KNeighborsClassifier

from gtzan_lib.data.windows import windows
from gtzan_lib.errors import SplitError
from gtzan_lib.evaluation import leakage
from gtzan_lib.evaluation.comparison import difference
from gtzan_lib.evaluation.leakage import audit
from gtzan_lib.studies.reshuffle import reshuffle

PROTOCOLS = ["window", "track", "artist"]
KNN = KNeighborsClassifier(1)


@pytest.fixture(scope="module")
def music(paper_corpus):
    """Two genres of eight artists with three tracks of four windows."""
    rows = [(g, f"{g} {a}", 12.0) for g in ("blues", "rock") for a in range(8) for _ in "xyz"]
    corpus = paper_corpus(rows)
    return corpus, windows(corpus)


def alike(names, *, spread: float = 0.01, seed: int = 0) -> np.ndarray:
    """Features that are nearly the same for the same name, and tell nothing else."""
    rng = np.random.default_rng(seed)
    number = pd.factorize(np.asarray(names))[0]
    noise = rng.normal(scale=spread, size=(len(number), 4))
    return rng.normal(size=(number.max() + 1, 4))[number] + noise


def artists_of(corpus, table) -> np.ndarray:
    return corpus.tracks["artist"].loc[table["track_id"]].to_numpy()


@pytest.fixture(scope="module")
def audited(music):
    """What knows tracks, artists, genres, and nothing at all."""
    corpus, table = music
    known = {
        "tracks": alike(table["track_id"]),
        "artists": alike(artists_of(corpus, table)),
        "genres": alike(table["genre"]),
        "nothing": alike(table["window_id"]),
    }
    return audit({name: (KNN, X) for name, X in known.items()}, table, corpus, folds=4)


# --- audits -------------------------------------------------------------------


def test_leak_is_found_where_it_was_put(audited):
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


def test_nothing_leaks_where_there_is_nothing_to_leak(audited):
    for unit in ("track", "window"):
        assert audited.leak("genres", unit)[:3] == (0, 0, 0)
        leak = audited.leak("nothing", unit)
        assert abs(leak.value) < 0.2
        assert leak.low < 0 < leak.high
    assert (audited.scores().loc["genres", "accuracy"] == 1).all()


@pytest.mark.parametrize("unit", ["track", "window"])
def test_steps_add_up_to_the_whole_leak(audited, unit):
    steps = audited.steps(unit)
    assert steps.index.names == ["model", "step"]
    for model, own in audited.evaluations.items():
        assert steps.loc[model].index.tolist() == ["window to track", "track to artist"]
        leak = audited.leak(model, unit)
        assert steps.loc[model, "points"].sum() == pytest.approx(leak.value)
        assert leak == difference(own["window"], own["artist"], unit)
        for first, second in itertools.pairwise(own):
            row = steps.loc[(model, f"{first} to {second}")]
            assert tuple(row) == difference(own[first], own[second], unit)[:3]


def test_scores_are_those_of_the_evaluations(audited, music):
    corpus, table = music
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


def test_every_protocol_trains_on_as_many_windows(audited):
    # Of four folds, one is tested and one is for validation.
    assert (audited.scores()["train_windows"] == 96).all()
    for own in audited.evaluations.values():
        for evaluation in own.values():
            assert [len(fold.train) for fold in evaluation.split] == [96] * 4


@pytest.mark.parametrize("unit", ["track", "window"])
@pytest.mark.parametrize(("column", "count"), [("genre", 2), ("artist", 16)])
def test_leak_by_genre_and_artist(audited, music, column, count, unit):
    corpus, table = music
    found = audited.by(column, "tracks", unit)
    assert found.index.name == column
    assert len(found) == count
    assert found["points"].is_monotonic_decreasing
    np.testing.assert_allclose(found["points"], found["leaking"] - found["honest"], atol=1e-12)
    assert found["tracks"].sum() == len(corpus)
    # All have as many windows, so that the mean of theirs is the mean of all.
    assert found["points"].mean() == pytest.approx(audited.leak("tracks", unit).value)
    assert (found["low"] <= found["points"] + 1e-12).all()
    assert (found["points"] <= found["high"] + 1e-12).all()
    ends = [audited.evaluations["tracks"][name] for name in ("window", "artist")]
    names = table["genre"].to_numpy() if column == "genre" else artists_of(corpus, table)
    if unit == "window":
        for name, row in found.iterrows():
            shares = [end.answers("window")["right"][names == name].mean() for end in ends]
            assert row[["leaking", "honest"]].tolist() == pytest.approx(shares)


def test_leak_is_told_of_the_artist_that_has_it(music):
    """One artist's tracks alone are known again."""
    corpus, table = music
    X = alike(table["genre"], spread=0)
    X[:, 3] = 0
    own = artists_of(corpus, table) == "rock 4"
    X[own] = X[0]
    X[own, 3] = 1
    found = audit({"knn": (KNN, X)}, table, corpus, folds=4).by("artist", "knn")
    assert found.index[0] == "rock 4"
    assert found["points"].tolist() == [1] + [0] * 15
    assert tuple(found.iloc[0]) == (1, 1, 1, 3, 1, 0)
    by_genre = audit({"knn": (KNN, X)}, table, corpus, folds=4).by("genre", "knn")
    assert by_genre["points"].to_dict() == pytest.approx({"rock": 1 / 8, "blues": 0})
    assert by_genre.loc["rock", "low"] == 0 < 1 / 8 < by_genre.loc["rock", "high"]


def test_protocols_that_cannot_be_had_are_told(paper_corpus):
    rows = [(g, f"{g} {a}", 6.0) for g in ("blues", "rock") for a in "xy" for _ in range(3)]
    corpus = paper_corpus(rows)
    table = windows(corpus)
    features = alike(table["track_id"])
    found = audit({"knn": (KNN, features)}, table, corpus, folds=3)
    assert found.protocols == ["window", "track"]
    assert list(found.refused) == ["artist"]
    assert "genre 'blues' has 2 artists for 3 parts" in found.refused["artist"]
    assert found.steps().index.tolist() == [("knn", "window to track")]
    assert found.leak("knn").value == pytest.approx(found.steps()["points"].iloc[0])


def test_published_split_stands_beside(music):
    corpus, table = music
    part = ["train", "train", "train", "valid", "test", "test", "train", "dropped"]
    corpus.tracks["partition"] = [one for _ in range(2) for one in part for _ in "xyz"]
    try:
        names = ["window", "artist", "fault-filtered"]
        found = audit(
            {"knn": (KNN, alike(table["track_id"]))}, table, corpus, folds=3, protocols=names
        )
    finally:
        corpus.tracks["partition"] = None
    assert found.protocols == names
    assert found.refused == {}
    assert found.scores().loc[("knn", "fault-filtered"), "tracks"] == 12
    assert found.steps().index.tolist() == [("knn", "window to artist")]
    ends = [found.evaluations["knn"][name] for name in ("window", "artist")]
    assert found.leak("knn") == difference(*ends)
    assert found.by("genre", "knn")["tracks"].sum() == 48


@pytest.mark.parametrize("protocols", [["track"], [], ["track", "fault-filtered"]])
def test_one_protocol_is_no_audit(music, protocols):
    corpus, table = music
    features = alike(table["track_id"])
    with pytest.raises(SplitError, match="/nowhere: an audit needs two protocols and 3 folds") as e:
        audit({"knn": (KNN, features)}, table, corpus, folds=3, protocols=protocols)
    assert "\n" not in str(e.value)


def test_refusals_say_why_there_is_no_audit(music):
    """More folds than artists, or than tracks, leave but one protocol."""
    corpus, table = music
    with pytest.raises(SplitError, match=r"can honour window; genre 'blues' has 24 tracks for"):
        audit({"knn": (KNN, alike(table["track_id"]))}, table, corpus, folds=30)


@pytest.mark.parametrize("seed", [42, 7])
def test_audit_repeats_itself(music, seed):
    corpus, table = music
    models = {"knn": (KNN, alike(table["track_id"]))}
    tables = []
    for state in (1, 2):
        np.random.seed(state)
        found = audit(models, table, corpus, folds=3, seed=seed)
        tables.append((found.scores(), found.steps(), found.by("genre", "knn")))
    for one, other in zip(*tables, strict=True):
        pd.testing.assert_frame_equal(one, other)


def test_other_seed_is_another_audit(music, audited):
    corpus, table = music
    models = {"tracks": (KNN, alike(table["track_id"]))}
    hashes = [
        [own.split.hash for own in found.evaluations["tracks"].values()]
        for found in (audited, audit(models, table, corpus, folds=4, seed=7))
    ]
    assert not set(hashes[0]) & set(hashes[1])


# --- test parts drawn anew ----------------------------------------------------


@pytest.fixture
def watched(monkeypatch):
    """Neighbours, the tables that were split, and what was fitted."""
    tables, fitted = [], []
    split = leakage.split

    def spy(table, *args, **kwargs):
        tables.append((table, split(table, *args, **kwargs)))
        return tables[-1][1]

    class Watched(KNeighborsClassifier):
        def fit(self, X, y, valid=None):
            fitted.append((X, y, valid))
            return super().fit(X, y)

    monkeypatch.setattr(leakage, "split", spy)
    return Watched(1), tables, fitted


def test_unseen_tracks_are_in_no_part(music, watched):
    corpus, table = music
    estimator, tables, fitted = watched
    X = np.hstack([alike(table["track_id"]), np.arange(len(table))[:, None] * 1e-9])
    result = reshuffle(estimator, X, table, corpus, draws=50)
    ((pool, parts),) = tables
    ((shown, genres, (held, _)),) = fitted
    away = ~table["window_id"].isin(pool["window_id"])
    assert not set(table["track_id"][away]) & set(pool["track_id"])
    by_genre = table[away].groupby("genre")["track_id"].nunique()
    assert by_genre.to_dict() == {"blues": 5, "rock": 5}
    rows = {name: pool.index[getattr(parts.folds[0], name)] for name in ("train", "valid", "test")}
    np.testing.assert_array_equal(shown, X[rows["train"]])
    np.testing.assert_array_equal(held, X[rows["valid"]])
    assert genres.tolist() == table["genre"].iloc[rows["train"]].tolist()
    known = KNeighborsClassifier(1).fit(X[rows["train"]], genres)
    rows["unseen"] = table.index[away]
    for name, own in rows.items():
        score = getattr(result, name)
        assert score.n == len(own)
        assert score.value == known.score(X[own], table["genre"].iloc[own])
        assert score.low <= score.value <= score.high
        assert score.interval == "bootstrap over tracks"


def test_what_is_learnt_by_heart_is_right_in_training(music):
    corpus, table = music
    result = reshuffle(KNN, alike(table["track_id"]), table, corpus, draws=50)
    assert result.train[:3] == (1, 1, 1)
    # Windows of tracks it knows are easy, and what it never saw is chance.
    assert result.test.value > 0.8
    assert result.unseen.low < 0.5 < result.unseen.high


@pytest.mark.parametrize("known", ["track_id", "window_id"])
@pytest.mark.parametrize("neighbours", [1, 5])
def test_prediction_is_the_mean_of_the_draws(music, known, neighbours):
    corpus, table = music
    X, draws = alike(table[known], seed=3), 2000
    result = reshuffle(KNeighborsClassifier(neighbours), X, table, corpus, draws=draws)
    parts = (result.train, result.valid, result.test)
    total = sum(part.n for part in parts)
    by_hand = sum(part.value * part.n for part in parts) / total
    assert result.predicted == pytest.approx(by_hand)
    # Drawn without replacement: the variance of a hypergeometric share.
    size = result.reshuffled.n
    assert size == result.test.n
    deviation = np.sqrt(by_hand * (1 - by_hand) / size * (total - size) / (total - 1))
    assert abs(result.reshuffled.value - by_hand) <= 4 * deviation / np.sqrt(draws) + 1e-12
    assert result.reshuffled.low - 1e-12 <= by_hand <= result.reshuffled.high + 1e-12
    width = result.reshuffled.high - result.reshuffled.low
    assert width == pytest.approx(2 * 1.96 * deviation, abs=2 / size)


def test_drawing_anew_repeats_itself(music):
    corpus, table = music
    X = alike(table["window_id"])
    first = reshuffle(KNN, X, table, corpus, draws=50, seed=1)
    np.random.seed(9)
    assert reshuffle(KNN, X, table, corpus, draws=50, seed=1) == first
    assert reshuffle(KNN, X, table, corpus, draws=50, seed=2) != first


@pytest.mark.parametrize(("aside", "count"), [(0.0, 1), (0.5, 12), (0.9, 22)])
def test_share_that_is_kept_away(music, aside, count):
    """At least one track of every genre, whatever is asked for."""
    corpus, table = music
    result = reshuffle(KNN, alike(table["track_id"]), table, corpus, aside=aside, draws=10)
    assert result.unseen.n == 2 * 4 * count


def test_genre_of_one_track_is_refused(paper_corpus):
    rows = [("blues", f"B{a}", 30.0) for a in range(4)] + [("rock", "R", 30.0)]
    corpus = paper_corpus(rows)
    table = windows(corpus)
    with pytest.raises(SplitError, match=r"genre 'rock' would have none of its 1 tracks .* out\.$"):
        reshuffle(KNN, alike(table["track_id"]), table, corpus)


def test_where_no_artist_is_known_tracks_vary_together(paper_corpus):
    corpus = paper_corpus((g, None, 12.0) for g in ("blues", "rock") for _ in range(9))
    table = windows(corpus)
    found = audit({"knn": (KNN, alike(table["track_id"]))}, table, corpus, folds=3)
    assert found.protocols == ["window", "track"]
    for row in found.by("genre", "knn").itertuples():
        assert row.low < row.points < row.high


@pytest.mark.parametrize("unit", ["track", "window"])
def test_steps_add_up_where_some_artists_are_unknown(paper_corpus, unit):
    rows = [(g, f"{g} {a}" if a < 6 else None, 12.0) for g in ("blues", "rock") for a in range(9)]
    corpus = paper_corpus(rows)
    table = windows(corpus)
    found = audit({"knn": (KNN, alike(table["track_id"]))}, table, corpus, folds=3)
    assert found.steps(unit)["points"].sum() == pytest.approx(found.leak("knn", unit).value)


def test_division_that_lacks_a_genre_is_refused(music, monkeypatch):
    """As the published one does for a small part of GTZAN."""
    corpus, table = music
    plain = leakage.split

    def lacking(windows, corpus, *, protocol, **options):
        made = plain(windows, corpus, protocol=protocol, **options)
        if protocol == "track":
            made.table.loc[made.table["genre"] == "blues", "fold_0"] = "test"
        return made

    monkeypatch.setattr(leakage, "split", lacking)
    found = audit({"knn": (KNN, alike(table["track_id"]))}, table, corpus, folds=3)
    assert found.protocols == ["window", "artist"]
    assert "has nothing of genre 'blues'" in found.refused["track"]
