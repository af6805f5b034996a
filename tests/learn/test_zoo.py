"""Model folders: what was saved is what predicts."""

import json
import os
import pickle

import numpy as np
import pytest
import torch
from safetensors.torch import save

from gtzan_lib.data.files import sha256_of
from gtzan_lib.errors import ModelError
from gtzan_lib.learn.training import NetClassifier
from gtzan_lib.learn.zoo import load_model, save_model
from gtzan_lib.signal.spectrograms import Recipe

RECIPE = Recipe.preset(size=32)
WHOLE = ("model.json", "model.safetensors")


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


def edit(folder, **fields) -> None:
    card = json.loads((folder / "model.json").read_text())
    (folder / "model.json").write_text(json.dumps({**card, **fields}))


def refused(folder, match: str) -> None:
    with pytest.raises(ModelError, match=match) as caught:
        load_model(folder)
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith(str(folder))
    assert str(caught.value).endswith(".")


@pytest.mark.parametrize("keep", [0, 7, 8, 200, -1])
def test_truncated_weights_are_refused(folder, keep):
    content = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(content[:keep])
    refused(folder, r"model\.safetensors: is missing or not the file that model\.json describes")


def test_weights_of_another_checksum_are_refused(folder):
    edit(folder, sha256="0" * 64)
    refused(folder, r"model\.safetensors: is missing or not the file")


def test_unknown_architecture_in_the_card_is_refused(folder):
    edit(folder, architecture="alexnet")
    refused(folder, "there is no architecture 'alexnet'; choose one of crnn, minivgg")


@pytest.mark.parametrize(
    "arguments", [{"depth": 3}, {"classes": 3, "size": "x"}, {"classes": 3, "inputs": "colour"}]
)
def test_unknown_arguments_in_the_card_are_refused(folder, arguments):
    edit(folder, arguments=arguments)
    refused(folder, "cannot be built|no inputs 'colour'")


def card_of(folder) -> dict:
    return json.loads((folder / "model.json").read_text())


@pytest.mark.parametrize("architecture", [["minivgg"], {"minivgg": 1}, 3, None, ""])
def test_architecture_that_is_no_name_is_refused(folder, architecture):
    edit(folder, architecture=architecture)
    refused(folder, "there is no architecture .*; choose one of crnn, minivgg")


@pytest.mark.parametrize("arguments", [[], [1], ["ab"], 3, None, "classes"])
def test_arguments_that_are_none_are_refused(folder, arguments):
    edit(folder, arguments=arguments)
    refused(folder, "holds no model|cannot be built|do not fit architecture")


@pytest.mark.parametrize("genres", [3, None, [], ["blues"], ["blues", "jazz", "rock", "pop"]])
def test_genres_that_do_not_fit_are_refused(folder, genres):
    edit(folder, genres=genres)
    refused(folder, "holds no model")


def test_other_number_of_classes_is_refused(folder):
    edit(folder, arguments={**card_of(folder)["arguments"], "classes": 2}, genres=["a", "b"])
    refused(folder, "do not fit architecture 'minivgg'")


@pytest.mark.parametrize("recipe", [{}, 3, None, [], "mel-3s", {"sample_rate": 22_050}])
def test_recipe_that_is_none_is_refused(folder, recipe):
    edit(folder, recipe=recipe)
    refused(folder, "holds no model")


def with_weights(folder, content: bytes) -> None:
    """Replace the weights, and have the card agree."""
    (folder / "model.safetensors").write_bytes(content)
    edit(folder, sha256=sha256_of(folder / "model.safetensors"))


@pytest.mark.parametrize("keep", [0, 7, 8, 200, -1])
def test_damaged_weights_of_the_right_checksum_are_refused(folder, keep):
    with_weights(folder, (folder / "model.safetensors").read_bytes()[:keep])
    refused(folder, "its weights are damaged; train the model again")


def test_other_tensors_of_the_right_checksum_are_refused(folder):
    with_weights(folder, save({"a": torch.ones(2)}))
    refused(folder, "do not fit architecture 'minivgg'")


