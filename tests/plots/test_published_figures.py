"""Figures of the published results: one mark for each thing that they show."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

import gtzan_lib as gl
from gtzan_lib.published.scores import best_of_equals


@pytest.fixture(autouse=True)
def _close():
    yield
    plt.close("all")


def labels(ax):
    return [label.get_text() for label in ax.get_yticklabels()]


def marks(ax):
    """Number of points that are drawn; those of the legend alone are empty."""
    return sum(len(line.get_xdata()) for line in ax.lines if line.get_marker() not in ("", "None"))


def test_artist_shares_have_a_piece_for_each_artist():
    index = pd.Index(["blues", "blues", "rock"], name="genre")
    ax = gl.plots.artist_shares(
        pd.DataFrame({"artist": ["A", "B", ""], "tracks": [3, 1, 2]}, index)
    )
    assert [bar.get_width() for bar in ax.patches] == [2, 3, 1]
    assert [text.get_text() for text in ax.texts] == [
        "1 artist, effective 1.0",
        "2 artists, effective 1.6",
    ]
    assert labels(ax) == ["rock", "blues"]


def test_copies_have_a_marker_each_hollow_if_not_listed():
    pairs = pd.DataFrame(
        {
            "genre_a": ["blues", "blues", "rock"],
            "kind": ["identical", "identical", "shifted"],
            "score": [1.0, 1.0, 0.7],
            "listed": [True, True, False],
        }
    )
    ax = gl.plots.copy_pairs(pairs)
    assert marks(ax) == 3
    faces = {line.get_label(): line.get_markerfacecolor() for line in ax.lines}
    assert faces["shifted, not on the list"] == "none"
    assert faces["identical"] != "none"
    # Equal pairs lie beside each other.
    first = next(line for line in ax.lines if line.get_label() == "identical")
    assert len(set(first.get_ydata())) == 2


def test_intervals_by_three_methods():
    columns = ["accuracy", "low", "high", "genre_low", "genre_high", "artist_low", "artist_high"]
    table = pd.DataFrame([[0.5, 0.45, 0.55, 0.44, 0.56, 0.4, 0.6]], ["k-NN"], columns)
    ax = gl.plots.interval_methods(table)
    ends = [lines.get_segments()[0][:, 0].tolist() for lines in ax.collections]
    assert np.allclose(ends, [[45, 55], [44, 56], [40, 60]])


ASKED = pd.DataFrame(
    {
        "model": ["net", "tags", "net"],
        "outside_data": ["none", "music", "none"],
        "askings": [5, 1, 1],
        "n": [290, 290, 4],
        "score": [0.6, 0.8, 0.5],
        "lowest": [0.58, 0.8, 0.5],
        "highest": [0.63, 0.8, 0.5],
        "low": [0.55, 0.75, 0.2],
        "high": [0.65, 0.85, 0.8],
        "whole": [True, True, False],
    },
    index=pd.Index([1, 6, 7], name="asking"),
)


def test_askings_are_in_their_order():
    ax = gl.plots.askings(ASKED)
    # A point each, and two bars for the seeds of the first.
    assert marks(ax) == 3 + 2
    assert labels(ax) == [
        "1. net (290 tracks, 5 seeds)",
        "6. tags (290 tracks)",
        "7. net (4 tracks)",
    ]
    bars = [line.get_xdata().tolist() for line in ax.lines if line.get_marker() == "|"]
    assert bars == [pytest.approx([58]), pytest.approx([63])]
    assert ax.yaxis.get_majorticklocs().tolist() == [0, -1, -2]


def test_published_scores_are_in_two_groups_and_hollow_if_not_verified():
    literature = pd.DataFrame(
        {
            "model": ["CNN", "probe"],
            "outside_data": ["none", "audio"],
            "low": [0.63, 0.7],
            "high": [0.63, 0.74],
            "verified": [False, True],
        }
    )
    ax = gl.plots.published_scores(ASKED, literature)
    # The asking of four tracks is left out.
    assert labels(ax) == ["net", "CNN", "probe", "tags"]
    assert [line.get_markerfacecolor() for line in ax.lines[:4]][1] == "white"
    assert [label.get_fontweight() for label in ax.get_yticklabels()] == [
        "bold",
        "normal",
        "normal",
        "bold",
    ]
    assert "290 test tracks" in ax.get_xlabel()


def test_best_of_equals_has_a_line_for_each_table():
    table = best_of_equals(0.6, 50, 3, draws=50)
    ax = gl.plots.best_of_equals({"one": table, "two": table}, 0.6)
    assert [text.get_text() for text in ax.get_legend().get_texts()] == [
        "one",
        "two",
        "true accuracy of each",
    ]


def test_parts_of_an_accuracy_add_up_to_that_by_window():
    columns = ["unit", "chance", "artist", "track", "window", "official", "low", "high"]
    rows = [
        ["window", 0.1, 0.4, 0.6, 0.9, 0.5, 0.4, 0.6],
        ["window", 0.1, 0.3, 0.31, 0.8, np.nan, np.nan, np.nan],
        ["track", 0.1, 0.5, 0.7, 0.95, 0.5, 0.4, 0.6],
        ["track", 0.1, 0.4, 0.5, 0.9, np.nan, np.nan, np.nan],
    ]
    table = pd.DataFrame(rows, pd.Index(["k-NN", "net"] * 2, name="model"), columns)
    figure = gl.plots.leak_parts(table)
    for ax, unit in zip(figure.axes, ("window", "track"), strict=True):
        expected = table[table["unit"] == unit]
        ends = {}
        for bar in ax.patches:
            ends.setdefault(round(bar.get_y(), 3), []).append(bar.get_x() + bar.get_width())
        for found, (_, row) in zip(ends.values(), expected.iterrows(), strict=True):
            assert np.allclose(found, 100 * row[columns[1:5]].astype(float))
        assert ax.get_ylabel() == f"{unit}s"
        assert labels(ax) == ["k-NN", "net"]
    # What is too short has no number.
    texts = [text.get_text() for text in figure.axes[0].texts]
    assert texts == ["10", "10", "+30", "+20", "+20", "+30", "+49", "90", "80"]
