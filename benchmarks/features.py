"""The 57 features: ours against librosa's own calls, and a corpus on all cores."""

import os
import statistics
import tempfile
import time
from unittest import mock

from gtzan_lib.data import audio
from gtzan_lib.data.corpus import open_corpus
from gtzan_lib.data.windows import windows
from gtzan_lib.signal import fast_features, librosa_features
from gtzan_lib.signal.features import features

REPEATS = 5


def measure():
    music = open_corpus()
    paths = music.tracks.groupby("genre")["path"].first().iloc[:REPEATS]
    clips = [audio.load(path, sample_rate=fast_features.SAMPLE_RATE)[0] for path in paths]
    for name, cut in (("30 s", slice(None)), ("3 s", slice(0, 66_149))):
        ratios, ours = [], []
        librosa_features.describe(clips[0][cut])
        # In turn, so that a machine that slows down slows both.
        for y in clips:
            seconds = _time(fast_features.describe, y[cut])
            ratios.append(_time(librosa_features.describe, y[cut]) / seconds)
            ours.append(seconds)
        yield f"ours, {name}", f"{1000 * statistics.median(ours):.0f} ms"
        yield f"librosa's time by ours, {name}", f"{statistics.median(ratios):.1f}"
    for jobs in sorted({1, os.cpu_count() or 1}):
        # Nothing is kept of the time before.
        with tempfile.TemporaryDirectory() as name, mock.patch.dict(os.environ, GTZAN_WORK=name):
            seconds = _time(lambda jobs=jobs: features(music, jobs=jobs, progress=False))
        yield f"{len(windows(music))} windows, {jobs} processes", f"{seconds:.1f} s"


def _time(function, *arguments):
    start = time.perf_counter()
    function(*arguments)
    return time.perf_counter() - start
