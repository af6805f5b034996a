"""Confirmation that two tracks hold one recording, section by section.

Pieces of one tempo have their beats in common, and pieces from one drum machine
also its sounds. A copy has everything in common, the moments between two beats
included. Two tracks are therefore aligned and cut into short sections; they hold
one recording if all but a quarter of the sections agree.

References
----------
Alignment: C. Knapp and G. Carter, "The generalized correlation method for
estimation of time delay", IEEE Transactions on Acoustics, Speech and Signal
Processing 24(4), 1976.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.metadata
import json
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import scipy.fft

from ..data.audio import Blocks, is_invalid
from ..digests import package_digest
from ..errors import OutputError
from ..files import canonical_json, write_json
from .fingerprints import FRAME_S, LONGEST_S, decibels

__all__ = ["CachedWaveforms", "Confirmation", "Images", "Waveforms"]

# The share of sections that may differ: gaps, clipped peaks, what an encoder left out.
_MAY_DIFFER = 0.25
# Least overlap, unless half of the shorter track is less.
_OVERLAP_S = 10.0

# Waveforms: the rate in Hz keeps what all encoders keep.
_RATE = 4_000
_SECTION = _RATE // 10
_PRE_EMPHASIS = 0.95
# How far spectra are flattened for the alignment, so that one lag stands out.
_FLATTEN = 0.5
# Half the length in samples of the filter from one track to the other.
_REACH = 4
# Power of a silent section, relative to the mean of its track.
_SILENT = 1e-5
# Waveforms that are kept in memory; those of one search are used again soon.
_KEPT = 40

# Images: fractions of a column by which the first or the second is delayed.
_DELAYS = ((0.5, 0.0), (0.25, 0.0), (0.0, 0.0), (0.0, 0.25), (0.0, 0.5))


class Confirmation(NamedTuple):
    """How far two tracks agree where they overlap.

    Attributes
    ----------
    score : float
        Correlation that three quarters of the sections reach, at most 1.
    lag_s : float
        By how many seconds the recording is later in the first track.
    """

    score: float
    lag_s: float


class Waveforms:
    """Compares the waveforms of audio files.

    Files are decoded when they are compared. The first `fingerprints.LONGEST_S`
    seconds are resampled to 4 kHz with pre-emphasis, and aligned by their
    cross-correlation; the filter of 2 ms that makes one track most similar to the
    other removes fractions of a sample, level, polarity and equalisation. Sections
    have 0.1 s.

    Parameters
    ----------
    paths : sequence of str or Path
        Audio files that can be decoded.
    """

    CONFIRMED = 0.5
    """Score from which two files hold one recording.

    Different pieces of one tempo, also with the same drum sounds and patterns, stay
    below 0.3; copies at 32 kbit/s, or clipped by 12 dB, exceed 0.75.
    """

    def __init__(self, paths: Sequence[str | Path]) -> None:
        self._samples = lru_cache(_KEPT)(lambda number: _read(paths[number]))
        self._spectrum = lru_cache(_KEPT)(
            lambda number, size: _flat_spectrum(self._samples(number), size)
        )

    def __call__(self, a: int, b: int) -> Confirmation:
        """Compare two files.

        Parameters
        ----------
        a, b : int
            Their positions in `paths`.

        Returns
        -------
        Confirmation
            Score and lag.

        Raises
        ------
        AudioError
            If a file can no longer be decoded.
        """
        first, second = self._samples(a), self._samples(b)
        # A power of two, so that the spectrum of one track serves all of similar length.
        size = 1 << (len(first) + len(second)).bit_length()
        product = self._spectrum(a, size) * self._spectrum(b, size).conj()
        lags = _lags(len(first), len(second), round(_OVERLAP_S * _RATE))
        lag = int(lags[np.abs(scipy.fft.irfft(product, size)[lags]).argmax()])
        score = _filtered_agreement(*_overlapping(first, second, lag))
        return Confirmation(score, lag / _RATE)


class CachedWaveforms(Waveforms):
    """Compares the waveforms of audio files, each pair of contents once.

    Every result is written at once, so that an interrupted search continues, and
    is valid while neither the samples nor the code change; names do not matter.

    Parameters
    ----------
    paths : sequence of str or Path
        Audio files that can be decoded.
    digests : sequence of str
        One per file; files with the same digest have the same sound.
    folder : Path
        Holds one small file per pair. Where it cannot be written, nothing is cached.
    """

    def __init__(self, paths: Sequence[str | Path], digests: Sequence[str], folder: Path) -> None:
        super().__init__(paths)
        modules = ("data.audio", "data.decoders", "health.confirmation", "health.fingerprints")
        versions = [importlib.metadata.version(name) for name in ("numpy", "scipy", "soxr")]
        self._code = [package_digest(*modules), *versions]
        self._digests, self._folder = digests, folder

    def __call__(self, a: int, b: int) -> Confirmation:
        """Compare two files, or return what their comparison gave before.

        Parameters
        ----------
        a, b : int
            Their positions in `paths`.

        Returns
        -------
        Confirmation
            Score and lag.

        Raises
        ------
        AudioError
            If a file can no longer be decoded.
        """
        key = canonical_json([self._code, self._digests[a], self._digests[b]])
        name = hashlib.sha256(key.encode()).hexdigest()
        path = self._folder / name[:2] / f"{name}.json"
        # There is no result yet, or one that something else damaged.
        with contextlib.suppress(OSError, ValueError, TypeError):
            return Confirmation(*map(float, json.loads(path.read_text(encoding="utf-8"))))
        agreement = super().__call__(a, b)
        with contextlib.suppress(OSError, OutputError):
            write_json(path, agreement)
        return agreement


class Images:
    """Compares log-mel images.

    Sections are single columns without the mean of their band, which is the colour of
    the sound, and without their own mean, which is the beat. Images are aligned, to
    fractions of a column, where the mean correlation of their columns is greatest.

    Parameters
    ----------
    images : sequence of np.ndarray [shape=(n_mels, columns)]
        As for `fingerprints.from_log_mel`.
    """

    CONFIRMED = 0.42
    """Score from which two images show one recording.

    Different pieces of one tempo stay below 0.2, or 0.42 with the same drum sounds and
    patterns; copies at 32 kbit/s exceed 0.5.
    """

    def __init__(self, images: Sequence[np.ndarray]) -> None:
        self._columns = lru_cache(3 * _KEPT)(
            lambda number, delay: _unit_columns(_delayed(decibels(images[number]), delay))
        )

    def __call__(self, a: int, b: int) -> Confirmation:
        """Compare two images.

        Parameters
        ----------
        a, b : int
            Their positions in `images`.

        Returns
        -------
        Confirmation
            Score and lag.
        """
        alignments = []
        for delays in _DELAYS:
            first, second = self._columns(a, delays[0]), self._columns(b, delays[1])
            alignments.append((*_best_lag(first, second), first, second, delays))
        _, lag, first, second, delays = max(alignments, key=lambda alignment: alignment[0])
        scores = _column_scores(*_overlapping(first, second, lag))
        return Confirmation(_quarter(scores), (lag + delays[1] - delays[0]) * FRAME_S)


def _lags(first: int, second: int, least: int) -> np.ndarray:
    """Return the lags at which two lengths overlap enough."""
    least = min(least, -(-min(first, second) // 2))
    return np.arange(least - second, first - least + 1)


def _overlapping(first: np.ndarray, second: np.ndarray, lag: int) -> tuple[np.ndarray, np.ndarray]:
    """Return what overlaps along the last axis if the second begins `lag` after the first."""
    start, end = max(0, lag), min(first.shape[-1], lag + second.shape[-1])
    return first[..., start:end], second[..., start - lag : end - lag]


def _quarter(scores: np.ndarray) -> float:
    return float(np.quantile(scores, _MAY_DIFFER)) if len(scores) else 0.0


# --- waveforms ----------------------------------------------------------------


def _read(path: str | Path) -> np.ndarray:
    """Return the beginning of a file with pre-emphasis."""
    blocks, samples = [], 0
    for block in Blocks(path, sample_rate=_RATE):
        blocks.append(block)
        samples += len(block)
        if samples >= LONGEST_S * _RATE:
            break
    y = np.concatenate(blocks)[: round(LONGEST_S * _RATE)]
    y[is_invalid(y)] = 0
    return np.append(y[:1], y[1:] - np.float32(_PRE_EMPHASIS) * y[:-1])


def _flat_spectrum(y: np.ndarray, size: int) -> np.ndarray:
    spectrum = scipy.fft.rfft(y, size)
    magnitude = np.abs(spectrum)
    return spectrum / (magnitude + 1e-6 * magnitude.max() + np.float32(1e-12)) ** _FLATTEN


def _filtered_agreement(first: np.ndarray, second: np.ndarray) -> float:
    """Return the agreement of the first with the filtered second, over sections of 0.1 s."""
    taps = np.lib.stride_tricks.sliding_window_view(second, 2 * _REACH + 1)
    # A product of a view whose rows overlap is slow.
    taps = np.ascontiguousarray(taps)
    target = first[_REACH : len(first) - _REACH]
    gram = (taps.T @ taps).astype(np.float64)
    gram += np.eye(len(gram)) * (1e-6 * np.trace(gram) + 1e-12)
    filtered = taps @ np.linalg.solve(gram, taps.T @ target).astype(np.float32)
    count = max(1, len(target) // _SECTION)
    sections = [y[: count * _SECTION].reshape(count, -1) for y in (target, filtered)]
    powers = [np.square(section).sum(axis=1) for section in sections]
    sounds = np.logical_or(*(power > _SILENT * power.mean() for power in powers))
    products = np.einsum("ij,ij->i", *sections)
    norms = np.sqrt(powers[0] * powers[1])
    scores = np.divide(products, norms, out=np.zeros_like(products), where=norms > 0)
    return _quarter(scores[sounds])


# --- images -------------------------------------------------------------------


def _delayed(levels: np.ndarray, fraction: float) -> np.ndarray:
    """Return an image that begins a fraction of a column later, by interpolation."""
    return (1 - fraction) * levels + fraction * np.roll(levels, 1, axis=1) if fraction else levels


def _unit_columns(levels: np.ndarray) -> np.ndarray:
    """Return columns of norm 1, without the mean of band and column; of norm 0 if silent."""
    sounds = np.ptp(levels, axis=0) > 0
    columns = np.zeros_like(levels)
    if sounds.any():
        colour = levels[:, sounds].mean(axis=1, keepdims=True)
        columns[:, sounds] = levels[:, sounds] - colour
        columns -= columns.mean(axis=0)
        norms = np.sqrt(np.square(columns).sum(axis=0))
        np.divide(columns, norms, out=columns, where=norms > 0)
    return columns


def _best_lag(first: np.ndarray, second: np.ndarray) -> tuple[float, int]:
    """Return the greatest mean correlation of the columns, and its lag in columns."""
    counts = first.shape[1], second.shape[1]
    lags = _lags(*counts, round(_OVERLAP_S / FRAME_S))
    size = scipy.fft.next_fast_len(sum(counts), real=True)
    spectra = [scipy.fft.rfft(columns, size, axis=1) for columns in (first, second)]
    sums = scipy.fft.irfft(np.einsum("bf,bf->f", spectra[0], spectra[1].conj()), size)[lags]
    means = sums / (np.minimum(counts[0], lags + counts[1]) - np.maximum(0, lags))
    return float(means.max()), int(lags[means.argmax()])


def _column_scores(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return the correlation of each column that is not silent in both images."""
    sounds = first.any(axis=0) | second.any(axis=0)
    return np.einsum("bc,bc->c", first, second)[sounds]
