"""Scores of the official test part: the list, the literature, and what chance adds."""

from pathlib import Path

import numpy as np
import pytest
from scipy.stats import binom

from gtzan_lib.errors import RecordError
from gtzan_lib.evaluation.askings import read_askings
from gtzan_lib.published.scores import asked_models, best_of_equals, read_literature

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
    assert models.index.tolist() == list(range(1, len(askings) + 1))
    music = models["model"].str.contains("musicnn", case=False)
    assert ((models["outside_data"] == "music") == music).all()
    assert (models["whole"] == (models["n"] == 290)).all()
    assert models["score"].tolist() == askings["score"].tolist()


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
