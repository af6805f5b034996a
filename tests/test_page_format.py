"""Every notebook is a page in one format: its parts, their order, figures and exercises."""

import ast
import re
from collections import Counter
from pathlib import Path

import nbformat
import pytest

from .exercises import solutions

ROOT = Path(__file__).parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))

# A page's parts, in their order, each with the beginning of its first line.
PARTS = {
    "title": r"# \S",
    "question": r"\*\*Question\.\*\* \S",
    "answer": r"\*\*Answer\.\*\* \S",
    "why it matters": r"\*\*Why it matters\.\*\* \S",
    "take-away": r"```\{admonition\} Take-away$",
    "caveats": r"```\{admonition\} Caveats$",
    "exercises": r"## Exercises$",
    "further reading": r"\*\*Further reading\.\*\* \S",
    "how to change it": r"\*\*Change it\.\*\* \S",
}
# An exercise begins with its number, in bold, and may have a title.
EXERCISE = r"\*\*Exercise (\d)[.:][^*]*\*\* \S"
SOLUTION = r":::\{dropdown\} Solution\n.+\n:::"

# Functions of gl.plots that show sound or plotly's figures, or draw nothing.
WITHOUT_PICTURE = {
    "genre_colors",
    "harmonic_percussive_players",
    "interactive_scatter",
    "players",
    "recording_players",
}

# It is executed for several pages, and the names of figures are unique in the book.
SEVERAL_PAGES = {"08_cnn"}


def cells(notebook, kind):
    return [cell for cell in notebook["cells"] if cell["cell_type"] == kind]


def markdown(notebook):
    return "\n\n".join(cell["source"] for cell in cells(notebook, "markdown"))


def read(path):
    return nbformat.read(path, as_version=4)


def called(node):
    """Return the dotted name of a called function, such as `gl.plots.recall`."""
    return ast.unparse(node.func) if isinstance(node, ast.Call) else ""


def draws(source):
    """Whether a cell shows a picture that is no player and not interactive."""
    names = [called(node) for node in ast.walk(ast.parse(source))]
    plots = [name.removeprefix("gl.plots.") for name in names if name.startswith("gl.plots.")]
    pictures = [name for name in plots if name not in WITHOUT_PICTURE]
    return bool(pictures) or any(name.startswith("plt.") or name == "Image" for name in names)


def figure_of(cell):
    """Return name, caption and alternative text of a cell's figure; "" for what it lacks."""
    settings = cell["metadata"].get("mystnb", {})
    figure = settings.get("figure", {})
    return (
        figure.get("name", ""),
        figure.get("caption", ""),
        settings.get("image", {}).get("alt", ""),
    )


def drawing_cells(notebook):
    """Return the cells that draw, other than those that are not on the page."""
    return [
        cell
        for cell in cells(notebook, "code")
        if draws(cell["source"]) and "remove-cell" not in cell["metadata"].get("tags", [])
    ]


def places(text):
    """Return where each part of a page begins; None for one that it lacks."""
    found = {name: re.search(rf"^{start}", text, re.M) for name, start in PARTS.items()}
    return {name: match and match.start() for name, match in found.items()}


def section(text, beginning, end):
    """Return the text from one part of a page up to another."""
    at = places(text)
    return text[at[beginning] : at[end]]


def keys_of(text):
    """Return the keys that a text cites as a part of its sentences."""
    return [
        key.strip()
        for found in re.findall(r"\{cite:t\}`([^`]+)`", text)
        for key in found.split(",")
    ]


@pytest.fixture(params=NOTEBOOKS, ids=lambda path: path.stem)
def path(request):
    return request.param


@pytest.fixture
def notebook(path):
    return read(path)


def test_parts_are_there_in_their_order(notebook):
    at = places(markdown(notebook))
    assert [name for name, place in at.items() if place is None] == []
    assert sorted(at, key=at.get) == list(PARTS)


@pytest.mark.parametrize("start", PARTS.values(), ids=PARTS)
def test_no_part_is_there_twice(notebook, start):
    assert len(re.findall(rf"^{start}", markdown(notebook), re.M)) <= 1


def test_first_cell_has_question_answer_and_motivation(notebook):
    first = notebook["cells"][0]
    assert first["cell_type"] == "markdown"
    at = places(first["source"])
    assert None not in (at[name] for name in ("title", "question", "answer", "why it matters"))
    assert section(first["source"], "question", "answer").rstrip().endswith("?")


def test_answer_is_computed(path, notebook):
    if path.stem == "template":
        # Its answer is the code itself, which must stay within ten lines.
        return
    answer = section(markdown(notebook), "answer", "why it matters")
    (key,) = re.findall(r"\{glue:text\}`(\w+)`", answer)
    code = "\n".join(cell["source"] for cell in cells(notebook, "code"))
    assert re.search(rf"""glue\(\s*["']{key}["']""", code)


