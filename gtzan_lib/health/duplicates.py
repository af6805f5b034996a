"""The same recording under two names, found without comparing all pairs.

Short stretches of every trace are hashed, so that stretches alike get the same
key. Two tracks that share several keys *at the same lag* are candidates; only
those are correlated. Keys grow with the collection, so that chance gives each
track about as many candidates among ten thousand as among one thousand.

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
from .fingerprints import BANDS, FRAME_S, sharp_trace, trace

__all__ = ["MARGIN", "SHARPNESS", "THRESHOLD", "Duplicate", "correlate", "find_duplicates"]

THRESHOLD = 0.25
"""Correlation from which two tracks are the same recording.

Among GTZAN's 999 readable clips, unrelated ones stay below 0.25 and nearly all
below 0.19; copies with 10 s or more in common reach 0.27 to 1.
"""

MARGIN = 0.09
"""By how much the best lag must stand out.

Loops on one drum kit correlate at many lags alike; a recording and its copy do
so at one.
"""

SHARPNESS = 6.0
"""How many times the root mean square of all other lags the best must reach.

In short tracks, a few notes that coincide lift one lag a little.
"""

# A stretch is twelve frames, a little less than a second.
_STRETCH = 12
_TABLES = 14
_VOTES = 4
# A copy is seldom cut at the same point of a frame; smoothed a little, the two
# sets of frames still hash alike.
_SMOOTH = 0.7
# A key in so many places is silence or a held note, and tells nothing.
_COMMON = 64
# Candidates that are correlated, for each track and at most.
_CANDIDATES = 30
# A pair and a lag in one number: 2**24 tracks, and lags of up to 2**14 frames.
_TRACK_BITS, _LAG_BITS = 24, 15
_MAX_LAG = 1 << (_LAG_BITS - 1)
# A lag counts where so much is in common, or half of the shorter track. Tracks
# shorter than 15 s prove less: a few notes coincide by chance.
_COMMON_S = 10.0
_PROOF_S = 15.0


class Duplicate(NamedTuple):
    """Two tracks that hold the same recording.

    Attributes
    ----------
    a, b : int
        Positions of the tracks, `a` before `b`.
    score : float
        Correlation of the sharp traces, at most 1; a part in common counts with
        the square root of its share.
    lag_s : float
        By how many seconds a moment comes later in `a` than in `b`.
    """

    a: int
    b: int
    score: float
    lag_s: float


def find_duplicates(
    envelopes: Sequence[np.ndarray], *, threshold: float = THRESHOLD, progress: bool = True
) -> list[Duplicate]:
    """Find pairs of tracks that hold the same recording.

    Parameters
    ----------
    envelopes : sequence of np.ndarray [shape=(32, frames), dtype=uint8]
        One a track, as from `fingerprints.Envelope` or `from_log_mel`; lengths may
        differ. An empty one has no copies.
    threshold : float
        Least correlation of a pair.
    progress : bool
        Show a progress bar, if on a terminal.

    Returns
    -------
    list of Duplicate
        In the order of `a` and `b`.

    Notes
    -----
    The book page "Data health" tells how well it finds planted and known copies.
    """
    # Kept for as many as are soon needed again: candidates come in the order of `a`.
    sharp = lru_cache(maxsize=1000)(lambda number: sharp_trace(trace(envelopes[number])))
    pairs = _candidates(envelopes)
    found = []
    for a, b in progress_bar(pairs.tolist(), "Comparing", len(pairs), show=progress):
        lags, scores = correlate(sharp(a), sharp(b))
        best = int(np.argmax(scores))
        others = np.delete(scores, np.arange(max(0, best - 3), min(len(scores), best + 4)))
        usual = float(np.sqrt(np.mean(np.square(others)))) if len(others) else 0.0
        rivals = (threshold, others.max(initial=-1) + MARGIN, SHARPNESS * usual)
        if scores[best] >= max(rivals):
            found.append(Duplicate(a, b, float(scores[best]), float(lags[best])))
    return found


def correlate(first: np.ndarray, second: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Correlate two sharp traces at every lag that leaves enough in common.

    Parameters
    ----------
    first, second : np.ndarray [shape=(32, frames), dtype=float32]
        As from `fingerprints.sharp_trace`.

    Returns
    -------
    lags_s : np.ndarray [shape=(n,), dtype=float64]
        Lags in seconds, rising.
    scores : np.ndarray [shape=(n,), dtype=float32]
        Correlation at each lag, weighted with the square root of the share in common.
    """
    lags = np.arange(-second.shape[1] + 1, first.shape[1])
    size = scipy.fft.next_fast_len(first.shape[1] + second.shape[1], real=True)
    spectra = [scipy.fft.rfft(one, size, axis=-1) for one in (first, second)]
    product = np.einsum("bf,bf->f", spectra[0], spectra[1].conj())
    shorter = min(first.shape[1], second.shape[1])
    overlap = np.minimum(first.shape[1], lags + second.shape[1]) - np.maximum(0, lags)
    enough = overlap >= min(_COMMON_S / FRAME_S, shorter / 2)
    sums = scipy.fft.irfft(product, size)[lags] / BANDS
    scores = sums / np.sqrt(np.maximum(overlap, 1) * max(shorter, _PROOF_S / FRAME_S))
    return lags[enough] * FRAME_S, scores[enough]


