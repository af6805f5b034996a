"""A room that is not there: its noise is what it was asked for, and denoising_gains are what they are."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from gtzan_lib.data.corpus import Corpus, open_corpus
from gtzan_lib.errors import AudioError, CorpusError
from gtzan_lib.live.simulation import (
    denoising_gains,
    noisy_room,
    recording_from_file,
    simulate_recording,
)
from gtzan_lib.signal.degradations import NOISE_TYPES
from gtzan_lib.signal.denoise import METHODS, denoise, si_sdr

RATE = 8_000


def chord(seconds: float = 2.0, number: int = 0, rate: int = RATE) -> np.ndarray:
    """Music that comes and goes, in float32."""
    time = np.arange(round(seconds * rate)) / rate
    y = sum(np.sin(2 * np.pi * (220 + 40 * number) * ratio * time) for ratio in (1, 1.25, 1.5))
    return (0.2 * y * np.sin(np.pi * time) ** 2).astype(np.float32)


def power_db(y: np.ndarray) -> float:
    return 10 * np.log10(np.mean(np.square(y, dtype=np.float64)))


# --- a recording that was not made --------------------------------------------


@given(
    snr=st.floats(-30, 60), kind=st.sampled_from(NOISE_TYPES), lead=st.sampled_from([0, 0.3, 2.5]),
    level=st.sampled_from([1e-4, 1.0, 30.0]), rate=st.sampled_from([8_000, 11_025]),
)  # fmt: skip
def test_ratio_holds_over_the_music(snr, kind, lead, level, rate):
    y = np.float32(level) * chord(1.0, rate=rate)
    heard = simulate_recording(y, rate, snr_db=snr, kind=kind, lead_s=lead)
    assert heard.y.dtype == np.float32
    assert len(heard.noise) == round(lead * rate)
    assert len(heard.music) == len(y)
    noise = heard.music.astype(np.float64) - y
    assert power_db(y) - power_db(noise) == pytest.approx(snr, abs=0.02)


@given(snr=st.floats(-30, 60), seed=st.integers(0, 50))
def test_lead_is_the_noise_before_the_music(snr, seed):
    """One noise at one level, of which white noise has the same in every second."""
    heard = simulate_recording(chord(2), RATE, snr_db=snr, kind="white", lead_s=1.5, seed=seed)
    within = heard.music.astype(np.float64) - chord(2)
    assert power_db(heard.noise) == pytest.approx(power_db(within), abs=0.5)
    # It is none that repeats itself.
    alike = np.corrcoef(heard.noise, within[: len(heard.noise)])[0, 1]
    assert abs(alike) < 0.1


@pytest.mark.parametrize(("level", "snr"), [(1.0, 130), (1e-22, 5), (1e15, 5)])
def test_lead_is_as_loud_where_numbers_are_small_or_large(level, snr):
    """Also where next to nothing of the noise is left in float32."""
    y = np.float32(level) * chord(2)
    heard = simulate_recording(y, RATE, snr_db=snr, kind="white")
    assert power_db(y) - power_db(heard.noise) == pytest.approx(snr, abs=0.5)


@pytest.mark.parametrize("kind", NOISE_TYPES)
def test_lead_and_noise_of_the_music_are_one_piece(kind):
    """What is heard in a longer lead is the same noise, which the music only joins later."""
    y = chord(2)
    early = simulate_recording(y, RATE, snr_db=10, kind=kind, lead_s=0.5)
    late = simulate_recording(y[: -RATE // 2], RATE, snr_db=10, kind=kind, lead_s=1.0)
    one = np.concatenate([early.noise, early.music.astype(np.float64) - y])
    two = np.concatenate([late.noise, late.music.astype(np.float64) - y[: -RATE // 2]])
    assert len(one) == len(two)
    assert np.corrcoef(one, two)[0, 1] == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize("kind", NOISE_TYPES)
def test_same_seed_same_sound(kind):
    one, two, other = (
        simulate_recording(chord(), RATE, kind=kind, seed=seed).y for seed in (4, 4, 5)
    )
    np.testing.assert_array_equal(one, two)
    assert abs(np.corrcoef(one[:RATE], other[:RATE])[0, 1]) < 0.9
    assert not np.array_equal(one, other)


def test_recording_tells_what_it_is():
    heard = simulate_recording(chord(), RATE, snr_db=7.5, kind="pink", lead_s=0.4)
    assert (heard.sample_rate, heard.lead_s, heard.overflows) == (RATE, 0.4, 0)
    assert heard.complete
    assert heard.device == "a rehearsal with pink noise at 7.5 dB"
    assert heard.duration_s == pytest.approx(2.4)
    np.testing.assert_array_equal(
        simulate_recording(chord(), RATE).noise, simulate_recording(chord(), RATE).y[:RATE]
    )


def test_music_is_left_as_it_was():
    y = chord()
    simulate_recording(y, RATE)
    noisy_room(0, method="wiener")(y, RATE)
    np.testing.assert_array_equal(y, chord())


@pytest.mark.parametrize("y", [np.zeros(RATE, dtype=np.float32), np.zeros(0, dtype=np.float32)])
def test_silent_music_is_refused(y):
    for call in (lambda: simulate_recording(y, RATE), lambda: noisy_room(5)(y, RATE)):
        with pytest.raises(AudioError, match="the signal is silent") as caught:
            call()
        assert "\n" not in str(caught.value)


def test_noise_that_there_is_not_is_refused():
    with pytest.raises(AudioError, match="there is no noise 'brown'; choose one of white, pink"):
        simulate_recording(chord(), RATE, kind="brown")


# --- a file in place of a microphone ------------------------------------------


def test_file_is_heard_as_it_is(tmp_path):
    y = np.stack([chord(3, rate=11_025), -0.5 * chord(3, 1, rate=11_025)], axis=1)
    soundfile.write(tmp_path / "a.wav", y, 11_025, subtype="FLOAT")
    for path in (tmp_path / "a.wav", str(tmp_path / "a.wav")):
        heard = recording_from_file(path, lead_s=0.7)
        assert (heard.sample_rate, heard.lead_s, heard.device) == (11_025, 0.7, str(path))
        np.testing.assert_allclose(heard.y, y.mean(axis=1), atol=1e-7)
        assert len(heard.noise) == round(0.7 * 11_025)
        np.testing.assert_array_equal(np.concatenate([heard.noise, heard.music]), heard.y)
    assert recording_from_file(path).lead_s == 1.0
    assert len(recording_from_file(path, lead_s=0).noise) == 0
    # All of a file that is shorter than its lead is lead.
    assert len(recording_from_file(path, lead_s=5).music) == 0


@pytest.mark.parametrize("content", [None, b"", b"no music"])
def test_what_is_no_sound_is_refused(tmp_path, content):
    if content is not None:
        (tmp_path / "a.wav").write_bytes(content)
    with pytest.raises(AudioError, match=r"a\.wav: .*\.$"):
        recording_from_file(tmp_path / "a.wav")


# --- a room as a condition ----------------------------------------------------


def test_same_noise_at_every_level():
    y = chord()
    added = {
        level: noisy_room(level, kind="room")(y, RATE).astype(np.float64) - y
        for level in (20, 10, 0, -10)
    }
    for level, noise in added.items():
        assert power_db(y) - power_db(noise) == pytest.approx(level, abs=0.01)
        np.testing.assert_allclose(10 ** (level / 20) * noise, added[0], atol=1e-5)


@pytest.mark.parametrize("method", METHODS)
def test_methods_get_the_same_noise_and_its_lead(monkeypatch, method):
    y = chord()
    noisy = noisy_room(3, kind="pink", lead_s=0.5)(y, RATE)
    kept = []

    def watched(*arguments, **settings):
        kept.append(simulate_recording(*arguments, **settings))
        return kept[-1]

    # What noise was heard alone is known in there only.
    monkeypatch.setattr(simulation, "in_a_room", watched)
    made = noisy_room(3, method=method, kind="pink", lead_s=0.5)(y, RATE)
    np.testing.assert_array_equal(kept[0].music, noisy)
    assert len(kept[0].noise) == RATE // 2
    np.testing.assert_array_equal(made, denoise(noisy, RATE, kept[0].noise, method=method))
    assert len(made) == len(y)


def test_each_track_has_its_own_noise():
    one, other = (noisy_room(0, kind="white")(chord(2, n), RATE) - chord(2, n) for n in (0, 1))
    assert abs(np.corrcoef(one, other)[0, 1]) < 0.1
    again = noisy_room(0, kind="white")(chord(2, 0), RATE) - chord(2, 0)
    np.testing.assert_array_equal(one, again)


@given(step=st.integers(2, 5))
def test_noise_does_not_hang_on_how_samples_lie_in_memory(step):
    y = chord(1)
    spread = np.zeros(step * len(y), dtype=np.float32)
    spread[::step] = y
    change = noisy_room(5, kind="white")
    np.testing.assert_array_equal(change(spread[::step], RATE), change(y, RATE))


# --- what it is worth ---------------------------------------------------------


def collection(folder: Path, sounds: dict[str, np.ndarray]) -> Corpus:
    for name, y in sounds.items():
        file = folder / "genres_original" / name.split(".")[0] / f"{name}.wav"
        file.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(file, y, RATE, subtype="FLOAT")
    return open_corpus(folder)


SOUNDS = {"blues.00000": chord(3), "blues.00001": chord(3, 1), "rock.00000": chord(1.5, 2)}


def by_hand(y: np.ndarray, kind: str, method: str, *, snr: float, seed: int) -> float:
    heard = simulate_recording(y, RATE, snr_db=snr, kind=kind, seed=seed)
    cleaned = denoise(heard.music, RATE, heard.noise, method=method)
    return si_sdr(cleaned, y) - si_sdr(heard.music, y)


def test_gains_are_what_one_computes_by_hand(tmp_path):
    corpus = collection(tmp_path, SOUNDS)
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
    table = denoising_gains(collection(tmp_path, {"blues.00000": chord(1.5)}))
    assert list(table.groupby(["noise", "method"], sort=False).groups) == [
        (kind, method) for kind in NOISE_TYPES for method in METHODS
    ]
    best = table.set_index(["noise", "method"])["gain_db"]
    assert best["white", "wiener"] > 3


@pytest.mark.filterwarnings("ignore:.*cannot be read")
def test_what_is_silent_or_no_sound_is_left_out(tmp_path):
    sounds = {**SOUNDS, "jazz.00000": np.zeros(2 * RATE), "jazz.00001": chord()}
    collection(tmp_path, sounds)
    (tmp_path / "genres_original" / "jazz" / "jazz.00001.wav").write_bytes(b"no music")
    table = denoising_gains(open_corpus(tmp_path), kinds=["white"], methods=["wiener"])
    assert table["track_id"].tolist() == list(SOUNDS)


@pytest.mark.parametrize("trouble", ["breaks off", "vanishes", "no numbers"])
def test_what_turns_out_to_be_no_sound_is_left_out(tmp_path, trouble):
    """Also where the header could be read."""
    corpus = collection(tmp_path, SOUNDS)
    file = Path(corpus.tracks.at["blues.00001", "path"])
    if trouble == "breaks off":
        whole = file.read_bytes()
        file.write_bytes(b"RIFX" + whole[4 : len(whole) // 2])
    elif trouble == "vanishes":
        file.unlink()
    else:
        soundfile.write(file, np.full(RATE, np.nan), RATE, subtype="FLOAT")
    table = denoising_gains(corpus, kinds=["white"], methods=["wiener"])
    assert table["track_id"].tolist() == ["blues.00000", "rock.00000"]


@pytest.mark.parametrize("name", ["mels.npz", "features.csv"])
def test_corpora_without_sound_are_refused(tmp_path, name):
    corpus = collection(tmp_path, SOUNDS)
    with pytest.raises(CorpusError, match="which holds no sound; open the folder"):
        denoising_gains(dataclasses.replace(corpus, root=Path(name)))


def test_unknown_noises_and_methods_are_refused(tmp_path):
    corpus = collection(tmp_path, {"blues.00000": chord()})
    with pytest.raises(AudioError, match="there is no noise 'brown'"):
        denoising_gains(corpus, kinds=["brown"])
    with pytest.raises(AudioError, match="there is no method 'magic'"):
        denoising_gains(corpus, methods=["magic"])
