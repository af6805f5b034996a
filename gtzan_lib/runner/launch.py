"""Execution of a whole run with Snakemake."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from filelock import FileLock, Timeout

from ..errors import RunError
from .runs import Run, load_run
from .site import publish

__all__ = ["launch"]


def launch(
    file: str | Path,
    *,
    overrides: Mapping[str, str] | None = None,
    cores: int | None = None,
    snakemake: Sequence[str] = (),
) -> Path:
    """Bring a run's book up to date: execute what changed, then build.

    Parameters
    ----------
    file : str or Path
        The run's YAML, or its name.
    overrides : mapping of str to str, optional
        Parameters from the command line, as for `load_run`.
    cores : int, optional
        Number of cores for experiments in parallel. Default: all.
    snakemake : sequence of str
        More arguments for Snakemake, such as `--executor slurm`.

    Returns
    -------
    Path
        First page of the book.

    Raises
    ------
    GtzanError
        If the run, a parameter or the corpus is invalid, before anything is
        executed; `RunError` if an experiment fails.
    """
    run = load_run(file, overrides)
    for experiment in run.experiments:
        run.state_of(experiment)
    run.work.path.mkdir(parents=True, exist_ok=True)
    with _only_one(run):
        _clear_partial(run)
        command = _command(run, run.save(), cores, snakemake)
        result = subprocess.run(command, env=_environment(run))
        if result.returncode:
            raise RunError(_reason(run))
        return publish(run)


def _command(run: Run, saved: Path, cores: int | None, snakemake: Sequence[str]) -> list[str]:
    return [
        *(sys.executable, "-m", "snakemake"),
        *("--snakefile", str(run.root / "Snakefile")),
        *("--directory", str(run.work.path)),
        *("--config", f"run={saved}"),
        *("--cores", str(cores or os.cpu_count() or 1)),
        # This process holds one lock per run, which is released when it ends;
        # Snakemake's own lock would survive a kill.
        "--nolock",
        "--rerun-incomplete",
        "--keep-going",
        *("--rerun-triggers", "mtime", "params", "input", "code"),
        # A touched file of any size counts as changed.
        *("--max-checksum-file-size", "0"),
        *("--quiet", "rules", "host", "reason"),
        *snakemake,
    ]


def _environment(run: Run) -> dict[str, str]:
    return {**os.environ, "GTZAN_WORK": str(run.work.root)}


def _only_one(run: Run) -> FileLock:
    """Acquire the run's lock; print a message if another process holds it."""
    lock = FileLock(run.work.path / ".lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        print(f"run {run.name!r} is already going; waiting for it to finish.", file=sys.stderr)
        lock.acquire()
    return lock


def _clear_partial(run: Run) -> None:
    for reason in run.work.partial.glob("*.txt"):
        reason.unlink()


def _reason(run: Run) -> str:
    """Return the error messages of the jobs that failed."""
    reasons = [path.read_text(encoding="utf-8") for path in sorted(run.work.partial.glob("*.txt"))]
    return "".join(reasons).strip() or f"run {run.name!r} failed; see the output above."
