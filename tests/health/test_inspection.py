"""What one file holds: known sounds measured, every way to be broken, and fuzz."""

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

from gtzan_lib.data import gtzan
from gtzan_lib.files import sha256_of
from gtzan_lib.health import inspection
from gtzan_lib.health.inspection import FACTS, Inspection, inspect

RATE = 22_050
STEP = 1102  # samples in one step of 50 ms, in which silence is looked for

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
    """Facts about samples, written as a WAV file unless told otherwise."""
    made = []

    def make(y, *, ending=".wav", **arguments) -> dict:
        made.append(tmp_path / f"{len(made)}{ending}")
        return facts(write(made[-1], y, **arguments))

    return make


# --- numbers on known sounds --------------------------------------------------


def test_numbers_of_a_sine(tmp_path):
    one = inspect(write(tmp_path / "a.wav", sine()))
    assert set(one.facts) == set(FACTS)
    assert one.facts["decoded"] is True
    assert one.facts["problem"] == ""
    assert (one.facts["format"], one.facts["encoding"]) == ("WAV", "PCM_16")
    assert (one.facts["sample_rate"], one.facts["channels"]) == (RATE, 1)
    assert one.facts["duration_s"] == one.facts["promised_s"] == 2
    assert one.facts["surplus_s"] == 0
    assert one.facts["peak_db"] == pytest.approx(-6.02, abs=0.03)
    assert one.facts["rms_db"] == pytest.approx(-9.03, abs=0.01)
    assert one.facts["offset"] == pytest.approx(0, abs=1e-4)
    assert one.facts["silent"] is False
    assert one.facts["longest_silence_s"] == 0
    assert one.facts["flat_tops"] == one.facts["dropouts"] == 0
    assert one.envelope.shape == (32, 25)
    assert one.envelope.dtype == np.uint8


def test_numbers_of_another_rate_and_length(of):
    found = of(sine(seconds=0.75, hz=1000, peak=0.1, rate=44_100), rate=44_100)
    assert found["sample_rate"] == 44_100
    assert found["duration_s"] == 0.75
    assert found["peak_db"] == pytest.approx(-20, abs=0.05)
    assert found["rms_db"] == pytest.approx(-23.01, abs=0.02)


@pytest.mark.parametrize("ending", CONTAINERS)
def test_every_format(of, ending):
    found = of(sine(), ending=ending)
    assert (found["format"], found["encoding"]) == CONTAINERS[ending]
    assert found["decoded"] is True
    assert found["duration_s"] == pytest.approx(2, abs=0.06)
    assert found["rms_db"] == pytest.approx(-9.03, abs=0.1)


@pytest.mark.parametrize(
    ("encoding", "step"),
    [("PCM_U8", 1 / 128), ("PCM_24", 2**-23), ("PCM_32", 2**-23), ("FLOAT", 1e-7), ("DOUBLE", 0)],
)
def test_other_encodings(of, encoding, step):
    found = of(sine(hz=450), encoding=encoding)
    assert found["encoding"] == encoding
    assert found["decoded"] is True
    assert 10 ** (found["peak_db"] / 20) == pytest.approx(0.5, abs=step + 1e-3)
    assert found["rms_db"] == pytest.approx(-9.03, abs=0.05)


def test_all_channels_count(of):
    found = of(np.stack([sine(), 0 * sine()], axis=1))
    assert found["channels"] == 2
    assert found["duration_s"] == 2
    assert found["peak_db"] == pytest.approx(-6.02, abs=0.03)
    assert found["rms_db"] == pytest.approx(-12.04, abs=0.01)
    assert found["longest_silence_s"] == 0


@pytest.mark.parametrize("offset", [-0.125, 0.25])
def test_offset_is_the_mean(of, offset):
    assert of(sine(peak=0.3) + offset)["offset"] == pytest.approx(offset, abs=1e-4)


def test_zeros_are_silent(of):
    found = of(np.zeros(RATE))
    assert found["silent"] is True
    assert found["peak_db"] == found["rms_db"] == -np.inf
    assert found["longest_silence_s"] == pytest.approx(1, abs=0.05)
    assert found["flat_tops"] == found["dropouts"] == 0


@pytest.mark.parametrize("level", [0.5, -0.2, 0.001])
def test_a_constant_is_silent(of, level):
    assert of(np.full(RATE, level))["silent"] is True


