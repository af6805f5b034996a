"""Step `feature-space`: variance, neighbours and maps of GTZAN's 57 features."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd
from scipy.cluster import hierarchy
from scipy.spatial.distance import cdist, pdist
from scipy.stats import norm, spearmanr
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE
from sklearn.preprocessing import QuantileTransformer, StandardScaler
from threadpoolctl import threadpool_limits

from ...data.corpus import Corpus
from ...errors import CorpusError
from ...health.check import check_health
from ...signal.features import CLIP_S, FeatureTable, features
from ...stats import holm, resampled_means
from ...studies.importance import feature_groups
from ...studies.variance import variance_shares
from ..task import Task

__all__ = [
    "KINDS",
    "MINUTES",
    "compare_maps",
    "compare_neighbours",
    "genre_counts",
    "genre_pairs",
    "genre_tests",
    "genre_tree",
    "measure",
    "neighbour_shares",
    "overlap",
    "shares_of_variance",
]

KINDS = ("features-30s", "sound")
"""Material of which one kind must be there."""

MINUTES = 0.5
"""Estimate for Kaggle's table; a thousand clips of sound take about ten more."""

_LEVELS = ("genre", "artist", "track")
_Z = float(norm.ppf(0.975))


def measure(
    task: Task, *, k: int = 10, perplexity: float = 30.0, shuffles: int = 20_000, seed: int = 0
) -> None:
    """Measure what the features of whole clips differ in, and which genres are neighbours.

    Writes the tables `genres`, `variance`, `groups`, `correlations`, `components`,
    `loadings`, `tracks`, `maps`, `tree`, `overlap`, `pairs` and `neighbours`.

    Parameters
    ----------
    task : Task
        Its material has Kaggle's table of 30 s or sound. Copies that the health check
        finds are left out.
    k : int
        Number of nearest neighbours.
    perplexity : float
        Of t-SNE.
    shuffles : int
        Number of shuffles of the genres of artists.
    seed : int
        Of t-SNE, of the shuffles and of the bootstrap.
    """
    everything = task.corpus(*KINDS)
    corpus = everything.exclude(check_health(everything, work=task.work, jobs=task.jobs))
    table = features(corpus, CLIP_S, jobs=task.jobs)
    task.write("genres", genre_counts(everything, table))
    variance, groups = shares_of_variance(table, corpus)
    task.write("variance", variance.join(genre_tests(table, corpus, shuffles, seed=seed)))
    task.write("groups", groups)
    task.write("correlations", table.frame.corr().rename_axis("feature"))

    scaled = StandardScaler().fit_transform(table.values)
    pca = PCA(svd_solver="full").fit(scaled)
    planes = {
        "principal components": pca.transform(scaled)[:, :2],
        "t-SNE, start from components": _tsne(scaled, perplexity, seed, start="pca"),
    }
    for number in (seed, seed + 1):
        planes[f"t-SNE, random start {number}"] = _tsne(scaled, perplexity, number)
    _write_components(task, pca, table)
    genres, artists = _groups(table, corpus)
    tracks = table.windows[["track_id", "genre"]].assign(artist=artists).set_index("track_id")
    for number, plane in enumerate(planes.values()):
        tracks[[f"x{number}", f"y{number}"]] = plane
    task.write("tracks", tracks)
    task.write("maps", compare_maps(scaled, genres, planes, k))
    task.write("tree", genre_tree(scaled, genres, artists, seed=seed))

    neighbours, draws = overlap(scaled, genres, artists, k, seed=seed)
    task.write("overlap", neighbours)
    task.write("pairs", genre_pairs(neighbours, draws))
    task.write("neighbours", compare_neighbours(table.values, table, corpus, k, seed=seed))


def _groups(table: FeatureTable, corpus: Corpus) -> tuple[np.ndarray, np.ndarray]:
    """Return genre and artist of each row; a track without a known artist is its own."""
    genres = table.windows["genre"].to_numpy(dtype=object)
    return genres, corpus.artists_of(table.windows["track_id"])


