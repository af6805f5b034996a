"""Torchvision's models, also beside a PyTorch that its operators were not built for.

Torchvision's compiled operators load only beside the PyTorch they were built
for, and its import stops where two of them are missing. Its models need none of
them: declaring their names is enough.
"""

from __future__ import annotations

import functools
from types import ModuleType

import torch

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
        It, with fresh weights to be had and none to be downloaded.
    """
    try:
        from torchvision import models
    except RuntimeError:
        for name, signature in _OPERATORS.items():
            if not hasattr(torch.ops.torchvision, name.split("::")[1]):
                torch.library.define(name, signature)
        from torchvision import models
    return models
