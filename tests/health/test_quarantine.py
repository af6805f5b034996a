"""Moving files out and back: nothing is ever lost, whatever interrupts it."""

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
from gtzan_lib.health import quarantine as module
from gtzan_lib.health.quarantine import MANIFEST, Move, quarantine, quarantined, restore


class Killed(BaseException):
    """What no code catches, as little as it catches kill -9."""


def snapshot(folder: Path) -> dict[str, object]:
    """All that lies in a folder: bytes of files, targets of links; hidden files left out."""
    found: dict[str, object] = {}
    for path in folder.rglob("*"):
        name = path.relative_to(folder).as_posix()
        if path.is_symlink():
            found[name] = ("link", str(path.readlink()))
        elif path.is_file() and not path.name.startswith("."):
            found[name] = path.read_bytes()
    return found


def audio(folder: Path) -> dict[str, object]:
    """As `snapshot`, without the manifest."""
    return {name: content for name, content in snapshot(folder).items() if name != MANIFEST}


def reasons(root: Path, *names: str) -> dict[str, str]:
    return {str(root / name): f"{name} is bad" for name in names}


@pytest.fixture
def root(tmp_path) -> Path:
    """Two genres of four files, each with bytes of its own."""
    for genre in ("fado", "samba"):
        (tmp_path / "music" / genre).mkdir(parents=True)
        for number in range(4):
            (tmp_path / "music" / genre / f"{number}.wav").write_bytes(
                f"{genre} {number}".encode() * (number + 1)
            )
    return tmp_path / "music"


@pytest.fixture
def folder(tmp_path) -> Path:
    """Where the quarantine goes; it does not exist yet."""
    return tmp_path / "quarantine"


BAD = ("fado/0.wav", "fado/3.wav", "samba/1.wav")


# --- out and back -------------------------------------------------------------


def test_files_move_and_keep_the_tree(root, folder):
    before = snapshot(root)
    moves = quarantine(root, reasons(root, *BAD), folder)
    assert moves == [Move(root / name, folder / name, f"{name} is bad") for name in BAD]
    assert audio(folder) == {name: before[name] for name in BAD}
    assert snapshot(root) == {n: content for n, content in before.items() if n not in BAD}


def test_the_manifest_tells_where_from_why_and_what(root, folder):
    sums = {name: sha256_of(root / name) for name in BAD}
    quarantine(root, reasons(root, *BAD), folder)
    manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    assert manifest == {
        "format": "gtzan_lib quarantine, version 1",
        "root": str(root),
        "files": {name: {"reason": f"{name} is bad", "sha256": sums[name]} for name in BAD},
    }
    assert quarantined(folder) == {name: f"{name} is bad" for name in BAD}


def test_files_come_back_and_leave_nothing_behind(root, folder):
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
def test_any_files_come_back_bit_for_bit(files, reason):
    with tempfile.TemporaryDirectory() as place:
        root, folder = Path(place, "music").resolve(), Path(place, "away").resolve()
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


def test_nothing_condemned_makes_no_folder(root, folder):
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
    with pytest.raises(HealthError, match="is no quarantine"):
        restore(folder, root)


def test_more_files_can_follow(root, folder):
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


@pytest.mark.parametrize("asked", [".", "fado", ".."])
def test_a_part_of_the_collection_may_be_named(root, folder, asked):
    """As `gtzan health /data/gtzan` may, whose genres are in /data/gtzan/genres_original."""
    before = snapshot(root)
    quarantine(root, reasons(root, *BAD), folder)
    restore(folder, root / asked)
    assert snapshot(root) == before


def test_links_and_folders_move_as_they_are(root, folder):
    (root / "fado" / "x.wav").mkdir()
    (root / "fado" / "x.wav" / "inside.txt").write_text("something of value")
    (root / "fado" / "link.wav").symlink_to("0.wav")
    (root / "fado" / "loop.wav").symlink_to("loop.wav")
    (root / "fado" / "lost.wav").symlink_to(root / "gone")
    before = snapshot(root)
    names = [f"fado/{name}.wav" for name in ("x", "link", "loop", "lost")]
    quarantine(root, reasons(root, *names), folder)
    assert set(snapshot(root)) == set(before) - {*names[1:], "fado/x.wav/inside.txt"}
    assert not (root / "fado" / "x.wav").exists()
    assert (folder / "fado" / "x.wav" / "inside.txt").read_text() == "something of value"
    assert str((folder / "fado" / "link.wav").readlink()) == "0.wav"
    restore(folder, root)
    assert snapshot(root) == before


