"""What pages offer: the script of a notebook, what it has saved, and the tables that it shows."""

import io
import json
import zipfile
from pathlib import Path

import nbformat
import pandas as pd
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from gtzan_lib.runner.extensions.page_files import (
    published_files,
    saved_files,
    script_of,
    shown_tables,
)

ROOT = Path(__file__).parents[3]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


def page(*sources, parameters="", injected=""):
    cells = [
        new_code_cell(parameters, metadata={"tags": ["parameters"]}),
        new_code_cell(injected, metadata={"tags": ["injected-parameters"]}),
        *map(new_code_cell, sources),
    ]
    return new_notebook(cells=cells)


@pytest.mark.parametrize("notebook", NOTEBOOKS[:3], ids=lambda path: path.stem)
def test_a_script_is_python_with_texts_as_comments(notebook):
    script = script_of(notebook)
    compile(script, notebook.stem, "exec")
    first = nbformat.read(notebook, as_version=4)["cells"][0]["source"].splitlines()[0]
    assert f"# {first}" in script


RECORD = """\
gl.ExperimentRecord.save(
    evaluation,
    work.records,
    experiment={},
    corpus=collection,
)
"""


@pytest.fixture
def work(tmp_path):
    """A workspace with the records and tables of several notebooks."""
    for name in (
        "records/wide.json", "records/wide.predictions.csv", "records/wide-crnn.json",
        "records/narrow.json", "records/grid/k-NN, none.json",
        "records/grid/k-NN, none.predictions.csv", "splits/wide.csv", "splits/narrow.csv",
        "features/features_3_sec.csv",
    ):  # fmt: skip
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(name)
    return tmp_path


@pytest.mark.parametrize(
    ("source", "names"),
    [
        (RECORD.format("experiment"), ["records/wide.json", "records/wide.predictions.csv"]),
        (RECORD.format('f"{experiment}-{name.lower()}"'), ["records/wide-crnn.json"]),
        ('split.save(work.splits / f"{experiment}.csv")', ["splits/wide.csv"]),
        (
            'table.save(work.path / "features" / f"features_{seconds:g}_sec.csv")',
            ["features/features_3_sec.csv"],
        ),
        ("model.save(folder)", []),
        ('split.save(elsewhere / "wide.csv")', []),
        ("%pip install something\n", []),
    ],
)
def test_what_a_notebook_has_saved_is_read_from_its_code(work, source, names):
    executed = page(source, parameters='experiment: str = "x"', injected='experiment = "wide"')
    assert list(saved_files(executed, work)) == names


def test_records_in_a_folder_of_their_own_are_one_archive(work):
    source = RECORD.format('f"{model}, {transform}"').replace(
        "work.records", 'work.records / "grid"'
    )
    ((name, content),) = saved_files(page(source), work).items()
    assert name == "records/grid.zip"
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.namelist() == ["k-NN, none.json", "k-NN, none.predictions.csv"]
        assert archive.read("k-NN, none.json") == b"records/grid/k-NN, none.json"
    assert saved_files(page(source), work)[name] == content


def test_what_the_notebooks_of_the_project_save_is_found(tmp_path):
    """A notebook that saves in another way is not overlooked."""
    for name in ("x", "x-crnn", "12_audit-k-nn", "logistic-regression-all", "grid/k-NN, none"):
        file = tmp_path / "records" / f"{name}.json"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("{}")
    code = [
        (notebook.stem, cell["source"])
        for notebook in NOTEBOOKS
        for cell in nbformat.read(notebook, as_version=4)["cells"]
        if cell["cell_type"] == "code" and "ExperimentRecord.save" in cell["source"]
    ]
    assert len(code) >= 5
    for name, source in code:
        assert saved_files(page(source, injected='experiment = "x"'), tmp_path), name


def test_results_of_a_published_page_are_found_by_its_stamp(tmp_path):
    step = tmp_path / "results" / "gtzan" / "leak"
    (step / "records").mkdir(parents=True)
    for name in ("step.json", "scores.csv", "records/leak.json", ".left"):
        (step / name).write_text(json.dumps(name))
    (tmp_path / "results" / "literature.csv").write_text("a\n")
    data = ["results/gtzan/leak/step.json", "results/literature.csv", "results/gone.csv"]
    executed = new_notebook(metadata={"published": {"data": data}})
    files = published_files(executed, tmp_path)
    assert sorted(files) == [
        "leak/records/leak.json", "leak/scores.csv", "leak/step.json", "literature.csv",
    ]  # fmt: skip
    assert files["leak/scores.csv"].read_text() == '"scores.csv"'
    assert published_files(new_notebook(), tmp_path) == {}


def test_published_pages_offer_tables():
    for executed in (ROOT / "results").glob("*/executed/*.ipynb"):
        files = published_files(nbformat.read(executed, as_version=4), ROOT)
        assert {Path(name).suffix for name in files} >= {".csv"}, executed.stem


def show(html):
    cell = new_code_cell("table", outputs=[new_output("display_data", {"text/html": html})])
    return new_notebook(cells=[new_markdown_cell("text"), cell])


def test_tables_are_read_as_they_are_shown():
    frame = pd.DataFrame({"model": ["k-NN", "a, b"], "accuracy %": ["71.5", "–"]})
    (table,) = shown_tables(show(frame.to_html(index=False)))
    assert table == 'model,accuracy %\nk-NN,71.5\n"a, b",–\n'


def test_cells_over_several_rows_and_headings_in_several_are_repeated():
    names = ["model", "split"]
    index = pd.MultiIndex.from_product([["k-NN", "forest"], ["window", "track"]], names=names)
    frame = pd.DataFrame([[1, 2], [3, 4], [5, 6], [7, 8]], index=index)
    frame.columns = pd.MultiIndex.from_product([["loss"], ["low", "high"]])
    (table,) = shown_tables(show(frame.to_html()))
    assert table.splitlines() == [
        "model,split,loss: low,loss: high",
        "k-NN,window,1,2",
        "k-NN,track,3,4",
        "forest,window,5,6",
        "forest,track,7,8",
    ]


def test_a_page_without_tables_offers_none():
    assert shown_tables(show("<p>text</p>")) == []
