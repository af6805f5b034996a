"""Figures of scores, comparisons and leakage show the numbers they are given."""

import dataclasses
import warnings

import matplotlib

matplotlib.use("agg")

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score
from sklearn.neighbors import KNeighborsClassifier

from gtzan_lib import plots
from gtzan_lib.data.splits import split
from gtzan_lib.data.windows import window_table
from gtzan_lib.evaluation.comparison import learning_curve
from gtzan_lib.evaluation.evaluate import evaluate
from gtzan_lib.evaluation.leakage import audit
from gtzan_lib.stats import bootstrap_interval, exact_mcnemar
from gtzan_lib.studies.reshuffle import PARTS, reshuffle

PARTITION = ["train", "train", "train", "valid", "test", "test"]


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def corpus_and_features(paper_corpus):
    """Three genres of six artists with two tracks, and features that differ by track."""
    genres = ("blues", "jazz", "rock")
    corpus = paper_corpus((g, f"{g} {a}", 9.0) for g in genres for a in range(6) for _ in "xy")
    corpus.tracks["partition"] = [part for _ in genres for part in PARTITION for _ in "xy"]
    table = window_table(corpus)
    rng = np.random.default_rng(2)
    number = pd.factorize(table["track_id"])[0]
    means = pd.factorize(table["genre"])[0][:, None] + rng.normal(size=(36, 3))[number]
    return corpus, table, means + rng.normal(scale=0.1, size=(len(table), 3))


@pytest.fixture(scope="module")
def leaderboard() -> pd.DataFrame:
    """A leaderboard with one experiment whose size and time are unknown."""
    return pd.DataFrame(
        {
            "protocol": ["artist", "official", "official"],
            "part": ["test part", "validation part", "test part"],
            "accuracy": [0.8, 0.7, 0.5],
            "low": [0.7, 0.55, 0.4],
            "high": [0.9, 0.75, 0.6],
            "window_accuracy": [0.75, 0.6, 0.45],
            "weights": [2e6, np.nan, 3e4],
            "seconds": [90.0, np.nan, 700.0],
        },
        index=pd.Index(["net", "knn", "tiny"], name="experiment"),
    )


@pytest.fixture(scope="module")
def evaluation(corpus_and_features):
    corpus, table, features = corpus_and_features
    return evaluate(KNeighborsClassifier(5), features, table, split(table, corpus, folds=3))


@pytest.fixture(scope="module")
def curve(corpus_and_features):
    corpus, table, features = corpus_and_features
    divided = split(table, corpus)
    return learning_curve(KNeighborsClassifier(1), features, table, divided, shares=[0.5, 1])


@pytest.fixture(scope="module")
def audited(corpus_and_features):
    corpus, table, features = corpus_and_features
    models = {f"{k} neighbours": (KNeighborsClassifier(k), features) for k in (1, 9)}
    names = ["window", "track", "artist", "official"]
    return audit(models, table, corpus, folds=3, protocols=names)


@pytest.fixture(scope="module")
def reshuffled(corpus_and_features):
    corpus, table, features = corpus_and_features
    return reshuffle(KNeighborsClassifier(1), features, table, corpus, draws=50)


def spans(ax, across: str = "x") -> list[tuple[float, float]]:
    """The ends of the interval lines."""
    column = "xy".index(across)
    return [
        tuple(path[:, column])
        for lines in ax.collections
        if hasattr(lines, "get_segments")
        for path in lines.get_segments()
    ]


def dots(ax, marker: str = "o") -> np.ndarray:
    """All points of one marker, as rows of x and y."""
    return np.vstack([line.get_xydata() for line in ax.lines if line.get_marker() == marker])


def ticks(ax) -> dict[str, float]:
    return {
        text.get_text(): place
        for text, place in zip(ax.get_yticklabels(), ax.get_yticks(), strict=True)
    }


def texts(legend) -> list[str]:
    return [text.get_text() for text in legend.get_texts()]


NAMES = [
    "leaderboard",
    "cost",
    "calibration",
    "learning_curve",
    "leak_by",
    "reshuffle",
    "precision_recall_f1",
    "roc_curves",
]


