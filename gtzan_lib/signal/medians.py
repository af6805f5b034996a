"""Running medians over 31 values, for many signals at once.

The median filter takes most of the time of the harmonic-percussive separation.
Here eight neighbouring outputs share the sorting of the 24 values that their
windows have in common, and each step is a minimum or maximum of two whole arrays.

References
----------
A. Adams, "Fast median filters using separable sorting networks", ACM
Transactions on Graphics 40(4), 2021: outputs that share a sorted core.

K. E. Batcher, "Sorting networks and their applications", AFIPS Spring Joint
Computer Conference, 1968: the networks.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache, reduce

import numpy as np

__all__ = ["WIDTH", "running_median"]

WIDTH = 31
"""Length of the window of a median."""

# Outputs that share a core, and the values per step, such that all arrays of a step
# fit into the processor's cache.
_TILE = 8
_PLANE = 32_768

Planes = list[np.ndarray]


def running_median(x: np.ndarray) -> np.ndarray:
    """Filter along the first axis with a running median over 31 values.

    Parameters
    ----------
    x : np.ndarray [shape=(n, signals)]
        Values, without NaN; each column is a signal. Row-major order is the
        fastest.

    Returns
    -------
    np.ndarray [shape=(n, signals)]
        Row `i` is the median of rows `i - 15` to `i + 15`; the ends are padded
        by reflection, with the outermost value repeated.

    See Also
    --------
    scipy.ndimage.median_filter : The same with `size=(31, 1)`.
    """
    n, signals = x.shape
    tiles = -(-n // _TILE)
    # One additional row in front, so that cores begin and end with blocks of eight rows.
    before = WIDTH // 2 + 1
    padded = np.pad(x, ((before, (tiles + 4) * _TILE - n - before), (0, 0)), mode="symmetric")
    blocks = padded.reshape(-1, _TILE, signals)
    result = np.empty((tiles, _TILE, signals), dtype=x.dtype)
    step = max(1, _PLANE // signals)
    for first in range(0, tiles, step):
        last = min(first + step, tiles)
        _filter(blocks[first : last + 4], result[first:last])
    return result.reshape(-1, signals)[:n]


def _filter(blocks: np.ndarray, result: np.ndarray) -> None:
    """Compute tiles whose windows extend over five blocks of rows."""
    left = [blocks[:-4, row] for row in range(_TILE)]
    right = [blocks[4:, row] for row in range(_TILE)]
    ordered = _sorted([blocks[1:-1, row] for row in range(_TILE)])
    first, second, third = ([row[k : len(row) - 2 + k] for row in ordered] for k in range(3))
    core = _merged([*first, *second])
    _split(_middle(core, third, _TILE), left, right, 0, result)


def _split(shared: Planes, left: Planes, right: Planes, place: int, result: np.ndarray) -> None:
    """Halve the outputs that share a core until each has its own median.

    Of the sorted values that n outputs have in common, only the n middle ones
    can be a median.
    """
    if len(shared) == 1:
        result[:, place] = shared[0]
        return
    half = len(shared) // 2
    middle = place + half
    for start, added in ((place, left[middle : middle + half]), (middle, right[place:middle])):
        _split(_middle(shared, _sorted(added), half), left, right, start, result)


def _sorted(planes: Planes) -> Planes:
    return _exchange(planes, _network(len(planes), 1))


def _merged(planes: Planes) -> Planes:
    """Merge two sorted halves."""
    return _exchange(planes, _network(len(planes), len(planes) // 2))


def _exchange(planes: Planes, network: Sequence[tuple[int, int]]) -> Planes:
    planes = list(planes)
    for a, b in network:
        lower, upper = np.minimum(planes[a], planes[b]), np.maximum(planes[a], planes[b])
        planes[a], planes[b] = lower, upper
    return planes


def _middle(a: Planes, b: Planes, count: int) -> Planes:
    """Return the `count` middle values of two sorted lists, sorted."""
    return [_ranked(a, b, (len(a) + len(b) - count) // 2 + k + 1) for k in range(count)]


def _ranked(a: Planes, b: Planes, rank: int) -> np.ndarray:
    """Return the `rank`-th smallest value of two sorted lists.

    It is the minimum over `i` of the maximum of the `i` smallest values of `a` and
    the `rank - i` smallest of `b`.
    """
    counts = range(max(0, rank - len(b)), min(rank, len(a)) + 1)
    return reduce(np.minimum, (_largest(a, b, i, rank - i) for i in counts))


def _largest(a: Planes, b: Planes, i: int, j: int) -> np.ndarray:
    """Return the maximum of the `i` smallest values of `a` and the `j` smallest of `b`."""
    if i == 0:
        return b[j - 1]
    if j == 0:
        return a[i - 1]
    return np.maximum(a[i - 1], b[j - 1])


@cache
def _network(n: int, run: int) -> tuple[tuple[int, int], ...]:
    """Return the exchanges that sort `n` values whose runs of length `run` are sorted."""
    pairs = []
    while run < n:
        gap = run
        while gap:
            for start in range(gap % run, n - gap, 2 * gap):
                for i in range(start, min(start + gap, n - gap)):
                    if i // (2 * run) == (i + gap) // (2 * run):
                        pairs.append((i, i + gap))
            gap //= 2
        run *= 2
    return tuple(pairs)
