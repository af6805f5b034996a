"""Saliency maps of nets whose weights are known, and the deletion test."""

import warnings

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from gtzan_lib.errors import ModelError
from gtzan_lib.inference.image_model import ImageModel
from gtzan_lib.inference.model import Model
from gtzan_lib.inference.saliency import deletion_test, saliency
from gtzan_lib.inference.zoo import load_model, save_model
from gtzan_lib.signal.recipes import Recipe
from gtzan_lib.training.classifier import NetClassifier

from ..conftest import stripes

RECIPE = Recipe.preset("stft-3s", size=32)
GENRES = ("blues", "jazz", "rock")


class LinearNet(torch.nn.Module):
    """A net whose logits are weighted sums of pixels."""

    def __init__(self, weights: np.ndarray) -> None:
        super().__init__()
        self.weights = torch.from_numpy(weights.astype(np.float32))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return torch.einsum("nhw,ghw->ng", images.float() / 255, self.weights)


def linear_model(weights: np.ndarray, genres: tuple[str, ...] = GENRES) -> Model:
    recipe = Recipe.preset("stft-3s", size=weights.shape[-1])
    card = {"genres": list(genres), "recipe": recipe.as_dict(), "architecture": "minivgg"}
    return ImageModel("linear", card, LinearNet(weights))


def patches(*places: tuple[slice, slice], size: int = 16, weight: float = 0.1) -> np.ndarray:
    """Return weights that are zero outside one place for each genre."""
    weights = np.zeros((len(places), size, size))
    for weights_of_genre, (rows, columns) in zip(weights, places, strict=True):
        weights_of_genre[rows, columns] = weight
    return weights


LEFT, RIGHT = (slice(None), slice(0, 8)), (slice(None), slice(8, None))
TOP = (slice(8, None), slice(None))


@pytest.fixture
def images(rng) -> np.ndarray:
    return rng.integers(0, 256, (5, 16, 16), dtype=np.uint8)


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> Model:
    """A net that is trained on some `stripes`."""
    torch.manual_seed(0)
    genres = np.array(list(GENRES) * 20)
    net = NetClassifier(
        arguments={"channels": [4], "hidden": 8}, epochs=1, batch_size=8, learning_rate=0.02,
        device="cpu",
    ).fit(stripes(genres), genres)  # fmt: skip
    return load_model(save_model(tmp_path_factory.mktemp("net") / "model", net, RECIPE))


# --- saliency -----------------------------------------------------------------


def test_map_is_zero_where_weights_are_zero(images):
    maps = saliency(linear_model(patches(LEFT, RIGHT, TOP)), images, "blues")
    assert maps.shape == images.shape
    assert maps.dtype == np.float32
    np.testing.assert_allclose(maps[:, :, :8], 1, rtol=1e-5)
    assert not maps[:, :, 8:].any()


def test_each_genre_has_its_own_map(images):
    model = linear_model(patches(LEFT, RIGHT, TOP))
    names = ["blues", "jazz", "rock", "rock", "jazz"]
    for genres in (names, tuple(names), np.array(names)):
        maps = saliency(model, images, genres)
        for map_, genre in zip(maps, names, strict=True):
            place = (LEFT, RIGHT, TOP)[GENRES.index(genre)]
            expected = patches(place, weight=1)[0]
            np.testing.assert_allclose(map_, expected, atol=1e-5)
    # The predicted genre does not matter.
    np.testing.assert_array_equal(saliency(model, images, "rock")[2:4], maps[2:4])


@given(seed=st.integers(0, 1000))
def test_map_of_a_weighted_sum_has_its_absolute_weights(seed):
    rng = np.random.default_rng(seed)
    weights = rng.normal(size=(2, 7, 5))
    images = rng.integers(0, 256, (3, 7, 5), dtype=np.uint8)
    maps = saliency(linear_model(weights, GENRES[:2]), images, "jazz", samples=2, seed=seed)
    expected = np.abs(weights[1]) / np.abs(weights[1]).max()
    np.testing.assert_allclose(maps, np.broadcast_to(expected, maps.shape), atol=1e-5)


def test_maps_are_scaled_from_zero_to_one(trained):
    images = stripes(np.array(GENRES * 2), seed=5)
    images[3] //= 3
    maps = saliency(trained, images, list(GENRES * 2))
    assert maps.min() >= 0
    np.testing.assert_array_equal(maps.max(axis=(1, 2)), 1)
    assert np.ptp(maps, axis=(1, 2)).min() > 0.9


