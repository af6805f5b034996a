"""Progress bars: on a terminal, and only there."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from typing import TypeVar

__all__ = ["progress_bar"]

T = TypeVar("T")


def progress_bar(
    steps: Iterable[T], description: str, total: int, *, show: bool = True
) -> Iterator[T]:
    """Pass steps on while a bar on standard error counts them.

    Parameters
    ----------
    steps : iterable
        What is counted.
    description : str
        Stands before the bar.
    total : int
        How many steps there will be.
    show : bool
        False keeps the bar away; it stays away, too, where standard error is no
        terminal, as in an executed notebook.

    Yields
    ------
    object
        The steps, unchanged.
    """
    if not (show and sys.stderr.isatty()):
        yield from steps
        return
    from rich.console import Console
    from rich.progress import track

    yield from track(steps, description, total, console=Console(stderr=True))
