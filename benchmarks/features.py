"""The 57 features: ours and librosa's functions, and a corpus on all cores."""

import dataclasses
import os
import statistics
import tempfile
import time

from gtzan_lib.data import audio
from gtzan_lib.data.opening import open_corpus
from gtzan_lib.data.windows import window_table
from gtzan_lib.data.workspace import Workspace
from gtzan_lib.signal import fast_features, librosa_features
from gtzan_lib.signal.features import features

REPEATS = 5


def measure():
    corpus = open_corpus()
    paths = corpus.tracks.groupby("genre")["path"].first().iloc[:REPEATS]
    clips = [audio.load(path, sample_rate=fast_features.SAMPLE_RATE)[0] for path in paths]
    for name, cut in (("30 s", slice(None)), ("3 s", slice(0, 66_149))):
        ratios, ours = [], []
        librosa_features.compute_features(clips[0][cut])
        # Alternating, so that a slow machine slows both.
        for y in clips:
            seconds = _time(fast_features.compute_features, y[cut])
            ratios.append(_time(librosa_features.compute_features, y[cut]) / seconds)
            ours.append(seconds)
        yield f"ours, {name}", f"{1000 * statistics.median(ours):.0f} ms"
        yield f"librosa's time divided by ours, {name}", f"{statistics.median(ratios):.1f}"
    for jobs in sorted({1, os.cpu_count() or 1}):
        # A new workspace has nothing in its cache.
        with tempfile.TemporaryDirectory() as folder:
            uncached = dataclasses.replace(corpus, work=Workspace(root=folder))
            start = time.perf_counter()
            features(uncached, jobs=jobs, progress=False)
            seconds = time.perf_counter() - start
        yield f"{len(window_table(corpus))} windows, {jobs} processes", f"{seconds:.1f} s"


def _time(function, *arguments):
    start = time.perf_counter()
    function(*arguments)
    return time.perf_counter() - start
