"""Tracks that may score a model: not those of its training, and the test part on request."""

import pandas as pd
import pytest

from gtzan_lib.data.corpus import Corpus
from gtzan_lib.data.loaders import gtzan
from gtzan_lib.errors import CorpusError, ModelError
from gtzan_lib.inference.image_model import ImageModel
from gtzan_lib.inference.model import Model
from gtzan_lib.inference.scored_tracks import tracks_to_score
from gtzan_lib.inference.training_tracks import find_test_tracks
from gtzan_lib.inference.zoo import load_model

VALIDATION = "tracks of the validation part, which may have chosen the epoch"


@pytest.fixture(scope="module")
def model() -> Model:
    """The model of the package, trained under GTZAN's official split."""
    return load_model("gtzan-scratch")


def gtzan_corpus(name: str = "gtzan", parts: tuple[str, ...] = ()) -> Corpus:
    """The table of GTZAN's tracks, or of some parts, and two tracks of other music."""
    facts = gtzan.facts()
    facts = facts[facts["partition"].isin(parts)] if parts else facts
    other = pd.DataFrame(index=pd.Index(["rock.mine", "rock.yours"], name=facts.index.name))
    tracks = pd.concat([facts, other]) if not parts else facts
    tracks = tracks.assign(genre=tracks.index.str.split(".").str[0], path="", duration_s=30.0)
    return Corpus(name, "/nowhere", tracks)


def parts_of(corpus: Corpus) -> dict[str, int]:
    return corpus.tracks["partition"].fillna("none").value_counts().to_dict()


def test_validation_part_scores_a_model_of_an_official_split(model):
    left, description = tracks_to_score(model, gtzan_corpus())
    # jazz.00054, which could not be read, was not trained on.
    assert parts_of(left) == {"valid": 197, "none": 2, "train": 1}
    assert description == VALIDATION


def test_test_part_scores_it_on_request(model):
    left, description = tracks_to_score(model, gtzan_corpus(), ask_test=True)
    assert parts_of(left) == {"test": 290, "none": 2, "train": 1}
    assert description == "tracks of the test part"


def test_other_music_is_unseen(model):
    corpus = gtzan_corpus().select(tracks=["rock.mine", "rock.yours"])
    for asks in (False, True):
        left, description = tracks_to_score(model, corpus, ask_test=asks)
        assert len(left) == 2
        assert description == "unseen tracks"


def test_composed_tracks_are_unseen(model):
    corpus = gtzan_corpus("synthetic")
    left, description = tracks_to_score(model, corpus)
    assert len(left) == len(corpus)
    assert description == "unseen tracks"


def test_models_of_other_protocols_are_scored_as_ever(model):
    card = {**model.card, "protocol": "artist"}
    other = ImageModel("other", card, model.net)
    corpus = gtzan_corpus()
    assert find_test_tracks(card, corpus) == []
    for asks in (False, True):
        left, description = tracks_to_score(other, corpus, ask_test=asks)
        assert list(left.tracks.index) == list(other.unseen(corpus).tracks.index)
        assert description == "unseen tracks"


def test_test_part_alone_leaves_nothing(model):
    corpus = gtzan_corpus(parts=("test",))
    with pytest.raises(CorpusError):
        tracks_to_score(model, corpus)
    assert len(tracks_to_score(model, corpus, ask_test=True).corpus) == 290


def test_model_without_its_tracks_is_refused(model):
    card = {key: value for key, value in model.card.items() if key != "trained_on"}
    with pytest.raises(ModelError, match="does not name its training tracks"):
        tracks_to_score(ImageModel("bare", card, model.net), gtzan_corpus())


def test_test_part_of_another_corpus_is_that_of_its_table(model):
    tracks = pd.DataFrame(
        {"genre": "rock", "path": "", "artist": None, "partition": ["train", "test", "valid"]},
        index=["rock.a", "rock.b", "rock.c"],
    )
    card = {"corpus": "mine", "protocol": "official"}
    assert find_test_tracks(card, Corpus("mine", "/nowhere", tracks)) == ["rock.b"]
    assert find_test_tracks(card, Corpus("yours", "/nowhere", tracks)) == []
