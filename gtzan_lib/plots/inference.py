"""Figures of predictions: over time, under degradations, and their saliency."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns

from ..signal.degradations import CLEAN
from ..signal.denoise import METHODS
from .spectrograms import spectrogram
from .style import BLUE, RED, genre_colors, genre_markers, new_axes, palette, plain_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from ..inference.prediction import Prediction
    from ..signal.recipes import Recipe

__all__ = [
    "accuracy_by_snr",
    "denoising_gains",
    "robustness",
    "saliency_maps",
    "stream_timeline",
    "timeline",
]


class _StreamPrediction(Protocol):
    """What `stream_timeline` reads of a prediction."""

    @property
    def end_s(self) -> float: ...
    @property
    def probabilities(self) -> np.ndarray: ...


def timeline(prediction: Prediction, ax: Axes | None = None) -> Axes:
    """Draw the probabilities of each window, and mark the decisive windows.

    Parameters
    ----------
    prediction : Prediction
        From `Model.predict`.
    ax : Axes, optional
        Axes to draw into.

    Returns
    -------
    Axes
        Time across, genres upward, probability as colour; a triangle above each
        window of `Prediction.decisive_windows`.
    """
    ax = new_axes(ax, (8, 3.6))
    starts, genres = prediction.starts_s, list(prediction.genres)
    # A window is drawn around its middle, half way to its neighbours' and no wider than
    # it is: windows may overlap, the last by more than the others, and silent ones are missing.
    middles = starts + prediction.window_s / 2
    widths = np.minimum(np.diff(starts), prediction.window_s) / 2
    if not len(widths):
        widths = np.array([prediction.window_s / 2])
    left = middles - np.concatenate([widths[:1], widths])[: len(starts)]
    right = middles + np.concatenate([widths, widths[-1:]])[-len(starts) :]
    for begin, end, probabilities in zip(left, right, prediction.windows, strict=True):
        image = ax.imshow(
            probabilities[:, None], origin="lower", aspect="auto", cmap="Blues", vmin=0, vmax=1,
            extent=(begin, end, -0.5, len(genres) - 0.5),
        )  # fmt: skip
    top = len(genres) - 0.5
    decisive = middles[prediction.decisive_windows]
    ax.plot(decisive, np.full(len(decisive), top + 0.35), "v", color=RED, ms=6, clip_on=False)
    ax.set(xlabel="time (s)", xlim=(left[0], right[-1]), ylim=(-0.5, top))
    ax.set_yticks(range(len(genres)), map(plain_text, genres))
    for genre, label in zip(genres, ax.get_yticklabels(), strict=True):
        label.set_fontweight("bold" if genre == prediction.genre else "normal")
    probability = prediction.probabilities[prediction.genre]
    ax.set_title(f"{plain_text(prediction.genre)}, {100 * probability:.0f} %", pad=16)
    ax.figure.colorbar(image, ax=ax, label="probability")
    return ax


def saliency_maps(
    images: np.ndarray, maps: np.ndarray, recipe: Recipe, titles: Sequence[str]
) -> Figure:
    """Draw windows, and below each its saliency map.

    Parameters
    ----------
    images : np.ndarray [shape=(n, height, width), dtype=uint8]
        Windows.
    maps : np.ndarray [shape=(n, height, width)]
        From `gtzan_lib.inference.saliency.saliency`.
    recipe : Recipe
        Recipe of the images.
    titles : sequence of str
        One a window.

    Returns
    -------
    Figure
        Spectrograms above; below, the same with all but the salient parts
        darkened.
    """
    figure, axes = plt.subplots(
        2, len(images), figsize=(2.9 * len(images), 5.2), sharex=True, sharey=True,
        squeeze=False, layout="constrained",
    )  # fmt: skip
    for above, below, image, saliency, title in zip(*axes, images, maps, titles, strict=True):
        spectrogram(image, recipe, above, title=title)
        # Fewer than 2 % of the pixels may be salient, or none.
        strong = max(float(np.quantile(saliency, 0.98)), 1e-6)
        darkened = image * np.clip(saliency / strong, 0.08, 1)
        spectrogram(darkened, recipe, below)
        above.label_outer()
        below.label_outer()
    return figure


def stream_timeline(
    predictions: Sequence[_StreamPrediction], genres: Sequence[str], ax: Axes | None = None
) -> Axes:
    """Draw the probabilities of a stream's genres over time.

    Parameters
    ----------
    predictions : sequence of StreamPrediction, from gtzan_lib.live.listen
        Each with `end_s`, the end of its window in seconds, and `probabilities`,
        the moving average by genre.
    genres : sequence of str
        The model's.
    ax : Axes, optional
        Axes to draw into.

    Returns
    -------
    Axes
        One line for each genre that was the most probable at some time, and for
        those that reached 10 %, up to six lines in all.
    """
    ax = new_axes(ax, (8, 3.2))
    seconds = [prediction.end_s for prediction in predictions]
    probabilities = np.array([prediction.probabilities for prediction in predictions])
    highest = probabilities.max(axis=0)
    colors, markers = genre_colors(list(genres)), genre_markers(list(genres))
    order = np.argsort(-highest)
    # Genres that led are all drawn, even if they are more than six.
    led = set(probabilities.argmax(axis=1))
    others = [n for n in order if n not in led and highest[n] >= 0.1]
    drawn = led | set(others[: max(0, 6 - len(led))])
    for n in order:
        if n in drawn:
            genre, line = genres[n], 100 * probabilities[:, n]
            color, marker = colors[genre], markers[genre]
            ax.plot(seconds, line, color=color, marker=marker, ms=5, label=plain_text(genre))
    ax.set(xlabel="time (s)", ylabel="probability (%)", ylim=(0, 100))
    ax.legend(frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))
    sns.despine(ax=ax)
    return ax


def _method_color(method: str) -> tuple[float, float, float]:
    """Return a method's colour, the same in every figure; grey without denoising."""
    colors = dict(zip(METHODS, palette(len(METHODS)), strict=True))
    return colors.get(method, (0.4, 0.4, 0.4))


