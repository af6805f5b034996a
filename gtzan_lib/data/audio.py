"""Decoding audio files to mono samples."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np

from .decoders import FORMATS, Decoder, open_decoder, pieces_of, reason_of, unreadable

__all__ = [
    "EXTENSIONS",
    "AudioInfo",
    "Blocks",
    "PieceResampler",
    "Resampler",
    "info",
    "is_invalid",
    "load",
    "open_audio",
    "reason_of",
    "resample",
    "to_mono",
]

# Far above full scale, and far below the values whose squares overflow.
_LOUDEST = 1e6

EXTENSIONS = tuple(FORMATS)
"""File name endings of audio files."""


class AudioInfo(NamedTuple):
    """What is known of a file without its samples.

    Attributes
    ----------
    sample_rate : int
        In Hz.
    channels : int
        Number of channels.
    frames : int
        Samples per channel.
    encoding : str
        Name of the sample format, such as `PCM_16` for GTZAN.
    """

    sample_rate: int
    channels: int
    frames: int
    encoding: str

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return self.frames / self.sample_rate

    @property
    def is_float(self) -> bool:
        """Whether samples are floating-point numbers, which need not be finite."""
        return self.encoding in ("FLOAT", "DOUBLE") or self.encoding.startswith("PCM_F")


def info(path: str | Path) -> AudioInfo:
    """Read rate, channels and length of a file.

    Parameters
    ----------
    path : str or Path
        An audio file with any of `EXTENSIONS`. It is decoded only if it does not
        state its length.

    Returns
    -------
    AudioInfo
        Rate, channels, length and encoding.

    Raises
    ------
    AudioError
        If the file is missing or is not audio.
    """
    with open_audio(path) as decoder:
        frames = decoder.frames
        if frames is None:
            frames = sum(map(len, pieces_of(decoder)))
        return AudioInfo(decoder.sample_rate, decoder.channels, frames, decoder.encoding)


def load(path: str | Path, *, sample_rate: int | None = None) -> tuple[np.ndarray, int]:
    """Decode a file to mono, at its own rate or another.

    Parameters
    ----------
    path : str or Path
        An audio file with any of `EXTENSIONS`.
    sample_rate : int, optional
        Rate of the result in Hz. Default: the file's own.

    Returns
    -------
    y : np.ndarray [shape=(n,), dtype=float32]
        Mean of the channels, full scale at 1.
    sample_rate : int
        Rate of `y` in Hz.

    Raises
    ------
    AudioError
        If the file is missing, is not audio, or is truncated.
    """
    with open_audio(path) as decoder:
        rate = decoder.sample_rate
        pieces = [to_mono(piece) for piece in pieces_of(decoder)]
        y = np.concatenate([np.zeros(0, dtype=np.float32), *pieces])
        _refuse_short(path, decoder, len(y))
    if sample_rate is None or sample_rate == rate:
        return y, rate
    return resample(y, rate, sample_rate), sample_rate


class Blocks:
    """Samples of a file in blocks, with memory that does not depend on its length.

    Parameters
    ----------
    path : str or Path
        An audio file with any of `EXTENSIONS`.
    sample_rate : int, optional
        Rate of the blocks in Hz. Default: the file's own.
    seconds : float
        Length of a block.
    resampler : callable, optional
        Returns a resampler for the rate of the file. Default: a `Resampler` to
        `sample_rate`.

    Attributes
    ----------
    duration_s : float
        Length of the part that has been decoded so far, in seconds.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        sample_rate: int | None = None,
        seconds: float = 30.0,
        resampler: Callable[[int], PieceResampler] | None = None,
    ) -> None:
        self.path, self.sample_rate, self.seconds = path, sample_rate, seconds
        self._resampler = resampler
        self.duration_s = 0.0

    def __iter__(self) -> Iterator[np.ndarray]:
        """Yield the next samples: float32, mean of the channels, full scale at 1.

        Raises
        ------
        AudioError
            If the file is missing, is not audio, or is truncated; the samples
            before have been yielded.
        """
        with open_audio(self.path) as decoder:
            rate, done = decoder.sample_rate, 0
            if self._resampler:
                resampler = self._resampler(rate)
            else:
                resampler = Resampler(rate, self.sample_rate or rate)
            for piece in pieces_of(decoder, max(1, round(self.seconds * rate))):
                done += len(piece)
                self.duration_s = done / rate
                yield resampler.push(to_mono(piece))
            _refuse_short(self.path, decoder, done)
            yield resampler.finish()