@pytest.mark.parametrize("name", NAMES)
def test_given_axes_are_used(leaderboard, evaluation, curve, audited, reshuffled, name):
    draw = {
        "leaderboard": lambda ax: plots.leaderboard(leaderboard, ax),
        "cost": lambda ax: plots.accuracy_by_cost(leaderboard, "weights", "weights", ax),
        "calibration": lambda ax: plots.calibration(evaluation, ax),
        "precision_recall_f1": lambda ax: plots.precision_recall_f1(evaluation, ax),
        "roc_curves": lambda ax: plots.roc_curves(evaluation, ax),
        "learning_curve": lambda ax: plots.learning_curve(curve, ax),
        "leak_by": lambda ax: plots.leak_by(audited.leak_by("artist", "1 neighbours"), ax),
        "reshuffle": lambda ax: plots.reshuffle(reshuffled, ax),
    }[name]
    _, ax = plt.subplots()
    before = plt.get_fignums()
    assert draw(ax) is ax
    assert plt.get_fignums() == before
    assert ax.has_data()
    new = draw(None)
    assert new is not ax
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        new.figure.canvas.draw()


# --- leaderboards -------------------------------------------------------------


@pytest.mark.parametrize("rows", [1, 2, 3])
def test_leaderboard_has_a_line_an_experiment(leaderboard, rows):
    table = leaderboard.head(rows)
    ax = plots.leaderboard(table)
    places = ticks(ax)
    names = ["net  (artist)", "knn  (official, validation part)", "tiny  (official, test part)"]
    assert list(places) == names[:rows]
    # The best is at the top.
    assert list(places.values()) == list(range(rows))[::-1]
    expected = np.column_stack([100 * table["accuracy"], list(places.values())])
    np.testing.assert_allclose(dots(ax), expected)
    np.testing.assert_allclose(dots(ax, "|")[:, 0], 100 * table["window_accuracy"])
    np.testing.assert_allclose(spans(ax), 100 * table[["low", "high"]])
    assert ax.get_xlim() == (0, 100)
    assert texts(ax.get_legend()) == ["tracks (95 % interval)", "windows"]


def test_groups_have_headings_and_a_line_at_chance(leaderboard):
    table = leaderboard.assign(
        group=[1, 2, 2], folds=[5, 1, 1], tracks=[100, 20, 20], chance=[0.1, 0.15, 0.15]
    )
    table["part"] = "test part"
    ax = plots.leaderboard(table)
    headings = ["100 tracks, by artist, out of fold", "20 tracks, by official, test part"]
    places = ticks(ax)
    assert {name: places[name] for name in table.index} == {"net": 3, "knn": 1, "tiny": 0}
    assert {name: places[name] for name in headings} == dict(zip(headings, [4, 2], strict=True))
    bold = [text.get_text() for text in ax.get_yticklabels() if text.get_fontweight() == "bold"]
    assert bold == headings
    np.testing.assert_allclose(dots(ax), np.column_stack([[80, 70, 50], [3, 1, 0]]))
    np.testing.assert_allclose(spans(ax), 100 * table[["low", "high"]])
    lines = [line.get_xydata() for line in ax.lines if line.get_linestyle() == "--"]
    np.testing.assert_allclose(lines, [[[10, 2.6], [10, 3.4]], [[15, -0.4], [15, 1.4]]])
    assert texts(ax.get_legend())[2:] == ["most frequent genre"]


@pytest.mark.parametrize("of", ["weights", "seconds"])
def test_experiments_without_a_cost_are_left_out(leaderboard, of):
    ax = plots.accuracy_by_cost(leaderboard, of, "a cost")
    rows = leaderboard.dropna()
    points = [line for line in ax.lines if line.get_marker() != "None"]
    expected = np.column_stack([rows[of], 100 * rows["accuracy"]])
    np.testing.assert_allclose(np.vstack([line.get_xydata() for line in points]), expected)
    assert texts(ax.get_legend()) == rows.index.tolist()
    assert ax.get_xscale() == "log"
    assert ax.get_xlabel() == "a cost"
    bars = [line for line in ax.lines if line.get_marker() == "None"]
    np.testing.assert_allclose([bar.get_ydata() for bar in bars], 100 * rows[["low", "high"]])
    colors = [line.get_color() for line in ax.lines]
    assert len(set(colors)) == 2
    assert colors[::2] == colors[1::2]


