"""Move excluded files out of a collection, and back.

Nothing is deleted. The manifest in the quarantine folder is written before the
first file moves and holds the path, the reason and the SHA-256 of each file, so
that either direction can be killed at any time and run again.
"""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from filelock import FileLock

from ..data.loaders.folder import LAYOUTS
from ..errors import HealthError
from ..files import atomic_path, sha256_of

__all__ = ["MANIFEST", "Move", "quarantine", "quarantined", "restore"]

MANIFEST = "manifest.json"
"""Name of the file in a quarantine folder that lists its files and their reasons."""


class Move(NamedTuple):
    """The move of one file.

    Attributes
    ----------
    source, target : Path
        Path before and after the move.
    reason : str
        Why the file was excluded.
    """

    source: Path
    target: Path
    reason: str


def quarantine(
    root: str | Path, excluded: Mapping[str, str], folder: str | Path, *, dry_run: bool = False
) -> list[Move]:
    """Move files out of a collection, with their genre folders.

    Parameters
    ----------
    root : str or Path
        The folder that holds the genre folders, `Corpus.root`.
    excluded : mapping of str to str
        Reason of each file, by its path.
    folder : str or Path
        The quarantine folder; created if it is missing. It may already hold files
        of this collection.
    dry_run : bool
        Return what would be moved, without moving it.

    Returns
    -------
    list of Move
        What was moved, or would be.

    Raises
    ------
    HealthError
        If the folder holds other files or belongs to another collection, or if a
        file cannot be moved; all others have then been moved.
    """
    root, folder = Path(root).resolve(), Path(folder).expanduser().resolve()
    if root.is_relative_to(folder) or folder.is_relative_to(root):
        raise HealthError(
            f"{folder}: is part of the collection itself; name a folder beside {root}."
        )
    reasons = {_below(root, Path(path)): reason for path, reason in excluded.items()}
    if dry_run:
        return [Move(root / name, folder / name, reason) for name, reason in reasons.items()]
    if not reasons and not (folder / MANIFEST).exists():
        return []
    with _locked(folder):
        manifest = _read(folder, root)
        for name, reason in reasons.items():
            if name in manifest["files"]:
                continue
            source = root / name
            is_plain_file = source.is_file() and not source.is_symlink()
            digest = sha256_of(source) if is_plain_file else None
            manifest["files"][name] = {"reason": reason, "sha256": digest}
        _write(folder, manifest)
        # This includes files that an interrupted call listed and did not move.
        moves = _pending(manifest, root, folder)
        _move_all(moves, manifest)
    return list(moves.values())


def restore(folder: str | Path, root: str | Path, *, dry_run: bool = False) -> list[Move]:
    """Move quarantined files back to where they were, bit for bit.

    Parameters
    ----------
    folder : str or Path
        A quarantine folder.
    root : str or Path
        The collection, which may have been moved meanwhile.
    dry_run : bool
        Return what would be moved, without moving it.

    Returns
    -------
    list of Move
        What was moved, or would be.

    Raises
    ------
    HealthError
        If the folder is not a quarantine folder, or if another file is at a
        file's path; all others have then been moved.
    """
    folder = Path(folder).expanduser().resolve()
    if not (folder / MANIFEST).is_file():
        raise HealthError(
            f"{folder}: holds no {MANIFEST} and is not a quarantine folder; name the folder "
            "given to --quarantine."
        )
    if not Path(root).expanduser().is_dir():
        raise HealthError(f"{root}: there is no such folder; name that of the collection.")
    with _locked(folder):
        manifest = _read(folder, None)
        target = _find_root(Path(manifest["root"]), Path(root).expanduser().resolve())
        moves = _pending(manifest, folder, target)
        if not dry_run:
            try:
                _move_all(moves, manifest)
            finally:
                _clear(folder, manifest)
    return list(moves.values())


def quarantined(folder: str | Path) -> dict[str, str]:
    """Return the files in a quarantine folder, with their reasons.

    Parameters
    ----------
    folder : str or Path
        Any folder.

    Returns
    -------
    dict of str to str
        Reason of each file, by its path below the collection's root; empty if
        the folder is not a quarantine folder.
    """
    folder = Path(folder).expanduser()
    if not (folder / MANIFEST).is_file():
        return {}
    return {name: entry["reason"] for name, entry in _read(folder, None)["files"].items()}


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise HealthError(
            f"{folder}: cannot be created ({error.strerror}); name another folder."
        ) from error
    with FileLock(folder / ".lock"):
        yield


