"""Dividing windows into parts to train, select and test on.

A protocol is a promise about what is never on both sides: nothing but the
window itself (`window`), the track (`track`), or the artist (`artist`). These
three are one algorithm over different groups. The fourth, `fault-filtered`, is
a published list for GTZAN, which keeps tracks together and artists nearly.
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
from .corpus import Corpus

__all__ = ["PROTOCOLS", "Duplicates", "Fold", "Split", "quiet_split", "split"]

PROTOCOLS = ("window", "track", "artist", "fault-filtered")
"""Protocols, the leaking one first and the published one last."""

# What a protocol promises to keep on one side; each includes the ones before it.
_KEPT = {
    "window": [],
    "track": ["track_id"],
    "artist": ["track_id", "artist"],
    "fault-filtered": ["track_id"],
}

PARTS = ("train", "valid", "test")
_PAIRS_OF_PARTS = (("train", "test"), ("valid", "test"), ("train", "valid"))


class Duplicates(Protocol):
    """What knows of copies, such as a health report."""

    @property
    def duplicates(self) -> pd.DataFrame:
        """Pairs of tracks with the same recording, in columns `a` and `b`."""


class Fold(NamedTuple):
    """Row numbers of one division into three parts.

    Attributes
    ----------
    train, valid, test : np.ndarray [dtype=int64]
        Positions in the table that was split, and so in a store's images.
        `valid` may be empty.
    """

    train: np.ndarray
    valid: np.ndarray
    test: np.ndarray


@dataclasses.dataclass(frozen=True, eq=False)
class Split:
    """One or more divisions of a table of windows, saved with every experiment.

    Attributes
    ----------
    protocol : str
        What is kept together: one of `PROTOCOLS`.
    table : pd.DataFrame
        One row a window, in the order of the table that was split:
        `window_id`, `track_id`, `genre`, `artist`, and a column `fold_0`,
        `fold_1`, ... with `train`, `valid` or `test` for each fold; `dropped`
        where the published list leaves a track out.
    settings : dict
        What it was made with.
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
        return f"Split({self.protocol!r}: {kind} of {len(self.table)} windows, hash {self.hash})"

    @property
    def _columns(self) -> list[str]:
        return [column for column in self.table.columns if column.startswith("fold_")]

    @cached_property
    def folds(self) -> list[Fold]:
        """The divisions, as row numbers."""
        return [
            Fold(*(np.flatnonzero((self.table[column] == part).to_numpy()) for part in PARTS))
            for column in self._columns
        ]

    @cached_property
    def hash(self) -> str:
        """Sixteen hexadecimal digits for the protocol and every index."""
        columns = self.table[["window_id", *self._columns]]
        text = self.protocol + "\n" + columns.to_csv(index=False, lineterminator="\n")
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def parts(self, fold: int = 0) -> pd.DataFrame:
        """Count tracks by genre and part.

        Parameters
        ----------
        fold : int
            Which division.

        Returns
        -------
        pd.DataFrame
            Tracks of each genre (rows) in each part (columns). Under `window` a
            track that is in two parts counts in both.
        """
        column = self._columns[fold]
        pairs = self.table.drop_duplicates(["track_id", column])
        counts = pd.crosstab(pairs["genre"], pairs[column])
        return counts.reindex(columns=[part for part in PARTS if part in counts])

    def shared(
        self, unit: str = "track_id", fold: int = 0, *, parts: tuple[str, str] = ("train", "test")
    ) -> list[str]:
        """Name the tracks or artists that stand in two parts.

        Parameters
        ----------
        unit : str
            `track_id` or `artist`.
        fold : int
            Which division.
        parts : tuple of two str
            Which parts.

        Returns
        -------
        list of str
            Empty where the protocol keeps the unit together.
        """
        indices = self.folds[fold]
        names = self.table[unit].to_numpy()
        first, second = (set(names[getattr(indices, part)]) for part in parts)
        return sorted((first & second) - {None, np.nan, ""})

    def sharing(self, fold: int = 0) -> pd.DataFrame:
        """Tell which artists stand in two parts, and with which tracks.

        Parameters
        ----------
        fold : int
            Which division.

        Returns
        -------
        pd.DataFrame
            One row an artist and two parts: `first`, `second`, `artist`, and the
            artist's tracks in each, `tracks_first` and `tracks_second` (lists).
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

    def check(self, report: Duplicates | None = None) -> Split:
        """Refuse a split that breaks its protocol's promise.

        Parameters
        ----------
        report : a health report, optional
            With it, copies of one recording count as one track: they may stand
            in two parts under `window` alone.

        Returns
        -------
        Split
            This one, so that a call can be chained.

        Raises
        ------
        SplitError
            If a track, or under `artist` an artist, or a recording and its copy
            stand in two parts; the first is named.

        Examples
        --------
        >>> split = gl.split(windows, corpus).check(report)  # doctest: +SKIP
        """
        for number, (first, second) in itertools.product(range(len(self)), _PAIRS_OF_PARTS):
            for unit in _KEPT[self.protocol]:
                both = self.shared(unit, number, parts=(first, second))
                if both:
                    kind = "track" if unit == "track_id" else unit
                    raise SplitError(
                        f"{kind} {both[0]!r} is in {first} and in {second} of fold {number}, "
                        f"which the {self.protocol} protocol forbids; make the split anew with "
                        "gl.split(...)."
                    )
        if report is not None and _KEPT[self.protocol]:
            self._refuse_copies(report.duplicates)
        return self

    def _refuse_copies(self, duplicates: pd.DataFrame) -> None:
        parts = self.table.drop_duplicates("track_id").set_index("track_id")[self._columns]
        for a, b in zip(duplicates["a"], duplicates["b"], strict=True):
            if a not in parts.index or b not in parts.index:
                continue
            for column in self._columns:
                here, there = parts.at[a, column], parts.at[b, column]
                if here != there and "dropped" not in (here, there):
                    raise SplitError(
                        f"{a} is in {here} and its copy {b} in {there} of {column}; leave copies "
                        "out before splitting, with corpus.exclude(report)."
                    )

    def save(self, path: str | Path) -> Path:
        """Write the split as CSV, its settings in a first line that begins with `#`.

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
        with atomic_path(path) as temporary, temporary.open("w", encoding="utf-8") as stream:
            stream.write(f"# {canonical_json(head)}\n")
            self.table.to_csv(stream, index=False, lineterminator="\n")
        return Path(path)

    @classmethod
    def load(cls, path: str | Path) -> Split:
        """Read a split that `save` wrote.

        Parameters
        ----------
        path : str or Path
            The file.

        Returns
        -------
        Split
            With the same hash.

        Raises
        ------
        SplitError
            If the file is no split or its indices were changed.
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
                f"{path}: is not a split saved by this package; make it anew with gl.split(...)."
            ) from error
        if not intact:
            raise SplitError(
                f"{path}: its indices were changed after saving; make the split anew with "
                "gl.split(...)."
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
) -> Split:
    """Divide windows into train, valid and test.

    Parameters
    ----------
    windows : pd.DataFrame
        A table with `window_id`, `track_id` and `genre`, as from `windows` or a
        store.
    corpus : Corpus
        Where the artists are known.
    protocol : {"artist", "track", "window", "fault-filtered"}
        What is kept together. `window` lets the same recording into train and
        test; it exists to show that leak, and warns. `fault-filtered` is the
        published division of GTZAN, taken from the corpus' `partition`; it
        knows neither shares, folds nor chance, and warns of the artists that
        its parts share.
    shares : sequence of three floats
        Wanted shares of train, valid and test for a single division.
    folds : int
        1 for a single division by `shares`; from 3 on, as many parts of equal
        size, each of which is the test part once while the next one is the
        validation part.
    seed : int
        Of the random choices.

    Returns
    -------
    Split
        The divisions.

    Raises
    ------
    SplitError
        If the protocol is unknown, a genre has fewer artists (or tracks) than
        there are parts, or the corpus is not in the published list.

    Notes
    -----
    Groups are dealt out largest first to the part that lacks most of their
    genres, ties broken by the seed. Tracks whose artist is unknown form one
    group a genre, which is kept in train. The book page "Splits that do not
    leak" tells how far the parts are from stratified on real data.
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
            "show the leak, not what the model knows of new music.",
            GtzanWarning,
            stacklevel=2,
        )
    table = windows[["window_id", "track_id", "genre"]].reset_index(drop=True)
    strangers = sorted(set(table["track_id"]) - set(corpus.tracks.index))
    if strangers:
        raise SplitError(
            f"{corpus.root}: track {strangers[0]!r} of the windows is not in this corpus; split "
            "windows with the corpus they were cut from."
        )
    artists = corpus.tracks["artist"].reindex(table["track_id"]).fillna("").to_numpy()
    table["artist"] = artists
    if protocol == "fault-filtered":
        return _published(table, corpus, folds)
    sizes = np.array(shares if folds == 1 else np.full(folds, 1 / folds))
    part = _deal(table, protocol, sizes, np.random.default_rng(seed))
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
    return Split(protocol, table, settings)


