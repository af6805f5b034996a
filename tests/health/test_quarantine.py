"""Quarantine and restoring: no interruption loses a file."""

import errno
import json
import os
import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gtzan_lib.errors import HealthError
from gtzan_lib.files import sha256_of
from gtzan_lib.health.quarantine import MANIFEST, Move, quarantine, quarantined, restore


class Killed(BaseException):
    """An interruption that no code catches, like kill -9."""


def snapshot(folder: Path) -> dict[str, object]:
    """Return the bytes of files and the targets of links in a folder, without hidden files."""
    contents: dict[str, object] = {}
    for path in folder.rglob("*"):
        name = path.relative_to(folder).as_posix()
        if path.is_symlink():
            contents[name] = ("link", str(path.readlink()))
        elif path.is_file() and not path.name.startswith("."):
            contents[name] = path.read_bytes()
    return contents


def audio(folder: Path) -> dict[str, object]:
    """Return the same as `snapshot`, without the manifest."""
    return {name: content for name, content in snapshot(folder).items() if name != MANIFEST}


def reasons(root: Path, *names: str) -> dict[str, str]:
    return {str(root / name): f"{name} is bad" for name in names}


@pytest.fixture
def root(tmp_path) -> Path:
    """Two genres of four files with different contents."""
    for genre in ("fado", "samba"):
        (tmp_path / "music" / genre).mkdir(parents=True)
        for number in range(4):
            (tmp_path / "music" / genre / f"{number}.wav").write_bytes(
                f"{genre} {number}".encode() * (number + 1)
            )
    return tmp_path / "music"


@pytest.fixture
def folder(tmp_path) -> Path:
    """Path of the quarantine folder, which does not exist yet."""
    return tmp_path / "quarantine"


BAD = ("fado/0.wav", "fado/3.wav", "samba/1.wav")


# --- quarantine and restore ---------------------------------------------------


def test_files_move_with_their_folders(root, folder):
    before = snapshot(root)
    moves = quarantine(root, reasons(root, *BAD), folder)
    assert moves == [Move(root / name, folder / name, f"{name} is bad") for name in BAD]
    assert audio(folder) == {name: before[name] for name in BAD}
    assert snapshot(root) == {n: content for n, content in before.items() if n not in BAD}


def test_the_manifest_holds_paths_reasons_and_checksums(root, folder):
    sums = {name: sha256_of(root / name) for name in BAD}
    quarantine(root, reasons(root, *BAD), folder)
    manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    assert manifest == {
        "version": 1,
        "root": str(root),
        "files": {name: {"reason": f"{name} is bad", "sha256": sums[name]} for name in BAD},
    }
    assert quarantined(folder) == {name: f"{name} is bad" for name in BAD}


def test_restoring_empties_the_quarantine(root, folder):
    before = snapshot(root)
    quarantine(root, reasons(root, *BAD), folder)
    moves = restore(folder, root)
    assert moves == [Move(folder / name, root / name, f"{name} is bad") for name in BAD]
    assert snapshot(root) == before
    assert snapshot(folder) == {}
    assert [path for path in folder.iterdir() if not path.name.startswith(".")] == []
    assert quarantined(folder) == {}


NAMES = st.text(
    st.characters(blacklist_categories=["Cs", "Cc"], blacklist_characters="/"),
    min_size=1,
    max_size=12,
).filter(lambda name: not name.startswith(".") and name != MANIFEST)


@settings(max_examples=60)
@given(
    files=st.dictionaries(
        st.tuples(NAMES, NAMES), st.tuples(st.binary(max_size=40), st.booleans()), max_size=8
    ),
    reason=st.text(st.characters(blacklist_categories=["Cs"]), max_size=20),
)
def test_any_files_are_restored_bit_for_bit(files, reason):
    with tempfile.TemporaryDirectory() as path:
        root, folder = Path(path, "music").resolve(), Path(path, "away").resolve()
        root.mkdir()
        for (genre, name), (content, _) in files.items():
            (root / genre).mkdir(exist_ok=True)
            (root / genre / name).write_bytes(content)
        before = snapshot(root)
        bad = {f"{genre}/{name}" for (genre, name), (_, excluded) in files.items() if excluded}
        moves = quarantine(root, {str(root / name): reason for name in bad}, folder)
        assert {move.source for move in moves} == {root / name for name in bad}
        assert audio(folder) == {name: before[name] for name in bad} if bad else not folder.exists()
        assert snapshot(root) == {name: c for name, c in before.items() if name not in bad}
        if bad:
            assert quarantined(folder) == dict.fromkeys(bad, reason)
            restore(folder, root)
            assert snapshot(folder) == {}
        assert snapshot(root) == before


