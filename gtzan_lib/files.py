"""Atomic writing of files and folders, and checksums."""

from __future__ import annotations

import hashlib
import json
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

__all__ = [
    "atomic_folder",
    "atomic_path",
    "canonical_json",
    "is_free",
    "printable",
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
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.stem}-{secrets.token_hex(4)}{path.suffix}")
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


def is_free(path: str | Path) -> bool:
    """Return whether a path does not exist, or is an empty folder."""
    path = Path(path)
    return not path.exists() or (path.is_dir() and not any(path.iterdir()))


def printable(name: str) -> str:
    """Return a name with bytes that are not valid text escaped by backslashes."""
    return name.encode("utf-8", "backslashreplace").decode()


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
