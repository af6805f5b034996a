"""Opening collections of music in every layout, and telling them apart."""

import dataclasses
import os
import shutil
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import soundfile

from gtzan_lib.data import corpus as module
from gtzan_lib.data import gtzan
from gtzan_lib.data.audio import EXTENSIONS
from gtzan_lib.data.corpus import corpus_state, find_tracks, open_corpus
from gtzan_lib.data.splits import split
from gtzan_lib.data.tables import COLUMNS, FEATURES
from gtzan_lib.data.windows import windows
from gtzan_lib.errors import AudioError, CorpusError, GtzanError, GtzanWarning
from gtzan_lib.signal.recipes import Recipe
from gtzan_lib.signal.store import SpectrogramStore

LAYOUTS = ["genres_original", "Data/genres_original", "genres", ".", "mini"]


# --- layouts and ids ----------------------------------------------------------


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("ending", EXTENSIONS)
def test_every_layout_and_format(music_folder, layout, ending):
    folder = music_folder(layout=layout, ending=ending, seconds=1.0)
    corpus = open_corpus(folder)
    assert corpus.tracks.index.tolist() == [
        "blues.00000", "blues.00001", "rock.00000", "rock.00001",
    ]  # fmt: skip
    assert corpus.tracks.index.name == "track_id"
    assert corpus.tracks.columns.tolist() == [
        "genre", "path", "artist", "partition", "duration_s", "sample_rate",
    ]  # fmt: skip
    assert corpus.root == (folder / layout).resolve()
    assert corpus.genres == ["blues", "rock"]
    assert len(corpus) == 4
    assert corpus.unreadable == []
    assert (corpus.tracks["sample_rate"] == 22_050).all()
    # Lossy formats may come out a little longer.
    assert corpus.tracks["duration_s"].between(0.999, 1.1).all()
    y, rate = corpus.load("rock.00001", sample_rate=12_000)
    assert rate == 12_000
    assert abs(len(y) - 12_000) < 1_300


def test_layout_may_be_named_itself(music_folder):
    folder = music_folder(layout="genres_original")
    inner, outer = open_corpus(folder / "genres_original"), open_corpus(folder)
    pd.testing.assert_frame_equal(inner.tracks, outer.tracks)


def test_whole_data_set_comes_before_the_sample(music_folder):
    folder = music_folder(layout="genres_original", tracks=3)
    shutil.copytree(folder / "genres_original" / "blues", folder / "mini" / "blues")
    assert len(open_corpus(folder)) == 6


def test_tilde_and_relative_paths(music_folder, monkeypatch):
    folder = music_folder(genres=["jazz"])
    monkeypatch.chdir(folder.parent)
    assert open_corpus(folder.name).root.is_absolute()
    monkeypatch.setenv("HOME", str(folder.parent))
    assert len(open_corpus(f"~/{folder.name}")) == 2


def test_own_music_gets_the_genre_before_its_name(music_folder):
    corpus = open_corpus(music_folder(layout=".", genres=["fado"], name="Song No. {number}"))
    assert corpus.tracks.index.tolist() == ["fado.Song No. 0", "fado.Song No. 1"]
    assert corpus.tracks["artist"].isna().all()
    assert corpus.name == "music0"


@pytest.mark.parametrize("ending", [".WAV", ".Flac"])
def test_endings_in_capitals(music_folder, ending):
    assert len(open_corpus(music_folder(ending=ending))) == 4


def test_other_and_hidden_files_are_passed_over(music_folder):
    folder = music_folder(layout=".")
    (folder / "blues" / "notes.txt").write_text("x")
    (folder / "blues" / "._blues.00000.wav").write_bytes(b"left by a file manager")
    (folder / ".hidden").mkdir()
    shutil.copy(folder / "blues" / "blues.00000.wav", folder / ".hidden" / "a.wav")
    (folder / "pictures").mkdir()
    (folder / "pictures" / "a.png").write_bytes(b"x")
    assert open_corpus(folder).genres == ["blues", "rock"]
    assert len(open_corpus(folder)) == 4


def test_repr_says_what_it_is(music_folder):
    text = repr(open_corpus(music_folder(seconds=3.0)))
    assert "4 tracks, 2 genres, 0.2 min" in text


# --- listing without opening --------------------------------------------------


def open_nothing(path):
    raise AssertionError(f"{path} was opened")


@pytest.mark.parametrize("layout", LAYOUTS)
def test_listing_is_what_opening_finds(music_folder, monkeypatch, layout):
    folder = music_folder(layout=layout, seconds=0.1)
    corpus = open_corpus(folder)
    monkeypatch.setattr(module.audio, "info", open_nothing)
    monkeypatch.setattr(module.audio, "opened", open_nothing)
    monkeypatch.setattr(module, "sha256_of", open_nothing)
    name, root, tracks = find_tracks(str(folder))
    assert (name, root) == ("gtzan", corpus.root)
    columns = ["genre", "path", "artist", "partition"]
    pd.testing.assert_frame_equal(tracks, corpus.tracks[columns])


def test_files_that_are_no_audio_are_listed(music_folder):
    folder = music_folder(layout=".")
    (folder / "rock" / "rock.00001.wav").write_bytes(b"not audio")
    (folder / "rock" / "rock.00002.au").mkdir()
    (folder / "rock" / "rock.00003.wav").symlink_to(folder / "nowhere")
    (folder / "rock" / "rock.00004.txt").write_bytes(b"text")
    _, _, tracks = find_tracks(folder)
    assert tracks.loc[tracks["genre"] == "rock"].index.tolist() == [
        "rock.00000", "rock.00001", "rock.00002", "rock.00003",
    ]  # fmt: skip


