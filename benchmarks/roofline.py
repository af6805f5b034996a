"""What bounds a training step: arithmetic, memory traffic and this processor's limits.

The nets are those of `runs/quick.yml`, with their settings, on random images of 64 x 64, with
one thread, as each of that run's experiments. Times are those of the processor, so that
another program takes nothing of them but cache and memory.

After S. Williams, A. Waterman and D. Patterson, "Roofline: an insightful visual performance
model for multicore architectures", Communications of the ACM 52(4), 2009.
"""

import functools
import statistics
import time
from pathlib import Path

import numpy as np
import torch
import yaml
from threadpoolctl import threadpool_limits
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import flop_registry

import gtzan_lib as gl
from gtzan_lib.models.registry import input_axes

SIZE, WINDOWS, FEATURES, ROUNDS, ROUNDS_OF_CHANGES = 64, 10, 57, 9, 3
RUN = Path(__file__).parents[1] / "runs" / "quick.yml"
# Side of the matrices, and length of the vectors, which no processor's cache holds.
SIDE, LENGTH = 2048, 2**24
CHANGES = {
    "batches four times as large": {"batch_size": 4},
    "channels_last off": {"channels_last": False},
    "bfloat16": {"mixed_precision": True},
}
CHANGED = ("minivgg-3s", "resnet34-3s")


def measure():
    with threadpool_limits(1):
        yield from _measure()


def _measure():
    nets = _nets()
    arithmetic, memory = _limits(rounds=ROUNDS)
    yield f"product of matrices, {SIDE} x {SIDE}", f"{arithmetic / 1e9:.1f} GFLOP/s"
    yield "a = b + s * c, vectors of 64 MiB", f"{memory / 1e9:.1f} GB/s"
    yield "intensity where the limits meet", f"{arithmetic / memory:.1f} FLOP/byte"
    for name, (architecture, settings) in nets.items():
        net, batch = _trained(architecture, settings)
        yield from _roofline(name, net, batch)
    for name in CHANGED:
        for change, settings in CHANGES.items():
            yield f"{name}, {change}: time an image", f"{_ratio(*nets[name], settings):.2f}"


class Operations(TorchDispatchMode):
    """Counts arithmetic and memory traffic of all operations of PyTorch that run inside.

    The traffic is counted as if each operation read its inputs from memory, and wrote its
    outputs there, once: activations, weights, gradients and the optimiser's state. Views
    move nothing. An operation with several passes over its inputs moves more than this,
    and what is still in a cache is not moved.

    Attributes
    ----------
    flops : list of int
        Floating-point operations of each operation: two a multiplication, of matrix
        products, convolutions and LSTMs alone.
    bytes : list of int
        Bytes that each reads and writes.
    seconds : list of float
        Times that they took.
    """

    def __init__(self):
        super().__init__()
        self.flops, self.bytes, self.seconds = [], [], []

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        start = time.process_time()
        out = function(*args, **kwargs)
        seconds = time.process_time() - start
        if isinstance(function, torch._ops.OpOverload):
            formula = _FORMULAS.get(function.overloadpacket)
            self.flops.append(formula(*args, **kwargs, out_val=out) if formula else 0)
            self.bytes.append(_traffic(function, args, kwargs, out))
            self.seconds.append(seconds)
        return out

    def shortest(self, arithmetic, memory):
        """Return the shortest times in seconds of each operation by the two limits."""
        return np.array(self.flops) / arithmetic, np.array(self.bytes) / memory


def _lstm(x, weight, recurrent, *args, **kwargs):
    rows = x.numel() // x.shape[-1]
    return 2 * rows * (weight.numel() + recurrent.numel())


_aten = torch.ops.aten
# PyTorch's own counter has no formula for the LSTM of oneDNN. Like that of any matrix
# product, its backward pass has the gradients of the inputs and those of the weights.
_FORMULAS = {
    **flop_registry,
    _aten.mkldnn_rnn_layer: _lstm,
    _aten.mkldnn_rnn_layer_backward: lambda *args, **kwargs: 2 * _lstm(*args),
}
_MOVES_NOTHING = {_aten.empty, _aten.empty_like, _aten.new_empty, _aten._unsafe_view}
# Of their first argument they need no value.
_ONLY_WRITES = {_aten.bernoulli_, _aten.copy_, _aten.fill_, _aten.zero_, _aten.ones_like}
# Gradients are declared as written, because scaled ones would be.
_NOT_WRITTEN = {(_aten._fused_adam_, "grads")}


def _traffic(function, args, kwargs, out):
    operation, schema = function.overloadpacket, function._schema
    if function.is_view or operation in _MOVES_NOTHING:
        return 0
    names = [argument.name for argument in schema.arguments]
    values = {**dict(zip(names, args, strict=False)), **kwargs}
    total = 0
    for argument in schema.arguments:
        size = _size(values.get(argument.name))
        written = argument.alias_info is not None and argument.alias_info.is_write
        if argument.name != names[0] or operation not in _ONLY_WRITES:
            total += size
        if written and (operation, argument.name) not in _NOT_WRITTEN:
            total += size
    outs = (out,) if len(schema.returns) == 1 else out or ()
    for value, declared in zip(outs, schema.returns, strict=True):
        # Otherwise it is one of the arguments, which are counted.
        if declared.alias_info is None:
            total += _size(value)
    return total


