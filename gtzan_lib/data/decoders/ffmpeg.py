"""The formats of phones and video sites, by the program ffmpeg where it is installed."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import tempfile
import threading
from pathlib import Path
from typing import IO, Any

import numpy as np

from ...errors import AudioError
from .decoder import unreadable

__all__ = ["FFmpegDecoder", "container_of"]

_CONTAINERS = {
    "MP4": re.compile(rb"....ftyp", re.DOTALL),
    "WEBM": re.compile(rb"\x1aE\xdf\xa3"),
    "ASF": re.compile(rb"\x30\x26\xb2\x75\x8e\x66\xcf\x11"),
    # The synchronisation of MPEG audio, with a layer that does not exist.
    "ADTS": re.compile(rb"\xff[\xf0\xf1\xf8\xf9]"),
    # Codecs that libsndfile does not know in formats that it knows.
    "OGG": re.compile(rb"OggS.{24}(\x7fFLAC|Speex)", re.DOTALL),
    "CAF": re.compile(rb"caff.{24}(alac|aac |\.mp3)", re.DOTALL),
}
"""How files of each format begin."""

# Seconds without an answer after which ffmpeg is stopped.
_PATIENCE_S = 60

# ffmpeg may give a little less than a file states: containers count in their own units.
_SHARE, _SECONDS = 0.98, 0.5


def container_of(begin: bytes) -> str:
    """Return the name of the format that needs ffmpeg.

    Parameters
    ----------
    begin : bytes
        The first 64 bytes of a file.

    Returns
    -------
    str
        Empty if the file is of another format.
    """
    return next((name for name, pattern in _CONTAINERS.items() if pattern.match(begin)), "")


class FFmpegDecoder:
    """Decodes a file with ffmpeg.

    Parameters
    ----------
    path : Path
        The file.
    container : str
        From `container_of`.

    Raises
    ------
    AudioError
        If ffmpeg is not installed, or finds no sound in the file.

    See Also
    --------
    gtzan_lib.data.decoders.decoder.Decoder : Its attributes and methods.
    """

    promised_frames = 0
    surplus_frames = 0
    cut = ""
    frames: int | None

    def __init__(self, path: Path, container: str) -> None:
        if not shutil.which("ffmpeg") or not shutil.which("ffprobe"):
            raise AudioError(
                f"{path}: is {container}, which needs ffmpeg; install ffmpeg, or convert the file "
                "to WAV, FLAC, MP3 or Ogg.",
                reason=f"{container} needs ffmpeg; install it, or convert the file",
            )
        self._path, self.format = path, container
        facts = _probe(path)
        self.encoding = facts["codec_name"].upper()
        self.sample_rate, self.channels = int(facts["sample_rate"]), facts["channels"]
        # ADTS has no length, and ffmpeg guesses one.
        is_known = container != "ADTS" and facts["duration"]
        self.frames = round(float(facts["duration"]) * self.sample_rate) if is_known else None
        self._process: subprocess.Popen[bytes] | None = None
        self._sound: IO[bytes] | None = None
        self._messages = tempfile.TemporaryFile()  # noqa: SIM115

    def read(self, frames: int, dtype: str = "float32") -> np.ndarray:
        """Decode the next samples.

        Raises
        ------
        AudioError
            If ffmpeg fails.
        """
        assert dtype == "float32"
        if self._process is None or self._sound is None:
            self._process, self._sound = self._start()
        process, width = self._process, 4 * self.channels
        stop = threading.Timer(_PATIENCE_S, process.kill)
        stop.start()
        try:
            content = self._sound.read(frames * width)
        finally:
            stop.cancel()
        if len(content) < frames * width and process.wait(_PATIENCE_S):
            self._messages.seek(0)
            raise unreadable(self._path, _reason(self._messages.read(), self._path))
        content = content[: len(content) // width * width]
        return np.frombuffer(content, dtype="<f4").reshape(-1, self.channels)

    def is_short(self, frames: int) -> bool:
        """Return whether far fewer samples were decoded than the file states."""
        if self.frames is None:
            return False
        return frames < min(_SHARE * self.frames, self.frames - _SECONDS * self.sample_rate)

    def close(self) -> None:
        """Stop ffmpeg."""
        if self._process and self._sound:
            self._process.kill()
            self._sound.close()
            self._process.wait()
        self._messages.close()

    def _start(self) -> tuple[subprocess.Popen[bytes], IO[bytes]]:
        process = subprocess.Popen(
            [
                "ffmpeg", "-v", "error", "-nostdin", "-protocol_whitelist", "file,pipe",
                "-i", _argument(self._path), "-map", "0:a:0", "-ac", str(self.channels),
                "-ar", str(self.sample_rate), "-c:a", "pcm_f32le", "-f", "f32le", "pipe:1",
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=self._messages,
        )  # fmt: skip
        assert process.stdout
        return process, process.stdout


def _probe(path: Path) -> dict[str, Any]:
    """Return what ffprobe finds of the first stream of sound."""
    command = [
        "ffprobe", "-v", "error", "-protocol_whitelist", "file,pipe", "-select_streams", "a:0",
        "-show_entries", "stream=codec_name,sample_rate,channels,duration:format=duration",
        "-of", "json", _argument(path),
    ]  # fmt: skip
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, timeout=_PATIENCE_S
        )
        found = json.loads(done.stdout or b"{}")
    except (subprocess.TimeoutExpired, ValueError) as error:
        raise unreadable(path, "ffprobe gives no answer") from error
    if done.returncode:
        raise unreadable(path, _reason(done.stderr, path))
    stream: dict[str, Any] = next(iter(found.get("streams", [])), {})
    if not {"codec_name", "sample_rate", "channels"} <= stream.keys() or not stream["channels"]:
        raise unreadable(path, "it holds no sound")
    stated = stream.get("duration") or found.get("format", {}).get("duration") or ""
    return {**stream, "duration": stated}


def _argument(path: Path) -> bytes | str:
    """Return a path that ffmpeg takes neither for an option nor for an address."""
    name = path.absolute()
    return f"file:{name}" if os.name == "nt" else b"file:" + os.fsencode(name)


def _reason(messages: bytes, path: Path) -> str:
    """Return the last of ffmpeg's messages without the name of the file."""
    lines = messages.decode("utf-8", "replace").strip().splitlines()
    if not lines:
        return "ffmpeg stopped"
    return "ffmpeg says: " + lines[-1].split(": ")[-1].strip().rstrip(".")
