"""The cell that installs the package: where it stands, and what it does without a checkout."""

import os
import subprocess
import venv
from pathlib import Path

import nbformat
import pytest
import yaml
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from .install_cell import ROOT, TAG, default_source, install_cell, put

NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
SETTINGS = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("repository", "source"),
    [
        (None, "gtzan-lib"),
        ({"url": "", "branch": "main"}, "gtzan-lib"),
        ({"url": "https://github.com/a/b/", "branch": "x"}, "git+https://github.com/a/b@x"),
        ({"url": "https://github.com/a/b"}, "git+https://github.com/a/b@main"),
    ],
)
def test_what_is_installed_follows_from_the_address(repository, source):
    settings = {} if repository is None else {"repository": repository}
    assert default_source(settings) == source
    assert f'"GTZAN_LIB_SOURCE", "{source}"' in install_cell(source)["source"]


def test_the_cell_comes_after_the_title_and_only_once():
    notebook = new_notebook(cells=[new_markdown_cell("# A"), new_code_cell("1")])
    for source in ("one", "two"):
        put(notebook, source)
        assert [cell["cell_type"] for cell in notebook["cells"]] == ["markdown", "code", "code"]
        assert notebook["cells"][1] == install_cell(source)
    nbformat.validate(notebook)


def tagged(path):
    """Return the numbers of the cells with the tag."""
    cells = nbformat.read(path, as_version=4)["cells"]
    return [n for n, cell in enumerate(cells) if TAG in cell["metadata"].get("tags", [])]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebooks_have_the_cell_as_it_is_written(path):
    assert tagged(path) == [1], "python -m tests.install_cell writes the cell"
    cell = nbformat.read(path, as_version=4)["cells"][1]
    assert cell["source"] == install_cell(default_source(SETTINGS))["source"]


@pytest.fixture
def clean(tmp_path) -> Path:
    """The interpreter of an environment with pip alone."""
    venv.create(tmp_path / "environment", with_pip=True)
    return next((tmp_path / "environment").glob("[bS]*/python*"))


def executed(python, code, folder, **variables):
    """Execute code in a folder, without the variables of this environment; return its output."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "GTZAN"))}
    folder.mkdir(exist_ok=True)
    return subprocess.run(
        [python, "-c", code],
        cwd=folder,
        env={**kept, **variables},
        capture_output=True,
        text=True,
    )


IMPORT = "import importlib.metadata as m; print(m.version('gtzan-lib'), find_spec('gtzan_lib'))"


@pytest.mark.check
def test_the_cell_installs_the_package_without_a_checkout(clean, wheel, tmp_path):
    cell = install_cell("gtzan-lib")["source"]
    # What the package requires is large, and is not the cell's matter.
    variables = {"PIP_NO_DEPS": "1", "GTZAN_LIB_SOURCE": str(wheel)}
    done = executed(clean, f"{cell}\n{IMPORT}", tmp_path / "empty", **variables)
    assert done.returncode == 0, done.stderr
    assert str(tmp_path / "environment") in done.stdout
    # It is there now, so that nothing is installed again.
    again = executed(clean, cell, tmp_path / "empty", GTZAN_LIB_SOURCE="/there/is/none.whl")
    assert (again.returncode, again.stdout, again.stderr) == (0, "", "")


@pytest.mark.check
def test_what_cannot_be_installed_is_an_error(clean, tmp_path):
    cell = install_cell("gtzan-lib")["source"]
    done = executed(clean, cell, tmp_path / "empty", GTZAN_LIB_SOURCE="/there/is/none.whl")
    assert done.returncode != 0
    assert "none.whl" in done.stderr