def test_model_looks_alike_over_every_cost(leaderboard):
    looks = []
    for of in ("weights", "seconds"):
        ax = plots.accuracy_by_cost(leaderboard, of, "a cost")
        points = [line for line in ax.lines if line.get_marker() != "None"]
        looks.append([(p.get_label(), p.get_marker(), p.get_color()) for p in points])
    assert looks[0] == looks[1]
    assert len({marker for _, marker, _ in looks[0]}) == 2


@pytest.mark.parametrize(
    ("of", "cost", "label"),
    [("weights", 1e6, "1,000,000"), ("weights", 1000, "1,000"), ("seconds", 0.1, "0.1")],
)
def test_costs_are_written_in_full(leaderboard, of, cost, label):
    ax = plots.accuracy_by_cost(leaderboard, of, "a cost")
    assert ax.xaxis.get_major_formatter()(cost, 0) == label


def test_cost_of_one_model(leaderboard):
    ax = plots.accuracy_by_cost(leaderboard.head(1), "weights", "weights")
    np.testing.assert_allclose(dots(ax), [[2e6, 80]])


# --- significance -------------------------------------------------------------


@pytest.fixture(scope="module")
def tests() -> pd.DataFrame:
    """Tests of two pairs of three models."""
    columns = {"first": ["b", "c$"], "second": ["a", "b"]}
    return pd.DataFrame({**columns, "p_value": [0.01, 0.4], "p_holm": [0.02, 0.5]})


def test_p_values_are_below_and_corrected_ones_above_the_diagonal(tests):
    ax = plots.significance_matrix(tests, ["a", "b", "c$"])
    values = np.ma.filled(ax.collections[0].get_array().astype(float), np.nan).reshape(3, 3)
    expected = [[np.nan, 0.02, np.nan], [0.01, np.nan, 0.5], [np.nan, 0.4, np.nan]]
    np.testing.assert_allclose(values, expected)
    assert [text.get_text() for text in ax.texts] == ["0.02", "0.01", "0.50", "0.40"]
    for labels in (ax.get_xticklabels(), ax.get_yticklabels()):
        assert [text.get_text() for text in labels] == ["a", "b", r"c\$"]


def test_significance_follows_the_order_of_the_models(tests):
    ax = plots.significance_matrix(tests, ["c$", "b", "a"])
    values = np.ma.filled(ax.collections[0].get_array().astype(float), np.nan).reshape(3, 3)
    expected = [[np.nan, 0.5, np.nan], [0.4, np.nan, 0.02], [np.nan, 0.01, np.nan]]
    np.testing.assert_allclose(values, expected)


def test_significance_of_one_model_is_an_empty_cell(tests):
    ax = plots.significance_matrix(tests.head(0), ["a"])
    ax.figure.canvas.draw()
    assert [text.get_text() for text in ax.texts] == []


# --- confusion matrices -------------------------------------------------------


def predictions(*pairs: str) -> pd.DataFrame:
    return pd.DataFrame([pair.split() for pair in pairs], columns=["genre", "predicted"])


def visible(figure) -> list:
    return [ax for ax in figure.axes if ax.axison]


def shares(ax, count: int) -> np.ndarray:
    return np.asarray(ax.collections[0].get_array()).reshape(count, count)


def test_confusion_matrices_show_shares_of_each_genre():
    first = predictions("a a", "a b", "a a", "a c", "b b", "c c", "c a")
    second = predictions("a a", "b b", "c c")
    figure = plots.confusion_matrices({"first": first, "second": second})
    first_ax, second_ax = visible(figure)
    expected = [[0.5, 0.25, 0.25], [0, 1, 0], [0.5, 0, 0.5]]
    np.testing.assert_allclose(shares(first_ax, 3), expected)
    np.testing.assert_allclose(shares(second_ax, 3), np.eye(3))
    assert [ax.get_title() for ax in (first_ax, second_ax)] == [
        "first\n57 % of 7",
        "second\n100 % of 3",
    ]
    assert [text.get_text() for text in first_ax.get_yticklabels()] == ["a", "b", "c"]
    assert (figure.get_supxlabel(), figure.get_supylabel()) == ("predicted genre", "true genre")
    figure.canvas.draw()


