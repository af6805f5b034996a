"""Files of log-mel images: what is read, and what is refused in a sentence."""

import io
import os
import zipfile

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gtzan_lib.data import logmels
from gtzan_lib.errors import CorpusError


def images(count: int = 2, *, bands: int = 32, columns: int = 5) -> np.ndarray:
    rng = np.random.default_rng(count)
    return rng.integers(0, 256, size=(count, bands, columns), dtype=np.uint8)


def archive(save=np.savez, **arrays) -> bytes:
    stream = io.BytesIO()
    save(stream, **{"X": images(), "names": np.array(["blues.00000", "rock.00000"]), **arrays})
    return stream.getvalue()


def refused(path) -> str:
    with pytest.raises(CorpusError) as caught:
        logmels.read(path)
    told = str(caught.value)
    assert told.startswith(f"{path}: ")
    assert told.count("\n") == 0
    assert told.endswith(".")
    return told


# --- reading ------------------------------------------------------------------


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
@pytest.mark.parametrize("kind", [str, "S", object])
def test_reads_what_was_saved(tmp_path, save, kind):
    names = np.array(["blues.00000", "rock.00000"]).astype(kind)
    if kind is object:
        # Saved as a pickle, which may run anything.
        (tmp_path / "a.npz").write_bytes(archive(save, names=names))
        assert "holds no log-mel images" in refused(tmp_path / "a.npz")
        return
    (tmp_path / "a.npz").write_bytes(archive(save, names=names, more=np.arange(3)))
    for path in (tmp_path / "a.npz", str(tmp_path / "a.npz")):
        read, x = logmels.read(path)
        assert read.tolist() == ["blues.00000", "rock.00000"]
        assert read.dtype.kind == "U"
        np.testing.assert_array_equal(x, images())


def test_names_tell_files_from_folders(tmp_path):
    (tmp_path / "music.npz").mkdir()
    assert not logmels.names_log_mels(tmp_path / "music.npz")
    assert not logmels.names_log_mels(tmp_path)
    assert not logmels.names_log_mels(tmp_path / "a.csv")
    assert logmels.names_log_mels(tmp_path / "missing.npz")
    assert logmels.names_log_mels(str(tmp_path / "A.NPZ"))


def test_the_shared_file(gtzan_root):
    path = gtzan_root / "mel" / "gtzan_logmel_999.npz"
    if not path.is_file():
        pytest.skip(f"{gtzan_root} holds no mel/gtzan_logmel_999.npz")
    names, x = logmels.read(path)
    assert x.shape == (999, 128, logmels.COLUMNS)
    assert len(set(names)) == 999
    assert names[0] == "blues.00000"


# --- refusing -----------------------------------------------------------------


def test_missing_file_and_folder(tmp_path):
    assert "there is no such file" in refused(tmp_path / "none.npz")
    (tmp_path / "folder.npz").mkdir()
    assert "there is no such file" in refused(tmp_path / "folder.npz")


@pytest.mark.parametrize(
    "arrays",
    [
        {"X": images()[0]},
        {"X": images()[None]},
        {"X": images(3)},
        {"X": images(0), "names": np.array([], dtype=str)},
        {"X": images(bands=31)},
        {"X": images(bands=0)},
        {"X": images(columns=0)},
        {"X": images().astype(np.int8)},
        {"X": images().astype(np.float32)},
        {"X": np.uint8(3)},
        {"names": np.array("blues.00000")},
        {"names": np.array([["blues.00000"], ["rock.00000"]])},
        {"names": np.array([b"\xff", b"\xfe"])},
    ],
    ids=lambda arrays: ", ".join(f"{k} {v.dtype} {v.shape}" for k, v in arrays.items()),
)
def test_other_arrays(tmp_path, arrays):
    (tmp_path / "a.npz").write_bytes(archive(**arrays))
    assert "expected an array X (uint8, tracks by bands by frames" in refused(tmp_path / "a.npz")


