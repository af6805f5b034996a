"""Predictions for a stream: equal to those for the file, whatever its blocks; latency."""

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

from ..inference.test_model import GENRES, RECIPES, music, train

RATE = 12_000


@pytest.fixture(scope="module")
def models(tmp_path_factory) -> dict[str, Model]:
    """A model for each recipe: one without context, and one with."""
    folder = tmp_path_factory.mktemp("models")
    names = ("stft-3s", "mel-gtzan-store")
    return {name: load_model(train(folder / name, RECIPES[name])) for name in names}


@pytest.fixture(scope="module")
def model(models) -> Model:
    return models["stft-3s"]


class Clock:
    """Replaces `time`: a test sets `now`, and `sleep` advances it."""

    def __init__(self) -> None:
        self.now, self.slept = 100.0, []

    def perf_counter(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


@pytest.fixture
def clock(monkeypatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(streaming, "time", clock)
    return clock


def split(y: np.ndarray, size: int) -> list[np.ndarray]:
    return [y[start : start + size] for start in range(0, len(y), size)]


def ends(predictions) -> list[float]:
    return [prediction.end_s for prediction in predictions]


def near(predictions, others, tolerance: float = 1e-5) -> None:
    """Check that two lists of predictions are nearly equal."""
    assert ends(predictions) == pytest.approx(ends(others))
    for prediction, other in zip(predictions, others, strict=True):
        np.testing.assert_allclose(prediction.probabilities, other.probabilities, atol=tolerance)
        np.testing.assert_allclose(prediction.window, other.window, atol=tolerance)


# --- windows and probabilities ------------------------------------------------


def test_one_prediction_per_step(model, tmp_path):
    soundfile.write(tmp_path / "a.wav", music(9.4), RATE)
    for source in (tmp_path / "a.wav", str(tmp_path / "a.wav")):
        predictions = list(listen(source, model))
        assert ends(predictions) == [3, 4, 5, 6, 7, 8, 9]
    # At least half a step is left: a last window ends where the sound ends.
    assert ends(listen(source, model, step=2.5)) == pytest.approx([3, 5.5, 8, 9.4])
    for prediction in predictions:
        assert prediction.genre == GENRES[prediction.probabilities.argmax()]
        assert prediction.probability == prediction.probabilities.max()
        assert prediction.probabilities.dtype == np.float64
        assert prediction.probabilities.sum() == pytest.approx(1, abs=1e-5)
        assert prediction.latency_s >= 0
        assert prediction.busy_s > 0


@pytest.mark.parametrize("seconds", [1.0, 2.9, 3.0, 5.4, 5.5, 9.0, 9.9])
@pytest.mark.parametrize("rate", [12_000, 22_050, 44_100])
@pytest.mark.parametrize("name", ["stft-3s", "mel-gtzan-store"])
def test_windows_of_stream_and_file_are_equal(models, tmp_path, name, rate, seconds):
    """Also the last window, and the repeated window of sound shorter than a window."""
    model, y = models[name], music(seconds, rate)
    soundfile.write(tmp_path / "a.wav", y, rate, subtype="FLOAT")
    expected = model.predict(tmp_path / "a.wav", step=1)
    for source in (tmp_path / "a.wav", split(y, rate // 3)):
        predictions = list(listen(source, model, sample_rate=rate))
        assert ends(predictions) == pytest.approx((expected.starts_s + 3).tolist())
        windows = [prediction.window for prediction in predictions]
        np.testing.assert_allclose(windows, expected.windows, atol=1e-5)


def test_last_windows_are_predicted_by_finish(model):
    classifier = StreamClassifier(model, RATE)
    assert ends(classifier.push(music(4.6))) == [3, 4]
    assert ends(classifier.finish()) == [4.6]
    # The end of a whole window is complete two samples later, or when the stream ends.
    classifier = StreamClassifier(model, RATE)
    y = music(4.1)
    assert classifier.push(y[: 3 * RATE + 1]) == []
    assert ends(classifier.push(y[3 * RATE + 1 : 3 * RATE + 2])) == [3]
    assert ends(classifier.push(y[3 * RATE + 2 : 4 * RATE])) == []
    assert ends(classifier.finish()) == [4]


def test_windows_with_context_are_complete_when_it_has_arrived(models):
    """About 30 ms for `mel-gtzan-store`, and never before it."""
    model, rate = models["mel-gtzan-store"], 22_050
    after = model.recipe.context[1]
    assert after / rate == pytest.approx(0.03, abs=0.002)
    classifier, y = StreamClassifier(model, rate), music(4, rate)
    assert classifier.push(y[: 3 * rate + after - 1]) == []
    assert ends(classifier.push(y[3 * rate + after - 1 : 3 * rate + after])) == [3]


@pytest.mark.parametrize("average", [1, 3, 5])
def test_moving_average(model, average):
    y = music(12)
    windows = model.predict(y, sample_rate=RATE, step=1).windows
    predictions = list(listen([y], model, sample_rate=RATE, average=average))
    assert len(predictions) == len(windows) == 10
    assert np.ptp(windows, axis=0).max() > 0.2
    for number, prediction in enumerate(predictions):
        np.testing.assert_allclose(prediction.window, windows[number], atol=1e-5)
        last = windows[max(0, number + 1 - average) : number + 1]
        np.testing.assert_allclose(prediction.probabilities, last.mean(axis=0), atol=1e-5)


@given(edges=st.lists(st.integers(0, 6 * RATE), max_size=6))
@settings(max_examples=10)
def test_blocks_of_any_size(model, edges):
    y = music(6)
    blocks = np.split(y, sorted(edges))
    predictions = list(listen(blocks, model, sample_rate=RATE))
    near(predictions, list(listen([y], model, sample_rate=RATE)))


@pytest.mark.parametrize("rate", [8_000, 12_000, 44_100])
@pytest.mark.parametrize("channels", [1, 2])
def test_file_and_blocks_agree(model, tmp_path, rate, channels):
    y = music(5.5, rate, channels)
    soundfile.write(tmp_path / "a.wav", y, rate, subtype="FLOAT")
    predictions = list(listen(tmp_path / "a.wav", model))
    assert ends(predictions) == pytest.approx([3, 4, 5, 5.5])
    for size in (101, rate // 3, 10 * rate):
        near(predictions, list(listen(split(y, size), model, sample_rate=rate)))
    mean = y.reshape(len(y), -1).mean(axis=1)
    near(predictions, list(listen([mean], model, sample_rate=rate)))
    near(predictions, list(listen(split(music(5.5), 999), model, sample_rate=RATE)), 0.15)


@pytest.mark.parametrize("rate", [8_000, 12_000, 22_050, 44_100, 192_000])
def test_resampling_does_not_lose_the_last_window(model, tmp_path, rate):
    soundfile.write(tmp_path / "a.wav", music(4.0, rate), rate)
    assert ends(listen(tmp_path / "a.wav", model)) == [3, 4]


@pytest.mark.parametrize("name", ["stft-3s", "mel-gtzan-store"])
def test_predictions_do_not_wait_for_the_end_of_the_stream(models, name):
    received = []

    def blocks():
        for block in split(music(6), RATE // 10):
            received.append(block)
            yield block

    for prediction in listen(blocks(), models[name], sample_rate=RATE):
        assert len(received) / 10 == pytest.approx(prediction.end_s, abs=0.11)


def test_sample_rate_of_a_microphone_is_used(model):
    class Microphone(list):
        sample_rate = RATE

    y = music(4)
    predictions = list(listen(Microphone(split(y, 500)), model, sample_rate=44_100, pace=True))
    near(predictions, list(listen([y], model, sample_rate=RATE)))


# --- silence ------------------------------------------------------------------


def test_silent_windows_are_left_out_of_the_average(model):
    y = np.concatenate([np.zeros(5 * RATE), music(4), np.zeros(6 * RATE)])
    predictions = list(listen(split(y, 1000), model, sample_rate=RATE))
    # The first window with sound ends at 6 s, the last one at 11 s.
    assert ends(predictions) == [6, 7, 8, 9, 10, 11, 12, 13, 14, 15]
    last = predictions[5]
    for prediction in predictions[6:]:
        np.testing.assert_array_equal(prediction.probabilities, last.probabilities)
        assert prediction.genre == last.genre
    assert np.abs(last.probabilities - predictions[4].probabilities).max() > 1e-4


@pytest.mark.parametrize("y", [np.zeros(10 * RATE, np.float32), music(0.9), np.zeros(0)])
def test_silent_or_too_short_sound_has_no_predictions(model, y):
    assert list(listen([y], model, sample_rate=RATE)) == []


@pytest.mark.parametrize("rate", [12_000, 44_100])
def test_memory_does_not_grow_with_the_stream(model, rate):
    """Neither in silence, which has no predictions, nor in music."""
    classifier = StreamClassifier(model, rate, step=10.0)
    for block, seconds in ((np.zeros(rate // 50), 120), (music(0.02, rate), 40)):
        for _ in range(50 * seconds):
            classifier.push(block)
            assert len(classifier._arrivals) <= 52
            # A window, and the samples around it that resampling may move.
            assert len(classifier._cutter._kept) <= model.recipe.samples + 4
    assert len(classifier._last) <= 5


# --- time ---------------------------------------------------------------------


@pytest.mark.parametrize("rate", [12_000, 8_000, 44_100])
@pytest.mark.parametrize("block_s", [0.02, 0.35, 7.0])
def test_latency_and_load(model, clock, monkeypatch, rate, block_s):
    """A block arrives every `block_s`, and the net takes a tenth of a second."""
    classifier, arrivals = StreamClassifier(model, rate), []
    probabilities = model.probabilities

    def slow(images):
        clock.now += 0.1
        return probabilities(images)

    monkeypatch.setattr(model, "probabilities", slow)
    received, predictions = 0, []

    def check(new) -> None:
        for number, prediction in enumerate(new):
            arrival = next(at for end, at in arrivals if end >= prediction.end_s - 1e-9)
            # Several windows of one block are predicted one after another.
            predicted = arrivals[-1][1] + 0.1 * (number + 1)
            assert prediction.latency_s == pytest.approx(predicted - arrival)
            assert prediction.busy_s == pytest.approx(0.1)
            assert prediction.latency_s < 0.2 + block_s + 0.1 * number
        predictions.extend(new)

    for block in split(music(6.5, rate), round(block_s * rate)):
        received += len(block)
        clock.now = max(clock.now, 100 + received / rate)
        arrivals.append((received / rate, clock.now))
        check(classifier.push(block))
    assert ends(predictions) == [3, 4, 5, 6]
    (last,) = classifier.finish()
    assert last.end_s == 6.5
    assert last.latency_s == pytest.approx(clock.now - arrivals[-1][1])
    assert last.busy_s == pytest.approx(0.1)


def test_files_are_read_at_the_speed_of_playback(model, clock, tmp_path):
    soundfile.write(tmp_path / "a.wav", music(4), RATE)
    times = [(p.end_s, clock.now - 100) for p in listen(tmp_path / "a.wav", model, pace=True)]
    assert times == [(3, pytest.approx(3, abs=0.03)), (4, pytest.approx(4, abs=0.03))]
    assert sum(clock.slept) == pytest.approx(4)
    clock.slept.clear()
    assert len(list(listen(tmp_path / "a.wav", model))) == 2
    assert clock.slept == []


def test_speed_of_playback_on_the_real_clock(model, tmp_path):
    import time

    soundfile.write(tmp_path / "a.wav", music(4), RATE)
    began = time.perf_counter()
    assert len(list(listen(tmp_path / "a.wav", model, pace=True))) == 2
    assert time.perf_counter() - began >= 3.95


def test_late_streams_do_not_sleep(model, clock, tmp_path):
    """No time to sleep is negative."""
    soundfile.write(tmp_path / "a.wav", music(3.5), RATE)
    for _ in listen(tmp_path / "a.wav", model, pace=True):
        clock.now += 10
    assert min(clock.slept) == 0
    assert sum(clock.slept) == pytest.approx(3, abs=0.03)


# --- errors -------------------------------------------------------------------


@pytest.mark.parametrize(
    "named",
    [
        {"step": 0}, {"step": -1.0}, {"step": np.nan}, {"step": np.inf}, {"average": 0},
        {"sample_rate": None}, {"sample_rate": 0}, {"sample_rate": -8_000},
    ],
)  # fmt: skip
def test_impossible_settings_are_refused(model, named):
    with pytest.raises(LiveError, match=r"^[^\n]+\.$"):
        list(listen([music(4)], model, **{"sample_rate": RATE, **named}))


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("rate", [12_000, 44_100])
def test_samples_that_are_not_finite_are_refused(model, value, rate):
    y = music(5, rate)
    y[2 * rate] = value
    with pytest.raises(LiveError, match=r"^[^\n]*samples that are not finite numbers[^\n]*\.$"):
        list(listen(split(y, rate // 10), model, sample_rate=rate))


def test_bad_files(model, tmp_path):
    (tmp_path / "text.mp3").write_text("Dear diary.\n" * 100)
    soundfile.write(tmp_path / "broken.flac", music(9), RATE)
    content = (tmp_path / "broken.flac").read_bytes()
    (tmp_path / "broken.flac").write_bytes(content[: len(content) // 2])
    for name in ("none.wav", "text.mp3", "broken.flac"):
        with pytest.raises(AudioError, match=rf"{name}: [^\n]+\.$"):
            list(listen(tmp_path / name, model))
    # Windows before the damage are predicted.
    predictions = []
    with pytest.raises(AudioError):
        predictions.extend(listen(tmp_path / "broken.flac", model))
    assert predictions
