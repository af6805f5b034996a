"""Images of windows, against the reference that librosa computes."""

import dataclasses
import math
from fractions import Fraction

import librosa
import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st
from threadpoolctl import threadpool_info, threadpool_limits

from gtzan_lib.data import audio, logmels
from gtzan_lib.data.corpus import open_corpus
from gtzan_lib.errors import StoreError
from gtzan_lib.signal import dsp
from gtzan_lib.signal import spectrograms as module
from gtzan_lib.signal.recipes import PRESETS, Recipe
from gtzan_lib.signal.spectrograms import from_log_mels, spectrograms

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


def picture(window: np.ndarray, name: str, shape: tuple[int, int] | None = None) -> np.ndarray:
    """A window as a recipe of this name should draw it, not yet cut off after the point."""
    if name == "stft-3s":
        hop = max(1, math.ceil(len(window) / 512))
        db = librosa.amplitude_to_db(
            np.abs(librosa.stft(window, n_fft=1024, hop_length=hop)), ref=np.max
        )[:-1]
    elif name == "stft-10s-legacy":
        magnitude = np.abs(librosa.stft(window, n_fft=2048, hop_length=512))
        db = librosa.amplitude_to_db(magnitude, ref=np.max)[:-1]
    else:
        mel = librosa.feature.melspectrogram(
            y=window, sr=22_050, n_fft=2048, hop_length=512, n_mels=128
        )
        if name == "mel-gtzan-store" and len(window) < 29.5 * 22_050:
            # Frames that reach beyond a window are no part of its picture.
            mel = mel[:, 2:-2]
        db = librosa.power_to_db(mel, ref=np.max, top_db=80)
    if name in ("mel-3s", "mel-30s"):
        grey = (db + 80) * (255 / 80) if mel.max() > 1e-10 else 0 * db
    else:
        grey = (db - db.min()) * (255 / max(db.max() - db.min(), 1e-9))
    seconds = len(window) / 22_050
    if name == "mel-30s" and abs(seconds - 30) <= 0.5:
        grey = grey[:, np.arange(1292) * grey.shape[1] // 1292]
    if name == "mel-gtzan-store":
        clip = abs(seconds - 30) <= 0.5
        drawn, columns = (387.5, 387) if clip else (seconds * 387.5 / 30, int(seconds * 12.9 + 0.5))
        at = (np.arange(columns) + 0.5) * grey.shape[1] / drawn
        # On the border of two frames it is the earlier one.
        grey = grey[:, np.ceil(at).astype(int) - 1]
    if name == "stft-3s":
        left = (512 - grey.shape[1]) // 2
        grey = np.pad(grey, ((0, 0), (left, 512 - grey.shape[1] - left)))
    if shape is not None:
        grey = averaged(averaged(grey, shape[0]).T, shape[1]).T
    return grey[::-1, ::-1] if name == "stft-10s-legacy" else grey


def averaged(values: np.ndarray, rows: int) -> np.ndarray:
    """Means over so many stretches of equal height, from the sums above their edges."""
    sums = np.pad(np.cumsum(values, axis=0, dtype=float), ((1, 0), (0, 0)))
    edges = np.linspace(0, len(values), rows + 1)
    above = np.array([np.interp(edges, np.arange(len(sums)), column) for column in sums.T]).T
    return np.diff(above, axis=0) * rows / len(values)


def rate(name: str) -> int:
    return 12_000 if name == "stft-3s" else 22_050


def worst(image: np.ndarray, expected: np.ndarray) -> float:
    """The largest difference of an image from levels that are not yet cut off."""
    assert image.shape == expected.shape
    return float(np.abs(image - expected.clip(0, 255)).max())


# Cut off after the point, and a hair for sums in another order.
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
    assert (recipe.hop, recipe.samples, recipe.shape, recipe.n_fft) == (
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
    assert recipe.hop * recipe.columns >= recipe.samples > (recipe.hop - 1) * recipe.columns
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

    # What is remembered from earlier calls would not be watched.
    monkeypatch.setattr(module, "_area", lambda *sizes: dsp.area_weights(*sizes).view(Watched))
    with threadpool_limits(2, user_api="blas"):
        y = rng.standard_normal(36_000).astype(np.float32)
        spectrograms(y, Recipe.preset(size=64), np.zeros(1))
    assert set(seen) == {1}


# --- every recipe -------------------------------------------------------------

FULL = {
    "stft-3s": (512, 512),
    "stft-10s-legacy": (480, 640),
    "mel-3s": (128, 130),
    "mel-30s": (128, 1292),
    "mel-gtzan-store": (128, 387),
}
OWN = {
    "stft-3s": 3.0, "stft-10s-legacy": 10.0, "mel-3s": 3.0, "mel-30s": 30.0,
    "mel-gtzan-store": 30.0,
}  # fmt: skip


def test_recipes_are_the_five():
    assert set(PRESETS) == set(FULL)
    recipes = {name: Recipe.preset(name) for name in PRESETS}
    assert {name: recipe.shape for name, recipe in recipes.items()} == FULL
    assert {name: recipe.seconds for name, recipe in recipes.items()} == OWN
    assert {name: recipe.hop for name, recipe in recipes.items()} == {
        **dict.fromkeys(FULL, 512), "stft-3s": 71,
    }  # fmt: skip
    assert {name: recipe.step for name, recipe in recipes.items()} == {
        **OWN, "stft-10s-legacy": 5.0,
    }  # fmt: skip
    assert all(recipe.sample_rate == rate(name) for name, recipe in recipes.items())


@pytest.mark.parametrize("size", [None, 64, (40, 90)])
@pytest.mark.parametrize("name", FULL)
def test_synthetic_sounds_are_within_one_grey_level(rng, name, size):
    recipe = Recipe.preset(name, size=size)
    shape = recipe.shape if size or name == "stft-10s-legacy" else None
    signals = ["chirp", "drums", "faint noise", "half silent"]
    for signal in signals if OWN[name] < 30 else signals[:2]:
        # Two windows, so that neither is scaled by the other.
        y = SIGNALS[signal](rng, np.arange(recipe.samples + 1000) / rate(name)).astype(np.float32)
        starts = np.array([0.0, 1000 / rate(name)])[: 1 if recipe.slack else 2]
        for image, start in zip(spectrograms(y, recipe, starts), starts, strict=True):
            first = round(start * rate(name))
            last = None if recipe.slack else first + recipe.samples
            expected = picture(y[first:last], name, shape)
            assert worst(image, expected) <= ONE


@pytest.mark.parametrize("name", FULL)
def test_real_clips_are_drawn_by_every_recipe(real_clips, name):
    recipe = Recipe.preset(name)
    for clip in real_clips:
        y, own = soundfile.read(clip, dtype="float32", always_2d=True)
        y = librosa.resample(y.mean(axis=1), orig_sr=own, target_sr=rate(name), res_type="soxr_hq")
        if len(y) < recipe.samples - recipe.slack * rate(name):
            continue
        if recipe.slack:
            starts, windows = np.zeros(1), [y]
        else:
            last = (len(y) - recipe.samples) / rate(name)
            starts = np.arange(0, last, recipe.step)[:2]
            windows = [y[round(start * rate(name)) :][: recipe.samples] for start in starts]
        images = spectrograms(audio.load(clip, sample_rate=rate(name))[0], recipe, starts)
        shape = recipe.shape if name == "stft-10s-legacy" else None
        for image, window in zip(images, windows, strict=True):
            assert worst(image, picture(window, name, shape)) <= ONE


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
    assert recipe.samples == round(seconds * rate(name))
    y = np.random.default_rng(seed).normal(scale=0.1, size=recipe.samples).astype(np.float32)
    (image,) = spectrograms(y, recipe, np.zeros(1))
    assert image.dtype == np.uint8
    if size is not None:
        assert image.shape == ((size, size) if isinstance(size, int) else size)
    assert image.shape == recipe.shape
    resized = size is not None or name == "stft-10s-legacy"
    assert worst(image, picture(y, name, recipe.shape if resized else None)) <= ONE
    assert Recipe.from_dict(recipe.as_dict()) == recipe


@pytest.mark.parametrize("size", [None, 64, (7, 300)])
@pytest.mark.parametrize("name", FULL)
def test_silence_is_black_in_every_recipe(name, size):
    for seconds in (None, 1.0):
        recipe = Recipe.preset(name, size=size, seconds=seconds)
        y = np.zeros(recipe.samples + rate(name), dtype=np.float32)
        assert not spectrograms(y, recipe, np.zeros(1)).any()
        # Below what counts as sound at all.
        y[:] = 1e-9
        assert not spectrograms(y, recipe, np.zeros(1)).any()


def test_clip_of_silence_is_black_where_windows_are_cut_out_of_it():
    recipe = Recipe.preset("mel-gtzan-store", seconds=3)
    y = np.zeros(661_500, dtype=np.float32)
    assert not spectrograms(y, recipe, np.arange(10) * 3.0).any()


def test_legacy_is_turned_by_180_degrees(rng):
    recipe = Recipe.preset("stft-10s-legacy")
    upright = dataclasses.replace(recipe, turned=False)
    for size in (recipe.shape, (64, 64), (recipe.rows, recipe.columns)):
        height, width = size
        turned, straight = (
            dataclasses.replace(each, height=height, width=width) for each in (recipe, upright)
        )
        y = rng.normal(size=recipe.samples).astype(np.float32)
        np.testing.assert_array_equal(
            spectrograms(y, turned, np.zeros(1))[0],
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
    """A tone, and 40 dB below it another in a band of its own."""
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


@pytest.mark.parametrize("seconds", [29.5, 29.93, 30.0, 30.2, 30.5])
def test_half_a_minute_is_drawn_whole(rng, seconds):
    """Beginning and end are seen, whatever the clip misses or has too much."""
    y = np.full(round(seconds * 22_050), 1e-3, dtype=np.float32)
    y *= rng.normal(size=len(y)).astype(np.float32)
    for end in (slice(None, 4000), slice(-4000, None)):
        y[end] *= 1000
    for name in ("mel-30s", "mel-gtzan-store"):
        (image,) = spectrograms(y, Recipe.preset(name), np.zeros(1))
        brightness = image.mean(axis=0)
        assert image.shape == FULL[name]
        assert brightness[0] > 1.4 * brightness[20:-20].max()
        assert brightness[-1] > 1.4 * brightness[20:-20].max()
        assert worst(image, picture(y, name)) <= ONE


def test_length_given_leaves_no_slack():
    assert Recipe.preset("mel-30s").slack == 0.5
    assert Recipe.preset("mel-30s", seconds=3).slack == 0
    assert Recipe.preset("stft-3s").slack == 0


def test_step_defaults_to_the_length_that_is_given():
    assert Recipe.preset("stft-10s-legacy", seconds=4).step == 4
    assert Recipe.preset("stft-10s-legacy", seconds=4, step=2).step == 2
    assert Recipe.preset("stft-3s", step=1.5).slug == "stft-3s_3s+1.5s_512px"


def test_slug_has_both_sides_of_a_rectangle():
    assert Recipe.preset("mel-3s").slug == "mel-3s_3s_128x130px"
    assert Recipe.preset("stft-10s-legacy").slug == "stft-10s-legacy_10s+5s_480x640px"
    assert Recipe.preset("mel-3s", size=64).slug == "mel-3s_3s_64px"


# --- the shared file of log-mels ----------------------------------------------


@pytest.fixture(scope="module")
def shared(gtzan_root):
    """Pictures and recordings of the same clips: number 0 of every genre, and all of disco."""
    images, sound = gtzan_root / "mel" / "gtzan_logmel_999.npz", gtzan_root / "mini"
    if not images.is_file() or not sound.is_dir():
        pytest.skip(f"{gtzan_root} holds no log-mels, or not the clips to compare them with")
    names, pictures = logmels.read(images)
    corpus = open_corpus(sound)
    wanted = [n for n in names if n in corpus.tracks.index]
    # Of disco's clips three have frames on the border of two columns.
    wanted = [n for n in wanted if n.endswith("00000") or n.startswith("disco")]
    pictures = dict(zip(names, pictures, strict=True))
    return [(n, corpus.load(n, sample_rate=22_050)[0], pictures[n]) for n in wanted]


def test_gtzan_store_is_the_shared_file(shared):
    recipe = Recipe.preset("mel-gtzan-store")
    apart = {n: difference(spectrograms(y, recipe, np.zeros(1))[0], x) for n, y, x in shared}
    assert {n for n, most in apart.items() if most > 1} == set()


@pytest.mark.parametrize("size", [None, 64])
@pytest.mark.parametrize("seconds", [3.0, 10.0])
def test_windows_of_sound_and_of_its_picture_agree(shared, seconds, size):
    recipe = Recipe.preset("mel-gtzan-store", seconds=seconds, size=size)
    starts = np.arange(int(30 // seconds)) * seconds
    for _, y, x in shared[:6]:
        heard, seen = spectrograms(y, recipe, starts), from_log_mels(x, recipe, starts)
        assert heard.shape == seen.shape == (len(starts), *recipe.shape)
        # What differs by one in the clip is stretched with its window.
        assert difference(heard, seen) <= 3
        assert np.abs(heard.astype(int) - seen).mean() < 1


@given(
    seconds=st.integers(1, 300).map(lambda tenths: tenths / 10), size=st.sampled_from([None, 8, 50])
)
def test_windows_are_cut_where_they_are(seconds, size):
    """Each column of this picture tells its number."""
    x = np.tile((np.arange(387) // 2).astype(np.uint8), (128, 1))
    recipe = Recipe.preset("mel-gtzan-store", seconds=seconds)
    starts = np.arange(int(30 / seconds + 1e-6)) * seconds
    assert recipe.columns == pytest.approx(seconds * 12.9, abs=1)
    assert from_log_mels(x, dataclasses.replace(recipe, width=1), starts).shape[2] == 1
    images = from_log_mels(x, recipe, starts)
    assert images.shape == (len(starts), 128, recipe.columns)
    for image, start in zip(images, starts, strict=True):
        first = min(int(start * 12.9 + 1e-9), 387 - recipe.columns)
        own = x[:, first : first + recipe.columns].astype(float)
        span = own.max() - own.min()
        expected = (own - own.min()) * (255 / span) if span else 0 * own
        # Rounding may put the beginning a column aside.
        assert np.abs(image - expected).max() <= (ONE if span == 0 else 255 / span + ONE)
    if size:
        small = dataclasses.replace(recipe, height=size, width=size)
        for image, window in zip(from_log_mels(x, small, starts), images, strict=True):
            assert worst(image, averaged(averaged(window, size).T, size).T) <= 1 + ONE


def test_whole_picture_comes_out_as_it_was(rng):
    """But for its scale, which here is the widest already."""
    x = rng.integers(0, 256, (128, 387), dtype=np.uint8)
    x[0, :2] = 0, 255
    before = x.copy()
    (image,) = from_log_mels(x, Recipe.preset("mel-gtzan-store"), np.zeros(1))
    assert difference(image, x) <= 1
    np.testing.assert_array_equal(x, before)


@pytest.mark.parametrize("frames", [1, 3, 386, 387, 388, 1292, 1293, 1302])
def test_frames_of_the_shared_picture(frames):
    """Column `i` shows the frame at its middle, of two that meet there the earlier one."""
    picked = logmels.pick(frames, 30.0)
    assert len(picked) == 387
    middle = [Fraction(2 * i + 1, 2) * frames / Fraction(775, 2) for i in range(387)]
    assert picked.tolist() == [min(math.ceil(at) - 1, frames - 1) for at in middle]
