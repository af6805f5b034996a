"""Step `net`: one net on log-mel images, trained with one seed on the official split."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch

from ...data.splits import quiet_split
from ...evaluation.evaluate import evaluate
from ...models.registry import input_axes
from ...signal.recipes import Recipe
from ...signal.store import SpectrogramStore
from ...training.classifier import NetClassifier
from ...training.inputs import by_track
from ..task import Task

__all__ = ["KINDS", "MINUTES", "measure", "reads_tracks", "shuffle"]

KINDS = ("log-mels", "sound")
"""Material; one of them must be there."""

MINUTES = 20.0
"""Estimate for one seed of the slowest net; others take less."""


def measure(
    task: Task,
    *,
    title: str = "MiniVGG",
    architecture: str = "minivgg",
    arguments: dict[str, Any] | None = None,
    recipe: str = "mel-gtzan-store",
    seconds: float = 3.0,
    height: int = 64,
    width: int = 39,
    epochs: int = 20,
    learning_rate: float = 5e-4,
    batch_size: int = 32,
    training: dict[str, Any] | None = None,
    shuffled: bool = False,
    threads: int = 2,
    seed: int = 0,
) -> None:
    """Train a net on the training part, and score the validation part.

    Writes the table `history` of all epochs, `genres` with recall, precision and F1, and
    the record with the predictions of tracks. An interrupted training resumes from its
    last epoch. The validation part chooses nothing, unless `training` has `patience`; the
    test part is not scored.

    Parameters
    ----------
    task : Task
        Its material has log-mels, or sound.
    title : str
        What figures and tables call the net.
    architecture : str
        A name of `gtzan_lib.models.registry.ARCHITECTURES`.
    arguments : dict, optional
        Arguments of the net.
    recipe : str
        Name of the recipe of the images.
    seconds : float
        Length of a window.
    height, width : int
        Size of the images in pixels.
    epochs, learning_rate, batch_size
        As for `gtzan_lib.training.classifier.NetClassifier`; for nets that read all windows
        of a track, a batch is of tracks.
    training : dict, optional
        Further settings of `NetClassifier`.
    shuffled : bool
        Whether the order of time is destroyed, as by `shuffle`: the control.
    threads : int
        Threads of the training, on which the last digits of the weights depend.
    seed : int
        Seed of initial weights, order and augmentation, and of the shuffled order.

    Raises
    ------
    CorpusError
        If there are neither log-mels nor sound.
    SplitError
        If the corpus has no validation part, or its training part lacks a genre.
    ModelError
        If the architecture or a setting is invalid.
    """
    corpus = task.corpus(*KINDS)
    # Copies and faults, as the published division leaves them out.
    parts = corpus.tracks["partition"]
    corpus = corpus.exclude(parts.index[parts == "dropped"].tolist())
    store = SpectrogramStore.build(
        corpus,
        Recipe.preset(recipe, seconds=seconds, size=(height, width)),
        work=task.work,
        jobs=task.jobs,
        progress=False,
    )
    X, windows = store.images, store.windows
    if reads_tracks(architecture):
        X, windows = by_track(store)
    if shuffled:
        X = shuffle(X, seed)
    name = re.sub(r"\W+", "-", title.lower()).strip("-")
    experiment = f"{name}-seed-{seed}"
    net = NetClassifier(
        architecture,
        arguments=arguments,
        epochs=epochs,
        learning_rate=learning_rate,
        batch_size=batch_size,
        checkpoint=task.work.checkpoints / experiment,
        seed=seed,
        **(training or {}),
    )
    split = quiet_split(windows, corpus, protocol="official", folds=1)
    with _torch_threads(threads):
        evaluation = evaluate(net, X, windows, split)
    (fitted,) = evaluation.estimators
    task.write("history", fitted.history_.set_index("epoch"))
    task.write("genres", evaluation.per_genre().rename_axis("genre"))
    task.save(
        evaluation,
        experiment=experiment,
        corpus=corpus,
        parameters={
            "architecture": architecture,
            "arguments": arguments or {},
            "recipe": recipe,
            "seconds": seconds,
            "size": [height, width],
            "epochs": epochs,
            "learning_rate": learning_rate,
            "batch_size": batch_size,
            "training": training or {},
            "shuffled": shuffled,
            "seed": seed,
        },
        seconds=fitted.seconds_,
        extra={
            "title": title,
            "weights": fitted.parameters_,
            "device": str(fitted.net_.device),
            "examples": len(split.folds[0].train),
        },
    )


def reads_tracks(architecture: str) -> bool:
    """Return whether a net reads all windows of a track, as TrackNet does, not single ones."""
    return input_axes(architecture)["images"] == 4


def shuffle(images: np.ndarray, seed: int) -> np.ndarray:
    """Destroy the order of time, and keep all else.

    Parameters
    ----------
    images : np.ndarray [shape=(n, height, width)] or [shape=(n, windows, height, width)]
        Windows, or the windows of tracks.
    seed : int
        Seed of the order, which is another one for each row.

    Returns
    -------
    np.ndarray
        The same shape: the columns of each window, or the windows of each track, in a
        random order.
    """
    axis = 1 if images.ndim == 4 else 2
    shape = [len(images), *(1 for _ in images.shape[1:])]
    shape[axis] = images.shape[axis]
    places = np.random.default_rng(seed).random(shape).argsort(axis=axis)
    return np.take_along_axis(np.asarray(images), places, axis=axis)


@contextmanager
def _torch_threads(threads: int) -> Iterator[None]:
    """Train on this number of threads, on whatever machine."""
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        yield
    finally:
        torch.set_num_threads(before)