def test_loading_leaves_the_global_random_state_alone(folder):
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    load_model(folder)
    torch.testing.assert_close(torch.rand(3), expected, rtol=0, atol=0)


class Trap:
    """Makes a folder when unpickled."""

    def __init__(self, path) -> None:
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize("name", ["model.json", "model.safetensors"])
@pytest.mark.parametrize("write", [pickle.dump, torch.save])
def test_a_pickle_is_not_unpickled(folder, name, write, tmp_path):
    with (folder / name).open("wb") as file:
        write(Trap(tmp_path / "sprung"), file)
    refused(folder, str(folder))
    assert not (tmp_path / "sprung").exists()


@pytest.mark.parametrize("write", [pickle.dump, torch.save])
def test_a_pickle_of_the_right_checksum_is_not_unpickled(folder, write, tmp_path):
    with (folder / "model.safetensors").open("wb") as file:
        write(Trap(tmp_path / "sprung"), file)
    edit(folder, sha256=sha256_of(folder / "model.safetensors"))
    refused(folder, "its weights are damaged")
    assert not (tmp_path / "sprung").exists()


def test_anybody_may_read_a_model(folder):
    """As their umask has it; safetensors' own files are for their owner alone."""
    modes = {(folder / name).stat().st_mode & 0o777 for name in WHOLE}
    (folder / "plain").write_text("")
    assert modes == {(folder / "plain").stat().st_mode & 0o777}


# --- other nets ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("minivgg", {"channels": [2, 3], "hidden": 4}),
        ("minivgg", {"channels": [2, 3], "head": "pool", "inputs": "bands"}),
        ("crnn", {"channels": 2, "hidden": 3}),
        ("tracknet", {"channels": [2, 3], "hidden": 3}),
    ],
)
def test_rectangular_images_there_and_back(name, arguments, easy, tmp_path):
    images, genres = easy[0][:16, :, :20], easy[1][:16]
    images = images[:, None].repeat(2, axis=1) if name == "tracknet" else images
    net = NetClassifier(name, arguments=arguments, epochs=1, batch_size=8, device="cpu")
    net.fit(images, genres)
    loaded, _ = load_model(save_model(tmp_path / "m", net, RECIPE, record="", split=""))
    assert loaded.architecture == name
    assert loaded.arguments_ == {"classes": 3, "size": [32, 20], **arguments}
    np.testing.assert_array_equal(loaded.predict_proba(images), net.predict_proba(images))
    other = np.zeros((*images.shape[:-1], 32), dtype=np.uint8)
    with pytest.raises(ModelError, match="trained on images of 32 x 20, and these have 32 x 32"):
        loaded.predict(other)


def test_features_there_and_back(easy, tmp_path):
    """With the scale of the training part, which is not learned again."""
    features = np.random.default_rng(3).normal(5, [2, 300], size=(8, 2))
    rows = {"images": easy[0][:8], "features": features}
    net = NetClassifier(
        "resnet34-features", arguments={"features": 2, "hidden": 8}, epochs=1, batch_size=4,
        device="cpu",
    ).fit(rows, easy[1][:8])  # fmt: skip
    loaded, _ = load_model(save_model(tmp_path / "m", net, RECIPE, record="", split=""))
    scales = [one.net_.bare_module.scale for one in (loaded, net)]
    assert torch.equal(scales[0].mean, scales[1].mean)
    assert torch.equal(scales[0].spread, scales[1].spread)
    np.testing.assert_allclose(scales[0].spread, features.std(axis=0), rtol=1e-5)
    np.testing.assert_array_equal(loaded.predict_proba(rows), net.predict_proba(rows))
    few = {name: values[:1] for name, values in rows.items()}
    np.testing.assert_allclose(
        loaded.predict_proba(few), net.predict_proba(rows)[:1], rtol=1e-4, atol=1e-5
    )
    assert loaded.parameters_ == net.parameters_


@pytest.mark.parametrize("genres", ["abc", [1, 2, 3], [None] * 3, [["a"], ["b"], ["c"]]])
def test_genres_that_are_no_names_are_refused(folder, genres):
    edit(folder, genres=genres)
    refused(folder, "holds no model")
