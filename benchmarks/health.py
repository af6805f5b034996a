"""Health check of 100 clips of 30 s, and the growth of its search for duplicates.

`python -m benchmarks.health 10000 100000` measures the growth between other numbers
of tracks; a hundred thousand take five to ten minutes.
"""

import multiprocessing
import resource
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import scipy.ndimage
import soundfile

import gtzan_lib as gl
from gtzan_lib.health.confirmation import Images
from gtzan_lib.health.duplicates import find_duplicates

RATE, SECONDS, CLIPS = 22_050, 30, 100
TRACKS = (1_000, 10_000)


def measure():
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        files = _write(folder / "music")
        decoding = _time(lambda: [soundfile.read(file) for file in files])
        # A new workspace has nothing in its cache.
        corpus = gl.open_corpus(folder / "music", work=gl.Workspace(root=folder / "work"))
        check = _time(lambda: gl.check_health(corpus, jobs=2, progress=False))
        cached = _time(lambda: gl.check_health(corpus, jobs=2, progress=False))
    yield "check, two threads", f"{1000 * check / CLIPS:.0f} ms per clip"
    yield "check divided by plain decoding in one thread", f"{check / decoding:.1f}"
    yield "second check divided by the first", f"{cached / check:.2f}"
    yield from _growth(*TRACKS)


def _growth(few, many):
    """Measure time and peak memory of two searches, each in a process of its own."""
    small, large = (_in_process(count) for count in (few, many))
    yield f"search among {few:,} tracks", f"{small['wall']:.1f} s"
    yield f"search among {many:,} tracks", f"{large['wall']:.1f} s"
    for clock in ("wall", "processor"):
        name = f"{many:,} tracks divided by {few:,}, {clock} time"
        yield name, f"{large[clock] / small[clock]:.1f}"
    yield f"peak memory of the process, {few:,} tracks", f"{small['gigabytes']:.2f} GB"
    yield f"peak memory of the process, {many:,} tracks", f"{large['gigabytes']:.2f} GB"


def _in_process(count):
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(_search, (count,))


def _search(count):
    """Search among the envelopes, which are their own images."""
    envelopes = _envelopes(count)
    wall, processor = time.perf_counter(), time.process_time()
    find_duplicates(envelopes, Images(envelopes), progress=False)
    wall, processor = time.perf_counter() - wall, time.process_time() - processor
    # Kilobytes on Linux, bytes on macOS.
    unit = 1 if sys.platform == "darwin" else 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
    return {"wall": wall, "processor": processor, "gigabytes": peak / 1e9}


def _write(folder):
    """Write noise with a changing level, ten genres of ten clips."""
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
    """Return envelopes with a beat and smooth noise; every fiftieth is a shifted duplicate."""
    rng = np.random.default_rng(0)
    envelopes = []
    for number in range(count):
        if number % 50 == 49:
            envelopes.append(np.roll(envelopes[-20], 7, axis=1))
            continue
        beat = np.sin(2 * np.pi * np.arange(387) / rng.uniform(5, 9) + rng.uniform(0, 6, (32, 1)))
        noise = scipy.ndimage.gaussian_filter1d(rng.standard_normal((32, 387)), 1, axis=1)
        level = 150 + (beat > 0.7) * rng.uniform(0, 60, (32, 1)) + 30 * noise
        envelopes.append(level.clip(0, 255).astype(np.uint8))
    return envelopes


def _time(function):
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


if __name__ == "__main__":
    for name, value in _growth(*map(int, sys.argv[1:])):
        print(f"{name:<60}{value}")
