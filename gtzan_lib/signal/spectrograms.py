"""Recipes that turn windows of sound into images."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from ..errors import StoreError
from . import dsp

__all__ = ["Recipe", "spectrograms"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Recipe:
    """All that turns a window into an image.

    Presets are had by name with `Recipe.preset`; a recipe's `slug` names the
    folders made with it.

    Attributes
    ----------
    name : str
        The preset it comes from.
    sample_rate : int
        In Hz; files are resampled to it whole.
    n_fft : int
        Samples a frame of the Fourier transform.
    seconds, step : float
        Length of a window, and from one window's start to the next.
    width : int
        Columns of the full image; the hop is derived from it.
    size : int
        Height and width of the image that is kept. At `width` it is the full
        image; smaller ones are its averages over areas.
    db_range : float
        Decibels from black to white at most.

    Notes
    -----
    The book page "Spectrograms" shows how the hop is derived.
    """

    name: str
    sample_rate: int
    n_fft: int
    seconds: float
    step: float
    width: int
    size: int
    db_range: float = 80.0

    def __post_init__(self) -> None:
        if not 1 <= self.size <= self.width:
            raise StoreError(
                f"recipe {self.name!r} makes images of up to {self.width} x {self.width}; "
                f"size {self.size} is out of reach."
            )
        if self.samples < self.n_fft or self.step <= 0:
            raise StoreError(
                f"recipe {self.name!r} needs windows of at least "
                f"{self.n_fft / self.sample_rate:.3f} s and a step above zero; "
                f"got {self.seconds} s every {self.step} s."
            )

    @classmethod
    def preset(
        cls, name: str = "stft-3s", *, size: int | None = None, seconds: float | None = None
    ) -> Recipe:
        """Return a recipe by name, at any size and window length.

        Parameters
        ----------
        name : {"stft-3s"}
            `stft-3s`: 12 kHz, frames of 1024 samples, 512 rows and columns.
        size : int, optional
            Height and width of the images in pixels. Default: the full size.
        seconds : float, optional
            Length of a window, and of the step. Default: the preset's own.

        Returns
        -------
        Recipe
            The preset with the changes made.

        Raises
        ------
        StoreError
            If there is no such recipe, or it cannot have that size or length.
        """
        if name not in PRESETS:
            raise StoreError(
                f"there is no recipe {name!r}; choose one of {', '.join(sorted(PRESETS))}."
            )
        settings: dict[str, Any] = dict(PRESETS[name])
        if size is not None:
            settings["size"] = size
        if seconds is not None:
            settings.update(seconds=float(seconds), step=float(seconds))
        return cls(name=name, **settings)

    @property
    def samples(self) -> int:
        """Samples a window at the recipe's rate."""
        return round(self.seconds * self.sample_rate)

    @property
    def hop(self) -> int:
        """Samples from one column of the full image to the next.

        The least whole number with which a window fills no more than `width`
        columns: `ceil(samples / width)`, 71 for three seconds at 12 kHz.
        """
        return math.ceil(self.samples / self.width)

    @property
    def slug(self) -> str:
        """Name, length and size in one word, `stft-3s_3s_64px`."""
        length = f"{self.seconds:g}s" + ("" if self.step == self.seconds else f"+{self.step:g}s")
        return f"{self.name}_{length}_{self.size}px"

    def as_dict(self) -> dict[str, Any]:
        """Return the fields and the derived hop, as they are saved."""
        return {**dataclasses.asdict(self), "hop": self.hop}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Recipe:
        """Make a recipe from what `as_dict` gave."""
        return cls(**{field.name: values[field.name] for field in dataclasses.fields(cls)})


PRESETS = {
    "stft-3s": {
        "sample_rate": 12_000,
        "n_fft": 1024,
        "seconds": 3.0,
        "step": 3.0,
        "width": 512,
        "size": 512,
    },
}


def spectrograms(y: np.ndarray, recipe: Recipe, starts_s: np.ndarray) -> np.ndarray:
    """Turn windows of one track into images.

    Each window is transformed alone, scaled to decibels below its own maximum,
    and mapped from its minimum..maximum to 0..255. The lowest frequency is in
    row 0; columns that the frames do not fill are black, half of them on each
    side. A silent window is black.

    Parameters
    ----------
    y : np.ndarray [shape=(n,), dtype=float32]
        The whole track, mono, at the recipe's sample rate.
    recipe : Recipe
        How.
    starts_s : np.ndarray [shape=(windows,)]
        Where windows begin, in seconds.

    Returns
    -------
    np.ndarray [shape=(windows, size, size), dtype=uint8]
        Images, frequency by time.
    """
    first = np.round(np.asarray(starts_s) * recipe.sample_rate).astype(int)
    missing = int(first.max(initial=0)) + recipe.samples - len(y)
    if missing > 0:
        y = np.pad(y, (0, missing))
    cut = np.stack([y[start : start + recipe.samples] for start in first])
    height = recipe.n_fft // 2
    magnitude = dsp.stft_magnitude(cut, n_fft=recipe.n_fft, hop=recipe.hop)[:, : recipe.width]
    # The scale is relative to the whole transform, the picture leaves out its last bin.
    db = dsp.amplitude_to_db(magnitude, db_range=recipe.db_range)[:, :, :height]
    db -= db.min(axis=(1, 2), keepdims=True)
    peak = db.max(axis=(1, 2), keepdims=True)
    db *= np.divide(255.0, peak, out=np.zeros_like(peak), where=peak > 0)
    frames = db.shape[1]
    left = (recipe.width - frames) // 2
    across = dsp.area_weights(recipe.width, recipe.size)[:, left : left + frames]
    upward = dsp.area_weights(height, recipe.size)
    if recipe.size == recipe.width == height:
        images = np.zeros((len(db), height, recipe.width), dtype=np.uint8)
        images[:, :, left : left + frames] = db.transpose(0, 2, 1)
        return images
    # Sums depend on how many threads share them, and images must not.
    with threadpool_limits(1, user_api="blas"):
        return (upward @ (across @ db).transpose(0, 2, 1)).astype(np.uint8)
