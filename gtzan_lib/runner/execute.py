"""Execution of the notebook of one experiment."""

from __future__ import annotations

import os
import re
import tempfile
from pathlib import Path
from typing import Any

import nbformat
from traitlets.config import Config

from ..errors import RunError
from ..files import atomic_path
from .jobs import job
from .runs import Experiment, Run

__all__ = ["clean_notebook", "execute"]

# Libraries read these when they are imported, so they are set before the kernel starts.
THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "NUMBA_NUM_THREADS",
)

# Bytes in the path of a socket, less the number at its end: macOS takes 103.
SOCKET_BYTES = 100

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
    with FileLock(partial.with_suffix(".lock")), job(run, chosen.id):
        try:
            _papermill(chosen, run.root, partial)
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


def _papermill(experiment: Experiment, cwd: Path, output: Path) -> None:
    import papermill

    with tempfile.TemporaryDirectory(prefix="gtzan-", ignore_cleanup_errors=True) as folder:
        papermill.execute_notebook(
            _literal(experiment.notebook),
            _literal(output),
            experiment.parameters,
            kernel_name="python3",
            language="python",
            cwd=cwd,
            progress_bar=False,
            config=_connection(Path(folder)),
            # Without papermill's hints about the transport, and the kernel's note that it
            # was interrupted, which is how it is stopped.
            extra_arguments=["--log-level=CRITICAL"],
        )


def _literal(path: Path) -> str:
    """Return a path as papermill's template, in which braces are fields."""
    return str(path).replace("{", "{{").replace("}", "}}")


def _connection(folder: Path) -> Config:
    """Return settings of a kernel that is reached through a folder of its own.

    Kernels choose TCP ports before they open them, so that one of several that start
    at the same moment may find its port taken. Sockets are files in `folder`, where
    the system has such sockets and takes the length of their names.
    """
    config = Config()
    config.KernelManager.connection_file = str(folder / "kernel.json")
    sockets = str(folder / "k")
    if os.name == "posix" and len(os.fsencode(sockets)) <= SOCKET_BYTES:
        config.KernelManager.transport = "ipc"
        config.KernelManager.ip = sockets
    return config


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
    _number_tables(notebook)
    return notebook


def _number_tables(notebook: nbformat.NotebookNode) -> None:
    """Replace the random ids that pandas gives to styled tables by numbers."""
    numbers: dict[str, str] = {}
    for cell in notebook["cells"]:
        for output in cell.get("outputs", []):
            html = output.get("data", {}).get("text/html")
            if isinstance(html, str):
                for found in re.findall(r'id="T_([0-9a-f]{5})"', html):
                    numbers.setdefault(found, f"{len(numbers):05d}")
                    html = html.replace(f"T_{found}", f"T_{numbers[found]}")
                output["data"]["text/html"] = html


def _clean(output: Any, places: dict[str, str]) -> Any:
    if output["output_type"] == "stream":
        # The first line of a warning begins with the file that raised it.
        text = re.sub(r"(?m)^\S+?:\d+: (?:Gtzan)?(\w*Warning): ", r"\1: ", output["text"])
        output["text"] = _replace(re.sub(r"(?m)^  (?:warnings\.)?warn\(.*\n?", "", text), places)
    for kind, value in output.get("data", {}).items():
        if kind.startswith("text/") and isinstance(value, str):
            # An object without a text of its own shows its address, another in each run.
            shown = re.sub(r" at 0x[0-9a-f]+>$", ">", value) if kind == "text/plain" else value
            output["data"][kind] = _replace(shown, places)
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
    # Python shows each backslash of a Windows path as two.
    return places | {repr(place)[1:-1]: name for place, name in places.items()}


def _fix_environment(experiment: Experiment, run: Run) -> None:
    """Set the environment variables of the kernel that results depend on."""
    os.environ.update(dict.fromkeys(THREAD_VARIABLES, str(experiment.threads)))
    os.environ["PYTHONHASHSEED"] = "0"
    os.environ["GTZAN_WORK"] = str(run.work.root)
    # The kernel's own backend shows figures in the notebook.
    os.environ.pop("MPLBACKEND", None)


def _explain(experiment: Experiment, error: Any, partial: Path) -> str:
    reason = re.sub(r"\s+", " ", f"{error.ename}: {error.evalue}").strip().rstrip(".")
    line = error.source.strip().splitlines()[0]
    return (
        f"{experiment.notebook.name} (experiment {experiment.id!r}): cell {error.cell_index + 1}, "
        f"which begins with '{line}', failed with {reason}; the notebook up to there is in "
        f"{partial}."
    )
