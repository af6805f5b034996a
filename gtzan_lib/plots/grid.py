"""Figures of the grid of classic models."""

from __future__ import annotations

from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
import numpy as np
import seaborn as sns

from .style import PROTOCOL_COLORS, new_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from ..studies.grid import GridResult

__all__ = ["grid_leaks", "grid_losses", "grid_scores"]


def grid_scores(grid: GridResult, ax: Axes | None = None, *, unit: str = "window") -> Axes:
    """Draw the accuracy of all cells of a grid as one heat map.

    Parameters
    ----------
    grid : GridResult
        Its scores.
    ax : Axes, optional
        Axes to draw into.
    unit : {"window", "track"}
        What is counted.

    Returns
    -------
    Axes
        Accuracy in per cent with its 95 % interval; a star marks cells whose
        training stopped before it converged.
    """
    ax = new_axes(ax, (8.6, 0.9 + 0.5 * grid.scores.index.get_level_values("model").nunique()))
    scores = grid.scores
    values = 100 * scores[_columns(unit)]
    text = [
        f"{value:.1f}{'*' if unconverged else ''}\n{low:.0f} to {high:.0f}"
        for (value, low, high), unconverged in zip(
            values.to_numpy(), scores["unconverged"] > 0, strict=True
        )
    ]
    order = dict.fromkeys(scores.index.get_level_values("transform"))
    rows = dict.fromkeys(scores.index.get_level_values("model"))
    table = values.iloc[:, 0].unstack("transform").reindex(index=list(rows), columns=list(order))
    annotations = scores.assign(text=text)["text"].unstack("transform").reindex_like(table)
    sns.heatmap(
        table, ax=ax, annot=annotations, fmt="", cmap="crest", vmin=20, vmax=100,
        annot_kws={"size": 8}, cbar_kws={"label": f"{unit} accuracy (%)"}, linewidths=0.5,
    )  # fmt: skip
    ax.set(xlabel="", ylabel="", title=f"split by {grid.split.protocol}")
    ax.tick_params(axis="y", rotation=0)
    return ax


def grid_leaks(leaking: GridResult, honest: GridResult, *, unit: str = "window") -> Figure:
    """Draw the accuracy of each cell under a leaking and a strict split protocol.

    Parameters
    ----------
    leaking, honest : GridResult
        The same cells under two protocols.
    unit : {"window", "track"}
        What is counted.

    Returns
    -------
    Figure
        One panel a transform; in it one line a model, from the strict score to
        the leaking one, with 95 % intervals.
    """
    transforms = list(dict.fromkeys(transform for transform, _ in leaking.cells))
    models = list(dict.fromkeys(model for _, model in leaking.cells))
    figure, axes = plt.subplots(
        1, len(transforms), figsize=(1.4 + 2.1 * len(transforms), 0.9 + 0.33 * len(models)),
        sharex=True, sharey=True, squeeze=False, layout="constrained",
    )  # fmt: skip
    y = np.arange(len(models))[::-1]
    for ax, transform in zip(axes.flat, transforms, strict=True):
        ends = []
        for grid in (honest, leaking):
            color = PROTOCOL_COLORS[grid.split.protocol]
            scores = 100 * grid.scores.loc[transform].loc[models]
            value, low, high = scores[_columns(unit)].to_numpy().T
            ax.hlines(y, low, high, color=color, lw=5, alpha=0.25)
            ax.plot(value, y, "o", color=color, ms=5, label=f"by {grid.split.protocol}")
            ends.append(value)
        ax.hlines(y, *ends, color="0.6", lw=1, zorder=0)
        ax.set_title(transform, fontsize=10)
        sns.despine(ax=ax)
    axes[0, 0].set_yticks(y, models)
    handles, labels = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=2, frameon=False, fontsize=9)
    figure.supxlabel(f"{unit} accuracy (%)", fontsize=10)
    return figure


def grid_losses(grid: GridResult, ax: Axes | None = None) -> Axes:
    """Draw the training loss of the cells that have epochs.

    Parameters
    ----------
    grid : GridResult
        A grid with `curves`.
    ax : Axes, optional
        Axes to draw into.

    Returns
    -------
    Axes
        One line a cell, over the epochs of the first fold.
    """
    ax = new_axes(ax, (7, 3.4))
    for (transform, model), curve in grid.curves.items():
        label = model if transform == "none" else f"{model}, {transform}"
        ax.plot(np.arange(1, len(curve) + 1), curve, lw=1.5, label=label)
    ax.set(xlabel="epoch", ylabel="training loss", yscale="log")
    ax.legend(frameon=False)
    sns.despine(ax=ax)
    return ax


def _columns(unit: str) -> list[str]:
    """Return the columns of `GridResult.scores` with a unit's accuracy and its bounds."""
    prefix = "window_" if unit == "window" else ""
    return [f"{prefix}{name}" for name in ("accuracy", "low", "high")]
