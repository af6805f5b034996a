"""The folders of the package are floors, as the architecture page says."""

import re
import subprocess
import sys
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import grimp
import pytest

PACKAGE = "gtzan_lib"
ROOT = Path(__file__).parents[1]
ARCHITECTURE = ROOT / "book" / "concepts" / "architecture.md"

# Files of modules in a folder, `__init__` and `__main__` aside.
MOST_MODULES = 12

# What is loaded only where sound is read, or a notebook or figure is made.
HEAVY = {"librosa", "papermill", "sounddevice", "soundfile", "matplotlib"}


def floors_of(page: str) -> list[list[str]]:
    """The first column of the page's table of floors, lowest first."""
    table = page.split("\n## Floors\n")[1].split("\n## ")[0]
    rows = [line for line in table.splitlines() if line.startswith("|")][2:]
    return [re.findall(r"`(\w+)`", row.split("|")[1]) for row in rows]


FLOORS = floors_of(ARCHITECTURE.read_text(encoding="utf-8"))
FLOOR = {name: number for number, names in enumerate(FLOORS) for name in names}


@pytest.fixture(scope="module")
def graph():
    """All imports, also those within functions and for type checking."""
    return grimp.build_graph(PACKAGE, cache_dir=None)


def floor(module: str) -> int:
    return FLOOR[module.split(".")[1]]


def rooms() -> list[Path]:
    return sorted(path.parent for path in (ROOT / PACKAGE).glob("*/__init__.py"))


def test_the_table_names_every_room_and_module():
    names = {path.stem for path in (ROOT / PACKAGE).glob("[!_]*.py")}
    names |= {folder.name for folder in rooms()}
    assert names == FLOOR.keys()
    assert sum(map(len, FLOORS)) == len(FLOOR)


def test_contributing_names_the_floors_in_the_same_order():
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    line = next(line for line in text.splitlines() if line.count(" < ") >= len(FLOORS) - 1)
    assert [re.findall(r"`(\w+)`", part) for part in line.split(" < ")] == FLOORS


def test_imports_within_functions_are_seen(graph):
    imports = graph.find_modules_directly_imported_by(f"{PACKAGE}.cli")
    assert f"{PACKAGE}.evaluation.records" in imports
    assert f"{PACKAGE}.errors" in imports


def test_no_module_imports_from_a_floor_above(graph):
    upward = [
        f"{detail['importer']}:{detail['line_number']} imports {detail['imported']}"
        for importer in graph.modules - {PACKAGE, f"{PACKAGE}.__main__"}
        for imported in graph.find_modules_directly_imported_by(importer) - {PACKAGE}
        if floor(imported) > floor(importer)
        for detail in graph.get_import_details(importer=importer, imported=imported)
    ]
    assert upward == []


def test_rooms_on_one_floor_do_not_know_each_other(graph):
    """Neither live, plots nor runner, not even for type checking."""
    across = [
        f"{importer} imports {imported}"
        for importer in graph.modules - {PACKAGE, f"{PACKAGE}.__main__"}
        for imported in graph.find_modules_directly_imported_by(importer) - {PACKAGE}
        if floor(imported) == floor(importer) > 0
        and importer.split(".")[1] != imported.split(".")[1]
    ]
    assert across == []


def test_no_module_imports_the_package_itself(graph):
    """`import gtzan_lib` within the package would reach every floor."""
    assert graph.find_modules_that_directly_import(PACKAGE) == set()


def test_no_module_imports_itself_indirectly(graph):
    order = TopologicalSorter(
        {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}
    )
    try:
        order.prepare()
    except CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))


@pytest.mark.parametrize("room", rooms(), ids=lambda room: room.name)
def test_rooms_are_not_crowded(room):
    assert len(list(room.glob("[!_]*.py"))) <= MOST_MODULES


def loaded_by(statement: str) -> set[str]:
    """Top-level modules that a fresh interpreter has after a statement."""
    code = f"import sys\n{statement}\nprint(*{{name.split('.')[0] for name in sys.modules}})"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert answer.returncode == 0, answer.stderr
    return set(answer.stdout.split())


def test_training_needs_nothing_that_a_gpu_machine_lacks(tmp_path):
    """What needs another package after all is refused before the first epoch."""
    command = [sys.executable, "-m", "tests.bare_machine", tmp_path]
    answer = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert answer.returncode == 0, answer.stderr
    resnet, checkpoint = answer.stdout.splitlines()
    assert "pip install torchvision" in resnet
    assert "pip install safetensors" in checkpoint


def test_the_package_itself_is_light():
    loaded = loaded_by(f"import {PACKAGE}; dir({PACKAGE})")
    assert loaded & {"numpy", "pandas", "torch", "scipy", "sklearn", *HEAVY} == set()


def test_a_name_loads_only_what_it_needs():
    loaded = loaded_by(f"from {PACKAGE} import open_corpus, GENRES")
    assert "pandas" in loaded
    assert loaded & {"torch", "sklearn", *HEAVY} == set()
