"""Model folders: saved, loaded, refused and packed."""

import json
import os
import pickle

import numpy as np
import pytest
import torch
from safetensors.torch import save
from sklearn.neighbors import KNeighborsClassifier

from gtzan_lib.data.workspace import Workspace
from gtzan_lib.errors import ModelError
from gtzan_lib.evaluation.evaluate import evaluate
from gtzan_lib.evaluation.records import ExperimentRecord
from gtzan_lib.files import sha256_of
from gtzan_lib.inference.zoo import load_model, models, save_model
from gtzan_lib.signal.recipes import Recipe
from gtzan_lib.training.classifier import NetClassifier

RECIPE = Recipe.preset(size=32)
SECRET = {"corpus": "/home/me/music/gtzan", "k": 3}
FILES = ("model.json", "model.safetensors")


@pytest.fixture(scope="module")
def trained(easy):
    torch.set_num_threads(1)
    return NetClassifier(arguments={"channels": [4, 4], "hidden": 8}, epochs=1, device="cpu").fit(
        *easy
    )


@pytest.fixture(scope="module")
def records(toy_corpus, by_artist, tmp_path_factory):
    """A folder with the records `mine` and `other`."""
    corpus, table, _, features = toy_corpus
    folder = tmp_path_factory.mktemp("records")
    for name, neighbours in (("mine", 5), ("other", 1)):
        evaluation = evaluate(KNeighborsClassifier(neighbours), features, table, by_artist)
        ExperimentRecord.save(evaluation, folder, experiment=name, corpus=corpus, parameters=SECRET)
    return folder


@pytest.fixture(scope="module")
def complete(records, by_artist):
    """Record and split for a complete card."""
    return {"record": ExperimentRecord.load(records / "mine.json"), "split": by_artist}


@pytest.fixture
def folder(trained, complete, tmp_path):
    return save_model(tmp_path / "model", trained, RECIPE, **complete)


def test_loaded_net_gives_equal_probabilities(folder, trained, easy):
    model = load_model(folder)
    loaded = model.estimator
    assert model.recipe == RECIPE
    assert model.genres == ("blues", "jazz", "rock")
    assert model.name == str(folder)
    assert not model.net.training
    np.testing.assert_allclose(
        model.probabilities(easy[0]), trained.predict_proba(easy[0]), rtol=1e-5, atol=1e-6
    )
    assert loaded.classes_.tolist() == trained.classes_.tolist()
    np.testing.assert_allclose(
        loaded.predict_proba(easy[0]), trained.predict_proba(easy[0]), rtol=1e-5, atol=1e-6
    )
    assert (loaded.predict(easy[0]) == trained.predict(easy[0])).all()


def test_folder_holds_weights_and_card_only(folder, trained, complete, by_artist):
    assert {file.name for file in folder.iterdir()} == {"model.safetensors", "model.json"}
    card = json.loads((folder / "model.json").read_text())
    assert card["genres"] == ["blues", "jazz", "rock"]
    assert card["weights"] == trained.parameters_
    assert card["record_sha256"] == complete["record"].hash
    assert card["split"] == by_artist.hash
    assert card["arguments"]["channels"] == [4, 4]
    assert card["sha256"] == sha256_of(folder / "model.safetensors")
    assert load_model(folder).card == card


def test_card_lists_training_and_validation_tracks(folder, by_artist):
    card = card_of(folder)
    parts = by_artist.table.groupby("track_id")["fold_0"].first()
    assert card["trained_on"] == sorted(parts.index[parts == "train"])
    assert card["selected_on"] == sorted(parts.index[parts == "valid"])
    assert len(parts) - len(card["trained_on"]) - len(card["selected_on"]) > 0


def test_unseen_tracks_are_those_of_the_test_part(folder, by_artist, toy_corpus):
    parts = by_artist.table.groupby("track_id")["fold_0"].first()
    unseen = load_model(folder).unseen(toy_corpus[0])
    assert sorted(unseen.tracks.index) == sorted(parts.index[parts == "test"])


