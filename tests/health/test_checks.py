"""What the health check finds in files whose faults are known."""

import numpy as np
import pytest
import soundfile

from gtzan_lib.data.corpus import open_corpus
from gtzan_lib.health.checks import basic_facts

COLUMNS = [
    "genre", "decoded", "problem", "duration_s", "sample_rate", "channels", "encoding", "peak_db",
    "rms_db", "silent",
]  # fmt: skip


@pytest.fixture
def faulty(tmp_path):
    """One genre of five files: sound, stereo, silent, corrupt, broken off."""
    folder = tmp_path / "music" / "jazz"
    folder.mkdir(parents=True)
    time = np.arange(2 * 22_050) / 22_050
    sine = 0.5 * np.sin(2 * np.pi * 441 * time)
    soundfile.write(folder / "sound.wav", sine, 22_050)
    soundfile.write(folder / "stereo.ogg", np.stack([sine, sine], axis=1), 44_100)
    soundfile.write(folder / "silent.wav", 0 * sine, 22_050)
    (folder / "corrupt.wav").write_bytes(b"RIFF and nothing else")
    soundfile.write(folder / "broken.flac", np.random.default_rng(0).normal(size=44_100), 22_050)
    content = (folder / "broken.flac").read_bytes()
    (folder / "broken.flac").write_bytes(content[: len(content) // 2])
    with pytest.warns(UserWarning, match="cannot be read"):
        return open_corpus(tmp_path / "music")


def test_every_fault_is_found(faulty):
    facts = basic_facts(faulty)
    assert facts.columns.tolist() == COLUMNS
    assert facts.index.tolist() == faulty.tracks.index.tolist()
    assert set(facts.index[~facts["decoded"].astype(bool)]) == {"jazz.broken", "jazz.corrupt"}
    assert "broken.flac: cannot be decoded" in facts.at["jazz.broken", "problem"]
    sound = facts[facts["decoded"].astype(bool)]
    assert set(sound.index[sound["silent"].astype(bool)]) == {"jazz.silent"}
    assert (sound["problem"] == "").all()


def test_numbers_are_right(faulty):
    facts = basic_facts(faulty)
    sound, stereo, silent = (facts.loc[f"jazz.{name}"] for name in ("sound", "stereo", "silent"))
    assert sound["duration_s"] == 2
    assert (sound["sample_rate"], sound["channels"], sound["encoding"]) == (22_050, 1, "PCM_16")
    assert sound["peak_db"] == pytest.approx(-6.02, abs=0.03)
    assert sound["rms_db"] == pytest.approx(-9.03, abs=0.01)
    assert (stereo["sample_rate"], stereo["channels"]) == (44_100, 2)
    assert stereo["duration_s"] == pytest.approx(1, abs=0.01)
    assert silent["peak_db"] == silent["rms_db"] == -np.inf


def test_jobs_change_nothing(faulty):
    assert basic_facts(faulty, jobs=2).equals(basic_facts(faulty))


def test_columns_are_there_when_nothing_could_be_read(faulty):
    facts = basic_facts(faulty.select(tracks=["jazz.corrupt", "jazz.broken"]))
    assert facts.columns.tolist() == COLUMNS
    assert not facts["decoded"].any()
