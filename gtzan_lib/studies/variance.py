"""What a feature follows: the genre, the artist, the track, or the moment."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ..data.corpus import Corpus

__all__ = ["variance_shares"]


def variance_shares(values: pd.DataFrame, windows: pd.DataFrame, corpus: Corpus) -> pd.DataFrame:
    """Divide the variance of features among genres, artists, tracks and windows.

    Genres hold artists, artists hold tracks, tracks hold windows; each level
    adds its own variance. A feature in which genres differ and their artists
    agree helps with artists never heard; one in which tracks differ tells
    recordings apart, which is what a split by window rewards.

    Parameters
    ----------
    values : pd.DataFrame [shape=(n, features)]
        One row a window, such as `FeatureTable.frame`.
    windows : pd.DataFrame
        What the rows are: `track_id` and `genre`.
    corpus : Corpus
        Where artists are known. A track without one counts as an artist.

    Returns
    -------
    pd.DataFrame
        One row a feature, with shares that sum to one: `genre`, `artist`,
        `track`, `window`. Where each artist has one track, there is no `artist`;
        where each track has one window, no `window`. A constant feature has no
        shares (NaN).

    Notes
    -----
    Estimated by equating quadratic forms with their expectations, which is
    unbiased also where groups differ in size; shares that would be negative are
    zero. The book page "Features" shows them.

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
        # A level that divides no further than the one above has no variance of its own.
        if codes.max() > levels[list(levels)[-1]].max():
            levels[name] = codes
    x = values.to_numpy(dtype=float)
    x = x - x.mean(axis=0)
    spread = x.std(axis=0)
    x = x / np.where(spread > 0, spread, 1)
    forms = np.array([_quadratic(x, codes) for codes in levels.values()])
    weights = np.array([[_weight(a, b) for b in levels.values()] for a in levels.values()])
    # The first unknown is the squared mean, of no interest here.
    parts = np.maximum(np.linalg.solve(weights, forms)[1:], 0)
    shares = np.divide(parts, parts.sum(axis=0), out=np.full_like(parts, np.nan), where=spread > 0)
    return pd.DataFrame(shares.T, index=values.columns, columns=list(levels)[1:])


def _quadratic(x: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """Sum over groups of the squared total by the size."""
    sizes = np.bincount(codes)
    totals = np.zeros((len(sizes), x.shape[1]))
    np.add.at(totals, codes, x)
    return (totals**2 / sizes[:, None]).sum(axis=0)


def _weight(codes: np.ndarray, variance_of: np.ndarray) -> float:
    """How often the variance of one level is expected in the quadratic form of another."""
    both = pd.DataFrame({"form": codes, "level": variance_of}).value_counts(sort=False)
    sizes = np.bincount(codes)
    return float((both.to_numpy() ** 2 / sizes[both.index.get_level_values("form")]).sum())
