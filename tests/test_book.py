"""The real notebooks on a tiny corpus, from papermill to the pages of the book."""

import json
import os
import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from importlib.metadata import version
from pathlib import Path

import nbformat
import pytest

import gtzan_lib as gl

from .addresses import released
from .exercises import add_solutions
from .runner.conftest import call
from .visits import Visitor, axe

ROOT = Path(__file__).parents[1]
# What a page may load before it is used.
MOST_BYTES = 3_000_000

# An experiment, a text and the search also have what surrounds each page checked.
WIDE = {"05_pca", "start", "search"}

PAPERMILL = [sys.executable, "-m", "papermill"]

# Twenty notebooks and a book take minutes on a slow machine, and are made by one process.
pytestmark = [
    pytest.mark.check,
    pytest.mark.timeout(1200),
    pytest.mark.xdist_group("book"),
]


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A copy of the project with its quick run finished on a tiny corpus."""
    project = tmp_path_factory.mktemp("book") / "project"
    ignore = shutil.ignore_patterns("__pycache__")
    for folder in ("book", "gtzan_lib", "notebooks", "results", "runs"):
        shutil.copytree(ROOT / folder, project / folder, ignore=ignore)
    for file in ("_config.yml", "_toc.yml", "Snakefile"):
        shutil.copy(ROOT / file, project)
    # Solutions of exercises run after the cells of their notebooks.
    for notebook in (project / "notebooks").glob("*.ipynb"):
        add_solutions(notebook)
    run = project / "runs" / "quick.yml"
    text = run.read_text().replace(
        "  artists: 5", "  genres: [blues, jazz, metal, pop]\n  artists: 5"
    )
    text = re.sub(r"folds: \d+", "folds: 3", text)
    # Tracks of 6 s have no window of 10 s, and 8 windows no batch of 16.
    text = text.replace("recipe: stft-10s-legacy", "recipe: stft-3s").replace("net: false, ", "")
    text = text.replace("09_ten_seconds: {", "09_ten_seconds: {recipe: stft-3s, ")
    text = text.replace(
        "12_leakage_audit: {", "12_leakage_audit: {folds: 3, epochs: 1, batch_size: 4, "
    )
    text = text.replace("10_aggregation: {", '10_aggregation: {folds: 3, models: ["k-NN"], ')
    text = text.replace("15_live_demo: {", "15_live_demo: {levels: [5], seconds: 6, pace: false, ")
    text = re.sub(r"batch_size: \d+", "batch_size: 4", text)
    text = re.sub(r"seconds: \d+", "seconds: 6", re.sub(r"tracks: \d+", "tracks: 1", text))
    run.write_text(
        re.sub(r"(?<!_)size: \d+", "size: 32", re.sub(r"epochs: \d+", "epochs: 1", text))
    )
    code, out, err = call(project, "run", "quick", timeout=1000)
    assert code == 0, err
    assert Path(out.splitlines()[-1]) == project / "_build" / "html" / "index.html"
    return project


@pytest.fixture(scope="module")
def pages(finished):
    html = finished / "_build" / "html"
    pages = {path: path.read_text(encoding="utf-8") for path in html.rglob("*.html")}
    return {path: text for path, text in pages.items() if "_static" not in path.parts}


def own(pages):
    """Return the pages that have a text of their own, and do not lead to another."""
    leads = 'http-equiv="refresh"'
    return {page: text for page, text in pages.items() if leads not in text.lower()}


class References(HTMLParser):
    """Collects the files that a page loads and the targets of its links."""

    def __init__(self):
        super().__init__()
        self.loaded, self.linked = [], []

    def handle_starttag(self, tag, attributes):
        values = dict(attributes)
        if tag in {"script", "img", "audio", "source", "iframe"} and values.get("src"):
            self.loaded.append(values["src"])
        if tag == "link" and values.get("rel") in {
            "stylesheet",
            "preload",
            "icon",
            "shortcut icon",
        }:
            self.loaded.append(values["href"])
        if tag == "a" and values.get("href"):
            self.linked.append(values["href"])


def references(text):
    parser = References()
    parser.feed(text)
    return parser


def target(page, reference):
    return (page.parent / reference.split("#")[0].split("?")[0]).resolve()


def test_pages_load_only_local_files(pages):
    assert len(pages) > 15
    for page, text in pages.items():
        for reference in references(text).loaded:
            if reference.startswith("data:"):
                continue
            assert "//" not in reference, f"{page.name} loads {reference}"
            assert target(page, reference).is_file(), f"{page.name} lacks {reference}"


def test_links_between_pages_have_targets(pages):
    for page, text in pages.items():
        for reference in references(text).linked:
            if re.match(r"[a-z]+:", reference) or reference.startswith("#"):
                continue
            assert target(page, reference).exists(), f"{page.name} links to {reference}"


def test_every_page_is_in_the_contents(finished, pages):
    contents = re.findall(r"(?:file|root): (\S+)", (finished / "_toc.yml").read_text())
    html = finished / "_build" / "html"
    built = {path.relative_to(html).with_suffix("").as_posix() for path in own(pages)}
    assert built - {"search", "genindex", "py-modindex"} == set(contents)


def test_every_page_has_its_answer(finished, pages):
    names = [path.stem for path in (finished / "work" / "quick" / "executed").glob("*.ipynb")]
    assert len(names) > 6
    for name in names:
        text = pages[finished / "_build" / "html" / "notebooks" / f"{name}.html"]
        answer = re.search(r"<strong>Answer\.</strong>(.*?)</p>", text, re.DOTALL)
        assert re.search(r"\d", re.sub("<[^>]+>", "", answer[1]))
    landing = pages[finished / "_build" / "html" / "book" / "index.html"]
    assert "::" not in re.sub("<script.*?</script>|<[^>]+>", "", landing, flags=re.DOTALL)
    assert str(finished) not in "".join(pages.values())


class Body(HTMLParser):
    """Collects texts of a page by the element in which they stand, and its media."""

    def __init__(self):
        super().__init__()
        self.stack, self.cells, self.captions, self.prose = [], [], [], []
        self.images, self.players = [], []

    def handle_starttag(self, tag, attributes):
        values = dict(attributes)
        inside = set(self.stack)
        if tag == "img" and "figure" in inside:
            self.images.append(values)
        if tag == "audio":
            self.players.append(values)
        for name, texts in (("td", self.cells), ("figcaption", self.captions), ("p", self.prose)):
            if tag == name:
                texts.append("")
        if tag == "table" and "parameters-table" in values.get("class", ""):
            # scikit-learn's list of the parameters of an estimator, some of which are None.
            self.stack.append("code")
        if tag not in {"img", "br", "hr", "input", "meta", "link", "source", "wbr", "col"}:
            self.stack.append(tag)

    def handle_endtag(self, tag):
        while tag in self.stack and self.stack.pop() != tag:
            pass

    def handle_data(self, data):
        for name, texts in (("td", self.cells), ("figcaption", self.captions), ("p", self.prose)):
            if name in self.stack:
                texts[-1] += data if "code" not in self.stack else ""


@pytest.fixture(scope="module")
def bodies(pages):
    """The pages from notebooks, and the landing page, without what surrounds their text."""
    found = {}
    for page, text in pages.items():
        if page.parent.name == "notebooks" or page.parts[-2:] == ("book", "index.html"):
            found[page.stem] = body = Body()
            body.feed(re.search(r'<article class="bd-article.*?</article>', text, re.DOTALL)[0])
    return found


def test_tables_have_values_in_all_cells(bodies):
    assert sum(len(body.cells) for body in bodies.values()) > 200
    for page, body in bodies.items():
        missing = {"NaN", "nan", "None", "<NA>", "NaT", "inf"} & {c.strip() for c in body.cells}
        assert not missing, page


def test_names_are_shown_instead_of_ids(bodies):
    names = "|".join(path.stem for path in (ROOT / "notebooks").glob("*.ipynb"))
    for page, body in bodies.items():
        for text in (*body.cells, *body.captions, *body.prose):
            found = re.search(rf"\b(?:{names}|\d\d_[a-z]+)(?:-[\w.-]+)", text)
            assert not found, f"{page} shows {found[0]}"


def test_figures_have_numbers_captions_and_alternative_texts(bodies):
    assert sum(len(body.images) for body in bodies.values()) > 20
    for page, body in bodies.items():
        assert all(image.get("alt", "").strip() for image in body.images), page
        numbered = [text for text in body.captions if re.match(r"\s*Fig\. \d+\s+\S", text)]
        assert len(numbered) >= len(body.images), page


def test_players_show_their_length_and_play_different_sounds(bodies):
    assert sum(len(body.players) for body in bodies.values()) > 3
    for page, body in bodies.items():
        assert all(player.get("preload") == "metadata" for player in body.players), page
        sounds = [player["src"] for player in body.players if "src" in player]
        assert len(set(sounds)) == len(sounds), page


def test_pages_offer_what_they_were_made_of(finished, pages):
    html = finished / "_build" / "html"
    experiments = [page for page in own(pages) if page.parent.name == "notebooks"]
    assert len(experiments) > 25
    for page in own(pages):
        fold = pages[page].partition('id="downloads"')[2]
        offered = re.findall(r'<a download href="([^"]+)"', fold)
        assert all(target(page, name).is_file() for name in offered)
        endings = {Path(name).suffix for name in offered}
        if page in experiments:
            assert endings >= {".ipynb", ".py", ".bib"}, page
        elif page.parent != html:
            assert endings == {".md", ".bib"}, page
        if page.stem.startswith("gtzan_"):
            assert ".csv" in endings, page
    for name in ("minivgg-3s", "pooled-mel"):
        record = html / f"_downloads/notebooks/08_cnn-{name}/records/{name}.json"
        gl.ExperimentRecord.load(record)
    script = (html / "_downloads/notebooks/05_pca/05_pca.py").read_text(encoding="utf-8")
    compile(script, "05_pca.py", "exec")
    (table,) = html.glob("_downloads/notebooks/13_model_comparison/table-1.csv")
    assert len(table.read_text(encoding="utf-8").splitlines()) > 3


def test_the_foot_of_each_page_has_date_version_and_licences(pages):
    for page, text in own(pages).items():
        foot = text.partition('class="extra_footer"')[2]
        assert f"Version {version('gtzan-lib')}, <time datetime=" in foot, page
        assert "CC BY 4.0" in foot and "MIT" in foot, page


def test_addresses_of_released_books_are_pages_or_lead_to_one(finished, pages):
    html = finished / "_build" / "html"
    built = {path.relative_to(html).as_posix() for path in pages}
    assert set(released()) <= built
    for name in released():
        text = pages[html / name]
        moved = re.search(r'location\.replace\("([^"]+)"', text)
        assert moved is None or target(html / name, moved[1]).is_file(), name


def test_no_page_would_run_code_elsewhere(pages):
    for page, text in pages.items():
        assert not re.search(r"THEBE_JS_URL|-thebe|mybinder\.org|unpkg\.com", text), page


@pytest.fixture(scope="module")
def visits(pages):
    """What was found on each page, opened once in a browser."""
    assert len(own(pages)) > 60
    with Visitor() as visitor:
        return {
            "/".join(page.parts[-2:]): visitor.visit(page, wide=page.stem in WIDE)
            for page in sorted(own(pages))
        }


def found_in(visits, field):
    found = {page: getattr(visit, field) for page, visit in visits.items()}
    return {page: value for page, value in found.items() if value}


def test_no_page_writes_an_error_to_the_console(visits):
    assert found_in(visits, "errors") == {}


def test_no_page_asks_for_anything_elsewhere(visits):
    assert found_in(visits, "elsewhere") == {}


def test_pages_fit_a_telephone(visits):
    assert {page: visit.width for page, visit in visits.items() if visit.width > 390} == {}


def test_pages_are_light(visits):
    heavy = {page: visit.weight for page, visit in visits.items() if visit.weight > MOST_BYTES}
    assert heavy == {}
    # Nothing was counted if the files were not seen.
    assert min(visit.weight for visit in visits.values()) > 500_000


def test_pages_keep_the_rules_of_accessibility_in_both_themes(visits):
    if axe() is None:
        pytest.skip("axe-core is missing: install node and npm")
    assert found_in(visits, "violations") == {}


def test_the_run_saves_record_split_store_and_model(finished):
    work = gl.Workspace("quick", finished / "work")
    record = gl.ExperimentRecord.load(work.records / "minivgg-3s.json")
    split = gl.data.DataSplit.load(work.splits / "minivgg-3s.csv")
    assert record.spec["split"] == split.hash
    assert record.spec["parameters"]["epochs"] == 1
    (folder,) = [p for p in work.stores.iterdir() if "stft-3s_3s_32px_" in p.name and p.is_dir()]
    store = gl.SpectrogramStore.open(folder)
    model = gl.load_model("minivgg-3s", work=work)
    assert model.recipe == store.recipe
    assert model.probabilities(store.images[:2]).shape == (2, 4)


def test_equal_runs_have_equal_results(finished, tmp_path):
    notebook = finished / "notebooks" / "08_cnn.ipynb"
    first = gl.ExperimentRecord.load(finished / "work/quick/records/minivgg-3s.json")
    corpus = str(finished / "work/quick/corpus")
    parameters = {**first.spec["parameters"], "corpus": corpus, "run": "again"}
    subprocess.run(
        [*PAPERMILL, notebook, tmp_path / "out.ipynb", "-y", json.dumps(parameters)],
        check=True,
        capture_output=True,
        cwd=tmp_path,
        env=environment(tmp_path, threads="1"),
    )
    again = gl.ExperimentRecord.load(tmp_path / "work/again/records/minivgg-3s.json")
    assert again.hash == first.hash


@pytest.mark.parametrize(
    ("name", "options", "sentence"),
    [
        ("01_data_health", ["copus", "x"], "no parameter 'copus'; did you mean 'corpus'?"),
        ("01_data_health", ["jobs", "many"], "parameter 'jobs' takes int, got 'many' (str)"),
        ("08_cnn", ["protocol", "artst"], "got 'artst'; did you mean 'artist'?"),
        ("08_cnn", ["folds", "2"], "takes int of 1 or of at least 3, got 2."),
    ],
)
def test_papermill_alone_refuses_invalid_parameters(name, options, sentence, tmp_path):
    notebook = ROOT / "notebooks" / f"{name}.ipynb"
    result = subprocess.run(
        [*PAPERMILL, notebook, tmp_path / "out.ipynb", "-p", *options],
        capture_output=True,
        text=True,
        cwd=tmp_path,
    )
    assert result.returncode != 0
    assert sentence in result.stderr.strip().splitlines()[-1]
    executed = nbformat.read(tmp_path / "out.ipynb", as_version=4)
    assert not any("prepare_corpus" in c["source"] and c.get("outputs") for c in executed["cells"])


def environment(folder, threads):
    names = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS")
    return {**os.environ, **dict.fromkeys(names, threads), "GTZAN_WORK": str(folder / "work")}
