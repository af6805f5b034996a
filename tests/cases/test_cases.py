"""Troubles that people report, each played through as a new user would, in a shell script."""

import os
import subprocess
from pathlib import Path

import pytest

CASES = sorted(Path(__file__).parent.glob("[0-9]*.sh"))
ROOT = Path(__file__).parents[2]

# Each folder is a book that is built. The script alone tries seventeen names, one after the
# other; all of their characters are in these two.
ARGUMENTS = {
    "21_paths_of_checkout": [
        """[copy] of Büro & "user's" #2: {a}, 100 % $HOME (new) 😀 tilde~;eq=ual star*.""",
        "-dash",
    ]
}

# Where another user is needed, root becomes one, with the system's own Python.
OTHER_USER = {"17_write_trouble", "24_other_user", "27_data_safety"}
SYSTEM_PYTHON = Path("/usr/bin/python3.11")


@pytest.mark.check
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)
def test_the_right_thing_happens(case):
    if case.stem in OTHER_USER and (os.geteuid() or not SYSTEM_PYTHON.exists()):
        pytest.skip(f"needs root and {SYSTEM_PYTHON}")
    environment = {name: value for name, value in os.environ.items() if name != "GTZAN_WORK"}
    done = subprocess.run(
        ["bash", case, *ARGUMENTS.get(case.stem, ())],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        errors="replace",
    )
    assert done.returncode == 0, done.stdout + done.stderr
