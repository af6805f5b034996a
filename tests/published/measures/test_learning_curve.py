"""Shares of the training artists: who is in them, what is scored, and what the curves say."""

import numpy as np
import pandas as pd
import pytest

from gtzan_lib.data.loaders import gtzan
from gtzan_lib.data.splits import DataSplit
from gtzan_lib.errors import CorpusError, RecordError, SplitError
from gtzan_lib.published import curves as learning
from gtzan_lib.published import more_music
from gtzan_lib.published.curves import ARTISTS, LAWS, TRACKS, LearningCurve
from gtzan_lib.published.material import find_material
from gtzan_lib.published.measures import learning_curve
from gtzan_lib.published.measures.learning_curve import INPUTS, PARTS, part_of_tracks
from gtzan_lib.published.measures.net import part_of_artists
from gtzan_lib.published.nets import read_nets
from gtzan_lib.published.results import Results
from gtzan_lib.published.steps import plan_steps, run_step
from gtzan_lib.runner.runs import RunStep

from .made_up import read, task_on, write_features
from .made_up_nets import train, write_log_mels

SHARES = [0.25, 0.5, 1.0]


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """The step on features of every fourth clip of three genres."""
    folder = tmp_path_factory.mktemp("curve")
    task = task_on(
        write_features(folder / "gtzan", genres=("classical", "disco", "metal")), folder / "results"
    )
    learning_curve.measure(task, shares=SHARES, n_seeds=2)
    return task


@pytest.fixture(scope="module")
def curves(done):
    return learning.curves_from(read(done.folder, "tracks"), read(done.folder, "scores"))


# --- the step -----------------------------------------------------------------


def test_what_is_scored(done):
    facts = gtzan.facts()
    scope, tracks = read(done.folder, "scope"), read(done.folder, "tracks")
    assert scope.index.tolist() == list(PARTS)
    assert (scope["left_out"] == "nothing").all()
    for part, name in zip(PARTS, ("valid", "train"), strict=True):
        names = tracks.index[tracks["part"] == part].unique()
        assert (facts.loc[names, "partition"] == name).all()
        assert scope.loc[part, "tracks"] == len(names) > 10
    train = facts.index.intersection(tracks.index[tracks["part"] == PARTS[1]])
    known = set(facts.loc[train, "artist"]) - {""}
    valid = tracks[tracks["part"] == PARTS[0]]
    assert not known & set(valid["group"])
    assert scope.loc[PARTS[0], "train_tracks"] == len(train)
    assert scope.loc[PARTS[1], "train_tracks"] < len(train)


def test_scores_are_those_of_the_tracks(done):
    scores, tracks = read(done.folder, "scores"), read(done.folder, "tracks")
    assert len(scores) == 2 * 2 * len(SHARES) * 2
    for share in SHARES:
        of_share = scores[scores["share"] == share].groupby(["part", "choice"])["accuracy"].mean()
        means = tracks.groupby(["part", "choice"])[str(share)].mean()
        assert np.allclose(of_share, means, atol=1e-5)
    # Smaller shares have fewer artists, and both choices as many tracks.
    sizes = scores.groupby(["part", "choice", "share"])[["artists", "tracks"]].mean()
    few, many = (sizes.xs(choice, level="choice") for choice in (ARTISTS, TRACKS))
    assert (few["tracks"] == many["tracks"]).all()
    assert (many["artists"] >= few["artists"]).all()
    assert few.groupby("part")["artists"].is_monotonic_increasing.all()
    whole = scores[scores["share"] == 1].groupby("part")["accuracy"]
    assert (whole.nunique() == 1).all()


def test_artists_of_made_up_features_are_worth_their_tracks(curves):
    """Features depend on genre and artist, so that more of both must help."""
    for part in PARTS:
        right = curves[part, INPUTS[0], ARTISTS].right.mean()
        assert right[1.0] > right[0.25]


def test_the_step_gives_the_same_again(done, tmp_path):
    again = task_on(done.material.root, tmp_path / "results")
    learning_curve.measure(again, shares=SHARES, n_seeds=2)
    files = sorted(file.name for file in done.folder.glob("*.csv"))
    assert len(files) == 10
    for name in files:
        assert (again.folder / name).read_bytes() == (done.folder / name).read_bytes()


@pytest.mark.parametrize("shares", [[], [1.0], [0.5, 0.25], [0.0, 1.0], [0.5, 1.5]])
def test_shares_that_make_no_curve_are_refused(done, shares):
    with pytest.raises(SplitError, match="two or more that rise"):
        learning_curve.measure(done, shares=shares)


def test_too_few_artists_are_refused(tmp_path):
    root = write_features(tmp_path / "gtzan", step=30, genres=("blues", "classical"))
    with pytest.raises(CorpusError, match="neither part can be scored"):
        learning_curve.measure(task_on(root, tmp_path / "results"))


