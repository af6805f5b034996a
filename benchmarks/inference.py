"""Inference with the model that comes with the package: cold, warm, many files and live."""

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import soundfile

import gtzan_lib as gl
from gtzan_lib.live.streaming import listen

RATE, SECONDS, CLIPS, RUNS = 22_050, 30, 100, 7


def measure():
    tracks = gl.open_corpus().tracks["path"]
    with tempfile.TemporaryDirectory() as name:
        files = _clips(tracks, Path(name))
        torch, cold = _cold(files[0])
        yield "gtzan predict, cold, minus import torch", f"{cold - torch:+.2f} s ({torch:.2f} s)"
        model = gl.load_model()
        warm = _time(lambda: model.predict(files[0]))
        yield "a clip of 30 s, warm", f"{1000 * warm:.0f} ms"
        many = _time(lambda: list(model.predict_files(files, jobs=2)), runs=3)
        yield "100 clips in one call, two threads", f"{CLIPS / many:.1f} clips per second"
        predictions = list(listen(files[0], model, pace=True))
    latency = [1000 * prediction.latency_s for prediction in predictions]
    busy = sum(prediction.busy_s for prediction in predictions) / predictions[-1].end_s
    yield (
        "stream, latency from a window's end to its prediction",
        f"median {statistics.median(latency):.0f} ms, at most {max(latency):.0f} ms",
    )
    yield "stream, real-time factor", f"{busy:.3f}"


def _clips(paths, folder):
    """Write 100 clips as WAV, from the tracks of the corpus."""
    files = []
    for number in range(CLIPS):
        y, rate = soundfile.read(paths.iloc[number % len(paths)], dtype="float32")
        files.append(folder / f"{number:03d}.wav")
        soundfile.write(files[-1], np.resize(y, RATE * SECONDS), rate)
    return files


def _cold(file):
    """Time two commands alternately, so that a slow machine slows both."""
    commands = (
        [sys.executable, "-c", "import torch"],
        [str(Path(sys.executable).with_name("gtzan")), "predict", str(file)],
    )
    seconds = [[], []]
    for _ in range(RUNS):
        for times, command in zip(seconds, commands, strict=True):
            start = time.perf_counter()
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
            times.append(time.perf_counter() - start)
    return map(statistics.median, seconds)


def _time(function, runs=10):
    function()
    seconds = []
    for _ in range(runs):
        start = time.perf_counter()
        function()
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds)
