"""Tables of features: reading, faults of rows, and copies without faulty rows."""

import re

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gtzan_lib.data.loaders import gtzan
from gtzan_lib.data.tables import (
    COLUMNS,
    FEATURE_NAMES,
    clean_table,
    filename_of,
    numbers,
    read_table,
    row_faults,
)
from gtzan_lib.errors import CorpusError
from gtzan_lib.genres import GENRES

TRACKS = [f"{genre}.{number:05d}" for genre in ("blues", "rock") for number in range(3)]
HEAD = ",".join(COLUMNS)


def line(filename, value="0.25", label="blues", **cells) -> str:
    """Return a line of a table with one value in all features except those in `cells`."""
    features = [cells.get(name, value) for name in FEATURE_NAMES]
    return ",".join([filename, "661794", *features, label])


def write(folder, lines, *, head=HEAD, end="\n"):
    """Write a table of these lines into a folder."""
    file = folder / "features.csv"
    file.write_bytes("".join(text + end for text in [head, *lines]).encode())
    return file


def faults(folder, *lines, known=TRACKS, excluded=None) -> dict:
    """Return the faults of these lines, by their number."""
    return row_faults(
        read_table(write(folder, lines)), known=known, excluded=excluded or {}
    ).to_dict()


# --- the schema ---------------------------------------------------------------


def test_columns_are_kaggles():
    assert len(COLUMNS) == 60
    assert len(FEATURE_NAMES) == 57
    assert len(set(COLUMNS)) == 60
    assert ("filename", "length", *FEATURE_NAMES, "label") == COLUMNS
    assert FEATURE_NAMES[:4] == ("chroma_stft_mean", "chroma_stft_var", "rms_mean", "rms_var")
    assert FEATURE_NAMES[14:19] == (
        "perceptr_mean", "perceptr_var", "tempo", "mfcc1_mean", "mfcc1_var",
    )  # fmt: skip
    assert FEATURE_NAMES[-2:] == ("mfcc20_mean", "mfcc20_var")


@pytest.fixture(params=["features_30_sec*.csv", "features_3_sec*.csv"])
def real_table(request, gtzan_root):
    """Return Kaggle's tables, of whole tracks and of three seconds."""
    files = sorted((gtzan_root / "features").glob(request.param))
    if not files:
        pytest.skip(f"{gtzan_root} holds no features/{request.param}")
    return files[0]


def test_real_tables_have_no_faults(real_table):
    with real_table.open() as stream:
        assert tuple(stream.readline().rstrip("\r\n").split(",")) == COLUMNS
    table = read_table(real_table)
    assert table.columns.tolist() == ["track_id", *COLUMNS]
    # Every row has a track of GTZAN, and its genre as label.
    assert set(table["track_id"]) <= set(gtzan.facts().index)
    assert (table["track_id"].str.split(".").str[0] == table["label"]).all()
    assert row_faults(table, known=gtzan.facts().index, excluded={}).empty


def test_real_tables_keep_their_bytes(real_table, tmp_path):
    before = real_table.read_bytes()
    out = clean_table(
        real_table,
        tmp_path / "clean.csv",
        known=gtzan.facts().index,
        excluded={"jazz.00054": "unreadable"},
    )
    lines = before.splitlines(keepends=True)
    kept = [text for text in lines if not text.startswith(b"jazz.00054.")]
    assert len(out) == len(lines) - len(kept) > 0
    assert set(out["reason"]) == {"unreadable"}
    assert (tmp_path / "clean.csv").read_bytes() == b"".join(kept)
    assert real_table.read_bytes() == before


# --- tracks of rows -----------------------------------------------------------


