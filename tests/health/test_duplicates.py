"""Processed copies are found, and similar recordings are not."""

import csv
import io

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from gtzan_lib.health.confirmation import Images
from gtzan_lib.health.duplicates import Duplicate, correlate, find_duplicates
from gtzan_lib.health.fingerprints import (
    FRAME_S,
    N_BANDS,
    Envelope,
    sharp_trace,
    trace,
)

RATE = 22_050


def music(seed: int, *, seconds: float = 20.0) -> np.ndarray:
    """Return notes of one scale and drum hits at random times, different for each seed."""
    rng = np.random.default_rng(seed)
    scale = 110 * 2 ** (rng.choice(12, size=7, replace=False) / 12)
    y = 0.002 * rng.standard_normal(round(seconds * RATE))
    start = 0.0
    while (first := round(start * RATE)) < len(y):
        now = np.arange(min(len(y) - first, round(0.6 * RATE))) / RATE
        if rng.random() < 0.3:
            sound = rng.uniform(0.1, 0.4) * rng.standard_normal(len(now))
            decay = rng.uniform(0.02, 0.08)
        else:
            hz = rng.choice(scale) * 2.0 ** rng.integers(4)
            partials = [(k, a) for k, a in zip((1, 2, 3, 5), rng.uniform(0.2, 1, 4), strict=True)]
            sound = sum(a / k * np.sin(2 * np.pi * k * hz * now) for k, a in partials)
            decay = rng.uniform(0.1, 0.4)
        y[first : first + len(now)] += sound * np.exp(-now / decay) * (1 - now / 0.6)
        start += rng.exponential(0.17)
    return 0.5 * y / np.abs(y).max()


def envelope(y: np.ndarray, *, rate: int = RATE) -> np.ndarray:
    computed = Envelope(rate)
    computed.add(y.astype(np.float32))
    return computed.finish()


def encoded(y: np.ndarray, container: str, encoding: str, **arguments) -> np.ndarray:
    """Encode a sound and decode it again."""
    stream = io.BytesIO()
    soundfile.write(stream, y, RATE, format=container, subtype=encoding, **arguments)
    stream.seek(0)
    return soundfile.read(stream)[0]


def copies_among(envelopes) -> list[Duplicate]:
    """Search, with the envelopes themselves as the images; images have one phase."""
    images = [levels if levels.ndim == 2 else levels[0] for levels in envelopes]
    return find_duplicates(images, Images(images), progress=False)


def pairs(envelopes) -> list[tuple[int, int]]:
    return [(copy.a, copy.b) for copy in copies_among(envelopes)]


@pytest.fixture(scope="module")
def tracks() -> list[np.ndarray]:
    """Twenty tracks of 20 s."""
    return [music(seed) for seed in range(20)]


@pytest.fixture(scope="module")
def envelopes(tracks) -> list[np.ndarray]:
    return [envelope(y) for y in tracks]


@pytest.fixture(scope="module")
def recording() -> np.ndarray:
    """One recording of 30 s, from which clips are cut."""
    return music(77, seconds=30)


def clip(y: np.ndarray, start: float, *, seconds: float = 20.0) -> np.ndarray:
    return y[round(start * RATE) :][: round(seconds * RATE)]


# --- copies -------------------------------------------------------------------


def test_unrelated_tracks_are_no_copies(envelopes):
    assert copies_among(envelopes) == []


PROCESSES = {
    "mp3": lambda y: encoded(y, "MP3", "MPEG_LAYER_III"),
    "mp3 at the lowest rate": lambda y: encoded(
        y, "MP3", "MPEG_LAYER_III", bitrate_mode="CONSTANT", compression_level=0.99
    ),
    "ogg": lambda y: encoded(y, "OGG", "VORBIS"),
    "8 bits": lambda y: encoded(y, "WAV", "PCM_U8"),
    "12 dB less": lambda y: y / 4,
    "12 dB more, clipped": lambda y: np.clip(4 * y, -1, 1),
    "offset": lambda y: y + 0.2,
    "noise at -30 dB": lambda y: y + 0.03 * np.random.default_rng(1).standard_normal(len(y)),
    "duller": lambda y: np.convolve(y, [0.25, 0.5, 0.25], mode="same"),
    "gaps": lambda y: y * (np.arange(len(y)) % 50_000 > 4_000),
}


@pytest.mark.parametrize("process", PROCESSES)
def test_processed_copies_are_found(tracks, envelopes, process):
    changed = [envelope(PROCESSES[process](tracks[number])) for number in (4, 11)]
    copies = copies_among([*envelopes, *changed])
    assert [(copy.a, copy.b) for copy in copies] == [(4, 20), (11, 21)]
    for copy in copies:
        assert Images.CONFIRMED <= copy.score < 1.001
        assert abs(copy.lag_s) <= FRAME_S


