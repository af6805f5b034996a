"""Composition of the synthetic corpus of a run."""

from __future__ import annotations

from pathlib import Path

from .jobs import job
from .run_files import CORPUS_JOB
from .runs import Run

__all__ = ["compose_corpus"]


def compose_corpus(run: Run, *, jobs: int = 1) -> Path:
    """Compose the corpus that a run's file describes under `compose`.

    Parameters
    ----------
    run : Run
        The run.
    jobs : int
        Number of processes.

    Returns
    -------
    Path
        The corpus, in the run's workspace; one with other settings is replaced.

    Raises
    ------
    CorpusError
        If a setting is not valid.
    """
    from ..synthetic import compose

    with job(run, CORPUS_JOB):
        return compose(run.work.corpus, **run.compose, jobs=jobs, replace=True)
