"""Noise and distortions: spectra, levels and lengths."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gtzan_lib import mp3
from gtzan_lib.errors import AudioError
from gtzan_lib.signal.degradations import (
    DEGRADATIONS,
    NOISE_TYPES,
    mix_at_snr,
    noise,
)

RATE = 22_050


def rms(y: np.ndarray) -> float:
    return float(np.sqrt(np.mean(np.square(y, dtype=np.float64))))


def band_db(y: np.ndarray, low: float, high: float, rate: int = RATE) -> float:
    """Power per Hz between two frequencies, in dB."""
    power = np.abs(np.fft.rfft(y)) ** 2
    hz = np.fft.rfftfreq(len(y), 1 / rate)
    return 10 * np.log10(power[(hz >= low) & (hz < high)].mean())


def spectrum_distance(y: np.ndarray, other: np.ndarray) -> float:
    return float(np.linalg.norm(y - other) / np.linalg.norm(y))


def music(seconds: float = 1.0, rate: int = RATE) -> np.ndarray:
    time = np.arange(round(seconds * rate)) / rate
    chord = sum(np.sin(2 * np.pi * hz * time) for hz in (220, 277.2, 329.6, 1760))
    return (0.2 * chord * np.exp(-3 * (time % 0.5))).astype(np.float32)


@given(
    kind=st.sampled_from(NOISE_TYPES),
    samples=st.integers(1, 30_000),
    rate=st.sampled_from([50, 8_000, 22_050, 192_000]),
    seed=st.integers(0, 2**40),
)
def test_noise_has_unit_rms_and_is_reproducible(kind, samples, rate, seed):
    y = noise(kind, samples, rate, seed=seed)
    assert y.shape == (samples,)
    assert y.dtype == np.float32
    assert rms(y) == pytest.approx(1, rel=1e-5)
    np.testing.assert_array_equal(y, noise(kind, samples, rate, seed=seed))


@pytest.mark.parametrize("kind", NOISE_TYPES)
def test_seeds_give_independent_noise(kind):
    first, second = (noise(kind, 10 * RATE, RATE, seed=seed) for seed in (0, 1))
    assert abs(first @ second) / len(first) < 0.2
    assert not np.array_equal(noise("white", 100, RATE, seed=0), noise("pink", 100, RATE, seed=0))


@pytest.mark.parametrize(("kind", "slope"), [("white", 0), ("pink", -3.01)])
def test_slope_of_the_spectrum(kind, slope):
    y = noise(kind, 20 * RATE, RATE, seed=1)
    octaves = [band_db(y, low, 2 * low) for low in (100, 200, 400, 800, 1600, 3200)]
    np.testing.assert_allclose(np.diff(octaves), slope, atol=0.5)


def test_pink_noise_is_not_circular():
    """A transform joins the end to the beginning; both must be independent."""
    samples = np.array([noise("pink", RATE, RATE, seed=seed)[[0, 1, -1]] for seed in range(300)])
    start, second, end = samples.T
    assert np.corrcoef(start, second)[0, 1] > 0.6
    assert abs(np.corrcoef(start, end)[0, 1]) < 0.3


@pytest.mark.parametrize("seed", range(4))
def test_room_noise_has_hum_and_changes(seed):
    y = noise("room", 20 * RATE, RATE, seed=seed)
    for hz in (50, 100, 150):
        assert band_db(y, hz - 0.5, hz + 0.5) > band_db(y, hz + 10, hz + 30) + 10
    assert band_db(y, 200, 240) > band_db(y, 2_000, 4_000) + 10
    # Level of the treble in pieces of 0.2 s; that of white noise stays within 1 dB.
    treble = np.diff(y, append=0).reshape(-1, RATE // 5)
    levels = 10 * np.log10(np.square(treble).mean(axis=1))
    assert np.ptp(levels) > 4


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("brown", 10, RATE), "'brown'; choose one of white, pink, room"),
        (("pink", 0, RATE), "samples is 0"),
        (("pink", 10, 0), "sample_rate is 0"),
    ],
)
def test_invalid_arguments_of_noise_are_refused(arguments, message):
    with pytest.raises(AudioError, match=message) as caught:
        noise(*arguments, seed=0)
    assert caught.value.reason


@given(snr_db=st.floats(-30, 60), level=st.floats(-4, 2), noise_level=st.floats(-4, 2))
def test_mix_has_the_snr(snr_db, level, noise_level):
    y = 10**level * music(0.2).astype(np.float64)
    mixed = mix_at_snr(y, 10**noise_level * noise("white", len(y), RATE, seed=0), snr_db)
    assert mixed.dtype == np.float32
    measured = 20 * np.log10(rms(y) / rms(mixed.astype(np.float64) - y))
    assert measured == pytest.approx(snr_db, abs=0.05)


VALID = np.ones(4, dtype=np.float32)


@pytest.mark.parametrize(
    ("y", "other", "snr_db", "message"),
    [
        (0 * VALID, VALID, 5, "the signal is silent.*5 dB"),
        (VALID, 0 * VALID, 5, "the noise is silent"),
        (VALID[:0], VALID[:0], 5, "the signal is silent"),
        (VALID, VALID[:3], 5, r"\(4,\) and the noise's \(3,\)"),
        (VALID[None], VALID[None], 5, r"\(1, 4\)"),
        (np.nan * VALID, VALID, 5, "the signal has samples that are not finite"),
        (VALID, np.inf * VALID, 5, "the noise has samples that are not finite"),
        (VALID, VALID, np.nan, "snr_db is nan"),
    ],
)
def test_invalid_arguments_of_a_mix_are_refused(y, other, snr_db, message):
    with pytest.raises(AudioError, match=message) as caught:
        mix_at_snr(y, other, snr_db)
    assert caught.value.reason


@pytest.mark.parametrize("name", DEGRADATIONS)
@given(
    samples=st.one_of(st.integers(0, 30), st.integers(31, 20_000)),
    rate=st.sampled_from([6_000, 8_000, 12_345, 22_050, 44_100, 96_000, 192_000]),
    loudness=st.floats(-6, 4),
)
@settings(max_examples=12)
def test_same_length_finite_and_reproducible(name, samples, rate, loudness):
    y = (10**loudness * np.random.default_rng(samples).standard_normal(samples)).astype(np.float32)
    before = y.copy()
    degraded = DEGRADATIONS[name](y, rate)
    assert degraded.shape == y.shape
    assert degraded.dtype == np.float32
    assert np.isfinite(degraded).all()
    np.testing.assert_array_equal(y, before)
    np.testing.assert_array_equal(degraded, DEGRADATIONS[name](y, rate))


@pytest.mark.parametrize("name", DEGRADATIONS)
def test_music_is_changed_and_silence_is_not(name):
    y = music()
    assert spectrum_distance(y, DEGRADATIONS[name](y, RATE)) > 0.003
    assert np.abs(DEGRADATIONS[name](np.zeros(RATE, dtype=np.float32), RATE)).max() < 1e-6


@pytest.mark.parametrize("name", DEGRADATIONS)
@pytest.mark.parametrize("y", [np.ones((2, 9)), np.array([0.1, np.nan])])
def test_invalid_waveforms_are_refused(name, y):
    with pytest.raises(AudioError, match=r"give (one channel|a waveform)"):
        DEGRADATIONS[name](y, RATE)


@pytest.mark.parametrize("rate", mp3.SAMPLE_RATES)
def test_mp3_has_64_kbit_s(rate):
    y = noise("pink", 8 * rate, rate, seed=0) / 10
    content = mp3.encode(y, rate, mp3.compression_level(64, rate))
    assert len(content) * 8 / 8 / 1000 == pytest.approx(64, abs=2.5)


@pytest.mark.parametrize(
    ("kbit_s", "rate", "level"),
    [(320, 44_100, 0), (32, 32_000, 1), (160, 22_050, 0), (8, 16_000, 1), (64, 8_000, 0)],
)
def test_compression_levels_of_the_highest_and_the_lowest_bit_rate(kbit_s, rate, level):
    assert mp3.compression_level(kbit_s, rate) == level


@pytest.mark.parametrize(("kbit_s", "level"), [(64, 0.6), (96, 0.4), (128, 0.2)])
def test_rounded_levels_of_the_synthetic_corpus(kbit_s, level):
    """Another level would change the bytes of its re-encoded tracks."""
    assert round(mp3.compression_level(kbit_s, 22_050), 1) == level


@pytest.mark.parametrize("rate", [8_000, 22_050, 44_100, 30_000, 96_000])
def test_mp3_is_aligned(rate):
    """The delay of the encoder, more than a thousand samples, is removed."""
    y = music(1.0, rate)
    degraded = DEGRADATIONS["mp3 64 kbit/s"](y, rate)
    assert spectrum_distance(y, degraded) < 0.1
    for lag in (-1, 1):
        assert spectrum_distance(y, degraded) < spectrum_distance(y, np.roll(degraded, lag))


def test_mp3_loses_treble():
    y = noise("white", 4 * 44_100, 44_100, seed=0) / 10
    degraded = DEGRADATIONS["mp3 64 kbit/s"](y, 44_100)
    assert band_db(degraded, 500, 5_000, 44_100) == pytest.approx(
        band_db(y, 500, 5_000, 44_100), abs=1.5
    )
    assert band_db(degraded, 18_000, 20_000, 44_100) < band_db(y, 18_000, 20_000, 44_100) - 20


def test_clipping_by_hand():
    y = np.array([0.1, 0.25, 1.0, -1.0, -0.2, 0.0], dtype=np.float32)
    gain = 10 ** (12 / 20)
    expected = [0.1 * gain, 0.25 * gain, 1, -1, -0.2 * gain, 0]
    np.testing.assert_allclose(DEGRADATIONS["clipped +12 dB"](y, RATE), expected, rtol=1e-6)


@pytest.mark.parametrize("slope", [3, -3])
def test_tilt_is_3_db_per_octave_at_the_same_level(slope):
    y = noise("white", 10 * RATE, RATE, seed=0) / 10
    degraded = DEGRADATIONS[f"tilt {slope:+d} dB/octave"](y, RATE)
    assert rms(degraded) == pytest.approx(rms(y), rel=1e-5)
    change = [
        band_db(degraded, low, low * 1.1) - band_db(y, low, low * 1.1) for low in (200, 400, 3200)
    ]
    np.testing.assert_allclose(np.diff(change), [slope, 3 * slope], atol=0.2)


@pytest.mark.parametrize("rate", [8_000, 44_100])
def test_reverberation_falls_by_60_db_in_half_a_second(rate):
    click = np.zeros(rate, dtype=np.float32)
    click[0] = 1
    degraded = DEGRADATIONS["reverb 0.5 s"](click, rate)
    assert rms(degraded) == pytest.approx(rms(click), rel=1e-5)
    # Direct sound with the energy of the rest, then silence for 10 ms.
    assert degraded[0] ** 2 == pytest.approx(np.sum(degraded[1:] ** 2), rel=1e-3)
    assert np.abs(degraded[1 : rate // 101]).max() < 1e-6
    levels = [
        20 * np.log10(rms(degraded[round(start * rate) : round((start + 0.05) * rate)]))
        for start in (0.05, 0.3)
    ]
    assert levels[0] - levels[1] == pytest.approx(60 * 0.25 / 0.5, abs=2.5)
