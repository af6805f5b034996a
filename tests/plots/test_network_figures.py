"""Diagrams of nets name every layer; pictures of augmentation are those of the training."""

import matplotlib

matplotlib.use("agg")

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import torch

from gtzan_lib import plots
from gtzan_lib.errors import ModelError
from gtzan_lib.signal.recipes import Recipe
from gtzan_lib.training.classifier import NetClassifier

rng = np.random.default_rng(0)
IMAGES = rng.integers(0, 256, (8, 32, 32), dtype=np.uint8)
TRACKS = rng.integers(0, 256, (8, 3, 32, 32), dtype=np.uint8)
FEATURES = rng.normal(size=(8, 5)).astype(np.float32)
GENRES = np.array(["jazz", "rock"] * 4)
RECIPE = Recipe.preset("mel-3s", size=32)


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    plt.close("all")


def fitted(architecture, X, **arguments):
    net = NetClassifier(
        architecture, arguments=arguments, epochs=1, batch_size=4, progress=False, device="cpu"
    )
    return net.fit(X, GENRES)


def texts(ax) -> list[str]:
    return [text.get_text() for text in ax.texts if text.get_text()]


def weights_in(ax) -> int:
    shown = [text.removesuffix(" weights") for text in texts(ax) if text.endswith(" weights")]
    return sum(int(number.replace(",", "")) for number in shown)


def shortcuts(ax) -> int:
    return texts(ax).count("+")


def test_diagram_of_minivgg():
    ax = plots.network(fitted("minivgg", IMAGES, channels=[2, 3], hidden=4), IMAGES)
    assert texts(ax) == [
        "image", "1 x 32 x 32",
        "convolutional block", "2 convolutions 3 x 3, ReLU, batch normalisation, max pooling, "
        "dropout", "66 weights", "2 x 16 x 16",
        "convolutional block", "2 convolutions 3 x 3, ReLU, batch normalisation, max pooling, "
        "dropout", "153 weights", "3 x 8 x 8",
        "fully connected layer", "flattening, ReLU", "772 weights", "4",
        "fully connected layer", "10 weights", "2",
        "softmax: probabilities of 2 genres",
    ]  # fmt: skip
    # What is shaded is the share of all weights.
    shaded = [box.get_width() for box in ax.patches if box.get_alpha()]
    np.testing.assert_allclose(shaded, 8 * np.array([0, 66, 153, 772, 10]) / 1001)


NETS = {
    "minivgg": (IMAGES, {"channels": [2, 3], "head": "pool", "inputs": "bands"}),
    "resnet34": (IMAGES, {}),
    "resnet34-features": ({"images": IMAGES, "features": FEATURES}, {"hidden": 4}),
    "crnn": (IMAGES, {"channels": 2, "hidden": 3}),
    "tracknet": (TRACKS, {"channels": [2, 3], "hidden": 3}),
}


@pytest.mark.parametrize("name", NETS)
def test_diagrams_have_all_weights_and_leave_the_net_as_it_is(name):
    X, arguments = NETS[name]
    net = fitted(name, X, **arguments)
    before = net.predict_proba(X)
    _, ax = plt.subplots()
    assert plots.network(net, X, ax) is ax
    assert weights_in(ax) == net.parameters_
    assert texts(ax)[-2:] == ["2", "softmax: probabilities of 2 genres"]
    assert not any(layer._forward_hooks for layer in net.net_.bare_module.modules())
    np.testing.assert_array_equal(net.predict_proba(X), before)
    ax.figure.canvas.draw()


def test_residual_blocks_of_one_shape_are_one_box_with_a_shortcut():
    ax = plots.network(fitted("resnet34", IMAGES), IMAGES)
    blocks = [text for text in texts(ax) if text.endswith("residual blocks")]
    assert blocks == [f"{count} residual blocks" for count in (3, 4, 6, 3)]
    assert shortcuts(ax) == 4
    assert texts(ax).index("64 x 8 x 8") < texts(ax).index("3 residual blocks")


def test_features_stand_beside_what_they_are_joined_with():
    X, arguments = NETS["resnet34-features"]
    ax = plots.network(fitted("resnet34-features", X, **arguments), X)
    place = {text.get_text(): text.get_position() for text in ax.texts}
    features, mean = place["features, standardised"], place["mean of every channel"]
    assert features[1] == mean[1]
    assert features[0] > mean[0]
    assert {"512", "5"} <= place.keys()


