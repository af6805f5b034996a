"""Recording from a microphone, as a stream of blocks or as a whole.

The package sounddevice and the library PortAudio are loaded on first use of a
device, so that everything else works on machines without audio.
"""

from __future__ import annotations

import dataclasses
import math
import queue
import time
import warnings
from collections.abc import Iterator
from contextlib import suppress
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np

from ..errors import GtzanWarning, LiveError
from .meter import level_bar, levels, status_line

__all__ = ["Device", "Microphone", "Recording", "devices", "record"]

_FILES = "files still work without it: gtzan predict FILE"
# A device that delivers no block for this long has disconnected; headphones start slowly.
_TIMEOUT_S = 2.0
_FIRST_TIMEOUT_S = 5.0
_POLL_S = 0.1
# Maximum length of the queue if `seconds` is not given, since a program that is slower
# than its microphone must not fill the memory.
_MAX_QUEUE_S = 60.0


class Device(NamedTuple):
    """An input device.

    Attributes
    ----------
    name : str
        Name in the system.
    number : int
        Number in PortAudio's list.
    channels : int
        Number of channels; the first is recorded.
    sample_rate : int
        Default sample rate in Hz.
    """

    name: str
    number: int
    channels: int
    sample_rate: int


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Recording:
    """Sound from a microphone: a lead of noise alone, then music.

    Attributes
    ----------
    y : np.ndarray [shape=(n,), dtype=float32]
        All samples, mono, full scale at 1.
    sample_rate : int
        In Hz.
    device : str
        Name of the device.
    lead_s : float
        Length of the lead in seconds.
    overflows : int
        How often the device or the system lost samples.
    complete : bool
        False if the device disconnected or Ctrl-C was pressed before the end.
    """

    y: np.ndarray
    sample_rate: int
    device: str
    lead_s: float = 0.0
    overflows: int = 0
    complete: bool = True

    @property
    def noise(self) -> np.ndarray:
        """The samples of the lead: the noise of room and device."""
        return self.y[: self._lead_samples]

    @property
    def music(self) -> np.ndarray:
        """The samples after the lead."""
        return self.y[self._lead_samples :]

    @property
    def duration_s(self) -> float:
        """Length in seconds, including the lead."""
        return len(self.y) / self.sample_rate

    @property
    def _lead_samples(self) -> int:
        return round(self.lead_s * self.sample_rate)


