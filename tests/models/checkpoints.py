"""Writes small TensorFlow V2 checkpoints, as the description of the format has them."""

import functools
import struct
from pathlib import Path

import numpy as np

from gtzan_lib.models.tensorflow_checkpoint import masked_crc32c

TYPES = {"float32": 1, "float64": 2, "int32": 3, "int64": 9, "bool": 10, "float16": 19}

# The same content is written again and again; a megabyte takes half a second.
checksum = functools.cache(masked_crc32c)


def varint(value):
    low = value & 0x7F
    return bytes([low]) if value < 0x80 else bytes([low | 0x80]) + varint(value >> 7)


def number(field, value):
    return varint(field << 3) + varint(value)


def message(field, content):
    return varint(field << 3 | 2) + varint(len(content)) + content


def block(entries, *, interval=16, kind=0):
    """A block of a table, with type and checksum; one key in `interval` is whole."""
    content, restarts, last = b"", [], b""
    for i, (key, value) in enumerate(entries):
        shared = 0
        if i % interval:
            pairs = zip(last, key, strict=False)
            shared = next((n for n, (a, b) in enumerate(pairs) if a != b), min(len(last), len(key)))
        else:
            restarts.append(len(content))
        content += varint(shared) + varint(len(key) - shared) + varint(len(value))
        content += key[shared:] + value
        last = key
    restarts = restarts or [0]
    content += struct.pack(f"<{len(restarts) + 1}I", *restarts, len(restarts)) + bytes([kind])
    return content + struct.pack("<I", checksum(content))


def table(entries, *, per_block, kind=0):
    """A table of sorted keys; its blocks are at its beginning, the index at its end."""
    content, handles = b"", []
    entries = sorted(entries)
    for at in range(0, len(entries), per_block):
        part = entries[at : at + per_block]
        blocked = block(part, kind=kind)
        # Size without type and checksum.
        handles.append((part[-1][0], varint(len(content)) + varint(len(blocked) - 5)))
        content += blocked
    footer = b""
    for one in (block([]), block(handles, interval=1)):
        footer += varint(len(content)) + varint(len(one) - 5)
        content += one
    return content + footer.ljust(40, b"\0") + struct.pack("<Q", 0xDB4775248B80FB57)


def write_checkpoint(prefix, variables, *, shards=1, per_block=10, kind=0, endianness=0, extra=b""):
    """Write arrays by name; `extra` is added to the entry of each."""
    data, entries = [b""] * shards, [(b"", number(1, shards) + number(2, endianness))]
    for i, (name, values) in enumerate(sorted(variables.items())):
        content, shard = values.tobytes(), i % shards
        shape = b"".join(message(2, number(1, length)) for length in values.shape)
        entry = number(1, TYPES.get(str(values.dtype), 7)) + message(2, shape)
        entry += number(3, shard) + number(4, len(data[shard])) + number(5, len(content))
        entry += varint(6 << 3 | 5) + struct.pack("<I", checksum(content)) + extra
        entries.append((name.encode(), entry))
        data[shard] += content
    Path(f"{prefix}.index").write_bytes(table(entries, per_block=per_block, kind=kind))
    for shard, content in enumerate(data):
        Path(f"{prefix}.data-{shard:05d}-of-{shards:05d}").write_bytes(content)


def random_musicnn(seed=0):
    """Return random values for all variables of MusiCNN, as TensorFlow names and shapes them."""
    rng = np.random.default_rng(seed)
    shapes = [(7, 38, 1, 204), (7, 67, 1, 204), (128, 1, 1, 51), (64, 1, 1, 51), (32, 1, 1, 51)]
    shapes += [(7, 561, 1, 64), (7, 64, 1, 64), (7, 64, 1, 64), (1506, 200), (200, 50)]
    layers = [f"conv2d_{i}" for i in range(8)] + ["dense", "dense_1"]
    variables = {}
    for layer, shape in zip(layers, shapes, strict=True):
        name = layer.removesuffix("_0")
        variables[f"{name}/kernel"] = rng.normal(0, 0.05, shape)
        variables[f"{name}/bias"] = rng.normal(0, 0.05, shape[-1])
    for i, width in enumerate([1, 204, 204, 51, 51, 51, 64, 64, 64, 1506, 200]):
        name = f"batch_normalization_{i}".removesuffix("_0")
        for part in ("gamma", "beta", "moving_mean", "moving_variance"):
            variables[f"{name}/{part}"] = rng.uniform(0.5, 1.5, width)
    variables["conv2d/kernel/Adam"] = np.zeros(shapes[0])
    return {name: values.astype(np.float32) for name, values in variables.items()}
