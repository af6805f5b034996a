"""Step `degradations`: the models of the package on degraded sound of the validation part."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ...data.corpus import Corpus
from ...errors import CorpusError
from ...inference.model import Model
from ...inference.robustness import robustness_test
from ...inference.scored_tracks import tracks_to_score
from ...inference.zoo import load_model
from ...signal.degradations import CLEAN, DEGRADATIONS
from ...stats import (
    bootstrap_interval,
    bootstrap_score,
    exact_mcnemar,
    holm,
    independent_groups,
    wilson_score,
)
from ...studies.grid import compare_cells
from ..task import Task

__all__ = ["COMPARED_MODELS", "KINDS", "MINUTES", "fewest_artists", "measure"]

KINDS = ("sound",)
"""Material that must be there."""

MINUTES = 4.0
"""Estimate for the 51 validation tracks among a hundred clips; 197 take four times as long."""

COMPARED_MODELS = ("gtzan-musicnn", "gtzan-scratch")
"""Models of the package that are compared."""


def measure(task: Task) -> None:
    """Predict the validation tracks with sound, as they are and degraded in several ways.

    Writes the tables `scope`, `scores`, `pairs` and `predictions`. Only tracks of the
    validation part are predicted: the models were trained on those of the training part,
    and the test part is not scored.

    Parameters
    ----------
    task : Task
        Its material has sound.

    Raises
    ------
    CorpusError
        If no validation track can be read.
    """
    corpus = task.corpus("sound")
    is_valid = corpus.tracks["partition"] == "valid"
    validation = corpus.tracks.index[is_valid].difference(corpus.unreadable)
    if validation.empty:
        raise CorpusError(f"{corpus.root}: has no track of GTZAN's validation part.")
    models = [load_model(name) for name in COMPARED_MODELS]
    predictions = _predictions(corpus.select(tracks=validation), models, task.jobs)
    scores = _scores(predictions)
    tracks = predictions.groupby("track_id")[["genre", "group"]].first()
    scope = {
        "tracks": len(tracks),
        "artists": tracks["group"].nunique(),
        "genres": tracks["genre"].nunique(),
        "chance": tracks["genre"].value_counts(normalize=True).iloc[0],
        "largest": tracks["group"].value_counts().iloc[0],
        "fewest_artists": fewest_artists(),
        "fewest_artists_of_all": fewest_artists(int(scores["p_holm"].notna().sum())),
    }
    task.write("scope", pd.DataFrame(scope, index=pd.Index(["validation part"], name="part")))
    task.write("scores", scores)
    task.write("pairs", _pairs(predictions))
    task.write("predictions", predictions.drop(columns="correct"))


def fewest_artists(tests: int = 1, *, level: float = 0.05) -> int:
    """Return of how many artists tracks must be lost for a significant loss.

    Parameters
    ----------
    tests : int
        Number of tests that are corrected for, of which this is the one with the
        smallest p-value.
    level : float
        Level of significance.

    Returns
    -------
    int
        The fewest artists, if no track is gained. With so few, a test that draws the sign
        of each artist's difference at random finds all of them on one side by chance
        too often, however many tracks each of them has.
    """
    artists = 1
    # All signs equal: the exact test of single tracks has the same p-value.
    while tests * exact_mcnemar(artists, 0) >= level:
        artists += 1
    return artists


def _predictions(corpus: Corpus, models: list[Model], jobs: int) -> pd.DataFrame:
    """Return a row for each track, condition and model, for tracks that all predict."""
    for model in models:
        corpus = tracks_to_score(model, corpus).corpus
    conditions = {CLEAN: lambda y, rate: y, **DEGRADATIONS}
    tables = [
        robustness_test(model, corpus, conditions, jobs=jobs, progress=False)
        .results.reset_index()
        .assign(model=model.name)
        for model in models
    ]
    common = set.intersection(*(set(table["track_id"]) for table in tables))
    rows = pd.concat(tables)
    rows = rows[rows["track_id"].isin(common)].set_index("track_id")
    rows["group"] = independent_groups(rows["artist"], rows.index)
    columns = ["genre", "group", "condition", "model", "predicted", "probability", "correct"]
    return rows[columns]


def _wide(predictions: pd.DataFrame, value: str) -> pd.DataFrame:
    """Return a row for each track, with a column for each condition and model."""
    table = predictions.set_index(["condition", "model"], append=True)[value]
    return table.unstack(["condition", "model"])


def _scores(predictions: pd.DataFrame) -> pd.DataFrame:
    """Return accuracy and agreement of each model under each condition, and its loss."""
    correct, predicted = _wide(predictions, "correct").astype(bool), _wide(predictions, "predicted")
    groups = predictions.groupby("track_id")["group"].first().loc[correct.index].to_numpy()
    rows: list[tuple[object, ...]] = []
    for condition, model in correct.columns:
        now = correct[condition, model]
        wilson = wilson_score(now.to_numpy())
        same = predicted[condition, model] == predicted[CLEAN, model]
        row = (
            condition,
            model,
            *bootstrap_score(now.to_numpy(), groups)[:3],
            *wilson[1:3],
            *wilson_score(same.to_numpy())[:3],
        )
        loss: tuple[float, ...] = (np.nan,) * 7
        if condition != CLEAN:
            before = correct[CLEAN, model]
            losers = len(set(groups[(before & ~now).to_numpy()]))
            loss = (losers, *_difference(now, before, groups))
        rows.append((*row, *loss))
    columns = ["condition", "model", "accuracy", "low", "high", "wilson_low", "wilson_high"]
    columns += ["agreement", "agreement_low", "agreement_high"]
    columns += ["losers", "points", "points_low", "points_high", "gained", "lost", "p_value"]
    table = pd.DataFrame(rows, columns=columns).set_index("condition")
    return _with_holm(table)


def _pairs(predictions: pd.DataFrame) -> pd.DataFrame:
    """Compare the two models under each condition."""
    correct = _wide(predictions, "correct").astype(bool)
    groups = predictions.groupby("track_id")["group"].first().loc[correct.index].to_numpy()
    first, second = COMPARED_MODELS
    rows = [
        (
            condition,
            *_difference(correct[condition, first], correct[condition, second], groups),
        )
        for condition in correct.columns.unique("condition")
    ]
    columns = ["condition", "points", "low", "high", "only_first", "only_second", "p_value"]
    return _with_holm(pd.DataFrame(rows, columns=columns).set_index("condition"))


def _difference(first: pd.Series, second: pd.Series, groups: np.ndarray) -> tuple[float, ...]:
    """Return the difference, its interval, tracks that one has right, and the p-value."""
    gain = first.astype(float) - second
    bounds = bootstrap_interval(gain.to_numpy(), groups)
    correct = pd.DataFrame({"first": first, "second": second})
    p_value = compare_cells(correct, groups)["p_value"].iloc[0]
    return (gain.mean(), *bounds, (gain > 0).sum(), (gain < 0).sum(), p_value)


def _with_holm(table: pd.DataFrame) -> pd.DataFrame:
    """Correct the p-values that a table has."""
    tested = table["p_value"].notna().to_numpy()
    corrected = np.full(len(table), np.nan)
    corrected[tested] = holm(table.loc[tested, "p_value"].to_numpy())
    return table.assign(p_holm=corrected)
