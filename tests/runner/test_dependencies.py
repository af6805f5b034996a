"""A notebook depends on the modules it imports, and on nothing else."""

from pathlib import Path

import pytest

from gtzan_lib.inference.zoo import SHIPPED
from gtzan_lib.runner import dependencies
from gtzan_lib.runner.dependencies import module_files, modules_of, notebook_files

from .conftest import ROOT, write_notebook

LOADER = "gtzan_lib.inference.zoo"


def names(files):
    return {file.relative_to(ROOT / "gtzan_lib").as_posix() for file in files}


@pytest.mark.parametrize(
    ("source", "modules"),
    [
        ("import gtzan_lib as gl\ngl.evaluate", {"gtzan_lib.evaluation.evaluate"}),
        ("import gtzan_lib as gl\ngl.live.record", {"gtzan_lib.live.microphone"}),
        ("import gtzan_lib as gl\ngl.live.listen(raw, model)", {"gtzan_lib.live.streaming"}),
        ("import gtzan_lib as gl\ngl.evaluation.audit", {"gtzan_lib.evaluation.leakage"}),
        ("import gtzan_lib as gl\ngl.inference.saliency(x)", {"gtzan_lib.inference.saliency"}),
        ("import gtzan_lib as gl\ngl.data.DataSplit.load(x)", {"gtzan_lib.data.splits"}),
        ("import gtzan_lib as gl\ngl.live", {"gtzan_lib.live"}),
        ("import gtzan_lib\ngtzan_lib.split", {"gtzan_lib.data.splits"}),
        ("from gtzan_lib import WindowGrid", {"gtzan_lib.data.windows"}),
        ("from gtzan_lib.data.audio import load", {"gtzan_lib.data.audio"}),
        ("from gtzan_lib.data import audio", {"gtzan_lib.data.audio"}),
        ("import gtzan_lib.plots", {"gtzan_lib.plots"}),
        ("import gtzan_lib as gl\ngl.plots", {"gtzan_lib.plots"}),
        ("import gtzan_lib as gl\ngl.plots.split_counts(x).set()", {"gtzan_lib.plots.evaluation"}),
        ("%matplotlib inline\nimport numpy", set()),
    ],
)
def test_modules_of(source, modules):
    assert modules_of(source) == modules


def test_all_imported_modules_count():
    files = names(module_files(["gtzan_lib.evaluation.evaluation"]))
    assert {"evaluation/evaluation.py", "data/splits.py", "data/corpus.py", "stats.py"} <= files
    assert {"__init__.py", "evaluation/__init__.py"} <= files
    others = {"evaluation/leakage.py", "training/classifier.py", "plots/comparison.py", "cli.py"}
    assert not {*others, "runner/execute.py"} & files
    assert all((ROOT / "gtzan_lib" / name).is_file() for name in others)


def test_tables_beside_a_module_count():
    tables = {path.name for path in (ROOT / "gtzan_lib/data/loaders").glob("*.csv")}
    files = names(module_files(["gtzan_lib.data.opening"]))
    assert {Path(file).name for file in files if file.endswith(".csv")} == tables
    assert "gtzan_tracks.csv" in tables


def test_choices_of_parameters_are_no_dependency(tmp_path):
    """A notebook that checks its parameters does not depend on what others may choose."""
    write_notebook(tmp_path / "a.ipynb", "gl.check_parameters()")
    files = names(notebook_files(tmp_path / "a.ipynb"))
    assert "parameters/types.py" in files
    assert not any(file.startswith(("models/", "studies/", "data/")) for file in files)


def test_shipped_models_count_as_part_of_the_module_that_loads_them(tmp_path):
    shipped = {
        f"inference/zoo_models/{card.parent.name}/model.json" for card in SHIPPED.glob("*/*.json")
    }
    write_notebook(tmp_path / "a.ipynb", "gl.load_model()")
    files = names(notebook_files(tmp_path / "a.ipynb"))
    assert {file for file in files if "_models/" in file} == shipped
    assert "inference/zoo_models/gtzan-scratch/model.json" in shipped
    write_notebook(tmp_path / "a.ipynb", "gl.evaluate")
    assert not any("_models/" in file for file in names(notebook_files(tmp_path / "a.ipynb")))


def test_a_new_model_beside_a_module_counts(tmp_path, monkeypatch):
    """Only its card counts, which has the checksum of its weights."""
    package = tmp_path / "gtzan_lib"
    card = "inference/zoo_models/mine/model.json"
    others = [
        "inference/zoo_models/mine/model.safetensors", "inference/zoo_models/mine/record.json",
        "inference/zoo_models/model.json", "inference/zoo_models/a/b/model.json",
        "inference/models/a/model.json",
    ]  # fmt: skip
    for name in (card, *others):
        (package / name).parent.mkdir(parents=True, exist_ok=True)
        (package / name).touch()
    monkeypatch.setattr(dependencies, "PACKAGE", package)
    files = {file.relative_to(package).as_posix() for file in module_files([LOADER])}
    assert {name for name in files if not name.endswith(".py")} == {card}


def test_a_module_affects_only_notebooks_that_use_it(tmp_path):
    write_notebook(tmp_path / "a.ipynb", "gl.data.windows")
    write_notebook(tmp_path / "b.ipynb", "gl.plots")
    grid, errors = ROOT / "gtzan_lib/plots/comparison.py", ROOT / "gtzan_lib/errors.py"
    assert grid not in notebook_files(tmp_path / "a.ipynb")
    assert grid in notebook_files(tmp_path / "b.ipynb")
    write_notebook(tmp_path / "b.ipynb", "gl.plots.levels(report.files)")
    assert grid not in notebook_files(tmp_path / "b.ipynb")
    assert grid.with_name("health.py") in notebook_files(tmp_path / "b.ipynb")
    for name in "ab":
        assert errors in notebook_files(tmp_path / f"{name}.ipynb")


@pytest.mark.parametrize("path", sorted((ROOT / "notebooks").glob("*.ipynb")), ids=lambda p: p.stem)
def test_files_exist_and_the_runner_is_not_among_them(path):
    files = notebook_files(path)
    assert all(Path(file).is_file() for file in files)
    assert not any("runner" in file.parts or file.name == "cli.py" for file in files)
