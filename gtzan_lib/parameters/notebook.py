"""The check of parameters within a notebook, or a script made of one."""

from __future__ import annotations

import ast
import sys
from collections.abc import Mapping
from typing import Any

from ..errors import ParameterError
from .declarations import Parameter, check, declared, is_parameters_cell
from .types import TYPES, type_names

__all__ = ["check_parameters"]

# First line of the cell that papermill injects.
INJECTED = "# Parameters"

WHERE = "this notebook"


def check_parameters() -> dict[str, Any]:
    """Check the parameters of the running notebook or script.

    Call it in the cell after the parameters.

    Returns
    -------
    dict of str to object
        Values of the parameters by name, for a record.

    Raises
    ------
    ParameterError
        If papermill injected an unknown name, a value has the wrong type, is out of
        range or is none of the choices, or there are no parameters.

    Notes
    -----
    The book page "Set parameters" lists what is refused.
    """
    variables = sys._getframe(1).f_globals
    # IPython's history; a script has none, or an empty one in `ipython script.py`.
    cells = variables.get("In")
    if isinstance(cells, list) and any(cells):
        known = _declared_in_cells(cells)
        injected = {name: variables[name] for name in _injected_names(cells)}
        check(known, injected, WHERE, advise=_papermill_advice)
    else:
        known = _declared_in_script(variables)
    values = {name: variables[name] for name in known}
    check(known, values, WHERE)
    return values


def _declared_in_cells(cells: list[str]) -> dict[str, Parameter]:
    for cell in reversed(cells):
        if is_parameters_cell(cell):
            return declared(cell)
    raise ParameterError("call check_parameters() in the cell after the parameters.")


def _papermill_advice(name: str, parameter: Parameter, value: Any) -> str:
    """Return how to give papermill a value of the right type.

    Its option `-p` guesses: 2024 is a number, and all that is no number, True or False
    is text.
    """
    base = parameter.type.base
    if base is str and isinstance(value, bool | int | float):
        return f"with papermill say '-r {name} {value}'"
    if base in (list, dict) and isinstance(value, str):
        return f"with papermill say -y '{name}: {value}'"
    if base is bool and isinstance(value, str):
        return f"with papermill say '-p {name} True' or '-p {name} False'"
    if base is float and isinstance(value, str):
        return "write 0.001 or 1.0e-3 for a thousandth"
    return ""


def _injected_names(cells: list[str]) -> list[str]:
    """Return the names in the last cell that papermill injected."""
    for cell in reversed(cells):
        if cell.startswith(INJECTED):
            assigned = [node for node in ast.parse(cell).body if isinstance(node, ast.Assign)]
            targets = [target for node in assigned for target in node.targets]
            return [target.id for target in targets if isinstance(target, ast.Name)]
    return []


def _declared_in_script(variables: Mapping[str, Any]) -> dict[str, Parameter]:
    """Read the annotations of a module up to the line that is executed."""
    annotations = variables.get("__annotations__")
    if annotations is None and "__annotate__" in variables:
        # Python 3.14 evaluates annotations when they are first read; 1 requests their values.
        annotations = variables["__annotate__"](1)
    if not annotations:
        raise ParameterError("declare the parameters above check_parameters().")
    known = {}
    for name, annotation in annotations.items():
        # Postponed annotations are texts, and those in quotes are texts within a text.
        text = annotation if isinstance(annotation, str) else getattr(annotation, "__name__", "")
        text = text.strip("'\"")
        if text not in TYPES:
            raise ParameterError(
                f"parameter {name!r} is declared with {text!r}; use one of {type_names()}."
            )
        known[name] = Parameter(TYPES[text], variables[name])
    return known