def test_card_has_the_accuracy(folder, complete):
    """For a track of four windows of three seconds, and for one window."""
    card, result = card_of(folder), complete["record"].result
    assert (card["corpus"], card["protocol"], card["part"]) == ("paper", "artist", "test part")
    assert [score["input_s"] for score in card["accuracy"]] == [12.0, 3.0]
    for score, unit in zip(card["accuracy"], ("track", "window"), strict=True):
        assert {key: score[key] for key in ("value", "low", "high", "n")} == {
            key: result[unit][key] for key in ("value", "low", "high", "n")
        }
    model, track = load_model(folder), result["track"]
    assert len(model.expected_accuracy) == 2
    assert model.expected_accuracy[0] == (
        f"accuracy {100 * track['value']:.1f} % (95 % interval {100 * track['low']:.1f} to "
        f"{100 * track['high']:.1f}, {track['interval']}, n = {track['n']}) for 12 s of paper, "
        "protocol artist, test part"
    )
    assert all(line in repr(model) for line in model.expected_accuracy)


def test_card_names_the_validation_part(trained, official_corpus, tmp_path):
    corpus, table, features, official = official_corpus
    evaluation = evaluate(KNeighborsClassifier(), features, table, official)
    settings = {"experiment": "mine", "corpus": corpus, "parameters": {}}
    record = ExperimentRecord.save(evaluation, tmp_path, **settings)
    folder = save_model(tmp_path / "model", trained, RECIPE, record=record, split=official)
    assert card_of(folder)["part"] == "validation part"


def test_page_of_a_model(folder):
    model = load_model(folder)
    first, blank, *lines = model._repr_markdown_().splitlines()
    weights = f"{model.card['weights']:,}"
    assert first == (
        f"**{folder}**: minivgg with {weights} weights; 3 genres; windows of 3 s, {RECIPE.name}"
    )
    assert blank == ""
    assert lines[0] == (
        f"- {len(model.card['trained_on'])} training and {len(model.card['selected_on'])} "
        "validation tracks"
    )
    assert lines[1:] == [f"- {line}" for line in model.expected_accuracy]


def test_card_without_record_or_split_is_shorter(trained, complete, tmp_path):
    bare = card_of(save_model(tmp_path / "bare", trained, RECIPE))
    assert not {"accuracy", "corpus", "protocol", "record_sha256", "split"} & bare.keys()
    assert load_model(tmp_path / "bare").expected_accuracy == []
    record = card_of(save_model(tmp_path / "record", trained, RECIPE, record=complete["record"]))
    assert [score["input_s"] for score in record["accuracy"]] == [3.0]
    assert not {"split", "trained_on", "selected_on"} & record.keys()
    split = card_of(save_model(tmp_path / "split", trained, RECIPE, split=complete["split"]))
    assert split["split"] == complete["split"].hash
    assert "accuracy" not in split


def test_saving_twice_gives_the_same_bytes(folder, trained, complete, tmp_path):
    again = save_model(tmp_path / "again", trained, RECIPE, **complete)
    for name in ("model.safetensors", "model.json"):
        assert (again / name).read_bytes() == (folder / name).read_bytes()


def test_saving_replaces_a_model(folder, easy):
    other = NetClassifier(
        arguments={"channels": [4, 4], "hidden": 8}, epochs=1, device="cpu", seed=3
    ).fit(*easy)
    save_model(folder, other, RECIPE)
    np.testing.assert_allclose(
        load_model(folder).estimator.predict_proba(easy[0]), other.predict_proba(easy[0]), atol=1e-6
    )


def test_loaded_net_can_be_saved_again(folder, complete, tmp_path):
    model = load_model(folder)
    again = save_model(tmp_path / "again", model.estimator, model.recipe, **complete)
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
def test_file_that_is_not_a_card_is_refused(folder, content):
    (folder / "model.json").unlink()
    if content is not None:
        (folder / "model.json").write_text(content)
    with pytest.raises(ModelError, match=str(folder)):
        load_model(folder)


@pytest.mark.parametrize("missing", ["architecture", "arguments", "genres", "recipe", "sha256"])
def test_incomplete_card_is_refused(folder, missing):
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
    with pytest.raises(ModelError, match=r"none/model\.json: there is no such file; give a folder"):
        load_model(tmp_path / "none")


