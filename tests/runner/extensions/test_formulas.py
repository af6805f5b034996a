"""Formulas as MathML, without a script or a network."""

import re
from pathlib import Path

import nbformat
import pytest

from gtzan_lib.runner.extensions.formulas import mathml

ROOT = Path(__file__).parents[3]
FORMULA = re.compile(
    r"\$\$(?P<block>.+?)\$\$|(?<![\\$\w])\$(?!\s)(?P<inline>[^$\n]+?)(?<!\s)\$(?!\d)", re.S
)


def formulas():
    """Return all formulas of notebooks and pages, with where they stand."""
    texts = {}
    for file in sorted((ROOT / "notebooks").glob("*.ipynb")):
        cells = nbformat.read(file, as_version=4)["cells"]
        texts[file.name] = "\n".join(c["source"] for c in cells if c["cell_type"] == "markdown")
    for file in sorted((ROOT / "book").rglob("*.md")):
        texts[file.name] = file.read_text(encoding="utf-8")
    for name, text in texts.items():
        prose = re.sub(r"```.*?```|`[^`]*`", "", text, flags=re.S)
        for match in FORMULA.finditer(prose):
            yield name, match["block"] or match["inline"], bool(match["block"])


def test_a_fraction():
    assert mathml(r"\frac{a}{b}") == (
        '<math xmlns="http://www.w3.org/1998/Math/MathML" display="inline"><mrow><mfrac><mrow>'
        "<mi>a</mi></mrow><mrow><mi>b</mi></mrow></mfrac></mrow></math>"
    )
    assert 'display="block"' in mathml("a", block=True)


@pytest.mark.parametrize(("page", "formula", "block"), list(formulas()))
def test_formulas_of_the_book_are_understood(page, formula, block):
    found = mathml(formula, block=block)
    # What the converter does not know stays as it is.
    assert "\\" not in found, page
    assert "<mi>&</mi>" not in found, page
    assert found.count("<math") == found.count("</math>") == 1
