"""Public names: they resolve, are documented, and cannot be confused."""

import ast
import importlib
import inspect
import itertools
import pkgutil
import re
from pathlib import Path

import pytest

import gtzan_lib
from gtzan_lib import errors

ROOT = Path(gtzan_lib.__file__).parent
MODULES = sorted(
    module.name
    for module in pkgutil.walk_packages(gtzan_lib.__path__, "gtzan_lib.")
    if not module.name.endswith("__main__")
)
# The top level and the rooms that have a stub.
ROOMS = {
    ".".join(stub.relative_to(ROOT.parent).parent.parts): stub
    for stub in (ROOT / "__init__.pyi", *sorted(ROOT.glob("*/__init__.pyi")))
}


def stub_names(room: str) -> dict[str, set[str] | list[str]]:
    """Return what the stub of a room imports, and what its `__all__` lists."""
    names = {"imported": set(), "listed": []}
    for node in ast.parse(ROOMS[room].read_text()).body:
        if isinstance(node, ast.ImportFrom):
            names["imported"] |= {alias.asname or alias.name for alias in node.names}
        elif isinstance(node, ast.Assign):
            names["listed"] += ast.literal_eval(node.value)
    return names


NAMES = [(room, name) for room in ROOMS for name in sorted(stub_names(room)["imported"])]


def test_type_checkers_read_the_annotations():
    assert (ROOT / "py.typed").is_file()


def documented_constants(module: str) -> set[str]:
    """Return the constants of a module that a docstring follows."""
    body = ast.parse(Path(importlib.import_module(module).__file__).read_text()).body
    return {
        target.id
        for node, following in itertools.pairwise(body)
        if isinstance(node, ast.Assign | ast.AnnAssign)
        and isinstance(following, ast.Expr)
        and isinstance(following.value, ast.Constant)
        for target in getattr(node, "targets", [getattr(node, "target", None)])
    }


def defining_module(room: str, name: str) -> str:
    """Return the module from which the stub of a room imports a name."""
    for node in ast.parse(ROOMS[room].read_text()).body:
        if isinstance(node, ast.ImportFrom) and name in {alias.name for alias in node.names}:
            return f"{room}.{node.module}" if node.module else room
    raise AssertionError(f"{room} does not import {name}")


def public(module: str) -> dict[str, object]:
    """Return the functions and classes that a module lists and defines."""
    loaded = importlib.import_module(module)
    values = {name: getattr(loaded, name) for name in getattr(loaded, "__all__", ())}
    return {
        name: value
        for name, value in values.items()
        if (inspect.isfunction(value) or inspect.isclass(value)) and value.__module__ == module
    }


DEFINED = [(module, name) for module in MODULES for name in public(module)]


def section(doc: str, title: str) -> str:
    """Return the text of a numpydoc section, or an empty string."""
    parts = re.split(r"^(\S[^\n]*)\n-{3,}\n", doc, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True)).get(title, "")


def described(text: str) -> list[str]:
    """Return the names that a section describes."""
    heads = re.findall(r"^([*\w][^\n]*?)(?: : [^\n]*)?$", text, flags=re.MULTILINE)
    return [name.strip().lstrip("*") for head in heads for name in head.split(",")]


def arguments(value: object) -> list[str]:
    """Return the names of a callable's arguments, without `self`."""
    function = value.__init__ if inspect.isclass(value) else value
    return [name for name in inspect.signature(function).parameters if name not in ("self", "cls")]


# --- the top level and the rooms ----------------------------------------------


@pytest.mark.parametrize("room", ROOMS)
def test_stub_lists_what_it_imports(room):
    names, loaded = stub_names(room), importlib.import_module(room)
    assert sorted(names["imported"]) == sorted(names["listed"]) == sorted(loaded.__all__)
    assert names["imported"] <= set(dir(loaded))


@pytest.mark.parametrize(("room", "name"), NAMES)
def test_every_name_resolves_and_is_documented(room, name):
    value = getattr(importlib.import_module(room), name)
    doc = inspect.getdoc(value)
    if inspect.isclass(value):
        assert section(doc, "Parameters") or section(doc, "Attributes")
    elif inspect.isfunction(value):
        assert section(doc, "Returns") or section(doc, "Yields")
        assert section(doc, "Parameters") or not arguments(value)
    elif inspect.ismodule(value):
        assert doc
    else:
        assert name in documented_constants(defining_module(room, name))


def test_the_top_level_is_small():
    values = [getattr(gtzan_lib, name) for name in gtzan_lib.__all__]
    assert sum(not inspect.ismodule(value) for value in values) <= 25


def test_rooms_are_names_of_the_top_level():
    rooms = {room.partition(".")[2] for room in ROOMS} - {""}
    assert rooms <= set(gtzan_lib.__all__)


def test_no_two_public_names_differ_in_case_only():
    spellings: dict[str, set[str]] = {}
    for module in ("gtzan_lib", *MODULES):
        loaded = importlib.import_module(module)
        for name in getattr(loaded, "__all__", ()):
            if not inspect.ismodule(getattr(loaded, name)):
                spellings.setdefault(name.lower(), set()).add(name)
    assert [names for names in spellings.values() if len(names) > 1] == []


def test_unknown_names_are_errors():
    with pytest.raises(AttributeError):
        _ = gtzan_lib.nonsense


# --- every module -------------------------------------------------------------


@pytest.mark.parametrize("module", MODULES)
def test_all_is_accurate(module):
    loaded = importlib.import_module(module)
    assert loaded.__doc__
    listed = getattr(loaded, "__all__", [])
    assert len(set(listed)) == len(listed)
    assert all(hasattr(loaded, name) for name in listed)
    defined = {
        name
        for name, value in vars(loaded).items()
        if not name.startswith("_")
        and (inspect.isfunction(value) or inspect.isclass(value))
        and value.__module__ == module
    }
    if module != "gtzan_lib.cli":  # its functions are commands, not an interface
        assert defined <= set(listed)


@pytest.mark.parametrize(("module", "name"), DEFINED)
def test_documentation_fits_the_signature(module, name):
    value = getattr(importlib.import_module(module), name)
    doc = inspect.getdoc(value)
    assert doc
    assert doc.splitlines()[0].endswith("."), "the first line is a sentence"
    parameters = section(doc, "Parameters")
    if parameters and not (inspect.isclass(value) and "__init__" not in vars(value)):
        assert described(parameters) == arguments(value)
    if inspect.isclass(value):
        for method, function in vars(value).items():
            if inspect.isfunction(function) and not method.startswith("_"):
                methods_doc = inspect.getdoc(function)
                assert methods_doc, f"{name}.{method} has no docstring"
                parameters = section(methods_doc, "Parameters")
                if parameters:
                    assert described(parameters) == arguments(function), method


def test_all_errors_have_a_common_base():
    for name in errors.__all__:
        expected = UserWarning if name == "GtzanWarning" else errors.GtzanError
        assert issubclass(getattr(errors, name), expected)
