"""Figures of clusters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns

from .style import BLUE, RED, new_axes, standardised

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from ..signal.features import FeatureTable

__all__ = ["cluster_agreement", "cluster_genres", "cluster_profile", "elbow"]


def elbow(scan: pd.DataFrame, chosen: int) -> Figure:
    """Draw how well several numbers of clusters fit.

    Parameters
    ----------
    scan : pd.DataFrame
        As from `gtzan_lib.studies.clustering.scan_k`.
    chosen : int
        The number that is used.

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
    """Draw how far clusters agree with names.

    Parameters
    ----------
    tables : mapping of str to pd.DataFrame
        What they are compared with, and how, as from
        `gtzan_lib.studies.clustering.agreement`.
    ax : Axes, optional
        Where to draw.

    Returns
    -------
    Axes
        A dot with its 95 % interval for each, a bar where chance would put it.
    """
    rows = [
        (f"{measure}, {of}", row) for of, one in tables.items() for measure, row in one.iterrows()
    ]
    rows.sort(key=lambda row: row[0], reverse=True)
    ax = new_axes(ax, (7, 0.8 + 0.45 * len(rows)))
    for place, (_, row) in enumerate(rows):
        ax.plot([row["low"], row["high"]], [place, place], color=BLUE, lw=2.5)
        ax.plot(row["value"], place, "o", color=BLUE, ms=8)
        chance = "by chance" if place == 0 else None
        ax.plot(row["by_chance"], place, "|", color=RED, ms=16, mew=2.5, label=chance)
    ax.set_yticks(range(len(rows)), [name for name, _ in rows])
    ax.set(xlim=(-0.05, 1), ylim=(-0.6, len(rows) - 0.4), xlabel="agreement (95 % interval)")
    ax.legend(frameon=False, loc="lower right")
    sns.despine(ax=ax)
    return ax


def cluster_genres(labels: np.ndarray, genres: np.ndarray, ax: Axes | None = None) -> Axes:
    """Draw how the windows of each genre are spread over the clusters.

    Parameters
    ----------
    labels : np.ndarray [shape=(n,)]
        The cluster of each window.
    genres : np.ndarray [shape=(n,)]
        Its genre.
    ax : Axes, optional
        Where to draw.

    Returns
    -------
    Axes
        Counts by genre (rows) and cluster (columns); shades are shares of the genre.
    """
    counts = pd.crosstab(pd.Series(genres, name="genre"), pd.Series(labels, name="cluster"))
    ax = new_axes(ax, (1.6 + 0.5 * counts.shape[1], 1.0 + 0.36 * len(counts)))
    shares = counts.div(counts.sum(axis=1), axis=0)
    notes = counts.astype(str).where(counts > 0, "")
    sns.heatmap(
        shares, ax=ax, annot=notes, fmt="", cmap="Blues", vmin=0, vmax=1, cbar=False,
        linewidths=0.5, annot_kws={"size": 8},
    )  # fmt: skip
    ax.set(xlabel="cluster", ylabel="")
    ax.tick_params(axis="y", rotation=0)
    return ax


def cluster_profile(
    table: FeatureTable, labels: np.ndarray, ax: Axes | None = None, *, top: int = 3
) -> Axes:
    """Draw by which features the clusters differ from all windows.

    Parameters
    ----------
    table : FeatureTable
        What was clustered.
    labels : np.ndarray [shape=(n,)]
        The cluster of each window.
    ax : Axes, optional
        Where to draw.
    top : int
        Of each cluster so many features are shown.

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
