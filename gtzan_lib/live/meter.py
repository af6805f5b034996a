"""Level meter: levels in decibels, as a bar of text, and on a terminal."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

import numpy as np

__all__ = ["SoundLevels", "level_bar", "levels", "status_line"]

# Full scale is 32767/32768 for 16 bits, and converters round.
_CLIPPED = 0.999
# Level at the left end of the bar.
_FLOOR_DB = -60.0


class SoundLevels(NamedTuple):
    """Levels of a block of samples.

    Attributes
    ----------
    peak_db : float
        Level of the largest sample in dBFS: 0 is full scale, silence is minus
        infinity.
    rms_db : float
        Level of the root mean square in dBFS.
    clipping : bool
        Whether the peak is at full scale, so that louder parts are clipped.
    """

    peak_db: float
    rms_db: float
    clipping: bool


def levels(y: np.ndarray) -> SoundLevels:
    """Measure the levels of samples.

    Parameters
    ----------
    y : np.ndarray [shape=(n,), dtype=float32]
        Mono, full scale at 1; samples that are not finite count as silence.

    Returns
    -------
    SoundLevels
        Peak and root mean square in dBFS.
    """
    y = np.nan_to_num(y, nan=0.0, posinf=0.0, neginf=0.0)
    peak = float(np.abs(y).max(initial=0.0))
    # Squares are summed in double precision.
    mean_square = float(np.square(y, dtype=np.float64).mean()) if len(y) else 0.0
    return SoundLevels(_decibels(peak), _decibels(math.sqrt(mean_square)), peak >= _CLIPPED)


def level_bar(y: np.ndarray, *, width: int = 20) -> str:
    """Draw the levels of samples as text, from -60 dBFS to full scale.

    Parameters
    ----------
    y : np.ndarray [shape=(n,), dtype=float32]
        Mono, full scale at 1.
    width : int
        Characters between the brackets.

    Returns
    -------
    str
        `#` up to the root mean square, `-` up to the peak, both levels in dBFS,
        and `clipping` if the peak is at full scale. It is plain ASCII.
    """
    measured = levels(y)
    peak, rms = (round(width * _position(level_db)) for level_db in measured[:2])
    marks = ("#" * rms + "-" * (peak - rms)).ljust(width)
    text = f"peak {measured.peak_db:5.1f} rms {measured.rms_db:5.1f} dBFS"
    return f"[{marks}] {text}" + ("  clipping" if measured.clipping else "")


@contextmanager
def status_line(*, show: bool = True) -> Iterator[Callable[[str], None]]:
    """Show a line on the terminal that can be replaced.

    Parameters
    ----------
    show : bool
        False shows nothing. Nothing is shown, either, if standard error is not a
        terminal, as in an executed notebook.

    Yields
    ------
    callable
        Takes the new text of the line.
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
            # As `Text`, since rich parses brackets in strings as markup.
            live.update(Text(text, style=style, no_wrap=True, overflow="crop"), refresh=True)

        yield write


def _decibels(value: float) -> float:
    return 20 * math.log10(value) if value > 0 else -math.inf


def _position(level_db: float) -> float:
    """Return the position of a level on the bar, from 0 to 1."""
    return min(max(1 - level_db / _FLOOR_DB, 0.0), 1.0)