@pytest.mark.parametrize(
    ("filename", "track_id"),
    [
        ("blues.00000.wav", "blues.00000"),
        ("blues.00000.3.wav", "blues.00000"),
        ("blues.00000.9.au", "blues.00000"),
        ("blues.00000.10.flac", "blues.00000"),
        ("blues.00000.ogg", "blues.00000"),
        ("blues.00000.0.mp3", "blues.00000"),
        ("blues.00000", "blues.00000"),
        ("blues.00000.3", "blues.00000"),
        ("blues.00000.WAV", "blues.00000"),
        ("blues.00000.txt", "blues.00000.txt"),
        ("fado.Song No. 1.wav", "fado.Song No. 1"),
        ("fado.Song No. 1.7.wav", "fado.Song No. 1"),
        ("fado.1999.wav", "fado.1999"),
        ("fado.1999.7.wav", "fado.1999"),
        ("fado.São João.wav.2.wav", "fado.São João.wav"),
        ("song.wav", "song"),
        ("", ""),
    ],
)
def test_track_of_a_filename(tmp_path, filename, track_id):
    table = read_table(write(tmp_path, [line("blues.00001.wav"), line(filename)]))
    assert table["track_id"].tolist() == ["blues.00001", track_id]
    assert table["filename"].tolist() == ["blues.00001.wav", filename]
    assert table.columns[0] == "track_id"


@given(
    genre=st.sampled_from([*GENRES, "fado"]), number=st.integers(0, 99_999), part=st.integers(0, 99)
)
def test_track_of_every_row_of_gtzan(tmp_path_factory, genre, number, part):
    track_id = f"{genre}.{number:05d}"
    names = [f"{track_id}.wav", f"{track_id}.{part}.wav"]
    file = write(tmp_path_factory.mktemp("table"), [line(name) for name in names])
    assert read_table(file)["track_id"].tolist() == [track_id, track_id]


def test_cells_stay_text(tmp_path):
    cells = {"tempo": "120.50", "rms_var": "NA", "mfcc1_mean": "", "mfcc2_mean": "1e400"}
    table = read_table(write(tmp_path, [line("007.wav", " 1", "1980", **cells)]))
    assert {name: table.at[0, name] for name in cells} == cells
    assert table.loc[0, ["filename", "label", "rms_mean"]].tolist() == ["007.wav", "1980", " 1"]


def test_columns_may_be_more_and_in_another_order(tmp_path):
    names = ["mood", *reversed(COLUMNS)]
    cells = ["sad", *reversed(line("blues.00000.4.wav", tempo="nan").split(","))]
    table = read_table(write(tmp_path, [",".join(cells)], head=",".join(names)))
    assert table.columns.tolist() == ["track_id", *names]
    assert table.at[0, "track_id"] == "blues.00000"
    assert row_faults(table, known=TRACKS, excluded={}).to_dict() == {0: "tempo is 'nan'"}


# --- tables that cannot be read -----------------------------------------------


def error_message(call, file) -> str:
    """Return the one sentence of a call's `CorpusError`."""
    with pytest.raises(CorpusError, match=re.escape(f"{file}: ")) as caught:
        call()
    message = str(caught.value)
    assert message.endswith(".")
    assert "\n" not in message
    return message


@pytest.mark.parametrize("missing", ["filename", "length", "tempo", "mfcc20_var", "label"])
def test_missing_column_is_named(tmp_path, missing):
    head = ",".join(name for name in COLUMNS if name != missing)
    file = write(tmp_path, [], head=head)
    assert f"has no column {missing!r}; expected the 60" in error_message(
        lambda: read_table(file), file
    )


def test_the_first_of_many_missing_columns_is_named(tmp_path):
    file = write(tmp_path, ["blues.00000,1"], head="filename,tempo")
    message = error_message(lambda: read_table(file), file)
    assert "has no column 'length' and 57 more columns" in message


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\n\n",
        b"\x00\xff\xfe",
        HEAD.encode("utf-16"),
        (HEAD + "\nbl\xfces").encode("latin-1"),
        (HEAD + "\n" + line("a.wav") + "\n" + line("b.wav") + ",1\n").encode(),
        (HEAD + '\n"blues.00000.wav\n').encode(),
        b"RIFF\x24\x00\x00\x00WAVEfmt ",
    ],
)
def test_other_files_are_refused(tmp_path, content):
    file = tmp_path / "features.csv"
    file.write_bytes(content)
    error_message(lambda: read_table(file), file)
    error_message(lambda: clean_table(file, tmp_path / "new.csv", known=TRACKS, excluded={}), file)
    assert list(tmp_path.iterdir()) == [file]


