"""Whether a model tells sound that is no music of its genres."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import scipy.signal
import soundfile

from ..data import audio
from ..data.corpus import Corpus
from ..errors import ModelError
from ..inference.model import Model
from ..signal.degradations import NOISE_TYPES, noise
from ..stats import wilson_score

__all__ = ["SAMPLE_RATE", "detect_unfamiliar", "detection", "unfamiliar_sounds"]

SAMPLE_RATE = 22_050
"""Sample rate of `unfamiliar_sounds` in Hz."""

# Its README tells how it was made. Sound in a folder of its own would be taken for a genre.
_SPEECH = Path(__file__).with_name("speech.zip")
_PEAK = 0.7


def unfamiliar_sounds(
    music: Corpus | None = None, *, count: int = 20, seconds: float = 10.0, seed: int = 0
) -> dict[str, list[np.ndarray]]:
    """Make sounds that are no music of any genre that a model knows.

    Parameters
    ----------
    music : Corpus, optional
        Tracks that are played backwards, at double speed, and without what lies above
        400 Hz. Default: none.
    count : int
        Number of sounds of each kind. Of speech there are at most twelve.
    seconds : float
        Length of each sound; shorter speech is repeated.
    seed : int
        Of what is random.

    Returns
    -------
    dict of str to list of np.ndarray [shape=(n,), dtype=float32]
        Sounds by their kind, at `SAMPLE_RATE`.

    Notes
    -----
    Speech is that of a synthesiser, applause is composed of filtered noise: these are
    stand-ins for recordings.
    """
    length = round(seconds * SAMPLE_RATE)
    voices = [np.resize(voice, length) for voice in _speech()]
    rng = np.random.default_rng(seed)
    makers: dict[str, Callable[[int], np.ndarray]] = {
        "four voices at once": lambda _: np.sum(
            [np.roll(voice, rng.integers(length)) for voice in rng.choice(voices, 4)], axis=0
        ),
        "applause": lambda _: _applause(rng, length),
        "noise": lambda i: noise(
            NOISE_TYPES[i % len(NOISE_TYPES)], length, SAMPLE_RATE, seed=seed + i
        ),
        "sine tones": lambda i: _sine(length, 60 * 100 ** (i / max(1, count - 1))),
    }
    sounds = {"speech": [_normalised(voice) for voice in voices[:count]]}
    for kind, make in makers.items():
        sounds[kind] = [_normalised(make(i)) for i in range(count)]
    if music is not None:
        names = music.tracks.index[:count]
        tracks = [music.load(name, sample_rate=SAMPLE_RATE)[0] for name in names]
        excerpts = [np.resize(y, 2 * length) for y in tracks]
        low = scipy.signal.butter(6, 400, fs=SAMPLE_RATE, output="sos")
        sounds |= {
            "music backwards": [_normalised(y[length - 1 :: -1]) for y in excerpts],
            "music at double speed": [
                _normalised(scipy.signal.resample_poly(y, 1, 2)) for y in excerpts
            ],
            "music below 400 Hz": [
                _normalised(scipy.signal.sosfilt(low, y[:length])) for y in excerpts
            ],
        }
    return sounds


def detect_unfamiliar(model: Model, sounds: Mapping[str, Sequence[np.ndarray]]) -> pd.DataFrame:
    """Measure which sounds a model calls unlike anything that it was trained on.

    Parameters
    ----------
    model : Model
        With `familiarity`.
    sounds : mapping of str to sequence of np.ndarray
        As from `unfamiliar_sounds`.

    Returns
    -------
    pd.DataFrame
        One row a kind: `auroc`, the share of pairs of a sound and a training track
        (left out of the references) in which the sound is farther; `detected`, the share
        that is called unfamiliar, with Wilson's interval `low` and `high`; `n`, the
        number of sounds.

    Raises
    ------
    ModelError
        If the model has no `familiarity`.

    Notes
    -----
    The book page "Inference" shows the table.
    """
    if model.familiarity is None:
        raise ModelError(
            f"model {model.name!r} cannot tell unfamiliar sound; take a model of tags, such as "
            "'gtzan-musicnn', or one of 'gtzan train'."
        )
    tracks = model.familiarity.tracks.numpy()
    rows = {}
    for kind, of_kind in sounds.items():
        predictions = [model.predict(y, sample_rate=SAMPLE_RATE) for y in of_kind]
        distances = np.array([prediction.distance for prediction in predictions])
        farther = np.mean(distances[:, None] > tracks) + np.mean(distances[:, None] == tracks) / 2
        found = wilson_score(np.array([bool(p.unfamiliar) for p in predictions]))
        rows[kind] = (float(farther), found.value, found.low, found.high, found.n)
    return pd.DataFrame.from_dict(rows, "index", columns=["auroc", "detected", "low", "high", "n"])


def detection(model: Model) -> list[dict[str, Any]]:
    """Measure what a model calls unfamiliar, as its card tells it.

    Parameters
    ----------
    model : Model
        With `familiarity`.

    Returns
    -------
    list of dict
        As `gtzan_lib.documents.CardDetection`, one for each kind of `unfamiliar_sounds`.
    """
    found = detect_unfamiliar(model, unfamiliar_sounds())[["n", "auroc", "detected"]]
    return [{"kind": kind, **row} for kind, row in found.to_dict("index").items()]


def _speech() -> list[np.ndarray]:
    voices = []
    with zipfile.ZipFile(_SPEECH) as content:
        for name in sorted(content.namelist()):
            if name.endswith(".ogg"):
                y, rate = soundfile.read(io.BytesIO(content.read(name)), dtype="float32")
                voices.append(audio.resample(y, rate, SAMPLE_RATE))
    return voices


def _applause(rng: np.random.Generator, length: int) -> np.ndarray:
    """Return the claps of 5 to 80 people, each with a rate and a pitch of their own."""
    y = np.zeros(length)
    clap = round(0.05 * SAMPLE_RATE)
    now = np.arange(clap) / SAMPLE_RATE
    for _ in range(rng.integers(5, 81)):
        centre, rate = rng.uniform(800, 2500), rng.uniform(2.5, 5)
        band = scipy.signal.butter(
            2, [0.6 * centre, 1.6 * centre], "bandpass", fs=SAMPLE_RATE, output="sos"
        )
        pauses = rng.uniform(0.9, 1.1, size=round(rate * length / SAMPLE_RATE)) / rate
        starts = rng.uniform(0, 0.3) + np.cumsum(pauses)
        for start in np.round(starts * SAMPLE_RATE).astype(int):
            decay = np.exp(-now / rng.uniform(0.004, 0.012))
            sound = scipy.signal.sosfilt(band, rng.standard_normal(clap) * decay)
            part = y[start : start + clap]
            part += rng.uniform(0.3, 1) * sound[: len(part)]
    return y


def _sine(length: int, hz: float) -> np.ndarray:
    return np.sin(2 * np.pi * hz * np.arange(length) / SAMPLE_RATE)


def _normalised(y: np.ndarray) -> np.ndarray:
    return (_PEAK * y / max(np.abs(y).max(), 1e-9)).astype(np.float32)
