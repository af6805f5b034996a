"""Nets: shapes, numbers of weights, and names."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from gtzan_lib.errors import ModelError
from gtzan_lib.models.layers import (
    FeatureScaler,
    ImageInput,
    conv_blocks,
    image_shape,
)
from gtzan_lib.models.minivgg import MiniVGG
from gtzan_lib.models.recurrent import CRNN, TrackNet
from gtzan_lib.models.registry import ARCHITECTURES, DESCRIPTIONS, build, describe
from gtzan_lib.models.resnet import ResNet34, ResNet34Features

# Arguments of small nets.
SMALL = {
    "minivgg": {"channels": [2, 3], "hidden": 4},
    "resnet34": {},
    "resnet34-features": {"features": 3, "hidden": 4},
    "crnn": {"channels": 2, "hidden": 3},
    "tracknet": {"channels": [2, 3], "hidden": 3},
}


def n_weights(net: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in net.parameters())


def noise(*shape: int) -> torch.Tensor:
    return torch.randint(0, 256, shape, dtype=torch.uint8)


def input_axes(name: str, *size: int, count: int = 2) -> dict[str, torch.Tensor]:
    images = noise(count, 3, *size) if name == "tracknet" else noise(count, *size)
    features = {"features": torch.randn(count, 3)} if name == "resnet34-features" else {}
    return {"images": images, **features}


sizes = st.tuples(st.integers(4, 40), st.integers(4, 40))
blocks = st.lists(st.integers(1, 5), min_size=1, max_size=2)
ways = st.sampled_from(["grey", "bands"])


# --- MiniVGG ------------------------------------------------------------------


def test_minivgg_by_hand():
    """The number of weights, computed layer by layer for the defaults at 64 x 64."""
    blocks = 0
    for ins, outs in [(1, 32), (32, 64), (64, 128), (128, 256), (256, 512)]:
        blocks += (9 * ins * outs + outs) + 2 * outs
        blocks += (9 * outs * outs + outs) + 2 * outs
    head = (512 * 2 * 2 * 512 + 512) + (512 * 10 + 10)
    assert blocks == 4_715_616
    assert head == 1_054_218
    assert n_weights(MiniVGG(size=64)) == blocks + head


def test_full_size_differs_in_the_hidden_layer_only():
    """At 512 x 512, its input has 16 x 16 positions instead of 2 x 2."""
    with torch.device("meta"):
        assert n_weights(MiniVGG(size=512)) == 4_715_616 + 512 * 256 * 512 + 512 + 5_130


def test_flattening_head_after_few_blocks_is_large():
    """Two blocks leave 120 x 160 positions of 64 channels for 512 units."""
    with torch.device("meta"):
        net = MiniVGG(size=(480, 640), channels=(32, 64))
        pooled = MiniVGG(size=(480, 640), channels=(32, 64), head="pool")
    assert n_weights(net) == 629_216_618
    assert n_weights(net.head[1]) == 120 * 160 * 64 * 512 + 512
    assert n_weights(pooled) == n_weights(net.blocks) + 64 * 10 + 10


@given(
    size=st.integers(4, 40) | sizes,
    channels=blocks,
    classes=st.integers(2, 12),
    count=st.integers(1, 3),
    head=st.sampled_from(["flatten", "pool"]),
    inputs=ways,
)
def test_logits_for_images_of_any_size(size, channels, classes, count, head, inputs):
    net = MiniVGG(classes, size=size, channels=channels, hidden=3, head=head, inputs=inputs)
    logits = net.eval()(noise(count, *image_shape(size)))
    assert logits.shape == (count, classes)
    assert logits.dtype == torch.float32
    assert torch.isfinite(logits).all()


@given(sizes, sizes)
def test_pooled_head_takes_images_of_any_size(size, other):
    net = MiniVGG(3, size=size, channels=[2, 3], head="pool").eval()
    same = MiniVGG(3, size=other, channels=[2, 3], head="pool").eval()
    same.load_state_dict(net.state_dict())
    images = noise(2, *other)
    torch.testing.assert_close(net(images), same(images))


def test_logits_do_not_depend_on_the_batch():
    net = MiniVGG(3, size=16, channels=[4, 4]).eval()
    images = noise(5, 16, 16)
    torch.testing.assert_close(net(images)[2:3], net(images[2:3]))


@pytest.mark.parametrize(("size", "blocks"), [(16, 5), (31, 5), (3, 2), (1, 1)])
def test_images_too_small_for_the_blocks_are_refused(size, blocks):
    with pytest.raises(ModelError, match=f"use a size of at least {2**blocks}") as error:
        MiniVGG(size=size, channels=[2] * blocks)
    assert f"{size} x {size} are too small for {blocks} blocks" in str(error.value)
    MiniVGG(size=2**blocks, channels=[2] * blocks)


def test_shorter_side_must_be_large_enough():
    with pytest.raises(ModelError, match="images of 64 x 7 are too small for 3 blocks"):
        MiniVGG(size=(64, 7), channels=[2] * 3)
    with pytest.raises(ModelError, match="images of 7 x 64 are too small for 3 blocks"):
        TrackNet(size=(7, 64), channels=[2] * 3)
    assert conv_blocks([2] * 3, 0, (64, 8))(torch.zeros(1, 1, 64, 8)).shape == (1, 2, 8, 1)


# --- inputs -------------------------------------------------------------------


def test_grey_levels_are_scaled_to_one():
    images = torch.tensor([[[0, 51], [102, 255]]], dtype=torch.uint8)
    expected = torch.tensor([[[[0, 0.2], [0.4, 1]]]])
    torch.testing.assert_close(ImageInput()(images), expected)


@given(
    gain=st.lists(st.floats(0.2, 3), min_size=6, max_size=6),
    shift=st.lists(st.floats(-300, 300), min_size=6, max_size=6),
)
def test_standardised_bands_do_not_depend_on_gain_and_shift(gain, shift):
    """Neither the gain nor the shift of a band changes them; grey levels do change."""
    images = torch.randint(20, 200, (3, 6, 16)).float()
    other = images * torch.tensor(gain)[:, None] + torch.tensor(shift)[:, None]
    standardise = ImageInput("bands")
    torch.testing.assert_close(standardise(other), standardise(images), atol=1e-3, rtol=1e-3)
    if max(gain) > 1.1 or max(shift) > 30:
        assert not torch.allclose(ImageInput()(other), ImageInput()(images), atol=1e-2)


def test_every_band_is_standardised():
    result = ImageInput("bands")(noise(3, 6, 50))
    assert result.shape == (3, 1, 6, 50)
    torch.testing.assert_close(result.mean(dim=3), torch.zeros(3, 1, 6), atol=1e-5, rtol=0)
    torch.testing.assert_close(result.std(dim=3, correction=0), torch.ones(3, 1, 6))


@pytest.mark.parametrize("level", [0, 1, 77, 255])
def test_constant_band_stays_constant(level):
    images = torch.full((2, 4, 30), level, dtype=torch.uint8)
    torch.testing.assert_close(
        ImageInput("bands")(images), torch.zeros(2, 1, 4, 30), atol=1e-4, rtol=0
    )
    images[:, :, 3] ^= 1  # noise of one grey level is not amplified to full scale
    assert ImageInput("bands")(images).abs().max() <= 1


def test_features_are_scaled_with_the_training_statistics():
    scaler = FeatureScaler(3)
    values = torch.randn(200, 3).double() * torch.tensor([1.0, 1e6, 1e-2]) + 5
    scaler.fit(values)
    scaled = scaler(values)
    assert scaled.dtype == torch.float32
    torch.testing.assert_close(scaled.mean(dim=0), torch.zeros(3), atol=1e-2, rtol=0)
    torch.testing.assert_close(scaled.std(dim=0, correction=0), torch.ones(3))
    other = torch.randn(7, 3)
    torch.testing.assert_close(scaler(other), (other - scaler.mean) / scaler.spread)


def test_constant_feature_is_scaled_to_zero():
    scaler = FeatureScaler(2)
    scaler.fit(torch.full((1000, 2), 0.1, dtype=torch.float64))
    scaled = scaler(torch.full((3, 2), 0.1, dtype=torch.float64))
    torch.testing.assert_close(scaled, torch.zeros(3, 2), atol=1e-6, rtol=0)


# --- ResNet-34 ----------------------------------------------------------------


def test_resnet34_has_the_number_of_weights_of_the_paper():
    """Torchvision's 21,797,672 without two of three input channels and 990 of 1000 classes."""
    with torch.device("meta"):
        net = ResNet34(10)
    assert n_weights(net) == 21_283_530 == 21_797_672 - 2 * 49 * 64 - 990 * 513
    assert [n_weights(getattr(net.trunk, f"layer{n}")) for n in range(1, 5)] == [
        221_952, 1_116_416, 6_822_400, 13_114_368,
    ]  # fmt: skip


