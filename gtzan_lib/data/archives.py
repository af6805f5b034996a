"""Unpacking archives that come from elsewhere, without trusting them."""

from __future__ import annotations

import lzma
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import IO, NamedTuple

from ..errors import CorpusError
from ..files import atomic_folder, is_free
from ..progress import progress_bar

__all__ = ["MAX_BYTES", "MAX_FILES", "unpack"]

MAX_BYTES = 8 * 10**9
"""Most bytes that an archive may unpack to; Kaggle's GTZAN has under two milliards."""

MAX_FILES = 50_000
"""Most files that an archive may hold; Kaggle's GTZAN has about two thousand."""

_PIECE = 2**20
# Whatever a broken archive makes its reader raise.
_BROKEN = (
    zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, EOFError, OSError,
    RuntimeError, NotImplementedError, ValueError, LookupError, OverflowError, MemoryError,
)  # fmt: skip


def unpack(
    archive: str | Path,
    folder: str | Path,
    *,
    max_bytes: int = MAX_BYTES,
    max_files: int = MAX_FILES,
    progress: bool = True,
) -> Path:
    """Unpack an archive into a new folder, whole or not at all.

    Parameters
    ----------
    archive : str or Path
        A zip or tar file, compressed or not.
    folder : str or Path
        The new folder; it must not exist, or be empty.
    max_bytes, max_files : int
        What the archive may unpack to; counted while writing, not believed.
    progress : bool
        Show a progress bar, if on a terminal.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    CorpusError
        If the archive is broken or too large, or a name in it leads out of the
        folder, is a link, or stands there twice; nothing is left behind then.
    """
    archive, folder = Path(archive).expanduser(), Path(folder).expanduser()
    if not archive.is_file():
        raise CorpusError(f"{archive}: there is no such file.")
    if not is_free(folder):
        raise CorpusError(f"{folder}: is there already; name a new folder to unpack into.")
    limits = _Limits(archive, max_bytes, max_files)
    try:
        with atomic_folder(folder) as partial, _members(archive, limits) as (count, members):
            _write_all(partial, progress_bar(members, "Unpacking", count, show=progress), limits)
    except _BROKEN as error:
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise CorpusError(
            f"{archive}: cannot be unpacked into {folder} ({reason}); if the archive is at fault, "
            "download it again."
        ) from error
    return folder


class _Limits(NamedTuple):
    """What an archive may unpack to."""

    archive: Path
    max_bytes: int
    max_files: int

    def hold(self, *, size: int, files: int) -> None:
        """Refuse what is more."""
        if size > self.max_bytes or files > self.max_files:
            raise CorpusError(
                f"{self.archive}: unpacks to more than {self.max_bytes / 1e9:g} GB or "
                f"{self.max_files} files; do not use this archive, or raise the limits of "
                "gtzan_lib.data.archives.unpack if you trust it."
            )


def _write_all(
    folder: Path, members: Iterator[tuple[str, IO[bytes] | None, str]], limits: _Limits
) -> None:
    archive, written, files = limits.archive, 0, 0
    for name, stream, trouble in members:
        target = folder / _safe(archive, name)
        if trouble:
            raise CorpusError(f"{archive}: holds {name!r}, {trouble}; do not use this archive.")
        files += 1
        limits.hold(size=written, files=files)
        if stream is None:
            target.mkdir(parents=True, exist_ok=True)
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.exists():
            raise CorpusError(f"{archive}: holds {name!r} twice; do not use this archive.")
        with stream, target.open("xb") as file:
            while piece := stream.read(_PIECE):
                written += len(piece)
                limits.hold(size=written, files=files)
                file.write(piece)


def _safe(archive: Path, name: str) -> PurePosixPath:
    """Return a name as a path that stays inside, on any system."""
    parts = PureWindowsPath(name)
    if parts.is_absolute() or parts.drive or parts.root or ".." in parts.parts or "\0" in name:
        raise CorpusError(
            f"{archive}: holds {name!r}, which leads out of the folder; do not use this archive."
        )
    return PurePosixPath(*parts.parts)


@contextmanager
def _members(
    archive: Path, limits: _Limits
) -> Iterator[tuple[int, Iterator[tuple[str, IO[bytes] | None, str]]]]:
    """Open an archive: how many members, and of each the name, the bytes and what is wrong."""
    # A tar may end with a zip, but no zip begins as a tar does.
    if tarfile.is_tarfile(archive):
        with tarfile.open(archive) as opened:
            yield _count_whole(opened, limits), _of_tar(opened)
    elif zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as opened:
            yield len(opened.infolist()), _of_zip(opened)
    else:
        raise CorpusError(f"{archive}: is neither a zip nor a tar file; download it again.")


def _count_whole(opened: tarfile.TarFile, limits: _Limits) -> int:
    """Count a tar's members, and refuse one that breaks off, on which tarfile is silent."""
    size = count = 0
    for member in opened:
        size, count = size + member.size, count + 1
        # What is compressed is unpacked to be passed over, and could take forever.
        limits.hold(size=size, files=count)
    # Reading stops at whatever is no header, and only zeros are an end.
    stream = opened.fileobj
    stream.seek(opened.offset)
    end = stream.read(tarfile.BLOCKSIZE)
    if len(end) < tarfile.BLOCKSIZE or any(end):
        raise tarfile.ReadError("it breaks off, or a header in it is damaged")
    # Behind it stand a little padding and the checksum of what is compressed.
    behind = -_PIECE
    while piece := stream.read(_PIECE):
        behind += len(piece)
        limits.hold(size=behind, files=count)
    return count


def _of_zip(opened: zipfile.ZipFile) -> Iterator[tuple[str, IO[bytes] | None, str]]:
    for member in opened.infolist():
        if stat.S_ISLNK(member.external_attr >> 16):
            yield member.filename, None, "a link"
        elif member.is_dir():
            yield member.filename, None, ""
        else:
            yield member.filename, opened.open(member), ""


def _of_tar(opened: tarfile.TarFile) -> Iterator[tuple[str, IO[bytes] | None, str]]:
    for member in opened.getmembers():
        if member.isdir():
            yield member.name, None, ""
        elif member.isreg():
            yield member.name, opened.extractfile(member), ""
        else:
            yield member.name, None, "a link or a device"
