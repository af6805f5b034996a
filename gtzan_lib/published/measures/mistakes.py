"""Step `mistakes`: tracks that all models get wrong, and how far known faults explain them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from ...data.corpus import Corpus
from ...data.loaders import gtzan
from ...data.loaders.gtzan_activations import training_tags
from ...errors import CorpusError, ModelError
from ...evaluation.aggregate import aggregate
from ...health.check import check_health
from ...inference.ensemble_model import EnsembleModel
from ...inference.fitting import artist_folds
from ...inference.zoo import load_model
from ...signal.features import features
from ...stats import (
    bootstrap_interval,
    bootstrap_score,
    independent_groups,
    resampled_means,
)
from ...studies.grid import pipeline
from ...studies.scratch_model import log_mel_windows, log_mels_of_part
from ..task import Task

__all__ = [
    "KINDS",
    "KNOWN",
    "MINUTES",
    "confusions",
    "explained",
    "hard_tracks",
    "known_faults",
    "measure",
]

KINDS = ("features-30s", "sound")
"""Material; log-mels and tags are used where they are there."""

MINUTES = 1.0
"""Estimate for the features, log-mels and tags of all clips."""

KNOWN = ("wrong label", "copy of another clip", "other fault", "artist in several genres")
"""What may be known of a track."""

PARTS = ("training part", "validation part")
"""What is scored: the first out of fold, the second by models of all training tracks."""

_LINEAR, _FOREST = "logistic regression", "random forest"
_SHIPPED = "gtzan-scratch"


def measure(task: Task, *, seed: int = 0) -> None:
    """Find the tracks of which no model names the genre, and compare them with known faults.

    Training tracks are predicted out of fold by artist, and validation tracks by models
    that are fitted to the training part. Writes the tables `scope`, `scores`, `hard`,
    `confusions`, `explained` and, for each part that the material allows,
    `predictions-train` and `predictions-valid`. The test part is not scored.

    Parameters
    ----------
    task : Task
        Its material has features of 30 s, or sound; with log-mels and the published tags,
        there are more models.
    seed : int
        Of the folds and the models.
    """
    inputs = _inputs(task)
    facts = gtzan.facts()
    facts["genre"] = facts.index.str.partition(".").get_level_values(0)
    facts["group"] = independent_groups(facts["artist"], facts.index)
    known = known_faults(facts, _copies(task))
    tables: dict[str, list[pd.DataFrame]] = {"scores": [], "hard": [], "confusions": []}
    tables["explained"] = []
    scope: list[dict[str, object]] = []
    for part, name, predict in zip(
        PARTS, ("train", "valid"), (_out_of_fold, _validation), strict=True
    ):
        try:
            predictions = predict(inputs, facts, seed)
        except ModelError as error:
            scope.append({"part": part, "left_out": str(error).rstrip(".")})
            continue
        if name == "valid" and "log-mels" in task.material:
            # Other files than that of all clips may lack some of the tracks.
            with suppress(CorpusError):
                predictions[_SHIPPED] = _shipped(task).reindex(predictions.index)
        task.write(f"predictions-{name}", predictions)
        scope.append({"part": part, **_scope(predictions), "left_out": "nothing"})
        found = {
            "scores": _scores(predictions),
            "hard": hard_tracks(predictions, facts, known),
            "confusions": confusions(predictions),
            "explained": explained(predictions, known),
        }
        for table, rows in found.items():
            rows.insert(0, "part", part)
            tables[table].append(rows)
    task.write("scope", pd.DataFrame(scope).set_index("part"))
    for table, parts in tables.items():
        if parts:
            task.write(table, pd.concat(parts))


# --- predictions --------------------------------------------------------------


def _inputs(task: Task) -> dict[str, pd.DataFrame]:
    """Return the rows of training and validation tracks, by name of what they hold."""
    table = _features(task, task.corpus(*KINDS), "kaggle")
    inputs = {"57 features": table}
    if "log-mels" in task.material:
        inputs["log-mel statistics"] = _features(task, task.corpus("log-mels"), "logmel-statistics")
    if "tags" in task.material:
        tags = training_tags(task.material.root)
        task.used["tags"] = len(tags.track_ids)
        means = np.stack([track.mean(axis=0) for track in tags.logits]).astype(np.float64)
        inputs["50 tags"] = pd.DataFrame(means, index=list(tags.track_ids))
    return inputs


def _features(task: Task, corpus: Corpus, family: str) -> pd.DataFrame:
    parts = corpus.tracks["partition"]
    used = parts.index[parts.isin(["train", "valid"])].difference(corpus.unreadable)
    corpus = corpus.select(tracks=used)
    table = features(corpus, 30, family=family, jobs=task.jobs, progress=False)
    rows = pd.DataFrame(table.values, index=table.windows["track_id"].to_numpy())
    return rows[~rows.index.duplicated()].sort_index()


def _models(inputs: Mapping[str, pd.DataFrame]) -> dict[str, tuple[str, str]]:
    """Return input and classifier of each model that is fitted here."""
    models = {f"{name}, {_LINEAR}": (name, _LINEAR) for name in inputs}
    forest = {f"57 features, {_FOREST}": ("57 features", _FOREST)}
    return {**dict(list(models.items())[:1]), **forest, **models}


def _of_part(inputs: Mapping[str, pd.DataFrame], facts: pd.DataFrame, part: str) -> pd.DataFrame:
    """Return genre and group of the tracks of a part that all inputs have."""
    names = set.intersection(*(set(table.index) for table in inputs.values()))
    tracks = facts.loc[facts["partition"] == part, ["genre", "group"]]
    return tracks[tracks.index.isin(names)].sort_index()


def _out_of_fold(
    inputs: Mapping[str, pd.DataFrame], facts: pd.DataFrame, seed: int
) -> pd.DataFrame:
    """Predict the training tracks; all tracks of an artist are left out together."""
    tracks = _of_part(inputs, facts, "train")
    genres, truth = np.unique(tracks["genre"].to_numpy(dtype=str), return_inverse=True)
    groups = tracks["group"].to_numpy(dtype=str)
    for genre, artists in tracks.groupby("genre")["group"]:
        if artists.nunique() < 2:
            raise ModelError(f"all training tracks of genre {genre!r} are by one artist.")
    if len(genres) < 2:
        raise ModelError("there are training tracks of fewer than two genres.")
    for number, (train, test) in enumerate(artist_folds(truth, groups, seed), 1):
        left_out = tracks.index[test]
        tracks.loc[left_out, "fold"] = number
        for name, (source, model) in _models(inputs).items():
            rows, fitted = inputs[source], tracks.index[train]
            predicted = _predict(
                rows.loc[fitted], genres[truth[train]], rows.loc[left_out], model, seed
            )
            tracks.loc[left_out, name] = predicted
    return tracks.astype({"fold": int}).rename_axis("track_id")


def _validation(inputs: Mapping[str, pd.DataFrame], facts: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Predict the validation tracks by models of all training tracks."""
    inputs = {name: table for name, table in inputs.items() if name != "50 tags"}
    train, tracks = (_of_part(inputs, facts, part) for part in ("train", "valid"))
    # In a part of GTZAN, models may not have seen all genres.
    tracks = tracks[tracks["genre"].isin(train["genre"])].copy()
    if train["genre"].nunique() < 2 or tracks.empty:
        raise ModelError("there are too few training tracks, or no validation tracks.")
    for name, (source, model) in _models(inputs).items():
        rows = inputs[source]
        genres = train["genre"].to_numpy(dtype=str)
        tracks[name] = _predict(rows.loc[train.index], genres, rows.loc[tracks.index], model, seed)
    return tracks.rename_axis("track_id")


