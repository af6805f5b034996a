"""Figures of splits, training, scores and comparisons."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns

from .style import BLUE, RED, genre_colors, new_axes, palette, plain_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from ..data.splits import DataSplit
    from ..evaluation.evaluation import Evaluation
    from ..training.classifier import NetClassifier

__all__ = [
    "accuracy_by_cost",
    "aggregations",
    "calibration",
    "confusion_matrices",
    "confusion_matrix",
    "leaderboard",
    "learning_curve",
    "recall",
    "representations",
    "split_counts",
    "training_history",
]

_PARTS = {"train": ("training", BLUE), "valid": ("validation", RED)}
"""Label and colour by the prefix of a column of `NetClassifier.history_`."""


def split_counts(split: DataSplit, ax: Axes | None = None, *, fold: int = 0) -> Axes:
    """Draw the number of tracks of each genre in each part of a split.

    Parameters
    ----------
    split : DataSplit
        The split.
    ax : Axes, optional
        Axes to draw into.
    fold : int
        Number of the fold.

    Returns
    -------
    Axes
        A table of counts.
    """
    counts = split.parts(fold).rename(index=plain_text)
    ax = new_axes(ax, (3.6, 0.32 * len(counts) + 1))
    sns.heatmap(counts, annot=True, fmt="d", cmap="crest", cbar=False, linewidths=1, ax=ax)
    ax.set(xlabel="", ylabel="", title=f"tracks by part, split by {split.protocol}")
    ax.tick_params(length=0)
    return ax


def training_history(estimator: NetClassifier) -> Figure:
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
    for ax, quantity in zip(axes, ("loss", "accuracy"), strict=True):
        for part, (label, color) in _PARTS.items():
            column = f"{part}_{quantity}"
            if column in table:
                ax.plot(table["epoch"], table[column], color=color, label=label, marker=".")
        ax.set(xlabel="epoch", ylabel=f"window {quantity}", ylim=(0, None))
        ax.legend(frameon=False)
        sns.despine(ax=ax)
    axes[1].set_ylim(0, 1.02)
    return figure


def _confusion_heatmap(counts: pd.DataFrame, ax: Axes, **options: Any) -> None:
    """Draw counts by true (rows) and predicted genre (columns) as shares of the true genre."""
    shares = counts.div(counts.sum(axis=1).clip(lower=1), axis=0)
    sns.heatmap(
        shares, cmap="rocket_r", vmin=0, vmax=1, square=True, linewidths=0.5, ax=ax, **options
    )
    ax.tick_params(length=0)


def confusion_matrix(
    evaluation: Evaluation, ax: Axes | None = None, *, unit: str = "track"
) -> Axes:
    """Draw the confusion matrix of an evaluation.

    Parameters
    ----------
    evaluation : Evaluation
        The predictions.
    ax : Axes, optional
        Axes to draw into.
    unit : {"track", "window"}
        What is counted.

    Returns
    -------
    Axes
        True genres in rows, predicted genres in columns; numbers are counts,
        colours shares of the true genre.
    """
    counts = evaluation.confusion_matrix(unit).rename(index=plain_text, columns=plain_text)
    ax = new_axes(ax, (5.6, 4.9))
    labels = counts.astype(str).where(counts > 0, "")
    bar = {"label": f"share of the true genre's {unit}s", "shrink": 0.8}
    _confusion_heatmap(counts, ax, annot=labels, fmt="", cbar_kws=bar)
    ax.set(xlabel="predicted genre", ylabel="true genre", title=evaluation.scored_part)
    return ax


def confusion_matrices(answers: dict[str, pd.DataFrame], *, columns: int = 3) -> Figure:
    """Draw the confusion matrices of several models.

    Parameters
    ----------
    answers : dict of str to pd.DataFrame
        Predictions, tables with `genre` and `predicted`, by model.
    columns : int
        Models in a row.

    Returns
    -------
    Figure
        True genres in rows, predicted genres in columns, as shares of the true
        genre; each title has the accuracy.
    """
    columns = min(columns, len(answers))
    rows = -(-len(answers) // columns)
    genres = sorted(
        set().union(*(table[name] for table in answers.values() for name in ("genre", "predicted")))
    )
    labels = list(map(plain_text, genres))
    figure, axes = plt.subplots(
        rows, columns, figsize=(1.2 + 2.9 * columns, 0.6 + 2.8 * rows), sharex=True, sharey=True,
        squeeze=False, layout="constrained",
    )  # fmt: skip
    for ax in axes.flat[len(answers) :]:
        ax.set_axis_off()
    for ax, (name, table) in zip(axes.flat, answers.items(), strict=False):
        counts = pd.crosstab(table["genre"], table["predicted"])
        counts = counts.reindex(index=genres, columns=genres, fill_value=0)
        _confusion_heatmap(counts, ax, cbar=False, xticklabels=labels, yticklabels=labels)
        accuracy = (table["genre"] == table["predicted"]).mean()
        ax.set_title(f"{plain_text(name)}\n{100 * accuracy:.0f} % of {len(table)}", fontsize=9)
        ax.set(xlabel="", ylabel="")
        ax.tick_params(labelsize=7)
        ax.label_outer()
    figure.supxlabel("predicted genre", fontsize=9)
    figure.supylabel("true genre", fontsize=9)
    return figure


def recall(evaluation: Evaluation, ax: Axes | None = None) -> Axes:
    """Draw the recall of each genre: the share of its tracks that is predicted correctly.

    Parameters
    ----------
    evaluation : Evaluation
        The predictions.
    ax : Axes, optional
        Axes to draw into.

    Returns
    -------
    Axes
        One dot a genre, with Wilson's 95 % interval.
    """
    table = evaluation.per_genre().sort_values("recall")
    ax = new_axes(ax, (6, 3.8))
    colors = genre_colors(sorted(table.index))
    for y, (genre, row) in enumerate(table.iterrows()):
        ax.plot([row["low"], row["high"]], [y, y], color=colors[genre], lw=2.5)
        ax.plot(row["recall"], y, "o", color=colors[genre], ms=8)
    names = [f"{plain_text(genre)} ({int(n)})" for genre, n in table["n"].items()]
    ax.set_yticks(range(len(table)), names)
    label = "baseline: most frequent genre"
    ax.axvline(evaluation.baseline, color="0.4", lw=1, ls="--", label=label)
    ax.set(xlim=(-0.02, 1.02), xlabel=f"track recall, {evaluation.scored_part} (95 % interval)")
    ax.legend(frameon=False, loc="lower right", bbox_to_anchor=(1, 1))
    sns.despine(ax=ax)
    return ax


def calibration(evaluation: Evaluation, ax: Axes | None = None, *, unit: str = "window") -> Axes:
    """Draw accuracy against confidence, the probability of the predicted genre.

    Parameters
    ----------
    evaluation : Evaluation
        The predictions.
    ax : Axes, optional
        Axes to draw into.
    unit : {"track", "window"}
        What is counted.

    Returns
    -------
    Axes
        One dot a bin of confidence, with Wilson's interval; its size grows with
        the number of predictions.
    """
    table = evaluation.calibration(unit=unit)
    ax = new_axes(ax, (4.4, 4))
    ax.plot([0, 1], [0, 1], color="0.6", lw=1, ls="--", label="perfect calibration")
    ax.vlines(table["confidence"], table["low"], table["high"], color=BLUE, lw=3, alpha=0.3)
    size = 20 + 180 * table["n"] / table["n"].max()
    ax.scatter(table["confidence"], table["accuracy"], s=size, color=BLUE, label=f"{unit}s")
    error = evaluation.calibration_error(unit)
    ax.set(
        xlim=(0, 1.03), ylim=(0, 1.03), xlabel="confidence", ylabel="accuracy",
        title=f"calibration error {100 * error:.1f} percentage points\n{evaluation.scored_part}",
    )  # fmt: skip
    ax.legend(frameon=False, loc="upper left")
    sns.despine(ax=ax)
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


def leaderboard(table: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Draw a leaderboard with its intervals.

    Parameters
    ----------
    table : pd.DataFrame
        As from `gtzan_lib.evaluation.records.leaderboard`.
    ax : Axes, optional
        Axes to draw into.

    Returns
    -------
    Axes
        One line an experiment: tracks with their 95 % interval, and windows.
    """
    ax = new_axes(ax, (7, 0.9 + 0.36 * len(table)))
    y = np.arange(len(table))[::-1]
    ax.hlines(y, 100 * table["low"], 100 * table["high"], color=BLUE, lw=5, alpha=0.3)
    ax.plot(100 * table["accuracy"], y, "o", color=BLUE, ms=7, label="tracks (95 % interval)")
    ax.plot(100 * table["window_accuracy"], y, "|", color=RED, ms=11, mew=2, label="windows")
    parts = [
        f"{protocol}, {part}" if protocol == "official" else protocol
        for protocol, part in zip(table["protocol"], table["part"], strict=True)
    ]
    names = [f"{plain_text(name)}  ({part})" for name, part in zip(table.index, parts, strict=True)]
    ax.set_yticks(y, names)
    ax.set(xlabel="accuracy (%)", xlim=(0, 100), ylim=(-0.6, len(table) - 0.4))
    ax.legend(frameon=False, loc="lower center", bbox_to_anchor=(0.5, 1), ncols=2)
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
    table = table.dropna(subset=of).sort_values(of)
    ax = new_axes(ax, (5.4, 3.8))
    for color, (name, row) in zip(palette(len(table)), table.iterrows(), strict=False):
        ax.plot([row[of]] * 2, [100 * row["low"], 100 * row["high"]], color=color, lw=4, alpha=0.3)
        ax.plot(row[of], 100 * row["accuracy"], "o", color=color, ms=8, label=plain_text(name))
    ax.set(xscale="log", xlabel=label, ylabel="track accuracy (%)", ylim=(0, 100))
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
