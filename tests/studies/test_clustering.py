"""Clustering, and the agreement of clusters with genres and artists."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import (
    adjusted_rand_score,
    normalized_mutual_info_score,
    silhouette_score,
)

from gtzan_lib.data.windows import window_table
from gtzan_lib.errors import ModelError
from gtzan_lib.studies.clustering import (
    agreement,
    cluster,
    representative_tracks,
    scan_k,
    stability,
)

ARI, NMI = "adjusted Rand index", "normalised mutual information"


def blobs(k, *, n=20, scale=0.2, seed=0):
    """Return `k` clouds of points on a circle, and the cloud of each point."""
    rng = np.random.default_rng(seed)
    cloud = np.arange(k * n) % k
    angle = 2 * np.pi * cloud / k
    centres = 5 * np.column_stack([np.cos(angle), np.sin(angle)])
    return centres + rng.normal(scale=scale, size=(k * n, 2)), cloud


@pytest.fixture(scope="module")
def collection(paper_corpus):
    """Five genres of six artists with two tracks of three windows."""
    rows = [(f"g{g}", f"{g}.{a}", 9.0) for g in range(5) for a in range(6) for _ in "xy"]
    corpus = paper_corpus(rows)
    return corpus, window_table(corpus)


def codes(names):
    """Return integer codes of names."""
    return pd.factorize(np.asarray(names))[0]


def labels_by_genre(genre, artist, rng):
    """Return the genres as clusters, random for 30 % of the artists and 20 % of the windows."""
    n_genres = genre.max() + 1
    n_artists = artist.max() + 1
    random_artists = rng.random(n_artists) < 0.3
    labels = np.where(random_artists[artist], rng.integers(n_genres, size=n_artists)[artist], genre)
    random_windows = rng.random(len(labels)) < 0.2
    return np.where(random_windows, rng.integers(n_genres, size=len(labels)), labels)


# --- clusters -----------------------------------------------------------------


@pytest.mark.parametrize("k", [2, 3, 6])
def test_clusters_of_separate_clouds(k):
    X, cloud = blobs(k)
    fitted = cluster(X, k)
    assert fitted.n_clusters == k == len(fitted.cluster_centers_)
    assert adjusted_rand_score(cloud, fitted.labels_) == 1


def test_number_of_clusters():
    X, _ = blobs(4)
    for k in (2, 7, 79):
        assert len(set(cluster(X, k).labels_)) == k


def test_same_seed_same_clusters(rng):
    X = rng.normal(size=(150, 3))
    first = cluster(X, 6, seed=2, starts=1)
    np.random.seed(50)
    np.testing.assert_array_equal(first.labels_, cluster(X, 6, seed=2, starts=1).labels_)
    assert (first.labels_ != cluster(X, 6, seed=3, starts=1).labels_).any()


def test_best_of_several_starts_is_kept(rng):
    X = rng.normal(size=(150, 3))
    single = [cluster(X, 8, seed=seed, starts=1).inertia_ for seed in range(8)]
    assert cluster(X, 8, starts=20).inertia_ < np.mean(single)


@pytest.mark.parametrize("k", [-1, 0, 1, 20, 21, 1000])
def test_impossible_number_of_clusters_is_refused(k):
    X, _ = blobs(4, n=5)
    for call in (lambda: cluster(X, k), lambda: scan_k(X, [2, k]), lambda: stability(X, k, [0, 1])):
        with pytest.raises(ModelError, match=f"^{k} clusters of 20 different .* from 2 to 19"):
            call()


def test_duplicates_count_once():
    X, _ = blobs(4, n=5)
    repeated = np.repeat(X[:6], 10, axis=0)
    assert len(set(cluster(repeated, 5).labels_)) == 5
    with pytest.raises(ModelError, match="6 clusters of 6 different windows"):
        cluster(repeated, 6)


@pytest.mark.parametrize(
    ("rows", "distinct"),
    [([[0.0, 0.0]] * 5, 1), ([[0.0, 0.0]], 1), ([[0.0, 0.0], [1.0, 1.0]] * 5, 2)],
)
@pytest.mark.parametrize("k", [1, 2, 3])
def test_too_few_different_windows_are_refused(rows, distinct, k):
    """The message does not suggest an empty range of `k`."""
    X = np.array(rows)
    for call in (lambda: cluster(X, k), lambda: scan_k(X, [k]), lambda: stability(X, k, [0, 1])):
        with pytest.raises(
            ModelError, match=f"^{distinct} different windows are too few for clustering"
        ):
            call()


def test_three_windows_are_enough():
    assert scan_k(np.eye(3), [2])["inertia"].item() == pytest.approx(1)


def test_scan_is_a_table_by_k():
    X, _ = blobs(4)
    table = scan_k(X, (2, 6, 4), seed=5)
    assert table.index.tolist() == [2, 6, 4]
    assert table.index.name == "k"
    for k, row in table.iterrows():
        fitted = cluster(X, k, seed=5)
        distances = ((X - fitted.cluster_centers_[fitted.labels_]) ** 2).sum()
        assert row["inertia"] == pytest.approx(distances)
        assert row["silhouette"] == pytest.approx(silhouette_score(X, fitted.labels_))
    assert table["silhouette"].idxmax() == 4
    assert table["inertia"].idxmin() == 6


def test_clouds_are_stable_and_noise_is_not(rng):
    clouds, _ = blobs(3)
    np.testing.assert_array_equal(stability(clouds, 3, [0, 1, 2, 3]), np.ones(6))
    noise = rng.normal(size=(200, 4))
    pairs = stability(noise, 8, [4, 5, 6])
    assert len(pairs) == 3
    assert pairs.max() < 0.9
    single = [cluster(noise, 8, seed=seed, starts=1).labels_ for seed in (4, 5, 6)]
    expected = [adjusted_rand_score(single[a], single[b]) for a, b in ((0, 1), (0, 2), (1, 2))]
    np.testing.assert_allclose(pairs, expected)


@pytest.mark.parametrize("seeds", [[], [0]])
def test_stability_of_a_single_seed_is_refused(seeds):
    with pytest.raises(ModelError, match="needs at least two seeds"):
        stability(blobs(3)[0], 3, seeds)


def test_representative_track_is_nearest_to_the_centre(rng):
    X = rng.normal(size=(90, 3))
    tracks = np.array([f"t{row // 3}" for row in range(90)])
    fitted = cluster(X, 5)
    representatives = representative_tracks(X, fitted, tracks)
    assert list(representatives) == [0, 1, 2, 3, 4]
    for number, centre in enumerate(fitted.cluster_centers_):
        row = ((X - centre) ** 2).sum(axis=1).argmin()
        assert fitted.labels_[row] == number
        assert representatives[number] == tracks[row]


# --- agreement ----------------------------------------------------------------


def test_agreement_equals_scikit_learn(collection, rng):
    corpus, table = collection
    labels = labels_by_genre(
        codes(table["genre"]), codes(corpus.artists_of(table["track_id"])), rng
    )
    names = {"genre": table["genre"], "artist": corpus.artists_of(table["track_id"])}
    for of, truth in names.items():
        result = agreement(labels, table, corpus, of)
        assert result.columns.tolist() == ["value", "low", "high", "by_chance"]
        assert result.at[ARI, "value"] == pytest.approx(adjusted_rand_score(truth, labels))
        assert result.at[NMI, "value"] == pytest.approx(normalized_mutual_info_score(truth, labels))
        assert (result["low"] < result["value"]).all()
        assert (result["value"] < result["high"]).all()


@pytest.mark.parametrize("of", ["genre", "artist"])
def test_perfect_agreement_is_one(collection, of):
    corpus, table = collection
    truth = {"genre": table["genre"], "artist": corpus.artists_of(table["track_id"])}
    result = agreement(codes(truth[of]), table, corpus, of)
    np.testing.assert_allclose(result[["value", "low", "high"]], 1)
    assert (result["by_chance"] < 0.9).all()


def test_names_of_clusters_do_not_matter(collection, rng):
    corpus, table = collection
    labels = rng.integers(4, size=len(table))
    renamed = np.array([40, 3, 77, 0])[labels]
    pd.testing.assert_frame_equal(
        agreement(labels, table, corpus), agreement(renamed, table, corpus), rtol=1e-9
    )


def test_seed_only_changes_the_shuffles(collection, rng):
    corpus, table = collection
    labels = rng.integers(4, size=len(table))
    first, same, other = (agreement(labels, table, corpus, seed=seed) for seed in (1, 1, 2))
    pd.testing.assert_frame_equal(first, same)
    pd.testing.assert_frame_equal(first.drop(columns="by_chance"), other.drop(columns="by_chance"))
    assert (first["by_chance"] != other["by_chance"]).all()


def test_tracks_of_unknown_artists_are_left_out_for_artists_only(paper_corpus, rng):
    rows = [(g, f"{g}{a}", 9.0) for g in ("blues", "rock") for a in range(4) for _ in "xy"]
    corpus = paper_corpus([*rows, ("blues", None, 9.0), ("rock", None, 9.0)])
    table = window_table(corpus)
    labels = rng.integers(3, size=len(table))
    artists = corpus.artists_of(table["track_id"])
    known = artists != table["track_id"]
    assert known.sum() == len(table) - 6
    by_artist = agreement(labels, table, corpus, "artist")
    assert by_artist.at[ARI, "value"] == adjusted_rand_score(artists[known], labels[known])
    by_genre = agreement(labels, table, corpus)
    assert by_genre.at[ARI, "value"] == adjusted_rand_score(table["genre"], labels)


def test_agreement_of_random_clusters_is_by_chance(collection, rng):
    """Many small groups agree by chance, as the shuffles show."""
    corpus, table = collection
    results = [
        agreement(rng.integers(8, size=len(table)), table, corpus, of)
        for of in ("genre", "artist")
        for _ in range(5)
    ]
    genre, artist = pd.concat(results[:5]), pd.concat(results[5:])
    for part, minimum in ((genre, 0.02), (artist, 0.2)):
        mean = part.groupby(level=0).mean()
        assert abs(mean.at[ARI, "by_chance"]) < 0.02
        assert mean.at[NMI, "by_chance"] > minimum
        np.testing.assert_allclose(mean["value"], mean["by_chance"], atol=0.02)


def test_chance_keeps_the_windows_of_a_track_together(collection, rng):
    """Clusters of tracks agree with artists more often by chance than those of windows."""
    corpus, table = collection
    track = codes(table["track_id"])
    labels = rng.integers(8, size=track.max() + 1)[track]
    by_track = agreement(labels, table, corpus, "artist").at[NMI, "by_chance"]
    by_window = agreement(rng.permutation(labels), table, corpus, "artist").at[NMI, "by_chance"]
    assert by_track > by_window + 0.1


def test_chance_keeps_the_tracks_of_an_artist_together(collection, rng):
    """Clusters that depend on artists, but not on genres, agree with genres by chance."""
    corpus, table = collection
    artist = codes(corpus.artists_of(table["track_id"]))
    results = [
        agreement(rng.integers(5, size=artist.max() + 1)[artist], table, corpus) for _ in range(8)
    ]
    mean = pd.concat(results).groupby(level=0).mean()
    np.testing.assert_allclose(mean["value"], mean["by_chance"], atol=0.03)


@pytest.fixture(scope="module", params=["genre", "artist"])
def coverage(request, collection):
    """Number of 30 intervals that contain the expected value for other artists, or tracks."""
    corpus, _ = collection
    if request.param == "artist":
        corpus = corpus.select(genres=["g0", "g1"])
    table = window_table(corpus)
    genre, artist, track = (
        codes(names)
        for names in (table["genre"], corpus.artists_of(table["track_id"]), table["track_id"])
    )
    truth, unit = (genre, artist) if request.param == "genre" else (artist, track)
    others = [
        labels_by_genre(truth, unit, np.random.default_rng(1000 + seed)) for seed in range(300)
    ]
    expected = pd.Series(
        {
            ARI: np.mean([adjusted_rand_score(truth, labels) for labels in others]),
            NMI: np.mean([normalized_mutual_info_score(truth, labels) for labels in others]),
        }
    )
    hits = pd.Series(0, index=[ARI, NMI])
    for seed in range(30):
        labels = labels_by_genre(truth, unit, np.random.default_rng(seed))
        result = agreement(labels, table, corpus, request.param)
        hits += result["low"].le(expected) & result["high"].ge(expected)
    return hits


@pytest.mark.parametrize("measure", [ARI, NMI])
def test_coverage_of_intervals(coverage, measure):
    """Of 30 intervals at 95 %, 28 or 29 are expected; a jackknife of few units covers less."""
    assert coverage[measure] >= 26


@pytest.mark.parametrize("of", ["genres", "track", "", None])
def test_agreement_with_unknown_names_is_refused(collection, of):
    corpus, table = collection
    with pytest.raises(ModelError, match="choose genre or artist"):
        agreement(np.arange(len(table)) % 3, table, corpus, of)


def test_agreement_without_known_artists_is_refused(paper_corpus):
    corpus = paper_corpus([(g, None, 9.0) for g in ("blues", "rock") for _ in range(4)])
    table = window_table(corpus)
    labels = np.arange(len(table)) % 3
    with pytest.raises(ModelError, match="no track has a known artist"):
        agreement(labels, table, corpus, "artist")
    assert np.isfinite(agreement(labels, table, corpus)).all(axis=None)


def test_two_artists_give_no_interval(paper_corpus):
    corpus = paper_corpus([("blues", "Ma", 9.0), ("rock", "Pa", 9.0)])
    table = window_table(corpus)
    try:
        result = agreement(np.arange(len(table)) % 3, table, corpus)
    except ModelError:
        return
    assert not (result["low"] == result["high"]).any()
