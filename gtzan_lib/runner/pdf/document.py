"""One HTML document of all pages of a built book, for printing."""

from __future__ import annotations

import html
import json
import posixpath
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from ..extensions.contents import pages_in
from ..extensions.edition import Edition, footer

__all__ = ["Chapter", "Part", "anchor", "book_parts", "joined", "renamed"]

_ARTICLE = re.compile(r'<article class="bd-article[^"]*">(.*)</article>', re.S)
_TITLE = re.compile(r"<h1>(.*?)</h1>", re.S)
_STYLES = re.compile(r'<link[^>]*rel="stylesheet"[^>]*>')

# What a printed page does not need: scripts, marks of headings, the list of a figure's
# tracks, and what can be downloaded.
_LEFT_OUT = re.compile(
    r"<script.*?</script>"
    r'|<a class="headerlink".*?</a>'
    r"|<details><summary>As a list</summary>.*?</details>"
    r'|<details class="downloads.*?</details>',
    re.S,
)
_TAG = re.compile(r"<[a-zA-Z][^<>]*>")
_ATTRIBUTE = re.compile(r'(?<=\s)(id|for|aria-labelledby|aria-describedby|href|src)="([^"]*)"')
_HEADING = re.compile(r"<(/?)h([1-5])(?=[ >])")


class Chapter(NamedTuple):
    """A page of the book.

    Attributes
    ----------
    page : str
        Its name: notebooks/05_pca.
    title : str
        Its title, as plain text.
    body : str
        Its text, as HTML.
    """

    page: str
    title: str
    body: str


class Part(NamedTuple):
    """A part of the book.

    Attributes
    ----------
    title : str
        Its title; empty for the first page.
    chapters : list of Chapter
        Its pages.
    """

    title: str
    chapters: list[Chapter]


def book_parts(contents: Mapping[str, Any], built: Path) -> list[Part]:
    """Read the pages of a built book.

    Parameters
    ----------
    contents : mapping
        The content of `_toc.yml`.
    built : Path
        Folder of the built book.

    Returns
    -------
    list of Part
        In the order of the table of contents; the first has the first page alone.

    Raises
    ------
    FileNotFoundError
        If a page is not built.
    """
    parts = [("", [contents["root"]])]
    parts += [(part["caption"], pages_in(part)) for part in contents.get("parts", [])]
    return [Part(title, [_chapter(built, page) for page in pages]) for title, pages in parts]


def _chapter(built: Path, page: str) -> Chapter:
    text = (built / f"{page}.html").read_text(encoding="utf-8")
    found = _ARTICLE.search(text)
    body = _LEFT_OUT.sub("", found[1] if found else "")
    title = _TITLE.search(body)
    return Chapter(page, html.unescape(re.sub("<[^>]+>", "", title[1])) if title else page, body)


def anchor(page: str, fragment: str = "") -> str:
    """Return the id that a page, or an element of it, has in the document of all pages.

    Parameters
    ----------
    page : str
        The page.
    fragment : str
        Id of the element; empty for the page itself.

    Returns
    -------
    str
        The id.
    """
    name = page.replace("/", ".")
    return f"{name}--{fragment}" if fragment else name


def renamed(body: str, page: str, pages: Iterable[str], folder: str) -> str:
    """Return the text of a page as a chapter of one document.

    Parameters
    ----------
    body : str
        The page's text, as HTML.
    page : str
        The page.
    pages : iterable of str
        All pages of the document.
    folder : str
        Path from the document to the folder of the built book.

    Returns
    -------
    str
        The text with ids that no other page has, links within the document, files as
        seen from the document, and headings one level lower. Links to files of the book
        that are no page are none any more.
    """
    known = set(pages)

    def place(address: str) -> str:
        return posixpath.normpath(posixpath.join(posixpath.dirname(page), address))

    def attribute(found: re.Match[str]) -> str:
        name, value = found.groups()
        if name in ("id", "for"):
            return f'{name}="{anchor(page, value)}"'
        if name.startswith("aria"):
            return f'{name}="{" ".join(anchor(page, one) for one in value.split())}"'
        if re.match(r"[a-z]+:", value):
            return found[0]
        if name == "src":
            return f'src="{folder}/{place(value)}"'
        address, _, fragment = value.partition("#")
        target = place(address).removesuffix(".html") if address else page
        return f'href="#{anchor(target, fragment)}"' if target in known else ""

    def tag(found: re.Match[str]) -> str:
        text = _ATTRIBUTE.sub(attribute, found[0])
        folded = text.startswith("<details") and " open" not in text
        return text.replace("<details", "<details open", 1) if folded else text

    body = _TAG.sub(tag, body)
    # The style of a table names the ids of its cells.
    body = re.sub(r"#(T_\w+)", lambda found: f"#{_escaped(anchor(page, found[1]))}", body)
    return _HEADING.sub(lambda found: f"<{found[1]}h{int(found[2]) + 1}", body)