def test_missing_table_is_named(tmp_path):
    file, new = tmp_path / "none.csv", tmp_path / "new.csv"
    assert "there is no such file" in error_message(lambda: read_table(file), file)
    error_message(lambda: clean_table(file, new, known=TRACKS, excluded={}), file)
    error_message(lambda: read_table(tmp_path), tmp_path)
    assert not new.exists()


def test_rows_with_too_many_cells_are_refused(tmp_path):
    """pandas would read the first cell of every row as its label."""
    file = write(tmp_path, [line(f"{track_id}.wav") + ",x" for track_id in TRACKS])
    error_message(lambda: read_table(file), file)


def test_a_column_of_track_ids(tmp_path):
    """It is either refused, or read like any other column."""
    file = write(tmp_path, ["x," + line("blues.00000.wav")], head=",".join(["track_id", *COLUMNS]))
    try:
        table = read_table(file)
    except CorpusError as error:
        assert "track_id" in str(error)
    else:
        assert table["track_id"].tolist() == ["blues.00000"]


# --- faults of rows -----------------------------------------------------------


@pytest.mark.parametrize(
    ("cell", "fault"),
    [
        ("nan", "is 'nan'"),
        ("NaN", "is 'NaN'"),
        ("NA", "is 'NA'"),
        ("inf", "is 'inf'"),
        ("-inf", "is '-inf'"),
        ("1e400", "is '1e400'"),
        ("loud", "is 'loud'"),
        ("True", "is 'True'"),
        ("0x10", "is '0x10'"),
        ("1.5.2", "is '1.5.2'"),
        ("", "is empty"),
    ],
)
@pytest.mark.parametrize("column", [FEATURE_NAMES[0], "tempo", FEATURE_NAMES[-1]])
def test_unusable_cells_are_faults(tmp_path, column, cell, fault):
    lines = [line("blues.00000.wav"), line("blues.00001.wav", **{column: cell})]
    assert faults(tmp_path, *lines) == {1: f"{column} {fault}"}


@pytest.mark.parametrize("cell", ["0", "-0.0", "1E+3", ".5", "1.", "007", " 1 ", "1e-999", "9e307"])
def test_numbers_in_any_form_are_valid(tmp_path, cell):
    assert faults(tmp_path, line("blues.00000.wav", cell)) == {}


def test_only_features_must_be_numbers(tmp_path):
    assert faults(tmp_path, line("blues.00000.wav", label="nan")) == {}


def test_the_fault_is_the_first_unusable_cell(tmp_path):
    row = line("blues.00000.wav", mfcc3_var="inf", rms_mean="", tempo="x")
    assert faults(tmp_path, row) == {0: "rms_mean is empty"}


def test_incomplete_rows_have_faults(tmp_path):
    whole, cells = line("blues.00000.wav"), line("blues.00001.wav").split(",")
    assert faults(tmp_path, whole, ",".join(cells[:-3])) == {1: "mfcc20_mean is empty"}
    assert faults(tmp_path, whole, ",".join(cells[:2])) == {1: f"{FEATURE_NAMES[0]} is empty"}
    assert faults(tmp_path, whole, cells[0]) == {1: "length is ''"}


def test_unknown_tracks_are_faults(tmp_path):
    lines = [line(f"{name}.wav") for name in ("blues.00000", "blues.00077", "polka.00000.2", "")]
    assert faults(tmp_path, *lines) == dict.fromkeys([1, 2, 3], "unknown track")


def test_excluded_tracks_are_faults_with_their_reason(tmp_path):
    lines = [line(f"{name}.wav") for name in ("blues.00000.0", "blues.00001", "blues.00000.1")]
    excluded = {"blues.00000": "clipped (0.4 of all samples)", "rock.00000": "silent"}
    reasons = dict.fromkeys([0, 2], "clipped (0.4 of all samples)")
    assert faults(tmp_path, *lines, excluded=excluded) == reasons


