"""Inputs of nets that take more than single images: features, or all windows of a track."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd

from ..data.tables import SAMPLE_RATE
from ..errors import GtzanWarning, StoreError
from ..signal.features import FeatureTable
from ..signal.store import SpectrogramStore

__all__ = ["by_track", "with_features"]


def with_features(
    store: SpectrogramStore, table: FeatureTable
) -> tuple[dict[str, np.ndarray], pd.DataFrame]:
    """Join images and features of the same windows, by their ids.

    Parameters
    ----------
    store : SpectrogramStore
        Images of windows.
    table : FeatureTable
        Features of windows of the same length.

    Returns
    -------
    X : dict of np.ndarray
        `images` and `features`, one row per window.
    windows : pd.DataFrame
        The windows of the rows: those of the store that have features.

    Raises
    ------
    StoreError
        If no window has both, or a window differs in start or length between
        store and table.

    Warns
    -----
    GtzanWarning
        If windows that have only an image or only features are left out.
    """
    position = pd.Series(range(len(table)), table.windows["window_id"].to_numpy())
    ids = store.windows["window_id"].to_numpy()
    both = np.isin(ids, position.index.to_numpy(dtype=object))
    if not both.any():
        raise StoreError(
            f"{store.path}: no window has features (first: {ids[0]}); compute features of "
            "windows of the same length."
        )
    windows = store.windows[both].reset_index(drop=True)
    rows = position.loc[windows["window_id"]].to_numpy()
    starts = table.windows["start_s"].to_numpy()[rows]
    differs = np.abs(starts - windows["start_s"].to_numpy()) > 1e-3
    if differs.any():
        raise StoreError(
            f"{store.path}: window {windows['window_id'][differs].iloc[0]} starts at another time "
            "in the features; compute features of windows of the same length and step."
        )
    length = table.windows["length"].to_numpy()[rows] / SAMPLE_RATE
    # The length of whole clips differs a little from the recipe's.
    differs = np.abs(length - store.recipe.seconds) > 0.05 * store.recipe.seconds
    if differs.any():
        first = windows["window_id"][differs].iloc[0]
        raise StoreError(
            f"{store.path}: window {first} has {length[differs][0]:.1f} s in the features and "
            f"{store.recipe.seconds:g} s in its image; compute features of windows of the same "
            "length."
        )
    unmatched = len(ids) + len(table) - 2 * len(windows)
    if unmatched:
        warnings.warn(
            f"{unmatched} windows have an image or features but not both, and are left out.",
            GtzanWarning,
            stacklevel=2,
        )
    images = store.images if both.all() else store.images[both]
    return {"images": images, "features": table.values[rows]}, windows


def by_track(store: SpectrogramStore) -> tuple[np.ndarray, pd.DataFrame]:
    """Return the windows of each track as one row, in the order of time.

    Parameters
    ----------
    store : SpectrogramStore
        Images of windows.

    Returns
    -------
    X : np.ndarray [shape=(tracks, windows, height, width), dtype=uint8]
        The windows of the longest track; shorter tracks repeat their last window.
    tracks : pd.DataFrame
        One row per track, in the form of a table of windows: `window_id` (of the
        first window), `track_id`, `genre`, `start_s`.
    """
    groups = store.windows.groupby("track_id", sort=False).indices
    longest = max(len(rows) for rows in groups.values())
    indices = [rows[np.minimum(np.arange(longest), len(rows) - 1)] for rows in groups.values()]
    first = store.windows.iloc[[rows[0] for rows in groups.values()]].reset_index(drop=True)
    return store.images[np.stack(indices)], first
