"""Nets as estimators: they learn, they repeat themselves, and they disturb nobody."""

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
    """Goes by features alone, and is quick."""

    def __init__(self, classes, size, features):
        super().__init__()
        self.layer = torch.nn.Linear(features, classes)

    def forward(self, images, features):
        return self.layer(features.float())


@pytest.fixture
def small(monkeypatch):
    """A net that takes features beside images, by name."""
    monkeypatch.setitem(ARCHITECTURES, "small", Small)
    return "small"


def tiny(**arguments) -> NetClassifier:
    settings = {"arguments": TINY, "epochs": 3, "learning_rate": 5e-3, "batch_size": 8}
    return NetClassifier(device="cpu", **{**settings, **arguments})


def states(net: NetClassifier) -> dict[str, np.ndarray]:
    return {name: value.numpy() for name, value in net.net_.module_.state_dict().items()}


def same(a: NetClassifier, b: NetClassifier) -> bool:
    one, other = states(a), states(b)
    return one.keys() == other.keys() and all(np.array_equal(one[k], other[k]) for k in one)


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


def test_training_leaves_the_parameters_alone(easy):
    arguments, augment = dict(TINY), {"crop": 0.1, "mixup": 0.2}
    net = tiny(arguments=arguments, augment=augment, epochs=1)
    before = net.get_params()
    net.fit(*easy)
    assert net.get_params() == before
    assert arguments == TINY
    assert augment == {"crop": 0.1, "mixup": 0.2}


# --- learning -----------------------------------------------------------------


def test_learns_what_is_easy(trained, easy):
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
    answers = trained.classes_[probabilities.argmax(axis=1)]
    assert (trained.predict(easy[0]) == answers).all()


def test_predicting_changes_nothing(trained, easy):
    """Neither dropout nor running means move while it only answers."""
    before = states(trained)
    first = trained.predict_proba(easy[0])
    np.testing.assert_array_equal(trained.predict_proba(easy[0]), first)
    assert all(np.array_equal(before[k], v) for k, v in states(trained).items())


def test_weights_are_counted(trained):
    assert trained.arguments_ == {"classes": 3, "size": 32, **TINY}
    by_hand = (9 * 8 + 8 + 16) + (9 * 64 + 8 + 16) + (9 * 128 + 16 + 32) + (9 * 256 + 16 + 32)
    by_hand += (16 * 64 * 16 + 16) + (16 * 3 + 3)
    assert trained.parameters_ == by_hand


# --- the same again -----------------------------------------------------------


def test_same_seed_same_net(trained, easy):
    images, genres = easy
    torch.manual_seed(99)
    np.random.seed(99)
    again = tiny().fit(images[:96], genres[:96], valid=(images[96:], genres[96:]))
    assert same(trained, again)
    assert trained.history_.equals(again.history_)


def test_other_seed_other_net(easy):
    assert not same(tiny(epochs=1).fit(*easy), tiny(epochs=1, seed=1).fit(*easy))


def test_second_fit_starts_afresh(easy):
    net = tiny(epochs=1).fit(*easy)
    before = states(net)
    net.fit(*easy)
    assert all(np.array_equal(before[k], v) for k, v in states(net).items())


def test_global_random_state_is_left_alone(easy):
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    tiny(epochs=1).fit(*easy)
    torch.testing.assert_close(torch.rand(3), expected, rtol=0, atol=0)


def test_what_is_validated_on_has_no_influence(trained, easy):
    images, genres = easy
    other = tiny().fit(images[:96], genres[:96], valid=(255 - images[96:100], genres[96:100]))
    assert not other.history_["valid_loss"].equals(trained.history_["valid_loss"])
    assert same(other, trained)


def test_validating_at_all_has_no_influence(trained, easy):
    images, genres = easy
    without = tiny().fit(images[:96], genres[:96])
    assert "valid_loss" not in without.history_
    assert same(without, trained)


