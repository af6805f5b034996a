"""What was computed of a file is kept until file, code or question change."""

import os
import pickle
from pathlib import Path
from types import SimpleNamespace

import joblib
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gtzan_lib.data import cache as module
from gtzan_lib.data.cache import FileCache

calls = []


def size_of(path: str, **arguments):
    """Tell the size of a file, and what else was asked."""
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
def remembered(tmp_path) -> FileCache:
    return FileCache(size_of, tmp_path / "kept", "code")


def test_a_second_call_computes_nothing(remembered, file):
    assert remembered(str(file), seconds=3.0) == (5, {"seconds": 3.0})
    assert remembered(str(file), seconds=3.0) == (5, {"seconds": 3.0})
    assert len(calls) == 1


def test_another_process_knows_it(remembered, file):
    remembered(str(file))
    again = pickle.loads(pickle.dumps(remembered))
    assert again == remembered
    assert again(str(file)) == (5, {})
    assert len(calls) == 1


def test_results_come_back_as_they_were(tmp_path, file):
    result = (np.arange(6.0).reshape(2, 3), "text", [np.nan, np.inf], {"a": None})
    remembered = FileCache(lambda path: result, tmp_path / "kept", "code")
    remembered(str(file))
    again = remembered(str(file))
    np.testing.assert_array_equal(again[0], result[0])
    assert again[1] == "text"
    assert np.isnan(again[2][0])
    assert again[3] == {"a": None}


questions = st.dictionaries(
    st.sampled_from(["seconds", "reference", "rate"]),
    st.one_of(st.booleans(), st.floats(allow_nan=False), st.text(max_size=3), st.none()),
)


@given(first=questions, second=questions)
def test_every_question_has_its_own_answer(tmp_path_factory, first, second):
    folder = tmp_path_factory.mktemp("kept")
    (folder / "a.wav").write_bytes(b"12345")
    remembered = FileCache(size_of, folder / "kept", "code")
    for asked in (first, second, first, dict(reversed(first.items()))):
        answer = remembered(str(folder / "a.wav"), **asked)
        assert repr(sorted(answer[1].items())) == repr(sorted(asked.items()))


def test_every_file_has_its_own_answer(remembered, file, tmp_path):
    other = tmp_path / "b.wav"
    other.write_bytes(file.read_bytes())
    os.utime(other, ns=(0, file.stat().st_mtime_ns))
    remembered(str(file))
    remembered(str(other))
    assert [name for name, _ in calls] == ["a.wav", "b.wav"]


@pytest.mark.parametrize("change", ["size", "time"])
def test_a_changed_file_is_computed_anew(remembered, file, change):
    remembered(str(file))
    before = file.stat().st_mtime_ns
    if change == "size":
        file.write_bytes(b"123456")
        os.utime(file, ns=(0, before))
    else:
        os.utime(file, ns=(0, before + 1))
    assert remembered(str(file))[0] == (6 if change == "size" else 5)
    assert len(calls) == 2


def test_a_restored_file_is_known_again(remembered, file):
    status = file.stat()
    for content, time in ((b"12345", 0), (b"1", 5), (b"12345", 0)):
        file.write_bytes(content)
        os.utime(file, ns=(0, status.st_mtime_ns + time))
        assert remembered(str(file))[0] == len(content)
    assert len(calls) == 2


def test_a_link_is_the_file_that_it_leads_to(remembered, file, tmp_path):
    link = tmp_path / "link.wav"
    link.symlink_to(file)
    assert remembered(str(link))[0] == 5
    file.write_bytes(b"12")
    assert remembered(str(link))[0] == 2


def test_other_code_computes_anew(remembered, file, tmp_path):
    remembered(str(file))
    mended = FileCache(size_of, tmp_path / "kept", "mended")
    mended(str(file))
    mended(str(file))
    assert len(calls) == 2
    # What the other code left is still good for it.
    remembered(str(file))
    assert len(calls) == 2


