"""Parts of a file as one stream."""

from __future__ import annotations

import io
from bisect import bisect_right
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

__all__ = ["FileRanges"]

# libsndfile looks for a tag in the last bytes.
_TAIL = 4096


class FileRanges(io.RawIOBase):
    """Ranges of a file's bytes, one after the other, to be read by libsndfile.

    Parameters
    ----------
    path : Path
        The file.
    ranges : list of tuple of int
        First byte and the byte after the last of each range.
    size : int, optional
        A stated size that is larger than the ranges. Reading then ends where the
        ranges end, and the last bytes of the stated size are zero. Default: the
        size of the ranges.
    """

    def __init__(
        self, path: Path, ranges: list[tuple[int, int]], *, size: int | None = None
    ) -> None:
        self._ranges = ranges
        self._begins = [0]
        for first, end in ranges:
            self._begins.append(self._begins[-1] + end - first)
        self._size = self._begins[-1] if size is None else size
        self._position = 0
        self._file = path.open("rb")

    def readinto(self, buffer: WriteableBuffer) -> int:
        """Read the next bytes; fewer at the end of a range."""
        view = memoryview(buffer)
        place = bisect_right(self._begins, self._position) - 1
        if place < len(self._ranges):
            first, end = self._ranges[place]
            start = first + self._position - self._begins[place]
            self._file.seek(start)
            count = self._file.readinto(view[: end - start])
        else:
            inside = self._position >= self._size - _TAIL
            count = max(0, min(len(view), self._size - self._position)) if inside else 0
            view[:count] = bytes(count)
        self._position += count
        return count

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to a byte."""
        origin = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        self._position = max(0, origin + offset)
        return self._position

    def tell(self) -> int:
        """Return the position."""
        return self._position

    def readable(self) -> bool:
        """Return True."""
        return True

    def seekable(self) -> bool:
        """Return True."""
        return True

    def close(self) -> None:
        """Close the file."""
        self._file.close()
        super().close()
