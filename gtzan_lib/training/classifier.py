"""Nets as scikit-learn estimators."""

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

from ..errors import ModelError
from ..models.layers import image_shape
from ..models.registry import build, inputs_of
from .augmentation import Augmentation
from .bar import TrainingBar
from .dataset import ArrayDataset
from .network import SkorchNet
from .resuming import Resume
from .schedules import SCHEDULES, LearningRateSchedule
from .stopping import EarlyStopping, StopTraining

__all__ = ["NetClassifier"]


class NetClassifier(ClassifierMixin, BaseEstimator):
    """A net with its training, as an estimator.

    Trained with Adam on cross-entropy. Defaults are the seed project's: 20
    epochs, a quarter of the learning rate from half-way on.

    Parameters
    ----------
    architecture : str
        A name of `gtzan_lib.models.registry.ARCHITECTURES`.
    arguments : dict, optional
        Arguments of the net beside number of classes and image size, which
        come from the data.
    epochs : int
        Passes over the training part, at most.
    learning_rate, weight_decay : float
        Of Adam.
    batch_size : int
        Windows a step.
    schedule : {"halfway", "cosine", "constant"}
        The learning rate over the epochs: a quarter from half-way on, down to
        nothing along a cosine, or the same throughout.
    patience : int, optional
        Stop when the loss of the validation part has not fallen for so many
        epochs, and take the weights of the best one. Default: train to the end
        and take the last.
    augment : dict, optional
        Fields of `gtzan_lib.training.augmentation.Augmentation`, like
        `{"time_mask": 0.2, "mixup": 0.3}`.
    balance : bool
        Whether genres weigh the same in the loss however many windows they have.
    mixed_precision : bool, optional
        Whether to compute in bfloat16 where that is safe. Default: on a GPU that
        has it.
    channels_last : bool
        Whether images lie in memory with their channels together, which is
        quicker and gives the same net up to rounding.
    compile : bool
        Whether torch compiles the net first, for which it needs a C++ compiler.
    checkpoint : str or Path, optional
        A folder for the training's state after every epoch. The same fit on the
        same data goes on there, and ends as if it had never been stopped.
    progress : bool
        Show a progress bar, if on a terminal.
    device : str
        `cpu`, `cuda`, ..., or `auto`: a GPU where there is one.
    seed : int
        Of initial weights, order, dropout and augmentation. Same seed, same
        machine and number of threads, same net.

    Attributes
    ----------
    classes_ : np.ndarray
        Genres, sorted.
    net_ : gtzan_lib.training.network.SkorchNet
        The fitted net, as skorch has it.
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
        """Train from fresh weights, or from the checkpoint of the same training.

        Parameters
        ----------
        X : np.ndarray [shape=(n, height, width), dtype=uint8], or dict of arrays
            Images; for nets with several inputs a dict, `images` among them.
        y : np.ndarray [shape=(n,)]
            Their genres.
        valid : (X, y), optional
            A validation part, scored after every epoch. It has no influence on
            the weights, but for `patience`.

        Returns
        -------
        NetClassifier
            Itself.

        Raises
        ------
        ModelError
            If the architecture, a setting or the data do not do, or the loss
            stops being a number.
        """
        self.classes_, labels = np.unique(np.asarray(y), return_inverse=True)
        self._refuse(X, y, valid)
        shape = _images(X).shape[-2:]
        arguments = {
            "classes": len(self.classes_),
            "size": int(shape[0]) if shape[0] == shape[1] else [int(side) for side in shape],
            **({"features": X["features"].shape[1]} if _takes_features(X) else {}),
        }
        for name, value in (self.arguments or {}).items():
            known = arguments.setdefault(name, value)
            if not np.array_equal(known, value):
                raise ModelError(
                    f"argument {name!r} is {value}, and the data have {arguments[name]}; leave it "
                    "out."
                )
        split = None
        if valid is not None and len(valid[1]):
            split = predefined_split(ArrayDataset(valid[0], self._labels(valid[1])))
        with torch.random.fork_rng():
            torch.manual_seed(self.seed)
            net = self._initialize(arguments, split, labels)
            if hasattr(net.bare_module, "learn_inputs"):
                net.bare_module.learn_inputs(X)
            net.train(X, labels)
        return self

    def predict_proba(self, X: np.ndarray | Mapping[str, np.ndarray]) -> np.ndarray:
        """Estimate each genre's probability.

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
            If the images have another size than those it was trained on.
        """
        check_is_fitted(self, "net_")
        self._refuse_inputs(X)
        known, shape = image_shape(self.arguments_["size"]), _images(X).shape[-2:]
        if shape != known:
            raise ModelError(
                f"the net was trained on images of {_by(known)}, and these have {_by(shape)}; make "
                "them with the model's own recipe."
            )
        features = self.arguments_.get("features")
        if features is not None and X["features"].shape[1] != features:
            raise ModelError(
                f"the net was trained on {features} features, and these are "
                f"{X['features'].shape[1]}; give it the same."
            )
        if not len(_images(X)):
            return np.zeros((0, len(self.classes_)), dtype=np.float32)
        return self.net_.predict_proba(ArrayDataset(X))

    def predict(self, X: np.ndarray | Mapping[str, np.ndarray]) -> np.ndarray:
        """Name the most probable genre of each image.

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
        """How long the epochs took, those before an interruption included."""
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
        # Fresh weights are drawn and thrown away; nobody else's numbers shall change.
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
        """Refuse what cannot be trained on, or with."""
        if self.schedule not in SCHEDULES:
            raise ModelError(
                f"there is no schedule {self.schedule!r}; choose one of {', '.join(SCHEDULES)}."
            )
        if self.epochs < 1 or self.batch_size < 2:
            raise ModelError(
                f"{self.epochs} epochs in batches of {self.batch_size} train no net; give at least "
                "one epoch, and batches of two or more."
            )
        if self.patience is not None and (valid is None or not len(valid[1])):
            raise ModelError(
                f"patience {self.patience} needs a validation part to watch, and there is none; "
                "leave it out, or choose a split with one."
            )
        if len(self.classes_) == 0:
            raise ModelError("there are no windows to train on; choose another split.")
        if len(self.classes_) < 2:
            raise ModelError(
                f"all windows to train on are {str(self.classes_[0])!r}; a classifier needs two "
                "genres."
            )
        if len(y) < self.batch_size:
            raise ModelError(
                f"there are {len(y)} windows to train on, fewer than a batch of "
                f"{self.batch_size}; lower batch_size."
            )
        self._refuse_inputs(X, len(y))
        if valid is not None and len(valid[1]):
            self._refuse_inputs(valid[0], len(valid[1]))
            here, there = _images(X).shape[1:], _images(valid[0]).shape[1:]
            if here != there:
                raise ModelError(
                    f"images to train on are {_by(here)} and those to validate on {_by(there)}; "
                    "make both with one recipe."
                )
            if _takes_features(X):
                here, there = (one["features"].shape[1] for one in (X, valid[0]))
                if here != there:
                    raise ModelError(
                        f"there are {here} features to train on and {there} to validate on; give "
                        "the same."
                    )

    def _refuse_inputs(self, X: Any, length: int | None = None) -> None:
        """Refuse rows that the architecture cannot take."""
        inputs = X if isinstance(X, Mapping) else {"images": X}
        wanted = inputs_of(self.architecture)
        if set(inputs) != set(wanted):
            raise ModelError(
                f"architecture {self.architecture!r} takes {' and '.join(wanted)}, and is given "
                f"{' and '.join(inputs)}; gl.with_features gives images and features together."
            )
        lengths = {name: len(values) for name, values in inputs.items()}
        if length is not None:
            lengths["genres"] = length
        if len(set(lengths.values())) > 1:
            told = ", ".join(f"{count} {name}" for name, count in lengths.items())
            raise ModelError(f"rows do not belong together: {told}; give one of each a window.")
        axes = {"images": wanted["images"], "features": 2}
        for name, values in inputs.items():
            if values.ndim != axes[name]:
                raise ModelError(
                    f"architecture {self.architecture!r} takes {name} of {axes[name]} axes, not of "
                    f"{values.ndim}; nets for tracks take what gl.by_track gives, others a store's "
                    "images."
                )
            if values.dtype.kind == "f" and not np.isfinite(values).all():
                row = int(np.argwhere(~np.isfinite(values))[0, 0])
                raise ModelError(
                    f"input {name!r} holds values that are no numbers, first in row {row}; leave "
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
            augment=Augmentation.of(self.augment, inputs=arguments.get("inputs", "grey")),
            mixed=mixed,
            channels_last=self.channels_last,
            compile=self.compile,
            criterion=torch.nn.CrossEntropyLoss,
            criterion__weight=weight,
            optimizer=torch.optim.Adam,
            optimizer__weight_decay=self.weight_decay,
            # All of a step's arithmetic in one pass over the weights.
            optimizer__fused=True,
            lr=self.learning_rate,
            batch_size=self.batch_size,
            max_epochs=self.epochs,
            # Batch normalisation cannot do with a last batch of one.
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
        """Return the settings that a net depends on, for its checkpoint's name."""
        aside = ("checkpoint", "progress", "device")
        return {name: value for name, value in self.get_params().items() if name not in aside}


def _by(shape: tuple[int, ...]) -> str:
    return " x ".join(str(side) for side in shape)


def _takes_features(X: Any) -> bool:
    return isinstance(X, Mapping) and "features" in X


def _images(X: Any) -> np.ndarray:
    return X["images"] if isinstance(X, Mapping) else X
