"""Decoders: sound from files of all formats, piece by piece.

`gtzan_lib.data.audio` opens files with them. What a file holds is recognised by its
content, not by its ending.
"""

from __future__ import annotations

from pathlib import Path

from ...errors import AudioError
from .decoder import Decoder, pieces_of, reason_of, unreadable
from .ffmpeg import FFmpegDecoder, container_of
from .libsndfile import LibsndfileDecoder
from .mpeg import MpegDecoder, find_frames

__all__ = ["FORMATS", "Decoder", "open_decoder", "pieces_of", "reason_of", "unreadable"]

FORMATS = {
    ".wav": {"WAV", "WAVEX", "RF64"},
    ".au": {"AU"},
    ".flac": {"FLAC"},
    ".ogg": {"OGG"},
    ".mp3": {"MP3"},
    ".aiff": {"AIFF"},
    ".aif": {"AIFF"},
    ".aifc": {"AIFF"},
    ".caf": {"CAF"},
    ".mp2": {"MP2"},
    ".oga": {"OGG"},
    ".opus": {"OGG"},
    ".rf64": {"RF64"},
    ".snd": {"AU"},
    ".spx": {"OGG"},
    ".w64": {"W64"},
    # By ffmpeg.
    ".aac": {"ADTS"},
    ".m4a": {"MP4"},
    ".m4b": {"MP4"},
    ".mka": {"WEBM"},
    ".mp4": {"MP4"},
    ".weba": {"WEBM"},
    ".webm": {"WEBM"},
    ".wma": {"ASF"},
}
"""Endings of audio files, and the names of the formats that such files should hold.

:meta hide-value:
"""

# First bytes of formats that cannot be taken for MPEG audio.
_NOT_MPEG = (b"RIFF", b"RF64", b"riff", b"FORM", b"OggS", b"fLaC", b".snd", b"caff")


def open_decoder(path: Path) -> Decoder:
    """Open a file with the decoder for its content.

    Parameters
    ----------
    path : Path
        A file.

    Returns
    -------
    Decoder
        At the first sample.

    Raises
    ------
    AudioError
        If the file is missing or is not audio, or needs ffmpeg, which is missing.
    """
    if path.is_dir():
        raise unreadable(path, "it is a folder")
    if path.is_symlink() and not path.exists():
        raise unreadable(path, "it is a link that leads to no file")
    if not path.is_file():
        raise AudioError(f"{path}: there is no such file.", reason="there is no such file")
    with path.open("rb") as stream:
        begin = stream.read(64)
        container = container_of(begin)
        if container:
            return FFmpegDecoder(path, container)
        if not begin.startswith(_NOT_MPEG):
            frames = find_frames(stream)
            if frames:
                return MpegDecoder(path, frames)
            if path.suffix.lower() in (".mp3", ".mp2") or begin.startswith(b"\xff"):
                # libsndfile takes noise for MPEG audio.
                raise unreadable(path, "it holds no MPEG audio")
        decoder = LibsndfileDecoder(path)
        if not decoder.encoding.startswith("MPEG"):
            return decoder
        # MPEG audio in another format, such as WAV.
        decoder.close()
        frames = find_frames(stream)
        if frames is None:
            raise unreadable(path, "it holds no MPEG audio")
        return MpegDecoder(path, frames, decoder.format)
