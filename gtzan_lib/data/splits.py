"""Splits of windows into a training, a validation and a test part.

A protocol names the unit that is never shared between two parts: the window
(`window`), the track (`track`) or the artist (`artist`). These three use one
algorithm with different groups. The fourth, `official`, is the split that came
with a corpus: for GTZAN the fault-filtered one (Kereliuk, Sturm and Larsen, 2015),
which keeps tracks together, and artists with few exceptions.
"""

from __future__ import annotations

import dataclasses
import hashlib
import itertools
import json
import warnings
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
import pandas as pd

from ..errors import GtzanWarning, SplitError
from ..files import atomic_path, canonical_json
from .arguments import require_corpus, require_windows
from .corpus import Corpus

__all__ = [
    "PART_NAMES",
    "PROTOCOLS",
    "DataSplit",
    "Fold",
    "HasDuplicates",
    "quiet_split",
    "split",
]

PROTOCOLS = ("window", "track", "artist", "official")
"""Protocols, the leaking one first and the one that came with the corpus last."""

# Units that each protocol keeps in one part.
_UNITS = {
    "window": [],
    "track": ["track_id"],
    "artist": ["track_id", "artist"],
    "official": ["track_id"],
}

PARTS = ("train", "valid", "test")
PART_NAMES = {"train": "training part", "valid": "validation part", "test": "test part"}
"""Names of the parts in sentences and documents, by their names in tables."""

_PAIRS_OF_PARTS = (("train", "test"), ("valid", "test"), ("train", "valid"))


class HasDuplicates(Protocol):
    """An object that lists duplicates, such as a health report."""

    @property
    def duplicates(self) -> pd.DataFrame:
        """Pairs of tracks with the same recording, in columns `a` and `b`."""


class Fold(NamedTuple):
    """Row numbers of one division into three parts.

    Attributes
    ----------
    train, valid, test : np.ndarray [dtype=int64]
        Positions in the table that was split, and in the images of its store.
        `valid` may be empty.
    """

    train: np.ndarray
    valid: np.ndarray
    test: np.ndarray


