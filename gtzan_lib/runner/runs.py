"""Runs: the notebooks to execute and their parameters."""

from __future__ import annotations

import dataclasses
import difflib
import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from ..data.loaders import gtzan
from ..data.opening import corpus_state
from ..data.workspace import Workspace
from ..errors import GtzanError, ParameterError, RunError
from ..files import write_json
from ..parameters.declarations import Parameter, check, declared_in, from_text

__all__ = ["Experiment", "Run", "load_run", "saved_error"]

# Keys of an experiment in the YAML that are no parameters.
OWN_KEYS = {"notebook", "title", "threads", "after"}
RUN_KEYS = {"compose", "defaults", "experiments"}
COMPOSE_KEYS = {"artists", "faults", "genres", "seconds", "seed", "tracks"}


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
        Experiments that must be finished before, since it uses their results.
    """

    id: str
    notebook: Path
    parameters: dict[str, Any]
    corpus: str | None
    title: str = ""
    threads: int = 1
    after: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Name of the executed notebook and of the book's page."""
        stem = self.notebook.stem
        return stem if self.id == stem else f"{stem}-{self.id}"


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
    """

    file: Path
    experiments: dict[str, Experiment]
    compose: dict[str, Any]

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

    @property
    def compose_options(self) -> list[str]:
        """The settings as options of `gtzan compose`; lists repeat an option."""
        options = []
        for name, value in self.compose.items():
            if isinstance(value, dict):
                value = [f"{key}={count}" for key, count in value.items()]
            if isinstance(value, list):
                options += [word for item in value for word in (f"--{name[:-1]}", str(item))]
            else:
                options += [f"--{name}", str(value)]
        return options

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
        experiments = [
            {**dataclasses.asdict(experiment), "notebook": str(experiment.notebook)}
            for experiment in self.experiments.values()
        ]
        content = {"file": str(self.file), "experiments": experiments, "compose": self.compose}
        write_json(path, content)
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
    content = _read(file)
    _refuse_unknown(file, content, RUN_KEYS, "key")
    if not content.get("experiments"):
        raise RunError(f"{file}: names no experiments; list them under 'experiments'.")
    defaults = content.get("defaults") or {}
    compose = content.get("compose") or {}
    _refuse_unknown(file, compose, COMPOSE_KEYS, "setting of compose")
    known, experiments = {}, {}
    for id_, settings in content["experiments"].items():
        settings = dict(settings or {})
        fields = {key: settings.pop(key) for key in OWN_KEYS & settings.keys()}
        fields["after"] = tuple(fields.get("after", ()))
        notebook = file.parents[1] / "notebooks" / f"{fields.pop('notebook', id_)}.ipynb"
        if not notebook.is_file():
            raise RunError(f"{file}: experiment {id_!r} has no notebook {notebook}.")
        known[id_] = declared_in(notebook)
        given = {name: value for name, value in defaults.items() if name in known[id_]}
        given |= settings | _overrides_of(id_, overrides, known[id_])
        given = {name: _expand(value, file) for name, value in given.items()}
        for name, value in {"run": file.stem, "experiment": id_}.items():
            if name in known[id_]:
                given[name] = value
        check(known[id_], given, f"{file}: experiment {id_!r}, {notebook.name}")
        default = known[id_]["corpus"].default if "corpus" in known[id_] else None
        corpus = given.get("corpus", default)
        experiments[id_] = Experiment(id_, notebook, given, corpus, **fields)
    _refuse_unused(str(file), defaults, known)
    _refuse_unused_overrides(overrides, known)
    for experiment in experiments.values():
        _refuse_unknown(file, experiment.after, experiments, "experiment")
    return Run(file, experiments, compose)


@contextmanager
def saved_error(run: Run, job: str) -> Iterator[None]:
    """Save the error message of a failing job in the run's `partial/`.

    Parameters
    ----------
    run : Run
        The run.
    job : str
        Name of the file, without `.txt`.

    Yields
    ------
    None
        A `GtzanError` in the block is saved and raised again.
    """
    note = run.work.partial / f"{job}.txt"
    note.parent.mkdir(parents=True, exist_ok=True)
    try:
        yield
    except GtzanError as error:
        note.write_text(f"{error}\n", encoding="utf-8")
        raise
    note.unlink(missing_ok=True)


def _locate(file: str | Path) -> Path:
    file = Path(file)
    candidates = [file] if file.suffix else [Path("runs") / f"{file}.yml"]
    for candidate in candidates:
        if candidate.is_file():
            return candidate.absolute()
    names = sorted(path.stem for path in Path("runs").glob("*.yml"))
    advice = f"choose one of {', '.join(names)}" if names else "go to the project's root first"
    raise RunError(f"{candidates[0]}: there is no such run; {advice}.")


def _read(file: Path) -> dict[str, Any]:
    try:
        content = yaml.safe_load(file.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        place = getattr(error, "problem_mark", None)
        line = f" near line {place.line + 1}" if place else ""
        raise RunError(f"{file}: is not valid YAML{line}; correct it.") from error
    if not isinstance(content, dict):
        raise RunError(f"{file}: must hold the keys {', '.join(sorted(RUN_KEYS))}.")
    return content


def _refuse_unknown(file: Path, given: Any, known: Any, kind: str) -> None:
    for name in given:
        if name not in known:
            raise RunError(
                f"{file}: {kind} {name!r} is not known; choose among {', '.join(sorted(known))}."
            )


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


def _read_saved(file: Path, overrides: Mapping[str, str]) -> Run:
    """Read what `Run.save` has written."""
    if overrides:
        raise RunError(
            f"{file}: its parameters are merged already, so that {next(iter(overrides))!r} cannot "
            "be set; name the run instead."
        )
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        experiments = {}
        for fields in content["experiments"]:
            fields["notebook"], fields["after"] = Path(fields["notebook"]), tuple(fields["after"])
            experiments[fields["id"]] = Experiment(**fields)
        return Run(Path(content["file"]), experiments, content["compose"])
    except (ValueError, KeyError, TypeError) as error:
        raise RunError(f"{file}: is not a saved run; 'gtzan run NAME' writes it again.") from error


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
