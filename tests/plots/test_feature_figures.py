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
    assert [ax.get_title() for ax in figure.axes[:3]] == [
        "mfcc1_mean (dB)", "tempo (beats per minute)", "rms_var",
    ]  # fmt: skip
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


# --- grids --------------------------------------------------------------------


@pytest.mark.parametrize("unit", ["window", "track"])
def test_heat_map_shows_scores_and_intervals(grids, unit):
    ax = plots.grid_scores(grids[1], unit=unit)
    score = grids[1].cells["PCA", "neural net"].accuracy(unit)
    digits = 1 if unit == "window" else 0
    expected = f"{100 * score.value:.{digits}f}\n{100 * score.low:.0f} to {100 * score.high:.0f}"
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
    names = ["neural net, no transform", "neural net, PCA"]
    assert [line.get_label() for line in ax.lines] == names
    assert len({(line.get_color(), line.get_linestyle()) for line in ax.lines}) == 2
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


def test_heat_maps_have_no_negative_zeros(table, points):
    flat = dataclasses.replace(table, values=np.round(table.values * 1e-9, 9) - 1e-12)
    ax = plots.cluster_profile(flat, np.arange(len(table)) % 2)
    assert "-0.0" not in texts(ax)


# --- maps of tracks -----------------------------------------------------------


def test_scatter_has_a_shape_a_genre(table, points):
    ax = plots.scatter(points, table.windows, names=["a", "b"])
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("a", "b")
    # The windows, and the tracks of each genre.
    windows, *genres = ax.collections
    assert len(windows.get_offsets()) == len(table)
    assert [len(tracks.get_offsets()) for tracks in genres] == [3, 3]
    shapes = [tracks.get_paths()[0].vertices.tobytes() for tracks in genres]
    assert len(set(shapes)) == 2
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["blues", "metal"]


@pytest.fixture(scope="module")
def fitted(table):
    scaled = (table.values - table.values.mean(0)) / table.values.std(0, ddof=1)
    pca = PCA(svd_solver="full").fit(scaled)
    return pca, pca.transform(scaled)


def test_arrows_of_a_biplot_are_correlations(table, fitted):
    pca, components = fitted
    ax = plots.biplot(pca, components, table, top=5)
    arrows = {
        text.get_text(): np.array(text.get_position()) for text in ax.texts if text.get_text()
    }
    assert 1 < len(arrows) <= 5
    correlations = {
        name: np.array([np.corrcoef(table.frame[name], axis)[0, 1] for axis in components.T[:2]])
        for name in arrows
    }
    # One factor for all.
    factors = [place / correlations[name] for name, place in arrows.items()]
    np.testing.assert_allclose(factors, factors[0][0])
    longest = np.linalg.norm(pca.components_[:2].T * np.sqrt(pca.explained_variance_[:2]), axis=1)
    assert table.names[longest.argmax()] in arrows


def test_arrows_of_a_biplot_differ_in_direction(table, fitted):
    ax = plots.biplot(*fitted, table, top=57)
    places = np.array([text.get_position() for text in ax.texts if text.get_text()])
    angles = np.sort(np.degrees(np.arctan2(*places.T)))
    assert np.diff(angles, append=angles[0] + 360).min() >= 10


def test_embeddings_are_panels_of_the_same_tracks(table, points):
    figure = plots.embeddings({"one": points, "two": -points}, table.windows)
    one, two = figure.axes
    assert [ax.get_title() for ax in (one, two)] == ["one", "two"]
    for left, right in zip(one.collections, two.collections, strict=True):
        np.testing.assert_allclose(left.get_offsets(), -right.get_offsets())
    assert len(one.collections) == 2


def test_importance_shows_losses_in_points():
    scores = pd.DataFrame(
        {"features": [40, 1], "loss": [0.4, -0.01], "low": [0.3, -0.02], "high": [0.5, 0.01]},
        index=["timbre", "tempo"],
    )
    ax = plots.importance(scores)
    names = [label.get_text() for label in ax.get_yticklabels()]
    assert names == ["timbre (40)", "tempo (1)"]
    np.testing.assert_allclose(ax.lines[-1].get_xdata(), [40, -1])
    # The greatest loss is at the top.
    assert ax.lines[-1].get_ydata().tolist() == [1, 0]


# --- interactive scatter plots and players -------------------------------------


def scatter_page(*args, **options):
    return plots.interactive_scatter(*args, **options)._repr_html_()


def test_interactive_scatter_has_a_named_marker_a_track(corpus, table, points):
    plot = plots.interactive_scatter(points[:, :2], table.windows, corpus, names=["a", "b"])
    assert list(plot.styles) == ["blues", "metal"]
    assert plot.axes == ["a", "b"]
    middle = points[(table.windows["track_id"] == "blues.00000").to_numpy(), 0].mean()
    assert plot.tracks.at["blues.00000", "a"] == pytest.approx(middle)
    page = plot._repr_html_()
    for track in corpus.tracks.index:
        genre, artist = corpus.tracks.loc[track, ["genre", "artist"]]
        assert f"<title>{track}, {genre}, {artist}</title>" in page
        # Once a marker, once in the list.
        assert page.count(f'data-track="{track}"') == 2


