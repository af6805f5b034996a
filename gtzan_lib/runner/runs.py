"""Runs: the notebooks to execute and their parameters."""

from __future__ import annotations

import dataclasses
import difflib
import os
import re
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from ..data.loaders import gtzan
from ..data.opening import corpus_state
from ..data.workspace import Workspace
from ..errors import ParameterError, RunError
from ..files import write_json
from ..parameters.declarations import Parameter, check, declared_in, from_text
from .run_files import ExperimentEntry, StepEntry, read_run_file

__all__ = ["Experiment", "Run", "RunStep", "load_run"]


@dataclasses.dataclass(frozen=True)
class Experiment:
    """One execution of one notebook.

    Attributes
    ----------
    id : str
        Name in the run.
    notebook : Path
        The notebook to execute.
    parameters : dict
        Values that replace the notebook's defaults.
    corpus : str or None
        Its corpus, from the parameters or the notebook's default; None without one.
    title : str
        Heading of its page; empty for the notebook's own.
    threads : int
        Number of cores. Fixed here and not taken from the machine, since sums
        depend on it.
    after : tuple of str
        Experiments and steps that must be finished before, since it uses their results.
    page : bool
        Whether it is a page of the book; of several seeds, only the first is.
    """

    id: str
    notebook: Path
    parameters: dict[str, Any]
    corpus: str | None
    title: str = ""
    threads: int = 1
    after: tuple[str, ...] = ()
    page: bool = True

    @property
    def name(self) -> str:
        """Name of the executed notebook and of the book's page."""
        stem = self.notebook.stem
        return stem if self.id == stem else f"{stem}-{self.id}"


@dataclasses.dataclass(frozen=True)
class RunStep:
    """One step that is done before the experiments.

    Attributes
    ----------
    step : str
        Which step it is; several entries of a run may be the same one with other settings.
    settings : dict
        Settings that are not the step's own defaults.
    """

    step: str
    settings: dict[str, Any]


@dataclasses.dataclass(frozen=True)
class Run:
    """A file of `runs/`, its parameters merged and checked.

    Attributes
    ----------
    file : Path
        The YAML.
    experiments : dict of str to Experiment
        By id.
    compose : dict
        Settings of the synthetic corpus.
    steps : dict of str to RunStep
        What `gtzan publish` does before the experiments.
    """

    file: Path
    experiments: dict[str, Experiment]
    compose: dict[str, Any]
    steps: dict[str, RunStep] = dataclasses.field(default_factory=dict)

    @property
    def name(self) -> str:
        """The file's name without ending."""
        return self.file.stem

    @property
    def root(self) -> Path:
        """The project's root."""
        return self.file.parents[1]

    @property
    def work(self) -> Workspace:
        """The workspace with the outputs of the run."""
        return Workspace(self.name, os.environ.get("GTZAN_WORK") or self.root / "work")

    def state_of(self, experiment: str) -> str:
        """Return a text that changes when the experiment's corpus does.

        Raises
        ------
        CorpusError
            If the corpus is missing or invalid.
        """
        source = self.experiments[experiment].corpus
        if source is None or source == "synthetic":
            return ""
        # Notebooks are executed in the project's root, and Snakemake in the workspace.
        return corpus_state(self.root / Path(source).expanduser())

    def save(self) -> Path:
        """Write the run with all its parameters to its workspace.

        Returns
        -------
        Path
            `run.json`, which `load_run` reads instead of the YAML.
        """
        path = self.work.path / "run.json"
        write_json(path, _adapter().dump_python(self, mode="json"))
        return path


