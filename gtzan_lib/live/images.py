"""Pictures of recordings of any length."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np

from ..signal.dsp import stft_power

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["peak_power", "spectrogram_figure", "png_bytes"]

_N_FFT = 2048
_HOP = 512
# More columns than this no screen shows; longer recordings are drawn in longer steps.
_COLUMNS = 2000
_RANGE_DB = 80.0
_FLOOR = 1e-10


def peak_power(y: np.ndarray) -> float:
    """Return the power of the loudest point in the picture of a sound.

    Parameters
    ----------
    y : np.ndarray [shape=(n,), dtype=float32]
        Mono samples.

    Returns
    -------
    float
        What `picture` takes for 0 dB, so that several can share a scale.
    """
    return float(stft_power(y, n_fft=_N_FFT, hop_length=_hop(y)).max())


def spectrogram_figure(
    y: np.ndarray, sample_rate: int, *, title: str = "", reference: float | None = None
) -> Figure:
    """Draw a sound over time and frequency, in decibels.

    Parameters
    ----------
    y : np.ndarray [shape=(n,), dtype=float32]
        Mono samples, at least one.
    sample_rate : int
        In Hz.
    title : str
        Stands above.
    reference : float, optional
        Power that is 0 dB. Default: that of the loudest point.

    Returns
    -------
    Figure
        Seconds across, kilohertz upward, and 80 dB in colours with their bar.
        It belongs to no window, so that any thread may draw.
    """
    from matplotlib.figure import Figure

    power = stft_power(y, n_fft=_N_FFT, hop_length=_hop(y))
    top = 10 * np.log10(max(power.max() if reference is None else reference, _FLOOR))
    decibels = 10 * np.log10(np.maximum(power, _FLOOR)) - top
    figure = Figure(figsize=(8, 3.5), layout="constrained")
    ax = figure.subplots()
    image = ax.imshow(
        decibels.T, origin="lower", aspect="auto", cmap="magma", interpolation="nearest",
        extent=(0, len(y) / sample_rate, 0, sample_rate / 2000), vmin=-_RANGE_DB, vmax=0,
    )  # fmt: skip
    ax.set(xlabel="time (s)", ylabel="frequency (kHz)", title=title)
    figure.colorbar(image, ax=ax, label="level (dB)")
    return figure


def png_bytes(figure: Figure) -> bytes:
    """Return a figure as the bytes of a PNG file."""
    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=110)
    return stream.getvalue()


def _hop(y: np.ndarray) -> int:
    return max(_HOP, len(y) // _COLUMNS)
