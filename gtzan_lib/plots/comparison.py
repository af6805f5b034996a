"""Figures that compare models, split protocols and the cells of a grid."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import cycle
from typing import TYPE_CHECKING, Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.colors import to_hex
from matplotlib.ticker import LogFormatter, LogLocator

from ..studies.reshuffle import PARTS
from .style import BLUE, GREEN, PROTOCOL_COLORS, RED, YELLOW, new_axes, palette, plain_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from ..evaluation.leakage import LeakageAudit
    from ..studies.grid import GridResult
    from ..studies.reshuffle import ReshuffleResult

__all__ = [
    "accuracy_by_cost",
    "aggregations",
    "artist_curves",
    "askings",
    "best_of_equals",
    "choice_gains",
    "detection_power",
    "difference_matrix",
    "grid_leaks",
    "grid_losses",
    "grid_scores",
    "interval_methods",
    "leaderboard",
    "leak_by",
    "leak_parts",
    "leakage",
    "learning_curve",
    "pairs_by_disagreement",
    "published_scores",
    "representations",
    "reshuffle",
    "score_dots",
    "seed_dots",
    "significance_matrix",
    "test_part_scores",
]


def leaderboard(table: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Draw a leaderboard with its intervals.

    Parameters
    ----------
    table : pd.DataFrame
        As from `gtzan_lib.evaluation.records.leaderboard`, or in groups as
        `gtzan_lib.evaluation.comparison.ModelComparison.leaderboard`.
    ax : Axes, optional
        Axes to draw into.

    Returns
    -------
    Axes
        One line an experiment: tracks with their 95 % interval, and windows. A group
        begins with its number of tracks, protocol and part, and has a dashed line at
        the accuracy of always naming its most frequent genre.
    """
    group = pd.factorize(table["group"])[0] if "group" in table else np.full(len(table), -1)
    # Each group has an empty line above it, for its heading.
    place = np.arange(len(table)) + group + 1
    y = place.max() - place
    ax = new_axes(ax, (7, 0.9 + 0.36 * (place.max() + 1)))
    ax.hlines(y, 100 * table["low"], 100 * table["high"], color=BLUE, lw=5, alpha=0.3)
    ax.plot(100 * table["accuracy"], y, "o", color=BLUE, ms=7, label="tracks (95 % interval)")
    ax.plot(100 * table["window_accuracy"], y, "|", color=RED, ms=11, mew=2, label="windows")
    ticks = dict(zip(y, map(plain_text, table.index), strict=True))
    for number in range(group.max() + 1):
        lines, first = y[group == number], table[group == number].iloc[0]
        part = "out of fold" if first["folds"] > 1 else first["part"]
        ticks[lines[0] + 1] = f"{first['tracks']} tracks, by {first['protocol']}, {part}"
        label = "most frequent genre" if number == 0 else None
        ends = lines[-1] - 0.4, lines[0] + 0.4
        ax.plot([100 * first["chance"]] * 2, ends, color="0.4", ls="--", lw=1, label=label)
    if "group" not in table:
        for line, protocol, part in zip(y, table["protocol"], table["part"], strict=True):
            named = f"{protocol}, {part}" if protocol == "official" else protocol
            ticks[line] += f"  ({named})"
    ax.set_yticks(list(ticks), ticks.values())
    for heading in ax.get_yticklabels()[len(table) :]:
        heading.set_fontweight("bold")
    ax.set(xlabel="accuracy (%)", xlim=(0, 100), ylim=(-0.6, max(ticks) + 0.6))
    ax.legend(frameon=False, loc="lower right", bbox_to_anchor=(1, 1), ncols=3)
    sns.despine(ax=ax)
    return ax


def significance_matrix(tests: pd.DataFrame, models: Sequence[str], ax: Axes | None = None) -> Axes:
    """Draw the p-value of every pair of models as a heat map.

    Parameters
    ----------
    tests : pd.DataFrame
        As from `gtzan_lib.evaluation.comparison.paired_tests`.
    models : sequence of str
        The models in the order of rows and columns, as `tests` names them.
    ax : Axes, optional
        Axes to draw into.

    Returns
    -------
    Axes
        The darker, the smaller. Below the diagonal is the p-value of the single pair,
        above it the one that is corrected for the number of pairs. Pairs without a test
        are empty.
    """
    matrix = pd.DataFrame(np.nan, index=list(models), columns=list(models))
    rank = {model: number for number, model in enumerate(models)}
    for test in tests.itertuples():
        upper, lower = sorted((test.first, test.second), key=rank.__getitem__)
        matrix.loc[upper, lower], matrix.loc[lower, upper] = test.p_holm, test.p_value
    side = 2.5 + 0.45 * len(matrix)
    ax = new_axes(ax, (side + 1, side))
    sns.heatmap(
        matrix.rename(index=plain_text, columns=plain_text), vmin=0, vmax=1, cmap="crest_r",
        annot=True, fmt=".2f", annot_kws={"size": 7}, square=True, linewidths=0.5, ax=ax,
        cbar_kws={"label": "p-value", "shrink": 0.8},
    )  # fmt: skip
    ax.set(xlabel="", ylabel="")
    ax.tick_params(length=0)
    return ax