# --- which tracks are left ----------------------------------------------------


def split_of(tracks_by_artist: dict[str, int]) -> DataSplit:
    """Return a split with a scored track, and two genres of artists with so many tracks."""
    rows = [
        (f"{genre}.{artist}{number}", genre, f"{genre} {artist}", "train")
        for genre in ("pop", "rock")
        for artist, count in tracks_by_artist.items()
        for number in range(count)
    ]
    rows.append(("pop.scored", "pop", "another", "valid"))
    table = pd.DataFrame(rows, columns=["track_id", "genre", "artist", "fold_0"])
    return DataSplit("official", table.assign(window_id=table["track_id"]), {})


def left_by(leave, split, share, seed=0):
    table = leave(split, share, seed).table
    assert table.loc[table["track_id"] == "pop.scored", "fold_0"].tolist() == ["valid"]
    return table[table["fold_0"] == "train"]


@pytest.mark.parametrize("seed", range(5))
def test_all_artists_give_a_track_before_any_gives_two(seed):
    split = split_of({"a": 6, "b": 3, "c": 2, "d": 1})
    for share in (0.25, 0.5, 0.75, 1.0):
        few = left_by(part_of_artists, split, share, seed)
        many = left_by(part_of_tracks, split, share, seed)
        for genre, rows in many.groupby("genre"):
            assert len(rows) == (few["genre"] == genre).sum()
            counts = (
                rows["artist"]
                .value_counts()
                .reindex([f"{genre} {artist}" for artist in "abcd"], fill_value=0)
            )
            most = counts.max()
            # Whoever gave fewer tracks than another less one has no more of them.
            for artist, size in zip("abcd", (6, 3, 2, 1), strict=True):
                assert counts[f"{genre} {artist}"] >= min(most - 1, size)


def test_larger_shares_have_the_tracks_of_smaller_ones():
    split = split_of({"a": 6, "b": 3, "c": 2, "d": 1})
    before: set[str] = set()
    for share in (0.25, 0.5, 0.75, 1.0):
        left = set(left_by(part_of_tracks, split, share)["track_id"])
        assert before <= left
        before = left
    assert len(before) == 24


# --- what curves say ----------------------------------------------------------


def curve_of(accuracies, artists, *, tracks=400, seeds=2, shares=None) -> LearningCurve:
    """Return a curve with these accuracies; each scored track is by an artist of its own."""
    shares = shares or [size / artists[-1] for size in artists]
    rng = np.random.default_rng(0)
    draws = rng.permuted(np.tile(np.arange(tracks) / tracks, (len(shares), 1)), axis=1).T
    right = pd.DataFrame((draws < accuracies).astype(float), columns=shares)
    right.index = [f"track {number}" for number in range(tracks)]
    by_seed = pd.DataFrame([right.mean()] * seeds, index=range(seeds))
    sizes = pd.DataFrame({"artists": artists, "tracks": np.array(artists) * 4}, index=shares)
    return LearningCurve(right, right.index.to_numpy(), by_seed, sizes)


def on(curve, model="model", choice=ARTISTS):
    return {(PARTS[0], model, choice): curve}


def test_a_straight_line_is_found_and_continued():
    curves = on(curve_of([0.3, 0.4, 0.5], [10, 20, 40]))
    row = learning.fit_table(curves).loc["model"]
    assert row["points"] == pytest.approx(0.1)
    assert row["points_low"] < 0.1 < row["points_high"]
    assert row["last"] == pytest.approx(0.1)
    assert row["bend"] == pytest.approx(0)
    assert row["error"] == 0
    beyond = learning.extrapolations(curves).set_index(["law", "times"])
    line = beyond.loc[LAWS[0]]
    assert line["accuracy"].tolist() == pytest.approx([0.6, 0.7])
    assert line["gain"].tolist() == pytest.approx([0.1, 0.2])
    assert line["artists"].tolist() == [80, 160]
    check = learning.past_extrapolations(curves).set_index("law").loc[LAWS[0]]
    assert check["predicted"] == pytest.approx(check["scored"]) == pytest.approx(0.5)


def test_a_power_law_is_found_and_continued():
    curves = on(curve_of([0.2, 0.6, 0.8, 0.9], [10, 20, 40, 80]))
    curves = on(curves[PARTS[0], "model", ARTISTS].of([0.25, 0.5, 1.0]))
    row = learning.fit_table(curves).loc["model"]
    assert row["exponent"] == pytest.approx(1)
    power = learning.extrapolations(curves).set_index("law").loc[LAWS[1]]
    assert power["accuracy"].tolist() == pytest.approx([0.95, 0.975])
    check = learning.past_extrapolations(curves).set_index("law")
    assert check.loc[LAWS[1], "points"] == pytest.approx(0)
    # A straight line promises too much where the error halves.
    assert check.loc[LAWS[0], "high"] < 0


