"""Step `collection`: artists, parts, copies and faults of GTZAN, counted."""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Iterable, Mapping
from itertools import combinations

import numpy as np
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from ...data.corpus import Corpus
from ...data.loaders import gtzan
from ...data.loaders.gtzan_splits import published_split
from ...evaluation.evaluate import evaluate
from ...health.check import check_health
from ...health.faults import FAULT_SEVERITIES, Fault
from ...health.report import DUPLICATE_COLUMNS, HealthReport
from ...signal.features import CLIP_S, features
from ...stats import Score, independent_groups, resampled_means, wilson_score
from ...studies.grid import pipeline
from ..task import Task

__all__ = [
    "CHECKED_MODELS",
    "KINDS",
    "MINUTES",
    "compare_with_list",
    "copies_found",
    "copy_groups",
    "dependence",
    "design_effect",
    "genre_counts",
    "independent_tracks",
    "mean_group_size",
    "measure",
    "part_counts",
    "resampled_accuracy",
    "same_titles",
    "shared_artists",
    "tracks_of_artists",
]

KINDS = ("log-mels", "sound")
"""Material of which one kind must be there; copies are searched in all that is."""

MINUTES = 1.0
"""Estimate for all log-mels and a hundred clips of sound; a thousand clips take two more."""

CHECKED_MODELS = ("logistic regression", "k-NN", "random forest")
"""Models on features by which the dependence of tracks of one artist is measured."""

_PARTS = ("train", "valid", "test")
_FEWEST_ARTISTS = 5


def measure(task: Task, *, seed: int = 0) -> None:
    """Count artists and parts, search for copies, and compare them with the list.

    Writes the tables `genres`, `artists`, `parts`, `shared`, `searched`, `pairs`,
    `listed`, `titles`, `faults` and `dependence`.

    Parameters
    ----------
    task : Task
        Its material has log-mels or sound; with features of 30 s, or sound, the
        dependence of tracks of one artist is measured as well.
    seed : int
        Of the models, and of the bootstrap.
    """
    facts = gtzan.facts()
    facts["genre"] = facts.index.str.partition(".").get_level_values(0)
    task.write("genres", genre_counts(facts))
    task.write("artists", tracks_of_artists(facts))
    task.write("parts", part_counts(facts))
    task.write("shared", shared_artists(facts))
    reports = {
        kind: check_health(task.corpus(kind), work=task.work, jobs=task.jobs)
        for kind in KINDS
        if kind in task.material
    }
    pairs = copies_found(reports, facts, gtzan.known_faults())
    task.write("searched", _searched(reports))
    task.write("pairs", pairs)
    task.write("listed", compare_with_list(gtzan.known_faults(), pairs, reports))
    task.write("titles", same_titles(facts, pairs, _tracks(reports)))
    task.write("faults", _faults(reports))
    kind = task.material.first(("features-30s", "sound"))
    table = pd.DataFrame(columns=_DEPENDENCE, index=pd.Index([], name="model"))
    if kind is not None:
        corpus = task.corpus(kind)
        if _has_enough_artists(corpus):
            table = dependence(corpus, seed=seed, jobs=task.jobs)
    task.write("dependence", table)


# --- artists ------------------------------------------------------------------


def tracks_of_artists(facts: pd.DataFrame) -> pd.DataFrame:
    """Count the tracks of each artist in each genre.

    Parameters
    ----------
    facts : pd.DataFrame
        `gtzan_lib.data.loaders.gtzan.facts`, with a column `genre`.

    Returns
    -------
    pd.DataFrame
        Indexed by `genre`: `artist` and `tracks`, the most tracks first. A track without
        a known artist is a row of its own, with an empty name.
    """
    table = facts.assign(group=_groups(facts), artist=facts["artist"].fillna(""))
    counts = table.groupby(["genre", "group"]).agg(
        artist=("artist", "first"), tracks=("artist", "size")
    )
    counts = counts.reset_index().sort_values(
        ["genre", "tracks", "group"], ascending=[True, False, True]
    )
    return counts.set_index("genre")[["artist", "tracks"]]


