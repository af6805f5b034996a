"""Predictions for a stream of sound."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ..data import audio
from ..data.arguments import waveform
from ..data.windows import Window
from ..errors import LiveError
from ..evaluation.aggregate import aggregate
from ..inference.model import Model, require_rate, single_thread
from .microphone import Microphone

__all__ = ["BLOCK_S", "StreamClassifier", "StreamPrediction", "listen"]

BLOCK_S = 0.02
"""Length of the blocks of a stream in seconds; it adds to the latency."""


class StreamPrediction(NamedTuple):
    """The prediction when a window of a stream has ended.

    Attributes
    ----------
    end_s : float
        End of the window in seconds from the first sample.
    genre : str
        The most probable genre of the moving average.
    probabilities : np.ndarray [shape=(genres,), dtype=float64]
        Probabilities of the last windows, aggregated.
    window : np.ndarray [shape=(genres,), dtype=float32]
        Probabilities of this window.
    latency_s : float
        From the arrival of the window's last sample to this prediction, in seconds.
    busy_s : float
        Computing time since the last prediction, in seconds; divided by the step,
        the real-time factor.
    unfamiliar : bool or None
        Whether the last windows are unlike anything that the model was trained on;
        None if it cannot tell.
    """

    end_s: float
    genre: str
    probabilities: np.ndarray
    window: np.ndarray
    latency_s: float
    busy_s: float
    unfamiliar: bool | None

    @property
    def probability(self) -> float:
        """Probability of `genre`."""
        return float(self.probabilities.max())


class StreamClassifier:
    """Predicts the genre of every window of a stream.

    Its memory does not grow with the stream.

    Parameters
    ----------
    model : Model
        From `load_model`.
    sample_rate : int
        Sample rate of the stream in Hz.
    step : float
        Seconds from one window's start to the next.
    average : int
        Number of windows in the moving average.

    Raises
    ------
    LiveError
        If step, average or sample rate is not above zero.
    AudioError
        If the sample rate is below 8 kHz.
    ModelError
        If the net does not predict single windows of sound.

    Notes
    -----
    A stream has the same windows as a file of the same sound. A window is complete
    when two further samples at the recipe's rate, or the recipe's context, have
    arrived; the last windows are complete when the stream ends. Silent windows are
    left out of the average. The book page "Live demo" shows a timeline and the
    latency.
    """

    def __init__(
        self, model: Model, sample_rate: int, *, step: float = 1.0, average: int = 5
    ) -> None:
        if not 0 < step < np.inf or average < 1:
            raise LiveError(
                f"a step of {step} s and an average of {average} windows are not possible; give a "
                "step above zero and at least one window."
            )
        if not 0 < sample_rate < np.inf:
            raise LiveError(
                f"a sample rate of {sample_rate} Hz is not possible; give one above zero."
            )
        require_rate(sample_rate, "the stream")
        model.require_windows()
        self.model, self.sample_rate = model, sample_rate
        self._resampler = model.resampler(sample_rate)
        self._cutter = model.cutter(step)
        self._last: deque[tuple[np.ndarray, float]] = deque(maxlen=average)
        # End in the stream, and time of arrival, of the blocks in which windows can still end.
        self._arrivals: deque[tuple[float, float]] = deque()
        self._received, self._busy = 0, 0.0
        # What is built on first use is built now, so that it does not delay the first prediction.
        length = round(model.grid.seconds * model.sample_rate) + sum(model.context)
        noise = np.random.default_rng(0).standard_normal(length).astype(np.float32)
        with single_thread:
            model.predict_windows([Window(0.0, noise)])

    def push(self, y: np.ndarray) -> list[StreamPrediction]:
        """Process the next samples of the stream.

        Parameters
        ----------
        y : np.ndarray [shape=(n,) or (n, channels)]
            Samples, time first.

        Returns
        -------
        list of StreamPrediction
            One for each window that they complete.

        Raises
        ------
        LiveError
            If samples are not finite.
        AudioError
            If they are no samples, or channels first.
        """
        began = time.perf_counter()
        y = waveform(y, "stream", channels=True)
        if not np.isfinite(y).all():
            raise LiveError(
                "the stream has samples that are not finite numbers, after "
                f"{self._received / self.sample_rate:.2f} s; check its source."
            )
        # Resampling and context lag by much less than a second.
        while self._arrivals and self._arrivals[0][0] < self._received / self.sample_rate - 1:
            self._arrivals.popleft()
        self._received += len(y)
        self._arrivals.append((self._received / self.sample_rate, began))
        block = self._resampler.push(audio.to_mono(y).astype(np.float32))
        return self._predict(self._cutter.push(block), began)

    def finish(self) -> list[StreamPrediction]:
        """End the stream.

        Returns
        -------
        list of StreamPrediction
            One for each remaining window: those whose context had not arrived, and a last
            window as of a file, which ends where the sound ends.
        """
        began = time.perf_counter()
        windows = self._cutter.push(self._resampler.finish())
        windows += self._cutter.finish(self._received / self.sample_rate)
        return self._predict(windows, began)

    def _predict(self, windows: list[Window], began: float) -> list[StreamPrediction]:
        predictions = []
        for window in windows:
            with single_thread:
                predicted = self.model.predict_windows([window])
                if not np.isnan(predicted.probabilities[0, 0]):
                    self._last.append((predicted.probabilities[0], predicted.distances[0]))
            now = time.perf_counter()
            if self._last:
                predictions.append(self._prediction(window, now, self._busy + now - began))
                self._busy, began = 0.0, now
        self._busy += time.perf_counter() - began
        return predictions

    def _prediction(self, window: Window, now: float, busy_s: float) -> StreamPrediction:
        end = window.start_s + self.model.grid.seconds
        # The block in which the window ended is the first that reaches its end.
        while len(self._arrivals) > 1 and self._arrivals[0][0] < end - 1e-9:
            self._arrivals.popleft()
        rows, distances = zip(*self._last, strict=True)
        probabilities = aggregate(np.stack(rows), self.model.aggregation)
        genre = self.model.genres[int(probabilities.argmax())]
        latency = now - self._arrivals[0][1]
        limit = self.model.distance_limit(len(rows))
        unfamiliar = None if np.isnan(limit) else bool(np.mean(distances) > limit)
        return StreamPrediction(end, genre, probabilities, rows[-1], latency, busy_s, unfamiliar)


def listen(
    source: str | Path | Microphone | Iterable[np.ndarray],
    model: Model,
    *,
    sample_rate: int | None = None,
    step: float = 1.0,
    average: int = 5,
    pace: bool = False,
) -> Iterator[StreamPrediction]:
    """Predict the genre of a file or of a stream of blocks, window by window.

    Parameters
    ----------
    source : str, Path, Microphone or iterable of np.ndarray
        A file, an open microphone, or blocks.
    model : Model
        From `load_model`.
    sample_rate : int, optional
        Sample rate of blocks in Hz; that of files and microphones is known.
    step, average
        As for `StreamClassifier`.
    pace : bool
        Read a file at the speed of playback.

    Yields
    ------
    StreamPrediction
        One per window, as soon as the window is complete.

    Raises
    ------
    AudioError
        If the file cannot be decoded.
    LiveError
        If the sample rate of blocks is missing, or samples are not finite.
    """
    if isinstance(source, str | Path):
        sample_rate = audio.info(source).sample_rate
        source = audio.Blocks(source, seconds=BLOCK_S)
    else:
        pace, sample_rate = False, getattr(source, "sample_rate", sample_rate)
    if sample_rate is None:
        raise LiveError("blocks need a sample rate; give sample_rate in Hz.")
    classifier = StreamClassifier(model, sample_rate, step=step, average=average)
    began, received = time.perf_counter(), 0
    for block in source:
        received += len(block)
        if pace:
            time.sleep(max(0.0, began + received / sample_rate - time.perf_counter()))
        yield from classifier.push(block)
    yield from classifier.finish()
