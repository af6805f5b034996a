"""How the models of the package are made from GTZAN, and how its test part is asked."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np
import pandas as pd
import typer
from sklearn.base import BaseEstimator, ClassifierMixin

from ..data import logmels
from ..data.corpus import Corpus
from ..data.loaders import gtzan
from ..data.loaders.gtzan_activations import test_tags, training_tags
from ..data.opening import open_corpus
from ..data.splits import DataSplit
from ..data.workspace import Workspace
from ..documents import RecordDocument, write_document
from ..errors import CorpusError, GtzanError, ModelError, ParameterError
from ..evaluation.evaluate import evaluate
from ..evaluation.evaluation import Evaluation
from ..evaluation.records import ExperimentRecord
from ..inference.ensemble_model import EnsembleModel
from ..inference.model import single_thread
from ..inference.musicnn_model import MusicnnModel
from ..inference.transfer import fit_gtzan_head
from ..inference.zoo import CARD, DEFAULT, SHIPPED, load_model, save_head, update_card
from ..models.degraded_tags import TagChange, fit_change, load_changes, save_changes
from ..progress import progress_bar
from ..signal.degradations import DEGRADATIONS
from ..stats import Score, bootstrap_score, independent_groups, wilson_score
from .scratch_model import (
    LOG_MELS,
    SHORT_S,
    log_mel_excerpts,
    log_mel_windows,
    log_mels_of_part,
    train_scratch,
)
from .unfamiliar import detection

__all__ = [
    "FittedModel",
    "ask_test_part",
    "fit_tag_changes",
    "main",
    "port_agreement",
    "train_musicnn",
]

# What this project has asked the test part for, below the project's root.
_ASKINGS = Path("results/gtzan/test_access.csv")
# MusiCNN's published tags, below GTZAN's root.
_TRAINING_TAGS = Path("musicnn/msd_musicnn_taggram_train443.npz")
_TEST_TAGS = Path("musicnn/msd_musicnn_taggram_test290.npz")
# Folders of GTZAN's sound below its root, whole clips first.
_SOUND = ("genres_original", "genres", "mini", "clips3s")
# Shorter files are excerpts of clips.
_WHOLE_S = 29.0
_PORT = "the genre by the published tags, and by the tags of this port from sound; training tracks"


def fit_tag_changes(root: str | Path, tagger: MusicnnModel) -> dict[str, TagChange]:
    """Fit what degradations do to the tags of GTZAN's training tracks.

    Parameters
    ----------
    root : str or Path
        A folder that holds one or more of `genres_original`, `genres`, `mini`, `clips3s`.
    tagger : MusicnnModel
        Of which only the tags are used.

    Returns
    -------
    dict of str to TagChange
        For each of `gtzan_lib.signal.degradations.DEGRADATIONS`.

    Raises
    ------
    CorpusError
        If there is no sound of a training track.
    """
    tracks = _sound_of_training_tracks(root)
    clean: list[np.ndarray] = []
    degraded: dict[str, list[np.ndarray]] = {name: [] for name in DEGRADATIONS}
    for track_id, corpus in progress_bar(tracks.items(), "tracks", len(tracks)):
        y, rate = corpus.load(track_id)
        with single_thread:
            clean.append(tagger.track_logits(y, rate))
            for name, degrade in DEGRADATIONS.items():
                degraded[name].append(tagger.track_logits(degrade(y, rate), rate))
    before = np.concatenate(clean)
    return {name: fit_change(before, np.concatenate(rows)) for name, rows in degraded.items()}


def _sound_of_training_tracks(root: str | Path) -> dict[str, Corpus]:
    """Return where the sound of each training track is, whole clips first."""
    partition = gtzan.facts()["partition"]
    corpora = [open_corpus(Path(root) / name) for name in _SOUND if (Path(root) / name).is_dir()]
    tracks = {
        track_id: corpus
        for corpus in reversed(corpora)
        for track_id in corpus.tracks.index
        if partition.get(track_id) == "train"
    }
    if not tracks:
        raise CorpusError(
            f"{root}: holds no sound of a training track of GTZAN, in {', '.join(_SOUND)}."
        )
    return tracks


def port_agreement(root: str | Path, model: MusicnnModel) -> Score:
    """Compare what a model says of sound with what it says of the published tags.

    Parameters
    ----------
    root : str or Path
        As for `fit_tag_changes`, with the published tags in `musicnn`.
    model : MusicnnModel
        The model.

    Returns
    -------
    Score
        The share of whole clips of the training part with the same genre, and Wilson's
        interval.

    Raises
    ------
    CorpusError
        If there is no sound of a training track, or the tags are missing.
    """
    published = dict(zip(*training_tags(root), strict=True))
    same = []
    for track_id, corpus in _sound_of_training_tracks(root).items():
        if corpus.tracks.at[track_id, "duration_s"] > _WHOLE_S:
            of_sound = model.predict(corpus.tracks.at[track_id, "path"]).genre
            same.append(of_sound == model.genre_of_tags(published[track_id]))
    return wilson_score(np.array(same))


def train_musicnn(root: str | Path) -> None:
    """Train `gtzan-musicnn` in the folder of the package.

    Parameters
    ----------
    root : str or Path
        GTZAN, with the published tags in `musicnn`. Without sound of its training tracks
        there, what degradations do to tags is that of the package.
    """
    folder = SHIPPED / DEFAULT
    has_sound = any((Path(root) / name).is_dir() for name in _SOUND)
    if has_sound:
        tagger = load_model(folder)
        assert isinstance(tagger, MusicnnModel)
        save_changes(fit_tag_changes(root, tagger))
        load_changes.cache_clear()
    save_head(folder, *fit_gtzan_head(root), corpus="gtzan", protocol="official")
    fields: dict[str, Any] = {"detection": detection(load_model(folder))}
    if has_sound:
        model = load_model(folder)
        assert isinstance(model, MusicnnModel)
        agreement = port_agreement(root, model)
        fields["agreement"] = {"what": _PORT, **agreement._asdict()}
    update_card(folder, **fields)


class FittedModel(ClassifierMixin, BaseEstimator):
    """A trained model as an estimator, for `gtzan_lib.evaluation.evaluate.evaluate`.

    Fitting changes nothing: what is scored is the model as it is in its folder.

    Parameters
    ----------
    name : str
        A name or folder for `load_model`.
    sha256 : str
        Checksum of its weights, so that another model is another configuration.
    """

    def __init__(self, name: str = DEFAULT, sha256: str = "") -> None:
        self.name, self.sha256 = name, sha256

    def fit(self, X: np.ndarray, y: np.ndarray) -> Self:
        """Load the model; the data are not used."""
        self.model_ = load_model(self.name)
        self.classes_ = np.array(self.model_.genres)
        return self

    def predict_proba(self, X: np.ndarray) -> np.ndarray:
        """Return the probabilities of windows.

        Parameters
        ----------
        X : np.ndarray [shape=(n, ...)]
            Logits of tags, or images, as the model takes them.

        Returns
        -------
        np.ndarray [shape=(n, genres), dtype=float32]
            Rows sum to one.
        """
        if isinstance(self.model_, MusicnnModel):
            return self.model_.tag_probabilities(X)
        assert isinstance(self.model_, EnsembleModel)
        return self.model_.probabilities(X)


def ask_test_part(
    name: str, root: str | Path, *, chosen_by: str = "", publish: bool = False
) -> Evaluation:
    """Score a model of the package on GTZAN's test part, and note that.

    Parameters
    ----------
    name : str
        Name of the model.
    root : str or Path
        GTZAN, with `mel/gtzan_logmel_999.npz` and, for a model of tags, `musicnn`.
    chosen_by : str
        Scores by which the model was chosen, for the list of askings. Default: what its
        card says.
    publish : bool
        Whether to write the score, with `chosen_by`, on the model's card, and record and
        predictions into its folder in the package. By default nothing in the package is
        changed.

    Returns
    -------
    Evaluation
        Of the test part. The asking is noted in `test_access.csv` in the workspace; one
        that is published in `results/gtzan/test_access.csv` below the current folder, the
        project's root.

    Raises
    ------
    ParameterError
        If the score is to be published without `chosen_by`.
    ModelError
        If the package has no such model.
    CorpusError
        If log-mels or tags are missing or damaged.
    RecordError
        If the list is another file, or damaged.
    OutputError
        If the asking cannot be noted.
    """
    if publish and not chosen_by.strip():
        raise ParameterError(
            f"{name}: its card says what it was chosen by; give --chosen-by with --publish."
        )
    names = sorted(file.parent.name for file in SHIPPED.glob(f"*/{CARD}"))
    if name not in names:
        raise ModelError(
            f"no model {name!r} comes with the package; choose one of {', '.join(names)}."
        )
    model = load_model(name)
    tags = () if isinstance(model, EnsembleModel) else (_TRAINING_TAGS, _TEST_TAGS)
    _require_files(root, LOG_MELS, *tags)
    corpus = open_corpus(Path(root) / LOG_MELS)
    if isinstance(model, EnsembleModel):
        inputs = _image_rows(model, Path(root) / LOG_MELS)
    else:
        inputs = _tag_rows(root)
    table = inputs.windows
    table["artist"] = corpus.tracks["artist"].reindex(table["track_id"]).fillna("").to_numpy()
    table["fold_0"] = corpus.tracks["partition"].reindex(table["track_id"]).to_numpy()
    settings = {"seed": None, "folds": 1, "corpus": corpus.fingerprint, "corpus_name": corpus.name}
    evaluation = evaluate(
        FittedModel(name, model.card["sha256"]),
        inputs.values,
        table,
        DataSplit("official", table, settings),
        aggregation=model.aggregation,
        ask_test=True,
        description=f"{name}: {model.takes}",
        chosen_by=chosen_by or model.card.get("chosen_by", ""),
        test_access=_list_of_askings(publish=publish),
    )
    if publish:
        _publish(name, evaluation, inputs, corpus, chosen_by)
    return evaluation


def _require_files(root: str | Path, *files: Path) -> None:
    """Refuse a folder that lacks files, before the work that needs them."""
    missing = [file.as_posix() for file in files if not (Path(root) / file).is_file()]
    if missing:
        raise CorpusError(
            f"{root}: lacks {' and '.join(missing)}; add what the book's page 'Getting GTZAN' "
            "describes, or name another folder."
        )


def _list_of_askings(*, publish: bool) -> Path:
    return _ASKINGS if publish else Workspace().test_access


def _publish(
    name: str, evaluation: Evaluation, inputs: _Rows, corpus: Corpus, chosen_by: str
) -> None:
    """Write record, predictions and card of a model of the package."""
    folder = SHIPPED / name
    record = ExperimentRecord.save(
        evaluation, folder, experiment=name, corpus=corpus, parameters={"model": name}
    )
    for private in ("platform", "commit"):
        record.provenance.pop(private, None)
    values = {**dataclasses.asdict(record), "result_sha256": record.hash}
    write_document(folder / f"{name}.json", values, RecordDocument)
    update_card(
        folder,
        part="test part",
        chosen_by=chosen_by,
        record_sha256=record.hash,
        **_scores_of(evaluation, inputs),
    )


class _Rows(NamedTuple):
    """What a model takes, for the windows of training and test part.

    The last three are for single excerpts of 3 s of the test part.
    """

    values: np.ndarray
    windows: pd.DataFrame
    track_s: float
    short: np.ndarray
    short_tracks: np.ndarray
    short_s: float


def _tag_rows(root: str | Path) -> _Rows:
    parts = [training_tags(root), test_tags(root)]
    logits = [rows for part in parts for rows in part.logits]
    names = [track_id for part in parts for track_id in part.track_ids]
    values, windows = np.concatenate(logits), _table(names, list(map(len, logits)))
    grid = MusicnnModel.grid
    per_track = int(np.median([len(rows) for rows in logits]))
    whole = round(grid.seconds + (per_track - 1) * grid.step, 3)
    tested = windows["track_id"].isin(parts[1].track_ids).to_numpy()
    track_ids = windows["track_id"].to_numpy(dtype=str)[tested]
    return _Rows(values, windows, whole, values[tested], track_ids, grid.seconds)


def _image_rows(model: EnsembleModel, file: Path) -> _Rows:
    train, test = (log_mels_of_part(file, part) for part in ("train", "test"))
    images, track = log_mel_windows({**train, **test}, model.recipe)
    excerpts, excerpt_of = log_mel_excerpts(test, model.recipe)
    windows = _table([*train, *test], np.bincount(track).tolist())
    short_tracks = np.array(list(test))[excerpt_of]
    return _Rows(images, windows, logmels.SECONDS, excerpts, short_tracks, SHORT_S)


def _table(names: Sequence[str], lengths: Sequence[int]) -> pd.DataFrame:
    """Return the window of each row."""
    track_ids = np.repeat(names, lengths)
    numbers = np.concatenate([np.arange(length) for length in lengths])
    return pd.DataFrame(
        {
            "window_id": [f"{t}:{n}" for t, n in zip(track_ids, numbers, strict=True)],
            "track_id": track_ids,
            "genre": [track_id.partition(".")[0] for track_id in track_ids.tolist()],
        }
    )


def _scores_of(evaluation: Evaluation, inputs: _Rows) -> dict[str, Any]:
    """Return the fields of a card that hold scores."""
    (model,) = evaluation.estimators
    predicted = model.classes_[model.predict_proba(inputs.short).argmax(axis=1)]
    genres = np.array([track_id.partition(".")[0] for track_id in inputs.short_tracks.tolist()])
    facts = gtzan.facts()["artist"].loc[inputs.short_tracks]
    groups = independent_groups(facts, inputs.short_tracks)
    short = bootstrap_score(predicted == genres, groups)
    scores = [
        (inputs.track_s, evaluation.accuracy()),
        (inputs.short_s, short),
        (inputs.track_s, evaluation.bootstrap_accuracy()),
    ]
    tracks = evaluation.predictions()
    return {
        "accuracy": [{"input_s": seconds, **score._asdict()} for seconds, score in scores],
        "by_genre": [
            {"genre": genre, "input_s": inputs.track_s, **wilson_score(right.to_numpy())._asdict()}
            for genre, right in tracks.groupby("genre")["correct"]
        ],
    }


def main(root: str, ask: str = "", chosen_by: str = "", publish: bool = False) -> None:
    """Train the models of the package, or ask the test part about one of them.

    Bad input ends it with one sentence and exit code 1.

    Parameters
    ----------
    root : str
        GTZAN, as for `train_musicnn` and `train_scratch`.
    ask : str
        The model to ask about; nothing is trained.
    chosen_by, publish
        As for `ask_test_part`.
    """
    try:
        if ask:
            print(ask_test_part(ask, root, chosen_by=chosen_by, publish=publish))
            print(f"noted in {_list_of_askings(publish=publish)}")
        elif publish or chosen_by:
            raise ParameterError("--publish and --chosen-by need --ask with a model's name.")
        else:
            _require_files(root, LOG_MELS, _TRAINING_TAGS)
            train_scratch(root, SHIPPED / "gtzan-scratch")
            train_musicnn(root)
    except GtzanError as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    typer.run(main)
