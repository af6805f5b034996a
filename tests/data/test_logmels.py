"""Files of log-mel spectrograms: reading, and error messages for other files."""

import io
import os
import zipfile

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gtzan_lib.data import logmels
from gtzan_lib.errors import CorpusError


def images(count: int = 2, *, n_mels: int = 32, columns: int = 5) -> np.ndarray:
    rng = np.random.default_rng(count)
    return rng.integers(0, 256, size=(count, n_mels, columns), dtype=np.uint8)


def archive(save=np.savez, **arrays) -> bytes:
    stream = io.BytesIO()
    save(stream, **{"X": images(), "names": np.array(["blues.00000", "rock.00000"]), **arrays})
    return stream.getvalue()


def logarithms(widths=(5, 9), *, save=np.savez, **arrays) -> bytes:
    """Return a file with logarithms of the power, as from `write_log_mels`."""
    rng = np.random.default_rng(0)
    stream = io.BytesIO()
    contents = {
        "names": np.array([f"jazz.{number:05d}" for number in range(len(widths))]),
        "levels": rng.normal(size=(sum(widths), 32)).astype(np.float32),
        "ends": np.cumsum(widths),
        "durations_s": np.array(widths) / 12.9,
    }
    save(stream, **{**contents, **arrays})
    return stream.getvalue()


