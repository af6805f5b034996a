"""The rules that turn measurements of files into faults."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from ..data.decoders import FORMATS
from ..data.loaders import gtzan
from ..files import sha256_of

__all__ = ["FAULT_SEVERITIES", "Fault", "find_faults"]

FAULT_SEVERITIES = {
    # Unusable, or with a wrong label or id.
    "unreadable": "error",
    "truncated": "error",
    "too-short": "error",
    "wrong-rate": "error",
    "silent": "error",
    "invalid-samples": "error",
    "mislabelled": "error",
    "same-id": "error",
    # Usable with care.
    "clipped": "warning",
    "dc-offset": "warning",
    "dropouts": "warning",
    "long-silence": "warning",
    "wrong-channels": "warning",
    "wrong-header": "warning",
    # For information.
    "too-long": "notice",
    "wrong-encoding": "notice",
    "wrong-format": "notice",
    "unknown-copy": "notice",
    "not-comparable": "notice",
    "passed-over": "notice",
}
"""Every fault's name and its severity, worst first."""

CLIPPED_PEAKS = 10
"""Flat tops per half minute from which a track counts as clipped."""

OFFSET = 0.04
"""Mean, relative to full scale, from which a track has an offset."""

WINDOW_S = 3.0
"""Length of a window in seconds: the least length of a track, and of a reported silence."""

# Least share of the files with a common property for which the others are reported,
# and the range of lengths, relative to the median, that count as common.
_COMMON_SHARE = 0.6
_LENGTHS = (0.9, 1.1)

_RATE, _CHANNELS, _ENCODING = 22_050, 1, "PCM_16"
_LOSSY = re.compile("VORBIS|OPUS|MPEG|AAC|WMA|SPEEX")


class Fault(NamedTuple):
    """One fault.

    Attributes
    ----------
    track_id : str
        Id of the track; empty if the fault concerns the whole collection.
    path : str
        The file, or the collection's folder.
    fault : str
        A name of `FAULT_SEVERITIES`.
    severity : str
        `error`, `warning` or `notice`.
    detail : str
        Description, with numbers.
    """

    track_id: str
    path: str
    fault: str
    severity: str
    detail: str

    @classmethod
    def of(cls, track_id: str, path: str, fault: str, detail: str) -> Fault:
        """Return a fault with the severity of its name."""
        return cls(track_id, path, fault, FAULT_SEVERITIES[fault], detail)


def find_faults(name: str, root: Path, files: pd.DataFrame) -> list[Fault]:
    """Find the faults of single files, and the files that differ from most others.

    Parameters
    ----------
    name : str
        Name of the collection; files of `gtzan` are compared with Kaggle's.
    root : Path
        Folder of the collection.
    files : pd.DataFrame
        One row per file, indexed by `track_id`: `genre`, `path` and the facts of
        `inspection.INSPECTED_FACTS`.

    Returns
    -------
    list of Fault
        Sorted by track; those of the whole collection are last.
    """
    common = _CommonProperties(files)
    faults = []
    for row in files.reset_index().to_dict("records"):
        pairs = [*_faults_of_file(row), *common.compare(row)]
        faults += [Fault.of(row["track_id"], row["path"], *pair) for pair in pairs]
    faults += [
        Fault.of(track_id, path, "same-id", "another file has the same track id")
        for track_id, path in files.loc[files.index.duplicated(keep=False), "path"].items()
    ]
    if 0 < common.length < WINDOW_S:
        longest = f"{common.length:.2f} s, and a window {WINDOW_S:g} s"
        detail = f"half of the files last at most {longest}"
        faults.append(Fault.of("", str(root), "too-short", detail))
    if name == "gtzan":
        faults += _unknown_files(root, files, gtzan.facts())
    return sorted(faults, key=lambda fault: (fault.track_id == "", fault.track_id, fault.path))


def _faults_of_file(row: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield name and detail of the faults that a file shows by itself."""
    if not row["decoded"]:
        # A file that could be opened holds sound up to where it breaks off.
        yield ("unreadable" if pd.isna(row["format"]) else "truncated"), row["problem"]
    elif row["silent"]:
        yield "silent", f"nothing above {_level(row['peak_db'])}"
    if pd.isna(row["format"]):
        return
    if row["format"] not in FORMATS[Path(row["path"]).suffix.lower()]:
        yield "wrong-format", f"named {Path(row['path']).suffix}, holds {row['format']}"
    if row["surplus_s"] > 0:
        yield "wrong-header", f"{row['surplus_s']:.2f} s of data after the end stated in the header"
    if row["invalid_samples"] > 0:
        count = row["invalid_samples"]
        yield "invalid-samples", f"{count:.0f} are no finite numbers or far too large"
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


class _CommonProperties:
    """The properties that most files of a collection share."""

    def __init__(self, files: pd.DataFrame) -> None:
        decoded = files[files["decoded"].astype(bool)]
        ids = zip(files.index, files["genre"], strict=True)
        named_like_gtzan = all(gtzan.is_gtzan_id(*pair) for pair in ids)
        self.rate = _RATE if named_like_gtzan else _common_value(decoded["sample_rate"])
        self.channels = _CHANNELS if named_like_gtzan else _common_value(decoded["channels"])
        self.encoding = _ENCODING if named_like_gtzan else _common_value(decoded["encoding"])
        lengths = decoded["duration_s"].astype(float)
        self.length = float(lengths.median()) if len(lengths) else 0.0
        near = (lengths / self.length).between(*_LENGTHS) if self.length else lengths > 0
        self.one_length = bool(len(near)) and near.mean() >= _COMMON_SHARE

    def compare(self, row: dict[str, Any]) -> Iterator[tuple[str, str]]:
        """Yield name and detail of the faults in which a file differs from most others."""
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


def _unknown_files(root: Path, files: pd.DataFrame, facts: pd.DataFrame) -> Iterator[Fault]:
    """Yield the files that differ from Kaggle's, where they can be compared."""
    # Other files in a copy of GTZAN have nothing to be compared with.
    files = files[~files.index.duplicated() & files.index.isin(facts.index)]
    decoded = files["decoded"].astype(bool)
    lossy = files["encoding"].astype(object).fillna("").str.contains(_LOSSY)
    expected = facts["wav_sha256"].reindex(files.index)
    compared = decoded & ~lossy
    other = compared & (files["sha256"] != expected)
    if other.sum() > compared.sum() / 2:
        detail = f"{other.sum()} of {compared.sum()} files differ from Kaggle's in their samples"
        yield Fault.of("", str(root), "unknown-copy", detail)
    else:
        for track_id, path in files.loc[other, "path"].items():
            yield Fault.of(track_id, path, "unknown-copy", "samples differ from Kaggle's file")
    for track_id, path in files.loc[~decoded, "path"].items():
        if Path(path).is_file() and sha256_of(path) != expected[track_id]:
            yield Fault.of(track_id, path, "unknown-copy", "bytes differ from Kaggle's file")
    if lossy.any():
        detail = f"{lossy.sum()} of {len(files)} files are lossy, and have no known checksum"
        yield Fault.of("", str(root), "not-comparable", detail)


def _common_value(values: pd.Series) -> Any:
    """Return the value that most files share, or None."""
    shares = values.value_counts(normalize=True)
    return shares.index[0] if len(shares) and shares.iloc[0] >= _COMMON_SHARE else None


def _level(db: float) -> str:
    return f"{db:.1f} dB" if pd.notna(db) and db > -200 else "-200 dB"
