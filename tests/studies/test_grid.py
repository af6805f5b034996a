"""The grid of classic models."""

import dataclasses
import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.ensemble import RandomForestClassifier
from sklearn.exceptions import NotFittedError
from sklearn.neural_network import MLPClassifier
from sklearn.utils.validation import check_is_fitted

from gtzan_lib.data.opening import open_corpus
from gtzan_lib.data.splits import split
from gtzan_lib.data.windows import window_table
from gtzan_lib.errors import ModelError, SplitError
from gtzan_lib.evaluation.evaluate import evaluate
from gtzan_lib.evaluation.summary import caveats, summary
from gtzan_lib.signal.features import features
from gtzan_lib.signal.recipes import Recipe
from gtzan_lib.signal.spectrograms import write_log_mels
from gtzan_lib.studies.grid import (
    CLASSIFIERS,
    LINEAR,
    TRANSFORMS,
    choose_by_fold,
    compare_cells,
    compare_families,
    estimators,
    grid,
    mean_leak,
    pipeline,
)

RANDOM = ("random forest", "neural net", "decision tree")
WITHOUT_PROBABILITIES = ("SVM", "perceptron", "ridge")


class Spy(ClassifierMixin, BaseEstimator):
    """Predicts the first genre, and records its training data."""

    fits = None

    def fit(self, X, y):
        type(self).fits.append((X, y))
        self.classes_ = np.unique(y)
        return self

    def predict_proba(self, X):
        return np.tile(np.eye(len(self.classes_))[0], (len(X), 1))

    def predict(self, X):
        return np.repeat(self.classes_[:1], len(X))


@pytest.fixture(scope="module")
def full(toy_corpus, by_artist):
    """A grid of all cells, fitted with warnings as errors."""
    _, table, _, features = toy_corpus
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return grid(features, table, by_artist)


@pytest.fixture
def few_trees(monkeypatch):
    """Replace the forest by a small one, where its scores do not matter."""
    monkeypatch.setitem(CLASSIFIERS, "random forest", RandomForestClassifier(n_estimators=8))


def assert_same(first, second):
    """Assert that two grids have the same predictions in the same order."""
    scores = [made.scores.drop(columns="seconds") for made in (first, second)]
    pd.testing.assert_frame_equal(*scores, check_exact=True)
    for place, cell in first.cells.items():
        pd.testing.assert_frame_equal(cell.windows, second.cells[place].windows, check_exact=True)
    assert first.curves == second.curves


# --- one cell -----------------------------------------------------------------


def test_four_transforms_by_eight_models():
    assert list(TRANSFORMS) == ["none", "PCA", "RBF kernel", "polynomial kernel"]
    assert list(CLASSIFIERS) == [
        "logistic regression", "SVM", "perceptron", "ridge", "decision tree", "random forest",
        "k-NN", "neural net",
    ]  # fmt: skip
    assert set(LINEAR) < set(CLASSIFIERS)


@pytest.mark.parametrize("transform", TRANSFORMS)
@pytest.mark.parametrize("model", CLASSIFIERS)
def test_cell_scales_transforms_and_classifies(transform, model):
    cell = pipeline(transform, model, seed=7)
    assert list(cell.named_steps) == ["scale", "transform", "model"]
    for step, table, name in ((1, TRANSFORMS, transform), (2, CLASSIFIERS, model)):
        assert type(cell[step]) is type(table[name])
        if not isinstance(cell[step], str):
            assert cell[step] is not table[name]
    seeds = [v for k, v in cell.get_params().items() if k.endswith("random_state")]
    assert set(seeds) <= {7}
    assert (len(seeds) > 0) == (transform != "none" or hasattr(cell[-1], "random_state"))


