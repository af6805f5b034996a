"""Saliency: zero where a net does not look, and what it points at matters most."""

import warnings

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from gtzan_lib.errors import ModelError
from gtzan_lib.inference.model import Model
from gtzan_lib.inference.saliency import deletion_test, saliency
from gtzan_lib.inference.zoo import load_model, save_model
from gtzan_lib.signal.recipes import Recipe
from gtzan_lib.training.classifier import NetClassifier

from .conftest import stripes

RECIPE = Recipe.preset("stft-3s", size=32)
GENRES = ("blues", "jazz", "rock")


class Weighted(torch.nn.Module):
    """Its logits are weighted sums of pixels."""

    def __init__(self, weights: np.ndarray) -> None:
        super().__init__()
        self.weights = torch.from_numpy(weights.astype(np.float32))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return torch.einsum("nhw,ghw->ng", images.float() / 255, self.weights)


def looking(weights: np.ndarray, genres: tuple[str, ...] = GENRES) -> Model:
    card = {"genres": list(genres), "recipe": RECIPE.as_dict(), "architecture": "minivgg"}
    return Model("looking", card, Weighted(weights))


def patch(*places: tuple[slice, slice], size: int = 16, weight: float = 0.1) -> np.ndarray:
    """Weights of one place for each genre."""
    made = np.zeros((len(places), size, size))
    for one, (rows, columns) in zip(made, places, strict=True):
        one[rows, columns] = weight
    return made


LEFT, RIGHT = (slice(None), slice(0, 8)), (slice(None), slice(8, None))
TOP = (slice(8, None), slice(None))


@pytest.fixture
def images(rng) -> np.ndarray:
    return rng.integers(0, 256, (5, 16, 16), dtype=np.uint8)


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> Model:
    """A net that has seen some `stripes`."""
    torch.manual_seed(0)
    genres = np.array(list(GENRES) * 20)
    net = NetClassifier(
        arguments={"channels": [4], "hidden": 8}, epochs=1, batch_size=8, learning_rate=0.02,
        device="cpu",
    ).fit(stripes(genres), genres)  # fmt: skip
    return load_model(save_model(tmp_path_factory.mktemp("net") / "model", net, RECIPE))


# --- where a net looks --------------------------------------------------------


def test_zero_where_a_net_does_not_look(images):
    maps = saliency(looking(patch(LEFT, RIGHT, TOP)), images, "blues")
    assert maps.shape == images.shape
    assert maps.dtype == np.float32
    np.testing.assert_allclose(maps[:, :, :8], 1, rtol=1e-5)
    assert not maps[:, :, 8:].any()


def test_each_genre_has_its_own_map(images):
    model = looking(patch(LEFT, RIGHT, TOP))
    each = ["blues", "jazz", "rock", "rock", "jazz"]
    for genres in (each, tuple(each), np.array(each)):
        maps = saliency(model, images, genres)
        for one, genre in zip(maps, each, strict=True):
            place = (LEFT, RIGHT, TOP)[GENRES.index(genre)]
            expected = patch(place, weight=1)[0]
            np.testing.assert_allclose(one, expected, atol=1e-5)
    # Whichever genre the net would answer.
    np.testing.assert_array_equal(saliency(model, images, "rock")[2:4], maps[2:4])


@given(seed=st.integers(0, 1000))
def test_map_of_a_weighted_sum_is_the_size_of_its_weights(seed):
    rng = np.random.default_rng(seed)
    weights = rng.normal(size=(2, 7, 5))
    images = rng.integers(0, 256, (3, 7, 5), dtype=np.uint8)
    maps = saliency(looking(weights, GENRES[:2]), images, "jazz", samples=2, seed=seed)
    expected = np.abs(weights[1]) / np.abs(weights[1]).max()
    np.testing.assert_allclose(maps, np.broadcast_to(expected, maps.shape), atol=1e-5)


def test_from_zero_to_one_in_each_image(trained):
    images = stripes(np.array(GENRES * 2), seed=5)
    images[3] //= 3
    maps = saliency(trained, images, list(GENRES * 2))
    assert maps.min() >= 0
    np.testing.assert_array_equal(maps.max(axis=(1, 2)), 1)
    assert np.ptp(maps, axis=(1, 2)).min() > 0.9


