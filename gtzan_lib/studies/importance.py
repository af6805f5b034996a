"""Permutation importance: how much accuracy depends on groups of features.

References
----------
L. Breiman, "Random forests", Machine Learning 45, 2001.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from ..errors import ModelError
from ..evaluation.evaluation import Evaluation
from ..stats import bootstrap_interval, independent_groups

__all__ = ["feature_groups", "permutation_importance"]

# Kaggle's curves that measure the same and are therefore correlated.
_GROUPS = {
    "pitch classes (chroma)": ("chroma_stft",),
    "loudness (RMS)": ("rms",),
    "brightness (spectrum)": (
        "spectral_centroid", "spectral_bandwidth", "rolloff", "zero_crossing_rate",
    ),
    "harmonic and percussive": ("harmony", "perceptr"),
    "tempo": ("tempo",),
    "timbre (MFCC)": tuple(f"mfcc{number}" for number in range(1, 21)),
}  # fmt: skip


def feature_groups(names: Sequence[str]) -> dict[str, np.ndarray]:
    """Divide features into groups that measure similar things.

    Parameters
    ----------
    names : sequence of str
        Names of the features, as in `FeatureTable.names`.

    Returns
    -------
    dict of str to np.ndarray [shape=(n,), dtype=int64]
        Numbers of the features by group. Kaggle's are grouped by what they measure;
        others by their names without the number or statistic at the end.
    """
    group_of = {curve: group for group, curves in _GROUPS.items() for curve in curves}
    curves = [name if name in group_of else name.rpartition("_")[0] or name for name in names]
    labels = pd.Series([group_of.get(curve, curve.replace("_", " ")) for curve in curves])
    return {str(label): np.asarray(rows) for label, rows in labels.groupby(labels).groups.items()}


def permutation_importance(
    evaluation: Evaluation,
    X: np.ndarray,
    groups: Mapping[str, np.ndarray],
    *,
    repeats: int = 5,
    seed: int = 0,
) -> pd.DataFrame:
    """Measure the loss of accuracy if a group of features is shuffled among windows.

    The scored windows of each fold are shuffled, which the fold's model was not
    trained on. All features of a group are shuffled together: of two correlated
    features that are shuffled one at a time, each seems to be of little use.

    Parameters
    ----------
    evaluation : Evaluation
        Of a model on these features, with its fitted estimators.
    X : np.ndarray [shape=(windows, features)]
        The features that it was given.
    groups : mapping of str to np.ndarray
        Numbers of features by group, as from `feature_groups`.
    repeats : int
        Number of shuffles; the loss is their mean.
    seed : int
        Random seed of the shuffles.

    Returns
    -------
    pd.DataFrame
        By group, the greatest loss first: number of `features`, and `loss` of window
        accuracy, from -1 to 1, with the bounds `low` and `high` of its 95 % interval,
        a bootstrap over artists (tracks where artists are unknown).

    Raises
    ------
    ModelError
        If the evaluation has no fitted estimators, as those of a grid.
    """
    if not evaluation.estimators:
        raise ModelError(
            "the evaluation has no fitted estimators; evaluate the model with gl.evaluate."
        )
    rng = np.random.default_rng(seed)
    genres = evaluation.split.table["genre"].to_numpy(dtype=str)
    losses: dict[str, list[np.ndarray]] = {name: [] for name in groups}
    scored = []
    for fold, estimator in zip(evaluation.split, evaluation.estimators, strict=True):
        rows = getattr(fold, evaluation.part)
        scored.append(rows)
        correct = (estimator.predict(X[rows]) == genres[rows]).astype(float)
        for name, columns in groups.items():
            remaining = np.zeros(len(rows))
            for _ in range(repeats):
                shuffled = X[rows]
                shuffled[:, columns] = shuffled[rng.permutation(len(rows))][:, columns]
                remaining += estimator.predict(shuffled) == genres[rows]
            losses[name].append(correct - remaining / repeats)
    table = evaluation.split.table.loc[np.concatenate(scored)]
    artists = independent_groups(table["artist"], table["track_id"])
    result = {}
    for name, columns in groups.items():
        loss = np.concatenate(losses[name])
        result[name] = (len(columns), loss.mean(), *bootstrap_interval(loss, artists))
    frame = pd.DataFrame.from_dict(
        result, orient="index", columns=["features", "loss", "low", "high"]
    )
    return frame.rename_axis("group").sort_values("loss", ascending=False)
