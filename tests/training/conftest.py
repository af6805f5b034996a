"""What the tests of learning share."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch

from gtzan_lib.data.splits import split
from gtzan_lib.data.windows import windows


@pytest.fixture(autouse=True)
def _torch_seed():
    """Start every test from the same state of torch, on one thread."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    yield
    torch.set_num_threads(threads)


def stripes(genres: np.ndarray, *, size: int = 32, seed: int = 0) -> np.ndarray:
    """Noisy images whose bright row tells their genre: what any net must learn."""
    rng = np.random.default_rng(seed)
    images = rng.integers(0, 60, (len(genres), size, size), dtype=np.uint8)
    names = sorted(set(genres))
    for image, genre in zip(images, genres, strict=True):
        row = (2 * names.index(genre) + 1) * size // (2 * len(names))
        image[row - 2 : row + 2] += 180
    return images


@pytest.fixture(scope="session")
def easy():
    """120 images of three genres, and their genres."""
    genres = np.array(["blues", "jazz", "rock"] * 40)
    return stripes(genres), genres


@pytest.fixture(scope="session")
def lesson(paper_corpus):
    """A corpus of three genres of twenty artists, its windows, images and features."""
    rows = [(g, f"{g} {a}", 12.0) for g in ("blues", "jazz", "rock") for a in range(20)]
    corpus = paper_corpus(rows)
    table = windows(corpus)
    genres = table["genre"].to_numpy(dtype=str)
    images = stripes(genres)
    means = pd.Series({"blues": 0.0, "jazz": 1.0, "rock": 2.0})[genres].to_numpy()
    rng = np.random.default_rng(4)
    features = means[:, None] + rng.normal(scale=0.6, size=(len(table), 3))
    return corpus, table, images, features


@pytest.fixture(scope="session")
def by_artist(lesson):
    """The lesson's single division by artist."""
    corpus, table, _, _ = lesson
    return split(table, corpus)
