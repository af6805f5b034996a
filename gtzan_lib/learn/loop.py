"""How a net is trained: batches, steps, epochs, and what is kept between them."""

from __future__ import annotations

import copy
import hashlib
import math
import re
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import torch
from skorch import NeuralNetClassifier
from skorch.callbacks import Callback
from skorch.dataset import unpack_data
from skorch.history import History

from ..data.files import source_digest
from ..data.progress import follow
from ..errors import ModelError
from . import checkpoints
from .augmentation import Augmentation
from .checkpoints import Checkpoint

__all__ = ["SCHEDULES", "Loop", "Rows", "Steps"]

SCHEDULES: dict[str, Callable[[int, int], float]] = {
    "halfway": lambda epoch, epochs: 1.0 if epoch < -(-epochs // 2) else 0.25,
    "cosine": lambda epoch, epochs: 0.5 * (1 + math.cos(math.pi * epoch / epochs)),
    "constant": lambda epoch, epochs: 1.0,
}
"""Factors of the learning rate, by epoch (from 0) and number of epochs."""


class Rows(torch.utils.data.Dataset):
    """Arrays, given out a batch at a time.

    One indexing a batch instead of one a window, with no copy in between, is
    what keeps the net from waiting.

    Parameters
    ----------
    X : np.ndarray or dict of np.ndarray
        Inputs; memory maps stay on disk.
    y : np.ndarray [shape=(n,), dtype=int64], optional
        Numbers of genres.
    device : str
        On a GPU, inputs are brought there once and for all if they take less
        than half of what is free.
    """

    def __init__(self, X: Any, y: np.ndarray | None = None, *, device: str = "cpu") -> None:
        self.X = X
        self._inputs = dict(X) if isinstance(X, Mapping) else {"": X}
        self.length = len(next(iter(self._inputs.values())))
        self.y = np.zeros(self.length, dtype=np.int64) if y is None else np.asarray(y)
        if device.startswith("cuda"):
            size = sum(values.nbytes for values in self._inputs.values())
            if size < torch.cuda.mem_get_info(device)[0] / 2:
                self._inputs = {
                    name: torch.from_numpy(np.array(values)).to(device)
                    for name, values in self._inputs.items()
                }

    def __len__(self) -> int:
        return self.length

    def take(self, n: int) -> Any:
        """Return the first inputs, as they were given."""
        if isinstance(self.X, Mapping):
            return {name: values[:n] for name, values in self.X.items()}
        return self.X[:n]

    def __getitems__(self, rows: list[int]) -> tuple[Any, torch.Tensor]:
        """Return inputs and numbers of genres of some rows."""
        rows = np.asarray(rows)
        batch = {name: _take(values, rows) for name, values in self._inputs.items()}
        return batch.get("", batch), torch.from_numpy(self.y[rows])

    def __getitem__(self, row: int) -> tuple[Any, torch.Tensor]:
        """Return input and number of one row, as a batch of one."""
        return self.__getitems__([row])


def _take(values: Any, rows: np.ndarray) -> torch.Tensor:
    if isinstance(values, torch.Tensor):
        return values[torch.from_numpy(rows).to(values.device)]
    return torch.from_numpy(values[rows])


def _as_it_is(batch: Any) -> Any:
    return batch


class Loop(NeuralNetClassifier):
    """skorch's training loop, with augmentation, mixed precision and refusals.

    Parameters
    ----------
    module : callable
        Makes the net.
    augment : Augmentation
        What is done to training batches.
    mixed : bool
        Whether to compute in bfloat16 where that is safe.
    channels_last : bool
        How images lie in memory.
    **kwargs
        What `skorch.NeuralNetClassifier` takes.
    """

    def __init__(
        self,
        module: Callable[..., torch.nn.Module],
        *,
        augment: Augmentation = Augmentation(),  # noqa: B008 (frozen)
        mixed: bool = False,
        channels_last: bool = True,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            module,
            iterator_train__shuffle=True,
            iterator_train__collate_fn=_as_it_is,
            iterator_valid__collate_fn=_as_it_is,
            # Its own generator, lest validation shift the random numbers of training.
            iterator_valid__generator=torch.Generator(),
            verbose=0,
            **kwargs,
        )
        self.augment = augment
        self.mixed = mixed
        self.channels_last = channels_last

    @property
    def bare_module(self) -> torch.nn.Module:
        """The net itself, also where it was compiled."""
        return getattr(self.module_, "_orig_mod", self.module_)

    def initialize_module(self) -> Loop:
        """Make the net, its memory laid out."""
        super().initialize_module()
        if self.channels_last:
            self.module_.to(memory_format=torch.channels_last)
        return self

    def infer(self, x: Any, **fit_params: Any) -> torch.Tensor:
        """Return the logits of a batch."""
        kind = str(self.device).split(":")[0]
        with torch.autocast(kind, torch.bfloat16) if self.mixed else nullcontext():
            return super().infer(x, **fit_params).float()

    def train_step_single(self, batch: Any, **fit_params: Any) -> dict[str, torch.Tensor]:
        """Return loss and logits of a batch that was augmented, and compute the gradients."""
        self._set_training(True)
        rows, labels = unpack_data(batch)
        rows, targets = self.augment(rows, labels, len(self.classes))
        logits = self.infer(rows, **fit_params)
        loss = self.get_loss(logits, targets, X=rows, training=True)
        if not torch.isfinite(loss):
            raise self._diverged()
        loss.backward()
        return {"loss": loss, "y_pred": logits}

    def _diverged(self) -> ModelError:
        return ModelError(
            f"the loss is no number in epoch {len(self.history)}; lower learning_rate "
            f"{self.lr:g}, or look for values out of range in the data."
        )

    def train(self, X: Any, labels: np.ndarray) -> Loop:
        """Train to the last epoch, from a checkpoint's where there is one.

        Parameters
        ----------
        X : np.ndarray or dict of np.ndarray
            Inputs.
        labels : np.ndarray [shape=(n,), dtype=int64]
            Numbers of genres.

        Returns
        -------
        Loop
            Itself.

        Raises
        ------
        KeyboardInterrupt
            If it was interrupted, which skorch would pass over.
        """
        rows = Rows(X, labels, device=str(self.device))
        steps: Steps = dict(self.callbacks_)["steps"]
        steps.prepare(self, rows)
        if not steps.finished(self):
            self.partial_fit(rows, epochs=self.max_epochs - len(self.history))
            if not steps.finished(self):
                raise KeyboardInterrupt
        steps.conclude(self)
        # Weights may be numbers still, and too large to answer with.
        few = Rows(rows.take(self.batch_size))
        if not np.isfinite(self.predict_proba(few)).all():
            raise self._diverged()
        return self


class Steps(Callback):
    """Learning rate, early stopping, checkpoints and progress of one training.

    Parameters
    ----------
    identity : dict
        Settings that the net depends on.
    folder : str or Path, optional
        Where checkpoints are kept.
    schedule : str
        A name of `SCHEDULES`.
    patience : int, optional
        Epochs without a lower validation loss before it stops.
    progress : bool
        Show a bar, if on a terminal.
    """

    def __init__(
        self,
        identity: dict[str, Any],
        folder: str | Path | None,
        schedule: str,
        patience: int | None,
        progress: bool,
    ) -> None:
        self.identity = identity
        self.folder = folder
        self.schedule = schedule
        self.patience = patience
        self.progress = progress

    def initialize(self) -> Steps:
        """Begin anew."""
        self.best_: dict[str, torch.Tensor] = {}
        self.lowest_, self.misses_, self.done_ = math.inf, 0, False
        self.ended_ = 0
        self.file_: Path | None = None
        return self

    def prepare(self, net: Loop, rows: Rows) -> None:
        """Find the checkpoint of this training, and go back to it."""
        if self.folder is None:
            return
        code = source_digest(Path(__file__).parent.glob("*.py"))[:8]
        try:
            Path(self.folder).mkdir(parents=True, exist_ok=True)
            _clear_outdated(Path(self.folder), code)
        except OSError as error:
            raise ModelError(
                f"{self.folder}: cannot hold checkpoints ({error.strerror}); name another folder."
            ) from error
        name = f"{code}-{_name(self.identity, net, rows)}.safetensors"
        self.file_ = Path(self.folder) / name
        checkpoint = checkpoints.read(self.file_)
        if checkpoint is not None:
            self._go_back(net, checkpoint)

    def finished(self, net: Loop) -> bool:
        """Tell whether there is no epoch left to be done."""
        return self.done_ or self.ended_ >= net.max_epochs

    def conclude(self, net: Loop) -> None:
        """Take the best weights, where there was patience."""
        if self.best_:
            net.bare_module.load_state_dict(self.best_)

    def on_train_begin(self, net: Loop, X: Any = None, y: Any = None, **kwargs: Any) -> None:
        """Lay out the bar."""
        batches = len(net.get_iterator(X, training=True))
        left = batches * (net.max_epochs - len(net.history))
        self.bar_ = follow(range(left), "Training", left, show=self.progress)

    def on_epoch_begin(self, net: Loop, **kwargs: Any) -> None:
        """Set the learning rate."""
        factor = SCHEDULES[self.schedule](len(net.history) - 1, net.max_epochs)
        for group in net.optimizer_.param_groups:
            group["lr"] = net.lr * factor
        net.history.record("learning_rate", net.lr * factor)

    def on_batch_end(self, net: Loop, training: bool = False, **kwargs: Any) -> None:
        """Move the bar on."""
        if training:
            next(self.bar_, None)

    def on_epoch_end(self, net: Loop, **kwargs: Any) -> None:
        """Watch the validation loss, keep the state, and stop where it is time."""
        if self.patience is not None:
            loss = net.history[-1, "valid_loss"]
            if loss < self.lowest_:
                self.lowest_, self.misses_ = loss, 0
                self.best_ = copy.deepcopy(net.bare_module.state_dict())
            else:
                self.misses_ += 1
                self.done_ = self.misses_ >= self.patience
        self.ended_ = len(net.history)
        if self.file_ is not None:
            checkpoints.write(self.file_, self._state(net))
        if self.done_:
            # skorch's own way to end a training.
            raise KeyboardInterrupt

    def on_train_end(self, net: Loop, **kwargs: Any) -> None:
        """Take the bar away."""
        next(self.bar_, None)
        self.bar_.close()

    def _state(self, net: Loop) -> Checkpoint:
        optimizer = net.optimizer_.state_dict()
        moments = {
            f"{number}/{name}": value
            for number, own in optimizer["state"].items()
            for name, value in own.items()
        }
        random = {"cpu": torch.get_rng_state()}
        if str(net.device).startswith("cuda"):
            random["cuda"] = torch.cuda.get_rng_state(net.device)
        parts = {"net": net.bare_module.state_dict(), "best": self.best_, "random": random}
        # A finished training needs no moments any more, which take twice the room.
        if not self.finished(net):
            parts["optimizer"] = moments
        history = [
            {key: value for key, value in epoch.items() if key != "batches"}
            for epoch in net.history
        ]
        state = {
            "history": history,
            "lowest": self.lowest_ if self.best_ else None,
            "misses": self.misses_,
            "done": self.done_,
        }
        return Checkpoint(checkpoints.flatten(parts), state)

    def _go_back(self, net: Loop, checkpoint: Checkpoint) -> None:
        tensors, state = checkpoint
        net.bare_module.load_state_dict(checkpoints.part_of(tensors, "net"))
        self.best_ = checkpoints.part_of(tensors, "best")
        self.lowest_ = math.inf if state["lowest"] is None else state["lowest"]
        self.misses_, self.done_ = state["misses"], state["done"]
        net.history_ = History({**epoch, "batches": []} for epoch in state["history"])
        self.ended_ = len(net.history)
        if self.finished(net):
            return
        weights = [one for group in net.optimizer_.param_groups for one in group["params"]]
        moments: dict[int, dict[str, torch.Tensor]] = {}
        for key, value in checkpoints.part_of(tensors, "optimizer").items():
            number, name = key.split("/")
            like = weights[int(number)]
            if value.shape == like.shape:
                # In the weights' own order in memory, which the fused step takes for granted.
                value = torch.empty_like(like, dtype=value.dtype).copy_(value)
            moments.setdefault(int(number), {})[name] = value
        groups = net.optimizer_.state_dict()["param_groups"]
        net.optimizer_.load_state_dict({"state": moments, "param_groups": groups})
        random = checkpoints.part_of(tensors, "random")
        torch.set_rng_state(random["cpu"])
        if "cuda" in random:
            torch.cuda.set_rng_state(random["cuda"], net.device)


def _clear_outdated(folder: Path, code: str) -> None:
    """Remove checkpoints that other code left, which nothing goes back to any more."""
    for file in folder.glob("*.safetensors"):
        if re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{16}", file.stem) and not file.stem.startswith(code):
            file.unlink()


def _name(identity: dict[str, Any], net: Loop, rows: Rows) -> str:
    """Return a digest of all that a training depends on, beside the code."""
    digest = hashlib.sha256(f"{sorted(identity.items())} {torch.__version__}".encode())
    digest.update(str(net.device).encode())
    valid = net.train_split.keywords["valid_ds"] if net.train_split else None
    for part in (rows, valid):
        if part is not None:
            for values in (part.y, *(part.X.values() if isinstance(part.X, Mapping) else [part.X])):
                digest.update(f"{values.dtype} {values.shape}".encode())
                digest.update(np.ascontiguousarray(values))
    return digest.hexdigest()[:16]
