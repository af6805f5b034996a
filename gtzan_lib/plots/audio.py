"""Audio players for the synthetic corpus, whose audio may be published."""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

if TYPE_CHECKING:
    from ..data.corpus import Corpus

__all__ = [
    "excerpt",
    "harmonic_percussive_players",
    "is_playable",
    "players",
    "read_samples",
    "recording_players",
]

_GRID = "display:grid;grid-template-columns:repeat(auto-fill,minmax(15.5rem,1fr))"


class _Take(Protocol):
    """What `recording_players` reads of a take."""

    @property
    def raw(self) -> np.ndarray: ...
    @property
    def denoised(self) -> np.ndarray | None: ...
    @property
    def sample_rate(self) -> int: ...


def is_playable(corpus: Corpus) -> bool:
    """Tell whether a page may contain a corpus' audio: only that of the synthetic corpus may."""
    return corpus.name == "synthetic" and corpus.has_audio


def players(
    corpus: Corpus, tracks: Mapping[str, str] | None = None, *, seconds: float = 5.0
) -> Any:
    """Return audio players for tracks of the synthetic corpus.

    Parameters
    ----------
    corpus : Corpus
        Only the synthetic corpus has players; other audio may not be published.
    tracks : mapping of str to str, optional
        Track ids by caption. Default: the first track of each genre. Tracks that
        cannot be decoded are left out.
    seconds : float
        Length of an excerpt.

    Returns
    -------
    IPython.display.HTML
        For display in a notebook.
    """
    if not is_playable(corpus):
        return _no_audio()
    if tracks is None:
        first = corpus.tracks.groupby("genre").head(1)
        tracks = {f"{row.genre}: {row.artist}": row.Index for row in first.itertuples()}
    sounds = {
        caption: excerpt(corpus, track_id, seconds=seconds) for caption, track_id in tracks.items()
    }
    return _player_grid(sounds)


def harmonic_percussive_players(
    corpus: Corpus, tracks: Mapping[str, str], *, seconds: float = 5.0
) -> Any:
    """Return players for tracks and for their harmonic and percussive parts.

    Parameters
    ----------
    corpus : Corpus
        Only the synthetic corpus has players.
    tracks : mapping of str to str
        Track ids by caption.
    seconds : float
        Length of an excerpt.

    Returns
    -------
    IPython.display.HTML
        For display in a notebook.
    """
    from ..signal.fast_features import SAMPLE_RATE, frame_features

    if not is_playable(corpus):
        return _no_audio()
    sounds = {}
    for caption, track_id in tracks.items():
        y, _ = corpus.load(track_id, sample_rate=SAMPLE_RATE)
        y = y[: int(seconds * SAMPLE_RATE)]
        parts = frame_features(y)
        sounds[caption] = _mp3(y, SAMPLE_RATE)
        sounds[f"{caption}: harmonic"] = _mp3(parts["harmony"], SAMPLE_RATE)
        sounds[f"{caption}: percussive"] = _mp3(parts["perceptr"], SAMPLE_RATE)
    return _player_grid(sounds)


def recording_players(take: _Take, corpus: Corpus | None) -> Any:
    """Return players for a recording, with its noise and denoised.

    Parameters
    ----------
    take : Take, from gtzan_lib.live.save_take
        Samples `raw` and `denoised` (or None), and their `sample_rate` in Hz.
    corpus : Corpus, optional
        The corpus that was recorded; only the synthetic one has players.

    Returns
    -------
    IPython.display.HTML
        For display in a notebook.
    """
    if corpus is None or not is_playable(corpus):
        return _no_audio()
    sounds = {"recorded": take.raw, "denoised": take.denoised}
    return _player_grid(
        {caption: _mp3(y, take.sample_rate) for caption, y in sounds.items() if y is not None}
    )


def excerpt(corpus: Corpus, track_id: str, *, seconds: float, quality: float | None = None) -> str:
    """Encode the beginning of a track.

    Parameters
    ----------
    corpus : Corpus
        The corpus of the track.
    track_id : str
        Id of the track.
    seconds : float
        Length.
    quality : float, optional
        Compression level from 0, the best quality, to 0.9. Default: the encoder's.

    Returns
    -------
    str
        An MP3 file in base 64, empty where the track cannot be decoded.
    """
    y, rate = read_samples(corpus.tracks.at[track_id, "path"])
    return _mp3(y[: int(seconds * rate)], rate, quality)


def read_samples(path: str) -> tuple[np.ndarray, int]:
    """Return the readable samples of a file's first channel, and their rate in Hz."""
    from ..data.audio import open_audio
    from ..data.decoders import pieces_of
    from ..errors import AudioError

    try:
        with open_audio(path) as decoder:
            pieces = [piece[:, 0].copy() for piece in pieces_of(decoder)]
            return np.concatenate([np.zeros(0, dtype=np.float32), *pieces]), decoder.sample_rate
    except AudioError:
        return np.zeros(0, dtype=np.float32), 1


def _mp3(y: np.ndarray, rate: int, quality: float | None = None) -> str:
    import soundfile

    if not len(y):
        return ""
    stream = io.BytesIO()
    soundfile.write(stream, y, rate, format="MP3", compression_level=quality)
    return base64.b64encode(stream.getvalue()).decode()


def _player_grid(sounds: Mapping[str, str]) -> Any:
    from IPython.display import HTML

    cells = [
        f"<figure style='margin:.2rem;text-align:left'>"
        f"<figcaption style='font-size:.85rem;margin:0;text-align:left'>"
        f"{html.escape(caption)}</figcaption>"
        f"<audio controls preload='metadata' style='width:15rem;height:2.2rem' "
        f"src='data:audio/mpeg;base64,{sound}'></audio></figure>"
        for caption, sound in sounds.items()
        if sound
    ]
    return HTML(f"<div style='{_GRID}'>{''.join(cells)}</div>")


def _no_audio() -> Any:
    from IPython.display import HTML

    return HTML("<p><em>Recordings of third parties are not included in this book.</em></p>")