def test_resnet34_features_adds_a_joint_layer():
    with torch.device("meta"):
        assert n_weights(ResNet34Features()) == 21_278_400 + (512 + 57) * 256 + 256 + 2_570


def test_resnet34_takes_images_of_any_size():
    net = ResNet34(3, size=32).eval()
    for size in ((32, 32), (33, 70), (8, 16)):
        assert net(noise(2, *size)).shape == (2, 3)


def test_logits_depend_on_images_and_features():
    """The unit of the features does not matter if it is the same in training and prediction."""
    net = ResNet34Features(3, size=32, features=4, hidden=8).eval()
    images, features = noise(6, 32, 32), torch.randn(6, 4)
    net.fit_inputs({"features": features.numpy()})
    logits = net(images, features)
    assert (logits - net(images, -features)).abs().max() > 1e-3
    assert (logits - net(255 - images, features)).abs().max() > 1e-3
    net.fit_inputs({"features": 1000 * features.numpy()})
    torch.testing.assert_close(net(images, 1000 * features), logits, atol=1e-4, rtol=1e-4)
    assert {"scale.mean", "scale.spread"} <= net.state_dict().keys()


# --- recurrent nets -----------------------------------------------------------


@given(size=sizes, channels=st.integers(1, 3), layers=st.integers(1, 2), inputs=ways)
def test_crnn_takes_images_of_any_size(size, channels, layers, inputs):
    net = CRNN(3, size=size, channels=channels, hidden=2, layers=layers, inputs=inputs).eval()
    logits = net(noise(2, *size))
    assert logits.shape == (2, 3)
    assert torch.isfinite(logits).all()


