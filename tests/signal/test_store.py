"""Stores of spectrograms: content, interruptions, broken files and refusals."""

import dataclasses
import errno
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import pytest
import soundfile
from PIL import Image

from gtzan_lib.data.loaders import gtzan
from gtzan_lib.data.opening import open_corpus
from gtzan_lib.data.windows import WindowGrid, window_table
from gtzan_lib.data.workspace import Workspace
from gtzan_lib.errors import AudioError, CorpusError, GtzanError, GtzanWarning, StoreError
from gtzan_lib.signal import store as module
from gtzan_lib.signal.recipes import PRESETS, Recipe
from gtzan_lib.signal.spectrograms import from_log_mels, spectrograms, write_log_mels
from gtzan_lib.signal.store import SpectrogramStore

RECIPE = Recipe.preset(size=16, seconds=1)
SLOW = Recipe.preset(size=256, seconds=1)


def contents(folder: Path) -> dict[str, bytes]:
    """Every visible file below a folder."""
    return {
        file.relative_to(folder).as_posix(): file.read_bytes()
        for file in folder.rglob("*")
        if file.is_file() and not file.name.startswith(".")
    }


def build_elsewhere(music: Path, store: Path, recipe: Recipe) -> subprocess.Popen:
    """Build in a process of its own."""
    code = (
        "from gtzan_lib import open_corpus, Recipe, SpectrogramStore\n"
        f"recipe = Recipe.from_dict({recipe.as_dict()!r})\n"
        f"SpectrogramStore.build(open_corpus({str(music)!r}), recipe, path={str(store)!r})"
    )
    return subprocess.Popen([sys.executable, "-c", code])


def marks(store: Path) -> list[str]:
    done = store / "done"
    return sorted(mark.name for mark in done.iterdir()) if done.is_dir() else []


@pytest.fixture
def corpus(small_folder):
    return open_corpus(small_folder)


@pytest.fixture
def store(corpus, tmp_path):
    return SpectrogramStore.build(corpus, RECIPE, path=tmp_path / "store")


# --- content ------------------------------------------------------------


def test_images_are_those_of_each_track(store, corpus):
    assert len(store) == 48
    assert store.images.shape == (48, 16, 16)
    assert store.images.dtype == np.uint8
    pd.testing.assert_frame_equal(
        store.windows, window_table(corpus, WindowGrid(1.0)), check_dtype=False
    )
    for track_id, rows in store.windows.groupby("track_id").indices.items():
        y, _ = corpus.load(track_id, sample_rate=12_000)
        expected = spectrograms(y, RECIPE, store.windows["start_s"].to_numpy()[rows])
        np.testing.assert_array_equal(store.images[rows], expected)


def test_opened_store_is_the_built_one(store):
    again = SpectrogramStore.open(store.path)
    np.testing.assert_array_equal(again.images, store.images)
    pd.testing.assert_frame_equal(again.windows, store.windows)
    assert again.recipe == RECIPE
    assert again.genres.tolist() == store.windows["genre"].tolist()
    assert "48 windows of 12 tracks" in repr(again)


def test_images_are_read_only(store):
    with pytest.raises(ValueError, match="read-only"):
        store.images[0] = 0


def test_default_folder_names_recipe_and_corpus(corpus, work):
    store = SpectrogramStore.build(corpus, RECIPE)
    expected = work / "manual" / "stores" / f"{RECIPE.slug}_{corpus.fingerprint}"
    assert store.path == expected
    less = SpectrogramStore.build(corpus.select(genres="jazz"), RECIPE, work=Workspace("other"))
    assert less.path.parent == work / "other" / "stores"
    assert less.path.name != store.path.name


def test_overlapping_windows(corpus, tmp_path):
    recipe = Recipe.from_dict({**RECIPE.as_dict(), "step": 0.5})
    store = SpectrogramStore.build(corpus, recipe, path=tmp_path / "store")
    own = store.windows[store.windows["track_id"] == "jazz.00001"]
    np.testing.assert_allclose(own["start_s"], np.arange(7) * 0.5)
    y, _ = corpus.load("jazz.00001", sample_rate=12_000)
    np.testing.assert_array_equal(
        store.images[own.index[3]], spectrograms(y, recipe, np.array([1.5]))[0]
    )


