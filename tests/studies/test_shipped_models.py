"""How the models of the package are made, from composed material in GTZAN's form."""

import json
import shutil

import numpy as np
import pytest
import soundfile
import typer
from typer.testing import CliRunner

from gtzan_lib.data.loaders import gtzan
from gtzan_lib.documents import CardDocument, RecordDocument, read_document
from gtzan_lib.errors import CorpusError, ModelError, ParameterError
from gtzan_lib.evaluation.askings import read_askings
from gtzan_lib.evaluation.records import ExperimentRecord, predictions
from gtzan_lib.genres import GENRES
from gtzan_lib.inference import zoo
from gtzan_lib.inference.zoo import SHIPPED, load_model
from gtzan_lib.signal.degradations import DEGRADATIONS
from gtzan_lib.studies import shipped_models
from gtzan_lib.studies.shipped_models import ask_test_part, fit_tag_changes, main, port_agreement

from ..data.loaders.activations import write_activations

RATE = 22_050
LOG_MELS = "mel/gtzan_logmel_999.npz"
TRAINING_TAGS = "musicnn/msd_musicnn_taggram_train443.npz"
TEST_TAGS = "musicnn/msd_musicnn_taggram_test290.npz"
# Below the project's root.
PUBLISHED = "results/gtzan/test_access.csv"


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
def package(tmp_path, monkeypatch):
    """A copy of the models of the package, and a current folder that is no project."""
    folder = tmp_path / "zoo"
    shutil.copytree(SHIPPED, folder)
    for module in (zoo, shipped_models):
        monkeypatch.setattr(module, "SHIPPED", folder)
    monkeypatch.chdir(tmp_path)
    return folder


def contents(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


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


@pytest.mark.parametrize("chosen_by", ["", "composed tracks"])
def test_an_asking_changes_nothing_in_the_package(root, package, work, tmp_path, chosen_by):
    before = contents(package)
    evaluation = ask_test_part("gtzan-musicnn", root, chosen_by=chosen_by)
    assert contents(package) == before
    assert not (tmp_path / PUBLISHED).exists()
    (row,) = read_askings(work / "test_access.csv").to_dict("records")
    card = read_document(package / "gtzan-musicnn/model.json", CardDocument)
    assert (row["n"], row["chosen_by"]) == (290, chosen_by or card["chosen_by"])
    assert row["chosen_by"]
    assert float(row["score"]) == pytest.approx(evaluation.accuracy().value, abs=1e-6)


def test_an_asking_that_is_published_is_written_on_the_card(root, package, work, tmp_path):
    folder, others = package / "gtzan-musicnn", contents(package / "gtzan-scratch")
    evaluation = ask_test_part("gtzan-musicnn", root, chosen_by="composed tracks", publish=True)
    (row,) = read_askings(tmp_path / PUBLISHED).to_dict("records")
    assert (row["n"], row["chosen_by"]) == (290, "composed tracks")
    assert float(row["score"]) == pytest.approx(evaluation.accuracy().value, abs=1e-6)
    assert not (work / "test_access.csv").exists()
    assert contents(package / "gtzan-scratch") == others

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


@pytest.mark.parametrize("chosen_by", ["", " "])
def test_what_is_published_says_what_it_was_chosen_by(root, package, work, tmp_path, chosen_by):
    before = contents(package)
    with pytest.raises(ParameterError, match="give --chosen-by with --publish"):
        ask_test_part("gtzan-musicnn", root, chosen_by=chosen_by, publish=True)
    assert contents(package) == before
    assert not (work / "test_access.csv").exists()
    assert not (tmp_path / PUBLISHED).exists()


@pytest.mark.parametrize(
    ("name", "needed"),
    [("gtzan-scratch", [LOG_MELS]), ("gtzan-musicnn", [LOG_MELS, TRAINING_TAGS, TEST_TAGS])],
)
def test_missing_files_are_named_before_anything_is_asked(package, work, tmp_path, name, needed):
    gtzan_root = tmp_path / "gtzan"
    with pytest.raises(CorpusError, match=f"gtzan: lacks {' and '.join(needed)};"):
        ask_test_part(name, gtzan_root)
    for missing in needed:
        for file in needed:
            (gtzan_root / file).parent.mkdir(parents=True, exist_ok=True)
            (gtzan_root / file).touch()
        (gtzan_root / missing).unlink()
        with pytest.raises(CorpusError, match=f"gtzan: lacks {missing};"):
            ask_test_part(name, gtzan_root)
    assert not (work / "test_access.csv").exists()


def test_only_models_of_the_package_are_asked_about(root, package, work):
    with pytest.raises(ModelError, match="choose one of gtzan-musicnn, gtzan-scratch"):
        ask_test_part("quick/pooled-mel", root)
    assert not (work / "test_access.csv").exists()


@pytest.fixture
def call():
    """The command, as `python -m gtzan_lib.studies.shipped_models` calls it."""
    app = typer.Typer()
    app.command()(main)
    return lambda *arguments: CliRunner().invoke(app, [*map(str, arguments)])


def test_the_command_prints_score_and_list(root, package, work, call):
    before = contents(package)
    done = call(root, "--ask", "gtzan-musicnn")
    assert done.exit_code == 0
    score, noted = done.output.splitlines()
    assert "n = 290), test part" in score
    assert noted == f"noted in {work / 'test_access.csv'}"
    assert contents(package) == before


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--ask", "gtzan-scratch"], f"gtzan: lacks {LOG_MELS};"),
        (["--ask", "gtzan-scratch", "--publish"], "give --chosen-by with --publish"),
        (["--publish", "--chosen-by", "composed tracks"], "need --ask with a model's name"),
        (["--chosen-by", "composed tracks"], "need --ask with a model's name"),
        ([], f"gtzan: lacks {LOG_MELS} and {TRAINING_TAGS};"),
    ],
)
def test_the_command_refuses_bad_input_in_one_sentence(
    package, tmp_path, call, monkeypatch, options, sentence
):
    for training in ("train_scratch", "train_musicnn"):
        monkeypatch.setattr(shipped_models, training, lambda *_: pytest.fail("it trains"))
    done = call(tmp_path / "gtzan", *options)
    assert done.exit_code == 1
    (line,) = done.output.splitlines()
    assert line.startswith("error: ")
    assert sentence in line
