"""Spectrograms compared with librosa's, recipes, and files of log-mels."""

import dataclasses
import importlib
import json
import math
import re
from fractions import Fraction
from pathlib import Path

import librosa
import numpy as np
import pytest
import soundfile
from hypothesis import example, given, settings
from hypothesis import strategies as st
from threadpoolctl import threadpool_info, threadpool_limits

from gtzan_lib.data import audio, logmels
from gtzan_lib.data.corpus import Corpus, ImageCorpus
from gtzan_lib.data.opening import open_corpus
from gtzan_lib.data.tables import COLUMNS, FEATURE_NAMES
from gtzan_lib.data.windows import Window, cut
from gtzan_lib.errors import AudioError, CorpusError, GtzanWarning, OutputError, RecipeError
from gtzan_lib.health.check import check_health
from gtzan_lib.signal import dsp
from gtzan_lib.signal.recipes import PRESETS, Recipe
from gtzan_lib.signal.spectrograms import draw, from_log_mels, spectrograms, write_log_mels

RATE = 12_000
SECONDS = 6


def original_image(window: np.ndarray) -> np.ndarray:
    """Return the image of 36,000 samples at 12 kHz as the original project made it."""
    hop_length = math.ceil(36_000 / 512)
    magnitude = np.abs(librosa.stft(window, n_fft=1024, hop_length=hop_length))
    db = librosa.amplitude_to_db(magnitude, ref=np.max)[:512]
    db = db - db.min()
    if db.max() > 0:
        db = db * (255 / db.max())
    return np.pad(db.astype(np.uint8), ((0, 0), (2, 2)))


def expected_levels(y: np.ndarray, recipe: Recipe, start_s: float = 0.0) -> np.ndarray:
    """Return the grey levels of a window of a sound by librosa, not yet rounded down."""
    if not recipe.columns_per_second:
        first = round(start_s * recipe.sample_rate)
        # Sound shorter than a window is repeated.
        short = len(y) < recipe.samples
        y = np.resize(y, recipe.samples) if short else y[first : first + recipe.samples]
    magnitude = np.abs(librosa.stft(y, n_fft=recipe.n_fft, hop_length=recipe.hop_length))
    power = magnitude**2
    if recipe.n_mels:
        power = mel_filters(recipe.sample_rate, recipe.n_fft, recipe.n_mels) @ power
    if recipe.columns_per_second:
        power = power[:, frames_of_window(len(y), recipe, start_s)]
    db = librosa.power_to_db(power, ref=np.max, top_db=recipe.top_db)[: recipe.rows]
    if recipe.min_max_scaled:
        grey = (db - db.min()) * (255 / max(db.max() - db.min(), 1e-9))
    else:
        grey = (db + recipe.top_db) * (255 / recipe.top_db) if power.max() > 1e-10 else 0 * db
    left = (recipe.columns - grey.shape[1]) // 2
    grey = np.pad(grey, ((0, 0), (left, recipe.columns - grey.shape[1] - left)))
    if recipe.shape != grey.shape:
        grey = averaged(averaged(grey, recipe.height).T, recipe.width).T
    return grey[::-1, ::-1] if recipe.rotated else grey


def mel_filters(sample_rate: int, n_fft: int, n_mels: int) -> np.ndarray:
    return librosa.filters.mel(sr=sample_rate, n_fft=n_fft, n_mels=n_mels)


def frames_of_window(samples: int, recipe: Recipe, start_s: float) -> list[int]:
    """Return the frames of the whole sound that the columns of a window show.

    Column `i` shows the frame at its middle; on the border of two frames the earlier one.
    """
    first = int(start_s * recipe.columns_per_second + 1e-6)
    columns = first + np.arange(recipe.columns)
    if samples < recipe.samples:
        columns %= number_of_columns(samples / recipe.sample_rate)
    # 387.5 columns for 1293 frames.
    return [math.ceil(Fraction(2 * column + 1, 775) * 1293) - 1 for column in columns.tolist()]


def number_of_columns(seconds: float) -> int:
    return max(1, int(seconds * logmels.COLUMNS_PER_SECOND + 0.5))


def averaged(values: np.ndarray, rows: int) -> np.ndarray:
    """Return the means over `rows` parts of equal height, from cumulated sums."""
    sums = np.pad(np.cumsum(values, axis=0, dtype=float), ((1, 0), (0, 0)))
    edges = np.linspace(0, len(values), rows + 1)
    above = np.array([np.interp(edges, np.arange(len(sums)), column) for column in sums.T]).T
    return np.diff(above, axis=0) * rows / len(values)


def worst(image: np.ndarray, expected: np.ndarray) -> float:
    """Return the largest difference of an image from levels that are not yet rounded down."""
    assert image.shape == expected.shape
    return float(np.abs(image - expected.clip(0, 255)).max())


# Images are rounded down; sums in another order differ a little.
ONE = 1.02


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
        assert difference(image, original_image(y[36_000 * number :][:36_000])) <= 1


