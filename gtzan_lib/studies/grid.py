"""The grid of classic models: four transforms of the features by eight models.

Settings are scikit-learn's defaults, but for those that stand here. The seed
project's are not known, except that it scaled features to their range, which
every cell does here on its training part alone.
"""

from __future__ import annotations

import dataclasses
import time
import warnings
from collections.abc import Sequence
from functools import cached_property

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, clone
from sklearn.decomposition import PCA
from sklearn.ensemble import RandomForestClassifier
from sklearn.kernel_approximation import Nystroem
from sklearn.linear_model import LogisticRegression, Perceptron, RidgeClassifier
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import MinMaxScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier
from threadpoolctl import threadpool_limits

from ..data.splits import Split
from ..errors import ModelError
from ..evaluation.evaluate import evaluate
from ..evaluation.evaluation import Evaluation
from ..progress import progress_bar

__all__ = ["LINEAR", "MODELS", "TRANSFORMS", "Grid", "grid", "pipeline"]

# Both kernels are maps into the span of 300 training windows. On features that
# are scaled to their range, two windows are about 2 apart, squared.
TRANSFORMS: dict[str, BaseEstimator | str] = {
    "none": "passthrough",
    "PCA": PCA(n_components=0.95),
    "RBF kernel": Nystroem(kernel="rbf", gamma=0.5, n_components=300),
    "polynomial kernel": Nystroem(kernel="poly", degree=2, gamma=1.0, coef0=1.0, n_components=300),
}
"""What is done to the scaled features, by name."""

MODELS: dict[str, BaseEstimator] = {
    "logistic regression": LogisticRegression(C=10, max_iter=2000),
    "SVM": SVC(kernel="linear"),
    "perceptron": Perceptron(),
    "ridge": RidgeClassifier(),
    "decision tree": DecisionTreeClassifier(),
    "random forest": RandomForestClassifier(n_estimators=200),
    "k-NN": KNeighborsClassifier(n_neighbors=5),
    "neural net": MLPClassifier((128,), learning_rate_init=0.005, max_iter=1000),
}
"""What classifies, by name. The SVM is linear: its kernels are transforms."""

LINEAR = ("logistic regression", "SVM", "perceptron", "ridge")
"""The models that divide genres by planes."""


def pipeline(transform: str, model: str, *, seed: int = 0) -> Pipeline:
    """Return one cell of the grid.

    Parameters
    ----------
    transform : str
        A name of `TRANSFORMS`.
    model : str
        A name of `MODELS`.
    seed : int
        Of random choices in either.

    Returns
    -------
    sklearn.pipeline.Pipeline
        Scaling to the training part's range, transform and model, not fitted.

    Raises
    ------
    ModelError
        If there is no such name.

    Examples
    --------
    >>> import gtzan_lib as gl
    >>> table = gl.features(gl.open_corpus())  # doctest: +SKIP
    >>> pipeline("none", "k-NN").fit(table.values, table.windows["genre"])  # doctest: +SKIP

    Notes
    -----
    The book page "Models on features" compares all of them.
    """
    for name, known in ((transform, TRANSFORMS), (model, MODELS)):
        if name not in known:
            raise ModelError(f"there is no {name!r} in the grid; choose one of {', '.join(known)}.")
    steps = [
        ("scale", MinMaxScaler()),
        ("transform", TRANSFORMS[transform]),
        ("model", MODELS[model]),
    ]
    cell = Pipeline(steps)
    random = [name for name in cell.get_params() if name.endswith("__random_state")]
    # Its parts are those of the tables above until it is cloned.
    return clone(cell).set_params(**dict.fromkeys(random, seed))


