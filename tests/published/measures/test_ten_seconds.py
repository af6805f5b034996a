"""The step of the reshuffled test part, on made-up log-mels of GTZAN's clips."""

import math

import numpy as np
import pandas as pd
import pytest

from gtzan_lib.data.corpus import Corpus
from gtzan_lib.data.loaders import gtzan
from gtzan_lib.errors import SplitError
from gtzan_lib.published.measures import ten_seconds
from gtzan_lib.published.measures.ten_seconds import (
    CHOICES,
    TrainedInPlace,
    difference,
    new_artists,
)
from gtzan_lib.stats import Score
from gtzan_lib.studies.reshuffle import reshuffle

from .made_up import read, task_on
from .made_up_nets import write_log_mels

SMALL = {"height": 16, "width": 12, "epochs": 2}


class _List(Corpus):
    """Tracks without files."""

    fingerprint = "made up"


@pytest.fixture(scope="module")
def task(tmp_path_factory):
    """The step on a few clips of three genres, done."""
    folder = tmp_path_factory.mktemp("ten-seconds")
    material = write_log_mels(folder / "gtzan", train=6, valid=4)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ten_seconds, "_ARGUMENTS", {"channels": [2, 4]})
        patch.setenv("GTZAN_WORK", str(folder / "work"))
        done = task_on(material.root, folder / "results")
        ten_seconds.measure(done, **SMALL)
    return done


def test_all_tables_are_written(task):
    names = {file.stem for file in task.folder.glob("*.csv")}
    assert names == {"scores", "differences", "training", "fit"}
    scores = read(task.folder, "scores")
    assert scores.index.tolist() == list(CHOICES.values())
    assert (scores["low"] <= scores["value"]).all()
    assert (scores["value"] <= scores["high"]).all()
    assert scores.loc["tracks by new artists", "interval"] == "bootstrap over artists"
    training = read(task.folder, "training")
    assert training.index.tolist() == [1, 2]
    assert {"train_loss", "train_accuracy", "valid_accuracy"} <= set(training)


def test_neither_the_test_part_nor_copies_are_used(task):
    (store,) = task.work.stores.glob("*/windows.csv")
    drawn = pd.read_csv(store)["track_id"].unique()
    parts = gtzan.facts()["partition"].loc[drawn]
    assert parts.value_counts().to_dict() == {"train": 18, "valid": 12}


def test_windows_of_all_parts_add_up(task):
    fit, scores = read(task.folder, "fit").loc["MiniVGG"], read(task.folder, "scores")
    # Five windows of 10 s every 5 s are in a clip of 30 s.
    assert fit["windows"] == 5 * fit["tracks"] == 5 * 18
    assert sum(fit[part] for part in ("train", "valid", "test", "unseen")) == fit["windows"]
    # One track of six in each genre is held out.
    assert fit["unseen"] == 5 * 3
    assert scores.loc["tracks by new artists", "n"] == 5 * fit["new_tracks"]
    assert scores.loc["test part drawn again", "n"] == fit["test"]
    assert (fit["height"], fit["width"], fit["epochs"]) == (16, 12, 2)


def test_expected_score_is_the_mean_of_all_divided_windows(task):
    fit, scores = read(task.folder, "fit").loc["MiniVGG"], read(task.folder, "scores")["value"]
    parts = {"train": "training part", "valid": "validation part", "test": "test part as saved"}
    correct = sum(fit[field] * scores[name] for field, name in parts.items())
    windows = sum(fit[field] for field in parts)
    assert fit["expected"] == pytest.approx(correct / windows, abs=1e-5)
    assert scores["test part drawn again"] == pytest.approx(fit["expected"], abs=0.02)


def test_differences_are_those_of_the_scores(task):
    values = read(task.folder, "scores")["value"]
    differences = read(task.folder, "differences")
    assert len(differences) == 3
    for first, row in differences.iterrows():
        assert row["points"] == pytest.approx(values[first] - values[row["second"]], abs=1e-5)
        assert row["low"] <= row["points"] <= row["high"]


def test_a_second_run_gives_the_same_files(task, tmp_path, monkeypatch):
    monkeypatch.setattr(ten_seconds, "_ARGUMENTS", {"channels": [2, 4]})
    again = task_on(task.material.root, tmp_path / "results")
    ten_seconds.measure(again, **SMALL)
    for file in task.folder.glob("*.csv"):
        assert file.read_bytes() == (again.folder / file.name).read_bytes(), file.name


def test_the_net_that_is_passed_is_the_one_that_is_trained():
    """A net that learns a window by heart is scored as such by whoever passed it."""
    rng = np.random.default_rng(0)
    track_ids = [f"{genre}.{number:05d}" for genre in ("blues", "pop") for number in range(10)]
    tracks = pd.DataFrame({"genre": [name.split(".")[0] for name in track_ids]}, track_ids)
    corpus = _List("made up", None, tracks.assign(artist=""))
    windows = tracks.loc[np.repeat(track_ids, 4)].rename_axis("track_id").reset_index()
    windows["window_id"] = [f"w{number}" for number in range(len(windows))]
    X = rng.integers(0, 255, (len(windows), 8, 8)).astype(np.uint8)
    net = TrainedInPlace("minivgg", arguments={"channels": [4]}, epochs=1, progress=False)
    result = reshuffle(net, X, windows, corpus, draws=5)
    assert net.parameters_ > 0
    right = net.predict(X) == windows["genre"].to_numpy()
    parts = [result.train, result.valid, result.test, result.unseen]
    assert sum(score.n * score.value for score in parts) == pytest.approx(right.sum())


def test_new_artists_are_in_no_training_track():
    tracks = pd.DataFrame(
        {
            "genre": "pop",
            "artist": ["a", "b", "", "a", "c", "", "d"],
            "partition": ["train", "train", "train", "valid", "valid", "valid", "test"],
        },
        index=list("1234567"),
    )
    assert new_artists(_List("made up", None, tracks)) == ["5"]
    with pytest.raises(SplitError, match="no validation track by an artist"):
        new_artists(_List("made up", None, tracks.drop("5")))


def test_an_interval_of_a_difference_combines_both():
    sure = Score(0.5, 0.5, 0.5, 100, "")
    unsure = Score(0.4, 0.3, 0.6, 100, "")
    assert difference(sure, unsure) == pytest.approx((0.1, -0.1, 0.2))
    assert difference(unsure, sure) == pytest.approx((-0.1, -0.2, 0.1))
    points, low, high = difference(unsure, unsure)
    assert points == 0
    assert high == -low == pytest.approx(math.hypot(0.1, 0.2))
