"""Which parts of an image a net's answer hangs on."""

from __future__ import annotations

import numpy as np
import torch

from ..errors import ModelError
from .inference import Model

__all__ = ["deletion", "saliency"]


def saliency(
    model: Model,
    images: np.ndarray,
    genre: str,
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
    genre : str
        One of the model's.
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
        If the model knows no such genre.

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
    if genre not in model.genres:
        raise ModelError(
            f"model {model.name!r} knows no genre {genre!r}; choose one of "
            f"{', '.join(model.genres)}."
        )
    column = model.genres.index(genre)
    levels = torch.from_numpy(np.asarray(images)).float()
    generator = torch.Generator().manual_seed(seed)
    total = torch.zeros_like(levels)
    for _ in range(samples):
        noise = torch.randn(levels.shape, generator=generator) * (255 * spread)
        noisy = (levels + noise).requires_grad_()
        # Images do not mix, so one sum has all their gradients.
        (gradient,) = torch.autograd.grad(model.net(noisy)[:, column].sum(), noisy)
        total += gradient.abs()
    strongest = total.amax(dim=(-2, -1), keepdim=True)
    return (total / strongest.clamp(min=1e-12)).numpy()


def deletion(
    model: Model,
    images: np.ndarray,
    genre: str,
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
    genre : str
        One of the model's.
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
    column = model.genres.index(genre)
    images = np.asarray(images)
    means = images.mean(axis=-1, keepdims=True).round().astype(np.uint8)
    count = max(1, round(share * images[0].size))
    before = model.probabilities(images)[:, column]
    chance = np.random.default_rng(seed).random(images.shape)
    falls = []
    for order in (weights, chance):
        flat = order.reshape(len(images), -1)
        limit = np.partition(flat, -count, axis=1)[:, -count, None, None]
        left = np.where(order >= limit, means, images)
        falls.append(before - model.probabilities(left)[:, column])
    return falls[0], falls[1]
