"""Tables of features: rows, values, saved tables and the cache."""

import os
import shutil
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from gtzan_lib.data import audio, cache
from gtzan_lib.data.opening import open_corpus
from gtzan_lib.data.tables import COLUMNS, FEATURE_NAMES
from gtzan_lib.data.windows import KAGGLE_GRID, WindowGrid, window_table
from gtzan_lib.errors import AudioError, CorpusError, GtzanWarning, OutputError
from gtzan_lib.signal.fast_features import compute_features
from gtzan_lib.signal.features import FeatureTable, feature_grid, features

RATE = 22_050


def sound(seconds: float, *, rate: int = RATE, seed: int = 0, channels: int = 1) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return 0.2 * rng.uniform(-1, 1, (round(seconds * rate), channels))


def write(path: Path, y: np.ndarray, *, rate: int = RATE, subtype: str | None = "FLOAT") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, y, rate, subtype=subtype)
    return path


def table_of(folder: Path, seconds: float = 0.5, **arguments) -> FeatureTable:
    return features(open_corpus(folder), seconds, progress=False, **arguments)


def saved_and_opened(table: FeatureTable, file: Path) -> FeatureTable:
    return features(open_corpus(table.save(file)))


def assert_equal(table: FeatureTable, expected: FeatureTable) -> None:
    pd.testing.assert_frame_equal(table.windows, expected.windows, check_dtype=False)
    np.testing.assert_array_equal(table.values, expected.values)


@pytest.fixture
def decoded(monkeypatch) -> list[str]:
    """Record the names of decoded files."""
    names, load = [], audio.load

    def record(path, **arguments):
        names.append(Path(path).name)
        return load(path, **arguments)

    monkeypatch.setattr(audio, "load", record)
    return names


# --- rows ---------------------------------------------------------------------


def test_rows_are_the_windows_of_the_corpus(small_folder):
    corpus = open_corpus(small_folder)
    table = features(corpus, 1.0, progress=False)
    assert len(table) == 48
    assert table.values.shape == (48, 57)
    assert table.values.dtype == np.float64
    assert np.isfinite(table.values).all()
    assert table.names == FEATURE_NAMES
    assert table.left_out.empty
    assert table.windows.columns.tolist() == [
        "window_id", "track_id", "genre", "start_s", "filename", "length",
    ]  # fmt: skip
    expected = window_table(corpus, WindowGrid(1.0))
    pd.testing.assert_frame_equal(
        table.windows[expected.columns.tolist()], expected, check_dtype=False
    )
    assert table.windows["filename"].tolist() == [
        f"{window_id}.wav" for window_id in expected["window_id"]
    ]
    assert table.windows.index.tolist() == list(range(48))
    assert "48 windows of 12 tracks, 57 features" in repr(table)


def test_values_are_those_of_each_window(small_folder):
    """A window has one sample less than its length in seconds."""
    corpus = open_corpus(small_folder)
    table = features(corpus, 1.0, progress=False)
    assert set(table.windows["length"]) == {RATE - 1}
    y, _ = corpus.load("jazz.00002", sample_rate=RATE)
    for number in (0, 3):
        row = table.windows.index[table.windows["window_id"] == f"jazz.00002.{number}"][0]
        np.testing.assert_array_equal(
            table.values[row], compute_features(y[RATE * number : RATE * (number + 1) - 1])
        )


def test_frame_has_names_and_ids(small_folder):
    table = features(open_corpus(small_folder).select(genres="jazz"), 2.0, progress=False)
    assert table.frame.columns.tolist() == list(FEATURE_NAMES)
    assert table.frame.index.name == "window_id"
    assert table.frame.index.tolist() == table.windows["window_id"].tolist()
    np.testing.assert_array_equal(table.frame.to_numpy(), table.values)


def test_three_seconds_are_the_default(music_folder):
    table = features(open_corpus(music_folder(seconds=6.1, genres=["jazz"])), progress=False)
    assert set(table.windows["length"]) == {66_149}
    assert table.windows["start_s"].tolist() == [0, 3, 0, 3]


