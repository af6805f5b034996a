"""Spectrogram images of windows of sound, by a recipe."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from threadpoolctl import threadpool_limits

from ..data import audio
from ..data.arguments import waveform
from ..data.windows import Window, cut
from ..errors import AudioError, CorpusError, RecipeError
from ..files import atomic_path
from ..progress import progress_bar
from . import dsp
from .recipes import Recipe

if TYPE_CHECKING:
    from ..data.corpus import Corpus

__all__ = ["draw", "from_log_mels", "spectrograms", "windows_of", "write_log_mels"]

# The least power, as in librosa.power_to_db.
_FLOOR = np.float32(1e-10)


def spectrograms(y: np.ndarray, recipe: Recipe, starts_s: np.ndarray) -> np.ndarray:
    """Turn windows of a sound into images.

    Levels are decibels below the window's maximum, mapped to 0..255. The lowest
    frequency is in row 0. If there are fewer frames than columns, the first and the
    last columns are black. A silent window is black. Sound shorter than a window is
    repeated until the window is full.

    Parameters
    ----------
    y : np.ndarray [shape=(n,), dtype=float32]
        The whole sound, mono, at the recipe's sample rate.
    recipe : Recipe
        Parameters of the images.
    starts_s : np.ndarray [shape=(windows,)]
        Starts of the windows in seconds.

    Returns
    -------
    np.ndarray [shape=(windows, height, width), dtype=uint8]
        Images, frequency by time.

    Raises
    ------
    AudioError
        If a window has samples that are not finite numbers.
    """
    windows = windows_of(y, recipe, starts_s)
    for window in windows:
        if audio.is_invalid(window.y).any():
            raise AudioError(
                f"the window at {window.start_s:.2f} s has samples that are not finite numbers or "
                "are too large; leave it out.",
                reason="has samples that are not finite numbers",
            )
    return draw(windows, recipe)


def windows_of(y: np.ndarray, recipe: Recipe, starts_s: np.ndarray) -> list[Window]:
    """Cut a sound into the windows that `draw` takes.

    Parameters
    ----------
    y, recipe, starts_s
        As for `spectrograms`.

    Returns
    -------
    list of Window
        Windows with the context that images need.
    """
    y = waveform(y)
    before, after = recipe.context
    samples = min(recipe.samples, len(y))
    windows = []
    for start in np.asarray(starts_s).tolist():
        first = round(start * recipe.sample_rate)
        windows.append(Window(start, cut(y, first, samples, before=before, after=after)))
    return windows


def draw(windows: Sequence[Window], recipe: Recipe) -> np.ndarray:
    """Turn windows into images, as `spectrograms` does.

    Parameters
    ----------
    windows : sequence of Window
        Windows with the recipe's `context` before and after them, as by
        `gtzan_lib.data.windows.cut`.
    recipe : Recipe
        Parameters of the images.

    Returns
    -------
    np.ndarray [shape=(windows, height, width), dtype=uint8]
        Images, frequency by time.
    """
    images = np.zeros((len(windows), *recipe.shape), dtype=np.uint8)
    # Sums depend on the number of threads, and images must not.
    with threadpool_limits(1, user_api="blas"):
        # A single window fits into the processor's cache.
        for image, window in zip(images, windows, strict=True):
            _draw(image, window.y, recipe, window.start_s)
    return images


def from_log_mels(
    image: np.ndarray, recipe: Recipe, starts_s: np.ndarray, *, duration_s: float
) -> np.ndarray:
    """Cut windows out of the log-mel spectrogram of a sound.

    They are scaled as by `spectrograms`.

    Parameters
    ----------
    image : np.ndarray [shape=(n_mels, columns)]
        From a file of `gtzan_lib.data.logmels`: grey levels of a clip (uint8), or
        natural logarithms of the power (float32).
    recipe : Recipe
        A recipe with `columns_per_second`.
    starts_s : np.ndarray [shape=(windows,)]
        Starts of the windows in seconds.
    duration_s : float
        Length of the sound in seconds.

    Returns
    -------
    np.ndarray [shape=(windows, height, width), dtype=uint8]
        Images, frequency by time.
    """
    grey = image.dtype == np.uint8
    # Grey images of clips have one width for clips of all lengths.
    density = image.shape[1] / duration_s if grey else recipe.columns_per_second
    images = np.zeros((len(starts_s), *recipe.shape), dtype=np.uint8)
    with threadpool_limits(1, user_api="blas"):
        for window, start in zip(images, np.asarray(starts_s).tolist(), strict=True):
            first = _first_column(start, density)
            if image.shape[1] >= recipe.columns:
                first = min(first, image.shape[1] - recipe.columns)
            columns = (first + np.arange(recipe.columns)) % image.shape[1]
            levels = image.T[columns].astype(np.float32)
            if grey:
                _fit(window, _rescaled(levels, levels.min(), levels.max()), recipe)
            else:
                _scale(window, levels, recipe)
    return images


def write_log_mels(
    corpus: Corpus, path: str | Path, recipe: Recipe, *, progress: bool = True
) -> Path:
    """Write the log-mel spectrograms of a corpus into one file.

    The file opens as a corpus. Stores that are built from it have the same windows
    and images as stores that are built from the audio.

    Parameters
    ----------
    corpus : Corpus
        Tracks with sound, of any length; unreadable ones are left out.
    path : str or Path
        The new `.npz` file.
    recipe : Recipe
        A recipe with `columns_per_second`, such as `mel-gtzan-store`.
    progress : bool
        Show a progress bar, if on a terminal.

    Returns
    -------
    Path
        The same path.

    Raises
    ------
    AudioError
        If a file cannot be decoded, or has samples that are not finite numbers.
    CorpusError
        If the corpus has no sound, no track can be read, or the file cannot be
        written or does not end with `.npz`.
    RecipeError
        If the recipe has no fixed columns, or no multiple of 32 mel bands.
    """
    corpus.require_audio()
    path = Path(path)
    if not recipe.columns_per_second or recipe.n_mels % 32:
        raise RecipeError(
            f"recipe {recipe.name!r} cannot be written as log-mels; choose one with "
            "columns_per_second and a multiple of 32 mel bands, such as mel-gtzan-store."
        )
    if path.suffix.lower() != ".npz":
        raise CorpusError(f"{path}: must end with .npz, so that it opens as a file of log-mels.")
    tracks = corpus.tracks.dropna(subset="duration_s")
    if tracks.empty:
        raise CorpusError(f"{corpus.root}: no track can be read; there is nothing to write.")
    levels = []
    for track_id in progress_bar(tracks.index, "Log-mels", len(tracks), show=progress):
        y, _ = audio.load(tracks.at[track_id, "path"], sample_rate=recipe.sample_rate)
        if audio.is_invalid(y).any():
            raise AudioError(
                f"{tracks.at[track_id, 'path']}: has samples that are not finite numbers or are "
                "too large; export it again, or exclude the track.",
                reason="has samples that are not finite numbers",
            )
        count = _column_count(len(y) / recipe.sample_rate, recipe)
        with threadpool_limits(1, user_api="blas"):
            levels.append(_log_columns(y, recipe, np.arange(count), 0))
    try:
        with atomic_path(path) as temporary, temporary.open("wb") as stream:
            np.savez(
                stream,
                names=tracks.index.to_numpy(dtype=str),
                levels=np.concatenate(levels),
                ends=np.cumsum([len(columns) for columns in levels]),
                durations_s=tracks["duration_s"].to_numpy(dtype=float),
            )
    except OSError as error:
        raise CorpusError(
            f"{path}: cannot be written ({error.strerror}); name another place."
        ) from error
    return path


def _draw(image: np.ndarray, y: np.ndarray, recipe: Recipe, start_s: float) -> None:
    """Write the spectrogram of a window into an image."""
    if recipe.columns_per_second:
        _scale(image, _window_columns(y, recipe, start_s), recipe)
        return
    if len(y) < recipe.samples:
        y = np.resize(y, recipe.samples)
    levels = dsp.stft_power(y, n_fft=recipe.n_fft, hop_length=recipe.hop_length)
    if recipe.n_mels:
        levels = levels @ _mel_filters(recipe.sample_rate, recipe.n_fft, recipe.n_mels)
    _scale(image, _log(levels), recipe)


def _log(power: np.ndarray) -> np.ndarray:
    """Return natural logarithms, in place; they are faster than decibels."""
    np.maximum(power, _FLOOR, out=power)
    return np.log(power, out=power)


def _first_column(start_s: float, density: float) -> int:
    # The rounding of a start must not move a window by a column.
    return int(round(start_s * density, 6))


def _column_count(duration_s: float, recipe: Recipe) -> int:
    return max(1, int(duration_s * recipe.columns_per_second + 0.5))


def _window_columns(y: np.ndarray, recipe: Recipe, start_s: float) -> np.ndarray:
    """Return the columns of a window from the spectrogram of the whole sound."""
    before, after = recipe.context
    samples = len(y) - before - after
    first = _first_column(start_s, recipe.columns_per_second)
    columns = first + np.arange(recipe.columns)
    if samples < recipe.samples:
        columns %= _column_count(samples / recipe.sample_rate, recipe)
    return _log_columns(y, recipe, columns, round(start_s * recipe.sample_rate) - before)


def _log_columns(y: np.ndarray, recipe: Recipe, columns: np.ndarray, origin: int) -> np.ndarray:
    """Return logarithms of the mel power in some columns; `y` begins at sample `origin`."""
    rate = recipe.sample_rate / recipe.hop_length / recipe.columns_per_second
    # As in the shared file (`gtzan_lib.data.logmels`); 1e-6 is for rounding.
    frames = np.ceil((columns + 0.5) * rate - 1e-6).astype(int) - 1
    first = frames * recipe.hop_length - recipe.n_fft // 2 - origin
    window = dsp.hann(recipe.n_fft)
    filters = _mel_filters(recipe.sample_rate, recipe.n_fft, recipe.n_mels)
    levels = np.empty((len(columns), recipe.n_mels), dtype=np.float32)
    # One frame at a time, since the rounding of a product depends on the number of rows.
    for row, start in zip(levels, first.tolist(), strict=True):
        row[:] = dsp.power(cut(y, start, recipe.n_fft) * window) @ filters
    return _log(levels)


def _scale(image: np.ndarray, levels: np.ndarray, recipe: Recipe) -> None:
    """Write logarithms of the power, time by frequency, as grey levels into an image."""
    top = levels.max()
    bottom = top - np.float32(recipe.top_db * np.log(10) / 10)
    np.maximum(levels, bottom, out=levels)
    # `top` is the maximum of the whole transform; images have no row for its last bin.
    levels = levels[:, : recipe.rows]
    if recipe.min_max_scaled:
        bottom, top = levels.min(), levels.max()
    elif top <= np.log(_FLOOR):
        bottom = top
    _fit(image, _rescaled(levels, bottom, top), recipe)


def _rescaled(levels: np.ndarray, bottom: np.float32, top: np.float32) -> np.ndarray:
    """Map levels from bottom..top to 0..255, in place; to 0 if the two are equal."""
    levels -= bottom
    levels *= np.float32(255) / (top - bottom) if top > bottom else np.float32(0)
    return levels


def _fit(image: np.ndarray, levels: np.ndarray, recipe: Recipe) -> None:
    """Write levels, time by frequency, into an image of another size."""
    if recipe.rotated:
        image = image[::-1, ::-1]
    left = (recipe.columns - len(levels)) // 2
    if recipe.shape == (recipe.rows, recipe.columns):
        image[:, left : left + len(levels)] = levels.T
        return
    across = _area(recipe.columns, recipe.width)[:, left : left + len(levels)]
    upward = _area(recipe.rows, recipe.height)
    image[:] = upward @ (across @ levels).T


@functools.cache
def _mel_filters(sample_rate: int, n_fft: int, n_mels: int) -> np.ndarray:
    weights = dsp.mel_weights(sample_rate=sample_rate, n_fft=n_fft, n_mels=n_mels)
    return np.ascontiguousarray(weights.T)


_area = functools.cache(dsp.area_weights)
