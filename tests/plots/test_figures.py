"""Figures use the given axes and show the numbers they are given."""

import base64
import inspect
import io
import re
from types import SimpleNamespace

import matplotlib

matplotlib.use("agg")

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import soundfile
from sklearn.neighbors import KNeighborsClassifier

from gtzan_lib import plots
from gtzan_lib.data.corpus import AudioCorpus
from gtzan_lib.data.opening import open_corpus
from gtzan_lib.data.splits import split
from gtzan_lib.errors import StoreError
from gtzan_lib.evaluation.evaluate import evaluate
from gtzan_lib.genres import GENRES
from gtzan_lib.health.check import check_health
from gtzan_lib.plots.spectrograms import export_views
from gtzan_lib.signal.recipes import Recipe
from gtzan_lib.signal.store import SpectrogramStore
from gtzan_lib.synthetic import PLANTED_FAULTS, compose
from gtzan_lib.training.classifier import NetClassifier


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def corpus(small_folder):
    return open_corpus(small_folder)


@pytest.fixture(scope="module")
def store(corpus, tmp_path_factory):
    recipe = Recipe.preset(size=16, seconds=1)
    return SpectrogramStore.build(corpus, recipe, path=tmp_path_factory.mktemp("plots") / "store")


@pytest.fixture(scope="module")
def evaluation(store, corpus):
    folds = split(store.windows, corpus, protocol="track")
    flat = store.images.reshape(len(store), -1)
    return evaluate(KNeighborsClassifier(3), flat, store.windows, folds)


def test_every_public_name_is_a_function():
    for name in plots.__all__:
        assert inspect.isfunction(getattr(plots, name)), name


def drawings(store, corpus, evaluation) -> dict:
    """Figures that draw into given axes, by name."""
    return {
        "levels": lambda ax: plots.levels(check_health(corpus).files, ax),
        "spectrogram": lambda ax: plots.spectrogram(store.images[0], store.recipe, ax),
        "split_counts": lambda ax: plots.split_counts(evaluation.split, ax),
        "confusion_matrix": lambda ax: plots.confusion_matrix(evaluation, ax),
        "recall": lambda ax: plots.recall(evaluation, ax),
    }


@pytest.mark.parametrize(
    "name", ["levels", "spectrogram", "split_counts", "confusion_matrix", "recall"]
)
def test_given_axes_are_used(store, corpus, evaluation, name):
    draw = drawings(store, corpus, evaluation)[name]
    _, ax = plt.subplots()
    assert draw(ax) is ax
    assert ax.has_data()
    new = draw(None)
    assert new is not ax
    assert new.has_data()
    new.figure.canvas.draw()


def test_spectrogram_has_seconds_and_kilohertz(store):
    ax = plots.spectrogram(store.images[0], store.recipe, title="x")
    (image,) = ax.images
    np.testing.assert_array_equal(image.get_array(), store.images[0])
    left, right, bottom, top = image.get_extent()
    assert (bottom, top) == (0, 6)
    # 501 of 512 columns are filled; the others are half before, half after the window.
    assert (left + right) / 2 == pytest.approx(0.5)
    assert right - left == pytest.approx(1 + 11 * 24 / 12_000)
    assert image.origin == "lower"
    assert ax.get_ylabel() == "frequency (kHz)"


def extent(recipe: Recipe) -> tuple[float, ...]:
    ax = plots.spectrogram(np.zeros(recipe.shape, dtype=np.uint8), recipe)
    assert ax.images[0].origin == "lower"
    return tuple(ax.images[0].get_extent())


def test_axes_of_every_recipe():
    # 508 of 512 columns are filled.
    assert extent(Recipe.preset()) == pytest.approx((-2 * 71 / 12e3, 3 + 2 * 71 / 12e3, 0, 6))
    # Rotated by 180 degrees: row 0 is the highest frequency, column 0 the latest.
    assert extent(Recipe.preset("stft-10s-legacy")) == pytest.approx((10, 0, 11.025, 0))
    assert extent(Recipe.preset("mel-3s", size=64)) == pytest.approx((0, 3, 0, 128))
    assert extent(Recipe.preset("mel-30s")) == pytest.approx((0, 30, 0, 128))
    assert extent(Recipe.preset("mel-gtzan-store")) == pytest.approx((0, 30, 0, 128))
    recipe = Recipe.preset("mel-3s")
    ax = plots.spectrogram(np.zeros(recipe.shape, dtype=np.uint8), recipe)
    assert ax.get_ylabel() == "mel band"


