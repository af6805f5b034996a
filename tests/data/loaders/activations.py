"""Composed activations, in the form of the published ones."""

from pathlib import Path

import numpy as np

from gtzan_lib.data.loaders import gtzan
from gtzan_lib.genres import GENRES

TAGS = 50


def write_activations(
    root: Path, part: str, *, patches: int, value: float | None = None
) -> dict[str, np.ndarray]:
    """Write the tags of a part below a folder, and return them by track."""
    partition = gtzan.facts()["partition"]
    names = sorted(partition.index[partition == part])
    rng = np.random.default_rng(len(part))
    activations = {}
    for name in names:
        low = np.zeros(TAGS)
        low[GENRES.index(name.partition(".")[0])] = 2.0
        logits = low + rng.standard_normal(TAGS) + rng.standard_normal((patches, TAGS)) - 2
        rows = 1 / (1 + np.exp(-logits))
        activations[name] = np.full_like(rows, value) if value is not None else rows
    ids = [f"{name.partition('.')[0]}/{name}.au" for name in names for _ in range(patches)]
    (root / "musicnn").mkdir(parents=True, exist_ok=True)
    np.savez(
        root / "musicnn" / f"msd_musicnn_taggram_{part}{len(names)}.npz",
        X=np.concatenate([activations[name] for name in names]).astype(np.float32),
        IDS=np.array(ids),
    )
    return activations
