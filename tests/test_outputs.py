"""Files that commands write: nothing of the user's is lost, and nothing is computed in vain."""

import errno
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from gtzan_lib import cli
from gtzan_lib.errors import OutputError
from gtzan_lib.files import atomic_path
from gtzan_lib.outputs import STANDARD_OUTPUT, output_file, reason_and_advice


def occupied(folder: Path) -> dict[str, Path]:
    """Paths at which there is something else than a file."""
    names = ("a folder", "a link", "a pipe", "a socket", "a device")
    paths = {name: folder / name.split()[1] for name in names}
    paths["a folder"].mkdir()
    (folder / "linked").write_text("mine")
    paths["a link"].symlink_to(folder / "linked")
    os.mkfifo(paths["a pipe"])
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(str(paths["a socket"]))
    paths["a device"] = Path("/dev/null")
    return paths


@pytest.mark.parametrize("force", [False, True])
def test_only_a_file_is_ever_replaced(tmp_path, force):
    for name, path in occupied(tmp_path).items():
        before = os.lstat(path)
        with (
            pytest.raises(OutputError, match=f"is {name}, which a file would replace"),
            output_file(path, force=force),
        ):
            pytest.fail("the work began")
        with pytest.raises(OutputError, match=f"is {name}"), atomic_path(path):
            pytest.fail("the file was written")
        assert os.path.samestat(before, os.lstat(path))
    dangling = tmp_path / "dangling"
    dangling.symlink_to(tmp_path / "nothing")
    with pytest.raises(OutputError, match="is a link"), output_file(dangling, force=force):
        pytest.fail("the work began")


def test_a_file_is_replaced_by_force_alone(tmp_path):
    path = tmp_path / "report.json"
    path.write_text("mine")
    with pytest.raises(OutputError, match=r"is there already; .* --force"), output_file(path):
        pytest.fail("the work began")
    assert path.read_text() == "mine"
    with output_file(path, force=True) as target:
        assert target == path


def test_nothing_is_left_of_work_that_failed(tmp_path):
    with pytest.raises(ZeroDivisionError), output_file(tmp_path / "new" / "report.json"):
        raise ZeroDivisionError
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_cannot_be_written(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("mine")
    with (
        pytest.raises(OutputError, match=r"report.json: cannot be written \(Not a directory\)"),
        output_file(tmp_path / "file" / "report.json"),
    ):
        pytest.fail("the work began")

    def refuse(**_):
        raise OSError(errno.EACCES, "Permission denied")

    # Root may write everywhere.
    monkeypatch.setattr("tempfile.TemporaryFile", refuse)
    with (
        pytest.raises(OutputError, match=r"cannot be written \(Permission denied\)"),
        output_file(tmp_path / "report.json"),
    ):
        pytest.fail("the work began")


def test_standard_output_has_the_file_alone(capfd):
    with output_file(STANDARD_OUTPUT) as target:
        print("a table for people")
        target.write_text("Bjørk\n", encoding="utf-8")
    out, err = capfd.readouterr()
    assert (out, err) == ("Bjørk\n", "a table for people\n")
    assert not target.exists()


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EACCES, errno.ENAMETOOLONG, errno.EIO])
def test_errors_of_the_system_are_one_sentence(code):
    sentence = reason_and_advice(OSError(code, os.strerror(code), "music.csv"))
    assert sentence.startswith(f"music.csv: {os.strerror(code)}; ")
    assert sentence.count("\n") == 0 and sentence.endswith(".")


def gtzan(*arguments: str, environment: dict[str, str] | None = None, **streams):
    return subprocess.run(
        [sys.executable, "-m", "gtzan_lib", *arguments],
        env={**os.environ, "PYTHONPATH": str(Path(cli.__file__).parents[1]), **(environment or {})},
        stderr=subprocess.PIPE,
        **streams,
    )


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_full_disk_behind_standard_output():
    with Path("/dev/full").open("w") as full:
        done = gtzan("models", stdout=full)
    assert (done.returncode, done.stderr.decode()) == (
        1,
        "error: No space left on device; make room on that disk and give the command again.\n",
    )


def test_figures_do_not_depend_on_settings_of_matplotlib(music_folder, tmp_path):
    """LaTeX and the library of windows need not be there."""
    (tmp_path / "matplotlibrc").write_text("text.usetex: True\nbackend: qtagg\n")
    command = ["spectrograms", str(music_folder(genres=["a_$b"])), "--out", "store", "--view"]
    environment = {"MPLBACKEND": "nosuch"}
    done = gtzan(
        *command, "--size", "16", environment=environment, cwd=tmp_path, stdout=subprocess.PIPE
    )
    assert done.returncode == 0, done.stderr.decode()
    assert len(list((tmp_path / "store" / "view").glob("*.png"))) == 2


def test_a_terminal_without_unicode_still_gets_names_and_valid_json(tmp_path):
    name = "Bjørk ♪.wav"
    (tmp_path / name).write_bytes(b"no music")
    ascii_terminal = {"PYTHONIOENCODING": "ascii", "LC_ALL": "C"}
    for options in ([], ["--json"]):
        done = gtzan(
            "predict",
            name,
            *options,
            environment=ascii_terminal,
            cwd=tmp_path,
            stdout=subprocess.PIPE,
        )
        assert done.returncode == 1
        assert b"Bj\\xf8rk \\u266a.wav" in done.stderr
        assert b"Traceback" not in done.stderr
    assert name in done.stdout.decode("utf-8")
