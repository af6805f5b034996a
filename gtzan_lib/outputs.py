"""Files that commands write: a new one, one that is replaced on demand, or standard output."""

from __future__ import annotations

import errno
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path

from .errors import OutputError
from .files import require_replaceable

__all__ = ["STANDARD_OUTPUT", "output_file", "reason_and_advice", "try_to_write"]

STANDARD_OUTPUT = Path("-")
"""The name by which a command is given standard output in place of a file."""


@contextmanager
def output_file(path: Path, *, force: bool = False) -> Iterator[Path]:
    """Refuse an output that cannot be written, before the work that makes it.

    Parameters
    ----------
    path : Path
        The new file, or `STANDARD_OUTPUT`.
    force : bool
        Whether a file that exists may be replaced.

    Yields
    ------
    Path
        The file to write at the end of the work: `path`, or a temporary file that is then
        copied to standard output. Meanwhile, what is printed goes to standard error, so
        that standard output has the file alone.

    Raises
    ------
    OutputError
        If there is a file and `force` is not given; a folder, a device, a pipe or a link;
        or if the folder cannot be written.
    """
    if path == STANDARD_OUTPUT:
        with tempfile.TemporaryDirectory(prefix="gtzan-") as folder:
            temporary = Path(folder, "output")
            with redirect_stdout(sys.stderr):
                yield temporary
            # Bytes: the file is UTF-8 whatever the terminal is.
            sys.stdout.flush()
            sys.stdout.buffer.write(temporary.read_bytes())
        return
    require_replaceable(path)
    if path.exists() and not force:
        raise OutputError(
            f"{path}: is there already; name a file that does not exist yet, or replace it by "
            "--force."
        )
    _require_writable(path)
    yield path


def reason_and_advice(error: OSError) -> str:
    """Return why the system refused a file or a folder, and what to do about it.

    Parameters
    ----------
    error : OSError
        The error, `No space left on device` for example.

    Returns
    -------
    str
        One sentence, beginning with the file if the error names it.
    """
    place = f"{error.filename}: " if error.filename else ""
    advice = _ADVICE.get(error.errno or 0, "mend this and give the command again")
    return f"{place}{error.strerror or error}; {advice}."


def try_to_write(folder: str | Path) -> None:
    """Write a temporary file to a folder, or to where it would have to be made first.

    Parameters
    ----------
    folder : str or Path
        The folder; nothing is left in it.

    Raises
    ------
    OSError
        If no file can be written.
    """
    folder = Path(folder).absolute()
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    with tempfile.TemporaryFile(dir=folder):
        pass


def _require_writable(path: Path) -> None:
    try:
        try_to_write(path.absolute().parent)
    except OSError as error:
        raise OutputError(
            f"{path}: cannot be written ({error.strerror}); name a file in another folder."
        ) from error


_PLACE = "name another place, or set GTZAN_WORK to a folder of your own if this is the work folder"
_ADVICE = {
    errno.EACCES: _PLACE,
    errno.EPERM: _PLACE,
    errno.EROFS: _PLACE,
    errno.EEXIST: _PLACE,
    errno.ENOTDIR: _PLACE,
    errno.EISDIR: _PLACE,
    errno.ENOSPC: "make room on that disk and give the command again",
    errno.EDQUOT: "make room in your quota and give the command again",
    errno.ENAMETOOLONG: "give a shorter name",
    errno.EMFILE: "allow more open files with 'ulimit -n', or give fewer --jobs",
    errno.EPIPE: "its reader has gone",
}
