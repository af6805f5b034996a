"""Figures of predictions and robustness tests show the numbers they are given."""

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
from gtzan_lib.data.corpus import Corpus
from gtzan_lib.data.opening import open_corpus
from gtzan_lib.inference.prediction import Prediction
from gtzan_lib.live.streaming import StreamPrediction
from gtzan_lib.live.takes import Take
from gtzan_lib.signal.degradations import CLEAN
from gtzan_lib.signal.denoise import METHODS
from gtzan_lib.signal.recipes import Recipe
from gtzan_lib.synthetic import compose

GENRES = ("blues", "jazz", "rock")


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    plt.close("all")


def prediction(*jazz: float, starts=None, window_s: float = 3.0) -> Prediction:
    """Windows with these probabilities of jazz; the rest is rock."""
    windows = np.array([[0, share, 1 - share] for share in jazz], dtype=np.float32)
    starts = window_s * np.arange(len(jazz)) if starts is None else np.array(starts, dtype=float)
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
    """The ends of the interval lines, as [[x, y], [x, y]]."""
    return [
        path for lines in ax.collections if isinstance(lines, LineCollection)
        for path in lines.get_segments()
    ]  # fmt: skip


def labels(axis) -> list[str]:
    return [text.get_text() for text in axis.get_ticklabels()]


def legend(ax) -> dict[str, object]:
    """The artists of the legend, by their labels."""
    box = ax.get_legend()
    return dict(zip([text.get_text() for text in box.get_texts()], box.legend_handles, strict=True))


def hue(color) -> float:
    return colorsys.rgb_to_hls(*to_rgb(color))[0]


# --- predictions over time ----------------------------------------------------


def cells(ax) -> list[tuple[float, float, np.ndarray]]:
    """The drawn windows: left end, right end, and probabilities upward."""
    for image in ax.images:
        assert tuple(image.get_extent()[2:]) == (-0.5, 2.5)
        assert image.origin == "lower"
        assert image.get_clim() == (0, 1)
    return [(*image.get_extent()[:2], np.asarray(image.get_array())[:, 0]) for image in ax.images]


def places(ax) -> list[tuple[float, float]]:
    return [cell[:2] for cell in cells(ax)]


def test_timeline_shows_each_window_where_it_is():
    predicted = prediction(0.9, 0.2, 0.7)
    ax = plots.timeline(predicted)
    for number, (begin, end, column) in enumerate(cells(ax)):
        assert (begin, end) == pytest.approx((3 * number, 3 * number + 3))
        np.testing.assert_array_equal(column, predicted.windows[number])
    assert len(ax.images) == 3
    assert ax.get_xlim() == pytest.approx((0, 9))
    assert (labels(ax.yaxis), ax.get_yticks().tolist()) == (list(GENRES), [0, 1, 2])
    assert ax.get_xlabel() == "time (s)"
    assert ax.figure.axes[1].get_ylabel() == "probability"


def test_timeline_names_the_predicted_genre():
    ax = plots.timeline(prediction(0.9, 0.3, 0.7))
    assert ax.get_title() == "jazz, 63 %"
    bold = [text.get_text() for text in ax.get_yticklabels() if text.get_fontweight() == "bold"]
    assert bold == ["jazz"]


def test_windows_that_overlap_are_drawn_around_their_middles():
    ax = plots.timeline(prediction(0.9, 0.2, 0.7, starts=[0, 1, 2]))
    np.testing.assert_allclose(places(ax), [(1, 2), (2, 3), (3, 4)])
    assert ax.get_xlim() == pytest.approx((1, 4))


def test_single_window_is_drawn_in_full_width():
    ax = plots.timeline(prediction(0.9))
    np.testing.assert_allclose(places(ax), [(0, 3)])
    assert dots(ax, "v")[0][0] == pytest.approx(1.5)


def test_silence_between_windows_is_left_empty():
    ax = plots.timeline(prediction(0.9, 0.8, 0.7, starts=[0, 3, 12]))
    np.testing.assert_allclose(places(ax), [(0, 3), (3, 6), (12, 15)])


