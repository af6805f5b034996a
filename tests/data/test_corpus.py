"""Opening corpora in every layout, selecting tracks, checksums and fingerprints."""

import dataclasses
import hashlib
import os
import shutil
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import soundfile

from gtzan_lib.data import corpus as module
from gtzan_lib.data.audio import EXTENSIONS
from gtzan_lib.data.corpus import AudioCorpus, ImageCorpus, TableCorpus
from gtzan_lib.data.loaders import gtzan
from gtzan_lib.data.loaders.folder import LAYOUTS
from gtzan_lib.data.opening import corpus_state, find_tracks, open_corpus
from gtzan_lib.data.splits import DataSplit, split
from gtzan_lib.data.tables import COLUMNS, FEATURE_NAMES
from gtzan_lib.data.windows import WindowGrid, window_table
from gtzan_lib.data.workspace import Workspace
from gtzan_lib.errors import AudioError, CorpusError, GtzanError, GtzanWarning
from gtzan_lib.health.check import check_health
from gtzan_lib.signal.features import features
from gtzan_lib.signal.recipes import Recipe
from gtzan_lib.signal.store import SpectrogramStore
from gtzan_lib.synthetic import compose

# --- layouts and ids ----------------------------------------------------------


# Formats that the tests can write; `test_audio.py` has the others.
WRITTEN = (".wav", ".au", ".flac", ".ogg", ".mp3", ".aiff", ".caf", ".w64")


@pytest.mark.parametrize(
    ("layout", "ending"),
    [*((layout, ".wav") for layout in LAYOUTS), *((".", ending) for ending in WRITTEN)],
)
def test_every_layout_and_format(music_folder, layout, ending):
    assert ending in EXTENSIONS
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


def test_genre_root_may_be_named_directly(music_folder):
    folder = music_folder(layout="genres_original")
    inner, outer = open_corpus(folder / "genres_original"), open_corpus(folder)
    pd.testing.assert_frame_equal(inner.tracks, outer.tracks)


def test_the_whole_data_set_is_preferred_to_the_sample(music_folder):
    folder = music_folder(layout="genres_original", tracks=3)
    shutil.copytree(folder / "genres_original" / "blues", folder / "mini" / "blues")
    assert len(open_corpus(folder)) == 6


def test_tilde_and_relative_paths(music_folder, monkeypatch):
    folder = music_folder(genres=["jazz"])
    monkeypatch.chdir(folder.parent)
    assert open_corpus(folder.name).root.is_absolute()
    monkeypatch.setenv("HOME", str(folder.parent))
    assert len(open_corpus(f"~/{folder.name}")) == 2


def test_ids_of_other_music_begin_with_the_genre(music_folder):
    corpus = open_corpus(music_folder(layout=".", genres=["fado"], name="Song No. {number}"))
    assert corpus.tracks.index.tolist() == ["fado.Song No. 0", "fado.Song No. 1"]
    assert corpus.tracks["artist"].isna().all()
    assert corpus.name == "music0"


@pytest.mark.parametrize("ending", [".WAV", ".Flac"])
def test_endings_in_upper_case(music_folder, ending):
    assert len(open_corpus(music_folder(ending=ending))) == 4


def test_other_and_hidden_files_are_ignored(music_folder):
    folder = music_folder(layout=".")
    (folder / "blues" / "notes.txt").write_text("x")
    (folder / "blues" / "._blues.00000.wav").write_bytes(b"left by a file manager")
    (folder / ".hidden").mkdir()
    shutil.copy(folder / "blues" / "blues.00000.wav", folder / ".hidden" / "a.wav")
    (folder / "pictures").mkdir()
    (folder / "pictures" / "a.png").write_bytes(b"x")
    assert open_corpus(folder).genres == ["blues", "rock"]
    assert len(open_corpus(folder)) == 4


def test_repr_has_counts_and_duration(music_folder):
    text = repr(open_corpus(music_folder(seconds=3.0)))
    assert "4 tracks, 2 genres, 0.2 min" in text


