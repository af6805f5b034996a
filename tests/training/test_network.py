"""The loop: whatever stops a training, starting it again gives the same net."""

import os
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
from gtzan_lib.training.network import SCHEDULES, Loop, Rows

VARIANTS = {
    "plain": {},
    "patience": {"patience": 4},
    "augment": {"augment": {"time_mask": 0.3, "crop": 0.2, "gain": 0.1, "mixup": 0.3}},
    "cosine": {"schedule": "cosine", "balance": True},
}
EPOCHS, BATCHES = 6, 5
# Where training is killed: at which call of what, and how many epochs are kept.
BLOWS = {
    "after an epoch": ("write", 3, 3),
    "within an epoch": ("step", 2 * BATCHES + 3, 2),
    "while writing": ("bytes", 3, 2),
    "within the last epoch": ("step", 6 * BATCHES, 5),
}
KILLED = [
    *((variant, "after an epoch") for variant in VARIANTS),
    *(("plain", blow) for blow in list(BLOWS)[1:]),
]


def lesson() -> tuple[np.ndarray, np.ndarray, tuple[np.ndarray, np.ndarray]]:
    rng = np.random.default_rng(3)
    images = rng.integers(0, 256, (60, 8, 8)).astype(np.uint8)
    genres = np.array(["a", "b", "b"] * 20)
    return images[:40], genres[:40], (images[40:], genres[40:])


def new(**settings) -> NetClassifier:
    arguments = {"channels": [4], "hidden": 4, "dropout": 0.2}
    common = {"arguments": arguments, "epochs": EPOCHS, "batch_size": 8, "learning_rate": 3e-3}
    return NetClassifier(**{"device": "cpu", **common, **settings})


def train(**settings) -> NetClassifier:
    images, genres, valid = lesson()
    return new(**settings).fit(images, genres, valid=valid)


def same(a: NetClassifier, b: NetClassifier) -> bool:
    one, other = a.net_.bare_module.state_dict(), b.net_.bare_module.state_dict()
    equal = one.keys() == other.keys() and all(torch.equal(one[k], other[k]) for k in one)
    return equal and a.history_.equals(b.history_)


def strike(patch: pytest.MonkeyPatch, what: str, number: int, blow) -> None:
    """Make the n-th step, or the n-th writing of a checkpoint, end in a blow."""
    calls = []

    def step(self, *args, **kwargs):
        calls.append(1)
        if len(calls) == number:
            blow()
        return plain_step(self, *args, **kwargs)

    def write(*args):
        plain_write(*args)
        calls.append(1)
        if len(calls) == number:
            blow()

    def write_bytes(self, content):
        calls.append(1)
        if len(calls) == number:
            plain_bytes(self, content[: len(content) // 2])
            blow()
        return plain_bytes(self, content)

    plain_step, plain_write = Loop.train_step_single, checkpoints.write
    plain_bytes = Path.write_bytes
    if what == "step":
        patch.setattr(Loop, "train_step_single", step)
    elif what == "write":
        patch.setattr(checkpoints, "write", write)
    else:
        patch.setattr(Path, "write_bytes", write_bytes)


def interrupt() -> None:
    raise KeyboardInterrupt


def kill() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def counted(patch: pytest.MonkeyPatch) -> list[int]:
    """Count the steps that are trained from here on."""
    calls: list[int] = []
    plain = Loop.train_step_single

    def step(self, *args, **kwargs):
        calls.append(len(self.history))
        return plain(self, *args, **kwargs)

    patch.setattr(Loop, "train_step_single", step)
    return calls


SCRIPT = """
import os, sys
import pytest, torch
from tests.learn import test_loop as here

torch.set_num_threads(1)
here.train(epochs=1)  # loads what is loaded late, for all of them
for number, (variant, blow) in enumerate(here.KILLED):
    child = os.fork()
    if not child:
        here.strike(pytest.MonkeyPatch(), *here.BLOWS[blow][:2], here.kill)
        here.train(checkpoint=f"{sys.argv[1]}/{number}", **here.VARIANTS[variant])
        os._exit(0)
    print(os.waitpid(child, 0)[1])
"""


@pytest.fixture(scope="module")
def killed(tmp_path_factory):
    """Folders of checkpoints of trainings that were killed."""
    folder = tmp_path_factory.mktemp("killed")
    answer = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(folder)],
        capture_output=True, text=True, cwd=Path(__file__).parents[2],
    )  # fmt: skip
    assert answer.returncode == 0, answer.stderr
    assert answer.stdout.split() == [str(int(signal.SIGKILL))] * len(KILLED)
    return {case: folder / str(number) for number, case in enumerate(KILLED)}


