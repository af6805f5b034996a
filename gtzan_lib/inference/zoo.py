"""Trained models in folders: weights, and a card with their settings and accuracy."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from ..data.workspace import Workspace
from ..errors import GtzanError, ModelError
from ..files import atomic_path, sha256_of
from ..models.familiarity import Familiarity
from ..models.heads import LogisticHead
from ..models.registry import build
from ..signal.recipes import Recipe
from .ensemble_model import EnsembleModel, StatisticsEnsemble
from .image_model import ImageModel
from .model import Model
from .musicnn_model import MusicnnModel
from .prediction import Prediction

if TYPE_CHECKING:
    from ..data.splits import DataSplit
    from ..evaluation.records import ExperimentRecord
    from ..training.classifier import NetClassifier
    from .fitting import FittedHead

__all__ = [
    "load_model",
    "models",
    "predict",
    "save_ensemble",
    "save_head",
    "save_model",
    "update_card",
]

SHIPPED = Path(__file__).with_name("zoo_models")
"""Folder of the models that are part of the package."""

DEFAULT = "gtzan-musicnn"
"""The most accurate of them."""

WEIGHTS, CARD = "model.safetensors", "model.json"

# Before the names of the weights that tell unfamiliar sound.
FAMILIARITY = "familiarity."

# Architecture of a card whose weights are those of a head on MusiCNN.
MUSICNN = "musicnn"
# Architecture of a card whose weights are those of an ensemble on statistics of log-mels.
STATISTICS = "logmel-statistics"


def save_model(
    folder: str | Path,
    estimator: NetClassifier,
    recipe: Recipe,
    *,
    record: ExperimentRecord | None = None,
    split: DataSplit | None = None,
) -> Path:
    """Save a trained net in a folder.

    Parameters
    ----------
    folder : str or Path
        Folder for `model.safetensors` and `model.json`; a model in it is replaced.
    estimator : NetClassifier
        The fitted net.
    recipe : Recipe
        Settings of its spectrograms.
    record : ExperimentRecord, optional
        Adds accuracy, scored part, corpus and protocol to the card.
    split : DataSplit, optional
        Adds the training and validation tracks of the first fold to the card.

    Returns
    -------
    Path
        The folder.
    """
    card = {
        "architecture": estimator.architecture,
        "arguments": estimator.arguments_,
        "weights": estimator.parameters_,
        "genres": estimator.classes_.tolist(),
        "recipe": recipe.as_dict(),
        **(_tracks(split) if split is not None else {}),
        **(_scores(record, recipe, split) if record is not None else {}),
    }
    return _write(Path(folder), estimator.net_.bare_module.state_dict(), card)


def save_head(
    folder: str | Path, fitted: FittedHead, track_ids: Iterable[str], *, corpus: str, protocol: str
) -> Path:
    """Save a head on MusiCNN in a folder, as a model.

    Parameters
    ----------
    folder : str or Path
        Folder for `model.safetensors` and `model.json`; a model in it is replaced.
    fitted : FittedHead
        The head; its scores out of fold are those of the card.
    track_ids : iterable of str
        The tracks on which it was fitted.
    corpus : str
        Name of the training corpus.
    protocol : str
        Protocol of the split whose training part it was fitted on.

    Returns
    -------
    Path
        The folder.
    """
    weights, grid = dict(fitted.head.state_dict()), MusicnnModel.grid
    windows = int(np.median([len(rows) for rows in fitted.windows]))
    lengths = grid.seconds, round(grid.seconds + (windows - 1) * grid.step, 3)
    scores = fitted.window_accuracy, fitted.track_accuracy
    card = {
        "architecture": MUSICNN,
        "arguments": {"classes": len(fitted.genres), "inputs": len(weights["mean"])},
        "weights": sum(tensor.numel() for tensor in fitted.head.parameters()),
        "genres": list(fitted.genres),
        "corpus": corpus,
        "protocol": protocol,
        "part": "training part, out of fold",
        "trained_on": sorted(track_ids),
        "selected_on": [],
        "accuracy": [
            {"input_s": seconds, **score._asdict()}
            for seconds, score in zip(lengths[::-1], scores[::-1], strict=True)
        ],
        "calibration": [
            {"input_s": seconds, "calibrated": calibrated, **score._asdict()}
            for seconds, unit in zip(lengths[::-1], ("track", "window"), strict=True)
            for calibrated in (False, True)
            for score in [fitted.calibration(unit, calibrated=calibrated)]
        ],
    }
    return _write(Path(folder), weights | _prefixed(fitted.familiarity), card)


def save_ensemble(
    folder: str | Path,
    net: StatisticsEnsemble,
    recipe: Recipe,
    genres: Iterable[str],
    familiarity: Familiarity,
    **fields: Any,
) -> Path:
    """Save an ensemble on statistics of log-mels in a folder, as a model.

    Its linear layers are saved in half precision.

    Parameters
    ----------
    folder : str or Path
        Folder for `model.safetensors` and `model.json`; a model in it is replaced.
    net : StatisticsEnsemble
        The ensemble.
    recipe : Recipe
        Of its images.
    genres : iterable of str
        In the order of its outputs.
    familiarity : Familiarity
        Of what the ensemble represents windows by.
    **fields
        Of the card, as in `gtzan_lib.documents.CardDocument`.

    Returns
    -------
    Path
        The folder.
    """
    halved = ("members.", "projection")
    weights = {
        name: w.half() if name.startswith(halved) else w for name, w in net.state_dict().items()
    }
    genres = list(genres)
    card = {
        "architecture": STATISTICS,
        "arguments": {"classes": len(genres), "members": net.member_groups},
        "weights": sum(tensor.numel() for tensor in net.parameters()),
        "genres": genres,
        "recipe": recipe.as_dict(),
        **fields,
    }
    return _write(Path(folder), weights | _prefixed(familiarity), card)


def _prefixed(familiarity: Familiarity) -> dict[str, torch.Tensor]:
    return {f"{FAMILIARITY}{name}": w.half() for name, w in familiarity.state_dict().items()}


def _write(folder: Path, weights: dict[str, torch.Tensor], card: dict[str, Any]) -> Path:
    """Write weights, and the card with their checksum."""
    from safetensors.torch import save

    from ..documents import CardDocument, write_document

    with atomic_path(folder / WEIGHTS) as temporary:
        # Files of safetensors' save_file can be read by their owner only.
        temporary.write_bytes(save({name: w.contiguous().cpu() for name, w in weights.items()}))
    write_document(folder / CARD, {**card, "sha256": sha256_of(folder / WEIGHTS)}, CardDocument)
    return folder


def update_card(folder: str | Path, **fields: Any) -> None:
    """Replace fields of a model's card.

    Parameters
    ----------
    folder : str or Path
        Folder of the model.
    **fields
        As in `gtzan_lib.documents.CardDocument`.

    Raises
    ------
    ModelError
        If the folder holds no card.
    """
    from ..documents import CardDocument, read_document, write_document

    file = Path(folder) / CARD
    write_document(file, {**read_document(file, CardDocument), **fields}, CardDocument)


def _tracks(split: DataSplit) -> dict[str, Any]:
    names = split.table["track_id"].to_numpy()
    fold = split.folds[0]
    return {
        "split": split.hash,
        "trained_on": np.unique(names[fold.train]).tolist(),
        "selected_on": np.unique(names[fold.valid]).tolist(),
    }


def _scores(record: ExperimentRecord, recipe: Recipe, split: DataSplit | None) -> dict[str, Any]:
    result = record.result
    lengths = {"window": recipe.seconds}
    if split is not None:
        windows = int(split.table.groupby("track_id").size().median())
        lengths["track"] = recipe.seconds + (windows - 1) * recipe.step
    return {
        "corpus": record.spec["corpus"]["name"],
        "protocol": record.spec["protocol"],
        "part": record.part,
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


def load_model(name: str | Path = DEFAULT, *, work: Workspace | None = None) -> Model:
    """Load a trained model.

    Parameters
    ----------
    name : str or Path
        A name that `models` lists, or a folder of `save_model`.
    work : Workspace, optional
        A run whose models can be named by their experiment alone.

    Returns
    -------
    Model
        The model.

    Raises
    ------
    ModelError
        If there is no such model, or weights and card do not match.
    """
    from ..documents import CardDocument, read_document

    listed = models(work)
    of_run = listed.get(f"{work.run}/{name}") if work is not None else None
    folder = of_run or listed.get(str(name)) or Path(name)
    if not folder.is_dir() and not folder.is_absolute() and not str(name).startswith("."):
        raise ModelError(
            f"there is no model {str(name)!r}; choose one of {', '.join(listed) or 'none'}, or "
            "give the folder of a model."
        )
    card = read_document(folder / CARD, CardDocument)
    if not (folder / WEIGHTS).is_file() or sha256_of(folder / WEIGHTS) != card["sha256"]:
        raise ModelError(
            f"{folder / WEIGHTS}: is missing or not the file that {CARD} describes; train the "
            "model again."
        )
    try:
        kinds = {MUSICNN: MusicnnModel, STATISTICS: EnsembleModel}
        kind = kinds.get(card["architecture"], ImageModel)
        weights = _weights(folder)
        return kind(str(name), card, _net(card, weights), _familiarity(weights))
    except GtzanError as error:
        raise ModelError(f"{folder}: {error}") from error
    except (TypeError, ValueError, KeyError, OverflowError) as error:
        raise ModelError(
            f"{folder / CARD}: its arguments or its recipe cannot be used; train the model again."
        ) from error


def models(work: Workspace | None = None) -> dict[str, Path]:
    """List the available models.

    Parameters
    ----------
    work : Workspace, optional
        The workspace whose runs are searched. Default: `GTZAN_WORK`, or `work` in
        the current folder.

    Returns
    -------
    dict of str to Path
        Folders by name: models of the package, such as `gtzan-musicnn`, and models of
        runs in the workspace, such as `quick/pooled-mel`.
    """
    folders = {card.parent.name: card.parent for card in sorted(SHIPPED.glob(f"*/{CARD}"))}
    for card in sorted((work or Workspace()).root.glob(f"*/models/*/{CARD}")):
        folders[f"{card.parents[2].name}/{card.parent.name}"] = card.parent
    return folders


def predict(
    source: str | Path | np.ndarray,
    *,
    model: str | Path = DEFAULT,
    sample_rate: int | None = None,
    step: float | None = None,
) -> Prediction:
    """Predict the genre of a file or of samples.

    Parameters
    ----------
    source : str, Path or np.ndarray [shape=(n,) or (n, channels)]
        As for `gtzan_lib.inference.model.Model.predict`.
    model : str or Path
        As for `load_model`.
    sample_rate : int, optional
        In Hz; required for samples.
    step : float, optional
        Seconds from one window's start to the next. Default: the recipe's.

    Returns
    -------
    Prediction
        Genre, probabilities, timeline and decisive windows.

    Raises
    ------
    AudioError
        If the sound cannot be decoded, or is too short, silent or not finite.
    ModelError
        If there is no such model.

    Examples
    --------
    >>> import gtzan_lib as gl
    >>> gl.predict("song.mp3").genre  # doctest: +SKIP
    'reggae'
    """
    return load_model(model).predict(source, sample_rate=sample_rate, step=step)


def _weights(folder: Path) -> dict[str, torch.Tensor]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return load_file(folder / WEIGHTS)
    except (SafetensorError, OSError) as error:
        raise ModelError("its weights are damaged; train the model again.") from error


def _familiarity(weights: dict[str, torch.Tensor]) -> Familiarity | None:
    """Return what tells unfamiliar sound, of a model that has it."""
    own = {k.removeprefix(FAMILIARITY): w for k, w in weights.items() if k.startswith(FAMILIARITY)}
    if not own:
        return None
    try:
        references, values = own["references"].shape
        familiarity = Familiarity(references, values, len(own["limits"]), len(own["tracks"]))
        familiarity.load_state_dict(own)
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise ModelError(
            "its weights for unfamiliar sound are incomplete; train the model again."
        ) from error
    return familiarity.eval()


def _net(card: dict[str, Any], weights: dict[str, torch.Tensor]) -> torch.nn.Module:
    # The initial weights are random and replaced; the global random state stays the same.
    with torch.random.fork_rng():
        if card["architecture"] == MUSICNN:
            net: torch.nn.Module = LogisticHead(**card["arguments"])
        elif card["architecture"] == STATISTICS:
            net = StatisticsEnsemble(**card["arguments"])
        else:
            net = build(card["architecture"], **card["arguments"])
    own = {name: w for name, w in weights.items() if not name.startswith(FAMILIARITY)}
    try:
        net.load_state_dict(own)
    except RuntimeError as error:
        raise ModelError(
            f"the weights do not fit architecture {card['architecture']!r} with arguments "
            f"{card['arguments']}; train the model again."
        ) from error
    return net