def _read(folder: Path, root: Path | None) -> dict[str, Any]:
    """Read the manifest, or return a new one if the folder is empty."""
    from ..documents import ManifestDocument, read_document

    file = folder / MANIFEST
    if not file.exists():
        others = [entry.name for entry in folder.iterdir() if not entry.name.startswith(".")]
        if others:
            raise HealthError(
                f"{folder}: holds {others[0]} and no {MANIFEST}; name a new or an empty folder."
            )
        return {"root": str(root), "files": {}}
    manifest = read_document(file, ManifestDocument)
    if root is not None and manifest["root"] != str(root):
        raise HealthError(
            f"{folder}: belongs to the collection in {manifest['root']}; name another folder."
        )
    return {name: manifest[name] for name in ("root", "files")}


def _write(folder: Path, manifest: dict[str, Any]) -> None:
    from ..documents import ManifestDocument, write_document

    write_document(folder / MANIFEST, manifest, ManifestDocument)


def _below(root: Path, path: Path) -> str:
    """Return a file's path below the collection; a link is not followed."""
    try:
        return (path.parent.resolve() / path.name).relative_to(root).as_posix()
    except ValueError as error:
        raise HealthError(f"{path}: is not in the collection {root}; leave it out.") from error


def _find_root(stored: Path, root: Path) -> Path:
    """Return the collection's root: the stored one, unless the collection has moved."""
    if stored.is_dir() and (stored.is_relative_to(root) or root.is_relative_to(stored)):
        return stored
    return next(root / layout for layout in LAYOUTS if (root / layout).is_dir())


def _pending(manifest: dict[str, Any], source: Path, target: Path) -> dict[str, Move]:
    """Return the moves of the files that are still at the source, by their manifest names."""
    return {
        name: Move(source / name, target / name, entry["reason"])
        for name, entry in manifest["files"].items()
        if os.path.lexists(source / name)
    }


def _move_all(moves: dict[str, Move], manifest: dict[str, Any]) -> None:
    """Move all files that can be moved, then raise an error for the others."""
    failed = []
    for name, move in moves.items():
        try:
            _move(move, manifest["files"][name]["sha256"])
        except (OSError, HealthError) as error:
            failed.append(str(error).rstrip("."))
    if failed:
        others = f" (and {len(failed) - 1} more)" if len(failed) > 1 else ""
        raise HealthError(
            f"{failed[0]}{others}; {len(moves) - len(failed)} of {len(moves)} files were moved. "
            "Fix this and run the command again."
        )


def _move(move: Move, digest: str | None) -> None:
    """Move one file; a target with the same bytes is left by an interrupted move."""
    source, target = move.source, move.target
    if os.path.lexists(target):
        same = digest and target.is_file() and sha256_of(target) == digest == sha256_of(source)
        if not same:
            raise HealthError(f"{target}: already exists and differs from {source}")
        source.unlink()
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        source.rename(target)
    except OSError as error:
        if error.errno != errno.EXDEV or source.is_symlink() or not source.is_file():
            raise
        # Another file system: the copy is verified before the original is deleted.
        with atomic_path(target) as temporary:
            shutil.copy2(source, temporary)
            if sha256_of(temporary) != digest:
                raise HealthError(f"{source}: changed while it was copied") from error
        source.unlink()


def _clear(folder: Path, manifest: dict[str, Any]) -> None:
    """Remove restored files from the manifest, and the quarantine's empty folders."""
    remaining = {n: e for n, e in manifest["files"].items() if os.path.lexists(folder / n)}
    if remaining:
        _write(folder, {**manifest, "files": remaining})
        return
    (folder / MANIFEST).unlink()
    parents = {(folder / name).parent for name in manifest["files"]}
    for parent in sorted(parents, key=lambda path: len(path.parts), reverse=True):
        if parent != folder and parent.is_dir() and not any(parent.iterdir()):
            parent.rmdir()
