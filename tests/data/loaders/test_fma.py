"""FMA as it is downloaded."""

import shutil

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gtzan_lib.data.loaders import fma
from gtzan_lib.data.opening import open_corpus
from gtzan_lib.data.splits import split
from gtzan_lib.data.windows import WindowGrid, window_table
from gtzan_lib.errors import CorpusError, GtzanWarning

from . import layouts


@pytest.fixture
def folder(composed, tmp_path):
    return layouts.fma(composed, tmp_path / "fma")


def test_genres_artists_and_parts_come_from_the_table(folder):
    tracks = open_corpus(folder).tracks
    assert tracks.index.tolist() == [
        "Blues.000002", "Blues.000004", "Old-Time-Historic.000006",
        "Blues.001001", "Old-Time-Historic.001003", "Old-Time-Historic.001005",
    ]  # fmt: skip
    assert tracks["artist"].to_dict() == {
        "Blues.000002": "0", "Blues.001001": "0", "Blues.000004": "1",
        "Old-Time-Historic.001003": "1", "Old-Time-Historic.000006": "2",
        "Old-Time-Historic.001005": "2",
    }  # fmt: skip
    assert tracks["partition"].value_counts().to_dict() == {"train": 2, "valid": 2, "test": 2}


def test_the_official_split_is_fmas_own(folder):
    corpus = open_corpus(folder)
    table = window_table(corpus, WindowGrid(1.0))
    with pytest.warns(GtzanWarning, match="official split of fma has 1 artist"):
        official = split(table, corpus, protocol="official")
    assert sorted(set(official.table["fold_0"])) == ["test", "train", "valid"]


@pytest.mark.parametrize("size", ["fma_small", "fma_medium", "fma_large", "fma_full"])
def test_the_folder_of_audio_may_be_named(composed, tmp_path, size):
    folder = layouts.fma(composed, tmp_path / "fma", size=size)
    outer, inner = open_corpus(folder), open_corpus(folder / size)
    assert outer.name == inner.name == "fma"
    assert outer.root == inner.root == folder / size
    assert outer.tracks.equals(inner.tracks)


def test_a_renamed_folder_with_its_metadata_inside(folder, tmp_path):
    (folder / "fma_small").rename(tmp_path / "songs")
    (folder / "fma_metadata").rename(tmp_path / "songs" / "fma_metadata")
    assert len(open_corpus(tmp_path / "songs")) == 6


def test_two_sizes_are_refused(composed, folder):
    layouts.fma(composed, folder, size="fma_medium")
    with pytest.raises(CorpusError, match="holds fma_small and fma_medium; open one of them"):
        open_corpus(folder)


@pytest.mark.parametrize("named", ["", "fma_small"])
def test_missing_metadata_is_said(folder, named):
    shutil.rmtree(folder / "fma_metadata")
    with pytest.raises(CorpusError, match=r"tracks\.csv is neither in it nor beside it; download"):
        open_corpus(folder / named)


def test_tracks_without_a_top_genre_are_left_out(composed, tmp_path):
    genres = {"blues": "Blues", "jazz": ""}
    folder = layouts.fma(composed, tmp_path / "fma", genres=genres)
    with pytest.warns(GtzanWarning, match=r"3 of 6 files are left out.*such as 000006\.mp3"):
        corpus = open_corpus(folder)
    assert corpus.genres == ["Blues"]


def test_no_genre_at_all(composed, tmp_path):
    folder = layouts.fma(composed, tmp_path / "fma", genres={"blues": "", "jazz": ""})
    with pytest.raises(CorpusError, match="a top genre for none of the 6 files"):
        open_corpus(folder)


def test_files_that_the_table_lacks_are_left_out(folder):
    shutil.copy(folder / "fma_small" / "000" / "000002.mp3", folder / "fma_small/000/000099.mp3")
    with pytest.warns(GtzanWarning, match=r"1 of 7 files are left out.*000099\.mp3"):
        assert len(open_corpus(folder)) == 6


def test_tracks_of_the_table_without_a_file_do_not_count(composed, tmp_path):
    other = (155066, 1, "", 9, "X", "training", "medium", "Rock", "")
    folder = layouts.fma(composed, tmp_path / "fma", beside=[other])
    assert len(open_corpus(folder)) == 6


def test_a_repeated_track_is_refused(composed, tmp_path):
    again = (2, 1, "", 9, "X", "training", "small", "Rock", "")
    folder = layouts.fma(composed, tmp_path / "fma", beside=[again])
    with pytest.raises(CorpusError, match=r"tracks\.csv: has track 2 twice"):
        open_corpus(folder)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(content=st.one_of(st.binary(max_size=200), st.text('a,"\n\r;set plitrack', max_size=80)))
def test_any_damaged_table_is_refused_in_one_sentence(folder, content):
    data = content if isinstance(content, bytes) else content.encode()
    (folder / fma.METADATA).write_bytes(data)
    with pytest.raises(CorpusError, match=r"tracks\.csv: .*unpack"):
        open_corpus(folder)


@pytest.mark.parametrize("column", [("track", "genre_top"), ("artist", "id"), ("set", "split")])
def test_a_table_without_a_column_is_refused(folder, column):
    table = folder / fma.METADATA
    text = table.read_text()
    names = ",".join(name for _, name in layouts.FMA_COLUMNS)
    others = ",".join("other" if pair == column else pair[1] for pair in layouts.FMA_COLUMNS)
    table.write_text(text.replace(names, others))
    assert table.read_text() != text
    with pytest.raises(CorpusError, match="is not FMA's table of tracks"):
        open_corpus(folder)
