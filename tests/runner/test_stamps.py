"""Stamps of published pages: what has changed since a page was made."""

import nbformat
import pytest

from gtzan_lib.evaluation.records import provenance
from gtzan_lib.runner.stamps import changes_since, note_of, stamp

from ..install_cell import install_cell
from .conftest import write_notebook


@pytest.fixture
def page(tmp_path):
    """A notebook, and a file that it reads."""
    write_notebook(tmp_path / "notebooks" / "page.ipynb", "gl.Recipe", "1 + 1")
    (tmp_path / "step.json").write_text("{}")
    return tmp_path / "notebooks" / "page.ipynb", [tmp_path / "step.json"]


def rewrite(page, old, new):
    page.write_text(page.read_text().replace(old, new))


def test_what_changes_a_page(page):
    source, data = page
    notebook = nbformat.read(source, as_version=4)
    stamp(notebook, source, data, command="make it", made=provenance(None))
    assert changes_since(notebook, source) == []
    rewrite(source, "1 + 1", "1 + 1  # two")
    assert changes_since(notebook, source) == []
    rewrite(source, "1 + 1", "1 + 2")
    assert changes_since(notebook, source) == ["its code"]
    rewrite(source, "A page", "Another page")
    data[0].write_text("[]")
    found = changes_since(notebook, source)
    assert found == ["its text", "its code", "the results that it shows"]
    rewrite(source, "gl.Recipe", "gl.split")
    data[0].unlink()
    found = changes_since(notebook, source)
    assert found[2:] == ["code of the package that it uses", "the results that it shows"]


def test_a_caption_is_text(page):
    source, data = page
    notebook = nbformat.read(source, as_version=4)
    stamp(notebook, source, data, command="make it", made=provenance(None))
    changed = nbformat.read(source, as_version=4)
    changed["cells"][-1]["metadata"]["mystnb"] = {"figure": {"caption": "A figure."}}
    nbformat.write(changed, source)
    assert changes_since(notebook, source) == ["its text"]


def test_the_cell_that_installs_the_package_changes_no_page(page):
    source, data = page
    notebook = nbformat.read(source, as_version=4)
    stamp(notebook, source, data, command="make it", made=provenance(None))
    changed = nbformat.read(source, as_version=4)
    changed["cells"].insert(1, install_cell("gtzan-lib"))
    nbformat.write(changed, source)
    assert changes_since(notebook, source) == []
    changed["cells"][1]["metadata"]["tags"] = ["remove-cell"]
    nbformat.write(changed, source)
    assert changes_since(notebook, source) == ["its code"]


def test_a_page_without_a_stamp_has_changed_in_all(page):
    source, _ = page
    notebook = nbformat.read(source, as_version=4)
    assert len(changes_since(notebook, source)) == 4


def test_the_note_names_all_and_warns_of_changes(page):
    source, data = page
    notebook = nbformat.read(source, as_version=4)
    made = provenance(None) | {"written": "2026-03-14T15:09:26Z", "commit": "a1b2c3"}
    stamp(notebook, source, data, command="make published", made=made)
    note = note_of(notebook, [])
    for part in ("2026-03-14", "a1b2c3", "`make published`", "numpy", made["platform"]):
        assert part in note
    assert "warning" not in note
    warned = note_of(notebook, ["its text", "its code"])
    assert "Since this page was made, its text and its code changed" in warned
