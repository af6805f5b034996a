"""Models for genres of one's own."""

import shutil

import numpy as np
import pytest
import soundfile
from typer.testing import CliRunner

import gtzan_lib as gl
from gtzan_lib import cli
from gtzan_lib.errors import ModelError, OutputError
from gtzan_lib.inference.musicnn_model import MusicnnModel
from gtzan_lib.inference.transfer import train_model


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Two genres that differ in their pitch, five tracks of 4 s each, and one silent one."""
    root = tmp_path_factory.mktemp("own")
    rng = np.random.default_rng(4)
    now = np.arange(4 * 16_000) / 16_000
    for genre, low in (("fado", 110), ("samba", 880)):
        (root / "music" / genre).mkdir(parents=True)
        for number in range(5):
            tone = np.sin(2 * np.pi * low * rng.uniform(1, 1.5) * now) * (1 + np.sin(9 * now))
            y = 0.2 * tone + 0.01 * rng.standard_normal(len(now))
            soundfile.write(root / "music" / genre / f"{number}.wav", y, 16_000)
    soundfile.write(root / "music" / "fado" / "silent.wav", 0 * now, 16_000)
    return root


def test_a_model_of_ones_own(folder, monkeypatch):
    monkeypatch.setenv("GTZAN_WORK", str(folder / "work"))
    model = train_model(folder / "music", folder / "mine", progress=False)
    assert model.genres == ("fado", "samba")
    assert model.card["protocol"] == "track"
    assert model.card["corpus"] == "music"
    assert len(model.card["trained_on"]) == 10
    assert "fado.silent" not in model.card["trained_on"]
    assert model.predict(folder / "music" / "samba" / "0.wav").genre == "samba"
    unseen = model.unseen(gl.open_corpus(folder / "music"))
    assert unseen.tracks.index.tolist() == ["fado.silent"]


def test_tags_are_computed_once(folder, monkeypatch):
    monkeypatch.setenv("GTZAN_WORK", str(folder / "work2"))
    first = train_model(folder / "music", folder / "first", progress=False)
    monkeypatch.setattr(MusicnnModel, "tag_logits", None)
    second = train_model(folder / "music", folder / "second", progress=False)
    assert first.card["sha256"] == second.card["sha256"]


def test_the_command(folder, monkeypatch):
    monkeypatch.setenv("GTZAN_WORK", str(folder / "work"))
    monkeypatch.chdir(folder)
    run = CliRunner().invoke
    trained = run(cli.app, ["train", "music", "--out", "own", "--jobs", "1"])
    assert trained.exit_code == 0
    *scores, place = trained.stdout.splitlines()
    assert len(scores) == 2
    assert "protocol track, training part, out of fold" in scores[0]
    assert place == "own"
    with pytest.raises(OutputError, match="own: holds a model; name another folder"):
        run(cli.app, ["train", "music", "--out", "own"], catch_exceptions=False)
    assert run(cli.app, ["train", "music", "--out", "own", "--force"]).exit_code == 0
    (folder / "one" / "fado").mkdir(parents=True)
    shutil.copy(folder / "music" / "fado" / "0.wav", folder / "one" / "fado" / "0.wav")
    with pytest.raises(ModelError, match="only the genre fado"):
        run(cli.app, ["train", "one", "--out", "other"], catch_exceptions=False)
