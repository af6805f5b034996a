"""Records: equal for equal runs, and not to be changed by hand."""

import json

import numpy as np
import pandas as pd
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.neighbors import KNeighborsClassifier

from gtzan_lib.data.splits import split
from gtzan_lib.data.windows import windows
from gtzan_lib.errors import RecordError
from gtzan_lib.evaluation.evaluate import evaluate
from gtzan_lib.evaluation.records import Record, leaderboard, predictions, records_in
from gtzan_lib.files import sha256_of


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


# --- predictions --------------------------------------------------------------


def test_predictions_are_what_was_answered(save, tmp_path, lesson, by_artist):
    _, table, _, features = lesson
    save()
    evaluation = evaluate(KNeighborsClassifier(), features, table, by_artist)
    read = predictions(tmp_path / "records" / "knn.json")
    pd.testing.assert_frame_equal(read, evaluation.tracks, atol=1e-6)
    pd.testing.assert_frame_equal(predictions(str(tmp_path / "records" / "knn.json")), read)


def test_names_may_look_like_numbers_or_nothing(paper_corpus, tmp_path):
    """As text they were written, and as text they are read."""
    names = ["007", "1e3", "NA", "nan", "None", None]
    rows = [(genre, artist, 6.0) for genre in ("1", "02", "3.50", "null") for artist in names]
    corpus = paper_corpus(rows)
    table = windows(corpus)
    divided = split(table, corpus, protocol="track")
    features = np.random.default_rng(1).normal(size=(len(table), 2))
    evaluation = evaluate(KNeighborsClassifier(3), features, table, divided)
    record = Record.save(evaluation, tmp_path, experiment="1", corpus=corpus, parameters={})
    read = predictions(tmp_path / "1.json")
    pd.testing.assert_frame_equal(read, evaluation.tracks, atol=1e-6)
    assert read.columns.tolist() == ["genre", "artist", "predicted", "02", "1", "3.50", "null"]
    assert (read["genre"] == read["predicted"]).mean() == record.result["track"]["value"]
    assert "1.00000" in corpus.tracks.index
    assert set(read.index) <= set(corpus.tracks.index)


@pytest.mark.parametrize("content", [None, b"", b"track_id,genre,artist,predicted\n"])
def test_other_predictions_are_refused(save, tmp_path, content):
    save()
    file = tmp_path / "records" / "knn.predictions.csv"
    file.unlink()
    if content is not None:
        file.write_bytes(content)
    message = (
        r"knn\.predictions\.csv: is missing or not the file that knn\.json describes; exec.*\.$"
    )
    with pytest.raises(RecordError, match=message):
        predictions(tmp_path / "records" / "knn.json")


def test_one_changed_answer_is_noticed(save, tmp_path):
    save()
    file = tmp_path / "records" / "knn.predictions.csv"
    file.write_bytes(file.read_bytes().replace(b"jazz", b"rock", 1))
    with pytest.raises(RecordError, match="not the file that"):
        predictions(tmp_path / "records" / "knn.json")


def test_predictions_of_a_damaged_record_are_refused(save, tmp_path):
    save()
    file = tmp_path / "records" / "knn.json"
    values = json.loads(file.read_text())
    values["result"]["predictions"]["file"] = "other.csv"
    file.write_text(json.dumps(values))
    with pytest.raises(RecordError, match=r"knn\.json: its result was changed"):
        predictions(file)
    with pytest.raises(RecordError, match=r"none\.json: is not a record"):
        predictions(tmp_path / "none.json")


# --- all records of a folder ----------------------------------------------------


def test_records_come_by_name(save, tmp_path):
    folder = tmp_path / "records"
    made = {name: save(name, DummyClassifier()) for name in ("b", "c", "a")}
    (folder / ".d-0123abcd.json").write_text('{"spec": ')
    (folder / "notes.txt").write_text("mine")
    found = records_in(str(folder))
    assert list(found) == [folder / f"{name}.json" for name in "abc"]
    assert all(record == made[file.stem] for file, record in found.items())
    (folder / "b.json").write_text("{")
    with pytest.raises(RecordError, match=r"b\.json: is not a record"):
        records_in(folder)


def test_no_records_are_refused(tmp_path):
    (tmp_path / "below").mkdir()
    (tmp_path / "below" / "knn.json").write_text("{}")
    for folder in (tmp_path, tmp_path / "none"):
        with pytest.raises(RecordError, match=r"holds no records; execute an experiment first\.$"):
            records_in(folder)


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


def test_leaderboard_tells_sizes_and_times_where_they_are_known(save, tmp_path):
    save("net", seconds=12.5, extra={"weights": 345})
    record = save("knn", seconds=0.25)
    save("plain")
    table = leaderboard(tmp_path / "records")
    assert table["weights"].to_dict() == pytest.approx(
        {"net": 345, "knn": np.nan, "plain": np.nan}, nan_ok=True
    )
    assert table["seconds"].to_dict() == pytest.approx(
        {"net": 12.5, "knn": 0.25, "plain": np.nan}, nan_ok=True
    )
    assert table["weights"].dtype == table["seconds"].dtype == float
    row = table.loc["knn"]
    for name in ("macro_f1", "top2", "calibration_error"):
        assert row[name] == record.result["track"][name]
    assert row["train_accuracy"] == record.result["train_accuracy"]


def test_what_a_kill_left_is_passed_over(save, tmp_path):
    """A process killed while writing leaves at most a hidden temporary file."""
    save()
    (tmp_path / "records" / ".knn-0123abcd.json").write_text('{"spec": ')
    assert leaderboard(tmp_path / "records").index.tolist() == ["knn"]


def test_empty_and_missing_folders(tmp_path):
    for folder in (tmp_path, tmp_path / "none"):
        with pytest.raises(RecordError, match="holds no records"):
            leaderboard(folder)


def test_record_of_an_earlier_version_is_refused(save, tmp_path):
    record = save()
    del record.result["track"]["top2"]
    values = {"spec": record.spec, "result": record.result, "provenance": {}}
    file = tmp_path / "records" / "knn.json"
    file.write_text(json.dumps({**values, "result_sha256": record.hash}))
    with pytest.raises(RecordError, match=r"knn\.json: is not a record"):
        leaderboard(tmp_path / "records")
