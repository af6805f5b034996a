"""The grid of classic models: four transforms of the features by eight models.

Hyperparameters are scikit-learn's defaults, except for those set here. Those of
the original project are unknown, except that it applied min-max scaling, which
every cell here fits on its training part only.
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

from ..data.corpus import Corpus
from ..data.splits import DataSplit, quiet_split
from ..data.tables import FEATURE_NAMES
from ..errors import ModelError
from ..evaluation.evaluate import evaluate
from ..evaluation.evaluation import Evaluation
from ..progress import progress_bar
from ..signal.families import families_of
from ..signal.features import features
from ..stats import PairedDifference, bootstrap_interval, holm

__all__ = [
    "CLASSIFIERS",
    "LINEAR",
    "TRANSFORMS",
    "GridResult",
    "choose_by_fold",
    "compare_cells",
    "compare_families",
    "estimators",
    "grid",
    "mean_leak",
    "pipeline",
]


class _KernelMap(Nystroem):  # type: ignore[misc]
    """An approximate feature map of a kernel, also of thousands of features.

    Squared distances and scalar products grow with the number of features; above that
    of Kaggle's, they are divided by the ratio of the two.
    """

    def fit(self, X: np.ndarray, y: np.ndarray | None = None) -> _KernelMap:
        super().fit(_shrunk(X), y)
        return self

    def transform(self, X: np.ndarray) -> np.ndarray:
        return super().transform(_shrunk(X))


def _shrunk(X: np.ndarray) -> np.ndarray:
    return X * float(min(1.0, np.sqrt(len(FEATURE_NAMES) / X.shape[1])))


# Both kernels are Nystroem approximations with 300 training windows. After min-max
# scaling, the mean squared distance of two windows of Kaggle's features is about 2.
_LANDMARKS = 300
TRANSFORMS: dict[str, BaseEstimator | str] = {
    "none": "passthrough",
    "PCA": PCA(n_components=0.95),
    "RBF kernel": _KernelMap("rbf", gamma=0.5, n_components=_LANDMARKS),
    "polynomial kernel": _KernelMap(
        "poly", degree=2, gamma=1.0, coef0=1.0, n_components=_LANDMARKS
    ),
}
"""Transforms of the scaled features, by name."""

CLASSIFIERS: dict[str, BaseEstimator] = {
    "logistic regression": LogisticRegression(C=10, max_iter=2000),
    "SVM": SVC(kernel="linear"),
    "perceptron": Perceptron(),
    "ridge": RidgeClassifier(),
    "decision tree": DecisionTreeClassifier(),
    "random forest": RandomForestClassifier(n_estimators=200),
    "k-NN": KNeighborsClassifier(n_neighbors=5),
    "neural net": MLPClassifier((128,), learning_rate_init=0.005, max_iter=1000),
}
"""Classifiers by name. The SVM is linear, since kernels are transforms."""

LINEAR = ("logistic regression", "SVM", "perceptron", "ridge")
"""The linear models."""


def pipeline(transform: str, model: str, *, seed: int = 0) -> Pipeline:
    """Return one cell of the grid.

    Parameters
    ----------
    transform : str
        A name of `TRANSFORMS`.
    model : str
        A name of `CLASSIFIERS`.
    seed : int
        Random seed of transform and model.

    Returns
    -------
    sklearn.pipeline.Pipeline
        Min-max scaling, transform and model, not fitted.

    Raises
    ------
    ModelError
        If a name is unknown.

    Examples
    --------
    >>> import gtzan_lib as gl
    >>> table = gl.features(gl.open_corpus())  # doctest: +SKIP
    >>> pipeline("none", "k-NN").fit(table.values, table.windows["genre"])  # doctest: +SKIP

    Notes
    -----
    The book page "Models on features" compares all of them.
    """
    for name, known in ((transform, TRANSFORMS), (model, CLASSIFIERS)):
        if name not in known:
            raise ModelError(f"there is no {name!r} in the grid; choose one of {', '.join(known)}.")
    steps = [
        ("scale", MinMaxScaler()),
        ("transform", TRANSFORMS[transform]),
        ("model", CLASSIFIERS[model]),
    ]
    cell = Pipeline(steps)
    random = [name for name in cell.get_params() if name.endswith("__random_state")]
    # Cloned, since its steps are the objects of the tables above.
    return clone(cell).set_params(**dict.fromkeys(random, seed))


@dataclasses.dataclass(frozen=True, eq=False)
class GridResult:
    """The predictions of every cell of the grid for the same windows.

    Attributes
    ----------
    cells : dict of (str, str) to Evaluation
        Evaluations by transform and model, without estimators.
    curves : dict of (str, str) to list of float
        Training loss by epoch in the first fold, for models with epochs.
    seconds : dict of (str, str) to float
        Duration of all folds.
    """

    cells: dict[tuple[str, str], Evaluation]
    curves: dict[tuple[str, str], list[float]]
    seconds: dict[tuple[str, str], float]

    def __repr__(self) -> str:
        return f"GridResult({len(self.cells)} cells, protocol {self.split.protocol!r})"

    @property
    def split(self) -> DataSplit:
        """The split of all cells."""
        return next(iter(self.cells.values())).split

    @property
    def tested(self) -> np.ndarray:
        """Ids of the tested windows."""
        return next(iter(self.cells.values())).windows["window_id"].to_numpy(dtype=str)

    @cached_property
    def scores(self) -> pd.DataFrame:
        """One row per cell: track and window accuracy with intervals, and other numbers.

        Columns are `accuracy`, `low`, `high`, `window_accuracy`, `window_low`,
        `window_high`, `train_accuracy`, `unconverged` (number of folds that did
        not converge) and `seconds`.
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