def test_repeated_filenames_are_faults(tmp_path):
    names = ["blues.00000.0.wav", "blues.00000.1.wav", "blues.00000.0.wav", "blues.00000.0.wav"]
    reasons = dict.fromkeys([2, 3], "repeats the window of an earlier row")
    assert faults(tmp_path, *[line(name) for name in names]) == reasons


def test_order_of_reasons(tmp_path):
    """Excluded tracks come first, unusable cells last."""
    lines = [line("blues.00000.wav"), *[line("blues.00000.wav", "nan")] * 2]
    assert faults(tmp_path, *lines, known=[], excluded={"blues.00000": "silent"})[2] == "silent"
    assert faults(tmp_path, *lines, known=[])[2] == "unknown track"
    assert faults(tmp_path, *lines)[2] == "repeats the window of an earlier row"
    short = sized("blues.00000.wav", 0.5, "nan")
    assert faults(tmp_path, lines[0], short)[1] == "repeats the window of an earlier row"
    assert faults(tmp_path, short)[0] == "length is '0.5'"
    assert faults(tmp_path, *lines[1:])[0] == f"{FEATURE_NAMES[0]} is 'nan'"


def test_a_valid_table_has_no_faults(tmp_path):
    table = read_table(write(tmp_path, [line(f"{track_id}.wav") for track_id in TRACKS]))
    reasons = row_faults(table, known=set(TRACKS), excluded={})
    assert reasons.empty
    assert reasons.name == "reason"


# --- leaving rows out ---------------------------------------------------------

valid_cells = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
    st.floats(-1e6, 1e6).map("{:.10e}".format),
    st.integers(-(10**9), 10**9).map(str),
    st.sampled_from(["0.10", "+1", ".5", "1E+3", " 2", "00.5"]),
)
invalid_cells = st.sampled_from(["", "nan", "-inf", "1e999", "n/a", "1 2"])
some_rows = st.lists(
    st.tuples(
        st.sampled_from([*TRACKS, "metal.00000"]),
        st.sampled_from(["", ".0", ".9"]),
        st.lists(valid_cells, min_size=1, max_size=5),
        st.none() | st.tuples(st.sampled_from(FEATURE_NAMES), invalid_cells),
    ),
    max_size=12,
)


@given(
    rows=some_rows,
    end=st.sampled_from(["\n", "\r\n"]),
    excluded=st.sets(st.sampled_from(TRACKS), max_size=2),
)
def test_kept_lines_keep_every_byte(tmp_path_factory, rows, end, excluded):
    folder = tmp_path_factory.mktemp("table")
    lines, kept, left_out, seen = [], [], [], set()
    for track_id, part, cells, invalid in rows:
        name = f"{track_id}{part}.wav"
        values = dict(zip(FEATURE_NAMES, cells * len(FEATURE_NAMES), strict=False)) | dict(
            [invalid] if invalid else []
        )
        lines.append(line(name, **values))
        if track_id in excluded:
            left_out.append((name, track_id, "mute"))
        elif track_id not in TRACKS:
            left_out.append((name, track_id, "unknown track"))
        elif f"{track_id}{part or '.0'}" in seen:
            left_out.append((name, track_id, "repeats the window of an earlier row"))
        elif invalid:
            cell = repr(invalid[1]) if invalid[1] else "empty"
            left_out.append((name, track_id, f"{invalid[0]} is {cell}"))
        else:
            kept.append(lines[-1])
        seen.add(f"{track_id}{part or '.0'}")
    source = write(folder, lines, end=end)
    before = source.read_bytes()
    result = clean_table(
        source, folder / "new.csv", known=TRACKS, excluded=dict.fromkeys(excluded, "mute")
    )
    expected = "".join(text + end for text in [HEAD, *kept])
    assert (folder / "new.csv").read_bytes() == expected.encode()
    assert result.columns.tolist() == ["filename", "track_id", "reason"]
    assert list(result.itertuples(index=False, name=None)) == left_out
    assert source.read_bytes() == before
    assert sorted(file.name for file in folder.iterdir()) == ["features.csv", "new.csv"]
    # The new table has no faults.
    again = row_faults(
        read_table(folder / "new.csv"), known=TRACKS, excluded=dict.fromkeys(excluded, "mute")
    )
    assert again.empty


