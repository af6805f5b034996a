"""MusiCNN's tags of GTZAN's tracks, as their author published them.

The files `msd_musicnn_taggram_train443.npz` and `..._test290.npz` hold the activations of
50 tags for patches of 3 s, one a second, of the training and the test part of the
fault-filtered split; there is none for the validation part.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np

from ...errors import CorpusError

__all__ = ["TrackTags", "test_tags", "training_tags"]

_TRAINING = "msd_musicnn_taggram_train443.npz"
_TEST = "msd_musicnn_taggram_test290.npz"
# Activations are rounded to 0 and 1 beyond this.
_SMALLEST = 1e-7


class TrackTags(NamedTuple):
    """Tags of tracks.

    Attributes
    ----------
    track_ids : tuple of str
        Such as `blues.00029`, sorted.
    logits : list of np.ndarray [shape=(windows, 50), dtype=float32]
        Logits of the tags of each track, one row a window.
    """

    track_ids: tuple[str, ...]
    logits: list[np.ndarray]


def training_tags(root: str | Path) -> TrackTags:
    """Read the tags of the training part.

    Parameters
    ----------
    root : str or Path
        A folder that holds `musicnn/msd_musicnn_taggram_train443.npz`.

    Returns
    -------
    TrackTags
        Of 443 tracks; windows begin every 3 s, as in predictions.

    Raises
    ------
    CorpusError
        If the file is missing or damaged.
    """
    return _read(Path(root) / "musicnn" / _TRAINING)


def test_tags(root: str | Path) -> TrackTags:
    """Read the tags of the test part; nothing else reads them.

    They are for a score that is asked for and noted, and for nothing else: see the book
    page "The test part wears out".

    Parameters
    ----------
    root : str or Path
        A folder that holds `musicnn/msd_musicnn_taggram_test290.npz`.

    Returns
    -------
    TrackTags
        Of 290 tracks; windows begin every 3 s, as in predictions.

    Raises
    ------
    CorpusError
        If the file is missing or damaged.
    """
    return _read(Path(root) / "musicnn" / _TEST)


def _read(file: Path) -> TrackTags:
    try:
        with np.load(file, allow_pickle=False) as content:
            activations, ids = content["X"].astype(np.float64), content["IDS"].astype(str)
    except (OSError, KeyError, ValueError) as error:
        raise CorpusError(
            f"{file}: the activations cannot be read ({error}); download them again."
        ) from error
    clipped = np.clip(activations, _SMALLEST, 1 - _SMALLEST)
    logits = np.log(clipped / (1 - clipped)).astype(np.float32)
    # 'blues/blues.00029.au'
    names = np.array([name.rpartition("/")[2].removesuffix(".au") for name in ids])
    track_ids = tuple(sorted(set(names.tolist())))
    return TrackTags(track_ids, [logits[names == name][::3] for name in track_ids])
