"""Figures of answers and of trials: every number they were given, in its place."""

import base64
import colorsys
import io
import re
import warnings

import matplotlib

matplotlib.use("agg")

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.collections import LineCollection
from matplotlib.colors import to_rgb
from matplotlib.patches import PathPatch

from gtzan_lib import plots
from gtzan_lib.data.corpus import Corpus, open_corpus
from gtzan_lib.inference.prediction import Prediction
from gtzan_lib.live.streaming import StreamPrediction
from gtzan_lib.live.takes import Take
from gtzan_lib.signal.denoise import METHODS
from gtzan_lib.signal.recipes import Recipe
from gtzan_lib.synthetic import compose

GENRES = ("blues", "jazz", "rock")


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    plt.close("all")


def prediction(*sure: float, starts=None, window_s: float = 3.0) -> Prediction:
    """Windows that are so sure of jazz; the rest is rock's."""
    windows = np.array([[0, share, 1 - share] for share in sure], dtype=np.float32)
    starts = window_s * np.arange(len(sure)) if starts is None else np.array(starts, dtype=float)
    return Prediction(GENRES, windows, starts, window_s)


def dots(ax, marker: str = "o") -> list[tuple[float, float]]:
    """All points of one marker, as (x, y)."""
    return [
        tuple(point)
        for line in ax.lines
        if line.get_marker() == marker
        for point in line.get_xydata().tolist()
    ]


def spans(ax) -> list[np.ndarray]:
    """What the lines of intervals reach from and to, as [[x, y], [x, y]]."""
    return [
        path for lines in ax.collections if isinstance(lines, LineCollection)
        for path in lines.get_segments()
    ]  # fmt: skip


def labels(axis) -> list[str]:
    return [text.get_text() for text in axis.get_ticklabels()]


def legend(ax) -> dict[str, object]:
    """What the legend names, and the artist that stands for it."""
    told = ax.get_legend()
    return dict(
        zip([text.get_text() for text in told.get_texts()], told.legend_handles, strict=True)
    )


def hue(color) -> float:
    return colorsys.rgb_to_hls(*to_rgb(color))[0]


# --- what a model says about one piece ----------------------------------------


def cells(ax) -> list[tuple[float, float, np.ndarray]]:
    """The windows drawn: from, to, and their probabilities upward."""
    for image in ax.images:
        assert tuple(image.get_extent()[2:]) == (-0.5, 2.5)
        assert image.origin == "lower"
        assert image.get_clim() == (0, 1)
    return [(*image.get_extent()[:2], np.asarray(image.get_array())[:, 0]) for image in ax.images]


def places(ax) -> list[tuple[float, float]]:
    return [one[:2] for one in cells(ax)]


def test_timeline_shows_each_window_where_it_is():
    told = prediction(0.9, 0.2, 0.7)
    ax = plots.timeline(told)
    for number, (begin, end, column) in enumerate(cells(ax)):
        assert (begin, end) == pytest.approx((3 * number, 3 * number + 3))
        np.testing.assert_array_equal(column, told.windows[number])
    assert len(ax.images) == 3
    assert ax.get_xlim() == pytest.approx((0, 9))
    assert (labels(ax.yaxis), ax.get_yticks().tolist()) == (list(GENRES), [0, 1, 2])
    assert ax.get_xlabel() == "time (s)"
    assert ax.figure.axes[1].get_ylabel() == "probability"


def test_timeline_names_the_answer():
    ax = plots.timeline(prediction(0.9, 0.3, 0.7))
    assert ax.get_title() == "jazz, 63 %"
    bold = [text.get_text() for text in ax.get_yticklabels() if text.get_fontweight() == "bold"]
    assert bold == ["jazz"]


def test_windows_that_overlap_are_drawn_around_their_middles():
    ax = plots.timeline(prediction(0.9, 0.2, 0.7, starts=[0, 1, 2]))
    np.testing.assert_allclose(places(ax), [(1, 2), (2, 3), (3, 4)])
    assert ax.get_xlim() == pytest.approx((1, 4))


