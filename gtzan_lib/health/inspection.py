"""Measurements of one audio file, in one pass over all its samples.

Files are read in pieces, so that memory does not depend on their length.
"""

from __future__ import annotations

import contextlib
import hashlib
import struct
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ..data import audio
from ..data.decoders import Decoder, pieces_of, reason_of
from ..errors import AudioError
from .fingerprints import Envelope

__all__ = ["INSPECTED_FACTS", "Inspection", "inspect"]

INSPECTED_FACTS = (
    "decoded",
    "problem",
    "format",
    "encoding",
    "sample_rate",
    "channels",
    "duration_s",
    "promised_s",
    "surplus_s",
    "invalid_samples",
    "peak_db",
    "rms_db",
    "offset",
    "silent",
    "longest_silence_s",
    "flat_tops",
    "dropouts",
    "sha256",
)
"""Names of the facts about a file, the columns of `HealthReport.files`."""

BLOCK_SIZE = 2**20
"""Number of values that are decoded at a time, over all channels."""

# Amplitude below which sound is silence: the last bit of 16-bit audio is at -90 dB.
SILENCE = 10 ** (-80 / 20)

# Range of the sample rates in Hz of which an envelope is computed; others are not of music.
_RATES = (2_000, 768_000)

# A run of equal samples at the peak is a flat top; a run elsewhere that begins
# with a jump is a gap in the sound.
_FLAT_TOP_SAMPLES = 3
_GAP_S = 0.004
_GAP_JUMP = 0.004
_SILENCE_STEP_S = 0.05


class Inspection(NamedTuple):
    """The facts about a file, and its fingerprint.

    Attributes
    ----------
    facts : dict of str to object
        A value for each name of `INSPECTED_FACTS`; what could not be measured is missing.
    envelope : np.ndarray [shape=(bands, frames) or (phases, bands, frames), dtype=uint8]
        As from `fingerprints.Envelope`; empty where there is no sound.
    """

    facts: dict[str, object]
    envelope: np.ndarray


def inspect(path: str | Path) -> Inspection:
    """Decode a whole file and measure it.

    Parameters
    ----------
    path : str or Path
        Any file. One that is not audio gives a result, not an error.

    Returns
    -------
    Inspection
        `decoded` is whether the whole file could be read, `problem` why not;
        `promised_s` is the length stated in the header and `surplus_s` that of
        sound after this length; `invalid_samples` is the number of those that
        are no finite numbers or far too large; `peak_db` and `rms_db` are relative to full
        scale, `offset` is the mean; `flat_tops` is the number of runs of equal
        samples at the peak and `dropouts` that of gaps that begin with a jump;
        `sha256` is that of the samples, as a WAV file if they have 16 bits.
    """
    path = Path(path)
    try:
        with audio.open_audio(path) as decoder:
            return _read(decoder, path)
    except AudioError as error:
        return Inspection({"decoded": False, "problem": error.reason}, Envelope.empty())


def _read(decoder: Decoder, path: Path) -> Inspection:
    meter = _Meter(decoder)
    reason = meter.read_all(decoder, path)
    rate, promised = decoder.sample_rate, max(decoder.promised_frames, decoder.frames or 0)
    if not reason and (meter.frames < decoder.promised_frames or decoder.is_short(meter.frames)):
        reason = f"ends after {_seconds(meter.frames, rate)} of {_seconds(promised, rate)}"
    if not reason and decoder.cut:
        reason = f"breaks off after {_seconds(meter.frames, rate)} ({decoder.cut})"
    facts: dict[str, object] = {
        "decoded": not reason,
        "problem": reason,
        "format": decoder.format,
        "encoding": decoder.encoding,
        "sample_rate": rate,
        "channels": decoder.channels,
        "duration_s": meter.frames / rate,
        "promised_s": (promised or meter.frames) / rate,
        "surplus_s": decoder.surplus_frames / rate,
    }
    return Inspection(facts | meter.facts(), meter.envelope())


