"""Odd entries in folders of music stop nothing, and are named."""

import os
import shutil

import pytest

from gtzan_lib.data.loaders import search as module
from gtzan_lib.data.loaders.search import search, sound_files, summaries
from gtzan_lib.data.opening import corpus_state, find_tracks, open_corpus
from gtzan_lib.errors import AudioError, CorpusError, GtzanWarning
from gtzan_lib.health.check import check_health
from gtzan_lib.signal.features import features


@pytest.fixture
def music(music_folder):
    return music_folder(layout=".", genres=["fado", "samba"], seconds=3, name="{number}")


@pytest.fixture
def forbid(monkeypatch):
    """Let the system refuse to list folders or to open files, which it never does to root."""
    forbidden = set()
    scandir = os.scandir

    def refusing(path):
        if os.path.abspath(path) in forbidden:  # noqa: PTH100
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refusing)
    return lambda path: forbidden.add(str(path))


def passed_over(folder) -> list[str]:
    listed = find_tracks(folder)
    return summaries(listed.root, listed.passed_over)


def test_a_folder_that_cannot_be_listed_is_passed_over(music, forbid):
    for name in ("lost+found", "fado/Secret"):
        (music / name).mkdir()
        forbid(music / name)
    message = r"passed over 2 not listed \(Permission denied\) \(fado/Secret, lost\+found\)"
    with pytest.warns(GtzanWarning, match=message):
        assert len(open_corpus(music)) == 4


def test_a_corpus_that_cannot_be_listed_is_refused(music, forbid):
    forbid(music)
    with pytest.raises(CorpusError, match=r"cannot be listed \(Permission denied\); name another"):
        open_corpus(music)
    with pytest.raises(CorpusError, match="cannot be listed"):
        corpus_state(music)


def test_odd_entries_do_not_stop_a_corpus(music):
    (music / "fado" / "x.flac").mkdir()
    (music / "fado" / "gone.wav").symlink_to(music / "nowhere.wav")
    (music / "fado" / "round.mp3").symlink_to(music / "fado" / "round.mp3")
    os.mkfifo(music / "samba" / "pipe.wav")
    (music / "samba" / "empty.wav").touch()
    with pytest.warns(GtzanWarning) as caught:
        corpus = open_corpus(music)
    texts = [str(warning.message) for warning in caught]
    assert "1 a folder named like a file (fado/x.flac)" in texts[0]
    assert "1 not a regular file (samba/pipe.wav)" in texts[0]
    assert "3 of 7 tracks cannot be read" in texts[1]
    assert corpus.unreadable == ["fado.gone", "fado.round", "samba.empty"]
    # What needs the bytes of all files goes on, too.
    assert corpus.checksums().isna().sum() == 2
    assert len(corpus.fingerprint) == 16
    report = check_health(music, progress=False)
    assert {"fado.gone", "fado.round", "samba.empty"} <= set(report.excluded)
    left = corpus.exclude(report)
    assert len(features(left, 1.0, progress=False)) > 0


def test_a_file_without_permission_is_a_track_that_cannot_be_read(music, monkeypatch):
    def refuse(path):
        if path.name == "0.wav":
            raise AudioError(f"{path}: cannot be decoded.", reason="Permission denied")
        return info(path)

    from gtzan_lib.data import audio, corpus

    info, sha256_of = audio.info, corpus.sha256_of
    monkeypatch.setattr(audio, "info", refuse)

    def refuse_bytes(path):
        if str(path).endswith("0.wav"):
            raise PermissionError(13, "Permission denied", path)
        return sha256_of(path)

    monkeypatch.setattr(corpus, "sha256_of", refuse_bytes)
    with pytest.warns(GtzanWarning, match="2 of 4 tracks cannot be read"):
        opened = open_corpus(music)
    assert opened.checksums().notna().tolist() == [False, True, False, True]
    assert len(opened.fingerprint) == 16


def test_folders_with_endings_of_files_are_folders(music_folder):
    music = music_folder(layout=".", genres=["fado/Live.flac", "samba"], name="{number}")
    tracks = open_corpus(music).tracks
    assert tracks["artist"].dropna().tolist() == ["Live.flac"] * 2
    assert len(tracks) == 4


