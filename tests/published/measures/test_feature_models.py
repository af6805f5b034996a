"""The step of 32 models on features, on made-up tables of GTZAN's clips."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.neural_network import MLPClassifier

from gtzan_lib.data.loaders import gtzan
from gtzan_lib.data.loaders.gtzan_splits import published_split
from gtzan_lib.data.tables import COLUMNS, FEATURE_NAMES
from gtzan_lib.data.workspace import Workspace
from gtzan_lib.errors import CorpusError
from gtzan_lib.evaluation.evaluate import evaluate
from gtzan_lib.evaluation.records import predictions
from gtzan_lib.published.material import find_material
from gtzan_lib.published.measures import feature_models
from gtzan_lib.published.measures.feature_models import MEAN, cell_name, published_folds
from gtzan_lib.published.task import Task
from gtzan_lib.signal.features import features
from gtzan_lib.studies.grid import CLASSIFIERS, TRANSFORMS, pipeline

GENRES = ("classical", "jazz", "rock")
CELLS = len(TRANSFORMS) * len(CLASSIFIERS)


def write_table(file, track_ids, *, windows):
    """Write a table in which a window is like its genre, and more like its track."""
    rng = np.random.default_rng(0)
    genre = np.array([GENRES.index(name.partition(".")[0]) for name in track_ids])
    values = 0.2 * rng.normal(size=(3, 57))[genre] + 2 * rng.normal(size=(len(track_ids), 57))
    rows = []
    for name, row in zip(track_ids, values, strict=True):
        for window in range(windows):
            number = f".{window}" if windows > 1 else ""
            named = {"filename": f"{name}{number}.wav", "length": 66149}
            features = dict(zip(FEATURE_NAMES, row + rng.normal(size=57), strict=True))
            rows.append({**named, **features, "label": name.partition(".")[0]})
    pd.DataFrame(rows)[list(COLUMNS)].to_csv(file, index=False)


def measured(folder, track_ids, **settings):
    """Do the step on tables of some tracks, and return its folder, tables and task."""
    root, results = folder / "gtzan", folder / "results"
    root.mkdir(parents=True)
    results.mkdir()
    write_table(root / "features_30_sec.csv", track_ids, windows=1)
    write_table(root / "features_3_sec.csv", track_ids[::2], windows=6)
    task = Task(find_material(root), results, Workspace("step"))
    feature_models.measure(task, **settings)
    tables = {file.stem: pd.read_csv(file, index_col=0) for file in results.glob("*.csv")}
    return results, tables, task


@pytest.fixture(scope="module", autouse=True)
def _small_models():
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(CLASSIFIERS, "random forest", RandomForestClassifier(5))
        patch.setitem(CLASSIFIERS, "neural net", MLPClassifier((4,), max_iter=5))
        yield


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """The step on every third clip of three genres."""
    track_ids = [f"{genre}.{number:05d}" for genre in GENRES for number in range(0, 100, 3)]
    return measured(tmp_path_factory.mktemp("done"), track_ids, folds=3, n_seeds=2)


def test_all_tables_are_written(done):
    _, tables, task = done
    assert set(tables) == {
        "parts", "scores", "choices", "seeds", "seed-scores", "predictions-official",
        "predictions-artist", "windows", "leaks", "claims",
    }  # fmt: skip
    assert task.used == {"features-30s": 102, "features-3s": 51}
    assert tables["parts"].index.tolist() == [
        "clips official", "clips by artist",
        "windows by window", "windows by track", "windows by artist",
    ]  # fmt: skip
    assert (tables["parts"]["left_out"] == "nothing").all()
    for part, rows in tables["scores"].groupby("part"):
        assert len(rows) == CELLS, part
    assert len(tables["claims"]) == 11
    assert len(tables["windows"]) == 2 * (2 * CELLS + len(CLASSIFIERS))
    assert len(tables["leaks"]) == 1 + 2 * (CELLS + len(CLASSIFIERS))


def test_only_the_validation_part_of_the_published_division_is_scored(done):
    _, tables, _ = done
    parts = gtzan.facts()["partition"]
    scored = tables["predictions-official"].index
    assert set(parts.loc[scored]) == {"valid"}
    assert tables["parts"].loc["clips official", "tracks"] == len(scored)
    assert "dropped" not in set(parts.loc[tables["predictions-artist"].index])


def test_folds_are_the_published_ones(done):
    _, tables, _ = done
    published = published_split("artist").table.set_index("track_id")
    for track_id, row in tables["predictions-artist"].iterrows():
        assert published.loc[track_id, f"fold_{row['fold']}"] == "test"
        assert published.loc[track_id, "artist"] == row["group"]


def test_scores_are_those_of_an_evaluation(done):
    _, tables, task = done
    corpus = task.material.open("features-30s", task.work)
    table = features(corpus, 30)
    split = published_folds(table.windows)
    cell = evaluate(pipeline("PCA", "SVM"), table.values, table.windows, split)
    scores = tables["scores"].query("part == 'clips by artist'").loc["SVM, PCA"]
    assert scores[["accuracy", "low", "high"]].tolist() == pytest.approx(
        cell.bootstrap_accuracy()[:3], rel=1e-5
    )
    column = tables["predictions-artist"]["SVM, PCA"]
    assert column.equals(cell.tracks["predicted"].reindex(column.index).astype(column.dtype))


def test_best_models_have_records_that_their_predictions_reproduce(done):
    results, tables, _ = done
    for protocol, part in (("official", "clips official"), ("artist", "clips by artist")):
        scores = tables["scores"][tables["scores"]["part"] == part]
        (record,) = (results / "records").glob(f"features-{protocol}.json")
        table = predictions(record)
        accuracy = (table["genre"] == table["predicted"]).mean()
        assert accuracy == pytest.approx(scores["accuracy"].max(), rel=1e-5)
        assert scores.loc[scores["accuracy"].idxmax(), "p_holm"] == 1


def test_seeds_have_a_mean_and_the_first_is_that_of_the_scores(done):
    _, tables, _ = done
    seeds = tables["seeds"].query("part == 'clips by artist'")
    means = tables["seed-scores"].query("part == 'clips by artist'")
    scores = tables["scores"].query("part == 'clips by artist'")["accuracy"]
    assert set(means.index) == {
        *(cell_name("none", name) for name in feature_models._WITH_SEEDS["none"]),
        cell_name("RBF kernel", "logistic regression"),
    }
    for cell, rows in seeds.groupby(level=0):
        assert rows["seed"].tolist() == [0, 1]
        assert rows["accuracy"].iloc[0] == pytest.approx(scores[cell], rel=1e-5)
        assert means.loc[cell, "accuracy"] == pytest.approx(rows["accuracy"].mean(), rel=1e-5)


def test_windows_of_a_track_in_both_parts_help(done):
    _, tables, _ = done
    leaks = tables["leaks"].query("unit == 'window' and part == 'windows by track'")
    assert leaks.loc["k-NN, no transform", "low"] > 0
    single = leaks.drop(MEAN)["points"].mean()
    assert leaks.loc[MEAN, "points"] == pytest.approx(single, abs=1e-5)


@pytest.fixture(scope="module")
def first_tracks(tmp_path_factory):
    """The step on the first ten clips of each genre, which are by few artists."""
    track_ids = [f"{genre}.{number:05d}" for genre in GENRES for number in range(10)]
    return measured(tmp_path_factory.mktemp("first"), track_ids, folds=3, n_seeds=1)


def test_a_part_of_gtzan_says_what_it_leaves_out(first_tracks):
    results, tables, task = first_tracks
    parts = tables["parts"]
    assert parts.index[:3].tolist() == ["clips official", "clips by artist", "clips by track"]
    assert (parts["left_out"][:2] != "nothing").all()
    assert not parts["left_out"].str.contains(str(task.material.root)).any()
    assert (results / "predictions-track.csv").is_file()
    assert set(tables["scores"]["part"]) == {"clips by track"}


def test_the_same_again(first_tracks, tmp_path):
    results, _, task = first_tracks
    again = dataclasses.replace(task, folder=tmp_path)
    feature_models.measure(again, folds=3, n_seeds=1)
    files = sorted(file.name for file in results.glob("*.csv"))
    assert files == sorted(file.name for file in tmp_path.glob("*.csv"))
    for name in files:
        assert (results / name).read_bytes() == (tmp_path / name).read_bytes()


def test_a_missing_table_is_named(tmp_path):
    write_table(tmp_path / "features_30_sec.csv", ["rock.00001", "jazz.00001"], windows=1)
    task = Task(find_material(tmp_path), tmp_path, Workspace("step"))
    with pytest.raises(CorpusError, match="Kaggle's table of features, one row for 3 s"):
        feature_models._measure_windows(task, 3, 0)
