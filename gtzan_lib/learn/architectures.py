"""Nets by name, as parameters and model folders call them."""

from __future__ import annotations

from typing import Any

from torch import nn

from ..errors import ModelError
from .minivgg import MiniVGG
from .recurrent import CRNN, TrackNet
from .resnet import ResNet34, ResNet34Features

__all__ = ["ARCHITECTURES", "build"]

ARCHITECTURES: dict[str, type[nn.Module]] = {
    "minivgg": MiniVGG,
    "resnet34": ResNet34,
    "resnet34-features": ResNet34Features,
    "crnn": CRNN,
    "tracknet": TrackNet,
}
"""Every net that a notebook can name."""


def build(name: str, **arguments: Any) -> nn.Module:
    """Make a net with fresh weights.

    Parameters
    ----------
    name : str
        A key of `ARCHITECTURES`.
    **arguments
        Passed to the net's class.

    Returns
    -------
    torch.nn.Module
        The net.

    Raises
    ------
    ModelError
        If the name or an argument is unknown.
    """
    if name not in ARCHITECTURES:
        known = ", ".join(sorted(ARCHITECTURES))
        raise ModelError(f"there is no architecture {name!r}; choose one of {known}.")
    try:
        return ARCHITECTURES[name](**arguments)
    except (TypeError, ValueError, RuntimeError) as error:
        reason = str(error).splitlines()[0]
        raise ModelError(f"architecture {name!r} cannot be built: {reason}.") from error
