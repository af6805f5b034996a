"""The package is a house: a module imports from its own floor or those below."""

import subprocess
import sys
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import grimp
import pytest

PACKAGE = "gtzan_lib"

# From the ground up. A module or folder that is new needs a place here.
FLOORS = [
    {"errors"},
    {"data"},
    {"signal"},
    {"health"},
    {"learn"},
    {"live", "plots", "parameters", "runner"},
    {"cli"},
    {"__main__"},
]
FLOOR = {name: number for number, names in enumerate(FLOORS) for name in names}

# What a bare GPU machine does not have.
HEAVY = {"librosa", "papermill", "sounddevice", "soundfile", "matplotlib"}


@pytest.fixture(scope="module")
def house():
    """All imports, also those within functions."""
    return grimp.build_graph(PACKAGE, cache_dir=None)


def floor(module: str) -> int:
    return FLOOR[module.split(".")[1]]


def test_everything_has_a_floor():
    names = {p.stem for p in (Path(__file__).parents[1] / PACKAGE).iterdir() if p.suffix == ".py"}
    folders = (p for p in (Path(__file__).parents[1] / PACKAGE).iterdir() if p.is_dir())
    names |= {folder.name for folder in folders if (folder / "__init__.py").exists()}
    assert names - {"__init__"} <= FLOOR.keys()


def test_imports_within_functions_are_seen(house):
    imports = house.find_modules_directly_imported_by(f"{PACKAGE}.cli")
    assert f"{PACKAGE}.learn.records" in imports
    assert f"{PACKAGE}.errors" in imports


def test_no_module_imports_from_a_floor_above(house):
    upward = [
        f"{detail['importer']}:{detail['line_number']} imports {detail['imported']}"
        for importer in house.modules - {PACKAGE}
        for imported in house.find_modules_directly_imported_by(importer) - {PACKAGE}
        if floor(imported) > floor(importer)
        for detail in house.get_import_details(importer=importer, imported=imported)
    ]
    assert upward == []


def test_no_module_goes_through_the_front_door(house):
    """`import gtzan_lib` within the package would reach every floor."""
    assert house.find_modules_that_directly_import(PACKAGE) == set()


def test_no_module_imports_itself_by_a_detour(house):
    order = TopologicalSorter(
        {module: house.find_modules_directly_imported_by(module) for module in house.modules}
    )
    try:
        order.prepare()
    except CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))


def loaded_by(statement: str) -> set[str]:
    """Top-level modules that a fresh interpreter has after a statement."""
    code = f"import sys\n{statement}\nprint(*{{name.split('.')[0] for name in sys.modules}})"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert answer.returncode == 0, answer.stderr
    return set(answer.stdout.split())


def test_learning_needs_nothing_that_a_gpu_machine_lacks():
    modules = ("architectures", "evaluation", "records", "training", "zoo")
    loaded = loaded_by("import " + ", ".join(f"{PACKAGE}.learn.{name}" for name in modules))
    assert {"torch", "sklearn", "skorch"} <= loaded
    assert loaded & HEAVY == set()


def test_the_package_itself_is_light():
    loaded = loaded_by(f"import {PACKAGE}; dir({PACKAGE})")
    assert loaded & {"numpy", "pandas", "torch", "scipy", "sklearn", *HEAVY} == set()


def test_a_name_loads_only_what_it_needs():
    loaded = loaded_by(f"from {PACKAGE} import open_corpus, GENRES")
    assert "pandas" in loaded
    assert loaded & {"torch", "sklearn", *HEAVY} == set()
