"""MiniVGG, the small convolutional network of the original project."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from ..errors import ModelError
from .layers import ImageInput, conv_blocks, image_shape

__all__ = ["MiniVGG"]


class MiniVGG(nn.Module):
    """Blocks of two convolutions, followed by a head.

    A block is convolution, ReLU and batch normalisation twice, pooling by two
    and dropout of whole channels.

    Parameters
    ----------
    classes : int
        Number of genres.
    size : int or (int, int)
        Height and width of the images in pixels.
    channels : sequence of int
        Channels of each block; every block halves height and width.
    hidden : int
        Units of the hidden layer of the flattening head.
    dropout : float
        Share of channels that a block drops in training.
    head : {"flatten", "pool"}
        `flatten`: all positions of all channels go into a hidden layer, which
        has nearly all weights, as in the original project. `pool`: the mean of
        each channel goes to the output layer, for images of any size.
    inputs : {"grey", "bands"}
        See `gtzan_lib.models.layers.ImageInput`.

    Raises
    ------
    ModelError
        If the images are too small for that many blocks, or the head is unknown.

    Notes
    -----
    The book page "CNN: MiniVGG on 3 s" trains it.

    References
    ----------
    The design follows VGG at a fraction of its size: K. Simonyan and A.
    Zisserman, "Very deep convolutional networks for large-scale image
    recognition", ICLR 2015. Global pooling: M. Lin, Q. Chen and S. Yan, "Network
    in network", ICLR 2014, section 3.2.
    """

    def __init__(
        self,
        classes: int = 10,
        *,
        size: int | Sequence[int] = 512,
        channels: Sequence[int] = (32, 64, 128, 256, 512),
        hidden: int = 512,
        dropout: float = 0.25,
        head: str = "flatten",
        inputs: str = "grey",
    ) -> None:
        super().__init__()
        self.inputs = ImageInput(inputs)
        self.blocks = conv_blocks(channels, dropout, size)
        height, width = (side >> len(channels) for side in image_shape(size))
        if head == "flatten":
            self.head = nn.Sequential(
                nn.Flatten(),
                nn.Linear(channels[-1] * height * width, hidden),
                nn.ReLU(inplace=True),
                nn.Linear(hidden, classes),
            )
        elif head == "pool":
            self.head = nn.Sequential(
                nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels[-1], classes)
            )
        else:
            raise ModelError(f"MiniVGG has no head {head!r}; choose flatten or pool.")

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return the logits of images.

        Parameters
        ----------
        images : torch.Tensor [shape=(n, height, width), dtype=uint8]
            Images of a spectrogram store.

        Returns
        -------
        torch.Tensor [shape=(n, classes), dtype=float32]
            One logit per genre.
        """
        return self.head(self.blocks(self.inputs(images)))
