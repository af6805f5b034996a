"""Workflows, containers and the repository's address name what the project has."""

import importlib.util
import json
import re
import shlex
import subprocess
import tomllib
from importlib.metadata import version
from pathlib import Path

import pytest
import typer
import yaml
from packaging.specifiers import SpecifierSet
from typer.testing import CliRunner

from gtzan_lib import cli

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
FILES = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
WORKFLOWS = {file.stem: yaml.safe_load(file.read_text(encoding="utf-8")) for file in FILES}

# Whose actions are used; all others are code of strangers.
OWNERS = {"actions", "pypa"}

# What a job may write, and only when something is released.
PERMITTED = {
    ("book", "pages"): {"pages": "write", "id-token": "write"},
    ("package", "upload"): {"id-token": "write"},
}

JOBS = [(name, job) for name, workflow in WORKFLOWS.items() for job in workflow["jobs"]]


def job_of(workflow, job):
    return WORKFLOWS[workflow]["jobs"][job]


def steps(workflow=None, job=None):
    """Return all steps of a job, or of all jobs."""
    return [
        step
        for name, key in JOBS
        if (name, key) == (workflow, job) or workflow is None
        for step in job_of(name, key)["steps"]
    ]


def commands(*place):
    """Return the lines of all scripts."""
    return [line for step in steps(*place) for line in step.get("run", "").splitlines()]


def words_after(program, lines):
    """Return the arguments of each call of a program in some lines of shell."""
    call = rf"(?:^|&& |compendium |then ){program} ([^&|;>#]+)"
    return [shlex.split(found) for line in lines for found in re.findall(call, line)]


def python_versions():
    """Return the versions of Python that the package names."""
    matches = [re.fullmatch(r".*:: (3\.\d+)", text) for text in PROJECT["classifiers"]]
    return [match[1] for match in matches if match]


def test_there_are_the_four_workflows():
    assert WORKFLOWS.keys() == {"book", "links", "package", "tests"}
    for file in FILES:
        assert WORKFLOWS[file.stem]["name"] == file.stem