def test_other_columns_and_their_order_are_kept(tmp_path):
    head = ",".join(["mood", *reversed(COLUMNS)])
    lines = [
        ",".join(["träge", *reversed(line(f"{track_id}.wav").split(","))]) for track_id in TRACKS
    ]
    source = write(tmp_path, lines, head=head)
    clean_table(source, tmp_path / "new.csv", known=TRACKS[1:], excluded={})
    expected = "".join(text + "\n" for text in [head, *lines[1:]])
    assert (tmp_path / "new.csv").read_bytes() == expected.encode()


def test_quotes_are_kept(tmp_path):
    """Some programs write them around all text."""
    head = ",".join(f'"{name}"' for name in COLUMNS)
    lines = [line(f'"{track_id}.wav"', label='"blues"') for track_id in TRACKS]
    source = write(tmp_path, lines, head=head)
    clean_table(source, tmp_path / "new.csv", known=TRACKS[1:], excluded={})
    expected = "".join(text + "\n" for text in [head, *lines[1:]])
    assert (tmp_path / "new.csv").read_bytes() == expected.encode()


def test_the_folder_of_the_new_table_is_created(tmp_path):
    source = write(tmp_path, [line("blues.00000.wav")])
    new = tmp_path / "a" / "b" / "new.csv"
    assert clean_table(str(source), str(new), known=TRACKS, excluded={}).empty
    pd.testing.assert_frame_equal(read_table(new), read_table(source))


@pytest.mark.parametrize("name", ["new.csv", "features.csv"])
def test_nothing_is_overwritten(tmp_path, name):
    """Neither another file nor the table itself."""
    source = write(tmp_path, [line("blues.00000.wav"), line("polka.00000.wav")])
    target = tmp_path / name
    if not target.exists():
        target.write_text("text")
    before = {file: file.read_bytes() for file in tmp_path.iterdir()}
    message = error_message(lambda: clean_table(source, target, known=TRACKS, excluded={}), target)
    assert "already exists" in message
    assert {file: file.read_bytes() for file in tmp_path.iterdir()} == before


def test_new_table_below_a_file_is_refused(tmp_path):
    source = write(tmp_path, [line("blues.00000.wav")])
    with pytest.raises(CorpusError, match=r"features\.csv"):
        clean_table(source, source / "new.csv", known=TRACKS, excluded={})
    assert list(tmp_path.iterdir()) == [source]


# --- windows and numbers ------------------------------------------------------


def rows_of(folder, *lines) -> pd.DataFrame:
    return numbers(read_table(write(folder, lines)))


def sized(filename, length, value="0.25") -> str:
    return line(filename, value).replace(",661794,", f",{length},", 1)


def test_rows_get_the_ids_and_starts_of_windows(tmp_path):
    rows = rows_of(
        tmp_path,
        sized("blues.00000.wav", 661_794),
        sized("blues.00001.0.wav", 66_149),
        sized("blues.00001.9.wav", 66_149),
        sized("rock.00002.12.au", 22_049),
        sized("fado.Song No. 1.7.wav", 66_149),
    )
    assert rows.columns.tolist() == [
        "window_id", "track_id", "start_s", "filename", "length", *FEATURE_NAMES,
    ]  # fmt: skip
    assert rows[["window_id", "track_id", "start_s", "length"]].to_numpy().tolist() == [
        ["blues.00000.0", "blues.00000", 0.0, 661_794],
        ["blues.00001.0", "blues.00001", 0.0, 66_149],
        ["blues.00001.9", "blues.00001", 27.0, 66_149],
        ["rock.00002.12", "rock.00002", 12.0, 22_049],
        ["fado.Song No. 1.7", "fado.Song No. 1", 21.0, 66_149],
    ]
    assert rows["filename"].tolist()[3] == "rock.00002.12.au"
    assert rows["length"].dtype == int
    assert rows.index.tolist() == list(range(5))


