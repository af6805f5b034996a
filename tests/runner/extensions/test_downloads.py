"""The fold at the end of a page: what can be downloaded, and how to cite the page."""

import json
import re

import pytest
from sphinx.application import Sphinx

from gtzan_lib.runner.extensions.downloads import bibtex, download_box
from gtzan_lib.runner.extensions.edition import Edition

EDITION = Edition("0.2.0", "2026-03-04", "0123abc")
BOOK = ("The GTZAN compendium", "The GTZAN compendium authors")


def test_a_page_is_cited_with_title_version_year_and_commit():
    entry = bibtex("notebooks/05_pca", "R&D: 50 % of_it", *BOOK, EDITION, "https://example.org/a")
    assert entry.splitlines() == [
        "@misc{the-gtzan-compendium-05-pca,",
        "  author = {{The GTZAN compendium authors}},",
        r"  title = {R\&D: 50 \% of\_it},",
        "  howpublished = {In: The GTZAN compendium, version 0.2.0},",
        "  year = {2026},",
        "  note = {Commit 0123abc},",
        "  url = {https://example.org/a}",
        "}",
    ]
    alone = bibtex("index", "A page", *BOOK, Edition("0.2.0", "2026-03-04"))
    assert "note" not in alone and "url" not in alone


def test_the_entry_is_read_by_bibtex():
    from pybtex.database import parse_string

    entry = bibtex("notebooks/05_pca", "Components", *BOOK, EDITION)
    ((key, read),) = parse_string(entry, "bibtex").entries.items()
    assert key == "the-gtzan-compendium-05-pca"
    assert read.fields["title"] == "Components"
    assert str(read.persons["author"][0]) == "{The GTZAN compendium authors}"


def test_links_are_listed_by_kind_and_texts_are_no_markup():
    files = {"a.ipynb": "../a.ipynb", "x/1.csv": "x/1.csv", "x/<2>.csv": "x/2.csv"}
    box = download_box(files, "@misc{a & b}")
    assert re.findall("<dt>(.*?)</dt>", box) == ["Notebook", "Tables"]
    assert box.count("<a download ") == 3
    assert "&lt;2&gt;" in box and "a &amp; b" in box


@pytest.fixture
def book(tmp_path):
    """Two pages, one of which offers a script, a record and a table."""
    (tmp_path / "text").mkdir()
    (tmp_path / "index.md").write_text("# First\n\n```{toctree}\ntext/second\n```\n")
    (tmp_path / "text" / "second.md").write_text("# Second\n")
    (tmp_path / "edition.json").write_text(json.dumps(EDITION._asdict()))
    for name in ("second.py", "records/a.json", "scores.csv"):
        file = tmp_path / "downloads" / "text" / "second" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(name)
    return tmp_path


def build(book):
    settings = {
        "extensions": [
            "myst_nb", "sphinx_book_theme", "gtzan_lib.runner.extensions.edition",
            "gtzan_lib.runner.extensions.downloads",
        ],
        "html_theme": "sphinx_book_theme",
        # The theme adds to the default, which all builds of a process share.
        "templates_path": [],
        "html_title": BOOK[0],
        "author": BOOK[1],
        "html_baseurl": "https://example.org/book/",
    }  # fmt: skip
    app = Sphinx(book, None, book / "html", book / "trees", "html", settings, None, None)
    app.build()
    return (book / "html" / "text" / "second.html").read_text(encoding="utf-8")


def offered(text):
    return re.findall(r'<a download href="([^"]+)"', text)


def test_files_are_offered_where_they_are(book):
    text = build(book)
    names = offered(text)
    assert [name.rpartition("/")[2] for name in names] == [
        "second.md", "second.py", "a.json", "scores.csv", "second.bib",
    ]  # fmt: skip
    for name in names:
        assert (book / "html" / "text" / name).resolve().is_file()
    assert "https://example.org/book/text/second.html" in text
    assert "Version 0.2.0, <time" in text
    # Instead of the theme's own button, there is one that opens the fold.
    assert "download-source-button" not in text
    assert text.count("getElementById('downloads')") == 1
    first = (book / "html" / "index.html").read_text(encoding="utf-8")
    assert [name.rpartition("/")[2] for name in offered(first)] == ["index.md", "index.bib"]
    assert "Download and cite" not in (book / "html" / "search.html").read_text(encoding="utf-8")


def test_a_page_is_made_again_when_its_files_change(book):
    build(book)
    folder = book / "downloads" / "text" / "second"
    (folder / "scores.csv").write_text("changed, and longer")
    (folder / "records" / "a.json").unlink()
    names = offered(build(book))
    assert not any(name.endswith(".json") for name in names)
    (table,) = (name for name in names if name.endswith(".csv"))
    assert (book / "html" / "text" / table).resolve().read_text() == "changed, and longer"
    assert not (book / "html" / "_downloads" / "text" / "second" / "records").exists()


def test_an_unchanged_page_stays_as_it_is(book):
    build(book)
    file = book / "html" / "text" / "second.html"
    before = file.stat().st_mtime_ns
    build(book)
    assert file.stat().st_mtime_ns == before
