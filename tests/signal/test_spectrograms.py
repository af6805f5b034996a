"""Images of windows, against the reference that librosa computes."""

import math

import librosa
import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st
from threadpoolctl import threadpool_info, threadpool_limits

from gtzan_lib.data import audio
from gtzan_lib.errors import StoreError
from gtzan_lib.signal import dsp
from gtzan_lib.signal.spectrograms import PRESETS, Recipe, spectrograms

RATE = 12_000
SECONDS = 6


def reference(window: np.ndarray) -> np.ndarray:
    """One window of 36,000 samples at 12 kHz as the seed project drew it."""
    hop = math.ceil(36_000 / 512)
    magnitude = np.abs(librosa.stft(window, n_fft=1024, hop_length=hop))
    db = librosa.amplitude_to_db(magnitude, ref=np.max)[:512]
    db = db - db.min()
    if db.max() > 0:
        db = db * (255 / db.max())
    return np.pad(db.astype(np.uint8), ((0, 0), (2, 2)))


def loud(rng, time):
    return np.clip(3 * np.sin(2 * np.pi * 440 * time), -1, 1)


def drums(rng, time):
    beats = np.zeros_like(time)
    beats[:: RATE // 4] = 1
    return np.convolve(beats, np.exp(-np.arange(2000) / 200) * rng.normal(size=2000))[: len(time)]


SIGNALS = {
    "sine": lambda rng, time: 0.5 * np.sin(2 * np.pi * 440 * time),
    "clipped sine": loud,
    "chirp": lambda rng, time: 0.5 * np.sin(2 * np.pi * (100 + 400 * time) * time),
    "white noise": lambda rng, time: rng.normal(scale=0.2, size=len(time)),
    "faint noise": lambda rng, time: rng.normal(scale=1e-7, size=len(time)),
    "16-bit dither": lambda rng, time: rng.integers(-1, 2, len(time)) / 2**15,
    "drums": drums,
    "half silent": lambda rng, time: np.where(time % 3 < 1.5, 0, rng.normal(size=len(time))),
    "direct current": lambda rng, time: np.full(len(time), 0.3),
    "one click": lambda rng, time: (time == time[1000]).astype(float),
}


def difference(a: np.ndarray, b: np.ndarray) -> int:
    return int(np.abs(a.astype(int) - b.astype(int)).max())


# --- stft-3s at full size -----------------------------------------------------


@pytest.mark.parametrize("name", SIGNALS)
def test_full_size_is_within_one_grey_level(rng, name):
    y = SIGNALS[name](rng, np.arange(SECONDS * RATE) / RATE).astype(np.float32)
    images = spectrograms(y, Recipe.preset(), np.array([0.0, 3.0]))
    assert images.shape == (2, 512, 512)
    assert images.dtype == np.uint8
    for number, image in enumerate(images):
        assert difference(image, reference(y[36_000 * number :][:36_000])) <= 1


def test_real_clips_are_within_one_grey_level(real_clips):
    recipe = Recipe.preset()
    for clip in real_clips:
        samples, rate = soundfile.read(clip, dtype="float32", always_2d=True)
        y = librosa.resample(samples.mean(axis=1), orig_sr=rate, target_sr=RATE, res_type="soxr_hq")
        starts = np.arange(int(len(y) // 36_000)) * 3.0
        ours = spectrograms(audio.load(clip, sample_rate=RATE)[0], recipe, starts)
        for image, start in zip(ours, starts, strict=True):
            first = int(start * RATE)
            assert difference(image, reference(y[first : first + 36_000])) <= 1


def test_geometry_of_the_preset():
    recipe = Recipe.preset("stft-3s")
    assert (recipe.hop, recipe.samples, recipe.size, recipe.n_fft) == (71, 36_000, 512, 1024)


def test_508_columns_between_two_black_ones_on_each_side(rng):
    y = rng.normal(size=36_000).astype(np.float32)
    image = spectrograms(y, Recipe.preset(), np.array([0.0]))[0]
    assert not image[:, :2].any()
    assert not image[:, -2:].any()
    assert image[:, 2:-2].any(axis=0).all()


def test_low_frequency_is_in_row_0():
    time = np.arange(36_000) / RATE
    for frequency in (50, 440, 3000, 5900):
        y = np.sin(2 * np.pi * frequency * time).astype(np.float32)
        image = spectrograms(y, Recipe.preset(), np.array([0.0]))[0]
        row = image[:, 100:400].sum(axis=1, dtype=int).argmax()
        assert abs(row - frequency * 1024 / RATE) <= 1


def test_time_goes_from_left_to_right():
    y = np.zeros(36_000, dtype=np.float32)
    y[9_000] = 1
    image = spectrograms(y, Recipe.preset(), np.array([0.0]))[0]
    columns = np.flatnonzero(image.any(axis=0))
    assert columns.mean() == pytest.approx(2 + 9_000 / 71, abs=1)


@pytest.mark.parametrize("size", [512, 64, 50])
def test_silence_is_black(size):
    y = np.zeros(72_000, dtype=np.float32)
    assert not spectrograms(y, Recipe.preset(size=size), np.array([0.0, 3.0])).any()


def test_scale_goes_from_black_to_white_whatever_the_loudness(rng):
    y = rng.normal(size=36_000).astype(np.float32)
    loud, faint = (
        spectrograms(y * np.float32(gain), Recipe.preset(), np.array([0.0]))[0]
        for gain in (1, 0.01)
    )
    assert loud.max() >= 254
    assert loud[:, 2:-2].min() == 0
    assert difference(loud, faint) <= 1


def test_neighbours_have_no_influence(rng):
    """A window looks the same after silence, after noise, and alone."""
    y = rng.normal(size=36_000).astype(np.float32)
    recipe = Recipe.preset(size=64)
    alone = spectrograms(y, recipe, np.array([0.0]))
    for before in (np.zeros(36_000), 30 * rng.normal(size=36_000)):
        track = np.concatenate([before, y]).astype(np.float32)
        np.testing.assert_array_equal(spectrograms(track, recipe, np.array([3.0])), alone)
        np.testing.assert_array_equal(spectrograms(track, recipe, np.array([0.0, 3.0]))[1:], alone)


def test_input_is_left_as_it_was(rng):
    y = rng.normal(size=36_000).astype(np.float32)
    before = y.copy()
    spectrograms(y, Recipe.preset(size=64), np.array([0.0]))
    np.testing.assert_array_equal(y, before)


# --- smaller images and other lengths -----------------------------------------


@pytest.mark.parametrize("size", [256, 128, 64, 32, 1])
@pytest.mark.parametrize("name", ["chirp", "white noise", "drums"])
def test_small_image_is_the_block_mean_of_the_full_one(rng, name, size):
    y = SIGNALS[name](rng, np.arange(3 * RATE) / RATE).astype(np.float32)
    full = spectrograms(y, Recipe.preset(), np.array([0.0]))[0]
    small = spectrograms(y, Recipe.preset(size=size), np.array([0.0]))[0]
    blocks = full.reshape(size, 512 // size, size, 512 // size).mean(axis=(1, 3))
    # Both cut off after the point: the full image before, the small one after.
    assert (np.abs(small - blocks) <= 1.01).all()


@given(
    size=st.integers(1, 512),
    seconds=st.floats(0.1, 6.0),
    count=st.integers(1, 3),
    seed=st.integers(0, 9),
)
def test_any_size_and_length(size, seconds, count, seed):
    recipe = Recipe.preset(size=size, seconds=seconds)
    assert recipe.hop * recipe.width >= recipe.samples > (recipe.hop - 1) * recipe.width
    rng = np.random.default_rng(seed)
    y = rng.normal(size=math.ceil(count * seconds * RATE)).astype(np.float32)
    images = spectrograms(y, recipe, np.arange(count) * seconds)
    assert images.shape == (count, size, size)
    assert images.dtype == np.uint8
    # Noise is bright at every frequency, also at the edges, and nothing wraps around.
    middle = images[:, :, size // 2].astype(int)
    assert middle.min() > 60
    assert np.median(middle) > 120


@given(seconds=st.sampled_from([0.5, 1.0, 2.0, 3.0, 5.0, 10.0]))
def test_full_image_of_any_length_is_in_the_middle(seconds):
    recipe = Recipe.preset(seconds=seconds)
    y = np.random.default_rng(0).normal(size=recipe.samples).astype(np.float32)
    image = spectrograms(y, recipe, np.array([0.0]))[0]
    filled = np.flatnonzero(image.any(axis=0))
    assert len(filled) == min(1 + recipe.samples // recipe.hop, 512)
    assert abs(filled[0] - (511 - filled[-1])) <= 1


def test_window_that_misses_a_sample_at_its_end(rng):
    """Rounding may leave a track a sample short, which is not worth an error."""
    y = rng.normal(size=36_000).astype(np.float32)
    recipe = Recipe.preset(size=64)
    whole, short = (spectrograms(part, recipe, np.array([0.0])) for part in (y, y[:-1]))
    assert difference(whole, short) <= 1


# --- recipes ------------------------------------------------------------------


@pytest.mark.parametrize("name", PRESETS)
@pytest.mark.parametrize("size", [None, 64])
@pytest.mark.parametrize("seconds", [None, 1, 2.5])
def test_recipe_survives_being_written(name, size, seconds):
    import json

    recipe = Recipe.preset(name, size=size, seconds=seconds)
    values = json.loads(json.dumps(recipe.as_dict()))
    assert values["hop"] == recipe.hop
    assert Recipe.from_dict(values) == recipe


def test_slugs_tell_recipes_apart():
    recipes = [Recipe.preset(size=s, seconds=t) for s in (64, 128, None) for t in (1, 2.5, None)]
    overlapping = Recipe.from_dict({**Recipe.preset(size=64).as_dict(), "step": 1.5})
    slugs = [recipe.slug for recipe in [*recipes, overlapping]]
    assert len(set(slugs)) == len(slugs)
    assert Recipe.preset(size=64).slug == "stft-3s_3s_64px"
    assert overlapping.slug == "stft-3s_3s+1.5s_64px"
    assert all("/" not in slug and " " not in slug for slug in slugs)


def test_whole_seconds_as_int_are_the_same_recipe():
    assert Recipe.preset(seconds=3) == Recipe.preset()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"name": "mfcc"}, "there is no recipe 'mfcc'; choose one of"),
        ({"size": 0}, "size 0 is out of reach"),
        ({"size": 513}, "of up to 512 x 512; size 513"),
        ({"seconds": 0.05}, r"windows of at least 0\.085 s"),
        ({"seconds": 0}, "at least"),
        ({"seconds": -3}, "at least"),
    ],
)
def test_impossible_recipes_are_refused(arguments, sentence):
    with pytest.raises(StoreError, match=sentence):
        Recipe.preset(**arguments)


def test_sums_are_not_shared_among_threads(monkeypatch, rng):
    """Two notebooks with different numbers of threads may make the same store."""
    seen = []

    class Watched(np.ndarray):
        def __matmul__(self, other):
            seen.extend(p["num_threads"] for p in threadpool_info() if p["user_api"] == "blas")
            return np.asarray(self) @ np.asarray(other)

    weights = dsp.area_weights
    monkeypatch.setattr(dsp, "area_weights", lambda *sizes: weights(*sizes).view(Watched))
    with threadpool_limits(2, user_api="blas"):
        y = rng.standard_normal(36_000).astype(np.float32)
        spectrograms(y, Recipe.preset(size=64), np.zeros(1))
    assert set(seen) == {1}
