"""What Windows needs of the code, as far as another system can tell."""

import ast
import os
import re
import string
import time
import zipfile
from pathlib import Path

import pytest
import torch

from gtzan_lib import files
from gtzan_lib.data import archives
from gtzan_lib.errors import CorpusError
from gtzan_lib.files import atomic_folder, atomic_path, file_stem, write_json
from gtzan_lib.training import checkpoints

ROOT = Path(__file__).parents[1]
MODULES = sorted((ROOT / "gtzan_lib").rglob("*.py"))

POSIX_MODULES = {
    "crypt", "curses", "fcntl", "grp", "nis", "posix", "pty", "pwd", "readline", "resource",
    "spwd", "syslog", "termios", "tty",
}  # fmt: skip
# Names of `os` and `signal` that do not exist on Windows.
POSIX_NAMES = {
    "chown", "chroot", "fchmod", "fchown", "fork", "forkpty", "getegid", "geteuid", "getgid",
    "getgroups", "getloadavg", "getpgid", "getpgrp", "getpriority", "getsid", "getuid", "killpg",
    "lchown", "major", "mkfifo", "mknod", "nice", "openpty", "posix_fadvise", "posix_fallocate",
    "pread", "pwrite", "sched_getaffinity", "sched_setaffinity", "setpgid", "setpriority",
    "setsid", "setuid", "statvfs", "sync", "uname", "wait3", "wait4", "waitid",
    "SIGALRM", "SIGCHLD", "SIGHUP", "SIGKILL", "SIGPIPE", "SIGQUIT", "SIGSTOP", "SIGTSTP",
    "SIGUSR1", "SIGUSR2", "alarm", "pthread_kill", "setitimer", "sigwait",
}  # fmt: skip
GUARDS = ("os.name", "sys.platform", "hasattr", "platform.system")
FORK = {"preexec_fn", "start_new_session", "process_group"}


def problems(source):
    """Return the lines that Windows refuses, or where it differs, with what they do."""
    tree = ast.parse(source)
    guarded = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, (ast.If, ast.IfExp))
        and any(guard in ast.unparse(node.test) for guard in GUARDS)
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if id(node) not in guarded:
            yield from ((node.lineno, problem) for problem in problems_of(node))


def problems_of(node):
    if isinstance(node, ast.Import):
        yield from (a.name for a in node.names if a.name.split(".")[0] in POSIX_MODULES)
    elif isinstance(node, ast.ImportFrom) and not node.level and node.module in POSIX_MODULES:
        yield node.module
    elif isinstance(node, ast.Attribute) and node.attr in POSIX_NAMES:
        if ast.unparse(node.value) in ("os", "signal"):
            yield ast.unparse(node)
    elif isinstance(node, ast.Constant) and isinstance(node.value, str):
        # As an argument; in prose a path is an example.
        if re.fullmatch(r"/(dev|tmp|proc|sys|usr|bin|etc)(/\S*)?", node.value):
            yield node.value
    elif isinstance(node, ast.Call):
        yield from problems_of_call(node)


def problems_of_call(node):
    name = ast.unparse(node.func).rpartition(".")[2]
    given = {keyword.arg: keyword.value for keyword in node.keywords}
    if FORK & given.keys():
        yield ", ".join(sorted(FORK & given.keys()))
    process = ast.unparse(node.func).startswith("subprocess.")
    if process and {"text", "universal_newlines"} & given.keys() and "encoding" not in given:
        yield "a process' text without encoding"
    is_text = name in ("read_text", "write_text") or (name == "open" and is_text_mode(node, given))
    if is_text and "encoding" not in given:
        yield f"{name} without encoding"
    if name == "symlink_to" or ast.unparse(node.func) in ("os.symlink", "os.rename"):
        yield name


