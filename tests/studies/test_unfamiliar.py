"""Sounds that are no music of any genre, and which of them a model finds."""

import numpy as np
import pytest

from gtzan_lib.data.opening import open_corpus
from gtzan_lib.errors import ModelError
from gtzan_lib.inference.zoo import load_model
from gtzan_lib.studies.unfamiliar import SAMPLE_RATE, detect_unfamiliar, unfamiliar_sounds

KINDS = ["speech", "four voices at once", "applause", "noise", "sine tones"]


@pytest.fixture(scope="module")
def model():
    return load_model("gtzan-musicnn")


@pytest.fixture(scope="module")
def sounds():
    return unfamiliar_sounds(count=3, seconds=4)


def test_sounds_of_each_kind(sounds):
    assert list(sounds) == KINDS
    for of_kind in sounds.values():
        assert len(of_kind) == 3
        for y in of_kind:
            assert (y.shape, y.dtype) == ((4 * SAMPLE_RATE,), np.float32)
            assert np.abs(y).max() == pytest.approx(0.7, rel=1e-3)
        # No two are the same.
        assert not np.array_equal(of_kind[0], of_kind[1])


def test_sounds_are_the_same_each_time(sounds):
    for kind, of_kind in unfamiliar_sounds(count=3, seconds=4).items():
        np.testing.assert_array_equal(of_kind, sounds[kind])


def test_there_are_twelve_voices():
    assert len(unfamiliar_sounds(count=20, seconds=1)["speech"]) == 12


def test_music_is_changed(small_folder):
    music = open_corpus(small_folder)
    sounds = unfamiliar_sounds(music, count=2, seconds=1)
    length = SAMPLE_RATE
    first, _ = music.load(music.tracks.index[0], sample_rate=SAMPLE_RATE)
    backwards = sounds["music backwards"][0]
    expected = first[:length][::-1]
    np.testing.assert_allclose(backwards / 0.7, expected / np.abs(expected).max(), atol=1e-5)
    for kind in ("music at double speed", "music below 400 Hz"):
        assert [len(y) for y in sounds[kind]] == [length, length]
    spectrum = np.abs(np.fft.rfft(sounds["music below 400 Hz"][0])) ** 2
    hz = np.fft.rfftfreq(length, 1 / SAMPLE_RATE)
    assert spectrum[hz > 800].sum() < 0.01 * spectrum.sum()


def test_the_shipped_model_finds_noise_and_applause(model, sounds):
    table = detect_unfamiliar(model, {kind: sounds[kind] for kind in ("noise", "applause")})
    assert table.index.tolist() == ["noise", "applause"]
    assert (table["n"] == 3).all()
    assert (table["detected"] == 1).all()
    assert (table["auroc"] > 0.9).all()
    assert ((table["low"] >= 0) & (table["low"] < 1)).all()


def test_the_table_agrees_with_predictions(model, sounds):
    table = detect_unfamiliar(model, {"speech": sounds["speech"]})
    predictions = [model.predict(y, sample_rate=SAMPLE_RATE) for y in sounds["speech"]]
    assert table.at["speech", "detected"] == np.mean([p.unfamiliar for p in predictions])
    tracks = model.familiarity.tracks.numpy()
    below = [np.mean(tracks < p.distance) for p in predictions]
    assert table.at["speech", "auroc"] == pytest.approx(np.mean(below), abs=2 / len(tracks))


def test_a_model_that_cannot_tell_is_refused(sounds):
    model = load_model("gtzan-musicnn")
    model.familiarity = None
    with pytest.raises(ModelError, match="cannot tell unfamiliar sound"):
        detect_unfamiliar(model, sounds)