def test_maps_of_black_images_and_zero_gradients_are_finite():
    black = np.zeros((2, 16, 16), dtype=np.uint8)
    assert np.isfinite(saliency(linear_model(patches(LEFT, RIGHT, TOP)), black, "jazz")).all()
    maps = saliency(linear_model(np.zeros((3, 16, 16))), black, "jazz")
    np.testing.assert_array_equal(maps, 0)


def test_map_depends_on_its_seed_only(trained):
    images = stripes(np.array(GENRES), seed=6)
    torch.manual_seed(3)
    first = saliency(trained, images, "jazz", samples=4)
    torch.manual_seed(4)
    state = torch.random.get_rng_state()
    second = saliency(trained, images, "jazz", samples=4)
    np.testing.assert_array_equal(first, second)
    assert torch.equal(torch.random.get_rng_state(), state)
    assert not np.array_equal(first, saliency(trained, images, "jazz", samples=4, seed=1))
    assert not np.array_equal(first, saliency(trained, images, "jazz", samples=4, spread=0.3))


def test_map_without_noise_is_the_absolute_gradient(trained):
    images = stripes(np.array(GENRES), seed=6)
    levels = torch.from_numpy(images).float().requires_grad_()
    gradient = torch.autograd.grad(trained.net(levels)[:, 1].sum(), levels)[0].abs().numpy()
    expected = gradient / gradient.max(axis=(1, 2), keepdims=True)
    for samples in (1, 3):
        maps = saliency(trained, images, "jazz", samples=samples, spread=0)
        np.testing.assert_allclose(maps, expected, atol=1e-5)


def test_noise_of_the_copies_has_the_given_spread(images):
    inputs = []

    class RecordingNet(LinearNet):
        def forward(self, levels):
            inputs.append(levels.detach().numpy().copy())
            return super().forward(levels)

    model = linear_model(patches(LEFT, RIGHT, TOP))
    model.net = RecordingNet(patches(LEFT, RIGHT, TOP))
    saliency(model, images, "jazz", samples=5, spread=0.2)
    noise = (np.stack(inputs) - images)[:, 0]
    assert noise.std() == pytest.approx(0.2 * 255, rel=0.1)
    assert abs(noise.mean()) < 5
    # The noise of different copies is independent.
    assert np.abs(np.corrcoef(noise.reshape(5, -1)) - np.eye(5)).max() < 0.3


def test_map_does_not_depend_on_other_images(trained):
    """Also in another order, and for the read-only images of a store."""
    images = stripes(np.array(GENRES), seed=7)
    images.flags.writeable = False
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        together = saliency(trained, images, "rock", samples=4)
    reverse = saliency(trained, images[::-1], "rock", samples=4)
    np.testing.assert_allclose(reverse[::-1], together, atol=1e-4)
    for number in range(3):
        single = saliency(trained, images[number : number + 1], "rock", samples=4)
        np.testing.assert_allclose(single[0], together[number], atol=1e-4)


def test_net_and_images_are_not_changed(trained):
    images = stripes(np.array(GENRES), seed=8)
    copy, weights = images.copy(), {k: w.clone() for k, w in trained.net.state_dict().items()}
    before = trained.probabilities(images)
    maps = saliency(trained, images, "blues", samples=2)
    deletion_test(trained, images, "blues", maps)
    np.testing.assert_array_equal(images, copy)
    np.testing.assert_array_equal(trained.probabilities(images), before)
    assert all(torch.equal(w, weights[k]) for k, w in trained.net.state_dict().items())
    assert all(w.grad is None for w in trained.net.parameters())
    assert not trained.net.training


# --- errors -------------------------------------------------------------------


def calls(model, images, genres):
    yield lambda: saliency(model, images, genres)
    yield lambda: deletion_test(model, images, genres, np.ones(images.shape))


@pytest.mark.parametrize("genres", ["polka", ["blues", "polka", "jazz", "rock", "rock"], "Blues"])
def test_unknown_genres_are_refused(images, genres):
    unknown = genres if isinstance(genres, str) else "polka"
    for call in calls(linear_model(patches(LEFT, RIGHT, TOP)), images, genres):
        with pytest.raises(ModelError) as caught:
            call()
        assert str(caught.value) == (
            f"model 'linear' has no genre {unknown!r}; choose one of blues, jazz, rock."
        )