def test_jobs_do_not_change_a_byte(store, corpus, tmp_path):
    SpectrogramStore.build(corpus, RECIPE, path=tmp_path / "two", jobs=2)
    assert contents(tmp_path / "two") == contents(store.path)


@pytest.mark.check
def test_two_processes_of_a_cluster_write_the_same_bytes(store, corpus, tmp_path, monkeypatch):
    distributed = pytest.importorskip("distributed")
    cluster = distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None,
        local_directory=str(tmp_path / "dask"),
    )  # fmt: skip
    # Other processes are not affected by this.
    monkeypatch.setattr(module.audio, "load", decode_nothing)
    with cluster, distributed.Client(cluster), joblib.parallel_config(backend="dask"):
        SpectrogramStore.build(corpus, RECIPE, path=tmp_path / "clustered")
    assert contents(tmp_path / "clustered") == contents(store.path)


def decode_nothing(*arguments, **options):
    raise AssertionError("audio was decoded")


def test_second_build_reads_no_audio(store, corpus, monkeypatch):
    before = contents(store.path)
    monkeypatch.setattr(module.audio, "load", decode_nothing)
    again = SpectrogramStore.build(corpus, RECIPE, path=store.path)
    assert contents(again.path) == before


def test_very_short_and_unreadable_tracks_have_no_rows(music_folder, tmp_path):
    folder = music_folder(layout=".", seconds=(0.5, 2.2), genres=["jazz"])
    (folder / "jazz" / "jazz.00002.wav").write_bytes(b"not audio")
    with pytest.warns(UserWarning, match="cannot be read"):
        corpus = open_corpus(folder)
    store = SpectrogramStore.build(corpus, RECIPE, path=tmp_path / "store")
    assert store.windows["window_id"].tolist() == ["jazz.00001.0", "jazz.00001.1"]


def test_genres_and_tracks_that_look_like_numbers(music_folder, tmp_path):
    corpus = open_corpus(music_folder(layout=".", genres=["1980", "1990"], name="{number:02d}"))
    store = SpectrogramStore.build(corpus, RECIPE, path=tmp_path / "store")
    assert set(store.genres) == {"1980", "1990"}
    assert set(store.windows["track_id"]) == set(corpus.tracks.index)


@pytest.mark.parametrize("name", ["stft-10s-legacy", "mel-3s", "mel-30s"])
def test_rectangular_images_of_any_recipe(corpus, tmp_path, name):
    recipe = Recipe.preset(name, size=(12, 20), seconds=2)
    two = corpus.select(tracks=["blues.00001", "rock.00002"])
    store = SpectrogramStore.build(two, recipe, path=tmp_path / "store", jobs=2)
    assert store.images.shape == (4, 12, 20)
    assert SpectrogramStore.open(store.path).recipe == recipe
    for number, track_id in enumerate(two.tracks.index):
        y, _ = corpus.load(track_id, sample_rate=22_050)
        np.testing.assert_array_equal(
            store.images[2 * number : 2 * number + 2], spectrograms(y, recipe, np.array([0.0, 2.0]))
        )


@pytest.mark.parametrize("name", ["mel-30s", "mel-gtzan-store"])
def test_clips_of_about_half_a_minute_are_one_window(music_folder, tmp_path, name):
    """Shorter ones are repeated, down to a second; a last window ends where the sound ends."""
    seconds = (0.9, 1.0, 29.4, 29.93, 30.0, 30.6, 46.0)
    corpus = open_corpus(music_folder(layout=".", seconds=seconds, genres=["jazz"], rate=8000))
    recipe = Recipe.preset(name, size=16)
    store = SpectrogramStore.build(corpus, recipe, path=tmp_path / "store")
    tracks = [f"jazz.{number:05d}" for number in (1, 2, 3, 4, 5, 6, 6)]
    assert store.windows["track_id"].tolist() == tracks
    assert store.windows["start_s"].tolist() == [0, 0, 0, 0, 0, 0, 16]
    for image, window in zip(store.images, store.windows.itertuples(), strict=True):
        y, _ = corpus.load(window.track_id, sample_rate=22_050)
        expected = spectrograms(y, recipe, np.array([window.start_s]))[0]
        np.testing.assert_array_equal(image, expected)


# --- interrupted --------------------------------------------------------------


