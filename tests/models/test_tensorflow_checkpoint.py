"""The reader of TensorFlow's checkpoints, against a writer and known values."""

import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from gtzan_lib.errors import ModelError
from gtzan_lib.models.tensorflow_checkpoint import TensorFlowCheckpoint, masked_crc32c

from .checkpoints import message, number, table, write_checkpoint

values = arrays.arrays(
    st.sampled_from([np.float32, np.float64, np.float16, np.int32, np.int64, np.bool_]),
    arrays.array_shapes(min_dims=0, max_dims=4, max_side=4),
)
names = st.text(st.characters(codec="utf-8", min_codepoint=33), min_size=1, max_size=12)


@pytest.fixture
def prefix(tmp_path):
    """A checkpoint with two variables."""
    rng = np.random.default_rng(1)
    variables = {name: rng.random((3, 5), dtype=np.float32) for name in ("conv/kernel", "dense")}
    write_checkpoint(tmp_path / "model", variables)
    return tmp_path / "model"


def refused(prefix, message, *, read=None):
    with pytest.raises(ModelError, match=message) as error:
        checkpoint = TensorFlowCheckpoint(prefix)
        assert read
        checkpoint.read(read)
    assert "\n" not in str(error.value)
    assert str(error.value).endswith(".")


# CRC-32C of RFC 3720, appendix B.4, masked by hand as LevelDB does.
@pytest.mark.parametrize(
    ("content", "crc"),
    [
        (bytes(32), 0x8A9136AA),
        (b"\xff" * 32, 0x62A8AB43),
        (bytes(range(32)), 0x46DD794E),
        (b"123456789", 0xE3069283),
        (b"", 0),
    ],
)
def test_checksums_of_the_standard(content, crc):
    rotated = int(f"{crc:032b}"[-15:] + f"{crc:032b}"[:-15], 2)
    assert masked_crc32c(content) == (rotated + 0xA282EAD8) % 2**32


@given(
    variables=st.dictionaries(names, values, max_size=30),
    shards=st.integers(1, 3),
    per_block=st.integers(1, 40),
)
def test_what_was_written_is_read(tmp_path_factory, variables, shards, per_block):
    prefix = tmp_path_factory.mktemp("checkpoint") / "model"
    write_checkpoint(prefix, variables, shards=shards, per_block=per_block)
    checkpoint = TensorFlowCheckpoint(prefix)
    assert checkpoint.variables.keys() == variables.keys()
    for name, expected in variables.items():
        read = checkpoint.read(name)
        assert read.dtype == expected.dtype
        np.testing.assert_array_equal(read, expected, strict=True)


def test_prefix_that_ends_with_a_slash(tmp_path):
    """The original checkpoint consists of files named `.index` and so on."""
    write_checkpoint(f"{tmp_path}/", {"x": np.arange(3)})
    assert (tmp_path / ".index").is_file()
    assert TensorFlowCheckpoint(f"{tmp_path}/").read("x").tolist() == [0, 1, 2]


def test_missing_files_are_refused(prefix, tmp_path):
    refused(tmp_path / "other", "other.index: cannot be read; give the prefix")
    Path(f"{prefix}.data-00000-of-00001").unlink()
    refused(prefix, "data-00000-of-00001: cannot be read", read="dense")


def test_unknown_variable_is_refused(prefix):
    refused(prefix, "has no variable 'bias'; give the checkpoint of another net", read="bias")


def test_no_damaged_byte_goes_unnoticed(prefix):
    """Every byte of the index, except where the last bytes are only padding, and of the data."""
    index, data = Path(f"{prefix}.index"), Path(f"{prefix}.data-00000-of-00001")
    whole, values = index.read_bytes(), data.read_bytes()
    for at in range(len(whole) - 48):
        index.write_bytes(whole[:at] + bytes([whole[at] ^ 16]) + whole[at + 1 :])
        try:
            checkpoint = TensorFlowCheckpoint(prefix)
        except ModelError:
            continue
        # The block of metadata, which is not used.
        assert {name: v.shape for name, v in checkpoint.variables.items()} == {
            "conv/kernel": (3, 5),
            "dense": (3, 5),
        }
    index.write_bytes(whole)
    data.write_bytes(values[:70] + bytes([values[70] ^ 16]) + values[71:])
    TensorFlowCheckpoint(prefix).read("conv/kernel")
    refused(prefix, "the values of 'dense' are damaged; download it again", read="dense")
    data.write_bytes(values[:-1])
    refused(prefix, "the values of 'dense' are damaged", read="dense")


@pytest.mark.parametrize("length", [0, 1, 47, 48, 100, -1, -48])
def test_index_that_was_cut_is_refused(prefix, length):
    index = Path(f"{prefix}.index")
    index.write_bytes(index.read_bytes()[:length])
    refused(prefix, "is damaged or not the index of a TensorFlow V2 checkpoint")


@given(content=st.binary(max_size=200))
def test_other_files_are_refused(tmp_path_factory, content):
    prefix = tmp_path_factory.mktemp("checkpoint") / "model"
    Path(f"{prefix}.index").write_bytes(content)
    refused(prefix, "is damaged or not the index of a TensorFlow V2 checkpoint")
    footer = b"\0\0\0" + b"\0" * 37 + bytes.fromhex("57fb808b247547db")
    Path(f"{prefix}.index").write_bytes(content + footer)
    refused(prefix, "is damaged or not the index of a TensorFlow V2 checkpoint")


@given(entry=st.binary(max_size=40))
def test_entries_that_are_no_variables_are_refused_or_read(tmp_path_factory, entry):
    """Any bytes as an entry end in one sentence, or in values."""
    prefix = tmp_path_factory.mktemp("checkpoint") / "model"
    entries = [(b"", number(1, 1)), (b"x", entry)]
    Path(f"{prefix}.index").write_bytes(table(entries, per_block=2))
    Path(f"{prefix}.data-00000-of-00001").write_bytes(bytes(64))
    try:
        TensorFlowCheckpoint(prefix).read("x")
    except ModelError as error:
        assert re.search(r": .*; .*\.$", str(error))


@pytest.mark.parametrize(
    ("arguments", "message", "read"),
    [
        ({"kind": 1}, "is damaged or not", None),
        ({"endianness": 1}, "is big-endian", None),
        ({"extra": message(7, b"\x0a\x00")}, "is damaged or not", None),
    ],
)
def test_other_variants_of_the_format_are_refused(tmp_path, arguments, message, read):
    write_checkpoint(tmp_path / "model", {"x": np.arange(3)}, **arguments)
    refused(tmp_path / "model", message, read=read)


def test_types_and_shapes_that_cannot_be_read_are_refused(tmp_path):
    write_checkpoint(tmp_path / "model", {"x": np.arange(3, dtype=np.uint16).astype("S1")})
    refused(tmp_path / "model", "'x' is of a type that cannot be read", read="x")
    extra = message(2, message(2, number(1, 4)))
    write_checkpoint(tmp_path / "model", {"x": np.arange(3)}, extra=extra)
    refused(tmp_path / "model", "the values of 'x' do not fit their shape", read="x")
