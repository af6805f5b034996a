"""GTZAN, in every layout, and the facts about its thousand clips.

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

import warnings
from collections.abc import Iterable
from importlib import resources
from pathlib import Path

import pandas as pd

from ...errors import CorpusError, GtzanWarning
from . import folder as genre_folders
from .layout import DataSet, FoundFiles, is_gtzan_id

__all__ = [
    "ABOUT",
    "SAMPLE_RATE",
    "are_mostly_gtzan",
    "describe",
    "durations",
    "facts",
    "find",
    "is_gtzan_id",
    "join_facts",
    "known_faults",
]

ABOUT = DataSet(
    title="GTZAN genre collection",
    reference='G. Tzanetakis and P. Cook, "Musical genre classification of audio signals", '
    "IEEE Transactions on Speech and Audio Processing 10(5), 2002",
    license="none: the recordings are copyrighted by others",
    how_to_get="GTZAN is available from Kaggle "
    "(andradaolteanu/gtzan-dataset-music-genre-classification); the book's page 'Getting GTZAN' "
    "has the steps",
    official_split="the fault-filtered split: C. Kereliuk, B. L. Sturm and J. Larsen, 2015",
)

SAMPLE_RATE = 22_050
"""Sample rate of the clips in Hz."""


def find(folder: Path) -> FoundFiles | None:
    """List the files of GTZAN.

    Parameters
    ----------
    folder : Path
        The folder that the user named: one of `folder.LAYOUTS`.

    Returns
    -------
    FoundFiles or None
        None if most files do not have names such as `blues/blues.00042.wav`.

    Raises
    ------
    CorpusError
        If GTZAN is in a folder below, which is in no known layout.
    """
    found = genre_folders.find(folder)
    if found is None:
        return None
    files = found.audio
    if not are_mostly_gtzan([f.stem for f in files], [f.parent.name for f in files]):
        return None
    deeper = [file.parent.parent for file in files if file.parent.parent != found.root]
    if 2 * len(deeper) > len(files):
        raise CorpusError(
            f"{found.root}: GTZAN's genres are deeper in it, in {deeper[0]}; open that folder."
        )
    return found


def describe(found: FoundFiles) -> tuple[str, pd.DataFrame]:
    """Return the name `gtzan` and the tracks with artists and partitions.

    Parameters
    ----------
    found : FoundFiles
        From `find`.

    Returns
    -------
    name : str
        `gtzan`.
    tracks : pd.DataFrame
        See `gtzan_lib.data.loaders.layout.Loader.describe`.

    Warns
    -----
    GtzanWarning
        If there are files that are not GTZAN's.
    """
    tracks = genre_folders.tracks_of(found)
    return "gtzan", join_facts(found.root, tracks[["genre", "path"]])


def are_mostly_gtzan(track_ids: Iterable[str], genres: Iterable[str]) -> bool:
    """Return whether more than half of some tracks are GTZAN's, by their ids and genres.

    One file of another source in a copy of GTZAN does not make it another corpus,
    whose tracks a model trained on GTZAN would take for new.
    """
    known = facts().index
    ours = [
        track_id in known and is_gtzan_id(track_id, genre)
        for track_id, genre in zip(track_ids, genres, strict=True)
    ]
    return 2 * sum(ours) > len(ours)


def join_facts(root: Path, tracks: pd.DataFrame) -> pd.DataFrame:
    """Add what is known of GTZAN's tracks to a table.

    Parameters
    ----------
    root : Path
        The corpus, for the warning.
    tracks : pd.DataFrame
        Indexed by `track_id`.

    Returns
    -------
    pd.DataFrame
        With columns `artist` and `partition`, missing for other tracks.

    Warns
    -----
    GtzanWarning
        If some of the tracks are not GTZAN's.
    """
    known = facts()[["artist", "partition"]].astype(object)
    strays = tracks.index[~tracks.index.isin(known.index)]
    if len(strays):
        warnings.warn(
            f"{root}: {len(strays)} of {len(tracks)} tracks are not GTZAN's, such as "
            f"{strays[0]!r}, and nothing is known of them; move them elsewhere, or exclude them.",
            GtzanWarning,
            stacklevel=5,
        )
    return tracks.join(known)


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
    # Mono, 16 bits, and 44 bytes of header.
    return (facts()["wav_bytes"] - 44) / 2 / SAMPLE_RATE


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
