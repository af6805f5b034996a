"""Cutting tracks into windows."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gtzan_lib.data.corpus import open_corpus
from gtzan_lib.data.windows import count, windows
from gtzan_lib.errors import CorpusError

# Lengths as audio has them, whole samples at GTZAN's rate.
durations = st.integers(0, 40 * 22_050).map(lambda frames: frames / 22_050)
lengths = st.integers(1, 100).map(lambda tenths: tenths / 10)


def one_track(paper_corpus, duration: float):
    return paper_corpus([("blues", None, duration)])


@given(tracks=st.lists(durations, min_size=1, max_size=5), seconds=lengths, step=lengths)
def test_windows_tile_every_track(paper_corpus, tracks, seconds, step):
    corpus = paper_corpus([("blues", None, duration) for duration in tracks])
    if max(tracks) < seconds - 1e-6:
        with pytest.raises(CorpusError, match="no track is as long as one window"):
            windows(corpus, seconds, step)
        return
    table = windows(corpus, seconds, step)
    assert list(table.columns) == ["window_id", "track_id", "genre", "start_s"]
    assert table["window_id"].is_unique
    for track_id, duration in corpus.tracks["duration_s"].items():
        own = table[table["track_id"] == track_id]
        number = np.arange(len(own))
        assert own["window_id"].tolist() == [f"{track_id}.{i}" for i in number]
        np.testing.assert_allclose(own["start_s"], number * step)
        # Each lies within the track, and no further one would.
        assert (own["start_s"] + seconds <= duration + 1e-5).all()
        assert len(own) * step + seconds > duration


@given(count=st.integers(1, 60), seconds=lengths)
def test_clip_of_exactly_n_windows_gives_n(paper_corpus, count, seconds):
    assert len(windows(one_track(paper_corpus, count * seconds), seconds)) == count


@pytest.mark.parametrize(
    ("frames", "count"),
    [(661_500, 10), (661_794, 10), (661_499, 9), (660_000, 9), (66_150, 1)],
)
def test_gtzan_clips_give_nine_or_ten(paper_corpus, frames, count):
    assert len(windows(one_track(paper_corpus, frames / 22_050), 3.0)) == count


def test_step_defaults_to_the_length(paper_corpus):
    corpus = one_track(paper_corpus, 30)
    assert windows(corpus, 3).equals(windows(corpus, 3, 3))


def test_overlapping_windows(paper_corpus):
    table = windows(one_track(paper_corpus, 30), 10, 5)
    assert table["start_s"].tolist() == [0, 5, 10, 15, 20]


def test_order_is_that_of_the_corpus(paper_corpus):
    corpus = paper_corpus([("rock", None, 6), ("blues", None, 9), ("rock", None, 3)])
    table = windows(corpus)
    assert table["track_id"].drop_duplicates().tolist() == corpus.tracks.index.tolist()
    assert table["genre"].tolist() == ["rock"] * 2 + ["blues"] * 3 + ["rock"]
    assert table.index.tolist() == list(range(6))


def test_unreadable_and_short_tracks_have_none(paper_corpus):
    corpus = paper_corpus([("blues", None, np.nan), ("blues", None, 2.9), ("blues", None, 3.0)])
    assert windows(corpus)["track_id"].tolist() == ["blues.00002"]


@pytest.mark.parametrize(("seconds", "step"), [(0, 1), (-3, 3), (3, 0), (3, -1)])
def test_lengths_must_be_positive(paper_corpus, seconds, step):
    with pytest.raises(CorpusError, match="must be above zero"):
        windows(one_track(paper_corpus, 30), seconds, step)


def test_real_files(music_folder):
    corpus = open_corpus(music_folder(seconds=(0.5, 2.0, 7.0), tracks=3, genres=["jazz"]))
    counts = windows(corpus, 1.0)["track_id"].value_counts()
    assert counts.to_dict() == {"jazz.00001": 2, "jazz.00002": 7}


# --- slack --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("duration", "count"),
    [
        (29.49, 0), (29.5, 1), (29.93, 1), (30, 1), (30.5, 1), (30.51, 1), (59.6, 1),
        (60, 2), (60.4, 2), (np.nan, 0),
    ],
)  # fmt: skip
def test_a_track_that_is_one_window_may_be_a_little_off(paper_corpus, duration, count):
    corpus = paper_corpus([("blues", None, duration), ("rock", None, 30)])
    table = windows(corpus, 30, slack=0.5)
    assert (table["track_id"] == "blues.00000").sum() == count
    assert table["start_s"].isin([0, 30]).all()


def test_slack_gives_no_second_window(paper_corpus):
    """However small the step."""
    table = windows(one_track(paper_corpus, 30.4), 30, 0.1, slack=0.5)
    assert table["start_s"].tolist() == [0]
    assert len(windows(one_track(paper_corpus, 30.4), 30, 0.1)) == 5


@given(duration=durations, seconds=lengths, step=lengths, slack=st.floats(0, 0.5))
def test_slack_changes_only_tracks_of_about_one_window(
    paper_corpus, duration, seconds, step, slack
):
    strict, lenient = (count(duration, seconds, step, each) for each in (0.0, slack))
    if abs(duration - seconds) <= slack:
        assert lenient == 1
    else:
        assert lenient == strict


def test_tracks_that_are_too_short_for_slack(paper_corpus):
    with pytest.raises(CorpusError, match=r"no track is as long as one window of 30 s"):
        windows(one_track(paper_corpus, 29), 30, slack=0.5)