def test_empty_validation_part_is_none(easy):
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
def test_learning_rate_falls_to_a_quarter_at_half_way(easy, epochs):
    """Once, and in the middle; for odd numbers the middle is one of two epochs."""
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
def test_augmentation_is_trained_on(easy, augment):
    augmented = one_epoch(easy, augment=augment)
    assert not same(augmented, one_epoch(easy))
    assert same(augmented, one_epoch(easy, augment=augment))


def test_net_learns_from_mixed_images(easy):
    images, genres = easy
    net = tiny(augment={"mixup": 0.3, "gain": 0.1}, epochs=4).fit(images[:96], genres[:96])
    assert net.score(images[96:], genres[96:]) > 0.9


def test_validation_does_not_shift_the_augmentation(easy):
    images, genres = easy
    settings = {"augment": {"mixup": 0.3, "crop": 0.2}, "epochs": 2}
    nets = [
        tiny(**settings).fit(images[:40], genres[:40], valid=valid)
        for valid in (None, (images[40:], genres[40:]), (images[40:47], genres[40:47]))
    ]
    assert same(nets[0], nets[1])
    assert same(nets[0], nets[2])


def test_augmentation_of_nothing_is_none(easy):
    assert same(one_epoch(easy, augment={}), one_epoch(easy))
    assert same(one_epoch(easy, augment={"mixup": 0}), one_epoch(easy))


def test_balanced_genres_weigh_the_same(easy):
    images = easy[0]
    uneven = np.array(["blues"] * 24 + ["jazz"] * 4 + ["rock"] * 12)
    net = tiny(balance=True, epochs=1).fit(images[:40], uneven)
    weight = net.net_.criterion_.weight
    torch.testing.assert_close(weight, torch.tensor([40 / 72, 40 / 12, 40 / 36]))
    assert float(weight @ torch.tensor([24.0, 4.0, 12.0])) == pytest.approx(40)
    plain = tiny(epochs=1).fit(images[:40], uneven)
    assert plain.net_.criterion_.weight is None
    assert not same(net, plain)


def test_balance_changes_nothing_where_genres_are_even(easy):
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


def test_mixed_precision_is_not_for_processors_unless_asked_for(trained, easy):
    assert not trained.net_.mixed
    assert not same(one_epoch(easy, mixed_precision=True), one_epoch(easy))
    assert same(one_epoch(easy, mixed_precision=False), one_epoch(easy))


def test_channels_last_is_nearly_the_same(easy):
    """But for rounding, which Adam makes larger where gradients are small."""
    settings = {"learning_rate": 1e-5}
    last, first = (one_epoch(easy, channels_last=way, **settings) for way in (True, False))
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
    """Compilation that wraps a net, and leaves out what takes most of a minute."""
    compiled = []
    compile_ = torch.compile

    def wrap(module, **kwargs):
        compiled.append(module)
        return compile_(module, backend="eager")

    monkeypatch.setattr(torch, "compile", wrap)
    return compiled


def test_compiled_net_has_plain_names(eager, easy, tmp_path):
    net = one_epoch(easy, compile=True, checkpoint=tmp_path / "checkpoints")
    assert eager[0] is net.net_.bare_module
    assert any("_orig_mod" in name for name in net.net_.module_.state_dict())
    plain = one_epoch(easy)
    assert net.net_.bare_module.state_dict().keys() == states(plain).keys()
    assert net.parameters_ == plain.parameters_
    (file,) = (tmp_path / "checkpoints").iterdir()
    assert b"_orig_mod" not in file.read_bytes()
    again = one_epoch(easy, compile=True, checkpoint=tmp_path / "checkpoints")
    np.testing.assert_array_equal(again.predict_proba(easy[0]), net.predict_proba(easy[0]))
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


