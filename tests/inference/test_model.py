"""Predictions for sound of any format and length, and errors for files without sound."""

import dataclasses
import itertools
import json
import os
import subprocess
import sys
import wave
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from hypothesis import assume, given
from hypothesis import strategies as st

import gtzan_lib
from gtzan_lib.data.corpus import Corpus
from gtzan_lib.data.opening import open_corpus
from gtzan_lib.errors import AudioError, CorpusError, GtzanError, ModelError
from gtzan_lib.inference import zoo
from gtzan_lib.inference.image_model import ImageModel
from gtzan_lib.inference.model import Model
from gtzan_lib.inference.prediction import Prediction
from gtzan_lib.inference.zoo import load_model, save_model
from gtzan_lib.signal.recipes import Recipe
from gtzan_lib.signal.spectrograms import spectrograms
from gtzan_lib.signal.store import SpectrogramStore
from gtzan_lib.training.classifier import NetClassifier

GENRES = ("blues", "jazz", "rock")
JSON_FIELDS = {
    "genre",
    "confidence",
    "unfamiliar",
    "distance",
    "distance_limit",
    "probabilities",
    "timeline",
}
RECIPES = {
    "stft-3s": Recipe.preset("stft-3s", size=32),
    "mel-3s": Recipe.preset("mel-3s", size=32),
    "mel-gtzan-store": Recipe.preset("mel-gtzan-store", seconds=3.0, size=32),
}