@pytest.mark.parametrize("undone", [1, 5, 12])
def test_goes_on_where_it_stopped(store, corpus, undone):
    """Tracks that are not marked as done are written again."""
    before = contents(store.path)
    images = np.load(store.path / "images.npy", mmap_mode="r+")
    lost = marks(store.path)[::2][:undone] if undone < 12 else marks(store.path)
    for track_id in lost:
        (store.path / "done" / track_id).unlink()
        images[store.windows["track_id"] == track_id] = 77
    images.flush()
    assert contents(store.path) != before
    with pytest.raises(StoreError, match=f"is incomplete, {len(lost)} of 12 tracks are missing"):
        SpectrogramStore.open(store.path)
    SpectrogramStore.build(corpus, RECIPE, path=store.path)
    assert contents(store.path) == before


def test_finished_tracks_are_not_computed_again(store, corpus, monkeypatch):
    (store.path / "done" / "jazz.00001").unlink()
    decoded, load = [], module.audio.load
    monkeypatch.setattr(
        module.audio,
        "load",
        lambda file, **how: decoded.append(Path(file).stem) or load(file, **how),
    )
    SpectrogramStore.build(corpus, RECIPE, path=store.path)
    assert decoded == ["jazz.00001"]


@pytest.mark.parametrize("files", [[], ["windows.csv"], ["windows.csv", "images.npy", "done"]])
def test_killed_before_the_first_track(store, corpus, tmp_path, files):
    """A folder without `recipe.json` is the beginning of a store."""
    (tmp_path / "begun").mkdir()
    for name in files:
        if name == "done":
            (tmp_path / "begun" / name).mkdir()
        else:
            (tmp_path / "begun" / name).write_bytes(b"half")
    (tmp_path / "begun" / ".images-0123abcd.npy").write_bytes(b"half")
    with pytest.raises(StoreError, match="is no spectrogram store"):
        SpectrogramStore.open(tmp_path / "begun")
    SpectrogramStore.build(corpus, RECIPE, path=tmp_path / "begun")
    assert contents(tmp_path / "begun") == contents(store.path)


@pytest.fixture
def many(music_folder):
    """Music that takes long enough to be interrupted."""
    return music_folder(tracks=24, seconds=5.2, genres=["blues", "rock"])


@pytest.mark.check
def test_killed_at_any_instant_ends_with_the_same_bytes(many, tmp_path):
    """Killed twice, and built to the end."""
    undisturbed = SpectrogramStore.build(open_corpus(many), SLOW, path=tmp_path / "undisturbed")
    killed = tmp_path / "killed"
    for _ in range(2):
        before = len(marks(killed))
        process = build_elsewhere(many, killed, SLOW)
        while len(marks(killed)) < before + 3 and process.poll() is None:
            time.sleep(0.001)
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
        assert before < len(marks(killed)) < 48
    with pytest.raises(StoreError, match="is incomplete"):
        SpectrogramStore.open(killed)
    SpectrogramStore.build(open_corpus(many), SLOW, path=killed)
    assert contents(killed) == contents(undisturbed.path)


@pytest.mark.check
def test_two_processes_at_once_write_the_same_bytes(small_folder, corpus, tmp_path):
    alone = SpectrogramStore.build(corpus, SLOW, path=tmp_path / "alone")
    together = [build_elsewhere(small_folder, tmp_path / "shared", SLOW) for _ in range(2)]
    assert [process.wait() for process in together] == [0, 0]
    assert contents(tmp_path / "shared") == contents(alone.path)


class Disk:
    """A disk with room for a number of bytes of images."""

    def __init__(self, monkeypatch, room: int) -> None:
        self.room = room
        self.lock = threading.Lock()
        plain = Path.open

        def open_(path, mode="r", *arguments, **options):
            stream = plain(path, mode, *arguments, **options)
            if path.name == "images.npy" and mode == "r+b":
                write = stream.write

                class Full:
                    def __enter__(self):
                        return self

                    def __exit__(self, *error):
                        stream.close()

                    def seek(self, *where):
                        return stream.seek(*where)

                    def write(_, data):
                        data = memoryview(data).cast("B")
                        if not self.room:
                            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
                        # As the system does: as much as there is room for is written.
                        with self.lock:
                            data = data[: self.room]
                            self.room -= len(data)
                        return write(data)

                return Full()
            return stream

        monkeypatch.setattr(Path, "open", open_)


