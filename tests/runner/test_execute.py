"""Execution of one notebook: the kernel's connection, and folders of any name."""

import tempfile
from pathlib import Path

import nbformat
import pandas as pd
import pytest

from gtzan_lib.errors import RunError
from gtzan_lib.runner.execute import clean_notebook, execute
from gtzan_lib.runner.jobs import job_states
from gtzan_lib.runner.runs import load_run

from .conftest import write_notebook, write_project

SHOW = "import ipykernel.connect as c; c.get_connection_info(unpack=True)['transport']"


@pytest.mark.parametrize(("length", "transport"), [(20, "ipc"), (200, "tcp")])
def test_kernels_take_no_ports_where_the_path_of_a_socket_may_be_so_long(
    tmp_path, monkeypatch, length, transport
):
    folder = tempfile.mkdtemp(dir="/tmp") + "/" + "x" * length
    with tempfile.TemporaryDirectory(dir="/tmp") as short:
        folder = Path(short) / ("x" * length)
        folder.mkdir()
        monkeypatch.setattr(tempfile, "tempdir", str(folder))
        project = write_project(tmp_path / "a {b} #c: d")
        monkeypatch.setenv("GTZAN_WORK", str(project / "work"))
        write_notebook(project / "notebooks/01_count.ipynb", SHOW)
        run = load_run(project / "runs/small.yml")
        notebook = nbformat.read(execute(run, "01_count"), as_version=4)
        assert list(folder.iterdir()) == []
    assert notebook["cells"][-1]["outputs"][0]["data"]["text/plain"] == repr(transport)
    assert job_states(run)["01_count"].state == "done"


def test_an_error_of_this_package_is_one_line_in_the_notebook(project):
    write_notebook(project / "notebooks/01_count.ipynb", "gl.open_corpus('/nowhere')")
    run = load_run("small")
    with pytest.raises(RunError, match="failed with CorpusError: /nowhere: there is no such"):
        execute(run, "01_count")
    notebook = nbformat.read(run.work.partial / "01_count.ipynb", as_version=4)
    (output,) = notebook["cells"][-1]["outputs"]
    (line,) = output["traceback"]
    assert line.startswith("CorpusError: /nowhere: there is no such folder")
    assert job_states(run)["01_count"].error.startswith("01_count.ipynb (experiment '01_count')")


def test_styled_tables_have_the_same_ids_in_equal_runs():
    def executed():
        notebook = nbformat.v4.new_notebook()
        for number in range(2):
            html = pd.DataFrame({"a": [number]}).style.format(precision=1).to_html()
            text = repr(pd.DataFrame().style)
            output = nbformat.v4.new_output("display_data", {"text/html": html, "text/plain": text})
            notebook["cells"].append(nbformat.v4.new_code_cell("x", outputs=[output]))
        cells = clean_notebook(notebook, {})["cells"]
        assert "0x" not in cells[0]["outputs"][0]["data"]["text/plain"]
        return [cell["outputs"][0]["data"]["text/html"] for cell in cells]

    first, second = executed()
    assert [first, second] == executed()
    assert 'id="T_00000"' in first
    assert "#T_00001" in second or 'id="T_00001"' in second
