"""Leakage audits: the part of a score that is due to tracks or artists in both parts."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ..data.corpus import Corpus
from ..data.splits import PART_NAMES, PROTOCOLS, DataSplit, quiet_split
from ..errors import SplitError
from ..stats import PairedDifference, bootstrap_interval
from .comparison import difference
from .evaluate import evaluate
from .evaluation import Evaluation

__all__ = ["LeakageAudit", "audit"]


@dataclasses.dataclass(frozen=True, eq=False)
class LeakageAudit:
    """Evaluations of models under several protocols, on the same windows.

    Attributes
    ----------
    evaluations : dict of str to (dict of str to Evaluation)
        By model, then by protocol, the leaking one first.
    refused : dict of str to str
        Protocols that are impossible for the corpus, with the reason.
    """

    evaluations: dict[str, dict[str, Evaluation]]
    refused: dict[str, str]

    @property
    def protocols(self) -> list[str]:
        """Names of the possible protocols, the leaking one first."""
        return list(next(iter(self.evaluations.values())))

    def scores(self) -> pd.DataFrame:
        """Return every score.

        Returns
        -------
        pd.DataFrame
            One row per model and protocol: the scored `part` (`test part` or
            `validation part`), `train_windows` (mean over folds), the number of scored
            `tracks`, and `accuracy`, `low`, `high` of tracks and
            `window_accuracy`, `window_low`, `window_high` of windows.
        """
        rows = {}
        for model, by_protocol in self.evaluations.items():
            for protocol, evaluation in by_protocol.items():
                track, window = evaluation.accuracy(), evaluation.accuracy("window")
                n_train = np.mean([len(fold.train) for fold in evaluation.split])
                part = PART_NAMES[evaluation.part]
                rows[model, protocol] = (part, round(n_train), track.n, *track[:3], *window[:3])
        columns = ["part", "train_windows", "tracks", "accuracy", "low", "high"]
        columns += ["window_accuracy", "window_low", "window_high"]
        return pd.DataFrame.from_dict(rows, "index", columns=columns).pipe(_two_levels)

    def leak(self, model: str, unit: str = "track") -> PairedDifference:
        """Return the accuracy under the leaking protocol minus that under the strictest one.

        Parameters
        ----------
        model : str
            Name of the model.
        unit : {"track", "window"}
            What is counted.

        Returns
        -------
        PairedDifference
            Paired, with a bootstrap over artists.
        """
        return difference(*self._leaking_and_strict(model), unit)

    def steps(self, unit: str = "track") -> pd.DataFrame:
        """Divide the leak of every model into steps from protocol to protocol.

        Parameters
        ----------
        unit : {"track", "window"}
            What is counted.

        Returns
        -------
        pd.DataFrame
            One row per model and pair of successive protocols (`window to track`,
            `track to artist`): `points`, `low`, `high`, each from -1 to 1.
        """
        rows = {}
        for model in self.evaluations:
            evaluations = self._cross_validated(model)
            # Steps add up only over windows that every protocol tests; a protocol may leave
            # out windows of unknown artists.
            common = set.intersection(
                *(set(evaluation.windows["window_id"]) for evaluation in evaluations.values())
            )
            for protocol, evaluation in evaluations.items():
                windows = evaluation.windows[evaluation.windows["window_id"].isin(common)]
                evaluations[protocol] = dataclasses.replace(evaluation, windows=windows)
            for first, second in itertools.pairwise(evaluations):
                step = difference(evaluations[first], evaluations[second], unit)
                rows[model, f"{first} to {second}"] = step[:3]
        return pd.DataFrame.from_dict(rows, "index", columns=["points", "low", "high"]).pipe(
            _two_levels
        )

    def leak_by(self, column: str, model: str, unit: str = "window") -> pd.DataFrame:
        """Return the leak of every genre or artist.

        Parameters
        ----------
        column : {"genre", "artist"}
            Column by which windows or tracks are grouped.
        model : str
            Name of the model.
        unit : {"track", "window"}
            What is counted.

        Returns
        -------
        pd.DataFrame
            One row per genre or artist, the largest leak first: `points` with `low`
            and `high`, by a bootstrap over the artists of a genre or the tracks of
            an artist; the number of `tracks`; and the two accuracies, `leaking` and
            `strict`.
        """
        leaking, strict = (
            evaluation.predictions(unit).set_index(f"{unit}_id", drop=False)
            for evaluation in self._leaking_and_strict(model)
        )
        common = leaking.index.intersection(strict.index)
        leaking, strict = leaking.loc[common], strict.loc[common]
        gain = leaking["correct"].astype(float) - strict["correct"].astype(float)
        inner = "group" if column == "genre" else "track_id"
        rows = {}
        for name, ids in leaking.groupby(column).groups.items():
            low, high = bootstrap_interval(
                gain.loc[ids].to_numpy(), leaking.loc[ids, inner].to_numpy(), resamples=2000
            )
            rows[name] = (
                gain.loc[ids].mean(), low, high, leaking.loc[ids, "track_id"].nunique(),
                leaking.loc[ids, "correct"].mean(), strict.loc[ids, "correct"].mean(),
            )  # fmt: skip
        columns = ["points", "low", "high", "tracks", "leaking", "strict"]
        table = pd.DataFrame.from_dict(rows, "index", columns=columns).rename_axis(column)
        return table.sort_values("points", ascending=False, kind="stable")

    def _cross_validated(self, model: str) -> dict[str, Evaluation]:
        evaluations = self.evaluations[model].items()
        return {name: evaluation for name, evaluation in evaluations if len(evaluation.split) > 1}

    def _leaking_and_strict(self, model: str) -> tuple[Evaluation, Evaluation]:
        evaluations = list(self._cross_validated(model).values())
        return evaluations[0], evaluations[-1]


def audit(
    estimators: dict[str, tuple[Any, Any]],
    windows: pd.DataFrame,
    corpus: Corpus,
    *,
    protocols: Sequence[str] = ("window", "track", "artist"),
    folds: int = 5,
    seed: int = 42,
    ask_test: bool = False,
    chosen_by: str = "",
    test_access: str | Path | None = None,
) -> LeakageAudit:
    """Cross-validate models under several protocols on the same windows.

    Every window is tested once under each protocol, by a model that was trained
    on the same number of windows. The protocols differ only in what is shared
    between training and test part. Under `artist`, windows of unknown artists are
    used for training and never tested, and differences leave them out.

    Parameters
    ----------
    estimators : dict of str to (estimator, X)
        Each with its data, one row per window.
    windows : pd.DataFrame
        The rows of the data.
    corpus : Corpus
        The corpus, for the artists.
    protocols : sequence of str
        The leaking one first. `official` has no folds; the score of its validation
        part, or of its test part if that is asked for, is reported with the others.
    folds : int
        At least 3.
    seed : int
        Random seed of the splits.
    ask_test, chosen_by, test_access
        As for `gtzan_lib.evaluation.evaluate.evaluate`, for the protocol `official`; the
        list of askings describes a model by its name.

    Returns
    -------
    LeakageAudit
        Evaluations by model and protocol, and the refused protocols.

    Raises
    ------
    SplitError
        If fewer than two protocols with folds are possible.
    """
    unknown = [name for name in protocols if name not in PROTOCOLS]
    if unknown:
        raise SplitError(
            f"there is no protocol {unknown[0]!r}; choose among {', '.join(PROTOCOLS)}."
        )
    if not estimators:
        raise SplitError("an audit needs a model; give at least one estimator with its data.")
    splits: dict[str, DataSplit] = {}
    refused = {}
    for protocol in protocols:
        n_folds = 1 if protocol == "official" else folds
        try:
            split = quiet_split(windows, corpus, protocol=protocol, folds=n_folds, seed=seed)
            _require_all_genres(split, protocol)
            splits[protocol] = split
        except SplitError as error:
            refused[protocol] = str(error)
    if sum(len(split) > 1 for split in splits.values()) < 2:
        raise SplitError(
            f"{corpus.root}: an audit needs two protocols with at least 3 folds; of "
            f"{', '.join(protocols)} with {folds} folds, possible are "
            f"{', '.join(splits) or 'none'}; {next(iter(refused.values()), 'give more protocols.')}"
        )
    return LeakageAudit(
        {
            name: {
                protocol: evaluate(
                    estimator,
                    X,
                    windows,
                    split,
                    ask_test=ask_test,
                    description=name,
                    chosen_by=chosen_by,
                    test_access=test_access,
                )
                for protocol, split in splits.items()
            }
            for name, (estimator, X) in estimators.items()
        },
        refused,
    )


def _require_all_genres(split: DataSplit, protocol: str) -> None:
    """Refuse a split whose training part lacks a genre, such as the published one of a part."""
    genres = split.table["genre"].to_numpy(dtype=str)
    for fold in split:
        absent = {*genres[fold.valid], *genres[fold.test]} - set(genres[fold.train])
        if absent:
            raise SplitError(
                f"its training part has no window of genre {str(min(absent))!r}, which is tested; "
                f"open a larger corpus or leave out protocol {protocol!r}."
            )


def _two_levels(table: pd.DataFrame) -> pd.DataFrame:
    """Turn an index of pairs into one of two levels."""
    second = "protocol" if "tracks" in table else "step"
    table.index = pd.MultiIndex.from_tuples(table.index, names=["model", second])
    return table
