"""Trained nets as folders: weights, and a card that says what they are."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..data.files import atomic_path, sha256_of, write_json
from ..errors import ModelError, StoreError
from ..signal.spectrograms import Recipe
from .training import NetClassifier

if TYPE_CHECKING:
    import torch

__all__ = ["load_model", "save_model"]

WEIGHTS, CARD = "model.safetensors", "model.json"
NEEDED = ("architecture", "arguments", "genres", "recipe", "sha256")


def save_model(
    folder: str | Path, estimator: NetClassifier, recipe: Recipe, *, record: str, split: str
) -> Path:
    """Write a trained net.

    Parameters
    ----------
    folder : str or Path
        Gets `model.safetensors` and `model.json`; a model already there is
        replaced.
    estimator : NetClassifier
        The net, fitted.
    recipe : Recipe
        What its images must be made with.
    record : str
        SHA-256 of the record's result, which tells how good the net is.
    split : str
        Hash of the split, which tells what it was trained on.

    Returns
    -------
    Path
        The folder.
    """
    from safetensors.torch import save

    folder = Path(folder)
    weights = estimator.net_.bare_module.state_dict()
    with atomic_path(folder / WEIGHTS) as temporary:
        # Not safetensors' own save_file, whose files only their owner may read.
        temporary.write_bytes(save({name: w.contiguous().cpu() for name, w in weights.items()}))
    write_json(
        folder / CARD,
        {
            "architecture": estimator.architecture,
            "arguments": estimator.arguments_,
            "weights": estimator.parameters_,
            "genres": estimator.classes_.tolist(),
            "recipe": recipe.as_dict(),
            "record_sha256": record,
            "split": split,
            "sha256": sha256_of(folder / WEIGHTS),
        },
    )
    return folder


def load_model(folder: str | Path) -> tuple[NetClassifier, Recipe]:
    """Read a trained net.

    Parameters
    ----------
    folder : str or Path
        What `save_model` wrote.

    Returns
    -------
    estimator : NetClassifier
        Ready to predict.
    recipe : Recipe
        What its images must be made with.

    Raises
    ------
    ModelError
        If the folder holds no model, or weights and card do not belong together.
    """
    folder = Path(folder)
    card = _read_card(folder)
    if not (folder / WEIGHTS).is_file() or sha256_of(folder / WEIGHTS) != card["sha256"]:
        raise ModelError(
            f"{folder / WEIGHTS}: is missing or not the file that {CARD} describes; train the "
            "model again."
        )
    try:
        recipe = Recipe.from_dict(card["recipe"])
        estimator = NetClassifier(card["architecture"])
        genres, arguments = card["genres"], dict(card["arguments"])
        if not isinstance(genres, list) or not all(isinstance(one, str) for one in genres):
            raise _no_model(folder)
        estimator.restore(genres, arguments, _read_weights(folder / WEIGHTS))
    except ModelError as error:
        raise ModelError(f"{folder}: {error}") from error
    except (TypeError, ValueError, KeyError, AttributeError, StoreError) as error:
        raise _no_model(folder) from error
    if len(genres) != arguments.get("classes"):
        raise _no_model(folder)
    return estimator, recipe


def _read_weights(file: Path) -> dict[str, torch.Tensor]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return load_file(file)
    except (SafetensorError, OSError) as error:
        raise ModelError("its weights are damaged; train the model again.") from error


def _read_card(folder: Path) -> dict[str, Any]:
    try:
        card = json.loads((folder / CARD).read_text(encoding="utf-8"))
        return {key: card[key] for key in NEEDED}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise _no_model(folder) from error


def _no_model(folder: Path) -> ModelError:
    return ModelError(
        f"{folder}: holds no model; expected {CARD} and {WEIGHTS}, as an experiment leaves "
        "them in its run's models/."
    )
