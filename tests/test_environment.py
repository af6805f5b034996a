"""Requirements of pip, of Conda and in the lock file are the same."""

import re
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parents[1]

# The packages that the project must use.
REQUIRED = {
    "jupyter", "jupyter-book", "papermill", "librosa", "numpy", "pandas", "torch", "torchvision",
    "matplotlib", "seaborn", "scikit-learn", "sounddevice", "noisereduce",
}  # fmt: skip

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def by_name(requirements: list[str]) -> dict[str, Requirement]:
    parsed = map(Requirement, requirements)
    return {canonicalize_name(requirement.name): requirement for requirement in parsed}


NEEDED = by_name(PROJECT["dependencies"])
OPTIONAL = {
    extra: by_name(requirements) for extra, requirements in PROJECT["optional-dependencies"].items()
}


@pytest.fixture(scope="module")
def conda() -> tuple[list[str], dict[str, Requirement]]:
    """Return the packages from Conda, and the requirements of pip in its environment."""
    entries = yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"]
    (pip,) = (entry["pip"] for entry in entries if isinstance(entry, dict))
    packages = [entry for entry in entries if isinstance(entry, str)]
    return packages, by_name([line for line in pip if not line.startswith("-")])


@pytest.fixture(scope="module")
def lock() -> dict[str, Version]:
    lines = (ROOT / "requirements.lock").read_text().splitlines()
    pins = [line for line in lines if line and not line.startswith("#")]
    assert all(re.fullmatch(r"[A-Za-z0-9._-]+==[A-Za-z0-9.!+]+", pin) for pin in pins)
    named = [(canonicalize_name(name), Version(v)) for name, v in (p.split("==") for p in pins)]
    assert len(dict(named)) == len(named)
    return dict(named)


def test_the_required_packages_come_first():
    assert set(list(NEEDED)[:13]) == REQUIRED


def test_conda_has_the_same_requirements(conda):
    packages, pip = conda
    assert pip.keys() >= REQUIRED
    assert {name: str(r.specifier) for name, r in pip.items()} == {
        name: str(r.specifier) for name, r in NEEDED.items()
    }
    assert {re.split(r"[=<> ]", package)[0] for package in packages} >= {
        "python", "pip", "portaudio",
    }  # fmt: skip


def test_conda_has_a_suitable_python(conda):
    (python,) = (package for package in conda[0] if package.startswith("python="))
    version = re.search(r"\d+\.\d+", python).group()
    assert Requirement(f"python{PROJECT['requires-python']}").specifier.contains(version)


# `make setup` does not install the packages for downloading GTZAN.
@pytest.mark.parametrize("group", ["needed", *sorted(OPTIONAL.keys() - {"fetch"})])
def test_every_requirement_is_pinned_to_a_suitable_version(lock, group):
    for name, requirement in (NEEDED if group == "needed" else OPTIONAL[group]).items():
        assert name in lock, f"{name} is not in requirements.lock; run 'make lock'"
        assert requirement.specifier.contains(lock[name], prereleases=True), requirement


def test_the_lock_holds_versions_only():
    """No URL, no local path and no build of one vendor."""
    text = (ROOT / "requirements.lock").read_text()
    pins = "\n".join(line for line in text.splitlines() if not line.startswith("#"))
    assert not re.search(r"://|@|/|\+|^-", pins, flags=re.MULTILINE)
    assert "gtzan" not in pins.lower()


def test_the_build_system_is_pinned(lock):
    """`make setup` builds without isolation."""
    build = tomllib.loads((ROOT / "pyproject.toml").read_text())["build-system"]["requires"]
    for name, requirement in by_name(build).items():
        assert requirement.specifier.contains(lock[name])
