"""Step `feature-space`: shares of variance, neighbours by other artists, maps, trees."""

import numpy as np
import pandas as pd
import pytest

from gtzan_lib.errors import CorpusError
from gtzan_lib.published.measures.feature_space import (
    compare_maps,
    compare_neighbours,
    genre_counts,
    genre_pairs,
    genre_tests,
    genre_tree,
    measure,
    neighbour_shares,
    overlap,
    shares_of_variance,
)
from gtzan_lib.signal.features import features
from gtzan_lib.studies.variance import variance_shares

from .made_up import GENRES, read, task_on, write_features


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_features(tmp_path_factory.mktemp("gtzan") / "features")


@pytest.fixture
def corpus(folder, tmp_path):
    return task_on(folder, tmp_path / "unused").corpus("features-30s")


@pytest.fixture
def table(corpus):
    return features(corpus, 30)


GROUPS = np.array(["a"] * 4 + ["b"] * 4, dtype=object)


def test_the_same_artist_is_no_neighbour():
    points = np.array([[0.0], [0.1], [5.0], [6.0], [5.2], [6.1], [0.3], [9.0]])
    artists = np.array(["x", "x", "y", "z", "u", "v", "w", "t"], dtype=object)
    shares, chance = neighbour_shares(points, GROUPS, artists[:, None] == artists, 1)
    # Nearest to the first is the second, which is by the same artist.
    np.testing.assert_array_equal(shares[0], [0, 1])
    np.testing.assert_array_equal(shares[6], [1, 0])
    np.testing.assert_allclose(chance[0], [2 / 6, 4 / 6])
    np.testing.assert_allclose(chance[7], [4 / 7, 3 / 7])
    free, _ = neighbour_shares(points, GROUPS, np.eye(8, dtype=bool), 1)
    np.testing.assert_array_equal(free[0], [1, 0])


def test_too_few_tracks_by_others():
    same = np.ones((8, 8), dtype=bool)
    with pytest.raises(CorpusError, match="fewer than 3; use more music"):
        neighbour_shares(np.zeros((8, 1)), GROUPS, same, 3)


def test_overlap_adds_up_and_pairs_are_compared_with_the_first(rng):
    genres = np.repeat(np.array(["a", "b", "c"], dtype=object), 40)
    artists = np.array([f"artist {n // 2}" for n in range(120)], dtype=object)
    # Two genres are at one place, the third is far from them.
    points = rng.normal(size=(120, 4)) + 20 * (genres == "c")[:, None]
    table, draws = overlap(points, genres, artists, 5)
    np.testing.assert_allclose(table.groupby(level=0)["share"].sum(), 1)
    assert (table["low"] <= table["share"] + 1e-12).all()
    assert (table["share"] <= table["high"] + 1e-12).all()
    pairs = genre_pairs(table, draws)
    assert pairs[["first", "second"]].to_numpy().tolist()[0] == ["a", "b"]
    assert 0.3 < pairs["share"].iloc[0] < 0.7
    assert pairs["share"].iloc[1:].max() < 0.05
    assert np.isnan(pairs["p_holm"].iloc[0])
    assert (pairs["p_holm"].iloc[1:] < 0.01).all()
    assert (pairs["behind_low"].iloc[1:] > 0).all()


def test_shares_of_variance_are_those_of_the_study(table, corpus):
    variance, groups = shares_of_variance(table, corpus)
    expected = variance_shares(table.frame, table.windows, corpus)
    np.testing.assert_allclose(variance[list(expected)], expected)
    np.testing.assert_allclose(variance[["genre", "artist", "track"]].sum(axis=1), 1)
    whole = groups.loc["all features"]
    assert whole["features"] == len(table.names)
    assert whole["genre"] == pytest.approx(variance["genre"].mean())
    assert whole["genre_low"] < whole["genre"] < whole["genre_high"]
    # The table was made with a variance of artists of 0.49, in tracks of 1, in genres of 0.16.
    assert whole["artist_low"] < 0.49 / 1.65 < whole["artist_high"]
    # Tracks of one artist seem to be more evidence than they are.
    assert whole["genre_ignoring_artist"] > whole["genre"]


def test_one_genre_has_no_share(table, corpus):
    with pytest.raises(CorpusError, match="one genre"):
        shares_of_variance(table, corpus.select(genres=["disco"]))