def error_message(path) -> str:
    with pytest.raises(CorpusError) as caught:
        logmels.read(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert message.count("\n") == 0
    assert message.endswith(".")
    return message


# --- reading ------------------------------------------------------------------


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
@pytest.mark.parametrize("kind", [str, "S", object])
def test_reads_what_was_saved(tmp_path, save, kind):
    names = np.array(["blues.00000", "rock.00000"]).astype(kind)
    if kind is object:
        # It is saved as a pickle, which may run any code.
        (tmp_path / "a.npz").write_bytes(archive(save, names=names))
        assert "holds no log-mel images" in error_message(tmp_path / "a.npz")
        return
    (tmp_path / "a.npz").write_bytes(archive(save, names=names, more=np.arange(3)))
    for path in (tmp_path / "a.npz", str(tmp_path / "a.npz")):
        contents = logmels.read(path)
        assert contents.names.tolist() == ["blues.00000", "rock.00000"]
        assert contents.names.dtype.kind == "U"
        assert isinstance(contents.images, list)
        assert {image.dtype for image in contents.images} == {np.dtype(np.uint8)}
        np.testing.assert_array_equal(contents.images, images())
        np.testing.assert_array_equal(contents.durations_s, [np.nan, np.nan])


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
@pytest.mark.parametrize("widths", [(5,), (5, 9), (1, 400, 2), (7, 7, 7)])
def test_reads_logarithms_of_tracks_of_different_lengths(tmp_path, save, widths):
    (tmp_path / "a.npz").write_bytes(logarithms(widths, save=save))
    contents = logmels.read(tmp_path / "a.npz")
    assert [image.shape for image in contents.images] == [(32, width) for width in widths]
    levels = np.random.default_rng(0).normal(size=(sum(widths), 32)).astype(np.float32)
    np.testing.assert_array_equal(np.concatenate(contents.images, axis=1), levels.T)
    assert {image.dtype for image in contents.images} == {np.dtype(np.float32)}
    np.testing.assert_array_equal(contents.durations_s, np.array(widths) / 12.9)
    assert contents.names.tolist() == [f"jazz.{number:05d}" for number in range(len(widths))]


def test_paths_of_files_and_folders(tmp_path):
    (tmp_path / "music.npz").mkdir()
    assert not logmels.is_log_mel_path(tmp_path / "music.npz")
    assert not logmels.is_log_mel_path(tmp_path)
    assert not logmels.is_log_mel_path(tmp_path / "a.csv")
    assert logmels.is_log_mel_path(tmp_path / "missing.npz")
    assert logmels.is_log_mel_path(str(tmp_path / "A.NPZ"))


def test_the_shared_file(gtzan_root):
    path = gtzan_root / "mel" / "gtzan_logmel_999.npz"
    if not path.is_file():
        pytest.skip(f"{gtzan_root} holds no mel/gtzan_logmel_999.npz")
    names, x, durations_s = logmels.read(path)
    assert len(x) == 999
    assert {image.shape for image in x} == {(logmels.N_MELS, logmels.N_COLUMNS)} == {(128, 387)}
    assert len(set(names)) == 999
    assert names[0] == "blues.00000"
    assert np.isnan(durations_s).all()


def test_columns_per_second_are_those_of_nearly_all_clips():
    """387.5 columns for 1293 frames every 512 samples."""
    assert pytest.approx(387.5 / (1293 * 512 / 22_050)) == logmels.COLUMNS_PER_SECOND
    assert int(30 * logmels.COLUMNS_PER_SECOND + 0.5) == logmels.N_COLUMNS


# --- other files -----------------------------------------------------------------


def test_missing_file_and_folder(tmp_path):
    assert "there is no such file" in error_message(tmp_path / "none.npz")
    (tmp_path / "folder.npz").mkdir()
    assert "there is no such file" in error_message(tmp_path / "folder.npz")


@pytest.mark.parametrize(
    "arrays",
    [
        {"X": images()[0]},
        {"X": images()[None]},
        {"X": images(3)},
        {"X": images(0), "names": np.array([], dtype=str)},
        {"X": images(n_mels=31)},
        {"X": images(n_mels=0)},
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
    assert "expected an array X (uint8, tracks by bands by frames" in error_message(
        tmp_path / "a.npz"
    )


@pytest.mark.parametrize(
    "arrays",
    [
        {"levels": np.zeros((14, 32))},
        {"levels": np.zeros((14, 32), dtype=np.uint8)},
        {"levels": np.zeros((14, 31), dtype=np.float32)},
        {"levels": np.zeros((14, 0), dtype=np.float32)},
        {"levels": np.zeros(14, dtype=np.float32)},
        {"levels": np.zeros((14, 32, 1), dtype=np.float32)},
        {"levels": np.full((14, 32), np.nan, dtype=np.float32)},
        {"levels": np.full((14, 32), -np.inf, dtype=np.float32)},
        {"ends": np.array([5, 9, 14])},
        {"ends": np.array([14])},
        {"ends": np.array([14, 14])},
        {"ends": np.array([0, 14])},
        {"ends": np.array([5.5, 14.0])},
        {"durations_s": np.array([1.0])},
        {"durations_s": np.array([[1.0, 2.0]])},
        {"names": np.array(["jazz.00000"])},
        {"names": np.array([["jazz.00000"], ["jazz.00001"]])},
    ],
    ids=lambda arrays: ", ".join(f"{k} {v.dtype} {v.shape}" for k, v in arrays.items()),
)
def test_other_arrays_of_logarithms(tmp_path, arrays):
    (tmp_path / "a.npz").write_bytes(logarithms(**arrays))
    assert "holds no log-mel images" in error_message(tmp_path / "a.npz")


@pytest.mark.parametrize("missing", ["X", "names"])
def test_missing_arrays(tmp_path, missing):
    arrays = {"X": images(), "names": np.array(["a", "b"])}
    np.savez(tmp_path / "a.npz", **{k: v for k, v in arrays.items() if k != missing})
    assert "holds no log-mel images" in error_message(tmp_path / "a.npz")


@pytest.mark.parametrize("missing", ["names", "levels", "ends", "durations_s"])
def test_missing_arrays_of_logarithms(tmp_path, missing):
    with np.load(io.BytesIO(logarithms())) as stored:
        arrays = {name: stored[name] for name in stored.files if name != missing}
    np.savez(tmp_path / "a.npz", **arrays)
    assert "holds no log-mel images" in error_message(tmp_path / "a.npz")


class Bomb:
    """Makes a file when unpickled."""

    def __init__(self, file):
        self.file = file

    def __reduce__(self):
        return os.mkdir, (str(self.file),)


@pytest.mark.parametrize("name", ["X", "names"])
def test_pickles_are_never_loaded(tmp_path, name):
    array = np.empty(2, dtype=object)
    array[:] = [Bomb(tmp_path / "went off"), None]
    (tmp_path / "a.npz").write_bytes(archive(**{name: array}))
    assert "holds no log-mel images" in error_message(tmp_path / "a.npz")
    assert not (tmp_path / "went off").exists()


def test_a_pickle_instead_of_an_archive_is_never_loaded(tmp_path):
    import pickle

    (tmp_path / "a.npz").write_bytes(pickle.dumps(Bomb(tmp_path / "went off")))
    error_message(tmp_path / "a.npz")
    assert not (tmp_path / "went off").exists()


def member(shape: str) -> bytes:
    """Return the header of an array without its values."""
    text = f"{{'descr': '|u1', 'fortran_order': False, 'shape': {shape}, }}".ljust(117) + "\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text.encode()


@pytest.mark.parametrize(
    "shape", ["(2, 32, 5)", "(-2, 32, 5)", "(10**6, 10**6, 32)", "(2000000, 32, 3000000)",
              "(99999999999999999999, 32, 5)", "(", "2", "open('x', 'w')"],
)  # fmt: skip
def test_headers_of_arrays_that_are_missing(tmp_path, shape):
    names = io.BytesIO()
    np.save(names, np.array(["a", "b"]))
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as file:
        file.writestr("X.npy", member(shape))
        file.writestr("names.npy", names.getvalue())
    assert "holds no log-mel images" in error_message(tmp_path / "a.npz")


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
@pytest.mark.parametrize("make", [archive, logarithms])
def test_truncated_files(tmp_path, save, make):
    whole = make(save=save)
    for length in range(0, len(whole), 7):
        (tmp_path / "a.npz").write_bytes(whole[:length])
        assert "holds no log-mel images" in error_message(tmp_path / "a.npz")


@pytest.mark.filterwarnings("ignore::UserWarning")
@given(
    save=st.sampled_from([np.savez, np.savez_compressed]),
    make=st.sampled_from([archive, logarithms]),
    place=st.integers(0, 10**4),
    byte=st.integers(0, 255),
)
def test_any_byte_changed(tmp_path_factory, save, make, place, byte):
    check_changed(tmp_path_factory.mktemp("changed") / "a.npz", make(save=save), place, byte)


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_every_byte_of_the_directory_changed(tmp_path):
    """It has the kind of compression, and whether there is a password."""
    whole = archive()
    for place in (*range(64), *range(whole.index(b"PK\x01\x02"), len(whole))):
        for bit in (1, 128):
            check_changed(tmp_path / "a.npz", whole, place, whole[place] ^ bit)


def check_changed(path, whole: bytes, place: int, byte: int) -> None:
    place %= len(whole)
    path.write_bytes(whole[:place] + bytes([byte]) + whole[place + 1 :])
    try:
        names, x, durations_s = logmels.read(path)
    except CorpusError as error:
        assert "\n" not in str(error)
    else:
        assert len(names) == len(x) == len(durations_s)
