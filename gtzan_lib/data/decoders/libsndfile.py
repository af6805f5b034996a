"""The formats that libsndfile reads: WAV, AU, AIFF, FLAC, Ogg and others."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from .decoder import unreadable
from .ranges import FileRanges

if TYPE_CHECKING:
    import soundfile

__all__ = ["LibsndfileDecoder"]

# libsndfile gives more frames than this where the header has no length.
_UNKNOWN_LENGTH = 2**62

# Bytes per value of uncompressed sound.
_WIDTHS = {
    "PCM_U8": 1,
    "PCM_S8": 1,
    "PCM_16": 2,
    "PCM_24": 3,
    "PCM_32": 4,
    "FLOAT": 4,
    "DOUBLE": 8,
}

# Headers and metadata are no larger; what is left beyond is sound.
_METADATA = 2**16


class LibsndfileDecoder:
    """Decodes a file with libsndfile.

    Parameters
    ----------
    path : Path
        The file.

    Raises
    ------
    AudioError
        If the file has no header.

    See Also
    --------
    gtzan_lib.data.decoders.decoder.Decoder : Its attributes and methods.
    """

    def __init__(self, path: Path) -> None:
        import soundfile

        # Bytes, since file names need not be valid text.
        name = str(path) if os.name == "nt" else os.fsencode(path)
        self._file = soundfile.SoundFile(name)
        self._stream: FileRanges | None = None
        if self._file.format == "RAW":
            # libsndfile reads any bytes in an .au file as sound without a header.
            self._file.close()
            raise unreadable(path, "it has no header")
        self.format, self.encoding = self._file.format, self._file.subtype
        self.sample_rate, self.channels = self._file.samplerate, self._file.channels
        self.surplus_frames = self._surplus(path)
        stated = _frames_in_header(self._file)
        if self.surplus_frames and not self._file.frames and self.format != "AU":
            # The program that wrote the header did not come back to state the length.
            self._read_without_header(path)
            self.surplus_frames = stated = 0
        is_known = self._file.frames < _UNKNOWN_LENGTH
        self.frames = self._file.frames if is_known else None
        self.promised_frames = max(self.frames or 0, stated)
        is_cut = self.format == "OGG" and not _has_last_page(path)
        self.cut = "its last page is missing" if is_cut else ""
        # soundfile seeks after every read, which takes time.
        self._file.seekable = lambda: False

    def read(self, frames: int, dtype: str = "float32") -> np.ndarray:
        """Decode the next samples."""
        return self._file.read(frames, dtype=dtype, always_2d=True)

    def is_short(self, frames: int) -> bool:
        """Return whether fewer samples were decoded than the header states."""
        return self.frames is not None and frames < self.frames

    def close(self) -> None:
        """Close the file."""
        self._file.close()
        if self._stream:
            self._stream.close()

    def _surplus(self, path: Path) -> int:
        size = _WIDTHS.get(self.encoding, 0) * self.channels
        if not size or self.format not in ("WAV", "WAVEX", "AU"):
            return 0
        rest = path.stat().st_size - self._file.frames * size
        return rest // size if rest > _METADATA else 0

    def _read_without_header(self, path: Path) -> None:
        """Read a WAV file whose header states no samples to its end."""
        import soundfile

        begin = _begin_of_samples(path)
        self._file.close()
        self._stream = FileRanges(path, [(begin, path.stat().st_size)])
        self._file = soundfile.SoundFile(
            self._stream,
            samplerate=self.sample_rate,
            channels=self.channels,
            format="RAW",
            subtype=self.encoding,
            endian="LITTLE",
        )


def _begin_of_samples(path: Path) -> int:
    """Return where the samples of a WAV file begin."""
    with path.open("rb") as stream:
        stream.seek(12)
        while len(chunk := stream.read(8)) == 8 and not chunk.startswith(b"data"):
            size = int.from_bytes(chunk[4:], "little")
            # Chunks have even lengths.
            stream.seek(size + size % 2, os.SEEK_CUR)
        return stream.tell()


def _frames_in_header(file: soundfile.SoundFile) -> int:
    """Return the number of frames that the header of an uncompressed file states.

    libsndfile corrects the length of a file that breaks off; the stated length is
    only in its log of the header.
    """
    width = _WIDTHS.get(file.subtype, 0)
    for line in file.extra_info.splitlines():
        name, _, rest = line.partition(":")
        words = rest.split()
        corrected = name.strip().lower() in ("data", "data size") and "(should" in words
        if corrected and words[0].isdigit():
            promised = int(words[0])
            # Larger values mark a length that was not known when the header was written.
            if width and promised < 2**32 - 2**12:
                return promised // (width * file.channels)
    return 0


def _has_last_page(path: Path) -> bool:
    """Return whether an Ogg file ends with a page that is marked as the last."""
    with path.open("rb") as stream:
        # A page has at most 65,307 bytes.
        stream.seek(max(0, path.stat().st_size - 2 * 65_307))
        end = stream.read()
    page = end.rfind(b"OggS")
    return page >= 0 and page + 5 < len(end) and bool(end[page + 5] & 4)
