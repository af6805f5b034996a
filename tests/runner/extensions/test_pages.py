"""What is changed in the pages of the book, and what their script does in a browser."""

import shutil
from pathlib import Path

import pytest

from gtzan_lib.runner.extensions.pages import accessible, one_name_each

from ...browser import opened

SCRIPT = Path(__file__).parents[3] / "book" / "_static" / "book.js"


@pytest.mark.parametrize(
    ("html", "changed"),
    [
        ("<tr><th></th><th>n</th></tr>", "<tr><td></td><th>n</th></tr>"),
        ('<th class="blank level0" >&nbsp;</th>', '<td class="blank level0" ></td>'),
        ('<th class="head"><p></p></th>', '<td class="head"></td>'),
        ('<summary aria-label="Toggle hidden content"><p>Code', "<summary><p>Code"),
        ('<div role="doc-biblioentry">', '<div role="listitem">'),
        ('role="region" aria-label="List of a"', 'role="group" aria-label="List of a"'),
        ('<table id="T_1f">', '<table class="dataframe" id="T_1f">'),
        (
            "<thead>\n<tr><th></th><th>n</th></tr>\n<tr><th>genre</th><th></th></tr></thead>",
            "<thead><tr><th>genre</th><th>n</th></tr></thead>",
        ),
        (
            "<thead><tr><th>a</th></tr><tr><th>b</th></tr></thead>",
            "<thead><tr><th>a</th></tr><tr><th>b</th></tr></thead>",
        ),
        ("<th>a</th>\n<th>b</th>", "<th>a</th>\n<th>b</th>"),
        ("<thead></thead>", "<thead></thead>"),
    ],
)
def test_what_screen_readers_need(html, changed):
    assert accessible(html) == changed


@pytest.fixture
def page(tmp_path):
    """Write a page with this content that loads the book's script and then runs a test."""
    shutil.copy(SCRIPT, tmp_path)
    (tmp_path / "notebooks").mkdir()

    def write(content, test):
        (tmp_path / "notebooks" / "page.html").write_text(
            f'<meta charset="utf-8"><article class="bd-article">{content}</article>'
            '<pre id="found"></pre>'
            '<script src="../book.js"></script><script>addEventListener("load", () => {'
            f'document.querySelector("#found").textContent = (() => {{ {test} }})();'
            "})</script>"
        )
        dom, errors = opened(tmp_path, "notebooks/page.html", seconds=5)
        assert not errors
        return dom.partition('<pre id="found">')[2].partition("</pre>")[0]

    return write


def table(cells):
    rows = "".join(f"<tr><th>{i}</th><td>{cell}</td></tr>" for i, cell in enumerate(cells))
    return f"<table><thead><tr><td></td><th>x</th></tr></thead><tbody>{rows}</tbody></table>"


CLICKS = """
const button = document.querySelector("th button.sort");
const state = () => [
  document.querySelector("th[aria-sort]").getAttribute("aria-sort"),
  ...[...document.querySelectorAll("tbody td")].map((cell) => cell.textContent),
].join(" ");
return Array.from({ length: 3 }, () => { button.click(); return state(); }).join("; ");
"""


@pytest.mark.check
@pytest.mark.parametrize(
    ("cells", "ascending", "descending"),
    [
        ("10 9 −1.5 1,200 +3 0 7 8 2", "−1.5 0 2 +3 7 8 9 10 1,200", None),
        ("b a10 a9 c f e d h g", "a9 a10 b c d e f g h", None),
        ("3 2 1  9 8 7 6 5", "1 2 3 5 6 7 8 9 ", "9 8 7 6 5 3 2 1 "),
    ],
)
def test_a_long_table_is_sorted_by_a_click_on_a_heading(page, cells, ascending, descending):
    found = page(table(cells.split(" ")), CLICKS)
    descending = descending or " ".join(reversed(ascending.split(" ")))
    assert found == f"ascending {ascending}; descending {descending}; none {cells}"


@pytest.mark.check
def test_short_and_grouped_tables_have_no_buttons(page):
    content = table("abcdefgh") + table("abcdefghi").replace("<th>x", '<th colspan="2">x')
    content += table("abcdefghi").replace("<th>8", "<th>")
    assert page(content, 'return document.querySelectorAll("button.sort").length') == "0"


@pytest.mark.check
def test_a_figure_opens_large_and_is_named_by_what_it_shows(page):
    image = '<figure><img alt="A curve" src="data:image/gif;base64,R0lGODlhAQABAAAAACw="></figure>'
    test = """
    document.querySelector("figure button").click();
    const dialog = document.querySelector("dialog");
    const shown = [dialog.open, dialog.querySelector("img").alt];
    dialog.click();
    return [...shown, dialog.open].join(" ");
    """
    assert page(image, test) == "true A curve false"


@pytest.mark.check
def test_columns_of_numbers_are_marked(page):
    columns = ["1 a2", "a b", "5% a b", "1 −2.5% –", "1 2"]
    tables = [table(column.split(" ")) for column in columns]
    # A heading that extends over both rows.
    tables[-1] = tables[-1].replace("<th>0</th>", '<th rowspan="2">x</th><th>0</th>')
    test = 'return [...document.querySelectorAll("tbody td")].map((td) => td.className).join()'
    content = f'<div class="cell_output">{"".join(tables)}</div>'
    assert page(content, test) == ",,,,,,,number,number,number,number,number"


def test_long_names_break_at_dots_on_a_narrow_page(page):
    content = (
        "<script>window.matchMedia = () => ({ matches: true })</script>"
        '<p><code class="literal"><span class="pre">gtzan_lib.data.corpus</span></code>'
        '<code class="literal"><span class="pre">gl.evaluate</span></code></p>'
    )
    shown = page(content, 'return document.querySelector("p").innerHTML.replaceAll("<", "(")')
    assert "gtzan_(wbr>lib.(wbr>data.(wbr>corpus" in shown.replace("&gt;", ">")
    assert "gl.evaluate" in shown


def test_attributes_have_a_name_each():
    text = "A.\n\nAttributes\n----------\n{}n : int\n    Number.\n\nNotes\n-----\na, b : c"
    given = "low, high : float\n    Bound.\n"
    shown = "low : float\n    Bound.\nhigh : float\n    Bound.\n"
    assert one_name_each(text.format(given).split("\n")) == text.format(shown).split("\n")
    assert one_name_each(["No, attributes : here"]) == ["No, attributes : here"]
