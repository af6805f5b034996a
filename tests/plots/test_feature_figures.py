"""Figures of features, grids, components and clusters show the numbers they are given."""

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
from gtzan_lib.data.opening import open_corpus
from gtzan_lib.data.splits import split
from gtzan_lib.errors import CorpusError, GtzanWarning
from gtzan_lib.plots.audio import excerpt, is_playable
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
def corpus(tmp_path_factory):
    folder = tmp_path_factory.mktemp("plots") / "composed"
    compose(folder, artists=3, tracks=1, seconds=6, genres=("blues", "metal"))
    return open_corpus(folder)


@pytest.fixture(scope="module")
def table(corpus):
    return features(corpus, 1.0)


@pytest.fixture(scope="module")
def points(table):
    return PCA(3).fit_transform((table.values - table.values.mean(0)) / table.values.std(0))


@pytest.fixture(scope="module")
def grids(corpus, table):
    results = []
    for protocol in ("window", "artist"):
        warns = protocol == "window"
        with pytest.warns(GtzanWarning) if warns else contextlib.nullcontext():
            folds = split(table.windows, corpus, protocol=protocol, folds=3)
        models = ("ridge", "neural net")
        results.append(
            grid(table.values, table.windows, folds, models=models, transforms=("none", "PCA"))
        )
    return results


def texts(ax) -> list[str]:
    return [text.get_text() for text in ax.texts]


# --- features -----------------------------------------------------------------


def test_track_features_show_all_series(corpus):
    figure = plots.track_features(corpus, corpus.tracks.index[0], seconds=3)
    mel, chroma, curves, parts, onsets = figure.axes
    assert mel.images[0].get_array().shape == (128, 130)
    assert chroma.images[0].get_array().shape == (12, 130)
    assert [len(line.get_ydata()) for line in curves.lines] == [130, 130]
    assert [len(line.get_ydata()) for line in parts.lines] == [66_150, 66_150]
    assert onsets.get_xlim() == (0, 3)
    # Both lines lie within the spectrogram.
    for line in mel.lines:
        assert 0 <= line.get_ydata().min() <= line.get_ydata().max() <= 128
    figure.canvas.draw()


def test_distributions_sort_genres_by_median(table):
    figure = plots.distributions(table, ["mfcc1_mean", "tempo", "rms_var"])
    assert [ax.get_title() for ax in figure.axes[:3]] == ["mfcc1_mean", "tempo", "rms_var"]
    medians = table.frame["mfcc1_mean"].groupby(table.windows["genre"].to_numpy()).median()
    shown = [label.get_text() for label in figure.axes[0].get_xticklabels()]
    assert shown == medians.sort_values().index.tolist()


def test_genre_profile_has_every_feature_and_genre(table):
    ax = plots.genre_profile(table)
    assert [label.get_text() for label in ax.get_yticklabels()] == list(table.names)
    assert [label.get_text() for label in ax.get_xticklabels()] == ["blues", "metal"]
    shown = ax.collections[0].get_array().reshape(57, 2)
    # Both genres have the same number of windows, so that their means are opposite.
    np.testing.assert_allclose(shown[:, 0], -shown[:, 1], atol=1e-9)


def test_feature_correlations_are_pearsons_and_leave_constants_out(table):
    values = table.values.copy()
    values[:, 5] = 1.0
    ax = plots.feature_correlations(dataclasses.replace(table, values=values))
    names = [label.get_text() for label in ax.get_yticklabels()]
    assert sorted(names) == sorted(set(table.names) - {table.names[5]})
    assert [label.get_text() for label in ax.get_xticklabels()] == names
    shown = ax.collections[0].get_array().reshape(56, 56)
    expected = np.corrcoef(table.frame[names].to_numpy().T)
    np.testing.assert_allclose(shown, expected, atol=1e-12)


def test_feature_correlations_put_copies_side_by_side(table):
    values = table.values.copy()
    values[:, 40] = -3 * values[:, 2] + 1
    ax = plots.feature_correlations(dataclasses.replace(table, values=values))
    names = [label.get_text() for label in ax.get_yticklabels()]
    assert abs(names.index(table.names[40]) - names.index(table.names[2])) == 1


