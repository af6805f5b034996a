"""Colours and shapes, as people with and without colour blindness see them."""

from itertools import combinations

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.markers import MarkerStyle

from gtzan_lib.genres import GENRES
from gtzan_lib.plots import style

# Machado, Oliveira and Fernandes (2009), severity 1.0; they apply to linear RGB.
VISION = {
    "normal": np.eye(3),
    "protanopia": np.array(
        [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ]
    ),
    "deuteranopia": np.array(
        [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.011820, 0.042940, 0.968881],
        ]
    ),
    "tritanopia": np.array(
        [
            [1.255528, -0.076749, -0.178779],
            [-0.078411, 0.930809, 0.147602],
            [0.004733, 0.691367, 0.303900],
        ]
    ),
}
# sRGB to CIE XYZ under D65, whose white is the sum of each row.
XYZ = np.array(
    [
        [0.4124564, 0.3575761, 0.1804375],
        [0.2126729, 0.7151522, 0.0721750],
        [0.0193339, 0.1191920, 0.9503041],
    ]
)


def linear(color):
    rgb = np.array(to_rgb(color))
    return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)


def lab(color, vision="normal"):
    seen = np.clip(VISION[vision] @ linear(color), 0, 1)
    ratio = XYZ @ seen / XYZ.sum(axis=1)
    step = 6 / 29
    x, y, z = np.where(ratio > step**3, np.cbrt(ratio), ratio / (3 * step**2) + 4 / 29)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def smallest_distance(colors, vision):
    seen = [lab(color, vision) for color in colors]
    return min(np.linalg.norm(a - b) for a, b in combinations(seen, 2))


def test_the_conversion_gives_known_values():
    assert lab("white") == pytest.approx([100, 0, 0], abs=0.01)
    assert lab("red") == pytest.approx([53.24, 80.09, 67.20], abs=0.02)
    # With protanopia, the colours of Matplotlib's default palette can hardly be told apart.
    assert smallest_distance(["tab:orange", "tab:green"], "protanopia") < 5


@pytest.mark.parametrize("vision", VISION)
def test_any_two_genres_differ_with_each_kind_of_colour_blindness(vision):
    colors = style.genre_colors(list(GENRES)).values()
    assert smallest_distance(colors, vision) > 22


@pytest.mark.parametrize("vision", VISION)
def test_colours_of_lines_differ_with_each_kind_of_colour_blindness(vision):
    lines = (style.BLUE, style.RED, style.GREEN, style.YELLOW)
    assert smallest_distance(lines, vision) > 20
    assert smallest_distance(style.PROTOCOL_COLORS.values(), vision) > 20


def test_colours_of_genres_can_be_seen_on_white():
    for color in style.genre_colors(list(GENRES)).values():
        assert lab(color)[0] < 78


def test_shapes_are_the_same_on_every_page():
    fixed = style.genre_markers(list(GENRES))
    assert len(set(fixed.values())) == 10
    assert style.genre_markers(["rock", "blues"]) == {g: fixed[g] for g in ("rock", "blues")}
    more = style.genre_markers(["fado", *GENRES, "samba"])
    assert len(set(more.values())) == 12
    assert all(MarkerStyle(marker).is_filled() for marker in more.values())
    assert len(style.genre_markers([f"genre {i}" for i in range(30)])) == 30
