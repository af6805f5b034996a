"""The state of a training after an epoch, as a file that no pickle is needed for.

A checkpoint is one safetensors file: tensors under names, and everything else as
JSON in its header.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any, NamedTuple

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from ..files import atomic_path

__all__ = ["Checkpoint", "flatten", "part_of", "read", "write"]


class Checkpoint(NamedTuple):
    """All that a training needs to go on as if it had never stopped.

    Attributes
    ----------
    tensors : dict of str to torch.Tensor
        Weights, the optimizer's moments, random states.
    state : dict
        Everything that JSON can hold.
    """

    tensors: dict[str, torch.Tensor]
    state: dict[str, Any]


def write(path: Path, checkpoint: Checkpoint) -> None:
    """Write a checkpoint, whole or not at all.

    Parameters
    ----------
    path : Path
        The file.
    checkpoint : Checkpoint
        What to keep.
    """
    # A file must not hold one memory twice, and holds all in one order.
    tensors = {
        name: value.detach().cpu().clone(memory_format=torch.contiguous_format)
        for name, value in checkpoint.tensors.items()
    }
    state = json.dumps(checkpoint.state)
    content = save(tensors, {"state": state, "sha256": _digest(tensors, state)})
    with atomic_path(path) as temporary:
        temporary.write_bytes(content)


def read(path: Path) -> Checkpoint | None:
    """Read a checkpoint.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    Checkpoint or None
        None where there is none, or a damaged one: training then begins anew.
    """
    try:
        with safe_open(path, "pt") as file:
            kept = file.metadata()
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            if kept["sha256"] != _digest(tensors, kept["state"]):
                return None
            return Checkpoint(tensors, json.loads(kept["state"]))
    except (OSError, SafetensorError, ValueError, KeyError, TypeError):
        return None


def _digest(tensors: dict[str, torch.Tensor], state: str) -> str:
    digest = hashlib.sha256(state.encode())
    for name in sorted(tensors):
        value = tensors[name]
        digest.update(f"{name} {value.dtype} {tuple(value.shape)}".encode())
        digest.update(value.reshape(-1).view(torch.uint8).numpy())
    return digest.hexdigest()


def flatten(parts: dict[str, dict[Any, Any]]) -> dict[str, torch.Tensor]:
    """Give the tensors of several dictionaries names in one.

    Parameters
    ----------
    parts : dict of dict
        Tensors by part and key.

    Returns
    -------
    dict of str to torch.Tensor
        The same by `part/key`.
    """
    return {f"{part}/{key}": value for part, own in parts.items() for key, value in own.items()}


def part_of(tensors: dict[str, torch.Tensor], part: str) -> dict[str, torch.Tensor]:
    """Take the tensors of one part out again.

    Parameters
    ----------
    tensors : dict of str to torch.Tensor
        As from `flatten`.
    part : str
        Which part.

    Returns
    -------
    dict of str to torch.Tensor
        By key.
    """
    start = f"{part}/"
    return {key[len(start) :]: value for key, value in tensors.items() if key.startswith(start)}
