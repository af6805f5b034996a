"""Decoding of audio files, and the error messages of files that cannot be decoded."""

import os

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from gtzan_lib.data import audio
from gtzan_lib.errors import AudioError
from tests.formats import write_sound

LOSSLESS = (".wav", ".au", ".flac", ".aiff", ".aif", ".aifc", ".caf", ".rf64", ".snd", ".w64")
LOSSY = (".ogg", ".mp3", ".oga")
# Written by ffmpeg, and read by libsndfile or ffmpeg.
BY_FFMPEG = (
    ".aac", ".m4a", ".m4b", ".mka", ".mp2", ".mp4", ".opus", ".spx", ".weba", ".webm", ".wma",
)  # fmt: skip

pcm16 = npst.arrays(
    np.int16,
    st.tuples(st.integers(1, 400), st.integers(1, 2)),
    elements=st.integers(-(2**15), 2**15 - 1),
)


@pytest.mark.parametrize("ending", LOSSLESS)
@given(samples=pcm16, rate=st.sampled_from([8_000, 22_050, 44_100]))
def test_lossless_round_trip_is_exact(tmp_path_factory, ending, samples, rate):
    file = tmp_path_factory.mktemp("audio") / f"a{ending}"
    write_sound(file, samples, rate)
    y, loaded_rate = audio.load(file)
    assert loaded_rate == rate
    assert y.dtype == np.float32
    assert y.flags.c_contiguous
    expected = (samples.astype(np.float64) / 2**15).mean(axis=1)
    np.testing.assert_allclose(y, expected, rtol=0, atol=2**-24)
    assert audio.info(file) == (rate, samples.shape[1], len(samples), "PCM_16")


@pytest.mark.parametrize("ending", [*LOSSY, *BY_FFMPEG])
def test_lossy_round_trip_keeps_the_sound(tmp_path, ending):
    time = np.arange(32_000) / 16_000
    sine = 0.5 * np.sin(2 * np.pi * 440 * time)
    file = write_sound(tmp_path / f"a{ending}", sine, 16_000)
    y, rate = audio.load(file)
    assert rate in (16_000, 48_000)
    assert y.dtype == np.float32
    spectrum = np.abs(np.fft.rfft(y))
    assert abs(spectrum.argmax() * rate / len(y) - 440) < 2
    assert np.abs(y).max() == pytest.approx(0.5, abs=0.1)
    assert audio.info(file).duration_s == pytest.approx(2, abs=0.15)
    assert len(y) / rate == pytest.approx(2, abs=0.15)
    np.testing.assert_array_equal(in_blocks(file), y)


def test_all_endings_of_the_package_are_tested():
    assert set(audio.EXTENSIONS) == {*LOSSLESS, *LOSSY, *BY_FFMPEG}


def test_mono_is_the_mean_of_the_channels(tmp_path, rng):
    channels = rng.uniform(-0.5, 0.5, (1000, 3))
    soundfile.write(tmp_path / "a.wav", channels, 8_000, subtype="FLOAT")
    y, _ = audio.load(tmp_path / "a.wav")
    np.testing.assert_allclose(y, channels.mean(axis=1), atol=1e-6)


def test_opposite_channels_cancel(tmp_path, rng):
    left = rng.uniform(-0.5, 0.5, 1000)
    soundfile.write(tmp_path / "a.wav", np.stack([left, -left], axis=1), 8_000, subtype="FLOAT")
    assert not audio.load(tmp_path / "a.wav")[0].any()


@given(
    n=st.integers(1, 3000),
    source=st.sampled_from([8_000, 12_000, 22_050, 44_100]),
    target=st.sampled_from([8_000, 12_000, 22_050, 44_100]),
)
def test_resampling_keeps_the_duration(n, source, target):
    y = np.linspace(-1, 1, n, dtype=np.float32)
    resampled = audio.resample(y, source, target)
    assert resampled.dtype == np.float32
    assert abs(len(resampled) - n * target / source) <= 1


def test_resampling_is_librosas_default(rng):
    librosa = pytest.importorskip("librosa")
    y = rng.uniform(-1, 1, 22_050).astype(np.float32)
    ours = audio.resample(y, 22_050, 12_000)
    theirs = librosa.resample(y, orig_sr=22_050, target_sr=12_000)
    # librosa rounds the length up, and up again in its last bit, with zeros.
    np.testing.assert_array_equal(ours, theirs[: len(ours)])
    assert not theirs[len(ours) :].any()


