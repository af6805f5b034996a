"""Step `leak`: how accuracy falls from splits by window to track to artist, on log-mels."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd
from sklearn.pipeline import Pipeline

from ...data.corpus import Corpus
from ...data.loaders.gtzan_splits import published_split
from ...data.splits import DataSplit, quiet_split
from ...errors import SplitError
from ...evaluation.evaluate import evaluate
from ...evaluation.evaluation import Evaluation
from ...signal.logmel_statistics import GROUPS, logmel_statistics
from ...signal.recipes import Recipe
from ...signal.store import SpectrogramStore
from ...studies.grid import pipeline
from ..leaks import correct_predictions, leak_differences, leak_scores, leaks_by
from ..task import Task
from .feature_models import published_folds

__all__ = [
    "KINDS",
    "MINUTES",
    "LeakSplits",
    "leak_splits",
    "measure",
    "prediction_tables",
    "without_faults",
]

KINDS = ("log-mels", "sound")
"""Material, the best first."""

MINUTES = 6.0
"""Estimate for all clips."""

SECONDS = 3.0
"""Length of a window."""

# The covariances of cepstra are three quarters of all statistics, and make trees slow.
_STATISTICS = tuple(group for group in GROUPS if group != "lagged_covariance")
_WITH_COPIES = " with copies"


def measure(task: Task, *, folds: int = 5, trees: int = 100, seed: int = 0) -> None:
    """Score k-NN and a random forest on windows under splits by window, track and artist.

    Copies and faults that the published division drops are left out, except from two more
    splits, by window and by track, of all clips. Writes the tables `parts`, `tracks`,
    `windows` (predictions), `scores`, `steps`, `genres`, `sizes` and `artists`, and a record
    of each model by artist. Of the published division the validation part is scored.

    Parameters
    ----------
    task : Task
        Its material has log-mels, or sound.
    folds : int
        Number of folds.
    trees : int
        Number of trees of the random forest.
    seed : int
        Seed of the splits and of the forest.
    """
    corpus = task.corpus(*KINDS)
    corpus = corpus.exclude(corpus.unreadable)
    recipe = Recipe.preset("mel-gtzan-store", seconds=SECONDS)
    store = SpectrogramStore.build(corpus, recipe, work=task.work, jobs=task.jobs, progress=False)
    X = logmel_statistics(store.images, _STATISTICS)
    clean = without_faults(corpus)
    kept = store.windows["track_id"].isin(clean.tracks.index).to_numpy()
    splits = leak_splits(store.windows[kept].reset_index(drop=True), clean, folds, seed)
    if len(clean) < len(corpus):
        splits = splits.add_copies(store.windows, corpus, seed)
    splits = splits.of_one_size(seed).add_official(store.windows[kept], clean)
    forest = pipeline("none", "random forest", seed=seed)
    models = {
        "k-NN": pipeline("none", "k-NN", seed=seed),
        "random forest": forest.set_params(model__n_estimators=trees, model__n_jobs=task.jobs),
    }
    evaluations = {
        f"{model}, {name}": _evaluate(estimator, X, store.windows, split)
        for model, estimator in models.items()
        for name, split in splits.possible.items()
    }
    task.write("parts", splits.parts().assign(statistics=X.shape[1]))
    tracks, windows = prediction_tables(evaluations, clean)
    task.write("tracks", tracks)
    task.write("windows", windows)
    _write_summaries(task, tracks, windows)
    for model in models:
        strict = f"{model}, artist"
        if strict in evaluations:
            task.save(
                evaluations[strict],
                experiment=f"leak-{model.lower().replace(' ', '-')}",
                corpus=clean,
                parameters={"folds": folds, "trees": trees, "seed": seed, "seconds": SECONDS},
                extra={"title": f"{model} on log-mel statistics"},
            )


def without_faults(corpus: Corpus) -> Corpus:
    """Leave out the copies and faults that the published division drops.

    Parameters
    ----------
    corpus : Corpus
        Tracks of GTZAN.

    Returns
    -------
    Corpus
        Those that are in a part of the division.
    """
    parts = corpus.tracks["partition"]
    return corpus.exclude(parts.index[parts == "dropped"].tolist())


class LeakSplits(NamedTuple):
    """Splits of the same windows by several protocols.

    Attributes
    ----------
    possible : dict of str to DataSplit
        By name: `window`, `track`, `artist`, with ` with copies` behind where the tracks that
        the published division drops are among them, and `official`.
    refused : dict of str to str
        Why others are not possible.
    """

    possible: dict[str, DataSplit]
    refused: dict[str, str]

    def add_copies(self, windows: pd.DataFrame, corpus: Corpus, seed: int) -> LeakSplits:
        """Add splits by window and by track of all clips, copies and faults included.

        The windows that are divided already stay where they are; copies and faults are
        divided at random, whole tracks if it is by track.
        """
        added = {}
        for name, unit in (("window", "window_id"), ("track", "track_id")):
            split = self.possible[name]
            table = windows[["window_id", "track_id", "genre"]].reset_index(drop=True)
            table["artist"] = corpus.tracks["artist"].loc[table["track_id"]].fillna("").to_numpy()
            units = pd.unique(table[unit])
            number = np.random.default_rng(seed).integers(len(split), size=len(units))
            part = pd.Series(number, units).loc[table[unit]].to_numpy()
            known = split.table.set_index("window_id").reindex(table["window_id"])
            for fold in range(len(split)):
                is_next = part == (fold + 1) % len(split)
                drawn = np.where(part == fold, "test", np.where(is_next, "valid", "train"))
                old = known[f"fold_{fold}"].to_numpy(dtype=object)
                table[f"fold_{fold}"] = np.where(pd.isna(old), drawn, old)
            added[name + _WITH_COPIES] = dataclasses.replace(split, table=table)
        return LeakSplits(self.possible | added, self.refused)

    def add_official(self, windows: pd.DataFrame, corpus: Corpus) -> LeakSplits:
        """Add the published division, if all of its parts are there."""
        try:
            split = quiet_split(windows, corpus, protocol="official")
            _require_genres(split, "valid")
        except SplitError as error:
            reason = str(error).removeprefix(f"{corpus.root}: ")
            return LeakSplits(self.possible, self.refused | {"official": reason})
        return LeakSplits(self.possible | {"official": split}, self.refused)

    def of_one_size(self, seed: int) -> LeakSplits:
        """Leave out training windows at random, so that all folds of all splits have as many."""
        size = min(len(fold.train) for split in self.possible.values() for fold in split)
        splits = {}
        for name, split in self.possible.items():
            table = split.table.copy()
            for number, fold in enumerate(split):
                rng = np.random.default_rng([seed, number])
                unused = rng.permutation(fold.train)[size:]
                table.loc[table.index[unused], f"fold_{number}"] = "unused"
            splits[name] = dataclasses.replace(split, table=table)
        return LeakSplits(splits, self.refused)

    def parts(self) -> pd.DataFrame:
        """Count what is trained on and scored, and tell why other splits are left out.

        Returns
        -------
        pd.DataFrame
            Indexed by `protocol`: `folds`; `train`, the number of training windows, and
            `train_tracks`, that of their tracks, means over the folds; `tracks`, `windows`,
            `artists` (tracks of unknown artists count as artists of their own) and `genres`
            that are scored; `chance`, the share of the most frequent genre's windows;
            `published`, whether the folds are the published ones; and `left_out`.
        """
        rows = {name: _counts(split) for name, split in self.possible.items()}
        rows |= {name: {"left_out": reason} for name, reason in self.refused.items()}
        return pd.DataFrame.from_dict(rows, "index").rename_axis("protocol")


def leak_splits(
    windows: pd.DataFrame, corpus: Corpus, folds: int, seed: int, *, use_published: bool = True
) -> LeakSplits:
    """Divide windows by window, by track and by artist.

    Parameters
    ----------
    windows : pd.DataFrame
        Windows of a store.
    corpus : Corpus
        Their tracks.
    folds : int
        Number of folds.
    seed : int
        Random seed of the splits.
    use_published : bool
        Whether to take the published folds by artist, if their number is that of `folds` and
        the tracks allow it. Otherwise folds by artist are made in the same way.

    Returns
    -------
    LeakSplits
        Folds by artist are missing where a genre has too few artists.
    """
    settings = {"folds": folds, "seed": seed}
    possible = {
        name: quiet_split(windows, corpus, protocol=name, **settings)
        for name in ("window", "track")
    }
    refused = {}
    try:
        if use_published and len(published_split("artist")) == folds:
            possible["artist"] = published_folds(windows)
            _require_genres(possible["artist"], "test")
    except SplitError:
        possible.pop("artist")
    if "artist" not in possible:
        try:
            possible["artist"] = quiet_split(windows, corpus, protocol="artist", **settings)
        except SplitError as error:
            refused["artist"] = str(error).removeprefix(f"{corpus.root}: ")
    return LeakSplits(possible, refused)


def prediction_tables(
    evaluations: Mapping[str, Evaluation], corpus: Corpus
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the predictions of all models and protocols, of tracks and of windows.

    Parameters
    ----------
    evaluations : mapping of str to Evaluation
        By the names of columns, such as `k-NN, track`.
    corpus : Corpus
        The tracks; predictions of others are left out.

    Returns
    -------
    tracks, windows : pd.DataFrame
        As for `gtzan_lib.published.leaks.correct_predictions`.
    """
    ids = corpus.tracks.index.rename("track_id")
    tracks = pd.DataFrame({"genre": corpus.tracks["genre"], "group": corpus.artists_of(ids)}, ids)
    correct = {}
    for name, evaluation in evaluations.items():
        tracks[name] = evaluation.tracks["predicted"].reindex(ids)
        scored = evaluation.predictions("window").set_index("window_id")
        scored = scored[scored["track_id"].isin(ids)]
        correct[name] = scored["correct"].astype(int).astype("Int64")
    windows = pd.DataFrame(correct).rename_axis("window_id")
    order = windows.index.to_series().str.rpartition(".")
    place = pd.DataFrame({"track": ids.get_indexer(order[0]), "window": order[2].astype(int)})
    return tracks, windows.iloc[np.lexsort((place["window"], place["track"]))]


