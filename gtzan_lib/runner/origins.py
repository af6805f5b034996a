"""What a page of the book tells of the notebook that was executed for it."""

from __future__ import annotations

import ast
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import nbformat
import yaml
from nbformat.v4 import new_markdown_cell

__all__ = ["changed_parameters", "note_origin", "papermill_command", "parameters_of"]


def changed_parameters(page: nbformat.NotebookNode) -> dict[str, Any]:
    """Return the parameters of an executed notebook that are not its defaults.

    Parameters
    ----------
    page : nbformat.NotebookNode
        The executed notebook, with the cell of its parameters and the one that papermill
        has added.

    Returns
    -------
    dict of str to object
        Values by name.
    """
    defaults = _assigned(page, "parameters")
    given = _assigned(page, "injected-parameters")
    return {
        name: value
        for name, value in given.items()
        if name not in defaults or defaults[name] != value
    }


def parameters_of(page: nbformat.NotebookNode) -> dict[str, Any]:
    """Return the parameters of an executed notebook.

    Parameters
    ----------
    page : nbformat.NotebookNode
        The executed notebook.

    Returns
    -------
    dict of str to object
        Values by name: those of its run, and the defaults of the others.
    """
    return _assigned(page, "parameters") | _assigned(page, "injected-parameters")


def _assigned(page: nbformat.NotebookNode, tag: str) -> dict[str, Any]:
    """Return what the cell with a tag assigns; empty if there is no such cell."""
    number = _tagged(page, tag)
    body = [] if number is None else ast.parse(page["cells"][number]["source"]).body
    values = {}
    for node in body:
        match node:
            case ast.Assign([ast.Name(name)], value) | ast.AnnAssign(ast.Name(name), _, value):
                values[name] = None if value is None else _value(value)
    return values


def _tagged(page: nbformat.NotebookNode, tag: str) -> int | None:
    """Return the number of the cell with a tag."""
    tags = (cell["metadata"].get("tags", []) for cell in page["cells"])
    return next((number for number, names in enumerate(tags) if tag in names), None)


def _value(node: ast.expr) -> Any:
    if isinstance(node, ast.Call):
        # Infinity is written as float('inf').
        return float(ast.literal_eval(node.args[0]))
    return ast.literal_eval(node)


def papermill_command(notebook: str, parameters: Mapping[str, Any]) -> str:
    """Return the command that executes a notebook with some parameters.

    Parameters
    ----------
    notebook : str
        Its path.
    parameters : mapping of str to object
        Values by name.

    Returns
    -------
    str
        For a shell, with a line for each parameter.
    """
    lines = [f"papermill {shlex.quote(notebook)} out.ipynb"]
    for name, value in parameters.items():
        if isinstance(value, list | dict):
            text = yaml.safe_dump(
                {name: value}, default_flow_style=True, sort_keys=False, width=float("inf")
            )
            lines.append(f"-y {shlex.quote(text.strip())}")
        else:
            option = "-r" if isinstance(value, str) and not _stays_text(value) else "-p"
            lines.append(f"{option} {name} {shlex.quote(str(value))}")
    return " \\\n  ".join(lines)


def _stays_text(value: str) -> bool:
    """Whether papermill reads a text after `-p` as a text."""
    try:
        float(value)
    except ValueError:
        return value not in ("True", "False", "None")
    return False


def note_origin(page: nbformat.NotebookNode, notebook: Path) -> None:
    """Note in a page from which notebook it was executed, and with which parameters.

    Parameters
    ----------
    page : nbformat.NotebookNode
        The executed notebook; changed in place. Its metadata have `notebook`, the path in
        the repository, and `needs: repository` where the notebook reads published
        results. If parameters other than `run` differ from the defaults, a command
        follows their cell.
    notebook : Path
        The notebook, in the folder `notebooks` of the project.
    """
    name = f"{notebook.parent.name}/{notebook.name}"
    page["metadata"]["notebook"] = name
    if "results" in _assigned(page, "parameters"):
        page["metadata"]["needs"] = "repository"
    parameters = changed_parameters(page)
    injected = _tagged(page, "injected-parameters")
    if injected is not None and parameters.keys() - {"run"}:
        command = papermill_command(name, parameters)
        text = (
            ":::{dropdown} This page on the command line\n"
            f"`{name}` has other defaults. With these parameters it gives this page:\n\n"
            f"```bash\n{command}\n```\n:::"
        )
        page["cells"].insert(injected + 1, new_markdown_cell(text, id="command-line"))
