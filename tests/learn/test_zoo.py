"""Model folders: what was saved is what predicts."""

import json

import numpy as np
import pytest
import torch

from gtzan_lib.errors import ModelError
from gtzan_lib.learn.training import NetClassifier
from gtzan_lib.learn.zoo import load_model, save_model
from gtzan_lib.signal.spectrograms import Recipe

RECIPE = Recipe.preset(size=32)


@pytest.fixture(scope="module")
def trained(easy):
    torch.set_num_threads(1)
    return NetClassifier(arguments={"channels": [4, 4], "hidden": 8}, epochs=1, device="cpu").fit(
        *easy
    )


@pytest.fixture
def folder(trained, tmp_path):
    return save_model(tmp_path / "model", trained, RECIPE, record="ab" * 32, split="cd" * 8)


def test_loaded_net_gives_equal_probabilities(folder, trained, easy):
    loaded, recipe = load_model(folder)
    assert recipe == RECIPE
    assert loaded.classes_.tolist() == trained.classes_.tolist()
    np.testing.assert_allclose(
        loaded.predict_proba(easy[0]), trained.predict_proba(easy[0]), rtol=1e-5, atol=1e-6
    )
    assert (loaded.predict(easy[0]) == trained.predict(easy[0])).all()


def test_folder_holds_weights_and_card_only(folder, trained):
    assert {file.name for file in folder.iterdir()} == {"model.safetensors", "model.json"}
    card = json.loads((folder / "model.json").read_text())
    assert card["genres"] == ["blues", "jazz", "rock"]
    assert card["weights"] == trained.parameters_
    assert card["record_sha256"] == "ab" * 32
    assert card["split"] == "cd" * 8
    assert card["arguments"]["channels"] == [4, 4]


def test_saving_twice_gives_the_same_bytes(folder, trained, tmp_path):
    again = save_model(tmp_path / "again", trained, RECIPE, record="ab" * 32, split="cd" * 8)
    for name in ("model.safetensors", "model.json"):
        assert (again / name).read_bytes() == (folder / name).read_bytes()


def test_saving_replaces_a_model(folder, easy):
    other = NetClassifier(
        arguments={"channels": [4, 4], "hidden": 8}, epochs=1, device="cpu", seed=3
    ).fit(*easy)
    save_model(folder, other, RECIPE, record="", split="")
    np.testing.assert_allclose(
        load_model(folder)[0].predict_proba(easy[0]), other.predict_proba(easy[0]), atol=1e-6
    )


def test_loaded_net_can_be_saved_again(folder, tmp_path):
    loaded, recipe = load_model(folder)
    again = save_model(tmp_path / "again", loaded, recipe, record="ab" * 32, split="cd" * 8)
    assert (again / "model.json").read_bytes() == (folder / "model.json").read_bytes()


def test_changed_weights_are_refused(folder):
    content = bytearray((folder / "model.safetensors").read_bytes())
    content[-1] ^= 1
    (folder / "model.safetensors").write_bytes(content)
    with pytest.raises(ModelError, match=r"model\.safetensors: is missing or not the file"):
        load_model(folder)


def test_missing_weights_are_refused(folder):
    (folder / "model.safetensors").unlink()
    with pytest.raises(ModelError, match=r"model\.safetensors: is missing"):
        load_model(folder)


@pytest.mark.parametrize("content", [None, "", "{", "{}", "[]", '{"sha256": "0"}'])
def test_what_is_no_card_is_refused(folder, content):
    (folder / "model.json").unlink()
    if content is not None:
        (folder / "model.json").write_text(content)
    with pytest.raises(ModelError, match=str(folder)):
        load_model(folder)


@pytest.mark.parametrize("missing", ["architecture", "arguments", "genres", "recipe", "sha256"])
def test_card_that_lacks_something_is_refused(folder, missing):
    card = json.loads((folder / "model.json").read_text())
    del card[missing]
    (folder / "model.json").write_text(json.dumps(card))
    with pytest.raises(ModelError, match=str(folder)):
        load_model(folder)


def test_weights_that_do_not_fit_the_card_are_refused(folder):
    card = json.loads((folder / "model.json").read_text())
    card["arguments"]["hidden"] = 9
    (folder / "model.json").write_text(json.dumps(card))
    with pytest.raises(ModelError, match="do not fit architecture 'minivgg'"):
        load_model(folder)


def test_missing_folder_is_refused(tmp_path):
    with pytest.raises(ModelError, match="holds no model"):
        load_model(tmp_path / "none")
