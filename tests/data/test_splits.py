"""Splits: units that a protocol keeps in one part, balance, saving and checking."""

import dataclasses
import itertools
import re
import warnings
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from sklearn.model_selection import StratifiedGroupKFold

from gtzan_lib.data.loaders import gtzan
from gtzan_lib.data.opening import open_corpus
from gtzan_lib.data.splits import DataSplit, quiet_split, split
from gtzan_lib.data.windows import window_table
from gtzan_lib.errors import GtzanWarning, SplitError
from gtzan_lib.genres import GENRES

PARTS = ["train", "valid", "test"]
SHARES = np.array([0.70, 0.15, 0.15])


SOME_ARTISTS, SOME_UNKNOWN = st.integers(3, 8), st.integers(0, 4)


@st.composite
def rows(draw, artists=SOME_ARTISTS, unknown=SOME_UNKNOWN):
    """Tracks of a few genres, one to five per artist, as (genre, artist, seconds)."""
    tracks = []
    for genre in draw(st.sampled_from([GENRES[:1], GENRES[:2], GENRES[:4]])):
        for artist in range(draw(artists)):
            tracks += [(genre, f"{genre} artist {artist}")] * draw(st.integers(1, 5))
        tracks += [(genre, None)] * draw(unknown)
    seconds = draw(st.lists(st.integers(1, 10), min_size=len(tracks), max_size=len(tracks)))
    return [(*row, 3.0 * n) for row, n in zip(tracks, seconds, strict=True)]


@pytest.fixture
def uneven(paper_corpus):
    """Return two genres of 9 artists, one with many tracks, and two tracks of unknown artists."""
    tracks = [
        (genre, f"{genre}{artist}", 6.0)
        for genre in ("blues", "rock")
        for artist in range(9)
        for _ in range(6 if artist == 0 else 2)
    ]
    corpus = paper_corpus([*tracks, ("blues", None, 6.0), ("rock", None, 6.0)])
    return window_table(corpus), corpus


# --- units in one part --------------------------------------------------------


@pytest.mark.parametrize("protocol", ["window", "track", "artist"])
@pytest.mark.parametrize("folds", [1, 3])
@given(rows=rows(), seed=st.integers(0, 5))
def test_every_protocol_keeps_its_units_in_one_part(paper_corpus, protocol, folds, rows, seed):
    corpus = paper_corpus(rows)
    table = window_table(corpus)
    divided = quiet_split(table, corpus, protocol=protocol, folds=folds, seed=seed)
    assert len(divided) == folds
    for number, fold in enumerate(divided):
        # Every window is in exactly one part.
        everything = np.concatenate(fold)
        assert sorted(everything) == list(range(len(table)))
        # Every part has every genre.
        for part in fold:
            assert set(table["genre"].iloc[part]) == set(corpus.genres)
        # Each unit is in one part.
        parts = divided.table[f"fold_{number}"]
        if protocol != "window":
            assert divided.shared("track_id", number) == []
            assert (parts.groupby(table["track_id"]).nunique() == 1).all()
        if protocol == "artist":
            assert divided.shared("artist", number) == []
            known = divided.table["artist"] != ""
            assert (parts[known].groupby(divided.table["artist"][known]).nunique() == 1).all()
            # Tracks of unknown artists may be by a tested artist, so they stay in train.
            assert (parts[~known] == "train").all()


@pytest.mark.parametrize("protocol", ["window", "track", "artist"])
@given(rows=rows(artists=st.integers(5, 7)), folds=st.integers(3, 5), seed=st.integers(0, 5))
def test_folds_test_everything_once(paper_corpus, protocol, rows, folds, seed):
    corpus = paper_corpus(rows)
    table = window_table(corpus)
    divided = quiet_split(table, corpus, protocol=protocol, folds=folds, seed=seed)
    tested = np.concatenate([fold.test for fold in divided])
    validated = np.concatenate([fold.valid for fold in divided])
    unknown = divided.table.index[divided.table["artist"] == ""] if protocol == "artist" else []
    expected = sorted(set(range(len(table))) - set(unknown))
    assert sorted(tested) == expected
    assert sorted(validated) == expected
    # The validation part of a fold is the test part of the next one.
    for fold, following in zip(divided, [*divided.folds[1:], divided.folds[0]], strict=True):
        assert fold.valid.tolist() == following.test.tolist()


