"""What all figures share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
import seaborn as sns

from ..data.genres import GENRES

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["genre_colors", "new_axes"]


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
    palette = sns.husl_palette(len(GENRES) + len(others), l=0.6, s=0.75)
    known = dict(zip([*GENRES, *others], palette, strict=True))
    return {genre: known[genre] for genre in genres}


def new_axes(ax: Axes | None, size: tuple[float, float]) -> Axes:
    """Return the axes to draw into: those given, or those of a new figure in inches."""
    return plt.subplots(figsize=size, layout="constrained")[1] if ax is None else ax
