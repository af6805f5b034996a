"""Visits of the pages of a built book in a browser: what each loads, says and looks like."""

import contextlib
import json
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

import pytest

from .browser import Tab
from .web.node import WEB, install

AXE = WEB / "node_modules" / "axe-core" / "axe.min.js"

# The rules that depend on the theme.
COLOURS = ["color-contrast", "link-in-text-block"]

# Folds are opened, since what is in a closed one is not checked. Of what is made alike, the
# first of each page are: words of code of the same kind, definitions, letters of an index.
PREPARED = """
for (const fold of document.querySelectorAll("article details")) fold.open = true;
for (const one of [...document.querySelectorAll("dl.py")].slice(20)) one.remove();
for (const one of [...document.querySelectorAll("table.indextable")].slice(2)) one.remove();
const seen = {};
for (const word of document.querySelectorAll(".highlight span")) {
  seen[word.className] = (seen[word.className] ?? 0) + 1;
  if (seen[word.className] > 3) word.replaceWith(word.textContent);
}
const style = document.createElement("style");
style.textContent = "* { transition: none !important; animation: none !important; }";
document.head.append(style);
"""


class Visit(NamedTuple):
    """What was found on a page."""

    errors: list[str]  # of the console
    elsewhere: list[str]  # addresses of requests that leave the book
    weight: int  # bytes of all that was loaded
    width: int  # pixels, on a telephone
    violations: list[str]  # of axe-core's rules


def axe():
    """Return axe-core's script, or None where Node.js is neither installed nor required."""
    with contextlib.suppress(pytest.skip.Exception):
        install()
        return AXE.read_text(encoding="utf-8")
    return None


class Visitor(Tab):
    """A browser that visits pages, and notes what they load."""

    def __init__(self):
        self.loaded = []
        super().__init__(width=390, height=844)
        self._axe = axe()

    def _note(self, event, values):
        if event == "Network.requestWillBeSent":
            self.loaded.append(values["request"]["url"])
        super()._note(event, values)

    def visit(self, page, *, wide=False):
        """Open a file of a built book, once, and check it in both themes.

        What surrounds a page is the same on all, and seen on `wide` screens alone.
        """
        self.errors.clear()
        self.loaded.clear()
        self.look(390, 844)
        self.open(page)
        width = self.run("document.documentElement.scrollWidth")
        errors, loaded = list(self.errors), set(self.loaded)
        files = {unquote(urlsplit(one).path) for one in loaded if one.startswith("file:")}
        return Visit(
            errors=errors,
            elsewhere=[one for one in loaded if not one.startswith(("file:", "data:", "blob:"))],
            weight=sum(Path(file).stat().st_size for file in files if Path(file).is_file()),
            width=width,
            violations=self._violations(wide) if self._axe else [],
        )

    def _violations(self, wide):
        self.run(f"{PREPARED} {self._axe}; 0")
        found = self._check("light") + self._check("dark", runOnly=COLOURS)
        if wide:
            self.look(1400, 900)
            found += self._check("light") + self._check("dark", runOnly=COLOURS)
        return found

    def _check(self, theme, **options):
        self.run(f'document.documentElement.dataset.theme = "{theme}"; 0')
        # A name that differs from the text one sees: off unless it is asked for. Style
        # sheets need not be loaded again for the rules that are used here.
        options = {"rules": {"label-content-name-mismatch": {"enabled": True}}, **options}
        options = json.dumps({"preload": False, "resultTypes": ["violations"], **options})
        found = self.run(
            f"axe.run(document, {options}).then(({{violations}}) => violations.flatMap((rule) => "
            "rule.nodes.map((node) => `${rule.id}: ${node.target.join(' ')} "
            "${node.html.slice(0, 200)}`)))"
        )
        return [f"{theme}: {one}" for one in found]