def test_crnn_depends_on_all_columns_and_their_order():
    net = CRNN(3, size=(8, 12), channels=8, hidden=4).eval()
    images = noise(2, 8, 12)
    logits = net(images)
    assert not torch.allclose(net(images.flip(2)), logits, atol=1e-5)
    for column in range(0, 12, 2):
        other = images.clone()
        other[:, :, column : column + 2] ^= 255
        assert not torch.equal(net(other), logits)


@given(size=sizes, windows=st.integers(1, 6), count=st.integers(1, 3), inputs=ways)
def test_tracknet_takes_any_number_of_windows(size, windows, count, inputs):
    net = TrackNet(3, size=size, channels=[2, 3], hidden=2, inputs=inputs).eval()
    logits = net(noise(count, windows, *size))
    assert logits.shape == (count, 3)
    assert torch.isfinite(logits).all()


def test_tracknet_depends_on_all_windows_and_their_order():
    net = TrackNet(3, size=8, channels=[2, 3], hidden=3).eval()
    images = noise(2, 5, 8, 8)
    logits = net(images)
    assert not torch.allclose(net(images.flip(1)), logits, atol=1e-5)
    for window in range(5):
        other = images.clone()
        other[:, window] ^= 255
        assert not torch.equal(net(other), logits)


def test_tracknet_predicts_tracks_independently():
    net = TrackNet(3, size=8, channels=[2, 3], hidden=3).eval()
    images = noise(4, 5, 8, 8)
    torch.testing.assert_close(net(images)[2:3], net(images[2:3]))


