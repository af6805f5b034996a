"""Declarations of notebook parameters, and checks before and during execution."""

import nbformat
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gtzan_lib.errors import ParameterError
from gtzan_lib.parameters import Parameter, check, declared, declared_in, from_text

SOURCE = """\
name: str = "x"  # a word
count: int = 3
rate: float = 0.5
flag: bool = False
items: list = [1, 2]
table: dict = {"a": 1}
"""


def test_declarations_are_read():
    parameters = declared(SOURCE)
    assert parameters["count"] == Parameter(int, 3)
    assert [p.type for p in parameters.values()] == [str, int, float, bool, list, dict]


@pytest.mark.parametrize(
    "line", ["epochs = 3", "epochs: int = 2 + 2 * x", "import os", "epochs: Path = 'x'", "print(1)"]
)
def test_other_lines_are_refused(line):
    with pytest.raises(ParameterError, match="must read 'name: type = value'"):
        declared(line)


def test_default_of_another_type_is_refused():
    with pytest.raises(ParameterError, match="'epochs' takes int, got 'ten'"):
        declared('epochs: int = "ten"')


VALUES = {
    str: st.text(),
    int: st.integers(),
    float: st.floats(allow_nan=False),
    bool: st.booleans(),
    list: st.lists(st.integers()),
    dict: st.dictionaries(st.text(), st.integers()),
}


@given(st.data())
def test_values_pass_if_and_only_if_the_type_fits(data):
    wanted = data.draw(st.sampled_from(list(VALUES)))
    kind = data.draw(st.sampled_from(list(VALUES)))
    value = data.draw(VALUES[kind])
    known = {"p": Parameter(wanted, None)}
    if kind is wanted or (kind, wanted) == (int, float):
        check(known, {"p": value}, "here")
    else:
        with pytest.raises(ParameterError, match="'p' takes"):
            check(known, {"p": value}, "here")


def test_unknown_name_suggests_the_nearest():
    with pytest.raises(ParameterError, match=r"no parameter 'epoch'; did you mean 'epochs'\?"):
        check({"epochs": Parameter(int, 1)}, {"epoch": 3}, "08_cnn.ipynb")


def test_text_is_converted_to_the_type_of_the_parameter():
    assert from_text("3", Parameter(int, 1)) == 3
    assert from_text("3", Parameter(str, "")) == "3"
    assert from_text("{a: 1}", Parameter(dict, {})) == {"a": 1}
    assert from_text("1e-3", Parameter(float, 1.0)) == 0.001
    assert from_text("fast", Parameter(float, 1.0)) == "fast"
    assert from_text("true", Parameter(bool, False)) is True


@pytest.mark.parametrize("count", [0, 2])
def test_exactly_one_parameters_cell_is_needed(tmp_path, count):
    cells = [nbformat.v4.new_code_cell("a: int = 1", metadata={"tags": ["parameters"]})] * count
    path = tmp_path / "x.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=cells), path)
    with pytest.raises(ParameterError, match=f"has {count} cells with the tag 'parameters'"):
        declared_in(path)
