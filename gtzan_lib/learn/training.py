"""Nets as scikit-learn estimators."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import torch
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.validation import check_is_fitted
from skorch import NeuralNetClassifier
from skorch.callbacks import EpochScoring, LRScheduler
from skorch.dataset import Dataset
from skorch.helper import predefined_split

from ..errors import ModelError
from .architectures import build

__all__ = ["NetClassifier"]


class NetClassifier(ClassifierMixin, BaseEstimator):
    """A net with its training, as an estimator.

    Trained with Adam on cross-entropy; at half-way the learning rate falls to a
    quarter. Defaults are the seed project's.

    Parameters
    ----------
    architecture : str
        A name of `gtzan_lib.learn.architectures.ARCHITECTURES`.
    arguments : dict, optional
        Arguments of the net beside number of classes and image size, which
        come from the data.
    epochs : int
        Passes over the training part.
    learning_rate, weight_decay : float
        Of Adam.
    batch_size : int
        Windows a step.
    device : str
        `cpu`, `cuda`, ..., or `auto`: a GPU where there is one.
    seed : int
        Of initial weights, order and dropout. Same seed, same machine and
        number of threads, same net.

    Attributes
    ----------
    classes_ : np.ndarray
        Genres, sorted.
    net_ : skorch.NeuralNetClassifier
        The fitted net; its `module_` is the `torch.nn.Module`.
    arguments_ : dict
        Everything the architecture was built with.

    Notes
    -----
    The book page "CNN: MiniVGG on 3 s" uses it.
    """

    def __init__(
        self,
        architecture: str = "minivgg",
        *,
        arguments: dict[str, Any] | None = None,
        epochs: int = 20,
        learning_rate: float = 5e-4,
        weight_decay: float = 1e-4,
        batch_size: int = 32,
        device: str = "auto",
        seed: int = 0,
    ) -> None:
        self.architecture = architecture
        self.arguments = arguments
        self.epochs = epochs
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.batch_size = batch_size
        self.device = device
        self.seed = seed

    def fit(
        self,
        X: np.ndarray,
        y: np.ndarray,
        *,
        valid: tuple[np.ndarray, np.ndarray] | None = None,
    ) -> NetClassifier:
        """Train from fresh weights.

        Parameters
        ----------
        X : np.ndarray [shape=(n, size, size), dtype=uint8]
            Images.
        y : np.ndarray [shape=(n,)]
            Their genres.
        valid : (X, y), optional
            A validation part. It is scored after every epoch and has no
            influence on the weights.

        Returns
        -------
        NetClassifier
            Itself.

        Raises
        ------
        ModelError
            If the architecture is unknown, the images do not suit it, or the
            validation part has a genre that the training part lacks.
        """
        self.classes_, labels = np.unique(np.asarray(y), return_inverse=True)
        arguments = {
            "classes": len(self.classes_),
            "size": X.shape[-1],
            **(self.arguments or {}),
        }
        split = None
        if valid is not None and len(valid[0]):
            split = predefined_split(Dataset(valid[0], self._labels(valid[1])))
        with torch.random.fork_rng():
            torch.manual_seed(self.seed)
            self._initialize(arguments, split).fit(X, labels)
        return self

    def predict_proba(self, X: np.ndarray) -> np.ndarray:
        """Estimate each genre's probability.

        Parameters
        ----------
        X : np.ndarray [shape=(n, size, size), dtype=uint8]
            Images.

        Returns
        -------
        np.ndarray [shape=(n, classes), dtype=float32]
            Columns in the order of `classes_`; rows sum to one.
        """
        check_is_fitted(self, "net_")
        return self.net_.predict_proba(X)

    def predict(self, X: np.ndarray) -> np.ndarray:
        """Name the most probable genre of each image.

        Parameters
        ----------
        X : np.ndarray [shape=(n, size, size), dtype=uint8]
            Images.

        Returns
        -------
        np.ndarray [shape=(n,)]
            Genres.
        """
        probabilities = self.predict_proba(X)
        return self.classes_[probabilities.argmax(axis=1)]

    @property
    def history_(self) -> pd.DataFrame:
        """Loss, accuracy and learning rate by epoch."""
        check_is_fitted(self, "net_")
        columns = ["epoch", "train_loss", "train_accuracy", "valid_loss", "valid_acc", "event_lr"]
        table = pd.DataFrame(list(self.net_.history)).reindex(columns=columns).dropna(axis=1)
        return table.rename(columns={"valid_acc": "valid_accuracy", "event_lr": "learning_rate"})

    @property
    def parameters_(self) -> int:
        """Number of trained weights."""
        check_is_fitted(self, "net_")
        return sum(weights.numel() for weights in self.net_.module_.parameters())

    def restore(
        self, classes: list[str], arguments: dict[str, Any], weights: dict[str, torch.Tensor]
    ) -> NetClassifier:
        """Take trained weights instead of training.

        Parameters
        ----------
        classes : list of str
            Genres in the order of the net's outputs.
        arguments : dict
            What the architecture was built with, `arguments_`.
        weights : dict of str to torch.Tensor
            The net's `state_dict`.

        Returns
        -------
        NetClassifier
            Itself, ready to predict.

        Raises
        ------
        ModelError
            If the weights do not fit the architecture.
        """
        self.classes_ = np.asarray(classes)
        net = self._initialize(arguments, None)
        try:
            net.module_.load_state_dict(weights)
        except RuntimeError as error:
            raise ModelError(
                f"the weights do not fit architecture {self.architecture!r} with {arguments}."
            ) from error
        return self

    def _labels(self, y: np.ndarray) -> np.ndarray:
        unknown = sorted(set(np.unique(y)) - set(self.classes_))
        if unknown:
            raise ModelError(
                f"genre {str(unknown[0])!r} is in the validation part but not in the training "
                "part; choose another split."
            )
        return np.searchsorted(self.classes_, y)

    def _initialize(self, arguments: dict[str, Any], split: Any) -> NeuralNetClassifier:
        device = self.device
        if device == "auto":
            device = "cuda" if torch.cuda.is_available() else "cpu"
        self.arguments_ = arguments
        self.net_ = NeuralNetClassifier(
            build,
            module__name=self.architecture,
            **{f"module__{name}": value for name, value in arguments.items()},
            classes=np.arange(len(self.classes_)),
            criterion=torch.nn.CrossEntropyLoss,
            optimizer=torch.optim.Adam,
            optimizer__weight_decay=self.weight_decay,
            lr=self.learning_rate,
            batch_size=self.batch_size,
            max_epochs=self.epochs,
            iterator_train__shuffle=True,
            # Its own generator, lest validation shift the random numbers of training.
            iterator_valid__generator=torch.Generator(),
            train_split=split,
            callbacks=[
                ("train_accuracy", EpochScoring("accuracy", False, True, "train_accuracy")),
                (
                    "schedule",
                    LRScheduler("StepLR", step_size=-(-self.epochs // 2), gamma=0.25),
                ),
            ],
            device=device,
            verbose=0,
        ).initialize()
        return self.net_