@pytest.mark.skipif(os.name == "nt", reason="names are text there")
def test_names_that_are_no_text(root, folder):
    odd = os.fsdecode(b"fado/\xff.wav")
    (root / odd).write_bytes(b"odd")
    before = snapshot(root)
    quarantine(root, reasons(root, odd, BAD[0]), folder)
    assert set(audio(folder)) == {odd, BAD[0]}
    restore(folder, root)
    assert snapshot(root) == before


# --- killed half-way ----------------------------------------------------------


@pytest.fixture
def failing(monkeypatch):
    """Let a function of `Path` or `shutil` fail after some calls, until `heal` is called."""
    undo = []

    def fail(owner, name: str, after: int, error: BaseException) -> None:
        whole, calls = getattr(owner, name), []

        def wrapped(*arguments, **options):
            calls.append(arguments)
            if len(calls) > after:
                raise error
            return whole(*arguments, **options)

        patch = pytest.MonkeyPatch()
        patch.setattr(owner, name, wrapped)
        undo.append(patch)

    def heal() -> None:
        while undo:
            undo.pop().undo()

    fail.heal = heal
    yield fail
    heal()


def nothing_is_lost(root: Path, folder: Path, before: dict[str, object]) -> None:
    """Each file is at one of its places, or whole at both."""
    here, away = snapshot(root), audio(folder)
    assert set(here) | set(away) == set(before)
    assert all(content == before[name] for name, content in [*here.items(), *away.items()])


@pytest.mark.parametrize("after", [0, 1, 2])
def test_a_quarantine_that_is_killed_goes_on(root, folder, failing, after):
    before = snapshot(root)
    failing(Path, "rename", after, Killed())
    with pytest.raises(Killed):
        quarantine(root, reasons(root, *BAD), folder)
    failing.heal()
    nothing_is_lost(root, folder, before)
    assert len(audio(folder)) == after
    # The manifest knows all that was to be moved, so that another call may finish it.
    moves = quarantine(root, {}, folder)
    assert [move.source for move in moves] == [root / name for name in BAD[after:]]
    assert set(audio(folder)) == set(BAD)
    restore(folder, root)
    assert snapshot(root) == before


@pytest.mark.parametrize("after", [0, 1, 2])
def test_a_quarantine_that_was_killed_can_be_taken_back(root, folder, failing, after):
    before = snapshot(root)
    failing(Path, "rename", after, Killed())
    with pytest.raises(Killed):
        quarantine(root, reasons(root, *BAD), folder)
    failing.heal()
    restore(folder, root)
    assert snapshot(root) == before
    assert snapshot(folder) == {}


@pytest.mark.parametrize("after", [0, 1, 2])
def test_a_return_that_is_killed_goes_on(root, folder, failing, after):
    before = snapshot(root)
    quarantine(root, reasons(root, *BAD), folder)
    failing(Path, "rename", after, Killed())
    with pytest.raises(Killed):
        restore(folder, root)
    failing.heal()
    nothing_is_lost(root, folder, before)
    assert len(audio(folder)) == 3 - after
    assert len(restore(folder, root)) == 3 - after
    assert snapshot(root) == before
    assert snapshot(folder) == {}


def test_killed_before_the_manifest_is_written_nothing_has_moved(root, folder, failing):
    before = snapshot(root)
    failing(Path, "replace", 0, Killed())
    with pytest.raises(Killed):
        quarantine(root, reasons(root, *BAD), folder)
    failing.heal()
    assert snapshot(root) == before
    assert snapshot(folder) == {}
    quarantine(root, reasons(root, *BAD), folder)
    assert set(audio(folder)) == set(BAD)


def test_killed_before_the_manifest_goes(root, folder, failing):
    """All files are back, and the manifest still tells of them."""
    before = snapshot(root)
    quarantine(root, reasons(root, *BAD), folder)
    failing(Path, "unlink", 0, Killed())
    with pytest.raises(Killed):
        restore(folder, root)
    failing.heal()
    assert snapshot(root) == before
    assert restore(folder, root) == []
    assert snapshot(folder) == {}


# --- other file systems -------------------------------------------------------


@pytest.fixture
def far(monkeypatch):
    """Let no file be renamed into another folder, as between file systems."""

    def rename(self, target):
        raise OSError(errno.EXDEV, "Invalid cross-device link", str(self))

    monkeypatch.setattr(Path, "rename", rename)


