"""Import of torchvision's models, with and without its compiled operators."""

import subprocess
import sys

from gtzan_lib.models.torchvision_models import models


def output_of(code: str) -> str:
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    return result.stdout.strip()


SCRIPT = """
import sys
import torch
import gtzan_lib.models.registry
from gtzan_lib.models.torchvision_models import models
assert "torchvision" not in sys.modules
net = models().resnet34(weights=None)
print(sum(weights.numel() for weights in net.parameters()))

def refuse(*args, **kwargs):
    raise AssertionError(args)

# Once the operators are declared, they are not declared again.
models.cache_clear()
for name in [name for name in sys.modules if name.split(".")[0] == "torchvision"]:
    del sys.modules[name]
torch.library.define = refuse
print(models().__name__)
"""


def test_models_in_a_fresh_process():
    """Torchvision is imported by the first net that needs it; operators are declared once."""
    assert output_of(SCRIPT) == "21797672\ntorchvision.models"


def test_models_are_loaded_once():
    assert models() is models()
    assert models().resnet34.__name__ == "resnet34"
