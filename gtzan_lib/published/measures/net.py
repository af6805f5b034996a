"""Step `net`: one net on log-mel images, trained with one seed on the official split."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import torch

from ...data.corpus import Corpus
from ...data.splits import DataSplit, quiet_split
from ...evaluation.evaluate import evaluate
from ...evaluation.evaluation import Evaluation
from ...models.registry import input_axes
from ...signal.recipes import Recipe
from ...signal.store import SpectrogramStore
from ...stats import independent_groups
from ...training.classifier import NetClassifier
from ...training.inputs import by_track
from ..task import Task

__all__ = [
    "KINDS",
    "MINUTES",
    "TrainedNet",
    "measure",
    "part_of_artists",
    "reads_tracks",
    "shuffle",
    "train_and_score",
]

KINDS = ("log-mels", "sound")
"""Material; one of them must be there."""

MINUTES = 20.0
"""Estimate for one seed of the slowest net; others take less."""


class TrainedNet(NamedTuple):
    """A net that was trained and scored.

    Attributes
    ----------
    experiment : str
        Name of its record and checkpoint.
    evaluation : Evaluation
        Of the validation part, or of the test part.
    corpus : Corpus
        The corpus, without copies and faults.
    train_tracks, train_artists : int
        Numbers of tracks and artists that it was trained on; a track without a known artist
        counts as one.
    """

    experiment: str
    evaluation: Evaluation
    corpus: Corpus
    train_tracks: int
    train_artists: int


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
    share: float = 1.0,
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
    share : float
        Share of the artists of each genre that the net is trained on, see
        `part_of_artists`; 1: all.
    threads : int
        Threads of the training, on which the last digits of the weights depend.
    seed : int
        Seed of initial weights, order and augmentation, of the shuffled order, and of the
        choice of artists.

    Raises
    ------
    CorpusError
        If there are neither log-mels nor sound.
    SplitError
        If the corpus has no validation part, or its training part lacks a genre.
    ModelError
        If the architecture or a setting is invalid.
    """
    settings = {name: value for name, value in locals().items() if name != "task"}
    trained = train_and_score(task, settings)
    evaluation = trained.evaluation
    (fitted,) = evaluation.estimators
    task.write("history", fitted.history_.set_index("epoch"))
    task.write("genres", evaluation.per_genre().rename_axis("genre"))
    left_out = ("title", "threads", "height", "width")
    parameters = {name: value for name, value in settings.items() if name not in left_out}
    task.save(
        evaluation,
        experiment=trained.experiment,
        corpus=trained.corpus,
        parameters=parameters
        | {"arguments": arguments or {}, "training": training or {}, "size": [height, width]},
        seconds=fitted.seconds_,
        extra={
            "title": title,
            "weights": fitted.parameters_,
            "device": str(fitted.net_.device),
            "examples": len(evaluation.split.folds[0].train),
            "train_tracks": trained.train_tracks,
            "train_artists": trained.train_artists,
        },
    )


def train_and_score(
    task: Task,
    settings: Mapping[str, Any],
    *,
    ask_test: bool = False,
    chosen_by: str = "",
    test_access: Path | None = None,
) -> TrainedNet:
    """Train a net, or take it from its checkpoint, and score it.

    Parameters
    ----------
    task : Task
        Its material has log-mels, or sound.
    settings : mapping of str to object
        All settings of `measure`.
    ask_test, chosen_by, test_access
        As for `gtzan_lib.evaluation.evaluate.evaluate`.

    Returns
    -------
    TrainedNet
        With the validation part scored, or the test part if it is asked for.
    """
    given = SimpleNamespace(**settings)
    corpus = task.corpus(*KINDS)
    # Copies and faults, as the published division leaves them out.
    parts = corpus.tracks["partition"]
    corpus = corpus.exclude(parts.index[parts == "dropped"].tolist())
    store = SpectrogramStore.build(
        corpus,
        Recipe.preset(given.recipe, seconds=given.seconds, size=(given.height, given.width)),
        work=task.work,
        jobs=task.jobs,
        progress=False,
    )
    X, windows = store.images, store.windows
    if reads_tracks(given.architecture):
        X, windows = by_track(store)
    if given.shuffled:
        X = shuffle(X, given.seed)
    name = re.sub(r"\W+", "-", given.title.lower()).strip("-")
    experiment = f"{name}-seed-{given.seed}"
    net = NetClassifier(
        given.architecture,
        arguments=given.arguments,
        epochs=given.epochs,
        learning_rate=given.learning_rate,
        batch_size=given.batch_size,
        checkpoint=task.work.checkpoints / experiment,
        seed=given.seed,
        **(given.training or {}),
    )
    split = quiet_split(windows, corpus, protocol="official", folds=1)
    split = part_of_artists(split, given.share, given.seed)
    with _torch_threads(given.threads):
        evaluation = evaluate(
            net,
            X,
            windows,
            split,
            ask_test=ask_test,
            description=f"{given.title}: {given.architecture}, seed {given.seed}",
            chosen_by=chosen_by,
            test_access=test_access,
        )
    rows = split.table.iloc[split.folds[0].train].drop_duplicates("track_id")
    artists = independent_groups(rows["artist"], rows["track_id"])
    return TrainedNet(experiment, evaluation, corpus, len(rows), len(set(artists)))


def part_of_artists(split: DataSplit, share: float, seed: int) -> DataSplit:
    """Leave only some artists of each genre in the training part.

    Parameters
    ----------
    split : DataSplit
        Of one fold.
    share : float
        Share of the artists of each genre that are left, rounded, and at least one.
    seed : int
        Seed of their order. With the same seed, a larger share has all artists of a
        smaller one.

    Returns
    -------
    DataSplit
        The other parts are as they were.
    """
    table = split.table.copy()
    train = table[table["fold_0"] == "train"]
    artists = pd.Series(independent_groups(train["artist"], train["track_id"]), train.index)
    rng = np.random.default_rng(seed)
    for _, rows in train.groupby("genre"):
        order = rng.permutation(np.unique(artists[rows.index]))
        left_out = order[max(1, round(share * len(order))) :]
        table.loc[rows.index[artists[rows.index].isin(left_out)], "fold_0"] = "dropped"
    return dataclasses.replace(split, table=table)


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
