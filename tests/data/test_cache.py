"""Cached results of a file are valid until the file, the code or the arguments change."""

import errno
import os
import pickle
import warnings
from pathlib import Path

import joblib
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gtzan_lib.data import cache as module
from gtzan_lib.data.cache import FileCache
from gtzan_lib.digests import package_digest

calls = []


def size_of(path: str, **arguments):
    """Return the size of a file, and the other arguments."""
    calls.append((Path(path).name, arguments))
    return Path(path).stat().st_size, arguments


@pytest.fixture(autouse=True)
def _no_calls():
    calls.clear()


@pytest.fixture
def file(tmp_path) -> Path:
    (tmp_path / "a.wav").write_bytes(b"12345")
    return tmp_path / "a.wav"


@pytest.fixture
def cached_size(tmp_path) -> FileCache:
    return FileCache(size_of, tmp_path / "cache", "code")


def test_a_second_call_computes_nothing(cached_size, file):
    assert cached_size(str(file), seconds=3.0) == (5, {"seconds": 3.0})
    assert cached_size(str(file), seconds=3.0) == (5, {"seconds": 3.0})
    assert len(calls) == 1


def test_another_process_uses_the_cache(cached_size, file):
    cached_size(str(file))
    copy = pickle.loads(pickle.dumps(cached_size))
    assert copy == cached_size
    assert copy(str(file)) == (5, {})
    assert len(calls) == 1


def test_results_come_back_as_they_were(tmp_path, file):
    result = (np.arange(6.0).reshape(2, 3), "text", [np.nan, np.inf], {"a": None})
    cached_size = FileCache(lambda path: result, tmp_path / "cache", "code")
    cached_size(str(file))
    again = cached_size(str(file))
    np.testing.assert_array_equal(again[0], result[0])
    assert again[1] == "text"
    assert np.isnan(again[2][0])
    assert again[3] == {"a": None}


some_arguments = st.dictionaries(
    st.sampled_from(["seconds", "reference", "rate"]),
    st.one_of(st.booleans(), st.floats(allow_nan=False), st.text(max_size=3), st.none()),
)


@given(first=some_arguments, second=some_arguments)
def test_results_depend_on_the_arguments(tmp_path_factory, first, second):
    folder = tmp_path_factory.mktemp("cache")
    (folder / "a.wav").write_bytes(b"12345")
    cached_size = FileCache(size_of, folder / "cache", "code")
    for arguments in (first, second, first, dict(reversed(first.items()))):
        result = cached_size(str(folder / "a.wav"), **arguments)
        assert repr(sorted(result[1].items())) == repr(sorted(arguments.items()))


def test_results_depend_on_the_file(cached_size, file, tmp_path):
    other = tmp_path / "b.wav"
    other.write_bytes(file.read_bytes())
    os.utime(other, ns=(0, file.stat().st_mtime_ns))
    cached_size(str(file))
    cached_size(str(other))
    assert [name for name, _ in calls] == ["a.wav", "b.wav"]


@pytest.mark.parametrize("change", ["size", "time"])
def test_a_changed_file_is_computed_anew(cached_size, file, change):
    cached_size(str(file))
    before = file.stat().st_mtime_ns
    if change == "size":
        file.write_bytes(b"123456")
        os.utime(file, ns=(0, before))
    else:
        os.utime(file, ns=(0, before + 1))
    assert cached_size(str(file))[0] == (6 if change == "size" else 5)
    assert len(calls) == 2


def test_a_restored_file_is_cached(cached_size, file):
    status = file.stat()
    for content, time in ((b"12345", 0), (b"1", 5), (b"12345", 0)):
        file.write_bytes(content)
        os.utime(file, ns=(0, status.st_mtime_ns + time))
        assert cached_size(str(file))[0] == len(content)
    assert len(calls) == 2


def test_a_link_is_its_target(cached_size, file, tmp_path):
    link = tmp_path / "link.wav"
    link.symlink_to(file)
    assert cached_size(str(link))[0] == 5
    file.write_bytes(b"12")
    assert cached_size(str(link))[0] == 2


def test_other_code_computes_anew(cached_size, file, tmp_path):
    cached_size(str(file))
    changed = FileCache(size_of, tmp_path / "cache", "changed")
    changed(str(file))
    changed(str(file))
    assert len(calls) == 2
    # Results of the first code are still valid for it.
    cached_size(str(file))
    assert len(calls) == 2


def test_code_is_that_of_all_modules(tmp_path):
    names = ["files", "progress"]
    code = FileCache.of(size_of, tmp_path, names).code
    assert code == package_digest(*names)
    assert FileCache.of(size_of, tmp_path, names[::-1]).code == code
    assert FileCache.of(size_of, tmp_path, names[:1]).code != code