def test_correlations_need_two_features_that_vary(table):
    flat = dataclasses.replace(table, values=np.ones_like(table.values))
    with pytest.raises(CorpusError, match=r"fewer than two features vary .* use more music\."):
        plots.feature_correlations(flat)


def test_tag_profile_has_the_first_tags():
    profile = pd.DataFrame([[2.0, -1.0], [0.5, 0.0], [0.1, 0.2]], list("xyz"), ["blues", "a$b"])
    ax = plots.tag_profile(profile, tags=2)
    assert [label.get_text() for label in ax.get_yticklabels()] == ["x", "y"]
    assert [label.get_text() for label in ax.get_xticklabels()] == ["blues", r"a\$b"]
    shown = ax.collections[0].get_array().reshape(2, 2)
    np.testing.assert_array_equal(shown, profile.to_numpy()[:2])


def test_variance_components_sum_to_one(table, corpus):
    shares = variance_shares(table.frame, table.windows, corpus)
    ax = plots.variance_components(shares)
    ends = [bar.get_x() + bar.get_width() for bar in ax.containers[-1]]
    np.testing.assert_allclose(ends, 1)
    names = [label.get_text() for label in ax.get_yticklabels()]
    assert names == shares["genre"].sort_values().index.tolist()
    assert [bars.get_label() for bars in ax.containers] == list(shares.columns)


# --- components ---------------------------------------------------------------


def test_scree_shows_explained_variance_and_its_sum():
    pca = PCA().fit(np.random.default_rng(0).normal(size=(50, 8)))
    ax = plots.scree(pca, first=5)
    np.testing.assert_allclose(
        [b.get_height() for b in ax.patches], pca.explained_variance_ratio_[:5]
    )
    assert ax.lines[0].get_ydata()[-1] == pytest.approx(pca.explained_variance_ratio_[:5].sum())


def test_loadings_show_the_greatest_weights():
    pca = PCA().fit(np.random.default_rng(0).normal(size=(50, 8)))
    names = [f"f{n}" for n in range(8)]
    ax = plots.loadings(pca, names, components=2, top=1)
    shown = [label.get_text() for label in ax.get_yticklabels()]
    greatest = [names[row] for row in np.abs(pca.components_[:2]).argmax(axis=1)]
    assert shown == list(dict.fromkeys(greatest))


def test_scatter_has_a_dot_a_window_and_a_ring_a_track(table, points):
    ax = plots.scatter(points, table.windows, names=["a", "b"])
    sizes = [len(points.get_offsets()) for points in ax.collections]
    windows, tracks = sizes[::2], sizes[1::2]
    assert (sum(windows), sum(tracks)) == (len(table), table.windows["track_id"].nunique())
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("a", "b")


# --- grids --------------------------------------------------------------------


@pytest.mark.parametrize("unit", ["window", "track"])
def test_heat_map_shows_scores_and_intervals(grids, unit):
    ax = plots.grid_scores(grids[1], unit=unit)
    score = grids[1].cells["PCA", "neural net"].accuracy(unit)
    expected = f"{100 * score.value:.1f}\n{100 * score.low:.0f} to {100 * score.high:.0f}"
    # Rows are models, columns transforms.
    assert texts(ax)[3].replace("*", "") == expected
    assert ax.get_title() == "split by artist"


def test_a_star_marks_cells_that_did_not_converge(grids):
    grid = grids[1]
    cells = dict(grid.cells)
    cells["none", "ridge"] = dataclasses.replace(cells["none", "ridge"], unconverged=2)
    ax = plots.grid_scores(dataclasses.replace(grid, cells=cells))
    stars = [("*" in text) for text in texts(ax)]
    assert stars[0]
    assert sum(stars) == 1 + (grid.scores["unconverged"] > 0).sum()


