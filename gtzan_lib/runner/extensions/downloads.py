"""What a page offers at its end: its source, script, records, tables, and how to cite it.

An extension of Sphinx; `_config.yml` names it. Whatever lies below `downloads/<page>/`
beside `_config.yml` is offered on that page, and copied into the built book.
"""

from __future__ import annotations

import html
import re
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from .edition import Edition, read_edition

__all__ = ["FOLDER", "bibtex", "download_box", "setup"]

FOLDER = "downloads"
"""Folder beside `_config.yml` that holds what pages offer."""

# Where it is in the built book.
_BUILT = "_downloads"

# What a file is, by its ending.
_KINDS = {".ipynb": "Notebook", ".md": "Source", ".py": "Script", ".json": "Records",
          ".zip": "Records", ".csv": "Tables", ".bib": "BibTeX"}  # fmt: skip

# Characters of a title that mean something else to LaTeX.
_SPECIAL = re.compile(r"[&%$#_{}]")


def bibtex(page: str, title: str, book: str, author: str, edition: Edition, url: str = "") -> str:
    """Return how to cite a page.

    Parameters
    ----------
    page : str
        The page, `notebooks/05_pca`.
    title : str
        Its title.
    book : str
        Title of the book.
    author : str
        Who has written it, a group.
    edition : Edition
        Version, date and commit.
    url : str
        Address of the page or of the repository; empty for none.

    Returns
    -------
    str
        An entry of BibTeX.
    """
    key = re.sub(r"\W+", "-", f"{book} {Path(page).name}".lower().replace("_", "-"))
    fields = {
        "author": f"{{{author}}}",
        "title": _SPECIAL.sub(r"\\\g<0>", title),
        "howpublished": f"In: {book}, version {edition.version}",
        "year": edition.date[:4],
    }
    if edition.commit:
        fields["note"] = f"Commit {edition.commit}"
    if url:
        fields["url"] = url
    lines = [f"  {name} = {{{value}}}" for name, value in fields.items()]
    return f"@misc{{{key},\n" + ",\n".join(lines) + "\n}\n"


def download_box(files: Mapping[str, str], entry: str) -> str:
    """Return the fold at the end of a page.

    Parameters
    ----------
    files : mapping of str to str
        Addresses, as seen from the page, by what the links say.
    entry : str
        How to cite the page, in BibTeX.

    Returns
    -------
    str
        HTML: a list of links by the kind of file, and the entry.
    """
    kinds: dict[str, list[str]] = {}
    for name, address in files.items():
        link = f'<a download href="{html.escape(address)}">{html.escape(name)}</a>'
        kinds.setdefault(_KINDS[Path(name).suffix], []).append(link)
    rows = "".join(f"<dt>{kind}</dt><dd>{_listed(links)}</dd>" for kind, links in kinds.items())
    return (
        '<details class="downloads d-print-none" id="downloads">'
        f"<summary>Download and cite</summary><dl>{rows}</dl>"
        '<div class="highlight-bibtex notranslate"><div class="highlight">'
        f"<pre>{html.escape(entry)}</pre></div></div></details>"
    )


def _listed(links: Sequence[str]) -> str:
    return links[0] if len(links) == 1 else f"<ul><li>{'</li><li>'.join(links)}</li></ul>"


def setup(app: Any) -> dict[str, Any]:
    """Register the folds with Sphinx.

    Parameters
    ----------
    app : sphinx.application.Sphinx
        The application.

    Returns
    -------
    dict
        What Sphinx wants to know of an extension.
    """
    app.connect("config-inited", _replace_button)
    app.connect("env-get-outdated", _changed_pages)
    # The theme adds its buttons with priority 501.
    app.connect("html-page-context", _add_box, priority=502)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _files_of(app: Any, page: str) -> list[Path]:
    """Return the files that a page offers, sorted."""
    folder = Path(app.srcdir) / FOLDER / page
    return sorted(path for path in folder.rglob("*") if path.is_file())


def _replace_button(_app: Any, config: Any) -> None:
    # The theme's own offers the source alone.
    config.html_theme_options = {**config.html_theme_options, "use_download_button": False}


def _changed_pages(app: Any, env: Any, *_: Any) -> list[str]:
    """Return the pages that offer other files than at the last build."""
    now = {
        page: [(str(file), file.stat().st_mtime_ns) for file in _files_of(app, page)]
        for page in env.found_docs
    }
    before, env.gtzan_downloads = getattr(env, "gtzan_downloads", now), now
    return [page for page, files in now.items() if before.get(page) != files]


def _add_box(app: Any, page: str, _template: str, context: dict[str, Any], doctree: Any) -> None:
    edition = read_edition(Path(app.srcdir))
    if doctree is None or edition is None or "body" not in context:
        return
    entry = bibtex(
        page,
        app.env.titles[page].astext(),
        app.config.html_title,
        app.config.author,
        edition,
        _address(app, page),
    )
    built = Path(app.outdir) / _BUILT / page
    contents = {f"{built.name}.bib": entry.encode()}
    folder = Path(app.srcdir) / FOLDER / page
    for file in _files_of(app, page):
        contents[file.relative_to(folder).as_posix()] = file.read_bytes()
    source = context["sourcename"]
    files = {Path(source).name: context["pathto"](f"_sources/{source}", 1)}
    shutil.rmtree(built, ignore_errors=True)
    for name, content in sorted(contents.items(), key=lambda item: _order(item[0])):
        target = built / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
        files[name] = context["pathto"](f"{_BUILT}/{page}/{name}", 1)
    context["body"] += download_box(files, entry)
    context["header_buttons"].insert(0, _BUTTON)


_BUTTON = {
    "type": "javascript",
    "javascript": "const box = document.getElementById('downloads'); "
    "box.open = true; box.scrollIntoView()",
    "tooltip": "Download and cite",
    "icon": "fas fa-download",
    "label": "download-button",
    "classes": "pst-navbar-icon",
}


def _order(name: str) -> tuple[int, str]:
    return list(_KINDS).index(Path(name).suffix), name


def _address(app: Any, page: str) -> str:
    """Return the address of a page where it is published, else that of the repository."""
    if app.config.html_baseurl:
        return f"{app.config.html_baseurl.rstrip('/')}/{page}.html"
    return str(app.config.html_theme_options.get("repository_url") or "")
