"""The `tracks.csv` that users put beside their music, however it was written."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gtzan_lib.data.opening import open_corpus
from gtzan_lib.errors import CorpusError, GtzanWarning

NAMES = ("Amália", "canção 2", "take 3.5", "x;y")


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    """Music with accents in its names, composed as on Linux; its `tracks.csv` changes."""
    from tests.conftest import write_music

    folder = tmp_path_factory.mktemp("own") / "m"
    for number, name in enumerate(NAMES):
        genre = ("fado", "samba")[number % 2]
        write_music(folder / "parts" / str(number), genres=[genre], tracks=1, seconds=1, name=name)
        made = folder / "parts" / str(number) / "genres_original" / genre / f"{name}.wav"
        target = folder / "music" / genre / made.name
        target.parent.mkdir(parents=True, exist_ok=True)
        made.rename(target)
    return folder / "music"


IDS = [f"{('fado', 'samba')[number % 2]}.{name}" for number, name in enumerate(NAMES)]
PATHS = [f"{('fado', 'samba')[number % 2]}/{name}" for number, name in enumerate(NAMES)]

SPELLINGS = {
    "ids": lambda n: IDS[n],
    "ids with endings": lambda n: f"{IDS[n]}.WAV",
    "names": lambda n: NAMES[n],
    "file names": lambda n: f"{NAMES[n]}.wav",
    "paths": lambda n: f"./{PATHS[n]}.wav",
    "paths of Windows": lambda n: f"C:\\music\\{PATHS[n]}.wav".replace("/", "\\"),
}


@given(
    spelling=st.sampled_from(list(SPELLINGS)),
    form=st.sampled_from(["NFC", "NFD"]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
    separator=st.sampled_from([",", ";", "\t", "|"]),
    end=st.sampled_from(["\n", "\r\n"]),
    head=st.sampled_from(["track_id", "Track_ID", " track_id "]),
)
def test_what_is_unambiguous_is_read(folder, spelling, form, encoding, separator, end, head):
    rows = [f'"{SPELLINGS[spelling](n)}"{separator}Artist {n}' for n in range(len(NAMES))]
    text = end.join([f"{head}{separator}artist", *rows, separator, ""])
    content = unicodedata.normalize(form, text).encode(encoding)
    (folder / "tracks.csv").write_bytes(content)
    artists = open_corpus(folder).tracks["artist"]
    assert artists.to_dict() == {name: f"Artist {n}" for n, name in enumerate(IDS)}


def test_one_artist_in_two_spellings_is_one(folder):
    composed, apart = (unicodedata.normalize(form, "Amália ") for form in ("NFC", "NFD"))
    names = [composed, apart, composed, apart]
    rows = [f'"{i}",{artist}' for i, artist in zip(IDS, names, strict=True)]
    (folder / "tracks.csv").write_text("\n".join(["track_id,artist", *rows]), encoding="utf-8")
    assert set(open_corpus(folder).tracks["artist"]) == {"Amália"}


def test_another_encoding_is_read_with_a_warning(folder):
    rows = [f'"{i}",Müller' for i in IDS]
    content = "\n".join(["track_id,artist", *rows])
    (folder / "tracks.csv").write_bytes(content.encode("cp1252"))
    with pytest.warns(GtzanWarning, match=r"tracks\.csv: is not in UTF-8 and is read as Windows-"):
        corpus = open_corpus(folder)
    assert set(corpus.tracks["artist"]) == {"Müller"}


def test_names_of_several_tracks_are_of_none(folder, music_folder):
    """The same name in two genres: the id or the path is needed."""
    music = music_folder(layout=".", genres=["fado", "samba"], tracks=1, name="song")
    (music / "tracks.csv").write_text("track_id,artist\nsong.wav,A\nsamba/song,B\nfado.song,\n")
    with pytest.warns(GtzanWarning, match=r"1 of 3 rows are of no track \(such as 'song.wav'\)"):
        tracks = open_corpus(music).tracks
    assert tracks["artist"].dropna().to_dict() == {"samba.song": "B"}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"track_id,artist\nA,B\nC,D\n", r"none of its 2 rows is of a track: .* 'A', .* 'fado"),
        (b"track_id,artist\nsamba.x;y,A,B,C\n\nsamba.x;y,A,B,C,D\n", "cannot be read as a table"),
        (b"name,artist\nfado,A\n", "has no column 'track_id'"),
        (b"", "has no column 'track_id'"),
        (b"track_id,artist\nsamba.x;y,A\nx;y.wav,B\n", "has track 'samba.x;y' twice"),
        ("track_id,artist\nx,A\n".encode("utf-16-le"), "is not text in UTF-8"),
        (b"track_id,artist\n\x81\x8d,A\n", "is not text in UTF-8"),
        (b'track_id,artist\n"samba.x;y,A\n', "cannot be read as a table"),
    ],
)
@pytest.mark.filterwarnings("ignore::gtzan_lib.errors.GtzanWarning")
def test_others_are_refused_in_one_sentence(folder, content, message):
    (folder / "tracks.csv").write_bytes(content)
    with pytest.raises(CorpusError, match=rf"tracks\.csv: {message}") as caught:
        open_corpus(folder)
    assert "\n" not in str(caught.value)
    assert str(caught.value).count(". ") == 0


def test_a_table_without_rows_is_of_no_track(folder):
    (folder / "tracks.csv").write_text("track_id,artist\n")
    with pytest.warns(GtzanWarning, match=r"4 of 4 tracks have no row \(such as 'fado.Amália'\)"):
        assert open_corpus(folder).tracks["artist"].isna().all()


@pytest.mark.parametrize("name", ["synthetic", "gtzan", "fma"])
def test_music_in_a_folder_called_like_a_data_set_is_not_it(music_folder, name):
    music = music_folder(layout=".", genres=["fado", "samba"])
    music = music.rename(music.with_name(name))
    assert open_corpus(music).name == f"own {name}"
    ids = "\n".join(open_corpus(music).tracks.index)
    (music / "tracks.csv").write_text(f"track_id,artist\n{ids}\n")
    assert open_corpus(music).name == f"own {name}"
