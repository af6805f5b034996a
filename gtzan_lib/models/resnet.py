"""ResNet-34 on spectrograms, alone or with features beside the image."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import nn

from .layers import FeatureScaler, ImageInput
from .torchvision_models import models

__all__ = ["ResNet34", "ResNet34Features"]


class ResNet34(nn.Module):
    """Torchvision's ResNet-34, from fresh weights, with one input channel.

    Parameters
    ----------
    classes : int
        Number of genres.
    size : int or (int, int)
        Height and width of the images; any will do, since the last layer pools.
    inputs : {"grey", "bands"}
        See `gtzan_lib.models.layers.ImageInput`.

    Notes
    -----
    The book page "CNN: ResNet-34 on 3 s" trains it.

    References
    ----------
    K. He, X. Zhang, S. Ren and J. Sun, "Deep residual learning for image
    recognition", CVPR 2016, table 1.
    """

    def __init__(
        self, classes: int = 10, *, size: int | Sequence[int] = 512, inputs: str = "grey"
    ) -> None:
        super().__init__()
        self.inputs = ImageInput(inputs)
        self.trunk = _trunk()
        self.head = nn.Linear(_WIDTH, classes)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return the logits of images.

        Parameters
        ----------
        images : torch.Tensor [shape=(n, height, width), dtype=uint8]
            Images as they lie in a store.

        Returns
        -------
        torch.Tensor [shape=(n, classes), dtype=float32]
            One logit a genre.
        """
        return self.head(self.trunk(self.inputs(images)))


class ResNet34Features(nn.Module):
    """ResNet-34 whose last layer also sees a window's features.

    Parameters
    ----------
    classes : int
        Number of genres.
    size : int or (int, int)
        Height and width of the images; any will do.
    features : int
        How many features a window has.
    hidden : int
        Units of the layer that joins both.
    dropout : float
        Share of its inputs that are dropped while training.
    inputs : {"grey", "bands"}
        See `gtzan_lib.models.layers.ImageInput`.

    Notes
    -----
    Features are scaled with mean and standard deviation of the training part,
    which are kept with the weights. The book page "CNN: ResNet-34 and features"
    trains it.
    """

    def __init__(
        self,
        classes: int = 10,
        *,
        size: int | Sequence[int] = 512,
        features: int = 57,
        hidden: int = 256,
        dropout: float = 0.3,
        inputs: str = "grey",
    ) -> None:
        super().__init__()
        self.inputs = ImageInput(inputs)
        self.trunk = _trunk()
        self.scale = FeatureScaler(features)
        self.head = nn.Sequential(
            nn.Dropout(dropout),
            nn.Linear(_WIDTH + features, hidden),
            nn.ReLU(inplace=True),
            nn.Linear(hidden, classes),
        )

    def learn_inputs(self, rows: dict[str, np.ndarray]) -> None:
        """Take the features' scale from the training part, before training."""
        self.scale.learn(torch.from_numpy(np.asarray(rows["features"])))

    def forward(self, images: torch.Tensor, features: torch.Tensor) -> torch.Tensor:
        """Return the logits of images with their features.

        Parameters
        ----------
        images : torch.Tensor [shape=(n, height, width), dtype=uint8]
            Images as they lie in a store.
        features : torch.Tensor [shape=(n, features)]
            Of the same windows, unscaled.

        Returns
        -------
        torch.Tensor [shape=(n, classes), dtype=float32]
            One logit a genre.
        """
        seen = self.trunk(self.inputs(images))
        return self.head(torch.cat([seen, self.scale(features).to(seen.dtype)], dim=1))


_WIDTH = 512


def _trunk() -> nn.Module:
    net = models().resnet34(weights=None)
    net.conv1 = nn.Conv2d(1, 64, kernel_size=7, stride=2, padding=3, bias=False)
    nn.init.kaiming_normal_(net.conv1.weight, mode="fan_out", nonlinearity="relu")
    net.fc = nn.Identity()
    return net
