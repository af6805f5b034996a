"""Figures of spectrograms."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
import numpy as np

from ..errors import StoreError
from ..files import atomic_path
from ..signal.spectrograms import spectrograms
from .style import new_axes

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
    # Columns that frames leave empty lie before the window and behind it.
    frames = 1 + recipe.samples // recipe.hop
    edge = max(0, recipe.columns - frames) / 2 * recipe.hop / recipe.sample_rate
    top = recipe.bands or recipe.sample_rate / 2000
    left, right, bottom = -edge, recipe.seconds + edge, 0
    if recipe.turned:
        left, right, bottom, top = right, left, top, bottom
    extent = (left, right, bottom, top)
    ax.imshow(
        image, origin="lower", aspect="auto", cmap="magma", extent=extent, vmin=0, vmax=255,
        interpolation="nearest",
    )  # fmt: skip
    ylabel = "mel band" if recipe.bands else "frequency (kHz)"
    ax.set(xlabel="time (s)", ylabel=ylabel, title=title)
    return ax


def track_spectrograms(store: SpectrogramStore, track_id: str, *, columns: int = 5) -> Figure:
    """Draw all windows of one track.

    Parameters
    ----------
    store : SpectrogramStore
        Where the images are.
    track_id : str
        Which track.
    columns : int
        Images in a row.

    Returns
    -------
    Figure
        One image a window, with the second in which it begins.

    Raises
    ------
    StoreError
        If the store has no window of that track.
    """
    own = store.windows[store.windows["track_id"] == track_id]
    if own.empty:
        raise StoreError(f"{store.path}: has no window of track {track_id!r}; name another.")
    titles = [f"from {start:g} s" for start in own["start_s"]]
    figure = _wall(store, dict(zip(own.index, titles, strict=True)), columns)
    figure.suptitle(track_id)
    return figure


def export_views(store: SpectrogramStore, folder: Path) -> None:
    """Write `track_spectrograms` of every track as `<track>.png` into a folder."""
    for track_id in store.windows["track_id"].unique():
        figure = track_spectrograms(store, track_id)
        with atomic_path(folder / f"{track_id}.png") as temporary:
            figure.savefig(temporary, dpi=110)
        plt.close(figure)


def spectrogram_gallery(store: SpectrogramStore, *, columns: int = 5) -> Figure:
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
    first = store.windows.reset_index().groupby("genre")["index"].first()
    return _wall(store, {row: genre for genre, row in first.items()}, columns)


def _wall(store: SpectrogramStore, titles: dict[int, str], columns: int) -> Figure:
    """Draw the images in some rows of a store, with their titles, side by side."""
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
    """Draw the beginning of one track as several recipes show it.

    Parameters
    ----------
    corpus : Corpus
        Where the track is.
    track_id : str
        Which track.
    recipes : iterable of Recipe
        How; none longer than the track.

    Returns
    -------
    Figure
        One image a recipe, its first window.
    """
    recipes = list(recipes)
    figure, axes = plt.subplots(
        1, len(recipes), figsize=(3 * len(recipes), 2.9), squeeze=False, layout="constrained"
    )
    for ax, recipe in zip(axes.flat, recipes, strict=True):
        y, _ = corpus.load(track_id, sample_rate=recipe.sample_rate)
        spectrogram(spectrograms(y, recipe, np.zeros(1))[0], recipe, ax, title=recipe.name)
    return figure
