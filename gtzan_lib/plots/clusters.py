"""Figures of clusters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.ticker import MaxNLocator
from scipy.cluster import hierarchy

from ..errors import CorpusError
from .style import BLUE, RED, genre_colors, genre_markers, new_axes, plain_text, standardised

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from ..signal.features import FeatureTable

__all__ = [
    "agreement_by_k",
    "cluster_agreement",
    "cluster_genres",
    "cluster_numbers",
    "cluster_profile",
    "dendrogram",
    "elbow",
    "genre_dendrogram",
    "neighbour_genres",
]


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
    ax.legend(frameon=False, loc="lower right", bbox_to_anchor=(1, 1))
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
    # Without negative zeros.
    shown = means.loc[list(dict.fromkeys(rows))].round(1) + 0.0
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
    tree = hierarchy.linkage(means.to_numpy(), method="average")
    return dendrogram(tree, means.index.to_list(), ax)


def dendrogram(
    tree: np.ndarray,
    genres: list[str],
    ax: Axes | None = None,
    *,
    support: np.ndarray | None = None,
) -> Axes:
    """Draw a tree of genres.

    Parameters
    ----------
    tree : np.ndarray [shape=(genres - 1, 4)]
        As from `scipy.cluster.hierarchy.linkage`.
    genres : list of str
        Names of the leaves.
    ax : Axes, optional
        Axes to draw into.
    support : np.ndarray [shape=(genres - 1,)], optional
        For each joint, the share of resamples from 0 to 1 in which the genres below it
        are a branch, too. Default: not drawn.

    Returns
    -------
    Axes
        One leaf a genre; two branches join at their distance. The support of a joint
        is written beside it in %.
    """
    ax = new_axes(ax, (7, 1.2 + 0.32 * len(genres)))
    names = [plain_text(genre) for genre in genres]
    drawn = hierarchy.dendrogram(
        tree, ax=ax, labels=names, orientation="left", link_color_func=lambda _: "0.35"
    )
    colors, markers = genre_colors(genres), genre_markers(genres)
    # Leaves are 10 apart in scipy's drawing, from 5 on.
    for place, leaf in enumerate(drawn["leaves"]):
        ax.scatter(
            0, 5 + 10 * place, s=60, color=colors[genres[leaf]], marker=markers[genres[leaf]],
            clip_on=False, zorder=3,
        )  # fmt: skip
    if support is not None:
        # The joints are drawn in another order: find each by its distance.
        for heights, distances in zip(drawn["icoord"], drawn["dcoord"], strict=True):
            joint = int(np.argmin(np.abs(tree[:, 2] - distances[1])))
            if joint < len(tree) - 1:
                ax.annotate(
                    f"{100 * support[joint]:.0f} %", (distances[1], np.mean(heights[1:3])),
                    xytext=(3, 0), textcoords="offset points", fontsize=8, va="center",
                )  # fmt: skip
    ax.tick_params(axis="y", labelsize=10, length=0, pad=8)
    ax.set(xlabel="distance (standard deviations, over all features)")
    sns.despine(ax=ax, left=True)
    return ax


def neighbour_genres(overlap: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Draw the genres of the nearest neighbours of each genre's tracks.

    Parameters
    ----------
    overlap : pd.DataFrame
        One row a pair of genres: `genre`, of the tracks; `neighbour`, of their
        neighbours; `share` of the neighbours from 0 to 1, with its interval `low`,
        `high`; missing for a genre of one artist.
    ax : Axes, optional
        Axes to draw into.

    Returns
    -------
    Axes
        Genres of tracks (rows) and of neighbours (columns): shares in %, below them
        their intervals.
    """
    shares = 100 * overlap.pivot(index="genre", columns="neighbour", values="share")
    low, high = (
        100 * overlap.pivot(index="genre", columns="neighbour", values=name)
        for name in ("low", "high")
    )
    ax = new_axes(ax, (2.2 + 0.78 * shares.shape[1], 1.4 + 0.58 * len(shares)))
    shown = shares.rename(index=plain_text, columns=plain_text)
    sns.heatmap(shown, ax=ax, cmap="Blues", vmin=0, vmax=100, cbar=False, linewidths=0.5)
    for row, column in np.ndindex(*shares.shape):
        color = "white" if shares.iloc[row, column] > 55 else "0.1"
        value, lowest, highest = (table.iloc[row, column] for table in (shares, low, high))
        ax.text(
            column + 0.5, row + 0.4, f"{value:.0f}", ha="center", va="center", color=color,
            fontsize=11,
        )  # fmt: skip
        # A genre of one artist has no interval.
        if np.isnan(lowest):
            continue
        ax.text(
            column + 0.5, row + 0.75, f"{lowest:.0f}–{highest:.0f}", ha="center", va="center",
            color=color, fontsize=7.5,
        )  # fmt: skip
    ax.set(xlabel="genre of the neighbours", ylabel="genre of the track")
    ax.tick_params(axis="x", rotation=45)
    ax.tick_params(axis="y", rotation=0)
    return ax