def test_units_of_features_do_not_matter(easy):
    images, genres = easy[0][:12], easy[1][:12]
    features = np.random.default_rng(0).normal(size=(12, 2))
    answers = []
    for unit in (1, [1000, 1]):
        rows = {"images": images, "features": features * unit}
        net = NetClassifier(
            "resnet34-features", arguments={"features": 2, "hidden": 8}, epochs=1, batch_size=6,
            device="cpu",
        ).fit(rows, genres)  # fmt: skip
        scale = net.net_.module_.scale
        np.testing.assert_allclose(scale.mean, rows["features"].mean(axis=0), rtol=1e-5)
        np.testing.assert_allclose(scale.spread, rows["features"].std(axis=0), rtol=1e-5)
        answers.append(net.predict_proba(rows))
    np.testing.assert_allclose(*answers, atol=0.02)


def test_scale_is_learned_from_the_training_part_only(easy, monkeypatch):
    """Before training, and from nothing that is validated on."""
    seen = []

    class Watching(Small):
        def learn_inputs(self, rows):
            seen.append(rows["features"])

        def forward(self, images, features):
            assert len(seen) == 1
            return super().forward(images, features)

    monkeypatch.setitem(ARCHITECTURES, "small", Watching)
    images, genres = easy
    rows = {"images": images, "features": np.zeros((120, 2), dtype=np.float32)}
    parts = [{name: values[part] for name, values in rows.items()} for part in PARTS]
    NetClassifier("small", epochs=1, batch_size=8, device="cpu").fit(
        parts[0], genres[:96], valid=(parts[1], genres[96:])
    )
    assert seen[0] is parts[0]["features"]


@pytest.mark.parametrize("name", ["minivgg", "resnet34"])
def test_one_window_left_over_is_no_trouble(easy, name):
    """Batch normalisation of a single pixel has no spread."""
    images, genres = easy
    arguments = {"channels": [2] * 5, "hidden": 2} if name == "minivgg" else None
    net = NetClassifier(name, arguments=arguments, epochs=1, batch_size=4, device="cpu")
    probabilities = net.fit(images[:9], genres[:9]).predict_proba(images[:1])
    assert np.isfinite(probabilities).all()


def test_several_windows_left_over_are_trained_on(easy):
    images, genres = easy
    steps = [tiny(epochs=1).fit(images[:n], genres[:n]).net_.history[0] for n in (16, 17, 18)]
    assert [epoch["train_batch_count"] for epoch in steps] == [2, 2, 3]


# --- refusals -----------------------------------------------------------------


def test_unknown_genre_in_the_validation_part(easy):
    images, genres = easy
    strange = np.where(genres[:6] == "jazz", "polka", genres[:6])
    with pytest.raises(ModelError, match="genre 'polka' is in the validation part but not"):
        tiny().fit(images, genres, valid=(images[:6], strange))


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
    """Expect one sentence, and nothing done."""
    with pytest.raises(ModelError, match=match) as caught:
        tiny(**(settings or {})).fit(*args, **kwargs)
    assert "\n" not in str(caught.value)
    assert str(caught.value).endswith(".")


def asked(net: NetClassifier, match: str, rows) -> None:
    """Expect one sentence instead of answers."""
    for answer in (net.predict, net.predict_proba):
        with pytest.raises(ModelError, match=match) as caught:
            answer(rows)
        assert "\n" not in str(caught.value)
        assert str(caught.value).endswith(".")


def test_unknown_schedule(easy):
    refused("no schedule 'steps'; choose one of halfway, cosine, constant", *easy,
            settings={"schedule": "steps"})  # fmt: skip


@pytest.mark.parametrize("valid", [None, 0])
def test_patience_needs_something_to_watch(easy, valid):
    images, genres = easy
    part = None if valid is None else (images[:0], genres[:0])
    refused("patience 2 needs a validation part to watch", images, genres, valid=part,
            settings={"patience": 2})  # fmt: skip


def test_one_genre_only(easy):
    refused("all windows to train on are 'jazz'", easy[0], np.full(120, "jazz"))


