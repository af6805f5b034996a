"""Saliency maps: the pixels of an image that a prediction depends on."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from ..errors import ModelError
from .image_model import ImageModel
from .model import single_thread

__all__ = ["deletion_test", "saliency"]


def saliency(
    model: ImageModel,
    images: np.ndarray,
    genres: str | Sequence[str],
    *,
    samples: int = 16,
    spread: float = 0.1,
    seed: int = 0,
) -> np.ndarray:
    """Compute how strongly the logit of a genre depends on each pixel.

    The absolute gradient of the logit is averaged over noisy copies of the image,
    since a single gradient is noisy itself.

    Parameters
    ----------
    model : ImageModel
        From `load_model`.
    images : np.ndarray [shape=(n, height, width), dtype=uint8]
        Images of `model.images`.
    genres : str or sequence of str
        A genre of the model, or one for each image.
    samples : int
        Number of noisy copies.
    spread : float
        Standard deviation of the noise, as a share of the grey scale.
    seed : int
        Random seed of the noise.

    Returns
    -------
    np.ndarray [shape=(n, height, width), dtype=float32]
        Saliency, scaled to a maximum of 1 in each image.

    Raises
    ------
    ModelError
        If the model has no such genre, or the numbers of genres and images differ.

    Notes
    -----
    The book page "Inference" shows maps. A gradient shows which small changes of
    the image change the logit most, not which parts the net recognises;
    `deletion_test` measures whether a map is right.

    References
    ----------
    K. Simonyan, A. Vedaldi and A. Zisserman, "Deep inside convolutional networks:
    visualising image classification models and saliency maps", ICLR workshop
    2014, section 3. D. Smilkov, N. Thorat, B. Kim, F. Viégas and M. Wattenberg,
    "SmoothGrad: removing noise by adding noise", 2017, section 3.
    """
    columns = torch.from_numpy(_columns(model, genres, len(images)))
    # Copied, since PyTorch warns of the read-only images of a store.
    levels = torch.from_numpy(np.array(images, dtype=np.float32, order="C"))
    generator = torch.Generator().manual_seed(seed)
    total = torch.zeros_like(levels)
    for _ in range(samples):
        # The same noise for every image, so that a map does not depend on the other images.
        noise = torch.randn(levels.shape[1:], generator=generator) * (255 * spread)
        noisy = (levels + noise).requires_grad_()
        # Images are independent, so the gradient of the sum has the gradient of each image.
        with single_thread:
            (gradient,) = torch.autograd.grad(model.net(noisy).gather(1, columns).sum(), noisy)
        total += gradient.abs()
    strongest = total.amax(dim=(-2, -1), keepdim=True)
    return (total / strongest.clamp(min=1e-12)).numpy()


def deletion_test(
    model: ImageModel,
    images: np.ndarray,
    genres: str | Sequence[str],
    weights: np.ndarray,
    *,
    share: float = 0.1,
    seed: int = 0,
) -> tuple[np.ndarray, np.ndarray]:
    """Test a saliency map: delete the most salient pixels, and as many random ones.

    Deleted pixels are set to the mean level of their row.

    Parameters
    ----------
    model : ImageModel
        From `load_model`.
    images : np.ndarray [shape=(n, height, width), dtype=uint8]
        Images of `model.images`.
    genres : str or sequence of str
        A genre of the model, or one for each image.
    weights : np.ndarray [shape=(n, height, width)]
        Maps of `saliency`.
    share : float
        Share of the pixels that are deleted in each image.
    seed : int
        Random seed for the random pixels.

    Returns
    -------
    salient, random : np.ndarray [shape=(n,), dtype=float32]
        Decrease of the genre's probability when the most salient, or random,
        pixels are deleted.

    References
    ----------
    W. Samek, A. Binder, G. Montavon, S. Lapuschkin and K.-R. Müller, "Evaluating
    the visualization of what a deep neural network has learned", IEEE
    Transactions on Neural Networks and Learning Systems 28(11), 2017, section III.
    """
    columns = _columns(model, genres, len(images))
    images = np.asarray(images)
    means = images.mean(axis=-1, keepdims=True).round().astype(np.uint8)
    count = max(1, round(share * images[0].size))
    before = np.take_along_axis(model.probabilities(images), columns, axis=1)[:, 0]
    random_weights = np.random.default_rng(seed).random(images.shape)
    decreases = []
    for order in (weights, random_weights):
        flat = np.asarray(order).reshape(len(images), -1)
        # By rank, not by a threshold: exactly `count` pixels are deleted, also with ties.
        deleted = np.zeros(flat.shape, dtype=bool)
        np.put_along_axis(deleted, np.argsort(flat, axis=1)[:, -count:], True, axis=1)
        changed = np.where(deleted.reshape(images.shape), means, images)
        after = np.take_along_axis(model.probabilities(changed), columns, axis=1)[:, 0]
        decreases.append(before - after)
    return decreases[0], decreases[1]


def _columns(model: ImageModel, genres: str | Sequence[str], n: int) -> np.ndarray:
    """Return the column of each image's genre, shape (n, 1)."""
    names = [genres] * n if isinstance(genres, str) else [str(genre) for genre in genres]
    unknown = sorted(set(names) - set(model.genres))
    if unknown:
        raise ModelError(
            f"model {model.name!r} has no genre {unknown[0]!r}; choose one of "
            f"{', '.join(model.genres)}."
        )
    if len(names) != n:
        raise ModelError(f"there are {n} images and {len(names)} genres; give one for each image.")
    return np.array([model.genres.index(name) for name in names], dtype=np.int64)[:, None]
