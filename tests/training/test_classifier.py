"""Nets as estimators: training, reproducibility, settings, inputs and errors."""

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from gtzan_lib.errors import ModelError
from gtzan_lib.inference.zoo import load_model, save_model
from gtzan_lib.models.registry import ARCHITECTURES
from gtzan_lib.signal.recipes import Recipe
from gtzan_lib.training.classifier import NetClassifier

TINY = {"channels": [8, 16], "hidden": 16, "dropout": 0.1}
PARTS = (slice(96), slice(96, None))


class Small(torch.nn.Module):
    """A linear net that uses the features only, and is fast."""

    def __init__(self, classes, size, features):
        super().__init__()
        self.layer = torch.nn.Linear(features, classes)

    def forward(self, images, features):
        return self.layer(features.float())


@pytest.fixture
def small(monkeypatch):
    """The name of a net that takes images and features."""
    monkeypatch.setitem(ARCHITECTURES, "small", Small)
    return "small"


def tiny(**arguments) -> NetClassifier:
    settings = {"arguments": TINY, "epochs": 3, "learning_rate": 5e-3, "batch_size": 8}
    return NetClassifier(device="cpu", **{**settings, **arguments})


def states(net: NetClassifier) -> dict[str, np.ndarray]:
    return {name: value.numpy() for name, value in net.net_.module_.state_dict().items()}


def same(first: NetClassifier, second: NetClassifier) -> bool:
    a, b = states(first), states(second)
    return a.keys() == b.keys() and all(np.array_equal(a[name], b[name]) for name in a)


@pytest.fixture(scope="module")
def trained(easy):
    torch.set_num_threads(1)
    images, genres = easy
    return tiny().fit(images[:96], genres[:96], valid=(images[96:], genres[96:]))


# --- as an estimator ----------------------------------------------------------


def test_clone_keeps_every_parameter():
    net = NetClassifier(
        "minivgg", arguments=TINY, epochs=7, learning_rate=0.1, weight_decay=0.2, batch_size=5,
        schedule="cosine", patience=3, augment={"crop": 0.1}, balance=True, mixed_precision=False,
        channels_last=False, compile=True, checkpoint="here", progress=False, device="cpu", seed=9,
    )  # fmt: skip
    copy = clone(net)
    assert copy is not net
    assert copy.get_params() == net.get_params()
    assert copy.get_params()["seed"] == 9
    assert copy.set_params(epochs=2).epochs == 2


def test_clone_of_a_trained_net_is_untrained(trained):
    with pytest.raises(NotFittedError):
        clone(trained).predict(np.zeros((1, 32, 32), dtype=np.uint8))


def test_training_does_not_change_the_parameters(easy):
    arguments, augment = dict(TINY), {"crop": 0.1, "mixup": 0.2}
    net = tiny(arguments=arguments, augment=augment, epochs=1)
    before = net.get_params()
    net.fit(*easy)
    assert net.get_params() == before
    assert arguments == TINY
    assert augment == {"crop": 0.1, "mixup": 0.2}


# --- learning -----------------------------------------------------------------


def test_training_learns_simple_images(trained, easy):
    images, genres = easy
    assert trained.classes_.tolist() == ["blues", "jazz", "rock"]
    assert (trained.predict(images[:96]) == genres[:96]).mean() > 0.9
    assert (trained.predict(images[96:]) == genres[96:]).mean() > 0.9
    assert trained.score(images[96:], genres[96:]) > 0.9


def test_probabilities(trained, easy):
    probabilities = trained.predict_proba(easy[0])
    assert probabilities.shape == (120, 3)
    assert (probabilities >= 0).all()
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-5)
    predicted = trained.classes_[probabilities.argmax(axis=1)]
    assert (trained.predict(easy[0]) == predicted).all()


def test_prediction_does_not_change_the_net(trained, easy):
    """Dropout and batch normalisation are in evaluation mode."""
    before = states(trained)
    first = trained.predict_proba(easy[0])
    np.testing.assert_array_equal(trained.predict_proba(easy[0]), first)
    assert all(np.array_equal(before[k], v) for k, v in states(trained).items())


