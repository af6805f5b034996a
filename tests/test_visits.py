"""The checks of the pages of the book see what they are to see."""

import pytest

from .visits import Visitor, axe

pytestmark = pytest.mark.check

GOOD = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>A page</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>html[data-theme="dark"] {{ background: #111; color: #eee; }}</style>{head}</head>
<body><main><h1>A page</h1><article>{body}</article></main></body></html>"""


@pytest.fixture(scope="module")
def visitor():
    with Visitor() as one:
        yield one


@pytest.fixture
def visit(visitor, tmp_path):
    def one(body="<p>text</p>", head=""):
        page = tmp_path / "page.html"
        page.write_text(GOOD.format(head=head, body=body))
        return visitor.visit(page)

    return one


def test_nothing_is_found_on_a_good_page(visit, tmp_path):
    found = visit()
    assert found._replace(weight=0) == ([], [], 0, 390, [])
    assert found.weight == (tmp_path / "page.html").stat().st_size


def test_what_is_loaded_is_weighed(visit, tmp_path):
    (tmp_path / "a script.js").write_bytes(b" " * 100_000)
    assert visit(head='<script src="a%20script.js?v=1"></script>').weight > 100_000


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ("<script>console.error('no')</script>", "errors"),
        ("<script>undefined.x</script>", "errors"),
        ('<img alt="a" src="https://example.org/a.png">', "elsewhere"),
    ],
)
def test_errors_and_requests_are_found(visit, body, field):
    assert getattr(visit(body), field)


def test_a_wide_page_is_found(visit):
    assert visit('<div style="width: 500px">text</div>').width > 500


@pytest.mark.parametrize(
    ("body", "violation"),
    [
        ('<img src="data:image/gif;base64,R0lGODlhAQABAAAAACw=">', "light: image-alt"),
        ('<p style="color: #eee">text</p>', "light: color-contrast"),
        ('<p style="color: #222">text</p>', "dark: color-contrast"),
        ('<details><summary>a</summary><p style="color: #eee">text</p></details>', "light: color"),
        ("<button aria-label='Open'>Search</button>", "light: label-content-name-mismatch"),
    ],
)
def test_violations_are_found_in_both_themes(visit, body, violation):
    if axe() is None:
        pytest.skip("axe-core is missing: install node and npm")
    found = visit(body).violations
    assert found and all(one.startswith(violation) for one in found)
