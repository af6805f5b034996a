"""What the sources of the page "Try it" repeat is what the package and the book say."""

import json
import re
import sys

import pytest
import soundfile
from matplotlib.colors import to_hex

from gtzan_lib import cli
from gtzan_lib.genres import GENRES
from gtzan_lib.inference.zoo import SHIPPED
from gtzan_lib.live.streaming import listen
from gtzan_lib.plots.style import genre_colors

from ..runner.conftest import ROOT

SOURCES = ROOT / "web" / "src"
EXAMPLES = ROOT / "web" / "examples"
PAGE = ROOT / "book" / "try.md"


def source(name):
    return (SOURCES / name).read_text(encoding="utf-8")


def test_genres_have_the_colours_of_the_figures():
    colours = genre_colors(list(GENRES))
    assert json.loads(source("genre_colors.json")) == {g: to_hex(colours[g]) for g in GENRES}


def test_unfamiliar_sound_is_called_the_same_as_on_the_command_line():
    assert f'UNFAMILIAR = "{cli.UNFAMILIAR}"' in source("words.ts")


def test_a_live_answer_averages_as_many_windows_as_on_the_command_line():
    average = listen.__kwdefaults__["average"]
    assert f"AVERAGED = {average};" in source("live.ts")


def test_each_model_has_its_card_and_the_default_is_first():
    names = re.findall(r'name: "(gtzan-[a-z]+)"', source("cards.ts"))
    assert names == [cli.DEFAULT_MODEL, "gtzan-scratch"]
    pages = re.findall(r'page: "(\S+)\.html#(\S+)"', source("cards.ts"))
    assert [anchor for _, anchor in pages] == names
    for page, anchor in pages:
        assert (ROOT / "book" / f"{page}.md").is_file()
        card = (SHIPPED / anchor / "README.md").read_text(encoding="utf-8")
        assert f"\n# {anchor}\n" in card


def test_examples_are_short_and_of_different_genres():
    about = json.loads((EXAMPLES / "examples.json").read_text(encoding="utf-8"))
    assert len({one["genre"] for one in about}) == len(about) == 3
    for one in about:
        file = EXAMPLES / f"{one['genre']}.mp3"
        info = soundfile.info(file)
        assert file.stat().st_size < 80_000
        assert (info.channels, info.samplerate) == (1, 22_050)
        assert info.duration == pytest.approx(12, abs=0.2)


def test_examples_are_those_that_their_script_composes(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "web"))
    import make_examples

    monkeypatch.setattr(make_examples, "EXAMPLES", make_examples.EXAMPLES[:1])
    (file,) = make_examples.write_examples(tmp_path)
    sys.modules.pop("make_examples")
    composed, _ = soundfile.read(file)
    kept, _ = soundfile.read(EXAMPLES / file.name)
    assert abs(composed - kept).max() < 0.01


def test_only_the_page_itself_has_the_policy_and_the_scripts():
    for file in sorted((ROOT / "book").rglob("*.md")):
        text = file.read_text(encoding="utf-8")
        assert ("Content-Security-Policy" in text) == (file == PAGE)
        assert ("try/page.js" in text) == (file == PAGE)
    assert "try/" not in (ROOT / "_config.yml").read_text(encoding="utf-8")