def test_steps_of_recurrent_nets():
    X, arguments = NETS["crnn"]
    shown = texts(plots.network(fitted("crnn", X, **arguments), X))
    assert shown[shown.index("bidirectional LSTM, 2 layers") + 2] == "16 steps x 6"
    X, arguments = NETS["tracknet"]
    shown = texts(plots.network(fitted("tracknet", X, **arguments), X))
    assert shown[shown.index("bidirectional LSTM") + 2] == "3 steps x 6"
    assert "3 windows, each 2 x 16 x 16" in shown


def shown_images(figure) -> dict[str, np.ndarray]:
    return {ax.get_title(): np.asarray(ax.images[0].get_array()) for ax in figure.axes if ax.images}


def test_masks_are_black_and_leave_the_rest():
    augment = {"time_mask": 0.4, "frequency_mask": 0.4, "gain": 0}
    images = np.maximum(IMAGES, 1)
    figure = plots.augmentations(images, RECIPE, augment)
    shown = shown_images(figure)
    assert list(shown) == ["not changed", "time mask", "frequency mask", "all together"]
    np.testing.assert_array_equal(shown["not changed"], images[0])
    black = {title: image == 0 for title, image in shown.items()}
    columns, rows = black["time mask"], black["frequency mask"]
    assert columns.any()
    assert rows.any()
    assert np.array_equal(columns.any(axis=0), columns.all(axis=0))
    assert np.array_equal(rows.any(axis=1), rows.all(axis=1))
    for title, image in shown.items():
        np.testing.assert_array_equal(image[~black[title]], images[0][~black[title]])
    figure.canvas.draw()


def test_mixup_is_between_two_images():
    images = np.stack([np.full((32, 32), 50), np.full((32, 32), 150)]).astype(np.uint8)
    shown = shown_images(plots.augmentations(images, RECIPE, {"mixup": 0.5}))
    assert list(shown) == ["not changed", "mixup"]
    assert 50 < shown["mixup"].mean() <= 150


def test_pictures_of_augmentation_do_not_change_the_random_state():
    state = torch.get_rng_state()
    first = shown_images(plots.augmentations(IMAGES, RECIPE, {"crop": 0.5}))
    assert torch.equal(torch.get_rng_state(), state)
    again = shown_images(plots.augmentations(IMAGES, RECIPE, {"crop": 0.5}))
    np.testing.assert_array_equal(first["crop"], again["crop"])


def test_unknown_augmentations_are_refused():
    with pytest.raises(ModelError, match="there is no augmentation 'blur'"):
        plots.augmentations(IMAGES, RECIPE, {"blur": 0.5})


def test_epochs_have_whole_numbers():
    figure = plots.training_history(fitted("minivgg", IMAGES, channels=[2], hidden=2))
    figure.canvas.draw()
    assert all(tick == round(tick) for tick in figure.axes[1].get_xticks())


def test_diagrams_of_several_nets_have_boxes_of_one_size():
    nets = {
        "a": (fitted("crnn", IMAGES, channels=2, hidden=2), IMAGES),
        "b $": (fitted("minivgg", IMAGES, channels=[2, 3], hidden=4), IMAGES),
        "c": (fitted("crnn", IMAGES, channels=3, hidden=2), IMAGES),
    }
    figure = plots.networks(nets)
    assert [ax.get_title(loc="left") for ax in figure.axes[:3]] == ["a", r"b \$", "c"]
    for ax, (net, X) in zip(figure.axes, nets.values(), strict=False):
        assert texts(ax) == texts(plots.network(net, X))
    assert not figure.axes[3].axison
    figure.canvas.draw()
    heights = [ax.transData.transform([(0, 0), (0, 1)])[:, 1] for ax in figure.axes[:3]]
    first, *others = [top - bottom for bottom, top in heights]
    assert others == pytest.approx([first, first], rel=0.1)


def curves(seeds):
    rows = [
        {"seed": seed, "epoch": epoch, "train_accuracy": 0.1 * epoch, "valid_accuracy": 0.1 * seed,
         "train_loss": 2.0, "valid_loss": 3.0 + seed}
        for seed in range(seeds)
        for epoch in (1, 2, 3)
    ]  # fmt: skip
    return pd.DataFrame(rows)


@pytest.mark.parametrize("quantity", ["accuracy", "loss"])
def test_each_seed_has_its_curves(quantity):
    histories = {"one $": curves(1), "three": curves(3)}
    figure = plots.seed_curves(histories, quantity=quantity)
    for ax, (title, table) in zip(figure.axes, histories.items(), strict=True):
        assert ax.get_title() == title.replace("$", r"\$")
        drawn = sorted(tuple(line.get_ydata()) for line in ax.lines)
        expected = [
            tuple(rows[f"{part}_{quantity}"])
            for part in ("train", "valid")
            for _, rows in table.groupby("seed")
        ]
        assert drawn == sorted(expected)
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["training", "validation"]
    figure.canvas.draw()
