"""What `gtzan run` shows of a run: live lines on a terminal, plain lines in a log."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple, Protocol

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from .jobs import job_states, planned_jobs
from .run_files import BOOK_JOB, CORPUS_JOB
from .runs import Run

__all__ = ["Board", "JobLine", "LogView", "TerminalView", "View", "duration", "open_view"]

STYLES = {"waiting": "dim", "running": "bold", "done": "green", "failed": "bold red"}

ENDED = ("done", "failed")

TITLES = {CORPUS_JOB: "compose the corpus", BOOK_JOB: "build the book"}

# Rows of a terminal that the bar and the shell's prompt need.
SPARE_ROWS = 4


class JobLine(NamedTuple):
    """What is shown of a job.

    Attributes
    ----------
    name : str
        Id of an experiment, or what another job does.
    state : str
        `waiting`, `running`, `done` or `failed`.
    seconds : float
        How long it has been running, or took.
    estimate : float or None
        How long it took before; None if it is done for the first time.
    """

    name: str
    state: str
    seconds: float
    estimate: float | None

    @property
    def left(self) -> float | None:
        """Estimated seconds to its end; None if that is not known."""
        if self.state in ENDED:
            return 0.0
        return None if self.estimate is None else max(self.estimate - self.seconds, 0.0)


class Board:
    """The jobs that a run has to do, and how far they are.

    Parameters
    ----------
    run : Run
        The run. States that its jobs have now are those of earlier runs.
    cores : int
        Number of cores, for the estimate of the whole.
    """

    def __init__(self, run: Run, cores: int) -> None:
        self.run = run
        self.cores = cores
        self.begin = time.monotonic()
        self.lines: list[JobLine] = []
        self._before = job_states(run)
        self._seen: dict[str, float] = {}

    def update(self) -> None:
        """Read plan and states again."""
        states, now = job_states(self.run), time.monotonic()
        self.lines = []
        for name in planned_jobs(self.run):
            before, state = self._before.get(name), states.get(name)
            title = TITLES.get(name, name)
            # Not the time of the start: the clock of another machine may be wrong.
            if state is None or state == before:
                estimate = before.last_duration if before else None
                self.lines.append(JobLine(title, "waiting", 0.0, estimate))
            else:
                seconds = now - self._seen.setdefault(name, now)
                seconds = seconds if state.seconds is None else state.seconds
                self.lines.append(JobLine(title, state.state, seconds, state.estimate))

    @property
    def seconds(self) -> float:
        """How long the run has been going."""
        return time.monotonic() - self.begin

    @property
    def finished(self) -> int:
        """Number of jobs that are done or failed."""
        return sum(line.state in ENDED for line in self.lines)

    @property
    def left(self) -> float | None:
        """Estimated seconds to the end of the run; None if a duration is not known."""
        times = {line.name: line.left for line in self.lines}
        known = {name: left for name, left in times.items() if left is not None}
        if not known or len(known) < len(times):
            return None
        # The corpus is composed before all others, and the book built after them.
        alone = sum(known.pop(title, 0.0) for title in TITLES.values())
        return alone + max([sum(known.values()) / self.cores, *known.values()])

    @property
    def errors(self) -> list[str]:
        """Error messages of the jobs that failed in this run."""
        states = job_states(self.run).items()
        return [s.error for name, s in states if s != self._before.get(name) and s.error]


class View(Protocol):
    """Something that shows a board again and again."""

    def show(self, board: Board) -> None:
        """Show the board as it is now."""


@contextmanager
def open_view() -> Iterator[View]:
    """Yield the view that fits standard error: a terminal, or else a log."""
    if not sys.stderr.isatty():
        yield LogView()
        return
    with Live(console=Console(stderr=True), auto_refresh=False, transient=True) as live:
        yield TerminalView(live)


class LogView:
    """Plain lines, one when a job starts and one when it ends."""

    def __init__(self) -> None:
        self._shown: set[str] = set()

    def show(self, board: Board) -> None:
        """Print what is new."""
        for line in board.lines:
            if line.state != "waiting":
                about = f" (about {duration(line.estimate)})" if line.estimate else ""
                self._once(f"started  {line.name}{about}")
            if line.state in ENDED:
                count = f"{board.finished} of {len(board.lines)}"
                self._once(f"{line.state:<8} {line.name} ({duration(line.seconds)}; {count})")

    def _once(self, text: str) -> None:
        # State and name come first.
        key = text.partition(" (")[0]
        if key not in self._shown:
            self._shown.add(key)
            print(text, file=sys.stderr, flush=True)


class TerminalView:
    """One live line for each job, and a bar for the whole.

    Lines of jobs that have ended move up and stay, so that those that are running
    are always in sight.

    Parameters
    ----------
    live : rich.live.Live
        The part of the screen that is written again and again.
    """

    def __init__(self, live: Live) -> None:
        self._live = live
        self._ended: set[str] = set()

    def show(self, board: Board) -> None:
        """Write the live part again."""
        console = self._live.console
        running = [line for line in board.lines if line.state == "running"]
        waiting = [line for line in board.lines if line.state == "waiting"]
        fitting = max(console.height - SPARE_ROWS - len(running), 0)
        parts: list[Table | Text] = [_table(running + waiting[:fitting], _width(board))]
        if len(waiting) > fitting:
            parts.append(Text(f"and {len(waiting) - fitting} more", style="dim"))
        self._live.update(Group(*parts, _bar(board)))
        for line in board.lines:
            if line.state in ENDED and line.name not in self._ended:
                self._ended.add(line.name)
                console.print(_table([line], _width(board)))
        self._live.refresh()


def _width(board: Board) -> int:
    return max((len(line.name) for line in board.lines), default=0)


def _table(lines: list[JobLine], width: int) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(width=7)
    table.add_column(width=width)
    table.add_column(justify="right", width=12)
    table.add_column()
    for line in lines:
        seconds = "" if line.state == "waiting" else duration(line.seconds)
        about = ""
        if line.estimate is not None and line.state not in ENDED:
            about = f"about {duration(line.estimate)}"
        style = STYLES[line.state]
        table.add_row(Text(line.state, style), Text(line.name, style), seconds, Text(about, "dim"))
    return table


def _bar(board: Board) -> Table | Text:
    if not board.lines:
        return Text(f"looking for what has changed ... {duration(board.seconds)}", style="dim")
    row = Table.grid(padding=(0, 2))
    left = "" if board.left is None else f", about {duration(board.left)} left"
    count = f"{board.finished} of {len(board.lines)}"
    bar = ProgressBar(total=len(board.lines), completed=board.finished, width=30)
    row.add_row(bar, f"{count}, {duration(board.seconds)}{left}")
    return row


def duration(seconds: float) -> str:
    """Return a duration as text.

    Parameters
    ----------
    seconds : float
        Duration in seconds.

    Returns
    -------
    str
        Such as `42 s`, `7 min 05 s` or `1 h 20 min`.
    """
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02} min"
