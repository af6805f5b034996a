"""The modules of `web/src` predict what the package predicts, from equal samples."""

import json
import re

import numpy as np
import pytest
import soxr

from gtzan_lib.errors import AudioError
from gtzan_lib.inference.zoo import SHIPPED, load_model
from gtzan_lib.runner.browser_models import export_models
from gtzan_lib.signal.dsp import mel_weights
from gtzan_lib.synthetic.songs import compose_song
from gtzan_lib.synthetic.studio import SAMPLE_RATE, render

from .node import BINARY, install, run

pytestmark = [pytest.mark.check, pytest.mark.timeout(900), pytest.mark.xdist_group("parity")]

MODELS = sorted(card.parent.name for card in SHIPPED.glob("*/model.json"))
RATES = (8_000, 22_050, 44_100, 48_000, 96_000)
SECONDS = 7.6
# The level of full scale in pictures of MusiCNN's spectrograms.
BRIGHTEST = 5


def composed(genre, rate, seconds=SECONDS):
    y = render(compose_song(seed=5, genre=genre, artist=0, track=0), seconds=seconds) / 32768
    return soxr.resample(y, SAMPLE_RATE, rate, "VHQ")


def sweep(rate):
    """A sine from 40 Hz to 0.8 of the Nyquist frequency of the sound and of the images."""
    t = np.arange(round(SECONDS * rate)) / rate
    highest = 0.8 * min(rate, 22_050) / 2
    return 0.5 * np.sin(2 * np.pi * (40 * t + (highest - 40) * t**2 / (2 * SECONDS)))


def stereo(y):
    """Two channels that differ in level and in time."""
    return np.stack([y, 0.6 * np.roll(y, 37)], axis=1)


def made():
    """Sounds by name: samples, rate, and options of the prediction."""
    rng = np.random.default_rng(0)
    sounds = {}
    for rate, genre in zip(RATES, ("jazz", "metal", "reggae", "classical", "hiphop"), strict=True):
        noise = rng.uniform(-0.3, 0.3, round(SECONDS * rate))
        for kind, y in {
            "noise": noise,
            "music": composed(genre, rate),
            "sweep": sweep(rate),
        }.items():
            sounds[f"{kind}-{rate}-mono"] = y, rate, {}
            sounds[f"{kind}-{rate}-stereo"] = stereo(y), rate, {}
    music = composed("disco", 44_100, 14)
    sounds |= {
        f"music-{rate}": (composed("rock", rate), rate, {})
        for rate in (11_025, 12_000, 24_000, 32_000, 44_056, 88_200)
    }
    gap = np.concatenate([music[:180_000], np.zeros(400_000), music[180_000:]])
    return sounds | {
        "short": (music[:60_000], 44_100, {}),
        "short-8000": (composed("pop", 8_000, 1.7), 8_000, {}),
        "almost-a-window": (music[:131_000], 44_100, {}),
        "with-a-gap": (gap, 44_100, {}),
        "quiet": (0.003 * music, 44_100, {}),
        "long": (np.tile(music, 5), 44_100, {}),
        "every-second": (music, 44_100, {"step": 1.0}),
        "stream": (music[:400_001], 44_100, {"step": 1.0, "stream": True}),
        "half-a-second": (music[:22_050], 44_100, {}),
        "silent": (np.zeros(100_000), 44_100, {}),
        "low-rate": (music[:100_000], 7_350, {}),
        "not-finite": (
            np.where(np.arange(200_000) == 150_000, np.nan, music[:200_000]),
            44_100,
            {},
        ),
    }


