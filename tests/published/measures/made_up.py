"""A made-up table of features with the names of GTZAN's clips."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from gtzan_lib.data.loaders import gtzan
from gtzan_lib.data.tables import COLUMNS, FEATURE_NAMES
from gtzan_lib.data.workspace import Workspace
from gtzan_lib.published.material import find_material
from gtzan_lib.published.task import Task
from gtzan_lib.stats import independent_groups

GENRES = ("classical", "country", "disco", "metal")


def write_features(folder: Path, *, step: int = 4, genres: tuple[str, ...] = GENRES) -> Path:
    """Write a table in which features depend on genre and artist, and two rows are equal."""
    names = [f"{genre}.{number:05d}" for genre in genres for number in range(0, 100, step)]
    artists = independent_groups(gtzan.facts()["artist"].reindex(names), names)
    rng = np.random.default_rng(5)
    n = len(FEATURE_NAMES)
    of_genre = {genre: rng.normal(scale=0.4, size=n) for genre in genres}
    of_artist = {artist: rng.normal(scale=0.7, size=n) for artist in sorted(set(artists))}
    rows = [
        of_genre[name.split(".")[0]] + of_artist[artist] + rng.normal(size=n)
        for name, artist in zip(names, artists, strict=True)
    ]
    rows[1] = rows[0]
    table = pd.DataFrame(rows, columns=list(FEATURE_NAMES)) * 3 + 100
    table = table.assign(
        filename=[f"{name}.wav" for name in names],
        length=661_794,
        label=[name.split(".")[0] for name in names],
    )
    folder.mkdir(parents=True)
    table[list(COLUMNS)].to_csv(folder / "features_30_sec.csv", index=False)
    return folder


def task_on(folder: Path, target: Path) -> Task:
    """Return a task that writes its results into a new folder."""
    target.mkdir(parents=True)
    return Task(find_material(folder), target, Workspace("published"))


def read(target: Path, name: str) -> pd.DataFrame:
    """Read a table that a task wrote."""
    return pd.read_csv(target / f"{name}.csv", index_col=0)
