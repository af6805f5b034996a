"""What the seed project found, on answers whose truth is known."""

from collections import Counter

import numpy as np
import pandas as pd
import pytest

from gtzan_lib.data.splits import split
from gtzan_lib.data.windows import windows
from gtzan_lib.errors import GtzanError, GtzanWarning, SplitError
from gtzan_lib.learn.claims import examine_claims
from gtzan_lib.learn.evaluation import Evaluation
from gtzan_lib.learn.tabular import LINEAR, MODELS, TRANSFORMS, Grid

PLACES = [(transform, model) for transform in TRANSFORMS for model in MODELS]
ARTISTS = 40
# Where the claim under the leaking protocol stands; one further it is the honest one.
POLYNOMIAL, RBF, PCA, KNN, FOREST, LEAK = range(0, 11, 2)


def divide(corpus, protocol, folds=3):
    """Split, and expect the warning of the leaking protocol."""
    if protocol == "window":
        with pytest.warns(GtzanWarning):
            return split(windows(corpus), corpus, protocol=protocol, folds=folds)
    return split(windows(corpus), corpus, protocol=protocol, folds=folds)


@pytest.fixture(scope="module")
def splits(paper_corpus):
    """Both splits of two genres of twenty artists, each with ten windows."""
    rows = [(g, f"{g} {a}", 15.0) for g in ("blues", "rock") for a in range(20) for _ in range(2)]
    corpus = paper_corpus(rows)
    return divide(corpus, "window"), divide(corpus, "artist")


def grid_of(divided, right):
    """A grid whose cells answer right in the given windows."""
    table = divided.table[["window_id", "track_id", "genre", "artist"]].assign(fold=0)
    blues = (table["genre"] == "blues").to_numpy()
    cells = {}
    for place, one in right.items():
        said = np.where(one, blues, ~blues).astype(float)
        answered = table.assign(blues=said, rock=1 - said)
        cells[place] = Evaluation(answered, ["blues", "rock"], 1.0, [], divided)
    return Grid(cells, {}, dict.fromkeys(cells, 0.0))


def tenths(divided, others=5, **special):
    """A grid of which each cell answers so many tenths of each artist's windows.

    Names of keywords are `transform__model`, either of which may be `any`;
    later ones count. A list is repeated from artist to artist.
    """
    number = divided.table.groupby("artist").cumcount().to_numpy()
    artist = pd.factorize(divided.table["artist"])[0]
    shares = dict.fromkeys(PLACES, others)
    for name, share in special.items():
        transform, model = name.replace("_", " ").replace("k NN", "k-NN").split("  ")
        for place in PLACES:
            if transform in (place[0], "any") and model in (place[1], "any"):
                shares[place] = share
    return grid_of(
        divided, {p: number < np.resize(share, ARTISTS)[artist] for p, share in shares.items()}
    )


def verdicts(splits, leak, fair=None):
    """Verdicts on two grids, given by their tenths."""
    leaking, honest = splits
    found = examine_claims(tenths(leaking, **leak), tenths(honest, **(fair or {})))
    return [claim.verdict for claim in found]


def every(transform, models, share):
    """The same share for several models."""
    return {f"{transform}__{model}".replace(" ", "_").replace("-", "_"): share for model in models}


# --- verdicts -----------------------------------------------------------------


def test_claims_in_the_projects_order(splits):
    found = examine_claims(*(tenths(one) for one in splits))
    names = [
        "Polynomial features help linear models.",
        "The RBF kernel hurts most models.",
        "PCA costs a little.",
        "k-NN on raw features is the best.",
        "The random forest is robust.",
    ]
    assert [claim.claim for claim in found[:-1]] == [name for name in names for _ in "xy"]
    assert [claim.protocol for claim in found[:-1]] == ["window", "artist"] * 5
    assert found[-1].claim == "k-NN is ahead because windows of one track are on both sides."
    assert found[-1].protocol == "window against artist"
    assert {claim.verdict for claim in found} <= {"confirmed", "refuted", "undecided"}


