"""Building the book from text pages and executed notebooks."""

from __future__ import annotations

import errno
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import yaml
from filelock import FileLock
from nbformat.v4 import new_markdown_cell

from ..data.loaders.gtzan_splits import PUBLISHED_SPLITS
from ..errors import RunError
from ..files import rename
from .jobs import job
from .run_files import BOOK_JOB
from .runs import Run
from .stamps import changes_since, note_of

__all__ = ["build_site", "prose_files", "publish", "published_pages"]

# Its script may be in another folder than the interpreter, and it has no __main__.
JUPYTER_BOOK = "from jupyter_book.cli.main import main; main()"


def prose_files(root: Path) -> list[Path]:
    """Return the sources of the book: settings, contents, files below `book/`, askings.

    Parameters
    ----------
    root : Path
        The project's root.

    Returns
    -------
    list of Path
        Sorted.
    """
    pages = [path for path in (root / "book").rglob("*") if path.is_file()]
    askings = (root / "results").glob("*/test_access.csv")
    return sorted([root / "_config.yml", root / "_toc.yml", *pages, *askings])


def published_pages(root: Path) -> dict[Path, Path]:
    """Return the executed pages that come with the project, and the notebooks behind them.

    Parameters
    ----------
    root : Path
        The project's root.

    Returns
    -------
    dict of Path to Path
        By the executed page, in `results/*/executed`, the notebook in `notebooks`.
    """
    pages = sorted((root / "results").glob("*/executed/*.ipynb"))
    return {page: root / "notebooks" / page.name for page in pages}


def build_site(run: Run) -> Path:
    """Render the book of a run.

    Sources are copied to the run's `site/`, executed notebooks to the places of
    their sources in the project, so that one table of contents serves both. Only
    changed files are copied and rendered again.

    Parameters
    ----------
    run : Run
        The run; all its experiments are executed.

    Returns
    -------
    Path
        First page of the book.

    Raises
    ------
    RunError
        If a page of the table of contents is missing, or Sphinx warns.
    """
    with job(run, BOOK_JOB):
        return _build(run)


def _build(run: Run) -> Path:
    stage = run.work.site
    pages = {path.relative_to(run.root): path.read_bytes() for path in prose_files(run.root)}
    for experiment in (one for one in run.experiments.values() if one.page):
        name = f"{experiment.name}.ipynb"
        page = (run.work.executed / name).read_text(encoding="utf-8")
        pages[Path("notebooks") / name] = _retitle(page, experiment.title).encode()
    for executed, source in published_pages(run.root).items():
        pages[Path("notebooks") / executed.name] = _with_note(executed, source).encode()
    for file in PUBLISHED_SPLITS.values():
        pages[Path("book/_static") / file.name] = file.read_bytes()
    _refuse_missing_pages(run, pages)
    if _differs(stage / "_toc.yml", pages[Path("_toc.yml")]):
        # Every page shows the table of contents, but Sphinx renders only changed pages.
        shutil.rmtree(stage / "_build", ignore_errors=True)
    _mirror(pages, stage)
    log = stage / "_build" / "build.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-c", JUPYTER_BOOK, "build", ".", "-W", "--keep-going"]
    result = subprocess.run(
        command,
        cwd=stage,
        env={**os.environ, "NO_COLOR": "1", "PYTHONUTF8": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
    )
    log.write_text(result.stdout, encoding="utf-8")
    if result.returncode:
        lines = result.stdout.strip().splitlines() or ["no output"]
        reason = next((line for line in lines if "WARNING" in line or "ERROR" in line), lines[-1])
        raise RunError(f"the book could not be built ({reason.strip()}); the whole log is {log}.")
    return stage / "_build" / "html" / "index.html"


def publish(run: Run) -> Path:
    """Copy the book of a run to the project's `_build/html`.

    Parameters
    ----------
    run : Run
        The run; its book is built.

    Returns
    -------
    Path
        The first page, in the project's `_build/html`; in the run's workspace if the
        project cannot be written, which may be somebody else's.
    """
    built = run.work.site / "_build" / "html"
    target = run.root / "_build" / "html"
    try:
        target.parent.mkdir(exist_ok=True)
        with FileLock(target.with_name(".lock")):
            _replace(target, built, run.name)
    except OSError as error:
        if error.errno not in (errno.EACCES, errno.EPERM, errno.EROFS):
            raise
        return built / "index.html"
    return target / "index.html"


def _replace(target: Path, built: Path, name: str) -> None:
    """Replace a published book, unless it is the same one."""
    stamp = target.with_name("html.built")
    # Sphinx writes the list of objects again whenever a page changes.
    state = f"{name} {(built / 'objects.inv').stat().st_mtime_ns}"
    if target.is_dir() and stamp.is_file() and stamp.read_text(encoding="utf-8") == state:
        return
    fresh, old = target.with_name("html.new"), target.with_name("html.old")
    for leftover in (fresh, old):
        shutil.rmtree(leftover, ignore_errors=True)
    shutil.copytree(built, fresh)
    if target.exists():
        rename(target, old)
    rename(fresh, target)
    stamp.write_text(state, encoding="utf-8")
    shutil.rmtree(old, ignore_errors=True)


def _retitle(page: str, title: str) -> str:
    """Replace the heading of a notebook that several experiments execute."""
    if not title:
        return page
    notebook = nbformat.reads(page, as_version=4)
    first = notebook["cells"][0]
    first["source"] = re.sub(r"^# .*", lambda _: f"# {title}", first["source"], count=1)
    return nbformat.writes(notebook)


def _with_note(executed: Path, source: Path) -> str:
    """Return a published page with a note of when and from what it was made."""
    notebook = nbformat.read(executed, as_version=4)
    note = new_markdown_cell(note_of(notebook, changes_since(notebook, source)), id="how-made")
    notebook["cells"].append(note)
    return nbformat.writes(notebook)


def _mirror(pages: dict[Path, bytes], stage: Path) -> None:
    """Make the stage contain exactly these files; write only those that differ."""
    for place, content in pages.items():
        target = stage / place
        if _differs(target, content):
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
    for folder in ("book", "notebooks"):
        for path in (stage / folder).rglob("*"):
            if path.is_file() and path.relative_to(stage) not in pages:
                path.unlink()


def _differs(path: Path, content: bytes) -> bool:
    return not path.is_file() or path.read_bytes() != content


def _refuse_missing_pages(run: Run, pages: dict[Path, bytes]) -> None:
    existing = {place.with_suffix("").as_posix() for place in pages}
    contents = yaml.safe_load((run.root / "_toc.yml").read_text(encoding="utf-8"))
    for page in _pages(contents):
        if page not in existing:
            raise RunError(
                f"_toc.yml: names page {page!r}, which neither book/ nor an experiment of "
                f"{run.file.name} provides; add the experiment or remove the page."
            )


def _pages(node: object) -> list[str]:
    if isinstance(node, list):
        return [page for item in node for page in _pages(item)]
    if isinstance(node, dict):
        pages = [node[key] for key in ("root", "file") if key in node]
        return pages + [page for value in node.values() for page in _pages(value)]
    return []
