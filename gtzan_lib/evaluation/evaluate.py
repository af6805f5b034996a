"""Fitting and scoring an estimator on every fold of a split."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import softmax
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.validation import has_fit_parameter

from ..data.arguments import require_array, require_windows
from ..data.splits import PART_NAMES, DataSplit
from ..errors import SplitError
from .askings import (
    configuration_hash,
    corpus_of,
    part_to_score,
    prepare_list,
    record_asking,
    seeds_of,
)
from .evaluation import Evaluation

__all__ = ["evaluate"]


def evaluate(
    estimator: Any,
    X: Any,
    windows: pd.DataFrame,
    split: DataSplit,
    *,
    aggregation: str = "mean",
    ask_test: bool = False,
    description: str = "",
    chosen_by: str = "",
    test_access: str | Path | None = None,
) -> Evaluation:
    """Fit and score an estimator on every fold of a split.

    The test part of every fold is scored; under protocol `official` the validation part,
    unless the test part is asked for.

    Parameters
    ----------
    estimator : scikit-learn classifier
        Cloned for each fold. If its `fit` has a parameter `valid`, it receives the
        validation part. Without `predict_proba`, the softmax of
        `decision_function` replaces probabilities: it ranks genres, but is not
        calibrated.
    X : np.ndarray [shape=(windows, ...)], or dict of such arrays
        Images or features, one row per window. A dict is for estimators with
        several inputs.
    windows : pd.DataFrame
        The rows of `X`: `window_id`, `genre`. A store's `windows`.
    split : DataSplit
        Made from the same windows.
    aggregation : str
        How the windows of a track are combined; see
        `gtzan_lib.evaluation.aggregate.aggregate`.
    ask_test : bool
        Whether to score the test part of an official split. The asking and the score
        are noted in a list before the score is returned. Other protocols always score
        their test parts, and note nothing.
    description : str
        The model in a few words, for the list. Default: its class or architecture.
    chosen_by : str
        What the configuration was chosen by, for the list.
    test_access : str or Path, optional
        The list, a CSV file. Default: `test_access.csv` in the workspace.

    Returns
    -------
    Evaluation
        The predictions for every scored part.

    Raises
    ------
    ArrayError
        If `X` is no array, such as a DataFrame, or `windows` no table of windows.
    SplitError
        If the split was made from other windows, the number of rows of `X` is
        wrong, a scored genre is absent from the training part, or the scored part is
        empty.
    RecordError
        If `test_access` is another file, or damaged.
    OutputError
        If an asking cannot be noted.

    Notes
    -----
    The book page "Evaluation" explains the scores and their intervals, and "The test part
    wears out" the list of askings.

    Examples
    --------
    >>> import gtzan_lib as gl
    >>> from sklearn.neighbors import KNeighborsClassifier
    >>> flat = store.images.reshape(len(store), -1)  # doctest: +SKIP
    >>> gl.evaluate(KNeighborsClassifier(), flat, store.windows, split)  # doctest: +SKIP
    """
    require_windows(windows)
    if not np.array_equal(windows["window_id"].to_numpy(), split.table["window_id"].to_numpy()):
        raise SplitError(
            "the split was made from other windows; make it from the same table with "
            "gl.split(store.windows, corpus, ...)."
        )
    for data in X.values() if isinstance(X, dict) else [X]:
        require_array(data, "X")
        if len(data) != len(windows):
            raise SplitError(
                f"X has {len(data)} rows for {len(windows)} windows; give one row per window, in "
                "the order of the windows."
            )
    y = windows["genre"].to_numpy(dtype=str)
    genres = sorted(np.unique(y).tolist())
    takes_valid = has_fit_parameter(estimator, "valid")
    part = part_to_score(split, ask_test=ask_test)
    is_asking = split.protocol == "official" and part == "test"
    noted_in = prepare_list(test_access) if is_asking else None
    tables, estimators, train_accuracy, unconverged = [], [], [], 0
    for number, fold in enumerate(split):
        _require_trained_genres(y, fold.train, getattr(fold, part), number, part)
    for number, fold in enumerate(split):
        fitted = clone(estimator)
        train = _rows(X, fold.train)
        valid = {"valid": (_rows(X, fold.valid), y[fold.valid])} if takes_valid else {}
        unconverged += _fit(fitted, train, y[fold.train], valid)
        train_predictions = fitted.classes_[_probabilities(fitted, train).argmax(axis=1)]
        train_accuracy.append(np.mean(train_predictions == y[fold.train]))
        scored = getattr(fold, part)
        probabilities = pd.DataFrame(
            _probabilities(fitted, _rows(X, scored)), columns=fitted.classes_, index=scored
        )
        rows = split.table.loc[scored, ["window_id", "track_id", "genre", "artist"]]
        probabilities = probabilities.reindex(columns=genres, fill_value=0.0).astype(float)
        tables.append(rows.assign(fold=number).join(probabilities))
        estimators.append(fitted)
    evaluation = Evaluation(
        pd.concat(tables).sort_index(kind="stable").reset_index(drop=True),
        genres,
        float(np.mean(train_accuracy)),
        estimators,
        split,
        unconverged,
        aggregation,
        part,
        # An estimator that takes the validation part without a setting for it uses it.
        part == "valid" and takes_valid and getattr(estimator, "patience", True) is not None,
    )
    if noted_in is not None:
        record_asking(
            noted_in,
            evaluation.accuracy(),
            corpus=corpus_of(split),
            configuration=configuration_hash(
                {"estimator": estimator, "X": X, "split": split.hash, "aggregation": aggregation}
            ),
            description=description or _names(estimator),
            seeds=seeds_of(estimator),
            chosen_by=chosen_by,
        )
    return evaluation


def _names(estimator: Any) -> str:
    """Return the class, or the architecture of a net; of a pipeline those of all steps."""
    steps = [step for _, step in getattr(estimator, "steps", [("", estimator)])]
    names = [getattr(step, "architecture", type(step).__name__) for step in steps]
    return ", ".join(name for name in names if name != "str")


def _require_trained_genres(
    y: np.ndarray, train: np.ndarray, scored: np.ndarray, number: int, part: str
) -> None:
    if not len(scored):
        raise SplitError(
            f"the {PART_NAMES[part]} of fold {number} has no window to score; choose another split."
        )
    absent = sorted(set(y[scored]) - set(y[train]))
    if absent:
        raise SplitError(
            f"genre {str(absent[0])!r} is tested in fold {number} and has no window in its "
            "training part; choose another split or exclude the genre."
        )


def _fit(estimator: Any, X: Any, y: np.ndarray, valid: dict[str, Any]) -> bool:
    """Fit an estimator; return whether it warned that it did not converge."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ConvergenceWarning)
        estimator.fit(X, y, **valid)
    others = [warning for warning in caught if not issubclass(warning.category, ConvergenceWarning)]
    for warning in others:
        warnings.warn_explicit(warning.message, warning.category, warning.filename, warning.lineno)
    return len(others) < len(caught)


def _probabilities(estimator: Any, X: Any) -> np.ndarray:
    if hasattr(estimator, "predict_proba"):
        return estimator.predict_proba(X)
    scores = np.asarray(estimator.decision_function(X), dtype=float)
    if scores.ndim == 1:
        scores = np.stack([-scores, scores], axis=1) / 2
    return softmax(scores, axis=1)


def _rows(X: Any, numbers: np.ndarray) -> Any:
    if isinstance(X, dict):
        return {name: values[numbers] for name, values in X.items()}
    return X[numbers]