@pytest.mark.parametrize("genre", ["jazz", "fado"])
def test_twins_are_listed_once_each(music_folder, genre):
    """Of GTZAN, about which facts are joined, and of other music."""
    folder = music_folder(layout=".", genres=[genre])
    shutil.copy(folder / genre / f"{genre}.00000.wav", folder / genre / f"{genre}.00000.au")
    name, _, tracks = find_tracks(folder)
    assert name == ("gtzan" if genre == "jazz" else "music0")
    assert tracks.index.tolist() == [f"{genre}.{number:05d}" for number in (0, 0, 1)]
    assert [Path(path).name for path in tracks["path"]] == [
        f"{genre}.00000.au", f"{genre}.00000.wav", f"{genre}.00001.wav",
    ]  # fmt: skip
    assert tracks["artist"].notna().all() == (genre == "jazz")
    with pytest.raises(CorpusError, match=r"00000\.au and .*00000\.wav: both would be track"):
        open_corpus(folder)


def test_listing_with_an_own_table(music_folder):
    folder = music_folder(genres=["fado"])
    (folder / "tracks.csv").write_text("track_id,artist\nfado.00001,007\n")
    name, _, tracks = find_tracks(folder)
    assert name == folder.name
    assert tracks["artist"].fillna("").tolist() == ["", "007"]
    assert tracks["partition"].isna().all()


def test_nothing_to_list(tmp_path):
    with pytest.raises(CorpusError, match="there is no such folder"):
        find_tracks(tmp_path / "none")
    with pytest.raises(CorpusError, match="holds no genre folders with audio"):
        find_tracks(tmp_path)


# --- artists and partitions ---------------------------------------------------


def test_gtzan_facts_are_joined(music_folder):
    corpus = open_corpus(music_folder())
    facts = gtzan.facts()
    assert corpus.name == "gtzan"
    assert corpus.tracks.at["blues.00000", "artist"] == "John Lee Hooker"
    for column in ("artist", "partition"):
        expected = facts.loc[corpus.tracks.index, column]
        assert corpus.tracks[column].tolist() == expected.tolist()


def test_gtzan_facts_are_about_gtzan():
    facts = gtzan.facts()
    assert len(facts) == 1000
    assert facts.index.is_unique
    assert all(gtzan.is_gtzan_id(t, t.split(".")[0]) for t in facts.index)
    assert facts["partition"].value_counts().to_dict() == {
        "train": 443, "valid": 197, "test": 290, "dropped": 70,
    }  # fmt: skip
    assert facts["artist"].isna().sum() == 17
    assert facts["wav_sha256"].str.fullmatch("[0-9a-f]{64}").all()


def test_known_faults_are_of_known_clips():
    faults, facts = gtzan.known_faults(), gtzan.facts()
    assert faults.columns.tolist() == ["track_id", "fault", "detail", "source_track", "reference"]
    assert set(faults["fault"]) == {
        "unreadable", "distorted", "identical", "mislabelled", "repeated",
    }  # fmt: skip
    assert set(faults["reference"]) == {"kaggle", "checksums", "sturm2013"}
    assert faults["track_id"].isin(facts.index).all()
    assert faults["detail"].notna().all()
    # Only copies have another clip that they are copies of.
    copied = faults["fault"].isin(["identical", "mislabelled", "repeated"])
    assert (faults["source_track"].notna() == copied).all()
    assert faults["source_track"].dropna().isin(facts.index).all()
    assert (faults["source_track"] != faults["track_id"]).all()
    # No pair is named twice.
    pairs = [
        frozenset(pair) for pair in faults.loc[copied, ["track_id", "source_track"]].to_numpy()
    ]
    assert len(set(pairs)) == len(pairs)
    assert faults.loc[faults["fault"] == "unreadable", "track_id"].tolist() == ["jazz.00054"]


def test_known_copies_are_what_the_checksums_prove():
    faults, sums = gtzan.known_faults(), gtzan.facts()["wav_sha256"]
    proven = set()
    for row in faults.dropna(subset=["source_track"]).itertuples():
        equal = sums[row.track_id] == sums[row.source_track]
        assert equal == (row.fault != "repeated")
        assert equal == (row.reference == "checksums")
        genres = {name.split(".")[0] for name in (row.track_id, row.source_track)}
        assert (len(genres) == 2) == (row.fault == "mislabelled")
        if equal:
            proven.add(frozenset((row.track_id, row.source_track)))
    # And no two other clips have equal checksums.
    twins = sums[sums.duplicated(keep=False)].groupby(sums)
    assert proven == {frozenset(group.index) for _, group in twins}
    assert len(proven) == 14


@pytest.mark.parametrize(
    ("track_id", "genre", "answer"),
    [
        ("blues.00042", "blues", True),
        ("blues.0042", "blues", False),
        ("blues.00042", "rock", False),
        ("blues.00042.wav", "blues", False),
        ("bluesx00042", "blues", False),
    ],
)
def test_gtzan_ids(track_id, genre, answer):
    assert gtzan.is_gtzan_id(track_id, genre) is answer


def test_a_genre_gtzan_does_not_have_makes_it_other_music(music_folder):
    corpus = open_corpus(music_folder(genres=["blues", "fado"]))
    assert corpus.name != "gtzan"
    assert corpus.tracks["artist"].isna().all()


@pytest.mark.parametrize("layout", LAYOUTS)
def test_own_table_of_artists(music_folder, layout):
    """A `tracks.csv` in the folder that was named, whatever its layout."""
    folder = music_folder(layout=layout, genres=["fado", "samba"])
    (folder / "tracks.csv").write_text(
        "track_id,artist,partition\nfado.00000,Amália,train\nsamba.00001,,test\nother,Cartola,\n",
        encoding="utf-8",
    )
    tracks = open_corpus(folder).tracks
    assert tracks.at["fado.00000", "artist"] == "Amália"
    assert tracks.at["fado.00000", "partition"] == "train"
    assert tracks.at["samba.00001", "partition"] == "test"
    assert tracks["artist"].notna().sum() == 1
    assert len(tracks) == 4


