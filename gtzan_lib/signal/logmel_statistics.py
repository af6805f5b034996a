"""Statistics of windows of log-mel spectrograms, as features.

Each group of statistics has one number per mel band, per cepstral coefficient, or per
pair of cepstral coefficients. None depends on where in the window something happens.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from threadpoolctl import threadpool_limits

from ..data.arguments import require_array
from ..data.logmels import N_MELS
from ..errors import RecipeError

__all__ = ["GROUPS", "MIN_COLUMNS", "group_sizes", "logmel_statistics", "statistic_names"]

GROUPS = (
    "band_mean",
    "band_deviation",
    "band_skewness",
    "band_quantile",
    "band_roughness",
    "band_rise",
    "cepstrum_deviation",
    "cepstrum_skewness",
    "cepstrum_kurtosis",
    "delta_deviation",
    "delta_skewness",
    "delta_kurtosis",
    "lagged_covariance",
)
"""Groups of statistics, in the order of the columns."""

_QUANTILES = (0.1, 0.25, 0.5, 0.75, 0.9)
_BANDS_PER_QUANTILE = 4
_CEPSTRA = 40

# The covariance of this many cepstra at some columns and as many columns later.
_LAGGED_CEPSTRA, _LAGS = 28, (0, 1, 3)
# Added to the variances, in squares of the grey scale: that of rounding and of silence.
_RIDGE = 3e-3
# Added to deviations, as a share of the grey scale.
_SMALLEST = np.float32(1e-3)
# Single outliers make moments of short windows large.
_LARGEST_SKEWNESS, _LARGEST_KURTOSIS = 4.0, 12.0

MIN_COLUMNS = 16
"""Least number of columns of an image."""

# Images per step, which fit into the processor's cache.
_BATCH = 16


def group_sizes() -> dict[str, int]:
    """Return the number of columns of each of `GROUPS`."""
    lagged = _LAGGED_CEPSTRA * len(_LAGS)
    sizes = dict.fromkeys(GROUPS, _CEPSTRA) | dict.fromkeys(GROUPS[:3], N_MELS)
    return sizes | {
        "band_quantile": len(_QUANTILES) * N_MELS // _BANDS_PER_QUANTILE,
        "band_roughness": N_MELS - 2,
        "band_rise": N_MELS,
        "lagged_covariance": lagged * (lagged + 1) // 2,
    }


def statistic_names(groups: Iterable[str] = GROUPS) -> tuple[str, ...]:
    """Return the names of the columns of `logmel_statistics`, such as `band_mean_017`.

    Parameters
    ----------
    groups : iterable of str
        As for `logmel_statistics`.

    Returns
    -------
    tuple of str
        One name per column.
    """
    sizes = group_sizes()
    return tuple(f"{group}_{i:03d}" for group in _checked(groups) for i in range(sizes[group]))


def logmel_statistics(images: np.ndarray, groups: Iterable[str] = GROUPS) -> np.ndarray:
    """Compute statistics of images of windows.

    Parameters
    ----------
    images : np.ndarray [shape=(n, 128, columns), dtype=uint8]
        Images of the recipe `mel-gtzan-store`, of at least 16 columns, from sound
        (`gtzan_lib.signal.spectrograms.draw`) or from a file of log-mels
        (`gtzan_lib.signal.spectrograms.from_log_mels`). The grey scale is 1 below.
    groups : iterable of str
        Names in `GROUPS`.

        - `band_mean`, `band_deviation`, `band_skewness`: of each band, over time.
        - `band_quantile`: the 10, 25, 50, 75 and 90 % quantiles of means of four bands.
        - `band_roughness`: mean absolute second difference across neighbouring bands.
        - `band_rise`: mean increase from one column to the next, decreases counting 0.
        - `cepstrum_deviation`, `cepstrum_skewness`, `cepstrum_kurtosis`: of 40 cepstral
          coefficients (orthonormal cosine transform across the bands), over time; the
          deviation as its logarithm.
        - `delta_deviation`, `delta_skewness`, `delta_kurtosis`: of their differences from
          one column to the next.
        - `lagged_covariance`: the matrix logarithm of the covariance of 28 coefficients,
          the same one column later, and three columns later; its upper triangle, with
          elements off the diagonal times the square root of 2.

    Returns
    -------
    np.ndarray [shape=(n, statistics), dtype=float32]
        One row per image; `statistic_names` names the columns.

    Raises
    ------
    RecipeError
        If the images have other sizes, or there is no such group.

    References
    ----------
    Covariance of features as a descriptor: O. Tuzel, F. Porikli and P. Meer, "Region
    covariance", ECCV 2006. Its logarithm, whose elements can be averaged and weighted:
    V. Arsigny et al., "Log-Euclidean metrics for fast and simple calculus on diffusion
    tensors", Magnetic Resonance in Medicine 56(2), 2006.

    Examples
    --------
    >>> images = np.zeros((2, 128, 129), dtype=np.uint8)
    >>> logmel_statistics(images, ["band_mean", "band_rise"]).shape
    (2, 256)
    """
    require_array(images, "images")
    chosen = _checked(groups)
    if images.ndim != 3 or images.shape[1] != N_MELS or images.shape[2] < MIN_COLUMNS:
        raise RecipeError(
            f"images of shape {images.shape} have no statistics; give (n, {N_MELS}, columns) with "
            f"at least {MIN_COLUMNS} columns, as by the recipe mel-gtzan-store."
        )
    sizes = group_sizes()
    rows = np.empty((len(images), sum(sizes[group] for group in chosen)), dtype=np.float32)
    # Sums depend on the number of threads, and statistics must not.
    with threadpool_limits(1, user_api="blas"):
        for start in range(0, len(images), _BATCH):
            part = images[start : start + _BATCH]
            values = _statistics(part.astype(np.float32) / np.float32(255), chosen)
            np.concatenate([values[group] for group in chosen], axis=1, out=rows[start:][:_BATCH])
    return rows


def _checked(groups: Iterable[str]) -> tuple[str, ...]:
    chosen = (groups,) if isinstance(groups, str) else tuple(groups)
    if not chosen or (unknown := [group for group in chosen if group not in GROUPS]):
        what = f"group {unknown[0]!r}" if chosen else "empty list of groups"
        raise RecipeError(f"there is no {what} of statistics; choose among {', '.join(GROUPS)}.")
    return chosen


def _statistics(levels: np.ndarray, groups: tuple[str, ...]) -> dict[str, np.ndarray]:
    """Return the groups for levels [shape=(n, bands, columns)] from 0 to 1."""
    values: dict[str, np.ndarray] = {}
    if any(group.startswith("band") for group in groups):
        values |= _of_bands(levels)
    if any(not group.startswith("band") for group in groups):
        cepstra = _cosines() @ levels
        values |= _of_cepstra(cepstra)
        if "lagged_covariance" in groups:
            values["lagged_covariance"] = _log_covariance(cepstra[:, :_LAGGED_CEPSTRA])
    return values


def _of_bands(levels: np.ndarray) -> dict[str, np.ndarray]:
    n, _, columns = levels.shape
    mean, deviation, skewness, _ = _moments(levels)
    wide = np.sort(levels.reshape(n, -1, _BANDS_PER_QUANTILE, columns).mean(axis=2), axis=2)
    nearest = [round(share * (columns - 1)) for share in _QUANTILES]
    return {
        "band_mean": mean,
        "band_deviation": deviation,
        "band_skewness": skewness,
        "band_quantile": wide[:, :, nearest].transpose(0, 2, 1).reshape(n, -1),
        "band_roughness": np.abs(np.diff(levels, 2, axis=1)).mean(axis=2),
        "band_rise": np.maximum(np.diff(levels, axis=2), 0).mean(axis=2),
    }


def _of_cepstra(cepstra: np.ndarray) -> dict[str, np.ndarray]:
    values = {}
    for name, curves in (("cepstrum", cepstra), ("delta", np.diff(cepstra, axis=2))):
        _, deviation, skewness, kurtosis = _moments(curves)
        values[f"{name}_deviation"] = np.log(deviation + _SMALLEST)
        values[f"{name}_skewness"], values[f"{name}_kurtosis"] = skewness, kurtosis
    return values


def _moments(curves: np.ndarray) -> tuple[np.ndarray, ...]:
    """Return mean, deviation, skewness and kurtosis over the last axis."""
    mean = curves.mean(axis=-1, keepdims=True)
    centred = curves - mean
    deviation = np.sqrt(np.square(centred).mean(axis=-1, keepdims=True))
    scaled = centred / (deviation + _SMALLEST)
    squares = np.square(scaled)
    skewness = (squares * scaled).mean(axis=-1).clip(-_LARGEST_SKEWNESS, _LARGEST_SKEWNESS)
    kurtosis = np.square(squares).mean(axis=-1).clip(max=_LARGEST_KURTOSIS)
    return mean[..., 0], deviation[..., 0], skewness, kurtosis


def _log_covariance(cepstra: np.ndarray) -> np.ndarray:
    last = cepstra.shape[2] - max(_LAGS)
    stacked = np.concatenate([cepstra[:, :, lag : last + lag] for lag in _LAGS], axis=1)
    centred = stacked - stacked.mean(axis=2, keepdims=True)
    covariance = centred @ centred.transpose(0, 2, 1) / np.float32(last)
    values, vectors = np.linalg.eigh(covariance)
    logs = np.log(np.maximum(values, 0) + np.float32(_RIDGE))
    logarithm = (vectors * logs[:, None, :]) @ vectors.transpose(0, 2, 1)
    row, column = np.triu_indices(logarithm.shape[1])
    # The norm of the triangle is that of the matrix.
    scale = np.where(row == column, 1, np.sqrt(2)).astype(np.float32)
    return logarithm[:, row, column] * scale


def _cosines() -> np.ndarray:
    """Return the first rows of the orthonormal cosine transform across the bands."""
    # As scipy.fft.dct(np.eye(N_MELS), axis=0, norm="ortho"), whose import takes a while.
    angles = np.outer(np.arange(_CEPSTRA), np.arange(N_MELS) + 0.5) * np.pi / N_MELS
    rows = np.cos(angles) * np.sqrt(2 / N_MELS)
    rows[0] /= np.sqrt(2)
    return rows.astype(np.float32)