def test_number_of_weights(trained):
    assert trained.arguments_ == {"classes": 3, "size": 32, **TINY}
    expected = (9 * 8 + 8 + 16) + (9 * 64 + 8 + 16) + (9 * 128 + 16 + 32) + (9 * 256 + 16 + 32)
    expected += (16 * 64 * 16 + 16) + (16 * 3 + 3)
    assert trained.parameters_ == expected


# --- reproducibility ----------------------------------------------------------


def test_same_seed_gives_the_same_net(trained, easy):
    images, genres = easy
    torch.manual_seed(99)
    np.random.seed(99)
    second = tiny().fit(images[:96], genres[:96], valid=(images[96:], genres[96:]))
    assert same(trained, second)
    assert trained.history_.equals(second.history_)


def test_other_seed_gives_another_net(easy):
    assert not same(tiny(epochs=1).fit(*easy), tiny(epochs=1, seed=1).fit(*easy))


def test_second_fit_starts_from_initial_weights(easy):
    net = tiny(epochs=1).fit(*easy)
    before = states(net)
    net.fit(*easy)
    assert all(np.array_equal(before[k], v) for k, v in states(net).items())


def test_training_does_not_change_the_global_random_state(easy):
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    tiny(epochs=1).fit(*easy)
    torch.testing.assert_close(torch.rand(3), expected, rtol=0, atol=0)


def test_validation_part_has_no_influence_on_the_weights(trained, easy):
    images, genres = easy
    other = tiny().fit(images[:96], genres[:96], valid=(255 - images[96:100], genres[96:100]))
    assert not other.history_["valid_loss"].equals(trained.history_["valid_loss"])
    assert same(other, trained)


def test_training_without_validation_gives_the_same_weights(trained, easy):
    images, genres = easy
    without = tiny().fit(images[:96], genres[:96])
    assert "valid_loss" not in without.history_
    assert same(without, trained)


def test_empty_validation_part_is_ignored(easy):
    images, genres = easy
    net = tiny(epochs=1).fit(images, genres, valid=(images[:0], genres[:0]))
    assert "valid_loss" not in net.history_


# --- history ------------------------------------------------------------------


def test_history(trained):
    table = trained.history_
    assert table.columns.tolist() == [
        "epoch", "train_loss", "train_accuracy", "valid_loss", "valid_accuracy", "learning_rate",
    ]  # fmt: skip
    assert table["epoch"].tolist() == [1, 2, 3]
    assert table["train_loss"].iloc[-1] < table["train_loss"].iloc[0]
    assert table["train_accuracy"].between(0, 1).all()
    assert table["valid_accuracy"].iloc[-1] > 0.9


@pytest.mark.parametrize("epochs", [1, 2, 3, 4, 5, 7])
def test_learning_rate_falls_to_a_quarter_at_half_time(easy, epochs):
    """For odd numbers of epochs, before or after the middle epoch."""
    images, genres = easy
    net = tiny(epochs=epochs, learning_rate=0.004, arguments={"channels": [2], "hidden": 2})
    rates = net.fit(images[:8], genres[:8]).history_["learning_rate"].tolist()
    late = [rate for rate in rates if rate == pytest.approx(0.001)]
    early = [rate for rate in rates if rate == pytest.approx(0.004)]
    assert rates == early + late
    assert abs(len(early) - len(late)) <= 1


# --- settings -----------------------------------------------------------------


def one_epoch(easy, **settings) -> NetClassifier:
    images, genres = easy
    return tiny(epochs=1, **settings).fit(images[:40], genres[:40])


@pytest.mark.parametrize(
    "augment", [{"time_mask": 0.5}, {"frequency_mask": 0.5}, {"crop": 0.5}, {"gain": 0.2}]
)
def test_augmentation_changes_the_net_reproducibly(easy, augment):
    augmented = one_epoch(easy, augment=augment)
    assert not same(augmented, one_epoch(easy))
    assert same(augmented, one_epoch(easy, augment=augment))


def test_net_learns_from_mixed_images(easy):
    images, genres = easy
    net = tiny(augment={"mixup": 0.3, "gain": 0.1}, epochs=4).fit(images[:96], genres[:96])
    assert net.score(images[96:], genres[96:]) > 0.9


