"""Measurements of one file: known sounds, damaged files, and random changes."""

import hashlib
import os
import struct
import warnings
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from gtzan_lib.data.loaders import gtzan
from gtzan_lib.files import sha256_of
from gtzan_lib.health import inspection
from gtzan_lib.health.inspection import INSPECTED_FACTS, Inspection, inspect

RATE = 22_050
STEP = 1102  # samples in one step of 50 ms, in which silence is measured

CONTAINERS = {
    ".wav": ("WAV", "PCM_16"),
    ".au": ("AU", "PCM_16"),
    ".flac": ("FLAC", "PCM_16"),
    ".ogg": ("OGG", "VORBIS"),
    ".mp3": ("MP3", "MPEG_LAYER_III"),
}


def sine(*, seconds=2.0, hz=441, peak=0.5, rate=RATE) -> np.ndarray:
    return peak * np.sin(2 * np.pi * hz * np.arange(round(seconds * rate)) / rate)


def noise(*, seconds=2.0, peak=0.5, rate=RATE, seed=0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-peak, peak, round(seconds * rate))


def write(path: Path, y: np.ndarray, *, rate: int = RATE, encoding: str | None = None) -> Path:
    container, usual = CONTAINERS[path.suffix]
    soundfile.write(path, y, rate, format=container, subtype=encoding or usual)
    return path


def facts(path) -> dict:
    return inspect(path).facts


@pytest.fixture
def of(tmp_path):
    """Return the facts about samples, written as a WAV file by default."""
    paths = []

    def write_and_inspect(y, *, ending=".wav", **arguments) -> dict:
        paths.append(tmp_path / f"{len(paths)}{ending}")
        return facts(write(paths[-1], y, **arguments))

    return write_and_inspect


# --- known sounds -------------------------------------------------------------


def test_numbers_of_a_sine(tmp_path):
    measured, levels = inspect(write(tmp_path / "a.wav", sine()))
    assert set(measured) == set(INSPECTED_FACTS)
    assert measured["decoded"] is True
    assert measured["problem"] == ""
    assert (measured["format"], measured["encoding"]) == ("WAV", "PCM_16")
    assert (measured["sample_rate"], measured["channels"]) == (RATE, 1)
    assert measured["duration_s"] == measured["promised_s"] == 2
    assert measured["surplus_s"] == 0
    assert measured["peak_db"] == pytest.approx(-6.02, abs=0.03)
    assert measured["rms_db"] == pytest.approx(-9.03, abs=0.01)
    assert measured["offset"] == pytest.approx(0, abs=1e-4)
    assert measured["silent"] is False
    assert measured["longest_silence_s"] == 0
    assert measured["flat_tops"] == measured["dropouts"] == 0
    assert levels.shape == (4, 32, 24)
    assert levels.dtype == np.uint8


def test_numbers_of_another_rate_and_length(of):
    measured = of(sine(seconds=0.75, hz=1000, peak=0.1, rate=44_100), rate=44_100)
    assert measured["sample_rate"] == 44_100
    assert measured["duration_s"] == 0.75
    assert measured["peak_db"] == pytest.approx(-20, abs=0.05)
    assert measured["rms_db"] == pytest.approx(-23.01, abs=0.02)


@pytest.mark.parametrize("ending", CONTAINERS)
def test_every_format(of, ending):
    measured = of(sine(), ending=ending)
    assert (measured["format"], measured["encoding"]) == CONTAINERS[ending]
    assert measured["decoded"] is True
    assert measured["duration_s"] == pytest.approx(2, abs=0.06)
    assert measured["rms_db"] == pytest.approx(-9.03, abs=0.1)


@pytest.mark.parametrize(
    ("encoding", "step"),
    [("PCM_U8", 1 / 128), ("PCM_24", 2**-23), ("PCM_32", 2**-23), ("FLOAT", 1e-7), ("DOUBLE", 0)],
)
def test_other_encodings(of, encoding, step):
    measured = of(sine(hz=450), encoding=encoding)
    assert measured["encoding"] == encoding
    assert measured["decoded"] is True
    assert 10 ** (measured["peak_db"] / 20) == pytest.approx(0.5, abs=step + 1e-3)
    assert measured["rms_db"] == pytest.approx(-9.03, abs=0.05)


