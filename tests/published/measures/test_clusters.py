"""Step `clusters`: number and stability of clusters, agreement, components."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import adjusted_rand_score

from gtzan_lib.errors import CorpusError
from gtzan_lib.published.measures.clusters import (
    compare_components,
    components_needed,
    measure,
    pairs_together,
    rand_jackknife,
    scan_numbers,
    sorted_clusters,
    stability_over_artists,
    without_clusters,
)

from .made_up import read, task_on, write_features


@pytest.fixture
def groups(rng):
    """Points of three clear groups, their genres and their artists."""
    genres = np.repeat(np.array(["a", "b", "c"], dtype=object), 30)
    points = rng.normal(size=(90, 5))
    for column, genre in enumerate("abc"):
        points[genres == genre, column] += 10
    artists = np.array([f"artist {n // 3}" for n in range(90)], dtype=object)
    return points, genres, artists


def test_clusters_are_sorted_by_genre_and_size():
    labels = np.array([7, 7, 3, 3, 3, 5])
    genres = np.array(["b", "b", "a", "a", "b", "a"], dtype=object)
    assert sorted_clusters(labels, genres).tolist() == [3, 3, 1, 1, 1, 2]


def test_clear_groups_come_back_and_are_above_the_reference(groups):
    points, _, artists = groups
    found = scan_numbers(points, artists, [2, 3, 6], 4, 3, 0)
    assert found["silhouette"].idxmax() == 3
    assert found.loc[3, "silhouette"] > found.loc[3, "silhouette_high"]
    assert found.loc[3, ["seeds", "artists"]].min() > 0.99
    assert found.loc[6, "artists"] < 0.9
    assert (found["silhouette_low"] <= found["silhouette_reference"]).all()
    assert stability_over_artists(points, artists, 3, 2).tolist() == [1, 1]


def test_a_sample_without_clusters_keeps_values_and_correlations(rng):
    x = rng.exponential(size=400)
    values = np.column_stack([x, x + rng.normal(scale=0.3, size=400), rng.normal(size=400)])
    sample = without_clusters(values, rng)
    np.testing.assert_array_equal(np.sort(sample, axis=0), np.sort(values, axis=0))
    ranks = [pd.DataFrame(table).corr("spearman").to_numpy() for table in (values, sample)]
    np.testing.assert_allclose(*ranks, atol=0.12)
    two = np.repeat([-5.0, 5.0], 200)[:, None] + rng.normal(size=(400, 4))
    one = without_clusters(two, rng)
    # Both halves remain in every column, but clusters of other combinations appear.
    assert len({tuple(row) for row in one > 0}) > 2


def test_pairs_together_against_counting(rng):
    n = 24
    labels = rng.integers(0, 3, n)
    genres = np.repeat(np.array(["a", "b"], dtype=object), n // 2)
    artists = np.array([f"artist {k}" for k in rng.integers(0, 7, n)], dtype=object)

    def counted(rows):
        places = [(i, j) for i in range(n) for j in range(i) if rows[i] and rows[j]]
        same = {"artist": artists, "genre": genres, "label": labels}
        table = pd.DataFrame(
            {name: [of[i] == of[j] for i, j in places] for name, of in same.items()}
        )
        first = table[table["artist"] & table["genre"]]
        second = table[~table["artist"] & table["genre"]]
        third = table[~table["genre"]]
        return [len(first), len(second), len(third)], [
            kind["label"].mean() for kind in (first, second, third)
        ]

    pairs, shares = counted(np.full(n, True))
    found = pairs_together(labels, genres, artists)
    assert found["pairs"].iloc[:3].tolist() == pairs
    np.testing.assert_allclose(found["share"].iloc[:3], shares)
    left = np.array([counted(artists != name)[1] for name in sorted(set(artists))])
    left = np.column_stack([left, left[:, 0] - left[:, 1]])
    error = np.sqrt(6 / 7 * ((left - left.mean(axis=0)) ** 2).sum(axis=0))
    np.testing.assert_allclose((found["high"] - found["share"]) / 1.96, error, rtol=1e-3)
    assert found["share"].iloc[3] == pytest.approx(shares[0] - shares[1])


def test_jackknife_of_the_rand_index_leaves_out_each_artist(groups, rng):
    _, genres, artists = groups
    labels = [rng.integers(0, 3, 90), (genres == "a").astype(int)]
    value, left = rand_jackknife(labels, genres, artists)
    scores = [adjusted_rand_score(genres, one) for one in labels]
    assert value == pytest.approx(np.mean(scores))
    rows = artists != sorted(set(artists))[3]
    scores = [adjusted_rand_score(genres[rows], one[rows]) for one in labels]
    assert left[3] == pytest.approx(np.mean(scores))
    assert len(left) == 30


def test_three_directions_need_three_components(rng):
    hidden = rng.normal(size=(200, 3))
    scaled = hidden @ np.kron(np.eye(3), np.ones((1, 5)))
    artists = np.array([f"artist {n // 4}" for n in range(200)], dtype=object)
    found = components_needed(scaled, artists)
    assert found.loc[0.99, "components"] == 3
    assert (found["low"] <= found["components"]).all()
    assert (found["components"] <= found["high"]).all()


def test_components_are_compared_with_all_features(groups):
    points, genres, artists = groups
    table, labels = compare_components(points, genres, artists, 3, 4, 2)
    assert table.index.tolist() == [
        "all features", "2 components", "3 components", "4 components",
        "4 components of equal variance", "classifier",
    ]  # fmt: skip
    assert table.loc["all features", "genre"] == pytest.approx(1)
    assert table.loc["all features", "difference"] == 0
    assert table.loc["2 components", "same"] == pytest.approx(1)
    assert table["p_holm"].isna().tolist() == [True, False, False, False, False, True]
    assert adjusted_rand_score(genres, labels) == pytest.approx(1)


def test_the_step_is_small_and_gives_the_same_bytes(tmp_path):
    folder = write_features(tmp_path / "features", step=8)
    first, second = (task_on(folder, tmp_path / name) for name in ("first", "second"))
    for task in (first, second):
        measure(task, k=4, starts=2, references=2, n_seeds=2)
    files = sorted(first.folder.iterdir())
    assert [file.stem for file in files] == [
        "agreement", "centres", "components", "genres", "needed", "numbers", "spaces", "together",
        "tracks",
    ]  # fmt: skip
    for file in files:
        assert file.read_bytes() == (second.folder / file.name).read_bytes()
    agreement = read(first.folder, "agreement")
    assert agreement["of"].value_counts()["artist"] == 2
    tracks = read(first.folder, "tracks")
    assert len(tracks) == 51
    assert list(tracks) == ["genre", "artist", "cluster", "of_components", "separate"]
    assert sorted(tracks["cluster"].unique()) == [1, 2, 3, 4]


def test_too_few_tracks(tmp_path):
    folder = write_features(tmp_path / "features", step=25)
    with pytest.raises(CorpusError, match="too few for 10 clusters"):
        measure(task_on(folder, tmp_path / "results"))
