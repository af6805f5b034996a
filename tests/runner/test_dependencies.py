"""What a notebook depends on is what it imports, and nothing else."""

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
        ("import gtzan_lib as gl\ngl.evaluate", {"gtzan_lib.evaluation.evaluation"}),
        ("import gtzan_lib\ngtzan_lib.split", {"gtzan_lib.data.splits"}),
        ("from gtzan_lib import windows", {"gtzan_lib.data.windows"}),
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


def test_all_that_is_imported_counts():
    files = names(module_files(["gtzan_lib.evaluation.evaluation"]))
    assert {"learn/evaluation.py", "data/splits.py", "data/corpus.py", "errors.py"} <= files
    assert {"__init__.py", "learn/__init__.py", "data/gtzan_tracks.csv"} <= files
    assert not {"learn/training.py", "plots/grids.py", "cli.py", "runner/execute.py"} & files


def test_models_that_come_along_count_as_part_of_what_loads_them(tmp_path):
    shipped = {
        f"learn/zoo_models/{card.parent.name}/model.json" for card in SHIPPED.glob("*/*.json")
    }
    write_notebook(tmp_path / "a.ipynb", "gl.load_model()")
    files = names(notebook_files(tmp_path / "a.ipynb"))
    assert {file for file in files if "_models/" in file} == shipped
    assert "learn/zoo_models/gtzan/model.json" in shipped
    write_notebook(tmp_path / "a.ipynb", "gl.evaluate")
    assert not any("_models/" in file for file in names(notebook_files(tmp_path / "a.ipynb")))


def test_a_model_that_is_new_beside_a_module_counts(tmp_path, monkeypatch):
    """Its card does, which names the checksum of its weights; what else lies there does not."""
    package = tmp_path / "gtzan_lib"
    card = "learn/zoo_models/mine/model.json"
    others = [
        "learn/zoo_models/mine/model.safetensors", "learn/zoo_models/mine/record.json",
        "learn/zoo_models/model.json", "learn/zoo_models/a/b/model.json",
        "learn/models/a/model.json",
    ]  # fmt: skip
    for name in (card, *others):
        (package / name).parent.mkdir(parents=True, exist_ok=True)
        (package / name).touch()
    monkeypatch.setattr(dependencies, "PACKAGE", package)
    found = {file.relative_to(package).as_posix() for file in module_files([LOADER])}
    assert {name for name in found if not name.endswith(".py")} == {card}


def test_a_leaf_touches_only_its_notebook(tmp_path):
    write_notebook(tmp_path / "a.ipynb", "gl.data.windows")
    write_notebook(tmp_path / "b.ipynb", "gl.plots")
    plots, errors = ROOT / "gtzan_lib/plots/grids.py", ROOT / "gtzan_lib/errors.py"
    assert plots not in notebook_files(tmp_path / "a.ipynb")
    assert plots in notebook_files(tmp_path / "b.ipynb")
    write_notebook(tmp_path / "b.ipynb", "gl.plots.levels(report.files)")
    assert plots not in notebook_files(tmp_path / "b.ipynb")
    assert plots.with_name("health.py") in notebook_files(tmp_path / "b.ipynb")
    for name in "ab":
        assert errors in notebook_files(tmp_path / f"{name}.ipynb")


@pytest.mark.parametrize("path", sorted((ROOT / "notebooks").glob("*.ipynb")), ids=lambda p: p.stem)
def test_files_exist_and_the_runner_is_not_among_them(path):
    files = notebook_files(path)
    assert all(Path(file).is_file() for file in files)
    assert not any("runner" in file.parts or file.name == "cli.py" for file in files)
