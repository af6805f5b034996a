"""Which tracks of a corpus a model has met in its training, by their ids and by their sound."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from ..data.corpus import Corpus
from ..data.loaders import gtzan
from ..health.check import inspector

__all__ = ["find_training_tracks"]


def find_training_tracks(card: dict[str, Any], corpus: Corpus) -> list[str]:
    """Return the tracks that a model was trained or selected on, and copies of them.

    Parameters
    ----------
    card : dict
        The model's card, with `corpus`, `protocol`, `trained_on` and `selected_on`.
    corpus : Corpus
        Any corpus.

    Returns
    -------
    list of str
        Ids of the corpus. These are the tracks that the card lists; if its protocol is
        official, those that the published split drops, of which some are copies of
        others; files with the same bytes as one of these; and, for a model of GTZAN,
        files with the samples of one of these, or of a clip that it was trained on,
        whatever they are called.
    """
    tracks = corpus.tracks
    used = {*card["trained_on"], *card["selected_on"]}
    if card["protocol"] == "official":
        used |= set(tracks.index[tracks["partition"] == "dropped"])
        if card["corpus"] == "gtzan":
            facts = gtzan.facts()
            used |= set(facts.index[facts["partition"] == "dropped"])
    found = np.zeros(len(tracks), dtype=bool)
    # Composed tracks have GTZAN's ids, and are other music.
    if (corpus.name == "synthetic") == (card["corpus"] == "synthetic"):
        found |= tracks.index.isin(used)
    if corpus.has_audio and corpus.name != "synthetic":
        if card["corpus"] == "gtzan":
            found |= _have_samples_of(used, corpus, found)
        if found.any():
            found |= _have_bytes_of(corpus, found)
    return tracks.index[found].tolist()


def _have_samples_of(used: set[str], corpus: Corpus, found: np.ndarray) -> np.ndarray:
    """Return which tracks have the samples of one of GTZAN's clips, or of a track found.

    Only tracks as long as one of these are decoded.
    """
    tracks, facts = corpus.tracks, gtzan.facts()
    clips = facts[facts.index.isin(used)]
    lengths = (gtzan.durations()[clips.index] * gtzan.SAMPLE_RATE).round()
    frames = (tracks["duration_s"] * tracks["sample_rate"].astype(float)).round()
    compared = ~found & (frames.isin(lengths) | frames.isin(frames[found])).to_numpy()
    if corpus.name == "gtzan":
        # Those with names of GTZAN's clips are what they are called.
        compared &= ~tracks.index.isin(facts.index)
    inspect = inspector(corpus.work)

    def samples_of(chosen: np.ndarray) -> pd.Series:
        paths = tracks["path"][chosen]
        return pd.Series([inspect(path).facts.get("sha256") for path in paths], dtype=object)

    alike = found & frames.isin(frames[compared]).to_numpy()
    known = {*clips["wav_sha256"], *samples_of(alike).dropna()}
    result = np.zeros(len(tracks), dtype=bool)
    result[compared] = samples_of(compared).isin(known)
    return result


def _have_bytes_of(corpus: Corpus, found: np.ndarray) -> np.ndarray:
    """Return which tracks have the same bytes as one of those found."""
    digests = corpus.checksums().reindex(corpus.tracks.index)
    return (digests.notna() & digests.isin(digests[found].dropna())).to_numpy()
