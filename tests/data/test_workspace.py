"""The rooms of a run."""

from pathlib import Path

import pytest

from gtzan_lib.data.workspace import Workspace
from gtzan_lib.errors import RunError

ROOMS = [
    "corpus", "stores", "splits", "models", "checkpoints", "records", "takes", "executed",
    "partial", "site",
]  # fmt: skip


def test_rooms_of_two_runs_are_apart(tmp_path):
    one, other = Workspace("one", root=tmp_path), Workspace("other", root=tmp_path)
    rooms = [getattr(run, room) for run in (one, other) for room in ROOMS]
    assert len(set(rooms)) == 2 * len(ROOMS)
    assert all(room.is_relative_to(tmp_path / "one") for room in rooms[: len(ROOMS)])
    assert one.checksums == other.checksums == tmp_path / ".checksums"


def test_takes_of_a_run_lie_in_its_folder(tmp_path):
    assert Workspace("quick", root=tmp_path).takes == tmp_path / "quick" / "takes"


def test_nothing_is_made_by_asking(work):
    for room in ROOMS:
        getattr(Workspace(), room)
    assert not work.exists()


def test_root_is_said_or_in_the_environment_or_here(tmp_path, monkeypatch, work):
    assert Workspace().root == work
    assert Workspace(root=tmp_path / "x").root == tmp_path / "x"
    monkeypatch.delenv("GTZAN_WORK")
    monkeypatch.chdir(tmp_path)
    assert Workspace().root == tmp_path / "work"
    assert Workspace(root="there").root == tmp_path / "there"


def test_a_later_change_of_folder_moves_nothing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    workspace = Workspace(root="here")
    monkeypatch.chdir("/")
    assert workspace.path == tmp_path / "here" / "manual"


@pytest.mark.parametrize("run", ["", "..", "a/b", "/tmp", ".hidden", "-x", "a b", "a\n"])
def test_names_that_could_lead_elsewhere_are_refused(run):
    with pytest.raises(RunError, match="cannot name a run"):
        Workspace(run)


@pytest.mark.parametrize("run", ["quick", "gtzan-2", "v1.0", "a_b"])
def test_plain_names(run):
    assert Workspace(run).path.name == run
    assert isinstance(Workspace(run).path, Path)