# --- listing without opening --------------------------------------------------


def open_nothing(path):
    raise AssertionError(f"{path} was opened")


@pytest.mark.parametrize("layout", LAYOUTS)
def test_listing_has_the_tracks_of_opening(music_folder, monkeypatch, layout):
    folder = music_folder(layout=layout, seconds=0.1)
    corpus = open_corpus(folder)
    monkeypatch.setattr(module.audio, "info", open_nothing)
    monkeypatch.setattr(module.audio, "open_audio", open_nothing)
    monkeypatch.setattr(module, "sha256_of", open_nothing)
    listed = find_tracks(str(folder))
    assert (listed.name, listed.root, listed.passed_over) == ("gtzan", corpus.root, [])
    columns = ["genre", "path", "artist", "partition"]
    pd.testing.assert_frame_equal(listed.tracks, corpus.tracks[columns])


def test_unreadable_files_are_listed(music_folder):
    folder = music_folder(layout=".")
    (folder / "rock" / "rock.00001.wav").write_bytes(b"not audio")
    (folder / "rock" / "rock.00002.au").mkdir()
    (folder / "rock" / "rock.00003.wav").symlink_to(folder / "nowhere")
    (folder / "rock" / "rock.00004.txt").write_bytes(b"text")
    listed = find_tracks(folder)
    assert listed.tracks.loc[listed.tracks["genre"] == "rock"].index.tolist() == [
        "rock.00000", "rock.00001", "rock.00003",
    ]  # fmt: skip
    assert [path.name for path, _ in listed.passed_over] == ["rock.00002.au"]


@pytest.mark.parametrize("genre", ["jazz", "fado"])
def test_tracks_with_equal_ids_are_listed_separately(music_folder, genre):
    """In GTZAN, with its facts, and in other music."""
    folder = music_folder(layout=".", genres=[genre])
    shutil.copy(folder / genre / f"{genre}.00000.wav", folder / genre / f"{genre}.00000.au")
    name, _, tracks, _ = find_tracks(folder)
    assert name == ("gtzan" if genre == "jazz" else "music0")
    assert tracks.index.tolist() == [f"{genre}.{number:05d}" for number in (0, 0, 1)]
    assert [Path(path).name for path in tracks["path"]] == [
        f"{genre}.00000.au", f"{genre}.00000.wav", f"{genre}.00001.wav",
    ]  # fmt: skip
    assert tracks["artist"].notna().all() == (genre == "jazz")
    with pytest.raises(CorpusError, match=r"00000\.au and .*00000\.wav: both would be track"):
        open_corpus(folder)


def test_listing_with_a_tracks_csv(music_folder):
    folder = music_folder(genres=["fado"])
    (folder / "tracks.csv").write_text("track_id,artist\nfado.00000,\nfado.00001,007\n")
    name, _, tracks, _ = find_tracks(folder)
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
    # Only duplicates have a source track.
    duplicate = faults["fault"].isin(["identical", "mislabelled", "repeated"])
    assert (faults["source_track"].notna() == duplicate).all()
    assert faults["source_track"].dropna().isin(facts.index).all()
    assert (faults["source_track"] != faults["track_id"]).all()
    # No pair is listed twice.
    pairs = [
        frozenset(pair) for pair in faults.loc[duplicate, ["track_id", "source_track"]].to_numpy()
    ]
    assert len(set(pairs)) == len(pairs)
    assert faults.loc[faults["fault"] == "unreadable", "track_id"].tolist() == ["jazz.00054"]


def test_known_duplicates_agree_with_the_checksums():
    faults, sums = gtzan.known_faults(), gtzan.facts()["wav_sha256"]
    proven = set()
    for row in faults.dropna(subset=["source_track"]).itertuples():
        same = sums[row.track_id] == sums[row.source_track]
        assert same == (row.fault != "repeated")
        assert same == (row.reference == "checksums")
        genres = {name.split(".")[0] for name in (row.track_id, row.source_track)}
        assert (len(genres) == 2) == (row.fault == "mislabelled")
        if same:
            proven.add(frozenset((row.track_id, row.source_track)))
    # No other clips have equal checksums.
    equal = sums[sums.duplicated(keep=False)].groupby(sums)
    assert proven == {frozenset(group.index) for _, group in equal}
    assert len(proven) == 14