@pytest.mark.parametrize(("tracks", "jobs"), [(0, 1), (5, 2), (5.5, 1), (5.5, 2)])
def test_full_disk_is_an_error_and_building_continues(
    store, corpus, tmp_path, monkeypatch, tracks, jobs
):
    """Also if it becomes full in the middle of a track."""
    with monkeypatch.context() as patch:
        Disk(patch, round(tracks * 4 * 16 * 16))
        with pytest.raises(StoreError, match=r"full: cannot be written \(No space left") as caught:
            SpectrogramStore.build(corpus, RECIPE, path=tmp_path / "full", jobs=jobs)
        assert "make room and build it again to go on where it stopped" in str(caught.value)
        assert "\n" not in str(caught.value)
    done = marks(tmp_path / "full")
    assert len(done) <= tracks
    images = np.load(tmp_path / "full" / "images.npy")
    for track_id in done:
        own = store.windows["track_id"] == track_id
        np.testing.assert_array_equal(images[own], store.images[own])
    with pytest.raises(StoreError, match="is incomplete"):
        SpectrogramStore.open(tmp_path / "full")
    SpectrogramStore.build(corpus, RECIPE, path=tmp_path / "full", jobs=jobs)
    assert contents(tmp_path / "full") == contents(store.path)


@pytest.mark.parametrize("name", ["windows.csv", "recipe.json"])
def test_disk_that_is_full_from_the_beginning(store, corpus, tmp_path, monkeypatch, name):
    plain = os.replace

    def replace(source, target, **options):
        if Path(target).name == name:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(target))
        return plain(source, target, **options)

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", replace)
        with pytest.raises(StoreError, match=r"full: cannot be written \(No space left"):
            SpectrogramStore.build(corpus, RECIPE, path=tmp_path / "full")
    SpectrogramStore.build(corpus, RECIPE, path=tmp_path / "full")
    assert contents(tmp_path / "full") == contents(store.path)


# --- broken files -------------------------------------------------------------


@pytest.mark.parametrize("ending", [".flac", ".mp3"])
def test_truncated_file_is_named_and_the_others_are_kept(music_folder, tmp_path, ending):
    """Its header is valid, so that the track has windows."""
    folder = music_folder(layout=".", seconds=5.0, tracks=3, genres=["jazz"], ending=ending)
    file = folder / "jazz" / f"jazz.00001{ending}"
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) // 2])
    corpus = open_corpus(folder)
    with pytest.raises(AudioError, match=rf"jazz\.00001\{ending}: cannot be decoded") as caught:
        SpectrogramStore.build(corpus, RECIPE, path=tmp_path / "store")
    assert "\n" not in str(caught.value)
    assert marks(tmp_path / "store") == ["jazz.00000", "jazz.00002"]
    others = SpectrogramStore.build(
        corpus.exclude(["jazz.00001"]), RECIPE, path=tmp_path / "excluded"
    )
    assert len(others) == 10


def test_several_broken_files_are_counted(music_folder, tmp_path):
    folder = music_folder(layout=".", seconds=5.0, tracks=4, genres=["jazz"], ending=".flac")
    for number in (1, 2, 3):
        file = folder / "jazz" / f"jazz.0000{number}.flac"
        file.write_bytes(file.read_bytes()[:40_000])
    with pytest.raises(AudioError, match=r"jazz\.00001.*\(2 more files likewise\)"):
        SpectrogramStore.build(open_corpus(folder), RECIPE, path=tmp_path / "store")


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e30])
def test_windows_with_invalid_samples_are_left_out_and_named(music_folder, tmp_path, value):
    folder = music_folder(genres=["jazz"], tracks=3, seconds=7.0)
    files = sorted(folder.rglob("*.wav"))
    clean = SpectrogramStore.build(open_corpus(folder), RECIPE, path=tmp_path / "clean")
    y, rate = soundfile.read(files[1])
    y[round(5.5 * rate)] = value
    soundfile.write(files[1], y, rate, subtype="FLOAT")
    message = r"1 windows of 1 tracks \(jazz\.00001\) have samples that are not finite numbers"
    with pytest.warns(GtzanWarning, match=message):
        store = SpectrogramStore.build(open_corpus(folder), RECIPE, path=tmp_path / "store", jobs=2)
    left = (clean.windows["window_id"] != "jazz.00001.5").to_numpy()
    pd.testing.assert_frame_equal(store.windows, clean.windows[left].reset_index(drop=True))
    np.testing.assert_allclose(store.images, clean.images[left], atol=1)
    assert len(SpectrogramStore.open(store.path)) == len(clean) - 1