class Microphone:
    """An open input device; iterating starts it and gives blocks of samples.

    It is a context manager that closes the device. Its sample rate is known before
    the first block.

    Parameters
    ----------
    device : int or str, optional
        Number of an input device, its name or a part of it. Default: the system's
        default device.
    sample_rate : int, optional
        In Hz. Default: that of the device.
    seconds : float, optional
        Length of the stream. Default: until iteration stops.
    block_s : float
        Length of a block in seconds.

    Attributes
    ----------
    device : str
        Name of the device.
    sample_rate : int
        In Hz.
    overflows : int
        How often samples have been lost.

    Raises
    ------
    LiveError
        If PortAudio or sounddevice is missing, there is no such device, or it
        cannot be opened. While iterating, if the device disconnects; all blocks
        that it delivered are given first.

    Examples
    --------
    >>> with Microphone(seconds=3) as microphone:  # doctest: +SKIP
    ...     y = np.concatenate(list(microphone))
    """

    def __init__(
        self,
        device: int | str | None = None,
        *,
        sample_rate: int | None = None,
        seconds: float | None = None,
        block_s: float = 0.1,
    ) -> None:
        for name, value in {"seconds": seconds, "block_s": block_s}.items():
            if value is not None and not 0 < value < math.inf:
                raise LiveError(f"{name}={value}: must be a number of seconds above zero.")
        sounddevice = _sounddevice()
        chosen = _choose(sounddevice, device)
        rate = chosen.sample_rate if sample_rate is None else sample_rate
        self.device = chosen.name
        self.overflows = 0
        self._received = self._given = self._warned = 0
        self._started = False
        self._queue: queue.SimpleQueue[np.ndarray] = queue.SimpleQueue()
        self._stop: type[Exception] = sounddevice.CallbackStop
        self._fault: type[Exception] = sounddevice.PortAudioError
        try:
            self._stream = sounddevice.InputStream(
                device=chosen.number,
                samplerate=rate,
                channels=1,
                dtype="float32",
                blocksize=max(1, round(block_s * rate)),
                callback=self._take,
            )
        except (self._fault, ValueError, TypeError) as error:
            raise LiveError(
                f"{chosen.name}: cannot be opened at {rate} Hz ({_reason(error)}); close other "
                "programs that use it, leave out the sample rate, or choose another device of "
                f"gtzan record --devices; {_FILES}."
            ) from error
        self.sample_rate = round(self._stream.samplerate)
        self._length = None if seconds is None else max(1, round(seconds * self.sample_rate))
        self._max_blocks = round(max(_MAX_QUEUE_S, seconds or 0) / block_s) + 1

    def __enter__(self) -> Microphone:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __iter__(self) -> Iterator[np.ndarray]:
        self._start()
        timeout, since = _FIRST_TIMEOUT_S, time.monotonic()
        while self._length is None or self._given < self._length:
            try:
                block = self._queue.get(timeout=_POLL_S)
            except queue.Empty:
                stopped = not self._is_active() or time.monotonic() - since > timeout
                # A block may have arrived since the queue was empty.
                if stopped and self._queue.empty():
                    raise self._disconnected("it delivers no samples") from None
                continue
            if self._length is not None:
                block = block[: self._length - self._given]
            self._given += len(block)
            yield block
            # The caller's work between blocks does not count.
            timeout, since = _TIMEOUT_S, time.monotonic()

    def close(self) -> None:
        """Close the device.

        Warns
        -----
        GtzanWarning
            If samples were lost.
        """
        # Closing a disconnected device may fail.
        with suppress(self._fault):
            self._stream.close()
        if self.overflows > self._warned:
            self._warned = self.overflows
            warnings.warn(
                f"{self.device}: samples were lost {self.overflows} times, since the computer was "
                "too busy; close other programs and record again.",
                GtzanWarning,
                stacklevel=3,
            )

    def _take(self, samples: np.ndarray, frames: int, when: Any, status: Any) -> None:
        """Queue a block; the callback in PortAudio's thread must be short."""
        if status.input_overflow:
            self.overflows += 1
        if self._queue.qsize() < self._max_blocks:
            self._queue.put(samples[:, 0].copy())
        else:
            self.overflows += 1
        self._received += frames
        if self._length is not None and self._received >= self._length:
            raise self._stop

    def _start(self) -> None:
        if self._started:
            return
        try:
            self._stream.start()
        except self._fault as error:
            raise self._disconnected(_reason(error)) from error
        self._started = True

    def _is_active(self) -> bool:
        try:
            return self._stream.active
        except self._fault:
            return False

    def _disconnected(self, reason: str) -> LiveError:
        return LiveError(
            f"{self.device}: disconnected after {self._given / self.sample_rate:.1f} s ({reason}); "
            f"connect it and start again; {_FILES}."
        )


def devices() -> list[Device]:
    """List the input devices.

    Returns
    -------
    list of Device
        At least one, in PortAudio's order. Devices that were connected after the
        start of Python are not listed.

    Raises
    ------
    LiveError
        If PortAudio or sounddevice is missing, or there is no input device.
    """
    return _inputs(_sounddevice())


def record(
    seconds: float = 10.0,
    *,
    lead_s: float = 1.0,
    countdown_s: int = 3,
    device: int | str | None = None,
    show: bool = True,
) -> Recording:
    """Record a lead of noise alone and then music, after a countdown.

    On a terminal a line counts down, says when to keep quiet and when to play,
    and shows the level.

    Parameters
    ----------
    seconds : float
        Length of the music.
    lead_s : float
        Length of the lead before the music, which records the noise of room and
        device. Zero records no lead.
    countdown_s : int
        Whole seconds to wait, with the device open, before recording.
    device : int or str, optional
        Number of an input device, its name or a part of it. Default: the system's
        default device.
    show : bool
        False shows nothing. Nothing is shown, either, if standard error is not a
        terminal.

    Returns
    -------
    Recording
        `lead_s + seconds` long, at the default rate of the device; shorter, and
        not `complete`, if the device disconnected or Ctrl-C was pressed.

    Raises
    ------
    LiveError
        If a length is impossible, the device cannot be opened, or it disconnects
        before the first samples.

    Warns
    -----
    GtzanWarning
        If the recording is incomplete, lost samples, or consists of zeros.
    """
    if not 0 < seconds < math.inf:
        raise LiveError(f"seconds={seconds}: must be a number of seconds above zero.")
    for name, value in {"lead_s": lead_s, "countdown_s": countdown_s}.items():
        if not 0 <= value < math.inf:
            raise LiveError(f"{name}={value}: must be a number of seconds, or zero.")
    blocks: list[np.ndarray] = []
    stop_reason = ""
    microphone = Microphone(device, seconds=lead_s + seconds)
    rate = microphone.sample_rate
    with microphone, status_line(show=show) as show_line:
        for left in range(countdown_s, 0, -1):
            show_line(f"recording begins in {left} s")
            time.sleep(1)
        try:
            done = 0
            show_line("keep quiet" if lead_s else "play")
            for block in microphone:
                blocks.append(block)
                done += len(block)
                show_line(_line(done / rate, lead_s, seconds, block))
        except (KeyboardInterrupt, LiveError) as error:
            if not blocks:
                raise
            stop_reason = str(error) or "it was stopped by Ctrl-C."
        overflows = microphone.overflows
    y = np.concatenate(blocks)
    _warn(y, rate, microphone.device, stop_reason)
    return Recording(
        y=y,
        sample_rate=rate,
        device=microphone.device,
        lead_s=float(lead_s),
        overflows=overflows,
        complete=not stop_reason,
    )


