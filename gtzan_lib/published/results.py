"""The results of the steps, as the pages read them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from ..documents import StepDocument, read_document
from ..errors import RecordError
from ..files import sha256_of
from .material import KINDS

__all__ = ["Results"]


class Results:
    """A folder of results: one folder for each step, with its tables and records.

    Parameters
    ----------
    folder : str or Path
        The folder, `results/gtzan` in the project.

    Examples
    --------
    >>> from gtzan_lib.published.results import Results
    >>> Results("results/gtzan").table("collection", "genres")  # doctest: +SKIP

    Notes
    -----
    The book page "Publish results" tells how they are made.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)

    def __repr__(self) -> str:
        return f"Results({str(self.folder)!r}: {', '.join(self.steps) or 'empty'})"

    @property
    def steps(self) -> list[str]:
        """Names of the steps that are done, sorted."""
        return sorted(file.parent.name for file in self.folder.glob("*/step.json"))

    def step(self, name: str) -> dict[str, Any]:
        """Read what is noted of a step: settings, material, files, date, machine.

        Parameters
        ----------
        name : str
            Name of the step.

        Returns
        -------
        dict
            The content of its `step.json`.

        Raises
        ------
        RecordError
            If the step is not done, or the file is damaged.
        """
        return read_document(self.folder / name / "step.json", StepDocument)

    def material(self, step: str) -> str:
        """Return what a step was made from, in words.

        Parameters
        ----------
        step : str
            Name of the step.

        Returns
        -------
        str
            Such as `a file of log-mel images (999 tracks)`; several with semicolons.

        Raises
        ------
        RecordError
            If the step is not done.
        """
        used = self.step(step)["material"]
        return "; ".join(f"{KINDS[kind]} ({n} tracks)" for kind, n in used.items())

    def table(self, step: str, name: str) -> pd.DataFrame:
        """Read a table of a step.

        Parameters
        ----------
        step : str
            Name of the step.
        name : str
            Name of the table.

        Returns
        -------
        pd.DataFrame
            Its first column is the index; empty cells of text are empty text.

        Raises
        ------
        RecordError
            If the step is not done, or has no such table, or it was changed since.
        """
        files = self.step(step)["files"]
        file = self.folder / step / f"{name}.csv"
        if file.name not in files:
            tables = ", ".join(Path(one).stem for one in files if one.endswith(".csv"))
            raise RecordError(f"{file.parent}: has no table {name!r}; it has {tables}.")
        if not file.is_file() or sha256_of(file) != files[file.name]:
            raise RecordError(
                f"{file}: is missing, or was changed after the step; do the step again with "
                f"'gtzan publish GTZAN_ROOT --again {step}'."
            )
        table = pd.read_csv(file, index_col=0)
        texts = table.select_dtypes(["object", "string"]).columns
        return table.assign(**{column: table[column].fillna("") for column in texts})

    def records(self, step: str) -> Path:
        """Return the folder with the records of a step.

        Parameters
        ----------
        step : str
            Name of the step.

        Returns
        -------
        Path
            For `gtzan_lib.evaluation.records`.

        Raises
        ------
        RecordError
            If the step is not done.
        """
        self.step(step)
        return self.folder / step / "records"