class _Meter:
    """Measures a file piece by piece."""

    def __init__(self, decoder: Decoder) -> None:
        self.rate, self.channels = decoder.sample_rate, decoder.channels
        self.is_pcm16 = decoder.encoding == "PCM_16"
        self.frames = self.invalid = 0
        self.sum = self.squares = 0.0
        self.runs = [_Runs(self.rate) for _ in range(self.channels)]
        self.silences: list[np.ndarray] = []
        self._envelope = Envelope(self.rate) if _RATES[0] <= self.rate <= _RATES[1] else None
        self._hash = hashlib.sha256()
        if self.is_pcm16:
            self._hash.update(_wav_header(self.rate, self.channels, decoder.frames or 0))

    def read_all(self, decoder: Decoder, path: Path) -> str:
        """Decode all samples; return why decoding ended early, or an empty text."""
        try:
            self._read(decoder, max(1, BLOCK_SIZE // self.channels))
        except (RuntimeError, AudioError) as error:
            # A decoder does not recover from an error; a second one, in smaller steps, gets
            # closer to it.
            with contextlib.suppress(RuntimeError, AudioError), audio.open_audio(path) as second:
                left = self.frames
                while left:
                    left -= len(second.read(min(left, BLOCK_SIZE)))
                self._read(second, 1024)
            reason = error.reason if isinstance(error, AudioError) else reason_of(error)
            return f"breaks off after {_seconds(self.frames, self.rate)} ({reason})"
        return ""

    def _read(self, decoder: Decoder, size: int) -> None:
        for piece in pieces_of(decoder, size, dtype="int16" if self.is_pcm16 else "float32"):
            self._add(piece)

    def _add(self, piece: np.ndarray) -> None:
        self._hash.update(np.ascontiguousarray(piece).data)
        self.frames += len(piece)
        if self.is_pcm16:
            piece = piece * np.float32(1 / 32768)
        else:
            # Floating-point samples need not be finite; those that are not are measured as zero.
            self.invalid += int(np.count_nonzero(audio.is_invalid(piece)))
            piece = np.nan_to_num(piece, posinf=0, neginf=0).clip(-1e6, 1e6)
        for channel, runs in zip(piece.T, self.runs, strict=True):
            channel = np.ascontiguousarray(channel)
            self.sum += float(channel.sum(dtype=np.float64))
            self.squares += float(np.dot(channel, channel))
            runs.add(channel)
        y = piece[:, 0] if self.channels == 1 else piece.mean(axis=1)
        if self._envelope:
            self._envelope.add(y)
        self.silences.append(_silent_steps(y, max(1, round(_SILENCE_STEP_S * self.rate))))

    def facts(self) -> dict[str, object]:
        """Return the measurements; only `silent` if no sample could be read."""
        if not self.frames:
            return {"silent": True}
        values = self.frames * self.channels
        offset = self.sum / values
        steps = np.concatenate(self.silences)
        low, high = min(runs.low for runs in self.runs), max(runs.high for runs in self.runs)
        counts = [runs.finish() for runs in self.runs]
        return {
            "invalid_samples": self.invalid,
            "peak_db": _db(max(-low, high)),
            "rms_db": _db((self.squares / values) ** 0.5),
            "offset": offset,
            # A constant signal is silent, too.
            "silent": max(high - offset, offset - low) < SILENCE,
            "longest_silence_s": _longest(steps) * _SILENCE_STEP_S,
            "flat_tops": sum(tops for tops, _ in counts),
            "dropouts": sum(gaps for _, gaps in counts),
            "sha256": self._hash.hexdigest(),
        }

    def envelope(self) -> np.ndarray:
        """Return the envelope."""
        return self._envelope.finish() if self._envelope else Envelope.empty()


class _Runs:
    """Runs of equal samples in one channel, also across pieces.

    Parameters
    ----------
    rate : int
        Sample rate in Hz.
    """

    def __init__(self, rate: int) -> None:
        self.low, self.high = np.inf, -np.inf
        self._gap = max(_FLAT_TOP_SAMPLES, int(np.ceil(_GAP_S * rate)))
        self._open = np.zeros(0, dtype=np.float32)
        self._heights: list[np.ndarray] = []
        self._gaps: list[np.ndarray] = []

    def add(self, y: np.ndarray) -> None:
        """Add the next piece."""
        self.low, self.high = min(self.low, float(y.min())), max(self.high, float(y.max()))
        if len(self._open):
            y = np.concatenate([self._open, y])
        starts, ends = _equal_runs(y)
        # The last run may continue in the next piece.
        last = starts[-1] if len(starts) and ends[-1] == len(y) else len(y) - 1
        tail = y[last:][-self._gap :]
        self._open = np.concatenate([y[max(0, last - 1) : last], tail])
        closed = (ends < len(y)) & (ends - starts >= _FLAT_TOP_SAMPLES)
        starts, ends = starts[closed], ends[closed]
        self._heights.append(y[starts][np.abs(y[starts]) > 0.05])
        starts = starts[(ends - starts >= self._gap) & (starts > 0)]
        jumping = starts[np.abs(y[starts] - y[starts - 1]) > _GAP_JUMP]
        self._gaps.append(y[jumping])

    def finish(self) -> tuple[int, int]:
        """Return the numbers of flat tops and of gaps that begin with a jump."""
        if len(self._open) > _FLAT_TOP_SAMPLES and abs(self._open[-1]) > 0.05:
            self._heights.append(self._open[-1:])
        heights, gaps = np.concatenate(self._heights), np.concatenate(self._gaps)
        return int(self._at_peak(heights).sum()), int((~self._at_peak(gaps)).sum())

    def _at_peak(self, heights: np.ndarray) -> np.ndarray:
        # The two sides are compared separately: clipped 16-bit audio ends at -32768 and 32767.
        tops = (heights >= 0.9999 * self.high) & (self.high > 0.05)
        return tops | ((heights <= 0.9999 * self.low) & (self.low < -0.05))


def _equal_runs(y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the starts and the ends (exclusive) of runs of equal samples."""
    equal = y[1:] == y[:-1]
    # Most music has few equal neighbours, so only their positions are processed.
    positions = np.flatnonzero(equal)
    if not len(positions):
        return positions, positions
    breaks = np.flatnonzero(np.diff(positions) > 1)
    starts = positions[np.r_[0, breaks + 1]]
    return starts, positions[np.r_[breaks, len(positions) - 1]] + 2


def _silent_steps(y: np.ndarray, step: int) -> np.ndarray:
    """Return for each step whether it is silent."""
    steps = y[: len(y) // step * step].reshape(-1, step)
    return np.ptp(steps, axis=1) < 2 * SILENCE


def _longest(flags: np.ndarray) -> int:
    """Return the length of the longest run of true values."""
    edges = np.flatnonzero(np.diff(np.r_[False, flags, False].astype(np.int8)))
    return int((edges[1::2] - edges[::2]).max(initial=0))


def _wav_header(rate: int, channels: int, frames: int) -> bytes:
    """Return the 44 bytes before the samples of a plain 16-bit WAV file."""
    size = 2 * channels * frames
    return struct.pack(
        "<4sI4s4sIHHIIHH4sI", b"RIFF", (36 + size) % 2**32, b"WAVE", b"fmt ", 16, 1, channels,
        rate % 2**32, 2 * channels * rate % 2**32, 2 * channels, 16, b"data", size % 2**32,
    )  # fmt: skip


def _seconds(frames: int, rate: int) -> str:
    return f"{frames / rate:.2f} s"


def _db(amplitude: float) -> float:
    return 20 * float(np.log10(amplitude)) if amplitude > 0 else -np.inf