def robustness(table: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Draw track accuracy under each condition.

    Parameters
    ----------
    table : pd.DataFrame
        `RobustnessTest.table`.
    ax : Axes, optional
        Axes to draw into.

    Returns
    -------
    Axes
        One line a condition, with its 95 % interval; at the right the paired
        difference from the first condition, with its interval.
    """
    ax = new_axes(ax, (7.5, 1 + 0.4 * len(table)))
    places = np.arange(len(table))[::-1]
    ax.axvline(100 * table["value"].iloc[0], color="0.8", lw=1, zorder=0)
    ax.hlines(places, 100 * table["low"], 100 * table["high"], color=BLUE, lw=6, alpha=0.3)
    ax.plot(100 * table["value"], places, "o", color=BLUE, ms=7)
    ax.set_yticks(places, table.index)
    for y, row in zip(places[1:], table.iloc[1:].itertuples(), strict=True):
        difference = (
            f"{100 * row.difference:+z.0f}  ({100 * row.difference_low:+z.0f} to "
            f"{100 * row.difference_high:+z.0f})"
        )
        ax.text(1.02, y, difference, transform=ax.get_yaxis_transform(), va="center", fontsize=9)
    ax.text(1.02, 1.02, "difference (points)", transform=ax.transAxes, fontsize=9, va="bottom")
    ax.set(xlabel="track accuracy (%), 95 % interval", xlim=(0, 100))
    ax.set_ylim(-0.6, len(table) - 0.4)
    sns.despine(ax=ax)
    return ax


def denoising_gains(table: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Draw the gain of each denoising method for each noise type.

    Parameters
    ----------
    table : pd.DataFrame
        From `gtzan_lib.live.denoising_gains`.
    ax : Axes, optional
        Axes to draw into.

    Returns
    -------
    Axes
        A box from quartile to quartile with the median, for each noise type and
        method; below zero, denoising makes the sound worse.
    """
    ax = new_axes(ax, (7.5, 3.8))
    methods = list(dict.fromkeys(table["method"]))
    sns.boxplot(
        table, x="noise", y="gain_db", hue="method", hue_order=methods, ax=ax, fliersize=2,
        palette=[_method_color(method) for method in methods], linewidth=0.9, saturation=1,
        boxprops={"alpha": 0.6}, medianprops={"color": "k", "lw": 1.8},
    )  # fmt: skip
    ax.axhline(0, color="0.3", lw=1)
    ax.set(xlabel="noise type", ylabel="gain in SI-SDR (dB)")
    ax.legend(frameon=False, title=None, loc="center left", bbox_to_anchor=(1, 0.5))
    sns.despine(ax=ax)
    return ax


def accuracy_by_snr(table: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Draw track accuracy against the signal-to-noise ratio, for each denoising method.

    Parameters
    ----------
    table : pd.DataFrame
        `RobustnessTest.table` of noisy rooms, with a row
        `gtzan_lib.signal.degradations.CLEAN`. Columns: `value`, `low`, `high`,
        `snr_db` (NaN where the condition is no noisy room) and `method` ("" where
        the noise is left in).
    ax : Axes, optional
        Axes to draw into.

    Returns
    -------
    Axes
        One line a method, with 95 % intervals; dashed, the accuracy without noise.
    """
    ax = new_axes(ax, (7.5, 3.8))
    noisy = table.dropna(subset="snr_db")
    place = {snr: x for x, snr in enumerate(sorted(noisy["snr_db"].unique(), reverse=True))}
    ax.axhline(100 * table.at[CLEAN, "value"], color="0.5", lw=1, ls="--", label=CLEAN)
    methods = list(dict.fromkeys(noisy["method"]))
    for number, method in enumerate(methods):
        rows = noisy[noisy["method"] == method].sort_values("snr_db", ascending=False)
        # Side by side, so that intervals do not hide each other.
        x = rows["snr_db"].map(place) + 0.08 * (number - (len(methods) - 1) / 2)
        label, color = method or "no denoising", _method_color(method)
        ax.vlines(x, 100 * rows["low"], 100 * rows["high"], color=color, lw=4, alpha=0.3)
        ax.plot(x, 100 * rows["value"], "o-", color=color, ms=5, lw=1.5, label=label)
    ax.set_xticks(list(place.values()), [f"{snr:g}" for snr in place])
    ax.set(xlabel="signal-to-noise ratio (dB)", ylabel="track accuracy (%)", ylim=(0, 100))
    ax.legend(frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))
    sns.despine(ax=ax)
    return ax