def test_half_a_minute_takes_tracks_whole(tmp_path):
    """From the shortest with a frame to just less than two windows."""
    for name, n in {"a": 2048, "b": 3 * RATE, "c": 60 * RATE - 3, "d": 60 * RATE}.items():
        write(tmp_path / "fado" / f"{name}.wav", sound(n / RATE), subtype="PCM_16")
    table = table_of(tmp_path, 30)
    assert table.windows["filename"].tolist() == [
        "fado.a.wav", "fado.b.wav", "fado.c.wav", "fado.d.0.wav", "fado.d.1.wav",
    ]  # fmt: skip
    assert table.windows["length"].tolist() == [2048, 3 * RATE, 60 * RATE - 3, *[30 * RATE - 1] * 2]
    assert table.windows["window_id"].tolist()[2:] == ["fado.c.0", "fado.d.0", "fado.d.1"]
    assert table.windows["start_s"].tolist() == [0, 0, 0, 0, 30]
    y, _ = audio.load(tmp_path / "fado" / "b.wav")
    np.testing.assert_array_equal(table.values[1], compute_features(y))


@settings(max_examples=15)
@given(lengths=st.lists(st.floats(0.02, 3), min_size=1, max_size=3), tenths=st.integers(2, 30))
def test_rows_are_the_windows_of_any_tracks(tmp_path_factory, lengths, tenths):
    folder = tmp_path_factory.mktemp("music")
    for number, length in enumerate(lengths):
        write(folder / "fado" / f"{number}.wav", sound(length), subtype="PCM_16")
    corpus = open_corpus(folder)
    grid = feature_grid(tenths / 10)
    n_windows = {
        track_id: len(grid.starts(duration))
        for track_id, duration in corpus.tracks["duration_s"].items()
    }
    short = [track_id for track_id, n in n_windows.items() if n == 0]
    if len(short) == len(lengths):
        with pytest.raises(CorpusError, match=r"shorter than (a window|0\.1 s)"):
            features(corpus, tenths / 10)
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", GtzanWarning)
        table = features(corpus, tenths / 10)
    expected = window_table(corpus, grid)
    assert table.windows["window_id"].tolist() == expected["window_id"].tolist()
    assert table.windows["start_s"].tolist() == expected["start_s"].tolist()
    assert set(table.windows["length"]) == {round(tenths / 10 * RATE) - 1}
    assert table.left_out.index.tolist() == short
    assert np.isfinite(table.values).all()


@pytest.mark.parametrize("tail", ["align", "drop"])
def test_rows_at_the_end_of_a_track(tmp_path, tail):
    """One more window, or none, where half a window is not covered."""
    y = sound(2.6)
    write(tmp_path / "fado" / "a.wav", y)
    table = table_of(tmp_path, grid=feature_grid(1.0, tail=tail))
    starts_s = table.windows["start_s"].tolist()
    assert starts_s[:2] == [0, 1]
    assert len(starts_s) == (3 if tail == "align" else 2)
    assert set(table.windows["length"]) == {RATE - 1}
    if tail == "align":
        last = audio.load(tmp_path / "fado" / "a.wav")[0][1 - RATE :]
        np.testing.assert_array_equal(table.values[2], compute_features(last))


def test_short_tracks_are_repeated(tmp_path):
    """Until they fill a window, if they have at least a second."""
    write(tmp_path / "fado" / "a.wav", sound(1.5))
    y, _ = audio.load(tmp_path / "fado" / "a.wav")
    table = table_of(tmp_path, 3.0)
    assert table.windows["window_id"].tolist() == ["fado.a.0"]
    assert table.windows["length"].tolist() == [3 * RATE - 1]
    np.testing.assert_array_equal(
        table.values[0], compute_features(np.concatenate([y, y])[: 3 * RATE - 1])
    )


# --- formats and unusual sound ------------------------------------------------


def test_rates_and_channels_may_differ(tmp_path):
    """The same sound at different rates has about the same features."""
    for name, rate, channels in [
        ("a", 22_050, 1), ("b", 44_100, 2), ("c", 96_000, 6), ("d", 8_000, 1), ("e", 11_025, 2),
    ]:  # fmt: skip
        time = np.arange(round(1.2 * rate)) / rate
        y = 0.3 * np.sin(2 * np.pi * 440 * time) + 0.2 * np.sin(2 * np.pi * 1_500 * time)
        write(tmp_path / "fado" / f"{name}.wav", np.repeat(y[:, None], channels, axis=1), rate=rate)
    table = table_of(tmp_path, 1.0)
    assert table.windows["window_id"].tolist() == [f"fado.{name}.0" for name in "abcde"]
    assert set(table.windows["length"]) == {RATE - 1}
    for name in ("chroma_stft_mean", "rms_mean", "zero_crossing_rate_mean"):
        np.testing.assert_allclose(table.frame[name], table.frame[name].iloc[0], rtol=0.05)


