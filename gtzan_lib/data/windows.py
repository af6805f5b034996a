"""Windows: their starts, and cutting them out of sound.

No other module computes the start of a window. Stores, feature tables,
predictions, streams and log-mel files all use `WindowGrid`, so that they have
the same windows of the same sound.
"""

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ..errors import CorpusError

if TYPE_CHECKING:
    import pandas as pd

    from .corpus import Corpus

__all__ = [
    "KAGGLE_GRID",
    "SHORTEST_S",
    "TAILS",
    "Window",
    "WindowCutter",
    "WindowGrid",
    "cut",
    "window_table",
]

SHORTEST_S = 1.0
"""Shortest sound in seconds that is repeated to fill a longer window."""

TAILS = ("align", "drop", "whole")
"""Ways to treat the end of a sound that regular windows do not cover."""

# A sound as long as n windows must have n in spite of rounding.
_TOLERANCE = 1e-6


@dataclasses.dataclass(frozen=True, init=False)
class WindowGrid:
    """Starts of the windows of a sound.

    Parameters
    ----------
    seconds : float
        Length of a window.
    step : float, optional
        Seconds from one window's start to the next. Default: `seconds`, so that
        windows neither overlap nor leave gaps.
    tail : {"align", "drop", "whole"}
        How the end is treated. `align`: if at least half a step is not covered, one
        last window ends where the sound ends; sound of at least `SHORTEST_S` that is
        shorter than a window is one window, which repeats the sound until it is
        full. `drop`: incomplete windows are left out. `whole`: sound shorter than
        two steps is one window from beginning to end; longer sound is treated as by
        `drop`.

    Raises
    ------
    CorpusError
        If a length is not above zero, or there is no such tail.

    Notes
    -----
    The book page "The corpus" shows the grid.

    Examples
    --------
    >>> WindowGrid(3.0).starts(29.93)
    array([ 0.  ,  3.  ,  6.  ,  9.  , 12.  , 15.  , 18.  , 21.  , 24.  , 26.93])
    """

    seconds: float
    step: float
    tail: str

    def __init__(self, seconds: float, step: float | None = None, tail: str = "align") -> None:
        object.__setattr__(self, "seconds", seconds)
        object.__setattr__(self, "step", seconds if step is None else step)
        object.__setattr__(self, "tail", tail)
        if not (0 < self.seconds < math.inf and 0 < self.step < math.inf):
            raise CorpusError(
                f"windows of {self.seconds} s every {self.step} s cannot be cut: both must be "
                "above zero."
            )
        if self.tail not in TAILS:
            raise CorpusError(
                f"there is no tail {self.tail!r} of windows; choose one of {', '.join(TAILS)}."
            )

    def starts(self, duration_s: float) -> np.ndarray:
        """Return the starts of the windows of a sound.

        Parameters
        ----------
        duration_s : float
            Length of the sound in seconds; NaN if it is not known.

        Returns
        -------
        np.ndarray [shape=(windows,)]
            Seconds from the beginning, ascending.
        """
        if self.is_whole(duration_s):
            return np.zeros(1)
        if not duration_s + _TOLERANCE >= self.seconds:
            short = self.tail == "align" and duration_s >= min(SHORTEST_S, self.seconds)
            return np.zeros(int(short))
        count = int((duration_s - self.seconds + _TOLERANCE) // self.step) + 1
        starts = np.arange(count) * float(self.step)
        uncovered = duration_s - (starts[-1] + self.seconds)
        if self.tail == "align" and uncovered + _TOLERANCE >= self.step / 2:
            starts = np.append(starts, round(duration_s - self.seconds, 6))
        return starts

    def is_whole(self, duration_s: float) -> bool:
        """Return whether a sound is one window from beginning to end."""
        return self.tail == "whole" and 0 < duration_s < 2 * self.step


KAGGLE_GRID = WindowGrid(66_149 / 22_050, 3.0, tail="drop")
"""The windows of Kaggle's table of 3 s features: 66,149 samples every 66,150."""


def window_table(corpus: Corpus, grid: WindowGrid = WindowGrid(3.0)) -> pd.DataFrame:
    """Return a table of the windows of every track.

    Parameters
    ----------
    corpus : Corpus
        The tracks. Unreadable ones have no windows.
    grid : WindowGrid
        Starts of the windows.

    Returns
    -------
    pd.DataFrame
        One row per window in the order of the corpus: `window_id`
        (`blues.00000.3`), `track_id`, `genre`, `start_s`.

    Raises
    ------
    CorpusError
        If no track is long enough, or the corpus is a table, which has its own
        windows.

    Examples
    --------
    >>> import gtzan_lib as gl
    >>> corpus = gl.open_corpus("/data/gtzan")  # doctest: +SKIP
    >>> gl.data.window_table(corpus, gl.WindowGrid(10, step=5))  # doctest: +SKIP
    """
    from .corpus import TableCorpus

    if isinstance(corpus, TableCorpus):
        corpus.require_audio()
    tracks = corpus.tracks
    starts = [grid.starts(duration) for duration in tracks["duration_s"]]
    repeated = tracks[["genre"]].loc[tracks.index.repeat([len(track) for track in starts])]
    if repeated.empty:
        raise CorpusError(
            f"{corpus.root}: no track is as long as one window of {grid.seconds} s; choose shorter "
            "ones."
        )
    table = repeated.rename_axis("track_id").reset_index()
    number = table.groupby("track_id", sort=False).cumcount()
    table.insert(0, "window_id", table["track_id"] + "." + number.astype(str))
    table["start_s"] = np.concatenate(starts)
    return table


class Window(NamedTuple):
    """A window of sound.

    Attributes
    ----------
    start_s : float
        Its start in seconds from the first sample of the sound.
    y : np.ndarray [shape=(n,), dtype=float32]
        Its samples, with the requested context before and after them.
    """

    start_s: float
    y: np.ndarray


def cut(y: np.ndarray, start: int, samples: int, *, before: int = 0, after: int = 0) -> np.ndarray:
    """Cut a window out of sound.

    Parameters
    ----------
    y : np.ndarray [shape=(n,)]
        The sound.
    start : int
        The window's first sample.
    samples : int
        Length of the window.
    before, after : int
        Samples of context before and after it; zeros outside of the sound.

    Returns
    -------
    np.ndarray [shape=(before + samples + after,)]
        The window; a view of `y` if no zeros were added.
    """
    first, last = start - before, start + samples + after
    piece = y[max(0, first) : max(0, last)]
    left = min(max(0, -first), last - first)
    right = last - first - left - len(piece)
    return np.pad(piece, (left, right)) if left or right else piece


class WindowCutter:
    """Cuts windows out of sound that arrives in pieces.

    Its memory does not grow with the sound.

    Parameters
    ----------
    grid : WindowGrid
        Starts of the windows.
    sample_rate : int
        Of the sound, in Hz.
    before, after : int
        Samples of context of each window, as in `cut`. A window is complete when its
        context has arrived.

    Raises
    ------
    CorpusError
        If the tail of the grid is `whole`, since the length is not known.
    """

    # Resampling in pieces may give a sample or two more than the sound has.
    _MARGIN = 2

    def __init__(
        self, grid: WindowGrid, sample_rate: int, *, before: int = 0, after: int = 0
    ) -> None:
        if grid.tail == "whole":
            raise CorpusError("a stream has no whole length; choose the tail align or drop.")
        self.grid, self.sample_rate = grid, sample_rate
        self._before, self._after = before, after
        self._samples = round(grid.seconds * sample_rate)
        self._kept = np.zeros(0, dtype=np.float32)
        self._first = 0  # position of the first sample in memory
        self._number = 0  # of the next regular window

    @property
    def arrived(self) -> int:
        """Number of samples that have arrived."""
        return self._first + len(self._kept)

    def push(self, y: np.ndarray) -> list[Window]:
        """Add the next samples.

        Parameters
        ----------
        y : np.ndarray [shape=(n,), dtype=float32]
            Mono, at the sample rate.

        Returns
        -------
        list of Window
            The windows that these samples completed.
        """
        self._kept = np.concatenate([self._kept, y])
        complete = []
        while True:
            start = self._number * self.grid.step
            end = self._position(start) + self._samples
            if end + max(self._after, self._MARGIN) > self.arrived:
                break
            complete.append(self._window(start))
            self._number += 1
        # A last window, which ends where the sound ends, may still need earlier samples.
        needed = min(self._position(self._number * self.grid.step), self.arrived - self._samples)
        done = max(0, needed - self._before - self._MARGIN - self._first)
        self._kept, self._first = self._kept[done:], self._first + done
        return complete

    def finish(self, duration_s: float | None = None) -> list[Window]:
        """End the sound.

        Parameters
        ----------
        duration_s : float, optional
            Its length in seconds. Default: that of the samples that have arrived, which
            resampling may have rounded.

        Returns
        -------
        list of Window
            The remaining windows of the grid.
        """
        duration_s = self.arrived / self.sample_rate if duration_s is None else duration_s
        return [self._window(start) for start in self.grid.starts(duration_s)[self._number :]]

    def _position(self, start_s: float) -> int:
        return round(start_s * self.sample_rate)

    def _window(self, start_s: float) -> Window:
        first = self._position(start_s) - self._first
        samples = min(self._samples, self.arrived)
        y = cut(self._kept, first, samples, before=self._before, after=self._after)
        return Window(float(start_s), y)
