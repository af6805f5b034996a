"""MPEG audio, layers I to III (`.mp3`, `.mp2`), with or without its length in a header.

A file is a chain of frames, each with its own short header. The first frame may hold
no sound but the number of frames (the Xing, Info or VBRI header). Without it,
libsndfile guesses the length from the size of the file, and cuts the sound there or
expects more. Here the frames are counted, and the decoder is given frames alone: no
tags, no other data, and no header that is wrong.
"""

from __future__ import annotations

import dataclasses
import re
from functools import cache
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np

from .ranges import FileRanges

__all__ = ["MpegDecoder", "MpegFrames", "find_frames"]

# Bit rates in kbit/s: MPEG-1 layers I to III, MPEG-2 and 2.5 layer I, layers II and III.
_KBIT_S = {
    (1, 1): (32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    (1, 2): (32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (1, 3): (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (2, 1): (32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (2, 2): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    (2, 3): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}

# By the two bits of the MPEG version: divisor of the sample rates.
_DIVISORS = {0b11: 1, 0b10: 2, 0b00: 4}
_RATES = (44_100, 48_000, 32_000)

# The 11 bits of synchronisation, then a version, a layer, a bit rate and a sample rate.
_HEADER = re.compile(
    rb"\xff[\xe2-\xe7\xf2-\xf7\xfa-\xff]"
    rb"[\x10-\x1b\x20-\x2b\x30-\x3b\x40-\x4b\x50-\x5b\x60-\x6b\x70-\x7b\x80-\x8b\x90-\x9b"
    rb"\xa0-\xab\xb0-\xbb\xc0-\xcb\xd0-\xdb\xe0-\xeb]"
)

# Frames that follow one another and agree are no chance; a single header may be one.
_FEWEST = 3

# The first frame is searched in as many bytes, and the next one after other data.
_SEARCHED = 2**20
# Where it usually is.
_BEGINNING = 2**12
_BLOCK = 2**20

# Samples by which a decoder is late, in addition to the encoder.
_DECODER_DELAY = 529

# A size from which libsndfile guesses a length that is longer than any file.
_ENDLESS = 2**40


@dataclasses.dataclass(frozen=True)
class MpegFrames:
    """The frames of a file.

    Attributes
    ----------
    ranges : list of tuple of int
        First byte and the byte after the last of each chain of frames.
    count : int
        Number of frames, without that of the header; 0 if the header is right.
    samples : int
        Samples per channel in a frame.
    stated : int or None
        Number of frames by the header; None if it is not stated.
    delay, padding : int
        Samples per channel before and after the sound that the encoder added, by the
        header.
    incomplete : bool
        Whether the file ends within a frame.
    """

    ranges: list[tuple[int, int]]
    count: int
    samples: int
    stated: int | None
    delay: int
    padding: int
    incomplete: bool


class _Kind(NamedTuple):
    """What all frames of a file have in common."""

    layer: int
    samples: int
    sizes: dict[int, int]
    """Bytes of a frame by the second and third byte of its header."""


@cache
def _kind_of(second: int, rate_bits: int) -> _Kind:
    """Return the kind of frames by bits of a valid header."""
    divisor = _DIVISORS[second >> 3 & 0b11]
    layer = 4 - (second >> 1 & 0b11)
    rate = _RATES[rate_bits >> 2] // divisor
    samples = 384 if layer == 1 else 576 if layer == 3 and divisor > 1 else 1152
    slot = 4 if layer == 1 else 1
    sizes = {}
    for index, kbit_s in enumerate(_KBIT_S[min(divisor, 2), layer], start=1):
        size = samples // 8 // slot * kbit_s * 1000 // rate
        for padded in (0, 1):
            third = index << 4 | rate_bits | padded << 1
            for private in (0, 1):
                for unprotected in (0, 1):
                    key = ((second & 0xFE) | unprotected) << 8 | third | private
                    sizes[key] = (size + padded) * slot
    return _Kind(layer, samples, sizes)


def find_frames(stream: BinaryIO) -> MpegFrames | None:
    """Find the frames of MPEG audio in a file.

    Parameters
    ----------
    stream : BinaryIO
        The open file; tags and other data may be around and between the frames.

    Returns
    -------
    MpegFrames or None
        None if there are no three frames that follow one another.
    """
    end = _end_of_frames(stream)
    begin = _begin_of_frames(stream, end)
    first = _next_chain(stream, begin, end)
    if first is None:
        return None
    start, kind = first
    stream.seek(start)
    header = _Header.read(stream.read(2048), kind)
    if header and header.frames and header.size == end - start:
        return MpegFrames([(start, end)], 0, kind.samples, header.frames, 0, 0, False)
    ranges: list[tuple[int, int]] = []
    count, place, incomplete = 0, start, False
    while True:
        stop, frames, incomplete = _follow(stream, place, end, kind)
        ranges.append((place, stop))
        count += frames
        following = None if incomplete else _next_chain(stream, stop, end, kind)
        if following is None:
            break
        place = following[0]
    if not header:
        return MpegFrames(ranges, count, kind.samples, None, 0, 0, incomplete)
    count -= 1
    if header.frames == count:
        return MpegFrames(ranges, 0, kind.samples, count, 0, 0, incomplete)
    ranges[0] = (start + header.own_size, ranges[0][1])
    stated, delay, padding = header.frames or None, header.delay, header.padding
    return MpegFrames(ranges, count, kind.samples, stated, delay, padding, incomplete)


def _end_of_frames(stream: BinaryIO) -> int:
    """Return where the tags at the end of a file begin."""
    end = stream.seek(0, 2)
    stream.seek(max(0, end - 128))
    if end >= 128 and stream.read(3) == b"TAG":
        end -= 128
    stream.seek(max(0, end - 32))
    footer = stream.read(32)
    if footer.startswith(b"APETAGEX") and len(footer) == 32:
        size = int.from_bytes(footer[12:16], "little")
        has_header = 32 if footer[23] & 0x80 else 0
        end = max(0, end - size - has_header)
    return end


def _begin_of_frames(stream: BinaryIO, end: int) -> int:
    """Return where the ID3 tags at the beginning of a file end."""
    begin = 0
    while True:
        stream.seek(begin)
        tag = stream.read(10)
        if len(tag) < 10 or not tag.startswith(b"ID3"):
            return begin
        size = 0
        for byte in tag[6:10]:
            size = size << 7 | byte & 0x7F
        size += 20 if tag[5] & 0x10 else 10
        if begin + size > end:
            return begin
        begin += size


def _next_chain(
    stream: BinaryIO, begin: int, end: int, kind: _Kind | None = None
) -> tuple[int, _Kind] | None:
    """Return where the next chain of frames begins, and of which kind they are."""
    for searched in (_BEGINNING, _SEARCHED):
        stream.seek(begin)
        block = stream.read(min(searched, end - begin))
        for match in _HEADER.finditer(block):
            place = match.start()
            second, third = block[place + 1], block[place + 2]
            own = kind or _kind_of(second, third & 0b1100)
            if second << 8 | third not in own.sizes:
                continue
            stop, count, _ = _follow(stream, begin + place, end, own, most=_FEWEST)
            # A file may be shorter.
            if count == _FEWEST or (kind is None and place == 0 < count and stop == end):
                return begin + place, own
    return None


def _follow(
    stream: BinaryIO, place: int, end: int, kind: _Kind, *, most: int | None = None
) -> tuple[int, int, bool]:
    """Follow a chain of frames.

    Returns
    -------
    stop : int
        The byte after the last complete frame.
    count : int
        Number of complete frames.
    incomplete : bool
        Whether one more frame begins and does not end.
    """
    sizes, count = kind.sizes, 0
    while most is None or count < most:
        stream.seek(place)
        block = stream.read(min(_BLOCK if most is None else 3, end - place))
        position, last, available = 0, len(block) - 2, end - place
        while position < last:
            size = sizes.get(block[position + 1] << 8 | block[position + 2])
            if size is None or block[position] != 0xFF:
                return place + position, count, False
            if position + size > available:
                return place + position, count, True
            position += size
            count += 1
        if position == 0:
            # One or two bytes, or none, are left.
            return place, count, block.startswith(b"\xff")
        place += position
    return place, count, False


class _Header(NamedTuple):
    """The header in the first frame.

    Attributes
    ----------
    frames, size : int
        Number of frames without this one, and bytes with this one; 0 if not stated.
    delay, padding : int
        Samples per channel before and after the sound that the encoder added.
    own_size : int
        Bytes of the frame.
    """

    frames: int
    size: int
    delay: int
    padding: int
    own_size: int

    @classmethod
    def read(cls, frame: bytes, kind: _Kind) -> _Header | None:
        """Return the header in the first frame of a file, or None."""
        own_size = kind.sizes[frame[1] << 8 | frame[2]]
        if kind.layer != 3:
            return None
        if frame[36:40] == b"VBRI":
            # libsndfile does not know it.
            return cls(0, 0, 0, 0, own_size)
        is_mono = frame[3] >> 6 == 0b11
        # After the frame's own header and side information.
        place = {(1152, False): 36, (576, True): 13}.get((kind.samples, is_mono), 21)
        if frame[place : place + 4] not in (b"Xing", b"Info"):
            return None
        flags = int.from_bytes(frame[place + 4 : place + 8], "big")
        place += 8
        frames = size = delays = 0
        if flags & 1:
            frames = int.from_bytes(frame[place : place + 4], "big")
            place += 4
        if flags & 2:
            size = int.from_bytes(frame[place : place + 4], "big")
            place += 4
        place += (100 if flags & 4 else 0) + (4 if flags & 8 else 0)
        if any(frame[place : place + 4]):
            delays = int.from_bytes(frame[place + 21 : place + 24], "big")
        return cls(frames, size, delays >> 12, delays & 0xFFF, own_size)


class MpegDecoder:
    """Decodes MPEG audio to its end with libsndfile.

    Parameters
    ----------
    path : Path
        The file.
    frames : MpegFrames
        From `find_frames`.
    container : str, optional
        Name of the format that MPEG audio is in, such as `WAV`. Default: `MP3` or `MP2`.

    See Also
    --------
    gtzan_lib.data.decoders.decoder.Decoder : Its attributes and methods.
    """

    surplus_frames = 0

    def __init__(self, path: Path, frames: MpegFrames, container: str = "") -> None:
        import soundfile

        is_stated = frames.count == 0
        self._stream = FileRanges(path, frames.ranges, size=None if is_stated else _ENDLESS)
        try:
            self._file = soundfile.SoundFile(self._stream)
        except BaseException:
            self._stream.close()
            raise
        # soundfile seeks after every read, and seeking loses the bits that a frame takes from
        # the frames before: blocks would be wrong at their edges.
        self._file.seekable = lambda: False
        self.encoding = self._file.subtype
        self.format = container or ("MP3" if self.encoding == "MPEG_LAYER_III" else "MP2")
        self.sample_rate, self.channels = self._file.samplerate, self._file.channels
        self.cut = "its last frame is incomplete" if frames.incomplete else ""
        if is_stated:
            self.promised_frames = self._file.frames
        else:
            self._skip(frames)
        self.frames: int | None = self.promised_frames

    def _skip(self, frames: MpegFrames) -> None:
        """Skip the delay, as libsndfile does where the header is right, and set the length."""
        delay = frames.delay + _DECODER_DELAY if frames.delay else 0
        delay = len(self._file.read(delay, dtype="float32", always_2d=True))
        self.promised_frames = frames.count * frames.samples - delay
        if frames.stated is None:
            return
        missing = frames.stated - frames.count
        # Some encoders count the frame of the header, too.
        if missing > 1:
            lost = frames.delay + frames.padding
            self.promised_frames = frames.stated * frames.samples - lost
        self.surplus_frames = max(0, -missing) * frames.samples

    def read(self, frames: int, dtype: str = "float32") -> np.ndarray:
        """Decode the next samples."""
        return self._file.read(frames, dtype=dtype, always_2d=True)

    def is_short(self, frames: int) -> bool:
        """Return whether fewer samples were decoded than the frames hold."""
        return frames < self.promised_frames

    def close(self) -> None:
        """Close the file."""
        self._file.close()
        self._stream.close()
