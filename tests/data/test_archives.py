"""Unpacking of archives: completely and inside the folder, or not at all."""

import gzip
import io
import re
import shutil
import stat
import tarfile
import warnings
import zipfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gtzan_lib.data.archives import unpack
from gtzan_lib.errors import CorpusError

TARS = {"tar": "w", "tar.gz": "w:gz", "tar.xz": "w:xz", "tar.bz2": "w:bz2"}
FORMATS = ["zip", *TARS]

TREE = {
    "Data/genres_original/blues/blues.00000.wav": bytes(range(256)) * 9,
    "Data/genres_original/rock/rock.00000.wav": b"rock " * 500,
    "Data/empty.csv": b"",
    "Lesen Sie – já.txt": b"x",
}


def zipped(file, entries, *, stored=False):
    """Write (name, bytes) to a zip file; folders have None."""
    compression = zipfile.ZIP_STORED if stored else zipfile.ZIP_DEFLATED
    with warnings.catch_warnings(), zipfile.ZipFile(file, "w", compression) as archive:
        warnings.filterwarnings("ignore", "Duplicate name")
        for name, content in entries:
            member = zipfile.ZipInfo("x")
            # The constructor would change the name.
            member.filename = name if content is not None else name.rstrip("/") + "/"
            member.compress_type = compression
            archive.writestr(member, content or b"")
    return file


def member(name, content=b"", kind=tarfile.REGTYPE, **attributes):
    """Describe a member of a tar file."""
    info = tarfile.TarInfo(name)
    info.type = tarfile.DIRTYPE if content is None else kind
    info.size = len(content or b"")
    for key, value in attributes.items():
        setattr(info, key, value)
    return info, io.BytesIO(content or b"")


def tarred(file, members, *, mode="w", form=tarfile.PAX_FORMAT):
    """Write members to a tar file."""
    with tarfile.open(file, mode, format=form) as archive:
        for info, stream in members:
            archive.addfile(info, stream)
    return file


def packed(folder, entries, form):
    """Write (name, bytes) to an archive of any format; folders have None."""
    file = folder / f"archive.{form}"
    if form == "zip":
        return zipped(file, entries)
    return tarred(file, [member(*entry) for entry in entries], mode=TARS[form])


def tree(folder) -> dict:
    """Return the contents of a folder: bytes of files, None for folders."""
    return {
        path.relative_to(folder).as_posix(): None if path.is_dir() else path.read_bytes()
        for path in folder.rglob("*")
    }


def files(folder) -> dict:
    return {name: content for name, content in tree(folder).items() if content is not None}


def assert_refused(archive, sentence, **limits) -> None:
    """Unpack, expect one sentence as error, and no change of files."""
    base = archive.parent
    before = tree(base)
    with pytest.raises(CorpusError, match=sentence) as caught:
        unpack(archive, base / "out", **limits)
    message = str(caught.value)
    assert str(archive) in message
    assert message.endswith(".")
    assert "\n" not in message
    assert tree(base) == before


# --- round trips --------------------------------------------------------------

letters = st.characters(exclude_categories=["Cs"], exclude_characters="/\\\0:")
names = st.text(letters, min_size=1, max_size=12).filter(lambda name: name not in (".", ".."))
paths = st.lists(names, min_size=1, max_size=3).map("/".join)


@st.composite
def trees(draw):
    """A few files and folders, none of which is below a file."""
    entries = {}
    for path in draw(st.lists(paths, max_size=8, unique=True)):
        above = [other for other in entries if f"{path}/".startswith(f"{other}/")]
        below = [other for other in entries if other.startswith(f"{path}/")]
        if not above and not below:
            entries[path] = draw(st.none() | st.binary(max_size=300))
    return entries


@pytest.mark.parametrize("form", FORMATS)
@given(entries=trees())
def test_round_trip_is_exact(tmp_path_factory, form, entries):
    base = tmp_path_factory.mktemp("archive")
    file = packed(base, entries.items(), form)
    assert unpack(file, base / "out") == base / "out"
    unpacked = tree(base / "out")
    assert {name: unpacked[name] for name in entries} == entries
    # Other names are folders above these.
    others = unpacked.keys() - entries.keys()
    assert all(any(name.startswith(f"{folder}/") for name in entries) for folder in others)
    assert sorted(path.name for path in base.iterdir()) == [file.name, "out"]


