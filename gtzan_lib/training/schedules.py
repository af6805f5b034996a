"""Learning-rate schedules."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from skorch import NeuralNetClassifier
from skorch.callbacks import Callback

__all__ = ["SCHEDULES", "LearningRateSchedule"]

SCHEDULES: dict[str, Callable[[int, int], float]] = {
    "halfway": lambda epoch, epochs: 1.0 if epoch < -(-epochs // 2) else 0.25,
    "cosine": lambda epoch, epochs: 0.5 * (1 + math.cos(math.pi * epoch / epochs)),
    "constant": lambda epoch, epochs: 1.0,
}
"""Factors of the learning rate, by epoch (from 0) and number of epochs."""


class LearningRateSchedule(Callback):
    """Sets the learning rate at the beginning of every epoch.

    Parameters
    ----------
    schedule : str
        A name of `SCHEDULES`.
    """

    def __init__(self, schedule: str) -> None:
        self.schedule = schedule

    def on_epoch_begin(self, net: NeuralNetClassifier, **kwargs: Any) -> None:
        """Set the learning rate of the epoch, and record it in the history."""
        factor = SCHEDULES[self.schedule](len(net.history) - 1, net.max_epochs)
        for group in net.optimizer_.param_groups:
            group["lr"] = net.lr * factor
        net.history.record("learning_rate", net.lr * factor)
