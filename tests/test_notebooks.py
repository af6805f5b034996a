"""Notebooks are thin, without outputs and runnable by themselves."""

import ast
import statistics
from pathlib import Path

import nbformat
import pytest

from gtzan_lib.parameters import declared_in

ROOT = Path(__file__).parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


@pytest.fixture(params=NOTEBOOKS, ids=lambda path: path.stem)
def notebook(request):
    return nbformat.read(request.param, as_version=4)


def code_cells(notebook):
    return [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]


def test_there_are_notebooks():
    assert {path.stem for path in NOTEBOOKS} >= {"01_data_health", "02_spectrograms", "08_cnn"}


def test_cells_are_thin(notebook):
    lengths = [len(cell["source"].splitlines()) for cell in code_cells(notebook)]
    assert statistics.median(lengths) <= 5
    assert max(lengths) <= 20


def test_cells_define_nothing(notebook):
    for cell in code_cells(notebook):
        for node in ast.walk(ast.parse(cell["source"])):
            assert not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
            if isinstance(node, ast.ImportFrom):
                assert all(alias.name != "*" for alias in node.names)


def test_templates_hold_no_outputs(notebook):
    assert notebook["metadata"]["kernelspec"]["name"] == "python3"
    for cell in code_cells(notebook):
        assert not cell["outputs"]
        assert cell["execution_count"] is None


def test_cell_after_the_parameters_checks_them(notebook):
    cells = code_cells(notebook)
    (number,) = [
        n for n, cell in enumerate(cells) if "parameters" in cell["metadata"].get("tags", [])
    ]
    check = cells[number + 1]["source"]
    assert "gl.check_parameters()" in check
    assert len(check.splitlines()) == 1


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_parameters_are_typed_and_shared_ones_agree(path):
    parameters = declared_in(path)
    assert {"run", "corpus"} <= parameters.keys()
    everywhere = [declared_in(other) for other in NOTEBOOKS]
    for name, parameter in parameters.items():
        assert {other[name].type for other in everywhere if name in other} == {parameter.type}


def test_pages_have_question_answer_and_caveats(notebook):
    text = "\n".join(c["source"] for c in notebook["cells"] if c["cell_type"] == "markdown")
    for part in ("**Question.**", "**Answer.**", "Caveats", "**Change it.**", "**The code**"):
        assert part in text
