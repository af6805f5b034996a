"""The health check: all files of a collection looked at, and compared with one another."""

from __future__ import annotations

from pathlib import Path

import joblib
import numpy as np
import pandas as pd

from ..data import audio, tables
from ..data.cache import FileCache
from ..data.corpus import (
    Corpus,
    find_tracks,
    is_table_path,
    open_corpus,
)
from ..data.logmels import is_log_mel_path
from ..data.workspace import Workspace
from ..progress import progress_bar
from ..signal import dsp
from . import fingerprints, inspection
from .duplicates import Duplicate, find_duplicates
from .faults import Fault, find_faults
from .report import DUPLICATE_COLUMNS, HealthReport

__all__ = ["check_health"]

# Two frames: an encoder's delay stays below.
_SHIFT_S = 2 * fingerprints.FRAME_S
_GAIN_DB = 1.0


def check_health(
    source: Corpus | str | Path,
    *,
    work: Workspace | None = None,
    jobs: int = 1,
    progress: bool = True,
) -> HealthReport:
    """Look for faults in all files, and for duplicates.

    Files are decoded whole. Measurements are cached in the workspace, so that an
    interrupted check continues, and a second one is quick.

    Parameters
    ----------
    source : Corpus, str or Path
        A corpus; a folder as for `open_corpus`; or an `.npz` file of log-mel
        images (`X`, uint8, tracks by bands by frames of about 77.5 ms, and
        `names`), on which duplicates alone are looked for; or a table of
        features, in which tracks with equal numbers are copies, and rows that
        are none are faults.
    work : Workspace, optional
        Where measurements are cached. Default: the corpus' own workspace.
    jobs : int
        Threads on this machine; decoding uses several cores that way.
    progress : bool
        Show a progress bar, if on a terminal.

    Returns
    -------
    HealthReport
        Faults, duplicates, and what was measured.

    Raises
    ------
    CorpusError
        If a folder is missing, or holds no genre folders with audio; if an
        `.npz` file does not hold log-mel images.

    Examples
    --------
    >>> import gtzan_lib as gl
    >>> report = gl.check_health("/data/gtzan", jobs=2)  # doctest: +SKIP
    >>> corpus = gl.open_corpus("/data/gtzan").exclude(report)  # doctest: +SKIP

    Notes
    -----
    The book page "Data health" shows every fault, and how well it is found.
    """
    if not isinstance(source, Corpus) and (
        str(source) == "synthetic" or is_table_path(source) or is_log_mel_path(source)
    ):
        source = open_corpus(source, work=work)
    if isinstance(source, Corpus):
        if source.is_table:
            return _check_table(source)
        if source.is_log_mels:
            return _check_log_mels(source, progress=progress)
        name, root, tracks = source.name, source.root, source.tracks
    else:
        name, root, tracks = find_tracks(source)
    work = work or (source.work if isinstance(source, Corpus) else Workspace())
    modules = (inspection, fingerprints, dsp, audio)
    inspect = FileCache.of(
        inspection.inspect,
        work.inspections,
        modules,
        failed=lambda result: not result.facts["decoded"],
    )
    tasks = (joblib.delayed(inspect)(path) for path in tracks["path"])
    pool = joblib.Parallel(n_jobs=jobs, prefer="threads", return_as="generator")
    results = list(progress_bar(pool(tasks), "Decoding", len(tracks), show=progress))
    facts = pd.DataFrame(
        [one.facts for one in results], index=tracks.index, columns=list(inspection.FACTS)
    )
    files = pd.concat([tracks[["genre", "path"]], facts], axis=1)
    return _report(name, root, files, [one.envelope for one in results], progress=progress)


def _report(
    name: str, root: Path, files: pd.DataFrame, envelopes: list[np.ndarray], *, progress: bool
) -> HealthReport:
    whole = (files["decoded"].astype(bool) & ~files["silent"].astype(bool)).to_numpy()
    heard = [one if ok else one[:, :0] for one, ok in zip(envelopes, whole, strict=True)]
    copies = find_duplicates(heard, progress=progress)
    sounds = files["sha256"].where(whole)
    duplicates = _duplicates(files.index, sounds, files["rms_db"].to_numpy(), copies)
    faults = find_faults(name, root, files)
    faults += _conflicts(files["genre"], files["path"], duplicates)
    faults.sort(key=lambda fault: (fault.track_id == "", fault.track_id))
    table = pd.DataFrame(faults, columns=Fault._fields)
    return HealthReport(str(root), len(files), table, duplicates, files, list(files.index))


