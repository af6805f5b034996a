"""Composed music, laid out on the disk as each data set is."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Iterable
from pathlib import Path

import soundfile

# The first rows of FMA's table of tracks, with some of its 52 columns.
FMA_COLUMNS = (
    ("album", "id"),
    ("album", "title"),
    ("artist", "id"),
    ("artist", "name"),
    ("set", "split"),
    ("set", "subset"),
    ("track", "genre_top"),
    ("track", "title"),
)


def composed_files(composed: Path) -> list[Path]:
    """Return the files of a composed corpus, sorted."""
    return sorted(composed.glob("genres_original/*/*.wav"))


def gtzan(composed: Path, folder: Path, *, layout: str, ending: str = ".wav") -> Path:
    """GTZAN's names in one of its layouts, without the table of the composed artists."""
    for file in composed_files(composed):
        target = folder / layout / file.parent.name / f"{file.stem}{ending}"
        target.parent.mkdir(parents=True, exist_ok=True)
        if ending == ".wav":
            shutil.copy(file, target)
        else:
            soundfile.write(target, *soundfile.read(file))
    return folder


def albums(composed: Path, folder: Path) -> Path:
    """`blues/Artist 0/Album 0/01 blues.wav`; two tracks an artist, the second in another album."""
    for number, file in enumerate(composed_files(composed)):
        artist, song = f"Artist {number // 2}", f"{number:02d} {file.parent.name}.wav"
        target = folder / file.parent.name / artist / f"Album {number % 2}" / song
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(file, target)
    return folder


def fma(
    composed: Path,
    folder: Path,
    *,
    size: str = "fma_small",
    genres: dict[str, str] | None = None,
    beside: Iterable[tuple] = (),
) -> Path:
    """`fma_small/000/000002.mp3` and `fma_metadata/tracks.csv` with its three header rows."""
    names = genres or {"blues": "Blues", "jazz": "Old-Time / Historic"}
    rows = []
    for number, file in enumerate(composed_files(composed)):
        # Numbers of two folders, with leading zeros in file names alone.
        track = 2 + 998 * (number % 2) + number
        target = folder / size / f"{track // 1000:03d}" / f"{track:06d}.mp3"
        target.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(target, *soundfile.read(file))
        split = ("training", "validation", "test")[number % 3]
        genre = names[file.parent.name]
        artist = number // 2
        rows.append(
            (track, 1, "An album,\nwith two lines", artist, "None", split, "small", genre, '"Song"')
        )
    rows += beside
    table = folder / "fma_metadata" / "tracks.csv"
    table.parent.mkdir(parents=True, exist_ok=True)
    with table.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["", *(first for first, _ in FMA_COLUMNS)])
        writer.writerow(["", *(second for _, second in FMA_COLUMNS)])
        writer.writerow(["track_id", *("" for _ in FMA_COLUMNS)])
        writer.writerows(rows)
    return folder