@pytest.mark.parametrize(
    ("track_id", "genre", "expected"),
    [
        ("blues.00042", "blues", True),
        ("blues.0042", "blues", False),
        ("blues.00042", "rock", False),
        ("blues.00042.wav", "blues", False),
        ("bluesx00042", "blues", False),
    ],
)
def test_gtzan_ids(track_id, genre, expected):
    assert gtzan.is_gtzan_id(track_id, genre) is expected


def test_music_with_another_genre_is_not_gtzan(music_folder):
    corpus = open_corpus(music_folder(genres=["blues", "fado"]))
    assert corpus.name != "gtzan"
    assert corpus.tracks["artist"].isna().all()


@pytest.mark.parametrize("layout", LAYOUTS)
def test_artists_from_a_tracks_csv(music_folder, layout):
    """In the folder that was named, in every layout."""
    folder = music_folder(layout=layout, genres=["fado", "samba"])
    (folder / "tracks.csv").write_text(
        "track_id,artist,partition\nfado.00000,Amália,train\nsamba.00001,,test\nother,Cartola,\n",
        encoding="utf-8",
    )
    message = (
        r"tracks\.csv: 1 of 3 rows are of no track \(such as 'other'\), and 2 of 4 tracks have no "
        r"row \(such as 'fado\.00001'\)"
    )
    with pytest.warns(GtzanWarning, match=message):
        tracks = open_corpus(folder).tracks
    assert tracks.at["fado.00000", "artist"] == "Amália"
    assert tracks.at["fado.00000", "partition"] == "train"
    assert tracks.at["samba.00001", "partition"] == "test"
    assert tracks["artist"].notna().sum() == 1
    assert len(tracks) == 4


def test_tracks_csv_completes_gtzans_facts(music_folder):
    """What it does not say is GTZAN's; its own partition is another split."""
    folder = music_folder()
    known = open_corpus(folder).tracks
    ids = "\n".join(known.index[1:])
    (folder / "tracks.csv").write_text(f"track_id,artist\nblues.00000,007\n{ids}\n")
    corpus = open_corpus(folder)
    assert corpus.name == "gtzan"
    assert corpus.tracks["artist"].tolist() == ["007", *known["artist"].iloc[1:]]
    assert corpus.tracks["partition"].tolist() == known["partition"].tolist()
    (folder / "tracks.csv").write_text(f"track_id,partition\nblues.00000,test\n{ids}\n")
    tracks = open_corpus(folder).tracks
    assert tracks["artist"].tolist() == known["artist"].tolist()
    assert tracks["partition"].dropna().to_dict() == {"blues.00000": "test"}


def test_tracks_csv_without_ids_is_refused(music_folder):
    folder = music_folder()
    (folder / "tracks.csv").write_text("name,artist\nblues.00000,X\n")
    with pytest.raises(CorpusError, match=r"tracks\.csv: has no column 'track_id'"):
        open_corpus(folder)


def test_tracks_csv_with_a_repeated_track_is_refused(music_folder):
    folder = music_folder()
    (folder / "tracks.csv").write_text("track_id,artist\nrock.00001,X\nrock.00001,Y\n")
    with pytest.raises(CorpusError, match=r"has track 'rock\.00001' twice"):
        open_corpus(folder)


# --- errors -------------------------------------------------------------------


def test_tracks_with_equal_ids_are_refused(music_folder):
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


def test_audio_file_is_refused(music_folder):
    file = music_folder(layout=".") / "blues" / "blues.00000.wav"
    with pytest.raises(CorpusError, match="there is no such folder"):
        open_corpus(file)


def test_empty_folder(tmp_path):
    with pytest.raises(CorpusError, match="holds no genre folders with audio"):
        open_corpus(tmp_path)