def test_files_are_copied_to_another_file_system(root, folder, far):
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
        pytest.skip("no folder in memory here")
    if memory.stat().st_dev == root.stat().st_dev:
        pytest.skip("one file system for all")
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


@pytest.mark.parametrize("back", [False, True])
def test_a_copy_that_is_killed_half_way(root, folder, far, monkeypatch, back):
    before = snapshot(root)
    if back:
        quarantine(root, reasons(root, *BAD), folder)
    with monkeypatch.context() as patch:
        patch.setattr(shutil, "copy2", half_a_copy)
        with pytest.raises(Killed):
            restore(folder, root) if back else quarantine(root, reasons(root, *BAD), folder)
    nothing_is_lost(root, folder, before)
    if not back:
        quarantine(root, reasons(root, *BAD), folder)
        assert set(audio(folder)) == set(BAD)
    restore(folder, root)
    assert snapshot(root) == before
    assert snapshot(folder) == {}


@pytest.mark.parametrize("back", [False, True])
def test_a_copy_that_is_killed_before_the_original_goes(root, folder, far, failing, back):
    """Both are there then, and the same."""
    before = snapshot(root)
    if back:
        quarantine(root, reasons(root, *BAD), folder)
        failing(Path, "unlink", 1, Killed())
        with pytest.raises(Killed):
            restore(folder, root)
    else:
        # The manifest's temporary file and the copy's go before the original.
        failing(Path, "unlink", 2, Killed())
        with pytest.raises(Killed):
            quarantine(root, reasons(root, *BAD), folder)
    failing.heal()
    assert set(snapshot(root)) & set(audio(folder)) == {BAD[0]}
    nothing_is_lost(root, folder, before)
    if not back:
        quarantine(root, reasons(root, *BAD), folder)
        assert set(audio(folder)) == set(BAD)
    restore(folder, root)
    assert snapshot(root) == before
    assert snapshot(folder) == {}


def test_a_copy_that_is_not_the_same_does_not_count(root, folder, far, monkeypatch):
    before = snapshot(root)

    def poor(source, target):
        Path(target).write_bytes(Path(source).read_bytes()[:-1] + b"?")

    with monkeypatch.context() as patch:
        patch.setattr(shutil, "copy2", poor)
        with pytest.raises(
            HealthError, match=r"changed while it was copied \(and 2 more\); 0 of 3"
        ):
            quarantine(root, reasons(root, *BAD), folder)
    assert snapshot(root) == before
    assert audio(folder) == {}
    assert len(quarantine(root, {}, folder)) == 3


def test_a_full_disk_is_told_of(root, folder, far, monkeypatch):
    before = snapshot(root)

    def full(source, target):
        raise OSError(errno.ENOSPC, "No space left on device", str(target))

    with monkeypatch.context() as patch:
        patch.setattr(shutil, "copy2", full)
        with pytest.raises(HealthError, match="No space left on device"):
            quarantine(root, reasons(root, *BAD), folder)
    assert snapshot(root) == before


def test_what_may_not_be_moved_is_not_copied(root, folder, failing):
    before = snapshot(root)
    failing(Path, "rename", 1, OSError(errno.EACCES, "Permission denied"))
    with pytest.raises(HealthError, match=r"Permission denied.* \(and 1 more\); 1 of 3"):
        quarantine(root, reasons(root, *BAD), folder)
    assert set(audio(folder)) == set(BAD[:1])
    assert set(snapshot(root)) == set(before) - set(BAD[:1])
    failing.heal()
    restore(folder, root)
    assert snapshot(root) == before


def test_folders_and_links_stay_where_they_cannot_be_renamed(root, folder, far):
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


# --- what is in the way -------------------------------------------------------


def test_another_file_in_the_quarantine_stays(root, folder):
    quarantine(root, reasons(root, BAD[0]), folder)
    (root / BAD[0]).write_bytes(b"a new download")
    before = snapshot(root)
    with pytest.raises(
        HealthError, match=r"0\.wav: is there already and differs .* 1 of 2"
    ) as caught:
        quarantine(root, reasons(root, *BAD[:2]), folder)
    assert str(folder / BAD[0]) in str(caught.value)
    assert snapshot(root) == {name: c for name, c in before.items() if name != BAD[1]}
    assert audio(folder)[BAD[0]] == b"fado 0"
    assert audio(folder)[BAD[1]] == before[BAD[1]]


