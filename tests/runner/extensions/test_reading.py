"""Reading lists: words, times and questions of pages, and the table on a page."""

import re
from pathlib import Path

import nbformat
import pytest
import yaml
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from sphinx.application import Sphinx

from gtzan_lib.errors import RunError
from gtzan_lib.runner.extensions.reading import page_text, part_of, question, reading_time, words

ROOT = Path(__file__).parents[3]
CONTENTS = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
INTRODUCTIONS = ["book/experiments", "book/concepts/index", "book/howto/index"]


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("One, two and three.", 4),
        ("# A heading\n\nIt's re-executed in 8 minutes.", 6),
        ("Before.\n\n```python\nx = 1  # no text\n```\n\nAfter.", 2),
        (":::{dropdown} Solution\nHidden words.\n:::\n\nSeen.", 1),
        ("```{admonition} Caveats\n:class: caution\nThree more words.\n```", 4),
        ("```{note}\nTwo words.\n```\n\nThree after it.\n\n```python\nx = 1\n```", 5),
        ("The mean $\\frac{a}{b}$ of\n\n$$\\sum_i x_i$$\n\nall.", 4),
        ("(a-label)=\n## Title\n\nSee [the page](../a/b.md), {term}`protocol`.", 5),
    ],
)
def test_words_are_those_that_one_reads(text, count):
    assert words(text) == count


@pytest.mark.parametrize(
    ("count", "step", "expected"),
    [(0, 1, 1), (220, 1, 1), (800, 1, 4), (800, 5, 5), (220 * 23, 5, 25), (220 * 22, 5, 20)],
)
def test_minutes_at_220_words(count, step, expected):
    assert reading_time(count, step) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("# A\n\n**Question.** Is it? No.\n\nMore?", "Is it?"),
        ("(label)=\n# A\n\nWhat is counted, and how? Tracks.", "What is counted, and how?"),
        ("# A\n\n```{note}\nBy a run.\n```\n\n**Question.** Is it? No.", "Is it?"),
        ("# A\n\nThere is none.\n\nIs there?", ""),
    ],
)
def test_the_question_begins_a_page(text, expected):
    assert question(text) == expected


def test_code_of_a_notebook_is_not_read(tmp_path):
    cells = [new_markdown_cell("# A"), new_code_cell("x = 1"), new_markdown_cell("Text.")]
    nbformat.write(new_notebook(cells=cells), tmp_path / "a.ipynb")
    assert page_text(tmp_path / "a.ipynb") == "# A\n\nText."


def test_a_part_has_all_pages_but_the_page_itself():
    chapters = [{"file": "a", "sections": [{"file": "b"}]}, {"file": "c"}]
    contents = {"root": "r", "parts": [{"caption": "A", "chapters": chapters}]}
    assert part_of(contents, "a") == ["b", "c"]
    assert part_of(contents, "b") == ["a", "c"]
    assert part_of(contents, "r") == []


def build(root, contents):
    """Build a book of a page with a reading list, a text page and a notebook twice."""
    (root / "_toc.yml").write_text(contents)
    (root / "intro.md").write_text("# Overview\n\n```{reading-list}\n```\n")
    (root / "text.md").write_text("# Text\n\nA or b|c? " + "word " * 1100)
    cell = new_markdown_cell("# Net\n\n**Question.** Why? " + "word " * 1100)
    for name in ("one", "two"):
        cell["source"] = re.sub("# .*", f"# Net {name}", cell["source"])
        nbformat.write(new_notebook(cells=[cell]), root / f"{name}.ipynb")
    settings = {
        "extensions": ["myst_nb", "gtzan_lib.runner.extensions.reading"],
        "nb_execution_mode": "off",
        "root_doc": "intro",
    }
    app = Sphinx(root, None, root / "html", root / "trees", "html", settings, status=None)
    app.build()
    return (root / "html" / "intro.html").read_text(encoding="utf-8")


def test_the_table_has_links_questions_and_times(tmp_path):
    html = build(
        tmp_path, "parts: [{chapters: [{file: intro}, {file: text}, {file: one}, {file: two}]}]"
    )
    table = html[html.index("<table") : html.index("</table>")]
    assert re.findall(r'href="(\w+)\.html', table) == ["text", "one", "two"]
    rows = re.findall(r"<tr.*?</tr>", table, re.S)
    shown = [" ".join(re.sub("<[^>]+>", " ", row).split()) for row in rows]
    assert shown == [
        "page question minutes",
        "Text A or b|c? 5",
        "Net one Why? 5",
        "Net two Why? 5",
        # The two notebooks have the same text.
        "all pages 10",
    ]


@pytest.mark.parametrize(
    ("contents", "message"),
    [
        ("parts: []", "intro: has a reading list"),
        ("parts: [{chapters: [{file: intro}, {file: none}]}]", "names page 'none'"),
    ],
)
def test_a_list_without_pages_is_refused(tmp_path, contents, message):
    with pytest.raises(RunError, match=message):
        build(tmp_path, contents)


@pytest.mark.parametrize("part", CONTENTS["parts"][:-1], ids=lambda part: part["caption"])
def test_parts_begin_with_an_introduction(part):
    page = part["chapters"][0]["file"]
    text = (ROOT / f"{page}.md").read_text(encoding="utf-8")
    headings = re.findall(r"^## (.+)$", text, re.M)
    assert headings == [
        "For whom", "Before you begin", "Pages and reading times", "Suggested order",
    ]  # fmt: skip
    assert "```{reading-list}\n```" in text
    for beginning in ("**What you should know.**", "**What you should have installed.**"):
        assert beginning in text


def pages_in_lists():
    for introduction in INTRODUCTIONS:
        for page in part_of(CONTENTS, introduction):
            # One notebook is executed for several pages.
            name = re.sub(r"^(notebooks/08_cnn)-.*", r"\1", page)
            yield from (
                path for end in (".md", ".ipynb") if (path := ROOT / f"{name}{end}").is_file()
            )


@pytest.mark.parametrize("path", sorted(set(pages_in_lists())), ids=lambda path: path.stem)
def test_pages_begin_with_a_question_and_have_words(path):
    text = page_text(path)
    assert question(text)
    # What is taken away before counting is less than what is read; words of a compound count.
    assert 0.35 * len(text.split()) < words(text) < 1.05 * len(text.split())
