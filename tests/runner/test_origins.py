"""What a page tells of its notebook, and the command that executes it with the same parameters."""

import math
import shlex
from pathlib import Path

import nbformat
import pytest
from click.testing import CliRunner
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from papermill.cli import papermill as command_line

from gtzan_lib.runner.origins import changed_parameters, note_origin, papermill_command

from .conftest import write_notebook

DECLARED = 'run: str = "manual"\ncount: "PositiveInt" = 1  # comment\nnames: list = []\n'


def page(injected, declared=DECLARED):
    cells = [new_markdown_cell("# A"), new_code_cell("import gtzan_lib as gl")]
    cells.append(new_code_cell(declared, metadata={"tags": ["parameters", "hide-input"]}))
    if injected:
        tags = {"tags": ["injected-parameters", "hide-input"]}
        cells.append(new_code_cell(f"# Parameters\n{injected}", metadata=tags))
    return new_notebook(cells=[*cells, new_markdown_cell("Text.")])


@pytest.mark.parametrize(
    ("injected", "changed"),
    [
        ("", {}),
        ('run = "quick"\ncount = 1', {"run": "quick"}),
        ('run = "manual"\ncount = 3\nnames = ["a", None]', {"count": 3, "names": ["a", None]}),
        ('limit = float("inf")\nshare = -0.5', {"limit": math.inf, "share": -0.5}),
    ],
)
def test_changed_parameters_are_those_that_are_not_the_defaults(injected, changed):
    assert changed_parameters(page(injected)) == changed


VALUES = {
    "run": "quick",
    "corpus": "/music/of Ann's",
    "code": "2024",
    "word": "None",
    "healthy": False,
    "epochs": 14,
    "learning_rate": 1e-05,
    "limit": math.inf,
    "folds": None,
    "arguments": {"channels": [16, 32], "head": "pool", "rate": 1e-05, "on": True},
    "protocols": ["window", "it's"],
}


def test_papermill_reads_the_same_values_from_the_command(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_notebook(tmp_path / "a page.ipynb")
    words = shlex.split(papermill_command("a page.ipynb", VALUES).replace("\\\n", ""))
    assert words[0] == "papermill"
    done = CliRunner().invoke(command_line, [*words[1:], "--prepare-only", "-l", "python"])
    assert done.exit_code == 0, done.output
    prepared = nbformat.read("out.ipynb", as_version=4)
    (cell,) = [c for c in prepared["cells"] if "injected-parameters" in c["metadata"]["tags"]]
    found = {}
    exec(cell["source"], found)
    assert {name: found[name] for name in VALUES} == VALUES


def noted(injected, declared=DECLARED):
    changed = page(injected, declared)
    note_origin(changed, Path("/a/project/notebooks/08_cnn.ipynb"))
    return changed


def test_a_page_names_its_notebook_and_shows_other_parameters_after_their_cell():
    changed = noted('run = "quick"\ncount = 3')
    assert changed["metadata"]["notebook"] == "notebooks/08_cnn.ipynb"
    assert "needs" not in changed["metadata"]
    text = changed["cells"][4]["source"]
    assert "papermill notebooks/08_cnn.ipynb out.ipynb \\\n  -p run quick \\\n  -p count 3" in text
    assert len(changed["cells"]) == 6
    nbformat.validate(changed)


@pytest.mark.parametrize("injected", ["", 'run = "published"\ncount = 1'])
def test_a_page_with_its_notebooks_own_parameters_shows_no_command(injected):
    changed = noted(injected)
    assert "papermill" not in str(changed["cells"])


def test_a_notebook_that_reads_published_results_needs_the_repository():
    changed = noted("", 'run: str = "manual"\nresults: str = "results/gtzan"')
    assert changed["metadata"]["needs"] == "repository"


def test_a_page_without_parameters_names_its_notebook():
    changed = new_notebook(cells=[new_markdown_cell("# A")])
    note_origin(changed, Path("notebooks/a.ipynb"))
    assert changed["metadata"]["notebook"] == "notebooks/a.ipynb"
    assert len(changed["cells"]) == 1
