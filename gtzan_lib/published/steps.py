"""The steps of the published run: in which order, whether they are done, doing them."""

from __future__ import annotations

import inspect
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from ..data.workspace import Workspace
from ..digests import code_digest
from ..documents import StepDocument, read_document, write_document
from ..errors import GtzanError, ParameterError
from ..evaluation.records import provenance
from ..files import atomic_folder, rename, sha256_of
from ..runner.dependencies import module_files
from ..runner.runs import RunStep
from .material import KINDS, Material
from .measures import (
    clusters,
    collection,
    degradations,
    feature_models,
    feature_space,
    leak,
    leak_net,
    learning_curve,
    mistakes,
    net,
    ten_seconds,
    test_part,
    transfer,
)
from .task import Task

__all__ = ["STEPS", "Plan", "Step", "code_of", "plan_steps", "run_step"]


class Step(NamedTuple):
    """One step.

    Attributes
    ----------
    title : str
        What it does.
    needs : tuple of tuple of str
        Kinds of material; one of each group must be there.
    minutes : float
        Estimate for all of GTZAN on two cores.
    measure : callable
        Does it; gets a `Task` and the settings of the run's file.
    """

    title: str
    needs: tuple[tuple[str, ...], ...]
    minutes: float
    measure: Callable[..., None]


STEPS: dict[str, Step] = {
    "collection": Step(
        "count artists, parts, copies and faults",
        (collection.KINDS,),
        collection.MINUTES,
        collection.measure,
    ),
    "feature-space": Step(
        "divide the variance of features, find neighbours and maps",
        (feature_space.KINDS,),
        feature_space.MINUTES,
        feature_space.measure,
    ),
    "clusters": Step(
        "cluster the features and their principal components",
        (clusters.KINDS,),
        clusters.MINUTES,
        clusters.measure,
    ),
    "feature-models": Step(
        "score 32 models on features, and the leak of their windows",
        feature_models.NEEDS,
        feature_models.MINUTES,
        feature_models.measure,
    ),
    "transfer": Step(
        "compare MusiCNN's tags with features",
        (transfer.KINDS,),
        transfer.MINUTES,
        transfer.measure,
    ),
    "net": Step(
        "train a net on log-mel images with one seed",
        (net.KINDS,),
        net.MINUTES,
        net.measure,
    ),
    "leak": Step(
        "score k-NN and a random forest under splits by window, track and artist",
        (leak.KINDS,),
        leak.MINUTES,
        leak.measure,
    ),
    "leak-net": Step(
        "train MiniVGG under a split by window, track or artist",
        (leak_net.KINDS,),
        leak_net.MINUTES,
        leak_net.measure,
    ),
    "learning-curve": Step(
        "train simple models on shares of the training artists",
        (learning_curve.KINDS,),
        learning_curve.MINUTES,
        learning_curve.measure,
    ),
    "ten-seconds": Step(
        "train MiniVGG on 10 s, and draw its test part again",
        (ten_seconds.KINDS,),
        ten_seconds.MINUTES,
        ten_seconds.measure,
    ),
    "degradations": Step(
        "predict degraded sound of the validation part",
        (degradations.KINDS,),
        degradations.MINUTES,
        degradations.measure,
    ),
    "mistakes": Step(
        "find the tracks that all models get wrong",
        (mistakes.KINDS,),
        mistakes.MINUTES,
        mistakes.measure,
    ),
    "test-part": Step(
        "ask the test part about a fixed list of models, and compare all pairs",
        test_part.NEEDS,
        test_part.MINUTES,
        test_part.measure,
    ),
}
"""All steps, in their order."""


class Plan(NamedTuple):
    """What is to be done about a step.

    Attributes
    ----------
    name : str
        Name of the step in the run.
    step : str
        Which of `STEPS` it is.
    settings : dict
        All its settings.
    state : str
        `done`, `missing`, `changed` (other settings or material than those it was done
        with) or `left out`.
    reason : str
        Why it is left out, or what has changed.
    """

    name: str
    step: str
    settings: dict[str, Any]
    state: str
    reason: str = ""


