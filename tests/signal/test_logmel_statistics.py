"""Statistics of log-mel images: against plain formulas, and from sound and files alike."""

import numpy as np
import pytest
import scipy.fft
import scipy.linalg
import scipy.stats

from gtzan_lib.data import logmels
from gtzan_lib.data.opening import open_corpus
from gtzan_lib.errors import GtzanError, RecipeError
from gtzan_lib.signal.logmel_statistics import (
    GROUPS,
    group_sizes,
    logmel_statistics,
    statistic_names,
)
from gtzan_lib.signal.recipes import Recipe
from gtzan_lib.signal.spectrograms import from_log_mels, spectrograms, write_log_mels

RECIPE = Recipe.preset("mel-gtzan-store", seconds=5)


@pytest.fixture(scope="module")
def images():
    """Images of smooth noise, over the whole grey scale."""
    levels = np.random.default_rng(0).standard_normal((5, 128, 65)).cumsum(axis=1).cumsum(axis=2)
    levels -= levels.min(axis=(1, 2), keepdims=True)
    return (levels * (255 / levels.max(axis=(1, 2), keepdims=True))).astype(np.uint8)


def of(images, group):
    return logmel_statistics(images, [group]).astype(float)


def test_columns_are_named_in_order(images):
    values = logmel_statistics(images)
    names = statistic_names()
    assert values.shape == (len(images), len(names))
    assert values.dtype == np.float32
    assert np.isfinite(values).all()
    assert len(set(names)) == len(names) == sum(group_sizes().values())
    start = 0
    for group, size in group_sizes().items():
        assert {name.rpartition("_")[0] for name in names[start : start + size]} == {group}
        np.testing.assert_array_equal(values[:, start : start + size], of(images, group))
        start += size


def test_band_statistics(images):
    levels = images / 255
    np.testing.assert_allclose(of(images, "band_mean"), levels.mean(axis=2), atol=1e-5)
    deviation = levels.std(axis=2)
    np.testing.assert_allclose(of(images, "band_deviation"), deviation, atol=1e-5)
    # A thousandth of the scale is added to the deviation.
    skewness = scipy.stats.skew(levels, axis=2) * (deviation / (deviation + 1e-3)) ** 3
    np.testing.assert_allclose(of(images, "band_skewness"), skewness, atol=1e-3)
    rough = np.abs(levels[:, 2:] - 2 * levels[:, 1:-1] + levels[:, :-2]).mean(axis=2)
    np.testing.assert_allclose(of(images, "band_roughness"), rough, atol=1e-5)
    rise = np.diff(levels, axis=2)
    np.testing.assert_allclose(of(images, "band_rise"), (rise * (rise > 0)).mean(2), atol=1e-5)


def test_quantiles_are_of_means_of_four_bands(images):
    wide = (images / 255).reshape(5, 32, 4, 65).mean(axis=2)
    found = of(images, "band_quantile").reshape(5, 5, 32)
    for number, share in enumerate((0.1, 0.25, 0.5, 0.75, 0.9)):
        expected = np.quantile(wide, share, axis=2, method="nearest")
        np.testing.assert_allclose(found[:, number], expected, atol=1e-5)


def test_cepstrum_statistics(images):
    cepstra = scipy.fft.dct(images / 255, axis=1, norm="ortho")[:, :40]
    for name, curves in (("cepstrum", cepstra), ("delta", np.diff(cepstra, axis=2))):
        deviation = curves.std(axis=2)
        found = of(images, f"{name}_deviation")
        np.testing.assert_allclose(found, np.log(deviation + 1e-3), atol=1e-3)
        share = deviation / (deviation + 1e-3)
        skewness = scipy.stats.skew(curves, axis=2) * share**3
        np.testing.assert_allclose(of(images, f"{name}_skewness"), skewness, atol=2e-3)
        kurtosis = scipy.stats.kurtosis(curves, axis=2, fisher=False) * share**4
        np.testing.assert_allclose(of(images, f"{name}_kurtosis"), kurtosis, atol=5e-3)


