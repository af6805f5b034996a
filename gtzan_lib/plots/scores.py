"""Figures of splits, training and results."""

from __future__ import annotations

from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
import seaborn as sns

from .basics import genre_colors, new_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from ..data.splits import Split
    from ..learn.evaluation import Evaluation
    from ..learn.training import NetClassifier

__all__ = ["confusion", "history", "parts", "recall"]


def parts(split: Split, ax: Axes | None = None, *, fold: int = 0) -> Axes:
    """Draw how many tracks of each genre a split puts into each part.

    Parameters
    ----------
    split : Split
        What to draw.
    ax : Axes, optional
        Where to draw.
    fold : int
        Which division.

    Returns
    -------
    Axes
        A table of counts.
    """
    counts = split.parts(fold)
    ax = new_axes(ax, (3.6, 0.32 * len(counts) + 1))
    sns.heatmap(counts, annot=True, fmt="d", cmap="crest", cbar=False, linewidths=1, ax=ax)
    ax.set(xlabel="", ylabel="", title=f"tracks by part, split by {split.protocol}")
    ax.tick_params(length=0)
    return ax


def history(estimator: NetClassifier) -> Figure:
    """Draw loss and accuracy over the epochs of a training.

    Parameters
    ----------
    estimator : NetClassifier
        Fitted.

    Returns
    -------
    Figure
        Loss on the left, accuracy on the right.
    """
    table = estimator.history_
    figure, axes = plt.subplots(1, 2, figsize=(9, 3.2), layout="constrained")
    for ax, kind in zip(axes, ("loss", "accuracy"), strict=True):
        for part, color in (("train", "#3b6fb6"), ("valid", "#d1603d")):
            if f"{part}_{kind}" in table:
                ax.plot(
                    table["epoch"], table[f"{part}_{kind}"], color=color, label=part, marker=".",
                )  # fmt: skip
        ax.set(xlabel="epoch", ylabel=f"{kind} of windows", ylim=(0, None))
        ax.legend(frameon=False)
        sns.despine(ax=ax)
    axes[1].set_ylim(0, 1.02)
    return figure


def confusion(evaluation: Evaluation, ax: Axes | None = None, *, unit: str = "track") -> Axes:
    """Draw which genre was taken for which.

    Parameters
    ----------
    evaluation : Evaluation
        What was answered.
    ax : Axes, optional
        Where to draw.
    unit : {"track", "window"}
        What is counted.

    Returns
    -------
    Axes
        True genres down, answers across.
    """
    counts = evaluation.confusion(unit)
    ax = new_axes(ax, (5.6, 4.9))
    shares = counts.div(counts.sum(axis=1).clip(lower=1), axis=0)
    labels = counts.astype(str).where(counts > 0, "")
    sns.heatmap(
        shares, annot=labels, fmt="", cmap="rocket_r", vmin=0, vmax=1, square=True, ax=ax,
        linewidths=0.5, cbar_kws={"label": "share of the genre", "shrink": 0.8},
    )  # fmt: skip
    ax.set(xlabel=f"answer ({unit}s)", ylabel="genre")
    ax.tick_params(length=0)
    return ax


def recall(evaluation: Evaluation, ax: Axes | None = None) -> Axes:
    """Draw the share of each genre's tracks that were recognised.

    Parameters
    ----------
    evaluation : Evaluation
        What was answered.
    ax : Axes, optional
        Where to draw.

    Returns
    -------
    Axes
        One dot a genre, with Wilson's 95 % interval.
    """
    table = evaluation.per_genre().sort_values("recall")
    ax = new_axes(ax, (6, 3.8))
    colors = genre_colors(sorted(table.index))
    for row, (genre, values) in enumerate(table.iterrows()):
        ax.plot([values["low"], values["high"]], [row, row], color=colors[genre], lw=2.5)
        ax.plot(values["recall"], row, "o", color=colors[genre], ms=8)
    ax.set_yticks(range(len(table)), [f"{g} ({int(n)})" for g, n in table["n"].items()])
    ax.axvline(evaluation.chance, color="0.4", lw=1, ls="--", label="always guessing one genre")
    ax.set(xlim=(-0.02, 1.02), xlabel="share of tracks recognised (95 % interval)")
    ax.legend(frameon=False, loc="lower right", bbox_to_anchor=(1, 1))
    sns.despine(ax=ax)
    return ax
