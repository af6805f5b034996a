"""Which tracks of a corpus are in a part of a model's split, by their ids and by their sound."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from ..data.corpus import Corpus
from ..data.loaders import gtzan
from ..health.check import inspector

__all__ = ["find_test_tracks", "find_tracks", "find_training_tracks"]


def find_test_tracks(card: dict[str, Any], corpus: Corpus) -> list[str]:
    """Return the tracks in the test part of the official split of a model, and copies of them.

    Parameters
    ----------
    card : dict
        The model's card.
    corpus : Corpus
        Any corpus.

    Returns
    -------
    list of str
        Ids of the corpus; none if the model was trained under another protocol.
    """
    if card.get("protocol") != "official":
        return []
    tracks, tests = corpus.tracks, set()
    if corpus.name == card["corpus"]:
        tests |= set(tracks.index[tracks["partition"] == "test"])
    if card["corpus"] == "gtzan":
        facts = gtzan.facts()
        tests |= set(facts.index[facts["partition"] == "test"])
    return find_tracks(tests, card, corpus)


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
    used = {*card["trained_on"], *card["selected_on"]}
    if card["protocol"] == "official":
        tracks = corpus.tracks
        used |= set(tracks.index[tracks["partition"] == "dropped"])
        if card["corpus"] == "gtzan":
            facts = gtzan.facts()
            used |= set(facts.index[facts["partition"] == "dropped"])
    return find_tracks(used, card, corpus)


def find_tracks(listed: set[str], card: dict[str, Any], corpus: Corpus) -> list[str]:
    """Return the tracks of a corpus that are some of the training corpus, and copies of them.

    Parameters
    ----------
    listed : set of str
        Ids of the corpus that the model was trained on.
    card : dict
        The model's card, with `corpus`.
    corpus : Corpus
        Any corpus.

    Returns
    -------
    list of str
        Ids of the corpus; `find_training_tracks` says what counts as a copy.
    """
    tracks = corpus.tracks
    found = np.zeros(len(tracks), dtype=bool)
    # Composed tracks have GTZAN's ids, and are other music.
    if (corpus.name == "synthetic") == (card["corpus"] == "synthetic"):
        found |= tracks.index.isin(listed)
    if corpus.has_audio and corpus.name != "synthetic":
        if card["corpus"] == "gtzan":
            found |= _have_samples_of(listed, corpus, found)
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
