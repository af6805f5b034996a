"""Whole runs with Snakemake: changed inputs, failures, kills, several runs at once."""

import os
import shutil
import signal
import sys
import time
from pathlib import Path

import nbformat
import pytest

from gtzan_lib.cli import main

from .conftest import ROOT, call, finish, start, write_notebook, write_project

EXECUTED = ("01_count", "02_corpus")


def executed(project, run="small"):
    return project / "work" / run / "executed"


def contents(project, run="small"):
    return {path.name: path.read_bytes() for path in executed(project, run).glob("*.ipynb")}


def touch(path):
    # Snakemake compares modification times; this one must be later.
    now = time.time() + 1
    os.utime(path, (now, now))


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """A project with a finished run, and the content of its executed notebooks."""
    project = write_project(tmp_path_factory.mktemp("done") / "project")
    code, out, err = call(project, "run", "small")
    assert code == 0, err
    assert out.splitlines()[-1] == str(project / "_build" / "html" / "index.html")
    assert Path(out.splitlines()[-1]).is_file()
    return project, contents(project)


@pytest.mark.check
def test_only_what_changed_is_executed(done):
    project, _ = done
    page = project / "work/small/site/_build/html/index.html"

    def redone(*options):
        """Repeat the run; return the notebooks executed, and whether pages were rendered."""
        before = {path: path.stat().st_mtime_ns for path in [page, *executed(project).iterdir()]}
        code, _, err = call(project, "run", "small", *options)
        assert code == 0, err
        changed = {path.stem for path, stamp in before.items() if path.stat().st_mtime_ns != stamp}
        return changed & set(EXECUTED), "index" in changed

    assert redone() == (set(), False)
    touch(project / "notebooks/01_count.ipynb")
    assert redone() == ({"01_count"}, True)
    # Only 01_count uses the recipe.
    touch(project / "gtzan_lib/signal/recipes.py")
    assert redone() == ({"01_count"}, True)
    touch(project / "gtzan_lib/errors.py")
    assert redone() == ({"01_count", "02_corpus"}, True)
    run = project / "runs/small.yml"
    run.write_text(run.read_text().replace("genres: [blues, rock]", "genres: [blues]"))
    assert redone() == ({"02_corpus"}, True)
    notebook = nbformat.read(executed(project) / "02_corpus.ipynb", as_version=4)
    assert notebook["cells"][-1]["outputs"][0]["data"]["text/plain"] == "1"
    assert redone("-p", "count=5") == ({"01_count", "02_corpus"}, True)
    assert redone("-p", "count=5", "-p", "01_count.count=6") == ({"01_count"}, True)
    assert redone("-p", "02_corpus.count=5", "-p", "01_count.count=6") == (set(), False)


@pytest.mark.check
def test_failing_cell_is_named_and_other_notebooks_are_executed(project):
    write_notebook(project / "notebooks/01_count.ipynb", "count", "1 / 0", "count")
    code, _, err = call(project, "run", "small")
    assert code == 1
    last = err.splitlines()[-1]
    assert "01_count.ipynb (experiment '01_count'): cell 7, which begins with '1 / 0'," in last
    assert "failed with ZeroDivisionError: division by zero" in last
    partial = project / "work/small/partial/01_count.ipynb"
    assert str(partial) in last
    cells = nbformat.read(partial, as_version=4)["cells"]
    (failed,) = [cell for cell in cells if cell["source"] == "1 / 0"]
    assert "ZeroDivisionError" in str(failed["outputs"])
    assert not (executed(project) / "01_count.ipynb").exists()
    assert (executed(project) / "02_corpus.ipynb").exists()
    assert not (project / "_build/html").exists()

    write_notebook(project / "notebooks/01_count.ipynb", "count")
    assert call(project, "run", "small")[0] == 0
    assert not partial.exists()


@pytest.mark.check
def test_a_project_in_a_folder_of_any_name(tmp_path):
    project = write_project(tmp_path / "GTZAN #2: a{b}c $HOME 'q' " / "pro ject")
    code, out, err = call(project, "run", "small")
    assert code == 0, err
    assert Path(out) == project / "_build/html/index.html"
    assert err.splitlines() == [
        *(line for line in err.splitlines() if line.startswith(("started  ", "done     "))),
    ]
    assert sum(line.startswith("done") for line in err.splitlines()) == 4
    # Nothing has to be done again where the project was moved.
    moved = project.rename(tmp_path / "moved")
    code, out, err = call(moved, "run", "small")
    assert (code, err) == (0, "")
    assert Path(out) == moved / "_build/html/index.html"


def test_the_report_of_snakemake_is_named_where_nothing_else_is_known(project):
    (project / "Snakefile").write_text("rule broken:\n    output: 1 / 0\n")
    code, _, err = call(project, "run", "small")
    assert code == 1
    report = project / "work/small/snakemake.log"
    assert err == f"error: run 'small' failed; see {report}."
    assert "ZeroDivisionError" in report.read_text()
    code, out, err = call(project, "run", "small", "-v")
    assert code == 1
    assert "ZeroDivisionError" in out + err
    assert err.splitlines()[-1] == "error: run 'small' failed; see the output above."