def test_genres_without_predictions_keep_their_place():
    """One genre was not tested, and one was never predicted."""
    figure = plots.confusion_matrices(
        {"x": predictions("a a", "b a"), "y": predictions("a a", "c c")}
    )
    first_ax, second_ax = visible(figure)
    np.testing.assert_array_equal(shares(first_ax, 3), [[1, 0, 0], [1, 0, 0], [0, 0, 0]])
    np.testing.assert_array_equal(shares(second_ax, 3), [[1, 0, 0], [0, 0, 0], [0, 0, 1]])


@pytest.mark.parametrize(
    ("models", "columns", "grid"), [(1, 3, (1, 1)), (2, 3, (1, 2)), (4, 3, (2, 3)), (3, 1, (3, 1))]
)
def test_number_of_confusion_matrices(evaluation, models, columns, grid):
    tables = {f"model {number}": evaluation.tracks for number in range(models)}
    figure = plots.confusion_matrices(tables, columns=columns)
    assert len(figure.axes) == grid[0] * grid[1]
    assert figure.axes[0].get_gridspec().get_geometry() == grid
    assert [ax.get_title().split("\n")[0] for ax in visible(figure)] == list(tables)
    counts = evaluation.confusion_matrix().to_numpy()
    for ax in visible(figure):
        np.testing.assert_allclose(shares(ax, 3), counts / counts.sum(axis=1, keepdims=True))


# --- calibration and learning curves -------------------------------------------


@pytest.mark.parametrize("unit", ["track", "window"])
def test_calibration_has_a_dot_a_bin(evaluation, unit):
    ax = plots.calibration(evaluation, unit=unit)
    table = evaluation.calibration(unit=unit)
    scatter = ax.collections[-1]
    np.testing.assert_allclose(scatter.get_offsets(), table[["confidence", "accuracy"]])
    sizes = scatter.get_sizes()
    assert np.argmax(sizes) == np.argmax(table["n"])
    assert sizes.max() == 200
    np.testing.assert_allclose(spans(ax, "y"), table[["low", "high"]])
    assert texts(ax.get_legend()) == ["perfect calibration", f"{unit}s"]
    error = 100 * evaluation.calibration_error(unit)
    assert ax.get_title().splitlines() == [
        f"calibration error {error:.1f} percentage points", "test parts of 3 folds",
    ]  # fmt: skip


def test_figures_name_the_scored_part(official_corpus):
    _, table, features, official = official_corpus
    evaluation = evaluate(KNeighborsClassifier(), features, table, official)
    assert plots.confusion_matrix(evaluation).get_title() == "validation part"
    assert plots.calibration(evaluation).get_title().endswith("\nvalidation part")
    label = plots.recall(evaluation).get_xlabel()
    assert label == "track recall, validation part (95 % interval)"


def test_learning_curve_has_both_units(curve):
    ax = plots.learning_curve(curve)
    lines = {line.get_label(): line for line in ax.lines}
    assert list(lines) == texts(ax.get_legend()) == ["tracks", "windows"]
    for name, column in (("tracks", "accuracy"), ("windows", "window_accuracy")):
        expected = np.column_stack([curve["tracks"], 100 * curve[column]])
        np.testing.assert_allclose(lines[name].get_xydata(), expected)
    (band,) = ax.collections
    edge = band.get_paths()[0].vertices[:, 1]
    assert edge.min() == pytest.approx(100 * curve["low"].min())
    assert edge.max() == pytest.approx(100 * curve["high"].max())
    assert ax.get_xlim()[0] == 0


# --- precision, recall, F1 and ROC curves ----------------------------------------


