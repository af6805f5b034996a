"""Compose a corpus into a folder, without touching other files in it."""

import contextlib
import csv
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from filelock import FileLock

from ..errors import CorpusError
from ..files import atomic_path, write_json
from ..genres import GENRES
from ..progress import progress_bar
from .faults import PlantedFault, plan_faults
from .settings import Settings, Slot
from .songs import compose_song

__all__ = ["arguments_of", "compose"]

# The settings file marks a folder as written by `compose`; it is written first
# and stays. The manifest is written last and marks the corpus as complete.
_SETTINGS = "settings.json"
_MANIFEST = "corpus.json"
_LOCK = ".compose.lock"
_TABLES = ("tracks.csv", "truth.csv")
_AUDIO = Path("genres_original")
_TRACK_COLUMNS = (
    "track_id",
    "genre",
    "artist",
    "title",
    "tempo_bpm",
    "key",
    "beats_per_bar",
    "swing",
    "form",
    "start_bar",
)
_TRUTH_COLUMNS = ("track_id", "fault", "detail", "source_track")


def compose(
    folder: str | Path,
    *,
    seed: int = 0,
    artists: int = 5,
    tracks: int = 2,
    seconds: float = 30.0,
    genres: Sequence[str] = GENRES,
    faults: Mapping[str, int] | None = None,
    jobs: int = 1,
    replace: bool = False,
    progress: bool = True,
) -> Path:
    """Compose a music collection in GTZAN's layout and format.

    The music is drawn at random from tables of each genre's style; each
    invented artist has a style of its own. The same arguments give the same
    bytes, whatever `jobs` is. After an interruption, the next call continues
    where the last one stopped.

    Parameters
    ----------
    folder : str or Path
        Where to write: a new or an empty folder, or one written by `compose`.
    seed : int
        Seed of all random choices.
    artists : int
        Number of artists per genre, at most 100.
    tracks : int
        Number of tracks per artist; an artist's tracks have consecutive numbers.
    seconds : float
        Length of a track in seconds.
    genres : sequence of str
        Some of GTZAN's genres. A genre's tracks do not depend on the others.
    faults : mapping of str to int, optional
        Number of faults to plant, by the fault's name.
    jobs : int
        Number of processes; -1 for one per core.
    replace : bool
        Whether to replace a corpus with other settings. Only files that
        `compose` wrote are removed.
    progress : bool
        Whether to show a progress bar, if on a terminal.

    Returns
    -------
    Path
        The folder. It holds `genres_original/<genre>/<track_id>.wav`;
        `tracks.csv` with artist, title, tempo and key of each track;
        `truth.csv` with one row per planted fault; and `corpus.json` with the
        settings, written last.

    Raises
    ------
    CorpusError
        If a value is out of range, or if the folder holds other files or a
        corpus with other settings.

    Examples
    --------
    >>> from gtzan_lib.synthetic import compose
    >>> compose("corpus", artists=3, faults={"silent": 1, "reencoded": 2})  # doctest: +SKIP
    PosixPath('corpus')
    """
    if isinstance(jobs, bool) or not isinstance(jobs, int) or jobs == 0:
        raise CorpusError(f"jobs is {jobs!r}: give a number of processes, or -1 for one per core.")
    settings = Settings(
        seed=seed,
        artists=artists,
        tracks=tracks,
        seconds=seconds,
        genres=(genres,) if isinstance(genres, str) else tuple(genres),
        faults=dict(faults or {}),
    )
    planted = plan_faults(settings)
    folder = Path(folder)
    _refuse_foreign(folder)
    # Checked before the lock too: a complete corpus may be in a read-only folder.
    if _is_complete(folder, settings):
        return folder
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / _LOCK):
        if not _is_complete(folder, settings):
            # Computed first: the digest must be that of the code before any edit meanwhile.
            stored = _prepare(folder, settings, replace=replace)
            _record_all(folder, settings, planted, jobs=jobs, progress=progress)
            _write_table(folder / "tracks.csv", _TRACK_COLUMNS, _track_rows(settings))
            _write_table(folder / "truth.csv", _TRUTH_COLUMNS, _truth_rows(planted))
            write_json(folder / _MANIFEST, stored)
    return folder


def arguments_of(folder: str | Path) -> dict[str, Any]:
    """Return the arguments with which a corpus was composed, even if it is incomplete.

    Parameters
    ----------
    folder : str or Path
        A folder written by `compose`.

    Returns
    -------
    dict of str to object
        Arguments of `compose`; empty if the folder holds no corpus.
    """
    stored = _read_settings(Path(folder))
    return {} if stored is None else asdict(Settings.from_json(stored))