def test_each_verdict_is_of_its_own_protocol(splits):
    found = verdicts(splits, {"none__k_NN": 6}, every("PCA", MODELS, 3))
    assert found[KNN : KNN + 2] == ["confirmed", "undecided"]
    # One model in eight lost a tenth, or all models two.
    assert found[PCA : PCA + 2] == ["confirmed", "refuted"]


@pytest.mark.parametrize(
    ("share", "verdict"), [(6, "confirmed"), (4, "refuted"), ([7, 3], "undecided")]
)
def test_polynomial_features(splits, share, verdict):
    assert verdicts(splits, every("polynomial kernel", LINEAR, share))[POLYNOMIAL] == verdict


def test_polynomial_features_of_other_models_do_not_count(splits):
    curved = [model for model in MODELS if model not in LINEAR]
    assert verdicts(splits, every("polynomial kernel", curved, 9))[POLYNOMIAL] == "undecided"
    both = every("polynomial kernel", curved, 9) | every("polynomial kernel", LINEAR, 4)
    assert verdicts(splits, both)[POLYNOMIAL] == "refuted"


@pytest.mark.parametrize(
    ("hurt", "helped", "verdict"),
    [
        (8, 0, "confirmed"), (5, 3, "confirmed"), (4, 0, "undecided"), (4, 3, "undecided"),
        (4, 4, "refuted"), (0, 4, "refuted"), (0, 3, "undecided"),
    ],
)  # fmt: skip
def test_rbf_kernel(splits, hurt, helped, verdict):
    names = list(MODELS)
    shares = every("RBF kernel", names[:hurt], 4)
    shares |= every("RBF kernel", names[len(names) - helped :], 6)
    assert verdicts(splits, shares)[RBF] == verdict


def test_rbf_kernel_that_hurts_some_artists_is_undecided(splits):
    assert verdicts(splits, {"RBF_kernel__any": [4, 6]})[RBF] == "undecided"


@pytest.mark.parametrize(
    ("models", "share", "verdict"),
    [
        # One tenth of one model in eight is 1.25 points.
        (3, 4, "confirmed"), (5, 4, "refuted"), (3, 6, "refuted"), (3, [4, 6], "undecided"),
        (8, [5, 4], "undecided"),
    ],
)  # fmt: skip
def test_pca(splits, models, share, verdict):
    assert verdicts(splits, every("PCA", list(MODELS)[:models], share))[PCA] == verdict


@pytest.mark.parametrize(
    ("special", "verdict"),
    [
        ({"none__k_NN": 6}, "confirmed"),
        ({"none__k_NN": 6, "RBF_kernel__SVM": 7}, "refuted"),
        ({"none__k_NN": 6, "PCA__k_NN": 7}, "refuted"),
        ({"none__k_NN": 6, "none__ridge": 6}, "undecided"),
        ({"none__k_NN": 6, "none__ridge": [9, 2]}, "undecided"),
    ],
)
def test_neighbours(splits, special, verdict):
    assert verdicts(splits, special)[KNN] == verdict


@pytest.mark.parametrize(
    ("special", "verdict"),
    [
        ({"PCA__any": 3, "PCA__random_forest": 5}, "confirmed"),
        ({"PCA__any": 3, "PCA__random_forest": 4}, "confirmed"),
        ({"PCA__any": 4, "PCA__random_forest": 2}, "refuted"),
        ({"PCA__any": 7, "PCA__random_forest": 9}, "refuted"),
        ({"PCA__any": 3, "PCA__random_forest": [1, 5]}, "undecided"),
    ],
)
def test_forest(splits, special, verdict):
    assert verdicts(splits, special)[FOREST] == verdict