@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_every_form_of_tar(tmp_path, form):
    """They differ in how they write long names."""
    entries = {f"{'a' * 90}/{'b' * 90}/ü": b"1", "c": b"2"}
    file = tarred(tmp_path / "a.tar", [member(*entry) for entry in entries.items()], form=form)
    assert files(unpack(file, tmp_path / "out")) == entries


@pytest.mark.parametrize("form", FORMATS)
def test_the_file_extension_is_ignored(tmp_path, form):
    file = packed(tmp_path, TREE.items(), form).rename(tmp_path / "download.bin")
    assert files(unpack(str(file), str(tmp_path / "a" / "b"))) == TREE


@pytest.mark.parametrize("form", FORMATS)
def test_backslashes_separate_folders(tmp_path, form):
    entries = [("./a", b"1"), ("b\\c\\d", b"2"), ("b//e", b"3"), ("b", None), ("b", None)]
    file = packed(tmp_path, entries, form)
    assert files(unpack(file, tmp_path / "out")) == {"a": b"1", "b/c/d": b"2", "b/e": b"3"}


def test_tar_of_a_folder_itself(tmp_path):
    file = tarred(tmp_path / "a.tar", [member(".", None), member("./a", b"1")])
    assert tree(unpack(file, tmp_path / "out")) == {"a": b"1"}


def test_tar_that_holds_a_zip_is_a_tar(tmp_path):
    inner = zipped(tmp_path / "inner.zip", [("secret", b"1")], stored=True).read_bytes()
    file = tarred(tmp_path / "a.tar", [member("a", b"1"), member("inner.zip", inner)])
    assert files(unpack(file, tmp_path / "out")) == {"a": b"1", "inner.zip": inner}


def test_modes_and_owners_are_not_unpacked(tmp_path):
    unusual = member("a", b"1", mode=0o4777, uid=12_345, gid=12_345)
    file = tarred(tmp_path / "a.tar", [unusual])
    (tmp_path / "plain").touch()
    unpacked, plain = (unpack(file, tmp_path / "out") / "a").stat(), (tmp_path / "plain").stat()
    assert stat.S_IMODE(unpacked.st_mode) == stat.S_IMODE(plain.st_mode)
    assert (unpacked.st_uid, unpacked.st_gid) == (plain.st_uid, plain.st_gid)


def test_tilde(tmp_path, monkeypatch):
    packed(tmp_path, TREE.items(), "zip")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert unpack("~/archive.zip", "~/out") == tmp_path / "out"
    assert files(tmp_path / "out") == TREE


# --- the target ---------------------------------------------------------------


@pytest.mark.parametrize("form", FORMATS)
def test_target_that_is_not_empty_is_not_changed(tmp_path, form):
    file = packed(tmp_path, TREE.items(), form)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / ".hidden").write_text("text")
    before = tree(tmp_path)
    with pytest.raises(CorpusError, match="out: already exists; name a new folder"):
        unpack(file, tmp_path / "out")
    assert tree(tmp_path) == before


def test_target_that_is_a_file_is_not_changed(tmp_path):
    file = packed(tmp_path, TREE.items(), "zip")
    (tmp_path / "out").write_bytes(b"")
    with pytest.raises(CorpusError, match="out: already exists"):
        unpack(file, tmp_path / "out")
    with pytest.raises(CorpusError, match=r"archive\.zip: already exists"):
        unpack(file, file)
    assert files(tmp_path) == {"out": b"", "archive.zip": file.read_bytes()}


def test_empty_target_is_filled(tmp_path):
    file = packed(tmp_path, TREE.items(), "tar.gz")
    (tmp_path / "out").mkdir()
    assert files(unpack(file, tmp_path / "out")) == TREE
    assert sorted(path.name for path in tmp_path.iterdir()) == [file.name, "out"]


def test_empty_target_remains_after_an_error(tmp_path):
    file = packed(tmp_path, [("../a", b"1")], "zip")
    (tmp_path / "out").mkdir()
    assert_refused(file, "leads out of the folder")
    assert (tmp_path / "out").is_dir()


def test_target_may_be_the_current_folder(tmp_path, monkeypatch):
    file = packed(tmp_path, TREE.items(), "zip")
    (tmp_path / "out").mkdir()
    monkeypatch.chdir(tmp_path / "out")
    unpack(file, ".")
    assert files(tmp_path / "out") == TREE