def test_a_curve_that_flattens():
    row = learning.fit_table(on(curve_of([0.3, 0.6, 0.6], [10, 20, 40]))).loc["model"]
    assert row["bend_high"] < 0
    assert row["last_low"] < 0 < row["last_high"]


def test_an_error_of_zero_has_a_power_law():
    beyond = learning.extrapolations(on(curve_of([0.5, 0.9, 1.0], [10, 20, 40])))
    assert np.isfinite(beyond["accuracy"]).all()


def test_slopes_are_compared_on_the_shares_that_both_have():
    short, long = curve_of([0.4, 0.6], [20, 40]), curve_of([0.9, 0.3, 0.4], [10, 20, 40])
    row = learning.compare_doublings({**on(short, "steep"), **on(long, "flat")}).iloc[0]
    assert (row["first"], row["second"], row["shares"]) == ("steep", "flat", 2)
    assert row["points"] == pytest.approx(0.1)
    assert row["low"] < 0.1 < row["high"]


def test_curves_of_other_tracks_are_not_compared():
    curves = {**on(curve_of([0.3, 0.4], [20, 40]), "one")}
    curves |= on(curve_of([0.3, 0.4], [20, 40], tracks=200), "two")
    with pytest.raises(RecordError, match="other scored tracks"):
        learning.compare_doublings(curves)


def test_artists_and_tracks_are_told_apart():
    """Accuracy rises by 8 points with twice the artists, and by 2 with twice the tracks."""
    shares = [0.25, 0.5, 1.0]
    sizes = {ARTISTS: [10, 20, 40], TRACKS: [20, 30, 40]}
    curves = {}
    for choice, artists in sizes.items():
        doublings = np.log2(artists), np.log2([40, 80, 160])
        accuracies = 0.08 * doublings[0] + 0.02 * doublings[1]
        curve = curve_of(accuracies, artists, tracks=800, shares=shares)
        curves |= on(curve, choice=choice)
        curve.sizes["tracks"] = [40, 80, 160]
    row = learning.artists_or_tracks(curves).loc["model"]
    assert row["artists"] == pytest.approx(0.08, abs=0.003)
    assert row["tracks"] == pytest.approx(0.02, abs=0.003)
    assert row["more_low"] > 0
    by_share = learning.choice_table(curves)
    assert by_share["points"].tolist() == pytest.approx([0.08, 0.0468], abs=0.003)
    assert row["mean"] == pytest.approx(by_share["points"].mean())
    assert by_share[["fewer", "more"]].to_numpy().tolist() == [[10, 20], [20, 30]]


def test_as_many_artists_cannot_be_told_from_tracks():
    few, many = curve_of([0.3, 0.4], [20, 40]), curve_of([0.3, 0.4], [20, 40])
    row = learning.artists_or_tracks({**on(few), **on(many, choice=TRACKS)}).loc["model"]
    assert row["mean"] == 0
    assert row[["artists", "tracks", "more"]].isna().all()


# --- with nets ----------------------------------------------------------------


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """Nets on two shares, and the step, which scores some of the tracks that the nets score."""
    folder = tmp_path_factory.mktemp("page")
    write_features(folder / "features", step=2, genres=("classical", "metal", "pop"))
    # One share has two seeds, and one has a single one.
    steps = {
        f"share-{share}-{seed}": {"title": f"{share} %", "share": share / 100, "seed": seed}
        for share, seed in ((50, 0), (50, 1), (100, 0))
    }
    material = write_log_mels(folder / "log-mels", train=8, valid=20)
    train(material, folder / "results", **steps)
    material = find_material(folder / "features")
    wanted = {
        "learning-curve": RunStep("learning-curve", {"shares": SHARES, "n_seeds": 2}),
    }
    for planned in plan_steps(material, folder / "results", wanted):
        run_step(planned, material, folder / "results")
    return Results(folder / "results")


def test_nets_make_a_curve_of_the_tracks_that_all_score(results):
    curves = learning.read_curves(results)
    nets = read_nets(results, "share-")
    both = more_music.add_nets(curves, nets, PARTS[0])
    assert next(iter(both)) == (PARTS[0], "MiniVGG", ARTISTS)
    curve, other = both[PARTS[0], "MiniVGG", ARTISTS], both[PARTS[0], INPUTS[0], ARTISTS]
    assert curve.shares == [0.5, 1.0]
    assert curve.right.index.equals(other.right.index)
    assert len(nets["50 %"].correct) > len(curve.right)
    expected = nets["50 %"].correct.loc[curve.right.index].mean()
    assert curve.accuracies[0.5].tolist() == expected.tolist()
    records = nets["50 %"].records.values()
    artists = np.mean([record.result["train_artists"] for record in records])
    assert curve.sizes.loc[0.5, "artists"] == artists < curve.sizes.loc[1.0, "artists"]