def edit(folder, **fields) -> None:
    card = json.loads((folder / "model.json").read_text())
    (folder / "model.json").write_text(json.dumps({**card, **fields}))


def refused(folder, match: str) -> None:
    with pytest.raises(ModelError, match=match) as caught:
        load_model(folder)
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith(str(folder))
    assert str(caught.value).count(str(folder)) == 1
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
    "arguments",
    [
        {"classes": 3, "depth": 3},
        {"classes": 3, "size": "x"},
        {"classes": 3, "inputs": "colour"},
        {"classes": 3, "name": "minivgg"},
    ],
)
def test_unknown_arguments_in_the_card_are_refused(folder, arguments):
    edit(folder, arguments=arguments)
    refused(folder, "cannot be built|no inputs 'colour'|arguments or its recipe cannot be used")


def card_of(folder) -> dict:
    return json.loads((folder / "model.json").read_text())


@pytest.mark.parametrize("architecture", [["minivgg"], {"minivgg": 1}, 3, None])
def test_invalid_architecture_is_refused(folder, architecture):
    edit(folder, architecture=architecture)
    refused(folder, r"is not a model card \(architecture: must be text\)")


@pytest.mark.parametrize("arguments", [[], [1], ["ab"], 3, None, "classes"])
def test_invalid_arguments_are_refused(folder, arguments):
    edit(folder, arguments=arguments)
    refused(folder, r"is not a model card \(arguments: must be an object\)")


@pytest.mark.parametrize("genres", [3, None, [], ["blues"], ["blues", "jazz", "rock", "pop"]])
def test_genres_that_do_not_fit_are_refused(folder, genres):
    edit(folder, genres=genres)
    refused(folder, r"is not a model card \(genres: must be (a list|as many as .*classes)\)")


def test_other_number_of_classes_is_refused(folder):
    edit(folder, arguments={**card_of(folder)["arguments"], "classes": 2}, genres=["a", "b"])
    refused(folder, "do not fit architecture 'minivgg'")


@pytest.mark.parametrize("recipe", [3, None, [], "mel-3s"])
def test_recipe_of_another_type_is_refused(folder, recipe):
    edit(folder, recipe=recipe)
    refused(folder, r"is not a model card \(recipe: must be an object\)")


@pytest.mark.parametrize("change", [{"n_fft": None}, {"seconds": "3"}, {"height": 0}, {"name": 0}])
def test_impossible_recipe_is_refused(folder, change):
    edit(folder, recipe={**card_of(folder)["recipe"], "sample_rate": 0, **change})
    refused(folder, "its recipe cannot be used|needs a whole number of at least")


def test_incomplete_recipe_is_refused(folder):
    edit(folder, recipe={"sample_rate": 22_050})
    refused(folder, r"model\.json: its arguments or its recipe cannot be used; train the model")


def with_weights(folder, content: bytes) -> None:
    """Replace the weights and their checksum in the card."""
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


class UnpickleTrap:
    """Creates a folder when unpickled."""

    def __init__(self, path) -> None:
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize("name", ["model.json", "model.safetensors"])
@pytest.mark.parametrize("write", [pickle.dump, torch.save])
def test_pickle_is_not_unpickled(folder, name, write, tmp_path):
    with (folder / name).open("wb") as file:
        write(UnpickleTrap(tmp_path / "unpickled"), file)
    refused(folder, str(folder))
    assert not (tmp_path / "unpickled").exists()


@pytest.mark.parametrize("write", [pickle.dump, torch.save])
def test_pickle_of_the_right_checksum_is_not_unpickled(folder, write, tmp_path):
    with (folder / "model.safetensors").open("wb") as file:
        write(UnpickleTrap(tmp_path / "unpickled"), file)
    edit(folder, sha256=sha256_of(folder / "model.safetensors"))
    refused(folder, "its weights are damaged")
    assert not (tmp_path / "unpickled").exists()


