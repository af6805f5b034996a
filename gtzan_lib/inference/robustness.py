"""Robustness tests: predictions for tracks under degradations such as noise or MP3 coding."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from ..data.corpus import Corpus
from ..errors import AudioError, GtzanError, SplitError
from ..evaluation.askings import configuration_hash, prepare_list, record_asking
from ..progress import progress_bar
from ..signal.degradations import CLEAN
from ..stats import (
    PairedDifference,
    Score,
    bootstrap_interval,
    independent_groups,
    wilson_score,
)
from .model import Model, single_thread
from .prediction import Prediction
from .training_tracks import find_test_tracks

__all__ = ["Degradation", "RobustnessTest", "crop_middle", "robustness_test"]

Degradation = Callable[[np.ndarray, int], np.ndarray]
"""Takes samples and their sample rate in Hz, and returns samples at the same rate."""


@dataclasses.dataclass(frozen=True, eq=False)
class RobustnessTest:
    """Predictions of a model for tracks under several conditions.

    Attributes
    ----------
    results : pd.DataFrame
        One row per track and condition, indexed by both: `genre`, `artist`,
        `predicted`, `probability` (of the predicted genre) and `correct`.
    predictions : dict of (str, str) to Prediction
        The predictions with their windows, by track and condition.
    left_out : dict of str to str
        Tracks that could not be predicted, with the reason.
    conditions : mapping of str to callable
        The degradation of each condition, by name.
    """

    results: pd.DataFrame
    predictions: dict[tuple[str, str], Prediction]
    left_out: dict[str, str]
    conditions: Mapping[str, Degradation]

    def accuracy(self, condition: str | None = None) -> Score:
        """Return the share of tracks that are predicted correctly.

        Parameters
        ----------
        condition : str, optional
            Name of the condition. Default: the first.

        Returns
        -------
        Score
            With Wilson's interval.
        """
        return wilson_score(self._under(condition)["correct"].to_numpy())

    @cached_property
    def table(self) -> pd.DataFrame:
        """Accuracy of every condition, and the difference to the first condition.

        Returns
        -------
        pd.DataFrame
            One row per condition: accuracy `value` with `low`, `high` and `n`;
            `difference`, `difference_low` and `difference_high`, paired by track,
            with a bootstrap over artists, or over tracks if they are unknown; and
            `snr_db` and `method` of a `gtzan_lib.live.simulation.NoisyRoom`, NaN
            and empty for other conditions, `method` also where noise is left in.
        """
        first = next(iter(self.conditions))
        rows = {}
        for name, degradation in self.conditions.items():
            score, change = self.accuracy(name), self.difference(name, first)
            rows[name] = {
                **{field: getattr(score, field) for field in ("value", "low", "high", "n")},
                "difference": change.value,
                "difference_low": change.low,
                "difference_high": change.high,
                "snr_db": getattr(degradation, "snr_db", np.nan),
                "method": getattr(degradation, "method", None) or "",
            }
        return pd.DataFrame.from_dict(rows, orient="index").rename_axis("condition")

    def difference(self, first: str, second: str) -> PairedDifference:
        """Compare the accuracy under two conditions, paired by track.

        Parameters
        ----------
        first, second : str
            Names of the conditions.

        Returns
        -------
        PairedDifference
            Accuracy under the first minus that under the second, with a bootstrap over
            artists, or over tracks if they are unknown.
        """
        correct = [self._under(name)["correct"].astype(float) for name in (first, second)]
        change = correct[0] - correct[1]
        artists = self._under(first)["artist"]
        bounds = bootstrap_interval(change.to_numpy(), independent_groups(artists, artists.index))
        return PairedDifference(
            float(change.mean()), *bounds, len(change), "bootstrap over artists"
        )

    def mistakes(self, condition: str | None = None) -> pd.DataFrame:
        """Return the incorrect predictions, the most confident first.

        Parameters
        ----------
        condition : str, optional
            Name of the condition. Default: the first.

        Returns
        -------
        pd.DataFrame
            Rows of `results` without `correct`, indexed by `track_id`.
        """
        results = self._under(condition)
        incorrect = results[~results["correct"]].drop(columns="correct")
        return incorrect.sort_values("probability", ascending=False, kind="stable")

    def _under(self, condition: str | None) -> pd.DataFrame:
        """Return the results under a condition."""
        condition = next(iter(self.conditions)) if condition is None else condition
        if condition not in self.conditions:
            raise GtzanError(
                f"the robustness test has no condition {condition!r}; choose one of "
                f"{', '.join(self.conditions)}."
            )
        return self.results.xs(condition, level="condition")


def _unchanged(y: np.ndarray, sample_rate: int) -> np.ndarray:
    return y


def robustness_test(
    model: Model,
    corpus: Corpus,
    conditions: Mapping[str, Degradation] | None = None,
    *,
    seconds: float | None = None,
    jobs: int = 2,
    progress: bool = True,
    ask_test: bool = False,
    chosen_by: str = "",
    test_access: str | Path | None = None,
) -> RobustnessTest:
    """Predict the genre of every track under every condition.

    Parameters
    ----------
    model : Model
        From `load_model`.
    corpus : Corpus
        Tracks with audio;
        `gtzan_lib.inference.scored_tracks.tracks_to_score` excludes those by which the
        model must not be scored.
    conditions : mapping of str to callable, optional
        Degradations by name, such as `gtzan_lib.signal.degradations.DEGRADATIONS`,
        applied before the prediction. Default: the clean sound only.
    seconds : float, optional
        Length of the middle of each track that is used. Default: the whole track.
    jobs : int
        Number of threads; each takes a track.
    progress : bool
        Show a progress bar, if on a terminal.
    ask_test : bool
        Whether the corpus may have tracks in the test part of the official split under
        which the model was trained. The asking, and the accuracy of these tracks under
        the first condition, are noted in a list before the result is returned.
    chosen_by : str
        What the model was chosen by, for the list.
    test_access : str or Path, optional
        The list, a CSV file. Default: `test_access.csv` in the workspace.

    Returns
    -------
    RobustnessTest
        Tracks that cannot be predicted under one condition are left out of all.

    Raises
    ------
    ModelError
        If the net does not predict single windows of sound.
    CorpusError
        If the corpus has no audio.
    AudioError
        If no track can be predicted.
    SplitError
        If a track is in such a test part, which was not asked for.
    RecordError
        If `test_access` is another file, or damaged.
    OutputError
        If an asking cannot be noted.
    """
    model.require_windows()
    corpus.require_audio()
    tests = find_test_tracks(model.card, corpus)
    if tests and not ask_test:
        raise SplitError(
            f"track {tests[0]!r} is in the test part of the official split under which the model "
            "was trained; leave the part out with gl.inference.tracks_to_score, or ask for it "
            "with ask_test=True."
        )
    noted_in = prepare_list(test_access) if tests else None
    conditions = dict(conditions or {CLEAN: _unchanged})

    def predict_track(track_id: str) -> dict[str, Prediction] | GtzanError:
        try:
            y, rate = corpus.load(track_id)
            y = y if seconds is None else crop_middle(seconds)(y, rate)
            return {
                name: model.predict(degrade(y, rate), sample_rate=rate)
                for name, degrade in conditions.items()
            }
        except GtzanError as error:
            return error

    track_ids = list(corpus.tracks.index)
    with single_thread, ThreadPoolExecutor(jobs) as pool:
        outcomes = progress_bar(
            pool.map(predict_track, track_ids), "tracks", len(track_ids), show=progress
        )
        by_track = dict(zip(track_ids, outcomes, strict=True))
    left_out = {
        name: str(outcome) for name, outcome in by_track.items() if isinstance(outcome, GtzanError)
    }
    predicted = [name for name in by_track if name not in left_out]
    if not predicted:
        raise AudioError(
            f"no track of {corpus.name} can be predicted: {next(iter(left_out.values()))}"
        )
    predictions = {
        (name, condition): by_track[name][condition]
        for name, condition in itertools.product(predicted, conditions)
    }
    results = pd.DataFrame(
        {
            "predicted": [prediction.genre for prediction in predictions.values()],
            "probability": [
                max(prediction.probabilities.values()) for prediction in predictions.values()
            ],
        },
        index=pd.MultiIndex.from_tuples(predictions, names=["track_id", "condition"]),
    )
    tracks = corpus.tracks.loc[results.index.get_level_values("track_id")]
    results.insert(0, "genre", tracks["genre"].to_numpy())
    results.insert(1, "artist", tracks["artist"].fillna("").to_numpy())
    results["correct"] = results["genre"] == results["predicted"]
    test = RobustnessTest(results, predictions, left_out, conditions)
    scored = test._under(None)["correct"]
    scored = scored[scored.index.isin(tests)]
    if noted_in is not None and len(scored):
        record_asking(
            noted_in,
            wilson_score(scored.to_numpy()),
            corpus=model.card["corpus"],
            configuration=configuration_hash(
                {
                    "model": model.card["sha256"],
                    "conditions": list(conditions),
                    "seconds": seconds,
                    "split": model.card.get("split"),
                }
            ),
            description=f"{model.name}, under {', '.join(conditions)}",
            chosen_by=chosen_by,
        )
    return test


def crop_middle(seconds: float) -> Degradation:
    """Return a condition that keeps the middle of the sound.

    Parameters
    ----------
    seconds : float
        Length of the middle; shorter sound stays as it is.

    Returns
    -------
    callable
        A condition for `robustness_test`.
    """

    def crop(y: np.ndarray, sample_rate: int) -> np.ndarray:
        length = min(len(y), round(seconds * sample_rate))
        first = (len(y) - length) // 2
        return y[first : first + length]

    return crop
