"""Reads TensorFlow's V2 checkpoints, without TensorFlow.

A checkpoint with the prefix `model` is an index, `model.index`, and the values of all
variables one after another, `model.data-00000-of-00001` and so on. The index is a
table of sorted keys in LevelDB's format; its values are protocol buffers, one a
variable, with data type, shape, and the place in the data.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from ..errors import ModelError

__all__ = ["TensorFlowCheckpoint", "Variable", "masked_crc32c"]

_FOOTER = 48
_MAGIC = 0xDB4775248B80FB57
# The numbers of TensorFlow's types that have an equal in NumPy.
_TYPES = {
    1: "<f4", 2: "<f8", 3: "<i4", 4: "u1", 5: "<i2", 6: "i1", 9: "<i8", 10: "?",
    17: "<u2", 19: "<f2", 22: "<u4", 23: "<u8",
}  # fmt: skip


@dataclass(frozen=True)
class Variable:
    """Where a checkpoint holds the values of a variable.

    Attributes
    ----------
    dtype : int
        TensorFlow's number of the data type.
    shape : tuple of int
        Length of each axis.
    shard : int
        Number of the data file.
    offset, size : int
        First byte, and number of bytes.
    checksum : int
        Masked CRC-32C of the bytes.
    """

    dtype: int
    shape: tuple[int, ...]
    shard: int
    offset: int
    size: int
    checksum: int


class TensorFlowCheckpoint:
    """A checkpoint, whose values are read on demand.

    Parameters
    ----------
    prefix : str or Path
        What the names of its files have in common, `folder/model` for
        `folder/model.index`. The files of a prefix that ends with a slash are
        named `.index` and so on.

    Attributes
    ----------
    variables : dict of str to Variable
        All variables by name.

    Raises
    ------
    ModelError
        If the index is missing, damaged, or in a variant of the format that no
        version of TensorFlow writes by default: compressed, big-endian or partitioned.

    References
    ----------
    TensorFlow, `tensor_bundle.proto` and `tensor_bundle.h`. LevelDB,
    `doc/table_format.md`.
    """

    def __init__(self, prefix: str | Path) -> None:
        self._prefix = str(prefix)
        self._index = f"{self._prefix}.index"
        try:
            entries = dict(_table(Path(self._index).read_bytes()))
            header = dict(_fields(entries.pop(b"")))
            self.variables = {key.decode(): _variable(entry) for key, entry in entries.items()}
        except OSError as error:
            raise ModelError(
                f"{self._index}: cannot be read; give the prefix of a TensorFlow checkpoint."
            ) from error
        except (LookupError, ValueError, TypeError, struct.error) as error:
            raise ModelError(
                f"{self._index}: is damaged or not the index of a TensorFlow V2 checkpoint; "
                "download it again."
            ) from error
        if header.get(2, 0) != 0:
            raise ModelError(f"{self._index}: is big-endian; save it on another machine.")
        self._shards = _number(header.get(1, 0))

    def read(self, name: str) -> np.ndarray:
        """Return the values of a variable.

        Parameters
        ----------
        name : str
            A key of `variables`.

        Returns
        -------
        np.ndarray
            In the shape and data type of the checkpoint.

        Raises
        ------
        ModelError
            If there is no such variable, its type is not numeric, or the data are
            missing or damaged.
        """
        if name not in self.variables:
            raise ModelError(
                f"{self._index}: has no variable {name!r}; give the checkpoint of another net."
            )
        variable = self.variables[name]
        data = f"{self._prefix}.data-{variable.shard:05d}-of-{self._shards:05d}"
        try:
            with Path(data).open("rb") as file:
                file.seek(variable.offset)
                content = file.read(variable.size)
        except OSError as error:
            raise ModelError(f"{data}: cannot be read; it belongs to the index.") from error
        if variable.dtype not in _TYPES:
            raise ModelError(f"{data}: {name!r} is of a type that cannot be read; leave it out.")
        if len(content) != variable.size or masked_crc32c(content) != variable.checksum:
            raise ModelError(f"{data}: the values of {name!r} are damaged; download it again.")
        try:
            return np.frombuffer(content, _TYPES[variable.dtype]).reshape(variable.shape)
        except ValueError as error:
            raise ModelError(
                f"{data}: the values of {name!r} do not fit their shape; download it again."
            ) from error


def masked_crc32c(content: bytes) -> int:
    """Return the checksum that tables and checkpoints store.

    Parameters
    ----------
    content : bytes
        Any bytes; a megabyte takes about half a second.

    Returns
    -------
    int
        CRC-32C (Castagnoli), rotated by 15 bits plus a constant, so that a checksum
        of data with checksums stays useful.
    """
    table, crc = _crc_table(), 0xFFFFFFFF
    for byte in content:
        crc = table[(crc ^ byte) & 0xFF] ^ (crc >> 8)
    crc ^= 0xFFFFFFFF
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


@cache
def _crc_table() -> list[int]:
    table = []
    for value in range(256):
        for _ in range(8):
            value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
        table.append(value)
    return table


# --- LevelDB's table ----------------------------------------------------------


def _table(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield keys and values. The last bytes say where the index of the blocks is."""
    footer = content[-_FOOTER:]
    if len(footer) < _FOOTER or int.from_bytes(footer[-8:], "little") != _MAGIC:
        raise ValueError("no table")
    _, _, at = _handle(footer, 0)
    index_at, index_size, _ = _handle(footer, at)
    for _, handle in _entries(_block(content, index_at, index_size)):
        block_at, block_size, _ = _handle(handle, 0)
        yield from _entries(_block(content, block_at, block_size))


