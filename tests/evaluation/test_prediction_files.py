"""CSV files of predictions: what is read, and what is refused in one sentence."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gtzan_lib.errors import ScoringError
from gtzan_lib.evaluation.prediction_files import read_predictions

GENRES = ["blues", "jazz", "rock"]
TRACKS = ["blues.00000", "blues.00001", "jazz.00000", "rock.song"]


@pytest.fixture
def read(tmp_path):
    """Read a file with this text."""

    def write_and_read(text):
        file = tmp_path / "mine.csv"
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
        return read_predictions(file, TRACKS, GENRES)

    return write_and_read


PROBABILITIES = "track,blues,jazz,rock\nblues.00000,0.5,0.25,0.25\nrock.song,0,0,1\n"
ANSWERS = "track,genre\nblues.00000,rock\nrock.song,jazz\n"


def test_probabilities(read):
    table, are_answers = read(PROBABILITIES)
    assert not are_answers
    assert table.index.tolist() == ["blues.00000", "rock.song"]
    assert table.columns.tolist() == GENRES
    assert table.to_numpy().tolist() == [[0.5, 0.25, 0.25], [0, 0, 1]]


def test_answers(read):
    table, are_answers = read(ANSWERS)
    assert are_answers
    assert table.to_numpy().tolist() == [[0, 0, 1], [0, 1, 0]]


@pytest.mark.parametrize(
    "written",
    [
        "track,rock,note,jazz,blues\nblues.00000,0.25,,0.25,0.5",
        " track , rock , jazz , blues \n blues.00000 , 0.25 , 0.25 , 5e-1",
        'track,"rock","jazz","blues"\n"blues.00000","0.25","0.25","0.5"\n\n,,,\n',
        "\ufefftrack,rock,jazz,blues\r\nblues.00000,0.25,0.25,0.5\r\n",
        "track,rock,jazz,blues\rblues.00000,0.25,0.25,0.5\r",
        "track_id,genre,artist,predicted,blues,jazz,rock\nblues.00000,jazz,,blues,0.5,0.25,0.25",
    ],
)
def test_order_of_columns_and_style_do_not_matter(read, written):
    table, _ = read(written)
    assert table.loc["blues.00000", GENRES].tolist() == [0.5, 0.25, 0.25]


@pytest.mark.parametrize(
    ("written", "track"),
    [
        ("blues.00001", "blues.00001"),
        ("blues.00001.wav", "blues.00001"),
        ("blues.00001.AU", "blues.00001"),
        ("blues.00001.mp3", "blues.00001"),
        ("blues/blues.00001.au", "blues.00001"),
        ("/data/gtzan/genres_original/blues/blues.00001.wav", "blues.00001"),
        (r"C:\gtzan\blues\blues.00001.wav", "blues.00001"),
        ("music/rock/song.flac", "rock.song"),
        ("rock.song", "rock.song"),
    ],
)
def test_track_may_be_a_file(read, written, track):
    assert read(f"file,answer\n{written},rock\n")[0].index.tolist() == [track]


def test_small_rounding_of_probabilities_is_accepted(read):
    assert read("t,blues,jazz,rock\nblues.00000,0.33,0.33,0.33\n")[0].sum(axis=1).item() == 0.99


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "has no predictions; write a header"),
        ("track,answer\n", "has no predictions"),
        ("\n\n,\n", "has no predictions"),
        (b"\xff\xfet\x00r\x00", "is not text in UTF-8; save it as CSV in UTF-8"),
        ("track,answer\nblues.00000,r\xf6ck\n".encode("latin-1"), "is not text in UTF-8"),
        ("track;answer\nblues.00000;rock\n", "separates its columns by semicolons"),
        ("track;blues;jazz;rock\nblues.00000;0,5;0,25;0,25\n", "separates its columns by semico"),
        ("track\tanswer\nblues.00000\trock\n", "separates its columns by tabs"),
        ("track\nblues.00000\n", "has a single column"),
        ('track,answer\n"blues.00000,rock\n', "is not CSV"),
        ("track,answer\nblues.00000,rock,2\n", "line 2 has 3 cells and the header 2"),
        ("track,answer\nblues.00000,rock\n\njazz.00000\n", "line 4 has 1 cells and the header 2"),
        ("blues.00000,rock\nblues.00001,rock\n", "has no header; write the names of the columns"),
        (",track,answer\n0,blues.00000,rock\n", "line 2, '0', is no track of this split; write"),
        ("track,answer\nblues.00000,rock\nfado.00000,rock\n", "line 3, 'fado.00000', is no track"),
        ("track,answer\nblues.00000.3,rock\n", "'blues.00000.3', is a window; give one row per"),
        ("track,answer\nblues.00000.0.wav,rock\n", "'blues.00000.0.wav', is a window"),
        (
            "track,answer\nblues.00000,rock\njazz.00000,rock\nblues.00000.wav,rock\n",
            "lines 2 and 4 are both about track 'blues.00000'; give one row per track",
        ),
        ("track,blues,rock\nblues.00000,1,0\n", "has no column 'jazz'; give one column"),
        ("t,blues,jazz,rock,jazz\nblues.00000,1,0,0,0\n", "has more than one column 'jazz'"),
        ("track,a,b\nblues.00000,1,0\n", "has the columns track, a, b; after the track, give one"),
        ("track,answer\nblues.00000,Rock\n", "line 2, column 'answer': 'Rock' is no genre"),
        ("track,answer\nblues.00000,\n", "column 'answer': '' is no genre of this split; choose"),
        ("t,blues,jazz,rock\nblues.00000,1,,0\n", "line 2, column 'jazz': '' is not a number"),
        ("t,blues,jazz,rock\nblues.00000,1,nan,0\n", "column 'jazz': 'nan' is not a number"),
        ("t,blues,jazz,rock\nblues.00000,1,0,inf\n", "column 'rock': 'inf' is not a number"),
        ("t,blues,jazz,rock\nblues.00000,x,0,0\n", "column 'blues': 'x' is not a number"),
        ("t,blues,jazz,rock\nblues.00000,2,-1,0\n", "has negative values, .* apply the softmax"),
        ("t,blues,jazz,rock\nblues.00000,2.5,1,7\n", "sums to 10.5, .* apply the softmax to log"),
        ("t,blues,jazz,rock\nblues.00000,0,0,0\n", "sums to 0, so that these are not probab"),
        (
            "t,predicted,blues,jazz,rock\nblues.00000,jazz,0.6,0.4,0\n",
            "line 2, 'blues.00000': predicted is 'jazz', but 'blues' has the highest probability",
        ),
        ("t,predicted,blues,jazz,rock\nblues.00000,7,0.6,0.4,0\n", "predicted is '7', but 'blues'"),
    ],
)
def test_other_files_are_refused(read, text, sentence):
    with pytest.raises(ScoringError, match=sentence) as caught:
        read(text)
    assert re.match(r"\S*mine\.csv: ", str(caught.value))


def test_missing_file_and_folder_are_refused(tmp_path):
    for path in (tmp_path / "none.csv", tmp_path):
        with pytest.raises(ScoringError, match=r"cannot be read \(.+\); name a CSV file"):
            read_predictions(path, TRACKS, GENRES)


CELLS = st.one_of(
    st.sampled_from([*TRACKS, *GENRES, "", "nan", "1", "0.5", "-1", "1e400", "blues.00000.2", '"']),
    st.text(max_size=6),
)
TABLES = st.lists(st.lists(CELLS, max_size=5).map(",".join), max_size=5).map("\n".join)
CORRUPT = st.one_of(TABLES, st.text(), st.binary(), TABLES.map(lambda text: PROBABILITIES + text))


@given(content=CORRUPT)
def test_any_file_is_read_or_refused_in_a_sentence(tmp_path_factory, content):
    file = tmp_path_factory.mktemp("any") / "mine.csv"
    file.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8", "ignore"))
    try:
        table, _ = read_predictions(file, TRACKS, GENRES)
    except ScoringError as error:
        assert "mine.csv: " in str(error)
    else:
        assert set(table.index) <= set(TRACKS)
        assert table.index.is_unique
        np.testing.assert_allclose(table.sum(axis=1), 1, atol=0.051)
