"""A corpus is opened without the tracks that are named, or that the check excludes."""

import shutil

import pytest

import gtzan_lib as gl
from gtzan_lib.errors import CorpusError


@pytest.fixture
def folder(music_folder):
    """Five tracks, of which one is a copy and one cannot be read."""
    folder = music_folder(genres=("blues", "rock"), tracks=2, seconds=6.2)
    genre = folder / "genres_original" / "blues"
    shutil.copy(genre / "blues.00000.wav", genre / "blues.00002.wav")
    (genre / "blues.00003.wav").write_bytes(b"RIFF")
    return folder


@pytest.mark.filterwarnings("ignore::gtzan_lib.errors.GtzanWarning")
def test_faulty_and_named_tracks_are_left_out(folder):
    corpus = gl.prepare_corpus(folder, exclude=["rock.00001"])
    assert list(corpus.tracks.index) == ["blues.00000", "blues.00001", "rock.00000"]
    report = gl.check_health(folder)
    everything = gl.open_corpus(folder)
    assert set(corpus.tracks.index) == set(everything.exclude(report).tracks.index) - {"rock.00001"}


@pytest.mark.filterwarnings("ignore::gtzan_lib.errors.GtzanWarning")
def test_without_the_check_only_named_tracks_are_left_out(folder):
    corpus = gl.prepare_corpus(folder, exclude=["rock.00001"], healthy=False)
    assert len(corpus) == len(gl.open_corpus(folder)) - 1
    assert {"blues.00002", "blues.00003"} <= set(corpus.tracks.index)


@pytest.mark.filterwarnings("ignore::gtzan_lib.errors.GtzanWarning")
def test_the_copy_is_used_where_the_original_is_left_out(folder):
    """Named tracks are left out before the check, which would keep one of two copies."""
    corpus = gl.prepare_corpus(folder, exclude=["blues.00000"])
    assert "blues.00002" in corpus.tracks.index


def test_unknown_tracks_are_refused(small_folder):
    with pytest.raises(CorpusError, match=r"there is no track 'blues\.99999'"):
        gl.prepare_corpus(small_folder, exclude=["blues.99999"])


def test_the_workspace_is_that_of_the_corpus(small_folder):
    work = gl.Workspace("own")
    assert gl.prepare_corpus(small_folder, work=work, healthy=False).work is work