def plan_steps(material: Material, results: Path, wanted: Mapping[str, RunStep]) -> Iterator[Plan]:
    """Compare what is wanted with what is done.

    Parameters
    ----------
    material : Material
        The copy of GTZAN.
    results : Path
        Folder of the results.
    wanted : mapping of str to RunStep
        The steps of a run.

    Yields
    ------
    Plan
        For each of them, in their order.

    Raises
    ------
    ParameterError
        If there is no such step, or it has no such setting.
    """
    plans = [(name, one.step, _checked(name, one)) for name, one in wanted.items()]
    for name, step, settings in plans:
        needs = STEPS[step].needs
        lacking = [kinds for kinds in needs if material.first(kinds) is None]
        if lacking:
            needed = " or ".join(KINDS[kind] for kind in lacking[0])
            yield Plan(name, step, settings, "left out", f"there is no {needed}")
            continue
        try:
            done = read_document(results / name / "step.json", StepDocument)
        except GtzanError:
            yield Plan(name, step, settings, "missing")
            continue
        reason = ""
        if done["settings"] != settings:
            reason = "other settings"
        elif any(material.tracks.get(kind) != n for kind, n in done["material"].items()):
            reason = "other material"
        yield Plan(name, step, settings, "changed" if reason else "done", reason)


def code_of(name: str) -> str:
    """Return a digest of the code that does a step.

    Parameters
    ----------
    name : str
        One of `STEPS`.

    Returns
    -------
    str
        Sixteen hexadecimal digits; comments and docstrings do not change it.
    """
    files = module_files([STEPS[name].measure.__module__])
    return code_digest(file for file in files if file.suffix == ".py")


def _checked(name: str, wanted: RunStep) -> dict[str, Any]:
    """Return all settings of a step, with its defaults."""
    if wanted.step not in STEPS:
        raise ParameterError(f"there is no step {wanted.step!r}; choose from {', '.join(STEPS)}.")
    defaults = {
        key: parameter.default
        for key, parameter in inspect.signature(STEPS[wanted.step].measure).parameters.items()
        if parameter.kind is inspect.Parameter.KEYWORD_ONLY
    }
    for key in wanted.settings:
        if key not in defaults:
            known = ", ".join(defaults) or "no settings"
            raise ParameterError(f"step {name!r} has no setting {key!r}; it has {known}.")
    return defaults | wanted.settings


def run_step(planned: Plan, material: Material, results: Path, *, jobs: int = 1) -> float:
    """Do a step; its folder in the results is replaced when it is finished.

    Parameters
    ----------
    planned : Plan
        From `plan_steps`.
    material : Material
        The copy of GTZAN.
    results : Path
        Folder of the results.
    jobs : int
        Number of processes or threads.

    Returns
    -------
    float
        Seconds that it took.
    """
    start = time.perf_counter()
    target = results / planned.name
    fresh = results / f".{planned.name}.new"
    shutil.rmtree(fresh, ignore_errors=True)
    with atomic_folder(fresh) as folder:
        task = Task(material, folder, Workspace("published"), jobs)
        STEPS[planned.step].measure(task, **planned.settings)
        seconds = time.perf_counter() - start
        files = sorted(path for path in folder.rglob("*") if path.is_file())
        values = {
            "step": planned.name,
            "settings": planned.settings,
            "material": task.used,
            "code": code_of(planned.step),
            "files": {path.relative_to(folder).as_posix(): sha256_of(path) for path in files},
            "provenance": provenance(round(seconds, 1)),
        }
        write_document(folder / "step.json", values, StepDocument)
    shutil.rmtree(target, ignore_errors=True)
    rename(fresh, target)
    return seconds
