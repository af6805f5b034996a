"""What MusiCNN computes of the tracks of a corpus, and what its tags say of genres."""

from __future__ import annotations

import dataclasses
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import NamedTuple, cast

import numpy as np
import pandas as pd

from ..data.arguments import require_corpus
from ..data.cache import FileCache
from ..data.corpus import Corpus
from ..errors import CorpusError
from ..inference.model import single_thread
from ..inference.musicnn_model import MusicnnModel
from ..inference.zoo import load_model
from ..models.musicnn import MusiCNN
from ..progress import progress_bar

__all__ = ["LayerTable", "musicnn_layers", "tag_profile"]

# Modules and packages on which the layers depend.
_MODULES = (
    "data.audio", "data.decoders", "data.windows", "inference.model", "inference.musicnn_model",
    "models.musicnn", "signal.dsp", "studies.representations",
)  # fmt: skip
_PACKAGES = ("torch", "scipy")


@dataclasses.dataclass(frozen=True, eq=False)
class LayerTable:
    """Layers of MusiCNN for windows, one row per window.

    Attributes
    ----------
    layers : dict of str to np.ndarray [shape=(n, width), dtype=float32]
        `logits` of the tags, `penultimate`, and `mean` and `max` over time of the last
        convolution; see `gtzan_lib.models.musicnn.MusiCNN.layers`.
    windows : pd.DataFrame
        The window of each row: `window_id`, `track_id`, `genre`, `start_s`.
    """

    layers: dict[str, np.ndarray]
    windows: pd.DataFrame

    def __repr__(self) -> str:
        tracks = self.windows["track_id"].nunique()
        layers = ", ".join(f"{name} ({rows.shape[1]})" for name, rows in self.layers.items())
        return f"LayerTable({len(self.windows)} windows of {tracks} tracks: {layers})"


def musicnn_layers(
    corpus: Corpus, *, step: float | None = None, jobs: int = 1, progress: bool = True
) -> LayerTable:
    """Compute layers of MusiCNN for windows of 3 s of all tracks.

    Results are cached for each file in the corpus' workspace, so that an interrupted
    call continues, and a second one is quick.

    Parameters
    ----------
    corpus : Corpus
        The tracks, with sound.
    step : float, optional
        Seconds from one window's start to the next. Default: 3, as in predictions.
    jobs : int
        Number of threads; each takes a track.
    progress : bool
        Show a progress bar, if on a terminal.

    Returns
    -------
    LayerTable
        Rows in the order of the corpus; silent windows are left out.

    Raises
    ------
    AudioError
        If a file cannot be decoded, or is too short.
    CorpusError
        If the corpus has no sound, or all of it is silent.
    ModelError
        If the step is not above zero.

    Notes
    -----
    The book page "Transfer" shows what they know of genres.
    """
    require_corpus(corpus)
    corpus.require_audio()
    compute = FileCache.of(_layers_of_file, corpus.work.layers, _MODULES, packages=_PACKAGES)
    tracks = corpus.tracks
    with single_thread, ThreadPoolExecutor(jobs) as pool:
        computed = pool.map(lambda path: compute(path, step=step), tracks["path"])
        files = list(progress_bar(computed, "Layers of MusiCNN", len(tracks), show=progress))
    rows = [
        (f"{track_id}.{number}", track_id, genre, start_s)
        for (track_id, genre), file in zip(tracks["genre"].items(), files, strict=True)
        for number, start_s in zip(file.numbers, file.starts_s, strict=True)
    ]
    if not rows:
        raise CorpusError(f"{corpus.root}: all tracks are silent; name a folder of music.")
    sounding = [file.layers for file in files if file.layers]
    layers = {name: np.concatenate([file[name] for file in sounding]) for name in sounding[0]}
    return LayerTable(
        layers, pd.DataFrame(rows, columns=["window_id", "track_id", "genre", "start_s"])
    )


class _FileLayers(NamedTuple):
    """Layers of those windows of a file that are not silent."""

    numbers: list[int]
    starts_s: list[float]
    layers: dict[str, np.ndarray]


def _layers_of_file(path: str, *, step: float | None) -> _FileLayers:
    model, numbers, starts_s, pieces, count = _model(), [], [], [], 0
    for windows in model.windows(path, step=step):
        audible = [number for number, window in enumerate(windows) if window.y.any()]
        if audible:
            pieces.append(model.layers([windows[number] for number in audible]))
        numbers += [count + number for number in audible]
        starts_s += [windows[number].start_s for number in audible]
        count += len(windows)
    names = pieces[0] if pieces else ()
    layers = {name: np.concatenate([piece[name] for piece in pieces]) for name in names}
    return _FileLayers(numbers, starts_s, layers)


@cache
def _model() -> MusicnnModel:
    """Return a model on MusiCNN, of which the head is not used."""
    return cast(MusicnnModel, load_model("gtzan-musicnn"))


def tag_profile(table: LayerTable) -> pd.DataFrame:
    """Measure which tags of MusiCNN go with which genres.

    Parameters
    ----------
    table : LayerTable
        The windows.

    Returns
    -------
    pd.DataFrame
        One row per tag and one column per genre: the genre's mean over tracks of the
        tag's logit, in standard deviations of the tracks from the mean of all. The
        first tags differ most between genres: the share of the genres in the variance
        of the tracks is largest.
    """
    windows = table.windows
    logits = pd.DataFrame(table.layers["logits"].astype(np.float64), columns=MusiCNN.TAGS)
    tracks = logits.groupby(windows["track_id"].to_numpy(), sort=False).mean()
    genres = windows.groupby("track_id", sort=False)["genre"].first()
    standardised = (tracks - tracks.mean()) / tracks.std(ddof=0).replace(0, 1)
    means = standardised.groupby(genres.to_numpy()).mean()
    shares = (means**2).mul(genres.value_counts().reindex(means.index), axis=0).sum() / len(genres)
    return means[shares.sort_values(ascending=False, kind="stable").index].T
