"""Cutting tracks into windows."""

from __future__ import annotations

import pandas as pd

from ..errors import CorpusError
from .corpus import Corpus

__all__ = ["count", "windows"]

# A clip of exactly n windows must give n, whatever the last bit of its length says.
TOLERANCE = 1e-6


def windows(
    corpus: Corpus, seconds: float = 3.0, step: float | None = None, *, slack: float = 0.0
) -> pd.DataFrame:
    """List the windows of every track.

    Window `i` of a track begins at `i * step`; an incomplete last one is
    dropped. Tracks whose file cannot be read have none.

    Parameters
    ----------
    corpus : Corpus
        The tracks.
    seconds : float
        Length of a window.
    step : float, optional
        Seconds from one window's start to the next. Default: `seconds`, so that
        windows neither overlap nor leave gaps.
    slack : float
        Tracks whose length differs from `seconds` by no more than this are one
        window, from beginning to end.

    Returns
    -------
    pd.DataFrame
        One row a window in the order of the corpus: `window_id`
        (`blues.00000.3`), `track_id`, `genre`, `start_s`.

    Raises
    ------
    CorpusError
        If a length is not positive, no track is long enough, or the corpus is a
        table, which brings windows of its own.

    Examples
    --------
    >>> import gtzan_lib as gl
    >>> gl.windows(gl.open_corpus("/data/gtzan"), seconds=10, step=5)  # doctest: +SKIP
    """
    if corpus.is_table:
        corpus.require_audio()
    step = seconds if step is None else step
    if seconds <= 0 or step <= 0:
        raise CorpusError(
            f"windows of {seconds} s every {step} s cannot be cut: both must be above zero."
        )
    tracks = corpus.tracks
    counts = [count(duration, seconds, step, slack) for duration in tracks["duration_s"]]
    repeated = tracks[["genre"]].loc[tracks.index.repeat(counts)]
    if repeated.empty:
        raise CorpusError(
            f"{corpus.root}: no track is as long as one window of {seconds} s; choose shorter ones."
        )
    table = repeated.rename_axis("track_id").reset_index()
    number = table.groupby("track_id", sort=False).cumcount()
    table.insert(0, "window_id", table["track_id"] + "." + number.astype(str))
    table["start_s"] = number * float(step)
    return table


def count(duration_s: float, seconds: float, step: float, slack: float = 0.0) -> int:
    """Tell how many windows a track has.

    Parameters
    ----------
    duration_s : float
        Length of the track; NaN where its file cannot be read.
    seconds, step : float
        Length of a window, and from one window's start to the next.
    slack : float
        By how much a track that is one window may be shorter or longer.

    Returns
    -------
    int
        The windows that are complete.
    """
    if abs(duration_s - seconds) <= slack:
        return 1
    if not duration_s + TOLERANCE >= seconds:
        return 0
    return int((duration_s - seconds + TOLERANCE) // step) + 1
