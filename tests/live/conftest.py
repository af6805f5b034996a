"""A simulated sound card, for errors that are rare on a real one."""

from __future__ import annotations

import dataclasses
import sys
import threading
import types
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest


class PortAudioError(Exception):
    """Replaces the exception of sounddevice."""


class CallbackStop(Exception):
    """Replaces the exception of sounddevice."""


def device(name: str, channels: int = 1, rate: float = 8_000.0) -> dict[str, Any]:
    return {"name": name, "max_input_channels": channels, "default_samplerate": rate}


@dataclasses.dataclass
class Card:
    """Devices and behaviour of the simulated sound card."""

    sound: np.ndarray
    devices: list[dict[str, Any]] = dataclasses.field(
        default_factory=lambda: [device("Speaker", 0), device("Built-in Mic"), device("USB Mic")]
    )
    default: int | None = 1
    stays_active: bool = False
    overflows: set[int] = dataclasses.field(default_factory=set)
    at_end: Callable[[], None] = lambda: None
    refusal: str = ""
    opened: list[dict[str, Any]] = dataclasses.field(default_factory=list)
    closed: int = 0

    def module(self) -> types.ModuleType:
        """Return a module that replaces sounddevice."""
        card, module = self, types.ModuleType("sounddevice")
        module.PortAudioError, module.CallbackStop = PortAudioError, CallbackStop

        def query_devices(kind=None):
            if kind is None:
                return card.devices
            if card.default is None:
                raise PortAudioError("Error querying device -1")
            return {"index": card.default}

        class InputStream:
            active = False

            def __init__(self, *, callback, samplerate, blocksize, **settings):
                if card.refusal:
                    raise PortAudioError(f"Error: {card.refusal} [PaErrorCode -9997]", -9997)
                self.callback, self.samplerate, self.blocksize = callback, samplerate, blocksize
                self.thread = threading.Thread(target=self.run)
                card.opened.append({"samplerate": samplerate, **settings})

            def start(self):
                self.active = True
                self.thread.start()

            def run(self):
                size = self.blocksize
                try:
                    for number, start in enumerate(range(0, len(card.sound), size)):
                        block = card.sound[start : start + size, None]
                        lost = types.SimpleNamespace(input_overflow=number in card.overflows)
                        self.callback(block, len(block), None, lost)
                except CallbackStop:
                    self.active = False
                    return
                card.at_end()
                self.active = card.stays_active

            def close(self):
                card.closed += 1
                if self.thread.ident:
                    self.thread.join()

        module.query_devices, module.InputStream = query_devices, InputStream
        return module


@pytest.fixture
def card(monkeypatch, rng) -> Card:
    """A card that records three seconds of noise at 8 kHz, and then disconnects."""
    simulated = Card(rng.uniform(-0.5, 0.5, 24_000).astype(np.float32))
    monkeypatch.setitem(sys.modules, "sounddevice", simulated.module())
    return simulated