def test_the_last_bit_is_silent_and_a_quiet_sound_is_not(of):
    assert of(noise(peak=1.4 / 32768))["silent"] is True
    assert of(sine(peak=0.001))["silent"] is False


def test_no_samples_are_silent(of):
    found = of(np.zeros(0))
    assert found["decoded"] is True
    assert found["duration_s"] == 0
    assert found["silent"] is True
    assert "peak_db" not in found


@pytest.mark.parametrize("level", [0, 0.3])
def test_longest_silence(of, level):
    """A constant is silence, too, and the longer of two silences counts."""
    y = noise(seconds=6)
    y[RATE : 2 * RATE] = 0
    y[3 * RATE : round(5.5 * RATE)] = level
    found = of(y)
    assert found["longest_silence_s"] == pytest.approx(2.5, abs=0.1)
    assert found["silent"] is False


def test_what_is_quiet_is_no_silence_but_the_last_bit_is(of):
    y = noise(seconds=4)
    y[RATE : 2 * RATE] *= 0.001
    assert of(y)["longest_silence_s"] == 0
    y[RATE : 2 * RATE] *= 0.03
    assert of(y)["longest_silence_s"] == pytest.approx(1, abs=0.1)


def test_flat_tops_of_a_clipped_sine(of):
    """Two in each of 882 periods."""
    found = of(np.clip(sine(peak=2), -0.9, 0.9))
    assert found["flat_tops"] == 2 * 882
    assert found["dropouts"] == 0


def test_flat_tops_of_one_side(of):
    """Amplifiers do not clip both sides at the same level."""
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
    found = of((sine(seconds=3) + noise(seconds=3, peak=0.2)) * fade**3)
    assert found["longest_silence_s"] > 1
    assert found["dropouts"] == 0


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


# --- what is broken -----------------------------------------------------------


def undecodable(path: Path) -> str:
    """Assert that a file is no audio at all; return why."""
    one = inspect(path)
    assert one.facts.keys() == {"decoded", "problem"}
    assert one.facts["decoded"] is False
    assert one.envelope.shape == (32, 0)
    return one.facts["problem"]


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


def test_a_file_that_is_not_there(tmp_path):
    assert undecodable(tmp_path / "a.wav") == "there is no such file"


def changed_header(path: Path, place: int, *values: int) -> Path:
    """Overwrite little-endian words of a WAV file's header, from a place on."""
    content = bytearray(path.read_bytes())
    struct.pack_into(f"<{len(values)}I", content, place, *values)
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("rate", [0, 2**32 - 5])
def test_a_rate_that_cannot_be(tmp_path, rate):
    assert undecodable(changed_header(write(tmp_path / "a.wav", sine()), 24, rate))


@pytest.mark.parametrize("rate", [5, 2**31 - 5])
def test_a_rate_that_no_recording_has(tmp_path, rate):
    one = inspect(changed_header(write(tmp_path / "a.wav", sine()), 24, rate))
    assert one.facts["sample_rate"] == rate
    assert one.facts["duration_s"] == pytest.approx(2 * RATE / rate)
    assert one.envelope.shape == (32, 0)


@pytest.mark.parametrize("ending", [".wav", ".au", ".flac", ".mp3"])
@pytest.mark.parametrize("share", [0.2, 0.5, 0.9])
def test_truncated(tmp_path, ending, share):
    path = write(tmp_path / f"a{ending}", noise(seconds=8))
    promised = facts(path)["duration_s"]
    content = path.read_bytes()
    path.write_bytes(content[: round(share * len(content))])
    one = inspect(path)
    assert one.facts["decoded"] is False
    assert one.facts["problem"].startswith(("breaks off after", "ends after"))
    assert one.facts["format"] == CONTAINERS[ending][0]
    assert one.facts["promised_s"] == pytest.approx(promised, abs=0.06)
    # An encoder's frame may be lost, and mp3 keeps bits for later.
    assert one.facts["duration_s"] == pytest.approx(8 * share, abs=0.35)
    assert one.facts["duration_s"] < 8 * share + 0.05
    # What is there is measured.
    assert one.facts["rms_db"] == pytest.approx(-10.8, abs=0.3)
    assert one.envelope.shape[1] == pytest.approx(8 * share / 0.0775, abs=6)


def test_a_header_alone(tmp_path):
    path = write(tmp_path / "a.wav", noise())
    path.write_bytes(path.read_bytes()[:44])
    found = facts(path)
    assert (found["decoded"], found["duration_s"], found["promised_s"]) == (False, 0, 2)
    assert found["silent"] is True
    assert found["problem"] == "ends after 0.00 s of 2.00 s"


