"""Notebooks are thin, without outputs and runnable by themselves."""

import ast
import builtins
import os
import statistics
import subprocess
import sys
import tomllib
from pathlib import Path

import nbformat
import papermill
import pytest

from gtzan_lib.inference.zoo import SHIPPED
from gtzan_lib.parameters.declarations import declared_in
from gtzan_lib.parameters.types import TYPES
from gtzan_lib.runner.runs import load_run

from .conftest import write_music
from .install_cell import TAG

ROOT = Path(__file__).parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))

# What a cell has that is not on the page, or on it without its code.
HIDDEN = {"remove-cell", "remove-input", "hide-input"}

# Those of every net, with the same types in all notebooks that train one.
TRAINING = {
    "epochs": "PositiveInt",
    "learning_rate": "PositiveFloat",
    "batch_size": "AtLeastTwo",
    "training": "TrainingSettings",
    "arguments": "NetArguments",
}


# Its predictions are simulated; the pages on GTZAN read published results.
WITHOUT_CORPUS = {"metrics", *(path.stem for path in NOTEBOOKS if path.stem.startswith("gtzan_"))}


@pytest.fixture(params=NOTEBOOKS, ids=lambda path: path.stem)
def notebook(request):
    return nbformat.read(request.param, as_version=4)


def code_cells(notebook):
    return [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]


def test_there_are_notebooks():
    assert {path.stem for path in NOTEBOOKS} >= {"01_data_health", "02_spectrograms", "08_cnn"}


def test_cells_are_thin(notebook):
    lengths = [
        len(cell["source"].splitlines())
        for cell in code_cells(notebook)
        if TAG not in cell["metadata"].get("tags", [])
    ]
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
    # `jupyter nbconvert --to script` writes text files without them.
    language = notebook["metadata"]["language_info"]
    assert (language["file_extension"], language["nbconvert_exporter"]) == (".py", "python")
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
    needed = {"run"} if path.stem in WITHOUT_CORPUS else {"run", "corpus"}
    assert needed <= parameters.keys()
    everywhere = [declared_in(other) for other in NOTEBOOKS]
    for name, parameter in parameters.items():
        bases = {other[name].type.base for other in everywhere if name in other}
        assert bases == {parameter.type.base}


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_help_of_papermill_names_every_parameter_with_its_choices(path):
    declared = declared_in(path)
    listed = papermill.inspect_notebook(path)
    assert listed.keys() == declared.keys()
    for name, entry in listed.items():
        type_ = declared[name].type
        assert TYPES[entry["inferred_type_name"]] == type_
        assert entry["help"]
        if type_.choices and type_.base is not dict:
            choices = entry["help"].rpartition(": ")[2].replace(" or ", ", ").split(", ")
            assert sorted(choices) == sorted(type_.choices())


def test_help_of_papermill_on_the_command_line():
    command = [sys.executable, "-m", "papermill", "--help-notebook"]
    answer = subprocess.run(
        [*command, ROOT / "notebooks" / "08_cnn.ipynb"], capture_output=True, text=True
    )
    words = " ".join(answer.stdout.split())
    assert 'protocol: Protocol (default "artist") artist, track, window or official' in words


def test_ruff_knows_the_types_of_parameters():
    settings = tomllib.loads((ROOT / "notebooks" / ".ruff.toml").read_text(encoding="utf-8"))
    assert settings["builtins"] == sorted(TYPES.keys() - vars(builtins).keys())


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_corpus_is_opened_in_one_way(path):
    notebook = nbformat.read(path, as_version=4)
    source = "\n".join(cell["source"] for cell in code_cells(notebook))
    assert source.count("gl.prepare_corpus(") == (path.stem not in WITHOUT_CORPUS)
    assert "gl.open_corpus(corpus" not in source


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_nets_are_trained_with_the_same_parameters(path):
    if "gl.NetClassifier(" in path.read_text(encoding="utf-8").partition("**Change it.**")[0]:
        declared = declared_in(path)
        assert {name: declared[name].type for name in TRAINING} == {
            name: TYPES[type_] for name, type_ in TRAINING.items()
        }


def builds_a_sentence_only(source):
    """Whether all that a cell shows is text that it builds for the page."""
    body = ast.parse(source).body
    shown = [ast.unparse(node.value) for node in body if isinstance(node, ast.Expr)]
    rest = "\n".join(ast.unparse(node) for node in body if not isinstance(node, ast.Expr))
    texts = all(text.startswith(("glue(", "Markdown(")) for text in shown)
    return bool(shown) and texts and "gl." not in rest


def test_cells_that_only_build_a_sentence_are_hidden(notebook):
    shown = [
        cell["source"]
        for cell in code_cells(notebook)
        if builds_a_sentence_only(cell["source"])
        and not HIDDEN & set(cell["metadata"].get("tags", []))
    ]
    assert shown == []


@pytest.mark.parametrize(
    ("source", "only"),
    [
        ('text = f"{x} %"\nglue("a", text, display=False)', True),
        ('Markdown(f"{x} %")', True),
        ("x = 3", False),
        ("gl.plots.recall(evaluation);", False),
        ('glue("a", "b")\ntable', False),
        ("evaluation = gl.evaluate(net)\nMarkdown(gl.summary(evaluation))", False),
    ],
)
def test_what_counts_as_a_sentence(source, only):
    assert builds_a_sentence_only(source) is only


@pytest.mark.check
@pytest.mark.parametrize("name", ["template", "02_spectrograms", "05_pca"])
def test_cells_run_as_a_script(tmp_path, name):
    """In plain Python, without IPython's shell, as when they are pasted into a file."""
    music = write_music(tmp_path / "music", tracks=6, seconds=6.2)
    values = {"corpus": str(music), "protocol": "track", "size": 32}
    notebook = nbformat.read(ROOT / "notebooks" / f"{name}.ipynb", as_version=4)
    declared = declared_in(ROOT / "notebooks" / f"{name}.ipynb")
    lines = []
    for cell in code_cells(notebook):
        lines.append(cell["source"])
        if "parameters" in cell["metadata"].get("tags", []):
            lines += [f"{key} = {value!r}" for key, value in values.items() if key in declared]
    script = tmp_path / "script.py"
    script.write_text("\n".join(lines), encoding="utf-8")
    environment = {**os.environ, "MPLBACKEND": "agg", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, script], capture_output=True, text=True, cwd=tmp_path, env=environment
    )
    assert done.returncode == 0, done.stderr


def test_pages_have_question_answer_and_caveats(notebook):
    text = "\n".join(c["source"] for c in notebook["cells"] if c["cell_type"] == "markdown")
    for part in ("**Question.**", "**Answer.**", "Caveats", "**Change it.**", "**The code**"):
        assert part in text


@pytest.mark.parametrize("file", sorted((ROOT / "runs").glob("*.yml")), ids=lambda path: path.stem)
def test_models_of_a_run_are_of_the_package_or_made_by_it_before(file, monkeypatch):
    monkeypatch.setenv("GTZAN_ROOT", "music")
    run = load_run(file)
    shipped = {path.name for path in SHIPPED.iterdir()}
    for experiment in run.experiments.values():
        if "model" in experiment.parameters:
            assert experiment.parameters["model"] in shipped | set(experiment.after)
