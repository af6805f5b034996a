"""MPEG audio of every encoder setting, with and without header, tags and damage."""

import io
import struct

import numpy as np
import pytest
import soundfile
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from gtzan_lib.data import audio
from gtzan_lib.errors import AudioError
from gtzan_lib.health.inspection import inspect
from gtzan_lib.mp3 import SAMPLE_RATES
from tests.conftest import tone
from tests.formats import ffmpeg

SETTINGS = st.fixed_dictionaries(
    {
        "rate": st.sampled_from(SAMPLE_RATES),
        "channels": st.sampled_from([1, 2]),
        "mode": st.sampled_from(["CONSTANT", "AVERAGE", "VARIABLE"]),
        "level": st.floats(0, 0.99),
        "seconds": st.floats(1, 2),
        "number": st.integers(0, 9),
    }
)


def encoded(*, rate=44_100, channels=1, mode="VARIABLE", level=0.5, seconds=3.0, number=1) -> bytes:
    """Encode a sound whose second half is quiet, so that variable bit rates vary."""
    y = tone(number, seconds=seconds, rate=rate, channels=channels)
    y[len(y) // 2 :] *= 0.01
    stream = io.BytesIO()
    soundfile.write(
        stream, y, rate, format="MP3", subtype="MPEG_LAYER_III",
        bitrate_mode=mode, compression_level=level,
    )  # fmt: skip
    return stream.getvalue()


def header_of(content: bytes) -> tuple[int, int]:
    """Return where the frame of the header begins and ends; it is empty if there is none."""
    mark = max(content.find(name, 0, 100) for name in (b"Xing", b"Info"))
    if mark < 0:
        return 0, 0
    start = content.rfind(b"\xff", 0, mark)
    return start, content.find(content[start : start + 2], mark + 150)


def without_header(content: bytes) -> bytes:
    start, end = header_of(content)
    return content[:start] + content[end:]


def id3(size: int, fill: int) -> bytes:
    """An ID3 tag with a picture, which is full of bytes that look like frames."""
    body = b"APIC" + struct.pack(">I", size) + b"\0\0" + bytes([fill, 0xFB, 0x90, 0x64]) * size
    length = bytes(len(body) >> shift & 127 for shift in (21, 14, 7, 0))
    return b"ID3\x04\0\0" + length + body


def ape(size: int) -> bytes:
    body = b"x" * size
    footer = struct.pack("<8sIII8s", b"APETAGEX", 2000, size + 32, 1, b"\0\0\0\0\0\0\0\0")
    return body + footer


def same_answers(path, *, frames: int) -> np.ndarray:
    """Assert that a complete file has a length for all who read it; return its samples."""
    y, rate = audio.load(path)
    assert len(y) == frames
    assert audio.info(path)[:1] + audio.info(path)[2:3] == (rate, frames)
    np.testing.assert_array_equal(np.concatenate(list(audio.Blocks(path, seconds=0.3))), y)
    facts = inspect(path).facts
    assert facts["problem"] == ""
    assert facts["duration_s"] == facts["promised_s"] == frames / rate
    return y


@settings(max_examples=40)
@given(
    setting=SETTINGS,
    tags=st.tuples(
        st.sampled_from([b"", id3(3, 0xFF), id3(2**16, 0xFF), id3(9, 0) + id3(9, 1)]),
        st.sampled_from([b"", b"TAG" + bytes(125), ape(300), ape(9) + b"TAG" + bytes(125)]),
    ),
)
def test_all_settings_have_their_length_with_and_without_header(tmp_path_factory, setting, tags):
    path = tmp_path_factory.mktemp("mpeg") / "a.mp3"
    before, after = tags
    content = encoded(**setting)
    expected = soundfile.read(io.BytesIO(content), always_2d=True)[0].mean(axis=1)
    path.write_bytes(before + content + after)
    y = same_answers(path, frames=len(expected))
    np.testing.assert_allclose(y, expected, atol=1e-6)
    path.write_bytes(before + without_header(content) + after)
    size = 1152 if setting["rate"] >= 32_000 else 576
    # The encoder adds up to two frames, and fills the last one.
    frames = audio.info(path).frames
    assert frames % size == 0
    assert len(expected) <= frames < len(expected) + 4 * size
    delayed = same_answers(path, frames=frames)
    assert (delayed**2).sum() == pytest.approx((y**2).sum(), rel=0.1)


@settings(max_examples=60)
@given(setting=SETTINGS, share=st.floats(0.4, 0.999), has_header=st.booleans())
def test_a_file_that_breaks_off_is_found_where_it_can_be_known(
    tmp_path_factory, setting, share, has_header
):
    path = tmp_path_factory.mktemp("mpeg") / "a.mp3"
    content = encoded(**setting)
    _, end = header_of(content)
    assume(end or not has_header)
    content = content if has_header else without_header(content)
    path.write_bytes(content)
    whole = audio.info(path).frames
    size = 1152 if setting["rate"] >= 32_000 else 576
    cut = round(share * len(content))
    path.write_bytes(content[:cut])
    facts = inspect(path).facts
    rate, frames = setting["rate"], round(facts["duration_s"] * setting["rate"])
    assert frames < whole
    if has_header and whole - frames > 4 * size:
        assert facts["decoded"] is False
        assert facts["promised_s"] == pytest.approx(whole / rate, abs=0.001)
        with pytest.raises(AudioError, match="it breaks off after"):
            audio.load(path)
    if not has_header:
        # Up to the last complete frame, and no claim about frames that are not there.
        y, _ = audio.load(path)
        assert len(y) == frames == audio.info(path).frames
        broken = f"breaks off after {frames / rate:.2f} s (its last frame is incomplete)"
        assert facts["problem"] in ("", broken)


def test_only_an_incomplete_frame_shows_that_a_file_without_header_breaks_off(tmp_path):
    path = tmp_path / "a.mp3"
    content = without_header(encoded(mode="CONSTANT", rate=48_000, level=0.5))
    # At 48 kHz, all frames of a constant rate have one size.
    size = content.find(content[:3], 4)
    for lost, is_cut in ((0, False), (size, False), (1, True), (size + 7, True)):
        path.write_bytes(content[: len(content) - lost])
        assert inspect(path).facts["decoded"] is not is_cut


def changed_count(content: bytes, count: int) -> bytes:
    """Return the file with another number of frames in its header."""
    mark = max(content.find(name, 0, 100) for name in (b"Xing", b"Info"))
    assert mark > 0
    changed = bytearray(content)
    changed[mark + 8 : mark + 12] = struct.pack(">I", count)
    # And no number of bytes, which would confirm it.
    changed[mark + 12 : mark + 16] = bytes(4)
    return bytes(changed)


@pytest.mark.parametrize("count", [0, 1, 20])
def test_a_header_with_too_few_frames_cuts_nothing(tmp_path, count):
    path = tmp_path / "a.mp3"
    path.write_bytes(changed_count(encoded(), count))
    y, rate = audio.load(path)
    assert len(y) / rate == pytest.approx(3, abs=0.06)
    facts = inspect(path).facts
    assert facts["decoded"] is True
    assert (facts["surplus_s"] > 2) is (count > 0)


def test_a_header_with_too_many_frames_breaks_off(tmp_path):
    path = tmp_path / "a.mp3"
    path.write_bytes(changed_count(encoded(), 1_000))
    assert "ends after 3.0" in inspect(path).facts["problem"]
    with pytest.raises(AudioError, match=r"it breaks off after 3\.0 s"):
        audio.load(path)


def test_files_one_after_the_other_are_read_to_the_end(tmp_path):
    path = tmp_path / "a.mp3"
    for first, second in ((encoded(), encoded(number=2)), (without_header(encoded()),) * 2):
        path.write_bytes(first + second)
        y = audio.load(path)[0]
        assert len(y) / 44_100 == pytest.approx(6, abs=0.15)
        assert audio.info(path).frames == len(y)


@settings(max_examples=30)
@given(junk=st.binary(min_size=1, max_size=5_000), place=st.floats(0, 1), fill=st.booleans())
def test_other_data_between_frames_are_passed_over(tmp_path_factory, junk, place, fill):
    path = tmp_path_factory.mktemp("mpeg") / "a.mp3"
    content = without_header(encoded(seconds=1.0))
    cut = round(place * len(content))
    path.write_bytes(content[:cut] + (bytes(len(junk)) if fill else junk) + content[cut:])
    frames = audio.info(path).frames
    assert len(audio.load(path)[0]) == frames
    assert frames == pytest.approx(44_100, abs=4 * 1152)


def test_a_vbri_header_is_no_sound(tmp_path):
    path = tmp_path / "a.mp3"
    content = encoded(mode="CONSTANT", level=0.3)
    start, end = header_of(content)
    frame = bytearray(content[start:end])
    frame[4:] = bytes(len(frame) - 4)
    frame[36:40] = b"VBRI"
    path.write_bytes(without_header(content))
    frames = audio.info(path).frames
    path.write_bytes(bytes(frame) + without_header(content))
    same_answers(path, frames=frames)


def test_mpeg_audio_within_wav(tmp_path):
    soundfile.write(tmp_path / "a.wav", tone(3, seconds=4, rate=44_100), 44_100)
    ffmpeg("-i", tmp_path / "a.wav", "-c:a", "libmp3lame", tmp_path / "b.wav")
    y, rate = audio.load(tmp_path / "b.wav")
    assert len(y) / rate == pytest.approx(4, abs=0.06)
    assert inspect(tmp_path / "b.wav").facts["format"] == "WAV"
    assert inspect(tmp_path / "b.wav").facts["decoded"] is True


@pytest.mark.parametrize("ending", [".mp3", ".mp2", ".wav", ".aac"])
@pytest.mark.parametrize("kind", ["noise", "picture", "page", "synchronised", "zero"])
def test_no_sound_is_made_of_other_content(tmp_path, rng, kind, ending):
    content = {
        "noise": rng.bytes(2_000_000),
        "picture": b"\xff\xd8\xff\xe0\0\x10JFIF\0" + rng.bytes(300_000) + b"\xff\xd9",
        "page": ("<html>" + "fehler ÿ ü \xff" * 20_000).encode("latin-1"),
        # Headers that no frame follows.
        "synchronised": b"".join(b"\xff\xfb\x90\x64" + rng.bytes(50) for _ in range(5_000)),
        "zero": bytes(100_000),
    }[kind]
    (tmp_path / f"a{ending}").write_bytes(content)
    with pytest.raises(AudioError, match="cannot be decoded"):
        audio.load(tmp_path / f"a{ending}")
    with pytest.raises(AudioError, match="cannot be decoded"):
        audio.info(tmp_path / f"a{ending}")


@pytest.mark.parametrize("seconds", [0.01, 0.05, 0.1])
def test_a_very_short_file(tmp_path, seconds):
    content = encoded(seconds=seconds)
    (tmp_path / "a.mp3").write_bytes(content)
    same_answers(tmp_path / "a.mp3", frames=round(seconds * 44_100))


@pytest.mark.parametrize("content", [b"TAG", b"TAG" + bytes(124), b"APETAGEX" + b"\xff" * 24])
def test_a_file_of_nothing_but_the_beginning_of_a_tag(tmp_path, content):
    """The tag at a file's end has 128 bytes; a shorter file has none."""
    file = tmp_path / "a.mp3"
    file.write_bytes(content)
    with pytest.raises(AudioError):
        audio.info(file)


def test_decoding_prints_nothing(tmp_path, capfd):
    for number, content in enumerate(
        [encoded(), without_header(encoded()), encoded() * 2, changed_count(encoded(), 9)]
    ):
        (tmp_path / f"{number}.mp3").write_bytes(content)
        audio.load(tmp_path / f"{number}.mp3")
    assert capfd.readouterr() == ("", "")