@pytest.mark.parametrize(
    ("neighbours", "rest", "verdict"),
    [(4, 5, "confirmed"), (7, 5, "confirmed"), (8, 4, "refuted"), ([9, 5], 4, "undecided")],
)
def test_reason_why_neighbours_are_ahead(splits, neighbours, rest, verdict):
    """Where windows leak, neighbours answer eight tenths and the others five."""
    fair = {"any__any": rest, "none__k_NN": neighbours}
    assert verdicts(splits, {"none__k_NN": 8}, fair)[LEAK] == verdict


@pytest.mark.xfail(strict=True, reason="what is equal is decided by the last bit of a mean")
@pytest.mark.parametrize(
    ("number", "leak", "fair"),
    [(FOREST, {"PCA__any": 3}, {}), (LEAK, {"none__k_NN": 8}, {"any__any": 4, "none__k_NN": 7})],
)
def test_what_is_equal_is_undecided(splits, number, leak, fair):
    assert verdicts(splits, leak, fair)[number] == "undecided"


# --- what is said -------------------------------------------------------------


def test_findings_tell_numbers(splits):
    leaking, honest = splits
    found = examine_claims(tenths(leaking, none__k_NN=8), tenths(honest, none__ridge=7))
    assert found[KNN].verdict == "confirmed"
    assert "is +30.0 points (+30.0 to +30.0)" in found[KNN].finding
    assert found[KNN + 1].verdict == "refuted"
    assert "ridge with raw features, is -20.0 points (-20.0 to -20.0)" in found[KNN + 1].finding
    last = found[LEAK].finding
    assert "+30.0 points (+30.0 to +30.0) to the leak" in last
    # Of the seven others, ridge alone changes, by two tenths more.
    assert f"the other models {-20 / 7:.1f} on average" in last
    assert f"a difference of {30 + 20 / 7:+.1f} points" in last


def test_losses_of_pca_are_told_as_losses(splits):
    found = examine_claims(*(tenths(one, PCA__any=4) for one in splits))
    assert "it costs +10.0 points (+10.0 to +10.0)" in found[PCA].finding
    assert "changes the share of windows recognised by 0.0 points" in found[RBF].finding


def test_spread_of_the_forest_is_told(splits):
    special = {"PCA__any": 3, "RBF_kernel__any": 6, "any__random_forest": 5, "none__k_NN": 5}
    text = examine_claims(*(tenths(one, **special) for one in splits))[FOREST].finding
    assert "lie 0.0 points, with the other models 30.0 on average, a difference of +30.0" in text


def test_what_all_cells_share_does_not_widen_intervals(splits):
    """Some artists are easy for all models; the gain is one tenth with each of them."""
    easy = np.arange(ARTISTS) % 8 + 1
    special = {"any__any": easy} | every("polynomial kernel", LINEAR, easy + 1)
    leaking, honest = splits
    found = examine_claims(tenths(leaking, **special), tenths(honest, any__any=easy - 1))
    assert "+10.0 points (+10.0 to +10.0)" in found[POLYNOMIAL].finding
    # The two protocols are paired, too.
    assert "+10.0 points (+10.0 to +10.0) to the leak" in found[LEAK].finding


def test_same_grids_same_claims(splits):
    grids = [tenths(one, none__k_NN=[2, 9, 5]) for one in splits]
    assert examine_claims(*grids) == examine_claims(*grids)


# --- refusals -----------------------------------------------------------------


def test_grids_on_other_windows_are_refused(splits, paper_corpus):
    leaking, _ = splits
    other = paper_corpus([(g, f"{g} {a}", 15.0) for g in ("blues", "rock") for a in range(30)])
    honest = divide(other, "artist")
    everything = {place: np.full(len(honest.table), True) for place in PLACES}
    with pytest.raises(SplitError, match="tested on different windows"):
        examine_claims(tenths(leaking), grid_of(honest, everything))


