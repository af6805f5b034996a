"""Spectrogram figures of recordings of any length."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np

from ..signal.dsp import stft_power

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["peak_power", "png_bytes", "spectrogram_figure"]

_N_FFT = 2048
_HOP_LENGTH = 512
# Maximum number of columns; longer recordings have a longer hop.
_MAX_COLUMNS = 2000
_RANGE_DB = 80.0
_FLOOR = 1e-10


def peak_power(y: np.ndarray) -> float:
    """Return the maximum of a sound's power spectrogram.

    Parameters
    ----------
    y : np.ndarray [shape=(n,), dtype=float32]
        Mono samples.

    Returns
    -------
    float
        The default `reference` of `spectrogram_figure`; figures with the same
        reference share a scale.
    """
    return float(stft_power(y, n_fft=_N_FFT, hop_length=_hop_length(y)).max())


def spectrogram_figure(
    y: np.ndarray, sample_rate: int, *, title: str = "", reference: float | None = None
) -> Figure:
    """Draw the spectrogram of a sound in decibels.

    Parameters
    ----------
    y : np.ndarray [shape=(n,), dtype=float32]
        Mono samples, at least one.
    sample_rate : int
        In Hz.
    title : str
        Title of the figure.
    reference : float, optional
        Power at 0 dB. Default: the maximum.

    Returns
    -------
    Figure
        Time in seconds, frequency in kHz, and a colour bar over 80 dB. It does not
        use pyplot, so that any thread can draw it.
    """
    from matplotlib import rcParams
    from matplotlib.figure import Figure

    # Titles are not LaTeX, which need not be installed either.
    rcParams["text.usetex"] = False
    power = stft_power(y, n_fft=_N_FFT, hop_length=_hop_length(y))
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


def _hop_length(y: np.ndarray) -> int:
    return max(_HOP_LENGTH, len(y) // _MAX_COLUMNS)