def test_all_channels_count(of):
    measured = of(np.stack([sine(), 0 * sine()], axis=1))
    assert measured["channels"] == 2
    assert measured["duration_s"] == 2
    assert measured["peak_db"] == pytest.approx(-6.02, abs=0.03)
    assert measured["rms_db"] == pytest.approx(-12.04, abs=0.01)
    assert measured["longest_silence_s"] == 0


@pytest.mark.parametrize("offset", [-0.125, 0.25])
def test_offset_is_the_mean(of, offset):
    assert of(sine(peak=0.3) + offset)["offset"] == pytest.approx(offset, abs=1e-4)


def test_zeros_are_silent(of):
    measured = of(np.zeros(RATE))
    assert measured["silent"] is True
    assert measured["peak_db"] == measured["rms_db"] == -np.inf
    assert measured["longest_silence_s"] == pytest.approx(1, abs=0.05)
    assert measured["flat_tops"] == measured["dropouts"] == 0


@pytest.mark.parametrize("level", [0.5, -0.2, 0.001])
def test_a_constant_is_silent(of, level):
    assert of(np.full(RATE, level))["silent"] is True


def test_noise_of_one_bit_is_silent_and_a_quiet_sound_is_not(of):
    assert of(noise(peak=1.4 / 32768))["silent"] is True
    assert of(sine(peak=0.001))["silent"] is False


def test_no_samples_are_silent(of):
    measured = of(np.zeros(0))
    assert measured["decoded"] is True
    assert measured["duration_s"] == 0
    assert measured["silent"] is True
    assert "peak_db" not in measured


@pytest.mark.parametrize("level", [0, 0.3])
def test_longest_silence(of, level):
    """A constant is silence, too; the longer of two silences counts."""
    y = noise(seconds=6)
    y[RATE : 2 * RATE] = 0
    y[3 * RATE : round(5.5 * RATE)] = level
    measured = of(y)
    assert measured["longest_silence_s"] == pytest.approx(2.5, abs=0.1)
    assert measured["silent"] is False


def test_a_quiet_sound_is_no_silence_but_noise_of_one_bit_is(of):
    y = noise(seconds=4)
    y[RATE : 2 * RATE] *= 0.001
    assert of(y)["longest_silence_s"] == 0
    y[RATE : 2 * RATE] *= 0.03
    assert of(y)["longest_silence_s"] == pytest.approx(1, abs=0.1)


def test_flat_tops_of_a_clipped_sine(of):
    """There are two in each of 882 periods."""
    measured = of(np.clip(sine(peak=2), -0.9, 0.9))
    assert measured["flat_tops"] == 2 * 882
    assert measured["dropouts"] == 0


def test_flat_tops_of_one_side(of):
    """Amplifiers may clip the two sides at different levels."""
    assert of(np.clip(sine(peak=0.9), -1, 0.6))["flat_tops"] == 882
    assert of(np.clip(sine(peak=0.9), -0.4, 0.7))["flat_tops"] == 2 * 882
    both = np.stack([np.clip(sine(peak=0.9), -1, 0.6), sine()], axis=1)
    assert of(both)["flat_tops"] == 882


def test_bass_has_no_flat_tops(of):
    assert of(sine(hz=40, peak=0.9))["flat_tops"] == 0


def test_gaps_that_begin_with_a_jump_are_dropouts(of):
    y = sine(hz=1000) + noise(peak=0.1)
    for start in (5_000, 15_000, 30_000):
        y[start : start + 441] = 0
    assert of(y)["dropouts"] == 3


def test_a_gap_too_short_to_be_heard_is_no_dropout(of):
    y = sine(hz=1000) + noise(peak=0.1)
    y[15_000:15_040] = 0
    assert of(y)["dropouts"] == 0


