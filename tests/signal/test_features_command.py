"""The command `gtzan features`: its file, output and exit code."""

import os
import shutil
import signal
import subprocess
import sys
import time
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile
from typer.testing import CliRunner

from gtzan_lib import cli
from gtzan_lib.data.opening import open_corpus
from gtzan_lib.data.tables import COLUMNS, FEATURE_NAMES
from gtzan_lib.errors import CorpusError, GtzanError, GtzanWarning, OutputError
from gtzan_lib.signal.features import FeatureTable, features
from gtzan_lib.signal.recipes import Recipe
from gtzan_lib.signal.spectrograms import write_log_mels

N_TRACKS = 12
ROOT = Path(cli.__file__).parents[1]


@pytest.fixture
def command():
    """Run the command in this process; its `GtzanError` is raised."""

    def run(*arguments):
        result = CliRunner().invoke(cli.app, ["features", *map(str, arguments)])
        if isinstance(result.exception, GtzanError):
            raise result.exception
        assert result.exception is None or isinstance(result.exception, SystemExit)
        return result

    return run


def start(*arguments, folder: Path) -> subprocess.Popen:
    """Start the command in a new process group."""
    return subprocess.Popen(
        [sys.executable, "-m", "gtzan_lib", "features", *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        start_new_session=True,
        # A shell ignores interrupts of tests that run in the background.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


def output_of(process: subprocess.Popen) -> tuple[int, str, str]:
    out, err = process.communicate(timeout=60)
    return process.returncode, out, err


def n_cached(work: Path) -> int:
    """Return the number of cached results in the work folder."""
    return len(list(work.rglob("output.pkl")))


def wait_for_results(work: Path, count: int, process: subprocess.Popen) -> None:
    while n_cached(work) < count and process.poll() is None:
        time.sleep(0.01)


# --- tables -------------------------------------------------------------------


def test_help_names_all_options(command):
    text = command("--help").output
    for option in ("--window", "--family", "--out", "--jobs", "--reference"):
        assert option in text
    assert "Kaggle" in text
    assert "features" in CliRunner().invoke(cli.app, ["--help"]).output


def test_table_is_that_of_the_library(command, small_folder, tmp_path):
    out = tmp_path / "new" / "t.csv"
    result = command(small_folder, "--window", "2", "--out", out, "--jobs", "1")
    assert result.exit_code == 0
    assert result.stdout.strip() == str(out)
    expected = features(open_corpus(small_folder), 2.0, progress=False)
    np.testing.assert_array_equal(features(open_corpus(out)).values, expected.values)
    table = pd.read_csv(out)
    assert tuple(table.columns) == COLUMNS
    assert table["filename"].tolist() == expected.windows["filename"].tolist()


@pytest.mark.parametrize(
    ("window", "name", "rows"),
    [
        (None, "features_3_sec.csv", 2),
        ("30", "features_30_sec.csv", 2),
        ("1.5", "features_1.5_sec.csv", 4),
    ],
)
def test_name_of_the_table_has_the_window(
    command, music_folder, tmp_path, monkeypatch, window, name, rows
):
    folder = music_folder(seconds=3.2, genres=["jazz"])
    monkeypatch.chdir(tmp_path)
    result = command(folder, "--jobs", "1", *(["--window", window] if window else []))
    assert result.exit_code == 0
    assert [file.name for file in tmp_path.glob("*.csv")] == [name]
    assert len(pd.read_csv(tmp_path / name)) == rows


def test_another_family_goes_into_a_file_of_arrays(command, music_folder, tmp_path, monkeypatch):
    folder = music_folder(seconds=3.2, genres=["jazz"])
    monkeypatch.chdir(tmp_path)
    family = ("--family", "logmel-statistics", "--jobs", "1")
    assert command(folder, *family).stdout.strip() == "logmel-statistics_3_sec.npz"
    table = FeatureTable.load("logmel-statistics_3_sec.npz")
    assert table.values.shape == (2, 4608)
    corpus = open_corpus(folder)
    mels = write_log_mels(corpus, tmp_path / "m.npz", Recipe.preset("mel-gtzan-store"))
    command(mels, *family, "--out", "from_mels.npz")
    np.testing.assert_array_equal(FeatureTable.load("from_mels.npz").values, table.values)
    command(folder, *family, "--out", "asked.csv")
    assert len(pd.read_csv("asked.csv").columns) == 4611
    with pytest.raises(CorpusError, match="no family of features 'mfcc'"):
        command(folder, "--family", "mfcc")
    with pytest.raises(CorpusError, match=r"m\.npz: is a file of log-mels, which holds no sound"):
        command(mels)


def test_jobs_write_the_same_bytes(command, music_folder, tmp_path, monkeypatch):
    folder = music_folder(seconds=1.1)
    for jobs in ("1", "2"):
        monkeypatch.setenv("GTZAN_WORK", str(tmp_path / f"work{jobs}"))
        command(folder, "--window", "0.5", "--out", tmp_path / f"{jobs}.csv", "--jobs", jobs)
    assert (tmp_path / "1.csv").read_bytes() == (tmp_path / "2.csv").read_bytes()


def test_reference_calls_librosa(command, music_folder, tmp_path):
    folder = music_folder(seconds=1.1, genres=["jazz"], tracks=1)
    tables = []
    for number, option in enumerate([[], ["--reference"]]):
        out = tmp_path / f"{number}.csv"
        command(folder, "--window", "1", "--out", out, "--jobs", "1", *option)
        tables.append(pd.read_csv(out)[list(FEATURE_NAMES)].to_numpy())
    assert not np.array_equal(*tables)
    np.testing.assert_allclose(*tables, rtol=2e-3, atol=1e-3)


# --- errors -------------------------------------------------------------------


def test_nothing_is_overwritten(command, music_folder, tmp_path, work):
    """The error comes before the computation."""
    out = tmp_path / "mine.csv"
    for content in ("text", ""):
        out.write_text(content)
        with pytest.raises(OutputError, match=r"mine\.csv: is there already; name a file"):
            command(music_folder(), "--window", "0.5", "--out", out)
        assert out.read_text() == content
    with pytest.raises(OutputError, match="is a folder"):
        command(music_folder(), "--out", tmp_path)
    assert not n_cached(work)


def test_a_file_is_replaced_by_force(command, music_folder, tmp_path):
    out = tmp_path / "mine.csv"
    out.write_text("text")
    command(music_folder(), "--window", "0.5", "--out", out, "--force")
    assert list(pd.read_csv(out)) == list(COLUMNS)


def test_the_table_on_standard_output(command, music_folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = music_folder()
    result = command(folder, "--window", "0.5", "--out", "-")
    command(folder, "--window", "0.5", "--out", tmp_path / "same.csv")
    assert result.stdout == (tmp_path / "same.csv").read_text()
    assert not (tmp_path / "-").exists()


@pytest.mark.parametrize("window", ["0", "-3", "0.01", "nan", "inf", "100000"])
def test_windows_that_are_too_short_or_too_long_are_refused(
    command, music_folder, tmp_path, window
):
    with pytest.raises(CorpusError, match=rf"windows of {window} s cannot be computed: .* an hour"):
        command(music_folder(), "--window", window, "--out", tmp_path / "t.csv")
    assert not (tmp_path / "t.csv").exists()


def test_text_for_a_number_is_a_usage_error(command, music_folder):
    result = command(music_folder(), "--window", "three")
    assert result.exit_code == 2
    assert command().exit_code == 2


@pytest.mark.parametrize("jobs", ["0", "-1", "two"])
def test_invalid_jobs_are_a_usage_error(command, music_folder, tmp_path, jobs):
    result = command(music_folder(), "--out", tmp_path / "t.csv", "--jobs", jobs)
    assert result.exit_code == 2
    assert "--jobs" in result.output
    assert not (tmp_path / "t.csv").exists()


def test_no_table_is_written_without_rows(command, music_folder, tmp_path):
    with pytest.raises(CorpusError, match=r"shorter than a window, 1\.50 s of 3 s"):
        command(music_folder(), "--out", tmp_path / "t.csv", "--jobs", "1")
    assert not (tmp_path / "t.csv").exists()


def test_tracks_without_a_row_make_exit_code_1(command, music_folder, tmp_path):
    folder = music_folder(layout=".", seconds=(0.2, 1.1), genres=["jazz"])
    with pytest.warns(GtzanWarning, match=r"no features of jazz\.00000: shorter"):
        result = command(folder, "--window", "1", "--out", tmp_path / "t.csv", "--jobs", "1")
    assert result.exit_code == 1
    assert pd.read_csv(tmp_path / "t.csv")["filename"].tolist() == ["jazz.00001.0.wav"]


def test_a_table_that_cannot_be_written_is_an_error(command, music_folder, tmp_path):
    (tmp_path / "file").write_text("text")
    with pytest.raises(OutputError, match="cannot be written"):
        command(
            music_folder(), "--window", "1", "--out", tmp_path / "file" / "t.csv", "--jobs", "1"
        )
    assert (tmp_path / "file").read_text() == "text"


def test_a_table_has_no_features_to_compute(command, music_folder, tmp_path, monkeypatch):
    """A table of half seconds would be copied to features_3_sec.csv."""
    folder = music_folder(seconds=1.1, genres=["jazz"])
    command(folder, "--window", "0.5", "--out", tmp_path / "t.csv", "--jobs", "1")
    monkeypatch.chdir(tmp_path)
    for out in ([], ["--out", "u.csv"]):
        with pytest.raises(CorpusError, match=r"t\.csv: is a table of features, which holds no"):
            command("t.csv", *out)
    assert [file.name for file in tmp_path.glob("*.csv")] == ["t.csv"]


# --- output -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere"], "nowhere: there is no such folder"),
        (["nowhere.csv"], "there is no such file"),
        (["music", "--window", "0"], "windows of 0 s cannot be computed"),
    ],
)
def test_errors_are_one_sentence(music_folder, tmp_path, monkeypatch, capfd, arguments, message):
    shutil.move(music_folder(), tmp_path / "music")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["gtzan", "features", *arguments])
    # `main` replaces it for the process.
    monkeypatch.setattr(warnings, "showwarning", warnings.showwarning)
    with pytest.raises(SystemExit) as caught:
        cli.main()
    assert caught.value.code == 1
    out, err = capfd.readouterr()
    assert out == ""
    assert err.startswith("error: ")
    assert message in err
    assert err.count("\n") == 1
    assert not list(tmp_path.glob("*.csv"))


