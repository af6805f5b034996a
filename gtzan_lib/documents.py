"""Documents: the JSON files that users keep, their schemas and their versions.

Records, model cards, health reports, quarantine manifests and takes are read and
written here, so that a file that is damaged or of another version is refused in
one sentence. The book page "Documents" shows an example and the schema of each.

Pydantic takes a tenth of a second to load, and a machine that only trains needs none
of it. Other modules therefore import this one inside the functions that read or write.
"""

from __future__ import annotations

import json
import re
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, ClassVar, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    ValidationError,
    model_validator,
)
from pydantic_core import ErrorDetails

from .errors import GtzanError, HealthError, LiveError, ModelError, RecordError
from .files import atomic_path

__all__ = [
    "AccuracyInterval",
    "CardAccuracy",
    "CardAgreement",
    "CardCalibration",
    "CardDetection",
    "CardDocument",
    "CardGenre",
    "Document",
    "ManifestDocument",
    "ManifestFile",
    "Part",
    "RecordCorpus",
    "RecordDocument",
    "RecordPredictions",
    "RecordProvenance",
    "RecordResult",
    "RecordScores",
    "RecordSpec",
    "ReportDocument",
    "ReportDuplicate",
    "ReportFault",
    "StepDocument",
    "TakeDocument",
    "TakePrediction",
    "TakeWindow",
    "encode_document",
    "phrase_of",
    "read_document",
    "write_document",
]


def _inner_path(name: str) -> str:
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or len(path.parts) < 2:
        raise ValueError("must be a path of a genre's file, below the collection")
    return name


def _optional(description: str) -> Any:
    """Declare a field that may be missing, but not null."""
    return Field(default_factory=lambda: None, description=description)


# Larger whole numbers are not the same for every reader of JSON.
Count = Annotated[int, Field(ge=0, le=2**53)]
Amount = Annotated[float, Field(ge=0)]
Share = Annotated[float, Field(ge=0, le=1)]
Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
# Files are moved to these paths, so that none may lead out of the collection.
InnerPath = Annotated[str, AfterValidator(_inner_path)]


class Part(BaseModel):
    """An object within a document: no further fields, no conversion, finite numbers."""

    model_config = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False, defer_build=True)


class Document(Part):
    """A JSON file with a version."""

    VERSION: ClassVar[int] = 1
    """The version that is written, and the newest that is read."""
    ERROR: ClassVar[type[GtzanError]]
    """The error that is raised if a file is not such a document."""
    NOUN: ClassVar[str]
    """What the document is, in error messages."""
    ADVICE: ClassVar[str]
    """What to do about a file that is not such a document."""

    version: Count = Field(
        0, description="Version of the format; 0 or missing if the file is older than versions."
    )


class AccuracyInterval(Part):
    """A share of correct predictions, with its interval."""

    value: Share = Field(description="Accuracy.")
    low: Share = Field(description="Lower bound of its 95 % interval.")
    high: Share = Field(description="Upper bound of its 95 % interval.")
    n: Count = Field(description="Number of predictions.")
    interval: str = Field(description="Method of the interval.")


# --- records ------------------------------------------------------------------


class RecordCorpus(Part):
    """The corpus of an experiment."""

    name: str = Field(description="Name of the corpus.")
    tracks: Count = Field(description="Number of tracks.")
    fingerprint: str = Field(description="Hash of ids, genres, artists and audio.")


ScoredPart = Literal["test part", "validation part"]
CardPart = Literal["test part", "validation part", "training part, out of fold"]


class RecordSpec(Part):
    """All that is needed to repeat an experiment."""

    experiment: str = Field(description="Name of the experiment.")
    parameters: dict[str, JsonValue] = Field(description="Parameters of the experiment.")
    protocol: str = Field(description="Protocol of the split.")
    folds: Count = Field(description="Number of folds of the split.")
    split: str = Field(description="Hash of the split.")
    part: ScoredPart = _optional(
        "The part that was scored; version 1 had only the test part, and no such field."
    )
    corpus: RecordCorpus = Field(description="The corpus.")


class RecordScores(AccuracyInterval):
    """The scores of tracks or of windows."""

    macro_f1: Share = Field(description="Mean over genres of F1.")
    top2: Share = Field(
        description="Share of predictions whose genre is one of the two most probable."
    )
    calibration_error: Amount = Field(description="Expected calibration error.")


class RecordPredictions(Part):
    """The table of predictions beside a record."""

    file: Annotated[str, Field(pattern=r"^[^/\\]+\.csv$")] = Field(
        description="Name of the file, in the folder of the record."
    )
    sha256: Sha256 = Field(description="Checksum of the file.")


