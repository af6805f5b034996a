"""Models for genres of one's own, on the tags of MusiCNN."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

import numpy as np

from ..data.cache import FileCache
from ..data.loaders import gtzan
from ..data.loaders.gtzan_activations import training_tags
from ..data.workspace import Workspace
from ..health.prepare import prepare_corpus
from ..models.degraded_tags import load_changes
from ..models.heads import LogisticHead
from ..models.musicnn import MusiCNN
from ..progress import progress_bar
from ..stats import independent_groups
from .fitting import FittedHead, fit_head
from .model import Model, single_thread
from .musicnn_model import MusicnnModel
from .zoo import load_model, save_head

__all__ = ["fit_gtzan_head", "train_model"]


def train_model(
    source: str | Path,
    folder: str | Path,
    *,
    work: Workspace | None = None,
    jobs: int = 1,
    progress: bool = True,
) -> Model:
    """Train a model for the genres of a corpus, on the tags of MusiCNN.

    Tags are cached in the workspace, so that an interrupted training continues.

    Parameters
    ----------
    source : str or Path
        A corpus with sound, as for `gtzan_lib.data.opening.open_corpus`. Tracks that the
        health check excludes are left out.
    folder : str or Path
        Folder for the model; a model in it is replaced.
    work : Workspace, optional
        Where caches are stored. Default: `Workspace()`.
    jobs : int
        Number of threads; each takes a track.
    progress : bool
        Show a progress bar, if on a terminal.

    Returns
    -------
    Model
        The model. Its card has the accuracy in cross-validation, in which tracks of one
        artist are left out together, or single tracks if no artist is known.

    Raises
    ------
    CorpusError
        If the corpus cannot be opened, or has no sound.
    ModelError
        If it has fewer than two genres, or a genre has tracks of fewer than two artists.

    Examples
    --------
    >>> import gtzan_lib as gl
    >>> model = gl.inference.train_model("my_music", "models/mine")  # doctest: +SKIP
    >>> model.predict("song.mp3").genre  # doctest: +SKIP
    'fado'
    """
    corpus = prepare_corpus(source, work=work, jobs=jobs)
    corpus.require_audio()
    tracks = corpus.tracks
    tags = FileCache.of(
        _tags_of_file,
        corpus.work.tags,
        (
            "data.audio",
            "data.decoders",
            "data.windows",
            "models.musicnn",
            "inference.model",
            "inference.musicnn_model",
        ),
        packages=("torch", "scipy"),
    )
    paths = tracks["path"].tolist()
    with single_thread, ThreadPoolExecutor(jobs) as pool:
        rows = list(progress_bar(pool.map(tags, paths), "tracks", len(paths), show=progress))
    used = np.array([len(track) > 0 for track in rows])
    fitted = fit_head(
        [track for track in rows if len(track)],
        tracks["genre"][used].tolist(),
        independent_groups(tracks["artist"], tracks.index)[used].tolist(),
        degradations=list(load_changes().values()),
    )
    protocol = "artist" if tracks["artist"].notna().any() else "track"
    names = tracks.index[used].tolist()
    save_head(folder, fitted, names, corpus=corpus.name, protocol=protocol)
    return load_model(Path(folder).absolute())


def _tags_of_file(path: str) -> np.ndarray:
    """Return the logits of MusiCNN's tags [shape=(windows, 50)] for a file."""
    return _tagger().track_logits(path)


@cache
def _tagger() -> MusicnnModel:
    """Return a model of which only the tags are used."""
    arguments = {"classes": 2, "inputs": len(MusiCNN.TAGS)}
    card = {"architecture": "musicnn", "arguments": arguments, "genres": ["", ""]}
    return MusicnnModel("tags", card, LogisticHead(**arguments))


def fit_gtzan_head(root: str | Path) -> tuple[FittedHead, tuple[str, ...]]:
    """Fit the head of the model `gtzan-musicnn`, on the published tags of GTZAN.

    Parameters
    ----------
    root : str or Path
        As for `gtzan_lib.data.loaders.gtzan_activations.training_tags`.

    Returns
    -------
    fitted : FittedHead
        The head; tracks of one artist are left out together.
    track_ids : tuple of str
        The 443 tracks of the training part.

    Raises
    ------
    CorpusError
        If the tags are missing or damaged.
    """
    tags = training_tags(root)
    facts = gtzan.facts().loc[list(tags.track_ids)]
    genres = [track_id.partition(".")[0] for track_id in tags.track_ids]
    artists = independent_groups(facts["artist"], tags.track_ids)
    degradations = list(load_changes().values())
    fitted = fit_head(
        tags.logits, genres, artists.tolist(), degradations=degradations, repetitions=5
    )
    return fitted, tags.track_ids
