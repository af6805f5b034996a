"""What can be downloaded of a page: its script, its records and its tables."""

from __future__ import annotations

import ast
import csv
import io
import re
import zipfile
from collections.abc import Mapping
from html.parser import HTMLParser
from pathlib import Path, PurePosixPath
from typing import Any

import nbformat

from ..origins import parameters_of
from ..stamps import data_of

__all__ = ["published_files", "saved_files", "script_of", "shown_tables"]

# The folders of a workspace, as `gl.Workspace` names them, and where they are in it.
_FOLDERS = {"path": ".", "records": "records", "splits": "splits"}

# The time that files in an archive have, so that equal files make equal archives.
_TIME = (1980, 1, 1, 0, 0, 0)


def script_of(notebook: Path) -> str:
    """Return a notebook as a Python script.

    Parameters
    ----------
    notebook : Path
        The notebook, without outputs.

    Returns
    -------
    str
        Its code in the percent format, which editors show as cells; texts are comments.
    """
    # The exporter of nbconvert needs templates that not every interpreter finds.
    cells = []
    for cell in nbformat.read(notebook, as_version=4)["cells"]:
        if cell["cell_type"] == "code":
            cells.append(f"# %%\n{cell['source']}\n")
        else:
            lines = (f"# {line}".rstrip() for line in cell["source"].splitlines())
            cells.append("\n".join(["# %% [markdown]", *lines, ""]))
    return "\n".join(cells)


def saved_files(page: nbformat.NotebookNode, work: Path) -> dict[str, bytes]:
    """Return the records and tables that an executed notebook has saved in a workspace.

    What it saves is read from its code: `split.save(work.splits / f"{experiment}.csv")`
    saves a table, `gl.ExperimentRecord.save(evaluation, work.records, experiment=...)` a
    record, with a table of predictions beside it.

    Parameters
    ----------
    page : nbformat.NotebookNode
        The executed notebook.
    work : Path
        The folder of its run.

    Returns
    -------
    dict of str to bytes
        Files by their path in the workspace. The files of a folder within the folder of
        records are one archive.
    """
    values = parameters_of(page)
    patterns = set()
    for cell in page["cells"]:
        if cell["cell_type"] == "code":
            calls = (node for node in ast.walk(_tree(cell["source"])) if isinstance(node, ast.Call))
            patterns |= {pattern for call in calls if (pattern := _saved(call, values))}
    names: set[str] = set()
    for pattern in patterns:
        found = [path for path in work.glob(pattern) if path.is_file()]
        # The predictions of a record are beside it.
        found += [path for record in found for path in [record.with_suffix(".predictions.csv")]]
        names |= {path.relative_to(work).as_posix() for path in found if path.is_file()}
    files = {name: (work / name).read_bytes() for name in sorted(names)}
    return _archived(files)


def _tree(source: str) -> ast.AST:
    try:
        return ast.parse(source)
    except SyntaxError:
        # A command of IPython.
        return ast.Module([], [])


def _saved(call: ast.Call, values: Mapping[str, Any]) -> str | None:
    """Return the pattern of the files that a call saves in the workspace."""
    if not isinstance(call.func, ast.Attribute) or call.func.attr != "save" or not call.args:
        return None
    options = {keyword.arg: keyword.value for keyword in call.keywords}
    if "experiment" in options and len(call.args) > 1:
        folder = _place(call.args[1], values)
        return folder and f"{folder}/{_text(options['experiment'], values)}.json"
    # A folder alone is none of its own.
    return _place(call.args[0], values) if isinstance(call.args[0], ast.BinOp) else None


def _place(node: ast.expr, values: Mapping[str, Any]) -> str | None:
    """Return a path in the workspace as a pattern; None if it is not there."""
    match node:
        case ast.BinOp(left, ast.Div(), right):
            folder = _place(left, values)
            return folder and f"{folder}/{_text(right, values)}"
        case ast.Attribute(ast.Name("work"), name):
            return _FOLDERS.get(name)
    return None


