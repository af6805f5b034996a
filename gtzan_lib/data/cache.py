"""A cache of results computed from files, valid while neither file nor code changes."""

from __future__ import annotations

import dataclasses
import importlib.metadata
import warnings
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from ..digests import package_digest

__all__ = ["FileCache"]

# On a disk that is slow for a moment, joblib advises against large arguments; there are none.
warnings.filterwarnings("ignore", "Persisting input arguments took", UserWarning)


@dataclasses.dataclass(frozen=True)
class FileCache:
    """A function of a file whose results are cached in a folder.

    An interrupted computation continues where it stopped, and a repeated one is quick.

    Parameters
    ----------
    function : callable
        Takes the path of a file as text, and further arguments by name.
    folder : Path
        Holds the results of this function alone. Where it cannot be written, nothing is
        cached.
    code : str
        Digest of the code that computes the results.
    failed : callable, optional
        Returns whether a result is a failure, which may be temporary and is not cached.

    See Also
    --------
    joblib.Memory : The cache itself.
    """

    function: Callable[..., Any]
    folder: Path
    code: str
    failed: Callable[[Any], bool] | None = None

    @classmethod
    def of(
        cls,
        function: Callable[..., Any],
        folder: Path,
        modules: Iterable[str],
        *,
        packages: Iterable[str] = (),
        failed: Callable[[Any], bool] | None = None,
    ) -> FileCache:
        """Cache results while the code of modules and the versions of packages stay the same."""
        code = package_digest(*modules)
        versions = [f"{name}-{importlib.metadata.version(name)}" for name in packages]
        return cls(function, folder, "_".join([code, *versions]), failed)

    def __call__(self, path: str, **arguments: Any) -> Any:
        """Return the function's result for a file, from the cache if possible."""
        import joblib

        try:
            status = Path(path).stat()
            self.folder.mkdir(parents=True, exist_ok=True)
            cached = joblib.Memory(self.folder, verbose=0).cache(_compute, ignore=["function"])
            state = (status.st_size, status.st_mtime_ns, self.code)
            shelved = cached.call_and_shelve(self.function, path, state, arguments)
        except OSError:
            # No such file, or a folder or a disk that cannot be written.
            return self.function(path, **arguments)
        try:
            result = shelved.get()
        except Exception:
            # Reading a result that a crash left incomplete may raise any error; on a full
            # disk there is none.
            shelved.clear()
            result = cached(self.function, path, state, arguments)
        if self.failed and self.failed(result):
            shelved.clear()
        return result


def _compute(
    function: Callable[..., Any], path: str, state: tuple[int, int, str], arguments: dict[str, Any]
) -> Any:
    """Compute a result; `state` identifies the file and the code to the cache."""
    return function(path, **arguments)