def music(seconds: float, rate: int = 12_000, channels: int = 1, *, first: int = 0) -> np.ndarray:
    """Return sound that changes every two seconds: a low chord, a high one, and noise."""
    time = np.arange(round(seconds * rate)) / rate
    rng = np.random.default_rng(3)
    low = sum(np.sin(2 * np.pi * f * time) for f in (110, 165, 220))
    high = sum(np.sin(2 * np.pi * f * time) for f in (1100, 1870, 2900))
    kinds = np.stack([low / 3, high / 3, rng.uniform(-1, 1, len(time))])
    y = 0.3 * kinds[(time // 2 + first).astype(int) % 3, np.arange(len(time))]
    y = y[:, None] + 0.003 * rng.uniform(-1, 1, (len(time), channels))
    return (y[:, 0] if channels == 1 else y).astype(np.float32)


def train(folder: Path, recipe: Recipe) -> Path:
    """Train a model that separates the three kinds of sound in `music`, more or less."""
    torch.manual_seed(0)
    torch.set_num_threads(1)
    images, genres = [], []
    for seed in range(36):
        y = music(7, recipe.sample_rate, first=seed % 3)[seed * 1000 :]
        images.append(spectrograms(y[: recipe.samples], recipe, np.zeros(1))[0])
        genres.append(GENRES[seed % 3])
    net = NetClassifier(
        arguments={"channels": [4, 4], "head": "pool", "inputs": "bands"}, epochs=4, batch_size=6,
        learning_rate=0.02, device="cpu",
    ).fit(np.stack(images), np.array(genres))  # fmt: skip
    return save_model(folder, net, recipe)


@pytest.fixture(scope="module")
def models(tmp_path_factory) -> dict[str, Model]:
    """A model for each recipe."""
    folder = tmp_path_factory.mktemp("models")
    return {name: load_model(train(folder / name, recipe)) for name, recipe in RECIPES.items()}


@pytest.fixture(scope="module")
def model(models) -> Model:
    return models["stft-3s"]


def write(file: Path, y: np.ndarray, rate: int) -> Path:
    soundfile.write(file, y, rate, subtype="FLOAT")
    return file


def near(a: Prediction, b: Prediction, tolerance: float = 1e-5) -> None:
    """Check that two predictions are nearly equal."""
    assert a.genres == b.genres
    assert a.window_s == b.window_s
    np.testing.assert_allclose(a.starts_s, b.starts_s, atol=1e-9)
    np.testing.assert_allclose(a.windows, b.windows, atol=tolerance)


# --- from sound to genres -----------------------------------------------------


def test_predictions_of_the_models_vary(models):
    """The other tests would compare constants otherwise."""
    for model in models.values():
        prediction = model.predict(music(30), sample_rate=12_000)
        assert np.ptp(prediction.windows, axis=0).max() > 0.2


@pytest.mark.parametrize(("seconds", "rate", "channels"), [(30.0, 22_050, 1), (7.1, 44_100, 2)])
@pytest.mark.parametrize("name", RECIPES)
def test_file_and_samples_and_store_agree(models, tmp_path, name, seconds, rate, channels):
    model, y = models[name], music(seconds, rate, channels)
    folder = tmp_path / "genres_original" / "jazz"
    folder.mkdir(parents=True)
    file = write(folder / "jazz.00000.wav", y, rate)
    prediction = model.predict(file)
    near(prediction, model.predict(y, sample_rate=rate))
    store = SpectrogramStore.build(open_corpus(tmp_path), RECIPES[name], path=tmp_path / "store")
    assert np.array_equal(store.windows["start_s"], prediction.starts_s)
    np.testing.assert_array_equal(model.images(y, rate), store.images)
    expected = model.estimator.predict_proba(store.images).mean(axis=0)
    np.testing.assert_allclose(list(prediction.probabilities.values()), expected, atol=1e-5)
    assert prediction.genre == GENRES[expected.argmax()]


@pytest.mark.parametrize(
    ("seconds", "starts"),
    [
        (1.0, [0]), (2.9, [0]), (3.0, [0]), (29.9, [*range(0, 27, 3), 26.9]),
        (31.0, range(0, 30, 3)), (31.5, [*range(0, 30, 3), 28.5]),
        (65.0, [*range(0, 63, 3), 62]),
    ],
)  # fmt: skip
@pytest.mark.parametrize("name", ["stft-3s", "mel-gtzan-store"])
def test_any_length(models, tmp_path, name, seconds, starts):
    model, y = models[name], music(seconds, 8_000)
    prediction = model.predict(write(tmp_path / "a.wav", y, 8_000))
    assert prediction.starts_s == pytest.approx(list(starts))
    assert prediction.windows.sum(axis=1) == pytest.approx(1, abs=1e-5)
    near(prediction, model.predict(y, sample_rate=8_000))


@pytest.mark.parametrize(
    ("rate", "channels"), [(8_000, 1), (11_025, 2), (44_100, 2), (48_000, 1), (192_000, 6)]
)
def test_any_rate_and_channels(model, tmp_path, rate, channels):
    y = music(6.0, rate, channels)
    prediction = model.predict(write(tmp_path / "a.wav", y, rate))
    near(prediction, model.predict(y, sample_rate=rate))
    near(prediction, model.predict(y.reshape(len(y), -1).mean(axis=1), sample_rate=rate), 0.02)


@pytest.mark.parametrize("ending", [".flac", ".ogg", ".mp3", ".au"])
def test_other_formats(model, tmp_path, ending):
    soundfile.write(tmp_path / f"a{ending}", music(9, 22_050), 22_050)
    prediction = model.predict(str(tmp_path / f"a{ending}"))
    near(prediction, model.predict(music(9), sample_rate=12_000), 0.3)
    assert prediction.starts_s.tolist() == [0, 3, 6]


def test_level_and_type_of_the_samples_do_not_matter(model):
    y = music(6)
    prediction = model.predict(y, sample_rate=12_000)
    near(model.predict(y.astype(np.float64) * 0.01, sample_rate=12_000), prediction, 0.05)
    whole = np.round(y * 2**15).astype(np.int16)
    near(model.predict(whole, sample_rate=12_000), prediction, 0.05)
    near(model.predict(whole[:, None].repeat(2, axis=1), sample_rate=12_000), prediction, 0.05)


def test_short_sound_is_repeated(model):
    y = music(1.5)
    near(
        model.predict(y, sample_rate=12_000),
        model.predict(np.concatenate([y, y]), sample_rate=12_000),
    )


def test_step(model, tmp_path):
    y = music(9)
    prediction = model.predict(write(tmp_path / "a.wav", y, 12_000), step=1)
    assert prediction.starts_s.tolist() == [0, 1, 2, 3, 4, 5, 6]
    (alone,) = model.predict(y[24_000:60_000], sample_rate=12_000).windows
    np.testing.assert_allclose(prediction.windows[2], alone, atol=1e-5)


def test_silent_windows_are_left_out(model):
    y = music(12)
    y[36_000:72_000] = 0
    prediction = model.predict(y, sample_rate=12_000)
    assert prediction.starts_s.tolist() == [0, 6, 9]
    assert len(model.images(y, 12_000)) == 4


def test_nets_predict_small_batches(model, monkeypatch):
    """Memory does not grow with the length of the sound."""
    sizes = []
    model.net.register_forward_pre_hook(lambda _, given: sizes.append(len(given[0])))
    prediction = model.predict(music(100, 8_000), sample_rate=8_000, step=0.5)
    assert sum(sizes) == len(prediction.windows) == 195
    assert 0 < min(sizes) <= max(sizes) <= 64
    model.net._forward_pre_hooks.clear()


def test_prediction_restores_the_threads_of_torch(model):
    torch.set_num_threads(2)
    model.predict(music(3), sample_rate=12_000)
    assert torch.get_num_threads() == 2
    with pytest.raises(AudioError):
        model.predict(np.zeros(36_000), sample_rate=12_000)
    assert torch.get_num_threads() == 2
    list(model.predict_files(["nowhere.wav"]))
    assert torch.get_num_threads() == 2


@pytest.mark.filterwarnings("error")
def test_silent_batches_are_not_given_to_the_net(model):
    """Some nets warn that an empty batch has no mean."""
    y = np.zeros(100 * 8_000, dtype=np.float32)
    with pytest.raises(AudioError, match="is silent"):
        model.predict(y, sample_rate=8_000)
    y[-28_000:] = music(3.5, 8_000)
    assert model.predict(y, sample_rate=8_000).starts_s.tolist() == [96]


def test_net_of_other_inputs_is_refused_for_sound(easy, tmp_path):
    images = easy[0][:12][:, None].repeat(2, axis=1)
    net = NetClassifier(
        "tracknet", arguments={"channels": [2, 3], "hidden": 3}, epochs=1, batch_size=6,
        device="cpu",
    ).fit(images, easy[1][:12])  # fmt: skip
    model = load_model(save_model(tmp_path / "m", net, RECIPES["stft-3s"]))
    with pytest.raises(ModelError, match=r"is a tracknet, which does not predict single .*\.$"):
        model.predict(music(3), sample_rate=12_000)
    assert model.estimator.predict_proba(images).shape == (12, 3)


# --- files that cannot be predicted -------------------------------------------


def spoilt(value: float) -> np.ndarray:
    y = music(4)
    y[20_000] = value
    return y


def damaged_flac(file: Path) -> None:
    soundfile.write(file, music(9), 12_000)
    file.write_bytes(file.read_bytes()[:60_000])


BAD = {
    "empty.wav": lambda file: file.write_bytes(b""),
    "text.mp3": lambda file: file.write_text("Dear diary, today I heard music.\n" * 40),
    "folder.wav": lambda file: file.mkdir(),
    "missing.wav": lambda file: None,
    "no samples.wav": lambda file: write(file, np.zeros(0), 8_000),
    "short.wav": lambda file: write(file, music(0.5), 12_000),
    "silent.wav": lambda file: write(file, np.zeros(50_000), 12_000),
    "nan.wav": lambda file: write(file, spoilt(np.nan), 12_000),
    "inf.wav": lambda file: write(file, spoilt(-np.inf), 12_000),
    "other rate.wav": lambda file: write(file, spoilt(np.nan), 16_000),
    "too large.wav": lambda file: write(file, spoilt(1e30), 12_000),
    "broken.flac": damaged_flac,
}
_INVALID = "has samples that are not finite numbers or are too large, first at 1.67 s"
WORDS = {
    "folder.wav": "it is a folder", "missing.wav": "there is no such file",
    "no samples.wav": "lasts 0.00 s", "short.wav": "lasts 0.50 s", "silent.wav": "is silent",
    "nan.wav": _INVALID, "inf.wav": _INVALID, "too large.wav": _INVALID,
    "broken.flac": "cannot be decoded",
}  # fmt: skip


def is_sentence(error: GtzanError, start: str) -> None:
    message = str(error)
    assert message.startswith(start)
    assert message.endswith(".")
    assert "\n" not in message


@pytest.mark.parametrize("name", BAD)
def test_bad_file_is_named_in_one_sentence(model, tmp_path, name):
    BAD[name](tmp_path / name)
    with pytest.raises(AudioError) as caught:
        model.predict(tmp_path / name)
    is_sentence(caught.value, f"{tmp_path / name}: ")
    assert WORDS.get(name, "") in str(caught.value)
    assert caught.value.reason


def test_files_are_predicted_in_order_with_errors_between(model, tmp_path):
    files, good = [], {}
    for number, (name, write_bad) in enumerate(BAD.items()):
        write_bad(tmp_path / name)
        fine = write(tmp_path / f"{number}.wav", music(3 + number % 5, first=number), 12_000)
        good[fine] = model.predict(fine)
        files += [tmp_path / name, fine]
    for jobs in (1, 3):
        outcomes = list(model.predict_files(files, jobs=jobs))
        assert len(outcomes) == len(files)
        for file, outcome in zip(files, outcomes, strict=True):
            if file in good:
                near(outcome, good[file])
            else:
                is_sentence(outcome, f"{file}: ")
    assert list(model.predict_files([])) == []


@pytest.mark.parametrize(
    ("y", "named"),
    [
        (np.zeros(0), {"sample_rate": 12_000}),
        (np.zeros(0, dtype=np.float32), {"sample_rate": 8_000}),
        (np.zeros((0, 2)), {"sample_rate": 12_000}),
        (music(0.5), {"sample_rate": 12_000}),
        (np.zeros(50_000), {"sample_rate": 12_000}),
        (np.zeros((50_000, 2)), {"sample_rate": 44_100}),
        (spoilt(np.nan), {"sample_rate": 12_000}),
        (spoilt(np.inf), {"sample_rate": 12_000}),
        (spoilt(np.nan), {"sample_rate": 44_100}),
        (np.full(50_000, np.nan), {"sample_rate": 12_000}),
        (music(3), {}),
        (music(3), {"sample_rate": None}),
        (music(3), {"sample_rate": 0}),
        (music(3), {"sample_rate": -12_000}),
        (music(3), {"sample_rate": np.inf}),
        (music(3), {"sample_rate": 12_000, "step": 0}),
        (music(3), {"sample_rate": 12_000, "step": -1.0}),
        (music(3), {"sample_rate": 12_000, "step": np.nan}),
        (music(3), {"sample_rate": 12_000, "step": np.inf}),
        (np.zeros((4, 4, 4)), {"sample_rate": 12_000}),
        (np.array(0.5), {"sample_rate": 12_000}),
    ],
)
def test_bad_samples_are_refused_in_one_sentence(model, y, named):
    with pytest.raises(ModelError if "step" in named else AudioError) as caught:
        model.predict(y, **named)
    is_sentence(caught.value, "")


def test_images_of_bad_samples_are_refused(model):
    for y, rate in ((music(3), 0), (music(0.5), 12_000), (spoilt(np.nan), 12_000)):
        with pytest.raises(AudioError):
            model.images(y, rate)


# --- predictions --------------------------------------------------------------

# Multiples of 1/16, whose sums are exact.
rows = st.integers(2, 5).flatmap(
    lambda genres: st.lists(
        st.lists(st.integers(0, 16), min_size=genres - 1, max_size=genres - 1).map(
            lambda cuts: np.diff([0, *sorted(cuts), 16]) / 16
        ),
        min_size=1,
        max_size=8,
    )
)


def prediction_with(windows) -> Prediction:
    windows = np.array(windows, dtype=np.float32)
    genres = tuple("abcdefghij"[: windows.shape[1]])
    return Prediction(genres, windows, 3.0 * np.arange(len(windows)), 3.0)


def overturns(windows: np.ndarray, first: int, left_out: tuple[int, ...]) -> bool:
    """Return whether another genre is at least as probable without some windows."""
    rest = np.delete(windows, left_out, axis=0).sum(axis=0)
    return bool((np.delete(rest, first) >= rest[first]).any())


@given(rows)
def test_decisive_windows_are_the_smallest_set(rows):
    prediction, windows = prediction_with(rows), np.array(rows)
    total = windows.sum(axis=0)
    first = int(total.argmax())
    assume((np.delete(total, first) < total[first]).all())
    decisive = prediction.decisive_windows.tolist()
    assert len(set(decisive)) == len(decisive)
    assert overturns(windows, first, tuple(decisive))
    for size in range(len(decisive)):
        for fewer in itertools.combinations(range(len(windows)), size):
            assert not overturns(windows, first, fewer)
    # The largest margin first, over a genre that is then at least as probable.
    rest = np.delete(windows, decisive, axis=0).sum(axis=0)
    rivals = [r for r in range(len(total)) if r != first and rest[r] >= rest[first]]
    margins = [(windows[decisive, first] - windows[decisive, r]).tolist() for r in rivals]
    assert any(margin == sorted(margin, reverse=True) for margin in margins)


@given(st.integers(1, 60), st.integers(0, 10_000))
def test_all_windows_are_decisive_if_they_agree(count, seed):
    windows = np.random.default_rng(seed).dirichlet([1, 1, 1], size=count)
    windows[:, 0] += 1
    decisive = prediction_with(windows / 2).decisive_windows
    assert sorted(decisive) == list(range(count))


@given(rows)
def test_probabilities_and_timeline(rows):
    prediction = prediction_with(rows)
    probabilities = prediction.probabilities
    assert sum(probabilities.values()) == pytest.approx(1)
    assert probabilities[prediction.genre] == max(probabilities.values())
    assert prediction.top(1) == [(prediction.genre, probabilities[prediction.genre])]
    assert dict(prediction.top(10)) == probabilities
    assert list(probabilities.values()) == pytest.approx(np.mean(rows, axis=0).tolist())
    for number, (entry, row) in enumerate(zip(prediction.timeline, rows, strict=True)):
        assert (entry["start_s"], entry["end_s"]) == (3.0 * number, 3.0 * number + 3)
        assert list(entry["probabilities"].values()) == row.tolist()
        assert entry["probabilities"][entry["genre"]] == row.max()
    assert json.loads(json.dumps(prediction.as_dict(), allow_nan=False)) == prediction.as_dict()
    assert set(prediction.as_dict()) == JSON_FIELDS
    assert prediction.confidence == probabilities[prediction.genre]


@given(rows, st.floats(0, 10), st.floats(0, 10))
def test_unfamiliar_is_farther_than_the_limit(rows, distance, limit):
    prediction = dataclasses.replace(
        prediction_with(rows), distances=np.full(len(rows), distance), distance_limit=limit
    )
    assert prediction.unfamiliar is (prediction.distance > limit)
    assert prediction.distance == pytest.approx(distance)
    assert prediction.as_dict()["unfamiliar"] is prediction.unfamiliar


def test_a_model_without_distances_does_not_tell():
    prediction = prediction_with([[0.5, 0.5]])
    assert prediction.unfamiliar is None
    values = prediction.as_dict()
    assert values["unfamiliar"] is values["distance"] is values["distance_limit"] is None


@pytest.mark.parametrize("rate", [1, 4000, 7999])
def test_low_sample_rates_are_refused(model, tmp_path, rate):
    y = music(3, 8000)
    with pytest.raises(AudioError, match=f"the given sound: has a sample rate of {rate} Hz, too"):
        model.predict(y, sample_rate=rate)
    soundfile.write(tmp_path / "low.wav", np.resize(y, 3 * rate), rate)
    with pytest.raises(AudioError, match=r"low\.wav: has a sample rate"):
        model.predict(tmp_path / "low.wav")
    assert model.predict(y, sample_rate=8000).genre in model.genres


def test_text_of_a_prediction():
    text = repr(prediction_with([[0.5, 0.25, 0.125, 0.125], [0.5, 0.25, 0.125, 0.125]]))
    assert text == "Prediction(a 50 %, b 25 %, c 12 %; 2 windows of 3 s)"


# --- tracks that a model was not trained on -----------------------------------


@pytest.fixture
def trained_on(model, toy_corpus):
    """The model with a card that names tracks of the toy corpus."""
    names = toy_corpus[0].tracks.index
    card = {
        "protocol": "artist",
        "corpus": "paper", "trained_on": names[:30].tolist(), "selected_on": names[30:40].tolist(),
    }  # fmt: skip
    return ImageModel("paper", {**model.card, **card}, model.net)


def test_unseen_excludes_training_and_validation_tracks(trained_on, toy_corpus):
    corpus = toy_corpus[0]
    assert trained_on.unseen(corpus).tracks.index.tolist() == corpus.tracks.index[40:].tolist()
    half = corpus.exclude(corpus.tracks.index[:35])
    assert trained_on.unseen(half).tracks.index.tolist() == corpus.tracks.index[40:].tolist()
    with pytest.raises(CorpusError):
        trained_on.unseen(corpus.exclude(corpus.tracks.index[40:]))


def test_unseen_excludes_tracks_that_the_published_split_drops(trained_on, toy_corpus):
    """Some are duplicates of training tracks."""
    tracks = toy_corpus[0].tracks
    names = tracks.index
    corpus = Corpus(
        "paper", Path("/nowhere"), tracks.assign(partition=["test"] * 50 + ["dropped"] * 10)
    )
    assert trained_on.unseen(corpus).tracks.index.tolist() == names[40:].tolist()
    model = ImageModel("paper", {**trained_on.card, "protocol": "official"}, trained_on.net)
    assert model.unseen(corpus).tracks.index.tolist() == names[40:50].tolist()


def test_unseen_keeps_another_corpus(trained_on, music_folder):
    corpus = open_corpus(music_folder(genres=["fado", "samba"]))
    assert trained_on.unseen(corpus) is corpus


def test_unseen_excludes_listed_tracks_of_a_corpus_of_any_name(trained_on, small_folder):
    corpus = open_corpus(small_folder)
    assert corpus.name != trained_on.card["corpus"]
    remaining = set(trained_on.unseen(corpus).tracks.index)
    assert remaining
    assert not remaining & {*trained_on.card["trained_on"], *trained_on.card["selected_on"]}


@pytest.mark.parametrize("missing", ["corpus", "protocol", "trained_on", "selected_on"])
def test_unseen_needs_the_training_tracks(trained_on, toy_corpus, missing):
    card = {key: value for key, value in trained_on.card.items() if key != missing}
    with pytest.raises(ModelError, match=r"does not name its training tracks; save .*\.$"):
        ImageModel("paper", card, trained_on.net).unseen(toy_corpus[0])


# --- by name, and in a separate process ---------------------------------------


def test_predict_by_name(model, work, tmp_path):
    train(work / "quick" / "models" / "mine", RECIPES["stft-3s"])
    file = write(tmp_path / "a.wav", music(6), 12_000)
    near(zoo.predict(file, model="quick/mine"), model.predict(file))
    near(zoo.predict(music(6), model="quick/mine", sample_rate=12_000), model.predict(file))
    assert len(zoo.predict(file, model="quick/mine", step=1).windows) == 4
    with pytest.raises(AudioError, match="give sample_rate in Hz"):
        zoo.predict(music(6), model="quick/mine")


ALONE = """
import json, resource, sys
import gtzan_lib.inference.zoo as zoo
heavy = {"torchvision", "librosa", "pandas", "sklearn", "matplotlib", "sounddevice", "skorch"}
imported = sorted(heavy & set(sys.modules))
model = zoo.load_model(sys.argv[1])
counts = [len(model.predict(sys.argv[2]).windows)]
used = sorted(heavy & set(sys.modules))
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
counts.append(len(model.predict(sys.argv[3], step=60).windows))
grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - peak) / 1024
print(json.dumps({"imported": imported, "used": used, "counts": counts, "grown": grown}))
"""


@pytest.fixture(scope="module")
def alone(models, tmp_path_factory) -> dict:
    """Modules and memory of a new process, for a file of a minute and one of two hours."""
    pytest.importorskip("resource")
    folder = tmp_path_factory.mktemp("alone")
    model = train(folder / "model", RECIPES["stft-3s"])
    minute = (music(60, 8_000) * 127 + 128).astype(np.uint8).tobytes()
    for name, minutes in (("short.wav", 1), ("long.wav", 120)):
        with wave.open(str(folder / name), "wb") as file:
            file.setparams((1, 1, 8_000, 0, "NONE", ""))
            for _ in range(minutes):
                file.writeframes(minute)
    try:
        done = subprocess.run(
            [sys.executable, "-c", ALONE, model, folder / "short.wav", folder / "long.wav"],
            env={**os.environ, "PYTHONPATH": str(Path(gtzan_lib.__file__).parents[1])},
            cwd=folder, capture_output=True, text=True, check=True, timeout=200,
        )  # fmt: skip
    finally:
        (folder / "long.wav").unlink()
    assert done.stderr == ""
    return json.loads(done.stdout)


def test_prediction_does_not_load_large_packages(alone):
    assert alone["imported"] == []
    assert alone["used"] == []


def test_memory_does_not_grow_with_the_file(alone):
    """In MiB; two hours of decoded sound have 330."""
    assert alone["counts"] == [20, 121]
    assert alone["grown"] < 60
