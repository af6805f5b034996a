"""Figures of clusters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from scipy.cluster import hierarchy

from ..errors import CorpusError
from .style import BLUE, RED, genre_colors, new_axes, plain_text, standardised

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from ..signal.features import FeatureTable

__all__ = ["cluster_agreement", "cluster_genres", "cluster_profile", "elbow", "genre_dendrogram"]


def elbow(scan: pd.DataFrame, chosen: int) -> Figure:
    """Draw inertia and silhouette against the number of clusters.

    Parameters
    ----------
    scan : pd.DataFrame
        As from `gtzan_lib.studies.clustering.scan_k`.
    chosen : int
        The chosen number, marked by a dashed line.

    Returns
    -------
    Figure
        Inertia on the left, silhouette on the right.
    """
    figure, axes = plt.subplots(1, 2, figsize=(8, 3), layout="constrained")
    for ax, name in zip(axes, ("inertia", "silhouette"), strict=True):
        ax.plot(scan.index, scan[name], "o-", color=BLUE, ms=4)
        ax.axvline(chosen, color="0.5", lw=1, ls="--", label=f"k = {chosen}")
        ax.set(xlabel="number of clusters k", ylabel=name)
        sns.despine(ax=ax)
    axes[1].legend(frameon=False)
    return figure


def cluster_agreement(tables: Mapping[str, pd.DataFrame], ax: Axes | None = None) -> Axes:
    """Draw the agreement of clusters with other groupings, such as genres.

    Parameters
    ----------
    tables : mapping of str to pd.DataFrame
        Tables of `gtzan_lib.studies.clustering.agreement` by the grouping that
        clusters are compared with.
    ax : Axes, optional
        Axes to draw into.

    Returns
    -------
    Axes
        A dot with its 95 % interval for each measure and grouping; a bar marks
        the agreement expected by chance.
    """
    rows = [
        (f"{measure}, {grouping}", row)
        for grouping, table in tables.items()
        for measure, row in table.iterrows()
    ]
    rows.sort(key=lambda row: row[0], reverse=True)
    ax = new_axes(ax, (7, 0.8 + 0.45 * len(rows)))
    for y, (_, row) in enumerate(rows):
        ax.plot([row["low"], row["high"]], [y, y], color=BLUE, lw=2.5)
        ax.plot(row["value"], y, "o", color=BLUE, ms=8)
        label = "expected by chance" if y == 0 else None
        ax.plot(row["by_chance"], y, "|", color=RED, ms=16, mew=2.5, label=label)
    ax.set_yticks(range(len(rows)), [name for name, _ in rows])
    ax.set(xlim=(-0.05, 1), ylim=(-0.6, len(rows) - 0.4), xlabel="agreement (95 % interval)")
    ax.legend(frameon=False, loc="lower right")
    sns.despine(ax=ax)
    return ax


def cluster_genres(labels: np.ndarray, genres: np.ndarray, ax: Axes | None = None) -> Axes:
    """Draw the number of windows of each genre in each cluster.

    Parameters
    ----------
    labels : np.ndarray [shape=(n,)]
        The cluster of each window.
    genres : np.ndarray [shape=(n,)]
        The genre of each window.
    ax : Axes, optional
        Axes to draw into.

    Returns
    -------
    Axes
        Counts by genre (rows) and cluster (columns); colours are shares of the genre.
    """
    counts = pd.crosstab(pd.Series(genres, name="genre"), pd.Series(labels, name="cluster"))
    counts = counts.rename(index=plain_text)
    ax = new_axes(ax, (1.6 + 0.5 * counts.shape[1], 1.0 + 0.36 * len(counts)))
    shares = counts.div(counts.sum(axis=1), axis=0)
    text = counts.astype(str).where(counts > 0, "")
    sns.heatmap(
        shares, ax=ax, annot=text, fmt="", cmap="Blues", vmin=0, vmax=1, cbar=False,
        linewidths=0.5, annot_kws={"size": 8},
    )  # fmt: skip
    ax.set(xlabel="cluster", ylabel="")
    ax.tick_params(axis="y", rotation=0)
    return ax


def cluster_profile(
    table: FeatureTable, labels: np.ndarray, ax: Axes | None = None, *, top: int = 3
) -> Axes:
    """Draw the features in which each cluster differs most from the mean of all windows.

    Parameters
    ----------
    table : FeatureTable
        The features that were clustered.
    labels : np.ndarray [shape=(n,)]
        The cluster of each window.
    ax : Axes, optional
        Axes to draw into.
    top : int
        Number of features shown for each cluster.

    Returns
    -------
    Axes
        Means of those features (rows) in the clusters (columns), in standard
        deviations from the mean of all windows.
    """
    means = standardised(table.frame).groupby(labels).mean().T
    rows = [name for n in means for name in means[n].abs().nlargest(top).index]
    shown = means.loc[list(dict.fromkeys(rows))]
    ax = new_axes(ax, (2.2 + 0.5 * shown.shape[1], 0.8 + 0.24 * len(shown)))
    sns.heatmap(
        shown, ax=ax, cmap="vlag", center=0, vmin=-3, vmax=3, annot=True, fmt=".1f", cbar=False,
        annot_kws={"size": 7},
    )  # fmt: skip
    ax.set(xlabel="cluster", ylabel="")
    ax.tick_params(axis="y", labelsize=8, rotation=0)
    return ax


def genre_dendrogram(table: FeatureTable, ax: Axes | None = None) -> Axes:
    """Draw a dendrogram of genres, by the distances between their mean features.

    Parameters
    ----------
    table : FeatureTable
        Features.
    ax : Axes, optional
        Axes to draw into.

    Returns
    -------
    Axes
        One leaf a genre. Two branches join at the mean Euclidean distance between
        their genres, of means of standardised features (average linkage).

    Raises
    ------
    CorpusError
        If there is only one genre.

    References
    ----------
    R. R. Sokal and C. D. Michener, "A statistical method for evaluating systematic
    relationships", University of Kansas Science Bulletin 38, 1958 (average linkage).
    """
    means = standardised(table.frame).groupby(table.windows["genre"].to_numpy()).mean()
    if len(means) < 2:
        raise CorpusError("a dendrogram needs at least two genres; use music of more genres.")
    ax = new_axes(ax, (7, 1.2 + 0.32 * len(means)))
    tree = hierarchy.linkage(means.to_numpy(), method="average")
    names = means.index.map(plain_text).to_list()
    drawn = hierarchy.dendrogram(
        tree, ax=ax, labels=names, orientation="left", link_color_func=lambda _: "0.35"
    )
    colors = genre_colors(means.index.to_list())
    order = means.index[drawn["leaves"]]
    # Leaves are 10 apart in scipy's drawing, from 5 on.
    heights = 5 + 10 * np.arange(len(order))
    ax.scatter(
        np.zeros(len(order)), heights, s=60, c=[colors[genre] for genre in order],
        clip_on=False, zorder=3,
    )  # fmt: skip
    ax.tick_params(axis="y", labelsize=10, length=0, pad=8)
    ax.set(xlabel="distance (standard deviations, over all features)")
    sns.despine(ax=ax, left=True)
    return ax
