"""Predictions that follow sound: the same however it arrives, and their latency."""

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from gtzan_lib.errors import AudioError, LiveError
from gtzan_lib.inference.model import Model
from gtzan_lib.inference.zoo import load_model
from gtzan_lib.live import streaming
from gtzan_lib.live.streaming import StreamClassifier, listen

from ..learn.test_inference import GENRES, RECIPES, music, teach

RATE = 12_000


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> Model:
    return load_model(teach(tmp_path_factory.mktemp("model"), RECIPES["stft-3s"]))


class Clock:
    """Stands for `time`: goes on when it is told to, or when somebody sleeps."""

    def __init__(self) -> None:
        self.now, self.slept = 100.0, []

    def perf_counter(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


@pytest.fixture
def clock(monkeypatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(streaming, "time", made)
    return made


def split(y: np.ndarray, size: int) -> list[np.ndarray]:
    return [y[start : start + size] for start in range(0, len(y), size)]


def same(moments, others, tolerance: float = 1e-5) -> None:
    """Two lists of moments tell the same."""
    assert [one.end_s for one in moments] == pytest.approx([one.end_s for one in others])
    for one, other in zip(moments, others, strict=True):
        np.testing.assert_allclose(one.probabilities, other.probabilities, atol=tolerance)
        np.testing.assert_allclose(one.window, other.window, atol=tolerance)


# --- what it tells ------------------------------------------------------------


def test_one_moment_a_step(model, tmp_path):
    soundfile.write(tmp_path / "a.wav", music(9.4), RATE)
    for source in (tmp_path / "a.wav", str(tmp_path / "a.wav")):
        moments = list(listen(source, model))
        assert [one.end_s for one in moments] == [3, 4, 5, 6, 7, 8, 9]
    assert [one.end_s for one in listen(source, model, step=2.5)] == [3, 5.5, 8]
    for one in moments:
        assert one.genre == GENRES[one.probabilities.argmax()]
        assert one.share == one.probabilities.max()
        assert one.probabilities.sum() == pytest.approx(1, abs=1e-5)
        assert one.latency_s >= 0
        assert one.busy_s > 0


@pytest.mark.parametrize("average", [1, 3, 5])
def test_moving_average(model, average):
    y = music(12)
    windows = model.predict(y, sample_rate=RATE, step=1).windows
    moments = list(listen([y], model, sample_rate=RATE, average=average))
    assert len(moments) == len(windows) == 10
    assert np.ptp(windows, axis=0).max() > 0.2
    for number, one in enumerate(moments):
        np.testing.assert_allclose(one.window, windows[number], atol=1e-5)
        last = windows[max(0, number + 1 - average) : number + 1]
        np.testing.assert_allclose(one.probabilities, last.mean(axis=0), atol=1e-5)


@given(edges=st.lists(st.integers(0, 6 * RATE), max_size=6))
@settings(max_examples=10)
def test_blocks_of_any_size(model, edges):
    y = music(6)
    blocks = np.split(y, sorted(edges))
    moments = list(listen(blocks, model, sample_rate=RATE))
    same(moments, list(listen([y], model, sample_rate=RATE)))


@pytest.mark.parametrize("rate", [8_000, 12_000, 44_100])
@pytest.mark.parametrize("channels", [1, 2])
def test_file_and_blocks_agree(model, tmp_path, rate, channels):
    y = music(5.5, rate, channels)
    soundfile.write(tmp_path / "a.wav", y, rate, subtype="FLOAT")
    moments = list(listen(tmp_path / "a.wav", model))
    assert [one.end_s for one in moments] == [3, 4, 5]
    for size in (101, rate // 3, 10 * rate):
        same(moments, list(listen(split(y, size), model, sample_rate=rate)))
    mean = y.reshape(len(y), -1).mean(axis=1)
    same(moments, list(listen([mean], model, sample_rate=rate)))
    same(moments, list(listen(split(music(5.5), 999), model, sample_rate=RATE)), 0.15)


@pytest.mark.parametrize("rate", [8_000, 12_000, 22_050, 44_100, 192_000])
def test_last_window_is_not_lost_where_the_rate_is_changed(model, tmp_path, rate):
    soundfile.write(tmp_path / "a.wav", music(4.0, rate), rate)
    assert [one.end_s for one in listen(tmp_path / "a.wav", model)] == [3, 4]


def test_stream_is_told_as_it_comes(model):
    """Not when it has ended."""
    given_so_far = []

    def blocks():
        for block in split(music(6), RATE // 10):
            given_so_far.append(block)
            yield block

    for one in listen(blocks(), model, sample_rate=RATE):
        assert len(given_so_far) / 10 == pytest.approx(one.end_s, abs=0.11)


def test_rate_of_a_microphone_is_its_own(model):
    class Microphone(list):
        sample_rate = RATE

    y = music(4)
    moments = list(listen(Microphone(split(y, 500)), model, sample_rate=44_100, pace=True))
    same(moments, list(listen([y], model, sample_rate=RATE)))


# --- silence ------------------------------------------------------------------


def test_silence_before_is_no_moment_and_later_changes_nothing(model):
    y = np.concatenate([np.zeros(5 * RATE), music(4), np.zeros(6 * RATE)])
    moments = list(listen(split(y, 1000), model, sample_rate=RATE))
    # The first window with sound ends at 6 s, the last that has any at 11 s.
    assert [one.end_s for one in moments] == [6, 7, 8, 9, 10, 11, 12, 13, 14, 15]
    for one in moments[6:]:
        np.testing.assert_array_equal(one.probabilities, moments[5].probabilities)
        assert one.genre == moments[5].genre
    assert np.abs(moments[5].probabilities - moments[4].probabilities).max() > 1e-4


@pytest.mark.parametrize("y", [np.zeros(10 * RATE, np.float32), music(2.9), np.zeros(0)])
def test_nothing_to_tell(model, y):
    assert list(listen([y], model, sample_rate=RATE)) == []


@pytest.mark.parametrize("rate", [12_000, 44_100])
def test_memory_does_not_grow_with_the_stream(model, rate):
    """Neither in silence, which gives no moment, nor in music."""
    listener = StreamClassifier(model, rate, step=10.0)
    for block, seconds in ((np.zeros(rate // 50), 120), (music(0.02, rate), 40)):
        for _ in range(50 * seconds):
            listener.push(block)
            assert len(listener._arrivals) <= 52
            assert len(listener._cutter._kept) <= model.recipe.samples
    assert len(listener._last) <= 5


# --- time ---------------------------------------------------------------------


@pytest.mark.parametrize("rate", [12_000, 8_000, 44_100])
@pytest.mark.parametrize("block_s", [0.02, 0.35, 7.0])
def test_latency_and_load(model, clock, monkeypatch, rate, block_s):
    """Where a block arrives every `block_s`, and asking the net takes a tenth of a second."""
    listener, arrived = StreamClassifier(model, rate), []
    answer = model.probabilities

    def slowly(images):
        clock.now += 0.1
        return answer(images)

    monkeypatch.setattr(model, "probabilities", slowly)
    heard = 0
    for block in split(music(6.5, rate), round(block_s * rate)):
        heard += len(block)
        clock.now = max(clock.now, 100 + heard / rate)
        arrived.append((heard / rate, clock.now))
        for number, one in enumerate(listener.push(block)):
            came = next(at for end, at in arrived if end >= one.end_s - 1e-9)
            # Several windows of one block are answered one after another.
            answered = arrived[-1][1] + 0.1 * (number + 1)
            assert one.latency_s == pytest.approx(answered - came)
            assert one.busy_s == pytest.approx(0.1)
            assert one.latency_s < 0.2 + block_s + 0.1 * number
    assert heard > 6 * rate


def test_pace_is_that_of_the_sound(model, clock, tmp_path):
    soundfile.write(tmp_path / "a.wav", music(4), RATE)
    told = [(one.end_s, clock.now - 100) for one in listen(tmp_path / "a.wav", model, pace=True)]
    assert told == [(3, pytest.approx(3, abs=0.03)), (4, pytest.approx(4, abs=0.03))]
    assert sum(clock.slept) == pytest.approx(4)
    clock.slept.clear()
    assert len(list(listen(tmp_path / "a.wav", model))) == 2
    assert clock.slept == []


def test_pace_in_earnest(model, tmp_path):
    import time

    soundfile.write(tmp_path / "a.wav", music(4), RATE)
    began = time.perf_counter()
    assert len(list(listen(tmp_path / "a.wav", model, pace=True))) == 2
    assert time.perf_counter() - began >= 3.95


def test_late_listeners_do_not_sleep(model, clock, tmp_path):
    """Nor are they asked to sleep for less than nothing."""
    soundfile.write(tmp_path / "a.wav", music(3.5), RATE)
    for _ in listen(tmp_path / "a.wav", model, pace=True):
        clock.now += 10
    assert min(clock.slept) == 0
    assert sum(clock.slept) == pytest.approx(3, abs=0.03)


# --- what it refuses ----------------------------------------------------------


@pytest.mark.parametrize(
    "named",
    [
        {"step": 0}, {"step": -1.0}, {"step": np.nan}, {"step": np.inf}, {"average": 0},
        {"sample_rate": None}, {"sample_rate": 0}, {"sample_rate": -8_000},
    ],
)  # fmt: skip
def test_settings_that_follow_nothing(model, named):
    with pytest.raises(LiveError, match=r"^[^\n]+\.$"):
        list(listen([music(4)], model, **{"sample_rate": RATE, **named}))


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("rate", [12_000, 44_100])
def test_samples_that_are_no_numbers(model, value, rate):
    y = music(5, rate)
    y[2 * rate] = value
    with pytest.raises(LiveError, match=r"^[^\n]*no numbers[^\n]*\.$"):
        list(listen(split(y, rate // 10), model, sample_rate=rate))


def test_bad_files(model, tmp_path):
    (tmp_path / "text.mp3").write_text("Dear diary.\n" * 100)
    soundfile.write(tmp_path / "broken.flac", music(9), RATE)
    content = (tmp_path / "broken.flac").read_bytes()
    (tmp_path / "broken.flac").write_bytes(content[: len(content) // 2])
    for name in ("none.wav", "text.mp3", "broken.flac"):
        with pytest.raises(AudioError, match=rf"{name}: [^\n]+\.$"):
            list(listen(tmp_path / name, model))
    # What could be heard until there was told.
    moments = []
    with pytest.raises(AudioError):
        moments.extend(listen(tmp_path / "broken.flac", model))
    assert moments