def test_markers_lie_where_the_coordinates_are(corpus, table):
    """Of two tracks at the ends of both axes, one is left below, the other right above."""
    ends = {"blues.00000": (-1.0, 10.0), "metal.00000": (3.0, 20.0)}
    middle = (1.0, 15.0)
    points = np.array([ends.get(track, middle) for track in table.windows["track_id"]])
    page = scatter_page(points, table.windows, corpus, names=["a", "b"])
    place = r'data-track="([^"]+)"[^>]*translate\(([-\d.]+) ([-\d.]+)\)'
    at = {track: (float(x), float(y)) for track, x, y in re.findall(place, page)}
    assert at.keys() == set(corpus.tracks.index)
    (x1, y1), (x2, y2) = at["blues.00000"], at["metal.00000"]
    assert x1 < x2
    assert y1 > y2
    assert at["blues.00001"] == pytest.approx(((x1 + x2) / 2, (y1 + y2) / 2), abs=0.11)


def test_figure_can_be_reached_and_read_without_a_mouse(corpus, table, points):
    page = scatter_page(points, table.windows, corpus, names=list("abc"))
    svg = re.search(r"<svg [^>]*>", page)[0]
    assert 'tabindex="0"' in svg
    assert 'role="img"' in svg
    assert re.search(r'aria-label="Scatter plot of 6 tracks by a and b and c', svg)
    assert "<summary>As a list</summary>" in page
    rows = re.findall(r"<tr><td><button.*?</tr>", page)
    assert len(rows) == len(corpus.tracks)
    assert all(row.count("<td>") == 6 for row in rows)
    assert page.count('aria-pressed="true"') == 2


def test_groups_differ_in_colour_and_shape(corpus, table, points):
    plot = plots.interactive_scatter(points[:, :2], table.windows, corpus, names=["a", "b"])
    colors, markers = zip(*plot.styles.values(), strict=True)
    assert len(set(colors)) == len(set(markers)) == 2
    outlines = re.findall(r'<path id="[^"]+" d="(M[^"]+Z)"/>', plot._repr_html_())
    assert len(set(outlines)) == 2


def test_three_columns_make_a_figure_that_can_be_rotated(corpus, table, points):
    flat, cube = (
        scatter_page(points[:, :n], table.windows, corpus, names=list("abc")[:n]) for n in (2, 3)
    )
    # Twelve edges, three names and the markers.
    assert cube.count("data-at=") == 15 + len(corpus.tracks)
    assert flat.count("data-at=") == 0
    assert "arrow keys rotate" in cube
    assert "arrow keys rotate" not in flat


def test_a_track_has_the_most_frequent_group_of_its_windows(corpus, table, points):
    labels = np.zeros(len(table), dtype=int)
    labels[(table.windows["track_id"] == "metal.00001").to_numpy()] = [1, 1, 1, 1, 2, 2]
    plot = plots.interactive_scatter(
        points[:, :2], table.windows, corpus, names=["a", "b"], groups=labels
    )
    assert plot.tracks.index[plot.tracks["group"] == "1"].tolist() == ["metal.00001"]
    assert list(plot.styles) == ["0", "1"]


def test_page_plays_every_track_of_the_synthetic_corpus(corpus, table, points):
    options = {"names": ["a", "b"], "seconds": 1}
    plot = plots.interactive_scatter(points[:, :2], table.windows, corpus, **options)
    page = plot._repr_html_()
    assert plot.sounds.keys() == set(corpus.tracks.index)
    assert all(page.count(sound) == 1 for sound in plot.sounds.values())
    assert "click to listen" in page
    # Nothing is loaded.
    assert re.findall(r"https?://|src=|import", page) == []


def test_a_second_figure_needs_no_sounds_of_its_own(corpus, table, points):
    options = {"names": ["a", "b"], "sounds": False}
    plot = plots.interactive_scatter(points[:, :2], table.windows, corpus, **options)
    assert plot.sounds == {}
    assert "click to listen" in plot._repr_html_()


def test_same_figure_same_page(corpus, table, points):
    pages = [scatter_page(points[:, :2], table.windows, corpus, names=["a", "b"]) for _ in range(2)]
    assert pages[0] == pages[1]


def test_names_of_axes_and_tracks_are_shown_as_they_are(corpus, table, points):
    name = "</script><script>alert(1)</script>"
    windows = table.windows.assign(genre='@ "SOUNDS" & <b>')
    page = scatter_page(points[:, :2], windows, corpus, names=[name, "@ NAME"])
    assert page.count("<script>") == 1
    assert page.count("</script>") == 1
    assert "&lt;/script&gt;" in page
    assert "&#64; NAME</text>" in page
    assert "&#64; &quot;SOUNDS&quot; &amp; &lt;b&gt;" in page


def test_constant_coordinates_are_drawn(corpus, table):
    options = {"names": ["a", "b"], "sounds": False}
    page = scatter_page(np.ones((len(table), 2)), table.windows, corpus, **options)
    assert not re.search(r"\b(nan|inf)\b", page)


def test_other_corpora_have_no_players(small_folder):
    corpus = open_corpus(small_folder)
    table = features(corpus, 1.0)
    plot = plots.interactive_scatter(table.values[:, :2], table.windows, corpus, names=["a", "b"])
    assert plot.sounds == {}
    assert "click to listen" not in plot._repr_html_()
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
