"""The check of parameters in IPython and in plain Python."""

import os
import subprocess
import sys

import pytest
from IPython.core.interactiveshell import InteractiveShell

import gtzan_lib as gl
from gtzan_lib.errors import ParameterError

DECLARED = 'epochs: "PositiveInt" = 3\nprotocol: "Protocol" = "artist"\nrate: float = 1'
VALUES = {"epochs": 3, "protocol": "artist", "rate": 1}


@pytest.fixture
def execute():
    """Execute cells as a kernel does; return the values of the last check."""
    shell = InteractiveShell()

    def run(*cells):
        for cell in ("import gtzan_lib as gl", *cells, "values = gl.check_parameters()"):
            shell.run_cell(cell, store_history=True).raise_error()
        return shell.user_ns["values"]

    yield run
    shell.history_manager.end_session()


def test_values_of_a_notebook(execute):
    assert execute(DECLARED) == VALUES


def test_values_that_papermill_injects(execute):
    assert execute(DECLARED, "# Parameters\nepochs = 5\n") == VALUES | {"epochs": 5}


@pytest.mark.parametrize(
    ("cells", "sentence"),
    [
        ([DECLARED, "# Parameters\nepoch = 3\n"], "no parameter 'epoch'; did you mean 'epochs'"),
        ([DECLARED, "# Parameters\nepochs = 1.5\n"], "'epochs' takes int, got 1.5"),
        ([DECLARED, "# Parameters\nprotocol = 'artst'\n"], "did you mean 'artist'"),
        ([DECLARED, "# Parameters\nprotocol = 7\n"], "with papermill say '-r protocol 7'"),
        ([DECLARED, "# Parameters\nrate = '1e-x'\n"], "write 0.001 or 1.0e-3"),
        (
            ["net: bool = True", "# Parameters\nnet = 'false'\n"],
            "'net' takes bool, got 'false' .str.; with papermill say '-p net True' or",
        ),
        (
            ["parts: list = []", "# Parameters\nparts = '[a, b]'\n"],
            "takes list, got .*; with papermill say -y 'parts: .a, b.'",
        ),
        ([DECLARED, "epochs = 0"], "'epochs' takes int of at least 1, got 0"),
        (["epochs: 'PostiveInt' = 3"], "line 1 of the parameters cell must read"),
        (["epochs = 3"], "in the cell after the parameters"),
    ],
)
def test_refusals_in_a_notebook(execute, cells, sentence):
    with pytest.raises(ParameterError, match=sentence):
        execute(*cells)


def test_a_corrected_cell_replaces_the_one_before(execute):
    with pytest.raises(ParameterError):
        execute(DECLARED, "# Parameters\nepoch = 5\n")
    assert execute(DECLARED, "# Parameters\nepochs = 5\n")["epochs"] == 5
    assert execute('k: "PositiveInt" = 1', "# Parameters\nk = 2\n") == {"k": 2}


def script(tmp_path, source):
    """Run a script in plain Python; return what it prints, and its last error line."""
    path = tmp_path / "script.py"
    path.write_text(source)
    done = subprocess.run([sys.executable, path], capture_output=True, text=True)
    return done.stdout.strip(), (done.stderr.strip().splitlines() or [""])[-1]


@pytest.mark.parametrize("first", ["", "from __future__ import annotations\n"])
def test_values_of_a_script(tmp_path, first):
    source = f"{first}import gtzan_lib as gl\n{DECLARED}\nepochs = 7\n"
    source += "print(gl.check_parameters())\nlater: 'Other' = 3\n"
    assert script(tmp_path, source) == (str(VALUES | {"epochs": 7}), "")


def test_a_script_in_ipython(tmp_path):
    """Its history is there and has no cells."""
    path = tmp_path / "script.py"
    path.write_text(f"import gtzan_lib as gl\n{DECLARED}\nprint(gl.check_parameters())\n")
    command = [sys.executable, "-m", "IPython", "--colors=NoColor", path]
    environment = {**os.environ, "IPYTHONDIR": str(tmp_path)}
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert done.stdout.strip() == str(VALUES), done.stderr


@pytest.mark.parametrize(
    ("lines", "sentence"),
    [
        ("epochs: 'PositiveInt' = 0", "'epochs' takes int of at least 1, got 0."),
        ("epochs: 'PostiveInt' = 3", "'epochs' is declared with 'PostiveInt'; use one of str,"),
        ("epochs: int | None = 3", "'epochs' is declared with"),
        ("epochs = 3", "declare the parameters above check_parameters()."),
    ],
)
def test_refusals_in_a_script(tmp_path, lines, sentence):
    printed, error = script(tmp_path, f"import gtzan_lib as gl\n{lines}\ngl.check_parameters()\n")
    assert printed == ""
    assert error.startswith("gtzan_lib.errors.ParameterError: ")
    assert sentence in error


def test_annotations_that_are_evaluated_when_they_are_read():
    """As in Python 3.14, where a module has a function instead of a dictionary."""
    variables = {"gl": gl, "epochs": 3, "rate": 1}
    variables["__annotate__"] = {1: {"epochs": "PositiveInt", "rate": float}}.__getitem__
    assert eval("gl.check_parameters()", variables) == {"epochs": 3, "rate": 1}
    variables["epochs"] = 0
    with pytest.raises(ParameterError, match="at least 1"):
        eval("gl.check_parameters()", variables)
