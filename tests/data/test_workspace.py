"""The folders of a run."""

from pathlib import Path

import pytest

from gtzan_lib.data.workspace import Workspace
from gtzan_lib.errors import RunError

FOLDERS = [
    "corpus", "stores", "splits", "models", "checkpoints", "records", "takes", "executed",
    "partial", "site",
]  # fmt: skip


def test_two_runs_share_no_folder(tmp_path):
    first, second = Workspace("first", root=tmp_path), Workspace("second", root=tmp_path)
    folders = [getattr(run, name) for run in (first, second) for name in FOLDERS]
    assert len(set(folders)) == 2 * len(FOLDERS)
    assert all(folder.is_relative_to(tmp_path / "first") for folder in folders[: len(FOLDERS)])
    assert first.checksums == second.checksums == tmp_path / ".checksums"


def test_recordings_are_in_the_folder_of_the_run(tmp_path):
    assert Workspace("quick", root=tmp_path).takes == tmp_path / "quick" / "takes"


def test_no_folder_is_created(work):
    for name in FOLDERS:
        getattr(Workspace(), name)
    assert not work.exists()


def test_root_is_given_or_from_the_environment_or_the_current_folder(tmp_path, monkeypatch, work):
    assert Workspace().root == work
    assert Workspace(root=tmp_path / "x").root == tmp_path / "x"
    monkeypatch.delenv("GTZAN_WORK")
    monkeypatch.chdir(tmp_path)
    assert Workspace().root == tmp_path / "work"
    assert Workspace(root="there").root == tmp_path / "there"


def test_a_workspace_does_not_depend_on_later_changes_of_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    workspace = Workspace(root="here")
    monkeypatch.chdir("/")
    assert workspace.path == tmp_path / "here" / "manual"


@pytest.mark.parametrize("run", ["", "..", "a/b", "/tmp", ".hidden", "-x", "a b", "a\n"])
def test_names_that_are_paths_are_refused(run):
    with pytest.raises(RunError, match="cannot name a run"):
        Workspace(run)


@pytest.mark.parametrize("run", ["quick", "gtzan-2", "v1.0", "a_b"])
def test_plain_names(run):
    assert Workspace(run).path.name == run
    assert isinstance(Workspace(run).path, Path)
