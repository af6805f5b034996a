"""Types of parameters: their choices and ranges, and the words of a refusal."""

import builtins
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from gtzan_lib.data.splits import PROTOCOLS
from gtzan_lib.models.registry import ARCHITECTURES
from gtzan_lib.parameters.types import TYPES
from gtzan_lib.training.classifier import NetClassifier

BASES = [name for name in TYPES if hasattr(builtins, name)]
WITH_CHOICES = [name for name, type_ in TYPES.items() if type_.choices]

VALUES = {
    "str": st.text(),
    "int": st.integers(),
    "float": st.floats(allow_nan=False),
    "bool": st.booleans(),
    "list": st.lists(st.integers()),
    "dict": st.dictionaries(st.text(), st.integers()),
}

ANY_VALUE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda items: st.lists(items) | st.dictionaries(st.text(), items),
)


@given(st.data())
def test_values_pass_if_and_only_if_the_type_fits(data):
    wanted = data.draw(st.sampled_from(BASES))
    kind = data.draw(st.sampled_from(BASES))
    refusal = TYPES[wanted].refusal(data.draw(VALUES[kind]))
    if kind == wanted or (kind, wanted) == ("int", "float"):
        assert refusal == ""
    else:
        assert refusal.startswith(f"takes {wanted}, got ")


@given(st.sampled_from(sorted(TYPES)), ANY_VALUE)
def test_any_value_is_taken_or_refused_in_one_sentence(name, value):
    refusal = TYPES[name].refusal(value)
    assert refusal == "" or refusal.startswith("takes ")


@pytest.mark.parametrize("name", WITH_CHOICES)
def test_every_choice_is_taken_and_others_are_not(name):
    type_ = TYPES[name]
    choices = type_.choices()
    assert len(choices) >= 2
    for value in (*choices, "no such choice"):
        wrapped = {list: [value], dict: {value: 1}}.get(type_.base, value)
        assert (type_.refusal(wrapped) == "") == (value in choices)


@pytest.mark.parametrize(
    ("name", "taken", "refused"),
    [
        ("PositiveInt", [1, 30], [0, -1, True, 1.0]),
        ("NonNegativeInt", [0, 1], [-1]),
        ("AtLeastTwo", [2], [1]),
        ("Folds", [1, 3, 10], [0, 2, -3]),
        ("CrossValidationFolds", [3], [1, 2]),
        ("PositiveFloat", [1e-6, 1], [0, -0.5, float("inf"), float("nan")]),
        ("NonNegativeFloat", [0, 0.0], [-0.1, float("nan")]),
        ("Share", [0.2], [0, 1, -0.1]),
        ("TrainingShares", [[0.25, 1]], [[], [0], [1.5], ["x"]]),
        ("PositiveFloats", [[3, 0.5]], [[], [0], [True], ["3"]]),
        ("FiniteFloats", [[-5, 0]], [[], [float("nan")], [None]]),
        ("Protocols", [["track", "artist"]], [[], ["artst"], [["artist"]], "artist"]),
        ("TrainingSettings", [{}, {"patience": 3}], [{"epochs": 3}, {"patiance": 3}, {3: 1}]),
        ("NetArguments", [{}, {"dropout": 0.5}], [{"size": 64}, {"dropuot": 0.5}]),
    ],
)
def test_ranges_and_keys(name, taken, refused):
    assert [TYPES[name].refusal(value) for value in taken] == [""] * len(taken)
    assert all(TYPES[name].refusal(value) for value in refused)


def test_a_refusal_names_the_value_and_the_choices():
    assert TYPES["Protocol"].refusal("artst") == (
        "takes window, track, artist or official, got 'artst'; did you mean 'artist'?"
    )
    assert TYPES["PositiveInt"].refusal(0) == "takes int of at least 1, got 0."
    assert TYPES["Protocols"].refusal(["x"]).startswith("takes a list of window, track,")
    assert TYPES["TrainingSettings"].refusal({"x": 1}).startswith("takes the keys augment,")


@pytest.mark.parametrize("value", ["[2026-01-01]", "[[2026-01-01]]", "[{2026-01-01: 1}]"])
def test_dates_are_refused(value):
    refusal = TYPES["list"].refusal(yaml.safe_load(value))
    assert refusal == "takes texts and numbers, got datetime.date(2026, 1, 1); put it in quotes."


def test_choices_are_those_of_the_package():
    assert TYPES["Protocol"].choices() == list(PROTOCOLS)
    assert set(TYPES["GroupedProtocol"].choices()) == set(PROTOCOLS) - {"window", "official"}
    images_alone = set(TYPES["ImageArchitecture"].choices())
    assert images_alone < set(TYPES["Architecture"].choices()) < set(ARCHITECTURES)
    assert {"minivgg", "crnn"} <= images_alone
    assert "tracknet" not in TYPES["Architecture"].choices()


def test_settings_of_a_training_are_not_parameters_twice():
    settings = TYPES["TrainingSettings"].choices()
    assert {"schedule", "patience", "augment"} <= set(settings) <= set(NetClassifier().get_params())
    assert not {"epochs", "arguments", "seed", "checkpoint"} & set(settings)


def test_types_load_no_module_of_choices():
    code = "import sys, gtzan_lib.parameters.notebook; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout
    assert "gtzan_lib.parameters.types" in loaded
    assert not {"numpy", "torch", "sklearn"} & set(loaded.split())


def test_the_book_lists_all_types():
    page = Path(__file__).parents[2] / "book" / "howto" / "parameters.md"
    table = page.read_text(encoding="utf-8").partition("\n## Types\n")[2]
    assert set(re.findall(r'`"(\w+)"`', table)) == TYPES.keys() - set(BASES)
