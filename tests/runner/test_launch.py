"""Whole runs through Snakemake: what is executed when, failures, kills, company."""

import os
import shutil
import signal
import time
from pathlib import Path

import nbformat
import pytest

from .conftest import write_notebook

pytestmark = pytest.mark.slow

EXECUTED = ("01_count", "02_music")


def executed(project, run="small"):
    return project / "work" / run / "executed"


def times(project):
    return {name: (executed(project) / f"{name}.ipynb").stat().st_mtime_ns for name in EXECUTED}


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.glob("*.ipynb")}


def touch(path):
    # Snakemake compares times of change; make sure that this one is later.
    now = time.time() + 1
    os.utime(path, (now, now))


def redone(project, call, *options):
    """Call the run again and name the notebooks that were executed."""
    before = times(project)
    code, out, err = call("run", "small", *options)
    assert code == 0, err
    assert out.splitlines()[-1] == str(project / "_build" / "html" / "index.html")
    return {name for name, stamp in times(project).items() if stamp != before[name]}


@pytest.fixture
def done(project, call):
    code, out, err = call("run", "small")
    assert code == 0, err
    assert Path(out.splitlines()[-1]).is_file()
    return project


def test_only_what_changed_is_executed(done, call):
    page = done / "work/small/site/_build/html/index.html"
    built = page.stat().st_mtime_ns
    assert redone(done, call) == set()
    assert page.stat().st_mtime_ns == built

    touch(done / "notebooks/01_count.ipynb")
    assert redone(done, call) == {"01_count"}
    assert page.stat().st_mtime_ns != built

    assert redone(done, call, "-p", "count=5") == {"01_count", "02_music"}
    assert redone(done, call) == {"01_count", "02_music"}


def test_modules_and_corpus_decide(done, call):
    # Only 01_count uses the recipe; only 02_music the corpus; both their errors.
    touch(done / "gtzan_lib/signal/spectrograms.py")
    assert redone(done, call) == {"01_count"}
    touch(done / "gtzan_lib/plots.py")
    assert redone(done, call) == set()
    touch(done / "gtzan_lib/errors.py")
    assert redone(done, call) == {"01_count", "02_music"}

    run = done / "runs/small.yml"
    run.write_text(run.read_text().replace("seconds: 3", "seconds: 4"))
    assert "02_music" in redone(done, call)
    notebook = nbformat.read(executed(done) / "02_music.ipynb", as_version=4)
    assert notebook["cells"][-1]["outputs"][0]["data"]["text/plain"] == "2"


def test_failing_cell_is_named_and_the_rest_is_kept(project, call):
    write_notebook(project / "notebooks/01_count.ipynb", "count", "1 / 0", "count")
    code, _, err = call("run", "small")
    assert code == 1
    last = err.splitlines()[-1]
    assert "01_count.ipynb (experiment '01_count'): cell 6 failed with ZeroDivisionError" in last
    partial = project / "work/small/partial/01_count.ipynb"
    assert str(partial) in last
    cells = nbformat.read(partial, as_version=4)["cells"]
    assert any("ZeroDivisionError" in str(cell.get("outputs")) for cell in cells)
    assert not (executed(project) / "01_count.ipynb").exists()
    assert (executed(project) / "02_music.ipynb").exists()
    assert not (project / "_build/html").exists()

    write_notebook(project / "notebooks/01_count.ipynb", "count")
    assert call("run", "small")[0] == 0
    assert not partial.exists()


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["small", "-p", "cuont=3"], "did you mean 'count'?"),
        (["small", "-p", "count=ten"], "'count' takes int, got 'ten' (str)"),
        (["small", "-p", "corpus=/nowhere"], "/nowhere: there is no such folder"),
        (["nothing"], "there is no such run"),
    ],
)
def test_refusals_come_first_and_are_one_sentence(project, call, options, sentence):
    code, out, err = call("run", *options)
    assert code == 1
    assert out == ""
    assert len(err.splitlines()) == 1
    assert err.startswith("error: ")
    assert sentence in err
    assert not (project / "work").exists()


def test_two_runs_side_by_side_and_one_run_twice(project, gtzan):
    shutil.copy(project / "runs/small.yml", project / "runs/other.yml")
    first, other = gtzan("run", "small"), gtzan("run", "other")
    while not (project / "work/small/.snakemake").exists():
        assert first.poll() is None
        time.sleep(0.05)
    again = gtzan("run", "small")
    errors = {}
    for name, process in {"first": first, "other": other, "again": again}.items():
        _, errors[name] = process.communicate(timeout=300)
        assert process.returncode == 0, errors[name]
    assert "run 'small' is already going; waiting for it to finish." in errors["again"]
    assert "already going" not in errors["other"]
    # They differ only in the name of the run, which is a parameter.
    for name, page in contents(executed(project)).items():
        twin = contents(executed(project, "other"))[name]
        assert page.replace(b"small", b"other") == twin


@pytest.mark.parametrize("mark", ["corpus/settings.json", "partial/02_music.ipynb", "site/_toc.yml"])
def test_killed_anywhere_it_finishes_when_called_again(project, gtzan, call, mark, tmp_path):
    process = gtzan("run", "small")
    while not (project / "work/small" / mark).exists():
        assert process.poll() is None, process.communicate()
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    code, out, err = call("run", "small")
    assert code == 0, err
    assert Path(out.splitlines()[-1]).is_file()
    disturbed = contents(executed(project))
    shutil.rmtree(project / "work")
    assert call("run", "small")[0] == 0
    assert contents(executed(project)) == disturbed


def test_the_graph_can_leave_the_machine(done, call):
    here = contents(executed(done))
    shutil.rmtree(done / "work")
    submit = ("--executor", "cluster-generic", "--cluster-generic-submit-cmd", "sh", "--jobs", "2")
    code, _, err = call("run", "small", "--", *submit)
    assert code == 0, err
    assert contents(executed(done)) == here
