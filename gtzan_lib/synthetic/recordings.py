"""The bytes of a track's file, with or without a fault."""

import io

import numpy as np
import soundfile
import soxr

from ..mp3 import compression_level, encode
from .faults import DESTROYED_BYTES, PlantedFault
from .settings import Settings, Slot
from .songs import compose_song
from .studio import SAMPLE_RATE, render

__all__ = ["clean_bytes", "faulty_bytes"]


def clean_bytes(slot: Slot, settings: Settings, *, skip: float = 0.0) -> bytes:
    """Compose and record a track without a fault.

    Parameters
    ----------
    slot : Slot
        Place of the track in the corpus.
    settings : Settings
        Settings of the corpus.
    skip : float
        Seconds left out at the beginning and added at the end.

    Returns
    -------
    bytes
        A WAV file.
    """
    return _wav(_samples(slot, settings, skip=skip))


def faulty_bytes(fault: PlantedFault, settings: Settings) -> bytes:
    """Compose and record a track with its fault.

    Parameters
    ----------
    fault : PlantedFault
        The fault, and the track that has it.
    settings : Settings
        Settings of the corpus.

    Returns
    -------
    bytes
        The contents of the track's file.
    """
    slot, amount = fault.source or fault.victim, fault.amount
    rng = np.random.default_rng([settings.seed, *fault.victim.track_id.encode()])
    match fault.name:
        case "identical" | "mislabelled":
            return clean_bytes(slot, settings)
        case "shifted":
            return clean_bytes(slot, settings, skip=amount)
        case "unreadable":
            return bytes(DESTROYED_BYTES) + clean_bytes(slot, settings)[DESTROYED_BYTES:]
        case "truncated":
            content = clean_bytes(slot, settings)
            return content[: int(amount * len(content))]
    y = _samples(slot, settings)
    match fault.name:
        case "too-short":
            return _wav(y[: round(amount * SAMPLE_RATE)])
        case "wrong-rate":
            return _wav(soxr.resample(y, SAMPLE_RATE, amount), rate=round(amount))
        case "silent":
            step = round(amount)
            return _wav(rng.integers(-step, step + 1, size=len(y), dtype=np.int16))
        case "clipped":
            return _wav(_quantise(y / np.abs(y).max() * 10 ** (amount / 20)))
        case "dc-offset":
            return _wav(_quantise(y / 32768 + amount))
        case "dropouts":
            return _wav(_with_gaps(y, round(amount), rng))
        case "reencoded":
            return _wav(_through_mp3(y, round(amount)))
        case "gain":
            return _wav(_quantise(y / 32768 * 10 ** (amount / 20)))
    raise ValueError(f"There is no fault {fault.name!r}.")


def _samples(slot: Slot, settings: Settings, *, skip: float = 0.0) -> np.ndarray:
    song = compose_song(seed=settings.seed, genre=slot.genre, artist=slot.artist, track=slot.track)
    return render(song, seconds=settings.seconds, skip=skip)


def _wav(samples: np.ndarray, *, rate: int = SAMPLE_RATE) -> bytes:
    stream = io.BytesIO()
    soundfile.write(stream, samples, rate, format="WAV", subtype="PCM_16")
    return stream.getvalue()


def _quantise(y: np.ndarray) -> np.ndarray:
    return np.clip(np.round(y * 32768), -32768, 32767).astype(np.int16)


def _with_gaps(y: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    y = y.copy()
    for start in rng.integers(len(y), size=count):
        y[start : start + round(rng.uniform(0.02, 0.2) * SAMPLE_RATE)] = 0
    return y


def _through_mp3(y: np.ndarray, kbits: int) -> np.ndarray:
    # Rounded, since another level of the same bit rate would change the bytes of the corpus.
    level = round(compression_level(kbits, SAMPLE_RATE), 1)
    content = encode(y, SAMPLE_RATE, level)
    return soundfile.read(io.BytesIO(content), dtype="int16")[0]