def test_grid_leaks_show_both_scores(grids):
    figure = plots.grid_leaks(*grids)
    assert [ax.get_title() for ax in figure.axes] == ["none", "PCA"]
    strict, leaking = figure.axes[0].lines
    assert (strict.get_label(), leaking.get_label()) == ("by artist", "by window")
    scores = [100 * grid.scores.loc["none"]["window_accuracy"] for grid in grids]
    np.testing.assert_allclose(leaking.get_xdata(), scores[0])
    np.testing.assert_allclose(strict.get_xdata(), scores[1])


def test_grid_losses_are_those_of_models_with_epochs(grids):
    ax = plots.grid_losses(grids[0])
    assert [line.get_label() for line in ax.lines] == ["neural net", "neural net, PCA"]
    np.testing.assert_allclose(ax.lines[0].get_ydata(), grids[0].curves["none", "neural net"])


# --- clusters -----------------------------------------------------------------


def test_elbow_marks_the_chosen_number(points):
    figure = plots.elbow(scan_k(points, range(2, 5)), 3)
    assert [ax.get_ylabel() for ax in figure.axes] == ["inertia", "silhouette"]
    assert figure.axes[0].lines[1].get_xdata()[0] == 3


def test_cluster_genres_count_windows(table):
    labels = np.arange(len(table)) % 3
    ax = plots.cluster_genres(labels, table.windows["genre"].to_numpy())
    assert sum(int(text or 0) for text in texts(ax)) == len(table)


def test_cluster_agreement_shows_value_and_chance(table, corpus):
    labels = np.arange(len(table)) % 2
    agreements = agreement(labels, table.windows, corpus)
    ax = plots.cluster_agreement({"genre": agreements})
    values = {round(float(np.ravel(line.get_xdata())[0]), 6) for line in ax.lines}
    for column in ("value", "low", "by_chance"):
        assert set(agreements[column].round(6)) <= values


def test_cluster_profile_shows_the_most_different_feature(table):
    labels = (table.frame["tempo"] > table.frame["tempo"].median()).to_numpy().astype(int)
    ax = plots.cluster_profile(table, labels, top=1)
    assert "tempo" in [label.get_text() for label in ax.get_yticklabels()]


def test_genre_dendrogram_joins_the_nearest_genres_first(table):
    """Two of three genres have nearly the same features."""
    values = np.zeros((len(table), len(table.names)))
    values[:, 0] = np.arange(len(table)) % 3
    values[:, 0] = np.array([0.0, 10.0, 10.5])[values[:, 0].astype(int)]
    genres = np.array(["a", "b", "c"])[np.arange(len(table)) % 3]
    windows = table.windows.assign(genre=genres)
    ax = plots.genre_dendrogram(dataclasses.replace(table, values=values, windows=windows))
    names = [label.get_text() for label in ax.get_yticklabels()]
    assert sorted(names) == ["a", "b", "c"]
    assert names[1] != "a"
    (branches,) = (c for c in ax.collections if len(c.get_paths()) == 2)
    joints = sorted(path.vertices[:, 0].max() for path in branches.get_paths())
    std = values[:, 0].std(ddof=1)
    np.testing.assert_allclose(joints, [0.5 / std, 10.25 / std])


def test_a_dendrogram_of_one_genre_is_refused(table):
    windows = table.windows.assign(genre="blues")
    with pytest.raises(CorpusError, match="at least two genres"):
        plots.genre_dendrogram(dataclasses.replace(table, windows=windows))


# --- interactive scatter plots and players -------------------------------------


def test_interactive_scatter_has_a_named_dot_a_track(corpus, table, points):
    plot = plots.interactive_scatter(points[:, :2], table.windows, corpus, names=["a", "b"])
    assert [trace.name for trace in plot.figure.data] == ["blues", "metal"]
    texts = {}
    for trace in plot.figure.data:
        texts |= dict(zip(trace.customdata, trace.text, strict=True))
    assert texts.keys() == set(corpus.tracks.index)
    for track, text in texts.items():
        assert track in text
        assert corpus.tracks.at[track, "artist"] in text
    middle = points[(table.windows["track_id"] == "blues.00000").to_numpy(), 0].mean()
    assert plot.figure.data[0].x[0] == pytest.approx(middle, abs=1e-3)