def test_own_table_beats_gtzans_facts(music_folder):
    folder = music_folder()
    (folder / "tracks.csv").write_text("track_id,artist\nblues.00000,007\n")
    tracks = open_corpus(folder).tracks
    assert tracks["artist"].dropna().to_dict() == {"blues.00000": "007"}
    assert tracks["partition"].isna().all()


def test_table_without_ids_is_refused(music_folder):
    folder = music_folder()
    (folder / "tracks.csv").write_text("name,artist\nblues.00000,X\n")
    with pytest.raises(CorpusError, match=r"tracks\.csv: has no column 'track_id'"):
        open_corpus(folder)


def test_table_that_names_a_track_twice_is_refused(music_folder):
    folder = music_folder()
    (folder / "tracks.csv").write_text("track_id,artist\nrock.00001,X\nrock.00001,Y\n")
    with pytest.raises(CorpusError, match=r"names track 'rock\.00001' twice"):
        open_corpus(folder)


# --- what is refused ----------------------------------------------------------


def test_twins_are_refused(music_folder):
    folder = music_folder(layout=".", genres=["jazz"])
    y, rate = soundfile.read(folder / "jazz" / "jazz.00000.wav")
    soundfile.write(folder / "jazz" / "jazz.00000.flac", y, rate)
    with pytest.raises(CorpusError, match=r"both would be track 'jazz\.00000'") as caught:
        open_corpus(folder)
    assert "jazz.00000.flac" in str(caught.value)
    assert "jazz.00000.wav" in str(caught.value)


def test_missing_folder(tmp_path):
    with pytest.raises(CorpusError, match="there is no such folder") as caught:
        open_corpus(tmp_path / "gtzan")
    assert str(tmp_path / "gtzan") in str(caught.value)
    assert "Kaggle" in str(caught.value)


def test_file_is_no_folder(music_folder):
    file = music_folder(layout=".") / "blues" / "blues.00000.wav"
    with pytest.raises(CorpusError, match="there is no such folder"):
        open_corpus(file)


def test_empty_folder(tmp_path):
    with pytest.raises(CorpusError, match="holds no genre folders with audio"):
        open_corpus(tmp_path)


def test_genre_folder_named_instead_of_the_one_above(music_folder):
    folder = music_folder(layout=".") / "blues"
    with pytest.raises(CorpusError, match="holds no genre folders with audio") as caught:
        open_corpus(folder)
    assert str(folder) in str(caught.value)


def test_folders_without_audio(tmp_path):
    (tmp_path / "genres_original" / "blues").mkdir(parents=True)
    with pytest.raises(CorpusError, match="holds no genre folders with audio"):
        open_corpus(tmp_path)


def test_unreadable_file_is_announced_and_gives_no_windows(music_folder):
    folder = music_folder(layout=".", seconds=3.0)
    (folder / "rock" / "rock.00001.wav").write_bytes(b"not audio")
    with pytest.warns(GtzanWarning, match=r"1 of 4 tracks cannot be read.*rock\.00001"):
        corpus = open_corpus(folder)
    assert corpus.unreadable == ["rock.00001"]
    assert np.isnan(corpus.tracks.at["rock.00001", "duration_s"])
    assert corpus.tracks["sample_rate"].isna().tolist() == [False, False, False, True]
    assert "rock.00001" not in set(windows(corpus)["track_id"])
    with pytest.raises(AudioError, match=r"rock\.00001\.wav"):
        corpus.load("rock.00001")
    assert corpus.exclude(corpus.unreadable).unreadable == []


# --- select and exclude -------------------------------------------------------


def test_select_genres_and_tracks(music_folder):
    corpus = open_corpus(music_folder(genres=["blues", "jazz", "rock"]))
    assert corpus.select(genres=["rock", "blues"]).genres == ["blues", "rock"]
    assert corpus.select(genres="jazz").tracks.index.tolist() == ["jazz.00000", "jazz.00001"]
    assert corpus.select(tracks=["rock.00001", "blues.00000"]).tracks.index.tolist() == [
        "blues.00000", "rock.00001",
    ]  # fmt: skip
    both = corpus.select(genres=["rock"], tracks=["rock.00001", "blues.00000"])
    assert both.tracks.index.tolist() == ["rock.00001"]
    assert len(corpus.select()) == len(corpus) == 6


def test_exclude(music_folder):
    corpus = open_corpus(music_folder())
    assert corpus.exclude(t for t in ["blues.00001"]).tracks.index.tolist() == [
        "blues.00000", "rock.00000", "rock.00001",
    ]  # fmt: skip
    assert len(corpus.exclude("rock.00000")) == 3
    assert len(corpus.exclude([])) == 4


def test_exclude_what_a_report_condemns(music_folder):
    """It may be of a larger corpus, so that not all it excludes need be here."""
    corpus = open_corpus(music_folder())
    report = SimpleNamespace(excluded=["jazz.00054", "rock.00000", "rock.09999", "blues.00001"])
    left = corpus.exclude(report)
    assert left.tracks.index.tolist() == ["blues.00000", "rock.00001"]
    assert len(left.exclude(report)) == 2
    assert len(corpus) == 4
    assert len(corpus.exclude(SimpleNamespace(excluded=[]))) == 4
    assert len(corpus.exclude(SimpleNamespace(excluded=("jazz.00054",)))) == 4
    with pytest.raises(CorpusError, match="leaves no track"):
        corpus.exclude(SimpleNamespace(excluded=corpus.tracks.index))
    # Ids that are named one by one must be here, though.
    with pytest.raises(CorpusError, match=r"there is no track 'jazz\.00054'"):
        corpus.exclude(report.excluded)


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda c: c.select(genres=["polka"]), "genre 'polka'"),
        (lambda c: c.select(tracks=["blues.00009"]), "track 'blues.00009'"),
        (lambda c: c.exclude(["blues.00009"]), "track 'blues.00009'"),
        (lambda c: c.load("blues.00009"), "track 'blues.00009'"),
    ],
)
def test_unknown_names_are_refused(music_folder, call, name):
    with pytest.raises(CorpusError, match=f"there is no {name} in this corpus"):
        call(open_corpus(music_folder()))


