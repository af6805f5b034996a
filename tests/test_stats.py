"""Intervals and tests for shares of correct predictions."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gtzan_lib.stats import (
    PairedDifference,
    Score,
    bootstrap_interval,
    calibration_error,
    calibration_score,
    exact_mcnemar,
    holm,
    independent_groups,
    resampled_means,
    wilson_interval,
    wilson_score,
)

# --- Wilson's interval --------------------------------------------------------


@pytest.mark.parametrize(
    ("correct", "n", "low", "high"),
    [
        # Newcombe, Statistics in Medicine 17, 1998, table I, method 3.
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0000, 0.1611),
        (1, 29, 0.0061, 0.1718),
        # By hand: without correct predictions the bound is z² / (n + z²).
        (0, 10, 0.0000, 0.2775),
        (10, 10, 0.7225, 1.0000),
    ],
)
def test_wilson_interval_agrees_with_published_values(correct, n, low, high):
    assert wilson_interval(correct, n) == pytest.approx((low, high), abs=5e-5)


@given(n=st.integers(1, 400), data=st.data())
def test_properties_of_wilson_interval(n, data):
    correct = data.draw(st.integers(0, n))
    low, high = wilson_interval(correct, n)
    assert 0 <= low <= correct / n <= high <= 1
    assert low < high
    # The interval of the errors is the mirrored one.
    assert wilson_interval(n - correct, n) == pytest.approx((1 - high, 1 - low))
    wide = wilson_interval(correct, n, confidence=0.99)
    assert wide[0] <= low
    assert high <= wide[1]


def test_wilson_interval_without_predictions_is_nan():
    assert np.isnan(wilson_interval(0, 0)).all()


@given(st.lists(st.booleans(), min_size=1, max_size=50))
def test_wilson_score_has_share_and_interval(correct):
    score = wilson_score(np.array(correct))
    assert score.value == pytest.approx(sum(correct) / len(correct))
    assert (score.low, score.high) == wilson_interval(sum(correct), len(correct))
    assert (score.n, score.interval) == (len(correct), "wilson")
    assert wilson_score(correct) == score


# --- bootstrap over groups ----------------------------------------------------


@given(values=st.lists(st.booleans(), min_size=1, max_size=60), groups=st.integers(1, 8))
def test_bootstrap_interval_lies_within_the_means_of_groups(values, groups):
    group = np.arange(len(values)) % groups
    low, high = bootstrap_interval(np.array(values), group, resamples=300)
    means = pd.Series(values, dtype=float).groupby(group).mean()
    assert means.min() - 1e-12 <= low <= high <= means.max() + 1e-12


def test_bootstrap_of_one_group_has_no_width():
    assert bootstrap_interval([1, 0, 1, 1], ["a"] * 4) == (0.75, 0.75)


def test_bootstrap_of_independent_predictions_is_close_to_wilson():
    values = np.arange(400) % 4 == 0
    low, high = bootstrap_interval(values, np.arange(400))
    assert (low, high) == pytest.approx(wilson_interval(100, 400), abs=0.01)


def test_predictions_of_one_group_count_once():
    """Ten windows of a track that are all correct or all incorrect count as one prediction."""
    tracks = np.arange(40) % 4 > 0
    by_window = bootstrap_interval(np.repeat(tracks, 10), np.arange(400))
    by_track = bootstrap_interval(np.repeat(tracks, 10), np.repeat(np.arange(40), 10))
    single = bootstrap_interval(tracks, np.arange(40))
    assert by_track == pytest.approx(single)
    assert by_track[1] - by_track[0] > 2 * (by_window[1] - by_window[0])


def test_bootstrap_depends_on_its_seed_only():
    values, groups = np.arange(30) % 3 == 0, np.arange(30) // 2
    first = bootstrap_interval(values, groups, seed=1)
    np.random.seed(8)
    assert bootstrap_interval(values, groups, seed=1) == first
    assert bootstrap_interval(values, groups, seed=2) != first


def test_resampled_means_agree_with_a_loop(rng):
    groups = np.array(["b", "a", "c", "b", "b", "a", "d", "c"])
    values = rng.normal(size=(8, 3))
    names = sorted(set(groups))
    draws = np.random.default_rng(5).integers(4, size=(30, 4))
    expected = []
    for draw in draws:
        rows = [row for number in draw for row in np.flatnonzero(groups == names[number])]
        expected.append(values[rows].mean(axis=0))
    means = resampled_means(values, groups, resamples=30, seed=5)
    np.testing.assert_allclose(means, expected)


def test_columns_of_a_draw_use_the_same_groups(rng):
    values = rng.normal(size=(60, 1))
    first, second = resampled_means(np.hstack([values, values + 0.1]), np.arange(60) // 3).T
    np.testing.assert_allclose(second - first, 0.1)
    assert first.std() > 0.01


def test_bootstrap_interval_has_percentiles_of_resampled_means(rng):
    values, groups = rng.normal(size=50), np.arange(50) // 4
    means = resampled_means(values[:, None], groups, resamples=500, seed=3)
    interval = bootstrap_interval(values, groups, resamples=500, seed=3, confidence=0.8)
    assert interval == pytest.approx(tuple(np.percentile(means, [10, 90])))


# --- groups -------------------------------------------------------------------


@pytest.mark.parametrize("unknown", [None, float("nan"), np.nan, "", pd.NA])
def test_unknown_artists_are_replaced_by_the_track(unknown):
    groups = independent_groups(["Ann", unknown, "Bob", "Ann", unknown], list("stuvw"))
    assert groups.tolist() == ["Ann", "t", "Bob", "Ann", "w"]
    assert groups.dtype == object


def test_groups_of_pandas_columns():
    table = pd.DataFrame(
        {"artist": ["Ann", None, ""], "track_id": ["a", "b", "c"]}, index=[7, 3, 9]
    )
    groups = independent_groups(table["artist"], table["track_id"])
    assert groups.tolist() == ["Ann", "b", "c"]


def test_no_rows_have_no_groups():
    assert independent_groups([], []).tolist() == []


def test_artists_and_tracks_must_have_the_same_length():
    with pytest.raises(ValueError, match="zip"):
        independent_groups(["Ann"], ["a", "b"])


# --- McNemar's test -----------------------------------------------------------


@pytest.mark.parametrize(
    ("only_first", "only_second", "p_value"),
    [
        (0, 0, 1.0),
        (3, 3, 1.0),
        (0, 1, 1.0),
        # Twice the shorter tail of the binomial distribution.
        (0, 5, 2 / 32),
        (1, 5, 2 * (1 + 6) / 64),
        (9, 2, 2 * (1 + 11 + 55) / 2048),
    ],
)
def test_mcnemar_by_hand(only_first, only_second, p_value):
    assert exact_mcnemar(only_first, only_second) == pytest.approx(p_value)


@given(st.integers(0, 40), st.integers(0, 40))
def test_mcnemar_by_its_definition(only_first, only_second):
    """The probability of counts at least as unequal, from binomial coefficients."""
    n, smaller = only_first + only_second, min(only_first, only_second)
    tail = sum(math.comb(n, k) for k in range(smaller + 1)) / 2**n
    p_value = exact_mcnemar(only_first, only_second)
    assert p_value == pytest.approx(min(1.0, 2 * tail))
    assert p_value == exact_mcnemar(only_second, only_first)


# --- Holm's correction --------------------------------------------------------


@pytest.mark.parametrize(
    ("p_values", "adjusted"),
    [
        ([], []),
        ([0.03], [0.03]),
        # 4 × 0.005, 3 × 0.01, 2 × 0.03, and 0.04 is raised to the previous one.
        ([0.01, 0.04, 0.03, 0.005], [0.03, 0.06, 0.06, 0.02]),
        ([0.5, 0.9], [1.0, 1.0]),
        ([0.02, 0.02, 0.02], [0.06, 0.06, 0.06]),
    ],
)
def test_holm_by_hand(p_values, adjusted):
    assert holm(np.array(p_values)).tolist() == pytest.approx(adjusted)


P_VALUES = st.lists(st.floats(0, 1), min_size=1, max_size=12)


@given(P_VALUES)
def test_holm_by_its_definition(p_values):
    """Each p-value times the number of p-values not below it, never decreasing in order."""
    products = [p * sum(q >= p for q in p_values) for p in p_values]
    expected = [
        min(1.0, max(product for product, q in zip(products, p_values, strict=True) if q <= p))
        for p in p_values
    ]
    assert holm(np.array(p_values)).tolist() == pytest.approx(expected)


@given(P_VALUES, st.floats(0.001, 0.2))
def test_holm_rejects_what_the_step_down_procedure_rejects(p_values, level):
    rejected = set()
    for step, number in enumerate(np.argsort(p_values, kind="stable")):
        if p_values[number] * (len(p_values) - step) > level:
            break
        rejected.add(int(number))
    adjusted = holm(np.array(p_values))
    assert set(np.flatnonzero(adjusted <= level).tolist()) == rejected


@given(P_VALUES, st.randoms(use_true_random=False))
def test_holm_does_not_depend_on_the_order(p_values, random):
    order = list(range(len(p_values)))
    random.shuffle(order)
    values = np.array(p_values)
    np.testing.assert_allclose(holm(values[order]), holm(values)[order])


# --- text ---------------------------------------------------------------------


def test_text_of_a_score():
    score = Score(0.3080, 0.2553, 0.3662, 263, "wilson")
    assert str(score) == "30.8 % (95 % interval 25.5 to 36.6, n = 263)"


def test_text_of_a_difference():
    gain = PairedDifference(0.214, 0.1249, 0.3101, 100, "bootstrap over artists")
    assert str(gain) == "+21.4 points (95 % interval +12.5 to +31.0)"
    loss = PairedDifference(-0.02, -0.05, 0.01, 9, "bootstrap over tracks")
    assert str(loss) == "-2.0 points (95 % interval -5.0 to +1.0)"


# --- calibration ----------------------------------------------------------------


def test_calibration_error_by_hand():
    confidence = np.array([0.95, 0.95, 0.65, 0.65])
    correct = np.array([True, False, True, True])
    # Bins: 0.95 against 0.5, and 0.65 against 1; each holds half of the predictions.
    assert calibration_error(confidence, correct) == pytest.approx(0.5 * 0.45 + 0.5 * 0.35)
    score = calibration_score(confidence, correct, np.arange(4))
    assert score.value == pytest.approx(0.4)
    assert (score.n, score.interval) == (4, "bootstrap over artists")
    assert 0 <= score.low <= score.value <= score.high <= 1


def test_calibrated_answers_have_a_small_error():
    rng = np.random.default_rng(0)
    confidence = rng.uniform(0.1, 1, 50_000)
    correct = rng.random(50_000) < confidence
    assert calibration_error(confidence, correct) < 0.01
    assert calibration_error(confidence**3, correct) > 0.1


def test_interval_of_the_calibration_error_counts_groups():
    """Of ten equal predictions of each artist, one counts."""
    rng = np.random.default_rng(1)
    confidence = rng.uniform(0.3, 1, 100)
    correct = rng.random(100) < confidence**2
    alone = calibration_score(confidence, correct, np.arange(100))
    many = calibration_score(
        np.repeat(confidence, 10), np.repeat(correct, 10), np.repeat(np.arange(100), 10)
    )
    assert many.n == 1000
    assert many[:3] == pytest.approx(alone[:3])
