"""Visits of the pages of a built book in a browser: what each loads, says and looks like."""

import json
import os
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

import pytest

from .browser import Tab

AXE = Path(__file__).parents[1] / "web" / "node_modules" / "axe-core" / "axe.min.js"

# What else depends on the theme, and on the width of the page.
COLOURS = ["color-contrast", "link-in-text-block"]
NARROW = ["scrollable-region-focusable", "target-size"]

# Folds are opened, since what is in a closed one is not checked.
STILL = """
for (const fold of document.querySelectorAll("article details")) fold.open = true;
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
    """Return axe-core's script, or None; fail where it is required."""
    if AXE.is_file():
        return AXE.read_text(encoding="utf-8")
    if os.environ.get("GTZAN_REQUIRE_NODE") == "1":
        pytest.fail(f"{AXE} is missing: say 'npm ci' in web/")
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

    def visit(self, page):
        """Open a file of a built book, once, and check it in both themes."""
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
            violations=self._violations() if self._axe else [],
        )

    def _violations(self):
        self.run(f"{STILL} {self._axe}; 0")
        found = self._check("light", runOnly=NARROW)
        self.look(1400, 900)
        # A name that differs from the text one sees: off unless it is asked for.
        found += self._check("light", rules={"label-content-name-mismatch": {"enabled": True}})
        return found + self._check("dark", runOnly=COLOURS)

    def _check(self, theme, **options):
        self.run(f'document.documentElement.dataset.theme = "{theme}"; 0')
        # Style sheets need not be loaded again for rules that are used here.
        options = json.dumps({"preload": False, "resultTypes": ["violations"], **options})
        found = self.run(
            f"axe.run(document, {options}).then(({{violations}}) => violations.flatMap((rule) => "
            "rule.nodes.map((node) => `${rule.id}: ${node.target.join(' ')} "
            "${node.html.slice(0, 200)}`)))"
        )
        return [f"{theme}: {one}" for one in found]
