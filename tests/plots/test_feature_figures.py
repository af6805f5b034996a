"""Figures of features, grids, components and clusters show what they are given."""

import contextlib
import dataclasses
import json
import re

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from sklearn.decomposition import PCA

from gtzan_lib import plots
from gtzan_lib.data.corpus import open_corpus
from gtzan_lib.data.splits import split
from gtzan_lib.errors import GtzanWarning
from gtzan_lib.plots.audio import excerpt, may_be_heard
from gtzan_lib.signal.features import features
from gtzan_lib.studies.clustering import agreement, scan_k
from gtzan_lib.studies.grid import grid
from gtzan_lib.studies.variance import variance_shares
from gtzan_lib.synthetic import compose


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def music(tmp_path_factory):
    folder = tmp_path_factory.mktemp("plots") / "composed"
    compose(folder, artists=3, tracks=1, seconds=6, genres=("blues", "metal"))
    return open_corpus(folder)


@pytest.fixture(scope="module")
def table(music):
    return features(music, 1.0)


@pytest.fixture(scope="module")
def points(table):
    return PCA(3).fit_transform((table.values - table.values.mean(0)) / table.values.std(0))


@pytest.fixture(scope="module")
def grids(music, table):
    made = []
    for protocol in ("window", "artist"):
        leaks = protocol == "window"
        with pytest.warns(GtzanWarning) if leaks else contextlib.nullcontext():
            folds = split(table.windows, music, protocol=protocol, folds=3)
        models = ("ridge", "neural net")
        made.append(
            grid(table.values, table.windows, folds, models=models, transforms=("none", "PCA"))
        )
    return made


def texts(ax) -> list[str]:
    return [text.get_text() for text in ax.texts]


# --- features -----------------------------------------------------------------


def test_portrait_shows_all_series(music):
    figure = plots.track_features(music, music.tracks.index[0], seconds=3)
    mel, chroma, curves, parts, onsets = figure.axes
    assert mel.images[0].get_array().shape == (128, 130)
    assert chroma.images[0].get_array().shape == (12, 130)
    assert [len(line.get_ydata()) for line in curves.lines] == [130, 130]
    assert [len(line.get_ydata()) for line in parts.lines] == [66_150, 66_150]
    assert onsets.get_xlim() == (0, 3)
    # Both lines lie within the picture they are drawn over.
    for line in mel.lines:
        assert 0 <= line.get_ydata().min() <= line.get_ydata().max() <= 128
    figure.canvas.draw()


def test_distributions_sort_genres_by_median(table):
    figure = plots.distributions(table, ["mfcc1_mean", "tempo", "rms_var"])
    assert [ax.get_title() for ax in figure.axes[:3]] == ["mfcc1_mean", "tempo", "rms_var"]
    medians = table.frame["mfcc1_mean"].groupby(table.windows["genre"].to_numpy()).median()
    shown = [label.get_text() for label in figure.axes[0].get_xticklabels()]
    assert shown == medians.sort_values().index.tolist()


def test_profile_has_every_feature_and_genre(table):
    ax = plots.genre_profile(table)
    assert [label.get_text() for label in ax.get_yticklabels()] == list(table.names)
    assert [label.get_text() for label in ax.get_xticklabels()] == ["blues", "metal"]
    shown = ax.collections[0].get_array().reshape(57, 2)
    # With as many windows in both genres, their means lie on either side of zero.
    np.testing.assert_allclose(shown[:, 0], -shown[:, 1], atol=1e-9)


def test_bars_of_variance_fill_the_axis(table, music):
    shares = variance_shares(table.frame, table.windows, music)
    ax = plots.variance_components(shares)
    ends = [bar.get_x() + bar.get_width() for bar in ax.containers[-1]]
    np.testing.assert_allclose(ends, 1)
    names = [label.get_text() for label in ax.get_yticklabels()]
    assert names == shares["genre"].sort_values().index.tolist()
    assert [one.get_label() for one in ax.containers] == list(shares.columns)


# --- components ---------------------------------------------------------------


def test_scree_sums_up():
    pca = PCA().fit(np.random.default_rng(0).normal(size=(50, 8)))
    ax = plots.scree(pca, first=5)
    np.testing.assert_allclose(
        [b.get_height() for b in ax.patches], pca.explained_variance_ratio_[:5]
    )
    assert ax.lines[0].get_ydata()[-1] == pytest.approx(pca.explained_variance_ratio_[:5].sum())