@pytest.mark.parametrize(
    "call",
    [
        lambda c: c.select(genres=["rock"], tracks=["blues.00000"]),
        lambda c: c.select(tracks=[]),
        lambda c: c.exclude(c.tracks.index),
    ],
)
def test_nothing_left_is_refused(music_folder, call):
    with pytest.raises(CorpusError, match="leaves no track"):
        call(open_corpus(music_folder()))


# --- fingerprints and checksums -----------------------------------------------


def test_fingerprint_does_not_depend_on_the_place(music_folder, tmp_path):
    folder = music_folder(layout="genres_original")
    shutil.copytree(folder / "genres_original", tmp_path / "elsewhere" / "genres")
    here, there = open_corpus(folder), open_corpus(tmp_path / "elsewhere")
    assert here.fingerprint == there.fingerprint
    assert len(here.fingerprint) == 16
    assert here.select(genres="rock").fingerprint != here.fingerprint


def test_fingerprint_changes_with_a_byte(music_folder):
    folder = music_folder(layout=".")
    before = open_corpus(folder).fingerprint
    file = folder / "rock" / "rock.00001.wav"
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)
    os.utime(file, ns=(0, file.stat().st_mtime_ns + 10**9))
    assert open_corpus(folder).fingerprint != before


def test_fingerprint_changes_with_name_genre_and_artist(music_folder):
    folder = music_folder(layout=".", genres=["fado", "samba"])
    seen = {open_corpus(folder).fingerprint}
    (folder / "tracks.csv").write_text("track_id,artist\nfado.00000,A\n")
    seen.add(open_corpus(folder).fingerprint)
    (folder / "tracks.csv").write_text("track_id,artist\nfado.00000,B\n")
    seen.add(open_corpus(folder).fingerprint)
    (folder / "samba" / "samba.00000.wav").rename(folder / "samba" / "samba.00007.wav")
    seen.add(open_corpus(folder).fingerprint)
    (folder / "samba").rename(folder / "tango")
    seen.add(open_corpus(folder).fingerprint)
    assert len(seen) == 5


def test_fingerprint_does_not_depend_on_the_order(music_folder):
    corpus = open_corpus(music_folder())
    turned = module.Corpus(corpus.name, corpus.root, corpus.tracks.iloc[::-1])
    assert turned.fingerprint == corpus.fingerprint


def read_nothing(path):
    raise AssertionError(f"{path} was read")


def test_checksums_are_those_of_the_files_and_remembered(music_folder, monkeypatch, work):
    import hashlib

    folder = music_folder()
    digests = open_corpus(folder).checksums()
    for track_id, path in open_corpus(folder).tracks["path"].items():
        assert digests[track_id] == hashlib.sha256(Path(path).read_bytes()).hexdigest()
    assert list((work / ".checksums").iterdir())
    monkeypatch.setattr(module, "sha256_of", read_nothing)
    pd.testing.assert_series_equal(open_corpus(folder).checksums(), digests)
    assert len(open_corpus(folder).select(genres="rock").checksums()) == 2


@pytest.mark.parametrize("change", ["size", "time"])
def test_changed_file_is_read_again_and_no_other(music_folder, monkeypatch, change):
    folder = music_folder(layout=".")
    open_corpus(folder).checksums()
    file = folder / "blues" / "blues.00001.wav"
    status = file.stat()
    if change == "size":
        file.write_bytes(file.read_bytes() + b"\0\0")
        os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))
    else:
        os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns + 1))
    read, sha256_of = [], module.sha256_of
    monkeypatch.setattr(module, "sha256_of", lambda path: read.append(str(path)) or sha256_of(path))
    open_corpus(folder).checksums()
    assert read == [str(file.resolve())]


@pytest.mark.parametrize("content", ["", "{", "[]", "\x00\xff"])
def test_damaged_cache_is_made_anew(music_folder, work, content):
    corpus = open_corpus(music_folder())
    digests = corpus.checksums()
    for file in (work / ".checksums").iterdir():
        file.write_text(content, encoding="latin-1")
    pd.testing.assert_series_equal(corpus.checksums(), digests)


def test_vanished_file_is_named(music_folder):
    folder = music_folder(layout=".")
    corpus = open_corpus(folder)
    file = folder / "rock" / "rock.00000.wav"
    file.unlink()
    with pytest.raises(GtzanError, match=r"rock\.00000\.wav"):
        corpus.checksums()


def test_state_changes_with_files_not_with_reading(music_folder):
    folder = music_folder(layout=".")
    states = [corpus_state(folder)]
    open_corpus(folder).checksums()
    assert corpus_state(folder) == states[0]
    file = folder / "rock" / "rock.00000.wav"
    os.utime(file, ns=(0, file.stat().st_mtime_ns + 1))
    states.append(corpus_state(folder))
    (folder / "tracks.csv").write_text("track_id,artist\n")
    states.append(corpus_state(folder))
    shutil.copy(file, folder / "rock" / "rock.00002.wav")
    states.append(corpus_state(folder))
    file.unlink()
    states.append(corpus_state(folder))
    assert len(set(states)) == 5
    assert all(len(state) == 16 for state in states)


