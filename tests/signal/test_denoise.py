"""Denoising: gain in SI-SDR, lengths, silence, and errors."""

import math
import subprocess
import sys
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gtzan_lib.errors import AudioError
from gtzan_lib.signal.degradations import mix_at_snr, noise
from gtzan_lib.signal.denoise import FRAME_S, METHODS, _n_fft, denoise, si_sdr

RATE = 22_050
OURS = ("subtraction", "wiener")


def notes(seed: int, *, seconds: float = 2.0, rate: int = RATE) -> np.ndarray:
    """Return three decaying harmonic notes that begin one after the other."""
    rng = np.random.default_rng(seed)
    time = np.arange(round(seconds * rate)) / rate
    y = np.zeros(len(time))
    for start in (0.0, 0.3, 0.7):
        since = np.maximum(time - start * seconds, 0)
        hz = rng.uniform(110, 700)
        for harmonic in (1, 2, 3):
            y += np.sin(2 * np.pi * harmonic * hz * since) * np.exp(-since / 0.8) / harmonic
    return (0.2 * y).astype(np.float32)


def in_noise(
    kind: str, seed: int, *, snr_db: float = 5.0
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return notes, notes in noise, and a second of independent noise of the same level."""
    y = notes(seed)
    noisy = mix_at_snr(y, noise(kind, len(y), RATE, seed=seed), snr_db)
    alone = noise(kind, RATE, RATE, seed=seed + 1000) * np.float32(np.std(noisy - y))
    return y, noisy, alone


@pytest.mark.parametrize("kind", ["white", "pink", "room"])
@given(seed=st.integers(0, 500))
@settings(max_examples=8)
def test_wiener_gains_more_than_subtraction(kind, seed):
    y, noisy, alone = in_noise(kind, seed)
    before = si_sdr(noisy, y)
    gain = {
        method: si_sdr(denoise(noisy, RATE, alone, method=method), y) - before for method in OURS
    }
    assert gain["subtraction"] > 2
    assert gain["wiener"] > gain["subtraction"]


def test_wiener_is_the_default():
    _, noisy, alone = in_noise("white", 0)
    np.testing.assert_array_equal(
        denoise(noisy, RATE, alone), denoise(noisy, RATE, alone, method="wiener")
    )


def test_the_two_modes_of_noisereduce():
    """The stationary mode gains on white noise; the adaptive one removes held notes."""
    held = np.sin(2 * np.pi * 440 * np.arange(2 * RATE) / RATE).astype(np.float32)
    noisy = mix_at_snr(held, noise("white", len(held), RATE, seed=3), 5)
    alone = noise("white", RATE, RATE, seed=4) * np.float32(np.std(noisy - held))
    stationary, adaptive = (
        si_sdr(denoise(noisy, RATE, alone, method=method), held) - si_sdr(noisy, held)
        for method in METHODS[2:]
    )
    assert stationary > 3
    assert adaptive < stationary


def test_the_adaptive_mode_ignores_the_noise():
    _, noisy, alone = in_noise("white", 0)
    first, second = (
        denoise(noisy, RATE, profile, method="noisereduce-adaptive")
        for profile in (alone, 30 * alone)
    )
    np.testing.assert_array_equal(first, second)
    assert not np.array_equal(first, noisy)


def test_subtraction_by_the_formula():
    """Frame by frame, with the phase as an angle."""
    _, noisy, alone = in_noise("pink", 5)
    n_fft = _n_fft(RATE)
    hop_length = n_fft // 4
    hann = np.sin(np.pi * np.arange(n_fft) / n_fft) ** 2
    starts = range(0, len(alone) - n_fft + 1, hop_length)
    profile = np.mean([np.abs(np.fft.rfft(hann * alone[i : i + n_fft])) for i in starts], axis=0)
    expected, weights = np.zeros(len(noisy) + 2 * n_fft), np.zeros(len(noisy) + 2 * n_fft)
    padded = np.pad(noisy, (n_fft // 2, 2 * n_fft))
    for start in range(0, len(noisy) + hop_length, hop_length):
        inside = slice(start, start + n_fft)
        spectrum = np.fft.rfft(hann * padded[inside])
        magnitude = np.maximum(np.abs(spectrum) - profile, 1e-10)
        frame = np.fft.irfft(magnitude * np.exp(1j * np.angle(spectrum)), n_fft)
        expected[inside] += hann * frame
        weights[inside] += hann**2
    inner = slice(n_fft // 2, n_fft // 2 + len(noisy))
    ours = denoise(noisy, RATE, alone, method="subtraction")
    np.testing.assert_allclose(ours, expected[inner] / weights[inner], atol=1e-6)


@pytest.mark.parametrize("method", METHODS)
@given(
    samples=st.one_of(st.integers(1, 50), st.integers(51, 9_000)),
    rate=st.sampled_from([8_000, 11_025, 16_000, 48_000, 192_000]),
    silent=st.floats(0, 1),
    loudness=st.floats(-12, 6),
)
@settings(max_examples=12)
def test_same_length_and_finite_at_any_length_rate_and_level(
    method, samples, rate, silent, loudness
):
    rng = np.random.default_rng(samples)
    y = (10**loudness * rng.standard_normal(samples)).astype(np.float32)
    y[: round(silent * samples)] = 0
    alone = noise("pink", rate // 4, rate, seed=1)
    denoised = denoise(y, rate, alone, method=method)
    assert denoised.shape == y.shape
    assert denoised.dtype == np.float32
    assert np.isfinite(denoised).all()


@pytest.mark.parametrize("method", METHODS)
def test_silence_stays_silent(method):
    denoised = denoise(np.zeros(5000, dtype=np.float32), RATE, notes(0), method=method)
    assert denoised.shape == (5000,)
    assert not denoised.any()


@pytest.mark.parametrize("method", OURS)
def test_silence_within_a_recording_stays_silent(method):
    y = np.concatenate([notes(0), np.zeros(4 * RATE, dtype=np.float32)])
    denoised = denoise(y, RATE, 0.01 * noise("white", RATE, RATE, seed=0), method=method)
    assert np.abs(denoised[3 * RATE :]).max() < 1e-9


def test_long_digital_silence_is_not_nan():
    """It is NaN in the adaptive mode of noisereduce 3.0.3."""
    silence, y = np.zeros(640_000, dtype=np.float32), notes(0)
    denoised = denoise(np.concatenate([silence, y]), RATE, y, method="noisereduce-adaptive")
    assert not denoised[:600_000].any()
    assert np.isfinite(denoised).all()
    assert np.abs(denoised[len(silence) :]).max() > 0.1


@pytest.mark.parametrize("method", OURS)
@given(samples=st.integers(1, 9_000))
def test_without_noise_nothing_changes(method, samples):
    """The transform and its inverse return every sample."""
    y = np.random.default_rng(samples).uniform(-1, 1, samples).astype(np.float32)
    denoised = denoise(y, RATE, np.zeros(RATE, dtype=np.float32), method=method)
    np.testing.assert_allclose(denoised, y, atol=1e-5)


@pytest.mark.parametrize("method", OURS)
@given(factor=st.floats(1e-3, 1e3))
def test_result_scales_with_the_level(method, factor):
    _, noisy, alone = in_noise("pink", 2)
    expected = factor * denoise(noisy, RATE, alone, method=method)
    denoised = denoise(factor * noisy, RATE, factor * alone, method=method)
    np.testing.assert_allclose(denoised, expected, atol=1e-5 * np.abs(expected).max())


def test_input_is_not_changed():
    _, noisy, alone = in_noise("white", 0)
    before = noisy.copy(), alone.copy()
    for method in METHODS:
        denoise(noisy, RATE, alone, method=method)
    np.testing.assert_array_equal(noisy, before[0])
    np.testing.assert_array_equal(alone, before[1])


def test_frames_have_the_same_duration_at_every_rate():
    for rate in (8_000, 12_345, 22_050, 44_100, 192_000):
        assert FRAME_S <= _n_fft(rate) / rate < 1.07 * FRAME_S


def test_noise_needs_one_frame():
    y = notes(0)
    frame = _n_fft(RATE)
    denoise(y, RATE, y[:frame])
    with pytest.raises(AudioError, match=rf"has {frame - 1} samples.*at least 0\.14 s") as caught:
        denoise(y, RATE, y[: frame - 1])
    assert caught.value.reason == "the noise is too short"


NAN = np.array([0.1, np.nan, 0.2] * 2000, dtype=np.float32)


@pytest.mark.parametrize(
    ("arguments", "method", "message"),
    [
        ((NAN, RATE, np.ones(9000)), "wiener", "sample 1 of the recording is nan"),
        ((np.ones(9000), RATE, NAN), "wiener", "sample 1 of the noise is nan"),
        ((np.full(9, 1e300), RATE, np.ones(9000)), "wiener", "sample 0 of the recording is 1e"),
        ((np.ones((2, 9000)), RATE, np.ones(9000)), "wiener", r"of shape \(2, 9000\)"),
        ((np.ones(9000), RATE, np.ones((9000, 1))), "wiener", r"the noise .* \(9000, 1\)"),
        ((np.ones(9000), 7_999, np.ones(9000)), "wiener", "7999 Hz; resample"),
        ((np.ones(9000), 192_001, np.ones(90_000)), "wiener", "192001 Hz; resample"),
        ((np.ones(9000), RATE, np.ones(9000)), "magic", "'magic'.*wiener, subtraction"),
    ],
)
def test_invalid_arguments_are_refused(arguments, method, message):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(AudioError, match=message) as caught:
            denoise(*arguments, method=method)
    assert caught.value.reason
    assert str(caught.value).endswith(".")


def test_no_heavy_package_is_imported():
    heavy = ("torch", "librosa", "pandas", "noisereduce", "scipy.signal", "soundfile")
    code = (
        "import sys, gtzan_lib.signal.denoise, gtzan_lib.signal.degradations\n"
        f"print([name for name in {heavy} if name in sys.modules])"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    )
    assert result.stdout.strip() == "[]"


def test_si_sdr_by_hand():
    # The reference's share of (2, 1) along (3, 4) is 10/25: target (1.2, 1.6) of
    # energy 4, rest (0.8, -0.6) of energy 1.
    assert si_sdr([2, 1], [3, 4]) == pytest.approx(10 * math.log10(4))
    assert si_sdr([1, 0.1], [1, 0]) == pytest.approx(20)
    # An offset is a distortion.
    assert si_sdr([2, 0], [1, -1]) == pytest.approx(0)


@given(
    seed=st.integers(0, 99),
    estimate=st.floats(1e-6, 1e6),
    reference=st.floats(1e-6, 1e6),
    sign=st.sampled_from([-1, 1]),
)
def test_si_sdr_does_not_depend_on_scale(seed, estimate, reference, sign):
    first, second = np.random.default_rng(seed).normal(size=(2, 50))
    expected = si_sdr(first, second)
    assert si_sdr(sign * estimate * first, reference * second) == pytest.approx(expected)


@given(seed=st.integers(0, 99), snr_db=st.floats(-40, 80))
def test_si_sdr_is_the_snr_of_orthogonal_noise(seed, snr_db):
    y, other = np.random.default_rng(seed).normal(size=(2, 400))
    other -= (other @ y) / (y @ y) * y
    other *= np.linalg.norm(y) / np.linalg.norm(other) * 10 ** (-snr_db / 20)
    assert si_sdr(y + other, y) == pytest.approx(snr_db)


@given(seed=st.integers(0, 99), factor=st.floats(1e-6, 1e6))
def test_si_sdr_of_the_reference_itself_is_infinite(seed, factor):
    y = np.random.default_rng(seed).normal(size=5000)
    assert si_sdr(factor * y, y) == math.inf
    assert si_sdr(-factor * y, y) == math.inf


def test_si_sdr_without_the_reference_is_minus_infinity():
    assert si_sdr([0, 0], [1, 2]) == -math.inf
    assert si_sdr([0, 3], [1, 0]) == -math.inf


@pytest.mark.parametrize(
    ("estimate", "reference", "message"),
    [
        ([1, 2], [0, 0], "the reference is silent"),
        ([], [], "the reference is silent"),
        ([1, 2], [1, 2, 3], "2 samples and the reference 3"),
        ([1, np.nan], [1, 2], "sample 1 of the estimate is nan"),
        ([1, 2], [np.inf, 2], "sample 0 of the reference is inf"),
        ([[1, 2]], [1, 2], r"of shape \(1, 2\)"),
    ],
)
def test_invalid_arguments_of_si_sdr_are_refused(estimate, reference, message):
    with pytest.raises(AudioError, match=message) as caught:
        si_sdr(estimate, reference)
    assert caught.value.reason
