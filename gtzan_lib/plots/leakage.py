"""Figures of what a score owes to recordings on both sides."""

from __future__ import annotations

from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
import numpy as np
import seaborn as sns

from .style import PROTOCOL_COLORS, new_axes

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from ..evaluation.leakage import Audit
    from ..studies.reshuffle import Reshuffle

__all__ = ["leak_by", "leakage", "reshuffle"]


def leakage(audit: Audit) -> Figure:
    """Draw what every model scores under each protocol.

    Parameters
    ----------
    audit : Audit
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
    for ax, (unit, prefix) in zip(axes, (("windows", "window_"), ("tracks", "")), strict=True):
        for number, protocol in enumerate(audit.protocols):
            own = 100 * scores.xs(protocol, level="protocol").loc[models]
            shift = (number - (len(audit.protocols) - 1) / 2) * 0.2
            place = np.arange(len(models))[::-1] - shift
            color = PROTOCOL_COLORS[protocol]
            low, high = own[f"{prefix}low"], own[f"{prefix}high"]
            ax.hlines(place, low, high, color=color, lw=4, alpha=0.3)
            value = own[f"{prefix}accuracy"]
            ax.plot(value, place, "o", color=color, ms=7, label=f"by {protocol}")
        ax.set(xlabel=f"{unit} recognised (%)", xlim=(0, 102), ylim=(-0.5, len(models) - 0.5))
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
        As from `Audit.by`.
    ax : Axes, optional
        Where to draw.
    most : int
        How many rows, the largest leaks.

    Returns
    -------
    Axes
        One dot a row with its 95 % interval, in points.
    """
    table = table.head(most)
    ax = new_axes(ax, (6, 0.8 + 0.28 * len(table)))
    place = np.arange(len(table))[::-1]
    ax.axvline(0, color="0.6", lw=1)
    ax.hlines(
        place,
        100 * table["low"],
        100 * table["high"],
        color=PROTOCOL_COLORS["window"],
        lw=5,
        alpha=0.25,
    )
    ax.plot(100 * table["points"], place, "o", color=PROTOCOL_COLORS["window"], ms=7)
    ax.set_yticks(place, [f"{name} ({n})" for name, n in table["tracks"].items()])
    ax.set(xlabel=f"points owed to the leak, by {table.index.name} (tracks)")
    sns.despine(ax=ax)
    return ax


def reshuffle(result: Reshuffle, ax: Axes | None = None) -> Axes:
    """Draw what one net scores, depending on what is called the test part.

    Parameters
    ----------
    result : Reshuffle
        Its scores.
    ax : Axes, optional
        Where to draw.

    Returns
    -------
    Axes
        One line a part; the cross is the predicted score.
    """
    colors = {
        "what it was trained on": "0.5",
        "test part drawn anew": PROTOCOL_COLORS["window"],
        "test part as saved": PROTOCOL_COLORS["track"],
        "tracks it never saw": PROTOCOL_COLORS["artist"],
    }
    rows = {name: (result.parts[name], color) for name, color in colors.items()}
    ax = new_axes(ax, (6.4, 2.6))
    for place, (name, (score, color)) in enumerate(reversed(rows.items())):
        ax.hlines(place, 100 * score.low, 100 * score.high, color=color, lw=6, alpha=0.3)
        ax.plot(100 * score.value, place, "o", color=color, ms=8)
        if name == "test part drawn anew":
            ax.plot(100 * result.predicted, place, "x", color="k", ms=9, label="predicted")
    ax.set_yticks(range(len(rows)), list(reversed(rows)))
    ax.set(xlabel="windows recognised (%)", ylim=(-0.6, len(rows) - 0.4))
    ax.legend(frameon=False, loc="lower right", bbox_to_anchor=(1, 1))
    sns.despine(ax=ax)
    return ax