def test_state_of_a_missing_folder(tmp_path):
    with pytest.raises(CorpusError, match="there is no such folder"):
        corpus_state(tmp_path / "none")


# --- genres whose names look like something else ------------------------------


def test_decades_as_genres(music_folder, tmp_path):
    """Folder names that look like numbers stay names all the way to a saved split."""
    corpus = open_corpus(
        music_folder(layout=".", genres=["1980", "1990"], tracks=4, name="{number:02d}")
    )
    assert corpus.genres == ["1980", "1990"]
    made = split(windows(corpus, 0.5), corpus, protocol="track")
    loaded = type(made).load(made.save(tmp_path / "split.csv"))
    pd.testing.assert_frame_equal(loaded.table, made.table, check_dtype=False)


# --- real recordings ----------------------------------------------------------


def test_real_clips(gtzan_root):
    if not (gtzan_root / "mini").is_dir():
        pytest.skip(f"{gtzan_root} holds no mini/")
    corpus = open_corpus(gtzan_root / "mini")
    assert corpus.name == "gtzan"
    assert len(corpus.genres) == 10
    assert corpus.tracks["duration_s"].between(29.9, 30.7).all()
    assert (corpus.tracks["sample_rate"] == 22_050).all()


def test_lossless_copies_are_kaggles_recordings(gtzan_root, real_clips, tmp_path):
    """Written back as WAV, a lossless copy has the checksum the facts tell."""
    facts = gtzan.facts()
    checked = 0
    for clip in real_clips:
        if clip.suffix not in (".flac", ".wav"):
            continue
        samples, rate = soundfile.read(clip, dtype="int16")
        soundfile.write(tmp_path / "a.wav", samples, rate, subtype="PCM_16")
        assert module.sha256_of(tmp_path / "a.wav") == facts.at[clip.stem, "wav_sha256"]
        checked += 1
    if not checked:
        pytest.skip("no lossless clips here")


# --- tables of features -------------------------------------------------------


def write_table(path: Path, *filenames: str, length="66149", **labels: str) -> Path:
    """Write a table; a label is that of `labels`, or the first part of the name."""
    rng = np.random.default_rng(0)
    table = pd.DataFrame(rng.random((len(filenames), 60)), columns=list(COLUMNS)).astype(object)
    table["filename"] = filenames
    table["length"] = length
    table["label"] = [labels.get(name, name.split(".")[0]) for name in filenames]
    path.parent.mkdir(parents=True, exist_ok=True)
    table.to_csv(path, index=False)
    return path


@pytest.fixture
def table(tmp_path) -> Path:
    """Two windows of a track, and one of another."""
    names = ("rock.00001.0.wav", "rock.00001.1.wav", "blues.00003.0.wav")
    return write_table(tmp_path / "features_3_sec.csv", *names)


def test_a_table_is_a_corpus_of_its_tracks(table):
    corpus = open_corpus(table)
    assert corpus.is_table
    assert corpus.root == table
    assert corpus.name == "gtzan"
    assert corpus.genres == ["blues", "rock"]
    assert corpus.unreadable == []
    assert corpus.tracks.index.tolist() == ["rock.00001", "blues.00003"]
    assert corpus.tracks.index.name == "track_id"
    assert corpus.tracks.columns.tolist() == [
        "genre", "path", "artist", "partition", "duration_s", "sample_rate",
    ]  # fmt: skip
    assert (corpus.tracks["path"] == str(table)).all()
    assert (corpus.tracks["sample_rate"] == 22_050).all()
    np.testing.assert_allclose(corpus.tracks["duration_s"], [6, 3], atol=1e-3)
    facts = gtzan.facts().loc[corpus.tracks.index]
    assert corpus.tracks["artist"].tolist() == facts["artist"].tolist()
    assert corpus.tracks["partition"].tolist() == facts["partition"].tolist()
    assert "2 tracks, 2 genres" in repr(corpus)


def test_a_folder_is_no_table(music_folder):
    assert not open_corpus(music_folder()).is_table


def test_a_table_holds_no_sound(table):
    corpus = open_corpus(table)
    for refused in (corpus.require_audio, lambda: corpus.load("rock.00001")):
        with pytest.raises(CorpusError, match=r"features_3_sec\.csv: .* holds no sound; open the"):
            refused()


def test_a_folder_may_be_named_like_a_table(music_folder):
    folder = music_folder()
    named = folder.rename(folder.with_name("x.csv"))
    assert len(open_corpus(named)) == 4
    assert not open_corpus(named).is_table
    before = corpus_state(named)
    (named / "genres_original" / "rock" / "rock.00000.wav").unlink()
    assert corpus_state(named) != before


def test_table_by_other_paths(table, monkeypatch):
    monkeypatch.chdir(table.parent)
    monkeypatch.setenv("HOME", str(table.parent))
    for source in (table.name, f"~/{table.name}", str(table)):
        assert open_corpus(source).root == table
    table.rename(table.with_suffix(".CSV"))
    assert open_corpus(table.with_suffix(".CSV")).is_table


def test_other_music_in_a_table(tmp_path):
    names = ["fado.Song No. 1.0.wav", "fado.Song No. 1.1.wav", "1980.007.0.wav", "NA.None.0.wav"]
    corpus = open_corpus(write_table(tmp_path / "mine.csv", *names))
    assert corpus.name == "mine"
    assert corpus.tracks["genre"].to_dict() == {
        "fado.Song No. 1": "fado", "1980.007": "1980", "NA.None": "NA",
    }  # fmt: skip
    assert corpus.tracks[["artist", "partition"]].isna().all(axis=None)


def test_the_label_is_the_genre_whatever_the_name(tmp_path):
    file = write_table(tmp_path / "t.csv", "a.wav", "b.wav", **{"a.wav": "1980", "b.wav": "fado"})
    assert open_corpus(file).tracks["genre"].to_dict() == {"a": "1980", "b": "fado"}


