"""Trained nets as folders: weights, and a card that says what they are and how good."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from ..data.workspace import Workspace
from ..errors import ModelError, StoreError
from ..files import atomic_path, sha256_of, write_json
from ..models.registry import build
from ..signal.recipes import Recipe
from .model import Model
from .prediction import Prediction

if TYPE_CHECKING:
    from ..data.splits import Split
    from ..evaluation.records import Record
    from ..training.classifier import NetClassifier

__all__ = ["load_model", "models", "pack_model", "predict", "save_model"]

SHIPPED = Path(__file__).with_name("zoo_models")
"""Where the models lie that come with the package."""

WEIGHTS, CARD = "model.safetensors", "model.json"
NEEDED = ("architecture", "arguments", "genres", "recipe", "sha256")


def save_model(
    folder: str | Path,
    estimator: NetClassifier,
    recipe: Recipe,
    *,
    record: Record | None = None,
    split: Split | None = None,
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
    record : Record, optional
        Tells the card how good the net is, and on what.
    split : Split, optional
        Tells the card which tracks it was trained and selected on: those of the
        first fold.

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
            **(_tracks(split) if split is not None else {}),
            **(_scores(record, recipe, split) if record is not None else {}),
            "sha256": sha256_of(folder / WEIGHTS),
        },
    )
    return folder


def _tracks(split: Split) -> dict[str, Any]:
    names = split.table["track_id"].to_numpy()
    fold = split.folds[0]
    return {
        "split": split.hash,
        "trained_on": np.unique(names[fold.train]).tolist(),
        "selected_on": np.unique(names[fold.valid]).tolist(),
    }


def _scores(record: Record, recipe: Recipe, split: Split | None) -> dict[str, Any]:
    result = record.result
    lengths = {"window": recipe.seconds}
    if split is not None:
        windows = int(split.table.groupby("track_id").size().median())
        lengths["track"] = recipe.seconds + (windows - 1) * recipe.step
    return {
        "corpus": record.spec["corpus"]["name"],
        "protocol": record.spec["protocol"],
        "accuracy": [
            {
                "input_s": lengths[unit],
                **{name: result[unit][name] for name in ("value", "low", "high", "n", "interval")},
            }
            for unit in ("track", "window")
            if unit in lengths
        ],
        "record_sha256": record.hash,
    }


def load_model(name: str | Path = "gtzan", *, work: Workspace | None = None) -> Model:
    """Read a trained net.

    Parameters
    ----------
    name : str or Path
        A name that `models` lists, or a folder that `save_model` wrote.
    work : Workspace, optional
        A run whose own models may be called by their experiment alone.

    Returns
    -------
    Model
        Ready to predict.

    Raises
    ------
    ModelError
        If there is no such model, or weights and card do not belong together.
    """
    known = models(work)
    own = known.get(f"{work.run}/{name}") if work is not None else None
    folder = own or known.get(str(name)) or Path(name)
    if not folder.is_dir() and not folder.is_absolute() and not str(name).startswith("."):
        raise ModelError(
            f"there is no model {str(name)!r}; choose one of {', '.join(known) or 'none'}, or name "
            "a folder that holds one."
        )
    card = _read_card(folder)
    if not (folder / WEIGHTS).is_file() or sha256_of(folder / WEIGHTS) != card["sha256"]:
        raise ModelError(
            f"{folder / WEIGHTS}: is missing or not the file that {CARD} describes; train the "
            "model again."
        )
    try:
        model = Model(str(name), card, _net(folder, card))
        # Whoever lists models shows it.
        _ = model.expectations
        return model
    except ModelError as error:
        raise ModelError(f"{folder}: {error}") from error
    except (TypeError, ValueError, KeyError, AttributeError, StoreError) as error:
        raise _no_model(folder) from error


def models(work: Workspace | None = None) -> dict[str, Path]:
    """List the models that are there.

    Parameters
    ----------
    work : Workspace, optional
        Of which run or of its neighbours. Default: those in `GTZAN_WORK`, or in
        `work` in the current folder.

    Returns
    -------
    dict of str to Path
        Folders by name: those that come with the package, like `gtzan`, and
        those that runs have left in the workspace, like `quick/pooled-mel`.
    """
    found = {card.parent.name: card.parent for card in sorted(SHIPPED.glob(f"*/{CARD}"))}
    for card in sorted((work or Workspace()).root.glob(f"*/models/*/{CARD}")):
        found[f"{card.parents[2].name}/{card.parent.name}"] = card.parent
    return found


def predict(
    source: str | Path | np.ndarray,
    *,
    model: str | Path = "gtzan",
    sample_rate: int | None = None,
    step: float | None = None,
) -> Prediction:
    """Tell the genre of a file or of samples.

    Parameters
    ----------
    source : str, Path or np.ndarray [shape=(n,) or (n, channels)]
        As for `gtzan_lib.inference.model.Model.predict`.
    model : str or Path
        As for `load_model`.
    sample_rate : int, optional
        In Hz; needed with samples.
    step : float, optional
        Seconds from one window's start to the next. Default: the recipe's.

    Returns
    -------
    Prediction
        Genre, probabilities, timeline and the windows that decided.

    Raises
    ------
    AudioError
        If there is no sound that can be used.
    ModelError
        If there is no such model.

    Examples
    --------
    >>> import gtzan_lib as gl
    >>> gl.predict("song.mp3").genre  # doctest: +SKIP
    'reggae'
    """
    return load_model(model).predict(source, sample_rate=sample_rate, step=step)


def pack_model(folder: str | Path, target: str | Path, *, record: str | Path) -> Path:
    """Copy a model in half precision, with its record, as the package brings them.

    Parameters
    ----------
    folder : str or Path
        What `save_model` wrote.
    target : str or Path
        Gets the model; one that is there is replaced.
    record : str or Path
        The JSON file of its record; the predictions beside it come along, and
        the path of the corpus and the machine's name do not.

    Returns
    -------
    Path
        `target`.

    Raises
    ------
    ModelError
        If the folder holds no model, or the record is another's.
    """
    from safetensors.torch import save

    from ..evaluation.records import Record, predictions

    model = load_model(folder)
    told, record = Record.load(record), Path(record)
    if told.hash != model.card.get("record_sha256"):
        raise ModelError(f"{record}: is not the record of the model in {folder}; name its own.")
    predictions(record)
    weights = {
        name: w.half() if w.is_floating_point() else w for name, w in model.net.state_dict().items()
    }
    target, table = Path(target), told.result["predictions"]["file"]
    with atomic_path(target / WEIGHTS) as temporary:
        temporary.write_bytes(save({name: w.contiguous() for name, w in weights.items()}))
    write_json(target / CARD, {**model.card, "sha256": sha256_of(target / WEIGHTS)})
    write_json(target / "record.json", _passed_on(record))
    with atomic_path(target / table) as temporary:
        shutil.copyfile(record.with_name(table), temporary)
    return target


def _passed_on(record: Path) -> dict[str, Any]:
    """Return a record without what concerns nobody elsewhere: a path, a machine."""
    values = json.loads(record.read_text(encoding="utf-8"))
    parameters = values["spec"]["parameters"]
    if "corpus" in parameters:
        parameters["corpus"] = Path(parameters["corpus"]).name
    for name in ("platform", "commit"):
        values["provenance"].pop(name, None)
    return values


def _net(folder: Path, card: dict[str, Any]) -> torch.nn.Module:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    genres, arguments = card["genres"], card["arguments"]
    if not isinstance(genres, list) or not all(isinstance(one, str) for one in genres):
        raise ValueError("its genres do not fit")
    if len(genres) != arguments.get("classes"):
        raise ValueError("its genres do not fit")
    # Fresh weights are drawn and thrown away; nobody else's numbers shall change.
    with torch.random.fork_rng():
        net = build(card["architecture"], **arguments)
    try:
        weights = load_file(folder / WEIGHTS)
    except (SafetensorError, OSError) as error:
        raise ModelError("its weights are damaged; train the model again.") from error
    try:
        net.load_state_dict(weights)
    except RuntimeError as error:
        raise ModelError(
            f"the weights do not fit architecture {card['architecture']!r} with {arguments}."
        ) from error
    return net


def _read_card(folder: Path) -> dict[str, Any]:
    try:
        card = json.loads((folder / CARD).read_text(encoding="utf-8"))
        if not all(key in card for key in NEEDED):
            raise KeyError(CARD)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise _no_model(folder) from error
    return card


def _no_model(folder: Path) -> ModelError:
    return ModelError(
        f"{folder}: holds no model; expected {CARD} and {WEIGHTS}, as an experiment leaves "
        "them in its run's models/."
    )