@pytest.fixture(scope="module")
def undisturbed():
    torch.set_num_threads(1)
    return {variant: train(**settings) for variant, settings in VARIANTS.items()}


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "checkpoints"


# --- stopped and started again ------------------------------------------------


@pytest.mark.parametrize(("variant", "blow"), KILLED)
def test_killed_training_goes_on(variant, blow, killed, undisturbed, monkeypatch):
    """Bit by bit the net of one that was never killed."""
    steps = counted(monkeypatch)
    again = train(checkpoint=killed[variant, blow], **VARIANTS[variant])
    assert same(again, undisturbed[variant])
    assert len(steps) == BATCHES * (len(again.history_) - BLOWS[blow][2])


@pytest.mark.parametrize("variant", VARIANTS)
def test_checkpoints_have_no_influence(variant, folder, undisturbed):
    assert same(train(checkpoint=folder, **VARIANTS[variant]), undisturbed[variant])
    assert len(list(folder.iterdir())) == 1


@pytest.mark.parametrize("variant", VARIANTS)
def test_interrupt_reaches_the_user_and_training_goes_on(variant, folder, undisturbed, monkeypatch):
    """skorch by itself would pass over it, and give a net that is not trained."""
    with monkeypatch.context() as patch:
        strike(patch, "step", 2 * BATCHES + 3, interrupt)
        with pytest.raises(KeyboardInterrupt):
            train(checkpoint=folder, **VARIANTS[variant])
    (file,) = folder.iterdir()
    assert len(checkpoints.read(file).state["history"]) == 2
    steps = counted(monkeypatch)
    again = train(checkpoint=folder, **VARIANTS[variant])
    assert len(steps) == BATCHES * (len(again.history_) - 2)
    assert same(again, undisturbed[variant])
    assert again.seconds_ > 0


@pytest.mark.parametrize("step", [1, 2, EPOCHS * BATCHES - 1, EPOCHS * BATCHES])
def test_interrupt_in_any_epoch_reaches_the_user(step, folder, undisturbed, monkeypatch):
    with monkeypatch.context() as patch:
        strike(patch, "step", step, interrupt)
        with pytest.raises(KeyboardInterrupt):
            train(checkpoint=folder)
    assert same(train(checkpoint=folder), undisturbed["plain"])


def test_interrupt_without_checkpoints_reaches_the_user(monkeypatch, undisturbed):
    with monkeypatch.context() as patch:
        strike(patch, "step", 8, interrupt)
        with pytest.raises(KeyboardInterrupt):
            train()
    assert same(train(), undisturbed["plain"])


def test_stopped_many_times(folder, undisturbed, monkeypatch):
    for _ in range(EPOCHS - 1):
        with monkeypatch.context() as patch:
            strike(patch, "write", 1, interrupt)
            with pytest.raises(KeyboardInterrupt):
                train(checkpoint=folder, **VARIANTS["augment"])
    assert same(train(checkpoint=folder, **VARIANTS["augment"]), undisturbed["augment"])


@pytest.mark.parametrize("variant", ["plain", "patience"])
def test_finished_training_is_not_repeated(variant, folder, undisturbed, monkeypatch):
    first = train(checkpoint=folder, **VARIANTS[variant])
    (file,) = folder.iterdir()
    content = file.read_bytes()
    steps = counted(monkeypatch)
    again = train(checkpoint=folder, **VARIANTS[variant])
    assert steps == []
    assert same(again, undisturbed[variant])
    assert again.seconds_ == first.seconds_
    assert file.read_bytes() == content
    images = lesson()[0]
    assert np.array_equal(again.predict_proba(images), first.predict_proba(images))


def test_finished_training_is_kept_without_moments(folder):
    train(checkpoint=folder)
    (file,) = folder.iterdir()
    assert {name.split("/")[0] for name in checkpoints.read(file).tensors} == {"net", "random"}