def cluster_numbers(scan: pd.DataFrame, chosen: int) -> Figure:
    """Draw silhouette and stability against the number of clusters, with a reference.

    Parameters
    ----------
    scan : pd.DataFrame
        By number of clusters: `silhouette`; `silhouette_low` and `silhouette_high`, its
        range in data without clusters; `seeds` and `artists`, the mean adjusted Rand
        index of clusterings from other initialisations, and from other music.
    chosen : int
        The chosen number, marked by a dashed line.

    Returns
    -------
    Figure
        Silhouette on the left, stability on the right.
    """
    figure, axes = plt.subplots(1, 2, figsize=(9, 3.4), layout="constrained")
    axes[0].plot(scan.index, scan["silhouette"], "o-", color=BLUE, ms=4, label="tracks")
    axes[0].fill_between(
        scan.index, scan["silhouette_low"], scan["silhouette_high"], color=RED, alpha=0.35,
        label="without clusters", linewidth=0,
    )  # fmt: skip
    axes[0].set(ylabel="silhouette", ylim=(0, None))
    axes[1].plot(scan.index, scan["seeds"], "o-", color=BLUE, ms=4, label="other starts")
    axes[1].plot(scan.index, scan["artists"], "s--", color=RED, ms=4, label="other artists")
    axes[1].set(ylabel="adjusted Rand index", ylim=(0, 1.02))
    for ax in axes:
        ax.axvline(chosen, color="0.5", lw=1, ls=":", label=f"k = {chosen}")
        ax.set_xlabel("number of clusters k")
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
        ax.legend(frameon=False, fontsize=9)
        sns.despine(ax=ax)
    return figure


def agreement_by_k(agreements: pd.DataFrame, chosen: int) -> Figure:
    """Draw the agreement of clusters with genres against the number of clusters.

    Parameters
    ----------
    agreements : pd.DataFrame
        One row a number of clusters `k` and `measure`: `value`, its interval `low`,
        `high`, and `by_chance`.
    chosen : int
        The chosen number, marked by a dashed line.

    Returns
    -------
    Figure
        One panel a measure.
    """
    measures = agreements["measure"].unique()
    figure, axes = plt.subplots(
        1, len(measures), figsize=(4.5 * len(measures), 3.4), squeeze=False, layout="constrained"
    )
    for ax, measure in zip(axes.flat, measures, strict=True):
        rows = agreements[agreements["measure"] == measure]
        ax.fill_between(
            rows["k"], rows["low"], rows["high"], color=BLUE, alpha=0.2, linewidth=0,
            label="95 % interval",
        )  # fmt: skip
        ax.plot(rows["k"], rows["value"], "o-", color=BLUE, ms=4, label="clusters")
        ax.plot(rows["k"], rows["by_chance"], "--", color=RED, label="expected by chance")
        ax.axvline(chosen, color="0.5", lw=1, ls=":", label=f"k = {chosen}")
        ax.set(xlabel="number of clusters k", ylabel=measure, ylim=(-0.02, 0.6))
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
        sns.despine(ax=ax)
    axes.flat[0].legend(frameon=False, fontsize=9)
    return figure
