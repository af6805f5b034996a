"""`gtzan health` on the terminal: its output, files, moves and exit code."""

import json
import os
import shutil
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile
from typer.testing import CliRunner

from gtzan_lib import cli
from gtzan_lib.data.tables import COLUMNS
from gtzan_lib.errors import CorpusError, GtzanError, GtzanWarning, HealthError, OutputError

RATE = 22_050
TRACKS = [f"{genre}.{number:05d}" for genre in ("blues", "rock") for number in range(4)]


def write(path: Path, seed: int, *, level: float = 0.15) -> Path:
    y = level * np.random.default_rng(seed).standard_normal(5 * RATE).clip(-4, 4)
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, y, RATE, subtype="PCM_16")
    return path


@pytest.fixture
def music(tmp_path) -> Path:
    """Eight tracks without faults, named as in GTZAN."""
    for seed, track in enumerate(TRACKS):
        write(tmp_path / "music" / "genres" / track.split(".")[0] / f"{track}.wav", seed)
    return tmp_path / "music"


@pytest.fixture
def faulty(music) -> Path:
    """The same with an unreadable file, a silent one, a copy and one with an offset."""
    genres = music / "genres"
    (genres / "blues" / "blues.00001.wav").write_bytes(b"no music [x]")
    write(genres / "rock" / "rock.00000.wav", 0, level=0)
    shutil.copy(genres / "rock" / "rock.00002.wav", genres / "rock" / "rock.00003.wav")
    y, rate = soundfile.read(genres / "rock" / "rock.00001.wav")
    soundfile.write(genres / "rock" / "rock.00001.wav", y / 2 + 0.1, rate)
    return music


EXCLUDED = {"blues.00001", "rock.00000", "rock.00003"}


@pytest.fixture
def health():
    """Run the command; errors of this package are raised."""

    def run(*arguments):
        result = CliRunner().invoke(cli.app, ["health", *map(str, arguments), "--jobs", "1"])
        if isinstance(result.exception, GtzanError):
            raise result.exception
        assert result.exception is None or isinstance(result.exception, SystemExit)
        return result

    return run


def files(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and not path.name.startswith(".")
    }


def write_table(path: Path, filenames: list[str], **changes) -> Path:
    """Write a table of features in Kaggle's schema."""
    rows = np.random.default_rng(0).random((len(filenames), len(COLUMNS)))
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    table["filename"] = filenames
    table["length"] = 110_250
    table["label"] = [name.split(".")[0] for name in filenames]
    for column, (row, value) in changes.items():
        table[column] = table[column].astype(object)
        table.loc[row, column] = value
    table.to_csv(path, index=False)
    return path


# --- the report ---------------------------------------------------------------


def test_a_clean_folder_has_exit_code_0(health, music):
    result = health(music)
    assert result.exit_code == 0
    # That these are not Kaggle's files is a notice, not an error.
    assert "8 files: 1 unknown-copy, 0 duplicates." in result.stdout
    assert "notice" in result.stdout


def test_errors_have_exit_code_1(health, faulty):
    result = health(faulty)
    assert result.exit_code == 1
    lines = result.stdout.splitlines()
    (line,) = [line for line in lines if "unreadable" in line and "blues.00001" in line]
    assert "error" in line
    assert "Format not recognised" in line
    (line,) = [line for line in lines if "dc-offset" in line and "rock.00001" in line]
    assert "warning" in line
    (line,) = [line for line in lines if "rock.00002" in line]
    assert line.split() == ["rock.00002", "rock.00003", "identical", "1.00", "+0.0", "s"]
    assert lines[-1].startswith("8 files: ")
    assert "1 unreadable" in lines[-1]
    assert lines[-1].endswith("1 duplicates.")


def test_duplicates_alone_have_exit_code_1(health, music):
    genres = music / "genres"
    shutil.copy(genres / "rock" / "rock.00002.wav", genres / "rock" / "rock.00003.wav")
    assert health(music).exit_code == 1


def test_warnings_alone_have_exit_code_0(health, music):
    path = music / "genres" / "rock" / "rock.00001.wav"
    y, rate = soundfile.read(path)
    soundfile.write(path, y / 2 + 0.1, rate)
    result = health(music)
    assert "dc-offset" in result.stdout
    assert result.exit_code == 0


