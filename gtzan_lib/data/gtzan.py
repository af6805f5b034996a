"""Facts about GTZAN's thousand clips.

`gtzan_tracks.csv` beside this module has each clip's artist and title, its part
in the fault-filtered split, and the SHA-256 and size of the WAV file that Kaggle
distributes. `gtzan_faults.csv` has the known faults.

References
----------
Artists and titles: B. L. Sturm, "The GTZAN dataset: Its contents, its faults,
their effects on evaluation, and its future use", arXiv:1306.1461, 2013.

Fault-filtered split: C. Kereliuk, B. L. Sturm and J. Larsen, "Deep learning and
music adversaries", IEEE Transactions on Multimedia 17(11), 2015.
"""

from __future__ import annotations

import re
from importlib import resources

import pandas as pd

__all__ = ["HOW_TO_GET", "durations", "facts", "is_gtzan_id", "known_faults"]

HOW_TO_GET = (
    "GTZAN is available from Kaggle (andradaolteanu/gtzan-dataset-music-genre-classification); "
    "the book's page 'Getting GTZAN' has the steps"
)
"""Clause for error messages."""


def is_gtzan_id(track_id: str, genre: str) -> bool:
    """Return whether an id has GTZAN's form for a genre, such as `blues.00042` for blues."""
    return re.fullmatch(rf"{re.escape(genre)}\.\d{{5}}", track_id) is not None


def facts() -> pd.DataFrame:
    """Return the facts about all 1000 clips.

    Returns
    -------
    pd.DataFrame
        Indexed by `track_id`, with `artist` and `title` (missing for a few),
        `partition` (`train`, `valid`, `test` or `dropped`: the fault-filtered
        split), `wav_sha256` and `wav_bytes`.
    """
    return _read("gtzan_tracks.csv").set_index("track_id")


def durations() -> pd.Series:
    """Return the length of every clip in seconds, from the size of its WAV file.

    Returns
    -------
    pd.Series
        By `track_id`.
    """
    # Mono, 16 bits, 22,050 Hz, and 44 bytes of header.
    return (facts()["wav_bytes"] - 44) / 2 / 22_050


def known_faults() -> pd.DataFrame:
    """Return the known faults of the clips.

    Returns
    -------
    pd.DataFrame
        One row per fault: `track_id`; `fault`, one of `unreadable`, `distorted`,
        `identical` (same bytes as another clip), `mislabelled` (same bytes as a
        clip of another genre) and `repeated` (same recording, other bytes);
        `detail`; `source_track`, the other clip, or missing; and `reference`:
        `kaggle` for the copy that Kaggle distributes, `checksums` for equal
        checksums, `sturm2013` for the catalogue of faults, of which a part is
        listed here.
    """
    return _read("gtzan_faults.csv")


def _read(name: str) -> pd.DataFrame:
    source = resources.files(__package__) / name
    with source.open(encoding="utf-8") as stream:
        # An artist may be called "None".
        return pd.read_csv(stream, keep_default_na=False, na_values=[""])