def test_genre_folder_is_refused(music_folder):
    folder = music_folder(layout=".") / "blues"
    with pytest.raises(CorpusError, match="holds no genre folders with audio") as caught:
        open_corpus(folder)
    assert str(folder) in str(caught.value)


def test_folders_without_audio(tmp_path):
    (tmp_path / "genres_original" / "blues").mkdir(parents=True)
    with pytest.raises(CorpusError, match="holds no genre folders with audio"):
        open_corpus(tmp_path)


def test_unreadable_file_causes_a_warning_and_has_no_windows(music_folder):
    folder = music_folder(layout=".", seconds=3.0)
    (folder / "rock" / "rock.00001.wav").write_bytes(b"not audio")
    with pytest.warns(GtzanWarning, match=r"1 of 4 tracks cannot be read.*rock\.00001"):
        corpus = open_corpus(folder)
    assert corpus.unreadable == ["rock.00001"]
    assert np.isnan(corpus.tracks.at["rock.00001", "duration_s"])
    assert corpus.tracks["sample_rate"].isna().tolist() == [False, False, False, True]
    assert "rock.00001" not in set(window_table(corpus)["track_id"])
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


def test_exclude_by_a_report(music_folder):
    """Of a larger corpus, which excludes tracks that are not in this one."""
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
    # Ids in a list must be in the corpus.
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


# --- artists ------------------------------------------------------------------


def test_artists_of_tracks(music_folder):
    """The artist is the track's own id where it is unknown."""
    folder = music_folder(genres=["fado"], tracks=3)
    (folder / "tracks.csv").write_text(
        "track_id,artist\nfado.00000,Ana\nfado.00001,\nfado.00002,None\n"
    )
    corpus = open_corpus(folder)
    track_ids = ["fado.00001", "fado.00000", "fado.00002", "fado.00000"]
    artists = corpus.artists_of(track_ids)
    assert artists.dtype == object
    assert artists.tolist() == ["fado.00001", "Ana", "None", "Ana"]
    assert corpus.artists_of([]).tolist() == []
    with pytest.raises(CorpusError, match=r"there is no track 'fado\.00009'"):
        corpus.artists_of(["fado.00000", "fado.00009"])


# --- workspaces ---------------------------------------------------------------


def files_below(folder: Path) -> set[Path]:
    return {path.relative_to(folder) for path in folder.rglob("*") if path.is_file()}


def test_caches_are_in_the_workspace_of_the_corpus(music_folder, tmp_path, work):
    folder = music_folder(seconds=1.1, tracks=1)
    music = files_below(folder)
    roots = [tmp_path / "first", tmp_path / "second"]
    for root in roots:
        corpus = open_corpus(folder, work=Workspace("a", root=root))
        selected = corpus.select(genres="rock")
        for function in (
            selected.checksums,
            lambda: features(selected, 0.5, progress=False),  # noqa: B023
            lambda: check_health(corpus, progress=False),  # noqa: B023
        ):
            before = files_below(tmp_path)
            function()
            new = files_below(tmp_path) - before
            assert new
            assert all((tmp_path / path).is_relative_to(root) for path in new)
    assert not work.exists()
    assert files_below(folder) == music
    for cache in (".checksums", ".features", ".inspections"):
        for root in roots:
            assert files_below(root / cache)


def test_a_second_workspace_has_an_empty_cache(music_folder, tmp_path, monkeypatch):
    """Results of one workspace are not read in another."""
    folder = music_folder(seconds=1.1, tracks=1)
    read, sha256_of = [], module.sha256_of
    monkeypatch.setattr(module, "sha256_of", lambda path: read.append(path) or sha256_of(path))
    for name in ("first", "second", "first"):
        open_corpus(folder, work=Workspace("a", root=tmp_path / name)).checksums()
    assert len(read) == 4


