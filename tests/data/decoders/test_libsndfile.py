"""Headers that do not state the length, and files that break off."""

import struct

import numpy as np
import pytest
import soundfile

from gtzan_lib.data import audio
from gtzan_lib.health.inspection import inspect
from tests.conftest import tone

RATE = 22_050


def same_answers(path, frames: int) -> None:
    assert audio.info(path).frames == frames
    assert len(audio.load(path)[0]) == frames
    assert sum(map(len, audio.Blocks(path, seconds=0.7))) == frames
    facts = inspect(path).facts
    assert facts["duration_s"] == frames / RATE
    assert facts["surplus_s"] == 0


@pytest.mark.parametrize("encoding", ["PCM_U8", "PCM_16", "PCM_24", "FLOAT"])
@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("size", [0, 2**32 - 1])
def test_wav_from_a_pipe(tmp_path, encoding, channels, size):
    """A program that writes to a pipe cannot come back to state the length."""
    path = tmp_path / "a.wav"
    y = tone(1, seconds=4, rate=RATE, channels=channels)
    soundfile.write(path, y, RATE, subtype=encoding)
    expected, _ = audio.load(path)
    content = bytearray(path.read_bytes())
    place = content.find(b"data") + 4
    content[place : place + 4] = struct.pack("<I", size)
    content[4:8] = struct.pack("<I", size)
    path.write_bytes(content)
    same_answers(path, 4 * RATE)
    np.testing.assert_array_equal(audio.load(path)[0], expected)
    assert inspect(path).facts["format"] == "WAV"


def test_wav_without_sound(tmp_path):
    soundfile.write(tmp_path / "a.wav", np.zeros(0), RATE)
    same_answers(tmp_path / "a.wav", 0)


@pytest.mark.parametrize("encoding", ["VORBIS", "OPUS"])
@pytest.mark.parametrize("share", [0.4, 0.8])
def test_truncated_ogg_ends_where_it_breaks_off(tmp_path, encoding, share):
    path = tmp_path / "a.ogg"
    soundfile.write(path, tone(2, seconds=9, rate=48_000), 48_000, format="OGG", subtype=encoding)
    content = path.read_bytes()
    path.write_bytes(content[: round(share * len(content))])
    frames = audio.info(path).frames
    assert 1 < frames / 48_000 < 9
    assert len(audio.load(path)[0]) == frames
    assert sum(map(len, audio.Blocks(path))) == frames
    facts = inspect(path).facts
    assert facts["duration_s"] == frames / 48_000
    assert "its last page is missing" in facts["problem"]
