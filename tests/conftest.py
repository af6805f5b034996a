"""What all tests share: seeds, a work folder that is not the repository's, small music."""

# ruff: noqa: E402  (the number of threads is set before numpy is loaded)

from __future__ import annotations

import os
import random
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

# One thread a process, before anything is loaded that counts the cores: sums
# are then the same everywhere, and parallel tests do not stand in each other's way.
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"

import hypothesis
import numpy as np
import pandas as pd
import pytest
import soundfile

from gtzan_lib.data.corpus import Corpus
from gtzan_lib.data.splits import split
from gtzan_lib.data.windows import window_table

# The same examples in every run, since a suite that fails now and then is not
# believed; `--hypothesis-profile=search` looks for new ones.
hypothesis.settings.register_profile(
    "suite", derandomize=True, deadline=None, max_examples=20, database=None
)
hypothesis.settings.register_profile("search", deadline=None, max_examples=1000)
hypothesis.settings.load_profile("suite")


# What takes longest, first, so that no process is left alone with it at the end.
_LONGEST = ("test_launch.py", "test_book.py", "test_planted.py")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest files first; `--dist loadfile` keeps each in one process."""
    items.sort(
        key=lambda item: _LONGEST.index(item.path.name) if item.path.name in _LONGEST else 99
    )


@pytest.fixture(autouse=True, scope="session")
def _no_stray_files(tmp_path_factory):
    """Keep what fixtures of wide scope make out of the repository, too."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GTZAN_WORK", str(tmp_path_factory.mktemp("work")))
        yield


@pytest.fixture(autouse=True)
def work(tmp_path, monkeypatch) -> Path:
    """A work folder of this test's own, which every `Workspace` uses."""
    folder = tmp_path / "work"
    monkeypatch.setenv("GTZAN_WORK", str(folder))
    return folder


@pytest.fixture(autouse=True)
def _seeds():
    """Start every test from the same global random states."""
    random.seed(0)
    np.random.seed(0)


@pytest.fixture(autouse=True)
def _torch_seed():
    """Start every test of a module that uses torch from the same state, on one thread."""
    torch = sys.modules.get("torch")
    if torch is None:
        yield
        return
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def rng() -> np.random.Generator:
    """A generator that is the same in every run."""
    return np.random.default_rng(20)


def tone(
    number: int, *, seconds: float, rate: int, channels: int = 1, noise: float = 0.1
) -> np.ndarray:
    """Two sines and some noise, another sound for each number, never above full scale."""
    rng = np.random.default_rng(number)
    time = np.arange(round(seconds * rate)) / rate
    low, high = 110 * 1.19 ** (number % 12), 900 + 37 * number
    y = 0.4 * np.sin(2 * np.pi * low * time) + 0.2 * np.sin(2 * np.pi * high * time)
    return np.stack([y + noise * rng.uniform(-1, 1, len(y)) for _ in range(channels)], axis=1)


def write_music(
    folder: Path,
    *,
    layout: str = "genres_original",
    genres: Iterable[str] = ("blues", "rock"),
    tracks: int = 2,
    seconds: float | Iterable[float] = 1.5,
    rate: int = 22_050,
    channels: int = 1,
    ending: str = ".wav",
    name: str = "{genre}.{number:05d}",
) -> Path:
    """Write a collection of music with one folder a genre; return the folder above all."""
    lengths = [seconds] * tracks if isinstance(seconds, (int, float)) else list(seconds)
    for row, genre in enumerate(genres):
        (folder / layout / genre).mkdir(parents=True)
        for number, length in enumerate(lengths):
            file = folder / layout / genre / (name.format(genre=genre, number=number) + ending)
            y = tone(100 * row + number, seconds=length, rate=rate, channels=channels)
            soundfile.write(file, y, rate)
    return folder


@pytest.fixture
def music_folder(tmp_path) -> Callable[..., Path]:
    """`write_music` into a new folder at each call."""
    made = []

    def make(**arguments) -> Path:
        made.append(tmp_path / f"music{len(made)}")
        return write_music(made[-1], **arguments)

    return make


@pytest.fixture(scope="session")
def small_folder(tmp_path_factory) -> Path:
    """Four genres of three tracks of 4.2 s, named as in GTZAN; not to be changed."""
    genres = ("blues", "classical", "jazz", "rock")
    return write_music(tmp_path_factory.mktemp("small"), genres=genres, tracks=3, seconds=4.2)