@dataclasses.dataclass(frozen=True, eq=False)
class Grid:
    """What every cell of the grid answered about the same windows.

    Attributes
    ----------
    cells : dict of (str, str) to Evaluation
        By transform and model; their estimators are not kept.
    curves : dict of (str, str) to list of float
        Training loss by epoch in the first fold, where a model has epochs.
    seconds : dict of (str, str) to float
        Time for all folds.
    """

    cells: dict[tuple[str, str], Evaluation]
    curves: dict[tuple[str, str], list[float]]
    seconds: dict[tuple[str, str], float]

    def __repr__(self) -> str:
        return f"Grid({len(self.cells)} cells, protocol {self.split.protocol!r})"

    @property
    def split(self) -> Split:
        """What all cells were trained and tested on."""
        return next(iter(self.cells.values())).split

    @property
    def tested(self) -> np.ndarray:
        """Ids of the tested windows."""
        return next(iter(self.cells.values())).windows["window_id"].to_numpy(dtype=str)

    @cached_property
    def scores(self) -> pd.DataFrame:
        """One row a cell: `accuracy` with bounds by track, and by window, and the rest.

        Columns are `accuracy`, `low`, `high`, `window_accuracy`, `window_low`,
        `window_high`, `train_accuracy`, `unconverged` (folds whose training did
        not come to an end) and `seconds`.
        """
        rows = []
        for place, cell in self.cells.items():
            track, window = cell.accuracy(), cell.accuracy("window")
            rest = cell.train_accuracy, cell.unconverged, self.seconds[place]
            rows.append([*track[:3], *window[:3], *rest])
        index = pd.MultiIndex.from_tuples(self.cells, names=["transform", "model"])
        bounds = ["accuracy", "low", "high"]
        columns = [*bounds, *(f"window_{name}" for name in bounds), "train_accuracy"]
        return pd.DataFrame(rows, index, [*columns, "unconverged", "seconds"])


def grid(
    X: np.ndarray,
    windows: pd.DataFrame,
    split: Split,
    *,
    transforms: Sequence[str] = tuple(TRANSFORMS),
    models: Sequence[str] = tuple(MODELS),
    seed: int = 0,
    jobs: int = 1,
    progress: bool = True,
) -> Grid:
    """Fit and test every cell on every fold.

    Parameters
    ----------
    X : np.ndarray [shape=(windows, features)]
        Features, `FeatureTable.values`.
    windows : pd.DataFrame
        What its rows are, `FeatureTable.windows`.
    split : Split
        Made from the same windows.
    transforms, models : sequence of str
        Rows and columns of the grid. Default: all.
    seed : int
        Of the models' random choices.
    jobs : int
        Processes.
    progress : bool
        Show a progress bar, if on a terminal.

    Returns
    -------
    Grid
        The answers of all cells.

    Raises
    ------
    ModelError
        If a transform or model is unknown, or none is named.
    SplitError
        If the split was made from other windows.
    """
    import joblib

    if not (transforms and models):
        raise ModelError("a grid needs at least one transform and one model; name some.")
    places = [(transform, model) for transform in transforms for model in models]
    tasks = [
        joblib.delayed(_cell)(pipeline(*place, seed=seed), X, windows, split) for place in places
    ]
    pool = joblib.Parallel(n_jobs=jobs, return_as="generator")
    results = list(progress_bar(pool(tasks), "Cells of the grid", len(places), show=progress))
    cells, curves, seconds = (
        dict(zip(places, column, strict=True)) for column in zip(*results, strict=True)
    )
    return Grid(cells, {place: curve for place, curve in curves.items() if curve}, seconds)


def _cell(
    estimator: Pipeline, X: np.ndarray, windows: pd.DataFrame, split: Split
) -> tuple[Evaluation, list[float], float]:
    start = time.perf_counter()
    # Sums depend on how many threads share them, and scores must not.
    with threadpool_limits(1, user_api="blas"), warnings.catch_warnings():
        # Fewer training windows than landmarks: then all of them are landmarks.
        warnings.filterwarnings("ignore", "n_components > n_samples")
        evaluation = evaluate(estimator, X, windows, split)
    curve = getattr(evaluation.estimators[0][-1], "loss_curve_", [])
    # A forest is large, and the grid has forty of them.
    kept = dataclasses.replace(evaluation, estimators=[])
    return kept, list(curve), time.perf_counter() - start