def test_real_clips_are_within_one_grey_level(real_clips):
    recipe = Recipe.preset()
    for clip in real_clips:
        samples, rate = soundfile.read(clip, dtype="float32", always_2d=True)
        y = librosa.resample(samples.mean(axis=1), orig_sr=rate, target_sr=RATE, res_type="soxr_hq")
        starts = np.arange(int(len(y) // 36_000)) * 3.0
        ours = spectrograms(audio.load(clip, sample_rate=RATE)[0], recipe, starts)
        for image, start in zip(ours, starts, strict=True):
            first = int(start * RATE)
            assert difference(image, original_image(y[first : first + 36_000])) <= 1


def test_geometry_of_the_preset():
    recipe = Recipe.preset("stft-3s")
    assert (recipe.hop_length, recipe.samples, recipe.shape, recipe.n_fft) == (
        71,
        36_000,
        (512, 512),
        1024,
    )


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


def test_windows_are_independent(rng):
    """The image of a window is the same after silence, after noise, and alone."""
    y = rng.normal(size=36_000).astype(np.float32)
    recipe = Recipe.preset(size=64)
    alone = spectrograms(y, recipe, np.array([0.0]))
    for before in (np.zeros(36_000), 30 * rng.normal(size=36_000)):
        track = np.concatenate([before, y]).astype(np.float32)
        np.testing.assert_array_equal(spectrograms(track, recipe, np.array([3.0])), alone)
        np.testing.assert_array_equal(spectrograms(track, recipe, np.array([0.0, 3.0]))[1:], alone)


def test_input_is_not_changed(rng):
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
    # Both are rounded down: the full image before it is averaged, the small one after.
    assert (np.abs(small - blocks) <= 1.01).all()


@given(
    size=st.integers(1, 512),
    seconds=st.floats(0.1, 6.0),
    count=st.integers(1, 3),
    seed=st.integers(0, 9),
)
def test_any_size_and_length(size, seconds, count, seed):
    recipe = Recipe.preset(size=size, seconds=seconds)
    hop_length = recipe.hop_length
    assert hop_length * recipe.columns >= recipe.samples > (hop_length - 1) * recipe.columns
    rng = np.random.default_rng(seed)
    y = rng.normal(size=math.ceil(count * seconds * RATE)).astype(np.float32)
    images = spectrograms(y, recipe, np.arange(count) * seconds)
    assert images.shape == (count, size, size)
    assert images.dtype == np.uint8
    # Noise is bright at every frequency, also at the edges.
    middle = images[:, :, size // 2].astype(int)
    assert middle.min() > 60
    assert np.median(middle) > 120


@given(seconds=st.sampled_from([0.5, 1.0, 2.0, 3.0, 5.0, 10.0]))
def test_full_image_of_any_length_is_in_the_middle(seconds):
    recipe = Recipe.preset(seconds=seconds)
    y = np.random.default_rng(0).normal(size=recipe.samples).astype(np.float32)
    image = spectrograms(y, recipe, np.array([0.0]))[0]
    filled = np.flatnonzero(image.any(axis=0))
    assert len(filled) == min(1 + recipe.samples // recipe.hop_length, 512)
    assert abs(filled[0] - (511 - filled[-1])) <= 1


def test_sound_that_is_one_sample_too_short(rng):
    """Rounding may leave a track one sample short of a window."""
    y = rng.normal(size=36_000).astype(np.float32)
    recipe = Recipe.preset(size=64)
    whole, short = (spectrograms(part, recipe, np.array([0.0])) for part in (y, y[:-1]))
    assert difference(whole, short) <= 1


# --- recipes ------------------------------------------------------------------


@pytest.mark.parametrize("name", PRESETS)
@pytest.mark.parametrize("size", [None, 64])
@pytest.mark.parametrize("seconds", [None, 1, 2.5])
def test_recipe_survives_being_written(name, size, seconds):
    recipe = Recipe.preset(name, size=size, seconds=seconds)
    values = json.loads(json.dumps(recipe.as_dict()))
    assert values["hop_length"] == recipe.hop_length
    assert Recipe.from_dict(values) == recipe


def test_slugs_differ_between_recipes():
    recipes = [Recipe.preset(size=s, seconds=t) for s in (64, 128, None) for t in (1, 2.5, None)]
    overlapping = dataclasses.replace(Recipe.preset(size=64), step=1.5)
    slugs = [recipe.slug for recipe in [*recipes, overlapping]]
    assert len(set(slugs)) == len(slugs)
    assert re.fullmatch(r"stft-3s_3s_64px_[0-9a-f]{6}", Recipe.preset(size=64).slug)
    assert re.fullmatch(r"stft-3s_3s\+1\.5s_64px_[0-9a-f]{6}", overlapping.slug)
    assert all("/" not in slug and " " not in slug for slug in slugs)


@pytest.mark.parametrize("field", [field.name for field in dataclasses.fields(Recipe)])
def test_slug_depends_on_every_field(field):
    """The digest differs where name, length and size do not."""
    recipe = Recipe.preset("mel-3s")
    value = getattr(recipe, field)
    if field == "name":
        changed = dataclasses.replace(recipe, name="mel-30s")
    elif isinstance(value, bool):
        changed = dataclasses.replace(recipe, **{field: not value})
    else:
        changed = dataclasses.replace(recipe, **{field: value + 1})
    assert changed.slug[-6:] != recipe.slug[-6:]
    assert Recipe.from_dict(json.loads(json.dumps(recipe.as_dict()))).slug == recipe.slug


@pytest.mark.parametrize(
    ("name", "changes", "shape"),
    [
        ("mel-3s", {"n_mels": 64}, (64, 130)),
        ("mel-3s", {"n_mels": 64, "hop_length": 256}, (64, 259)),
        ("mel-3s", {"sample_rate": 16_000, "n_fft": 1024}, (128, 94)),
        ("mel-3s", {"top_db": 60.0}, (128, 130)),
        ("stft-3s", {"n_fft": 512}, (256, 512)),
        ("stft-3s", {"n_mels": 40}, (40, 512)),
        ("stft-3s", {"hop_length": 120}, (512, 512)),
        ("mel-gtzan-store", {"n_mels": 64, "seconds": 3}, (64, 39)),
        ("mel-gtzan-store", {"top_db": 40.0, "seconds": 3, "size": 20}, (20, 20)),
    ],
)
def test_presets_with_changed_fields(rng, name, changes, shape):
    recipe = Recipe.preset(name, **changes)
    assert recipe.shape == shape
    fields = {field: value for field, value in changes.items() if field != "size"}
    assert {field: getattr(recipe, field) for field in fields} == fields
    y = rng.normal(scale=0.1, size=recipe.samples + 5000).astype(np.float32)
    # A quiet half, so that images have levels below `top_db`.
    y[recipe.samples // 2 :] *= np.float32(1e-3)
    (image,) = spectrograms(y, recipe, np.array([0.1]))
    assert worst(image, expected_levels(y, recipe, 0.1)) <= ONE


def test_none_is_the_value_of_the_preset():
    changes = dict.fromkeys(["size", "seconds", "step", "n_mels", "n_fft", "hop_length", "top_db"])
    for name in PRESETS:
        assert Recipe.preset(name, sample_rate=None, **changes) == Recipe.preset(name)


def test_whole_seconds_as_int_are_the_same_recipe():
    assert Recipe.preset(seconds=3) == Recipe.preset()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"name": "mfcc"}, "there is no recipe 'mfcc'; choose one of"),
        ({"size": 0}, "makes images of 1 to 4096 pixels a side, not of 0 x 0"),
        ({"size": (64, 0)}, "not of 64 x 0"),
        ({"size": 4097}, "not of 4097 x 4097; choose another size"),
        ({"seconds": 0.05}, r"windows of at least 0\.085 s"),
        ({"name": "mel-3s", "seconds": 0.05}, r"windows of at least 0\.093 s"),
        ({"seconds": 0}, "cannot have windows of 0 s; give a length above zero"),
        ({"seconds": -3}, "windows of -3 s"),
        ({"seconds": float("nan")}, "windows of nan s"),
        ({"seconds": float("inf")}, "windows of inf s"),
        ({"step": 0}, "a step above zero"),
        ({"step": float("nan")}, "a step above zero"),
        ({"n_mel": 64}, "'stft-3s' cannot be made with 'n_mel'; change size, seconds, step"),
        ({"rotated": True}, r"cannot be made with 'rotated'; .*sample_rate, n_fft, hop_length"),
    ],
)
def test_impossible_recipes_are_refused(arguments, sentence):
    with pytest.raises(RecipeError, match=sentence):
        Recipe.preset(**arguments)


def test_sums_are_not_shared_among_threads(monkeypatch, rng):
    """A store is the same for any number of threads."""
    n_threads = []

    class Recorded(np.ndarray):
        def __matmul__(self, other):
            pools = threadpool_info()
            n_threads.extend(p["num_threads"] for p in pools if p["user_api"] == "blas")
            return np.asarray(self) @ np.asarray(other)

    # Without the cache, which holds other arrays.
    module = importlib.import_module("gtzan_lib.signal.spectrograms")
    monkeypatch.setattr(module, "_area", lambda *sizes: dsp.area_weights(*sizes).view(Recorded))
    with threadpool_limits(2, user_api="blas"):
        y = rng.standard_normal(36_000).astype(np.float32)
        spectrograms(y, Recipe.preset(size=64), np.zeros(1))
    assert set(n_threads) == {1}


# --- every recipe -------------------------------------------------------------

FULL = {
    "stft-3s": (512, 512),
    "stft-10s-legacy": (480, 640),
    "mel-3s": (128, 130),
    "mel-30s": (128, 1292),
    "mel-gtzan-store": (128, 387),
}
SECONDS_OF = {
    "stft-3s": 3.0, "stft-10s-legacy": 10.0, "mel-3s": 3.0, "mel-30s": 30.0,
    "mel-gtzan-store": 30.0,
}  # fmt: skip


def test_recipes_are_the_five():
    assert set(PRESETS) == set(FULL)
    recipes = {name: Recipe.preset(name) for name in PRESETS}
    assert {name: recipe.shape for name, recipe in recipes.items()} == FULL
    assert {name: recipe.seconds for name, recipe in recipes.items()} == SECONDS_OF
    assert {name: recipe.hop_length for name, recipe in recipes.items()} == {
        **dict.fromkeys(FULL, 512), "stft-3s": 71,
    }  # fmt: skip
    assert {name: recipe.step for name, recipe in recipes.items()} == {
        **SECONDS_OF, "stft-10s-legacy": 5.0,
    }  # fmt: skip
    assert {name: recipe.sample_rate for name, recipe in recipes.items()} == {
        **dict.fromkeys(FULL, 22_050), "stft-3s": 12_000,
    }  # fmt: skip
    assert {name: recipe.n_mels for name, recipe in recipes.items()} == {
        **dict.fromkeys(FULL, 128), "stft-3s": 0, "stft-10s-legacy": 0,
    }  # fmt: skip
    assert {name for name, recipe in recipes.items() if recipe.columns_per_second} == {
        "mel-gtzan-store"
    }


@pytest.mark.parametrize("size", [None, 64, (40, 90)])
@pytest.mark.parametrize("name", FULL)
def test_synthetic_sounds_are_within_one_grey_level(rng, name, size):
    recipe = Recipe.preset(name, size=size)
    signals = ["chirp", "drums", "faint noise", "half silent"]
    for signal in signals if recipe.seconds < 30 else signals[:2]:
        # Two windows, so that neither is scaled by the other.
        time = np.arange(recipe.samples + 1000) / recipe.sample_rate
        y = SIGNALS[signal](rng, time).astype(np.float32)
        starts = np.array([0.0, 1000 / recipe.sample_rate])
        for image, start in zip(spectrograms(y, recipe, starts), starts, strict=True):
            assert worst(image, expected_levels(y, recipe, start)) <= ONE


@pytest.mark.parametrize("name", FULL)
def test_real_clips_by_every_recipe(real_clips, name):
    recipe = Recipe.preset(name)
    sample_rate = recipe.sample_rate
    for clip in real_clips:
        y, own = soundfile.read(clip, dtype="float32", always_2d=True)
        y = librosa.resample(y.mean(axis=1), orig_sr=own, target_sr=sample_rate, res_type="soxr_hq")
        starts = recipe.grid.starts(len(y) / sample_rate)[[0, -1]]
        images = spectrograms(audio.load(clip, sample_rate=sample_rate)[0], recipe, starts)
        for image, start in zip(images, starts, strict=True):
            assert worst(image, expected_levels(y, recipe, start)) <= ONE


@given(
    name=st.sampled_from(sorted(FULL)),
    size=st.one_of(
        st.none(), st.integers(1, 200), st.tuples(st.integers(1, 200), st.integers(1, 200))
    ),
    tenths=st.integers(2, 60),
    seed=st.integers(0, 9),
)
def test_any_recipe_size_and_length(name, size, tenths, seed):
    seconds = tenths / 10
    recipe = Recipe.preset(name, size=size, seconds=seconds)
    assert recipe.samples == round(seconds * recipe.sample_rate)
    y = np.random.default_rng(seed).normal(scale=0.1, size=recipe.samples).astype(np.float32)
    (image,) = spectrograms(y, recipe, np.zeros(1))
    assert image.dtype == np.uint8
    if size is not None:
        assert image.shape == ((size, size) if isinstance(size, int) else size)
    assert image.shape == recipe.shape
    assert worst(image, expected_levels(y, recipe)) <= ONE
    assert Recipe.from_dict(recipe.as_dict()) == recipe


@pytest.mark.parametrize("size", [None, (20, 30)])
@pytest.mark.parametrize("name", FULL)
@pytest.mark.parametrize("share", [0.2, 0.5, 0.9, 0.999])
def test_sound_shorter_than_a_window_is_repeated(rng, name, size, share):
    recipe = Recipe.preset(name, size=size)
    y = rng.normal(scale=0.1, size=round(share * recipe.samples)).astype(np.float32)
    # Beginning and end differ, so that the place where they meet is seen.
    y *= np.linspace(0.01, 1, len(y), dtype=np.float32)
    (image,) = spectrograms(y, recipe, np.zeros(1))
    assert worst(image, expected_levels(y, recipe)) <= ONE


@settings(max_examples=30)
@given(
    length_s=st.floats(1, 45),
    seconds=st.sampled_from([0.5, 1.0, 2.5, 3.0, 10.0, 30.0, 40.0]),
    share=st.floats(0, 1),
)
@example(length_s=41.0, seconds=40.0, share=0.0)
@example(length_s=41.0, seconds=40.0, share=1.0)
@example(length_s=29.93, seconds=30.0, share=0.0)
def test_columns_are_frames_of_the_whole_sound(length_s, seconds, share):
    """At a fixed number of columns a second, wherever a window begins."""
    recipe = Recipe.preset("mel-gtzan-store", seconds=seconds)
    y = np.random.default_rng(0).normal(size=round(length_s * 22_050)).astype(np.float32)
    y *= np.exp(np.linspace(-3, 3, len(y), dtype=np.float32))
    start = max(0.0, share * (len(y) / 22_050 - seconds))
    (image,) = spectrograms(y, recipe, np.array([start]))
    assert worst(image, expected_levels(y, recipe, start)) <= ONE


@pytest.mark.parametrize("name", FULL)
def test_one_window_with_its_context_is_enough(rng, name):
    """`draw` gives the same bytes as `spectrograms` of the whole sound."""
    recipe = Recipe.preset(name, seconds=2, size=(40, 50))
    before, after = recipe.context
    assert (before, after) == (0, 0) or name == "mel-gtzan-store"
    for seconds in (1.3, 2.0, 7.0):
        y = rng.normal(size=round(seconds * recipe.sample_rate)).astype(np.float32)
        starts = np.append(recipe.grid.starts(seconds), 0.77 * max(0, seconds - 2))
        for image, start in zip(spectrograms(y, recipe, starts), starts.tolist(), strict=True):
            samples = min(recipe.samples, len(y))
            first = round(start * recipe.sample_rate)
            window = cut(y, first, samples, before=before, after=after)
            drawn = draw([Window(float(start), window)], recipe)
            np.testing.assert_array_equal(drawn, image[None])


@pytest.mark.parametrize("size", [None, 64, (7, 300)])
@pytest.mark.parametrize("name", FULL)
def test_silence_is_black_in_every_recipe(name, size):
    for seconds in (None, 1.0):
        recipe = Recipe.preset(name, size=size, seconds=seconds)
        y = np.zeros(recipe.samples + recipe.sample_rate, dtype=np.float32)
        assert not spectrograms(y, recipe, np.zeros(1)).any()
        # Below the least power.
        y[:] = 1e-9
        assert not spectrograms(y, recipe, np.zeros(1)).any()


def test_windows_of_a_silent_clip_are_black():
    recipe = Recipe.preset("mel-gtzan-store", seconds=3)
    y = np.zeros(661_500, dtype=np.float32)
    assert not spectrograms(y, recipe, np.arange(10) * 3.0).any()


def test_legacy_is_rotated_by_180_degrees(rng):
    recipe = Recipe.preset("stft-10s-legacy")
    upright = dataclasses.replace(recipe, rotated=False)
    for size in (recipe.shape, (64, 64), (recipe.rows, recipe.columns)):
        height, width = size
        rotated, straight = (
            dataclasses.replace(each, height=height, width=width) for each in (recipe, upright)
        )
        y = rng.normal(size=recipe.samples).astype(np.float32)
        np.testing.assert_array_equal(
            spectrograms(y, rotated, np.zeros(1))[0],
            np.rot90(spectrograms(y, straight, np.zeros(1))[0], 2),
        )


def test_legacy_has_its_beginning_at_the_right_and_low_tones_below():
    y = np.zeros(220_500, dtype=np.float32)
    y[22_050 : 2 * 22_050] = np.sin(2 * np.pi * 440 * np.arange(22_050) / 22_050)
    (image,) = spectrograms(y, Recipe.preset("stft-10s-legacy"), np.zeros(1))
    row, column = np.unravel_index(image.argmax(), image.shape)
    assert 479 - row == pytest.approx(480 * 440 / 11_025, abs=1)
    assert 0.8 * 640 < column < 0.9 * 640


def test_mel_levels_are_decibels_below_the_windows_maximum():
    """A tone, and another in another band, 40 dB below it."""
    time = np.arange(66_150) / 22_050
    y = np.sin(2 * np.pi * 1000 * time) + 0.01 * np.sin(2 * np.pi * 6000 * time)
    recipe = Recipe.preset("mel-3s")
    (image,) = spectrograms(y.astype(np.float32), recipe, np.zeros(1))
    low, high = np.split(image[:, 20:110], [80])
    assert low.max() in (254, 255)
    weights = librosa.filters.mel(sr=22_050, n_fft=2048, n_mels=128)
    response = [weights[:, round(hz * 2048 / 22_050)].max() for hz in (1000, 6000)]
    expected = 255 * (1 - (40 + 10 * np.log10(response[0] / response[1])) / 80)
    assert high.max() == pytest.approx(expected, abs=4)


@pytest.mark.parametrize("name", ["mel-30s", "mel-gtzan-store"])
@pytest.mark.parametrize("seconds", [29.5, 29.93, 30.0, 30.2, 30.5])
def test_clips_of_about_half_a_minute_are_one_window(rng, seconds, name):
    """Shorter clips begin again at the end of the image; of longer ones 30 s are seen."""
    recipe = Recipe.preset(name)
    assert recipe.grid.starts(seconds).tolist() == [0]
    quiet = np.full(round(seconds * 22_050), 1e-3, dtype=np.float32)
    quiet *= rng.normal(size=len(quiet)).astype(np.float32)
    for loud_part in (slice(None, 4000), slice(-4000, None)):
        y = quiet.copy()
        y[loud_part] *= 1000
        (image,) = spectrograms(y, recipe, np.zeros(1))
        assert image.shape == FULL[name]
        assert worst(image, expected_levels(y, recipe)) <= ONE
        brightness = image.mean(axis=0)
        # Columns of the quiet part; those of the last half second are treated below.
        middle = brightness[image.shape[1] // 30 : -image.shape[1] // 30]
        if seconds == 29.5:
            middle = middle[: -image.shape[1] // 30]
        at_start = brightness[0] > 1.4 * middle.max()
        at_end = brightness[-image.shape[1] // 30 :].max() > 1.4 * middle.max()
        if loud_part.start is None:
            assert at_start
            assert at_end == (seconds <= 29.95)
        else:
            assert not at_start
            assert at_end == (seconds <= 30)


def test_grid_of_a_recipe():
    recipe = Recipe.preset("mel-30s", seconds=3)
    np.testing.assert_allclose(recipe.grid.starts(29.93), [*range(0, 27, 3), 26.93])
    assert Recipe.preset("mel-30s").grid.starts(29.4).tolist() == [0]
    assert Recipe.preset("stft-10s-legacy").grid.starts(20).tolist() == [0, 5, 10]


def test_step_defaults_to_the_length_that_is_given():
    assert Recipe.preset("stft-10s-legacy", seconds=4).step == 4
    assert Recipe.preset("stft-10s-legacy", seconds=4, step=2).step == 2
    assert Recipe.preset("stft-3s", step=1.5).slug.startswith("stft-3s_3s+1.5s_512px_")


def test_slug_has_height_and_width_of_a_rectangle():
    assert Recipe.preset("mel-3s").slug.startswith("mel-3s_3s_128x130px_")
    assert Recipe.preset("stft-10s-legacy").slug.startswith("stft-10s-legacy_10s+5s_480x640px_")
    assert Recipe.preset("mel-3s", size=64).slug.startswith("mel-3s_3s_64px_")


# --- the shared file of log-mels ----------------------------------------------


@pytest.fixture(scope="module")
def shared(gtzan_root):
    """Id, audio and grey image of clips: number 0 of every genre, and all of disco."""
    file, folder = gtzan_root / "mel" / "gtzan_logmel_999.npz", gtzan_root / "mini"
    if not file.is_file() or not folder.is_dir():
        pytest.skip(f"{gtzan_root} holds no log-mels, or not the clips to compare them with")
    names, images, _ = logmels.read(file)
    corpus = open_corpus(folder)
    # Three clips of disco have frames on the border of two columns.
    return [
        (name, corpus.load(name, sample_rate=22_050)[0], image)
        for name, image in zip(names, images, strict=True)
        if name in corpus.tracks.index and (name.endswith("00000") or name.startswith("disco"))
    ]


def shared_levels(y: np.ndarray) -> np.ndarray:
    """Return the grey levels of a clip by the rule of the shared file, not yet rounded down.

    Decibels below the clip's maximum, at most 80, min-max scaled; column `i` of 387 shows
    frame `ceil((i + 1/2) * frames / 387.5) - 1`.
    """
    weights = dsp.mel_weights(sample_rate=22_050, n_fft=2048, n_mels=128)
    mel = dsp.stft_power(y, n_fft=2048, hop_length=512) @ weights.T
    db = 10 * np.log10(np.maximum(mel, 1e-10))
    db = np.maximum(db, db.max() - 80)
    grey = (db - db.min()) * (255 / (db.max() - db.min()))
    middles = [Fraction(2 * i + 1, 2) * len(grey) / Fraction(775, 2) for i in range(387)]
    return grey[[math.ceil(middle) - 1 for middle in middles]].T


def test_rule_of_the_shared_file(shared):
    differences = {name: worst(image, shared_levels(y)) for name, y, image in shared}
    assert {name for name, most in differences.items() if most > 1} == set()
    # The columns of this package's own files are those of clips of 1293 frames.
    long = [len(y) // 512 + 1 for _, y, _ in shared]
    assert max(set(long), key=long.count) == 1293
    assert pytest.approx(387.5 / (1293 * 512 / 22_050)) == logmels.COLUMNS_PER_SECOND


def test_whole_clips_of_1293_frames_resemble_those_of_the_shared_file(shared):
    """Only the scale differs where the 30 ms after the window hold the clip's extremes."""
    recipe = Recipe.preset("mel-gtzan-store")
    clips = [(y, image) for _, y, image in shared if len(y) // 512 + 1 == 1293]
    images = [(spectrograms(y, recipe, np.zeros(1))[0], image) for y, image in clips]
    assert min(np.corrcoef(a.ravel(), b.ravel())[0, 1] for a, b in images) > 0.999
    assert np.median([difference(a, b) for a, b in images]) <= 8


@pytest.mark.parametrize("size", [None, 64])
@pytest.mark.parametrize("seconds", [3.0, 10.0])
def test_windows_of_grey_images(shared, seconds, size):
    """Each is scaled anew, from the columns where it begins."""
    recipe = Recipe.preset("mel-gtzan-store", seconds=seconds, size=size)
    for _, y, image in shared[:6]:
        duration_s = len(y) / 22_050
        starts = recipe.grid.starts(duration_s)
        windows = from_log_mels(image, recipe, starts, duration_s=duration_s)
        assert windows.shape == (len(starts), *recipe.shape)
        levels = shared_levels(y)
        for window, start in zip(windows, starts, strict=True):
            first = min(int(start * 387 / duration_s + 1e-6), 387 - recipe.columns)
            part = levels[:, first : first + recipe.columns]
            part = (part - part.min()) * (255 / (part.max() - part.min()))
            if size:
                part = averaged(averaged(part, size).T, size).T
            # A difference of one in the clip is scaled with its window.
            assert worst(window, part) <= 4


@pytest.mark.parametrize("seconds", [3.0, 10.0])
def test_windows_of_grey_images_resemble_those_of_the_sound(shared, seconds):
    """A grey image has 80 dB below the clip's maximum, not below the window's."""
    recipe = Recipe.preset("mel-gtzan-store", seconds=seconds)
    correlations = []
    for _, y, image in shared[:6]:
        duration_s = len(y) / 22_050
        starts = recipe.grid.starts(duration_s)
        from_sound = spectrograms(y, recipe, starts)
        from_image = from_log_mels(image, recipe, starts, duration_s=duration_s)
        correlations += [
            np.corrcoef(a.ravel(), b.ravel())[0, 1]
            for a, b in zip(from_sound, from_image, strict=True)
        ]
    assert np.median(correlations) > 0.9


@given(
    seconds=st.integers(1, 320).map(lambda tenths: tenths / 10),
    duration_s=st.floats(29.5, 30.5),
    size=st.sampled_from([None, 8, 50]),
)
def test_grey_images_are_cut_where_windows_begin(seconds, duration_s, size):
    """The level of each column is half its number."""
    x = np.tile((np.arange(387) // 2).astype(np.uint8), (128, 1))
    recipe = Recipe.preset("mel-gtzan-store", seconds=seconds)
    starts = recipe.grid.starts(duration_s)
    assert recipe.columns == pytest.approx(seconds * 12.9, abs=1)
    narrow = dataclasses.replace(recipe, width=1)
    assert from_log_mels(x, narrow, starts, duration_s=duration_s).shape[2] == 1
    images = from_log_mels(x, recipe, starts, duration_s=duration_s)
    assert images.shape == (len(starts), 128, recipe.columns)
    for image, start in zip(images, starts, strict=True):
        first = max(0, min(int(start * 387 / duration_s + 1e-6), 387 - recipe.columns))
        part = x[:, (first + np.arange(recipe.columns)) % 387].astype(float)
        span = part.max() - part.min()
        expected = (part - part.min()) * (255 / span) if span else 0 * part
        # Rounding may move the beginning by a column.
        assert np.abs(image - expected).max() <= (ONE if span == 0 else 255 / span + ONE)
    if size:
        small = dataclasses.replace(recipe, height=size, width=size)
        smaller = from_log_mels(x, small, starts, duration_s=duration_s)
        for image, window in zip(smaller, images, strict=True):
            assert worst(image, averaged(averaged(window, size).T, size).T) <= 1 + ONE


def test_whole_grey_image_is_not_changed(rng):
    """Its scale is the widest already."""
    x = rng.integers(0, 256, (128, 387), dtype=np.uint8)
    x[0, :2] = 0, 255
    before = x.copy()
    recipe = Recipe.preset("mel-gtzan-store")
    (image,) = from_log_mels(x, recipe, np.zeros(1), duration_s=30.0133)
    assert difference(image, x) <= 1
    np.testing.assert_array_equal(x, before)


# --- files of log-mels --------------------------------------------------------

LENGTHS = (0.5, 1.0, 2.2, 2.99, 3.0, 4.6, 12.03, 31.0)


def write_corpus(folder: Path, rate: int = 22_050) -> Corpus:
    """Return a corpus of noise of different lengths, with beats."""
    (folder / "music" / "jazz").mkdir(parents=True)
    for number, seconds in enumerate(LENGTHS):
        rng = np.random.default_rng(number)
        y = 0.1 * rng.normal(size=round(seconds * rate))
        y *= 0.02 + np.abs(np.sin(np.arange(len(y)) * (3 + number) / rate))
        soundfile.write(folder / "music" / "jazz" / f"jazz.{number:05d}.wav", y, rate)
    return open_corpus(folder / "music")


@pytest.mark.parametrize("n_mels", [128, 64])
@pytest.mark.parametrize("rate", [22_050, 16_000])
def test_images_of_log_mels_are_those_of_the_sound(tmp_path, rate, n_mels):
    """Bit for bit, for windows of any length and size."""
    corpus = write_corpus(tmp_path, rate)
    recipe = Recipe.preset("mel-gtzan-store", n_mels=n_mels)
    file = write_log_mels(corpus, tmp_path / "mel.npz", recipe, progress=False)
    for track_id, levels in zip(corpus.tracks.index, open_corpus(file).log_mels(), strict=True):
        y, _ = corpus.load(track_id, sample_rate=22_050)
        before, duration_s = levels.copy(), corpus.tracks.at[track_id, "duration_s"]
        for changes in (
            {"seconds": 1.0}, {"seconds": 3.0, "step": 0.7}, {"seconds": 2.5, "size": 16},
            {"seconds": 12.0, "step": 5.0, "size": (20, 30)}, {"seconds": 30.0},
            {"seconds": 40.0, "top_db": 30.0},
        ):  # fmt: skip
            recipe = Recipe.preset("mel-gtzan-store", n_mels=n_mels, **changes)
            starts = recipe.grid.starts(duration_s)
            images = from_log_mels(levels, recipe, starts, duration_s=duration_s)
            np.testing.assert_array_equal(images, spectrograms(y, recipe, starts))
        np.testing.assert_array_equal(levels, before)


def test_written_log_mels_are_the_logarithm_of_the_power(tmp_path):
    corpus = write_corpus(tmp_path)
    recipe = Recipe.preset("mel-gtzan-store")
    path = tmp_path / "new" / "mel.npz"
    assert write_log_mels(corpus, path, recipe, progress=False) == path
    names, images, durations_s = logmels.read(path)
    assert names.tolist() == corpus.tracks.index.tolist()
    np.testing.assert_array_equal(durations_s, corpus.tracks["duration_s"])
    weights = mel_filters(22_050, 2048, 128)
    for name, levels, duration_s in zip(names, images, durations_s, strict=True):
        assert levels.dtype == np.float32
        assert levels.shape == (128, number_of_columns(duration_s))
        y, _ = corpus.load(name, sample_rate=22_050)
        power = weights @ np.abs(librosa.stft(y, n_fft=2048, hop_length=512)) ** 2
        whole = dataclasses.replace(recipe, columns=levels.shape[1], seconds=0.1, step=0.1)
        power = power[:, frames_of_window(len(y), whole, 0.0)]
        np.testing.assert_allclose(levels, np.log(np.maximum(power, 1e-10)), atol=1e-3)


def test_written_log_mels_open_as_a_corpus(tmp_path):
    """Of tracks of different lengths, which are not rounded to columns."""
    corpus = write_corpus(tmp_path)
    file = write_log_mels(
        corpus, tmp_path / "mel.npz", Recipe.preset("mel-gtzan-store", seconds=3), progress=False
    )
    opened = open_corpus(file)
    assert isinstance(opened, ImageCorpus)
    assert opened.tracks.index.tolist() == corpus.tracks.index.tolist()
    assert opened.tracks["genre"].tolist() == ["jazz"] * len(LENGTHS)
    np.testing.assert_array_equal(opened.tracks["duration_s"], corpus.tracks["duration_s"])
    widths = [image.shape[1] for image in opened.log_mels()]
    assert widths == [number_of_columns(seconds) for seconds in LENGTHS]
    selected = opened.select(tracks=["jazz.00007", "jazz.00002"])
    assert sorted(image.shape[1] for image in selected.log_mels()) == sorted([widths[7], widths[2]])
    # The length of a window and the size of images do not change the file.
    other = write_log_mels(
        corpus, tmp_path / "b.npz", Recipe.preset("mel-gtzan-store", size=8), progress=False
    )
    assert other.read_bytes() == file.read_bytes()


def test_silence_in_log_mels_is_black(tmp_path):
    (tmp_path / "music" / "jazz").mkdir(parents=True)
    soundfile.write(tmp_path / "music" / "jazz" / "jazz.00000.wav", np.zeros(70_000), 22_050)
    recipe = Recipe.preset("mel-gtzan-store", seconds=3)
    file = write_log_mels(
        open_corpus(tmp_path / "music"), tmp_path / "mel.npz", recipe, progress=False
    )
    (levels,) = open_corpus(file).log_mels()
    np.testing.assert_array_equal(levels, np.log(np.float32(1e-10)))
    assert not from_log_mels(levels, recipe, np.zeros(1), duration_s=70_000 / 22_050).any()


def test_health_check_of_written_log_mels_finds_copies(tmp_path):
    """One at another level, and one of another length and genre."""
    rng = np.random.default_rng(0)
    sounds = {}
    for number in range(6):
        beats = np.repeat(rng.uniform(0.05, 1, 200), 22_050 // 8)[: 20 * 22_050]
        sounds["jazz", number] = 0.1 * beats * rng.normal(size=len(beats))
    sounds["jazz", 6] = 0.5 * sounds["jazz", 2]
    sounds["rock", 0] = sounds["jazz", 4][: 17 * 22_050]
    for (genre, number), y in sounds.items():
        (tmp_path / "music" / genre).mkdir(parents=True, exist_ok=True)
        soundfile.write(tmp_path / "music" / genre / f"{genre}.{number:05d}.wav", y, 22_050)
    file = write_log_mels(
        open_corpus(tmp_path / "music"), tmp_path / "mel.npz", Recipe.preset("mel-gtzan-store"),
        progress=False,
    )  # fmt: skip
    report = check_health(file, progress=False)
    assert sorted(map(set, report.duplicates[["a", "b"]].to_numpy().tolist()), key=sorted) == [
        {"jazz.00002", "jazz.00006"}, {"jazz.00004", "rock.00000"},
    ]  # fmt: skip
    mislabelled = report.faults[report.faults["fault"] == "mislabelled"]
    assert sorted(mislabelled["track_id"]) == ["jazz.00004", "rock.00000"]


@pytest.mark.parametrize("name", sorted(set(PRESETS) - {"mel-gtzan-store"}))
def test_log_mels_need_columns_per_second(small_folder, tmp_path, name):
    with pytest.raises(RecipeError, match=f"'{name}' cannot be written as log-mels; choose one"):
        write_log_mels(open_corpus(small_folder), tmp_path / "mel.npz", Recipe.preset(name))
    assert not (tmp_path / "mel.npz").exists()


@pytest.mark.parametrize("kind", ["log-mels", "table"])
def test_log_mels_need_sound(tmp_path, kind):
    if kind == "table":
        file = tmp_path / "t.csv"
        features = ",".join(["0.5"] * len(FEATURE_NAMES))
        file.write_text(",".join(COLUMNS) + f"\njazz.00000.wav,661794,{features},jazz\n")
    else:
        file = tmp_path / "mel.npz"
        np.savez(file, X=np.zeros((1, 128, 387), np.uint8), names=["jazz.00000"])
    corpus, recipe = open_corpus(file), Recipe.preset("mel-gtzan-store")
    with pytest.raises(CorpusError, match=f"{file.name}: is .*{kind}.*, which holds no sound"):
        write_log_mels(corpus, tmp_path / "new.npz", recipe)
    assert not (tmp_path / "new.npz").exists()


def test_log_mels_of_files_that_cannot_be_decoded(music_folder, tmp_path):
    """What is known to be unreadable is left out; no part of a file is written."""
    folder = music_folder(layout=".", seconds=5.0, tracks=3, genres=["jazz"], ending=".flac")
    (folder / "jazz" / "jazz.00000.flac").write_bytes(b"not audio")
    with pytest.warns(UserWarning, match="cannot be read"):
        corpus = open_corpus(folder)
    recipe = Recipe.preset("mel-gtzan-store")
    file = write_log_mels(corpus, tmp_path / "out" / "mel.npz", recipe, progress=False)
    assert logmels.read(file).names.tolist() == ["jazz.00001", "jazz.00002"]
    before = file.read_bytes()
    broken = folder / "jazz" / "jazz.00001.flac"
    broken.write_bytes(broken.read_bytes()[: broken.stat().st_size // 2])
    with pytest.raises(AudioError, match=r"jazz\.00001\.flac: cannot be decoded"):
        write_log_mels(corpus, file, recipe, progress=False)
    assert [path.name for path in file.parent.iterdir()] == ["mel.npz"]
    assert file.read_bytes() == before


@pytest.mark.parametrize(
    "changes",
    [
        {"hop_length": 0}, {"sample_rate": 0}, {"n_fft": 1.5}, {"top_db": -1}, {"n_mels": -3},
        {"top_db": np.nan},
    ],
)  # fmt: skip
@pytest.mark.parametrize("name", ["stft-3s", "mel-3s", "mel-gtzan-store"])
def test_impossible_fields_are_refused(name, changes):
    with pytest.raises(RecipeError, match=rf"recipe '{name}' (needs|cannot)"):
        Recipe.preset(name, **changes)


def test_columns_per_second_need_mel_bands():
    with pytest.raises(RecipeError, match="and mel bands for columns per second"):
        Recipe.preset("mel-gtzan-store", n_mels=0)


def test_what_cannot_be_written_as_log_mels(music_folder, tmp_path):
    corpus = open_corpus(music_folder(seconds=2.0, tracks=1))
    recipe = Recipe.preset("mel-gtzan-store")
    with pytest.raises(CorpusError, match=r"must end with \.npz"):
        write_log_mels(corpus, tmp_path / "x.bin", recipe)
    with pytest.raises(RecipeError, match="a multiple of 32 mel bands"):
        write_log_mels(corpus, tmp_path / "x.npz", Recipe.preset("mel-gtzan-store", n_mels=40))
    (tmp_path / "folder.npz").mkdir()
    with pytest.raises(OutputError, match=r"folder\.npz: is a folder"):
        write_log_mels(corpus, tmp_path / "folder.npz", recipe)
    for path in corpus.tracks["path"]:
        Path(path).write_bytes(b"")
    with pytest.warns(GtzanWarning, match="2 of 2 tracks cannot be read"):
        unreadable = open_corpus(corpus.root)
    with pytest.raises(CorpusError, match="no track can be read"):
        write_log_mels(unreadable, tmp_path / "x.npz", recipe)


@pytest.mark.parametrize("value", [np.nan, np.inf, -1e30])
def test_no_image_is_made_of_invalid_samples(rng, value):
    recipe = Recipe.preset("mel-3s")
    y = rng.uniform(-0.5, 0.5, 7 * recipe.sample_rate).astype(np.float32)
    y[5 * recipe.sample_rate] = value
    assert spectrograms(y, recipe, np.array([0.0])).any()
    with pytest.raises(AudioError, match=r"the window at 3\.00 s has samples that are not finite"):
        spectrograms(y, recipe, np.array([0.0, 3.0]))


def test_no_log_mels_are_written_of_invalid_samples(tmp_path):
    (tmp_path / "music" / "jazz").mkdir(parents=True)
    file = tmp_path / "music" / "jazz" / "a.wav"
    soundfile.write(file, np.full(70_000, np.inf), 22_050, subtype="FLOAT")
    recipe = Recipe.preset("mel-gtzan-store")
    with pytest.raises(AudioError, match=r"a\.wav: has samples that are not finite numbers"):
        write_log_mels(open_corpus(tmp_path / "music"), tmp_path / "a.npz", recipe)
    assert not (tmp_path / "a.npz").exists()
