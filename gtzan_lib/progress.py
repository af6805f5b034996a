"""Progress bars on terminals."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from typing import TypeVar

__all__ = ["progress_bar"]

T = TypeVar("T")


def progress_bar(
    steps: Iterable[T], description: str, total: int, *, show: bool = True
) -> Iterator[T]:
    """Iterate over steps and show a progress bar on standard error.

    Parameters
    ----------
    steps : iterable
        Steps to count.
    description : str
        Text before the bar.
    total : int
        Number of steps.
    show : bool
        Whether to show the bar. It is never shown where standard error is not a
        terminal, as in an executed notebook.

    Yields
    ------
    object
        The steps.
    """
    if not (show and sys.stderr.isatty()):
        yield from steps
        return
    from rich.console import Console
    from rich.progress import track

    yield from track(steps, description, total, console=Console(stderr=True))
