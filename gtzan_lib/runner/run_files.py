"""The YAML files in `runs/`: what they hold, and what is wrong with one."""

from __future__ import annotations

import difflib
import inspect
import reprlib
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Annotated, Any

from pydantic import ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails

from ..documents import Part, phrase_of
from ..errors import CorpusError, RunError
from ..files import file_stem
from ..parameters.yaml_values import read_yaml
from ..synthetic import compose
from ..synthetic.settings import Settings

__all__ = [
    "BOOK_JOB",
    "CORPUS_JOB",
    "ComposeEntry",
    "ExperimentEntry",
    "RunFile",
    "StepEntry",
    "read_run_file",
]

# Names of the two jobs of a run that are no experiments.
CORPUS_JOB, BOOK_JOB = "corpus", "book"

# Files and pages are named after experiments.
Name = Annotated[str, Field(pattern=r"^\w[\w.-]*$")]
Seeds = list[Annotated[int, Field(ge=0)]]


class ExperimentEntry(Part):
    """An experiment; all other keys are parameters of its notebook."""

    model_config = ConfigDict(extra="allow")

    notebook: Name | None = Field(default=None, examples=["08_cnn"])
    title: str = Field(default="", examples=['"CNN: MiniVGG"'])
    threads: Annotated[int, Field(ge=1, le=1024)] = Field(default=1, examples=["2"])
    after: list[str] = Field(default=[], examples=["[03_features]"])
    seeds: Seeds = Field(default=[], examples=["[0, 1, 2]"])


class StepEntry(Part):
    """A step; all other keys are settings of it."""

    model_config = ConfigDict(extra="allow")

    step: Name | None = Field(default=None, examples=["clusters"])
    seeds: Seeds = Field(default=[], examples=["[0, 1, 2]"])


class ComposeEntry(Part):
    """Settings of the synthetic corpus that are not the default ones."""

    seed: int = Field(default=0, examples=["0"])
    artists: int = Field(default=0, examples=["5"])
    tracks: int = Field(default=0, examples=["2"])
    seconds: float = Field(default=0, examples=["30"])
    genres: list[str] = Field(default=[], examples=["[blues, rock]"])
    faults: dict[str, int] = Field(default={}, examples=["{silent: 1}"])


class RunFile(Part):
    """The content of a file."""

    compose: ComposeEntry | None = Field(default=None, examples=["{artists: 5, tracks: 2}"])
    defaults: dict[str, Any] | None = Field(default=None, examples=["{corpus: synthetic}"])
    steps: dict[Name, StepEntry | None] | None = Field(
        default=None, examples=["{clusters: {seed: 1}}"]
    )
    experiments: dict[Name, ExperimentEntry | None] = Field(examples=["{08_cnn: {epochs: 3}}"])


def read_run_file(file: Path) -> RunFile:
    """Read a file of `runs/` and check it, all but the parameters of notebooks.

    Parameters
    ----------
    file : Path
        The YAML.

    Returns
    -------
    RunFile
        Its content.

    Raises
    ------
    RunError
        If the file cannot be read, has an unknown key or a value of another type, or
        if experiments wait for one another.
    """
    try:
        content = read_yaml(file.read_bytes())
    except OSError as error:
        raise RunError(f"{file}: cannot be read ({error.strerror}); name another file.") from error
    except ValueError as error:
        raise RunError(f"{file}: {error}.") from error
    if not isinstance(content, dict):
        raise RunError(f"{file}: must hold the keys {', '.join(sorted(RunFile.model_fields))}.")
    if unknown := next((key for key in content if key not in RunFile.model_fields), None):
        raise RunError(f"{file}: {_unknown(unknown, RunFile)}")
    if not content.get("experiments"):
        raise RunError(f"{file}: names no experiments; list them under 'experiments'.")
    try:
        run = RunFile.model_validate(content)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        raise RunError(f"{file}: {_sentence(first)}") from error
    _check_experiments(file, run)
    if run.compose is not None:
        _check_compose(file, run.compose)
    return run


def _sentence(error: ErrorDetails) -> str:
    """Return what is wrong with a value or a key, and how to mend it."""
    *outer, key = place = [part for part in error["loc"] if part != "[key]"]
    if error["type"] == "extra_forbidden":
        return f"{_joined(outer)}{_unknown(key, ComposeEntry)}"
    is_key = error["loc"][-1] == "[key]"
    if error["type"] == "invalid_key" or (is_key and error["type"] == "string_type"):
        return f"{_joined(outer)}the key {error['input']!r} is no text; put it in quotes."
    if error["type"] == "string_pattern_mismatch":
        return (
            f"{_joined(outer if is_key else place)}{error['input']!r} cannot be a name; use "
            "letters, digits, '.', '_' and '-', beginning with a letter or a digit."
        )
    name = next((part for part in reversed(place) if part in _EXAMPLES), None)
    example = f"{name}: {_EXAMPLES[name]}" if name else "08_cnn: {epochs: 3}"
    problem = _PHRASES.get(error["type"]) or phrase_of(error)
    value = reprlib.repr(error["input"])
    return f"{_joined(place)}{problem}, got {value}; write for instance '{example}'."


_PHRASES = {"dict_type": "must be a mapping", "model_type": "must be a mapping"}

_EXAMPLES = {
    name: field.examples[0]
    for entry in (RunFile, ComposeEntry, ExperimentEntry, StepEntry)
    for name, field in entry.model_fields.items()
    if field.examples
}


def _unknown(key: object, entry: type[Part]) -> str:
    close = difflib.get_close_matches(str(key), entry.model_fields, 1)
    advice = f"did you mean {close[0]!r}?" if close else _choices(entry.model_fields)
    return f"key {key!r} is not known; {advice}"


def _joined(place: list[int | str]) -> str:
    return f"{'.'.join(map(str, place))}: " if place else ""


def _choices(names: Any) -> str:
    return f"choose among {', '.join(sorted(names))}."


def _check_experiments(file: Path, run: RunFile) -> None:
    """Refuse impossible names, and experiments that wait for unknown ones or for themselves."""
    after = {id_: entry.after if entry else [] for id_, entry in run.experiments.items()}
    for id_, others in after.items():
        if id_ in (CORPUS_JOB, BOOK_JOB):
            raise RunError(
                f"{file}: experiment {id_!r} has the name of another job; give it another name."
            )
        if file_stem(id_) != id_:
            raise RunError(
                f"{file}: experiment {id_!r} cannot be the name of a file on Windows; give it "
                "another name."
            )
        for other in others:
            if other not in after and other not in (run.steps or {}):
                raise RunError(
                    f"{file}: experiments.{id_}.after: experiment {other!r} is not known; "
                    f"{_choices([*after, *(run.steps or {})])}"
                )
    try:
        TopologicalSorter(after).prepare()
    except CycleError as error:
        raise RunError(
            f"{file}: experiments wait for one another ({' after '.join(error.args[1])}); remove "
            "one from 'after'."
        ) from error


def _check_compose(file: Path, entry: ComposeEntry) -> None:
    """Refuse settings that are out of range."""
    arguments = inspect.signature(compose).parameters
    names = ComposeEntry.model_fields
    values = {name: arguments[name].default for name in names} | entry.model_dump(
        exclude_unset=True
    )
    try:
        Settings(**{**values, "faults": values["faults"] or {}})
    except CorpusError as error:
        raise RunError(f"{file}: compose: {error}") from error
