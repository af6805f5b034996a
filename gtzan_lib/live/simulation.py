"""Simulated recordings: music with added noise, as from a microphone in a room.

With them the demo runs without a microphone, and the gain of denoising can be
measured, since the music without noise is known.
"""

from __future__ import annotations

import dataclasses
import zlib
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd

from ..data import audio
from ..data.corpus import Corpus
from ..errors import AudioError
from ..progress import progress_bar
from ..signal.degradations import NOISE_TYPES, mix_at_snr, noise
from ..signal.denoise import METHODS, denoise, si_sdr
from .microphone import Recording

__all__ = [
    "NoisyRoom",
    "denoising_gains",
    "recording_from_file",
    "simulate_recording",
]


def simulate_recording(
    y: np.ndarray,
    sample_rate: int,
    *,
    snr_db: float = 5.0,
    kind: str = "room",
    lead_s: float = 1.0,
    seed: int = 0,
) -> Recording:
    """Simulate a recording of music in a noisy room.

    Parameters
    ----------
    y : np.ndarray [shape=(n,), dtype=float32]
        The music, mono.
    sample_rate : int
        In Hz.
    snr_db : float
        Signal-to-noise ratio in dB.
    kind : str
        One of `gtzan_lib.signal.degradations.NOISE_TYPES`.
    lead_s : float
        Seconds of noise before the music.
    seed : int
        Random seed of the noise.

    Returns
    -------
    Recording
        Noise, then music with the same noise.

    Raises
    ------
    AudioError
        If the music is silent, or the kind of noise is unknown.
    """
    lead = round(lead_s * sample_rate)
    room = noise(kind, lead + len(y), sample_rate, seed=seed)
    mixed = mix_at_snr(y, room[lead:], snr_db)
    # The factor of the noise in `mix_at_snr`; `mixed` is rounded too coarsely to compute it from.
    energies = [np.square(sound, dtype=np.float64).sum() for sound in (y, room[lead:])]
    scale = np.sqrt(energies[0] / energies[1]) * 10 ** (-snr_db / 20)
    return Recording(
        y=np.concatenate([scale * room[:lead], mixed]).astype(np.float32),
        sample_rate=sample_rate,
        device=f"simulated recording with {kind} noise at {snr_db:g} dB",
        lead_s=lead_s,
    )


def recording_from_file(path: str | Path, *, lead_s: float = 1.0) -> Recording:
    """Read a file as a recording.

    Parameters
    ----------
    path : str or Path
        A file in any format that libsndfile reads.
    lead_s : float
        Seconds at its beginning that hold noise alone.

    Returns
    -------
    Recording
        At the file's own rate.

    Raises
    ------
    AudioError
        If the file cannot be decoded.
    """
    y, rate = audio.load(path)
    return Recording(y=y, sample_rate=rate, device=str(path), lead_s=lead_s)


@dataclasses.dataclass(frozen=True)
class NoisyRoom:
    """A condition for robustness tests: noise is added, and can be reduced again.

    Called with samples and their sample rate in Hz, it returns the recorded
    samples. A track has the same noise at every level and for every method, so
    that predictions can be compared in pairs.

    Attributes
    ----------
    snr_db : float
        Signal-to-noise ratio in dB.
    method : str or None
        One of `gtzan_lib.signal.denoise.METHODS`; None leaves the noise in.
    kind : str
        One of `gtzan_lib.signal.degradations.NOISE_TYPES`.
    lead_s : float
        Seconds of noise alone, from which the method estimates it.
    """

    snr_db: float
    method: str | None = None
    kind: str = "room"
    lead_s: float = 1.0

    def __call__(self, y: np.ndarray, sample_rate: int) -> np.ndarray:
        """Return `y` as recorded in the room, of the same length."""
        seed = zlib.crc32(np.ascontiguousarray(y).tobytes())
        recording = simulate_recording(
            y, sample_rate, snr_db=self.snr_db, kind=self.kind, lead_s=self.lead_s, seed=seed
        )
        if self.method is None:
            return recording.music
        return denoise(recording.music, sample_rate, recording.noise, method=self.method)


def denoising_gains(
    corpus: Corpus,
    *,
    snr_db: float = 5.0,
    seconds: float = 10.0,
    kinds: Iterable[str] = NOISE_TYPES,
    methods: Iterable[str] = METHODS,
    progress: bool = True,
) -> pd.DataFrame:
    """Measure the gain in SI-SDR of denoising methods on simulated recordings.

    Parameters
    ----------
    corpus : Corpus
        Clean tracks; silent tracks and those that cannot be decoded are left out.
    snr_db : float
        Signal-to-noise ratio in dB.
    seconds : float
        Length that is used, from the beginning of each track.
    kinds, methods : iterable of str
        Kinds of noise, and methods of denoising.
    progress : bool
        Show a progress bar, if on a terminal.

    Returns
    -------
    pd.DataFrame
        One row per track, noise and method: `track_id`, `noise`, `method`, and
        `gain_db`, the SI-SDR after denoising minus that before.
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
            # A file can have a valid header and damaged samples.
            continue
        y = y[: round(seconds * rate)]
        if not y.any() or not np.isfinite(y).all():
            continue
        for kind in kinds:
            recording = simulate_recording(y, rate, snr_db=snr_db, kind=kind, seed=number)
            before = si_sdr(recording.music, y)
            for method in methods:
                denoised = denoise(recording.music, rate, recording.noise, method=method)
                rows.append((track_id, kind, method, si_sdr(denoised, y) - before))
    return pd.DataFrame(rows, columns=["track_id", "noise", "method", "gain_db"])
