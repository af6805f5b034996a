"""Copies are confirmed, and different pieces of one tempo are not."""

import functools
import io
import itertools

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from gtzan_lib import mp3
from gtzan_lib.data.audio import resample
from gtzan_lib.errors import AudioError
from gtzan_lib.health.check import check_health
from gtzan_lib.health.confirmation import Images, Waveforms
from gtzan_lib.health.duplicates import THRESHOLD, correlate, find_duplicates
from gtzan_lib.health.fingerprints import FRAME_S, sharp_trace, trace
from gtzan_lib.signal.dsp import mel_weights

from .test_duplicates import RATE, clip, envelope, music

STEP_S = 60 / 128 / 4
BAR_S = 16 * STEP_S
KICK, SNARE, HAT = [0, 4, 8, 12], [4, 12], [0, 2, 3, 6, 8, 10, 11, 14]


def hit(seconds: float, decay: float, *, hz: float = 0.0) -> np.ndarray:
    now = np.arange(round(seconds * RATE)) / RATE
    noise = np.random.default_rng(7).standard_normal(len(now))
    return np.exp(-decay * now) * (np.sin(2 * np.pi * hz * now) if hz else noise)


DRUMS = ((KICK, hit(0.25, 12, hz=50)), (SNARE, 0.5 * hit(0.2, 20)), (HAT, 0.2 * hit(0.08, 80)))
"""Steps of a bar and sound of each drum, the same in all pieces."""


@functools.cache
def piece(seed: int, *, seconds: float = 16.0) -> np.ndarray:
    """Return a piece at 128 beats a minute, cut anywhere; bass and chords depend on the seed."""
    rng = np.random.default_rng(seed)
    root, line, played = 55 * 2 ** rng.uniform(0, 1), rng.integers(0, 12, 16), rng.random(16) < 0.5
    y = np.zeros(round((seconds + 3 * BAR_S) * RATE))

    def place(sound: np.ndarray, bar: int, step: int) -> None:
        first = round((bar * BAR_S + step * STEP_S) * RATE)
        y[first : first + len(sound)] += sound

    for bar in range(int(seconds / BAR_S) + 2):
        for steps, sound in DRUMS:
            for step in steps:
                place(rng.uniform(0.8, 1) * sound, bar, step)
        for step in np.flatnonzero(played).tolist():
            place(0.4 * hit(STEP_S, 6, hz=root * 2 ** (line[step] / 12)), bar, step)
        for note in rng.choice(12, 3, replace=False).tolist():
            place(0.1 * hit(BAR_S, 0.5, hz=4 * root * 2 ** (note / 12)), bar, 0)
    y = y[round(rng.uniform(0, BAR_S) * RATE) :][: round(seconds * RATE)]
    return 0.5 * y / np.abs(y).max()


def encoded(y: np.ndarray, rate: int = RATE, *, kbit_s: int) -> tuple[np.ndarray, int]:
    y = resample(y.astype(np.float32), RATE, rate)
    # The lowest level of a rate is not accepted by every version of libsndfile.
    level = min(0.99, mp3.compression_level(kbit_s, rate))
    return soundfile.read(io.BytesIO(mp3.encode(y, rate, level)))


def in_ogg(y: np.ndarray) -> tuple[np.ndarray, int]:
    stream = io.BytesIO()
    soundfile.write(stream, y, RATE, format="OGG", subtype="VORBIS")
    stream.seek(0)
    return soundfile.read(stream)


def at_rate(y: np.ndarray, rate: int) -> tuple[np.ndarray, int]:
    return resample(y.astype(np.float32), RATE, rate), rate


PROCESSES = {
    "identical": lambda y: (y, RATE),
    "mp3 of 32 kbit/s": lambda y: encoded(y, kbit_s=32),
    "mp3 of 32 kbit/s at 44.1 kHz": lambda y: encoded(y, 44_100, kbit_s=32),
    "mp3 of 64 kbit/s": lambda y: encoded(y, kbit_s=64),
    "ogg": in_ogg,
    "24 dB less": lambda y: (y * 10 ** (-24 / 20), RATE),
    "12 dB more, clipped": lambda y: (np.clip(4 * y, -1, 1), RATE),
    "16 kHz": lambda y: at_rate(y, 16_000),
    "44.1 kHz": lambda y: at_rate(y, 44_100),
    "inverted": lambda y: (-y, RATE),
    "duller": lambda y: (np.convolve(y, [0.25, 0.5, 0.25], mode="same"), RATE),
    "gaps": lambda y: (y * (np.arange(len(y)) % 50_000 > 4_000), RATE),
}
"""Processes that make a copy, and the rate of their result."""


