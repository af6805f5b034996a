"""Execution of the notebook of one experiment."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import nbformat

from ..errors import RunError
from ..files import atomic_path
from .runs import Experiment, Run, saved_error

__all__ = ["clean_notebook", "execute"]

# Libraries read these when they are imported, so they are set before the kernel starts.
THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "NUMBA_NUM_THREADS",
)

# Labels of the folded cells of parameters, by their tag.
PROMPTS = {
    "parameters": "Parameters and their defaults",
    "injected-parameters": "Parameters of this run",
}


def execute(run: Run, experiment: str) -> Path:
    """Execute a notebook and save the result for the book.

    Parameters
    ----------
    run : Run
        From `load_run`.
    experiment : str
        Id of one of its experiments.

    Returns
    -------
    Path
        The executed notebook, in the run's `executed/`.

    Raises
    ------
    RunError
        If a cell fails or the kernel dies; the notebook up to that cell stays in
        the run's `partial/`.
    """
    import papermill
    from filelock import FileLock
    from nbclient.exceptions import DeadKernelError

    chosen = run.experiments[experiment]
    partial = run.work.partial / f"{chosen.name}.ipynb"
    partial.parent.mkdir(parents=True, exist_ok=True)
    _fix_environment(chosen, run)
    # A process that survived a killed run may still execute it.
    with FileLock(partial.with_suffix(".lock")), saved_error(run, chosen.name):
        try:
            _execute_with_retry(chosen, run.root, partial)
        except papermill.PapermillExecutionError as error:
            raise RunError(_explain(chosen, error, partial)) from error
        except DeadKernelError as error:
            raise RunError(
                f"{chosen.notebook.name} (experiment {chosen.id!r}): its kernel was killed, most "
                "often because memory ran out; free some, or use a smaller size, batch or corpus; "
                f"the notebook up to there is in {partial}."
            ) from error
        target = run.work.executed / partial.name
        notebook = clean_notebook(nbformat.read(partial, as_version=4), _places(run, experiment))
        with atomic_path(target) as temporary:
            nbformat.write(notebook, temporary)
        partial.unlink()
    return target


def _execute_with_retry(experiment: Experiment, cwd: Path, output: Path) -> None:
    """Execute with papermill; try once more if the kernel did not start.

    Kernels choose their ports before they open them, so that one of several that
    start at the same moment may find its port taken.
    """
    import papermill
    from nbclient.exceptions import DeadKernelError

    for last_try in (False, True):
        try:
            papermill.execute_notebook(
                experiment.notebook,
                output,
                experiment.parameters,
                kernel_name="python3",
                language="python",
                cwd=cwd,
                progress_bar=False,
                # Without papermill's hints about the transport.
                extra_arguments=["--log-level=ERROR"],
            )
        except DeadKernelError:
            raise
        except RuntimeError:
            if last_try:
                raise
        else:
            return


def clean_notebook(
    notebook: nbformat.NotebookNode, places: dict[str, str]
) -> nbformat.NotebookNode:
    """Prepare an executed notebook for the book.

    Parameters
    ----------
    notebook : nbformat.NotebookNode
        The output of papermill; changed in place.
    places : dict of str to str
        Replacements of this machine's folders in the text.

    Returns
    -------
    nbformat.NotebookNode
        Without timings, paths of this machine and random ids; parameters are folded.
    """
    notebook["metadata"].pop("papermill", None)
    for cell in notebook["cells"]:
        for key in ("papermill", "execution"):
            cell["metadata"].pop(key, None)
        tags = cell["metadata"].get("tags", [])
        if "injected-parameters" in tags:
            # papermill draws a random id; equal runs must give equal files.
            cell["id"] = "injected-parameters"
        for tag, prompt in PROMPTS.items():
            if tag in tags:
                cell["metadata"]["tags"] = [*tags, "hide-input"]
                prompts = {"code_prompt_show": prompt, "code_prompt_hide": prompt}
                cell["metadata"]["mystnb"] = prompts
        if cell["cell_type"] == "code":
            cell["source"] = _replace(cell["source"], places)
            cell["outputs"] = [_clean(output, places) for output in cell["outputs"]]
    return notebook


def _clean(output: Any, places: dict[str, str]) -> Any:
    if output["output_type"] == "stream":
        # The first line of a warning begins with the file that raised it.
        text = re.sub(r"(?m)^\S+?:\d+: (?:Gtzan)?(\w*Warning): ", r"\1: ", output["text"])
        output["text"] = _replace(re.sub(r"(?m)^  (?:warnings\.)?warn\(.*\n?", "", text), places)
    for kind, value in output.get("data", {}).items():
        if kind.startswith("text/") and isinstance(value, str):
            output["data"][kind] = _replace(value, places)
    return output


def _replace(text: str, places: dict[str, str]) -> str:
    for place in sorted(places, key=len, reverse=True):
        text = text.replace(place, places[place])
    return text


def _places(run: Run, experiment: str) -> dict[str, str]:
    places = {f"{run.root}{os.sep}": "", f"{run.work.root}{os.sep}": "work/"}
    source = run.experiments[experiment].corpus
    if source not in (None, "synthetic"):
        places[str(Path(source).expanduser().resolve())] = "<corpus>"
        places[source.rstrip("/")] = "<corpus>"
    return places


def _fix_environment(experiment: Experiment, run: Run) -> None:
    """Set the environment variables of the kernel that results depend on."""
    os.environ.update(dict.fromkeys(THREAD_VARIABLES, str(experiment.threads)))
    os.environ["PYTHONHASHSEED"] = "0"
    os.environ["GTZAN_WORK"] = str(run.work.root)


def _explain(experiment: Experiment, error: Any, partial: Path) -> str:
    reason = re.sub(r"\s+", " ", f"{error.ename}: {error.evalue}").strip().rstrip(".")
    line = error.source.strip().splitlines()[0]
    return (
        f"{experiment.notebook.name} (experiment {experiment.id!r}): cell {error.cell_index + 1}, "
        f"which begins with '{line}', failed with {reason}; the notebook up to there is in "
        f"{partial}."
    )
