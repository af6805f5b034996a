"""Windows: where they begin, and cutting them out of sound that arrives in pieces."""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gtzan_lib.data.opening import open_corpus
from gtzan_lib.data.windows import (
    KAGGLE_GRID,
    SHORTEST_S,
    Window,
    WindowCutter,
    WindowGrid,
    cut,
    window_table,
)
from gtzan_lib.errors import CorpusError

# Lengths as audio has them: whole samples at GTZAN's rate.
durations = st.integers(0, 40 * 22_050).map(lambda frames: frames / 22_050)
lengths = st.integers(1, 100).map(lambda tenths: tenths / 10)


def one_track(paper_corpus, duration: float):
    return paper_corpus([("blues", None, duration)])


# --- the grid -----------------------------------------------------------------


@given(duration=durations, seconds=lengths, step=lengths)
def test_regular_windows_and_a_last_one(duration, seconds, step):
    starts = WindowGrid(seconds, step).starts(duration)
    dropped = WindowGrid(seconds, step, tail="drop").starts(duration)
    if duration < seconds - 1e-5:
        assert len(dropped) == 0
        assert starts.tolist() == [0.0] * (duration >= min(SHORTEST_S, seconds))
        return
    np.testing.assert_allclose(dropped, np.arange(len(dropped)) * step)
    # Each lies within the sound, and no further one would.
    assert (dropped + seconds <= duration + 1e-5).all()
    assert len(dropped) * step + seconds > duration
    np.testing.assert_array_equal(starts[: len(dropped)], dropped)
    uncovered = duration - (dropped[-1] + seconds)
    if len(starts) > len(dropped):
        assert len(starts) == len(dropped) + 1
        assert starts[-1] + seconds == pytest.approx(duration, abs=1e-6)
        assert uncovered >= step / 2 - 1e-5
    else:
        assert uncovered <= step / 2 + 1e-5


@given(count=st.integers(1, 60), seconds=lengths)
def test_sound_of_exactly_n_windows_has_n(count, seconds):
    assert len(WindowGrid(seconds).starts(count * seconds)) == count


@pytest.mark.parametrize(
    ("seconds", "starts"),
    [
        (0.9, []), (1.0, [0]), (2.9, [0]), (3.0, [0]), (4.49, [0]), (4.5, [0, 1.5]),
        (5.9, [0, 2.9]), (6.0, [0, 3]), (10.6, [0, 3, 6, 7.6]), (np.nan, []),
        (29.93, [*range(0, 27, 3), 26.93]), (30.0, list(range(0, 30, 3))),
        (30.0133, list(range(0, 30, 3))),
    ],
)  # fmt: skip
def test_last_window_ends_where_the_sound_ends(seconds, starts):
    np.testing.assert_allclose(WindowGrid(3.0).starts(seconds), starts)


def test_kaggle_grid_is_that_of_its_table():
    assert round(KAGGLE_GRID.seconds * 22_050) == 66_149
    assert KAGGLE_GRID.step * 22_050 == 66_150
    assert len(KAGGLE_GRID.starts(661_794 / 22_050)) == 10
    assert len(KAGGLE_GRID.starts(660_000 / 22_050)) == 9


@pytest.mark.parametrize(
    ("duration", "starts"), [(0.3, [0]), (29.93, [0]), (59.9, [0]), (60.0, [0, 30]), (np.nan, [])]
)
def test_whole_sounds(duration, starts):
    grid = WindowGrid(30.0, tail="whole")
    assert grid.starts(duration).tolist() == starts
    assert grid.is_whole(duration) == (len(starts) == 1)


def test_step_is_the_length_by_default():
    assert WindowGrid(3.0) == WindowGrid(3.0, 3.0)
    assert WindowGrid(10, 5).starts(30).tolist() == [0, 5, 10, 15, 20]


@pytest.mark.parametrize(
    ("seconds", "step"), [(0, 1), (-3, 3), (3, 0), (3, -1), (np.nan, 1), (3, np.inf)]
)
def test_lengths_must_be_positive(seconds, step):
    with pytest.raises(CorpusError, match="must be above zero"):
        WindowGrid(seconds, step)


def test_unknown_tails_are_refused():
    with pytest.raises(CorpusError, match="no tail 'cut' of windows; choose one of align"):
        WindowGrid(3.0, tail="cut")


# --- the windows of a corpus --------------------------------------------------


def test_table_of_windows(paper_corpus):
    corpus = paper_corpus([("rock", None, 6), ("blues", None, 9), ("rock", None, 3)])
    table = window_table(corpus)
    assert list(table.columns) == ["window_id", "track_id", "genre", "start_s"]
    assert table["window_id"].is_unique
    assert table["window_id"].tolist()[:3] == ["rock.00000.0", "rock.00000.1", "blues.00000.0"]
    assert table["track_id"].drop_duplicates().tolist() == corpus.tracks.index.tolist()
    assert table["genre"].tolist() == ["rock"] * 2 + ["blues"] * 3 + ["rock"]
    assert table["start_s"].tolist() == [0, 3, 0, 3, 6, 0]
    assert table.index.tolist() == list(range(6))


@pytest.mark.parametrize(
    ("frames", "count"),
    [(661_500, 10), (661_794, 10), (661_499, 10), (660_000, 10), (66_150, 1)],
)
def test_clips_of_gtzan_have_ten(paper_corpus, frames, count):
    assert len(window_table(one_track(paper_corpus, frames / 22_050))) == count