def test_tracknet_by_hand():
    """Each window separately through the blocks, then all through the LSTM."""
    net = TrackNet(3, size=8, channels=[2, 3], hidden=3).eval()
    images = noise(2, 5, 8, 8)
    embeddings = [net.blocks(net.inputs(images[:, w])).mean(dim=(2, 3)) for w in range(5)]
    hidden = net.lstm(torch.stack(embeddings, dim=1))[0].mean(dim=1)
    torch.testing.assert_close(net(images), net.head(hidden))


# --- names --------------------------------------------------------------------


def test_small_arguments_cover_all_nets():
    assert SMALL.keys() == ARCHITECTURES.keys()


@pytest.mark.parametrize("inputs", ["grey", "bands"])
@pytest.mark.parametrize("name", ARCHITECTURES)
def test_every_architecture_is_built_by_name(name, inputs):
    net = build(name, classes=4, size=[32, 48], inputs=inputs, **SMALL[name])
    assert type(net) is ARCHITECTURES[name]
    logits = net.eval()(**input_axes(name, 32, 48))
    assert logits.shape == (2, 4)
    assert logits.dtype == torch.float32


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_all_weights_are_trained(name):
    net = build(name, classes=3, size=16, **SMALL[name])
    net(**input_axes(name, 16, 16, count=4)).square().sum().backward()
    assert all(parameter.grad is not None for parameter in net.parameters())


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_defaults_are_ten_genres_at_512_pixels(name):
    with torch.device("meta"):
        net = build(name)
    (*_, last) = (layer for layer in net.modules() if isinstance(layer, torch.nn.Linear))
    assert last.out_features == 10


def test_unknown_architecture_is_refused():
    with pytest.raises(ModelError, match="there is no architecture 'alexnet'; choose one of"):
        build("alexnet")


@pytest.mark.parametrize("name", ARCHITECTURES)
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"depth": 3}, "cannot be built: .*depth"),
        ({"classes": -3}, "cannot be built: "),
        ({"classes": "ten"}, "cannot be built: "),
        ({"inputs": "colour"}, "there are no inputs 'colour'; choose one of grey, bands"),
    ],
)
def test_invalid_arguments_are_refused_in_one_sentence(name, arguments, message):
    with pytest.raises(ModelError, match=message) as error, torch.device("meta"):
        build(name, **arguments)
    assert "\n" not in str(error.value)
    assert str(error.value).endswith(".")


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("minivgg", {"head": "neck"}, "MiniVGG has no head 'neck'; choose flatten or pool"),
        ("minivgg", {"channels": [2] * 10}, "too small for 10 blocks"),
        ("minivgg", {"size": "large"}, "'minivgg' cannot be built"),
        ("minivgg", {"channels": []}, "'minivgg' cannot be built"),
        ("minivgg", {"channels": 3}, "'minivgg' cannot be built"),
        ("minivgg", {"dropout": 2}, "'minivgg' cannot be built: dropout probability"),
        ("tracknet", {"channels": []}, "'tracknet' cannot be built"),
        ("crnn", {"layers": 0}, "'crnn' cannot be built"),
        ("crnn", {"hidden": 0}, "'crnn' cannot be built"),
    ],
)
def test_arguments_of_one_net_are_refused(name, arguments, message):
    with pytest.raises(ModelError, match=message) as error, torch.device("meta"):
        build(name, **arguments)
    assert "\n" not in str(error.value)


# --- descriptions -------------------------------------------------------------


def test_every_net_has_a_description():
    assert DESCRIPTIONS.keys() == ARCHITECTURES.keys()
    for name, text in DESCRIPTIONS.items():
        assert describe(name) == text
        assert text.endswith(".")


def test_description_has_a_sentence_for_head_and_inputs():
    plain = describe("minivgg")
    assert describe("minivgg", head="pool").startswith(f"{plain} Its output layer gets the mean")
    assert describe("minivgg", inputs="bands").startswith(f"{plain} Every band")
    with pytest.raises(ModelError, match="there is no architecture 'vgg'"):
        describe("vgg")
