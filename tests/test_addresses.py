"""Addresses of released books stay: each is a page, or leads to one."""

import posixpath
import re
from pathlib import Path

import pytest
import yaml
from sphinx.application import Sphinx

from . import addresses

ROOT = Path(__file__).parents[1]


def configured():
    settings = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
    return settings["sphinx"]["config"]["redirects"]


def lost(known, pages, redirects):
    """Return the addresses that are neither a page nor lead to one."""
    led = {}
    for page, target in redirects.items():
        led[f"{page}.html"] = posixpath.normpath(posixpath.join(posixpath.dirname(page), target))
    return [one for one in known if one not in pages and led.get(one) not in pages]


def test_no_address_of_a_released_book_is_lost():
    assert lost(addresses.released(), addresses.pages(), configured()) == []


def test_redirects_do_not_hide_pages_and_lead_to_one():
    redirects = configured()
    assert not {f"{page}.html" for page in redirects} & set(addresses.pages())
    assert lost([f"{page}.html" for page in redirects], addresses.pages(), redirects) == []


def test_addresses_of_each_release_are_in_the_list():
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    released = re.findall(r"^## \[([\d.]+)\] - \d", text, re.M)
    # Earlier ones were not published as a book.
    missing = [one for one in released if one != "0.1.0" and one not in addresses.versions()]
    assert missing == [], "say 'python -m tests.addresses' when a version is released"


@pytest.mark.parametrize(
    ("redirects", "gone"),
    [
        ({}, ["notebooks/pca.html"]),
        ({"notebooks/pca": "components.html"}, []),
        ({"notebooks/pca": "../book/other.html"}, ["notebooks/pca.html"]),
    ],
)
def test_a_renamed_page_needs_a_redirect(redirects, gone):
    known, pages = ["index.html", "notebooks/pca.html"], ["index.html", "notebooks/components.html"]
    assert lost(known, pages, redirects) == gone


def test_the_list_grows_with_each_release(tmp_path, monkeypatch):
    monkeypatch.setattr(addresses, "FILE", tmp_path / "addresses.txt")
    addresses.FILE.write_text(f"{addresses.HEAD}\n# 0.0.9\nbook/gone.html\n")
    addresses.main()
    assert set(addresses.released()) == {"book/gone.html", *addresses.pages()}
    assert len(addresses.pages()) > 60
    before = addresses.FILE.read_text()
    addresses.main()
    assert addresses.FILE.read_text() == before
    assert addresses.versions()[0] == "0.0.9" and len(addresses.versions()) == 2


def test_a_redirect_is_a_page_with_a_link_and_keeps_the_place_in_the_page(tmp_path):
    (tmp_path / "index.md").write_text("# A page\n")
    (tmp_path / "redirect.html").write_bytes((ROOT / "book" / "redirect.html").read_bytes())
    settings = {
        "extensions": ["myst_nb", "sphinx_reredirects"],
        "redirects": {"notebooks/pca": "../index.html"},
        "redirect_html_template_file": "redirect.html",
    }
    html = tmp_path / "html"
    Sphinx(tmp_path, None, html, tmp_path / "trees", "html", settings, None, None).build()
    text = (html / "notebooks" / "pca.html").read_text(encoding="utf-8")
    assert text.startswith('<!doctype html>\n<html lang="en">')
    assert '<a href="../index.html">' in text
    assert 'location.replace("../index.html" + location.hash)' in text
    assert '<meta http-equiv="refresh" content="0; url=../index.html">' in text
