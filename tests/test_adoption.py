"""What people read before they use the project says what the package and the results say."""

import importlib.util
import json
import re
import tomllib
from collections.abc import Callable
from functools import cache
from pathlib import Path

import nbformat
import pandas as pd
import pytest
import typer
import yaml
from packaging.requirements import Requirement

import gtzan_lib as gl
from gtzan_lib import cli
from gtzan_lib.data.loaders import gtzan
from gtzan_lib.data.tables import FEATURE_NAMES
from gtzan_lib.errors import AudioError
from gtzan_lib.genres import GENRES
from gtzan_lib.inference.model import require_rate
from gtzan_lib.inference.zoo import SHIPPED, load_model
from gtzan_lib.models.musicnn import MusiCNN
from gtzan_lib.synthetic import PLANTED_FAULTS, compose

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "results" / "gtzan"
FAQ = ROOT / "book" / "faq.md"
CONCEPTS = ROOT / "book" / "concepts"
DATASHEETS = [CONCEPTS / f"datasheet_{name}.md" for name in ("gtzan", "synthetic")]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
CITATION = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))

GLUE = re.compile(r"\{glue:text\}`([^`:]+)::([\w-]+)(:[^`]+)?`")


# --- numbers -------------------------------------------------------------------


@cache
def facts() -> dict[str, str]:
    """Numbers that stand in the text of pages, and what they are."""
    clips = gtzan.facts()
    parts = clips["partition"].value_counts()
    unreadable = int((gtzan.known_faults()["fault"] == "unreadable").sum())
    defaults = compose.__kwdefaults__
    grid = gl.data.KAGGLE_GRID
    (librosa,) = (r for r in map(Requirement, PROJECT["dependencies"]) if r.name == "librosa")
    pieces = ((clips["wav_bytes"] - 44) // 2 - round(grid.seconds * gtzan.SAMPLE_RATE)) // (
        round(grid.step * gtzan.SAMPLE_RATE)
    ) + 1
    return {
        f"{len(clips)}": "clips",
        f"{len(clips) - unreadable}": "clips that can be read",
        **{f"{n}": f"tracks of the part {part}" for part, n in parts.items()},
        f"{parts['train'] - unreadable}": "training tracks that can be read",
        f"{clips['artist'].isna().sum()}": "clips of unknown artists",
        f"{len(GENRES)}": "genres",
        f"{len(clips) // len(GENRES)}": "clips of a genre",
        f"{gtzan.SAMPLE_RATE:,}": "sample rate",
        f"{MusiCNN.SAMPLE_RATE:,}": "sample rate of MusiCNN",
        f"{lowest_rate():,}": "lowest sample rate",
        f"{round(grid.seconds * gtzan.SAMPLE_RATE):,}": "samples of one of Kaggle's pieces",
        f"{round(grid.step * gtzan.SAMPLE_RATE):,}": "samples from one to the next",
        f"{pieces.max()}": "pieces of a clip",
        f"{len(FEATURE_NAMES)}": "features",
        f"{load_model('gtzan-musicnn').card['arguments']['inputs']}": "tags",
        next(iter(librosa.specifier)).version: "librosa",
        f"{len(PLANTED_FAULTS)}": "faults that can be planted",
        f"{defaults['artists']}": "artists of a composed genre",
        f"{defaults['tracks']}": "tracks of a composed artist",
        f"{defaults['seconds']:.0f}": "seconds of a composed track, and of a clip",
        f"{defaults['artists'] * defaults['tracks'] * len(GENRES)}": "composed tracks",
        "16": "bits of a sample",
        "32": "models, in the title of a page",
        "95": "level of intervals",
        "3": "seconds of a piece; seeds of the calibration",
        "0.9": "the librosa that pads otherwise",
        "90": "per cent that people report, and bound of the calibration",
        **dict.fromkeys(("99", "55", "80", "35"), "bounds of the calibration"),
        **dict.fromkeys(("50", "22", "13", "43", "63"), "counted by Sturm, 2012"),
        **dict.fromkeys(("2000", "2001", "2002", "2013", "2022"), "years"),
        "4.0": "of the licence",
    }


def lowest_rate() -> int:
    """Return the lowest sample rate that a prediction takes."""
    for rate in (16_000, 12_000, 8_000, 4_000, 2_000):
        try:
            require_rate(rate - 1, "x")
        except AudioError:
            return rate
    raise AssertionError("every rate is taken")


def prose(text: str) -> str:
    """Return the text of a page without code, what is glued, citations and addresses."""
    text = GLUE.sub(" ", text)
    for pattern in (r"```.*?```", r"\{[\w:]+\}`[^`]*`", r"`[^`]*`", r"\]\([^)]*\)"):
        text = re.sub(pattern, " ", text, flags=re.S)
    return text


