"""The 57 features of a sound with librosa's own functions.

This is the reference; `fast_features` computes the same numbers faster. Two
properties of older versions of librosa are needed to reproduce Kaggle's tables to
the last digits: before 0.9 it padded the ends by reflection, and the harmonic and
percussive parts ended at the centre of the last frame.
"""

from __future__ import annotations

import hashlib
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import librosa
import numpy as np
from filelock import FileLock

from .fast_features import HOP_LENGTH, N_FFT, SAMPLE_RATE, require_sound

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
        In the order of `gtzan_lib.data.tables.FEATURE_NAMES`.

    See Also
    --------
    gtzan_lib.signal.fast_features.compute_features : The same numbers in a fraction of the time.

    Notes
    -----
    The book page "Features" compares both with Kaggle's table.
    """
    y = require_sound(y)
    _compile()
    return _compute(y)


@cache
def _compile() -> None:
    """Compile librosa's numba functions in one process at a time.

    Numba's cache on disk of generalised functions is damaged where two processes
    write it at the same time, and later processes end with a segmentation fault.
    """
    digest = hashlib.sha256(librosa.__file__.encode()).hexdigest()[:12]
    with FileLock(Path(tempfile.gettempdir()) / f"gtzan-librosa-{digest}.lock"):
        _compute(np.random.default_rng(0).standard_normal(SAMPLE_RATE, dtype=np.float32))


def _compute(y: np.ndarray) -> np.ndarray:
    frames: dict[str, Any] = {"n_fft": N_FFT, "hop_length": HOP_LENGTH, "pad_mode": "reflect"}
    sound: dict[str, Any] = {"y": y, "sr": SAMPLE_RATE, **frames}
    harmonic, percussive = librosa.decompose.hpss(librosa.stft(y, **frames))
    onsets = librosa.onset.onset_strength(aggregate=np.median, **sound)
    # As in `librosa.beat.beat_track`, before the search for beats.
    tempo = librosa.feature.tempo(onset_envelope=onsets, sr=SAMPLE_RATE, hop_length=HOP_LENGTH)
    series = [
        librosa.feature.chroma_stft(**sound),
        librosa.feature.rms(y=y, frame_length=N_FFT, hop_length=HOP_LENGTH, pad_mode="reflect"),
        librosa.feature.spectral_centroid(**sound),
        librosa.feature.spectral_bandwidth(**sound),
        librosa.feature.spectral_rolloff(**sound),
        librosa.feature.zero_crossing_rate(y, frame_length=N_FFT, hop_length=HOP_LENGTH),
        *(_to_sound(part, len(y)) for part in (harmonic, percussive)),
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


def _to_sound(transform: np.ndarray, n: int) -> np.ndarray:
    y = librosa.istft(transform, n_fft=N_FFT, hop_length=HOP_LENGTH)
    return librosa.util.fix_length(y, size=n)


def _moments(series: list[np.ndarray] | np.ndarray) -> list[np.floating]:
    return [moment for values in series for moment in (np.mean(values), np.var(values))]
