"""Decoding audio files to mono samples."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ..errors import AudioError

if TYPE_CHECKING:
    import soundfile

__all__ = [
    "EXTENSIONS",
    "AudioInfo",
    "Blocks",
    "Resampler",
    "info",
    "load",
    "open_audio",
    "reason_of",
    "resample",
    "to_mono",
]

EXTENSIONS = (".wav", ".au", ".flac", ".ogg", ".mp3")
"""File name endings of audio files."""


class AudioInfo(NamedTuple):
    """Contents of a file's header.

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


def info(path: str | Path) -> AudioInfo:
    """Read a file's header.

    Parameters
    ----------
    path : str or Path
        An audio file in any format that libsndfile reads.

    Returns
    -------
    AudioInfo
        Rate, channels, length and encoding.

    Raises
    ------
    AudioError
        If the file is missing or is not audio.
    """
    with open_audio(path) as file:
        return AudioInfo(file.samplerate, file.channels, file.frames, file.subtype)


def load(path: str | Path, *, sample_rate: int | None = None) -> tuple[np.ndarray, int]:
    """Decode a file to mono, at its own rate or another.

    Parameters
    ----------
    path : str or Path
        An audio file in any format that libsndfile reads.
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
    with open_audio(path) as file:
        rate, frames = file.samplerate, file.frames
        samples = file.read(dtype="float32", always_2d=True)
    if len(samples) < frames:
        raise _unreadable(Path(path), f"it breaks off after {len(samples) / rate:.1f} s")
    y = to_mono(samples)
    if sample_rate is None or sample_rate == rate:
        return np.ascontiguousarray(y), rate
    return resample(y, rate, sample_rate), sample_rate


class Blocks:
    """Samples of a file in blocks, with memory that does not depend on its length.

    Parameters
    ----------
    path : str or Path
        An audio file in any format that libsndfile reads.
    sample_rate : int, optional
        Rate of the blocks in Hz. Default: the file's own.
    seconds : float
        Length of a block.

    Attributes
    ----------
    duration_s : float
        Length of the part that has been decoded so far, in seconds.
    """

    def __init__(
        self, path: str | Path, *, sample_rate: int | None = None, seconds: float = 30.0
    ) -> None:
        self.path, self.sample_rate, self.seconds = path, sample_rate, seconds
        self.duration_s = 0.0

    def __iter__(self) -> Iterator[np.ndarray]:
        """Yield the next samples: float32, mean of the channels, full scale at 1.

        Raises
        ------
        AudioError
            If the file is missing, is not audio, or is truncated; the samples
            before have been yielded.
        """
        with open_audio(self.path) as file:
            rate, frames, done = file.samplerate, file.frames, 0
            # soundfile seeks after every read, and seeking in an MP3 loses the bits that a frame
            # takes from the frames before: blocks would be wrong at their edges.
            file.seekable = lambda: False
            resampler = Resampler(rate, self.sample_rate or rate)
            size = max(1, round(self.seconds * rate))
            while len(samples := file.read(size, dtype="float32", always_2d=True)):
                done += len(samples)
                self.duration_s = done / rate
                yield resampler.push(to_mono(samples))
            # Headers of some streams have no length.
            if done < frames < _UNKNOWN_LENGTH:
                raise _unreadable(Path(self.path), f"it breaks off after {done / rate:.1f} s")
            yield resampler.finish()


# libsndfile gives more frames than this where the header has no length.
_UNKNOWN_LENGTH = 2**62


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
def open_audio(path: str | Path) -> Iterator[soundfile.SoundFile]:
    """Open a file for reading in pieces; all its errors become an `AudioError`.

    Parameters
    ----------
    path : str or Path
        An audio file in any format that libsndfile reads.

    Yields
    ------
    soundfile.SoundFile
        At its first sample.

    Raises
    ------
    AudioError
        If the file is missing or is not audio, also where this is found later in
        the `with` block.
    """
    import soundfile

    path = Path(path)
    try:
        if path.is_dir():
            raise _unreadable(path, "it is a folder")
        if path.is_symlink() and not path.exists():
            raise _unreadable(path, "it is a link that leads to no file")
        if not path.is_file():
            raise AudioError(f"{path}: there is no such file.", reason="there is no such file")
        if path.suffix.lower() == ".mp3" and not _may_be_mpeg(path):
            raise _unreadable(path, "it holds no MPEG audio")
        # Bytes, since file names need not be valid text.
        name = str(path) if os.name == "nt" else os.fsencode(path)
        with soundfile.SoundFile(name) as file:
            # libsndfile reads any bytes in an .au file as sound without a header.
            if file.format == "RAW":
                raise _unreadable(path, "it has no header")
            yield file
    except (soundfile.LibsndfileError, RuntimeError, OSError) as error:
        raise _unreadable(path, reason_of(error)) from error


def _may_be_mpeg(path: Path) -> bool:
    """Return whether a frame can begin near the start; otherwise the decoder prints errors."""
    with path.open("rb") as stream:
        return b"\xff" in stream.read(1 << 20)


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


def _unreadable(path: Path, reason: str) -> AudioError:
    return AudioError(
        f"{path}: cannot be decoded ({reason}); replace the file, or leave it out.",
        reason=reason,
    )
