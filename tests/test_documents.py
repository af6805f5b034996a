"""Documents: read equal to what was written, or refused in one sentence."""

import copy
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import jsonschema
import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from gtzan_lib.documents import (
    ManifestDocument,
    RecordDocument,
    ReportDocument,
    TakeDocument,
    encode_document,
    read_document,
    write_document,
)
from gtzan_lib.errors import GtzanError, HealthError, RecordError
from gtzan_lib.evaluation.records import ExperimentRecord, leaderboard
from gtzan_lib.health.faults import FAULT_SEVERITIES
from gtzan_lib.health.quarantine import quarantined, restore
from gtzan_lib.health.report import HealthReport
from gtzan_lib.inference.zoo import SHIPPED, load_model
from gtzan_lib.live.takes import load_take

from .schemas import DOCUMENTS, FOLDER, schema_of

PAGE = (Path(__file__).parents[1] / "book" / "documents.md").read_text(encoding="utf-8")


def example_of(name: str) -> dict:
    """Return the example of a document on the page of the book."""
    section = PAGE.split(f"(document-{name})=")[1]
    return json.loads(re.search(r"```json\n(.*?)```", section, flags=re.DOTALL)[1])


EXAMPLES = {name: example_of(name) for name in DOCUMENTS}
KINDS = [pytest.param(name, kind, id=name) for name, kind in DOCUMENTS.items()]


def write(path: Path, values: object) -> Path:
    """Write any value as JSON; NaN and infinity as Python writes them."""
    path.write_text(json.dumps(values))
    return path


def refused(path: Path, kind, match: str = "") -> None:
    with pytest.raises(kind.ERROR, match=match) as caught:
        read_document(path, kind)
    check_sentence(caught.value, path)


def check_sentence(error: GtzanError, path: Path) -> None:
    assert str(error).startswith(f"{path}: ")
    assert str(error).endswith(".")
    assert str(error).isprintable()


# --- the page of the book -------------------------------------------------------


@pytest.mark.parametrize(("name", "kind"), KINDS)
def test_the_book_has_the_current_schema(name, kind):
    message = "run: python -m tests.schemas"
    assert (FOLDER / f"{name}.json").read_text(encoding="utf-8") == schema_of(kind), message
    assert f"{{literalinclude}} _static/schemas/{name}.json" in PAGE


def test_the_book_has_no_other_schemas():
    assert {path.stem for path in FOLDER.iterdir()} == DOCUMENTS.keys()


@pytest.mark.parametrize(("name", "kind"), KINDS)
def test_examples_are_valid_and_current(name, kind, tmp_path):
    example = EXAMPLES[name]
    assert read_document(write(tmp_path / "a.json", example), kind) == example
    assert example["version"] == kind.VERSION
    jsonschema.validate(example, json.loads(schema_of(kind)))


@pytest.mark.parametrize(
    ("file", "name"), [("model.json", "model"), ("gtzan-musicnn.json", "record")]
)
def test_documents_of_the_package_fit_the_schemas(file, name):
    values = json.loads((SHIPPED / "gtzan-musicnn" / file).read_text(encoding="utf-8"))
    assert values["version"] == DOCUMENTS[name].VERSION
    jsonschema.validate(values, json.loads(schema_of(DOCUMENTS[name])))


# --- versions -------------------------------------------------------------------


@pytest.mark.parametrize(("name", "kind"), KINDS)
def test_newer_versions_are_refused(name, kind, tmp_path):
    """Even if the newer format is another."""
    for values in ({**EXAMPLES[name], "version": kind.VERSION + 1}, {"version": 10**30}):
        path = write(tmp_path / "a.json", values)
        version = values["version"]
        refused(
            path,
            kind,
            rf"newer version of .* \(format {version}; this one reads up to {kind.VERSION}\); up",
        )


def test_scored_part_is_missing_in_version_1_alone(tmp_path):
    record, card = copy.deepcopy(EXAMPLES["record"]), copy.deepcopy(EXAMPLES["model"])
    del record["spec"]["part"], card["part"]
    for values, name, place in ((record, "record", r"spec\.part"), (card, "model", "part")):
        kind = DOCUMENTS[name]
        refused(write(tmp_path / "a.json", values), kind, rf"\({place}: is missing\)")
        old = {**values, "version": 1}
        assert read_document(write(tmp_path / "a.json", old), kind) == old
    del card["accuracy"]
    assert read_document(write(tmp_path / "a.json", card), DOCUMENTS["model"]) == card


