"""Safe unpacking of untrusted archives."""

from __future__ import annotations

import lzma
import os
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import IO, NamedTuple

from ..errors import CorpusError
from ..files import atomic_folder, file_stem, is_free
from ..progress import progress_bar

__all__ = ["MAX_BYTES", "MAX_FILES", "unpack"]

MAX_BYTES = 8 * 10**9
"""Largest total size of an unpacked archive in bytes; Kaggle's GTZAN has less than 2 GB."""

MAX_FILES = 50_000
"""Largest number of files in an archive; Kaggle's GTZAN has about two thousand."""

_PIECE = 2**20
# Errors that reading a damaged archive can raise.
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
    """Unpack an archive into a new folder, completely or not at all.

    Parameters
    ----------
    archive : str or Path
        A zip or tar file, compressed or not.
    folder : str or Path
        The new folder; it must not exist, or be empty.
    max_bytes, max_files : int
        Limits of the unpacked size, counted while writing.
    progress : bool
        Show a progress bar, if on a terminal.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    CorpusError
        If the archive is damaged or too large, or a name in it leads out of the
        folder, is a link, or occurs twice. No file is left behind then.
    """
    archive, folder = Path(archive).expanduser(), Path(folder).expanduser()
    if not archive.is_file():
        raise CorpusError(f"{archive}: there is no such file; name an existing archive.")
    if not is_free(folder):
        raise CorpusError(f"{folder}: already exists; name a new folder to unpack into.")
    limits = _Limits(archive, max_bytes, max_files)
    try:
        with atomic_folder(folder) as partial, _members(archive, limits) as (count, members):
            _write_all(partial, progress_bar(members, "Unpacking", count, show=progress), limits)
    except _BROKEN as error:
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise CorpusError(
            f"{archive}: cannot be unpacked into {folder} ({reason}); if the archive is damaged, "
            "download it again."
        ) from error
    return folder


class _Limits(NamedTuple):
    """Limits of the unpacked size."""

    archive: Path
    max_bytes: int
    max_files: int

    def check(self, *, size: int, files: int) -> None:
        """Raise an error where the size or the number of files is above its limit."""
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
    for name, stream, problem in members:
        target = folder / _safe_path(archive, name)
        if problem:
            raise CorpusError(f"{archive}: holds {name!r}, {problem}; do not use this archive.")
        files += 1
        limits.check(size=written, files=files)
        if stream is None:
            target.mkdir(parents=True, exist_ok=True)
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.exists():
            raise CorpusError(f"{archive}: holds {name!r} twice; do not use this archive.")
        with stream, target.open("xb") as file:
            while piece := stream.read(_PIECE):
                written += len(piece)
                limits.check(size=written, files=files)
                file.write(piece)


def _safe_path(archive: Path, name: str) -> PurePosixPath:
    """Return a name as a relative path that stays in the folder on any system."""
    parts = PureWindowsPath(name)
    if parts.is_absolute() or parts.drive or parts.root or ".." in parts.parts or "\0" in name:
        raise CorpusError(
            f"{archive}: holds {name!r}, which leads out of the folder; do not use this archive."
        )
    if _ON_WINDOWS and any(part != file_stem(part) for part in parts.parts):
        # It would write to a device, a stream of another file, or `..` for `.. `.
        raise CorpusError(
            f"{archive}: holds {name!r}, which cannot be the name of a file on Windows; rename it "
            "in the archive, or unpack it on another system."
        )
    return PurePosixPath(*parts.parts)


_ON_WINDOWS = os.name == "nt"


@contextmanager
def _members(
    archive: Path, limits: _Limits
) -> Iterator[tuple[int, Iterator[tuple[str, IO[bytes] | None, str]]]]:
    """Yield the number of members, and an iterator of their names, bytes and problems."""
    # A tar file may end like a zip file, but no zip file begins like a tar file.
    if tarfile.is_tarfile(archive):
        with tarfile.open(archive) as opened:
            yield _count_whole(opened, limits), _of_tar(opened)
    elif zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as opened:
            yield len(opened.infolist()), _of_zip(opened)
    else:
        raise CorpusError(f"{archive}: is neither a zip nor a tar file; download it again.")


def _count_whole(opened: tarfile.TarFile, limits: _Limits) -> int:
    """Count the members of a tar file; raise an error if it is truncated, which tarfile ignores."""
    size = count = 0
    for member in opened:
        size, count = size + member.size, count + 1
        # Skipping a member of a compressed file decompresses it, which may never end.
        limits.check(size=size, files=count)
    # tarfile stops at any block that is not a header; only zeros are an end.
    stream = opened.fileobj
    stream.seek(opened.offset)
    end = stream.read(tarfile.BLOCKSIZE)
    if len(end) < tarfile.BLOCKSIZE or any(end):
        raise tarfile.ReadError("it is truncated, or a header in it is damaged")
    # The rest is padding; reading it verifies the checksum of a compressed file.
    padding = -_PIECE
    while piece := stream.read(_PIECE):
        padding += len(piece)
        limits.check(size=padding, files=count)
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
