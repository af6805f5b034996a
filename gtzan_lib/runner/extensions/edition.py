"""Which edition of the book this is: version, date and commit, at the foot of each page.

An extension of Sphinx; `_config.yml` names it. The date is that of the commit and not of
the build, so that an unchanged book stays the same.
"""

from __future__ import annotations

import datetime
import json
import subprocess
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

__all__ = ["FILE", "Edition", "edition_of", "footer", "read_edition", "setup"]

FILE = "edition.json"
"""Name of the file beside `_config.yml` that says which edition is built."""


class Edition(NamedTuple):
    """Version, date and commit of the book.

    Attributes
    ----------
    version : str
        Version of the package.
    date : str
        Date of the commit, or of the newest source outside of a checkout: 2026-11-28.
    commit : str
        Seven hexadecimal digits; empty outside of a checkout.
    """

    version: str
    date: str
    commit: str = ""


def edition_of(root: Path, sources: Iterable[Path]) -> Edition:
    """Return the edition of a project's book.

    Parameters
    ----------
    root : Path
        The project's root.
    sources : iterable of Path
        Files that the book is made of.

    Returns
    -------
    Edition
        The edition.
    """
    own = version("gtzan-lib")
    command = ["git", "-C", str(root), "log", "-1", "--format=%cs %h", "--abbrev=7"]
    try:
        # A folder within another project's checkout has none of its own.
        if (root / ".git").exists():
            done = subprocess.run(command, capture_output=True, encoding="utf-8", check=True)
            return Edition(own, *done.stdout.split())
    except (OSError, subprocess.CalledProcessError):
        pass
    newest = max((file.stat().st_mtime for file in sources), default=0)
    return Edition(own, datetime.datetime.fromtimestamp(newest, datetime.UTC).date().isoformat())


def footer(edition: Edition) -> str:
    """Return what stands at the foot of each page.

    Parameters
    ----------
    edition : Edition
        The edition.

    Returns
    -------
    str
        HTML.
    """
    date = datetime.date.fromisoformat(edition.date)
    commit = f", commit {edition.commit}" if edition.commit else ""
    return (
        f'<p>Version {edition.version}, <time datetime="{edition.date}">{date.day} '
        f"{date:%B %Y}</time>{commit}.</p>"
    )


def read_edition(folder: Path) -> Edition | None:
    """Return the edition that is built.

    Parameters
    ----------
    folder : Path
        Folder of the staged sources.

    Returns
    -------
    Edition or None
        None if it is not noted there.
    """
    file = folder / FILE
    return Edition(**json.loads(file.read_text(encoding="utf-8"))) if file.is_file() else None


def setup(app: Any) -> dict[str, Any]:
    """Register the foot of pages with Sphinx.

    Parameters
    ----------
    app : sphinx.application.Sphinx
        The application.

    Returns
    -------
    dict
        What Sphinx wants to know of an extension.
    """
    app.connect("config-inited", _extend_footer)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _extend_footer(app: Any, config: Any) -> None:
    # The theme's options are among those after whose change Sphinx writes all pages again.
    edition = read_edition(Path(app.srcdir))
    if edition:
        given = config.html_theme_options
        text = given.get("extra_footer", "") + footer(edition)
        config.html_theme_options = {**given, "extra_footer": text}