def load_run(file: str | Path, overrides: Mapping[str, str] | None = None) -> Run:
    """Read a run, merge its parameters, and check them against the notebooks.

    The command line takes precedence over the experiment, the experiment over the
    run's `defaults`, and these over the notebook's own default.

    Parameters
    ----------
    file : str or Path
        The YAML in `runs/`, its name without folder and ending, or the `run.json`
        that `Run.save` has written, in which all parameters are merged already.
    overrides : mapping of str to str, optional
        Parameters from the command line: `epochs` of all experiments that have it,
        or `minivgg-3s.epochs` of one, which takes precedence.

    Returns
    -------
    Run
        The run with all its experiments.

    Raises
    ------
    RunError
        If the file is missing or invalid, or an override names no experiment.
    ParameterError
        If a parameter is unknown, or does not take its value.
    """
    file = _locate(file)
    overrides = dict(overrides or {})
    if file.suffix == ".json":
        return _read_saved(file, overrides)
    root = file.parents[1]
    if file.parent.name != "runs" or not (root / "notebooks").is_dir():
        raise RunError(
            f"{file}: must lie in the folder runs/ of a clone of the project, beside notebooks/; "
            "move it there."
        )
    content = read_run_file(file)
    defaults = content.defaults or {}
    known: dict[str, dict[str, Parameter]] = {}
    experiments: dict[str, Experiment] = {}
    # One that waits for another waits for all its seeds.
    seeds_of = {
        id_: _seeds_of(file, id_, entry.seeds)
        for id_, entry in {**content.experiments, **(content.steps or {})}.items()
        if entry and entry.seeds and not {"seed", f"{id_}.seed"} & overrides.keys()
    }
    for id_, entry in content.experiments.items():
        entry = entry or ExperimentEntry()
        notebook = _notebook(file, id_, entry.notebook or id_)
        known[id_] = declared_in(notebook)
        overridden = _overrides_of(id_, overrides, known[id_])
        given = {name: value for name, value in defaults.items() if name in known[id_]}
        given |= (entry.model_extra or {}) | overridden
        of_caller = "corpus" in overridden or str(given.get("corpus", "")).startswith("${")
        given = {name: _expand(value, file) for name, value in given.items()}
        if of_caller and isinstance(given["corpus"], str):
            given["corpus"] = _absolute(given["corpus"])
        default = known[id_]["corpus"].default if "corpus" in known[id_] else None
        for name, seed in seeds_of.get(id_, {id_: {}}).items():
            parameters = given | seed
            for key, value in {"run": file.stem, "experiment": name}.items():
                if key in known[id_]:
                    parameters[key] = value
            check(known[id_], parameters, f"{file}: experiment {name!r}, {notebook.name}")
            experiments[name] = Experiment(
                name,
                notebook,
                parameters,
                parameters.get("corpus", default),
                entry.title,
                entry.threads,
                tuple(name for other in entry.after for name in seeds_of.get(other, [other])),
                page=name == id_,
            )
    _refuse_unused(str(file), defaults, known)
    _refuse_unused_overrides(overrides, known)
    _refuse_same_names(file, experiments)
    compose = content.compose.model_dump(exclude_unset=True) if content.compose else {}
    return Run(file, experiments, compose, _steps(content.steps or {}, seeds_of))


def _steps(
    entries: Mapping[str, StepEntry | None], seeds_of: Mapping[str, Mapping[str, dict[str, int]]]
) -> dict[str, RunStep]:
    """Return all steps of a run, one for each seed."""
    steps = {}
    for id_, entry in entries.items():
        entry = entry or StepEntry()
        for name, seed in seeds_of.get(id_, {id_: {}}).items():
            steps[name] = RunStep(entry.step or id_, {**(entry.model_extra or {}), **seed})
    return steps


def _seeds_of(file: Path, id_: str, seeds: list[int]) -> dict[str, dict[str, int]]:
    """Return the experiments that one with several seeds stands for; the first keeps its name."""
    if len(set(seeds)) < len(seeds):
        raise RunError(f"{file}: experiment {id_!r} names a seed twice; name each once.")
    first, *others = seeds
    return {id_: {"seed": first}, **{f"{id_}-seed-{seed}": {"seed": seed} for seed in others}}


def _locate(file: str | Path) -> Path:
    """Return the path of a run that is given by its file, or by its name in `runs/`."""
    file = Path(file)
    named = file if file.suffix in {".yml", ".yaml", ".json"} else Path("runs") / f"{file}.yml"
    if named.is_file():
        return named.absolute()
    names = sorted(path.stem for path in Path("runs").glob("*.yml"))
    advice = (
        f"choose one of {', '.join(names)}"
        if names
        else "go to the root of a clone of the project, whose folder runs/ has them"
    )
    raise RunError(f"{named}: there is no such run; {advice}.")


