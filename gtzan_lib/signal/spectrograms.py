"""Recipes that turn windows of sound into images."""

from __future__ import annotations

import dataclasses
import functools
import math
import operator
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from ..data import logmels
from ..errors import StoreError
from . import dsp

__all__ = ["PRESETS", "Recipe", "from_log_mels", "spectrograms"]

_LARGEST = 4096


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
    hop : int
        Samples from one frame to the next.
    seconds, step : float
        Length of a window, and from one window's start to the next.
    columns : int
        Columns of the full image. Frames that are fewer stand in its middle.
    bands : int
        Bands on the mel scale, that is, rows of the full image; 0 for the
        frequencies of the transform without the highest.
    height, width : int
        Rows and columns of the image that is kept: the full image, averaged
        over areas.
    db_range : float
        Decibels from the window's maximum down to what counts as silence.
    stretched : bool
        Whether grey levels go from the window's own minimum to its maximum, or
        from `db_range` below the maximum.
    turned : bool
        Whether the image is turned by 180 degrees.
    slack : float
        Tracks whose length differs from `seconds` by no more than this are one
        window, from beginning to end; their frames are picked for the columns.

    Notes
    -----
    The book page "Spectrograms" shows how the hop is derived, and every recipe.
    """

    name: str
    sample_rate: int
    n_fft: int
    hop: int
    seconds: float
    step: float
    columns: int
    height: int
    width: int
    bands: int = 0
    db_range: float = 80.0
    stretched: bool = True
    turned: bool = False
    slack: float = 0.0

    def __post_init__(self) -> None:
        if not (1 <= self.height <= _LARGEST and 1 <= self.width <= _LARGEST):
            raise StoreError(
                f"recipe {self.name!r} makes images of 1 to {_LARGEST} pixels a side, not of "
                f"{self.height} x {self.width}; choose another size."
            )
        if not self.samples >= self.n_fft or not 0 < self.step < math.inf:
            raise StoreError(
                f"recipe {self.name!r} needs windows of at least "
                f"{self.n_fft / self.sample_rate:.3f} s and a step above zero; "
                f"got {self.seconds} s every {self.step} s."
            )

    @classmethod
    def preset(
        cls,
        name: str = "stft-3s",
        *,
        size: int | tuple[int, int] | None = None,
        seconds: float | None = None,
        step: float | None = None,
    ) -> Recipe:
        """Return a recipe by name, at any size and window length.

        Parameters
        ----------
        name : {"stft-3s", "stft-10s-legacy", "mel-3s", "mel-30s", "mel-gtzan-store"}
            `stft-3s`: 12 kHz, frames of 1024 samples, 512 rows and columns.
            `stft-10s-legacy`: 22.05 kHz, frames of 2048, 10 s every 5 s, 480
            rows and 640 columns, turned by 180 degrees. `mel-3s`, `mel-30s`:
            22.05 kHz, frames of 2048 every 512 samples, 128 bands, 80 dB.
            `mel-gtzan-store`: as `mel-30s`, with the columns and the scale of the
            shared file of log-mels.
        size : int or (int, int), optional
            Height and width of the images in pixels, one number for both.
            Default: the full size.
        seconds : float, optional
            Length of a window; the hop or the number of columns is derived
            again. Default: the preset's own.
        step : float, optional
            Seconds from one window's start to the next. Default: the preset's
            own, or `seconds` where that is given.

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
        settings: dict[str, Any] = {"step": PRESETS[name]["seconds"], **PRESETS[name]}
        if seconds is not None:
            settings.update(seconds=float(seconds), step=float(seconds), slack=0.0)
        if step is not None:
            settings["step"] = float(step)
        if not 0 < settings["seconds"] < math.inf:
            raise StoreError(
                f"recipe {name!r} cannot have windows of {seconds} s; give a length above zero."
            )
        samples = round(settings["seconds"] * settings["sample_rate"])
        if name == "mel-gtzan-store":
            settings["columns"] = logmels.width(settings["seconds"])
        elif "columns" in settings:
            settings["hop"] = max(1, math.ceil(samples / settings["columns"]))
        else:
            settings["columns"] = 1 + samples // settings["hop"]
        rows = settings.get("bands") or settings["n_fft"] // 2
        full = settings.pop("full", (rows, settings["columns"]))
        if size is not None:
            full = np.broadcast_to(size, 2)
        height, width = (operator.index(side) for side in full)
        return cls(name=name, height=height, width=width, **settings)

    @property
    def samples(self) -> int:
        """Samples a window at the recipe's rate."""
        return round(self.seconds * self.sample_rate)

    @property
    def rows(self) -> int:
        """Rows of the full image."""
        return self.bands or self.n_fft // 2

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width of the images."""
        return self.height, self.width

    @property
    def slug(self) -> str:
        """Name, length and size in one word, `stft-3s_3s_64px`."""
        length = f"{self.seconds:g}s" + ("" if self.step == self.seconds else f"+{self.step:g}s")
        sides = dict.fromkeys(self.shape)
        return f"{self.name}_{length}_{'x'.join(map(str, sides))}px"

    def as_dict(self) -> dict[str, Any]:
        """Return the fields, as they are saved."""
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Recipe:
        """Make a recipe from what `as_dict` gave."""
        return cls(**{field.name: values[field.name] for field in dataclasses.fields(cls)})


# A preset with `columns` derives its hop from them, one with `hop` its columns.
_MEL = {"sample_rate": 22_050, "n_fft": 2048, "hop": 512, "bands": 128}
PRESETS: dict[str, dict[str, Any]] = {
    "stft-3s": {"sample_rate": 12_000, "n_fft": 1024, "seconds": 3.0, "columns": 512},
    "stft-10s-legacy": {
        "sample_rate": 22_050,
        "n_fft": 2048,
        "hop": 512,
        "seconds": 10.0,
        "step": 5.0,
        "full": (480, 640),
        "turned": True,
    },
    "mel-3s": {**_MEL, "seconds": 3.0, "stretched": False},
    # GTZAN's shortest clips have 29.93 s.
    "mel-30s": {**_MEL, "seconds": 30.0, "stretched": False, "slack": 0.5},
    "mel-gtzan-store": {**_MEL, "seconds": logmels.SECONDS, "slack": 0.5},
}
"""What each recipe is made of; `Recipe.preset` derives the rest."""


def spectrograms(y: np.ndarray, recipe: Recipe, starts_s: np.ndarray) -> np.ndarray:
    """Turn windows of one track into images.

    Each window is transformed alone, scaled to decibels below its own maximum,
    and mapped to 0..255. The lowest frequency is in row 0; columns that the
    frames do not fill are black, half of them on each side. A silent window is
    black.

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
    np.ndarray [shape=(windows, height, width), dtype=uint8]
        Images, frequency by time.
    """
    if recipe.name == "mel-gtzan-store" and recipe.seconds < logmels.SECONDS:
        clips = Recipe.preset(recipe.name)
        if abs(len(y) / clips.sample_rate - clips.seconds) <= clips.slack:
            # Windows are cut out of the clip's picture, as they are where there is no sound.
            return from_log_mels(spectrograms(y, clips, np.zeros(1))[0], recipe, starts_s)
    first = np.round(np.asarray(starts_s) * recipe.sample_rate).astype(int)
    samples = recipe.samples
    if abs(len(y) - samples) <= recipe.slack * recipe.sample_rate:
        samples = len(y)
    missing = int(first.max(initial=0)) + samples - len(y)
    if missing > 0:
        y = np.pad(y, (0, missing))
    images = np.zeros((len(first), *recipe.shape), dtype=np.uint8)
    # Sums depend on how many threads share them, and images must not.
    with threadpool_limits(1, user_api="blas"):
        # One window at a time stays in the processor's cache.
        for image, start in zip(images, first, strict=True):
            _draw(image, y[start : start + samples], recipe)
    return images


def from_log_mels(image: np.ndarray, recipe: Recipe, starts_s: np.ndarray) -> np.ndarray:
    """Cut windows out of the log-mel image of a clip, and scale them as `spectrograms` does.

    Parameters
    ----------
    image : np.ndarray [shape=(bands, columns), dtype=uint8]
        Of a whole clip, from a file as in `gtzan_lib.data.logmels`.
    recipe : Recipe
        One of `mel-gtzan-store`.
    starts_s : np.ndarray [shape=(windows,)]
        Where windows begin, in seconds.

    Returns
    -------
    np.ndarray [shape=(windows, height, width), dtype=uint8]
        Images, frequency by time.
    """
    last = image.shape[1] - recipe.columns
    first = np.asarray(starts_s) * (image.shape[1] / logmels.SECONDS)
    images = np.zeros((len(first), *recipe.shape), dtype=np.uint8)
    with threadpool_limits(1, user_api="blas"):
        for window, start in zip(images, np.minimum(first.astype(int), last), strict=True):
            levels = image.T[start : start + recipe.columns].astype(np.float32)
            _finish(window, _stretch(levels, levels.min(), levels.max()), recipe)
    return images


def _draw(image: np.ndarray, y: np.ndarray, recipe: Recipe) -> None:
    """Fill an image with what a window sounds like."""
    levels = dsp.stft_power(y, n_fft=recipe.n_fft, hop=recipe.hop)
    if recipe.name == "mel-gtzan-store" and recipe.seconds < logmels.SECONDS:
        # A window out of a clip's picture knows no end of the sound, and the frames
        # that reach beyond it would clatter.
        beyond = recipe.n_fft // 2 // recipe.hop
        levels = levels[beyond:-beyond]
    if recipe.bands:
        levels = levels @ _mel(recipe.sample_rate, recipe.n_fft, recipe.bands)
    # Decibels but for a factor, which goes into the scale; the logarithm to
    # base e is the fastest that numpy has.
    np.maximum(levels, _FLOOR, out=levels)
    np.log(levels, out=levels)
    top = levels.max()
    bottom = top - np.float32(recipe.db_range * np.log(10) / 10)
    np.maximum(levels, bottom, out=levels)
    # The scale is relative to the whole transform, the picture leaves out its last bin.
    levels = levels[:, : recipe.rows]
    if recipe.stretched:
        bottom, top = levels.min(), levels.max()
    elif top <= np.log(_FLOOR):
        bottom = top
    _finish(image, _stretch(levels, bottom, top), recipe)


# What librosa takes for silence.
_FLOOR = np.float32(1e-10)


def _stretch(levels: np.ndarray, bottom: np.float32, top: np.float32) -> np.ndarray:
    """Map levels from bottom..top to 0..255, in place; black where the two are equal."""
    levels -= bottom
    levels *= np.float32(255) / (top - bottom) if top > bottom else np.float32(0)
    return levels


def _finish(image: np.ndarray, levels: np.ndarray, recipe: Recipe) -> None:
    """Bring levels, time by frequency, into the columns and the size of an image."""
    if recipe.bands and len(levels) != recipe.columns:
        levels = levels[_columns(len(levels), recipe)]
    if recipe.turned:
        image = image[::-1, ::-1]
    left = (recipe.columns - len(levels)) // 2
    if recipe.shape == (recipe.rows, recipe.columns):
        image[:, left : left + len(levels)] = levels.T
        return
    across = _area(recipe.columns, recipe.width)[:, left : left + len(levels)]
    upward = _area(recipe.rows, recipe.height)
    image[:] = upward @ (across @ levels).T


def _columns(frames: int, recipe: Recipe) -> np.ndarray:
    """Tell which frames are shown where they are more or fewer than the columns."""
    if recipe.name == "mel-gtzan-store":
        return logmels.pick(frames, recipe.seconds)
    return np.arange(recipe.columns) * frames // recipe.columns


@functools.cache
def _mel(sample_rate: int, n_fft: int, bands: int) -> np.ndarray:
    weights = dsp.mel_weights(sample_rate=sample_rate, n_fft=n_fft, n_mels=bands)
    return np.ascontiguousarray(weights.T)


_area = functools.cache(dsp.area_weights)
