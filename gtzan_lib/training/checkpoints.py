"""Checkpoints: the state of a training after an epoch, saved without pickle.

A checkpoint is one safetensors file: named tensors, and everything else as JSON
in its header.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any, NamedTuple

import torch

from ..files import atomic_path

__all__ = ["Checkpoint", "flatten_parts", "read", "tensors_of", "write"]


class Checkpoint(NamedTuple):
    """The state that a training needs to continue to the same result.

    Attributes
    ----------
    tensors : dict of str to torch.Tensor
        Weights, moments of the optimizer, random states.
    state : dict
        The rest of the state, as JSON types.
    """

    tensors: dict[str, torch.Tensor]
    state: dict[str, Any]


def write(path: Path, checkpoint: Checkpoint) -> None:
    """Write a checkpoint atomically.

    Parameters
    ----------
    path : Path
        The file.
    checkpoint : Checkpoint
        The state.
    """
    from safetensors.torch import save

    # safetensors refuses tensors that share memory or are not contiguous.
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
        None where the file is missing or damaged; training then starts again.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, "pt") as file:
            metadata = file.metadata()
            # Copies: tensors of a mapped file keep it open, and Windows replaces no open file.
            tensors = {name: file.get_tensor(name).clone() for name in file.keys()}  # noqa: SIM118
            if metadata["sha256"] != _digest(tensors, metadata["state"]):
                return None
            return Checkpoint(tensors, json.loads(metadata["state"]))
    except (OSError, SafetensorError, ValueError, KeyError, TypeError):
        return None


def _digest(tensors: dict[str, torch.Tensor], state: str) -> str:
    digest = hashlib.sha256(state.encode())
    for name in sorted(tensors):
        value = tensors[name]
        digest.update(f"{name} {value.dtype} {tuple(value.shape)}".encode())
        digest.update(value.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


def flatten_parts(parts: dict[str, dict[Any, Any]]) -> dict[str, torch.Tensor]:
    """Merge dictionaries of tensors into one.

    Parameters
    ----------
    parts : dict of dict
        Tensors by part and key.

    Returns
    -------
    dict of str to torch.Tensor
        The tensors by `part/key`.
    """
    return {
        f"{part}/{key}": value for part, values in parts.items() for key, value in values.items()
    }


def tensors_of(tensors: dict[str, torch.Tensor], part: str) -> dict[str, torch.Tensor]:
    """Return the tensors of one part.

    Parameters
    ----------
    tensors : dict of str to torch.Tensor
        Tensors by `part/key`, as returned by `flatten`.
    part : str
        Name of the part.

    Returns
    -------
    dict of str to torch.Tensor
        Tensors by key.
    """
    prefix = f"{part}/"
    return {
        key.removeprefix(prefix): value for key, value in tensors.items() if key.startswith(prefix)
    }