def test_take_away_has_words_and_no_numbers_of_a_run(notebook):
    box = section(markdown(notebook), "take-away", "caveats")
    found = re.match(r"```\{admonition\} Take-away\n:class: tip\n(.+?)\n```\n", box, re.S)
    assert found
    sentences = re.findall(r"[.!?](?=\s|$)", found[1])
    assert 1 <= len(sentences) <= 3
    assert not re.search(r"\d+(\.\d+)? ?%|\{glue", found[1])


def test_exercises_are_numbered_and_have_solutions(notebook):
    text = section(markdown(notebook), "exercises", "further reading")
    tasks = [int(number) for number in re.findall(rf"^{EXERCISE}", text, re.M)]
    assert tasks in ([1, 2], [1, 2, 3])
    # Each task is followed by its solution.
    kinds = re.findall(rf"^(?:{EXERCISE}|:::\{{dropdown\}} Solution$)", text, re.M)
    assert kinds == [kind for number in tasks for kind in (str(number), "")]
    assert len(solutions(notebook)) == len(tasks)


def test_each_solution_is_a_cell_of_its_own(notebook):
    sources = [cell["source"] for cell in cells(notebook, "markdown")]
    for source in sources:
        if "{dropdown} Solution" in source:
            assert re.fullmatch(SOLUTION, source.strip(), re.S)
            assert source.count("{dropdown} Solution") == 1


def test_solutions_explain_and_two_have_code(notebook):
    codes = [code for code in solutions(notebook) if code]
    assert len(codes) >= 2
    for code in codes:
        ast.parse(code)
        assert max(len(line) for line in code.splitlines()) <= 76
    for cell in cells(notebook, "markdown"):
        if "{dropdown} Solution" in cell["source"]:
            code = r"^```python\n.*?^```$|^:::[^\n]*$"
            words = re.sub(code, "", cell["source"], flags=re.M | re.S)
            assert len(words.split()) >= 10


def test_further_reading_cites_one_to_three_entries_of_the_bibliography(notebook):
    reading = section(markdown(notebook), "further reading", "how to change it")
    keys = keys_of(reading)
    assert 1 <= len(keys) <= 3
    bibliography = (ROOT / "book" / "references.bib").read_text(encoding="utf-8")
    assert set(keys) <= set(re.findall(r"^@\w+\{([^,\s]+),", bibliography, re.M))


def test_last_paragraph_says_how_to_change_it_and_where_the_code_is(notebook):
    last = notebook["cells"][-1]
    assert last["cell_type"] == "markdown"
    paragraph = last["source"].strip().split("\n\n")[-1]
    assert re.match(r"\*\*Change it\.\*\* .+\*\*The code\*\* ", paragraph, re.S)


def test_every_figure_has_caption_and_alternative_text(path, notebook):
    for cell in drawing_cells(notebook):
        name, caption, alt = figure_of(cell)
        if path.stem in SEVERAL_PAGES:
            assert name == ""
        else:
            assert re.fullmatch(r"fig(-[a-z0-9]+)+", name), cell["source"]
        for text in (caption, alt):
            assert len(text.split()) >= 5, cell["source"]
            assert text.endswith(".") or text is alt
        assert caption != alt


def test_names_of_figures_are_unique():
    names = [figure_of(cell)[0] for path in NOTEBOOKS for cell in cells(read(path), "code")]
    assert [name for name, times in Counter(names).items() if name and times > 1] == []


def test_figures_that_are_referred_to_exist():
    notebooks = [read(path) for path in NOTEBOOKS]
    names = {figure_of(cell)[0] for notebook in notebooks for cell in cells(notebook, "code")}
    texts = [markdown(notebook) for notebook in notebooks]
    pages = [page.read_text(encoding="utf-8") for page in (ROOT / "book").rglob("*.md")]
    names |= {name for page in pages for name in re.findall(r"^:name: (fig-\S+)$", page, re.M)}
    referred = {
        key for text in texts + pages for key in re.findall(r"\{numref\}`(fig-[^`]+)`", text)
    }
    assert referred <= names


@pytest.mark.parametrize(
    ("source", "is_drawing"),
    [
        ("gl.plots.recall(evaluation);", True),
        ("if has_maps:\n    gl.plots.saliency_maps(images, maps)", True),
        ("fig, ax = plt.subplots()", True),
        ('Image(str(folder / "noisy.png"))', True),
        ('gl.plots.players(corpus, {"a": name})', False),
        ("gl.plots.interactive_scatter(table)", False),
        ("colors = gl.plots.genre_colors(genres)\ntable", False),
        ("table.round(1)", False),
    ],
)
def test_what_counts_as_drawing(source, is_drawing):
    assert draws(source) is is_drawing


def test_parts_in_another_order_are_found():
    text = "# T\n\n**Answer.** A\n\n**Question.** Q?"
    at = places(text)
    assert at["answer"] < at["question"]
    assert at["take-away"] is None
