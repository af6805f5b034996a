"""Figures of what noise, rooms and files do to answers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import seaborn as sns

from ..signal.denoise import METHODS
from ..signal.disturbances import AS_IT_IS
from .basics import new_axes, palette

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["gains", "noise_levels", "robustness"]

_BLUE = "#3b6fb6"


def _color(method: str) -> tuple[float, float, float]:
    """Return a method's colour, the same in every figure; grey where nothing was done."""
    known = dict(zip(METHODS, palette(len(METHODS)), strict=True))
    return known.get(method, (0.4, 0.4, 0.4))


def robustness(table: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Draw accuracy under each condition.

    Parameters
    ----------
    table : pd.DataFrame
        A `Trial`'s `table`.
    ax : Axes, optional
        Where to draw.

    Returns
    -------
    Axes
        One line a condition, with its 95 % interval; at the right what it
        costs against the first, with the interval of the paired difference.
    """
    ax = new_axes(ax, (7.5, 1 + 0.4 * len(table)))
    place = np.arange(len(table))[::-1]
    ax.axvline(100 * table["value"].iloc[0], color="0.8", lw=1, zorder=0)
    ax.hlines(place, 100 * table["low"], 100 * table["high"], color=_BLUE, lw=6, alpha=0.3)
    ax.plot(100 * table["value"], place, "o", color=_BLUE, ms=7)
    ax.set_yticks(place, table.index)
    for y, row in zip(place[1:], table.iloc[1:].itertuples(), strict=True):
        told = (
            f"{100 * row.difference:+.0f}  ({100 * row.difference_low:+.0f} to "
            f"{100 * row.difference_high:+.0f})"
        )
        ax.text(1.02, y, told, transform=ax.get_yaxis_transform(), va="center", fontsize=9)
    ax.text(1.02, 1.02, "change (points)", transform=ax.transAxes, fontsize=9, va="bottom")
    ax.set(xlabel="tracks recognised (%), 95 % interval", xlim=(0, 100))
    ax.set_ylim(-0.6, len(table) - 0.4)
    sns.despine(ax=ax)
    return ax


def gains(table: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Draw by how much each method brings music back from each noise.

    Parameters
    ----------
    table : pd.DataFrame
        From `gtzan_lib.live.rehearsal.gains`.
    ax : Axes, optional
        Where to draw.

    Returns
    -------
    Axes
        A box from quartile to quartile with the median, for each noise and
        method; below the line, music has become worse.
    """
    ax = new_axes(ax, (7.5, 3.8))
    methods = list(dict.fromkeys(table["method"]))
    sns.boxplot(
        table, x="noise", y="gain_db", hue="method", hue_order=methods, ax=ax, fliersize=2,
        palette=[_color(one) for one in methods], linewidth=0.9, saturation=1,
    )  # fmt: skip
    ax.axhline(0, color="0.3", lw=1)
    ax.set(xlabel="noise", ylabel="gain in SI-SDR (dB)")
    ax.legend(frameon=False, title=None, loc="center left", bbox_to_anchor=(1, 0.5))
    sns.despine(ax=ax)
    return ax


def noise_levels(table: pd.DataFrame, levels_db: Sequence[float], ax: Axes | None = None) -> Axes:
    """Draw accuracy against the level of noise, with it and without it.

    Parameters
    ----------
    table : pd.DataFrame
        A `Trial`'s `table`, whose conditions are called `as it is` and, like
        `wiener at 5 dB`, after what was done against the noise and its level.
    levels_db : sequence of float
        The levels, in dB.
    ax : Axes, optional
        Where to draw.

    Returns
    -------
    Axes
        One line for what was done, with 95 % intervals; dashed, no noise.
    """
    ax = new_axes(ax, (7.5, 3.8))
    ends = {f" at {level:g} dB": level for level in levels_db}
    lines: dict[str, list[tuple[float, pd.Series]]] = {}
    for name, row in table.iterrows():
        for end, level in ends.items():
            if str(name).endswith(end):
                lines.setdefault(str(name).removesuffix(end), []).append((level, row))
    ax.axhline(100 * table.at[AS_IT_IS, "value"], color="0.5", lw=1, ls="--", label="no noise")
    place = {level: at for at, level in enumerate(sorted(levels_db, reverse=True))}
    for n, (label, points) in enumerate(lines.items()):
        color = _color(label)
        points.sort(key=lambda point: place[point[0]])
        # Beside each other, where they would hide one another.
        x = np.array([place[level] for level, _ in points]) + 0.08 * (n - (len(lines) - 1) / 2)
        rows = 100 * pd.DataFrame([row[["value", "low", "high"]] for _, row in points])
        ax.vlines(x, rows["low"], rows["high"], color=color, lw=4, alpha=0.3)
        ax.plot(x, rows["value"], "o-", color=color, ms=5, lw=1.5, label=label)
    ax.set_xticks(list(place.values()), [f"{level:g}" for level in place])
    ax.set(xlabel="music above noise (dB)", ylabel="tracks recognised (%)", ylim=(0, 100))
    ax.legend(frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))
    sns.despine(ax=ax)
    return ax
