"""The book as a PDF: one document of all pages, and what a browser makes of it."""

import re

import pytest

from gtzan_lib.errors import RunError
from gtzan_lib.runner.extensions.edition import Edition
from gtzan_lib.runner.pdf import __main__ as printing
from gtzan_lib.runner.pdf.document import anchor, book_parts, joined, renamed

from ...browser import program

PAGES = ["book/index", "notebooks/05_pca"]


@pytest.mark.parametrize(
    ("html", "changed"),
    [
        ('<p id="a">', '<p id="notebooks.05_pca--a">'),
        ('<a href="#a">', '<a href="#notebooks.05_pca--a">'),
        ('<a href="../book/index.html#b">', '<a href="#book.index--b">'),
        ('<a href="../book/index.html">', '<a href="#book.index">'),
        ('<a href="05_pca.html">', '<a href="#notebooks.05_pca">'),
        ('<a href="https://example.org/#a">', '<a href="https://example.org/#a">'),
        ('<a class="x" href="../genindex.html">', '<a class="x" >'),
        ('<img src="../_images/a.png">', '<img src="html/_images/a.png">'),
        ('<img src="data:image/gif;base64,R0">', '<img src="data:image/gif;base64,R0">'),
        ('<use href="#a-1"/>', '<use href="#notebooks.05_pca--a-1"/>'),
        ('<g aria-labelledby="a b">', None),
        ("<h1>A</h1><h2 class='x'>", "<h2>A</h2><h3 class='x'>"),
        ("<header>", "<header>"),
        ("<details class='sd'>", "<details open class='sd'>"),
        ('<details open="open">', '<details open="open">'),
        ("<style>#T_01 {}</style>", r"<style>#notebooks\.05_pca--T_01 {}</style>"),
        ('<p>id="a"</p>', '<p>id="a"</p>'),
    ],
)
def test_a_page_becomes_a_chapter(html, changed):
    if changed is None:
        changed = '<g aria-labelledby="notebooks.05_pca--a notebooks.05_pca--b">'
    assert renamed(html, "notebooks/05_pca", PAGES, "html") == changed


PAGE = """<!doctype html><html><head>
<link rel="stylesheet" href="{root}_static/book.css"></head><body>
<nav>not printed</nav>
<article class="bd-article">
<h1>{title}<a class="headerlink" href="#a">#</a></h1>
<p id="a">{text}</p><script>alert(1)</script>
<details><summary>As a list</summary><table></table></details>
<details class="downloads" id="downloads"><dl></dl></details>
</article></body></html>"""

CONTENTS = {
    "root": "book/index",
    "parts": [
        {
            "caption": "This build",
            "chapters": [{"file": "notebooks/a", "sections": [{"file": "notebooks/b"}]}],
        }
    ],
}


@pytest.fixture
def built(tmp_path):
    """A built book of three pages."""
    folder = tmp_path / "_build" / "html"
    texts = {
        "book/index": ("The book", 'See <a href="../notebooks/b.html#a">there</a>.'),
        "notebooks/a": ("First &amp; foremost", "Text of the first." + "<p>More.</p>" * 80),
        "notebooks/b": ("Second", 'Back to <a href="../book/index.html">the book</a>.'),
    }
    for name, (title, text) in texts.items():
        file = folder / f"{name}.html"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(PAGE.format(root="../", title=title, text=text))
    (folder / "_static").mkdir()
    for name in ("book.css", "book.js"):
        (folder / "_static" / name).write_text("")
    (tmp_path / "_config.yml").write_text(
        "title: A book\nauthor: Its authors\nhtml: {extra_footer: '<p>CC BY 4.0</p>'}\n"
    )
    (tmp_path / "_toc.yml").write_text(
        "root: book/index\nparts:\n- caption: This build\n  chapters:\n"
        "  - file: notebooks/a\n    sections:\n    - file: notebooks/b\n"
    )
    return tmp_path


def test_pages_are_read_in_the_order_of_the_contents(built):
    parts = book_parts(CONTENTS, built / "_build" / "html")
    assert [(part.title, [c.title for c in part.chapters]) for part in parts] == [
        ("", ["The book"]),
        ("This build", ["First & foremost", "Second"]),
    ]
    bodies = "".join(chapter.body for part in parts for chapter in part.chapters)
    assert not re.search("script|headerlink|As a list|downloads|not printed", bodies)


def test_the_document_has_a_title_page_contents_and_all_chapters(built):
    html = built / "_build" / "html"
    text = joined(
        book_parts(CONTENTS, html),
        html,
        "html",
        title="A book",
        author="Its authors",
        edition=Edition("0.2.0", "2026-03-04"),
        licence="<p>CC BY 4.0</p>",
        style="",
        numbers={"notebooks/b": 17},
    )
    assert '<link rel="stylesheet" href="html/_static/book.css">' in text
    assert text.count("<article") == 3
    assert f'<a href="#{anchor("notebooks/b")}"><span>Second</span><span>17</span></a>' in text
    assert '@page c1 { @top-left { content: "First & foremost"; } }' in text
    assert "4 March 2026" in text and "CC BY 4.0" in text
    ids = re.findall(r'\bid="([^"]+)"', text)
    assert len(set(ids)) == len(ids)
    links = re.findall(r'href="#([^"]+)"', text)
    assert set(links) <= set(ids)


def test_without_a_book_or_a_browser_one_sentence_says_what_to_do(built, monkeypatch, tmp_path):
    with pytest.raises(RunError, match=r"there is no book to print; say 'make book' first\."):
        printing.print_book(tmp_path / "elsewhere")
    monkeypatch.setattr(printing, "BROWSERS", ("no-such-browser",))
    with pytest.raises(RunError, match=r"install one of no-such-browser\."):
        printing.print_book(built)


@pytest.mark.check
def test_the_pdf_has_an_outline_links_and_page_numbers(built, monkeypatch):
    from pypdf import PdfReader

    program()
    target = printing.print_book(built)
    assert target == built / "_build" / "book.pdf"
    assert {path.name for path in target.parent.iterdir()} == {"html", "book.pdf"}
    reader = PdfReader(target)
    texts = [page.extract_text() for page in reader.pages]
    (second,) = (n for n, text in enumerate(texts) if "Back to" in text)
    contents = next(text for text in texts if "Contents" in text)
    assert re.search(rf"Second\s+{second + 1}\b", contents)
    assert texts[second].startswith(f"Second\n{second + 1}\n")
    assert texts[0].startswith("A book\n")
    assert [text for text in texts if len(text) < 5] == []
    assert _titles(reader.outline) == [
        "Contents", "The book", "This build", "First & foremost", "Second",
    ]  # fmt: skip
    (link,) = (
        note.get_object()
        for page in reader.pages
        for note in page.get("/Annots", [])
        if note.get_object().get("/Dest") == f"/{anchor('notebooks/b', 'a')}"
    )
    place = reader.named_destinations[link["/Dest"]]
    assert reader.get_destination_page_number(place) == second


def _titles(outline):
    return [
        title
        for entry in outline
        for title in (_titles(entry) if isinstance(entry, list) else [entry["/Title"]])
    ]
