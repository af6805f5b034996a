"""Pieces that several nets share."""

from __future__ import annotations

import torch

__all__ = ["unit_images"]


def unit_images(images: torch.Tensor) -> torch.Tensor:
    """Turn stored grey levels into what convolutions take.

    Parameters
    ----------
    images : torch.Tensor [shape=(n, height, width), dtype=uint8]
        Images as they lie in a store.

    Returns
    -------
    torch.Tensor [shape=(n, 1, height, width), dtype=float32]
        The same images from 0 to 1, with a channel axis.
    """
    return images.unsqueeze(1).float().div(255)