def test_sound_that_is_not_in_the_corpus_is_counted_and_named(music):
    song = music / "fado" / "0.wav"
    shutil.copy(song, music / "beside.wav")
    deep = music / "samba" / "a" / "b" / "c" / "d"
    deep.mkdir(parents=True)
    shutil.copy(song, deep / "deep.wav")
    (music / "polka").mkdir()
    (music / "tango").mkdir()
    for number in range(5):
        (music / "tango" / f"{number}.APE").write_bytes(b"x")
    assert passed_over(music) == [
        "1 an empty folder (polka)",
        "1 beside the folders of genres (beside.wav)",
        "5 in a format that is not read (tango/0.APE, tango/1.APE, tango/2.APE, ...)",
        "1 more than 4 folders deep (samba/a/b/c/d)",
    ]
    with pytest.warns(GtzanWarning, match="passed over 1 an empty folder") as caught:
        assert len(open_corpus(music)) == 4
    assert len(caught) == 1


def test_what_is_no_sound_is_no_news(music):
    for name in ("cover.jpg", "notes.txt", "._0.wav", ".DS_Store", "Thumbs.db"):
        (music / "fado" / name).write_bytes(b"x")
        (music / name).write_bytes(b"x")
    for name in ("pictures/a.png", "__MACOSX/fado/._0.wav", "@eaDir/0.wav", ".git/0.wav"):
        (music / name).parent.mkdir(parents=True)
        (music / name).write_bytes(b"x")
    assert passed_over(music) == []
    assert len(open_corpus(music)) == 4


def test_links_in_circles_end(music):
    (music / "fado" / "again").symlink_to(music)
    (music / "samba" / "self").symlink_to(music / "samba" / "self")
    assert len(search(music, deepest=1).files) == 0
    assert len(search(music / "fado").files) == 4


def test_sound_files_of_a_folder_are_at_any_depth(music):
    deep = music / "a" / "b" / "c" / "d" / "e" / "f"
    deep.mkdir(parents=True)
    shutil.copy(music / "fado" / "0.wav", deep / "deep.WAV")
    found = sound_files(music)
    assert found == sorted(found)
    assert len(found) == 5


def test_a_folder_without_sound_files_is_refused(tmp_path):
    with pytest.raises(CorpusError, match="holds no audio files; name files, or another folder"):
        sound_files(tmp_path)
    (tmp_path / "a.mid").write_bytes(b"x")
    with pytest.raises(CorpusError, match=r"but 1 in a format that is not read \(a\.mid\); name"):
        sound_files(tmp_path)


# Legal names of files, and the ids of their tracks.
NAMES = {
    b"caf\xe9": "caf%E9",
    b"a\nb": "a%0Ab",
    b"a\tb\x1b[2J": "a%09b%1B[2J",
    "日本語 $x$ 100%".encode(): "日本語 $x$ 100%",
    b'"quoted", <b>': '"quoted", <b>',
    "と".encode() * 82: "と" * 82,
}


@pytest.mark.parametrize("name", NAMES, ids=range(len(NAMES)))
def test_ids_are_one_line_of_text_whatever_files_are_called(music, name, tmp_path):
    odd = os.fsdecode(os.fsencode(music / "fado") + b"/" + name + b".wav")
    (music / "fado" / "0.wav").rename(odd)
    corpus = open_corpus(music)
    track_id = f"fado.{NAMES[name]}"
    assert track_id in corpus.tracks.index
    assert corpus.load(track_id)[0].size
    assert len(corpus.fingerprint) == 16
    assert len(corpus_state(music)) == 16
    # A folder is a genre or an artist.
    os.rename(odd, music / "fado" / "0.wav")  # noqa: PTH104
    genre = os.fsdecode(os.fsencode(music) + b"/" + name)
    (music / "fado").rename(genre)
    corpus = open_corpus(music)
    assert NAMES[name] in corpus.genres
    table = features(corpus, 1.0, progress=False)
    again = features(open_corpus(table.save(tmp_path / "f.csv")))
    assert again.windows["track_id"].tolist() == table.windows["track_id"].tolist()


def test_every_ending_of_sound_that_is_read_or_named(music):
    """None is passed over without a word."""
    for ending in module._OTHER_SOUND:
        (music / "fado" / f"x{ending}").write_bytes(b"x")
    listed = find_tracks(music)
    paths = {path.name for path, _ in listed.passed_over}
    paths |= {os.path.basename(path) for path in listed.tracks["path"]}  # noqa: PTH119
    assert {f"x{ending}" for ending in module._OTHER_SOUND} <= paths
