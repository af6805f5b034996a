"""Step `collection`: counts of artists, copies against the list, dependence of tracks."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from gtzan_lib.data.loaders import gtzan
from gtzan_lib.data.workspace import Workspace
from gtzan_lib.health.faults import Fault
from gtzan_lib.health.report import DUPLICATE_COLUMNS, HealthReport
from gtzan_lib.published.material import find_material
from gtzan_lib.published.measures.collection import (
    compare_with_list,
    copies_found,
    copy_groups,
    design_effect,
    genre_counts,
    independent_tracks,
    mean_group_size,
    measure,
    part_counts,
    resampled_accuracy,
    same_titles,
    shared_artists,
    tracks_of_artists,
)
from gtzan_lib.published.task import Task
from gtzan_lib.stats import Score, wilson_score

from ...conftest import write_music

FACTS = pd.DataFrame(
    [
        ("blues.00000", "A", "One", "train"),
        ("blues.00001", "A", "One", "dropped"),
        ("blues.00002", "A", "Two", "test"),
        ("blues.00003", "B", "One", "test"),
        ("blues.00004", None, None, "valid"),
        ("rock.00000", "a", "one", "valid"),
        ("rock.00001", None, "Two", "train"),
    ],
    columns=["track_id", "artist", "title", "partition"],
).set_index("track_id")
FACTS["genre"] = FACTS.index.str.partition(".").get_level_values(0)
LISTED = pd.DataFrame(
    [
        ("blues.00001", "identical", "blues.00000"),
        ("blues.00002", "repeated", "blues.00000"),
        ("rock.00000", "repeated", "rock.00001"),
        ("rock.00002", "repeated", "rock.00003"),
        ("blues.00003", "unreadable", None),
        ("blues.00004", "distorted", None),
    ],
    columns=["track_id", "fault", "source_track"],
)


def report(pairs=(), faults=(), tracks=tuple(FACTS.index)):
    duplicates = pd.DataFrame(pairs, columns=DUPLICATE_COLUMNS)
    return HealthReport(
        "", len(tracks), pd.DataFrame(faults, columns=Fault._fields), duplicates, None, list(tracks)
    )


def test_a_track_without_a_known_artist_is_an_artist_of_its_own():
    artists = tracks_of_artists(FACTS)
    assert artists.loc["blues", "artist"].tolist() == ["A", "B", ""]
    assert artists.loc["blues", "tracks"].tolist() == [3, 1, 1]
    genres = genre_counts(FACTS)
    blues = genres.loc["blues"]
    assert (blues["tracks"], blues["artists"], blues["unknown"]) == (5, 3, 1)
    assert (blues["largest"], blues["largest_artist"]) == (3, "A")
    assert (blues["train"], blues["valid"], blues["test"], blues["dropped"]) == (1, 1, 2, 1)
    assert (blues["train_artists"], blues["test_artists"]) == (1, 2)
    assert blues["effective"] == pytest.approx(25 / 11)


@pytest.mark.parametrize(("sizes", "effective"), [([5, 5], 2), ([10], 1), ([1] * 7, 7)])
def test_effective_number_of_equal_groups_is_their_number(sizes, effective):
    groups = np.repeat(np.arange(len(sizes)), sizes)
    assert len(groups) / mean_group_size(groups) == pytest.approx(effective)


def test_parts_and_the_artists_that_they_share():
    parts = part_counts(FACTS)
    assert parts["tracks"].tolist() == [2, 2, 2]
    # Names are compared as they are written: a is not A.
    assert parts["elsewhere"].tolist() == [1, 0, 1]
    shared = shared_artists(FACTS)
    assert shared.loc["A"].tolist() == ["blues", 1, 0, 1]
    assert len(shared) == 1


def test_numbers_of_gtzan_itself():
    facts = gtzan.facts()
    facts["genre"] = facts.index.str.partition(".").get_level_values(0)
    genres = genre_counts(facts)
    assert genres["tracks"].tolist() == [100] * 10
    assert genres["unknown"].sum() == 17
    assert genres[["train", "valid", "test", "dropped"]].sum().tolist() == [443, 197, 290, 70]
    shared = shared_artists(facts)
    both = (shared["train"] > 0) & (shared["test"] > 0)
    assert (both.sum(), shared.loc[both, "test"].sum()) == (6, 14)


def test_pairs_of_two_kinds_of_material_are_joined():
    first = report([("blues.00000", "blues.00001", "shifted", 0.7, 0.2)])
    second = report(
        [
            ("blues.00000", "blues.00001", "gain", 0.9, 0.0),
            ("blues.00000", "rock.00000", "identical", 1.0, 0.0),
        ]
    )
    pairs = copies_found({"log-mels": first, "sound": second}, FACTS, LISTED)
    assert pairs["found_in"].tolist() == ["log-mels and sound", "sound"]
    assert pairs["kind"].tolist() == ["gain", "identical"]
    assert pairs["listed"].tolist() == [True, False]
    assert pairs["same_artist"].tolist() == [True, True]
    assert pairs["same_title"].tolist() == [True, True]
    assert pairs.loc[2, ["genre_a", "genre_b", "part_b"]].tolist() == ["blues", "rock", "valid"]


def test_unknown_artists_are_not_the_same_artist():
    found = report([("blues.00004", "rock.00001", "identical", 1.0, 0.0)])
    pairs = copies_found({"sound": found}, FACTS, LISTED)
    assert not pairs["same_artist"].any()


def test_list_and_search():
    chain = [
        ("blues.00000", "blues.00001", "identical", 1.0, 0.0),
        ("blues.00001", "blues.00002", "shifted", 0.8, 0.2),
    ]
    faults = [("blues.00003", "", "truncated", "error", "")]
    reports = {"sound": report(chain, faults)}
    pairs = copies_found(reports, FACTS, LISTED)
    states = compare_with_list(LISTED, pairs, reports)["state"]
    # The second is found through a third copy, and no sound of the fourth is there.
    assert states.tolist() == ["found", "found", "missed", "not searched", "found", "missed"]
    images = {"log-mels": report(chain)}
    states = compare_with_list(LISTED, pairs, images)["state"]
    assert states.tolist()[-2:] == ["not searched", "not searched"]


def test_pairs_of_one_title():
    found = report([("blues.00000", "blues.00001", "identical", 1.0, 0.0)])
    pairs = copies_found({"sound": found}, FACTS, LISTED)
    titles = same_titles(FACTS, pairs, FACTS.index)
    assert titles["b"].tolist() == ["blues.00001", "rock.00000", "rock.00000"]
    assert titles["found"].tolist() == [True, False, False]
    assert same_titles(FACTS, pairs, ["blues.00000"]).empty


def test_groups_of_copies():
    group = copy_groups([("a", "b"), ("c", "d"), ("b", "e")])
    assert group["a"] == group["e"] != group["c"] == group["d"]
    assert copy_groups([]) == {}


def predictions(correct, groups, genres="blues"):
    return pd.DataFrame({"correct": correct, "group": groups, "genre": genres})


def test_design_effect_is_one_for_independent_and_the_size_for_equal_predictions(rng):
    correct = rng.random(400) < 0.6
    alone = predictions(correct, np.arange(400))
    means = resampled_accuracy(alone, within_genres=False)
    assert design_effect(means, wilson_score(correct)) == pytest.approx(1, rel=0.1)
    repeated = np.repeat(correct, 5)
    together = predictions(repeated, np.repeat(np.arange(400), 5))
    means = resampled_accuracy(together, within_genres=False)
    assert design_effect(means, wilson_score(repeated)) == pytest.approx(5, rel=0.1)


def test_difficulty_of_genres_counts_only_if_their_shares_vary():
    genres = np.repeat(["blues", "rock"], 100)
    table = predictions(genres == "blues", np.repeat(np.arange(40), 5), genres)
    assert resampled_accuracy(table, within_genres=True).std() == pytest.approx(0, abs=1e-12)
    assert resampled_accuracy(table, within_genres=False).std() > 0.05


def test_independent_tracks():
    assert independent_tracks(300, 1, 0.5) == 300
    assert independent_tracks(300, 10, 0) == 300
    assert independent_tracks(300, 10, 1) == pytest.approx(30)
    effect = design_effect(np.array([0.4, 0.6]), Score(0.5, 0, 1, 25, ""))
    assert effect == pytest.approx(1)


def test_step_on_few_clips_writes_all_tables_twice_the_same(tmp_path):
    music = write_music(tmp_path / "music", genres=("blues", "rock"), seconds=4.2)
    copy = music / "genres_original" / "rock" / "rock.00002.wav"
    copy.write_bytes((copy.parent / "rock.00001.wav").read_bytes())
    folders = []
    for number in range(2):
        folder = tmp_path / str(number)
        folder.mkdir()
        task = Task(find_material(music), folder, Workspace("published"))
        measure(task)
        folders.append({file.name: file.read_bytes() for file in folder.iterdir()})
    assert task.used == {"sound": 5}
    assert folders[0] == folders[1]
    assert len(folders[0]) == 10
    pairs = pd.read_csv(Path(folder) / "pairs.csv")
    assert pairs[["a", "b", "kind"]].to_numpy().tolist() == [
        ["rock.00001", "rock.00002", "identical"]
    ]
    # Too few artists for folds.
    assert pd.read_csv(folder / "dependence.csv").empty


@pytest.mark.check
def test_every_listed_copy_is_found_in_log_mels(gtzan_root, tmp_path):
    material = find_material(gtzan_root)
    if "log-mels" not in material:
        pytest.skip("no log-mels here")
    task = Task(material, tmp_path, Workspace("published"))
    measure(task)
    listed = pd.read_csv(tmp_path / "listed.csv", index_col=0)
    copies = listed[listed["source_track"].notna()]
    assert (copies["state"] == "found").all()
    pairs = pd.read_csv(tmp_path / "pairs.csv")
    assert (pairs["same_artist"] & pairs["same_title"]).all()
