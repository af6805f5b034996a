"""The step of mistakes, on made-up features of GTZAN's clips and on small tables."""

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import RandomForestClassifier

from gtzan_lib.data.loaders import gtzan
from gtzan_lib.published.measures import mistakes
from gtzan_lib.published.measures.mistakes import (
    KNOWN,
    confusions,
    explained,
    hard_tracks,
    known_faults,
)
from gtzan_lib.studies.grid import CLASSIFIERS

from .made_up import read, task_on, write_features

MODELS = ["57 features, logistic regression", "57 features, random forest"]


@pytest.fixture(scope="module")
def facts():
    table = gtzan.facts()
    table["genre"] = table.index.str.partition(".").get_level_values(0)
    return table


@pytest.fixture(scope="module")
def known(facts):
    return known_faults(facts, [("pop.00056", "pop.00059"), ("metal.00058", "rock.00016")])


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """The step on features of every fourth clip of four genres."""
    folder = tmp_path_factory.mktemp("mistakes")
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(CLASSIFIERS, "random forest", RandomForestClassifier(5))
        task = task_on(write_features(folder / "gtzan"), folder / "results")
        mistakes.measure(task)
    return task


def test_both_parts_are_scored_and_the_test_part_is_not(done):
    parts = gtzan.facts()["partition"]
    scope = read(done.folder, "scope")
    assert scope.index.tolist() == list(mistakes.PARTS)
    for part, name in zip(mistakes.PARTS, ("train", "valid"), strict=True):
        predictions = read(done.folder, f"predictions-{name}")
        assert (parts[predictions.index] == name).all()
        assert scope.loc[part, "tracks"] == len(predictions) > 10
        wrong = predictions[MODELS].ne(predictions["genre"], axis=0)
        assert scope.loc[part, "all_wrong"] == wrong.all(axis=1).sum()
        assert 0 < scope.loc[part, "expected"] < len(predictions)
        scores = read(done.folder, "scores")
        scores = scores[scores["part"] == part]
        assert scores.index.tolist() == MODELS
        assert scores["errors"].tolist() == wrong.sum().tolist()
        assert (scores["shared"] == wrong.all(axis=1).sum()).all()
        hard = read(done.folder, "hard")
        assert set(hard.index[hard["part"] == part]) == set(wrong.index[wrong.all(axis=1)])


def test_artists_are_in_one_fold(done):
    predictions = read(done.folder, "predictions-train")
    assert predictions["fold"].nunique() > 1
    assert (predictions.groupby("group")["fold"].nunique() == 1).all()


def test_the_step_gives_the_same_again(done, tmp_path):
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(CLASSIFIERS, "random forest", RandomForestClassifier(5))
        again = task_on(done.material.root, tmp_path / "results")
        mistakes.measure(again)
    for file in sorted(done.folder.glob("*.csv")):
        assert (again.folder / file.name).read_bytes() == file.read_bytes()


def test_a_genre_by_one_artist_leaves_the_training_part_out(tmp_path):
    """Every 25th clip: too few for folds by artist."""
    root = write_features(tmp_path / "gtzan", step=25, genres=("blues", "classical"))
    task = task_on(root, tmp_path / "results")
    mistakes.measure(task)
    reasons = read(task.folder, "scope")["left_out"]
    assert "are by one artist" in reasons[mistakes.PARTS[0]]


def test_known_faults_name_both_copies_and_wrong_labels(known):
    assert list(known.columns) == list(KNOWN)
    assert known.loc["pop.00056", "copy of another clip"] == "same recording as pop.00059"
    # Listed and found, and named once.
    assert known.loc["rock.00016", "wrong label"] == "same recording as metal.00058"
    assert known.loc["metal.00058", "wrong label"] == "same recording as rock.00016"
    assert known.loc["jazz.00051", "copy of another clip"] == "same recording as jazz.00033"
    assert known.loc["reggae.00086", "other fault"].startswith("distorted")
    assert (known.loc["classical.00000"] == "").all()


def test_artists_in_several_genres_are_named(known, facts):
    genres = facts.groupby("artist")["genre"].nunique()
    several = facts["artist"].isin(genres.index[genres > 1])
    assert several.any()
    assert (known["artist in several genres"] != "").eq(several).all()


def predictions_of(answers: dict[str, tuple[str, ...]]) -> pd.DataFrame:
    """Return predictions of two models; every track is by an artist of its own."""
    table = pd.DataFrame(answers, index=["one", "two"]).T
    genre = table.index.str.partition(".").get_level_values(0)
    table.insert(0, "genre", genre)
    table.insert(1, "group", table.index)
    return table.rename_axis("track_id")


EXAMPLE = {
    "rock.00016": ("metal", "metal"),
    "rock.00020": ("pop", "country"),
    "rock.00021": ("rock", "metal"),
    "pop.00030": ("pop", "pop"),
}


def test_hard_tracks_are_those_of_no_right_answer(facts, known):
    table = hard_tracks(predictions_of(EXAMPLE), facts, known)
    assert table.index.tolist() == ["rock.00016", "rock.00020"]
    assert table["named"].tolist() == ["metal", "country"]
    assert table["by"].tolist() == [2, 1]
    assert table.loc["rock.00016", "title"] == facts.loc["rock.00016", "title"]
    known_of = table.loc["rock.00016", "known"]
    assert known_of.startswith("wrong label: same recording as metal.00058")
    assert table["fault"].tolist() == table["wrong_label"].tolist() == [True, False]
    assert table["several"].tolist() == (known.loc[table.index, KNOWN[3]] != "").tolist()


def test_no_hard_track(facts, known):
    table = hard_tracks(predictions_of({"pop.00030": ("pop", "rock")}), facts, known)
    assert table.empty


def test_confusions_count_all_models():
    table = confusions(predictions_of(EXAMPLE))
    assert table.index.unique().tolist() == ["rock"]
    metal = table[table["predicted"] == "metal"].iloc[0]
    assert (metal["tracks"], metal["artists"]) == (3, 3)
    assert metal["share"] == pytest.approx(0.5)
    assert metal["errors"] == pytest.approx(3 / 5)
    assert table["errors"].sum() == pytest.approx(1)
    assert table["low"].notna().all()


def test_a_single_artist_has_no_interval():
    table = confusions(predictions_of(EXAMPLE).assign(group="one artist"))
    assert table[["low", "high"]].isna().all(axis=None)


def test_explained_compares_shares_of_errors_and_tracks(known):
    table = explained(predictions_of(EXAMPLE), known)
    assert table.index.tolist() == ["any listed fault", *KNOWN]
    row = table.loc["wrong label"]
    assert (row["tracks"], row["hard"]) == (1, 1)
    assert row["share"] == pytest.approx(1 / 4)
    assert row["errors"] == pytest.approx(2 / 5)
    assert row["points"] == pytest.approx(2 / 5 - 1 / 4)
    assert row["low"] <= row["points"] <= row["high"]
    assert row["accuracy"] == pytest.approx(3 / 8)
    assert row["without"] == pytest.approx(3 / 6)
    empty = table.loc["other fault"]
    assert empty["tracks"] == 0
    assert np.isnan(empty["points"])


def test_faults_that_hit_errors_at_random_explain_nothing(facts, known):
    rng = np.random.default_rng(1)
    names = facts.index[facts["partition"] == "train"]
    genre = facts.loc[names, "genre"]
    answers = pd.DataFrame({"genre": genre, "group": names}, index=names)
    for model in "ab":
        answers[model] = np.where(rng.random(len(names)) < 0.4, "none", genre)
    row = explained(answers, known).loc["any listed fault"]
    assert row["low"] < 0 < row["high"]
