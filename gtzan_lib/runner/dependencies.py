"""Which modules a notebook depends on, read from what it imports."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from functools import cache
from pathlib import Path

import grimp
import nbformat

__all__ = ["module_files", "modules_of", "notebook_files"]

PACKAGE = Path(__file__).parents[1]


def notebook_files(notebook: str | Path) -> list[Path]:
    """Return every file of the package that a notebook's result depends on.

    Parameters
    ----------
    notebook : str or Path
        A notebook; it is read, not executed.

    Returns
    -------
    list of Path
        Sorted.
    """
    return module_files(modules_of(_source(notebook)))


def module_files(modules: Iterable[str]) -> list[Path]:
    """Return the files of some modules and of all that these import.

    Parameters
    ----------
    modules : iterable of str
        Full names, `gtzan_lib.learn.training`.

    Returns
    -------
    list of Path
        Sorted. Tables that lie beside a module count as part of it.
    """
    graph = _graph()
    wanted = {PACKAGE.name}
    for module in modules:
        # Importing a package's module runs the package, too.
        wanted |= {module, *graph.find_upstream_modules(module, as_package=_is_package(module))}
    for module in list(wanted):
        wanted |= {module.rsplit(".", n)[0] for n in range(1, module.count(".") + 1)}
    files = {_file(module) for module in wanted}
    files |= {table for file in files for table in file.parent.glob("*.csv")}
    return sorted(files)


def modules_of(source: str) -> set[str]:
    """Return the modules of the package that some code uses.

    Parameters
    ----------
    source : str
        Python; lines with IPython magics are passed over.

    Returns
    -------
    set of str
        Full names. `gl.evaluate` counts as the module that holds it.
    """
    lines = ("" if line.lstrip().startswith(("%", "!")) else line for line in source.splitlines())
    tree = ast.parse("\n".join(lines))
    root, names = PACKAGE.name, _public_names()
    used, aliases = set(), set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name == root:
                    aliases.add(alias.asname or root)
                elif alias.name.startswith(f"{root}."):
                    used.add(alias.name)
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            if node.module == root:
                used |= {names.get(alias.name, root) for alias in node.names}
            elif node.module.startswith(f"{root}."):
                used |= {_deepest(f"{node.module}.{alias.name}") for alias in node.names}
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Attribute)
            and isinstance(node.value, ast.Name)
            and node.value.id in aliases
        ):
            used.add(names.get(node.attr, root))
    return used


def _deepest(name: str) -> str:
    """Return the module that `from package.module import name` reads."""
    return name if _exists(name) else name.rsplit(".", 1)[0]


@cache
def _public_names() -> dict[str, str]:
    """Map `evaluate` to `gtzan_lib.learn.evaluation`, from the package's stub."""
    names = {}
    for node in ast.parse((PACKAGE / "__init__.pyi").read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ImportFrom):
            for alias in node.names:
                module = f"{PACKAGE.name}.{node.module or alias.name}"
                names[alias.asname or alias.name] = module
    return names


@cache
def _graph() -> grimp.ImportGraph:
    return grimp.build_graph(PACKAGE.name, exclude_type_checking_imports=True, cache_dir=None)


def _is_package(module: str) -> bool:
    return (PACKAGE.parent / Path(*module.split("."))).is_dir()


def _exists(module: str) -> bool:
    return module in _graph().modules


def _file(module: str) -> Path:
    path = PACKAGE.parent / Path(*module.split("."))
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def _source(notebook: str | Path) -> str:
    cells = nbformat.read(notebook, as_version=4)["cells"]
    return "\n".join(cell["source"] for cell in cells if cell["cell_type"] == "code")