def test_resampling_removes_frequencies_above_half_the_new_rate():
    time = np.arange(22_050) / 22_050
    above = np.sin(2 * np.pi * 8_000 * time).astype(np.float32)
    below = np.sin(2 * np.pi * 1_000 * time).astype(np.float32)
    inner = slice(1000, -1000)
    assert np.abs(audio.resample(above, 22_050, 12_000)[inner]).max() < 1e-3
    assert np.abs(audio.resample(below, 22_050, 12_000)[inner]).max() == pytest.approx(1, abs=1e-3)


def test_load_resamples_on_request(tmp_path, rng):
    soundfile.write(tmp_path / "a.wav", rng.uniform(-0.5, 0.5, 22_050), 22_050)
    own, _ = audio.load(tmp_path / "a.wav")
    y, rate = audio.load(tmp_path / "a.wav", sample_rate=12_000)
    assert (rate, len(y)) == (12_000, 12_000)
    np.testing.assert_array_equal(y, audio.resample(own, 22_050, 12_000))


# --- in blocks ----------------------------------------------------------------


@pytest.mark.parametrize("target", [None, 8_000, 12_000, 44_100])
@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("ending", [*LOSSLESS, *LOSSY])
def test_blocks_are_the_samples_of_load(tmp_path, ending, channels, target, rng):
    file = tmp_path / f"a{ending}"
    write_sound(file, rng.uniform(-0.5, 0.5, (30_011, channels)), 22_050)
    whole, _ = audio.load(file, sample_rate=target)
    for seconds in (0.0101, 0.5, 30.0):
        blocks = audio.Blocks(file, sample_rate=target, seconds=seconds)
        pieces = list(blocks)
        assert blocks.duration_s == pytest.approx(30_011 / 22_050, abs=0.1)
        assert {piece.dtype for piece in pieces} == {np.dtype(np.float32)}
        np.testing.assert_array_equal(np.concatenate(pieces), whole)


@given(
    samples=pcm16,
    source=st.sampled_from([8_000, 22_050, 44_100, 192_000]),
    target=st.sampled_from([None, 8_000, 12_000, 22_050]),
    seconds=st.floats(1e-6, 0.05),
)
def test_blocks_of_any_length(tmp_path_factory, samples, source, target, seconds):
    file = tmp_path_factory.mktemp("audio") / "a.wav"
    soundfile.write(file, samples, source, subtype="PCM_16")
    pieces = list(audio.Blocks(file, sample_rate=target, seconds=seconds))
    whole, _ = audio.load(file, sample_rate=target)
    np.testing.assert_array_equal(np.concatenate(pieces), whole)
    if target in (None, source):
        assert max(map(len, pieces)) <= max(1, round(seconds * source))


@given(
    y=npst.arrays(np.float32, st.integers(0, 3000), elements=st.floats(-1, 1, width=32)),
    edges=st.lists(st.integers(0, 3000), max_size=8),
    source=st.sampled_from([8_000, 12_000, 44_100, 192_000]),
    target=st.sampled_from([8_000, 12_000, 22_050]),
)
def test_resampling_in_pieces_is_resampling(y, edges, source, target):
    resampler = audio.Resampler(source, target)
    pieces = np.split(y, sorted(min(edge, len(y)) for edge in edges))
    pieces = [*map(resampler.push, pieces), resampler.finish()]
    assert {piece.dtype for piece in pieces} == {np.dtype(np.float32)}
    np.testing.assert_array_equal(np.concatenate(pieces), audio.resample(y, source, target))


def test_truncated_flac_gives_its_first_blocks(tmp_path, rng):
    file = tmp_path / "a.flac"
    soundfile.write(file, rng.uniform(-0.5, 0.5, 5 * 22_050), 22_050)
    whole, _ = audio.load(file)
    file.write_bytes(file.read_bytes()[:150_000])
    blocks = []
    with pytest.raises(AudioError, match=r"a\.flac: cannot be decoded \(.+\); replace the file"):
        blocks.extend(audio.Blocks(file, seconds=0.1))
    assert len(blocks) > 10
    y = np.concatenate(blocks)
    np.testing.assert_array_equal(y, whole[: len(y)])


