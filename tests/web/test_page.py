"""The page "Try it" in a browser: opened from the file system, without a network."""

import json
import os
import shutil
import struct
import subprocess
import sys

import numpy as np
import pytest
import soundfile
import soxr

import gtzan_lib as gl
from gtzan_lib.runner.site import JUPYTER_BOOK
from gtzan_lib.synthetic.songs import compose_song
from gtzan_lib.synthetic.studio import SAMPLE_RATE, render

from ..browser import Tab, served
from ..runner.conftest import ROOT
from .node import WEB, install

pytestmark = [pytest.mark.check, pytest.mark.timeout(600), pytest.mark.xdist_group("try")]

AXE = WEB / "node_modules" / "axe-core" / "axe.min.js"
STATE = "document.querySelector('#answer').dataset.state"
SECONDS = 9

FAKE = ("--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream")


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """The page in a book of its own, with the pages that it names."""
    book = tmp_path_factory.mktemp("try")
    shutil.copytree(ROOT / "book" / "_static", book / "book" / "_static")
    shutil.copy(ROOT / "book" / "try.md", book / "book")
    shutil.copy(ROOT / "book" / "references.bib", book / "book")
    shutil.copy(ROOT / "_config.yml", book)
    for name in ("index", "howto/inference", "concepts/model_cards"):
        file = book / "book" / f"{name}.md"
        file.parent.mkdir(exist_ok=True)
        file.write_text(f"# {name}\n\n## gtzan-musicnn\n\n## gtzan-scratch\n")
    (book / "_toc.yml").write_text(
        "format: jb-book\nroot: book/index\nchapters:\n- file: book/try\n"
        "- file: book/howto/inference\n- file: book/concepts/model_cards\n"
    )
    subprocess.run(
        [sys.executable, "-c", JUPYTER_BOOK, "build", ".", "-W", "--keep-going"],
        check=True,
        cwd=book,
        env={**os.environ, "PYTHONPATH": str(ROOT), "NO_COLOR": "1"},
        capture_output=True,
    )
    return book / "_build" / "html" / "book" / "try.html"


@pytest.fixture(scope="module")
def music():
    """Nine seconds of composed music, at 22.05 kHz."""
    song = compose_song(seed=3, genre="jazz", artist=0, track=0)
    return render(song, seconds=SECONDS) / 32768