def test_loadings_name_the_greatest_weights():
    pca = PCA().fit(np.random.default_rng(0).normal(size=(50, 8)))
    names = [f"f{n}" for n in range(8)]
    ax = plots.loadings(pca, names, components=2, top=1)
    shown = [label.get_text() for label in ax.get_yticklabels()]
    greatest = [names[row] for row in np.abs(pca.components_[:2]).argmax(axis=1)]
    assert shown == list(dict.fromkeys(greatest))


def test_plane_has_a_dot_a_window_and_a_ring_a_track(table, points):
    ax = plots.scatter(points, table.windows, names=["a", "b"])
    sizes = [len(one.get_offsets()) for one in ax.collections]
    windows, tracks = sizes[::2], sizes[1::2]
    assert (sum(windows), sum(tracks)) == (len(table), table.windows["track_id"].nunique())
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("a", "b")


# --- grids --------------------------------------------------------------------


@pytest.mark.parametrize("unit", ["window", "track"])
def test_heat_map_tells_scores_and_intervals(grids, unit):
    ax = plots.grid_scores(grids[1], unit=unit)
    score = grids[1].cells["PCA", "neural net"].accuracy(unit)
    told = f"{100 * score.value:.1f}\n{100 * score.low:.0f} to {100 * score.high:.0f}"
    # Rows are models, columns transforms.
    assert texts(ax)[3].replace("*", "") == told
    assert ax.get_title() == "split by artist"


def test_a_star_marks_what_did_not_converge(grids):
    grid = grids[1]
    cells = dict(grid.cells)
    cells["none", "ridge"] = dataclasses.replace(cells["none", "ridge"], unconverged=2)
    ax = plots.grid_scores(dataclasses.replace(grid, cells=cells))
    stars = [("*" in text) for text in texts(ax)]
    assert stars[0]
    assert sum(stars) == 1 + (grid.scores["unconverged"] > 0).sum()


def test_leaks_join_both_scores(grids):
    figure = plots.grid_leaks(*grids)
    assert [ax.get_title() for ax in figure.axes] == ["none", "PCA"]
    honest, leaking = figure.axes[0].lines
    assert (honest.get_label(), leaking.get_label()) == ("by artist", "by window")
    scores = [100 * one.scores.loc["none"]["window_accuracy"] for one in grids]
    np.testing.assert_allclose(leaking.get_xdata(), scores[0])
    np.testing.assert_allclose(honest.get_xdata(), scores[1])


def test_losses_are_those_of_the_nets(grids):
    ax = plots.grid_losses(grids[0])
    assert [line.get_label() for line in ax.lines] == ["neural net", "neural net, PCA"]
    np.testing.assert_allclose(ax.lines[0].get_ydata(), grids[0].curves["none", "neural net"])


# --- clusters -----------------------------------------------------------------


def test_elbow_marks_the_chosen_number(points):
    figure = plots.elbow(scan_k(points, range(2, 5)), 3)
    assert [ax.get_ylabel() for ax in figure.axes] == ["inertia", "silhouette"]
    assert figure.axes[0].lines[1].get_xdata()[0] == 3


def test_cluster_table_counts_windows(table):
    labels = np.arange(len(table)) % 3
    ax = plots.cluster_genres(labels, table.windows["genre"].to_numpy())
    assert sum(int(text or 0) for text in texts(ax)) == len(table)


def test_agreements_show_value_and_chance(table, music):
    labels = np.arange(len(table)) % 2
    found = agreement(labels, table.windows, music)
    ax = plots.cluster_agreement({"genre": found})
    values = {round(float(np.ravel(line.get_xdata())[0]), 6) for line in ax.lines}
    for column in ("value", "low", "by_chance"):
        assert set(found[column].round(6)) <= values


def test_cluster_profile_shows_what_stands_out(table):
    labels = (table.frame["tempo"] > table.frame["tempo"].median()).to_numpy().astype(int)
    ax = plots.cluster_profile(table, labels, top=1)
    assert "tempo" in [label.get_text() for label in ax.get_yticklabels()]


# --- clouds and sounds --------------------------------------------------------


