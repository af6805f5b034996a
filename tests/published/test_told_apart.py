"""Limits and power of McNemar's test, ties in a ranking, and the sentences of the page."""

import numpy as np
import pandas as pd
import pytest

from gtzan_lib.errors import RecordError
from gtzan_lib.published.measures.test_part import pair_tests
from gtzan_lib.published.results import Results
from gtzan_lib.published.told_apart import (
    Comparison,
    answer_words,
    ensemble_words,
    genre_words,
    listed,
    mcnemar_power,
    pair_words,
    power_table,
    read_comparison,
    reliable_difference,
    reliable_words,
    run_table,
    scope_words,
    score_words,
    seed_words,
    size_words,
    smallest_differences,
    tie_words,
    tied_runs,
    tied_with,
)
from gtzan_lib.stats import exact_mcnemar


@pytest.mark.parametrize("alpha", [0.05, 0.0003])
def test_limits_are_where_the_test_becomes_significant(alpha):
    limits = smallest_differences(50, {"limit": alpha})["limit"]
    for discordant, limit in zip(range(1, 51), limits, strict=True):
        differences = {
            (discordant - 2 * fewer) / 50
            for fewer in range(discordant // 2 + 1)
            if exact_mcnemar(fewer, discordant - fewer) < alpha
        }
        if differences:
            assert limit == pytest.approx(min(differences))
        else:
            assert np.isnan(limit)


def test_power_is_that_of_a_simulation():
    rng = np.random.default_rng(0)
    disagreement, difference, draws = 0.3, 0.12, 2000
    shares = [(disagreement + difference) / 2, (disagreement - difference) / 2]
    counts = rng.multinomial(100, [*shares, 1 - disagreement], size=draws)
    found = [a > b and exact_mcnemar(a, b) < 0.05 for a, b, _ in counts]
    assert mcnemar_power(100, disagreement, difference, 0.05) == pytest.approx(
        np.mean(found), abs=0.04
    )


def test_power_grows_and_equal_models_are_seldom_told_apart():
    assert mcnemar_power(290, 0.3, 0.0, 0.05) < 0.025
    table = power_table(290, [0.1, 0.3], {"single": 0.05, "corrected": 0.001})
    for (share, _), rows in table.groupby(["disagreement", "test"]):
        assert rows["power"].is_monotonic_increasing
        assert rows["difference"].max() == pytest.approx(min(share, 0.2))
    means = table.groupby("test")["power"].mean()
    assert means["corrected"] < means["single"]


def test_a_reliable_difference_has_the_power_and_may_not_exist():
    points = reliable_difference(290, 0.3, 0.05)
    assert mcnemar_power(290, 0.3, points, 0.05) >= 0.8
    assert mcnemar_power(290, 0.3, points - 0.001, 0.05) < 0.8
    assert reliable_difference(1200, 0.3, 0.05) == pytest.approx(points / 2, abs=0.01)
    assert np.isnan(reliable_difference(5, 0.3, 0.05))


def pairs_with_ties(tied):
    """Return pairs of the models a to e; the named ones are tied."""
    pairs = [(one, two) for one in "abcde" for two in "abcde" if one < two]
    p_values = [0.5 if one + two in tied else 0.01 for one, two in pairs]
    table = pd.DataFrame(pairs, columns=["first", "second"]).assign(p_artists_holm=p_values)
    return table.set_index("first")


def test_ties_and_runs():
    pairs = pairs_with_ties({"ab", "bc", "ac", "cd", "ae"})
    assert tied_with(pairs, "a") == ["b", "c", "e"]
    assert tied_with(pairs, "c") == ["a", "b", "d"]
    assert tied_runs(pairs, "abcde") == [["a", "b", "c"], ["c", "d"], ["e"]]
    assert tied_runs(pairs_with_ties(set()), "abcde") == [[one] for one in "abcde"]


def test_names_in_a_sentence():
    assert listed(["A"]) == "A"
    assert listed(["A", "B", "C"]) == "A, B and C"
    assert listed(["A", "B", "C"], most=2) == "A, B and C"
    assert listed(["A", "B", "C", "D"], most=2) == "A, B and 2 others"


def comparison(*, apart=True, n=120):
    """Return a made-up comparison of four models and two ensembles."""
    rng = np.random.default_rng(1)
    shares = {"music": 0.9, "all nets": 0.6, "2 seeds of net": 0.55, "net": 0.5, "old": 0.2}
    difficulty = rng.random(n)
    correct = pd.DataFrame(
        {
            name: difficulty + 0.2 * rng.normal(size=n) < (share if apart else 0.55)
            for name, share in shares.items()
        }
    )
    correct = correct[correct.mean().sort_values(ascending=False).index]
    scores = pd.DataFrame({"accuracy": correct.mean()}).rename_axis("model")
    scores["outside_data"] = ["music" if name == "music" else "none" for name in scores.index]
    scores["kind"] = [
        "ensemble" if name in ("all nets", "2 seeds of net") else "net" for name in scores.index
    ]
    for side, sign in (("low", -1), ("high", 1)):
        scores[side] = scores["accuracy"] + sign * 0.1
        scores[f"wilson_{side}"] = scores["accuracy"] + sign * 0.05
    ensembles = pd.DataFrame(
        {
            "gain": [0.05, 0.01],
            "p_holm": [0.01 if apart else 0.3, 0.6],
            "mean_gain": [0.06, 0.02],
            "mean_gain_low": [0.02, -0.01],
        },
        index=pd.Index(["all nets", "2 seeds of net"], name="ensemble"),
    )
    genres = pd.DataFrame(
        {
            "model": ["old", "net", "old", "all nets"],
            "recall": [0.9, 0.8, 0.1, 0.0],
            "low": 0.0,
            "high": 0.4,
            "tracks": [60, 60, 60, 60],
            "artists": [20, 20, 7, 7],
        },
        index=pd.Index(["jazz", "jazz", "rock", "rock"], name="genre"),
    )
    agreement = pd.DataFrame({"models": 3, "all": 0.2, "any": 0.95, "best": 0.9}, ["all"])
    scope = pd.Series({"tracks": n, "artists": 27, "models": 5, "askings": 12, "chance": 0.11})
    pairs = pair_tests(correct, np.arange(n).astype(str))
    seeds = pd.DataFrame()
    return Comparison("sound", scope, scores, seeds, pairs, ensembles, genres, agreement)


LITERATURE = pd.DataFrame(
    {"outside_data": ["none", "none", "music"], "low": [0.6, 0.1, 0.6], "high": [0.6, 0.1, 0.6]}
)


def test_sentences_of_differences():
    found = comparison()
    apart = int((found.pairs["p_artists_holm"] < 0.05).sum())
    assert 4 <= apart < 10
    assert pair_words(found).startswith(f"{apart} of 10 pairs can be told apart with artists")
    answer = answer_words(found)
    assert answer.startswith("On 120 tracks by 27 artists, ")
    assert "Of all models, music has the highest accuracy, " in answer
    assert "over artists, and differs from all others." in answer
    assert "Without data from outside, all nets has" in answer
    assert answer.endswith(
        "1 of 2 ensembles is shown to be more accurate than the best of the members."
    )
    assert ensemble_words(found) == (
        "Of 2 ensembles, by McNemar's test with tracks as the unit, corrected for their number, 1 "
        "is more accurate than its best member (all nets, +5.0 points) and the other 1 cannot be "
        "told from the best member."
    )
    assert "smallest difference that is told apart" in size_words(found)


def test_sentences_without_any_difference():
    found = comparison(apart=False)
    assert pair_words(found).startswith("0 of 10 pairs")
    assert "none can be told apart" in tie_words(found)
    assert tie_words(found).endswith("one stretch within which no pair can be told apart.")
    assert "cannot be told from" in answer_words(found)
    assert "None of 2 ensembles is shown" in answer_words(found)
    assert ensemble_words(found) == (
        "Of 2 ensembles, by McNemar's test with tracks as the unit, corrected for their number, "
        "none can be told from the best member."
    )
    assert "smallest difference that is told apart" not in size_words(found)
    assert len(run_table(found)) == 1


def test_artists_are_the_unit_of_the_verdicts():
    found = comparison()
    assert (found.pairs["p_tracks_holm"] < 0.05).any()
    tied = found._replace(pairs=found.pairs.assign(p_artists=0.5, p_artists_holm=1.0))
    assert pair_words(tied).startswith("0 of 10 pairs can be told apart with artists as the unit")
    assert "the number would be 0 with artists as the unit" in tie_words(tied)
    assert "none can be told apart with artists as the unit" in tie_words(tied)
    assert len(run_table(tied)) == 1
    assert "differs from all others" not in answer_words(tied)
    assert "smallest difference that is told apart" not in size_words(tied)
    assert (
        "With artists as the unit, the largest difference that is not told apart is"
        in size_words(tied)
    )


@pytest.mark.parametrize(("times", "factor"), [(1, 1), (2, 2**0.5)])
def test_tracks_of_one_artist_make_intervals_longer(times, factor):
    rng = np.random.default_rng(2)
    correct = pd.DataFrame(rng.random((300, 3)) < [0.7, 0.6, 0.5], columns=list("abc"))
    # Each artist has as many tracks, all with the same outcome.
    correct = correct.loc[correct.index.repeat(times)].reset_index(names="artist")
    pairs = pair_tests(correct[["a", "b", "c"]], correct.pop("artist").to_numpy())
    scope = pd.Series({"tracks": len(correct), "artists": 300})
    found = comparison()._replace(pairs=pairs, scope=scope)
    assert found.design_factor == pytest.approx(factor, rel=0.05)
    assert f"about {factor:.1f} times as large" in reliable_words(found)
    counted = len(correct) / found.design_factor**2
    assert counted == pytest.approx(300, rel=0.1)
    assert f"count like about {counted:.0f} independent ones" in size_words(found)


def test_with_few_tracks_no_difference_is_large_enough():
    found = comparison()
    few = found._replace(scope=pd.Series({**found.scope, "tracks": 5}))
    few = few._replace(pairs=few.pairs.assign(only_first=2, only_second=0, difference=0.4))
    assert reliable_words(few).startswith("a true difference of no size would be found")


def test_a_single_leader_is_named_once():
    found = comparison()
    answer = answer_words(found._replace(scores=found.scores.drop("music")))
    assert answer.count("has the highest accuracy") == 1


def test_other_sentences():
    found = comparison()
    assert scope_words(found).startswith("Sound. The 120 tracks of the test part are by 27 artists")
    assert "asked 12 times" in scope_words(found)
    assert "contains 1 of the 2 published scores" in score_words(found, LITERATURE)
    assert "over artists are 20 points wide on average, those over tracks 10." in score_words(
        found, LITERATURE
    )
    assert seed_words(found) == (
        "Averaging the seeds of a net adds +2.0 to +2.0 points to the mean accuracy of its seeds; "
        "0 of 1 intervals are above zero."
    )
    assert seed_words(found._replace(ensembles=found.ensembles.iloc[:1])) == (
        "Each net has one seed only."
    )
    # Of single models only: an ensemble has nothing right in rock.
    assert "highest for jazz (85 %) and lowest for rock (10 %)" in genre_words(found)
    assert "by 7 to 20 artists" in genre_words(found)


def test_a_step_that_is_not_done(tmp_path):
    with pytest.raises(RecordError):
        read_comparison(Results(tmp_path))
