"""Files of log-mel spectrograms, without sound.

Two kinds are read. The shared file of 999 GTZAN clips holds a grey image of each
clip. Its scale was found by comparing it with audio: a mel spectrogram with 128
bands, frames of 2048 samples every 512 at 22.05 kHz, in decibels below the
clip's maximum, at most 80, min-max scaled to 0..255. Every clip has 387 columns:
column `i` shows frame `ceil((i + 1/2) * frames / 387.5) - 1`.

Files that `gtzan_lib.signal.spectrograms.write_log_mels` writes hold the
logarithm of the mel power itself, with a fixed number of columns a second, of
sound of any length.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np

from ..errors import CorpusError

__all__ = [
    "COLUMNS_PER_SECOND",
    "N_COLUMNS",
    "N_MELS",
    "SECONDS",
    "LogMels",
    "is_log_mel_path",
    "read",
]

SECONDS = 30.0
"""Nominal length of a clip in the shared file."""

N_MELS, N_COLUMNS = 128, 387
"""Rows and columns of a clip's image in the shared file."""

COLUMNS_PER_SECOND = 387.5 / 1293 * 22_050 / 512
"""Columns a second in files that this package writes, as in the shared file for a clip of 1293
frames, which nearly all clips of GTZAN have."""


class LogMels(NamedTuple):
    """The contents of a file of log-mel spectrograms.

    Attributes
    ----------
    names : np.ndarray [shape=(n,), dtype=str]
        Track ids.
    images : list of np.ndarray [shape=(n_mels, columns)]
        One per track, lowest band first: grey levels (uint8), or natural logarithms
        of the power (float32).
    durations_s : np.ndarray [shape=(n,)]
        Length of each track in seconds; NaN if it is not in the file.
    """

    names: np.ndarray
    images: list[np.ndarray]
    durations_s: np.ndarray


def is_log_mel_path(source: str | Path) -> bool:
    """Return whether the source of a corpus is a file of log-mels, by its name."""
    source = Path(source)
    return source.suffix.lower() == ".npz" and not source.is_dir()


def read(path: str | Path) -> LogMels:
    """Read a file of log-mel spectrograms.

    Parameters
    ----------
    path : str or Path
        An `.npz` file with `X` (uint8, tracks by bands by columns) and `names`, or a
        file from `gtzan_lib.signal.spectrograms.write_log_mels`.

    Returns
    -------
    LogMels
        The contents of the file.

    Raises
    ------
    CorpusError
        If the file is missing or damaged, or has other contents.
    """
    if not Path(path).is_file():
        raise CorpusError(f"{path}: there is no such file; name a file of log-mel images.")
    try:
        with np.load(path, allow_pickle=False) as stored:
            names = stored["names"].astype(str)
            if "levels" in stored:
                levels, durations = stored["levels"], stored["durations_s"]
                images = [part.T for part in np.split(levels, stored["ends"][:-1])]
                ok = levels.ndim == 2 and levels.dtype == np.float32
                ok = ok and np.isfinite(levels).all() and durations.shape == names.shape
            else:
                grey = stored["X"]
                durations, images = np.full(len(names), np.nan), list(grey)
                ok = grey.ndim == 3 and grey.dtype == np.uint8
        ok = ok and names.ndim == 1 and len(images) == len(names) > 0
        ok = ok and all(image.size and image.shape[0] % 32 == 0 for image in images)
    except Exception as error:  # zipfile and numpy raise many kinds for damaged files
        raise _not_log_mels(path) from error
    if not ok:
        raise _not_log_mels(path)
    return LogMels(names, images, durations)


def _not_log_mels(path: str | Path) -> CorpusError:
    return CorpusError(
        f"{path}: holds no log-mel images; expected an array X (uint8, tracks by bands by frames, "
        "a multiple of 32 bands) and an array names."
    )
