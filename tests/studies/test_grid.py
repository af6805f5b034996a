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

from gtzan_lib.data.splits import split
from gtzan_lib.errors import ModelError, SplitError
from gtzan_lib.evaluation.evaluate import evaluate
from gtzan_lib.studies.grid import LINEAR, MODELS, TRANSFORMS, grid, pipeline

RANDOM = ("random forest", "neural net", "decision tree")
WITHOUT_PROBABILITIES = ("SVM", "perceptron", "ridge")


class Spy(ClassifierMixin, BaseEstimator):
    """Answers always the same, and tells what it was shown."""

    seen = None

    def fit(self, X, y):
        type(self).seen.append((X, y))
        self.classes_ = np.unique(y)
        return self

    def predict_proba(self, X):
        return np.tile(np.eye(len(self.classes_))[0], (len(X), 1))

    def predict(self, X):
        return np.repeat(self.classes_[:1], len(X))


@pytest.fixture(scope="module")
def full(lesson, by_artist):
    """All cells, made where any warning is an error."""
    _, table, _, features = lesson
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return grid(features, table, by_artist)


@pytest.fixture
def few_trees(monkeypatch):
    """Take a small forest, where its scores do not matter."""
    monkeypatch.setitem(MODELS, "random forest", RandomForestClassifier(n_estimators=8))


def same(one, other):
    """Tell whether two grids hold the same answers, in the same order."""
    pd.testing.assert_frame_equal(
        one.scores.drop(columns="seconds"), other.scores.drop(columns="seconds"), check_exact=True
    )
    for place, cell in one.cells.items():
        pd.testing.assert_frame_equal(cell.windows, other.cells[place].windows, check_exact=True)
    assert one.curves == other.curves


# --- one cell -----------------------------------------------------------------


def test_four_transforms_by_eight_models():
    assert list(TRANSFORMS) == ["none", "PCA", "RBF kernel", "polynomial kernel"]
    assert list(MODELS) == [
        "logistic regression", "SVM", "perceptron", "ridge", "decision tree", "random forest",
        "k-NN", "neural net",
    ]  # fmt: skip
    assert set(LINEAR) < set(MODELS)


@pytest.mark.parametrize("transform", TRANSFORMS)
@pytest.mark.parametrize("model", MODELS)
def test_cell_scales_transforms_and_classifies(transform, model):
    cell = pipeline(transform, model, seed=7)
    assert list(cell.named_steps) == ["scale", "transform", "model"]
    for step, table, name in ((1, TRANSFORMS, transform), (2, MODELS, model)):
        assert type(cell[step]) is type(table[name])
        if not isinstance(cell[step], str):
            assert cell[step] is not table[name]
    seeds = [v for k, v in cell.get_params().items() if k.endswith("random_state")]
    assert set(seeds) <= {7}
    assert (len(seeds) > 0) == (transform != "none" or hasattr(cell[-1], "random_state"))


@pytest.mark.parametrize(
    ("transform", "model"), [("None", "k-NN"), ("none", "kNN"), ("SVM", "PCA")]
)
def test_unknown_name_is_refused(lesson, by_artist, transform, model):
    _, table, _, features = lesson
    wrong, known = (model, MODELS) if transform in TRANSFORMS else (transform, TRANSFORMS)
    with pytest.raises(ModelError, match=f"there is no '{wrong}' in the grid") as refusal:
        pipeline(transform, model)
    assert all(name in str(refusal.value) for name in known)
    assert "\n" not in str(refusal.value)
    with pytest.raises(ModelError, match=f"there is no '{wrong}' in the grid"):
        grid(features, table, by_artist, transforms=[transform], models=[model])


def test_scale_is_that_of_the_training_part(lesson, by_artist):
    _, table, _, features = lesson
    train, valid, test = by_artist.folds[0]
    stretched = features.copy()
    stretched[np.concatenate([valid, test])] *= 100
    (cell,) = evaluate(pipeline("none", "k-NN"), stretched, table, by_artist).estimators
    np.testing.assert_array_equal(cell[0].data_min_, features[train].min(axis=0))
    np.testing.assert_array_equal(cell[0].data_max_, features[train].max(axis=0))


@pytest.mark.filterwarnings("ignore:n_components > n_samples")
@pytest.mark.parametrize("transform", TRANSFORMS)
@pytest.mark.parametrize("model", ["k-NN", "ridge", "decision tree"])
def test_answers_do_not_depend_on_other_tested_windows(lesson, by_artist, transform, model):
    _, table, _, features = lesson
    _, valid, test = by_artist.folds[0]
    changed = features.copy()
    changed[np.concatenate([valid, test[::2]])] = 1000.0
    one, other = (
        evaluate(pipeline(transform, model), X, table, by_artist) for X in (features, changed)
    )
    answers, again = (e.windows[e.genres].to_numpy() for e in (one, other))
    np.testing.assert_allclose(answers[1::2], again[1::2], rtol=0, atol=1e-12)
    assert not np.allclose(answers[::2], again[::2])
    assert one.train_accuracy == other.train_accuracy


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


def test_grid_has_all_cells_and_they_learn(full):
    assert len(full.cells) == 32
    assert list(full.cells) == [(transform, model) for transform in TRANSFORMS for model in MODELS]
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
def test_cell_is_its_pipeline_evaluated(full, lesson, by_artist, place):
    _, table, _, features = lesson
    alone = evaluate(pipeline(*place), features, table, by_artist)
    pd.testing.assert_frame_equal(full.cells[place].windows, alone.windows)