@pytest.mark.parametrize("number", [0, 1, 4, 6])
def test_wrong_number_of_genres_is_refused(images, number):
    for call in calls(linear_model(patches(LEFT, RIGHT, TOP)), images, ["jazz"] * number):
        with pytest.raises(ModelError, match=f"^there are 5 images and {number} genres; give one"):
            call()


# --- deletion test ------------------------------------------------------------


def test_deleting_salient_pixels_decreases_the_probability_most(images):
    """The logit of blues is the sum of two columns."""
    images[:, :, :2] = 255
    images[:, :, 2:] //= 4
    model = linear_model(patches((slice(None), slice(0, 2)), RIGHT, TOP))
    weights = saliency(model, images, "blues")
    salient, random = deletion_test(model, images, "blues", weights, share=2 / 16)
    # Exactly these columns are set to the means of their rows.
    changed = images.copy()
    changed[:, :, :2] = images.mean(axis=-1).round()[:, :, None]
    expected = model.probabilities(images)[:, 0] - model.probabilities(changed)[:, 0]
    np.testing.assert_allclose(salient, expected, atol=1e-6)
    assert salient.shape == random.shape == (5,)
    assert (salient > random + 0.1).all()
    assert (random > 0).all()


def test_decreases_are_those_of_the_genre_of_each_image(images):
    model = linear_model(patches(LEFT, RIGHT, TOP))
    genres = ["rock", "jazz", "blues", "jazz", "rock"]
    weights = np.random.default_rng(1).random(images.shape)
    salient, random = deletion_test(model, images, genres, weights)
    for genre in GENRES:
        rows = np.array(genres) == genre
        expected = deletion_test(model, images, genre, weights)
        np.testing.assert_array_equal(salient[rows], expected[0][rows])
        np.testing.assert_array_equal(random[rows], expected[1][rows])


def n_deleted(images: np.ndarray, weights: np.ndarray, share: float) -> list[np.ndarray]:
    """Return the number of salient pixels, and of random pixels, that are deleted."""
    inputs = []

    class RecordingNet(LinearNet):
        def forward(self, levels):
            inputs.append(levels.numpy().copy())
            return super().forward(levels)

    model = linear_model(np.zeros((3, *images.shape[1:])))
    model.net = RecordingNet(np.zeros((3, *images.shape[1:])))
    deletion_test(model, images, "jazz", weights, share=share)
    # Each row is half black and half white, so that no pixel equals its row's mean.
    counts = [(levels != images).sum(axis=(1, 2)) for levels in inputs]
    return [count for count in counts if count.any()]


def chessboards(n: int, size: int = 10) -> np.ndarray:
    return np.broadcast_to(
        np.where(np.add.outer(np.arange(size), np.arange(size)) % 2, 255, 0), (n, size, size)
    ).astype(np.uint8)


@given(share=st.floats(0.01, 1.0), seed=st.integers(0, 99))
def test_same_number_of_salient_and_random_pixels_is_deleted(share, seed):
    weights = np.random.default_rng(seed).random((3, 10, 10))
    salient, random = n_deleted(chessboards(3), weights, share)
    expected = max(1, round(share * 100))
    np.testing.assert_array_equal(salient, expected)
    np.testing.assert_array_equal(random, expected)


@given(values=st.integers(1, 4), nonzero=st.integers(0, 100), share=st.floats(0.01, 0.9))
def test_same_number_of_pixels_is_deleted_with_ties(values, nonzero, share):
    """Such as the pixels with a gradient of zero."""
    weights = np.zeros((2, 100))
    weights[:, :nonzero] = 1 + np.arange(nonzero) % values
    salient, random = n_deleted(chessboards(2), weights.reshape(2, 10, 10), share)
    np.testing.assert_array_equal(salient, random)


def test_random_pixels_depend_on_the_seed(images):
    model = linear_model(patches(LEFT, RIGHT, TOP))
    weights = np.random.default_rng(2).random(images.shape)
    first, second = (deletion_test(model, images, "jazz", weights) for _ in range(2))
    other = deletion_test(model, images, "jazz", weights, seed=1)
    np.testing.assert_array_equal(first, second)
    np.testing.assert_array_equal(first[0], other[0])
    assert not np.array_equal(first[1], other[1])
