"""Bringing together what a net takes beside single images."""

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
        `images` and `features`, row by row.
    windows : pd.DataFrame
        What the rows are; the store's, as far as there are features of them.

    Raises
    ------
    StoreError
        If no window has both, or a window begins at another time in the table or
        has another length there.

    Warns
    -----
    GtzanWarning
        Of windows that have only one of them, and are left out.
    """
    place = pd.Series(range(len(table)), table.windows["window_id"].to_numpy())
    ids = store.windows["window_id"].to_numpy()
    both = np.isin(ids, place.index.to_numpy(dtype=object))
    if not both.any():
        raise StoreError(
            f"{store.path}: has no window in common with the features, {ids[0]} is not among "
            "them; compute features of windows of the same length."
        )
    windows = store.windows[both].reset_index(drop=True)
    rows = place.loc[windows["window_id"]].to_numpy()
    apart = np.abs(table.windows["start_s"].to_numpy()[rows] - windows["start_s"].to_numpy()) > 1e-3
    if apart.any():
        raise StoreError(
            f"{store.path}: window {windows['window_id'][apart].iloc[0]} begins at another time in "
            "the features; compute features of windows of the same length and step."
        )
    length = table.windows["length"].to_numpy()[rows] / SAMPLE_RATE
    # Whole clips are a little longer or shorter than their recipe says.
    apart = np.abs(length - store.recipe.seconds) > 0.05 * store.recipe.seconds
    if apart.any():
        first = windows["window_id"][apart].iloc[0]
        raise StoreError(
            f"{store.path}: window {first} has {length[apart][0]:.1f} s in the features and "
            f"{store.recipe.seconds:g} s in its image; compute features of windows of the same "
            "length."
        )
    alone = len(ids) + len(table) - 2 * len(windows)
    if alone:
        warnings.warn(
            f"{alone} windows have an image or features but not both, and are left out.",
            GtzanWarning,
            stacklevel=2,
        )
    images = store.images if both.all() else store.images[both]
    return {"images": images, "features": table.values[rows]}, windows


def by_track(store: SpectrogramStore) -> tuple[np.ndarray, pd.DataFrame]:
    """Put the windows of each track into one row, in the order of time.

    Parameters
    ----------
    store : SpectrogramStore
        Images of windows.

    Returns
    -------
    X : np.ndarray [shape=(tracks, windows, height, width), dtype=uint8]
        As many windows as the longest track has; shorter ones repeat their last.
    tracks : pd.DataFrame
        One row a track, in the form of a table of windows: `window_id` (the
        track's first), `track_id`, `genre`, `start_s`.
    """
    groups = store.windows.groupby("track_id", sort=False).indices
    longest = max(len(rows) for rows in groups.values())
    picked = [rows[np.minimum(np.arange(longest), len(rows) - 1)] for rows in groups.values()]
    first = store.windows.iloc[[rows[0] for rows in groups.values()]].reset_index(drop=True)
    return store.images[np.stack(picked)], first
