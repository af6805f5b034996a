"""The jobs of a run: their states, their durations, and the reasons of failures.

A job, which may run on another machine, writes its state into a small file of the
workspace; `gtzan run` reads these files to show what is going on.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any, NamedTuple

from ..errors import GtzanError
from ..files import write_json
from .run_files import BOOK_JOB, CORPUS_JOB
from .runs import Run

__all__ = [
    "JobState",
    "clear_plan",
    "job",
    "job_states",
    "planned_jobs",
    "priorities",
    "write_plan",
]


class JobState(NamedTuple):
    """What is known of a job.

    Attributes
    ----------
    state : str
        `running`, `done` or `failed`.
    started : float
        When it was started, in seconds since 1970.
    estimate : float or None
        How many seconds it took when it was done before; None if it never was.
    seconds : float or None
        How many seconds it took; None while it is running.
    error : str
        The error message, if it failed on bad input.
    """

    state: str
    started: float
    estimate: float | None = None
    seconds: float | None = None
    error: str = ""

    @property
    def last_duration(self) -> float | None:
        """How many seconds it took when it was done last; None if it never was."""
        return self.seconds if self.state == "done" else self.estimate


@contextmanager
def job(run: Run, name: str) -> Iterator[None]:
    """Save the state of a job while a block runs, and its error message if it fails.

    Parameters
    ----------
    run : Run
        The run.
    name : str
        Id of an experiment, `CORPUS_JOB` or `BOOK_JOB`.

    Yields
    ------
    None
        Errors in the block are raised again.
    """
    file = _file(run, name)
    before = _read(file)
    started = time.time()
    state = JobState("running", started, before.last_duration if before else None)

    def save(**changes: Any) -> None:
        write_json(file, state._replace(**changes)._asdict())

    save()
    try:
        yield
    except BaseException as error:
        message = str(error) if isinstance(error, GtzanError) else ""
        save(state="failed", seconds=round(time.time() - started, 1), error=message)
        raise
    save(state="done", seconds=round(time.time() - started, 1))


def job_states(run: Run) -> dict[str, JobState]:
    """Read the states of a run's jobs.

    Parameters
    ----------
    run : Run
        The run.

    Returns
    -------
    dict of str to JobState
        By name; jobs that never started are missing.
    """
    states = {name: _read(_file(run, name)) for name in _names(run)}
    return {name: state for name, state in states.items() if state}


def write_plan(run: Run, names: Iterable[str]) -> None:
    """Save which jobs have to be done.

    Parameters
    ----------
    run : Run
        The run.
    names : iterable of str
        Names of jobs, in any order.
    """
    names = set(names)
    write_json(_plan(run), [name for name in _names(run) if name in names])


def clear_plan(run: Run) -> None:
    """Remove the plan of an earlier call.

    Parameters
    ----------
    run : Run
        The run.
    """
    _plan(run).unlink(missing_ok=True)


def planned_jobs(run: Run) -> list[str]:
    """Return the jobs that have to be done, in the run's order; empty while not known.

    Parameters
    ----------
    run : Run
        The run.

    Returns
    -------
    list of str
        Names of jobs.
    """
    with suppress(OSError, ValueError):
        return list(json.loads(_plan(run).read_text(encoding="utf-8")))
    return []


def priorities(run: Run) -> dict[str, int]:
    """Return which experiments to start first where several could be.

    First comes what is farthest from the end of the run: its own duration, and that
    of the longest chain of experiments that wait for it. What was never done has no
    duration; the order of the run's file decides then.

    Parameters
    ----------
    run : Run
        The run.

    Returns
    -------
    dict of str to int
        By id; the larger, the sooner. An experiment on several cores counts as
        several, so that two others together do not go before it.
    """
    states = job_states(run)
    after = {id_: experiment.after for id_, experiment in run.experiments.items()}
    to_end = dict.fromkeys(run.experiments, 0.0)
    for id_ in reversed(list(TopologicalSorter(after).static_order())):
        state = states.get(id_)
        to_end[id_] += (state.last_duration or 0.0) if state else 0.0
        for earlier in after[id_]:
            to_end[earlier] = max(to_end[earlier], to_end[id_])
    # The last comes first, of equal ones too.
    order = sorted(reversed(to_end), key=lambda id_: to_end[id_])
    return {id_: rank * run.experiments[id_].threads for rank, id_ in enumerate(order, start=1)}


def _names(run: Run) -> list[str]:
    return [CORPUS_JOB, *run.experiments, BOOK_JOB]


def _plan(run: Run) -> Path:
    return run.work.path / "plan.json"


def _file(run: Run, name: str) -> Path:
    return run.work.path / "jobs" / f"{name}.json"


def _read(file: Path) -> JobState | None:
    """Read a state; None if there is none, or an older version wrote it."""
    with suppress(OSError, ValueError, TypeError):
        return JobState(**json.loads(file.read_text(encoding="utf-8")))
    return None
