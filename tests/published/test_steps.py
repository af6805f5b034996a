"""Steps: what is to be done, and results that are replaced whole or not at all."""

import json

import pandas as pd
import pytest

from gtzan_lib.errors import CorpusError, ParameterError, RecordError
from gtzan_lib.published import steps
from gtzan_lib.published.material import find_material
from gtzan_lib.published.results import Results
from gtzan_lib.published.steps import Step, plan_steps, run_step
from gtzan_lib.runner.runs import RunStep

from ..conftest import write_music


def count(task, *, seed: int = 0, folds: int = 5) -> None:
    """Write how many tracks a genre has."""
    corpus = task.corpus("log-mels", "sound")
    tracks = corpus.tracks["genre"].value_counts().rename_axis("genre").to_frame("tracks")
    task.write("genres", tracks.assign(share=tracks["tracks"] / 3, note=["x", ""], seed=seed))


def fail(task) -> None:
    task.write("half", pd.DataFrame({"a": [1]}).rename_axis("row"))
    raise CorpusError("this step fails.")


@pytest.fixture
def material(tmp_path, monkeypatch):
    needs = (("log-mels", "sound"),)
    known = {
        "count": Step("count the tracks", needs, 0.1, count),
        "fail": Step("fail", needs, 0.1, fail),
        "tags": Step("need tags", (*needs, ("tags",)), 0.1, count),
    }
    monkeypatch.setattr(steps, "STEPS", known)
    for function in (count, fail):
        # Its code is a part of the package.
        monkeypatch.setattr(function, "__module__", "gtzan_lib.published.task")
    return find_material(write_music(tmp_path / "gtzan", tracks=3))


def wanted(**steps):
    """Return steps of a run with these settings."""
    return {name: RunStep(name, settings) for name, settings in steps.items()}


def states(material, folder, steps):
    return {one.name: one.state for one in plan_steps(material, folder, steps)}


def test_a_step_is_done_once_and_again_for_other_settings_or_material(material, tmp_path):
    folder = tmp_path / "results"
    (planned,) = plan_steps(material, folder, wanted(count={"seed": 3}))
    assert planned.state == "missing"
    assert planned.settings == {"seed": 3, "folds": 5}
    assert run_step(planned, material, folder) >= 0
    assert states(material, folder, wanted(count={"seed": 3})) == {"count": "done"}
    (other,) = plan_steps(material, folder, wanted(count={}))
    assert (other.state, other.reason) == ("changed", "other settings")
    more = find_material(write_music(tmp_path / "more", tracks=4))
    (other,) = plan_steps(more, folder, wanted(count={"seed": 3}))
    assert (other.state, other.reason) == ("changed", "other material")


def test_a_step_without_its_material_is_left_out(material, tmp_path):
    (planned,) = plan_steps(material, tmp_path, wanted(tags={}))
    assert planned.state == "left out"
    assert planned.reason == "there is no MusiCNN's tags of the training part, as published"


def test_unknown_steps_and_settings(material, tmp_path):
    with pytest.raises(ParameterError, match="no step 'cuont'; choose from count"):
        states(material, tmp_path, wanted(cuont={}))
    with pytest.raises(ParameterError, match="no setting 'sede'; it has seed, folds"):
        states(material, tmp_path, wanted(count={"sede": 1}))


def test_equal_runs_leave_equal_files(material, tmp_path):
    noted = []
    for folder in (tmp_path / "one", tmp_path / "two"):
        (planned,) = plan_steps(material, folder, wanted(count={}))
        run_step(planned, material, folder)
        noted.append(Results(folder).step("count"))
    for name in ("settings", "material", "files", "code"):
        assert noted[0][name] == noted[1][name]
    assert noted[0]["material"] == {"sound": 6}


def test_a_step_that_fails_leaves_what_was_there(material, tmp_path):
    folder = tmp_path / "results"
    (folder / "fail").mkdir(parents=True)
    (folder / "fail" / "old.csv").write_text("x\n")
    (planned,) = plan_steps(material, folder, wanted(fail={}))
    with pytest.raises(CorpusError, match="this step fails"):
        run_step(planned, material, folder)
    assert [path.name for path in folder.rglob("*") if path.is_file()] == ["old.csv"]


def test_results_are_read_and_changes_by_hand_refused(material, tmp_path):
    (planned,) = plan_steps(material, tmp_path, wanted(count={}))
    run_step(planned, material, tmp_path)
    results = Results(tmp_path)
    assert results.steps == ["count"]
    assert "count" in repr(results)
    assert results.material("count") == "whole clips of 30 s (6 tracks)"
    table = results.table("count", "genres")
    assert table["tracks"].to_dict() == {"blues": 3, "rock": 3}
    assert table["note"].tolist() == ["x", ""]
    with pytest.raises(RecordError, match="no table 'x'; it has genres"):
        results.table("count", "x")
    with pytest.raises(RecordError, match="there is no such file"):
        results.table("other", "x")
    file = tmp_path / "count" / "genres.csv"
    file.write_text(file.read_text().replace("3", "4"))
    with pytest.raises(RecordError, match=r"changed after the step; .* --again count"):
        results.table("count", "genres")
    note = json.loads((tmp_path / "count" / "step.json").read_text())
    (tmp_path / "count" / "step.json").write_text(json.dumps(note | {"code": 3}))
    with pytest.raises(RecordError, match="is not a note of a step"):
        results.records("count")


def test_one_step_may_be_done_with_several_settings(material, tmp_path):
    steps = {"first": RunStep("count", {"seed": 1}), "second": RunStep("count", {"seed": 2})}
    for planned in plan_steps(material, tmp_path, steps):
        run_step(planned, material, tmp_path)
    results = Results(tmp_path)
    assert results.steps == ["first", "second"]
    assert [results.table(name, "genres")["seed"].max() for name in results.steps] == [1, 2]
    assert set(states(material, tmp_path, steps).values()) == {"done"}
