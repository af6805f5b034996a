"""Carrying out a whole run with Snakemake."""

from __future__ import annotations

import json
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
        Parameters from the command line.
    cores : int, optional
        For experiments side by side. Default: all.
    snakemake : sequence of str
        More arguments for Snakemake, such as `--executor slurm`.

    Returns
    -------
    Path
        The book's first page.

    Raises
    ------
    GtzanError
        If the run, a parameter or the corpus is not what it should be, before
        anything is executed; `RunError` if an experiment fails.
    """
    run = load_run(file, overrides)
    for experiment in run.experiments:
        run.state_of(experiment)
    run.work.path.mkdir(parents=True, exist_ok=True)
    with _only_one(run):
        _clear_partial(run)
        answer = subprocess.run(_command(run, overrides, cores, snakemake), env=_environment(run))
        if answer.returncode:
            raise RunError(_reason(run))
        return publish(run)


def _command(
    run: Run,
    overrides: Mapping[str, str] | None,
    cores: int | None,
    snakemake: Sequence[str],
) -> list[str]:
    return [
        *(sys.executable, "-m", "snakemake"),
        *("--snakefile", str(run.root / "Snakefile")),
        *("--directory", str(run.work.path)),
        *("--config", f"run={run.file}", f"overrides={json.dumps(dict(overrides or {}))}"),
        *("--cores", str(cores or os.cpu_count() or 1)),
        # One lock a run is held by this process, and falls with it; Snakemake's
        # own would outlive a kill.
        "--nolock",
        "--rerun-incomplete",
        "--keep-going",
        *("--rerun-triggers", "mtime", "params", "input", "code"),
        # A touched file counts as changed, whatever its size.
        *("--max-checksum-file-size", "0"),
        *("--quiet", "rules", "host", "reason"),
        *snakemake,
    ]


def _environment(run: Run) -> dict[str, str]:
    return {**os.environ, "GTZAN_WORK": str(run.work.root)}


def _only_one(run: Run) -> FileLock:
    """Return the run's lock, held; wait for another process that has it, and say so."""
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
    """Return the one thing worth reading after Snakemake's own account."""
    reasons = [path.read_text(encoding="utf-8") for path in sorted(run.work.partial.glob("*.txt"))]
    return "".join(reasons).strip() or f"run {run.name!r} stopped; the reason stands above."