def _refuse_short(path: str | Path, decoder: Decoder, frames: int) -> None:
    if decoder.is_short(frames):
        raise unreadable(Path(path), f"it breaks off after {frames / decoder.sample_rate:.1f} s")


def to_mono(samples: np.ndarray) -> np.ndarray:
    """Return the mean of the channels.

    Parameters
    ----------
    samples : np.ndarray [shape=(n,) or (n, channels)]
        Samples, time first.

    Returns
    -------
    np.ndarray [shape=(n,)]
        One channel; a view of mono sound.
    """
    if samples.ndim == 1:
        return samples
    return samples[:, 0] if samples.shape[1] == 1 else samples.mean(axis=1)


def is_invalid(y: np.ndarray) -> np.ndarray:
    """Return which samples are not finite numbers, or a million times beyond full scale.

    Parameters
    ----------
    y : np.ndarray
        Samples, full scale at 1.

    Returns
    -------
    np.ndarray [shape=y.shape, dtype=bool]
        True for samples of which nothing can be computed: squares of larger ones
        overflow.
    """
    return ~(np.abs(y) <= _LOUDEST)


class PieceResampler(Protocol):
    """What resamples sound that arrives in pieces, such as `Resampler`."""

    def push(self, y: np.ndarray) -> np.ndarray:
        """Resample the next samples, and return those that are complete."""

    def finish(self) -> np.ndarray:
        """Return the last samples."""


class Resampler:
    """Resampler of sound that arrives in pieces.

    Parameters
    ----------
    source, target : int
        Rates in Hz.

    See Also
    --------
    resample : The same for a whole sound.
    """

    def __init__(self, source: int, target: int) -> None:
        self._stream = None
        if source != target:
            import soxr

            self._stream = soxr.ResampleStream(source, target, 1, dtype="float32", quality="HQ")

    def push(self, y: np.ndarray) -> np.ndarray:
        """Resample the next samples.

        Parameters
        ----------
        y : np.ndarray [shape=(n,), dtype=float32]
            Mono, at the source's rate.

        Returns
        -------
        np.ndarray [dtype=float32]
            Samples at the target's rate that are complete, a little behind `y`.
        """
        return y if self._stream is None else self._stream.resample_chunk(np.ascontiguousarray(y))

    def finish(self) -> np.ndarray:
        """Return the last samples."""
        empty = np.zeros(0, dtype=np.float32)
        return empty if self._stream is None else self._stream.resample_chunk(empty, last=True)


def resample(y: np.ndarray, source: int, target: int) -> np.ndarray:
    """Change the sample rate with soxr's HQ filter, as librosa does by default.

    Parameters
    ----------
    y : np.ndarray [shape=(n,), dtype=float32]
        Mono samples.
    source, target : int
        Rates in Hz.

    Returns
    -------
    np.ndarray [shape=(round(n * target / source),), dtype=float32]
        Samples at the target rate.
    """
    import soxr

    return soxr.resample(y, source, target, quality="HQ")


@contextmanager
def open_audio(path: str | Path) -> Iterator[Decoder]:
    """Open a file for reading in pieces; all its errors become an `AudioError`.

    Parameters
    ----------
    path : str or Path
        An audio file; its content decides how it is decoded, not its ending.

    Yields
    ------
    Decoder
        At its first sample.

    Raises
    ------
    AudioError
        If the file is missing or is not audio, also where this is found later in
        the `with` block; or if it needs ffmpeg, which is not installed.
    """
    import soundfile

    path = Path(path)
    try:
        with closing(open_decoder(path)) as decoder:
            yield decoder
    except (soundfile.LibsndfileError, RuntimeError, OSError) as error:
        raise unreadable(path, reason_of(error)) from error