def test_tables_of_the_grid_stay_unfitted(full):
    for part in [*MODELS.values(), *list(TRANSFORMS.values())[1:]]:
        with pytest.raises(NotFittedError):
            check_is_fitted(part)


def test_nets_have_curves_of_their_first_fold(full, lesson, by_artist):
    _, table, _, features = lesson
    assert set(full.curves) == {(transform, "neural net") for transform in TRANSFORMS}
    train = by_artist.folds[0].train
    net = pipeline("none", "neural net").fit(features[train], table["genre"].to_numpy()[train])
    assert full.curves["none", "neural net"] == pytest.approx(net[-1].loss_curve_)


def test_same_seed_same_scores_on_one_core_or_two(lesson, by_artist, few_trees):
    _, table, _, features = lesson
    chosen = {"transforms": ["none", "PCA"], "models": [*RANDOM, "k-NN"]}
    one = grid(features, table, by_artist, **chosen, seed=3)
    np.random.seed(99)
    same(one, grid(features, table, by_artist, **chosen, seed=3))
    same(one, grid(features, table, by_artist, **chosen, seed=3, jobs=2))
    other = grid(features, table, by_artist, **chosen, seed=4)
    for place, cell in one.cells.items():
        if place[1] != "decision tree":  # in which chance decides between equal cuts alone
            equal = cell.windows.equals(other.cells[place].windows)
            assert equal == (place[1] == "k-NN")


def test_order_of_the_cells_does_not_change_them(lesson, by_artist, few_trees):
    _, table, _, features = lesson
    names = ["PCA", "none"], ["random forest", "ridge"]
    there = grid(features, table, by_artist, transforms=names[0], models=names[1])
    back = grid(features, table, by_artist, transforms=names[0][::-1], models=names[1][::-1])
    assert list(there.cells) == list(back.cells)[::-1]
    for place, cell in there.cells.items():
        pd.testing.assert_frame_equal(cell.windows, back.cells[place].windows, check_exact=True)


def test_models_see_the_training_part_alone(lesson, monkeypatch):
    corpus, table, _, features = lesson
    monkeypatch.setitem(MODELS, "spy", Spy())
    monkeypatch.setattr(Spy, "seen", [])
    divided = split(table, corpus, folds=3)
    grid(features, table, divided, transforms=["none"], models=["spy"])
    assert len(Spy.seen) == 3
    genres = table["genre"].to_numpy()
    for (X, y), fold in zip(Spy.seen, divided, strict=True):
        part = features[fold.train]
        low, high = part.min(axis=0), part.max(axis=0)
        np.testing.assert_allclose(X, (part - low) / (high - low))
        assert y.tolist() == genres[fold.train].tolist()


def test_net_that_does_not_converge_says_so_and_prints_nothing(lesson, monkeypatch):
    corpus, table, _, features = lesson
    monkeypatch.setitem(MODELS, "neural net", MLPClassifier((8,), max_iter=2))
    divided = split(table, corpus, folds=3)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        made = grid(features, table, divided, transforms=["none"], models=["neural net", "k-NN"])
    assert made.scores["unconverged"].tolist() == [3, 0]
    net, neighbours = made.cells.values()
    (said,) = [doubt for doubt in net.doubts if "converged" in doubt]
    assert "in 3 of 3 folds" in said
    assert said in net._repr_markdown_()
    assert not any("converged" in doubt for doubt in neighbours.doubts)


def test_constant_feature_changes_no_answer(lesson, by_artist):
    _, table, _, features = lesson
    more = np.column_stack([features, np.full(len(features), 3.7)])
    chosen = {"transforms": ["none", "PCA", "RBF kernel"], "models": ["k-NN", "SVM"]}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        one, other = (grid(X, table, by_artist, **chosen) for X in (features, more))
    for place, cell in one.cells.items():
        with_it = other.cells[place].windows[cell.genres]
        np.testing.assert_allclose(with_it, cell.windows[cell.genres], atol=1e-6)


def test_two_genres_are_enough(lesson, few_trees):
    corpus, table, _, features = lesson
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
        given = cell.answers("window")["predicted"].tolist()
        assert given == fitted.predict(features[rows][test]).tolist()


def test_genre_missing_from_training_is_refused(lesson, by_artist):
    _, table, _, features = lesson
    changed = by_artist.table.copy()
    jazz = (changed["genre"] == "jazz") & (changed["fold_0"] == "train")
    changed.loc[jazz, "fold_0"] = "valid"
    blinkered = dataclasses.replace(by_artist, table=changed)
    with pytest.raises(SplitError, match="genre 'jazz' is tested in fold 0 and has no window in"):
        grid(features, table, blinkered, transforms=["none"], models=["k-NN"])


def test_grid_on_other_windows_is_refused(lesson, by_artist):
    _, table, _, features = lesson
    with pytest.raises(SplitError, match="was made from other windows"):
        grid(features[::-1], table.iloc[::-1], by_artist, models=["k-NN"])


@pytest.mark.parametrize("empty", ["transforms", "models"])
def test_grid_of_nothing_is_refused(lesson, by_artist, empty):
    _, table, _, features = lesson
    with pytest.raises(ModelError, match="at least one transform and one model"):
        grid(features, table, by_artist, **{empty: []})