def _predict(
    train: pd.DataFrame, genres: np.ndarray, rows: pd.DataFrame, model: str, seed: int
) -> np.ndarray:
    # Rounding depends on the number of threads.
    with threadpool_limits(1, user_api="blas"):
        fitted = pipeline("none", model, seed=seed).fit(train.to_numpy(), genres)
        return np.asarray(fitted.predict(rows.to_numpy()))


def _shipped(task: Task) -> pd.Series:
    """Return what the model of the package predicts from log-mels of the validation tracks."""
    model = load_model(_SHIPPED)
    assert isinstance(model, EnsembleModel)
    images = log_mels_of_part(task.material.places["log-mels"], "valid")
    windows = log_mel_windows(images, model.recipe)
    rows = model.probabilities(windows.images)
    named = [
        model.genres[aggregate(rows[windows.track == track], model.aggregation).argmax()]
        for track in range(len(images))
    ]
    return pd.Series(named, index=list(images))


# --- what is known of tracks --------------------------------------------------


def _copies(task: Task) -> list[tuple[str, str]]:
    """Return the pairs of copies that the health check finds."""
    kind = task.material.first(("log-mels", "sound"))
    if kind is None:
        return []
    report = check_health(task.corpus(kind), work=task.work, jobs=task.jobs, progress=False)
    return list(report.duplicates[["a", "b"]].itertuples(index=False, name=None))


def known_faults(facts: pd.DataFrame, found: Iterable[tuple[str, str]]) -> pd.DataFrame:
    """Join the listed faults of GTZAN's clips, copies that were found, and artists' genres.

    Parameters
    ----------
    facts : pd.DataFrame
        `gtzan_lib.data.loaders.gtzan.facts`, with a column `genre`.
    found : iterable of (str, str)
        Pairs of clips that were found to be copies.

    Returns
    -------
    pd.DataFrame
        Indexed by `track_id`, of all clips: one column for each of `KNOWN`, its text
        empty where nothing is known. Both clips of a pair have the fault; copies in two
        genres are wrong labels.
    """
    table = pd.DataFrame("", index=facts.index, columns=list(KNOWN))
    listed = gtzan.known_faults()
    pairs = listed[["track_id", "source_track"]].dropna()
    # In the order of the list; a pair that was found as well is named once.
    for pair in dict.fromkeys(
        tuple(sorted(pair)) for pair in [*pairs.itertuples(index=False, name=None), *found]
    ):
        for one, other in (pair, pair[::-1]):
            if facts.at[one, "genre"] == facts.at[other, "genre"]:
                column, text = "copy of another clip", f"same recording as {other}"
            else:
                column, text = "wrong label", f"same recording as {other}"
            table.at[one, column] = "; ".join(filter(None, [table.at[one, column], text]))
    for row in listed[listed["source_track"].isna()].itertuples():
        table.at[row.track_id, "other fault"] = f"{row.fault}, {row.detail}"
    genres = facts.groupby("artist")["genre"].unique()
    for name, artist in facts["artist"].dropna().items():
        others = sorted(set(genres[artist]) - {facts.at[name, "genre"]})
        table.at[name, "artist in several genres"] = ", ".join(others)
    return table


# --- mistakes -----------------------------------------------------------------


def _wrong(predictions: pd.DataFrame) -> pd.DataFrame:
    """Return which predictions are wrong, with one column for each model."""
    answers = predictions.drop(columns=["genre", "group", "fold"], errors="ignore")
    return answers.ne(predictions["genre"], axis=0)


def _scores(predictions: pd.DataFrame) -> pd.DataFrame:
    """Return the accuracy of each model, and how many of its errors all others share."""
    wrong, groups = _wrong(predictions), predictions["group"].to_numpy()
    every = wrong.all(axis=1)
    rows = [
        (name, *bootstrap_score(~column.to_numpy(), groups)[:3], column.sum(), every.sum())
        for name, column in wrong.items()
    ]
    columns = ["model", "accuracy", "low", "high", "errors", "shared"]
    return pd.DataFrame(rows, columns=columns).set_index("model")


def _scope(predictions: pd.DataFrame) -> dict[str, float]:
    """Count tracks and models, and the tracks that all models get wrong."""
    wrong, groups = _wrong(predictions), predictions["group"].to_numpy()
    every = wrong.all(axis=1)
    # The same if each model's errors were drawn at random among the tracks of a genre.
    expected = wrong.groupby(predictions["genre"]).mean().prod(axis=1)
    low, high = bootstrap_interval(every.to_numpy(), groups)
    return {
        "tracks": len(wrong),
        "artists": predictions["group"].nunique(),
        "models": wrong.shape[1],
        "chance": predictions["genre"].value_counts(normalize=True).iloc[0],
        "folds": predictions["fold"].nunique() if "fold" in predictions else 0,
        "all_wrong": every.sum(),
        "share": every.mean(),
        "low": low,
        "high": high,
        "expected": predictions["genre"].map(expected).sum(),
    }


def hard_tracks(
    predictions: pd.DataFrame, facts: pd.DataFrame, known: pd.DataFrame
) -> pd.DataFrame:
    """List the tracks of which no model names the genre.

    Parameters
    ----------
    predictions : pd.DataFrame
        One row a track, with `genre`, `group`, perhaps `fold`, and a column for each model.
    facts : pd.DataFrame
        `gtzan_lib.data.loaders.gtzan.facts`.
    known : pd.DataFrame
        From `known_faults`.

    Returns
    -------
    pd.DataFrame
        Indexed by `track_id`: `genre`, `artist` and `title`, empty if unknown; `named`,
        the genre that most models name, of several the first in the alphabet; `by`, how
        many do; `known`, what is known in words; and `fault`, `wrong_label` and `several`,
        whether that is a fault of any kind, a wrong label, and an artist of several
        genres. Those of which all name the same come first.
    """
    hard = predictions.index[_wrong(predictions).all(axis=1)]
    answers = predictions.drop(columns=["genre", "group", "fold"], errors="ignore").loc[hard]
    table = predictions.loc[hard, ["genre"]].join(facts.loc[hard, ["artist", "title"]].fillna(""))
    table["named"] = answers.mode(axis=1)[0] if len(hard) else ""
    table["by"] = answers.eq(table["named"], axis=0).sum(axis=1)
    of_hard = known.loc[hard, list(KNOWN)]
    table["known"] = [
        "; ".join(f"{kind}: {text}" for kind, text in row.items() if text)
        for _, row in of_hard.iterrows()
    ]
    table["fault"] = of_hard[list(KNOWN[:3])].ne("").any(axis=1)
    table["wrong_label"], table["several"] = of_hard[KNOWN[0]].ne(""), of_hard[KNOWN[3]].ne("")
    table = table.rename_axis("track_id")
    return table.sort_values(["by", "genre"], ascending=[False, True], kind="stable")


def confusions(predictions: pd.DataFrame) -> pd.DataFrame:
    """Compute how often each genre is taken for each other, over all models.

    Parameters
    ----------
    predictions : pd.DataFrame
        As for `hard_tracks`.

    Returns
    -------
    pd.DataFrame
        Indexed by `genre`, for each other genre that a model names: `predicted`; `tracks`
        and `artists` of the genre; `share`, the mean over the models of the share of its
        tracks, with the bounds `low` and `high` of a bootstrap over artists, missing for a
        single artist; and `errors`, the share of all errors of all models.
    """
    answers = predictions.drop(columns=["genre", "group", "fold"], errors="ignore")
    errors = _wrong(predictions).to_numpy().sum()
    rows = []
    for genre, tracks in predictions.groupby("genre"):
        named = answers.loc[tracks.index]
        for other in sorted(set(named.to_numpy().ravel()) - {genre}):
            share = named.eq(other).mean(axis=1).to_numpy()
            count = named.eq(other).to_numpy().sum() / errors
            artists = tracks["group"].nunique()
            bounds = (np.nan, np.nan)
            if artists > 1:
                bounds = bootstrap_interval(share, tracks["group"].to_numpy())
            rows.append((genre, other, len(tracks), artists, share.mean(), *bounds, count))
    columns = ["genre", "predicted", "tracks", "artists", "share", "low", "high", "errors"]
    return pd.DataFrame(rows, columns=columns).set_index("genre")


def explained(predictions: pd.DataFrame, known: pd.DataFrame) -> pd.DataFrame:
    """Compare the share of errors on tracks with a known fault with their share of tracks.

    Parameters
    ----------
    predictions : pd.DataFrame
        As for `hard_tracks`.
    known : pd.DataFrame
        From `known_faults`.

    Returns
    -------
    pd.DataFrame
        Indexed by `known`, one of `KNOWN` or `any listed fault`, which leaves the artists'
        genres out: number of `tracks`; `share` of all tracks; `errors`, their share of the
        errors of all models, and of tracks that all models get wrong, `hard`; `points`,
        `errors` minus `share`, with the bounds `low` and `high` of a bootstrap over
        artists; and `accuracy`, the mean of the models, and `without`, that of the tracks
        without the fault.
    """
    wrong, groups = _wrong(predictions), predictions["group"].to_numpy()
    errors, every = wrong.mean(axis=1).to_numpy(), wrong.all(axis=1).to_numpy()
    of_tracks = known.loc[predictions.index].ne("")
    columns = {"any listed fault": of_tracks[list(KNOWN[:3])].any(axis=1), **of_tracks}
    rows: list[tuple[object, ...]] = []
    for name, column in columns.items():
        has = column.to_numpy()
        if not has.any() or not errors.any():
            row = (name, has.sum(), has.mean(), 0.0, 0, *[np.nan] * 3)
            rows.append((*row, 1 - errors.mean(), np.nan))
            continue
        values = np.stack([errors, errors * has, has], axis=1)
        drawn = resampled_means(values, groups)
        # Draws of few artists may have no error, and then no share of errors.
        drawn = drawn[drawn[:, 0] > 0]
        low, high = np.percentile(drawn[:, 1] / drawn[:, 0] - drawn[:, 2], [2.5, 97.5])
        share = values[:, 1].sum() / values[:, 0].sum()
        means = 1 - errors.mean(), 1 - errors[~has].mean()
        hard = int((every & has).sum())
        rows.append(
            (name, has.sum(), has.mean(), share, hard, share - has.mean(), low, high, *means)
        )
    names = ["known", "tracks", "share", "errors", "hard", "points", "low", "high"]
    names += ["accuracy", "without"]
    return pd.DataFrame(rows, columns=names).set_index("known")
