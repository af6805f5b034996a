"""A room that is not there: music with noise, as a microphone would have heard it.

With it, the demo runs where there is no microphone, and what denoising is worth
can be measured, since the music without the noise is known.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd

from ..data import audio
from ..data.corpus import Corpus
from ..errors import AudioError
from ..inference.robustness import Degradation
from ..progress import progress_bar
from ..signal.degradations import NOISE_TYPES, mix_at_snr, noise
from ..signal.denoise import METHODS, denoise, si_sdr
from .microphone import Recording

__all__ = ["recording_from_file", "denoising_gains", "simulate_recording", "noisy_room"]


def simulate_recording(
    y: np.ndarray,
    sample_rate: int,
    *,
    snr_db: float = 5.0,
    kind: str = "room",
    lead_s: float = 1.0,
    seed: int = 0,
) -> Recording:
    """Pretend to record music in a noisy room.

    Parameters
    ----------
    y : np.ndarray [shape=(n,), dtype=float32]
        The music, mono.
    sample_rate : int
        In Hz.
    snr_db : float
        How much louder the music is than the noise, in dB.
    kind : str
        One of `gtzan_lib.signal.degradations.NOISE_TYPES`.
    lead_s : float
        How long the noise is heard before the music begins, in seconds.
    seed : int
        Of the noise.

    Returns
    -------
    Recording
        Noise, then music with the same noise.

    Raises
    ------
    AudioError
        If the music is silent, or there is no such noise.
    """
    lead = round(lead_s * sample_rate)
    heard = noise(kind, lead + len(y), sample_rate, seed=seed)
    mixed = mix_at_snr(y, heard[lead:], snr_db)
    # What `mix` has multiplied the noise with; `mixed` itself is rounded too coarsely to tell.
    power, alone = (np.square(one, dtype=np.float64).sum() for one in (y, heard[lead:]))
    scale = np.sqrt(power / alone) * 10 ** (-snr_db / 20)
    return Recording(
        y=np.concatenate([scale * heard[:lead], mixed]).astype(np.float32),
        sample_rate=sample_rate,
        device=f"a rehearsal with {kind} noise at {snr_db:g} dB",
        lead_s=lead_s,
    )


def recording_from_file(path: str | Path, *, lead_s: float = 1.0) -> Recording:
    """Take a file for a recording.

    Parameters
    ----------
    path : str or Path
        In any format that libsndfile reads.
    lead_s : float
        How long it is quiet before the music begins, in seconds.

    Returns
    -------
    Recording
        At the file's own rate.

    Raises
    ------
    AudioError
        If it cannot be decoded.
    """
    y, rate = audio.load(path)
    return Recording(y=y, sample_rate=rate, device=str(path), lead_s=lead_s)


def noisy_room(
    snr_db: float, *, method: str | None = None, kind: str = "room", lead_s: float = 1.0
) -> Degradation:
    """Return a condition for trials: noise is added, and taken away again.

    Parameters
    ----------
    snr_db : float
        How much louder the music is than the noise, in dB.
    method : str, optional
        One of `gtzan_lib.signal.denoise.METHODS`. Default: the noise stays.
    kind : str
        One of `gtzan_lib.signal.degradations.NOISE_TYPES`.
    lead_s : float
        How long the noise is heard alone, in seconds.

    Returns
    -------
    callable
        For `gtzan_lib.inference.robustness.robustness_test`. A track's noise is the same at every
        level and for every method, so that answers can be compared in pairs.
    """

    def change(y: np.ndarray, sample_rate: int) -> np.ndarray:
        seed = zlib.crc32(np.ascontiguousarray(y).tobytes())
        heard = simulate_recording(
            y, sample_rate, snr_db=snr_db, kind=kind, lead_s=lead_s, seed=seed
        )
        if method is None:
            return heard.music
        return denoise(heard.music, sample_rate, heard.noise, method=method)

    return change


def denoising_gains(
    corpus: Corpus,
    *,
    snr_db: float = 5.0,
    seconds: float = 10.0,
    kinds: Iterable[str] = NOISE_TYPES,
    methods: Iterable[str] = METHODS,
    progress: bool = True,
) -> pd.DataFrame:
    """Measure by how much methods against noise bring music back.

    Parameters
    ----------
    corpus : Corpus
        Tracks without noise; silent ones and those that cannot be decoded are
        left out.
    snr_db : float
        How much louder the music is than the noise, in dB.
    seconds : float
        How much of each track, from its beginning.
    kinds, methods : iterable of str
        Which noise, and what is done against it.
    progress : bool
        Show a progress bar, if on a terminal.

    Returns
    -------
    pd.DataFrame
        One row a track, noise and method: `track_id`, `noise`, `method`, and
        `gain_db`, the SI-SDR after less that before.
    """
    kinds, methods = list(kinds), list(methods)
    corpus.require_audio()
    rows = []
    unreadable = set(corpus.unreadable)
    names = [name for name in corpus.tracks.index if name not in unreadable]
    for number, track_id in enumerate(progress_bar(names, "tracks", len(names), show=progress)):
        try:
            y, rate = corpus.load(track_id)
        except AudioError:
            # Headers that can be read do not tell that all can.
            continue
        y = y[: round(seconds * rate)]
        if not y.any() or not np.isfinite(y).all():
            continue
        for kind in kinds:
            heard = simulate_recording(y, rate, snr_db=snr_db, kind=kind, seed=number)
            before = si_sdr(heard.music, y)
            for method in methods:
                after = si_sdr(denoise(heard.music, rate, heard.noise, method=method), y)
                rows.append((track_id, kind, method, after - before))
    return pd.DataFrame(rows, columns=["track_id", "noise", "method", "gain_db"])
