"""The step that asks the test part, on made-up material with the names of GTZAN's clips."""

import numpy as np
import pandas as pd
import pytest

from gtzan_lib.data.loaders import gtzan
from gtzan_lib.documents import StepDocument, write_document
from gtzan_lib.errors import RecordError
from gtzan_lib.evaluation.askings import read_askings
from gtzan_lib.evaluation.comparison import mcnemar
from gtzan_lib.evaluation.records import predictions
from gtzan_lib.files import sha256_of
from gtzan_lib.genres import GENRES
from gtzan_lib.inference.zoo import SHIPPED
from gtzan_lib.published.material import find_material
from gtzan_lib.published.measures.test_part import (
    ENSEMBLES,
    LIST_OF_ASKINGS,
    Answers,
    average,
    ensemble_gains,
    pair_tests,
)
from gtzan_lib.published.results import Results
from gtzan_lib.published.steps import plan_steps, run_step
from gtzan_lib.runner.runs import RunStep

from .made_up import write_features
from .made_up_nets import GENRES as FEW
from .made_up_nets import train

PER_GENRE = {"train": 4, "valid": 3, "test": 8}
TABLES = (
    "scope", "predictions", "scores", "pairs", "ensembles", "seeds", "seed-scores", "genres",
    "agreement",
)  # fmt: skip


def write_material(folder):
    """Write features of all clips of three genres, and images of some clips of each part."""
    write_features(folder, step=1, genres=FEW)
    parts = gtzan.facts()["partition"]
    names = [
        name
        for genre in FEW
        for part, number in PER_GENRE.items()
        for name in parts.index[parts.index.str.startswith(genre) & (parts == part)][:number]
    ]
    rng = np.random.default_rng(0)
    brightness = np.array([60 * FEW.index(name.split(".")[0]) for name in names])
    X = rng.integers(0, 130, (len(names), 128, 387)) + brightness[:, None, None]
    np.savez_compressed(folder / "log_mels.npz", X=X.astype(np.uint8), names=names)
    return find_material(folder)


def write_feature_models(results, *, part="clips official"):
    """Write what the step `feature-models` leaves, as far as it is read."""
    folder = results / "feature-models"
    folder.mkdir(parents=True)
    scores = pd.DataFrame(
        {
            "part": part,
            "transform": ["none", "none", "PCA", "none"],
            "model": ["logistic regression", "random forest", "k-NN", "k-NN"],
            "accuracy": [0.4, 0.5, 0.625, 0.3],
        },
        index=pd.Index(["a", "b", "c", "d"], name="cell"),
    )
    scores.to_csv(folder / "scores.csv")
    pd.DataFrame({"part": ["clips official"], "tracks": [197]}).to_csv(
        folder / "parts.csv", index=False
    )
    note = {
        "step": "feature-models",
        "settings": {},
        "material": {},
        "code": "",
        "files": {file.name: sha256_of(file) for file in folder.glob("*.csv")},
        "provenance": {},
    }
    write_document(folder / "step.json", note, StepDocument)


def ask(material, results, **settings):
    """Do the step, and return the results."""
    (planned,) = plan_steps(material, results, {"test-part": RunStep("test-part", settings)})
    run_step(planned, material, results)
    return Results(results)


NETS = ["net-a", "net-b"]


@pytest.fixture(scope="module")
def ready(tmp_path_factory):
    """Material, and results of two nets, of which one has two seeds."""
    folder = tmp_path_factory.mktemp("asked")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GTZAN_WORK", str(folder / "work"))
        material = write_material(folder / "gtzan")
        steps = {
            "net-a": {"title": "A"},
            "net-a-seed-1": {"title": "A", "seed": 1},
            # Another net, whose name begins alike.
            "net-a-seed-wide": {"title": "wide", "seed": 2},
            "net-b": {"title": "B", "architecture": "tracknet"},
        }
        train(material, folder / "results", **steps)
        write_feature_models(folder / "results")
        yield material, folder / "results"


@pytest.fixture(scope="module")
def done(ready):
    return ask(*ready, nets=NETS)


def table(done, name):
    return done.table("test-part", name)


def test_the_same_tracks_of_the_test_part_are_scored_for_all_models(done):
    answers = table(done, "predictions")
    assert set(gtzan.facts()["partition"].loc[answers.index]) == {"test"}
    assert answers["genre"].value_counts().to_dict() == dict.fromkeys(FEW, PER_GENRE["test"])
    assert answers.columns[:2].tolist() == ["genre", "group"]
    assert set(answers.columns[2:]) == {
        "gtzan-scratch", "gtzan-musicnn", "logistic regression on features",
        "random forest on features", "k-NN with PCA on features", "A", "B", "2 seeds of A",
        *ENSEMBLES,
    }  # fmt: skip
    scope = table(done, "scope").loc["test part"]
    assert scope["tracks"] == len(answers) == 24
    assert scope["artists"] == answers["group"].nunique()
    assert scope["models"] == len(answers.columns) - 2


