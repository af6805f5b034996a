"""Recurrent networks over the columns of a window, or over the windows of a track."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from .layers import ImageInput, conv_blocks, image_shape

__all__ = ["CRNN", "TrackNet"]


class CRNN(nn.Module):
    """A convolution, followed by a bidirectional LSTM over the columns of the image.

    Parameters
    ----------
    classes : int
        Number of genres.
    size : int or (int, int)
        Height and width of the images in pixels.
    channels : int
        Channels of the convolution.
    hidden : int
        Units of the LSTM, in each direction.
    layers : int
        Layers of the LSTM.
    dropout : float
        Share that is dropped in training: of channels, between the layers of the
        LSTM, and before the output layer.
    inputs : {"grey", "bands"}
        See `gtzan_lib.models.layers.ImageInput`.

    Notes
    -----
    The original project designed it and never trained it. The book page "RNN:
    columns of a window" does.

    References
    ----------
    K. Choi, G. Fazekas, M. Sandler and K. Cho, "Convolutional recurrent neural
    networks for music classification", ICASSP 2017.
    """

    def __init__(
        self,
        classes: int = 10,
        *,
        size: int | Sequence[int] = 512,
        channels: int = 16,
        hidden: int = 64,
        layers: int = 2,
        dropout: float = 0.3,
        inputs: str = "grey",
    ) -> None:
        super().__init__()
        self.inputs = ImageInput(inputs)
        self.front = nn.Sequential(
            nn.Conv2d(1, channels, 3, padding=1),
            nn.BatchNorm2d(channels),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(2),
            nn.Dropout2d(dropout),
        )
        rows = image_shape(size)[0] // 2
        self.lstm = nn.LSTM(
            channels * rows,
            hidden,
            layers,
            batch_first=True,
            bidirectional=True,
            dropout=dropout if layers > 1 else 0.0,
        )
        self.head = nn.Sequential(nn.Dropout(dropout), nn.Linear(2 * hidden, classes))

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
        maps = self.front(self.inputs(images))
        columns = maps.permute(0, 3, 1, 2).flatten(2)
        _, (last, _) = self.lstm(columns)
        # The final hidden state of each direction of the last layer.
        return self.head(torch.cat([last[-2], last[-1]], dim=1))


class TrackNet(nn.Module):
    """A convolutional network for each window, then an LSTM over the windows of a track.

    Parameters
    ----------
    classes : int
        Number of genres.
    size : int or (int, int)
        Height and width of a window's image in pixels.
    channels : sequence of int
        Channels of the blocks, as in `MiniVGG`.
    hidden : int
        Units of the LSTM, in each direction.
    dropout : float
        Share that is dropped in training.
    inputs : {"grey", "bands"}
        See `gtzan_lib.models.layers.ImageInput`.

    Notes
    -----
    The original project named it as future work. The book page "RNN: windows of
    a track" trains it.
    """

    image_axes = 4

    def __init__(
        self,
        classes: int = 10,
        *,
        size: int | Sequence[int] = 512,
        channels: Sequence[int] = (16, 32, 64, 128),
        hidden: int = 64,
        dropout: float = 0.1,
        inputs: str = "grey",
    ) -> None:
        super().__init__()
        self.inputs = ImageInput(inputs)
        self.blocks = conv_blocks(channels, dropout, size)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.lstm = nn.LSTM(channels[-1], hidden, batch_first=True, bidirectional=True)
        self.head = nn.Sequential(nn.Dropout(dropout), nn.Linear(2 * hidden, classes))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return the logits of tracks.

        Parameters
        ----------
        images : torch.Tensor [shape=(n, windows, height, width), dtype=uint8]
            The windows of tracks, in order.

        Returns
        -------
        torch.Tensor [shape=(n, classes), dtype=float32]
            One logit per genre.
        """
        tracks, windows = images.shape[:2]
        embeddings = self.pool(self.blocks(self.inputs(images.flatten(0, 1)))).flatten(1)
        hidden, _ = self.lstm(embeddings.unflatten(0, (tracks, windows)))
        return self.head(hidden.mean(dim=1))