@pytest.mark.parametrize("version", [-1, 1.0, "1", True, None, [1]])
def test_impossible_versions_are_refused(version, tmp_path):
    path = write(tmp_path / "a.json", {**EXAMPLES["record"], "version": version})
    refused(path, RecordDocument, r"\(version: must be ")


@pytest.mark.parametrize("name", ["record", "model", "report", "take"])
def test_files_older_than_versions_are_read(name, tmp_path):
    old = {key: value for key, value in EXAMPLES[name].items() if key != "version"}
    assert read_document(write(tmp_path / "a.json", old), DOCUMENTS[name]) == old


def test_files_older_than_versions_are_refused_if_they_do_not_fit(tmp_path):
    old = copy.deepcopy(EXAMPLES["record"])
    del old["version"], old["result"]["window"]["top2"]
    refused(
        write(tmp_path / "a.json", old),
        RecordDocument,
        r"a record of an experiment \(result\.window\.top2: is missing\); execute the experiment",
    )


def test_a_quarantine_older_than_versions_is_restored(tmp_path):
    """The files of users are in it."""
    music, away = tmp_path / "music", tmp_path / "away"
    for folder in (music / "fado", away / "fado"):
        folder.mkdir(parents=True)
    (away / "fado" / "a.wav").write_bytes(b"sound")
    old = {
        "format": "gtzan_lib quarantine, version 1",
        "root": str(music),
        "files": {"fado/a.wav": {"reason": "silent", "sha256": None}},
    }
    path = write(away / "manifest.json", old)
    assert quarantined(away) == {"fado/a.wav": "silent"}
    restore(away, music)
    assert (music / "fado" / "a.wav").read_bytes() == b"sound"
    assert not path.exists()


def test_a_manifest_of_another_program_is_refused(tmp_path):
    path = write(tmp_path / "manifest.json", {"root": "/music", "files": {}})
    refused(path, ManifestDocument, r"\(version: is missing\)")


# --- damaged files --------------------------------------------------------------


@pytest.mark.parametrize("content", [b"", b"{", b"\xff", b"[NaN]", b"[" * 100_000, b"1" * 9_999])
@pytest.mark.parametrize(("name", "kind"), KINDS)
def test_other_files_are_refused(name, kind, content, tmp_path):
    (tmp_path / "a.json").write_bytes(content)
    refused(tmp_path / "a.json", kind, rf"is not a {kind.NOUN} \(it is not JSON\); {kind.ADVICE}")


@pytest.mark.parametrize(("name", "kind"), KINDS)
def test_missing_files_and_folders_are_refused(name, kind, tmp_path):
    refused(tmp_path / "a.json", kind, f"there is no such file; {kind.ADVICE}")
    refused(tmp_path, kind, r"\(Is a directory\)")


def changed(name: str, place: str, value: object) -> dict:
    """Return an example with another value at a place such as `result.track.n`."""
    values = copy.deepcopy(EXAMPLES[name])
    *parents, last = place.split(".")
    node = values
    for key in parents:
        node = node[int(key) if isinstance(node, list) else key]
    node[last] = value
    return values


@pytest.mark.parametrize(
    ("name", "place", "value", "phrase"),
    [
        ("record", "result.track.value", "high", "must be a number"),
        ("record", "result.track.value", True, "must be a number"),
        ("record", "result.track.value", 1.5, "must be less than or equal to 1"),
        ("record", "result.track.value", float("nan"), "it is not JSON"),
        ("record", "result.track.n", 8.0, "must be a whole number"),
        ("record", "result.track.n", 10**400, "must be less than or equal to"),
        ("record", "result.confusion.blues", [], "must be an object"),
        ("record", "result.predictions.file", "../secret.csv", "must match pattern"),
        ("record", "result.predictions.sha256", "0", "must match pattern"),
        ("record", "spec.folder", 1, "is not a known field"),
        ("record", "spec.protocol", None, "must be text"),
        ("model", "genres", "blues", "must be a list"),
        ("model", "trained_on", None, "must be a list"),
        ("report", "faults.0.severity", "fatal", "must be 'error', 'warning' or 'notice'"),
        ("manifest", "files.jazz/a\nb", 1, "must be an object"),
        ("take", "complete", 1, "must be true or false"),
    ],
)
def test_the_field_that_does_not_fit_is_named(name, place, value, phrase, tmp_path):
    path = write(tmp_path / "a.json", changed(name, place, value))
    where = "" if phrase == "it is not JSON" else re.escape(place).replace("\\\n", r"\\n")
    refused(path, DOCUMENTS[name], f"\\('?{where}'?:? ?{re.escape(phrase)}")