@given(rows=rows(unknown=st.just(0)), seed=st.integers(0, 5))
def test_shares_are_met_to_a_track(paper_corpus, rows, seed):
    """A part has less than one track too many of a genre, and less than two too few."""
    corpus = paper_corpus(rows)
    table = window_table(corpus)
    divided = split(table, corpus, protocol="track", seed=seed)
    counts = pd.crosstab(table["genre"], divided.table["fold_0"])[PARTS]
    target = np.outer(counts.sum(axis=1), SHARES)
    biggest = table.groupby(["genre", "track_id"]).size().groupby("genre").max()
    surplus = (counts.to_numpy() - target) / biggest.loc[counts.index].to_numpy()[:, None]
    assert surplus.max() < 1
    assert surplus.min() > -2


@given(rows=rows(artists=st.integers(5, 7)), folds=st.integers(3, 5), seed=st.integers(0, 5))
def test_folds_are_equal_to_an_artist(paper_corpus, rows, folds, seed):
    corpus = paper_corpus(rows)
    divided = split(window_table(corpus), corpus, protocol="artist", folds=folds, seed=seed)
    known = divided.table[divided.table["artist"] != ""]
    biggest = known.groupby(["genre", "artist"]).size().groupby("genre").max()
    tested = pd.DataFrame(
        {
            number: divided.table.loc[fold.test, "genre"].value_counts()
            for number, fold in enumerate(divided)
        }
    )
    spread = tested.max(axis=1) - tested.min(axis=1)
    assert (spread <= biggest.loc[spread.index]).all()


def test_window_protocol_splits_tracks_and_warns(uneven):
    table, corpus = uneven
    with pytest.warns(GtzanWarning, match="include the leak"):
        divided = split(table, corpus, protocol="window")
    assert divided.shared("track_id")


def test_other_protocols_do_not_warn(uneven):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        split(*uneven, protocol="track")
        split(*uneven)


def test_track_protocol_may_share_artists(uneven):
    divided = split(*uneven, protocol="track")
    assert divided.shared("artist")
    assert "" not in divided.shared("artist")


def test_unsorted_windows_keep_their_order(uneven):
    table, corpus = uneven
    table = table.sample(frac=1, random_state=0)
    divided = split(table, corpus)
    assert divided.table["window_id"].tolist() == table["window_id"].tolist()
    assert divided.shared("artist") == []


# --- reproducibility and saving -----------------------------------------------


@pytest.mark.parametrize("protocol", ["window", "track", "artist"])
def test_same_seed_same_split_other_seed_other_split(uneven, protocol):
    first, again = (quiet_split(*uneven, protocol=protocol, seed=3) for _ in range(2))
    pd.testing.assert_frame_equal(first.table, again.table)
    assert first.hash == again.hash
    assert len({quiet_split(*uneven, protocol=protocol, seed=seed).hash for seed in range(5)}) > 1


def test_global_random_state_is_not_used(uneven):
    np.random.seed(1)
    first = split(*uneven).hash
    np.random.seed(2)
    assert split(*uneven).hash == first
    assert np.random.randint(10**6) == np.random.RandomState(2).randint(10**6)


def test_hash_depends_on_the_protocol(uneven):
    divided = split(*uneven, protocol="track")
    assert DataSplit("artist", divided.table, divided.settings).hash != divided.hash


@pytest.mark.parametrize("folds", [1, 4])
@pytest.mark.parametrize("protocol", ["window", "track", "artist"])
def test_save_and_load(uneven, tmp_path, protocol, folds):
    divided = quiet_split(*uneven, protocol=protocol, folds=folds, seed=9)
    path = divided.save(tmp_path / "deep" / "split.csv")
    loaded = DataSplit.load(path)
    assert loaded.hash == divided.hash
    assert loaded.protocol == protocol
    assert loaded.settings == divided.settings
    assert loaded.settings["seed"] == 9
    pd.testing.assert_frame_equal(loaded.table, divided.table, check_dtype=False)
    for fold, expected in zip(loaded, divided, strict=True):
        assert all(np.array_equal(a, b) for a, b in zip(fold, expected, strict=True))
    # Other tools can read the table.
    assert len(pd.read_csv(path, comment="#")) == len(divided.table)
    assert loaded.save(tmp_path / "again.csv").read_bytes() == path.read_bytes()


