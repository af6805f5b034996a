"""GTZAN with files that are not GTZAN's, and in folders that are not its own."""

import shutil

import pytest

from gtzan_lib.data.loaders import gtzan
from gtzan_lib.data.opening import open_corpus
from gtzan_lib.errors import CorpusError, GtzanWarning
from gtzan_lib.health.check import check_health

from . import layouts


def test_one_stray_file_does_not_make_another_corpus(composed, tmp_path):
    folder = layouts.gtzan(composed, tmp_path / "g", layout=".")
    shutil.copy(folder / "blues" / "blues.00000.wav", folder / "blues" / "blues.00000 (1).wav")
    with pytest.warns(GtzanWarning, match=r"1 of 7 tracks are not GTZAN's.*00000 \(1\)"):
        corpus = open_corpus(folder)
    assert corpus.name == "gtzan"
    assert corpus.tracks["artist"].isna().sum() == 1
    # Also if it is in a folder of its own.
    (folder / "blues" / "more").mkdir()
    (folder / "blues" / "blues.00000 (1).wav").rename(folder / "blues" / "more" / "a.wav")
    with pytest.warns(GtzanWarning, match=r"1 of 7 tracks are not GTZAN's.*blues\.more - a"):
        assert open_corpus(folder).name == "gtzan"
    with pytest.warns(GtzanWarning, match="not GTZAN's"):
        report = check_health(folder, progress=False)
    assert report.n_files == 7


@pytest.mark.parametrize(
    ("tracks", "expected"),
    [
        ([("blues.00000", "blues")], True),
        ([("blues.00000", "blues"), ("blues.song", "blues")], False),
        ([("blues.00000", "rock")], False),
        ([("blues.00100", "blues")], False),
        ([], False),
    ],
)
def test_more_than_half_of_the_tracks_decide(tracks, expected):
    ids, genres = [list(part) for part in zip(*tracks, strict=True)] or [[], []]
    assert gtzan.are_mostly_gtzan(ids, genres) is expected


def test_the_official_split_is_that_of_the_facts(composed, tmp_path):
    corpus = open_corpus(layouts.gtzan(composed, tmp_path / "g", layout="genres"))
    expected = gtzan.facts().loc[corpus.tracks.index, "partition"]
    assert corpus.tracks["partition"].tolist() == expected.tolist()


def test_a_folder_above_gtzan_names_the_right_one(composed, tmp_path):
    layouts.gtzan(composed, tmp_path / "downloads" / "kaggle" / "archive", layout="wav")
    with pytest.raises(CorpusError, match=r"genres are deeper in it, in .*archive/wav; open that"):
        open_corpus(tmp_path / "downloads" / "kaggle")
