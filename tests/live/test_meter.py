"""The level meter: numbers, a level_bar of text, and a line on a terminal."""

import io
import math

import numpy as np
import pytest

from gtzan_lib.live.meter import level_bar, levels, status_line


def test_levels_of_known_sounds():
    time = np.arange(16_000) / 16_000
    sine = (0.5 * np.sin(2 * np.pi * 100 * time)).astype(np.float32)
    measured = levels(sine)
    assert measured.peak_db == pytest.approx(-6.02, abs=0.01)
    assert measured.rms_db == pytest.approx(-9.03, abs=0.01)
    assert not measured.clipping
    assert levels(np.ones(10, dtype=np.float32)) == (0.0, 0.0, True)


@pytest.mark.parametrize("y", [np.zeros(0), np.zeros(10), np.full(10, np.nan), [np.inf] * 3])
def test_level_of_silence_is_minus_infinity(y):
    assert levels(np.asarray(y, dtype=np.float32)) == (-math.inf, -math.inf, False)
    assert "#" not in level_bar(np.asarray(y, dtype=np.float32))


@pytest.mark.parametrize("sign", [1, -1])
def test_full_scale_of_16_bits_is_clipping(sign):
    y = np.array([0.1, sign * 32767 / 32768], dtype=np.float32)
    assert level_bar(y).endswith("clipping")
    assert "clipping" not in level_bar(0.98 * y)


def test_bar_grows_with_the_level():
    bars = [
        level_bar(np.full(9, 10 ** (db / 20), dtype=np.float32)) for db in (-90, -60, -30, -3, 0)
    ]
    assert [text.count("#") for text in bars] == [0, 0, 10, 19, 20]
    assert len({text.index("]") for text in bars}) == 1
    impulse = np.zeros(1000, dtype=np.float32)
    impulse[0] = 0.5
    assert level_bar(impulse).startswith("[" + "#" * 8 + "-" * 10 + "  ]")
    # Samples above full scale stay within the brackets.
    assert level_bar(np.full(9, 4.0, dtype=np.float32)).index("]") == 21
    assert level_bar(impulse).isascii()


def test_nothing_is_shown_without_a_terminal(capsys):
    with status_line() as show_line:
        show_line("play")
    assert capsys.readouterr() == ("", "")


class Terminal(io.StringIO):
    """Standard error on a terminal."""

    def isatty(self) -> bool:
        return True


def test_line_is_shown_on_a_terminal(monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    with status_line() as show_line:
        show_line(f"play  {level_bar(np.ones(9, dtype=np.float32))}")
    assert "play  [####" in terminal.getvalue()
    with status_line(show=False) as show_line:
        show_line("nothing")
    assert "nothing" not in terminal.getvalue()