def _refuse_foreign(folder: Path) -> None:
    """Raise an error if a folder holds files that `compose` did not write."""
    if folder.exists() and not folder.is_dir():
        raise CorpusError(f"{folder} is a file: name a folder to compose into.")
    if (folder / _SETTINGS).exists() or not folder.exists():
        return
    # A composition killed at its very start leaves only these files.
    prefixes = (_LOCK, ".settings-")
    if any(not entry.name.startswith(prefixes) for entry in folder.iterdir()):
        raise CorpusError(
            f"{folder} holds files that were not composed here: name a new or an empty folder."
        )


def _read_settings(folder: Path) -> dict[str, Any] | None:
    """Read the settings of the corpus in a folder; None if there is none."""
    file = folder / _SETTINGS
    return json.loads(file.read_text(encoding="utf-8")) if file.exists() else None


def _is_complete(folder: Path, settings: Settings) -> bool:
    if _read_settings(folder) != settings.as_json():
        return False
    files: list[str | Path] = [_MANIFEST, *_TABLES, *(slot.file for slot in settings)]
    return all((folder / file).exists() for file in files)


def _prepare(folder: Path, settings: Settings, *, replace: bool) -> dict[str, Any]:
    """Write the settings, remove what does not belong to them, and return them."""
    stored, new = _read_settings(folder), settings.as_json()
    if stored is not None and stored != new:
        if not replace:
            raise CorpusError(
                f"{folder} holds a corpus with other settings or of another version: "
                "name another folder, or pass replace=True."
            )
        _remove(folder, Settings.from_json(stored))
    write_json(folder / _SETTINGS, new)
    (folder / _MANIFEST).unlink(missing_ok=True)
    _remove_leftovers(folder, settings)
    return new


def _remove(folder: Path, settings: Settings) -> None:
    """Remove what `compose` wrote with these settings, except the settings file."""
    (folder / _MANIFEST).unlink(missing_ok=True)
    _remove_leftovers(folder, settings)
    for file in (*(slot.file for slot in settings), *map(Path, _TABLES)):
        (folder / file).unlink(missing_ok=True)
    for subfolder in (*(_AUDIO / genre for genre in settings.genres), _AUDIO):
        # A folder that holds other files stays.
        with contextlib.suppress(OSError):
            (folder / subfolder).rmdir()


def _remove_leftovers(folder: Path, settings: Settings) -> None:
    """Remove the temporary files of an interrupted composition."""
    patterns = [f"{_AUDIO}/{genre}/.{genre}.*-????????.wav" for genre in settings.genres]
    for file in map(Path, (*_TABLES, _MANIFEST, _SETTINGS)):
        patterns.append(f".{file.stem}-????????{file.suffix}")
    for pattern in patterns:
        for leftover in folder.glob(pattern):
            leftover.unlink()


def _record_all(
    folder: Path,
    settings: Settings,
    planted: Mapping[str, PlantedFault],
    *,
    jobs: int,
    progress: bool,
) -> None:
    import joblib

    missing = [slot for slot in settings if not (folder / slot.file).exists()]
    tasks = (
        joblib.delayed(_record)(folder, slot, settings, planted.get(slot.track_id))
        for slot in missing
    )
    finished = joblib.Parallel(n_jobs=jobs, return_as="generator_unordered")(tasks)
    for _ in progress_bar(finished, "Composing", len(missing), show=progress):
        pass


def _record(folder: Path, slot: Slot, settings: Settings, fault: PlantedFault | None) -> None:
    # Imported here: the renderer is not needed to open a complete corpus.
    from .recordings import clean_bytes, faulty_bytes

    content = faulty_bytes(fault, settings) if fault else clean_bytes(slot, settings)
    with atomic_path(folder / slot.file) as temporary:
        temporary.write_bytes(content)


def _track_rows(settings: Settings) -> Iterator[tuple[Any, ...]]:
    for slot in settings:
        song = compose_song(
            seed=settings.seed, genre=slot.genre, artist=slot.artist, track=slot.track
        )
        yield (
            slot.track_id,
            slot.genre,
            song.artist.name,
            song.title,
            round(song.tempo, 2),
            song.key,
            song.artist.beats,
            round(song.artist.swing, 3),
            song.form,
            round(song.start, 2),
        )


def _truth_rows(planted: Mapping[str, PlantedFault]) -> Iterator[tuple[str, ...]]:
    for track_id, fault in sorted(planted.items()):
        source = fault.source.track_id if fault.source else ""
        yield track_id, fault.name, fault.detail, source


def _write_table(path: Path, columns: Sequence[str], rows: Iterable[tuple[Any, ...]]) -> None:
    with atomic_path(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(columns)
        table.writerows(rows)
