"""Every public name is there, and documented."""

import ast
import importlib
import inspect
import pkgutil
import re
from pathlib import Path

import pytest

import gtzan_lib
from gtzan_lib import errors

STUB = Path(gtzan_lib.__file__).with_name("__init__.pyi")
MODULES = sorted(
    module.name
    for module in pkgutil.walk_packages(gtzan_lib.__path__, "gtzan_lib.")
    if not module.name.endswith("__main__")
)


def stub_names() -> dict[str, set[str]]:
    """What the stub imports, and what its `__all__` lists."""
    found = {"imported": set(), "listed": set()}
    for node in ast.parse(STUB.read_text()).body:
        if isinstance(node, ast.ImportFrom):
            found["imported"] |= {alias.asname or alias.name for alias in node.names}
        elif isinstance(node, ast.Assign):
            found["listed"] |= set(ast.literal_eval(node.value))
    return found


NAMES = sorted(stub_names()["imported"])


def public(module: str) -> dict[str, object]:
    """The functions and classes that a module lists and defines."""
    loaded = importlib.import_module(module)
    values = {name: getattr(loaded, name) for name in getattr(loaded, "__all__", ())}
    return {
        name: value
        for name, value in values.items()
        if (inspect.isfunction(value) or inspect.isclass(value)) and value.__module__ == module
    }


DEFINED = [(module, name) for module in MODULES for name in public(module)]


def section(doc: str, title: str) -> str:
    """The text of a numpydoc section, or nothing."""
    parts = re.split(r"^(\S[^\n]*)\n-{3,}\n", doc, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True)).get(title, "")


def described(text: str) -> list[str]:
    """The names that a section describes."""
    heads = re.findall(r"^([*\w][^\n]*?)(?: : [^\n]*)?$", text, flags=re.MULTILINE)
    return [name.strip().lstrip("*") for head in heads for name in head.split(",")]


def arguments(value: object) -> list[str]:
    """Names of a callable's arguments, without `self`."""
    function = value.__init__ if inspect.isclass(value) else value
    return [name for name in inspect.signature(function).parameters if name not in ("self", "cls")]


# --- the package's front ------------------------------------------------------


def test_the_stub_lists_what_it_imports():
    names = stub_names()
    assert names["imported"] == names["listed"] == set(gtzan_lib.__all__)
    assert names["listed"] <= set(dir(gtzan_lib))


@pytest.mark.parametrize("name", NAMES)
def test_every_name_resolves_and_is_documented(name):
    value = getattr(gtzan_lib, name)
    if inspect.isfunction(value) or inspect.isclass(value) or inspect.ismodule(value):
        assert inspect.getdoc(value)
    if inspect.isclass(value):
        doc = inspect.getdoc(value)
        assert section(doc, "Parameters") or section(doc, "Attributes")
    if inspect.isfunction(value):
        doc = inspect.getdoc(value)
        assert section(doc, "Returns") or section(doc, "Yields")
        assert section(doc, "Parameters") or not arguments(value)


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
    own = {
        name
        for name, value in vars(loaded).items()
        if not name.startswith("_")
        and (inspect.isfunction(value) or inspect.isclass(value))
        and value.__module__ == module
    }
    if module != "gtzan_lib.cli":  # its functions are commands, not an interface
        assert own <= set(listed)


@pytest.mark.parametrize(("module", "name"), DEFINED)
def test_documentation_fits_the_signature(module, name):
    value = getattr(importlib.import_module(module), name)
    doc = inspect.getdoc(value)
    assert doc
    assert doc.splitlines()[0].endswith("."), "the first line is a sentence"
    told = section(doc, "Parameters")
    if told and not (inspect.isclass(value) and "__init__" not in vars(value)):
        assert described(told) == arguments(value)
    if inspect.isclass(value):
        for method, function in vars(value).items():
            if inspect.isfunction(function) and not method.startswith("_"):
                methods_doc = inspect.getdoc(function)
                assert methods_doc, f"{name}.{method} says nothing"
                told = section(methods_doc, "Parameters")
                if told:
                    assert described(told) == arguments(function), method


def test_all_errors_are_of_one_family():
    for name in errors.__all__:
        expected = UserWarning if name == "GtzanWarning" else errors.GtzanError
        assert issubclass(getattr(errors, name), expected)
