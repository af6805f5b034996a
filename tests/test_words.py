"""The check of words finds identifiers in code and phrases in prose, and no plain words."""

import json

import pytest

from .words import IDENTIFIERS, PHRASES, ROOT, check_code, check_file, check_prose, files


def words(findings) -> list[str]:
    return [finding.word for finding in findings]


@pytest.mark.parametrize(
    "source",
    [
        "hop = 1", "f(hop=1)", "x.hop", "def hop(): pass", "class hop: pass", "import hop",
        "from hop.x import y", "from x import y as hop", "def f(hop): pass",
        "def f(*, hop=1): pass",
    ],
)  # fmt: skip
def test_identifiers_are_found_by_syntax(source):
    assert words(check_code(source, "x.py")) == ["hop"]


@pytest.mark.parametrize("source", ["'hop'", "# hop", "hop_length = 1", "x['bands']", "shop = 1"])
def test_text_and_other_names_are_not_identifiers(source):
    assert check_code(source, "x.py") == []


def test_phrases_are_found_across_lines_and_case():
    text = "As the Seed\n    project did.\n# It took for nothing; what is\n#   kept is a file."
    findings = check_prose(text, "x.md")
    assert words(findings) == ["Seed project", "what is # kept"]
    assert [finding.place for finding in findings] == ["x.md:1", "x.md:3"]


def test_plain_words_are_free():
    text = "The seed is 3. One side hops; the band was told and heard, and turned. Said and kept."
    assert check_prose(text, "x.md") == []
    assert all(" " in phrase or "'" in phrase for phrase in PHRASES)


def test_notebooks_are_code_and_prose(tmp_path):
    cells = [
        {"cell_type": "code", "id": "a", "source": ["said = 1\n", "print(said)"]},
        {"cell_type": "markdown", "id": "b", "source": ["The seed project"]},
    ]
    (tmp_path / "x.ipynb").write_text(json.dumps({"cells": cells}))
    findings = check_file(tmp_path / "x.ipynb", "x.ipynb")
    assert [(finding.place, finding.instead) for finding in findings] == [
        ("x.ipynb[a]:1", IDENTIFIERS["said"]),
        ("x.ipynb[a]:2", IDENTIFIERS["said"]),
        ("x.ipynb[b]:1", PHRASES["seed project"]),
    ]


def test_all_of_the_project_is_looked_at():
    names = {str(path) for path in files()}
    assert {"README.md", "gtzan_lib/cli.py", "notebooks/08_cnn.ipynb", "book/index.md"} <= names
    assert "tests/words.py" not in names


@pytest.mark.parametrize(
    ("term", "page"),
    [
        ("confusion matri", "notebooks/13_model_comparison.ipynb"),
        ("confusion matri", "notebooks/08_cnn.ipynb"),
        ("cross-validation", "notebooks/04_model_exploration.ipynb"),
        ("cross-validation", "book/concepts/splits.md"),
        ("overfitting", "notebooks/08_cnn.ipynb"),
        ("overfitting", "book/howto/training.md"),
        ("baseline", "notebooks/13_model_comparison.ipynb"),
        ("baseline", "book/concepts/evaluation.md"),
        ("hyperparameter", "notebooks/04_model_exploration.ipynb"),
        ("dimensionality reduction", "notebooks/05_pca.ipynb"),
        ("data augmentation", "book/howto/training.md"),
        ("transfer", "notebooks/08_cnn.ipynb"),
        ("transfer learning", "book/glossary.md"),
        ("calibration", "notebooks/08_cnn.ipynb"),
        ("degradation", "notebooks/16_robustness.ipynb"),
    ],
)
def test_who_searches_for_a_term_finds_its_page(term, page):
    assert term in (ROOT / page).read_text(encoding="utf-8").lower()
