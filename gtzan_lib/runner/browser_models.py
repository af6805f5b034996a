"""The models of the package as scripts, for the page "Try it" of the book.

A page that is opened from the file system may not fetch anything, so that weights come
as scripts. `web/src/` holds what predicts with them in the browser.
"""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import torch
import typer
from torch import nn

from ..data.windows import SHORTEST_S
from ..errors import ModelError
from ..evaluation.aggregate import SMALLEST
from ..files import atomic_path, canonical_json
from ..inference import ensemble_model, model, musicnn_model
from ..inference.ensemble_model import EnsembleModel
from ..inference.model import Model
from ..inference.musicnn_model import MusicnnModel
from ..inference.zoo import SHIPPED, load_model, models
from ..models import musicnn
from ..models.musicnn import MusiCNN
from ..signal.logmel_statistics import group_sizes

__all__ = ["export_models", "main"]


def _sinc(crossings: float, rolloff: float, beta: float) -> dict[str, float]:
    return {"crossings": crossings, "rolloff": rolloff, "beta": beta}


# soxr's HQ halves high rates, filters at the rate of the sound or at twice that, and changes to
# the target with another filter. It has no formula: these sincs in Kaiser windows were fitted
# to its response to tones, within 0.02 dB where it passes, and to single samples at the start.
_SOXR_HQ = {
    "sharp": _sinc(101.77, 0.95684, 13.626),
    "count": "round",
    "soxr": {
        "rates": {
            "11025": _sinc(97.256, 0.956872, 13.041),
            "32000": _sinc(101.15, 0.95685, 13.651),
            "44100": _sinc(97.256, 0.956872, 13.041),
            "88200": _sinc(102.25, 0.95687, 13.711),
            "96000": _sinc(106.34, 0.95684, 14.296),
            "176400": _sinc(105.26, 0.95687, 14.105),
            "192000": _sinc(109.08, 0.95684, 14.685),
        },
        "half": _sinc(9.41, 1.0, 14.02),
        "wide": _sinc(8.1, 0.9087, 16.6),
    },
}
_KAISER = {
    "sharp": _sinc(musicnn._CROSSINGS, musicnn._ROLLOFF, musicnn._BETA),
    "count": "ceil",
}
_LICENCE = musicnn.WEIGHTS.with_name("LICENSE")


def export_models(folder: str | Path) -> list[Path]:
    """Write the models of the package as scripts for a browser.

    Parameters
    ----------
    folder : str or Path
        For one script a model, such as `gtzan-musicnn.js`. It sets
        `gtzanModels["gtzan-musicnn"]`: what the card says, settings, and weights in
        base64 with their SHA-256. The same model gives the same bytes.

    Returns
    -------
    list of Path
        The scripts.
    """
    scripts = []
    for name in (name for name, path in models().items() if path.parent == SHIPPED):
        loaded = load_model(name)
        script = Path(folder) / f"{name}.js"
        value = canonical_json(_described(loaded) | _encoded(_tensors(loaded)))
        with atomic_path(script) as temporary:
            temporary.write_text(
                f"{_notice(loaded)}(globalThis.gtzanModels ??= {{}})[{canonical_json(name)}] = "
                f"{value};\n",
                encoding="utf-8",
                newline="\n",
            )
        scripts.append(script)
    return scripts


def _notice(loaded: Model) -> str:
    """Return a comment with the licence of weights that others have made."""
    if not isinstance(loaded, MusicnnModel):
        return ""
    return f"/*!\nThe weights of MusiCNN:\n\n{_LICENCE.read_text(encoding='utf-8')}*/\n"


def _described(loaded: Model) -> dict[str, Any]:
    """Return everything but the weights."""
    if loaded.familiarity is None:
        raise ModelError(f"model {loaded.name!r} cannot tell unfamiliar sound; train it again.")
    before, after = loaded.context
    return {
        "info": {
            "name": loaded.name,
            "takes": loaded.takes,
            "genres": loaded.genres,
            "windowS": loaded.grid.seconds,
            "stepS": loaded.grid.step,
            "expected": _expected(loaded.card),
            "distanceLimits": loaded.familiarity.limits.tolist(),
        },
        "settings": {
            "sampleRate": loaded.sample_rate,
            "seconds": loaded.grid.seconds,
            "step": loaded.grid.step,
            "before": before,
            "after": after,
            "shortest": SHORTEST_S,
            **_front_end(loaded),
        },
        "smallest": SMALLEST,
        "lowestRate": model._LOWEST_RATE,
    }


