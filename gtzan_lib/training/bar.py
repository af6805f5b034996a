"""The progress bar of a training."""

from __future__ import annotations

from typing import Any

from skorch import NeuralNetClassifier
from skorch.callbacks import Callback

from ..progress import progress_bar

__all__ = ["TrainingBar"]


class TrainingBar(Callback):
    """A progress bar that counts batches.

    Parameters
    ----------
    progress : bool
        Whether to show the bar, if on a terminal.
    """

    def __init__(self, progress: bool) -> None:
        self.progress = progress

    def on_train_begin(
        self, net: NeuralNetClassifier, X: Any = None, y: Any = None, **kwargs: Any
    ) -> None:
        """Count the remaining batches and show the bar."""
        batches = len(net.get_iterator(X, training=True))
        remaining = batches * (net.max_epochs - len(net.history))
        self.bar_ = progress_bar(range(remaining), "Training", remaining, show=self.progress)

    def on_batch_end(self, net: NeuralNetClassifier, training: bool = False, **kwargs: Any) -> None:
        """Advance by one batch."""
        if training:
            next(self.bar_, None)

    def on_train_end(self, net: NeuralNetClassifier, **kwargs: Any) -> None:
        """Remove the bar."""
        next(self.bar_, None)
        self.bar_.close()
