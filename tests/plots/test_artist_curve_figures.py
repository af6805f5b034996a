"""Figures of learning curves over artists: what is drawn, and in which colour."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex

import gtzan_lib as gl

PARTS = ("validation part", "training part")
ARTISTS = [10.0, 20.0, 40.0]


@pytest.fixture(autouse=True)
def _close():
    yield
    plt.close("all")


def rows_of(model, part, accuracy, artists=ARTISTS):
    return pd.DataFrame(
        {
            "part": part,
            "share": np.array(artists) / 40,
            "artists": artists,
            "accuracy": accuracy,
            "low": np.array(accuracy) - 0.1,
            "high": np.array(accuracy) + 0.1,
        },
        index=pd.Index([model] * len(artists), name="model"),
    )


CURVES = pd.concat(
    [
        rows_of("net", PARTS[0], [0.3, 0.4], ARTISTS[1:]),
        rows_of("features", PARTS[0], [0.2, 0.3, 0.4]),
        rows_of("tags", PARTS[1], [0.5, 0.6, 0.7]),
    ]
)
BEYOND = pd.concat(
    rows_of(model, part, accuracy, [80.0, 160.0]).assign(law=law)
    for model, part, accuracy in (
        ("net", PARTS[0], [0.5, 0.6]),
        ("features", PARTS[0], [0.5, 0.6]),
        ("tags", PARTS[1], [0.8, 0.9]),
    )
    for law in ("straight line", "power law")
)


def measured(ax):
    return {line.get_label(): line for line in ax.lines if not line.get_label().startswith("_")}


def test_each_part_has_a_panel_with_its_models():
    figure = gl.plots.artist_curves(CURVES, BEYOND)
    left, right = figure.axes
    assert [ax.get_title() for ax in figure.axes] == [f"scored: {part}" for part in PARTS]
    assert list(measured(left)) == ["net", "features"]
    assert list(measured(right)) == ["tags"]
    assert np.allclose(measured(right)["tags"].get_xdata(), ARTISTS)
    assert np.allclose(measured(right)["tags"].get_ydata(), [50, 60, 70])
    # The axis names the measured and the extrapolated numbers of artists.
    ticks = [label.get_text() for label in right.get_xticklabels()]
    assert ticks == ["10", "20", "40", "80", "160"]
    names = [text.get_text() for text in figure.legends[0].get_texts()]
    assert names == ["net", "features", "tags"]


def test_extrapolations_begin_where_measurements_end():
    right = gl.plots.artist_curves(CURVES, BEYOND).axes[1]
    curve = measured(right)["tags"]
    laws = [line for line in right.lines if line is not curve]
    assert sorted(line.get_linestyle() for line in laws) == ["--", ":"]
    for line in laws:
        assert line.get_xdata()[0] == curve.get_xdata()[-1]
        assert np.allclose(line.get_ydata(), [70, 80, 90])
        assert line.get_color() == curve.get_color()


def test_chance_is_drawn_where_it_is_known():
    figure = gl.plots.artist_curves(CURVES, BEYOND, chance={PARTS[0]: 0.1})
    assert "most frequent genre" in measured(figure.axes[0])
    assert "most frequent genre" not in measured(figure.axes[1])


def test_gains_of_a_choice_have_the_colours_of_the_curves():
    table = pd.DataFrame(
        {
            "part": PARTS[0],
            "share": [0.25, 0.5],
            "tracks": [30, 60],
            "fewer": [10, 20],
            "more": [25, 35],
            "points": [0.02, -0.01],
            "low": [-0.01, -0.04],
            "high": [0.05, 0.02],
        },
        index=pd.Index(["features"] * 2, name="model"),
    )
    curve = measured(gl.plots.artist_curves(CURVES, BEYOND).axes[0])["features"]
    (ax,) = gl.plots.choice_gains(table, ["net", "features", "tags"]).axes
    line = measured(ax)["features"]
    assert to_hex(line.get_color()) == to_hex(curve.get_color())
    assert np.allclose(line.get_ydata(), [2, -1])
    assert [label.get_text() for label in ax.get_xticklabels()] == ["30\n10 | 25", "60\n20 | 35"]
    alone = measured(gl.plots.choice_gains(table).axes[0])["features"]
    assert to_hex(alone.get_color()) != to_hex(curve.get_color())