def test_artists_from_a_file_beside_the_table(table):
    (table.parent / "tracks.csv").write_text(
        "track_id,artist,partition\nblues.00003,None,test\nrock.00001,Ana,\npop.00000,Bo,train\n"
    )
    tracks = open_corpus(table).tracks
    assert tracks["artist"].to_dict() == {"rock.00001": "Ana", "blues.00003": "None"}
    assert tracks["partition"].fillna("-").tolist() == ["-", "test"]


def test_selected_and_excluded_tracks_of_a_table(table):
    corpus = open_corpus(table)
    assert corpus.select(genres="rock").tracks.index.tolist() == ["rock.00001"]
    assert corpus.exclude(["rock.00001"]).tracks.index.tolist() == ["blues.00003"]
    assert corpus.select(genres="rock").is_table
    with pytest.raises(CorpusError, match=r"there is no track 'jazz\.00000'"):
        corpus.select(tracks=["jazz.00000"])


def test_fingerprint_of_a_table(table):
    before = open_corpus(table).fingerprint
    assert open_corpus(table).fingerprint == before
    assert open_corpus(table).select(genres="rock").fingerprint != before
    copy = Path(shutil.copy(table, table.with_name("copy.csv")))
    assert open_corpus(copy).fingerprint == before
    copy.write_text(copy.read_text().replace("0.5", "0.4", 1))
    assert open_corpus(copy).fingerprint != before


def test_a_table_of_one_file_is_read_once(table, monkeypatch):
    read = []
    monkeypatch.setattr(module, "sha256_of", lambda path: read.append(path) or "0" * 64)
    open_corpus(table).checksums()
    assert read == [str(table)]


def test_state_changes_with_table_and_artists(table):
    states = [corpus_state(table)]
    open_corpus(table)
    assert corpus_state(table) == states[0]
    os.utime(table, ns=(0, table.stat().st_mtime_ns + 1))
    states.append(corpus_state(table))
    (table.parent / "tracks.csv").write_text("track_id,artist\n")
    states.append(corpus_state(table))
    (table.parent / "other.csv").write_text("")
    assert corpus_state(table) == states[-1]
    assert len(set(states)) == 3
    assert all(len(state) == 16 for state in states)


def test_what_is_no_table_is_refused(tmp_path):
    for content, told in [
        (b"", "cannot be read as a table"),
        (b"\xef\xbb\xbf", "cannot be read as a table"),
        (b"RIFF\x00\x00", "has no column 'filename'"),
        (b"track_id,artist\n", "has no column 'filename'"),
        ((",".join(COLUMNS) + "\n").encode(), "has no rows"),
    ]:
        (tmp_path / "t.csv").write_bytes(content)
        with pytest.raises(CorpusError, match=rf"t\.csv: {told}") as caught:
            open_corpus(tmp_path / "t.csv")
        assert "\n" not in str(caught.value)


def test_missing_table(tmp_path):
    with pytest.raises(CorpusError, match=r"none\.csv: .*there is no such file"):
        open_corpus(tmp_path / "none.csv")


def test_a_track_with_two_labels_is_refused(tmp_path):
    names = ["blues.00000.0.wav", "blues.00000.1.wav"]
    file = write_table(tmp_path / "t.csv", *names, **{names[1]: "rock"})
    with pytest.raises(CorpusError, match=r"track 'blues\.00000' have several labels"):
        open_corpus(file)


def test_order_is_that_of_the_table(tmp_path):
    names = ["rock.00000.1.wav", "blues.00000.0.wav", "rock.00000.0.wav", "jazz.00000.0.wav"]
    tracks = open_corpus(write_table(tmp_path / "t.csv", *names)).tracks
    assert tracks.index.tolist() == ["rock.00000", "blues.00000", "jazz.00000"]
    assert tracks["duration_s"].round(2).tolist() == [6, 3, 3]


def test_state_of_a_missing_table(tmp_path):
    with pytest.raises(CorpusError, match=r"none\.csv: there is no such file"):
        corpus_state(tmp_path / "none.csv")


@pytest.mark.parametrize("length", ["-66149", "inf", "-inf", "nan", "", "long"])
def test_lengths_that_cannot_be_are_left_to_the_rows(tmp_path, length):
    """They are faults there, but never a duration."""
    file = write_table(tmp_path / "t.csv", "fado.a.wav", "fado.b.wav", length=length)
    seconds = open_corpus(file).tracks["duration_s"].fillna(0)
    assert (seconds >= 0).all()
    assert np.isfinite(seconds).all()


def test_a_row_without_a_label_is_refused(tmp_path):
    names = ["fado.a.0.wav", "fado.a.1.wav", "fado.b.0.wav"]
    for name in names:
        file = write_table(tmp_path / "t.csv", *names, **{name: ""})
        with pytest.raises(CorpusError, match=rf"row '{name}' has no label; write its genre"):
            open_corpus(file)


def test_a_table_is_neither_cut_nor_drawn(table, tmp_path):
    corpus = open_corpus(table)
    for refused in (
        lambda: windows(corpus, 3.0),
        lambda: windows(corpus, 1.0, 0.5),
        lambda: SpectrogramStore.build(corpus, Recipe.preset(), path=tmp_path / "w" / "store"),
    ):
        with pytest.raises(CorpusError, match=r"features_3_sec\.csv: .* holds no sound; open the"):
            refused()
    assert not (tmp_path / "w").exists()


def rows_of(corpus) -> list[tuple[str, str]]:
    rows = corpus.rows()
    assert rows.index.tolist() == list(range(len(rows)))
    return list(zip(rows["track_id"], rows["filename"], strict=True))


