"""Simulated recordings, noisy rooms as conditions, and gains of denoising."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from gtzan_lib.data.corpus import Corpus, ImageCorpus, TableCorpus
from gtzan_lib.data.opening import open_corpus
from gtzan_lib.errors import AudioError, CorpusError
from gtzan_lib.live import simulation
from gtzan_lib.live.simulation import (
    NoisyRoom,
    denoising_gains,
    recording_from_file,
    simulate_recording,
)
from gtzan_lib.signal.degradations import NOISE_TYPES
from gtzan_lib.signal.denoise import METHODS, denoise, si_sdr

RATE = 8_000


def chord(seconds: float = 2.0, number: int = 0, rate: int = RATE) -> np.ndarray:
    """Return a chord that fades in and out, in float32."""
    time = np.arange(round(seconds * rate)) / rate
    y = sum(np.sin(2 * np.pi * (220 + 40 * number) * ratio * time) for ratio in (1, 1.25, 1.5))
    return (0.2 * y * np.sin(np.pi * time) ** 2).astype(np.float32)


def power_db(y: np.ndarray) -> float:
    return 10 * np.log10(np.mean(np.square(y, dtype=np.float64)))


# --- simulated recordings -----------------------------------------------------


@given(
    snr=st.floats(-30, 60), kind=st.sampled_from(NOISE_TYPES), lead=st.sampled_from([0, 0.3, 2.5]),
    level=st.sampled_from([1e-4, 1.0, 30.0]), rate=st.sampled_from([8_000, 11_025]),
)  # fmt: skip
def test_signal_to_noise_ratio_of_the_music(snr, kind, lead, level, rate):
    y = np.float32(level) * chord(1.0, rate=rate)
    recording = simulate_recording(y, rate, snr_db=snr, kind=kind, lead_s=lead)
    assert recording.y.dtype == np.float32
    assert len(recording.noise) == round(lead * rate)
    assert len(recording.music) == len(y)
    noise = recording.music.astype(np.float64) - y
    assert power_db(y) - power_db(noise) == pytest.approx(snr, abs=0.02)


@given(snr=st.floats(-30, 60), seed=st.integers(0, 50))
def test_lead_has_the_level_of_the_noise(snr, seed):
    """White noise has the same level in every second."""
    recording = simulate_recording(chord(2), RATE, snr_db=snr, kind="white", lead_s=1.5, seed=seed)
    within = recording.music.astype(np.float64) - chord(2)
    assert power_db(recording.noise) == pytest.approx(power_db(within), abs=0.5)
    # The noise does not repeat.
    correlation = np.corrcoef(recording.noise, within[: len(recording.noise)])[0, 1]
    assert abs(correlation) < 0.1


@pytest.mark.parametrize(("level", "snr"), [(1.0, 130), (1e-22, 5), (1e15, 5)])
def test_level_of_the_lead_for_small_and_large_numbers(level, snr):
    """Also if float32 cannot represent the noise in the mixture."""
    y = np.float32(level) * chord(2)
    recording = simulate_recording(y, RATE, snr_db=snr, kind="white")
    assert power_db(y) - power_db(recording.noise) == pytest.approx(snr, abs=0.5)


@pytest.mark.parametrize("kind", NOISE_TYPES)
def test_noise_is_continuous_from_lead_to_music(kind):
    """A longer lead has the same noise, and the music begins later."""
    y = chord(2)
    early = simulate_recording(y, RATE, snr_db=10, kind=kind, lead_s=0.5)
    late = simulate_recording(y[: -RATE // 2], RATE, snr_db=10, kind=kind, lead_s=1.0)
    first = np.concatenate([early.noise, early.music.astype(np.float64) - y])
    second = np.concatenate([late.noise, late.music.astype(np.float64) - y[: -RATE // 2]])
    assert len(first) == len(second)
    assert np.corrcoef(first, second)[0, 1] == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize("kind", NOISE_TYPES)
def test_noise_depends_on_the_seed(kind):
    first, second, other = (
        simulate_recording(chord(), RATE, kind=kind, seed=seed).y for seed in (4, 4, 5)
    )
    np.testing.assert_array_equal(first, second)
    assert abs(np.corrcoef(first[:RATE], other[:RATE])[0, 1]) < 0.9
    assert not np.array_equal(first, other)


def test_attributes_of_a_simulated_recording():
    recording = simulate_recording(chord(), RATE, snr_db=7.5, kind="pink", lead_s=0.4)
    assert (recording.sample_rate, recording.lead_s, recording.overflows) == (RATE, 0.4, 0)
    assert recording.complete
    assert recording.device == "simulated recording with pink noise at 7.5 dB"
    assert recording.duration_s == pytest.approx(2.4)
    np.testing.assert_array_equal(
        simulate_recording(chord(), RATE).noise, simulate_recording(chord(), RATE).y[:RATE]
    )


def test_given_samples_are_not_changed():
    y = chord()
    simulate_recording(y, RATE)
    NoisyRoom(0, method="wiener")(y, RATE)
    np.testing.assert_array_equal(y, chord())


@pytest.mark.parametrize("y", [np.zeros(RATE, dtype=np.float32), np.zeros(0, dtype=np.float32)])
def test_silent_music_is_refused(y):
    for call in (lambda: simulate_recording(y, RATE), lambda: NoisyRoom(5)(y, RATE)):
        with pytest.raises(AudioError, match="the signal is silent") as caught:
            call()
        assert "\n" not in str(caught.value)


def test_unknown_noise_is_refused():
    with pytest.raises(AudioError, match="there is no noise 'brown'; choose one of white, pink"):
        simulate_recording(chord(), RATE, kind="brown")


# --- files as recordings ------------------------------------------------------


def test_recording_has_the_samples_of_the_file(tmp_path):
    y = np.stack([chord(3, rate=11_025), -0.5 * chord(3, 1, rate=11_025)], axis=1)
    soundfile.write(tmp_path / "a.wav", y, 11_025, subtype="FLOAT")
    for path in (tmp_path / "a.wav", str(tmp_path / "a.wav")):
        recording = recording_from_file(path, lead_s=0.7)
        assert (recording.sample_rate, recording.lead_s, recording.device) == (
            11_025,
            0.7,
            str(path),
        )
        np.testing.assert_allclose(recording.y, y.mean(axis=1), atol=1e-7)
        assert len(recording.noise) == round(0.7 * 11_025)
        np.testing.assert_array_equal(
            np.concatenate([recording.noise, recording.music]), recording.y
        )
    assert recording_from_file(path).lead_s == 1.0
    assert len(recording_from_file(path, lead_s=0).noise) == 0
    # A file that is shorter than the lead has no music.
    assert len(recording_from_file(path, lead_s=5).music) == 0


@pytest.mark.parametrize("content", [None, b"", b"no music"])
def test_file_without_audio_is_refused(tmp_path, content):
    if content is not None:
        (tmp_path / "a.wav").write_bytes(content)
    with pytest.raises(AudioError, match=r"a\.wav: .*\.$"):
        recording_from_file(tmp_path / "a.wav")


# --- noisy rooms as conditions --------------------------------------------------


def test_noisy_room_has_its_settings():
    room = NoisyRoom(5, method="wiener", kind="pink", lead_s=0.5)
    assert room == NoisyRoom(snr_db=5, method="wiener", kind="pink", lead_s=0.5)
    assert NoisyRoom(2.5) == NoisyRoom(2.5, None, "room", 1.0)
    assert len({room, NoisyRoom(5, method="wiener", kind="pink", lead_s=0.5)}) == 1
    with pytest.raises(dataclasses.FrozenInstanceError):
        room.snr_db = 3


def test_same_noise_at_every_level():
    y = chord()
    added = {
        level: NoisyRoom(level, kind="room")(y, RATE).astype(np.float64) - y
        for level in (20, 10, 0, -10)
    }
    for level, noise in added.items():
        assert power_db(y) - power_db(noise) == pytest.approx(level, abs=0.01)
        np.testing.assert_allclose(10 ** (level / 20) * noise, added[0], atol=1e-5)


@pytest.mark.parametrize("method", METHODS)
def test_methods_get_the_same_noise_and_the_lead(monkeypatch, method):
    y = chord()
    noisy = NoisyRoom(3, kind="pink", lead_s=0.5)(y, RATE)
    recordings = []

    def spy(*arguments, **settings):
        recordings.append(simulate_recording(*arguments, **settings))
        return recordings[-1]

    monkeypatch.setattr(simulation, "simulate_recording", spy)
    denoised = NoisyRoom(3, method=method, kind="pink", lead_s=0.5)(y, RATE)
    (recording,) = recordings
    np.testing.assert_array_equal(recording.music, noisy)
    assert len(recording.noise) == RATE // 2
    np.testing.assert_array_equal(denoised, denoise(noisy, RATE, recording.noise, method=method))
    assert len(denoised) == len(y)


def test_each_track_has_its_own_noise():
    first, second = (NoisyRoom(0, kind="white")(chord(2, n), RATE) - chord(2, n) for n in (0, 1))
    assert abs(np.corrcoef(first, second)[0, 1]) < 0.1
    again = NoisyRoom(0, kind="white")(chord(2, 0), RATE) - chord(2, 0)
    np.testing.assert_array_equal(first, again)


@given(step=st.integers(2, 5))
def test_noise_does_not_depend_on_the_memory_layout(step):
    y = chord(1)
    spread = np.zeros(step * len(y), dtype=np.float32)
    spread[::step] = y
    room = NoisyRoom(5, kind="white")
    np.testing.assert_array_equal(room(spread[::step], RATE), room(y, RATE))


# --- gains of denoising ---------------------------------------------------------


def write_corpus(folder: Path, sounds: dict[str, np.ndarray]) -> Corpus:
    for name, y in sounds.items():
        file = folder / "genres_original" / name.split(".")[0] / f"{name}.wav"
        file.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(file, y, RATE, subtype="FLOAT")
    return open_corpus(folder)


SOUNDS = {"blues.00000": chord(3), "blues.00001": chord(3, 1), "rock.00000": chord(1.5, 2)}


def by_hand(y: np.ndarray, kind: str, method: str, *, snr: float, seed: int) -> float:
    recording = simulate_recording(y, RATE, snr_db=snr, kind=kind, seed=seed)
    cleaned = denoise(recording.music, RATE, recording.noise, method=method)
    return si_sdr(cleaned, y) - si_sdr(recording.music, y)


def test_gains_by_hand(tmp_path):
    corpus = write_corpus(tmp_path, SOUNDS)
    kinds, methods = ("room", "white"), ("subtraction", "wiener", "noisereduce")
    table = denoising_gains(corpus, snr_db=3, seconds=2, kinds=iter(kinds), methods=iter(methods))
    assert list(table.columns) == ["track_id", "noise", "method", "gain_db"]
    rows = [(name, kind, method) for name in SOUNDS for kind in kinds for method in methods]
    assert list(table.iloc[:, :3].itertuples(index=False, name=None)) == rows
    for row in table.itertuples():
        seed = list(SOUNDS).index(row.track_id)
        y = SOUNDS[row.track_id][: 2 * RATE]
        expected = by_hand(y, row.noise, row.method, snr=3, seed=seed)
        assert row.gain_db == pytest.approx(expected, abs=1e-6)
    assert table["gain_db"].nunique() == len(table)


def test_gains_of_all_methods_against_all_noises(tmp_path):
    table = denoising_gains(write_corpus(tmp_path, {"blues.00000": chord(1.5)}))
    assert list(table.groupby(["noise", "method"], sort=False).groups) == [
        (kind, method) for kind in NOISE_TYPES for method in METHODS
    ]
    best = table.set_index(["noise", "method"])["gain_db"]
    assert best["white", "wiener"] > 3


@pytest.mark.filterwarnings("ignore:.*cannot be read")
def test_silent_and_unreadable_tracks_are_left_out(tmp_path):
    sounds = {**SOUNDS, "jazz.00000": np.zeros(2 * RATE), "jazz.00001": chord()}
    write_corpus(tmp_path, sounds)
    (tmp_path / "genres_original" / "jazz" / "jazz.00001.wav").write_bytes(b"no music")
    table = denoising_gains(open_corpus(tmp_path), kinds=["white"], methods=["wiener"])
    assert table["track_id"].tolist() == list(SOUNDS)


@pytest.mark.parametrize("fault", ["truncated", "missing", "not finite"])
def test_damaged_files_with_a_valid_header_are_left_out(tmp_path, fault):
    corpus = write_corpus(tmp_path, SOUNDS)
    file = Path(corpus.tracks.at["blues.00001", "path"])
    if fault == "truncated":
        whole = file.read_bytes()
        file.write_bytes(b"RIFX" + whole[4 : len(whole) // 2])
    elif fault == "missing":
        file.unlink()
    else:
        soundfile.write(file, np.full(RATE, np.nan), RATE, subtype="FLOAT")
    table = denoising_gains(corpus, kinds=["white"], methods=["wiener"])
    assert table["track_id"].tolist() == ["blues.00000", "rock.00000"]


@pytest.mark.parametrize(("kind", "name"), [(ImageCorpus, "mels.npz"), (TableCorpus, "a.csv")])
def test_corpora_without_sound_are_refused(tmp_path, kind, name):
    corpus = write_corpus(tmp_path, SOUNDS)
    with pytest.raises(CorpusError, match="which holds no sound; open the folder"):
        denoising_gains(kind(corpus.name, Path(name), corpus.tracks))


def test_unknown_noises_and_methods_are_refused(tmp_path):
    corpus = write_corpus(tmp_path, {"blues.00000": chord()})
    with pytest.raises(AudioError, match="there is no noise 'brown'"):
        denoising_gains(corpus, kinds=["brown"])
    with pytest.raises(AudioError, match="there is no denoising method 'magic'"):
        denoising_gains(corpus, methods=["magic"])