def test_the_synthetic_corpus_is_in_its_workspace(tmp_path, work):
    compose(Workspace("a", root=tmp_path / "w").corpus, artists=1, tracks=1, seconds=1.0)
    corpus = open_corpus(work=Workspace("a", root=tmp_path / "w"))
    assert corpus.name == "synthetic"
    assert corpus.root.is_relative_to(tmp_path / "w" / "a")
    assert not work.exists()


# --- fingerprints and checksums -----------------------------------------------


def test_fingerprint_does_not_depend_on_the_folder(music_folder, tmp_path):
    folder = music_folder(layout="genres_original")
    shutil.copytree(folder / "genres_original", tmp_path / "elsewhere" / "genres")
    corpus, copy = open_corpus(folder), open_corpus(tmp_path / "elsewhere")
    assert corpus.fingerprint == copy.fingerprint
    assert len(corpus.fingerprint) == 16
    assert corpus.select(genres="rock").fingerprint != corpus.fingerprint


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
    fingerprints = {open_corpus(folder).fingerprint}
    others = "fado.00001,\nsamba.00000,\nsamba.00001,\n"
    (folder / "tracks.csv").write_text(f"track_id,artist\nfado.00000,A\n{others}")
    fingerprints.add(open_corpus(folder).fingerprint)
    (folder / "tracks.csv").write_text(f"track_id,artist\nfado.00000,B\n{others}")
    fingerprints.add(open_corpus(folder).fingerprint)
    (folder / "tracks.csv").unlink()
    (folder / "samba" / "samba.00000.wav").rename(folder / "samba" / "samba.00007.wav")
    fingerprints.add(open_corpus(folder).fingerprint)
    (folder / "samba").rename(folder / "tango")
    fingerprints.add(open_corpus(folder).fingerprint)
    assert len(fingerprints) == 5


def test_fingerprint_does_not_depend_on_the_order(music_folder):
    corpus = open_corpus(music_folder())
    backwards = module.Corpus(corpus.name, corpus.root, corpus.tracks.iloc[::-1])
    assert backwards.fingerprint == corpus.fingerprint


def read_nothing(path):
    raise AssertionError(f"{path} was read")


def test_checksums_are_those_of_the_files_and_cached(music_folder, monkeypatch, work):
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
def test_damaged_cache_is_computed_again(music_folder, work, content):
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


def test_state_depends_on_the_files(music_folder):
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


# --- genres with numbers as names ---------------------------------------------


def test_decades_as_genres(music_folder, tmp_path):
    """Folder names that look like numbers stay text, also in a saved split."""
    corpus = open_corpus(
        music_folder(layout=".", genres=["1980", "1990"], tracks=4, name="{number:02d}")
    )
    assert corpus.genres == ["1980", "1990"]
    divided = split(window_table(corpus, WindowGrid(0.5)), corpus, protocol="track")
    loaded = DataSplit.load(divided.save(tmp_path / "split.csv"))
    pd.testing.assert_frame_equal(loaded.table, divided.table, check_dtype=False)


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
    """Written as WAV, a lossless copy has the checksum of the facts."""
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
    """Write a table; labels are those of `labels`, or the first part of the name."""
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
    """Return a table of two windows of a track, and one of another."""
    names = ("rock.00001.0.wav", "rock.00001.1.wav", "blues.00003.0.wav")
    return write_table(tmp_path / "features_3_sec.csv", *names)


def test_a_table_is_a_corpus_of_its_tracks(table):
    corpus = open_corpus(table)
    assert isinstance(corpus, TableCorpus)
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


def test_a_folder_is_not_a_table(music_folder):
    assert not isinstance(open_corpus(music_folder()), TableCorpus)


def test_a_table_holds_no_sound(table):
    corpus = open_corpus(table)
    for refused in (corpus.require_audio, lambda: corpus.load("rock.00001")):
        with pytest.raises(CorpusError, match=r"features_3_sec\.csv: .* holds no sound; open the"):
            refused()