@pytest.mark.parametrize("kind", ["file", "folder", "link"])
def test_a_place_that_is_taken_stops_no_other_file(root, folder, kind):
    before = snapshot(root)
    quarantine(root, reasons(root, *BAD), folder)
    place = root / BAD[1]
    if kind == "file":
        place.write_bytes(b"a new download")
    elif kind == "folder":
        place.mkdir()
    else:
        place.symlink_to("nowhere")
    with pytest.raises(
        HealthError, match=r"is there already and differs .*2 of 3 files were moved"
    ):
        restore(folder, root)
    assert audio(folder) == {BAD[1]: before[BAD[1]]}
    assert {**snapshot(root), BAD[1]: 0} == {**before, BAD[1]: 0}
    place.rmdir() if kind == "folder" else place.unlink()
    assert [move.target for move in restore(folder, root)] == [place]
    assert snapshot(root) == before


def test_the_same_bytes_at_both_places_are_one_file(root, folder):
    before = snapshot(root)
    quarantine(root, reasons(root, *BAD), folder)
    (root / BAD[0]).write_bytes(before[BAD[0]])
    quarantine(root, {}, folder)
    assert set(snapshot(root)) == set(before) - set(BAD)
    (root / BAD[0]).write_bytes(before[BAD[0]])
    restore(folder, root)
    assert snapshot(root) == before
    assert snapshot(folder) == {}


def test_what_is_back_does_not_go_again(root, folder):
    """Though one file could not come back."""
    quarantine(root, reasons(root, *BAD), folder)
    (root / BAD[1]).write_bytes(b"a new download")
    with pytest.raises(HealthError, match="2 of 3"):
        restore(folder, root)
    here = snapshot(root)
    (root / BAD[1]).unlink()
    quarantine(root, reasons(root, "samba/3.wav"), folder)
    assert set(snapshot(root)) == set(here) - {"samba/3.wav", BAD[1]}


def test_a_file_that_is_gone_stops_no_other(root, folder):
    excluded = reasons(root, *BAD)
    (root / BAD[0]).unlink()
    assert len(quarantine(root, excluded, folder)) == 2
    assert len(restore(folder, root)) == 2


# --- folders that will not do -------------------------------------------------


def test_a_folder_that_holds_other_things(root, folder):
    folder.mkdir()
    (folder / "thesis.txt").write_text("x")
    before = snapshot(root)
    with pytest.raises(HealthError, match=r"holds thesis\.txt and no manifest\.json"):
        quarantine(root, reasons(root, *BAD), folder)
    assert snapshot(root) == before
    assert snapshot(folder) == {"thesis.txt": b"x"}


def test_an_empty_folder_will_do(root, folder):
    folder.mkdir()
    (folder / ".DS_Store").write_text("left by a file manager")
    assert len(quarantine(root, reasons(root, *BAD), folder)) == 3


def test_the_quarantine_of_another_collection(root, folder, tmp_path):
    quarantine(root, reasons(root, *BAD), folder)
    other = tmp_path / "other"
    shutil.copytree(root, other)
    before, away = snapshot(other), snapshot(folder)
    with pytest.raises(HealthError, match="belongs to the collection in") as caught:
        quarantine(other, reasons(other, "samba/0.wav"), folder)
    assert str(root) in str(caught.value)
    assert snapshot(other) == before
    assert snapshot(folder) == away


@pytest.mark.parametrize(
    "place",
    [
        ".", "..", "away", "fado",
        "fado/away",
    ],
)  # fmt: skip
@pytest.mark.parametrize("dry_run", [False, True])
def test_a_folder_in_the_collection(root, place, dry_run):
    before = snapshot(root)
    with pytest.raises(HealthError, match="is part of the collection itself"):
        quarantine(root, reasons(root, *BAD), root / place, dry_run=dry_run)
    assert snapshot(root) == before


def test_a_file_is_no_quarantine_to_be(root, folder):
    folder.write_text("x")
    with pytest.raises(HealthError, match="quarantine"):
        quarantine(root, reasons(root, *BAD), folder)


def test_files_of_elsewhere_are_refused(root, folder, tmp_path):
    (tmp_path / "precious.wav").write_bytes(b"x")
    with pytest.raises(HealthError, match=r"precious\.wav"):
        quarantine(root, {str(tmp_path / "precious.wav"): "bad"}, folder)


def test_a_folder_that_is_no_quarantine(root, folder, tmp_path):
    for place in (folder, root):
        with pytest.raises(HealthError, match=r"holds no manifest\.json, and so is no quarantine"):
            restore(place, root)
    assert not folder.exists()
    assert quarantined(folder) == quarantined(root) == {}