def test_single_window_is_drawn_whole():
    ax = plots.timeline(prediction(0.9))
    np.testing.assert_allclose(places(ax), [(0, 3)])
    assert dots(ax, "v")[0][0] == pytest.approx(1.5)


def test_silence_between_windows_is_left_free():
    ax = plots.timeline(prediction(0.9, 0.8, 0.7, starts=[0, 3, 12]))
    np.testing.assert_allclose(places(ax), [(0, 3), (3, 6), (12, 15)])


@pytest.mark.parametrize(
    ("starts", "window_s"),
    [([0, 3, 6, 7.5], 3), ([0, 3, 6, 8.9], 3), ([0, 1, 2, 2.6], 3), ([0, 3, 6, 6.5], 1)],
)
def test_a_last_window_that_ends_with_the_sound_leaves_no_gaps(starts, window_s):
    """Where two windows follow each other at once, or overlap, nothing is white between."""
    ax = plots.timeline(prediction(0.9, 0.8, 0.7, 0.6, starts=starts, window_s=window_s))
    drawn = cells(ax)
    for number in range(3):
        (_, end, _), (begin, _, _) = drawn[number], drawn[number + 1]
        if starts[number + 1] - starts[number] <= window_s:
            assert begin <= end + 1e-9
        # And none is drawn where its neighbour's middle is.
        assert end <= starts[number + 1] + window_s / 2


@settings(max_examples=10)
@given(
    sure=st.lists(st.floats(0, 1), min_size=1, max_size=12),
    step=st.sampled_from([0.5, 1.0, 3.0, 5.0]),
)
def test_triangles_stand_above_the_windows_that_decided(sure, step):
    told = prediction(*sure, starts=step * np.arange(len(sure)))
    ax = plots.timeline(told)
    triangles = dots(ax, "v")
    middles = told.starts_s[told.deciding] + 1.5
    assert [x for x, _ in triangles] == pytest.approx(middles.tolist())
    # Above the genres, and not cut off there.
    assert {y for _, y in triangles} == {2.85}
    assert all(not line.get_clip_on() for line in ax.lines)
    for x, _ in triangles:
        assert any(begin < x < end for begin, end, _ in cells(ax))
    plt.close(ax.figure)


def test_two_of_three_decide():
    """0.9 leads by 0.8, 0.6 by 0.2; without the first, 0.2 turns it."""
    ax = plots.timeline(prediction(0.6, 0.9, 0.2))
    assert [x for x, _ in dots(ax, "v")] == pytest.approx([4.5])


RECIPE = Recipe.preset("mel-3s", size=(8, 10))


def test_maps_stand_below_their_windows(rng):
    images = rng.integers(1, 256, (3, 8, 10), dtype=np.uint8)
    maps = rng.random((3, 8, 10), dtype=np.float32)
    maps[:, 2, 3] = 0
    figure = plots.saliency_maps(images, maps, RECIPE, ["a", "b", "c"])
    assert len(figure.axes) == 6
    above, below = figure.axes[:3], figure.axes[3:]
    assert [ax.get_title() for ax in above] == ["a", "b", "c"]
    for up, down, image, strength in zip(above, below, images, maps, strict=True):
        np.testing.assert_array_equal(up.images[0].get_array(), image)
        lit = np.asarray(down.images[0].get_array()) / image
        # Where it is strongest it is as above; nowhere is it quite dark.
        strong = strength >= np.quantile(strength, 0.98)
        np.testing.assert_allclose(lit[strong], 1, rtol=1e-5)
        assert lit[2, 3] == pytest.approx(0.08)
        order = np.argsort(strength, axis=None)
        assert (np.diff(lit.ravel()[order]) >= -1e-6).all()
    assert above[0].get_ylabel() == "mel band"
    assert not above[1].get_ylabel()
    figure.canvas.draw()