def test_nothing_but_invalid_samples_is_refused(tmp_path):
    (tmp_path / "music" / "jazz").mkdir(parents=True)
    file = tmp_path / "music" / "jazz" / "a.wav"
    soundfile.write(file, np.full(3 * 22_050, np.nan), 22_050, subtype="FLOAT")
    with pytest.raises(CorpusError, match="not finite numbers"):
        SpectrogramStore.build(open_corpus(tmp_path / "music"), RECIPE, path=tmp_path / "store")


def test_changed_file_makes_another_corpus(music_folder, tmp_path):
    folder = music_folder(layout=".", seconds=2.0, genres=["jazz"])
    SpectrogramStore.build(open_corpus(folder), RECIPE, path=tmp_path / "store")
    file = folder / "jazz" / "jazz.00000.wav"
    y, rate = soundfile.read(file)
    soundfile.write(file, y[::-1], rate)
    os.utime(file, ns=(0, file.stat().st_mtime_ns + 10**9))
    with pytest.raises(StoreError, match="choose another folder"):
        SpectrogramStore.build(open_corpus(folder), RECIPE, path=tmp_path / "store")


# --- other recipes, corpora and folders -----------------------------------------------------


def test_other_corpus_in_the_same_place_is_refused(store, corpus):
    before = contents(store.path)
    with pytest.raises(StoreError, match=r"holds .* of corpus .*; choose another folder"):
        SpectrogramStore.build(corpus.select(genres="jazz"), RECIPE, path=store.path)
    assert contents(store.path) == before


def test_other_recipe_in_the_same_place_is_refused(store, corpus):
    before = contents(store.path)
    with pytest.raises(
        StoreError, match=r"stft-3s_1s_16px_\w{6} of corpus .* not stft-3s_1s_32px_"
    ):
        SpectrogramStore.build(corpus, Recipe.preset(size=32, seconds=1), path=store.path)
    assert contents(store.path) == before


def test_opened_for_another_recipe_or_corpus_is_refused(store, corpus):
    jazz = corpus.select(genres="jazz")
    for expected in ({"recipe": RECIPE}, {"corpus": corpus}, {"recipe": RECIPE, "corpus": corpus}):
        assert len(SpectrogramStore.open(store.path, **expected)) == 48
    rotated = dataclasses.replace(RECIPE, rotated=True)
    longer = Recipe.preset(size=16, seconds=2)
    for expected, message in [
        ({"recipe": longer}, rf"holds {RECIPE.slug} of corpus \w+, not {longer.slug} of \w+;"),
        ({"recipe": rotated}, rf"holds {RECIPE.slug} of corpus \w+, not {rotated.slug} of"),
        (
            {"corpus": jazz},
            rf"of corpus {corpus.fingerprint}, not .* of {jazz.fingerprint}; choose",
        ),
        ({"recipe": RECIPE, "corpus": jazz}, jazz.fingerprint),
    ]:
        with pytest.raises(StoreError, match=message) as caught:
            SpectrogramStore.open(store.path, **expected)
        assert str(caught.value).startswith(f"{store.path}: ")
        assert "\n" not in str(caught.value)


def test_changed_code_builds_it_again(store, corpus, monkeypatch):
    before = contents(store.path)
    images = np.load(store.path / "images.npy", mmap_mode="r+")
    images[:] = 13
    images.flush()
    # It has the digest of the present code, and is kept.
    assert (SpectrogramStore.build(corpus, RECIPE, path=store.path).images == 13).all()
    monkeypatch.setattr(module, "_code", lambda: "changed")
    rebuilt = SpectrogramStore.build(corpus, RECIPE, path=store.path)
    assert contents(rebuilt.path)["images.npy"] == before["images.npy"]
    assert json.loads((store.path / "recipe.json").read_text())["code"] == "changed"