@pytest.mark.parametrize("unit", ["track", "window"])
def test_precision_recall_and_f1_have_a_row_a_genre_and_one_of_means(evaluation, unit):
    ax = plots.precision_recall_f1(evaluation, unit=unit)
    table = evaluation.per_genre(unit).sort_values("f1")
    assert list(ticks(ax)) == [
        "mean of the genres", *(f"{genre} ({n})" for genre, n in table["n"].items()),
    ]  # fmt: skip
    for marker, name in {"s": "precision", "o": "recall", "D": "f1"}.items():
        shown = dots(ax, marker)[:, 0]
        np.testing.assert_allclose(shown[:-1], table[name])
        np.testing.assert_allclose(shown[-1], table[name].fillna(0).mean())
    assert dots(ax, "D")[-1, 0] == pytest.approx(evaluation.macro_f1(unit))
    bars = [tuple(line.get_xdata()) for line in ax.lines if line.get_linewidth() == 4]
    assert bars == ([*zip(table["low"], table["high"], strict=True)] if unit == "track" else [])
    assert texts(ax.get_legend()) == ["precision", "recall", "F1"]
    assert ax.get_xlabel() == f"score by {unit}, test parts of 3 folds"


def test_genre_that_is_never_predicted_has_no_precision(evaluation):
    never = evaluation.genres[0]
    windows = evaluation.windows.assign(**{never: -1.0})
    ax = plots.precision_recall_f1(dataclasses.replace(evaluation, windows=windows))
    assert np.isnan(dots(ax, "s")[:, 0]).sum() == 1
    assert not np.isnan(dots(ax)).any()


@pytest.mark.parametrize("unit", ["track", "window"])
def test_roc_curves_have_the_area_of_each_genre(evaluation, unit):
    ax = plots.roc_curves(evaluation, unit=unit)
    table = evaluation.tracks if unit == "track" else evaluation.windows
    areas = [roc_auc_score(table["genre"] == genre, table[genre]) for genre in evaluation.genres]
    expected = [f"{name} ({area:.2f})" for name, area in zip(evaluation.genres, areas, strict=True)]
    mean = f"mean of the genres ({np.mean(areas):.2f})"
    assert texts(ax.get_legend()) == [*expected, mean, "chance (0.50)"]
    curves = ax.lines[: len(areas)]
    for line in ax.lines:
        assert line.get_xydata()[0].tolist() == [0, 0]
        assert line.get_xydata()[-1].tolist() == [1, 1]
    assert len({(line.get_color(), line.get_linestyle()) for line in curves}) == len(areas)
    assert ax.get_title() == f"{unit}s, test parts of 3 folds"


def test_genres_that_were_not_scored_have_no_curve(evaluation):
    gone = evaluation.genres[0]
    windows = evaluation.windows[evaluation.windows["genre"] != gone]
    part = dataclasses.replace(evaluation, windows=windows)
    assert not any(text.startswith(gone) for text in texts(plots.roc_curves(part).get_legend()))
    assert not any(name.startswith(gone) for name in ticks(plots.precision_recall_f1(part)))


# --- leakage ------------------------------------------------------------------


def test_leakage_has_a_dot_a_model_and_protocol(audited):
    figure = plots.leakage(audited)
    scores = audited.scores()
    shares = scores.drop(columns="part")
    models = list(audited.evaluations)
    labels = ["by window", "by track", "by artist", "by official (validation part)"]
    window_ax, track_ax = figure.axes
    for ax, prefix in ((window_ax, "window_"), (track_ax, "")):
        lines = {line.get_label(): line for line in ax.lines}
        assert list(lines) == labels
        assert len({line.get_color() for line in lines.values()}) == 4
        for protocol, label in zip(audited.protocols, labels, strict=True):
            rows = 100 * shares.xs(protocol, level="protocol").loc[models]
            x, y = lines[label].get_data()
            np.testing.assert_allclose(x, rows[f"{prefix}accuracy"])
            # One line a model, the first at the top.
            assert np.round(y).tolist() == [1, 0]
        bounds = 100 * scores[[f"{prefix}low", f"{prefix}high"]]
        np.testing.assert_allclose(sorted(spans(ax)), sorted(map(tuple, bounds.to_numpy())))
    assert [ax.get_xlabel() for ax in figure.axes] == [
        "window accuracy (%)", "track accuracy (%)",
    ]  # fmt: skip
    assert list(ticks(window_ax)) == models
    (legend,) = figure.legends
    assert texts(legend) == labels
    figure.canvas.draw()


