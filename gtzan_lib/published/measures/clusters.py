"""Step `clusters`: k-means on GTZAN's 57 features, and on their principal components."""

from __future__ import annotations

from collections.abc import Sequence

import joblib
import numpy as np
import pandas as pd
from scipy.stats import norm, rankdata
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import adjusted_rand_score
from sklearn.model_selection import GroupKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from ...errors import CorpusError
from ...health.check import check_health
from ...signal.features import CLIP_S, features
from ...stats import holm
from ...studies.clustering import agreement, cluster, scan_k, stability
from ..task import Task

__all__ = [
    "KINDS",
    "MINUTES",
    "compare_components",
    "components_needed",
    "measure",
    "pairs_together",
    "rand_jackknife",
    "scan_numbers",
    "sorted_clusters",
    "stability_over_artists",
    "without_clusters",
]

KINDS = ("features-30s", "sound")
"""Material of which one kind must be there."""

MINUTES = 0.5
"""Estimate for Kaggle's table; a thousand clips of sound take about ten more."""

_SHARES = (0.5, 0.8, 0.9, 0.95, 0.99)
_FEW = (2, 3, 5, 10)
_NUMBERS = (2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 15, 20)
_Z = float(norm.ppf(0.975))


def measure(
    task: Task,
    *,
    k: int = 10,
    starts: int = 10,
    references: int = 20,
    n_seeds: int = 5,
    seed: int = 0,
) -> None:
    """Cluster whole clips, and compare the clusters with genres and artists.

    Writes the tables `genres`, `numbers`, `agreement`, `together`, `components`, `needed`,
    `spaces`, `centres` (of the clusters with the highest silhouette) and `tracks`.

    Parameters
    ----------
    task : Task
        Its material has Kaggle's table of 30 s or sound. Copies that the health check
        finds are left out.
    k : int
        Number of clusters that is looked at closely.
    starts : int
        Number of initialisations, and of halves of the artists, whose clusters are
        compared.
    references : int
        Number of samples without clusters.
    n_seeds : int
        Number of seeds of k-means, over which numbers of components are compared.
    seed : int
        The first seed of k-means; also of the samples and halves.

    Raises
    ------
    CorpusError
        If there are fewer than three tracks for each cluster.
    """
    corpus = task.corpus(*KINDS)
    corpus = corpus.exclude(check_health(corpus, work=task.work, jobs=task.jobs))
    table = features(corpus, CLIP_S, jobs=task.jobs)
    if len(table) < 3 * k:
        raise CorpusError(f"{len(table)} tracks are too few for {k} clusters; use more music.")
    genres = table.windows["genre"].to_numpy(dtype=object)
    artists = corpus.artists_of(table.windows["track_id"])
    scaled = StandardScaler().fit_transform(table.values)
    ks = sorted({k, *(number for number in _NUMBERS if number <= len(table) // 3)})
    counts = pd.DataFrame({"genre": genres, "artist": artists}).groupby("genre")["artist"]
    task.write("genres", counts.agg(tracks="size", artists="nunique"))
    numbers = scan_numbers(scaled, artists, ks, starts, references, seed, jobs=task.jobs)
    task.write("numbers", numbers)
    labels = sorted_clusters(cluster(scaled, k, seed=seed).labels_, genres)
    agreements = joblib.Parallel(n_jobs=task.jobs)(
        joblib.delayed(agreement)(found, table.windows, corpus, of, seed=seed)
        for found, of in [
            *((cluster(scaled, number, seed=seed).labels_, "genre") for number in ks),
            (labels, "artist"),
        ]
    )
    named = [*((number, "genre") for number in ks), (k, "artist")]
    task.write(
        "agreement",
        pd.concat(
            found.rename_axis("measure").reset_index().assign(k=number, of=of)
            for (number, of), found in zip(named, agreements, strict=True)
        ).set_index("k"),
    )
    task.write("together", pairs_together(labels, genres, artists))
    ratios = PCA(svd_solver="full").fit(scaled).explained_variance_ratio_
    index = pd.RangeIndex(1, len(ratios) + 1, name="component")
    task.write("components", pd.DataFrame({"explained_variance": ratios}, index))
    needed = components_needed(scaled, artists)
    task.write("needed", needed)
    few = int(needed.loc[0.9, "components"])
    spaces, found = compare_components(scaled, genres, artists, k, few, n_seeds, seed=seed)
    task.write("spaces", spaces)
    best = int(numbers["silhouette"].idxmax())
    separate = sorted_clusters(cluster(scaled, best, seed=seed).labels_, genres)
    centres = pd.DataFrame(scaled, columns=pd.Index(table.names, name="feature"))
    task.write("centres", centres.groupby(separate).mean().T)
    tracks = table.windows[["track_id", "genre"]].assign(artist=artists, cluster=labels)
    tracks["of_components"] = sorted_clusters(found, genres)
    tracks["separate"] = separate
    task.write("tracks", tracks.set_index("track_id"))


# --- number of clusters -------------------------------------------------------


def scan_numbers(
    scaled: np.ndarray,
    artists: np.ndarray,
    ks: Sequence[int],
    starts: int,
    references: int,
    seed: int,
    *,
    jobs: int = 1,
) -> pd.DataFrame:
    """Measure clusterings into several numbers of clusters.

    Parameters
    ----------
    scaled : np.ndarray [shape=(n, features)]
        Standardised features of tracks.
    artists : np.ndarray [shape=(n,)]
        Artist of each track.
    ks : sequence of int
        Numbers of clusters.
    starts : int
        Number of initialisations, and of halves of the artists.
    references : int
        Number of samples of `without_clusters`.
    seed : int
        Of the initialisations, halves and samples.
    jobs : int
        Number of processes.

    Returns
    -------
    pd.DataFrame
        Indexed by `k`: `inertia`; `silhouette`; their means in the samples without
        clusters, `inertia_reference` and `silhouette_reference`; the lowest and highest
        there, `silhouette_low` and `silhouette_high`; and the mean adjusted Rand index of
        clusterings from other initialisations, `seeds`, with its lowest and highest
        `seeds_low`, `seeds_high`, and from other artists, `artists`.
    """
    rng = np.random.default_rng(seed)
    scans = joblib.Parallel(n_jobs=jobs)(
        joblib.delayed(scan_k)(points, ks, seed=seed)
        for points in [scaled, *(without_clusters(scaled, rng) for _ in range(references))]
    )
    table = scans[0].copy()
    others = pd.concat(scans[1:])
    table["inertia_reference"] = others["inertia"].groupby(level=0).mean()
    table["silhouette_reference"] = others["silhouette"].groupby(level=0).mean()
    table["silhouette_low"] = others["silhouette"].groupby(level=0).min()
    table["silhouette_high"] = others["silhouette"].groupby(level=0).max()
    seeds = joblib.Parallel(n_jobs=jobs)(
        joblib.delayed(stability)(scaled, number, range(seed, seed + starts)) for number in ks
    )
    table["seeds"] = [found.mean() for found in seeds]
    table["seeds_low"] = [found.min() for found in seeds]
    table["seeds_high"] = [found.max() for found in seeds]
    divisions = joblib.Parallel(n_jobs=jobs)(
        joblib.delayed(stability_over_artists)(scaled, artists, number, starts, seed=seed)
        for number in ks
    )
    table["artists"] = [found.mean() for found in divisions]
    return table


def without_clusters(scaled: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Draw a sample with the features' distributions and correlations, but without clusters.

    Parameters
    ----------
    scaled : np.ndarray [shape=(n, features)]
        Features of tracks.
    rng : np.random.Generator
        Draws a normal sample with the features' rank correlations (a Gaussian copula).

    Returns
    -------
    np.ndarray [shape=(n, features)]
        Each column has the values of that of `scaled`, in the order of the normal sample.
    """
    n = len(scaled)
    scores = norm.ppf((rankdata(scaled, axis=0) - 0.5) / n)
    covariance = np.cov(scores, rowvar=False)
    values, directions = np.linalg.eigh(covariance)
    drawn = rng.normal(size=scaled.shape) * np.sqrt(values.clip(min=0)) @ directions.T
    rank = drawn.argsort(axis=0).argsort(axis=0)
    return np.take_along_axis(np.sort(scaled, axis=0), rank, axis=0)


def stability_over_artists(
    scaled: np.ndarray, artists: np.ndarray, k: int, repeats: int, *, seed: int = 0
) -> np.ndarray:
    """Compare clusters of one half of the artists with those of the other half.

    Parameters
    ----------
    scaled : np.ndarray [shape=(n, features)]
        Standardised features of tracks.
    artists : np.ndarray [shape=(n,)]
        Artist of each track.
    k : int
        Number of clusters.
    repeats : int
        Number of random divisions into halves.
    seed : int
        Of the divisions and of k-means.

    Returns
    -------
    np.ndarray [shape=(repeats,)]
        Adjusted Rand index of the nearest centres, of the one half and of the other, of
        all tracks.
    """
    names, artist = np.unique(artists.astype(str), return_inverse=True)
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(repeats):
        chosen = rng.permutation(len(names)) < len(names) / 2
        one, other = (
            cluster(scaled[rows], k, seed=seed).predict(scaled)
            for rows in (chosen[artist], ~chosen[artist])
        )
        found.append(adjusted_rand_score(one, other))
    return np.array(found)


def sorted_clusters(labels: np.ndarray, genres: np.ndarray) -> np.ndarray:
    """Sort clusters by their most frequent genres, and number them from 1.

    Parameters
    ----------
    labels : np.ndarray [shape=(n,)]
        The cluster of each track.
    genres : np.ndarray [shape=(n,)]
        Its genre.

    Returns
    -------
    np.ndarray [shape=(n,)]
        The new number of each cluster; of those with one genre, the largest comes first.
    """
    counts = pd.crosstab(labels, genres)
    order = sorted(counts.index, key=lambda n: (counts.loc[n].argmax(), -counts.loc[n].sum()))
    number = {old: new for new, old in enumerate(order, start=1)}
    return np.array([number[label] for label in labels])


# --- genres and artists -------------------------------------------------------


def pairs_together(labels: np.ndarray, genres: np.ndarray, artists: np.ndarray) -> pd.DataFrame:
    """Count the pairs of tracks that share a cluster.

    Parameters
    ----------
    labels, genres, artists : np.ndarray [shape=(n,)]
        Cluster, genre and artist of each track.

    Returns
    -------
    pd.DataFrame
        Indexed by `tracks`, how two tracks are related: number of `pairs`, and the
        `share` of them in one cluster with its interval `low`, `high` by a jackknife over
        artists; the last row is the difference between the first two.
    """
    pairs = np.triu(np.ones((len(labels), len(labels)), dtype=bool), 1)
    artist = artists[:, None] == artists
    genre = genres[:, None] == genres
    together = labels[:, None] == labels
    kinds = {
        "same artist and genre": pairs & artist & genre,
        "same genre, other artist": pairs & ~artist & genre,
        "other genre": pairs & ~genre,
    }
    names = np.unique(artists.astype(str))
    member = np.array([artists == name for name in names], dtype=float)
    table, left = {}, []
    for kind, chosen in kinds.items():
        # A pair is lost if either of its artists is left out.
        ways = [both + both.T for both in (chosen, chosen & together)]
        all_, shared = (_without_each(member, both) for both in ways)
        table[kind] = (int(chosen.sum()), (chosen & together).sum() / max(chosen.sum(), 1))
        left.append(shared / np.where(all_ > 0, all_, np.nan))
    found = pd.DataFrame.from_dict(table, orient="index", columns=["pairs", "share"])
    found.loc["difference of the first two"] = (
        np.nan,
        found["share"].iloc[0] - found["share"].iloc[1],
    )
    left.append(left[0] - left[1])
    error = np.array([_jackknife_error(values) for values in left])
    found["low"], found["high"] = found["share"] - _Z * error, found["share"] + _Z * error
    found.loc[found.index[:3], "low"] = found["low"].iloc[:3].clip(lower=0)
    return found.astype({"pairs": "Int64"}).rename_axis("tracks")


def _without_each(member: np.ndarray, both: np.ndarray) -> np.ndarray:
    """Return the number of pairs that are left without each artist."""
    touched = both.sum(axis=1) @ member.T
    within = np.einsum("ai,ij,aj->a", member, both.astype(float), member, optimize=True)
    return both.sum() / 2 - (touched - within / 2)


def _jackknife_error(left: np.ndarray) -> float:
    n = len(left)
    return float(np.sqrt((n - 1) / n * np.nansum((left - np.nanmean(left)) ** 2)))


def rand_jackknife(
    clusterings: Sequence[np.ndarray], genres: np.ndarray, artists: np.ndarray
) -> tuple[float, np.ndarray]:
    """Compute the adjusted Rand index with genres, with each artist left out in turn.

    Parameters
    ----------
    clusterings : sequence of np.ndarray [shape=(n,)]
        Clusters of the tracks from one or several initialisations.
    genres, artists : np.ndarray [shape=(n,)]
        Genre and artist of each track.

    Returns
    -------
    value : float
        Mean over the clusterings, of all tracks.
    left : np.ndarray [shape=(artists,)]
        Without each artist, sorted by name.
    """
    everything = np.ones(len(genres), dtype=bool)
    values = [
        np.mean([adjusted_rand_score(genres[rows], labels[rows]) for labels in clusterings])
        for rows in [everything, *(artists != name for name in np.unique(artists.astype(str)))]
    ]
    return float(values[0]), np.array(values[1:])


# --- components ---------------------------------------------------------------


def components_needed(scaled: np.ndarray, artists: np.ndarray) -> pd.DataFrame:
    """Count the components that explain a share of the variance.

    Parameters
    ----------
    scaled : np.ndarray [shape=(n, features)]
        Standardised features of tracks.
    artists : np.ndarray [shape=(n,)]
        Artist of each track.

    Returns
    -------
    pd.DataFrame
        Indexed by `share` of the variance: number of `components`, with its interval
        `low`, `high` by a jackknife over artists, all rounded up.
    """
    value = _interpolated(scaled)
    names = np.unique(artists.astype(str))
    left = np.array([_interpolated(scaled[artists != name]) for name in names])
    margin = _Z * np.sqrt((len(left) - 1) / len(left) * ((left - left.mean(axis=0)) ** 2).sum(0))
    # Rounding must not add a component.
    counts = np.ceil(np.stack([value, value - margin, value + margin]) - 1e-9).astype(int)
    counts = counts.clip(1, scaled.shape[1])
    index = pd.Index(_SHARES, name="share")
    return pd.DataFrame(dict(zip(("components", "low", "high"), counts, strict=True)), index)


def _interpolated(scaled: np.ndarray) -> np.ndarray:
    """Return the numbers of components for `_SHARES`, interpolated between whole ones."""
    varying = scaled[:, scaled.std(axis=0) > 0]
    variances = np.linalg.eigvalsh(np.corrcoef(varying, rowvar=False))[::-1].clip(min=0)
    explained = np.concatenate([[0.0], np.cumsum(variances) / variances.sum()])
    return np.interp(_SHARES, explained, np.arange(len(explained)))


def compare_components(
    scaled: np.ndarray,
    genres: np.ndarray,
    artists: np.ndarray,
    k: int,
    few: int,
    seeds: int,
    *,
    seed: int = 0,
) -> tuple[pd.DataFrame, np.ndarray]:
    """Cluster some components instead of all features.

    Parameters
    ----------
    scaled : np.ndarray [shape=(n, features)]
        Standardised features of tracks.
    genres, artists : np.ndarray [shape=(n,)]
        Genre and artist of each track.
    k : int
        Number of clusters.
    few : int
        Number of components for most of the variance.
    seeds : int
        Number of seeds of k-means.
    seed : int
        The first of them.

    Returns
    -------
    table : pd.DataFrame
        Indexed by `space`, the first with all features, the last the predictions of a
        classifier with genres, for artists that it was not fitted to: `components`,
        `explained` variance; mean over the seeds of the adjusted Rand index with
        the `genre`, its interval `low`,
        `high` by a jackknife over artists; `difference` from the first, its interval
        `difference_low`, `difference_high` and p-value `p_holm`, adjusted for the number
        of spaces (missing for the classifier); and mean adjusted Rand index with the
        clusters of all features from other seeds, `same`.
    labels : np.ndarray [shape=(n,)]
        Clusters of the `few` components.
    """
    pca = PCA(svd_solver="full").fit(scaled)
    points = pca.transform(scaled)
    explained = pca.explained_variance_ratio_.cumsum()
    sizes = sorted({number for number in (*_FEW, few) if number < scaled.shape[1]})
    spaces = {"all features": (scaled.shape[1], scaled)}
    spaces |= {f"{number} components": (number, points[:, :number]) for number in sizes}
    spaces[f"{few} components of equal variance"] = (
        few,
        points[:, :few] / points[:, :few].std(axis=0),
    )
    labels = {
        name: [cluster(space, k, seed=seed + n).labels_ for n in range(seeds)]
        for name, (_, space) in spaces.items()
    }
    model = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=2000))
    folds = GroupKFold(min(5, len(set(artists))))
    labels["classifier"] = [cross_val_predict(model, scaled, genres, groups=artists, cv=folds)]
    first = labels["all features"]
    base, base_left = rand_jackknife(first, genres, artists)
    rows = {}
    for name, found in labels.items():
        number = spaces[name][0] if name in spaces else scaled.shape[1]
        value, left = rand_jackknife(found, genres, artists)
        margin = _Z * _jackknife_error(left)
        error = _jackknife_error(left - base_left)
        z = (value - base) / error if error > 0 else 0.0
        rows[name] = {
            "components": number,
            "explained": explained[:number][-1],
            "genre": value,
            "low": value - margin,
            "high": value + margin,
            "difference": value - base,
            "difference_low": value - base - _Z * error,
            "difference_high": value - base + _Z * error,
            "p_holm": 2 * norm.sf(abs(z)),
            "same": np.mean(
                [adjusted_rand_score(a, b) for a in first for b in found if a is not b]
            ),
        }
    table = pd.DataFrame.from_dict(rows, orient="index").rename_axis("space")
    compared = table.index[1:-1]
    table["p_holm"] = pd.Series(holm(table.loc[compared, "p_holm"].to_numpy()), compared)
    return table, labels[f"{few} components"][0]