def test_rows_are_those_of_the_table_in_the_corpus_order(tmp_path):
    names = ["rock.00000.1.wav", "blues.00000.0.wav", "rock.00000.0.wav", "jazz.00000.0.wav"]
    corpus = open_corpus(write_table(tmp_path / "t.csv", *names))
    expected = [
        ("rock.00000", names[0]), ("rock.00000", names[2]),
        ("blues.00000", names[1]), ("jazz.00000", names[3]),
    ]  # fmt: skip
    assert rows_of(corpus) == expected
    assert rows_of(corpus.select(genres=["rock", "jazz"])) == [*expected[:2], expected[3]]
    turned = dataclasses.replace(corpus, tracks=corpus.tracks[::-1])
    assert rows_of(turned) == [expected[3], expected[2], *expected[:2]]
    assert set(map(type, corpus.rows()["tempo"])) == {str}


def test_rows_of_a_table_that_changed(table):
    """New tracks are passed over, lost ones are not."""
    corpus = open_corpus(table)
    before = rows_of(corpus)
    write_table(table, "jazz.00000.0.wav", *[name for _, name in before])
    assert rows_of(corpus) == before
    write_table(table, "rock.00001.0.wav")
    assert len(rows_of(corpus.select(genres="rock"))) == 1
    told = r"features_3_sec\.csv: has no row of blues\.00003 any more; open it again\."
    with pytest.raises(CorpusError, match=told):
        corpus.rows()
    table.unlink()
    with pytest.raises(CorpusError, match="there is no such file"):
        corpus.rows()


def test_a_table_that_vanished_is_still_no_folder(table):
    corpus = open_corpus(table)
    table.unlink()
    assert corpus.is_table
    with pytest.raises(CorpusError, match="holds no sound"):
        corpus.require_audio()


def test_a_table_may_be_called_tracks(tmp_path):
    assert len(open_corpus(write_table(tmp_path / "tracks.csv", "fado.a.wav"))) == 1


def test_real_tables_are_corpora(gtzan_root):
    file = gtzan_root / "features" / "features_30_sec.csv"
    if not file.is_file():
        pytest.skip(f"{gtzan_root} holds no features/features_30_sec.csv")
    corpus = open_corpus(file)
    assert (len(corpus), len(corpus.genres), corpus.name) == (1000, 10, "gtzan")
    assert corpus.tracks.index.tolist() == gtzan.facts().index.tolist()
    assert corpus.tracks["duration_s"].between(29, 31).all()
    assert corpus.tracks["artist"].notna().sum() == 983
    assert FEATURES[0] not in corpus.tracks.columns


# --- files of log-mels --------------------------------------------------------


def write_log_mels(path: Path, *names: str, seed: int = 0) -> Path:
    rng = np.random.default_rng(seed)
    x = rng.integers(0, 256, size=(len(names), 128, 387), dtype=np.uint8)
    np.savez(path, X=x, names=np.array(names))
    return path


@pytest.fixture
def log_mels(tmp_path) -> Path:
    """Three of GTZAN's clips, out of order."""
    return write_log_mels(tmp_path / "mel.npz", "rock.00001", "blues.00003", "rock.00000")


def test_log_mels_are_a_corpus_of_their_clips(log_mels):
    corpus = open_corpus(log_mels)
    assert corpus.name == "gtzan"
    assert corpus.root == log_mels
    assert corpus.is_log_mels
    assert not corpus.is_table
    tracks = corpus.tracks
    assert tracks.index.tolist() == ["rock.00001", "blues.00003", "rock.00000"]
    assert tracks.index.name == "track_id"
    assert tracks.columns.tolist() == [
        "genre", "path", "artist", "partition", "duration_s", "sample_rate",
    ]  # fmt: skip
    assert tracks["genre"].tolist() == ["rock", "blues", "rock"]
    assert set(tracks["path"]) == {str(log_mels)}
    assert set(tracks["duration_s"]) == {30.0}
    assert tracks["sample_rate"].isna().all()
    facts = gtzan.facts().loc[tracks.index]
    pd.testing.assert_frame_equal(
        tracks[["artist", "partition"]],
        facts[["artist", "partition"]].rename_axis("track_id").astype(object),
        check_dtype=False,
    )
    assert corpus.unreadable == []
    assert "3 tracks, 2 genres, 1.5 min" in repr(corpus)


def test_a_folder_is_no_file_of_log_mels(music_folder):
    folder = music_folder()
    assert not open_corpus(folder).is_log_mels
    folder.rename(folder.with_suffix(".npz"))
    corpus = open_corpus(folder.with_suffix(".npz"))
    assert (len(corpus), corpus.is_log_mels) == (4, False)


def test_log_mels_by_other_paths(log_mels, monkeypatch):
    monkeypatch.chdir(log_mels.parent)
    monkeypatch.setenv("HOME", str(log_mels.parent))
    for source in (log_mels.name, f"~/{log_mels.name}", str(log_mels)):
        assert open_corpus(source).root == log_mels
    log_mels.rename(log_mels.with_suffix(".NPZ"))
    assert open_corpus(log_mels.with_suffix(".NPZ")).is_log_mels


def test_other_music_as_log_mels(tmp_path):
    corpus = open_corpus(write_log_mels(tmp_path / "mine.npz", "fado.Song 1", "1980.007"))
    assert corpus.name == "mine"
    assert corpus.tracks["genre"].tolist() == ["fado", "1980"]
    assert corpus.tracks[["artist", "partition"]].isna().all(axis=None)


def test_artists_from_a_file_beside_the_log_mels(log_mels):
    (log_mels.parent / "tracks.csv").write_text(
        "track_id,artist,partition\nblues.00003,None,test\nrock.00001,Ana,\npop.00000,Bo,train\n"
    )
    tracks = open_corpus(log_mels).tracks
    assert tracks["artist"].fillna("-").tolist() == ["Ana", "None", "-"]
    assert tracks["partition"].fillna("-").tolist() == ["-", "test", "-"]