def test_models_of_the_package_are_read_and_not_asked_again(done):
    answers = table(done, "predictions")
    for name in ("gtzan-scratch", "gtzan-musicnn"):
        kept = predictions(SHIPPED / name / f"{name}.json")["predicted"]
        assert answers[name].equals(kept.loc[answers.index])
    described = read_askings(done.folder / LIST_OF_ASKINGS)["description"]
    (ensemble,) = described[described.str.startswith("gtzan-")]
    assert ensemble.endswith("mean of the probabilities of gtzan-scratch; gtzan-musicnn")


def test_each_asking_is_noted_with_what_it_was_chosen_by(done):
    noted = read_askings(done.folder / LIST_OF_ASKINGS)
    # Three models on features, three nets, one ensemble of seeds, and the others.
    assert len(noted) == 3 + 3 + 1 + len(ENSEMBLES)
    assert len(noted) == table(done, "scope").loc["test part", "askings"]
    assert (noted["part"] == "test").all()
    by = noted.set_index("description")["chosen_by"]
    assert by["k-NN with PCA on Kaggle's 57 features of 30 s"] == (
        "the best of 4 models on features; validation part 62.5 % of 197 tracks"
    )
    assert by["random forest on Kaggle's 57 features of 30 s"] == (
        "settings fixed before any score; validation part 50.0 % of 197 tracks"
    )
    assert by["A: minivgg, seed 1"].startswith("settings fixed before any score; validation part")
    ensembles = noted[noted["description"].str.contains("mean of")]
    assert (ensembles["chosen_by"] == "members and equal weights fixed before any score").all()
    scores = table(done, "scores")["accuracy"]
    for row in ensembles.itertuples():
        assert row.score == pytest.approx(scores[row.description.split(":")[0]], abs=1e-5)
    music = ensembles[ensembles["description"].str.contains("musicnn")]
    assert len(music) == 2


def test_scores_are_those_of_the_predictions_in_order(done):
    scores, answers = table(done, "scores"), table(done, "predictions")
    right = answers[scores.index].eq(answers["genre"], axis=0).mean()
    assert scores["accuracy"].tolist() == pytest.approx(right.tolist(), rel=1e-5)
    assert scores["accuracy"].is_monotonic_decreasing
    assert (scores["wilson_low"] < scores["accuracy"]).all()
    assert scores.loc["all models", ["outside_data", "members"]].tolist() == ["music", 2 + 5]
    assert scores.loc["all nets", ["outside_data", "members"]].tolist() == ["none", 2]
    assert scores.loc["k-NN with PCA on features", "validation"] == 0.625
    assert scores.loc["A", "members"] == 1


def test_the_net_is_the_first_seed_and_all_seeds_have_a_score(done):
    seeds, means = table(done, "seeds"), table(done, "seed-scores")
    assert seeds["seed"].to_dict() | {"A": None} == {"A": None, "B": 0}
    of_a = seeds.loc["A"].set_index("seed")["accuracy"]
    assert table(done, "scores").loc["A", "accuracy"] == pytest.approx(of_a[0], rel=1e-5)
    assert means.loc["A", "accuracy"] == pytest.approx(of_a.mean(), rel=1e-5)
    assert means.loc["A", "sd"] == pytest.approx(of_a.std(), abs=1e-5)
    assert means["seeds"].to_dict() == {"A": 2, "B": 1}
    assert np.isnan(means.loc["B", "sd"])


def test_pairs_are_all_pairs_and_agree_with_mcnemar(done):
    pairs, answers = table(done, "pairs"), table(done, "predictions")
    models = len(answers.columns) - 2
    assert len(pairs) == models * (models - 1) // 2
    assert (pairs["difference"] >= 0).all()
    row = pairs.reset_index().iloc[5]
    tables = [
        answers[["genre"]].assign(predicted=answers[row[name]]) for name in ("first", "second")
    ]
    test = mcnemar(*tables)
    assert [row["only_first"], row["only_second"]] == [test.only_first, test.only_second]
    assert row["p_tracks"] == pytest.approx(test.p_value, rel=1e-5)
    assert (pairs["p_tracks_holm"] >= pairs["p_tracks"]).all()


