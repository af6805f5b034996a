"""The 57 features: ours against librosa's own calls, and a corpus on all cores."""

import os
import statistics
import time

import numpy as np

from gtzan_lib.data import audio
from gtzan_lib.data.corpus import open_corpus
from gtzan_lib.data.windows import windows
from gtzan_lib.signal import descriptors, reference
from gtzan_lib.signal.features import features

REPEATS = 5


def measure():
    music = open_corpus()
    paths = music.tracks.groupby("genre")["path"].first().iloc[:REPEATS]
    clips = [audio.load(path, sample_rate=descriptors.SAMPLE_RATE)[0] for path in paths]
    for name, cut in (("30 s", slice(None)), ("3 s", slice(0, 66_149))):
        ratios, ours = [], []
        reference.describe(clips[0][cut])
        # In turn, so that a machine that slows down slows both.
        for y in clips:
            seconds = _time(descriptors.describe, y[cut])
            ratios.append(_time(reference.describe, y[cut]) / seconds)
            ours.append(seconds)
        yield f"ours, {name}", f"{1000 * statistics.median(ours):.0f} ms"
        yield f"librosa's time by ours, {name}", f"{statistics.median(ratios):.1f}"
    seconds = {}
    for jobs in (1, os.cpu_count() or 1):
        # Other windows each time, which are nowhere kept; one sample more or less.
        length = 3 + (jobs + os.getpid() % 997) / descriptors.SAMPLE_RATE
        start = time.perf_counter()
        features(music, length, jobs=jobs, progress=False)
        seconds[jobs] = time.perf_counter() - start
        yield f"{len(windows(music, length))} windows, {jobs} processes", f"{seconds[jobs]:.1f} s"


def _time(function, y: np.ndarray) -> float:
    start = time.perf_counter()
    function(y)
    return time.perf_counter() - start
