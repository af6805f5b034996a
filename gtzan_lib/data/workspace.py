"""Folders for the files of a run."""

from __future__ import annotations

import os
import re
from pathlib import Path

from ..errors import RunError
from ..files import file_stem

__all__ = ["Workspace"]


class Workspace:
    """The folder `work/<run>/` and its sub-folders.

    Each run has its own folder, so that runs are independent of each other.

    Parameters
    ----------
    run : str
        Name of the run: letters, digits, `.`, `_` and `-`.
    root : str or Path, optional
        Folder that holds the runs. Default: the environment variable
        `GTZAN_WORK`, else `work` in the current folder.

    Examples
    --------
    >>> import gtzan_lib as gl
    >>> gl.Workspace("quick", root="/tmp/w").records.as_posix()
    '/tmp/w/quick/records'
    """

    def __init__(self, run: str = "manual", root: str | Path | None = None) -> None:
        if not re.fullmatch(r"\w[\w.-]*", run) or file_stem(run) != run:
            raise RunError(
                f"{run!r} cannot name a run; use letters, digits, '.', '_' and '-', "
                "beginning with a letter or a digit."
            )
        self.run = run
        self.root = Path(root or os.environ.get("GTZAN_WORK") or "work").absolute()
        self.path = self.root / run

    def __repr__(self) -> str:
        return f"Workspace({self.run!r}, root={str(self.root)!r})"

    @property
    def corpus(self) -> Path:
        """The run's synthetic corpus."""
        return self.path / "corpus"

    @property
    def stores(self) -> Path:
        """One folder per spectrogram store."""
        return self.path / "stores"

    @property
    def splits(self) -> Path:
        """One CSV file per split."""
        return self.path / "splits"

    @property
    def models(self) -> Path:
        """One folder per trained model."""
        return self.path / "models"

    @property
    def checkpoints(self) -> Path:
        """One folder per experiment, for resuming interrupted training."""
        return self.path / "checkpoints"

    @property
    def records(self) -> Path:
        """One JSON file per experiment, with its predictions beside it."""
        return self.path / "records"

    @property
    def takes(self) -> Path:
        """One folder per recording."""
        return self.path / "takes"

    @property
    def executed(self) -> Path:
        """The executed notebooks."""
        return self.path / "executed"

    @property
    def partial(self) -> Path:
        """Notebooks that are being executed, or that failed."""
        return self.path / "partial"

    @property
    def site(self) -> Path:
        """The staged sources and the built pages of the book."""
        return self.path / "site"

    @property
    def test_access(self) -> Path:
        """The list of test parts that were scored, shared by all runs."""
        return self.root / "test_access.csv"

    @property
    def checksums(self) -> Path:
        """Cached checksums of audio files, shared by all runs."""
        return self.root / ".checksums"

    @property
    def tags(self) -> Path:
        """Cached tags of audio files, shared by all runs."""
        return self.root / ".tags"

    @property
    def layers(self) -> Path:
        """Cached layers of a net for audio files, shared by all runs."""
        return self.root / ".layers"

    @property
    def inspections(self) -> Path:
        """Cached measurements of audio files, shared by all runs."""
        return self.root / ".inspections"

    @property
    def features(self) -> Path:
        """Cached features of audio files, shared by all runs."""
        return self.root / ".features"
