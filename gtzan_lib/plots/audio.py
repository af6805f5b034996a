"""Players for music that may be passed on."""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from ..data.corpus import Corpus
    from ..live.takes import Take

__all__ = [
    "excerpt",
    "harmonic_percussive_players",
    "may_be_heard",
    "players",
    "samples_of",
    "recording_players",
]

_GRID = "display:grid;grid-template-columns:repeat(auto-fill,minmax(15.5rem,1fr))"


def may_be_heard(corpus: Corpus) -> bool:
    """Tell whether a corpus' sound may stand in a page: that of others may not."""
    return corpus.name == "synthetic" and not corpus.is_table


def players(
    corpus: Corpus, tracks: Mapping[str, str] | None = None, *, seconds: float = 5.0
) -> Any:
    """Return audio players, for music that may be passed on.

    Parameters
    ----------
    corpus : Corpus
        Only the synthetic corpus is played; other music belongs to others and
        is not put into pages.
    tracks : mapping of str to str, optional
        Track ids by what is written over each player. Default: the first of
        each genre. Tracks that cannot be decoded are left out.
    seconds : float
        Length of an excerpt.

    Returns
    -------
    IPython.display.HTML
        To be shown by a notebook.
    """
    if not may_be_heard(corpus):
        return _silence()
    if tracks is None:
        first = corpus.tracks.groupby("genre").head(1)
        tracks = {f"{row.genre}: {row.artist}": row.Index for row in first.itertuples()}
    sounds = {caption: excerpt(corpus, name, seconds=seconds) for caption, name in tracks.items()}
    return _row(sounds)


def harmonic_percussive_players(
    corpus: Corpus, tracks: Mapping[str, str], *, seconds: float = 5.0
) -> Any:
    """Return players for tracks, and for their harmonic and percussive parts.

    Parameters
    ----------
    corpus : Corpus
        Only the synthetic corpus is played.
    tracks : mapping of str to str
        Track ids by what is written over their players.
    seconds : float
        Length of an excerpt.

    Returns
    -------
    IPython.display.HTML
        To be shown by a notebook.
    """
    from ..signal.fast_features import SAMPLE_RATE, frame_features

    if not may_be_heard(corpus):
        return _silence()
    sounds = {}
    for caption, track_id in tracks.items():
        y, _ = corpus.load(track_id, sample_rate=SAMPLE_RATE)
        y = y[: int(seconds * SAMPLE_RATE)]
        parts = frame_features(y)
        sounds[caption] = _mp3(y, SAMPLE_RATE)
        sounds[f"{caption}: what lasts"] = _mp3(parts["harmony"], SAMPLE_RATE)
        sounds[f"{caption}: what strikes"] = _mp3(parts["perceptr"], SAMPLE_RATE)
    return _row(sounds)


def recording_players(take: Take, corpus: Corpus | None) -> Any:
    """Return players for a take with its noise and without.

    Parameters
    ----------
    take : Take
        From `gtzan_lib.live.takes.save_take`.
    corpus : Corpus, optional
        Where the music is from; only that of the synthetic corpus is played.

    Returns
    -------
    IPython.display.HTML
        To be shown by a notebook.
    """
    if corpus is None or not may_be_heard(corpus):
        return _silence()
    sounds = {"as it was heard": take.raw, "without its noise": take.denoised}
    return _row(
        {caption: _mp3(y, take.sample_rate) for caption, y in sounds.items() if y is not None}
    )


def excerpt(corpus: Corpus, track_id: str, *, seconds: float, quality: float | None = None) -> str:
    """Encode the beginning of a track.

    Parameters
    ----------
    corpus : Corpus
        Where it is.
    track_id : str
        Which.
    seconds : float
        Length.
    quality : float, optional
        From 0, the best, to 0.9. Default: the encoder's.

    Returns
    -------
    str
        An MP3 file in base 64, empty where the track cannot be decoded.
    """
    y, rate = samples_of(corpus.tracks.at[track_id, "path"])
    return _mp3(y[: int(seconds * rate)], rate, quality)


def samples_of(path: str) -> tuple[np.ndarray, int]:
    """Decode what can be decoded of a file: samples of the first channel, and rate in Hz."""
    from ..data import audio
    from ..errors import AudioError

    try:
        with audio.opened(path) as file:
            return file.read(dtype="float32", always_2d=True)[:, 0], file.samplerate
    except AudioError:
        return np.zeros(0, dtype=np.float32), 1


def _mp3(y: np.ndarray, rate: int, quality: float | None = None) -> str:
    import soundfile

    if not len(y):
        return ""
    stream = io.BytesIO()
    soundfile.write(stream, y, rate, format="MP3", compression_level=quality)
    return base64.b64encode(stream.getvalue()).decode()


def _row(sounds: Mapping[str, str]) -> Any:
    from IPython.display import HTML

    cells = [
        f"<figure style='margin:.2rem;text-align:left'>"
        f"<figcaption style='font-size:.85rem;margin:0;text-align:left'>"
        f"{html.escape(caption)}</figcaption>"
        f"<audio controls preload='none' style='width:15rem;height:2.2rem' "
        f"src='data:audio/mpeg;base64,{sound}'></audio></figure>"
        for caption, sound in sounds.items()
        if sound
    ]
    return HTML(f"<div style='{_GRID}'>{''.join(cells)}</div>")


def _silence() -> Any:
    from IPython.display import HTML

    return HTML("<p><em>Recordings of others are not put into this book.</em></p>")
