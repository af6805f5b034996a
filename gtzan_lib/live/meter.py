"""How loud it is: in decibels, as a bar of text, and on a terminal."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

import numpy as np

__all__ = ["Levels", "bar", "levels", "screen"]

# Full scale is 32767/32768 for 16 bits, and converters round.
_CLIPPED = 0.999
# What is below stands for silence in the bar.
_QUIET_DB = -60.0


class Levels(NamedTuple):
    """How loud a piece of sound is.

    Attributes
    ----------
    peak_db : float
        Of the largest sample, in dBFS: 0 is full scale, silence is minus infinity.
    rms_db : float
        Of the root of the mean square, in dBFS.
    clipping : bool
        Whether the peak is at full scale, so that louder parts were cut off.
    """

    peak_db: float
    rms_db: float
    clipping: bool


def levels(y: np.ndarray) -> Levels:
    """Measure how loud samples are.

    Parameters
    ----------
    y : np.ndarray [shape=(n,), dtype=float32]
        Mono, full scale at 1; what is no number counts as silence.

    Returns
    -------
    Levels
        Peak and root mean square in dBFS.
    """
    y = np.nan_to_num(y, nan=0.0, posinf=0.0, neginf=0.0)
    peak = float(np.abs(y).max(initial=0.0))
    # Squares of single precision would be summed with its error.
    mean_square = float(np.square(y, dtype=np.float64).mean()) if len(y) else 0.0
    return Levels(_decibels(peak), _decibels(math.sqrt(mean_square)), peak >= _CLIPPED)


def bar(y: np.ndarray, *, width: int = 20) -> str:
    """Draw how loud samples are, from -60 dBFS to full scale.

    Parameters
    ----------
    y : np.ndarray [shape=(n,), dtype=float32]
        Mono, full scale at 1.
    width : int
        Characters between the brackets.

    Returns
    -------
    str
        `#` up to the root mean square, `-` up to the peak, and both in dBFS;
        `clipping` where the peak is at full scale. It is plain ASCII, which
        every terminal can show.
    """
    now = levels(y)
    peak, rms = (round(width * _share(value)) for value in now[:2])
    drawn = ("#" * rms + "-" * (peak - rms)).ljust(width)
    told = f"peak {now.peak_db:5.1f} rms {now.rms_db:5.1f} dBFS"
    return f"[{drawn}] {told}" + ("  clipping" if now.clipping else "")


@contextmanager
def screen(*, show: bool = True) -> Iterator[Callable[[str], None]]:
    """Give a line on the terminal that can be written again and again.

    Parameters
    ----------
    show : bool
        False shows nothing; nothing is shown, either, where standard error is no
        terminal, as in an executed notebook.

    Yields
    ------
    callable
        Takes the text that replaces the line.
    """
    if not (show and sys.stderr.isatty()):
        yield lambda text: None
        return
    from rich.console import Console
    from rich.live import Live
    from rich.text import Text

    with Live(console=Console(stderr=True), auto_refresh=False, transient=True) as live:

        def write(text: str) -> None:
            style = "bold red" if "clipping" in text else ""
            # As `Text`, since rich would take the bar's brackets for markup.
            live.update(Text(text, style=style, no_wrap=True, overflow="crop"), refresh=True)

        yield write


def _decibels(value: float) -> float:
    return 20 * math.log10(value) if value > 0 else -math.inf


def _share(level_db: float) -> float:
    """How far a level is from the bar's beginning to its end, from 0 to 1."""
    return min(max(1 - level_db / _QUIET_DB, 0.0), 1.0)
