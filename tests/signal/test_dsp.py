"""Transforms and weights compared with librosa's and scipy's."""

import librosa
import numpy as np
import pytest
import scipy.signal
from hypothesis import given
from hypothesis import strategies as st

from gtzan_lib.signal import dsp


@pytest.mark.parametrize(
    ("n_fft", "hop_length", "samples"),
    [(1024, 71, 36_000), (2048, 512, 66_150), (512, 100, 513), (256, 256, 256)],
)
def test_power_is_librosas(rng, n_fft, hop_length, samples):
    y = rng.normal(scale=0.3, size=samples).astype(np.float32)
    ours = dsp.stft_power(y, n_fft=n_fft, hop_length=hop_length)
    assert ours.dtype == np.float32
    assert ours.shape == (1 + samples // hop_length, n_fft // 2 + 1)
    theirs = np.abs(librosa.stft(y, n_fft=n_fft, hop_length=hop_length, pad_mode="constant")) ** 2
    np.testing.assert_allclose(ours, theirs.T, atol=2e-5 * theirs.max())


@pytest.mark.filterwarnings("ignore:n_fft=.* is too large")
@given(
    n_fft=st.sampled_from([64, 100, 256]),
    hop_length=st.integers(1, 300),
    samples=st.integers(1, 3000),
    loudness=st.floats(-7, 2),
)
def test_power_is_librosas_for_any_length(n_fft, hop_length, samples, loudness):
    y = 10**loudness * np.random.default_rng(samples).normal(size=samples)
    y = y.astype(np.float32)
    ours = dsp.stft_power(y, n_fft=n_fft, hop_length=hop_length)
    theirs = np.abs(librosa.stft(y, n_fft=n_fft, hop_length=hop_length)) ** 2
    np.testing.assert_allclose(ours, theirs.T, atol=2e-5 * theirs.max())


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n", [2, 3, 100, 511, 512, 1024, 2048, 4096])
def test_hann_is_scipys_to_the_last_bit(n, dtype):
    window = dsp.hann(n, np.dtype(dtype))
    assert window.dtype == dtype
    np.testing.assert_array_equal(window, scipy.signal.get_window("hann", n).astype(dtype))


def test_hann_has_single_precision_by_default():
    np.testing.assert_array_equal(dsp.hann(64), dsp.hann(64, np.dtype(np.float32)))
    assert dsp.hann(64).dtype == np.float32


# Relative to the largest value of a transform or signal.
PRECISION = {np.float32: 2e-6, np.float64: 1e-14}
COMPLEX = {np.float32: np.complex64, np.float64: np.complex128}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("pad_mode", ["constant", "reflect"])
@pytest.mark.parametrize(
    ("n_fft", "hop_length", "samples"),
    [(1024, 71, 36_000), (2048, 512, 66_150), (512, 100, 513), (256, 256, 256), (100, 25, 1_000)],
)
def test_stft_is_librosas(rng, n_fft, hop_length, samples, pad_mode, dtype):
    y = rng.normal(scale=0.3, size=samples).astype(dtype)
    before = y.copy()
    ours = dsp.stft(y, n_fft=n_fft, hop_length=hop_length, pad_mode=pad_mode)
    theirs = librosa.stft(y, n_fft=n_fft, hop_length=hop_length, pad_mode=pad_mode)
    assert ours.dtype == theirs.dtype == COMPLEX[dtype]
    assert ours.shape == (1 + samples // hop_length, n_fft // 2 + 1)
    np.testing.assert_allclose(ours, theirs.T, atol=PRECISION[dtype] * np.abs(theirs).max())
    np.testing.assert_array_equal(y, before)


@pytest.mark.parametrize(("samples", "count"), [(512, 1), (611, 1), (612, 2), (5000, 45)])
def test_whole_frames_are_those_of_librosa_without_padding(rng, samples, count):
    y = rng.normal(size=samples).astype(np.float32)
    ours = dsp.whole_frames_stft(y, n_fft=512, hop_length=100)
    theirs = librosa.stft(y, n_fft=512, hop_length=100, center=False)
    assert ours.shape == (count, 257)
    np.testing.assert_allclose(ours, theirs.T, atol=2e-6 * np.abs(theirs).max())


def test_power_of_frames_is_the_squared_magnitude(rng):
    y = rng.normal(size=5000)
    frames = dsp.frames(y, n_fft=512, hop_length=100)
    assert frames.shape == (45, 512)
    np.testing.assert_array_equal(frames[7], y[700:1212])
    spectrum = dsp.whole_frames_stft(y, n_fft=512, hop_length=100)
    power = dsp.power(frames * dsp.hann(512, y.dtype))
    np.testing.assert_allclose(power, np.abs(spectrum) ** 2, rtol=1e-10)


# At both ends few frames overlap, and rounding is divided by a small weight.
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    ("n_fft", "hop_length", "samples"),
    [
        (1024, 256, 36_000),
        (2048, 512, 66_150),
        (512, 128, 512),
        (256, 64, 2_000),
        (512, 256, 4_097),
    ],
)
def test_istft_is_librosas(rng, n_fft, hop_length, samples, dtype):
    """Of a transform that no signal has."""
    shape = (1 + samples // hop_length, n_fft // 2 + 1)
    transform = (rng.normal(size=shape) + 1j * rng.normal(size=shape)).astype(COMPLEX[dtype])
    before = transform.copy()
    ours = dsp.istft(transform, samples, hop_length=hop_length)
    theirs = librosa.istft(transform.T, hop_length=hop_length, length=samples)
    assert ours.shape == theirs.shape == (samples,)
    assert ours.dtype == theirs.dtype == dtype
    # librosa treats the last samples, behind the last frame's middle, in its own way.
    inner = slice(0, (len(transform) - 1) * hop_length)
    np.testing.assert_allclose(
        ours[inner], theirs[inner], atol=PRECISION[dtype] * np.abs(theirs).max()
    )
    np.testing.assert_array_equal(transform, before)


@given(
    n_fft=st.sampled_from([64, 100, 256]),
    overlap=st.sampled_from([2, 4]),
    samples=st.integers(1, 3000),
    dtype=st.sampled_from([np.float32, np.float64]),
)
def test_istft_is_the_inverse(n_fft, overlap, samples, dtype):
    hop_length = n_fft // overlap
    y = np.random.default_rng(samples).normal(size=samples).astype(dtype)
    transform = dsp.stft(y, n_fft=n_fft, hop_length=hop_length)
    again = dsp.istft(transform, samples, hop_length=hop_length)
    assert again.dtype == dtype
    np.testing.assert_allclose(again, y, atol=50 * PRECISION[dtype] * np.abs(y).max())


def test_input_is_not_changed(rng):
    y = rng.normal(size=4000).astype(np.float32)
    before = y.copy()
    dsp.stft_power(y, n_fft=512, hop_length=128)
    np.testing.assert_array_equal(y, before)


def test_silence_has_no_power():
    assert not dsp.stft_power(np.zeros(1000, dtype=np.float32), n_fft=256, hop_length=64).any()


@given(source=st.integers(1, 600), target=st.integers(1, 600))
def test_area_weights_are_an_average(source, target):
    weights = dsp.area_weights(source, target)
    assert weights.shape == (target, source)
    assert weights.dtype == np.float32
    assert weights.min() >= 0
    np.testing.assert_allclose(weights.sum(axis=1), 1, atol=1e-5)
    # All source cells have the same weight in the sum.
    np.testing.assert_allclose(weights.sum(axis=0), target / source, rtol=1e-3, atol=1e-5)


@given(factor=st.integers(1, 9), target=st.integers(1, 30))
def test_whole_factors_are_block_means(factor, target):
    values = np.random.default_rng(0).normal(size=factor * target)
    expected = values.reshape(target, factor).mean(axis=1)
    np.testing.assert_allclose(dsp.area_weights(len(values), target) @ values, expected, atol=1e-5)


def test_area_weights_by_hand():
    np.testing.assert_allclose(
        dsp.area_weights(3, 2), [[2 / 3, 1 / 3, 0], [0, 1 / 3, 2 / 3]], atol=1e-7
    )
    np.testing.assert_array_equal(dsp.area_weights(5, 5), np.eye(5))


@pytest.mark.parametrize("fmax", [None, 500.0, 1_000.0, 3_999.5, 8_000.0, 11_025.0])
@pytest.mark.parametrize(
    ("sample_rate", "n_fft", "n_mels"),
    [
        (22_050, 2048, 128),
        (22_050, 1024, 40),
        (44_100, 4096, 229),
        (16_000, 512, 1),
        (8_000, 511, 9),
    ],
)
@pytest.mark.filterwarnings("ignore:Empty filters detected")
def test_mel_weights_are_librosas(sample_rate, n_fft, n_mels, fmax):
    """With `fmax` below and above 1000 Hz, where the scale changes, and above half the rate."""
    ours = dsp.mel_weights(sample_rate=sample_rate, n_fft=n_fft, n_mels=n_mels, fmax=fmax)
    theirs = librosa.filters.mel(sr=sample_rate, n_fft=n_fft, n_mels=n_mels, fmax=fmax)
    assert ours.dtype == theirs.dtype == np.float32
    assert ours.shape == (n_mels, n_fft // 2 + 1)
    np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6 * theirs.max())


@given(
    sample_rate=st.sampled_from([8_000, 12_000, 22_050, 44_100]),
    n_fft=st.sampled_from([256, 1000, 2048]),
    n_mels=st.integers(1, 160),
    share=st.floats(0.05, 1),
)
@pytest.mark.filterwarnings("ignore:Empty filters detected")
def test_mel_weights_are_librosas_for_any_range(sample_rate, n_fft, n_mels, share):
    fmax = share * sample_rate / 2
    ours = dsp.mel_weights(sample_rate=sample_rate, n_fft=n_fft, n_mels=n_mels, fmax=fmax)
    theirs = librosa.filters.mel(sr=sample_rate, n_fft=n_fft, n_mels=n_mels, fmax=fmax)
    np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=2e-6 * theirs.max())