def numbers(text: str) -> set[str]:
    found = re.findall(r"(?<![\w.-])\d[\d,]*(?:\.\d+)?(?![\w-])", prose(text))
    return {number.rstrip(",") for number in found}


@pytest.mark.parametrize("page", [FAQ, *DATASHEETS], ids=lambda page: page.stem)
def test_numbers_in_the_text_are_facts(page):
    assert numbers(page.read_text(encoding="utf-8")) - facts().keys() == set()


def glued(page: Path) -> Callable[[str], bool]:
    """Return whether a notebook glues a name: one that is published, else its source."""
    executed = RESULTS / "executed" / page.name
    if executed.is_file():
        cells = nbformat.read(executed, as_version=4)["cells"]
        outputs = [output for cell in cells for output in cell.get("outputs", [])]
        names = {output["metadata"].get("scrapbook", {}).get("name") for output in outputs}
        return names.__contains__
    source = page.read_text(encoding="utf-8").replace('\\"', '"')
    patterns = re.findall(r'glue\(\s*f?"([^"]+)"', source)
    forms = [re.compile(re.sub(r"\{\w+\}", "[a-z-]+", pattern)) for pattern in patterns]
    return lambda name: any(form.fullmatch(name) for form in forms)


@pytest.mark.parametrize("page", [FAQ, *DATASHEETS], ids=lambda page: page.stem)
def test_what_is_glued_is_there(page):
    found = GLUE.findall(page.read_text(encoding="utf-8"))
    assert found or page == DATASHEETS[1]
    for notebook, name, _ in found:
        assert glued((page.parent / notebook).resolve())(name), f"{notebook} glues no {name}"


# --- frequently asked questions --------------------------------------------------

QUESTIONS = re.split(r"^## ", FAQ.read_text(encoding="utf-8"), flags=re.M)[1:]

# Words of the questions that people really ask.
ASKED = (
    "download", "jazz.00054", "90 %", "CSV?", "librosa", "sample rate", ".au", "split",
    "accuracy is good", "MP3", "own genres", "two CSVs", "publish",
)  # fmt: skip


def sentences(answer: str) -> int:
    """Count sentences; what is glued after the end of a sentence is a sentence itself."""
    text = re.sub(rf"(?<=\. ){GLUE.pattern}", "Glued.", answer.strip())
    return len(re.findall(r"[.?!](?=\s|$)", prose(text)))


def test_the_questions_are_those_that_people_ask():
    headings = [question.partition("\n")[0] for question in QUESTIONS]
    assert len(headings) == len(ASKED)
    for words, heading in zip(ASKED, headings, strict=True):
        assert words in heading
        assert heading.endswith("?")


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda text: text.partition("\n")[0])
def test_an_answer_is_short_and_has_a_number_and_a_page(question):
    answer = question.partition("\n")[2]
    assert 1 <= sentences(answer) <= 3
    assert numbers(answer) or GLUE.search(answer)
    links = re.findall(r"\]\(([^)]+)\)", answer)
    assert links
    assert all((FAQ.parent / link).is_file() for link in links)


def test_sentences_are_counted():
    glue = "{glue:text}`../notebooks/x.ipynb::key:s`"
    assert sentences(f"One, 0.9 and `a. b`. Two: {glue}. {glue}") == 3


# --- datasheets ------------------------------------------------------------------


@pytest.mark.parametrize("page", DATASHEETS, ids=lambda page: page.stem)
def test_a_datasheet_has_the_seven_sections(page):
    text = page.read_text(encoding="utf-8")
    assert re.findall("^## (.+)", text, flags=re.M) == [
        "Motivation", "Composition", "Collection process", "Preprocessing, cleaning, labelling",
        "Uses", "Distribution", "Maintenance",
    ]  # fmt: skip
    for section in text.split("\n## ")[1:]:
        assert section.count("?**") >= 2


# --- README ----------------------------------------------------------------------


def percent(row: pd.Series | dict) -> str:
    score = row["accuracy"] if "accuracy" in row else row["value"]
    return f"{100 * score:.1f} ({100 * row['low']:.1f} to {100 * row['high']:.1f})"


def shipped(name: str) -> tuple[int, str]:
    score = json.loads((SHIPPED / name / "model.json").read_text())["accuracy"][0]
    return score["n"], percent(score)


def published(step: str, table: str, n: int, **where: str) -> tuple[int, str]:
    rows = pd.read_csv(RESULTS / step / f"{table}.csv")
    for column, value in where.items():
        rows = rows[rows[column] == value]
    (row,) = rows.to_dict("records")
    return int(row.get("n", n)), percent(row)


