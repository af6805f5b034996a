"""What every decoder provides, and the errors of files that cannot be decoded."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import numpy as np

from ...errors import AudioError

__all__ = ["Decoder", "pieces_of", "reason_of", "unreadable"]


class Decoder(Protocol):
    """An open audio file that is read from its beginning to its end.

    Attributes
    ----------
    format, encoding : str
        Names of the file's format and of that of its samples, such as `WAV` and
        `PCM_16`.
    sample_rate : int
        In Hz.
    channels : int
        Number of channels.
    frames : int or None
        Samples per channel, as far as is known before decoding; None if unknown.
    promised_frames : int
        Samples per channel that the file states; 0 if it states none to the sample.
    surplus_frames : int
        Samples per channel after the end that the file states.
    cut : str
        How the file shows that it breaks off, in a few words; empty if it does not.
    """

    format: str
    encoding: str
    sample_rate: int
    channels: int
    frames: int | None
    promised_frames: int
    surplus_frames: int
    cut: str

    def read(self, frames: int, dtype: str = "float32") -> np.ndarray:
        """Decode the next samples.

        Parameters
        ----------
        frames : int
            The largest number of samples per channel.
        dtype : {"float32", "int16"}
            Type of the samples; `int16` is for the encoding `PCM_16`.

        Returns
        -------
        np.ndarray [shape=(n, channels)]
            Full scale at 1, or the 16-bit values; nothing at the end.
        """

    def is_short(self, frames: int) -> bool:
        """Return whether a file that gave a number of samples per channel breaks off."""

    def close(self) -> None:
        """Close the file."""


def pieces_of(
    decoder: Decoder, size: int = 2**18, *, dtype: str = "float32"
) -> Iterator[np.ndarray]:
    """Decode what is left of a file, piece by piece.

    Parameters
    ----------
    decoder : Decoder
        The open file.
    size : int
        Samples per channel of a piece; only the last one may have fewer.
    dtype : {"float32", "int16"}
        As for `Decoder.read`.

    Yields
    ------
    np.ndarray [shape=(n, channels)]
        The next samples.
    """
    while len(piece := decoder.read(size, dtype)):
        yield piece


def reason_of(error: Exception) -> str:
    """Return the reason of an error, without the name of the file.

    Parameters
    ----------
    error : Exception
        An error of the operating system or of libsndfile.

    Returns
    -------
    str
        A few words without a full stop.
    """
    # Errors of the system name the file at the end, those of libsndfile at the beginning.
    reason = getattr(error, "strerror", None) or str(error).split(": ")[-1]
    return reason.strip().rstrip(".")


def unreadable(path: Path, reason: str) -> AudioError:
    """Return the error of a file that cannot be decoded.

    Parameters
    ----------
    path : Path
        The file.
    reason : str
        A few words without a full stop.

    Returns
    -------
    AudioError
        One sentence.
    """
    return AudioError(
        f"{path}: cannot be decoded ({reason}); replace the file, or leave it out.",
        reason=reason,
    )
