"""Records: one JSON file per experiment, and the leaderboard of a run."""

from __future__ import annotations

import dataclasses
import hashlib
import importlib.metadata
import os
import platform
import re
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ..data.corpus import Corpus
from ..data.splits import PART_NAMES
from ..digests import package_commit
from ..errors import RecordError
from ..files import atomic_path, canonical_json, sha256_of
from .evaluation import Evaluation

__all__ = [
    "ExperimentRecord",
    "leaderboard",
    "leaderboard_row",
    "predictions",
    "provenance",
    "records_in",
]

# How words in the names of experiments are spelled.
_SPELLED = {
    "cnn": "CNN",
    "crnn": "CRNN",
    "minivgg": "MiniVGG",
    "resnet34": "ResNet-34",
    "tracknet": "TrackNet",
}

PACKAGES = ("gtzan-lib", "librosa", "numpy", "pandas", "scikit-learn", "skorch", "torch")


@dataclasses.dataclass(frozen=True)
class ExperimentRecord:
    """The record of one experiment: its settings, its results and its provenance.

    Attributes
    ----------
    spec : dict
        Experiment, parameters, protocol, hash of the split and the part that was
        scored, fingerprint of the corpus: all that is needed to repeat the experiment.
    result : dict
        Scores with intervals, and name and SHA-256 of the table of predictions.
        Equal for equal runs on the same machine; the hash covers it.
    provenance : dict
        Versions, machine, seconds, commit; not part of the hash.
    """

    spec: dict[str, Any]
    result: dict[str, Any]
    provenance: dict[str, Any]

    @property
    def part(self) -> str:
        """The part that was scored: `test part`, or `validation part`."""
        return self.spec.get("part", PART_NAMES["test"])

    @property
    def title(self) -> str:
        """What figures and tables call the experiment.

        The further result `title` if there is one; otherwise the experiment's name
        without the prefix of a page, in words. A name that has spaces stays as it is.
        """
        name = str(self.result.get("title", self.spec["experiment"]))
        if " " in name:
            return name
        words = re.sub(r"^\d+_[a-z]+-", "", name).replace("_", "-").split("-")
        words = [_SPELLED.get(word, word) for word in words]
        return re.sub(r"\b(\d+)s\b", r"\1 s", " ".join(words))

    @property
    def hash(self) -> str:
        """SHA-256 of the result, in hexadecimal."""
        text = canonical_json(self.result)
        return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()

    @classmethod
    def load(cls, path: str | Path) -> ExperimentRecord:
        """Read a record.

        Parameters
        ----------
        path : str or Path
            The JSON file.

        Returns
        -------
        ExperimentRecord
            The record.

        Raises
        ------
        RecordError
            If the file is not a record, was written by a newer version, or its result
            was changed by hand.
        """
        from ..documents import RecordDocument, read_document

        values = read_document(path, RecordDocument)
        record = cls(values["spec"], values["result"], values["provenance"])
        if values["result_sha256"] != record.hash:
            raise RecordError(
                f"{path}: its result was changed after it was written; execute the experiment "
                "again."
            )
        return record

    @classmethod
    def save(
        cls,
        evaluation: Evaluation,
        folder: str | Path,
        *,
        experiment: str,
        corpus: Corpus,
        parameters: dict[str, Any],
        seconds: float | None = None,
        extra: dict[str, Any] | None = None,
    ) -> ExperimentRecord:
        """Write the record of an evaluation, and its predictions in the same folder.

        Parameters
        ----------
        evaluation : Evaluation
            The evaluation.
        folder : str or Path
            Folder for `<experiment>.json` and `<experiment>.predictions.csv`.
        experiment : str
            Name of the experiment.
        corpus : Corpus
            The corpus of the evaluation.
        parameters : dict
            Parameters of the experiment.
        seconds : float, optional
            Duration of the training.
        extra : dict, optional
            Further results, such as the number of `weights` of a network, or the `title`
            that figures and tables give the experiment.

        Returns
        -------
        ExperimentRecord
            The record that was written.

        Raises
        ------
        RecordError
            If parameters or further results cannot be written as JSON.
        """
        from ..documents import RecordDocument, write_document

        folder = Path(folder)
        predictions = folder / f"{experiment}.predictions.csv"
        with atomic_path(predictions) as temporary:
            evaluation.tracks.to_csv(temporary, float_format="%.6f", lineterminator="\n")
        record = cls(
            spec={
                "experiment": experiment,
                "parameters": parameters,
                "protocol": evaluation.split.protocol,
                "folds": len(evaluation.split),
                "part": PART_NAMES[evaluation.part],
                "split": evaluation.split.hash,
                "corpus": {
                    "name": corpus.name,
                    "tracks": len(corpus),
                    "fingerprint": corpus.fingerprint,
                },
            },
            result={
                **_scores(evaluation),
                **(extra or {}),
                "predictions": {"file": predictions.name, "sha256": sha256_of(predictions)},
            },
            provenance=provenance(seconds),
        )
        values = {**dataclasses.asdict(record), "result_sha256": record.hash}
        write_document(folder / f"{experiment}.json", values, RecordDocument)
        return record


