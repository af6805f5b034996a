"""Moving excluded files out of a collection, and back.

Nothing is deleted. The manifest in the quarantine folder is written before the
first file moves and says of each file where it came from, why it went, and its
SHA-256; so either direction can be killed at any instant and run again.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from filelock import FileLock

from ..data.corpus import LAYOUTS
from ..errors import HealthError
from ..files import atomic_path, sha256_of

__all__ = ["MANIFEST", "Move", "quarantine", "quarantined", "restore"]

MANIFEST = "manifest.json"
"""The file in a quarantine folder that says what lies there and why."""

_FORMAT = "gtzan_lib quarantine, version 1"


class Move(NamedTuple):
    """One file's way.

    Attributes
    ----------
    source, target : Path
        From where to where.
    reason : str
        Why the file was excluded.
    """

    source: Path
    target: Path
    reason: str


def quarantine(
    root: str | Path, excluded: Mapping[str, str], folder: str | Path, *, dry_run: bool = False
) -> list[Move]:
    """Move files out of a collection, keeping the tree.

    Parameters
    ----------
    root : str or Path
        The collection's folder of genre folders, `Corpus.root`.
    excluded : mapping of str to str
        Why each file goes, by its path.
    folder : str or Path
        Where to; is made where it is missing. One that holds files of this
        collection already takes more of them.
    dry_run : bool
        Only tell what would be moved.

    Returns
    -------
    list of Move
        What was moved, or would be.

    Raises
    ------
    HealthError
        If the folder holds other things or belongs to another collection, or a
        file cannot be moved; all others have then been.
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
            plain = source.is_file() and not source.is_symlink()
            digest = sha256_of(source) if plain else None
            manifest["files"][name] = {"reason": reason, "sha256": digest}
        _write(folder, manifest)
        # Also what an earlier call, killed half-way, had announced and not moved.
        moves = _pending(manifest, root, folder)
        _move_all(moves, manifest)
    return list(moves.values())


def restore(folder: str | Path, root: str | Path, *, dry_run: bool = False) -> list[Move]:
    """Put quarantined files back where they were, bit for bit.

    Parameters
    ----------
    folder : str or Path
        A quarantine folder.
    root : str or Path
        The collection, in the folder where it was or where it is now.
    dry_run : bool
        Only tell what would be moved.

    Returns
    -------
    list of Move
        What was moved, or would be.

    Raises
    ------
    HealthError
        If the folder is no quarantine, or a file's place is taken; all others
        have then been moved.
    """
    folder = Path(folder).expanduser().resolve()
    if not (folder / MANIFEST).is_file():
        raise HealthError(
            f"{folder}: holds no {MANIFEST}, and so is no quarantine; name the folder that "
            "--quarantine was given."
        )
    if not Path(root).expanduser().is_dir():
        raise HealthError(f"{root}: there is no such folder; name the collection's.")
    with _locked(folder):
        manifest = _read(folder, None)
        home = _home(Path(manifest["root"]), Path(root).expanduser().resolve())
        moves = _pending(manifest, folder, home)
        if not dry_run:
            try:
                _move_all(moves, manifest)
            finally:
                _clear(folder, manifest)
    return list(moves.values())


