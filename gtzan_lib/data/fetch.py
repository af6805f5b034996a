"""Download of GTZAN, and comparison with Kaggle's files."""

from __future__ import annotations

import shutil
from pathlib import Path

import pandas as pd

from ..errors import CorpusError
from ..files import atomic_folder, is_free
from .archives import unpack
from .corpus import Corpus
from .loaders import gtzan
from .opening import open_corpus

__all__ = ["HANDLE", "fetch", "verify"]

HANDLE = "andradaolteanu/gtzan-dataset-music-genre-classification"
"""Kaggle's name of the data set."""


def fetch(folder: str | Path, *, archive: str | Path | None = None) -> Path:
    """Download GTZAN from Kaggle, or unpack an archive of it.

    Parameters
    ----------
    folder : str or Path
        The new folder; it must not exist, or be empty. kagglehub downloads into
        its own cache first, where an interrupted download continues.
    archive : str or Path, optional
        A zip or tar file from any source, which is unpacked instead of
        downloading.

    Returns
    -------
    Path
        The folder, ready for `open_corpus`.

    Raises
    ------
    CorpusError
        If kagglehub is not installed, the download fails, or the archive is
        damaged or unsafe.

    Notes
    -----
    The book page "Getting GTZAN" describes other ways.
    """
    folder = Path(folder).expanduser()
    if archive is not None:
        return unpack(archive, folder)
    try:
        import kagglehub
    except ImportError as error:
        raise CorpusError(
            "downloading needs the package kagglehub, which is not installed; run "
            "python -m pip install kagglehub, or download in the browser and pass --archive FILE."
        ) from error
    if not is_free(folder):
        raise CorpusError(f"{folder}: already exists; name a new folder.")
    try:
        cached = kagglehub.dataset_download(HANDLE)
        with atomic_folder(folder) as partial:
            shutil.copytree(cached, partial, dirs_exist_ok=True)
    except Exception as error:  # of the network, the server or a missing account
        reason = " ".join(str(error).split()) or type(error).__name__
        raise CorpusError(
            f"{folder}: the download from Kaggle failed ({reason[:200].rstrip('.')}); run the "
            "command again, or download in the browser and pass --archive FILE."
        ) from error
    return folder


def verify(corpus: Corpus | str | Path) -> pd.Series:
    """Compare files with Kaggle's, byte by byte.

    Parameters
    ----------
    corpus : Corpus, str or Path
        GTZAN.

    Returns
    -------
    pd.Series
        For each of GTZAN's 1000 tracks `same`, `differs` or `missing`, and
        `unknown` for tracks that GTZAN does not have. Files in another format
        differ; the health check compares their samples.
    """
    if not isinstance(corpus, Corpus):
        corpus = open_corpus(corpus)
    known = gtzan.facts()["wav_sha256"]
    sums = corpus.checksums()
    states = pd.Series("missing", index=known.index, name="state", dtype=object)
    shared = known.index.intersection(sums.index)
    same = known[shared].to_numpy() == sums[shared].to_numpy()
    states[shared] = ["same" if equal else "differs" for equal in same]
    unknown = pd.Series("unknown", index=sums.index.difference(known.index), dtype=object)
    return pd.concat([states, unknown]).rename("state").rename_axis("track_id")