def change_index(text: str) -> str:
    return text[::-1].replace("tset", "niart", 1)[::-1]


def drop_row(text: str) -> str:
    return "\n".join(text.splitlines()[:-1]) + "\n"


def swap_rows(text: str) -> str:
    *head, a, b = text.splitlines()
    return "\n".join([*head, b, a]) + "\n"


def other_protocol(text: str) -> str:
    return text.replace('"protocol":"artist"', '"protocol":"track"')


@pytest.mark.parametrize("change", [change_index, drop_row, swap_rows, other_protocol])
def test_changed_files_are_refused(uneven, tmp_path, change):
    path = split(*uneven).save(tmp_path / "split.csv")
    before = path.read_text()
    path.write_text(change(before))
    assert path.read_text() != before
    with pytest.raises(SplitError, match=r"split\.csv: its indices were changed"):
        DataSplit.load(path)


HEAD = '# {"protocol":"track","hash":"0"}\n'


@pytest.mark.parametrize(
    "content",
    [
        "",
        "window_id,track_id\na,b\n",
        "# {}\nwindow_id\na\n",
        "# 5\nwindow_id\na\n",
        "# []\nwindow_id\na\n",
        HEAD,
        HEAD + "track_id,fold_0\nblues.00000,train\n",
        "\x00\xff",
    ],
)
def test_other_files_are_refused(tmp_path, content):
    file = tmp_path / "split.csv"
    file.write_text(content, encoding="latin-1")
    with pytest.raises(SplitError, match=r"split\.csv: "):
        DataSplit.load(file)


def test_missing_split_is_refused(tmp_path):
    with pytest.raises(SplitError, match=r"none\.csv: is not a split"):
        DataSplit.load(tmp_path / "none.csv")


# --- errors -------------------------------------------------------------------


def artists(paper_corpus, **counts):
    """Return windows and corpus of one-track artists, with their number by genre."""
    corpus = paper_corpus((g, f"{g}{a}", 30.0) for g, n in counts.items() for a in range(n))
    return window_table(corpus), corpus


def test_genre_with_too_few_artists_is_named(paper_corpus):
    table, corpus = artists(paper_corpus, blues=5, metal=2, rock=5)
    with pytest.raises(SplitError, match="genre 'metal' has 2 artists for 3 parts"):
        split(table, corpus)
    with pytest.raises(SplitError, match="genre 'metal' has 2 artists for 5 parts") as caught:
        split(table, corpus, folds=5)
    assert "use protocol='track'" in str(caught.value)


def test_all_genres_with_too_few_are_named(paper_corpus):
    table, corpus = artists(paper_corpus, blues=1, metal=5, rock=2)
    with pytest.raises(SplitError, match=r"genre 'blues' has 1 artist for 3 .*and rock too few"):
        split(table, corpus)


def test_unknown_artists_are_mentioned(paper_corpus):
    corpus = paper_corpus([("jazz", None, 30.0)] * 4)
    with pytest.raises(SplitError, match="4 tracks have no known artist"):
        split(window_table(corpus), corpus)
    assert split(window_table(corpus), corpus, protocol="track").shared() == []


def test_genre_with_too_few_tracks_is_named(paper_corpus):
    table, corpus = artists(paper_corpus, blues=5, rock=3)
    with pytest.raises(SplitError, match="genre 'rock' has 3 tracks for 4 parts") as caught:
        split(table, corpus, protocol="track", folds=4)
    assert "protocol='track'" not in str(caught.value)


def test_artists_in_all_genres(paper_corpus):
    corpus = paper_corpus((g, f"artist {a}", 30.0) for g in ("blues", "rock") for a in range(3))
    divided = split(window_table(corpus), corpus)
    assert divided.shared("artist") == []
    assert (divided.parts() > 0).all(axis=None)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"protocol": "album"}, "there is no protocol 'album'; choose one of window, track"),
        ({"folds": 2}, "2 folds leave no part to train on"),
        ({"folds": 0}, "0 folds leave no part"),
        ({"folds": -1}, "-1 folds leave no part"),
        ({"shares": (0.5, 0.5)}, "must be three positive numbers"),
        ({"shares": (0.8, 0.2, 0.0)}, "must be three positive numbers"),
        ({"shares": (0.8, 0.3, 0.1)}, "sum to 1"),
    ],
)
def test_invalid_arguments_are_refused(uneven, arguments, sentence):
    with pytest.raises(SplitError, match=sentence):
        split(*uneven, **arguments)


