"""Digests of code: equal for equal behaviour, different for other behaviour."""

import pytest

from gtzan_lib import digests
from gtzan_lib.digests import code_digest, package_digest

SOURCE = '''"""A module."""

import math

FACTOR = 2
"""A documented constant."""


def area(radius, power=2):
    """Return the area of a circle."""
    # A comment.
    return FACTOR * math.pi * radius**power / 2


class Shape:
    """A shape."""

    def size(self):
        return "a string"
'''


@pytest.fixture
def digest_of(tmp_path):
    """A function that writes a source file and returns its digest."""

    def digest(source: str, name: str = "module.py") -> str:
        file = tmp_path / name
        file.write_text(source, encoding="utf-8")
        return code_digest([file])

    return digest


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"""A module."""', '"""Another text.\n\nWith a second paragraph.\n"""'),
        ('"""A module."""\n', ""),
        ('"""A documented constant."""\n', ""),
        ("Return the area of a circle.", "Compute an area."),
        ('    """Return the area of a circle."""\n', ""),
        ('    """A shape."""\n\n', ""),
        ("# A comment.", "# Another comment."),
        ("    # A comment.\n", ""),
        ("FACTOR = 2\n", "FACTOR = 2  # A comment.\n"),
        ("import math\n", "import math\n\n\n"),
        ("FACTOR = 2", "FACTOR=2"),
        ("(radius, power=2)", "(\n    radius,\n    power=2,\n)"),
        ('"a string"', "'a string'"),
        ("FACTOR * math.pi", "(FACTOR * math.pi)"),
    ],
)
def test_digest_ignores_docstrings_comments_and_formatting(digest_of, old, new):
    assert old in SOURCE
    assert digest_of(SOURCE.replace(old, new)) == digest_of(SOURCE)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("FACTOR = 2", "FACTOR = 3"),
        ("FACTOR = 2", "FACTOR = 2.0"),
        ("power=2", "power=3"),
        ("def area", "def surface"),
        ("radius", "r"),
        ("class Shape", "class Form"),
        ("import math", "import cmath as math"),
        ("FACTOR * math.pi", "math.pi * FACTOR"),
        ('"a string"', '"another string"'),
        ("        return", "        print()\n        return"),
    ],
)
def test_digest_depends_on_behaviour(digest_of, old, new):
    assert old in SOURCE
    assert digest_of(SOURCE.replace(old, new)) != digest_of(SOURCE)


def test_docstring_only_function_equals_an_empty_one(digest_of):
    documented = 'def nothing():\n    """Do nothing."""\n'
    assert digest_of(documented) == digest_of("def nothing():\n    pass\n")


def test_digest_is_sixteen_hexadecimal_digits(digest_of):
    digest = digest_of(SOURCE)
    assert len(digest) == 16
    assert set(digest) <= set("0123456789abcdef")


def test_order_and_folders_of_files_do_not_matter(tmp_path):
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "x.py").write_text("x = 1\n")
        (tmp_path / folder / "y.py").write_text("y = 2\n")
    a, b = ([tmp_path / folder / name for name in ("x.py", "y.py")] for folder in ("a", "b"))
    assert code_digest(a) == code_digest(a[::-1]) == code_digest(b)
    assert code_digest(a) != code_digest(a[:1])


def test_names_of_files_matter(digest_of):
    assert digest_of(SOURCE, "first.py") != digest_of(SOURCE, "second.py")


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package of three modules, from which digests are computed."""
    folder = tmp_path / "package"
    (folder / "room").mkdir(parents=True)
    for name in ("top", "room/first", "room/second"):
        (folder / f"{name}.py").write_text(f"NAME = {name!r}\n")
    monkeypatch.setattr(digests, "_PACKAGE", folder)
    return folder


def test_package_digest_of_a_module_depends_on_its_file_only(package):
    before = package_digest("room.first")
    assert before == code_digest([package / "room" / "first.py"])
    (package / "room" / "second.py").write_text("NAME = 3\n")
    assert package_digest("room.first") == before
    (package / "room" / "first.py").write_text("NAME = 3\n")
    assert package_digest("room.first") != before


def test_package_digest_of_a_folder_depends_on_all_its_modules(package):
    files = [package / "room" / "first.py", package / "room" / "second.py"]
    assert package_digest("room") == code_digest(files)
    assert package_digest("room", "top") == code_digest([*files, package / "top.py"])
    before = package_digest("room")
    (package / "room" / "third.py").write_text("NAME = 3\n")
    assert package_digest("room") != before


def test_missing_module_is_an_error(package):
    with pytest.raises(FileNotFoundError):
        package_digest("room.missing")