def test_lagged_covariance_is_a_matrix_logarithm(images):
    cepstra = scipy.fft.dct(images[0] / 255, axis=0, norm="ortho")[:28]
    stacked = np.concatenate([cepstra[:, :62], cepstra[:, 1:63], cepstra[:, 3:65]])
    covariance = np.cov(stacked, bias=True) + 3e-3 * np.eye(84)
    expected = scipy.linalg.logm(covariance)
    found = of(images[:1], "lagged_covariance")[0]
    matrix = np.zeros((84, 84))
    matrix[np.triu_indices(84)] = found
    matrix = (matrix + matrix.T) / np.sqrt(2)
    np.fill_diagonal(matrix, matrix.diagonal() / np.sqrt(2))
    np.testing.assert_allclose(matrix, expected, atol=5e-3)
    assert np.linalg.norm(found) == pytest.approx(np.linalg.norm(expected), rel=1e-3)


def test_statistics_do_not_depend_on_the_other_images(images):
    whole = logmel_statistics(np.concatenate([images] * 8))
    for start in (0, 3, 37):
        np.testing.assert_allclose(
            logmel_statistics(np.concatenate([images] * 8)[start : start + 2]),
            whole[start : start + 2],
            atol=1e-5,
        )
    assert logmel_statistics(images[:0]).shape == (0, whole.shape[1])


def test_order_in_time_does_not_change_the_levels(images):
    reversed_images = images[:, :, ::-1]
    for group in ("band_mean", "band_quantile", "cepstrum_deviation", "cepstrum_kurtosis"):
        np.testing.assert_allclose(of(reversed_images, group), of(images, group), atol=1e-3)
    assert not np.allclose(of(reversed_images, "band_rise"), of(images, "band_rise"), atol=1e-3)


@pytest.mark.parametrize("columns", [16, 39, 129, 387])
def test_black_and_constant_images_have_finite_statistics(columns):
    images = np.zeros((2, 128, columns), dtype=np.uint8)
    images[1] = 255
    assert np.isfinite(logmel_statistics(images)).all()


def test_sound_and_log_mels_have_the_same_statistics(small_folder, tmp_path):
    corpus = open_corpus(small_folder)
    file = write_log_mels(corpus, tmp_path / "mel.npz", RECIPE, progress=False)
    stored = logmels.read(file)
    for name, levels, length in list(zip(*stored, strict=True))[:3]:
        starts = RECIPE.grid.starts(length)
        y, _ = corpus.load(name, sample_rate=RECIPE.sample_rate)
        from_sound = logmel_statistics(spectrograms(y, RECIPE, starts))
        from_file = logmel_statistics(from_log_mels(levels, RECIPE, starts, duration_s=length))
        np.testing.assert_allclose(from_file, from_sound, atol=1e-5)


@pytest.mark.parametrize("shape", [(128, 65), (2, 64, 65), (2, 128, 15), (2, 3, 128, 65)], ids=str)
def test_other_images_are_refused(shape):
    with pytest.raises(RecipeError, match="have no statistics; give"):
        logmel_statistics(np.zeros(shape, dtype=np.uint8))


@pytest.mark.parametrize("groups", [["band_mean", "loudness"], [], "loudness"])
def test_unknown_groups_are_refused(images, groups):
    with pytest.raises(RecipeError, match="of statistics; choose among band_mean"):
        logmel_statistics(images, groups)
    with pytest.raises(RecipeError, match="of statistics; choose among band_mean"):
        statistic_names(groups)


def test_what_is_no_array_is_refused():
    with pytest.raises(GtzanError):
        logmel_statistics([[1, 2], [3, 4]])


def test_groups_are_distinct():
    assert len(set(GROUPS)) == len(GROUPS)
