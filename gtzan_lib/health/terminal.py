"""Output of the health check on the terminal, and the files and rows to leave out."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
from rich.console import Console
from rich.table import Table

from ..data.tables import clean_table
from ..errors import HealthError
from ..files import printable
from .quarantine import Move, quarantined
from .report import HealthReport

__all__ = ["clean_features", "excluded_files", "show_moves", "show_report", "show_rows"]

# More notices about files are only counted: a collection in another encoding has one for each.
_NOTICES = 20
_STYLES = {"error": "bold red", "warning": "yellow", "notice": "dim"}


def show_report(report: HealthReport) -> None:
    """Print a report: faults, duplicates and their numbers."""
    console = _console()
    faults = report.faults
    is_notice = faults["severity"].eq("notice")
    shown = ~is_notice | (faults["track_id"] == "") | (is_notice.sum() <= _NOTICES)
    if shown.any():
        table = Table("track", "fault", "severity", "detail", box=None)
        for row in faults[shown].itertuples():
            style = _STYLES[row.severity]
            # Names and details may hold brackets, which rich would read as markup.
            table.add_row(
                *_plain(row.track_id or "(all)", row.fault, row.severity, row.detail), style=style
            )
        console.print(table)
    if len(report.duplicates):
        table = Table("track", "copy", "kind", "score", "lag", box=None)
        for row in report.duplicates.itertuples():
            table.add_row(
                *_plain(row.a, row.b, row.kind, f"{row.score:.2f}", f"{row.lag_s:+.1f} s")
            )
        console.print(table)
    counts = faults.groupby(["severity", "fault"]).size()
    numbers = [f"{count} {fault}" for (_, fault), count in counts.items()]
    numbers.append(f"{len(report.duplicates)} duplicates")
    console.print(f"{report.n_files} files: {', '.join(numbers)}.", highlight=False)


def excluded_files(report: HealthReport) -> dict[str, str]:
    """Return the reason of each excluded file, by its path."""
    if report.files is None:
        raise HealthError(
            f"{report.source}: is not a folder of audio files; leave out --quarantine."
        )
    reasons = report.reasons
    paths = report.files["path"][report.files.index.isin(reasons)]
    return {path: reasons[track_id] for track_id, path in paths.items()}


def clean_features(
    features: Path,
    out: Path | None,
    report: HealthReport,
    folder: Path | None,
    *,
    replace: bool = False,
) -> pd.DataFrame:
    """Return the rows of a feature table to leave out; write the others if `out` is given.

    Tracks in the quarantine `folder` count as excluded. A file that is at `out` is
    refused, unless `replace` is set.
    """
    reasons = {Path(name): why for name, why in (quarantined(folder) if folder else {}).items()}
    # A track's id is the stem of its file, with or without the genre before it.
    excluded = {file.stem: why for file, why in reasons.items()}
    excluded |= {f"{file.parent.name}.{file.stem}": why for file, why in reasons.items()}
    excluded |= report.reasons
    known = set(report.track_ids)
    return clean_table(features, out, known=known, excluded=excluded, replace=replace)


def show_rows(rows: pd.DataFrame) -> None:
    """Print the rows of a feature table that are left out, by track."""
    console = _console()
    if len(rows):
        table = Table("track", "rows", "why they are left out", box=None)
        for (track_id, reason), group in rows.groupby(["track_id", "reason"], sort=False):
            table.add_row(*_plain(track_id, str(len(group)), reason))
        console.print(table)
    console.print(f"{len(rows)} rows of the table left out.", highlight=False)


def show_moves(moves: list[Move], *, dry_run: bool) -> None:
    """Print the files that were moved, or would be."""
    for move in moves:
        print(printable(f"{move.source} -> {move.target}  ({move.reason})"))
    print(f"{len(moves)} files {'would be moved' if dry_run else 'moved'}.")


def _console() -> Console:
    """Return a console; without a terminal, it is wide enough for a row per line."""
    console = Console()
    return console if console.is_terminal else Console(width=1000)


def _plain(*cells: str) -> list[str]:
    from rich.markup import escape

    return [escape(printable(cell)) for cell in cells]