def test_validation_does_not_change_the_augmentation(easy):
    images, genres = easy
    settings = {"augment": {"mixup": 0.3, "crop": 0.2}, "epochs": 2}
    nets = [
        tiny(**settings).fit(images[:40], genres[:40], valid=valid)
        for valid in (None, (images[40:], genres[40:]), (images[40:47], genres[40:47]))
    ]
    assert same(nets[0], nets[1])
    assert same(nets[0], nets[2])


def test_empty_augmentation_has_no_effect(easy):
    assert same(one_epoch(easy, augment={}), one_epoch(easy))
    assert same(one_epoch(easy, augment={"mixup": 0}), one_epoch(easy))


def test_balanced_genres_have_the_same_weight(easy):
    images = easy[0]
    uneven = np.array(["blues"] * 24 + ["jazz"] * 4 + ["rock"] * 12)
    net = tiny(balance=True, epochs=1).fit(images[:40], uneven)
    weight = net.net_.criterion_.weight
    torch.testing.assert_close(weight, torch.tensor([40 / 72, 40 / 12, 40 / 36]))
    assert float(weight @ torch.tensor([24.0, 4.0, 12.0])) == pytest.approx(40)
    plain = tiny(epochs=1).fit(images[:40], uneven)
    assert plain.net_.criterion_.weight is None
    assert not same(net, plain)


def test_balance_has_no_effect_on_equal_genres(easy):
    images, genres = easy
    net, plain = (tiny(balance=b, epochs=1).fit(images[:48], genres[:48]) for b in (True, False))
    for name, value in states(plain).items():
        np.testing.assert_allclose(states(net)[name], value, atol=2e-3, err_msg=name)


@pytest.mark.parametrize("augment", [None, {"mixup": 0.3}])
def test_mixed_precision_gives_probabilities(easy, augment):
    net = one_epoch(easy, mixed_precision=True, augment=augment)
    probabilities = net.predict_proba(easy[0][:40])
    assert probabilities.dtype == np.float32
    assert np.isfinite(probabilities).all()
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-5)
    assert all(value.dtype != torch.bfloat16 for value in net.net_.module_.state_dict().values())


def test_mixed_precision_is_nearly_the_same(trained, easy):
    images = easy[0][:30]
    net = tiny(mixed_precision=True).restore(
        trained.classes_.tolist(), trained.arguments_, trained.net_.bare_module.state_dict()
    )
    probabilities, exact = net.predict_proba(images), trained.predict_proba(images)
    assert not np.array_equal(probabilities, exact)
    np.testing.assert_allclose(probabilities, exact, atol=0.05)


def test_mixed_precision_is_off_by_default_on_a_cpu(trained, easy):
    assert not trained.net_.mixed
    assert not same(one_epoch(easy, mixed_precision=True), one_epoch(easy))
    assert same(one_epoch(easy, mixed_precision=False), one_epoch(easy))


def test_channels_last_is_nearly_the_same(easy):
    """Up to rounding, which Adam amplifies for small gradients."""
    settings = {"learning_rate": 1e-5}
    last, first = (one_epoch(easy, channels_last=flag, **settings) for flag in (True, False))
    weights = [net.net_.module_.blocks[0][3].weight for net in (last, first)]
    assert weights[0].is_contiguous(memory_format=torch.channels_last)
    assert not weights[1].is_contiguous(memory_format=torch.channels_last)
    np.testing.assert_allclose(last.predict_proba(easy[0]), first.predict_proba(easy[0]), atol=1e-3)
    same_weights = tiny(channels_last=False).restore(
        last.classes_.tolist(), last.arguments_, last.net_.bare_module.state_dict()
    )
    np.testing.assert_allclose(
        same_weights.predict_proba(easy[0]), last.predict_proba(easy[0]), atol=1e-5
    )


@pytest.fixture
def eager(monkeypatch):
    """Replace `torch.compile` by the backend that does not generate code, which is fast."""
    compiled = []
    compile_ = torch.compile

    def wrap(module, **kwargs):
        compiled.append(module)
        return compile_(module, backend="eager")

    monkeypatch.setattr(torch, "compile", wrap)
    return compiled