def test_music_that_fades_into_silence_has_no_dropouts(of):
    fade = np.r_[np.linspace(1, 0, RATE), np.zeros(RATE), np.linspace(0, 1, RATE)]
    measured = of((sine(seconds=3) + noise(seconds=3, peak=0.2)) * fade**3)
    assert measured["longest_silence_s"] > 1
    assert measured["dropouts"] == 0


# --- checksums ----------------------------------------------------------------


@pytest.mark.parametrize("channels", [1, 2])
def test_checksum_is_that_of_a_plain_wav_file(tmp_path, channels):
    y = np.stack([noise(seed=n) for n in range(channels)], axis=1)
    path = write(tmp_path / "a.wav", y)
    content = path.read_bytes()
    assert len(content) == 44 + y.size * 2
    assert facts(path)["sha256"] == hashlib.sha256(content).hexdigest()


def test_checksum_does_not_depend_on_the_container(tmp_path, of):
    samples = np.round(noise() * 32767).astype(np.int16)
    wav, flac, au = (write(tmp_path / f"a{ending}", samples) for ending in (".wav", ".flac", ".au"))
    assert facts(flac)["sha256"] == facts(au)["sha256"] == sha256_of(wav)
    chunk = b"LIST" + struct.pack("<I", 12) + b"INFOISFT\0\0\0\0"
    content = wav.read_bytes()
    size = struct.pack("<I", len(content) + len(chunk) - 8)
    longer = tmp_path / "b.wav"
    longer.write_bytes(content[:4] + size + content[8:] + chunk)
    assert facts(longer)["sha256"] == sha256_of(wav) != sha256_of(longer)


def test_checksums_of_other_sounds_differ(of):
    y = noise()
    changed = y.copy()
    changed[7] += 0.001
    sums = {
        of(y)["sha256"],
        of(changed)["sha256"],
        of(y[:-1])["sha256"],
        of(y, rate=44_100)["sha256"],
        of(y.reshape(-1, 2))["sha256"],
        of(y, encoding="PCM_24")["sha256"],
    }
    assert len(sums) == 6


def test_checksums_of_real_clips_are_kaggles(real_clips):
    known = gtzan.facts()["wav_sha256"]
    compared = [clip for clip in real_clips if clip.suffix in (".flac", ".wav")]
    if not compared:
        pytest.skip("no lossless clips here")
    for clip in compared:
        assert facts(clip)["sha256"] == known[clip.stem]


# --- damaged files ------------------------------------------------------------


def undecodable(path: Path) -> str:
    """Assert that a file is not audio; return the reason."""
    measured, levels = inspect(path)
    assert measured.keys() == {"decoded", "problem"}
    assert measured["decoded"] is False
    assert levels.shape == (32, 0)
    return measured["problem"]


@pytest.mark.parametrize("ending", CONTAINERS)
@pytest.mark.parametrize("content", [b"", b"RIFF and nothing else", bytes(5000)])
def test_no_audio(tmp_path, ending, content):
    path = tmp_path / f"a{ending}"
    path.write_bytes(content)
    assert undecodable(path)


def test_a_folder_named_like_a_file(tmp_path):
    (tmp_path / "x.wav").mkdir()
    assert undecodable(tmp_path / "x.wav") == "it is a folder"


def test_links(tmp_path):
    (tmp_path / "a.wav").symlink_to(tmp_path / "b.wav")
    (tmp_path / "b.wav").symlink_to(tmp_path / "a.wav")
    (tmp_path / "lost.wav").symlink_to(tmp_path / "gone.wav")
    assert undecodable(tmp_path / "a.wav") == "it is a link that leads to no file"
    assert undecodable(tmp_path / "lost.wav") == "it is a link that leads to no file"
    (tmp_path / "good.wav").symlink_to(write(tmp_path / "there.wav", sine()))
    assert inspect(tmp_path / "good.wav").facts == inspect(tmp_path / "there.wav").facts


def test_a_missing_file(tmp_path):
    assert undecodable(tmp_path / "a.wav") == "there is no such file"


def changed_header(path: Path, position: int, *values: int) -> Path:
    """Overwrite little-endian words of a WAV file's header, from a position on."""
    content = bytearray(path.read_bytes())
    struct.pack_into(f"<{len(values)}I", content, position, *values)
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("rate", [0, 2**32 - 5])
def test_an_impossible_rate(tmp_path, rate):
    assert undecodable(changed_header(write(tmp_path / "a.wav", sine()), 24, rate))


