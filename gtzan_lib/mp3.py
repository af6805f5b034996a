"""Encoding sound as MP3 at a constant bit rate."""

from __future__ import annotations

import io

import numpy as np

__all__ = ["SAMPLE_RATES", "compression_level", "encode"]

SAMPLE_RATES = (8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000)
"""Sample rates in Hz of MPEG-1, MPEG-2 and MPEG-2.5."""


def compression_level(kbit_s: int, sample_rate: int) -> float:
    """Return libsndfile's compression level for a constant bit rate.

    Parameters
    ----------
    kbit_s : int
        Bit rate in kbit/s.
    sample_rate : int
        One of `SAMPLE_RATES`, in Hz.

    Returns
    -------
    float
        0 for the highest bit rate of the sample rate's MPEG version, 1 for the
        lowest, linear in between.
    """
    if sample_rate >= 32_000:
        low, high = 32, 320
    elif sample_rate >= 16_000:
        low, high = 8, 160
    else:
        low, high = 8, 64
    return (high - kbit_s) / (high - low)


def encode(y: np.ndarray, sample_rate: int, level: float) -> bytes:
    """Encode one channel as MP3.

    Parameters
    ----------
    y : np.ndarray [shape=(n,), dtype=float32 or int16]
        Samples; floating-point numbers have full scale at 1.
    sample_rate : int
        One of `SAMPLE_RATES`, in Hz.
    level : float
        As from `compression_level`. The encoder takes the nearest bit rate of
        the format, but two levels of the same bit rate give different bytes.

    Returns
    -------
    bytes
        An MP3 file.
    """
    import soundfile

    file = io.BytesIO()
    soundfile.write(
        file,
        y,
        sample_rate,
        format="MP3",
        subtype="MPEG_LAYER_III",
        bitrate_mode="CONSTANT",
        compression_level=level,
    )
    return file.getvalue()
