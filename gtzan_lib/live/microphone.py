"""Hearing what a microphone hears, block by block or a whole recording.

PortAudio does the work, through sounddevice. Neither is loaded before a device
is asked for, so that all else works on machines that have no sound.
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
from .meter import bar, levels, screen

__all__ = ["Device", "Microphone", "Recording", "devices", "record"]

_FILES = "files still work without it: gtzan predict FILE"
# A device that says nothing for so long is gone; headphones need a while to begin.
_PATIENCE_S = 2.0
_FIRST_PATIENCE_S = 5.0
_GLANCE_S = 0.1
# What may wait to be heard, where nobody said how long a recording will be:
# a programme that is slower than its microphone must not fill the memory.
_WAITING_S = 60.0


class Device(NamedTuple):
    """A device that sound comes in from.

    Attributes
    ----------
    name : str
        As the system calls it.
    index : int
        Its number in PortAudio's list.
    channels : int
        How many channels it has; the first is heard.
    sample_rate : int
        The device's own rate in Hz.
    """

    name: str
    index: int
    channels: int
    sample_rate: int


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Recording:
    """Sound from a microphone: some quiet, in which its noise is heard, then music.

    Attributes
    ----------
    y : np.ndarray [shape=(n,), dtype=float32]
        All that was heard, mono, full scale at 1.
    sample_rate : int
        In Hz.
    device : str
        What it was heard with.
    lead_s : float
        Length of the quiet at the beginning, in seconds.
    overflows : int
        How often the device or the system lost samples.
    complete : bool
        False where the device vanished or Ctrl-C was pressed before the end.
    """

    y: np.ndarray
    sample_rate: int
    device: str
    lead_s: float = 0.0
    overflows: int = 0
    complete: bool = True

    @property
    def noise(self) -> np.ndarray:
        """The samples of the quiet at the beginning: the noise of room and device."""
        return self.y[: self._lead]

    @property
    def music(self) -> np.ndarray:
        """The samples behind it."""
        return self.y[self._lead :]

    @property
    def duration_s(self) -> float:
        """Length in seconds, with the quiet."""
        return len(self.y) / self.sample_rate

    @property
    def _lead(self) -> int:
        return round(self.lead_s * self.sample_rate)


class Microphone:
    """An open input device; iterating it starts it and gives what it hears.

    It is a context manager, which closes the device. Its rate is known before
    the first block is heard.

    Parameters
    ----------
    device : int or str, optional
        Number of an input device, its name or a part of it. Default: the system's.
    sample_rate : int, optional
        In Hz. Default: the device's own.
    seconds : float, optional
        Stop after so much. Default: go on until the loop is left.
    block_s : float
        Length of a block in seconds.

    Attributes
    ----------
    device : str
        Name of the device.
    sample_rate : int
        In Hz.
    overflows : int
        How often samples were lost so far.

    Raises
    ------
    LiveError
        If PortAudio or sounddevice is missing, there is no such device, or it
        cannot be opened; when iterated, if the device vanishes: after all that
        it delivered was given, so that whoever kept the blocks has them.

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
        self._heard = self._given = self._told = 0
        self._started = False
        self._queue: queue.SimpleQueue[np.ndarray] = queue.SimpleQueue()
        self._stop: type[Exception] = sounddevice.CallbackStop
        self._fault: type[Exception] = sounddevice.PortAudioError
        try:
            self._stream = sounddevice.InputStream(
                device=chosen.index,
                samplerate=rate,
                channels=1,
                dtype="float32",
                blocksize=max(1, round(block_s * rate)),
                callback=self._take,
            )
        except (self._fault, ValueError, TypeError) as error:
            raise LiveError(
                f"{chosen.name}: cannot be opened at {rate} Hz ({_reason(error)}); close what else "
                "uses it, leave the sample rate to the device, or name another of "
                f"gtzan record --devices; {_FILES}."
            ) from error
        self.sample_rate = round(self._stream.samplerate)
        self._length = None if seconds is None else max(1, round(seconds * self.sample_rate))
        self._most = round(max(_WAITING_S, seconds or 0) / block_s) + 1

    def __enter__(self) -> Microphone:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __iter__(self) -> Iterator[np.ndarray]:
        self._start()
        patience, since = _FIRST_PATIENCE_S, time.monotonic()
        while self._length is None or self._given < self._length:
            try:
                block = self._queue.get(timeout=_GLANCE_S)
            except queue.Empty:
                gone = not self._is_active() or time.monotonic() - since > patience
                # A block may have come while the stream was asked.
                if gone and self._queue.empty():
                    raise self._vanished("it delivers nothing any more") from None
                continue
            if self._length is not None:
                block = block[: self._length - self._given]
            self._given += len(block)
            yield block
            # What the caller does with a block takes time, too.
            patience, since = _PATIENCE_S, time.monotonic()

    def close(self) -> None:
        """Close the device.

        Warns
        -----
        GtzanWarning
            If samples were lost.
        """
        # One that vanished may refuse to be closed.
        with suppress(self._fault):
            self._stream.close()
        if self.overflows > self._told:
            self._told = self.overflows
            warnings.warn(
                f"{self.device}: samples were lost {self.overflows} times, since the computer was "
                "too busy; close other programmes and record again.",
                GtzanWarning,
                stacklevel=3,
            )

    def _take(self, samples: np.ndarray, frames: int, when: Any, status: Any) -> None:
        """Queue a block; PortAudio's thread must not be kept with more than that."""
        if status.input_overflow:
            self.overflows += 1
        if self._queue.qsize() < self._most:
            self._queue.put(samples[:, 0].copy())
        else:
            self.overflows += 1
        self._heard += frames
        if self._length is not None and self._heard >= self._length:
            raise self._stop

    def _start(self) -> None:
        if self._started:
            return
        try:
            self._stream.start()
        except self._fault as error:
            raise self._vanished(_reason(error)) from error
        self._started = True

    def _is_active(self) -> bool:
        try:
            return self._stream.active
        except self._fault:
            return False

    def _vanished(self, reason: str) -> LiveError:
        return LiveError(
            f"{self.device}: is gone after {self._given / self.sample_rate:.1f} s ({reason}); "
            f"connect it again and start anew; {_FILES}."
        )


