"""A file, its rows in a store, a stream and a file of log-mels have the same windows."""

import math
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from gtzan_lib.data.corpus import Corpus
from gtzan_lib.data.opening import open_corpus
from gtzan_lib.data.windows import WindowCutter
from gtzan_lib.data.workspace import Workspace
from gtzan_lib.errors import CorpusError
from gtzan_lib.inference.image_model import ImageModel
from gtzan_lib.inference.model import Model
from gtzan_lib.inference.zoo import load_model
from gtzan_lib.live.streaming import listen
from gtzan_lib.signal.recipes import Recipe
from gtzan_lib.signal.spectrograms import write_log_mels
from gtzan_lib.signal.store import SpectrogramStore

RATES = (8_000, 16_000, 22_050, 44_100, 48_000)


@pytest.fixture(scope="module")
def shipped() -> Model:
    return load_model("gtzan-scratch")


def write_sound(folder: Path, frames: int, rate: int, seed: int = 0) -> Path:
    """A gliding, beating tone with some noise, as one track of a corpus."""
    time = np.arange(frames) / rate
    y = 0.3 * np.sin(2 * np.pi * (200 + 50 * np.sin(time)) * time)
    y *= 0.5 + 0.5 * np.sin(2 * np.pi * 1.7 * time)
    y += 0.02 * np.random.default_rng(seed).standard_normal(frames)
    file = folder / "music" / "genres" / "blues" / "blues.00000.wav"
    file.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(file, y.astype(np.float32), rate, subtype="FLOAT")
    return file


def store_of(corpus: Corpus, model: Model) -> tuple[np.ndarray, np.ndarray]:
    """Starts and probabilities of the windows of a store."""
    store = SpectrogramStore.build(corpus, model.recipe, work=corpus.work)
    return store.windows["start_s"].to_numpy(), model.probabilities(np.asarray(store.images))


def assert_same(model: Model, folder: Path, frames: int, rate: int) -> None:
    file = write_sound(folder, frames, rate)
    corpus = open_corpus(folder / "music", work=Workspace("same", root=folder / "work"))
    starts, probabilities = store_of(corpus, model)
    # Nothing is resampled at the model's own rate. Elsewhere pieces are, and images have 8
    # bits: a rounding can move a grey level.
    tolerance = 1e-5 if rate == model.recipe.sample_rate else 0.01

    prediction = model.predict(file)
    np.testing.assert_allclose(prediction.starts_s, starts, atol=1e-9)
    np.testing.assert_allclose(prediction.windows, probabilities, atol=tolerance)

    stream = list(listen(file, model, step=model.recipe.step))
    ends = [one.end_s for one in stream]
    np.testing.assert_allclose(ends, starts + model.recipe.seconds, atol=1e-9)
    np.testing.assert_allclose([one.window for one in stream], probabilities, atol=tolerance)

    if model.recipe.columns_per_second:
        written = write_log_mels(corpus, folder / "log_mels.npz", model.recipe, progress=False)
        again = store_of(open_corpus(written, work=corpus.work), model)
        np.testing.assert_allclose(again[0], starts, atol=1e-9)
        np.testing.assert_allclose(again[1], probabilities, atol=1e-5)


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rate=st.sampled_from(RATES),
    # From one second up, most of them short; every number of samples.
    seconds=st.floats(0.0, 5.0).map(lambda exponent: 2.0**exponent),
)
@example(rate=22_050, seconds=1.0)
@example(rate=22_050, seconds=2.99)
@example(rate=22_050, seconds=4.5)
@example(rate=22_050, seconds=29.93)
@example(rate=22_050, seconds=661_794 / 22_050)
@example(rate=44_100, seconds=3.0)
@example(rate=48_000, seconds=30.0)
def test_same_windows_and_probabilities(shipped, tmp_path_factory, rate, seconds):
    folder = tmp_path_factory.mktemp("same")
    assert_same(shipped, folder, max(rate, round(seconds * rate)), rate)


@pytest.mark.parametrize("name", ["stft-3s", "mel-3s"])
@pytest.mark.parametrize(("seconds", "rate"), [(2.0, 12_000), (7.6, 22_050), (31.4, 44_100)])
def test_recipes_that_transform_each_window_by_itself(tmp_path, name, seconds, rate):
    recipe = Recipe.preset(name, size=32, step=1.5)
    model = untrained(recipe)
    assert_same(model, tmp_path, round(seconds * rate), rate)


def untrained(recipe: Recipe) -> Model:
    import torch

    from gtzan_lib.models.registry import build

    arguments = {"classes": 3, "size": list(recipe.shape), "channels": [4, 8], "head": "pool"}
    with torch.random.fork_rng():
        torch.manual_seed(1)
        net = build("minivgg", **arguments)
    card = {
        "architecture": "minivgg",
        "arguments": arguments,
        "genres": ["blues", "jazz", "rock"],
        "recipe": recipe.as_dict(),
    }
    return ImageModel("untrained", card, net)


@pytest.mark.check
def test_two_hours(tmp_path):
    recipe = Recipe.preset("mel-gtzan-store", size=16, seconds=3.0, step=40.0)
    assert_same(untrained(recipe), tmp_path, 7_200 * 8_000 + 1_234, 8_000)


def test_grids_of_hours_agree_without_sound(shipped):
    """Every start of long sounds, by the grid and by the stream's cutter."""
    rate = 50
    recipe = shipped.recipe
    for seconds in (3_600.0, 7_200.0, 7_201.51):
        cutter = WindowCutter(recipe.grid, rate)
        windows = []
        for start in range(0, math.ceil(seconds * rate), 10_000):
            size = min(10_000, round(seconds * rate) - start)
            windows += cutter.push(np.zeros(size, dtype=np.float32))
        windows += cutter.finish(seconds)
        starts = [window.start_s for window in windows]
        np.testing.assert_array_equal(starts, recipe.grid.starts(seconds))


def test_shared_log_mels_have_the_windows_of_the_audio(shipped, gtzan_root, work):
    """Each clip is stretched over 387 columns there, which a stream cannot know."""
    shared = gtzan_root / "mel" / "gtzan_logmel_999.npz"
    try:
        audio_corpus = open_corpus(gtzan_root / "mini")
        log_mel_corpus = open_corpus(shared)
    except CorpusError:
        pytest.skip(f"{gtzan_root} holds no audio or no log-mels")
    known = audio_corpus.tracks["partition"].isin(["train", "valid"])
    tracks = audio_corpus.tracks.index[
        known & audio_corpus.tracks.index.isin(log_mel_corpus.tracks.index)
    ][::3]
    store = SpectrogramStore.build(log_mel_corpus.select(tracks=tracks), shipped.recipe)
    probabilities = shipped.probabilities(np.asarray(store.images))
    agree = []
    for track_id, rows in store.windows.groupby("track_id", sort=False).indices.items():
        prediction = shipped.predict(audio_corpus.tracks.at[track_id, "path"])
        starts = store.windows["start_s"].to_numpy()[rows]
        np.testing.assert_allclose(prediction.starts_s, starts, atol=1e-4)
        agree += list(prediction.windows.argmax(axis=1) == probabilities[rows].argmax(axis=1))
    assert np.mean(agree) >= 0.85
