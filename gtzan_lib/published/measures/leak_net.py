"""Step `leak-net`: MiniVGG under one of the splits of the step `leak`."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd

from ...data.splits import DataSplit
from ...errors import SplitError
from ...evaluation.evaluate import evaluate
from ...signal.recipes import Recipe
from ...signal.store import SpectrogramStore
from ..task import Task
from .leak import KINDS, SECONDS, leak_splits, prediction_tables, without_faults

__all__ = ["KINDS", "MINUTES", "measure"]

MINUTES = 12.0
"""Estimate for all clips and one protocol."""

# Half as wide as the original project's network, with less dropout, as in runs/gtzan.yml.
_ARGUMENTS = {"channels": [16, 32, 64, 128, 256], "dropout": 0.1}
_LEARNING_RATE, _BATCH_SIZE = 0.001, 16


def measure(
    task: Task,
    *,
    protocol: str = "window",
    folds: int = 3,
    epochs: int = 8,
    height: int = 64,
    seed: int = 0,
) -> None:
    """Train and score MiniVGG on images of windows of 3 s, under one protocol.

    No choice is made by a validation part, so that it is trained on as well. All folds of
    all protocols have as many training windows. Writes the tables `tracks` and `windows`
    (predictions), `training` (loss and accuracy by epoch and fold) and `fit`.

    Parameters
    ----------
    task : Task
        Its material has log-mels, or sound.
    protocol : {"window", "track", "artist"}
        The unit that is kept in one part.
    folds : int
        Number of folds.
    epochs : int
        Number of epochs.
    height : int
        Height of the images; 128 is one row a mel band.
    seed : int
        Seed of the splits and of the net.

    Raises
    ------
    SplitError
        If the protocol is not possible.
    """
    # It takes seconds to import, and pages read what this module writes.
    from ...training.classifier import NetClassifier

    corpus = task.corpus(*KINDS)
    corpus = without_faults(corpus.exclude(corpus.unreadable))
    full = Recipe.preset("mel-gtzan-store", seconds=SECONDS)
    recipe = Recipe.preset("mel-gtzan-store", seconds=SECONDS, size=(height, full.width))
    store = SpectrogramStore.build(corpus, recipe, work=task.work, jobs=task.jobs, progress=False)
    splits = leak_splits(store.windows, corpus, folds, seed, use_published=False)
    if protocol not in splits.possible:
        raise SplitError(splits.refused.get(protocol, f"there is no protocol {protocol!r}."))
    possible = {name: _without_validation(split) for name, split in splits.possible.items()}
    split = splits._replace(possible=possible).of_one_size(seed).possible[protocol]
    net = NetClassifier(
        "minivgg",
        arguments=_ARGUMENTS,
        epochs=epochs,
        learning_rate=_LEARNING_RATE,
        batch_size=_BATCH_SIZE,
        checkpoint=task.work.checkpoints / f"leak-net-{protocol}",
        progress=False,
        seed=seed,
    )
    evaluation = evaluate(net, np.asarray(store.images), store.windows, split)
    tracks, windows = prediction_tables({f"MiniVGG, {protocol}": evaluation}, corpus)
    task.write("tracks", tracks)
    task.write("windows", windows)
    history = [
        fitted.history_.assign(fold=number) for number, fitted in enumerate(evaluation.estimators)
    ]
    task.write("training", pd.concat(history).set_index("fold"))
    first = evaluation.estimators[0]
    fit = {
        "weights": first.parameters_,
        "train": len(split.folds[0].train),
        "height": recipe.height,
        "width": recipe.width,
        "epochs": epochs,
        "folds": folds,
        "train_accuracy": evaluation.train_accuracy,
    }
    task.write("fit", pd.DataFrame(fit, index=pd.Index([protocol], name="protocol")))


def _without_validation(split: DataSplit) -> DataSplit:
    """Add the validation part of each fold to its training part."""
    columns = [f"fold_{number}" for number in range(len(split))]
    parts = split.table[columns].replace("valid", "train")
    return dataclasses.replace(split, table=split.table.assign(**parts))
