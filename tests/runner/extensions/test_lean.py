"""What pages do not load: scripts that they do not use, sounds before they are played."""

import base64
import re

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from sphinx.application import Sphinx

from gtzan_lib.plots.interactive import InteractiveScatter
from gtzan_lib.runner.extensions.lean import sounds_as_files, without_scripts

SOUND = base64.b64encode(b"\xff\xfb" + bytes(300)).decode()


@pytest.mark.parametrize(
    "script",
    [
        '<script defer src="../_static/scripts/icons.js?digest=55c2"></script>\n',
        '<script src="icons.js"></script>',
    ],
)
def test_scripts_are_left_out_by_their_names(script):
    kept = '<script src="_static/other-icons.js"></script><script>icons()</script>'
    assert without_scripts(f"{script}{kept}", "icons.js") == kept


def test_sounds_of_players_become_files():
    written = []
    html = f"<audio controls src='data:audio/mpeg;base64,{SOUND}'></audio>"
    found = sounds_as_files(html, lambda content: written.append(content) or "../_sounds/a.mp3")
    assert found == "<audio controls src='../_sounds/a.mp3'></audio>"
    assert written == [base64.b64decode(SOUND)]


@pytest.mark.parametrize("sounds", [{"a": SOUND, 'b "quoted" {x}': SOUND, "silent": ""}, {}])
def test_sounds_of_interactive_figures_become_files(sounds):
    tracks = pd.DataFrame(
        {"group": ["x"], "genre": ["x"], "artist": ["y"], "PC 1": [0.5], "PC 2": [0.1]}, index=["a"]
    )
    figure = InteractiveScatter(tracks, {"x": ("#000000", "o")}, sounds, playable=True)
    html = sounds_as_files(figure._repr_html_(), lambda _: "../_sounds/a.mp3")
    assert "base64" not in html and SOUND not in html
    assert html.count('"../_sounds/a.mp3"') == sum(map(bool, sounds.values()))
    assert "new Audio(sounds[track])" in html


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """A page with a sound and two figures, built with the book's theme."""
    root = tmp_path_factory.mktemp("lean")
    noise = np.random.default_rng(0).integers(0, 255, (300, 300, 3), dtype=np.uint8)
    Image.fromarray(noise).save(root / "large.png")
    Image.fromarray(noise[:50, :50]).save(root / "small.png")
    (root / "index.md").write_text(
        "# A page\n\n![noise](large.png)\n\n![less](small.png)\n\n"
        f"<audio controls src='data:audio/mpeg;base64,{SOUND}'></audio>\n"
    )
    settings = {
        "extensions": ["myst_nb", "sphinx_book_theme", "gtzan_lib.runner.extensions.lean"],
        "html_theme": "sphinx_book_theme",
    }
    Sphinx(root, None, root / "html", root / "trees", "html", settings, None, None).build()
    return root


def test_a_page_loads_no_icons_and_no_index_of_words(built):
    text = (built / "html" / "index.html").read_text(encoding="utf-8")
    assert not re.search("fontawesome|searchindex|searchtools", text)
    assert not list((built / "html" / "_static").rglob("fontawesome.js"))
    search = (built / "html" / "search.html").read_text(encoding="utf-8")
    assert "searchindex.js" in search and "searchtools.js" in search
    index = (built / "html" / "genindex.html").read_text(encoding="utf-8")
    assert "searchindex" not in index


def test_large_figures_are_compressed_without_loss(built):
    text = (built / "html" / "index.html").read_text(encoding="utf-8")
    assert 'src="_images/large.webp"' in text and 'src="_images/small.png"' in text
    before, after = built / "large.png", built / "html" / "_images" / "large.webp"
    with Image.open(before) as first, Image.open(after) as second:
        assert np.array_equal(np.asarray(first), np.asarray(second.convert("RGB")))


def test_sounds_are_written_beside_the_page(built):
    (file,) = (built / "html" / "_sounds").iterdir()
    assert file.read_bytes() == base64.b64decode(SOUND)
    assert f"_sounds/{file.name}" in (built / "html" / "index.html").read_text(encoding="utf-8")