def learning_curve(table: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Draw accuracy against the number of training tracks.

    Parameters
    ----------
    table : pd.DataFrame
        As from `gtzan_lib.evaluation.comparison.learning_curve`.
    ax : Axes, optional
        Axes to draw into.

    Returns
    -------
    Axes
        Tracks with their 95 % interval, and windows.
    """
    ax = new_axes(ax, (5.4, 3.4))
    ax.fill_between(
        table["tracks"], 100 * table["low"], 100 * table["high"], color=BLUE, alpha=0.15, lw=0
    )
    ax.plot(table["tracks"], 100 * table["accuracy"], "o-", color=BLUE, label="tracks")
    ax.plot(table["tracks"], 100 * table["window_accuracy"], "o--", color=RED, label="windows")
    ax.set(xlabel="training tracks", ylabel="accuracy (%)", ylim=(0, 100), xlim=(0, None))
    ax.legend(frameon=False)
    sns.despine(ax=ax)
    return ax


def accuracy_by_cost(table: pd.DataFrame, of: str, label: str, ax: Axes | None = None) -> Axes:
    """Draw track accuracy against a cost.

    Parameters
    ----------
    table : pd.DataFrame
        As from `gtzan_lib.evaluation.records.leaderboard`.
    of : {"weights", "seconds"}
        Column of the cost; experiments without a value are left out.
    label : str
        Label of the cost's axis.
    ax : Axes, optional
        Axes to draw into.

    Returns
    -------
    Axes
        One point an experiment, with its 95 % interval, over a logarithmic axis.
    """
    ax = new_axes(ax, (5.4, 3.8))
    # By the order of the table, so that a model looks alike over every cost.
    looks = zip(palette(len(table)), cycle("osD^vPX*<>"), strict=False)
    for (color, marker), (name, row) in zip(looks, table.iterrows(), strict=False):
        if np.isfinite(row[of]):
            ends, y = [100 * row["low"], 100 * row["high"]], 100 * row["accuracy"]
            ax.plot([row[of]] * 2, ends, color=color, lw=4, alpha=0.3)
            ax.plot(row[of], y, marker, color=color, ms=8, label=plain_text(name))
    ax.set(xscale="log", xlabel=label, ylabel="track accuracy (%)", ylim=(0, 100))
    # Numbers of weights are long: few of them fit beside each other.
    ax.xaxis.set_major_locator(LogLocator(numticks=3))
    ax.xaxis.set_major_formatter(lambda x, _: f"{x:,.0f}" if x >= 1 else f"{x:g}")
    ax.xaxis.set_minor_formatter(LogFormatter())
    ax.legend(frameon=False, fontsize=8, loc="center left", bbox_to_anchor=(1, 0.5))
    sns.despine(ax=ax)
    return ax


def aggregations(table: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Draw the track accuracy of models by aggregation method.

    Parameters
    ----------
    table : pd.DataFrame
        From `gtzan_lib.studies.aggregation.compare_aggregations`.
    ax : Axes, optional
        Where to draw.

    Returns
    -------
    Axes
        One line a model and method: the difference to the mean with its 95 %
        interval, in points.
    """
    table = table.drop("mean", level="method")
    ax = new_axes(ax, (6.5, 0.9 + 0.3 * len(table)))
    place = np.arange(len(table))[::-1]
    ax.axvline(0, color="0.5", lw=1, ls="--")
    ax.hlines(place, 100 * table["low"], 100 * table["high"], color=BLUE, lw=5, alpha=0.3)
    ax.plot(100 * table["difference"], place, "o", color=BLUE, ms=7)
    ax.set_yticks(place, [f"{plain_text(model)}: {method}" for model, method in table.index])
    ax.set(xlabel="track accuracy minus that of the mean (points, 95 % interval)")
    sns.despine(ax=ax)
    return ax


def representations(table: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Draw the accuracy of heads on several representations.

    Parameters
    ----------
    table : pd.DataFrame
        From `gtzan_lib.studies.heads.compare_representations`.
    ax : Axes, optional
        Axes to draw into.

    Returns
    -------
    Axes
        One line a representation: tracks and windows with their 95 % intervals.
    """
    names = table.index.unique("representation")
    ax = new_axes(ax, (6.5, 1.2 + 0.45 * len(names)))
    for unit, color, shift in (("track", BLUE, 0.12), ("window", RED, -0.12)):
        rows = table.xs(unit, level="unit")
        place = np.arange(len(rows))[::-1] + shift
        ax.hlines(place, 100 * rows["low"], 100 * rows["high"], color=color, lw=5, alpha=0.3)
        ax.plot(100 * rows["accuracy"], place, "o", color=color, ms=7, label=f"{unit}s")
    ax.set_yticks(np.arange(len(names))[::-1], list(map(plain_text, names)))
    ax.set(xlabel="accuracy (%, 95 % interval)", xlim=(0, 100))
    ax.legend(frameon=False, loc="lower center", bbox_to_anchor=(0.5, 1), ncols=2)
    sns.despine(ax=ax)
    return ax


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
    # There are too few tracks for tenths of a per cent.
    digits = 1 if unit == "window" else 0
    values = 100 * scores[_columns(unit)]
    text = [
        f"{value:.{digits}f}{'*' if unconverged else ''}\n{low:.0f} to {high:.0f}"
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
    colors, styles = palette(len(grid.curves)), cycle(("-", "--", "-.", ":"))
    for ((transform, model), curve), color in zip(grid.curves.items(), colors, strict=True):
        label = f"{model}, {'no transform' if transform == 'none' else transform}"
        epochs = np.arange(1, len(curve) + 1)
        ax.plot(epochs, curve, lw=1.6, color=color, ls=next(styles), label=label)
    ax.set(xlabel="epoch", ylabel="training loss", yscale="log")
    ax.legend(frameon=False)
    sns.despine(ax=ax)
    return ax


def score_dots(
    table: pd.DataFrame, ax: Axes | None = None, *, label: str, chance: float | None = None
) -> Axes:
    """Draw scores of several series, one line a row.

    Parameters
    ----------
    table : pd.DataFrame
        One row a score, by the name of its line; `series`, to which it belongs; `score`
        with `low` and `high`, from 0 to 1; and `hollow`, optional, whether its dot is
        drawn hollow.
    ax : Axes, optional
        Axes to draw into.
    label : str
        Label of the axis of scores.
    chance : float, optional
        The score of always naming the most frequent genre, a dashed line.

    Returns
    -------
    Axes
        Dots with their intervals, in per cent; lines in the order of the table, the first
        at the top. Series that are called by a split protocol have its colour.
    """
    lines, series = table.index.unique(), table["series"].unique()
    ax = new_axes(ax, (7.4, 1.1 + (0.14 + 0.08 * len(series)) * len(lines)))
    colors = dict(zip(series, palette(len(series)), strict=True))
    step = 0.7 / len(series)
    for number, (name, marker) in enumerate(zip(series, cycle("osD^v"), strict=False)):
        rows = 100 * table[table["series"] == name][["score", "low", "high"]]
        y = len(lines) - 1 - lines.get_indexer(rows.index) - (number - (len(series) - 1) / 2) * step
        protocol = name.rpartition(" ")[2]
        known = protocol in PROTOCOL_COLORS
        color = to_hex(PROTOCOL_COLORS[protocol] if known else colors[name])
        ax.hlines(y, rows["low"], rows["high"], color=color, lw=3, alpha=0.35)
        hollow = np.zeros(len(rows), dtype=bool)
        if "hollow" in table:
            hollow = table.loc[table["series"] == name, "hollow"].to_numpy(dtype=bool)
        faces = ["white" if one else color for one in hollow]
        ax.scatter(rows["score"], y, marker=marker, s=24, c=faces, edgecolors=color, zorder=3)
        if len(series) > 1:
            ax.plot([], [], marker, color=color, ms=5, label=plain_text(name))
    if chance is not None:
        ax.axvline(100 * chance, color="0.4", lw=1, ls="--", label="most frequent genre")
    ax.set_yticks(range(len(lines) - 1, -1, -1), map(plain_text, lines), fontsize=9)
    ax.grid(axis="y", color="0.93")
    ax.set_axisbelow(True)
    ax.set(xlabel=label, ylim=(-0.6, len(lines) - 0.4))
    if ax.get_legend_handles_labels()[0]:
        ax.legend(frameon=False, loc="lower center", bbox_to_anchor=(0.4, 1), ncols=3)
    sns.despine(ax=ax)
    return ax


def seed_dots(scores: pd.DataFrame, seeds: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Draw the accuracies of several seeds beside the interval over tracks.

    Parameters
    ----------
    scores : pd.DataFrame
        One row a model: `accuracy`, the mean over seeds, with `low` and `high`.
    seeds : pd.DataFrame
        One row a model and seed: `accuracy`. Both have the models as index.
    ax : Axes, optional
        Axes to draw into.

    Returns
    -------
    Axes
        One line a model; a bar for the interval, and a mark for each seed.
    """
    ax = new_axes(ax, (6.6, 1 + 0.42 * len(scores)))
    y = np.arange(len(scores))[::-1]
    ax.hlines(
        y, 100 * scores["low"], 100 * scores["high"], color=BLUE, lw=9, alpha=0.25,
        label="95 % interval of the mean, over artists",
    )  # fmt: skip
    place = y[scores.index.get_indexer(seeds.index)]
    ax.plot(100 * seeds["accuracy"], place, "|", color=RED, ms=13, mew=1.6, label="a seed")
    ax.set_yticks(y, map(plain_text, scores.index))
    ax.set(xlabel="track accuracy (%)", ylim=(-0.6, len(scores) - 0.4))
    ax.legend(frameon=False, loc="lower center", bbox_to_anchor=(0.4, 1), ncols=2)
    sns.despine(ax=ax)
    return ax


def _columns(unit: str) -> list[str]:
    """Return the columns of `GridResult.scores` with a unit's accuracy and its bounds."""
    prefix = "window_" if unit == "window" else ""
    return [f"{prefix}{name}" for name in ("accuracy", "low", "high")]


def interval_methods(table: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Draw intervals of accuracies by three methods.

    Parameters
    ----------
    table : pd.DataFrame
        As from `gtzan_lib.published.measures.collection.dependence`.
    ax : Axes, optional
        Axes to draw into.

    Returns
    -------
    Axes
        Three lines a model, and a dot at its accuracy.
    """
    methods = {
        "tracks as independent (Wilson)": ("", BLUE),
        "artists drawn within genres": ("genre_", GREEN),
        "artists drawn from all genres": ("artist_", RED),
    }
    ax = new_axes(ax, (7, 1.2 + 0.6 * len(table)))
    y = -np.arange(len(table), dtype=float)
    for number, (label, (prefix, color)) in enumerate(methods.items()):
        place = y + 0.22 * (1 - number)
        low, high = (100 * table[f"{prefix}{side}"] for side in ("low", "high"))
        ax.hlines(place, low, high, color=color, lw=4, label=label)
        ax.plot(100 * table["accuracy"], place, "o", color="white", mec=color, ms=6)
    ax.set_yticks(y, [plain_text(name) for name in table.index])
    ax.set(xlabel="accuracy (%)", ylim=(y.min() - 0.5, 0.5))
    ax.legend(frameon=False, fontsize=9, loc="lower center", bbox_to_anchor=(0.4, 1), ncols=2)
    sns.despine(ax=ax)
    return ax


# Colours of models with and without data from outside the corpus.
_OWN, _OUTSIDE = BLUE, RED


def askings(table: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Draw the scores of a test part in the order in which it was asked.

    Parameters
    ----------
    table : pd.DataFrame
        As from `gtzan_lib.published.scores.asked_models`.
    ax : Axes, optional
        Axes to draw into.

    Returns
    -------
    Axes
        One line a model, with its 95 % interval; squares are models with data from outside,
        circles others. Small bars are the single seeds with the lowest and highest score.
    """
    ax = new_axes(ax, (7.4, 0.9 + 0.31 * len(table)))
    y = -np.arange(len(table))
    own = (table["outside_data"] == "none").to_numpy()
    for chosen, marker, color, label in (
        (own, "o", _OWN, "no data from outside"),
        (~own, "s", _OUTSIDE, "trained on other music"),
    ):
        if chosen.any():
            rows = table[chosen]
            ax.hlines(
                y[chosen], 100 * rows["low"], 100 * rows["high"], color=color, lw=4, alpha=0.35
            )
            ax.plot(100 * rows["score"], y[chosen], marker, color=color, ms=7, label=label)
    several = (table["askings"] > 1).to_numpy()
    if several.any():
        ends = 100 * table.loc[several, ["lowest", "highest"]].to_numpy()
        bars = ax.plot(ends, y[several], "|", color="0.15", ms=9, mew=1.2)
        bars[0].set_label("lowest and highest seed")
    names = [
        f"{row.Index}. {plain_text(row.model)} ({row.n} tracks"
        f"{f', {row.askings} seeds' if row.askings > 1 else ''})"
        for row in table.itertuples()
    ]
    ax.set_yticks(y, names)
    ax.set(xlabel="accuracy of the test part (%)", xlim=(25, 100), ylim=(y.min() - 0.6, 0.6))
    ax.legend(frameon=False, fontsize=9, loc="lower center", bbox_to_anchor=(0.3, 1), ncols=3)
    sns.despine(ax=ax)
    return ax


def published_scores(
    askings: pd.DataFrame, literature: pd.DataFrame, ax: Axes | None = None
) -> Axes:
    """Draw scores of this project beside those of the literature.

    Parameters
    ----------
    askings : pd.DataFrame
        As from `gtzan_lib.published.scores.asked_models`; those of a part of the tracks
        are left out.
    literature : pd.DataFrame
        As from `gtzan_lib.published.scores.read_literature`.
    ax : Axes, optional
        Axes to draw into.

    Returns
    -------
    Axes
        Models without data from outside below those with such data, each group by its
        score. Ours are blue, with their 95 % intervals; the others are grey, without
        interval, and hollow where the score could not be verified.
    """
    ours = askings[askings["whole"]].assign(ours=True, verified=True)
    others = literature.assign(score=literature[["low", "high"]].mean(axis=1), ours=False)
    table = pd.concat([ours, others], ignore_index=True)
    table["outside"] = table["outside_data"] != "none"
    table = table.sort_values(["outside", "score"], kind="stable", ignore_index=True)
    # The second group has an empty line below it, and each a line above for its heading.
    y = np.arange(len(table)) + 1.4 * table["outside"].to_numpy()
    ax = new_axes(ax, (7.4, 1 + 0.27 * (len(table) + 3)))
    for row, place in zip(table.itertuples(), y, strict=True):
        color = BLUE if row.ours else "0.45"
        width, alpha = (5, 0.35) if row.ours else (1.5, 1)
        ax.hlines(place, 100 * row.low, 100 * row.high, color=color, lw=width, alpha=alpha)
        face = color if row.verified else "white"
        ax.plot(100 * row.score, place, "o", color=color, mfc=face, ms=7 if row.ours else 6)
    ax.set_yticks(y, [plain_text(name) for name in table["model"]])
    for tick, is_ours in zip(ax.get_yticklabels(), table["ours"], strict=True):
        tick.set_fontweight("bold" if is_ours else "normal")
    for outside, heading in (
        (False, "no data from outside GTZAN"),
        (True, "with images, audio or music from outside"),
    ):
        if (table["outside"] == outside).any():
            top = y[table["outside"] == outside].max() + 0.8
            ax.text(40.5, top, heading, va="center", fontsize=9, fontstyle="italic")
    for label, color, face, size in (
        ("this project (95 % interval)", BLUE, BLUE, 7),
        ("literature", "0.45", "0.45", 6),
        ("literature, not verified", "0.45", "white", 6),
    ):
        ax.plot([], [], "o", color=color, mfc=face, ms=size, label=label)
    ax.set(xlabel=f"accuracy of the {askings['n'].max()} test tracks (%)", xlim=(40, 90))
    ax.set_ylim(-0.7, y.max() + 1.3)
    ax.legend(frameon=False, fontsize=9, loc="lower center", bbox_to_anchor=(0.3, 1), ncols=3)
    ax.grid(axis="x", color="0.9", lw=0.8)
    ax.set_axisbelow(True)
    sns.despine(ax=ax)
    return ax


def best_of_equals(
    tables: Mapping[str, pd.DataFrame], accuracy: float, ax: Axes | None = None
) -> Axes:
    """Draw the best score of several equally good models against their number.

    Parameters
    ----------
    tables : mapping of str to pd.DataFrame
        As from `gtzan_lib.published.scores.best_of_equals`, by their labels.
    accuracy : float
        The true accuracy of each model.
    ax : Axes, optional
        Axes to draw into.

    Returns
    -------
    Axes
        One line a table, with the range of 95 % of the draws, and the true accuracy.
    """
    ax = new_axes(ax, (6, 3.4))
    for (label, table), color, style in zip(
        tables.items(), (BLUE, RED, GREEN, YELLOW), ("o-", "s--", "^-.", "D:"), strict=False
    ):
        ax.fill_between(
            table.index, 100 * table["low"], 100 * table["high"], color=color, alpha=0.12, lw=0
        )
        ax.plot(table.index, 100 * table["mean"], style, color=color, ms=4, label=label)
    ax.axhline(100 * accuracy, color="0.4", lw=1, ls="--", label="true accuracy of each")
    ax.set(xlabel="number of models", ylabel="best score (%)")
    ax.locator_params(axis="x", integer=True)
    ax.legend(frameon=False, fontsize=9, loc="lower right")
    sns.despine(ax=ax)
    return ax


def leak_parts(table: pd.DataFrame) -> Figure:
    """Draw what the accuracy of a split by window is made of.

    Parameters
    ----------
    table : pd.DataFrame
        As from `gtzan_lib.published.leaks.accuracy_parts`.

    Returns
    -------
    Figure
        One panel for windows and one for tracks, with one bar a model: chance, what is
        correct with new artists, and what is added if artists and if tracks are known. A
        diamond is the score of the official split, with its 95 % interval.
    """
    units = table["unit"].unique()
    models = table.index.unique()
    figure, axes = plt.subplots(
        len(units), 1, sharex=True, squeeze=False, layout="constrained",
        figsize=(7.6, 1.1 + len(units) * (0.3 + 0.48 * len(models))),
    )  # fmt: skip
    shown = {
        "chance": ("chance (most frequent genre)", "0.75"),
        "artist": ("above chance, by artist: artists are new", PROTOCOL_COLORS["artist"]),
        "track": ("added by track: artists may be known", PROTOCOL_COLORS["track"]),
        "window": ("added by window: tracks are known", PROTOCOL_COLORS["window"]),
    }
    y = np.arange(len(models))[::-1]
    for ax, unit in zip(axes.flat, units, strict=True):
        rows = 100 * table[table["unit"] == unit].drop(columns="unit").loc[models]
        left = np.zeros(len(rows))
        for name, (label, color) in shown.items():
            ends = rows[name].to_numpy()
            ax.barh(y + 0.1, ends - left, 0.5, left, color=color, edgecolor="white", label=label)
            style = {"ha": "center", "va": "center", "fontsize": 8}
            style["color"] = "white" if name in ("artist", "window") else "black"
            for place, start, end in zip(y + 0.1, left, ends, strict=True):
                inside = f"{end:.0f}" if name == "chance" else f"{end - start:+.0f}"
                if abs(end - start) >= 3:
                    ax.text((start + end) / 2, place, inside, **style)
            left = ends
        for place, end in zip(y + 0.1, left, strict=True):
            ax.text(end + 0.7, place, f"{end:.0f}", va="center", fontsize=9, fontweight="bold")
        if rows["official"].notna().any():
            ax.hlines(y - 0.29, rows["low"], rows["high"], color="0.2", lw=1.6)
            ax.plot(
                rows["official"], y - 0.29, "D", color="white", mec="black", ms=5,
                label="official validation part (95 % interval)",
            )  # fmt: skip
        ax.set_yticks(y, list(map(plain_text, models)))
        ax.set(ylabel=f"{unit}s", xlim=(0, 105), ylim=(-0.5, len(models) - 0.5))
        sns.despine(ax=ax)
    axes[-1, 0].set_xlabel("accuracy (%)")
    handles, labels = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=2, frameon=False, fontsize=9)
    return figure


# Marker and colour of our models on the test part, by kind.
_KINDS = {
    "ensemble": ("D", RED, "ensemble"),
    "package": ("s", GREEN, "model of the package"),
    "features": ("^", YELLOW, "57 features"),
    "net": ("o", BLUE, "net, first seed"),
}


def test_part_scores(
    scores: pd.DataFrame, seeds: pd.DataFrame, literature: pd.DataFrame, ax: Axes | None = None
) -> Axes:
    """Draw our scores of the official test part and those of the literature in groups.

    Parameters
    ----------
    scores, seeds : pd.DataFrame
        Tables of `gtzan_lib.published.measures.test_part.measure`.
    literature : pd.DataFrame
        As from `gtzan_lib.published.scores.read_literature`.
    ax : Axes, optional
        Axes to draw into.

    Returns
    -------
    Axes
        One group for each kind of data from outside, and one line a model in it, the most
        accurate first. Ours are bold and have two intervals: a wide bar over tracks, a thin
        line over artists; further seeds of a net are small bars. The literature is grey,
        hollow where a score could not be verified.
    """
    ours = scores.rename_axis("model").reset_index().assign(verified=True)
    others = literature.assign(accuracy=literature[["low", "high"]].mean(axis=1), kind="")
    table = pd.concat([ours, others], ignore_index=True)
    headings = {
        "music": "music from outside",
        "audio": "audio from outside",
        "images": "images from outside",
        "none": "no data from outside GTZAN",
    }
    shown = [one for one in headings if (table["outside_data"] == one).any()]
    ax = new_axes(ax, (7.4, 1.1 + 0.225 * (len(table) + 1.4 * len(shown))))
    table[["accuracy", "low", "high"]] *= 100
    left = 5 * np.floor(table["low"].min() / 5 - 0.2)
    ticks, names, y = [], [], 0.0
    for outside in shown:
        ax.text(left + 0.4, y, headings[outside], va="center", fontsize=9, fontstyle="italic")
        rows = table[table["outside_data"] == outside]
        for row in rows.sort_values("accuracy", ascending=False, kind="stable").itertuples():
            y -= 1
            _draw_score(ax, row, y)
            if row.kind == "net":
                further = 100 * seeds.loc[[row.model], "accuracy"].iloc[1:]
                ax.plot(further, [y] * len(further), "|", color="0.15", ms=8, mew=1.2)
            ticks.append(y)
            names.append((plain_text(row.model), row.kind != ""))
        y -= 1.4
    ax.set_yticks(ticks, [name for name, _ in names], fontsize=9)
    for tick, (_, is_ours) in zip(ax.get_yticklabels(), names, strict=True):
        tick.set_fontweight("bold" if is_ours else "normal")
    for kind, (marker, color, label) in _KINDS.items():
        if (scores["kind"] == kind).any():
            ax.plot([], [], marker, color=color, label=label)
    ax.plot([], [], "|", color="0.15", ms=8, mew=1.2, label="other seeds of the net")
    ax.plot([], [], "o", color="0.45", ms=5, label="literature")
    ax.plot([], [], "o", color="0.45", mfc="white", ms=5, label="literature, not verified")
    right = 5 * np.ceil(table["high"].max() / 5 + 0.2)
    label = f"accuracy of the {scores['n'].max()} test tracks (%)"
    ax.set(xlabel=label, xlim=(left, right), ylim=(y + 0.8, 0.8))
    ax.legend(frameon=False, fontsize=9, loc="lower center", bbox_to_anchor=(0.3, 1), ncols=3)
    ax.grid(axis="x", color="0.9", lw=0.8)
    ax.set_axisbelow(True)
    sns.despine(ax=ax)
    return ax


def _draw_score(ax: Axes, row: Any, y: float) -> None:
    """Draw one accuracy in per cent: ours with both intervals, others with their range."""
    if not row.kind:
        face = "0.45" if row.verified else "white"
        ax.hlines(y, row.low, row.high, color="0.45", lw=1.5)
        ax.plot(row.accuracy, y, "o", color="0.45", mfc=face, ms=5)
        return
    marker, color, _ = _KINDS[row.kind]
    ax.hlines(y, 100 * row.wilson_low, 100 * row.wilson_high, color=color, lw=5, alpha=0.35)
    ax.hlines(y, row.low, row.high, color=color, lw=0.9)
    ax.plot(row.accuracy, y, marker, color=color, mec="white", mew=0.6, ms=7)


def difference_matrix(pairs: pd.DataFrame, scores: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Draw the difference of every pair of models, and which of them can be told apart.

    Parameters
    ----------
    pairs : pd.DataFrame
        As from `gtzan_lib.published.measures.test_part.pair_tests`.
    scores : pd.DataFrame
        `accuracy` by model, the most accurate first.
    ax : Axes, optional
        Axes to draw into.

    Returns
    -------
    Axes
        Differences in points, of which the upper model has the higher accuracy. Those that
        can be told apart at 5 % after Holm's correction are coloured, the others grey: below
        the diagonal with tracks as the unit, above it with artists.
    """
    number = {model: place for place, model in enumerate(scores.index)}
    points = np.full((len(number), len(number)), np.nan)
    apart = np.zeros_like(points, dtype=bool)
    for row in pairs.reset_index().itertuples():
        upper, lower = sorted((number[row.first], number[row.second]))
        points[upper, lower] = points[lower, upper] = 100 * abs(row.difference)
        apart[lower, upper] = row.p_tracks_holm < 0.05
        apart[upper, lower] = row.p_artists_holm < 0.05
    side = 0.27 * len(number)
    ax = new_axes(ax, (side + 3.4, side + 0.9))
    # The lighter part of the colour map is left out, so that white numbers can be read.
    sns.heatmap(
        np.where(apart, points, np.nan), vmin=-np.nanmax(points), vmax=np.nanmax(points),
        cmap="crest", cbar=False, square=True, linewidths=0.5, ax=ax,
    )  # fmt: skip
    ax.set_facecolor("0.94")
    for (y, x), value in np.ndenumerate(points):
        if y == x:
            ax.fill_between([x, x + 1], y, y + 1, color="0.4", lw=0)
            continue
        color, weight = ("white", "bold") if apart[y, x] else ("0.4", "normal")
        ax.text(
            x + 0.5, y + 0.52, f"{value:.0f}", ha="center", va="center", fontsize=9.5, color=color,
            fontweight=weight,
        )  # fmt: skip
    numbers = np.arange(len(number)) + 0.5
    names = [
        f"{plain_text(name)} ({100 * accuracy:.1f} %)  {place}"
        for place, (name, accuracy) in enumerate(scores["accuracy"].items(), start=1)
    ]
    ax.set_yticks(numbers, names, fontsize=10, rotation=0)
    ax.set_xticks(numbers, map(str, range(1, len(number) + 1)), fontsize=10, rotation=0)
    ax.xaxis.tick_top()
    ax.tick_params(length=0)
    # The names are on the left, and may be long.
    ax.set_anchor("E")
    ax.set_title("above the diagonal: artists as the unit", fontsize=10, loc="right")
    ax.set_xlabel("below the diagonal: tracks as the unit", fontsize=10, loc="left")
    return ax


def pairs_by_disagreement(
    pairs: pd.DataFrame, limits: pd.DataFrame, tracks: int, ax: Axes | None = None
) -> Axes:
    """Draw the difference of every pair of models against how often they disagree.

    Parameters
    ----------
    pairs : pd.DataFrame
        As from `gtzan_lib.published.measures.test_part.pair_tests`.
    limits : pd.DataFrame
        As from `gtzan_lib.published.told_apart.smallest_differences`.
    tracks : int
        Number of tested tracks.
    ax : Axes, optional
        Axes to draw into.

    Returns
    -------
    Axes
        One mark a pair, by whether McNemar's test tells it apart after Holm's correction, as
        a single test only, or not at all; and a line for each column of the limits.
    """
    ax = new_axes(ax, (7, 4.2))
    single, corrected = pairs["p_tracks"] < 0.05, pairs["p_tracks_holm"] < 0.05
    x = 100 * (pairs["only_first"] + pairs["only_second"]) / tracks
    y = 100 * pairs["difference"].abs()
    for chosen, marker, color, face, label in (
        (corrected, "o", BLUE, BLUE, "told apart over tracks, after Holm's correction"),
        (single & ~corrected, "D", YELLOW, "white", "by a single test only"),
        (~single, "x", "0.5", "0.5", "not told apart"),
    ):
        ax.plot(
            x[chosen], y[chosen], marker, color=color, mfc=face, ms=5,
            label=f"{label} ({int(chosen.sum())})",
        )  # fmt: skip
    for (label, line), style in zip(limits.items(), ("--", "-"), strict=False):
        ax.plot(100 * limits.index, 100 * line, style, color=RED, lw=1.4, label=label)
    ax.axline((0, 0), slope=1, color="0.7", lw=0.8, ls=":")
    ax.set(
        xlabel=f"share of the {tracks} tracks that exactly one of the two predicts correctly (%)",
        ylabel="difference of accuracies (points)", xlim=(0, 1.08 * x.max()),
        ylim=(-1, 1.1 * y.max() + 1),
    )  # fmt: skip
    ax.legend(frameon=False, fontsize=9, loc="lower center", bbox_to_anchor=(0.45, 1), ncols=2)
    sns.despine(ax=ax)
    return ax


def detection_power(table: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Draw the probability that a test finds a difference against how large it is.

    Parameters
    ----------
    table : pd.DataFrame
        As from `gtzan_lib.published.told_apart.power_table`.
    ax : Axes, optional
        Axes to draw into.

    Returns
    -------
    Axes
        One colour for each share of tracks on which two models disagree; solid lines are
        single tests, dashed ones are corrected for many. A line ends where the difference is
        as large as the disagreement.
    """
    ax = new_axes(ax, (7, 3.6))
    colors = dict(zip(table["disagreement"].unique(), (BLUE, RED, GREEN, YELLOW), strict=False))
    styles = dict(zip(table["test"].unique(), ("-", "--"), strict=False))
    for (share, test), rows in table.groupby(["disagreement", "test"], sort=False):
        label = f"{100 * share:.0f} % of the tracks, {test}"
        ax.plot(
            100 * rows["difference"], rows["power"], styles[test], color=colors[share], lw=1.8,
            label=label,
        )  # fmt: skip
    ax.axhline(0.8, color="0.6", lw=0.8, ls=":")
    ax.set(
        xlabel="true difference of accuracies (points)", ylabel="probability to find it",
        ylim=(0, 1.02), xlim=(0, None), xticks=range(0, 21, 5),
    )  # fmt: skip
    ax.legend(
        frameon=False, fontsize=9, title="disagreement, test", title_fontsize=9,
        loc="center left", bbox_to_anchor=(1, 0.5),
    )  # fmt: skip
    sns.despine(ax=ax)
    return ax


def artist_curves(
    curves: pd.DataFrame, beyond: pd.DataFrame, *, chance: Mapping[str, float] | None = None
) -> Figure:
    """Draw learning curves over the number of training artists, and where two laws lead.

    Parameters
    ----------
    curves : pd.DataFrame
        As from `gtzan_lib.published.curves.curve_table`, of one choice.
    beyond : pd.DataFrame
        As from `gtzan_lib.published.curves.extrapolations`.
    chance : mapping of str to float, optional
        By part, the score of always naming the most frequent genre; a dashed grey line.

    Returns
    -------
    Figure
        One panel for each part that was scored. Lines with filled marks are measured, with
        95 % intervals; on the grey ground, hollow marks with intervals are a power law, and
        dotted lines without them a straight line, which may leave the figure.
    """
    parts = curves["part"].unique()
    figure, axes = plt.subplots(
        1, len(parts), figsize=(1 + 3.4 * len(parts), 4.4), sharey=True, squeeze=False,
        layout="constrained",
    )  # fmt: skip
    looks = _model_looks(curves.index)
    for ax, part in zip(axes.flat, parts, strict=True):
        shown = [name for name in looks if (curves.loc[[name], "part"] == part).any()]
        for number, name in enumerate(shown):
            color, marker = looks[name]
            # Marks of several models stand beside each other.
            shift = 1.035 ** (number - (len(shown) - 1) / 2)
            rows = curves[(curves.index == name) & (curves["part"] == part)]
            x = shift * rows["artists"].to_numpy()
            ax.vlines(x, 100 * rows["low"], 100 * rows["high"], color=color, lw=3, alpha=0.3)
            ax.plot(x, 100 * rows["accuracy"], f"{marker}-", color=color, ms=6, label=name)
            laws = beyond[(beyond.index == name) & (beyond["part"] == part)]
            for law, style in (("power law", f"{marker}--"), ("straight line", ":")):
                then = laws[laws["law"] == law]
                line = [x[-1], *(shift * then["artists"])]
                ax.plot(
                    line, 100 * np.array([rows["accuracy"].iloc[-1], *then["accuracy"]]), style,
                    color=color, mfc="white", ms=6, lw=1.2, markevery=range(1, len(line)),
                )  # fmt: skip
                if law == "power law":
                    ends = 100 * then["low"], 100 * then["high"]
                    ax.vlines(line[1:], *ends, color=color, lw=1)
        of_part = curves[curves["part"] == part]
        first, last = of_part["artists"].min(), of_part["artists"].max()
        end = beyond.loc[beyond["part"] == part, "artists"].max()
        ax.axvspan(1.2 * last, 1.25 * end, color="0.94", zorder=0)
        ax.text(1.23 * end, 1.5, "extrapolated", ha="right", fontsize=9, color="0.35")
        if chance is not None and part in chance:
            ax.axhline(100 * chance[part], color="0.5", ls="--", lw=1, label="most frequent genre")
        ticks = of_part.groupby("share")["artists"].mean().round().astype(int).tolist()
        ticks += beyond.loc[beyond["part"] == part, "artists"].round().astype(int).tolist()
        ax.set(xscale="log", ylim=(0, 100), xlim=(first / 1.2, 1.25 * end))
        ax.set_title(f"scored: {part}")
        ax.set_xticks(sorted(set(ticks)), map(str, sorted(set(ticks))))
        ax.minorticks_off()
        ax.grid(axis="y", color="0.92")
        ax.set_axisbelow(True)
        ax.set_xlabel("training artists")
        sns.despine(ax=ax)
    axes[0, 0].set_ylabel("track accuracy (%)")
    _legend_of_panels(figure)
    return figure


def choice_gains(table: pd.DataFrame, models: Sequence[str] | None = None) -> Figure:
    """Draw what is gained if as many tracks are by more artists.

    Parameters
    ----------
    table : pd.DataFrame
        As from `gtzan_lib.published.curves.choice_table`.
    models : sequence of str, optional
        All models of the page, so that each has the same colour in all figures.

    Returns
    -------
    Figure
        One panel for each part that was scored: the differences with their 95 % intervals,
        over the number of training tracks.
    """
    parts = table["part"].unique()
    figure, axes = plt.subplots(
        1, len(parts), figsize=(1 + 3.4 * len(parts), 3.6), sharey=True, squeeze=False,
        layout="constrained",
    )  # fmt: skip
    looks = _model_looks(pd.Index(table.index if models is None else models))
    for ax, part in zip(axes.flat, parts, strict=True):
        of_part = table[table["part"] == part]
        shown = [name for name in looks if name in of_part.index]
        for number, name in enumerate(shown):
            color, marker = looks[name]
            rows = of_part.loc[[name]]
            x = rows["tracks"] * 1.045 ** (number - (len(shown) - 1) / 2)
            ax.vlines(x, 100 * rows["low"], 100 * rows["high"], color=color, lw=3, alpha=0.35)
            ax.plot(x, 100 * rows["points"], f"{marker}-", color=color, ms=6, lw=1.2, label=name)
        ax.axhline(0, color="0.3", lw=1.2, zorder=0)
        sizes = of_part.groupby("share")[["tracks", "fewer", "more"]].mean().round().astype(int)
        labels = [f"{row.tracks}\n{row.fewer} | {row.more}" for row in sizes.itertuples()]
        ax.set_title(f"scored: {part}")
        ax.set(xscale="log", xlabel="training tracks\nfewer | more artists")
        ax.set_xticks(sizes["tracks"], labels, fontsize=9)
        ax.minorticks_off()
        ax.grid(axis="y", color="0.92")
        ax.set_axisbelow(True)
        sns.despine(ax=ax)
    axes[0, 0].set_ylabel("gain of more artists (points)")
    _legend_of_panels(figure)
    return figure


def _model_looks(names: pd.Index) -> dict[str, tuple[str, str]]:
    """Return colour and marker of each model, in the order of the names."""
    looks = zip(cycle((BLUE, RED, GREEN, YELLOW)), cycle("os^DvP"), strict=False)
    return dict(zip(names.unique(), looks, strict=False))


def _legend_of_panels(figure: Figure) -> None:
    """Name what is in any panel once, above all of them."""
    entries = {
        label: handle
        for ax in figure.axes
        for handle, label in zip(*ax.get_legend_handles_labels(), strict=True)
    }
    figure.legend(
        list(entries.values()), list(map(plain_text, entries)), loc="outside upper center",
        frameon=False, ncols=3, fontsize=9,
    )  # fmt: skip