def test_compiled_net_keeps_the_names_of_weights(eager, easy, tmp_path):
    net = one_epoch(easy, compile=True, checkpoint=tmp_path / "checkpoints")
    assert eager[0] is net.net_.bare_module
    assert any("_orig_mod" in name for name in net.net_.module_.state_dict())
    plain = one_epoch(easy)
    assert net.net_.bare_module.state_dict().keys() == states(plain).keys()
    assert net.parameters_ == plain.parameters_
    (file,) = (tmp_path / "checkpoints").iterdir()
    assert b"_orig_mod" not in file.read_bytes()
    resumed = one_epoch(easy, compile=True, checkpoint=tmp_path / "checkpoints")
    np.testing.assert_array_equal(resumed.predict_proba(easy[0]), net.predict_proba(easy[0]))
    save_model(tmp_path / "model", net, Recipe.preset(size=32))
    loaded = load_model(tmp_path / "model").estimator
    np.testing.assert_allclose(loaded.predict_proba(easy[0]), net.predict_proba(easy[0]), atol=1e-6)


# --- other inputs -------------------------------------------------------------


def test_images_need_not_be_square(easy):
    images, genres = easy
    net = tiny().fit(images[:, :, :20], genres)
    assert net.arguments_["size"] == [32, 20]
    assert net.score(images[:, :, :20], genres) > 0.9


def test_track_sequences(easy):
    images, genres = easy
    tracks = images.reshape(40, 3, 32, 32)[:, [0, 0, 0, 0]]
    net = tiny(
        architecture="tracknet", arguments={"channels": [4, 8], "hidden": 8}, epochs=2,
        augment={"time_mask": 0.1, "mixup": 0.1},
    ).fit(tracks, genres[:40])  # fmt: skip
    assert net.predict_proba(tracks).shape == (40, 3)
    assert net.predict_proba(tracks[:, :2]).shape == (40, 3)


def test_unit_of_features_does_not_matter(easy):
    images, genres = easy[0][:12], easy[1][:12]
    features = np.random.default_rng(0).normal(size=(12, 2))
    probabilities = []
    for unit in (1, [1000, 1]):
        rows = {"images": images, "features": features * unit}
        net = NetClassifier(
            "resnet34-features", arguments={"features": 2, "hidden": 8}, epochs=1, batch_size=6,
            device="cpu",
        ).fit(rows, genres)  # fmt: skip
        scale = net.net_.module_.scale
        np.testing.assert_allclose(scale.mean, rows["features"].mean(axis=0), rtol=1e-5)
        np.testing.assert_allclose(scale.spread, rows["features"].std(axis=0), rtol=1e-5)
        probabilities.append(net.predict_proba(rows))
    np.testing.assert_allclose(*probabilities, atol=0.02)


def test_scaling_is_fitted_on_the_training_part_only(easy, monkeypatch):
    """Once, before training."""
    calls = []

    class Recording(Small):
        def fit_inputs(self, rows):
            calls.append(rows["features"])

        def forward(self, images, features):
            assert len(calls) == 1
            return super().forward(images, features)

    monkeypatch.setitem(ARCHITECTURES, "small", Recording)
    images, genres = easy
    rows = {"images": images, "features": np.zeros((120, 2), dtype=np.float32)}
    parts = [{name: values[part] for name, values in rows.items()} for part in PARTS]
    NetClassifier("small", epochs=1, batch_size=8, device="cpu").fit(
        parts[0], genres[:96], valid=(parts[1], genres[96:])
    )
    assert calls[0] is parts[0]["features"]


@pytest.mark.parametrize("name", ["minivgg", "resnet34"])
def test_last_batch_of_one_window_is_dropped(easy, name):
    """Batch normalisation needs more than one value per channel."""
    images, genres = easy
    arguments = {"channels": [2] * 5, "hidden": 2} if name == "minivgg" else None
    net = NetClassifier(name, arguments=arguments, epochs=1, batch_size=4, device="cpu")
    probabilities = net.fit(images[:9], genres[:9]).predict_proba(images[:1])
    assert np.isfinite(probabilities).all()


def test_last_batch_of_several_windows_is_used(easy):
    images, genres = easy
    epochs = [tiny(epochs=1).fit(images[:n], genres[:n]).net_.history[0] for n in (16, 17, 18)]
    assert [epoch["train_batch_count"] for epoch in epochs] == [2, 2, 3]


