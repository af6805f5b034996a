"""Dots with intervals, for scores of several series and of several seeds."""

import matplotlib

matplotlib.use("agg")

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex

from gtzan_lib import plots
from gtzan_lib.plots.style import PROTOCOL_COLORS


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    plt.close("all")


@pytest.fixture
def table():
    rows = [
        ("k-NN", "by window", 0.9, 0.8, 0.95, False),
        ("a$", "by window", 0.7, 0.6, 0.8, True),
        ("k-NN", "by track", 0.5, 0.4, 0.6, True),
    ]
    columns = ["cell", "series", "score", "low", "high", "hollow"]
    return pd.DataFrame(rows, columns=columns).set_index("cell")


def test_each_series_has_its_dots_in_the_lines_of_the_table(table):
    ax = plots.score_dots(table, label="accuracy (%)", chance=0.1)
    by_window, by_track = ax.collections[1], ax.collections[3]
    np.testing.assert_allclose(by_window.get_offsets()[:, 0], [90, 70])
    np.testing.assert_allclose(by_track.get_offsets()[:, 0], [50])
    # The first line is at the top; the second series is below the first one in it.
    assert list(ax.get_yticks()) == [1, 0]
    assert by_window.get_offsets()[0, 1] > 1 > by_track.get_offsets()[0, 1] > 0.5
    assert [label.get_text() for label in ax.get_yticklabels()] == ["k-NN", r"a\$"]
    assert to_hex(by_track.get_edgecolors()[0]) == PROTOCOL_COLORS["track"]
    assert to_hex(by_track.get_facecolors()[0]) == "#ffffff"
    assert to_hex(by_window.get_facecolors()[0]) == PROTOCOL_COLORS["window"]
    assert ax.get_xlabel() == "accuracy (%)"
    labels = [text.get_text() for text in ax.get_legend().get_texts()]
    assert labels == ["by window", "by track", "most frequent genre"]


def test_one_series_needs_no_legend(table):
    _, ax = plt.subplots()
    one = table[table["series"] == "by window"].drop(columns="hollow")
    assert plots.score_dots(one, ax, label="accuracy") is ax
    assert ax.get_legend() is None
    assert len(plt.get_fignums()) == 1


def test_seeds_are_marks_in_the_bar_of_their_model():
    index = pd.Index(["forest", "net$"], name="cell")
    scores = pd.DataFrame({"accuracy": [0.5, 0.6], "low": [0.4, 0.5], "high": [0.6, 0.7]}, index)
    seeds = pd.DataFrame({"accuracy": [0.49, 0.51, 0.6]}, index[[0, 0, 1]])
    ax = plots.seed_dots(scores, seeds)
    (marks,) = (line for line in ax.lines if line.get_marker() == "|")
    np.testing.assert_allclose(marks.get_xdata(), [49, 51, 60])
    np.testing.assert_allclose(marks.get_ydata(), [1, 1, 0])
    bars = [segment[:, 0] for segment in ax.collections[0].get_segments()]
    np.testing.assert_allclose(bars, [[40, 60], [50, 70]])
    assert [label.get_text() for label in ax.get_yticklabels()] == ["forest", r"net\$"]
