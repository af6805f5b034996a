"""Small nets, trained on made-up log-mels with the names of GTZAN's clips."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from gtzan_lib.data.loaders import gtzan
from gtzan_lib.published.material import Material, find_material
from gtzan_lib.published.results import Results
from gtzan_lib.published.steps import plan_steps, run_step
from gtzan_lib.runner.runs import RunStep

GENRES = ("classical", "metal", "pop")

SMALL = {
    "arguments": {"channels": [2, 2], "dropout": 0.0},
    "seconds": 10.0,
    "height": 16,
    "width": 12,
    "epochs": 2,
    "batch_size": 4,
    "threads": 1,
}
"""Settings of nets that are trained in a moment."""

NETS: dict[str, dict[str, Any]] = {
    "minivgg": {"title": "MiniVGG"},
    "tracknet": {"title": "TrackNet", "architecture": "tracknet"},
    "shuffled": {"title": "shuffled TrackNet", "architecture": "tracknet", "shuffled": True},
}


def write_log_mels(folder: Path, *, train: int = 4, valid: int = 3) -> Material:
    """Write images whose brightness depends on the genre, and one clip that is left out."""
    parts = gtzan.facts()["partition"]
    names = [
        name
        for genre in GENRES
        for part, number in (("train", train), ("valid", valid), ("test", 1), ("dropped", 1))
        for name in parts.index[parts.index.str.startswith(genre) & (parts == part)][:number]
    ]
    rng = np.random.default_rng(0)
    brightness = [60 * GENRES.index(name.split(".")[0]) for name in names]
    X = rng.integers(0, 130, (len(names), 128, 387)) + np.array(brightness)[:, None, None]
    folder.mkdir(parents=True)
    np.savez_compressed(folder / "log_mels.npz", X=X.astype(np.uint8), names=names)
    return find_material(folder)


def train(material: Material, folder: Path, **steps: dict[str, Any]) -> Results:
    """Do steps `net` with small settings."""
    wanted = {name: RunStep("net", SMALL | settings) for name, settings in steps.items()}
    for planned in plan_steps(material, folder, wanted):
        run_step(planned, material, folder)
    return Results(folder)


def train_all(folder: Path, *, seeds: tuple[int, ...] = (0, 1)) -> Results:
    """Train `NETS` with several seeds on made-up log-mels; TrackNet has one seed only."""
    steps = {
        f"net-{name}-{seed}": {**settings, "seed": seed}
        for name, settings in NETS.items()
        for seed in (seeds if name != "tracknet" else seeds[:1])
    }
    return train(write_log_mels(folder / "gtzan"), folder / "results", **steps)
