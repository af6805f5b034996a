"""Search for tracks with the same recording, without comparing all pairs.

Short segments of every trace are hashed, so that similar segments get the same
key. Two tracks that share several keys *at the same lag* are candidates; only
candidates are correlated. Pieces of one tempo correlate, too, so that a pair must
be confirmed by the sound or the images themselves (`confirmation`). Keys get longer
with the size of the collection, so that the number of chance candidates per track
is about the same for ten thousand tracks as for one thousand.

References
----------
Random hyperplanes as a hash: M. Charikar, "Similarity estimation techniques
from rounding algorithms", STOC 2002.

Votes for a lag: A. Wang, "An industrial-strength audio search algorithm",
ISMIR 2003.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import scipy.fft
import scipy.ndimage

from ..progress import progress_bar
from .confirmation import Images, Waveforms
from .fingerprints import FRAME_S, N_BANDS, sharp_trace, trace

__all__ = ["THRESHOLD", "Duplicate", "correlate", "find_duplicates"]

THRESHOLD = 0.25
"""Correlation from which two tracks may be the same recording.

Among GTZAN's 999 readable clips, unrelated ones stay below 0.25 and nearly all
below 0.19; copies with 10 s or more in common reach 0.27 to 1. Different pieces
of one tempo reach 0.65.
"""

# Frames of a segment, a little less than a second.
_SEGMENT = 12
# Number of hash tables, and least number of keys that candidates share.
_TABLES = 14
_VOTES = 4
# Frames of a copy seldom begin at the same samples; slight smoothing makes the
# two sets of frames similar enough to get the same keys.
_SMOOTH = 0.7
# A key that occurs more often is silence or a held note, and is ignored.
_MAX_OCCURRENCES = 64
# Largest number of candidates per track.
_CANDIDATES = 30
# A pair and a lag in one number: 2**24 tracks, and lags of up to 2**14 frames.
_TRACK_BITS, _LAG_BITS = 24, 15
_MAX_LAG = 1 << (_LAG_BITS - 1)
# Least overlap at a lag, unless half of the shorter track is less. Scores of
# tracks shorter than 15 s are lowered: a few notes coincide by chance. Those of
# sound in several phases are lowered less, since the waveforms decide more surely.
_OVERLAP_S = 10.0
_LOWERED_S, _LOWERED_PHASES_S = 15.0, 10.0


class Duplicate(NamedTuple):
    """Two tracks that hold the same recording.

    Attributes
    ----------
    a, b : int
        Positions of the tracks, `a` before `b`.
    score : float
        How far the two agree, at most 1, as in `confirmation.Confirmation`.
    lag_s : float
        By how many seconds the recording is later in `a` than in `b`.
    """

    a: int
    b: int
    score: float
    lag_s: float


def find_duplicates(
    envelopes: Sequence[np.ndarray], compare: Waveforms | Images, *, progress: bool = True
) -> list[Duplicate]:
    """Find pairs of tracks that hold the same recording.

    Parameters
    ----------
    envelopes : sequence of np.ndarray [shape=(..., 32, frames), dtype=uint8]
        One per track, as from `fingerprints.Envelope` or `from_log_mel`; lengths
        and phases may differ. An empty one has no duplicates.
    compare : Waveforms or Images
        Compares the same tracks, and confirms or rejects a pair.
    progress : bool
        Show a progress bar, if on a terminal.

    Returns
    -------
    list of Duplicate
        In the order of `a` and `b`.

    Notes
    -----
    Sound must have at least 13 frames, a little more than a second, in common. Of
    excerpts of 3 s or more from GTZAN's training clips, encoded anew, all are found;
    of 2 s 95 %, of 1.5 s 66 %, of 1 s none. Images have no phases, so that fewer
    excerpts of less than 10 s are found among them.

    The book page "Data health" shows how many planted and known copies are found.
    """
    # A small cache is enough, since candidates are in the order of `a`.
    sharp = lru_cache(maxsize=1000)(lambda number: sharp_trace(trace(envelopes[number])))
    pairs = _candidates(envelopes)
    duplicates = []
    for a, b in progress_bar(pairs.tolist(), "Comparing", len(pairs), show=progress):
        _, scores = correlate(sharp(a), sharp(b))
        if scores.max() >= THRESHOLD:
            agreement = compare(a, b)
            if agreement.score >= compare.CONFIRMED:
                duplicates.append(Duplicate(a, b, *agreement))
    return duplicates


def correlate(first: np.ndarray, second: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Correlate two sharp traces at every lag with enough overlap.

    Parameters
    ----------
    first, second : np.ndarray [shape=(..., 32, frames), dtype=float32]
        As from `fingerprints.sharp_trace`, in one or several phases.

    Returns
    -------
    lags_s : np.ndarray [shape=(n,), dtype=float64]
        Lags in seconds, in ascending order.
    scores : np.ndarray [shape=(n,), dtype=float32]
        Correlation at each lag, weighted with the square root of the share that
        overlaps; that of the best phases.
    """
    first, second = _phases(first), _phases(second)
    # The phases of one recording meet all fractions of a frame.
    second = second[:1] if len(first) > 1 else second
    frames = first.shape[-1], second.shape[-1]
    lags = np.arange(-frames[1] + 1, frames[0])
    size = scipy.fft.next_fast_len(sum(frames), real=True)
    spectra = [scipy.fft.rfft(sharp, size, axis=-1) for sharp in (first, second)]
    product = np.einsum("pbf,pbf->pf", spectra[0], spectra[1].conj())
    shorter = min(frames)
    overlap = np.minimum(frames[0], lags + frames[1]) - np.maximum(0, lags)
    enough = overlap >= min(_OVERLAP_S / FRAME_S, shorter / 2)
    full = _LOWERED_S if len(product) == 1 else _LOWERED_PHASES_S
    sums = scipy.fft.irfft(product, size).max(axis=0)[lags] / N_BANDS
    scores = sums / np.sqrt(np.maximum(overlap, 1) * max(shorter, full / FRAME_S))
    return lags[enough] * FRAME_S, scores[enough]


