"""Differences between protocols, from tables of correct predictions."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
from sklearn.neighbors import KNeighborsClassifier

from gtzan_lib.evaluation.leakage import audit
from gtzan_lib.published.leaks import (
    correct_predictions,
    leak_differences,
    leak_scores,
    leaks_by,
    models_in,
)
from gtzan_lib.published.measures.leak import prediction_tables


@pytest.fixture(scope="module")
def audited(paper_corpus):
    """An audit of windows that are like their track, and the tables of its predictions."""
    rng = np.random.default_rng(0)
    # Of each genre: four artists with four tracks, five with one, three unknown ones.
    artists = [name for name in "abcd" for _ in range(4)] + list("efghi") + [""] * 3
    rows = [(g, f"{g}-{a}" if a else None, 30.0) for g in ("jazz", "rock") for a in artists]
    corpus = paper_corpus(rows)
    ids, genres = corpus.tracks.index.tolist(), corpus.tracks["genre"].tolist()
    number = np.repeat(np.arange(len(ids)), 4)
    windows = pd.DataFrame({"track_id": np.array(ids, dtype=object)[number]})
    windows["window_id"] = windows["track_id"] + [f".{n % 4}" for n in range(len(windows))]
    windows["genre"] = np.array(genres, dtype=object)[number]
    X = rng.normal(size=(len(ids), 6))[number] + 0.3 * rng.normal(size=(len(windows), 6))
    result = audit({"1-NN": (KNeighborsClassifier(1), X)}, windows, corpus, folds=3)
    named = {f"1-NN, {name}": one for name, one in result.evaluations["1-NN"].items()}
    return result, prediction_tables(named, corpus)


@pytest.mark.parametrize("unit", ["window", "track"])
def test_scores_and_steps_are_those_of_an_audit(audited, unit):
    result, (tracks, windows) = audited
    correct = correct_predictions(tracks, windows if unit == "window" else None)
    scores = leak_scores(correct).set_index("protocol")
    for name, evaluation in result.evaluations["1-NN"].items():
        expected = evaluation.bootstrap_accuracy(unit)
        assert scores.loc[name, ["accuracy", "low", "high"]].tolist() == pytest.approx(expected[:3])
        assert scores.loc[name, "n"] == expected.n
    differences = leak_differences(correct).set_index("step")
    steps = result.steps(unit).loc["1-NN"]
    for name, row in steps.iterrows():
        found = differences.loc[name, ["points", "low", "high"]]
        assert found.tolist() == pytest.approx(row.tolist())
    whole = result.leak("1-NN", unit)
    assert differences.loc["window to artist", "points"] == pytest.approx(whole.value)


def test_leaks_of_genres_are_those_of_an_audit(audited):
    result, (tracks, windows) = audited
    found = leaks_by(correct_predictions(tracks, windows), "genre")
    found = found[found["step"] == "window to artist"]
    expected = result.leak_by("genre", "1-NN")
    for name in ("points", "tracks", "leaking", "strict"):
        assert found[name].to_dict() == pytest.approx(expected[name].to_dict())


def test_sizes_are_numbers_of_tracks_by_the_artist(audited):
    _, (tracks, windows) = audited
    correct = correct_predictions(tracks, windows)
    assert models_in(correct) == ["1-NN"]
    assert correct.groupby("size")["track_id"].nunique().to_dict() == {"1 track": 16, "4 to 9": 32}
    rows = leaks_by(correct, "size").query("step == 'window to artist'")
    # Tracks of unknown artists are not scored by artist.
    assert rows["tracks"].to_dict() == {"1 track": 10, "4 to 9": 32}
    assert rows["artists"].to_dict() == {"1 track": 10, "4 to 9": 8}


def test_windows_that_are_not_scored_are_missing(audited):
    _, (tracks, windows) = audited
    correct = correct_predictions(tracks, windows)
    assert correct["1-NN, artist"].isna().sum() == 6 * 4
    assert correct_predictions(tracks)["1-NN, artist"].isna().sum() == 6
    assert windows.index.tolist() == [f"{name}.{n}" for name in tracks.index for n in range(4)]


def test_copies_are_compared_on_the_windows_of_both(audited):
    _, (tracks, windows) = audited
    both = windows.assign(**{"1-NN, track with copies": windows["1-NN, track"]})
    both.loc[both.index[:5], "1-NN, track with copies"] = pd.NA
    steps = leak_differences(correct_predictions(tracks, both)).set_index("step")
    row = steps.loc["with copies to without, by track"]
    assert (row["n"], row["points"]) == (len(windows) - 5, 0)


def test_tables_are_read_again_as_they_were_written(audited, tmp_path):
    _, tables = audited
    for name, table in zip(("tracks", "windows"), tables, strict=True):
        table.to_csv(tmp_path / f"{name}.csv")
    tracks, windows = (
        pd.read_csv(tmp_path / f"{n}.csv", index_col=0) for n in ("tracks", "windows")
    )
    again = correct_predictions(tracks, windows)
    pd.testing.assert_frame_equal(again, correct_predictions(*tables))


def test_evaluations_are_not_needed_with_their_estimators(audited):
    result, (tracks, _) = audited
    evaluation = dataclasses.replace(result.evaluations["1-NN"]["track"], estimators=[])
    assert tracks["1-NN, track"].equals(evaluation.tracks["predicted"].reindex(tracks.index))
