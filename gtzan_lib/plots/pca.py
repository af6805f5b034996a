"""Figures of principal components."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import seaborn as sns

from .style import BLUE, RED, genre_colors, new_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from sklearn.decomposition import PCA

__all__ = ["loadings", "scatter", "scree"]


def scree(pca: PCA, ax: Axes | None = None, *, first: int = 20) -> Axes:
    """Draw the share of the variance that each component explains, and all up to it.

    Parameters
    ----------
    pca : sklearn.decomposition.PCA
        Fitted.
    ax : Axes, optional
        Where to draw.
    first : int
        Components to show.

    Returns
    -------
    Axes
        Bars for each, a line for their sum.
    """
    ax = new_axes(ax, (7, 3.4))
    each = pca.explained_variance_ratio_[:first]
    number = np.arange(1, len(each) + 1)
    ax.bar(number, each, color=BLUE, label="each")
    ax.plot(number, np.cumsum(each), "o-", color=RED, ms=4, label="up to here")
    ax.set(xlabel="principal component", ylabel="share of the variance", ylim=(0, 1))
    ax.set_xticks(number)
    ax.legend(frameon=False, loc="upper left")
    sns.despine(ax=ax)
    return ax


def loadings(
    pca: PCA, names: Sequence[str], ax: Axes | None = None, *, components: int = 6, top: int = 5
) -> Axes:
    """Draw which features the first components are made of.

    Parameters
    ----------
    pca : sklearn.decomposition.PCA
        Fitted.
    names : sequence of str
        Names of the features.
    ax : Axes, optional
        Where to draw.
    components : int
        How many components.
    top : int
        Of each component so many features with the greatest weights are shown.

    Returns
    -------
    Axes
        Weights of those features (rows) in the components (columns).
    """
    weights = pd.DataFrame(pca.components_[:components].T, list(names))
    weights.columns = [f"PC {n + 1}" for n in weights.columns]
    rows = [name for n in weights for name in weights[n].abs().nlargest(top).index]
    shown = weights.loc[list(dict.fromkeys(rows))]
    ax = new_axes(ax, (1.2 + 0.75 * components, 0.8 + 0.23 * len(shown)))
    sns.heatmap(
        shown, ax=ax, cmap="vlag", center=0, annot=True, fmt=".2f", annot_kws={"size": 7},
        cbar=False,
    )  # fmt: skip
    ax.tick_params(axis="y", labelsize=8, rotation=0)
    ax.tick_params(axis="x", labelsize=9, top=True, labeltop=True, bottom=False, labelbottom=False)
    return ax


def scatter(
    points: np.ndarray, windows: pd.DataFrame, ax: Axes | None = None, *, names: Sequence[str]
) -> Axes:
    """Draw windows as dots, and each track as a ring in their middle.

    Parameters
    ----------
    points : np.ndarray [shape=(n, at least 2)]
        Where the windows are.
    windows : pd.DataFrame
        What they are: `track_id` and `genre`.
    ax : Axes, optional
        Where to draw.
    names : sequence of two str
        Of the two axes.

    Returns
    -------
    Axes
        Colours stand for genres.
    """
    ax = new_axes(ax, (8, 6))
    colors = genre_colors(sorted(windows["genre"].unique()))
    middles = pd.DataFrame(points[:, :2]).groupby(windows["track_id"].to_numpy()).mean()
    of_track = windows.drop_duplicates("track_id").set_index("track_id")["genre"]
    for genre, color in colors.items():
        rows = (windows["genre"] == genre).to_numpy()
        ax.scatter(*points[rows, :2].T, s=5, color=color, alpha=0.35, linewidths=0)
        tracks = middles.loc[of_track.index[of_track == genre]].to_numpy()
        ax.scatter(*tracks.T, s=42, facecolors="none", edgecolors=[color], lw=1.6, label=genre)
    ax.set(xlabel=names[0], ylabel=names[1])
    ax.legend(frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))
    sns.despine(ax=ax)
    return ax