@pytest.mark.parametrize(
    ("transform", "model"), [("None", "k-NN"), ("none", "kNN"), ("SVM", "PCA")]
)
def test_unknown_name_is_refused(toy_corpus, by_artist, transform, model):
    _, table, _, features = toy_corpus
    unknown, names = (model, CLASSIFIERS) if transform in TRANSFORMS else (transform, TRANSFORMS)
    with pytest.raises(ModelError, match=f"there is no '{unknown}' in the grid") as error:
        pipeline(transform, model)
    assert all(name in str(error.value) for name in names)
    assert "\n" not in str(error.value)
    with pytest.raises(ModelError, match=f"there is no '{unknown}' in the grid"):
        grid(features, table, by_artist, transforms=[transform], models=[model])


def test_min_max_scaling_is_fitted_on_the_training_part(toy_corpus, by_artist):
    _, table, _, features = toy_corpus
    train, valid, test = by_artist.folds[0]
    scaled = features.copy()
    scaled[np.concatenate([valid, test])] *= 100
    (cell,) = evaluate(pipeline("none", "k-NN"), scaled, table, by_artist).estimators
    np.testing.assert_array_equal(cell[0].data_min_, features[train].min(axis=0))
    np.testing.assert_array_equal(cell[0].data_max_, features[train].max(axis=0))


@pytest.mark.filterwarnings("ignore:n_components > n_samples")
@pytest.mark.parametrize("transform", TRANSFORMS)
@pytest.mark.parametrize("model", ["k-NN", "ridge", "decision tree"])
def test_predictions_do_not_depend_on_other_tested_windows(toy_corpus, by_artist, transform, model):
    _, table, _, features = toy_corpus
    _, valid, test = by_artist.folds[0]
    changed = features.copy()
    changed[np.concatenate([valid, test[::2]])] = 1000.0
    evaluations = [
        evaluate(pipeline(transform, model), X, table, by_artist) for X in (features, changed)
    ]
    first, second = (e.windows[e.genres].to_numpy() for e in evaluations)
    np.testing.assert_allclose(first[1::2], second[1::2], rtol=0, atol=1e-12)
    assert not np.allclose(first[::2], second[::2])
    assert evaluations[0].train_accuracy == evaluations[1].train_accuracy


@pytest.mark.parametrize("transform", ["RBF kernel", "polynomial kernel"])
@pytest.mark.parametrize(("rows", "landmarks"), [(40, 40), (400, 300)])
@pytest.mark.filterwarnings("ignore:n_components > n_samples")
def test_landmarks_are_training_windows(transform, rows, landmarks, rng):
    X, y = rng.normal(size=(rows, 4)), np.arange(rows) % 3
    cell = pipeline(transform, "k-NN").fit(X, y)
    assert cell[1].components_.shape == (landmarks, 4)
    scaled = {tuple(row) for row in cell[0].transform(X).round(9)}
    assert {tuple(row) for row in cell[1].components_.round(9)} <= scaled


# --- the grid -----------------------------------------------------------------


def test_grid_has_all_cells_trained(full):
    assert len(full.cells) == 32
    assert list(full.cells) == [
        (transform, model) for transform in TRANSFORMS for model in CLASSIFIERS
    ]
    assert full.scores.index.tolist() == list(full.cells)
    assert full.scores.index.names == ["transform", "model"]
    assert (full.scores["accuracy"] > 0.6).all()
    assert "32 cells" in repr(full)
    assert "'artist'" in repr(full)


def test_scores_are_those_of_the_cells(full, by_artist):
    assert full.split is by_artist
    for place, row in full.scores.iterrows():
        cell = full.cells[place]
        assert tuple(row[["accuracy", "low", "high"]]) == cell.accuracy()[:3]
        window = row[["window_accuracy", "window_low", "window_high"]]
        assert tuple(window) == cell.accuracy("window")[:3]
        assert row["train_accuracy"] == cell.train_accuracy
        assert row["unconverged"] == cell.unconverged
        assert row["seconds"] == full.seconds[place] > 0
    assert not any(cell.estimators for cell in full.cells.values())


@pytest.mark.parametrize("place", [("none", "k-NN"), ("PCA", "random forest"), ("none", "SVM")])
def test_cell_is_its_pipeline_evaluated(full, toy_corpus, by_artist, place):
    _, table, _, features = toy_corpus
    alone = evaluate(pipeline(*place), features, table, by_artist)
    pd.testing.assert_frame_equal(full.cells[place].windows, alone.windows)


