"""What a protocol promises is never on both sides, and is never."""

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

from gtzan_lib.data import gtzan
from gtzan_lib.data.corpus import open_corpus
from gtzan_lib.data.splits import Split, split
from gtzan_lib.data.windows import windows
from gtzan_lib.errors import GtzanWarning, SplitError
from gtzan_lib.genres import GENRES

PARTS = ["train", "valid", "test"]
SHARES = np.array([0.70, 0.15, 0.15])


def made(table, corpus, **arguments) -> Split:
    """Split without the window protocol's warning, which a test of its own expects."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", GtzanWarning)
        return split(table, corpus, **arguments)


SOME_ARTISTS, SOME_UNKNOWN = st.integers(3, 8), st.integers(0, 4)


@st.composite
def rows(draw, artists=SOME_ARTISTS, unknown=SOME_UNKNOWN):
    """Tracks of a few genres whose artists have few or many, as (genre, artist, seconds)."""
    found = []
    for genre in draw(st.sampled_from([GENRES[:1], GENRES[:2], GENRES[:4]])):
        for artist in range(draw(artists)):
            found += [(genre, f"{genre} artist {artist}")] * draw(st.integers(1, 5))
        found += [(genre, None)] * draw(unknown)
    seconds = draw(st.lists(st.integers(1, 10), min_size=len(found), max_size=len(found)))
    return [(*row, 3.0 * n) for row, n in zip(found, seconds, strict=True)]


@pytest.fixture
def lumpy(paper_corpus):
    """Two genres of 9 artists, one of whom plays much, and two tracks of unknown artists."""
    tracks = [
        (genre, f"{genre}{artist}", 6.0)
        for genre in ("blues", "rock")
        for artist in range(9)
        for _ in range(6 if artist == 0 else 2)
    ]
    corpus = paper_corpus([*tracks, ("blues", None, 6.0), ("rock", None, 6.0)])
    return windows(corpus), corpus


# --- promises -----------------------------------------------------------------


@pytest.mark.parametrize("protocol", ["window", "track", "artist"])
@pytest.mark.parametrize("folds", [1, 3])
@given(rows=rows(), seed=st.integers(0, 5))
def test_promises_of_every_protocol(paper_corpus, protocol, folds, rows, seed):
    corpus = paper_corpus(rows)
    table = windows(corpus)
    divided = made(table, corpus, protocol=protocol, folds=folds, seed=seed)
    assert len(divided) == folds
    for number, fold in enumerate(divided):
        # Every window is in exactly one part.
        everything = np.concatenate(fold)
        assert sorted(everything) == list(range(len(table)))
        # Every part has every genre.
        for part in fold:
            assert set(table["genre"].iloc[part]) == set(corpus.genres)
        # What is kept together is on one side only.
        sides = divided.table[f"fold_{number}"]
        if protocol != "window":
            assert divided.shared("track_id", number) == []
            assert (sides.groupby(table["track_id"]).nunique() == 1).all()
        if protocol == "artist":
            assert divided.shared("artist", number) == []
            known = divided.table["artist"] != ""
            assert (sides[known].groupby(divided.table["artist"][known]).nunique() == 1).all()
            # Nobody knows whose they are, so they are never tested.
            assert (sides[~known] == "train").all()


@pytest.mark.parametrize("protocol", ["window", "track", "artist"])
@given(rows=rows(artists=st.integers(5, 7)), folds=st.integers(3, 5), seed=st.integers(0, 5))
def test_folds_test_everything_once(paper_corpus, protocol, rows, folds, seed):
    corpus = paper_corpus(rows)
    table = windows(corpus)
    divided = made(table, corpus, protocol=protocol, folds=folds, seed=seed)
    tested = np.concatenate([fold.test for fold in divided])
    selected_on = np.concatenate([fold.valid for fold in divided])
    never = divided.table.index[divided.table["artist"] == ""] if protocol == "artist" else []
    expected = sorted(set(range(len(table))) - set(never))
    assert sorted(tested) == expected
    assert sorted(selected_on) == expected
    # What one fold selects on, the next one tests on.
    for one, other in zip(divided, [*divided.folds[1:], divided.folds[0]], strict=True):
        assert one.valid.tolist() == other.test.tolist()


@given(rows=rows(unknown=st.just(0)), seed=st.integers(0, 5))
def test_shares_are_met_to_a_track(paper_corpus, rows, seed):
    """A part gets less than one track too much of a genre, so lacks less than two."""
    corpus = paper_corpus(rows)
    table = windows(corpus)
    divided = split(table, corpus, protocol="track", seed=seed)
    counts = pd.crosstab(table["genre"], divided.table["fold_0"])[PARTS]
    wanted = np.outer(counts.sum(axis=1), SHARES)
    biggest = table.groupby(["genre", "track_id"]).size().groupby("genre").max()
    surplus = (counts.to_numpy() - wanted) / biggest.loc[counts.index].to_numpy()[:, None]
    assert surplus.max() < 1
    assert surplus.min() > -2


@given(rows=rows(artists=st.integers(5, 7)), folds=st.integers(3, 5), seed=st.integers(0, 5))
def test_folds_are_equal_to_an_artist(paper_corpus, rows, folds, seed):
    corpus = paper_corpus(rows)
    divided = split(windows(corpus), corpus, protocol="artist", folds=folds, seed=seed)
    known = divided.table[divided.table["artist"] != ""]
    biggest = known.groupby(["genre", "artist"]).size().groupby("genre").max()
    tested = pd.DataFrame(
        {
            number: divided.table.loc[fold.test, "genre"].value_counts()
            for number, fold in enumerate(divided)
        }
    )
    lumps = tested.max(axis=1) - tested.min(axis=1)
    assert (lumps <= biggest.loc[lumps.index]).all()


def test_window_protocol_splits_tracks_and_warns(lumpy):
    table, corpus = lumpy
    with pytest.warns(GtzanWarning, match="show the leak"):
        divided = split(table, corpus, protocol="window")
    assert divided.shared("track_id")


def test_other_protocols_do_not_warn(lumpy):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        split(*lumpy, protocol="track")
        split(*lumpy)


def test_track_protocol_may_share_artists(lumpy):
    divided = split(*lumpy, protocol="track")
    assert divided.shared("artist")
    assert "" not in divided.shared("artist")


def test_unsorted_windows_keep_their_order(lumpy):
    table, corpus = lumpy
    table = table.sample(frac=1, random_state=0)
    divided = split(table, corpus)
    assert divided.table["window_id"].tolist() == table["window_id"].tolist()
    assert divided.shared("artist") == []


# --- the same again -----------------------------------------------------------


@pytest.mark.parametrize("protocol", ["window", "track", "artist"])
def test_same_seed_same_split_other_seed_other_split(lumpy, protocol):
    first, again = (made(*lumpy, protocol=protocol, seed=3) for _ in range(2))
    pd.testing.assert_frame_equal(first.table, again.table)
    assert first.hash == again.hash
    assert len({made(*lumpy, protocol=protocol, seed=seed).hash for seed in range(5)}) > 1


def test_global_random_state_has_no_say(lumpy):
    np.random.seed(1)
    first = split(*lumpy).hash
    np.random.seed(2)
    assert split(*lumpy).hash == first
    assert np.random.randint(10**6) == np.random.RandomState(2).randint(10**6)


def test_hash_tells_protocols_apart(lumpy):
    divided = split(*lumpy, protocol="track")
    assert Split("artist", divided.table, divided.settings).hash != divided.hash


@pytest.mark.parametrize("folds", [1, 4])
@pytest.mark.parametrize("protocol", ["window", "track", "artist"])
def test_save_and_load(lumpy, tmp_path, protocol, folds):
    divided = made(*lumpy, protocol=protocol, folds=folds, seed=9)
    path = divided.save(tmp_path / "deep" / "split.csv")
    loaded = Split.load(path)
    assert loaded.hash == divided.hash
    assert loaded.protocol == protocol
    assert loaded.settings == divided.settings
    assert loaded.settings["seed"] == 9
    pd.testing.assert_frame_equal(loaded.table, divided.table, check_dtype=False)
    for one, other in zip(loaded, divided, strict=True):
        assert all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))
    # A table that any tool reads.
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
def test_tampering_is_refused(lumpy, tmp_path, change):
    path = split(*lumpy).save(tmp_path / "split.csv")
    before = path.read_text()
    path.write_text(change(before))
    assert path.read_text() != before
    with pytest.raises(SplitError, match=r"split\.csv: its indices were changed"):
        Split.load(path)


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
def test_what_is_no_split_is_refused(tmp_path, content):
    file = tmp_path / "split.csv"
    file.write_text(content, encoding="latin-1")
    with pytest.raises(SplitError, match=r"split\.csv: "):
        Split.load(file)


def test_missing_split_is_refused(tmp_path):
    with pytest.raises(SplitError, match=r"none\.csv: is not a split"):
        Split.load(tmp_path / "none.csv")


# --- refusals -----------------------------------------------------------------


def artists(paper_corpus, **counts):
    """A corpus with as many one-track artists as said of each genre."""
    corpus = paper_corpus((g, f"{g}{a}", 30.0) for g, n in counts.items() for a in range(n))
    return windows(corpus), corpus


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
        split(windows(corpus), corpus)
    assert split(windows(corpus), corpus, protocol="track").shared() == []


def test_genre_with_too_few_tracks_is_named(paper_corpus):
    table, corpus = artists(paper_corpus, blues=5, rock=3)
    with pytest.raises(SplitError, match="genre 'rock' has 3 tracks for 4 parts") as caught:
        split(table, corpus, protocol="track", folds=4)
    assert "protocol='track'" not in str(caught.value)


def test_artists_who_play_all_genres(paper_corpus):
    """Either every part has every genre, or the genre that cannot be is named."""
    corpus = paper_corpus((g, f"artist {a}", 30.0) for g in ("blues", "rock") for a in range(3))
    divided = split(windows(corpus), corpus)
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
def test_impossible_wishes(lumpy, arguments, sentence):
    with pytest.raises(SplitError, match=sentence):
        split(*lumpy, **arguments)


# --- what it says about itself ------------------------------------------------


def test_parts_count_tracks(lumpy):
    divided = split(*lumpy)
    counts = divided.parts()
    assert counts.columns.tolist() == PARTS
    assert counts.index.tolist() == ["blues", "rock"]
    tracks = divided.table.drop_duplicates("track_id")
    for genre in counts.index:
        own = tracks[tracks["genre"] == genre]
        for part in PARTS:
            assert counts.loc[genre, part] == (own["fold_0"] == part).sum()


def test_repr(lumpy):
    divided = split(*lumpy, folds=3)
    assert divided.hash in repr(divided)
    assert "3 folds" in repr(divided)
    assert "one division" in repr(split(*lumpy))


def test_settings_name_the_corpus(lumpy):
    assert split(*lumpy).settings == {
        "seed": 42, "folds": 1, "corpus": lumpy[1].fingerprint, "shares": [0.7, 0.15, 0.15],
    }  # fmt: skip


# --- the published division ---------------------------------------------------


def with_parts(corpus, parts):
    """The same corpus on paper, with the part that is known of each track."""
    known = dataclasses.replace(corpus, tracks=corpus.tracks.assign(partition=list(parts)))
    known.__dict__["fingerprint"] = corpus.fingerprint
    return known


@given(rows=rows(), data=st.data())
def test_published_parts_are_taken_as_they_are(paper_corpus, rows, data):
    corpus = paper_corpus(rows)
    free = st.sampled_from([*PARTS, "dropped"])
    drawn = data.draw(st.lists(free, min_size=len(rows), max_size=len(rows)))
    assume(set(PARTS) <= set(drawn))
    corpus = with_parts(corpus, drawn)
    table = windows(corpus).sample(frac=1, random_state=len(rows))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        divided = split(table, corpus, protocol="fault-filtered")
    assert len(divided) == 1
    assert divided.protocol == "fault-filtered"
    assert divided.table["window_id"].tolist() == table["window_id"].tolist()
    part = corpus.tracks["partition"].loc[table["track_id"]].to_numpy()
    for name, indices in zip(PARTS, divided.folds[0], strict=True):
        assert indices.tolist() == np.flatnonzero(part == name).tolist()
    # What is dropped is in no part.
    assert sum(map(len, divided.folds[0])) == (part != "dropped").sum()
    # Whoever plays in train and in test is told, with the tests that this touches.
    plays = corpus.tracks.dropna(subset=["artist"])
    trained, tested = (set(plays["artist"][plays["partition"] == p]) for p in ("train", "test"))
    both = trained & tested
    assert divided.shared("artist") == sorted(both)
    assert len(caught) == bool(both)
    if both:
        tests = corpus.tracks[corpus.tracks["partition"] == "test"]
        among = tests["artist"].isin(both).sum()
        message = str(caught[0].message)
        assert f"the fault-filtered split has {len(both)} artist" in message
        assert f"with {among} of its {len(tests)} test tracks" in message
        assert caught[0].category is GtzanWarning
        assert caught[0].filename == __file__


@pytest.fixture
def published(paper_corpus):
    """Nine artists of two tracks each, three artists in each part and none in two."""
    corpus = paper_corpus(
        (g, f"{g}{a}", 6.0) for g in ("blues", "rock") for a in range(9) for _ in "ab"
    )
    corpus = with_parts(corpus, [PARTS[n // 2 % 9 // 3] for n in range(36)])
    return windows(corpus), corpus


def test_published_division_is_the_same_for_every_seed(published):
    """Chance and shares have no say."""
    table, corpus = published
    first = split(table, corpus, protocol="fault-filtered")
    other = split(table, corpus, protocol="fault-filtered", seed=7, shares=(0.2, 0.4, 0.4))
    assert first.hash == other.hash
    assert first.settings == {"seed": None, "folds": 1, "corpus": corpus.fingerprint}
    assert first.check() is first


@pytest.mark.parametrize("folds", [3, 5])
def test_published_division_has_no_folds(published, folds):
    with pytest.raises(SplitError, match=f"{folds} folds: .*one published division"):
        split(*published, protocol="fault-filtered", folds=folds)


def test_published_division_needs_known_tracks(lumpy, published):
    with pytest.raises(SplitError, match=r"track 'blues\.00000' is in no part .*protocol='artist'"):
        split(*lumpy, protocol="fault-filtered")
    for strange in (None, "", "Train", "rest"):
        parts = published[1].tracks["partition"].tolist()
        parts[20] = strange
        with pytest.raises(SplitError, match=r"track 'rock\.00002' is in no part"):
            split(published[0], with_parts(published[1], parts), protocol="fault-filtered")


@pytest.mark.parametrize("instead", ["train", "dropped"])
@pytest.mark.parametrize("empty", PARTS)
def test_published_division_needs_every_part(published, empty, instead):
    table, corpus = published
    corpus = with_parts(corpus, corpus.tracks["partition"].replace(empty, instead))
    if empty == instead:
        assert len(split(table, corpus, protocol="fault-filtered")) == 1
        return
    with pytest.raises(SplitError, match=f"none of its tracks is in the {empty} part"):
        split(table, corpus, protocol="fault-filtered")


def test_windows_of_a_part_alone_are_refused(published):
    """It is the windows that count, not the corpus they are from."""
    table, corpus = published
    tested = corpus.tracks.index[corpus.tracks["partition"] == "test"]
    with pytest.raises(SplitError, match="none of its tracks is in the test part"):
        split(table[~table["track_id"].isin(tested)], corpus, protocol="fault-filtered")


def test_published_division_is_saved_and_loaded(published, tmp_path):
    table, corpus = published
    corpus = with_parts(corpus, ["dropped", *corpus.tracks["partition"][1:]])
    divided = split(table, corpus, protocol="fault-filtered")
    loaded = Split.load(divided.save(tmp_path / "split.csv"))
    assert loaded.hash == divided.hash
    assert loaded.protocol == "fault-filtered"
    assert loaded.settings == divided.settings
    assert loaded.check() is loaded
    pd.testing.assert_frame_equal(loaded.table, divided.table, check_dtype=False)
    pd.testing.assert_frame_equal(loaded.parts(), divided.parts(), check_dtype=False)


# --- what two parts share -----------------------------------------------------


@pytest.mark.parametrize("protocol", ["window", "track", "artist"])
@given(rows=rows(), seed=st.integers(0, 5), folds=st.sampled_from([1, 3]))
def test_sharing_by_hand(paper_corpus, protocol, rows, seed, folds):
    corpus = paper_corpus(rows)
    divided = made(windows(corpus), corpus, protocol=protocol, folds=folds, seed=seed)
    for number, fold in enumerate(divided):
        expected = []
        for first, second in (("train", "test"), ("valid", "test"), ("train", "valid")):
            both = [divided.table.iloc[getattr(fold, part)] for part in (first, second)]
            tracks, artists = (
                sorted(set(both[0][unit]) & set(both[1][unit]) - {""})
                for unit in ("track_id", "artist")
            )
            assert divided.shared(fold=number, parts=(first, second)) == tracks
            assert divided.shared("track_id", number, parts=(second, first)) == tracks
            assert divided.shared("artist", number, parts=(first, second)) == artists
            for artist in artists:
                own = [
                    part["track_id"][part["artist"] == artist].unique().tolist() for part in both
                ]
                expected.append((first, second, artist, *own))
        told = divided.sharing(number)
        assert told.columns.tolist() == [
            "first", "second", "artist", "tracks_first", "tracks_second",
        ]  # fmt: skip
        assert list(told.itertuples(index=False, name=None)) == expected


def test_sharing_leaves_out_what_is_dropped(published):
    """An artist in train and among the dropped is in one part only."""
    table, corpus = published
    corpus = with_parts(corpus, ["dropped", *corpus.tracks["partition"][1:]])
    assert split(table, corpus, protocol="fault-filtered").sharing().empty


# --- checking -----------------------------------------------------------------

PAIRS = [("train", "test"), ("valid", "test"), ("train", "valid")]


@pytest.mark.parametrize("folds", [1, 4])
@pytest.mark.parametrize("protocol", ["window", "track", "artist"])
def test_good_splits_pass_the_check(lumpy, tmp_path, protocol, folds):
    divided = made(*lumpy, protocol=protocol, folds=folds)
    assert divided.check() is divided
    loaded = Split.load(divided.save(tmp_path / "split.csv"))
    assert loaded.check() is loaded


def moved(divided, row, part, fold=0) -> Split:
    """The same split with some windows in another part."""
    table = divided.table.copy()
    table.loc[row, f"fold_{fold}"] = part
    return Split(divided.protocol, table, divided.settings)


@pytest.mark.parametrize(("first", "second"), [*PAIRS, *(pair[::-1] for pair in PAIRS)])
@pytest.mark.parametrize("protocol", ["track", "artist", "fault-filtered"])
def test_track_in_two_parts_is_refused(lumpy, published, protocol, first, second):
    divided = split(*(published if protocol == "fault-filtered" else lumpy), protocol=protocol)
    row = getattr(divided.folds[0], first)[-1]
    track = divided.table.at[row, "track_id"]
    sentence = f"track {track!r} is in (.+) and in (.+) of fold 0, which the {protocol} protocol"
    with pytest.raises(SplitError, match=re.escape(f"track {track!r}")) as caught:
        moved(divided, row, second).check()
    assert set(re.match(sentence, str(caught.value)).groups()) == {first, second}


@pytest.mark.parametrize(("first", "second"), PAIRS)
def test_artist_in_two_parts_is_refused(lumpy, first, second):
    """Whole tracks are moved, so that nothing but the artist is in two parts."""
    divided = split(*lumpy, protocol="artist")
    table = divided.table
    known = table[(table["fold_0"] == first) & (table["artist"] != "")]
    artist = known["artist"].iloc[-1]
    own = known[known["artist"] == artist]
    assert own["track_id"].nunique() > 1
    one = own.index[own["track_id"] == own["track_id"].iloc[0]]
    broken = moved(divided, one, second)
    sentence = f"artist {artist!r} is in {first} and in {second} of fold 0, which the artist"
    with pytest.raises(SplitError, match=sentence):
        broken.check()
    # The other protocols never promised that.
    for protocol in ("track", "fault-filtered", "window"):
        assert Split(protocol, broken.table, {}).check()


def test_unknown_artists_may_be_everywhere(lumpy):
    divided = split(*lumpy, protocol="artist")
    unknown = divided.table.index[divided.table["track_id"] == "blues.00022"]
    assert set(divided.table.loc[unknown, "artist"]) == {""}
    assert moved(divided, unknown, "test").check()


def test_every_fold_is_checked(lumpy):
    divided = split(*lumpy, protocol="track", folds=3)
    row = divided.folds[2].test[0]
    with pytest.raises(SplitError, match=r"of fold 2, which the track protocol forbids"):
        moved(divided, row, "train", fold=2).check()


def copies(*pairs) -> SimpleNamespace:
    """A report that knows of these copies."""
    return SimpleNamespace(duplicates=pd.DataFrame(list(pairs), columns=["a", "b"]))


def track_in(divided, part) -> str:
    return divided.table.at[getattr(divided.folds[0], part)[-1], "track_id"]


@pytest.mark.parametrize(("one", "other"), [*PAIRS, *(pair[::-1] for pair in PAIRS)])
@pytest.mark.parametrize("protocol", ["track", "artist", "fault-filtered"])
def test_copies_in_two_parts_are_refused(lumpy, published, protocol, one, other):
    divided = split(*(published if protocol == "fault-filtered" else lumpy), protocol=protocol)
    a, b = track_in(divided, one), track_in(divided, other)
    sentence = f"{a} is in {one} and its copy {b} in {other} of fold_0; .*corpus.exclude"
    with pytest.raises(SplitError, match=sentence):
        divided.check(copies(("x", "y"), (a, b)))
    # It is the report that knows.
    assert divided.check() is divided


def test_copies_in_two_parts_of_a_later_fold_are_refused(lumpy):
    divided = split(*lumpy, protocol="track", folds=4)
    later = divided.table.drop_duplicates("track_id").set_index("track_id")
    # Both train in the first fold, and part in another one.
    trained = later.index[later["fold_0"] == "train"]
    a, b = next(
        (a, b)
        for a, b in itertools.combinations(trained, 2)
        if later.at[a, "fold_2"] != later.at[b, "fold_2"]
    )
    with pytest.raises(SplitError, match=f"{a} is in .* its copy {b} in .* of fold_[123]"):
        divided.check(copies((a, b)))


def test_copies_may_leak_under_the_window_protocol(lumpy):
    divided = made(*lumpy, protocol="window")
    pairs = itertools.combinations(lumpy[1].tracks.index[:9], 2)
    assert divided.check(copies(*pairs)) is divided


@pytest.mark.parametrize("protocol", ["track", "artist", "fault-filtered"])
def test_copies_on_one_side_and_unknown_ones_pass(lumpy, published, protocol):
    divided = split(*(published if protocol == "fault-filtered" else lumpy), protocol=protocol)
    trained, tested = (
        divided.table["track_id"].iloc[getattr(divided.folds[0], part)].unique()
        for part in ("train", "test")
    )
    good = [*itertools.combinations(trained, 2), *itertools.combinations(tested, 2)]
    strange = [(trained[0], "blues.00999"), ("blues.00999", tested[0]), ("fado.1", "fado.2")]
    assert divided.check(copies(*good, *strange)) is divided
    assert divided.check(copies()) is divided


def test_copies_of_what_is_dropped_pass(published):
    table, corpus = published
    corpus = with_parts(corpus, ["dropped", *corpus.tracks["partition"][1:]])
    divided = split(table, corpus, protocol="fault-filtered")
    out, trained, tested = "blues.00000", track_in(divided, "train"), track_in(divided, "test")
    assert divided.check(copies((out, trained), (trained, out), (tested, out))) is divided
    with pytest.raises(SplitError, match="is in train and its copy"):
        divided.check(copies((out, trained), (trained, tested)))


# --- GTZAN --------------------------------------------------------------------


@pytest.fixture(scope="module")
def gtzan_on_paper(paper_corpus):
    """GTZAN's thousand clips with their real artists; no audio is needed for a split."""
    facts = gtzan.facts()
    artist = facts["artist"].where(facts["artist"].notna(), None)
    rows = [(t.split(".")[0], a, 30.0) for t, a in artist.items()]
    corpus = paper_corpus(rows)
    assert corpus.tracks.index.tolist() == facts.index.tolist()
    return windows(corpus), corpus


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
    """The published division of GTZAN, and the warning that comes with it."""
    table, corpus = gtzan_on_paper
    corpus = with_parts(corpus, gtzan.facts()["partition"])
    with pytest.warns(GtzanWarning) as caught:
        divided = split(table, corpus, protocol="fault-filtered")
    return divided, [str(one.message) for one in caught]


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


