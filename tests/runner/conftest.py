"""A small project with runs, notebooks and a book that take seconds."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

ROOT = Path(__file__).parents[2]

PARAMETERS = """\
run: str = "manual"
corpus: str = "synthetic"
count: int = 1
name: str = "x"
"""


def write_notebook(path, *cells, title="A page", parameters=PARAMETERS):
    tagged = new_code_cell(parameters, metadata={"tags": ["parameters"]})
    notebook = new_notebook(
        cells=[
            new_markdown_cell(f"# {title}"),
            new_code_cell("import gtzan_lib as gl"),
            tagged,
            new_code_cell("gl.check_parameters();"),
            *map(new_code_cell, cells),
        ],
        metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}},
    )
    for number, cell in enumerate(notebook["cells"]):
        cell["id"] = f"cell-{number}"
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, path)


def write_project(root):
    """Write the real Snakefile, two tiny notebooks, a run over a three-second corpus."""
    for folder in ("runs", "book"):
        (root / folder).mkdir(parents=True)
    shutil.copy(ROOT / "Snakefile", root)
    # A copy of the package, whose files may be touched while other tests run.
    ignore = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "gtzan_lib", root / "gtzan_lib", ignore=ignore)
    without_corpus = PARAMETERS.replace('corpus: str = "synthetic"\n', "")
    write_notebook(
        root / "notebooks" / "01_count.ipynb", "count + 1", "gl.Recipe", parameters=without_corpus
    )
    write_notebook(
        root / "notebooks" / "02_corpus.ipynb",
        "collection = gl.open_corpus(corpus, work=gl.Workspace(run))",
        "len(collection)",
    )
    (root / "runs" / "small.yml").write_text(
        "compose: {artists: 1, tracks: 1, seconds: 3, genres: [blues, rock]}\n"
        "defaults: {corpus: synthetic}\n"
        "experiments:\n  01_count: {}\n  02_corpus: {}\n"
    )
    (root / "book" / "index.md").write_text("# A book\n\nText.\n")
    (root / "_config.yml").write_text(
        'title: A book\nonly_build_toc_files: true\nexecute: {execute_notebooks: "off"}\n'
    )
    (root / "_toc.yml").write_text(
        "format: jb-book\nroot: book/index\nchapters:\n"
        "  - file: notebooks/01_count\n  - file: notebooks/02_corpus\n"
    )
    return root


def start(project, *arguments):
    """Start `gtzan` in a project, in a process group of its own that can be killed."""
    paths = {"PYTHONPATH": str(project), "GTZAN_WORK": str(project / "work")}
    return subprocess.Popen(
        [sys.executable, "-m", "gtzan_lib", *arguments],
        cwd=project,
        env={**os.environ, **paths},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def finish(process, *, timeout=400):
    """Wait for a process, and kill its group if it takes too long."""
    try:
        out, err = process.communicate(timeout=timeout)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
    return process.returncode, out.strip(), err.strip()


def call(project, *arguments, timeout=400):
    """Run `gtzan`; return its exit code, standard output and standard error."""
    return finish(start(project, *arguments), timeout=timeout)


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A small project as the current folder."""
    root = write_project(tmp_path / "project")
    monkeypatch.setenv("GTZAN_WORK", str(root / "work"))
    monkeypatch.chdir(root)
    return root
