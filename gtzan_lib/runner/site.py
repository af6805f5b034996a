"""Building the book from text pages and executed notebooks."""

from __future__ import annotations

import base64
import errno
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import nbformat
import yaml
from filelock import FileLock
from nbformat.v4 import new_markdown_cell

from ..data.loaders.gtzan_splits import PUBLISHED_SPLITS
from ..errors import RunError
from ..files import rename
from .extensions.contents import pages_in
from .extensions.downloads import FOLDER
from .extensions.edition import FILE, edition_of
from .extensions.page_files import published_files, saved_files, script_of, shown_tables
from .jobs import job
from .origins import note_origin
from .run_files import BOOK_JOB
from .runs import Experiment, Run
from .stamps import changes_since, note_of

__all__ = [
    "build_site",
    "glued_pictures",
    "prose_files",
    "publish",
    "published_pages",
    "published_results",
]

# The first page of the part on GTZAN.
_ABOUT_GTZAN = "book/gtzan.md"

_INCLUDE = re.compile(r"^`{3,}\{(?:literal)?include\} +(\S+)", re.M)

# How `glue` stores a figure that is not displayed.
_GLUED_PNG = "application/papermill.record/image/png"

# Its script may be in another folder than the interpreter, and it has no __main__.
JUPYTER_BOOK = "from jupyter_book.cli.main import main; main()"


def prose_files(root: Path) -> list[Path]:
    """Return the sources of the book: settings, contents, askings, and files below `book/`.

    Files of the project that these include are among them.

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
    return sorted(
        {root / "_config.yml", root / "_toc.yml", *pages, *askings, *_included(pages, root)}
    )


def _included(pages: Iterable[Path], root: Path) -> list[Path]:
    """Return the files of a project that pages include."""
    files = [
        Path(os.path.normpath(page.parent / name))
        for page in pages
        if page.suffix == ".md"
        for name in _INCLUDE.findall(page.read_text(encoding="utf-8", errors="replace"))
    ]
    return [file for file in files if root in file.parents and file.is_file()]


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


def published_results(root: Path) -> list[Path]:
    """Return the records and tables that published pages offer.

    Parameters
    ----------
    root : Path
        The project's root.

    Returns
    -------
    list of Path
        Files below `results`, sorted.
    """
    pages = [nbformat.read(page, as_version=4) for page in published_pages(root)]
    return sorted({file for page in pages for file in published_files(page, root).values()})


def glued_pictures(page: nbformat.NotebookNode) -> dict[str, bytes]:
    """Return the figures that an executed page glues, for other pages to show.

    `glue` keeps them in the notebook, and only its own page can show them from there.

    Parameters
    ----------
    page : nbformat.NotebookNode
        The executed notebook.

    Returns
    -------
    dict of str to bytes
        PNG files by the names under which they are glued.
    """
    outputs = [output for cell in page["cells"] for output in cell.get("outputs", [])]
    return {
        output["metadata"]["scrapbook"]["name"]: base64.b64decode(output["data"][_GLUED_PNG])
        for output in outputs
        if _GLUED_PNG in output.get("data", {})
    }


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
    prose = prose_files(run.root)
    pages = {path.relative_to(run.root): path.read_bytes() for path in prose}
    edition = edition_of(run.root, prose)
    pages[Path(FILE)] = json.dumps(edition._asdict()).encode()
    for experiment in (one for one in run.experiments.values() if one.page):
        name = f"{experiment.name}.ipynb"
        page = nbformat.read(run.work.executed / name, as_version=4)
        saved = saved_files(page, run.work.path)
        for number, table in enumerate(shown_tables(page), start=1):
            saved[f"table-{number}.csv"] = table.encode()
        pages |= _downloads(experiment.name, experiment.notebook, saved)
        _put_title_and_banner(page, run, experiment)
        note_origin(page, experiment.notebook)
        pages[Path("notebooks") / name] = nbformat.writes(page).encode()
    for executed, source in published_pages(run.root).items():
        page = nbformat.read(executed, as_version=4)
        results = published_files(page, run.root)
        read = {name: file.read_bytes() for name, file in results.items()}
        pages |= _downloads(executed.stem, source, read)
        note = note_of(page, changes_since(page, source))
        note_origin(page, source)
        page["cells"].append(new_markdown_cell(note, id="how-made"))
        pages[Path("notebooks") / executed.name] = nbformat.writes(page).encode()
        for name, picture in glued_pictures(page).items():
            pages[Path("book/_static/published") / f"{name}.png"] = picture
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


def _downloads(page: str, notebook: Path, files: dict[str, bytes]) -> dict[Path, bytes]:
    """Return what a notebook's page offers, by its place in the stage."""
    folder = Path(FOLDER) / "notebooks" / page
    script = {folder / f"{notebook.stem}.py": script_of(notebook).encode()}
    return script | {folder / name: content for name, content in files.items()}


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


def _put_title_and_banner(page: nbformat.NotebookNode, run: Run, experiment: Experiment) -> None:
    """Give a page its own title, and say below it which music its scores are of."""
    first = page["cells"][0]
    title, _, text = first["source"].partition("\n")
    title = f"# {experiment.title}" if experiment.title else title
    banner = ""
    if experiment.corpus == "synthetic":
        has_part = (run.root / _ABOUT_GTZAN).is_file()
        there = "those are in the part [GTZAN](../book/gtzan.md)"
        banner = (
            "\n```{admonition} Composed music\n:class: attention\n"
            f"This page was executed by the run `{run.name}`, on music that was composed for it. "
            f"Its scores are not GTZAN's{f'; {there}' if has_part else ''}."
            "\n```\n"
        )
    elif experiment.corpus is not None:
        banner = f"\n```{{note}}\nThis page was executed by the run `{run.name}`.\n```\n"
    first["source"] = f"{title}\n{banner}{text}"


def _mirror(pages: dict[Path, bytes], stage: Path) -> None:
    """Make the stage contain exactly these files; write only those that differ."""
    for place, content in pages.items():
        target = stage / place
        if _differs(target, content):
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
    for folder in ("book", "notebooks", FOLDER):
        for path in (stage / folder).rglob("*"):
            if path.is_file() and path.relative_to(stage) not in pages:
                path.unlink()


def _differs(path: Path, content: bytes) -> bool:
    return not path.is_file() or path.read_bytes() != content


def _refuse_missing_pages(run: Run, pages: dict[Path, bytes]) -> None:
    existing = {place.with_suffix("").as_posix() for place in pages}
    contents = yaml.safe_load((run.root / "_toc.yml").read_text(encoding="utf-8"))
    for page in pages_in(contents):
        if page not in existing:
            raise RunError(
                f"_toc.yml: names page {page!r}, which neither book/ nor an experiment of "
                f"{run.file.name} provides; add the experiment or remove the page."
            )
