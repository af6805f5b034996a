"""Heads on different representations of the same tracks, evaluated out of fold."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch
from scipy.special import softmax

from ..data.arguments import require_array, require_corpus, require_windows
from ..data.corpus import Corpus
from ..data.splits import DataSplit
from ..errors import SplitError
from ..evaluation.comparison import difference
from ..evaluation.evaluation import Evaluation
from ..inference.fitting import FittedHead, fit_head

__all__ = ["HeadEvaluation", "compare_representations", "evaluate_head"]


class HeadEvaluation(NamedTuple):
    """A head on a representation, and its predictions out of fold.

    Attributes
    ----------
    fitted : FittedHead
        The head.
    calibrated : Evaluation
        Predictions for all windows, by heads that were fitted without the window's
        artist or track. Its `train_accuracy` is that of the head fitted on all tracks.
    uncalibrated : Evaluation
        The same with temperature 1.
    """

    fitted: FittedHead
    calibrated: Evaluation
    uncalibrated: Evaluation


def evaluate_head(
    X: np.ndarray,
    windows: pd.DataFrame,
    corpus: Corpus,
    *,
    protocol: str = "artist",
    seed: int = 0,
) -> HeadEvaluation:
    """Fit a head on a representation of windows, and evaluate it out of fold.

    Parameters
    ----------
    X : np.ndarray [shape=(n, width)]
        The representation, one row per window: a layer of
        `gtzan_lib.studies.representations.musicnn_layers`, or features.
    windows : pd.DataFrame
        The window of each row: `window_id`, `track_id`, `genre`.
    corpus : Corpus
        The corpus of the windows, for its artists.
    protocol : {"artist", "track"}
        What is left out as a whole. A track of an unknown artist counts as an artist.
    seed : int
        Seed of the folds. Representations of the same tracks have the same folds.

    Returns
    -------
    HeadEvaluation
        The head, and what it predicts with and without its temperature.

    Raises
    ------
    ArrayError
        If `X` is no array, or `windows` no table of windows.
    ModelError
        If there are fewer than two genres, or a genre has tracks of fewer than two
        artists.
    SplitError
        If there is no such protocol, or the number of rows of `X` is wrong.

    See Also
    --------
    gtzan_lib.inference.fitting.fit_head : How head, strength and temperature are fitted.
    """
    require_array(X, "X")
    require_windows(windows)
    require_corpus(corpus)
    if protocol not in {"artist", "track"}:
        raise SplitError(f"heads are not split by {protocol!r}; choose artist or track.")
    if len(X) != len(windows):
        raise SplitError(
            f"X has {len(X)} rows for {len(windows)} windows; give one row per window, in the "
            "order of the windows."
        )
    described = windows[["window_id", "track_id", "genre"]].reset_index(drop=True)
    artists = corpus.tracks["artist"].reindex(described["track_id"]).fillna("")
    described["artist"] = artists.to_numpy()
    track, track_ids = pd.factorize(described["track_id"])
    rows = [np.flatnonzero(track == number) for number in range(len(track_ids))]
    genres = described["genre"].groupby(track).first()
    groups = corpus.artists_of(track_ids) if protocol == "artist" else track_ids
    fitted = fit_head([X[one] for one in rows], genres.tolist(), groups.tolist(), seed=seed)
    names, folds = list(fitted.genres), fitted.folds[track]
    count = int(folds.max()) + 1
    settings = {"seed": seed, "folds": count, "corpus": corpus.fingerprint}
    parts = {f"fold_{fold}": np.where(folds == fold, "test", "train") for fold in range(count)}
    calibrated = Evaluation(
        described.assign(fold=folds).join(_in_order(fitted.windows, rows, names)),
        names,
        _accuracy(fitted, X, fitted.truth[track]),
        [fitted.head],
        DataSplit(protocol, described.assign(**parts), settings),
        aggregation="geometric mean",
    )
    uncalibrated = [softmax(logits, axis=1) for logits in fitted.logits]
    before = calibrated.windows.copy()
    before[names] = _in_order(uncalibrated, rows, names)
    return HeadEvaluation(fitted, calibrated, dataclasses.replace(calibrated, windows=before))


def _in_order(tracks: list[np.ndarray], rows: list[np.ndarray], names: list[str]) -> pd.DataFrame:
    """Return probabilities of the windows of each track in the order of all windows."""
    return pd.DataFrame(np.concatenate(tracks), np.concatenate(rows), names).sort_index()


def _accuracy(fitted: FittedHead, X: np.ndarray, truth: np.ndarray) -> float:
    with torch.inference_mode():
        columns = fitted.head(torch.from_numpy(X).float()).argmax(dim=1).numpy()
    return float(np.mean(columns == truth))


def compare_representations(heads: Mapping[str, HeadEvaluation]) -> pd.DataFrame:
    """Compare heads on different representations of the same tracks.

    Parameters
    ----------
    heads : mapping of str to HeadEvaluation
        By the names of the representations; the others are compared with the first.

    Returns
    -------
    pd.DataFrame
        One row a representation and unit, `track` or `window`: `width`, the numbers
        in a row; `strength`, scikit-learn's `C`; `n`, the predictions; `accuracy` with
        `low` and `high`; the `difference` to the first, with `difference_low` and
        `difference_high`, a paired bootstrap over artists.

    Raises
    ------
    SplitError
        If they were evaluated on different windows.

    Notes
    -----
    The book page "Transfer" shows the comparison.
    """
    first = next(iter(heads.values())).calibrated
    rows = {}
    for name, (fitted, evaluation, _) in heads.items():
        width = fitted.head.linear.in_features
        for unit in ("track", "window"):
            score, change = evaluation.accuracy(unit), difference(evaluation, first, unit)
            rows[name, unit] = (width, fitted.strength, score.n, *score[:3], *change[:3])
    columns = ["width", "strength", "n", "accuracy", "low", "high"]
    columns += ["difference", "difference_low", "difference_high"]
    table = pd.DataFrame.from_dict(rows, "index", columns=columns)
    table.index = pd.MultiIndex.from_tuples(table.index, names=["representation", "unit"])
    return table
