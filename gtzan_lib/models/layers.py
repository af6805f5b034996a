"""Layers that several networks share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, runtime_checkable

import torch
from torch import nn

from ..errors import ModelError

__all__ = ["INPUTS", "FeatureScaler", "FitsInputs", "ImageInput", "conv_blocks", "image_shape"]

INPUTS = ("grey", "bands")
"""Image inputs of a network: grey levels, or every mel band standardised."""


def image_shape(size: int | Sequence[int]) -> tuple[int, int]:
    """Return height and width of an image size, which is one number or two."""
    height, width = (size, size) if isinstance(size, int) else size
    return int(height), int(width)


class ImageInput(nn.Module):
    """Converts stored grey levels into the input of a convolution.

    Parameters
    ----------
    inputs : {"grey", "bands"}
        `grey`: levels from 0 to 1. `bands`: every row (mel band) of every image
        with mean 0 and standard deviation 1, so that the result does not depend
        on a recording's level or frequency response, nor on a recipe's scale.

    Raises
    ------
    ModelError
        If `inputs` is neither.
    """

    def __init__(self, inputs: str = "grey") -> None:
        super().__init__()
        if inputs not in INPUTS:
            raise ModelError(f"there are no inputs {inputs!r}; choose one of {', '.join(INPUTS)}.")
        self.inputs = inputs

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return images with a channel axis, from 0 to 1 or standardised per mel band.

        Parameters
        ----------
        images : torch.Tensor [shape=(n, height, width)]
            Grey levels from 0 to 255, of any type.

        Returns
        -------
        torch.Tensor [shape=(n, 1, height, width), dtype=float32]
            The same images.
        """
        levels = images.unsqueeze(1).float().div(255)
        if self.inputs == "grey":
            return levels
        spread, mean = torch.std_mean(levels, dim=-1, keepdim=True, correction=0)
        # Noise below one grey level is not amplified to full scale.
        return (levels - mean) / spread.clamp(min=1 / 255)


@runtime_checkable
class FitsInputs(Protocol):
    """A network that is fitted to the inputs of the training part, before training."""

    def fit_inputs(self, rows: Any) -> None:
        """Compute what the network needs of its inputs, such as the scaling of features."""


class FeatureScaler(nn.Module):
    """Standardises features with the mean and standard deviation of the training part.

    Both are saved with the weights.

    Parameters
    ----------
    features : int
        Number of features.
    """

    mean: torch.Tensor
    spread: torch.Tensor

    def __init__(self, features: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(features))
        self.register_buffer("spread", torch.ones(features))

    def fit(self, values: torch.Tensor) -> None:
        """Compute mean and standard deviation of the values of the training part."""
        spread, mean = torch.std_mean(values.double(), dim=0, correction=0)
        self.mean.copy_(mean)
        self.spread.copy_(torch.where(spread > 0, spread, 1.0))

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        """Return the values, standardised with the statistics of the training part."""
        return ((values - self.mean) / self.spread).float()


def conv_blocks(
    channels: Sequence[int], dropout: float, size: int | Sequence[int]
) -> nn.Sequential:
    """Return blocks of two convolutions, each of which halves the images.

    A block is convolution, ReLU and batch normalisation twice, pooling by two
    and dropout of whole channels.

    Parameters
    ----------
    channels : sequence of int
        Channels of each block.
    dropout : float
        Share of channels that a block drops in training.
    size : int or (int, int)
        Height and width of the images.

    Returns
    -------
    torch.nn.Sequential
        Blocks from one channel to `channels[-1]`.

    Raises
    ------
    ModelError
        If the images are too small for that many blocks.
    """
    height, width = image_shape(size)
    if min(height, width) >> len(channels) < 1:
        raise ModelError(
            f"images of {height} x {width} are too small for {len(channels)} blocks, each of which "
            f"halves them; use a size of at least {2 ** len(channels)}."
        )
    ins = (1, *channels[:-1])
    return nn.Sequential(*(_block(i, o, dropout) for i, o in zip(ins, channels, strict=True)))


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