@dataclasses.dataclass(frozen=True, eq=False)
class DataSplit:
    """One or more divisions of a table of windows, saved with every experiment.

    Attributes
    ----------
    protocol : str
        One of `PROTOCOLS`.
    table : pd.DataFrame
        One row per window, in the order of the table that was split:
        `window_id`, `track_id`, `genre`, `artist`, and a column `fold_0`,
        `fold_1`, ... with `train`, `valid` or `test` for each fold; `dropped`
        where the official split leaves a track out.
    settings : dict
        Seed, number of folds, shares and the fingerprint of the corpus.
    """

    protocol: str
    table: pd.DataFrame
    settings: dict[str, Any]

    def __len__(self) -> int:
        return len(self._columns)

    def __iter__(self) -> Iterator[Fold]:
        return iter(self.folds)

    def __repr__(self) -> str:
        kind = "one division" if len(self) == 1 else f"{len(self)} folds"
        return (
            f"DataSplit({self.protocol!r}: {kind} of {len(self.table)} windows, hash {self.hash})"
        )

    @property
    def _columns(self) -> list[str]:
        return [column for column in self.table.columns if column.startswith("fold_")]

    @cached_property
    def folds(self) -> list[Fold]:
        """Row numbers of each division."""
        return [
            Fold(*(np.flatnonzero((self.table[column] == part).to_numpy()) for part in PARTS))
            for column in self._columns
        ]

    @cached_property
    def hash(self) -> str:
        """Digest of the protocol and every index, 16 hexadecimal digits."""
        columns = self.table[["window_id", *self._columns]]
        text = self.protocol + "\n" + columns.to_csv(index=False, lineterminator="\n")
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def parts(self, fold: int = 0) -> pd.DataFrame:
        """Count tracks by genre and part.

        Parameters
        ----------
        fold : int
            Number of the fold.

        Returns
        -------
        pd.DataFrame
            Number of tracks of each genre (rows) in each part (columns). Under
            `window` a track that is in two parts counts in both.
        """
        column = self._columns[fold]
        pairs = self.table.drop_duplicates(["track_id", column])
        counts = pd.crosstab(pairs["genre"], pairs[column])
        return counts.reindex(columns=[part for part in PARTS if part in counts])

    def shared(
        self, unit: str = "track_id", fold: int = 0, *, parts: tuple[str, str] = ("train", "test")
    ) -> list[str]:
        """Return the tracks or artists that are in two parts.

        Parameters
        ----------
        unit : str
            `track_id` or `artist`.
        fold : int
            Number of the fold.
        parts : tuple of two str
            The two parts.

        Returns
        -------
        list of str
            Sorted names; empty where the protocol keeps the unit together.
        """
        indices = self.folds[fold]
        names = self.table[unit].to_numpy()
        first, second = (set(names[getattr(indices, part)]) for part in parts)
        return sorted((first & second) - {None, np.nan, ""})

    def sharing(self, fold: int = 0) -> pd.DataFrame:
        """Return the artists that are in two parts, with their tracks.

        Parameters
        ----------
        fold : int
            Number of the fold.

        Returns
        -------
        pd.DataFrame
            One row per artist and pair of parts: `first`, `second`, `artist`, and
            the artist's tracks in each, `tracks_first` and `tracks_second` (lists).
        """
        column = self._columns[fold]
        tracks = self.table.drop_duplicates(["track_id", column])
        by_part = tracks.groupby([column, "artist"])["track_id"].agg(list)
        rows = [
            (first, second, artist, by_part[first, artist], by_part[second, artist])
            for first, second in _PAIRS_OF_PARTS
            for artist in self.shared("artist", fold, parts=(first, second))
        ]
        columns = ["first", "second", "artist", "tracks_first", "tracks_second"]
        return pd.DataFrame(rows, columns=columns)

    def check(self, report: HasDuplicates | None = None) -> DataSplit:
        """Raise an error if a unit that the protocol keeps together is in two parts.

        Parameters
        ----------
        report : a health report, optional
            With it, a recording and its duplicate count as one track: only under
            `window` may they be in two parts.

        Returns
        -------
        DataSplit
            This split, for chained calls.

        Raises
        ------
        SplitError
            If a track, or under `artist` an artist, or a recording and its
            duplicate are in two parts; the error names the first.

        Examples
        --------
        >>> split = gl.split(windows, corpus).check(report)  # doctest: +SKIP
        """
        for number, (first, second) in itertools.product(range(len(self)), _PAIRS_OF_PARTS):
            for unit in _UNITS[self.protocol]:
                shared = self.shared(unit, number, parts=(first, second))
                if shared:
                    kind = "track" if unit == "track_id" else unit
                    raise SplitError(
                        f"{kind} {shared[0]!r} is in {first} and in {second} of fold {number}, "
                        f"which the {self.protocol} protocol forbids; split again with "
                        "gl.split(...)."
                    )
        if report is not None and _UNITS[self.protocol]:
            self._refuse_duplicates(report.duplicates)
        return self

    def _refuse_duplicates(self, duplicates: pd.DataFrame) -> None:
        parts = self.table.drop_duplicates("track_id").set_index("track_id")[self._columns]
        for a, b in zip(duplicates["a"], duplicates["b"], strict=True):
            if a not in parts.index or b not in parts.index:
                continue
            for column in self._columns:
                part_a, part_b = parts.at[a, column], parts.at[b, column]
                if part_a != part_b and "dropped" not in (part_a, part_b):
                    raise SplitError(
                        f"{a} is in {part_a} and its duplicate {b} in {part_b} of {column}; leave "
                        "duplicates out before splitting, with corpus.exclude(report)."
                    )

    def save(self, path: str | Path) -> Path:
        """Write the split as CSV, with its settings in a first line that begins with `#`.

        Parameters
        ----------
        path : str or Path
            The file.

        Returns
        -------
        Path
            The same path.
        """
        head = {"protocol": self.protocol, "hash": self.hash, **self.settings}
        with (
            atomic_path(path) as temporary,
            temporary.open("w", encoding="utf-8", newline="\n") as stream,
        ):
            stream.write(f"# {canonical_json(head)}\n")
            self.table.to_csv(stream, index=False, lineterminator="\n")
        return Path(path)

    @classmethod
    def load(cls, path: str | Path) -> DataSplit:
        """Read a split that `save` wrote.

        Parameters
        ----------
        path : str or Path
            The file.

        Returns
        -------
        DataSplit
            The split that was saved.

        Raises
        ------
        SplitError
            If the file is not a split, or its indices were changed.
        """
        path = Path(path)
        try:
            with path.open(encoding="utf-8") as stream:
                settings = json.loads(stream.readline().removeprefix("#"))
                table = pd.read_csv(stream, dtype=str, keep_default_na=False)
            protocol, known = settings.pop("protocol"), settings.pop("hash")
            loaded = cls(protocol, table, settings)
            intact = loaded.hash == known
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise SplitError(
                f"{path}: is not a split saved by this package; split again with gl.split(...)."
            ) from error
        if not intact:
            raise SplitError(
                f"{path}: its indices were changed after saving; split again with gl.split(...)."
            )
        return loaded