def test_brackets_in_names_are_shown(health, tmp_path):
    """They are not read as markup."""
    for seed in range(3):
        write(tmp_path / "m" / "fado" / f"[bold] {seed} [x].wav", seed)
    (tmp_path / "m" / "fado" / "[red]broken.wav").write_bytes(b"")
    assert "fado.[red]broken" in health(tmp_path / "m").stdout


@pytest.mark.skipif(os.name == "nt", reason="names are text there")
def test_invalid_names_are_shown(health, music):
    Path(os.fsdecode(os.fsencode(music) + b"/genres/rock/\xff.wav")).write_bytes(b"")
    with pytest.warns(GtzanWarning, match="1 of 9 tracks are not GTZAN's"):
        result = health(music)
    assert result.exit_code == 1
    assert "unreadable" in result.stdout


def test_many_notices_are_only_counted(health, tmp_path):
    for seed in range(60):
        ending = "wav" if seed % 2 else "flac"
        path = tmp_path / "m" / "fado" / f"{seed}.{ending}"
        path.parent.mkdir(parents=True, exist_ok=True)
        y = 0.1 * np.random.default_rng(seed).standard_normal(3 * RATE)
        # All files have the wrong format, and two another fault.
        soundfile.write(path, y + 0.1 * (seed > 57), RATE, format="AU", subtype="PCM_16")
    result = health(tmp_path / "m")
    assert "60 files: 60 wrong-format, 2 dc-offset, 0 duplicates." in result.stdout
    assert "named .wav" not in result.stdout
    # Those about the collection are shown.
    (tmp_path / "m" / "samba").mkdir()
    assert "1 an empty folder (samba)" in health(tmp_path / "m").stdout
    assert result.stdout.count("dc-offset") == 3


def test_the_report_as_json(health, faulty, tmp_path):
    result = health(faulty, "--json", tmp_path / "out" / "report.json")
    assert result.exit_code == 1
    stored = json.loads((tmp_path / "out" / "report.json").read_text(encoding="utf-8"))
    assert list(stored) == ["version", "files", "faults", "duplicates"]
    assert stored["files"] == 8
    errors = {row["track_id"] for row in stored["faults"] if row["severity"] == "error"}
    assert errors == {"blues.00001", "rock.00000"}
    assert [(row["a"], row["b"]) for row in stored["duplicates"]] == [("rock.00002", "rock.00003")]


def test_log_mel_images(health, tmp_path):
    x = np.random.default_rng(0).integers(0, 256, size=(4, 64, 387), dtype=np.uint8)
    np.savez(tmp_path / "a.npz", X=x, names=["fado.0", "fado.1", "fado.2", "fado.3"])
    result = health(tmp_path / "a.npz")
    assert result.exit_code == 0
    assert "4 files: 0 duplicates." in result.stdout
    x[3] = x[1]
    np.savez(tmp_path / "a.npz", X=x, names=["fado.0", "fado.1", "fado.2", "fado.3"])
    assert health(tmp_path / "a.npz").exit_code == 1


# --- quarantine ---------------------------------------------------------------


