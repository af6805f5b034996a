"""Which parts of an image a net's answer hangs on."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from ..errors import ModelError
from .model import Model, one_thread

__all__ = ["deletion_test", "saliency"]


def saliency(
    model: Model,
    images: np.ndarray,
    genres: str | Sequence[str],
    *,
    samples: int = 16,
    spread: float = 0.1,
    seed: int = 0,
) -> np.ndarray:
    """Tell how strongly the answer for a genre hangs on each pixel.

    The size of the logit's gradient, averaged over noisy copies of the image,
    since a single gradient is mostly noise itself.

    Parameters
    ----------
    model : Model
        From `load_model`.
    images : np.ndarray [shape=(n, height, width), dtype=uint8]
        As `model.images` makes them.
    genres : str or sequence of str
        One of the model's, or one for each image.
    samples : int
        Noisy copies.
    spread : float
        Standard deviation of their noise, as a share of the grey scale.
    seed : int
        Of the noise.

    Returns
    -------
    np.ndarray [shape=(n, height, width), dtype=float32]
        From 0 to 1 in each image.

    Raises
    ------
    ModelError
        If the model knows no such genre, or they are not as many as the images.

    Notes
    -----
    The book page "Inference" shows it. A gradient tells what would change the
    answer most if it were a little different, which is not all that "listening"
    means; `deletion` measures whether it holds.

    References
    ----------
    K. Simonyan, A. Vedaldi and A. Zisserman, "Deep inside convolutional networks:
    visualising image classification models and saliency maps", ICLR workshop
    2014, section 3. D. Smilkov, N. Thorat, B. Kim, F. Viégas and M. Wattenberg,
    "SmoothGrad: removing noise by adding noise", 2017, section 3.
    """
    columns = torch.from_numpy(_columns(model, genres, len(images)))
    # Copied, since a store's images cannot be written, of which PyTorch warns.
    levels = torch.from_numpy(np.array(images, dtype=np.float32, order="C"))
    generator = torch.Generator().manual_seed(seed)
    total = torch.zeros_like(levels)
    for _ in range(samples):
        # The same for every image, so that a map does not depend on the others asked for.
        noise = torch.randn(levels.shape[1:], generator=generator) * (255 * spread)
        noisy = (levels + noise).requires_grad_()
        # Images do not mix, so one sum has all their gradients.
        with one_thread:
            (gradient,) = torch.autograd.grad(model.net(noisy).gather(1, columns).sum(), noisy)
        total += gradient.abs()
    strongest = total.amax(dim=(-2, -1), keepdim=True)
    return (total / strongest.clamp(min=1e-12)).numpy()


def deletion_test(
    model: Model,
    images: np.ndarray,
    genres: str | Sequence[str],
    weights: np.ndarray,
    *,
    share: float = 0.1,
    seed: int = 0,
) -> tuple[np.ndarray, np.ndarray]:
    """Test a saliency map: delete what it points at, and as much at random.

    Deleted pixels take the mean level of their row.

    Parameters
    ----------
    model : Model
        From `load_model`.
    images : np.ndarray [shape=(n, height, width), dtype=uint8]
        As `model.images` makes them.
    genres : str or sequence of str
        One of the model's, or one for each image.
    weights : np.ndarray [shape=(n, height, width)]
        From `saliency`.
    share : float
        How much of each image is deleted.
    seed : int
        Of what is deleted at random.

    Returns
    -------
    pointed, random : np.ndarray [shape=(n,), dtype=float32]
        By how much the genre's probability falls, either way.

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
    chance = np.random.default_rng(seed).random(images.shape)
    falls = []
    for order in (weights, chance):
        flat = np.asarray(order).reshape(len(images), -1)
        # By place, not by value: where many weigh the same, no more than so many go.
        gone = np.zeros(flat.shape, dtype=bool)
        np.put_along_axis(gone, np.argsort(flat, axis=1)[:, -count:], True, axis=1)
        left = np.where(gone.reshape(images.shape), means, images)
        after = np.take_along_axis(model.probabilities(left), columns, axis=1)[:, 0]
        falls.append(before - after)
    return falls[0], falls[1]


def _columns(model: Model, genres: str | Sequence[str], n: int) -> np.ndarray:
    """Return the column of each image's genre, shape (n, 1)."""
    names = [genres] * n if isinstance(genres, str) else [str(genre) for genre in genres]
    unknown = sorted(set(names) - set(model.genres))
    if unknown:
        raise ModelError(
            f"model {model.name!r} knows no genre {unknown[0]!r}; choose one of "
            f"{', '.join(model.genres)}."
        )
    if len(names) != n:
        raise ModelError(f"there are {n} images and {len(names)} genres; give one for each image.")
    return np.array([model.genres.index(name) for name in names], dtype=np.int64)[:, None]
