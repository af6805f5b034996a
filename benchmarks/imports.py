"""Import of the package, the first line of every notebook."""

import statistics
import subprocess
import sys
import time

RUNS = 5


def measure():
    empty = _seconds("pass")
    for statement in ("import gtzan_lib", "import numpy", "import torch"):
        seconds = _seconds(statement) - empty
        yield statement, f"{seconds:.3f} s more than an empty interpreter"


def _seconds(statement):
    _run(statement)
    return statistics.median(_run(statement) for _ in range(RUNS))


def _run(statement):
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", statement], check=True)
    return time.perf_counter() - start