def test_blocks_of_a_stream_without_a_length_in_its_header(tmp_path, rng):
    file = tmp_path / "a.flac"
    soundfile.write(file, rng.uniform(-0.5, 0.5, 3 * 8_000), 8_000)
    whole, _ = audio.load(file)
    content = bytearray(file.read_bytes())
    # The last 36 bits before the checksum in the header are the number of samples.
    content[21] &= 0xF0
    content[22:26] = bytes(4)
    file.write_bytes(content)
    assert audio.info(file).frames == 3 * 8_000
    np.testing.assert_array_equal(np.concatenate(list(audio.Blocks(file, seconds=1.0))), whole)


def test_blocks_of_a_file_without_sound(tmp_path):
    soundfile.write(tmp_path / "a.wav", np.zeros(0), 8_000)
    for target in (None, 12_000):
        assert sum(map(len, audio.Blocks(tmp_path / "a.wav", sample_rate=target))) == 0


def test_to_mono_does_not_copy_mono_sound(rng):
    y = rng.uniform(-1, 1, (50, 3)).astype(np.float32)
    for mono in (y[:, 0], y[:, :1]):
        assert np.shares_memory(audio.to_mono(mono), y)
        np.testing.assert_array_equal(audio.to_mono(mono), y[:, 0])
    assert audio.to_mono(y).dtype == np.float32
    np.testing.assert_allclose(audio.to_mono(y), y.sum(axis=1) / 3, atol=1e-6)


# --- unreadable files ---------------------------------------------------------


def in_blocks(file) -> np.ndarray:
    """Decode as `load`, in blocks."""
    return np.concatenate(list(audio.Blocks(file, seconds=0.1)))


CALLS = [audio.info, audio.load, in_blocks]


def error_message(call, file) -> str:
    """Return the one sentence of a call's `AudioError`."""
    with pytest.raises(AudioError) as caught:
        call(file)
    message = str(caught.value)
    assert message.startswith(f"{file}: ")
    assert message.endswith(".")
    assert "\n" not in message
    return message


@pytest.mark.parametrize("call", CALLS)
def test_missing_file_is_named(tmp_path, call):
    assert "no such file" in error_message(call, tmp_path / "a.wav")


@pytest.mark.parametrize("call", CALLS)
def test_folder_is_no_file(tmp_path, call):
    (tmp_path / "a.wav").mkdir()
    error_message(call, tmp_path / "a.wav")


@pytest.mark.parametrize("ending", audio.EXTENSIONS)
@pytest.mark.parametrize("content", [b"", b"RIFF", bytes(5000), b"no music " * 100])
@pytest.mark.parametrize("call", CALLS)
def test_files_without_audio_are_refused(tmp_path, call, content, ending):
    file = tmp_path / f"a{ending}"
    file.write_bytes(content)
    assert "cannot be decoded" in error_message(call, file)


@given(content=st.binary(max_size=300), ending=st.sampled_from(audio.EXTENSIONS))
def test_any_bytes_are_audio_or_refused(tmp_path_factory, content, ending):
    file = tmp_path_factory.mktemp("audio") / f"a{ending}"
    file.write_bytes(content)
    try:
        audio.load(file)
    except AudioError as error:
        assert str(file) in str(error)


@pytest.mark.parametrize("ending", [*LOSSLESS, *LOSSY])
@pytest.mark.parametrize("share", [0.3, 0.5, 0.9])
def test_truncated_file_never_becomes_silence(tmp_path, ending, share, rng):
    """Either its length is that of the rest, or it is refused."""
    file = write_sound(tmp_path / f"a{ending}", rng.uniform(-0.5, 0.5, 5 * 22_050), 22_050)
    file.write_bytes(file.read_bytes()[: int(share * file.stat().st_size)])
    try:
        frames = audio.info(file).frames
        decoded = len(audio.load(file)[0])
    except AudioError as error:
        assert "cannot be decoded" in str(error)
    else:
        assert decoded == frames


def test_truncated_flac_is_named(tmp_path, rng):
    """The header is valid; only decoding fails."""
    file = tmp_path / "a.flac"
    soundfile.write(file, rng.uniform(-0.5, 0.5, 5 * 22_050), 22_050)
    file.write_bytes(file.read_bytes()[:50_000])
    assert audio.info(file).duration_s == 5
    assert "replace the file" in error_message(audio.load, file)
    assert error_message(in_blocks, file)


