"""From MIDI to sound: the sound font, then the artist's production effects.

Every step is causal and its noise is drawn from the beginning on, so that a
longer recording begins with the samples of a shorter one.
"""

import functools
import io
from pathlib import Path

import midirenderer
import numpy as np
import pretty_midi
import soundfile
import soxr
from scipy import signal

from .idioms import Sound
from .performance import Performance, perform
from .songs import Song

__all__ = ["SAMPLE_RATE", "render"]

SAMPLE_RATE = 22_050
_FULL_SCALE = 32_767
_INPUT_GAIN = 4.0
# Interval in seconds of random changes of level and tone, and their standard deviation in dB.
_CHANGE_S, _CHANGE_DB = 2.0, 4.0


def render(song: Song, *, seconds: float, skip: float = 0.0) -> np.ndarray:
    """Perform a song's excerpt and turn it into sound.

    Parameters
    ----------
    song : Song
        The song.
    seconds : float
        Length of the recording.
    skip : float
        Seconds after the excerpt's beginning at which the recording starts;
        level and noise are as without `skip`.

    Returns
    -------
    np.ndarray [shape=(round(seconds * 22050),), dtype=int16]
        Mono samples at 22.05 kHz.
    """
    performance = perform(song, seconds=skip + seconds)
    y = _master(_render(performance), performance, rng=song.random_generator(20))
    first, count = round(skip * SAMPLE_RATE), round(seconds * SAMPLE_RATE)
    level = 10 ** (song.artist.sound.level / 20)
    # The peak of the recording without `skip` sets the level of both.
    y = y * (level / max(np.abs(y[:count]).max(), 1e-6))
    rng = song.random_generator(21)
    dither = np.diff(rng.random((len(y), 2)))[:, 0]
    samples = np.clip(np.round(y * _FULL_SCALE + dither), -_FULL_SCALE, _FULL_SCALE)
    return samples.astype(np.int16)[first : first + count]


@functools.cache
def _sound_font() -> bytes:
    return (Path(pretty_midi.__file__).parent / "TimGM6mb.sf2").read_bytes()


def _render(performance: Performance) -> np.ndarray:
    """Return the mono sum of the instruments, without the lead-in, at 22.05 kHz."""
    content = midirenderer.render_wave_from(_sound_font(), performance.midi())
    stereo, rate = soundfile.read(io.BytesIO(content), dtype="float32", always_2d=True)
    left = performance.song.artist.sound.left
    mono = stereo @ np.array([left, 1 - left], dtype=np.float32)
    y = soxr.resample(mono[round(performance.lead_in * rate) :], rate, SAMPLE_RATE)
    count = round(performance.seconds * SAMPLE_RATE)
    return np.pad(y, (0, max(0, count - len(y))))[:count].astype(np.float64)


def _master(y: np.ndarray, performance: Performance, *, rng: np.random.Generator) -> np.ndarray:
    """Apply the production effects, one after the other."""
    sound = performance.song.artist.sound
    # The renderer leaves headroom for 64 voices; with the gain, a few reach the saturation.
    y = y * _INPUT_GAIN
    y = _saturate(y, sound.drive)
    y = _duck(y, performance.beats(), sound.pump)
    y = _reverberate(y, sound, rng=performance.song.random_generator(22))
    y = _equalise(y, sound)
    y = _compress(y, sound.squash)
    y = _change_level_and_tone(y, rng=performance.song.random_generator(23))
    return y + _noise(len(y), sound, rng=rng)


def _saturate(y: np.ndarray, drive: float) -> np.ndarray:
    gain = 1 + 8 * drive
    return np.tanh(gain * y) / np.tanh(gain)


def _duck(y: np.ndarray, beats: np.ndarray, depth: float) -> np.ndarray:
    """Lower the level on each beat, like a compressor triggered by the kick drum."""
    now = np.arange(len(y)) / SAMPLE_RATE
    elapsed = now - beats[np.maximum(np.searchsorted(beats, now, side="right") - 1, 0)]
    return y * (1 - depth * np.exp(-np.maximum(elapsed, 0) / 0.12))


def _reverberate(y: np.ndarray, sound: Sound, *, rng: np.random.Generator) -> np.ndarray:
    """Convolve with decaying, low-pass filtered noise."""
    n = int(sound.decay * SAMPLE_RATE)
    tail = rng.standard_normal(n) * 10 ** (-3 * np.arange(n) / n)
    tail[: int(0.012 * SAMPLE_RATE)] = 0
    tail = signal.lfilter([0.35], [1, -0.65], tail)
    tail /= np.sqrt(np.sum(tail**2))
    wet = signal.oaconvolve(y, tail)[: len(y)]
    return (1 - sound.room) * y + sound.room * wet