@pytest.mark.parametrize("start", [5.0, 10.0])
@pytest.mark.parametrize("shift", [-5, -2.72, -0.4, 0.4, 1, 5])
def test_the_lag_is_positive_where_the_first_track_is_later(recording, envelopes, start, shift):
    """With a positive shift, the second track begins later in the recording."""
    first = envelope(clip(recording, start))
    second = envelope(clip(recording, start + shift, seconds=15))
    (copy,) = copies_among([*envelopes[:3], first, second])
    assert (copy.a, copy.b) == (3, 4)
    assert copy.lag_s == pytest.approx(shift, abs=FRAME_S)
    assert Images.CONFIRMED <= copy.score < 1.001
    (swapped,) = copies_among([second, *envelopes[:3], first])
    assert swapped.lag_s == pytest.approx(-shift, abs=FRAME_S)
    assert swapped.score == pytest.approx(copy.score, abs=1e-3)


@settings(max_examples=30)
@given(gain_db=st.floats(-24, 12), shift=st.floats(0, 5), later=st.booleans())
def test_copies_of_any_gain_and_shift_are_found(recording, envelopes, gain_db, shift, later):
    louder = np.clip(clip(recording, shift) * 10 ** (gain_db / 20), -1, 1)
    both = [envelope(clip(recording, 0)), envelope(louder)]
    (copy,) = copies_among([*envelopes[:2], *(both[::-1] if later else both)])
    assert (copy.a, copy.b) == (2, 3)
    assert copy.lag_s == pytest.approx(-shift if later else shift, abs=FRAME_S)


@pytest.mark.parametrize("rate", [16_000, 44_100])
def test_a_copy_at_another_rate_is_found(tracks, envelopes, rate):
    from gtzan_lib.data.audio import resample

    y = resample(tracks[5].astype(np.float32), RATE, rate)
    assert pairs([*envelopes, envelope(y, rate=rate)]) == [(5, 20)]


def test_every_pair_of_several_copies_is_found(tracks, envelopes):
    louder = [envelope(tracks[2] * gain) for gain in (0.3, 0.6)]
    assert pairs([*envelopes[:6], *louder]) == [(2, 6), (2, 7), (6, 7)]


def test_an_excerpt_is_found_in_a_longer_track(recording, envelopes):
    excerpt = envelope(clip(recording, 14, seconds=12))
    (copy,) = copies_among([envelope(recording), *envelopes[:4], excerpt])
    assert (copy.a, copy.b) == (0, 5)
    assert copy.lag_s == pytest.approx(14, abs=FRAME_S)


def test_the_order_of_the_tracks_does_not_matter(tracks, envelopes, rng):
    several = [*envelopes[:10], envelope(tracks[3] / 2), envelope(tracks[8][RATE:])]
    expected = {frozenset({3, 10}), frozenset({8, 11})}
    for _ in range(5):
        order = rng.permutation(len(several))
        copies = pairs([several[number] for number in order])
        assert all(a < b for a, b in copies)
        assert {frozenset(order[[a, b]].tolist()) for a, b in copies} == expected


# --- no copies ----------------------------------------------------------------


@pytest.mark.parametrize("frames", [0, 1, 2, 12, 13, 14])
def test_empty_and_short_envelopes(tracks, envelopes, frames):
    short = envelopes[0][:, :frames]
    several = [short, *envelopes[:4], short, envelope(tracks[2] / 2), short]
    copies = pairs(several)
    assert (3, 6) in copies
    # Thirteen frames or more may be found, since they are equal.
    assert set(copies) - {(3, 6)} <= {(0, 5), (0, 7), (5, 7), (0, 1), (1, 5), (1, 7)}
    if frames <= 12:
        assert copies == [(3, 6)]


@pytest.mark.parametrize("number", [0, 1, 2])
def test_no_tracks_and_empty_tracks(number):
    assert copies_among([]) == []
    assert copies_among([Envelope.empty()] * number) == []


@pytest.mark.parametrize("level", [0, 9, 255])
def test_silence_is_no_copy_of_silence(envelopes, level):
    silence = np.full((N_BANDS, 200), level, dtype=np.uint8)
    assert pairs([silence] * 5) == []
    assert pairs([*envelopes[:5], silence, silence, silence[:, :90]]) == []
    assert pairs([envelope(np.zeros(10 * RATE))] * 3) == []


def test_silence_at_both_ends_makes_no_copies(tracks):
    padded = [np.pad(y[: 10 * RATE], 5 * RATE) for y in tracks]
    assert pairs([envelope(y) for y in padded]) == []


def loop(seed: int, bar_s: float) -> np.ndarray:
    """Return ten repetitions of one bar."""
    return np.tile(music(seed, seconds=bar_s), 10)


