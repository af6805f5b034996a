"""The 57 features: ours are equal to librosa's, and both to Kaggle's."""

import warnings

import librosa
import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gtzan_lib.data import audio
from gtzan_lib.data.tables import FEATURE_NAMES
from gtzan_lib.signal import dsp, fast_features, librosa_features
from gtzan_lib.signal.fast_features import (
    HOP_LENGTH,
    MIN_SAMPLES,
    N_FFT,
    SAMPLE_RATE,
    compute_features,
    frame_features,
)

NAMES = np.array(FEATURE_NAMES)
WINDOW = 66_149
TEMPO = FEATURE_NAMES.index("tempo")
HARMONY = [FEATURE_NAMES.index(f"{part}_mean") for part in ("harmony", "perceptr")]


def seconds(n: int) -> np.ndarray:
    return np.arange(n) / SAMPLE_RATE


def sine(hz: float, n: int = WINDOW) -> np.ndarray:
    return 0.5 * np.sin(2 * np.pi * hz * seconds(n))


def noise(n: int = WINDOW, seed: int = 0) -> np.ndarray:
    return 0.1 * np.random.default_rng(seed).standard_normal(n)


def clicks(every_s: float, n: int = WINDOW) -> np.ndarray:
    y = np.zeros(n)
    y[:: round(every_s * SAMPLE_RATE)] = 0.9
    return y


def band(n: int, *, seed: int) -> np.ndarray:
    """Return changing chords with a beat and some noise."""
    rng = np.random.default_rng(seed)
    beat = rng.uniform(0.3, 0.7)
    step = (seconds(n) / (2 * beat)).astype(int)
    pitch = 110 * 2 ** (rng.integers(0, 24, (step.max() + 1, 3)) / 12)
    chord = np.sin(2 * np.pi * pitch[step].T * seconds(n)).sum(axis=0)
    drum = rng.standard_normal(n) * np.exp(-30 * (seconds(n) % beat))
    return 0.1 * chord + rng.uniform(0.1, 0.4) * drum + 0.002 * rng.standard_normal(n)


def by_librosa(y: np.ndarray) -> np.ndarray:
    with warnings.catch_warnings():
        # librosa warns that silence has no tuning.
        warnings.filterwarnings("ignore", "Trying to estimate tuning from empty")
        return librosa_features.compute_features(y.astype(np.float32))


def ours_of(y: np.ndarray) -> np.ndarray:
    """Compute features, with an error for operations that are not defined."""
    with np.errstate(all="raise", under="ignore"):
        return compute_features(y.astype(np.float32))


def assert_same(ours, theirs, *, rtol: float, atol: float = 0, of=slice(None)) -> None:
    """Check that features are equal; the error lists those that differ."""
    differs = np.abs(ours - theirs) > atol + rtol * np.abs(theirs)
    different = np.array([*zip(NAMES, ours, theirs, strict=True)], dtype=object)[of][differs[of]]
    assert different.tolist() == []


