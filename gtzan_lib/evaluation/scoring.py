"""Scores of anyone's predictions, under the splits that our own models are scored with."""

from __future__ import annotations

import dataclasses
import math
import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ..data.loaders.gtzan_splits import PUBLISHED_SPLITS, published_split
from ..data.splits import PART_NAMES, DataSplit
from ..errors import GtzanWarning, ScoringError
from ..files import printable
from ..stats import holm
from .askings import configuration_hash, corpus_of, part_to_score, prepare_list, record_asking
from .comparison import McNemarResult, mcnemar
from .evaluation import Evaluation
from .prediction_files import read_predictions
from .records import leaderboard_row, predictions, records_in

__all__ = ["ScoredPredictions", "score_predictions"]

_PARTS = ("test", "valid")
_COLUMNS = ("track_id", "genre", "artist", "fold_0")


@dataclasses.dataclass(frozen=True, eq=False)
class ScoredPredictions:
    """The scores of a file of predictions.

    Attributes
    ----------
    name : str
        Name of the file.
    part : str
        The part that was scored, `test` or `valid`.
    evaluation : Evaluation
        The predictions as an evaluation with one window per track: accuracy with
        interval, `per_genre()`, `confusion_matrix()`, `macro_f1()` and so on. Its
        training accuracy is unknown, NaN.
    are_answers : bool
        Whether the file has one answer per track. There are no probabilities then, so
        that neither top-2 accuracy nor calibration error is known.
    n_ignored : int
        Number of rows of the file about tracks that are not in the scored part.
    tests : pd.DataFrame
        One row per record that was tested on the same tracks: `record`, the fields of
        `McNemarResult` with the file as the first model, and `p_holm`.
    skipped : list of str
        Records that were tested on other tracks, and are not compared.
    leaderboard : pd.DataFrame
        The row of the file and those of the compared records, the best first, with the
        columns of `gtzan_lib.evaluation.records.leaderboard`; what a file does not
        tell is NaN.
    """

    name: str
    part: str
    evaluation: Evaluation
    are_answers: bool
    n_ignored: int
    tests: pd.DataFrame
    skipped: list[str]
    leaderboard: pd.DataFrame

    def __repr__(self) -> str:
        return f"ScoredPredictions({self.name!r}: {self.evaluation.accuracy()}, {self.title})"

    @property
    def title(self) -> str:
        """Corpus, part and split in a few words."""
        split = self.evaluation.split
        corpus = split.settings.get("corpus")
        name = "GTZAN" if corpus == "gtzan" else f"corpus {corpus}"
        return f"{name}, {self.evaluation.scored_part} of the {split.protocol} split"

    def as_dict(self) -> dict[str, Any]:
        """Return all scores as values for JSON; None where there is no score."""
        evaluation = self.evaluation
        scores = {
            "file": self.name,
            "title": self.title,
            "part": self.part,
            "split": evaluation.split.hash,
            "ignored_rows": self.n_ignored,
            "accuracy": evaluation.accuracy()._asdict(),
            "chance": evaluation.baseline,
            "p_value": evaluation.p_value,
            "macro_f1": evaluation.macro_f1(),
            "top2": None if self.are_answers else evaluation.top_k_accuracy(2)._asdict(),
            "calibration_error": None if self.are_answers else evaluation.calibration_error(),
            "per_genre": evaluation.per_genre().to_dict("index"),
            "tests": self.tests.to_dict("records"),
            "not_compared": self.skipped,
            "leaderboard": self.leaderboard.reset_index().to_dict("records"),
        }
        return _json_values(scores)


def score_predictions(
    path: str | Path,
    split: str | Path | DataSplit = "official",
    *,
    part: str | None = None,
    against: Iterable[str | Path] = (),
    chosen_by: str = "",
    test_access: str | Path | None = None,
) -> ScoredPredictions:
    """Score a CSV file of predictions.

    Parameters
    ----------
    path : str or Path
        The file, as `gtzan_lib.evaluation.prediction_files.read_predictions` describes
        it: one row per track. It must have all tracks of the part; others are ignored,
        with a warning.
    split : {"official", "artist"}, Path or DataSplit
        A published split of GTZAN, the file of a saved split, or a split.
    part : {"test", "valid"}, optional
        The part to score. Default: `valid` under protocol `official`, whose test part is
        for a last score, else `test`. An official test part that is scored is noted in a
        list, and the scores are returned after that. The parts of all folds are scored
        together; each track must then be predicted by the model of the fold in which it
        is in that part.
    against : iterable of str or Path
        Records to compare with: their files, or folders of them.
    chosen_by : str
        What the model was chosen by, for the list.
    test_access : str or Path, optional
        The list, a CSV file. Default: `test_access.csv` in the workspace.

    Returns
    -------
    ScoredPredictions
        The scores.

    Raises
    ------
    ScoringError
        If the file or the split cannot be used, or a track of the part is missing.
    SplitError
        If the file of the split is damaged.
    RecordError
        If a record is damaged, or a folder has none; or if `test_access` is another
        file, or damaged.
    OutputError
        If the scoring of an official test part cannot be noted.

    Notes
    -----
    The book page "Score predictions of your own" explains files and scores, and "The test
    part wears out" the list.

    Examples
    --------
    >>> import gtzan_lib as gl
    >>> gl.evaluation.score_predictions("predictions.csv", "official")  # doctest: +SKIP
    """
    path = Path(path)
    split = _load_split(split)
    part = part or part_to_score(split, ask_test=False)
    scored = _tracks_of(split, part)
    genres = sorted(split.table["genre"].unique())
    table = read_predictions(path, split.table["track_id"].unique(), genres)
    probabilities = table.probabilities.reindex(scored["track_id"])
    missing = probabilities.index[probabilities.isna().any(axis=1)]
    if len(missing):
        raise ScoringError(
            f"{path}: lacks {len(missing)} of the {len(scored)} tracks that are scored, "
            f"{missing[0]!r} first; predict all tracks of the {PART_NAMES[part]}, or "
            "name the split and the part that the file is for."
        )
    n_ignored = len(table.probabilities) - len(scored)
    if n_ignored:
        warnings.warn(
            f"{path}: {n_ignored} rows are about tracks that are not in the {PART_NAMES[part]} "
            "and are ignored.",
            GtzanWarning,
            stacklevel=2,
        )
    windows = scored.join(probabilities, on="track_id").reset_index(drop=True)
    evaluation = Evaluation(windows, genres, np.nan, [], split, part=part)
    tests, skipped, rows = _compare(evaluation.tracks, against)
    name = printable(path.name)
    if split.protocol == "official" and part == "test":
        record_asking(
            prepare_list(test_access),
            evaluation.accuracy(),
            corpus=corpus_of(split),
            configuration=configuration_hash(
                {"predictions": windows[genres].to_numpy(dtype=float), "split": split.hash}
            ),
            description=name,
            chosen_by=chosen_by,
        )
    rows.insert(0, _row(name, evaluation, table.are_answers))
    leaderboard = pd.DataFrame(rows).set_index("experiment")
    leaderboard = leaderboard.sort_values("accuracy", ascending=False, kind="stable")
    return ScoredPredictions(
        name, part, evaluation, table.are_answers, n_ignored, tests, skipped, leaderboard
    )


