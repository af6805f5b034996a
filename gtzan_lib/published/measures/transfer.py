"""Step `transfer`: what MusiCNN's tags add to features of GTZAN's training tracks."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pandas as pd
from sklearn.metrics import f1_score

from ...data.loaders import gtzan
from ...data.loaders.gtzan_activations import TrackTags, training_tags
from ...data.splits import DataSplit
from ...errors import ModelError
from ...inference.fitting import fit_head
from ...signal.features import features
from ...stats import bootstrap_interval, bootstrap_score, holm, independent_groups, wilson_interval
from ...studies.grid import compare_cells, grid
from ...studies.representations import LayerTable, musicnn_layers, tag_profile
from ..task import Task

__all__ = ["KINDS", "MINUTES", "measure"]

KINDS = ("tags", "sound")
"""Material, the best first; features of 30 s, or of sound, are compared with it."""

MINUTES = 0.5
"""Estimate for the 443 tracks, if their tags are there."""

_TAGS, _WINDOWS, _FEATURES = "50 tags", "50 tags, windows of 3 s", "57 features"
_BOTH = "tags and features"
# Cells of the grid that are not linear in the features.
_NONLINEAR = {
    "none": ["random forest", "neural net"],
    "RBF kernel": ["logistic regression"],
}


def measure(task: Task, *, seed: int = 42) -> None:
    """Score logistic regressions on tags, on features, and on both, out of fold.

    Tags are those that MusiCNN's author has published, or are computed from sound. Writes
    the tables `scores`, `differences`, `recall`, `genres`, `predictions`, `profile` and
    `scope`. Without features of the same tracks, the tags are scored alone, and `scope`
    tells why.

    Parameters
    ----------
    task : Task
        Its material has the published tags, or sound.
    seed : int
        Of the folds and the models.
    """
    tags = _tags(task)
    values, reason = _features(task, tags)
    facts = gtzan.facts()["artist"]
    try:
        tables = _compare(tags, values, facts, seed)
    except ModelError as error:
        # A part of GTZAN, with too few artists of a genre.
        reason = f"of the tracks with features, {error}"
        tables = _compare(tags, None, facts, seed)
    predictions = tables["predictions"]
    scope = {
        "tracks": len(predictions),
        "artists": predictions["group"].nunique(),
        "windows": sum(len(track) for track in tags.logits),
        "folds": predictions["fold"].nunique(),
        "chance": predictions["genre"].value_counts(normalize=True).iloc[0],
        "left_out": reason,
    }
    task.write("scope", pd.DataFrame(scope, index=pd.Index(["training part"], name="part")))
    for name, table in tables.items():
        task.write(name, table)
    task.write("profile", _profile(tags).rename_axis("tag"))


def _tags(task: Task) -> TrackTags:
    """Return the tags of the training tracks."""
    if "tags" in task.material:
        tags = training_tags(task.material.root)
        task.used["tags"] = len(tags.track_ids)
        return tags
    corpus = task.corpus("sound")
    training = corpus.tracks.index[corpus.tracks["partition"] == "train"]
    training = training.difference(corpus.unreadable)
    table = musicnn_layers(corpus.select(tracks=training), jobs=task.jobs, progress=False)
    names = table.windows["track_id"].to_numpy()
    track_ids = tuple(sorted(set(names.tolist())))
    return TrackTags(track_ids, [table.layers["logits"][names == name] for name in track_ids])


def _features(task: Task, tags: TrackTags) -> tuple[pd.DataFrame | None, str]:
    """Return the features of the tracks that have tags, or why there are none."""
    kinds = ("features-30s", "sound")
    if task.material.first(kinds) is None:
        return None, "there are no features of 30 s, and no sound"
    corpus = task.corpus(*kinds)
    common = [name for name in tags.track_ids if name in corpus.tracks.index]
    genres = {name.partition(".")[0] for name in common}
    if genres != {name.partition(".")[0] for name in tags.track_ids}:
        return None, f"the tracks with tags that have features are of {len(genres)} genres only"
    corpus = corpus.select(tracks=common)
    table = features(corpus, 30, jobs=task.jobs, progress=False)
    return pd.DataFrame(table.values, table.windows["track_id"]).sort_index(), "nothing"


def _compare(
    tags: TrackTags, values: pd.DataFrame | None, artists: pd.Series, seed: int
) -> dict[str, pd.DataFrame]:
    """Fit all models on the same tracks and folds, and compare them."""
    by_track = dict(zip(*tags, strict=True))
    track_ids = list(tags.track_ids if values is None else values.index)
    genres = [name.partition(".")[0] for name in track_ids]
    groups = independent_groups(artists.loc[track_ids], track_ids)
    windows = [by_track[name].astype(np.float64) for name in track_ids]
    means = np.stack([track.mean(axis=0) for track in windows])
    inputs = {_TAGS: list(means[:, None])}
    X = None if values is None else values.to_numpy(copy=True)
    if X is not None:
        inputs[_FEATURES] = list(X[:, None])
        inputs[_BOTH] = list(np.hstack([means, X])[:, None])
    inputs[_WINDOWS] = windows
    predictions = pd.DataFrame(
        {"genre": genres, "group": groups}, index=pd.Index(track_ids, name="track_id")
    )
    rows = {}
    for name, rows_of_tracks in inputs.items():
        fitted = fit_head(rows_of_tracks, genres, groups.tolist(), seed=seed)
        predictions["fold"] = fitted.folds
        predictions[name] = np.array(fitted.genres)[fitted.tracks.argmax(axis=1)]
        rows[name] = rows_of_tracks[0].shape[1], fitted.strength
    if X is not None:
        for name, predicted in _nonlinear(X, predictions, seed).items():
            predictions[name] = predicted
            rows[name] = X.shape[1], np.nan
    return {
        "scores": _scores(predictions, rows),
        "differences": _differences(predictions),
        "recall": _recall(predictions, [name for name in inputs if name != _WINDOWS]),
        "genres": _genres(predictions),
        "predictions": predictions,
    }


def _nonlinear(X: np.ndarray, predictions: pd.DataFrame, seed: int) -> dict[str, pd.Series]:
    """Return what models that are not linear predict of the features, in the same folds."""
    table = predictions[["genre"]].assign(
        track_id=predictions.index, window_id=predictions.index, artist=predictions["group"]
    )
    table = table[["window_id", "track_id", "genre", "artist"]].reset_index(drop=True)
    for fold in sorted(predictions["fold"].unique()):
        inside = (predictions["fold"] == fold).to_numpy()
        table[f"fold_{fold}"] = np.where(inside, "test", "train")
    split = DataSplit("artist", table, {"seed": seed})
    found = {}
    for transform, models in _NONLINEAR.items():
        result = grid(
            X, table, split, transforms=[transform], models=models, seed=seed, progress=False
        )
        for (_, model), cell in result.cells.items():
            kernel = "" if transform == "none" else f" with {transform}"
            found[f"{_FEATURES}, {model}{kernel}"] = cell.tracks["predicted"].reindex(
                predictions.index
            )
    return found


def _scores(predictions: pd.DataFrame, rows: dict[str, tuple[int, float]]) -> pd.DataFrame:
    table = []
    for name, (width, strength) in rows.items():
        correct = (predictions[name] == predictions["genre"]).to_numpy()
        score = bootstrap_score(correct, predictions["group"].to_numpy())
        wilson = wilson_interval(int(correct.sum()), len(correct))
        macro_f1 = f1_score(
            predictions["genre"], predictions[name], average="macro", zero_division=0
        )
        table.append((name, width, strength, *score[:3], *wilson, macro_f1))
    columns = ["representation", "width", "strength", "accuracy", "low", "high"]
    columns += ["wilson_low", "wilson_high", "macro_f1"]
    return pd.DataFrame(table, columns=columns).set_index("representation")


def _differences(predictions: pd.DataFrame) -> pd.DataFrame:
    """Compare tags, features and both, with intervals that hold for all three pairs.

    The table is empty without features, as is that of the genres.
    """
    names = [name for name in (_BOTH, _TAGS, _FEATURES) if name in predictions]
    correct = predictions[names].eq(predictions["genre"], axis=0)
    groups = predictions["group"].to_numpy()
    tests = compare_cells(correct, groups).set_index(["first", "second"])
    rows = []
    for first, second in combinations(names, 2):
        gain = correct[first].astype(float) - correct[second]
        bounds = bootstrap_interval(gain.to_numpy(), groups, confidence=1 - 0.05 / 3)
        only = (gain > 0).sum(), (gain < 0).sum()
        test = tests.loc[(first, second), ["p_value", "p_holm"]]
        rows.append((f"{first} minus {second}", gain.mean(), *bounds, *only, *test))
    columns = ["pair", "points", "low", "high", "only_first", "only_second", "p_value", "p_holm"]
    return pd.DataFrame(rows, columns=columns).set_index("pair")


def _recall(predictions: pd.DataFrame, names: list[str]) -> pd.DataFrame:
    """Return the recall of each genre by each representation, with Wilson's interval."""
    rows = []
    for genre, tracks in predictions.groupby("genre"):
        for name in names:
            correct = int((tracks[name] == genre).sum())
            bounds = wilson_interval(correct, len(tracks))
            rows.append((genre, name, correct / len(tracks), *bounds, len(tracks)))
    columns = ["genre", "representation", "recall", "low", "high", "tracks"]
    return pd.DataFrame(rows, columns=columns).set_index("genre")


def _genres(predictions: pd.DataFrame) -> pd.DataFrame:
    """Compare the recall of each genre by tags with that by features."""
    rows = []
    for genre, tracks in predictions.groupby("genre"):
        if _FEATURES not in tracks:
            continue
        correct = tracks[[_TAGS, _FEATURES]].eq(genre)
        test = compare_cells(correct, tracks["group"].to_numpy()).iloc[0]
        n_artists = tracks["group"].nunique()
        recalls = correct.mean().tolist()
        rows.append((genre, len(tracks), n_artists, *recalls, test["difference"], test["p_value"]))
    columns = ["genre", "tracks", "artists", "tags", "features", "points", "p_value"]
    table = pd.DataFrame(rows, columns=columns).set_index("genre")
    return table.assign(p_holm=holm(table["p_value"].to_numpy()))


def _profile(tags: TrackTags) -> pd.DataFrame:
    lengths = [len(track) for track in tags.logits]
    track_ids = np.repeat(np.array(tags.track_ids), lengths)
    windows = pd.DataFrame({"track_id": track_ids})
    windows["genre"] = windows["track_id"].str.partition(".")[0]
    return tag_profile(LayerTable({"logits": np.concatenate(tags.logits)}, windows))
