"""MiniVGG, the small convolutional net of the seed project."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from ..errors import ModelError
from .layers import unit_images

__all__ = ["MiniVGG"]


class MiniVGG(nn.Module):
    """Blocks of two convolutions, then one hidden layer.

    A block is convolution, ReLU and batch normalisation twice, pooling by two
    and dropout of whole channels.

    Parameters
    ----------
    classes : int
        Number of genres.
    size : int
        Height and width of the images in pixels.
    channels : sequence of int
        Channels of each block; every block halves height and width.
    hidden : int
        Units of the hidden layer.
    dropout : float
        Share of channels that a block drops while training.

    Raises
    ------
    ModelError
        If the images are too small for that many blocks.

    Notes
    -----
    The book page "CNN: MiniVGG on 3 s" trains it.

    References
    ----------
    The design follows VGG at a fraction of its size: K. Simonyan and A.
    Zisserman, "Very deep convolutional networks for large-scale image
    recognition", ICLR 2015.
    """

    def __init__(
        self,
        classes: int = 10,
        *,
        size: int = 512,
        channels: Sequence[int] = (32, 64, 128, 256, 512),
        hidden: int = 512,
        dropout: float = 0.25,
    ) -> None:
        super().__init__()
        side = size // 2 ** len(channels)
        if side < 1:
            raise ModelError(
                f"images of {size} x {size} are too small for {len(channels)} blocks of MiniVGG, "
                f"each of which halves them; use a size of at least {2 ** len(channels)}."
            )
        ins = (1, *channels[:-1])
        self.blocks = nn.Sequential(
            *(_block(i, o, dropout) for i, o in zip(ins, channels, strict=True))
        )
        self.head = nn.Sequential(
            nn.Flatten(),
            nn.Linear(channels[-1] * side**2, hidden),
            nn.ReLU(inplace=True),
            nn.Linear(hidden, classes),
        )

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return the logits of images.

        Parameters
        ----------
        images : torch.Tensor [shape=(n, size, size), dtype=uint8]
            Images as they lie in a store.

        Returns
        -------
        torch.Tensor [shape=(n, classes), dtype=float32]
            One logit a genre.
        """
        return self.head(self.blocks(unit_images(images)))


def _block(ins: int, outs: int, dropout: float) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(ins, outs, 3, padding=1),
        nn.ReLU(inplace=True),
        nn.BatchNorm2d(outs),
        nn.Conv2d(outs, outs, 3, padding=1),
        nn.ReLU(inplace=True),
        nn.BatchNorm2d(outs),
        nn.MaxPool2d(2),
        nn.Dropout2d(dropout),
    )