@pytest.mark.parametrize(
    ("starts", "window_s"),
    [([0, 3, 6, 7.5], 3), ([0, 3, 6, 8.9], 3), ([0, 1, 2, 2.6], 3), ([0, 3, 6, 6.5], 1)],
)
def test_last_window_that_overlaps_leaves_no_gap(starts, window_s):
    """There is no gap between windows that are adjacent or overlap."""
    ax = plots.timeline(prediction(0.9, 0.8, 0.7, 0.6, starts=starts, window_s=window_s))
    drawn = cells(ax)
    for number in range(3):
        (_, end, _), (begin, _, _) = drawn[number], drawn[number + 1]
        if starts[number + 1] - starts[number] <= window_s:
            assert begin <= end + 1e-9
        # None covers the middle of its neighbour.
        assert end <= starts[number + 1] + window_s / 2


@settings(max_examples=10)
@given(
    jazz=st.lists(st.floats(0, 1), min_size=1, max_size=12),
    step=st.sampled_from([0.5, 1.0, 3.0, 5.0]),
)
def test_triangles_mark_the_decisive_windows(jazz, step):
    predicted = prediction(*jazz, starts=step * np.arange(len(jazz)))
    ax = plots.timeline(predicted)
    triangles = dots(ax, "v")
    middles = predicted.starts_s[predicted.decisive_windows] + 1.5
    assert [x for x, _ in triangles] == pytest.approx(middles.tolist())
    # Above the genres, and not clipped.
    assert {y for _, y in triangles} == {2.85}
    assert all(not line.get_clip_on() for line in ax.lines)
    for x, _ in triangles:
        assert any(begin < x < end for begin, end, _ in cells(ax))
    plt.close(ax.figure)


def test_one_of_three_windows_is_decisive():
    """0.9 leads by 0.8 and 0.6 by 0.2; without 0.9, rock is more probable because of 0.2."""
    ax = plots.timeline(prediction(0.6, 0.9, 0.2))
    assert [x for x, _ in dots(ax, "v")] == pytest.approx([4.5])


RECIPE = Recipe.preset("mel-3s", size=(8, 10))


def test_saliency_maps_are_below_their_windows(rng):
    images = rng.integers(1, 256, (3, 8, 10), dtype=np.uint8)
    maps = rng.random((3, 8, 10), dtype=np.float32)
    maps[:, 2, 3] = 0
    figure = plots.saliency_maps(images, maps, RECIPE, ["a", "b", "c"])
    assert len(figure.axes) == 6
    above, below = figure.axes[:3], figure.axes[3:]
    assert [ax.get_title() for ax in above] == ["a", "b", "c"]
    for up, down, image, saliency in zip(above, below, images, maps, strict=True):
        np.testing.assert_array_equal(up.images[0].get_array(), image)
        shade = np.asarray(down.images[0].get_array()) / image
        # The strongest parts are unchanged; the others are darkened to 8 % at least.
        strong = saliency >= np.quantile(saliency, 0.98)
        np.testing.assert_allclose(shade[strong], 1, rtol=1e-5)
        assert shade[2, 3] == pytest.approx(0.08)
        order = np.argsort(saliency, axis=None)
        assert (np.diff(shade.ravel()[order]) >= -1e-6).all()
    assert above[0].get_ylabel() == "mel band"
    assert not above[1].get_ylabel()
    figure.canvas.draw()


@pytest.mark.parametrize("count", [0, 1, 40, 80])
def test_saliency_maps_that_are_mostly_zero(rng, count):
    """As of a net whose prediction depends on few pixels, or on none."""
    images = rng.integers(1, 256, (1, 8, 10), dtype=np.uint8)
    maps = np.zeros((1, 8, 10), dtype=np.float32)
    maps.ravel()[:count] = 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        figure = plots.saliency_maps(images, maps, RECIPE, ["a"])
    shade = np.asarray(figure.axes[1].images[0].get_array()) / images[0]
    assert np.isfinite(shade).all()
    np.testing.assert_allclose(shade.ravel()[:count], 1, rtol=1e-5)
    np.testing.assert_allclose(shade.ravel()[count:], 0.08, rtol=1e-5)


def stream_predictions(probabilities: np.ndarray) -> list[StreamPrediction]:
    return [
        StreamPrediction(3.0 + number, "", row, row, 0.0, 0.0, None)
        for number, row in enumerate(np.asarray(probabilities, dtype=np.float32))
    ]