@pytest.fixture(scope="module")
def waveforms(tmp_path_factory):
    """Compare sounds, which are pairs of samples and rate, in files."""
    folder, numbers = tmp_path_factory.mktemp("waveforms"), itertools.count()

    def compared(*sounds: tuple[np.ndarray, int]) -> Waveforms:
        paths = [folder / f"{next(numbers)}.wav" for _ in sounds]
        for path, (y, rate) in zip(paths, sounds, strict=True):
            soundfile.write(path, y, rate)
        return Waveforms(paths)

    return compared


def log_mel(y: np.ndarray, rate: int) -> np.ndarray:
    n_fft, hop_length = round(2048 / RATE * rate), round(FRAME_S * rate)
    weights = mel_weights(sample_rate=rate, n_fft=n_fft, n_mels=128, fmax=RATE / 2)
    frames = np.lib.stride_tricks.sliding_window_view(y, n_fft)[::hop_length]
    power = np.square(np.abs(np.fft.rfft(frames * np.hanning(n_fft)))) @ weights.T
    return np.log(power.T + 1e-10).astype(np.float32)


def images(*sounds: tuple[np.ndarray, int]) -> Images:
    return Images([log_mel(*sound) for sound in sounds])


# --- copies -------------------------------------------------------------------


@pytest.mark.parametrize(("process", "start"), list(zip(PROCESSES, itertools.cycle([0.437, 5]))))
def test_copies_are_confirmed(waveforms, process, start):
    source, copy = (piece(3), RATE), PROCESSES[process](clip(piece(3), start))
    for compare in (waveforms(source, copy), images(source, copy)):
        for order, lag_s in (((0, 1), start), ((1, 0), -start)):
            agreement = compare(*order)
            assert compare.CONFIRMED <= agreement.score <= 1.001
            difference = agreement.lag_s - lag_s
            if isinstance(compare, Images):
                # Bars of a loop may be more similar in their columns than the true lag is.
                difference = (difference + BAR_S / 2) % BAR_S - BAR_S / 2
            # Encoders delay the sound by up to 50 ms.
            assert abs(difference) < 0.1


@settings(max_examples=10)
@given(
    seed=st.integers(2, 5),
    gain_db=st.floats(-24, 12),
    shift=st.floats(0, 5),
    process=st.sampled_from(sorted(PROCESSES)),
)
def test_waveforms_of_copies_agree_far_above_the_threshold(
    waveforms, seed, gain_db, shift, process
):
    y = np.clip(clip(piece(seed), shift) * 10 ** (gain_db / 20), -1, 1)
    compare = waveforms((piece(seed), RATE), PROCESSES[process](y))
    assert compare(0, 1).score > Waveforms.CONFIRMED + 0.15


def test_level_polarity_and_fractions_of_a_sample_do_not_matter(waveforms):
    y = piece(5).astype(np.float32)
    # 441 samples at 44.1 kHz are not a whole number of samples at 4 kHz.
    later = resample(y, RATE, 44_100)[1_237:]
    agreement = waveforms((y, RATE), (-0.1 * later, 44_100))(0, 1)
    assert agreement.score > 0.97
    assert agreement.lag_s == pytest.approx(1_237 / 44_100, abs=1 / 4_000)


def test_an_excerpt_agrees_with_the_whole(waveforms):
    y = music(77, seconds=30)
    agreement = waveforms((y, RATE), (clip(y, 14, seconds=3), RATE))(0, 1)
    assert agreement.score > 0.97
    assert agreement.lag_s == pytest.approx(14, abs=1e-3)


def test_silence_in_both_does_not_count(waveforms):
    padded = np.pad(piece(4), 8 * RATE)
    assert waveforms((padded, RATE), (0.3 * padded, RATE))(0, 1).score > 0.97
    others = [(np.pad(piece(n), 8 * RATE), RATE) for n in (5, 6)]
    assert waveforms(*others)(0, 1).score < Waveforms.CONFIRMED
    assert images(*others)(0, 1).score < Images.CONFIRMED