def _line(done_s: float, lead_s: float, seconds: float, block: np.ndarray) -> str:
    """Return the line on the terminal: what to do, the seconds left, and the level."""
    word, end_s = ("keep quiet", lead_s) if done_s < lead_s else ("play", lead_s + seconds)
    return f"{word:10} {end_s - done_s:5.1f} s  {level_bar(block)}"


def _warn(y: np.ndarray, rate: int, device: str, stop_reason: str) -> None:
    """Warn of faults of a recording that can still be used."""
    if stop_reason:
        message = f"the recording has only {len(y) / rate:.1f} s: {stop_reason}"
        warnings.warn(message, GtzanWarning, stacklevel=3)
    if math.isinf(levels(y).peak_db):
        # Systems deliver zeros to programs that are not allowed to record.
        warnings.warn(
            f"{device}: delivers only zeros; unmute it, or allow this program to use it.",
            GtzanWarning,
            stacklevel=3,
        )


def _sounddevice() -> ModuleType:
    """Load sounddevice, and PortAudio with it."""
    try:
        import sounddevice
    except ImportError as error:
        raise LiveError(
            f"the package {error.name or 'sounddevice'}, which records from the microphone, is "
            f"not installed; run python -m pip install sounddevice; {_FILES}."
        ) from error
    # If PortAudio does not start, sounddevice raises an error class of its own, which cannot
    # be imported.
    except Exception as error:
        raise LiveError(
            f"PortAudio, which records from the microphone, cannot be used ({_reason(error)}); "
            "install it with 'sudo apt install libportaudio2' on Debian and Ubuntu, 'conda install "
            "portaudio' with Conda, or 'python -m pip install --force-reinstall sounddevice' on "
            f"macOS and Windows, where the wheel contains it; {_FILES}."
        ) from error
    return sounddevice


def _inputs(sounddevice: ModuleType) -> list[Device]:
    """List the input devices; there must be at least one."""
    try:
        inputs = [
            Device(
                name=device["name"],
                number=number,
                channels=device["max_input_channels"],
                sample_rate=round(device["default_samplerate"]),
            )
            for number, device in enumerate(sounddevice.query_devices())
            if device["max_input_channels"] > 0
        ]
    except sounddevice.PortAudioError as error:
        raise LiveError(
            f"the audio devices cannot be listed ({_reason(error)}); check the audio settings of "
            f"the system; {_FILES}."
        ) from error
    if not inputs:
        raise LiveError(
            f"no input device was found; connect a microphone and restart Python; {_FILES}."
        )
    return inputs


def _choose(sounddevice: ModuleType, wanted: int | str | None) -> Device:
    """Return a device by its number, its name, or a unique part of its name."""
    inputs = _inputs(sounddevice)
    if wanted is None:
        try:
            default = sounddevice.query_devices(kind="input")["index"]
        except (sounddevice.PortAudioError, ValueError):
            # Some systems have devices, but no default.
            return inputs[0]
        return next((device for device in inputs if device.number == default), inputs[0])
    if isinstance(wanted, str):
        name = wanted.casefold()
        matches = [device for device in inputs if device.name.casefold() == name]
        matches = matches or [device for device in inputs if name in device.name.casefold()]
    else:
        matches = [device for device in inputs if device.number == wanted]
    # On Windows a microphone has several entries with the same name.
    if len({device.name for device in matches}) == 1:
        return matches[0]
    names = ", ".join(f"{device.number} {device.name!r}" for device in matches or inputs)
    problem = f"matches several ({names})" if matches else f"is none of the input devices ({names})"
    raise LiveError(f"device {wanted!r} {problem}; choose one by its number; {_FILES}.")


def _reason(error: Exception) -> str:
    """Return the message of PortAudio without its error code."""
    text = error.args[0] if error.args and isinstance(error.args[0], str) else str(error)
    return text.split(" [PaErrorCode")[0].strip().rstrip(".")