def test_channels_are_averaged(tmp_path):
    y = sound(1.1, channels=2)
    write(tmp_path / "fado" / "mono.wav", y.mean(axis=1, keepdims=True))
    write(tmp_path / "fado" / "stereo.wav", y)
    values = table_of(tmp_path, 1.0).values
    np.testing.assert_allclose(values[0], values[1], rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("ending", [".wav", ".au", ".flac", ".ogg", ".mp3"])
def test_formats(music_folder, ending):
    folder = music_folder(ending=ending, seconds=1.1, genres=["jazz"])
    table = table_of(folder)
    # Names are those of Kaggle's tables for every format.
    assert table.windows["filename"].tolist()[:2] == ["jazz.00000.0.wav", "jazz.00000.1.wav"]


@pytest.mark.parametrize("ending", [".au", ".flac"])
def test_lossless_formats_have_equal_rows(tmp_path, ending):
    y = np.round(32_767 * sound(1.1)).astype(np.int16)
    tables = []
    for suffix in (".wav", ending):
        write(tmp_path / suffix / "fado" / f"a{suffix}", y, subtype="PCM_16")
        tables.append(table_of(tmp_path / suffix))
    assert_equal(*tables)


def test_silence_and_constants_have_finite_features(tmp_path):
    for name, level in (("a", 0.0), ("b", 0.5), ("c", 1e-42), ("d", 1e6)):
        write(tmp_path / "fado" / f"{name}.wav", np.full((RATE, 1), level))
    table = table_of(tmp_path)
    assert len(table) == 8
    assert np.isfinite(table.values).all()
    assert (table.frame["tempo"] == 0).all()
    assert saved_and_opened(table, tmp_path / "t.csv").left_out.empty


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 2e6, 1e38])
def test_windows_with_invalid_samples_are_left_out(tmp_path, value):
    y = sound(2.0)
    y[RATE + 100] = value
    write(tmp_path / "fado" / "a.wav", y)
    reason = "beyond full scale" if np.isfinite(value) else "not finite numbers"
    with pytest.warns(
        GtzanWarning, match=rf"no features of fado\.a\.2: holds .*{reason}"
    ) as caught:
        table = table_of(tmp_path)
    assert len(caught) == 1
    assert table.windows["window_id"].tolist() == ["fado.a.0", "fado.a.1", "fado.a.3"]
    assert table.windows["start_s"].tolist() == [0, 0.5, 1.5]
    assert list(table.left_out.index) == ["fado.a.2"]
    assert np.isfinite(table.values).all()


@pytest.mark.filterwarnings("error")
def test_tracks_without_rows_do_not_affect_others(tmp_path):
    write(tmp_path / "fado" / "a.wav", np.full((RATE, 1), np.nan))
    write(tmp_path / "fado" / "b.wav", sound(0.2))
    write(tmp_path / "fado" / "c.wav", sound(1.0))
    write(tmp_path / "fado" / "d.wav", np.zeros((0, 1)))
    with pytest.warns(GtzanWarning, match="; and 1 more"):
        table = table_of(tmp_path)
    assert table.windows["window_id"].tolist() == ["fado.c.0", "fado.c.1"]
    assert table.left_out.index.tolist() == ["fado.a.0", "fado.a.1", "fado.b", "fado.d"]
    assert "shorter than a window, 0.20 s of 0.5 s" in table.left_out["fado.b"]


