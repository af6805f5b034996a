"""Nets: shapes, sizes, and names."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from gtzan_lib.errors import ModelError
from gtzan_lib.learn.architectures import ARCHITECTURES, build
from gtzan_lib.learn.layers import unit_images
from gtzan_lib.learn.minivgg import MiniVGG


def weights(net: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in net.parameters())


def test_minivgg_by_hand():
    """Counted layer by layer on paper, for the defaults at 64 x 64."""
    blocks = 0
    for ins, outs in [(1, 32), (32, 64), (64, 128), (128, 256), (256, 512)]:
        blocks += (9 * ins * outs + outs) + 2 * outs
        blocks += (9 * outs * outs + outs) + 2 * outs
    head = (512 * 2 * 2 * 512 + 512) + (512 * 10 + 10)
    assert blocks == 4_715_616
    assert head == 1_054_218
    assert weights(MiniVGG(size=64)) == blocks + head


def test_full_size_differs_in_the_hidden_layer_only():
    """At 512 x 512, 16 x 16 positions reach it instead of 2 x 2."""
    with torch.device("meta"):
        assert weights(MiniVGG(size=512)) == 4_715_616 + 512 * 256 * 512 + 512 + 5_130


@given(
    size=st.integers(4, 40),
    channels=st.lists(st.integers(1, 5), min_size=1, max_size=2),
    classes=st.integers(2, 12),
    count=st.integers(1, 3),
)
def test_any_images_give_logits(size, channels, classes, count):
    net = MiniVGG(classes, size=size, channels=channels, hidden=3).eval()
    images = torch.randint(0, 256, (count, size, size), dtype=torch.uint8)
    logits = net(images)
    assert logits.shape == (count, classes)
    assert logits.dtype == torch.float32
    assert torch.isfinite(logits).all()


def test_an_image_does_not_depend_on_its_batch():
    net = MiniVGG(3, size=16, channels=[4, 4]).eval()
    images = torch.randint(0, 256, (5, 16, 16), dtype=torch.uint8)
    torch.testing.assert_close(net(images)[2:3], net(images[2:3]))


def test_all_weights_are_trained():
    net = MiniVGG(3, size=16, channels=[4, 4])
    images = torch.randint(0, 256, (8, 16, 16), dtype=torch.uint8)
    net(images).square().sum().backward()
    assert all(parameter.grad is not None for parameter in net.parameters())


@pytest.mark.parametrize(("size", "blocks"), [(16, 5), (31, 5), (3, 2), (1, 1)])
def test_images_too_small_for_the_blocks_are_refused(size, blocks):
    with pytest.raises(ModelError, match=f"use a size of at least {2**blocks}") as caught:
        MiniVGG(size=size, channels=[2] * blocks)
    assert f"{size} x {size} are too small for {blocks} blocks" in str(caught.value)
    MiniVGG(size=2**blocks, channels=[2] * blocks)


def test_grey_levels_become_shares():
    images = torch.tensor([[[0, 51], [102, 255]]], dtype=torch.uint8)
    expected = torch.tensor([[[[0, 0.2], [0.4, 1]]]])
    torch.testing.assert_close(unit_images(images), expected)


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_every_architecture_is_built_by_name(name):
    net = build(name, classes=4, size=64)
    assert net.eval()(torch.zeros(2, 64, 64, dtype=torch.uint8)).shape == (2, 4)


def test_unknown_architecture_is_refused():
    with pytest.raises(ModelError, match="there is no architecture 'alexnet'; choose one of"):
        build("alexnet")


def test_unknown_argument_is_refused():
    with pytest.raises(ModelError, match=r"'minivgg' cannot be built: .*depth"):
        build("minivgg", depth=3)
