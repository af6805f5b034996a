"""Composing a corpus into a folder: whole, once, and without harm to others' files."""

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
from .faults import Fault, plan
from .settings import Settings, Slot
from .songs import write_song

__all__ = ["arguments_of", "compose"]

# The mark shows that a folder is ours and holds the settings; it is written
# first and stays. The manifest shows that the corpus is complete.
_MARK = "settings.json"
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

    The music is invented: seeded random choices in each genre's idiom, played
    by invented artists who each have a style of their own. The same arguments
    give the same bytes, whatever `jobs` is. A composition that was killed goes
    on where it stopped when it is called again.

    Parameters
    ----------
    folder : str or Path
        Where to write. New, empty, or composed before.
    seed : int
        Seed of all random choices.
    artists : int
        Artists a genre, at most 100.
    tracks : int
        Tracks an artist; an artist's tracks have consecutive numbers.
    seconds : float
        Length of a track in seconds.
    genres : sequence of str
        Which of GTZAN's genres. A genre's tracks do not depend on the others.
    faults : mapping of str to int, optional
        Faults to plant, by name, and how many of each.
    jobs : int
        Processes that work at the same time; -1 for one a core.
    replace : bool
        Whether to replace a corpus of other settings. Only files that
        `compose` wrote are removed.
    progress : bool
        Whether to show a progress bar where there is a terminal.

    Returns
    -------
    Path
        The folder. It holds `genres_original/<genre>/<track_id>.wav`;
        `tracks.csv`, what was composed for each track; `truth.csv`, one row a
        planted fault; and `corpus.json`, the settings, written last.

    Raises
    ------
    CorpusError
        If a value is out of range, if the folder holds something else, or a
        corpus of other settings.

    Examples
    --------
    >>> from gtzan_lib.synthetic import compose
    >>> compose("corpus", artists=3, faults={"silent": 1, "reencoded": 2})  # doctest: +SKIP
    PosixPath('corpus')
    """
    if isinstance(jobs, bool) or not isinstance(jobs, int) or jobs == 0:
        raise CorpusError(f"jobs is {jobs!r}: give a number of processes, or -1 for one a core.")
    settings = Settings(
        seed=seed,
        artists=artists,
        tracks=tracks,
        seconds=seconds,
        genres=(genres,) if isinstance(genres, str) else tuple(genres),
        faults=dict(faults or {}),
    )
    planted = plan(settings)
    folder = Path(folder)
    _refuse_foreign(folder)
    # Asked before the lock too: a complete corpus may lie where nobody may write.
    if _is_complete(folder, settings):
        return folder
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / _LOCK):
        if not _is_complete(folder, settings):
            # Kept, lest code that is edited meanwhile be credited with the music.
            stored = _prepare(folder, settings, replace=replace)
            _record_all(folder, settings, planted, jobs=jobs, progress=progress)
            _write_table(folder / "tracks.csv", _TRACK_COLUMNS, _track_rows(settings))
            _write_table(folder / "truth.csv", _TRUTH_COLUMNS, _truth_rows(planted))
            write_json(folder / _MANIFEST, stored)
    return folder


def arguments_of(folder: str | Path) -> dict[str, Any]:
    """Return what a corpus was composed with, finished or not.

    Parameters
    ----------
    folder : str or Path
        What `compose` wrote into.

    Returns
    -------
    dict of str to object
        Arguments of `compose`; empty where nothing was composed.
    """
    stored = _mark(Path(folder))
    return {} if stored is None else asdict(Settings.from_json(stored))


def _refuse_foreign(folder: Path) -> None:
    """Refuse a folder with files in it that were not composed."""
    if folder.exists() and not folder.is_dir():
        raise CorpusError(f"{folder} is a file: name a folder to compose into.")
    if (folder / _MARK).exists() or not folder.exists():
        return
    # A composition killed in its first instant leaves no more than these.
    ours = (_LOCK, ".settings-")
    if any(not entry.name.startswith(ours) for entry in folder.iterdir()):
        raise CorpusError(
            f"{folder} holds files that were not composed here: name a new or an empty folder."
        )


def _mark(folder: Path) -> dict[str, Any] | None:
    """Read the settings of the corpus in a folder; None where there is none."""
    mark = folder / _MARK
    return json.loads(mark.read_text(encoding="utf-8")) if mark.exists() else None


def _is_complete(folder: Path, settings: Settings) -> bool:
    if _mark(folder) != settings.as_json():
        return False
    files = (_MANIFEST, *_TABLES, *(slot.file for slot in settings))
    return all((folder / file).exists() for file in files)


def _prepare(folder: Path, settings: Settings, *, replace: bool) -> dict[str, Any]:
    """Make the folder ready for what is missing, and return what its mark says."""
    found, wanted = _mark(folder), settings.as_json()
    if found is not None and found != wanted:
        if not replace:
            raise CorpusError(
                f"{folder} holds a corpus of other settings or of another version: "
                "name another folder, or pass replace=True."
            )
        _remove(folder, Settings.from_json(found))
    write_json(folder / _MARK, wanted)
    (folder / _MANIFEST).unlink(missing_ok=True)
    _remove_leftovers(folder, settings)
    return wanted


def _remove(folder: Path, settings: Settings) -> None:
    """Remove what a composition with these settings wrote, the mark excepted."""
    (folder / _MANIFEST).unlink(missing_ok=True)
    _remove_leftovers(folder, settings)
    for file in (*(slot.file for slot in settings), *map(Path, _TABLES)):
        (folder / file).unlink(missing_ok=True)
    for room in (*(_AUDIO / genre for genre in settings.genres), _AUDIO):
        # A folder in which the user keeps something of their own stays.
        with contextlib.suppress(OSError):
            (folder / room).rmdir()


def _remove_leftovers(folder: Path, settings: Settings) -> None:
    """Remove the temporary files of a composition that was killed."""
    patterns = [f"{_AUDIO}/{genre}/.{genre}.*-????????.wav" for genre in settings.genres]
    for file in map(Path, (*_TABLES, _MANIFEST, _MARK)):
        patterns.append(f".{file.stem}-????????{file.suffix}")
    for pattern in patterns:
        for leftover in folder.glob(pattern):
            leftover.unlink()


def _record_all(
    folder: Path,
    settings: Settings,
    planted: Mapping[str, Fault],
    *,
    jobs: int,
    progress: bool,
) -> None:
    import joblib

    missing = [slot for slot in settings if not (folder / slot.file).exists()]
    work = (
        joblib.delayed(_record)(folder, slot, settings, planted.get(slot.track_id))
        for slot in missing
    )
    finished = joblib.Parallel(n_jobs=jobs, return_as="generator_unordered")(work)
    for _ in progress_bar(finished, "Composing", len(missing), show=progress):
        pass


def _record(folder: Path, slot: Slot, settings: Settings, fault: Fault | None) -> None:
    # Imported here, so that opening a complete corpus waits for no renderer.
    from .recordings import sound_bytes, spoilt_bytes

    content = spoilt_bytes(fault, settings) if fault else sound_bytes(slot, settings)
    with atomic_path(folder / slot.file) as temporary:
        temporary.write_bytes(content)


def _track_rows(settings: Settings) -> Iterator[tuple]:
    for slot in settings:
        song = write_song(
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


def _truth_rows(planted: Mapping[str, Fault]) -> Iterator[tuple]:
    for track_id, fault in sorted(planted.items()):
        source = fault.source.track_id if fault.source else ""
        yield track_id, fault.name, fault.detail, source


def _write_table(path: Path, columns: Sequence[str], rows: Iterable[tuple]) -> None:
    with atomic_path(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(columns)
        table.writerows(rows)