def split(
    windows: pd.DataFrame,
    corpus: Corpus,
    *,
    protocol: str = "artist",
    shares: Sequence[float] = (0.70, 0.15, 0.15),
    folds: int = 1,
    seed: int = 42,
) -> DataSplit:
    """Split windows into a training, a validation and a test part.

    Parameters
    ----------
    windows : pd.DataFrame
        A table with `window_id`, `track_id` and `genre`, as from `window_table` or
        a store.
    corpus : Corpus
        The corpus of the windows, for its artists.
    protocol : {"artist", "track", "window", "official"}
        The unit that is kept in one part. `window` puts windows of one recording
        into train and test; it exists to measure that leak, and warns.
        `official` is the split that came with the corpus, from its column
        `partition`; it ignores `shares` and `seed`, has no folds, and warns of
        the artists that its parts share.
    shares : sequence of three floats
        Shares of train, valid and test for a single division.
    folds : int
        1 for a single division by `shares`; from 3 on, the number of parts of
        equal size, each of which is the test part once while the next one is the
        validation part.
    seed : int
        Seed of the random choices.

    Returns
    -------
    DataSplit
        The divisions.

    Raises
    ------
    SplitError
        If the protocol is unknown, a genre has fewer artists (or tracks) than
        parts, or the corpus came without a split.

    Notes
    -----
    Groups are assigned in order of size, largest first, to the part that lacks
    most of their genres; the seed orders groups of equal size. Tracks whose artist
    is unknown stay in train. The book page "Splits that do not leak" shows how far
    the parts are from stratified on real data.

    scikit-learn's `StratifiedGroupKFold` also keeps groups together and balances
    genres, but has neither shares nor a validation part, tests on tracks of unknown
    artists like on any others, and can return a fold without a genre, where this
    function raises an error.
    """
    if protocol not in PROTOCOLS:
        known = ", ".join(PROTOCOLS)
        raise SplitError(f"there is no protocol {protocol!r}; choose one of {known}.")
    if folds == 2 or folds < 1:
        raise SplitError(
            f"{folds} folds leave no part to train on; use 1 for a single division, or at least 3."
        )
    if folds == 1 and (len(shares) != 3 or min(shares) <= 0 or not np.isclose(sum(shares), 1)):
        raise SplitError(f"shares {tuple(shares)} must be three positive numbers that sum to 1.")
    if protocol == "window":
        warnings.warn(
            "the window protocol puts windows of one recording into train and test: its scores "
            "include the leak and do not hold for new recordings.",
            GtzanWarning,
            stacklevel=2,
        )
    require_windows(windows)
    require_corpus(corpus)
    table = windows[["window_id", "track_id", "genre"]].reset_index(drop=True)
    unknown = sorted(set(table["track_id"]) - set(corpus.tracks.index))
    if unknown:
        raise SplitError(
            f"{corpus.root}: track {unknown[0]!r} of the windows is not in this corpus; split "
            "windows with the corpus they were cut from."
        )
    artists = corpus.tracks["artist"].reindex(table["track_id"]).fillna("").to_numpy()
    table["artist"] = artists
    if protocol == "official":
        return _official(table, corpus, folds)
    sizes = np.array(shares if folds == 1 else np.full(folds, 1 / folds))
    part = _assign(table, protocol, sizes, np.random.default_rng(seed))
    if folds == 1:
        table["fold_0"] = np.array(PARTS, dtype=object)[np.maximum(part, 0)]
    else:
        for fold in range(folds):
            names = np.full(len(table), "train", dtype=object)
            names[part == fold] = "test"
            names[part == (fold + 1) % folds] = "valid"
            table[f"fold_{fold}"] = names
    settings = {"seed": seed, "folds": folds, "corpus": corpus.fingerprint}
    if folds == 1:
        settings["shares"] = [float(share) for share in shares]
    return DataSplit(protocol, table, settings)


