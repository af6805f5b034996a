"""The health check's account on the terminal, and what follows from a report."""

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

__all__ = ["excluded_files", "clean_features", "show_moves", "show_report", "show_rows"]

# A collection in another encoding has a notice for each file; its number will do.
_NOTICES = 20
_STYLES = {"error": "bold red", "warning": "yellow", "notice": "dim"}


def show_report(report: HealthReport) -> None:
    """Print a report: findings, duplicates, and how many of each."""
    console = _console()
    faults = report.faults
    few = faults["severity"].ne("notice") | (faults["severity"].eq("notice").sum() <= _NOTICES)
    if few.any():
        table = Table("track", "fault", "severity", "detail", box=None)
        for row in faults[few].itertuples():
            style = _STYLES[row.severity]
            # Names and details may hold brackets, which rich would take for markup.
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
    told = [f"{count} {fault}" for (_, fault), count in counts.items()]
    told.append(f"{len(report.duplicates)} duplicates")
    console.print(f"{report.n_files} files: {', '.join(told)}.", highlight=False)


def excluded_files(report: HealthReport) -> dict[str, str]:
    """Why each excluded file goes, by its path."""
    if report.files is None:
        raise HealthError(
            f"{report.source}: is no folder of audio files, so that none can be moved."
        )
    reasons = report.reasons
    paths = report.files["path"][report.files.index.isin(reasons)]
    return {path: reasons[track_id] for track_id, path in paths.items()}


def clean_features(
    features: Path, out: Path | None, report: HealthReport, folder: Path | None
) -> pd.DataFrame:
    """Find the rows of a feature table that should go; write the others where `out` is given.

    Rows of tracks that lie in the quarantine `folder` already count as excluded.
    """
    lying = quarantined(folder) if folder else {}
    # A track's id is its file's stem, or stands behind its genre.
    excluded = {Path(name).stem: why for name, why in lying.items()}
    excluded |= {f"{Path(name).parent.name}.{Path(name).stem}": why for name, why in lying.items()}
    excluded |= report.reasons
    return clean_table(features, out, known=set(report.track_ids), excluded=excluded)


def show_rows(rows: pd.DataFrame) -> None:
    """Print which rows of a feature table went, by track."""
    console = _console()
    if len(rows):
        table = Table("track", "rows", "why they are left out", box=None)
        for (track_id, reason), group in rows.groupby(["track_id", "reason"], sort=False):
            table.add_row(*_plain(track_id, str(len(group)), reason))
        console.print(table)
    console.print(f"{len(rows)} rows of the table left out.", highlight=False)


def show_moves(moves: list[Move], *, dry_run: bool) -> None:
    """Print which files were moved, or would be."""
    for move in moves:
        print(printable(f"{move.source} -> {move.target}  ({move.reason})"))
    print(f"{len(moves)} files {'would be moved' if dry_run else 'moved'}.")


def _console() -> Console:
    """Return a console whose tables keep a row on a line where nobody looks."""
    console = Console()
    return console if console.is_terminal else Console(width=1000)


def _plain(*cells: str) -> list[str]:
    from rich.markup import escape

    return [escape(printable(cell)) for cell in cells]
