"""Aggregating the windows of a track."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gtzan_lib.errors import ParameterError
from gtzan_lib.evaluation.aggregate import AGGREGATION_METHODS, aggregate, aggregate_groups

METHODS = list(AGGREGATION_METHODS)

# Two windows for blues, one for rock, and none certain.
WINDOWS = np.array([[0.5, 0.25, 0.25], [0.75, 0.25, 0.0], [0.0, 0.25, 0.75]])


@st.composite
def probabilities(draw) -> np.ndarray:
    """Rows that sum to one, some with zeros and ties."""
    windows, genres = draw(st.integers(1, 12)), draw(st.integers(2, 6))
    counts = draw(
        st.lists(
            st.lists(st.integers(0, 9), min_size=genres, max_size=genres).filter(any),
            min_size=windows,
            max_size=windows,
        )
    )
    values = np.array(counts, dtype=float)
    return values / values.sum(axis=1, keepdims=True)


# --- by hand ------------------------------------------------------------------


def test_mean_by_hand():
    expected = [1.25 / 3, 0.75 / 3, 1 / 3]
    assert aggregate(WINDOWS).tolist() == pytest.approx(expected)
    assert aggregate(WINDOWS, "mean").tolist() == pytest.approx(expected)


def test_median_by_hand():
    # Medians 0.5, 0.25 and 0.25 sum to one.
    assert aggregate(WINDOWS, "median").tolist() == pytest.approx([0.5, 0.25, 0.25])
    # Medians 0.5 and 0.25 of other windows are scaled.
    windows = np.array([[0.5, 0.25, 0.25], [0.5, 0.5, 0.0], [0.0, 0.25, 0.75]])
    assert aggregate(windows, "median").tolist() == pytest.approx([0.5, 0.25, 0.25])
    windows = np.array([[0.6, 0.4, 0.0], [0.6, 0.0, 0.4], [0.0, 0.5, 0.5]])
    assert aggregate(windows, "median").tolist() == pytest.approx([0.6 / 1.4, 0.4 / 1.4, 0.4 / 1.4])


def test_median_of_zeros_is_uniform():
    assert aggregate(np.eye(3), "median").tolist() == pytest.approx([1 / 3] * 3)


def test_geometric_mean_by_hand():
    windows = np.array([[0.8, 0.2], [0.2, 0.8], [0.5, 0.5]])
    assert aggregate(windows, "geometric mean").tolist() == pytest.approx([0.5, 0.5])
    windows = np.array([[0.9, 0.1], [0.4, 0.6]])
    means = np.sqrt([0.9 * 0.4, 0.1 * 0.6])
    expected = (means / means.sum()).tolist()
    assert aggregate(windows, "geometric mean").tolist() == pytest.approx(expected)


def test_zero_probability_does_not_decide_the_geometric_mean():
    windows = np.array([[1.0, 0.0], [0.0, 1.0], [0.0, 1.0]])
    low, high = aggregate(windows, "geometric mean")
    assert 0 < low < high
    # Zeros count as one in a million.
    assert low / high == pytest.approx(1e-2)


def test_vote_by_hand():
    assert aggregate(WINDOWS, "vote").tolist() == pytest.approx([2 / 3, 0, 1 / 3])
    # A tie within a window counts for the first genre.
    assert aggregate(np.array([[0.4, 0.4, 0.2]]), "vote").tolist() == [1, 0, 0]


# --- properties ---------------------------------------------------------------


@pytest.mark.parametrize("method", METHODS)
@given(windows=probabilities())
def test_result_is_a_probability_distribution(method, windows):
    combined = aggregate(windows, method)
    assert combined.shape == windows.shape[1:]
    assert combined.dtype == np.float64
    assert combined.sum() == pytest.approx(1)
    assert (combined >= 0).all()


@given(windows=probabilities())
def test_mean_is_that_of_numpy(windows):
    np.testing.assert_allclose(aggregate(windows), windows.mean(axis=0), atol=1e-12)


@pytest.mark.parametrize("method", METHODS)
@given(windows=probabilities(), seed=st.integers(0, 1000))
def test_order_of_the_windows_does_not_matter(method, windows, seed):
    shuffled = np.random.default_rng(seed).permutation(windows)
    np.testing.assert_allclose(aggregate(shuffled, method), aggregate(windows, method), atol=1e-12)


@pytest.mark.parametrize("method", METHODS)
@given(windows=probabilities(), seed=st.integers(0, 1000))
def test_order_of_the_genres_does_not_matter(method, windows, seed):
    if method == "vote":
        # The vote of a tied window depends on the order.
        windows = windows + np.linspace(0, 1e-6, windows.shape[1])
    order = np.random.default_rng(seed).permutation(windows.shape[1])
    np.testing.assert_allclose(
        aggregate(windows[:, order], method), aggregate(windows, method)[order], atol=1e-12
    )


@pytest.mark.parametrize("method", ["mean", "median"])
@given(windows=probabilities())
def test_mean_and_median_of_one_window_are_the_window(method, windows):
    np.testing.assert_allclose(aggregate(windows[:1], method), windows[0], atol=1e-12)


@pytest.mark.parametrize("method", METHODS)
@given(windows=probabilities(), copies=st.integers(2, 4))
def test_repeated_windows_change_nothing(method, windows, copies):
    repeated = np.tile(windows, (copies, 1))
    np.testing.assert_allclose(aggregate(repeated, method), aggregate(windows, method), atol=1e-9)


@pytest.mark.parametrize("method", METHODS)
def test_single_precision_and_lists_are_accepted(method):
    expected = aggregate(WINDOWS, method)
    np.testing.assert_array_equal(aggregate(WINDOWS.astype(np.float32), method), expected)
    np.testing.assert_array_equal(aggregate(WINDOWS.tolist(), method), expected)


# --- several tracks -----------------------------------------------------------


@pytest.mark.parametrize("method", METHODS)
@given(windows=probabilities(), seed=st.integers(0, 1000))
def test_groups_are_aggregated_one_by_one(method, windows, seed):
    groups = np.random.default_rng(seed).choice(["c", "a", "b"], size=len(windows))
    tracks, combined = aggregate_groups(windows, groups, method)
    # In the order in which they first appear.
    assert tracks.tolist() == list(dict.fromkeys(groups.tolist()))
    for track, row in zip(tracks, combined, strict=True):
        np.testing.assert_array_equal(row, aggregate(windows[groups == track], method))


# --- errors -------------------------------------------------------------------


def test_mean_is_the_default():
    assert METHODS == ["mean", "median", "geometric mean", "vote"]


@pytest.mark.parametrize("method", ["", "Mean", "mode", None])
def test_unknown_method_is_refused(method):
    message = (
        f"there is no aggregation {method!r}; choose one of mean, median, geometric mean, vote"
    )
    with pytest.raises(ParameterError, match=message) as caught:
        aggregate(WINDOWS, method)
    assert str(caught.value).endswith(".")
    with pytest.raises(ParameterError, match="there is no aggregation"):
        aggregate_groups(WINDOWS, np.array(["a", "a", "b"]), method)


@pytest.mark.parametrize("method", METHODS)
def test_no_windows_are_refused(method):
    with pytest.raises(ParameterError, match="there is no window to aggregate; give at least one"):
        aggregate(np.zeros((0, 3)), method)
