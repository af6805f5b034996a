"""Short-time Fourier transform and its inverse, and filter banks."""

from __future__ import annotations

import functools
from typing import Literal

import numpy as np

__all__ = [
    "area_weights",
    "chroma_weights",
    "frames",
    "hann",
    "istft",
    "mel_weights",
    "power",
    "stft",
    "stft_power",
    "whole_frames_stft",
]


@functools.cache
def hann(n: int, dtype: np.dtype = np.dtype(np.float32)) -> np.ndarray:  # noqa: B008
    """Return a periodic Hann window of `n` samples."""
    # Equal to scipy.signal's to the last bit; importing that takes half a second.
    return (0.5 + 0.5 * np.cos(np.linspace(-np.pi, np.pi, n + 1)[:-1])).astype(dtype)


def frames(y: np.ndarray, *, n_fft: int, hop_length: int) -> np.ndarray:
    """Return the frames of a signal without padding.

    Parameters
    ----------
    y : np.ndarray [shape=(samples,)]
        The signal.
    n_fft : int
        Samples of a frame.
    hop_length : int
        Samples from one frame to the next.

    Returns
    -------
    np.ndarray [shape=(frames, n_fft)]
        A read-only view.
    """
    return np.lib.stride_tricks.sliding_window_view(y, n_fft)[::hop_length]


