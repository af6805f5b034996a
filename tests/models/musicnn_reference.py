"""Sounds, and what the original MusiCNN makes of them.

`musicnn_reference.npz` was made once, in an environment of its own, from the folder
into which the wheel of `musicnn` 0.1.0 was unpacked:

    pip install tensorflow-cpu==2.21.0 tf-keras==2.21.0 librosa==0.11.0
    TF_USE_LEGACY_KERAS=1 PYTHONPATH=$UNPACKED python tests/models/musicnn_reference.py

Sounds are computed, not stored. Of the mel spectrograms, every sixth frame is kept.
"""

from pathlib import Path

import numpy as np

REFERENCE = Path(__file__).with_suffix(".npz")
SAMPLE_RATE, SAMPLES, KEPT = 16000, 47872, slice(None, None, 6)


def notes(pitches, seconds, *, decay=3.0, level=0.1):
    """Plucked notes one after another, each with seven decaying harmonics."""
    t = np.arange(int(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    tones = [
        sum(np.sin(2 * np.pi * n * hz * t) / n * np.exp(-decay * n * t) for n in range(1, 8))
        for hz in pitches
    ]
    return level * np.resize(np.concatenate(tones), SAMPLES)


def beat(period, *, level, seed):
    """A kick and a noise burst in turn."""
    rng, t = np.random.default_rng(seed), np.arange(int(period * SAMPLE_RATE)) / SAMPLE_RATE
    kick = np.sin(2 * np.pi * 55 * t + 8 * np.exp(-30 * t)) * np.exp(-12 * t)
    snare = rng.uniform(-1, 1, len(t)) * np.exp(-25 * t)
    return level * np.resize(np.concatenate([kick, snare]), SAMPLES)


def sounds():
    """Return sounds of 187 frames at 16 kHz by name."""
    t = np.arange(SAMPLES) / SAMPLE_RATE
    rng = np.random.default_rng(0)
    chord = notes([220, 261.6, 329.6, 440], 0.75, decay=0.5)
    values = {
        "piano": notes([262, 330, 392, 523, 392, 330], 0.25),
        "bass": notes([55, 55, 82, 73], 0.375, level=0.3) + beat(0.375, level=0.4, seed=1),
        "loud": np.clip(5 * chord + beat(0.2, level=0.8, seed=2), -1, 1),
        "strings": chord * (1 + 0.3 * np.sin(2 * np.pi * 5 * t)),
        "fast beat": beat(0.12, level=0.6, seed=3) + 0.1 * np.sign(np.sin(2 * np.pi * 110 * t)),
        "noise": 0.1 * rng.standard_normal(SAMPLES),
        "sine": 0.5 * np.sin(2 * np.pi * 1000 * t),
        "quiet sweep": 1e-3 * np.sin(2 * np.pi * (100 * t + 1000 * t**2)),
        "silence": np.zeros(SAMPLES),
    }
    return {name: y.astype(np.float32) for name, y in values.items()}


def main():
    import librosa
    import tensorflow as tf
    from musicnn import configuration, models

    tf.compat.v1.disable_eager_execution()
    # The original rounds to half precision before the logarithm, which overflows in loud music.
    settings = {"hop_length": configuration.FFT_HOP, "n_fft": configuration.FFT_SIZE}
    mels = [
        librosa.feature.melspectrogram(y=y, sr=SAMPLE_RATE, n_mels=configuration.N_MELS, **settings)
        for y in sounds().values()
    ]
    mel = np.log10(10000 * np.stack(mels).transpose(0, 2, 1)[:, :187] + 1)
    with tf.name_scope("model"):
        x = tf.compat.v1.placeholder(tf.float32, [None, 187, configuration.N_MELS])
        training = tf.compat.v1.placeholder(tf.bool)
        logits, *_, mean, highest, hidden = models.define_model(x, training, "MSD_musicnn", 50)
    outputs = {"logits": logits, "mean": mean[:, -64:], "max": highest[:, -64:]}
    with tf.compat.v1.Session() as session:
        folder = Path(models.__file__).parent / "MSD_musicnn"
        tf.compat.v1.train.Saver().restore(session, f"{folder}/")
        feed = {x: mel, training: False}
        values = session.run({**outputs, "penultimate": hidden}, feed)
    np.savez_compressed(REFERENCE, mel=mel[:, KEPT], tags=configuration.MSD_LABELS, **values)


if __name__ == "__main__":
    main()
