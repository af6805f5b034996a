"""Training with checkpoints: an interrupted training resumes to the same net."""

import os
import re
import signal
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from gtzan_lib.training import checkpoints
from gtzan_lib.training.classifier import NetClassifier
from gtzan_lib.training.dataset import ArrayDataset
from gtzan_lib.training.network import SkorchNet
from gtzan_lib.training.resuming import _remove_outdated, training_digest
from gtzan_lib.training.schedules import SCHEDULES

VARIANTS = {
    "plain": {},
    "patience": {"patience": 4},
    "augment": {"augment": {"time_mask": 0.3, "crop": 0.2, "gain": 0.1, "mixup": 0.3}},
    "cosine": {"schedule": "cosine", "balance": True},
}
EPOCHS, BATCHES = 6, 5
# Where training is killed: at which call of which function, and the number of saved epochs.
STOPS = {
    "after an epoch": ("write", 3, 3),
    "within an epoch": ("step", 2 * BATCHES + 3, 2),
    "while writing": ("bytes", 3, 2),
    "within the last epoch": ("step", 6 * BATCHES, 5),
}
KILLED = [
    *((variant, "after an epoch") for variant in VARIANTS),
    *(("plain", stop) for stop in list(STOPS)[1:]),
]


def random_data() -> tuple[np.ndarray, np.ndarray, tuple[np.ndarray, np.ndarray]]:
    """Return random images and genres, and a validation part."""
    rng = np.random.default_rng(3)
    images = rng.integers(0, 256, (60, 8, 8)).astype(np.uint8)
    genres = np.array(["a", "b", "b"] * 20)
    return images[:40], genres[:40], (images[40:], genres[40:])


def new(**settings) -> NetClassifier:
    arguments = {"channels": [4], "hidden": 4, "dropout": 0.2}
    common = {"arguments": arguments, "epochs": EPOCHS, "batch_size": 8, "learning_rate": 3e-3}
    return NetClassifier(**{"device": "cpu", **common, **settings})


def train(**settings) -> NetClassifier:
    images, genres, valid = random_data()
    return new(**settings).fit(images, genres, valid=valid)


def same_weights(first: NetClassifier, second: NetClassifier) -> bool:
    a, b = first.net_.bare_module.state_dict(), second.net_.bare_module.state_dict()
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


def same(first: NetClassifier, second: NetClassifier) -> bool:
    return same_weights(first, second) and first.history_.equals(second.history_)