@pytest.mark.parametrize("looked", [0, 1, 40, 80])
def test_maps_that_are_mostly_zero(rng, looked):
    """As of a net that looks at little, or at nothing."""
    images = rng.integers(1, 256, (1, 8, 10), dtype=np.uint8)
    maps = np.zeros((1, 8, 10), dtype=np.float32)
    maps.ravel()[:looked] = 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        figure = plots.saliency_maps(images, maps, RECIPE, ["a"])
    lit = np.asarray(figure.axes[1].images[0].get_array()) / images[0]
    assert np.isfinite(lit).all()
    np.testing.assert_allclose(lit.ravel()[:looked], 1, rtol=1e-5)
    np.testing.assert_allclose(lit.ravel()[looked:], 0.08, rtol=1e-5)


def moments(shares: np.ndarray) -> list[StreamPrediction]:
    return [
        StreamPrediction(3.0 + number, "", row, row, 0.0, 0.0)
        for number, row in enumerate(np.asarray(shares, dtype=np.float32))
    ]


def test_following_draws_the_average_of_those_that_count():
    shares = [[0.5, 0.45, 0.05], [0.3, 0.62, 0.08], [0.2, 0.71, 0.09]]
    ax = plots.stream_timeline(moments(shares), GENRES)
    lines = {line.get_label(): line for line in ax.lines}
    # The one that came to more stands first; the one that never came near is left out.
    assert list(lines) == list(legend(ax)) == ["jazz", "blues"]
    colors = plots.genre_colors(list(GENRES))
    for name, line in lines.items():
        assert line.get_xdata().tolist() == [3, 4, 5]
        expected = 100 * np.array(shares)[:, GENRES.index(name)]
        np.testing.assert_allclose(line.get_ydata(), expected, rtol=1e-5)
        assert to_rgb(line.get_color()) == colors[name]
    assert ax.get_ylim() == (0, 100)


@pytest.mark.parametrize(("n", "length"), [(3, 9), (8, 30), (12, 60)])
def test_whoever_led_is_in_the_figure(rng, n, length):
    shares = rng.dirichlet(np.full(n, 0.5), size=length)
    genres = [f"genre {number}" for number in range(n)]
    ax = plots.stream_timeline(moments(shares), genres)
    drawn = {line.get_label() for line in ax.lines}
    assert {genres[lead] for lead in shares.argmax(axis=1)} <= drawn


def test_whoever_led_is_in_the_figure_of_many_genres():
    """Where the most probable has hardly more than a share."""
    shares = np.full((3, 20), 0.0484)
    shares[:, 7] = 1 - 19 * 0.0484
    ax = plots.stream_timeline(moments(shares), [f"genre {number}" for number in range(20)])
    assert [line.get_label() for line in ax.lines] == ["genre 7"]


# --- trials -------------------------------------------------------------------


def row(value: float, low: float, high: float, *difference: float) -> dict[str, float]:
    names = ("difference", "difference_low", "difference_high")
    return {
        "value": value, "low": low, "high": high, "n": 40.0,
        **dict(zip(names, difference or (0, 0, 0), strict=True)),
    }  # fmt: skip


def table(**rows: dict[str, float]) -> pd.DataFrame:
    made = {name.replace("_", " ").replace("MINUS", "-"): one for name, one in rows.items()}
    return pd.DataFrame.from_dict(made, orient="index").rename_axis("condition")


ROBUST = table(
    as_it_is=row(0.8, 0.65, 0.9),
    reverb=row(0.6, 0.44, 0.74, -0.2, -0.31, -0.09),
    mp3=row(0.825, 0.68, 0.91, 0.025, -0.05, 0.1),
)