def test_a_collection_that_moved_gets_its_files_back(root, folder, tmp_path):
    before = snapshot(root)
    quarantine(root, reasons(root, *BAD), folder)
    root.rename(tmp_path / "moved")
    moves = restore(folder, tmp_path / "moved")
    assert {move.target for move in moves} == {tmp_path / "moved" / name for name in BAD}
    assert snapshot(tmp_path / "moved") == before
    assert not root.exists()


@pytest.mark.parametrize("layout", ["genres_original", "Data/genres_original", "genres"])
def test_a_collection_that_moved_may_be_named_by_the_folder_above(root, folder, tmp_path, layout):
    before = snapshot(root)
    quarantine(root, reasons(root, *BAD), folder)
    (tmp_path / "data" / layout).parent.mkdir(parents=True)
    root.rename(tmp_path / "data" / layout)
    restore(folder, tmp_path / "data")
    assert snapshot(tmp_path / "data" / layout) == before


def test_a_quarantine_that_moved_too(root, folder, tmp_path):
    before = snapshot(root)
    quarantine(root, reasons(root, *BAD), folder)
    (tmp_path / "b").mkdir()
    root.rename(tmp_path / "b" / "music")
    folder.rename(tmp_path / "b" / "away")
    restore(tmp_path / "b" / "away", tmp_path / "b" / "music")
    assert snapshot(tmp_path / "b" / "music") == before


def test_a_collection_that_is_not_there_gets_nothing(root, folder, tmp_path):
    """A typing error must not scatter files."""
    quarantine(root, reasons(root, *BAD), folder)
    away = snapshot(folder)
    with pytest.raises(HealthError, match="musik"):
        restore(folder, tmp_path / "musik")
    assert snapshot(folder) == away


# --- manifests that were tampered with ----------------------------------------

ENTRY = {"reason": "x", "sha256": None}


def tampered(folder: Path, **changes) -> Path:
    manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    (folder / MANIFEST).write_text(json.dumps({**manifest, **changes}), encoding="utf-8")
    return folder


@pytest.mark.parametrize("name", ["../victim.txt", "fado/../../victim.txt", "/etc/hostname", ".."])
@pytest.mark.parametrize("call", [restore, quarantined, quarantine])
def test_a_manifest_that_leads_elsewhere(root, folder, tmp_path, name, call):
    (tmp_path / "victim.txt").write_text("x")
    quarantine(root, reasons(root, *BAD), folder)
    tampered(folder, files={BAD[0]: ENTRY, name: ENTRY})
    here, away = snapshot(root), snapshot(folder)
    arguments = {restore: (folder, root), quarantined: (folder,), quarantine: (root, {}, folder)}
    with pytest.raises(HealthError, match=r"manifest\.json: is no manifest of this package"):
        call(*arguments[call])
    assert (snapshot(root), snapshot(folder)) == (here, away)
    assert (tmp_path / "victim.txt").exists()


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b"null", b"5", b"\xff\xfe", b'{"files": {}}']
)
def test_a_manifest_that_cannot_be_read(root, folder, content):
    quarantine(root, reasons(root, *BAD), folder)
    (folder / MANIFEST).write_bytes(content)
    away = snapshot(folder)
    for call in (lambda: restore(folder, root), lambda: quarantine(root, {}, folder)):
        with pytest.raises(HealthError, match=r"manifest\.json: cannot be read"):
            call()
    assert snapshot(folder) == away


@pytest.mark.parametrize("changes", [{"format": "another"}, {"files": []}])
def test_a_manifest_of_something_else(root, folder, changes):
    quarantine(root, reasons(root, *BAD), folder)
    tampered(folder, **changes)
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
def test_a_manifest_that_lacks_something(root, folder, changes):
    quarantine(root, reasons(root, *BAD), folder)
    tampered(folder, **changes)
    away = audio(folder)
    with pytest.raises(HealthError, match=r"manifest\.json"):
        restore(folder, root)
    assert audio(folder) == away


def test_temporary_files_are_hidden(root, folder, far, monkeypatch):
    """Else a killed copy would be taken for music."""
    names = []
    monkeypatch.setattr(
        module.shutil, "copy2", lambda source, target: names.append(Path(target).name)
    )
    with pytest.raises(HealthError):
        quarantine(root, reasons(root, BAD[0]), folder)
    assert names
    assert all(name.startswith(".") for name in names)
