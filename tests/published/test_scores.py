"""Scores of the official test part: the list, the literature, and what chance adds."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom

from gtzan_lib.errors import RecordError
from gtzan_lib.evaluation.askings import read_askings
from gtzan_lib.published.scores import asked_models, best_of_equals, read_literature
from gtzan_lib.stats import wilson_interval

RESULTS = Path(__file__).parents[2] / "results"
ROW = "model,outside_data,low,high,source,verified,note\n"


def test_literature_is_that_of_the_book():
    literature = read_literature(RESULTS / "literature.csv")
    page = (RESULTS.parent / "book" / "concepts" / "evaluation.md").read_text(encoding="utf-8")
    table = page.partition("## What others report")[2]
    bibliography = (RESULTS.parent / "book" / "references.bib").read_text(encoding="utf-8")
    for row in literature.itertuples():
        for value in (row.low, row.high):
            assert f"{100 * value:.1f}".removesuffix(".0") in table, row.model
        if row.source:
            assert f"{{{row.source}," in bibliography
            assert f"`{row.source}`" in table
    second_hand = table.count("not checked |") + table.count("an unpublished project report |")
    # One line of the page has three scores of one report.
    assert (~literature["verified"]).sum() == second_hand + 2


@pytest.mark.parametrize(
    "text",
    [
        "model,score\nA,3\n",
        ROW + "A,films,1,2,,yes,\n",
        ROW + "A,none,1,2,,perhaps,\n",
        ROW + "A,none,9,2,,yes,\n",
        ROW + "A,none,much,2,,yes,\n",
        ROW + "A,none,50,102,,yes,\n",
    ],
)
def test_another_table_is_refused(tmp_path, text):
    file = tmp_path / "literature.csv"
    file.write_text(text)
    with pytest.raises(RecordError, match="is not a table of published scores"):
        read_literature(file)


def test_a_missing_table_is_refused(tmp_path):
    with pytest.raises(RecordError, match=r"none\.csv"):
        read_literature(tmp_path / "none.csv")


def test_models_of_the_list_have_short_names():
    askings = read_askings(RESULTS / "gtzan" / "test_access.csv")
    models = asked_models(askings)
    assert models["model"].tolist()[:5] == [
        "gtzan",
        "RBF-SVM",
        "ensemble",
        "MusiCNN tag logits",
        "random forest",
    ]
    assert models["askings"].sum() == len(askings)
    numbered = askings.set_axis(range(1, len(askings) + 1))
    music = numbered.loc[models.index, "description"].str.contains("musicnn", case=False)
    assert ((models["outside_data"] == "music") == music).all()
    assert (models["whole"] == (models["n"] == 290)).all()
    single = models[models["askings"] == 1]
    assert single["score"].tolist() == numbered.loc[single.index, "score"].tolist()


def test_seeds_of_a_net_are_one_model():
    rows = [
        ("net: minivgg, seed 0", 0.5, "fixed; validation part 60.0 %"),
        ("forest on features", 0.4, "default settings; nothing chosen"),
        ("net: minivgg, seed 1", 0.6, "fixed; validation part 61.0 %"),
        ("forest on features", 0.4, "default settings; nothing chosen"),
        ("other net: crnn, seed 1", 0.5, "fixed; validation part 50.0 %"),
    ]
    askings = pd.DataFrame(rows, columns=["description", "score", "chosen_by"]).assign(
        date="2026-01-01", n=100, low=0.3, high=0.7
    )
    models = asked_models(askings)
    assert models["model"].tolist() == ["net", "forest", "forest", "other net"]
    assert models.index.tolist() == [1, 2, 4, 5]
    assert models["askings"].tolist() == [2, 1, 1, 1]
    net = models.loc[1]
    assert (net["score"], net["lowest"], net["highest"]) == (pytest.approx(0.55), 0.5, 0.6)
    assert (net["low"], net["high"]) == wilson_interval(55, 100)
    # What differs between the seeds is left out; what was chosen by what else is kept.
    assert models["chosen_by"].tolist() == [
        "fixed",
        *["default settings; nothing chosen"] * 2,
        "fixed; validation part 50.0 %",
    ]


def test_best_of_independent_models_is_that_of_the_formula():
    best = best_of_equals(0.65, 290, 8, draws=2000)
    cumulated = binom.cdf(np.arange(290), 290, 0.65)
    exact = [np.sum(1 - cumulated**models) / 290 for models in best.index]
    assert best["mean"].to_numpy() == pytest.approx(exact, abs=0.002)
    assert (best["low"] <= best["mean"]).all()
    assert (best["mean"] <= best["high"]).all()


def test_models_that_find_the_same_tracks_difficult_gain_less():
    gains = [
        best_of_equals(0.65, 290, 8, shared=shared, draws=500)["mean"].iloc[-1] - 0.65
        for shared in (0.0, 0.5, 0.99)
    ]
    assert gains[0] > gains[1] > gains[2]
    assert gains[2] < 0.015


def test_simulation_is_the_same_with_the_same_seed():
    first, again = (best_of_equals(0.5, 50, 3, draws=50) for _ in range(2))
    assert first.equals(again)
    assert not first.equals(best_of_equals(0.5, 50, 3, draws=50, seed=1))
