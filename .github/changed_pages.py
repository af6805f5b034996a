"""List the pages of the book that a change may alter: `changed_pages.py FILE`.

FILE names the changed files, one a line, relative to the project's root. The list is
Markdown, for the summary of a workflow.
"""

from __future__ import annotations

import re
import sys
from functools import cache
from pathlib import Path

import yaml

from gtzan_lib.runner.dependencies import notebook_files
from gtzan_lib.runner.extensions.contents import pages_in
from gtzan_lib.runner.runs import load_run

ROOT = Path(__file__).parents[1]

# What all pages are made with.
EVERYWHERE = ("_config.yml", "_toc.yml", "book/_static/book.", "gtzan_lib/runner/")


@cache
def _package_files(notebook: Path) -> list[Path]:
    return notebook_files(notebook)


def sources_of(page: str, notebooks: dict[str, Path]) -> set[str]:
    """Return the files that a page is made of; a folder ends with a slash."""
    if page.startswith("book/api/"):
        room = page.removeprefix("book/api/")
        ground = {f"gtzan_lib/{file.name}" for file in (ROOT / "gtzan_lib").glob("*.py")}
        return {f"{page}.md", *(ground if room == "ground" else {f"gtzan_lib/{room}/"})}
    if page.startswith("book/"):
        text = (ROOT / f"{page}.md").read_text(encoding="utf-8")
        # Numbers that other pages have glued.
        glued = set(re.findall(r"([\w.-]+)\.ipynb::", text))
        shown = (sources_of(f"notebooks/{name}", notebooks) for name in glued)
        return {f"{page}.md"}.union(*shown)
    name = page.removeprefix("notebooks/")
    notebook = notebooks.get(name, ROOT / "notebooks" / f"{name}.ipynb")
    files = [notebook, *_package_files(notebook), *ROOT.glob(f"results/*/executed/{name}.ipynb")]
    return {file.relative_to(ROOT).as_posix() for file in files} | {"runs/quick.yml"}


def changed_pages(changed: list[str]) -> list[str]:
    """Return the pages that may be others after a change.

    Parameters
    ----------
    changed : list of str
        Changed files, relative to the project's root.

    Returns
    -------
    list of str
        Pages as the table of contents names them, in its order.
    """
    contents = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
    pages = pages_in(contents)
    if any(file.startswith(EVERYWHERE) for file in changed):
        return pages
    experiments = load_run(ROOT / "runs" / "quick.yml").experiments.values()
    notebooks = {one.name: one.notebook for one in experiments}
    found = []
    for page in pages:
        sources = sources_of(page, notebooks)
        folders = tuple(source for source in sources if source.endswith("/"))
        if any(file in sources or file.startswith(folders) for file in changed):
            found.append(page)
    return found


def summary(changed: list[str]) -> str:
    """Return the list in Markdown.

    Parameters
    ----------
    changed : list of str
        Changed files, relative to the project's root.

    Returns
    -------
    str
        With a heading.
    """
    pages = changed_pages(changed)
    lines = ["## Pages that may have changed", ""]
    lines += [f"- `{page}.html`" for page in pages] or ["None."]
    if pages:
        lines += ["", "The artifact `book` has them; unpack it and open `index.html`."]
    return "\n".join(lines)


if __name__ == "__main__":
    print(summary(Path(sys.argv[1]).read_text(encoding="utf-8").splitlines()))
