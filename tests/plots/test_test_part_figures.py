"""Figures of the comparison on the test part: what is drawn, and what is marked."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex

import gtzan_lib as gl
from gtzan_lib.plots.style import BLUE
from gtzan_lib.published.told_apart import power_table, smallest_differences


@pytest.fixture(autouse=True)
def _close():
    yield
    plt.close("all")


SCORES = pd.DataFrame(
    {
        "kind": ["package", "ensemble", "net", "features"],
        "outside_data": ["music", "none", "none", "none"],
        "n": 100,
        "accuracy": [0.8, 0.65, 0.6, 0.4],
        "wilson_low": [0.75, 0.6, 0.55, 0.35],
        "wilson_high": [0.85, 0.7, 0.65, 0.45],
        "low": [0.7, 0.55, 0.5, 0.3],
        "high": [0.9, 0.75, 0.7, 0.5],
    },
    index=pd.Index(["tags", "mean", "CNN", "k-NN"], name="model"),
)
SEEDS = pd.DataFrame({"accuracy": [0.6, 0.58, 0.62]}, pd.Index(["CNN"] * 3, name="model"))
LITERATURE = pd.DataFrame(
    {
        "model": ["probe", "DNN"],
        "outside_data": ["music", "none"],
        "low": [0.7, 0.63],
        "high": [0.76, 0.63],
        "verified": [True, False],
    }
)
PAIRS = pd.DataFrame(
    [
        ("tags", "mean", 0.15, 20, 5, 0.004, 0.03, 0.2),
        ("tags", "CNN", 0.2, 25, 5, 0.001, 0.005, 0.01),
        ("tags", "k-NN", 0.4, 45, 5, 0.0001, 0.001, 0.001),
        ("mean", "CNN", 0.05, 8, 3, 0.2, 0.4, 0.5),
        ("mean", "k-NN", 0.25, 30, 5, 0.001, 0.005, 0.01),
        ("CNN", "k-NN", 0.2, 30, 10, 0.002, 0.06, 0.02),
    ],
    columns=[
        "first", "second", "difference", "only_first", "only_second", "p_tracks",
        "p_tracks_holm", "p_artists_holm",
    ],
).set_index("first")  # fmt: skip


def labels(axis):
    return [label.get_text() for label in axis.get_ticklabels()]


def test_scores_are_in_groups_by_accuracy():
    ax = gl.plots.test_part_scores(SCORES, SEEDS, LITERATURE)
    assert labels(ax.yaxis) == ["tags", "probe", "mean", "DNN", "CNN", "k-NN"]
    weights = [label.get_fontweight() for label in ax.get_yticklabels()]
    assert weights == ["bold", "normal", "bold", "normal", "bold", "bold"]
    # Groups without a model have no heading.
    assert [text.get_text() for text in ax.texts] == [
        "music from outside",
        "no data from outside GTZAN",
    ]
    assert "100 test tracks" in ax.get_xlabel()
    # The further seeds of the net, on its line.
    (further,) = (line for line in ax.lines if line.get_marker() == "|" and len(line.get_xdata()))
    assert np.allclose(further.get_xdata(), [58, 62])
    assert set(further.get_ydata()) == {ax.get_yticks()[4]}


def test_scores_that_are_not_verified_are_hollow():
    ax = gl.plots.test_part_scores(SCORES, SEEDS, LITERATURE)
    place = ax.get_yticks()[labels(ax.yaxis).index("DNN")]
    (dot,) = (line for line in ax.lines if list(line.get_ydata()) == [place])
    assert dot.get_markerfacecolor() == "white"


def test_differences_are_marked_by_tracks_below_and_by_artists_above_the_diagonal():
    ax = gl.plots.difference_matrix(PAIRS, SCORES)
    cells = {
        (round(text.get_position()[1] - 0.52), round(text.get_position()[0] - 0.5)): text
        for text in ax.texts
    }
    assert len(cells) == 12
    assert cells[0, 3].get_text() == cells[3, 0].get_text() == "40"
    marked = {place for place, text in cells.items() if text.get_fontweight() == "bold"}
    below = {(2, 0), (3, 0), (3, 1), (1, 0)}
    above = {(0, 2), (0, 3), (1, 3), (2, 3)}
    assert marked == below | above
    assert labels(ax.yaxis)[0] == "tags (80.0 %)  1"


def test_pairs_have_three_kinds_of_marks_and_a_line_for_each_limit():
    limits = smallest_differences(100, {"single": 0.05, "corrected": 0.05 / 6})
    ax = gl.plots.pairs_by_disagreement(PAIRS, limits, 100)
    names = [text.get_text() for text in ax.get_legend().get_texts()]
    assert names == [
        "told apart over tracks, after Holm's correction (4)",
        "by a single test only (1)",
        "not told apart (1)",
        "single",
        "corrected",
    ]
    points = ax.lines[0]
    assert to_hex(points.get_color()) == BLUE
    assert np.allclose(points.get_xdata(), [25, 30, 50, 35])


def test_power_has_a_line_for_each_disagreement_and_test():
    table = power_table(100, [0.1, 0.3], {"single": 0.05, "corrected": 0.01})
    ax = gl.plots.detection_power(table)
    names = [text.get_text() for text in ax.get_legend().get_texts()]
    assert names == [
        "10 % of the tracks, single",
        "10 % of the tracks, corrected",
        "30 % of the tracks, single",
        "30 % of the tracks, corrected",
    ]
    assert [line.get_linestyle() for line in ax.lines[:2]] == ["-", "--"]
    assert ax.lines[0].get_xdata().max() == pytest.approx(10)