def mean_leak(leaking: GridResult, honest: GridResult) -> PairedDifference:
    """Compute by how much the mean window accuracy of all cells is higher in a leaking split.

    Parameters
    ----------
    leaking, honest : GridResult
        The same cells for the same windows under two protocols.

    Returns
    -------
    PairedDifference
        The difference for the windows that both were tested on, with a bootstrap over
        artists (tracks where artists are unknown).
    """
    shares, artists = [], pd.Series(dtype=object)
    for result in (leaking, honest):
        tables = [
            cell.predictions("window").set_index("window_id") for cell in result.cells.values()
        ]
        shares.append(pd.concat([table["correct"] for table in tables], axis=1).mean(axis=1))
        artists = tables[0]["group"]
    loss = (shares[0] - shares[1]).dropna()
    low, high = bootstrap_interval(loss.to_numpy(), artists[loss.index].to_numpy())
    return PairedDifference(float(loss.mean()), low, high, len(loss), "bootstrap over artists")


def estimators() -> pd.DataFrame:
    """List the transforms and models of the grid.

    Returns
    -------
    pd.DataFrame
        Columns `step`, `name` and `estimator`: scikit-learn's estimator with the
        hyperparameters that differ from its defaults, or a dash for none.
    """
    rows = [
        # A kernel map is a Nystroem approximation with other units.
        (kind, name, " ".join(str(step).replace("_KernelMap", "Nystroem").split()))
        for kind, choices in (("transform", TRANSFORMS), ("model", CLASSIFIERS))
        for name, step in choices.items()
    ]
    table = pd.DataFrame(rows, columns=["step", "name", "estimator"])
    return table.replace("passthrough", "–")


def compare_families(
    corpus: Corpus,
    seconds: float = 3.0,
    *,
    transform: str = "none",
    model: str = "logistic regression",
    protocol: str = "artist",
    folds: int = 5,
    seed: int = 0,
    jobs: int = 1,
) -> dict[str, GridResult]:
    """Fit and test one cell on every family of features, with the same folds.

    Parameters
    ----------
    corpus : Corpus
        The tracks; families that it or the length of the windows does not allow are
        left out.
    seconds : float
        Length of a window.
    transform, model : str
        As for `pipeline`.
    protocol : str
        As for `gtzan_lib.data.splits.split`.
    folds : int
        Number of folds.
    seed : int
        Random seed of the split and the model.
    jobs : int
        Processes that compute features.

    Returns
    -------
    dict of str to GridResult
        By name of `gtzan_lib.signal.families.FAMILIES`, each with one cell. The folds are
        equal for families with the same windows, which only invalid sound prevents.
    """
    results = {}
    for family in families_of(corpus, seconds):
        table = features(corpus, seconds, family=family, jobs=jobs)
        settings = {"protocol": protocol, "folds": folds, "seed": seed}
        parts = quiet_split(table.windows, corpus, **settings)
        results[family] = grid(
            table.values, table.windows, parts, transforms=[transform], models=[model], seed=seed
        )
    return results


def grid(
    X: np.ndarray,
    windows: pd.DataFrame,
    split: DataSplit,
    *,
    transforms: Sequence[str] = tuple(TRANSFORMS),
    models: Sequence[str] = tuple(CLASSIFIERS),
    seed: int = 0,
    jobs: int = 1,
    progress: bool = True,
) -> GridResult:
    """Fit and test every cell on every fold.

    Parameters
    ----------
    X : np.ndarray [shape=(windows, features)]
        Features, `FeatureTable.values`.
    windows : pd.DataFrame
        The windows of the rows, `FeatureTable.windows`.
    split : DataSplit
        A split of the same windows.
    transforms, models : sequence of str
        Names of the transforms and models. Default: all.
    seed : int
        Random seed of the models.
    jobs : int
        Number of processes.
    progress : bool
        Whether to show a progress bar, if on a terminal.

    Returns
    -------
    GridResult
        The predictions of all cells.

    Raises
    ------
    ModelError
        If a transform or model is unknown, or none is given.
    SplitError
        If the split is of other windows.
    """
    import joblib

    if not (transforms and models):
        raise ModelError("a grid needs at least one transform and one model; name them.")
    places = [(transform, model) for transform in transforms for model in models]
    tasks = [
        joblib.delayed(_cell)(pipeline(*place, seed=seed), X, windows, split) for place in places
    ]
    pool = joblib.Parallel(n_jobs=jobs, return_as="generator")
    results = list(progress_bar(pool(tasks), "Cells of the grid", len(places), show=progress))
    cells, curves, seconds = (
        dict(zip(places, column, strict=True)) for column in zip(*results, strict=True)
    )
    return GridResult(cells, {place: curve for place, curve in curves.items() if curve}, seconds)