def test_dry_runs_move_nothing(root, folder):
    before = snapshot(root)
    moves = quarantine(root, reasons(root, *BAD), folder, dry_run=True)
    assert [move.source for move in moves] == [root / name for name in BAD]
    assert snapshot(root) == before
    assert not folder.exists()
    quarantine(root, reasons(root, *BAD), folder)
    away = snapshot(folder)
    moves = restore(folder, root, dry_run=True)
    assert [move.target for move in moves] == [root / name for name in BAD]
    assert snapshot(folder) == away


def test_without_excluded_files_no_folder_is_created(root, folder):
    assert quarantine(root, {}, folder) == []
    assert not folder.exists()


def test_a_second_call_moves_nothing_more(root, folder):
    excluded = reasons(root, *BAD)
    quarantine(root, excluded, folder)
    away = snapshot(folder)
    assert quarantine(root, excluded, folder) == []
    assert quarantine(root, {}, folder) == []
    assert snapshot(folder) == away
    restore(folder, root)
    with pytest.raises(HealthError, match="is not a quarantine folder"):
        restore(folder, root)


def test_more_files_can_be_added(root, folder):
    before = snapshot(root)
    quarantine(root, reasons(root, BAD[0]), folder)
    (move,) = quarantine(root, {str(root / BAD[1]): "later"}, folder)
    assert move.source == root / BAD[1]
    assert quarantined(folder) == {BAD[0]: f"{BAD[0]} is bad", BAD[1]: "later"}
    restore(folder, root)
    assert snapshot(root) == before


def test_a_quarantine_can_be_used_again(root, folder):
    before = snapshot(root)
    for names in (BAD, BAD[:1]):
        quarantine(root, reasons(root, *names), folder)
        assert set(audio(folder)) == set(names)
        restore(folder, root)
        assert snapshot(root) == before


def test_relative_folders_and_tildes(root, folder, monkeypatch):
    before = snapshot(root)
    monkeypatch.chdir(root.parent)
    monkeypatch.setenv("HOME", str(root.parent))
    quarantine("music", reasons(root, BAD[0]), "quarantine")
    quarantine("music", reasons(root, BAD[1]), "~/quarantine")
    assert set(audio(folder)) == set(BAD[:2]) == set(quarantined("~/quarantine"))
    restore("~/quarantine", "music")
    assert snapshot(root) == before


@pytest.mark.parametrize("path", [".", "fado", ".."])
def test_a_folder_above_or_below_the_root_can_be_given(root, folder, path):
    """For instance /data/gtzan, whose genres are in /data/gtzan/genres_original."""
    before = snapshot(root)
    quarantine(root, reasons(root, *BAD), folder)
    restore(folder, root / path)
    assert snapshot(root) == before


def test_links_and_folders_are_moved(root, folder):
    (root / "fado" / "x.wav").mkdir()
    (root / "fado" / "x.wav" / "inside.txt").write_text("inside")
    (root / "fado" / "link.wav").symlink_to("0.wav")
    (root / "fado" / "loop.wav").symlink_to("loop.wav")
    (root / "fado" / "lost.wav").symlink_to(root / "gone")
    before = snapshot(root)
    names = [f"fado/{name}.wav" for name in ("x", "link", "loop", "lost")]
    quarantine(root, reasons(root, *names), folder)
    assert set(snapshot(root)) == set(before) - {*names[1:], "fado/x.wav/inside.txt"}
    assert not (root / "fado" / "x.wav").exists()
    assert (folder / "fado" / "x.wav" / "inside.txt").read_text() == "inside"
    assert str((folder / "fado" / "link.wav").readlink()) == "0.wav"
    restore(folder, root)
    assert snapshot(root) == before


