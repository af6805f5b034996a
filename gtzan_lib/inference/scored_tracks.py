"""Which tracks of a corpus may score a trained model."""

from __future__ import annotations

from typing import NamedTuple

from ..data.corpus import Corpus
from .model import Model
from .training_tracks import find_test_tracks, find_tracks, find_training_tracks

__all__ = ["ScoredTracks", "tracks_to_score"]


class ScoredTracks(NamedTuple):
    """Tracks for a score of a model.

    Attributes
    ----------
    corpus : Corpus
        The tracks.
    description : str
        What they are, such as `unseen tracks`.
    """

    corpus: Corpus
    description: str


def tracks_to_score(model: Model, corpus: Corpus, *, ask_test: bool = False) -> ScoredTracks:
    """Exclude the tracks of a corpus by which a model must not be scored.

    Parameters
    ----------
    model : Model
        From `load_model`.
    corpus : Corpus
        Any corpus.
    ask_test : bool
        Whether to score the test part, if the model was trained under an official split.

    Returns
    -------
    ScoredTracks
        All but the tracks that the model was trained or selected on. If its protocol is
        official and the test part is not asked for, all but the tracks of training and
        test part: those of the validation part stay.

    Raises
    ------
    CorpusError
        If no track is left.
    ModelError
        If the model's card does not name its training tracks.

    See Also
    --------
    gtzan_lib.inference.robustness.robustness_test : Scores the tracks, and notes the asking.
    """
    card = model.card
    if ask_test or card.get("protocol") != "official" or "trained_on" not in card:
        unseen = model.unseen(corpus)
        has_tests = bool(find_test_tracks(card, unseen))
        return ScoredTracks(unseen, "tracks of the test part" if has_tests else "unseen tracks")
    without_selection = {**card, "selected_on": []}
    excluded = find_training_tracks(without_selection, corpus) + find_test_tracks(card, corpus)
    left = corpus.exclude(excluded) if excluded else corpus
    if find_tracks(set(card["selected_on"]), card, left):
        return ScoredTracks(left, "tracks of the validation part, which may have chosen the epoch")
    return ScoredTracks(left, "unseen tracks")