def test_robustness_has_a_dot_and_an_interval_a_condition():
    ax = plots.robustness(ROBUST)
    place = dict(zip(labels(ax.yaxis), ax.get_yticks(), strict=True))
    # From above in the order of the table.
    assert sorted(place, key=lambda one: -place[one]) == ["as it is", "reverb", "mp3"]
    expected = [(100 * ROBUST.at[name, "value"], place[name]) for name in ROBUST.index]
    np.testing.assert_allclose(dots(ax), expected)
    expected = [
        [[100 * ROBUST.at[name, end], place[name]] for end in ("low", "high")]
        for name in ROBUST.index
    ]
    np.testing.assert_allclose(spans(ax), expected)
    assert ax.get_xlim() == (0, 100)
    # The first condition's value, for all to be compared with.
    upright = [line.get_xdata() for line in ax.lines if line.get_marker() != "o"]
    assert upright == [[pytest.approx(80), pytest.approx(80)]]


def test_robustness_tells_what_each_condition_costs():
    ax = plots.robustness(ROBUST)
    place = dict(zip(labels(ax.yaxis), ax.get_yticks(), strict=True))
    told = {text.get_position()[1]: text.get_text() for text in ax.texts}
    assert told[place["reverb"]] == "-20  (-31 to -9)"
    assert told[place["mp3"]] == "+2  (-5 to +10)"
    assert place["as it is"] not in told
    assert len(told) == 3


def test_robustness_of_a_single_condition():
    ax = plots.robustness(ROBUST.iloc[:1])
    assert dots(ax) == [(80, 0)]
    assert labels(ax.yaxis) == ["as it is"]


@pytest.fixture(scope="module")
def gained() -> pd.DataFrame:
    rng = np.random.default_rng(5)
    rows = [
        (f"blues.{track:05d}", noise, method, 10 * level - 5 * kind + rng.normal())
        for track in range(9)
        for kind, noise in enumerate(("room", "white"))
        for level, method in enumerate(("subtraction", "wiener"))
    ]
    return pd.DataFrame(rows, columns=["track_id", "noise", "method", "gain_db"])


def boxes(ax) -> list[np.ndarray]:
    """The corners of the boxes, from left to right."""
    found = [patch.get_path().vertices for patch in ax.patches if isinstance(patch, PathPatch)]
    return sorted(found, key=lambda corners: corners[:, 0].mean())


def test_gains_are_boxes_from_quartile_to_quartile(gained):
    ax = plots.denoising_gains(gained)
    assert labels(ax.xaxis) == ["room", "white"]
    assert list(legend(ax)) == ["subtraction", "wiener"]
    drawn = boxes(ax)
    assert len(drawn) == 4
    pairs = [(noise, method) for noise in ("room", "white") for method in legend(ax)]
    for (noise, method), corners in zip(pairs, drawn, strict=True):
        own = gained["gain_db"][(gained["noise"] == noise) & (gained["method"] == method)]
        low, middle, high = np.percentile(own, [25, 50, 75])
        assert (corners[:, 1].min(), corners[:, 1].max()) == pytest.approx((low, high))
        medians = [
            line.get_ydata()[0]
            for line in ax.lines
            if len(line.get_xdata()) == 2
            and np.allclose(line.get_xdata(), [corners[:, 0].min(), corners[:, 0].max()])
        ]
        assert pytest.approx(middle) in medians
        # Each stands over its noise.
        assert round(corners[:, 0].mean()) == ("room", "white").index(noise)
    level = [line for line in ax.lines if tuple(line.get_xdata()) == (0, 1)]
    assert [tuple(line.get_ydata()) for line in level] == [(0, 0)]


LEVELS = (20, 5, -5)
NOISY = table(
    as_it_is=row(0.9, 0.8, 0.96),
    noise_left_in_at_20_dB=row(0.8, 0.7, 0.88),
    wiener_at_20_dB=row(0.85, 0.74, 0.92),
    noise_left_in_at_5_dB=row(0.5, 0.4, 0.6),
    wiener_at_5_dB=row(0.7, 0.6, 0.78),
    noise_left_in_at_MINUS5_dB=row(0.2, 0.1, 0.34),
    wiener_at_MINUS5_dB=row(0.3, 0.2, 0.45),
    reverb_at_home=row(0.01, 0.0, 0.02),
)


