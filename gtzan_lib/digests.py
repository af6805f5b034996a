"""Digests of code: what the code does, without its docstrings and comments.

A cache, a store or a checkpoint carries the digest of the code that made it, so
that corrected code never reuses what faulty code left. Rewording a docstring or
a comment changes no digest and costs no recomputation.
"""

from __future__ import annotations

import ast
import hashlib
import subprocess
from collections.abc import Iterable
from functools import cache
from pathlib import Path

__all__ = ["code_digest", "package_commit", "package_digest", "source_digest"]

_PACKAGE = Path(__file__).parent


def code_digest(files: Iterable[str | Path]) -> str:
    """Return one digest for what several source files do.

    Parameters
    ----------
    files : iterable of str or Path
        Python files; their order and folders do not matter.

    Returns
    -------
    str
        Sixteen hexadecimal digits.
    """
    parts = sorted(f"{Path(file).name} {_file_digest(Path(file))}" for file in files)
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


def package_digest(*modules: str) -> str:
    """Return one digest for what some modules of this package do.

    Parameters
    ----------
    *modules : str
        Names without the package, such as `signal.dsp`; a folder stands for all
        modules in it.

    Returns
    -------
    str
        Sixteen hexadecimal digits.
    """
    files: list[Path] = []
    for module in modules:
        path = _PACKAGE.joinpath(*module.split("."))
        files += path.glob("*.py") if path.is_dir() else [path.with_suffix(".py")]
    return code_digest(files)


def package_commit() -> str | None:
    """Return the commit of the checkout that holds this package.

    Returns
    -------
    str or None
        Twelve hexadecimal digits, with `-dirty` where the package, a notebook or a run
        differs from the commit; None outside of a checkout.
    """
    try:
        commit = _git("rev-parse", "--short=12", "HEAD")
        changed = _git("status", "--porcelain", "--", _PACKAGE.name, "notebooks", "runs")
    except (OSError, subprocess.CalledProcessError):
        return None
    return f"{commit}-dirty" if changed else commit


def _git(*arguments: str) -> str:
    """Return what git prints in the checkout."""
    done = subprocess.run(
        ["git", *arguments], cwd=_PACKAGE.parent, capture_output=True, encoding="utf-8", check=True
    )
    return done.stdout.strip()


def _file_digest(path: Path) -> str:
    return source_digest(path.read_text(encoding="utf-8"))


@cache
def source_digest(source: str) -> str:
    """Return a digest of what some code does.

    Parameters
    ----------
    source : str
        Python.

    Returns
    -------
    str
        64 hexadecimal digits.
    """
    tree = ast.parse(source)
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list):
            # A string that stands alone does nothing, be it a docstring or below a constant.
            body[:] = [one for one in body if not _is_text(one)] or [ast.Pass()]
    return hashlib.sha256(ast.dump(tree).encode()).hexdigest()


def _is_text(node: ast.stmt) -> bool:
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )
