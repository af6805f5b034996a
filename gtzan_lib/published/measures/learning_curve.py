"""Step `learning-curve`: what more artists, and more tracks by each, bring to simple models."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from ...data.corpus import Corpus
from ...data.loaders.gtzan_activations import training_tags
from ...data.splits import DataSplit, quiet_split
from ...errors import CorpusError, SplitError
from ...inference.fitting import artist_folds
from ...signal.features import features
from ...stats import independent_groups
from ...studies.grid import pipeline
from ..curves import (
    ARTISTS,
    TRACKS,
    artists_or_tracks,
    choice_table,
    compare_doublings,
    curve_table,
    curves_from,
    extrapolations,
    fit_table,
    past_extrapolations,
)
from ..task import Task
from .leak import without_faults
from .net import part_of_artists

__all__ = [
    "CHOICES",
    "INPUTS",
    "KINDS",
    "MINUTES",
    "PARTS",
    "SHARES",
    "measure",
    "part_of_tracks",
]

KINDS = ("features-30s", "sound")
"""Material; log-mels and tags are used where they are there."""

MINUTES = 2.0
"""Estimate for the features, log-mels and tags of all clips."""

SHARES = (0.125, 0.25, 0.5, 0.75, 1.0)
"""Shares of the artists of each genre, if none are set."""

PARTS = ("validation part", "training part")
"""What is scored: the first by models of the training part, the second out of fold."""

INPUTS = ("57 features", "log-mel statistics", "50 tags")
"""What the logistic regressions read."""

_FEATURES, _LOG_MELS, _TAGS = INPUTS


def measure(
    task: Task, *, shares: Sequence[float] | None = None, n_seeds: int = 10, seed: int = 0
) -> None:
    """Train logistic regressions on shares of the training part's artists, and score them.

    They read Kaggle's 57 features, statistics of log-mels, and MusiCNN's tags. The validation
    part is scored as for the nets of the step `net`, with the same shares of the same artists,
    but without tracks by artists of the training part. MusiCNN's tags are published for the
    training part only, and all models are scored there as well, out of fold by artist. The
    choice of artists is compared with as many tracks of each genre that are taken from all
    artists. Writes the tables `scope`, `scores`, `tracks`, `curves`, `fit`, `extrapolations`,
    `checks`, `pairs`, `choices` and `gains`. The test part is not scored.

    Parameters
    ----------
    task : Task
        Its material has features of 30 s, or sound; with log-mels and the published tags,
        there are more models.
    shares : sequence of float, optional
        Shares of the artists of each genre, rising. Default: `SHARES`.
    n_seeds : int
        Number of choices of artists, from `seed` on.
    seed : int
        Seed of the folds, and of the first choice.

    Raises
    ------
    CorpusError
        If there is no material, or neither part can be scored.
    SplitError
        If the shares are not two or more that rise, above 0 and at most 1.
    """
    shares = list(SHARES if shares is None else shares)
    if not (len(shares) > 1 and shares[0] > 0 and shares[-1] <= 1 and np.all(np.diff(shares) > 0)):
        raise SplitError(
            f"the shares {shares} of the training artists must be two or more that rise, above 0 "
            "and at most 1."
        )
    corpus = without_faults(task.corpus(*KINDS))
    inputs = _inputs(task, corpus)
    tables: dict[str, list[pd.DataFrame]] = {"tracks": [], "scores": []}
    scope: list[dict[str, object]] = []
    for part, make in zip(PARTS, (_official, _folds), strict=True):
        try:
            parts = make(inputs, corpus, seed)
            _require_artists(parts, shares)
        except SplitError as error:
            reason = str(error).removeprefix(f"{corpus.root}: ").rstrip(".")
            scope.append({"part": part, "left_out": reason})
            continue
        tracks, scores = _score(parts, shares, range(seed, seed + n_seeds))
        tables["tracks"].append(tracks.assign(part=part))
        tables["scores"].append(scores.assign(part=part))
        scope.append({"part": part, **_scope(parts), "seeds": n_seeds, "left_out": "nothing"})
    if not tables["tracks"]:
        raise CorpusError(
            f"{corpus.root}: neither part can be scored, since {scope[0]['left_out']}."
        )
    task.write("scope", pd.DataFrame(scope).set_index("part"))
    tracks, scores = (pd.concat(rows) for rows in tables.values())
    task.write("tracks", tracks)
    task.write("scores", scores)
    curves = curves_from(tracks, scores)
    task.write("curves", curve_table(curves))
    task.write("fit", fit_table(curves))
    task.write("extrapolations", extrapolations(curves))
    task.write("checks", past_extrapolations(curves))
    task.write("pairs", compare_doublings(curves).set_index("part"))
    task.write("choices", choice_table(curves))
    task.write("gains", artists_or_tracks(curves))


# --- what is trained on, and what is scored -----------------------------------


def part_of_tracks(split: DataSplit, share: float, seed: int) -> DataSplit:
    """Leave as many tracks in the training part as `part_of_artists`, by more artists.

    Parameters
    ----------
    split : DataSplit
        Of one fold, with one row a track.
    share : float
        Share of the artists of each genre whose number of tracks is left.
    seed : int
        Seed of the order of tracks and artists. With the same seed, a larger share has all
        tracks of a smaller one.

    Returns
    -------
    DataSplit
        In each genre, all artists have one track before any has a second one. The other parts
        are as they were.
    """
    left = part_of_artists(split, share, seed).table
    numbers = left.loc[left["fold_0"] == "train", "genre"].value_counts()
    table = split.table.copy()
    train = table[table["fold_0"] == "train"]
    artists = pd.Series(independent_groups(train["artist"], train["track_id"]), train.index)
    rng = np.random.default_rng(seed)
    for genre, rows in train.groupby("genre"):
        drawn = artists[rows.index[rng.permutation(len(rows))]]
        place = {name: rng.random() for name in sorted(set(drawn))}
        turn = drawn.groupby(drawn).cumcount()
        order = drawn.index[np.lexsort([drawn.map(place), turn])]
        table.loc[order[numbers[genre] :], "fold_0"] = "dropped"
    return dataclasses.replace(split, table=table)


_Choice = Callable[[DataSplit, float, int], DataSplit]

CHOICES: dict[str, _Choice] = {
    ARTISTS: part_of_artists,
    TRACKS: part_of_tracks,
}
"""How a share of the training part is chosen, by name."""


def _inputs(task: Task, corpus: Corpus) -> dict[str, pd.DataFrame]:
    """Return the rows of training and validation tracks, by name of what they hold."""
    inputs = {_FEATURES: _features(task, corpus, "kaggle")}
    if "log-mels" in task.material:
        inputs[_LOG_MELS] = _features(task, task.corpus("log-mels"), "logmel-statistics")
    if "tags" in task.material:
        tags = training_tags(task.material.root)
        task.used["tags"] = len(tags.track_ids)
        means = np.stack([track.mean(axis=0) for track in tags.logits]).astype(np.float64)
        inputs[_TAGS] = pd.DataFrame(means, index=list(tags.track_ids))
    return inputs


def _features(task: Task, corpus: Corpus, family: str) -> pd.DataFrame:
    parts = corpus.tracks["partition"]
    used = parts.index[parts.isin(["train", "valid"])].difference(corpus.unreadable)
    corpus = corpus.select(tracks=used)
    table = features(corpus, 30, family=family, jobs=task.jobs, progress=False)
    rows = pd.DataFrame(table.values, index=table.windows["track_id"].to_numpy())
    return rows[~rows.index.duplicated()].sort_index()


class _Parts(NamedTuple):
    """What is trained on and scored: one division, or folds, with one row a track."""

    inputs: Mapping[str, pd.DataFrame]
    splits: list[DataSplit]
    known: int = 0

    def shares(self, leave: _Choice, share: float, seed: int) -> list[DataSplit]:
        """Leave a share of each training part."""
        return [leave(split, share, seed) for split in self.splits]

    def scored(self) -> pd.DataFrame:
        """Return genre and group of the scored tracks."""
        table = pd.concat([one.table.iloc[one.folds[0].valid] for one in self.splits])
        groups = independent_groups(table["artist"], table["track_id"])
        return table.assign(group=groups).set_index("track_id")[["genre", "group"]].sort_index()


def _official(inputs: Mapping[str, pd.DataFrame], corpus: Corpus, seed: int) -> _Parts:
    """Return the published division, whose validation part is scored; it has no tags.

    Tracks by an artist of the training part are not scored: the larger the share, the more of
    these artists are known to the model.
    """
    used = {name: rows for name, rows in inputs.items() if name != _TAGS}
    windows = _windows(used, corpus, ("train", "valid", "test"))
    split = quiet_split(windows, corpus, protocol="official", folds=1)
    is_train = split.table["fold_0"] == "train"
    train = split.table[is_train]
    # In a part of GTZAN, models may not have seen all genres.
    valid = (split.table["fold_0"] == "valid") & split.table["genre"].isin(train["genre"])
    known = valid & split.table["artist"].isin(set(train["artist"]) - {""})
    scored = valid & ~known
    if train["genre"].nunique() < 2 or not scored.any():
        raise SplitError("there are too few training tracks, or no validation tracks.")
    table = split.table[is_train | scored].reset_index(drop=True)
    return _Parts(used, [dataclasses.replace(split, table=table)], int(known.sum()))


def _folds(inputs: Mapping[str, pd.DataFrame], corpus: Corpus, seed: int) -> _Parts:
    """Return folds of the training part; all tracks of an artist are scored together."""
    windows = _windows(inputs, corpus, ("train",))
    artists = corpus.tracks["artist"].loc[windows["track_id"]].to_numpy()
    table = windows.assign(artist=pd.Series(artists).fillna(""))
    groups = independent_groups(artists, table["track_id"]).astype(str)
    for genre, rows in table.groupby("genre"):
        if len(set(groups[rows.index])) < 2:
            raise SplitError(f"all training tracks of genre {genre!r} are by one artist.")
    genres, truth = np.unique(table["genre"].to_numpy(dtype=str), return_inverse=True)
    if len(genres) < 2:
        raise SplitError("there are training tracks of fewer than two genres.")
    splits = []
    for train, _ in artist_folds(truth, groups, seed):
        parts = np.full(len(table), "valid", dtype=object)
        parts[train] = "train"
        splits.append(DataSplit("artist", table.assign(fold_0=parts), {"seed": seed}))
    return _Parts(inputs, splits)


def _windows(
    inputs: Mapping[str, pd.DataFrame], corpus: Corpus, parts: tuple[str, ...]
) -> pd.DataFrame:
    """Return one window a track: of some parts, and of those tracks that all inputs have."""
    tracks = corpus.tracks[corpus.tracks["partition"].isin(parts)].sort_index()
    # No input has test tracks, but a division must have them.
    missing = tracks["partition"] != "test"
    for rows in inputs.values():
        tracks = tracks[~missing.loc[tracks.index] | tracks.index.isin(rows.index)]
    names = tracks.index.to_numpy()
    return pd.DataFrame(
        {"window_id": names, "track_id": names, "genre": tracks["genre"].to_numpy()}
    )


def _require_artists(parts: _Parts, shares: Sequence[float]) -> None:
    sizes = {_sizes(parts.shares(part_of_artists, share, 0))[0] for share in shares}
    if len(sizes) < len(shares):
        raise SplitError("there are too few training artists for shares of them.")


def _sizes(splits: Sequence[DataSplit]) -> tuple[float, float]:
    """Return the number of training artists and tracks, means over the folds."""
    parts = [split.table.iloc[split.folds[0].train] for split in splits]
    artists = [len(set(independent_groups(part["artist"], part["track_id"]))) for part in parts]
    return float(np.mean(artists)), float(np.mean([len(part) for part in parts]))


def _scope(parts: _Parts) -> dict[str, object]:
    scored = parts.scored()
    artists, tracks = _sizes(parts.splits)
    return {
        "tracks": len(scored),
        "artists": scored["group"].nunique(),
        "known": parts.known,
        "train_tracks": tracks,
        "train_artists": artists,
        "folds": len(parts.splits),
        "chance": scored["genre"].value_counts(normalize=True).iloc[0],
    }


# --- training and scoring -----------------------------------------------------


def _score(
    parts: _Parts, shares: Sequence[float], seeds: Sequence[int]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the tables `tracks` and `scores` of all models, choices, shares and seeds."""
    left = {
        (choice, share, seed): parts.shares(leave, share, seed)
        for choice, leave in CHOICES.items()
        for share in shares
        for seed in seeds
    }
    sizes = {key: _sizes(splits) for key, splits in left.items()}
    tracks, scores = [], []
    done: _Done = {}
    for model, rows in parts.inputs.items():
        correct = {
            key: pd.concat([_correct(model, rows, split, done) for split in splits])
            for key, splits in left.items()
        }
        for (choice, share, seed), column in correct.items():
            artists, n_tracks = sizes[choice, share, seed]
            scores.append((model, choice, share, seed, n_tracks, artists, column.mean()))
        for choice in CHOICES:
            right = {
                share: pd.DataFrame({seed: correct[choice, share, seed] for seed in seeds})
                for share in shares
            }
            means = pd.DataFrame({share: table.mean(axis=1) for share, table in right.items()})
            tracks.append(parts.scored().assign(model=model, choice=choice).join(means))
    columns = ["model", "choice", "share", "seed", "tracks", "artists", "accuracy"]
    return pd.concat(tracks), pd.DataFrame(scores, columns=columns).set_index("model")


_Done = dict[tuple[str, str], pd.Series]


def _correct(model: str, rows: pd.DataFrame, split: DataSplit, done: _Done) -> pd.Series:
    """Return which scored tracks are predicted correctly; the same training is done once."""
    (fold,) = split.folds
    train, scored = split.table.iloc[fold.train], split.table.iloc[fold.valid]
    # Two folds may be left with the same training tracks, and score others.
    key = model, split.hash
    if key not in done:
        # Rounding depends on the number of threads.
        with threadpool_limits(1, user_api="blas"):
            fitted = pipeline("none", "logistic regression").fit(
                rows.loc[train["track_id"]].to_numpy(), train["genre"].to_numpy(dtype=str)
            )
            predicted = fitted.predict(rows.loc[scored["track_id"]].to_numpy())
        genres = scored["genre"].to_numpy(dtype=str)
        done[key] = pd.Series(predicted == genres, scored["track_id"].to_numpy())
    return done[key]