def test_target_may_be_a_link_to_an_empty_folder(tmp_path):
    file = packed(tmp_path, TREE.items(), "zip")
    (tmp_path / "disk").mkdir()
    (tmp_path / "out").symlink_to(tmp_path / "disk")
    assert files(unpack(file, tmp_path / "out")) == TREE


def test_target_below_a_file_is_refused(tmp_path):
    file = packed(tmp_path, TREE.items(), "zip")
    with pytest.raises(CorpusError, match=r"archive\.zip"):
        unpack(file, file / "out")
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("valid", [True, False])
def test_remains_of_a_killed_call_are_removed(tmp_path, valid, form):
    seen = set()

    def list_files(steps, *_, **__):
        seen.update(tmp_path.iterdir())
        yield from steps

    # The name of the partial folder is private, so find it during a call.
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("gtzan_lib.data.archives.progress_bar", list_files)
        unpack(packed(tmp_path, [("a", b"1")], form), tmp_path / "out")
    shutil.rmtree(tmp_path / "out")
    (partial,) = seen - set(tmp_path.iterdir())
    file = packed(tmp_path, [*TREE.items(), *([] if valid else [("..", b"1")])], form)
    (partial / "Data").mkdir(parents=True)
    (partial / "Data" / "half.wav").write_bytes(b"half")
    if valid:
        assert files(unpack(file, tmp_path / "out")) == TREE
    else:
        with pytest.raises(CorpusError, match="leads out"):
            unpack(file, tmp_path / "out")
        assert not (tmp_path / "out").exists()
    assert not partial.exists()


@pytest.mark.parametrize("error", [KeyboardInterrupt, MemoryError])
def test_interrupted_call_leaves_nothing(tmp_path, monkeypatch, error):
    file = packed(tmp_path, TREE.items(), "zip")

    def interrupt(steps, *_, **__):
        yield next(iter(steps))
        raise error

    monkeypatch.setattr("gtzan_lib.data.archives.progress_bar", interrupt)
    with pytest.raises((error, CorpusError)):
        unpack(file, tmp_path / "out")
    assert list(tmp_path.iterdir()) == [file]


# --- unsafe names -------------------------------------------------------------

ESCAPES = [
    "../x", "/abs", "C:\\x", "C:/x", "C:x", "..\\x", "a/../../x", "a\\..\\..\\x", "a/..", "..",
    "\\x", "//server/share/x", "\\\\server\\share\\x", "a/b/../../../x", "../out/x",
]  # fmt: skip


@pytest.mark.parametrize("content", [b"1", None], ids=["file", "folder"])
@pytest.mark.parametrize("form", ["zip", "tar"])
@pytest.mark.parametrize("name", ESCAPES)
def test_names_that_lead_out_are_refused(tmp_path, name, form, content):
    (tmp_path / "in").mkdir()
    file = packed(tmp_path / "in", [("good", b"1"), (name, content)], form)
    assert_refused(file, "which leads out of the folder")
    assert [path.name for path in tmp_path.iterdir()] == ["in"]


@given(parts=st.lists(st.sampled_from(["..", ".", "a", "", "C:"]), min_size=1, max_size=5),
       slash=st.sampled_from("/\\"), form=st.sampled_from(["zip", "tar"]))  # fmt: skip
def test_no_name_ever_leads_out(tmp_path_factory, parts, slash, form):
    base = tmp_path_factory.mktemp("archive") / "deep" / "in"
    base.mkdir(parents=True)
    file = packed(base, [("good", b"1"), (f"b{slash}" + slash.join(parts) + "x", b"2")], form)
    before = tree(base.parents[1])
    try:
        unpack(file, base / "out")
    except CorpusError:
        assert tree(base.parents[1]) == before
    else:
        after = tree(base.parents[1])
        assert all(name.startswith("deep/in/out") for name in after.keys() - before.keys())


@pytest.mark.parametrize(
    "kind",
    [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE],
)
@pytest.mark.parametrize("target", ["good", "/etc/passwd", ".."])
def test_links_and_devices_in_a_tar_are_refused(tmp_path, kind, target):
    unusual = member("odd", kind=kind, linkname=target)
    file = tarred(tmp_path / "a.tar", [member("good", b"1"), unusual, member("odd/x", b"2")])
    assert_refused(file, "holds 'odd', a link or a device")