def test_deep_and_infinite_values_are_refused(tmp_path):
    deep: list = []
    for _ in range(600):
        deep = [deep]
    path = write(tmp_path / "a.json", changed("record", "spec.parameters.a", deep))
    refused(path, RecordDocument, r"\(it is nested too deeply\)")
    text = json.dumps(changed("record", "spec.parameters.a", 0.125)).replace("0.125}", "1e999}")
    path.write_text(text)
    refused(path, RecordDocument, r"\(spec\.parameters\.a.*: must be a finite number\)")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just(10**400),
    lambda values: st.lists(values, max_size=3) | st.dictionaries(st.text(), values, max_size=3),
    max_leaves=8,
)


@st.composite
def damaged(draw, values: dict) -> dict:
    """Draw a document in which something is removed, added or replaced, at any depth."""
    values = copy.deepcopy(values)
    for _ in range(draw(st.integers(1, 2))):
        node = values
        while True:
            keys = list(node) if isinstance(node, dict) else list(range(len(node)))
            key = draw(st.sampled_from(keys)) if keys else None
            if key is None or not isinstance(node[key], dict | list) or draw(st.booleans()):
                break
            node = node[key]
        change = draw(st.sampled_from(["remove", "add", "replace"]))
        if change == "add" and isinstance(node, dict):
            node[draw(st.text())] = draw(JSON)
        elif change == "remove" and key is not None:
            del node[key]
        elif key is not None:
            node[key] = draw(JSON)
    return values


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A folder with all that belongs to the documents, into which they are written."""
    folder = tmp_path_factory.mktemp("documents")
    shutil.copy(SHIPPED / "gtzan-scratch" / "model.safetensors", folder)
    for name in ("raw.wav", "denoised.wav"):
        soundfile.write(folder / name, np.zeros(800), 8_000)
    return folder


def read_record(path: Path) -> object:
    record = ExperimentRecord.load(path)
    table = leaderboard(path.parent)
    assert table.loc[record.spec["experiment"], "tracks"] == record.result["track"]["n"]
    return record


def read_report(path: Path) -> object:
    report = HealthReport.load(path)
    return report, report.excluded, report.reasons, report.is_clean


def read_take(path: Path) -> object:
    return repr(load_take(path.parent))


def read_model(path: Path) -> object:
    model = load_model(path.parent)
    return repr(model), model._repr_markdown_()


CARD = json.loads((SHIPPED / "gtzan-scratch" / "model.json").read_text(encoding="utf-8"))
USERS = {
    "record": ("records/knn.json", read_record, EXAMPLES["record"]),
    "report": ("report.json", read_report, EXAMPLES["report"]),
    "manifest": ("manifest.json", lambda path: quarantined(path.parent), EXAMPLES["manifest"]),
    "take": ("take.json", read_take, EXAMPLES["take"]),
    "model": ("model.json", read_model, {**CARD, "trained_on": [], "selected_on": []}),
}


@pytest.mark.parametrize("name", USERS)
@given(data=st.data())
def test_any_json_is_read_or_refused(name, data, folder):
    """By those who use documents, with their own error."""
    file, read, valid = USERS[name]
    # Other arguments of a network may need any amount of memory.
    fixed = {"arguments": valid["arguments"]} if name == "model" else {}
    values = data.draw(JSON | damaged(valid).map(lambda values: values | fixed))
    if name == "record" and isinstance(values, dict) and "result" in values:
        # Otherwise the hash would hide that the result cannot be used.
        values["result_sha256"] = ExperimentRecord({}, values["result"], {}).hash
    (folder / "records").mkdir(exist_ok=True)
    path = write(folder / file, values)
    try:
        read(path)
    except DOCUMENTS[name].ERROR as error:
        assert str(error).startswith(f"{path.parent}")
        assert str(error).endswith(".")
        assert str(error).isprintable()


@pytest.mark.parametrize("name", USERS)
def test_valid_documents_are_read(name, folder):
    file, read, valid = USERS[name]
    (folder / "records").mkdir(exist_ok=True)
    assert read(write(folder / file, valid))


# --- writing --------------------------------------------------------------------


@pytest.mark.parametrize(("name", "kind"), KINDS)
def test_a_written_document_is_read_back(name, kind, tmp_path):
    old = {key: value for key, value in EXAMPLES[name].items() if key != "version"}
    for values in (old, {**old, "version": 0}, EXAMPLES[name]):
        write_document(tmp_path / "new" / "a.json", values, kind)
        assert read_document(tmp_path / "new" / "a.json", kind) == EXAMPLES[name]
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["a.json"]
    assert (
        (tmp_path / "new" / "a.json").read_text().startswith(f'{{\n  "version": {kind.VERSION},\n')
    )


TEXT = st.text(st.characters(blacklist_categories=["Cs"]))
UNDECODED = st.text(st.characters(min_codepoint=0xDC80, max_codepoint=0xDCFF), max_size=3)


@given(parameters=st.dictionaries(TEXT, JSON))
def test_any_parameters_are_read_back_or_refused(parameters, tmp_path_factory):
    path = tmp_path_factory.mktemp("record") / "a.json"
    values = changed("record", "spec.parameters", parameters)
    try:
        write_document(path, values, RecordDocument)
    except RecordError as error:
        assert re.fullmatch(
            r"a record .* cannot be written \(.*\); change that value\.", str(error)
        )
        assert not path.exists()
    else:
        assert read_document(path, RecordDocument) == values


@given(root=TEXT, names=st.lists(TEXT.flatmap(lambda text: UNDECODED.map(lambda u: text + u))))
def test_names_of_files_need_not_be_text(root, names, tmp_path_factory):
    path = tmp_path_factory.mktemp("manifest") / "manifest.json"
    entry = {"reason": "é", "sha256": None}
    names = [name.replace("/", "").strip(".") for name in names]
    manifest = {"version": 1, "root": root, "files": {f"fado/x{name}": entry for name in names}}
    write_document(path, manifest, ManifestDocument)
    assert read_document(path, ManifestDocument) == manifest
    path.read_bytes().decode("utf-8")


@pytest.mark.parametrize(
    ("kind", "values", "reason"),
    [
        (ReportDocument, {"files": 1, "faults": []}, r"duplicates: is missing"),
        (ReportDocument, {"files": np.int64(1), "faults": [], "duplicates": []}, "int64"),
        (TakeDocument, {**EXAMPLES["take"], "peak_db": float("-inf")}, "JSON"),
    ],
)
def test_what_could_not_be_read_is_not_written(kind, values, reason, tmp_path):
    with pytest.raises(kind.ERROR, match=rf"a {kind.NOUN} cannot be written \(.*{reason}"):
        write_document(tmp_path / "a.json", values, kind)
    assert list(tmp_path.iterdir()) == []


def test_text_is_readable_in_the_file():
    report = {"files": 1, "faults": [], "duplicates": []}
    fault = {"track_id": "é", "path": "p", "fault": "f", "severity": "error", "detail": "d"}
    assert '"track_id": "é"'.encode() in encode_document(
        {**report, "faults": [fault]}, ReportDocument
    )


def test_every_severity_can_be_reported():
    fault = {"track_id": "a", "path": "p", "fault": "f", "detail": "d"}
    severities = [{**fault, "severity": name} for name in FAULT_SEVERITIES.values()]
    report = {"files": 1, "faults": severities, "duplicates": []}
    assert encode_document(report, ReportDocument)


def test_genres_need_not_be_text(tmp_path):
    """Names of folders may have bytes that are not valid UTF-8."""
    values = changed("record", "result.per_genre", {"caf\udce9": 1.0})
    values["result_sha256"] = ExperimentRecord({}, values["result"], {}).hash
    write_document(tmp_path / "a.json", values, RecordDocument)
    assert ExperimentRecord.load(tmp_path / "a.json").result == values["result"]


# --- what is loaded -------------------------------------------------------------


def test_the_library_is_loaded_by_the_first_document_only():
    code = """
import sys
from gtzan_lib.evaluation import records
from gtzan_lib.health import quarantine, report
from gtzan_lib.inference import zoo
from gtzan_lib.live import takes
before = "pydantic" in sys.modules
zoo.load_model("gtzan-scratch")
print(before, "pydantic" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "True"]


def test_reports_refuse_to_be_saved_in_a_file_below_a_file(tmp_path):
    (tmp_path / "a").write_text("")
    path = write(tmp_path / "r.json", EXAMPLES["report"])
    with pytest.raises(HealthError, match=r"cannot be written \("):
        HealthReport.load(path).save(tmp_path / "a" / "r.json")