def genre_counts(everything: Corpus, table: FeatureTable) -> pd.DataFrame:
    """Count tracks and artists of each genre.

    Parameters
    ----------
    everything : Corpus
        With the tracks that were left out.
    table : FeatureTable
        The features of the others.

    Returns
    -------
    pd.DataFrame
        Indexed by `genre`: `listed` tracks; `tracks` with features; their `artists`, and
        the most tracks of one, `largest`. Tracks without a known artist are artists of
        their own.
    """
    genres, artists = _groups(table, everything)
    sizes = pd.DataFrame({"genre": genres, "artist": artists}).value_counts()
    counts = sizes.groupby(level="genre").agg(tracks="sum", artists="size", largest="max")
    counts.insert(0, "listed", everything.tracks["genre"].value_counts())
    return counts


# --- variance -----------------------------------------------------------------


def shares_of_variance(table: FeatureTable, corpus: Corpus) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Divide the variance of each feature among genre, artist and track.

    Parameters
    ----------
    table : FeatureTable
        One row a track.
    corpus : Corpus
        Has the artists.

    Returns
    -------
    variance : pd.DataFrame
        Indexed by `feature`: shares of `genre`, `artist` and `track`; and
        `genre_ignoring_artist`, the share of the genre if each track counts as an artist.
    groups : pd.DataFrame
        Indexed by `group` of features, the last one `all features`: number of `features`,
        and the mean of each column of `variance` with its interval (`genre_low`,
        `genre_high` and so on) by a jackknife over artists within genres.

    Raises
    ------
    CorpusError
        If there is only one genre.
    """
    if len(corpus.genres) < 2:
        raise CorpusError("one genre has no share of the variance; use music of at least two.")
    genres, artists = _groups(table, corpus)
    chosen = feature_groups(table.names) | {"all features": np.arange(len(table.names))}

    def shares(rows: np.ndarray) -> pd.DataFrame:
        values, windows = table.frame[rows], table.windows[rows]
        by_artist = variance_shares(values, windows, corpus).reindex(columns=_LEVELS)
        by_track = variance_shares(values, windows, _without_artists(corpus))
        # Each track may be an artist of its own; their share is not known apart then.
        return by_artist.fillna(0.0).assign(genre_ignoring_artist=by_track["genre"])

    def means(found: pd.DataFrame) -> np.ndarray:
        return np.array([found.iloc[rows].mean().to_numpy() for rows in chosen.values()])

    variance = shares(np.ones(len(table), dtype=bool)).rename_axis("feature")
    value, error = means(variance), _jackknife(lambda rows: means(shares(rows)), genres, artists)
    groups = pd.DataFrame({"features": {name: len(rows) for name, rows in chosen.items()}})
    for number, name in enumerate(variance.columns):
        margin = _Z * error[:, number]
        groups[name] = value[:, number]
        groups[f"{name}_low"] = np.clip(value[:, number] - margin, 0, 1)
        groups[f"{name}_high"] = np.clip(value[:, number] + margin, 0, 1)
    return variance, groups.rename_axis("group")


def _without_artists(corpus: Corpus) -> Corpus:
    return dataclasses.replace(corpus, tracks=corpus.tracks.assign(artist=None))


def _jackknife(
    statistic: Callable[[np.ndarray], np.ndarray], genres: np.ndarray, artists: np.ndarray
) -> np.ndarray:
    """Return standard errors by leaving out one artist at a time, within genres.

    A genre with one artist adds nothing to them.
    """
    total: np.ndarray | float = 0.0
    for genre in np.unique(genres.astype(str)):
        of_genre = genres == genre
        names = np.unique(artists[of_genre].astype(str))
        if len(names) > 1:
            left = np.array([statistic(~(of_genre & (artists == name))) for name in names])
            squares = ((left - left.mean(axis=0)) ** 2).sum(axis=0)
            total = total + (len(names) - 1) / len(names) * squares
    return np.sqrt(np.asarray(total))


def genre_tests(
    table: FeatureTable, corpus: Corpus, shuffles: int, *, seed: int = 0
) -> pd.DataFrame:
    """Test for each feature whether the means of artists differ between genres.

    Parameters
    ----------
    table : FeatureTable
        One row a track.
    corpus : Corpus
        Has the artists.
    shuffles : int
        Number of shuffles of the genres of artists.
    seed : int
        Of the shuffles.

    Returns
    -------
    pd.DataFrame
        Indexed by `feature`: `p`, the share of shuffles in which the sum of squares
        between genres is at least as large (the data count as one of them); and `p_holm`,
        adjusted for the number of features.
    """
    genres, artists = _groups(table, corpus)
    standardised = pd.DataFrame(StandardScaler().fit_transform(table.values))
    means = standardised.groupby([genres, artists]).mean()
    genre = pd.factorize(means.index.get_level_values(0))[0]
    values = means.to_numpy() - means.to_numpy().mean(axis=0)
    rng = np.random.default_rng(seed)
    found = _between(values, genre)
    # Rounding must not decide between equal sums.
    reached = sum(
        (_between(values, rng.permutation(genre)) >= found * (1 - 1e-9)).astype(int)
        for _ in range(shuffles)
    )
    p = (1 + np.asarray(reached)) / (1 + shuffles)
    index = pd.Index(table.names, name="feature")
    return pd.DataFrame({"p": p, "p_holm": holm(p)}, index)


def _between(values: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """Return the sum of squares between groups of each column, whose mean is 0."""
    member = np.eye(groups.max() + 1)[groups]
    return ((member.T @ values) ** 2 / member.sum(axis=0)[:, None]).sum(axis=0)


# --- maps and tree ------------------------------------------------------------


def _tsne(scaled: np.ndarray, perplexity: float, seed: int, *, start: str = "random") -> np.ndarray:
    # Few tracks allow only few neighbours.
    perplexity = min(perplexity, (len(scaled) - 1) / 3)
    # Rounding depends on the number of threads.
    with threadpool_limits(1):
        method = TSNE(perplexity=perplexity, init=start, random_state=seed)
        return np.asarray(method.fit_transform(scaled))


def _write_components(task: Task, pca: PCA, table: FeatureTable) -> None:
    ratios = pd.Series(pca.explained_variance_ratio_, name="explained_variance")
    ratios.index = pd.RangeIndex(1, len(ratios) + 1, name="component")
    task.write("components", ratios.to_frame())
    # Correlation of a feature with a component, of features with variance 1.
    loadings = pca.components_[:2].T * np.sqrt(pca.explained_variance_[:2])
    index = pd.Index(table.names, name="feature")
    task.write("loadings", pd.DataFrame(loadings, index, ["PC 1", "PC 2"]))


def compare_maps(
    points: np.ndarray, genres: np.ndarray, maps: Mapping[str, np.ndarray], k: int
) -> pd.DataFrame:
    """Measure what maps in the plane preserve of the distances between tracks.

    Parameters
    ----------
    points : np.ndarray [shape=(n, features)]
        Tracks in the space that is mapped.
    genres : np.ndarray [shape=(n,)]
        Genre of each track.
    maps : mapping of str to np.ndarray [shape=(n, 2)]
        Coordinates of the tracks by the name of the map.
    k : int
        Number of nearest neighbours.

    Returns
    -------
    pd.DataFrame
        Indexed by `map`: `neighbours`, the share of the k nearest neighbours that are
        among the k nearest on the map; `by_chance`, the share of k tracks drawn at
        random; `tracks` and `genres`, rank correlation of the distances between all
        tracks, and between the mean points of all genres, with those on the map.
    """
    nearest = _nearest(cdist(points, points), np.eye(len(points), dtype=bool), k)
    centres = pd.DataFrame(points).groupby(genres).mean().to_numpy()
    rows = {}
    for name, plane in maps.items():
        near = _nearest(cdist(plane, plane), np.eye(len(plane), dtype=bool), k)
        kept = [np.isin(a, b).mean() for a, b in zip(nearest, near, strict=True)]
        middles = pd.DataFrame(plane).groupby(genres).mean().to_numpy()
        rows[name] = {
            "neighbours": np.mean(kept),
            "by_chance": k / (len(points) - 1),
            "tracks": spearmanr(pdist(points), pdist(plane)).statistic,
            "genres": spearmanr(pdist(centres), pdist(middles)).statistic,
        }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("map")


def genre_tree(
    points: np.ndarray, genres: np.ndarray, artists: np.ndarray, *, seed: int = 0
) -> pd.DataFrame:
    """Join the most similar genres, and measure how often other artists give the same.

    Parameters
    ----------
    points : np.ndarray [shape=(n, features)]
        Standardised features of tracks.
    genres, artists : np.ndarray [shape=(n,)]
        Genre and artist of each track.
    seed : int
        Of the bootstrap over artists within genres.

    Returns
    -------
    pd.DataFrame
        Indexed by `joint`: `first`, `second`, `distance` and `size` as from
        `scipy.cluster.hierarchy.linkage` of the mean points, with average linkage;
        `members`, the genres below it; and `support`, the share of resamples in which they
        are a branch, too.
    """
    names = sorted(set(genres))
    drawn = np.stack(
        [
            resampled_means(points[genres == name], artists[genres == name], seed=seed + number)
            for number, name in enumerate(names)
        ],
        axis=1,
    )
    means = np.array([points[genres == name].mean(axis=0) for name in names])
    tree = hierarchy.linkage(means, "average")
    branches = _branches(tree)
    times = dict.fromkeys(branches, 0)
    for sample in drawn:
        for branch in _branches(hierarchy.linkage(sample, "average")):
            if branch in times:
                times[branch] += 1
    found = pd.DataFrame(tree, columns=["first", "second", "distance", "size"])
    found = found.astype({"first": int, "second": int, "size": int}).rename_axis("joint")
    members = [", ".join(names[leaf] for leaf in sorted(branch)) for branch in branches]
    support = [times[branch] / len(drawn) for branch in branches]
    return found.assign(members=members, support=support)


def _branches(tree: np.ndarray) -> list[frozenset[int]]:
    """Return the leaves below each joint of a tree."""
    below = [frozenset([leaf]) for leaf in range(len(tree) + 1)]
    for first, second, *_ in tree:
        below.append(below[int(first)] | below[int(second)])
    return below[len(tree) + 1 :]


# --- neighbours ---------------------------------------------------------------


def _nearest(distances: np.ndarray, excluded: np.ndarray, k: int) -> np.ndarray:
    """Return the k nearest others of each row, without those that are excluded."""
    allowed = np.where(excluded, np.inf, distances)
    return np.argsort(allowed, axis=1, kind="stable")[:, :k]


def neighbour_shares(
    points: np.ndarray, genres: np.ndarray, excluded: np.ndarray, k: int
) -> tuple[np.ndarray, np.ndarray]:
    """Compute the share of each genre among the nearest neighbours of each track.

    Parameters
    ----------
    points : np.ndarray [shape=(n, features)]
        Tracks; distances are Euclidean.
    genres : np.ndarray [shape=(n,)]
        Genre of each track.
    excluded : np.ndarray [shape=(n, n), dtype=bool]
        Whether the second track must not be a neighbour of the first one.
    k : int
        Number of neighbours.

    Returns
    -------
    shares, chance : np.ndarray [shape=(n, genres)]
        Shares of the genres, sorted by name, among the k nearest and among all that
        could be neighbours.

    Raises
    ------
    CorpusError
        If a track has fewer than k others that could be neighbours.
    """
    allowed = (~excluded).sum(axis=1)
    if allowed.min() < k:
        raise CorpusError(
            f"a track has {allowed.min()} others that could be neighbours, fewer than {k}; use "
            "more music, or fewer neighbours."
        )
    member = np.array([genres == name for name in sorted(set(genres))], dtype=float).T
    nearest = _nearest(cdist(points, points), excluded, k)
    return member[nearest].mean(axis=1), (~excluded @ member) / allowed[:, None]


def overlap(
    points: np.ndarray, genres: np.ndarray, artists: np.ndarray, k: int, *, seed: int = 0
) -> tuple[pd.DataFrame, np.ndarray]:
    """Count the genres of the nearest neighbours by other artists.

    Parameters
    ----------
    points : np.ndarray [shape=(n, features)]
        Standardised features of tracks.
    genres, artists : np.ndarray [shape=(n,)]
        Genre and artist of each track.
    k : int
        Number of neighbours.
    seed : int
        Of the bootstrap over artists within genres.

    Returns
    -------
    table : pd.DataFrame
        Indexed by `genre` of the tracks: `neighbour`, the genre of their neighbours;
        its mean `share`, its interval `low`, `high` (missing for a genre of one artist);
        and `chance`, its share among all tracks by other artists.
    draws : np.ndarray [shape=(resamples, genres, genres)]
        The shares in the resamples.
    """
    shares, chance = neighbour_shares(points, genres, artists[:, None] == artists, k)
    names = sorted(set(genres))
    tables, draws = [], []
    for number, name in enumerate(names):
        rows = genres == name
        drawn = resampled_means(shares[rows], artists[rows], resamples=10_000, seed=seed + number)
        low, high = np.percentile(drawn, [2.5, 97.5], axis=0)
        if len(set(artists[rows])) == 1:
            low, high = np.full((2, len(names)), np.nan)
        table = {"neighbour": names, "share": shares[rows].mean(axis=0), "low": low, "high": high}
        tables.append(
            pd.DataFrame(table | {"chance": chance[rows].mean(axis=0)}).assign(genre=name)
        )
        draws.append(drawn)
    return pd.concat(tables).set_index("genre"), np.stack(draws, axis=1)


def genre_pairs(table: pd.DataFrame, draws: np.ndarray) -> pd.DataFrame:
    """Sort the pairs of genres by their overlap, and compare each with the first.

    Parameters
    ----------
    table, draws : pd.DataFrame, np.ndarray
        From `overlap`.

    Returns
    -------
    pd.DataFrame
        Indexed by `pair`, the greatest overlap first: `first`, `second`; `share`, the mean
        of the shares of each of the two genres among the neighbours of the other, with its
        interval `low`, `high`; its `chance`; `behind`, by how much it is less than that of
        the first pair, with `behind_low`, `behind_high`; and `p_holm` of that difference,
        adjusted for the number of pairs that are compared (missing for the first).
        Genres of one artist are in no pair.
    """
    names = sorted(set(table.index))
    first, second = np.triu_indices(len(names), 1)
    known = table["low"].notna().groupby(level=0).all().to_numpy()
    several = known[first] & known[second]
    first, second = first[several], second[several]
    value, chance = (
        table[column].to_numpy().reshape(len(names), -1) for column in ("share", "chance")
    )
    shares, chances = ((of + of.T)[first, second] / 2 for of in (value, chance))
    drawn = (draws + draws.transpose(0, 2, 1))[:, first, second] / 2
    order = np.argsort(-shares, kind="stable")
    shares, chances, drawn = shares[order], chances[order], drawn[:, order]
    lead = drawn[:, :1] - drawn
    below = (1 + (lead <= 0).sum(axis=0)) / (1 + len(lead))
    above = (1 + (lead >= 0).sum(axis=0)) / (1 + len(lead))
    p = np.minimum(1, 2 * np.minimum(below, above))
    low, high = np.percentile(drawn, [2.5, 97.5], axis=0)
    behind_low, behind_high = np.percentile(lead, [2.5, 97.5], axis=0)
    found = {
        "first": [names[number] for number in first[order]],
        "second": [names[number] for number in second[order]],
        "share": shares,
        "low": low,
        "high": high,
        "chance": chances,
        "behind": shares[0] - shares,
        "behind_low": behind_low,
        "behind_high": behind_high,
        "p_holm": [np.nan, *holm(p[1:])],
    }
    return pd.DataFrame(found, pd.RangeIndex(1, len(order) + 1, name="pair"))


def compare_neighbours(
    values: np.ndarray, table: FeatureTable, corpus: Corpus, k: int, *, seed: int = 0
) -> pd.DataFrame:
    """Compute the share of neighbours of the own genre in several ways.

    Parameters
    ----------
    values : np.ndarray [shape=(n, features)]
        Features of tracks.
    table : FeatureTable
        Their table.
    corpus : Corpus
        Has the artists, and the parts of the fault-filtered split.
    k : int
        Number of neighbours.
    seed : int
        Of the bootstrap over artists.

    Returns
    -------
    pd.DataFrame
        Indexed by `way`; the first is that of `overlap`, and the second has neighbours by
        the same artist as well: number of `tracks` and of neighbours `k`; mean `share` of
        the own genre with its interval `low`, `high`; its `chance`; `difference` from the
        first way, and for the same tracks its interval `difference_low`,
        `difference_high`; and the two genres that overlap most, `pair`. Genres with one
        artist count in no mean.
    """
    genres, artists = _groups(table, corpus)
    scaled = StandardScaler().fit_transform(values)
    pca = PCA(0.999, svd_solver="full", whiten=True)
    ranks = QuantileTransformer(
        n_quantiles=len(values), output_distribution="normal", random_state=seed
    )
    alone = np.eye(len(genres), dtype=bool)
    same = artists[:, None] == artists
    everyone = np.ones(len(genres), dtype=bool)
    dropped = corpus.tracks["partition"].reindex(table.windows["track_id"]).to_numpy() == "dropped"
    ways = {
        f"{k} neighbours by other artists": (scaled, same, everyone, k),
        "also by the same artist": (scaled, alone, everyone, k),
        "1 neighbour": (scaled, same, everyone, 1),
        f"{2 * k} neighbours": (scaled, same, everyone, 2 * k),
        "components of equal variance": (pca.fit_transform(scaled), same, everyone, k),
        "ranks instead of values": (ranks.fit_transform(values), same, everyone, k),
        "only the fault-filtered split": (scaled, same, ~dropped, k),
    }
    rows = {}
    first: np.ndarray | None = None
    for name, (points, excluded, used, number) in ways.items():
        row, own = _own_genre(
            points[used], genres[used], artists[used], excluded[np.ix_(used, used)], number, seed
        )
        if first is None:
            first = own
        if len(own) == len(first) and name != next(iter(ways)):
            known = ~np.isnan(own)
            drawn = resampled_means((own - first)[known, None], artists[known], seed=seed)
            row["difference"] = float((own - first)[known].mean())
            row["difference_low"], row["difference_high"] = np.percentile(drawn, [2.5, 97.5])
        rows[name] = row
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("way")


def _own_genre(
    points: np.ndarray,
    genres: np.ndarray,
    artists: np.ndarray,
    excluded: np.ndarray,
    k: int,
    seed: int,
) -> tuple[dict[str, object], np.ndarray]:
    """Return a row of `compare_neighbours`, and the share of each track (NaN if not counted)."""
    shares, chance = neighbour_shares(points, genres, excluded, k)
    names = sorted(set(genres))
    column = pd.Series(range(len(names)), names)[genres].to_numpy()
    number = np.arange(len(genres))
    several = pd.Series(artists).groupby(genres).nunique()[genres].to_numpy() > 1
    own = np.where(several, shares[number, column], np.nan)
    drawn = resampled_means(own[several, None], artists[several], seed=seed)
    low, high = np.percentile(drawn, [2.5, 97.5])
    means = np.array([shares[genres == name].mean(axis=0) for name in names])
    both = np.triu(means + means.T, 1)
    pair = [names[place] for place in np.unravel_index(both.argmax(), both.shape)]
    row: dict[str, object] = {
        "tracks": int(several.sum()),
        "k": k,
        "share": np.nanmean(own),
        "low": low,
        "high": high,
        "chance": chance[number, column][several].mean(),
        "difference": np.nan,
        "difference_low": np.nan,
        "difference_high": np.nan,
        "pair": " and ".join(pair),
    }
    return row, own
