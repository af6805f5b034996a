"""The command `gtzan spectrograms`: the store, the output and the exit code."""

import os
import shutil
import signal
import subprocess
import sys
import time
import warnings
from pathlib import Path

import numpy as np
import pytest
import soundfile
from PIL import Image
from typer.testing import CliRunner

from gtzan_lib import cli
from gtzan_lib.data.opening import open_corpus
from gtzan_lib.errors import CorpusError, GtzanError, StoreError
from gtzan_lib.signal.recipes import PRESETS, Recipe
from gtzan_lib.signal.spectrograms import spectrograms
from gtzan_lib.signal.store import SpectrogramStore

from .test_store import contents, marks

N_TRACKS = 30
ROOT = Path(cli.__file__).parents[1]


@pytest.fixture
def command():
    """Run the command in this process; errors of ours are raised."""

    def run(*arguments):
        result = CliRunner().invoke(cli.app, ["spectrograms", *map(str, arguments)])
        if isinstance(result.exception, GtzanError):
            raise result.exception
        assert result.exception is None or isinstance(result.exception, SystemExit)
        return result

    return run


def start(*arguments) -> subprocess.Popen:
    """Start the command in a process group of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "gtzan_lib", "spectrograms", *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        start_new_session=True,
        # A shell that runs the tests in the background has interrupts ignored.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


# --- the store ------------------------------------------------------------


def test_help_names_all_options(command):
    text = command("--help").output
    for option in (
        "--out", "--recipe", "--size", "--seconds", "--genre", "--track", "--png", "--view",
        "--jobs",
    ):  # fmt: skip
        assert option in text
    assert "spectrograms" in CliRunner().invoke(cli.app, ["--help"]).output


def test_store_is_what_the_library_makes(command, small_folder, tmp_path):
    out = tmp_path / "new" / "store"
    result = command(small_folder, "--size", "16", "--seconds", "1", "--out", out, "--jobs", "2")
    assert (result.exit_code, result.stdout.strip()) == (0, str(out))
    recipe = Recipe.preset(size=16, seconds=1)
    corpus = open_corpus(small_folder)
    assert len(SpectrogramStore.open(out, recipe=recipe, corpus=corpus)) == 48
    made = SpectrogramStore.build(corpus, recipe, path=tmp_path / "made")
    assert contents(out) == contents(made.path)


@pytest.mark.parametrize("name", PRESETS)
def test_every_recipe_by_its_name(command, small_folder, tmp_path, name):
    arguments = ["--recipe", name, "--seconds", "2", "--track", "jazz.00001"]
    command(small_folder, *arguments, "--out", tmp_path / "store", "--jobs", "1")
    store = SpectrogramStore.open(tmp_path / "store")
    assert store.recipe == Recipe.preset(name, seconds=2)
    assert store.windows["window_id"].tolist() == ["jazz.00001.0", "jazz.00001.1"]
    assert store.images.any()


def test_default_is_the_full_size_of_stft_3s(command, small_folder, tmp_path):
    command(small_folder, "--track", "jazz.00001", "--out", tmp_path / "store")
    store = SpectrogramStore.open(tmp_path / "store")
    assert store.recipe == Recipe.preset()
    assert store.images.shape == (1, 512, 512)


@pytest.mark.parametrize(
    ("chosen", "tracks"),
    [
        (["--genre", "jazz"], ["jazz.00000", "jazz.00001", "jazz.00002"]),
        (["--track", "rock.00001", "--track", "blues.00002"], ["blues.00002", "rock.00001"]),
        (["--genre", "rock", "--genre", "jazz", "--track", "rock.00001"], ["rock.00001"]),
    ],
)
def test_chosen_genres_and_tracks(command, small_folder, tmp_path, chosen, tracks):
    arguments = ("--size", "8", "--out", tmp_path / "store", "--jobs", "1")
    command(small_folder, *arguments, *chosen)
    store = SpectrogramStore.open(tmp_path / "store")
    assert store.windows["track_id"].tolist() == tracks
    with pytest.raises(StoreError, match=r"holds .* of corpus .*; choose another folder"):
        command(small_folder, *arguments)


def test_short_tracks_are_one_window(command, music_folder, tmp_path):
    """If they have at least a second; the others are left out."""
    folder = music_folder(seconds=(0.9, 1.0, 2.9), genres=["jazz"])
    result = command(folder, "--size", "16", "--out", tmp_path / "store", "--jobs", "1")
    assert result.exit_code == 0
    store = SpectrogramStore.open(tmp_path / "store")
    assert store.windows["window_id"].tolist() == ["jazz.00001.0", "jazz.00002.0"]
    corpus = open_corpus(folder)
    for image, track_id in zip(store.images, store.windows["track_id"], strict=True):
        y, _ = corpus.load(track_id, sample_rate=12_000)
        # The sound is repeated until the window is full.
        repeated = np.resize(y, 36_000)
        np.testing.assert_array_equal(image, spectrograms(repeated, store.recipe, np.zeros(1))[0])


def test_windows_that_are_longer_than_all_tracks(command, small_folder, tmp_path):
    result = command(small_folder, "--size", "16", "--seconds", "30", "--out", tmp_path / "store")
    assert result.exit_code == 0
    store = SpectrogramStore.open(tmp_path / "store")
    assert store.windows["track_id"].tolist() == open_corpus(small_folder).tracks.index.tolist()
    assert store.images.any(axis=(1, 2)).all()


def test_png_files_and_figures(command, small_folder, tmp_path):
    chosen = ["--track", "jazz.00001", "--track", "rock.00000", "--size", "16", "--seconds", "2"]
    out = tmp_path / "store"
    command(small_folder, *chosen, "--out", out, "--jobs", "1")
    assert not (out / "png").exists()
    assert not (out / "view").exists()
    before = contents(out)
    result = command(small_folder, *chosen, "--out", out, "--png", "--view", "--jobs", "1")
    assert result.stdout.strip() == str(out)
    assert before.items() <= contents(out).items()
    assert sorted(set(contents(out)) - set(before)) == [
        "png/jazz/jazz.00001_win0.png", "png/jazz/jazz.00001_win1.png",
        "png/rock/rock.00000_win0.png", "png/rock/rock.00000_win1.png",
        "view/jazz.00001.png", "view/rock.00000.png",
    ]  # fmt: skip
    with Image.open(out / "png" / "rock" / "rock.00000_win1.png") as file:
        np.testing.assert_array_equal(np.asarray(file), SpectrogramStore.open(out).images[3])
    with Image.open(out / "view" / "jazz.00001.png") as file:
        assert min(file.size) > 100
        assert len(file.convert("RGB").getcolors(10**6)) > 20
    # Once more, where all files exist.
    after = contents(out)
    assert command(small_folder, *chosen, "--out", out, "--png", "--view").exit_code == 0
    assert contents(out).keys() == after.keys()


def test_log_mels(command, tmp_path):
    x = np.random.default_rng(0).integers(0, 256, size=(2, 128, 387), dtype=np.uint8)
    np.savez(tmp_path / "mel.npz", X=x, names=["rock.00001", "blues.00003"])
    arguments = (tmp_path / "mel.npz", "--out", tmp_path / "store", "--seconds", "3", "--png")
    result = command(*arguments, "--recipe", "mel-gtzan-store", "--genre", "rock")
    assert result.exit_code == 0
    assert len(SpectrogramStore.open(tmp_path / "store")) == 10
    assert len(list((tmp_path / "store" / "png" / "rock").iterdir())) == 10
    with pytest.raises(StoreError, match=r"mel\.npz: holds log-mels and no sound"):
        command(*arguments)


# --- errors ----------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere"], "nowhere: there is no such folder"),
        (["nowhere.npz"], "nowhere.npz: there is no such file"),
        (["music", "--recipe", "mfcc"], "there is no recipe 'mfcc'; choose one of mel-30s, mel-3s"),
        (["music", "--genre", "polka"], "there is no genre 'polka' in this corpus"),
        (["music", "--track", "jazz.00009"], "there is no track 'jazz.00009' in this corpus"),
        (["music", "--track", "jazz.00000", "--genre", "rock"], "leaves no track of this corpus"),
        (["music", "--size", "0"], "of 1 to 4096 pixels a side, not of 0 x 0"),
        (["music", "--seconds", "0"], "cannot have windows of 0"),
        (["music", "--seconds", "nan"], "cannot have windows of nan s"),
        (["short"], "no track is as long as one window of 3.0 s"),
        (["short", "--seconds", "30"], "no track is as long as one window of 30.0 s"),
    ],
)
def test_errors_are_one_sentence(
    small_folder, music_folder, tmp_path, monkeypatch, capfd, work, arguments, message
):
    (tmp_path / "music").symlink_to(small_folder)
    (tmp_path / "short").symlink_to(music_folder(seconds=0.9))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["gtzan", "spectrograms", *arguments, "--out", "store"])
    # The command replaces it; this restores it after the test.
    monkeypatch.setattr(warnings, "showwarning", warnings.showwarning)
    with pytest.raises(SystemExit) as caught:
        cli.main()
    assert caught.value.code == 1
    out, err = capfd.readouterr()
    assert out == ""
    assert err.startswith("error: ")
    assert message in err
    assert err.count("\n") == 1
    assert not (tmp_path / "store").exists()


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["music"],
        ["music", "--out", "store", "--size", "big"],
        ["music", "--out", "store", "--seconds", "three"],
        ["music", "--out", "store", "--jobs", "0"],
    ],
)
def test_wrong_usage(command, arguments):
    assert command(*arguments).exit_code == 2


def test_a_table_has_no_spectrograms(command, tmp_path):
    (tmp_path / "t.csv").write_text("track_id\n")
    with pytest.raises(CorpusError, match=r"t\.csv: "):
        command(tmp_path / "t.csv", "--out", tmp_path / "store")
    assert not (tmp_path / "store").exists()


def test_folders_with_other_files_are_not_changed(command, small_folder, tmp_path):
    (tmp_path / "theses").mkdir()
    (tmp_path / "theses" / "mine.tex").write_text("years of work")
    with pytest.raises(StoreError, match="is not empty and no store; choose another folder"):
        command(small_folder, "--size", "8", "--out", tmp_path / "theses", "--png")
    assert contents(tmp_path / "theses") == {"mine.tex": b"years of work"}


# --- in another process --------------------------------------------------


@pytest.fixture
def many_tracks(tmp_path) -> Path:
    """Return a folder of tracks that take long enough to be interrupted."""
    rng = np.random.default_rng(0)
    y = 0.1 * rng.standard_normal(30 * 12_000)
    (tmp_path / "many" / "jazz").mkdir(parents=True)
    first = tmp_path / "many" / "jazz" / "jazz.00000.wav"
    soundfile.write(first, y, 12_000)
    for number in range(1, N_TRACKS):
        shutil.copy(first, first.with_name(f"jazz.{number:05d}.wav"))
    return tmp_path / "many"


@pytest.mark.check
def test_interrupted_command_continues(command, many_tracks, tmp_path):
    """With Ctrl-C: no traceback, no track computed twice, the same bytes."""
    out = tmp_path / "store"
    arguments = (many_tracks, "--size", "128", "--out", out, "--jobs", "2")
    process = start(*arguments)
    while len(marks(out)) < 2 and process.poll() is None:
        time.sleep(0.005)
    os.killpg(process.pid, signal.SIGINT)
    output, err = process.communicate(timeout=60)
    assert process.returncode != 0
    assert output == ""
    assert "Traceback" not in err
    done = {name: (out / "done" / name).stat().st_mtime_ns for name in marks(out)}
    assert 2 <= len(done) < N_TRACKS
    again = command(*arguments)
    assert (again.exit_code, again.stdout, again.stderr) == (0, f"{out}\n", "")
    assert len(marks(out)) == N_TRACKS
    for name, time_ns in done.items():
        assert (out / "done" / name).stat().st_mtime_ns == time_ns
    images = SpectrogramStore.open(out).images.reshape(N_TRACKS, 10, 128, 128)
    assert (images == images[0]).all()
    assert images[0].any()
