"""Composition of the default synthetic corpus: 100 tracks of 30 s."""

import tempfile
import time
from pathlib import Path

import gtzan_lib as gl


def measure():
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        gl.synthetic.compose(Path(folder) / "corpus", jobs=2, progress=False)
        seconds = time.perf_counter() - start
    yield "two processes", f"{seconds:.1f} s, {100 * 30 / seconds:.0f} times real time"
