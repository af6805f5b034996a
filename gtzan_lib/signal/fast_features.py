"""The 57 features of a sound, in a fraction of librosa's time.

All features share one Fourier transform; `librosa_features` computes the same
numbers with librosa's own functions. Both pad the ends by reflection, as librosa
did when Kaggle's tables were made (versions before 0.9).
"""

from __future__ import annotations

from functools import cache

import numpy as np
import scipy.fft

from ..data.arguments import waveform
from ..data.tables import SERIES
from ..errors import AudioError
from . import dsp, medians

__all__ = [
    "HOP_LENGTH",
    "MIN_SAMPLES",
    "N_FFT",
    "SAMPLE_RATE",
    "compute_features",
    "frame_features",
    "require_sound",
]

SAMPLE_RATE, N_FFT, HOP_LENGTH = 22_050, 2048, 512
"""Sample rate in Hz, and frame and hop length in samples, of all features."""

MIN_SAMPLES = N_FFT
"""Least length of a sound in samples."""

_N_MELS, _N_MFCC = 128, 20
_ROLL_OFF = 0.85
_SILENCE = np.finfo(np.float32).tiny


def compute_features(y: np.ndarray) -> np.ndarray:
    """Compute the 57 features.

    Parameters
    ----------
    y : np.ndarray [shape=(n,), dtype=float32]
        Mono sound at 22,050 Hz, at least 2048 samples.

    Returns
    -------
    np.ndarray [shape=(57,), dtype=float64]
        In the order of `gtzan_lib.data.tables.FEATURE_NAMES`: mean and variance of
        chroma, RMS, spectral centroid, bandwidth and roll-off (in Hz),
        zero-crossing rate, harmonic and percussive part; tempo in beats per
        minute; mean and variance of 20 MFCCs. All are finite, also for silence.

    See Also
    --------
    gtzan_lib.signal.librosa_features.compute_features : The same with librosa's functions.

    Notes
    -----
    The book page "Features" shows what each of them measures.
    """
    series = frame_features(y)
    mfcc = series["mfcc"]
    return np.concatenate(
        [
            *([np.mean(series[n], dtype=float), np.var(series[n], dtype=float)] for n in SERIES),
            [_tempo(series["onsets"])],
            # Mean and variance of each coefficient, alternating.
            np.stack([mfcc.mean(axis=0, dtype=float), mfcc.var(axis=0, dtype=float)], 1).ravel(),
        ]
    )


def frame_features(y: np.ndarray) -> dict[str, np.ndarray]:
    """Compute the features of each frame, before means and variances are taken.

    Parameters
    ----------
    y : np.ndarray [shape=(n,), dtype=float32]
        Mono sound at 22,050 Hz, at least 2048 samples.

    Returns
    -------
    dict of str to np.ndarray
        `level` (frames, 128), the mel spectrogram in dB; `onsets` (frames,), the
        onset strength, for the tempo; `mfcc` (frames, 20); `chroma_stft`
        (frames, 12), from C upwards; `rms`, `spectral_centroid`,
        `spectral_bandwidth`, `rolloff` (in Hz) and `zero_crossing_rate`, all
        (frames,); `harmony` and `perceptr`, the harmonic and percussive parts of
        the sound, (n,). A frame begins every 512 samples.

    Raises
    ------
    AudioError
        If the samples are not one channel of numbers, or too few.
    """
    y = require_sound(y)
    transform = dsp.stft(y, n_fft=N_FFT, hop_length=HOP_LENGTH, pad_mode="reflect")
    power = transform.real**2 + transform.imag**2
    magnitude = np.sqrt(power)
    level = _decibels(power @ _mel())
    harmonic, percussive = _harmonic_percussive(y, transform, magnitude)
    centroid, bandwidth = _centroid_and_bandwidth(magnitude)
    return {
        "level": level,
        "onsets": _onsets(level),
        "mfcc": level @ _dct_weights(),
        "chroma_stft": _chroma(power),
        "rms": _rms(y),
        "spectral_centroid": centroid,
        "spectral_bandwidth": bandwidth,
        "rolloff": _roll_off(magnitude),
        "zero_crossing_rate": _zero_crossings(y),
        "harmony": harmonic,
        "perceptr": percussive,
    }


