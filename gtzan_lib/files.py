"""Atomic writing of files and folders, and checksums."""

from __future__ import annotations

import hashlib
import json
import os
import re
import secrets
import shutil
import stat
import time
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from .errors import OutputError

__all__ = [
    "atomic_folder",
    "atomic_path",
    "canonical_json",
    "file_stem",
    "is_free",
    "printable",
    "rename",
    "require_replaceable",
    "sha256_of",
    "write_json",
]


@contextmanager
def atomic_path(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path that replaces `path` when the block ends without an error.

    A reader sees the old file or the new one, never a part of one. A process that
    is killed in between leaves at most a hidden temporary file.

    Parameters
    ----------
    path : str or Path
        The file to write; its folder is created if it is missing.

    Yields
    ------
    Path
        A path in the same folder, which the caller writes.

    Raises
    ------
    OutputError
        If there is something else than a file at `path`.
    """
    path = Path(path)
    require_replaceable(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    # The name of the file may be as long as the system allows.
    stem, suffix = file_stem(path.stem), path.suffix[:20]
    temporary = path.with_name(f".{stem}-{secrets.token_hex(4)}{suffix}")
    try:
        yield temporary
        rename(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def atomic_folder(path: str | Path) -> Iterator[Path]:
    """Yield a temporary folder that becomes `path` when the block ends without an error.

    Parameters
    ----------
    path : str or Path
        The new folder; it must not exist, or be empty.

    Yields
    ------
    Path
        An empty folder beside it. It always has the same name, so that remains of
        a killed process are removed.

    Raises
    ------
    FileExistsError
        If `path` is a file, or a folder that is not empty.
    """
    path = Path(path).expanduser().resolve()
    if not is_free(path):
        raise FileExistsError(f"{path}: already exists; name a new folder.")
    partial = path.with_name(f".{path.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    try:
        yield partial
        if path.exists():
            path.rmdir()
        rename(partial, path)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def rename(source: Path, target: Path) -> None:
    """Rename a file, which may replace another, or a folder.

    Windows refuses it while any process has one of them open, which most, such as a virus
    scanner, do for a moment: it is tried again for some seconds there.
    """
    end = time.monotonic() + _PATIENCE_S
    while True:
        try:
            source.replace(target)
            return
        except PermissionError:
            if not _ON_WINDOWS or time.monotonic() > end:
                raise
        time.sleep(_PAUSE_S)


_ON_WINDOWS = os.name == "nt"
_PATIENCE_S, _PAUSE_S = 5.0, 0.02


def require_replaceable(path: str | Path) -> None:
    """Raise an `OutputError` if something else than a file would be replaced by one.

    Root may replace a device such as `/dev/null`, and a link would be lost without a word.
    """
    try:
        mode = os.lstat(path).st_mode
    except OSError:
        # Nothing is there, or what cannot be reached.
        return
    if not stat.S_ISREG(mode):
        kind = next((name for is_kind, name in _KINDS.items() if is_kind(mode)), "a device")
        raise OutputError(f"{path}: is {kind}, which a file would replace; name a new file.")


_KINDS = {
    stat.S_ISDIR: "a folder",
    stat.S_ISLNK: "a link",
    stat.S_ISFIFO: "a pipe",
    stat.S_ISSOCK: "a socket",
}


def is_free(path: str | Path) -> bool:
    """Return whether a path does not exist, or is an empty folder."""
    path = Path(path)
    return not path.exists() or (path.is_dir() and not any(path.iterdir()))


def file_stem(name: str) -> str:
    """Return a name that every system takes, and that leaves room for an ending.

    Systems allow 255 bytes: a name of over 200 is cut. What Windows refuses is written as
    in addresses: some characters, and a dot or a blank at the end; names of its devices
    begin with `_`. A changed name ends with a digest of the original, so that different
    names stay different.
    """
    octets = name.encode("utf-8", "surrogateescape")
    stem = _REFUSED.sub(lambda match: _percent(match[0]), name)
    stem = f"_{stem}" if _DEVICE.match(stem) else stem
    if stem == name and len(octets) <= _LONGEST_STEM:
        return name
    digest = hashlib.sha256(octets).hexdigest()[:8]
    begin = stem.encode("utf-8", "surrogateescape")[: _LONGEST_STEM - 9]
    return f"{begin.decode('utf-8', 'ignore')}-{digest}"


_LONGEST_STEM = 200
_REFUSED = re.compile(r'[<>:"/\\|?*\x00-\x1f]|[. ]\Z')
# Windows takes them for a device with any ending, as in `con.00000`.
_DEVICE = re.compile(r"(con|prn|aux|nul|com[\d¹²³]|lpt[\d¹²³]) *(\.|\Z)", re.IGNORECASE)


def printable(name: str) -> str:
    """Return a name as one line of valid text.

    Control characters, line breaks and bytes that are not text are written as in
    addresses: `Bj%F6rk` for a file name in another encoding.
    """
    return "".join(
        _percent(sign) if unicodedata.category(sign) in _UNPRINTABLE else sign for sign in name
    )


# Control characters, separators of lines and paragraphs, and what was not decoded.
_UNPRINTABLE = {"Cc", "Cs", "Zl", "Zp"}


def _percent(sign: str) -> str:
    undecoded = "\udc80" <= sign <= "\udcff"
    octets = sign.encode("utf-8", "surrogateescape" if undecoded else "surrogatepass")
    return "".join(f"%{octet:02X}" for octet in octets)


def canonical_json(value: Any) -> str:
    """Return a value as JSON with sorted keys, for hashes and comparisons."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def write_json(path: str | Path, value: Any) -> None:
    """Write a value as indented JSON, by `atomic_path`."""
    with atomic_path(path) as temporary:
        temporary.write_text(
            json.dumps(value, indent=2, ensure_ascii=False) + "\n",
            encoding="utf-8",
            # The same bytes on every system.
            newline="\n",
        )


def sha256_of(path: str | Path) -> str:
    """Return the SHA-256 of a file's bytes, in hexadecimal."""
    with Path(path).open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
