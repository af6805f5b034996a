"""Changes to the pages of the book that neither Sphinx nor its theme has a setting for.

An extension of Sphinx; `_config.yml` names it.
"""

from __future__ import annotations

import re
from typing import Any

__all__ = ["accessible", "one_name_each", "setup"]

_NO_TEXT = r"(?:\s|&nbsp;|<p>\s*</p>)*"

_NAMES = re.compile(r"(\w+(?:, \w+)+) : (.+)")


def accessible(html: str) -> str:
    """Return the body of a page with what readers and screen readers need.

    Parameters
    ----------
    html : str
        The body.

    Returns
    -------
    str
        The body, in which styled tables look like other tables, the name of an index
        stands in the row of the headings, headings without text are plain cells, buttons
        that show hidden cells are named by their text, references are items of a list, and
        lists of tracks are groups.
    """
    html = html.replace(' role="doc-biblioentry"', ' role="listitem"')
    # Two of them on a page would be landmarks with the same name.
    html = html.replace('role="region" aria-label="List of', 'role="group" aria-label="List of')
    html = re.sub(r'<table id="(T_\w+)">', r'<table class="dataframe" id="\1">', html)
    html = re.sub(r"<thead>(.*?)</thead>", _in_one_row, html, flags=re.DOTALL)
    html = html.replace('<summary aria-label="Toggle hidden content">', "<summary>")
    return re.sub(rf"<th( [^>]*)?>{_NO_TEXT}</th>", r"<td\1></td>", html)


def _in_one_row(head: re.Match[str]) -> str:
    """Return a table's head; names of indices, in a row of their own, join the first row."""
    rows = re.findall(r"<tr.*?</tr>", head[0], re.DOTALL)
    if len(rows) != 2 or "colspan" in head[0]:
        return head[0]
    first, second = (re.findall(r"<th.*?</th>", row, re.DOTALL) for row in rows)
    if len(first) != len(second):
        return head[0]
    empty = re.compile(rf"<th[^>]*>{_NO_TEXT}</th>")
    columns = zip(first, second, strict=True)
    named = [[cell for cell in column if not empty.fullmatch(cell)] for column in columns]
    if any(len(names) > 1 for names in named):
        return head[0]
    cells = "".join(names[0] if names else "<th></th>" for names in named)
    return f"<thead><tr>{cells}</tr></thead>"


def one_name_each(lines: list[str]) -> list[str]:
    """Return a docstring whose attributes have a name each.

    Sphinx reads only one name in a line of the section on attributes, other than in the
    section on parameters.

    Parameters
    ----------
    lines : list of str
        A docstring in numpydoc's format.

    Returns
    -------
    list of str
        For ``low, high : float``, both names with the type and the description.
    """
    if "Attributes" not in lines:
        return lines
    start = lines.index("Attributes") + 2
    after, number = lines[:start], start
    while number < len(lines) and lines[number].strip():
        end = number + 1
        while end < len(lines) and lines[end].startswith(" "):
            end += 1
        names = _NAMES.fullmatch(lines[number])
        heads = [f"{name} : {names[2]}" for name in names[1].split(", ")] if names else []
        for head in heads or lines[number : number + 1]:
            after += [head, *lines[number + 1 : end]]
        number = end
    return after + lines[number:]


def setup(app: Any) -> dict[str, Any]:
    """Register the changes with Sphinx.

    Parameters
    ----------
    app : sphinx.application.Sphinx
        The application.

    Returns
    -------
    dict
        What Sphinx wants to know of an extension.
    """
    # Jupyter Book loads an extension that would run cells on a server, with scripts from
    # elsewhere, and has no setting against it.
    for listeners in list(app.events.listeners.values()):
        for listener in list(listeners):
            if listener.handler.__module__ == "sphinx_thebe":
                app.disconnect(listener.id)
    styles = app.registry.css_files
    styles[:] = [style for style in styles if "thebe" not in str(style)]
    app.connect("html-page-context", _change_body)
    # Before napoleon, whose priority is 500.
    app.connect("autodoc-process-docstring", _change_docstring, priority=400)
    app.connect("autodoc-skip-member", _is_field_of_tuple)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _change_body(
    _app: Any, _page: str, _template: str, context: dict[str, Any], _doctree: Any
) -> None:
    if "body" in context:
        context["body"] = accessible(context["body"])


def _change_docstring(
    _app: Any, what: str, _name: str, _object: Any, _options: Any, lines: list[str]
) -> None:
    # In the first line about a value, napoleon takes what precedes a colon for its type.
    first = ["\\ "] if what in ("attribute", "data", "property") else []
    # A reference that begins with initials would begin a list.
    lines[:] = first + [re.sub(r"^(?=[A-Z]\. )", r"\\", line) for line in one_name_each(lines)]


def _is_field_of_tuple(
    _app: Any, _what: str, _name: str, member: Any, _skip: bool, _options: Any
) -> bool | None:
    """Leave out what only repeats an attribute of a named tuple: Alias for field number 0."""
    repeated = str(getattr(member, "__doc__", "")).startswith("Alias for field number")
    return True if repeated else None
