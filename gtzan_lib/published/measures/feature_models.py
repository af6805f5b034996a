"""Step `feature-models`: 32 models on Kaggle's features, under splits that leak and that do not."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from ...data.corpus import Corpus
from ...data.loaders.gtzan_splits import published_split
from ...data.splits import DataSplit, quiet_split
from ...errors import SplitError
from ...evaluation.comparison import difference
from ...evaluation.seeds import seed_summary
from ...signal.features import FeatureTable, features
from ...stats import bootstrap_score, wilson_interval
from ...studies.claims import examine_claims
from ...studies.grid import TRANSFORMS, GridResult, choose_by_fold, compare_cells, grid, mean_leak
from ..task import Task

__all__ = ["MEAN", "MINUTES", "NEEDS", "cell_name", "measure", "published_folds"]

NEEDS = (("features-30s", "sound"), ("features-3s", "sound"))
"""Material; of each group, one kind must be there."""

MINUTES = 2.0
"""Estimate for all clips, if their features are there as tables."""

MEAN = "mean of all models"
"""Row of the table `leaks`."""

# Those of Kaggle's table of 3 s that every copy has, so that all give the same page.
_GENRES = ("classical", "jazz", "rock")
_VERDICTS = 11
# Models that begin with random numbers, by transform; the landmarks of the kernel are random.
_WITH_SEEDS = {
    "none": ["perceptron", "decision tree", "random forest", "neural net"],
    "RBF kernel": ["logistic regression"],
}


def measure(task: Task, *, folds: int = 5, n_seeds: int = 5, seed: int = 0) -> None:
    """Score the grid of 32 models on clips of 30 s and on windows of 3 s.

    Writes the tables `parts`, `scores`, `choices`, `seeds`, `seed-scores` and predictions
    of clips; `windows`, `leaks` and `claims` of windows; and a record of the model with
    the highest accuracy under each split of clips. What the material does not allow is
    named in `parts`. The test part of the published division is not scored.

    Parameters
    ----------
    task : Task
        Its material has Kaggle's tables of 30 s and of 3 s, or sound.
    folds : int
        Number of folds of the cross-validations, except for the published folds.
    n_seeds : int
        Number of seeds of the models that begin with random numbers, from `seed` on.
    seed : int
        Seed of the splits, and the first one of the models.

    Raises
    ------
    CorpusError
        If a table is missing, and there is no sound.
    """
    parts = [
        *_measure_clips(task, folds, range(seed, seed + n_seeds)),
        *_measure_windows(task, folds, seed),
    ]
    task.write("parts", pd.DataFrame(parts).set_index("part"))


def cell_name(transform: str, model: str) -> str:
    """Return a cell of the grid in words, such as `k-NN, PCA`."""
    return f"{model}, {'no transform' if transform == 'none' else transform}"


def published_folds(windows: pd.DataFrame) -> DataSplit:
    """Divide windows into the published folds by artist.

    Parameters
    ----------
    windows : pd.DataFrame
        Windows of GTZAN's tracks, with `window_id`, `track_id` and `genre`.

    Returns
    -------
    DataSplit
        Copies and faults are in no part; tracks of unknown artists are in all training
        parts.
    """
    published = published_split("artist")
    table = windows[["window_id", "track_id", "genre"]].reset_index(drop=True)
    by_track = published.table.set_index("track_id").filter(regex="^artist$|^fold_")
    table = table.join(by_track, on="track_id")
    columns = by_track.columns.drop("artist")
    table[columns] = table[columns].fillna("dropped")
    return DataSplit("artist", table.fillna({"artist": ""}), published.settings)


class _Part(NamedTuple):
    """What was scored under one split, or why it was not."""

    part: str
    train: int
    tracks: int
    windows: int
    artists: int
    genres: int
    chance: float
    left_out: str = "nothing"


def _part(name: str, result: GridResult) -> _Part:
    cell = next(iter(result.cells.values()))
    predictions = cell.predictions()
    numbers = [result.split.table["track_id"].iloc[fold.train].nunique() for fold in result.split]
    return _Part(
        name,
        round(float(np.mean(numbers))),
        len(predictions),
        len(cell.windows),
        predictions["group"].nunique(),
        predictions["genre"].nunique(),
        cell.baseline,
    )


def _left_out(name: str, reason: str) -> _Part:
    return _Part(name, 0, 0, 0, 0, 0, float("nan"), reason)


def _without_faults(corpus: Corpus) -> Corpus:
    """Leave out the copies and faults that the published division drops."""
    parts = corpus.tracks["partition"]
    return corpus.exclude(parts.index[parts == "dropped"].tolist())


def _try_splits(
    task: Task, corpus: Corpus, table: FeatureTable, names: Iterable[str], folds: int, seed: int
) -> tuple[dict[str, GridResult], list[_Part]]:
    """Compute the grid under each split that the corpus allows."""
    results: dict[str, GridResult] = {}
    parts = []
    for name in names:
        # Folds by track replace those by artist where a genre has too few artists.
        if name == "clips by track" and "clips by artist" in results:
            continue
        try:
            parts_of = _split(name, table.windows, corpus, folds, seed)
            transforms = ["none"] if name == "windows by artist" else list(TRANSFORMS)
            results[name] = grid(
                table.values, table.windows, parts_of, transforms=transforms, seed=seed,
                jobs=task.jobs, progress=False,
            )  # fmt: skip
        except SplitError as error:
            parts.append(_left_out(name, str(error).removeprefix(f"{corpus.root}: ")))
        else:
            parts.append(_part(name, results[name]))
    return results, parts


def _split(name: str, windows: pd.DataFrame, corpus: Corpus, folds: int, seed: int) -> DataSplit:
    if name == "clips by artist":
        return published_folds(windows)
    protocol = name.rpartition(" ")[2]
    number = 1 if protocol == "official" else folds
    return quiet_split(windows, corpus, protocol=protocol, folds=number, seed=seed)


def _measure_clips(task: Task, folds: int, seeds: Sequence[int]) -> list[_Part]:
    """Score clips of 30 s under the published division and folds."""
    names = ("clips official", "clips by artist", "clips by track")
    corpus = _without_faults(task.corpus("features-30s", "sound"))
    table = features(corpus, 30, jobs=task.jobs, progress=False)
    results, parts = _try_splits(task, corpus, table, names, folds, seeds[0])
    scores, choices, by_seed, summaries = [], [], [], []
    for name, result in results.items():
        predictions = _predictions(result)
        task.write(f"predictions-{result.split.protocol}", predictions)
        scores.append(_scores(name, result, predictions))
        if len(result.split) > 1:
            choices.append(_choice(name, predictions))
        by_place = _with_seeds(task, table, result, seeds)
        for place, correct in by_place.items():
            summary = seed_summary(correct, predictions["group"].to_numpy())
            by_seed += [(cell_name(*place), name, *one) for one in summary.accuracies.items()]
            summaries.append((cell_name(*place), name, *summary.score[:3], summary.sd))
        _save_best(task, corpus, name, result, seeds[0])
    task.write("scores", pd.concat(scores))
    task.write("choices", _table(choices, "part", ["accuracy", "low", "high", "models"]))
    task.write("seeds", _table(by_seed, "cell", ["part", "seed", "accuracy"]))
    columns = ["part", "accuracy", "low", "high", "sd"]
    task.write("seed-scores", _table(summaries, "cell", columns))
    return parts


def _table(rows: Iterable[tuple[object, ...]], index: str, columns: list[str]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=[index, *columns]).set_index(index)


def _predictions(result: GridResult) -> pd.DataFrame:
    """Return the predicted genre of each clip by each cell."""
    first = next(iter(result.cells.values()))
    table = first.predictions().set_index("track_id")[["genre", "group"]]
    table["fold"] = first.windows.set_index("track_id")["fold"]
    cells = {
        cell_name(*place): cell.tracks["predicted"].reindex(table.index)
        for place, cell in result.cells.items()
    }
    return table.assign(**cells)


def _correct(predictions: pd.DataFrame) -> pd.DataFrame:
    """Return which clips each cell predicts correctly."""
    cells = predictions.drop(columns=["genre", "group", "fold"])
    return cells.eq(predictions["genre"], axis=0)


def _scores(name: str, result: GridResult, predictions: pd.DataFrame) -> pd.DataFrame:
    """Return the accuracy of each cell, and its test against the best one."""
    correct, groups = _correct(predictions), predictions["group"].to_numpy()
    tests = compare_cells(correct, groups)
    best = correct.mean().idxmax()
    p_values = {best: 1.0}
    for column, other in (("first", "second"), ("second", "first")):
        rows = tests[tests[column] == best]
        p_values |= dict(zip(rows[other], rows["p_holm"], strict=True))
    rows = []
    for place, cell in result.cells.items():
        score, title = cell.bootstrap_accuracy(), cell_name(*place)
        wilson = wilson_interval(int(correct[title].sum()), len(correct))
        fitted = cell.train_accuracy, cell.unconverged
        rows.append((title, name, *place, *score[:3], *wilson, p_values[title], *fitted))
    columns = ["part", "transform", "model", "accuracy", "low", "high", "wilson_low"]
    columns += ["wilson_high", "p_holm", "train_accuracy", "unconverged"]
    return _table(rows, "cell", columns)


def _choice(name: str, predictions: pd.DataFrame) -> tuple[str, float, float, float, str]:
    """Score the cells that are chosen without the fold they are scored on."""
    scored, chosen = choose_by_fold(_correct(predictions), predictions["fold"].to_numpy())
    score = bootstrap_score(scored.to_numpy(), predictions["group"].to_numpy())
    return (name, *score[:3], "; ".join(dict.fromkeys(chosen)))


def _with_seeds(
    task: Task, table: FeatureTable, result: GridResult, seeds: Sequence[int]
) -> dict[tuple[str, str], pd.DataFrame]:
    """Return which clips are predicted correctly with each seed, by cell."""
    found: dict[tuple[str, str], dict[int, pd.Series]] = {}
    for seed in seeds:
        for transform, models in _WITH_SEEDS.items():
            again = result
            if seed != seeds[0]:
                again = grid(
                    table.values, table.windows, result.split, transforms=[transform],
                    models=models, seed=seed, jobs=task.jobs, progress=False,
                )  # fmt: skip
            for model in models:
                cell = again.cells[transform, model].predictions().set_index("track_id")
                found.setdefault((transform, model), {})[seed] = cell["correct"]
    return {place: pd.DataFrame(columns) for place, columns in found.items()}


def _save_best(task: Task, corpus: Corpus, name: str, result: GridResult, seed: int) -> None:
    place = result.scores["accuracy"].idxmax()
    task.save(
        result.cells[place],
        experiment=f"features-{result.split.protocol}",
        corpus=corpus,
        parameters={"transform": place[0], "model": place[1], "seconds": 30, "seed": seed},
        extra={"title": f"57 features: {cell_name(*place)}"},
    )


def _measure_windows(task: Task, folds: int, seed: int) -> list[_Part]:
    """Score windows of 3 s of three genres, split by window, track and artist."""
    names = ("windows by window", "windows by track", "windows by artist")
    corpus = task.corpus("features-3s", "sound").select(genres=_GENRES)
    corpus = _without_faults(corpus)
    table = features(corpus, 3, jobs=task.jobs, progress=False)
    results, parts = _try_splits(task, corpus, table, names, folds, seed)
    rows = [
        (cell_name(*place), name, unit, *cell.bootstrap_accuracy(unit)[:3])
        for name, result in results.items()
        for place, cell in result.cells.items()
        for unit in ("window", "track")
    ]
    task.write("windows", _table(rows, "cell", ["part", "unit", "accuracy", "low", "high"]))
    by_window = results["windows by window"]
    mean = mean_leak(by_window, results["windows by track"])
    leaks: list[tuple[object, ...]] = [(MEAN, "window", "windows by track", *mean[:3])]
    leaks += [
        (cell_name(*place), unit, name, *difference(by_window.cells[place], cell, unit)[:3])
        for name, result in results.items()
        if result is not by_window
        for place, cell in result.cells.items()
        for unit in ("window", "track")
    ]
    task.write("leaks", _table(leaks, "cell", ["unit", "part", "points", "low", "high"]))
    confidence = 1 - 0.05 / _VERDICTS
    claims = examine_claims(by_window, results["windows by track"], confidence=confidence)
    task.write("claims", pd.DataFrame(claims).set_index("claim"))
    return parts