@pytest.fixture(scope="module")
def sounds(tmp_path_factory, music):
    """Files that a person may choose, by name."""
    folder = tmp_path_factory.mktemp("sounds")
    at = {rate: soxr.resample(music, SAMPLE_RATE, rate, "VHQ") for rate in (8_000, 44_100, 48_000)}
    both = np.stack([0.8 * at[44_100], np.roll(at[44_100], 400)], axis=1)
    soundfile.write(folder / "music.wav", music, SAMPLE_RATE)
    soundfile.write(folder / "telephone.wav", at[8_000], 8_000)
    soundfile.write(folder / "stereo.flac", both, 44_100)
    soundfile.write(folder / "stereo.mp3", both, 44_100)
    soundfile.write(folder / "music.ogg", at[48_000], 48_000)
    soundfile.write(folder / "music.opus", at[48_000], 48_000, format="OGG", subtype="OPUS")
    soundfile.write(folder / "half.wav", music[: SAMPLE_RATE // 2], SAMPLE_RATE)
    soundfile.write(folder / "silence.wav", np.zeros(4 * SAMPLE_RATE), SAMPLE_RATE)
    rng = np.random.default_rng(0)
    soundfile.write(folder / "noise.wav", rng.uniform(-0.3, 0.3, 6 * SAMPLE_RATE), SAMPLE_RATE)
    (folder / "empty.wav").touch()
    (folder / "notes.txt").write_text("no sound\n")
    write_hours(folder / "hours.wav")
    if shutil.which("ffmpeg"):
        convert = ["ffmpeg", "-v", "error", "-i", folder / "stereo.flac", folder / "stereo.m4a"]
        subprocess.run(convert, check=True)
    return folder


def write_hours(file, *, hours=2, rate=8_000):
    """Write a WAV file of silence that takes no room on the disk."""
    size = 2 * 3600 * hours * rate
    head = struct.pack("<4sI8sIHHIIHH4sI", b"RIFF", 36 + size, b"WAVEfmt ", 16, 1, 1, rate,
                       2 * rate, 2, 16, b"data", size)  # fmt: skip
    with file.open("wb") as stream:
        stream.write(head)
        stream.truncate(len(head) + size)


@pytest.fixture(scope="module")
def browser():
    with Tab() as tab:
        yield tab


@pytest.fixture
def tab(browser, page):
    """The page, freshly opened; nothing may have failed in it at the end of a test."""
    browser.errors.clear()
    browser.look(1400, 900)
    browser.open(page)
    yield browser
    assert not browser.errors


def answer(tab, *, seconds=60):
    """Wait for an answer, and return what the page states about it."""
    state = tab.until(f"['done', 'error'].includes({STATE}) && {STATE}", seconds=seconds)
    assert state == "done", tab.run("document.querySelector('#answer').textContent")
    data = tab.run("({...document.querySelector('#answer').dataset})")
    return data | {"probabilities": json.loads(data["probabilities"])}


def sentence(tab, *, seconds=60):
    """Wait for an error, and return its sentence."""
    tab.until(f"{STATE} == 'error'", seconds=seconds)
    text = tab.run("document.querySelector('#answer').textContent")
    assert text.count(". ") == 0 and text.endswith(".")
    return text


def still_works(tab, sounds):
    tab.choose(sounds / "music.wav")
    tab.until(f"{STATE} == 'done'", seconds=60)


def agrees(found, file, tolerance):
    expected = gl.predict(file, model=found["model"])
    for genre, share in expected.probabilities.items():
        assert found["probabilities"][genre] == pytest.approx(share, abs=tolerance)
    (_, first), (_, second) = expected.top(2)
    if first - second > 0.1:
        assert found["genre"] == expected.genre
    return expected


@pytest.mark.parametrize(
    ("name", "tolerance", "rate"),
    [
        ("music.wav", 0.02, "22.05 kHz"),
        ("telephone.wav", 0.02, "8 kHz"),
        ("stereo.flac", 0.02, "44.1 kHz"),
        ("stereo.mp3", 0.05, "44.1 kHz"),
        ("music.ogg", 0.05, "48 kHz"),
        ("music.opus", 0.05, "48 kHz"),
        ("stereo.m4a", 0.05, "44.1 kHz"),
    ],
)
def test_a_dropped_file_has_the_answer_of_the_package(tab, sounds, name, tolerance, rate):
    if not (sounds / name).is_file():
        pytest.skip("ffmpeg is missing, which writes M4A")
    tab.drop(sounds / name, "#try")
    found = answer(tab)
    assert found["model"] == "gtzan-musicnn"
    agrees(found, sounds / name, tolerance)
    assert f" · {rate} · " in tab.run("document.querySelector('.try-source').textContent")


def test_the_other_model_answers_about_the_same_sound(tab, sounds):
    tab.choose(sounds / "music.wav")
    answer(tab)
    tab.click("#try-gtzan-scratch")
    tab.until("document.querySelector('#answer').dataset.model == 'gtzan-scratch'")
    agrees(answer(tab), sounds / "music.wav", 0.02)


def test_the_page_shows_what_it_states(tab, sounds):
    tab.choose(sounds / "music.wav")
    found = answer(tab)
    expected = agrees(found, sounds / "music.wav", 0.02)
    rows = tab.run("[...document.querySelectorAll('.try-bars li')].map((row) => row.textContent)")
    shares = found["probabilities"].items()
    assert rows == [f"{genre} {round(100 * share)} %" for genre, share in shares]
    assert tab.run("document.querySelector('.try-genre').textContent").startswith(found["genre"])
    last = "[...document.querySelectorAll('.try-table td:last-child')]"
    decided = tab.run(f"{last}.map((cell) => cell.textContent)")
    numbers = [number for number, text in enumerate(decided) if text == "yes"]
    assert len(decided) == len(expected.windows)
    assert numbers == sorted(expected.decisive_windows.tolist())


def test_a_refined_timeline_leaves_the_answer(tab, sounds):
    tab.choose(sounds / "music.wav")
    before = answer(tab)
    # A window every second, and the last.
    tab.until(f"document.querySelector('.try-slider').dataset.windows >= {SECONDS - 3}")
    assert answer(tab) == before


def test_unfamiliar_sound_is_not_to_be_trusted(tab, sounds):
    tab.choose(sounds / "noise.wav")
    assert answer(tab)["unfamiliar"] == "true"
    text = tab.run("document.querySelector('.try-caution').textContent")
    assert "unlike anything the model was trained on: do not use the genre" in text


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("notes.txt", "notes.txt: holds no sound that this browser can decode; choose"),
        ("empty.wav", "empty.wav: is empty; choose a file with sound."),
        ("half.wav", "too short"),
        ("silence.wav", "silent"),
        ("hours.wav", "hours.wav: lasts 120 minutes, and this page takes up to 20; cut out"),
    ],
)
def test_what_cannot_be_used_is_one_sentence(tab, sounds, name, part):
    tab.run("""
        globalThis.decoded = 0;
        const own = BaseAudioContext.prototype.decodeAudioData;
        BaseAudioContext.prototype.decodeAudioData = function (...sound) {
            decoded += 1;
            return own.apply(this, sound);
        };
    """)
    tab.choose(sounds / name)
    assert part in sentence(tab)
    if name in ("empty.wav", "hours.wav"):
        assert tab.run("decoded") == 0
    still_works(tab, sounds)