def test_cloud_has_one_dot_a_track_that_tells_its_name(music, table, points):
    cloud = plots.interactive_scatter(points[:, :2], table.windows, music, names=["a", "b"])
    assert [trace.name for trace in cloud.figure.data] == ["blues", "metal"]
    told = {}
    for trace in cloud.figure.data:
        told |= dict(zip(trace.customdata, trace.text, strict=True))
    assert told.keys() == set(music.tracks.index)
    for track, text in told.items():
        assert track in text
        assert music.tracks.at[track, "artist"] in text
    middle = points[(table.windows["track_id"] == "blues.00000").to_numpy(), 0].mean()
    assert cloud.figure.data[0].x[0] == pytest.approx(middle, abs=1e-3)


def test_cloud_of_three_columns_can_be_turned(music, table, points):
    cloud = plots.interactive_scatter(points, table.windows, music, names=list("abc"))
    assert {trace.type for trace in cloud.figure.data} == {"scatter3d"}


def test_clouds_of_clusters_take_the_most_frequent_label(music, table, points):
    labels = np.zeros(len(table), dtype=int)
    labels[(table.windows["track_id"] == "metal.00001").to_numpy()] = [1, 1, 1, 1, 2, 2]
    cloud = plots.interactive_scatter(
        points[:, :2], table.windows, music, names=["a", "b"], groups=labels
    )
    assert {t.name: list(t.customdata) for t in cloud.figure.data}["1"] == ["metal.00001"]


def test_page_plays_every_track_of_the_synthetic_corpus(music, table, points):
    cloud = plots.interactive_scatter(
        points[:, :2], table.windows, music, names=["a", "b"], seconds=1
    )
    bundle = cloud._repr_mimebundle_()
    assert cloud.sounds.keys() == set(music.tracks.index)
    assert all(sound in bundle["text/html"] for sound in cloud.sounds.values())
    assert "application/vnd.plotly.v1+json" in bundle
    # Nothing is loaded but the script that lies in the book.
    assert re.findall(r"https?://[^\"\s]+", bundle["text/html"]) == []


def test_same_cloud_same_page(music, table, points):
    pages = [
        plots.interactive_scatter(
            points[:, :2], table.windows, music, names=["a", "b"]
        )._repr_mimebundle_()
        for _ in range(2)
    ]
    assert pages[0] == pages[1]


def test_names_cannot_end_the_script(music, table, points):
    wicked = "</script><script>alert(1)</script>"
    cloud = plots.interactive_scatter(
        points[:, :2], table.windows, music, names=[wicked, "@FIGURE@"]
    )
    page = cloud._repr_mimebundle_()["text/html"]
    assert page.count("<script>") == 1
    assert page.count("</script>") == 1


def test_music_of_others_is_silent(small_folder):
    corpus = open_corpus(small_folder)
    table = features(corpus, 1.0)
    cloud = plots.interactive_scatter(table.values[:, :2], table.windows, corpus, names=["a", "b"])
    assert cloud.sounds == {}
    assert not may_be_heard(corpus)
    assert (
        "<audio"
        not in plots.harmonic_percussive_players(corpus, {"x": corpus.tracks.index[0]}).data
    )


def test_halves_have_three_players_each(music):
    page = plots.harmonic_percussive_players(
        music, {"some <b>": music.tracks.index[0]}, seconds=2
    ).data
    assert page.count("<audio") == 3
    assert "some &lt;b&gt;: what lasts" in page


def test_less_quality_takes_less_room(music):
    track = music.tracks.index[0]
    assert len(excerpt(music, track, seconds=3, quality=0.85)) < 0.8 * len(
        excerpt(music, track, seconds=3)
    )


def test_a_table_of_the_synthetic_corpus_is_silent(music, table, tmp_path):
    (tmp_path / "tracks.csv").write_bytes((music.root.parent / "tracks.csv").read_bytes())
    (tmp_path / "corpus.json").write_text(json.dumps({}))
    corpus = open_corpus(table.save(tmp_path / "features.csv"))
    assert corpus.name == "synthetic"
    assert not may_be_heard(corpus)


def test_features_of_one_value_are_drawn(table):
    values = table.values.copy()
    values[:, 0] = 1.0
    flat = dataclasses.replace(table, values=values)
    plots.genre_profile(flat)
    plots.cluster_profile(flat, np.arange(len(table)) % 2)
    assert (
        not np.isnan(pd.DataFrame(plots.genre_profile(flat).collections[0].get_array())).any().any()
    )