@given(values=st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=57, max_size=57))
def test_numbers_are_read_to_the_last_bit(tmp_path_factory, values):
    cells = dict(zip(FEATURE_NAMES, map(repr, values), strict=True))
    rows = rows_of(tmp_path_factory.mktemp("table"), line("blues.00000.wav", **cells))
    np.testing.assert_array_equal(rows[list(FEATURE_NAMES)].to_numpy()[0], values)
    assert set(rows.dtypes[list(FEATURE_NAMES)].astype(str)) == {"float64"}


@given(
    cell=st.one_of(
        valid_cells,
        invalid_cells,
        st.text(alphabet="0123456789.eE+- _xdj", max_size=6),
        st.sampled_from(["١", "½", "1_0", "1,5", "0b1", "1d3", "+-1", "1e", "\t1", "TRUE", "1j"]),
    )
)
def test_cells_without_a_fault_are_numbers(tmp_path_factory, cell):
    """`row_faults` and `numbers` accept the same text."""
    if "," in cell:
        cell = f'"{cell}"'
    table = read_table(
        write(tmp_path_factory.mktemp("table"), [line("blues.00000.wav", tempo=cell)])
    )
    if row_faults(table, known=TRACKS, excluded={}).empty:
        value = numbers(table)["tempo"].iloc[0]
        assert np.isfinite(value)
        assert value == float(cell)


@given(part=st.integers(0, 9_999), tenths=st.integers(1, 600))
def test_starts_follow_from_lengths(tmp_path_factory, part, tenths):
    """Windows of Kaggle's tables have one sample less than their length in seconds."""
    length = round(tenths / 10 * 22_050) - 1
    rows = rows_of(tmp_path_factory.mktemp("table"), sized(f"blues.00000.{part}.wav", length))
    assert rows.at[0, "start_s"] == pytest.approx(part * tenths / 10)
    assert rows.at[0, "window_id"] == f"blues.00000.{part}"


def test_left_out_rows_do_not_shift_the_others(tmp_path):
    lines = [line(f"{track_id}.wav", str(n)) for n, track_id in enumerate(TRACKS)]
    table = read_table(write(tmp_path, lines)).drop(index=[0, 3])
    rows = numbers(table)
    assert rows["track_id"].tolist() == [TRACKS[n] for n in (1, 2, 4, 5)]
    assert rows["tempo"].tolist() == [1, 2, 4, 5]


def test_a_table_without_rows(tmp_path):
    rows = rows_of(tmp_path)
    assert rows.empty
    assert rows.columns.tolist()[:2] == ["window_id", "track_id"]


def test_a_byte_order_mark_is_not_part_of_a_name(tmp_path):
    """Spreadsheets write it."""
    file = write(tmp_path, [line("blues.00000.3.wav")], head="\ufeff" + HEAD)
    table = read_table(file)
    assert table.columns.tolist() == ["track_id", *COLUMNS]
    assert numbers(table)["window_id"].tolist() == ["blues.00000.3"]
    clean_table(file, tmp_path / "new.csv", known=TRACKS, excluded={})
    assert (tmp_path / "new.csv").read_bytes() == file.read_bytes()


@pytest.mark.parametrize("length", ["66149.0", " 66149", "6.6149e4"])
def test_lengths_in_other_forms(tmp_path, length):
    rows = rows_of(tmp_path, sized("blues.00000.2.wav", length))
    assert rows.at[0, "length"] == 66_149
    assert rows.at[0, "start_s"] == 6


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    "length",
    [
        "-66149", "1e300", "", "long", "nan", "0", "0.5", "66149.5", str(2**40 + 1),
        "inf",
    ],
)  # fmt: skip
def test_invalid_lengths_are_faults(tmp_path, length):
    """Starts of windows depend on them."""
    reasons = faults(tmp_path, line("blues.00000.1.wav"), sized("blues.00000.2.wav", length))
    assert reasons == {1: f"length is {length!r}"}


