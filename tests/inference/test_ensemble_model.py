"""Ensembles on statistics of log-mels: members, prediction, streams and damaged folders."""

import json

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from gtzan_lib.data.loaders.gtzan import facts
from gtzan_lib.errors import AudioError, ModelError
from gtzan_lib.files import sha256_of
from gtzan_lib.inference.ensemble_model import COMPONENTS, EnsembleModel, StatisticsEnsemble
from gtzan_lib.inference.zoo import SHIPPED, load_model, models, save_ensemble
from gtzan_lib.live.streaming import listen
from gtzan_lib.models.familiarity import fit_familiarity
from gtzan_lib.signal.logmel_statistics import logmel_statistics
from gtzan_lib.signal.recipes import Recipe
from gtzan_lib.signal.spectrograms import spectrograms

RATE = 22_050
GROUPS = {"a": ["band_rise", "band_mean"], "b": ["cepstrum_skewness", "band_rise"]}


def music(seconds, *, seed=0):
    """Return decaying notes with noise."""
    rng = np.random.default_rng(seed)
    now = np.arange(round(seconds * RATE)) / RATE
    pitch = rng.choice([220, 277, 330, 440], size=int(seconds * 2) + 1)[(now * 2).astype(int)]
    tone = np.sin(2 * np.pi * pitch * now) * np.exp(-4 * (now * 2 % 1))
    return (0.4 * tone + 0.02 * rng.standard_normal(len(now))).astype(np.float32)


@pytest.fixture(scope="module")
def model():
    return load_model("gtzan-scratch")


@pytest.fixture
def net():
    net = StatisticsEnsemble(2, GROUPS)
    for values in (net.mean, net.deviation):
        values.uniform_(0.5, 1)
    net.temperature.fill_(0.5)
    return net.requires_grad_(False)


@pytest.fixture
def folder(net, tmp_path):
    recipe = Recipe.preset("mel-gtzan-store", seconds=4)
    rows = list(np.random.default_rng(0).standard_normal((6, 4, COMPONENTS)))
    parts = [(np.arange(3), np.arange(3, 6)), (np.arange(3, 6), np.arange(3))]
    familiarity = fit_familiarity(rows, parts)
    return save_ensemble(tmp_path / "model", net, recipe, ["quiet", "loud"], familiarity)


def test_the_shipped_model_is_an_ensemble(model):
    assert isinstance(model, EnsembleModel)
    assert "gtzan-scratch" in models()
    assert len(model.genres) == 10
    assert sum(file.stat().st_size for file in (SHIPPED / "gtzan-scratch").iterdir()) < 1.8e6


def test_it_was_trained_on_the_training_part_and_scaled_on_the_validation_part(model):
    partition = facts()["partition"]
    # jazz.00054 cannot be read in the copy that Kaggle distributes.
    trained = set(partition.index[partition == "train"]) - {"jazz.00054"}
    assert set(model.card["trained_on"]) == trained
    assert set(model.card["selected_on"]) == set(partition.index[partition == "valid"])
    assert model.card["protocol"] == "official"


def test_the_card_has_accuracy_and_calibration_of_both_lengths(model):
    accuracy = {score["input_s"]: score for score in model.card["accuracy"]}
    assert set(accuracy) == {30.0, 3.0}
    for score in accuracy.values():
        assert 0 < score["low"] < score["value"] < score["high"] < 1
    errors = {(e["input_s"], e["calibrated"]): e["value"] for e in model.card["calibration"]}
    assert set(errors) == {(30.0, False), (30.0, True), (3.0, False), (3.0, True)}
    assert errors[30.0, True] < errors[30.0, False]


def test_logits_are_the_mean_of_the_members(net):
    images = np.random.default_rng(0).integers(0, 255, (3, 128, 52), dtype=np.uint8)
    rows = torch.from_numpy(logmel_statistics(images, net.groups))
    assert net.groups == ("band_mean", "band_rise", "cepstrum_skewness")
    scaled = ((rows - net.mean) / net.deviation).clamp(-5, 5)
    parts = {"a": scaled[:, :256], "b": scaled[:, 128:]}
    logits = torch.stack([net.members[name](part) for name, part in parts.items()])
    torch.testing.assert_close(net.member_logits(rows), logits)
    torch.testing.assert_close(net(rows), logits.mean(dim=0) / 0.5)
    product = logits.softmax(dim=2).log().mean(dim=0).mul(2).softmax(dim=1)
    torch.testing.assert_close(net(rows).softmax(dim=1), product)