def test_a_name_with_markup_stays_text(tab, sounds):
    name = "<img src=x onerror=document.title='bad'>.wav"
    shutil.copy(sounds / "music.wav", sounds / name)
    tab.choose(sounds / name)
    answer(tab)
    assert name in tab.run("document.querySelector('.try-source').textContent")
    assert not tab.run("document.querySelectorAll('#try img').length")
    shutil.copy(sounds / "notes.txt", sounds / name)
    tab.choose(sounds / name)
    assert sentence(tab).startswith(name)
    assert "bad" not in tab.run("document.title")


def test_an_example_plays_and_is_predicted_by_one_click(tab):
    tab.click(".try-example")
    answer(tab)
    tab.until("document.querySelector('.try-play').ariaLabel == 'Pause'")
    place = "Number(document.querySelector('.try-slider').ariaValueNow)"
    tab.until(f"{place} > 0")


def test_the_page_is_used_by_the_keyboard_alone(tab):
    focused = "document.activeElement"
    for _ in range(60):
        tab.press("Tab")
        if tab.run(f"{focused}.matches('input[type=file]')"):
            break
    tab.press("Tab")
    assert tab.run(f"{focused}.id") == "listen"
    tab.press("Tab")
    tab.press("Enter")
    answer(tab)
    while not tab.run(f"{focused}.matches('.try-play, body')"):
        tab.press("Tab")
    tab.press(" ")
    tab.until("document.querySelector('.try-play').ariaLabel == 'Play'")
    while not tab.run(f"{focused}.matches('.try-slider')"):
        tab.press("Tab")
    tab.press("Home")
    tab.press("ArrowRight")
    tab.press("ArrowRight")
    assert tab.run(f"{focused}.ariaValueNow") == "2"
    assert tab.run(f"{focused}.ariaValueText").startswith("0:02 of 0:12: ")
    tab.press("End")
    assert tab.run(f"{focused}.ariaValueNow") == "12"
    while not tab.run(f"{focused}.matches('[type=radio]')"):
        tab.press("Tab")
    tab.press("ArrowDown")
    tab.until("document.querySelector('#answer').dataset.model == 'gtzan-scratch'")


def test_a_click_on_the_figure_seeks(tab, sounds):
    tab.choose(sounds / "music.wav")
    answer(tab)
    tab.click(".try-slider")
    assert tab.run("document.querySelector('.try-slider').ariaValueNow") in ("4", "5")


def test_nothing_leaves_the_page(tab):
    assert tab.run("document.querySelectorAll('input[type=file]').length") == 1
    broken = tab.run("""(async () => {
        const broken = [];
        addEventListener("securitypolicyviolation", (e) => broken.push(e.effectiveDirective));
        const address = "https://example.org/";
        const fetched = await fetch(address).then(() => true, () => false);
        navigator.sendBeacon(address, "x");
        new Image().src = address;
        const code = `fetch("${address}").then(() => postMessage(true), () => postMessage(false))`;
        const worker = new Worker(URL.createObjectURL(new Blob([code])));
        const inWorker = await new Promise((done) => { worker.onmessage = (e) => done(e.data); });
        await new Promise((done) => setTimeout(done, 200));
        return {broken, fetched, inWorker};
    })()""")
    tab.errors.clear()
    assert not broken["fetched"] and not broken["inWorker"]
    assert broken["broken"].count("connect-src") == 2 and "img-src" in broken["broken"]