@pytest.mark.parametrize("length", ["1", str(2**40 - 1)])
def test_the_shortest_and_the_longest_length(tmp_path, length):
    assert faults(tmp_path, sized("blues.00000.2.wav", length)) == {}
    assert rows_of(tmp_path, sized("blues.00000.2.wav", length)).at[0, "length"] == int(length)


def test_long_tracks_may_have_many_windows(tmp_path):
    """Such as half seconds of a recording of an hour and a half."""
    rows = rows_of(tmp_path, *[line(f"fado.concert.{n}.wav") for n in (9_999, 10_000)])
    assert rows["track_id"].tolist() == ["fado.concert"] * 2
    assert rows["window_id"].tolist() == ["fado.concert.9999", "fado.concert.10000"]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("blues.00000.3.wav", "blues.00000.3.au"),
        ("blues.00000.3.wav", "blues.00000.3"),
        ("blues.00000.wav", "blues.00000.WAV"),
        ("blues.00000.wav", "blues.00000.0.wav"),
        ("blues.00000.0.au", "blues.00000.mp3"),
    ],
)
def test_rows_with_the_same_window_are_faults(tmp_path, first, second):
    """A join by window id needs one row per window."""
    reasons = {1: "repeats the window of an earlier row"}
    assert faults(tmp_path, line(first), line(second)) == reasons
    assert faults(tmp_path, line(second), line(first)) == reasons


def test_different_windows_are_no_faults(tmp_path):
    names = ["blues.00000.wav", "blues.00000.1.wav", "blues.00000.10.wav", "blues.00001.wav"]
    assert faults(tmp_path, *map(line, names)) == {}


@pytest.mark.parametrize(
    ("window_id", "track_id", "whole", "cut"),
    [
        ("blues.00000.0", "blues.00000", "blues.00000.wav", "blues.00000.0.wav"),
        ("blues.00000.12", "blues.00000", "blues.00000.wav", "blues.00000.12.wav"),
        ("fado.take.1.0", "fado.take.1", "fado.take.1.0.wav", "fado.take.1.0.wav"),
        ("fado.take.01.0", "fado.take.01", "fado.take.01.wav", "fado.take.01.0.wav"),
        ("fado.take.0.0", "fado.take.0", "fado.take.0.0.wav", "fado.take.0.0.wav"),
        ("fado.7.0", "fado.7", "fado.7.wav", "fado.7.0.wav"),
        ("fado.a.wav.0", "fado.a.wav", "fado.a.wav.wav", "fado.a.wav.0.wav"),
        ("fado.a\nb.4.0", "fado.a\nb.4", "fado.a\nb.4.0.wav", "fado.a\nb.4.0.wav"),
    ],
)
def test_file_names_of_rows_can_be_read_back(tmp_path, window_id, track_id, whole, cut):
    for name, is_whole in ((whole, True), (cut, False)):
        assert filename_of(window_id, track_id, whole=is_whole) == name
        rows = rows_of(tmp_path, line(f'"{name}"'))
        assert rows.at[0, "track_id"] == track_id
        if not is_whole:
            assert rows.at[0, "window_id"] == window_id


def test_known_tracks_are_not_read_as_windows(tmp_path):
    """In another table, the name of a whole track may end with a number."""
    file = write(tmp_path, [line("fado.take.1.wav"), line("fado.take.2.wav")])
    assert read_table(file)["track_id"].tolist() == ["fado.take"] * 2
    table = read_table(file, known=["fado.take.1"])
    assert table["track_id"].tolist() == ["fado.take.1", "fado.take"]
    assert numbers(table)["window_id"].tolist() == ["fado.take.1.0", "fado.take.2"]
