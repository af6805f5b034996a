"""What a net takes beside images: the right rows, whatever their order."""

import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from gtzan_lib.data.windows import windows
from gtzan_lib.errors import GtzanWarning, StoreError
from gtzan_lib.signal.features import FeatureTable
from gtzan_lib.signal.recipes import Recipe
from gtzan_lib.signal.store import SpectrogramStore
from gtzan_lib.training.inputs import by_track, with_features


def store_of(table: pd.DataFrame, numbers=None) -> SpectrogramStore:
    """Images of one grey level a window, its number."""
    numbers = np.arange(len(table)) if numbers is None else np.asarray(numbers)
    images = np.ones((len(table), 4, 4), dtype=np.uint8) * numbers[:, None, None].astype(np.uint8)
    return SpectrogramStore(Path("store"), images, table, Recipe.preset(size=4))


def features_of(table: pd.DataFrame, numbers=None) -> FeatureTable:
    """Features that are the window's number, too."""
    numbers = np.arange(len(table)) if numbers is None else np.asarray(numbers)
    values = np.tile(numbers[:, None].astype(float), (1, len(FeatureTable.names)))
    described = table.assign(filename=table["window_id"] + ".wav", length=66_149)
    return FeatureTable(values, described, pd.Series(dtype=object))


@pytest.fixture
def cut(paper_corpus) -> pd.DataFrame:
    """Windows of four tracks, of which the first is the longest."""
    rows = [("rock", "A", 12.0), ("blues", "B", 9.0), ("rock", "C", 3.0), ("blues", "D", 9.0)]
    return windows(paper_corpus(rows))


def agree(X, table: pd.DataFrame, whole: pd.DataFrame) -> None:
    """Image, features and row of the table are those of one window."""
    assert list(X) == ["images", "features"]
    numbers = whole.index.to_numpy()[whole["window_id"].isin(table["window_id"])]
    told = table["window_id"].map(pd.Series(whole.index, whole["window_id"])).to_numpy()
    assert sorted(told) == sorted(numbers)
    np.testing.assert_array_equal(X["images"][:, 0, 0], told)
    np.testing.assert_array_equal(X["features"][:, 0], told)
    assert table.index.tolist() == list(range(len(table)))


# --- images and features ------------------------------------------------------


def test_same_rows_in_the_same_order(cut):
    store, table = store_of(cut), features_of(cut)
    X, joined = with_features(store, table)
    assert X["images"] is store.images
    np.testing.assert_array_equal(X["features"], table.values)
    pd.testing.assert_frame_equal(joined, cut)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_rows_are_joined_by_id(cut, seed):
    order = np.random.default_rng(seed).permutation(len(cut))
    X, joined = with_features(store_of(cut), features_of(cut.iloc[order], order))
    agree(X, joined, cut)
    pd.testing.assert_frame_equal(joined, cut)
    turned = cut.iloc[order].reset_index(drop=True)
    X, joined = with_features(store_of(turned, order), features_of(cut))
    agree(X, joined, cut)
    pd.testing.assert_frame_equal(joined, turned)


@pytest.mark.parametrize(
    ("images", "features", "alone"),
    [
        ([0, 1, 2, 5, 9], range(11), 6),
        (range(11), [9, 1, 5, 0, 2], 6),
        ([0, 1, 2, 5, 9], [10, 9, 2], 4),
        ([3], [3], 0),
    ],
)
def test_windows_with_only_one_of_both_are_left_out(cut, images, features, alone):
    images, features = list(images), list(features)
    store = store_of(cut.iloc[images].reset_index(drop=True), images)
    table = features_of(cut.iloc[features].reset_index(drop=True), features)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        X, joined = with_features(store, table)
    agree(X, joined, cut)
    kept = [number for number in images if number in features]
    assert joined["window_id"].tolist() == cut["window_id"].iloc[kept].tolist()
    assert len(X["images"]) == len(X["features"]) == len(kept)
    told = [one for one in caught if issubclass(one.category, GtzanWarning)]
    assert [str(one.message).split()[0] for one in told] == ([str(alone)] if alone else [])
    assert all(one.filename == __file__ for one in told)