def _notebook(file: Path, id_: str, name: str) -> Path:
    """Return the notebook of an experiment."""
    folder = file.parents[1] / "notebooks"
    notebook = folder / f"{name}.ipynb"
    if notebook.is_file():
        return notebook
    names = sorted(path.stem for path in folder.glob("*.ipynb"))
    close = difflib.get_close_matches(name, names, 1)
    advice = (
        f"did you mean {close[0]!r}?"
        if close
        else f"set its key 'notebook' to one of {', '.join(names)}."
    )
    raise RunError(f"{file}: experiment {id_!r} has no notebook {notebook}; {advice}")


def _refuse_same_names(file: Path, experiments: Mapping[str, Experiment]) -> None:
    """Refuse two experiments that would write the same page."""
    pages: dict[str, str] = {}
    for id_, experiment in experiments.items():
        if experiment.name in pages:
            raise RunError(
                f"{file}: experiments {pages[experiment.name]!r} and {id_!r} are both the page "
                f"{experiment.name!r}; give one another name."
            )
        pages[experiment.name] = id_


def _refuse_unused(
    source: str, names: Iterable[str], known: Mapping[str, Mapping[str, Parameter]]
) -> None:
    """Refuse a default or an override that no notebook of the run takes."""
    everything = {name: p for parameters in known.values() for name, p in parameters.items()}
    for name in names:
        if name not in everything:
            check(everything, {name: None}, source)
        if name in {"run", "experiment"}:
            raise ParameterError(f"{source}: parameter {name!r} is set by the run itself.")


def _refuse_unused_overrides(
    overrides: Iterable[str], known: Mapping[str, Mapping[str, Parameter]]
) -> None:
    """Refuse an override of an experiment or a parameter that the run does not have."""
    source = "the command line"
    for override in overrides:
        id_, dot, name = override.rpartition(".")
        if not dot:
            _refuse_unused(source, [name], known)
        elif id_ in known:
            _refuse_unused(f"{source}: experiment {id_!r}", [name], {id_: known[id_]})
        else:
            close = difflib.get_close_matches(id_, known, 1)
            advice = f"did you mean {close[0]!r}?" if close else f"it has {', '.join(known)}."
            raise RunError(f"{source}: the run has no experiment {id_!r}; {advice}")


def _overrides_of(
    id_: str, overrides: Mapping[str, str], known: Mapping[str, Parameter]
) -> dict[str, Any]:
    """Return the overrides of an experiment, converted to the types of its parameters."""
    texts = {name: overrides[name] for name in known if name in overrides}
    texts |= {name: overrides[f"{id_}.{name}"] for name in known if f"{id_}.{name}" in overrides}
    return {name: from_text(text, known[name]) for name, text in texts.items()}


def _absolute(corpus: str) -> str:
    """Return the corpus that the command line or the environment names.

    A relative path is that of the caller's folder, while notebooks are executed in
    the project's root.
    """
    return corpus if corpus == "synthetic" else str(Path(corpus).expanduser().absolute())


def _read_saved(file: Path, overrides: Mapping[str, str]) -> Run:
    """Read what `Run.save` has written."""
    if overrides:
        raise RunError(
            f"{file}: its parameters are merged already, so that {next(iter(overrides))!r} cannot "
            "be set; name the run instead."
        )
    try:
        run = _adapter().validate_json(file.read_bytes(), strict=True)
    except (OSError, ValueError) as error:
        raise RunError(f"{file}: is not a saved run; 'gtzan run NAME' writes it again.") from error
    for experiment in run.experiments.values():
        if not experiment.notebook.is_file():
            raise RunError(
                f"{file}: the notebook {experiment.notebook} no longer exists; 'gtzan run NAME' "
                "writes the run again."
            )
    return run


@cache
def _adapter() -> TypeAdapter[Run]:
    """Return what writes and reads saved runs."""
    return TypeAdapter(Run)


def _expand(value: Any, file: Path) -> Any:
    """Replace `${NAME}` by the environment variable."""
    if not isinstance(value, str):
        return value
    for name in re.findall(r"\$\{(\w+)\}", value):
        if not os.environ.get(name):
            raise RunError(
                f"{file}: needs {name}, the folder of the corpus; run for instance "
                f"'make book RUN={file.stem} {name}=/data/gtzan'. {gtzan.ABOUT.how_to_get}."
            )
    return re.sub(r"\$\{(\w+)\}", lambda match: os.environ[match[1]], value)
