"""Trained models that predict the genre of sound."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from ..data import audio
from ..data.arguments import require_array, waveform
from ..data.windows import SHORTEST_S, Window, WindowCutter, WindowGrid
from ..errors import AudioError, GtzanError, ModelError
from ..files import printable
from ..models.registry import input_axes
from ..signal.recipes import Recipe
from ..signal.spectrograms import draw
from .prediction import Prediction

if TYPE_CHECKING:
    from ..data.corpus import Corpus
    from ..training.classifier import NetClassifier

__all__ = ["Model", "single_thread"]

# Seconds and images per step, so that memory does not grow with the length of the sound.
_PIECE_S, _BATCH = 30.0, 32


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


class Model:
    """A trained net with its recipe and genres; `load_model` returns one.

    Parameters
    ----------
    name : str
        Name of the model.
    card : dict
        Content of its `model.json`.
    net : torch.nn.Module
        The net with its weights.

    Attributes
    ----------
    name, card
        As given.
    genres : tuple of str
        Genres in the order of the net's outputs.
    recipe : Recipe
        Settings of the spectrograms that the net takes.
    net : torch.nn.Module
        The net in evaluation mode.

    Notes
    -----
    The book page "Inference" shows examples.

    Examples
    --------
    >>> import gtzan_lib as gl
    >>> gl.load_model("gtzan").predict("song.mp3").genre  # doctest: +SKIP
    'reggae'
    """

    def __init__(self, name: str, card: dict[str, Any], net: torch.nn.Module) -> None:
        self.name, self.card = name, card
        self.genres = tuple(card["genres"])
        self.recipe = Recipe.from_dict(card["recipe"])
        self.net = net.eval()

    def __repr__(self) -> str:
        accuracy = "".join(f"; {line}" for line in self.expected_accuracy)
        return f"Model({self.name!r}: {self.card['architecture']}{accuracy})"

    def _repr_markdown_(self) -> str:
        card, weights = self.card, sum(tensor.numel() for tensor in self.net.parameters())
        lines = [
            f"**{self.name}**: {card['architecture']} with {weights:,} weights; "
            f"{len(self.genres)} genres; windows of {self.recipe.seconds:g} s, {self.recipe.name}",
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
        protocol = self.card.get("protocol")
        return [
            f"accuracy {100 * score['value']:.1f} % (95 % interval {100 * score['low']:.1f} to "
            f"{100 * score['high']:.1f}, n = {score['n']}) for {score['input_s']:g} s of "
            f"{self.card['corpus']}, protocol {protocol}"
            for score in self.card.get("accuracy", [])
        ]

    @property
    def estimator(self) -> NetClassifier:
        """The net as an estimator of images, for `gl.evaluate`."""
        from ..training.classifier import NetClassifier

        weights = self.net.state_dict()
        estimator = NetClassifier(self.card["architecture"])
        return estimator.restore(list(self.genres), dict(self.card["arguments"]), weights)

    def require_windows(self) -> None:
        """Check that the input of the net is the image of a single window.

        Raises
        ------
        ModelError
            If the net takes the windows of a track in order, or features.
        """
        if set(input_axes(self.card["architecture"]).items()) != {("images", 3)}:
            raise ModelError(
                f"model {self.name!r} is a {self.card['architecture']}, which does not predict "
                "single windows of sound; use another model, or its `estimator` with a store."
            )

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

    def images(self, y: np.ndarray, sample_rate: int, *, step: float | None = None) -> np.ndarray:
        """Make the images that the net takes.

        Parameters
        ----------
        y : np.ndarray [shape=(n,) or (n, channels)]
            Samples, time first.
        sample_rate : int
            In Hz.
        step : float, optional
            Seconds from one window's start to the next. Default: the recipe's.

        Returns
        -------
        np.ndarray [shape=(windows, height, width), dtype=uint8]
            One per window, in order of time.

        Raises
        ------
        AudioError
            If the sound is too short, or samples are not finite.
        """
        batches = self._batches(_Samples(y, sample_rate, self.recipe), step, "the given sound")
        return np.concatenate([images for _, images in batches])

    def probabilities(self, images: np.ndarray) -> np.ndarray:
        """Compute the probabilities of every image.

        Parameters
        ----------
        images : np.ndarray [shape=(n, height, width), dtype=uint8]
            Made with the model's recipe.

        Returns
        -------
        np.ndarray [shape=(n, genres), dtype=float32]
            Rows sum to one.
        """
        require_array(images, "images")
        if images.shape[-2:] != self.recipe.shape:
            height, width = self.recipe.shape
            raise ModelError(
                f"images of shape {images.shape} do not fit the model; give (n, {height}, {width})."
            )
        parts = [images[i : i + _BATCH] for i in range(0, max(1, len(images)), _BATCH)]
        with torch.inference_mode():
            # Copied, since PyTorch warns about read-only arrays, such as the images of a store.
            rows = [self.net(torch.tensor(part)).softmax(dim=1).numpy() for part in parts]
        return np.concatenate(rows)

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
            Seconds from one window's start to the next. Default: the recipe's.

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
        blocks: audio.Blocks | _Samples
        if isinstance(source, str | os.PathLike):
            blocks = audio.Blocks(source, sample_rate=self.recipe.sample_rate)
            name = printable(str(source))
        else:
            blocks, name = _Samples(source, sample_rate, self.recipe), "the given sound"
        starts, rows = [], []
        for begin, images in self._batches(blocks, step, name):
            # A silent window is black.
            audible = images.any(axis=(1, 2))
            if audible.any():
                starts.append(begin[audible])
                rows.append(self.probabilities(images[audible]))
        if not rows:
            raise AudioError(f"{name}: is silent; give it sound.", reason="is silent")
        return Prediction(
            self.genres, np.concatenate(rows), np.concatenate(starts), self.recipe.seconds
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
        """Return a cutter of sound at the recipe's sample rate into windows for `draw`.

        Parameters
        ----------
        step : float, optional
            Seconds from one window's start to the next. Default: the recipe's.

        Returns
        -------
        gtzan_lib.data.windows.WindowCutter
            The cutter; its windows have the context that images need.
        """
        before, after = self.recipe.context
        grid = self.recipe.grid if step is None else WindowGrid(self.recipe.seconds, step)
        return WindowCutter(grid, self.recipe.sample_rate, before=before, after=after)

    def draw(self, windows: list[Window]) -> np.ndarray:
        """Make the images of windows.

        Parameters
        ----------
        windows : list of Window
            Windows of `cutter`.

        Returns
        -------
        np.ndarray [shape=(n, height, width), dtype=uint8]
            One per window.
        """
        return draw(windows, self.recipe)

    def _batches(
        self, blocks: audio.Blocks | _Samples, step: float | None, name: str
    ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Turn blocks of sound at the recipe's rate into starts and images of windows."""
        _check_step(step)
        cutter, rate = self.cutter(step), self.recipe.sample_rate
        for block in blocks:
            invalid = audio.is_invalid(block)
            if invalid.any():
                raise AudioError(
                    f"{name}: has samples that are not finite numbers or are too large, first at "
                    f"{(cutter.arrived + int(invalid.argmax())) / rate:.2f} s; export it again.",
                    reason="has samples that are not finite numbers",
                )
            if windows := cutter.push(block):
                yield _starts(windows), self.draw(windows)
        if blocks.duration_s < SHORTEST_S:
            raise AudioError(
                f"{name}: lasts {blocks.duration_s:.2f} s, which is too short; give at least "
                f"{SHORTEST_S:g} s of sound.",
                reason="is too short",
            )
        if windows := cutter.finish(blocks.duration_s):
            yield _starts(windows), self.draw(windows)


class _Samples:
    """Samples in blocks at a recipe's rate, like `gtzan_lib.data.audio.Blocks`."""

    def __init__(self, y: np.ndarray, sample_rate: int | None, recipe: Recipe) -> None:
        if sample_rate is None or not 0 < sample_rate < np.inf:
            raise AudioError("samples need a sample rate above zero; give sample_rate in Hz.")
        self._y = waveform(y, channels=True)
        self._rate, self._target = sample_rate, recipe.sample_rate
        self.duration_s = len(self._y) / sample_rate

    def __iter__(self) -> Iterator[np.ndarray]:
        resampler = audio.Resampler(self._rate, self._target)
        size = max(1, round(_PIECE_S * self._rate))
        for start in range(0, len(self._y), size):
            block = audio.to_mono(self._y[start : start + size])
            yield resampler.push(block.astype(np.float32))
        yield resampler.finish()


def _check_step(step: float | None) -> None:
    if step is not None and not 0 < step < np.inf:
        raise ModelError(f"a step of {step} s is not possible; give one above zero.")


def _starts(windows: list[Window]) -> np.ndarray:
    return np.array([window.start_s for window in windows])
