"""Keeping what was computed of a file for as long as neither file nor code changes."""

from __future__ import annotations

import dataclasses
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

    See Also
    --------
    joblib.Memory : Does the keeping.
    """

    function: Callable[..., Any]
    folder: Path
    code: str

    @classmethod
    def of(
        cls, function: Callable[..., Any], folder: Path, modules: Iterable[ModuleType]
    ) -> Remembered:
        """Keep results in a folder while the source of these modules stays as it is."""
        return cls(function, folder, source_digest(module.__file__ for module in modules))

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
        return kept(self.function, path, state, arguments)


def _compute(
    function: Callable[..., Any], path: str, state: tuple[int, int, str], arguments: dict[str, Any]
) -> Any:
    """Compute a result; `state` tells the memory which file and code it is of."""
    return function(path, **arguments)
