"""Colours and axes that all figures share."""

from __future__ import annotations

from itertools import cycle
from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
import seaborn as sns

from ..genres import GENRES

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

__all__ = [
    "BLUE",
    "GREEN",
    "PROTOCOL_COLORS",
    "RED",
    "YELLOW",
    "genre_colors",
    "genre_markers",
    "new_axes",
    "palette",
    "plain_text",
    "standardised",
]

# Names of tracks are not LaTeX, and LaTeX need not be installed.
plt.rcParams["text.usetex"] = False

BLUE, RED, GREEN, YELLOW = "#3b6fb6", "#d1603d", "#14532d", "#e0ac3c"
"""Colours of lines: the main colour, the contrasting one, and two more."""

PROTOCOL_COLORS = {"window": RED, "track": YELLOW, "artist": GREEN, "official": BLUE}
"""Colours of the split protocols, from the leaking one to the published one."""

# Chosen by a search for large distances in CIELAB, between all pairs, as seen with each kind
# of colour blindness.
_PALETTE = (
    "#1030e8",
    "#906b18",
    "#a5a50e",
    "#e4488b",
    "#651f69",
    "#7c89fa",
    "#4a4a4a",
    "#ffa099",
    "#30c8d0",
    "#800c12",
)

# Shapes that are filled, so that their colour shows.
_SHAPES = ("o", "s", "^", "D", "v", "P", "X", "*", "<", ">", "p", "h", "8", "d")


def genre_colors(genres: list[str]) -> dict[str, tuple[float, float, float]]:
    """Return a colour for each genre, the same on every page.

    Any two of GTZAN's ten can be told apart with protanopia, deuteranopia and tritanopia.

    Parameters
    ----------
    genres : list of str
        GTZAN's ten have fixed colours; others get further colours in this order.

    Returns
    -------
    dict of str to (r, g, b)
        Channels from 0 to 1.
    """
    known = _known(genres)
    colors = dict(zip(known, palette(len(known)), strict=True))
    return {genre: colors[genre] for genre in genres}


def genre_markers(genres: list[str]) -> dict[str, str]:
    """Return a filled marker for each genre, the same on every page.

    Parameters
    ----------
    genres : list of str
        GTZAN's ten have fixed markers; others get further ones in this order, and the
        same ones again after the fourteenth.

    Returns
    -------
    dict of str to str
        Markers of Matplotlib, such as `o`.
    """
    markers = dict(zip(_known(genres), cycle(_SHAPES), strict=False))
    return {genre: markers[genre] for genre in genres}


def palette(n: int) -> list[tuple[float, float, float]]:
    """Return `n` colours, of which the first ten are safe for the colour-blind."""
    first = sns.color_palette(_PALETTE)
    return [*first, *sns.husl_palette(max(n - 10, 1), l=0.75, s=0.6)][:n]


def _known(genres: list[str]) -> list[str]:
    return [*GENRES, *(genre for genre in genres if genre not in GENRES)]


def plain_text(name: str) -> str:
    """Return a name for a figure, in which dollar signs do not begin a formula."""
    return name.replace("$", r"\$")


def new_axes(ax: Axes | None, size: tuple[float, float]) -> Axes:
    """Return the given axes, or those of a new figure of this size in inches."""
    return plt.subplots(figsize=size, layout="constrained")[1] if ax is None else ax


def standardised(frame: pd.DataFrame) -> pd.DataFrame:
    """Return columns in standard deviations from their means; constant ones are zero."""
    return (frame - frame.mean()) / frame.std().replace(0, 1)