def _write_summaries(task: Task, tracks: pd.DataFrame, windows: pd.DataFrame) -> None:
    of_windows = correct_predictions(tracks, windows.astype(float))
    units = {"window": of_windows, "track": correct_predictions(tracks)}
    scores = {unit: leak_scores(correct) for unit, correct in units.items()}
    steps = {unit: leak_differences(correct) for unit, correct in units.items()}
    for name, tables in {"scores": scores, "steps": steps}.items():
        table = pd.concat([table.assign(unit=unit) for unit, table in tables.items()])
        task.write(name, table[["unit", *table.columns.drop("unit")]])
    n_genres = tracks["genre"].nunique()
    task.write("genres", leaks_by(of_windows, "genre", confidence=1 - 0.05 / n_genres))
    task.write("sizes", leaks_by(of_windows, "size"))
    large = of_windows[of_windows["size"] == "10 or more"]
    task.write("artists", leaks_by(large, "group").rename_axis("artist"))


def _evaluate(
    estimator: Pipeline, X: np.ndarray, windows: pd.DataFrame, split: DataSplit
) -> Evaluation:
    """Score an estimator on the rows of those windows that a split has."""
    rows = windows["window_id"].isin(split.table["window_id"]).to_numpy()
    evaluation = evaluate(estimator, X[rows], windows[rows].reset_index(drop=True), split)
    # Fitted estimators hold the training part.
    return dataclasses.replace(evaluation, estimators=[])