SOUNDS = {name: (y.astype(np.float32), *rest) for name, (y, *rest) in made().items()}
REFUSED = ("half-a-second", "silent", "low-rate", "not-finite")
PREDICTED = [name for name in SOUNDS if name not in REFUSED]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with what Node.js makes of the sounds."""
    install()
    folder = tmp_path_factory.mktemp("parity")
    entries = []
    for name, (y, rate, options) in SOUNDS.items():
        channels = 1 if y.ndim == 1 else y.shape[1]
        np.ascontiguousarray(y.T).tofile(folder / f"{name}.f32")
        entries.append({"name": name, "rate": rate, "channels": channels, **options})
    (folder / "sounds.json").write_text(json.dumps(entries))
    export_models(folder)
    script = folder / "parity.mjs"
    bundle = ("--bundle", "--platform=node", "--format=esm", "--log-level=error")
    run("node_modules/.bin/esbuild", "test/parity.mjs", *bundle, f"--outfile={script}")
    run("node", script, folder, folder, BINARY)
    return folder


@pytest.fixture(scope="module", params=MODELS)
def model(request):
    return load_model(request.param)


def found(folder, name, model):
    """Return the answer of the page for a sound, and its pictures."""
    stem = f"{name}.{model.name}"
    pictures = np.fromfile(folder / f"{stem}.f32", dtype=np.float32)
    return json.loads((folder / f"{stem}.json").read_text()), pictures


@pytest.mark.parametrize("name", PREDICTED)
def test_predictions_are_those_of_the_package(folder, model, name):
    y, rate, options = SOUNDS[name]
    expected = model.predict(y, sample_rate=rate, step=options.get("step"))
    answer, _ = found(folder, name, model)
    windows = [window for window in answer["windows"] if window["probabilities"]]
    assert [w["startS"] for w in windows] == pytest.approx(expected.starts_s, abs=1e-6)
    probabilities = np.array([window["probabilities"] for window in windows])
    np.testing.assert_allclose(probabilities, expected.windows, atol=0.01)
    distances = [window["distance"] for window in windows]
    np.testing.assert_allclose(distances, expected.distances, atol=0.05)
    assert answer["probabilities"] == pytest.approx(expected.probabilities, abs=0.01)
    assert answer["genre"] == expected.genre
    assert answer["confidence"] == pytest.approx(expected.confidence, abs=0.01)
    assert answer["distance"] == pytest.approx(expected.distance, abs=0.05)
    assert answer["distanceLimit"] == expected.distance_limit
    if abs(expected.distance - expected.distance_limit) > 0.05:
        assert answer["unfamiliar"] == expected.unfamiliar
    decisive = [windows.index(answer["windows"][number]) for number in answer["decisive"]]
    assert sorted(decisive) == sorted(expected.decisive_windows.tolist())


@pytest.mark.parametrize("name", [name for name in PREDICTED if name != "stream"])
def test_pictures_are_what_the_models_take(folder, model, name):
    """Below 0.9 of the Nyquist frequency: log-mels within 0.01, 99.5 % of pixels within a level."""
    y, rate, options = SOUNDS[name]
    parts = model.windows(y, rate, step=options.get("step"))
    expected = np.concatenate([model._inputs(part)[0] for part in parts]).astype(float)
    _, pictures = found(folder, name, model)
    below = bands_below(0.45 * min(rate, model.sample_rate), model)
    if model.name == "gtzan-musicnn":
        pictures = BRIGHTEST * pictures.reshape(expected.shape)
        np.testing.assert_allclose(
            pictures[..., below], np.minimum(expected, BRIGHTEST)[..., below], atol=0.01
        )
    else:
        pictures = 255 * pictures.reshape(len(expected), -1, expected.shape[1]).transpose(0, 2, 1)
        within = np.abs(pictures - expected)[:, below] < 1.01
        assert within.mean() >= 0.995


def bands_below(hz, model):
    """Return which mel bands end below a frequency."""
    n_fft, n_mels = (512, 96) if model.name == "gtzan-musicnn" else (2048, 128)
    weights = mel_weights(sample_rate=model.sample_rate, n_fft=n_fft, n_mels=n_mels)
    return ~weights[:, np.arange(n_fft // 2 + 1) * model.sample_rate / n_fft > hz].any(axis=1)


def test_memory_does_not_grow_with_the_sound(folder, model):
    """A sound of 70 s takes as much as one of 14 s at the same rate."""
    memory = [found(folder, name, model)[0]["memory"] for name in ("quiet", "long")]
    assert memory[0] == memory[1]


@pytest.mark.parametrize("name", REFUSED)
def test_what_the_package_refuses_is_refused_for_the_same_reason(folder, model, name):
    y, rate, _ = SOUNDS[name]
    with pytest.raises(AudioError) as error:
        model.predict(y, sample_rate=rate)
    answer, _ = found(folder, name, model)
    # The package finds samples that are not finite after the rate was changed.
    ours, expected = (
        re.sub(r"at \S+ s;", "", str(text)) for text in (answer["error"], error.value)
    )
    assert ours == expected.replace("the given sound:", "The sound")