def _candidates(envelopes: Sequence[np.ndarray]) -> np.ndarray:
    """Return pairs of tracks that share several keys at one lag, `a` before `b`."""
    segments = [max(0, envelope.shape[-1] - _SEGMENT) for envelope in envelopes]
    lengths = [
        number * len(_phases(envelope)) if number else 0
        for envelope, number in zip(envelopes, segments, strict=True)
    ]
    total = sum(lengths)
    if total == 0:
        return np.zeros((0, 2), dtype=np.int64)
    # Ten times the frames: keys longer by four bits, and fewer matches by chance.
    bits = int(np.clip(round(1.2 * np.log2(total) - 2.2), 12, 32))
    track = np.repeat(np.arange(len(envelopes), dtype=np.int32), lengths)
    ends = np.cumsum(lengths)
    planes = np.random.default_rng(0).standard_normal((N_BANDS * _SEGMENT, _TABLES * 32))
    planes = planes.astype(np.float32)
    keys = [np.empty(total, dtype=np.uint32) for _ in range(_TABLES)]
    frame = np.empty(total, dtype=np.int32)
    for envelope, number, length, end in zip(envelopes, segments, lengths, ends, strict=True):
        if length:
            frame[end - length : end] = np.arange(length) % number
            for table, hashed in zip(keys, _keys(trace(envelope), planes), strict=True):
                table[end - length : end] = hashed >> np.uint32(32 - bits)
    # Reused for each table, since allocating memory of this size is slow.
    joint, position = np.empty(total, dtype=np.uint64), np.arange(total, dtype=np.uint64)
    matches = []
    # Of a hundred thousand tracks, the keys take two gigabytes: each table is freed after use.
    while keys:
        np.left_shift(keys.pop(), 32, out=joint, dtype=np.uint64)
        joint |= position
        matches.append(_matches(joint, track, frame))
    del joint, position, track, frame
    return _best_pairs(_repeated(matches))


def _phases(traces: np.ndarray) -> np.ndarray:
    """Return the phases of a track along the first of three axes."""
    return traces if traces.ndim == 3 else traces[np.newaxis]


