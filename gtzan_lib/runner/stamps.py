"""Stamps of published pages: when and from what a page was made, and what has changed since."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import nbformat

from ..digests import code_digest, source_digest
from ..files import canonical_json, sha256_of
from .dependencies import notebook_files

__all__ = ["changes_since", "data_of", "note_of", "stamp"]

# Where a notebook's metadata has its stamp.
_KEY = "published"

# The tag of the cell that installs the package, which does nothing where a page is made.
_INSTALL = "install"


def stamp(
    notebook: nbformat.NotebookNode,
    source: Path,
    data: Iterable[Path],
    *,
    command: str,
    made: dict[str, Any],
) -> None:
    """Note in an executed notebook what it was made of.

    Parameters
    ----------
    notebook : nbformat.NotebookNode
        Changed in place.
    source : Path
        The notebook that was executed.
    data : iterable of Path
        The files of the results that it reads.
    command : str
        The command that makes the page again.
    made : dict
        From `gtzan_lib.evaluation.records.provenance`.
    """
    root = source.parents[1]
    data = sorted(data)
    notebook["metadata"][_KEY] = {
        "data": [Path(os.path.relpath(file, root)).as_posix() for file in data],
        "state": _state(source, data),
        "command": command,
        "made": made,
    }


def changes_since(notebook: nbformat.NotebookNode, source: Path) -> list[str]:
    """Return what has changed since an executed notebook was stamped.

    Parameters
    ----------
    notebook : nbformat.NotebookNode
        With its stamp.
    source : Path
        The notebook that was executed, as it is now.

    Returns
    -------
    list of str
        In words; empty if the page would be the same.
    """
    stamped = notebook["metadata"].get(_KEY, {"data": [], "state": {}})
    state = _state(source, [source.parents[1] / name for name in stamped["data"]])
    names = {
        "text": "its text",
        "code": "its code",
        "package": "code of the package that it uses",
        "results": "the results that it shows",
    }
    return [words for key, words in names.items() if stamped["state"].get(key) != state[key]]


def data_of(notebook: nbformat.NotebookNode) -> list[str]:
    """Return the results that a published page shows.

    Parameters
    ----------
    notebook : nbformat.NotebookNode
        With its stamp.

    Returns
    -------
    list of str
        Paths in the project: of tables, and of the `step.json` of steps.
    """
    return list(notebook["metadata"].get(_KEY, {}).get("data", []))


def note_of(notebook: nbformat.NotebookNode, changes: list[str]) -> str:
    """Return the note at the end of a published page.

    Parameters
    ----------
    notebook : nbformat.NotebookNode
        With its stamp.
    changes : list of str
        From `changes_since`.

    Returns
    -------
    str
        Markdown: date, commit, versions, machine and command, and a warning if something
        has changed since.
    """
    noted = notebook["metadata"][_KEY]
    made = noted["made"]
    versions = ", ".join(
        f"{name} {version}" for name, version in made["versions"].items() if version
    )
    note = (
        f"```{{admonition}} How this page was made\n:class: note\n"
        f"Executed on {made['written'][:10]} at commit {made['commit'] or 'unknown'}, with "
        f"Python {made['python']}, {versions}, on {made['platform']} with {made['cores']} cores. "
        f"`{noted['command']}` makes it again.\n```"
    )
    if not changes:
        return note
    return (
        f"{note}\n\n```{{warning}}\nSince this page was made, {' and '.join(changes)} changed; it "
        "may differ when it is made again.\n```"
    )


def _state(source: Path, data: Iterable[Path]) -> dict[str, str]:
    """Return digests of all that a page is made of; comments and docstrings change none."""
    cells = nbformat.read(source, as_version=4)["cells"]
    texts = [cell["source"] for cell in cells if cell["cell_type"] == "markdown"]
    # Captions and alternative texts of figures.
    texts += [
        canonical_json(figure) for cell in cells if (figure := cell["metadata"].get("mystnb"))
    ]
    code = "\n".join(
        cell["source"]
        for cell in cells
        if cell["cell_type"] == "code" and _INSTALL not in cell["metadata"].get("tags", [])
    )
    return {
        "text": _digest("\n".join(texts)),
        "code": source_digest(code)[:16],
        "package": code_digest(file for file in notebook_files(source) if file.suffix == ".py"),
        "results": _digest("".join(_digest_of_file(file) for file in data)),
    }


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _digest_of_file(file: Path) -> str:
    return sha256_of(file) if file.is_file() else "missing"
