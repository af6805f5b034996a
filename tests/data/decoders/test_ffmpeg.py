"""The formats of phones and video sites."""

import os
import shutil
from pathlib import Path

import pytest
import soundfile

from gtzan_lib.data import audio
from gtzan_lib.data.decoders import ffmpeg as module
from gtzan_lib.errors import AudioError
from gtzan_lib.health.inspection import inspect
from tests.conftest import tone
from tests.formats import ffmpeg, require_ffmpeg, write_sound

BEGINNINGS = {
    "MP4": b"\0\0\0\x20ftypM4A \0\0\0\0M4A mp42isom",
    "WEBM": b"\x1aE\xdf\xa3",
    "ASF": bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c"),
    "ADTS": b"\xff\xf1\x50\x80",
}

# What ffprobe says of a file.
PROBED = {"codec_name": "aac", "sample_rate": "16000", "channels": 1, "duration": "2"}


@pytest.mark.parametrize("container", BEGINNINGS)
def test_without_ffmpeg_one_sentence_says_what_to_do(tmp_path, monkeypatch, container):
    monkeypatch.setattr(shutil, "which", lambda _: None)
    path = tmp_path / "song.any"
    path.write_bytes(BEGINNINGS[container] + bytes(4000))
    for call in (audio.info, audio.load):
        with pytest.raises(AudioError) as caught:
            call(path)
        assert str(caught.value) == (
            f"{path}: is {container}, which needs ffmpeg; install ffmpeg, or convert the file to "
            "WAV, FLAC, MP3 or Ogg."
        )
    assert inspect(path).facts["problem"] == caught.value.reason


@pytest.mark.parametrize("container", BEGINNINGS)
def test_files_without_sound_have_ffmpegs_reason(tmp_path, container):
    require_ffmpeg()
    path = tmp_path / "song.any"
    path.write_bytes(BEGINNINGS[container] + bytes(4000))
    with pytest.raises(AudioError, match=r"song\.any: cannot be decoded \(.+\); replace") as caught:
        audio.load(path)
    assert str(path) not in caught.value.reason
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["-i.m4a", "a: b.m4a", "%d.m4a", "http:", "b'\"$x.m4a", "ü\n.m4a"])
def test_names_are_neither_options_nor_addresses(tmp_path, monkeypatch, name):
    write_sound(tmp_path / "a.m4a", tone(1, seconds=2, rate=16_000), 16_000).rename(tmp_path / name)
    monkeypatch.chdir(tmp_path)
    y, rate = audio.load(Path(name))
    assert len(y) / rate == pytest.approx(2, abs=0.1)


@pytest.mark.skipif(os.name == "nt", reason="names are text there")
def test_a_name_that_is_not_valid_text(tmp_path):
    path = write_sound(tmp_path / "a.m4a", tone(1, seconds=2, rate=16_000), 16_000)
    odd = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff\xfe.m4a"))
    path.rename(odd)
    assert inspect(odd).facts["decoded"] is True


def test_channels_codecs_and_wrong_endings(tmp_path):
    y = tone(1, seconds=2, rate=44_100, channels=6)
    soundfile.write(tmp_path / "a.wav", y, 44_100)
    ffmpeg("-i", tmp_path / "a.wav", "-c:a", "alac", tmp_path / "b.m4a")
    ffmpeg("-i", tmp_path / "b.m4a", "-c", "copy", "-f", "caf", tmp_path / "c.wav")
    ffmpeg("-i", tmp_path / "a.wav", "-c:a", "flac", "-f", "ogg", tmp_path / "d.mp3")
    expected, _ = audio.load(tmp_path / "a.wav")
    for name, encoding in (("b.m4a", "ALAC"), ("c.wav", "ALAC"), ("d.mp3", "FLAC")):
        assert audio.load(tmp_path / name)[0] == pytest.approx(expected, abs=1e-6)
        assert audio.info(tmp_path / name)[1::2] == (6, encoding)


def test_a_video_without_sound(tmp_path):
    ffmpeg("-f", "lavfi", "-i", "testsrc=size=32x32:rate=5:duration=1", tmp_path / "a.mp4")
    with pytest.raises(AudioError, match="it holds no sound"):
        audio.info(tmp_path / "a.mp4")


def test_a_file_that_breaks_off(tmp_path):
    soundfile.write(tmp_path / "a.wav", tone(1, seconds=8, rate=44_100), 44_100)
    # Its table of contents comes first.
    ffmpeg("-i", tmp_path / "a.wav", "-movflags", "faststart", tmp_path / "b.m4a")
    content = (tmp_path / "b.m4a").read_bytes()
    (tmp_path / "b.m4a").write_bytes(content[: len(content) // 2])
    with pytest.raises(AudioError, match="cannot be decoded"):
        audio.load(tmp_path / "b.m4a")
    facts = inspect(tmp_path / "b.m4a").facts
    assert facts["decoded"] is False
    assert 1 < facts["duration_s"] < 7


def test_a_program_that_gives_no_answer_is_stopped(tmp_path, monkeypatch):
    path = write_sound(tmp_path / "a.m4a", tone(1, seconds=2, rate=16_000), 16_000)
    (tmp_path / "ffmpeg").write_text("#!/bin/sh\nexec sleep 60\n")
    (tmp_path / "ffmpeg").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    monkeypatch.setattr(module, "_PATIENCE_S", 0.3)
    monkeypatch.setattr(module, "_probe", lambda _: PROBED)
    with pytest.raises(AudioError, match="ffmpeg stopped"):
        audio.load(path)
