"""K-means clustering, and the agreement of clusters with genres and artists."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
import pandas as pd
from sklearn.cluster import KMeans
from sklearn.metrics import (
    adjusted_rand_score,
    normalized_mutual_info_score,
    silhouette_score,
)
from threadpoolctl import threadpool_limits

from ..data.corpus import Corpus
from ..errors import ModelError

__all__ = ["agreement", "cluster", "representative_tracks", "scan_k", "stability"]

_MEASURES = {
    "adjusted Rand index": (adjusted_rand_score, -1.0),
    "normalised mutual information": (normalized_mutual_info_score, 0.0),
}
"""Measures of agreement with their lowest possible values."""

# A jackknife of fewer artists or tracks gives no useful interval.
_MIN_JACKKNIFE = 6


def cluster(X: np.ndarray, k: int, *, seed: int = 0, starts: int = 10) -> KMeans:
    """Cluster windows with k-means.

    Parameters
    ----------
    X : np.ndarray [shape=(n, features)]
        Features, each with mean 0 and variance 1.
    k : int
        Number of clusters, from 2 to `n - 1`.
    seed : int
        Seed of the initial centres.
    starts : int
        Number of random initialisations, of which the best is kept.

    Returns
    -------
    sklearn.cluster.KMeans
        The fitted estimator.

    Raises
    ------
    ModelError
        If there are too few different windows for `k` clusters.
    """
    distinct = len(np.unique(X, axis=0))
    if distinct < 3:
        raise ModelError(
            f"{distinct} different windows are too few for clustering; use more windows."
        )
    if not 2 <= k < distinct:
        raise ModelError(
            f"{k} clusters of {distinct} different windows are not possible; choose a number from "
            f"2 to {distinct - 1}."
        )
    # Rounding depends on the number of threads; one thread makes the clusters reproducible.
    with threadpool_limits(1):
        return KMeans(k, n_init=starts, random_state=seed).fit(X)


def scan_k(X: np.ndarray, ks: Sequence[int], *, seed: int = 0) -> pd.DataFrame:
    """Compute inertia and silhouette for several numbers of clusters.

    Parameters
    ----------
    X : np.ndarray [shape=(n, features)]
        As for `cluster`.
    ks : sequence of int
        Numbers of clusters.
    seed : int
        Seed of the initial centres.

    Returns
    -------
    pd.DataFrame
        By `k`: `inertia`, the sum of squared distances to the centres (for the
        elbow method), and `silhouette`, from -1 to 1.
    """
    rows = {}
    for k in ks:
        fitted = cluster(X, k, seed=seed)
        rows[k] = (fitted.inertia_, silhouette_score(X, fitted.labels_))
    table = pd.DataFrame.from_dict(rows, orient="index", columns=["inertia", "silhouette"])
    return table.rename_axis("k")


def agreement(
    labels: np.ndarray, windows: pd.DataFrame, corpus: Corpus, of: str = "genre", *, seed: int = 0
) -> pd.DataFrame:
    """Measure the agreement of clusters with genres or artists.

    Parameters
    ----------
    labels : np.ndarray [shape=(n,)]
        The cluster of each window.
    windows : pd.DataFrame
        The windows, with `track_id` and `genre`.
    corpus : Corpus
        The corpus, which has the artists.
    of : {"genre", "artist"}
        What clusters are compared with. Tracks of unknown artists are left out
        for `artist`.
    seed : int
        Seed of the shuffles.

    Returns
    -------
    pd.DataFrame
        One row for the adjusted Rand index and one for the normalised mutual
        information: `value`; `low` and `high`, its 95 % interval by a jackknife
        over artists (for `artist`, over tracks), missing for fewer than six; and
        `by_chance`, its mean with genres shuffled among artists (or artists
        among tracks). A bootstrap would count repeated windows as agreement.
        Small groups agree by chance: compare `value` with `by_chance`.

    Raises
    ------
    ModelError
        If `of` is neither, or no artist is known.
    """
    if of not in ("genre", "artist"):
        raise ModelError(f"clusters cannot be compared with {of!r}; choose genre or artist.")
    tracks, artists = windows["track_id"].to_numpy(), corpus.artists_of(windows["track_id"])
    genres = windows["genre"].to_numpy()
    if of == "genre":
        selected, classes, units = np.full(len(genres), True), genres, genres + "/" + artists
    else:
        selected, classes, units = artists != tracks, artists, tracks
    if not selected.any():
        raise ModelError("no track has a known artist; compare clusters with genres only.")
    class_, unit = (pd.factorize(values[selected])[0] for values in (classes, units))
    labels = labels[selected]
    class_of_unit = np.zeros(unit.max() + 1, dtype=int)
    class_of_unit[unit] = class_
    rng = np.random.default_rng(seed)
    shuffles = [rng.permutation(class_of_unit)[unit] for _ in range(20)]
    rows, n = {}, len(class_of_unit)
    for name, (measure, minimum) in _MEASURES.items():
        value = measure(class_, labels)
        jackknife = [measure(class_[unit != i], labels[unit != i]) for i in range(n)]
        error = np.sqrt((n - 1) / n * np.sum((jackknife - np.mean(jackknife)) ** 2))
        margin = 1.96 * error if n >= _MIN_JACKKNIFE else np.nan
        chance = np.mean([measure(shuffled, labels) for shuffled in shuffles])
        rows[name] = (value, *np.clip([value - margin, value + margin], minimum, 1), chance)
    columns = ["value", "low", "high", "by_chance"]
    return pd.DataFrame.from_dict(rows, orient="index", columns=columns)


def stability(X: np.ndarray, k: int, seeds: Sequence[int]) -> np.ndarray:
    """Measure the agreement of clusterings from different random initialisations.

    Parameters
    ----------
    X : np.ndarray [shape=(n, features)]
        As for `cluster`.
    k : int
        Number of clusters.
    seeds : sequence of int
        At least two.

    Returns
    -------
    np.ndarray [shape=(pairs,)]
        Adjusted Rand index of every pair of seeds, with one initialisation per seed.

    Raises
    ------
    ModelError
        If there are fewer than two seeds.
    """
    if len(seeds) < 2:
        raise ModelError("stability needs at least two seeds; pass more.")
    labels = [cluster(X, k, seed=seed, starts=1).labels_ for seed in seeds]
    return np.array([adjusted_rand_score(a, b) for a, b in itertools.combinations(labels, 2)])


def representative_tracks(X: np.ndarray, fitted: KMeans, tracks: np.ndarray) -> dict[int, str]:
    """Return the track nearest to the centre of each cluster.

    Parameters
    ----------
    X : np.ndarray [shape=(n, features)]
        The clustered features.
    fitted : sklearn.cluster.KMeans
        The fitted clusters.
    tracks : np.ndarray [shape=(n,)]
        The track of each window.

    Returns
    -------
    dict of int to str
        The track of the window nearest to the centre, by cluster.
    """
    nearest = fitted.transform(X).argmin(axis=0)
    return {number: str(tracks[row]) for number, row in enumerate(nearest)}
