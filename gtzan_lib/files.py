"""Atomic writing of files and folders, and checksums."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import shutil
import stat
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
        temporary.replace(path)
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
        partial.rename(path)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


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
    """Return a name that leaves room for an ending: one of over 200 bytes is cut.

    Systems allow 255 bytes. A cut name ends with a digest of all of it, so that
    different names stay different.
    """
    octets = name.encode("utf-8", "surrogateescape")
    if len(octets) <= _LONGEST_STEM:
        return name
    digest = hashlib.sha256(octets).hexdigest()[:8]
    return f"{octets[: _LONGEST_STEM - 9].decode('utf-8', 'ignore')}-{digest}"


_LONGEST_STEM = 200


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
            json.dumps(value, indent=2, ensure_ascii=False) + "\n", encoding="utf-8"
        )


def sha256_of(path: str | Path) -> str:
    """Return the SHA-256 of a file's bytes, in hexadecimal."""
    with Path(path).open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
