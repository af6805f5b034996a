"""The grid of 32 models on tables of features, with cross-validation by track."""

import os
import time

from gtzan_lib.data.opening import open_corpus
from gtzan_lib.data.splits import split
from gtzan_lib.signal.features import features
from gtzan_lib.studies.grid import grid


def measure():
    corpus, jobs = open_corpus(), os.cpu_count() or 1
    for name, seconds in (("whole tracks", 30), ("windows", 3)):
        table = features(corpus, seconds, jobs=jobs, progress=False)
        folds = split(table.windows, corpus, protocol="track", folds=5)
        start = time.perf_counter()
        grid(table.values, table.windows, folds, jobs=jobs, progress=False)
        yield f"{len(table)} {name}, 5 folds", f"{time.perf_counter() - start:.0f} s"