def test_a_folder_may_have_the_name_of_a_table(music_folder):
    folder = music_folder()
    named = folder.rename(folder.with_name("x.csv"))
    assert len(open_corpus(named)) == 4
    assert not isinstance(open_corpus(named), TableCorpus)
    before = corpus_state(named)
    (named / "genres_original" / "rock" / "rock.00000.wav").unlink()
    assert corpus_state(named) != before


def test_table_by_other_paths(table, monkeypatch):
    monkeypatch.chdir(table.parent)
    monkeypatch.setenv("HOME", str(table.parent))
    for source in (table.name, f"~/{table.name}", str(table)):
        assert open_corpus(source).root == table
    table.rename(table.with_suffix(".CSV"))
    assert isinstance(open_corpus(table.with_suffix(".CSV")), TableCorpus)


def test_other_music_in_a_table(tmp_path):
    names = ["fado.Song No. 1.0.wav", "fado.Song No. 1.1.wav", "1980.007.0.wav", "NA.None.0.wav"]
    corpus = open_corpus(write_table(tmp_path / "mine.csv", *names))
    assert corpus.name == "mine"
    assert corpus.tracks["genre"].to_dict() == {
        "fado.Song No. 1": "fado", "1980.007": "1980", "NA.None": "NA",
    }  # fmt: skip
    assert corpus.tracks[["artist", "partition"]].isna().all(axis=None)


def test_the_label_is_the_genre(tmp_path):
    file = write_table(tmp_path / "t.csv", "a.wav", "b.wav", **{"a.wav": "1980", "b.wav": "fado"})
    assert open_corpus(file).tracks["genre"].to_dict() == {"a": "1980", "b": "fado"}


def test_artists_from_a_file_beside_the_table(table):
    (table.parent / "tracks.csv").write_text(
        "track_id,artist,partition\nblues.00003,None,test\nrock.00001,Ana,\npop.00000,Bo,train\n"
    )
    with pytest.warns(GtzanWarning, match="1 of 3 rows are of no track"):
        tracks = open_corpus(table).tracks
    assert tracks["artist"].to_dict() == {"rock.00001": "Ana", "blues.00003": "None"}
    assert tracks["partition"].fillna("-").tolist() == ["-", "test"]


def test_selected_and_excluded_tracks_of_a_table(table):
    corpus = open_corpus(table)
    assert corpus.select(genres="rock").tracks.index.tolist() == ["rock.00001"]
    assert corpus.exclude(["rock.00001"]).tracks.index.tolist() == ["blues.00003"]
    assert isinstance(corpus.select(genres="rock"), TableCorpus)
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


def test_a_table_is_read_once_for_its_checksums(table, monkeypatch):
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


def test_other_files_are_not_read_as_tables(tmp_path):
    for content, message in [
        (b"", "cannot be read as a table"),
        (b"\xef\xbb\xbf", "cannot be read as a table"),
        (b"RIFF\x00\x00", "has no column 'filename'"),
        (b"track_id,artist\n", "has no column 'filename'"),
        ((",".join(COLUMNS) + "\n").encode(), "has no rows"),
    ]:
        (tmp_path / "t.csv").write_bytes(content)
        with pytest.raises(CorpusError, match=rf"t\.csv: {message}") as caught:
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
def test_invalid_lengths_are_no_durations(tmp_path, length):
    """The rows have faults, which are found when they are read."""
    file = write_table(tmp_path / "t.csv", "fado.a.wav", "fado.b.wav", length=length)
    seconds = open_corpus(file).tracks["duration_s"].fillna(0)
    assert (seconds >= 0).all()
    assert np.isfinite(seconds).all()


def test_a_row_without_a_label_is_refused(tmp_path):
    names = ["fado.a.0.wav", "fado.a.1.wav", "fado.b.0.wav"]
    for name in names:
        file = write_table(tmp_path / "t.csv", *names, **{name: ""})
        with pytest.raises(CorpusError, match=rf"row '{name}' has no label; add its genre"):
            open_corpus(file)