def test_black_images_and_blind_nets_give_numbers():
    black = np.zeros((2, 16, 16), dtype=np.uint8)
    assert np.isfinite(saliency(looking(patch(LEFT, RIGHT, TOP)), black, "jazz")).all()
    blind = saliency(looking(np.zeros((3, 16, 16))), black, "jazz")
    np.testing.assert_array_equal(blind, 0)


def test_same_seed_same_map(trained):
    images = stripes(np.array(GENRES), seed=6)
    torch.manual_seed(3)
    one = saliency(trained, images, "jazz", samples=4)
    torch.manual_seed(4)
    state = torch.random.get_rng_state()
    two = saliency(trained, images, "jazz", samples=4)
    np.testing.assert_array_equal(one, two)
    assert torch.equal(torch.random.get_rng_state(), state)
    assert not np.array_equal(one, saliency(trained, images, "jazz", samples=4, seed=1))
    assert not np.array_equal(one, saliency(trained, images, "jazz", samples=4, spread=0.3))


def test_without_noise_it_is_the_plain_gradient(trained):
    images = stripes(np.array(GENRES), seed=6)
    levels = torch.from_numpy(images).float().requires_grad_()
    size = torch.autograd.grad(trained.net(levels)[:, 1].sum(), levels)[0].abs().numpy()
    expected = size / size.max(axis=(1, 2), keepdims=True)
    for samples in (1, 3):
        maps = saliency(trained, images, "jazz", samples=samples, spread=0)
        np.testing.assert_allclose(maps, expected, atol=1e-5)


def test_copies_are_as_noisy_as_told(images):
    seen = []

    class Watching(Weighted):
        def forward(self, levels):
            seen.append(levels.detach().numpy().copy())
            return super().forward(levels)

    model = looking(patch(LEFT, RIGHT, TOP))
    model.net = Watching(patch(LEFT, RIGHT, TOP))
    saliency(model, images, "jazz", samples=5, spread=0.2)
    noise = (np.stack(seen) - images)[:, 0]
    assert noise.std() == pytest.approx(0.2 * 255, rel=0.1)
    assert abs(noise.mean()) < 5
    # Each copy has its own.
    assert np.abs(np.corrcoef(noise.reshape(5, -1)) - np.eye(5)).max() < 0.3


def test_images_do_not_mix(trained):
    """A map is the same alone and among others, in whatever order, from a store or not."""
    images = stripes(np.array(GENRES), seed=7)
    images.flags.writeable = False
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        together = saliency(trained, images, "rock", samples=4)
    backwards = saliency(trained, images[::-1], "rock", samples=4)
    np.testing.assert_allclose(backwards[::-1], together, atol=1e-4)
    for number in range(3):
        alone = saliency(trained, images[number : number + 1], "rock", samples=4)
        np.testing.assert_allclose(alone[0], together[number], atol=1e-4)


def test_asking_changes_neither_net_nor_images(trained):
    images = stripes(np.array(GENRES), seed=8)
    kept, weights = images.copy(), {k: w.clone() for k, w in trained.net.state_dict().items()}
    before = trained.probabilities(images)
    maps = saliency(trained, images, "blues", samples=2)
    deletion_test(trained, images, "blues", maps)
    np.testing.assert_array_equal(images, kept)
    np.testing.assert_array_equal(trained.probabilities(images), before)
    assert all(torch.equal(w, weights[k]) for k, w in trained.net.state_dict().items())
    assert all(w.grad is None for w in trained.net.parameters())
    assert not trained.net.training


# --- what is refused ----------------------------------------------------------


def ways(model, images, genres):
    yield lambda: saliency(model, images, genres)
    yield lambda: deletion_test(model, images, genres, np.ones(images.shape))


@pytest.mark.parametrize("genres", ["polka", ["blues", "polka", "jazz", "rock", "rock"], "Blues"])
def test_unknown_genres_are_refused(images, genres):
    unknown = genres if isinstance(genres, str) else "polka"
    for call in ways(looking(patch(LEFT, RIGHT, TOP)), images, genres):
        with pytest.raises(ModelError) as caught:
            call()
        assert str(caught.value) == (
            f"model 'looking' knows no genre {unknown!r}; choose one of blues, jazz, rock."
        )


