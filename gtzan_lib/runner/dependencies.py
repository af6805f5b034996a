"""The modules that a notebook depends on, read from its imports."""

from __future__ import annotations

import ast
import hashlib
import os
from collections.abc import Iterable
from contextlib import suppress
from functools import cache
from pathlib import Path

import grimp
import nbformat

__all__ = ["files_state", "module_files", "modules_of", "notebook_files"]

PACKAGE = Path(__file__).parents[1]


def files_state(files: Iterable[Path], root: Path) -> str:
    """Return a digest that changes when a file is written, added or removed.

    It stands for the files in the graph of a run, since Snakemake reads braces in the
    path of an input as wildcards, and a checkout may be moved.

    Parameters
    ----------
    files : iterable of Path
        Files that exist.
    root : Path
        The project's root; names of files count relative to it.

    Returns
    -------
    str
        In hexadecimal.
    """
    stats = {_relative(file, root): file.stat() for file in files}
    lines = [f"{name} {stat.st_size} {stat.st_mtime_ns}" for name, stat in sorted(stats.items())]
    return hashlib.sha256("\n".join(lines).encode("utf-8", "surrogateescape")).hexdigest()


def _relative(file: Path, root: Path) -> str:
    """Return a path relative to another; as it is if they are on two drives of Windows."""
    with suppress(ValueError):
        return os.path.relpath(file, root)
    return str(file)


def notebook_files(notebook: str | Path) -> list[Path]:
    """Return every file of the package that a notebook's result depends on.

    Parameters
    ----------
    notebook : str or Path
        The notebook; it is read, not executed.

    Returns
    -------
    list of Path
        Sorted.
    """
    return module_files(modules_of(_source(notebook)))


def module_files(modules: Iterable[str]) -> list[Path]:
    """Return the files of modules and of everything that these import.

    Parameters
    ----------
    modules : iterable of str
        Full names, `gtzan_lib.training.classifier`.

    Returns
    -------
    list of Path
        Sorted. CSV tables beside a module count as part of it, and the cards in
        `zoo_models` as part of `zoo`.
    """
    graph = _graph()
    wanted = {PACKAGE.name}
    for module in modules:
        for part in {module, *graph.find_descendants(module)}:
            wanted |= {part, *graph.find_upstream_modules(part)}
    # Importing a module also runs the packages that contain it.
    for module in list(wanted):
        wanted |= {module.rsplit(".", n)[0] for n in range(1, module.count(".") + 1)}
    files = {_file(module) for module in wanted}
    tables = {table for file in files for table in file.parent.glob("*.csv")}
    # Model folders are named after the module that loads them, so that a new model
    # affects no other module.
    folders = {file.with_name(f"{file.stem}_models") for file in files}
    cards = {card for folder in folders for card in folder.glob("*/model.json")}
    files |= tables | cards
    return sorted(files)


def modules_of(source: str) -> set[str]:
    """Return the modules of the package that some code uses.

    Parameters
    ----------
    source : str
        Python; lines with IPython magics are ignored.

    Returns
    -------
    set of str
        Full names. `gl.evaluate` counts as the module that defines it.
    """
    lines = ("" if line.lstrip().startswith(("%", "!")) else line for line in source.splitlines())
    tree = ast.parse("\n".join(lines))
    root, names = PACKAGE.name, _names_in(PACKAGE)
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
    done = set()
    # Whole chains come before their parts.
    for node in ast.walk(tree):
        chain = _chain(node) if node not in done else []
        if len(chain) > 1 and chain[0] in aliases:
            used.add(_module_of(chain[1:]))
            done |= set(ast.walk(node))
    return used


def _chain(node: ast.AST) -> list[str]:
    """Return the parts of `gl.plots.recall`; empty for other expressions."""
    names = []
    while isinstance(node, ast.Attribute):
        names.append(node.attr)
        node = node.value
    return [node.id, *reversed(names)] if isinstance(node, ast.Name) else []


def _module_of(names: list[str]) -> str:
    """Return the module that defines `evaluate`, or `plots.recall`."""
    module = _names_in(PACKAGE).get(names[0], PACKAGE.name)
    folder = PACKAGE.parent / Path(*module.split("."))
    if len(names) > 1 and folder != PACKAGE and folder.is_dir():
        return _names_in(folder).get(names[1], module)
    return module


def _deepest(name: str) -> str:
    """Return the module that `from package.module import name` reads."""
    return name if _exists(name) else name.rsplit(".", 1)[0]


@cache
def _names_in(folder: Path) -> dict[str, str]:
    """Map `evaluate` to `gtzan_lib.evaluation.evaluate`, from the imports of a package."""
    stub = folder / "__init__.pyi"
    source = stub if stub.is_file() else folder / "__init__.py"
    package = ".".join(folder.relative_to(PACKAGE.parent).parts)
    names = {}
    for node in ast.parse(source.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ImportFrom) and node.level == 1:
            for alias in node.names:
                names[alias.asname or alias.name] = f"{package}.{node.module or alias.name}"
    return names


@cache
def _graph() -> grimp.ImportGraph:
    return grimp.build_graph(PACKAGE.name, exclude_type_checking_imports=True, cache_dir=None)


def _exists(module: str) -> bool:
    return module in _graph().modules


def _file(module: str) -> Path:
    path = PACKAGE.parent / Path(*module.split("."))
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def _source(notebook: str | Path) -> str:
    cells = nbformat.read(notebook, as_version=4)["cells"]
    return "\n".join(cell["source"] for cell in cells if cell["cell_type"] == "code")
