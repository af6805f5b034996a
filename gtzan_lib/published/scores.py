"""Scores of GTZAN's official test part: this project's, the literature's, and chance."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import norm

from ..errors import RecordError
from ..stats import wilson_interval

__all__ = ["LITERATURE_COLUMNS", "asked_models", "best_of_equals", "read_literature"]

LITERATURE_COLUMNS = ("model", "outside_data", "low", "high", "source", "verified", "note")
"""Columns of the table of published scores."""

_OUTSIDE = ("none", "images", "audio", "music")

_SEED = r", seed \d+$"
_SHORT = r"[:,(]| on | with "


def read_literature(path: str | Path) -> pd.DataFrame:
    """Read the table of published scores.

    Parameters
    ----------
    path : str or Path
        A CSV file with `LITERATURE_COLUMNS`; in the project, `results/literature.csv`.

    Returns
    -------
    pd.DataFrame
        One row a model: `model`; `outside_data`, the kind of data from outside GTZAN
        (`none`, `images`, `audio` or `music`); `low` and `high`, the accuracies that are
        reported, as shares, mostly equal; `source`, a key of the bibliography or empty;
        `verified`, whether the score was read in its source; and `note`.

    Raises
    ------
    RecordError
        If there is no such file, or another one.
    """
    path = Path(path)
    try:
        table = pd.read_csv(path, keep_default_na=False)
        if tuple(table.columns) != LITERATURE_COLUMNS:
            raise ValueError(f"its columns are not {', '.join(LITERATURE_COLUMNS)}")
        table[["low", "high"]] = table[["low", "high"]].astype(float) / 100
        if not (table["outside_data"].isin(_OUTSIDE) & table["verified"].isin(["yes", "no"])).all():
            raise ValueError("a value of outside_data or verified is not known")
        if not ((table["low"] <= table["high"]) & table["high"].between(0, 1)).all():
            raise ValueError("an accuracy is not between 0 and 100 %")
    except (OSError, ValueError) as error:
        raise RecordError(f"{path}: is not a table of published scores ({error}).") from error
    return table.assign(verified=table["verified"] == "yes")


def asked_models(askings: pd.DataFrame) -> pd.DataFrame:
    """Return the models that a test part was asked about, with short names.

    Parameters
    ----------
    askings : pd.DataFrame
        From `gtzan_lib.evaluation.askings.read_askings`.

    Returns
    -------
    pd.DataFrame
        One row an asking, but all seeds of a net in one row. Indexed by `asking`, the number
        of the first one in the list, from 1: `model`, the beginning of the description;
        `outside_data`, `music` if the description names MusiCNN and `none` otherwise; `date`;
        `askings`, their number; `n` tracks; `score`, the mean over the seeds, with Wilson's
        95 % interval over tracks, `low` and `high`; `lowest` and `highest`, the scores of
        single seeds; `chosen_by`; and `whole`, whether as many tracks were scored as in any
        other asking.
    """
    described = askings["description"].str.replace(_SEED, "", regex=True)
    numbers = pd.Series(range(1, len(askings) + 1), askings.index)
    # Each asking is a group of its own, unless it is of a seed.
    keys = described.where(described != askings["description"], numbers.astype(str))
    names = described.str.split(_SHORT, n=1, regex=True).str[0].str.strip()
    music = described.str.contains("musicnn", case=False)
    listed = askings.assign(
        model=names, outside_data=np.where(music, "music", "none"), asking=numbers
    )
    same = ("model", "outside_data", "asking", "date", "n", "low", "high", "chosen_by")
    table = listed.groupby(keys, sort=False).agg(
        **{column: (column, "first") for column in same},
        askings=("score", "size"),
        score=("score", "mean"),
        lowest=("score", "min"),
        highest=("score", "max"),
    )
    for key, row in table[table["askings"] > 1].iterrows():
        correct = round(row["score"] * row["n"])
        table.loc[key, ["low", "high"]] = wilson_interval(correct, row["n"])
        # Their scores on the validation part differ.
        table.loc[key, "chosen_by"] = row["chosen_by"].partition(";")[0]
    return table.assign(whole=table["n"] == table["n"].max()).set_index("asking")


def best_of_equals(
    accuracy: float, n: int, models: int, *, shared: float = 0.0, draws: int = 4000, seed: int = 0
) -> pd.DataFrame:
    """Simulate the best score of several models that are equally good.

    Parameters
    ----------
    accuracy : float
        Share of all tracks that each model predicts correctly, between 0 and 1.
    n : int
        Number of tested tracks.
    models : int
        Largest number of models.
    shared : float
        How far models find the same tracks difficult: correlation, between any two models,
        of a normal variable for each track that exceeds a threshold if the prediction is
        wrong. 0: mistakes of their own, less than 1.
    draws : int
        Number of simulated test parts.
    seed : int
        Random seed.

    Returns
    -------
    pd.DataFrame
        Indexed by the number of `models`, from 1: the `mean` of the best score, and the
        bounds `low` and `high` between which it is in 95 % of the draws.
    """
    rng = np.random.default_rng(seed)
    best = np.empty((draws, models))
    for draw in range(draws):
        difficulty = rng.standard_normal(n)
        # The probability that a model is right, given how difficult the track is.
        right = norm.cdf((norm.ppf(accuracy) - np.sqrt(shared) * difficulty) / np.sqrt(1 - shared))
        scores = (rng.random((models, n)) < right).mean(axis=1)
        best[draw] = np.maximum.accumulate(scores)
    low, high = np.percentile(best, [2.5, 97.5], axis=0)
    index = pd.RangeIndex(1, models + 1, name="models")
    return pd.DataFrame({"mean": best.mean(axis=0), "low": low, "high": high}, index)
