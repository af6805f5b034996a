"""`python -m gtzan_lib.runner.pdf` prints the built book of the project as a PDF."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

import yaml

from ...errors import GtzanError, RunError
from ..extensions.edition import edition_of
from ..site import prose_files
from .document import Part, anchor, book_parts, joined

__all__ = ["main", "print_book"]

# Names of the browser's program.
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")

_OPTIONS = (
    "--headless=new",
    "--disable-gpu",
    # Sandboxes of the browser do not work for root; it opens nothing but the book.
    "--no-sandbox",
    "--no-first-run",
    "--no-pdf-header-footer",
    "--generate-pdf-document-outline",
)


def print_book(root: Path) -> Path:
    """Print the built book of a project.

    Parameters
    ----------
    root : Path
        The project's root, whose book is in `_build/html`.

    Returns
    -------
    Path
        `_build/book.pdf`.

    Raises
    ------
    RunError
        If there is no browser or no built book, or the browser fails.
    """
    built = root / "_build" / "html"
    if not built.is_dir():
        raise RunError(f"{built}: there is no book to print; say 'make book' first.")
    settings = yaml.safe_load((root / "_config.yml").read_text(encoding="utf-8"))
    contents = yaml.safe_load((root / "_toc.yml").read_text(encoding="utf-8"))
    parts = book_parts(contents, built)
    document, target = built.with_name("book.html"), built.with_name("book.pdf")
    edition = edition_of(root, prose_files(root))
    style = Path(__file__).with_name("print.css").read_text(encoding="utf-8")
    numbers: dict[str, int] = {}
    # The first print tells on which pages chapters begin.
    for _ in range(2):
        text = joined(
            parts,
            built,
            built.name,
            title=settings["title"],
            author=settings["author"],
            edition=edition,
            licence=settings["html"]["extra_footer"],
            style=style,
            numbers=numbers,
        )
        document.write_text(text, encoding="utf-8")
        _print(document, target)
        numbers = _numbers(target, parts)
    document.unlink()
    return target


def _print(document: Path, target: Path) -> None:
    """Print a document in a browser without a window."""
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        raise RunError(
            f"no browser was found that could print the book; install one of {', '.join(BROWSERS)}."
        )
    target.unlink(missing_ok=True)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        command = [
            browser,
            *_OPTIONS,
            f"--user-data-dir={profile}",
            f"--print-to-pdf={target}",
            document.as_uri(),
        ]
        result = subprocess.run(command, capture_output=True, encoding="utf-8", errors="replace")
    if result.returncode or not target.is_file():
        lines = result.stderr.strip().splitlines() or ["no output"]
        raise RunError(f"the book could not be printed by {browser} ({lines[-1]}).")


def _numbers(file: Path, parts: Iterable[Part]) -> dict[str, int]:
    """Return the numbers of the pages on which chapters begin."""
    from pypdf import PdfReader

    reader = PdfReader(file)
    places = reader.named_destinations
    found = {}
    for chapter in (chapter for part in parts for chapter in part.chapters):
        place = places.get(f"/{anchor(chapter.page)}") or places.get(anchor(chapter.page))
        number = None if place is None else reader.get_destination_page_number(place)
        if number is not None:
            found[chapter.page] = number + 1
    return found


def main() -> None:
    """Print the book of the project in the current folder, and the path of the PDF."""
    try:
        print(print_book(Path.cwd()))
    except GtzanError as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