@pytest.mark.parametrize("shift", [0, 0.5, 1.3])
def test_loops_with_other_notes_are_no_copies(shift):
    loops = [loop(seed, 2 + 0.03 * seed) for seed in range(12)]
    assert pairs([envelope(np.roll(y, round(n * shift * RATE))) for n, y in enumerate(loops)]) == []


@pytest.mark.parametrize("bar_s", [1.0, 2.0])
def test_loops_of_one_tempo_with_other_notes_are_no_copies(bar_s):
    assert pairs([envelope(loop(seed, bar_s)) for seed in range(20)]) == []


def test_copies_of_a_song_over_a_loop_are_found():
    """The lag must be right, not a bar too early or too late."""
    songs = [loop(seed, 2.0) + music(50 + seed) for seed in range(6)]
    several = [*map(envelope, songs), envelope(songs[2][round(1.7 * RATE) :])]
    (copy,) = copies_among(several)
    assert (copy.a, copy.b) == (2, 6)
    assert copy.lag_s == pytest.approx(1.7, abs=FRAME_S)


def test_unrelated_short_tracks_are_no_copies():
    assert pairs([envelope(music(seed, seconds=8)) for seed in range(100, 140)]) == []


def test_images_longer_than_any_envelope(rng):
    """Images may show whole pieces of music."""
    long = rng.integers(0, 256, size=(4, N_BANDS, 6000), dtype=np.uint8)
    long[2] = np.roll(long[1], 1000, axis=1)
    assert pairs(list(long)) == [(1, 2)]


# --- correlation --------------------------------------------------------------


def test_correlation_is_that_of_the_overlap(envelopes):
    first, second = (sharp_trace(trace(envelopes[number])) for number in (0, 1))
    second = second[:, :200]
    lags, scores = correlate(first, second)
    assert (np.diff(lags) > 0).all()
    steps = np.round(lags / FRAME_S).astype(int)
    # The overlap is at least half of the shorter trace, since both are shorter than 20 s.
    assert steps.min() == 100 - 200
    assert steps.max() == first.shape[1] - 100
    for step in (-50, 0, 30, first.shape[1] - 150):
        start, end = max(0, step), min(first.shape[1], 200 + step)
        products = first[:, start:end] * second[:, start - step : end - step]
        expected = products.sum() / N_BANDS / np.sqrt((end - start) * 200)
        assert scores[steps == step][0] == pytest.approx(expected, abs=1e-4)


def test_a_trace_correlates_with_itself(envelopes):
    sharp = sharp_trace(trace(envelopes[0]))
    lags, scores = correlate(sharp, sharp)
    assert lags[scores.argmax()] == 0
    assert scores.max() == pytest.approx(1, abs=1e-4)


def test_correlation_of_phases_is_that_of_the_best(recording):
    whole = sharp_trace(trace(envelope(recording)))
    excerpt = clip(recording, FRAME_S * 100.5, seconds=3)
    phases = sharp_trace(trace(envelope(excerpt)))
    assert phases.ndim == 3
    for order in (1, -1):
        lags, scores = correlate(*(whole, phases)[::order])
        single = [correlate(*(whole, phase)[::order])[1] for phase in phases]
        # In one phase, scores are lowered more.
        np.testing.assert_allclose(scores, np.max(single, axis=0) * np.sqrt(1.5), atol=1e-4)
        # The third phase begins half a frame later.
        assert lags[scores.argmax()] == pytest.approx(order * FRAME_S * 101, abs=1e-6)
        assert np.argmax([one.max() for one in single]) == 2
    lags, scores = correlate(phases, phases)
    assert lags[scores.argmax()] == 0


def test_copies_are_named_tuples(tracks, envelopes):
    (copy,) = copies_among([envelopes[0], envelope(tracks[0] / 2)])
    assert isinstance(copy, Duplicate)
    assert all(type(value) in (int, float) for value in copy)


# --- GTZAN --------------------------------------------------------------------


def test_known_copies_in_gtzan(gtzan_root):
    from gtzan_lib.health.check import check_health

    images = gtzan_root / "mel" / "gtzan_logmel_999.npz"
    sample = gtzan_root / "facts" / "repetition_pairs_sample.csv"
    if not (images.is_file() and sample.is_file()):
        pytest.skip(f"{gtzan_root} holds no log-mels or no known pairs")
    with sample.open(newline="") as stream:
        known = {frozenset(row.values()) for row in csv.DictReader(stream)}
    report = check_health(images, progress=False)
    found = {frozenset(pair) for pair in report.duplicates[["a", "b"]].to_numpy().tolist()}
    assert report.n_files == 999
    assert len(known) == 26
    assert len(known & found) >= 24
    assert len(found) <= 100