def test_a_table_has_no_windows_and_no_spectrograms(table, tmp_path):
    corpus = open_corpus(table)
    for refused in (
        lambda: window_table(corpus, WindowGrid(3.0)),
        lambda: window_table(corpus, WindowGrid(1.0, 0.5)),
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
    backwards = dataclasses.replace(corpus, tracks=corpus.tracks[::-1])
    assert rows_of(backwards) == [expected[3], expected[2], *expected[:2]]
    assert set(map(type, corpus.rows()["tempo"])) == {str}


def test_rows_of_a_table_that_changed(table):
    """New tracks are ignored; missing ones are an error."""
    corpus = open_corpus(table)
    before = rows_of(corpus)
    write_table(table, "jazz.00000.0.wav", *[name for _, name in before])
    assert rows_of(corpus) == before
    write_table(table, "rock.00001.0.wav")
    assert len(rows_of(corpus.select(genres="rock"))) == 1
    message = r"features_3_sec\.csv: has no row of blues\.00003 any more; open it again\."
    with pytest.raises(CorpusError, match=message):
        corpus.rows()
    table.unlink()
    with pytest.raises(CorpusError, match="there is no such file"):
        corpus.rows()


def test_a_deleted_table_is_still_a_table(table):
    corpus = open_corpus(table)
    table.unlink()
    assert isinstance(corpus, TableCorpus)
    with pytest.raises(CorpusError, match="holds no sound"):
        corpus.require_audio()


def test_a_table_may_be_named_tracks(tmp_path):
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
    assert FEATURE_NAMES[0] not in corpus.tracks.columns


# --- files of log-mels --------------------------------------------------------


def write_log_mels(path: Path, *names: str, seed: int = 0) -> Path:
    rng = np.random.default_rng(seed)
    x = rng.integers(0, 256, size=(len(names), 128, 387), dtype=np.uint8)
    np.savez(path, X=x, names=np.array(names))
    return path


@pytest.fixture
def log_mels(tmp_path) -> Path:
    """Return a file of three of GTZAN's clips, not sorted."""
    return write_log_mels(tmp_path / "mel.npz", "rock.00001", "blues.00003", "rock.00000")


def test_log_mels_are_a_corpus_of_their_clips(log_mels):
    corpus = open_corpus(log_mels)
    assert corpus.name == "gtzan"
    assert corpus.root == log_mels
    assert isinstance(corpus, ImageCorpus)
    assert not isinstance(corpus, TableCorpus)
    tracks = corpus.tracks
    assert tracks.index.tolist() == ["rock.00001", "blues.00003", "rock.00000"]
    assert tracks.index.name == "track_id"
    assert tracks.columns.tolist() == [
        "genre", "path", "artist", "partition", "duration_s", "sample_rate",
    ]  # fmt: skip
    assert tracks["genre"].tolist() == ["rock", "blues", "rock"]
    assert set(tracks["path"]) == {str(log_mels)}
    assert tracks["duration_s"].tolist() == gtzan.durations()[tracks.index].tolist()
    assert tracks["sample_rate"].isna().all()
    facts = gtzan.facts().loc[tracks.index]
    pd.testing.assert_frame_equal(
        tracks[["artist", "partition"]],
        facts[["artist", "partition"]].rename_axis("track_id").astype(object),
        check_dtype=False,
    )
    assert corpus.unreadable == []
    assert "3 tracks, 2 genres, 1.5 min" in repr(corpus)


def test_a_folder_is_not_a_file_of_log_mels(music_folder):
    folder = music_folder()
    assert not isinstance(open_corpus(folder), ImageCorpus)
    folder.rename(folder.with_suffix(".npz"))
    corpus = open_corpus(folder.with_suffix(".npz"))
    assert len(corpus) == 4
    assert isinstance(corpus, AudioCorpus)


def test_log_mels_by_other_paths(log_mels, monkeypatch):
    monkeypatch.chdir(log_mels.parent)
    monkeypatch.setenv("HOME", str(log_mels.parent))
    for source in (log_mels.name, f"~/{log_mels.name}", str(log_mels)):
        assert open_corpus(source).root == log_mels
    log_mels.rename(log_mels.with_suffix(".NPZ"))
    assert isinstance(open_corpus(log_mels.with_suffix(".NPZ")), ImageCorpus)


def test_other_music_as_log_mels(tmp_path):
    corpus = open_corpus(write_log_mels(tmp_path / "mine.npz", "fado.Song 1", "1980.007"))
    assert corpus.name == "mine"
    assert corpus.tracks["genre"].tolist() == ["fado", "1980"]
    assert set(corpus.tracks["duration_s"]) == {30.0}
    assert corpus.tracks[["artist", "partition"]].isna().all(axis=None)


def test_artists_from_a_file_beside_the_log_mels(log_mels):
    (log_mels.parent / "tracks.csv").write_text(
        "track_id,artist,partition\nblues.00003,None,test\nrock.00001,Ana,\npop.00000,Bo,train\n"
    )
    with pytest.warns(GtzanWarning, match="1 of 3 rows are of no track.*1 of 3 tracks have no row"):
        tracks = open_corpus(log_mels).tracks
    assert tracks["artist"].tolist() == ["Ana", "None", gtzan.facts().at["rock.00000", "artist"]]
    assert tracks["partition"].fillna("-").tolist() == ["-", "test", "-"]


def test_images_are_those_of_the_tracks_in_their_order(log_mels):
    corpus = open_corpus(log_mels)
    with np.load(log_mels) as stored:
        x = stored["X"]
    np.testing.assert_array_equal(corpus.log_mels(), x)
    np.testing.assert_array_equal(corpus.select(genres="rock").log_mels(), x[[0, 2]])
    np.testing.assert_array_equal(corpus.exclude(["rock.00001"]).log_mels(), x[1:])
    backwards = dataclasses.replace(corpus, tracks=corpus.tracks[::-1])
    np.testing.assert_array_equal(backwards.log_mels(), x[::-1])


def test_selected_and_excluded_clips_of_log_mels(log_mels):
    corpus = open_corpus(log_mels)
    assert corpus.select(genres="rock").tracks.index.tolist() == ["rock.00001", "rock.00000"]
    assert isinstance(corpus.select(tracks=["blues.00003"]), ImageCorpus)
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
    table = window_table(open_corpus(log_mels))
    assert len(table) == 30
    assert table["window_id"].iloc[[0, -1]].tolist() == ["rock.00001.0", "rock.00000.9"]


def test_clips_with_two_images_are_refused(tmp_path):
    file = write_log_mels(tmp_path / "a.npz", "rock.00000", "blues.00000", "rock.00000")
    message = r"a\.npz: has track 'rock\.00000' twice; keep one image per track\."
    with pytest.raises(CorpusError, match=message):
        open_corpus(file)


def test_other_files_are_not_read_as_log_mels(log_mels):
    (log_mels.parent / "b.npz").write_bytes(log_mels.read_bytes()[:5000])
    for name, message in [("b.npz", "holds no log-mel images"), ("c.npz", "there is no such file")]:
        with pytest.raises(CorpusError, match=rf"{name}: {message}") as caught:
            open_corpus(log_mels.with_name(name))
        assert "\n" not in str(caught.value)


def test_log_mels_that_changed(log_mels):
    """New clips are ignored; missing ones are an error."""
    corpus = open_corpus(log_mels)
    before = corpus.log_mels()
    with np.load(log_mels) as stored:
        x, names = stored["X"], stored["names"]
    np.savez(log_mels, X=x[[1, 1, 2, 0]], names=["jazz.00000", *names[[1, 2, 0]]])
    np.testing.assert_array_equal(corpus.log_mels(), before)
    np.savez(log_mels, X=x[:2], names=names[:2])
    message = r"mel\.npz: has no image of rock\.00000 any more; open it again\."
    with pytest.raises(CorpusError, match=message):
        corpus.log_mels()
    log_mels.unlink()
    assert isinstance(corpus, ImageCorpus)
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
    assert len(window_table(corpus)) == 9990
