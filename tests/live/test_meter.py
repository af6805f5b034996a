"""How loud it is, in numbers, as a bar, and on a terminal."""

import io
import math

import numpy as np
import pytest

from gtzan_lib.live.meter import bar, levels, screen


def test_levels_of_known_sounds():
    time = np.arange(16_000) / 16_000
    sine = (0.5 * np.sin(2 * np.pi * 100 * time)).astype(np.float32)
    loud = levels(sine)
    assert loud.peak_db == pytest.approx(-6.02, abs=0.01)
    assert loud.rms_db == pytest.approx(-9.03, abs=0.01)
    assert not loud.clipping
    assert levels(np.ones(10, dtype=np.float32)) == (0.0, 0.0, True)


@pytest.mark.parametrize("y", [np.zeros(0), np.zeros(10), np.full(10, np.nan), [np.inf] * 3])
def test_silence_has_no_level(y):
    assert levels(np.asarray(y, dtype=np.float32)) == (-math.inf, -math.inf, False)
    assert "#" not in bar(np.asarray(y, dtype=np.float32))


@pytest.mark.parametrize("sign", [1, -1])
def test_full_scale_of_16_bits_is_marked(sign):
    y = np.array([0.1, sign * 32767 / 32768], dtype=np.float32)
    assert bar(y).endswith("clipping")
    assert "clipping" not in bar(0.98 * y)


def test_the_bar_grows_with_the_sound():
    drawn = [bar(np.full(9, 10 ** (db / 20), dtype=np.float32)) for db in (-90, -60, -30, -3, 0)]
    assert [text.count("#") for text in drawn] == [0, 0, 10, 19, 20]
    assert len({text.index("]") for text in drawn}) == 1
    peaky = np.zeros(1000, dtype=np.float32)
    peaky[0] = 0.5
    assert bar(peaky).startswith("[" + "#" * 8 + "-" * 10 + "  ]")
    # More than full scale does not leave the brackets.
    assert bar(np.full(9, 4.0, dtype=np.float32)).index("]") == 21
    assert bar(peaky).isascii()


def test_nothing_is_shown_where_there_is_no_terminal(capsys):
    with screen() as say:
        say("play")
    assert capsys.readouterr() == ("", "")


class Terminal(io.StringIO):
    """Standard error, on a terminal."""

    def isatty(self) -> bool:
        return True


def test_a_terminal_shows_the_line(monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    with screen() as say:
        say(f"play  {bar(np.ones(9, dtype=np.float32))}")
    assert "play  [####" in terminal.getvalue()
    with screen(show=False) as say:
        say("nothing")
    assert "nothing" not in terminal.getvalue()