def test_recall_and_agreement(done):
    genres, answers = table(done, "genres"), table(done, "predictions")
    metal = answers[answers["genre"] == "metal"]
    recall = genres.loc["metal"].set_index("model").loc["B", "recall"]
    assert recall == pytest.approx((metal["B"] == "metal").mean(), rel=1e-5)
    agreement = table(done, "agreement")
    assert agreement["models"].tolist() == [6, 7]
    assert (agreement["all"] <= agreement["best"]).all()
    assert (agreement["best"] <= agreement["any"]).all()


def test_the_same_again_gives_the_same_tables_and_is_noted_again(ready, done, monkeypatch):
    files = done.step("test-part")["files"]
    assert set(files) == {f"{name}.csv" for name in TABLES}
    noted = read_askings(done.folder / LIST_OF_ASKINGS)
    # Nothing is trained again.
    monkeypatch.setenv("GTZAN_WORK", str(done.folder.parent / "work"))
    monkeypatch.setattr("gtzan_lib.training.stopping.StopTraining.on_epoch_end", None)
    again = ask(*ready, nets=NETS)
    assert again.step("test-part")["files"] == files
    both = read_askings(done.folder / LIST_OF_ASKINGS)
    assert len(both) == 2 * len(noted)
    assert both["configuration"].tolist() == 2 * noted["configuration"].tolist()


@pytest.mark.parametrize(
    ("nets", "part", "reason"),
    [
        (["net-a", "net-c"], "clips official", "the step 'net-c' is not done"),
        (["net-a", "net-a"], "clips official", "name each net once"),
        (["feature-models"], "clips official", "'feature-models' is no net"),
        (["net-a"], "clips by track", "no scores of the validation part"),
        (["net-a"], None, "the step 'feature-models' is not done"),
    ],
)
def test_nothing_is_asked_before_all_is_there(ready, tmp_path, nets, part, reason):
    material, results = ready
    (tmp_path / "net-a").symlink_to(results / "net-a")
    if part:
        write_feature_models(tmp_path, part=part)
    with pytest.raises(RecordError, match=reason):
        ask(material, tmp_path, nets=nets)
    assert not (tmp_path / LIST_OF_ASKINGS).exists()


TRACKS = pd.Index([f"t{number}" for number in range(6)], name="track_id")


def answers(name, rows, **settings):
    """Return a model with probabilities of the first two genres."""
    table = pd.DataFrame(0.0, TRACKS, list(GENRES))
    table["blues"] = rows
    table["classical"] = 1 - table["blues"]
    return Answers(name, "net", settings.pop("outside_data", "none"), table, "", **settings)


def test_an_average_has_equal_weights_and_the_data_of_its_members():
    one = answers("one", [0.9, 0.1, 0.5, 0.5, 0.5, 0.5], seeds=(1,))
    other = answers("other", 0.3, outside_data="music", seeds=(0, 1))
    mean = average("both", [one, other, other])
    assert mean.probabilities["blues"].tolist() == pytest.approx([0.5, 0.7 / 3, *[1.1 / 3] * 4])
    assert (mean.members, mean.seeds) == (("one", "other", "other"), (0, 1))
    assert (mean.kind, mean.outside_data) == ("ensemble", "music")
    assert average("alone", [one]).outside_data == "none"


def test_gains_are_over_the_best_member_and_over_the_mean():
    truth = pd.Series("blues", TRACKS)
    # Three, two and, by the mean of both, five of six correct.
    one = answers("one", [0.9, 0.9, 0.9, 0.4, 0.4, 0.4])
    two = answers("two", [0.2, 0.2, 0.0, 0.9, 0.9, 0.4])
    both = average("both", [two, one])
    models = {model.name: model for model in (one, two)}
    gains = ensemble_gains([both], models, truth, TRACKS.to_numpy()).loc["both"]
    assert gains[["best", "best_accuracy", "only_ensemble", "only_best"]].tolist() == [
        "one", 0.5, 2, 1,
    ]  # fmt: skip
    assert gains["gain"] == pytest.approx(4 / 6 - 3 / 6)
    assert gains["mean_gain"] == pytest.approx(4 / 6 - 5 / 12)
    assert gains["low"] <= gains["gain"] <= gains["high"]
    assert gains["p_holm"] == gains["p_tracks"] == 1


def test_pairs_with_one_artist_for_all_differences_are_told_by_tracks_alone():
    correct = pd.DataFrame({"one": [True] * 20, "two": [True] * 8 + [False] * 12})
    artists = np.array([*map(str, range(8)), *["same"] * 12])
    pair = pair_tests(correct, artists).loc["one"]
    assert pair["difference"] == 0.6
    assert pair["p_tracks"] < 0.001
    assert pair["p_artists"] > 0.4
    assert pair["low"] == 0