def test_stream_timeline_draws_the_most_probable_genres():
    shares = [[0.5, 0.45, 0.05], [0.3, 0.62, 0.08], [0.2, 0.71, 0.09]]
    ax = plots.stream_timeline(stream_predictions(shares), GENRES)
    lines = {line.get_label(): line for line in ax.lines}
    # The highest probability is first; a genre that stays below 10 % is left out.
    assert list(lines) == list(legend(ax)) == ["jazz", "blues"]
    colors = plots.genre_colors(list(GENRES))
    for name, line in lines.items():
        assert line.get_xdata().tolist() == [3, 4, 5]
        expected = 100 * np.array(shares)[:, GENRES.index(name)]
        np.testing.assert_allclose(line.get_ydata(), expected, rtol=1e-5)
        assert to_rgb(line.get_color()) == colors[name]
    assert ax.get_ylim() == (0, 100)


@pytest.mark.parametrize(("n", "length"), [(3, 9), (8, 30), (12, 60)])
def test_every_genre_that_led_is_drawn(rng, n, length):
    shares = rng.dirichlet(np.full(n, 0.5), size=length)
    genres = [f"genre {number}" for number in range(n)]
    ax = plots.stream_timeline(stream_predictions(shares), genres)
    drawn = {line.get_label() for line in ax.lines}
    assert {genres[n] for n in shares.argmax(axis=1)} <= drawn


def test_genre_that_led_by_little_is_drawn():
    """The most probable of twenty genres is below 10 %."""
    shares = np.full((3, 20), 0.0484)
    shares[:, 7] = 1 - 19 * 0.0484
    ax = plots.stream_timeline(
        stream_predictions(shares), [f"genre {number}" for number in range(20)]
    )
    assert [line.get_label() for line in ax.lines] == ["genre 7"]


# --- robustness tests ---------------------------------------------------------


def row(value: float, low: float, high: float, *difference: float) -> dict[str, float]:
    names = ("difference", "difference_low", "difference_high")
    return {
        "value": value, "low": low, "high": high, "n": 40.0,
        **dict(zip(names, difference or (0, 0, 0), strict=True)),
    }  # fmt: skip


def table(rows: dict[str, dict[str, float]]) -> pd.DataFrame:
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("condition")


ROBUST = table(
    {
        CLEAN: row(0.8, 0.65, 0.9),
        "reverb": row(0.6, 0.44, 0.74, -0.2, -0.31, -0.09),
        "mp3": row(0.825, 0.68, 0.91, 0.025, -0.05, 0.1),
    }
)


def test_robustness_has_a_dot_and_an_interval_a_condition():
    ax = plots.robustness(ROBUST)
    place = dict(zip(labels(ax.yaxis), ax.get_yticks(), strict=True))
    # In the order of the table, from the top.
    assert sorted(place, key=lambda name: -place[name]) == [CLEAN, "reverb", "mp3"]
    expected = [(100 * ROBUST.at[name, "value"], place[name]) for name in ROBUST.index]
    np.testing.assert_allclose(dots(ax), expected)
    expected = [
        [[100 * ROBUST.at[name, end], place[name]] for end in ("low", "high")]
        for name in ROBUST.index
    ]
    np.testing.assert_allclose(spans(ax), expected)
    assert ax.get_xlim() == (0, 100)
    # A vertical line marks the first condition's value.
    vertical = [line.get_xdata() for line in ax.lines if line.get_marker() != "o"]
    assert vertical == [[pytest.approx(80), pytest.approx(80)]]


def test_robustness_shows_the_difference_of_each_condition():
    ax = plots.robustness(ROBUST)
    place = dict(zip(labels(ax.yaxis), ax.get_yticks(), strict=True))
    texts = {text.get_position()[1]: text.get_text() for text in ax.texts}
    assert texts[place["reverb"]] == "-20  (-31 to -9)"
    assert texts[place["mp3"]] == "+2  (-5 to +10)"
    assert place[CLEAN] not in texts
    assert len(texts) == 3


def test_robustness_of_a_single_condition():
    ax = plots.robustness(ROBUST.iloc[:1])
    assert dots(ax) == [(80, 0)]
    assert labels(ax.yaxis) == [CLEAN]


@pytest.fixture(scope="module")
def gains() -> pd.DataFrame:
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
    corners = [patch.get_path().vertices for patch in ax.patches if isinstance(patch, PathPatch)]
    return sorted(corners, key=lambda box: box[:, 0].mean())