class RecordResult(Part):
    """The results of an experiment, which the record's hash covers; others may follow."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, JsonValue]

    track: RecordScores = Field(description="Scores of tracks.")
    window: RecordScores = Field(description="Scores of windows.")
    train_accuracy: Share = Field(description="Accuracy for training windows, mean over folds.")
    chance: Share = Field(description="Share of the most frequent genre among the tested tracks.")
    p_value: Share = Field(
        description="Probability of at least this accuracy when always guessing one genre."
    )
    unconverged: Count = Field(
        description="Number of folds in which the estimator did not converge."
    )
    per_genre: dict[str, Share] = Field(description="Recall of each genre.")
    confusion: dict[str, dict[str, Count]] = Field(
        description="Number of tracks by true and predicted genre."
    )
    weights: Count = _optional("Number of weights of a network.")
    predictions: RecordPredictions = Field(description="The table of predictions.")


class RecordProvenance(Part):
    """Where and when a record was made."""

    written: str = _optional("Date and time, UTC.")
    seconds: Amount | None = _optional("Duration of the training.")
    commit: str | None = _optional("Commit of the package's source.")
    python: str = _optional("Version of Python.")
    platform: str = _optional("Operating system and machine.")
    cores: Count | None = _optional("Number of processor cores.")
    versions: dict[str, str | None] = _optional(
        "Versions of packages; null if a package is not installed."
    )


class RecordDocument(Document):
    """The record of an experiment."""

    VERSION = 2
    ERROR = RecordError
    NOUN = "record of an experiment"
    ADVICE = "execute the experiment again"

    spec: RecordSpec = Field(description="Settings.")
    result: RecordResult = Field(description="Results.")
    provenance: RecordProvenance = Field(description="Versions, machine and time.")
    result_sha256: Sha256 = Field(
        description="SHA-256 of `result` as JSON with sorted keys and without spaces."
    )

    @model_validator(mode="after")
    def _require_the_part(self) -> RecordDocument:
        if self.version > 1 and self.spec.part is None:
            raise ValueError("spec.part: is missing")
        return self


# --- steps of the published run -----------------------------------------------


class StepDocument(Document):
    """What is noted of a step of the published run, beside its tables and records."""

    ERROR = RecordError
    NOUN = "note of a step"
    ADVICE = "do the step again with 'gtzan publish'"

    step: str = Field(description="Name of the step.")
    settings: dict[str, Any] = Field(description="Settings of the step.")
    material: dict[str, Count] = Field(
        description="Number of tracks of each kind of material that was used."
    )
    files: dict[str, Sha256] = Field(description="SHA-256 of each table and record.")
    code: str = Field(description="Digest of the code that did it.")
    provenance: RecordProvenance = Field(description="Versions, machine and time.")


# --- model cards --------------------------------------------------------------


class CardAccuracy(AccuracyInterval):
    """The accuracy to expect for sound of one length."""

    input_s: Amount = Field(description="Length of the sound in seconds.")


class CardGenre(AccuracyInterval):
    """The accuracy to expect for tracks of one genre."""

    genre: str = Field(description="The genre.")
    input_s: Amount = Field(description="Length of the sound in seconds.")


class CardCalibration(AccuracyInterval):
    """The expected calibration error for sound of one length."""

    input_s: Amount = Field(description="Length of the sound in seconds.")
    calibrated: bool = Field(description="Whether logits are divided by the temperature.")


class CardDetection(Part):
    """How well one kind of sound is told from music."""

    kind: str = Field(description="What the sounds are.")
    n: Count = Field(description="Number of sounds.")
    auroc: Amount = Field(description="Area under the ROC curve, against training tracks.")
    detected: Amount = Field(description="Share that is called unfamiliar.")


class CardAgreement(AccuracyInterval):
    """How often a model gives the same answer by two ways to its inputs."""

    what: str = Field(description="The two ways.")


class CardDocument(Document):
    """The card of a model."""

    VERSION = 2
    ERROR = ModelError
    NOUN = "model card"
    ADVICE = (
        "give a folder with model.json and model.safetensors, such as those in a run's folder "
        "models/"
    )

    architecture: str = Field(description="Name of the network.")
    arguments: dict[str, JsonValue] = Field(description="Arguments of the network's class.")
    weights: Count = Field(description="Number of weights.")
    genres: list[str] = Field(description="Genres in the order of the network's outputs.")
    recipe: dict[str, JsonValue] = _optional(
        "Fields of the spectrograms' recipe, of a network that takes spectrograms."
    )
    split: str = _optional("Hash of the split.")
    trained_on: list[str] = _optional("Training tracks.")
    selected_on: list[str] = _optional("Validation tracks, which selected the epoch.")
    corpus: str = _optional("Name of the training corpus.")
    protocol: str = _optional("Protocol of the split.")
    part: CardPart = _optional(
        "The part that the accuracy is for; version 1 had only the test part, and no such field."
    )
    accuracy: list[CardAccuracy] = _optional("Accuracy for the scored part.")
    by_genre: list[CardGenre] = _optional("Accuracy by genre, for the scored part.")
    chosen_by: str = _optional("Scores by which the model was chosen, before its test score.")
    calibration: list[CardCalibration] = _optional(
        "Expected calibration error, before and after temperature scaling."
    )
    detection: list[CardDetection] = _optional("Sounds that are no music of these genres.")
    agreement: CardAgreement = _optional("Between the inputs that were scored and sound.")
    record_sha256: Sha256 = _optional("Hash of the experiment's record.")
    sha256: Sha256 = Field(description="Checksum of the file of weights.")

    @model_validator(mode="after")
    def _require_consistency(self) -> CardDocument:
        if not self.recipe and self.architecture != "musicnn":
            raise ValueError("recipe: is missing")
        if self.arguments.get("classes") != len(self.genres):
            raise ValueError("genres: must be as many as arguments.classes")
        if self.accuracy and (self.corpus is None or self.protocol is None):
            raise ValueError("accuracy: needs corpus and protocol")
        if self.accuracy and self.version > 1 and self.part is None:
            raise ValueError("part: is missing")
        return self


# --- health reports -----------------------------------------------------------


class ReportFault(Part):
    """One fault."""

    track_id: str = Field(
        description="Id of the track; empty if the fault concerns the whole collection."
    )
    path: str = Field(description="The file, or the collection's folder.")
    fault: str = Field(description="Name of the fault.")
    severity: Literal["error", "warning", "notice"] = Field(
        description="Error: the track is excluded; warning: to be used with care."
    )
    detail: str = Field(description="Description, with numbers.")


class ReportDuplicate(Part):
    """A pair of tracks with the same recording."""

    a: str = Field(description="Id of a track.")
    b: str = Field(description="Id of the other track.")
    kind: str = Field(description="Kind of duplicate.")
    score: float = Field(description="Similarity; 1 for identical samples.")


class ReportDocument(Document):
    """The report of a health check."""

    ERROR = HealthError
    NOUN = "health report"
    ADVICE = "make one with gtzan health PATH --json FILE"

    files: Count = Field(description="Number of files that were checked.")
    faults: list[ReportFault] = Field(description="Faults by track.")
    duplicates: list[ReportDuplicate] = Field(
        description="Pairs of tracks with the same recording."
    )


# --- quarantine manifests -----------------------------------------------------


class ManifestFile(Part):
    """A file in quarantine."""

    reason: str = Field(description="Why the file was excluded.")
    sha256: Sha256 | None = Field(description="Checksum of the file; null if it is a link.")


class ManifestDocument(Document):
    """The manifest of a quarantine."""

    ERROR = HealthError
    NOUN = "quarantine manifest"
    ADVICE = "replace it by an intact copy, or name another folder"

    format: Literal["gtzan_lib quarantine, version 1"] = _optional(
        "Mark of version 0; missing since."
    )
    root: str = Field(description="The collection's folder.")
    files: dict[InnerPath, ManifestFile] = Field(
        description="The files by their paths below the collection."
    )

    @model_validator(mode="after")
    def _require_a_mark(self) -> ManifestDocument:
        # Many programs name a file manifest.json.
        if self.version == 0 and self.format is None:
            raise ValueError("version: is missing")
        return self


# --- takes --------------------------------------------------------------------


class TakeWindow(Part):
    """The prediction for one window."""

    start_s: Amount = Field(description="Start of the window in seconds.")
    end_s: Amount = Field(description="End of the window in seconds.")
    genre: str = Field(description="The most probable genre.")
    probabilities: dict[str, Amount] = Field(description="Probabilities by genre.")


class TakePrediction(Part):
    """The prediction for a take."""

    genre: str = Field(description="The most probable genre.")
    confidence: Amount = _optional("Its probability.")
    unfamiliar: bool | None = Field(
        default=None, description="Whether the sound is unlike what the model was trained on."
    )
    distance: Amount | None = Field(
        default=None, description="Mean distance of its windows to those of the training."
    )
    distance_limit: Amount | None = Field(
        default=None, description="The distance beyond which it is unfamiliar."
    )
    probabilities: dict[str, Amount] = Field(description="Probabilities by genre.")
    timeline: list[TakeWindow] = Field(
        description="The predictions for all windows that are not silent."
    )


class TakeDocument(Document):
    """The settings and the prediction of a take."""

    ERROR = LiveError
    NOUN = "take"
    ADVICE = "give the folder of one take, such as takes/take-001"

    when: str = Field(description="Date and time of the recording, with the time zone.")
    device: str = Field(description="Name of the microphone.")
    sample_rate: Annotated[Count, Field(gt=0)] = Field(description="In Hz.")
    seconds: Amount = Field(description="Length of the music.")
    lead_s: Amount = Field(
        description="Length of the lead, the noise before the music, in seconds."
    )
    complete: bool = Field(description="False if the recording stopped early.")
    overflows: Count = Field(description="How often samples were lost.")
    peak_db: float | None = Field(
        description="Level of the largest sample in dBFS; null if the recording is silent."
    )
    rms_db: float | None = Field(
        description="Level of the root mean square in dBFS; null if the recording is silent."
    )
    clipping: bool = Field(description="Whether the peak is at full scale.")
    method: str = Field(description="Denoising method.")
    noise: str | None = Field(
        description="Where the noise profile comes from; null if saving was interrupted."
    )
    denoised: bool = Field(description="Whether there is denoised music.")
    model: str | None = Field(description="Name of the model.")
    prediction: TakePrediction | None = Field(description="The prediction.")
    left_out: list[str] = Field(description="What was left out, and why.")


# --- reading and writing ------------------------------------------------------


def read_document(path: str | Path, kind: type[Document]) -> dict[str, Any]:
    """Read a document.

    Parameters
    ----------
    path : str or Path
        The file.
    kind : type of Document
        What it has to be.

    Returns
    -------
    dict
        The content of the file as it is; it fits the schema of `kind`.

    Raises
    ------
    GtzanError
        `kind.ERROR`, if the file is missing, is not such a document, or was written
        by a newer version of the package.
    """
    try:
        values = json.loads(Path(path).read_bytes(), parse_constant=_refuse_constant)
    except FileNotFoundError as error:
        raise kind.ERROR(f"{path}: there is no such file; {kind.ADVICE}.") from error
    except OSError as error:
        raise _refusal(path, kind, error.strerror or "it cannot be read") from error
    except (ValueError, RecursionError) as error:
        raise _refusal(path, kind, "it is not JSON") from error
    if not isinstance(values, dict):
        raise _refusal(path, kind, "it is not a JSON object")
    version = values.get("version", 0)
    if type(version) is int and version > kind.VERSION:
        raise kind.ERROR(
            f"{path}: was written by a newer version of this package (format {version}; this one "
            f"reads up to {kind.VERSION}); update the package."
        )
    if reason := _reason(values, kind):
        raise _refusal(path, kind, reason)
    return values


def encode_document(values: dict[str, Any], kind: type[Document]) -> bytes:
    """Return a document as the bytes of its file, with the current version.

    Parameters
    ----------
    values : dict
        The content.
    kind : type of Document
        What it is.

    Returns
    -------
    bytes
        Indented JSON in UTF-8.

    Raises
    ------
    GtzanError
        `kind.ERROR`, if the content could not be read again.
    """
    document = {"version": 0} | values | {"version": kind.VERSION}
    try:
        text = json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False)
        reason = _reason(json.loads(text), kind)
    except (TypeError, ValueError, RecursionError) as error:
        reason = str(error)
    if reason:
        raise kind.ERROR(f"a {kind.NOUN} cannot be written ({reason}); change that value.")
    # Names of files need not be valid text: their other bytes become escapes of JSON.
    return f"{text}\n".encode("utf-8", "backslashreplace")


def write_document(path: str | Path, values: dict[str, Any], kind: type[Document]) -> None:
    """Write a document, atomically.

    Parameters
    ----------
    path : str or Path
        The file; it is replaced.
    values, kind
        As for `encode_document`.

    Raises
    ------
    GtzanError
        As for `encode_document`.
    """
    content = encode_document(values, kind)
    with atomic_path(path) as temporary:
        temporary.write_bytes(content)


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _refusal(path: str | Path, kind: type[Document], reason: str) -> GtzanError:
    return kind.ERROR(f"{path}: is not a {kind.NOUN} ({reason}); {kind.ADVICE}.")


def phrase_of(error: ErrorDetails) -> str:
    """Return what pydantic refuses as the end of a sentence, such as `must be text`."""
    message = re.sub(r"^\w+ should", "must", error["msg"].removeprefix("Value error, "))
    return _PHRASES.get(error["type"], message)


_PHRASES = {
    "missing": "is missing",
    "extra_forbidden": "is not a known field",
    "model_type": "must be an object",
    "dict_type": "must be an object",
    "list_type": "must be a list",
    "string_type": "must be text",
    "bool_type": "must be true or false",
    "int_type": "must be a whole number",
    "float_type": "must be a number",
}


def _reason(values: Any, kind: type[Document]) -> str | None:
    """Return the first reason why values do not fit a document, or None."""
    try:
        kind.model_validate(values)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        if first["type"] == "recursion_depth_exceeded":
            return "it is nested too deeply"
        place = ".".join(str(part) for part in first["loc"] if part != "[key]")
        if not place.isprintable() or len(place) > 100:
            place = repr(place[:100])
        return f"{place}: " * bool(place) + phrase_of(first)
    return None
