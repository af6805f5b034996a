"""Facts about every file, from decoding it whole."""

from __future__ import annotations

import joblib
import numpy as np
import pandas as pd

from ..data import audio
from ..data.corpus import Corpus
from ..data.progress import follow
from ..errors import AudioError

__all__ = ["basic_facts"]

# Below this a file counts as silent: the last bit of 16-bit audio is at -90 dB.
SILENCE = 10 ** (-80 / 20)


COLUMNS = (
    "decoded",
    "problem",
    "duration_s",
    "sample_rate",
    "channels",
    "encoding",
    "peak_db",
    "rms_db",
    "silent",
)


def basic_facts(corpus: Corpus, *, jobs: int = 1, progress: bool = True) -> pd.DataFrame:
    """Decode every track and say what was found.

    Parameters
    ----------
    corpus : Corpus
        The tracks.
    jobs : int
        Processes on this machine.
    progress : bool
        Show a progress bar, if on a terminal.

    Returns
    -------
    pd.DataFrame
        One row a track, indexed by `track_id`: `genre`, `decoded` (whether the
        whole file could be read), `problem` (why not), `duration_s`,
        `sample_rate` in Hz, `channels`, `encoding`, `peak_db` and `rms_db`
        relative to full scale, and `silent`.

    Notes
    -----
    The book page "Data health" shows the result.
    """
    tracks = corpus.tracks
    tasks = (joblib.delayed(_facts)(path) for path in tracks["path"])
    results = joblib.Parallel(n_jobs=jobs, return_as="generator")(tasks)
    rows = list(follow(results, "Decoding", len(tracks), show=progress))
    table = pd.DataFrame(rows, index=tracks.index, columns=COLUMNS)
    table.insert(0, "genre", tracks["genre"])
    return table


def _facts(path: str) -> dict[str, object]:
    try:
        header = audio.info(path)
        y, _ = audio.load(path)
    except AudioError as error:
        return {"decoded": False, "problem": str(error)}
    peak = float(np.abs(y).max(initial=0))
    rms = float(np.sqrt(np.mean(np.square(y, dtype=np.float64)))) if len(y) else 0.0
    return {
        "decoded": True,
        "problem": "",
        "duration_s": len(y) / header.sample_rate,
        "sample_rate": header.sample_rate,
        "channels": header.channels,
        "encoding": header.encoding,
        "peak_db": _db(peak),
        "rms_db": _db(rms),
        "silent": peak < SILENCE,
    }


def _db(amplitude: float) -> float:
    return 20 * float(np.log10(amplitude)) if amplitude > 0 else -np.inf