# --- errors -------------------------------------------------------------------


def test_unknown_genre_in_the_validation_part(easy):
    images, genres = easy
    other = np.where(genres[:6] == "jazz", "polka", genres[:6])
    with pytest.raises(ModelError, match="genre 'polka' is in the validation part but not"):
        tiny().fit(images, genres, valid=(images[:6], other))


def test_unknown_architecture(easy):
    with pytest.raises(ModelError, match="there is no architecture 'alexnet'"):
        tiny(architecture="alexnet", arguments=None).fit(*easy)


def test_unknown_argument(easy):
    with pytest.raises(ModelError, match="depth"):
        tiny(arguments={"depth": 3}).fit(*easy)


def test_images_too_small(easy):
    with pytest.raises(ModelError, match="too small"):
        tiny(arguments=None).fit(easy[0][:, :16, :16], easy[1])


def test_weights_of_another_net_are_refused(trained):
    with pytest.raises(ModelError, match="do not fit architecture 'minivgg'"):
        tiny().restore(
            ["a", "b"], {"classes": 2, "size": 32, **TINY}, trained.net_.module_.state_dict()
        )


def refused(match: str, *args, settings: dict | None = None, **kwargs) -> None:
    """Expect an error of one sentence from `fit`."""
    with pytest.raises(ModelError, match=match) as error:
        tiny(**(settings or {})).fit(*args, **kwargs)
    assert "\n" not in str(error.value)
    assert str(error.value).endswith(".")


def prediction_refused(net: NetClassifier, match: str, rows) -> None:
    """Expect an error of one sentence from `predict` and `predict_proba`."""
    for predict in (net.predict, net.predict_proba):
        with pytest.raises(ModelError, match=match) as error:
            predict(rows)
        assert "\n" not in str(error.value)
        assert str(error.value).endswith(".")


def test_unknown_schedule(easy):
    refused("no schedule 'steps'; choose one of halfway, cosine, constant", *easy,
            settings={"schedule": "steps"})  # fmt: skip


@pytest.mark.parametrize("valid", [None, 0])
def test_patience_needs_a_validation_part(easy, valid):
    images, genres = easy
    part = None if valid is None else (images[:0], genres[:0])
    refused("patience 2 needs a validation part, and there is none", images, genres, valid=part,
            settings={"patience": 2})  # fmt: skip


def test_one_genre_only(easy):
    refused("all windows to train on are 'jazz'", easy[0], np.full(120, "jazz"))


def test_fewer_windows_than_a_batch(easy):
    images, genres = easy
    refused("there are 7 windows to train on, fewer than a batch of 8", images[:7], genres[:7])


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_features_that_are_not_finite(easy, small, value):
    images, genres = easy
    features = np.zeros((120, 3))
    features[[41, 60], 2] = value
    rows = {"images": images, "features": features}
    settings = {"architecture": small, "arguments": None}
    message = "input 'features' has values that are not finite, first in row 41"
    refused(message, rows, genres, settings=settings)
    clean = {**rows, "features": np.zeros((120, 3))}
    refused("first in row 41", clean, genres, valid=(rows, genres), settings=settings)
    net = tiny(**settings).fit(clean, genres)
    prediction_refused(net, message, rows)


def test_images_that_are_not_finite(easy):
    images = easy[0].astype(np.float32)
    images[5, 3, 2] = np.nan
    refused("input 'images' .* first in row 5", images, easy[1])


def test_loss_that_is_not_finite(easy):
    refused("loss is not finite in epoch 1; lower learning_rate 1e\\+30", *easy,
            settings={"learning_rate": 1e30})  # fmt: skip


def test_unknown_augmentation(easy):
    refused("there is no augmentation 'noise'", *easy, settings={"augment": {"noise": 1}})


def test_gain_for_a_net_that_standardises_bands(easy):
    refused("'gain' has no effect", *easy,
            settings={"augment": {"gain": 0.1}, "arguments": {**TINY, "inputs": "bands"}},
            )  # fmt: skip