def devices() -> list[Device]:
    """List the devices that sound comes in from.

    Returns
    -------
    list of Device
        At least one, in PortAudio's order. What was connected after Python was
        started is not among them.

    Raises
    ------
    LiveError
        If PortAudio or sounddevice is missing, or there is no such device.
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
    """Record some quiet and then music, after a countdown.

    On a terminal a line counts down, says when to keep quiet and when to play,
    and shows how loud it is.

    Parameters
    ----------
    seconds : float
        Length of the music.
    lead_s : float
        Length of the quiet before it, in which the noise of room and device is
        heard. Zero leaves it out.
    countdown_s : int
        Whole seconds to wait, with the device open, before it listens.
    device : int or str, optional
        Number of an input device, its name or a part of it. Default: the system's.
    show : bool
        False shows nothing; nothing is shown, either, where standard error is no
        terminal.

    Returns
    -------
    Recording
        `lead_s + seconds` long, at the device's own rate; shorter, and not
        `complete`, where the device vanished or Ctrl-C was pressed.

    Raises
    ------
    LiveError
        If a length makes no sense, the device cannot be opened, or it vanishes
        before anything was heard.

    Warns
    -----
    GtzanWarning
        If the recording broke off, lost samples, or holds nothing but zeros.
    """
    if not 0 < seconds < math.inf:
        raise LiveError(f"seconds={seconds}: must be a number of seconds above zero.")
    for name, value in {"lead_s": lead_s, "countdown_s": countdown_s}.items():
        if not 0 <= value < math.inf:
            raise LiveError(f"{name}={value}: must be a number of seconds, or zero.")
    heard: list[np.ndarray] = []
    stopped = ""
    microphone = Microphone(device, seconds=lead_s + seconds)
    rate = microphone.sample_rate
    with microphone, screen(show=show) as say:
        for left in range(countdown_s, 0, -1):
            say(f"recording begins in {left} s")
            time.sleep(1)
        try:
            done = 0
            say("keep quiet" if lead_s else "play")
            for block in microphone:
                heard.append(block)
                done += len(block)
                say(_line(done / rate, lead_s, seconds, block))
        except (KeyboardInterrupt, LiveError) as error:
            # With nothing heard there is nothing to keep.
            if not heard:
                raise
            stopped = str(error) or "it was stopped by Ctrl-C."
        overflows = microphone.overflows
    y = np.concatenate(heard)
    _warn_of(y, rate, microphone.device, stopped)
    return Recording(
        y=y,
        sample_rate=rate,
        device=microphone.device,
        lead_s=float(lead_s),
        overflows=overflows,
        complete=not stopped,
    )


def _line(done_s: float, lead_s: float, seconds: float, block: np.ndarray) -> str:
    """Say what the player is to do, and how loud it is."""
    word, end_s = ("keep quiet", lead_s) if done_s < lead_s else ("play", lead_s + seconds)
    return f"{word:10} {end_s - done_s:5.1f} s  {bar(block)}"


def _warn_of(y: np.ndarray, rate: int, device: str, stopped: str) -> None:
    """Tell what is wrong with a recording that can be used all the same."""
    if stopped:
        kept = f"the {len(y) / rate:.1f} s that were heard are kept: {stopped}"
        warnings.warn(kept, GtzanWarning, stacklevel=3)
    if math.isinf(levels(y).peak_db):
        # So systems answer where a programme may not listen.
        warnings.warn(
            f"{device}: delivers nothing but zeros; unmute it, or allow this programme to use it.",
            GtzanWarning,
            stacklevel=3,
        )


def _sounddevice() -> ModuleType:
    """Load sounddevice, and PortAudio with it."""
    try:
        import sounddevice
    except ImportError as error:
        raise LiveError(
            f"the package {error.name or 'sounddevice'} is not installed, which hears the "
            f"microphone; say: python -m pip install sounddevice; {_FILES}."
        ) from error
    # Where PortAudio does not start, sounddevice raises an error of its own, which
    # cannot be named as long as sounddevice cannot be loaded.
    except Exception as error:
        raise LiveError(
            f"PortAudio, which hears the microphone, cannot be used ({_reason(error)}); install it "
            "with 'sudo apt install libportaudio2' on Debian and Ubuntu or 'conda install "
            "portaudio' with Conda, or, on macOS and Windows, where its wheel brings it, "
            f"'python -m pip install --force-reinstall sounddevice'; {_FILES}."
        ) from error
    return sounddevice


def _inputs(sounddevice: ModuleType) -> list[Device]:
    """List the input devices, of which there must be one."""
    try:
        found = [
            Device(
                name=each["name"],
                index=index,
                channels=each["max_input_channels"],
                sample_rate=round(each["default_samplerate"]),
            )
            for index, each in enumerate(sounddevice.query_devices())
            if each["max_input_channels"] > 0
        ]
    except sounddevice.PortAudioError as error:
        raise LiveError(
            f"the sound devices cannot be listed ({_reason(error)}); see whether the system's "
            f"sound works; {_FILES}."
        ) from error
    if not found:
        raise LiveError(
            f"no input device was found; connect a microphone and start Python anew; {_FILES}."
        )
    return found


def _choose(sounddevice: ModuleType, wanted: int | str | None) -> Device:
    """Find a device by its number, by its name, or by a part that no other has."""
    found = _inputs(sounddevice)
    if wanted is None:
        try:
            default = sounddevice.query_devices(kind="input")["index"]
        except (sounddevice.PortAudioError, ValueError):
            # Some systems have devices and none that is the first choice.
            return found[0]
        return next((device for device in found if device.index == default), found[0])
    if isinstance(wanted, str):
        name = wanted.casefold()
        fitting = [device for device in found if device.name.casefold() == name]
        fitting = fitting or [device for device in found if name in device.name.casefold()]
    else:
        fitting = [device for device in found if device.index == wanted]
    # On Windows one microphone has several entries, all of one name.
    if len({device.name for device in fitting}) == 1:
        return fitting[0]
    known = ", ".join(f"{device.index} {device.name!r}" for device in fitting or found)
    trouble = f"fits several ({known})" if fitting else f"is none of the input devices ({known})"
    raise LiveError(f"device {wanted!r} {trouble}; name one of them by its number; {_FILES}.")


def _reason(error: Exception) -> str:
    """Return what PortAudio says, without its codes."""
    text = error.args[0] if error.args and isinstance(error.args[0], str) else str(error)
    return text.split(" [PaErrorCode")[0].strip().rstrip(".")
