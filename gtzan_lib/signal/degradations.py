"""Degradations of sound: seeded noise, and distortions by coding, clipping and rooms."""

from __future__ import annotations

import functools
import io
from collections.abc import Callable

import numpy as np
import scipy.fft

from .. import mp3
from ..data.arguments import waveform
from ..data.audio import resample
from ..errors import AudioError

__all__ = ["CLEAN", "DEGRADATIONS", "NOISE_TYPES", "mix_at_snr", "noise"]

NOISE_TYPES = ("white", "pink", "room")
"""Kinds of noise that `noise` makes."""


def noise(kind: str, samples: int, sample_rate: int, *, seed: int) -> np.ndarray:
    """Make noise of unit RMS, the same for the same arguments.

    Parameters
    ----------
    kind : {"white", "pink", "room"}
        `white`: the same power at every frequency. `pink`: 3 dB less an octave,
        constant below 20 Hz. `room`: ventilation, falling by 4.5 dB an octave;
        hum at 50 Hz with harmonics; both rise and fall over seconds; and
        a distant bump of 150 ms every other second.
    samples : int
        Length, at least 1.
    sample_rate : int
        In Hz.
    seed : int
        Seed of all random choices; noises with different seeds are independent.

    Returns
    -------
    np.ndarray [shape=(samples,), dtype=float32]
        Its root mean square is 1; peaks are above full scale.

    Raises
    ------
    AudioError
        If there is no such kind, or the length or the rate is below 1.

    References
    ----------
    R. F. Voss and J. Clarke, "'1/f noise' in music and speech", Nature 258,
    1975, for pink noise, which is made in the frequency domain here.
    """
    if kind not in NOISE_TYPES:
        raise AudioError(
            f"there is no noise {kind!r}; choose one of {', '.join(NOISE_TYPES)}.",
            reason="there is no such noise",
        )
    for name, value in (("samples", samples), ("sample_rate", sample_rate)):
        if value < 1:
            raise AudioError(f"{name} is {value}; give 1 or more.", reason=f"{name} below 1")
    # The kind goes into the seed: white and pink noise of one seed are not the same draw.
    rng = np.random.default_rng([NOISE_TYPES.index(kind), seed])
    if kind == "room":
        return _unit(_room(samples, sample_rate, rng))
    return _unit(_colored(samples, sample_rate, rng, slope_db=-3.0 if kind == "pink" else 0.0))


def _unit(y: np.ndarray) -> np.ndarray:
    return (y / _rms(y)).astype(np.float32)


def _rms(y: np.ndarray) -> float:
    # Squares of what float32 can hold overflow in float32.
    return float(np.sqrt(np.mean(np.square(y, dtype=np.float64))))