def quiet_split(windows: pd.DataFrame, corpus: Corpus, **settings: Any) -> Split:
    """Split without the warning about a leak, for studies that measure the leak.

    Parameters
    ----------
    windows, corpus
        As for `split`.
    **settings
        As for `split`.

    Returns
    -------
    Split
        As from `split`.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", GtzanWarning)
        return split(windows, corpus, **settings)


def _published(table: pd.DataFrame, corpus: Corpus, folds: int) -> Split:
    """Divide by the partition that is known of each track."""
    if folds != 1:
        raise SplitError(
            f"{folds} folds: the fault-filtered split is one published division; use folds=1."
        )
    part = corpus.tracks["partition"].reindex(table["track_id"]).fillna("").to_numpy()
    strange = table["track_id"][~np.isin(part, [*PARTS, "dropped"])]
    if len(strange):
        raise SplitError(
            f"track {strange.iloc[0]!r} is in no part of the fault-filtered split, which is known "
            "for GTZAN's own tracks alone; use protocol='artist' or 'track'."
        )
    empty = [name for name in PARTS if name not in part]
    if empty:
        raise SplitError(
            f"{corpus.root}: none of its tracks is in the {empty[0]} part of the fault-filtered "
            "split; open the whole of GTZAN, or use protocol='artist' or 'track'."
        )
    table["fold_0"] = part
    settings = {"seed": None, "folds": 1, "corpus": corpus.fingerprint}
    made = Split("fault-filtered", table, settings)
    shared = made.shared("artist")
    if shared:
        tests = table[table["fold_0"] == "test"].drop_duplicates("track_id")
        among = int(tests["artist"].isin(shared).sum())
        warnings.warn(
            f"the fault-filtered split has {len(shared)} artists in both train and test, with "
            f"{among} of its {len(tests)} test tracks; split.shared('artist') names them.",
            GtzanWarning,
            stacklevel=3,
        )
    return made


def _deal(
    table: pd.DataFrame, protocol: str, sizes: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Give every row the number of a part; -1 for what must stay in train."""
    column = {"window": "window_id", "track": "track_id", "artist": "artist"}[protocol]
    known = table[table[column] != ""]
    counts = pd.crosstab(known[column], known["genre"])
    counts = counts.reindex(columns=sorted(table["genre"].unique()), fill_value=0)
    _refuse_too_few(counts, len(sizes), protocol, table)
    groups = counts.to_numpy()
    wanted = sizes[:, None] * groups.sum(axis=0)
    given = np.zeros_like(wanted)
    number = np.empty(len(groups), dtype=int)
    order = rng.permutation(len(groups))
    for row in order[np.argsort(-groups[order].sum(axis=1), kind="stable")]:
        present = groups[row] > 0
        # A part that has nothing yet of a genre lacks all of it, and so comes first.
        need = ((wanted - given)[:, present] / wanted[:, present]).sum(axis=1)
        number[row] = np.argmax(need)
        given[number[row]] += groups[row]
    empty = np.argwhere(given == 0)
    if len(empty):
        genre = counts.columns[empty[0, 1]]
        raise SplitError(
            f"genre {genre!r} cannot be in all {len(sizes)} parts, because its artists also play "
            "in other genres; use fewer folds or leave the genre out."
        )
    position = dict(zip(counts.index, number, strict=True))
    return np.array([position.get(name, -1) for name in table[column]])


def _refuse_too_few(counts: pd.DataFrame, parts: int, protocol: str, table: pd.DataFrame) -> None:
    groups = (counts > 0).sum()
    short = groups[groups < parts]
    if short.empty:
        return
    genre = short.index[0]
    unknown = table.loc[(table["genre"] == genre) & (table["artist"] == ""), "track_id"].nunique()
    aside = f" ({unknown} tracks have no known artist)" if protocol == "artist" and unknown else ""
    advice = "use protocol='track', or fewer folds" if protocol == "artist" else "use fewer folds"
    others = f" (and {', '.join(short.index[1:])} too few)" if len(short) > 1 else ""
    plural = "" if short.iloc[0] == 1 else "s"
    raise SplitError(
        f"genre {genre!r} has {short.iloc[0]} {protocol}{plural} for {parts} parts{aside}{others}; "
        f"{advice}."
    )
