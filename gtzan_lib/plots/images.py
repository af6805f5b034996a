"""Figures of spectrograms."""

from __future__ import annotations

from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
import numpy as np

from .basics import new_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from ..signal.spectrograms import Recipe
    from ..signal.store import SpectrogramStore

__all__ = ["spectrogram", "spectrogram_wall"]


def spectrogram(
    image: np.ndarray, recipe: Recipe, ax: Axes | None = None, *, title: str = ""
) -> Axes:
    """Draw one image of a store with its axes in seconds and kilohertz.

    Parameters
    ----------
    image : np.ndarray [shape=(size, size), dtype=uint8]
        Frequency by time, lowest frequency first.
    recipe : Recipe
        How it was made.
    ax : Axes, optional
        Where to draw.
    title : str
        Stands above.

    Returns
    -------
    Axes
        The axes drawn into.
    """
    ax = new_axes(ax, (4.5, 4))
    columns = recipe.width * recipe.hop / recipe.sample_rate
    edge = (columns - recipe.samples / recipe.sample_rate) / 2
    extent = (-edge, columns - edge, 0, recipe.sample_rate / 2000)
    ax.imshow(
        image, origin="lower", aspect="auto", cmap="magma", extent=extent, vmin=0, vmax=255,
        interpolation="nearest",
    )  # fmt: skip
    ax.set(xlabel="time (s)", ylabel="frequency (kHz)", title=title)
    return ax


def spectrogram_wall(store: SpectrogramStore, *, columns: int = 5) -> Figure:
    """Draw the first window of one track of every genre.

    Parameters
    ----------
    store : SpectrogramStore
        Where the images are.
    columns : int
        Images in a row.

    Returns
    -------
    Figure
        One image a genre.
    """
    first = store.windows.reset_index().groupby("genre").first()
    rows = -(-len(first) // columns)
    figure, axes = plt.subplots(
        rows, columns, figsize=(2.3 * columns, 2.3 * rows), sharex=True, sharey=True,
        squeeze=False, layout="constrained",
    )  # fmt: skip
    for ax in axes.flat[len(first) :]:
        ax.set_axis_off()
    for ax, (genre, window) in zip(axes.flat, first.iterrows(), strict=False):
        spectrogram(store.images[window["index"]], store.recipe, ax, title=genre)
        ax.label_outer()
    return figure
