"""Records: equal for equal runs, and protected against changes."""

import dataclasses
import json

import numpy as np
import pandas as pd
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.neighbors import KNeighborsClassifier

from gtzan_lib.data.splits import split
from gtzan_lib.data.windows import window_table
from gtzan_lib.errors import RecordError
from gtzan_lib.evaluation.evaluate import evaluate
from gtzan_lib.evaluation.records import ExperimentRecord, leaderboard, predictions, records_in
from gtzan_lib.files import sha256_of


@pytest.fixture
def save(toy_corpus, by_artist, tmp_path):
    """Evaluate an estimator and write its record."""
    corpus, table, _, features = toy_corpus

    def evaluate_and_save(experiment="knn", estimator=None, folder=tmp_path / "records", **more):
        evaluation = evaluate(estimator or KNeighborsClassifier(), features, table, by_artist)
        return ExperimentRecord.save(
            evaluation, folder, experiment=experiment, corpus=corpus, parameters={"k": 5}, **more
        )

    return evaluate_and_save


def test_record_is_saved_and_loaded(save, tmp_path):
    record = save(seconds=1.5, extra={"weights": 12})
    loaded = ExperimentRecord.load(tmp_path / "records" / "knn.json")
    assert loaded == record
    assert loaded.hash == record.hash
    assert loaded.result["weights"] == 12
    assert loaded.provenance["seconds"] == 1.5


def test_spec_has_all_settings(save, toy_corpus, by_artist):
    corpus = toy_corpus[0]
    assert save().spec == {
        "experiment": "knn",
        "parameters": {"k": 5},
        "protocol": "artist",
        "folds": 1,
        "part": "test part",
        "split": by_artist.hash,
        "corpus": {"name": "paper", "tracks": 60, "fingerprint": corpus.fingerprint},
    }


def test_validation_part_is_named_in_record_and_leaderboard(official_corpus, tmp_path):
    corpus, table, features, official = official_corpus
    evaluation = evaluate(KNeighborsClassifier(), features, table, official)
    settings = {"corpus": corpus, "parameters": {}}
    record = ExperimentRecord.save(evaluation, tmp_path, experiment="knn", **settings)
    assert record.part == record.spec["part"] == "validation part"
    assert leaderboard(tmp_path)["part"].to_dict() == {"knn": "validation part"}
    tested = set(predictions(tmp_path / "knn.json").index)
    assert tested == set(table["track_id"].iloc[official.folds[0].valid])


def test_records_without_a_part_are_of_the_test_part(save, tmp_path):
    """Those of version 1."""
    save()
    path = tmp_path / "records" / "knn.json"
    values = json.loads(path.read_text())
    del values["spec"]["part"]
    path.write_text(json.dumps({**values, "version": 1}))
    assert ExperimentRecord.load(path).part == "test part"
    assert leaderboard(path.parent)["part"].tolist() == ["test part"]
    path.write_text(json.dumps(values))
    with pytest.raises(RecordError, match=r"\(spec\.part: is missing\)"):
        ExperimentRecord.load(path)


def test_provenance_names_versions(save):
    import numpy

    provenance = save().provenance
    assert provenance["versions"]["numpy"] == numpy.__version__
    assert provenance["cores"] >= 1
    assert provenance["python"].count(".") == 2


def test_predictions_are_saved_with_the_record(save, tmp_path, toy_corpus):
    record = save()
    file = tmp_path / "records" / record.result["predictions"]["file"]
    assert sha256_of(file) == record.result["predictions"]["sha256"]
    table = pd.read_csv(file, index_col="track_id")
    accuracy = (table["genre"] == table["predicted"]).mean()
    assert accuracy == pytest.approx(record.result["track"]["value"])
    assert set(table.index) <= set(toy_corpus[0].tracks.index)


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
        ExperimentRecord.load(file)
    with pytest.raises(RecordError, match=r"knn\.json"):
        leaderboard(tmp_path / "records")


def test_layout_of_the_json_does_not_matter(save, tmp_path):
    record = save()
    file = tmp_path / "records" / "knn.json"
    file.write_text(json.dumps(json.loads(file.read_text()), sort_keys=True))
    assert ExperimentRecord.load(file).hash == record.hash


