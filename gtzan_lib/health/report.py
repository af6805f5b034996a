"""Health reports: faults and duplicates, and the tracks to exclude because of them."""

from __future__ import annotations

import dataclasses
import json
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from ..errors import HealthError
from ..files import printable, write_json
from .faults import FAULTS, Fault

__all__ = ["DUPLICATE_COLUMNS", "KINDS", "HealthReport"]

KINDS = {
    "identical": "the same samples",
    "shifted": "the same recording, cut elsewhere",
    "gain": "the same recording at another level",
    "reencoded": "the same recording, encoded or processed anew",
}
"""How two tracks can be copies of one another."""

DUPLICATE_COLUMNS = ["a", "b", "kind", "score", "lag_s"]


@dataclasses.dataclass(frozen=True, eq=False)
class HealthReport:
    """What the health check found.

    Attributes
    ----------
    source : str
        The folder or file that was checked.
    n_files : int
        How many files, or log-mel images.
    faults : pd.DataFrame
        One row a finding: `track_id`, `path`, `fault`, `severity`, `detail`.
    duplicates : pd.DataFrame
        One row a pair of tracks with the same recording: `a`, `b`, `kind` (of
        `KINDS`), `score` (1 for identical samples) and `lag_s`, by how many
        seconds a moment comes later in `a` than in `b`.
    files : pd.DataFrame or None
        What was measured of each file, indexed by `track_id`; None in a report
        that was read from JSON or made of log-mel images.
    track_ids : list of str
        All tracks that were looked at; empty in a report that was read from JSON.
    """

    source: str
    n_files: int
    faults: pd.DataFrame
    duplicates: pd.DataFrame
    files: pd.DataFrame | None = None
    track_ids: list[str] = dataclasses.field(default_factory=list)

    def __repr__(self) -> str:
        counts = self.faults["severity"].value_counts()
        found = ", ".join(
            f"{counts.get(name, 0)} {name}s" for name in dict.fromkeys(FAULTS.values())
        )
        return f"HealthReport({self.n_files} files: {found}, {len(self.duplicates)} duplicates)"

    @cached_property
    def excluded(self) -> list[str]:
        """Ids of the tracks not to be used, sorted.

        All with an error; and of tracks that hold one recording, all but the
        first. Copies that stand in two genres are all excluded, since their
        label is in doubt.
        """
        errors = self.faults.loc[self.faults["severity"] == "error", "track_id"]
        out = set(errors) - {""}
        for a, b in sorted(zip(self.duplicates["a"], self.duplicates["b"], strict=True)):
            if a not in out and b not in out:
                out.add(b)
        return sorted(out)

    @property
    def reasons(self) -> dict[str, str]:
        """Why each excluded track is, in words."""
        told: dict[str, list[str]] = {}
        errors = self.faults[self.faults["severity"] == "error"]
        for track_id, fault, detail in errors[["track_id", "fault", "detail"]].to_numpy():
            told.setdefault(track_id, []).append(f"{fault} ({detail})")
        for a, b, kind in self.duplicates[["a", "b", "kind"]].to_numpy():
            for one, other in ((a, b), (b, a)):
                told.setdefault(one, []).append(f"same recording as {other} ({kind})")
        return {track_id: "; ".join(told[track_id]) for track_id in self.excluded}

    @property
    def is_clean(self) -> bool:
        """Whether there is neither an error nor a duplicate."""
        return not (len(self.duplicates) or (self.faults["severity"] == "error").any())

    def as_json(self) -> dict[str, Any]:
        """Return the report as `save` writes it."""
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
        try:
            write_json(path, self.as_json())
        except OSError as error:
            raise HealthError(f"{path}: cannot be written ({error.strerror}).") from error
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
            If the file is no such report.
        """
        try:
            stored = json.loads(Path(path).read_text(encoding="utf-8"))
            faults = [[row[name] for name in Fault._fields] for row in stored["faults"]]
            duplicates = [[row[n] for n in DUPLICATE_COLUMNS[:4]] for row in stored["duplicates"]]
            return cls(
                str(path),
                int(stored["files"]),
                pd.DataFrame(faults, columns=Fault._fields),
                pd.DataFrame(duplicates, columns=DUPLICATE_COLUMNS[:4]),
            )
        except (
            OSError,
            ValueError,
            LookupError,
            TypeError,
            ArithmeticError,
            RecursionError,
        ) as error:
            raise HealthError(
                f"{path}: is not a health report; make one with gtzan health PATH --json FILE."
            ) from error


def _text(value: Any) -> Any:
    """Make a name that is not valid text one that can be written down."""
    return printable(value) if isinstance(value, str) else value