def test_gtzan_fault_filtered_tells_what_it_leaks(gtzan_published):
    divided, messages = gtzan_published
    assert messages == [
        "the fault-filtered split has 6 artists in both train and test, with 14 of its 290 test "
        "tracks; split.shared('artist') names them."
    ]
    assert len(divided.shared("artist")) == 6
    told = divided.sharing()
    leaks = told[(told["first"] == "train") & (told["second"] == "test")]
    assert leaks["artist"].tolist() == divided.shared("artist")
    assert leaks["tracks_second"].map(len).sum() == 14


def test_gtzan_fault_filtered_has_no_known_copies_on_both_sides(gtzan_published):
    """That is what it was made for."""
    divided, _ = gtzan_published
    known = gtzan.known_faults().dropna(subset=["source_track"])
    assert len(known) > 14
    report = copies(*zip(known["track_id"], known["source_track"], strict=True))
    assert divided.check(report) is divided


def test_one_artist_a_genre_cannot_be_split_by_artist(gtzan_root):
    if not (gtzan_root / "mini").is_dir():
        pytest.skip(f"{gtzan_root} holds no mini/")
    corpus = open_corpus(gtzan_root / "mini")
    with pytest.raises(SplitError, match=r"genre 'blues' has 1 artist .*reggae"):
        split(windows(corpus), corpus)
    assert split(windows(corpus), corpus, protocol="track", folds=5).shared() == []
