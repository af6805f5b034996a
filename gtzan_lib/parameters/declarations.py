"""Declarations and checks of notebook parameters.

papermill only logs an unknown parameter, and does not check types. Here both are
errors: in the runner before execution, and in the second cell of every notebook
for plain papermill.
"""

from __future__ import annotations

import ast
import contextlib
import difflib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from .errors import ParameterError

__all__ = ["Parameter", "check", "check_parameters", "declared", "declared_in", "from_text"]

TYPES = {"str": str, "int": int, "float": float, "bool": bool, "list": list, "dict": dict}

# First line of the cell that papermill injects.
INJECTED = "# Parameters"


class Parameter(NamedTuple):
    """A parameter that a notebook declares.

    Attributes
    ----------
    type : type
        Type of its values; a `float` may also be an `int`.
    default : object
        Value in the notebook.
    """

    type: type
    default: Any


def declared(source: str, where: str = "this notebook") -> dict[str, Parameter]:
    """Read the declarations in the source of a parameters cell.

    Parameters
    ----------
    source : str
        Lines such as `epochs: int = 20  # passes over the training part`.
    where : str
        Name of the notebook in error messages.

    Returns
    -------
    dict of str to Parameter
        Parameters by name.

    Raises
    ------
    ParameterError
        If a line is not a declaration, or a default has another type.
    """
    parameters = {}
    for statement in ast.parse(source).body:
        if not _is_declaration(statement):
            raise ParameterError(
                f"{where}: line {statement.lineno} of the parameters cell must read "
                "'name: type = value', with one of the types " + ", ".join(TYPES) + "."
            )
        parameter = Parameter(TYPES[statement.annotation.id], ast.literal_eval(statement.value))
        parameters[statement.target.id] = parameter
    check(parameters, {name: parameter.default for name, parameter in parameters.items()}, where)
    return parameters


def declared_in(notebook: str | Path) -> dict[str, Parameter]:
    """Read the declarations of a notebook file.

    Parameters
    ----------
    notebook : str or Path
        A notebook with exactly one cell that has the tag `parameters`.

    Returns
    -------
    dict of str to Parameter
        Parameters by name.

    Raises
    ------
    ParameterError
        If there is not exactly one such cell, or a declaration is not valid.
    """
    import nbformat

    cells = [
        cell["source"]
        for cell in nbformat.read(notebook, as_version=4)["cells"]
        if "parameters" in cell["metadata"].get("tags", [])
    ]
    if len(cells) != 1:
        raise ParameterError(
            f"{notebook}: has {len(cells)} cells with the tag 'parameters'; tag exactly one."
        )
    return declared(cells[0], str(notebook))


def check(known: Mapping[str, Parameter], given: Mapping[str, Any], where: str) -> None:
    """Raise an error for an unknown parameter, or a value of the wrong type.

    Parameters
    ----------
    known : mapping of str to Parameter
        Parameters that the notebook declares.
    given : mapping of str to object
        Values for its execution.
    where : str
        Name of the notebook in error messages.

    Raises
    ------
    ParameterError
        For the first parameter that is unknown or has a value of the wrong type.
    """
    for name, value in given.items():
        if name not in known:
            close = difflib.get_close_matches(name, known, 1)
            advice = f"did you mean {close[0]!r}?" if close else f"it has {', '.join(known)}."
            raise ParameterError(f"{where}: there is no parameter {name!r}; {advice}")
        if not _fits(value, known[name].type):
            raise ParameterError(
                f"{where}: parameter {name!r} takes {known[name].type.__name__}, "
                f"got {value!r} ({type(value).__name__})."
            )


def from_text(text: str, parameter: Parameter) -> Any:
    """Convert a value from the command line to the type of its parameter.

    Parameters
    ----------
    text : str
        Text on the command line.
    parameter : Parameter
        The parameter.

    Returns
    -------
    object
        The text itself for a `str`; otherwise its value as YAML, which may still
        have the wrong type.
    """
    import yaml

    if parameter.type is str:
        return text
    if parameter.type is float:
        # YAML reads 1e-3 as text.
        with contextlib.suppress(ValueError):
            return float(text)
    return yaml.safe_load(text)


def check_parameters() -> dict[str, Any]:
    """Check the parameters of the running notebook.

    Call it in the cell after the parameters.

    Returns
    -------
    dict of str to object
        Values of the parameters by name, for a record.

    Raises
    ------
    ParameterError
        If papermill injected an unknown name, a value has the wrong type, or
        the notebook has no parameters.
    """
    from IPython import get_ipython

    shell = get_ipython()
    cells = list(shell.user_ns["In"]) if shell else []
    for number in range(len(cells) - 1, -1, -1):
        if _is_parameters_cell(cells[number]):
            break
    else:
        raise ParameterError("call check_parameters() in the cell after the parameters.")
    known = declared(cells[number])
    for cell in cells[number + 1 :]:
        if cell.startswith(INJECTED):
            names = [node.targets[0].id for node in ast.parse(cell).body]
            check(known, {name: shell.user_ns[name] for name in names}, "this notebook")
    values = {name: shell.user_ns[name] for name in known}
    check(known, values, "this notebook")
    return values


def _is_declaration(statement: ast.stmt) -> bool:
    if not (isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name)):
        return False
    if not (isinstance(statement.annotation, ast.Name) and statement.annotation.id in TYPES):
        return False
    try:
        ast.literal_eval(statement.value)
    except (ValueError, TypeError):
        return False
    return True


def _is_parameters_cell(source: str) -> bool:
    try:
        body = ast.parse(source).body
    except SyntaxError:
        return False
    return bool(body) and all(map(_is_declaration, body))


def _fits(value: Any, wanted: type) -> bool:
    if isinstance(value, bool):
        return wanted is bool
    return isinstance(value, wanted) or (wanted is float and isinstance(value, int))
