"""Records: equal for equal runs, and not to be changed by hand."""

import json

import pandas as pd
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.neighbors import KNeighborsClassifier

from gtzan_lib.data.files import sha256_of
from gtzan_lib.errors import RecordError
from gtzan_lib.learn.evaluation import evaluate
from gtzan_lib.learn.records import Record, leaderboard


@pytest.fixture
def save(lesson, by_artist, tmp_path):
    """Evaluate an estimator and write its record."""
    corpus, table, _, features = lesson

    def evaluate_and_save(experiment="knn", estimator=None, folder=tmp_path / "records", **more):
        evaluation = evaluate(estimator or KNeighborsClassifier(), features, table, by_artist)
        return Record.save(
            evaluation, folder, experiment=experiment, corpus=corpus, parameters={"k": 5}, **more
        )

    return evaluate_and_save


def test_saved_and_loaded_is_the_same(save, tmp_path):
    record = save(seconds=1.5, extra={"weights": 12})
    loaded = Record.load(tmp_path / "records" / "knn.json")
    assert loaded == record
    assert loaded.hash == record.hash
    assert loaded.result["weights"] == 12
    assert loaded.provenance["seconds"] == 1.5


def test_spec_says_how_to_do_it_again(save, lesson, by_artist):
    corpus = lesson[0]
    assert save().spec == {
        "experiment": "knn",
        "parameters": {"k": 5},
        "protocol": "artist",
        "folds": 1,
        "split": by_artist.hash,
        "corpus": {"name": "paper", "tracks": 60, "fingerprint": corpus.fingerprint},
    }


def test_provenance_names_versions(save):
    import numpy

    provenance = save().provenance
    assert provenance["versions"]["numpy"] == numpy.__version__
    assert provenance["cores"] >= 1
    assert provenance["python"].count(".") == 2


def test_predictions_stand_beside_it(save, tmp_path, lesson):
    record = save()
    file = tmp_path / "records" / record.result["predictions"]["file"]
    assert sha256_of(file) == record.result["predictions"]["sha256"]
    table = pd.read_csv(file, index_col="track_id")
    right = (table["genre"] == table["predicted"]).mean()
    assert right == pytest.approx(record.result["track"]["value"])
    assert set(table.index) <= set(lesson[0].tracks.index)


def test_equal_runs_have_equal_hashes(save, tmp_path):
    first = save(seconds=1.0)
    second = save(seconds=2.0, folder=tmp_path / "again")
    assert first.hash == second.hash
    assert (tmp_path / "records" / "knn.predictions.csv").read_bytes() == (
        tmp_path / "again" / "knn.predictions.csv"
    ).read_bytes()
    assert save(estimator=DummyClassifier()).hash != first.hash


@pytest.mark.parametrize(
    "change",
    [
        lambda values: values["result"]["track"].update(value=0.99),
        lambda values: values["result"]["track"].update(n=1000),
        lambda values: values["result"].update(bonus=1),
        lambda values: values["result"]["predictions"].update(sha256="0" * 64),
        lambda values: values.update(result_sha256="0" * 64),
    ],
)
def test_changed_result_is_refused(save, tmp_path, change):
    save()
    file = tmp_path / "records" / "knn.json"
    values = json.loads(file.read_text())
    change(values)
    file.write_text(json.dumps(values))
    with pytest.raises(RecordError, match=r"knn\.json: its result was changed"):
        Record.load(file)
    with pytest.raises(RecordError, match=r"knn\.json"):
        leaderboard(tmp_path / "records")


def test_other_form_of_the_same_json_is_fine(save, tmp_path):
    record = save()
    file = tmp_path / "records" / "knn.json"
    file.write_text(json.dumps(json.loads(file.read_text()), sort_keys=True))
    assert Record.load(file).hash == record.hash


@pytest.mark.parametrize("content", ["", "{}", "[]", "5", '{"spec": {}, "result": {}}', "\x00\xff"])
def test_what_is_no_record_is_refused(tmp_path, content):
    (tmp_path / "a.json").write_text(content, encoding="latin-1")
    with pytest.raises(RecordError, match=r"a\.json: is not a record"):
        Record.load(tmp_path / "a.json")


def test_missing_record_is_refused(tmp_path):
    with pytest.raises(RecordError, match=r"none\.json: is not a record"):
        Record.load(tmp_path / "none.json")


# --- leaderboard --------------------------------------------------------------


def test_leaderboard_is_ordered_and_true(save, tmp_path, by_artist):
    dummy = save("dummy", DummyClassifier(strategy="most_frequent"))
    five = save("five", KNeighborsClassifier(5))
    one = save("one", KNeighborsClassifier(1))
    table = leaderboard(tmp_path / "records")
    assert table["accuracy"].is_monotonic_decreasing
    assert table.index.name == "experiment"
    assert table.index[-1] == "dummy"
    for record in (dummy, five, one):
        row = table.loc[record.spec["experiment"]]
        track = record.result["track"]
        assert row["accuracy"] == track["value"]
        assert (row["low"], row["high"]) == (track["low"], track["high"])
        assert row["tracks"] == track["n"]
        assert row["window_accuracy"] == record.result["window"]["value"]
        assert row["protocol"] == "artist"


def test_what_a_kill_left_is_passed_over(save, tmp_path):
    """A process killed while writing leaves at most a hidden temporary file."""
    save()
    (tmp_path / "records" / ".knn-0123abcd.json").write_text('{"spec": ')
    assert leaderboard(tmp_path / "records").index.tolist() == ["knn"]


def test_empty_and_missing_folders(tmp_path):
    for folder in (tmp_path, tmp_path / "none"):
        with pytest.raises(RecordError, match="holds no records"):
            leaderboard(folder)