def _expected(card: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the first score of each length of sound, which is the one that the book quotes."""
    scores: dict[float, dict[str, Any]] = {}
    for score in card["accuracy"]:
        scores.setdefault(
            score["input_s"],
            {
                "inputS": score["input_s"],
                **{key: score[key] for key in ("value", "low", "high", "n", "interval")},
                "part": card["part"],
            },
        )
    return list(scores.values())


def _front_end(loaded: Model) -> dict[str, Any]:
    """Return how a model turns windows into what its net takes."""
    if isinstance(loaded, MusicnnModel):
        return {
            "kind": "musicnn",
            "nFft": MusiCNN.N_FFT,
            "hop": MusiCNN.HOP,
            "nMels": MusiCNN.N_MELS,
            "frames": MusiCNN.PATCH_FRAMES,
            "lowestLevel": musicnn_model._LOWEST_LEVEL,
            "filter": _KAISER,
        }
    if not isinstance(loaded, EnsembleModel):
        raise ModelError(f"model {loaded.name!r} has no counterpart in the browser.")
    recipe, sizes = loaded.recipe, group_sizes()
    return {
        "kind": "logmel-statistics",
        "nFft": recipe.n_fft,
        "hop": recipe.hop_length,
        "nMels": recipe.n_mels,
        "columns": recipe.columns,
        "columnsPerSecond": recipe.columns_per_second,
        "topDb": recipe.top_db,
        "groups": [[group, sizes[group]] for group in loaded.net.groups],
        # A list, since the first member represents windows.
        "members": list(loaded.net.member_groups.items()),
        "largest": ensemble_model.LARGEST,
        "filter": _SOXR_HQ,
    }


def _tensors(loaded: Model) -> dict[str, np.ndarray]:
    """Return weights by name; those that are stored in half precision stay so."""
    assert loaded.familiarity is not None
    tensors = {name: weights.numpy() for name, weights in loaded.net.state_dict().items()}
    for name in ("mean", "whitening", "references"):
        tensors[f"familiarity.{name}"] = getattr(loaded.familiarity, name).numpy()
    if isinstance(loaded, MusicnnModel):
        tensors |= _tagger_tensors(loaded.tagger)
    return {name: _smallest(values) for name, values in tensors.items()}


def _smallest(values: np.ndarray) -> np.ndarray:
    """Return values in half precision, if that changes none of them."""
    with np.errstate(over="ignore"):
        half = values.astype("<f2")
    return half if np.array_equal(half.astype(np.float32), values) else values.astype("<f4")


def _tagger_tensors(net: MusiCNN) -> dict[str, np.ndarray]:
    """Return the weights of MusiCNN, batch normalisation as a factor and a summand."""
    norms = {
        name: module
        for name, module in net.named_modules()
        if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d)
    }
    tensors = {
        name: weights.numpy()
        for name, weights in net.state_dict().items()
        if name.rpartition(".")[0] not in norms
    }
    for name, norm in norms.items():
        assert norm.running_var is not None and norm.running_mean is not None
        scale = norm.weight.double() / torch.sqrt(norm.running_var.double() + norm.eps)
        tensors[f"{name}.scale"] = scale.float().numpy()
        tensors[f"{name}.shift"] = (norm.bias - norm.running_mean * scale).float().numpy()
    return tensors


def _encoded(tensors: dict[str, np.ndarray]) -> dict[str, Any]:
    """Return tensors as bytes in base64, with where each begins."""
    entries, parts, offset = {}, [], 0
    # Those of single precision first, so that each begins at a multiple of its size.
    for name in sorted(tensors, key=lambda name: (-tensors[name].itemsize, name)):
        values = tensors[name]
        entries[name] = {"shape": values.shape, "type": values.dtype.name, "offset": offset}
        parts.append(values.tobytes())
        offset += values.nbytes
    data = b"".join(parts)
    return {
        "tensors": entries,
        "sha256": hashlib.sha256(data).hexdigest(),
        "data": base64.b64encode(data).decode("ascii"),
    }


def main(folder: Path) -> None:
    """Write the models of the package as scripts for a browser.

    Parameters
    ----------
    folder : Path
        For the scripts, `book/_static/try` of the project.
    """
    for script in export_models(folder):
        print(script)


if __name__ == "__main__":
    typer.run(main)
