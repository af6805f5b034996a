"""Trained models that predict the genre of sound."""

from __future__ import annotations

import os
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch

from ..data import audio
from ..data.arguments import waveform
from ..data.windows import SHORTEST_S, Window, WindowCutter, WindowGrid
from ..errors import AudioError, GtzanError, ModelError
from ..files import printable
from ..models.familiarity import Familiarity
from .prediction import Prediction

if TYPE_CHECKING:
    from ..data.corpus import Corpus

__all__ = ["Model", "WindowPredictions", "require_rate", "single_thread"]

# Telephone sound; below it, most of what tells genres apart is missing.
_LOWEST_RATE = 8000

# Seconds per step, so that memory does not grow with the length of the sound.
_PIECE_S = 30.0


class _SingleThread:
    """Counts the threads inside; the last one to leave restores the setting."""

    def __init__(self) -> None:
        self._lock, self._inside, self._threads = threading.Lock(), 0, 1

    def __enter__(self) -> None:
        with self._lock:
            if self._inside == 0:
                self._threads = torch.get_num_threads()
                torch.set_num_threads(1)
            self._inside += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._inside -= 1
            if self._inside == 0:
                torch.set_num_threads(self._threads)


single_thread = _SingleThread()
"""Context in which PyTorch computes on one core, since single windows are small.

On several cores its threads wait for each other, which takes eight times as long
where another process uses a core.
"""


class WindowPredictions(NamedTuple):
    """What a model says of windows.

    Attributes
    ----------
    probabilities : np.ndarray [shape=(n, genres), dtype=float32]
        One row per window; rows sum to one, those of silent windows are NaN.
    distances : np.ndarray [shape=(n,), dtype=float32]
        Distance of each window to the training windows; NaN for silent windows, and
        for a model without `familiarity`.
    """

    probabilities: np.ndarray
    distances: np.ndarray


