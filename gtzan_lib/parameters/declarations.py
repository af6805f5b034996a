"""Parameters as notebooks declare them, and the check of given values.

papermill only logs an unknown parameter, and checks neither types nor values. Here
all are errors: in the runner before execution, and in the second cell of every
notebook for plain papermill.
"""

from __future__ import annotations

import ast
import builtins
import contextlib
import difflib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from ..errors import ParameterError
from .types import TYPES, ParameterType, type_names
from .yaml_values import read_yaml

__all__ = [
    "Parameter",
    "check",
    "declared",
    "declared_in",
    "from_text",
    "is_parameters_cell",
]


class Parameter(NamedTuple):
    """A parameter that a notebook declares.

    Attributes
    ----------
    type : ParameterType
        Values that it takes.
    default : object
        Value in the notebook.
    """

    type: ParameterType
    default: Any


def declared(source: str, where: str = "this notebook") -> dict[str, Parameter]:
    """Read the declarations in the source of a parameters cell.

    Parameters
    ----------
    source : str
        Lines such as `epochs: "PositiveInt" = 20  # passes over the training part`.
    where : str
        Name of the notebook in error messages.

    Returns
    -------
    dict of str to Parameter
        Parameters by name.

    Raises
    ------
    ParameterError
        If a line is not a declaration, or a default is not valid.
    """
    parameters = {}
    try:
        statements = ast.parse(source).body
    except (SyntaxError, ValueError, RecursionError) as error:
        raise ParameterError(
            f"{where}: the parameters cell is not Python ({error}); correct it."
        ) from error
    for statement in statements:
        declaration = _declaration(statement)
        if declaration is None:
            raise ParameterError(
                f"{where}: line {statement.lineno} of the parameters cell must read "
                f"'name: type = value', with one of the types {type_names()}."
            )
        name, parameter = declaration
        parameters[name] = parameter
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

    try:
        cells = [
            cell["source"]
            for cell in nbformat.read(notebook, as_version=4)["cells"]
            if "parameters" in cell["metadata"].get("tags", [])
        ]
    except Exception as error:
        # What nbformat raises depends on what is damaged.
        raise ParameterError(
            f"{notebook}: cannot be read as a notebook ({type(error).__name__}); replace it by an "
            "intact copy."
        ) from error
    if len(cells) != 1:
        raise ParameterError(
            f"{notebook}: has {len(cells)} cells with the tag 'parameters'; tag exactly one."
        )
    return declared(cells[0], str(notebook))


def check(
    known: Mapping[str, Parameter],
    given: Mapping[str, Any],
    where: str,
    *,
    advise: Callable[[str, Parameter, Any], str] | None = None,
) -> None:
    """Raise an error for an unknown parameter, or a value that it does not take.

    Parameters
    ----------
    known : mapping of str to Parameter
        Parameters that the notebook declares.
    given : mapping of str to object
        Values for its execution.
    where : str
        Name of the notebook in error messages.
    advise : callable, optional
        Returns what to do about a value of the wrong type, from the name of its parameter,
        the parameter and the value; empty if there is no advice.

    Raises
    ------
    ParameterError
        For the first parameter that is unknown, or whose value has the wrong type,
        is out of range or is none of the choices.
    """
    for name, value in given.items():
        if name not in known:
            close = difflib.get_close_matches(name, known, 1)
            advice = f"did you mean {close[0]!r}?" if close else f"it has {', '.join(known)}."
            raise ParameterError(f"{where}: there is no parameter {name!r}; {advice}")
        refusal = known[name].type.refusal(value)
        if refusal:
            advice = advise(name, known[name], value) if advise else ""
            if advice:
                refusal = f"{refusal.removesuffix('.')}; {advice}."
            raise ParameterError(f"{where}: parameter {name!r} {refusal}")


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
        The text itself for a `str` or where it is not YAML; otherwise its value as
        YAML, which may still have the wrong type.
    """
    base = parameter.type.base
    if base is str:
        return text
    if base is float:
        # Also what is no number in YAML, such as infinity.
        with contextlib.suppress(ValueError):
            return float(text)
    try:
        return read_yaml(text)
    except ValueError:
        return text


def is_parameters_cell(source: str) -> bool:
    """Return whether the source of a cell holds annotated names, and nothing else.

    Parameters
    ----------
    source : str
        Python, possibly with IPython magics.

    Returns
    -------
    bool
        True even if an annotation is no type of a parameter, which `declared` refuses.
    """
    try:
        body = ast.parse(source).body
    except SyntaxError:
        return False
    return bool(body) and all(map(_is_annotated_name, body))


def _is_annotated_name(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name)


def _declaration(statement: ast.stmt) -> tuple[str, Parameter] | None:
    """Return name and declaration of a parameter; None if the line is no declaration."""
    match statement:
        case ast.AnnAssign(ast.Name(name), annotation, ast.expr() as value):
            kind = TYPES.get(_type_name(annotation))
        case _:
            return None
    if kind is None:
        return None
    try:
        return name, Parameter(kind, ast.literal_eval(value))
    except (ValueError, TypeError):
        return None


def _type_name(annotation: ast.expr) -> str:
    """Return a type of Python, or a type in quotes, which Python does not evaluate."""
    if isinstance(annotation, ast.Name) and hasattr(builtins, annotation.id):
        return annotation.id
    return str(annotation.value) if isinstance(annotation, ast.Constant) else ""