def test_nets_that_differ_otherwise_make_no_curve(results):
    nets = read_nets(results, "share-")
    nets["50 %"].settings["epochs"] = 99
    with pytest.raises(RecordError, match="differ in more than the share"):
        more_music.net_curve(nets)


def test_one_share_is_no_curve(results):
    nets = read_nets(results, "share-")
    with pytest.raises(RecordError, match="one share of the artists"):
        more_music.net_curve({"50 %": nets["50 %"]})


def test_nets_must_have_scored_the_tracks(results):
    nets = read_nets(results, "share-")
    with pytest.raises(RecordError, match="did not score track"):
        more_music.net_curve(nets, pd.Index(["blues.00000"]))
    assert len(more_music.net_curve(nets).right) == len(nets["50 %"].correct)


# --- sentences ----------------------------------------------------------------

WORDS = [name for name in more_music.__all__ if name.endswith("_words")]


@pytest.mark.parametrize("name", WORDS)
def test_sentences_are_whole(results, name):
    text = getattr(more_music, name)(more_music.read_more_music(results))
    assert text.endswith(".")
    assert text.count("(") == text.count(")")
    assert "nan" not in text


def with_tables(found, **tables):
    return found._replace(**tables)


def test_sentences_follow_the_numbers(results):
    found = more_music.read_more_music(results)
    flat = found.fits.assign(bend=-0.2, bend_low=-0.3, bend_high=-0.1)
    assert "flattening is shown" in more_music.bend_words(with_tables(found, fits=flat))
    open_ = found.fits.assign(bend=0.0, bend_low=-0.3, bend_high=0.1)
    assert "No curve is shown" in more_music.bend_words(with_tables(found, fits=open_))
    better = found.gains.assign(mean=0.2, mean_low=0.1, mean_high=0.3)
    words = more_music.choice_words(with_tables(found, gains=better))
    assert "more artists are better" in words
    assert "no difference" not in words
    assert "nothing here speaks for few artists." in more_music.collector_words(
        with_tables(found, gains=better)
    )
    tied = found.gains.assign(mean=0.2, mean_low=-0.1, mean_high=0.3)
    assert "no difference is shown" in more_music.answer_words(with_tables(found, gains=tied))
    worse = found.gains.assign(mean=-0.2, mean_low=-0.3, mean_high=-0.1)
    assert "nothing here speaks for many artists" in more_music.collector_words(
        with_tables(found, gains=worse)
    )
    pairs = found.pairs.assign(points=-0.2, low=-0.3, high=-0.1)
    row = pairs.iloc[0]
    words = more_music.slope_words(with_tables(found, pairs=pairs))
    assert f"20.0 points more with {row['second']} than with {row['first']}" in words
    assert "others could change it" in words
    sure = more_music.slope_words(with_tables(found, pairs=pairs.assign(error=0.01)))
    assert "others could change it" not in sure
    missing = more_music.slope_words(with_tables(found, pairs=pairs.iloc[:0]))
    assert missing.startswith("There are no two models")


def test_the_answer_tells_of_artists_and_of_tracks(results):
    found = more_music.read_more_music(results)
    row = found.gains.iloc[:1].fillna(0.0).assign(artists_low=-0.1, tracks_low=0.1)
    gains = pd.concat(
        [row.assign(more_low=-0.3, more_high=-0.1)] * 3
        + [row.assign(tracks_low=-0.1, more_low=-0.3, more_high=0.1)]
    )
    helped = (
        "twice the artists with as many tracks are shown to help in none of 4 comparisons, and "
        "twice the tracks of the same artists in 3"
    )
    answer = more_music.answer_words(with_tables(found, gains=gains))
    assert (
        f"By a fit to both choices, {helped}; of the two, the artists are shown to bring more in "
        "none, and the tracks in 3."
    ) in answer
    assert f"By the fit, {helped}." in more_music.gain_words(with_tables(found, gains=gains))
    untold = more_music.answer_words(with_tables(found, gains=gains.assign(artists=np.nan)))
    assert "By a fit" not in untold


def test_the_next_point_costs_what_the_line_says():
    curve = curve_of([0.3, 0.4, 0.5], [10, 20, 40])
    curves = on(curve)
    found = more_music.MoreMusic(
        "", {}, pd.DataFrame(), curves, learning.curve_table(curves), learning.fit_table(curves),
        *[pd.DataFrame()] * 5,
    )  # fmt: skip
    cost = more_music.next_point(found).iloc[0]
    # Ten points by doubling: a tenth of a doubling.
    assert cost["artists"] == pytest.approx(40 * (2**0.1 - 1))
    assert cost["tracks"] == pytest.approx(4 * cost["artists"])
