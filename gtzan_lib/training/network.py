"""A skorch net with augmentation, mixed precision, early stopping and checkpoints."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import numpy as np
import torch
from skorch import NeuralNetClassifier
from skorch.dataset import unpack_data

from ..errors import ModelError
from .augmentation import Augmentation
from .dataset import ArrayDataset
from .resuming import Resume
from .stopping import EarlyStopping

__all__ = ["SkorchNet"]


def _unchanged(batch: Any) -> Any:
    return batch


class SkorchNet(NeuralNetClassifier):
    """skorch's classifier, with augmentation, mixed precision and resumable training.

    Parameters
    ----------
    module : callable
        Builds the net.
    augment : Augmentation
        The augmentation of training batches.
    mixed : bool
        Whether to use automatic mixed precision with bfloat16.
    channels_last : bool
        Whether to use the channels-last memory format.
    **kwargs
        Parameters of `skorch.NeuralNetClassifier`.
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
            iterator_train__collate_fn=_unchanged,
            iterator_valid__collate_fn=_unchanged,
            # A separate generator, so that validation does not change the random numbers
            # of training.
            iterator_valid__generator=torch.Generator(),
            verbose=0,
            **kwargs,
        )
        self.augment = augment
        self.mixed = mixed
        self.channels_last = channels_last

    @property
    def bare_module(self) -> torch.nn.Module:
        """The net without the wrapper of `torch.compile`."""
        module: torch.nn.Module = self.module_
        return getattr(module, "_orig_mod", module)

    def initialize_module(self) -> SkorchNet:
        """Build the net in its memory format."""
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
        """Augment a batch, compute the gradients, and return loss and logits."""
        self._set_training(True)
        inputs, labels = unpack_data(batch)
        inputs, targets = self.augment(inputs, labels, len(self.classes))
        logits = self.infer(inputs, **fit_params)
        loss = self.get_loss(logits, targets, X=inputs, training=True)
        if not torch.isfinite(loss):
            raise self._diverged()
        loss.backward()
        return {"loss": loss, "y_pred": logits}

    def _diverged(self) -> ModelError:
        return ModelError(
            f"the loss is not finite in epoch {len(self.history)}; lower learning_rate "
            f"{self.lr:g}, or look for values out of range in the data."
        )

    def train(self, X: Any, labels: np.ndarray) -> SkorchNet:
        """Train to the last epoch, from the checkpoint if there is one.

        Parameters
        ----------
        X : np.ndarray or dict of np.ndarray
            Inputs.
        labels : np.ndarray [shape=(n,), dtype=int64]
            Indices of genres.

        Returns
        -------
        SkorchNet
            Itself.

        Raises
        ------
        KeyboardInterrupt
            If the training was interrupted, which skorch would ignore.
        """
        data = ArrayDataset(X, labels, device=str(self.device))
        callbacks = dict(self.callbacks_)
        stopping: EarlyStopping = callbacks["stopping"]
        resume: Resume = callbacks["resume"]
        resume.prepare(self, data)
        if not stopping.is_finished(self):
            self.partial_fit(data, epochs=self.max_epochs - len(self.history))
            if not stopping.is_finished(self):
                raise KeyboardInterrupt
        if stopping.best_:
            self.bare_module.load_state_dict(stopping.best_)
        # Finite weights can still be so large that predictions are not finite.
        sample = ArrayDataset(data.take(self.batch_size))
        if not np.isfinite(self.predict_proba(sample)).all():
            raise self._diverged()
        return self