def test_unreadable_and_very_short_tracks_have_none(paper_corpus):
    corpus = paper_corpus([("blues", None, np.nan), ("blues", None, 0.9), ("blues", None, 1.0)])
    assert window_table(corpus)["track_id"].tolist() == ["blues.00002"]
    with pytest.raises(CorpusError, match=r"no track is as long as one window of 3.0 s"):
        window_table(one_track(paper_corpus, 0.5))


def test_real_files(music_folder):
    corpus = open_corpus(music_folder(seconds=(0.5, 2.0, 7.3), tracks=3, genres=["jazz"]))
    counts = window_table(corpus, WindowGrid(1.0))["track_id"].value_counts()
    assert counts.to_dict() == {"jazz.00001": 2, "jazz.00002": 7}


# --- cutting ------------------------------------------------------------------

# A hundred samples a second and a window: positions are easy to read.
RATE = 100


def ramp(samples: int) -> np.ndarray:
    """Every sample is its own position, from 1."""
    return np.arange(1, samples + 1, dtype=np.float32)


def test_cut_pads_with_zeros():
    y = ramp(5)
    assert cut(y, 1, 3).tolist() == [2, 3, 4]
    assert cut(y, 0, 2, before=2).tolist() == [0, 0, 1, 2]
    assert cut(y, 3, 2, before=1, after=2).tolist() == [3, 4, 5, 0, 0]
    assert np.shares_memory(cut(y, 1, 3), y)


def in_pieces(pieces, grid, **context) -> list[tuple[float, list[float]]]:
    cutter = WindowCutter(grid, RATE, **context)
    windows = [window for piece in pieces for window in cutter.push(piece)] + cutter.finish()
    assert all(isinstance(window, Window) for window in windows)
    return [(window.start_s, window.y.tolist()) for window in windows]


def at_once(y, grid, before=0, after=0) -> list[tuple[float, list[float]]]:
    samples = min(round(grid.seconds * RATE), len(y))
    return [
        (start, cut(y, round(start * RATE), samples, before=before, after=after).tolist())
        for start in grid.starts(len(y) / RATE)
    ]


@given(
    samples=st.integers(0, 1200),
    edges=st.lists(st.integers(0, 1200), max_size=12),
    step=st.integers(1, 250),
    before=st.integers(0, 60),
    after=st.integers(0, 60),
    tail=st.sampled_from(["align", "drop"]),
)
@example(samples=100, edges=[], step=100, before=0, after=0, tail="align")
@example(samples=149, edges=[100], step=100, before=0, after=0, tail="align")
@example(samples=150, edges=[], step=100, before=0, after=3, tail="align")
@example(samples=99, edges=[1, 1, 98], step=7, before=9, after=0, tail="align")
@example(samples=1200, edges=[], step=250, before=0, after=0, tail="drop")
def test_pieces_do_not_matter(samples, edges, step, before, after, tail):
    y, grid = ramp(samples), WindowGrid(1.0, step / RATE, tail)
    pieces = np.split(y, sorted(min(edge, samples) for edge in edges))
    context = {"before": before, "after": after}
    assert in_pieces(pieces, grid, **context) == at_once(y, grid, **context)


@given(
    pieces=st.lists(st.integers(0, 400), max_size=40),
    step=st.integers(1, 350),
    before=st.integers(0, 60),
    after=st.integers(0, 60),
)
def test_memory_does_not_grow(pieces, step, before, after):
    cutter = WindowCutter(WindowGrid(1.0, step / RATE), RATE, before=before, after=after)
    most = 100 + before + max(after, 2) + 2
    for size in pieces:
        cutter.push(ramp(size))
        assert len(cutter._kept) <= most
        # Nor does a small view hold a large array in memory.
        whole = cutter._kept if cutter._kept.base is None else cutter._kept.base
        assert len(whole) <= most + size


def test_windows_come_as_soon_as_they_are_complete():
    cutter = WindowCutter(WindowGrid(1.0, 0.5), RATE, after=10)
    assert cutter.push(ramp(109)) == []
    assert [window.start_s for window in cutter.push(ramp(1))] == [0.0]
    assert [window.start_s for window in cutter.push(ramp(100))] == [0.5, 1.0]
    assert cutter.arrived == 210
    assert cutter.finish() == []


def test_length_may_be_known_better_than_from_the_samples():
    """Resampling in pieces gives a sample more or less."""
    for samples in (299, 300, 301):
        cutter = WindowCutter(WindowGrid(1.0), RATE)
        windows = cutter.push(ramp(samples)) + cutter.finish(3.0)
        assert [window.start_s for window in windows] == [0.0, 1.0, 2.0]


def test_no_sound_has_no_window():
    assert in_pieces([], WindowGrid(1.0)) == in_pieces([ramp(0)] * 2, WindowGrid(1.0)) == []


def test_streams_have_no_whole():
    with pytest.raises(CorpusError, match="a stream has no whole"):
        WindowCutter(WindowGrid(1.0, tail="whole"), RATE)


def test_buffer_of_the_sender_may_be_used_again():
    """As sound cards do."""
    cutter, buffer = WindowCutter(WindowGrid(1.0), RATE), np.empty(30, dtype=np.float32)
    windows = []
    for start in range(0, 300, 30):
        buffer[:] = np.arange(start, start + 30)
        windows += cutter.push(buffer)
        buffer[:] = np.nan
    windows += cutter.finish()
    assert [w.y.tolist() for w in windows] == np.arange(300).reshape(3, 100).tolist()