def test_estimators_of_the_tables_stay_unfitted(full):
    for part in [*CLASSIFIERS.values(), *list(TRANSFORMS.values())[1:]]:
        with pytest.raises(NotFittedError):
            check_is_fitted(part)


def test_curves_are_of_the_neural_net_in_the_first_fold(full, toy_corpus, by_artist):
    _, table, _, features = toy_corpus
    assert set(full.curves) == {(transform, "neural net") for transform in TRANSFORMS}
    train = by_artist.folds[0].train
    net = pipeline("none", "neural net").fit(features[train], table["genre"].to_numpy()[train])
    assert full.curves["none", "neural net"] == pytest.approx(net[-1].loss_curve_)


def test_same_seed_gives_the_same_scores_with_one_or_two_processes(
    toy_corpus, by_artist, few_trees
):
    _, table, _, features = toy_corpus
    cells = {"transforms": ["none", "PCA"], "models": [*RANDOM, "k-NN"]}
    first = grid(features, table, by_artist, **cells, seed=3)
    np.random.seed(99)
    assert_same(first, grid(features, table, by_artist, **cells, seed=3))
    assert_same(first, grid(features, table, by_artist, **cells, seed=3, jobs=2))
    other = grid(features, table, by_artist, **cells, seed=4)
    for place, cell in first.cells.items():
        if place[1] != "decision tree":  # its seed only decides between equal splits
            equal = cell.windows.equals(other.cells[place].windows)
            assert equal == (place[1] == "k-NN")


def test_order_of_the_cells_does_not_change_them(toy_corpus, by_artist, few_trees):
    _, table, _, features = toy_corpus
    names = ["PCA", "none"], ["random forest", "ridge"]
    first = grid(features, table, by_artist, transforms=names[0], models=names[1])
    second = grid(features, table, by_artist, transforms=names[0][::-1], models=names[1][::-1])
    assert list(first.cells) == list(second.cells)[::-1]
    for place, cell in first.cells.items():
        pd.testing.assert_frame_equal(cell.windows, second.cells[place].windows, check_exact=True)


def test_models_are_fitted_on_the_training_part_only(toy_corpus, monkeypatch):
    corpus, table, _, features = toy_corpus
    monkeypatch.setitem(CLASSIFIERS, "spy", Spy())
    monkeypatch.setattr(Spy, "fits", [])
    divided = split(table, corpus, folds=3)
    grid(features, table, divided, transforms=["none"], models=["spy"])
    assert len(Spy.fits) == 3
    genres = table["genre"].to_numpy()
    for (X, y), fold in zip(Spy.fits, divided, strict=True):
        part = features[fold.train]
        low, high = part.min(axis=0), part.max(axis=0)
        np.testing.assert_allclose(X, (part - low) / (high - low))
        assert y.tolist() == genres[fold.train].tolist()


def test_folds_that_did_not_converge_are_counted_without_warnings(toy_corpus, monkeypatch):
    corpus, table, _, features = toy_corpus
    monkeypatch.setitem(CLASSIFIERS, "neural net", MLPClassifier((8,), max_iter=2))
    divided = split(table, corpus, folds=3)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        made = grid(features, table, divided, transforms=["none"], models=["neural net", "k-NN"])
    assert made.scores["unconverged"].tolist() == [3, 0]
    net, knn = made.cells.values()
    (caveat,) = [sentence for sentence in caveats(net) if "converged" in sentence]
    assert "in 3 of 3 folds" in caveat
    assert caveat in summary(net)
    assert not any("converged" in sentence for sentence in caveats(knn))


def test_constant_feature_changes_no_prediction(toy_corpus, by_artist):
    _, table, _, features = toy_corpus
    more = np.column_stack([features, np.full(len(features), 3.7)])
    cells = {"transforms": ["none", "PCA", "RBF kernel"], "models": ["k-NN", "SVM"]}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        without, with_constant = (grid(X, table, by_artist, **cells) for X in (features, more))
    for place, cell in without.cells.items():
        probabilities = with_constant.cells[place].windows[cell.genres]
        np.testing.assert_allclose(probabilities, cell.windows[cell.genres], atol=1e-6)


