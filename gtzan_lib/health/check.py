"""The health check: all files of a collection looked at, and compared with one another."""

from __future__ import annotations

import dataclasses
import json
from functools import cached_property
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd

from ..data import audio, tables
from ..data.corpus import Corpus, find_tracks, names_table, open_corpus
from ..data.files import printable, write_json
from ..data.logmels import names_log_mels
from ..data.progress import follow
from ..data.remember import Remembered
from ..data.workspace import Workspace
from ..errors import HealthError
from ..signal import dsp
from . import fingerprints, inspection
from .duplicates import Copy, find_copies
from .faults import FAULTS, Fault, find_faults

__all__ = ["KINDS", "HealthReport", "check_health"]

KINDS = {
    "identical": "the same samples",
    "shifted": "the same recording, cut elsewhere",
    "gain": "the same recording at another level",
    "reencoded": "the same recording, encoded or processed anew",
}
"""How two tracks can be copies of one another."""

_COPY_COLUMNS = ["a", "b", "kind", "score", "lag_s"]

# Two frames: an encoder's delay stays below.
_SHIFT_S = 2 * fingerprints.FRAME_S
_GAIN_DB = 1.0


@dataclasses.dataclass(frozen=True, eq=False)
class HealthReport:
    """What the health check found.

    Attributes
    ----------
    source : str
        The folder or file that was checked.
    n_files : int
        How many files, or log-mel images.
    faults : pd.DataFrame
        One row a finding: `track_id`, `path`, `fault`, `severity`, `detail`.
    duplicates : pd.DataFrame
        One row a pair of tracks with the same recording: `a`, `b`, `kind` (of
        `KINDS`), `score` (1 for identical samples) and `lag_s`, by how many
        seconds a moment comes later in `a` than in `b`.
    files : pd.DataFrame or None
        What was measured of each file, indexed by `track_id`; None in a report
        that was read from JSON or made of log-mel images.
    track_ids : list of str
        All tracks that were looked at; empty in a report that was read from JSON.
    """

    source: str
    n_files: int
    faults: pd.DataFrame
    duplicates: pd.DataFrame
    files: pd.DataFrame | None = None
    track_ids: list[str] = dataclasses.field(default_factory=list)

    def __repr__(self) -> str:
        counts = self.faults["severity"].value_counts()
        found = ", ".join(
            f"{counts.get(name, 0)} {name}s" for name in dict.fromkeys(FAULTS.values())
        )
        return f"HealthReport({self.n_files} files: {found}, {len(self.duplicates)} duplicates)"

    @cached_property
    def condemned(self) -> list[str]:
        """Ids of the tracks not to be used, sorted.

        All with an error; and of tracks that hold one recording, all but the
        first. Copies that stand in two genres are all condemned, since their
        label is in doubt.
        """
        errors = self.faults.loc[self.faults["severity"] == "error", "track_id"]
        out = set(errors) - {""}
        for a, b in sorted(zip(self.duplicates["a"], self.duplicates["b"], strict=True)):
            if a not in out and b not in out:
                out.add(b)
        return sorted(out)

    @property
    def reasons(self) -> dict[str, str]:
        """Why each condemned track is, in words."""
        told: dict[str, list[str]] = {}
        errors = self.faults[self.faults["severity"] == "error"]
        for track_id, fault, detail in errors[["track_id", "fault", "detail"]].to_numpy():
            told.setdefault(track_id, []).append(f"{fault} ({detail})")
        for a, b, kind in self.duplicates[["a", "b", "kind"]].to_numpy():
            for one, other in ((a, b), (b, a)):
                told.setdefault(one, []).append(f"same recording as {other} ({kind})")
        return {track_id: "; ".join(told[track_id]) for track_id in self.condemned}

    @property
    def is_clean(self) -> bool:
        """Whether there is neither an error nor a duplicate."""
        return not (len(self.duplicates) or (self.faults["severity"] == "error").any())

    def as_json(self) -> dict[str, Any]:
        """Return the report as `save` writes it."""
        duplicates = self.duplicates[["a", "b", "kind", "score"]]
        return {
            "files": self.n_files,
            "faults": self.faults.map(_text).to_dict("records"),
            "duplicates": duplicates.map(_text).to_dict("records"),
        }

    def save(self, path: str | Path) -> Path:
        """Write the report as JSON.

        Parameters
        ----------
        path : str or Path
            The file.

        Returns
        -------
        Path
            The same path.

        Raises
        ------
        HealthError
            If the file cannot be written.
        """
        try:
            write_json(path, self.as_json())
        except OSError as error:
            raise HealthError(f"{path}: cannot be written ({error.strerror}).") from error
        return Path(path)

    @classmethod
    def load(cls, path: str | Path) -> HealthReport:
        """Read a report that `save` wrote.

        Parameters
        ----------
        path : str or Path
            The file.

        Returns
        -------
        HealthReport
            Without `files`.

        Raises
        ------
        HealthError
            If the file is no such report.
        """
        try:
            stored = json.loads(Path(path).read_text(encoding="utf-8"))
            faults = [[row[name] for name in Fault._fields] for row in stored["faults"]]
            duplicates = [[row[n] for n in _COPY_COLUMNS[:4]] for row in stored["duplicates"]]
            return cls(
                str(path),
                int(stored["files"]),
                pd.DataFrame(faults, columns=Fault._fields),
                pd.DataFrame(duplicates, columns=_COPY_COLUMNS[:4]),
            )
        except (
            OSError,
            ValueError,
            LookupError,
            TypeError,
            ArithmeticError,
            RecursionError,
        ) as error:
            raise HealthError(
                f"{path}: is not a health report; make one with gtzan health PATH --json FILE."
            ) from error