@pytest.mark.parametrize("content", ["", "{}", "[]", "5", '{"spec": {}, "result": {}}', "\x00\xff"])
def test_file_that_is_not_a_record_is_refused(tmp_path, content):
    (tmp_path / "a.json").write_text(content, encoding="latin-1")
    with pytest.raises(RecordError, match=r"a\.json: is not a record"):
        ExperimentRecord.load(tmp_path / "a.json")


def test_missing_record_is_refused(tmp_path):
    with pytest.raises(RecordError, match=r"none\.json: there is no such file; execute"):
        ExperimentRecord.load(tmp_path / "none.json")


# --- scores -------------------------------------------------------------------


def test_scores_are_those_of_the_evaluation(toy_corpus, by_artist, tmp_path):
    corpus, table, _, features = toy_corpus
    evaluation = evaluate(KNeighborsClassifier(), features, table, by_artist)
    result = ExperimentRecord.save(
        evaluation, tmp_path, experiment="knn", corpus=corpus, parameters={}
    ).result
    assert json.loads(json.dumps(result, allow_nan=False)) == json.loads(json.dumps(result))
    for unit in ("track", "window"):
        score = evaluation.accuracy(unit)
        assert {name: result[unit][name] for name in score._fields} == score._asdict()
        assert result[unit]["low"] <= result[unit]["value"] <= result[unit]["high"]
        assert result[unit]["macro_f1"] == evaluation.macro_f1(unit)
        assert result[unit]["top2"] == evaluation.top_k_accuracy(2, unit).value
        assert result[unit]["calibration_error"] == evaluation.calibration_error(unit)
    assert result["train_accuracy"] == evaluation.train_accuracy
    assert (result["chance"], result["p_value"]) == (evaluation.baseline, evaluation.p_value)
    assert result["per_genre"] == evaluation.per_genre()["recall"].to_dict()
    predictions_per_genre = [sum(row.values()) for row in result["confusion"].values()]
    assert sum(predictions_per_genre) == result["track"]["n"] == len(evaluation.tracks)
    assert result["unconverged"] == 0


def test_folds_without_convergence_are_in_the_record(toy_corpus, by_artist, tmp_path):
    corpus, table, _, features = toy_corpus
    evaluation = dataclasses.replace(
        evaluate(KNeighborsClassifier(), features, table, by_artist), unconverged=2
    )
    record = ExperimentRecord.save(
        evaluation, tmp_path, experiment="knn", corpus=corpus, parameters={}
    )
    assert record.result["unconverged"] == 2


# --- predictions --------------------------------------------------------------


def test_predictions_are_those_of_the_evaluation(save, tmp_path, toy_corpus, by_artist):
    _, table, _, features = toy_corpus
    save()
    evaluation = evaluate(KNeighborsClassifier(), features, table, by_artist)
    read = predictions(tmp_path / "records" / "knn.json")
    pd.testing.assert_frame_equal(read, evaluation.tracks, atol=1e-6)
    pd.testing.assert_frame_equal(predictions(str(tmp_path / "records" / "knn.json")), read)


def test_names_that_look_like_numbers_or_missing_values_stay_text(paper_corpus, tmp_path):
    names = ["007", "1e3", "NA", "nan", "None", None]
    rows = [(genre, artist, 6.0) for genre in ("1", "02", "3.50", "null") for artist in names]
    corpus = paper_corpus(rows)
    table = window_table(corpus)
    divided = split(table, corpus, protocol="track")
    features = np.random.default_rng(1).normal(size=(len(table), 2))
    evaluation = evaluate(KNeighborsClassifier(3), features, table, divided)
    record = ExperimentRecord.save(
        evaluation, tmp_path, experiment="1", corpus=corpus, parameters={}
    )
    read = predictions(tmp_path / "1.json")
    pd.testing.assert_frame_equal(read, evaluation.tracks, atol=1e-6)
    assert read.columns.tolist() == ["genre", "artist", "predicted", "02", "1", "3.50", "null"]
    assert (read["genre"] == read["predicted"]).mean() == record.result["track"]["value"]
    assert "1.00000" in corpus.tracks.index
    assert set(read.index) <= set(corpus.tracks.index)


@pytest.mark.parametrize("content", [None, b"", b"track_id,genre,artist,predicted\n"])
def test_missing_and_changed_predictions_are_refused(save, tmp_path, content):
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


def test_changed_prediction_is_refused(save, tmp_path):
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
    with pytest.raises(RecordError, match=r"none\.json: there is no such file; execute"):
        predictions(tmp_path / "none.json")


