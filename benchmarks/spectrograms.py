"""Spectrograms `stft-3s`, and the original project's method: librosa and one PNG file each."""

import math
import statistics
import tempfile
import time
from pathlib import Path

import librosa
import numpy as np
from PIL import Image

import gtzan_lib as gl

ROUNDS = 3


def measure():
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        # Music, since PNG files of noise are slow to write.
        corpus = gl.open_corpus(gl.synthetic.compose(folder / "music", artists=1, tracks=2, jobs=2))
        recipe = gl.Recipe.preset("stft-3s")
        # The first calls compile and load.
        _original(corpus.tracks["path"].iloc[0], folder / "warm")
        _build(corpus.select(tracks=corpus.tracks.index[:2]), recipe, folder / "warm-store", 2)
        times = {"original": [], 1: [], 2: []}
        # Alternating, so that a slow machine slows all.
        for number in range(ROUNDS):
            start = time.perf_counter()
            for path in corpus.tracks["path"]:
                _original(path, folder / f"png{number}")
            times["original"].append(time.perf_counter() - start)
            for jobs in (1, 2):
                place = folder / f"store{number}-{jobs}"
                times[jobs].append(_build(corpus, recipe, place, jobs))
        original, one, two = (statistics.median(times[key]) / len(corpus) for key in times)
        yield "the original project's method, one core", f"{1000 * original:.0f} ms per clip"
        yield "ours, one thread", f"{1000 * one:.1f} ms per clip"
        yield "ours, two threads", f"{1000 * two:.1f} ms per clip"
        yield "the original's time divided by ours, one thread", f"{original / one:.1f}"
        yield "the original's time divided by ours, two threads", f"{original / two:.1f}"
        yield from _growth(folder, corpus)


def _growth(folder, corpus):
    """Measure the time per file of 100 and of 1000 links to the same clips."""
    small = gl.Recipe.preset("stft-3s", size=16)
    seconds = {}
    for count in (100, 1000):
        place = folder / f"links{count}" / "blues"
        place.mkdir(parents=True)
        for number in range(count):
            source = corpus.tracks["path"].iloc[number % len(corpus)]
            (place / f"{number:05d}.wav").symlink_to(source)
        linked = gl.open_corpus(place.parent)
        seconds[count] = _build(linked, small, folder / f"store-of-{count}", 2) / count
    yield "time per file of 1000 divided by that of 100", f"{seconds[1000] / seconds[100]:.2f}"


def _build(corpus, recipe, place, jobs):
    start = time.perf_counter()
    gl.SpectrogramStore.build(corpus, recipe, path=place, jobs=jobs, progress=False)
    return time.perf_counter() - start


def _original(path, folder):
    y, rate = librosa.load(path, sr=None)
    y = librosa.resample(y, orig_sr=rate, target_sr=12_000)
    folder.mkdir(exist_ok=True)
    for number in range(len(y) // 36_000):
        window = y[36_000 * number : 36_000 * (number + 1)]
        hop_length = math.ceil(36_000 / 512)
        image = librosa.amplitude_to_db(
            np.abs(librosa.stft(window, n_fft=1024, hop_length=hop_length)), ref=np.max
        )[:512]
        image = image - image.min()
        image = np.pad((image * (255 / image.max())).astype(np.uint8), ((0, 0), (2, 2)))
        Image.fromarray(image).save(folder / f"{Path(path).stem}_win{number}.png")
