"""The opening of a corpus without the tracks that should not be used."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from ..data.corpus import Corpus
from ..data.opening import open_corpus
from ..data.workspace import Workspace
from .check import check_health

__all__ = ["prepare_corpus"]


def prepare_corpus(
    source: str | Path = "synthetic",
    *,
    exclude: Iterable[str] = (),
    healthy: bool = True,
    work: Workspace | None = None,
    jobs: int = 1,
) -> Corpus:
    """Open a corpus, and leave out named tracks and those that the health check excludes.

    Parameters
    ----------
    source : str or Path
        As for `open_corpus`.
    exclude : iterable of str
        Ids of tracks to leave out.
    healthy : bool
        Whether to check the other tracks, and leave out unusable ones and all but one
        of the copies of a recording.
    work : Workspace, optional
        Where the synthetic corpus and all caches are stored. Default: `Workspace()`.
    jobs : int
        Number of threads of the check.

    Returns
    -------
    Corpus
        The remaining tracks.

    Raises
    ------
    CorpusError
        If the corpus cannot be opened, has no track of such an id, or nothing is left.

    Examples
    --------
    >>> import gtzan_lib as gl
    >>> corpus = gl.prepare_corpus("/data/gtzan", exclude=["jazz.00054"])  # doctest: +SKIP

    Notes
    -----
    The book page "Data health" shows what the check excludes.
    """
    corpus = open_corpus(source, work=work).exclude(exclude)
    return corpus.exclude(check_health(corpus, jobs=jobs)) if healthy else corpus