def _scores(evaluation: Evaluation) -> dict[str, Any]:
    """Return all scores as JSON values."""
    return {
        **{
            unit: {
                **evaluation.accuracy(unit)._asdict(),
                "macro_f1": evaluation.macro_f1(unit),
                "top2": evaluation.top_k_accuracy(2, unit).value,
                "calibration_error": evaluation.calibration_error(unit),
            }
            for unit in ("track", "window")
        },
        "train_accuracy": evaluation.train_accuracy,
        "chance": evaluation.baseline,
        "p_value": evaluation.p_value,
        "unconverged": evaluation.unconverged,
        "per_genre": evaluation.per_genre()["recall"].to_dict(),
        "confusion": {
            genre: row[row > 0].to_dict() for genre, row in evaluation.confusion_matrix().iterrows()
        },
    }


def predictions(path: str | Path) -> pd.DataFrame:
    """Read the predictions of an experiment for each track.

    Parameters
    ----------
    path : str or Path
        The record of the experiment.

    Returns
    -------
    pd.DataFrame
        Indexed by `track_id`: `genre`, `artist`, `predicted`, and a column of
        probabilities for every genre.

    Raises
    ------
    RecordError
        If the record is damaged, or its predictions are missing or were changed.
    """
    entry = ExperimentRecord.load(path).result["predictions"]
    file = Path(path).with_name(entry["file"])
    if not file.is_file() or sha256_of(file) != entry["sha256"]:
        raise RecordError(
            f"{file}: is missing or not the file that {Path(path).name} describes; execute the "
            "experiment again."
        )
    names = dict.fromkeys(("track_id", "genre", "artist", "predicted"), str)
    return pd.read_csv(file, dtype=names, keep_default_na=False).set_index("track_id")


def records_in(source: str | Path) -> dict[Path, ExperimentRecord]:
    """Read all records in a folder, or one.

    Parameters
    ----------
    source : str or Path
        The run's folder `records`, or the file of one record.

    Returns
    -------
    dict of Path to Record
        Records by file, sorted by name.

    Raises
    ------
    RecordError
        If there is no record, or one is damaged.
    """
    # Hidden files are temporary files of a killed process.
    source = Path(source)
    files = [source] if source.is_file() else sorted(source.glob("[!.]*.json"))
    if not files:
        raise RecordError(f"{source}: holds no records; execute an experiment first.")
    return {file: ExperimentRecord.load(file) for file in files}


def leaderboard(folder: str | Path) -> pd.DataFrame:
    """Compare the records in a folder.

    Parameters
    ----------
    folder : str or Path
        The run's folder `records`.

    Returns
    -------
    pd.DataFrame
        One row per experiment, the best track accuracy first: `protocol`,
        `folds`, `part` (`test part` or `validation part`), `tracks` (number of
        scored tracks), `accuracy`, `low`, `high`,
        `window_accuracy`, `macro_f1`, `top2`, `calibration_error` and
        `train_accuracy`, all from 0 to 1; `weights`, the number of weights of a
        network, and `seconds`, the duration of training, both NaN if unknown.

    Raises
    ------
    RecordError
        If there is no record, or one is damaged.
    """
    rows = [leaderboard_row(record) for record in records_in(folder).values()]
    table = pd.DataFrame(rows).set_index("experiment")
    return table.sort_values("accuracy", ascending=False, kind="stable")


def leaderboard_row(record: ExperimentRecord) -> dict[str, Any]:
    """Return the row of a record in the leaderboard.

    Parameters
    ----------
    record : ExperimentRecord
        The record.

    Returns
    -------
    dict
        The name of the experiment, and the columns of `leaderboard`.
    """
    track = record.result["track"]
    return {
        "experiment": record.spec["experiment"],
        "protocol": record.spec["protocol"],
        "folds": record.spec["folds"],
        "part": record.part,
        "tracks": track["n"],
        "accuracy": track["value"],
        "low": track["low"],
        "high": track["high"],
        "window_accuracy": record.result["window"]["value"],
        "macro_f1": track["macro_f1"],
        "top2": track["top2"],
        "calibration_error": track["calibration_error"],
        "train_accuracy": record.result["train_accuracy"],
        "weights": record.result.get("weights", np.nan),
        "seconds": record.provenance.get("seconds") or np.nan,
    }


def provenance(seconds: float | None) -> dict[str, Any]:
    """Return when, where and with what something is made.

    Parameters
    ----------
    seconds : float or None
        Duration of the training.

    Returns
    -------
    dict
        JSON values: `written` (date and time, UTC), `seconds`, `commit`, `python`,
        `platform`, `cores`, `versions` of packages.
    """
    return {
        "written": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "seconds": seconds,
        "commit": package_commit(),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "cores": os.cpu_count(),
        "versions": {package: _version(package) for package in PACKAGES},
    }


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None