def _size(value):
    tensors = (leaf for leaf in tree_leaves(value) if isinstance(leaf, torch.Tensor))
    # An expanded tensor is larger than what is stored of it.
    return sum(min(tensor.nbytes, tensor.untyped_storage().nbytes()) for tensor in tensors)


def _roofline(name, net, batch):
    n, step = len(batch[1]), net.net_.train_step
    with Operations() as forward:
        net.net_.infer(batch[0])
    rounds = []
    for _ in range(ROUNDS):
        # Alternating, so that a slow machine slows the limits as well.
        arithmetic, memory = _limits()
        seconds = _seconds(step, batch)
        with Operations() as operations:
            step(batch)
        by_arithmetic, by_memory = operations.shortest(arithmetic, memory)
        shortest = np.maximum(by_arithmetic, by_memory)
        moving = shortest[by_memory > by_arithmetic].sum() / shortest.sum()
        computing = np.array(operations.seconds)[by_arithmetic > 0].sum()
        times = by_arithmetic.sum(), by_memory.sum(), shortest.sum(), computing
        rounds.append([seconds, *(time / seconds for time in times), moving])
    seconds, *shares = np.median(rounds, axis=0)
    forwards, flops, moved = map(sum, (forward.flops, operations.flops, operations.bytes))
    yield (
        f"{name}: arithmetic, forward + backward",
        f"{forwards / n / 1e9:.3f} + {(flops - forwards) / n / 1e9:.3f} GFLOP an input",
    )
    yield f"{name}: memory traffic", f"{moved / n / 1e6:.1f} MB an input"
    yield f"{name}: intensity", f"{flops / moved:.1f} FLOP/byte"
    yield f"{name}: a step of {n}", f"{1000 * seconds:.0f} ms"
    labels = (
        "shortest time by arithmetic, of the step's",
        "shortest time by memory",
        "shortest time by either, for each operation",
        "time in products and convolutions",
        "operations bound by memory, of the shortest",
    )
    for label, share in zip(labels, shares, strict=True):
        yield f"{name}: {label}", f"{share:.0%}"


def _limits(rounds=1):
    """Measure the limits of arithmetic in FLOP/s and of memory in bytes per second."""
    (left, right, product), (a, b, c) = _operands()
    products = [_seconds(torch.mm, left, right, out=product) for _ in range(rounds)]
    sums = [_seconds(torch.add, b, c, alpha=3, out=a) for _ in range(rounds)]
    # Two vectors are read and one is written.
    traffic = 3 * a.nbytes
    return 2 * SIDE**3 / statistics.median(products), traffic / statistics.median(sums)


@functools.cache
def _operands():
    return torch.ones(3, SIDE, SIDE), torch.ones(3, LENGTH)


def _ratio(architecture, settings, change):
    """Return the time that an image takes with a change, divided by that without."""
    changed = {**settings, **change}
    if "batch_size" in change:
        changed["batch_size"] *= settings["batch_size"]
    net, batch = _trained(architecture, settings)
    other, others = _trained(architecture, changed)
    ratios = []
    for _ in range(ROUNDS_OF_CHANGES):
        before = _seconds(net.net_.train_step, batch) / len(batch[1])
        ratios.append(_seconds(other.net_.train_step, others) / len(others[1]) / before)
    return statistics.median(ratios)


def _seconds(function, *args, **kwargs):
    start = time.process_time()
    function(*args, **kwargs)
    return time.process_time() - start


def _nets():
    """Return the nets of the quick run: name, architecture and settings."""
    experiments = yaml.safe_load(RUN.read_text(encoding="utf-8"))["experiments"]
    nets = {
        name: (experiment.get("architecture", "minivgg"), _settings(experiment))
        for name, experiment in experiments.items()
        if experiment.get("notebook") == "08_cnn"
    }
    recurrent = _settings(experiments["07_rnn"])
    return nets | {name: (name, recurrent) for name in ("crnn", "tracknet")}


def _settings(experiment):
    names = ("arguments", "learning_rate", "batch_size")
    return {name: experiment[name] for name in names if name in experiment} | experiment.get(
        "training", {}
    )


def _trained(architecture, settings):
    """Return a net after an epoch, and a batch for its next step."""
    rng = np.random.default_rng(0)
    n, axes = settings["batch_size"], input_axes(architecture)
    windows = (WINDOWS,) if axes["images"] == 4 else ()
    images = rng.integers(0, 256, (2 * n, *windows, SIZE, SIZE), dtype=np.uint8)
    inputs = {"images": images}
    if "features" in axes:
        inputs["features"] = rng.normal(size=(2 * n, FEATURES))
    X = inputs if "features" in axes else images
    labels = np.arange(2 * n) % 10
    net = gl.NetClassifier(architecture, **settings, epochs=1, device="cpu", progress=False)
    net.fit(X, labels)
    rows = {name: torch.from_numpy(values[:n]) for name, values in inputs.items()}
    batch = rows if "features" in axes else rows["images"]
    return net, (batch, torch.from_numpy(labels[:n]))
