"""The bytes of a track's file, as it should be or as its fault leaves it."""

import io

import numpy as np
import soundfile
import soxr

from .faults import DESTROYED_BYTES, MP3_LEVELS, Fault
from .settings import Settings, Slot
from .songs import write_song
from .studio import SAMPLE_RATE, record

__all__ = ["sound_bytes", "spoilt_bytes"]


def sound_bytes(slot: Slot, settings: Settings, *, skip: float = 0.0) -> bytes:
    """Compose and record a track as it should be.

    Parameters
    ----------
    slot : Slot
        Place of the track in the corpus.
    settings : Settings
        Settings of the corpus.
    skip : float
        Seconds to leave out at the beginning and to add at the end.

    Returns
    -------
    bytes
        A WAV file.
    """
    return _wav(_samples(slot, settings, skip=skip))


def spoilt_bytes(fault: Fault, settings: Settings) -> bytes:
    """Compose and record a track as its fault leaves it.

    Parameters
    ----------
    fault : Fault
        What goes wrong, and with which track.
    settings : Settings
        Settings of the corpus.

    Returns
    -------
    bytes
        What the victim's file holds.
    """
    music, amount = fault.source or fault.victim, fault.amount
    rng = np.random.default_rng([settings.seed, *fault.victim.track_id.encode()])
    match fault.name:
        case "identical" | "mislabelled":
            return sound_bytes(music, settings)
        case "shifted":
            return sound_bytes(music, settings, skip=amount)
        case "unreadable":
            return bytes(DESTROYED_BYTES) + sound_bytes(music, settings)[DESTROYED_BYTES:]
        case "truncated":
            whole = sound_bytes(music, settings)
            return whole[: int(amount * len(whole))]
    y = _samples(music, settings)
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
    raise ValueError(f"no such fault: {fault.name}")


def _samples(slot: Slot, settings: Settings, *, skip: float = 0.0) -> np.ndarray:
    song = write_song(seed=settings.seed, genre=slot.genre, artist=slot.artist, track=slot.track)
    return record(song, seconds=settings.seconds, skip=skip)


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
    stream = io.BytesIO()
    soundfile.write(
        stream,
        y,
        SAMPLE_RATE,
        format="MP3",
        subtype="MPEG_LAYER_III",
        bitrate_mode="CONSTANT",
        compression_level=MP3_LEVELS[kbits],
    )
    stream.seek(0)
    return soundfile.read(stream, dtype="int16")[0]