# --- counts and settings ------------------------------------------------------


def test_parts_count_tracks(uneven):
    divided = split(*uneven)
    counts = divided.parts()
    assert counts.columns.tolist() == PARTS
    assert counts.index.tolist() == ["blues", "rock"]
    tracks = divided.table.drop_duplicates("track_id")
    for genre in counts.index:
        of_genre = tracks[tracks["genre"] == genre]
        for part in PARTS:
            assert counts.loc[genre, part] == (of_genre["fold_0"] == part).sum()


def test_repr(uneven):
    divided = split(*uneven, folds=3)
    assert divided.hash in repr(divided)
    assert "3 folds" in repr(divided)
    assert "one division" in repr(split(*uneven))


def test_settings_name_the_corpus(uneven):
    assert split(*uneven).settings == {
        "seed": 42, "folds": 1, "corpus": uneven[1].fingerprint, "shares": [0.7, 0.15, 0.15],
    }  # fmt: skip


# --- the published division ---------------------------------------------------


def with_parts(corpus, parts):
    """Return the same corpus with a partition of each track."""
    known = dataclasses.replace(corpus, tracks=corpus.tracks.assign(partition=list(parts)))
    known.__dict__["fingerprint"] = corpus.fingerprint
    return known


@given(rows=rows(), data=st.data())
def test_published_parts_are_taken_as_they_are(paper_corpus, rows, data):
    corpus = paper_corpus(rows)
    parts = st.sampled_from([*PARTS, "dropped"])
    drawn = data.draw(st.lists(parts, min_size=len(rows), max_size=len(rows)))
    assume(set(PARTS) <= set(drawn))
    corpus = with_parts(corpus, drawn)
    table = window_table(corpus).sample(frac=1, random_state=len(rows))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        divided = split(table, corpus, protocol="official")
    assert len(divided) == 1
    assert divided.protocol == "official"
    assert divided.table["window_id"].tolist() == table["window_id"].tolist()
    part = corpus.tracks["partition"].loc[table["track_id"]].to_numpy()
    for name, indices in zip(PARTS, divided.folds[0], strict=True):
        assert indices.tolist() == np.flatnonzero(part == name).tolist()
    # What is dropped is in no part.
    assert sum(map(len, divided.folds[0])) == (part != "dropped").sum()
    # The warning counts the artists in train and test, and their test tracks.
    plays = corpus.tracks.dropna(subset=["artist"])
    trained, tested = (set(plays["artist"][plays["partition"] == p]) for p in ("train", "test"))
    both = trained & tested
    assert divided.shared("artist") == sorted(both)
    assert len(caught) == bool(both)
    if both:
        tests = corpus.tracks[corpus.tracks["partition"] == "test"]
        n_shared = tests["artist"].isin(both).sum()
        message = str(caught[0].message)
        assert f"the official split of paper has {len(both)} artist" in message
        assert f"with {n_shared} of its {len(tests)} test tracks" in message
        assert caught[0].category is GtzanWarning
        assert caught[0].filename == __file__