def test_all_windows_of_a_track(store):
    figure = plots.track_spectrograms(store, "jazz.00001", columns=3)
    windows = store.windows[store.windows["track_id"] == "jazz.00001"]
    shown = [ax for ax in figure.axes if ax.images]
    assert [ax.get_title() for ax in shown] == ["from 0 s", "from 1 s", "from 2 s", "from 3 s"]
    for ax, row in zip(shown, windows.index, strict=True):
        np.testing.assert_array_equal(ax.images[0].get_array(), store.images[row])
    assert figure.get_suptitle() == "jazz.00001"
    assert len({ax.get_position().y0 for ax in shown}) == 2
    figure.canvas.draw()


def test_track_that_is_not_in_the_store(store):
    with pytest.raises(
        StoreError, match=r"has no window of track 'jazz\.00009'; choose another track\."
    ):
        plots.track_spectrograms(store, "jazz.00009")


def test_a_figure_for_each_track_is_written(corpus, tmp_path):
    recipe = Recipe.preset("mel-3s", size=(12, 20), seconds=2)
    tracks = corpus.select(tracks=["jazz.00001", "rock.00000"])
    store = SpectrogramStore.build(tracks, recipe, path=tmp_path / "store")
    before = plt.get_fignums()
    export_views(store, tmp_path / "new" / "view")
    assert plt.get_fignums() == before
    files = sorted(file.name for file in (tmp_path / "new" / "view").iterdir())
    assert files == ["jazz.00001.png", "rock.00000.png"]
    assert plt.imread(tmp_path / "new" / "view" / files[0]).std() > 0


def test_gallery_has_one_image_a_genre(store):
    figure = plots.spectrogram_gallery(store, columns=3)
    shown = [ax for ax in figure.axes if ax.images]
    assert [ax.get_title() for ax in shown] == ["blues", "classical", "jazz", "rock"]
    for ax in shown:
        first = store.windows.index[store.windows["genre"] == ax.get_title()][0]
        np.testing.assert_array_equal(ax.images[0].get_array(), store.images[first])
    figure.canvas.draw()


def test_confusion_matrix_shows_the_counts(evaluation):
    ax = plots.confusion_matrix(evaluation, unit="window")
    counts = evaluation.confusion_matrix("window").to_numpy()
    assert sum(int(text.get_text() or 0) for text in ax.texts) == counts.sum()


def test_split_counts_show_the_counts(evaluation):
    counts = evaluation.split.parts()
    ax = plots.split_counts(evaluation.split)
    shown = [int(text.get_text()) for text in ax.texts]
    assert shown == counts.to_numpy().ravel().tolist()


def test_recall_has_a_dot_and_an_interval_a_genre(evaluation):
    ax = plots.recall(evaluation)
    table = evaluation.per_genre()
    dots = [line.get_xdata()[0] for line in ax.lines if line.get_marker() == "o"]
    assert sorted(dots) == pytest.approx(sorted(table["recall"]))
    intervals = [tuple(line.get_xdata()) for line in ax.lines[:-1] if line.get_marker() != "o"]
    assert sorted(intervals) == sorted(zip(table["low"], table["high"], strict=True))


@pytest.mark.parametrize("validate", [True, False])
def test_training_history_shows_the_parts_in_use(store, validate):
    net = NetClassifier(
        arguments={"channels": [2], "hidden": 2}, epochs=2, batch_size=8, device="cpu"
    )
    part = store.images[:8], store.genres[[*range(4), *range(12, 16)]]
    figure = plots.training_history(net.fit(*part, valid=part if validate else None))
    for ax in figure.axes:
        labels = [line.get_label() for line in ax.lines]
        assert labels == (["training", "validation"] if validate else ["training"])
        assert all(len(line.get_xdata()) == 2 for line in ax.lines)


def test_levels_leave_out_silent_and_unreadable_files(tmp_path):
    folder = tmp_path / "music" / "jazz"
    folder.mkdir(parents=True)
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, 8_000)
    soundfile.write(folder / "a.wav", noise, 8_000)
    soundfile.write(folder / "b.wav", 0 * noise, 8_000)
    (folder / "c.wav").write_bytes(b"x")
    with pytest.warns(UserWarning, match="cannot be read"):
        files = check_health(open_corpus(tmp_path / "music")).files
    ax = plots.levels(files)
    assert sum(len(dots.get_offsets()) for dots in ax.collections) == 1