def test_versions_of_packages_are_part_of_the_code(tmp_path, monkeypatch):
    versions = {"numpy": "1.26.4", "scipy": "1.11.4"}
    monkeypatch.setattr(module.importlib.metadata, "version", versions.__getitem__)
    plain = FileCache.of(size_of, tmp_path, []).code
    codes = [plain, FileCache.of(size_of, tmp_path, [], packages=["numpy"]).code]
    codes.append(FileCache.of(size_of, tmp_path, [], packages=["numpy", "scipy"]).code)
    versions["scipy"] = "1.12.0"
    codes.append(FileCache.of(size_of, tmp_path, [], packages=["numpy", "scipy"]).code)
    assert len(set(codes)) == 4
    assert codes[-1] == f"{plain}_numpy-1.26.4_scipy-1.12.0"


def test_another_version_of_a_package_computes_anew(tmp_path, file, monkeypatch):
    for version in ("1", "1", "2", "1"):
        monkeypatch.setattr(module.importlib.metadata, "version", lambda name, v=version: v)
        cached_size = FileCache.of(size_of, tmp_path / "cache", [], packages=["numpy"])
        assert cached_size(str(file)) == (5, {})
    assert len(calls) == 2


def test_a_result_that_is_a_failure_is_not_cached(tmp_path, file):
    results = ["away", "away", [1, 2]]

    def compute(path):
        calls.append(path)
        return results[len(calls) - 1]

    failed = FileCache.of(
        compute, tmp_path / "cache", [], failed=lambda result: isinstance(result, str)
    )
    assert [failed(str(file)) for _ in range(5)] == ["away", "away", [1, 2], [1, 2], [1, 2]]
    assert len(calls) == 3


def is_short(result) -> bool:
    return result[0] < 6


def test_a_failure_removes_no_other_result(tmp_path, file):
    cached_size = FileCache(size_of, tmp_path / "cache", "code", is_short)
    (tmp_path / "b.wav").write_bytes(b"123456")
    for name in ("b.wav", "a.wav", "b.wav", "a.wav"):
        cached_size(str(tmp_path / name))
    assert [name for name, _ in calls] == ["b.wav", "a.wav", "a.wav"]
    copy = pickle.loads(pickle.dumps(cached_size))
    assert copy == cached_size
    assert copy(str(tmp_path / "b.wav")) == (6, {})
    assert len(calls) == 3


def test_an_error_is_raised_and_not_cached(tmp_path, file):
    def fail_once(path):
        calls.append(path)
        if len(calls) == 1:
            raise ValueError("no sound")
        return "sound"

    cached_size = FileCache(fail_once, tmp_path / "cache", "code")
    with pytest.raises(ValueError, match="no sound"):
        cached_size(str(file))
    assert [cached_size(str(file)), cached_size(str(file))] == ["sound", "sound"]
    assert len(calls) == 2


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
def test_an_interrupted_computation_is_not_cached(tmp_path, file, error):
    def stop_once(path):
        calls.append(path)
        if len(calls) == 1:
            raise error
        return "sound"

    cached_size = FileCache(stop_once, tmp_path / "cache", "code")
    with pytest.raises(error):
        cached_size(str(file))
    assert cached_size(str(file)) == "sound"


def test_nothing_is_cached_for_a_missing_file(tmp_path):
    cached_size = FileCache(
        lambda path: calls.append(path) or Path(path).exists(), tmp_path / "cache", "code"
    )
    late = tmp_path / "late.wav"
    assert not cached_size(str(late))
    assert not cached_size(str(late))
    assert len(calls) == 2
    late.write_bytes(b"1")
    assert cached_size(str(late))


def test_nothing_is_cached_in_a_folder_that_cannot_be_written(tmp_path, file):
    (tmp_path / "taken").write_text("text")
    for folder in (tmp_path / "taken", tmp_path / "taken" / "below"):
        cached_size = FileCache(size_of, folder, "code")
        assert cached_size(str(file)) == cached_size(str(file)) == (5, {})
    assert len(calls) == 4
    assert (tmp_path / "taken").read_text() == "text"


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("place", ["numpy_pickle.dump", "_store_backends.mkdirp"])
def test_nothing_is_cached_on_a_full_disk(cached_size, file, monkeypatch, place):
    def fail(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(f"joblib.{place}", fail)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert cached_size(str(file)) == (5, {})


@pytest.mark.parametrize("content", [b"", b"half", b"\x80\x04."])
def test_a_damaged_result_is_computed_anew(cached_size, file, tmp_path, content):
    cached_size(str(file))
    (stored,) = (tmp_path / "cache").rglob("output.pkl")
    stored.write_bytes(content)
    assert cached_size(str(file)) == (5, {})
    assert cached_size(str(file)) == (5, {})
    assert len(calls) == 2


def test_threads_may_share_a_folder(cached_size, tmp_path):
    files = [tmp_path / f"{number}.wav" for number in range(20)]
    for number, file in enumerate(files):
        file.write_bytes(bytes(number))
    pool = joblib.Parallel(n_jobs=4, prefer="threads")
    results = pool(joblib.delayed(cached_size)(str(file)) for file in files * 3)
    assert [size for size, _ in results] == [*range(20)] * 3


def test_nothing_is_printed(cached_size, file, capfd, recwarn):
    cached_size(str(file))
    cached_size(str(file))
    assert capfd.readouterr() == ("", "")
    assert not len(recwarn)
