"""Checkpoints: round trips, damaged files, no pickle, and the digest of the training code."""

import ast
import os
import pickle
import shutil
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import save

from gtzan_lib import digests
from gtzan_lib.training.checkpoints import (
    Checkpoint,
    flatten_parts,
    read,
    tensors_of,
    write,
)
from gtzan_lib.training.resuming import training_digest

PACKAGE = Path(digests.__file__).parent

STATE = {"history": [{"epoch": 1, "train_loss": 0.1 + 0.2}], "lowest": None, "done": False}


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "deep" / "one.safetensors"
    write(path, Checkpoint({"net/a": torch.randn(3, 4), "net/n": torch.tensor(7)}, STATE))
    return path


class Trap:
    """Creates a folder when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


# --- round trips --------------------------------------------------------------


@pytest.mark.parametrize(
    "dtype", [torch.float32, torch.float64, torch.bfloat16, torch.uint8, torch.int64, torch.bool]
)
def test_tensors_are_restored_exactly(tmp_path, dtype):
    tensors = {
        "a": torch.randn(2, 3, 4, 5).mul(9).to(dtype),
        "none": torch.zeros(0, 3, dtype=dtype),
        "scalar": torch.ones((), dtype=dtype),
    }
    write(tmp_path / "f", Checkpoint(tensors, {}))
    restored = read(tmp_path / "f").tensors
    assert restored.keys() == tensors.keys()
    assert all(torch.equal(restored[name], tensors[name]) for name in tensors)
    assert all(restored[name].dtype == dtype for name in tensors)


def test_tensors_may_share_memory_and_have_any_memory_format(tmp_path):
    image = torch.randn(2, 3, 4, 5).to(memory_format=torch.channels_last)
    tensors = {
        "last": image, "same": image, "part": image[:, 1], "transposed": torch.randn(3, 4).T,
        "trained": torch.nn.Parameter(torch.randn(2)),
    }  # fmt: skip
    write(tmp_path / "f", Checkpoint(tensors, {}))
    restored = read(tmp_path / "f").tensors
    assert all(torch.equal(restored[name], tensors[name]) for name in tensors)
    assert all(value.is_contiguous() for value in restored.values())


@given(st.floats(allow_nan=False), st.text(), st.none() | st.booleans() | st.integers())
def test_state_is_restored_exactly(tmp_path_factory, number, text, other):
    path = tmp_path_factory.getbasetemp() / "state.safetensors"
    state = {"number": number, "text": text, "list": [{"other": other}]}
    write(path, Checkpoint({"a": torch.ones(1)}, state))
    assert read(path).state == state


def test_writing_replaces_the_file_and_leaves_no_other(file):
    write(file, Checkpoint({"b": torch.ones(2)}, {"epoch": 2}))
    checkpoint = read(file)
    assert list(checkpoint.tensors) == ["b"]
    assert checkpoint.state == {"epoch": 2}
    assert [path.name for path in file.parent.iterdir()] == [file.name]


def test_failed_writing_keeps_the_old_file(file):
    with pytest.raises(TypeError):
        write(file, Checkpoint({"b": torch.ones(2)}, {"epoch": object()}))
    assert read(file).state == STATE
    assert [path.name for path in file.parent.iterdir()] == [file.name]


def test_parts_with_a_common_prefix_are_separate():
    parts = {"net": {"a.b": torch.ones(1)}, "network": {"c": torch.ones(2)}, "best": {}}
    parts["optimizer"] = {"0/step": torch.ones(3)}
    flat = flatten_parts(parts)
    assert list(flat) == ["net/a.b", "network/c", "optimizer/0/step"]
    assert all(tensors_of(flat, name) == tensors for name, tensors in parts.items())


# --- damaged and other files --------------------------------------------------


def test_missing_file_is_none(tmp_path):
    assert read(tmp_path / "none") is None
    assert read(tmp_path) is None


def test_truncated_file_is_none(file):
    content = file.read_bytes()
    for length in range(0, len(content), 5):
        file.write_bytes(content[:length])
        assert read(file) is None, length


@pytest.mark.parametrize(
    "metadata", [None, {}, {"other": "1"}, {"state": ""}, {"state": "{"}, {"state": "[1,"}]
)
def test_other_safetensors_file_is_none(file, metadata):
    file.write_bytes(save({"net/a": torch.ones(1)}, metadata))
    assert read(file) is None


@pytest.mark.parametrize("content", [b"", b"{}", b"\x00" * 64, b"\xff" * 64, os.urandom(200)])
def test_random_bytes_are_none(file, content):
    file.write_bytes(content)
    assert read(file) is None


# --- no pickle ----------------------------------------------------------------


def test_pickle_file_is_not_unpickled(file, tmp_path):
    for number, write_pickle in enumerate((pickle.dump, torch.save)):
        folder = tmp_path / f"unpickled{number}"
        with file.open("wb") as handle:
            write_pickle(Trap(folder), handle)
        assert read(file) is None
        assert not folder.exists()


def test_pickle_inside_a_checkpoint_is_not_unpickled(file, tmp_path):
    content = pickle.dumps(Trap(tmp_path / "unpickled"))
    tensor = torch.frombuffer(bytearray(content), dtype=torch.uint8)
    state = {"history": content.decode("latin1")}
    write(file, Checkpoint({"net/a": tensor}, state))
    assert read(file).state == state
    assert not (tmp_path / "unpickled").exists()


def test_no_module_unpickles():
    """Neither checkpoints nor models: a pickle can run any code."""
    used = set()
    rooms = ("models", "training", "evaluation", "studies", "inference")
    for path in (path for room in rooms for path in (PACKAGE / room).glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            match node:
                case ast.Import(names=names):
                    used |= {name.name for name in names}
                case ast.ImportFrom(module=module, names=names):
                    used |= {f"{module}.{name.name}" for name in names} | {module}
                case ast.Attribute(value=ast.Name(id=owner), attr=name):
                    used.add(f"{owner}.{name}")
                case ast.keyword(arg=name):
                    used.add(f"{name}=")
    assert "safetensors.safe_open" in used
    banned = {"pickle", "cloudpickle", "dill", "joblib.load", "torch.load", "torch.save"}
    assert used & (banned | {"allow_pickle="}) == set()


# --- the digest of the training code ------------------------------------------


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A copy of the package's modules from which digests are computed."""
    folder = tmp_path / "package"
    for room in ("models", "training"):
        shutil.copytree(PACKAGE / room, folder / room, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(digests, "_PACKAGE", folder)
    return folder


def edit(file: Path, old: str, new: str) -> None:
    source = file.read_text(encoding="utf-8")
    assert old in source
    file.write_text(source.replace(old, new, 1), encoding="utf-8")


def test_docstrings_and_comments_do_not_change_the_training_digest(package):
    before = training_digest("minivgg")
    for file in sorted(package.rglob("*.py")):
        edit(file, '"""', '"""Reworded. ')
        file.write_text(f"{file.read_text(encoding='utf-8')}\n# A comment.\n", encoding="utf-8")
        assert training_digest("minivgg") == before, file.name


@pytest.mark.parametrize(
    ("module", "old", "new"),
    [
        ("training/network.py", "loss.backward()", "(2 * loss).backward()"),
        ("training/network.py", "channels_last: bool = True", "channels_last: bool = False"),
        ("training/schedules.py", "0.25", "0.5"),
        ("training/augmentation.py", ".floor()", ".ceil()"),
        ("models/minivgg.py", "dropout: float = 0.25", "dropout: float = 0.5"),
        ("models/layers.py", "nn.MaxPool2d(2)", "nn.AvgPool2d(2)"),
    ],
)
def test_behaviour_changes_the_training_digest(package, module, old, new):
    before = training_digest("minivgg")
    edit(package / module, old, new)
    assert training_digest("minivgg") != before


def test_other_nets_do_not_change_the_training_digest(package):
    minivgg, resnet = training_digest("minivgg"), training_digest("resnet34")
    edit(package / "models" / "resnet.py", "kernel_size=7", "kernel_size=5")
    assert training_digest("minivgg") == minivgg
    assert training_digest("resnet34") != resnet


@pytest.mark.parametrize("architecture", ["resnet34", "resnet34-features"])
def test_nets_of_one_module_share_the_training_digest(package, architecture):
    before = training_digest(architecture)
    edit(package / "models" / "minivgg.py", "dropout: float = 0.25", "dropout: float = 0.5")
    assert training_digest(architecture) == before == training_digest("resnet34")
    assert len(before) == 8
