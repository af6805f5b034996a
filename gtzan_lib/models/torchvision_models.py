"""Import of torchvision's models, also with a PyTorch it was not compiled for.

Torchvision's compiled operators load only with the PyTorch version that they were
compiled for, and its import fails where two of them are missing. Its models use
none of them: declaring their names is enough.
"""

from __future__ import annotations

import functools
from types import ModuleType

import torch

from ..errors import ModelError

__all__ = ["models"]

_OPERATORS = {
    "torchvision::nms": "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "torchvision::qnms": "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
}


@functools.cache
def models() -> ModuleType:
    """Import `torchvision.models`.

    Returns
    -------
    module
        The module. Nothing is downloaded.

    Raises
    ------
    ModelError
        If torchvision is not installed.
    """
    try:
        from torchvision import models
    except ImportError as error:
        raise ModelError(
            f"ResNet-34 needs the package torchvision, which cannot be imported ({error}); run "
            "python -m pip install torchvision, or choose another architecture."
        ) from error
    except RuntimeError:
        for name, signature in _OPERATORS.items():
            if not hasattr(torch.ops.torchvision, name.split("::")[1]):
                torch.library.define(name, signature)
        from torchvision import models
    return models
