"""Torchvision's models, whether or not its compiled operators load."""

import subprocess
import sys

from gtzan_lib.learn.vision import _OPERATORS, models


def answer_of(code: str) -> str:
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert answer.returncode == 0, answer.stderr
    return answer.stdout.strip()


FRESH = """
import sys
from gtzan_lib.learn import architectures, vision
assert "torchvision" not in sys.modules
net = vision.models().resnet34(weights=None)
assert vision.models() is vision.models()
print(sum(weights.numel() for weights in net.parameters()))
"""

DECLARED = f"""
import torch
from gtzan_lib.learn import vision
try:
    import torchvision
except RuntimeError:
    for name, signature in {_OPERATORS!r}.items():
        torch.library.define(name, signature)
def refuse(*args, **kwargs):
    raise AssertionError(args)
torch.library.define = refuse
print(vision.models().__name__)
"""


def test_models_in_a_fresh_process():
    """Loaded with the first net that needs them, not with the package."""
    assert answer_of(FRESH) == "21797672"


def test_operators_that_are_there_are_not_declared_again():
    assert answer_of(DECLARED) == "torchvision.models"


def test_models_hold_resnet34():
    assert models().resnet34.__name__ == "resnet34"