def test_targets_of_make_exist_and_ci_and_workflows_call_the_same():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z]+):", makefile, re.M))
    called = {words[0] for words in words_after("make", commands())}
    assert called <= targets
    ci = (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()
    assert {words[0] for words in words_after("make", ci)} <= called


def test_commands_of_gtzan_exist_with_their_options():
    known = typer.main.get_command(cli.app)
    calls = words_after("gtzan", commands())
    assert {words[0] for words in calls} >= {"--version", "compose", "predict", "run"}
    for words in calls:
        if words != ["--version"]:
            # Arguments are parsed, and nothing is executed.
            known.commands[words[0]].make_context(words[0], words[1:])


def test_gtzan_shows_its_version():
    shown = CliRunner().invoke(cli.app, ["--version"])
    assert shown.output.strip() == version("gtzan-lib")


def test_files_that_scripts_name_exist():
    scripts = [line for line in commands() if ".venv/bin/python" in line]
    named = [word for line in scripts for word in line.split() if word.endswith(".py")]
    assert named == [".github/changed_pages.py"]
    assert (ROOT / named[0]).is_file()
    assert (ROOT / "runs" / "quick.yml").is_file()


def test_versions_of_python_are_those_of_the_package():
    versions = python_versions()
    supported = SpecifierSet(PROJECT["requires-python"])
    assert all(one in supported for one in versions)
    before = f"3.{int(versions[0].split('.')[1]) - 1}"
    assert before not in supported
    for job in ("tests", "check"):
        assert job_of("tests", job)["strategy"]["matrix"]["python"] == versions
    tried = job_of("package", "try")["strategy"]["matrix"]
    assert tried["python"] == [versions[0], versions[-1]]
    assert [system.split("-")[0] for system in tried["system"]] == ["ubuntu", "macos", "windows"]
    single = [s["with"]["python-version"] for s in steps() if "setup-python" in s.get("uses", "")]
    assert {one for one in single if "matrix" not in one} == {versions[0]}


def test_what_takes_longer_must_find_all_that_it_needs():
    ci = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    required = set(re.findall(r"GTZAN_REQUIRE_\w+(?==1)", ci))
    assert len(required) >= 3
    environment = job_of("tests", "check")["env"]
    assert environment == dict.fromkeys(required, "1")
    assert packages_in(ci) <= packages_in("\n".join(commands("tests", "check")))
    assert any("setup-node" in step.get("uses", "") for step in steps("tests", "check"))


def packages_in(text):
    """Return the packages that a shell's text installs by apt."""
    found = set()
    for words in re.findall(r"apt(?:-get)? install ((?:[^&>`\n\\]|\\\n)+)", text):
        found |= {word for word in re.split(r"[\s\\]+", words) if re.match(r"[a-z]", word)}
    return found


@pytest.mark.parametrize("step", steps(), ids=lambda step: step.get("uses") or step.get("run"))
def test_actions_are_of_known_owners_and_of_a_major_version(step):
    if "uses" in step:
        action, at, tag = step["uses"].partition("@")
        assert action.split("/")[0] in OWNERS
        assert at and re.fullmatch(r"v\d+|release/v\d+", tag)
    else:
        # An expression within a script would be executed as code; these cannot be set by others.
        expressions = re.findall(r"\$\{\{(.*?)\}\}", step["run"])
        assert all(one.strip().startswith("runner.os") for one in expressions)
        script = re.sub(r"\$\{\{.*?\}\}", "x", step["run"])
        subprocess.run(["bash", "-n"], input=script, text=True, check=True)


def test_nothing_secret_is_used_or_shown():
    for file in FILES:
        text = file.read_text(encoding="utf-8")
        assert not re.search(
            r"secrets\.|github\.token|pull_request_target|printenv|set -\w*x", text
        )


@pytest.mark.parametrize(("workflow", "job"), JOBS)
def test_jobs_read_only_and_end(workflow, job):
    top, inner = WORKFLOWS[workflow], job_of(workflow, job)
    assert top["permissions"] == {"contents": "read"}
    assert inner.get("permissions", {}) == PERMITTED.get((workflow, job), {})
    if "permissions" in inner:
        assert inner["if"] == "github.event_name == 'release'"
        assert inner["environment"]
    assert "github.ref" in top["concurrency"]["group"]
    assert 5 <= inner["timeout-minutes"] <= 120
    for step in steps(workflow, job):
        if "download-artifact" in step.get("uses", ""):
            assert step["with"]["name"] in uploaded(workflow)
            assert "build" in inner["needs"]
        if "cache-dependency-path" in step.get("with", {}):
            assert step["with"]["cache"] == "pip"
            assert (ROOT / step["with"]["cache-dependency-path"]).is_file()


def uploaded(workflow):
    """Return the names of what the jobs of a workflow keep."""
    kept = [step for job in WORKFLOWS[workflow]["jobs"] for step in steps(workflow, job)]
    return [s["with"]["name"] for s in kept if "upload-artifact" in s.get("uses", "")]


def test_workflows_start_when_they_should():
    # YAML reads "on" as true.
    triggers = {name: workflow[True] for name, workflow in WORKFLOWS.items()}
    assert "pull_request" in triggers["tests"] and "pull_request" in triggers["package"]
    for name in ("book", "package"):
        assert triggers[name]["release"] == {"types": ["published"]}
    assert re.fullmatch(r"\d+ \d+ \* \* \d", triggers["links"]["schedule"][0]["cron"])


def test_what_a_run_needs_is_checked_out_to_try_the_package():
    (checkout,) = [s["with"] for s in steps("package", "try") if "checkout" in s.get("uses", "")]
    folders = checkout["sparse-checkout"].split()
    assert all((ROOT / folder).is_dir() for folder in folders)
    assert "gtzan_lib" not in folders


@pytest.fixture(scope="module")
def changed_pages():
    """The function of the script that lists changed pages."""
    path = ROOT / ".github" / "changed_pages.py"
    spec = importlib.util.spec_from_file_location("changed_pages", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("changed", "some", "others"),
    [
        ("README.md", [], ["book/index"]),
        ("book/gtzan.md", ["book/gtzan"], ["book/index", "notebooks/gtzan_leak"]),
        (
            "results/gtzan/executed/gtzan_collection.ipynb",
            ["notebooks/gtzan_collection", "book/index"],
            ["notebooks/gtzan_leak"],
        ),
        (
            "notebooks/08_cnn.ipynb",
            ["notebooks/08_cnn-minivgg-3s", "notebooks/08_cnn-pooled-mel"],
            ["notebooks/07_rnn"],
        ),
        (
            "gtzan_lib/signal/families.py",
            ["notebooks/03_features", "book/api/signal"],
            ["book/api/data", "notebooks/metrics"],
        ),
        ("gtzan_lib/errors.py", ["book/api/ground"], ["book/api/signal"]),
        ("_toc.yml", ["book/index", "book/references", "notebooks/metrics"], []),
    ],
)
def test_pages_that_a_change_alters_are_listed(changed_pages, changed, some, others):
    found = changed_pages.changed_pages([changed])
    assert set(some) <= set(found)
    assert not set(others) & set(found)
    assert len(set(found)) == len(found)


def test_the_list_of_changed_pages_is_markdown(changed_pages):
    assert changed_pages.summary(["README.md"]).endswith("\n\nNone.")
    text = changed_pages.summary(["book/gtzan.md"])
    assert "- `book/gtzan.html`\n" in text
    assert f"The artifact `{uploaded('book')[0]}`" in text


DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")


def instructions():
    """Return the instructions of the Dockerfile, with their arguments."""
    text = re.sub(r"^#.*\n", "", DOCKERFILE, flags=re.M).replace("\\\n", " ")
    return [tuple(line.split(maxsplit=1)) for line in text.splitlines() if line.strip()]


def arguments(name):
    return [value for instruction, value in instructions() if instruction == name]


def test_binder_has_the_same_definition():
    assert (ROOT / ".binder" / "Dockerfile").read_text(encoding="utf-8") == DOCKERFILE, (
        "cp Dockerfile .binder/Dockerfile"
    )


def test_the_image_is_what_binder_asks_for():
    base, *_ = arguments("FROM")
    assert re.fullmatch(rf"python:{re.escape(python_versions()[0])}-slim-\w+ AS system", base)
    assert {"NB_USER=jovyan", "NB_UID=1000"} <= set(arguments("ARG"))
    assert arguments("USER") == ["${NB_USER}"]
    assert arguments("COPY") == ["--chown=${USER} . ${HOME}"]
    # Arguments of "docker run" replace the command, and must be executed as they are.
    assert "ENTRYPOINT" not in dict(instructions())
    assert json.loads(arguments("CMD")[0])[:2] == ["jupyter", "lab"]
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    assert re.search(r"^jupyterlab==", lock, re.M) and re.search(r"^notebook==", lock, re.M)


def test_the_image_has_the_packages_that_the_documentation_names():
    pages = [ROOT / "README.md", *(ROOT / "book").rglob("*.md")]
    named = packages_in("\n".join(page.read_text(encoding="utf-8") for page in pages))
    assert named >= {"ffmpeg", "libportaudio2"}
    assert named <= packages_in(DOCKERFILE)


def test_the_image_is_made_by_the_projects_own_commands():
    runs = "\n".join(arguments("RUN"))
    assert words_after("make", runs.splitlines()) == [["setup"]]
    (copied,) = re.findall(r"cp (\S+)", runs)
    assert (ROOT / copied).is_file()
    # An address of a private index must not be in it.
    assert set(re.findall(r"https?://([^/\s]+)", DOCKERFILE)) == {"download.pytorch.org"}
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").split("\n")
    for line in (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines():
        if line.endswith("/") and not line.startswith(("*", "results")):
            assert {line.rstrip("/"), f"**/{line.rstrip('/')}"} & set(ignored), line


def test_dev_containers_use_the_same_definition():
    folder = ROOT / ".devcontainer"
    settings = json.loads((folder / "devcontainer.json").read_text(encoding="utf-8"))
    build = settings["build"]
    assert (folder / build["dockerfile"]).resolve() == ROOT / "Dockerfile"
    assert (folder / build["context"]).resolve() == ROOT
    assert build["target"] in [stage.split(" AS ")[1] for stage in arguments("FROM")]
    assert f"NB_USER={settings['remoteUser']}" in arguments("ARG")
    assert settings["postCreateCommand"] == "make setup"


def test_the_address_of_the_repository_is_the_same_wherever_it_is_named():
    configured = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
    url = configured["repository"]["url"]
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    named = {citation.get("repository-code", url), PROJECT.get("urls", {}).get("Repository", url)}
    assert named == {url}
