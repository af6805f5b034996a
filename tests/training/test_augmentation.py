"""Augmentation: effect, bounds and reproducibility of each kind."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from gtzan_lib.errors import ModelError
from gtzan_lib.models.layers import ImageInput
from gtzan_lib.training.augmentation import Augmentation

NAMES = ("time_mask", "frequency_mask", "crop", "gain", "mixup")
ALL = dict.fromkeys(NAMES, 0.3)
LABELS = torch.tensor([0, 1, 2, 0, 1, 2])

shares = st.floats(0.01, 0.99)
lengths = st.integers(1, 40)


def noise(*shape: int) -> torch.Tensor:
    return torch.randint(1, 256, shape, dtype=torch.uint8)


def changed(images: torch.Tensor, labels: torch.Tensor = LABELS, **settings) -> torch.Tensor:
    return Augmentation.from_settings(settings)(images, labels, 3)[0]


# --- all kinds ----------------------------------------------------------------


ALLOWED = [(name, "grey") for name in NAMES]
ALLOWED += [(name, "bands") for name in NAMES if name != "gain"]


@pytest.mark.parametrize(("name", "inputs"), ALLOWED)
def test_each_kind_changes_the_input_of_the_net(name, inputs):
    images = noise(6, 16, 24)
    augment = Augmentation.from_settings({name: 0.5}, inputs=inputs)
    convert = ImageInput(inputs)
    difference = (convert(augment(images, LABELS, 3)[0]) - convert(images)).abs()
    assert difference.mean() > 0.01


@pytest.mark.parametrize("settings", [None, {}, dict.fromkeys(NAMES, 0), {"crop": 0.0}])
def test_strength_zero_changes_nothing(settings):
    images = noise(6, 8, 8)
    state = torch.get_rng_state()
    rows, targets = Augmentation.from_settings(settings)(images, LABELS, 3)
    assert rows is images
    assert targets is LABELS
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize("name", NAMES)
def test_same_seed_gives_the_same_change(name):
    images = noise(6, 16, 24)
    augment = Augmentation.from_settings({name: 0.5})
    results = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        results.append(augment(images, LABELS, 3))
    assert all(torch.equal(a, b) for a, b in zip(*results[:2], strict=True))
    assert not torch.equal(results[0][0], results[2][0])


@pytest.mark.parametrize("shape", [(6, 8, 12), (6, 3, 8, 12)])
@pytest.mark.parametrize("dtype", [torch.uint8, torch.float32])
@pytest.mark.parametrize("settings", [*({name: 0.5} for name in NAMES), ALL])
def test_inputs_are_not_modified(settings, dtype, shape):
    rows = {"images": noise(*shape).to(dtype), "features": torch.randn(6, 2)}
    before = {name: values.clone() for name, values in rows.items()}
    labels = LABELS.clone()
    Augmentation.from_settings(settings)(rows, labels, 3)
    assert rows.keys() == before.keys()
    assert all(torch.equal(rows[name], before[name]) for name in rows)
    assert torch.equal(labels, LABELS)


@given(
    settings=st.fixed_dictionaries({}, optional=dict.fromkeys(NAMES, st.just(0) | shares)),
    shape=st.lists(st.integers(1, 9), min_size=2, max_size=3),
)
def test_shape_and_range_are_kept(settings, shape):
    images = noise(6, *shape)
    rows, targets = Augmentation.from_settings(settings)(images, LABELS, 3)
    assert rows.shape == images.shape
    assert rows.dtype in (torch.uint8, torch.float32)
    assert rows.min() >= 0
    assert rows.max() <= 255.001
    if settings.get("mixup"):
        torch.testing.assert_close(targets.sum(dim=1), torch.ones(6))
    else:
        assert targets is LABELS


def test_dictionary_of_inputs_stays_a_dictionary():
    rows = {"images": noise(6, 8, 8), "features": torch.randn(6, 2)}
    result, _ = Augmentation.from_settings({"crop": 0.5})(rows, LABELS, 3)
    assert result["features"] is rows["features"]
    assert not torch.equal(result["images"], rows["images"])


# --- masks --------------------------------------------------------------------


@given(share=shares, height=lengths, width=lengths)
def test_masks_cover_at_most_their_share(share, height, width):
    images = torch.full((20, height, width), 7, dtype=torch.uint8)
    for name, axis, length in (("time_mask", 1, width), ("frequency_mask", 2, height)):
        black = changed(images, **{name: share}) == 0
        # Whole columns or rows, and at most the given share of them.
        assert (black.all(dim=axis) == black.any(dim=axis)).all()
        assert black.any(dim=axis).sum(dim=1).max() <= math.ceil(share * length)


@pytest.mark.parametrize(("name", "axis"), [("time_mask", 1), ("frequency_mask", 2)])
def test_mask_is_one_stripe_at_any_position(name, axis):
    images = torch.full((400, 20, 20), 7, dtype=torch.uint8)
    black = (changed(images, **{name: 0.5}) == 0).any(dim=axis).int()
    edges = black.diff(dim=1, prepend=torch.zeros(400, 1), append=torch.zeros(400, 1)).abs()
    assert edges.sum(dim=1).max() == 2
    assert 8 <= black.sum(dim=1).max() <= 10
    assert black.sum(dim=0).min() > 0


# --- crop ---------------------------------------------------------------------


@given(share=shares, width=st.integers(2, 40))
def test_crop_stretches_the_rest(share, width):
    """On a ramp, the grey level of a column is its original position."""
    ramp = torch.arange(width, dtype=torch.uint8).expand(20, 3, width)
    positions = changed(ramp, crop=share)
    assert positions.min() >= 0
    assert positions.max() <= width - 1
    steps = positions.diff(dim=2)
    torch.testing.assert_close(steps, steps[:, :1, :1].expand_as(steps), atol=1e-4, rtol=0)
    assert steps.min() >= 1 - share - 1e-4
    assert steps.max() <= 1 + 1e-4


def test_crop_stays_in_the_range_of_a_row():
    images = noise(50, 4, 30)
    result = changed(images, crop=0.9)
    assert (result >= images.amin(dim=2, keepdim=True) - 1e-3).all()
    assert (result <= images.amax(dim=2, keepdim=True) + 1e-3).all()


# --- gain ---------------------------------------------------------------------


@given(share=shares)
def test_gain_is_one_shift_per_image(share):
    shift = changed(torch.full((50, 3, 4), 128, dtype=torch.uint8), gain=share / 2) - 128
    assert torch.equal(shift, shift[:, :1, :1].expand_as(shift))
    assert shift.abs().max() <= 255 * share / 2
    assert shift.min() < 0 < shift.max()


def test_gain_is_clipped():
    images = torch.tensor([0, 255], dtype=torch.uint8).repeat(50, 3, 1)
    result = changed(images, gain=0.9)
    assert result.min() == 0
    assert result.max() == 255


# --- mixup --------------------------------------------------------------------


def test_images_features_and_genres_are_mixed_with_the_same_weights():
    """All three hold the number of the row, so that they mix to the same value."""
    number = torch.arange(9)
    rows = {
        "images": number.to(torch.uint8)[:, None, None].expand(9, 4, 5),
        "features": number.double()[:, None].expand(9, 2),
    }
    mixed, targets = Augmentation.from_settings({"mixup": 5.0})(rows, number, 9)
    torch.testing.assert_close(targets.sum(dim=1), torch.ones(9))
    assert (targets > 0).sum(dim=1).max() == 2
    expected = targets @ number.float()
    assert not torch.equal(expected, number.float())
    torch.testing.assert_close(mixed["images"], expected[:, None, None].expand(9, 4, 5))
    torch.testing.assert_close(mixed["features"], expected[:, None].expand(9, 2))


# --- tracks -------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES[:4])
def test_windows_of_a_track_change_independently(name):
    images = torch.arange(1, 25, dtype=torch.uint8).expand(6, 5, 24, 24)
    result = changed(images, **{name: 0.5})
    assert result.shape == images.shape
    assert len(torch.unique(result.flatten(0, 1), dim=0)) > 15


def test_tracks_change_like_their_windows():
    images = noise(6, 5, 16, 24)
    settings = {name: 0.4 for name in NAMES[:4]}
    torch.manual_seed(3)
    tracks = changed(images, **settings)
    torch.manual_seed(3)
    windows = changed(images.flatten(0, 1), **settings)
    assert torch.equal(tracks.flatten(0, 1), windows)


def test_all_windows_of_a_track_are_mixed_alike():
    images = torch.arange(6, dtype=torch.uint8)[:, None, None, None].expand(6, 5, 4, 4)
    mixed, targets = Augmentation.from_settings({"mixup": 5.0})(images, torch.arange(6), 6)
    expected = targets @ torch.arange(6.0)
    torch.testing.assert_close(mixed, expected[:, None, None, None].expand(6, 5, 4, 4))


# --- errors -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"noise": 0.1}, "there is no augmentation 'noise'; choose among time_mask"),
        ({"crop": -0.1}, "'crop' takes a number from 0 to below 1, not -0.1"),
        ({"crop": 1}, "'crop' takes a number from 0 to below 1, not 1"),
        ({"gain": True}, "'gain' takes a number from 0 to below 1, not True"),
        ({"time_mask": "wide"}, "'time_mask' takes a number from 0 to below 1, not 'wide'"),
        ({"time_mask": None}, "'time_mask' takes a number"),
        ({"frequency_mask": math.nan}, "'frequency_mask' takes a number"),
        ({"mixup": 100}, "'mixup' takes a number from 0 to below 100, not 100"),
        ({"mixup": math.inf}, "'mixup' takes a number"),
    ],
)
def test_invalid_settings_are_refused(settings, message):
    with pytest.raises(ModelError, match=message) as error:
        Augmentation.from_settings(settings)
    assert "\n" not in str(error.value)


def test_gain_is_refused_for_a_net_that_standardises_bands():
    with pytest.raises(
        ModelError, match="'gain' has no effect on a net that standardises"
    ) as error:
        Augmentation.from_settings({"gain": 0.1}, inputs="bands")
    assert "\n" not in str(error.value)
    assert Augmentation.from_settings({"gain": 0}, inputs="bands") == Augmentation()
    assert Augmentation.from_settings({"gain": 0.1}, inputs="grey").gain == 0.1