def test_a_parameter_reaches_every_step(project):
    file = project / "runs" / "small.yml"
    file.write_text(file.read_text().replace("corpus: synthetic", 'corpus: "${NOT_SET_ANYWHERE}"'))
    code, _, err = call(project, "run", "small")
    assert code == 1
    assert "NOT_SET_ANYWHERE" in err
    code, _, err = call(project, "run", "small", "-p", "corpus=synthetic")
    assert code == 0, err


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["small", "-p", "cuont=3"], "did you mean 'count'?"),
        (["small", "-p", "count=ten"], "'count' takes int, got 'ten' (str)"),
        (["small", "-p", "01_cuont.count=3"], "no experiment '01_cuont'; did you mean '01_count'?"),
        (["small", "-p", "01_count.cuont=3"], "did you mean 'count'?"),
        (["small", "-p", "count"], "'count' must read NAME=VALUE"),
        (["small", "-p", "corpus=/nowhere"], "/nowhere: there is no such folder"),
        (["nothing"], "there is no such run"),
    ],
)
def test_invalid_arguments_are_refused_first_with_one_sentence(
    project, options, sentence, monkeypatch, capsys
):
    monkeypatch.setattr(sys, "argv", ["gtzan", "run", *options])
    with pytest.raises(SystemExit) as caught:
        main()
    assert caught.value.code == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert len(err.splitlines()) == 1
    assert err.startswith("error: ")
    assert sentence in err
    assert not (project / "work").exists()


def refusal(monkeypatch, capsys, *arguments):
    """Call the command in this process; return the sentence that refuses it."""
    monkeypatch.setattr(sys, "argv", list(map(str, arguments)))
    with pytest.raises(SystemExit) as caught:
        main()
    assert caught.value.code == 1
    (line,) = capsys.readouterr().err.splitlines()
    return line


def test_a_command_of_a_copied_environment_is_refused(tmp_path, monkeypatch, capsys):
    command = tmp_path / "copy/.venv/bin/gtzan"
    command.parent.mkdir(parents=True)
    (tmp_path / "copy/.venv/pyvenv.cfg").write_text("home = /usr/bin\n")
    line = refusal(monkeypatch, capsys, command, "models")
    assert f"{command.parents[1]}: was copied from another folder" in line
    assert "'make setup'" in line


def test_code_of_another_checkout_is_refused(project, monkeypatch, capsys):
    line = refusal(monkeypatch, capsys, "gtzan", "run", "small")
    assert f"{project}: this command runs the code of another folder, {ROOT}" in line
    assert not (project / "work").exists()


def test_a_workspace_that_cannot_be_written_is_named(project, monkeypatch, capsys):
    shutil.rmtree(project / "gtzan_lib")
    (project / "file").touch()
    monkeypatch.setenv("GTZAN_WORK", str(project / "file"))
    line = refusal(monkeypatch, capsys, "gtzan", "run", "small")
    assert f"{project / 'file'}" in line
    assert "cannot be written" in line
    assert "set GTZAN_WORK" in line


@pytest.mark.check
def test_two_runs_in_parallel_and_one_run_twice(done, project):
    shutil.copy(project / "runs/small.yml", project / "runs/other.yml")
    first, other = start(project, "run", "small"), start(project, "run", "other")
    while not (project / "work/small/.snakemake").exists():
        assert first.poll() is None
        time.sleep(0.05)
    again = start(project, "run", "small")
    code, _, err = finish(again)
    assert code == 0, err
    assert "run 'small' is already going; waiting for it to finish." in err
    for process in (first, other):
        code, _, err = finish(process)
        assert code == 0, err
        assert "already going" not in err
    assert contents(project) == done[1]
    # The other run differs only in its name, which is a parameter.
    renamed = {name: page.replace(b"other", b"small") for name, page in done[1].items()}
    others = contents(project, "other")
    assert {name: page.replace(b"other", b"small") for name, page in others.items()} == renamed


@pytest.mark.check
@pytest.mark.parametrize(
    "mark", ["corpus/settings.json", "partial/02_corpus.ipynb", "site/_toc.yml"]
)
def test_a_killed_run_finishes_when_it_is_repeated(done, project, mark):
    process = start(project, "run", "small")
    while not (project / "work/small" / mark).exists():
        assert process.poll() is None, process.communicate()
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    code, out, err = call(project, "run", "small")
    assert code == 0, err
    assert Path(out.splitlines()[-1]).is_file()
    assert contents(project) == done[1]


@pytest.mark.check
def test_jobs_can_be_submitted_to_a_cluster(done, project):
    submit = ("--executor", "cluster-generic", "--cluster-generic-submit-cmd", "sh", "--jobs", "2")
    submit += ("--seconds-between-status-checks", "1")
    code, _, err = call(project, "run", "small", "--", *submit)
    assert code == 0, err
    assert contents(project) == done[1]
