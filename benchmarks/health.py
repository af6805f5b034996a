"""Health check of 100 clips of 30 s, and how its search for duplicates grows."""

import os
import tempfile
import time
from pathlib import Path
from unittest import mock

import numpy as np
import scipy.ndimage
import soundfile

import gtzan_lib as gl
from gtzan_lib.health.duplicates import find_duplicates

RATE, SECONDS, CLIPS = 22_050, 30, 100


def measure():
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        files = _write(folder / "music")
        decoding = _time(lambda: [soundfile.read(file) for file in files])
        # A work folder of its own, so that nothing is known beforehand.
        with mock.patch.dict(os.environ, {"GTZAN_WORK": name}):
            check = _time(lambda: gl.check_health(folder / "music", jobs=2, progress=False))
            again = _time(lambda: gl.check_health(folder / "music", jobs=2, progress=False))
    yield "check, two threads", f"{1000 * check / CLIPS:.0f} ms a clip"
    yield "check by plain decoding, one thread", f"{check / decoding:.1f}"
    yield "second check by first", f"{again / check:.2f}"
    few, many = _envelopes(1000), _envelopes(10_000)
    small = min(_time(lambda: find_duplicates(few, progress=False)) for _ in range(3))
    yield "search among 1,000 tracks", f"{small:.1f} s"
    large = _time(lambda: find_duplicates(many, progress=False))
    yield "search among 10,000 tracks by that among 1,000", f"{large / small:.1f}"


def _write(folder):
    """Write noise that rises and falls, ten genres of ten clips."""
    rng = np.random.default_rng(0)
    files = []
    for number in range(CLIPS):
        genre = f"genre{number % 10}"
        level = np.repeat(rng.uniform(0.01, 0.5, 300), RATE * SECONDS // 300)
        (folder / genre).mkdir(parents=True, exist_ok=True)
        files.append(folder / genre / f"{number}.wav")
        soundfile.write(files[-1], level * rng.uniform(-1, 1, len(level)), RATE)
    return files


def _envelopes(count):
    """Make envelopes with a beat and smooth noise, every fiftieth a shifted copy."""
    rng = np.random.default_rng(0)
    made = []
    for number in range(count):
        if number % 50 == 49:
            made.append(np.roll(made[-20], 7, axis=1))
            continue
        beat = np.sin(2 * np.pi * np.arange(387) / rng.uniform(5, 9) + rng.uniform(0, 6, (32, 1)))
        noise = scipy.ndimage.gaussian_filter1d(rng.standard_normal((32, 387)), 1, axis=1)
        level = 150 + (beat > 0.7) * rng.uniform(0, 60, (32, 1)) + 30 * noise
        made.append(level.clip(0, 255).astype(np.uint8))
    return made


def _time(function):
    start = time.perf_counter()
    function()
    return time.perf_counter() - start