def test_fewer_windows_than_a_batch(easy):
    images, genres = easy
    refused("there are 7 windows to train on, fewer than a batch of 8", images[:7], genres[:7])


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_features_that_are_no_numbers(easy, small, value):
    images, genres = easy
    features = np.zeros((120, 3))
    features[[41, 60], 2] = value
    rows = {"images": images, "features": features}
    settings = {"architecture": small, "arguments": None}
    message = "input 'features' holds values that are no numbers, first in row 41"
    refused(message, rows, genres, settings=settings)
    clean = {**rows, "features": np.zeros((120, 3))}
    refused("first in row 41", clean, genres, valid=(rows, genres), settings=settings)
    net = tiny(**settings).fit(clean, genres)
    asked(net, message, rows)


def test_images_that_are_no_numbers(easy):
    images = easy[0].astype(np.float32)
    images[5, 3, 2] = np.nan
    refused("input 'images' .* first in row 5", images, easy[1])


def test_loss_that_is_no_number(easy):
    refused("loss is no number in epoch 1; lower learning_rate 1e\\+30", *easy,
            settings={"learning_rate": 1e30})  # fmt: skip


def test_unknown_augmentation(easy):
    refused("there is no augmentation 'noise'", *easy, settings={"augment": {"noise": 1}})


def test_gain_for_a_net_that_undoes_it(easy):
    refused("'gain' has no effect", *easy,
            settings={"augment": {"gain": 0.1}, "arguments": {**TINY, "inputs": "bands"}},
            )  # fmt: skip


@pytest.mark.parametrize("shape", [(16, 32), (32, 16), (64, 64)])
def test_images_of_another_size(trained, shape):
    images = np.zeros((2, *shape), dtype=np.uint8)
    asked(trained, f"trained on images of 32 x 32, and these have {shape[0]} x {shape[1]}", images)


@pytest.mark.parametrize(
    "settings", [{"epochs": 0}, {"epochs": -1}, {"batch_size": 1}, {"batch_size": 0}]
)
def test_training_of_nothing(easy, settings):
    told = {"epochs": 3, "batch_size": 8, **settings}
    message = f"{told['epochs']} epochs in batches of {told['batch_size']} train no net"
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
        right = {name: arrays[name] for name in ("images", "features")}
    else:
        right = images
    refused(message, rows, genres, settings=settings)
    refused(message, right, genres, valid=(rows, genres), settings=settings)
    asked(tiny(**settings, epochs=1).fit(right, genres), message, rows)


def test_images_alone_where_features_are_wanted(easy, small):
    """As an array, which is what nets without features take."""
    images, genres = easy
    message = "takes images and features, and is given images; gl.with_features gives"
    refused(message, images, genres, settings={"architecture": small, "arguments": None})
    net = tiny(architecture=small, arguments=None, epochs=1)
    asked(net.fit({"images": images, "features": np.zeros((120, 2))}, genres), message, images)


def test_other_number_of_features(easy, small):
    images, genres = easy
    net = tiny(architecture=small, arguments=None, epochs=1)
    net.fit({"images": images, "features": np.zeros((120, 2))}, genres)
    assert net.arguments_ == {"classes": 3, "size": 32, "features": 2}
    for count in (1, 3):
        rows = {"images": images, "features": np.zeros((120, count))}
        asked(net, f"was trained on 2 features, and these are {count}; give it the same", rows)


def test_rows_that_do_not_belong_together(easy, small):
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
    asked(net, "do not belong together: 120 images, 119 features;", fewer)


@pytest.mark.parametrize("shape", [(16, 32), (32, 16), (64, 64)])
def test_validation_images_of_another_size(easy, shape):
    other = np.zeros((120, *shape), dtype=np.uint8)
    message = f"train on are 32 x 32 and those to validate on {shape[0]} x {shape[1]}; make both"
    refused(message, *easy, valid=(other, easy[1]))


