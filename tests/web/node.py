"""Runs what is in `web/`, where Node.js is installed."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest
from filelock import FileLock

from ..runner.conftest import ROOT

WEB = ROOT / "web"
BINARY = WEB / "node_modules/@tensorflow/tfjs-backend-wasm/wasm-out/tfjs-backend-wasm-simd.wasm"


def _missing(what):
    if os.environ.get("GTZAN_REQUIRE_NODE") == "1":
        pytest.fail(what)
    pytest.skip(what)


def install():
    """Install the packages of `web/`; skip the test without Node.js, or fail where it is required.

    It is required where GTZAN_REQUIRE_NODE is 1.
    """
    if not (shutil.which("node") and shutil.which("npm")):
        _missing("no Node.js here: install node and npm")
    lock, installed = WEB / "package-lock.json", WEB / "node_modules" / ".package-lock.json"
    # Tests in several processes share the packages.
    with FileLock(Path(tempfile.gettempdir()) / "gtzan-web-npm.lock"):
        if not installed.is_file() or installed.stat().st_mtime < lock.stat().st_mtime:
            result = run("npm", "ci", "--no-audit", "--no-fund", check=False)
            if result.returncode:
                _missing(f"the packages of web/ cannot be installed: {result.stderr[-500:]}")


def run(*command, check=True):
    """Run a command in `web/`, and return its result."""
    result = subprocess.run(
        [*map(str, command)], cwd=WEB, capture_output=True, text=True, timeout=300
    )
    if check:
        assert result.returncode == 0, result.stdout[-4000:] + result.stderr[-4000:]
    return result