def quiet_split(windows: pd.DataFrame, corpus: Corpus, **settings: Any) -> DataSplit:
    """Split without the warning of the window protocol, for studies that measure the leak.

    Parameters
    ----------
    windows, corpus
        As for `split`.
    **settings
        As for `split`.

    Returns
    -------
    DataSplit
        As from `split`.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", GtzanWarning)
        return split(windows, corpus, **settings)


def _official(table: pd.DataFrame, corpus: Corpus, folds: int) -> DataSplit:
    """Split by the part that came with each track."""
    if folds != 1:
        raise SplitError(f"{folds} folds: the official split is one division; use folds=1.")
    part = corpus.tracks["partition"].reindex(table["track_id"]).fillna("").to_numpy()
    unlisted = table["track_id"][~np.isin(part, [*PARTS, "dropped"])]
    if len(unlisted):
        raise SplitError(
            f"track {unlisted.iloc[0]!r} is in no part of the official split of {corpus.name}; "
            "name its part in the column partition of a tracks.csv, or use protocol='artist' or "
            "'track'."
        )
    empty = [name for name in PARTS if name not in part]
    if empty:
        raise SplitError(
            f"{corpus.root}: none of its tracks is in the {empty[0]} part of the official split; "
            f"open all of {corpus.name}, or use protocol='artist' or 'track'."
        )
    table["fold_0"] = part
    settings = {
        "seed": None,
        "folds": 1,
        "corpus": corpus.fingerprint,
        "corpus_name": corpus.name,
    }
    official = DataSplit("official", table, settings)
    shared = official.shared("artist")
    if shared:
        tests = table[table["fold_0"] == "test"].drop_duplicates("track_id")
        n_shared = int(tests["artist"].isin(shared).sum())
        warnings.warn(
            f"the official split of {corpus.name} has {len(shared)} artists in both train and "
            f"test, with {n_shared} of its {len(tests)} test tracks; split.shared('artist') names "
            "them.",
            GtzanWarning,
            stacklevel=3,
        )
    return official


def _assign(
    table: pd.DataFrame, protocol: str, sizes: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Return the number of each row's part; -1 for tracks that must stay in train."""
    column = {"window": "window_id", "track": "track_id", "artist": "artist"}[protocol]
    known = table[table[column] != ""]
    counts = pd.crosstab(known[column], known["genre"])
    counts = counts.reindex(columns=sorted(table["genre"].unique()), fill_value=0)
    _refuse_too_few(counts, len(sizes), protocol, table)
    groups = counts.to_numpy()
    target = sizes[:, None] * groups.sum(axis=0)
    assigned = np.zeros_like(target)
    number = np.empty(len(groups), dtype=int)
    order = rng.permutation(len(groups))
    for row in order[np.argsort(-groups[order].sum(axis=1), kind="stable")]:
        present = groups[row] > 0
        # A part without any window of a genre lacks all of it, and comes first.
        need = ((target - assigned)[:, present] / target[:, present]).sum(axis=1)
        number[row] = np.argmax(need)
        assigned[number[row]] += groups[row]
    empty = np.argwhere(assigned == 0)
    if len(empty):
        genre = counts.columns[empty[0, 1]]
        raise SplitError(
            f"genre {genre!r} cannot be in all {len(sizes)} parts, because its artists are also "
            "in other genres; use fewer folds or leave the genre out."
        )
    position = dict(zip(counts.index, number, strict=True))
    return np.array([position.get(name, -1) for name in table[column]])


def _refuse_too_few(counts: pd.DataFrame, parts: int, protocol: str, table: pd.DataFrame) -> None:
    groups = (counts > 0).sum()
    too_few = groups[groups < parts]
    if too_few.empty:
        return
    genre = too_few.index[0]
    unknown = table.loc[(table["genre"] == genre) & (table["artist"] == ""), "track_id"].nunique()
    note = f" ({unknown} tracks have no known artist)" if protocol == "artist" and unknown else ""
    advice = "use protocol='track', or fewer folds" if protocol == "artist" else "use fewer folds"
    others = f" (and {', '.join(too_few.index[1:])} too few)" if len(too_few) > 1 else ""
    plural = "" if too_few.iloc[0] == 1 else "s"
    raise SplitError(
        f"genre {genre!r} has {too_few.iloc[0]} {protocol}{plural} for {parts} parts"
        f"{note}{others}; {advice}."
    )
