"""Figures of splits, scores and comparisons."""

from __future__ import annotations

from itertools import cycle
from typing import TYPE_CHECKING, Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from scipy.stats import binom
from sklearn.metrics import auc, roc_curve

from ..stats import exact_mcnemar, resampled_means
from .style import BLUE, RED, genre_colors, new_axes, plain_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from ..data.splits import DataSplit
    from ..evaluation.evaluation import Evaluation

__all__ = [
    "bootstrap_draws",
    "calibration",
    "confusion_matrices",
    "confusion_matrix",
    "mcnemar",
    "precision_recall_f1",
    "recall",
    "roc_curves",
    "scores_by_genre",
    "split_counts",
]


# Label, marker, its size and its shift by the column of `Evaluation.per_genre`.
_SCORES = {
    "precision": ("precision", "s", 6, 0.2),
    "recall": ("recall", "o", 7, 0),
    "f1": ("F1", "D", 5.5, -0.2),
}

# Styles of lines, so that neighbouring curves differ in more than their colour.
_LINES = ("-", "--", "-.", (0, (1, 1)), (0, (5, 1, 1, 1, 1, 1)))


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


def precision_recall_f1(
    evaluation: Evaluation, ax: Axes | None = None, *, unit: str = "track"
) -> Axes:
    """Draw precision, recall and F1 of each genre, and their means over the genres.

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
        One row a genre, by F1, the highest at the top, above a row of means. The bar is
        Wilson's 95 % interval of the recall of tracks; windows of a track depend on each
        other and have none. A genre that is never predicted has no precision.
    """
    table = evaluation.per_genre(unit).sort_values("f1")
    tested = table[table["n"] > 0]
    ax = new_axes(ax, (5, 1.5 + 0.34 * (len(tested) + 1)))
    colors = genre_colors(sorted(tested.index))
    for y, (genre, row) in enumerate(tested.iterrows(), start=1):
        if unit == "track":
            ax.plot([row["low"], row["high"]], [y, y], color=colors[genre], lw=4, alpha=0.35)
        for name, (_, marker, size, shift) in _SCORES.items():
            ax.plot(
                row[name], y + shift, marker, color=colors[genre], ms=size, mec="black", mew=0.5
            )
    means = {**tested[["precision", "recall"]].fillna(0).mean(), "f1": evaluation.macro_f1(unit)}
    for name, (label, marker, size, shift) in _SCORES.items():
        ax.plot(
            means[name], shift, marker, color="0.35", ms=size, mec="black", mew=0.5, label=label
        )
    names = [f"{plain_text(genre)} ({int(n)})" for genre, n in tested["n"].items()]
    ax.set_yticks(range(len(tested) + 1), ["mean of the genres", *names])
    ax.axhline(0.5, color="0.7", lw=0.8)
    ax.grid(axis="y", color="0.9")
    ax.set_axisbelow(True)
    ax.set(xlim=(-0.03, 1.03), xlabel=f"score by {unit}, {evaluation.scored_part}")
    ax.legend(frameon=False, loc="lower center", bbox_to_anchor=(0.5, 1), ncols=3)
    sns.despine(ax=ax)
    return ax