def test_links_in_a_zip_are_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("good", b"1")
        link = zipfile.ZipInfo("odd")
        link.create_system, link.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, b"/etc")
    assert_refused(tmp_path / "a.zip", "holds 'odd', a link")


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("repeated", ["a/x", "a/./x", "a\\x", "a//x"])
def test_repeated_names_are_refused(tmp_path, form, repeated):
    file = packed(tmp_path, [("a/x", b"1"), ("b", b"1"), (repeated, b"2")], form)
    assert_refused(file, re.escape(f"holds {repeated!r} twice"))


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize(
    "entries",
    [
        [("a", b"1"), ("a/b", b"2")],
        [("a/b", b"1"), ("a", b"2")],
        [("a", b"1"), ("a", None)],
        [("a", None), ("a", b"1")],
    ],
)
def test_file_and_folder_of_the_same_name_are_refused(tmp_path, form, entries):
    assert_refused(packed(tmp_path, entries, form), r"archive\.")


def test_file_without_a_name_is_refused(tmp_path):
    assert_refused(zipped(tmp_path / "a.zip", [("good", b"1"), ("", b"2")]), r"a\.zip: ")


def test_name_that_is_too_long_is_refused(tmp_path):
    assert_refused(
        zipped(tmp_path / "a.zip", [("good", b"1"), ("a" * 300, b"2")]), "cannot be unpacked"
    )


# --- limits -------------------------------------------------------------------


@pytest.mark.parametrize("form", FORMATS)
def test_bombs_are_refused(tmp_path, form):
    """Ten megabytes, compressed to less than twenty kilobytes."""
    file = packed(tmp_path, [("good", b"1"), ("bomb", bytes(10**7))], form)
    assert file.stat().st_size < 20_000 or form == "tar"
    assert_refused(file, "unpacks to more than 0.001 GB", max_bytes=10**6)


@pytest.mark.parametrize("form", FORMATS)
def test_bytes_of_all_files_count(tmp_path, form):
    file = packed(tmp_path, [(f"{n}", bytes(100)) for n in range(10)], form)
    assert_refused(file, "unpacks to more than", max_bytes=999)
    assert len(files(unpack(file, tmp_path / "out", max_bytes=1000))) == 10


@pytest.mark.parametrize("content", [b"1", b""], ids=["full", "empty"])
@pytest.mark.parametrize("form", FORMATS)
def test_too_many_files_are_refused(tmp_path, form, content):
    file = packed(tmp_path, [(f"a/{n}", content) for n in range(10)], form)
    assert_refused(file, "or 9 files", max_files=9)
    assert len(files(unpack(file, tmp_path / "out", max_files=10))) == 10


def test_sizes_are_counted_while_unpacking(tmp_path):
    """In the directory of this zip file, ten megabytes have a size of ten bytes."""
    file = zipped(tmp_path / "a.zip", [("bomb", bytes(10**7))])
    content = bytearray(file.read_bytes())
    for start, offset in ((b"PK\3\4", 22), (b"PK\1\2", 24)):
        place = content.index(start) + offset
        assert content[place : place + 4] == (10**7).to_bytes(4, "little")
        content[place : place + 4] = (10).to_bytes(4, "little")
    file.write_bytes(content)
    assert_refused(file, "cannot be unpacked", max_bytes=10**6)


@pytest.mark.parametrize("size", [2**62, 2**63])
@pytest.mark.parametrize("kind", [tarfile.XHDTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.REGTYPE])
def test_tar_with_an_impossible_size_is_refused(tmp_path, kind, size):
    header = tarfile.TarInfo("a")
    header.type, header.size = kind, size
    content = header.tobuf(tarfile.GNU_FORMAT) + bytes(10_240)
    (tmp_path / "a.tar").write_bytes(content)
    assert_refused(tmp_path / "a.tar", r"a\.tar: ")


# --- damaged archives ---------------------------------------------------------


@pytest.mark.parametrize(
    "content", [b"", b"PK", b"no archive", b"no archive " * 1000, b"RIFF" * 200]
)
def test_other_files_are_refused(tmp_path, content):
    (tmp_path / "a.zip").write_bytes(content)
    assert_refused(
        tmp_path / "a.zip", r"a\.zip: is neither a zip nor a tar file; download it again\."
    )