def test_images_are_those_of_the_tracks_in_their_order(log_mels):
    corpus = open_corpus(log_mels)
    with np.load(log_mels) as stored:
        x = stored["X"]
    np.testing.assert_array_equal(corpus.log_mels(), x)
    np.testing.assert_array_equal(corpus.select(genres="rock").log_mels(), x[[0, 2]])
    np.testing.assert_array_equal(corpus.exclude(["rock.00001"]).log_mels(), x[1:])
    turned = dataclasses.replace(corpus, tracks=corpus.tracks[::-1])
    np.testing.assert_array_equal(turned.log_mels(), x[::-1])


def test_selected_and_excluded_clips_of_log_mels(log_mels):
    corpus = open_corpus(log_mels)
    assert corpus.select(genres="rock").tracks.index.tolist() == ["rock.00001", "rock.00000"]
    assert corpus.select(tracks=["blues.00003"]).is_log_mels
    assert corpus.exclude(SimpleNamespace(excluded=["rock.00000", "x"])).tracks.shape[0] == 2
    with pytest.raises(CorpusError, match=r"mel\.npz: there is no genre 'jazz'"):
        corpus.select(genres="jazz")
    with pytest.raises(CorpusError, match=r"there is no track 'jazz\.00000'"):
        corpus.exclude(["jazz.00000"])


def test_fingerprint_of_log_mels(log_mels):
    before = open_corpus(log_mels).fingerprint
    assert open_corpus(log_mels).fingerprint == before
    assert open_corpus(log_mels).select(genres="rock").fingerprint != before
    copy = Path(shutil.copy(log_mels, log_mels.with_name("copy.npz")))
    assert open_corpus(copy).fingerprint == before
    write_log_mels(copy, "rock.00001", "blues.00003", "rock.00000", seed=1)
    assert open_corpus(copy).fingerprint != before


def test_state_changes_with_log_mels_and_artists(log_mels):
    states = [corpus_state(log_mels)]
    open_corpus(log_mels)
    assert corpus_state(log_mels) == states[0]
    os.utime(log_mels, ns=(0, log_mels.stat().st_mtime_ns + 1))
    states.append(corpus_state(log_mels))
    (log_mels.parent / "tracks.csv").write_text("track_id,artist\n")
    states.append(corpus_state(log_mels))
    assert len(set(states)) == 3
    with pytest.raises(CorpusError, match=r"none\.npz: there is no such file"):
        corpus_state(log_mels.with_name("none.npz"))


def test_log_mels_hold_no_sound(log_mels):
    corpus = open_corpus(log_mels)
    for refused in (corpus.require_audio, lambda: corpus.load("rock.00001")):
        with pytest.raises(CorpusError) as caught:
            refused()
        assert str(caught.value) == (
            f"{log_mels}: is a file of log-mels, which holds no sound; open the folder of the "
            "audio files instead."
        )


def test_log_mels_are_cut_into_windows(log_mels):
    table = windows(open_corpus(log_mels))
    assert len(table) == 30
    assert table["window_id"].iloc[[0, -1]].tolist() == ["rock.00001.0", "rock.00000.9"]


def test_clips_with_two_images_are_refused(tmp_path):
    file = write_log_mels(tmp_path / "a.npz", "rock.00000", "blues.00000", "rock.00000")
    told = r"a\.npz: names track 'rock\.00000' twice; keep one image a track\."
    with pytest.raises(CorpusError, match=told):
        open_corpus(file)


def test_what_is_no_file_of_log_mels_is_refused(log_mels):
    (log_mels.parent / "b.npz").write_bytes(log_mels.read_bytes()[:5000])
    for name, told in [("b.npz", "holds no log-mel images"), ("c.npz", "there is no such file")]:
        with pytest.raises(CorpusError, match=rf"{name}: {told}") as caught:
            open_corpus(log_mels.with_name(name))
        assert "\n" not in str(caught.value)


def test_log_mels_that_changed(log_mels):
    """New clips are passed over, lost ones are not."""
    corpus = open_corpus(log_mels)
    before = corpus.log_mels()
    with np.load(log_mels) as stored:
        x, names = stored["X"], stored["names"]
    np.savez(log_mels, X=x[[1, 1, 2, 0]], names=["jazz.00000", *names[[1, 2, 0]]])
    np.testing.assert_array_equal(corpus.log_mels(), before)
    np.savez(log_mels, X=x[:2], names=names[:2])
    told = r"mel\.npz: has no image of rock\.00000 any more; open it again\."
    with pytest.raises(CorpusError, match=told):
        corpus.log_mels()
    log_mels.unlink()
    assert corpus.is_log_mels
    with pytest.raises(CorpusError, match=r"mel\.npz: there is no such file"):
        corpus.log_mels()


def test_the_shared_log_mels_are_a_corpus(gtzan_root):
    file = gtzan_root / "mel" / "gtzan_logmel_999.npz"
    if not file.is_file():
        pytest.skip(f"{gtzan_root} holds no mel/gtzan_logmel_999.npz")
    corpus = open_corpus(file)
    assert (len(corpus), len(corpus.genres), corpus.name) == (999, 10, "gtzan")
    facts = gtzan.facts().drop(index="jazz.00054")
    assert corpus.tracks.index.tolist() == facts.index.tolist()
    assert corpus.tracks["artist"].notna().sum() == facts["artist"].notna().sum()
    assert corpus.tracks["partition"].value_counts().to_dict() == (
        facts["partition"].value_counts().to_dict()
    )
    assert len(windows(corpus)) == 9990