# --- no copies ----------------------------------------------------------------


def test_pieces_of_one_tempo_and_one_drum_machine_are_no_copies(waveforms):
    """Their traces correlate like those of copies."""
    sounds = [(piece(seed), RATE) for seed in range(10, 18)]
    traces = [sharp_trace(trace(envelope(*sound[:1]))) for sound in sounds]
    compared, shown = waveforms(*sounds), images(*sounds)
    suspicious = 0
    for a, b in itertools.combinations(range(len(sounds)), 2):
        suspicious += correlate(traces[a], traces[b])[1].max() >= THRESHOLD
        assert compared(a, b).score < Waveforms.CONFIRMED - 0.15
        assert shown(a, b).score < Images.CONFIRMED
    assert suspicious > 5


@settings(max_examples=8)
@given(seeds=st.lists(st.integers(0, 20), min_size=2, max_size=2, unique=True))
def test_different_pieces_are_never_confirmed(waveforms, seeds):
    sounds = [(piece(seed), RATE) for seed in seeds]
    assert waveforms(*sounds)(0, 1).score < Waveforms.CONFIRMED - 0.15


def test_copies_are_found_among_pieces_of_one_tempo(waveforms):
    sounds = [(piece(seed), RATE) for seed in range(8)]
    sounds += [(clip(piece(2), 1.7), RATE), encoded(piece(7), kbit_s=32)]
    copies = find_duplicates(
        [envelope(y, rate=rate) for y, rate in sounds], waveforms(*sounds), progress=False
    )
    assert [(copy.a, copy.b) for copy in copies] == [(2, 8), (7, 9)]
    assert copies[0].lag_s == pytest.approx(1.7, abs=1e-3)


def test_a_corpus_with_and_without_sound(tmp_path):
    from gtzan_lib.data.opening import open_corpus
    from gtzan_lib.signal.recipes import Recipe
    from gtzan_lib.signal.spectrograms import write_log_mels

    for number, seed in enumerate([*range(6), 4]):
        y = clip(piece(seed), 1.7) if number == 6 else piece(seed)
        path = tmp_path / "music" / ("house", "techno")[seed % 2] / f"{number:02d}.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, y, RATE)
    corpus = open_corpus(tmp_path / "music")
    write_log_mels(corpus, tmp_path / "mel.npz", Recipe.preset("mel-gtzan-store"), progress=False)
    for source in (corpus, tmp_path / "mel.npz"):
        duplicates = check_health(source, progress=False).duplicates
        assert duplicates[["a", "b", "kind"]].to_numpy().tolist() == [
            ["house.04", "house.06", "shifted"]
        ]
        assert duplicates.at[0, "lag_s"] == pytest.approx(1.7, abs=0.03)


# --- unusual files ------------------------------------------------------------


@pytest.mark.parametrize("seconds", [0.5, 1, 2])
def test_short_sounds(waveforms, seconds):
    sounds = [(piece(seed)[: round(seconds * RATE)], RATE) for seed in (1, 1, 2)]
    assert waveforms(*sounds)(0, 1).score == pytest.approx(1, abs=1e-3)
    assert waveforms(*sounds)(0, 2).score < 1


def test_silence_agrees_with_nothing(waveforms):
    silence, y = (np.zeros(5 * RATE), RATE), (piece(1), RATE)
    for compare in (waveforms(silence, silence, y), images(silence, silence, y)):
        assert compare(0, 1).score == 0
        assert compare(0, 2).score < compare.CONFIRMED


def test_samples_that_are_no_numbers_count_as_zero(tmp_path):
    y = piece(1).astype(np.float32)
    damaged = y.copy()
    damaged[1000:1010] = np.nan, np.inf, -np.inf, 1e30, -1e30, *[np.nan] * 5
    for name, samples in (("whole", y), ("damaged", damaged)):
        soundfile.write(tmp_path / f"{name}.wav", samples, RATE, subtype="FLOAT")
    compare = Waveforms([tmp_path / "whole.wav", tmp_path / "damaged.wav"])
    assert compare(0, 1).score > 0.9


def test_a_file_that_disappeared_is_named(tmp_path):
    with pytest.raises(AudioError, match=r"gone\.wav: there is no such file"):
        Waveforms([tmp_path / "gone.wav"] * 2)(0, 1)