def parts(y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the harmonic and the percussive part."""
    series = frame_features(y)
    return series["harmony"], series["perceptr"]


def named(values: np.ndarray, *names: str) -> list[float]:
    return [values[FEATURE_NAMES.index(name)] for name in names]


# --- compared with librosa ----------------------------------------------------


@settings(max_examples=12)
@given(
    n=st.integers(MIN_SAMPLES, 50_000),
    seed=st.integers(0, 1000),
    level_db=st.floats(-50, 60),
    kind=st.sampled_from(["band", "noise", "both"]),
)
@example(n=MIN_SAMPLES, seed=0, level_db=0.0, kind="noise")
@example(n=MIN_SAMPLES + 1, seed=1, level_db=0.0, kind="band")
@example(n=5 * HOP_LENGTH - 1, seed=2, level_db=0.0, kind="noise")
@example(n=5 * HOP_LENGTH, seed=2, level_db=0.0, kind="noise")
@example(n=20 * SAMPLE_RATE, seed=3, level_db=0.0, kind="band")
def test_sounds_of_all_lengths_and_levels_have_librosas_numbers(n, seed, level_db, kind):
    y = band(n, seed=seed) if kind == "band" else noise(n, seed)
    if kind == "both":
        y = y + band(n, seed=seed)
    y = 10 ** (level_db / 20) * y
    level = np.abs(y).max()
    ours, theirs = ours_of(y), by_librosa(y)
    if n < SAMPLE_RATE:
        # In less than a second no beat repeats, and the tempo is random.
        ours[TEMPO] = theirs[TEMPO] = 0
    means = np.isin(np.arange(57), HARMONY)
    # Waveforms have means of about zero, so the tolerance is relative to the level.
    assert_same(ours, theirs, of=~means, rtol=2e-3, atol=1e-4)
    np.testing.assert_allclose(ours[means], theirs[means], rtol=2e-3, atol=2e-6 * level)
    assert ours[TEMPO] == pytest.approx(theirs[TEMPO], rel=1e-12)


SOUNDS = {
    "noise": noise(),
    "quiet noise": 1e-4 * noise(),
    "very quiet noise": 1e-9 * noise(),
    "inaudible noise": 1e-19 * noise(),
    "loud noise": 1e6 * noise(),
    "low tone": sine(50),
    "tone": sine(435),
    "high tone": sine(11_000),
    "two tones": sine(220) + sine(3_000),
    "vibrating tone": sine(440) * (1 + np.sin(2 * np.pi * 3 * seconds(WINDOW))),
    "square": np.sign(sine(220)),
    "sweep": np.sin(2 * np.pi * (100 * seconds(WINDOW) + 800 * seconds(WINDOW) ** 2)),
    "clicks": clicks(0.5),
    "quick clicks": clicks(0.31),
    "one click": np.eye(1, WINDOW, 30_000)[0],
    "silence": np.zeros(WINDOW),
    "constant": np.full(WINDOW, 0.5),
    "other constant": np.full(WINDOW, -0.5),
    "ramp": np.linspace(-1, 1, WINDOW),
    "every other": 0.5 * (-1.0) ** np.arange(WINDOW),
    "begins late": np.where(np.arange(WINDOW) < 40_000, 0, noise()),
    "ends early": np.where(np.arange(WINDOW) < 20_000, noise(), 0),
    "shortest tone": sine(440, MIN_SAMPLES),
    "shortest silence": np.zeros(MIN_SAMPLES),
}


@pytest.mark.parametrize("sound", SOUNDS)
def test_extreme_sounds_have_librosas_numbers(sound):
    """Transforms in single precision have a noise floor around pure tones.

    There the bandwidth differs by some hertz. One click has no tempo: several are equally
    likely, and the last bits of a sum decide.
    """
    y = SOUNDS[sound]
    ours, theirs = ours_of(y), by_librosa(y)
    assert np.isfinite(ours).all()
    has_tempo = (NAMES != "tempo") | (sound != "one click")
    bandwidth_mean = NAMES == "spectral_bandwidth_mean"
    bandwidth_var = NAMES == "spectral_bandwidth_var"
    means = np.isin(np.arange(57), HARMONY)
    rest = ~(bandwidth_mean | bandwidth_var | means) & has_tempo
    assert_same(ours, theirs, of=rest, rtol=5e-3, atol=1e-3)
    assert_same(ours, theirs, of=bandwidth_mean, rtol=1e-3, atol=3.0)
    assert_same(ours, theirs, of=bandwidth_var, rtol=1e-2, atol=5.0)
    assert_same(ours, theirs, of=means, rtol=1e-3, atol=2e-6 * np.abs(y).max())


@pytest.mark.parametrize("n", [MIN_SAMPLES, MIN_SAMPLES + 1, 2559, 2560, 2561, 4095, 5001])
def test_odd_lengths_have_librosas_numbers(n):
    assert_same(ours_of(noise(n, 7)), by_librosa(noise(n, 7)), rtol=1e-3, atol=1e-5)


def test_half_a_minute_has_librosas_numbers():
    y = band(661_794, seed=5)
    assert_same(ours_of(y), by_librosa(y), rtol=1e-3, atol=1e-5)


@given(exponent=st.integers(-44, 6), n=st.integers(MIN_SAMPLES, 6000), seed=st.integers(0, 99))
def test_all_is_finite_at_any_level(exponent, n, seed):
    rng = np.random.default_rng(seed)
    values = ours_of(10.0**exponent * rng.uniform(-1, 1, n) * rng.integers(0, 2, n))
    assert values.shape == (57,)
    assert values.dtype == np.float64
    assert np.isfinite(values).all()
    assert (values[1:16:2] >= 0).all()
    assert (values[18::2] >= 0).all()


def test_input_is_not_changed():
    y = noise().astype(np.float32)
    before = y.copy()
    compute_features(y)
    frame_features(y)
    librosa_features.compute_features(y)
    np.testing.assert_array_equal(y, before)


def test_features_are_reproducible():
    y = band(WINDOW, seed=1).astype(np.float32)
    np.testing.assert_array_equal(compute_features(y), compute_features(y.copy()))


# --- values of simple sounds --------------------------------------------------


@pytest.mark.parametrize("compute", [ours_of, by_librosa])
def test_features_of_a_tone(compute):
    values = compute(sine(1000) + 1e-4 * noise())
    centroid, roll_off, crossings, rms = named(
        values, "spectral_centroid_mean", "rolloff_mean", "zero_crossing_rate_mean", "rms_mean"
    )
    assert centroid == pytest.approx(1000, rel=0.05)
    assert roll_off == pytest.approx(1000, abs=3 * SAMPLE_RATE / N_FFT)
    assert crossings == pytest.approx(2000 / SAMPLE_RATE, rel=0.02)
    assert rms == pytest.approx(0.5 / np.sqrt(2), rel=0.01)


@pytest.mark.parametrize("compute", [ours_of, by_librosa])
def test_features_of_silence(compute):
    values = compute(np.zeros(WINDOW))
    np.testing.assert_allclose(values[:17], 0, atol=1e-12)
    # -100 dB in all of 128 bands.
    assert values[17] == pytest.approx(-100 * np.sqrt(128), rel=1e-4)


@pytest.mark.parametrize("bpm", [80, 105, 152])
def test_tempo_of_clicks(bpm):
    y = clicks(60 / bpm, 15 * SAMPLE_RATE) + 1e-3 * noise(15 * SAMPLE_RATE)
    assert named(ours_of(y), "tempo")[0] == pytest.approx(bpm, rel=0.04)


@given(factor=st.floats(0.05, 20))
def test_level_changes_only_features_of_loudness(factor):
    y = band(20_000, seed=3)
    original, scaled = ours_of(y), ours_of(factor * y)
    loud = [name for name in FEATURE_NAMES if name.startswith(("rms", "harmony", "perceptr"))]
    changed = [*loud, "mfcc1_mean"]
    rest = ~np.isin(NAMES, changed)
    assert_same(scaled, original, of=rest, rtol=5e-3, atol=1e-3)
    rms = named(original, "rms_mean")[0]
    assert named(scaled, "rms_mean")[0] == pytest.approx(factor * rms, 1e-3)
    expected = 20 * np.log10(factor) * np.sqrt(128)
    difference = named(scaled, "mfcc1_mean")[0] - named(original, "mfcc1_mean")[0]
    assert difference == pytest.approx(expected, abs=0.02 * abs(expected) + 0.5)


# --- frame by frame -----------------------------------------------------------


@given(n=st.integers(MIN_SAMPLES, 20_000), seed=st.integers(0, 99))
def test_features_are_moments_of_frame_features(n, seed):
    y = band(n, seed=seed).astype(np.float32)
    series, values = frame_features(y), compute_features(y)
    frames = 1 + n // HOP_LENGTH
    assert {name: array.shape for name, array in series.items()} == {
        "level": (frames, 128),
        "onsets": (frames,),
        "mfcc": (frames, 20),
        "chroma_stft": (frames, 12),
        "rms": (frames,),
        "spectral_centroid": (frames,),
        "spectral_bandwidth": (frames,),
        "rolloff": (frames,),
        "zero_crossing_rate": (frames,),
        "harmony": (n,),
        "perceptr": (n,),
    }
    for name, array in series.items():
        if f"{name}_mean" in FEATURE_NAMES:
            moments = array.astype(float).mean(), array.astype(float).var()
            np.testing.assert_allclose(named(values, f"{name}_mean", f"{name}_var"), moments)
    np.testing.assert_allclose(values[17::2], series["mfcc"].mean(axis=0), rtol=1e-4, atol=1e-4)


def test_frame_features_are_librosas():
    y = band(30_000, seed=4).astype(np.float32)
    series = frame_features(y)
    frames = {"n_fft": N_FFT, "hop_length": HOP_LENGTH, "pad_mode": "reflect"}
    sound = {"y": y, "sr": SAMPLE_RATE, **frames}
    mel = librosa.feature.melspectrogram(**sound)
    np.testing.assert_allclose(series["level"].T, librosa.power_to_db(mel), atol=1e-2)
    onsets = librosa.onset.onset_strength(aggregate=np.median, **sound)
    np.testing.assert_allclose(series["onsets"], onsets, atol=1e-2)
    chroma = librosa.feature.chroma_stft(**sound)
    np.testing.assert_allclose(series["chroma_stft"].T, chroma, atol=1e-4)
    centroid = librosa.feature.spectral_centroid(**sound)[0]
    np.testing.assert_allclose(series["spectral_centroid"], centroid, rtol=1e-4)
    crossings = librosa.feature.zero_crossing_rate(y, frame_length=N_FFT, hop_length=HOP_LENGTH)[0]
    np.testing.assert_allclose(series["zero_crossing_rate"], crossings, atol=1e-12)


def test_chroma_begins_with_c():
    for place, pitch in enumerate(librosa.midi_to_hz(np.arange(60, 72))):
        chroma = frame_features(sine(pitch, 8_000).astype(np.float32))["chroma_stft"]
        assert chroma.mean(axis=0).argmax() == place


# --- harmonic and percussive part ---------------------------------------------


@given(n=st.integers(MIN_SAMPLES, 30_000), seed=st.integers(0, 99))
def test_parts_sum_to_the_sound_up_to_the_last_frame(n, seed):
    y = band(n, seed=seed).astype(np.float32)
    harmonic, percussive = parts(y)
    assert harmonic.shape == percussive.shape == y.shape
    assert harmonic.dtype == percussive.dtype == np.float32
    end = n // HOP_LENGTH * HOP_LENGTH
    np.testing.assert_allclose((harmonic + percussive)[:end], y[:end], atol=1e-6)
    assert not harmonic[end:].any()
    assert not percussive[end:].any()


def test_parts_are_librosas():
    y = band(WINDOW, seed=8).astype(np.float32)
    end = WINDOW // HOP_LENGTH * HOP_LENGTH
    frames = {"n_fft": N_FFT, "hop_length": HOP_LENGTH, "pad_mode": "reflect"}
    for ours, theirs in zip(
        parts(y), librosa.decompose.hpss(librosa.stft(y, **frames)), strict=True
    ):
        sound = librosa.istft(theirs, n_fft=N_FFT, hop_length=HOP_LENGTH)[:end]
        np.testing.assert_allclose(ours[: len(sound)], sound, atol=2e-5)


def test_tone_and_clicks_are_separated():
    y = (sine(440) + clicks(0.25)).astype(np.float32)
    harmonic, percussive = parts(y)
    is_click = clicks(0.25)[:66_000] > 0
    # The first is in the reflected beginning.
    is_click[:N_FFT] = False
    assert np.abs(percussive[:66_000][is_click]).min() > 0.5
    assert np.std(harmonic[:66_000] - sine(440)[:66_000]) < 0.05


# --- single steps -------------------------------------------------------------


@pytest.mark.parametrize("tuning", [-0.5, -0.13, 0.0, 0.07, 0.49])
@pytest.mark.parametrize(("sample_rate", "n_fft"), [(22_050, 2048), (44_100, 4096), (8_000, 511)])
def test_chroma_weights_are_librosas(sample_rate, n_fft, tuning):
    ours = dsp.chroma_weights(sample_rate=sample_rate, n_fft=n_fft, tuning=tuning)
    theirs = librosa.filters.chroma(sr=sample_rate, n_fft=n_fft, tuning=tuning)
    assert ours.dtype == np.float32
    assert ours.shape == (12, n_fft // 2 + 1)
    np.testing.assert_allclose(ours, theirs, atol=1e-6)


@settings(max_examples=15)
@given(cents=st.integers(-49, 49), seed=st.integers(0, 99))
def test_tuning_is_librosas(cents, seed):
    rng = np.random.default_rng(seed)
    n = 20_000
    pitches = 220 * 2 ** ((rng.integers(0, 36, 4) + cents / 100) / 12)
    y = np.sin(2 * np.pi * pitches[:, None] * seconds(n)).sum(axis=0) + noise(n, seed) / 100
    y = y.astype(np.float32)
    transform = dsp.stft(y, n_fft=N_FFT, hop_length=HOP_LENGTH, pad_mode="reflect")
    power = np.abs(transform) ** 2
    theirs = librosa.estimate_tuning(S=power.T, sr=SAMPLE_RATE, n_fft=N_FFT)
    assert fast_features._tuning(power) == pytest.approx(theirs, abs=1e-9)


def test_chroma_does_not_depend_on_the_tuning():
    """Without an estimate of the tuning, a quarter tone would blur all pitch classes."""
    chords = [np.sum([sine(220 * 2 ** (c + k / 12)) for k in (0, 4, 7)], axis=0) for c in (0, 1)]
    sharp = np.sum([sine(220 * 2 ** ((k + 0.4) / 12)) for k in (0, 4, 7)], axis=0)
    chroma = [named(ours_of(y), "chroma_stft_mean")[0] for y in (*chords, sharp)]
    assert chroma[2] == pytest.approx(chroma[0], rel=0.05)


@given(onsets=st.lists(st.floats(0, 20, width=32), min_size=5, max_size=400))
@example(onsets=[0.0] * 50)
@example(onsets=[0.0, 1.0] * 100)
def test_tempo_of_any_onsets_is_librosas(onsets):
    y = np.array(onsets, dtype=np.float32)
    ours = fast_features._tempo(y)
    if not y.any():
        assert ours == 0
        return
    theirs = librosa.feature.tempo(onset_envelope=y, sr=SAMPLE_RATE, hop_length=HOP_LENGTH).item()
    assert ours == pytest.approx(theirs, rel=1e-9)


# --- Kaggle's tables ----------------------------------------------------------


def kaggles(gtzan_root, pattern: str) -> pd.DataFrame:
    files = sorted((gtzan_root / "features").glob(pattern))
    if not files:
        pytest.skip(f"{gtzan_root} holds no features/{pattern}")
    return pd.read_csv(files[0]).set_index("filename")


def clip(gtzan_root, track_id: str) -> np.ndarray:
    file = gtzan_root / "mini" / track_id.split(".")[0] / f"{track_id}.flac"
    if not file.is_file():
        pytest.skip(f"{gtzan_root} holds no {track_id}")
    return audio.load(file, sample_rate=SAMPLE_RATE)[0]


def assert_kaggles(ours: np.ndarray, row: pd.Series) -> None:
    theirs = row[list(FEATURE_NAMES)].to_numpy(dtype=float)
    means = np.isin(np.arange(57), HARMONY)
    assert_same(ours, theirs, of=~means, rtol=1e-2)
    assert_same(ours, theirs, of=means, rtol=0, atol=2e-5)
    assert ours[TEMPO] == pytest.approx(theirs[TEMPO], rel=1e-9)


@pytest.mark.parametrize(
    "track_id",
    [
        "blues.00000",
        "classical.00007",
        "disco.00004",
        "hiphop.00009",
        "metal.00002",
        "reggae.00003",
    ],
)
def test_whole_clips_have_kaggles_numbers(gtzan_root, track_id):
    table, y = kaggles(gtzan_root, "features_30_sec*.csv"), clip(gtzan_root, track_id)
    row = table.loc[f"{track_id}.wav"]
    assert row["length"] == len(y)
    assert_kaggles(compute_features(y), row)


@pytest.mark.parametrize("genre", ["classical", "jazz", "rock"])
def test_three_seconds_have_kaggles_numbers(gtzan_root, genre):
    """Windows have one sample less than three seconds."""
    table = kaggles(gtzan_root, "features_3_sec*.csv")
    checked = 0
    for number in (1, 5):
        y = clip(gtzan_root, f"{genre}.{number:05d}")
        for window in range(10):
            name = f"{genre}.{number:05d}.{window}.wav"
            if name in table.index:
                piece = y[66_150 * window :][: table.at[name, "length"]]
                assert_kaggles(compute_features(piece), table.loc[name])
                checked += 1
    assert checked > 15


def test_librosa_has_kaggles_numbers(gtzan_root):
    table, y = kaggles(gtzan_root, "features_3_sec*.csv"), clip(gtzan_root, "jazz.00002")
    row = table.loc["jazz.00002.4.wav"]
    assert_kaggles(librosa_features.compute_features(y[66_150 * 4 :][: row["length"]]), row)