def genre_counts(facts: pd.DataFrame) -> pd.DataFrame:
    """Count tracks, parts and artists of each genre.

    Parameters
    ----------
    facts : pd.DataFrame
        As for `tracks_of_artists`.

    Returns
    -------
    pd.DataFrame
        Indexed by `genre`: `tracks`; `train`, `valid`, `test` and `dropped`, tracks by part
        of the fault-filtered split; `artists`; `unknown`, tracks without a known artist,
        of which each counts as an artist; `largest`, most tracks of one artist, and
        `largest_artist`; `effective`, effective number of artists; and `train_artists`,
        `valid_artists` and `test_artists`.
    """
    groups = _groups(facts)
    rows = {}
    for genre, table in facts.assign(group=groups).groupby("genre"):
        sizes = table["group"].value_counts(sort=False).sort_index()
        parts = table["partition"].value_counts().reindex([*_PARTS, "dropped"], fill_value=0)
        by_part = table.groupby("partition")["group"].nunique().reindex(_PARTS, fill_value=0)
        rows[genre] = {
            "tracks": len(table),
            **parts,
            "artists": len(sizes),
            "unknown": int(table["artist"].isna().sum()),
            "largest": int(sizes.max()),
            "largest_artist": sizes.idxmax(),
            "effective": len(table) / mean_group_size(table["group"]),
            **by_part.add_suffix("_artists"),
        }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("genre")


def part_counts(facts: pd.DataFrame) -> pd.DataFrame:
    """Count tracks and artists of each part of the fault-filtered split.

    Parameters
    ----------
    facts : pd.DataFrame
        As for `tracks_of_artists`.

    Returns
    -------
    pd.DataFrame
        Indexed by `part`: `tracks`, `artists`, `effective` number of artists, `group_size`
        of `mean_group_size`, and `elsewhere`, tracks whose artist has tracks in another
        of the three parts.
    """
    groups = pd.Series(_groups(facts), facts.index)
    used = facts["partition"].isin(_PARTS)
    parts_of = facts[used].groupby(groups[used])["partition"].nunique()
    rows = {}
    for part in _PARTS:
        own = groups[facts["partition"] == part]
        size = mean_group_size(own)
        rows[part] = {
            "tracks": len(own),
            "artists": own.nunique(),
            "effective": len(own) / size,
            "group_size": size,
            "elsewhere": int((own.map(parts_of) > 1).sum()),
        }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("part")


def shared_artists(facts: pd.DataFrame) -> pd.DataFrame:
    """List the artists with tracks in several parts of the fault-filtered split.

    Parameters
    ----------
    facts : pd.DataFrame
        As for `tracks_of_artists`.

    Returns
    -------
    pd.DataFrame
        Indexed by `artist`: `genres`, and number of tracks in `train`, `valid` and `test`.
    """
    known = facts.dropna(subset=["artist"])
    used = known[known["partition"].isin(_PARTS)]
    counts = pd.crosstab(used["artist"], used["partition"]).reindex(columns=_PARTS, fill_value=0)
    counts = counts[(counts > 0).sum(axis=1) > 1].rename_axis(columns=None)
    genres = used.groupby("artist")["genre"].agg(lambda names: ", ".join(sorted(set(names))))
    counts.insert(0, "genres", genres.reindex(counts.index))
    return counts


def mean_group_size(groups: Iterable[str]) -> float:
    """Return the size of the group of a track, on average over all tracks.

    Parameters
    ----------
    groups : iterable of str
        The artist of each track.

    Returns
    -------
    float
        With n tracks in groups of sizes m, the sum of m squared over n. It is larger than
        the mean size where sizes differ; n over it is the effective number of groups.
    """
    sizes = pd.Series(list(groups)).value_counts().to_numpy(dtype=float)
    return float((sizes**2).sum() / sizes.sum())


def _groups(facts: pd.DataFrame) -> np.ndarray:
    return independent_groups(facts["artist"], facts.index)


# --- copies and faults --------------------------------------------------------


