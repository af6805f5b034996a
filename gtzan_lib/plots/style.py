"""Colours and axes that all figures share."""

from __future__ import annotations

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
    "genre_colors",
    "new_axes",
    "palette",
    "standardised",
]

BLUE, RED, GREEN = "#3b6fb6", "#d1603d", "#2f7d4f"
"""Colours of lines: the main one, one for contrast, and a third."""

PROTOCOL_COLORS = {
    "window": "#c8553d",
    "track": "#d9a441",
    "artist": GREEN,
    "fault-filtered": BLUE,
}
"""One colour a split protocol, from the leaking one to the published one."""


def genre_colors(genres: list[str]) -> dict[str, tuple[float, float, float]]:
    """Return one colour a genre, the same on every page.

    Parameters
    ----------
    genres : list of str
        GTZAN's ten have fixed colours; others get further ones in this order.

    Returns
    -------
    dict of str to (r, g, b)
        Channels from 0 to 1.
    """
    others = [genre for genre in genres if genre not in GENRES]
    known = dict(zip([*GENRES, *others], palette(len(GENRES) + len(others)), strict=True))
    return {genre: known[genre] for genre in genres}


def palette(n: int) -> list[tuple[float, float, float]]:
    """Return `n` colours: the first ten are told apart most easily."""
    first = sns.color_palette("tab10")
    return [*first, *sns.husl_palette(max(n - 10, 1), l=0.75, s=0.6)][:n]


def new_axes(ax: Axes | None, size: tuple[float, float]) -> Axes:
    """Return the axes to draw into: those given, or those of a new figure in inches."""
    return plt.subplots(figsize=size, layout="constrained")[1] if ax is None else ax


def standardised(frame: pd.DataFrame) -> pd.DataFrame:
    """Return columns in standard deviations from their means; constant ones are zero."""
    return (frame - frame.mean()) / frame.std().replace(0, 1)
