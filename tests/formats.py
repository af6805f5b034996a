"""Sound in files of every format."""

import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
import soundfile

# Formats whose endings do not name them, for soundfile.
_SOUNDFILE = {
    ".aif": ("AIFF", "PCM_16"),
    ".aifc": ("AIFF", "PCM_16"),
    ".oga": ("OGG", "VORBIS"),
    ".snd": ("AU", "PCM_16"),
}

# Encoders of ffmpeg, and endings that it knows.
_FFMPEG = {
    ".aac": ("aac", "adts"),
    ".m4a": ("aac", "ipod"),
    ".m4b": ("aac", "ipod"),
    ".mka": ("libopus", "matroska"),
    ".mp2": ("mp2", "mp2"),
    ".mp4": ("aac", "mp4"),
    ".opus": ("libopus", "ogg"),
    ".spx": ("libspeex", "ogg"),
    ".weba": ("libopus", "webm"),
    ".webm": ("libopus", "webm"),
    ".wma": ("wmav2", "asf"),
}


def require_ffmpeg() -> None:
    """Skip a test where ffmpeg is not installed, or fail where GTZAN_REQUIRE_FFMPEG is 1."""
    if not (shutil.which("ffmpeg") and shutil.which("ffprobe")):
        if os.environ.get("GTZAN_REQUIRE_FFMPEG") == "1":
            pytest.fail("ffmpeg is not installed")
        pytest.skip("ffmpeg is not installed")


def write_sound(path: Path, y: np.ndarray, rate: int) -> Path:
    """Write sound in the format of the path's ending; return the path."""
    if path.suffix in _FFMPEG:
        require_ffmpeg()
        codec, container = _FFMPEG[path.suffix]
        plain = path.with_suffix(".plain.wav")
        soundfile.write(plain, y, rate)
        ffmpeg("-i", plain, "-c:a", codec, "-f", container, path)
        plain.unlink()
    else:
        container, encoding = _SOUNDFILE.get(path.suffix, (None, None))
        soundfile.write(path, y, rate, format=container, subtype=encoding)
    return path


def ffmpeg(*arguments: object) -> None:
    """Run ffmpeg."""
    require_ffmpeg()
    subprocess.run(["ffmpeg", "-v", "error", "-y", *map(str, arguments)], check=True)
