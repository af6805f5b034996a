"""Progress bars on terminals."""

from __future__ import annotations

import sys
from collections.abc import Generator, Iterable
from contextlib import suppress
from typing import TypeVar

__all__ = ["progress_bar"]

T = TypeVar("T")


def progress_bar(
    steps: Iterable[T], description: str, total: int, *, show: bool = True
) -> Generator[T, None, None]:
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
        terminal, as in an executed notebook, nor where rich is not installed.

    Yields
    ------
    object
        The steps.
    """
    if show and sys.stderr.isatty():
        with suppress(ImportError):
            from rich.console import Console
            from rich.progress import track

            steps = track(steps, description, total, console=Console(stderr=True))
    yield from steps
