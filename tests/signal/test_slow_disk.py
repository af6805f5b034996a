"""Features on a disk on which everything takes a second."""

import subprocess
import sys


def test_a_slow_disk_is_no_warning(small_folder):
    code = (
        "import itertools, types\n"
        "import joblib.memory\n"
        "from gtzan_lib import features, open_corpus\n"
        f"corpus = open_corpus({str(small_folder)!r}).select(genres='jazz')\n"
        "joblib.memory.time = types.SimpleNamespace(time=itertools.count().__next__)\n"
        "print(len(features(corpus, 1.0)))"
    )
    process = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert process.stdout == "12\n"
    assert process.stderr == ""