@pytest.mark.skipif(os.name == "nt", reason="names are text there")
def test_invalid_names(root, folder):
    odd = os.fsdecode(b"fado/\xff.wav")
    (root / odd).write_bytes(b"odd")
    before = snapshot(root)
    quarantine(root, reasons(root, odd, BAD[0]), folder)
    assert set(audio(folder)) == {odd, BAD[0]}
    restore(folder, root)
    assert snapshot(root) == before


# --- interruptions ------------------------------------------------------------


@pytest.fixture
def failing(monkeypatch):
    """Make a function of `Path` or `shutil` fail after some calls, until `reset` is called."""
    patches = []

    def fail(owner, name: str, after: int, error: BaseException) -> None:
        original, calls = getattr(owner, name), []

        def wrapped(*arguments, **options):
            calls.append(arguments)
            if len(calls) > after:
                raise error
            return original(*arguments, **options)

        patch = pytest.MonkeyPatch()
        patch.setattr(owner, name, wrapped)
        patches.append(patch)

    def reset() -> None:
        while patches:
            patches.pop().undo()

    fail.reset = reset
    yield fail
    reset()


def assert_nothing_is_lost(root: Path, folder: Path, before: dict[str, object]) -> None:
    """Assert that each file is unchanged in the collection, in the quarantine or in both."""
    remaining, moved = snapshot(root), audio(folder)
    assert set(remaining) | set(moved) == set(before)
    assert all(content == before[name] for name, content in [*remaining.items(), *moved.items()])


@pytest.mark.parametrize("after", [0, 1, 2])
def test_a_killed_quarantine_continues(root, folder, failing, after):
    before = snapshot(root)
    failing(Path, "rename", after, Killed())
    with pytest.raises(Killed):
        quarantine(root, reasons(root, *BAD), folder)
    failing.reset()
    assert_nothing_is_lost(root, folder, before)
    assert len(audio(folder)) == after
    # The manifest lists all files, so that another call can move the remaining ones.
    moves = quarantine(root, {}, folder)
    assert [move.source for move in moves] == [root / name for name in BAD[after:]]
    assert set(audio(folder)) == set(BAD)
    restore(folder, root)
    assert snapshot(root) == before


@pytest.mark.parametrize("after", [0, 1, 2])
def test_a_killed_quarantine_can_be_restored(root, folder, failing, after):
    before = snapshot(root)
    failing(Path, "rename", after, Killed())
    with pytest.raises(Killed):
        quarantine(root, reasons(root, *BAD), folder)
    failing.reset()
    restore(folder, root)
    assert snapshot(root) == before
    assert snapshot(folder) == {}


@pytest.mark.parametrize("after", [0, 1, 2])
def test_a_killed_restore_continues(root, folder, failing, after):
    before = snapshot(root)
    quarantine(root, reasons(root, *BAD), folder)
    failing(Path, "rename", after, Killed())
    with pytest.raises(Killed):
        restore(folder, root)
    failing.reset()
    assert_nothing_is_lost(root, folder, before)
    assert len(audio(folder)) == 3 - after
    assert len(restore(folder, root)) == 3 - after
    assert snapshot(root) == before
    assert snapshot(folder) == {}


def test_no_file_moves_before_the_manifest_is_written(root, folder, failing):
    before = snapshot(root)
    failing(Path, "replace", 0, Killed())
    with pytest.raises(Killed):
        quarantine(root, reasons(root, *BAD), folder)
    failing.reset()
    assert snapshot(root) == before
    assert snapshot(folder) == {}
    quarantine(root, reasons(root, *BAD), folder)
    assert set(audio(folder)) == set(BAD)


