"""Health reports: faults and duplicates, and the tracks to exclude because of them."""

from __future__ import annotations

import dataclasses
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from ..errors import HealthError
from ..files import printable
from .faults import FAULT_SEVERITIES, Fault

__all__ = ["DUPLICATE_COLUMNS", "KINDS", "HealthReport"]

KINDS = {
    "identical": "the same samples",
    "shifted": "the same recording, cut elsewhere",
    "gain": "the same recording at another level",
    "reencoded": "the same recording, encoded or processed anew",
}
"""Descriptions of the kinds of duplicates."""

DUPLICATE_COLUMNS = ["a", "b", "kind", "score", "lag_s"]


@dataclasses.dataclass(frozen=True, eq=False)
class HealthReport:
    """The result of the health check.

    Attributes
    ----------
    source : str
        The folder or file that was checked.
    n_files : int
        Number of files, or of log-mel images.
    faults : pd.DataFrame
        One row per fault: `track_id`, `path`, `fault`, `severity`, `detail`.
    duplicates : pd.DataFrame
        One row per pair of tracks with the same recording: `a`, `b`, `kind` (of
        `KINDS`), `score` (1 for identical samples) and `lag_s`, by how many
        seconds the recording is later in `a` than in `b`.
    files : pd.DataFrame or None
        The measurements of each file, indexed by `track_id`; None in a report
        that was read from JSON or made from log-mel images or a table.
    track_ids : list of str
        All tracks that were checked; empty in a report that was read from JSON.
    """

    source: str
    n_files: int
    faults: pd.DataFrame
    duplicates: pd.DataFrame
    files: pd.DataFrame | None = None
    track_ids: list[str] = dataclasses.field(default_factory=list)

    def __repr__(self) -> str:
        counts = self.faults["severity"].value_counts()
        faults = ", ".join(
            f"{counts.get(name, 0)} {name}s" for name in dict.fromkeys(FAULT_SEVERITIES.values())
        )
        return f"HealthReport({self.n_files} files: {faults}, {len(self.duplicates)} duplicates)"

    @cached_property
    def excluded(self) -> list[str]:
        """Ids of the tracks to leave out, sorted.

        These are all tracks with an error, and of tracks with the same recording
        all but the first. Copies in two genres are all excluded, since their
        label is uncertain.
        """
        errors = self.faults.loc[self.faults["severity"] == "error", "track_id"]
        excluded = set(errors) - {""}
        for a, b in sorted(zip(self.duplicates["a"], self.duplicates["b"], strict=True)):
            if a not in excluded and b not in excluded:
                excluded.add(b)
        return sorted(excluded)

    @property
    def reasons(self) -> dict[str, str]:
        """Why each excluded track is left out, by track id."""
        reasons: dict[str, list[str]] = {}
        errors = self.faults[self.faults["severity"] == "error"]
        for track_id, fault, detail in errors[["track_id", "fault", "detail"]].to_numpy():
            reasons.setdefault(track_id, []).append(f"{fault} ({detail})")
        for a, b, kind in self.duplicates[["a", "b", "kind"]].to_numpy():
            for track_id, other in ((a, b), (b, a)):
                reasons.setdefault(track_id, []).append(f"same recording as {other} ({kind})")
        return {track_id: "; ".join(reasons[track_id]) for track_id in self.excluded}

    @property
    def is_clean(self) -> bool:
        """Whether there is neither an error nor a duplicate."""
        return not (len(self.duplicates) or (self.faults["severity"] == "error").any())

    def as_json(self) -> dict[str, Any]:
        """Return the report as JSON values; `save` adds a version."""
        duplicates = self.duplicates[["a", "b", "kind", "score"]]
        return {
            "files": self.n_files,
            "faults": self.faults.map(_text).to_dict("records"),
            "duplicates": duplicates.map(_text).to_dict("records"),
        }

    def save(self, path: str | Path) -> Path:
        """Write the report as JSON.

        Parameters
        ----------
        path : str or Path
            The file.

        Returns
        -------
        Path
            The same path.

        Raises
        ------
        HealthError
            If the file cannot be written.
        """
        from ..documents import ReportDocument, write_document

        try:
            write_document(path, self.as_json(), ReportDocument)
        except OSError as error:
            raise HealthError(
                f"{path}: cannot be written ({error.strerror}); name another place."
            ) from error
        return Path(path)

    @classmethod
    def load(cls, path: str | Path) -> HealthReport:
        """Read a report that `save` wrote.

        Parameters
        ----------
        path : str or Path
            The file.

        Returns
        -------
        HealthReport
            Without `files`.

        Raises
        ------
        HealthError
            If the file is no such report, or was written by a newer version.
        """
        from ..documents import ReportDocument, read_document

        stored = read_document(path, ReportDocument)
        return cls(
            str(path),
            stored["files"],
            pd.DataFrame(stored["faults"], columns=Fault._fields),
            pd.DataFrame(stored["duplicates"], columns=DUPLICATE_COLUMNS[:4]),
        )


def _text(value: Any) -> Any:
    """Return a text in which what cannot be encoded is replaced."""
    return printable(value) if isinstance(value, str) else value
