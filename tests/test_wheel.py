"""The package as it is installed: everything that predictions need is in it."""

import json
import os
import subprocess
import sysconfig
import venv
import zipfile
from pathlib import Path

import numpy as np
import pytest
import soundfile

pytestmark = pytest.mark.check

ROOT = Path(__file__).parents[1]
# Together, what is loaded for predictions.
MOST_MB_OF_WEIGHTS = 4


@pytest.fixture(scope="module")
def python(wheel, tmp_path_factory) -> Path:
    """An environment with the wheel; what it requires is taken from this one."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=False)
    binary = next(folder.glob("[bS]*/python*"))
    command = [binary, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]
    found = subprocess.run(command, check=True, capture_output=True, text=True)
    packages = Path(found.stdout.strip())
    with zipfile.ZipFile(wheel) as content:
        content.extractall(packages)
    # The editable package of this environment is not found through a path alone.
    (packages / "required.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return binary


def test_weights_are_small_and_have_their_licence(wheel):
    with zipfile.ZipFile(wheel) as content:
        sizes = {entry.filename: entry.file_size for entry in content.infolist()}
    weights = {name: size for name, size in sizes.items() if name.endswith(".safetensors")}
    assert len(weights) >= 3
    assert sum(weights.values()) <= MOST_MB_OF_WEIGHTS * 2**20
    folder = "gtzan_lib/models/musicnn_weights/"
    assert {f"{folder}LICENSE", f"{folder}NOTICE", f"{folder}msd_musicnn.safetensors"} <= set(sizes)
    for name in weights:
        if "zoo_models" in name:
            assert name.replace("model.safetensors", "model.json") in sizes
    assert not [name for name in sizes if name.startswith(("tests/", "work/", "notebooks/"))]


def test_a_file_is_predicted(python, tmp_path):
    rng = np.random.default_rng(0)
    soundfile.write(tmp_path / "noise.wav", 0.1 * rng.standard_normal(4 * 22_050), 22_050)
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "GTZAN"))}
    shown = subprocess.run(
        [python, "-c", "import gtzan_lib; print(gtzan_lib.__file__)"],
        cwd=tmp_path, env=environment, check=True, capture_output=True, text=True,
    )  # fmt: skip
    assert Path(shown.stdout.strip()).is_relative_to(python.parents[1])
    for options in ([], ["--model", "gtzan-scratch"]):
        done = subprocess.run(
            [python, "-m", "gtzan_lib", "predict", "noise.wav", "--json", *options],
            cwd=tmp_path, env=environment, check=True, capture_output=True, text=True,
        )  # fmt: skip
        (entry,) = json.loads(done.stdout)
        assert sum(entry["probabilities"].values()) == pytest.approx(1, abs=1e-3)
        assert entry["unfamiliar"] is True
    # Nothing is written beside the sound.
    assert [file.name for file in tmp_path.iterdir()] == ["noise.wav"]
