"""The grid of 32 models on tables of features, under folds by track."""

import os
import time

from gtzan_lib.data.corpus import open_corpus
from gtzan_lib.data.splits import split
from gtzan_lib.signal.features import features
from gtzan_lib.studies.grid import grid


def measure():
    music = open_corpus()
    table = features(music, jobs=os.cpu_count() or 1, progress=False)
    whole = features(music, 30, jobs=os.cpu_count() or 1, progress=False)
    for name, one in (("whole tracks", whole), ("windows", table)):
        folds = split(one.windows, music, protocol="track", folds=5)
        start = time.perf_counter()
        grid(one.values, one.windows, folds, jobs=os.cpu_count() or 1, progress=False)
        yield f"{len(one)} {name}, 5 folds", f"{time.perf_counter() - start:.0f} s"