@pytest.mark.xfail(strict=True, reason="a different number of folds is not refused")
def test_grids_of_other_training_size_are_refused(splits, paper_corpus):
    """What is lost may be due to the smaller training part, not to the leak."""
    leaking, honest = splits
    rows = honest.table.drop_duplicates("track_id")
    corpus = paper_corpus(
        [(g, a, 15.0) for g, a in zip(rows["genre"], rows["artist"], strict=True)]
    )
    with pytest.raises(SplitError):
        examine_claims(tenths(leaking), tenths(divide(corpus, "artist", folds=5)))


@pytest.mark.xfail(strict=True, reason="grids in the wrong order are taken as they come")
def test_first_grid_must_be_the_leaking_one(splits):
    leaking, honest = splits
    with pytest.raises(GtzanError):
        examine_claims(tenths(honest), tenths(leaking))


@pytest.mark.xfail(strict=True, reason="a grid of fewer cells is a raw KeyError")
def test_grid_of_fewer_cells_is_refused(splits):
    grids = [tenths(one) for one in splits]
    for one in grids:
        del one.cells["RBF kernel", "SVM"]
    with pytest.raises(GtzanError):
        examine_claims(*grids)


# --- how often verdicts are wrong ---------------------------------------------


@pytest.fixture(scope="module")
def by_luck(splits):
    """Verdicts on 60 grids whose cells all answer 4 windows of 5 right, but for luck.

    Artists are easy or hard, for all cells and for single ones. The forest, which
    averages trees, varies less from transform to transform than the others.
    """
    rng = np.random.default_rng(0)
    artist = pd.factorize(splits[0].table["artist"])[0]
    n = len(artist)

    def noise():
        return 0.5 * rng.normal(size=ARTISTS)[artist] + rng.normal(size=n)

    def lucky(divided):
        shared = rng.normal(size=ARTISTS)[artist] + rng.normal(size=n)
        right = {}
        for place in PLACES:
            own = 0.5 if place[1] == "random forest" else 1.5
            spread = np.sqrt(2 + 1.25 * own**2)
            right[place] = shared + own * noise() > -0.84 * spread
        return grid_of(divided, right)

    counts = {number: Counter() for number in (POLYNOMIAL, RBF, PCA, KNN, FOREST, LEAK)}
    for _ in range(30):
        found = examine_claims(*(lucky(one) for one in splits))
        for row, claim in enumerate(found):
            counts[row - row % 2][claim.verdict] += 1
    return counts


def test_luck_decides_nothing_about_polynomials_and_kernels(by_luck):
    """Of 60 verdicts at 95 % three are wrong; the bootstrap of 40 artists allows for more."""
    assert by_luck[POLYNOMIAL]["undecided"] >= 52
    assert by_luck[RBF]["undecided"] == 60
    assert by_luck[LEAK]["undecided"] >= 25
    assert sum(by_luck[LEAK].values()) == 30


def test_luck_confirms_nothing_about_pca(by_luck):
    assert by_luck[PCA]["confirmed"] + by_luck[PCA]["refuted"] <= 8


def test_luck_does_not_make_neighbours_the_best(by_luck):
    assert by_luck[KNN]["confirmed"] == 0


@pytest.mark.xfail(
    strict=True,
    reason="the best of 31 other cells is chosen by the answers that then decide against it",
)
def test_luck_does_not_refute_neighbours(by_luck):
    assert by_luck[KNN]["refuted"] <= 6


@pytest.mark.xfail(
    strict=True,
    reason="the range of four noisy scores measures noise: the quieter model passes for robust",
)
def test_luck_does_not_make_the_forest_robust(by_luck):
    assert by_luck[FOREST]["confirmed"] <= 6


@pytest.mark.xfail(
    strict=True, reason="the reason for k-NN's lead is confirmed where k-NN has no lead"
)
def test_no_reason_is_confirmed_for_a_lead_that_is_not_there(splits):
    leaking, honest = splits
    leak, fair = tenths(leaking, none__SVM=9, none__k_NN=6), tenths(honest, none__SVM=9)
    found = examine_claims(leak, fair)
    assert found[KNN].verdict == "refuted"
    assert found[LEAK].verdict != "confirmed"
