"""The steps of the leak, on made-up log-mels of GTZAN's clips."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

from gtzan_lib.data.loaders import gtzan
from gtzan_lib.data.loaders.gtzan_splits import published_split
from gtzan_lib.errors import SplitError
from gtzan_lib.evaluation.records import predictions
from gtzan_lib.published.leaks import accuracy_parts, net_predictions, read_leaks
from gtzan_lib.published.measures import leak, leak_net
from gtzan_lib.published.measures.leak import leak_splits, without_faults
from gtzan_lib.published.results import Results
from gtzan_lib.stats import independent_groups

from .made_up import read, task_on

GENRES = ("classical", "jazz", "rock")


def write_log_mels(folder, numbers):
    """Write log-mels that are like their genre, and more like their artist and track."""
    names = [f"{genre}.{number:05d}" for genre in GENRES for number in numbers]
    rng = np.random.default_rng(3)
    artists = independent_groups(gtzan.facts()["artist"].reindex(names), names)
    parts = ([name[:4] for name in names], artists, names)
    profile = np.zeros((len(names), 128))
    for labels, scale in zip(parts, (5, 20, 20), strict=True):
        unique, place = np.unique(np.array(labels, dtype=str), return_inverse=True)
        profile += scale * rng.normal(size=(len(unique), 128))[place]
    images = 128 + profile[:, :, None] + 15 * rng.normal(size=(len(names), 128, 387))
    folder.mkdir(parents=True)
    np.savez(folder / "mel.npz", X=images.clip(0, 255).astype(np.uint8), names=names)
    return folder


@pytest.fixture(scope="module")
def task(tmp_path_factory):
    """The step `leak` on every third clip of three genres, done."""
    folder = tmp_path_factory.mktemp("leak")
    task = task_on(write_log_mels(folder / "gtzan", range(0, 100, 3)), folder / "results")
    leak.measure(task, trees=10)
    return task


def test_all_tables_are_written(task):
    names = {file.stem for file in task.folder.glob("*.csv")}
    assert names == {
        "parts", "tracks", "windows", "scores", "steps", "genres", "sizes", "artists",
    }  # fmt: skip
    assert task.used == {"log-mels": 102}
    parts = read(task.folder, "parts")
    assert parts.index.tolist() == [
        "window", "track", "artist", "window with copies", "track with copies", "official",
    ]  # fmt: skip
    assert (parts["left_out"] == "nothing").all()
    assert parts["published"].tolist() == ["no", "no", "yes", "no", "no", "no"]


def test_all_protocols_but_the_official_one_have_as_many_training_windows(task):
    parts = read(task.folder, "parts").drop("official")
    assert parts["train"].nunique() == 1
    assert parts.loc["window", "train_tracks"] > parts.loc["track", "train_tracks"]


def test_test_part_of_the_published_division_is_not_scored_as_such(task):
    tracks = read(task.folder, "tracks")
    scored = tracks["k-NN, official"].dropna().index
    assert set(gtzan.facts()["partition"].loc[scored]) == {"valid"}
    assert "dropped" not in set(gtzan.facts()["partition"].loc[tracks.index])


def test_known_leaks_are_found(task):
    steps = read(task.folder, "steps").query("unit == 'window'").set_index("step", append=True)
    for model in ("k-NN", "random forest"):
        rows = steps.loc[model]
        parts = rows.loc[["window to track", "track to artist"], "points"]
        assert rows.loc["window to artist", "low"] > 0.1
        assert (parts > 0).all()
        assert rows.loc["window to artist", "points"] == pytest.approx(parts.sum(), abs=1e-5)


def test_artists_with_one_track_lose_less_from_track_to_artist_than_those_with_many(task):
    sizes = read(task.folder, "sizes").query("step == 'track to artist' and model == 'k-NN'")
    assert sizes.loc["4 to 9", "points"] > sizes.loc["1 track", "points"] + 0.1


def test_scores_follow_from_the_predictions(task):
    tracks, scores = read(task.folder, "tracks"), read(task.folder, "scores")
    scored = tracks[tracks["k-NN, artist"].notna()]
    accuracy = (scored["k-NN, artist"] == scored["genre"]).mean()
    row = scores.query("unit == 'track' and protocol == 'artist'").loc["k-NN"]
    assert (row["accuracy"], row["n"]) == (pytest.approx(accuracy, rel=1e-5), len(scored))
    record = predictions(task.folder / "records" / "leak-k-nn.json")
    assert (record["genre"] == record["predicted"]).mean() == pytest.approx(accuracy)


@pytest.fixture(scope="module")
def few(tmp_path_factory):
    """Tracks of few artists."""
    folder = tmp_path_factory.mktemp("few")
    return task_on(write_log_mels(folder / "gtzan", range(12)), folder / "results")


def test_a_part_of_gtzan_says_what_it_leaves_out(few, tmp_path):
    leak.measure(few, folds=3, trees=3)
    parts = read(few.folder, "parts")
    assert (parts.loc[["artist", "official"], "left_out"] != "nothing").all()
    assert not parts["left_out"].str.contains(str(few.material.root)).any()
    assert set(read(few.folder, "steps")["step"]) == {"window to track"}
    again = dataclasses.replace(few, folder=tmp_path)
    leak.measure(again, folds=3, trees=3)
    for file in few.folder.glob("*.csv"):
        assert file.read_bytes() == (tmp_path / file.name).read_bytes(), file.name


def test_published_folds_are_those_of_the_file(task):
    corpus = without_faults(task.corpus("log-mels"))
    windows = pd.DataFrame({"track_id": corpus.tracks.index, "genre": corpus.tracks["genre"]})
    windows = windows.assign(window_id=windows["track_id"] + ".0").reset_index(drop=True)
    split = leak_splits(windows, corpus, 5, 0).possible["artist"]
    published = published_split("artist").table.set_index("track_id")
    expected = published.loc[windows["track_id"], "fold_0"].tolist()
    assert split.table["fold_0"].tolist() == expected
    others = leak_splits(windows, corpus, 3, 0).possible["artist"]
    assert len(others) == 3


def test_copies_are_added_to_folds_that_stay_as_they_are(task):
    corpus = task.corpus("log-mels")
    clean = without_faults(corpus)
    windows = pd.DataFrame({"track_id": np.repeat(corpus.tracks.index, 2)})
    windows["window_id"] = windows["track_id"] + [f".{n % 2}" for n in range(len(windows))]
    windows["genre"] = corpus.tracks["genre"].loc[windows["track_id"]].to_numpy()
    kept = windows[windows["track_id"].isin(clean.tracks.index)].reset_index(drop=True)
    splits = leak_splits(kept, clean, 5, 0).add_copies(windows, corpus, 0)
    for name in ("window", "track"):
        split = splits.possible[f"{name} with copies"]
        assert split.check() is split
        tested = np.concatenate([fold.test for fold in split])
        assert sorted(tested) == list(range(len(windows)))
        before = splits.possible[name].table.set_index("window_id")["fold_3"]
        assert split.table.set_index("window_id")["fold_3"].loc[before.index].equals(before)


@pytest.fixture(scope="module")
def nets(task, tmp_path_factory):
    """The step `leak-net` under each protocol, on small images."""
    folder = tmp_path_factory.mktemp("nets")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(leak_net, "_ARGUMENTS", {"channels": [4, 8]})
        for protocol in ("window", "track", "artist"):
            target = folder / f"leak-net-{protocol}"
            target.mkdir()
            one = dataclasses.replace(task, folder=target)
            leak_net.measure(one, protocol=protocol, epochs=1, height=16)
    return folder


def test_nets_are_trained_on_two_thirds_and_scored_on_all(nets):
    fits = pd.concat([read(folder, "fit") for folder in sorted(nets.iterdir())])
    assert fits["train"].nunique() == 1
    tracks = read(nets / "leak-net-track", "tracks")
    assert tracks["MiniVGG, track"].notna().all()
    assert fits["train"].iloc[0] == pytest.approx(10 * len(tracks) * 2 / 3, rel=0.15)
    training = read(nets / "leak-net-track", "training")
    assert training.index.tolist() == [0, 1, 2]
    assert {"epoch", "train_loss"} <= set(training.columns)


class _Tables(Results):
    """Results without the documents of their steps."""

    def __init__(self, places):
        self.places = places

    @property
    def steps(self):
        return sorted(self.places)

    def table(self, step, name):
        return read(self.places[step], name)


def test_nets_are_added_if_all_protocols_are_there(task, nets):
    tables = _Tables({"leak": task.folder})
    scores, steps = read_leaks(tables)
    assert scores.index.unique().tolist() == ["k-NN", "random forest"]
    assert net_predictions(tables, "window").empty
    for name in ("window", "track", "artist"):
        tables.places[f"leak-net-{name}"] = nets / f"leak-net-{name}"
    scores, steps = read_leaks(tables)
    assert set(scores.loc["MiniVGG", "protocol"]) == {"window", "track", "artist"}
    both = steps.set_index("step", append=True).loc["MiniVGG"]
    points = both.query("unit == 'window'")["points"]
    parts = points["window to track"] + points["track to artist"]
    assert points["window to artist"] == pytest.approx(parts)
    made_of = accuracy_parts(scores, steps, 0.4)
    assert set(made_of.index) == {"k-NN", "random forest", "MiniVGG"}
    assert made_of.query("unit == 'track'")["official"].isna().to_dict() == {
        "k-NN": False, "random forest": False, "MiniVGG": True,
    }  # fmt: skip
    assert (made_of["chance"] == 0.4).all()


def test_a_protocol_that_is_not_possible_is_refused(few):
    with pytest.raises(SplitError, match="artist"):
        leak_net.measure(few, protocol="artist")
    with pytest.raises(SplitError, match="no protocol 'song'"):
        leak_net.measure(few, protocol="song")
