"""From sound to a genre, and to the windows that decided."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from ..data import audio
from ..data.windows import SHORTEST_S, Window, WindowCutter, WindowGrid
from ..errors import AudioError, GtzanError, ModelError
from ..files import printable
from ..models.registry import inputs_of
from ..signal.recipes import Recipe
from ..signal.spectrograms import draw
from .prediction import Prediction

if TYPE_CHECKING:
    from ..data.corpus import Corpus
    from ..training.classifier import NetClassifier

__all__ = ["Model", "one_thread"]

# Beyond this, the square of a sample is more than a float32 can hold.
_LOUDEST = 1e15

# What is worked on at a time, so that memory does not grow with the sound: seconds, images.
_PIECE_S, _BATCH = 30.0, 32


class _OneThread:
    """Counts who is inside, so that the last to leave gives the threads back."""

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


one_thread = _OneThread()
"""Within it, nets compute on one core: a single window is too little to be shared out.

Shared all the same, the threads wait for one another, and take eight times as
long where something else wants a core, too.
"""


class Model:
    """A trained net with all that it takes to ask it; `load_model` makes one.

    Parameters
    ----------
    name : str
        What to call it.
    card : dict
        Its `model.json`.
    net : torch.nn.Module
        With its weights.

    Attributes
    ----------
    name, card
        As given.
    genres : tuple of str
        In the order of the net's outputs.
    recipe : Recipe
        How sound becomes its images.
    net : torch.nn.Module
        Ready to predict.

    Notes
    -----
    The book page "Inference" shows it at work.

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
        accuracy = "".join(f"; {told}" for told in self.expectations)
        return f"Model({self.name!r}: {self.card['architecture']}{accuracy})"

    def _repr_markdown_(self) -> str:
        card, weights = self.card, sum(one.numel() for one in self.net.parameters())
        lines = [
            f"**{self.name}**: {card['architecture']} with {weights:,} weights; "
            f"{len(self.genres)} genres; windows of {self.recipe.seconds:g} s, {self.recipe.name}",
            "",
        ]
        if {"trained_on", "selected_on"} <= card.keys():
            lines.append(
                f"- trained on {len(card['trained_on'])} tracks, and watched on "
                f"{len(card['selected_on'])} others"
            )
        return "\n".join([*lines, *(f"- {told}" for told in self.expectations)])

    @property
    def expectations(self) -> list[str]:
        """How often it should be right, by length of the sound; empty where unknown."""
        protocol = self.card.get("protocol")
        return [
            f"{100 * one['value']:.1f} % right (95 % interval {100 * one['low']:.1f} to "
            f"{100 * one['high']:.1f}, n = {one['n']}) for {one['input_s']:g} s of "
            f"{self.card['corpus']}, protocol {protocol}"
            for one in self.card.get("accuracy", [])
        ]

    @property
    def estimator(self) -> NetClassifier:
        """The same net as an estimator, for `gl.evaluate` and other images."""
        from ..training.classifier import NetClassifier

        weights = self.net.state_dict()
        made = NetClassifier(self.card["architecture"])
        return made.restore(list(self.genres), dict(self.card["arguments"]), weights)

    def require_windows(self) -> None:
        """Refuse a net that cannot be asked about single windows of sound.

        Raises
        ------
        ModelError
            If it takes the windows of a track in order, or features.
        """
        if set(inputs_of(self.card["architecture"]).items()) != {("images", 3)}:
            raise ModelError(
                f"model {self.name!r} is a {self.card['architecture']}, which takes more than "
                "single windows of sound; use another model, or its `estimator` on a store."
            )

    def unseen(self, corpus: Corpus) -> Corpus:
        """Leave out the tracks that the model was trained or selected on.

        Parameters
        ----------
        corpus : Corpus
            Any; one of another name than that of the training is returned as
            it is. Tracks that the published split drops are left out, too:
            some are copies of those it trains on.

        Returns
        -------
        Corpus
            Tracks on which the model may be measured.

        Raises
        ------
        CorpusError
            If nothing is left.
        ModelError
            If the model does not say what it was trained on.
        """
        if not {"corpus", "protocol", "trained_on", "selected_on"} <= self.card.keys():
            raise ModelError(
                f"model {self.name!r} does not say what it was trained on; save it with its record "
                "and its split."
            )
        if corpus.name != self.card["corpus"]:
            return corpus
        seen = {*self.card["trained_on"], *self.card["selected_on"]}
        if self.card["protocol"] == "fault-filtered":
            seen |= set(corpus.tracks.index[corpus.tracks["partition"] == "dropped"])
        return corpus.exclude([name for name in corpus.tracks.index if name in seen])

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
            One a window, in the order of time.

        Raises
        ------
        AudioError
            If there is too little sound, or samples are no numbers.
        """
        batches = self._batches(_Samples(y, sample_rate, self.recipe), step, "the given sound")
        return np.concatenate([images for _, images in batches])

    def probabilities(self, images: np.ndarray) -> np.ndarray:
        """Ask the net.

        Parameters
        ----------
        images : np.ndarray [shape=(n, height, width), dtype=uint8]
            Made with the model's recipe.

        Returns
        -------
        np.ndarray [shape=(n, genres), dtype=float32]
            Rows sum to one.
        """
        parts = [images[i : i + _BATCH] for i in range(0, max(1, len(images)), _BATCH)]
        with torch.inference_mode():
            # Copied, since a store's images cannot be written, of which PyTorch warns.
            answers = [self.net(torch.tensor(part)).softmax(dim=1).numpy() for part in parts]
        return np.concatenate(answers)

    def predict(
        self,
        source: str | Path | np.ndarray,
        *,
        sample_rate: int | None = None,
        step: float | None = None,
    ) -> Prediction:
        """Tell the genre of a file or of samples.

        Files are read piece by piece, so that memory does not depend on their
        length.

        Parameters
        ----------
        source : str, Path or np.ndarray [shape=(n,) or (n, channels)]
            A file in any format, at any rate and with any channels that
            libsndfile reads; or samples, time first.
        sample_rate : int, optional
            In Hz; needed with samples, and only there.
        step : float, optional
            Seconds from one window's start to the next. Default: the recipe's.

        Returns
        -------
        Prediction
            Silent windows have no say.

        Raises
        ------
        AudioError
            If the file cannot be decoded, or there is too little sound, only
            silence, or samples that are no numbers.
        ModelError
            If the net takes more than images of single windows.
        """
        with one_thread:
            return self._predict(source, sample_rate, step)

    def _predict(
        self, source: str | Path | np.ndarray, sample_rate: int | None, step: float | None
    ) -> Prediction:
        self.require_windows()
        if isinstance(source, np.ndarray):
            blocks, name = _Samples(source, sample_rate, self.recipe), "the given sound"
        else:
            blocks = audio.Blocks(source, sample_rate=self.recipe.sample_rate)
            name = printable(str(source))
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
        """Tell the genres of many files.

        Parameters
        ----------
        files : iterable of str or Path
            As for `predict`.
        step : float, optional
            As for `predict`.
        jobs : int
            Threads, each of which takes a file.

        Yields
        ------
        Prediction or GtzanError
            For each file in the order given, the answer, or what is wrong with
            the file.
        """
        _refuse_step(step)

        def answer(file: str | Path) -> Prediction | GtzanError:
            try:
                return self._predict(file, None, step)
            except GtzanError as error:
                return error

        with one_thread, ThreadPoolExecutor(jobs) as pool:
            yield from pool.map(answer, files)

    def cutter(self, step: float | None = None) -> WindowCutter:
        """Return what cuts sound at the recipe's sample rate into windows for `draw`.

        Parameters
        ----------
        step : float, optional
            Seconds from one window's start to the next. Default: the recipe's.

        Returns
        -------
        gtzan_lib.data.windows.WindowCutter
            With the context that images need.
        """
        before, after = self.recipe.context
        grid = self.recipe.grid if step is None else WindowGrid(self.recipe.seconds, step)
        return WindowCutter(grid, self.recipe.sample_rate, before=before, after=after)

    def draw(self, windows: list[Window]) -> np.ndarray:
        """Make the images of windows.

        Parameters
        ----------
        windows : list of Window
            As `cutter` gives them.

        Returns
        -------
        np.ndarray [shape=(n, height, width), dtype=uint8]
            One a window.
        """
        return np.stack([draw(window.y, self.recipe, window.start_s) for window in windows])

    def _batches(
        self, blocks: audio.Blocks | _Samples, step: float | None, name: str
    ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Turn blocks of sound at the recipe's rate into starts and images of windows."""
        _refuse_step(step)
        cutter, rate = self.cutter(step), self.recipe.sample_rate
        for block in blocks:
            bad = ~(np.abs(block) < _LOUDEST)
            if bad.any():
                raise AudioError(
                    f"{name}: has samples that are no numbers or endlessly loud, first at "
                    f"{(cutter.arrived + int(bad.argmax())) / rate:.2f} s; write it again.",
                    reason="has samples that are no numbers",
                )
            if windows := cutter.push(block):
                yield _starts(windows), self.draw(windows)
        if blocks.duration_s < SHORTEST_S:
            raise AudioError(
                f"{name}: lasts {blocks.duration_s:.2f} s, and no genre can be told from less than "
                f"{SHORTEST_S:g} s; give it more sound.",
                reason="is too short",
            )
        if windows := cutter.finish(blocks.duration_s):
            yield _starts(windows), self.draw(windows)