@pytest.mark.parametrize("shape", [(16, 32), (32, 16), (64, 64)])
def test_images_of_another_size(trained, shape):
    images = np.zeros((2, *shape), dtype=np.uint8)
    prediction_refused(
        trained, f"trained on images of 32 x 32, and these have {shape[0]} x {shape[1]}", images
    )


@pytest.mark.parametrize(
    "settings", [{"epochs": 0}, {"epochs": -1}, {"batch_size": 1}, {"batch_size": 0}]
)
def test_too_few_epochs_or_too_small_batches(easy, settings):
    values = {"epochs": 3, "batch_size": 8, **settings}
    message = f"{values['epochs']} epochs in batches of {values['batch_size']} cannot train a net"
    refused(message, *easy, settings=settings)


@pytest.mark.parametrize(
    ("architecture", "names", "message"),
    [
        ("minivgg", "images features", "takes images, and is given images and features;"),
        ("minivgg", "features", "takes images, and is given features;"),
        ("small", "images", "takes images and features, and is given images;"),
        ("small", "features", "takes images and features, and is given features;"),
        ("small", "images feature", "takes images and features, and is given images and feature;"),
    ],
)
def test_wrong_inputs(easy, small, architecture, names, message):
    images, genres = easy
    arrays = {"images": images, "features": np.zeros((120, 2)), "feature": np.zeros((120, 2))}
    rows = {name: arrays[name] for name in names.split()}
    settings = {"architecture": architecture}
    if architecture == "small":
        settings["arguments"] = None
        correct = {name: arrays[name] for name in ("images", "features")}
    else:
        correct = images
    refused(message, rows, genres, settings=settings)
    refused(message, correct, genres, valid=(rows, genres), settings=settings)
    prediction_refused(tiny(**settings, epochs=1).fit(correct, genres), message, rows)


def test_array_of_images_for_a_net_that_takes_features(easy, small):
    images, genres = easy
    message = "takes images and features, and is given images; gl.with_features returns"
    refused(message, images, genres, settings={"architecture": small, "arguments": None})
    net = tiny(architecture=small, arguments=None, epochs=1)
    prediction_refused(
        net.fit({"images": images, "features": np.zeros((120, 2))}, genres), message, images
    )


def test_other_number_of_features(easy, small):
    images, genres = easy
    net = tiny(architecture=small, arguments=None, epochs=1)
    net.fit({"images": images, "features": np.zeros((120, 2))}, genres)
    assert net.arguments_ == {"classes": 3, "size": 32, "features": 2}
    for count in (1, 3):
        rows = {"images": images, "features": np.zeros((120, count))}
        prediction_refused(
            net, f"was trained on 2 features, and these are {count}; pass the same", rows
        )


def test_inputs_of_different_lengths(easy, small):
    images, genres = easy
    settings = {"architecture": small, "arguments": None}
    features = np.zeros((120, 2))
    rows = {"images": images, "features": features}
    fewer = {"images": images, "features": features[:119]}
    refused("120 images, 119 features, 120 genres;", fewer, genres, settings=settings)
    refused("120 images, 119 genres;", images, genres[:119])
    refused("6 images, 5 genres;", images, genres, valid=(images[:6], genres[:5]))
    refused("120 images, 119 features, 120 genres;", rows, genres, valid=(fewer, genres),
            settings=settings)  # fmt: skip
    net = tiny(**settings, epochs=1).fit(rows, genres)
    prediction_refused(net, "differ in their number of rows: 120 images, 119 features;", fewer)


@pytest.mark.parametrize("shape", [(16, 32), (32, 16), (64, 64)])
def test_validation_images_of_another_size(easy, shape):
    other = np.zeros((120, *shape), dtype=np.uint8)
    message = f"training images are 32 x 32 and validation images {shape[0]} x {shape[1]}; draw"
    refused(message, *easy, valid=(other, easy[1]))


