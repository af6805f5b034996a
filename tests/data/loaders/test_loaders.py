"""Every loader opens its data set, and no other's."""

import shutil
import warnings

import pandas as pd
import pytest

from gtzan_lib.data.corpus import COLUMNS, AudioCorpus
from gtzan_lib.data.loaders import LOADERS
from gtzan_lib.data.opening import corpus_state, open_corpus
from gtzan_lib.data.splits import split
from gtzan_lib.data.windows import WindowGrid, window_table
from gtzan_lib.errors import CorpusError
from gtzan_lib.health.check import check_health
from gtzan_lib.signal.features import features

from . import layouts

# Each layout, by the loader that must take it.
LAYOUTS = {
    "kaggle": ("gtzan", lambda c, f: layouts.gtzan(c, f, layout="Data/genres_original")),
    "marsyas": ("gtzan", lambda c, f: layouts.gtzan(c, f, layout="genres", ending=".au")),
    "mirdata": ("gtzan", lambda c, f: layouts.gtzan(c, f, layout="gtzan_genre/genres")),
    "flat": ("gtzan", lambda c, f: layouts.gtzan(c, f, layout=".")),
    "fma": ("fma", layouts.fma),
    "albums": ("folder", layouts.albums),
}


@pytest.fixture(params=LAYOUTS)
def laid_out(request, composed, tmp_path):
    """Name of the expected loader, and a folder in its layout."""
    name, write = LAYOUTS[request.param]
    return name, write(composed, tmp_path / "music")


def test_one_loader_takes_a_folder(laid_out):
    name, folder = laid_out
    takers = (loader for loader, module in LOADERS.items() if module.find(folder))
    assert next(takers) == name


def test_tracks_are_complete(laid_out):
    name, folder = laid_out
    corpus = open_corpus(folder)
    assert isinstance(corpus, AudioCorpus)
    assert corpus.name == ("music" if name == "folder" else name)
    assert len(corpus) == 6
    assert len(corpus.genres) == 2
    assert corpus.tracks.columns.tolist() == list(COLUMNS)
    assert corpus.tracks["artist"].notna().all()
    assert corpus.tracks["duration_s"].between(1.4, 1.7).all()
    # Stores and log-mel files read the genre from the id.
    assert all(i.startswith(f"{g}.") for i, g in corpus.tracks["genre"].items())
    assert not corpus.tracks.index.str.contains("/").any()


def test_an_opened_corpus_can_be_used(laid_out):
    _, folder = laid_out
    corpus = open_corpus(folder)
    report = check_health(folder, progress=False)
    assert report.n_files == 6
    assert len(features(corpus, 1.0, progress=False)) == 12
    table = window_table(corpus, WindowGrid(1.0))
    assert len(split(table, corpus, protocol="track")) == 1


def test_state_follows_the_files(laid_out):
    _, folder = laid_out
    before = corpus_state(folder)
    assert corpus_state(folder) == before
    next(folder.rglob("*[0-9a-z].[wam]*")).unlink()
    assert corpus_state(folder) != before


def test_each_loader_says_what_its_data_set_is():
    for loader in LOADERS.values():
        assert loader.ABOUT.title
        assert loader.ABOUT.license
        assert loader.ABOUT.how_to_get
        assert loader.ABOUT.official_split


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("000", "is a number"),
        ("17", "is a number"),
        ("CD 1", "is a disc"),
        ("disc2", "is a disc"),
        ("Train", "is a part of a split"),
        ("validation", "is a part of a split"),
        ("B", "is a letter"),
        ("mp3", "is a container"),
        ("fma_large", "holds genres or tracks"),
    ],
)
def test_folders_that_are_no_genres_are_refused(music_folder, name, reason):
    folder = music_folder(layout=".", genres=["fado", name], name="song {number}")
    with pytest.raises(CorpusError, match=f"its folder '{name}' {reason}.*, not a genre; name a"):
        open_corpus(folder)


@pytest.mark.parametrize("name", ["1980", "2010", "90s", "R&B", "8-bit", "test tones"])
def test_unusual_genres_are_opened(music_folder, name):
    assert name in open_corpus(music_folder(layout=".", genres=["fado", name])).genres


def test_parts_of_a_split_with_genres_below_are_refused(composed, tmp_path):
    for part in ("train", "test"):
        shutil.copytree(composed / "genres_original", tmp_path / "m" / part)
    with pytest.raises(CorpusError, match="its folder 'test' is a part of a split"):
        open_corpus(tmp_path / "m")


def test_a_users_table_replaces_what_the_loader_knows(laid_out):
    name, folder = laid_out
    ids = open_corpus(folder).tracks.index
    table = pd.DataFrame({"track_id": ids, "artist": "A", "partition": ["train", "valid"] * 3})
    table.to_csv(folder / "tracks.csv", index=False)
    corpus = open_corpus(folder)
    assert set(corpus.tracks["artist"]) == {"A"}
    assert corpus.tracks["partition"].tolist() == ["train", "valid"] * 3
    if name == "gtzan":
        # A model that was trained on GTZAN must know its tracks again.
        assert corpus.name == "gtzan"


def test_the_composed_corpus_keeps_its_name(composed):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        corpus = open_corpus(composed)
    assert corpus.name == "synthetic"
    assert not set(corpus.tracks["artist"]) & set(LOADERS["gtzan"].facts()["artist"])