def test_quarantine_and_restore(health, faulty, tmp_path):
    before, away = files(faulty), tmp_path / "away"
    result = health(faulty, "--quarantine", away)
    assert result.exit_code == 1
    assert "3 files moved." in result.stdout
    moved = {Path(name).stem for name in files(away)} - {"manifest"}
    assert moved == EXCLUDED
    manifest = json.loads((away / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["files"]["blues/blues.00001.wav"]["reason"].startswith("unreadable")
    # The remaining files are clean.
    assert health(faulty).exit_code == 0
    result = health(faulty, "--restore", away)
    assert result.exit_code == 0
    assert "3 files moved." in result.stdout
    assert files(faulty) == before
    assert files(away) == {}
    assert health(faulty).exit_code == 1


def test_dry_runs(health, faulty, tmp_path):
    before, away = files(faulty), tmp_path / "away"
    result = health(faulty, "--quarantine", away, "--dry-run")
    assert result.exit_code == 1
    assert "3 files would be moved." in result.stdout
    assert f"rock.00003.wav -> {away}" in result.stdout
    assert "same recording as rock.00002 (identical)" in result.stdout
    assert files(faulty) == before
    assert not away.exists()
    health(faulty, "--quarantine", away)
    quarantined = files(away)
    assert "3 files would be moved." in health(faulty, "--restore", away, "--dry-run").stdout
    assert files(away) == quarantined


def test_a_clean_folder_needs_no_quarantine(health, music, tmp_path):
    result = health(music, "--quarantine", tmp_path / "away")
    assert result.exit_code == 0
    assert "0 files moved." in result.stdout
    assert not (tmp_path / "away").exists()


# --- tables of features -------------------------------------------------------


def rows_of(path: Path) -> list[str]:
    return pd.read_csv(path)["filename"].tolist()


def test_rows_of_excluded_tracks_are_left_out(health, faulty, tmp_path):
    table = write_table(
        tmp_path / "features.csv", [f"{track}.{n}.wav" for track in TRACKS for n in range(2)]
    )
    before = table.read_bytes()
    result = health(faulty, "--features", table, "--out", tmp_path / "clean.csv")
    assert result.exit_code == 1
    assert "6 rows of the table left out." in result.stdout
    remaining = [f"{track}.{n}.wav" for track in TRACKS if track not in EXCLUDED for n in range(2)]
    assert rows_of(tmp_path / "clean.csv") == remaining
    assert pd.read_csv(tmp_path / "clean.csv").columns.tolist() == list(COLUMNS)
    assert table.read_bytes() == before
    # Cells are copied unchanged.
    lines = before.decode().splitlines()
    assert set((tmp_path / "clean.csv").read_text().splitlines()) < set(lines)


def test_without_out_rows_are_only_shown(health, faulty, tmp_path):
    table = write_table(tmp_path / "features.csv", [f"{track}.wav" for track in TRACKS])
    before = files(tmp_path)
    result = health(faulty, "--features", table)
    assert "3 rows of the table left out." in result.stdout
    (line,) = [line for line in result.stdout.splitlines() if "same recording as" in line]
    assert "rock.00003" in line
    assert {n: c for n, c in files(tmp_path).items() if not n.startswith("work/")} == before


def test_every_reason_is_shown(health, music, tmp_path):
    names = [f"{track}.wav" for track in TRACKS]
    table = write_table(
        tmp_path / "features.csv",
        [*names, "blues.00099.wav", "rock.00001.wav"],
        tempo=(2, np.inf),
        rms_mean=(3, ""),
    )
    result = health(music, "--features", table, "--out", tmp_path / "clean.csv")
    assert result.exit_code == 0
    for reason in ("unknown track", "repeats the window of an earlier row", "tempo is", "rms_mean"):
        assert reason in result.stdout
    assert rows_of(tmp_path / "clean.csv") == [*names[:2], *names[4:]]


def test_tracks_in_quarantine_stay_excluded(health, faulty, tmp_path):
    """Otherwise their rows would count as rows of unknown tracks."""
    table = write_table(tmp_path / "features.csv", [f"{track}.wav" for track in TRACKS])
    health(faulty, "--quarantine", tmp_path / "away")
    result = health(faulty, "--quarantine", tmp_path / "away", "--features", table)
    assert result.exit_code == 0
    assert "3 rows of the table left out." in result.stdout
    assert "unreadable (Format not recognised)" in result.stdout
    assert "unknown track" not in result.stdout


def test_other_music_in_quarantine_stays_excluded(health, tmp_path):
    for seed in range(3):
        write(tmp_path / "m" / "fado" / f"{seed}.wav", seed)
    (tmp_path / "m" / "fado" / "broken.wav").write_bytes(b"")
    names = [f"fado.{name}.wav" for name in ("0", "1", "2", "broken")]
    table = write_table(tmp_path / "features.csv", names)
    health(tmp_path / "m", "--quarantine", tmp_path / "away")
    result = health(tmp_path / "m", "--quarantine", tmp_path / "away", "--features", table)
    assert "unreadable (Format not recognised)" in result.stdout


# --- errors -------------------------------------------------------------------


@pytest.mark.parametrize(
    "options",
    [("--quarantine", "q"), ("--features", "f"), ("--json", "j"), ("--out", "o")],
)
def test_restore_goes_with_no_other_option(health, faulty, tmp_path, options):
    away = tmp_path / "away"
    health(faulty, "--quarantine", away)
    quarantined = files(away)
    with pytest.raises(HealthError, match="--restore goes with --dry-run alone"):
        health(faulty, "--restore", away, *options)
    assert files(away) == quarantined


def test_out_needs_a_table(health, music, tmp_path):
    with pytest.raises(HealthError, match="--features"):
        health(music, "--out", tmp_path / "clean.csv")


def test_an_existing_table_is_not_replaced(health, music, tmp_path):
    table = write_table(tmp_path / "features.csv", [f"{track}.wav" for track in TRACKS])
    before = table.read_bytes()
    with pytest.raises(OutputError, match=r"features\.csv: is there already"):
        health(music, "--features", table, "--out", table)
    with pytest.raises(CorpusError, match=r"features\.csv: already exists; name a new file"):
        health(music, "--features", table, "--out", table, "--force")
    assert table.read_bytes() == before
    other = tmp_path / "other.csv"
    other.write_text("old")
    health(music, "--features", table, "--out", other, "--force")
    assert other.read_bytes() == before


@pytest.mark.parametrize("content", [None, "", "filename,length\nx,1\n"])
def test_other_tables_raise_errors(health, music, tmp_path, content):
    if content is not None:
        (tmp_path / "features.csv").write_text(content)
    with pytest.raises(CorpusError, match=r"features\.csv"):
        health(music, "--features", tmp_path / "features.csv", "--out", tmp_path / "clean.csv")
    assert not (tmp_path / "clean.csv").exists()


def test_images_cannot_be_moved(health, tmp_path):
    x = np.random.default_rng(0).integers(0, 256, size=(3, 32, 387), dtype=np.uint8)
    x[2] = x[1]
    np.savez(tmp_path / "a.npz", X=x, names=["a.0", "a.1", "a.2"])
    with pytest.raises(HealthError, match=r"a\.npz: is not a folder of audio files"):
        health(tmp_path / "a.npz", "--quarantine", tmp_path / "away")
    assert not (tmp_path / "away").exists()


def test_unsuitable_folders_raise_errors(health, music, tmp_path):
    with pytest.raises(CorpusError, match="there is no such folder"):
        health(tmp_path / "musik")
    with pytest.raises(HealthError, match="is not a quarantine folder"):
        health(music, "--restore", tmp_path / "away")
    with pytest.raises(HealthError, match="is part of the collection itself"):
        health(music, "--quarantine", music / "genres" / "away")


def test_a_report_that_cannot_be_written(health, music, tmp_path):
    (tmp_path / "report.json").mkdir()
    with pytest.raises(OutputError, match=r"report\.json"):
        health(music, "--json", tmp_path / "report.json")
    with pytest.raises(HealthError, match=r"a\.json: cannot be both --json and --out"):
        health(music, "--json", "a.json", "--features", "f.csv", "--out", "a.json")


def test_standard_output_has_the_report_alone(health, faulty, tmp_path):
    result = health(faulty, "--json", "-")
    health(faulty, "--json", tmp_path / "report.json")
    assert result.exit_code == 1
    assert result.stdout == (tmp_path / "report.json").read_text(encoding="utf-8")
    assert "8 files" in result.stderr


@pytest.mark.parametrize("command", [["--jobs", "two"], ["--no-such-option"], []])
def test_invalid_commands_have_exit_code_2(music, command):
    arguments = ["health", str(music), *command] if command else ["health"]
    assert CliRunner().invoke(cli.app, arguments).exit_code == 2


def test_an_error_is_one_sentence(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(sys, "argv", ["gtzan", "health", str(tmp_path / "musik")])
    with pytest.raises(SystemExit) as error:
        cli.main()
    assert error.value.code == 1
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err.startswith(f"error: {tmp_path / 'musik'}: there is no such folder")
    assert output.err.count("\n") == 1
