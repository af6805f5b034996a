"""Fingerprints: envelopes of audio and of images, and their traces."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gtzan_lib.data.audio import resample
from gtzan_lib.health.duplicates import correlate
from gtzan_lib.health.fingerprints import (
    FRAME_S,
    N_BANDS,
    PHASES,
    SHORT_S,
    Envelope,
    from_log_mel,
    sharp_trace,
    trace,
)

from .test_duplicates import RATE, envelope, music


@pytest.fixture(scope="module")
def tune() -> np.ndarray:
    return music(3, seconds=20).astype(np.float32)


# --- envelopes ----------------------------------------------------------------


def test_shape_and_scale(tune):
    levels = envelope(tune)
    # The window of the last frame, 93 ms, ends within the sound.
    assert levels.shape == (N_BANDS, 1 + int((20 - 2048 / RATE) / FRAME_S))
    assert levels.dtype == np.uint8
    assert levels.max() > 200


@given(cuts=st.lists(st.integers(0, 20 * RATE), max_size=8))
def test_pieces_give_the_envelope_of_the_whole(tune, cuts):
    """Pieces may be empty, or shorter than a window."""
    computed = Envelope(RATE)
    for piece in np.split(tune, sorted(cuts)):
        computed.add(piece)
    pieces, whole = computed.finish(), envelope(tune)
    assert pieces.shape == whole.shape
    difference = np.abs(pieces.astype(int) - whole)
    # Rounding depends on the number of frames that are multiplied at a time.
    assert difference.max() <= 1
    assert difference.mean() < 0.001


def test_very_small_pieces(tune):
    computed = Envelope(RATE)
    for piece in np.split(tune[:RATE], range(100, RATE, 100)):
        computed.add(piece)
    assert np.abs(computed.finish().astype(int) - envelope(tune[:RATE])).max() <= 1


def test_phases_are_envelopes_that_begin_later(tune):
    phases = envelope(tune[: 5 * RATE])
    assert phases.shape[:2] == (PHASES, N_BANDS)
    for number in range(PHASES):
        later = envelope(np.append(tune[round(number / PHASES * FRAME_S * RATE) :], tune))
        difference = phases[number].astype(int) - later[:, : phases.shape[2]]
        # The maximum of the longer sound, which has level 255, may be another.
        difference -= np.round(np.median(difference)).astype(int)
        assert np.quantile(np.abs(difference), 0.8) <= 2
    assert not np.array_equal(phases[0], phases[1])


@pytest.mark.parametrize("seconds", [SHORT_S - 1, SHORT_S, SHORT_S + 1 / RATE, SHORT_S + 1])
def test_only_short_sound_has_phases(tune, seconds):
    """However many pieces it arrives in."""
    y = tune[: round(seconds * RATE)]
    whole = envelope(y)
    assert whole.ndim == (3 if seconds <= SHORT_S else 2)
    computed = Envelope(RATE)
    for piece in np.array_split(y, 7):
        computed.add(piece)
    assert np.abs(computed.finish().astype(int) - whole).max() <= 1


def test_level_does_not_matter(tune):
    assert np.abs(envelope(tune / 8).astype(int) - envelope(tune)).max() <= 1


def test_low_and_high_sounds_are_in_their_bands():
    time = np.arange(RATE) / RATE
    low, high = (envelope(np.sin(2 * np.pi * hz * time)).mean(axis=-1) for hz in (100, 9_000))
    assert (low.argmax(axis=-1) == 0).all()
    assert (high.argmax(axis=-1) >= N_BANDS - 3).all()


@pytest.mark.parametrize("samples", [0, 1, 100, 2047])
def test_sound_shorter_than_a_window_has_no_frames(samples):
    assert envelope(np.ones(samples)).shape == (N_BANDS, 0)
    assert Envelope.empty().shape == (N_BANDS, 0)


def test_sound_after_two_minutes_is_left_out(rng):
    y = rng.standard_normal(130 * 4_000)
    whole = envelope(y, rate=4_000)
    assert whole.shape[1] == pytest.approx(120 / FRAME_S, abs=2)
    np.testing.assert_array_equal(whole, envelope(y[: 122 * 4_000], rate=4_000))
    computed = Envelope(4_000)
    for piece in np.array_split(y.astype(np.float32), 13):
        computed.add(piece)
    np.testing.assert_array_equal(computed.finish(), whole)


@pytest.mark.parametrize("rate", [16_000, 32_000, 44_100, 48_000, 96_000])
def test_other_rates_give_nearly_the_same_envelope(tune, rate):
    resampled = envelope(resample(tune, RATE, rate), rate=rate)
    original = envelope(tune)
    assert abs(resampled.shape[1] - original.shape[1]) <= 1
    lags, scores = correlate(sharp_trace(trace(resampled)), sharp_trace(trace(original)))
    # The highest bands are empty below 22,050 Hz.
    assert scores.max() > (0.9 if rate > 20_000 else 0.8)
    assert lags[scores.argmax()] == 0


def test_silence_has_a_constant_envelope():
    levels = envelope(np.zeros(RATE))
    assert levels.shape[1] > 0
    assert np.ptp(levels) == 0


# --- log-mel images -----------------------------------------------------------


@pytest.mark.parametrize("n_mels", [32, 64, 128])
def test_envelopes_of_images(rng, n_mels):
    image = rng.integers(0, 256, size=(n_mels, 40), dtype=np.uint8)
    levels = from_log_mel(image)
    assert levels.shape == (N_BANDS, 40)
    assert levels.dtype == np.uint8
    share = n_mels // N_BANDS
    expected = image[7 * share : 8 * share].mean(axis=0)
    np.testing.assert_allclose(levels[7], expected, atol=0.5)


def test_an_image_without_columns():
    assert from_log_mel(np.zeros((128, 0), dtype=np.uint8)).shape == (N_BANDS, 0)


def test_envelopes_of_logarithms(rng):
    """The maximum becomes 255, and 80 dB below it 0."""
    image = rng.uniform(-5, 3, size=(64, 40)).astype(np.float32)
    image[:2, 5], image[:2, 6] = 4, -30
    levels = from_log_mel(image)
    assert levels.dtype == np.uint8
    assert (levels[0, 5], levels[0, 6]) == (255, 0)
    decibels = 10 * np.log10(np.exp(image[14:16])) - 10 * np.log10(np.exp(4))
    expected = ((decibels.clip(-80) / 80 + 1) * 255).mean(axis=0)
    np.testing.assert_allclose(levels[7], expected, atol=0.51)


# --- traces -------------------------------------------------------------------

ENVELOPES = st.tuples(st.integers(0, 2**32 - 1), st.integers(2, 60), st.integers(0, 255)).map(
    lambda drawn: np.random.default_rng(drawn[0]).integers(
        0, drawn[2] + 1, size=(N_BANDS, drawn[1]), dtype=np.uint8
    )
)


@given(levels=ENVELOPES)
def test_traces_have_zero_mean_and_unit_variance(levels):
    """Except where a large value was clipped, or nothing changes."""
    changes = trace(levels)
    assert changes.shape == (N_BANDS, levels.shape[1] - 1)
    assert changes.dtype == np.float32
    assert np.abs(changes).max() <= 4
    steady = np.ptp(np.diff(levels.astype(int), axis=1), axis=1) == 0
    unclipped = ~steady & (np.abs(changes).max(axis=1) < 4)
    np.testing.assert_allclose(changes[unclipped].mean(axis=1), 0, atol=1e-4)
    np.testing.assert_allclose(changes[unclipped].std(axis=1), 1, atol=1e-3)
    assert (np.abs(changes[steady]) < 1e-3).all()


def test_large_changes_are_clipped(tune):
    levels = envelope(tune)
    assert np.abs(trace(levels)).max() <= 4
    calm = 100 + np.arange(levels.shape[1], dtype=np.uint8) % 2 + np.zeros_like(levels)
    calm[:, 30], calm[:, 31] = 255, 0
    assert trace(calm).max() == 4
    assert trace(calm).min() == -4


def test_constant_bands_are_zero(tune):
    levels = envelope(tune)
    levels[5] = 77
    changes = trace(levels)
    assert (changes[5] == 0).all()
    assert np.abs(changes[4]).max() > 0
    assert (trace(np.full((N_BANDS, 50), 9, dtype=np.uint8)) == 0).all()


@pytest.mark.parametrize("frames", [0, 1])
def test_empty_traces(frames):
    assert trace(np.zeros((N_BANDS, frames), dtype=np.uint8)).shape == (N_BANDS, 0)


def test_many_traces_at_once(rng):
    several = rng.integers(0, 256, size=(3, N_BANDS, 50), dtype=np.uint8)
    np.testing.assert_allclose(trace(several)[1], trace(several[1]), atol=1e-6)
    sharp = sharp_trace(trace(several))
    np.testing.assert_allclose(sharp[2], sharp_trace(trace(several[2])), atol=1e-5)


@given(levels=ENVELOPES)
def test_sharp_traces_have_a_mean_square_of_one(levels):
    changes = trace(levels)
    sharp = sharp_trace(changes)
    assert sharp.shape == changes.shape
    assert sharp.dtype == np.float32
    expected = 1 if (changes != 0).any() else 0
    assert np.square(sharp).mean() == pytest.approx(expected, abs=1e-3)


def test_sharp_traces_of_silence_are_zero():
    assert (sharp_trace(np.zeros((N_BANDS, 40), dtype=np.float32)) == 0).all()


def test_sharp_traces_correlate_with_themselves_at_one_lag_only():
    """The music repeats with every bar of two seconds."""
    bar = music(8, seconds=2)
    y = np.tile(bar, 10) + 0.3 * music(9, seconds=20)[: 10 * len(bar)]
    plain = trace(envelope(y))
    plain = plain / np.sqrt(np.square(plain).mean())

    def second_maximum(changes):
        lags, scores = correlate(changes, changes)
        assert lags[scores.argmax()] == 0
        return scores[np.abs(lags) > 0.25].max()

    assert second_maximum(sharp_trace(trace(envelope(y)))) < second_maximum(plain)