def test_windows_for_a_net_of_tracks_and_tracks_for_a_net_of_windows(easy, trained):
    images, genres = easy
    tracks = images[:, None]
    message = (
        "'minivgg' takes images of 3 axes, not of 4; nets for tracks take the images of gl.by_track"
    )
    refused(message, tracks, genres)
    refused(message, images, genres, valid=(tracks, genres))
    prediction_refused(trained, message, tracks)
    settings = {"architecture": "tracknet", "arguments": {"channels": [2], "hidden": 2}}
    message = "'tracknet' takes images of 4 axes, not of 3"
    refused(message, images, genres, settings=settings)
    prediction_refused(tiny(**settings, epochs=1).fit(tracks[:8], genres[:8]), message, images)


def test_features_without_a_second_axis(easy, small):
    rows = {"images": easy[0], "features": np.zeros(120)}
    refused("takes features of 2 axes, not of 1", rows, easy[1],
            settings={"architecture": small, "arguments": None})  # fmt: skip


def test_predictions_for_no_images(easy, trained, small):
    images, genres = easy
    rows = {"images": images, "features": np.zeros((120, 2))}
    other = tiny(architecture=small, arguments=None, epochs=1).fit(rows, genres)
    no_rows = {name: values[:0] for name, values in rows.items()}
    for net, empty in ((trained, images[:0]), (other, no_rows)):
        probabilities = net.predict_proba(empty)
        assert probabilities.shape == (0, 3)
        assert probabilities.dtype == np.float32
        predicted = net.predict(empty)
        assert predicted.shape == (0,)
        assert predicted.dtype == net.classes_.dtype
    prediction_refused(trained, "these have 16 x 32", np.zeros((0, 16, 32), dtype=np.uint8))


def test_divergence_in_the_last_step(easy, tmp_path):
    """It is detected without a further loss, also when the checkpoint is restored."""
    images, genres = easy
    settings = {"epochs": 1, "learning_rate": 1e39, "checkpoint": tmp_path / "checkpoints"}
    for _ in range(2):
        message = "loss is not finite in epoch 1; lower learning_rate 1e\\+39"
        refused(message, images[:8], genres[:8], settings=settings)


def test_restoring_does_not_change_the_global_random_state(trained):
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    weights = trained.net_.bare_module.state_dict()
    tiny().restore(trained.classes_.tolist(), trained.arguments_, weights)
    torch.testing.assert_close(torch.rand(3), expected, rtol=0, atol=0)
    with pytest.raises(ModelError):
        tiny().restore(["a", "b"], {**trained.arguments_, "classes": 2}, weights)
    torch.manual_seed(5)
    torch.testing.assert_close(torch.rand(3), expected, rtol=0, atol=0)


@pytest.mark.parametrize("below", ["", "deeper"])
def test_checkpoint_folder_that_is_a_file(easy, tmp_path, below):
    (tmp_path / "file").write_text("text")
    folder = tmp_path / "file" / below
    refused(rf"{folder}: cannot hold checkpoints \(.+\); name another folder", *easy,
            settings={"checkpoint": folder})  # fmt: skip
    assert (tmp_path / "file").read_text() == "text"


def test_empty_training_part(easy):
    images, genres = easy
    refused("there are no windows to train on", images[:0], genres[:0])


def test_images_may_be_in_a_dict(easy, trained):
    images, genres = easy
    net = tiny().fit({"images": images[:96]}, genres[:96])
    assert same(net, trained)
    assert (net.predict({"images": images}) == trained.predict(images)).all()


def test_validation_part_with_other_features(easy, small):
    images, genres = easy
    rows, other = ({"images": images, "features": np.zeros((120, n))} for n in (2, 3))
    refused("there are 2 training features and 3 validation features", rows, genres,
            valid=(other, genres), settings={"architecture": small, "arguments": None},
            )  # fmt: skip


@pytest.mark.parametrize(("name", "value", "expected"), [("classes", 2, 3), ("size", 16, 32)])
def test_arguments_that_contradict_the_data(easy, name, value, expected):
    refused(f"argument '{name}' is {value}, and the data have {expected}", *easy,
            settings={"arguments": {**TINY, name: value}})  # fmt: skip


@pytest.mark.parametrize("rate", [1e10, 1e30])
def test_finite_weights_with_predictions_that_are_not_finite(easy, rate):
    """After a single step, whose loss is finite."""
    images, genres = easy
    refused("loss is not finite in epoch 1", images[:8], genres[:8],
            settings={"epochs": 1, "learning_rate": rate})  # fmt: skip
