"""Output of scores and leaderboards on the terminal."""

from __future__ import annotations

import numpy as np
import pandas as pd
from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table

from ..files import printable
from .scoring import ScoredPredictions
from .summary import caveats

__all__ = ["show_leaderboard", "show_scores"]


def show_scores(scored: ScoredPredictions) -> None:
    """Print scores, a table by genre, paired tests, and the leaderboard."""
    evaluation, console = scored.evaluation, Console()
    lines = [
        f"{printable(scored.name)}: {scored.title}, n = {evaluation.accuracy().n}",
        f"accuracy: {evaluation.accuracy()}; interval: {evaluation.accuracy().interval}",
        f"chance: {_percent(evaluation.baseline)} %",
        f"macro F1: {_percent(evaluation.macro_f1())} %",
    ]
    if not scored.are_answers:
        lines.append(f"top-2 accuracy: {evaluation.top_k_accuracy(2)}")
        lines.append(f"calibration error: {_percent(evaluation.calibration_error())} %")
    for line in [*lines, *caveats(evaluation)]:
        console.print(line, markup=False, highlight=False, soft_wrap=True)
    table = Table(_names("genre"), "tracks", "precision %", "recall %", "95 % interval", "F1 %")
    for genre, row in evaluation.per_genre().iterrows():
        table.add_row(
            escape(printable(str(genre))),
            str(int(row["n"])),
            _percent(row["precision"]),
            _percent(row["recall"]),
            _interval(row),
            _percent(row["f1"]),
        )
    console.print(table)
    if len(scored.tests):
        table = Table(_names("compared with"), "only the file", "only the record", "p", "p (Holm)")
        for row in scored.tests.itertuples():
            counts = str(row.only_first), str(row.only_second)
            table.add_row(escape(row.record), *counts, f"{row.p_value:.2g}", f"{row.p_holm:.2g}")
        console.print(table)
    if scored.skipped:
        names = ", ".join(scored.skipped)
        console.print(
            f"Not compared, since tested on other tracks: {names}.",
            markup=False,
            highlight=False,
            soft_wrap=True,
        )
    show_leaderboard(scored.leaderboard)


def show_leaderboard(leaderboard: pd.DataFrame) -> None:
    """Print a table as `gtzan_lib.evaluation.records.leaderboard` returns it."""
    table = Table(
        _names("experiment"), "protocol", "tracks", "accuracy %", "95 % interval", "windows %"
    )
    for name, row in leaderboard.iterrows():
        table.add_row(
            escape(printable(str(name))),
            f"official, {row['part']}" if row["protocol"] == "official" else row["protocol"],
            str(row["tracks"]),
            _percent(row["accuracy"]),
            _interval(row),
            _percent(row["window_accuracy"]),
        )
    Console().print(table)


def _names(header: str) -> Column:
    """Return a column whose cells are never cut off."""
    return Column(header, overflow="fold")


def _percent(share: float) -> str:
    return "-" if np.isnan(share) else f"{100 * share:.1f}"


def _interval(row: pd.Series) -> str:
    return f"{_percent(row['low'])} to {_percent(row['high'])}"