def test_gains_are_boxes_from_quartile_to_quartile(gains):
    ax = plots.denoising_gains(gains)
    assert labels(ax.xaxis) == ["room", "white"]
    assert list(legend(ax)) == ["subtraction", "wiener"]
    drawn = boxes(ax)
    assert len(drawn) == 4
    pairs = [(noise, method) for noise in ("room", "white") for method in legend(ax)]
    for (noise, method), corners in zip(pairs, drawn, strict=True):
        selected = gains["gain_db"][(gains["noise"] == noise) & (gains["method"] == method)]
        low, middle, high = np.percentile(selected, [25, 50, 75])
        assert (corners[:, 1].min(), corners[:, 1].max()) == pytest.approx((low, high))
        medians = [
            line.get_ydata()[0]
            for line in ax.lines
            if len(line.get_xdata()) == 2
            and np.allclose(line.get_xdata(), [corners[:, 0].min(), corners[:, 0].max()])
        ]
        assert pytest.approx(middle) in medians
        # Each box is at the tick of its noise type.
        assert round(corners[:, 0].mean()) == ("room", "white").index(noise)
    horizontal = [line for line in ax.lines if tuple(line.get_xdata()) == (0, 1)]
    assert [tuple(line.get_ydata()) for line in horizontal] == [(0, 0)]


SNRS = (20, 5, -5)


def noisy_row(snr_db: float, method: str, *bounds: float) -> dict[str, float | str]:
    return {**row(*bounds), "snr_db": snr_db, "method": method}


NOISY = table(
    {
        CLEAN: noisy_row(np.nan, "", 0.9, 0.8, 0.96),
        "a": noisy_row(20, "", 0.8, 0.7, 0.88),
        "b": noisy_row(20, "wiener", 0.85, 0.74, 0.92),
        "c": noisy_row(5, "", 0.5, 0.4, 0.6),
        "d": noisy_row(5, "wiener", 0.7, 0.6, 0.78),
        "e": noisy_row(-5, "", 0.2, 0.1, 0.34),
        "f": noisy_row(-5, "wiener", 0.3, 0.2, 0.45),
        "reverb": noisy_row(np.nan, "", 0.01, 0.0, 0.02),
    }
)
METHOD_OF = {"no denoising": "", "wiener": "wiener"}


def lines_of(ax) -> dict[str, np.ndarray]:
    return {line.get_label(): line.get_xydata() for line in ax.lines if line.get_marker() == "o"}


def noisy_at(label: str, x: float) -> pd.Series:
    """The row of `NOISY` for a line's label and the tick nearest to x."""
    assert abs(x - round(x)) < 0.3
    selected = (NOISY["method"] == METHOD_OF[label]) & (NOISY["snr_db"] == SNRS[round(x)])
    return NOISY[selected].iloc[0]


@pytest.mark.parametrize("order", ["as given", "reversed", 0, 1, 2])
def test_accuracy_by_snr_has_a_line_a_method(order):
    """The order of the rows does not matter, nor do the names of noisy conditions."""
    rows = np.arange(len(NOISY))
    if order == "reversed":
        rows = rows[::-1]
    elif order != "as given":
        rows = np.random.default_rng(order).permutation(rows)
    ax = plots.accuracy_by_snr(NOISY.iloc[rows])
    assert labels(ax.xaxis) == ["20", "5", "-5"]
    lines = lines_of(ax)
    assert set(lines) == {"no denoising", "wiener"}
    for label, points in lines.items():
        assert len(points) == 3
        # Lines lead from one SNR to the next.
        assert np.round(points[:, 0]).tolist() == [0, 1, 2]
        expected = [100 * noisy_at(label, x)["value"] for x in points[:, 0]]
        np.testing.assert_allclose(points[:, 1], expected)
    intervals = {
        (round(float(x), 6), round(float(low), 6), round(float(high), 6))
        for (x, low), (_, high) in spans(ax)
    }
    expected = {
        (round(float(x), 6), *(round(100 * noisy_at(label, x)[end], 6) for end in ("low", "high")))
        for label, points in lines.items()
        for x, _ in points
    }
    assert intervals == expected
    # No interval hides another.
    assert len({x for x, _, _ in intervals}) == 6
    assert (ax.get_xlabel(), ax.get_ylabel()) == (
        "signal-to-noise ratio (dB)",
        "track accuracy (%)",
    )


@pytest.mark.parametrize("step", [1, -1])
def test_accuracy_without_noise_is_a_dashed_line(step):
    ax = plots.accuracy_by_snr(NOISY.iloc[::step])
    (dashed,) = [line for line in ax.lines if line.get_linestyle() == "--"]
    assert set(dashed.get_ydata()) == {90.0}
    assert dashed.get_label() == CLEAN
    assert list(legend(ax)) == [CLEAN, *["no denoising", "wiener"][::step]]


