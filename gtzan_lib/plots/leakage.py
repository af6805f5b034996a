"""Figures of leakage: accuracy under several split protocols."""

from __future__ import annotations

from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
import numpy as np
import seaborn as sns

from ..studies.reshuffle import PARTS
from .style import PROTOCOL_COLORS, new_axes, plain_text

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from ..evaluation.leakage import LeakageAudit
    from ..studies.reshuffle import ReshuffleResult

__all__ = ["leak_by", "leakage", "reshuffle"]


def leakage(audit: LeakageAudit) -> Figure:
    """Draw the accuracy of every model under each protocol.

    Parameters
    ----------
    audit : LeakageAudit
        Models under several protocols.

    Returns
    -------
    Figure
        Windows on the left, tracks on the right; one line a model, with 95 %
        intervals.
    """
    scores = audit.scores()
    models = list(audit.evaluations)
    figure, axes = plt.subplots(
        1, 2, figsize=(9, 1.2 + 0.75 * len(models)), sharex=True, sharey=True, layout="constrained"
    )
    for ax, (unit, prefix) in zip(axes, (("window", "window_"), ("track", "")), strict=True):
        for number, protocol in enumerate(audit.protocols):
            rows = scores.xs(protocol, level="protocol").loc[models]
            part = f" ({rows['part'].iloc[0]})" if protocol == "official" else ""
            rows = 100 * rows.drop(columns="part")
            shift = (number - (len(audit.protocols) - 1) / 2) * 0.2
            y = np.arange(len(models))[::-1] - shift
            color = PROTOCOL_COLORS[protocol]
            ax.hlines(y, rows[f"{prefix}low"], rows[f"{prefix}high"], color=color, lw=4, alpha=0.3)
            accuracy = rows[f"{prefix}accuracy"]
            ax.plot(accuracy, y, "o", color=color, ms=7, label=f"by {protocol}{part}")
        ax.set(xlabel=f"{unit} accuracy (%)", xlim=(0, 102), ylim=(-0.5, len(models) - 0.5))
        sns.despine(ax=ax)
    axes[0].set_yticks(np.arange(len(models))[::-1], models)
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=4, frameon=False)
    return figure


def leak_by(table: pd.DataFrame, ax: Axes | None = None, *, most: int = 15) -> Axes:
    """Draw the leak of single genres or artists.

    Parameters
    ----------
    table : pd.DataFrame
        As from `LeakageAudit.leak_by`.
    ax : Axes, optional
        Axes to draw into.
    most : int
        Largest number of rows; those with the largest leaks are drawn.

    Returns
    -------
    Axes
        One dot a row with its 95 % interval, in percentage points.
    """
    table = table.head(most)
    ax = new_axes(ax, (6, 0.8 + 0.28 * len(table)))
    y, color = np.arange(len(table))[::-1], PROTOCOL_COLORS["window"]
    ax.axvline(0, color="0.6", lw=1)
    ax.hlines(y, 100 * table["low"], 100 * table["high"], color=color, lw=5, alpha=0.25)
    ax.plot(100 * table["points"], y, "o", color=color, ms=7)
    ax.set_yticks(y, [f"{plain_text(name)} ({n})" for name, n in table["tracks"].items()])
    ax.set(xlabel=f"leak (percentage points), by {table.index.name} (number of tracks)")
    sns.despine(ax=ax)
    return ax


def reshuffle(result: ReshuffleResult, ax: Axes | None = None) -> Axes:
    """Draw the accuracy of one trained net on different choices of a test part.

    Parameters
    ----------
    result : ReshuffleResult
        Its scores.
    ax : Axes, optional
        Axes to draw into.

    Returns
    -------
    Axes
        One line a part, without the validation part; the cross is the expected
        value of the score on test parts that are drawn again.
    """
    colors = {
        "train": "0.5",
        "reshuffled": PROTOCOL_COLORS["window"],
        "test": PROTOCOL_COLORS["track"],
        "unseen": PROTOCOL_COLORS["artist"],
    }
    parts = [part for part in PARTS if part in colors]
    ax = new_axes(ax, (6.4, 2.6))
    for y, part in enumerate(reversed(parts)):
        score, color = getattr(result, part), colors[part]
        ax.hlines(y, 100 * score.low, 100 * score.high, color=color, lw=6, alpha=0.3)
        ax.plot(100 * score.value, y, "o", color=color, ms=8)
        if part == "reshuffled":
            ax.plot(100 * result.predicted, y, "x", color="k", ms=9, label="expected")
    ax.set_yticks(range(len(parts)), [PARTS[part] for part in reversed(parts)])
    ax.set(xlabel="window accuracy (%)", ylim=(-0.6, len(parts) - 0.4))
    ax.legend(frameon=False, loc="lower right", bbox_to_anchor=(1, 1))
    sns.despine(ax=ax)
    return ax