def test_folder_with_other_files_is_refused_and_not_changed(corpus, tmp_path):
    (tmp_path / "theses").mkdir()
    (tmp_path / "theses" / "mine.tex").write_text("years of work")
    with pytest.raises(StoreError, match="is not empty and no store"):
        SpectrogramStore.build(corpus, RECIPE, path=tmp_path / "theses")
    assert contents(tmp_path / "theses") == {"mine.tex": b"years of work"}
    # Not even by the file of a lock.
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_file_in_its_place_is_refused_and_not_changed(corpus, tmp_path):
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(StoreError, match=r"thesis\.tex"):
        SpectrogramStore.open(tmp_path / "thesis.tex")
    with pytest.raises(StoreError, match=r"thesis\.tex"):
        SpectrogramStore.build(corpus, RECIPE, path=tmp_path / "thesis.tex")
    assert (tmp_path / "thesis.tex").read_text() == "years of work"


def test_folder_that_is_no_store_is_refused(tmp_path):
    for folder in (tmp_path, tmp_path / "none"):
        with pytest.raises(StoreError, match="is no spectrogram store"):
            SpectrogramStore.open(folder)


@pytest.mark.parametrize("file", ["recipe.json", "windows.csv"])
@pytest.mark.parametrize("content", [b"", b"{}", b"\x00\xff\n"])
def test_damaged_plan_is_refused(store, file, content):
    if file == "windows.csv" and content == b"{}":
        content = b"window_id,genre\na,b\n"
    (store.path / file).write_bytes(content)
    with pytest.raises(StoreError, match=str(store.path)):
        SpectrogramStore.open(store.path)


def lose_images(path: Path) -> None:
    (path / "images.npy").unlink()


def cut_images(path: Path) -> None:
    content = (path / "images.npy").read_bytes()
    (path / "images.npy").write_bytes(content[:-500])


def shorter_images(path: Path) -> None:
    np.save(path / "images.npy", np.load(path / "images.npy")[:-1])


def lose_marks(path: Path) -> None:
    shutil.rmtree(path / "done")


@pytest.mark.parametrize("harm", [lose_images, cut_images, shorter_images, lose_marks])
def test_damaged_store_is_refused_in_a_sentence(store, harm):
    harm(store.path)
    with pytest.raises(StoreError, match=str(store.path)):
        SpectrogramStore.open(store.path)


# --- log-mels -----------------------------------------------------------------

LOG_MELS = Recipe.preset("mel-gtzan-store", seconds=3)


@pytest.fixture
def log_mels(tmp_path) -> Path:
    """Grey images of three clips, not sorted by name."""
    rng = np.random.default_rng(0)
    x = rng.integers(0, 256, size=(3, 128, 387), dtype=np.uint8)
    np.savez(tmp_path / "mel.npz", X=x, names=["rock.00001", "blues.00003", "rock.00000"])
    return tmp_path / "mel.npz"


@pytest.mark.parametrize(
    "recipe",
    [LOG_MELS, Recipe.preset("mel-gtzan-store"), Recipe.preset("mel-gtzan-store", size=(20, 30))],
    ids=lambda recipe: recipe.slug,
)
def test_store_of_log_mels(log_mels, tmp_path, recipe):
    corpus = open_corpus(log_mels)
    store = SpectrogramStore.build(corpus, recipe, path=tmp_path / "store")
    expected = window_table(corpus, recipe.grid)
    pd.testing.assert_frame_equal(store.windows, expected, check_dtype=False)
    assert len(store) == 3 * int(30 / recipe.seconds)
    assert store.images.shape == (len(store), *recipe.shape)
    for track_id, image in zip(corpus.tracks.index, corpus.log_mels(), strict=True):
        rows = store.windows["track_id"] == track_id
        starts, duration_s = (
            store.windows["start_s"][rows],
            corpus.tracks.at[track_id, "duration_s"],
        )
        np.testing.assert_array_equal(
            store.images[rows], from_log_mels(image, recipe, starts, duration_s=duration_s)
        )
    assert len(SpectrogramStore.open(store.path, recipe=recipe, corpus=corpus)) == len(store)


