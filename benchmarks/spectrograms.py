"""Spectrograms `stft-3s`, from file to disk, against the seed's method: librosa and a PNG each."""

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
        # Music, since noise makes PNG files slow to write.
        corpus = gl.open_corpus(gl.synthetic.compose(folder / "music", artists=1, tracks=2, jobs=2))
        recipe = gl.Recipe.preset("stft-3s")
        # Compiles and loads what is loaded on first use.
        _seed(corpus.tracks["path"].iloc[0], folder / "warm")
        _build(corpus.select(tracks=corpus.tracks.index[:2]), recipe, folder / "warm-store", 2)
        times = {"seed": [], 1: [], 2: []}
        # In turn, so that a machine that slows down slows all.
        for number in range(ROUNDS):
            start = time.perf_counter()
            for path in corpus.tracks["path"]:
                _seed(path, folder / f"png{number}")
            times["seed"].append(time.perf_counter() - start)
            for jobs in (1, 2):
                place = folder / f"store{number}-{jobs}"
                times[jobs].append(_build(corpus, recipe, place, jobs))
        seed, one, two = (statistics.median(times[key]) / len(corpus) for key in times)
        yield "the seed's method, one core", f"{1000 * seed:.0f} ms a clip"
        yield "ours, one thread", f"{1000 * one:.1f} ms a clip"
        yield "ours, two threads", f"{1000 * two:.1f} ms a clip"
        yield "the seed's time by ours, one thread", f"{seed / one:.1f}"
        yield "the seed's time by ours, two threads", f"{seed / two:.1f}"
        yield from _growth(folder, corpus)


def _growth(folder, corpus):
    """Links to the same clips: ten times as many must take ten times as long."""
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
    yield "time a file among 1000 by that among 100", f"{seconds[1000] / seconds[100]:.2f}"


def _build(corpus, recipe, place, jobs):
    start = time.perf_counter()
    gl.SpectrogramStore.build(corpus, recipe, path=place, jobs=jobs, progress=False)
    return time.perf_counter() - start


def _seed(path, folder):
    y, rate = librosa.load(path, sr=None)
    y = librosa.resample(y, orig_sr=rate, target_sr=12_000)
    folder.mkdir(exist_ok=True)
    for number in range(len(y) // 36_000):
        window = y[36_000 * number : 36_000 * (number + 1)]
        hop = math.ceil(36_000 / 512)
        image = librosa.amplitude_to_db(
            np.abs(librosa.stft(window, n_fft=1024, hop_length=hop)), ref=np.max
        )[:512]
        image = image - image.min()
        image = np.pad((image * (255 / image.max())).astype(np.uint8), ((0, 0), (2, 2)))
        Image.fromarray(image).save(folder / f"{Path(path).stem}_win{number}.png")