def _text(node: ast.expr, values: Mapping[str, Any]) -> str:
    """Return a text of the code as a pattern; what is not known there is `*`."""
    match node:
        case ast.Constant(str(text)):
            return text
        case ast.JoinedStr(parts):
            return "".join(_text(part, values) for part in parts)
        case ast.FormattedValue(ast.Name(name), -1, None) | ast.Name(name):
            return str(values.get(name, "*"))
    return "*"


def _archived(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """Put files that lie deeper than a folder of the workspace into archives."""
    kept: dict[str, bytes] = {}
    deep: dict[PurePosixPath, dict[str, bytes]] = {}
    for name, content in files.items():
        path = PurePosixPath(name)
        if len(path.parts) == 2:
            kept[name] = content
        else:
            deep.setdefault(path.parent, {})[path.name] = content
    return kept | {f"{folder}.zip": _archive(inner) for folder, inner in deep.items()}


def _archive(files: Mapping[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, content in files.items():
            entry = zipfile.ZipInfo(name, _TIME)
            archive.writestr(entry, content, zipfile.ZIP_DEFLATED)
    return stream.getvalue()


def published_files(page: nbformat.NotebookNode, root: Path) -> dict[str, Path]:
    """Return the published results that a page shows.

    Parameters
    ----------
    page : nbformat.NotebookNode
        The executed notebook, with its stamp.
    root : Path
        The project's root.

    Returns
    -------
    dict of str to Path
        Records and tables, by the step that made them and their path in it:
        `leak/scores.csv`.
    """
    files: dict[str, Path] = {}
    for name in data_of(page):
        noted = root / name
        if noted.name != "step.json":
            files[noted.name] = noted
            continue
        for file in sorted(noted.parent.rglob("*")):
            if file.is_file() and not file.name.startswith("."):
                files[file.relative_to(noted.parents[1]).as_posix()] = file
    return {name: file for name, file in files.items() if file.is_file()}


def shown_tables(page: nbformat.NotebookNode) -> list[str]:
    """Return the tables that an executed notebook shows.

    Parameters
    ----------
    page : nbformat.NotebookNode
        The executed notebook.

    Returns
    -------
    list of str
        As CSV, with the numbers as they are shown. Headings in several rows are joined by
        colons.
    """
    outputs = [output for cell in page["cells"] for output in cell.get("outputs", [])]
    texts = [output.get("data", {}).get("text/html", "") for output in outputs]
    found = [table for text in texts for table in re.findall(r"<table.*?</table>", text, re.S)]
    return [_as_csv(table) for table in found]


def _as_csv(table: str) -> str:
    parser = _Table()
    parser.feed(table)
    rows = parser.rows()
    head = rows[: parser.heads]
    columns = [list(dict.fromkeys(filter(None, column))) for column in zip(*head, strict=True)]
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerows([[": ".join(names) for names in columns], *rows[parser.heads :]])
    return stream.getvalue()


class _Table(HTMLParser):
    """Reads the cells of a table; a cell over several rows or columns stands in each."""

    def __init__(self) -> None:
        super().__init__()
        self._cells: dict[tuple[int, int], list[str]] = {}
        self._text: list[str] | None = None
        self._row = self._column = -1
        self.heads = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "tr":
            self._row, self._column = self._row + 1, -1
        elif tag in ("td", "th"):
            values = dict(attrs)
            self._column += 1
            while (self._row, self._column) in self._cells:
                self._column += 1
            self._text = []
            for row in range(int(values.get("rowspan") or 1)):
                for column in range(int(values.get("colspan") or 1)):
                    self._cells[self._row + row, self._column + column] = self._text

    def handle_endtag(self, tag: str) -> None:
        if tag in ("td", "th"):
            self._text = None
        elif tag == "thead":
            self.heads = self._row + 1

    def handle_data(self, data: str) -> None:
        if self._text is not None:
            self._text.append(data)

    def rows(self) -> list[list[str]]:
        """Return the texts of all cells, by row."""
        width = 1 + max((column for _, column in self._cells), default=-1)
        texts = {place: " ".join("".join(cell).split()) for place, cell in self._cells.items()}
        return [
            [texts.get((row, column), "") for column in range(width)]
            for row in range(self._row + 1)
        ]
