"""Figures of what a model says about one piece of music."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
import numpy as np
import seaborn as sns

from .basics import genre_colors, new_axes
from .images import spectrogram

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from ..learn.inference import Prediction
    from ..live.streaming import Moment
    from ..signal.spectrograms import Recipe

__all__ = ["following", "saliency_maps", "timeline"]


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
        middles[decided], np.full(len(decided), top + 0.35), "v", color="#d1603d", ms=6,
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
        From `gtzan_lib.learn.saliency.saliency`.
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


def following(moments: Sequence[Moment], genres: Sequence[str], ax: Axes | None = None) -> Axes:
    """Draw how the answer changed while the music played.

    Parameters
    ----------
    moments : sequence of Moment
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