def test_code_is_that_of_all_modules(tmp_path):
    modules = []
    for name in ("one", "two"):
        (tmp_path / f"{name}.py").write_text(f"# {name}")
        modules.append(SimpleNamespace(__file__=str(tmp_path / f"{name}.py")))
    codes = [FileCache.of(size_of, tmp_path, modules).code]
    assert FileCache.of(size_of, tmp_path, modules[::-1]).code == codes[0]
    for name in ("one", "two"):
        (tmp_path / f"{name}.py").write_text(f"# {name}, mended")
        codes.append(FileCache.of(size_of, tmp_path, modules).code)
    codes.append(FileCache.of(size_of, tmp_path, modules[:1]).code)
    assert len(set(codes)) == 4


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
        remembered = FileCache.of(size_of, tmp_path / "kept", [], packages=["numpy"])
        assert remembered(str(file)) == (5, {})
    assert len(calls) == 2


def test_a_result_that_is_a_failure_is_not_kept(tmp_path, file):
    answers = ["away", "away", [1, 2]]

    def listen(path):
        calls.append(path)
        return answers[len(calls) - 1]

    failed = FileCache.of(
        listen, tmp_path / "kept", [], failed=lambda result: isinstance(result, str)
    )
    assert [failed(str(file)) for _ in range(5)] == ["away", "away", [1, 2], [1, 2], [1, 2]]
    assert len(calls) == 3


def is_short(result) -> bool:
    return result[0] < 6


def test_a_failure_takes_no_other_result_with_it(tmp_path, file):
    remembered = FileCache(size_of, tmp_path / "kept", "code", is_short)
    (tmp_path / "b.wav").write_bytes(b"123456")
    for name in ("b.wav", "a.wav", "b.wav", "a.wav"):
        remembered(str(tmp_path / name))
    assert [name for name, _ in calls] == ["b.wav", "a.wav", "a.wav"]
    again = pickle.loads(pickle.dumps(remembered))
    assert again == remembered
    assert again(str(tmp_path / "b.wav")) == (6, {})
    assert len(calls) == 3


def test_a_failure_is_raised_and_not_kept(tmp_path, file):
    def fail_once(path):
        calls.append(path)
        if len(calls) == 1:
            raise ValueError("no sound")
        return "sound"

    remembered = FileCache(fail_once, tmp_path / "kept", "code")
    with pytest.raises(ValueError, match="no sound"):
        remembered(str(file))
    assert [remembered(str(file)), remembered(str(file))] == ["sound", "sound"]
    assert len(calls) == 2


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
def test_an_interrupted_computation_is_not_kept(tmp_path, file, error):
    def stop_once(path):
        calls.append(path)
        if len(calls) == 1:
            raise error
        return "sound"

    remembered = FileCache(stop_once, tmp_path / "kept", "code")
    with pytest.raises(error):
        remembered(str(file))
    assert remembered(str(file)) == "sound"


def test_of_a_missing_file_nothing_is_kept(tmp_path):
    remembered = FileCache(
        lambda path: calls.append(path) or Path(path).exists(), tmp_path / "kept", "code"
    )
    late = tmp_path / "late.wav"
    assert not remembered(str(late))
    assert not remembered(str(late))
    assert len(calls) == 2
    late.write_bytes(b"1")
    assert remembered(str(late))


def test_where_nothing_can_be_written_nothing_is_kept(tmp_path, file):
    (tmp_path / "taken").write_text("dear")
    for folder in (tmp_path / "taken", tmp_path / "taken" / "below"):
        remembered = FileCache(size_of, folder, "code")
        assert remembered(str(file)) == remembered(str(file)) == (5, {})
    assert len(calls) == 4
    assert (tmp_path / "taken").read_text() == "dear"


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("content", [b"", b"half", b"\x80\x04."])
def test_a_damaged_result_is_computed_anew(remembered, file, tmp_path, content):
    remembered(str(file))
    (kept,) = (tmp_path / "kept").rglob("output.pkl")
    kept.write_bytes(content)
    assert remembered(str(file)) == (5, {})
    assert remembered(str(file)) == (5, {})
    assert len(calls) == 2


def test_threads_may_share_a_folder(remembered, tmp_path):
    files = [tmp_path / f"{number}.wav" for number in range(20)]
    for number, file in enumerate(files):
        file.write_bytes(bytes(number))
    pool = joblib.Parallel(n_jobs=4, prefer="threads")
    answers = pool(joblib.delayed(remembered)(str(file)) for file in files * 3)
    assert [size for size, _ in answers] == [*range(20)] * 3


def test_nothing_is_said(remembered, file, capfd, recwarn):
    remembered(str(file))
    remembered(str(file))
    assert capfd.readouterr() == ("", "")
    assert not len(recwarn)
