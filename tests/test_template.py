"""The template runs from the wheel in an empty folder, as for a user of the package."""

import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import nbformat
import pytest

from .conftest import write_music
from .install_cell import TAG

ROOT = Path(__file__).parents[1]
TEMPLATE = ROOT / "notebooks" / "template.ipynb"

pytestmark = pytest.mark.check


@pytest.fixture(scope="module")
def installed(tmp_path_factory) -> Path:
    """The built wheel, unpacked, without the repository."""
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, ROOT],
        check=True,
        capture_output=True,
    )
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


def test_template_has_ten_lines():
    cells = nbformat.read(TEMPLATE, as_version=4)["cells"]
    code = "\n".join(
        cell["source"]
        for cell in cells
        if cell["cell_type"] == "code" and TAG not in cell["metadata"].get("tags", [])
    )
    assert len([line for line in code.splitlines() if line.strip()]) <= 10


def test_template_runs_from_the_wheel_in_an_empty_folder(installed, tmp_path):
    corpus = write_music(tmp_path / "music", tracks=6, seconds=6.2)
    empty = tmp_path / "empty"
    empty.mkdir()
    environment = {**os.environ, "PYTHONPATH": str(installed), "GTZAN_WORK": str(empty / "work")}
    parameters = ["-p", "corpus", str(corpus), "-p", "protocol", "track"]
    subprocess.run(
        [sys.executable, "-m", "papermill", TEMPLATE, "out.ipynb", *parameters],
        check=True,
        capture_output=True,
        cwd=empty,
        env=environment,
    )
    cells = nbformat.read(empty / "out.ipynb", as_version=4)["cells"]
    printed = "".join(o.get("text", "") for c in cells for o in c.get("outputs", []))
    assert re.search(r"% \(95 % interval .*\), split by track\.", printed)
    imported = subprocess.run(
        [sys.executable, "-c", "import gtzan_lib; print(gtzan_lib.__file__)"],
        capture_output=True,
        text=True,
        cwd=empty,
        env=environment,
    )
    assert imported.stdout.startswith(str(installed))