def test_log_mels_of_gtzan_have_the_durations_of_its_clips(tmp_path):
    """The shared file has none; other clips are taken to have 30 s."""
    names = ["blues.00000", "reggae.00086", "country.00003", "rock.01234"]
    np.savez(tmp_path / "mel.npz", X=np.zeros((4, 128, 387), dtype=np.uint8), names=names)
    with pytest.warns(GtzanWarning, match=r"1 of 4 tracks are not GTZAN's, such as 'rock\.01234'"):
        corpus = open_corpus(tmp_path / "mel.npz")
    durations_s = corpus.tracks["duration_s"]
    pd.testing.assert_series_equal(
        durations_s[names[:3]], gtzan.durations()[names[:3]], check_names=False
    )
    assert durations_s["rock.01234"] == 30
    assert durations_s["blues.00000"] == pytest.approx(661_794 / 22_050)
    store = SpectrogramStore.build(corpus, LOG_MELS, path=tmp_path / "store")
    starts = store.windows.groupby("track_id")["start_s"].apply(list)
    for name in names:
        assert starts[name] == LOG_MELS.grid.starts(durations_s[name]).tolist()


@pytest.mark.parametrize("seconds", [1.0, 3.0, 30.0])
def test_stores_of_written_log_mels_are_those_of_the_audio(music_folder, tmp_path, seconds):
    """The same windows and images, bit for bit."""
    lengths = (0.8, 1.1, 4.6, 7.3)
    corpus = open_corpus(music_folder(layout=".", seconds=lengths, genres=["jazz", "rock"]))
    recipe = Recipe.preset("mel-gtzan-store", seconds=seconds, size=(12, 20))
    file = write_log_mels(corpus, tmp_path / "mel.npz", recipe, progress=False)
    from_audio = SpectrogramStore.build(corpus, recipe, path=tmp_path / "a")
    from_file = SpectrogramStore.build(open_corpus(file), recipe, path=tmp_path / "b")
    pd.testing.assert_frame_equal(from_file.windows, from_audio.windows)
    np.testing.assert_array_equal(from_file.images, from_audio.images)
    assert from_file.images.any()


def test_store_of_some_log_mels_goes_on(log_mels, tmp_path):
    corpus = open_corpus(log_mels)
    before = contents(SpectrogramStore.build(corpus, LOG_MELS, path=tmp_path / "store").path)
    (tmp_path / "store" / "done" / "blues.00003").unlink()
    images = np.load(tmp_path / "store" / "images.npy", mmap_mode="r+")
    images[10:20] = 77
    images.flush()
    again = SpectrogramStore.build(corpus, LOG_MELS, path=tmp_path / "store", jobs=2)
    assert contents(again.path) == before
    rock = corpus.select(genres="rock")
    some = SpectrogramStore.build(rock, LOG_MELS, path=tmp_path / "rock")
    np.testing.assert_array_equal(some.images, again.images[[*range(10), *range(20, 30)]])


@pytest.mark.parametrize("name", sorted(set(PRESETS) - {"mel-gtzan-store"}))
def test_other_recipes_cannot_be_made_of_log_mels(log_mels, tmp_path, name):
    with pytest.raises(StoreError) as caught:
        SpectrogramStore.build(
            open_corpus(log_mels), Recipe.preset(name), path=tmp_path / "s" / "t"
        )
    assert str(caught.value) == (
        f"{log_mels}: holds log-mels and no sound, which recipe {name!r} needs; choose a recipe "
        "with columns_per_second, such as 'mel-gtzan-store', or open the folder of the audio files."
    )
    assert not (tmp_path / "s").exists()


def test_disk_that_gets_full_with_log_mels(log_mels, tmp_path, monkeypatch):
    corpus = open_corpus(log_mels)
    whole = SpectrogramStore.build(corpus, LOG_MELS, path=tmp_path / "whole")
    with monkeypatch.context() as patch:
        Disk(patch, 10 * 128 * 39 + 1000)
        with pytest.raises(StoreError, match="No space left"):
            SpectrogramStore.build(corpus, LOG_MELS, path=tmp_path / "full")
    assert marks(tmp_path / "full") == ["rock.00001"]
    SpectrogramStore.build(corpus, LOG_MELS, path=tmp_path / "full")
    assert contents(tmp_path / "full") == contents(whole.path)


