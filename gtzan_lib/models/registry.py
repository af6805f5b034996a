"""Networks by the names that parameters and model folders use."""

from __future__ import annotations

import inspect
from typing import Any

from torch import nn

from ..errors import ModelError
from .minivgg import MiniVGG
from .recurrent import CRNN, TrackNet
from .resnet import ResNet34, ResNet34Features

__all__ = ["ARCHITECTURES", "DESCRIPTIONS", "build", "describe", "input_axes"]

ARCHITECTURES: dict[str, type[nn.Module]] = {
    "minivgg": MiniVGG,
    "resnet34": ResNet34,
    "resnet34-features": ResNet34Features,
    "crnn": CRNN,
    "tracknet": TrackNet,
}
"""All networks by name."""

DESCRIPTIONS = {
    "minivgg": (
        "MiniVGG is a stack of blocks of two convolutions of 3 x 3 pixels. Every block halves the "
        "image, so that later blocks combine longer times and wider bands of frequencies."
    ),
    "resnet34": (
        "ResNet-34 has 34 layers with weights. Every two convolutions have a shortcut, which adds "
        "their input to their output, so that so deep a net can be trained."
    ),
    "resnet34-features": (
        "ResNet-34 reads the image, and its last layers also get the features of the window, so "
        "that the net need not learn from images what is already known."
    ),
    "crnn": (
        "One convolution reads the image, and a recurrent net (LSTM) processes the columns of its "
        "output in the order of time."
    ),
    "tracknet": (
        "A convolutional net reads each window of a track, and a recurrent net (LSTM) processes "
        "the windows in the order of time."
    ),
}
"""What is special about each network, in one or two sentences, by name."""


def build(name: str, **arguments: Any) -> nn.Module:
    """Build a network with random initial weights.

    Parameters
    ----------
    name : str
        A key of `ARCHITECTURES`.
    **arguments
        Arguments of the network's class.

    Returns
    -------
    torch.nn.Module
        The network.

    Raises
    ------
    ModelError
        If the name or an argument is unknown.
    """
    try:
        return _network_class(name)(**arguments)
    except (TypeError, ValueError, RuntimeError) as error:
        reason = str(error).splitlines()[0]
        raise ModelError(f"architecture {name!r} cannot be built: {reason}.") from error


def describe(name: str, *, head: str = "flatten", inputs: str = "grey") -> str:
    """Say what is special about a network.

    Parameters
    ----------
    name : str
        A key of `ARCHITECTURES`.
    head, inputs : str
        Arguments of the network.

    Returns
    -------
    str
        A few sentences.

    Raises
    ------
    ModelError
        If the name is unknown.
    """
    _network_class(name)
    sentences = [DESCRIPTIONS[name]]
    if head == "pool":
        sentences.append(
            "Its output layer gets the mean of every channel over the image, not all pixels of "
            "the channels, which saves weights and makes it less important where a sound is."
        )
    if inputs == "bands":
        sentences.append(
            "Every band of an image is standardised first, so that the level and the frequency "
            "response of a recording have no effect."
        )
    return " ".join(sentences)


def input_axes(name: str) -> dict[str, int]:
    """Return the inputs of a network.

    Parameters
    ----------
    name : str
        A key of `ARCHITECTURES`.

    Returns
    -------
    dict of str to int
        Number of axes of each input by name: `images` 3, or 4 for a network that
        takes the windows of a track; `features` 2.

    Raises
    ------
    ModelError
        If the name is unknown.
    """
    network = _network_class(name)
    images = getattr(network, "image_axes", 3)
    names = [key for key in inspect.signature(network.forward).parameters if key != "self"]
    return {key: 2 if key == "features" else images for key in names}


def _network_class(name: str) -> type[nn.Module]:
    if not isinstance(name, str) or name not in ARCHITECTURES:
        known = ", ".join(sorted(ARCHITECTURES))
        raise ModelError(f"there is no architecture {name!r}; choose one of {known}.")
    return ARCHITECTURES[name]
