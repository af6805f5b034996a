"""The step of degraded sound, with models whose predictions are known."""

import numpy as np
import pandas as pd
import pytest

from gtzan_lib.data.loaders import gtzan
from gtzan_lib.data.workspace import Workspace
from gtzan_lib.errors import CorpusError
from gtzan_lib.published.material import find_material
from gtzan_lib.published.measures import degradations
from gtzan_lib.published.task import Task
from gtzan_lib.signal.degradations import CLEAN, DEGRADATIONS
from gtzan_lib.studies.grid import compare_cells

from ...conftest import write_music


@pytest.fixture(scope="module")
def parts():
    return gtzan.facts()["partition"]


@pytest.fixture(scope="module")
def root(tmp_path_factory, parts):
    """Composed sound of two genres, with the names of clips of three parts."""
    folder = tmp_path_factory.mktemp("gtzan")
    music = write_music(folder, genres=("blues", "metal"), tracks=4, seconds=4.0)
    for genre in ("blues", "metal"):
        files = sorted((music / "genres_original" / genre).iterdir())
        files = [file.rename(file.with_suffix(".tmp")) for file in files]
        names = parts.index[parts.index.str.startswith(genre)]
        of = {part: [name for name in names if parts[name] == part] for part in set(parts)}
        wanted = [of["train"][0], of["valid"][0], of["valid"][1], of["test"][0]]
        for name, file in zip(wanted, files, strict=True):
            file.rename(file.with_name(f"{name}.wav"))
    return music


@pytest.fixture(scope="module")
def done(root, tmp_path_factory):
    folder = tmp_path_factory.mktemp("results")
    task = Task(find_material(root), folder, Workspace("step"))
    degradations.measure(task)
    return task, {file.stem: pd.read_csv(file, index_col=0) for file in folder.glob("*.csv")}


def test_only_validation_tracks_are_predicted(done, parts):
    task, tables = done
    assert task.used == {"sound": 8}
    predictions = tables["predictions"]
    names = predictions.index.unique()
    assert len(names) == tables["scope"].loc["validation part", "tracks"] == 4
    assert (parts[names] == "valid").all()
    assert len(predictions) == 4 * 2 * (1 + len(DEGRADATIONS))


def test_scores_are_those_of_the_predictions(done):
    _, tables = done
    predictions, scores = tables["predictions"], tables["scores"]
    assert set(scores.index) == {CLEAN, *DEGRADATIONS}
    for condition, row in scores.iterrows():
        rows = predictions[predictions["model"] == row["model"]]
        now, clean = (rows[rows["condition"] == one] for one in (condition, CLEAN))
        right = now["predicted"] == now["genre"]
        assert row["accuracy"] == pytest.approx(right.mean())
        assert row["agreement"] == pytest.approx((now["predicted"] == clean["predicted"]).mean())
        if condition == CLEAN:
            assert np.isnan(row["points"])
            assert np.isnan(row["p_holm"])
        else:
            before = clean["predicted"] == clean["genre"]
            assert row["points"] == pytest.approx(right.mean() - before.mean())
            assert row["gained"] - row["lost"] == right.sum() - before.sum()
            assert row["p_holm"] >= row["p_value"]


def made_up(*, lost: int, n: int = 40) -> pd.DataFrame:
    """Predictions of two models, of which the first loses tracks under one degradation."""
    rows = []
    for number in range(n):
        for model in degradations.COMPARED_MODELS:
            for condition in (CLEAN, "noisy"):
                wrong = (
                    condition == "noisy"
                    and model == degradations.COMPARED_MODELS[0]
                    and number < lost
                )
                predicted = "rock" if wrong else "blues"
                rows.append((f"t{number}", "blues", f"a{number}", condition, model, predicted))
    columns = ["track_id", "genre", "group", "condition", "model", "predicted"]
    table = pd.DataFrame(rows, columns=columns).set_index("track_id")
    return table.assign(correct=table["predicted"] == table["genre"])


def test_a_large_loss_is_found_and_a_small_one_is_not():
    for lost, significant in ((12, True), (3, False)):
        predictions = made_up(lost=lost)
        scores = degradations._scores(predictions).loc["noisy"].set_index("model")
        first, second = (scores.loc[name] for name in degradations.COMPARED_MODELS)
        assert first["points"] == pytest.approx(-lost / 40)
        assert (first["lost"], first["gained"], first["losers"]) == (lost, 0, lost)
        assert (first["p_holm"] < 0.05) == significant
        assert (second["points"], second["p_holm"]) == (0, 1)
        assert first["agreement"] == pytest.approx(1 - lost / 40)
        pair = degradations._pairs(predictions).loc["noisy"]
        assert pair["points"] == pytest.approx(-lost / 40)
        assert (pair["p_holm"] < 0.05) == significant


def by_few_artists(predictions: pd.DataFrame) -> pd.DataFrame:
    """The same, with all tracks by five artists."""
    numbers = predictions.index.str.removeprefix("t").astype(int)
    return predictions.assign(group=[f"a{number % 5}" for number in numbers])


def test_a_loss_of_few_artists_is_not_significant():
    predictions = by_few_artists(made_up(lost=20))
    scores = degradations._scores(predictions).loc["noisy"].set_index("model")
    first = scores.loc[degradations.COMPARED_MODELS[0]]
    assert (first["lost"], first["losers"]) == (20, 5)
    assert first["p_value"] > 0.05


@pytest.mark.parametrize("tests", [1, 10])
def test_fewest_artists_is_the_limit_of_the_test(tests):
    artists = degradations.fewest_artists(tests)
    for number, significant in ((artists, True), (artists - 1, False)):
        correct = pd.DataFrame({"before": True, "after": False}, index=range(number))
        p_value = compare_cells(correct, np.arange(number))["p_value"].iloc[0]
        assert (tests * p_value < 0.05) == significant


def test_sound_of_other_parts_alone_is_refused(root, tmp_path, parts):
    material = find_material(root)
    task = Task(material, tmp_path, Workspace("step"))
    corpus = task.corpus("sound")
    training = corpus.select(
        tracks=[name for name in corpus.tracks.index if parts[name] == "train"]
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Task, "corpus", lambda self, *kinds: training)
        with pytest.raises(CorpusError, match="has no track of GTZAN's validation part"):
            degradations.measure(task)
