"""What a copy of GTZAN holds: sound, log-mels, tables of features, published tags."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from pathlib import Path

from ..data import logmels, tables
from ..data.corpus import Corpus
from ..data.loaders import gtzan
from ..data.opening import find_tracks, open_corpus
from ..data.workspace import Workspace
from ..errors import CorpusError

__all__ = ["KINDS", "Material", "find_material"]

KINDS = {
    "sound": "whole clips of 30 s",
    "excerpts": "excerpts of clips, of 3 s",
    "log-mels": "a file of log-mel images",
    "features-30s": "Kaggle's table of features, one row a clip",
    "features-3s": "Kaggle's table of features, one row for 3 s",
    "tags": "MusiCNN's tags of the training part, as published",
}
"""Kinds of material."""

# Folders of sound below the root, in the layouts of Kaggle, Marsyas and mirdata.
_SOUND = ("genres_original", "Data/genres_original", "genres", "gtzan_genre/genres", "mini", "")
_EXCERPTS = ("clips3s",)
_LOG_MELS = ("*.npz", "mel/*.npz")
_FEATURES = ("", "Data/", "features/", "features_original/")
_TAGS = "musicnn/msd_musicnn_taggram_train443.npz"


@dataclasses.dataclass(frozen=True)
class Material:
    """The parts of a copy of GTZAN.

    Attributes
    ----------
    root : Path
        The folder that was looked into.
    places : dict of str to Path
        Where each kind of material is; only those of `KINDS` that are there.
    tracks : dict of str to int
        Number of tracks of each of them.
    """

    root: Path
    places: dict[str, Path]
    tracks: dict[str, int]

    def __contains__(self, kind: str) -> bool:
        return kind in self.places

    def first(self, kinds: Iterable[str]) -> str | None:
        """Return the first of some kinds that is there; None if there is none."""
        return next((kind for kind in kinds if kind in self.places), None)

    def open(self, kind: str, work: Workspace) -> Corpus:
        """Open one kind of material as a corpus.

        Parameters
        ----------
        kind : str
            One of `KINDS` but `tags`.
        work : Workspace
            Where caches are stored.

        Returns
        -------
        Corpus
            Its tracks.

        Raises
        ------
        CorpusError
            If it is not there, or cannot be opened.
        """
        if kind not in self.places:
            raise CorpusError(
                f"{self.root}: has no {KINDS[kind]}; add it, or leave out the step that needs it."
            )
        return open_corpus(self.places[kind], work=work)

    def described(self, kind: str) -> str:
        """Return a kind of material in words, with its number of tracks."""
        return f"{KINDS[kind]} ({self.tracks[kind]} tracks)"


def find_material(root: str | Path) -> Material:
    """Look what a copy of GTZAN holds.

    Parameters
    ----------
    root : str or Path
        Kaggle's download, a folder of genres, or a folder with any of `genres_original`,
        `genres`, `mini`, `clips3s`, `mel`, `features` and `musicnn`.

    Returns
    -------
    Material
        All that is there. Nothing is decoded.

    Raises
    ------
    CorpusError
        If the folder is missing, or holds nothing of GTZAN.
    """
    root = Path(root).expanduser().absolute()
    if not root.is_dir():
        raise CorpusError(
            f"{root}: there is no such folder; name a copy of GTZAN. {gtzan.ABOUT.how_to_get}."
        )
    places: dict[str, Path] = {}
    tracks: dict[str, int] = {}
    for kind, names in {"sound": _SOUND, "excerpts": _EXCERPTS}.items():
        counted = {root / name: _number_of_clips(root / name) for name in names}
        place = max(counted, key=lambda one: counted[one])
        if counted[place]:
            places[kind], tracks[kind] = place, counted[place]
    for file in (file for pattern in _LOG_MELS for file in sorted(root.glob(pattern))):
        ids = logmels.read(file).names
        if gtzan.are_mostly_gtzan(ids, [track_id.split(".")[0] for track_id in ids]):
            places["log-mels"], tracks["log-mels"] = file, len(ids)
    for kind, pattern in {"features-30s": "*30_sec*.csv", "features-3s": "*3_sec*.csv"}.items():
        for file in (file for name in _FEATURES for file in sorted(root.glob(name + pattern))):
            table = tables.read_table(file)
            count = table["track_id"].nunique()
            if count > tracks.get(kind, 0):
                places[kind], tracks[kind] = file, count
    if (root / _TAGS).is_file():
        places["tags"], tracks["tags"] = root / _TAGS, 443
    if not places:
        raise CorpusError(
            f"{root}: holds nothing of GTZAN; expected {', '.join(filter(None, _SOUND))}, mel, "
            f"features or musicnn in it. {gtzan.ABOUT.how_to_get}."
        )
    return Material(root, places, tracks)


def _number_of_clips(folder: Path) -> int:
    """Return the number of GTZAN's clips in a folder; 0 if it is no corpus of them."""
    if not folder.is_dir():
        return 0
    try:
        found = find_tracks(folder)
    except CorpusError:
        return 0
    return len(found.tracks) if found.name == "gtzan" else 0