@pytest.mark.parametrize("rate", [5, 2**31 - 5])
def test_an_unusual_rate(tmp_path, rate):
    measured, levels = inspect(changed_header(write(tmp_path / "a.wav", sine()), 24, rate))
    assert measured["sample_rate"] == rate
    assert measured["duration_s"] == pytest.approx(2 * RATE / rate)
    assert levels.shape == (32, 0)


@pytest.mark.parametrize("ending", [".wav", ".au", ".flac", ".mp3"])
@pytest.mark.parametrize("share", [0.2, 0.5, 0.9])
def test_truncated(tmp_path, ending, share):
    path = write(tmp_path / f"a{ending}", noise(seconds=8))
    promised = facts(path)["duration_s"]
    content = path.read_bytes()
    path.write_bytes(content[: round(share * len(content))])
    measured, levels = inspect(path)
    assert measured["decoded"] is False
    assert measured["problem"].startswith(("breaks off after", "ends after"))
    assert measured["format"] == CONTAINERS[ending][0]
    assert measured["promised_s"] == pytest.approx(promised, abs=0.06)
    # An encoder's frame may be lost, and frames of MP3 use bits of earlier ones.
    assert measured["duration_s"] == pytest.approx(8 * share, abs=0.35)
    assert measured["duration_s"] < 8 * share + 0.05
    # The decoded part is measured.
    assert measured["rms_db"] == pytest.approx(-10.8, abs=0.3)
    assert levels.shape[-1] == pytest.approx(8 * share / 0.0775, abs=6)


def test_a_header_without_samples(tmp_path):
    path = write(tmp_path / "a.wav", noise())
    path.write_bytes(path.read_bytes()[:44])
    measured = facts(path)
    assert (measured["decoded"], measured["duration_s"], measured["promised_s"]) == (False, 0, 2)
    assert measured["silent"] is True
    assert measured["problem"] == "ends after 0.00 s of 2.00 s"


@pytest.mark.parametrize("ending", [".wav", ".au"])
def test_a_header_that_states_too_great_a_length(tmp_path, ending):
    path = write(tmp_path / f"a{ending}", noise())
    position, order = (40, "<") if ending == ".wav" else (8, ">")
    content = bytearray(path.read_bytes())
    struct.pack_into(f"{order}I", content, position, 4 * RATE * 2)
    path.write_bytes(content)
    measured = facts(path)
    assert (measured["decoded"], measured["duration_s"], measured["promised_s"]) == (False, 2, 4)
    assert measured["problem"] == "ends after 2.00 s of 4.00 s"


@pytest.mark.parametrize("ending", [".wav", ".au"])
def test_a_header_written_before_the_length_was_known(tmp_path, ending):
    path = write(tmp_path / f"a{ending}", noise())
    position, order = (40, "<") if ending == ".wav" else (8, ">")
    content = bytearray(path.read_bytes())
    struct.pack_into(f"{order}I", content, position, 2**32 - 1)
    path.write_bytes(content)
    measured = facts(path)
    assert (measured["decoded"], measured["duration_s"], measured["surplus_s"]) == (True, 2, 0)


@pytest.mark.parametrize("ending", [".wav", ".au"])
def test_a_header_that_states_too_small_a_length(tmp_path, ending):
    path = write(tmp_path / f"a{ending}", noise(seconds=4))
    position, order = (40, "<") if ending == ".wav" else (8, ">")
    content = bytearray(path.read_bytes())
    struct.pack_into(f"{order}I", content, position, RATE * 2)
    path.write_bytes(content)
    measured = facts(path)
    assert (measured["decoded"], measured["duration_s"], measured["promised_s"]) == (True, 1, 1)
    assert measured["surplus_s"] == pytest.approx(3, abs=0.01)


def test_metadata_are_no_surplus(tmp_path):
    path = write(tmp_path / "a.wav", noise())
    content = path.read_bytes()
    path.write_bytes(content + b"LIST" + struct.pack("<I", 30_000) + bytes(30_000))
    assert facts(path)["surplus_s"] == 0


