"""Tables of the pages of a part of the book, with their questions and reading times.

An extension of Sphinx; `_config.yml` names it. The directive `reading-list` shows the
table of the part that its page is in, by the table of contents. Times are computed from
the sources whenever the book is built, so that they cannot become outdated.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import nbformat
import yaml
from docutils import nodes
from docutils.statemachine import StringList
from sphinx.util.docutils import SphinxDirective

from ...errors import RunError
from .contents import pages_in

__all__ = ["ReadingList", "page_text", "part_of", "question", "reading_time", "setup", "words"]

WORDS_PER_MINUTE = 220
"""Reading speed for text; formulas, code and figures are not counted."""

# What is not read as text: code, hidden solutions, formulas, and names of roles and directives.
_BLOCK = re.compile(r"^(`{3,})(\{[\w:-]+\})?([^\n]*\n.*?)^\1[^\S\n]*$", re.M | re.S)
_SOLUTION = re.compile(r"^:::\{dropdown\} Solution$.*?^:::$", re.M | re.S)
_FORMULA = re.compile(r"\$\$.+?\$\$|(?<![\\$\w])\$[^$\n]+\$", re.S)
_MARKUP = re.compile(
    r"^:\w+:.*$|^\(\S+\)=$|^(?:`{3,}|:{3,})\{?[\w-]*\}?|\{[\w:-]+\}|\]\([^)]*\)", re.M
)
# Below the heading, a page that was executed says by which run and on which music.
_QUESTION = re.compile(
    r"\s*(?:\(\S+\)=\s+)?# [^\n]+\n+(?:```\{(?:admonition|note)\}.*?^```\n+)?"
    r"(?:\*\*Question\.\*\* )?([^\n?]+\?)",
    re.M | re.S,
)
_WORD = re.compile(r"[^\W\d_][\w'’-]*")


def page_text(path: Path) -> str:
    """Return the text of a page.

    Parameters
    ----------
    path : Path
        A Markdown file, or a notebook, of which the cells in Markdown are taken.

    Returns
    -------
    str
        In Markdown.
    """
    if path.suffix != ".ipynb":
        return path.read_text(encoding="utf-8")
    cells = nbformat.read(path, as_version=4)["cells"]
    return "\n\n".join(cell["source"] for cell in cells if cell["cell_type"] == "markdown")


def words(text: str) -> int:
    """Count the words of a text.

    Parameters
    ----------
    text : str
        In Markdown.

    Returns
    -------
    int
        Without code, solutions of exercises, formulas and markup.
    """
    # The title and the text of a directive are read, code is not.
    text = _BLOCK.sub(lambda block: block[3] if block[2] else " ", text)
    for pattern in (_SOLUTION, _FORMULA, _MARKUP):
        text = pattern.sub(" ", text)
    return len(_WORD.findall(text))


def reading_time(count: int, step: int = 1) -> int:
    """Return the time that it takes to read a number of words.

    Parameters
    ----------
    count : int
        Number of words.
    step : int
        The time is rounded to a multiple of this.

    Returns
    -------
    int
        In minutes, at least `step`.
    """
    return max(step, step * round(count / WORDS_PER_MINUTE / step))


def question(text: str) -> str:
    """Return the question that a page answers.

    Parameters
    ----------
    text : str
        In Markdown: a heading, and a paragraph that begins with the question.

    Returns
    -------
    str
        Up to the first question mark; empty if there is none in this paragraph.
    """
    found = _QUESTION.match(text)
    return found[1] if found else ""


def part_of(contents: dict[str, Any], page: str) -> list[str]:
    """Return the pages of the part of the book that a page is in.

    Parameters
    ----------
    contents : dict
        The content of `_toc.yml`.
    page : str
        The page, as it is named there.

    Returns
    -------
    list of str
        In their order, without the page itself; empty if it is in no part.
    """
    for part in contents.get("parts", []):
        pages = pages_in(part)
        if page in pages:
            return [name for name in pages if name != page]
    return []


class ReadingList(SphinxDirective):
    """The directive `reading-list`: a table of the pages of a part."""

    def run(self) -> list[nodes.Node]:
        """Return the table, with links to the pages.

        Raises
        ------
        RunError
            If the page is in no part, or a page of the part has no file.
        """
        root = Path(self.env.srcdir)
        contents = root / "_toc.yml"
        pages = part_of(yaml.safe_load(contents.read_text(encoding="utf-8")), self.env.docname)
        if not pages:
            raise RunError(
                f"{self.env.docname}: has a reading list, and _toc.yml has no part with this page "
                "and others; add the page to a part."
            )
        self.env.note_dependency(str(contents))
        rows, counts = [], {}
        for page in pages:
            path = _source(root, page)
            self.env.note_dependency(str(path))
            text = page_text(path)
            # Pages that execute the same notebook differ in their headings; one is read.
            counts[text.strip().partition("\n")[2]] = words(text)
            link = f"[](/{path.relative_to(root).as_posix()})"
            sentence = question(text).replace("|", r"\|")
            rows.append(f"| {link} | {sentence} | {reading_time(words(text))} |")
        rows.append(f"| all pages | | {reading_time(sum(counts.values()), 5)} |")
        table = ["| page | question | minutes |", "|---|---|--:|", *rows]
        container = nodes.container(classes=["reading-list"])
        self.state.nested_parse(StringList(table, str(contents)), self.content_offset, container)
        return [container]


def _source(root: Path, page: str) -> Path:
    """Return the file of a page."""
    files = [root / f"{page}{ending}" for ending in (".md", ".ipynb")]
    for file in files:
        if file.is_file():
            return file
    raise RunError(f"_toc.yml: names page {page!r}, and there is no {files[0]} and no {files[1]}.")


def setup(app: Any) -> dict[str, Any]:
    """Register the directive with Sphinx.

    Parameters
    ----------
    app : sphinx.application.Sphinx
        The application.

    Returns
    -------
    dict
        What Sphinx wants to know of an extension.
    """
    app.add_directive("reading-list", ReadingList)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
