"""The end of a training: after the last epoch, or early."""

from __future__ import annotations

import copy
import math
from typing import Any

import torch
from skorch import NeuralNetClassifier
from skorch.callbacks import Callback

__all__ = ["EarlyStopping", "StopTraining"]


class EarlyStopping(Callback):
    """Monitors the validation loss, stores the best weights, and decides when to stop.

    Parameters
    ----------
    patience : int, optional
        Epochs without a lower validation loss before training stops. Default:
        train to the last epoch and use its weights.

    Attributes
    ----------
    best_ : dict of str to torch.Tensor
        The weights of the epoch with the lowest loss; empty without patience.
    lowest_ : float
        The lowest validation loss.
    misses_ : int
        Epochs since the lowest loss.
    done_ : bool
        Whether patience has run out.
    completed_ : int
        Number of completed epochs.
    """

    def __init__(self, patience: int | None) -> None:
        self.patience = patience

    def initialize(self) -> EarlyStopping:
        """Reset the state."""
        self.best_: dict[str, torch.Tensor] = {}
        self.lowest_, self.misses_, self.done_ = math.inf, 0, False
        self.completed_ = 0
        return self

    def on_epoch_end(self, net: NeuralNetClassifier, **kwargs: Any) -> None:
        """Compare the epoch's validation loss with the lowest one."""
        if self.patience is not None:
            loss = net.history[-1, "valid_loss"]
            if loss < self.lowest_:
                self.lowest_, self.misses_ = loss, 0
                self.best_ = copy.deepcopy(net.bare_module.state_dict())
            else:
                self.misses_ += 1
                self.done_ = self.misses_ >= self.patience
        self.completed_ = len(net.history)

    def is_finished(self, net: NeuralNetClassifier) -> bool:
        """Return whether no epoch is left."""
        return self.done_ or self.completed_ >= net.max_epochs

    def state(self) -> dict[str, Any]:
        """Return the state without the weights, as JSON types."""
        return {
            "lowest": self.lowest_ if self.best_ else None,
            "misses": self.misses_,
            "done": self.done_,
        }

    def restore(self, state: dict[str, Any], best: dict[str, torch.Tensor], completed: int) -> None:
        """Restore a state, the best weights and the number of completed epochs."""
        self.best_ = best
        self.lowest_ = math.inf if state["lowest"] is None else state["lowest"]
        self.misses_, self.done_ = state["misses"], state["done"]
        self.completed_ = completed


class StopTraining(Callback):
    """Ends the training when patience has run out, after the checkpoint is written.

    Parameters
    ----------
    stopping : EarlyStopping
        The early stopping that decides.
    """

    def __init__(self, stopping: EarlyStopping) -> None:
        self.stopping = stopping

    def on_epoch_end(self, net: NeuralNetClassifier, **kwargs: Any) -> None:
        """Raise the exception with which skorch ends a training."""
        if self.stopping.done_:
            raise KeyboardInterrupt