@pytest.fixture
def published(paper_corpus):
    """Return nine artists of two tracks each, three artists in each part."""
    corpus = paper_corpus(
        (g, f"{g}{a}", 6.0) for g in ("blues", "rock") for a in range(9) for _ in "ab"
    )
    corpus = with_parts(corpus, [PARTS[n // 2 % 9 // 3] for n in range(36)])
    return window_table(corpus), corpus


def test_published_division_is_the_same_for_every_seed(published):
    """Shares have no effect, either."""
    table, corpus = published
    first = split(table, corpus, protocol="official")
    other = split(table, corpus, protocol="official", seed=7, shares=(0.2, 0.4, 0.4))
    assert first.hash == other.hash
    assert first.settings == {
        "seed": None, "folds": 1, "corpus": corpus.fingerprint, "corpus_name": "paper"
    }  # fmt: skip
    assert first.check() is first


@pytest.mark.parametrize("folds", [3, 5])
def test_published_division_has_no_folds(published, folds):
    with pytest.raises(SplitError, match=f"{folds} folds: .*is one division"):
        split(*published, protocol="official", folds=folds)


def test_published_division_needs_known_tracks(uneven, published):
    with pytest.raises(SplitError, match=r"track 'blues\.00000' is in no part .*protocol='artist'"):
        split(*uneven, protocol="official")
    for unlisted in (None, "", "Train", "rest"):
        parts = published[1].tracks["partition"].tolist()
        parts[20] = unlisted
        with pytest.raises(SplitError, match=r"track 'rock\.00002' is in no part"):
            split(published[0], with_parts(published[1], parts), protocol="official")


@pytest.mark.parametrize("instead", ["train", "dropped"])
@pytest.mark.parametrize("empty", PARTS)
def test_published_division_needs_every_part(published, empty, instead):
    table, corpus = published
    corpus = with_parts(corpus, corpus.tracks["partition"].replace(empty, instead))
    if empty == instead:
        assert len(split(table, corpus, protocol="official")) == 1
        return
    with pytest.raises(SplitError, match=f"none of its tracks is in the {empty} part"):
        split(table, corpus, protocol="official")


def test_windows_without_a_part_are_refused(published):
    """The windows must have all parts, not only the corpus."""
    table, corpus = published
    tested = corpus.tracks.index[corpus.tracks["partition"] == "test"]
    with pytest.raises(SplitError, match="none of its tracks is in the test part"):
        split(table[~table["track_id"].isin(tested)], corpus, protocol="official")


def test_published_division_is_saved_and_loaded(published, tmp_path):
    table, corpus = published
    corpus = with_parts(corpus, ["dropped", *corpus.tracks["partition"][1:]])
    divided = split(table, corpus, protocol="official")
    loaded = DataSplit.load(divided.save(tmp_path / "split.csv"))
    assert loaded.hash == divided.hash
    assert loaded.protocol == "official"
    assert loaded.settings == divided.settings
    assert loaded.check() is loaded
    pd.testing.assert_frame_equal(loaded.table, divided.table, check_dtype=False)
    pd.testing.assert_frame_equal(loaded.parts(), divided.parts(), check_dtype=False)


# --- artists in two parts -----------------------------------------------------


@pytest.mark.parametrize("protocol", ["window", "track", "artist"])
@given(rows=rows(), seed=st.integers(0, 5), folds=st.sampled_from([1, 3]))
def test_sharing_by_hand(paper_corpus, protocol, rows, seed, folds):
    corpus = paper_corpus(rows)
    divided = quiet_split(window_table(corpus), corpus, protocol=protocol, folds=folds, seed=seed)
    for number, fold in enumerate(divided):
        expected = []
        for first, second in (("train", "test"), ("valid", "test"), ("train", "valid")):
            pair = [divided.table.iloc[getattr(fold, part)] for part in (first, second)]
            tracks, artists = (
                sorted(set(pair[0][unit]) & set(pair[1][unit]) - {""})
                for unit in ("track_id", "artist")
            )
            assert divided.shared(fold=number, parts=(first, second)) == tracks
            assert divided.shared("track_id", number, parts=(second, first)) == tracks
            assert divided.shared("artist", number, parts=(first, second)) == artists
            for artist in artists:
                of_artist = [
                    part["track_id"][part["artist"] == artist].unique().tolist() for part in pair
                ]
                expected.append((first, second, artist, *of_artist))
        sharing = divided.sharing(number)
        assert sharing.columns.tolist() == [
            "first", "second", "artist", "tracks_first", "tracks_second",
        ]  # fmt: skip
        assert list(sharing.itertuples(index=False, name=None)) == expected


def test_sharing_leaves_out_dropped_tracks(published):
    """An artist with tracks in train and dropped tracks is in one part only."""
    table, corpus = published
    corpus = with_parts(corpus, ["dropped", *corpus.tracks["partition"][1:]])
    assert split(table, corpus, protocol="official").sharing().empty


# --- checking -----------------------------------------------------------------

PAIRS = [("train", "test"), ("valid", "test"), ("train", "valid")]


@pytest.mark.parametrize("folds", [1, 4])
@pytest.mark.parametrize("protocol", ["window", "track", "artist"])
def test_good_splits_pass_the_check(uneven, tmp_path, protocol, folds):
    divided = quiet_split(*uneven, protocol=protocol, folds=folds)
    assert divided.check() is divided
    loaded = DataSplit.load(divided.save(tmp_path / "split.csv"))
    assert loaded.check() is loaded


def moved(divided, row, part, fold=0) -> DataSplit:
    """Return the same split with some windows in another part."""
    table = divided.table.copy()
    table.loc[row, f"fold_{fold}"] = part
    return DataSplit(divided.protocol, table, divided.settings)


@pytest.mark.parametrize(("first", "second"), [*PAIRS, *(pair[::-1] for pair in PAIRS)])
@pytest.mark.parametrize("protocol", ["track", "artist", "official"])
def test_track_in_two_parts_is_refused(uneven, published, protocol, first, second):
    divided = split(*(published if protocol == "official" else uneven), protocol=protocol)
    row = getattr(divided.folds[0], first)[-1]
    track = divided.table.at[row, "track_id"]
    sentence = f"track {track!r} is in (.+) and in (.+) of fold 0, which the {protocol} protocol"
    with pytest.raises(SplitError, match=re.escape(f"track {track!r}")) as caught:
        moved(divided, row, second).check()
    assert set(re.match(sentence, str(caught.value)).groups()) == {first, second}


@pytest.mark.parametrize(("first", "second"), PAIRS)
def test_artist_in_two_parts_is_refused(uneven, first, second):
    """Whole tracks are moved, so that only the artist is in two parts."""
    divided = split(*uneven, protocol="artist")
    table = divided.table
    known = table[(table["fold_0"] == first) & (table["artist"] != "")]
    artist = known["artist"].iloc[-1]
    of_artist = known[known["artist"] == artist]
    assert of_artist["track_id"].nunique() > 1
    windows = of_artist.index[of_artist["track_id"] == of_artist["track_id"].iloc[0]]
    broken = moved(divided, windows, second)
    sentence = f"artist {artist!r} is in {first} and in {second} of fold 0, which the artist"
    with pytest.raises(SplitError, match=sentence):
        broken.check()
    # The other protocols allow that.
    for protocol in ("track", "official", "window"):
        assert DataSplit(protocol, broken.table, {}).check()


def test_unknown_artists_may_be_in_any_part(uneven):
    divided = split(*uneven, protocol="artist")
    unknown = divided.table.index[divided.table["track_id"] == "blues.00022"]
    assert set(divided.table.loc[unknown, "artist"]) == {""}
    assert moved(divided, unknown, "test").check()


def test_every_fold_is_checked(uneven):
    divided = split(*uneven, protocol="track", folds=3)
    row = divided.folds[2].test[0]
    with pytest.raises(SplitError, match=r"of fold 2, which the track protocol forbids"):
        moved(divided, row, "train", fold=2).check()


def duplicates(*pairs) -> SimpleNamespace:
    """Return a report with these pairs of duplicates."""
    return SimpleNamespace(duplicates=pd.DataFrame(list(pairs), columns=["a", "b"]))


def track_in(divided, part) -> str:
    return divided.table.at[getattr(divided.folds[0], part)[-1], "track_id"]


@pytest.mark.parametrize(("first", "second"), [*PAIRS, *(pair[::-1] for pair in PAIRS)])
@pytest.mark.parametrize("protocol", ["track", "artist", "official"])
def test_duplicates_in_two_parts_are_refused(uneven, published, protocol, first, second):
    divided = split(*(published if protocol == "official" else uneven), protocol=protocol)
    a, b = track_in(divided, first), track_in(divided, second)
    sentence = f"{a} is in {first} and its duplicate {b} in {second} of fold_0; .*corpus.exclude"
    with pytest.raises(SplitError, match=sentence):
        divided.check(duplicates(("x", "y"), (a, b)))
    # Without the report they are not known.
    assert divided.check() is divided


def test_duplicates_in_two_parts_of_a_later_fold_are_refused(uneven):
    divided = split(*uneven, protocol="track", folds=4)
    later = divided.table.drop_duplicates("track_id").set_index("track_id")
    # Both are in train in the first fold, and in two parts of another one.
    trained = later.index[later["fold_0"] == "train"]
    a, b = next(
        (a, b)
        for a, b in itertools.combinations(trained, 2)
        if later.at[a, "fold_2"] != later.at[b, "fold_2"]
    )
    with pytest.raises(SplitError, match=f"{a} is in .* its duplicate {b} in .* of fold_[123]"):
        divided.check(duplicates((a, b)))


def test_duplicates_may_leak_under_the_window_protocol(uneven):
    divided = quiet_split(*uneven, protocol="window")
    pairs = itertools.combinations(uneven[1].tracks.index[:9], 2)
    assert divided.check(duplicates(*pairs)) is divided


@pytest.mark.parametrize("protocol", ["track", "artist", "official"])
def test_duplicates_in_one_part_and_unknown_ones_pass(uneven, published, protocol):
    divided = split(*(published if protocol == "official" else uneven), protocol=protocol)
    trained, tested = (
        divided.table["track_id"].iloc[getattr(divided.folds[0], part)].unique()
        for part in ("train", "test")
    )
    good = [*itertools.combinations(trained, 2), *itertools.combinations(tested, 2)]
    unknown = [(trained[0], "blues.00999"), ("blues.00999", tested[0]), ("fado.1", "fado.2")]
    assert divided.check(duplicates(*good, *unknown)) is divided
    assert divided.check(duplicates()) is divided


def test_duplicates_of_dropped_tracks_pass(published):
    table, corpus = published
    corpus = with_parts(corpus, ["dropped", *corpus.tracks["partition"][1:]])
    divided = split(table, corpus, protocol="official")
    out, trained, tested = "blues.00000", track_in(divided, "train"), track_in(divided, "test")
    assert divided.check(duplicates((out, trained), (trained, out), (tested, out))) is divided
    with pytest.raises(SplitError, match="is in train and its duplicate"):
        divided.check(duplicates((out, trained), (trained, tested)))


# --- scikit-learn -------------------------------------------------------------


def fold_numbers(divided: DataSplit) -> np.ndarray:
    """Return the fold in which each window is tested; -1 for none."""
    number = np.full(len(divided.table), -1)
    for fold, indices in enumerate(divided):
        number[indices.test] = fold
    return number


def sklearn_folds(genres: pd.Series, groups: pd.Series, *, folds: int, seed: int = 0) -> np.ndarray:
    """Return the fold in which each window is tested by `StratifiedGroupKFold`."""
    splitter = StratifiedGroupKFold(folds, shuffle=True, random_state=seed)
    number = np.full(len(genres), -1)
    for fold, (_, test) in enumerate(splitter.split(genres, genres, groups)):
        number[test] = fold
    return number


def largest_deviation(genres: pd.Series, number: np.ndarray, folds: int) -> float:
    """Return how far the share of a genre in a fold is from an equal share, at most."""
    counts = pd.crosstab(genres, number).reindex(columns=range(folds), fill_value=0)
    return (counts.div(counts.sum(axis=1), axis=0) - 1 / folds).abs().to_numpy().max()


@pytest.mark.parametrize("folds", [3, 5])
@pytest.mark.parametrize("seed", range(6))
def tested_in_are_as_balanced_as_those_of_scikit_learn(paper_corpus, folds, seed):
    rng = np.random.default_rng(seed)
    corpus = paper_corpus(
        (genre, f"{genre} {artist}", 3.0)
        for genre in GENRES
        for artist in range(rng.integers(8, 20))
        for _ in range(rng.geometric(0.3))
    )
    divided = split(window_table(corpus), corpus, folds=folds, seed=seed)
    genres, artists = divided.table["genre"], divided.table["artist"]
    ours = fold_numbers(divided)
    theirs = sklearn_folds(genres, artists, folds=folds, seed=seed)
    for number in (ours, theirs):
        assert (number >= 0).all()
        assert (pd.Series(number).groupby(artists).nunique() == 1).all()
    rounding = 1e-12
    deviation = largest_deviation(genres, theirs, folds)
    assert largest_deviation(genres, ours, folds) <= deviation + rounding


def test_scikit_learn_tests_on_unknown_artists(paper_corpus):
    """As one group, or as a group per track; `split` keeps them in train."""
    rows = [("blues", f"artist {number}", 3.0) for number in range(9)]
    corpus = paper_corpus([*rows, *[("blues", None, 3.0)] * 4])
    divided = split(window_table(corpus), corpus, folds=3)
    table = divided.table
    unknown = (table["artist"] == "").to_numpy()
    assert (fold_numbers(divided)[unknown] == -1).all()
    per_track = table["artist"].where(~unknown, table["track_id"])
    for groups in (table["artist"], per_track):
        assert (sklearn_folds(table["genre"], groups, folds=3)[unknown] >= 0).all()


def test_scikit_learn_allows_a_fold_without_a_genre(paper_corpus):
    """`split` raises an error."""
    rows = [("rock", f"rock {number}", 3.0) for number in range(9)]
    rows += [("blues", f"blues {number % 2}", 3.0) for number in range(6)]
    corpus = paper_corpus(rows)
    table, artists = window_table(corpus), corpus.tracks["artist"].to_numpy()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        number = sklearn_folds(table["genre"], artists, folds=3)
    assert set(number[table["genre"] == "blues"]) < {0, 1, 2}
    with pytest.raises(SplitError, match="genre 'blues' has 2 artists for 3 parts"):
        split(table, corpus, folds=3)


# --- GTZAN --------------------------------------------------------------------


@pytest.fixture(scope="module")
def gtzan_on_paper(paper_corpus):
    """Return GTZAN's thousand clips with their artists, without audio."""
    facts = gtzan.facts()
    artist = facts["artist"].where(facts["artist"].notna(), None)
    rows = [(t.split(".")[0], a, 30.0) for t, a in artist.items()]
    corpus = paper_corpus(rows)
    assert corpus.tracks.index.tolist() == facts.index.tolist()
    return window_table(corpus), corpus


@pytest.mark.parametrize("folds", [1, 3])
def test_gtzan_by_artist(gtzan_on_paper, folds):
    table, corpus = gtzan_on_paper
    divided = split(table, corpus, folds=folds)
    for number in range(folds):
        assert divided.shared("artist", number) == []
        assert (divided.parts(number) > 0).all(axis=None)


def test_gtzan_by_track_is_stratified(gtzan_on_paper):
    table, corpus = gtzan_on_paper
    counts = split(table, corpus, protocol="track").parts()
    assert (abs(counts / 100 - SHARES) <= 0.01).all(axis=None)


@pytest.fixture(scope="module")
def gtzan_published(gtzan_on_paper):
    """Return the published division of GTZAN, and its warning."""
    table, corpus = gtzan_on_paper
    corpus = with_parts(corpus, gtzan.facts()["partition"])
    with pytest.warns(GtzanWarning) as caught:
        divided = split(table, corpus, protocol="official")
    return divided, [str(warning.message) for warning in caught]


def test_gtzan_fault_filtered(gtzan_published):
    divided, _ = gtzan_published
    assert divided.parts().sum().to_dict() == {"train": 443, "valid": 197, "test": 290}
    assert (divided.parts() > 0).all(axis=None)
    tracks = divided.table.drop_duplicates("track_id")
    assert len(tracks) == 1000
    dropped = divided.table.index[divided.table["fold_0"] == "dropped"]
    assert divided.table.loc[dropped, "track_id"].nunique() == 70
    assert not set(dropped) & set(np.concatenate(divided.folds[0]))
    assert divided.shared() == []
    assert divided.check() is divided


def test_gtzan_fault_filtered_warns_of_shared_artists(gtzan_published):
    divided, messages = gtzan_published
    assert messages == [
        "the official split of paper has 6 artists in both train and test, with 14 of its 290 test "
        "tracks; split.shared('artist') names them."
    ]
    assert len(divided.shared("artist")) == 6
    sharing = divided.sharing()
    leaks = sharing[(sharing["first"] == "train") & (sharing["second"] == "test")]
    assert leaks["artist"].tolist() == divided.shared("artist")
    assert leaks["tracks_second"].map(len).sum() == 14


def test_gtzan_fault_filtered_has_no_known_duplicates_in_two_parts(gtzan_published):
    divided, _ = gtzan_published
    known = gtzan.known_faults().dropna(subset=["source_track"])
    assert len(known) > 14
    report = duplicates(*zip(known["track_id"], known["source_track"], strict=True))
    assert divided.check(report) is divided


def test_one_artist_a_genre_cannot_be_split_by_artist(gtzan_root):
    if not (gtzan_root / "mini").is_dir():
        pytest.skip(f"{gtzan_root} holds no mini/")
    corpus = open_corpus(gtzan_root / "mini")
    with pytest.raises(SplitError, match=r"genre 'blues' has 1 artist .*reggae"):
        split(window_table(corpus), corpus)
    assert split(window_table(corpus), corpus, protocol="track", folds=5).shared() == []