def is_text_mode(node, given):
    """Return whether a call of `open` is in text mode, as far as its arguments show."""
    owner = ast.unparse(node.func.value) if isinstance(node.func, ast.Attribute) else ""
    if owner in ("Image", "tarfile", "os", "webbrowser", "cls", "SpectrogramStore", "opened"):
        return False
    place = 0 if owner else 1
    mode = given.get("mode") or (node.args[place] if len(node.args) > place else None)
    return mode is None or (isinstance(mode, ast.Constant) and "b" not in str(mode.value))


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_a_module_calls_nothing_that_windows_lacks(module):
    assert list(problems(module.read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize(
    "line",
    [
        "import fcntl",
        "from pwd import getpwuid",
        "os.killpg(os.getpgid(1), 9)",
        "signal.signal(signal.SIGHUP, None)",
        "open('/dev/null', 'rb')",
        "Path('a').read_text()",
        "Path('a').open()",
        "open('a', 'w')",
        "subprocess.run(['a'], text=True)",
        "subprocess.Popen(['a'], start_new_session=True)",
        "a.symlink_to(b)",
        "os.rename(a, b)",
    ],
)
def test_the_test_above_finds(line):
    assert list(problems(line))


def test_a_guard_is_known():
    guarded = "import os\nif os.name == 'posix':\n    import fcntl\n    os.killpg(1, 9)"
    assert not list(problems(guarded))


@pytest.mark.parametrize(
    "name",
    [
        "a:b", 'what?', "a<b>c", "a|b", "a*", 'he said "no"', "a/b", "a\\b", "a\tb", "dot.",
        "blank ", ".", "..", "con", "CON.00000", "nul.tar.gz", "com1", "LPT9.x", "aux .x",
        "x" * 300, "con" + "y" * 300, "?" * 300,
    ],
)  # fmt: skip
def test_stems_are_names_on_windows(name):
    stem = file_stem(name)
    assert stem != name
    assert not set(stem) & set('<>:"/\\|?*') and stem.isprintable()
    assert not stem.endswith((".", " "))
    assert not re.match(r"(con|prn|aux|nul|com\d|lpt\d) *(\.|$)", stem, re.IGNORECASE)
    assert len(stem.encode()) <= 200
    assert file_stem(stem) == stem


@pytest.mark.parametrize(
    "name", ["blues.00000", "rock.Some Artist - Song", "contra.x", "Björk", "com10", ".hidden"]
)
def test_other_stems_stay(name):
    assert file_stem(name) == name


def test_stems_of_different_names_differ():
    names = [*(f"a{sign}" for sign in string.printable), "a%3A", "_con", "con", "a.", "a. "]
    assert len({file_stem(name) for name in names}) == len(set(names))


@pytest.fixture
def open_elsewhere(monkeypatch):
    """Behave as Windows does for a file that another process has open, a number of times."""
    replace, left = Path.replace, []

    def refuse(source, target):
        if left:
            left.pop()
            raise PermissionError(13, "Access is denied", str(target))
        return replace(source, target)

    monkeypatch.setattr(files, "_ON_WINDOWS", True)
    monkeypatch.setattr(Path, "replace", refuse)
    return lambda times: left.extend(range(times))


def test_a_file_that_is_read_meanwhile_is_replaced(tmp_path, open_elsewhere):
    path = tmp_path / "state.json"
    write_json(path, {"state": "running"})
    open_elsewhere(3)
    write_json(path, {"state": "done"})
    assert "done" in path.read_text(encoding="utf-8")
    open_elsewhere(3)
    with atomic_folder(tmp_path / "folder") as partial:
        (partial / "file").touch()
    assert (tmp_path / "folder" / "file").is_file()


def test_a_file_that_stays_open_is_reported(tmp_path, monkeypatch, open_elsewhere):
    monkeypatch.setattr(files, "_PATIENCE_S", 0.1)
    open_elsewhere(1000)
    begin = time.monotonic()
    with pytest.raises(PermissionError), atomic_path(tmp_path / "file") as temporary:
        temporary.touch()
    assert time.monotonic() - begin > 0.1
    assert list(tmp_path.iterdir()) == []


def test_elsewhere_a_refusal_is_reported_at_once(tmp_path, monkeypatch, open_elsewhere):
    monkeypatch.setattr(files, "_ON_WINDOWS", False)
    open_elsewhere(1)
    with pytest.raises(PermissionError), atomic_path(tmp_path / "file") as temporary:
        temporary.touch()


@pytest.mark.parametrize("name", ["blues/con.wav", "blues/a.wav:b", ".. /a.wav", "jazz./a.wav"])
def test_an_archive_with_names_that_windows_cannot_hold(name, tmp_path, monkeypatch):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr(name, b"RIFF")
    monkeypatch.setattr(archives, "_ON_WINDOWS", True)
    with pytest.raises(CorpusError, match="name of a file on Windows"):
        archives.unpack(tmp_path / "a.zip", tmp_path / "out", progress=False)
    assert not (tmp_path / "out").exists()


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="no list of mapped files here")
def test_a_checkpoint_that_was_read_is_not_kept_open(tmp_path):
    path = tmp_path / "a.safetensors"
    checkpoints.write(path, checkpoints.Checkpoint({"net/w": torch.ones(10_000)}, {}))
    read = checkpoints.read(path)
    assert read is not None
    assert torch.equal(read.tensors["net/w"], torch.ones(10_000))
    assert str(path) not in Path("/proc/self/maps").read_text(encoding="utf-8")
    assert path not in {opened.resolve() for opened in Path("/proc/self/fd").iterdir()}


def test_text_has_the_same_bytes_on_every_system(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "linesep", "\r\n")
    write_json(tmp_path / "a.json", {"a": 1})
    assert b"\r" not in (tmp_path / "a.json").read_bytes()
    attributes = (ROOT / ".gitattributes").read_text(encoding="utf-8")
    assert "* text=auto eol=lf" in attributes