def test_three_columns_make_a_figure_in_3d(corpus, table, points):
    plot = plots.interactive_scatter(points, table.windows, corpus, names=list("abc"))
    assert {trace.type for trace in plot.figure.data} == {"scatter3d"}


def test_a_track_has_the_most_frequent_group_of_its_windows(corpus, table, points):
    labels = np.zeros(len(table), dtype=int)
    labels[(table.windows["track_id"] == "metal.00001").to_numpy()] = [1, 1, 1, 1, 2, 2]
    plot = plots.interactive_scatter(
        points[:, :2], table.windows, corpus, names=["a", "b"], groups=labels
    )
    assert {t.name: list(t.customdata) for t in plot.figure.data}["1"] == ["metal.00001"]


def test_page_plays_every_track_of_the_synthetic_corpus(corpus, table, points):
    plot = plots.interactive_scatter(
        points[:, :2], table.windows, corpus, names=["a", "b"], seconds=1
    )
    bundle = plot._repr_mimebundle_()
    assert plot.sounds.keys() == set(corpus.tracks.index)
    assert all(sound in bundle["text/html"] for sound in plot.sounds.values())
    assert "application/vnd.plotly.v1+json" in bundle
    # Nothing is loaded but the book's own script.
    assert re.findall(r"https?://[^\"\s]+", bundle["text/html"]) == []


def test_same_figure_same_page(corpus, table, points):
    pages = [
        plots.interactive_scatter(
            points[:, :2], table.windows, corpus, names=["a", "b"]
        )._repr_mimebundle_()
        for _ in range(2)
    ]
    assert pages[0] == pages[1]


def test_names_cannot_end_the_script(corpus, table, points):
    name = "</script><script>alert(1)</script>"
    plot = plots.interactive_scatter(points[:, :2], table.windows, corpus, names=[name, "@FIGURE@"])
    page = plot._repr_mimebundle_()["text/html"]
    assert page.count("<script>") == 1
    assert page.count("</script>") == 1


def test_other_corpora_have_no_players(small_folder):
    corpus = open_corpus(small_folder)
    table = features(corpus, 1.0)
    plot = plots.interactive_scatter(table.values[:, :2], table.windows, corpus, names=["a", "b"])
    assert plot.sounds == {}
    assert not is_playable(corpus)
    assert (
        "<audio"
        not in plots.harmonic_percussive_players(corpus, {"x": corpus.tracks.index[0]}).data
    )


def test_harmonic_percussive_players_are_three_a_track(corpus):
    page = plots.harmonic_percussive_players(
        corpus, {"some <b>": corpus.tracks.index[0]}, seconds=2
    ).data
    assert page.count("<audio") == 3
    assert "some &lt;b&gt;: harmonic" in page


def test_lower_quality_makes_smaller_files(corpus):
    track = corpus.tracks.index[0]
    assert len(excerpt(corpus, track, seconds=3, quality=0.85)) < 0.8 * len(
        excerpt(corpus, track, seconds=3)
    )


def test_a_table_of_the_synthetic_corpus_has_no_players(corpus, table, tmp_path):
    (tmp_path / "tracks.csv").write_bytes((corpus.root.parent / "tracks.csv").read_bytes())
    (tmp_path / "corpus.json").write_text(json.dumps({}))
    corpus = open_corpus(table.save(tmp_path / "features.csv"))
    assert corpus.name == "synthetic"
    assert not is_playable(corpus)


def test_constant_features_are_drawn(table):
    values = table.values.copy()
    values[:, 0] = 1.0
    flat = dataclasses.replace(table, values=values)
    plots.genre_profile(flat)
    plots.cluster_profile(flat, np.arange(len(table)) % 2)
    assert (
        not np.isnan(pd.DataFrame(plots.genre_profile(flat).collections[0].get_array())).any().any()
    )


def test_the_variance_of_one_genre_is_refused():
    shares = pd.DataFrame({"track": [0.6], "window": [0.4]}, index=["tempo"])
    message = r"one genre has no share of the genre .* use music of at"
    with pytest.raises(CorpusError, match=message):
        plots.variance_components(shares)
