"""Torchvision's models, whether or not its compiled operators load."""

import subprocess
import sys

from gtzan_lib.models.torchvision_models import models


def answer_of(code: str) -> str:
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert answer.returncode == 0, answer.stderr
    return answer.stdout.strip()


FRESH = """
import sys
import torch
from gtzan_lib.learn import architectures, vision
assert "torchvision" not in sys.modules
net = vision.models().resnet34(weights=None)
print(sum(weights.numel() for weights in net.parameters()))

def refuse(*args, **kwargs):
    raise AssertionError(args)

# With the operators there, the import works at once.
vision.models.cache_clear()
for name in [name for name in sys.modules if name.split(".")[0] == "torchvision"]:
    del sys.modules[name]
torch.library.define = refuse
print(vision.models().__name__)
"""


def test_models_in_a_fresh_process():
    """Loaded with the first net that needs them, not with the package; declared once."""
    assert answer_of(FRESH) == "21797672\ntorchvision.models"


def test_models_are_loaded_once():
    assert models() is models()
    assert models().resnet34.__name__ == "resnet34"
