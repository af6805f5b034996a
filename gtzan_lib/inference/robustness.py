"""Asking a model about tracks as they are, and as rooms and files change them."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property

import numpy as np
import pandas as pd

from ..data.corpus import Corpus
from ..errors import AudioError, GtzanError
from ..progress import progress_bar
from ..signal.degradations import CLEAN
from ..stats import Score, bootstrap_interval, wilson_interval
from .model import Model, one_thread
from .prediction import Prediction

__all__ = ["Degradation", "RobustnessTest", "crop_middle", "robustness_test"]

Degradation = Callable[[np.ndarray, int], np.ndarray]
"""Takes samples and their rate in Hz, and gives samples at the same rate."""


@dataclasses.dataclass(frozen=True, eq=False)
class RobustnessTest:
    """What a model answered about tracks under several conditions.

    Attributes
    ----------
    answers : pd.DataFrame
        One row a track and condition, indexed by both: `genre`, `artist`,
        `predicted`, `probability` (of what was predicted) and `right`.
    predictions : dict of (str, str) to Prediction
        The same, with their timelines, by track and condition.
    left_out : dict of str to str
        What is wrong with tracks about which nothing could be said, by track.
    """

    answers: pd.DataFrame
    predictions: dict[tuple[str, str], Prediction]
    left_out: dict[str, str]

    @property
    def conditions(self) -> list[str]:
        """Names, in the order given."""
        return list(self.answers.index.get_level_values("condition").unique())

    def accuracy(self, condition: str | None = None) -> Score:
        """Return the share of tracks that were recognised.

        Parameters
        ----------
        condition : str, optional
            Which. Default: the first.

        Returns
        -------
        Score
            With Wilson's interval.
        """
        right = self._under(condition)["right"].to_numpy()
        return Score(
            float(right.mean()), *wilson_interval(right.sum(), len(right)), len(right), "wilson"
        )

    @cached_property
    def table(self) -> pd.DataFrame:
        """One row a condition: `value`, `low`, `high`, `n`, and what it costs.

        The loss against the first condition is paired, track by track:
        `difference`, `difference_low`, `difference_high`, with a bootstrap over
        artists, or over tracks where they are unknown.
        """
        rights = self.answers["right"].unstack("condition")[self.conditions].astype(float)
        artists = self.answers["artist"].groupby(level="track_id").first()[rights.index]
        groups = artists.where(artists != "", artists.index.to_series()).to_numpy()
        rows = {}
        for condition in self.conditions:
            lost = (rights[condition] - rights[self.conditions[0]]).to_numpy()
            score = self.accuracy(condition)
            low, high = bootstrap_interval(lost, groups)
            rows[condition] = {
                **{name: getattr(score, name) for name in ("value", "low", "high", "n")},
                "difference": lost.mean(),
                "difference_low": low,
                "difference_high": high,
            }
        return pd.DataFrame.from_dict(rows, orient="index").rename_axis("condition")

    def mistakes(self, condition: str | None = None) -> pd.DataFrame:
        """Return the wrong answers, the most confident first.

        Parameters
        ----------
        condition : str, optional
            Which. Default: the first.

        Returns
        -------
        pd.DataFrame
            Rows of `answers`, indexed by `track_id`.
        """
        answers = self._under(condition)
        wrong = answers[~answers["right"]].drop(columns="right")
        return wrong.sort_values("probability", ascending=False, kind="stable")

    def _under(self, condition: str | None) -> pd.DataFrame:
        """Return the answers under a condition."""
        condition = self.conditions[0] if condition is None else condition
        if condition not in self.conditions:
            raise GtzanError(
                f"the trial has no condition {condition!r}; choose one of "
                f"{', '.join(self.conditions)}."
            )
        return self.answers.xs(condition, level="condition")


def robustness_test(
    model: Model,
    corpus: Corpus,
    conditions: Mapping[str, Degradation] | None = None,
    *,
    seconds: float | None = None,
    jobs: int = 2,
    progress: bool = True,
) -> RobustnessTest:
    """Ask a model about every track, under every condition.

    Parameters
    ----------
    model : Model
        From `load_model`.
    corpus : Corpus
        Tracks with sound; `model.unseen` leaves out those it was trained on.
    conditions : mapping of str to callable, optional
        What to do to the sound before, by name, such as
        `gtzan_lib.signal.degradations.DEGRADATIONS`. Default: nothing.
    seconds : float, optional
        How much of each track's middle is taken before. Default: the whole.
    jobs : int
        Threads, each of which takes a track.
    progress : bool
        Show a progress bar, if on a terminal.

    Returns
    -------
    RobustnessTest
        Tracks that cannot be judged under a condition are left out of all.

    Raises
    ------
    ModelError
        If the net takes more than images of single windows.
    CorpusError
        If the corpus has no sound.
    AudioError
        If no track can be judged.
    """
    model.require_windows()
    corpus.require_audio()
    conditions = dict(conditions or {CLEAN: lambda y, sample_rate: y})

    def ask(track_id: str) -> dict[str, Prediction] | GtzanError:
        try:
            y, rate = corpus.load(track_id)
            y = y if seconds is None else crop_middle(seconds)(y, rate)
            return {
                name: model.predict(change(y, rate), sample_rate=rate)
                for name, change in conditions.items()
            }
        except GtzanError as error:
            return error

    names = list(corpus.tracks.index)
    with one_thread, ThreadPoolExecutor(jobs) as pool:
        asked = progress_bar(pool.map(ask, names), "tracks", len(names), show=progress)
        answers = dict(zip(names, asked, strict=True))
    left_out = {name: str(one) for name, one in answers.items() if isinstance(one, GtzanError)}
    told = {name: one for name, one in answers.items() if name not in left_out}
    if not told:
        raise AudioError(
            f"no track of {corpus.name} can be judged: {next(iter(left_out.values()))}"
        )
    predictions = {
        (name, condition): told[name][condition]
        for name, condition in itertools.product(told, conditions)
    }
    table = pd.DataFrame(
        {
            "predicted": [one.genre for one in predictions.values()],
            "probability": [max(one.probabilities.values()) for one in predictions.values()],
        },
        index=pd.MultiIndex.from_tuples(predictions, names=["track_id", "condition"]),
    )
    tracks = table.index.get_level_values("track_id")
    table.insert(0, "genre", corpus.tracks.loc[tracks, "genre"].to_numpy())
    table.insert(1, "artist", corpus.tracks.loc[tracks, "artist"].fillna("").to_numpy())
    table["right"] = table["genre"] == table["predicted"]
    return RobustnessTest(table, predictions, left_out)


def crop_middle(seconds: float) -> Degradation:
    """Return a condition: the middle of the sound, so many seconds of it.

    Parameters
    ----------
    seconds : float
        How much is kept.

    Returns
    -------
    callable
        For `trial`.
    """

    def keep(y: np.ndarray, sample_rate: int) -> np.ndarray:
        length = min(len(y), round(seconds * sample_rate))
        first = (len(y) - length) // 2
        return y[first : first + length]

    return keep