def stop_at(patch: pytest.MonkeyPatch, what: str, number: int, stop) -> None:
    """Call `stop` in the n-th step, or when the n-th checkpoint is written."""
    calls = []

    def step(self, *args, **kwargs):
        calls.append(1)
        if len(calls) == number:
            stop()
        return plain_step(self, *args, **kwargs)

    def write(*args):
        plain_write(*args)
        calls.append(1)
        if len(calls) == number:
            stop()

    def write_bytes(self, content):
        calls.append(1)
        if len(calls) == number:
            plain_bytes(self, content[: len(content) // 2])
            stop()
        return plain_bytes(self, content)

    plain_step, plain_write = SkorchNet.train_step_single, checkpoints.write
    plain_bytes = Path.write_bytes
    if what == "step":
        patch.setattr(SkorchNet, "train_step_single", step)
    elif what == "write":
        patch.setattr(checkpoints, "write", write)
    else:
        patch.setattr(Path, "write_bytes", write_bytes)


def interrupt() -> None:
    raise KeyboardInterrupt


def kill() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def count_steps(patch: pytest.MonkeyPatch) -> list[int]:
    """Return a list to which every training step adds its epoch."""
    calls: list[int] = []
    plain = SkorchNet.train_step_single

    def step(self, *args, **kwargs):
        calls.append(len(self.history))
        return plain(self, *args, **kwargs)

    patch.setattr(SkorchNet, "train_step_single", step)
    return calls


SCRIPT = """
import os, sys
import pytest, torch
from tests.training import test_network as module

torch.set_num_threads(1)
module.train(epochs=1)  # loads all lazy imports before the forks
for number, (variant, stop) in enumerate(module.KILLED):
    child = os.fork()
    if not child:
        module.stop_at(pytest.MonkeyPatch(), *module.STOPS[stop][:2], module.kill)
        module.train(checkpoint=f"{sys.argv[1]}/{number}", **module.VARIANTS[variant])
        os._exit(0)
    print(os.waitpid(child, 0)[1])
"""


@pytest.fixture(scope="module")
def killed(tmp_path_factory):
    """Checkpoint folders of killed trainings, by variant and stop."""
    folder = tmp_path_factory.mktemp("killed")
    result = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(folder)],
        capture_output=True, text=True, cwd=Path(__file__).parents[2],
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    assert result.stdout.split() == [str(int(signal.SIGKILL))] * len(KILLED)
    return {case: folder / str(number) for number, case in enumerate(KILLED)}


@pytest.fixture(scope="module")
def uninterrupted():
    """Nets of trainings without interruption, by variant."""
    torch.set_num_threads(1)
    return {variant: train(**settings) for variant, settings in VARIANTS.items()}


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "checkpoints"


# --- resuming -----------------------------------------------------------------


@pytest.mark.parametrize(("variant", "stop"), KILLED)
def test_killed_training_resumes(variant, stop, killed, uninterrupted, monkeypatch):
    """The weights are exactly those of an uninterrupted training."""
    steps = count_steps(monkeypatch)
    resumed = train(checkpoint=killed[variant, stop], **VARIANTS[variant])
    assert same(resumed, uninterrupted[variant])
    assert len(steps) == BATCHES * (len(resumed.history_) - STOPS[stop][2])


@pytest.mark.parametrize("variant", VARIANTS)
def test_checkpoints_have_no_influence(variant, folder, uninterrupted):
    assert same(train(checkpoint=folder, **VARIANTS[variant]), uninterrupted[variant])
    assert len(list(folder.iterdir())) == 1


@pytest.mark.parametrize("variant", VARIANTS)
def test_interrupt_is_raised_and_training_resumes(variant, folder, uninterrupted, monkeypatch):
    """skorch alone would ignore it and return a partly trained net."""
    with monkeypatch.context() as patch:
        stop_at(patch, "step", 2 * BATCHES + 3, interrupt)
        with pytest.raises(KeyboardInterrupt):
            train(checkpoint=folder, **VARIANTS[variant])
    (file,) = folder.iterdir()
    assert len(checkpoints.read(file).state["history"]) == 2
    steps = count_steps(monkeypatch)
    resumed = train(checkpoint=folder, **VARIANTS[variant])
    assert len(steps) == BATCHES * (len(resumed.history_) - 2)
    assert same(resumed, uninterrupted[variant])
    assert resumed.seconds_ > 0


@pytest.mark.parametrize("step", [1, 2, EPOCHS * BATCHES - 1, EPOCHS * BATCHES])
def test_interrupt_in_any_epoch_is_raised(step, folder, uninterrupted, monkeypatch):
    with monkeypatch.context() as patch:
        stop_at(patch, "step", step, interrupt)
        with pytest.raises(KeyboardInterrupt):
            train(checkpoint=folder)
    assert same(train(checkpoint=folder), uninterrupted["plain"])


def test_interrupt_without_checkpoints_is_raised(monkeypatch, uninterrupted):
    with monkeypatch.context() as patch:
        stop_at(patch, "step", 8, interrupt)
        with pytest.raises(KeyboardInterrupt):
            train()
    assert same(train(), uninterrupted["plain"])


def test_training_that_is_interrupted_many_times(folder, uninterrupted, monkeypatch):
    for _ in range(EPOCHS - 1):
        with monkeypatch.context() as patch:
            stop_at(patch, "write", 1, interrupt)
            with pytest.raises(KeyboardInterrupt):
                train(checkpoint=folder, **VARIANTS["augment"])
    assert same(train(checkpoint=folder, **VARIANTS["augment"]), uninterrupted["augment"])


@pytest.mark.parametrize("variant", ["plain", "patience"])
def test_finished_training_is_not_repeated(variant, folder, uninterrupted, monkeypatch):
    first = train(checkpoint=folder, **VARIANTS[variant])
    (file,) = folder.iterdir()
    content = file.read_bytes()
    steps = count_steps(monkeypatch)
    resumed = train(checkpoint=folder, **VARIANTS[variant])
    assert steps == []
    assert same(resumed, uninterrupted[variant])
    assert resumed.seconds_ == first.seconds_
    assert file.read_bytes() == content
    images = random_data()[0]
    assert np.array_equal(resumed.predict_proba(images), first.predict_proba(images))


def test_checkpoint_of_a_finished_training_has_no_moments(folder):
    train(checkpoint=folder)
    (file,) = folder.iterdir()
    assert {name.split("/")[0] for name in checkpoints.read(file).tensors} == {"net", "random"}


def test_resuming_does_not_change_the_global_random_state(folder, monkeypatch):
    for _ in range(2):
        torch.manual_seed(5)
        expected = torch.rand(3)
        torch.manual_seed(5)
        with monkeypatch.context() as patch:
            stop_at(patch, "write", 2, interrupt)
            with pytest.raises(KeyboardInterrupt):
                train(checkpoint=folder)
        assert torch.equal(torch.rand(3), expected)


# --- identity of checkpoints --------------------------------------------------


def other_trainings():
    """Return settings and data that each differ in one thing from those of `train`."""
    images, genres, valid = random_data()
    pixel = images.copy()
    pixel[7, 3, 2] ^= 1
    label = genres.copy()
    label[5] = "a" if label[5] == "b" else "b"
    other_valid = (valid[0], np.roll(valid[1], 1))
    return {
        "a pixel": ({}, pixel, genres, valid),
        "a label": ({}, images, label, valid),
        "the order": ({}, images[::-1], genres[::-1], valid),
        "the validation part": ({}, images, genres, other_valid),
        "no validation part": ({}, images, genres, None),
        **{
            name: ({name: value}, images, genres, valid)
            for name, value in {
                "epochs": 3, "learning_rate": 1e-3, "weight_decay": 0.0, "batch_size": 10,
                "schedule": "constant", "patience": 5, "augment": {"gain": 0.1}, "balance": True,
                "mixed_precision": True, "channels_last": False, "seed": 1,
                "arguments": {"channels": [4], "hidden": 5, "dropout": 0.2},
            }.items()
        },
    }  # fmt: skip


@pytest.mark.parametrize("difference", other_trainings())
def test_another_training_has_another_checkpoint(difference, folder, monkeypatch):
    settings, images, genres, valid = other_trainings()[difference]
    first = train(checkpoint=folder, epochs=2)
    steps = count_steps(monkeypatch)
    new(checkpoint=folder, **{"epochs": 2, **settings}).fit(images, genres, valid=valid)
    assert steps[0] == 1
    assert len(list(folder.iterdir())) == 2
    steps.clear()
    assert same(train(checkpoint=folder, epochs=2), first)
    assert steps == []


@pytest.mark.parametrize("settings", [{"progress": False}, {"device": "auto"}])
def test_settings_without_influence_on_the_weights_share_a_checkpoint(
    settings, folder, monkeypatch
):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    train(checkpoint=folder)
    steps = count_steps(monkeypatch)
    train(checkpoint=str(folder), **settings)
    assert steps == []


def test_memory_map_shares_the_checkpoint_of_the_array(folder, tmp_path, monkeypatch):
    train(checkpoint=folder)
    images, genres, valid = random_data()
    np.save(tmp_path / "images.npy", images)
    steps = count_steps(monkeypatch)
    stored = np.load(tmp_path / "images.npy", mmap_mode="r")
    new(checkpoint=folder).fit(stored, genres, valid=valid)
    assert steps == []


# --- damaged checkpoints ------------------------------------------------------


def test_truncated_checkpoint_is_ignored(folder, uninterrupted, monkeypatch):
    train(checkpoint=folder)
    (file,) = folder.iterdir()
    whole = file.read_bytes()
    for length in (0, 8, len(whole) // 2, len(whole) - 1):
        file.write_bytes(whole[:length])
        with monkeypatch.context() as patch:
            steps = count_steps(patch)
            assert same(train(checkpoint=folder), uninterrupted["plain"])
        assert len(steps) == EPOCHS * BATCHES
        assert same(train(checkpoint=folder), uninterrupted["plain"])


@pytest.mark.parametrize("place", ["weights", "name of weights", "history", "random state"])
def test_damaged_checkpoint_is_ignored(place, folder, uninterrupted, monkeypatch):
    """One bit is flipped."""
    with monkeypatch.context() as patch:
        stop_at(patch, "write", 3, interrupt)
        with pytest.raises(KeyboardInterrupt):
            train(checkpoint=folder)
    (file,) = folder.iterdir()
    content = bytearray(file.read_bytes())
    weights = checkpoints.read(file).tensors["net/head.1.weight"].numpy().tobytes()
    random = checkpoints.read(file).tensors["random/cpu"].numpy().tobytes()
    start = {
        "weights": content.find(weights) + 2,
        "name of weights": content.find(b"net/head.1.weight") + 5,
        "history": content.find(b"train_loss"),
        "random state": content.find(random) + 2000,
    }[place]
    content[start] ^= 4
    file.write_bytes(content)
    assert same(train(checkpoint=folder), uninterrupted["plain"])


# --- early stopping -----------------------------------------------------------


def overfitted(**settings) -> NetClassifier:
    """Train on noise, so that the validation loss rises after some epochs."""
    return train(schedule="constant", **settings)


def test_patience_stops_and_takes_the_best_weights():
    """The weights are those of the epoch with the lowest validation loss."""
    stopped = overfitted(patience=3, epochs=40, learning_rate=0.02)
    losses = stopped.history_["valid_loss"]
    best = int(losses.argmin()) + 1
    assert best > 1
    assert len(losses) == best + 3 < 40
    shorter = overfitted(epochs=best, learning_rate=0.02)
    assert same_weights(stopped, shorter)
    assert stopped.history_[:best].equals(shorter.history_)


def test_best_weights_are_taken_if_patience_does_not_run_out():
    patient = overfitted(patience=40, epochs=12, learning_rate=0.02)
    best = int(patient.history_["valid_loss"].argmin()) + 1
    assert len(patient.history_) == 12 > best
    shorter = overfitted(epochs=best, learning_rate=0.02)
    assert same_weights(patient, shorter)


def test_without_patience_the_last_weights_are_taken():
    patient, plain = overfitted(patience=40, epochs=12), overfitted(epochs=12)
    assert patient.history_.equals(plain.history_)
    images, genres, _ = random_data()
    without_valid = new(schedule="constant", epochs=12).fit(images, genres)
    assert same_weights(plain, without_valid)


def test_training_that_stopped_early_is_finished(folder, monkeypatch):
    first = overfitted(patience=3, epochs=40, learning_rate=0.02, checkpoint=folder)
    steps = count_steps(monkeypatch)
    resumed = overfitted(patience=3, epochs=40, learning_rate=0.02, checkpoint=folder)
    assert steps == []
    assert same(first, resumed)


# --- schedules ----------------------------------------------------------------


@given(st.sampled_from(sorted(SCHEDULES)), st.integers(1, 60))
def test_schedules_start_at_one_and_never_rise(name, epochs):
    factors = [SCHEDULES[name](epoch, epochs) for epoch in range(epochs)]
    assert factors[0] == 1
    assert min(factors) > 0
    assert all(late <= early for early, late in pairwise(factors))


def test_cosine_schedule():
    rates = train(schedule="cosine", learning_rate=0.008, epochs=4).history_["learning_rate"]
    half = 0.5**0.5
    np.testing.assert_allclose(rates, [0.008, 0.004 + 0.004 * half, 0.004, 0.004 - 0.004 * half])


def test_constant_schedule():
    rates = train(schedule="constant", learning_rate=0.008).history_["learning_rate"]
    assert rates.tolist() == [0.008] * EPOCHS


# --- data sets ----------------------------------------------------------------

indices = st.lists(st.integers(0, 19), min_size=1, max_size=9)


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    """Images in memory, and the same images as a memory map."""
    images = np.random.default_rng(2).integers(0, 256, (20, 5, 7)).astype(np.uint8)
    path = tmp_path_factory.mktemp("rows") / "images.npy"
    np.save(path, images)
    return images, np.load(path, mmap_mode="r")


@given(rows=indices)
def test_rows_of_a_memory_map(rows, stored):
    """In the given order, with repetitions, and as a copy."""
    images, memory_map = stored
    data = ArrayDataset(memory_map, np.arange(20))
    batch, labels = data.__getitems__(rows)
    assert batch.dtype == torch.uint8
    assert np.array_equal(batch.numpy(), images[rows])
    assert labels.tolist() == rows
    batch.zero_()
    assert np.array_equal(memory_map, images)


@given(rows=indices)
def test_rows_of_several_inputs(rows, stored):
    images, memory_map = stored
    features = np.random.default_rng(1).normal(size=(20, 3))
    data = ArrayDataset({"images": memory_map, "features": features})
    batch, labels = data.__getitems__(rows)
    assert batch.keys() == {"images", "features"}
    assert np.array_equal(batch["images"].numpy(), images[rows])
    assert np.array_equal(batch["features"].numpy(), features[rows])
    assert labels.tolist() == [0] * len(rows)


def test_one_row_is_a_batch_of_one(stored):
    batch, labels = ArrayDataset(stored[1], np.arange(20))[4]
    assert np.array_equal(batch.numpy(), stored[0][4:5])
    assert labels.tolist() == [4]
    assert len(ArrayDataset({"images": stored[1]})) == 20


def test_an_epoch_has_every_row_once(stored):
    """Skorch's loader returns full batches, shuffled, without repetition."""
    net = new(epochs=1).fit(stored[1], np.array(["a", "b"] * 10)).net_
    batches = list(net.get_iterator(ArrayDataset(stored[1], np.arange(20)), training=True))
    assert [len(images) for images, _ in batches] == [8, 8, 4]
    order = torch.cat([labels for _, labels in batches]).numpy()
    assert sorted(order) == list(range(20))
    assert order.tolist() != list(range(20))
    assert np.array_equal(torch.cat([images for images, _ in batches]).numpy(), stored[0][order])


def test_predicting_keeps_the_order(stored):
    net = new(epochs=1).fit(stored[1], np.array(["a", "b"] * 10))
    whole = net.predict_proba(stored[1])
    parts = np.concatenate([net.predict_proba(stored[0][row : row + 1]) for row in range(20)])
    np.testing.assert_allclose(whole, parts, atol=1e-6)


# --- names of checkpoints -----------------------------------------------------


def test_name_has_architecture_code_and_training(folder):
    train(checkpoint=folder, epochs=1)
    (file,) = folder.iterdir()
    code = training_digest("minivgg")
    assert re.fullmatch(rf"minivgg-{code}-[0-9a-f]{{16}}\.safetensors", file.name)


def test_only_checkpoints_of_the_same_architecture_by_other_code_are_removed(tmp_path):
    code, training = "0" * 8, "a" * 16
    outdated = f"minivgg-{code}-{training}"
    others = [
        f"resnet34-{code}-{training}", f"other-minivgg-{code}-{training}", "minivgg",
        f"minivgg-{code}-{training[1:]}", f"minivgg-{code[1:]}-{training}", f"{code}-{training}",
    ]  # fmt: skip
    for name in (outdated, *others):
        (tmp_path / f"{name}.safetensors").write_bytes(b"")
    train(checkpoint=tmp_path, epochs=1)
    names = {file.stem for file in tmp_path.iterdir()}
    assert set(others) < names
    assert outdated not in names
    assert len(names) == len(others) + 1


def test_checkpoints_of_a_longer_architecture_name_are_not_removed(tmp_path):
    file = tmp_path / f"resnet34-features-{'0' * 8}-{'a' * 16}.safetensors"
    file.write_bytes(b"")
    _remove_outdated(tmp_path, "resnet34", "1" * 8)
    assert file.exists()
    _remove_outdated(tmp_path, "resnet34-features", "1" * 8)
    assert not file.exists()