@pytest.mark.parametrize("number", [0, 1, 4, 6])
def test_other_number_of_genres_is_refused(images, number):
    for call in ways(looking(patch(LEFT, RIGHT, TOP)), images, ["jazz"] * number):
        with pytest.raises(ModelError, match=f"^there are 5 images and {number} genres; give one"):
            call()


# --- deletion_test -----------------------------------------------------------------


def test_deleting_what_counts_hurts_and_the_rest_does_not(images):
    """The net for blues adds up eight columns, less their rows' mean where deleted."""
    images[:, :, :2] = 255
    images[:, :, 2:] //= 4
    model = looking(patch((slice(None), slice(0, 2)), RIGHT, TOP))
    weights = saliency(model, images, "blues")
    pointed, random = deletion_test(model, images, "blues", weights, share=2 / 16)
    # Exactly the two columns are deleted.
    left = images.copy()
    left[:, :, :2] = images.mean(axis=-1).round()[:, :, None]
    expected = model.probabilities(images)[:, 0] - model.probabilities(left)[:, 0]
    np.testing.assert_allclose(pointed, expected, atol=1e-6)
    assert pointed.shape == random.shape == (5,)
    assert (pointed > random + 0.1).all()
    assert (random > 0).all()


def test_falls_are_those_of_each_images_genre(images):
    model = looking(patch(LEFT, RIGHT, TOP))
    each = ["rock", "jazz", "blues", "jazz", "rock"]
    weights = np.random.default_rng(1).random(images.shape)
    pointed, random = deletion_test(model, images, each, weights)
    for genre in GENRES:
        own = np.array(each) == genre
        alike = deletion_test(model, images, genre, weights)
        np.testing.assert_array_equal(pointed[own], alike[0][own])
        np.testing.assert_array_equal(random[own], alike[1][own])


def counted(images: np.ndarray, weights: np.ndarray, share: float) -> list[np.ndarray]:
    """How many pixels are another after what was pointed at is deleted, and at random."""
    seen = []

    class Watching(Weighted):
        def forward(self, levels):
            seen.append(levels.numpy().copy())
            return super().forward(levels)

    model = looking(np.zeros((3, *images.shape[1:])))
    model.net = Watching(np.zeros((3, *images.shape[1:])))
    deletion_test(model, images, "jazz", weights, share=share)
    # Each row is half black and half white, so that no pixel equals its row's mean.
    changed = [(one != images).sum(axis=(1, 2)) for one in seen]
    return [one for one in changed if one.any()]


def chequered(n: int, size: int = 10) -> np.ndarray:
    return np.broadcast_to(
        np.where(np.add.outer(np.arange(size), np.arange(size)) % 2, 255, 0), (n, size, size)
    ).astype(np.uint8)


@given(share=st.floats(0.01, 1.0), seed=st.integers(0, 99))
def test_as_much_is_deleted_either_way(share, seed):
    weights = np.random.default_rng(seed).random((3, 10, 10))
    pointed, random = counted(chequered(3), weights, share)
    expected = max(1, round(share * 100))
    np.testing.assert_array_equal(pointed, expected)
    np.testing.assert_array_equal(random, expected)


@given(values=st.integers(1, 4), looked=st.integers(0, 100), share=st.floats(0.01, 0.9))
def test_as_much_is_deleted_where_many_pixels_weigh_the_same(values, looked, share):
    """As those do at which a net does not look at all."""
    weights = np.zeros((2, 100))
    weights[:, :looked] = 1 + np.arange(looked) % values
    pointed, random = counted(chequered(2), weights.reshape(2, 10, 10), share)
    np.testing.assert_array_equal(pointed, random)


def test_same_seed_deletes_the_same_at_random(images):
    model = looking(patch(LEFT, RIGHT, TOP))
    weights = np.random.default_rng(2).random(images.shape)
    one, two = (deletion_test(model, images, "jazz", weights) for _ in range(2))
    other = deletion_test(model, images, "jazz", weights, seed=1)
    np.testing.assert_array_equal(one, two)
    np.testing.assert_array_equal(one[0], other[0])
    assert not np.array_equal(one[1], other[1])