@pytest.mark.parametrize("ending", [".wav", ".au"])
def test_a_header_that_promises_too_much(tmp_path, ending):
    path = write(tmp_path / f"a{ending}", noise())
    place, order = (40, "<") if ending == ".wav" else (8, ">")
    content = bytearray(path.read_bytes())
    struct.pack_into(f"{order}I", content, place, 4 * RATE * 2)
    path.write_bytes(content)
    found = facts(path)
    assert (found["decoded"], found["duration_s"], found["promised_s"]) == (False, 2, 4)
    assert found["problem"] == "ends after 2.00 s of 4.00 s"


@pytest.mark.parametrize("ending", [".wav", ".au"])
def test_a_header_written_before_the_length_was_known(tmp_path, ending):
    path = write(tmp_path / f"a{ending}", noise())
    place, order = (40, "<") if ending == ".wav" else (8, ">")
    content = bytearray(path.read_bytes())
    struct.pack_into(f"{order}I", content, place, 2**32 - 1)
    path.write_bytes(content)
    found = facts(path)
    assert (found["decoded"], found["duration_s"], found["surplus_s"]) == (True, 2, 0)


@pytest.mark.parametrize("ending", [".wav", ".au"])
def test_a_header_that_promises_too_little(tmp_path, ending):
    path = write(tmp_path / f"a{ending}", noise(seconds=4))
    place, order = (40, "<") if ending == ".wav" else (8, ">")
    content = bytearray(path.read_bytes())
    struct.pack_into(f"{order}I", content, place, RATE * 2)
    path.write_bytes(content)
    found = facts(path)
    assert (found["decoded"], found["duration_s"], found["promised_s"]) == (True, 1, 1)
    assert found["surplus_s"] == pytest.approx(3, abs=0.01)


def test_notes_about_the_piece_are_no_surplus(tmp_path):
    path = write(tmp_path / "a.wav", noise())
    content = path.read_bytes()
    path.write_bytes(content + b"LIST" + struct.pack("<I", 30_000) + bytes(30_000))
    assert facts(path)["surplus_s"] == 0


def test_a_large_file_cut_right_within_its_sizes(tmp_path):
    """Of RF64, for files above 4 GB; libsndfile then words the length in another way."""
    path = tmp_path / "a.wav"
    soundfile.write(path, noise(), RATE, format="RF64", subtype="PCM_16")
    content = path.read_bytes()
    assert facts(path)["format"] == "RF64"
    assert facts(path)["decoded"] is True
    path.write_bytes(content[: content.index(b"data") + 6])
    assert isinstance(inspect(path), Inspection)


def test_samples_that_are_no_numbers(tmp_path):
    y = sine().astype(np.float32)
    y[100:110] = np.nan
    y[500], y[700], y[900] = np.inf, -np.inf, 1e30
    one = inspect(write(tmp_path / "a.wav", y, encoding="FLOAT"))
    assert one.facts["decoded"] is True
    numbers = [value for value in one.facts.values() if isinstance(value, float)]
    assert np.isfinite(numbers).all()
    assert one.envelope.shape == (32, 25)


def test_nothing_but_samples_that_are_no_numbers(of):
    found = of(np.full(RATE, np.nan), encoding="FLOAT")
    assert found["decoded"] is True
    assert found["silent"] is True


@pytest.mark.parametrize(
    "name", ["Amália – Fado.wav", "東京.wav", "Хор.wav", "🎷 [x] %s.wav", "مقام.wav"]
)
def test_names_in_other_scripts(tmp_path, name):
    assert facts(write(tmp_path / name, sine()))["decoded"] is True
    (tmp_path / f"empty {name}").write_bytes(b"")
    assert undecodable(tmp_path / f"empty {name}") == "Format not recognised"


@pytest.mark.skipif(os.name == "nt", reason="names are text there")
def test_a_name_that_is_no_text(tmp_path):
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
    monkeypatch.setattr(inspection, "PIECE", 30 * STEP * channels)
    pieces = inspect(path)
    assert len(sizes) > 3
    assert set(sizes) == {30 * STEP}
    rough = ("rms_db", "offset")
    for name in set(FACTS) - set(rough):
        assert pieces.facts[name] == whole.facts[name], name
    assert pieces.facts["rms_db"] == pytest.approx(whole.facts["rms_db"], abs=1e-4)
    assert pieces.facts["offset"] == pytest.approx(whole.facts["offset"], abs=1e-6)
    difference = np.abs(pieces.envelope.astype(int) - whole.envelope)
    assert difference.max() <= 1
    assert difference.mean() < 0.001


