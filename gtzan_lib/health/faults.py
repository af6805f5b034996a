"""What counts as a fault: the rules that turn measurements into findings."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from ..data import gtzan
from ..files import sha256_of

__all__ = ["FAULTS", "Fault", "find_faults"]

FAULTS = {
    # Unusable, or not what the name says.
    "unreadable": "error",
    "truncated": "error",
    "too-short": "error",
    "wrong-rate": "error",
    "silent": "error",
    "mislabelled": "error",
    "same-id": "error",
    # Usable with care.
    "clipped": "warning",
    "dc-offset": "warning",
    "dropouts": "warning",
    "long-silence": "warning",
    "wrong-channels": "warning",
    "wrong-header": "warning",
    # Good to know.
    "too-long": "notice",
    "wrong-encoding": "notice",
    "wrong-format": "notice",
    "unknown-copy": "notice",
    "not-comparable": "notice",
}
"""Every fault's name and its severity, worst first."""

CLIPPED_PEAKS = 10
"""Flat tops a half minute from which a track counts as clipped."""

OFFSET = 0.04
"""Mean, relative to full scale, from which a track has an offset."""

WINDOW_S = 3.0
"""A track that is shorter gives no window; silence that is longer spoils one."""

# Of a collection whose tracks are this much alike, an odd one is told.
_ALIKE = 0.6
_LENGTHS = (0.9, 1.1)

_RATE, _CHANNELS, _ENCODING = 22_050, 1, "PCM_16"
_LOSSY = re.compile("VORBIS|OPUS|MPEG")
_FORMATS = {
    ".wav": {"WAV", "WAVEX", "RF64", "W64"},
    ".au": {"AU"},
    ".flac": {"FLAC"},
    ".ogg": {"OGG"},
    ".mp3": {"MP3", "MPEG"},
}


class Fault(NamedTuple):
    """One finding.

    Attributes
    ----------
    track_id : str
        Of the track; empty where the finding is about the whole collection.
    path : str
        The file, or the collection's folder.
    fault : str
        A name of `FAULTS`.
    severity : str
        `error`, `warning` or `notice`.
    detail : str
        What was found, with numbers.
    """

    track_id: str
    path: str
    fault: str
    severity: str
    detail: str

    @classmethod
    def of(cls, track_id: str, path: str, fault: str, detail: str) -> Fault:
        """Make one with the severity that belongs to its name."""
        return cls(track_id, path, fault, FAULTS[fault], detail)


def find_faults(name: str, root: Path, files: pd.DataFrame) -> list[Fault]:
    """Find the faults that single files show, and what sets them off from the others.

    Parameters
    ----------
    name : str
        Of the collection; files of `gtzan` are compared with Kaggle's.
    root : Path
        Its folder.
    files : pd.DataFrame
        One row a file, indexed by `track_id`: `genre`, `path` and the facts of
        `inspection.FACTS`.

    Returns
    -------
    list of Fault
        In the order of the files, the collection's own last.
    """
    usual = _Usual(files)
    known = gtzan.facts() if name == "gtzan" else None
    found = []
    for row in files.reset_index().to_dict("records"):
        finding = [*_of_file(row), *usual.compare(row)]
        found += [Fault.of(row["track_id"], row["path"], *pair) for pair in finding]
    found += [
        Fault.of(track_id, path, "same-id", "another file has the same track id")
        for track_id, path in files.loc[files.index.duplicated(keep=False), "path"].items()
    ]
    if known is not None:
        found += _strangers(root, files, known)
    return sorted(found, key=lambda fault: (fault.track_id == "", fault.track_id, fault.path))