def test_leakage_of_one_model(corpus_and_features):
    corpus, table, features = corpus_and_features
    models = {"knn": (KNeighborsClassifier(3), features)}
    audited = audit(models, table, corpus, folds=3, protocols=["track", "artist"])
    figure = plots.leakage(audited)
    assert list(ticks(figure.axes[0])) == ["knn"]
    assert [len(dots(ax)) for ax in figure.axes] == [2, 2]


@pytest.mark.parametrize(("column", "most", "count"), [("genre", 15, 3), ("artist", 4, 4)])
def test_leak_by_has_the_largest_leaks(audited, column, most, count):
    table = audited.leak_by(column, "1 neighbours")
    ax = plots.leak_by(table, most=most)
    top = table.iloc[:count]
    assert list(ticks(ax)) == [f"{name} ({n})" for name, n in top["tracks"].items()]
    expected = np.column_stack([100 * top["points"], np.arange(count)[::-1]])
    np.testing.assert_allclose(dots(ax), expected)
    np.testing.assert_allclose(spans(ax), 100 * top[["low", "high"]])
    assert ax.get_xlabel() == f"leak (percentage points), by {column} (number of tracks)"


def test_leak_by_has_fifteen_rows_by_default(audited):
    assert len(dots(plots.leak_by(audited.leak_by("artist", "9 neighbours")))) == 15


def test_reshuffle_has_a_line_a_part(reshuffled):
    ax = plots.reshuffle(reshuffled)
    scores = {
        PARTS["unseen"]: reshuffled.unseen,
        PARTS["test"]: reshuffled.test,
        PARTS["reshuffled"]: reshuffled.reshuffled,
        PARTS["train"]: reshuffled.train,
    }
    assert ticks(ax) == {name: place for place, name in enumerate(scores)}
    expected = [(100 * score.value, place) for place, score in enumerate(scores.values())]
    np.testing.assert_allclose(dots(ax), expected)
    bounds = [(100 * score.low, 100 * score.high) for score in scores.values()]
    np.testing.assert_allclose(spans(ax), bounds)
    np.testing.assert_allclose(dots(ax, "x"), [(100 * reshuffled.predicted, 2)])
    assert texts(ax.get_legend()) == ["expected"]


def test_predicted_genres_that_were_not_tested_are_shown():
    (ax,) = visible(plots.confusion_matrices({"x": predictions("a a", "a b")}))
    np.testing.assert_array_equal(shares(ax, 2), [[0.5, 0.5], [0, 0]])


def test_aggregations_shows_differences_to_the_mean():
    index = pd.MultiIndex.from_product([["k-NN"], ["mean", "vote"]], names=["model", "method"])
    table = pd.DataFrame(
        {"accuracy": [0.7, 0.6], "difference": [0, -0.1], "low": [0, -0.2], "high": [0, 0.05]},
        index=index,
    )
    ax = plots.aggregations(table)
    assert [label.get_text() for label in ax.get_yticklabels()] == ["k-NN: vote"]
    dots = ax.lines[-1]
    assert dots.get_xdata().tolist() == [-10]


def test_representations_shows_tracks_and_windows():
    index = pd.MultiIndex.from_product(
        [["tags", "a$b"], ["track", "window"]], names=["representation", "unit"]
    )
    table = pd.DataFrame({"accuracy": [0.7, 0.6, 0.5, 0.4]}, index=index)
    table = table.assign(low=table["accuracy"] - 0.1, high=table["accuracy"] + 0.1)
    ax = plots.representations(table)
    assert [label.get_text() for label in ax.get_yticklabels()] == ["tags", r"a\$b"]
    assert [dots.get_xdata().tolist() for dots in ax.lines] == [[70, 50], [60, 40]]
    assert [dots.get_label() for dots in ax.lines] == ["tracks", "windows"]
    # The first representation is on top.
    assert ax.lines[0].get_ydata()[0] > ax.lines[0].get_ydata()[1]