@pytest.fixture(scope="session")
def paper_corpus() -> Callable[..., Corpus]:
    """Make a corpus that has a table but no audio, from (genre, artist, seconds) a track."""

    def make(rows: Iterable[tuple[str, str | None, float]]) -> Corpus:
        table = pd.DataFrame(list(rows), columns=["genre", "artist", "duration_s"])
        number = table.groupby("genre").cumcount()
        table["track_id"] = [f"{g}.{n:05d}" for g, n in zip(table["genre"], number, strict=True)]
        table = table.assign(path="", partition=None, sample_rate=22_050).set_index("track_id")
        table["artist"] = table["artist"].astype(object)
        corpus = Corpus("paper", Path("/nowhere"), table)
        # What would be computed from the files that it does not have.
        corpus.__dict__["fingerprint"] = "0123456789abcdef"
        return corpus

    return make


def stripes(genres: np.ndarray, *, size: int = 32, seed: int = 0) -> np.ndarray:
    """Return noisy images with one bright row, whose place depends on the genre."""
    rng = np.random.default_rng(seed)
    images = rng.integers(0, 60, (len(genres), size, size), dtype=np.uint8)
    names = sorted(set(genres))
    for image, genre in zip(images, genres, strict=True):
        row = (2 * names.index(genre) + 1) * size // (2 * len(names))
        image[row - 2 : row + 2] += 180
    return images


@pytest.fixture(scope="session")
def easy() -> tuple[np.ndarray, np.ndarray]:
    """120 images of three genres that any net learns to tell apart, and their genres."""
    genres = np.array(["blues", "jazz", "rock"] * 40)
    return stripes(genres), genres


@pytest.fixture(scope="session")
def toy_corpus(paper_corpus):
    """A corpus of three genres of twenty artists, with its windows, images and features."""
    rows = [(g, f"{g} {a}", 12.0) for g in ("blues", "jazz", "rock") for a in range(20)]
    corpus = paper_corpus(rows)
    table = window_table(corpus)
    genres = table["genre"].to_numpy(dtype=str)
    images = stripes(genres)
    means = pd.Series({"blues": 0.0, "jazz": 1.0, "rock": 2.0})[genres].to_numpy()
    rng = np.random.default_rng(4)
    features = means[:, None] + rng.normal(scale=0.6, size=(len(table), 3))
    return corpus, table, images, features


@pytest.fixture(scope="session")
def by_artist(toy_corpus):
    """The single division of the toy corpus by artist."""
    corpus, table, _, _ = toy_corpus
    return split(table, corpus)


@pytest.fixture(scope="session")
def official_corpus(toy_corpus):
    """The toy corpus with an official split: corpus, windows, features and split.

    Of the twenty artists of a genre, the last four are the test part and the four before
    them the validation part.
    """
    corpus, table, _, features = toy_corpus
    parts = ["train"] * 12 + ["valid"] * 4 + ["test"] * 4
    tracks = corpus.tracks.assign(partition=parts * 3)
    official = Corpus(corpus.name, corpus.root, tracks)
    official.__dict__["fingerprint"] = corpus.fingerprint
    return official, table, features, split(table, official, protocol="official")


@pytest.fixture(scope="session")
def gtzan_root() -> Path:
    """Real recordings of GTZAN, where there are any on this machine."""
    beside = Path(__file__).parents[1].parent / "shared" / "gtzan"
    root = Path(os.environ.get("GTZAN_ROOT") or beside)
    if not root.is_dir():
        pytest.skip("no real GTZAN here: set GTZAN_ROOT to a folder that holds it")
    return root


@pytest.fixture(scope="session")
def real_clips(gtzan_root) -> list[Path]:
    """One real clip of each of three genres."""
    from gtzan_lib.data.opening import open_corpus
    from gtzan_lib.errors import CorpusError

    try:
        tracks = open_corpus(gtzan_root).tracks
    except CorpusError:
        pytest.skip(f"{gtzan_root} holds no audio")
    whole = tracks[tracks["duration_s"] >= 6]
    if whole.empty:
        pytest.skip(f"{gtzan_root} holds no whole clips")
    return [Path(path) for path in whole.groupby("genre")["path"].first().iloc[:3]]


@pytest.fixture(scope="session")
def wheel(tmp_path_factory) -> Path:
    """Return the package as it is installed, built once."""
    folder = tmp_path_factory.mktemp("wheel")
    options = ["--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir", str(folder)]
    project = Path(__file__).parents[1]
    subprocess.run([sys.executable, "-m", "pip", "wheel", *options, str(project)], check=True)
    (file,) = folder.glob("*.whl")
    return file