def _cell(
    estimator: Pipeline, X: np.ndarray, windows: pd.DataFrame, split: DataSplit
) -> tuple[Evaluation, list[float], float]:
    start = time.perf_counter()
    # Rounding depends on the number of threads; one thread makes scores reproducible.
    with threadpool_limits(1, user_api="blas"), warnings.catch_warnings():
        # With fewer training windows than landmarks, all of them are landmarks.
        warnings.filterwarnings("ignore", "n_components > n_samples")
        evaluation = evaluate(estimator, X, windows, split)
    curve = getattr(evaluation.estimators[0][-1], "loss_curve_", [])
    # Estimators such as forests are too large to be stored for all cells.
    evaluation = dataclasses.replace(evaluation, estimators=[])
    return evaluation, list(curve), time.perf_counter() - start


def compare_cells(
    correct: pd.DataFrame, groups: np.ndarray, *, draws: int = 50_000, seed: int = 0
) -> pd.DataFrame:
    """Compare every pair of models that were tested on the same tracks.

    Tracks of one artist depend on each other, so that McNemar's test of single tracks
    would find differences too easily. If it makes no difference which of two models
    predicts, an artist's difference of correct predictions is as likely with the opposite
    sign: the signs of all artists are drawn at random.

    Parameters
    ----------
    correct : pd.DataFrame [shape=(tracks, models), dtype=bool]
        One column a model: whether it predicts each track correctly.
    groups : np.ndarray [shape=(tracks,)]
        The artist of each track, as from `gtzan_lib.stats.independent_groups`.
    draws : int
        Number of draws of the signs.
    seed : int
        Seed of the draws.

    Returns
    -------
    pd.DataFrame
        One row a pair, with `first` and `second`; the `difference` of their accuracies;
        the two-sided `p_value`; and `p_holm`, corrected for the number of pairs, so that
        it also holds for a pair that was chosen by the same accuracies.

    References
    ----------
    P. Good, "Permutation, parametric, and bootstrap tests of hypotheses", Springer, 2005.
    """
    _, group = np.unique(np.asarray(groups, dtype=str), return_inverse=True)
    totals = np.zeros((group.max() + 1, correct.shape[1]))
    np.add.at(totals, group, correct.to_numpy(dtype=float))
    first, second = np.triu_indices(correct.shape[1], 1)
    gains = totals[:, first] - totals[:, second]
    observed = np.abs(gains.sum(axis=0))
    rng, reached = np.random.default_rng(seed), np.zeros(len(first))
    for start in range(0, draws, 2000):
        size = min(2000, draws - start), len(totals)
        drawn = rng.choice([-1.0, 1.0], size=size) @ totals
        # Sums are whole numbers, but for rounding.
        reached += (np.abs(drawn[:, first] - drawn[:, second]) > observed - 0.5).sum(axis=0)
    p_values = (1 + reached) / (1 + draws)
    return pd.DataFrame(
        {
            "first": correct.columns[first],
            "second": correct.columns[second],
            "difference": gains.sum(axis=0) / len(correct),
            "p_value": p_values,
            "p_holm": holm(p_values),
        }
    )


def choose_by_fold(correct: pd.DataFrame, folds: np.ndarray) -> tuple[pd.Series, list[str]]:
    """Choose the best model by all folds but one, and score it on that one.

    The accuracy of the best of many models is too high, since it was chosen by the same
    tracks; no track that is scored here chooses its model by its own prediction. The choice is
    not fully independent of them, as in a nested cross-validation: models that are compared on
    the other folds may have been trained on the fold that is scored.

    Parameters
    ----------
    correct : pd.DataFrame [shape=(tracks, models), dtype=bool]
        One column a model: whether it predicts each track correctly, out of fold.
    folds : np.ndarray [shape=(tracks,)]
        The fold of each track.

    Returns
    -------
    scored : pd.Series [shape=(tracks,), dtype=bool]
        Whether the model that was chosen by the other folds predicts a track correctly.
    chosen : list of str
        The model that was chosen by the other folds, in the order of the folds; the first
        of those that are equal.
    """
    scored = pd.Series(False, correct.index)
    chosen = []
    for fold in np.unique(folds):
        inside = np.asarray(folds) == fold
        best = correct.loc[~inside].mean().idxmax()
        scored[inside] = correct.loc[inside, best]
        chosen.append(best)
    return scored, chosen
