"""Addresses that released books had: `python -m tests.addresses` adds those of this one."""

import tomllib
from pathlib import Path

import yaml

from gtzan_lib.runner.extensions.contents import pages_in

ROOT = Path(__file__).parents[1]
FILE = ROOT / "book" / "addresses.txt"
HEAD = "# Addresses of the pages of released books; none of them may get lost."


def lines():
    """Return the lines of the list, the heading aside."""
    return FILE.read_text(encoding="utf-8").splitlines()[1:]


def released():
    """Return the addresses, sorted."""
    return sorted({line for line in lines() if line and not line.startswith("#")})


def versions():
    """Return the versions whose addresses are in the list."""
    return [line.removeprefix("# ") for line in lines() if line.startswith("# ")]


def pages():
    """Return the addresses of the pages of this book."""
    contents = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
    return sorted({f"{name}.html" for name in pages_in(contents)} | {"index.html"})


def main():
    """Write the list again, with the addresses and the version of this book."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    known = [*versions(), project["version"]]
    text = [HEAD, *(f"# {one}" for one in dict.fromkeys(known)), *sorted({*released(), *pages()})]
    FILE.write_text("\n".join(text) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