def test_two_genres_are_enough(toy_corpus, few_trees):
    corpus, table, _, features = toy_corpus
    rows = (table["genre"] != "jazz").to_numpy()
    two = table[rows].reset_index(drop=True)
    divided = split(two, corpus)
    train, _, test = divided.folds[0]
    made = grid(features[rows], two, divided, transforms=["none", "RBF kernel"])
    genres = two["genre"].to_numpy()
    assert (made.scores["accuracy"] == 1).all()
    for model in WITHOUT_PROBABILITIES:
        cell = made.cells["none", model]
        assert cell.genres == ["blues", "rock"]
        np.testing.assert_allclose(cell.windows[cell.genres].sum(axis=1), 1)
        fitted = pipeline("none", model).fit(features[rows][train], genres[train])
        predicted = cell.predictions("window")["predicted"].tolist()
        assert predicted == fitted.predict(features[rows][test]).tolist()


def test_genre_missing_from_training_is_refused(toy_corpus, by_artist):
    _, table, _, features = toy_corpus
    changed = by_artist.table.copy()
    jazz = (changed["genre"] == "jazz") & (changed["fold_0"] == "train")
    changed.loc[jazz, "fold_0"] = "valid"
    without_jazz = dataclasses.replace(by_artist, table=changed)
    with pytest.raises(SplitError, match="genre 'jazz' is tested in fold 0 and has no window in"):
        grid(features, table, without_jazz, transforms=["none"], models=["k-NN"])


def test_grid_on_other_windows_is_refused(toy_corpus, by_artist):
    _, table, _, features = toy_corpus
    with pytest.raises(SplitError, match="was made from other windows"):
        grid(features[::-1], table.iloc[::-1], by_artist, models=["k-NN"])


@pytest.mark.parametrize("empty", ["transforms", "models"])
def test_empty_grid_is_refused(toy_corpus, by_artist, empty):
    _, table, _, features = toy_corpus
    with pytest.raises(ModelError, match="at least one transform and one model"):
        grid(features, table, by_artist, **{empty: []})


# --- families of features -----------------------------------------------------


@pytest.mark.parametrize("transform", ["RBF kernel", "polynomial kernel"])
def test_kernels_suit_thousands_of_features(transform, rng):
    """Repeating each feature changes no kernel beyond the number of Kaggle's features."""
    X, y = rng.uniform(size=(90, 57)), np.arange(90) % 3
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        few, many = (
            pipeline(transform, "k-NN", seed=3).fit(X, y)[:-1].transform(X)
            for X in (X, np.tile(X, (1, 80)))
        )
    np.testing.assert_allclose(many @ many.T, few @ few.T, atol=1e-6)
    # A kernel that is 0 between all windows would make each its own neighbour alone.
    products = few @ few.T
    assert np.median(products[~np.eye(90, dtype=bool)]) > 1e-3


def test_families_are_compared_on_the_same_folds(small_folder, tmp_path):
    corpus = open_corpus(small_folder)
    settings = {"model": "ridge", "protocol": "track", "folds": 3, "seed": 1}
    results = compare_families(corpus, 1.5, **settings)
    assert list(results) == ["kaggle", "logmel-statistics"]
    for family, result in results.items():
        assert list(result.cells) == [("none", "ridge")]
        table = features(corpus, 1.5, family=family, progress=False)
        parts = split(table.windows, corpus, protocol="track", folds=3, seed=1)
        expected = grid(
            table.values, table.windows, parts, transforms=["none"], models=["ridge"], seed=1
        )
        assert_same(result, expected)
    first, second = (result.split.hash for result in results.values())
    assert first == second
    log_mels = write_log_mels(corpus, tmp_path / "m.npz", Recipe.preset("mel-gtzan-store"))
    (from_log_mels,) = compare_families(open_corpus(log_mels), 1.5, **settings).values()
    pd.testing.assert_frame_equal(
        from_log_mels.scores.drop(columns="seconds"),
        results["logmel-statistics"].scores.drop(columns="seconds"),
    )
    assert list(compare_families(corpus, 1.0, **settings)) == ["kaggle"]