def copies_found(
    reports: Mapping[str, HealthReport], facts: pd.DataFrame, listed: pd.DataFrame
) -> pd.DataFrame:
    """Join the pairs of copies that were found in several kinds of material.

    Parameters
    ----------
    reports : mapping of str to HealthReport
        Health checks by kind of material; where two found a pair, the last one has its
        kind, score and lag.
    facts : pd.DataFrame
        As for `tracks_of_artists`.
    listed : pd.DataFrame
        `gtzan_lib.data.loaders.gtzan.known_faults`.

    Returns
    -------
    pd.DataFrame
        Indexed by `pair`, from 1: `a`, `b`, `kind`, `score`, `lag_s`; `found_in`, kinds of
        material; `genre_a`, `genre_b`, `part_a`, `part_b`; `same_artist`, `same_title`,
        `artist` and `title` (of `a`); and `listed`, whether listed copies link the two.
    """
    rows, found_in = {}, defaultdict(list)
    for kind, report in reports.items():
        for row in report.duplicates.itertuples(index=False):
            rows[row.a, row.b] = row
            found_in[row.a, row.b].append(kind)
    table = pd.DataFrame([rows[pair] for pair in sorted(rows)], columns=DUPLICATE_COLUMNS)
    table["found_in"] = [" and ".join(found_in[pair]) for pair in sorted(rows)]
    for side in "ab":
        known = facts.reindex(table[side])
        table[f"genre_{side}"] = known["genre"].to_numpy()
        table[f"part_{side}"] = known["partition"].to_numpy()
    for name in ("artist", "title"):
        first, second = (facts[name].reindex(table[side]).to_numpy() for side in "ab")
        table[f"same_{name}"] = pd.Series(first).str.lower().eq(pd.Series(second).str.lower())
        table[name] = first
    known_copies = listed[["track_id", "source_track"]].dropna()
    table["listed"] = _linked(table, copy_groups(known_copies.itertuples(index=False, name=None)))
    table.index = pd.RangeIndex(1, len(table) + 1, name="pair")
    return table


def copy_groups(pairs: Iterable[tuple[str, str]]) -> dict[str, int]:
    """Return which tracks hold the same recording, directly or through others.

    Parameters
    ----------
    pairs : iterable of (str, str)
        Pairs of copies.

    Returns
    -------
    dict of str to int
        The number of the recording of each track.
    """
    pairs = list(pairs)
    names = sorted({name for pair in pairs for name in pair})
    place = {name: number for number, name in enumerate(names)}
    ends = [[place[pair[side]] for pair in pairs] for side in (0, 1)]
    links = coo_array((np.ones(len(pairs)), ends), shape=(len(names), len(names)))
    _, group = connected_components(links, directed=False)
    return dict(zip(names, group.tolist(), strict=True))


def _linked(pairs: pd.DataFrame, group: Mapping[str, int]) -> list[bool]:
    """Return for each pair whether both tracks are in one group."""
    return [
        a in group and group[a] == group.get(b)
        for a, b in pairs[["a", "b"]].itertuples(index=False, name=None)
    ]


def compare_with_list(
    listed: pd.DataFrame, pairs: pd.DataFrame, reports: Mapping[str, HealthReport]
) -> pd.DataFrame:
    """Tell which listed faults were found, were missed, or could not be searched.

    Parameters
    ----------
    listed : pd.DataFrame
        `gtzan_lib.data.loaders.gtzan.known_faults`.
    pairs : pd.DataFrame
        From `copies_found`.
    reports : mapping of str to HealthReport
        As for `copies_found`.

    Returns
    -------
    pd.DataFrame
        The list, indexed by `track_id`, with `state`: `found`, `missed` or `not searched`.
        A copy can be found if both tracks were searched, and counts as found if other
        copies link the two; another fault is searched in sound alone, and is found by any
        error or warning of that track.
    """
    group = copy_groups(pairs[["a", "b"]].itertuples(index=False, name=None))
    searched = [set(report.track_ids) for report in reports.values()]
    audible = set(reports["sound"].track_ids) if "sound" in reports else set()
    faults = reports["sound"].faults if "sound" in reports else pd.DataFrame(columns=Fault._fields)
    faulty = set(faults["track_id"][faults["severity"] != "notice"])
    states = []
    for row in listed.itertuples():
        if isinstance(row.source_track, str):
            both = {row.track_id, row.source_track}
            possible = any(both <= tracks for tracks in searched)
            found = len({group.get(name, name) for name in both}) == 1
        else:
            possible, found = row.track_id in audible, row.track_id in faulty
        states.append("not searched" if not possible else "found" if found else "missed")
    return listed.assign(state=states).set_index("track_id")