def expected() -> list[tuple[int, str]]:
    """Number of tracks or windows, and score, of each row of the table."""
    parts = pd.read_csv(RESULTS / "feature-models" / "parts.csv").set_index("part")["tracks"]
    tags = pd.read_csv(RESULTS / "transfer" / "scope.csv")["tracks"].iloc[0]
    tested = pd.read_csv(RESULTS / "test-part" / "scope.csv")["tracks"].iloc[0]
    by_artist = "clips by artist"
    return [
        shipped("gtzan-musicnn"),
        shipped("gtzan-scratch"),
        published("test-part", "seed-scores", tested, model="MiniVGG"),
        published("test-part", "scores", 0, model="all nets"),
        published("transfer", "scores", tags, representation="50 tags"),
        published("feature-models", "choices", parts[by_artist], part=by_artist),
        *(
            published("leak", "scores", 0, model="k-NN", unit="window", protocol=protocol)
            for protocol in ("window", "track", "artist")
        ),
    ]


def test_scores_in_the_readme_are_those_of_the_results():
    table = README.partition("## Results")[2].partition("\n## ")[0]
    rows = [line.split(" | ") for line in table.splitlines() if re.search(r"\d \(\d", line)]
    found = [(int(re.match(r"\d+", row[1])[0]), row[2]) for row in rows]
    assert found == expected()
    assert not re.search(r"\d\d\.\d", README.replace(table, "").replace("1306.1461", ""))


def test_the_readme_is_short():
    assert len(README.splitlines()) < 150


def test_links_of_the_readme_have_targets():
    links = re.findall(r"\]\(([^)]+)\)", README)
    local = [link for link in links if "://" not in link]
    assert len(local) > 8
    assert [link for link in local if not (ROOT / link).is_file()] == []


def test_commands_in_the_readme_exist():
    blocks = re.findall(r"```bash\n(.*?)```|`([^`\n]+)`", README, flags=re.S)
    code = "\n".join("".join(both) for both in blocks)
    commands = set(typer.main.get_command(cli.app).commands)
    used = set(re.findall(r"^gtzan (\w+)", code, flags=re.M))
    assert len(used) >= 5
    assert used <= commands
    targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), flags=re.M)
    assert set(re.findall(r"\bmake (\w+)", code)) <= set(targets)
    for module in re.findall(r"python -m (gtzan_lib[\w.]+)", code):
        assert importlib.util.find_spec(module)


def test_every_result_names_a_step_that_is_published():
    steps = set(re.findall(r"--again ([\w-]+)", README))
    assert steps == {"test-part", "transfer", "feature-models", "leak"}
    run = yaml.safe_load((ROOT / "runs" / "published.yml").read_text())
    assert steps <= set(run["steps"])


# --- version, licence, citation ---------------------------------------------------


def test_there_is_one_version():
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    newest = re.search(r"^## \[([\d.]+)\]", changelog, flags=re.M)[1]
    zenodo = json.loads((ROOT / ".zenodo.json").read_text(encoding="utf-8"))
    cited = re.search(r"version = \{(.+)\}", (ROOT / "book" / "index.md").read_text("utf-8"))[1]
    assert {newest, zenodo["version"], CITATION["version"], cited} == {PROJECT["version"]}


def test_archive_and_citation_name_the_same_work():
    zenodo = json.loads((ROOT / ".zenodo.json").read_text(encoding="utf-8"))
    authors = [
        # A person has the names in two parts, a group in one.
        author.get("name") or f"{author['given-names']} {author['family-names']}"
        for author in CITATION["authors"]
    ]
    assert authors == [creator["name"] for creator in zenodo["creators"]]
    assert authors == [author["name"] for author in PROJECT["authors"]]
    for key in ("title", "license", "keywords"):
        assert CITATION[key] == zenodo[key]


def test_references_of_the_citation_are_in_the_bibliography():
    bibliography = re.sub(r"[{}]", "", (ROOT / "book" / "references.bib").read_text())
    assert len(CITATION["references"]) >= 3
    for reference in CITATION["references"]:
        assert reference["title"] in bibliography


def test_licences_are_said_where_people_look():
    assert (ROOT / "LICENSE").read_text().startswith("MIT License")
    assert (ROOT / "LICENSE-text").read_text().startswith("Attribution 4.0 International")
    licence = README.partition("## Licence")[2]
    for name in ("(LICENSE)", "(LICENSE-text)", "musicnn_weights/LICENSE"):
        assert name in licence
    footer = yaml.safe_load((ROOT / "_config.yml").read_text())["html"]["extra_footer"]
    assert "CC BY 4.0" in footer
    assert "MIT" in footer
    assert PROJECT["license"] == "MIT AND ISC"


def test_the_changelog_has_the_form_of_keep_a_changelog():
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    heads = re.findall(r"^## (.+)", text, flags=re.M)
    assert heads
    for head in heads:
        assert re.fullmatch(r"\[\d+\.\d+\.\d+\] - (unreleased|\d{4}-\d\d-\d\d)", head)
    kinds = {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}
    assert set(re.findall(r"^### (.+)", text, flags=re.M)) <= kinds
