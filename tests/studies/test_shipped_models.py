"""How the models of the package are made, from composed material in GTZAN's form."""

import json
import shutil

import numpy as np
import pytest
import soundfile

from gtzan_lib.data.loaders import gtzan
from gtzan_lib.documents import CardDocument, RecordDocument, read_document
from gtzan_lib.errors import CorpusError
from gtzan_lib.evaluation.askings import read_askings
from gtzan_lib.evaluation.records import ExperimentRecord, predictions
from gtzan_lib.genres import GENRES
from gtzan_lib.inference import zoo
from gtzan_lib.inference.zoo import SHIPPED, load_model
from gtzan_lib.signal.degradations import DEGRADATIONS
from gtzan_lib.studies import shipped_models
from gtzan_lib.studies.shipped_models import ask_test_part, fit_tag_changes, port_agreement

from ..data.loaders.activations import write_activations

RATE = 22_050


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """GTZAN's tags and log-mels, composed, and the sound of three training tracks."""
    root = tmp_path_factory.mktemp("gtzan")
    for part in ("train", "test"):
        write_activations(root, part, patches=4)
    rng = np.random.default_rng(0)
    names = gtzan.facts().index.to_numpy(dtype=str)
    images = rng.integers(0, 255, (len(names), 128, 13), dtype=np.uint8)
    (root / "mel").mkdir()
    np.savez(root / "mel" / "gtzan_logmel_999.npz", X=images, names=names)
    partition = gtzan.facts()["partition"]
    (root / "mini").mkdir()
    for genre in ("blues", "jazz", "rock"):
        (root / "mini" / genre).mkdir()
        train = [name for name in names if name.startswith(genre) and partition[name] == "train"]
        valid = [name for name in names if name.startswith(genre) and partition[name] == "valid"]
        for name, seconds in ((train[0], 29.5), (valid[0], 4)):
            y = 0.1 * rng.standard_normal(round(seconds * RATE))
            soundfile.write(root / "mini" / genre / f"{name}.wav", y, RATE)
    return root


@pytest.fixture
def model():
    return load_model("gtzan-musicnn")


def test_changes_are_those_of_training_tracks(root, model, monkeypatch):
    seen = []
    of_samples = type(model).track_logits
    monkeypatch.setattr(
        type(model),
        "track_logits",
        lambda self, y, rate: seen.append(len(y) / rate) or of_samples(self, y[: 4 * rate], rate),
    )
    changes = fit_tag_changes(root, model)
    assert set(changes) == set(DEGRADATIONS)
    # Once as it is and once by degradation; never the validation tracks of 4 s.
    assert seen == [pytest.approx(29.5, abs=0.01)] * 3 * (1 + len(DEGRADATIONS))


def test_without_sound_there_are_no_changes(tmp_path, model):
    with pytest.raises(CorpusError, match="holds no sound of a training track of GTZAN"):
        fit_tag_changes(tmp_path, model)


def test_agreement_counts_whole_training_clips(root, model, monkeypatch):
    monkeypatch.setattr(type(model), "predict", lambda self, path: self)
    monkeypatch.setattr(type(model), "genre", "blues", raising=False)
    monkeypatch.setattr(type(model), "genre_of_tags", lambda self, logits: "blues")
    agreement = port_agreement(root, model)
    assert (agreement.value, agreement.n) == (1, 3)


def test_an_asking_is_noted_and_written_on_the_card(root, tmp_path, monkeypatch):
    folder = tmp_path / "zoo" / "gtzan-musicnn"
    shutil.copytree(SHIPPED / "gtzan-musicnn", folder)
    for module in (zoo, shipped_models):
        monkeypatch.setattr(module, "SHIPPED", tmp_path / "zoo")
    monkeypatch.chdir(tmp_path)
    evaluation = ask_test_part("gtzan-musicnn", root, chosen_by="composed tracks")
    (row,) = read_askings(tmp_path / "results/gtzan/test_access.csv").to_dict("records")
    assert (row["n"], row["chosen_by"]) == (290, "composed tracks")
    assert float(row["score"]) == pytest.approx(evaluation.accuracy().value, abs=1e-6)

    card = read_document(folder / "model.json", CardDocument)
    assert (card["part"], card["chosen_by"]) == ("test part", "composed tracks")
    clips, windows, grouped = card["accuracy"]
    assert (clips["n"], windows["n"], grouped["n"]) == (290, 580, 290)
    assert (clips["interval"], windows["interval"]) == ("wilson", "bootstrap over artists")
    assert clips["value"] == grouped["value"] == pytest.approx(evaluation.accuracy().value)
    assert [row["genre"] for row in card["by_genre"]] == sorted(GENRES)
    assert sum(row["n"] for row in card["by_genre"]) == 290
    # It is still a model, and its tags tell nothing of composed ones.
    assert load_model(folder).card["accuracy"] == card["accuracy"]

    file = folder / "gtzan-musicnn.json"
    assert ExperimentRecord.load(file).hash == card["record_sha256"]
    assert len(predictions(file)) == 290
    record = read_document(file, RecordDocument)
    assert str(root) not in json.dumps(record)
    assert "platform" not in record["provenance"]
