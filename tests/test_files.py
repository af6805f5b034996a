"""Atomic writing of files and folders."""

import hashlib
import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gtzan_lib.files import (
    atomic_folder,
    atomic_path,
    canonical_json,
    file_stem,
    printable,
    sha256_of,
    write_json,
)

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)


def test_file_appears_when_it_is_complete(tmp_path):
    target = tmp_path / "deep" / "a.csv"
    with atomic_path(target) as temporary:
        temporary.write_text("half")
        assert not target.exists()
        assert temporary.parent == target.parent
        assert temporary.name.startswith(".")
        assert temporary.suffix == ".csv"
    assert target.read_text() == "half"
    assert [file.name for file in target.parent.iterdir()] == ["a.csv"]


def test_failure_leaves_the_old_file_and_nothing_else(tmp_path):
    (tmp_path / "a.csv").write_text("old")
    with pytest.raises(ZeroDivisionError), atomic_path(tmp_path / "a.csv") as temporary:
        temporary.write_text("new")
        raise ZeroDivisionError
    assert [file.name for file in tmp_path.iterdir()] == ["a.csv"]
    assert (tmp_path / "a.csv").read_text() == "old"


def test_two_writers_have_different_temporary_files(tmp_path):
    with atomic_path(tmp_path / "a") as first, atomic_path(tmp_path / "a") as second:
        assert first != second
        first.write_text("1")
        second.write_text("2")
    assert (tmp_path / "a").read_text() in "12"


@given(value=values)
def test_json_round_trip(tmp_path_factory, value):
    file = tmp_path_factory.mktemp("json") / "a.json"
    write_json(file, value)
    assert json.loads(file.read_text(encoding="utf-8")) == value
    assert json.loads(canonical_json(value)) == value


@given(value=st.dictionaries(st.text(), st.integers(), min_size=2, max_size=5))
def test_canonical_json_does_not_depend_on_the_order(value):
    reordered = dict(reversed(value.items()))
    assert canonical_json(reordered) == canonical_json(value)
    assert "\n" not in canonical_json(value)


@given(content=st.binary(max_size=200))
def test_sha256(tmp_path_factory, content):
    file = tmp_path_factory.mktemp("sha") / "a"
    file.write_bytes(content)
    assert sha256_of(file) == hashlib.sha256(content).hexdigest()


def test_a_folder_appears_when_it_is_complete(tmp_path):
    target = tmp_path / "new"
    with pytest.raises(RuntimeError), atomic_folder(target) as partial:
        (partial / "half").write_text("x")
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []
    leftover = tmp_path / ".new.partial"
    leftover.mkdir()
    (leftover / "old").write_text("of a killed process")
    with atomic_folder(target) as partial:
        (partial / "file").write_text("x")
        assert not target.exists()
    assert [path.name for path in target.iterdir()] == ["file"]
    assert [path.name for path in tmp_path.iterdir()] == ["new"]
    with pytest.raises(FileExistsError), atomic_folder(target):
        pass
    assert (target / "file").read_text() == "x"


# --- names --------------------------------------------------------------------


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=300), st.text(max_size=3))
def test_stems_leave_room_for_an_ending(name, more):
    stem = file_stem(name)
    assert len(stem.encode()) <= 200
    assert stem == name or re.search(r"-[0-9a-f]{8}\Z", stem)
    # Different names stay different.
    other = name + more.encode("utf-8", "ignore").decode()
    assert (file_stem(other) == stem) == (other == name)


def test_a_long_name_is_still_legible():
    assert file_stem("と" * 85) == "と" * 63 + "-766801c4"


def test_the_longest_name_can_be_written(tmp_path):
    target = tmp_path / f"{'x' * 251}.csv"
    with atomic_path(target) as temporary:
        temporary.write_text("whole")
    assert target.read_text() == "whole"


@given(st.text())
def test_printable_names_are_one_line_of_text(name):
    shown = printable(name)
    shown.encode()
    assert len(f"{shown}.".splitlines()) == 1
    assert printable(shown) == shown
    if name.isprintable():
        assert shown == name


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("a\nb\t\x1b[2J", "a%0Ab%09%1B[2J"),
        ("Bj\udcf6rk", "Bj%F6rk"),
        ("\ud83d", "%ED%A0%BD"),
        ("\u2028", "%E2%80%A8"),
        ("100% 日本語", "100% 日本語"),
    ],
)
def test_what_is_no_text_is_escaped(name, shown):
    assert printable(name) == shown