def _keys(changes: np.ndarray, planes: np.ndarray) -> np.ndarray:
    """Hash every segment of a trace once per table; each bit is its side of a hyperplane."""
    smooth = scipy.ndimage.gaussian_filter1d(changes, _SMOOTH, axis=-1, mode="constant")
    segments = np.lib.stride_tricks.sliding_window_view(smooth, _SEGMENT, axis=-1)
    # In the order of phases, frames, and the values of a segment.
    segments = np.ascontiguousarray(segments.swapaxes(-3, -2)).reshape(-1, N_BANDS * _SEGMENT)
    sides = np.packbits(segments @ planes > 0, axis=1)
    return np.ascontiguousarray(sides.view(np.uint32).T)


def _matches(joint: np.ndarray, track: np.ndarray, frame: np.ndarray) -> np.ndarray:
    """Return where two tracks have the same key: the pair and the lag as one number.

    `joint` holds keys and, in the lower half, positions, which sorts faster than
    positions by their keys; it is sorted in place.
    """
    joint.sort()
    # Most keys occur once, and are dropped first.
    same = (joint[1:] ^ joint[:-1]) < 1 << 32
    joint = joint[np.append(same, False) | np.append(False, same)]
    order, keys = (joint & 0xFFFFFFFF).astype(np.int64), joint >> 32
    starts = np.flatnonzero(np.diff(keys, prepend=keys[:1] + 1) != 0)
    run = np.diff(starts, append=len(keys))
    rare = np.repeat(run <= _MAX_OCCURRENCES, run)
    order, keys = order[rare], keys[rare]
    matches = [order[:0]]
    for step in range(1, _MAX_OCCURRENCES):
        same = np.flatnonzero(keys[step:] == keys[:-step])
        if not len(same):
            break
        # Equal keys are sorted by position, so that the first is from the earlier track.
        first, second = order[same], order[same + step]
        other = track[first] != track[second]
        first, second = first[other], second[other]
        pair = track[first].astype(np.int64) << _TRACK_BITS | track[second]
        matches.append(pair << _LAG_BITS | (frame[first] - frame[second] + _MAX_LAG))
    return np.concatenate(matches)


def _repeated(tables: list[np.ndarray]) -> np.ndarray:
    """Return, in ascending order, the matches that can have enough votes; empty the list.

    Nearly all matches are chance, and fill most of the memory.
    """
    matches = np.concatenate(tables)
    tables.clear()
    matches.sort()
    # Enough matches in a row at one lag or the next; numbers of other pairs are farther away.
    last = _VOTES - 1
    begins = matches[last:] - matches[:-last] <= 1
    kept = np.zeros(len(matches), dtype=bool)
    for offset in range(_VOTES):
        kept[offset : offset + len(begins)] |= begins
    return matches[kept]


def _best_pairs(matches: np.ndarray) -> np.ndarray:
    """Return the pairs with enough matches at one lag, the best ones of each track."""
    starts = np.flatnonzero(np.diff(matches, prepend=-1))
    pair_lag, votes = matches[starts], np.diff(starts, append=len(matches))
    # The true lag may lie between two frames, so that votes for both are added.
    near = np.zeros_like(votes)
    near[:-1] = np.where(np.diff(pair_lag) == 1, votes[1:], 0)
    votes += near
    pair, votes = pair_lag[votes >= _VOTES] >> _LAG_BITS, votes[votes >= _VOTES]
    # The lag with the most votes is the last entry of each pair.
    order = np.lexsort((votes, pair))
    pair, votes = pair[order], votes[order]
    last = np.diff(pair, append=-1) != 0
    pair, votes = pair[last], votes[last]
    a, b = pair >> _TRACK_BITS, pair & ((1 << _TRACK_BITS) - 1)
    best = _best_of_each(a, votes) | _best_of_each(b, votes)
    return np.stack([a[best], b[best]], axis=1)


def _best_of_each(track: np.ndarray, votes: np.ndarray) -> np.ndarray:
    """Mark, for each track, its pairs with the most votes."""
    order = np.lexsort((-votes, track))
    starts = np.flatnonzero(np.r_[True, np.diff(track[order]) != 0]) if len(track) else track
    rank = np.arange(len(track)) - np.repeat(starts, np.diff(np.r_[starts, len(track)]))
    best = np.zeros(len(track), dtype=bool)
    best[order[rank < _CANDIDATES]] = True
    return best