def check_health(
    source: Corpus | str | Path, *, jobs: int = 1, progress: bool = True
) -> HealthReport:
    """Look for faults in all files, and for recordings that are there twice.

    Files are decoded whole. What was measured of a file is kept in the work
    folder, so that a check that was interrupted goes on, and a second one is
    quick.

    Parameters
    ----------
    source : Corpus, str or Path
        A corpus; a folder as for `open_corpus`; or an `.npz` file of log-mel
        images (`X`, uint8, tracks by bands by frames of about 77.5 ms, and
        `names`), on which duplicates alone are looked for; or a table of
        features, in which tracks with equal numbers are copies, and rows that
        are none are faults.
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
        str(source) == "synthetic" or names_table(source) or names_log_mels(source)
    ):
        source = open_corpus(source)
    if isinstance(source, Corpus):
        if source.is_table:
            return _check_table(source)
        if source.is_log_mels:
            return _check_log_mels(source, progress=progress)
        name, root, tracks = source.name, source.root, source.tracks
    else:
        name, root, tracks = find_tracks(source)
    modules = (inspection, fingerprints, dsp, audio)
    inspect = Remembered.of(
        inspection.inspect,
        Workspace().inspections,
        modules,
        failed=lambda result: not result.facts["decoded"],
    )
    tasks = (joblib.delayed(inspect)(path) for path in tracks["path"])
    pool = joblib.Parallel(n_jobs=jobs, prefer="threads", return_as="generator")
    results = list(follow(pool(tasks), "Decoding", len(tracks), show=progress))
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
    copies = find_copies(heard, progress=progress)
    sounds = files["sha256"].where(whole)
    duplicates = _duplicates(files.index, sounds, files["rms_db"].to_numpy(), copies)
    faults = find_faults(name, root, files)
    faults += _conflicts(files["genre"], files["path"], duplicates)
    faults.sort(key=lambda fault: (fault.track_id == "", fault.track_id))
    table = pd.DataFrame(faults, columns=Fault._fields)
    return HealthReport(str(root), len(files), table, duplicates, files, list(files.index))


def _check_log_mels(corpus: Corpus, *, progress: bool) -> HealthReport:
    images, ids, path = corpus.log_mels(), corpus.tracks.index, str(corpus.root)
    copies = find_copies(fingerprints.from_log_mel(images), progress=progress)
    pictures = pd.Series([joblib.hash(image) for image in images], index=ids)
    duplicates = _duplicates(ids, pictures, np.full(len(ids), np.nan), copies)
    faults = _conflicts(corpus.tracks["genre"], corpus.tracks["path"], duplicates)
    table = pd.DataFrame(sorted(faults), columns=Fault._fields)
    return HealthReport(path, len(ids), table, duplicates, track_ids=list(ids))


def _check_table(corpus: Corpus) -> HealthReport:
    rows, ids, path = corpus.rows(), corpus.tracks.index, str(corpus.root)
    reasons = tables.row_faults(rows, known=ids, condemned={})
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
    ids: pd.Index, sounds: pd.Series, rms_db: np.ndarray, copies: list[Copy]
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
    table = pd.DataFrame([(*pair, *row) for pair, row in rows.items()], columns=_COPY_COLUMNS)
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


def _text(value: Any) -> Any:
    """Make a name that is not valid text one that can be written down."""
    return printable(value) if isinstance(value, str) else value
