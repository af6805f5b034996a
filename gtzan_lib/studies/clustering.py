"""K-means and what its clusters agree with."""

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

__all__ = ["agreement", "cluster", "scan_k", "stability", "representative_tracks"]

_MEASURES = {
    "adjusted Rand index": (adjusted_rand_score, -1.0),
    "normalised mutual information": (normalized_mutual_info_score, 0.0),
}
"""Each with its least value."""

# Leaving one out of fewer tells nothing of what others would change.
_FEW = 6


def cluster(X: np.ndarray, k: int, *, seed: int = 0, starts: int = 10) -> KMeans:
    """Divide windows into `k` clusters.

    Parameters
    ----------
    X : np.ndarray [shape=(n, features)]
        Features, each with mean 0 and variance 1.
    k : int
        How many clusters, from 2 to `n - 1`.
    seed : int
        Of the starting centres.
    starts : int
        Of so many starts the best is kept.

    Returns
    -------
    sklearn.cluster.KMeans
        Fitted.

    Raises
    ------
    ModelError
        If so many clusters cannot be made of these windows.
    """
    distinct = len(np.unique(X, axis=0))
    if distinct < 3:
        raise ModelError(f"{distinct} different windows are too few to be clustered; take more.")
    if not 2 <= k < distinct:
        raise ModelError(
            f"{k} clusters of {distinct} different windows cannot be compared; choose a number "
            f"from 2 to {distinct - 1}."
        )
    # Sums depend on how many threads share them, and clusters must not.
    with threadpool_limits(1):
        return KMeans(k, n_init=starts, random_state=seed).fit(X)


def scan_k(X: np.ndarray, ks: Sequence[int], *, seed: int = 0) -> pd.DataFrame:
    """Cluster with several numbers of clusters.

    Parameters
    ----------
    X : np.ndarray [shape=(n, features)]
        As for `cluster`.
    ks : sequence of int
        Numbers of clusters.
    seed : int
        Of the starting centres.

    Returns
    -------
    pd.DataFrame
        By `k`: `inertia`, the sum of squared distances to the centres, whose
        bend is the "elbow", and `silhouette`, from -1 to 1.
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
    """Tell how far clusters agree with genres, or with artists.

    Parameters
    ----------
    labels : np.ndarray [shape=(n,)]
        The cluster of each window.
    windows : pd.DataFrame
        What the windows are: `track_id` and `genre`.
    corpus : Corpus
        Where artists are known.
    of : {"genre", "artist"}
        What clusters are compared with. Tracks without a known artist are left
        out of the latter.
    seed : int
        Of the shuffles.

    Returns
    -------
    pd.DataFrame
        A row for the adjusted Rand index and one for the normalised mutual
        information: `value`; the bounds `low` and `high` of its 95 % interval
        for collections of as many other artists (or other tracks of these
        artists), by leaving out one of them after another (jackknife; a
        bootstrap would count copies as agreement), missing for fewer than six;
        and `by_chance`, its mean where genres are shuffled among artists (or
        artists among tracks). Few artists, and small groups, agree with anything
        to some degree: a value means what it is above chance.

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
        kept, names, units = np.full(len(genres), True), genres, genres + "/" + artists
    else:
        kept, names, units = artists != tracks, artists, tracks
    if not kept.any():
        raise ModelError("no track has a known artist; compare clusters with genres alone.")
    name, unit = (pd.factorize(one[kept])[0] for one in (names, units))
    labels = labels[kept]
    name_of_unit = np.zeros(unit.max() + 1, dtype=int)
    name_of_unit[unit] = name
    rng = np.random.default_rng(seed)
    shuffled = [rng.permutation(name_of_unit)[unit] for _ in range(20)]
    rows, n = {}, len(name_of_unit)
    for title, (measure, least) in _MEASURES.items():
        value = measure(name, labels)
        without = [measure(name[unit != i], labels[unit != i]) for i in range(n)]
        error = np.sqrt((n - 1) / n * np.sum((without - np.mean(without)) ** 2))
        reach = 1.96 * error if n >= _FEW else np.nan
        chance = np.mean([measure(one, labels) for one in shuffled])
        rows[title] = (value, *np.clip([value - reach, value + reach], least, 1), chance)
    columns = ["value", "low", "high", "by_chance"]
    return pd.DataFrame.from_dict(rows, orient="index", columns=columns)


def stability(X: np.ndarray, k: int, seeds: Sequence[int]) -> np.ndarray:
    """Tell how far clusterings from different random starts agree.

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
        Adjusted Rand index of every pair of seeds, each with a single start.

    Raises
    ------
    ModelError
        If there are fewer than two seeds.
    """
    if len(seeds) < 2:
        raise ModelError("one start agrees with nothing; compare at least two.")
    made = [cluster(X, k, seed=seed, starts=1).labels_ for seed in seeds]
    return np.array([adjusted_rand_score(a, b) for a, b in itertools.combinations(made, 2)])


def representative_tracks(X: np.ndarray, fitted: KMeans, tracks: np.ndarray) -> dict[int, str]:
    """Name the track that stands for each cluster.

    Parameters
    ----------
    X : np.ndarray [shape=(n, features)]
        What was clustered.
    fitted : sklearn.cluster.KMeans
        The clusters.
    tracks : np.ndarray [shape=(n,)]
        The track of each window.

    Returns
    -------
    dict of int to str
        By cluster, the track of the window that is nearest to its centre.
    """
    nearest = fitted.transform(X).argmin(axis=0)
    return {number: str(tracks[row]) for number, row in enumerate(nearest)}