def test_a_large_file_cut_within_its_header(tmp_path):
    """The format is RF64, for files above 4 GB, whose length libsndfile logs in another way."""
    path = tmp_path / "a.wav"
    soundfile.write(path, noise(), RATE, format="RF64", subtype="PCM_16")
    content = path.read_bytes()
    assert facts(path)["format"] == "RF64"
    assert facts(path)["decoded"] is True
    path.write_bytes(content[: content.index(b"data") + 6])
    assert isinstance(inspect(path), Inspection)


def test_samples_that_are_not_finite(tmp_path):
    y = sine().astype(np.float32)
    y[100:110] = np.nan
    y[500], y[700], y[900] = np.inf, -np.inf, 1e30
    measured, levels = inspect(write(tmp_path / "a.wav", y, encoding="FLOAT"))
    assert measured["decoded"] is True
    assert measured["invalid_samples"] == 13
    numbers = [value for value in measured.values() if isinstance(value, float)]
    assert np.isfinite(numbers).all()
    assert levels.shape == (4, 32, 24)


def test_only_samples_that_are_not_finite(of):
    measured = of(np.full(RATE, np.nan), encoding="FLOAT")
    assert measured["decoded"] is True
    assert measured["invalid_samples"] == RATE
    assert measured["silent"] is True


@pytest.mark.parametrize(
    "name", ["Amália – Fado.wav", "東京.wav", "Хор.wav", "🎷 [x] %s.wav", "مقام.wav"]
)
def test_names_in_other_scripts(tmp_path, name):
    assert facts(write(tmp_path / name, sine()))["decoded"] is True
    (tmp_path / f"empty {name}").write_bytes(b"")
    assert undecodable(tmp_path / f"empty {name}") == "Format not recognised"


@pytest.mark.skipif(os.name == "nt", reason="names are text there")
def test_an_invalid_name(tmp_path):
    plain = write(tmp_path / "a.wav", sine())
    odd = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff\xfe.wav"))
    plain.rename(odd)
    assert facts(odd)["decoded"] is True


# --- long files ---------------------------------------------------------------


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("ending", [".wav", ".flac", ".au"])
def test_a_file_in_pieces_has_the_same_facts(tmp_path, monkeypatch, channels, ending):
    y = noise(seconds=8, peak=0.8).reshape(-1, channels)
    y[7 * STEP : 27 * STEP] = 0
    y[40 * STEP + 300 : 40 * STEP + 500] = 0
    y[50 * STEP + 10 : 50 * STEP + 20] = y.max()
    path = write(tmp_path / f"a{ending}", y)
    whole = inspect(path)
    assert whole.facts["longest_silence_s"] == pytest.approx(1, abs=0.05)
    assert whole.facts["dropouts"] == 2 * channels
    assert whole.facts["flat_tops"] == channels
    read = soundfile.SoundFile.read
    sizes = []
    monkeypatch.setattr(
        soundfile.SoundFile, "read", lambda self, n, **k: sizes.append(n) or read(self, n, **k)
    )
    monkeypatch.setattr(inspection, "BLOCK_SIZE", 30 * STEP * channels)
    pieces = inspect(path)
    assert len(sizes) > 3
    assert set(sizes) == {30 * STEP}
    rounded = {"rms_db", "offset"}
    for name in set(INSPECTED_FACTS) - rounded:
        assert pieces.facts[name] == whole.facts[name], name
    assert pieces.facts["rms_db"] == pytest.approx(whole.facts["rms_db"], abs=1e-4)
    assert pieces.facts["offset"] == pytest.approx(whole.facts["offset"], abs=1e-6)
    difference = np.abs(pieces.envelope.astype(int) - whole.envelope)
    assert difference.max() <= 1
    assert difference.mean() < 0.001


def test_a_gap_across_two_pieces_is_a_dropout(of, monkeypatch):
    y = sine(hz=1000) + noise(peak=0.1)
    y[9_800:10_200] = 0
    monkeypatch.setattr(inspection, "BLOCK_SIZE", 10_000)
    assert of(y)["dropouts"] == 1


