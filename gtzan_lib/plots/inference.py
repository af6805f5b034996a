"""Figures of predictions: over time, under degradations, and what they depend on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns

from ..signal.degradations import CLEAN
from ..signal.denoise import METHODS
from .spectrograms import spectrogram
from .style import BLUE, RED, genre_colors, new_axes, palette

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from ..inference.prediction import Prediction
    from ..live.streaming import StreamPrediction
    from ..signal.recipes import Recipe

__all__ = [
    "stream_timeline",
    "denoising_gains",
    "accuracy_by_snr",
    "robustness",
    "saliency_maps",
    "timeline",
]


def timeline(prediction: Prediction, ax: Axes | None = None) -> Axes:
    """Draw what a model says about each window, and which windows decided.

    Parameters
    ----------
    prediction : Prediction
        From `Model.predict`.
    ax : Axes, optional
        Where to draw.

    Returns
    -------
    Axes
        Genres upward, seconds across, probability as colour; a triangle above
        each window without which the answer would be another.
    """
    ax = new_axes(ax, (8, 3.6))
    starts, genres = prediction.starts_s, list(prediction.genres)
    # Around its middle each is drawn half way to its neighbours', no wider than it is:
    # windows may overlap, the last by more than the others, and silent ones are missing.
    middles = starts + prediction.window_s / 2
    halves = np.minimum(np.diff(starts), prediction.window_s) / 2
    if not len(halves):
        halves = np.array([prediction.window_s / 2])
    left = middles - np.concatenate([halves[:1], halves])[: len(starts)]
    right = middles + np.concatenate([halves, halves[-1:]])[-len(starts) :]
    for begin, end, row in zip(left, right, prediction.windows, strict=True):
        image = ax.imshow(
            row[:, None], origin="lower", aspect="auto", cmap="Blues", vmin=0, vmax=1,
            extent=(begin, end, -0.5, len(genres) - 0.5),
        )  # fmt: skip
    top = len(genres) - 0.5
    decided = prediction.deciding
    ax.plot(
        middles[decided], np.full(len(decided), top + 0.35), "v", color=RED, ms=6,
        clip_on=False,
    )  # fmt: skip
    ax.set(xlabel="time (s)", xlim=(left[0], right[-1]), ylim=(-0.5, top))
    ax.set_yticks(range(len(genres)), genres)
    for label in ax.get_yticklabels():
        label.set_fontweight("bold" if label.get_text() == prediction.genre else "normal")
    share = prediction.probabilities[prediction.genre]
    ax.set_title(f"{prediction.genre}, {100 * share:.0f} %", pad=16)
    ax.figure.colorbar(image, ax=ax, label="probability")
    return ax


def saliency_maps(
    images: np.ndarray, maps: np.ndarray, recipe: Recipe, titles: Sequence[str]
) -> Figure:
    """Draw windows, and below each what the answer hangs on.

    Parameters
    ----------
    images : np.ndarray [shape=(n, height, width), dtype=uint8]
        Windows.
    maps : np.ndarray [shape=(n, height, width)]
        From `gtzan_lib.inference.saliency.saliency`.
    recipe : Recipe
        How the images were made.
    titles : sequence of str
        One a window.

    Returns
    -------
    Figure
        Spectrograms above; below, the same with what is salient lit up.
    """
    figure, axes = plt.subplots(
        2, len(images), figsize=(2.9 * len(images), 5.2), sharex=True, sharey=True,
        squeeze=False, layout="constrained",
    )  # fmt: skip
    for above, below, image, strength, title in zip(*axes, images, maps, titles, strict=True):
        spectrogram(image, recipe, above, title=title)
        # A net may look at less than two pixels in a hundred, or at none.
        strong = max(float(np.quantile(strength, 0.98)), 1e-6)
        lit = image * np.clip(strength / strong, 0.08, 1)
        spectrogram(lit, recipe, below)
        above.label_outer()
        below.label_outer()
    return figure


def stream_timeline(
    moments: Sequence[StreamPrediction], genres: Sequence[str], ax: Axes | None = None
) -> Axes:
    """Draw how the answer changed while the music played.

    Parameters
    ----------
    moments : sequence of StreamPrediction
        From `gtzan_lib.live.streaming.listen`.
    genres : sequence of str
        The model's.
    ax : Axes, optional
        Where to draw.

    Returns
    -------
    Axes
        The moving average of each genre that led at some time, and of those
        that came near.
    """
    ax = new_axes(ax, (8, 3.2))
    seconds = [moment.end_s for moment in moments]
    shares = np.array([moment.probabilities for moment in moments])
    colors = genre_colors(list(genres))
    order = np.argsort(-shares.max(axis=0))
    led = set(shares.argmax(axis=1))
    near = [n for n in order if n not in led and shares[:, n].max() >= 0.1]
    # Those that led are never left out, however many they are.
    near = set(near[: max(0, 6 - len(led))])
    shown = [n for n in order if n in led | near]
    for n in shown:
        ax.plot(seconds, 100 * shares[:, n], color=colors[genres[n]], lw=2, label=genres[n])
    ax.set(xlabel="heard so far (s)", ylabel="probability (%)", ylim=(0, 100))
    ax.legend(frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))
    sns.despine(ax=ax)
    return ax


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
    ax.hlines(place, 100 * table["low"], 100 * table["high"], color=BLUE, lw=6, alpha=0.3)
    ax.plot(100 * table["value"], place, "o", color=BLUE, ms=7)
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


def denoising_gains(table: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Draw by how much each method brings music back from each noise.

    Parameters
    ----------
    table : pd.DataFrame
        From `gtzan_lib.live.simulation.denoising_gains`.
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


def accuracy_by_snr(
    table: pd.DataFrame, levels_db: Sequence[float], ax: Axes | None = None
) -> Axes:
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
    ax.axhline(100 * table.at[CLEAN, "value"], color="0.5", lw=1, ls="--", label="no noise")
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
