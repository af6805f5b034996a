"""Collections of 1,000 and of 10,000 clips: memory, a kill at half, and a cluster of two processes.

It takes many minutes: `python -m benchmarks size`.
"""

import contextlib
import hashlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import joblib
import numpy as np
import psutil
import soundfile

import gtzan_lib as gl
from gtzan_lib.files import sha256_of
from gtzan_lib.signal.features import feature_grid

FEW, MANY = 1_000, 10_000
RATE, SECONDS, NOTES = 22_050, 3, 12
RECIPE = gl.Recipe.preset("mel-gtzan-store", seconds=SECONDS)
ROOT = Path(__file__).parents[1]


def measure():
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        few, many = _write(folder / "few", FEW), _write(folder / "many", MANY)
        for kind, result in KINDS.items():
            small = _Run(kind, result, few, folder / f"{kind}-few")
            small.finish()
            whole = _Run(kind, result, many, folder / f"{kind}-many")
            whole.finish()
            yield f"{kind}, {FEW} clips", f"{small.seconds:.0f} s, {small.peak_mb:.0f} MB"
            yield f"{kind}, {MANY} clips", f"{whole.seconds:.0f} s, {whole.peak_mb:.0f} MB"
            yield f"{kind}, memory of {MANY} divided by that of {FEW}", _ratio(whole, small)

            killed = _Run(kind, result, many, folder / f"{kind}-killed")
            before = killed.kill_at(MANY // 2)
            killed.start()
            killed.finish()
            after = killed.done()
            again = sum(after[path] != stamp for path, stamp in before.items())
            yield f"{kind}, computed before a kill", f"{len(before)} of {len(after)}"
            yield f"{kind}, of these computed again", f"{again}"
            yield f"{kind}, killed and continued: same bytes", _same(killed, whole)

            clustered = _Run(kind, result, many, folder / f"{kind}-clustered", "cluster")
            clustered.finish()
            yield f"{kind}, two processes of a cluster: same bytes", _same(clustered, whole)


def _write(folder, count):
    """Write clips of some notes and quiet noise, others in each."""
    for number in range(count):
        rng = np.random.default_rng(number)
        y = 0.002 * rng.standard_normal(RATE * SECONDS)
        for start in rng.integers(0, len(y), NOTES):
            seconds = np.arange(len(y) - start) / RATE
            note = np.sin(2 * np.pi * 55 * 2 ** rng.uniform(0, 6) * seconds)
            y[start:] += rng.uniform(0.02, 0.07) * note * np.exp(-rng.uniform(1, 10) * seconds)
        file = folder / f"genre{number % 10}" / f"{number:05d}.wav"
        file.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(file, y, RATE)
    return folder


def _ratio(large, small):
    return f"{large.peak_mb / small.peak_mb:.2f}"


def _same(first, second):
    return "yes" if first.digest() == second.digest() else "no"


class _Run:
    """A process that computes one result of a folder of clips, in a session of its own."""

    def __init__(self, kind, result, clips, folder, *options):
        folder.mkdir()
        self.out, self.work = folder / "out", folder / "work"
        self.arguments = [kind, str(clips), str(self.out), *options]
        # What is written for each clip, below the folder of the run.
        self.result = folder, result
        self.start()

    def start(self):
        self.begin = time.perf_counter()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.size", *self.arguments],
            cwd=ROOT,
            env={**os.environ, "GTZAN_WORK": str(self.work), "OMP_NUM_THREADS": "1"},
            start_new_session=True,
        )

    def finish(self):
        """Wait for the end, and note the time and the peak memory of all its processes."""
        parent, peak = psutil.Process(self.process.pid), 0
        while self.process.poll() is None:
            used = 0
            with contextlib.suppress(psutil.Error):
                for process in (parent, *parent.children(recursive=True)):
                    with contextlib.suppress(psutil.Error):
                        memory = process.memory_full_info()
                        # Linux shares out what several processes use.
                        used += getattr(memory, "pss", memory.uss)
            peak = max(peak, used)
            time.sleep(0.1)
        if self.process.returncode:
            raise RuntimeError(f"{self.arguments} ended with {self.process.returncode}")
        self.seconds, self.peak_mb = time.perf_counter() - self.begin, peak / 2**20

    def kill_at(self, count):
        """Kill all its processes when some clips are done, and return these."""
        while len(self.done()) < count and self.process.poll() is None:
            time.sleep(0.2)
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        return self.done()

    def done(self):
        """Return when the result of each clip was written."""
        folder, pattern = self.result
        return {path: path.stat().st_mtime_ns for path in folder.glob(pattern)}

    def digest(self):
        """Return a digest of what was computed from all clips."""
        files = sorted(self.out.rglob("[!.]*")) if self.out.is_dir() else [self.out]
        digests = [f"{file.name} {sha256_of(file)}" for file in files if file.is_file()]
        return hashlib.sha256("\n".join(digests).encode()).hexdigest()


def _health(clips, out):
    gl.check_health(clips, jobs=2).save(out)


def _features(clips, out):
    grid = feature_grid(SECONDS, tail="drop")
    gl.features(gl.open_corpus(clips), grid=grid, jobs=2).save(out)


def _store(clips, out):
    gl.SpectrogramStore.build(gl.open_corpus(clips), RECIPE, path=out, jobs=2)


FUNCTIONS = {"health": _health, "features": _features, "store": _store}
# Where each function writes the result of a clip.
KINDS = {
    "health": "work/.inspections/**/output.pkl",
    "features": "work/.features/**/output.pkl",
    "store": "out/done/*",
}


def main(kind, clips, out, where="here"):
    with contextlib.ExitStack() as cluster:
        if where == "cluster":
            from distributed import Client, LocalCluster

            workers = LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None)
            cluster.enter_context(Client(workers))
            cluster.enter_context(joblib.parallel_config(backend="dask"))
        FUNCTIONS[kind](Path(clips), Path(out))


if __name__ == "__main__":
    main(*sys.argv[1:])