def test_unreadable_files_are_left_out(music_folder):
    folder = music_folder(layout=".", seconds=1.1, genres=["jazz"], tracks=3, ending=".flac")
    (folder / "jazz" / "jazz.00000.flac").write_bytes(b"not audio")
    cut = folder / "jazz" / "jazz.00001.flac"
    cut.write_bytes(cut.read_bytes()[: cut.stat().st_size // 2])
    with pytest.warns(GtzanWarning, match="cannot be read"):
        corpus = open_corpus(folder)
    with pytest.warns(GtzanWarning, match=r"no features of jazz\.00000: cannot be decoded \("):
        table = features(corpus, 0.5)
    assert table.left_out.index.tolist() == ["jazz.00000", "jazz.00001"]
    assert set(table.windows["track_id"]) == {"jazz.00002"}


def test_nothing_left_is_refused(tmp_path):
    write(tmp_path / "fado" / "a.wav", np.full((RATE, 1), np.nan))
    with pytest.raises(CorpusError, match=r"fado\.a\.0: holds samples .* Nothing is left\."):
        table_of(tmp_path)


@pytest.mark.parametrize(
    "seconds",
    [0, -3, 0.05, 2048 / RATE, 2048.4 / RATE, 2049.4 / RATE, 3601, 86_400, 1e5, np.inf, np.nan],
)
def test_windows_that_are_too_short_or_too_long_are_refused(small_folder, seconds):
    for call in (
        lambda: features(open_corpus(small_folder), seconds),
        lambda: feature_grid(seconds),
    ):
        with pytest.raises(CorpusError) as caught:
            call()
        assert str(caught.value) == (
            f"features of windows of {seconds:g} s cannot be computed: they need at least 0.1 s, "
            "and no more than an hour."
        )


def test_grid_of_features():
    """Windows have one sample less than the step; for 30 s, clips are taken whole."""
    for seconds, tail in [(0.1, "align"), (3.0, "align"), (30.0, "whole"), (3600, "align")]:
        assert feature_grid(seconds) == WindowGrid(seconds - 1 / RATE, seconds, tail)
    assert feature_grid(3.0, tail="drop") == KAGGLE_GRID
    assert feature_grid(30, tail="drop").tail == "whole"
    with pytest.raises(CorpusError, match="no tail 'cut' of windows"):
        feature_grid(3.0, tail="cut")


def test_the_shortest_and_the_longest_window(tmp_path):
    write(tmp_path / "fado" / "a.wav", sound(0.9))
    table = table_of(tmp_path, 0.1)
    assert len(table) == 9
    assert set(table.windows["length"]) == {2204}
    with pytest.raises(CorpusError, match=r"shorter than a window, 0\.90 s of 3600 s"):
        table_of(tmp_path, 3600)


@pytest.mark.parametrize("seconds", [0.5, 30])
def test_tracks_without_a_frame_are_left_out(tmp_path, seconds):
    write(tmp_path / "fado" / "a.wav", sound(1024 / RATE))
    write(tmp_path / "fado" / "b.wav", sound(2047 / RATE))
    write(tmp_path / "fado" / "c.wav", sound(0.6))
    with pytest.warns(
        GtzanWarning, match=r"fado\.a: shorter than 0\.1 s, 0\.05 s; fado\.b: shorter"
    ):
        table = table_of(tmp_path, seconds)
    assert table.windows["track_id"].tolist() == ["fado.c"]
    assert table.left_out["fado.b"] == "shorter than 0.1 s, 0.09 s"


def test_window_ids_are_those_of_the_corpus_at_any_rate(tmp_path):
    """Rows of features and of spectrograms are joined by these ids."""
    write(tmp_path / "fado" / "a.wav", sound(132_299 / 44_100, rate=44_100), rate=44_100)
    write(tmp_path / "fado" / "b.wav", sound(3.0, rate=44_100), rate=44_100)
    corpus = open_corpus(tmp_path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", GtzanWarning)
        ids = features(corpus, 3.0).windows["window_id"].tolist()
    assert ids == window_table(corpus, WindowGrid(3.0))["window_id"].tolist()


def test_selected_and_excluded_tracks(small_folder):
    corpus = open_corpus(small_folder)
    whole = features(corpus, 2.0, progress=False)
    part = corpus.select(genres=["rock", "blues"]).exclude(["rock.00001"])
    table = features(part, 2.0, progress=False)
    assert table.windows["track_id"].drop_duplicates().tolist() == part.tracks.index.tolist()
    pd.testing.assert_frame_equal(table.frame, whole.frame.loc[table.frame.index])


# --- saved and opened ---------------------------------------------------------


def test_saved_table_has_kaggles_schema(small_folder, tmp_path):
    table = features(open_corpus(small_folder).select(genres="rock"), 2.0, progress=False)
    file = table.save(tmp_path / "deep" / "features.csv")
    head, *lines = file.read_text().splitlines()
    assert tuple(head.split(",")) == COLUMNS
    assert len(lines) == len(table)
    assert lines[1].startswith("rock.00000.1.wav,44099,")
    assert lines[1].endswith(",rock")
    assert {len(line.split(",")) for line in lines} == {60}
    assert b"\r" not in file.read_bytes()
    assert [path.name for path in file.parent.iterdir()] == ["features.csv"]


@pytest.mark.parametrize("seconds", [0.2, 0.5, 1.2, 3.0, 30])
def test_a_saved_table_is_opened_without_changes(small_folder, tmp_path, seconds):
    corpus = open_corpus(small_folder).select(genres=["rock", "jazz"])
    table = features(corpus, seconds, progress=False)
    again = saved_and_opened(table, tmp_path / "t.csv")
    assert_equal(again, table)
    opened = open_corpus(tmp_path / "t.csv")
    assert opened.tracks["genre"].to_dict() == corpus.tracks["genre"].to_dict()
    again.save(tmp_path / "u.csv")
    assert (tmp_path / "u.csv").read_bytes() == (tmp_path / "t.csv").read_bytes()


names = st.sampled_from(
    [
        "a", "Song No. 1", "007", "NA", "nan", "1e5", "São João", 'x "y", z', "a.wav", " a", "a'",
        "True", "blues.00000", "#1", "=1+1", "a;b", "Ünï", "日本", "take.00012",
    ]
)  # fmt: skip


@settings(max_examples=15)
@given(
    genres=st.lists(
        st.sampled_from(["fado", "1980", "hip hop", "R&B", "NA"]), min_size=1, unique=True
    ),
    tracks=st.lists(names, min_size=1, max_size=3, unique=True),
    seconds=st.sampled_from([0.25, 30]),
)
def test_names_of_all_kinds_are_kept(tmp_path_factory, genres, tracks, seconds):
    folder = tmp_path_factory.mktemp("music")
    for genre in genres:
        for seed, name in enumerate(tracks):
            write(folder / "music" / genre / f"{name}.wav", sound(0.6, seed=seed))
    table = table_of(folder / "music", seconds)
    assert_equal(saved_and_opened(table, folder / "t.csv"), table)


@pytest.mark.parametrize(
    ("tracks", "rows"),
    [
        (["take.1", "take.2"], ["fado.take.1.0.wav", "fado.take.2.0.wav"]),
        (["song", "song.3"], ["fado.song.3.0.wav", "fado.song.wav"]),
        (["01.02", "01.03"], ["fado.01.02.wav", "fado.01.03.wav"]),
        (["7", "take.20000"], ["fado.7.wav", "fado.take.20000.0.wav"]),
    ],
)
def test_tracks_with_names_of_windows_are_distinct(tmp_path, tracks, rows):
    for name in tracks:
        write(tmp_path / "music" / "fado" / f"{name}.wav", sound(0.6))
    table = table_of(tmp_path / "music", 30)
    assert table.windows["track_id"].nunique() == 2
    assert table.windows["filename"].tolist() == rows
    assert_equal(saved_and_opened(table, tmp_path / "t.csv"), table)


def test_line_breaks_in_names_are_kept(tmp_path):
    write(tmp_path / "music" / "fado" / "first\nsecond.wav", sound(0.6))
    table = table_of(tmp_path / "music", 0.25)
    assert_equal(saved_and_opened(table, tmp_path / "t.csv"), table)


def test_starts_of_odd_windows_are_kept(tmp_path):
    write(tmp_path / "music" / "fado" / "a.wav", sound(1.1))
    table = table_of(tmp_path / "music", 0.125)
    again = saved_and_opened(table, tmp_path / "t.csv")
    np.testing.assert_allclose(again.windows["start_s"], table.windows["start_s"], atol=1e-3)


@pytest.mark.skipif(os.name == "nt", reason="names are text there")
def test_names_that_are_not_valid_text_are_written_with_backslashes(tmp_path):
    file = write(tmp_path / "music" / "fado" / "a.wav", sound(0.6))
    file.rename(os.fsdecode(os.fsencode(file.parent) + b"/caf\xe9.wav"))
    table = table_of(tmp_path / "music")
    again = saved_and_opened(table, tmp_path / "t.csv")
    assert again.windows["filename"].tolist() == ["fado.caf%E9.0.wav"]
    np.testing.assert_array_equal(again.values, table.values)


def test_whole_and_cut_tracks_in_one_table(tmp_path):
    write(tmp_path / "music" / "fado" / "a.wav", sound(2), subtype="PCM_16")
    write(tmp_path / "music" / "fado" / "b.wav", sound(61), subtype="PCM_16")
    table = table_of(tmp_path / "music", 30)
    assert_equal(saved_and_opened(table, tmp_path / "t.csv"), table)


def test_a_table_that_cannot_be_written_is_an_error(music_folder, tmp_path):
    table = table_of(music_folder(genres=["jazz"]))
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("text")
    with pytest.raises(OutputError, match=f"{tmp_path / 'folder'}: is a folder"):
        table.save(tmp_path / "folder")
    with pytest.raises(CorpusError, match=r"t\.csv: cannot be written \(.*\); name another"):
        table.save(tmp_path / "file" / "t.csv")
    assert (tmp_path / "file").read_text() == "text"
    assert not list((tmp_path / "folder").iterdir())


def test_rows_of_a_table_do_not_depend_on_seconds(small_folder, tmp_path, decoded):
    table = features(open_corpus(small_folder), 2.0, progress=False)
    corpus = open_corpus(table.save(tmp_path / "t.csv"))
    decoded.clear()
    for seconds in (2.0, 3.0, 30, 0.001):
        assert_equal(features(corpus, seconds, reference=True), table)
    assert decoded == []


def test_selected_and_excluded_tracks_of_a_table(small_folder, tmp_path):
    table = features(open_corpus(small_folder), 2.0, progress=False)
    corpus = open_corpus(table.save(tmp_path / "t.csv"))
    part = features(corpus.select(genres=["rock", "blues"]).exclude(["rock.00001"]))
    assert part.windows["track_id"].nunique() == 5
    pd.testing.assert_frame_equal(part.frame, table.frame.loc[part.frame.index])


def test_rows_of_a_table_without_numbers_are_left_out(small_folder, tmp_path):
    corpus = open_corpus(small_folder).select(genres="jazz")
    file = features(corpus, 2.0, progress=False).save(tmp_path / "t.csv")
    table = pd.read_csv(file, dtype=str)
    table.loc[1, "tempo"] = "fast"
    table.loc[[2, 3], "mfcc20_var"] = "nan"
    table.to_csv(tmp_path / "u.csv", index=False)
    with pytest.warns(GtzanWarning, match=r"jazz\.00000\.1.*: tempo is 'fast'"):
        left = features(open_corpus(tmp_path / "u.csv"))
    assert left.windows["window_id"].tolist() == ["jazz.00000.0", "jazz.00002.0", "jazz.00002.1"]
    assert len(left.left_out) == 3
    table["rms_mean"] = ""
    table.to_csv(tmp_path / "v.csv", index=False)
    with pytest.raises(CorpusError, match=r"rms_mean is empty.* Nothing is left\."):
        features(open_corpus(tmp_path / "v.csv"))


def test_a_table_without_its_tracks_is_refused(small_folder, tmp_path):
    table = features(open_corpus(small_folder), 2.0, progress=False)
    corpus = open_corpus(table.save(tmp_path / "t.csv")).select(genres="jazz")
    lines = (tmp_path / "t.csv").read_text().splitlines(keepends=True)
    (tmp_path / "t.csv").write_text("".join(line for line in lines if "jazz" not in line))
    with pytest.raises(CorpusError, match=r"has no row of jazz\.00000 any more; open it again\."):
        features(corpus)


# --- cache --------------------------------------------------------------------


def test_a_second_call_decodes_nothing(music_folder, decoded, work):
    folder = music_folder(seconds=1.1)
    first = table_of(folder)
    assert len(decoded) == 4
    decoded.clear()
    assert_equal(table_of(folder), first)
    assert_equal(table_of(folder, jobs=1), first)
    assert len(features(open_corpus(folder).select(genres="rock"), 0.5)) == 4
    assert decoded == []
    shutil.rmtree(work)
    assert_equal(table_of(folder), first)
    assert len(decoded) == 4


def test_other_windows_and_the_reference_are_cached_separately(music_folder, decoded):
    folder = music_folder(seconds=1.1, genres=["jazz"], tracks=1)
    for arguments in ({"seconds": 0.5}, {"seconds": 1}, {"seconds": 1, "reference": True}):
        table = table_of(folder, **arguments)
        assert len(decoded) == 1
        assert len(table) == round(1 / arguments["seconds"])
        decoded.clear()


@pytest.mark.parametrize("change", ["content", "time"])
def test_a_changed_file_is_decoded_anew(music_folder, decoded, change):
    folder = music_folder(layout=".", seconds=1.1)
    before = table_of(folder)
    decoded.clear()
    path = folder / "rock" / "rock.00001.wav"
    status = path.stat()
    if change == "content":
        write(path, sound(1.6), subtype="PCM_16")
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    else:
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns + 1))
    after = table_of(folder)
    assert decoded == ["rock.00001.wav"]
    assert len(after) - len(before) == (1 if change == "content" else 0)


def test_an_interrupted_call_continues(music_folder, decoded, monkeypatch):
    folder = music_folder(seconds=1.1, tracks=3)
    load = audio.load

    def stop(path, **arguments):
        if len(decoded) == 4:
            raise KeyboardInterrupt
        return load(path, **arguments)

    with monkeypatch.context() as patch:
        patch.setattr(audio, "load", stop)
        with pytest.raises(KeyboardInterrupt):
            table_of(folder)
    assert len(decoded) == 4
    table = table_of(folder)
    assert sorted(decoded) == sorted({*decoded})
    assert len(decoded) == 6
    assert len(table) == 12


def test_result_does_not_depend_on_jobs(small_folder, tmp_path, monkeypatch):
    tables = []
    for jobs in (1, 2):
        monkeypatch.setenv("GTZAN_WORK", str(tmp_path / f"work{jobs}"))
        tables.append(table_of(small_folder, 1.0, jobs=jobs))
    assert_equal(*tables)


@pytest.mark.parametrize(
    "module",
    [
        "data.audio", "data.windows", "data.tables", "signal.dsp", "signal.fast_features",
        "signal.medians", "signal.librosa_features", "signal.families", "signal.features",
    ],
)  # fmt: skip
def test_changed_code_computes_again(music_folder, decoded, monkeypatch, module):
    folder = music_folder(seconds=0.6, genres=["jazz"])
    reference = module == "signal.librosa_features"
    table_of(folder, reference=reference)
    decoded.clear()
    digest = cache.package_digest

    def changed(*modules):
        return digest(*modules) + "#" * (module in modules)

    monkeypatch.setattr(cache, "package_digest", changed)
    table_of(folder, reference=reference)
    assert len(decoded) == 2


def test_a_temporary_failure_is_not_cached(music_folder, decoded, monkeypatch):
    """Such as a network share that was not available."""
    folder = music_folder(seconds=1.1, genres=["jazz"])

    def fail(path, **arguments):
        raise AudioError("not available", reason="Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(audio, "load", fail)
        with pytest.raises(CorpusError, match="Input/output error"):
            table_of(folder)
    assert len(table_of(folder)) == 4


def test_nothing_is_cached_in_a_folder_that_cannot_be_written(
    music_folder, decoded, tmp_path, monkeypatch
):
    (tmp_path / "file").write_text("x")
    monkeypatch.setenv("GTZAN_WORK", str(tmp_path / "file" / "work"))
    folder = music_folder(seconds=1.1, genres=["jazz"])
    assert len(table_of(folder)) == len(table_of(folder)) == 4
    assert len(decoded) == 4


def test_a_deleted_file_is_left_out(music_folder):
    folder = music_folder(layout=".", seconds=1.1, genres=["jazz"])
    corpus = open_corpus(folder)
    (folder / "jazz" / "jazz.00000.wav").unlink()
    with pytest.warns(GtzanWarning, match=r"jazz\.00000: cannot be decoded \(there is no such"):
        assert len(features(corpus, 0.5)) == 2


# --- reference ----------------------------------------------------------------


def test_the_reference_gives_the_same_table(small_folder):
    corpus = open_corpus(small_folder).select(tracks=["blues.00000", "rock.00002"])
    fast = features(corpus, 2.0, progress=False)
    slow = features(corpus, 2.0, reference=True, progress=False)
    pd.testing.assert_frame_equal(fast.windows, slow.windows)
    assert not np.array_equal(fast.values, slow.values)
    np.testing.assert_allclose(fast.values, slow.values, rtol=2e-3, atol=1e-3)


# --- against another table ----------------------------------------------------


def make_table(**columns) -> FeatureTable:
    """Return a table of windows fado.a.0, ... with 1 in all features except `columns`."""
    count = len(next(iter(columns.values())))
    frame = pd.DataFrame(1.0, range(count), list(FEATURE_NAMES)).assign(**columns)
    ids = [f"fado.a.{number}" for number in range(count)]
    rows = pd.DataFrame({"window_id": ids, "filename": [f"{window_id}.wav" for window_id in ids]})
    return FeatureTable(frame.to_numpy(), rows, pd.Series(dtype=object))


def without(table: FeatureTable, *rows: int) -> FeatureTable:
    return FeatureTable(
        np.delete(table.values, rows, axis=0), table.windows.drop(index=list(rows)), table.left_out
    )


def test_differences_of_each_feature():
    ours = make_table(tempo=[101.0, 100.0, 150.0, 100.0], rms_mean=[0.5, -2.0, 0.0, 0.0])
    other = make_table(tempo=[100.0, 100.0, 100.0, 101.0], rms_mean=[0.5, -1.0, 0.0, 0.0])
    comparison = ours.against(other)
    assert comparison.columns.tolist() == [
        "windows", "median", "largest", "within_1_percent", "absolute",
    ]  # fmt: skip
    assert comparison.index.tolist() == list(FEATURE_NAMES)
    assert (comparison["windows"] == 4).all()
    assert comparison.loc["tempo"].tolist() == [4, (1 / 100 + 1 / 101) / 2, 0.5, 0.75, 50]
    # Zeros are equal; other differences are relative to the other table.
    assert comparison.loc["rms_mean"].tolist() == [4, 0, 1, 0.75, 1]
    assert comparison.loc["mfcc1_var"].tolist() == [4, 0, 0, 1, 0]


def test_a_difference_from_zero_is_infinite():
    comparison = make_table(tempo=[0.5, 1.0]).against(make_table(tempo=[0.0, 1.0]))
    assert comparison.loc["tempo", ["largest", "within_1_percent", "absolute"]].tolist() == [
        np.inf, 0.5, 0.5,
    ]  # fmt: skip


def test_rows_are_compared_by_their_windows():
    """In any order, and only those in both tables."""
    table = make_table(tempo=[1.0, 2.0, 3.0, 4.0])
    backwards = FeatureTable(
        table.values[::-1], table.windows[::-1].reset_index(drop=True), table.left_out
    )
    for first, second, count in [
        (table, backwards, 4),
        (table, without(table, 1), 3),
        (without(table, 0), without(backwards, 0), 2),
    ]:
        comparison = first.against(second)
        assert (comparison["windows"] == count).all()
        assert (comparison["absolute"] == 0).all()
        assert (comparison["within_1_percent"] == 1).all()


def test_tables_without_a_common_window_are_not_compared():
    table = make_table(tempo=[1.0, 2.0])
    with pytest.raises(CorpusError, match=r"no window in common, fado\.a\.0\.wav is not in the"):
        without(table, 1).against(without(table, 0))


def test_computed_and_saved_tables_are_equal(small_folder, tmp_path):
    table = features(open_corpus(small_folder).select(genres="jazz"), 2.0, progress=False)
    comparison = table.against(saved_and_opened(table, tmp_path / "t.csv"))
    assert (comparison["windows"] == 6).all()
    assert (comparison["absolute"] == 0).all()


# --- Kaggle's tables ----------------------------------------------------------


def test_real_clips_give_kaggles_rows(gtzan_root, tmp_path):
    """Ids, lengths and values of Kaggle's table."""
    csv = gtzan_root / "features" / "features_30_sec.csv"
    if not (csv.is_file() and (gtzan_root / "mini").is_dir()):
        pytest.skip(f"{gtzan_root} holds no clips with their table")
    ids = ["disco.00001", "metal.00005"]
    ours = features(open_corpus(gtzan_root / "mini").select(tracks=ids), 30, progress=False)
    theirs = features(open_corpus(csv).select(tracks=ids))
    pd.testing.assert_frame_equal(ours.windows, theirs.windows, check_dtype=False)
    np.testing.assert_allclose(ours.values, theirs.values, rtol=1e-2, atol=2e-5)
    assert_equal(saved_and_opened(theirs, tmp_path / "t.csv"), theirs)


def test_real_tables_are_read_without_loss(gtzan_root):
    for name in ("features_30_sec.csv", "features_3_sec.classical_jazz_rock.csv"):
        csv = gtzan_root / "features" / name
        if not csv.is_file():
            pytest.skip(f"{gtzan_root} holds no {name}")
        table = features(open_corpus(csv))
        kaggle = pd.read_csv(csv, dtype=dict.fromkeys(FEATURE_NAMES, str)).astype(
            dict.fromkeys(FEATURE_NAMES, float)
        )
        np.testing.assert_array_equal(table.values, kaggle[list(FEATURE_NAMES)].to_numpy(float))
        assert table.windows["filename"].tolist() == kaggle["filename"].tolist()
        assert table.windows["genre"].tolist() == kaggle["label"].tolist()
        assert table.windows["length"].tolist() == kaggle["length"].tolist()
        assert table.windows["window_id"].is_unique
        if "_3_" in name:
            parts = kaggle["filename"].str.split(".").str[2].astype(int)
            assert table.windows["start_s"].tolist() == (3.0 * parts).tolist()
