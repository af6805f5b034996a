"""Formulas of the book as MathML, which browsers draw without a script or a network.

An extension of Sphinx; `_config.yml` names it.
"""

from __future__ import annotations

from typing import Any

from docutils import nodes
from latex2mathml.converter import convert

__all__ = ["mathml", "setup"]


def mathml(formula: str, *, block: bool = False) -> str:
    """Return a formula as MathML.

    Parameters
    ----------
    formula : str
        In LaTeX, without dollar signs.
    block : bool
        Whether it stands on a line of its own.

    Returns
    -------
    str
        An element `math`.
    """
    return str(convert(formula, display="block" if block else "inline"))


def setup(app: Any) -> dict[str, Any]:
    """Register the renderer of formulas with Sphinx.

    Parameters
    ----------
    app : sphinx.application.Sphinx
        The application.

    Returns
    -------
    dict
        What Sphinx wants to know of an extension.
    """
    app.add_html_math_renderer("mathml", (_visit_inline, None), (_visit_block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _visit_inline(writer: Any, node: Any) -> None:
    writer.body.append(mathml(node.astext()))
    raise nodes.SkipNode


def _visit_block(writer: Any, node: Any) -> None:
    writer.body.append(f'<div class="formula">{mathml(node.astext(), block=True)}</div>\n')
    raise nodes.SkipNode
