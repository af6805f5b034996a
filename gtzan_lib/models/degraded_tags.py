"""What degradations of sound do to the tags of MusiCNN, for training without sound.

A head that is trained on the tags of clean music alone is misled by sound that a cheap
loudspeaker, a room or an overdriven input has changed. Degrading each training track and
tagging it again takes several times as long, and needs its sound. To a good part, a
degradation changes the tags in the same way whatever the music is: an affine map,
fitted once on music whose sound is at hand, does the same to the tags of all other music.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import numpy as np
import torch

from ..errors import ModelError
from ..files import atomic_path

__all__ = ["TagChange", "fit_change", "load_changes", "save_changes"]

CHANGES = Path(__file__).with_name("musicnn_weights") / "degraded_tags.safetensors"

# Penalty of the ridge regression, for standardised tags.
_PENALTY = 30.0


@dataclasses.dataclass(frozen=True, eq=False)
class TagChange:
    """An affine map from the tags of clean music to those of the same music, degraded.

    Attributes
    ----------
    weights : np.ndarray [shape=(tags, tags)]
        Changes of the logits, per logit.
    bias : np.ndarray [shape=(tags,)]
        Changes of the logits where all logits are zero.
    """

    weights: np.ndarray
    bias: np.ndarray

    def __call__(self, logits: np.ndarray) -> np.ndarray:
        """Return the logits of degraded music.

        Parameters
        ----------
        logits : np.ndarray [shape=(windows, tags)]
            Of clean music.

        Returns
        -------
        np.ndarray [shape=(windows, tags)]
            As if it were degraded.
        """
        return logits + logits @ self.weights + self.bias


def fit_change(clean: np.ndarray, degraded: np.ndarray) -> TagChange:
    """Fit the change that a degradation makes, by ridge regression.

    Parameters
    ----------
    clean, degraded : np.ndarray [shape=(windows, tags)]
        Logits of the same windows.

    Returns
    -------
    TagChange
        The change.
    """
    from sklearn.linear_model import Ridge

    mean, deviation = clean.mean(axis=0), clean.std(axis=0)
    model = Ridge(_PENALTY).fit((clean - mean) / deviation, degraded - clean)
    weights = (model.coef_ / deviation).T
    return TagChange(weights, model.intercept_ - mean @ weights)


def save_changes(changes: Mapping[str, TagChange], file: str | Path | None = None) -> None:
    """Write the changes of degradations.

    Parameters
    ----------
    changes : mapping of str to TagChange
        By the name of the degradation, as in `gtzan_lib.signal.degradations.DEGRADATIONS`.
    file : str or Path, optional
        The file. Default: that of the package.
    """
    from safetensors.torch import save

    tensors = {
        f"{name}/{part}": torch.from_numpy(np.ascontiguousarray(values, dtype=np.float32))
        for name, change in changes.items()
        for part, values in vars(change).items()
    }
    with atomic_path(Path(file or CHANGES)) as temporary:
        temporary.write_bytes(save(tensors))


@cache
def load_changes(file: str | Path | None = None) -> dict[str, TagChange]:
    """Read the changes of degradations.

    Parameters
    ----------
    file : str or Path, optional
        A file of `save_changes`. Default: that of the package, fitted on the 233 tracks of
        GTZAN's training part whose sound was at hand.

    Returns
    -------
    dict of str to TagChange
        By the name of the degradation.

    Raises
    ------
    ModelError
        If the file is missing or damaged.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    file = file or CHANGES
    try:
        tensors = load_file(file)
        names = dict.fromkeys(key.rpartition("/")[0] for key in tensors)
        return {
            name: TagChange(tensors[f"{name}/weights"], tensors[f"{name}/bias"]) for name in names
        }
    except (SafetensorError, OSError, KeyError) as error:
        raise ModelError(f"{file}: is missing or damaged; install gtzan-lib again.") from error