def test_peaks_of_a_quiet_ending_are_no_flat_tops(of, monkeypatch):
    """With 16 bits, three samples at the peak of a quiet bass note are equal."""
    y = np.r_[sine(hz=200, peak=0.9), sine(hz=40, peak=0.1)]
    assert of(y)["flat_tops"] == 0
    monkeypatch.setattr(inspection, "BLOCK_SIZE", 2 * RATE)
    assert of(y)["flat_tops"] == 0


def test_a_long_truncated_file_is_measured_to_its_end(tmp_path, monkeypatch):
    path = write(tmp_path / "a.flac", noise(seconds=8))
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    monkeypatch.setattr(inspection, "BLOCK_SIZE", RATE)
    measured = facts(path)
    assert measured["decoded"] is False
    assert measured["duration_s"] == pytest.approx(4, abs=0.3)


# --- random changes -----------------------------------------------------------

SIZES = st.sampled_from(
    [0, 1, 2, 3, 127, 255, 2**15, 2**16 - 1, 22_050, 2**31 - 1, 2**31, 2**32 - 5, 2**32 - 1]
)
# Half of the changes are in the header.
POSITIONS = st.integers(0, 80) | st.integers(0, 2**15)
MUTATIONS = st.one_of(
    st.tuples(st.just("flip"), POSITIONS, st.integers(0, 7)),
    st.tuples(st.just("cut"), POSITIONS, st.just(0)),
    st.tuples(st.just("remove"), POSITIONS, st.integers(1, 60)),
    st.tuples(st.just("insert"), POSITIONS, st.binary(min_size=1, max_size=40)),
    st.tuples(st.just("little"), POSITIONS, SIZES),
    st.tuples(st.just("big"), POSITIONS, SIZES),
)


def mutated(content: bytes, mutations) -> bytes:
    changed = bytearray(content)
    for kind, position, value in mutations:
        position %= max(1, len(changed))
        match kind:
            case "flip":
                flipped = bytes(byte ^ 1 << value for byte in changed[position:][:1])
                changed[position : position + 1] = flipped
            case "cut":
                del changed[position:]
            case "remove":
                del changed[position : position + value]
            case "insert":
                changed[position:position] = value
            case "little" | "big":
                changed[position : position + 4] = value.to_bytes(4, kind)
    return bytes(changed)


@pytest.fixture(scope="module", params=CONTAINERS)
def valid(request, tmp_path_factory) -> tuple[bytes, Path]:
    """The contents of a valid file of 0.3 s, and the path for changed versions."""
    path = tmp_path_factory.mktemp("fuzz") / f"a{request.param}"
    return write(path, sine(seconds=0.3) + noise(seconds=0.3, peak=0.2)).read_bytes(), path


@settings(max_examples=450)
@given(mutations=st.lists(MUTATIONS, min_size=1, max_size=4))
def test_any_bytes_give_an_inspection(valid, mutations):
    content, path = valid
    path.write_bytes(mutated(content, mutations))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = inspect(path)
    assert isinstance(result, Inspection)
    assert result.facts.keys() <= set(INSPECTED_FACTS)
    assert result.facts["decoded"] is (result.facts["problem"] == "")
    assert not any(value != value for value in result.facts.values())
    assert result.envelope.shape[-2] == 32
    assert result.envelope.dtype == np.uint8


def test_random_changes_have_every_kind_of_outcome(valid):
    """Some files are no audio, some are truncated, and some can still be decoded."""
    content, path = valid
    outcomes = set()
    rng = np.random.default_rng(0)
    for _ in range(150):
        kind = ("flip", "cut", "little")[rng.integers(3)]
        position = int(rng.integers(len(content) if rng.random() < 0.5 else 80))
        path.write_bytes(mutated(content, [(kind, position, int(rng.integers(8)))]))
        measured = facts(path)
        outcomes.add("no audio" if "format" not in measured else measured["decoded"])
    assert outcomes >= ({"no audio", True} if path.suffix == ".ogg" else {"no audio", True, False})
