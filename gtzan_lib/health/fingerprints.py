"""Fingerprints of recordings: the changes of the level in each frequency band.

A copy may be encoded anew, louder, or cut elsewhere; the times at which the level
of a band rises and falls stay the same. A fingerprint is computed in three steps.
The *envelope* is a coarse log-mel spectrogram, small enough to be kept for every
track. The *trace* is its change in time, each band at zero mean and unit variance.
The *sharp trace* is nearly white in time, so that a recording correlates with
itself at one lag only, although music repeats with every bar.

Frames of a copy that was cut elsewhere begin up to half a frame earlier or later,
which lowers the correlation. A long overlap makes up for it, and a short one does
not: short recordings have an envelope in several *phases*, of which one begins
nearly with the frames of the other recording.

References
----------
Signs of changes in band energies as a fingerprint, and overlapping frames against
their unknown alignment: J. Haitsma and T. Kalker, "A highly robust audio
fingerprinting system", ISMIR 2002.

Whitening before correlation: C. Knapp and G. Carter, "The generalized
correlation method for estimation of time delay", IEEE Transactions on
Acoustics, Speech and Signal Processing 24(4), 1976.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import scipy.fft

from ..signal.dsp import hann, mel_weights

__all__ = [
    "FRAME_S",
    "LONGEST_S",
    "N_BANDS",
    "PHASES",
    "SHORT_S",
    "Envelope",
    "decibels",
    "from_log_mel",
    "sharp_trace",
    "trace",
]

N_BANDS = 32
"""Number of bands of an envelope, from 0 to 11,025 Hz."""

FRAME_S = 0.0775
"""Seconds from one frame to the next; 387 of them are 30 s."""

LONGEST_S = 120.0
"""Seconds from the beginning of a recording that its fingerprint covers."""

SHORT_S = 10.0
"""Seconds up to which a recording is short, and has an envelope in several phases."""

PHASES = 4
"""Number of phases of a short recording, a quarter of a frame apart."""

_N_MELS = 128
_FMAX = 11_025.0
_WINDOW_S = 2048 / 22_050
_TOP_DB = 80.0

# Largest absolute value of a trace.
_LARGEST = 4.0

# How far the spectrum of each band's changes is flattened: 1 gives every rate
# of change the same weight, even those with nothing but noise.
_FLATTEN = 0.8


class Envelope:
    """Computes the envelope of a recording that arrives in pieces.

    Parameters
    ----------
    sample_rate : int
        In Hz.
    """

    def __init__(self, sample_rate: int) -> None:
        self._rate, self._samples = sample_rate, 0
        self._phases = [_Frames(sample_rate, number / PHASES) for number in range(PHASES)]

    @staticmethod
    def empty() -> np.ndarray:
        """Return an envelope without frames."""
        return np.zeros((N_BANDS, 0), dtype=np.uint8)

    def add(self, y: np.ndarray) -> None:
        """Add the next piece.

        Parameters
        ----------
        y : np.ndarray [shape=(n,), dtype=float32]
            Mono samples.
        """
        self._samples += len(y)
        if self._samples > SHORT_S * self._rate:
            del self._phases[1:]
        for phase in self._phases:
            phase.add(y)

    def finish(self) -> np.ndarray:
        """Return the envelope.

        Returns
        -------
        np.ndarray [shape=(32, frames) or (4, 32, frames), dtype=uint8]
            Means over neighbouring mel bands, in decibels, from 80 dB below the
            maximum (0) to the maximum (255); of a recording of at most `SHORT_S`
            seconds in `PHASES` phases.
        """
        levels = [phase.finish() for phase in self._phases]
        if len(levels) == 1 or levels[0].shape[1] == 0:
            return levels[0]
        # Later phases may have a frame less.
        frames = min(phase.shape[1] for phase in levels)
        return np.stack([phase[:, :frames] for phase in levels])


class _Frames:
    """Computes the frames of one phase, which begins by a fraction of a frame later."""

    def __init__(self, rate: int, phase: float) -> None:
        self._rate, self._phase = rate, phase
        self._rest = np.zeros(0, dtype=np.float32)
        self._rest_start = 0
        self._frames: list[np.ndarray] = []
        self._count = 0

    def add(self, y: np.ndarray) -> None:
        """Add the next piece."""
        window_length, n_fft, weights, window = _analysis(self._rate)
        y = np.concatenate([self._rest, y])
        last = min((self._rest_start + len(y) - window_length) / self._rate, LONGEST_S) / FRAME_S
        # The next frame may begin after this piece.
        stop = max(self._count, int(np.floor(last - self._phase)) + 1)
        starts = self._start(np.arange(self._count, stop)) - self._rest_start
        starts = starts[starts + window_length <= len(y)]
        if len(starts):
            frames = np.lib.stride_tricks.sliding_window_view(y, window_length)[starts]
            power = np.square(np.abs(scipy.fft.rfft(frames * window, n_fft, axis=1)))
            self._frames.append(power @ weights.T)
            self._count += len(starts)
        done = min(len(y), max(0, int(self._start(self._count)) - self._rest_start))
        self._rest = y[done:] if self._count * FRAME_S < LONGEST_S else y[len(y) :]
        self._rest_start += len(y) - len(self._rest)

    def _start(self, number: np.ndarray | int) -> np.ndarray:
        """Return the samples at which frames begin."""
        return np.round((number + self._phase) * FRAME_S * self._rate).astype(int)

    def finish(self) -> np.ndarray:
        """Return the levels of all frames."""
        if not self._frames:
            return Envelope.empty()
        power = np.concatenate(self._frames).T
        db = 10 * np.log10(np.maximum(power, 1e-10))
        db = np.maximum(db - db.max(), -_TOP_DB).reshape(N_BANDS, -1, power.shape[1]).mean(axis=1)
        return np.round((db + _TOP_DB) * (255 / _TOP_DB)).astype(np.uint8)


@lru_cache(maxsize=8)
def _analysis(rate: int) -> tuple[int, int, np.ndarray, np.ndarray]:
    window_length = round(_WINDOW_S * rate)
    n_fft = scipy.fft.next_fast_len(window_length, real=True)
    weights = mel_weights(sample_rate=rate, n_fft=n_fft, n_mels=_N_MELS, fmax=_FMAX)
    return window_length, n_fft, weights, hann(window_length)


def from_log_mel(image: np.ndarray) -> np.ndarray:
    """Return the envelope of a log-mel spectrogram.

    Parameters
    ----------
    image : np.ndarray [shape=(n_mels, columns)]
        Low bands first, in columns of about `FRAME_S`; a multiple of 32 mel bands
        up to 11,025 Hz. Grey levels (uint8), or natural logarithms of the power.

    Returns
    -------
    np.ndarray [shape=(32, columns), dtype=uint8]
        Means over neighbouring mel bands. Their scale is that of the image;
        traces do not depend on it.
    """
    if image.dtype != np.uint8:
        image = (decibels(image) / _TOP_DB + 1) * 255
    n_mels, columns = image.shape
    grouped = image.reshape(N_BANDS, n_mels // N_BANDS, columns)
    return np.round(grouped.mean(axis=1, dtype=np.float32)).astype(np.uint8)


def decibels(image: np.ndarray) -> np.ndarray:
    """Return the levels of a log-mel spectrogram in a scale that is linear in decibels.

    Parameters
    ----------
    image : np.ndarray [shape=(n_mels, columns)]
        As for `from_log_mel`.

    Returns
    -------
    np.ndarray [shape=(n_mels, columns), dtype=float32]
        Decibels from -80 to the maximum, 0; grey levels as they are.
    """
    if image.dtype == np.uint8:
        return image.astype(np.float32)
    levels = image * np.float32(10 / np.log(10))
    return np.maximum(levels - levels.max(), -_TOP_DB)


def trace(envelopes: np.ndarray) -> np.ndarray:
    """Return how each band changes from frame to frame.

    Parameters
    ----------
    envelopes : np.ndarray [shape=(..., 32, frames), dtype=uint8]
        As from `Envelope.finish`, of equal length.

    Returns
    -------
    np.ndarray [shape=(..., 32, frames - 1), dtype=float32]
        Each band at zero mean and unit variance, large values clipped; all zeros
        where it is constant.
    """
    change = np.diff(envelopes.astype(np.float32), axis=-1)
    if change.shape[-1] == 0:
        return change
    change -= change.mean(axis=-1, keepdims=True)
    spread = change.std(axis=-1, keepdims=True)
    scaled = np.divide(change, spread, out=np.zeros_like(change), where=spread > 0)
    # A gap or a click counts no more than a strong beat.
    return scaled.clip(-_LARGEST, _LARGEST, out=scaled)


def sharp_trace(traces: np.ndarray) -> np.ndarray:
    """Make traces nearly white in time.

    Parameters
    ----------
    traces : np.ndarray [shape=(..., 32, frames), dtype=float32]
        As from `trace`.

    Returns
    -------
    np.ndarray [shape=(..., 32, frames), dtype=float32]
        With a mean square over all bands and frames of 1, or 0 for silence.
    """
    frames = traces.shape[-1]
    spectrum = scipy.fft.rfft(traces, 2 * frames, axis=-1)
    size = np.abs(spectrum)
    floor = 1e-3 * size.mean(axis=-1, keepdims=True) + np.float32(1e-12)
    sharp = scipy.fft.irfft(spectrum / (size + floor) ** _FLATTEN, 2 * frames, axis=-1)
    sharp = sharp[..., :frames].astype(np.float32)
    energy = np.square(sharp).mean(axis=(-2, -1), keepdims=True)
    return np.divide(sharp, np.sqrt(energy), out=np.zeros_like(sharp), where=energy > 0)