def _check_log_mels(corpus: Corpus, *, progress: bool) -> HealthReport:
    images, ids, path = corpus.log_mels(), corpus.tracks.index, str(corpus.root)
    copies = find_duplicates(
        [fingerprints.from_log_mel(image) for image in images], progress=progress
    )
    pictures = pd.Series([joblib.hash(image) for image in images], index=ids)
    duplicates = _duplicates(ids, pictures, np.full(len(ids), np.nan), copies)
    faults = _conflicts(corpus.tracks["genre"], corpus.tracks["path"], duplicates)
    table = pd.DataFrame(sorted(faults), columns=Fault._fields)
    return HealthReport(path, len(ids), table, duplicates, track_ids=list(ids))


def _check_table(corpus: Corpus) -> HealthReport:
    rows, ids, path = corpus.rows(), corpus.tracks.index, str(corpus.root)
    reasons = tables.row_faults(rows, known=ids, excluded={})
    lost = set(ids) - set(rows["track_id"].drop(index=reasons.index))
    faults = []
    for row, why in reasons.items():
        track_id, name = rows.loc[row, ["track_id", "filename"]]
        # With other rows, a track can be used all the same.
        fault = "unreadable" if track_id in lost else "dropouts"
        faults.append(Fault.of(track_id, path, fault, f"{name}: {why}"))
    whole = tables.numbers(rows.drop(index=reasons.index)).sort_values("start_s", kind="stable")
    features = whole.groupby("track_id", sort=False)[list(tables.FEATURES)]
    sounds = pd.Series(
        {name: joblib.hash(one.to_numpy() + 0.0) for name, one in features}, dtype=object
    )
    sounds = sounds.reindex(ids)
    duplicates = _duplicates(ids, sounds, np.full(len(ids), np.nan), [])
    faults += _conflicts(corpus.tracks["genre"], corpus.tracks["path"], duplicates)
    table = pd.DataFrame(sorted(faults), columns=Fault._fields)
    return HealthReport(path, len(ids), table, duplicates, track_ids=list(ids))


def _duplicates(
    ids: pd.Index, sounds: pd.Series, rms_db: np.ndarray, copies: list[Duplicate]
) -> pd.DataFrame:
    """Join what is identical and what sounds alike into one table of pairs."""
    rows = {}
    for copy in copies:
        louder = abs(rms_db[copy.a] - rms_db[copy.b]) > _GAIN_DB
        kind = "shifted" if abs(copy.lag_s) > _SHIFT_S else "gain" if louder else "reencoded"
        rows[copy.a, copy.b] = (kind, round(copy.score, 3), round(copy.lag_s, 2))
    places = pd.Series(range(len(ids)), index=sounds.to_numpy())
    for _, same in places[places.index.notna()].groupby(level=0):
        for first, a in enumerate(same):
            rows |= {(a, b): ("identical", 1.0, 0.0) for b in same.iloc[first + 1 :]}
    table = pd.DataFrame([(*pair, *row) for pair, row in rows.items()], columns=DUPLICATE_COLUMNS)
    table["a"], table["b"] = ids[table["a"].astype(int)], ids[table["b"].astype(int)]
    return table.sort_values(["a", "b"], ignore_index=True)


def _conflicts(genres: pd.Series, paths: pd.Series, duplicates: pd.DataFrame) -> list[Fault]:
    """Name the copies that stand in two genres: one of the labels must be wrong."""
    # Of two files with one id, the first speaks for it.
    genre, path = (table[~table.index.duplicated()] for table in (genres, paths))
    others: dict[str, list[str]] = {}
    for a, b in zip(duplicates["a"], duplicates["b"], strict=True):
        if genre[a] != genre[b]:
            others.setdefault(a, []).append(f"{b} in genre {genre[b]}")
            others.setdefault(b, []).append(f"{a} in genre {genre[a]}")
    return [
        Fault.of(one, path[one], "mislabelled", f"the same recording is {', '.join(copies)}")
        for one, copies in others.items()
    ]