def test_windows_of_other_tracks_are_refused(cut):
    other = cut.assign(window_id="x" + cut["window_id"])
    message = r"no window in common with the features, rock\.00000\.0 is not among them; .*\.$"
    with pytest.raises(StoreError, match=message):
        with_features(store_of(cut), features_of(other))


def test_windows_at_other_times_are_refused(cut):
    """Ids alone do not tell at which step windows were cut."""
    half = cut.assign(start_s=cut["start_s"] / 2)
    for one, other in ((cut, half), (half, cut)):
        with pytest.raises(StoreError, match=r"window rock\.00000\.1 begins at another time in"):
            with_features(store_of(one), features_of(other))
    # Only the last of them begins elsewhere, and its row is another one.
    late = cut.copy()
    late.loc[10, "start_s"] += 0.1
    with pytest.raises(StoreError, match=r"window blues\.00001\.2 begins at another time"):
        with_features(store_of(cut), features_of(late.iloc[::-1], range(10, -1, -1)))


def test_rounded_times_are_the_same(cut):
    near = cut.assign(start_s=cut["start_s"] + 4e-4)
    X, joined = with_features(store_of(cut), features_of(near))
    agree(X, joined, cut)
    assert joined["start_s"].tolist() == cut["start_s"].tolist()


def test_features_of_tables_have_an_index_of_their_own(cut):
    """Only positions count, in either table of windows."""
    strange = cut.set_index(pd.Index(range(50, 61)))
    X, joined = with_features(store_of(strange), features_of(strange))
    agree(X, joined, cut)


# --- tracks -------------------------------------------------------------------


def test_windows_of_a_track_stand_in_one_row(cut):
    X, tracks = by_track(store_of(cut))
    assert X.shape == (4, 4, 4, 4)
    assert X.dtype == np.uint8
    # Shorter ones repeat their last window.
    assert X[:, :, 0, 0].tolist() == [[0, 1, 2, 3], [4, 5, 6, 6], [7, 7, 7, 7], [8, 9, 10, 10]]
    assert tracks["track_id"].tolist() == ["rock.00000", "blues.00000", "rock.00001", "blues.00001"]
    assert tracks["window_id"].tolist() == [f"{name}.0" for name in tracks["track_id"]]
    assert tracks["genre"].tolist() == ["rock", "blues", "rock", "blues"]
    assert tracks["start_s"].tolist() == [0] * 4
    assert tracks.index.tolist() == [0, 1, 2, 3]
    assert tracks.columns.tolist() == cut.columns.tolist()


def test_tracks_may_be_interleaved(cut):
    """All first windows, then all second ones, and so on."""
    order = cut.sort_values("start_s", kind="stable").index.to_numpy()
    X, tracks = by_track(store_of(cut.iloc[order].reset_index(drop=True), order))
    expected, same = by_track(store_of(cut))
    np.testing.assert_array_equal(X, expected)
    pd.testing.assert_frame_equal(tracks, same)


def test_tracks_of_one_length_are_only_reshaped(cut):
    even = cut[cut["track_id"].str.startswith("blues")].reset_index(drop=True)
    store = store_of(even)
    X, _ = by_track(store)
    np.testing.assert_array_equal(X, store.images.reshape(2, 3, 4, 4))


def test_windows_of_another_length_are_refused(cut):
    """The first windows of 3 s and of 10 s begin together, and are not the same."""
    store = store_of(cut)
    table = features_of(cut[cut["start_s"] == 0].reset_index(drop=True))
    table.windows["length"] = 220_499
    with pytest.raises(StoreError, match=r"rock\.00000\.0 has 10\.0 s in the features and 3 s in"):
        with_features(store, table)