def _escaped(name: str) -> str:
    """Return an id as it is written in a style sheet."""
    return re.sub(r"([^\w-])", r"\\\1", name)


def joined(
    parts: Iterable[Part],
    built: Path,
    folder: str,
    *,
    title: str,
    author: str,
    edition: Edition | None,
    licence: str,
    style: str,
    numbers: Mapping[str, int] | None = None,
) -> str:
    """Return one document of all pages, with a title page and a table of contents.

    Parameters
    ----------
    parts : iterable of Part
        From `book_parts`.
    built : Path
        Folder of the built book.
    folder : str
        Path from the document to this folder.
    title, author : str
        Of the book.
    edition : Edition, optional
        Version and date.
    licence : str
        The licences, as HTML.
    style : str
        A style sheet for the printed document.
    numbers : mapping of str to int, optional
        Numbers of the printed pages on which the pages of the book begin. Default: none.

    Returns
    -------
    str
        HTML.
    """
    parts = list(parts)
    chapters = [chapter for part in parts for chapter in part.chapters]
    first = (built / f"{chapters[0].page}.html").read_text(encoding="utf-8")
    depth = chapters[0].page.count("/")
    styles = "\n".join(_STYLES.findall(first)).replace(f'href="{"../" * depth}', f'href="{folder}/')
    # The head of each printed page has the chapter's title.
    heads = "\n".join(
        f"@page c{number} {{ @top-left {{ content: {json.dumps(chapter.title)}; }} }}\n"
        f"#c{number} {{ page: c{number}; }}"
        for number, chapter in enumerate(chapters)
    )
    body, number = [], 0
    pages = [chapter.page for chapter in chapters]
    for part in parts:
        if part.title:
            body.append(f'<h1 class="part">{html.escape(part.title)}</h1>')
        for chapter in part.chapters:
            text = renamed(chapter.body, chapter.page, pages, folder)
            body.append(
                f'<article class="bd-article" id="c{number}"><a id="{anchor(chapter.page)}"></a>'
                f"{text}</article>"
            )
            number += 1
    return (
        f'<!doctype html>\n<html lang="en" data-theme="light" data-mode="light">\n<head>\n'
        f'<meta charset="utf-8">\n<title>{html.escape(title)}</title>\n{styles}\n'
        f"<style>\n{style}\n{heads}\n</style>\n"
        f'<script src="{folder}/_static/book.js"></script>\n</head>\n<body>\n'
        f'<section class="title-page"><p class="book-title">{html.escape(title)}</p>'
        f"<p>{html.escape(author)}</p>{footer(edition) if edition else ''}"
        f'<div class="licence">{licence}</div></section>\n'
        f"{_contents(parts, numbers or {})}\n"
        f'<main class="bd-content">{"".join(body)}</main>\n</body>\n</html>\n'
    )


def _contents(parts: Iterable[Part], numbers: Mapping[str, int]) -> str:
    """Return the table of contents."""
    rows = []
    for part in parts:
        if part.title:
            rows.append(f'<p class="part-title">{html.escape(part.title)}</p>')
        for chapter in part.chapters:
            number = numbers.get(chapter.page, "")
            rows.append(
                f'<a href="#{anchor(chapter.page)}"><span>{html.escape(chapter.title)}</span>'
                f"<span>{number}</span></a>"
            )
    return f'<nav class="book-contents"><h1>Contents</h1>{"".join(rows)}</nav>'
