"""The scripts in `book/_static/try` are what `web/` gives; and the tests of `web/` pass."""

import json
import re

import pytest

from ..runner.conftest import ROOT
from .node import WEB, install, run

TRY = ROOT / "book" / "_static" / "try"
# All that the page loads, both models included.
MOST_BYTES = 4_000_000


@pytest.mark.check
def test_the_committed_files_are_what_the_sources_give(tmp_path):
    install()
    run("npm", "run", "build", "--", tmp_path)
    built = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    assert {"engine.js", "page.js", "examples.js", "LICENSES.txt"} <= built.keys()
    for name, content in built.items():
        assert (TRY / name).read_bytes() == content, f"{name}: run 'make web'"


@pytest.mark.check
def test_the_tests_of_the_sources_pass():
    install()
    result = run("npm", "test")
    assert "# fail 0" in result.stdout


def test_the_licences_of_what_the_scripts_contain_are_beside_them():
    text = (TRY / "LICENSES.txt").read_text(encoding="utf-8")
    package = json.loads((WEB / "package.json").read_text(encoding="utf-8"))
    for name, version in package["dependencies"].items():
        assert f"\n{name} {version}\n" in text
    for file in (WEB / "licences").iterdir():
        assert file.read_text(encoding="utf-8").strip("\n") in text, file.name


def test_all_that_the_page_loads_is_small():
    assert sum(file.stat().st_size for file in TRY.iterdir()) <= MOST_BYTES


def test_packages_have_exact_versions_and_name_no_registry():
    package = json.loads((WEB / "package.json").read_text(encoding="utf-8"))
    versions = {**package["dependencies"], **package["devDependencies"]}
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in versions.values())
    lock = json.loads((WEB / "package-lock.json").read_text(encoding="utf-8"))["packages"]
    assert lock[""]["dependencies"] == package["dependencies"]
    assert lock[""]["devDependencies"] == package["devDependencies"]
    for name, entry in lock.items():
        if name:
            assert entry["integrity"].startswith("sha512-")
            assert "resolved" not in entry
