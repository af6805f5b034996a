"""Networks by the names that parameters and model folders use."""

from __future__ import annotations

import inspect
from typing import Any

from torch import nn

from ..errors import ModelError
from .minivgg import MiniVGG
from .recurrent import CRNN, TrackNet
from .resnet import ResNet34, ResNet34Features

__all__ = ["ARCHITECTURES", "build", "input_axes"]

ARCHITECTURES: dict[str, type[nn.Module]] = {
    "minivgg": MiniVGG,
    "resnet34": ResNet34,
    "resnet34-features": ResNet34Features,
    "crnn": CRNN,
    "tracknet": TrackNet,
}
"""All networks by name."""


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
