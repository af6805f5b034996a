"""Cutting sound that arrives piece by piece: as if it had been there as a whole."""

import dataclasses

import numpy as np
import pytest
from gtzan_lib.signal.cutting import Cutter
from hypothesis import example, given
from hypothesis import strategies as st

from gtzan_lib.signal.recipes import Recipe

# A hundred samples a second and a window: sample numbers are easily told.
TINY = dataclasses.replace(
    Recipe.preset("stft-3s", size=8), sample_rate=100, n_fft=16, hop=4, seconds=1.0, step=1.0
)


def cut(pieces, recipe=TINY, step=None) -> list[tuple[float, list[float]]]:
    """All windows of some pieces, as starts and lists."""
    cutter = Cutter(recipe, step)
    cuts = [one for piece in pieces for one in cutter.push(piece)] + cutter.finish()
    return [(one.start_s, one.y.tolist()) for one in cuts]


def sound(samples: int) -> np.ndarray:
    """Every sample is its own number."""
    return np.arange(samples, dtype=np.float32)


def expected(y: np.ndarray, window: int, step: int) -> list[tuple[float, list[float]]]:
    """The same windows, by what is asked for and not by how it is done."""
    if 0 < len(y) < window:
        return [(0.0, [float(i % len(y)) for i in range(window)])]
    starts = [start for start in range(0, len(y), step) if start + window <= len(y)]
    if starts and len(y) - (starts[-1] + window) >= min(step, window) / 2:
        starts.append(len(y) - window)
    return [(start / 100, y[start : start + window].tolist()) for start in starts]


@given(
    samples=st.integers(0, 1200),
    edges=st.lists(st.integers(0, 1200), max_size=12),
    step=st.integers(1, 250),
)
@example(samples=100, edges=[], step=100)
@example(samples=149, edges=[100], step=100)
@example(samples=150, edges=[], step=100)
@example(samples=99, edges=[1, 1, 98], step=7)
@example(samples=1200, edges=[], step=250)
def test_pieces_do_not_matter(samples, edges, step):
    y = sound(samples)
    pieces = np.split(y, sorted(min(edge, samples) for edge in edges))
    assert cut(pieces, step=step / 100) == expected(y, 100, step)


@given(
    pieces=st.lists(st.integers(0, 400), max_size=40),
    step=st.integers(1, 350),
)
def test_no_more_than_a_window_is_kept(pieces, step):
    cutter, heard = Cutter(TINY, step / 100), 0
    for size in pieces:
        cutter.push(sound(size))
        heard += size
        assert len(cutter._kept) <= min(heard, 100)
        # Nor does a small view hold something large in memory.
        whole = cutter._kept if cutter._kept.base is None else cutter._kept.base
        assert len(whole) <= 100 + size


@pytest.mark.parametrize(
    ("seconds", "starts"),
    [
        (1.0, [0.0]), (2.9, [0.0]), (3.0, [0.0]), (4.49, [0.0]), (4.5, [0.0, 1.5]),
        (5.9, [0.0, 2.9]), (6.0, [0.0, 3.0]), (10.6, [0.0, 3.0, 6.0, 7.6]),
    ],
)  # fmt: skip
def test_last_window_ends_where_the_sound_ends(seconds, starts):
    recipe = Recipe.preset("stft-3s", size=8)
    y = sound(round(seconds * 12_000))
    cuts = cut([y], recipe)
    assert [start for start, _ in cuts] == pytest.approx(starts)
    assert {len(samples) for _, samples in cuts} == {36_000}
    if len(y) >= 36_000 and seconds != 4.49:
        assert cuts[-1][1][-1] == y[-1]


def test_step_is_the_recipes_unless_given():
    recipe = dataclasses.replace(TINY, step=0.5)
    y = sound(300)
    assert [start for start, _ in cut([y], recipe)] == [0.0, 0.5, 1.0, 1.5, 2.0]
    assert [start for start, _ in cut([y], recipe, step=1.0)] == [0.0, 1.0, 2.0]


def test_windows_come_as_soon_as_they_are_complete():
    cutter = Cutter(TINY, 0.5)
    assert cutter.push(sound(99)) == []
    assert [one.start_s for one in cutter.push(sound(1))] == [0.0]
    assert cutter.push(sound(49)) == []
    assert [one.start_s for one in cutter.push(sound(101))] == [0.5, 1.0, 1.5]
    assert cutter.finish() == []


def test_sound_just_shorter_than_a_window_is_taken_as_it_is_where_there_is_slack():
    recipe = dataclasses.replace(TINY, slack=0.2)
    assert [len(samples) for _, samples in cut([sound(80)], recipe)] == [80]
    assert cut([sound(79)], recipe) == expected(sound(79), 100, 100)


def test_no_sound_gives_no_window():
    assert cut([]) == []
    assert cut([sound(0), sound(0)]) == []


def test_buffer_of_the_sender_may_be_used_again():
    """As sound cards do."""
    cutter, buffer = Cutter(TINY), np.empty(30, dtype=np.float32)
    cuts = []
    for start in range(0, 300, 30):
        buffer[:] = np.arange(start, start + 30)
        cuts += cutter.push(buffer)
        buffer[:] = np.nan
    assert [one.y.tolist() for one in cuts] == sound(300).reshape(3, 100).tolist()
