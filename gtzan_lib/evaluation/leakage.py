"""Leakage audits: how many points of a score are due to tracks or artists in both parts."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from ..data.corpus import Corpus
from ..data.splits import PROTOCOLS, Split, quiet_split
from ..errors import SplitError
from ..stats import Difference, bootstrap_interval
from .comparison import difference
from .evaluate import evaluate
from .evaluation import Evaluation

__all__ = ["Audit", "audit"]


@dataclasses.dataclass(frozen=True, eq=False)
class Audit:
    """Evaluations of models under several protocols, on the same windows.

    Attributes
    ----------
    evaluations : dict of str to (dict of str to Evaluation)
        By model, then by protocol, the leaking one first.
    refused : dict of str to str
        Protocols that are impossible for the corpus, and why.
    """

    evaluations: dict[str, dict[str, Evaluation]]
    refused: dict[str, str]

    @property
    def protocols(self) -> list[str]:
        """The protocols that are possible, the leaking one first."""
        return list(next(iter(self.evaluations.values())))

    def scores(self) -> pd.DataFrame:
        """Return every score.

        Returns
        -------
        pd.DataFrame
            One row a model and protocol: `train_windows` (mean over folds), how
            many `tracks` were tested, and `accuracy`, `low`, `high` of tracks and
            `window_accuracy`, `window_low`, `window_high` of windows.
        """
        rows = {}
        for model, own in self.evaluations.items():
            for protocol, evaluation in own.items():
                track, window = evaluation.accuracy(), evaluation.accuracy("window")
                trained = np.mean([len(fold.train) for fold in evaluation.split])
                rows[model, protocol] = (round(trained), track.n, *track[:3], *window[:3])
        columns = ["train_windows", "tracks", "accuracy", "low", "high"]
        columns += ["window_accuracy", "window_low", "window_high"]
        return pd.DataFrame.from_dict(rows, "index", columns=columns).pipe(_two_levels)

    def leak(self, model: str, unit: str = "track") -> Difference:
        """Return the accuracy under the leaking protocol minus that under the strictest one.

        Parameters
        ----------
        model : str
            Name of the model.
        unit : {"track", "window"}
            What is counted.

        Returns
        -------
        Difference
            Paired, with a bootstrap over artists.
        """
        return difference(*self._ends(model), unit)

    def steps(self, unit: str = "track") -> pd.DataFrame:
        """Divide the leak of every model into steps from protocol to protocol.

        Parameters
        ----------
        unit : {"track", "window"}
            What is counted.

        Returns
        -------
        pd.DataFrame
            One row a model and two protocols in turn (`window to track`, `track
            to artist`): `points`, `low`, `high`, each from -1 to 1.
        """
        rows = {}
        for model, own in self.evaluations.items():
            crossed = {name: one for name, one in own.items() if len(one.split) > 1}
            # What every protocol tests, so that steps add up; one may leave out unknown artists.
            both = set.intersection(*(set(one.windows["window_id"]) for one in crossed.values()))
            crossed = {
                name: dataclasses.replace(
                    one, windows=one.windows[one.windows["window_id"].isin(both)]
                )
                for name, one in crossed.items()
            }
            for first, second in itertools.pairwise(crossed):
                step = difference(crossed[first], crossed[second], unit)
                rows[model, f"{first} to {second}"] = step[:3]
        return pd.DataFrame.from_dict(rows, "index", columns=["points", "low", "high"]).pipe(
            _two_levels
        )

    def by(self, column: str, model: str, unit: str = "window") -> pd.DataFrame:
        """Return the leak of every genre or artist.

        Parameters
        ----------
        column : {"genre", "artist"}
            What to divide the leak by.
        model : str
            Name of the model.
        unit : {"track", "window"}
            What is counted.

        Returns
        -------
        pd.DataFrame
            One row a genre or artist, the largest leak first: `points` with `low`
            and `high`, a bootstrap over artists in a genre and over tracks of an
            artist; `tracks`, how many there are; and the two scores, `leaking`
            and `strict`.
        """
        leaking, strict = (
            evaluation.predictions(unit).set_index(f"{unit}_id", drop=False)
            for evaluation in self._ends(model)
        )
        both = leaking.index.intersection(strict.index)
        leaking, strict = leaking.loc[both], strict.loc[both]
        gain = leaking["correct"].astype(float) - strict["correct"].astype(float)
        inner = "group" if column == "genre" else "track_id"
        rows = {}
        for name, own in leaking.groupby(column).groups.items():
            low, high = bootstrap_interval(
                gain.loc[own].to_numpy(), leaking.loc[own, inner].to_numpy(), resamples=2000
            )
            rows[name] = (
                gain.loc[own].mean(), low, high, leaking.loc[own, "track_id"].nunique(),
                leaking.loc[own, "correct"].mean(), strict.loc[own, "correct"].mean(),
            )  # fmt: skip
        columns = ["points", "low", "high", "tracks", "leaking", "strict"]
        table = pd.DataFrame.from_dict(rows, "index", columns=columns).rename_axis(column)
        return table.sort_values("points", ascending=False, kind="stable")

    def _ends(self, model: str) -> tuple[Evaluation, Evaluation]:
        crossed = [own for own in self.evaluations[model].values() if len(own.split) > 1]
        return crossed[0], crossed[-1]


def audit(
    estimators: dict[str, tuple[Any, Any]],
    windows: pd.DataFrame,
    corpus: Corpus,
    *,
    protocols: Sequence[str] = ("window", "track", "artist"),
    folds: int = 5,
    seed: int = 42,
) -> Audit:
    """Cross-validate models under several protocols on the same windows.

    Every window is tested once under each protocol, by a model that was trained
    on the same number of windows. The only difference is what training and test
    part have in common. Under `artist`, windows of unknown artists are trained
    on and never tested, and differences leave them out.

    Parameters
    ----------
    estimators : dict of str to (estimator, X)
        Each with its data, one row a window.
    windows : pd.DataFrame
        The rows of the data.
    corpus : Corpus
        Provides the artists.
    protocols : sequence of str
        The leaking one first. `fault-filtered` has one division and no folds; its
        score is reported beside the others.
    folds : int
        At least 3.
    seed : int
        Of the splits.

    Returns
    -------
    Audit
        Evaluations by model and protocol, and which protocols were refused.

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
        raise SplitError("an audit needs a model; name at least one estimator with its data.")
    splits: dict[str, Split] = {}
    refused = {}
    for protocol in protocols:
        number = 1 if protocol == "fault-filtered" else folds
        try:
            made = quiet_split(windows, corpus, protocol=protocol, folds=number, seed=seed)
            _refuse_unequal(made, protocol)
            splits[protocol] = made
        except SplitError as error:
            refused[protocol] = str(error)
    if sum(len(one) > 1 for one in splits.values()) < 2:
        raise SplitError(
            f"{corpus.root}: an audit needs two protocols and 3 folds or more; of "
            f"{', '.join(protocols)} with {folds} folds possible here are "
            f"{', '.join(splits) or 'none'}; {next(iter(refused.values()), 'name more of them.')}"
        )
    return Audit(
        {
            name: {key: evaluate(estimator, X, windows, own) for key, own in splits.items()}
            for name, (estimator, X) in estimators.items()
        },
        refused,
    )


def _refuse_unequal(made: Split, protocol: str) -> None:
    """Refuse a division, such as the published one of a part of GTZAN, that lacks a genre."""
    genres = made.table["genre"].to_numpy(dtype=str)
    for fold in made:
        absent = {*genres[fold.valid], *genres[fold.test]} - set(genres[fold.train])
        if absent:
            raise SplitError(
                f"its training part has nothing of genre {str(min(absent))!r}, which is to be "
                f"recognised; open a larger corpus, or leave {protocol!r} out."
            )


def _two_levels(table: pd.DataFrame) -> pd.DataFrame:
    """Turn pairs in the index into two levels."""
    second = "protocol" if "tracks" in table else "step"
    table.index = pd.MultiIndex.from_tuples(table.index, names=["model", second])
    return table
