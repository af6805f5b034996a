"""Several seeds of one experiment: their spread, beside the interval over tracks.

Two things make a score uncertain, and they are never pooled. Which tracks are scored
is the choice of a sample: the interval over tracks says how far the score of this
model could be on other tracks like these. Which seed the training began with is a
choice of the procedure: the spread over seeds says how far another training of the
same model on the same tracks could be. With five seeds, five scores of the same 290
tracks are not five independent experiments, so that an interval over all of them
together would be too narrow; and the spread over seeds contains nothing of the choice
of tracks.

References
----------
X. Bouthillier et al., "Accounting for variance in machine learning benchmarks",
Machine Learning and Systems (MLSys), 2021. Their section 2 names both sources.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from ..data.arguments import require_array
from ..errors import RecordError
from ..files import canonical_json
from ..stats import Score, bootstrap_score, independent_groups
from .records import predictions, records_in

__all__ = ["SeedSummary", "seed_summary", "summarise_seeds"]


class SeedSummary(NamedTuple):
    """The score of an experiment that was done with several seeds.

    Attributes
    ----------
    score : Score
        Mean accuracy over the seeds; its interval is a bootstrap over artists of the share
        of seeds that predict a track correctly, for these seeds.
    sd : float
        Standard deviation of the accuracies of single seeds (n - 1), on these tracks; NaN
        for one seed.
    accuracies : dict of int to float
        Accuracy of each seed.
    """

    score: Score
    sd: float
    accuracies: dict[int, float]

    def __str__(self) -> str:
        low, high = 100 * min(self.accuracies.values()), 100 * max(self.accuracies.values())
        return (
            f"{self.score}; {len(self.accuracies)} seeds from {low:.1f} to {high:.1f} %, "
            f"standard deviation {100 * self.sd:.1f} points"
        )


def seed_summary(correct: pd.DataFrame, groups: np.ndarray) -> SeedSummary:
    """Summarise which tracks were predicted correctly with each seed.

    Parameters
    ----------
    correct : pd.DataFrame [shape=(tracks, seeds), dtype=bool]
        One column a seed, named by it.
    groups : np.ndarray [shape=(tracks,)]
        The artist of each track, as from `gtzan_lib.stats.independent_groups`.

    Returns
    -------
    SeedSummary
        Mean, interval over artists, and spread over seeds.

    Raises
    ------
    ArrayError
        If `groups` is no array.
    RecordError
        If there is no seed or no track, or `groups` has another length.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> correct = pd.DataFrame({0: [True, True, False], 1: [True, False, False]})
    >>> summary = seed_summary(correct, np.array(["a", "b", "c"]))
    >>> round(summary.score.value, 3), round(summary.sd, 3)
    (0.5, 0.236)

    Notes
    -----
    The book page "Evaluation" explains why the two are not pooled.
    """
    require_array(groups, "groups")
    if len(groups) != len(correct):
        raise RecordError(
            f"there are {len(groups)} artists for {len(correct)} tracks; give one for each track."
        )
    if correct.empty:
        raise RecordError("there are no predictions to summarise; give a column for each seed.")
    values = correct.to_numpy(dtype=float)
    accuracies = {int(str(seed)): float(correct[seed].mean()) for seed in correct}
    score = bootstrap_score(values.mean(axis=1), groups)
    sd = float(np.std(values.mean(axis=0), ddof=1)) if values.shape[1] > 1 else float("nan")
    return SeedSummary(score, sd, accuracies)


def summarise_seeds(folder: str | Path) -> dict[str, SeedSummary]:
    """Summarise the experiments of a run that were done with several seeds.

    Parameters
    ----------
    folder : str or Path
        The run's folder `records`. Records belong together if they differ in nothing but
        the parameter `seed` and the name, and have scored the same tracks of the same
        split.

    Returns
    -------
    dict of str to SeedSummary
        By the title of the experiment with the first seed; empty if none has several.

    Raises
    ------
    RecordError
        If there is no record, or one is damaged.
    """
    groups: dict[str, dict[int, tuple[str, Path]]] = {}
    for file, record in records_in(folder).items():
        parameters = {
            name: value
            for name, value in record.spec["parameters"].items()
            if name not in ("seed", "experiment")
        }
        seed = record.spec["parameters"].get("seed")
        if seed is not None:
            rest = {**record.spec, "parameters": parameters, "experiment": ""}
            groups.setdefault(canonical_json(rest), {})[seed] = (record.title, file)
    return {
        min(found.items())[1][0]: _summary({seed: file for seed, (_, file) in found.items()})
        for found in groups.values()
        if len(found) > 1
    }


def _summary(files: Mapping[int, Path]) -> SeedSummary:
    tables = {seed: predictions(files[seed]) for seed in sorted(files)}
    first = next(iter(tables.values()))
    correct = pd.DataFrame(
        {
            seed: (table["predicted"] == table["genre"]).reindex(first.index)
            for seed, table in tables.items()
        }
    )
    return seed_summary(correct, independent_groups(first["artist"], first.index))