def test_sound_and_images_have_the_same_answer(model):
    y = music(30)
    prediction = model.predict(y, sample_rate=RATE)
    images = spectrograms(y, model.recipe, model.grid.starts(30.0))
    rows = model.probabilities(images)
    assert rows.shape == (6, 10)
    np.testing.assert_allclose(rows.sum(axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(prediction.windows, rows, atol=1e-5)
    whole = np.exp(np.log(np.maximum(rows, 1e-6).astype(float)).mean(axis=0))
    expected = whole / whole.sum()
    np.testing.assert_allclose(list(prediction.probabilities.values()), expected, atol=1e-5)


@pytest.mark.parametrize("seconds", [1.0, 3.0, 4.9])
def test_short_sound_is_repeated(model, seconds):
    prediction = model.predict(music(seconds), sample_rate=RATE)
    assert prediction.windows.shape == (1, 10)
    columns = int(seconds * model.recipe.columns_per_second + 0.5)
    short = Recipe.preset("mel-gtzan-store", seconds=seconds)
    assert short.columns == columns
    image = spectrograms(music(seconds), short, np.zeros(1))
    repeated = image[:, :, np.arange(model.recipe.columns) % columns]
    np.testing.assert_allclose(prediction.windows, model.probabilities(repeated), atol=1e-5)


@pytest.mark.parametrize("gain", [1e-3, 0.1])
def test_the_level_of_sound_does_not_matter(model, gain):
    y = music(10)
    expected = model.predict(y, sample_rate=RATE).windows
    found = model.predict(y * np.float32(gain), sample_rate=RATE).windows
    np.testing.assert_allclose(found, expected, atol=0.02)


def test_streams_are_answered_after_five_seconds(model):
    y = music(8)
    blocks = [y[start : start + RATE // 50] for start in range(0, len(y), RATE // 50)]
    answers = list(listen(blocks, model, sample_rate=RATE, step=1.0))
    assert [answer.end_s for answer in answers] == pytest.approx([5, 6, 7, 8], abs=0.01)
    expected = model.predict(y, sample_rate=RATE, step=1.0).windows
    np.testing.assert_allclose([answer.window for answer in answers], expected, atol=1e-4)


def test_silence_is_refused(model):
    with pytest.raises(AudioError, match="is silent"):
        model.predict(np.zeros(10 * RATE, dtype=np.float32), sample_rate=RATE)


@pytest.mark.parametrize("shape", [(2, 128, 39), (128, 65), (1, 2, 128, 65)])
def test_images_of_another_shape_are_refused(model, shape):
    with pytest.raises(ModelError, match=r"do not fit the model; give \(n, 128, 65\)"):
        model.probabilities(np.zeros(shape, dtype=np.uint8))


def test_a_saved_ensemble_is_loaded_in_half_precision(folder, net):
    loaded = load_model(folder)
    assert isinstance(loaded, EnsembleModel)
    assert loaded.genres == ("quiet", "loud")
    assert loaded.net.member_groups == GROUPS
    rows = torch.rand(3, len(net.mean))
    torch.testing.assert_close(loaded.net(rows), net(rows), atol=0.02, rtol=0.02)
    kinds = {name: str(w.dtype) for name, w in load_file(folder / "model.safetensors").items()}
    assert kinds["members.a.weight"] == "torch.float16"
    assert kinds["mean"] == "torch.float32"


def rewrite(folder, *, weights=None, **changes):
    card = json.loads((folder / "model.json").read_text(encoding="utf-8"))
    if weights is not None:
        save_file(weights, folder / "model.safetensors")
    card |= {**changes, "sha256": sha256_of(folder / "model.safetensors")}
    (folder / "model.json").write_text(json.dumps(card), encoding="utf-8")


def test_weights_of_another_shape_are_refused(folder):
    weights = load_file(folder / "model.safetensors")
    weights["members.a.weight"] = weights["members.a.weight"][:, 1:].contiguous()
    rewrite(folder, weights=weights)
    with pytest.raises(ModelError, match="the weights do not fit") as refusal:
        load_model(folder)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    "members", [{}, {"a": []}, {"a": ["loudness"]}, {"a": 3}, {"a.b": ["band_mean"]}, "band_mean"]
)
def test_other_members_are_refused(folder, members):
    rewrite(folder, arguments={"classes": 2, "members": members})
    with pytest.raises(ModelError) as refusal:
        load_model(folder)
    assert str(folder) in str(refusal.value)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("changes", [{"n_mels": 64}, {"size": 32}, {"seconds": 1.0}])
def test_other_recipes_are_refused(folder, changes):
    recipe = Recipe.preset("mel-gtzan-store", **changes)
    rewrite(folder, recipe=recipe.as_dict())
    with pytest.raises(ModelError, match="its recipe cannot be used: images of shape"):
        load_model(folder)


def test_the_distance_is_that_of_the_first_member(model):
    y = music(7)
    (windows,) = model.windows(y, RATE)
    statistics = logmel_statistics(model.draw(windows), model.net.groups)
    first = model.net.columns["level"].numpy()
    rows = model.net.standardised(torch.from_numpy(statistics)).numpy()[:, first]
    expected = model.familiarity(torch.from_numpy(rows @ model.net.projection.numpy()))
    prediction = model.predict(y, sample_rate=RATE)
    np.testing.assert_allclose(prediction.distances, expected.numpy(), rtol=1e-4)
    assert prediction.unfamiliar is (prediction.distance > prediction.distance_limit)


def test_noise_is_unfamiliar(model):
    noise = np.random.default_rng(0).standard_normal(7 * RATE).astype(np.float32)
    assert model.predict(0.1 * noise, sample_rate=RATE).unfamiliar
