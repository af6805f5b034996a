"""Figures of spectrograms."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
import numpy as np

from ..errors import StoreError
from ..files import atomic_path, file_stem
from ..signal.spectrograms import spectrograms
from .style import new_axes, plain_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from ..data.corpus import Corpus
    from ..signal.recipes import Recipe
    from ..signal.store import SpectrogramStore

__all__ = [
    "export_views",
    "recipe_gallery",
    "spectrogram",
    "spectrogram_gallery",
    "track_spectrograms",
]


def spectrogram(
    image: np.ndarray, recipe: Recipe, ax: Axes | None = None, *, title: str = ""
) -> Axes:
    """Draw one image of a store with its axes in seconds and kilohertz.

    Parameters
    ----------
    image : np.ndarray [shape=(height, width), dtype=uint8]
        Frequency by time, lowest frequency first.
    recipe : Recipe
        Recipe of the image.
    ax : Axes, optional
        Axes to draw into.
    title : str
        Title of the axes.

    Returns
    -------
    Axes
        The axes with the image.
    """
    ax = new_axes(ax, (4.5, 4))
    # Columns without frames lie half before the window and half after it.
    frames = 1 + recipe.samples // recipe.hop_length
    edge = max(0, recipe.columns - frames) / 2 * recipe.hop_length / recipe.sample_rate
    top = recipe.n_mels or recipe.sample_rate / 2000
    left, right, bottom = -edge, recipe.seconds + edge, 0.0
    if recipe.rotated:
        left, right, bottom, top = right, left, top, bottom
    extent = (left, right, bottom, top)
    ax.imshow(
        image, origin="lower", aspect="auto", cmap="magma", extent=extent, vmin=0, vmax=255,
        interpolation="nearest",
    )  # fmt: skip
    ylabel = "mel band" if recipe.n_mels else "frequency (kHz)"
    ax.set(xlabel="time (s)", ylabel=ylabel, title=plain_text(title))
    return ax


def track_spectrograms(store: SpectrogramStore, track_id: str, *, columns: int = 5) -> Figure:
    """Draw all windows of one track.

    Parameters
    ----------
    store : SpectrogramStore
        The images.
    track_id : str
        Id of the track.
    columns : int
        Images in a row.

    Returns
    -------
    Figure
        One image a window; titles are start times.

    Raises
    ------
    StoreError
        If the store has no window of that track.
    """
    windows = store.windows[store.windows["track_id"] == track_id]
    if windows.empty:
        raise StoreError(
            f"{store.path}: has no window of track {track_id!r}; choose another track."
        )
    titles = [f"from {start:g} s" for start in windows["start_s"]]
    figure = _gallery(store, dict(zip(windows.index, titles, strict=True)), columns)
    figure.suptitle(plain_text(track_id))
    return figure


def export_views(store: SpectrogramStore, folder: Path) -> None:
    """Write `track_spectrograms` of every track into a folder, as `<track>.png`."""
    for track_id in store.windows["track_id"].unique():
        figure = track_spectrograms(store, track_id)
        with atomic_path(folder / f"{file_stem(track_id)}.png") as temporary:
            figure.savefig(temporary, dpi=110)
        plt.close(figure)


def spectrogram_gallery(store: SpectrogramStore, *, columns: int = 5) -> Figure:
    """Draw the first window of one track of every genre.

    Parameters
    ----------
    store : SpectrogramStore
        The images.
    columns : int
        Images in a row.

    Returns
    -------
    Figure
        One image a genre.
    """
    first = store.windows.reset_index().groupby("genre")["index"].first()
    return _gallery(store, {row: genre for genre, row in first.items()}, columns)


def _gallery(store: SpectrogramStore, titles: dict[int, str], columns: int) -> Figure:
    """Draw images of a store side by side, given their titles by row."""
    columns = min(columns, len(titles))
    rows = -(-len(titles) // columns)
    figure, axes = plt.subplots(
        rows, columns, figsize=(2.3 * columns, 2.3 * rows), sharex=True, sharey=True,
        squeeze=False, layout="constrained",
    )  # fmt: skip
    for ax in axes.flat[len(titles) :]:
        ax.set_axis_off()
    for ax, (row, title) in zip(axes.flat, titles.items(), strict=False):
        spectrogram(store.images[row], store.recipe, ax, title=title)
        ax.label_outer()
    return figure


def recipe_gallery(corpus: Corpus, track_id: str, recipes: Iterable[Recipe]) -> Figure:
    """Draw the first window of one track under several recipes.

    Parameters
    ----------
    corpus : Corpus
        The corpus of the track.
    track_id : str
        Id of the track.
    recipes : iterable of Recipe
        Recipes, whose windows are no longer than the track.

    Returns
    -------
    Figure
        One image a recipe.
    """
    recipes = list(recipes)
    figure, axes = plt.subplots(
        1, len(recipes), figsize=(3 * len(recipes), 2.9), squeeze=False, layout="constrained"
    )
    for ax, recipe in zip(axes.flat, recipes, strict=True):
        y, _ = corpus.load(track_id, sample_rate=recipe.sample_rate)
        spectrogram(spectrograms(y, recipe, np.zeros(1))[0], recipe, ax, title=recipe.name)
    return figure
