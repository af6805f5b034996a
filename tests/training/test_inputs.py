"""Inputs of nets beside single images: features, and the windows of a track."""

import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from gtzan_lib.data.tables import FEATURE_NAMES
from gtzan_lib.data.windows import window_table
from gtzan_lib.errors import GtzanWarning, StoreError
from gtzan_lib.signal.features import FeatureTable
from gtzan_lib.signal.recipes import Recipe
from gtzan_lib.signal.store import SpectrogramStore
from gtzan_lib.training.inputs import by_track, with_features


def store_of(table: pd.DataFrame, numbers=None) -> SpectrogramStore:
    """Return a store whose images have the window's number as grey level."""
    numbers = np.arange(len(table)) if numbers is None else np.asarray(numbers)
    images = np.ones((len(table), 4, 4), dtype=np.uint8) * numbers[:, None, None].astype(np.uint8)
    return SpectrogramStore(Path("store"), images, table, Recipe.preset(size=4))


def features_of(table: pd.DataFrame, numbers=None) -> FeatureTable:
    """Return features that equal the window's number."""
    numbers = np.arange(len(table)) if numbers is None else np.asarray(numbers)
    values = np.tile(numbers[:, None].astype(float), (1, len(FEATURE_NAMES)))
    windows = table.assign(filename=table["window_id"] + ".wav", length=66_149)
    return FeatureTable(values, windows, pd.Series(dtype=object))


@pytest.fixture
def table(paper_corpus) -> pd.DataFrame:
    """Windows of four tracks, the first of which is the longest."""
    rows = [("rock", "A", 12.0), ("blues", "B", 9.0), ("rock", "C", 3.0), ("blues", "D", 9.0)]
    return window_table(paper_corpus(rows))


def assert_joined(X, joined: pd.DataFrame, table: pd.DataFrame) -> None:
    """Assert that images, features and rows of the joined table are of the same windows."""
    assert list(X) == ["images", "features"]
    expected = table.index.to_numpy()[table["window_id"].isin(joined["window_id"])]
    numbers = joined["window_id"].map(pd.Series(table.index, table["window_id"])).to_numpy()
    assert sorted(numbers) == sorted(expected)
    np.testing.assert_array_equal(X["images"][:, 0, 0], numbers)
    np.testing.assert_array_equal(X["features"][:, 0], numbers)
    assert joined.index.tolist() == list(range(len(joined)))


# --- images and features ------------------------------------------------------


def test_same_rows_in_the_same_order(table):
    store, features = store_of(table), features_of(table)
    X, joined = with_features(store, features)
    assert X["images"] is store.images
    np.testing.assert_array_equal(X["features"], features.values)
    pd.testing.assert_frame_equal(joined, table)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_rows_are_joined_by_id(table, seed):
    order = np.random.default_rng(seed).permutation(len(table))
    X, joined = with_features(store_of(table), features_of(table.iloc[order], order))
    assert_joined(X, joined, table)
    pd.testing.assert_frame_equal(joined, table)
    permuted = table.iloc[order].reset_index(drop=True)
    X, joined = with_features(store_of(permuted, order), features_of(table))
    assert_joined(X, joined, table)
    pd.testing.assert_frame_equal(joined, permuted)


@pytest.mark.parametrize(
    ("images", "features", "unmatched"),
    [
        ([0, 1, 2, 5, 9], range(11), 6),
        (range(11), [9, 1, 5, 0, 2], 6),
        ([0, 1, 2, 5, 9], [10, 9, 2], 4),
        ([3], [3], 0),
    ],
)
def test_windows_with_only_one_input_are_left_out(table, images, features, unmatched):
    images, features = list(images), list(features)
    store = store_of(table.iloc[images].reset_index(drop=True), images)
    feature_table = features_of(table.iloc[features].reset_index(drop=True), features)
    with warnings.catch_warnings(record=True) as records:
        warnings.simplefilter("always")
        X, joined = with_features(store, feature_table)
    assert_joined(X, joined, table)
    both = [number for number in images if number in features]
    assert joined["window_id"].tolist() == table["window_id"].iloc[both].tolist()
    assert len(X["images"]) == len(X["features"]) == len(both)
    records = [record for record in records if issubclass(record.category, GtzanWarning)]
    counts = [str(record.message).split()[0] for record in records]
    assert counts == ([str(unmatched)] if unmatched else [])
    assert all(record.filename == __file__ for record in records)


