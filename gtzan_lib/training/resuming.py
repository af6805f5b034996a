"""Resuming an interrupted training from its checkpoint."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from skorch import NeuralNetClassifier
from skorch.callbacks import Callback
from skorch.history import History

from ..digests import package_digest
from ..errors import ModelError
from ..models.registry import ARCHITECTURES
from . import checkpoints
from .checkpoints import Checkpoint
from .dataset import ArrayDataset
from .stopping import EarlyStopping

__all__ = ["Resume", "training_digest"]

# The modules that determine the weights, in addition to the module of the net.
_MODULES = (
    "models.layers",
    "models.registry",
    "models.torchvision_models",
    "training.augmentation",
    "training.classifier",
    "training.dataset",
    "training.network",
    "training.resuming",
    "training.schedules",
    "training.stopping",
)


def training_digest(architecture: str) -> str:
    """Return a digest of the code that determines the weights of a trained net.

    Parameters
    ----------
    architecture : str
        A name of `gtzan_lib.models.registry.ARCHITECTURES`; the modules of
        other nets are not included.

    Returns
    -------
    str
        Eight hexadecimal digits.
    """
    net = ARCHITECTURES[architecture].__module__.split(".", 1)[1]
    return package_digest(*{net, *_MODULES})[:8]


class Resume(Callback):
    """Writes a checkpoint after every epoch, and restores the one of the same training.

    Parameters
    ----------
    identity : dict
        Settings that the weights depend on.
    folder : str or Path, optional
        Folder of the checkpoints. Default: none are written.
    stopping : EarlyStopping
        The early stopping, whose state is part of the checkpoint.
    """

    def __init__(
        self, identity: dict[str, Any], folder: str | Path | None, stopping: EarlyStopping
    ) -> None:
        self.identity = identity
        self.folder = folder
        self.stopping = stopping

    def initialize(self) -> Resume:
        """Start without a checkpoint."""
        self.file_: Path | None = None
        return self

    def prepare(self, net: NeuralNetClassifier, data: ArrayDataset) -> None:
        """Find the checkpoint of this training and restore it."""
        if self.folder is None:
            return
        architecture = self.identity["architecture"]
        code = training_digest(architecture)
        try:
            Path(self.folder).mkdir(parents=True, exist_ok=True)
            _remove_outdated(Path(self.folder), architecture, code)
        except OSError as error:
            raise ModelError(
                f"{self.folder}: cannot hold checkpoints ({error.strerror}); name another folder."
            ) from error
        name = f"{architecture}-{code}-{_training_id(self.identity, net, data)}.safetensors"
        self.file_ = Path(self.folder) / name
        try:
            checkpoint = checkpoints.read(self.file_)
        except ImportError as error:
            raise ModelError(
                "checkpoints need the package safetensors, which is not installed; run "
                "python -m pip install safetensors, or leave checkpoint out."
            ) from error
        if checkpoint is not None:
            self._restore(net, checkpoint)

    def on_epoch_end(self, net: NeuralNetClassifier, **kwargs: Any) -> None:
        """Write the checkpoint."""
        if self.file_ is not None:
            checkpoints.write(self.file_, self._state(net))

    def _state(self, net: NeuralNetClassifier) -> Checkpoint:
        optimizer = net.optimizer_.state_dict()
        moments = {
            f"{number}/{name}": value
            for number, values in optimizer["state"].items()
            for name, value in values.items()
        }
        random = {"cpu": torch.get_rng_state()}
        if str(net.device).startswith("cuda"):
            random["cuda"] = torch.cuda.get_rng_state(net.device)
        parts = {
            "net": net.bare_module.state_dict(),
            "best": self.stopping.best_,
            "random": random,
        }
        # A finished training does not need the moments, twice the size of the weights.
        if not self.stopping.is_finished(net):
            parts["optimizer"] = moments
        history = [
            {key: value for key, value in epoch.items() if key != "batches"}
            for epoch in net.history
        ]
        state = {"history": history, **self.stopping.state()}
        return Checkpoint(checkpoints.flatten_parts(parts), state)

    def _restore(self, net: NeuralNetClassifier, checkpoint: Checkpoint) -> None:
        tensors, state = checkpoint
        net.bare_module.load_state_dict(checkpoints.tensors_of(tensors, "net"))
        net.history_ = History({**epoch, "batches": []} for epoch in state["history"])
        best = checkpoints.tensors_of(tensors, "best")
        self.stopping.restore(state, best, len(net.history))
        if self.stopping.is_finished(net):
            return
        weights = [weight for group in net.optimizer_.param_groups for weight in group["params"]]
        moments: dict[int, dict[str, torch.Tensor]] = {}
        for key, value in checkpoints.tensors_of(tensors, "optimizer").items():
            number, name = key.split("/")
            weight = weights[int(number)]
            if value.shape == weight.shape:
                # The fused optimizer needs moments in the memory format of the weights.
                value = torch.empty_like(weight, dtype=value.dtype).copy_(value)
            moments.setdefault(int(number), {})[name] = value
        groups = net.optimizer_.state_dict()["param_groups"]
        net.optimizer_.load_state_dict({"state": moments, "param_groups": groups})
        random = checkpoints.tensors_of(tensors, "random")
        torch.set_rng_state(random["cpu"])
        if "cuda" in random:
            torch.cuda.set_rng_state(random["cuda"], net.device)


def _remove_outdated(folder: Path, architecture: str, code: str) -> None:
    """Remove checkpoints of the same architecture by other code, which are never restored."""
    pattern = re.compile(re.escape(architecture) + r"-([0-9a-f]{8})-[0-9a-f]{16}")
    for file in folder.glob("*.safetensors"):
        name = pattern.fullmatch(file.stem)
        if name and name[1] != code:
            file.unlink()


def _training_id(identity: dict[str, Any], net: NeuralNetClassifier, data: ArrayDataset) -> str:
    """Return a digest of the settings and data that a training depends on."""
    digest = hashlib.sha256(f"{sorted(identity.items())} {torch.__version__}".encode())
    digest.update(str(net.device).encode())
    valid = net.train_split.keywords["valid_ds"] if net.train_split else None
    for part in (data, valid):
        if part is not None:
            for values in (part.y, *(part.X.values() if isinstance(part.X, Mapping) else [part.X])):
                digest.update(f"{values.dtype} {values.shape}".encode())
                digest.update(np.ascontiguousarray(values).data)
    return digest.hexdigest()[:16]