def quarantined(folder: str | Path) -> dict[str, str]:
    """Tell what lies in a quarantine folder.

    Parameters
    ----------
    folder : str or Path
        Any folder.

    Returns
    -------
    dict of str to str
        Why each file is there, by its path below the collection's root; empty
        where the folder is no quarantine.
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
        raise HealthError(f"{folder}: cannot be made ({error.strerror}); name a folder.") from error
    with FileLock(folder / ".lock"):
        yield


def _read(folder: Path, root: Path | None) -> dict[str, Any]:
    """Read the manifest, or begin one in a folder that holds nothing else."""
    file = folder / MANIFEST
    if not file.exists():
        others = [entry.name for entry in folder.iterdir() if not entry.name.startswith(".")]
        if others:
            raise HealthError(
                f"{folder}: holds {others[0]} and no {MANIFEST}; name a new or an empty folder."
            )
        return {"format": _FORMAT, "root": str(root), "files": {}}
    try:
        manifest = json.loads(file.read_text(encoding="utf-8"))
        known = manifest["format"] == _FORMAT and isinstance(manifest["root"], str)
        files = {
            name: {"reason": str(entry["reason"]), "sha256": entry["sha256"]}
            for name, entry in manifest["files"].items()
        }
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise HealthError(f"{file}: cannot be read; put back a copy of it.") from error
    manifest = {**manifest, "files": files}
    # The manifest says where files go: a path that leads elsewhere is not followed.
    safe = all(
        not Path(name).is_absolute() and ".." not in Path(name).parts and len(Path(name).parts) > 1
        for name in files
    )
    if not (known and safe):
        raise HealthError(f"{file}: is no manifest of this package; name another folder.")
    if root is not None and manifest["root"] != str(root):
        raise HealthError(
            f"{folder}: belongs to the collection in {manifest['root']}; name another folder."
        )
    return manifest


def _write(folder: Path, manifest: dict[str, Any]) -> None:
    # In ASCII, since a file's name need not be text that can be written otherwise.
    with atomic_path(folder / MANIFEST) as temporary:
        temporary.write_text(json.dumps(manifest, indent=2) + "\n", encoding="ascii")


def _below(root: Path, path: Path) -> str:
    """Return a file's path below the collection; a link is not followed to its target."""
    try:
        return (path.parent.resolve() / path.name).relative_to(root).as_posix()
    except ValueError as error:
        raise HealthError(f"{path}: is not in the collection {root}.") from error


def _home(stated: Path, asked: Path) -> Path:
    """Where the collection is: where it was, unless it has moved since."""
    if stated.is_dir() and (stated.is_relative_to(asked) or asked.is_relative_to(stated)):
        return stated
    return next(asked / layout for layout in LAYOUTS if (asked / layout).is_dir())


def _pending(manifest: dict[str, Any], here: Path, there: Path) -> dict[str, Move]:
    """Return the moves of the files that are still here, by their names in the manifest."""
    return {
        name: Move(here / name, there / name, entry["reason"])
        for name, entry in manifest["files"].items()
        if os.path.lexists(here / name)
    }


def _move_all(moves: dict[str, Move], manifest: dict[str, Any]) -> None:
    """Move what can be moved, then tell what could not."""
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
            "Mend this and run the command again."
        )


def _move(move: Move, digest: str | None) -> None:
    """Move one file; a target that holds the same bytes is a move that was killed."""
    source, target = move.source, move.target
    if os.path.lexists(target):
        same = digest and target.is_file() and sha256_of(target) == digest == sha256_of(source)
        if not same:
            raise HealthError(f"{target}: is there already and differs from {source}")
        source.unlink()
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        source.rename(target)
    except OSError as error:
        if error.errno != errno.EXDEV or source.is_symlink() or not source.is_file():
            raise
        # Another file system: the copy is proven before the original goes.
        with atomic_path(target) as temporary:
            shutil.copy2(source, temporary)
            if sha256_of(temporary) != digest:
                raise HealthError(f"{source}: changed while it was copied") from error
        source.unlink()


def _clear(folder: Path, manifest: dict[str, Any]) -> None:
    """Forget what is back, and remove the quarantine's own empty folders."""
    left = {n: e for n, e in manifest["files"].items() if os.path.lexists(folder / n)}
    if left:
        _write(folder, {**manifest, "files": left})
        return
    (folder / MANIFEST).unlink()
    parents = {(folder / name).parent for name in manifest["files"]}
    for parent in sorted(parents, key=lambda path: len(path.parts), reverse=True):
        if parent != folder and parent.is_dir() and not any(parent.iterdir()):
            parent.rmdir()