def _require_genres(split: DataSplit, part: str) -> None:
    """Refuse a split that trains on, or scores, not every genre in every fold."""
    genres = split.table["genre"]
    for fold, name in ((fold, name) for fold in split for name in ("train", part)):
        absent = set(genres) - set(genres.iloc[getattr(fold, name)])
        if absent:
            raise SplitError(f"genre {min(absent)!r} is in no {name} part of a fold.")


def _counts(split: DataSplit) -> dict[str, object]:
    scored = "valid" if split.protocol == "official" else "test"
    rows = np.unique(np.concatenate([getattr(fold, scored) for fold in split]))
    table = split.table.iloc[rows]
    track_ids = split.table["track_id"]
    named = published_split("artist").settings if split.protocol == "artist" else None
    artists = table["artist"].where(table["artist"] != "", table["track_id"])
    return {
        "folds": len(split),
        "train": round(float(np.mean([len(fold.train) for fold in split]))),
        "train_tracks": round(
            float(np.mean([track_ids.iloc[fold.train].nunique() for fold in split]))
        ),
        "tracks": table["track_id"].nunique(),
        "windows": len(table),
        "artists": artists.nunique(),
        "genres": table["genre"].nunique(),
        "chance": table["genre"].value_counts(normalize=True).iloc[0],
        "published": "yes" if split.settings == named else "no",
        "left_out": "nothing",
    }