def test_going_on_leaves_the_global_random_state_alone(folder, monkeypatch):
    for _ in range(2):
        torch.manual_seed(5)
        expected = torch.rand(3)
        torch.manual_seed(5)
        with monkeypatch.context() as patch:
            strike(patch, "write", 2, interrupt)
            with pytest.raises(KeyboardInterrupt):
                train(checkpoint=folder)
        assert torch.equal(torch.rand(3), expected)


# --- whose checkpoint it is ---------------------------------------------------


def others():
    images, genres, valid = lesson()
    pixel = images.copy()
    pixel[7, 3, 2] ^= 1
    label = genres.copy()
    label[5] = "a" if label[5] == "b" else "b"
    held = (valid[0], np.roll(valid[1], 1))
    return {
        "a pixel": ({}, pixel, genres, valid),
        "a label": ({}, images, label, valid),
        "the order": ({}, images[::-1], genres[::-1], valid),
        "the validation part": ({}, images, genres, held),
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


@pytest.mark.parametrize("what", others())
def test_another_training_has_another_checkpoint(what, folder, monkeypatch):
    settings, images, genres, valid = others()[what]
    first = train(checkpoint=folder, epochs=2)
    steps = counted(monkeypatch)
    new(checkpoint=folder, **{"epochs": 2, **settings}).fit(images, genres, valid=valid)
    assert steps[0] == 1
    assert len(list(folder.iterdir())) == 2
    steps.clear()
    assert same(train(checkpoint=folder, epochs=2), first)
    assert steps == []


@pytest.mark.parametrize("settings", [{"progress": False}, {"device": "auto"}])
def test_what_the_net_does_not_depend_on_does_not_matter(settings, folder, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    train(checkpoint=folder)
    steps = counted(monkeypatch)
    train(checkpoint=str(folder), **settings)
    assert steps == []


def test_a_memory_map_is_the_same_data(folder, tmp_path, monkeypatch):
    train(checkpoint=folder)
    images, genres, valid = lesson()
    np.save(tmp_path / "images.npy", images)
    steps = counted(monkeypatch)
    stored = np.load(tmp_path / "images.npy", mmap_mode="r")
    new(checkpoint=folder).fit(stored, genres, valid=valid)
    assert steps == []


# --- damage -------------------------------------------------------------------


def test_truncated_checkpoint_begins_anew(folder, undisturbed, monkeypatch):
    train(checkpoint=folder)
    (file,) = folder.iterdir()
    whole = file.read_bytes()
    for length in (0, 8, len(whole) // 2, len(whole) - 1):
        file.write_bytes(whole[:length])
        with monkeypatch.context() as patch:
            steps = counted(patch)
            assert same(train(checkpoint=folder), undisturbed["plain"])
        assert len(steps) == EPOCHS * BATCHES
        assert same(train(checkpoint=folder), undisturbed["plain"])


@pytest.mark.parametrize("place", ["weights", "name of weights", "history", "random state"])
def test_damaged_checkpoint_begins_anew(place, folder, undisturbed, monkeypatch):
    """One bit, as a disk or a copy may turn it."""
    with monkeypatch.context() as patch:
        strike(patch, "write", 3, interrupt)
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
    assert same(train(checkpoint=folder), undisturbed["plain"])


# --- patience -----------------------------------------------------------------


def by_heart(**settings) -> NetClassifier:
    """Learn noise by heart, which before long makes what is validated on worse."""
    return train(schedule="constant", **settings)


def test_patience_stops_and_takes_the_best_weights():
    """Those of the epoch with the lowest loss, as if it had been the last."""
    watched = by_heart(patience=3, epochs=40, learning_rate=0.02)
    losses = watched.history_["valid_loss"]
    best = int(losses.argmin()) + 1
    assert best > 1
    assert len(losses) == best + 3 < 40
    shorter = by_heart(epochs=best, learning_rate=0.02)
    one, other = (net.net_.bare_module.state_dict() for net in (watched, shorter))
    assert all(torch.equal(one[name], other[name]) for name in one)
    assert watched.history_[:best].equals(shorter.history_)


def test_patience_that_is_never_lost_takes_the_best_weights_too():
    watched = by_heart(patience=40, epochs=12, learning_rate=0.02)
    best = int(watched.history_["valid_loss"].argmin()) + 1
    assert len(watched.history_) == 12 > best
    shorter = by_heart(epochs=best, learning_rate=0.02)
    one, other = (net.net_.bare_module.state_dict() for net in (watched, shorter))
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_without_patience_the_last_weights_are_taken():
    patient, plain = by_heart(patience=40, epochs=12), by_heart(epochs=12)
    assert patient.history_.equals(plain.history_)
    images, genres, _ = lesson()
    alone = new(schedule="constant", epochs=12).fit(images, genres)
    one, other = (net.net_.bare_module.state_dict() for net in (plain, alone))
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_patience_stopped_by_patience_is_finished(folder, monkeypatch):
    first = by_heart(patience=3, epochs=40, learning_rate=0.02, checkpoint=folder)
    steps = counted(monkeypatch)
    again = by_heart(patience=3, epochs=40, learning_rate=0.02, checkpoint=folder)
    assert steps == []
    assert same(first, again)


# --- schedules ----------------------------------------------------------------


@given(st.sampled_from(sorted(SCHEDULES)), st.integers(1, 60))
def test_schedules_start_at_one_and_never_rise(name, epochs):
    factors = [SCHEDULES[name](epoch, epochs) for epoch in range(epochs)]
    assert factors[0] == 1
    assert min(factors) > 0
    assert all(late <= early for early, late in pairwise(factors))


def test_cosine_by_hand():
    rates = train(schedule="cosine", learning_rate=0.008, epochs=4).history_["learning_rate"]
    half = 0.5**0.5
    np.testing.assert_allclose(rates, [0.008, 0.004 + 0.004 * half, 0.004, 0.004 - 0.004 * half])


def test_constant_stays():
    rates = train(schedule="constant", learning_rate=0.008).history_["learning_rate"]
    assert rates.tolist() == [0.008] * EPOCHS


# --- rows ---------------------------------------------------------------------

picks = st.lists(st.integers(0, 19), min_size=1, max_size=9)


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    """Images in memory, and the same ones on disk."""
    images = np.random.default_rng(2).integers(0, 256, (20, 5, 7)).astype(np.uint8)
    path = tmp_path_factory.mktemp("rows") / "images.npy"
    np.save(path, images)
    return images, np.load(path, mmap_mode="r")


@given(picks=picks)
def test_rows_of_a_memory_map(picks, stored):
    """In the order asked for, repeated where asked twice, and not to be written through."""
    images, on_disk = stored
    rows = Rows(on_disk, np.arange(20))
    batch, labels = rows.__getitems__(picks)
    assert batch.dtype == torch.uint8
    assert np.array_equal(batch.numpy(), images[picks])
    assert labels.tolist() == picks
    batch.zero_()
    assert np.array_equal(on_disk, images)


@given(picks=picks)
def test_rows_of_several_inputs(picks, stored):
    images, on_disk = stored
    features = np.random.default_rng(1).normal(size=(20, 3))
    batch, labels = Rows({"images": on_disk, "features": features}).__getitems__(picks)
    assert batch.keys() == {"images", "features"}
    assert np.array_equal(batch["images"].numpy(), images[picks])
    assert np.array_equal(batch["features"].numpy(), features[picks])
    assert labels.tolist() == [0] * len(picks)


def test_one_row_is_a_batch_of_one(stored):
    batch, labels = Rows(stored[1], np.arange(20))[4]
    assert np.array_equal(batch.numpy(), stored[0][4:5])
    assert labels.tolist() == [4]
    assert len(Rows({"images": stored[1]})) == 20


def test_an_epoch_gives_every_row_once(stored):
    """Also through skorch's loader: whole batches, shuffled, none of them twice."""
    net = new(epochs=1).fit(stored[1], np.array(["a", "b"] * 10)).net_
    batches = list(net.get_iterator(Rows(stored[1], np.arange(20)), training=True))
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


def test_checkpoints_of_other_code_are_cleared_and_nothing_else(tmp_path):
    names = ["0" * 8 + "-" + "a" * 16, "mine", "0" * 8 + "-" + "a" * 15]
    for name in names:
        (tmp_path / f"{name}.safetensors").write_bytes(b"")
    train(checkpoint=tmp_path, epochs=1)
    left = {file.stem for file in tmp_path.iterdir()}
    assert set(names[1:]) < left
    assert names[0] not in left
    assert len(left) == 3