class _Samples:
    """Samples in blocks at a recipe's rate, like `gtzan_lib.data.audio.Blocks`."""

    def __init__(self, y: np.ndarray, sample_rate: int | None, recipe: Recipe) -> None:
        if sample_rate is None or not 0 < sample_rate < np.inf:
            raise AudioError("samples alone do not tell their sample rate; give sample_rate in Hz.")
        if np.ndim(y) not in (1, 2):
            raise AudioError(
                f"samples have one axis, or two, time and channels, and not {np.ndim(y)}; give "
                "others."
            )
        self._y, self._rate, self._target = np.asarray(y), sample_rate, recipe.sample_rate
        self.duration_s = len(y) / sample_rate

    def __iter__(self) -> Iterator[np.ndarray]:
        resampler = audio.Resampler(self._rate, self._target)
        size = max(1, round(_PIECE_S * self._rate))
        for start in range(0, len(self._y), size):
            block = audio.mono(self._y[start : start + size])
            yield resampler.push(block.astype(np.float32))
        yield resampler.finish()


def _refuse_step(step: float | None) -> None:
    if step is not None and not 0 < step < np.inf:
        raise ModelError(f"a step of {step} s leads nowhere; give one above zero.")


def _starts(windows: list[Window]) -> np.ndarray:
    return np.array([window.start_s for window in windows])