def lines_of(ax) -> dict[str, np.ndarray]:
    return {line.get_label(): line.get_xydata() for line in ax.lines if line.get_marker() == "o"}


def at(levels, place: float) -> float:
    """The level at whose tick something stands, or beside it."""
    ordered = sorted(levels, reverse=True)
    assert abs(place - round(place)) < 0.3
    return ordered[round(place)]


@pytest.mark.parametrize("levels", [LEVELS, LEVELS[::-1], (5, 20, -5)])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_noise_levels_draw_a_line_a_method(levels, seed):
    """In whatever order conditions and levels come."""
    order = np.random.default_rng(seed).permutation(np.arange(1, len(NOISY)))
    mixed = NOISY if seed == 0 else NOISY.iloc[[0, *order]]
    ax = plots.accuracy_by_snr(mixed, levels)
    assert labels(ax.xaxis) == ["20", "5", "-5"]
    drawn = lines_of(ax)
    assert set(drawn) == {"noise left in", "wiener"}
    for label, points in drawn.items():
        told = {at(LEVELS, x): y for x, y in points}
        expected = {level: 100 * NOISY.at[f"{label} at {level} dB", "value"] for level in LEVELS}
        assert told == pytest.approx(expected)
        # Lines lead from one level to the next.
        assert (np.diff(points[:, 0]) > 0).all() or (np.diff(points[:, 0]) < 0).all()
    reached = {
        (round(float(x), 6), round(float(low), 6), round(float(high), 6))
        for (x, low), (_, high) in spans(ax)
    }
    expected = {
        (round(float(x), 6), *(round(100 * one.at[end], 6) for end in ("low", "high")))
        for label, points in drawn.items()
        for x, _ in points
        for one in [NOISY.loc[f"{label} at {at(LEVELS, x)} dB"]]
    }
    assert reached == expected
    # None hides another.
    assert len({x for x, _, _ in reached}) == 6


def test_noise_levels_show_the_music_without_noise():
    ax = plots.accuracy_by_snr(NOISY, LEVELS)
    (dashed,) = [line for line in ax.lines if line.get_linestyle() == "--"]
    assert set(dashed.get_ydata()) == {90.0}
    assert dashed.get_label() == "no noise"
    assert list(legend(ax)) == ["no noise", "noise left in", "wiener"]


def test_music_without_noise_is_found_by_its_name():
    ax = plots.accuracy_by_snr(NOISY.iloc[::-1], LEVELS)
    (dashed,) = [line for line in ax.lines if line.get_linestyle() == "--"]
    assert set(dashed.get_ydata()) == {90.0}


def test_levels_that_are_no_whole_numbers():
    rows = {"as it is": row(0.9, 0.8, 1), "wiener at 2.5 dB": row(0.5, 0.4, 0.6)}
    ax = plots.accuracy_by_snr(pd.DataFrame.from_dict(rows, orient="index"), [2.5])
    assert labels(ax.xaxis) == ["2.5"]
    assert lines_of(ax)["wiener"].tolist() == [[0, 50]]


