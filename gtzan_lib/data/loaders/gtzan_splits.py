"""Splits of GTZAN that are files of this package, one row per track.

`gtzan_official.csv` is the published division of GTZAN, the fault-filtered one;
`gtzan_artist_folds.csv` has five folds by artist. Both are made from the facts about
the clips alone, without audio, so that everyone can use the same ones.
"""

from __future__ import annotations

import dataclasses
from functools import cached_property
from pathlib import Path

import pandas as pd

from ...errors import SplitError
from ..corpus import Corpus
from ..splits import DataSplit, quiet_split
from . import gtzan

__all__ = ["PUBLISHED_SPLITS", "make_published_split", "published_split"]

PUBLISHED_SPLITS = {
    "official": Path(__file__).with_name("gtzan_official.csv"),
    "artist": Path(__file__).with_name("gtzan_artist_folds.csv"),
}
"""Files of the splits by protocol.

:meta hide-value:
"""

_FOLDS, _SEED = 5, 42


class _Clips(Corpus):
    """The clips as a list of tracks, whose files are not needed."""

    @cached_property
    def fingerprint(self) -> str:
        """The name, since there are no files to make a digest of."""
        return self.name


def published_split(protocol: str) -> DataSplit:
    """Load a split of GTZAN that is a file of this package.

    Parameters
    ----------
    protocol : {"official", "artist"}
        The published, fault-filtered division into 443 training, 197 validation and
        290 test tracks; or five folds by artist.

    Returns
    -------
    DataSplit
        One row for each of the 1000 tracks, whose `window_id` is its `track_id`;
        `dropped` are the tracks in no part.

    Raises
    ------
    SplitError
        If there is no published split by this protocol.

    See Also
    --------
    gtzan_lib.evaluation.scoring.score_predictions : Scores under these splits.

    Notes
    -----
    The book page "Score predictions of your own" shows how to train and test with them.

    Examples
    --------
    >>> published_split("official").folds[0].test.size
    290
    """
    return DataSplit.load(_file(protocol))


def make_published_split(protocol: str) -> DataSplit:
    """Make a split of GTZAN from the facts about its clips, as it was made for its file.

    Parameters
    ----------
    protocol : {"official", "artist"}
        As for `published_split`.

    Returns
    -------
    DataSplit
        As from `published_split`.

    Raises
    ------
    SplitError
        If there is no published split by this protocol.

    Notes
    -----
    The folds leave out the tracks that the published division drops, which are the
    known repetitions and faults, and the unreadable ones. Tracks of unknown artists
    are in all training parts. Up to nine folds are possible, as blues has nine
    artists; with more than five, some test parts have fewer than a dozen tracks of a genre.
    """
    _file(protocol)
    clips = _Clips("gtzan", Path("GTZAN"), gtzan.facts())
    track_ids = clips.tracks.index
    windows = pd.DataFrame({"window_id": track_ids, "track_id": track_ids})
    windows["genre"] = windows["track_id"].str.partition(".")[0]
    official = quiet_split(windows, clips, protocol="official")
    if protocol == "official":
        return official
    faults = gtzan.known_faults()
    unreadable = faults["track_id"][faults["fault"] == "unreadable"]
    dropped = (official.table["fold_0"] == "dropped") | windows["track_id"].isin(unreadable)
    by_artist = quiet_split(windows[~dropped], clips, protocol="artist", folds=_FOLDS, seed=_SEED)
    parts = by_artist.table.set_index("window_id").filter(like="fold_")
    table = official.table.drop(columns="fold_0")
    table = table.join(parts.reindex(table["window_id"], fill_value="dropped"), on="window_id")
    return dataclasses.replace(by_artist, table=table)


def _file(protocol: str) -> Path:
    if protocol not in PUBLISHED_SPLITS:
        raise SplitError(
            f"there is no published split {protocol!r} of GTZAN; choose one of "
            f"{', '.join(PUBLISHED_SPLITS)}."
        )
    return PUBLISHED_SPLITS[protocol]
