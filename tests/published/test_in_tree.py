"""The results that come with the project: whole, reproducible, and shown by the pages."""

import json
import re
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from gtzan_lib.data.loaders import gtzan
from gtzan_lib.evaluation.records import ExperimentRecord, predictions, records_in
from gtzan_lib.files import sha256_of
from gtzan_lib.published.publish import stale
from gtzan_lib.published.results import Results
from gtzan_lib.published.steps import STEPS
from gtzan_lib.runner.extensions.reading import WORDS_PER_MINUTE
from gtzan_lib.runner.runs import load_run
from gtzan_lib.studies.grid import compare_cells

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "results" / "gtzan"
RUN = load_run(ROOT / "runs" / "published.yml")
DONE = Results(FOLDER).steps
NOTEBOOKS = sorted(experiment.name for experiment in RUN.experiments.values())
PAGES = sorted(
    experiment.name for experiment in RUN.experiments.values() if set(experiment.after) <= set(DONE)
)
FILES = sorted(path for path in FOLDER.rglob("*") if path.is_file())

# Numbers that stand in the text of pages as facts, and what they are.
PARTS = gtzan.facts()["partition"].value_counts()
FACTS = {
    "95": "level of intervals",
    "10": "genres",
    "30": "seconds of a clip",
    "3": "seconds of a window",
    "57": "features",
    "32": "models",
    "50": "tags",
    "90": "per cent that the literature reports",
    "5": "neighbours of k-NN",
    "0": "mean of a scaled feature",
    "1": "variance of a scaled feature",
    "20": "tags that are shown",
    f"{100 * (1 - 0.05 / 3):.1f}": "confidence of each of three intervals",
    str(32 * 31 // 2): "pairs of models",
    f"{compare_cells.__kwdefaults__['draws'] // 1000} 000": "draws of a test",
    str(WORDS_PER_MINUTE): "words a minute",
    **{str(n): f"tracks of the part {part}" for part, n in PARTS.items()},
    str(len(gtzan.facts())): "clips",
}


def test_every_step_of_the_run_is_done():
    assert set(DONE) == set(RUN.steps)
    assert {one.step for one in RUN.steps.values()} == set(STEPS)


@pytest.mark.parametrize("step", DONE)
def test_files_of_a_step_are_those_that_it_left(step):
    noted = Results(FOLDER).step(step)
    folder = FOLDER / step
    found = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert found == {*noted["files"], "step.json"}
    assert {name: sha256_of(folder / name) for name in noted["files"]} == noted["files"]
    assert noted["step"] == step
    for name in noted["files"]:
        if "/" not in name:
            assert len(Results(FOLDER).table(step, Path(name).stem))


@pytest.mark.parametrize(
    "file", sorted(FOLDER.glob("*/records/*.json")), ids=lambda file: file.stem
)
def test_predictions_reproduce_the_score_of_a_record(file):
    record = ExperimentRecord.load(file)
    table = predictions(file)
    score = record.result["track"]
    assert len(table) == score["n"]
    assert (table["predicted"] == table["genre"]).mean() == pytest.approx(score["value"])
    assert list(records_in(file)) == [file]


def test_results_are_small_and_hold_no_recording():
    kinds = {path.suffix for path in FILES}
    assert kinds <= {".csv", ".json", ".ipynb"}
    sizes = {path: path.stat().st_size for path in FILES}
    notebooks = sum(size for path, size in sizes.items() if path.suffix == ".ipynb")
    assert sum(sizes.values()) - notebooks <= 8_000_000
    assert notebooks <= 20_000_000
    for path in FILES:
        if path.suffix == ".ipynb":
            assert not re.search(r"audio/|<audio", path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("page", PAGES)
def test_a_page_is_stamped(page):
    notebook = nbformat.read(FOLDER / "executed" / f"{page}.ipynb", as_version=4)
    stamped = notebook["metadata"]["published"]
    assert {"written", "commit", "python", "platform", "versions"} <= stamped["made"].keys()
    for name in stamped["data"]:
        assert (ROOT / name).is_file()


def test_pages_that_are_out_of_date_are_listed(monkeypatch):
    monkeypatch.chdir(ROOT)
    assert set(stale()) <= {*NOTEBOOKS, *RUN.steps}


def prose(text):
    """Return the text of a page without code, formulas, links, citations and exercises."""
    text = text.partition("## Exercises")[0] + text.partition("**Further reading.**")[2]
    for pattern in (r"```.*?```", r"\$\$.*?\$\$", r"\$[^$\n]+\$", r"`[^`]*`", r"\]\([^)]*\)"):
        text = re.sub(pattern, " ", text, flags=re.S)
    return text


@pytest.mark.parametrize("page", [*NOTEBOOKS, "gtzan.md"])
def test_numbers_in_the_text_are_facts(page):
    if page.endswith(".md"):
        text = (ROOT / "book" / page).read_text(encoding="utf-8")
    else:
        cells = nbformat.read(ROOT / "notebooks" / f"{page}.ipynb", as_version=4)["cells"]
        text = "\n\n".join(c["source"] for c in cells if c["cell_type"] == "markdown")
    numbers = set(re.findall(r"(?<![\w.-])\d+(?: 000|\.\d+)?(?![\w-])", prose(text)))
    assert numbers - FACTS.keys() == set()


def glued(notebook):
    """Return all texts and numbers that a notebook glues."""
    return {
        output["metadata"]["scrapbook"]["name"]: output["data"].get(
            "application/papermill.record/text/plain"
        )
        for cell in notebook["cells"]
        for output in cell.get("outputs", [])
        if "scrapbook" in output.get("metadata", {})
    }


@pytest.mark.check
@pytest.mark.parametrize("page", PAGES)
def test_a_page_says_the_same_when_it_is_executed_again(page):
    """Every number in the text of a page is computed from the results in the tree."""
    published = nbformat.read(FOLDER / "executed" / f"{page}.ipynb", as_version=4)
    notebook = nbformat.read(ROOT / "notebooks" / f"{page}.ipynb", as_version=4)
    NotebookClient(notebook, resources={"metadata": {"path": str(ROOT)}}, timeout=300).execute()
    assert glued(notebook) == glued(published)
    assert json.dumps(glued(published)) != "{}"
