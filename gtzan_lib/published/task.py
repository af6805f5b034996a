"""What a step is given: material to open, and a folder for its results."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pandas as pd

from ..data.corpus import Corpus
from ..data.workspace import Workspace
from ..errors import CorpusError
from ..evaluation.evaluation import Evaluation
from ..evaluation.records import ExperimentRecord
from .material import KINDS, Material

__all__ = ["Task"]


@dataclasses.dataclass(frozen=True)
class Task:
    """The work of one step.

    Attributes
    ----------
    material : Material
        The copy of GTZAN.
    folder : Path
        Where the step writes its tables and records.
    work : Workspace
        Where caches are stored.
    jobs : int
        Number of processes or threads.
    used : dict of str to int
        Number of tracks of each kind of material that was opened so far.
    """

    material: Material
    folder: Path
    work: Workspace
    jobs: int = 1
    used: dict[str, int] = dataclasses.field(default_factory=dict)

    def corpus(self, *kinds: str) -> Corpus:
        """Open the first of some kinds of material that is there.

        Parameters
        ----------
        *kinds : str
            Of `gtzan_lib.published.material.KINDS`, the best first.

        Returns
        -------
        Corpus
            Its tracks.

        Raises
        ------
        CorpusError
            If none of them is there, or it cannot be opened.
        """
        kind = self.material.first(kinds)
        if kind is None:
            wanted = " or ".join(KINDS[name] for name in kinds)
            raise CorpusError(f"{self.material.root}: has no {wanted}.")
        corpus = self.material.open(kind, self.work)
        self.used[kind] = len(corpus)
        return corpus

    def write(self, name: str, table: pd.DataFrame, *, digits: int = 6) -> None:
        """Write a table as a CSV file, its index first.

        Parameters
        ----------
        name : str
            Name of the table.
        table : pd.DataFrame
            The index has a name.
        digits : int
            Significant digits of numbers that are not whole.
        """
        table.to_csv(self.folder / f"{name}.csv", float_format=f"%.{digits}g", lineterminator="\n")

    def save(
        self,
        evaluation: Evaluation,
        *,
        experiment: str,
        corpus: Corpus,
        parameters: dict[str, Any],
        seconds: float | None = None,
        extra: dict[str, Any] | None = None,
    ) -> ExperimentRecord:
        """Write the record of an evaluation; see `ExperimentRecord.save`."""
        return ExperimentRecord.save(
            evaluation,
            self.folder / "records",
            experiment=experiment,
            corpus=corpus,
            parameters=parameters,
            seconds=seconds,
            extra=extra,
        )
