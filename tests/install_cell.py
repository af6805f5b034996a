"""The first code cell of a notebook, which installs the package where it is missing.

`python -m tests.install_cell` writes it into all notebooks, again after the address of the
repository in `_config.yml` has changed.
"""

from pathlib import Path

import nbformat
import yaml

ROOT = Path(__file__).parents[1]

TAG = "install"
"""Tag of the cell, beside `remove-cell`."""

_CELL = """\
import os
import subprocess
import sys
from importlib.util import find_spec

if find_spec("gtzan_lib") is None:
    source = os.environ.get("GTZAN_LIB_SOURCE", "{source}")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", source]
    subprocess.run(pip, check=True)"""


def default_source(settings: dict) -> str:
    """Return what pip installs: the repository, or its name in the package index.

    `settings` is the content of `_config.yml`.
    """
    repository = settings.get("repository", {})
    url, branch = repository.get("url", ""), repository.get("branch", "main")
    return f"git+{url.rstrip('/')}@{branch}" if url else "gtzan-lib"


def install_cell(source: str) -> nbformat.NotebookNode:
    """Return the cell.

    It does nothing where the package can be imported. The environment variable
    GTZAN_LIB_SOURCE replaces `source`, which is what pip installs.
    """
    return nbformat.v4.new_code_cell(
        _CELL.format(source=source), id=TAG, metadata={"tags": ["remove-cell", TAG]}
    )


def put(notebook: nbformat.NotebookNode, source: str) -> None:
    """Put the cell after the first cell of a notebook, which has the title, or replace it."""
    cells = notebook["cells"]
    cells[:] = [cell for cell in cells if TAG not in cell["metadata"].get("tags", [])]
    cells.insert(1, install_cell(source))


def main() -> None:
    """Put the cell into all notebooks of the project, without other changes."""
    settings = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        notebook = nbformat.read(path, as_version=4)
        put(notebook, default_source(settings))
        nbformat.write(notebook, path)


if __name__ == "__main__":
    main()
