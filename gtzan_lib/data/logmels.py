"""Files of log-mel images, such as the shared one of 999 GTZAN clips.

Such a file has a picture of each clip and no sound. Its scale was found by
comparing it with audio: mel spectrogram of 128 bands, frames of 2048 samples
every 512 at 22.05 kHz, decibels below the clip's maximum, at most 80 of them,
stretched from the clip's own minimum to 0..255. Column `i` shows frame
`ceil((i + 1/2) * frames / 387.5) - 1`: it was drawn 387.5 pixels wide.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..errors import CorpusError

__all__ = ["BANDS", "COLUMNS", "SECONDS", "names_log_mels", "pick", "read", "width"]

SECONDS = 30.0
"""Length of a clip that has a picture."""

BANDS, COLUMNS = 128, 387
"""Rows and columns of a clip's picture."""

_DRAWN = 387.5


def names_log_mels(source: str | Path) -> bool:
    """Tell whether a corpus' source is a file of log-mels, and no folder."""
    source = Path(source)
    return source.suffix.lower() == ".npz" and not source.is_dir()


def read(path: str | Path) -> tuple[np.ndarray, np.ndarray]:
    """Read a file of log-mel images.

    Parameters
    ----------
    path : str or Path
        An `.npz` file of two arrays: `X`, the images, and `names`, `blues.00000`.

    Returns
    -------
    names : np.ndarray [shape=(n,), dtype=str]
        Track ids.
    images : np.ndarray [shape=(n, bands, columns), dtype=uint8]
        Lowest band first.

    Raises
    ------
    CorpusError
        If the file is missing or damaged, or holds something else.
    """
    if not Path(path).is_file():
        raise CorpusError(f"{path}: there is no such file; name a file of log-mel images.")
    try:
        with np.load(path, allow_pickle=False) as stored:
            images, names = stored["X"], stored["names"].astype(str)
        ok = images.ndim == 3 and images.dtype == np.uint8 and names.shape == images.shape[:1]
        ok = ok and images.size > 0 and images.shape[1] % 32 == 0
    except Exception as error:  # whatever zipfile and numpy raise on what is damaged
        raise _unlike(path) from error
    if not ok:
        raise _unlike(path)
    return names, images


def width(seconds: float) -> int:
    """Tell how many columns a stretch of a clip's picture has."""
    return max(1, int(seconds * COLUMNS / SECONDS + 0.5))


def pick(frames: int, seconds: float) -> np.ndarray:
    """Tell which frames of a stretch of sound the columns of a picture show.

    Parameters
    ----------
    frames : int
        How many frames there are.
    seconds : float
        Length of the stretch.

    Returns
    -------
    np.ndarray [shape=(width(seconds),), dtype=int64]
        Numbers of frames.
    """
    wide = seconds * _DRAWN / SECONDS
    places = np.ceil((np.arange(width(seconds)) + 0.5) * frames / wide) - 1
    return np.clip(places, 0, frames - 1).astype(int)


def _unlike(path: str | Path) -> CorpusError:
    return CorpusError(
        f"{path}: holds no log-mel images; expected an array X (uint8, tracks by bands by frames, "
        "a multiple of 32 bands) and an array names."
    )
