"""Spectrograms of one 30 s track at full size, against librosa window by window."""

import statistics
import time

import librosa
import numpy as np

import gtzan_lib as gl
from gtzan_lib.signal.spectrograms import spectrograms

REPEATS = 7


def measure():
    recipe = gl.Recipe.preset("stft-3s")
    y = np.random.default_rng(0).standard_normal(30 * recipe.sample_rate).astype(np.float32)
    starts = np.arange(10) * recipe.step
    ratios, ours = [], []
    # In turn, so that a machine that slows down slows both.
    for repeat in range(REPEATS + 1):
        seconds = _time(spectrograms, y, recipe, starts)
        reference = _time(_librosa, y, recipe, starts)
        if repeat:
            ours.append(seconds)
            ratios.append(reference / seconds)
    yield "ours", f"{1000 * statistics.median(ours):.0f} ms a track"
    yield "librosa's time by ours", f"{statistics.median(ratios):.1f}"


def _time(function, *arguments):
    start = time.perf_counter()
    function(*arguments)
    return time.perf_counter() - start


def _librosa(y, recipe, starts):
    for start in starts:
        first = int(start * recipe.sample_rate)
        window = y[first : first + recipe.samples]
        magnitude = np.abs(librosa.stft(window, n_fft=recipe.n_fft, hop_length=recipe.hop))
        image = librosa.amplitude_to_db(magnitude, ref=np.max)[: recipe.n_fft // 2]
        image = image - image.min()
        (image * (255 / image.max())).astype(np.uint8)
