"""Compose the examples of the book's page "Try it" as short MP3 files."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import NamedTuple

from gtzan_lib.mp3 import compression_level, encode
from gtzan_lib.synthetic.songs import compose_song
from gtzan_lib.synthetic.studio import SAMPLE_RATE, render

__all__ = ["EXAMPLES", "FOLDER", "Example", "write_examples"]

FOLDER = Path(__file__).with_name("examples")
"""Where the build of the page takes them from."""

SECONDS = 12
KBIT_S = 40

# No corpus of this project is composed with this seed.
_SEED = 1902


class Example(NamedTuple):
    """A song of the seed of examples: its genre and the number of its artist."""

    genre: str
    artist: int


EXAMPLES = (Example("jazz", 0), Example("metal", 1), Example("reggae", 1))
"""A quintet, distorted guitars, chords off the beat: they sound different."""


def write_examples(folder: Path = FOLDER) -> list[Path]:
    """Write the examples, and `examples.json` with what the page says about them.

    Parameters
    ----------
    folder : Path
        Folder for the files; files of the same names are replaced.

    Returns
    -------
    list of Path
        The MP3 files: 12 s, one channel, 22.05 kHz.
    """
    folder.mkdir(parents=True, exist_ok=True)
    level = round(compression_level(KBIT_S, SAMPLE_RATE), 2)
    files, about = [], []
    for genre, artist in EXAMPLES:
        song = compose_song(seed=_SEED, genre=genre, artist=artist, track=0)
        files.append(folder / f"{genre}.mp3")
        files[-1].write_bytes(encode(render(song, seconds=SECONDS), SAMPLE_RATE, level))
        about.append({"genre": genre, "title": song.title, "artist": song.artist.name})
    text = json.dumps(about, indent=2, ensure_ascii=False)
    (folder / "examples.json").write_text(f"{text}\n", encoding="utf-8")
    return files


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=FOLDER, help="default: examples/")
    for path in write_examples(parser.parse_args().folder):
        print(path)
