"""Running medians: the same values as scipy's filter, one by one."""

import numpy as np
import pytest
import scipy.ndimage
from hypothesis import example, given
from hypothesis import strategies as st

from gtzan_lib.signal import medians
from gtzan_lib.signal.medians import WIDTH, running_median


def by_scipy(x: np.ndarray) -> np.ndarray:
    return scipy.ndimage.median_filter(x, size=(WIDTH, 1), mode="reflect")


def by_sorting(x: np.ndarray) -> np.ndarray:
    """Sort every window; the ends are padded by reflection."""
    n, half = len(x), WIDTH // 2
    places = np.arange(-half, n + half) % (2 * n)
    mirrored = x[np.where(places < n, places, 2 * n - 1 - places)]
    return np.stack([np.sort(mirrored[i : i + WIDTH], axis=0)[half] for i in range(n)])


@given(
    n=st.integers(1, 200),
    signals=st.integers(1, 12),
    values=st.sampled_from([2, 3, 10, 10**6]),
    seed=st.integers(0, 10**6),
)
@example(n=1, signals=1, values=10, seed=0)
@example(n=WIDTH, signals=3, values=2, seed=0)
@example(n=WIDTH + 1, signals=3, values=10**6, seed=0)
def test_medians_are_scipys(n, signals, values, seed):
    """With few different values, which are often equal, and with many."""
    x = np.random.default_rng(seed).integers(-values, values, (n, signals)).astype(np.float32)
    before = x.copy()
    ours = running_median(x)
    assert ours.dtype == x.dtype
    np.testing.assert_array_equal(ours, by_scipy(x))
    np.testing.assert_array_equal(x, before)


@pytest.mark.parametrize("n", [1, 2, 7, 8, 9, 14, 15, 16, 17, 30, 31, 32, 33, 64, 130])
def test_medians_are_those_of_sorted_windows(rng, n):
    x = rng.normal(size=(n, 5)).astype(np.float32)
    np.testing.assert_array_equal(running_median(x), by_sorting(x))


@given(bits=st.lists(st.booleans(), min_size=1, max_size=90), seed=st.integers(0, 100))
def test_a_network_that_sorts_zeros_and_ones_sorts_all(bits, seed):
    """A network of comparisons commutes with a threshold."""
    x = np.random.default_rng(seed).normal(size=(len(bits), 2)).astype(np.float32)
    x[:, 0] = bits
    medians = running_median(x)
    np.testing.assert_array_equal(running_median((x > 0).astype(np.float32)), medians > 0)
    assert set(np.unique(medians[:, 0])) <= {0, 1}


@pytest.mark.parametrize("size", [2, 4, 8])
def test_networks_sort_every_order_of_zeros_and_ones(size):
    every = (np.arange(2**size)[None, :] >> np.arange(size)[:, None]) & 1
    result = medians._exchange(list(every), medians._network(size, 1))
    np.testing.assert_array_equal(np.stack(result), np.sort(every, axis=0))


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int16])
def test_dtype_is_kept(rng, dtype):
    x = (100 * rng.normal(size=(50, 3))).astype(dtype)
    ours = running_median(x)
    assert ours.dtype == dtype
    np.testing.assert_array_equal(ours, by_scipy(x))


@pytest.mark.parametrize("plane", [1, 100, 5000])
def test_result_does_not_depend_on_the_size_of_pieces(rng, monkeypatch, plane):
    x = rng.normal(size=(333, 40)).astype(np.float32)
    whole = running_median(x)
    monkeypatch.setattr(medians, "_PLANE", plane)
    np.testing.assert_array_equal(running_median(x), whole)


def test_signals_are_independent(rng):
    """Also in column-major order, and for many signals."""
    x = rng.normal(size=(60, 1100)).astype(np.float32)
    together = running_median(np.asfortranarray(x))
    for signal in (0, 500, 1099):
        alone = running_median(x[:, signal : signal + 1])
        np.testing.assert_array_equal(together[:, signal], alone[:, 0])


def test_medians_of_a_clip_are_scipys(rng):
    """Frames by frequencies of three seconds, along both axes."""
    x = np.abs(rng.normal(size=(130, 1025))).astype(np.float32)
    np.testing.assert_array_equal(running_median(x), by_scipy(x))
    transposed = np.ascontiguousarray(x.T)
    np.testing.assert_array_equal(running_median(transposed), by_scipy(transposed))


def test_infinities_are_sorted(rng):
    x = rng.choice([-np.inf, -1, 0, 1, np.inf], size=(80, 4)).astype(np.float32)
    np.testing.assert_array_equal(running_median(x), by_scipy(x))


def test_short_pulses_vanish_and_steps_stay():
    x = np.zeros((200, 2), dtype=np.float32)
    x[50:65, 0] = 9
    x[100:, 1] = 1
    filtered = running_median(x)
    assert not filtered[:, 0].any()
    np.testing.assert_array_equal(filtered[:, 1], x[:, 1])
