"""Comparing models on the same tracks, and learning curves."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from itertools import combinations
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from ..data.splits import DataSplit
from ..errors import RecordError, SplitError
from ..stats import PairedDifference, bootstrap_interval, exact_mcnemar, holm
from .evaluate import evaluate
from .evaluation import Evaluation
from .records import leaderboard, predictions, records_in
from .summary import MAX_P_VALUE

__all__ = [
    "McNemarResult",
    "ModelComparison",
    "compare_models",
    "difference",
    "learning_curve",
    "mcnemar",
    "paired_tests",
]


class McNemarResult(NamedTuple):
    """McNemar's test of two models on the same tracks.

    Attributes
    ----------
    n : int
        Number of tracks that both were tested on.
    only_first, only_second : int
        Number of tracks that only one of them predicts correctly.
    p_value : float
        Probability of counts at least as unequal, if both models were equally good.
    """

    n: int
    only_first: int
    only_second: int
    p_value: float


@dataclasses.dataclass(frozen=True, eq=False)
class ModelComparison:
    """The models of a run in groups that can be ranked, and a test of every pair.

    A group has the models that were scored on the same tracks, under the same protocol,
    and either all by cross-validation or all on one part.

    Attributes
    ----------
    leaderboard : pd.DataFrame
        One row per model, by its title: `group`, from 1, the group with the most
        tracks first; `experiment`; the columns of
        `gtzan_lib.evaluation.records.leaderboard`; `chance`, the share of the most
        frequent genre; and `above_chance`, whether the accuracy is better than that.
        Sorted by group, then by accuracy.
    predictions : dict of str to pd.DataFrame
        Predictions by title, as from `gtzan_lib.evaluation.records.predictions`.
    tests : pd.DataFrame
        As from `paired_tests`, with titles.
    """

    leaderboard: pd.DataFrame
    predictions: dict[str, pd.DataFrame]
    tests: pd.DataFrame

    def leaders(self, *, alpha: float = 0.05) -> pd.DataFrame:
        """Return the best models of each group, and whether their lead is significant.

        Parameters
        ----------
        alpha : float
            Largest p-value, after Holm's correction, of a significant difference.

        Returns
        -------
        pd.DataFrame
            One row per group: `models`, a list of the titles with the highest accuracy,
            more than one if they are tied; `beaten`, how many of the `others` they all
            differ from significantly; and `protocol`, `folds`, `part`, `tracks`,
            `accuracy`, `low`, `high` and `chance` of the first of them.
        """
        rows = {}
        for number, group in self.leaderboard.groupby("group"):
            best = group[group["accuracy"] == group["accuracy"].max()]
            others = group.index.difference(best.index)
            tests = self.tests[self.tests["p_holm"] < alpha]
            pairs = {frozenset(pair) for pair in zip(tests["first"], tests["second"], strict=True)}
            beaten = sum(
                all(frozenset((leader, other)) in pairs for leader in best.index)
                for other in others
            )
            rows[number] = {"models": list(best.index), "beaten": beaten, "others": len(others)}
            rows[number] |= best.iloc[0][[*_OF_A_GROUP, "accuracy", "low", "high"]].to_dict()
        return pd.DataFrame.from_dict(rows, "index").rename_axis("group")


_OF_A_GROUP = ["protocol", "folds", "part", "tracks", "chance"]


def compare_models(folder: str | Path) -> ModelComparison:
    """Compare all models of a run, and rank those that were scored on the same tracks.

    Parameters
    ----------
    folder : str or Path
        The run's folder `records`.

    Returns
    -------
    ModelComparison
        Groups, predictions and tests. Experiments with the same title have their names
        in addition.

    Raises
    ------
    RecordError
        If there is no record, or one or its predictions are damaged.
    """
    records = {record.spec["experiment"]: record for record in records_in(folder).values()}
    titles = pd.Series({name: record.title for name, record in records.items()})
    repeated = titles.duplicated(keep=False)
    titles[repeated] += " (" + titles.index[repeated] + ")"
    tables = {name: predictions(Path(folder) / f"{name}.json") for name in records}
    board = leaderboard(folder).rename_axis("experiment").reset_index()
    keys = [
        (row.protocol, row.folds > 1, frozenset(tables[row.experiment].index))
        for row in board.itertuples()
    ]
    order = sorted(set(keys), key=lambda key: (-len(key[2]), keys.index(key)))
    board.insert(0, "group", [1 + order.index(key) for key in keys])
    results = [records[name].result for name in board["experiment"]]
    board["chance"] = [result["chance"] for result in results]
    board["above_chance"] = [result["p_value"] < MAX_P_VALUE for result in results]
    board.index = pd.Index(titles[board["experiment"]], name="model")
    board = board.sort_values(["group", "accuracy"], ascending=[True, False], kind="stable")
    by_title = {title: tables[name] for title, name in board["experiment"].items()}
    tests = paired_tests(folder)
    tests[["first", "second"]] = tests[["first", "second"]].replace(titles.to_dict())
    return ModelComparison(board, by_title, tests)


def difference(first: Evaluation, second: Evaluation, unit: str = "track") -> PairedDifference:
    """Compare two estimators, or one under two protocols, on the same tracks.

    Parameters
    ----------
    first, second : Evaluation
        Predictions for the same windows. Windows that only one of them tests,
        because their artist is unknown, are left out.
    unit : {"track", "window"}
        What is counted.

    Returns
    -------
    PairedDifference
        Accuracy of the first minus that of the second, with a bootstrap over
        artists (over tracks where they are unknown) of the paired predictions.

    Raises
    ------
    SplitError
        If they were tested on different windows.
    """
    ids = [set(evaluation.windows["window_id"]) for evaluation in (first, second)]
    both = ids[0] & ids[1]
    # Under cross-validation, protocols differ only in windows of unknown artists.
    folds = min(len(first.split), len(second.split))
    if not both or (ids[0] != ids[1] and folds < 3):
        raise SplitError(
            "the two evaluations were tested on different windows; compare them by "
            "cross-validation, with splits of the same table and at least 3 folds."
        )
    tables = []
    for evaluation in (first, second):
        windows = evaluation.windows[evaluation.windows["window_id"].isin(both)]
        tables.append(dataclasses.replace(evaluation, windows=windows).predictions(unit))
    correct = [table["correct"].to_numpy(dtype=float) for table in tables]
    gain = correct[0] - correct[1]
    bounds = bootstrap_interval(gain, tables[0]["group"].to_numpy())
    return PairedDifference(
        float(gain.mean()), *bounds, len(gain), f"bootstrap over {first.grouped_by}"
    )


def mcnemar(first: pd.DataFrame, second: pd.DataFrame) -> McNemarResult:
    """Compare the predictions of two models by McNemar's exact test.

    Parameters
    ----------
    first, second : pd.DataFrame
        Predictions with `genre` and `predicted` by `track_id`: of
        `gtzan_lib.evaluation.records.predictions`, or `Evaluation.tracks`. Tracks
        that only one of them has are left out.

    Returns
    -------
    McNemarResult
        Counts and p-value; the p-value is 1 where both predict the same tracks correctly.

    Raises
    ------
    RecordError
        If they have no track in common, or a track has different genres.

    See Also
    --------
    gtzan_lib.stats.exact_mcnemar : The test itself, with its source.
    """
    both = first.index.intersection(second.index)
    if both.empty:
        raise RecordError(
            "the two experiments have no tested track in common; compare experiments with the "
            "same corpus, protocol and seed."
        )
    first, second = first.loc[both], second.loc[both]
    differ = first["genre"].to_numpy() != second["genre"].to_numpy()
    if differ.any():
        raise RecordError(
            f"track {both[differ][0]!r} has different genres in the two experiments; compare "
            "experiments on the same corpus."
        )
    correct = [
        table["genre"].to_numpy() == table["predicted"].to_numpy() for table in (first, second)
    ]
    only_first = int((correct[0] & ~correct[1]).sum())
    only_second = int((~correct[0] & correct[1]).sum())
    return McNemarResult(len(both), only_first, only_second, exact_mcnemar(only_first, only_second))


def paired_tests(folder: str | Path) -> pd.DataFrame:
    """Compare every pair of experiments of a run by McNemar's test.

    Parameters
    ----------
    folder : str or Path
        The run's folder `records`.

    Returns
    -------
    pd.DataFrame
        One row per pair with tracks in common: `first`, `second`, the fields of
        `McNemarResult`, and `p_holm`, the p-value corrected for the number of pairs.

    Raises
    ------
    RecordError
        If there is no record, or one is damaged.

    See Also
    --------
    gtzan_lib.stats.holm : The correction, with its source.
    """
    tables = {file.stem: predictions(file) for file in records_in(folder)}
    rows = [
        (first, second, *mcnemar(tables[first], tables[second]))
        for first, second in combinations(tables, 2)
        if len(tables[first].index.intersection(tables[second].index))
    ]
    table = pd.DataFrame(rows, columns=["first", "second", *McNemarResult._fields])
    return table.assign(p_holm=holm(table["p_value"].to_numpy()))


def learning_curve(
    estimator: Any,
    X: Any,
    windows: pd.DataFrame,
    split: DataSplit,
    *,
    shares: Sequence[float] = (0.25, 0.5, 0.75, 1.0),
    seed: int = 0,
) -> pd.DataFrame:
    """Evaluate an estimator that is trained on parts of the training tracks.

    Parameters
    ----------
    estimator, X, windows, split
        As for `gtzan_lib.evaluation.evaluate.evaluate`; of an official split, the
        validation part is scored.
    shares : sequence of float
        Shares of the training tracks of every genre, above 0 and up to 1.
        Smaller parts are subsets of larger ones.
    seed : int
        Random seed for the choice of tracks.

    Returns
    -------
    pd.DataFrame
        One row per share: mean number of training `tracks`, track `accuracy` with
        interval `low` and `high`, and `window_accuracy`.

    Raises
    ------
    SplitError
        If a share is not above 0 and at most 1.
    """
    for share in shares:
        if not 0 < share <= 1:
            raise SplitError(f"share {share} of the training tracks must be above 0 and at most 1.")
    rows = []
    for share in shares:
        reduced = _reduce_training(split, share, seed)
        evaluation = evaluate(estimator, X, windows, reduced)
        tracks = np.mean([reduced.table["track_id"].iloc[fold.train].nunique() for fold in reduced])
        score = evaluation.accuracy()
        rows.append((tracks, *score[:3], evaluation.accuracy("window").value))
    columns = ["tracks", "accuracy", "low", "high", "window_accuracy"]
    return pd.DataFrame(rows, columns=columns, index=pd.Index(shares, name="share"))


def _reduce_training(split: DataSplit, share: float, seed: int) -> DataSplit:
    """Keep a share of the training tracks of every genre; mark the others as unused."""
    table = split.table.copy()
    for number, fold in enumerate(split):
        train = table.iloc[fold.train].drop_duplicates("track_id")
        rng = np.random.default_rng([seed, number])
        chosen: set[str] = set()
        for _, tracks in train.groupby("genre")["track_id"]:
            order = rng.permutation(np.sort(tracks.to_numpy(dtype=str)))
            chosen |= set(order[: max(1, round(share * len(order)))])
        unused = fold.train[~table["track_id"].iloc[fold.train].isin(chosen).to_numpy()]
        table.loc[table.index[unused], f"fold_{number}"] = "unused"
    return dataclasses.replace(split, table=table)
