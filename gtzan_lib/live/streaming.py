"""Predictions that follow sound as it arrives."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ..data import audio
from ..errors import LiveError
from ..learn.inference import Model, one_thread
from ..signal.cutting import Cut, Cutter
from .microphone import Microphone

__all__ = ["BLOCK_S", "Listener", "Moment", "listen"]

BLOCK_S = 0.02
"""Length of the pieces in which sound arrives, in seconds; it adds to the latency."""


class Moment(NamedTuple):
    """What is known when a window has ended.

    Attributes
    ----------
    end_s : float
        Where the window ends, in seconds from the first sample.
    genre : str
        The most probable one, of the moving average.
    probabilities : np.ndarray [shape=(genres,), dtype=float32]
        Mean of the last windows' probabilities.
    window : np.ndarray [shape=(genres,), dtype=float32]
        This window's alone.
    latency_s : float
        From the arrival of the window's last sample to this answer, in seconds.
    busy_s : float
        How long it took to compute what was new since the moment before, in
        seconds; divided by the step, the real-time factor.
    """

    end_s: float
    genre: str
    probabilities: np.ndarray
    window: np.ndarray
    latency_s: float
    busy_s: float

    @property
    def share(self) -> float:
        """Probability of `genre`."""
        return float(self.probabilities.max())


class Listener:
    """Asks a model about every window of a stream.

    Its memory does not grow with the stream.

    Parameters
    ----------
    model : Model
        From `load_model`.
    sample_rate : int
        Of the stream, in Hz.
    step : float
        Seconds from one window's end to the next.
    average : int
        Windows in the moving average.

    Raises
    ------
    LiveError
        If step, average or sample rate is not above zero.
    ModelError
        If the net takes more than images of single windows.

    Notes
    -----
    The book page "Live demo" shows a timeline and the latency. A silent window
    changes nothing: the average is that of the windows before it.
    """

    def __init__(
        self, model: Model, sample_rate: int, *, step: float = 1.0, average: int = 5
    ) -> None:
        if not 0 < step < np.inf or average < 1:
            raise LiveError(
                f"a step of {step} s and an average of {average} windows follow nothing; give a "
                "step above zero and at least one window."
            )
        if not 0 < sample_rate < np.inf:
            raise LiveError(f"a sample rate of {sample_rate} Hz plays nothing; give the true one.")
        model.require_windows()
        self.model, self.sample_rate = model, sample_rate
        self._resampler = audio.Resampler(sample_rate, model.recipe.sample_rate)
        self._cutter = Cutter(model.recipe, step)
        self._last: deque[np.ndarray] = deque(maxlen=average)
        # When pieces arrived, as far as windows can still end in them.
        self._arrivals: deque[tuple[float, float]] = deque()
        self._heard, self._busy = 0, 0.0
        # The first window shall not wait for what is made once.
        with one_thread:
            model.draw([Cut(0.0, np.zeros(model.recipe.samples, dtype=np.float32))])
            model.probabilities(np.zeros((1, *model.recipe.shape), dtype=np.uint8))

    def push(self, y: np.ndarray) -> list[Moment]:
        """Take the samples that have just arrived.

        Parameters
        ----------
        y : np.ndarray [shape=(n,) or (n, channels)]
            Samples, time first.

        Returns
        -------
        list of Moment
            One for each window that they complete.

        Raises
        ------
        LiveError
            If samples are no numbers.
        """
        began = time.perf_counter()
        if not np.isfinite(y).all():
            raise LiveError(
                "the stream has samples that are no numbers, after "
                f"{self._heard / self.sample_rate:.2f} s; write it again."
            )
        # The pieces in which windows can still end; resampling lags by much less than a second.
        while self._arrivals and self._arrivals[0][0] < self._heard / self.sample_rate - 1:
            self._arrivals.popleft()
        self._heard += len(y)
        self._arrivals.append((self._heard / self.sample_rate, began))
        return self._follow(self._resampler.push(audio.mono(y).astype(np.float32)), began)

    def finish(self) -> list[Moment]:
        """Tell that there is no more sound.

        Returns
        -------
        list of Moment
            Those of windows that end within what resampling held back.
        """
        return self._follow(self._resampler.finish(), time.perf_counter())

    def _follow(self, piece: np.ndarray, began: float) -> list[Moment]:
        moments = []
        for cut in self._cutter.push(piece):
            self._ask(cut)
            now = time.perf_counter()
            if self._last:
                moments.append(self._moment(cut, now, self._busy + now - began))
                self._busy = 0.0
            began = now
        self._busy += time.perf_counter() - began
        return moments

    def _ask(self, cut: Cut) -> None:
        with one_thread:
            image = self.model.draw([cut])
            # A silent window is black.
            if image.any():
                self._last.append(self.model.probabilities(image)[0])

    def _moment(self, cut: Cut, now: float, busy_s: float) -> Moment:
        end = cut.start_s + self.model.recipe.seconds
        # The piece in which the window ended is the first that reaches its end.
        while len(self._arrivals) > 1 and self._arrivals[0][0] < end - 1e-9:
            self._arrivals.popleft()
        mean = np.mean(self._last, axis=0)
        genre = self.model.genres[int(mean.argmax())]
        return Moment(end, genre, mean, self._last[-1], now - self._arrivals[0][1], busy_s)


def listen(
    source: str | Path | Microphone | Iterable[np.ndarray],
    model: Model,
    *,
    sample_rate: int | None = None,
    step: float = 1.0,
    average: int = 5,
    pace: bool = False,
) -> Iterator[Moment]:
    """Follow a file, as if it were played, or a stream of blocks.

    Parameters
    ----------
    source : str, Path, Microphone or iterable of np.ndarray
        A file, an open microphone, or blocks.
    model : Model
        From `load_model`.
    sample_rate : int, optional
        Of the blocks, in Hz; files and microphones know their own.
    step, average
        As for `Listener`.
    pace : bool
        Read a file no faster than it would be played.

    Yields
    ------
    Moment
        One a window, as soon as it is known.

    Raises
    ------
    AudioError
        If the file cannot be decoded.
    LiveError
        If blocks come without a sample rate, or samples are no numbers.
    """
    if isinstance(source, str | Path):
        sample_rate = audio.info(source).sample_rate
        source = audio.blocks(source, seconds=BLOCK_S)
    else:
        pace, sample_rate = False, getattr(source, "sample_rate", sample_rate)
    if sample_rate is None:
        raise LiveError("blocks do not tell how fast they are played; give sample_rate in Hz.")
    listener = Listener(model, sample_rate, step=step, average=average)
    began, heard = time.perf_counter(), 0
    for block in source:
        heard += len(block)
        if pace:
            time.sleep(max(0.0, began + heard / sample_rate - time.perf_counter()))
        yield from listener.push(block)
    yield from listener.finish()