def test_mean_leak_is_the_mean_of_all_cells(paper_corpus):
    corpus = paper_corpus((g, f"{g} {a}", 9.0) for g in ("blues", "rock") for a in range(6))
    table = window_table(corpus)
    X = np.random.default_rng(0).normal(size=(len(table), 3))
    # Windows of a track are alike, and tracks of a genre are not.
    X += 5 * np.random.default_rng(1).normal(size=(12, 3))[pd.factorize(table["track_id"])[0]]
    results = []
    for protocol in ("window", "artist"):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            parts = split(table, corpus, protocol=protocol, folds=3)
        results.append(grid(X, table, parts, transforms=["none"], models=["k-NN", "decision tree"]))
    leak = mean_leak(*results)
    first, second = (result.scores["window_accuracy"].mean() for result in results)
    assert leak.value == pytest.approx(first - second)
    assert leak.low <= leak.value <= leak.high
    assert leak.n == len(table)
    assert mean_leak(results[0], results[0])[:3] == (0, 0, 0)


def test_estimators_are_listed_as_scikit_learn_shows_them():
    listed = estimators()
    assert listed["name"].tolist() == [*TRANSFORMS, *CLASSIFIERS]
    shown = listed.set_index("name")["estimator"]
    assert shown["none"] == "–"
    assert shown["RBF kernel"] == "Nystroem(gamma=0.5, n_components=300)"
    assert shown["random forest"] == "RandomForestClassifier(n_estimators=200)"
    assert not shown.str.contains("_Kernel|None").any()


def test_models_that_differ_in_all_artists_are_told_from_each_other(rng):
    groups = np.repeat([f"artist {number}" for number in range(30)], 4)
    right = rng.random(120) < 0.5
    correct = pd.DataFrame({"all": np.ones(120, bool), "half": right, "same": right})
    tests = compare_cells(correct, groups, draws=2000)
    assert list(zip(tests["first"], tests["second"], strict=True)) == [
        ("all", "half"), ("all", "same"), ("half", "same"),
    ]  # fmt: skip
    assert tests["difference"].tolist() == pytest.approx([1 - right.mean()] * 2 + [0])
    assert (tests["p_holm"][:2] < 0.01).all()
    assert tests["p_value"][2] == 1
    assert (tests["p_holm"] >= tests["p_value"]).all()


def test_a_difference_of_few_artists_is_not_significant():
    """Forty tracks of three artists: with signs, two of eight sums are as large."""
    groups = np.repeat(["a", "b", "c"], [20, 10, 10])
    correct = pd.DataFrame({"first": np.ones(40, bool), "second": np.zeros(40, bool)})
    tests = compare_cells(correct, groups, draws=4000)
    assert tests["p_value"][0] == pytest.approx(1 / 4, abs=0.03)


def test_equal_models_are_found_different_in_few_cases(rng):
    groups = np.arange(60).astype(str)
    found = [
        compare_cells(pd.DataFrame(rng.random((60, 2)) < 0.5), groups, draws=500)["p_value"][0]
        for _ in range(100)
    ]
    assert np.mean(np.array(found) < 0.05) <= 0.1


def test_the_model_is_chosen_without_the_fold_that_is_scored():
    folds = np.repeat([0, 1, 2], 2)
    correct = pd.DataFrame(
        {"lucky in 0": [1, 1, 0, 0, 0, 0], "good": [0, 0, 1, 1, 0, 1]}, dtype=bool
    )
    scored, chosen = choose_by_fold(correct, folds)
    # Without fold 1, the two are equal but for the third track of "good".
    assert chosen == ["good", "lucky in 0", "lucky in 0"]
    assert scored.tolist() == [False, False, False, False, False, False]
    assert correct.mean().max() == 0.5
