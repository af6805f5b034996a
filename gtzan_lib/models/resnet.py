"""ResNet-34 on spectrograms, with or without features as a second input."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import nn

from .layers import FeatureScaler, ImageInput
from .torchvision_models import models

__all__ = ["ResNet34", "ResNet34Features"]


class ResNet34(nn.Module):
    """Torchvision's ResNet-34 with random initial weights and one input channel.

    Parameters
    ----------
    classes : int
        Number of genres.
    size : int or (int, int)
        Height and width of the images; not used, since the last layer pools.
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
            Images of a spectrogram store.

        Returns
        -------
        torch.Tensor [shape=(n, classes), dtype=float32]
            One logit per genre.
        """
        return self.head(self.trunk(self.inputs(images)))


class ResNet34Features(nn.Module):
    """ResNet-34 whose last layers also take a window's features.

    Parameters
    ----------
    classes : int
        Number of genres.
    size : int or (int, int)
        Height and width of the images; not used.
    features : int
        Number of features of a window.
    hidden : int
        Units of the layer that joins image and features.
    dropout : float
        Share of this layer's inputs that is dropped in training.
    inputs : {"grey", "bands"}
        See `gtzan_lib.models.layers.ImageInput`.

    Notes
    -----
    Features are standardised with the mean and standard deviation of the
    training part, which are saved with the weights. The book page "CNN:
    ResNet-34 and features" trains it.
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

    def fit_inputs(self, rows: Mapping[str, np.ndarray]) -> None:
        """Compute the scaling of the features from the training part, before training."""
        self.scale.fit(torch.from_numpy(np.asarray(rows["features"])))

    def forward(self, images: torch.Tensor, features: torch.Tensor) -> torch.Tensor:
        """Return the logits of images with their features.

        Parameters
        ----------
        images : torch.Tensor [shape=(n, height, width), dtype=uint8]
            Images of a spectrogram store.
        features : torch.Tensor [shape=(n, features)]
            Features of the same windows, not scaled.

        Returns
        -------
        torch.Tensor [shape=(n, classes), dtype=float32]
            One logit per genre.
        """
        embedding = self.trunk(self.inputs(images))
        scaled = self.scale(features).to(embedding.dtype)
        return self.head(torch.cat([embedding, scaled], dim=1))


_WIDTH = 512


def _trunk() -> nn.Module:
    net = models().resnet34(weights=None)
    net.conv1 = nn.Conv2d(1, 64, kernel_size=7, stride=2, padding=3, bias=False)
    nn.init.kaiming_normal_(net.conv1.weight, mode="fan_out", nonlinearity="relu")
    net.fc = nn.Identity()
    return net