def test_a_restore_killed_before_the_manifest_is_removed(root, folder, failing):
    """All files are restored, but the manifest still lists them."""
    before = snapshot(root)
    quarantine(root, reasons(root, *BAD), folder)
    failing(Path, "unlink", 0, Killed())
    with pytest.raises(Killed):
        restore(folder, root)
    failing.reset()
    assert snapshot(root) == before
    assert restore(folder, root) == []
    assert snapshot(folder) == {}


# --- other file systems -------------------------------------------------------


@pytest.fixture
def other_file_system(monkeypatch):
    """Make renaming fail, as it does between file systems."""

    def rename(self, target):
        raise OSError(errno.EXDEV, "Invalid cross-device link", str(self))

    monkeypatch.setattr(Path, "rename", rename)


def test_files_are_copied_to_another_file_system(root, folder, other_file_system):
    before = snapshot(root)
    os.utime(root / BAD[0], ns=(10**18, 10**18))
    quarantine(root, reasons(root, *BAD), folder)
    assert audio(folder) == {name: before[name] for name in BAD}
    assert set(snapshot(root)) == set(before) - set(BAD)
    assert (folder / BAD[0]).stat().st_mtime_ns == 10**18
    restore(folder, root)
    assert snapshot(root) == before
    assert (root / BAD[0]).stat().st_mtime_ns == 10**18
    assert [path for path in root.rglob(".*")] == []


def test_a_real_other_file_system(root):
    memory = Path("/dev/shm")
    if not (memory.is_dir() and os.access(memory, os.W_OK)):
        pytest.skip("there is no folder in memory")
    if memory.stat().st_dev == root.stat().st_dev:
        pytest.skip("all folders are on one file system")
    before = snapshot(root)
    with tempfile.TemporaryDirectory(dir=memory) as folder:
        quarantine(root, reasons(root, *BAD), folder)
        assert audio(Path(folder)) == {name: before[name] for name in BAD}
        restore(folder, root)
    assert snapshot(root) == before


