"""Figures of clusters, components and neighbours that are drawn from small tables."""

import numpy as np
import pandas as pd
import pytest
from scipy.cluster import hierarchy

from gtzan_lib import plots


def texts(ax):
    return [text.get_text() for text in ax.texts]


def test_neighbours_have_shares_and_intervals():
    genres = ["blues", "jazz", "rock"]
    rows = [(a, b, 1 / 3, 0.2, 0.5) for a in genres for b in genres]
    overlap = pd.DataFrame(rows, columns=["genre", "neighbour", "share", "low", "high"])
    overlap.loc[overlap["genre"] == "rock", ["low", "high"]] = np.nan
    shown = texts(plots.neighbour_genres(overlap))
    assert shown.count("33") == 9
    assert shown.count("20–50") == 6
    assert len(shown) == 15


def test_joints_have_their_support():
    tree = hierarchy.linkage([[0.0], [1.0], [10.0], [13.0]], "average")
    genres = ["blues", "jazz", "rock", "pop"]
    ax = plots.dendrogram(tree, genres, support=np.array([0.9, 0.4, 1.0]))
    # The last joint holds all genres in every tree.
    assert sorted(texts(ax)) == ["40 %", "90 %"]
    places = {text.get_text(): text.xy[0] for text in ax.texts}
    assert places == pytest.approx({"90 %": 1.0, "40 %": 3.0})
    assert texts(plots.dendrogram(tree, genres)) == []


@pytest.fixture
def numbers():
    ks = [2, 3, 5]
    columns = ["silhouette", "silhouette_low", "silhouette_high", "seeds", "artists"]
    return pd.DataFrame(0.1, index=pd.Index(ks, name="k"), columns=columns)


def test_numbers_of_clusters_have_a_reference(numbers):
    figure = plots.cluster_numbers(numbers, 3)
    labels = [text.get_text() for ax in figure.axes for text in ax.get_legend().get_texts()]
    assert labels == [
        "tracks", "without clusters", "k = 3", "other starts", "other artists", "k = 3",
    ]  # fmt: skip


def test_agreement_has_a_panel_a_measure(numbers):
    rows = [(k, name, 0.2, 0.1, 0.3, 0.02) for k in numbers.index for name in ("a", "b")]
    columns = ["k", "measure", "value", "low", "high", "by_chance"]
    figure = plots.agreement_by_k(pd.DataFrame(rows, columns=columns), 5)
    assert [ax.get_ylabel() for ax in figure.axes] == ["a", "b"]
    np.testing.assert_allclose(figure.axes[1].lines[0].get_ydata(), 0.2)


def test_many_components_have_few_ticks():
    ax = plots.explained_variance(np.full(57, 1 / 57))
    assert len(ax.patches) == 57
    assert len(ax.get_xticks()) <= 20
    assert ax.lines[0].get_ydata()[-1] == pytest.approx(1)


def test_correlations_are_sorted_and_complete():
    names = ["a", "b", "c"]
    r = pd.DataFrame([[1, 0.1, 0.9], [0.1, 1, 0.2], [0.9, 0.2, 1]], names, names)
    ax = plots.correlation_map(r)
    shown = [label.get_text() for label in ax.get_xticklabels()]
    assert sorted(shown) == names
    assert abs(shown.index("a") - shown.index("c")) == 1


def test_arrows_ignore_a_single_distant_track(rng):
    points = rng.normal(size=(400, 2))
    points[0] = 1000
    windows = pd.DataFrame({"track_id": [f"rock.{n:05d}" for n in range(400)], "genre": "rock"})
    correlations = pd.DataFrame([[0.9, 0.0], [0.0, 0.5]], ["a", "b"])
    ax = plots.component_plane(points, windows, correlations)
    named = {text.get_text(): text.get_position() for text in ax.texts if text.get_text()}
    assert set(named) == {"a", "b"}
    assert named["a"][0] < 10