def test_colours_are_the_same_on_every_page():
    fixed = plots.genre_colors(list(GENRES))
    assert len(set(fixed.values())) == 10
    assert plots.genre_colors(["rock", "blues"]) == {
        genre: fixed[genre] for genre in ("rock", "blues")
    }
    more = plots.genre_colors(["fado", *GENRES, "samba"])
    assert len(set(more.values())) == 12


def test_players_play_the_synthetic_corpus_only(corpus):
    assert "audio" not in plots.players(corpus).data
    synthetic = AudioCorpus("synthetic", corpus.root, corpus.tracks.assign(artist="<b>"))
    page = plots.players(synthetic, seconds=1.0).data
    sources = re.findall(r"data:audio/mpeg;base64,([^']+)'", page)
    assert len(sources) == 4
    assert "<b>" not in page
    y, rate = soundfile.read(io.BytesIO(base64.b64decode(sources[0])))
    assert rate == 22_050
    assert len(y) / rate == pytest.approx(1, abs=0.15)


@pytest.fixture(scope="module")
def planted(tmp_path_factory):
    """A corpus with one fault of every kind, and its `truth.csv`."""
    folder = compose(
        tmp_path_factory.mktemp("planted") / "corpus", artists=3, tracks=1, seconds=5, seed=3,
        genres=("blues", "disco", "jazz", "metal", "pop", "rock", "reggae"),
        faults=dict.fromkeys(PLANTED_FAULTS, 1),
    )  # fmt: skip
    with pytest.warns(UserWarning, match="cannot be read"):
        return open_corpus(folder), pd.read_csv(folder / "truth.csv")


def test_every_fault_of_a_single_file_has_its_waveform(planted):
    figure = plots.faults(*planted)
    titles = [ax.get_title().split("\n")[0] for ax in figure.axes if ax.get_title()]
    names = {fault.replace("-", " ") for fault in PLANTED_FAULTS[:8]}
    assert sorted(titles) == sorted(names)
    assert len([ax for ax in figure.axes if ax.lines]) == 2 * 7  # all but the unreadable one
    figure.canvas.draw()


def test_every_kind_of_duplicate_has_its_peak_at_the_lag(planted):
    figure = plots.duplicates(*planted)
    assert len(figure.axes) == 5
    for ax in figure.axes:
        x, y = ax.lines[0].get_data()
        shift = ax.get_title().removeprefix("shifted\nshift ").removesuffix(" s")
        expected = -float(shift) if "shifted" in ax.get_title() else 0
        assert x[np.argmax(y)] == pytest.approx(expected, abs=0.16)


def test_an_aligned_pair_lies_on_each_other(tmp_path):
    """One of two copies is quieter, begins 1.5 s later, and its lag is known to a frame."""
    rng = np.random.default_rng(0)
    y = rng.normal(scale=0.1, size=4 * 22_050)
    late = int(1.5 * 22_050)
    paths = [tmp_path / "a.wav", tmp_path / "b.wav"]
    for path, samples in zip(paths, (y, 0.5 * y[late:]), strict=True):
        soundfile.write(path, samples, 22_050)
    tracks = pd.DataFrame({"path": list(map(str, paths))}, index=["a", "b"])
    corpus = SimpleNamespace(tracks=tracks)
    figure = plots.aligned_pair(corpus, pd.Series({"a": "a", "b": "b", "lag_s": 1.52}))
    first, second, enlarged = figure.axes
    assert [ax.get_title(loc="left") for ax in (first, second)] == ["a", "b"]
    assert second.lines[0].get_xdata()[0] == pytest.approx(1.5, abs=1 / 22_050)
    assert first.get_xlim() == second.get_xlim()
    one, two = (line.get_ydata() for line in enlarged.lines)
    assert len(one) == pytest.approx(0.02 * 22_050, abs=2)
    shared = slice(5, min(len(one), len(two)) - 5)
    assert np.corrcoef(one[shared], two[shared])[0, 1] > 0.99


def test_tracks_that_cannot_be_decoded_have_no_players(planted):
    corpus, truth = planted
    page = plots.players(corpus, truth.set_index("fault")["track_id"].to_dict(), seconds=1).data
    assert page.count("<audio") == len(PLANTED_FAULTS) - 1
    assert "unreadable" not in page