def _of_file(row: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Tell what a file shows by itself."""
    if not row["decoded"]:
        # What could be opened holds sound up to where it ends.
        yield ("unreadable" if pd.isna(row["format"]) else "truncated"), row["problem"]
    elif row["silent"]:
        yield "silent", f"nothing above {_level(row['peak_db'])}"
    if pd.isna(row["format"]):
        return
    if row["format"] not in _FORMATS[Path(row["path"]).suffix.lower()]:
        yield "wrong-format", f"named {Path(row['path']).suffix}, holds {row['format']}"
    if row["surplus_s"] > 0:
        yield "wrong-header", f"{row['surplus_s']:.2f} s of data behind the end it states"
    if row["silent"]:
        return
    half_minutes = max(row["duration_s"] / 30, 0.1)
    if row["flat_tops"] / half_minutes >= CLIPPED_PEAKS:
        yield "clipped", f"{row['flat_tops']:.0f} flat tops at {_level(row['peak_db'])}"
    if abs(row["offset"]) >= OFFSET:
        yield "dc-offset", f"mean {row['offset']:+.3f} of full scale"
    if row["dropouts"]:
        yield "dropouts", f"{row['dropouts']:.0f} gaps that begin with a jump"
    if row["longest_silence_s"] >= WINDOW_S:
        yield "long-silence", f"{row['longest_silence_s']:.1f} s without sound"


class _Usual:
    """What most files of a collection have in common."""

    def __init__(self, files: pd.DataFrame) -> None:
        whole = files[files["decoded"].astype(bool)]
        ids = zip(files.index, files["genre"], strict=True)
        named_like_gtzan = all(gtzan.is_gtzan_id(*pair) for pair in ids)
        self.rate = _RATE if named_like_gtzan else _common(whole["sample_rate"])
        self.channels = _CHANNELS if named_like_gtzan else _common(whole["channels"])
        self.encoding = _ENCODING if named_like_gtzan else _common(whole["encoding"])
        lengths = whole["duration_s"].astype(float)
        self.length = float(lengths.median()) if len(lengths) else 0.0
        near = (lengths / self.length).between(*_LENGTHS) if self.length else lengths > 0
        self.one_length = bool(len(near)) and near.mean() >= _ALIKE

    def compare(self, row: dict[str, Any]) -> Iterator[tuple[str, str]]:
        """Tell what sets a file off."""
        if not row["decoded"]:
            return
        length, usual = row["duration_s"], f"where {self.length:.1f} s are usual"
        if (self.one_length and length < _LENGTHS[0] * self.length) or (
            length < WINDOW_S <= self.length or length == 0
        ):
            yield "too-short", f"{length:.2f} s, {usual}"
        elif self.one_length and length > _LENGTHS[1] * self.length:
            yield "too-long", f"{length:.2f} s, {usual}"
        if self.rate and row["sample_rate"] != self.rate:
            yield "wrong-rate", f"{row['sample_rate']:.0f} Hz, where {self.rate:.0f} Hz are usual"
        if self.channels and row["channels"] != self.channels:
            yield "wrong-channels", f"{row['channels']:.0f}, where {self.channels:.0f} are usual"
        lossy = _LOSSY.search(row["encoding"])
        if self.encoding and row["encoding"] != self.encoding and not lossy:
            yield "wrong-encoding", f"{row['encoding']}, where {self.encoding} is usual"


def _strangers(root: Path, files: pd.DataFrame, known: pd.DataFrame) -> Iterator[Fault]:
    """Tell which files are not Kaggle's, as far as that can be told."""
    files = files[~files.index.duplicated()]
    whole = files["decoded"].astype(bool)
    lossy = files["encoding"].fillna("").str.contains(_LOSSY)
    expected = known["wav_sha256"].reindex(files.index)
    compared = whole & ~lossy
    other = compared & (files["sha256"] != expected)
    if other.sum() > compared.sum() / 2:
        detail = f"{other.sum()} of {compared.sum()} files do not hold the samples of Kaggle's"
        yield Fault.of("", str(root), "unknown-copy", detail)
    else:
        for track_id, path in files.loc[other, "path"].items():
            yield Fault.of(track_id, path, "unknown-copy", "not the samples of Kaggle's file")
    for track_id, path in files.loc[~whole, "path"].items():
        if Path(path).is_file() and sha256_of(path) != expected[track_id]:
            yield Fault.of(track_id, path, "unknown-copy", "not the bytes of Kaggle's file")
    if lossy.any():
        detail = f"{lossy.sum()} of {len(files)} files are lossy, and have no known checksum"
        yield Fault.of("", str(root), "not-comparable", detail)


def _common(values: pd.Series) -> Any:
    """Return what most files have, if most have it."""
    shares = values.value_counts(normalize=True)
    return shares.index[0] if len(shares) and shares.iloc[0] >= _ALIKE else None


def _level(db: float) -> str:
    return f"{db:.1f} dB" if pd.notna(db) and db > -200 else "-200 dB"