def same_titles(facts: pd.DataFrame, pairs: pd.DataFrame, searched: Iterable[str]) -> pd.DataFrame:
    """List the pairs of tracks with the same artist and title.

    Parameters
    ----------
    facts : pd.DataFrame
        As for `tracks_of_artists`.
    pairs : pd.DataFrame
        From `copies_found`.
    searched : iterable of str
        Ids of the tracks that were searched; only these are listed.

    Returns
    -------
    pd.DataFrame
        Indexed by `a`: `b`, `artist`, `title`, `part_a`, `part_b`, and `found`, whether the
        search reports the pair as copies.
    """
    group = copy_groups(pairs[["a", "b"]].itertuples(index=False, name=None))
    known = facts[facts.index.isin(list(searched))].dropna(subset=["artist", "title"])
    rows = [
        {
            "a": a,
            "b": b,
            "artist": tracks.at[a, "artist"],
            "title": tracks.at[a, "title"],
            "part_a": tracks.at[a, "partition"],
            "part_b": tracks.at[b, "partition"],
        }
        for _, tracks in known.groupby([known["artist"].str.lower(), known["title"].str.lower()])
        for a, b in combinations(sorted(tracks.index), 2)
    ]
    columns = ["a", "b", "artist", "title", "part_a", "part_b"]
    table = pd.DataFrame(rows, columns=columns).sort_values(["a", "b"])
    return table.assign(found=_linked(table, group)).set_index("a")


def _tracks(reports: Mapping[str, HealthReport]) -> list[str]:
    return sorted({name for report in reports.values() for name in report.track_ids})


def _searched(reports: Mapping[str, HealthReport]) -> pd.DataFrame:
    rows = {
        kind: {"tracks": len(report.track_ids), "pairs": len(report.duplicates)}
        for kind, report in reports.items()
    }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("material")


def _faults(reports: Mapping[str, HealthReport]) -> pd.DataFrame:
    """Return the faults of single tracks, each once; those of sound are the most exact."""
    tables = [report.faults.assign(found_in=kind) for kind, report in reports.items()]
    table = pd.concat(tables, ignore_index=True)
    table = table[table["track_id"] != ""].drop(columns="path")
    table = table.drop_duplicates(["track_id", "fault"], keep="last")
    rank = table["fault"].map({name: number for number, name in enumerate(FAULT_SEVERITIES)})
    order = table.assign(rank=rank).sort_values(["rank", "track_id"]).index
    return table.loc[order].set_index("track_id")


# --- tracks of one artist -----------------------------------------------------

_DEPENDENCE = [
    "n",
    "artists",
    "group_size",
    "accuracy",
    "low",
    "high",
    "artist_low",
    "artist_high",
    "artist_effect",
    "genre_low",
    "genre_high",
    "genre_effect",
    "intraclass",
]