def roc_curves(evaluation: Evaluation, ax: Axes | None = None, *, unit: str = "window") -> Axes:
    """Draw the ROC curve of each genre against all others, and their mean.

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
        True positive rate against false positive rate for every threshold of the
        probability, with the area under each curve. Genres without scored tracks have
        no curve. The mean curve has the mean true positive rate at each false positive
        rate.
    """
    table = evaluation.tracks if unit == "track" else evaluation.windows
    true = table["genre"].to_numpy()
    tested = [genre for genre in evaluation.genres if 0 < (true == genre).sum() < len(true)]
    ax = new_axes(ax, (4.8, 5 + 0.2 * -(-(len(tested) + 2) // 2)))
    colors, styles = genre_colors(tested), cycle(_LINES)
    grid = np.linspace(0, 1, 201)
    rates = []
    for genre in tested:
        false_positive, true_positive, _ = roc_curve(true == genre, table[genre])
        area = auc(false_positive, true_positive)
        ax.plot(
            false_positive, true_positive, color=colors[genre], ls=next(styles), lw=1.5,
            label=f"{plain_text(genre)} ({area:.2f})",
        )  # fmt: skip
        rates.append((np.interp(grid, false_positive, true_positive), area))
    if rates:
        mean, area = (np.mean(values, axis=0) for values in zip(*rates, strict=True))
        label = f"mean of the genres ({area:.2f})"
        ax.plot([0, *grid], [0, *mean], color="black", lw=2.5, label=label)
    ax.plot([0, 1], [0, 1], color="0.5", lw=1, ls=":", label="chance (0.50)")
    ax.set(
        xlim=(-0.01, 1.01), ylim=(-0.01, 1.01), aspect="equal", xlabel="false positive rate",
        ylabel="true positive rate", title=f"{unit}s, {evaluation.scored_part}",
    )  # fmt: skip
    ax.legend(frameon=False, fontsize=8, loc="upper center", bbox_to_anchor=(0.5, -0.13), ncols=2)
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


def mcnemar(first: pd.DataFrame, second: pd.DataFrame) -> Figure:
    """Draw McNemar's exact test of two models.

    Parameters
    ----------
    first, second : pd.DataFrame
        Predictions with `genre` and `predicted` by `track_id`, as for
        `gtzan_lib.evaluation.comparison.mcnemar`.

    Returns
    -------
    Figure
        On the left the number of tracks that each of the models predicts correctly or
        not, on the right the distribution of the number that only the first predicts
        correctly, if both are equally good; the p-value is the sum of the hatched bars.
    """
    both = first.index.intersection(second.index)
    right = [table.loc[both, "genre"] == table.loc[both, "predicted"] for table in (first, second)]
    names = pd.Categorical.from_codes
    labels = [names((~model).astype(int), ["correct", "wrong"]) for model in right]
    counts = pd.crosstab(*labels, dropna=False)
    only_first, only_second = int(counts.iloc[0, 1]), int(counts.iloc[1, 0])
    differ = only_first + only_second
    number = np.arange(differ + 1)
    chances = binom.pmf(number, differ, 0.5)
    # As the test counts them: those that are at least as far from the middle.
    extreme = abs(2 * number - differ) >= abs(only_first - only_second)
    figure, axes = plt.subplots(1, 2, figsize=(9, 3.4), width_ratios=(1, 2), layout="constrained")
    sns.heatmap(
        counts, annot=True, fmt="d", cmap="Blues", cbar=False, square=True, linewidths=1,
        ax=axes[0],
    )  # fmt: skip
    axes[0].set(title="number of tracks", xlabel="second model", ylabel="first model")
    p_value = exact_mcnemar(only_first, only_second)
    axes[1].bar(number[~extreme], chances[~extreme], color="0.75")
    axes[1].bar(
        number[extreme], chances[extreme], color=RED, hatch="///", edgecolor="black", lw=0,
        label=f"at least as unequal: p = {p_value:.2g}",
    )  # fmt: skip
    measured = f"measured: {only_first} of {differ}"
    axes[1].axvline(only_first, color=BLUE, ls="--", label=measured)
    reach = 3 + max(abs(only_first - differ / 2), 1.5 * differ**0.5)
    axes[1].set(
        xlim=(differ / 2 - reach, differ / 2 + reach), ylim=(0, 1.4 * chances.max()),
        xlabel="tracks that only the first predicts correctly",
        ylabel="probability if equally good",
    )  # fmt: skip
    axes[1].legend(frameon=False, loc="upper left")
    sns.despine(ax=axes[1])
    return figure


def bootstrap_draws(
    correct: np.ndarray, groups: Mapping[str, np.ndarray], *, resamples: int = 2000, seed: int = 0
) -> Figure:
    """Draw the accuracies of bootstrap samples for several ways to group predictions.

    Parameters
    ----------
    correct : np.ndarray [shape=(n,), dtype=bool]
        Whether each prediction is correct.
    groups : mapping of str to np.ndarray [shape=(n,)]
        The group of each prediction, by what is drawn: `windows`, `tracks` or `artists`.
    resamples : int
        Number of bootstrap samples.
    seed : int
        Random seed of the bootstrap.

    Returns
    -------
    Figure
        One histogram a grouping, on a common axis; dashed lines are the ends of the 95 %
        interval.
    """
    values = 100 * np.asarray(correct, dtype=float)[:, None]
    drawn = {
        name: resampled_means(values, group, resamples=resamples, seed=seed)[:, 0]
        for name, group in groups.items()
    }
    figure, axes = plt.subplots(
        len(drawn), 1, figsize=(7, 0.5 + 1.4 * len(drawn)), sharex=True, squeeze=False,
        layout="constrained",
    )  # fmt: skip
    lowest = min(means.min() for means in drawn.values())
    highest = max(means.max() for means in drawn.values())
    bins = np.linspace(lowest, max(highest, lowest + 1), 50)
    for ax, (name, means) in zip(axes.flat, drawn.items(), strict=True):
        ax.hist(means, bins, color=BLUE, edgecolor="white", lw=0.3)
        low, high = np.percentile(means, [2.5, 97.5])
        ax.vlines([low, high], *ax.get_ylim(), color="0.2", ls="--", lw=1)
        number = len(np.unique(np.asarray(groups[name], dtype=str)))
        label = f"{number} {plain_text(name)} drawn:\n{high - low:.1f} points wide"
        ax.text(0.01, 0.95, label, transform=ax.transAxes, va="top")
        ax.set_yticks([])
        sns.despine(ax=ax, left=True)
    axes[-1, 0].set_xlabel("accuracy of a sample (%)")
    return figure


def scores_by_genre(table: pd.DataFrame) -> Figure:
    """Draw precision, recall and F1 of the genres by several models.

    Parameters
    ----------
    table : pd.DataFrame
        As from `gtzan_lib.published.nets.genre_scores`.

    Returns
    -------
    Figure
        One heat map a score, in per cent, with genres in rows and models in columns, in the
        order of the table; the number of tracks is in brackets. A genre that a model never
        predicts has no precision, and its cell is empty.
    """
    models = table["net"].unique()
    genres = table.drop_duplicates("genre").set_index("genre")["n"]
    figure, axes = plt.subplots(
        1, len(_SCORES), sharey=True, layout="constrained",
        figsize=(1.6 + len(_SCORES) * (0.5 + 0.42 * len(models)), 1.6 + 0.32 * len(genres)),
    )  # fmt: skip
    labels = [f"{plain_text(genre)} ({n})" for genre, n in genres.items()]
    for ax, (score, (label, *_)) in zip(axes, _SCORES.items(), strict=True):
        values = 100 * table.pivot(index="genre", columns="net", values=score)
        sns.heatmap(
            values.loc[genres.index, models], vmin=0, vmax=100, cmap="crest", cbar=False, ax=ax,
            annot=True, fmt=".0f", annot_kws={"size": 8}, linewidths=0.5, yticklabels=labels,
            xticklabels=list(map(plain_text, models)),
        )  # fmt: skip
        ax.set(xlabel="", ylabel="", title=f"{label} (%)")
        ax.tick_params(axis="x", rotation=90, length=0)
        ax.tick_params(axis="y", rotation=0, length=0)
    return figure