def require_sound(y: np.ndarray) -> np.ndarray:
    """Return samples that features can be computed from, or raise an `AudioError`."""
    y = waveform(y)
    if len(y) < MIN_SAMPLES:
        raise AudioError(
            f"the sound has {len(y)} samples; features need at least {MIN_SAMPLES}.",
            reason="is too short",
        )
    return y


@cache
def _mel() -> np.ndarray:
    return dsp.mel_weights(sample_rate=SAMPLE_RATE, n_fft=N_FFT, n_mels=_N_MELS).T.copy()


@cache
def _dct_weights() -> np.ndarray:
    """Return the weights of the MFCCs: an orthonormal discrete cosine transform."""
    return scipy.fft.dct(np.eye(_N_MELS), norm="ortho")[:, :_N_MFCC].astype(np.float32)


def _harmonic_percussive(
    y: np.ndarray, transform: np.ndarray, magnitude: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Separate sound into a harmonic and a percussive part, smooth in time and in frequency.

    References
    ----------
    D. FitzGerald, "Harmonic/percussive separation using median filtering",
    DAFx, 2010.
    """
    harmonic_power = medians.running_median(magnitude)
    percussive_power = medians.running_median(np.ascontiguousarray(magnitude.T)).T
    harmonic_power *= harmonic_power
    total = percussive_power * percussive_power
    total += harmonic_power
    mask = np.divide(harmonic_power, total, out=np.full_like(total, 0.5), where=total > _SILENCE)
    # Frames are complete up to here. The rest stays silent, as in Kaggle's tables.
    covered = len(y) // HOP_LENGTH * HOP_LENGTH
    harmonic, percussive = np.zeros_like(y), np.zeros_like(y)
    harmonic[:covered] = dsp.istft(transform * mask, covered, hop_length=HOP_LENGTH)
    # The masks of the two parts sum to one.
    percussive[:covered] = y[:covered] - harmonic[:covered]
    return harmonic, percussive


def _chroma(power: np.ndarray) -> np.ndarray:
    chroma = power @ _chroma_weights(_tuning(power))
    peak = chroma.max(axis=1, keepdims=True)
    return np.divide(chroma, peak, out=chroma, where=peak > _SILENCE)


def _tuning(power: np.ndarray) -> float:
    """Estimate the deviation from standard tuning as a fraction of a semitone.

    Peaks of the spectrum between 150 and 4000 Hz that are above a tenth of their
    frame's maximum are refined by a parabola; of those above the median of all,
    the most frequent deviation is returned, with a resolution of 0.01.
    """
    low, high = np.ceil(np.array([150, 4000]) * N_FFT / SAMPLE_RATE).astype(int)
    center, below, above = (power[:, low + k : high + k] for k in (0, -1, 1))
    threshold = np.float32(0.1) * power.max(axis=1, keepdims=True)
    frame, place = np.nonzero((center > below) & (center >= above) & (center > threshold))
    if not len(frame):
        return 0.0
    center, below, above = (values[frame, place] for values in (center, below, above))
    curvature, slope = above + below - 2 * center, (above - below) / 2
    steep = np.abs(slope) >= np.abs(curvature)
    shift = np.where(steep, 0, -slope / np.where(steep, 1, curvature))
    height = center + slope * shift / 2
    frequency = (place + low + shift)[height >= np.median(height)] * SAMPLE_RATE / N_FFT
    deviation = (12 * np.log2(frequency / 440) + 0.5) % 1 - 0.5
    counts, edges = np.histogram(deviation, np.linspace(-0.5, 0.5, 101))
    return float(edges[counts.argmax()])


@cache
def _chroma_weights(tuning: float) -> np.ndarray:
    return dsp.chroma_weights(sample_rate=SAMPLE_RATE, n_fft=N_FFT, tuning=tuning).T.copy()


def _rms(y: np.ndarray) -> np.ndarray:
    hops = np.pad(y, N_FFT // 2, mode="reflect")
    hops = hops[: len(hops) // HOP_LENGTH * HOP_LENGTH].reshape(-1, HOP_LENGTH)
    energy = np.einsum("ij,ij->i", hops, hops)
    frames = np.lib.stride_tricks.sliding_window_view(energy, N_FFT // HOP_LENGTH)
    return np.sqrt(frames.sum(axis=1) / N_FFT)


def _zero_crossings(y: np.ndarray) -> np.ndarray:
    """Return the zero-crossing rate of each frame; values below 1e-10 count as zero."""
    padded = np.pad(y, N_FFT // 2, mode="edge")
    negative = padded < -1e-10
    crossings = np.concatenate([[0], np.cumsum(negative[1:] != negative[:-1])])
    starts = np.arange(0, len(padded) - N_FFT + 1, HOP_LENGTH)
    return (crossings[starts + N_FFT - 1] - crossings[starts]) / N_FFT


def _centroid_and_bandwidth(magnitude: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the spectral centroid and bandwidth of each frame, in Hz."""
    frequency = scipy.fft.rfftfreq(N_FFT, 1 / SAMPLE_RATE)
    total, first, second = (magnitude @ np.stack([frequency**k for k in range(3)], axis=1)).T
    audible = total > _SILENCE
    total = np.where(audible, total, 1)
    centroid = np.where(audible, first / total, 0)
    variance = np.where(audible, second / total - centroid**2, 0)
    return centroid, np.sqrt(np.maximum(variance, 0))


def _roll_off(magnitude: np.ndarray) -> np.ndarray:
    """Return the frequency below which 85 % of each frame's magnitude are, in Hz."""
    cumulative = np.cumsum(magnitude, axis=1)
    below = (cumulative < np.float32(_ROLL_OFF) * cumulative[:, -1:]).sum(axis=1)
    return below * (SAMPLE_RATE / N_FFT)


def _decibels(mel: np.ndarray) -> np.ndarray:
    level = 10 * np.log10(np.maximum(mel, np.float32(1e-10)))
    return np.maximum(level, level.max() - np.float32(80))


def _onsets(level: np.ndarray) -> np.ndarray:
    """Return the onset strength of each frame: the median rise in dB over the mel bands."""
    rise = np.median(np.maximum(level[1:] - level[:-1], 0), axis=1)
    # The value of a frame belongs to its centre, one hop after the difference.
    return np.pad(rise, (1 + N_FFT // (2 * HOP_LENGTH), 0))[: len(level)]


def _tempo(onsets: np.ndarray) -> float:
    """Estimate the tempo by autocorrelation of the onset strength over eight seconds.

    References
    ----------
    D. P. W. Ellis, "Beat tracking by dynamic programming", Journal of New Music
    Research 36(1), 2007, section 3.
    """
    if not onsets.any():
        return 0.0
    size = 8 * SAMPLE_RATE // HOP_LENGTH
    padded = np.pad(onsets, size // 2, mode="linear_ramp", end_values=0)
    frames = np.lib.stride_tricks.sliding_window_view(padded, size)[: len(onsets)]
    frames = frames * dsp.hann(size)
    energy = np.einsum("ij,ij->i", frames, frames)
    length = scipy.fft.next_fast_len(2 * size - 1, real=True)
    spectra = scipy.fft.rfft(frames, n=length, axis=-1)
    # Autocorrelations relative to lag 0; their mean needs only one inverse transform.
    weights = np.divide(1, energy, out=np.zeros_like(energy), where=energy > _SILENCE)
    mean = weights @ (spectra.real**2 + spectra.imag**2) / len(onsets)
    autocorrelation = scipy.fft.irfft(mean, n=length)[1:size]
    bpm = 60 * SAMPLE_RATE / (HOP_LENGTH * np.arange(1, size))
    prior = np.where(bpm < 320, -0.5 * np.log2(bpm / 120) ** 2, -np.inf)
    return float(bpm[np.argmax(np.log1p(1e6 * np.maximum(autocorrelation, 0)) + prior)])