@pytest.mark.parametrize("shown", [METHODS, METHODS[::-1], METHODS[1:3]])
def test_methods_have_one_colour_in_both_figures(shown):
    rows = [("a", "white", method, float(n)) for n in range(3) for method in shown]
    gained = pd.DataFrame(rows, columns=["track_id", "noise", "method", "gain_db"])
    boxed = {
        name: hue(patch.get_facecolor())
        for name, patch in legend(plots.denoising_gains(gained)).items()
    }
    rows = {f"{name} at 5 dB": row(0.5, 0.4, 0.6) for name in (*shown, "noise left in")}
    ax = plots.accuracy_by_snr(
        pd.DataFrame.from_dict({"as it is": row(0.9, 0.8, 1), **rows}, orient="index"), [5]
    )
    lined = {line.get_label(): line.get_color() for line in ax.lines if line.get_marker() == "o"}
    assert {name: hue(lined[name]) for name in shown} == pytest.approx(boxed, abs=0.01)
    assert len(set(lined.values())) == len(shown) + 1
    red, green, blue = to_rgb(lined["noise left in"])
    assert red == green == blue
    # Whatever else is in the figure.
    first = hue(plots.genre_colors(["blues"])["blues"])
    assert (boxed.get("wiener") == pytest.approx(first, abs=0.01)) == ("wiener" in shown)


# --- where they are drawn -----------------------------------------------------


@pytest.mark.parametrize("name", ["timeline", "following", "robustness", "gains", "noise_levels"])
def test_ax_in_ax_out(gained, name):
    draw = {
        "timeline": lambda ax: plots.timeline(prediction(0.9, 0.3), ax),
        "following": lambda ax: plots.stream_timeline(moments([[0.5, 0.3, 0.2]] * 2), GENRES, ax),
        "robustness": lambda ax: plots.robustness(ROBUST, ax),
        "gains": lambda ax: plots.denoising_gains(gained, ax),
        "noise_levels": lambda ax: plots.accuracy_by_snr(NOISY, LEVELS, ax),
    }[name]
    _, ax = plt.subplots()
    assert draw(ax) is ax
    assert ax.has_data()
    own = draw(None)
    assert own is not ax
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        own.figure.canvas.draw()


# --- players of takes ---------------------------------------------------------


@pytest.fixture(scope="module")
def composed(tmp_path_factory) -> Corpus:
    folder = tmp_path_factory.mktemp("composed") / "corpus"
    compose(folder, artists=1, tracks=1, seconds=3, genres=["blues"])
    return open_corpus(folder)


def take(denoised: bool, tmp_path) -> Take:
    time = np.arange(3 * 22_050) / 22_050
    y = (0.3 * np.sin(2 * np.pi * 440 * time)).astype(np.float32)
    clean = 0.5 * y[22_050:] if denoised else None
    return Take(folder=tmp_path, raw=y, denoised=clean, sample_rate=22_050, settings={})


def heard(html: str) -> dict[str, np.ndarray]:
    """What players play, by what is written over them."""
    found = re.findall(r"<figcaption[^>]*>([^<]*)</figcaption>.*?base64,([^']*)'", html)
    return {
        caption: soundfile.read(io.BytesIO(base64.b64decode(sound)))[0] for caption, sound in found
    }


def test_takes_are_played_with_their_noise_and_without(composed, tmp_path):
    sounds = heard(plots.recording_players(take(True, tmp_path), composed).data)
    assert list(sounds) == ["as it was heard", "without its noise"]
    raw, clean = sounds.values()
    assert len(raw) / 22_050 == pytest.approx(3, abs=0.1)
    assert len(clean) / 22_050 == pytest.approx(2, abs=0.1)
    assert np.std(raw[20_000:40_000]) == pytest.approx(2 * np.std(clean[20_000:40_000]), rel=0.05)


def test_take_whose_noise_stayed_has_one_player(composed, tmp_path):
    sounds = heard(plots.recording_players(take(False, tmp_path), composed).data)
    assert list(sounds) == ["as it was heard"]


def test_takes_of_the_music_of_others_are_not_played(small_folder, composed, tmp_path):
    table = Corpus("synthetic", tmp_path / "features.csv", composed.tracks)
    for corpus in (None, open_corpus(small_folder), table):
        html = plots.recording_players(take(True, tmp_path), corpus).data
        assert "<audio" not in html
        assert "base64" not in html
        assert "not put into this book" in html
