"""Keeping what was computed of a file for as long as neither file nor code changes."""

from __future__ import annotations

import dataclasses
import importlib.metadata
from collections.abc import Callable, Iterable
from pathlib import Path
from types import ModuleType
from typing import Any

from .files import source_digest

__all__ = ["Remembered"]


@dataclasses.dataclass(frozen=True)
class Remembered:
    """A function of a file whose results are kept in a folder.

    What was interrupted goes on where it stopped, and is quick the second time.

    Parameters
    ----------
    function : callable
        Takes the path of a file as text, and further arguments by name.
    folder : Path
        Keeps the results, of this function alone. Where nothing may be written, nothing is kept.
    code : str
        Digest of the code that the results come from.
    failed : callable, optional
        Tells whether a result is a failure, which may pass: it is not kept.

    See Also
    --------
    joblib.Memory : Does the keeping.
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
        modules: Iterable[ModuleType],
        *,
        packages: Iterable[str] = (),
        failed: Callable[[Any], bool] | None = None,
    ) -> Remembered:
        """Keep results while the source of modules and the versions of packages stay."""
        code = source_digest(module.__file__ for module in modules)
        versions = [f"{name}-{importlib.metadata.version(name)}" for name in packages]
        return cls(function, folder, "_".join([code, *versions]), failed)

    def __call__(self, path: str, **arguments: Any) -> Any:
        """Return the function's result for a file, from the folder where it is there."""
        import joblib

        try:
            status = Path(path).stat()
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError:
            return self.function(path, **arguments)
        kept = joblib.Memory(self.folder, verbose=0).cache(_compute, ignore=["function"])
        state = (status.st_size, status.st_mtime_ns, self.code)
        shelved = kept.call_and_shelve(self.function, path, state, arguments)
        try:
            result = shelved.get()
        except Exception:
            # What a crash left of a result may raise anything when it is read.
            shelved.clear()
            shelved = kept.call_and_shelve(self.function, path, state, arguments)
            result = shelved.get()
        if self.failed and self.failed(result):
            shelved.clear()
        return result


def _compute(
    function: Callable[..., Any], path: str, state: tuple[int, int, str], arguments: dict[str, Any]
) -> Any:
    """Compute a result; `state` tells the memory which file and code it is of."""
    return function(path, **arguments)