def _colored(
    samples: int, sample_rate: int, rng: np.random.Generator, *, slope_db: float
) -> np.ndarray:
    """Return noise whose power changes by `slope_db` an octave above 20 Hz."""
    # Filtering by a Fourier transform is circular: 50 ms more keep the end out of the beginning.
    size = scipy.fft.next_fast_len(samples + sample_rate // 20, real=True)
    spectrum = scipy.fft.rfft(rng.standard_normal(size))
    spectrum *= _slope(np.fft.rfftfreq(size, 1 / sample_rate), slope_db, pivot_hz=1000.0)
    return scipy.fft.irfft(spectrum, size)[:samples]


def _slope(hz: np.ndarray, db_per_octave: float, *, pivot_hz: float) -> np.ndarray:
    """Return the gain at each frequency: linear in dB over octaves, constant below 20 Hz."""
    octaves = np.log2(np.maximum(hz, 20.0) / pivot_hz)
    return 10 ** (db_per_octave * octaves / 20)


def _room(samples: int, sample_rate: int, rng: np.random.Generator) -> np.ndarray:
    time = np.arange(samples) / sample_rate
    ventilation = _colored(samples, sample_rate, rng, slope_db=-4.5)
    ventilation *= _slow_gain(time, rng, db=1.5) / _rms(ventilation)
    hum = np.zeros(samples)
    # Rectifiers and transformers also hum at twice the mains frequency; above it odd
    # harmonics are stronger than even ones.
    for harmonic, level in enumerate((1.0, 0.8, 0.5, 0.15, 0.3, 0.1, 0.15), start=1):
        if 50 * harmonic < sample_rate / 2:
            hum += level * np.sin(2 * np.pi * (50 * harmonic * time + rng.uniform()))
    hum *= 0.4 * _slow_gain(time, rng, db=0.5)
    return ventilation + hum + 0.7 * _bumps(time, rng)


def _slow_gain(time: np.ndarray, rng: np.random.Generator, *, db: float) -> np.ndarray:
    """Return a gain that rises and falls by about `db` with periods of 2 to 9 s."""
    level = sum(
        np.sin(2 * np.pi * (time / period + rng.uniform())) for period in rng.uniform(2, 9, 3)
    )
    return 10 ** (db * level / np.sqrt(1.5) / 20)


def _bumps(time: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return short bursts of noise at random times, on average one in two seconds."""
    bumps = np.zeros(len(time))
    seconds = (time[-1] if len(time) else 0.0) + 0.5
    for start in rng.uniform(-0.5, seconds - 0.5, rng.poisson(seconds / 2)):
        inside = slice(*np.searchsorted(time, (start, start + 0.5)))
        since = time[inside] - start
        # Rises within milliseconds, without a click, and has decayed after half a second.
        envelope = (1 - np.exp(-since / 0.005)) * np.exp(-since / 0.05)
        bumps[inside] += rng.uniform(0.5, 2) * envelope * rng.standard_normal(len(since))
    return bumps


def mix_at_snr(y: np.ndarray, noise: np.ndarray, snr_db: float) -> np.ndarray:
    """Add noise at a signal-to-noise ratio, measured over the whole signal.

    Parameters
    ----------
    y : np.ndarray [shape=(samples,), dtype=float32]
        The signal.
    noise : np.ndarray [shape=(samples,), dtype=float32]
        Noise at any level, such as from `noise`.
    snr_db : float
        Ratio of the power of `y` to that of the noise, in dB.

    Returns
    -------
    np.ndarray [shape=(samples,), dtype=float32]
        `y` plus the scaled noise; not clipped at full scale.

    Raises
    ------
    AudioError
        If the two differ in length, if either is silent or not finite, or the
        ratio is not a number.
    """
    y, noise = waveform(y, "signal"), waveform(noise, "noise")
    if y.shape != noise.shape:
        raise AudioError(
            f"the signal's shape is {y.shape} and the noise's {noise.shape}; give two "
            "waveforms of one channel and the same length.",
            reason="lengths differ",
        )
    if not np.isfinite(snr_db):
        raise AudioError(f"snr_db is {snr_db}; give a number of dB.", reason="SNR is no number")
    levels = []
    for name, sound in (("signal", y), ("noise", noise)):
        level = _rms(sound) if len(sound) else 0.0
        if not np.isfinite(level):
            raise AudioError(
                f"the {name} has samples that are not finite; replace them with np.nan_to_num.",
                reason="samples are not finite",
            )
        if level == 0:
            raise AudioError(
                f"the {name} is silent, so that no level of noise gives {snr_db:g} dB; use a "
                f"{name} with sound.",
                reason="it is silent",
            )
        levels.append(level)
    scale = levels[0] / levels[1] * 10 ** (-snr_db / 20)
    return (y + scale * noise.astype(np.float64)).astype(np.float32)


def _mp3(y: np.ndarray, sample_rate: int) -> np.ndarray:
    """Encode as MP3 at 64 kbit/s, and decode."""
    import soundfile

    # To a higher rate where possible, so that the encoder removes the treble, not the resampler.
    rate = next((rate for rate in mp3.SAMPLE_RATES if rate >= sample_rate), mp3.SAMPLE_RATES[-1])
    sound = y if rate == sample_rate else resample(y, sample_rate, rate)
    if len(sound) == 0:
        return y
    # The psychoacoustic model of the encoder is made for sound within full scale.
    peak = max(1.0, np.abs(sound).max())
    content = mp3.encode(sound / peak, rate, mp3.compression_level(64, rate))
    # LAME's header holds the encoder's delay and padding, which the decoder removes.
    decoded, _ = soundfile.read(io.BytesIO(content), dtype="float32")
    decoded *= np.float32(peak)
    return decoded if rate == sample_rate else resample(decoded, rate, sample_rate)


def _clipped(y: np.ndarray, sample_rate: int) -> np.ndarray:
    """Amplify by 12 dB and clip at the peak that the sound had before."""
    # The clip's own peak stands for full scale, so that quiet clips are clipped like loud ones.
    peak = np.abs(y).max(initial=0)
    return np.clip(y * np.float32(10 ** (12 / 20)), -peak, peak)


def _tilted(y: np.ndarray, sample_rate: int, *, db_per_octave: float) -> np.ndarray:
    """Filter with a gain that is linear in dB over octaves, and keep the RMS."""
    before = _rms(y) if len(y) else 0.0
    if before == 0:
        return y
    # 50 ms of zeros, in which the filter's response to the end decays.
    size = scipy.fft.next_fast_len(len(y) + sample_rate // 20, real=True)
    spectrum = scipy.fft.rfft(y.astype(np.float64), size)
    spectrum *= _slope(np.fft.rfftfreq(size, 1 / sample_rate), db_per_octave, pivot_hz=1000.0)
    tilted = scipy.fft.irfft(spectrum, size)[: len(y)]
    return _at_level(tilted, before)


def _at_level(y: np.ndarray, level: float) -> np.ndarray:
    now = _rms(y)
    return y * (level / now) if now else y


_RT60_S = 0.5


def _reverberated(y: np.ndarray, sample_rate: int) -> np.ndarray:
    """Convolve with the impulse response of a room, and keep the RMS."""
    before = _rms(y) if len(y) else 0.0
    if before == 0:
        return y
    response = _impulse_response(sample_rate)
    size = scipy.fft.next_fast_len(len(y) + len(response) - 1, real=True)
    spectrum = scipy.fft.rfft(y.astype(np.float64), size) * scipy.fft.rfft(response, size)
    return _at_level(scipy.fft.irfft(spectrum, size)[: len(y)], before)


@functools.cache
def _impulse_response(sample_rate: int) -> np.ndarray:
    """Return direct sound plus noise of the same energy that falls by 60 dB in half a second."""
    rng = np.random.default_rng(0)
    time = np.arange(round(1.2 * _RT60_S * sample_rate)) / sample_rate
    tail = rng.standard_normal(len(time)) * 10 ** (-3 * time / _RT60_S)
    # The first reflection arrives after 10 ms, from a wall 1.7 m away.
    tail[time < 0.01] = 0
    tail /= np.linalg.norm(tail)
    tail[0] = 1
    return tail


def _same_length(
    function: Callable[..., np.ndarray], **settings: float
) -> Callable[[np.ndarray, int], np.ndarray]:
    """Wrap a distortion: check its input, and return the same length in float32."""

    def degrade(y: np.ndarray, sample_rate: int) -> np.ndarray:
        y = waveform(y)
        if not np.isfinite(y).all():
            raise AudioError(
                "some of the sound is not finite; give a waveform of one channel without NaN.",
                reason="samples are not finite",
            )
        degraded = function(y.astype(np.float32), sample_rate, **settings)[: len(y)]
        return np.pad(degraded, (0, len(y) - len(degraded))).astype(np.float32)

    return degrade


CLEAN = "clean"
"""Name of the condition without a degradation."""

DEGRADATIONS: dict[str, Callable[[np.ndarray, int], np.ndarray]] = {
    "mp3 64 kbit/s": _same_length(_mp3),
    "clipped +12 dB": _same_length(_clipped),
    "tilt +3 dB/octave": _same_length(_tilted, db_per_octave=3.0),
    "tilt -3 dB/octave": _same_length(_tilted, db_per_octave=-3.0),
    "reverb 0.5 s": _same_length(_reverberated),
}
"""Distortions by name: each takes a waveform and its rate in Hz, and returns one
of the same length in float32. The same input gives the same output. Only
clipping makes the sound louder, by up to 12 dB with the same peak."""
