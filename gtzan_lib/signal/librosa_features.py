"""The 57 features of one stretch of sound from librosa's own functions.

This is the path to check others against; `descriptors` has the same numbers
faster. With two habits that librosa has given up, Kaggle's tables come out to
the last digits: before 0.9 it padded the ends with the sound's mirror image,
and older versions let the split parts end at the centre of the last frame.
"""

from __future__ import annotations

import hashlib
import tempfile
from functools import cache
from pathlib import Path

import librosa
import numpy as np
from filelock import FileLock

from .fast_features import HOP_LENGTH, N_FFT, SAMPLE_RATE

__all__ = ["compute_features"]


def compute_features(y: np.ndarray) -> np.ndarray:
    """Compute the 57 features.

    Parameters
    ----------
    y : np.ndarray [shape=(n,), dtype=float32]
        Mono sound at 22,050 Hz, at least 2048 samples.

    Returns
    -------
    np.ndarray [shape=(57,), dtype=float64]
        In the order of `gtzan_lib.data.tables.FEATURES`.

    See Also
    --------
    gtzan_lib.signal.fast_features.compute_features : The same numbers in a fraction of the time.

    Notes
    -----
    The book page "Features" compares both with Kaggle's table.
    """
    _compile()
    return _describe(y)


@cache
def _compile() -> None:
    """Let one process at a time compile the parts of librosa that are kept on disk.

    Two that write them together leave what ends later ones with a segmentation
    fault (numba's cache of generalised functions).
    """
    place = hashlib.sha256(librosa.__file__.encode()).hexdigest()[:12]
    with FileLock(Path(tempfile.gettempdir()) / f"gtzan-librosa-{place}.lock"):
        _describe(np.random.default_rng(0).standard_normal(SAMPLE_RATE, dtype=np.float32))


def _describe(y: np.ndarray) -> np.ndarray:
    frames = {"n_fft": N_FFT, "hop_length": HOP_LENGTH, "pad_mode": "reflect"}
    sound = {"y": y, "sr": SAMPLE_RATE, **frames}
    lasting, striking = librosa.decompose.hpss(librosa.stft(y, **frames))
    onsets = librosa.onset.onset_strength(aggregate=np.median, **sound)
    # As `librosa.beat.beat_track` does before it looks for the beats themselves.
    tempo = librosa.feature.tempo(onset_envelope=onsets, sr=SAMPLE_RATE, hop_length=HOP_LENGTH)
    series = [
        librosa.feature.chroma_stft(**sound),
        librosa.feature.rms(y=y, frame_length=N_FFT, hop_length=HOP_LENGTH, pad_mode="reflect"),
        librosa.feature.spectral_centroid(**sound),
        librosa.feature.spectral_bandwidth(**sound),
        librosa.feature.spectral_rolloff(**sound),
        librosa.feature.zero_crossing_rate(y, frame_length=N_FFT, hop_length=HOP_LENGTH),
        *(_sound(part, len(y)) for part in (lasting, striking)),
    ]
    mfcc = librosa.feature.mfcc(n_mfcc=20, **sound)
    return np.array(
        [
            *_moments(series),
            tempo.item() if onsets.any() else 0.0,
            *_moments(mfcc),
        ],
        dtype=float,
    )


def _sound(transform: np.ndarray, n: int) -> np.ndarray:
    y = librosa.istft(transform, n_fft=N_FFT, hop_length=HOP_LENGTH)
    return librosa.util.fix_length(y, size=n)


def _moments(series: list[np.ndarray] | np.ndarray) -> list[np.floating]:
    return [moment for one in series for moment in (np.mean(one), np.var(one))]
