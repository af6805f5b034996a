"""Model cards to read: made from the cards in the tree, and the committed ones are these."""

import json
import re
import runpy
import shutil

import pytest
import yaml

from gtzan_lib.documents import CardDocument, read_document, write_document
from gtzan_lib.errors import ModelError
from gtzan_lib.inference import model_cards
from gtzan_lib.inference.model_cards import FILE, MARK, model_card, write_model_cards
from gtzan_lib.inference.model_cards.kinds import KINDS
from gtzan_lib.inference.zoo import CARD, SHIPPED, update_card

from ..words import check_prose

NAMES = sorted(file.parent.name for file in SHIPPED.glob(f"*/{CARD}"))

# What a card has only after the test part was asked.
OF_THE_TEST_PART = ("by_genre", "chosen_by", "record_sha256")


@pytest.fixture(params=NAMES)
def name(request):
    return request.param


@pytest.fixture
def card(name):
    return read_document(SHIPPED / name / CARD, CardDocument)


@pytest.fixture
def copies(tmp_path, monkeypatch):
    """The models of the package in another folder, whose cards may be changed."""
    folder = shutil.copytree(SHIPPED, tmp_path / "models")
    monkeypatch.setattr(model_cards, "SHIPPED", folder)
    return folder


def parts_of(text):
    """Return the fields of the front matter, and the text below it."""
    start, matter, body = text.split("---\n", 2)
    assert start == ""
    mark, _, body = body.strip().partition("\n")
    assert mark == MARK
    return yaml.safe_load(matter), body.strip()


def test_the_committed_cards_are_what_is_made_from_the_models(name):
    written = (SHIPPED / name / FILE).read_text(encoding="utf-8")
    assert written == model_card(name), "run: python -m gtzan_lib.inference.model_cards"


def test_the_model_index_has_the_scores_with_their_intervals(name, card):
    fields, _ = parts_of(model_card(name))
    (model,) = fields["model-index"]
    (result,) = model["results"]
    assert model["name"] == name
    assert result["dataset"]["split"] == "test"
    *scores, f1 = result["metrics"]
    assert [score["type"] for score in scores] == ["accuracy"] * len(card["accuracy"])
    for score, expected in zip(scores, card["accuracy"], strict=True):
        assert score["value"] == pytest.approx(expected["value"], abs=5e-5)
        assert score["args"]["low"] == pytest.approx(expected["low"], abs=5e-5)
        assert score["args"]["high"] == pytest.approx(expected["high"], abs=5e-5)
        assert (score["args"]["n"], score["args"]["interval"]) == (
            expected["n"],
            expected["interval"],
        )
    record = json.loads((SHIPPED / name / f"{name}.json").read_text())
    assert f1["value"] == pytest.approx(record["result"]["track"]["macro_f1"], abs=5e-5)


def test_the_front_matter_has_what_the_hub_asks_for(name):
    fields, _ = parts_of(model_card(name))
    assert fields["license"] == "mit"
    assert fields["pipeline_tag"] == "audio-classification"
    assert {"language", "library_name", "tags", "datasets", "metrics"} <= fields.keys()


def test_the_text_has_all_sections_in_plain_words(name, card):
    _, body = parts_of(model_card(name))
    assert re.findall("^#+ (.+)", body, flags=re.M) == [
        name, "Use", "Accuracy", "Limits", "Training data", "How it was chosen", "Calibration",
        "Unfamiliar sound", "Training", "Licence", "Citation",
    ]  # fmt: skip
    text, _, bibtex = body.partition("```bibtex")
    assert not re.search(r"\$|None|nan|[{}]", text)
    assert bibtex.count("{") == bibtex.count("}")
    assert check_prose(body, name) == []
    for row in card["by_genre"]:
        low, high = 100 * row["low"], 100 * row["high"]
        recall = f"| {row['genre']} | {100 * row['value']:.0f} | {low:.0f} to {high:.0f} |"
        assert recall in body
    assert card["chosen_by"] in body
    assert KINDS[card["architecture"]].choice in body
    for row in card["detection"]:
        assert f"| {row['kind']} | {row['n']} |" in body


def test_weights_of_others_keep_their_licence():
    assert "ISC licence" in model_card("gtzan-musicnn")
    assert "ISC" not in model_card("gtzan-scratch")


def test_a_model_before_its_test_score_says_so(copies, name, card):
    fields = {key: value for key, value in card.items() if key not in OF_THE_TEST_PART}
    fields["part"] = "validation part"
    write_document(copies / name / CARD, fields, CardDocument)
    matter, body = parts_of(model_card(name))
    (result,) = matter["model-index"][0]["results"]
    assert result["dataset"]["split"] == "validation"
    assert [metric["type"] for metric in result["metrics"]] == ["accuracy"] * 3
    assert "The test part was not asked yet." in body
    assert not re.search("Recall by genre|Weak genres|macro F1|None", body)


def test_a_record_of_another_training_is_not_used(copies, name):
    update_card(copies / name, record_sha256="0" * 64)
    assert "The test part was not asked yet." in model_card(name)


def test_hours_are_told_where_they_were_recorded(copies, name):
    file = copies / name / f"{name}.json"
    record = json.loads(file.read_text())
    record["provenance"]["seconds"] = 5400
    file.write_text(json.dumps(record))
    assert "The training took 1.5 hours." in model_card(name)
    assert "were not recorded" in (SHIPPED / name / FILE).read_text(encoding="utf-8")


def test_other_models_are_refused(copies):
    with pytest.raises(ModelError, match="no model 'mine' comes with the package; choose one of"):
        model_card("mine")
    update_card(copies / "gtzan-scratch", architecture="minivgg")
    with pytest.raises(ModelError, match="architecture 'minivgg' have no text for a card; add it"):
        model_card("gtzan-scratch")


def test_cards_are_written_beside_the_models(tmp_path):
    files = write_model_cards(tmp_path)
    assert [file.relative_to(tmp_path).as_posix() for file in files] == [
        f"{name}/{FILE}" for name in NAMES
    ]
    assert files[0].read_bytes() == (SHIPPED / NAMES[0] / FILE).read_bytes()


def test_the_command_names_the_files(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(model_cards, "write_model_cards", lambda: [tmp_path / FILE])
    runpy.run_module("gtzan_lib.inference.model_cards", run_name="__main__")
    assert capsys.readouterr().out == f"{tmp_path / FILE}\n"