@pytest.mark.parametrize("size", [None, 16])
@pytest.mark.parametrize(
    ("n_mels", "columns"), [(32, 387), (64, 387), (256, 387), (128, 100), (128, 1292)]
)
def test_grey_images_of_other_shapes_are_refused(tmp_path, n_mels, columns, size):
    """They can be searched for copies, but windows cannot be cut out of them."""
    x = np.zeros((1, n_mels, columns), dtype=np.uint8)
    np.savez(tmp_path / "mel.npz", X=x, names=["rock.00001"])
    recipe = Recipe.preset("mel-gtzan-store", size=size)
    with pytest.raises(StoreError) as caught:
        SpectrogramStore.build(open_corpus(tmp_path / "mel.npz"), recipe, path=tmp_path / "store")
    assert str(caught.value) == (
        f"{tmp_path / 'mel.npz'}: its images have {n_mels} mel bands and {columns} columns, but "
        "recipe 'mel-gtzan-store' needs 128 and 387; open another file, or change n_mels."
    )
    assert not (tmp_path / "store").exists()


def test_log_mels_of_other_n_mels_are_refused(small_folder, tmp_path):
    recipe = Recipe.preset("mel-gtzan-store", seconds=2, n_mels=64)
    corpus = open_corpus(small_folder).select(genres="jazz")
    file = write_log_mels(corpus, tmp_path / "mel.npz", recipe, progress=False)
    assert SpectrogramStore.build(open_corpus(file), recipe).images.shape == (6, 64, 26)
    with pytest.raises(StoreError, match=r"have 64 mel bands and .* columns, but .* needs 128;"):
        SpectrogramStore.build(open_corpus(file), LOG_MELS)


def test_last_window_of_a_grey_image_is_its_end(tmp_path):
    x = np.zeros((1, 128, 387), dtype=np.uint8)
    x[:, :, round(0.95 * 387) :] = 255
    np.savez(tmp_path / "mel.npz", X=x, names=["rock.00001"])
    corpus = open_corpus(tmp_path / "mel.npz")
    store = SpectrogramStore.build(corpus, LOG_MELS, path=tmp_path / "store")
    assert not store.images[:9].any()
    assert store.images[9].mean() == pytest.approx(127.5, abs=10)


@pytest.mark.parametrize("name", ["", ".", "..", "../../away", "rock/a", "a\0b"])
def test_track_ids_that_cannot_be_file_names(tmp_path, name):
    """Files are named after tracks, and none is written outside of the store."""
    x = np.zeros((2, 128, 387), dtype=np.uint8)
    np.savez(tmp_path / "mel.npz", X=x, names=[name, "rock.00000"])
    store = tmp_path / "made" / "store"
    with pytest.raises(GtzanError, match=r"mel\.npz: ") as caught:
        SpectrogramStore.build(open_corpus(tmp_path / "mel.npz"), LOG_MELS, path=store)
    assert "\n" not in str(caught.value)
    assert {file.name for file in tmp_path.iterdir()} <= {"mel.npz", "made", "work"}
    assert not (tmp_path / "made" / "away").exists()


# --- PNG files -----------------------------------------------------------------


def test_png_files_are_the_images(store, tmp_path):
    folder = store.export_png(tmp_path / "png")
    files = sorted(file.relative_to(folder).as_posix() for file in folder.rglob("*.png"))
    assert len(files) == len(store)
    assert files[0] == "blues/blues.00000_win0.png"
    for row in (0, 17, 47):
        window = store.windows.iloc[row]
        number = window["window_id"].split(".")[-1]
        with Image.open(folder / window["genre"] / f"{window['track_id']}_win{number}.png") as file:
            assert file.mode == "L"
            np.testing.assert_array_equal(np.asarray(file), store.images[row])
    assert {file.name for file in folder.iterdir()} == {"blues", "classical", "jazz", "rock"}


def test_png_files_of_rectangles(corpus, tmp_path):
    recipe = Recipe.preset("mel-3s", size=(12, 20))
    one = corpus.select(tracks=["jazz.00001"])
    store = SpectrogramStore.build(one, recipe, path=tmp_path / "store")
    folder = store.export_png(store.path / "png")
    with Image.open(folder / "jazz" / "jazz.00001_win0.png") as file:
        assert file.size == (20, 12)
        np.testing.assert_array_equal(np.asarray(file), store.images[0])
    # PNG files in its folder do not make the store invalid.
    assert len(SpectrogramStore.build(one, recipe, path=store.path)) == 1