def _candidates(envelopes: Sequence[np.ndarray]) -> np.ndarray:
    """Return pairs of tracks that share several keys at one lag, `a` before `b`."""
    lengths = [max(0, one.shape[1] - _STRETCH) for one in envelopes]
    total = sum(lengths)
    if total == 0:
        return np.zeros((0, 2), dtype=np.int64)
    # Ten times the music: keys longer by four bits, and fewer meetings by chance.
    bits = int(np.clip(round(1.2 * np.log2(total) - 2.2), 12, 32))
    track = np.repeat(np.arange(len(envelopes)), lengths)
    place = np.concatenate([np.arange(length) for length in lengths])
    planes = np.random.default_rng(0).standard_normal((BANDS * _STRETCH, _TABLES * 32))
    planes = planes.astype(np.float32)
    hashed = [_keys(trace(one), planes) for one in envelopes if one.shape[1] > _STRETCH]
    keys = np.concatenate(hashed, axis=1) >> np.uint32(32 - bits)
    # Written over for each table, since new memory of this size is slow.
    joint, position = np.empty(total, dtype=np.uint64), np.arange(total, dtype=np.uint64)
    found = []
    for table in keys:
        np.left_shift(table, 32, out=joint, dtype=np.uint64)
        joint |= position
        found.append(_meetings(joint, track, place))
    pair, lag = (np.concatenate(parts) for parts in zip(*found, strict=True))
    return _elect(pair, lag)


def _keys(one: np.ndarray, planes: np.ndarray) -> np.ndarray:
    """Hash every stretch, once a table: on which side of each plane it lies, a bit each."""
    one = scipy.ndimage.gaussian_filter1d(one, _SMOOTH, axis=1, mode="constant")
    stretches = np.lib.stride_tricks.sliding_window_view(one, _STRETCH, axis=1)
    stretches = np.ascontiguousarray(stretches.transpose(1, 0, 2)).reshape(-1, BANDS * _STRETCH)
    sides = np.packbits(stretches @ planes > 0, axis=1)
    return np.ascontiguousarray(sides.view(np.uint32).T)


def _meetings(
    joint: np.ndarray, track: np.ndarray, place: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """List where two tracks have the same key: the pair as one number, and the lag.

    `joint` holds keys and, in the lower half, positions, which sorts faster than
    positions by their keys; it is sorted in place.
    """
    joint.sort()
    # Most keys stand alone, and are dropped before anything else is asked.
    same = (joint[1:] ^ joint[:-1]) < 1 << 32
    joint = joint[np.append(same, False) | np.append(False, same)]
    order, keys = (joint & 0xFFFFFFFF).astype(np.int64), joint >> 32
    starts = np.flatnonzero(np.diff(keys, prepend=keys[:1] + 1) != 0)
    run = np.diff(starts, append=len(keys))
    shared = np.repeat(run <= _COMMON, run)
    order, keys = order[shared], keys[shared]
    pairs, lags = [order[:0]], [order[:0]]
    for step in range(1, _COMMON):
        same = np.flatnonzero(keys[step:] == keys[:-step])
        if not len(same):
            break
        # Sorted by position, too, so that the first of two comes from the earlier track.
        first, second = order[same], order[same + step]
        other = track[first] != track[second]
        first, second = first[other], second[other]
        pairs.append(track[first] << _TRACK_BITS | track[second])
        lags.append(place[first] - place[second])
    return np.concatenate(pairs), np.concatenate(lags)


def _elect(pair: np.ndarray, lag: np.ndarray) -> np.ndarray:
    """Keep the pairs with enough meetings at one lag, the best of each track."""
    meeting, votes = np.unique(pair << _LAG_BITS | (lag + _MAX_LAG), return_counts=True)
    # The true lag may lie between two, which therefore count together.
    near = np.zeros_like(votes)
    near[:-1] = np.where(np.diff(meeting) == 1, votes[1:], 0)
    votes += near
    pair, votes = meeting[votes >= _VOTES] >> _LAG_BITS, votes[votes >= _VOTES]
    # The most votes of each pair: the last of its entries, sorted by votes.
    order = np.lexsort((votes, pair))
    pair, votes = pair[order], votes[order]
    last = np.diff(pair, append=-1) != 0
    pair, votes = pair[last], votes[last]
    a, b = pair >> _TRACK_BITS, pair & ((1 << _TRACK_BITS) - 1)
    kept = _best_of_each(a, votes) | _best_of_each(b, votes)
    return np.stack([a[kept], b[kept]], axis=1)


def _best_of_each(track: np.ndarray, votes: np.ndarray) -> np.ndarray:
    """Mark, for each track, its pairs with the most votes."""
    order = np.lexsort((-votes, track))
    starts = np.flatnonzero(np.r_[True, np.diff(track[order]) != 0]) if len(track) else track
    rank = np.arange(len(track)) - np.repeat(starts, np.diff(np.r_[starts, len(track)]))
    best = np.zeros(len(track), dtype=bool)
    best[order[rank < _CANDIDATES]] = True
    return best
