"""Genres with folders of artists and albums below."""

import pytest
import soundfile

from gtzan_lib.data.loaders import folder as module
from gtzan_lib.data.opening import open_corpus
from gtzan_lib.errors import GtzanWarning

from . import layouts


def test_artists_are_the_folders_below_genres(composed, tmp_path):
    tracks = open_corpus(layouts.albums(composed, tmp_path / "m")).tracks
    assert tracks.index.tolist()[:2] == [
        "blues.Artist 0 - Album 0 - 00 blues", "blues.Artist 0 - Album 1 - 01 blues",
    ]  # fmt: skip
    assert tracks["artist"].tolist() == [f"Artist {n // 2}" for n in range(6)]
    assert tracks["partition"].isna().all()


def test_every_level_is_read(music_folder):
    """Song, artist, album and disc below the genre."""
    folder = music_folder(
        layout=".", genres=["fado/A", "samba/B/C", "son/D/E/CD 1"], name="{number}"
    )
    tracks = open_corpus(folder).tracks
    assert tracks["genre"].tolist() == ["fado"] * 2 + ["samba"] * 2 + ["son"] * 2
    assert tracks["artist"].tolist() == ["A"] * 2 + ["B"] * 2 + ["D"] * 2


def test_files_beside_folders_of_artists_cause_a_warning(music_folder):
    folder = music_folder(layout=".", genres=["fado", "fado/Live", "samba"], name="s{number}")
    with pytest.warns(
        GtzanWarning, match=r"'fado' has files in sub-folders \(2\) and beside.*taken to be 'Live'"
    ):
        corpus = open_corpus(folder)
    assert len(corpus) == 6
    assert corpus.tracks["artist"].dropna().tolist() == ["Live"] * 2


@pytest.mark.parametrize("name", ["Various Artists", "VARIOUS", "Unknown Artist", "Compilations"])
def test_folders_of_several_artists_are_no_artists(music_folder, name):
    folder = music_folder(layout=".", genres=["fado/Ana", f"samba/{name}"], name="{number}")
    assert open_corpus(folder).tracks["artist"].dropna().tolist() == ["Ana"] * 2


def test_links_in_circles_end(music_folder):
    folder = music_folder(layout=".", genres=["fado/Ana", "samba/Cartola"], name="{number}")
    (folder / "fado" / "Ana" / "again").symlink_to(folder / "fado")
    assert len(open_corpus(folder)) == 4


def test_genre_folders_with_files_are_preferred(music_folder, tmp_path):
    """A folder of samples above is not taken for genres with artists."""
    folder = music_folder(layout="mini")
    (folder / "clips3s" / "blues").mkdir(parents=True)
    soundfile.write(folder / "clips3s" / "blues" / "a.wav", [0.1] * 22_050, 22_050)
    assert module.find_root(folder) == (folder / "mini").resolve()
