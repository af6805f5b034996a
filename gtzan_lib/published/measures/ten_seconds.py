"""Step `ten-seconds`: MiniVGG on windows of 10 s, and a test part that is drawn again."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from ...data.corpus import Corpus
from ...errors import SplitError
from ...signal.recipes import Recipe
from ...signal.store import SpectrogramStore
from ...stats import Score, bootstrap_score
from ...studies.reshuffle import PARTS, ReshuffleResult, reshuffle
from ...training.classifier import NetClassifier
from ..task import Task
from .leak import KINDS, without_faults

__all__ = [
    "CHOICES",
    "KINDS",
    "MINUTES",
    "TrainedInPlace",
    "difference",
    "measure",
    "new_artists",
]

MINUTES = 5.0
"""Estimate for all clips."""

CHOICES = PARTS | {"unseen": "held-out tracks", "artists": "tracks by new artists"}
"""Names of the scored parts by field of `ReshuffleResult`, and one more, `artists`.

:meta hide-value:
"""

# As in the step leak-net: half as wide as the original project's network, with less dropout.
_ARGUMENTS = {"channels": [16, 32, 64, 128, 256], "dropout": 0.1}
_LEARNING_RATE, _BATCH_SIZE = 0.001, 16

# Pairs of parts of different tracks, the one that leaks more first.
_PAIRS = (("test", "unseen"), ("unseen", "artists"), ("test", "artists"))


class TrainedInPlace(NetClassifier):
    """A net that is trained itself where other estimators are cloned first.

    So the trained net is at hand after a study that returns scores alone.
    """

    def __sklearn_clone__(self) -> TrainedInPlace:
        """Return the same net, not a clone."""
        return self


def measure(
    task: Task,
    *,
    seconds: float = 10.0,
    step: float = 5.0,
    held_out: float = 0.2,
    epochs: int = 10,
    height: int = 64,
    width: int = 129,
    seed: int = 0,
) -> None:
    """Train MiniVGG once on a split by window, and score it on five choices of tested windows.

    The windows of the published training part are divided one by one, except those of the
    tracks that are held out. The net is scored on its training part, on a test part that is
    drawn again, on the one that was saved with it, on the held-out tracks, and on tracks of
    the published validation part by artists whom the training part does not have. Nothing
    is chosen by a score; the published test part is neither trained on nor scored. Writes
    the tables `scores`, `differences`, `training` (loss and accuracy by epoch) and `fit`.

    Parameters
    ----------
    task : Task
        Its material has log-mels, or sound.
    seconds, step : float
        Length of a window, and seconds from one window's start to the next. Those of the
        original project: neighbours share half of their sound.
    held_out : float
        Share of the training part's tracks that is held out.
    epochs : int
        Number of epochs; the original project trained its net on 3 s for 20.
    height, width : int
        Size of the images. The default has half of the mel bands and all columns; the
        original project's images had 480 rows and 640 columns.
    seed : int
        Seed of the net and of all draws.

    Raises
    ------
    SplitError
        If a genre has no training track left, or the validation part has no new artist.

    See Also
    --------
    gtzan_lib.studies.reshuffle.reshuffle : How the test part is drawn again.
    """
    corpus = task.corpus(*KINDS)
    corpus = without_faults(corpus.exclude(corpus.unreadable))
    parts = corpus.tracks["partition"]
    corpus = corpus.exclude(parts.index[parts == "test"].tolist())
    scored = new_artists(corpus)
    recipe = Recipe.preset("mel-gtzan-store", seconds=seconds, step=step, size=(height, width))
    store = SpectrogramStore.build(corpus, recipe, work=task.work, jobs=task.jobs, progress=False)
    images, tracks = np.asarray(store.images), store.windows["track_id"]
    is_train = (parts.loc[tracks] == "train").to_numpy()
    windows = store.windows[is_train].reset_index(drop=True)
    net = TrainedInPlace(
        "minivgg",
        arguments=_ARGUMENTS,
        epochs=epochs,
        learning_rate=_LEARNING_RATE,
        batch_size=_BATCH_SIZE,
        checkpoint=task.work.checkpoints / "ten-seconds",
        progress=False,
        seed=seed,
    )
    result = reshuffle(net, images[is_train], windows, corpus, held_out=held_out, seed=seed)
    is_new = tracks.isin(scored).to_numpy()
    correct = net.predict(images[is_new]) == store.windows["genre"][is_new].to_numpy(dtype=str)
    of_artists = bootstrap_score(correct, corpus.tracks["artist"].loc[tracks[is_new]].to_numpy())
    scores = {**result._asdict(), "artists": of_artists}
    task.write("scores", _score_table(scores))
    task.write("differences", _difference_table(scores))
    task.write("training", net.history_.set_index("epoch"))
    fit = {
        "weights": net.parameters_,
        "tracks": windows["track_id"].nunique(),
        "windows": len(windows),
        **_sizes(result),
        "new_tracks": len(scored),
        "new_artists": corpus.tracks["artist"].loc[scored].nunique(),
        "seconds": seconds,
        "step": step,
        "height": recipe.height,
        "width": recipe.width,
        "epochs": epochs,
        "expected": result.predicted,
        "chance": windows["genre"].value_counts(normalize=True).iloc[0],
    }
    task.write("fit", pd.DataFrame(fit, index=pd.Index(["MiniVGG"], name="net")))


def new_artists(corpus: Corpus) -> list[str]:
    """Return the validation tracks by artists whom the training part does not have.

    Parameters
    ----------
    corpus : Corpus
        Tracks of GTZAN.

    Returns
    -------
    list of str
        Their ids; tracks of unknown artists are not among them.

    Raises
    ------
    SplitError
        If there are none.
    """
    tracks = corpus.tracks[corpus.tracks["artist"].fillna("") != ""]
    known = tracks["artist"][tracks["partition"] == "train"]
    is_new = (tracks["partition"] == "valid") & ~tracks["artist"].isin(known)
    if not is_new.any():
        raise SplitError(
            f"{corpus.root}: has no validation track by an artist who is not in the training "
            "part; use all of GTZAN."
        )
    return tracks.index[is_new].tolist()


def difference(first: Score, second: Score) -> tuple[float, float, float]:
    """Compute the difference of two scores on different tracks.

    Parameters
    ----------
    first, second : Score
        The scores.

    Returns
    -------
    difference, low, high : float
        The first less the second, and a 95 % interval that combines those of the scores as
        if they were independent.

    References
    ----------
    G. Y. Zou and A. Donner, "Construction of confidence limits about effect measures: a
    general approach", Statistics in Medicine 27, 2008.
    """
    points = first.value - second.value
    below = math.hypot(first.value - first.low, second.high - second.value)
    above = math.hypot(first.high - first.value, second.value - second.low)
    return points, points - below, points + above


def _score_table(scores: dict[str, Score]) -> pd.DataFrame:
    rows = {
        name: (score.n, score.value, score.low, score.high, score.interval)
        for name, score in ((CHOICES[field], scores[field]) for field in CHOICES)
    }
    columns = ["n", "value", "low", "high", "interval"]
    return pd.DataFrame.from_dict(rows, "index", columns=columns).rename_axis("tested")


def _difference_table(scores: dict[str, Score]) -> pd.DataFrame:
    rows = [
        (CHOICES[first], CHOICES[second], *difference(scores[first], scores[second]))
        for first, second in _PAIRS
    ]
    columns = ["first", "second", "points", "low", "high"]
    return pd.DataFrame(rows, columns=columns).set_index("first")


def _sizes(result: ReshuffleResult) -> dict[str, int]:
    """Return the number of windows of each part that the training part was divided into."""
    return {field: getattr(result, field).n for field in ("train", "valid", "test", "unseen")}