class Model(ABC):
    """A trained net with its genres; `load_model` returns one.

    Subclasses differ in what their net takes: images of spectrograms, or tags.

    Parameters
    ----------
    name : str
        Name of the model.
    card : dict
        Content of its `model.json`.
    net : torch.nn.Module
        The net with its weights.
    familiarity : Familiarity, optional
        Tells whether sound is like what the model was trained on.

    Attributes
    ----------
    name, card, familiarity
        As given.
    genres : tuple of str
        Genres in the order of the net's outputs.
    net : torch.nn.Module
        The net in evaluation mode.
    grid : gtzan_lib.data.windows.WindowGrid
        Windows that are predicted one by one.
    sample_rate : int
        Of the sound that the model takes, in Hz; other sound is resampled.
    context : (int, int)
        Samples before and after a window that its prediction needs.
    aggregation : str
        How the probabilities of windows become those of the whole.
    takes : str
        What the net takes, in words.

    Notes
    -----
    The book page "Inference" shows examples.

    Examples
    --------
    >>> import gtzan_lib as gl
    >>> gl.load_model().predict("song.mp3").genre  # doctest: +SKIP
    'reggae'
    """

    grid: WindowGrid
    sample_rate: int
    context: tuple[int, int]
    aggregation: str = "mean"
    takes: str

    def __init__(
        self,
        name: str,
        card: dict[str, Any],
        net: torch.nn.Module,
        familiarity: Familiarity | None = None,
    ) -> None:
        self.name, self.card, self.familiarity = name, card, familiarity
        self.genres = tuple(card["genres"])
        self.net = net.eval()

    def __repr__(self) -> str:
        accuracy = "".join(f"; {line}" for line in self.expected_accuracy)
        return f"Model({self.name!r}: {self.card['architecture']}{accuracy})"

    def _repr_markdown_(self) -> str:
        card, weights = self.card, sum(tensor.numel() for tensor in self.net.parameters())
        lines = [
            f"**{self.name}**: {card['architecture']} with {weights:,} weights; "
            f"{len(self.genres)} genres; windows of {self.grid.seconds:.3g} s, {self.takes}",
            "",
        ]
        if {"trained_on", "selected_on"} <= card.keys():
            lines.append(
                f"- {len(card['trained_on'])} training and {len(card['selected_on'])} "
                "validation tracks"
            )
        return "\n".join([*lines, *(f"- {line}" for line in self.expected_accuracy)])

    @property
    def expected_accuracy(self) -> list[str]:
        """The accuracy to expect, one line per length of the sound; empty if unknown."""
        split = ", ".join(
            [f"protocol {self.card.get('protocol')}", *filter(None, [self.card.get("part")])]
        )
        return [
            f"accuracy {100 * score['value']:.1f} % (95 % interval {100 * score['low']:.1f} to "
            f"{100 * score['high']:.1f}, {score['interval']}, n = {score['n']}) for "
            f"{score['input_s']:.3g} s of "
            f"{self.card['corpus']}, {split}"
            for score in self.card.get("accuracy", [])
        ]

    @abstractmethod
    def _inputs(self, windows: list[Window]) -> tuple[np.ndarray, np.ndarray]:
        """Return what the net takes, a row per window, and which windows are not silent."""

    @abstractmethod
    def _outputs(self, inputs: np.ndarray) -> tuple[np.ndarray, torch.Tensor | None]:
        """Return the probabilities of rows of `_inputs`, and what `familiarity` takes."""

    def predict_windows(self, windows: list[Window]) -> WindowPredictions:
        """Predict windows.

        Parameters
        ----------
        windows : list of Window
            Windows of `cutter`.

        Returns
        -------
        WindowPredictions
            One row per window.

        Raises
        ------
        ModelError
            If the net does not predict single windows of sound.
        """
        inputs, audible = self._inputs(windows)
        rows = np.full((len(windows), len(self.genres)), np.nan, dtype=np.float32)
        distances = np.full(len(windows), np.nan, dtype=np.float32)
        if audible.any():
            rows[audible], represented = self._outputs(inputs[audible])
            if self.familiarity is not None and represented is not None:
                with torch.inference_mode():
                    distances[audible] = self.familiarity(represented).numpy()
        return WindowPredictions(rows, distances)

    def distance_limit(self, windows: int) -> float:
        """Return the distance beyond which sound is unlike the training tracks.

        Parameters
        ----------
        windows : int
            Number of windows over which the distance is averaged.

        Returns
        -------
        float
            The limit; NaN for a model without `familiarity`.
        """
        return np.nan if self.familiarity is None else self.familiarity.limit(windows)

    def resampler(self, source: int) -> audio.PieceResampler:
        """Return a resampler to the model's sample rate.

        Parameters
        ----------
        source : int
            Rate of the sound in Hz.

        Returns
        -------
        gtzan_lib.data.audio.PieceResampler
            With the filter of the sound on which the model was trained.
        """
        return audio.Resampler(source, self.sample_rate)

    def require_windows(self) -> None:  # noqa: B027  (most models do)
        """Check that the model predicts single windows of sound.

        Raises
        ------
        ModelError
            If its net takes the windows of a track in order, or features.
        """

    def unseen(self, corpus: Corpus) -> Corpus:
        """Exclude the tracks that the model was trained or selected on.

        Parameters
        ----------
        corpus : Corpus
            Any corpus, whatever its name is. Tracks are excluded by their ids, unless
            only one of the corpus and the training corpus is synthetic, and by their
            sound: files with the samples of a clip of GTZAN on which the model was
            trained, and files with the same bytes as an excluded one. If the
            protocol is official, tracks that the published split drops are excluded,
            too: some are duplicates of training tracks.

        Returns
        -------
        Corpus
            Tracks for an evaluation of the model; the same corpus if none is excluded.

        Raises
        ------
        CorpusError
            If no track is left.
        ModelError
            If the model's card does not name its training tracks.

        Notes
        -----
        A lossy or processed copy under another name is not recognised; the health
        check finds it if the training track is in the same corpus.
        """
        from .training_tracks import find_training_tracks

        if not {"corpus", "protocol", "trained_on", "selected_on"} <= self.card.keys():
            raise ModelError(
                f"the card of model {self.name!r} does not name its training tracks; save the "
                "model with its record and its split."
            )
        used = find_training_tracks(self.card, corpus)
        return corpus.exclude(used) if used else corpus

    def windows(
        self,
        source: str | Path | np.ndarray,
        sample_rate: int | None = None,
        *,
        step: float | None = None,
    ) -> Iterator[list[Window]]:
        """Cut a file or samples into windows.

        Parameters
        ----------
        source, sample_rate
            As for `predict`.
        step : float, optional
            Seconds from one window's start to the next. Default: the model's.

        Yields
        ------
        list of Window
            Some at a time, in order.

        Raises
        ------
        AudioError
            If a file cannot be decoded, the sound is too short or its sample rate below
            8 kHz, or samples are not finite.
        """
        blocks: audio.Blocks | _Samples
        name = _name_of(source)

        def resampler(rate: int) -> audio.PieceResampler:
            require_rate(rate, name)
            return self.resampler(rate)

        if isinstance(source, str | os.PathLike):
            blocks = audio.Blocks(source, resampler=resampler)
        else:
            blocks = _Samples(source, sample_rate, resampler)
        return self._batches(blocks, step, name)

    def predict(
        self,
        source: str | Path | np.ndarray,
        *,
        sample_rate: int | None = None,
        step: float | None = None,
    ) -> Prediction:
        """Predict the genre of a file or of samples.

        Files are read in blocks, so that memory does not depend on their length.

        Parameters
        ----------
        source : str, Path or np.ndarray [shape=(n,) or (n, channels)]
            A file with any of `gtzan_lib.data.audio.EXTENSIONS`, at any rate and with
            any channels; or samples, time first.
        sample_rate : int, optional
            In Hz; required for samples, ignored for files.
        step : float, optional
            Seconds from one window's start to the next. Default: the model's.

        Returns
        -------
        Prediction
            Silent windows are left out.

        Raises
        ------
        AudioError
            If the file cannot be decoded, or the sound is too short, silent or not
            finite.
        ModelError
            If the net does not predict single windows of sound.
        """
        with single_thread:
            return self._predict(source, sample_rate, step)

    def _predict(
        self, source: str | Path | np.ndarray, sample_rate: int | None, step: float | None
    ) -> Prediction:
        self.require_windows()
        starts, rows, distances = [], [], []
        for windows in self.windows(source, sample_rate, step=step):
            predicted = self.predict_windows(windows)
            audible = ~np.isnan(predicted.probabilities[:, 0])
            starts.append(_starts(windows)[audible])
            rows.append(predicted.probabilities[audible])
            distances.append(predicted.distances[audible])
        if not any(map(len, rows)):
            raise AudioError(f"{_name_of(source)}: is silent; give it sound.", reason="is silent")
        found = np.concatenate(distances)
        return Prediction(
            self.genres,
            np.concatenate(rows),
            np.concatenate(starts),
            self.grid.seconds,
            self.aggregation,
            found,
            self.distance_limit(len(found)),
        )

    def predict_files(
        self, files: Iterable[str | Path], *, step: float | None = None, jobs: int = 2
    ) -> Iterator[Prediction | GtzanError]:
        """Predict the genres of many files.

        Parameters
        ----------
        files : iterable of str or Path
            As for `predict`.
        step : float, optional
            As for `predict`.
        jobs : int
            Number of threads; each takes a file.

        Yields
        ------
        Prediction or GtzanError
            For each file in the order given, its prediction, or the error if it
            cannot be predicted.
        """
        _check_step(step)

        def predict_file(file: str | Path) -> Prediction | GtzanError:
            try:
                return self._predict(file, None, step)
            except GtzanError as error:
                return error

        with single_thread, ThreadPoolExecutor(jobs) as pool:
            yield from pool.map(predict_file, files)

    def cutter(self, step: float | None = None) -> WindowCutter:
        """Return a cutter of sound at the model's sample rate into windows.

        Parameters
        ----------
        step : float, optional
            Seconds from one window's start to the next. Default: the model's.

        Returns
        -------
        gtzan_lib.data.windows.WindowCutter
            The cutter; its windows have the context that the model needs.
        """
        before, after = self.context
        grid = self.grid if step is None else WindowGrid(self.grid.seconds, step)
        return WindowCutter(grid, self.sample_rate, before=before, after=after)

    def _batches(
        self, blocks: audio.Blocks | _Samples, step: float | None, name: str
    ) -> Iterator[list[Window]]:
        """Cut blocks of sound at the model's rate into windows, some at a time."""
        _check_step(step)
        cutter, rate = self.cutter(step), self.sample_rate
        for block in blocks:
            invalid = audio.is_invalid(block)
            if invalid.any():
                raise AudioError(
                    f"{name}: has samples that are not finite numbers or are too large, first at "
                    f"{(cutter.arrived + int(invalid.argmax())) / rate:.2f} s; export it again.",
                    reason="has samples that are not finite numbers",
                )
            if windows := cutter.push(block):
                yield windows
        if blocks.duration_s < SHORTEST_S:
            raise AudioError(
                f"{name}: lasts {blocks.duration_s:.2f} s, which is too short; give at least "
                f"{SHORTEST_S:g} s of sound.",
                reason="is too short",
            )
        if windows := cutter.finish(blocks.duration_s):
            yield windows