@given(content=st.binary(max_size=600))
def test_any_bytes_are_an_archive_or_refused(tmp_path_factory, content):
    base = tmp_path_factory.mktemp("archive")
    (base / "a").write_bytes(content)
    assert_refused(base / "a", "a: ")


def test_missing_archive_is_named(tmp_path):
    assert_refused(tmp_path / "none.zip", r"none\.zip: there is no such file")
    (tmp_path / "folder.zip").mkdir()
    assert_refused(tmp_path / "folder.zip", r"folder\.zip: there is no such file")


def test_zip_with_a_password_is_refused(tmp_path):
    file = zipped(tmp_path / "a.zip", [("a", b"1")])
    content = bytearray(file.read_bytes())
    content[content.index(b"PK\3\4") + 6] |= 1
    content[content.index(b"PK\1\2") + 8] |= 1
    file.write_bytes(content)
    assert_refused(file, "cannot be unpacked .*password")


def assert_all_or_nothing(base, content, form, *, changed=False) -> None:
    """Unpack these bytes: either all files, or an error and no files."""
    file = base / f"archive.{form}"
    file.write_bytes(content)
    try:
        unpack(file, base / "out")
    except CorpusError as error:
        assert str(file) in str(error)
        assert list(base.iterdir()) == [file]
    else:
        assert sorted(path.name for path in base.iterdir()) == [file.name, "out"]
        assert changed or files(base / "out") == TREE


@pytest.mark.parametrize("form", FORMATS)
@given(share=st.floats(0, 1, exclude_max=True))
def test_truncated_archive_is_never_unpacked_in_part(tmp_path_factory, form, share):
    base = tmp_path_factory.mktemp("archive")
    content = packed(base, TREE.items(), form).read_bytes()
    assert_all_or_nothing(base, content[: int(share * len(content))], form)


@pytest.mark.parametrize("form", FORMATS)
def test_half_an_archive_is_refused(tmp_path, form):
    file = packed(tmp_path, [(f"{n}", bytes(range(n, 256)) * 40) for n in range(9)], form)
    content = file.read_bytes()
    file.write_bytes(content[: len(content) // 2])
    assert_refused(file, r"archive\.")


def test_tar_that_is_truncated_between_two_files_is_refused(tmp_path):
    """After a complete header and its block."""
    file = packed(tmp_path, [("a", b"1"), ("b", b"2")], "tar")
    file.write_bytes(file.read_bytes()[:1024])
    assert_refused(file, r"archive\.tar: cannot be unpacked")


changes = st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), min_size=1,
                   max_size=4)  # fmt: skip


@pytest.mark.parametrize("form", FORMATS)
@settings(max_examples=3 * settings.default.max_examples)
@given(changes=changes)
def test_corrupt_archive_leaves_nothing(tmp_path_factory, form, changes):
    base = tmp_path_factory.mktemp("archive")
    content = bytearray(packed(base, TREE.items(), form).read_bytes())
    for share, byte in changes:
        content[int(share * len(content))] = byte
    assert_all_or_nothing(base, bytes(content), form, changed=True)


def test_tar_with_a_corrupt_header_is_refused(tmp_path):
    """The files after it must not be left out silently."""
    file = packed(tmp_path, [("a", b"1"), ("b", b"2"), ("c", b"3")], "tar")
    content = bytearray(file.read_bytes())
    content[1024] ^= 1
    file.write_bytes(content)
    assert_refused(file, r"archive\.tar: cannot be unpacked")


@pytest.mark.parametrize("form", ["zip", "tar.gz", "tar.xz"])
def test_wrong_byte_is_found_by_the_checksum(tmp_path, form):
    """Stored, not compressed, so that only the checksum is wrong."""
    text = b"one two three " * 3
    if form == "zip":
        file = zipped(tmp_path / "a.zip", [("a", text)], stored=True)
    elif form == "tar.gz":
        plain = tarred(tmp_path / "a.tar", [member("a", text)])
        file = tmp_path / "a.tar.gz"
        file.write_bytes(gzip.compress(plain.read_bytes(), compresslevel=0))
        plain.unlink()
    else:
        file = packed(tmp_path, [("a", text)], form)
    content = bytearray(file.read_bytes())
    place = content.index(b"two") if form != "tar.xz" else len(content) // 2
    content[place] ^= 1
    file.write_bytes(content)
    assert_refused(file, "download it again")
