"""Declarations in a parameters cell, and the check of given values."""

import nbformat
import pytest

from gtzan_lib.errors import ParameterError
from gtzan_lib.parameters.declarations import (
    Parameter,
    check,
    declared,
    declared_in,
    from_text,
    is_parameters_cell,
)
from gtzan_lib.parameters.types import TYPES

SOURCE = """\
# Comments and magics of formatters are ignored.
name: str = "x"  # a word
count: int = 3
rate: float = 0.5
flag: bool = False
items: list = [1, 2]
table: dict = {"a": 1}
protocol: "Protocol" = "artist"
"""


def test_declarations_are_read():
    parameters = declared(SOURCE)
    assert parameters["count"] == Parameter(TYPES["int"], 3)
    names = ["str", "int", "float", "bool", "list", "dict", "Protocol"]
    assert [p.type for p in parameters.values()] == [TYPES[name] for name in names]


@pytest.mark.parametrize(
    "line",
    [
        "epochs = 3",
        "epochs: int = 2 + 2 * x",
        "import os",
        "epochs: Path = 'x'",
        "print(1)",
        "epochs: int",
        "protocol: 'Protocl' = 'artist'",
        # Python would evaluate it.
        "protocol: Protocol = 'artist'",
        "exclude: list[str] = []",
    ],
)
def test_other_lines_are_refused(line):
    with pytest.raises(ParameterError, match="must read 'name: type = value', with one of") as info:
        declared(line)
    assert 'dict, "NonNegativeInt", "PositiveInt"' in str(info.value)


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ('epochs: int = "ten"', "'epochs' takes int, got 'ten'"),
        ('epochs: "PositiveInt" = 0', "'epochs' takes int of at least 1, got 0"),
        ('protocol: "Protocol" = "artst"', "did you mean 'artist'"),
    ],
)
def test_default_that_is_not_valid_is_refused(line, sentence):
    with pytest.raises(ParameterError, match=sentence):
        declared(line)


def test_unknown_name_suggests_the_nearest():
    known = {"epochs": Parameter(TYPES["int"], 1)}
    with pytest.raises(ParameterError, match=r"no parameter 'epoch'; did you mean 'epochs'\?"):
        check(known, {"epoch": 3}, "08_cnn.ipynb")


@pytest.mark.parametrize(
    ("text", "name", "value"),
    [
        ("3", "int", 3),
        ("3", "str", "3"),
        ("3", "Protocol", "3"),
        ("{a: 1}", "dict", {"a": 1}),
        ("1e-3", "float", 0.001),
        ("1e-3", "PositiveFloat", 0.001),
        ("fast", "float", "fast"),
        ("true", "bool", True),
        ("[artist, track]", "Protocols", ["artist", "track"]),
        ("{a", "dict", "{a"),
    ],
)
def test_text_is_converted_to_the_type_of_the_parameter(text, name, value):
    assert from_text(text, Parameter(TYPES[name], None)) == value


@pytest.mark.parametrize("count", [0, 2])
def test_exactly_one_parameters_cell_is_needed(tmp_path, count):
    tags = {"tags": ["parameters"]}
    cells = [nbformat.v4.new_code_cell("a: int = 1", metadata=tags) for _ in range(count)]
    path = tmp_path / "x.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=cells), path)
    with pytest.raises(ParameterError, match=f"has {count} cells with the tag 'parameters'"):
        declared_in(path)


def test_a_parameters_cell_holds_annotated_names_only():
    assert is_parameters_cell(SOURCE)
    assert is_parameters_cell("a: 'Mistyped' = 1")
    for source in ("", "a = 1", "a: int = 1\nprint(a)", "%matplotlib inline", "x.y: int = 1"):
        assert not is_parameters_cell(source)