# --- all records of a folder ----------------------------------------------------


def test_records_are_sorted_by_name(save, tmp_path):
    folder = tmp_path / "records"
    saved = {name: save(name, DummyClassifier()) for name in ("b", "c", "a")}
    (folder / ".d-0123abcd.json").write_text('{"spec": ')
    (folder / "notes.txt").write_text("notes")
    records = records_in(str(folder))
    assert list(records) == [folder / f"{name}.json" for name in "abc"]
    assert all(record == saved[file.stem] for file, record in records.items())
    (folder / "b.json").write_text("{")
    with pytest.raises(RecordError, match=r"b\.json: is not a record"):
        records_in(folder)


def test_folder_without_records_is_refused(tmp_path):
    (tmp_path / "below").mkdir()
    (tmp_path / "below" / "knn.json").write_text("{}")
    for folder in (tmp_path, tmp_path / "none"):
        with pytest.raises(RecordError, match=r"holds no records; execute an experiment first\.$"):
            records_in(folder)


# --- titles -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("experiment", "title"),
    [
        ("minivgg-10s", "MiniVGG 10 s"),
        ("resnet34-features", "ResNet-34 features"),
        ("07_rnn-crnn", "CRNN"),
        ("12_audit-random-forest", "random forest"),
        ("logistic-regression-kaggle", "logistic regression kaggle"),
        ("my_net", "my net"),
        ("k-NN, none", "k-NN, none"),
    ],
)
def test_title_is_the_name_in_words(experiment, title):
    assert ExperimentRecord({"experiment": experiment}, {}, {}).title == title


def test_title_may_be_given(save, tmp_path):
    save(extra={"title": "nearest neighbours"})
    assert ExperimentRecord.load(tmp_path / "records" / "knn.json").title == "nearest neighbours"


# --- leaderboard --------------------------------------------------------------


def test_leaderboard_is_sorted_and_agrees_with_records(save, tmp_path, by_artist):
    dummy = save("dummy", DummyClassifier(strategy="most_frequent"))
    five = save("five", KNeighborsClassifier(5))
    single = save("one", KNeighborsClassifier(1))
    table = leaderboard(tmp_path / "records")
    assert table["accuracy"].is_monotonic_decreasing
    assert table.index.name == "experiment"
    assert table.index[-1] == "dummy"
    for record in (dummy, five, single):
        row = table.loc[record.spec["experiment"]]
        track = record.result["track"]
        assert row["accuracy"] == track["value"]
        assert (row["low"], row["high"]) == (track["low"], track["high"])
        assert row["tracks"] == track["n"]
        assert row["window_accuracy"] == record.result["window"]["value"]
        assert row["protocol"] == "artist"


def test_leaderboard_has_weights_and_seconds_if_known(save, tmp_path):
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


def test_temporary_files_of_killed_processes_are_ignored(save, tmp_path):
    save()
    (tmp_path / "records" / ".knn-0123abcd.json").write_text('{"spec": ')
    assert leaderboard(tmp_path / "records").index.tolist() == ["knn"]


def test_leaderboard_of_empty_and_missing_folders_is_refused(tmp_path):
    for folder in (tmp_path, tmp_path / "none"):
        with pytest.raises(RecordError, match="holds no records"):
            leaderboard(folder)


def test_record_of_an_earlier_version_is_refused(save, tmp_path):
    record = save()
    del record.result["track"]["top2"]
    values = {"spec": record.spec, "result": record.result, "provenance": {}}
    file = tmp_path / "records" / "knn.json"
    file.write_text(json.dumps({**values, "result_sha256": record.hash}))
    with pytest.raises(RecordError, match=r"\(result\.track\.top2: is missing\); execute the exp"):
        leaderboard(tmp_path / "records")


@pytest.mark.parametrize("parameters", [{"k": {1, 2}}, {"k": float("nan")}, {"k": np.int64(5)}])
def test_record_that_could_not_be_read_is_not_written(toy_corpus, by_artist, tmp_path, parameters):
    corpus, table, _, features = toy_corpus
    evaluation = evaluate(KNeighborsClassifier(), features, table, by_artist)
    with pytest.raises(RecordError, match=r"^a record of an experiment cannot be written \(.*\.$"):
        ExperimentRecord.save(
            evaluation, tmp_path, experiment="knn", corpus=corpus, parameters=parameters
        )
    assert not (tmp_path / "knn.json").exists()
