"""The health check: measures all files of a collection and searches for duplicates."""

from __future__ import annotations

from pathlib import Path

import joblib
import numpy as np
import pandas as pd

from ..data import tables
from ..data.cache import FileCache
from ..data.corpus import Corpus, ImageCorpus, TableCorpus
from ..data.loaders.search import summaries
from ..data.opening import TrackList, find_tracks, is_one_file, open_corpus
from ..data.workspace import Workspace
from ..progress import progress_bar
from . import fingerprints, inspection
from .confirmation import CachedWaveforms, Images
from .duplicates import Duplicate, find_duplicates
from .faults import Fault, find_faults
from .report import DUPLICATE_COLUMNS, HealthReport

__all__ = ["check_health", "inspector"]

# Two frames; the delay of an encoder is shorter.
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

    Files are decoded whole. Measurements and comparisons of files are cached in the
    workspace, so that an interrupted check continues, and a second one is quick.

    Parameters
    ----------
    source : Corpus, str or Path
        A corpus; a folder as for `open_corpus`; an `.npz` file of log-mel
        images (`X`, uint8, tracks by mel bands by frames of about 77.5 ms, and
        `names`), in which only duplicates are searched; or a table of features,
        in which tracks with equal features are duplicates and invalid rows are
        faults.
    work : Workspace, optional
        Where measurements are cached. Default: the corpus' own workspace.
    jobs : int
        Number of threads that decode files.
    progress : bool
        Show a progress bar, if on a terminal.

    Returns
    -------
    HealthReport
        Faults, duplicates and measurements.

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
    The book page "Data health" shows every fault, and the recall of the check.
    """
    if not isinstance(source, Corpus) and (str(source) == "synthetic" or is_one_file(source)):
        source = open_corpus(source, work=work)
    if isinstance(source, Corpus):
        if isinstance(source, TableCorpus):
            return _check_table(source)
        if isinstance(source, ImageCorpus):
            return _check_log_mels(source, progress=progress)
        work = work or source.work
        listed = TrackList(source.name, source.root, source.tracks, [])
    else:
        work, listed = work or Workspace(), find_tracks(source)
    tracks = listed.tracks
    inspect = inspector(work)
    tasks = (joblib.delayed(inspect)(path) for path in tracks["path"])
    pool = joblib.Parallel(n_jobs=jobs, prefer="threads", return_as="generator")
    # Columns: a dictionary per file would take several times the memory.
    facts: dict[str, list[object]] = {name: [] for name in inspection.INSPECTED_FACTS}
    envelopes = []
    for result in progress_bar(pool(tasks), "Decoding", len(tracks), show=progress):
        for name, values in facts.items():
            values.append(result.facts.get(name, np.nan))
        envelopes.append(result.envelope)
    files = pd.concat([tracks[["genre", "path"]], pd.DataFrame(facts, tracks.index)], axis=1)
    # The digest of samples that are not of 16 bits does not tell their rate and channels.
    sounds = [
        "-".join(map(str, sound))
        for sound in zip(facts["sha256"], facts["sample_rate"], facts["channels"], strict=True)
    ]
    compare = CachedWaveforms(files["path"].tolist(), sounds, work.inspections / "pairs")
    return _report(listed, files, envelopes, compare, progress=progress)


def inspector(work: Workspace) -> FileCache:
    """Return the measurement of a file, `inspection.inspect`, with its cache in a workspace."""
    modules = (
        "data.audio",
        "data.decoders",
        "health.fingerprints",
        "health.inspection",
        "signal.dsp",
    )
    return FileCache.of(
        inspection.inspect,
        work.inspections,
        modules,
        failed=lambda result: not result.facts["decoded"],
    )


def _report(
    listed: TrackList,
    files: pd.DataFrame,
    envelopes: list[np.ndarray],
    compare: CachedWaveforms,
    *,
    progress: bool,
) -> HealthReport:
    audible = (files["decoded"].astype(bool) & ~files["silent"].astype(bool)).to_numpy()
    digests = files["sha256"].where(audible)
    copies = _copies(envelopes, digests, compare, progress=progress)
    duplicates = _duplicates(files.index, digests, files["rms_db"].to_numpy(), copies)
    root = listed.root
    faults = find_faults(listed.name, root, files)
    faults += [
        Fault.of("", str(root), "passed-over", text) for text in summaries(root, listed.passed_over)
    ]
    faults += _conflicts(files["genre"], files["path"], duplicates)
    faults.sort(key=lambda fault: (fault.track_id == "", fault.track_id))
    table = pd.DataFrame(faults, columns=Fault._fields)
    return HealthReport(str(root), len(files), table, duplicates, files, list(files.index))


def _check_log_mels(corpus: ImageCorpus, *, progress: bool) -> HealthReport:
    images, ids, path = corpus.log_mels(), corpus.tracks.index, str(corpus.root)
    envelopes = [fingerprints.from_log_mel(image) for image in images]
    digests = pd.Series([joblib.hash(image) for image in images], index=ids)
    copies = _copies(envelopes, digests, Images(images), progress=progress)
    duplicates = _duplicates(ids, digests, np.full(len(ids), np.nan), copies)
    faults = _conflicts(corpus.tracks["genre"], corpus.tracks["path"], duplicates)
    table = pd.DataFrame(sorted(faults), columns=Fault._fields)
    return HealthReport(path, len(ids), table, duplicates, track_ids=list(ids))


def _check_table(corpus: TableCorpus) -> HealthReport:
    rows, ids, path = corpus.rows(), corpus.tracks.index, str(corpus.root)
    reasons = tables.row_faults(rows, known=ids, excluded={})
    unreadable = set(ids) - set(rows["track_id"].drop(index=reasons.index))
    faults = []
    for row, reason in reasons.items():
        track_id, name = rows.loc[row, ["track_id", "filename"]]
        # A track with other valid rows can still be used.
        fault = "unreadable" if track_id in unreadable else "dropouts"
        faults.append(Fault.of(track_id, path, fault, f"{name}: {reason}"))
    valid = tables.numbers(rows.drop(index=reasons.index)).sort_values("start_s", kind="stable")
    features = valid.groupby("track_id", sort=False)[list(tables.FEATURE_NAMES)]
    digests = pd.Series(
        {track_id: joblib.hash(table.to_numpy() + 0.0) for track_id, table in features},
        dtype=object,
    )
    digests = digests.reindex(ids)
    duplicates = _duplicates(ids, digests, np.full(len(ids), np.nan), [])
    faults += _conflicts(corpus.tracks["genre"], corpus.tracks["path"], duplicates)
    table = pd.DataFrame(sorted(faults), columns=Fault._fields)
    return HealthReport(path, len(ids), table, duplicates, track_ids=list(ids))


def _copies(
    envelopes: list[np.ndarray],
    digests: pd.Series,
    compare: CachedWaveforms | Images,
    *,
    progress: bool,
) -> list[Duplicate]:
    """Search for copies among tracks with different digests."""
    searched = (digests.notna() & ~digests.duplicated()).to_numpy()
    pairs = zip(envelopes, searched, strict=True)
    chosen = [envelope if ok else envelope[..., :0] for envelope, ok in pairs]
    return find_duplicates(chosen, compare, progress=progress)


def _duplicates(
    ids: pd.Index, digests: pd.Series, rms_db: np.ndarray, copies: list[Duplicate]
) -> pd.DataFrame:
    """Return one table of the pairs that sound alike, and of those with equal digests.

    Of several tracks with one digest, the first stands for all: there is one pair for each
    other one.
    """
    rows = {}
    for copy in copies:
        differs = abs(rms_db[copy.a] - rms_db[copy.b]) > _GAIN_DB
        kind = "shifted" if abs(copy.lag_s) > _SHIFT_S else "gain" if differs else "reencoded"
        rows[copy.a, copy.b] = (kind, round(copy.score, 3), round(copy.lag_s, 2))
    positions = pd.Series(range(len(ids)), index=digests.to_numpy())
    for _, same in positions[positions.index.notna()].groupby(level=0):
        first, *others = same
        rows |= {(first, other): ("identical", 1.0, 0.0) for other in others}
    table = pd.DataFrame([(*pair, *row) for pair, row in rows.items()], columns=DUPLICATE_COLUMNS)
    table["a"], table["b"] = ids[table["a"].astype(int)], ids[table["b"].astype(int)]
    return table.sort_values(["a", "b"], ignore_index=True)


def _conflicts(genres: pd.Series, paths: pd.Series, duplicates: pd.DataFrame) -> list[Fault]:
    """Return a fault for each copy of a track of another genre: one label must be wrong."""
    # Where two files have one id, the first gives its genre and path.
    genre, path = (table[~table.index.duplicated()] for table in (genres, paths))
    others: dict[str, list[str]] = {}
    for a, b in zip(duplicates["a"], duplicates["b"], strict=True):
        if genre[a] != genre[b]:
            others.setdefault(a, []).append(f"{b} in genre {genre[b]}")
            others.setdefault(b, []).append(f"{a} in genre {genre[a]}")
    return [
        Fault.of(
            track_id, path[track_id], "mislabelled", f"the same recording is {', '.join(copies)}"
        )
        for track_id, copies in others.items()
    ]