def dependence(corpus: Corpus, *, seed: int = 0, jobs: int = 1) -> pd.DataFrame:
    """Measure how far predictions for tracks of one artist depend on each other.

    Models on 57 features are scored out of fold in the published folds by artist, once
    with tracks as independent and once with whole artists drawn.

    Parameters
    ----------
    corpus : Corpus
        GTZAN, as sound or as Kaggle's table of 30 s.
    seed : int
        Of the models, and of the bootstrap.
    jobs : int
        Threads that compute features, if they are not in a table.

    Returns
    -------
    pd.DataFrame
        Indexed by `model`: `n` tracks by `artists`; `group_size` of `mean_group_size`;
        `accuracy` with Wilson's interval (`low`, `high`), that of a bootstrap over artists
        (`artist_low`, `artist_high`) and that of a bootstrap over the artists of each genre
        (`genre_low`, `genre_high`), with the `design_effect` of each (`artist_effect`,
        `genre_effect`); and the `intraclass` correlation that gives the last in groups of
        that size.
    """
    table = features(corpus, CLIP_S, jobs=jobs)
    published = published_split("artist")
    folds = published.table.set_index("track_id").filter(like="fold_")
    artists = gtzan.facts()["artist"]
    rows = table.windows.assign(artist=artists.reindex(table.windows["track_id"]).to_numpy())
    rows = rows[["window_id", "track_id", "genre", "artist"]].join(folds, on="track_id")
    rows[folds.columns] = rows[folds.columns].fillna("dropped")
    split = dataclasses.replace(published, table=rows)
    found = {}
    for name in CHECKED_MODELS:
        evaluation = evaluate(pipeline("none", name, seed=seed), table.values, table.windows, split)
        predictions = evaluation.predictions()
        groups, size = predictions["group"], mean_group_size(predictions["group"])
        score = wilson_score(predictions["correct"].to_numpy())
        found[name] = {
            "n": score.n,
            "artists": groups.nunique(),
            "group_size": size,
            "accuracy": score.value,
            "low": score.low,
            "high": score.high,
        }
        for strata in ("artist", "genre"):
            means = resampled_accuracy(predictions, within_genres=strata == "genre", seed=seed)
            found[name][f"{strata}_low"] = np.percentile(means, 2.5)
            found[name][f"{strata}_high"] = np.percentile(means, 97.5)
            found[name][f"{strata}_effect"] = design_effect(means, score)
        found[name]["intraclass"] = (found[name]["genre_effect"] - 1) / (size - 1)
    return pd.DataFrame.from_dict(found, orient="index").rename_axis("model")[_DEPENDENCE]


def resampled_accuracy(
    predictions: pd.DataFrame, *, within_genres: bool, seed: int = 0
) -> np.ndarray:
    """Draw artists with replacement and compute the accuracy of each draw.

    Parameters
    ----------
    predictions : pd.DataFrame
        `genre`, `group` and `correct`, as from `Evaluation.predictions`.
    within_genres : bool
        Whether the artists of each genre are drawn for themselves and each genre keeps its
        share of the tracks; otherwise the shares of genres vary with the artists drawn.
    seed : int
        Of the bootstrap.

    Returns
    -------
    np.ndarray [shape=(4000,)]
        Accuracies.
    """
    genres = predictions["genre"] if within_genres else pd.Series("", predictions.index)
    means = [
        len(table)
        / len(predictions)
        * resampled_means(
            table[["correct"]].to_numpy(dtype=float), table["group"].to_numpy(), seed=seed + number
        )[:, 0]
        for number, (_, table) in enumerate(predictions.groupby(genres))
    ]
    return np.sum(means, axis=0)


def design_effect(means: np.ndarray, score: Score) -> float:
    """Compare the variance of an accuracy with that of independent predictions.

    Parameters
    ----------
    means : np.ndarray [shape=(resamples,)]
        Accuracies, as from `resampled_accuracy`.
    score : Score
        The accuracy p and its number n of tracks; p is neither 0 nor 1.

    Returns
    -------
    float
        Variance of `means`, divided by p (1 - p) / n. n tracks count like n divided by it
        independent ones.
    """
    return float(np.var(means) / (score.value * (1 - score.value) / score.n))


def independent_tracks(tracks: int, group_size: float, intraclass: float) -> float:
    """Return how many independent tracks some tracks of common artists count like.

    Parameters
    ----------
    tracks : int
        Number of tracks.
    group_size : float
        Of `mean_group_size`.
    intraclass : float
        Correlation of correct predictions for two tracks of one artist.

    Returns
    -------
    float
        By Kish's design effect, 1 + (group_size - 1) intraclass.
    """
    return tracks / (1 + (group_size - 1) * intraclass)


def _has_enough_artists(corpus: Corpus) -> bool:
    """Whether each genre has an artist for each fold."""
    known = corpus.tracks.dropna(subset=["artist"])
    counts = known.groupby("genre")["artist"].nunique()
    return bool(counts.reindex(corpus.tracks["genre"].unique()).min() >= _FEWEST_ARTISTS)
