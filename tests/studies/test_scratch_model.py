"""Training of the model without other data, on composed log-mels of a few tracks."""

import numpy as np
import pandas as pd
import pytest

from gtzan_lib.data.loaders import gtzan
from gtzan_lib.errors import CorpusError
from gtzan_lib.inference.ensemble_model import EnsembleModel
from gtzan_lib.inference.model import single_thread
from gtzan_lib.signal.degradations import DEGRADATIONS
from gtzan_lib.signal.recipes import Recipe
from gtzan_lib.signal.spectrograms import spectrograms
from gtzan_lib.studies.scratch_model import MEMBERS, fit_scratch, tilted, train_scratch

PARTS = ("train",) * 5 + ("valid",) * 3 + ("test", "dropped")


@pytest.fixture
def tracks(monkeypatch):
    """Facts of thirty clips, of two artists a genre and part."""
    names = [f"{genre}.{i:05d}" for genre in ("blues", "metal", "pop") for i in range(10)]
    table = pd.DataFrame(
        {
            "artist": [f"{name[:3]} {PARTS[i % 10]} {i % 2}" for i, name in enumerate(names)],
            "partition": PARTS * 3,
            "wav_bytes": 44 + 2 * 661_504,
        },
        index=pd.Index(names, name="track_id"),
    )
    monkeypatch.setattr(gtzan, "facts", lambda: table)
    return table


def write(folder, names, *, columns=387, seed=0):
    """Write log-mels whose genres differ in how fast they change."""
    rng = np.random.default_rng(seed)
    images = []
    for name in names:
        pace = {"b": 40, "m": 15, "p": 6}[name[0]]
        curves = rng.standard_normal((128, columns // pace + 2)).cumsum(axis=0)
        image = curves[:, np.arange(columns) // pace] + 0.3 * rng.standard_normal((128, columns))
        image -= image.min()
        images.append((image * (255 / image.max())).astype(np.uint8))
    (folder / "mel").mkdir(exist_ok=True)
    path = folder / "mel" / "gtzan_logmel_999.npz"
    np.savez(path, X=np.stack(images), names=np.array(names, dtype=str))
    return path


@pytest.fixture
def root(tracks, tmp_path):
    write(tmp_path, tracks.index)
    return tmp_path


def test_a_model_is_trained(root, tracks):
    model = train_scratch(root, root / "model")
    assert isinstance(model, EnsembleModel)
    assert model.genres == ("blues", "metal", "pop")
    for part, field in (("train", "trained_on"), ("valid", "selected_on")):
        assert model.card[field] == tracks.index[tracks["partition"] == part].tolist()
    assert model.card["part"] == "validation part"
    whole, short = model.card["accuracy"]
    assert (whole["input_s"], whole["n"], whole["interval"]) == (30.0, 9, "wilson")
    assert (short["input_s"], short["n"]) == (3.0, 90)
    assert whole["value"] > 0.7
    assert short["value"] > 0.6
    lengths = [(error["input_s"], error["calibrated"]) for error in model.card["calibration"]]
    assert lengths == [(30.0, False), (3.0, False), (30.0, True), (3.0, True)]


def test_training_is_deterministic_by_seed(root):
    path = root / "mel" / "gtzan_logmel_999.npz"
    first, same, other = (fit_scratch(path, seed=seed) for seed in (0, 0, 1))
    for name, weights in first.net.state_dict().items():
        np.testing.assert_array_equal(same.net.state_dict()[name], weights)
    assert not np.array_equal(other.windows, first.windows)


def test_scores_are_those_of_the_saved_model(root):
    path = root / "mel" / "gtzan_logmel_999.npz"
    fitted = fit_scratch(path)
    assert set(fitted.member_accuracies) == set(MEMBERS)
    logits = fitted.windows.mean(axis=0)
    assert logits.shape == (54, 3)
    by_hand = np.stack([logits[fitted.track == track].mean(axis=0) for track in range(9)])
    correct = by_hand.argmax(axis=1) == np.repeat([0, 1, 2], 3)
    assert fitted.track_accuracy.value == pytest.approx(correct.mean())
    assert fitted.short_accuracy.interval == "bootstrap over artists"
    for calibrated in (False, True):
        for error in fitted.calibration(calibrated=calibrated):
            assert 0 <= error.low <= error.high <= 1


def test_test_and_dropped_tracks_do_not_matter(root, tracks):
    path = root / "mel" / "gtzan_logmel_999.npz"
    before = fit_scratch(path)
    with np.load(path) as stored:
        images, names = stored["X"].copy(), stored["names"]
    images[tracks["partition"].isin(["test", "dropped"])] = 7
    np.savez(path, X=images, names=names)
    np.testing.assert_array_equal(fit_scratch(path).windows, before.windows)


@pytest.mark.parametrize("missing", [2, 20])
def test_incomplete_files_are_refused(root, tracks, missing):
    path = write(root, tracks.index[missing:])
    with pytest.raises(CorpusError, match=r"has \d+ of the 15 tracks of GTZAN's part 'train'"):
        fit_scratch(path)


def test_a_missing_file_is_refused(tracks, tmp_path):
    with pytest.raises(CorpusError, match="there is no such file"):
        train_scratch(tmp_path, tmp_path / "model")


@pytest.mark.parametrize("slope", [-3.0, 3.0])
def test_tilted_images_are_those_of_tilted_sound(slope):
    rng = np.random.default_rng(0)
    y = 0.1 * rng.standard_normal(6 * 22_050).cumsum()
    y = (y - np.convolve(y, np.ones(99) / 99, "same")).astype(np.float32)
    y *= np.linspace(0.05, 1, len(y), dtype=np.float32) ** 2
    recipe = Recipe.preset("mel-gtzan-store", seconds=5)
    degraded = DEGRADATIONS[f"tilt {slope:+.0f} dB/octave"](y, 22_050)
    with single_thread:
        plain, expected = (spectrograms(s, recipe, np.zeros(1))[0] for s in (y, degraded))
    found = tilted(plain[None], np.array([slope]))[0]
    # The image of the sound spans less than 80 dB, so that the gains are not quite the same.
    difference = np.abs(found.astype(float) - expected)
    assert difference.mean() < 0.35 * np.abs(plain.astype(float) - expected).mean()


def test_no_tilt_changes_nothing():
    images = np.random.default_rng(0).integers(0, 256, (3, 128, 20), dtype=np.uint8)
    images[:, 0, 0], images[:, 0, 1] = 0, 255
    np.testing.assert_array_equal(tilted(images, np.zeros(3)), images)
