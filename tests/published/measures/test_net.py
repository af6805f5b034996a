"""The step of one net, on made-up log-mels of GTZAN's clips."""

import numpy as np
import pandas as pd
import pytest
import torch

from gtzan_lib.data.loaders import gtzan
from gtzan_lib.data.splits import DataSplit
from gtzan_lib.errors import CorpusError, ModelError
from gtzan_lib.evaluation.askings import read_askings
from gtzan_lib.evaluation.records import ExperimentRecord, predictions
from gtzan_lib.evaluation.seeds import summarise_seeds
from gtzan_lib.published.measures import net
from gtzan_lib.published.measures.net import (
    part_of_artists,
    reads_tracks,
    shuffle,
    train_and_score,
)

from .made_up import task_on
from .made_up_nets import SMALL, train, write_log_mels


@pytest.fixture(scope="module")
def material(tmp_path_factory):
    return write_log_mels(tmp_path_factory.mktemp("net") / "gtzan")


def test_tables_and_record_of_one_seed(material, tmp_path):
    results = train(material, tmp_path, one={"title": "Mini, on mel", "seed": 3})
    assert results.step("one")["material"] == {"log-mels": 27}
    history = results.table("one", "history")
    assert history.index.tolist() == [1, 2]
    assert {"train_loss", "train_accuracy", "valid_loss", "valid_accuracy"} <= set(history)
    genres = results.table("one", "genres")
    assert genres["n"].tolist() == [3, 3, 3]
    (file,) = results.records("one").glob("*.json")
    assert file.stem == "mini-on-mel-seed-3"
    record = ExperimentRecord.load(file)
    assert record.title == "Mini, on mel"
    assert record.part == "validation part"
    assert record.result["examples"] == 3 * 4 * 3
    assert record.result["device"] == "cpu"
    assert record.provenance["seconds"] > 0
    table = predictions(file)
    parts = gtzan.facts()["partition"]
    assert set(parts.loc[table.index]) == {"valid"}
    recall = (table["predicted"] == table["genre"]).groupby(table["genre"]).mean()
    assert genres["recall"].to_dict() == pytest.approx(recall.to_dict(), abs=1e-5)


def test_a_second_run_gives_the_same_files(material, tmp_path, monkeypatch):
    noted = []
    for name in ("first", "second"):
        # Without the checkpoints of the other one.
        monkeypatch.setenv("GTZAN_WORK", str(tmp_path / name / "work"))
        files = train(material, tmp_path / name, one={}).step("one")["files"]
        noted.append({file: digest for file, digest in files.items() if ".json" not in file})
        assert len(noted[-1]) == 3
    assert noted[0] == noted[1]


def test_an_interrupted_training_resumes(material, tmp_path, monkeypatch):
    whole = train(material, tmp_path / "whole", one={}).table("one", "history")
    monkeypatch.setenv("GTZAN_WORK", str(tmp_path / "other"))
    task = task_on(material.root, tmp_path / "cut")
    epochs = []

    def stop(self, *args, **kwargs):
        epochs.append(len(args[0].history))
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("gtzan_lib.training.stopping.StopTraining.on_epoch_end", stop)
        with pytest.raises(KeyboardInterrupt):
            net.measure(task, **SMALL)
    assert epochs == [1]
    (checkpoint,) = (tmp_path / "other").rglob("*.safetensors")
    before = checkpoint.stat().st_mtime_ns
    results = train(material, tmp_path / "again", one={})
    assert checkpoint.stat().st_mtime_ns > before
    assert results.table("one", "history").equals(whole)


def test_seeds_belong_together(material, tmp_path):
    folder = tmp_path / "records"
    for seed in (0, 1):
        task = task_on(material.root, tmp_path / str(seed))
        net.measure(task, **SMALL, seed=seed)
        folder.mkdir(exist_ok=True)
        for file in (task.folder / "records").iterdir():
            file.rename(folder / file.name)
    (summary,) = summarise_seeds(folder).values()
    assert list(summary.accuracies) == [0, 1]


