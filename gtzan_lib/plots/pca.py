"""Figures of principal components."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns

from .style import BLUE, RED, genre_colors, genre_markers, new_axes, plain_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from sklearn.decomposition import PCA

    from ..signal.features import FeatureTable

__all__ = [
    "biplot",
    "component_plane",
    "embeddings",
    "explained_variance",
    "loadings",
    "scatter",
    "scree",
]

# Up to so many tracks are drawn as large markers.
_FEW = 300


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
    return explained_variance(pca.explained_variance_ratio_[:first], ax)


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
    # Without negative zeros.
    shown = weights.loc[list(dict.fromkeys(rows))].round(2) + 0.0
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
    """Draw windows as dots, and each track as a larger marker at the mean of its windows.

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
        One colour and one shape a genre.
    """
    ax = new_axes(ax, (8, 6))
    colors = genre_colors(sorted(windows["genre"].unique()))
    of_genre = windows["genre"].map(colors).to_list()
    x, y = points[:, :2].T
    ax.scatter(x, y, s=5, c=of_genre, alpha=0.35, linewidths=0)
    _tracks(ax, points, windows)
    ax.set(xlabel=names[0], ylabel=names[1])
    ax.legend(frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))
    sns.despine(ax=ax)
    return ax


def _tracks(ax: Axes, points: np.ndarray, windows: pd.DataFrame) -> None:
    """Draw each track at the mean of its windows, in the colour and shape of its genre."""
    genres = sorted(windows["genre"].unique())
    colors, markers = genre_colors(genres), genre_markers(genres)
    means = pd.DataFrame(points[:, :2]).groupby(windows["track_id"].to_numpy()).mean()
    genre_of_track = windows.drop_duplicates("track_id").set_index("track_id")["genre"]
    # Markers of hundreds of tracks would hide one another.
    size = 48 if len(means) <= _FEW else 16
    for genre in genres:
        x, y = means.loc[genre_of_track.index[genre_of_track == genre]].to_numpy().T
        ax.scatter(
            x, y, s=2 * size if markers[genre] == "*" else size, color=colors[genre],
            marker=markers[genre], edgecolors="white", linewidths=size / 80,
            label=plain_text(genre),
        )  # fmt: skip


def biplot(
    pca: PCA,
    points: np.ndarray,
    table: FeatureTable,
    ax: Axes | None = None,
    *,
    top: int = 10,
) -> Axes:
    """Draw tracks in the plane of the first two components, and features as arrows.

    Parameters
    ----------
    pca : sklearn.decomposition.PCA
        Fitted to standardised features.
    points : np.ndarray [shape=(n, at least 2)]
        Components of the windows.
    table : FeatureTable
        The features.
    ax : Axes, optional
        Axes to draw into.
    top : int
        Largest number of arrows: the longest ones, of which none is within ten degrees
        of a longer one.

    Returns
    -------
    Axes
        A track is at the mean of its windows. An arrow's horizontal and vertical
        part are the feature's correlations with the two components, times one
        factor for all arrows.

    References
    ----------
    K. R. Gabriel, "The biplot graphic display of matrices with application to
    principal component analysis", Biometrika 58, 1971.
    """
    correlations = pca.components_[:2].T * np.sqrt(pca.explained_variance_[:2])
    return component_plane(
        points, table.windows, pd.DataFrame(correlations, table.names), ax, top=top
    )


def _distinct(arrows: np.ndarray, top: int) -> list[int]:
    """Return the numbers of the longest arrows whose directions differ by ten degrees."""
    angles = np.degrees(np.arctan2(arrows[:, 1], arrows[:, 0]))
    chosen: list[int] = []
    for number in np.argsort(-np.linalg.norm(arrows, axis=1), kind="stable"):
        turn = np.abs((angles[chosen] - angles[number] + 180) % 360 - 180)
        if len(chosen) < top and (turn >= 10).all():
            chosen.append(int(number))
    return chosen


def embeddings(maps: Mapping[str, np.ndarray], windows: pd.DataFrame) -> Figure:
    """Draw several maps of the same tracks side by side.

    Parameters
    ----------
    maps : mapping of str to np.ndarray [shape=(n, at least 2)]
        Coordinates of windows or tracks by the title of the map.
    windows : pd.DataFrame
        `track_id` and `genre` of each row; a track is at the mean of its rows.

    Returns
    -------
    Figure
        One panel a map, without numbers on its axes: those of a t-SNE have no meaning.
    """
    figure, axes = plt.subplots(
        1, len(maps), figsize=(1.4 + 4.2 * len(maps), 4.2), squeeze=False, layout="constrained"
    )
    for ax, (title, points) in zip(axes.flat, maps.items(), strict=True):
        _tracks(ax, points, windows)
        ax.set(title=title, xticks=[], yticks=[])
    axes.flat[-1].legend(frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))
    return figure


def explained_variance(ratios: np.ndarray, ax: Axes | None = None) -> Axes:
    """Draw shares of the variance that components explain, and their cumulative sum.

    Parameters
    ----------
    ratios : np.ndarray [shape=(components,)]
        The share of each component, from 0 to 1.
    ax : Axes, optional
        Axes to draw into.

    Returns
    -------
    Axes
        Bars for single components, a line for the cumulative sum.
    """
    ax = new_axes(ax, (7, 3.4))
    number = np.arange(1, len(ratios) + 1)
    ax.bar(number, ratios, color=BLUE, label="single component")
    ax.plot(number, np.cumsum(ratios), "o-", color=RED, ms=4, label="cumulative")
    ax.set(xlabel="principal component", ylabel="explained variance", ylim=(0, 1))
    # At most about twenty numbers fit below the axis.
    ax.set_xticks(number[:: max(1, len(ratios) // 10) if len(ratios) > 20 else 1])
    ax.legend(frameon=False, loc="center right")
    sns.despine(ax=ax)
    return ax


def component_plane(
    points: np.ndarray,
    windows: pd.DataFrame,
    correlations: pd.DataFrame,
    ax: Axes | None = None,
    *,
    top: int = 10,
) -> Axes:
    """Draw the biplot of two components whose correlations with features are known.

    Parameters
    ----------
    points : np.ndarray [shape=(n, at least 2)]
        Components of windows or tracks.
    windows : pd.DataFrame
        `track_id` and `genre` of each row.
    correlations : pd.DataFrame [shape=(features, 2)]
        Correlation of each feature with the two components, by its name.
    ax : Axes, optional
        Axes to draw into.
    top : int
        Largest number of arrows.

    Returns
    -------
    Axes
        As of `biplot`.
    """
    ax = new_axes(ax, (8, 6.4))
    _tracks(ax, points, windows)
    values = correlations.to_numpy()
    chosen = _distinct(values, top)
    middle = pd.DataFrame(points[:, :2]).groupby(windows["track_id"].to_numpy()).mean()
    # Single tracks far from all others must not make the arrows long.
    reach = np.quantile(np.abs(middle.to_numpy()), 0.99)
    arrows = values * reach / np.abs(values[chosen]).max()
    box = {"facecolor": "white", "edgecolor": "none", "alpha": 0.75, "pad": 0.8}
    for number in chosen:
        x, y = arrows[number]
        ax.annotate(
            "", (x, y), (0, 0), arrowprops={"arrowstyle": "-|>", "color": "0.15", "lw": 1.1}
        )
        ax.text(
            1.03 * x, 1.03 * y, correlations.index[number], fontsize=8, bbox=box, zorder=2,
            ha="left" if x > 0 else "right", va="bottom" if y > 0 else "top",
        )  # fmt: skip
    ax.axhline(0, color="0.85", lw=0.8, zorder=0)
    ax.axvline(0, color="0.85", lw=0.8, zorder=0)
    # Room for the names at the ends of the arrows.
    ax.update_datalim(np.vstack([1.06 * arrows[chosen], middle.to_numpy()]))
    ax.margins(0.18, 0.04)
    ax.autoscale_view()
    ax.set(xlabel="PC 1", ylabel="PC 2")
    ax.legend(frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))
    sns.despine(ax=ax)
    return ax