def test_windows_for_a_net_of_tracks_and_tracks_for_one_of_windows(easy, trained):
    images, genres = easy
    tracks = images[:, None]
    message = "'minivgg' takes images of 3 axes, not of 4; nets for tracks take what gl.by_track"
    refused(message, tracks, genres)
    refused(message, images, genres, valid=(tracks, genres))
    asked(trained, message, tracks)
    settings = {"architecture": "tracknet", "arguments": {"channels": [2], "hidden": 2}}
    message = "'tracknet' takes images of 4 axes, not of 3"
    refused(message, images, genres, settings=settings)
    asked(tiny(**settings, epochs=1).fit(tracks[:8], genres[:8]), message, images)


def test_features_without_a_second_axis(easy, small):
    rows = {"images": easy[0], "features": np.zeros(120)}
    refused("takes features of 2 axes, not of 1", rows, easy[1],
            settings={"architecture": small, "arguments": None})  # fmt: skip


def test_no_images_no_answers(easy, trained, small):
    images, genres = easy
    rows = {"images": images, "features": np.zeros((120, 2))}
    other = tiny(architecture=small, arguments=None, epochs=1).fit(rows, genres)
    none = {name: values[:0] for name, values in rows.items()}
    for net, nothing in ((trained, images[:0]), (other, none)):
        probabilities = net.predict_proba(nothing)
        assert probabilities.shape == (0, 3)
        assert probabilities.dtype == np.float32
        answers = net.predict(nothing)
        assert answers.shape == (0,)
        assert answers.dtype == net.classes_.dtype
    asked(trained, "these have 16 x 32", np.zeros((0, 16, 32), dtype=np.uint8))


def test_last_step_may_be_the_one_too_far(easy, tmp_path):
    """No loss is computed after it, and a checkpoint of it is no excuse."""
    images, genres = easy
    settings = {"epochs": 1, "learning_rate": 1e39, "checkpoint": tmp_path / "checkpoints"}
    for _ in range(2):
        refused("loss is no number in epoch 1; lower learning_rate 1e\\+39", images[:8], genres[:8],
                settings=settings)  # fmt: skip


def test_restoring_leaves_the_global_random_state_alone(trained):
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
    (tmp_path / "file").write_text("mine")
    folder = tmp_path / "file" / below
    refused(rf"{folder}: cannot hold checkpoints \(.+\); name another folder", *easy,
            settings={"checkpoint": folder})  # fmt: skip
    assert (tmp_path / "file").read_text() == "mine"


def test_nothing_to_train_on(easy):
    images, genres = easy
    refused("there are no windows to train on", images[:0], genres[:0])


def test_images_may_come_by_name(easy, trained):
    images, genres = easy
    net = tiny().fit({"images": images[:96]}, genres[:96])
    assert same(net, trained)
    assert (net.predict({"images": images}) == trained.predict(images)).all()


def test_other_features_to_validate_on(easy, small):
    images, genres = easy
    one, other = ({"images": images, "features": np.zeros((120, n))} for n in (2, 3))
    refused("there are 2 features to train on and 3 to validate on", one, genres,
            valid=(other, genres), settings={"architecture": small, "arguments": None},
            )  # fmt: skip


@pytest.mark.parametrize(("name", "value", "known"), [("classes", 2, 3), ("size", 16, 32)])
def test_arguments_that_contradict_the_data(easy, name, value, known):
    refused(f"argument '{name}' is {value}, and the data have {known}", *easy,
            settings={"arguments": {**TINY, name: value}})  # fmt: skip


@pytest.mark.parametrize("rate", [1e10, 1e30])
def test_weights_may_be_numbers_and_answers_none(easy, rate):
    """After a single step, whose loss was a number."""
    images, genres = easy
    refused("loss is no number in epoch 1", images[:8], genres[:8],
            settings={"epochs": 1, "learning_rate": rate})  # fmt: skip
