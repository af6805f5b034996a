"""Robustness tests with a model whose predictions are known."""

import dataclasses
import threading
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm

from gtzan_lib.data.corpus import Corpus, ImageCorpus, TableCorpus
from gtzan_lib.data.loaders import gtzan
from gtzan_lib.data.opening import open_corpus
from gtzan_lib.data.workspace import Workspace
from gtzan_lib.errors import AudioError, CorpusError, GtzanError, ModelError, SplitError
from gtzan_lib.evaluation.askings import read_askings
from gtzan_lib.inference.image_model import ImageModel
from gtzan_lib.inference.model import Model
from gtzan_lib.inference.robustness import RobustnessTest, crop_middle, robustness_test
from gtzan_lib.inference.scored_tracks import tracks_to_score
from gtzan_lib.inference.zoo import load_model, save_model
from gtzan_lib.live.simulation import NoisyRoom
from gtzan_lib.signal.degradations import CLEAN
from gtzan_lib.signal.recipes import Recipe
from gtzan_lib.training.classifier import NetClassifier

RATE = 12_000
RECIPE = Recipe.preset("stft-3s", size=32, seconds=1)
GENRES = ("blues", "rock")


class LevelNet(torch.nn.Module):
    """Predicts blues for dark images, those of tones, and rock for bright ones, of noise."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        level = images.float().mean(dim=(1, 2)) - 90
        return torch.stack([-level, level], dim=1) / 20


def level_model(architecture: str = "minivgg", genres: tuple[str, ...] = GENRES) -> Model:
    card = {"genres": list(genres), "recipe": RECIPE.as_dict(), "architecture": architecture}
    return ImageModel("level", card, LevelNet())


def tone(seconds: float, hz: float = 440.0) -> np.ndarray:
    time = np.arange(round(seconds * RATE)) / RATE
    return (0.3 * np.sin(2 * np.pi * hz * time)).astype(np.float32)


def white_noise(seconds: float, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.uniform(-0.3, 0.3, round(seconds * RATE)).astype(np.float32)


def to_noise(y: np.ndarray, rate: int) -> np.ndarray:
    return white_noise(len(y) / rate)


def unchanged(y: np.ndarray, rate: int) -> np.ndarray:
    return y


SOUNDS = {
    "blues.00000": tone(2),
    "blues.00001": tone(2, 700),
    "blues.00002": tone(2, 300),
    "blues.00003": white_noise(2, 1),
    "rock.00000": white_noise(2, 2),
    "rock.00001": tone(2, 500),
}
"""The fourth blues track sounds like rock, and the second rock track like blues."""

PREDICTED = ["blues", "blues", "blues", "rock", "rock", "blues"]


def write_corpus(folder: Path, sounds: dict[str, np.ndarray]) -> Path:
    for name, y in sounds.items():
        file = folder / "genres_original" / name.split(".")[0] / f"{name}.wav"
        file.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(file, y, RATE, subtype="FLOAT")
    return folder


@pytest.fixture
def corpus(tmp_path) -> Corpus:
    opened = open_corpus(write_corpus(tmp_path / "music", SOUNDS))
    opened.tracks["artist"] = ["Ann", "Ann", "Bob", None, "Cyd", None]
    return opened


def predicted(test: RobustnessTest) -> dict[tuple[str, str], str]:
    return test.results["predicted"].to_dict()


# --- predictions --------------------------------------------------------------


def test_model_separates_tones_from_noise():
    """The other tests rely on it."""
    for seed in range(3):
        assert (
            level_model().predict(white_noise(2, seed), sample_rate=RATE).probabilities["rock"]
            > 0.9
        )
        assert level_model().predict(tone(2, 300 + 200 * seed), sample_rate=RATE).genre == "blues"


def test_results_are_those_of_predict(corpus):
    test = robustness_test(level_model(), corpus)
    assert list(test.results.columns) == ["genre", "artist", "predicted", "probability", "correct"]
    assert test.results.index.names == ["track_id", "condition"]
    assert test.results.index.tolist() == [(name, CLEAN) for name in SOUNDS]
    assert test.results["predicted"].tolist() == PREDICTED
    assert test.results["genre"].tolist() == 4 * ["blues"] + 2 * ["rock"]
    assert test.results["artist"].tolist() == ["Ann", "Ann", "Bob", "", "Cyd", ""]
    assert test.results["correct"].tolist() == [True, True, True, False, True, False]
    for (name, _), row in test.results.iterrows():
        expected = level_model().predict(SOUNDS[name], sample_rate=RATE)
        prediction = test.predictions[name, CLEAN]
        np.testing.assert_allclose(prediction.windows, expected.windows, atol=1e-6)
        assert row["probability"] == pytest.approx(expected.probabilities[expected.genre])
    assert test.left_out == {}


def test_conditions_change_the_sound_before_the_prediction(corpus):
    calls = []

    def change(y, rate):
        calls.append((len(y), rate))
        return to_noise(y, rate)

    test = robustness_test(
        level_model(), corpus, {"noise": change, "tone": lambda y, rate: tone(2)}, jobs=1
    )
    assert calls == [(2 * RATE, RATE)] * 6
    expected = {"noise": "rock", "tone": "blues"}
    assert predicted(test) == {(name, c): expected[c] for name in SOUNDS for c in expected}
    assert set(test.predictions) == set(predicted(test))


def test_every_condition_gets_the_sound_of_the_file(corpus):
    """Also after another condition."""
    inputs = []

    def keep(y, rate):
        inputs.append(y.copy())
        return y

    robustness_test(level_model(), corpus, {"louder": lambda y, rate: 2 * y, "kept": keep}, jobs=1)
    for y, expected in zip(inputs, SOUNDS.values(), strict=True):
        np.testing.assert_array_equal(y, expected)


@settings(max_examples=8)
@given(names=st.permutations(["z", "a", CLEAN, "10", "9"]))
def test_conditions_keep_their_order(tiny, names):
    test = robustness_test(level_model(), tiny, dict.fromkeys(names, unchanged))
    assert list(test.conditions) == names
    assert test.table.index.tolist() == names


@pytest.fixture(scope="module")
def tiny(tmp_path_factory) -> Corpus:
    """One track that lasts a second."""
    return open_corpus(write_corpus(tmp_path_factory.mktemp("tiny"), {"blues.00000": tone(1)}))


def test_middle_is_cropped_before_the_conditions(tmp_path):
    y = np.concatenate([white_noise(2), tone(2), white_noise(2, 4)])
    corpus = open_corpus(write_corpus(tmp_path, {"blues.00000": y}))
    inputs = []
    conditions = {"a": lambda y, rate: inputs.append(y) or y}
    test = robustness_test(level_model(), corpus, conditions, seconds=2)
    np.testing.assert_array_equal(inputs[0], y[2 * RATE : 4 * RATE])
    assert predicted(test) == {("blues.00000", "a"): "blues"}
    # The whole track, if it is shorter.
    whole = robustness_test(level_model(), corpus, seconds=60).predictions["blues.00000", CLEAN]
    assert len(whole.windows) == 6


def test_number_of_threads_does_not_change_results(corpus):
    conditions = {"a": unchanged, "b": to_noise, "c": crop_middle(1.2)}
    single, two, many = (
        robustness_test(level_model(), corpus, conditions, jobs=jobs) for jobs in (1, 2, 5)
    )
    for other in (two, many):
        pd.testing.assert_frame_equal(single.results, other.results)
        pd.testing.assert_frame_equal(single.table, other.table)
        for key, prediction in single.predictions.items():
            np.testing.assert_array_equal(prediction.windows, other.predictions[key].windows)


def test_tracks_are_shared_between_threads(corpus):
    """Two tracks are predicted at the same time: each waits for another one."""
    barrier = threading.Barrier(2, timeout=30)

    def meet(y, rate):
        barrier.wait()
        return y

    assert len(robustness_test(level_model(), corpus, {"a": meet}, jobs=2).results) == 6


@pytest.mark.parametrize("succeeds", [True, False])
def test_threads_of_torch_are_restored(corpus, succeeds):
    torch.set_num_threads(2)
    within = []

    def look(y, rate):
        within.append(torch.get_num_threads())
        if not succeeds:
            raise ZeroDivisionError
        return y

    if succeeds:
        robustness_test(level_model(), corpus, {"a": look})
    else:
        with pytest.raises(ZeroDivisionError):
            robustness_test(level_model(), corpus, {"a": look})
    assert set(within) == {1}
    assert torch.get_num_threads() == 2


def test_threads_of_torch_are_restored_if_no_track_can_be_predicted(corpus):
    torch.set_num_threads(2)
    with pytest.raises(AudioError):
        robustness_test(level_model(), corpus, seconds=0.5)
    assert torch.get_num_threads() == 2


# --- tracks that cannot be predicted ------------------------------------------


def test_files_that_cannot_be_decoded_are_left_out_with_a_reason(corpus):
    Path(corpus.tracks.at["blues.00001", "path"]).write_bytes(b"no music")
    Path(corpus.tracks.at["rock.00001", "path"]).unlink()
    test = robustness_test(level_model(), corpus, {CLEAN: unchanged, "noise": to_noise})
    names = ["blues.00000", "blues.00002", "blues.00003", "rock.00000"]
    assert test.results.index.tolist() == [
        (name, condition) for name in names for condition in (CLEAN, "noise")
    ]
    assert set(test.predictions) == set(predicted(test))
    assert list(test.left_out) == ["blues.00001", "rock.00001"]
    for name, reason in test.left_out.items():
        assert f"{name}.wav" in reason
        assert "\n" not in reason
    assert test.table["n"].tolist() == [4, 4]


def test_track_that_fails_under_one_condition_is_left_out_of_all(corpus):
    """One track is silent in its middle only."""
    y = np.concatenate([tone(1), np.zeros(2 * RATE, dtype=np.float32), tone(1)])
    soundfile.write(corpus.tracks.at["blues.00000", "path"], y, RATE, subtype="FLOAT")
    for names in ((CLEAN, "middle"), ("middle", CLEAN)):
        conditions = {CLEAN: unchanged, "middle": crop_middle(1.5)}
        test = robustness_test(level_model(), corpus, {name: conditions[name] for name in names})
        assert test.left_out == {"blues.00000": "the given sound: is silent; give it sound."}
        assert len(test.results) == 2 * 5
        assert test.accuracy(CLEAN).n == test.accuracy("middle").n == 5


def test_error_if_no_track_can_be_predicted(corpus):
    with pytest.raises(AudioError) as caught:
        robustness_test(level_model(), corpus, seconds=0.5)
    message = str(caught.value)
    assert message.startswith(f"no track of {corpus.name} can be predicted: ")
    assert "lasts 0.50 s" in message
    assert message.endswith(".")
    assert "\n" not in message


def test_net_that_does_not_predict_windows_is_refused(corpus):
    with pytest.raises(ModelError, match="'level' is a tracknet, which does not predict single"):
        robustness_test(level_model("tracknet"), corpus)


@pytest.mark.parametrize(("kind", "name"), [(ImageCorpus, "mels.npz"), (TableCorpus, "a.csv")])
def test_corpora_without_sound_are_refused(corpus, kind, name):
    called = []
    with pytest.raises(CorpusError, match="which holds no sound; open the folder") as caught:
        silent = kind(corpus.name, Path(name), corpus.tracks)
        robustness_test(level_model(), silent, {"a": called.append})
    assert str(caught.value).startswith(f"{name}: ")
    assert "\n" not in str(caught.value)
    assert not called


def test_other_errors_are_raised(corpus):
    with pytest.raises(ZeroDivisionError):
        robustness_test(level_model(), corpus, {"broken": lambda y, rate: y / (1 // 0)})


# --- accuracy and differences -------------------------------------------------


def wilson(correct: int, n: int) -> tuple[float, float]:
    """Return Wilson's interval by its formula."""
    z, p = norm.ppf(0.975), correct / n
    middle = (p + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    return middle - half, middle + half


def make_test(correct: dict[str, list[bool]], artists: list[str]) -> RobustnessTest:
    """Return a robustness test with given correct predictions for blues tracks."""
    names = [f"blues.{number:05d}" for number in range(len(artists))]
    rows = {
        (name, condition): {
            "genre": "blues",
            "artist": artist,
            "predicted": "blues" if values[number] else "rock",
            "probability": 0.5 + (7 * number % 10) / 20,
            "correct": values[number],
        }
        for number, (name, artist) in enumerate(zip(names, artists, strict=True))
        for condition, values in correct.items()
    }
    table = pd.DataFrame(list(rows.values()))
    table.index = pd.MultiIndex.from_tuples(rows, names=["track_id", "condition"])
    return RobustnessTest(table, {}, {}, dict.fromkeys(correct, unchanged))


def test_accuracy_and_its_interval(corpus):
    test = robustness_test(level_model(), corpus, {CLEAN: unchanged, "noise": to_noise})
    for score, correct in ((test.accuracy(), 4), (test.accuracy("noise"), 2)):
        assert (score.value, score.n, score.interval) == (correct / 6, 6, "wilson")
        assert (score.low, score.high) == pytest.approx(wilson(correct, 6))


LISTS = st.integers(1, 12).flatmap(
    lambda n: st.lists(st.lists(st.booleans(), min_size=n, max_size=n), min_size=2, max_size=3)
)


@given(lists=LISTS, artists=st.lists(st.sampled_from(["", "Ann", "Bob"]), min_size=12, max_size=12))
def test_table_by_hand(lists, artists):
    correct = dict(zip(("z", "a", "m"), lists, strict=False))
    table = make_test(correct, artists[: len(lists[0])]).table
    assert table.index.tolist() == list(correct)
    for condition, values in correct.items():
        row = table.loc[condition]
        assert row["n"] == len(values)
        assert row["value"] == pytest.approx(np.mean(values))
        assert (row["low"], row["high"]) == pytest.approx(wilson(sum(values), len(values)))
        change = np.subtract(values, lists[0], dtype=float)
        assert row["difference"] == pytest.approx(change.mean())
        assert change.min() <= row["difference_low"] <= row["difference_high"] <= change.max()
    first = table.loc["z", ["difference", "difference_low", "difference_high"]]
    assert (first == 0).all()


def test_differences_are_paired():
    """Equally many correct, but different tracks: no difference, with a wide interval."""
    swapped = make_test({"a": [True, False] * 10, "b": [False, True] * 10}, [""] * 20).table
    assert swapped.loc["b", "difference"] == 0
    assert swapped.loc["b", "difference_low"] < -0.2
    assert swapped.loc["b", "difference_high"] > 0.2
    same = make_test({"a": [True, False] * 10, "b": [True, False] * 10}, [""] * 20).table
    assert same.loc["b", ["difference_low", "difference_high"]].tolist() == [0, 0]


def test_any_two_conditions_are_compared():
    test = make_test(
        {"a": [True] * 4, "b": [True, False] * 2, "c": [False] * 4}, ["x", "y", "z", ""]
    )
    change = test.difference("c", "b")
    assert (change.value, change.n) == (-0.5, 4)
    assert change.low < -0.5 < change.high <= 0
    assert test.difference("b", "c")[:3] == (0.5, -change.high, -change.low)
    assert test.difference("b", "b")[:3] == (0, 0, 0)
    row = test.table.loc["c", ["difference", "difference_low", "difference_high"]]
    assert test.difference("c", "a")[:3] == tuple(row)
    with pytest.raises(GtzanError, match="has no condition 'd'"):
        test.difference("a", "d")


def test_bootstrap_draws_artists_if_they_are_known():
    correct = {"a": [True] * 20, "b": [False] * 10 + [True] * 10}
    known, unknown = (
        make_test(correct, artists).table.loc["b"]
        for artists in (["Ann"] * 10 + ["Bob"] * 10, [""] * 20)
    )
    # Sometimes the same of the two artists is drawn twice.
    assert (known["difference_low"], known["difference_high"]) == (-1, 0)
    assert -0.8 < unknown["difference_low"] < -0.5 < unknown["difference_high"] < -0.2


def test_mistakes_are_sorted_by_confidence(corpus):
    mistakes = robustness_test(level_model(), corpus).mistakes()
    assert set(mistakes.index) == {"blues.00003", "rock.00001"}
    assert mistakes["probability"].is_monotonic_decreasing
    assert list(mistakes.columns) == ["genre", "artist", "predicted", "probability"]
    noise = robustness_test(level_model(), corpus, {"noise": to_noise}).mistakes("noise")
    assert noise.index.tolist() == [f"blues.{n:05d}" for n in range(4)]
    assert set(noise["predicted"]) == {"rock"}
    assert robustness_test(level_model(), corpus.select(tracks=["rock.00000"])).mistakes().empty


def test_mistakes_of_equal_confidence_keep_their_order():
    mistakes = make_test({"a": [False] * 20}, [""] * 20).mistakes("a")
    expected = sorted(range(20), key=lambda n: -(7 * n % 10))
    assert mistakes.index.tolist() == [f"blues.{n:05d}" for n in expected]


def test_first_condition_is_the_default():
    test = make_test({"b": [True, False, False], "a": [True, True, True]}, [""] * 3)
    assert test.accuracy() == test.accuracy("b") != test.accuracy("a")
    assert test.mistakes().index.tolist() == test.mistakes("b").index.tolist()
    assert len(test.mistakes()) == 2


def test_unknown_conditions_are_refused():
    test = make_test({"b": [True], "a": [True]}, [""])
    for call in (test.accuracy, test.mistakes):
        with pytest.raises(GtzanError) as caught:
            call("c")
        assert str(caught.value) == "the robustness test has no condition 'c'; choose one of b, a."


# --- noisy rooms in the table ---------------------------------------------------


def test_table_has_level_and_method_of_noisy_rooms(corpus):
    conditions = {
        CLEAN: unchanged,
        "noisy": NoisyRoom(5),
        "denoised": NoisyRoom(-2.5, method="wiener"),
    }
    test = robustness_test(level_model(), corpus, conditions)
    assert dict(test.conditions) == conditions
    table = test.table
    assert np.isnan(table["snr_db"].iloc[0])
    assert table["snr_db"].tolist()[1:] == [5, -2.5]
    assert table["method"].tolist() == ["", "", "wiener"]
    assert table["snr_db"].dtype == float


def test_columns_of_the_table(corpus):
    table = robustness_test(level_model(), corpus).table
    assert table.columns.tolist() == [
        "value", "low", "high", "n", "difference", "difference_low", "difference_high", "snr_db",
        "method",
    ]  # fmt: skip
    assert table.index.tolist() == ["clean"]
    assert table["snr_db"].isna().all()
    assert table["method"].tolist() == [""]


# --- the middle ---------------------------------------------------------------


@given(length=st.integers(0, 300), seconds=st.floats(0, 40), rate=st.sampled_from([1, 8, 10, 44]))
def test_crop_middle_keeps_the_middle(length, seconds, rate):
    y = np.arange(length)
    middle = crop_middle(seconds)(y, rate)
    assert len(middle) == min(length, round(seconds * rate))
    if len(middle):
        assert middle.tolist() == list(range(middle[0], middle[-1] + 1))
        before, after = middle[0], length - 1 - middle[-1]
        assert 0 <= after - before <= 1


# --- the model of a run -------------------------------------------------------


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """Two small nets with different genres."""
    images = np.random.default_rng(0).integers(0, 255, (8, 32, 32), dtype=np.uint8)
    nets = {}
    for genres in (("blues", "rock"), ("jazz", "pop")):
        net = NetClassifier(
            arguments={"channels": [2], "hidden": 2}, epochs=1, batch_size=4, device="cpu"
        )
        nets[genres] = net.fit(images, np.array(genres * 4))
    return nets


def test_models_of_the_own_run_come_first(saved, tmp_path, work):
    blues, jazz = saved.values()
    save_model(work / "quick" / "models" / "net", blues, RECIPE)
    save_model(work / "long" / "models" / "net", jazz, RECIPE)
    quick, long = Workspace("quick"), Workspace("long")
    assert load_model("net", work=quick).genres == ("blues", "rock")
    assert load_model("net", work=long).genres == ("jazz", "pop")
    # Models of other runs by their full names, and folders.
    assert load_model("long/net", work=quick).genres == ("jazz", "pop")
    assert load_model(work / "long" / "models" / "net", work=quick).genres == ("jazz", "pop")
    with pytest.raises(ModelError, match=r"there is no model 'net'; choose one of .*long/net"):
        load_model("net", work=Workspace("other"))
    with pytest.raises(ModelError, match="there is no model 'net'"):
        load_model("net")
    # Models of another workspace are not listed.
    with pytest.raises(ModelError, match="there is no model 'net'"):
        load_model("net", work=Workspace("quick", root=tmp_path / "elsewhere"))


def test_model_of_the_run_comes_before_that_of_the_package(saved, work, monkeypatch, tmp_path):
    blues, jazz = saved.values()
    monkeypatch.setattr("gtzan_lib.inference.zoo.SHIPPED", tmp_path / "shipped")
    save_model(tmp_path / "shipped" / "gtzan", blues, RECIPE)
    assert load_model("gtzan", work=Workspace("quick")).genres == ("blues", "rock")
    save_model(work / "quick" / "models" / "gtzan", jazz, RECIPE)
    assert load_model("gtzan", work=Workspace("quick")).genres == ("jazz", "pop")
    assert load_model("gtzan", work=Workspace("long")).genres == ("blues", "rock")
    assert load_model("gtzan").genres == ("blues", "rock")


# --- the test part of an official split -----------------------------------------


def official_model() -> Model:
    """A model of a corpus in which blues.00003 and both rock tracks are the test part."""
    model = level_model()
    trained_under = {
        "corpus": "gtzan", "protocol": "official", "split": "0" * 16, "sha256": "1" * 64,
        "trained_on": ["blues.00000"], "selected_on": ["blues.00001"],
    }  # fmt: skip
    return ImageModel("level", {**model.card, **trained_under}, model.net)


@pytest.fixture
def official_tracks(corpus) -> Corpus:
    parts = ["train", "valid", "dropped", "test", "test", "test"]
    tracks = corpus.tracks.assign(partition=parts)
    return dataclasses.replace(corpus, name="gtzan", tracks=tracks)


@pytest.fixture
def no_facts(monkeypatch):
    """GTZAN's own split is another one."""
    facts = gtzan.facts()
    monkeypatch.setattr(gtzan, "facts", lambda: facts.iloc[:0])


def test_test_part_is_refused_unless_asked_for(official_tracks, no_facts, work):
    with pytest.raises(SplitError, match=r"^track 'blues\.00003' is in the test part"):
        robustness_test(official_model(), official_tracks)
    left, _ = tracks_to_score(official_model(), official_tracks)
    assert list(left.tracks.index) == ["blues.00001"]
    assert robustness_test(official_model(), left).accuracy().n == 1
    assert not (work / "test_access.csv").exists()


def test_asking_for_the_test_part_is_noted(official_tracks, no_facts, work):
    """With the score of its tracks under the first condition."""
    conditions = {CLEAN: unchanged, "noise": to_noise}
    words = {"ask_test": True, "chosen_by": "validation part"}
    test = robustness_test(official_model(), official_tracks, conditions, **words)
    assert len(test.results) == 12
    (row,) = read_askings(work / "test_access.csv").itertuples()
    # Of the three, noise under rock alone is predicted correctly.
    assert (row.n, row.score) == (3, pytest.approx(1 / 3, abs=1e-6))
    assert row.description == f"level, under {CLEAN}, noise"
    assert (row.corpus, row.chosen_by) == ("gtzan", "validation part")


def test_other_tracks_and_models_note_nothing(corpus, official_tracks, no_facts, work):
    robustness_test(level_model(), official_tracks, ask_test=True)
    others = official_tracks.select(tracks=["blues.00000"])
    robustness_test(official_model(), others, ask_test=True)
    assert not (work / "test_access.csv").exists()