def stft(
    y: np.ndarray,
    *,
    n_fft: int,
    hop_length: int,
    pad_mode: Literal["constant", "reflect"] = "constant",
) -> np.ndarray:
    """Return the short-time Fourier transform of a signal.

    Frames are centred and weighted with a periodic Hann window, as in
    `librosa.stft` with its defaults.

    Parameters
    ----------
    y : np.ndarray [shape=(samples,)]
        The signal; the transform has its precision.
    n_fft : int
        Samples of a frame.
    hop_length : int
        Samples from one frame to the next.
    pad_mode : {"constant", "reflect"}
        How the ends are padded, as in `numpy.pad`: `constant` is zeros, and
        `reflect` was librosa's default before version 0.9.

    Returns
    -------
    np.ndarray [shape=(frames, n_fft // 2 + 1)]
        `1 + samples // hop_length` frames; time before frequency, which is the order
        in memory.

    See Also
    --------
    istft : Its inverse.
    """
    return whole_frames_stft(
        np.pad(y, n_fft // 2, mode=pad_mode), n_fft=n_fft, hop_length=hop_length
    )


def whole_frames_stft(y: np.ndarray, *, n_fft: int, hop_length: int) -> np.ndarray:
    """Return the short-time Fourier transform of a signal without padding.

    Parameters
    ----------
    y : np.ndarray [shape=(samples,)]
        The signal.
    n_fft, hop_length
        As for `stft`.

    Returns
    -------
    np.ndarray [shape=(frames, n_fft // 2 + 1)]
        Time before frequency.
    """
    return np.fft.rfft(
        frames(y, n_fft=n_fft, hop_length=hop_length) * hann(n_fft, y.dtype), axis=-1
    )


def istft(transform: np.ndarray, samples: int, *, hop_length: int) -> np.ndarray:
    """Return the signal whose transform is nearest in the sense of least squares.

    Parameters
    ----------
    transform : np.ndarray [shape=(frames, n_fft // 2 + 1)]
        As from `stft`.
    samples : int
        Length of the signal.
    hop_length : int
        Samples from one frame to the next; `n_fft` is a multiple of it.

    Returns
    -------
    np.ndarray [shape=(samples,)]
        The signal; zero where all frames have the weight zero.

    References
    ----------
    D. Griffin and J. Lim, "Signal estimation from modified short-time Fourier
    transform", IEEE Transactions on Acoustics, Speech, and Signal Processing
    32(2), 1984, equation 6.
    """
    n_fft = 2 * (transform.shape[1] - 1)
    pieces = np.fft.irfft(transform, n_fft, axis=-1)
    window = hann(n_fft, pieces.dtype)
    pieces *= window
    weights = np.broadcast_to(np.square(window), pieces.shape)
    within = slice(n_fft // 2, n_fft // 2 + samples)
    total = _overlap_add(pieces, hop_length)[within]
    weight = _overlap_add(weights, hop_length)[within]
    return np.divide(total, weight, out=total, where=weight > np.finfo(np.float32).tiny)


def _overlap_add(pieces: np.ndarray, hop_length: int) -> np.ndarray:
    """Add up frames, each `hop_length` samples after the one before."""
    parts = pieces.reshape(len(pieces), -1, hop_length)
    total = np.zeros((len(pieces) + parts.shape[1] - 1, hop_length), dtype=pieces.dtype)
    for place in range(parts.shape[1]):
        total[place : place + len(pieces)] += parts[:, place]
    return total.ravel()


def power(frame: np.ndarray) -> np.ndarray:
    """Return the squared magnitude of the Fourier transform of weighted frames."""
    spectrum = np.fft.rfft(frame, axis=-1)
    # Faster than np.abs(...) ** 2: no square root and no copies.
    squared = np.square(spectrum.real)
    squared += np.square(spectrum.imag)
    return squared


def stft_power(y: np.ndarray, *, n_fft: int, hop_length: int) -> np.ndarray:
    """Return the squared magnitude of the short-time Fourier transform of a signal.

    Parameters
    ----------
    y : np.ndarray [shape=(samples,), dtype=float32]
        The signal.
    n_fft, hop_length
        As for `stft`, with zeros as padding.

    Returns
    -------
    np.ndarray [shape=(frames, n_fft // 2 + 1), dtype=float32]
        Time before frequency.
    """
    padded = np.pad(y, n_fft // 2)
    return power(frames(padded, n_fft=n_fft, hop_length=hop_length) * hann(n_fft))


def area_weights(source: int, target: int) -> np.ndarray:
    """Return weights that resize an axis by averaging over areas.

    Parameters
    ----------
    source, target : int
        Length of the axis before and after.

    Returns
    -------
    np.ndarray [shape=(target, source), dtype=float32]
        Row `i` has the shares of the source cells in target cell `i`; rows sum to
        one.
    """
    edges = np.arange(target + 1) * (source / target)
    cells = np.arange(source)
    overlap = np.minimum(edges[1:, None], cells + 1) - np.maximum(edges[:-1, None], cells)
    return (np.clip(overlap, 0, None) * (target / source)).astype(np.float32)


def mel_weights(
    *, sample_rate: float, n_fft: int, n_mels: int, fmax: float | None = None
) -> np.ndarray:
    """Return triangular filters on the mel scale, each of unit area in Hz.

    Parameters
    ----------
    sample_rate : float
        In Hz.
    n_fft : int
        Samples of a frame.
    n_mels : int
        Number of filters.
    fmax : float, optional
        Upper end of the last filter in Hz. Default: half the sample rate.

    Returns
    -------
    np.ndarray [shape=(n_mels, n_fft // 2 + 1), dtype=float32]
        One filter a row, lowest first.

    See Also
    --------
    librosa.filters.mel : The same with its defaults; importing it takes two seconds.

    References
    ----------
    M. Slaney, "Auditory Toolbox, version 2", Interval Research Corporation,
    Technical Report 1998-010: linear below 1 kHz, logarithmic above.
    """
    top = _hz_to_mel(np.array(sample_rate / 2 if fmax is None else fmax))
    edges = _mel_to_hz(np.linspace(0, top, n_mels + 2))
    width = np.diff(edges)
    slopes = edges[:, None] - np.fft.rfftfreq(n_fft, 1 / sample_rate)
    rising, falling = -slopes[:-2] / width[:-1, None], slopes[2:] / width[1:, None]
    area = 2 / (edges[2:] - edges[:-2])
    return (np.maximum(0, np.minimum(rising, falling)) * area[:, None]).astype(np.float32)


# Slaney's scale: 3 mel for 200 Hz up to 1 kHz, then 27 mel for a factor of 6.4.
_HZ_PER_MEL, _KNEE_HZ, _LOG_STEP = 200 / 3, 1000.0, np.log(6.4) / 27


def _hz_to_mel(hz: np.ndarray) -> np.ndarray:
    logarithmic = np.log(np.maximum(hz, _KNEE_HZ) / _KNEE_HZ) / _LOG_STEP
    return np.minimum(hz, _KNEE_HZ) / _HZ_PER_MEL + logarithmic


def _mel_to_hz(mel: np.ndarray) -> np.ndarray:
    knee = _KNEE_HZ / _HZ_PER_MEL
    return np.where(mel < knee, mel * _HZ_PER_MEL, _KNEE_HZ * np.exp(_LOG_STEP * (mel - knee)))


def chroma_weights(*, sample_rate: float, n_fft: int, tuning: float = 0.0) -> np.ndarray:
    """Return filters of the twelve pitch classes.

    Parameters
    ----------
    sample_rate : float
        In Hz.
    n_fft : int
        Samples of a frame.
    tuning : float
        Deviation of the tuning from A4 = 440 Hz in semitones.

    Returns
    -------
    np.ndarray [shape=(12, n_fft // 2 + 1), dtype=float32]
        One pitch class a row, from C upwards. The weights of a frequency have a sum
        of squares of one, times a Gaussian over octaves around A5.

    See Also
    --------
    librosa.filters.chroma : The same with its defaults.

    References
    ----------
    D. P. W. Ellis, "Chroma feature analysis and synthesis", 2007.
    """
    hz = np.arange(1, n_fft) * (sample_rate / n_fft)
    # Semitones above A0 of 27.5 Hz; 0 Hz is taken to be an octave and a half below the next.
    pitch = 12 * np.log2(hz / (27.5 * 2 ** (tuning / 12)))
    pitch = np.concatenate([[pitch[0] - 18], pitch])
    width = np.concatenate([np.maximum(np.diff(pitch), 1), [1]])
    distance = np.remainder(pitch - np.arange(12)[:, None] + 6, 12) - 6
    weights = np.exp(-0.5 * (2 * distance / width) ** 2)
    weights /= np.linalg.norm(weights, axis=0)
    weights *= np.exp(-0.5 * ((pitch / 12 - 5) / 2) ** 2)
    # Pitch 0 is an A; rows begin with C.
    return np.roll(weights, -3, axis=0)[:, : n_fft // 2 + 1].astype(np.float32)
