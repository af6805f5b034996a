"""Repeated quick run: without a change, then with one notebook touched."""

import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]


def measure():
    _call()
    yield "nothing changed", f"{_call():.1f} s"
    notebook = ROOT / "notebooks" / "01_data_health.ipynb"
    executed = Path(os.environ.get("GTZAN_WORK", ROOT / "work")) / "quick" / "executed"
    before = {path: path.stat().st_mtime_ns for path in executed.glob("*.ipynb")}
    notebook.touch()
    seconds = _call()
    again = [path.stem for path, stamp in before.items() if path.stat().st_mtime_ns != stamp]
    yield "01_data_health touched", f"{seconds:.1f} s, executed: {', '.join(again)}"


def _call():
    start = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "gtzan_lib", "run", "quick"],
        check=True,
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    return time.perf_counter() - start
