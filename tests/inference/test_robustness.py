"""Trials: what a model answers under conditions, against answers known beforehand."""

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

from gtzan_lib.data.corpus import Corpus, open_corpus
from gtzan_lib.data.workspace import Workspace
from gtzan_lib.errors import AudioError, CorpusError, GtzanError, ModelError
from gtzan_lib.inference.model import Model
from gtzan_lib.inference.robustness import RobustnessTest, crop_middle, robustness_test
from gtzan_lib.inference.zoo import load_model, save_model
from gtzan_lib.signal.degradations import CLEAN
from gtzan_lib.signal.recipes import Recipe
from gtzan_lib.training.classifier import NetClassifier

RATE = 12_000
RECIPE = Recipe.preset("stft-3s", size=32, seconds=1)
GENRES = ("blues", "rock")


class Grey(torch.nn.Module):
    """Takes dark images, those of tones, for blues, and bright ones, of noise, for rock."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        level = images.float().mean(dim=(1, 2)) - 90
        return torch.stack([-level, level], dim=1) / 20


def grey(architecture: str = "minivgg", genres: tuple[str, ...] = GENRES) -> Model:
    card = {"genres": list(genres), "recipe": RECIPE.as_dict(), "architecture": architecture}
    return Model("grey", card, Grey())


def hum(seconds: float, hz: float = 440.0) -> np.ndarray:
    time = np.arange(round(seconds * RATE)) / RATE
    return (0.3 * np.sin(2 * np.pi * hz * time)).astype(np.float32)


def hiss(seconds: float, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.uniform(-0.3, 0.3, round(seconds * RATE)).astype(np.float32)


def to_hiss(y: np.ndarray, rate: int) -> np.ndarray:
    return hiss(len(y) / rate)


def as_given(y: np.ndarray, rate: int) -> np.ndarray:
    return y


SOUNDS = {
    "blues.00000": hum(2),
    "blues.00001": hum(2, 700),
    "blues.00002": hum(2, 300),
    "blues.00003": hiss(2, 1),
    "rock.00000": hiss(2, 2),
    "rock.00001": hum(2, 500),
}
"""The fourth blues sounds like rock, and the second rock like blues."""

HEARD = ["blues", "blues", "blues", "rock", "rock", "blues"]


def collection(folder: Path, sounds: dict[str, np.ndarray]) -> Path:
    for name, y in sounds.items():
        file = folder / "genres_original" / name.split(".")[0] / f"{name}.wav"
        file.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(file, y, RATE, subtype="FLOAT")
    return folder


@pytest.fixture
def corpus(tmp_path) -> Corpus:
    opened = open_corpus(collection(tmp_path / "music", SOUNDS))
    opened.tracks["artist"] = ["Ann", "Ann", "Bob", None, "Cyd", None]
    return opened


def told(answers: RobustnessTest) -> dict[tuple[str, str], str]:
    return answers.answers["predicted"].to_dict()


# --- what is asked ------------------------------------------------------------


def test_grey_model_tells_hum_from_hiss():
    """Or else all that follows would mean nothing."""
    for seed in range(3):
        assert grey().predict(hiss(2, seed), sample_rate=RATE).probabilities["rock"] > 0.9
        assert grey().predict(hum(2, 300 + 200 * seed), sample_rate=RATE).genre == "blues"


def test_answers_are_those_of_predict(corpus):
    answers = robustness_test(grey(), corpus)
    assert list(answers.answers.columns) == ["genre", "artist", "predicted", "probability", "right"]
    assert answers.answers.index.names == ["track_id", "condition"]
    assert answers.answers.index.tolist() == [(name, CLEAN) for name in SOUNDS]
    assert answers.answers["predicted"].tolist() == HEARD
    assert answers.answers["genre"].tolist() == 4 * ["blues"] + 2 * ["rock"]
    assert answers.answers["artist"].tolist() == ["Ann", "Ann", "Bob", "", "Cyd", ""]
    assert answers.answers["right"].tolist() == [True, True, True, False, True, False]
    for (name, _), row in answers.answers.iterrows():
        alone = grey().predict(SOUNDS[name], sample_rate=RATE)
        asked = answers.predictions[name, CLEAN]
        np.testing.assert_allclose(asked.windows, alone.windows, atol=1e-6)
        assert row["probability"] == pytest.approx(alone.probabilities[alone.genre])
    assert answers.left_out == {}


def test_conditions_get_the_sound_and_the_model_what_they_return(corpus):
    seen = []

    def change(y, rate):
        seen.append((len(y), rate, threading.get_ident()))
        return to_hiss(y, rate)

    answers = robustness_test(
        grey(), corpus, {"hissing": change, "humming": lambda y, rate: hum(2)}, jobs=1
    )
    assert [one[:2] for one in seen] == [(2 * RATE, RATE)] * 6
    expected = {"hissing": "rock", "humming": "blues"}
    assert told(answers) == {(name, c): expected[c] for name in SOUNDS for c in expected}
    assert set(answers.predictions) == set(told(answers))


def test_a_change_gets_each_track_as_it_is_in_the_file(corpus):
    """Also after another condition has had it."""
    got = {}

    def keep(y, rate):
        got[len(got)] = y.copy()
        return y

    robustness_test(grey(), corpus, {"louder": lambda y, rate: 2 * y, "kept": keep}, jobs=1)
    for number, y in enumerate(SOUNDS.values()):
        np.testing.assert_array_equal(got[number], y)


@settings(max_examples=8)
@given(names=st.permutations(["z", "a", CLEAN, "10", "9"]))
def test_conditions_keep_their_order(tiny, names):
    answers = robustness_test(grey(), tiny, dict.fromkeys(names, as_given))
    assert answers.conditions == names
    assert answers.table.index.tolist() == names


@pytest.fixture(scope="module")
def tiny(tmp_path_factory) -> Corpus:
    """One track that lasts a second."""
    return open_corpus(collection(tmp_path_factory.mktemp("tiny"), {"blues.00000": hum(1)}))


def test_seconds_take_the_middle_before_the_conditions(tmp_path):
    y = np.concatenate([hiss(2), hum(2), hiss(2, 4)])
    corpus = open_corpus(collection(tmp_path, {"blues.00000": y}))
    seen = []
    answers = robustness_test(grey(), corpus, {"a": lambda y, rate: seen.append(y) or y}, seconds=2)
    np.testing.assert_array_equal(seen[0], y[2 * RATE : 4 * RATE])
    assert told(answers) == {("blues.00000", "a"): "blues"}
    # Longer than the track is the whole of it.
    whole = robustness_test(grey(), corpus, seconds=60).predictions["blues.00000", CLEAN]
    assert len(whole.windows) == 6


def test_number_of_threads_changes_no_answer(corpus):
    conditions = {"a": as_given, "b": to_hiss, "c": crop_middle(1.2)}
    one, two, many = (robustness_test(grey(), corpus, conditions, jobs=jobs) for jobs in (1, 2, 5))
    for other in (two, many):
        pd.testing.assert_frame_equal(one.answers, other.answers)
        pd.testing.assert_frame_equal(one.table, other.table)
        for key, prediction in one.predictions.items():
            np.testing.assert_array_equal(prediction.windows, other.predictions[key].windows)


def test_tracks_are_shared_between_threads(corpus):
    """Two tracks are asked at once: each waits for another to be there, too."""
    barrier = threading.Barrier(2, timeout=30)

    def meet(y, rate):
        barrier.wait()
        return y

    assert len(robustness_test(grey(), corpus, {"a": meet}, jobs=2).answers) == 6


@pytest.mark.parametrize("ends_well", [True, False])
def test_torch_has_its_threads_back(corpus, ends_well):
    torch.set_num_threads(2)
    within = []

    def look(y, rate):
        within.append(torch.get_num_threads())
        if not ends_well:
            raise ZeroDivisionError
        return y

    if ends_well:
        robustness_test(grey(), corpus, {"a": look})
    else:
        with pytest.raises(ZeroDivisionError):
            robustness_test(grey(), corpus, {"a": look})
    assert set(within) == {1}
    assert torch.get_num_threads() == 2


def test_torch_has_its_threads_back_where_nothing_can_be_judged(corpus):
    torch.set_num_threads(2)
    with pytest.raises(AudioError):
        robustness_test(grey(), corpus, seconds=0.5)
    assert torch.get_num_threads() == 2


# --- what cannot be judged ----------------------------------------------------


def test_what_cannot_be_decoded_is_left_out_and_named(corpus):
    Path(corpus.tracks.at["blues.00001", "path"]).write_bytes(b"no music")
    Path(corpus.tracks.at["rock.00001", "path"]).unlink()
    answers = robustness_test(grey(), corpus, {CLEAN: as_given, "hissing": to_hiss})
    kept = ["blues.00000", "blues.00002", "blues.00003", "rock.00000"]
    assert answers.answers.index.tolist() == [
        (name, condition) for name in kept for condition in (CLEAN, "hissing")
    ]
    assert set(answers.predictions) == set(told(answers))
    assert list(answers.left_out) == ["blues.00001", "rock.00001"]
    for name, reason in answers.left_out.items():
        assert f"{name}.wav" in reason
        assert "\n" not in reason
    assert answers.table["n"].tolist() == [4, 4]


def test_what_fails_under_one_condition_is_left_out_under_all(corpus):
    """Silence in the middle of one track, which the other condition does not hear."""
    y = np.concatenate([hum(1), np.zeros(2 * RATE, dtype=np.float32), hum(1)])
    soundfile.write(corpus.tracks.at["blues.00000", "path"], y, RATE, subtype="FLOAT")
    for names in ((CLEAN, "middle"), ("middle", CLEAN)):
        changes = {CLEAN: as_given, "middle": crop_middle(1.5)}
        answers = robustness_test(grey(), corpus, {name: changes[name] for name in names})
        assert answers.left_out == {"blues.00000": "the given sound: is silent; give it sound."}
        assert len(answers.answers) == 2 * 5
        assert answers.accuracy(CLEAN).n == answers.accuracy("middle").n == 5


def test_nothing_to_judge_is_an_error_with_its_reason(corpus):
    with pytest.raises(AudioError) as caught:
        robustness_test(grey(), corpus, seconds=0.5)
    message = str(caught.value)
    assert message.startswith(f"no track of {corpus.name} can be judged: ")
    assert "lasts 0.50 s" in message
    assert message.endswith(".")
    assert "\n" not in message


def test_a_net_that_takes_more_than_windows_is_refused_by_name(corpus):
    with pytest.raises((ModelError, AudioError), match="'grey' is a tracknet, which takes more"):
        robustness_test(grey("tracknet"), corpus)


@pytest.mark.parametrize("name", ["mels.npz", "features.csv"])
def test_corpora_without_sound_are_refused(corpus, name):
    called = []
    with pytest.raises(CorpusError, match="which holds no sound; open the folder") as caught:
        robustness_test(grey(), dataclasses.replace(corpus, root=Path(name)), {"a": called.append})
    assert str(caught.value).startswith(f"{name}: ")
    assert "\n" not in str(caught.value)
    assert not called


def test_programming_errors_are_not_swallowed(corpus):
    with pytest.raises(ZeroDivisionError):
        robustness_test(grey(), corpus, {"broken": lambda y, rate: y / (1 // 0)})


# --- what is counted ----------------------------------------------------------


def by_hand(right: int, n: int) -> tuple[float, float]:
    """Wilson's interval, from its formula."""
    z, p = norm.ppf(0.975), right / n
    middle = (p + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    return middle - half, middle + half


def made_up(rights: dict[str, list[bool]], artists: list[str]) -> RobustnessTest:
    """A robustness_test with these answers, by condition, of tracks by these artists."""
    names = [f"blues.{number:05d}" for number in range(len(artists))]
    rows = {
        (name, condition): {
            "genre": "blues",
            "artist": artist,
            "predicted": "blues" if right[number] else "rock",
            "probability": 0.5 + (7 * number % 10) / 20,
            "right": right[number],
        }
        for number, (name, artist) in enumerate(zip(names, artists, strict=True))
        for condition, right in rights.items()
    }
    table = pd.DataFrame(list(rows.values()))
    table.index = pd.MultiIndex.from_tuples(rows, names=["track_id", "condition"])
    return RobustnessTest(table, {}, {})


def test_accuracy_and_its_interval(corpus):
    answers = robustness_test(grey(), corpus, {CLEAN: as_given, "hissing": to_hiss})
    for score, right in ((answers.accuracy(), 4), (answers.accuracy("hissing"), 2)):
        assert (score.value, score.n) == (right / 6, 6)
        assert (score.low, score.high) == pytest.approx(by_hand(right, 6))


LISTS = st.integers(1, 12).flatmap(
    lambda n: st.lists(st.lists(st.booleans(), min_size=n, max_size=n), min_size=2, max_size=3)
)


@given(lists=LISTS, artists=st.lists(st.sampled_from(["", "Ann", "Bob"]), min_size=12, max_size=12))
def test_table_is_counted_right(lists, artists):
    rights = dict(zip(("z", "a", "m"), lists, strict=False))
    table = made_up(rights, artists[: len(lists[0])]).table
    assert table.index.tolist() == list(rights)
    for condition, right in rights.items():
        row = table.loc[condition]
        assert row["n"] == len(right)
        assert row["value"] == pytest.approx(np.mean(right))
        assert (row["low"], row["high"]) == pytest.approx(by_hand(sum(right), len(right)))
        lost = np.subtract(right, lists[0], dtype=float)
        assert row["difference"] == pytest.approx(lost.mean())
        assert lost.min() <= row["difference_low"] <= row["difference_high"] <= lost.max()
    first = table.loc["z", ["difference", "difference_low", "difference_high"]]
    assert (first == 0).all()


def test_differences_are_paired():
    """As many right, of other tracks: no difference in sum, and yet not certainly none."""
    swapped = made_up({"a": [True, False] * 10, "b": [False, True] * 10}, [""] * 20).table
    assert swapped.loc["b", "difference"] == 0
    assert swapped.loc["b", "difference_low"] < -0.2
    assert swapped.loc["b", "difference_high"] > 0.2
    same = made_up({"a": [True, False] * 10, "b": [True, False] * 10}, [""] * 20).table
    assert same.loc["b", ["difference_low", "difference_high"]].tolist() == [0, 0]


def test_differences_are_drawn_by_artist_where_it_is_known():
    rights = {"a": [True] * 20, "b": [False] * 10 + [True] * 10}
    one, unknown = (
        made_up(rights, artists).table.loc["b"]
        for artists in (["Ann"] * 10 + ["Bob"] * 10, [""] * 20)
    )
    # Of two artists, now and then the same is drawn twice.
    assert (one["difference_low"], one["difference_high"]) == (-1, 0)
    assert -0.8 < unknown["difference_low"] < -0.5 < unknown["difference_high"] < -0.2


def test_mistakes_the_most_confident_first(corpus):
    wrong = robustness_test(grey(), corpus).mistakes()
    assert set(wrong.index) == {"blues.00003", "rock.00001"}
    assert wrong["probability"].is_monotonic_decreasing
    assert list(wrong.columns) == ["genre", "artist", "predicted", "probability"]
    hissing = robustness_test(grey(), corpus, {"hissing": to_hiss}).mistakes("hissing")
    assert hissing.index.tolist() == [f"blues.{n:05d}" for n in range(4)]
    assert set(hissing["predicted"]) == {"rock"}
    assert robustness_test(grey(), corpus.select(tracks=["rock.00000"])).mistakes().empty


def test_mistakes_of_equal_confidence_keep_their_order():
    answers = made_up({"a": [False] * 20}, [""] * 20).mistakes("a")
    expected = sorted(range(20), key=lambda n: -(7 * n % 10))
    assert answers.index.tolist() == [f"blues.{n:05d}" for n in expected]


def test_first_condition_is_meant_where_none_is_named():
    answers = made_up({"b": [True, False, False], "a": [True, True, True]}, [""] * 3)
    assert answers.accuracy() == answers.accuracy("b") != answers.accuracy("a")
    assert answers.mistakes().index.tolist() == answers.mistakes("b").index.tolist()
    assert len(answers.mistakes()) == 2


def test_unknown_conditions_are_refused():
    answers = made_up({"b": [True], "a": [True]}, [""])
    for call in (answers.accuracy, answers.mistakes):
        with pytest.raises(GtzanError) as caught:
            call("c")
        assert str(caught.value) == "the robustness_test has no condition 'c'; choose one of b, a."


# --- the middle ---------------------------------------------------------------


@given(length=st.integers(0, 300), seconds=st.floats(0, 40), rate=st.sampled_from([1, 8, 10, 44]))
def test_shortened_takes_the_middle(length, seconds, rate):
    y = np.arange(length)
    kept = crop_middle(seconds)(y, rate)
    assert len(kept) == min(length, round(seconds * rate))
    if len(kept):
        assert kept.tolist() == list(range(kept[0], kept[-1] + 1))
        before, after = kept[0], length - 1 - kept[-1]
        assert 0 <= after - before <= 1


# --- the model of a run -------------------------------------------------------


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """Two small nets, of which one knows other genres."""
    images = np.random.default_rng(0).integers(0, 255, (8, 32, 32), dtype=np.uint8)
    nets = {}
    for genres in (("blues", "rock"), ("jazz", "pop")):
        net = NetClassifier(
            arguments={"channels": [2], "hidden": 2}, epochs=1, batch_size=4, device="cpu"
        )
        nets[genres] = net.fit(images, np.array(genres * 4))
    return nets


def test_own_models_of_a_run_come_first(saved, tmp_path, work):
    blues, jazz = saved.values()
    save_model(work / "quick" / "models" / "net", blues, RECIPE)
    save_model(work / "long" / "models" / "net", jazz, RECIPE)
    quick, long = Workspace("quick"), Workspace("long")
    assert load_model("net", work=quick).genres == ("blues", "rock")
    assert load_model("net", work=long).genres == ("jazz", "pop")
    # A neighbour's by its full name, and folders as ever.
    assert load_model("long/net", work=quick).genres == ("jazz", "pop")
    assert load_model(work / "long" / "models" / "net", work=quick).genres == ("jazz", "pop")
    with pytest.raises(ModelError, match=r"there is no model 'net'; choose one of .*long/net"):
        load_model("net", work=Workspace("other"))
    with pytest.raises(ModelError, match="there is no model 'net'"):
        load_model("net")
    # Of another root nothing is known here.
    with pytest.raises(ModelError, match="there is no model 'net'"):
        load_model("net", work=Workspace("quick", root=tmp_path / "elsewhere"))


def test_own_model_hides_one_that_comes_with_the_package(saved, work, monkeypatch, tmp_path):
    blues, jazz = saved.values()
    monkeypatch.setattr("gtzan_lib.inference.zoo.SHIPPED", tmp_path / "shipped")
    save_model(tmp_path / "shipped" / "gtzan", blues, RECIPE)
    assert load_model("gtzan", work=Workspace("quick")).genres == ("blues", "rock")
    save_model(work / "quick" / "models" / "gtzan", jazz, RECIPE)
    assert load_model("gtzan", work=Workspace("quick")).genres == ("jazz", "pop")
    assert load_model("gtzan", work=Workspace("long")).genres == ("blues", "rock")
    assert load_model("gtzan").genres == ("blues", "rock")
