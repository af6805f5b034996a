"""Checkpoints: what was written is read, and nothing else is."""

import ast
import os
import pickle
from pathlib import Path

import gtzan_lib.learn
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import save

from gtzan_lib.training.checkpoints import Checkpoint, flatten, part_of, read, write

STATE = {"history": [{"epoch": 1, "train_loss": 0.1 + 0.2}], "lowest": None, "done": False}


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "deep" / "one.safetensors"
    write(path, Checkpoint({"net/a": torch.randn(3, 4), "net/n": torch.tensor(7)}, STATE))
    return path


class Trap:
    """Makes a folder when unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


# --- there and back -----------------------------------------------------------


@pytest.mark.parametrize(
    "dtype", [torch.float32, torch.float64, torch.bfloat16, torch.uint8, torch.int64, torch.bool]
)
def test_tensors_come_back_bit_by_bit(tmp_path, dtype):
    tensors = {
        "a": torch.randn(2, 3, 4, 5).mul(9).to(dtype),
        "none": torch.zeros(0, 3, dtype=dtype),
        "scalar": torch.ones((), dtype=dtype),
    }
    write(tmp_path / "f", Checkpoint(tensors, {}))
    back = read(tmp_path / "f").tensors
    assert back.keys() == tensors.keys()
    assert all(torch.equal(back[name], tensors[name]) for name in tensors)
    assert all(back[name].dtype == dtype for name in tensors)


def test_memory_may_lie_in_any_order_and_be_shared(tmp_path):
    image = torch.randn(2, 3, 4, 5).to(memory_format=torch.channels_last)
    tensors = {
        "last": image, "again": image, "part": image[:, 1], "turned": torch.randn(3, 4).T,
        "trained": torch.nn.Parameter(torch.randn(2)),
    }  # fmt: skip
    write(tmp_path / "f", Checkpoint(tensors, {}))
    back = read(tmp_path / "f").tensors
    assert all(torch.equal(back[name], tensors[name]) for name in tensors)
    assert all(value.is_contiguous() for value in back.values())


@given(st.floats(allow_nan=False), st.text(), st.none() | st.booleans() | st.integers())
def test_state_comes_back_to_the_last_digit(tmp_path_factory, number, text, other):
    path = tmp_path_factory.getbasetemp() / "state.safetensors"
    state = {"number": number, "text": text, "list": [{"other": other}]}
    write(path, Checkpoint({"a": torch.ones(1)}, state))
    assert read(path).state == state


def test_writing_replaces_and_leaves_nothing_beside(file):
    write(file, Checkpoint({"b": torch.ones(2)}, {"epoch": 2}))
    checkpoint = read(file)
    assert list(checkpoint.tensors) == ["b"]
    assert checkpoint.state == {"epoch": 2}
    assert [path.name for path in file.parent.iterdir()] == [file.name]


def test_failed_writing_leaves_the_old_one(file):
    with pytest.raises(TypeError):
        write(file, Checkpoint({"b": torch.ones(2)}, {"epoch": object()}))
    assert read(file).state == STATE
    assert [path.name for path in file.parent.iterdir()] == [file.name]


def test_parts_are_told_apart():
    parts = {"net": {"a.b": torch.ones(1)}, "network": {"c": torch.ones(2)}, "best": {}}
    parts["optimizer"] = {"0/step": torch.ones(3)}
    flat = flatten(parts)
    assert list(flat) == ["net/a.b", "network/c", "optimizer/0/step"]
    assert all(part_of(flat, name) == own for name, own in parts.items())


# --- what is no checkpoint ----------------------------------------------------


def test_missing_file_is_none(tmp_path):
    assert read(tmp_path / "none") is None
    assert read(tmp_path) is None


def test_truncated_anywhere_is_none(file):
    whole = file.read_bytes()
    for length in range(0, len(whole), 5):
        file.write_bytes(whole[:length])
        assert read(file) is None, length


@pytest.mark.parametrize(
    "metadata", [None, {}, {"other": "1"}, {"state": ""}, {"state": "{"}, {"state": "[1,"}]
)
def test_other_safetensors_are_none(file, metadata):
    file.write_bytes(save({"net/a": torch.ones(1)}, metadata))
    assert read(file) is None


@pytest.mark.parametrize("content", [b"", b"{}", b"\x00" * 64, b"\xff" * 64, os.urandom(200)])
def test_garbage_is_none(file, content):
    file.write_bytes(content)
    assert read(file) is None


# --- no pickle ----------------------------------------------------------------


def test_a_pickle_is_not_unpickled(file, tmp_path):
    for number, write_trap in enumerate((pickle.dump, torch.save)):
        trap = tmp_path / f"sprung{number}"
        with file.open("wb") as handle:
            write_trap(Trap(trap), handle)
        assert read(file) is None
        assert not trap.exists()


def test_a_pickle_within_is_not_unpickled(file, tmp_path):
    content = pickle.dumps(Trap(tmp_path / "sprung"))
    tensor = torch.frombuffer(bytearray(content), dtype=torch.uint8)
    state = {"history": content.decode("latin1")}
    write(file, Checkpoint({"net/a": tensor}, state))
    assert read(file).state == state
    assert not (tmp_path / "sprung").exists()


def test_nothing_in_learning_unpickles():
    """Neither checkpoints nor models: whoever sends one could run what they like."""
    used = set()
    for path in Path(gtzan_lib.learn.__file__).parent.glob("*.py"):
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
