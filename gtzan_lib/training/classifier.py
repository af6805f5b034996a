"""Neural networks as scikit-learn estimators."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.validation import check_is_fitted
from skorch.callbacks import EpochScoring
from skorch.helper import predefined_split

from ..data.arguments import require_array
from ..errors import ModelError
from ..models.layers import FitsInputs, image_shape
from ..models.registry import build, input_axes
from .augmentation import Augmentation
from .bar import TrainingBar
from .dataset import ArrayDataset
from .network import SkorchNet
from .resuming import Resume
from .schedules import SCHEDULES, LearningRateSchedule
from .stopping import EarlyStopping, StopTraining

__all__ = ["NetClassifier"]


class NetClassifier(ClassifierMixin, BaseEstimator):
    """A neural network with its training, as an estimator.

    It is trained with Adam on cross-entropy. Defaults are those of the original
    project: 20 epochs, and a quarter of the learning rate in the second half.

    Parameters
    ----------
    architecture : str
        A name of `gtzan_lib.models.registry.ARCHITECTURES`.
    arguments : dict, optional
        Arguments of the net, except for the number of classes and the image
        size, which come from the data.
    epochs : int
        Largest number of passes over the training part.
    learning_rate, weight_decay : float
        Parameters of Adam.
    batch_size : int
        Windows per step.
    schedule : {"halfway", "cosine", "constant"}
        The learning rate over the epochs: a quarter in the second half, cosine
        annealing to zero, or constant.
    patience : int, optional
        Early stopping: number of epochs without a lower validation loss after
        which training stops; the weights of the best epoch are used. Default:
        train for all epochs and use the last weights.
    augment : dict, optional
        Fields of `gtzan_lib.training.augmentation.Augmentation`, such as
        `{"time_mask": 0.2, "mixup": 0.3}`.
    balance : bool
        Whether all genres have the same weight in the loss, for any number of windows.
    mixed_precision : bool, optional
        Whether to use automatic mixed precision with bfloat16. Default: on a GPU
        that supports it.
    channels_last : bool
        Whether to use the channels-last memory format, which is faster and gives
        the same net up to rounding.
    compile : bool
        Whether to compile the net with torch, which needs a C++ compiler.
    checkpoint : str or Path, optional
        Folder for the state of the training after every epoch. The same fit on
        the same data resumes there, with the same result as without interruption.
    progress : bool
        Whether to show a progress bar, if on a terminal.
    device : str
        `cpu`, `cuda`, ..., or `auto`: a GPU where there is one.
    seed : int
        Seed of initial weights, order, dropout and augmentation. The same seed
        gives the same net on the same machine with the same number of threads.

    Attributes
    ----------
    classes_ : np.ndarray
        Genres, sorted.
    net_ : gtzan_lib.training.network.SkorchNet
        The fitted skorch net.
    arguments_ : dict
        All arguments of the architecture.

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
        schedule: str = "halfway",
        patience: int | None = None,
        augment: dict[str, float] | None = None,
        balance: bool = False,
        mixed_precision: bool | None = None,
        channels_last: bool = True,
        compile: bool = False,
        checkpoint: str | Path | None = None,
        progress: bool = True,
        device: str = "auto",
        seed: int = 0,
    ) -> None:
        self.architecture = architecture
        self.arguments = arguments
        self.epochs = epochs
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.batch_size = batch_size
        self.schedule = schedule
        self.patience = patience
        self.augment = augment
        self.balance = balance
        self.mixed_precision = mixed_precision
        self.channels_last = channels_last
        self.compile = compile
        self.checkpoint = checkpoint
        self.progress = progress
        self.device = device
        self.seed = seed

    def fit(
        self,
        X: np.ndarray | Mapping[str, np.ndarray],
        y: np.ndarray,
        *,
        valid: tuple[Any, np.ndarray] | None = None,
    ) -> NetClassifier:
        """Train from initial weights, or from the checkpoint of the same training.

        Parameters
        ----------
        X : np.ndarray [shape=(n, height, width), dtype=uint8], or dict of arrays
            Images; for nets with several inputs a dict with `images`.
        y : np.ndarray [shape=(n,)]
            Their genres.
        valid : (X, y), optional
            The validation part, scored after every epoch. It influences the
            weights only through `patience`.

        Returns
        -------
        NetClassifier
            Itself.

        Raises
        ------
        ModelError
            If the architecture, a setting or the data are invalid, or the loss
            is not finite.
        """
        if np.ndim(y) != 1:
            raise ModelError(
                f"the genres have {np.ndim(y)} axes; give one genre per window, windows['genre']."
            )
        self.classes_, labels = np.unique(np.asarray(y), return_inverse=True)
        self._refuse(X, y, valid)
        shape = _images(X).shape[-2:]
        arguments = {
            "classes": len(self.classes_),
            "size": int(shape[0]) if shape[0] == shape[1] else [int(side) for side in shape],
            **({"features": X["features"].shape[1]} if _takes_features(X) else {}),
        }
        for name, value in (self.arguments or {}).items():
            from_data = arguments.setdefault(name, value)
            if not np.array_equal(from_data, value):
                raise ModelError(
                    f"argument {name!r} is {value}, and the data have {from_data}; leave it out."
                )
        split = None
        if valid is not None and len(valid[1]):
            split = predefined_split(ArrayDataset(valid[0], self._labels(valid[1])))
        with torch.random.fork_rng():
            torch.manual_seed(self.seed)
            net = self._initialize(arguments, split, labels)
            if isinstance(net.bare_module, FitsInputs):
                net.bare_module.fit_inputs(X)
            net.train(X, labels)
        return self

    def predict_proba(self, X: np.ndarray | Mapping[str, np.ndarray]) -> np.ndarray:
        """Predict the probability of each genre.

        Parameters
        ----------
        X : np.ndarray [shape=(n, height, width), dtype=uint8], or dict of arrays
            As for `fit`.

        Returns
        -------
        np.ndarray [shape=(n, classes), dtype=float32]
            Columns in the order of `classes_`; rows sum to one.

        Raises
        ------
        ModelError
            If the images or features differ in size from those of the training.
        """
        check_is_fitted(self, "net_")
        self._refuse_inputs(X)
        trained_shape, shape = image_shape(self.arguments_["size"]), _images(X).shape[-2:]
        if shape != trained_shape:
            raise ModelError(
                f"the net was trained on images of {_size_text(trained_shape)}, and these have "
                f"{_size_text(shape)}; draw them with the model's recipe."
            )
        features = self.arguments_.get("features")
        if features is not None and X["features"].shape[1] != features:
            raise ModelError(
                f"the net was trained on {features} features, and these are "
                f"{X['features'].shape[1]}; pass the same features."
            )
        if not len(_images(X)):
            return np.zeros((0, len(self.classes_)), dtype=np.float32)
        return self.net_.predict_proba(ArrayDataset(X))

    def predict(self, X: np.ndarray | Mapping[str, np.ndarray]) -> np.ndarray:
        """Predict the genre of each image.

        Parameters
        ----------
        X : np.ndarray [shape=(n, height, width), dtype=uint8], or dict of arrays
            As for `fit`.

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
        columns = ["epoch", "train_loss", "train_accuracy", "valid_loss", "valid_acc"]
        table = pd.DataFrame(list(self.net_.history)).reindex(columns=[*columns, "learning_rate"])
        return table.dropna(axis=1, how="all").rename(columns={"valid_acc": "valid_accuracy"})

    @property
    def seconds_(self) -> float:
        """Duration of all epochs in seconds, including those before an interruption."""
        check_is_fitted(self, "net_")
        return float(sum(epoch["dur"] for epoch in self.net_.history))

    @property
    def parameters_(self) -> int:
        """Number of trained weights."""
        check_is_fitted(self, "net_")
        return sum(weights.numel() for weights in self.net_.bare_module.parameters())

    def restore(
        self, classes: list[str], arguments: dict[str, Any], weights: dict[str, torch.Tensor]
    ) -> NetClassifier:
        """Load trained weights instead of training.

        Parameters
        ----------
        classes : list of str
            Genres in the order of the net's outputs.
        arguments : dict
            Arguments of the architecture, `arguments_`.
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
        # Initial weights are drawn and discarded; the global random state must not change.
        with torch.random.fork_rng():
            net = self._initialize(arguments, None, np.arange(len(classes)))
        try:
            net.bare_module.load_state_dict(weights)
        except RuntimeError as error:
            raise ModelError(
                f"the weights do not fit architecture {self.architecture!r} with {arguments}."
            ) from error
        return self

    def _refuse(self, X: Any, y: np.ndarray, valid: tuple[Any, np.ndarray] | None) -> None:
        """Refuse settings and data that cannot be used for training."""
        if self.schedule not in SCHEDULES:
            raise ModelError(
                f"there is no schedule {self.schedule!r}; choose one of {', '.join(SCHEDULES)}."
            )
        if self.epochs < 1 or self.batch_size < 2:
            raise ModelError(
                f"{self.epochs} epochs in batches of {self.batch_size} cannot train a net; use at "
                "least one epoch and batches of at least two."
            )
        if self.patience is not None and (valid is None or not len(valid[1])):
            raise ModelError(
                f"patience {self.patience} needs a validation part, and there is none; leave it "
                "out, or choose a split with one."
            )
        if len(self.classes_) == 0:
            raise ModelError("there are no windows to train on; choose another split.")
        if len(self.classes_) < 2:
            raise ModelError(
                f"all windows to train on are {str(self.classes_[0])!r}; choose a split with at "
                "least two genres."
            )
        if len(y) < self.batch_size:
            raise ModelError(
                f"there are {len(y)} windows to train on, fewer than a batch of "
                f"{self.batch_size}; lower batch_size."
            )
        self._refuse_inputs(X, len(y))
        if valid is not None and len(valid[1]):
            self._refuse_inputs(valid[0], len(valid[1]))
            train_shape, valid_shape = (_images(part).shape[1:] for part in (X, valid[0]))
            if train_shape != valid_shape:
                raise ModelError(
                    f"training images are {_size_text(train_shape)} and validation images "
                    f"{_size_text(valid_shape)}; draw both with one recipe."
                )
            if _takes_features(X):
                n_train, n_valid = (part["features"].shape[1] for part in (X, valid[0]))
                if n_train != n_valid:
                    raise ModelError(
                        f"there are {n_train} training features and {n_valid} validation features; "
                        "pass the same features."
                    )

    def _refuse_inputs(self, X: Any, length: int | None = None) -> None:
        """Refuse inputs that do not fit the architecture."""
        inputs = X if isinstance(X, Mapping) else {"images": X}
        axes = input_axes(self.architecture)
        if set(inputs) != set(axes):
            raise ModelError(
                f"architecture {self.architecture!r} takes {' and '.join(axes)}, and is given "
                f"{' and '.join(inputs)}; gl.with_features returns images and features."
            )
        lengths = {name: len(values) for name, values in inputs.items()}
        if length is not None:
            lengths["genres"] = length
        if len(set(lengths.values())) > 1:
            counts = ", ".join(f"{count} {name}" for name, count in lengths.items())
            raise ModelError(
                f"inputs differ in their number of rows: {counts}; pass one row of each per window."
            )
        for name, values in inputs.items():
            require_array(values, name)
            if values.ndim != axes[name]:
                raise ModelError(
                    f"architecture {self.architecture!r} takes {name} of {axes[name]} axes, not of "
                    f"{values.ndim}; nets for tracks take the images of gl.by_track, others those "
                    "of a store."
                )
            if values.dtype.kind == "f" and not np.isfinite(values).all():
                row = int(np.argwhere(~np.isfinite(values))[0, 0])
                raise ModelError(
                    f"input {name!r} has values that are not finite, first in row {row}; leave "
                    "such windows out."
                )

    def _labels(self, y: np.ndarray) -> np.ndarray:
        unknown = sorted(set(np.unique(y)) - set(self.classes_))
        if unknown:
            raise ModelError(
                f"genre {str(unknown[0])!r} is in the validation part but not in the training "
                "part; choose another split."
            )
        return np.searchsorted(self.classes_, y)

    def _initialize(self, arguments: dict[str, Any], split: Any, labels: np.ndarray) -> SkorchNet:
        device = self.device
        if device == "auto":
            device = "cuda" if torch.cuda.is_available() else "cpu"
        mixed = self.mixed_precision
        if mixed is None:
            mixed = device.startswith("cuda") and torch.cuda.is_bf16_supported()
        classes = len(self.classes_)
        weight = None
        if self.balance:
            counts = np.bincount(labels, minlength=classes)
            weight = torch.tensor(len(labels) / (classes * counts), dtype=torch.float32)
        stopping = EarlyStopping(self.patience)
        self.arguments_ = arguments
        self.net_ = SkorchNet(
            build,
            module__name=self.architecture,
            **{f"module__{name}": value for name, value in arguments.items()},
            classes=np.arange(classes),
            augment=Augmentation.from_settings(
                self.augment, inputs=arguments.get("inputs", "grey")
            ),
            mixed=mixed,
            channels_last=self.channels_last,
            compile=self.compile,
            criterion=torch.nn.CrossEntropyLoss,
            criterion__weight=weight,
            optimizer=torch.optim.Adam,
            optimizer__weight_decay=self.weight_decay,
            # One pass over the weights per step.
            optimizer__fused=True,
            lr=self.learning_rate,
            batch_size=self.batch_size,
            max_epochs=self.epochs,
            # Batch normalisation fails on a last batch of one window.
            iterator_train__drop_last=len(labels) % self.batch_size == 1,
            train_split=split,
            callbacks=[
                ("train_accuracy", EpochScoring("accuracy", False, True, "train_accuracy")),
                ("schedule", LearningRateSchedule(self.schedule)),
                ("bar", TrainingBar(self.progress)),
                # The checkpoint holds the epoch's early-stopping state, and is written
                # before the training ends.
                ("stopping", stopping),
                ("resume", Resume(self._identity(), self.checkpoint, stopping)),
                ("stop", StopTraining(stopping)),
            ],
            device=device,
        ).initialize()
        return self.net_

    def _identity(self) -> dict[str, Any]:
        """Return the settings that the weights depend on, for the name of the checkpoint."""
        ignored = ("checkpoint", "progress", "device")
        return {name: value for name, value in self.get_params().items() if name not in ignored}


def _size_text(shape: tuple[int, ...]) -> str:
    return " x ".join(str(side) for side in shape)


def _takes_features(X: Any) -> bool:
    return isinstance(X, Mapping) and "features" in X


def _images(X: Any) -> np.ndarray:
    return X["images"] if isinstance(X, Mapping) else X
