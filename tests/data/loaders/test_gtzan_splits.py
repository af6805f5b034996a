"""The splits of GTZAN that are files of the package."""

import dataclasses
import warnings

import numpy as np
import pandas as pd
import pytest

from gtzan_lib.data.loaders import gtzan
from gtzan_lib.data.loaders.gtzan_splits import (
    PUBLISHED_SPLITS,
    make_published_split,
    published_split,
)
from gtzan_lib.data.splits import quiet_split
from gtzan_lib.data.windows import WindowGrid, window_table
from gtzan_lib.errors import SplitError
from gtzan_lib.genres import GENRES


@pytest.fixture(scope="module")
def clips(paper_corpus):
    """GTZAN's tracks with their artists and parts, without audio."""
    facts = gtzan.facts()
    genres = facts.index.str.partition(".").get_level_values(0)
    artists = facts["artist"].where(facts["artist"].notna(), None)
    corpus = paper_corpus(zip(genres, artists, [9.0] * len(facts), strict=True))
    assert corpus.tracks.index.tolist() == facts.index.tolist()
    tracks = corpus.tracks.assign(partition=facts["partition"].to_numpy())
    known = dataclasses.replace(corpus, tracks=tracks)
    known.__dict__["fingerprint"] = corpus.fingerprint
    return known


@pytest.mark.parametrize("protocol", PUBLISHED_SPLITS)
def test_files_are_what_the_package_makes(protocol, tmp_path):
    made, loaded = make_published_split(protocol), published_split(protocol)
    assert loaded.hash == made.hash
    assert made.save(tmp_path / "split.csv").read_bytes() == PUBLISHED_SPLITS[protocol].read_bytes()
    assert loaded.check() is loaded


@pytest.mark.parametrize("protocol", PUBLISHED_SPLITS)
def test_files_have_a_row_per_track(protocol):
    table, facts = published_split(protocol).table, gtzan.facts()
    assert table["track_id"].tolist() == facts.index.tolist()
    assert table["artist"].tolist() == facts["artist"].fillna("").tolist()
    assert table["genre"].tolist() == np.repeat(GENRES, 100).tolist()
    # Other tools read it, too.
    assert len(pd.read_csv(PUBLISHED_SPLITS[protocol], comment="#")) == 1000


def test_official_split_is_that_of_windows(clips):
    """Merging by track gives what `split` gives for windows."""
    windows = window_table(clips, WindowGrid(3))
    parts = published_split("official").table[["track_id", "fold_0"]]
    merged = windows.merge(parts, on="track_id")
    expected = quiet_split(windows, clips, protocol="official").table
    assert merged["window_id"].tolist() == expected["window_id"].tolist()
    assert merged["fold_0"].tolist() == expected["fold_0"].tolist()
    assert parts["fold_0"].value_counts().to_dict() == {
        "train": 443, "valid": 197, "test": 290, "dropped": 70,
    }  # fmt: skip


def test_artist_folds_are_those_of_windows(clips):
    table = published_split("artist").table
    kept = table.loc[table["fold_0"] != "dropped", "track_id"]
    windows = window_table(clips, WindowGrid(9))
    windows = windows[windows["track_id"].isin(kept)]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        expected = quiet_split(windows, clips, protocol="artist", folds=5).table
    table = table[table["track_id"].isin(kept)]
    for fold in range(5):
        assert table[f"fold_{fold}"].tolist() == expected[f"fold_{fold}"].tolist()


def test_artist_folds_test_each_track_of_a_known_artist_once():
    divided = published_split("artist")
    assert len(divided) == 5
    table, facts = divided.table, gtzan.facts()
    folds = table.filter(like="fold_")
    faults = gtzan.known_faults()
    unreadable = faults["track_id"][faults["fault"] == "unreadable"]
    dropped = table["track_id"].isin([*facts.index[facts["partition"] == "dropped"], *unreadable])
    assert (folds.eq("dropped").any(axis=1) == dropped).all()
    assert folds[dropped].eq("dropped").all(axis=None)
    unknown = table["artist"] == ""
    assert folds[unknown & ~dropped].eq("train").all(axis=None)
    assert (folds.eq("test").sum(axis=1) == (~unknown & ~dropped)).all()
    for fold in range(5):
        assert divided.shared("artist", fold) == []
        assert divided.parts(fold).min(axis=None) >= 13


@pytest.mark.parametrize("protocol", PUBLISHED_SPLITS)
def test_no_known_repetition_is_left(protocol):
    folds = published_split(protocol).table.set_index("track_id").filter(like="fold_")
    repeated = gtzan.known_faults().dropna(subset="source_track")
    for first, second in zip(repeated["track_id"], repeated["source_track"], strict=True):
        assert folds.loc[[first, second]].eq("dropped").all(axis=1).any()


@pytest.mark.parametrize("load", [published_split, make_published_split])
def test_other_protocols_are_refused(load):
    with pytest.raises(SplitError, match="no published split 'track' of GTZAN; choose one of off"):
        load("track")