def half_a_copy(source, target):
    content = Path(source).read_bytes()
    Path(target).write_bytes(content[: len(content) // 2])
    raise Killed


@pytest.mark.parametrize("restoring", [False, True])
def test_a_killed_copy(root, folder, other_file_system, monkeypatch, restoring):
    before = snapshot(root)
    if restoring:
        quarantine(root, reasons(root, *BAD), folder)
    with monkeypatch.context() as patch:
        patch.setattr(shutil, "copy2", half_a_copy)
        with pytest.raises(Killed):
            restore(folder, root) if restoring else quarantine(root, reasons(root, *BAD), folder)
    assert_nothing_is_lost(root, folder, before)
    if not restoring:
        quarantine(root, reasons(root, *BAD), folder)
        assert set(audio(folder)) == set(BAD)
    restore(folder, root)
    assert snapshot(root) == before
    assert snapshot(folder) == {}


@pytest.mark.parametrize("restoring", [False, True])
def test_killed_between_copy_and_deletion(root, folder, other_file_system, failing, restoring):
    """Both files exist then, with the same contents."""
    before = snapshot(root)
    if restoring:
        quarantine(root, reasons(root, *BAD), folder)
        failing(Path, "unlink", 1, Killed())
        with pytest.raises(Killed):
            restore(folder, root)
    else:
        # The temporary files of the manifest and of the copy are deleted before the original.
        failing(Path, "unlink", 2, Killed())
        with pytest.raises(Killed):
            quarantine(root, reasons(root, *BAD), folder)
    failing.reset()
    assert set(snapshot(root)) & set(audio(folder)) == {BAD[0]}
    assert_nothing_is_lost(root, folder, before)
    if not restoring:
        quarantine(root, reasons(root, *BAD), folder)
        assert set(audio(folder)) == set(BAD)
    restore(folder, root)
    assert snapshot(root) == before
    assert snapshot(folder) == {}


def test_a_copy_with_other_contents_is_not_used(root, folder, other_file_system, monkeypatch):
    before = snapshot(root)

    def copy_wrongly(source, target):
        Path(target).write_bytes(Path(source).read_bytes()[:-1] + b"?")

    with monkeypatch.context() as patch:
        patch.setattr(shutil, "copy2", copy_wrongly)
        with pytest.raises(
            HealthError, match=r"changed while it was copied \(and 2 more\); 0 of 3"
        ):
            quarantine(root, reasons(root, *BAD), folder)
    assert snapshot(root) == before
    assert audio(folder) == {}
    assert len(quarantine(root, {}, folder)) == 3


def test_a_full_disk_is_reported(root, folder, other_file_system, monkeypatch):
    before = snapshot(root)

    def fail_to_copy(source, target):
        raise OSError(errno.ENOSPC, "No space left on device", str(target))

    with monkeypatch.context() as patch:
        patch.setattr(shutil, "copy2", fail_to_copy)
        with pytest.raises(HealthError, match="No space left on device"):
            quarantine(root, reasons(root, *BAD), folder)
    assert snapshot(root) == before


def test_files_without_permission_are_not_copied(root, folder, failing):
    before = snapshot(root)
    failing(Path, "rename", 1, OSError(errno.EACCES, "Permission denied"))
    with pytest.raises(HealthError, match=r"Permission denied.* \(and 1 more\); 1 of 3"):
        quarantine(root, reasons(root, *BAD), folder)
    assert set(audio(folder)) == set(BAD[:1])
    assert set(snapshot(root)) == set(before) - set(BAD[:1])
    failing.reset()
    restore(folder, root)
    assert snapshot(root) == before


def test_folders_and_links_are_not_copied(root, folder, other_file_system):
    (root / "fado" / "x.wav").mkdir()
    (root / "fado" / "link.wav").symlink_to("0.wav")
    before = snapshot(root)
    names = ("fado/x.wav", "fado/link.wav", "fado/1.wav")
    with pytest.raises(HealthError, match="1 of 3 files were moved"):
        quarantine(root, reasons(root, *names), folder)
    assert set(audio(folder)) == {"fado/1.wav"}
    assert (root / "fado" / "x.wav").is_dir()
    with pytest.raises(HealthError, match="0 of 2"):
        quarantine(root, {}, folder)
    restore(folder, root)
    assert snapshot(root) == before


# --- existing files -----------------------------------------------------------


def test_another_file_in_the_quarantine_is_kept(root, folder):
    quarantine(root, reasons(root, BAD[0]), folder)
    (root / BAD[0]).write_bytes(b"a new download")
    before = snapshot(root)
    with pytest.raises(HealthError, match=r"0\.wav: already exists and differs .* 1 of 2") as error:
        quarantine(root, reasons(root, *BAD[:2]), folder)
    assert str(folder / BAD[0]) in str(error.value)
    assert snapshot(root) == {name: c for name, c in before.items() if name != BAD[1]}
    assert audio(folder)[BAD[0]] == b"fado 0"
    assert audio(folder)[BAD[1]] == before[BAD[1]]


@pytest.mark.parametrize("kind", ["file", "folder", "link"])
def test_an_existing_file_stops_no_other_file(root, folder, kind):
    before = snapshot(root)
    quarantine(root, reasons(root, *BAD), folder)
    path = root / BAD[1]
    if kind == "file":
        path.write_bytes(b"a new download")
    elif kind == "folder":
        path.mkdir()
    else:
        path.symlink_to("nowhere")
    with pytest.raises(HealthError, match=r"already exists and differs .*2 of 3 files were moved"):
        restore(folder, root)
    assert audio(folder) == {BAD[1]: before[BAD[1]]}
    assert {**snapshot(root), BAD[1]: 0} == {**before, BAD[1]: 0}
    path.rmdir() if kind == "folder" else path.unlink()
    assert [move.target for move in restore(folder, root)] == [path]
    assert snapshot(root) == before


def test_equal_files_at_both_paths_are_one_file(root, folder):
    before = snapshot(root)
    quarantine(root, reasons(root, *BAD), folder)
    (root / BAD[0]).write_bytes(before[BAD[0]])
    quarantine(root, {}, folder)
    assert set(snapshot(root)) == set(before) - set(BAD)
    (root / BAD[0]).write_bytes(before[BAD[0]])
    restore(folder, root)
    assert snapshot(root) == before
    assert snapshot(folder) == {}


def test_restored_files_are_not_moved_again(root, folder):
    """This holds even if another file could not be restored."""
    quarantine(root, reasons(root, *BAD), folder)
    (root / BAD[1]).write_bytes(b"a new download")
    with pytest.raises(HealthError, match="2 of 3"):
        restore(folder, root)
    before = snapshot(root)
    (root / BAD[1]).unlink()
    quarantine(root, reasons(root, "samba/3.wav"), folder)
    assert set(snapshot(root)) == set(before) - {"samba/3.wav", BAD[1]}


def test_a_missing_file_stops_no_other_file(root, folder):
    excluded = reasons(root, *BAD)
    (root / BAD[0]).unlink()
    assert len(quarantine(root, excluded, folder)) == 2
    assert len(restore(folder, root)) == 2


# --- unsuitable folders -------------------------------------------------------


def test_a_folder_with_other_files(root, folder):
    folder.mkdir()
    (folder / "thesis.txt").write_text("x")
    before = snapshot(root)
    with pytest.raises(HealthError, match=r"holds thesis\.txt and no manifest\.json"):
        quarantine(root, reasons(root, *BAD), folder)
    assert snapshot(root) == before
    assert snapshot(folder) == {"thesis.txt": b"x"}


def test_an_empty_folder(root, folder):
    folder.mkdir()
    (folder / ".DS_Store").write_text("left by a file manager")
    assert len(quarantine(root, reasons(root, *BAD), folder)) == 3


def test_the_quarantine_of_another_collection(root, folder, tmp_path):
    quarantine(root, reasons(root, *BAD), folder)
    other = tmp_path / "other"
    shutil.copytree(root, other)
    before, away = snapshot(other), snapshot(folder)
    with pytest.raises(HealthError, match="belongs to the collection in") as error:
        quarantine(other, reasons(other, "samba/0.wav"), folder)
    assert str(root) in str(error.value)
    assert snapshot(other) == before
    assert snapshot(folder) == away


@pytest.mark.parametrize(
    "path",
    [
        ".", "..", "away", "fado",
        "fado/away",
    ],
)  # fmt: skip
@pytest.mark.parametrize("dry_run", [False, True])
def test_a_folder_in_the_collection(root, path, dry_run):
    before = snapshot(root)
    with pytest.raises(HealthError, match="is part of the collection itself"):
        quarantine(root, reasons(root, *BAD), root / path, dry_run=dry_run)
    assert snapshot(root) == before


def test_a_file_in_place_of_the_folder(root, folder):
    folder.write_text("x")
    with pytest.raises(HealthError, match="quarantine"):
        quarantine(root, reasons(root, *BAD), folder)


def test_files_of_another_folder_raise_an_error(root, folder, tmp_path):
    (tmp_path / "precious.wav").write_bytes(b"x")
    with pytest.raises(HealthError, match=r"precious\.wav"):
        quarantine(root, {str(tmp_path / "precious.wav"): "bad"}, folder)


def test_a_folder_without_a_manifest(root, folder, tmp_path):
    for path in (folder, root):
        with pytest.raises(HealthError, match=r"holds no manifest\.json and is not a quarantine"):
            restore(path, root)
    assert not folder.exists()
    assert quarantined(folder) == quarantined(root) == {}


def test_restoring_a_moved_collection(root, folder, tmp_path):
    before = snapshot(root)
    quarantine(root, reasons(root, *BAD), folder)
    root.rename(tmp_path / "moved")
    moves = restore(folder, tmp_path / "moved")
    assert {move.target for move in moves} == {tmp_path / "moved" / name for name in BAD}
    assert snapshot(tmp_path / "moved") == before
    assert not root.exists()


@pytest.mark.parametrize("layout", ["genres_original", "Data/genres_original", "genres"])
def test_restoring_a_moved_collection_by_the_folder_above(root, folder, tmp_path, layout):
    before = snapshot(root)
    quarantine(root, reasons(root, *BAD), folder)
    (tmp_path / "data" / layout).parent.mkdir(parents=True)
    root.rename(tmp_path / "data" / layout)
    restore(folder, tmp_path / "data")
    assert snapshot(tmp_path / "data" / layout) == before


def test_restoring_a_moved_quarantine(root, folder, tmp_path):
    before = snapshot(root)
    quarantine(root, reasons(root, *BAD), folder)
    (tmp_path / "b").mkdir()
    root.rename(tmp_path / "b" / "music")
    folder.rename(tmp_path / "b" / "away")
    restore(tmp_path / "b" / "away", tmp_path / "b" / "music")
    assert snapshot(tmp_path / "b" / "music") == before


def test_restoring_a_missing_collection(root, folder, tmp_path):
    """After a typing error, no file is moved."""
    quarantine(root, reasons(root, *BAD), folder)
    away = snapshot(folder)
    with pytest.raises(HealthError, match="musik"):
        restore(folder, tmp_path / "musik")
    assert snapshot(folder) == away


# --- invalid manifests --------------------------------------------------------

ENTRY = {"reason": "x", "sha256": None}


def change_manifest(folder: Path, **changes) -> Path:
    manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    (folder / MANIFEST).write_text(json.dumps({**manifest, **changes}), encoding="utf-8")
    return folder


@pytest.mark.parametrize("name", ["../victim.txt", "fado/../../victim.txt", "/etc/hostname", ".."])
@pytest.mark.parametrize("call", [restore, quarantined, quarantine])
def test_a_manifest_with_paths_outside(root, folder, tmp_path, name, call):
    (tmp_path / "victim.txt").write_text("x")
    quarantine(root, reasons(root, *BAD), folder)
    change_manifest(folder, files={BAD[0]: ENTRY, name: ENTRY})
    before = snapshot(root), snapshot(folder)
    arguments = {restore: (folder, root), quarantined: (folder,), quarantine: (root, {}, folder)}
    with pytest.raises(
        HealthError, match=r"manifest\.json: is not a quarantine manifest \(files\."
    ):
        call(*arguments[call])
    assert (snapshot(root), snapshot(folder)) == before
    assert (tmp_path / "victim.txt").exists()


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b"null", b"5", b"\xff\xfe", b'{"files": {}}']
)
def test_a_manifest_that_cannot_be_read(root, folder, content):
    quarantine(root, reasons(root, *BAD), folder)
    (folder / MANIFEST).write_bytes(content)
    away = snapshot(folder)
    for call in (lambda: restore(folder, root), lambda: quarantine(root, {}, folder)):
        with pytest.raises(
            HealthError, match=r"manifest\.json: is not a .*; replace it by an intact"
        ):
            call()
    assert snapshot(folder) == away


@pytest.mark.parametrize("changes", [{"format": "another"}, {"files": []}])
def test_a_manifest_of_another_format(root, folder, changes):
    quarantine(root, reasons(root, *BAD), folder)
    change_manifest(folder, **changes)
    with pytest.raises(HealthError, match="manifest"):
        restore(folder, root)


@pytest.mark.parametrize(
    "changes",
    [
        {"root": 5},
        {"files": {"fado/0.wav": {}}},
        {"files": {"fado/0.wav": 5}},
        {"files": {MANIFEST: ENTRY}},
    ],
)
def test_an_incomplete_manifest(root, folder, changes):
    quarantine(root, reasons(root, *BAD), folder)
    change_manifest(folder, **changes)
    away = audio(folder)
    with pytest.raises(HealthError, match=r"manifest\.json"):
        restore(folder, root)
    assert audio(folder) == away


def test_temporary_files_are_hidden(root, folder, other_file_system, monkeypatch):
    """Otherwise a killed copy would count as music."""
    names = []
    monkeypatch.setattr(shutil, "copy2", lambda source, target: names.append(Path(target).name))
    with pytest.raises(HealthError):
        quarantine(root, reasons(root, BAD[0]), folder)
    assert names
    assert all(name.startswith(".") for name in names)
