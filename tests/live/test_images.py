"""Spectrogram figures of recordings."""

import ast
from pathlib import Path

import numpy as np
import pytest

from gtzan_lib import live
from gtzan_lib.live.images import peak_power, png_bytes, spectrogram_figure

RATE = 8_000


def tone(level: float, seconds: float = 1.0) -> np.ndarray:
    time = np.arange(round(seconds * RATE)) / RATE
    return (level * np.sin(2 * np.pi * 1000 * time)).astype(np.float32)


def levels_of(figure) -> np.ndarray:
    """Return the decibels of a figure, frequency by time."""
    return figure.axes[0].images[0].get_array()


def test_default_reference_is_the_maximum():
    decibels = levels_of(spectrogram_figure(tone(0.5), RATE))
    assert decibels.max() == pytest.approx(0, abs=1e-4)
    # The tone is at 1 kHz of 4 kHz.
    assert decibels.max(axis=1).argmax() == pytest.approx(len(decibels) / 4, abs=2)


def test_figures_with_one_reference_share_a_scale():
    reference = peak_power(tone(0.5))
    decibels = levels_of(spectrogram_figure(tone(0.05), RATE, reference=reference))
    assert decibels.max() == pytest.approx(-20, abs=0.01)


def test_axes_are_in_seconds_and_kilohertz():
    figure = spectrogram_figure(tone(0.5, 2.5), RATE, title="recorded")
    ax = figure.axes[0]
    assert ax.get_title() == "recorded"
    assert ax.images[0].get_extent() == [0, 2.5, 0, 4]
    assert ax.images[0].get_clim() == (-80, 0)


def test_long_recordings_have_a_limited_number_of_columns():
    long = np.zeros(4_000 * 512, dtype=np.float32)
    assert levels_of(spectrogram_figure(long, RATE)).shape[1] <= 2_010


@pytest.mark.parametrize("y", [np.zeros(1), np.zeros(RATE), np.ones(3)])
def test_figures_of_silent_and_short_sound_are_finite(y):
    figure = spectrogram_figure(y.astype(np.float32), RATE)
    assert np.isfinite(levels_of(figure)).all()
    assert png_bytes(figure).startswith(b"\x89PNG")


@pytest.mark.parametrize(
    "file", sorted(Path(live.__file__).parent.glob("*.py")), ids=lambda f: f.name
)
def test_live_does_not_import_plots(file):
    """Nor pyplot, whose figures belong to the main thread."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import | ast.ImportFrom):
            module = getattr(node, "module", None) or ""
            names = [*module.split("."), *(part for a in node.names for part in a.name.split("."))]
            assert "plots" not in names
            assert "pyplot" not in names
