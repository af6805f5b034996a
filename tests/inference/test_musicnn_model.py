"""Models that predict genres from the tags of MusiCNN."""

import numpy as np
import pytest
import torch

from gtzan_lib.data.windows import Window
from gtzan_lib.errors import AudioError, ModelError
from gtzan_lib.inference.fitting import fit_head
from gtzan_lib.inference.musicnn_model import MusicnnModel
from gtzan_lib.inference.zoo import load_model, models, save_head
from gtzan_lib.live.streaming import listen
from gtzan_lib.models.musicnn import MusiCNN, cut_patch, patch_mel

RATE = MusiCNN.SAMPLE_RATE


def music(seconds, *, rate=RATE, seed=0):
    """Return decaying notes with noise."""
    rng = np.random.default_rng(seed)
    now = np.arange(round(seconds * rate)) / rate
    pitch = rng.choice([220, 277, 330, 440], size=int(seconds * 2) + 1)[(now * 2).astype(int)]
    tone = np.sin(2 * np.pi * pitch * now) * np.exp(-4 * (now * 2 % 1))
    return (0.4 * tone + 0.02 * rng.standard_normal(len(now))).astype(np.float32)


@pytest.fixture(scope="module")
def model():
    return load_model("gtzan-musicnn")


def test_the_shipped_model_is_one_of_tags(model):
    assert isinstance(model, MusicnnModel)
    assert "gtzan-musicnn" in models()
    assert len(model.genres) == 10
    assert "out of fold" in model.card["chosen_by"]
    assert len(model.card["trained_on"]) == 443


def test_windows_are_patches_of_the_sound(model):
    y = music(10.6)
    windows = [window for part in model.windows(y, RATE) for window in part]
    assert [window.start_s for window in windows] == pytest.approx([0, 3, 6, 7.608], abs=1e-6)
    logits = model.tag_logits(windows)
    with torch.inference_mode():
        for window, row in zip(windows, logits, strict=True):
            mel = patch_mel(cut_patch(y, round(window.start_s * RATE)))
            expected = model.tagger(torch.from_numpy(mel)[None])[0].numpy()
            np.testing.assert_allclose(row, expected, atol=1e-4)


def test_the_mean_of_the_logits_decides(model):
    y = music(12, seed=1)
    prediction = model.predict(y, sample_rate=RATE)
    windows = [window for part in model.windows(y, RATE) for window in part]
    with torch.inference_mode():
        mean = torch.from_numpy(model.tag_logits(windows).mean(axis=0, keepdims=True))
        expected = model.net(mean).softmax(dim=1)[0].numpy()
    np.testing.assert_allclose(list(prediction.probabilities.values()), expected, atol=1e-4)
    # Without the decisive windows, another genre is at least as probable.
    decisive = prediction.decisive_windows
    kept = np.delete(np.log(prediction.windows.astype(float)), decisive, axis=0).sum(axis=0)
    winner = model.genres.index(prediction.genre)
    assert len(decisive) == len(windows) or kept.argmax() != winner or kept[winner] <= 0


@pytest.mark.parametrize("seconds", [1.0, 1.7, 2.9])
def test_short_sound_is_repeated(model, seconds):
    y = music(seconds)
    prediction = model.predict(y, sample_rate=RATE)
    assert len(prediction.windows) == 1
    filled = np.resize(y, MusiCNN.PATCH_SAMPLES - MusiCNN.CONTEXT)
    expected = model.predict_windows(
        [Window(0.0, np.concatenate([np.zeros(MusiCNN.CONTEXT, np.float32), filled]))]
    )
    np.testing.assert_allclose(prediction.windows[0], expected.probabilities[0], atol=1e-6)
    np.testing.assert_allclose(prediction.distances, expected.distances, atol=1e-5)


@pytest.mark.parametrize("gain", [1e-4, 0.01, 0.3])
def test_quiet_sound_is_amplified(model, gain):
    """As from a microphone that is far away; louder sound is taken as it is."""
    y = music(7)
    y *= np.float32(0.1) / np.sqrt(np.mean(np.square(y[: 3 * RATE])))
    loud = model.predict(y, sample_rate=RATE)
    quiet = model.predict(np.float32(gain) * y, sample_rate=RATE)
    np.testing.assert_allclose(quiet.windows[0], loud.windows[0], atol=1e-3)
    louder = model.predict(3 * y, sample_rate=RATE)
    assert np.abs(louder.windows[0] - loud.windows[0]).max() > 1e-3


def test_silence_is_left_out(model):
    y = music(9)
    y[: 4 * RATE] = 0
    prediction = model.predict(y, sample_rate=RATE)
    assert prediction.starts_s.tolist() == [3, 6]
    with pytest.raises(AudioError, match="is silent"):
        model.predict(np.zeros(5 * RATE, dtype=np.float32), sample_rate=RATE)
    with pytest.raises(AudioError, match="too short"):
        model.predict(y[: RATE // 2], sample_rate=RATE)


def test_a_stream_has_the_same_windows(model):
    y = music(10, seed=2)
    blocks = np.array_split(y, 97)
    stream = list(listen(blocks, model, sample_rate=RATE, step=3.0, average=100))
    prediction = model.predict(y, sample_rate=RATE)
    np.testing.assert_allclose([p.window for p in stream], prediction.windows, atol=1e-5)
    np.testing.assert_allclose(
        stream[-1].probabilities, list(prediction.probabilities.values()), atol=1e-5
    )


def test_a_head_is_saved_as_a_model(model, tmp_path):
    rng = np.random.default_rng(0)
    logits, genres = [], []
    for column, genre in enumerate(("fado", "samba")):
        for _ in range(8):
            logits.append(rng.standard_normal((10, 50)).astype(np.float32) + 2 * column)
            genres.append(genre)
    names = [f"{genre}.{n}" for n, genre in enumerate(genres)]
    fitted = fit_head(logits, genres, names)
    save_head(tmp_path / "mine", fitted, names, corpus="music", protocol="track")
    mine = load_model(tmp_path / "mine")
    assert mine.genres == ("fado", "samba")
    (row,), _ = mine.predict_windows([Window(0.0, cut_patch(music(3), 0))])
    np.testing.assert_allclose(row.sum(), 1, atol=1e-6)
    assert mine.expected_accuracy[0].startswith("accuracy 100.0 %")
    assert "(95 % interval" in repr(mine)
    assert "for 30 s of music, protocol track, training part, out of fold" in repr(mine)


def test_a_head_of_another_shape_is_refused(tmp_path, model):
    rng = np.random.default_rng(0)
    logits = [rng.standard_normal((2, 7)).astype(np.float32) for _ in range(8)]
    fitted = fit_head(logits, ["fado", "samba"] * 4, [str(n) for n in range(8)])
    save_head(tmp_path / "mine", fitted, "abcdefgh", corpus="music", protocol="track")
    with pytest.raises(ModelError, match="takes 7 values, and MusiCNN has 50 tags"):
        load_model(tmp_path / "mine")