def test_a_gap_in_two_pieces_is_a_dropout(of, monkeypatch):
    y = sine(hz=1000) + noise(peak=0.1)
    y[9_800:10_200] = 0
    monkeypatch.setattr(inspection, "PIECE", 10_000)
    assert of(y)["dropouts"] == 1


def test_peaks_of_a_quiet_end_are_no_flat_tops(of, monkeypatch):
    """In 16 bits, three samples at the top of a quiet bass note are equal."""
    y = np.r_[sine(hz=200, peak=0.9), sine(hz=40, peak=0.1)]
    assert of(y)["flat_tops"] == 0
    monkeypatch.setattr(inspection, "PIECE", 2 * RATE)
    assert of(y)["flat_tops"] == 0


def test_a_long_file_that_breaks_off_is_measured_up_to_there(tmp_path, monkeypatch):
    path = write(tmp_path / "a.flac", noise(seconds=8))
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    monkeypatch.setattr(inspection, "PIECE", RATE)
    found = facts(path)
    assert found["decoded"] is False
    assert found["duration_s"] == pytest.approx(4, abs=0.3)


# --- fuzz ---------------------------------------------------------------------

SIZES = st.sampled_from(
    [0, 1, 2, 3, 127, 255, 2**15, 2**16 - 1, 22_050, 2**31 - 1, 2**31, 2**32 - 5, 2**32 - 1]
)
# Half of what happens, happens to the header.
PLACES = st.integers(0, 80) | st.integers(0, 2**15)
MUTATIONS = st.one_of(
    st.tuples(st.just("flip"), PLACES, st.integers(0, 7)),
    st.tuples(st.just("cut"), PLACES, st.just(0)),
    st.tuples(st.just("remove"), PLACES, st.integers(1, 60)),
    st.tuples(st.just("insert"), PLACES, st.binary(min_size=1, max_size=40)),
    st.tuples(st.just("little"), PLACES, SIZES),
    st.tuples(st.just("big"), PLACES, SIZES),
)


def mutated(content: bytes, mutations) -> bytes:
    changed = bytearray(content)
    for kind, place, value in mutations:
        place %= max(1, len(changed))
        match kind:
            case "flip":
                changed[place : place + 1] = bytes(b ^ 1 << value for b in changed[place:][:1])
            case "cut":
                del changed[place:]
            case "remove":
                del changed[place : place + value]
            case "insert":
                changed[place:place] = value
            case "little" | "big":
                changed[place : place + 4] = value.to_bytes(4, kind)
    return bytes(changed)


@pytest.fixture(scope="module", params=CONTAINERS)
def valid(request, tmp_path_factory) -> tuple[bytes, Path]:
    """A file of a third of a second, and where to put what becomes of it."""
    path = tmp_path_factory.mktemp("fuzz") / f"a{request.param}"
    return write(path, sine(seconds=0.3) + noise(seconds=0.3, peak=0.2)).read_bytes(), path


@settings(max_examples=450)
@given(mutations=st.lists(MUTATIONS, min_size=1, max_size=4))
def test_any_bytes_give_an_inspection(valid, mutations):
    content, path = valid
    path.write_bytes(mutated(content, mutations))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        one = inspect(path)
    assert isinstance(one, Inspection)
    assert one.facts.keys() <= set(FACTS)
    assert one.facts["decoded"] is (one.facts["problem"] == "")
    assert not any(value != value for value in one.facts.values())
    assert one.envelope.shape[0] == 32
    assert one.envelope.dtype == np.uint8


def test_the_fuzz_reaches_every_kind_of_outcome(valid):
    """Files that are no audio, that break off, and that are still whole: else it tests little."""
    content, path = valid
    outcomes = set()
    rng = np.random.default_rng(0)
    for _ in range(150):
        kind = ("flip", "cut", "little")[rng.integers(3)]
        place = int(rng.integers(len(content) if rng.random() < 0.5 else 80))
        path.write_bytes(mutated(content, [(kind, place, int(rng.integers(8)))]))
        found = facts(path)
        outcomes.add("no audio" if "format" not in found else found["decoded"])
    assert outcomes >= ({"no audio", True} if path.suffix == ".ogg" else {"no audio", True, False})
