"""The table of contents of the book."""

from __future__ import annotations

from typing import Any

__all__ = ["pages_in"]


def pages_in(node: Any) -> list[str]:
    """Return all pages of a table of contents, or of a part of it.

    Parameters
    ----------
    node : dict or list
        The content of `_toc.yml`, or anything below it.

    Returns
    -------
    list of str
        As they are named there, in their order; the first page of the book is one of them.
    """
    if isinstance(node, list):
        return [page for item in node for page in pages_in(item)]
    if isinstance(node, dict):
        pages = [node[key] for key in ("root", "file") if key in node]
        return pages + [page for value in node.values() for page in pages_in(value)]
    return []
