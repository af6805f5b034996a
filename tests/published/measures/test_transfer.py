"""The step of MusiCNN's tags, on composed activations of GTZAN's training tracks."""

import numpy as np
import pandas as pd
import pytest

from gtzan_lib.data.loaders import gtzan
from gtzan_lib.data.tables import COLUMNS, FEATURE_NAMES
from gtzan_lib.data.workspace import Workspace
from gtzan_lib.genres import GENRES
from gtzan_lib.models.musicnn import MusiCNN
from gtzan_lib.published.material import find_material
from gtzan_lib.published.measures import transfer
from gtzan_lib.published.task import Task

from ...conftest import write_music
from ...data.loaders.activations import write_activations


def write_features(file, track_ids):
    """Write features that say less of the genre than the tags do."""
    rng = np.random.default_rng(1)
    rows = []
    for name in track_ids:
        genre = name.partition(".")[0]
        values = rng.normal(size=57)
        values[GENRES.index(genre)] += 1
        named = {"filename": f"{name}.wav", "length": 661794, "label": genre}
        rows.append({**named, **dict(zip(FEATURE_NAMES, values, strict=True))})
    pd.DataFrame(rows)[list(COLUMNS)].to_csv(file, index=False)


def measured(root, folder, **settings):
    folder.mkdir()
    task = Task(find_material(root), folder, Workspace("step"))
    transfer.measure(task, **settings)
    return task, {file.stem: pd.read_csv(file, index_col=0) for file in folder.glob("*.csv")}


@pytest.fixture(scope="module")
def training():
    partition = gtzan.facts()["partition"]
    return sorted(partition.index[partition == "train"])


@pytest.fixture(scope="module")
def done(tmp_path_factory, training):
    """The step with features of all tracks, in another order than the tags."""
    root = tmp_path_factory.mktemp("gtzan")
    write_activations(root, "train", patches=4)
    write_features(root / "features_30_sec.csv", training[::-1])
    return root, *measured(root, tmp_path_factory.mktemp("results") / "transfer")


def test_tags_features_and_both_are_scored_on_the_same_tracks(done, training):
    _, task, tables = done
    assert task.used == {"tags": 443, "features-30s": 443}
    assert set(tables) == {
        "scores", "differences", "recall", "genres", "predictions", "profile", "scope",
    }  # fmt: skip
    scores, predictions = tables["scores"], tables["predictions"]
    assert sorted(predictions.index) == training
    assert scores.index[:4].tolist() == [
        "50 tags", "57 features", "tags and features", "50 tags, windows of 3 s",
    ]  # fmt: skip
    for name in scores.index:
        accuracy = (predictions[name] == predictions["genre"]).mean()
        assert scores.loc[name, "accuracy"] == pytest.approx(accuracy, rel=1e-5)
        assert scores.loc[name, "low"] < accuracy < scores.loc[name, "high"]
    assert scores["width"].tolist() == [50, 57, 107, 50, 57, 57, 57]
    assert tables["scope"].loc["training part", "left_out"] == "nothing"


def test_artists_are_in_one_fold(done):
    _, _, tables = done
    assert (tables["predictions"].groupby("group")["fold"].nunique() == 1).all()


def test_differences_are_paired(done):
    _, _, tables = done
    row = tables["differences"].loc["50 tags minus 57 features"]
    predictions = tables["predictions"]
    tags, features = (
        predictions[name] == predictions["genre"] for name in ("50 tags", "57 features")
    )
    assert row["points"] == pytest.approx(tags.mean() - features.mean(), rel=1e-5)
    assert row["only_first"] == (tags & ~features).sum()
    assert row["only_second"] == (~tags & features).sum()
    assert row["low"] > 0
    assert row["p_holm"] < 0.05


def test_each_genre_has_its_recalls(done):
    _, _, tables = done
    genres, recall = tables["genres"], tables["recall"]
    assert genres.index.tolist() == sorted(GENRES)
    assert genres["tracks"].sum() == 443
    by_tags = recall[recall["representation"] == "50 tags"]["recall"]
    assert genres["tags"].tolist() == pytest.approx(by_tags.tolist(), rel=1e-5)
    assert (genres["points"] - genres["tags"] + genres["features"]).abs().max() < 1e-5


def test_profile_names_the_tag_that_a_genre_has_more_of(done):
    _, _, tables = done
    profile = tables["profile"]
    assert profile.shape == (50, 10)
    for number, genre in enumerate(GENRES):
        assert profile[genre].idxmax() == MusiCNN.TAGS[number]


def test_tags_alone(tmp_path, done):
    root, _, tables = done
    (tmp_path / "musicnn").symlink_to(root / "musicnn")
    task, alone = measured(tmp_path, tmp_path / "results")
    assert task.used == {"tags": 443}
    assert alone["scope"]["left_out"].tolist() == ["there are no features of 30 s, and no sound"]
    assert alone["scores"].index.tolist() == ["50 tags", "50 tags, windows of 3 s"]
    assert alone["differences"].empty
    assert alone["genres"].empty
    # The same folds and the same head as beside features.
    assert alone["predictions"]["50 tags"].equals(tables["predictions"]["50 tags"])


@pytest.mark.parametrize(
    ("number", "reason"),
    [
        (60, "the tracks with tags that have features are of 2 genres only"),
        (1, "of the tracks with features, all tracks of genre 'blues' are by one artist"),
    ],
)
def test_features_of_few_tracks_are_not_compared(tmp_path, done, training, number, reason):
    """Of the first tracks, or of the first of each genre."""
    root, _, tables = done
    (tmp_path / "musicnn").symlink_to(root / "musicnn")
    first = training[:60]
    if number == 1:
        first = [next(name for name in training if name.startswith(genre)) for genre in GENRES]
    write_features(tmp_path / "features_30_sec.csv", first)
    _, alone = measured(tmp_path, tmp_path / "results")
    assert reason in alone["scope"]["left_out"].iloc[0]
    assert alone["predictions"]["50 tags"].equals(tables["predictions"]["50 tags"])


def test_tags_of_training_tracks_are_computed_from_sound(tmp_path):
    """An owner of the recordings alone needs no published tags."""
    music = write_music(tmp_path / "gtzan", genres=("blues", "rock"), seconds=4.0)
    for genre in ("blues", "rock"):
        folder = music / "genres_original" / genre
        # The first of these is in the validation part, the others in the training part.
        for old, new in ((0, 5), (1, 29)) if genre == "blues" else ((0, 0), (1, 1)):
            (folder / f"{genre}.{old:05d}.wav").rename(folder / f"{genre}.{new:05d}.wav")
    task = Task(find_material(music), tmp_path, Workspace("step"))
    tags = transfer._tags(task)
    assert tags.track_ids == ("blues.00029", "rock.00000", "rock.00001")
    assert [track.shape[1] for track in tags.logits] == [50, 50, 50]
    assert task.used == {"sound": 4}