# --- in a new process ---------------------------------------------------------


def test_warnings_are_one_sentence(music_folder, tmp_path):
    folder = music_folder(layout=".", seconds=(0.2, 1.1), genres=["jazz"])
    code, out, err = output_of(start(folder, "--window", "1", "--jobs", "1", folder=tmp_path))
    assert code == 1
    assert out.strip() == "features_1_sec.csv"
    assert err.startswith("warning: ")
    assert "jazz.00000: shorter than a window" in err
    assert err.count("\n") == 1


@pytest.fixture
def long_corpus(tmp_path) -> Path:
    """Return a corpus whose features take long enough for an interrupt."""
    rng = np.random.default_rng(0)
    for number in range(N_TRACKS):
        file = tmp_path / "long" / "jazz" / f"jazz.{number:05d}.wav"
        file.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(file, 0.1 * rng.standard_normal(10 * 22_050), 22_050)
    return tmp_path / "long"


@pytest.mark.check
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_a_stopped_command_continues(command, long_corpus, tmp_path, work, monkeypatch, how):
    """Killed or interrupted: no incomplete table, no traceback, no repeated computation."""
    arguments = (long_corpus, "--window", "0.5", "--jobs", "1", "--out", "t.csv")
    process = start(*arguments, folder=tmp_path)
    wait_for_results(work, 1, process)
    os.killpg(process.pid, how)
    code, out, err = output_of(process)
    assert code != 0
    assert out == ""
    assert "Traceback" not in err
    assert not list(tmp_path.glob("*.csv"))
    before = {file: file.stat().st_mtime_ns for file in work.rglob("output.pkl")}
    assert 1 <= len(before) < N_TRACKS
    # The second time in this process, which is quicker.
    monkeypatch.chdir(tmp_path)
    result = command(*arguments)
    assert (result.exit_code, result.stdout, result.stderr) == (0, "t.csv\n", "")
    after = {file: file.stat().st_mtime_ns for file in work.rglob("output.pkl")}
    assert len(after) == N_TRACKS
    assert before.items() <= after.items()
    assert len(pd.read_csv(tmp_path / "t.csv")) == 20 * N_TRACKS


@pytest.mark.check
def test_ctrl_c_stops_all_processes(long_corpus, tmp_path, work):
    arguments = (long_corpus, "--window", "0.5", "--jobs", "2", "--out", "t.csv")
    process = start(*arguments, folder=tmp_path)
    wait_for_results(work, 1, process)
    os.killpg(process.pid, signal.SIGINT)
    code, out, _ = output_of(process)
    assert (code != 0, out) == (True, "")
    assert not list(tmp_path.glob("*.csv"))
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            os.killpg(process.pid, 0)
        except ProcessLookupError:
            break
        time.sleep(0.1)
    else:
        os.killpg(process.pid, signal.SIGKILL)
        pytest.fail("workers are still running")