class _Samples:
    """Samples in blocks at another rate, like `gtzan_lib.data.audio.Blocks`."""

    def __init__(
        self,
        y: np.ndarray,
        sample_rate: int | None,
        resampler: Callable[[int], audio.PieceResampler],
    ) -> None:
        if sample_rate is None or not 0 < sample_rate < np.inf:
            raise AudioError("samples need a sample rate above zero; give sample_rate in Hz.")
        self._y = waveform(y, channels=True)
        self._rate, self._resampler = sample_rate, resampler
        self.duration_s = len(self._y) / sample_rate

    def __iter__(self) -> Iterator[np.ndarray]:
        resampler = self._resampler(self._rate)
        size = max(1, round(_PIECE_S * self._rate))
        for start in range(0, len(self._y), size):
            block = audio.to_mono(self._y[start : start + size])
            yield resampler.push(block.astype(np.float32))
        yield resampler.finish()


def require_rate(rate: float, name: str) -> None:
    """Refuse sound with too low a sample rate.

    Parameters
    ----------
    rate : float
        Sample rate in Hz.
    name : str
        How messages name the sound.

    Raises
    ------
    AudioError
        If the rate is below 8 kHz.
    """
    if rate < _LOWEST_RATE:
        raise AudioError(
            f"{name}: has a sample rate of {rate:g} Hz, too low for music; give sound of at least "
            f"{_LOWEST_RATE} Hz.",
            reason="has a low sample rate",
        )


def _name_of(source: str | Path | np.ndarray) -> str:
    """Return how messages name a file or samples."""
    is_file = isinstance(source, str | os.PathLike)
    return printable(str(source)) if is_file else "the given sound"


def _check_step(step: float | None) -> None:
    if step is not None and not 0 < step < np.inf:
        raise ModelError(f"a step of {step} s is not possible; give one above zero.")


def _starts(windows: list[Window]) -> np.ndarray:
    return np.array([window.start_s for window in windows])