def test_shares_of_the_artists_contain_each_other():
    table = pd.DataFrame(
        {
            "window_id": [f"w{number}" for number in range(26)],
            "track_id": [f"t{number // 2}" for number in range(26)],
            "genre": ["pop"] * 16 + ["metal"] * 10,
            "artist": [*"aabbccddaabbccdd", *"eeee", *[""] * 4, *"ff"],
            "fold_0": ["train"] * 24 + ["valid"] * 2,
        }
    )
    split = DataSplit("official", table, {})
    found = {}
    for share in (0.1, 0.25, 0.5, 1.0):
        part = part_of_artists(split, share, 3)
        assert part.folds[0].valid.tolist() == [24, 25]
        rows = table.iloc[part.folds[0].train]
        assert set(rows["genre"]) == {"pop", "metal"}
        found[share] = set(rows["window_id"])
        # All tracks of an artist, or none.
        counts = rows[rows["artist"] != ""].groupby("artist").size()
        assert (
            counts == table[table["fold_0"] == "train"].groupby("artist").size()[counts.index]
        ).all()
    assert found[0.1] == found[0.25] < found[0.5] < found[1.0]
    # Two of four artists; two of the three: one artist, and two tracks without one.
    assert len(table.set_index("window_id").loc[sorted(found[0.5])].query("genre == 'pop'")) == 8
    assert found[1.0] == set(table["window_id"][:24])
    assert part_of_artists(split, 0.5, 3).hash != part_of_artists(split, 0.5, 4).hash


def test_a_record_tells_what_a_share_is(material, tmp_path):
    results = train(material, tmp_path, half={"share": 0.5}, whole={})
    for name in ("half", "whole"):
        (file,) = results.records(name).glob("*.json")
        found = ExperimentRecord.load(file).result
        assert found["examples"] == 3 * found["train_tracks"]
        assert found["train_tracks"] == (12 if name == "whole" else found["train_tracks"])
        assert found["train_artists"] <= found["train_tracks"] <= 12


def test_asking_the_test_part_is_noted_and_trains_nothing_again(material, tmp_path, monkeypatch):
    results = train(material, tmp_path, one={})
    settings = results.step("one")["settings"]
    task = task_on(material.root, tmp_path / "asked")
    noted = tmp_path / "askings.csv"
    monkeypatch.setattr("gtzan_lib.training.stopping.StopTraining.on_epoch_end", None)
    trained = train_and_score(task, settings, ask_test=True, chosen_by="nothing", test_access=noted)
    assert trained.evaluation.part == "test"
    (fitted,) = trained.evaluation.estimators
    assert fitted.history_.set_index("epoch")["train_loss"].tolist() == pytest.approx(
        results.table("one", "history")["train_loss"].tolist(), rel=1e-5
    )
    (asking,) = read_askings(noted).itertuples()
    assert (asking.n, asking.chosen_by) == (3, "nothing")
    assert asking.description == "MiniVGG: minivgg, seed 0"


def test_threads_are_those_of_the_setting_and_restored(material, tmp_path, monkeypatch):
    used = []

    def stop(*args, **settings):
        used.append(torch.get_num_threads())
        raise ModelError("stop.")

    monkeypatch.setattr(net, "evaluate", stop)
    with pytest.raises(ModelError, match="stop"):
        net.measure(task_on(material.root, tmp_path / "x"), **{**SMALL, "threads": 2})
    assert used == [2]
    assert torch.get_num_threads() == 1


def test_material_without_images(tmp_path):
    material = write_log_mels(tmp_path / "gtzan")
    task = task_on(material.root, tmp_path / "x")
    task.material.places.clear()
    with pytest.raises(CorpusError, match="has no a file of log-mel images or whole clips"):
        net.measure(task)


@pytest.mark.parametrize(("shape", "axis"), [((5, 3, 8), 2), ((5, 6, 3, 4), 1)])
def test_the_control_has_the_same_parts_in_another_order(shape, axis):
    images = np.arange(np.prod(shape)).reshape(shape)
    shuffled = shuffle(images, 1)
    assert not np.array_equal(shuffled, images)
    assert np.array_equal(np.sort(shuffled, axis=axis), images)
    # Whole columns, or whole windows, are moved.
    flat = np.moveaxis(shuffled, axis, 1).reshape(shape[0], shape[axis], -1)
    steps = np.diff(flat, axis=2)
    assert (steps == steps[:, :1]).all()
    assert not np.array_equal(flat[0] - flat[0].min(), flat[1] - flat[1].min())
    assert np.array_equal(shuffle(images, 1), shuffled)
    assert not np.array_equal(shuffle(images, 2), shuffled)


def test_which_nets_read_tracks():
    assert reads_tracks("tracknet")
    assert not reads_tracks("crnn")