@pytest.mark.parametrize("lacking", ["X", "names"])
def test_missing_arrays(tmp_path, lacking):
    arrays = {"X": images(), "names": np.array(["a", "b"])}
    np.savez(tmp_path / "a.npz", **{k: v for k, v in arrays.items() if k != lacking})
    assert "holds no log-mel images" in refused(tmp_path / "a.npz")


class Bomb:
    """Makes a file when unpickled."""

    def __init__(self, file):
        self.file = file

    def __reduce__(self):
        return os.mkdir, (str(self.file),)


@pytest.mark.parametrize("name", ["X", "names"])
def test_pickles_are_never_unpacked(tmp_path, name):
    array = np.empty(2, dtype=object)
    array[:] = [Bomb(tmp_path / "went off"), None]
    (tmp_path / "a.npz").write_bytes(archive(**{name: array}))
    assert "holds no log-mel images" in refused(tmp_path / "a.npz")
    assert not (tmp_path / "went off").exists()


def test_a_pickle_instead_of_an_archive_is_never_unpacked(tmp_path):
    import pickle

    (tmp_path / "a.npz").write_bytes(pickle.dumps(Bomb(tmp_path / "went off")))
    refused(tmp_path / "a.npz")
    assert not (tmp_path / "went off").exists()


def member(shape: str) -> bytes:
    """An array's header, and nothing after it."""
    text = f"{{'descr': '|u1', 'fortran_order': False, 'shape': {shape}, }}".ljust(117) + "\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text.encode()


@pytest.mark.parametrize(
    "shape", ["(2, 32, 5)", "(-2, 32, 5)", "(10**6, 10**6, 32)", "(2000000, 32, 3000000)",
              "(99999999999999999999, 32, 5)", "(", "2", "open('x', 'w')"],
)  # fmt: skip
def test_headers_that_promise_what_is_not_there(tmp_path, shape):
    names = io.BytesIO()
    np.save(names, np.array(["a", "b"]))
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as file:
        file.writestr("X.npy", member(shape))
        file.writestr("names.npy", names.getvalue())
    assert "holds no log-mel images" in refused(tmp_path / "a.npz")


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_files_cut_anywhere(tmp_path, save):
    whole = archive(save)
    for length in range(0, len(whole), 7):
        (tmp_path / "a.npz").write_bytes(whole[:length])
        assert "holds no log-mel images" in refused(tmp_path / "a.npz")


@pytest.mark.filterwarnings("ignore::UserWarning")
@given(
    save=st.sampled_from([np.savez, np.savez_compressed]),
    place=st.integers(0, 10**4),
    byte=st.integers(0, 255),
)
def test_any_byte_changed(tmp_path_factory, save, place, byte):
    check_changed(tmp_path_factory.mktemp("changed") / "a.npz", archive(save), place, byte)


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_every_byte_of_the_directory_changed(tmp_path):
    """It says how the arrays are packed: in ways that no one unpacks, or with a password."""
    whole = archive()
    for place in (*range(64), *range(whole.index(b"PK\x01\x02"), len(whole))):
        for bit in (1, 128):
            check_changed(tmp_path / "a.npz", whole, place, whole[place] ^ bit)


def check_changed(path, whole: bytes, place: int, byte: int) -> None:
    place %= len(whole)
    path.write_bytes(whole[:place] + bytes([byte]) + whole[place + 1 :])
    try:
        names, x = logmels.read(path)
    except CorpusError as error:
        assert "\n" not in str(error)
    else:
        assert len(names) == len(x)


# --- columns ------------------------------------------------------------------


def test_a_clip_has_387_columns():
    assert logmels.width(30.0) == logmels.COLUMNS == 387
    assert logmels.width(3.0) == 39
    assert logmels.width(0.01) == 1


@given(frames=st.integers(1, 2000), tenths=st.integers(1, 600))
def test_columns_show_frames_in_order(frames, tenths):
    picked = logmels.pick(frames, tenths / 10)
    assert len(picked) == logmels.width(tenths / 10)
    assert 0 <= picked.min() <= picked.max() < frames
    steps = np.diff(picked)
    if len(steps):
        assert steps.min() >= 0
        assert steps.max() - steps.min() <= 1