def _equalise(y: np.ndarray, sound: Sound) -> np.ndarray:
    sections = [
        _shelf(160, sound.low, high=False),
        _bell(1200, sound.mid),
        _shelf(4000, sound.high, high=True),
        *signal.butter(2, 32, "highpass", fs=SAMPLE_RATE, output="sos"),
        *signal.butter(4, min(sound.lowpass, 10_500), "lowpass", fs=SAMPLE_RATE, output="sos"),
    ]
    return signal.sosfilt(np.array(sections), y)


def _shelf(frequency: float, gain: float, *, high: bool) -> np.ndarray:
    """Return a second-order shelf of `gain` dB as one section (Audio EQ Cookbook, S = 1)."""
    a = 10 ** (gain / 40)
    w = 2 * np.pi * frequency / SAMPLE_RATE
    cos = -np.cos(w) if high else np.cos(w)
    alpha = 2 * np.sqrt(a) * np.sin(w) / np.sqrt(2)
    sign = -1 if high else 1
    b = [
        a * ((a + 1) - (a - 1) * cos + alpha),
        sign * 2 * a * ((a - 1) - (a + 1) * cos),
        a * ((a + 1) - (a - 1) * cos - alpha),
    ]
    c = [
        (a + 1) + (a - 1) * cos + alpha,
        sign * -2 * ((a - 1) + (a + 1) * cos),
        (a + 1) + (a - 1) * cos - alpha,
    ]
    return np.array(b + c) / c[0]


def _bell(frequency: float, gain: float, *, quality: float = 0.8) -> np.ndarray:
    """Return a peaking filter of `gain` dB as one section (Audio EQ Cookbook)."""
    a = 10 ** (gain / 40)
    w = 2 * np.pi * frequency / SAMPLE_RATE
    alpha = np.sin(w) / (2 * quality)
    b = [1 + alpha * a, -2 * np.cos(w), 1 - alpha * a]
    c = [1 + alpha / a, -2 * np.cos(w), 1 - alpha / a]
    return np.array(b + c) / c[0]


def _compress(y: np.ndarray, amount: float) -> np.ndarray:
    """Reduce differences in the loudness of the last tenth of a second."""
    decay = np.exp(-1 / (0.1 * SAMPLE_RATE))
    power = signal.lfilter([1 - decay], [1, -decay], y**2)
    gain = (np.sqrt(power) + 0.02) ** (-0.8 * amount)
    return y * gain * 0.12 ** (0.8 * amount)


def _change_level_and_tone(y: np.ndarray, *, rng: np.random.Generator) -> np.ndarray:
    """Change level and tone at random every two seconds.

    Without this, the windows of one track would be more similar than those of
    real recordings.
    """
    now = np.arange(len(y)) / SAMPLE_RATE
    times = np.arange(0, now[-1] + 2 * _CHANGE_S, _CHANGE_S)
    level, low, high = (rng.normal(0, _CHANGE_DB, size=(len(times), 3)) * (0.6, 1, 1)).T
    bass = signal.sosfilt(signal.butter(1, 250, fs=SAMPLE_RATE, output="sos"), y)
    treble = signal.sosfilt(signal.butter(1, 2500, "highpass", fs=SAMPLE_RATE, output="sos"), y)

    def gain(decibels: np.ndarray) -> np.ndarray:
        return np.interp(now, times, 10 ** (decibels / 20))

    middle = y - bass - treble
    return gain(level) * (middle + gain(low) * bass + gain(high) * treble)


def _noise(n: int, sound: Sound, *, rng: np.random.Generator) -> np.ndarray:
    """Return hiss and the clicks of worn vinyl."""
    positions = np.cumsum(rng.exponential(SAMPLE_RATE / max(sound.crackle, 1e-3), size=256))
    sizes = rng.uniform(-0.12, 0.12, size=len(positions))
    clicks = np.zeros(n)
    inside = positions < n
    clicks[positions[inside].astype(int)] = sizes[inside]
    hiss = rng.standard_normal(n) * 10 ** (sound.noise / 20)
    return hiss + signal.lfilter([1], [1, -0.6], clicks)
