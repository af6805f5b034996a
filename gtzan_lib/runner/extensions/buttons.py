"""Buttons of a page that lead to the repository, if `_config.yml` has its address.

An extension of Sphinx; `_config.yml` names it. `repository` there is the one place for
the address: with it, pages link to the repository, to a new issue and to their source,
and notebooks to Binder and, at GitHub, to Colab. A page is an executed copy of a
notebook; its buttons open the notebook itself, without results. Without an address there
are no such buttons.
"""

from __future__ import annotations

import re
from typing import Any

from ...errors import RunError

__all__ = ["button_options", "open_notebook", "setup"]

BINDER = "https://mybinder.org"
COLAB = "https://colab.research.google.com"

# What Jupyter Book puts there if `_config.yml` has no section `repository`.
_JUPYTER_BOOK = "https://github.com/executablebooks/jupyter-book"
_ADDRESS = re.compile(r"https://[^/\s]*(github|gitlab)[^/\s]*(/[^/\s]+)+/[^/\s]+(?<!\.git)")


def button_options(url: str, branch: str) -> dict[str, Any]:
    """Return the theme's options for a repository.

    Parameters
    ----------
    url : str
        Address of the repository at GitHub or GitLab; empty for none.
    branch : str
        Branch that the buttons open.

    Returns
    -------
    dict
        Options of `sphinx_book_theme`; without an address, all buttons are off.

    Raises
    ------
    RunError
        If the address is not that of a repository.
    """
    url = "" if url == _JUPYTER_BOOK else url.rstrip("/")
    if url and not _ADDRESS.fullmatch(url):
        raise RunError(
            f"_config.yml: repository.url is {url!r}; it must be the address of a repository at "
            "GitHub or GitLab, such as https://github.com/NAME/PROJECT, or empty."
        )
    kinds = ("repository", "issues", "edit_page")
    options: dict[str, Any] = {f"use_{kind}_button": bool(url) for kind in kinds}
    options |= {"repository_url": url, "repository_branch": branch, "launch_buttons": {}}
    if url:
        options["launch_buttons"] = {"notebook_interface": "jupyterlab", "binderhub_url": BINDER}
        if url.startswith("https://github.com/"):
            options["launch_buttons"]["colab_url"] = COLAB
    return options


def open_notebook(
    buttons: list[dict[str, Any]], page: str, notebook: str, *, alone: bool = True
) -> list[dict[str, Any]]:
    """Return the buttons of a page, which open the notebook that was executed for it.

    Parameters
    ----------
    buttons : list of dict
        Buttons and groups of buttons, as the theme has made them.
    page : str
        The page, `notebooks/08_cnn-pooled-mel`.
    notebook : str
        Path of the notebook in the repository, `notebooks/08_cnn.ipynb`.
    alone : bool
        Whether the notebook needs nothing of the repository but the package. Colab opens
        it alone, and has no button otherwise.

    Returns
    -------
    list of dict
        Changed copies.
    """
    opened = []
    for button in buttons:
        if button["type"] == "group":
            inner = open_notebook(button["buttons"], page, notebook, alone=alone)
            opened.append({**button, "buttons": inner})
        elif button["type"] != "link":
            opened.append(button)
        elif alone or not button["url"].startswith(COLAB):
            url = button["url"].replace(f"/{page}.ipynb", f"/{notebook}")
            opened.append({**button, "url": url})
    return opened


def setup(app: Any) -> dict[str, Any]:
    """Register the buttons with Sphinx.

    Parameters
    ----------
    app : sphinx.application.Sphinx
        The application.

    Returns
    -------
    dict
        What Sphinx wants to know of an extension.
    """
    app.connect("config-inited", _choose_buttons)
    # The theme adds its buttons with priority 501.
    app.connect("html-page-context", _open_notebook, priority=502)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _choose_buttons(_app: Any, config: Any) -> None:
    given = config.html_theme_options
    url, branch = given.get("repository_url") or "", given.get("repository_branch") or "main"
    config.html_theme_options = {**given, **button_options(url, branch)}


def _open_notebook(
    app: Any, page: str, _template: str, context: dict[str, Any], _doctree: Any
) -> None:
    noted = app.env.metadata.get(page, {})
    if "notebook" in noted and "header_buttons" in context:
        context["header_buttons"] = open_notebook(
            context["header_buttons"], page, noted["notebook"], alone="needs" not in noted
        )