def test_windows_of_other_tracks_are_refused(table):
    other = table.assign(window_id="x" + table["window_id"])
    message = r"store: no window has features \(first: rock\.00000\.0\); compute .*\.$"
    with pytest.raises(StoreError, match=message):
        with_features(store_of(table), features_of(other))


def test_windows_at_other_times_are_refused(table):
    """Windows of another step have the same ids."""
    half = table.assign(start_s=table["start_s"] / 2)
    for first, second in ((table, half), (half, table)):
        with pytest.raises(StoreError, match=r"window rock\.00000\.1 starts at another time in"):
            with_features(store_of(first), features_of(second))
    # Only the last window starts at another time, in another row.
    late = table.copy()
    late.loc[10, "start_s"] += 0.1
    with pytest.raises(StoreError, match=r"window blues\.00001\.2 starts at another time"):
        with_features(store_of(table), features_of(late.iloc[::-1], range(10, -1, -1)))


def test_times_may_be_rounded(table):
    near = table.assign(start_s=table["start_s"] + 4e-4)
    X, joined = with_features(store_of(table), features_of(near))
    assert_joined(X, joined, table)
    assert joined["start_s"].tolist() == table["start_s"].tolist()


def test_index_of_the_tables_is_ignored(table):
    """Rows are matched by position."""
    reindexed = table.set_index(pd.Index(range(50, 61)))
    X, joined = with_features(store_of(reindexed), features_of(reindexed))
    assert_joined(X, joined, table)


# --- tracks -------------------------------------------------------------------


def test_windows_of_a_track_are_one_row(table):
    X, tracks = by_track(store_of(table))
    assert X.shape == (4, 4, 4, 4)
    assert X.dtype == np.uint8
    # Shorter tracks repeat their last window.
    assert X[:, :, 0, 0].tolist() == [[0, 1, 2, 3], [4, 5, 6, 6], [7, 7, 7, 7], [8, 9, 10, 10]]
    assert tracks["track_id"].tolist() == ["rock.00000", "blues.00000", "rock.00001", "blues.00001"]
    assert tracks["window_id"].tolist() == [f"{name}.0" for name in tracks["track_id"]]
    assert tracks["genre"].tolist() == ["rock", "blues", "rock", "blues"]
    assert tracks["start_s"].tolist() == [0] * 4
    assert tracks.index.tolist() == [0, 1, 2, 3]
    assert tracks.columns.tolist() == table.columns.tolist()


def test_tracks_may_be_interleaved(table):
    """The table has all first windows, then all second windows, and so on."""
    order = table.sort_values("start_s", kind="stable").index.to_numpy()
    X, tracks = by_track(store_of(table.iloc[order].reset_index(drop=True), order))
    expected, same = by_track(store_of(table))
    np.testing.assert_array_equal(X, expected)
    pd.testing.assert_frame_equal(tracks, same)


def test_tracks_of_one_length_are_only_reshaped(table):
    blues = table[table["track_id"].str.startswith("blues")].reset_index(drop=True)
    store = store_of(blues)
    X, _ = by_track(store)
    np.testing.assert_array_equal(X, store.images.reshape(2, 3, 4, 4))


def test_windows_of_another_length_are_refused(table):
    """The first windows of 3 s and of 10 s have the same id and start."""
    store = store_of(table)
    features = features_of(table[table["start_s"] == 0].reset_index(drop=True))
    features.windows["length"] = 220_499
    with pytest.raises(StoreError, match=r"rock\.00000\.0 has 10\.0 s in the features and 3 s in"):
        with_features(store, features)