def _load_split(split: str | Path | DataSplit) -> DataSplit:
    if not isinstance(split, DataSplit):
        if str(split) in PUBLISHED_SPLITS:
            return published_split(str(split))
        if not Path(split).is_file():
            raise ScoringError(
                f"{split}: is neither a published split of GTZAN ({', '.join(PUBLISHED_SPLITS)}) "
                "nor a file; name one of them or a saved split."
            )
        split = DataSplit.load(split)
    absent = [name for name in _COLUMNS if name not in split.table]
    if absent:
        raise ScoringError(
            f"the split has no column {absent[0]!r}; use one that gl.split made and saved."
        )
    if split.protocol == "window":
        raise ScoringError(
            "a split by window has windows of one track in several parts; score tracks under a "
            "split by track or artist."
        )
    return split


def _tracks_of(split: DataSplit, part: str) -> pd.DataFrame:
    """Return the tracks in a part of any fold, as windows with the number of the fold."""
    if part not in _PARTS:
        raise ScoringError(f"there is no part {part!r} to score; choose {' or '.join(_PARTS)}.")
    rows = [
        split.table.iloc[getattr(fold, part)].assign(fold=number)
        for number, fold in enumerate(split)
    ]
    tracks = pd.concat(rows).sort_index(kind="stable").drop_duplicates(["track_id", "fold"])
    if tracks.empty or tracks["track_id"].duplicated().any():
        number = "no track" if tracks.empty else "a track of several folds"
        raise ScoringError(
            f"the split has {number} in its {PART_NAMES[part]}; make one with gl.split."
        )
    tracks["window_id"] = tracks["track_id"]
    return tracks[["window_id", "track_id", "genre", "artist", "fold"]]


def _compare(
    tracks: pd.DataFrame, against: Iterable[str | Path]
) -> tuple[pd.DataFrame, list[str], list[dict[str, Any]]]:
    """Return tests against records of the same tracks, names of others, and leaderboard rows."""
    tests, skipped, rows = [], [], []
    for source in against:
        for file, record in records_in(source).items():
            name, theirs = record.spec["experiment"], predictions(file)
            if set(theirs.index) != set(tracks.index):
                skipped.append(name)
                continue
            tests.append((name, *mcnemar(tracks, theirs)))
            rows.append(leaderboard_row(record))
    table = pd.DataFrame(tests, columns=["record", *McNemarResult._fields])
    return table.assign(p_holm=holm(table["p_value"].to_numpy())), skipped, rows


def _row(name: str, evaluation: Evaluation, are_answers: bool) -> dict[str, Any]:
    """Return the row of the leaderboard, with the columns of a record's row."""
    accuracy = evaluation.accuracy()
    return {
        "experiment": name,
        "protocol": evaluation.split.protocol,
        "folds": len(evaluation.split),
        "part": PART_NAMES[evaluation.part],
        "tracks": accuracy.n,
        "accuracy": accuracy.value,
        "low": accuracy.low,
        "high": accuracy.high,
        "window_accuracy": np.nan,
        "macro_f1": evaluation.macro_f1(),
        "top2": np.nan if are_answers else evaluation.top_k_accuracy(2).value,
        "calibration_error": np.nan if are_answers else evaluation.calibration_error(),
        "train_accuracy": np.nan,
        "weights": np.nan,
        "seconds": np.nan,
    }


def _json_values(value: Any) -> Any:
    """Return a value with Python's numbers instead of numpy's, and None instead of NaN."""
    if isinstance(value, dict):
        return {key: _json_values(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_json_values(item) for item in value]
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and math.isnan(value) else value