def test_snr_with_a_fraction():
    rows = {CLEAN: noisy_row(np.nan, "", 0.9, 0.8, 1), "x": noisy_row(2.5, "wiener", 0.5, 0.4, 0.6)}
    ax = plots.accuracy_by_snr(table(rows))
    assert labels(ax.xaxis) == ["2.5"]
    assert lines_of(ax)["wiener"].tolist() == [[0, 50]]


def test_method_that_was_not_tested_at_every_snr():
    ax = plots.accuracy_by_snr(NOISY.drop(index="d"))
    assert np.round(lines_of(ax)["wiener"][:, 0]).tolist() == [0, 2]
    assert labels(ax.xaxis) == ["20", "5", "-5"]


@pytest.mark.parametrize("shown", [METHODS, METHODS[::-1], METHODS[1:3]])
def test_methods_have_one_colour_in_both_figures(shown):
    rows = [("a", "white", method, float(n)) for n in range(3) for method in shown]
    gains = pd.DataFrame(rows, columns=["track_id", "noise", "method", "gain_db"])
    hues_of_boxes = {
        name: hue(patch.get_facecolor())
        for name, patch in legend(plots.denoising_gains(gains)).items()
    }
    rows = {name: noisy_row(5, name, 0.5, 0.4, 0.6) for name in (*shown, "")}
    ax = plots.accuracy_by_snr(table({CLEAN: noisy_row(np.nan, "", 0.9, 0.8, 1), **rows}))
    colors = {line.get_label(): line.get_color() for line in ax.lines if line.get_marker() == "o"}
    hues_of_lines = {name: hue(colors[name]) for name in shown}
    assert hues_of_lines == pytest.approx(hues_of_boxes, abs=0.01)
    assert len(set(colors.values())) == len(shown) + 1
    red, green, blue = to_rgb(colors["no denoising"])
    assert red == green == blue
    # Colours do not depend on the other methods of the figure.
    first = hue(plots.genre_colors(["blues"])["blues"])
    assert (hues_of_boxes.get("wiener") == pytest.approx(first, abs=0.01)) == ("wiener" in shown)


# --- axes ---------------------------------------------------------------------


@pytest.mark.parametrize("name", ["timeline", "stream", "robustness", "gains", "snr"])
def test_given_axes_are_used(gains, name):
    draw = {
        "timeline": lambda ax: plots.timeline(prediction(0.9, 0.3), ax),
        "stream": lambda ax: plots.stream_timeline(
            stream_predictions([[0.5, 0.3, 0.2]] * 2), GENRES, ax
        ),
        "robustness": lambda ax: plots.robustness(ROBUST, ax),
        "gains": lambda ax: plots.denoising_gains(gains, ax),
        "snr": lambda ax: plots.accuracy_by_snr(NOISY, ax),
    }[name]
    _, ax = plt.subplots()
    assert draw(ax) is ax
    assert ax.has_data()
    new = draw(None)
    assert new is not ax
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        new.figure.canvas.draw()


# --- players of recordings ----------------------------------------------------


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


def decoded(html: str) -> dict[str, np.ndarray]:
    """The samples of all players, by their captions."""
    pairs = re.findall(r"<figcaption[^>]*>([^<]*)</figcaption>.*?base64,([^']*)'", html)
    return {
        caption: soundfile.read(io.BytesIO(base64.b64decode(sound)))[0] for caption, sound in pairs
    }


def test_takes_have_players_of_both_versions(composed, tmp_path):
    sounds = decoded(plots.recording_players(take(True, tmp_path), composed).data)
    assert list(sounds) == ["recorded", "denoised"]
    raw, clean = sounds.values()
    assert len(raw) / 22_050 == pytest.approx(3, abs=0.1)
    assert len(clean) / 22_050 == pytest.approx(2, abs=0.1)
    assert np.std(raw[20_000:40_000]) == pytest.approx(2 * np.std(clean[20_000:40_000]), rel=0.05)


def test_take_that_was_not_denoised_has_one_player(composed, tmp_path):
    sounds = decoded(plots.recording_players(take(False, tmp_path), composed).data)
    assert list(sounds) == ["recorded"]


def test_takes_of_other_corpora_have_no_players(small_folder, composed, tmp_path):
    table = Corpus("synthetic", tmp_path / "features.csv", composed.tracks)
    for corpus in (None, open_corpus(small_folder), table):
        html = plots.recording_players(take(True, tmp_path), corpus).data
        assert "<audio" not in html
        assert "base64" not in html
        assert "not included in this book" in html