def test_nothing_of_the_model_is_loaded_before_it_is_needed(tab):
    loaded = "performance.getEntriesByType('resource').map((e) => e.name.split('/').at(-1))"
    assert not {"engine.js", "gtzan-musicnn.js", "examples.js"} & set(tab.run(loaded))


def test_search_and_theme_work_beside_the_policy(tab):
    tab.run("document.querySelector('.theme-switch-button').click()")
    assert tab.run("document.documentElement.dataset.mode") in ("light", "dark")
    tab.run("document.querySelector('.search-button-field, .search-button').click()")
    tab.until("document.activeElement.matches('input[type=search]')")


def test_it_works_from_a_server_too(page, sounds):
    with served(page.parents[1]) as address, Tab(online=True) as tab:
        tab.open(f"{address}/book/try.html")
        tab.choose(sounds / "music.wav")
        agrees(answer(tab), sounds / "music.wav", 0.02)
        assert not tab.errors


def test_the_microphone_is_heard_and_answered_while_it_plays(page, sounds):
    capture = f"--use-file-for-fake-audio-capture={sounds / 'music.wav'}"
    with Tab(*FAKE, capture) as tab:
        tab.open(page)
        tab.click("#listen")
        live = answer(tab)
        assert tab.run("document.querySelector('#listen').ariaPressed") == "true"
        latencies = []
        for second in range(5, 9):
            maximum = "Number(document.querySelector('.try-slider').ariaValueMax)"
            tab.until(f"{maximum} >= {second}")
            latencies.append(float(answer(tab)["latencyMs"]))
        tab.click("#listen")
        assert tab.run("document.querySelector('#listen').ariaPressed") == "false"
        tab.until("!('latencyMs' in document.querySelector('#answer').dataset)")
        whole = answer(tab)
        print("latencies in ms:", latencies)
        assert np.median(latencies) < 150
        # The device plays the file over and over, and begins anywhere in it.
        assert set(whole["probabilities"]) == set(live["probabilities"])
        assert whole["genre"] == gl.predict(sounds / "music.wav").genre
        tab.click(".try-play")
        tab.until("Number(document.querySelector('.try-slider').ariaValueNow) > 0")
        assert not tab.errors


@pytest.mark.parametrize(
    ("options", "part"),
    [
        (("--deny-permission-prompts", FAKE[1]), "The microphone was not allowed; allow it"),
        ((FAKE[0],), "No microphone was found; connect one"),
    ],
)
def test_no_microphone_is_one_sentence(page, sounds, options, part):
    with Tab(*options) as tab:
        tab.open(page)
        tab.click("#listen")
        assert part in sentence(tab)
        assert tab.run("document.querySelector('#listen').ariaPressed") == "false"
        still_works(tab, sounds)
        assert not tab.errors


def test_a_browser_without_webassembly_is_told_so(page, sounds):
    with Tab("--js-flags=--jitless") as tab:
        tab.open(page)
        assert tab.run("typeof WebAssembly") == "undefined"
        tab.choose(sounds / "music.wav")
        assert "WebAssembly" in sentence(tab)


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [390, 1400])
def test_the_page_is_accessible_and_fits(browser, page, sounds, width, dark):
    install()
    browser.look(width, 844, dark=dark, still=True)
    browser.open(page)
    browser.run(f"{AXE.read_text(encoding='utf-8')}; 0")
    for name in (None, "notes.txt", "noise.wav", "music.wav"):
        if name is not None:
            browser.choose(sounds / name)
            browser.until(f"{STATE} != 'busy'", seconds=60)
            browser.run("document.querySelector('.try-table').open = true")
        browser.run("new Promise((resolve) => setTimeout(resolve, 500))")
        violations = browser.run("""axe.run(document, {preload: false}).then(
            ({violations}) => violations.flatMap(({id, nodes}) =>
                nodes.map((node) => `${id}: ${node.html}`)))""")
        assert not violations
        assert browser.run("document.documentElement.scrollWidth") <= width
        right = "Math.round({}.getBoundingClientRect().right)"
        parts = f"[...document.querySelectorAll('#try > *')].map((part) => {right.format('part')})"
        edge = browser.run(right.format("document.querySelector('#try').parentElement"))
        assert set(browser.run(parts)) <= {0, edge}
    browser.errors.clear()