def predictions_of(right):
    """Predictions of tracks, of which those given are right."""
    table = pd.DataFrame({"genre": "rock"}, index=[f"rock.{n}" for n in range(len(right))])
    return table.assign(predicted=np.where(right, "rock", "pop"))


@pytest.mark.parametrize(
    ("first", "second", "shown", "tail"),
    [
        # Both, both, only first (6), only second (1), neither.
        ("11" + "1" * 6 + "0" + "0", "11" + "0" * 6 + "1" + "0", [[2, 6], [1, 1]], [0, 1, 6, 7]),
        ("1100", "1100", [[2, 0], [0, 2]], [0]),
        ("11", "11", [[2, 0], [0, 0]], [0]),
    ],
)
def test_mcnemar_shows_the_four_counts_and_both_tails(first, second, shown, tail):
    tables = [predictions_of([mark == "1" for mark in marks]) for marks in (first, second)]
    left, right = plots.mcnemar(*tables).axes
    assert [int(text.get_text()) for text in left.texts] == np.ravel(shown).tolist()
    hatched = [bar for bar in right.patches if bar.get_hatch()]
    assert [round(bar.get_x() + bar.get_width() / 2) for bar in hatched] == tail
    p_value = exact_mcnemar(shown[0][1], shown[1][0])
    assert sum(bar.get_height() for bar in hatched) == pytest.approx(p_value)
    labels = [text.get_text() for text in right.get_legend().get_texts()]
    assert f"at least as unequal: p = {p_value:.2g}" in labels


def test_mcnemar_takes_the_tracks_that_both_have():
    first, second = predictions_of([True] * 4), predictions_of([False] * 3)
    left, _ = plots.mcnemar(first, second).axes
    assert [text.get_text() for text in left.texts] == ["0", "3", "0", "0"]


def test_bootstrap_draws_have_the_width_of_the_interval():
    rng = np.random.default_rng(0)
    artists = np.repeat(np.arange(20), 10)
    correct = rng.random(200) < np.where(artists % 2, 0.9, 0.3)
    groups = {"tracks": np.arange(200), "artists": artists}
    figure = plots.bootstrap_draws(correct, groups, resamples=500, seed=1)
    shown = [ax.texts[0].get_text() for ax in figure.axes]
    for (name, group), text in zip(groups.items(), shown, strict=True):
        low, high = bootstrap_interval(correct, group, resamples=500, seed=1)
        assert text.startswith(f"{len(np.unique(group))} {name} drawn")
        assert f"{100 * (high - low):.1f} points wide" in text
    widths = [float(text.split("\n")[1].split()[0]) for text in shown]
    assert widths[1] > 1.5 * widths[0]


def test_bootstrap_draws_of_equal_predictions():
    figure = plots.bootstrap_draws(np.full(5, True), {"a$b": np.arange(5)}, resamples=50)
    assert figure.axes[0].texts[0].get_text() == "5 a\\$b drawn:\n0.0 points wide"


def test_scores_by_genre_have_a_cell_for_each_model():
    table = pd.DataFrame(
        {
            "net": ["b$", "b$", "a", "a"],
            "genre": ["jazz", "rock"] * 2,
            "precision": [0.1, np.nan, 0.3, 0.4],
            "recall": [0.5, 0.6, 0.7, 0.8],
            "f1": [0.2, 0.3, 0.4, 0.9],
            "n": [20, 11, 20, 11],
        }
    )
    figure = plots.scores_by_genre(table)
    assert [ax.get_title() for ax in figure.axes] == ["precision (%)", "recall (%)", "F1 (%)"]
    shown = [[text.get_text() for text in ax.texts] for ax in figure.axes]
    assert shown == [["10", "30", "40"], ["50", "70", "60", "80"], ["20", "40", "30", "90"]]
    for ax in figure.axes:
        assert [text.get_text() for text in ax.get_xticklabels()] == [r"b\$", "a"]
    assert [text.get_text() for text in figure.axes[0].get_yticklabels()] == [
        "jazz (20)",
        "rock (11)",
    ]
