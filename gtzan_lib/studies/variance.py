"""Variance components of features: genre, artist, track and window."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ..data.corpus import Corpus

__all__ = ["genre_share_interval", "variance_shares"]


def variance_shares(values: pd.DataFrame, windows: pd.DataFrame, corpus: Corpus) -> pd.DataFrame:
    """Estimate the shares of genres, artists, tracks and windows in the variance of features.

    The levels are nested: artists in genres, tracks in artists, windows in
    tracks. A feature with a large share of genre helps to classify new artists;
    one with a large share of track identifies recordings, which raises the
    accuracy of a split by window.

    Parameters
    ----------
    values : pd.DataFrame [shape=(n, features)]
        One row per window, such as `FeatureTable.frame`.
    windows : pd.DataFrame
        The windows of the rows, with `track_id` and `genre`.
    corpus : Corpus
        The corpus, which has the artists. A track of an unknown artist counts as
        an artist.

    Returns
    -------
    pd.DataFrame
        One row per feature, with shares that sum to one: `genre`, `artist`,
        `track`, `window`. There is no column `artist` if each artist has one
        track, and no column `window` if each track has one window. The shares of
        a constant feature are NaN.

    Notes
    -----
    Estimated by equating quadratic forms with their expectations, which is
    unbiased also for groups of different sizes; negative estimates are set to
    zero. The book page "Features" shows the shares.

    References
    ----------
    S. R. Searle, G. Casella and C. E. McCulloch, "Variance components", Wiley,
    1992, section 5.3 (Henderson's method 1).
    """
    artists = corpus.artists_of(windows["track_id"])
    names = {
        "genre": windows["genre"],
        "artist": [
            f"{genre}/{name}" for genre, name in zip(windows["genre"], artists, strict=True)
        ],
        "track": windows["track_id"],
        "window": np.arange(len(windows)),
    }
    if len(set(names["artist"])) == windows["track_id"].nunique():
        del names["artist"]
    levels = {"all": np.zeros(len(windows), dtype=int)}
    for name, groups in names.items():
        codes = pd.factorize(np.asarray(groups, dtype=object))[0]
        # A level with as many groups as the level above has no variance component.
        if codes.max() > levels[list(levels)[-1]].max():
            levels[name] = codes
    x = values.to_numpy(dtype=float)
    x = x - x.mean(axis=0)
    std = x.std(axis=0)
    x = x / np.where(std > 0, std, 1)
    forms = np.array([_quadratic(x, codes) for codes in levels.values()])
    weights = np.array([[_weight(a, b) for b in levels.values()] for a in levels.values()])
    # The first unknown is the squared mean, which is not needed.
    components = np.maximum(np.linalg.solve(weights, forms)[1:], 0)
    shares = np.full_like(components, np.nan)
    np.divide(components, components.sum(axis=0), out=shares, where=std > 0)
    return pd.DataFrame(shares.T, index=values.columns, columns=list(levels)[1:])


def genre_share_interval(
    values: pd.DataFrame, windows: pd.DataFrame, corpus: Corpus, *, groups: int = 20
) -> tuple[float, float]:
    """Estimate how far the mean share of the genre could be with other artists.

    A delete-a-group jackknife: artists are divided into groups, and each is left out once.

    Parameters
    ----------
    values, windows, corpus
        As for `variance_shares`.
    groups : int
        Number of groups; each artist is one if there are fewer.

    Returns
    -------
    low, high : float
        Ends of the 95 % interval; NaN if a genre is lost with a group, as with few artists.

    References
    ----------
    P. S. Kott, "The delete-a-group jackknife", Journal of Official Statistics 17(4), 2001.
    """
    artists = corpus.artists_of(windows["track_id"]).astype(str)
    group = pd.factorize(artists)[0] % groups
    genres = windows["genre"].to_numpy()
    count = int(group.max()) + 1
    shares = []
    for number in range(count):
        kept = group != number
        if len(set(genres[kept])) < len(set(genres)):
            return float("nan"), float("nan")
        without = variance_shares(values[kept], windows[kept], corpus)
        if "genre" not in without:
            return float("nan"), float("nan")
        shares.append(without["genre"].mean())
    mean = variance_shares(values, windows, corpus)["genre"].mean()
    half = 1.96 * float(np.sqrt((count - 1) * np.var(shares)))
    return max(0.0, mean - half), min(1.0, mean + half)


def _quadratic(x: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """Return the sum over groups of the squared total, divided by the size."""
    sizes = np.bincount(codes)
    totals = np.zeros((len(sizes), x.shape[1]))
    np.add.at(totals, codes, x)
    return (totals**2 / sizes[:, None]).sum(axis=0)


def _weight(codes: np.ndarray, variance_of: np.ndarray) -> float:
    """Return the coefficient of one level's variance in the quadratic form of another."""
    both = pd.DataFrame({"form": codes, "level": variance_of}).value_counts(sort=False)
    sizes = np.bincount(codes)
    return float((both.to_numpy() ** 2 / sizes[both.index.get_level_values("form")]).sum())