def test_files_have_the_usual_permissions(folder):
    """Files of safetensors' save_file can be read by their owner only."""
    modes = {(folder / name).stat().st_mode & 0o777 for name in FILES}
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
def test_nets_for_rectangular_images_are_saved_and_loaded(name, arguments, easy, tmp_path):
    images, genres = easy[0][:16, :, :20], easy[1][:16]
    images = images[:, None].repeat(2, axis=1) if name == "tracknet" else images
    net = NetClassifier(name, arguments=arguments, epochs=1, batch_size=8, device="cpu")
    net.fit(images, genres)
    loaded = load_model(save_model(tmp_path / "m", net, RECIPE)).estimator
    assert loaded.architecture == name
    assert loaded.arguments_ == {"classes": 3, "size": [32, 20], **arguments}
    # On some processors, the rounding of a recurrent layer depends on where its weights lie.
    np.testing.assert_allclose(
        loaded.predict_proba(images), net.predict_proba(images), rtol=0, atol=1e-6
    )
    other = np.zeros((*images.shape[:-1], 32), dtype=np.uint8)
    with pytest.raises(ModelError, match="trained on images of 32 x 20, and these have 32 x 32"):
        loaded.predict(other)


def test_nets_with_features_are_saved_and_loaded(easy, tmp_path):
    """With the feature scale of the training part."""
    features = np.random.default_rng(3).normal(5, [2, 300], size=(8, 2))
    rows = {"images": easy[0][:8], "features": features}
    net = NetClassifier(
        "resnet34-features", arguments={"features": 2, "hidden": 8}, epochs=1, batch_size=4,
        device="cpu",
    ).fit(rows, easy[1][:8])  # fmt: skip
    loaded = load_model(save_model(tmp_path / "m", net, RECIPE)).estimator
    scales = [estimator.net_.bare_module.scale for estimator in (loaded, net)]
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
def test_invalid_genres_are_refused(folder, genres):
    edit(folder, genres=genres)
    refused(folder, r"is not a model card \(genres(\.0)?: must be (text|a list)\)")


@pytest.mark.parametrize(
    "accuracy", [3, "much", [3], [{}], [{"value": "x", "low": 0, "high": 1, "n": 3, "input_s": 3}]]
)
def test_invalid_accuracy_is_refused(folder, accuracy):
    """When the model is loaded, not when models are listed."""
    edit(folder, accuracy=accuracy)
    refused(folder, r"is not a model card \(accuracy.*: (must be|is missing)")


def test_accuracy_for_an_unknown_corpus_is_refused(folder):
    card = card_of(folder)
    del card["corpus"]
    (folder / "model.json").write_text(json.dumps(card))
    refused(folder, r"\(accuracy: needs corpus and protocol\)")


# --- by name ------------------------------------------------------------------


@pytest.fixture
def listed(trained, work):
    """Names of the models of two runs."""
    for name in ("quick/models/a", "quick/models/b", "long/models/a"):
        save_model(work / name, trained, RECIPE)
    return {"quick/a", "quick/b", "long/a"}


def test_models_of_runs_are_listed(listed, work):
    assert Workspace().root == work
    folders = models()
    assert listed <= set(folders)
    assert folders["long/a"] == work / "long" / "models" / "a"
    assert all((folder / "model.json").is_file() for folder in folders.values())


def test_model_by_name_is_that_of_its_folder(listed, work):
    model = load_model("quick/b")
    assert model.name == "quick/b"
    assert model.card == load_model(work / "quick" / "models" / "b").card


@pytest.mark.parametrize("name", ["gtzam", "quick/c", "a", "quick.a"])
def test_error_of_an_unknown_name_lists_the_models(listed, name):
    with pytest.raises(ModelError) as caught:
        load_model(name)
    message = str(caught.value)
    assert f"there is no model {name!r}" in message
    assert all(name in message for name in listed)
    assert message.endswith(".")
    assert "\n" not in message


def test_models_can_be_given_by_folder(listed, folder, monkeypatch):
    monkeypatch.chdir(folder.parent)
    for name in ("model", "./model", folder, str(folder)):
        assert load_model(name).recipe == RECIPE
    refused_name = folder.parent / "nothing"
    for name in (refused_name, "./nothing"):
        with pytest.raises(ModelError, match=r"nothing/model\.json: there is no such file"):
            load_model(name)
