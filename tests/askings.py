"""The askings of this project in the book: `python -m tests.askings` writes the table again."""

import re
from pathlib import Path

import pandas as pd

from gtzan_lib.evaluation.askings import read_askings

ROOT = Path(__file__).parents[1]
PUBLISHED = ROOT / "results" / "gtzan" / "test_access.csv"
PAGE = ROOT / "book" / "concepts" / "test-part.md"

_TABLE = re.compile(r"(?<=\| date \| configuration \| model \|)(.*\n\|[-:|]+\n)((?:\|.*\n)*)")


def table_of(askings: pd.DataFrame) -> str:
    """Return askings as the rows of the page's table."""
    rows = []
    for row in askings.itertuples():
        seeds = f" (seeds {row.seeds})" if " " in row.seeds else ""
        score, low, high = (f"{100 * share:.1f}" for share in (row.score, row.low, row.high))
        cells = [
            row.date,
            f"`{row.configuration}`" if row.configuration else "",
            f"{row.description}{seeds}",
            str(row.n),
            f"{score} ({low} to {high})",
            row.chosen_by,
        ]
        rows.append("| " + " | ".join(cell.replace("|", r"\|") for cell in cells) + " |\n")
    return "".join(rows)


def table_in(page: str) -> str:
    """Return the rows of the table on the page."""
    (match,) = _TABLE.finditer(page)
    return match[2]


if __name__ == "__main__":
    page = PAGE.read_text(encoding="utf-8")
    rows = table_of(read_askings(PUBLISHED))
    PAGE.write_text(_TABLE.sub(lambda m: m[1] + rows, page), encoding="utf-8", newline="\n")
