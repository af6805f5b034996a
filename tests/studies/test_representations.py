"""Layers of MusiCNN for the tracks of a corpus."""

import numpy as np
import pandas as pd
import pytest
import soundfile
import torch

from gtzan_lib.data.opening import open_corpus
from gtzan_lib.errors import AudioError, CorpusError
from gtzan_lib.inference.musicnn_model import MusicnnModel
from gtzan_lib.models.musicnn import MusiCNN, cut_patch, load_musicnn, patch_mel
from gtzan_lib.studies.representations import LayerTable, musicnn_layers, tag_profile

RATE = MusiCNN.SAMPLE_RATE


def music(seconds, *, pitch=220.0, seed=0):
    rng = np.random.default_rng(seed)
    now = np.arange(round(seconds * RATE)) / RATE
    tone = np.sin(2 * np.pi * pitch * now) * np.exp(-4 * (now * 2 % 1))
    return (0.4 * tone + 0.02 * rng.standard_normal(len(now))).astype(np.float32)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """One track of 10 s of which the second window is silent, a short one, a silent one."""
    root = tmp_path_factory.mktemp("layers") / "music"
    gap = music(10)
    # The context before the second window is silent, too.
    gap[round(2.9 * RATE) : 6 * RATE] = 0
    sounds = {
        ("fado", "gap"): gap,
        ("fado", "silent"): np.zeros(4 * RATE),
        ("samba", "short"): music(3.2, pitch=440, seed=1),
    }
    for (genre, name), y in sounds.items():
        (root / genre).mkdir(parents=True, exist_ok=True)
        soundfile.write(root / genre / f"{name}.wav", y, RATE, subtype="FLOAT")
    return root


@pytest.fixture
def corpus(folder):
    return open_corpus(folder)


def test_rows_are_the_layers_of_the_net_for_audible_windows(corpus):
    table = musicnn_layers(corpus, progress=False)
    assert table.windows.values.tolist() == [
        ["fado.gap.0", "fado.gap", "fado", 0.0],
        ["fado.gap.2", "fado.gap", "fado", 6.0],
        ["samba.short.0", "samba.short", "samba", 0.0],
    ]
    y, _ = soundfile.read(corpus.tracks.at["fado.gap", "path"], dtype="float32")
    mels = [patch_mel(cut_patch(y, round(start * RATE))) for start in table.windows["start_s"][:2]]
    with torch.inference_mode():
        expected = load_musicnn().layers(torch.from_numpy(np.stack(mels)))
    assert table.layers.keys() == expected.keys()
    for name, layer in expected.items():
        np.testing.assert_allclose(table.layers[name][:2], layer.numpy(), atol=2e-3)
    assert "3 windows of 2 tracks: logits (50)" in repr(table)


def test_a_step_moves_the_windows(corpus):
    table = musicnn_layers(corpus, step=4, progress=False)
    assert table.windows["start_s"].tolist() == pytest.approx([0, 4, 7.008, 0], abs=1e-6)
    assert table.windows["window_id"].iloc[2] == "fado.gap.2"


def test_layers_are_computed_once_for_each_step(corpus, monkeypatch):
    first = musicnn_layers(corpus, progress=False)
    monkeypatch.setattr(MusicnnModel, "layers", None)
    second = musicnn_layers(corpus, progress=False, jobs=2)
    pd.testing.assert_frame_equal(first.windows, second.windows)
    np.testing.assert_array_equal(first.layers["max"], second.layers["max"])
    with pytest.raises(TypeError):
        musicnn_layers(corpus, step=5, progress=False)


def test_music_without_sound_is_refused(corpus, paper_corpus, tmp_path):
    silent = corpus.exclude(["fado.gap", "samba.short"])
    with pytest.raises(CorpusError, match="all tracks are silent"):
        musicnn_layers(silent, progress=False)
    with pytest.raises(CorpusError):
        musicnn_layers(paper_corpus([("fado", "a", 9.0)]), progress=False)
    (tmp_path / "m" / "fado").mkdir(parents=True)
    soundfile.write(tmp_path / "m" / "fado" / "a.wav", music(0.5), RATE)
    with pytest.raises(AudioError, match="too short"):
        musicnn_layers(open_corpus(tmp_path / "m"), progress=False)


def test_tags_that_separate_genres_come_first():
    rng = np.random.default_rng(3)
    genres = np.repeat(["fado", "samba"], 10)
    logits = rng.standard_normal((20, 50)).astype(np.float32)
    logits[:10, 7] += 9
    logits[:, 3] = 1
    ids = [f"{genre}.{number}" for number, genre in enumerate(genres)]
    windows = pd.DataFrame({"track_id": ids, "genre": genres})
    profile = tag_profile(LayerTable({"logits": logits}, windows))
    assert profile.shape == (50, 2)
    assert profile.index[0] == MusiCNN.TAGS[7]
    assert profile.index[-1] == MusiCNN.TAGS[3]
    assert profile.loc[MusiCNN.TAGS[3]].tolist() == [0, 0]
    standardised = (logits[:, 7] - logits[:, 7].mean()) / logits[:, 7].std()
    np.testing.assert_allclose(profile.iloc[0]["fado"], standardised[:10].mean(), rtol=1e-5)


def test_a_track_counts_once_however_many_windows_it_has():
    logits = np.zeros((5, 50), dtype=np.float32)
    logits[:, 0] = [0, 0, 0, 1, 2]
    windows = pd.DataFrame({"track_id": list("aaabc"), "genre": ["x", "x", "x", "x", "y"]})
    profile = tag_profile(LayerTable({"logits": logits}, windows))
    deviation = np.std([0, 1, 2])
    np.testing.assert_allclose(profile.loc["rock"], [-0.5 / deviation, 1 / deviation])