def test_genres_are_found_where_they_are(corpus, table, rng):
    found = genre_tests(table, corpus, 2000)
    assert found["p"].mean() < 0.2
    assert (found["p_holm"] < 0.05).any()
    table.values[:] = rng.normal(size=table.values.shape)
    noise = genre_tests(table, corpus, 500)
    assert 0.3 < noise["p"].mean() < 0.7
    assert (noise["p_holm"] > 0.05).all()


def test_a_map_that_is_the_space_preserves_everything(rng):
    plane = rng.normal(size=(30, 2))
    genres = np.repeat(np.array(["a", "b", "c"], dtype=object), 10)
    maps = {"same": 2 * plane[:, ::-1], "other": rng.normal(size=(30, 2))}
    found = compare_maps(plane, genres, maps, 3)
    np.testing.assert_allclose(found.loc["same", ["neighbours", "tracks", "genres"]], 1)
    assert found.loc["other", "neighbours"] < 0.4
    assert found["by_chance"].iloc[0] == pytest.approx(3 / 29)


def test_branches_that_are_clear_are_in_all_resamples(rng):
    genres = np.repeat(np.array(["a", "b", "c", "d"], dtype=object), 20)
    artists = np.array([f"artist {n // 2}" for n in range(80)], dtype=object)
    centre = pd.Series({"a": 0, "b": 3, "c": 50, "d": 54})[genres].to_numpy()
    tree = genre_tree(centre[:, None] + rng.normal(size=(80, 2)), genres, artists)
    assert tree["members"].tolist() == ["a, b", "c, d", "a, b, c, d"]
    np.testing.assert_array_equal(tree["support"], 1)
    assert tree["distance"].is_monotonic_increasing


def test_the_artist_filter_takes_away_neighbours_of_the_own_genre(table, corpus):
    found = compare_neighbours(table.values, table, corpus, 5)
    free = found.loc["also by the same artist"]
    assert free["difference"] == pytest.approx(free["share"] - found["share"].iloc[0])
    assert free["difference_low"] > 0
    assert found["tracks"].iloc[0] == len(table)
    assert found["tracks"].iloc[-1] < len(table)
    assert np.isnan(found["difference"].iloc[[0, -1]]).all()


def test_a_genre_of_one_artist_counts_in_no_mean(table, corpus):
    alone = corpus.tracks.copy()
    alone.loc[alone["genre"] == "metal", "artist"] = "one"
    corpus.tracks["artist"] = alone["artist"]
    found = compare_neighbours(table.values, table, corpus, 5)
    assert found["tracks"].iloc[0] == len(table) - 25
    genres, artists = (
        table.windows["genre"].to_numpy(),
        corpus.artists_of(table.windows["track_id"]),
    )
    neighbours, draws = overlap(table.values, genres, artists, 5)
    assert neighbours["low"].isna().groupby(level=0).any().tolist() == [False, False, False, True]
    pairs = genre_pairs(neighbours, draws)
    assert set(pairs["first"]) | set(pairs["second"]) == {"classical", "country", "disco"}
    assert genre_counts(corpus, table).loc["metal", ["artists", "largest"]].tolist() == [1, 25]


def test_the_step_is_small_and_gives_the_same_bytes(folder, tmp_path):
    first, second = (task_on(folder, tmp_path / name) for name in ("first", "second"))
    for task in (first, second):
        measure(task, k=5, perplexity=10, shuffles=100)
    files = sorted(first.folder.iterdir())
    assert [file.stem for file in files] == [
        "components", "correlations", "genres", "groups", "loadings", "maps", "neighbours",
        "overlap", "pairs", "tracks", "tree", "variance",
    ]  # fmt: skip
    for file in files:
        assert file.read_bytes() == (second.folder / file.name).read_bytes()
    assert sum(file.stat().st_size for file in files) < 200_000
    assert first.used == {"features-30s": 100}
    genres = read(first.folder, "genres")
    # One row is a copy of another, and is left out.
    assert genres.index.tolist() == sorted(GENRES)
    assert (genres["listed"] - genres["tracks"]).tolist() == [1, 0, 0, 0]
    # Of a clip, there are two components and places on maps, and no feature.
    tracks = read(first.folder, "tracks")
    assert len(tracks) == 99
    assert [name for name in tracks if name[0] not in "xy"] == ["genre", "artist"]
    assert len(tracks.columns) == 10
