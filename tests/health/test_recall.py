"""Copies of many kinds are found among composed music and pieces of one tempo."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

from gtzan_lib import mp3
from gtzan_lib.data.audio import resample
from gtzan_lib.health.check import check_health
from gtzan_lib.health.confirmation import Waveforms
from gtzan_lib.health.duplicates import find_duplicates
from gtzan_lib.health.fingerprints import FRAME_S
from gtzan_lib.synthetic import compose

from .test_confirmation import piece
from .test_duplicates import RATE, clip, envelope, music

SECONDS = 15


def as_wav(process, rate: int = RATE):
    """Return a writer of a processed sound as a WAV file."""

    def write(y: np.ndarray, path: Path) -> None:
        soundfile.write(path.with_suffix(".wav"), np.clip(process(y), -1, 1), rate)

    return write


def as_mp3(kbit_s: int):
    def write(y: np.ndarray, path: Path) -> None:
        # The lowest level of a rate is not accepted by every version of libsndfile.
        level = min(0.99, mp3.compression_level(kbit_s, RATE))
        path.with_suffix(".mp3").write_bytes(mp3.encode(y, RATE, level))

    return write


def as_ogg(y: np.ndarray, path: Path) -> None:
    soundfile.write(path.with_suffix(".ogg"), y, RATE, format="OGG", subtype="VORBIS")


KINDS = {
    "identical": as_wav(lambda y: y),
    "mp3 of 32 kbit/s": as_mp3(32),
    "mp3 of 64 kbit/s": as_mp3(64),
    "mp3 of 128 kbit/s": as_mp3(128),
    "ogg": as_ogg,
    "24 dB less": as_wav(lambda y: y * 10 ** (-24 / 20)),
    "12 dB less": as_wav(lambda y: y * 10 ** (-12 / 20)),
    "12 dB more": as_wav(lambda y: y * 10 ** (12 / 20)),
    "0.5 s later": as_wav(lambda y: clip(y, 0.5)),
    "2 s later": as_wav(lambda y: clip(y, 2)),
    "5 s later": as_wav(lambda y: clip(y, 5)),
    "16 kHz": as_wav(lambda y: resample(y, RATE, 16_000), 16_000),
    "44.1 kHz": as_wav(lambda y: resample(y, RATE, 44_100), 44_100),
}
"""Writers of a copy."""


def composed(folder: Path) -> list[np.ndarray]:
    genres = ("blues", "classical", "metal", "pop", "reggae")
    compose(folder, seed=4, genres=genres, artists=1, tracks=1, seconds=SECONDS, progress=False)
    paths = sorted(folder.rglob("*.wav"))
    return [soundfile.read(path, dtype="float32")[0] for path in paths]


@pytest.fixture(scope="module")
def pieces(tmp_path_factory) -> list[np.ndarray]:
    """Five composed pieces, and five of one tempo with the same drums."""
    of_one_tempo = [piece(seed, seconds=SECONDS).astype(np.float32) for seed in range(5)]
    return [*composed(tmp_path_factory.mktemp("composed")), *of_one_tempo]


@pytest.mark.check
@pytest.mark.parametrize("kind", KINDS)
def test_every_copy_and_nothing_else_is_found(pieces, tmp_path, kind):
    for number, y in enumerate(pieces):
        folder = tmp_path / f"genre{number % 2}"
        folder.mkdir(exist_ok=True)
        soundfile.write(folder / f"source{number}.wav", y, RATE)
        KINDS[kind](y, folder / f"copy{number}")
    report = check_health(tmp_path, progress=False)
    found = {tuple(pair) for pair in report.duplicates[["a", "b"]].to_numpy()}
    expected = {(f"genre{n % 2}.copy{n}", f"genre{n % 2}.source{n}") for n in range(len(pieces))}
    assert len(expected) == 10
    assert found == expected


def test_excerpts_of_three_seconds_are_found_wherever_they_are_cut(tmp_path):
    """Their frames begin fractions of a frame after those of the whole."""
    sounds = [music(seed, seconds=16).astype(np.float32) for seed in range(5)]
    fractions = (0, 0.25, 0.4, 0.5, 0.75)
    starts = [FRAME_S * (40 + 25 * n + fraction) for n, fraction in enumerate(fractions)]
    sounds += [clip(y, start, seconds=3) for y, start in zip(sounds, starts, strict=True)]
    paths = [tmp_path / f"{number}.ogg" for number in range(len(sounds))]
    for path, y in zip(paths, sounds, strict=True):
        soundfile.write(path, y, RATE, format="OGG", subtype="VORBIS")
    copies = find_duplicates([envelope(y) for y in sounds], Waveforms(paths), progress=False)
    assert [(copy.a, copy.b) for copy in copies] == [(n, n + 5) for n in range(5)]
    assert [copy.lag_s for copy in copies] == pytest.approx(starts, abs=2e-3)
