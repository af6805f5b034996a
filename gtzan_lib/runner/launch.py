"""Execution of a whole run with Snakemake."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from filelock import FileLock, Timeout

from ..errors import RunError
from ..outputs import try_to_write
from .dependencies import PACKAGE
from .display import Board, open_view
from .jobs import clear_plan
from .runs import Run, load_run
from .site import publish

__all__ = ["launch"]

# How often the states of the jobs are read, in seconds.
INTERVAL_S = 0.5


def launch(
    file: str | Path,
    *,
    overrides: Mapping[str, str] | None = None,
    cores: int | None = None,
    verbose: bool = False,
    snakemake: Sequence[str] = (),
) -> Path:
    """Bring a run's book up to date: execute what changed, then build.

    States of the jobs are shown on standard error.

    Parameters
    ----------
    file : str or Path
        The run's YAML, or its name.
    overrides : mapping of str to str, optional
        Parameters from the command line, as for `load_run`.
    cores : int, optional
        Number of cores for experiments in parallel. Default: all.
    verbose : bool
        Whether to show Snakemake's own report instead, which is otherwise written
        to `snakemake.log` in the run's workspace.
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
        executed; `RunError` if an experiment fails, or the workspace cannot be
        written.
    """
    run = load_run(file, overrides)
    if run.steps:
        raise RunError(f"{run.file}: has steps; say 'gtzan publish GTZAN_ROOT' instead.")
    for experiment in run.experiments:
        run.state_of(experiment)
    _refuse_other_code(run)
    cores = cores or os.cpu_count() or 1
    try:
        run.work.path.mkdir(parents=True, exist_ok=True)
        with _only_one(run):
            saved = run.save()
            clear_plan(run)
            board = Board(run, cores)
            _snakemake(run, board, _command(run, saved, cores, snakemake), verbose=verbose)
            return publish(run)
    except (PermissionError, FileExistsError, NotADirectoryError) as error:
        raise RunError(
            f"{error.filename or run.work.path}: cannot be written ({error.strerror}); set "
            "GTZAN_WORK to a folder of your own."
        ) from error


def _command(run: Run, saved: Path, cores: int, snakemake: Sequence[str]) -> list[str]:
    return [
        *(sys.executable, "-m", "snakemake"),
        *("--snakefile", str(run.root / "Snakefile")),
        # The Snakefile reads `run.json` there: the text of --config is parsed as YAML,
        # which folders with '#' or ': ' in their names do not survive.
        *("--directory", str(saved.parent)),
        *("--cores", str(cores)),
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


def _snakemake(run: Run, board: Board, command: Sequence[str], *, verbose: bool) -> None:
    """Call Snakemake and show the states of the jobs until it ends."""
    environment = _environment(run)
    if verbose:
        returned = subprocess.run(command, env=environment).returncode
    else:
        with _report(run).open("wb") as report:
            process = subprocess.Popen(
                command,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=report,
                stderr=subprocess.STDOUT,
            )
            returned = _follow(board, process)
    if returned:
        raise RunError(_reason(run, board, verbose=verbose))


def _follow(board: Board, process: subprocess.Popen[bytes]) -> int:
    """Show the board until a process ends; return the process' exit code."""
    try:
        with open_view() as view:
            while True:
                with suppress(subprocess.TimeoutExpired):
                    process.wait(timeout=INTERVAL_S)
                board.update()
                view.show(board)
                if process.returncode is not None:
                    return process.returncode
    except KeyboardInterrupt:
        # The terminal has sent it to Snakemake too, which stops its jobs.
        process.wait()
        raise RunError(
            f"run {board.run.name!r} was interrupted; the same command continues it."
        ) from None


def _environment(run: Run) -> dict[str, str]:
    environment = {
        **os.environ,
        "GTZAN_WORK": str(run.work.root),
        # Logs and pages are UTF-8, also on systems with another encoding.
        "PYTHONUTF8": "1",
    }
    try:
        try_to_write(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    except OSError:
        # Snakemake, Numba and Matplotlib keep files there.
        environment["XDG_CACHE_HOME"] = str(run.work.root / ".cache")
    return environment


def _refuse_other_code(run: Run) -> None:
    """Refuse a run whose checkout is not the one that this code belongs to.

    An environment that was copied with its checkout still loads the code of the
    first one.
    """
    own = run.root / PACKAGE.name
    of_a_checkout = (PACKAGE.parent / "Snakefile").is_file()
    if of_a_checkout and own.is_dir() and not own.samefile(PACKAGE):
        raise RunError(
            f"{run.root}: this command runs the code of another folder, {PACKAGE.parent}; say "
            f"'make setup' in {run.root}, and use the environment that is there."
        )


def _only_one(run: Run) -> FileLock:
    """Acquire the run's lock; print a message if another process holds it."""
    lock = FileLock(run.work.path / ".lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        print(f"run {run.name!r} is already going; waiting for it to finish.", file=sys.stderr)
        lock.acquire()
    return lock


def _report(run: Run) -> Path:
    return run.work.path / "snakemake.log"


def _reason(run: Run, board: Board, *, verbose: bool) -> str:
    """Return the error messages of the jobs that failed, and where more is written."""
    more = "the output above" if verbose else str(_report(run))
    reasons = board.errors or [f"run {run.name!r} failed; see {more}."]
    if board.errors and not verbose:
        print(f"Snakemake's report is {more}", file=sys.stderr)
    return "\n".join(reasons)