def _block(content: bytes, at: int, size: int) -> bytes:
    """Return a block; type and checksum follow it."""
    block, (kind, checksum) = content[at : at + size], struct.unpack_from("<BI", content, at + size)
    if kind != 0 or masked_crc32c(content[at : at + size + 1]) != checksum:
        raise ValueError("a compressed or damaged block")
    return block


def _entries(block: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield the entries of a block; a key shares its beginning with the one before."""
    (restarts,) = struct.unpack_from("<I", block, len(block) - 4)
    at, end, key = 0, len(block) - 4 * (restarts + 1), b""
    while at < end:
        shared, at = _varint(block, at)
        own, at = _varint(block, at)
        length, at = _varint(block, at)
        key = key[:shared] + block[at : at + own]
        at += own
        yield key, block[at : at + length]
        at += length


def _handle(content: bytes, at: int) -> tuple[int, int, int]:
    """Return offset and size of a block, and where the next handle begins."""
    offset, at = _varint(content, at)
    size, at = _varint(content, at)
    return offset, size, at


def _varint(content: bytes, at: int) -> tuple[int, int]:
    """Return a number, seven bits a byte, lowest first, and where the next one begins."""
    value = shift = 0
    while True:
        byte = content[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at


# --- protocol buffers ---------------------------------------------------------


def _fields(message: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Yield number and value of the fields of a protocol buffer."""
    at = 0
    while at < len(message):
        tag, at = _varint(message, at)
        kind = tag & 7
        value: int | bytes
        if kind == 0:
            value, at = _varint(message, at)
        elif kind == 2:
            length, at = _varint(message, at)
            value, at = message[at : at + length], at + length
        elif kind == 5:
            (value,) = struct.unpack_from("<I", message, at)
            at += 4
        else:
            raise ValueError("no message of a checkpoint")
        yield tag >> 3, value


def _variable(message: bytes) -> Variable:
    fields = dict(_fields(message))
    if 7 in fields:
        raise ValueError("a partitioned variable")
    axes = [dict(_fields(_bytes(v))) for n, v in _fields(_bytes(fields.get(2, b""))) if n == 2]
    return Variable(
        dtype=_number(fields.get(1, 0)),
        shape=tuple(_number(axis.get(1, 0)) for axis in axes),
        shard=_number(fields.get(3, 0)),
        offset=_number(fields.get(4, 0)),
        size=_number(fields.get(5, 0)),
        checksum=_number(fields.get(6, 0)),
    )


def _number(value: int | bytes) -> int:
    if not isinstance(value, int):
        raise TypeError("not a number")
    return value


def _bytes(value: int | bytes) -> bytes:
    if not isinstance(value, bytes):
        raise TypeError("not a message")
    return value
