"""The published run: the steps that measure, then the pages that show what was measured."""

from __future__ import annotations

import os
import sys
from collections.abc import Collection
from pathlib import Path

import nbformat
from rich.console import Console
from rich.table import Table

from ..errors import GtzanError, ParameterError
from ..evaluation.records import provenance
from ..files import atomic_path
from ..runner.execute import execute
from ..runner.runs import Experiment, Run, load_run
from ..runner.stamps import changes_since, stamp
from .material import find_material
from .results import Results
from .steps import STEPS, Plan, code_of, plan_steps, run_step

__all__ = ["publish", "stale"]

_COMMAND = "make published GTZAN_ROOT=..."


def publish(
    source: str | Path | None = None,
    *,
    file: str | Path = "published",
    results: str | Path | None = None,
    again: Collection[str] = (),
    jobs: int | None = None,
) -> list[Path]:
    """Do the steps that are missing, then execute the pages that have changed.

    Each step is kept when it is finished, so that an interrupted call continues, on
    another day or machine.

    Parameters
    ----------
    source : str or Path, optional
        A copy of GTZAN. Default: no step is done, only pages are executed.
    file : str or Path
        The run's YAML, or its name.
    results : str or Path, optional
        Folder of the results. Default: `results/gtzan` of the project.
    again : collection of str
        Steps to do again.
    jobs : int, optional
        Number of processes. Default: one for each processor core.

    Returns
    -------
    list of Path
        The executed pages, in `executed` of the results.

    Raises
    ------
    GtzanError
        If the run or the copy of GTZAN is invalid; `RunError` if a page fails, or needs
        a step that is not done.
    """
    run = _load(file, results)
    folder = _folder(run, results)
    if unknown := [name for name in again if name not in run.steps]:
        raise ParameterError(
            f"{run.file}: has no step {unknown[0]!r}; choose from {', '.join(run.steps)}."
        )
    jobs = jobs or os.cpu_count() or 1
    if source is not None:
        _do_steps(run, source, folder, again, jobs)
    elif again:
        raise ParameterError("a step needs a copy of GTZAN; name its folder.")
    return _make_pages(run, folder)


def _load(file: str | Path, results: str | Path | None) -> Run:
    return load_run(file, {} if results is None else {"results": str(Path(results).absolute())})


def _folder(run: Run, results: str | Path | None) -> Path:
    return Path(results or run.root / "results" / "gtzan").absolute()


def _do_steps(
    run: Run, source: str | Path, folder: Path, again: Collection[str], jobs: int
) -> None:
    material = find_material(source)
    plans = list(plan_steps(material, folder, run.steps))
    plans = [one._replace(state="again", reason="") if one.name in again else one for one in plans]
    console = Console(stderr=True, soft_wrap=True, highlight=False)
    for kind in material.places:
        console.print(f"found {material.described(kind)}")
    console.print(_table(plans))
    for one in plans:
        if one.state not in ("done", "left out"):
            console.print(f"started  {one.name}")
            try:
                seconds = run_step(one, material, folder, jobs=jobs)
            except GtzanError as error:
                # A part of GTZAN may have too few tracks or artists for it.
                console.print(f"left out {one.name}: {error}")
                continue
            console.print(f"done     {one.name} ({seconds:.0f} s)")


def _table(plans: list[Plan]) -> Table:
    """Return the steps with their states and estimates."""
    table = Table(box=None)
    for column in ("step", "what it does", "state", "minutes"):
        table.add_column(column, justify="right" if column == "minutes" else "left")
    for one in plans:
        state = f"{one.state}: {one.reason}" if one.reason else one.state
        minutes = "" if one.state in ("done", "left out") else f"{STEPS[one.step].minutes:g}"
        table.add_row(one.name, STEPS[one.step].title, state, minutes)
    return table


def _make_pages(run: Run, folder: Path) -> list[Path]:
    pages = []
    for experiment in run.experiments.values():
        missing = [name for name in _steps_of(run, experiment) if not _note(folder, name).is_file()]
        if missing:
            print(f"left out {experiment.name}: step {missing[0]} is not done", file=sys.stderr)
            continue
        target = folder / "executed" / f"{experiment.name}.ipynb"
        if not target.is_file() or changes_since(_read(target), experiment.notebook):
            print(f"started  {experiment.name}", file=sys.stderr)
            notebook = _read(execute(run, experiment.id))
            stamp(
                notebook,
                experiment.notebook,
                _data(run, experiment, folder),
                command=_COMMAND,
                made=provenance(None),
            )
            with atomic_path(target) as temporary:
                nbformat.write(notebook, temporary)
        pages.append(target)
    return pages


def _steps_of(run: Run, experiment: Experiment) -> list[str]:
    return [name for name in experiment.after if name in run.steps]


def _note(folder: Path, step: str) -> Path:
    return folder / step / "step.json"


def _data(run: Run, experiment: Experiment, folder: Path) -> list[Path]:
    """Return the files that a page reads: notes of its steps, and tables that it names."""
    # The note of a step has the digests of its files.
    notes = [_note(folder, name) for name in _steps_of(run, experiment)]
    code = "".join(
        cell["source"]
        for cell in _read(experiment.notebook)["cells"]
        if cell["cell_type"] == "code"
    )
    kept = run.root / "results"
    tables = [*kept.glob("*.csv"), *kept.glob("*/*.csv")]
    return [*notes, *(table for table in tables if table.name in code)]


def _read(file: Path) -> nbformat.NotebookNode:
    return nbformat.read(file, as_version=4)


def stale(
    file: str | Path = "published", *, results: str | Path | None = None
) -> dict[str, list[str]]:
    """Return which pages and steps were made from something that has changed since.

    Parameters
    ----------
    file : str or Path
        The run's YAML, or its name.
    results : str or Path, optional
        Folder of the results. Default: `results/gtzan` of the project.

    Returns
    -------
    dict of str to list of str
        What has changed, by the name of the page or step; those that are up to date are
        not in it.

    Raises
    ------
    GtzanError
        If the run is invalid.
    """
    run = _load(file, results)
    folder = _folder(run, results)
    found = {
        name: ["code of the package that it uses"]
        for name, one in run.steps.items()
        if _note(folder, name).is_file() and Results(folder).step(name)["code"] != code_of(one.step)
    }
    for experiment in run.experiments.values():
        target = folder / "executed" / f"{experiment.name}.ipynb"
        found[experiment.name] = ["everything, since it was never made,"]
        if target.is_file():
            found[experiment.name] = changes_since(_read(target), experiment.notebook)
    return {name: reasons for name, reasons in found.items() if reasons}