# --- reasons ------------------------------------------------------------------


def reason(file) -> str:
    """Return the reason why a file cannot be opened."""
    with pytest.raises(AudioError) as caught, audio.open_audio(file):
        raise AssertionError("it was opened")
    message, words = str(caught.value), caught.value.reason
    assert message.startswith(f"{file}: ")
    assert words
    assert words in message
    assert str(file) not in words
    assert not words.endswith(".")
    assert "\n" not in message
    return words


def test_reasons_of_folders_and_links(tmp_path, rng):
    (tmp_path / "folder.wav").mkdir()
    (tmp_path / "loop.wav").symlink_to(tmp_path / "pool.wav")
    (tmp_path / "pool.wav").symlink_to(tmp_path / "loop.wav")
    (tmp_path / "own.wav").symlink_to("own.wav")
    (tmp_path / "dangling.wav").symlink_to(tmp_path / "nowhere.wav")
    (tmp_path / "to_folder.wav").symlink_to("folder.wav")
    assert reason(tmp_path / "folder.wav") == "it is a folder"
    assert reason(tmp_path / "to_folder.wav") == "it is a folder"
    for name in ("loop", "own", "dangling"):
        assert reason(tmp_path / f"{name}.wav") == "it is a link that leads to no file"
    assert reason(tmp_path / "none.wav") == "there is no such file"
    assert reason(tmp_path / "folder.wav" / "a.wav") == "there is no such file"
    # A link to a file is valid.
    soundfile.write(tmp_path / "a.wav", rng.uniform(-0.5, 0.5, 100), 8_000)
    (tmp_path / "good.wav").symlink_to("a.wav")
    with audio.open_audio(tmp_path / "good.wav") as file:
        assert file.frames == 100


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes on this system")
def test_pipe_is_refused_without_waiting(tmp_path):
    os.mkfifo(tmp_path / "a.wav")
    assert reason(tmp_path / "a.wav") == "there is no such file"


@pytest.mark.parametrize("content", [b"no music " * 100, bytes(5000), b".snd", b".sn" + bytes(40)])
def test_reason_of_other_contents_named_au(tmp_path, content):
    """libsndfile would read it as sound without a header."""
    (tmp_path / "a.au").write_bytes(content)
    words = reason(tmp_path / "a.au")
    if content != b".snd":
        assert words == "it has no header"


@pytest.mark.parametrize("ending", audio.EXTENSIONS)
def test_reason_of_other_contents_is_from_libsndfile(tmp_path, ending):
    file = tmp_path / f"a{ending}"
    file.write_bytes(b"RIFF" + bytes(30))
    assert len(reason(file)) < 100


def test_reason_is_not_the_name_of_the_file(tmp_path):
    """Also for an error of the system, not of libsndfile."""
    words = reason(tmp_path / ("n" * 300 + ".wav"))
    assert "nnn" not in words


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read all")
@pytest.mark.parametrize("locked", ["file", "folder"])
def test_file_without_permission(tmp_path, rng, locked):
    (tmp_path / "blues").mkdir()
    file = tmp_path / "blues" / "a.wav"
    soundfile.write(file, rng.uniform(-0.5, 0.5, 100), 8_000)
    shut = file if locked == "file" else file.parent
    mode = shut.stat().st_mode
    shut.chmod(0)
    try:
        reason(file)
    finally:
        shut.chmod(mode)


def test_reason_of_a_later_error(tmp_path, rng):
    """Errors while a file is read in pieces have the same form."""
    soundfile.write(tmp_path / "a.wav", rng.uniform(-0.5, 0.5, 100), 8_000)
    soundfile.write(tmp_path / "a.flac", rng.uniform(-0.5, 0.5, 50_000), 8_000)
    content = (tmp_path / "a.flac").read_bytes()
    (tmp_path / "a.flac").write_bytes(content[: len(content) // 2])
    with (
        pytest.raises(AudioError, match="cannot be decoded") as caught,
        audio.open_audio(tmp_path / "a.flac") as file,
    ):
        file.read(10**6)
    assert caught.value.reason
    with pytest.raises(ZeroDivisionError), audio.open_audio(tmp_path / "a.wav"):
        # Other errors are not changed.
        _ = 1 / 0
