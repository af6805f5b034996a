"""Figures of principal components."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import seaborn as sns

from .style import BLUE, RED, genre_colors, new_axes, plain_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from sklearn.decomposition import PCA

__all__ = ["loadings", "scatter", "scree"]


def scree(pca: PCA, ax: Axes | None = None, *, first: int = 20) -> Axes:
    """Draw the explained variance of each component, and its cumulative sum.

    Parameters
    ----------
    pca : sklearn.decomposition.PCA
        Fitted.
    ax : Axes, optional
        Axes to draw into.
    first : int
        Number of components.

    Returns
    -------
    Axes
        Bars for single components, a line for the cumulative sum.
    """
    ax = new_axes(ax, (7, 3.4))
    ratios = pca.explained_variance_ratio_[:first]
    number = np.arange(1, len(ratios) + 1)
    ax.bar(number, ratios, color=BLUE, label="single component")
    ax.plot(number, np.cumsum(ratios), "o-", color=RED, ms=4, label="cumulative")
    ax.set(xlabel="principal component", ylabel="explained variance", ylim=(0, 1))
    ax.set_xticks(number)
    ax.legend(frameon=False, loc="upper left")
    sns.despine(ax=ax)
    return ax


def loadings(
    pca: PCA, names: Sequence[str], ax: Axes | None = None, *, components: int = 6, top: int = 5
) -> Axes:
    """Draw the features with the greatest weights in the first components.

    Parameters
    ----------
    pca : sklearn.decomposition.PCA
        Fitted.
    names : sequence of str
        Names of the features.
    ax : Axes, optional
        Axes to draw into.
    components : int
        Number of components.
    top : int
        Number of features shown for each component.

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
    """Draw windows as dots, and each track as a ring at the mean of its windows.

    Parameters
    ----------
    points : np.ndarray [shape=(n, at least 2)]
        Coordinates of the windows.
    windows : pd.DataFrame
        `track_id` and `genre` of each window.
    ax : Axes, optional
        Axes to draw into.
    names : sequence of two str
        Labels of the two axes.

    Returns
    -------
    Axes
        One colour a genre.
    """
    ax = new_axes(ax, (8, 6))
    colors = genre_colors(sorted(windows["genre"].unique()))
    means = pd.DataFrame(points[:, :2]).groupby(windows["track_id"].to_numpy()).mean()
    genre_of_track = windows.drop_duplicates("track_id").set_index("track_id")["genre"]
    for genre, color in colors.items():
        rows = (windows["genre"] == genre).to_numpy()
        x, y = points[rows, :2].T
        ax.scatter(x, y, s=5, color=color, alpha=0.35, linewidths=0)
        tracks = means.loc[genre_of_track.index[genre_of_track == genre]].to_numpy()
        x, y = tracks.T
        ax.scatter(
            x, y, s=42, facecolors="none", edgecolors=[color], lw=1.6, label=plain_text(genre)
        )
    ax.set(xlabel=names[0], ylabel=names[1])
    ax.legend(frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))
    sns.despine(ax=ax)
    return ax
