"""Families of features: statistics of log-mels beside Kaggle's features, in one kind of table."""

import dataclasses
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile

from gtzan_lib.data import audio, cache
from gtzan_lib.data.opening import open_corpus
from gtzan_lib.data.tables import FEATURE_NAMES
from gtzan_lib.errors import CorpusError, GtzanWarning
from gtzan_lib.signal import families
from gtzan_lib.signal.families import FAMILIES, families_of
from gtzan_lib.signal.features import FeatureTable, feature_grid, features
from gtzan_lib.signal.logmel_statistics import logmel_statistics, statistic_names
from gtzan_lib.signal.recipes import Recipe
from gtzan_lib.signal.spectrograms import spectrograms, write_log_mels

RATE = 22_050
STATISTICS = "logmel-statistics"
RECIPE = Recipe.preset("mel-gtzan-store")


def statistics_of(corpus, seconds=1.5, **arguments) -> FeatureTable:
    return features(corpus, seconds, family=STATISTICS, progress=False, **arguments)


def write(path: Path, seconds: float, *, seed: int = 0) -> np.ndarray:
    y = 0.2 * np.random.default_rng(seed).uniform(-1, 1, round(seconds * RATE))
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, y, RATE, subtype="FLOAT")
    return y


@pytest.fixture
def decoded(monkeypatch) -> list[str]:
    """Record the names of decoded files."""
    names, load = [], audio.load

    def record(path, **arguments):
        names.append(Path(path).name)
        return load(path, **arguments)

    monkeypatch.setattr(audio, "load", record)
    return names


@pytest.fixture(scope="module")
def table(small_folder) -> FeatureTable:
    return statistics_of(open_corpus(small_folder))


def assert_same(table: FeatureTable, expected: FeatureTable) -> None:
    pd.testing.assert_frame_equal(table.windows, expected.windows, check_dtype=False)
    np.testing.assert_array_equal(table.values, expected.values)
    assert table.left_out.to_dict() == expected.left_out.to_dict()
    assert table.family == expected.family


# --- values -------------------------------------------------------------------


def test_values_are_the_statistics_of_each_windows_image(table, small_folder):
    corpus = open_corpus(small_folder)
    y, _ = corpus.load("jazz.00001", sample_rate=RATE)
    rows = (table.windows["track_id"] == "jazz.00001").to_numpy()
    images = spectrograms(y, Recipe.preset("mel-gtzan-store", seconds=1.5), np.array([0, 1.5, 2.7]))
    assert table.windows["start_s"][rows].round(3).tolist() == [0, 1.5, 2.7]
    np.testing.assert_array_equal(table.values[rows], logmel_statistics(images))
    assert table.values.dtype == np.float32
    assert np.isfinite(table.values).all()


def test_names_are_those_of_the_family(table, small_folder):
    assert table.names == statistic_names()
    assert len(table.names) == 4608
    assert table.frame.columns.tolist() == list(statistic_names())
    assert repr(table) == "FeatureTable(36 windows of 12 tracks, 4608 features)"
    kaggle = features(open_corpus(small_folder), 1.5, progress=False)
    assert (kaggle.names, kaggle.family) == (FEATURE_NAMES, "kaggle")
    pd.testing.assert_frame_equal(table.windows, kaggle.windows)


@pytest.mark.parametrize("seconds", [1.25, 2, 3, 30])
def test_log_mels_give_the_values_of_the_sound(tmp_path, seconds):
    """Also for sound shorter than a window, and for tracks that are taken whole."""
    lengths = [1.1, 1.31, 2.999, 7.77]
    for number, length in enumerate(lengths):
        write(tmp_path / "fado" / f"{number}.wav", length, seed=number)
    corpus = open_corpus(tmp_path)
    if seconds == 30:
        corpus = corpus.exclude(["fado.0"])
    file = write_log_mels(corpus, tmp_path / "mel.npz", RECIPE, progress=False)
    from_sound, from_file = (
        statistics_of(corpus, seconds),
        statistics_of(open_corpus(file), seconds),
    )
    assert from_sound.windows["track_id"].nunique() == len(corpus)
    assert_same(from_file, from_sound)


def test_whole_tracks_have_as_many_columns_as_their_length(tmp_path):
    y = write(tmp_path / "fado" / "a.wav", 4.0)
    table = statistics_of(open_corpus(tmp_path), 30)
    image = spectrograms(
        y.astype(np.float32), Recipe.preset("mel-gtzan-store", seconds=4.0), np.zeros(1)
    )
    np.testing.assert_array_equal(table.values, logmel_statistics(image))
    assert table.windows["length"].tolist() == [4 * RATE]


def test_images_of_the_shared_kind_have_statistics(tmp_path, rng):
    grey = rng.integers(0, 256, (2, 128, 387), dtype=np.uint8)
    np.savez(tmp_path / "mel.npz", X=grey, names=np.array(["fado.a", "fado.b"]))
    table = statistics_of(open_corpus(tmp_path / "mel.npz"), 30)
    assert table.windows["filename"].tolist() == ["fado.a.wav", "fado.b.wav"]
    expected = logmel_statistics(grey)
    # Grey levels are stretched to the whole scale, as by stores.
    np.testing.assert_allclose(table.values, expected, atol=0.05)


# --- what is left out ---------------------------------------------------------


def test_invalid_samples_leave_their_windows_out(tmp_path):
    y = write(tmp_path / "fado" / "a.wav", 6.0)
    y[2 * RATE] = np.nan
    soundfile.write(tmp_path / "fado" / "a.wav", y, RATE, subtype="FLOAT")
    with pytest.warns(GtzanWarning, match=r"fado\.a\.1: holds samples that are not finite"):
        table = statistics_of(open_corpus(tmp_path))
    assert table.windows["window_id"].tolist() == ["fado.a.0", "fado.a.2", "fado.a.3"]
    assert np.isfinite(table.values).all()


def test_sound_that_is_too_short_is_left_out(tmp_path):
    write(tmp_path / "fado" / "a.wav", 1.1)
    write(tmp_path / "fado" / "b.wav", 5.0)
    corpus = open_corpus(tmp_path)
    file = write_log_mels(corpus, tmp_path / "mel.npz", RECIPE, progress=False)
    for opened in (corpus, open_corpus(file)):
        with pytest.warns(GtzanWarning, match=r"fado\.a: shorter than 1\.25 s, 1\.10 s"):
            assert len(statistics_of(opened, 30)) == 1
        with pytest.warns(GtzanWarning, match=r"fado\.a: shorter than a window, 1\.10 s of 3 s"):
            grid = feature_grid(3.0, tail="drop", family=STATISTICS)
            assert len(statistics_of(opened, grid=grid)) == 1


# --- files --------------------------------------------------------------------


def test_saved_arrays_are_loaded_again(table, tmp_path, rng):
    left_out = pd.Series({"jazz.00007": "is silent", "fado.é.1": "why"}, dtype=object)
    table = dataclasses.replace(table, left_out=left_out)
    assert_same(FeatureTable.load(table.save(tmp_path / "new" / "t.npz")), table)
    kaggle = FeatureTable(rng.normal(size=(36, 57)), table.windows, left_out[:0])
    assert_same(FeatureTable.load(kaggle.save(tmp_path / "k.npz")), kaggle)


def test_text_has_the_columns_of_the_family(table, tmp_path):
    written = pd.read_csv(table.save(tmp_path / "t.csv"))
    assert written.columns.tolist() == [
        "filename", "length", *statistic_names(), "label", "start_s",
    ]  # fmt: skip
    np.testing.assert_array_equal(
        written[list(statistic_names())].to_numpy(np.float32), table.values
    )
    with pytest.raises(CorpusError, match="has no column 'chroma_stft_mean'"):
        open_corpus(tmp_path / "t.csv")


def test_other_files_are_no_tables(table, tmp_path, small_folder):
    good = table.save(tmp_path / "t.npz")
    log_mels = write_log_mels(open_corpus(small_folder), tmp_path / "m.npz", RECIPE, progress=False)
    (tmp_path / "cut.npz").write_bytes(good.read_bytes()[:10_000])
    (tmp_path / "text.npz").write_text("a,b\n")
    with np.load(good) as stored:
        arrays = dict(stored)
    np.savez(tmp_path / "rows.npz", **arrays | {"values": table.values[1:]})
    np.savez(tmp_path / "nan.npz", **arrays | {"values": np.full_like(table.values, np.nan)})
    for file in (log_mels, *(tmp_path / f"{name}.npz" for name in ("cut", "text", "rows", "nan"))):
        with pytest.raises(CorpusError, match=f"{file.name}: is no table of features, or is dam"):
            FeatureTable.load(file)
    np.savez(tmp_path / "old.npz", **arrays | {"names": arrays["names"][::-1]})
    with pytest.raises(CorpusError, match=r"old\.npz: its features are not those of the family"):
        FeatureTable.load(tmp_path / "old.npz")
    with pytest.raises(CorpusError, match="there is no such file"):
        FeatureTable.load(tmp_path / "none.npz")


# --- the cache ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("module", "again"),
    [
        ("signal.logmel_statistics", True), ("signal.spectrograms", True), ("signal.dsp", True),
        ("signal.families", True), ("data.audio", True), ("signal.fast_features", False),
    ],
)  # fmt: skip
def test_only_code_of_the_family_computes_again(music_folder, decoded, monkeypatch, module, again):
    corpus = open_corpus(music_folder(genres=["jazz"]))
    first = statistics_of(corpus, 1.5)
    decoded.clear()
    assert_same(statistics_of(corpus, 1.5), first)
    assert decoded == []
    digest = cache.package_digest
    monkeypatch.setattr(
        cache, "package_digest", lambda *modules: digest(*modules) + "#" * (module in modules)
    )
    assert_same(statistics_of(corpus, 1.5), first)
    assert bool(decoded) == again


def test_families_are_cached_side_by_side(music_folder, decoded):
    corpus = open_corpus(music_folder(genres=["jazz"]))
    for _ in range(2):
        assert features(corpus, 1.5, progress=False).values.shape == (2, 57)
        assert statistics_of(corpus).values.shape == (2, 4608)
    assert len(decoded) == 4


def test_values_do_not_depend_on_jobs(small_folder, table, tmp_path, monkeypatch):
    monkeypatch.setenv("GTZAN_WORK", str(tmp_path / "other"))
    assert_same(statistics_of(open_corpus(small_folder), jobs=2), table)


# --- which families there are -------------------------------------------------


def test_a_third_family_is_one_entry(music_folder, monkeypatch):
    peaks = dataclasses.replace(
        FAMILIES["kaggle"],
        names=("peak",),
        reference=None,
        compute=lambda windows, samples: np.array([[np.abs(w.y).max()] for w in windows]),
    )
    monkeypatch.setitem(FAMILIES, "peaks", peaks)
    corpus = open_corpus(music_folder(genres=["jazz"]))
    assert families_of(corpus) == ["kaggle", STATISTICS, "peaks"]
    table = features(corpus, 1.5, family="peaks", progress=False)
    y, _ = corpus.load("jazz.00000", sample_rate=RATE)
    assert table.frame.loc["jazz.00000.0", "peak"] == np.abs(y[: round(1.5 * RATE) - 1]).max()


def test_families_of_sound_tables_and_log_mels(small_folder, tmp_path):
    corpus = open_corpus(small_folder)
    file = write_log_mels(corpus, tmp_path / "mel.npz", RECIPE, progress=False)
    csv = features(corpus, 1.5, progress=False).save(tmp_path / "t.csv")
    assert families_of(corpus) == ["kaggle", STATISTICS]
    assert families_of(corpus, 1.2) == ["kaggle"]
    assert families_of(open_corpus(file)) == [STATISTICS]
    assert families_of(open_corpus(csv)) == ["kaggle"]
    with pytest.raises(CorpusError, match=r"mel\.npz: .* no sound .* choose the family logmel-st"):
        features(open_corpus(file))
    with pytest.raises(CorpusError, match=r"t\.csv: is a table of Kaggle's features"):
        statistics_of(open_corpus(csv))


def test_what_is_not_possible_is_refused(small_folder, tmp_path, rng):
    corpus = open_corpus(small_folder)
    with pytest.raises(CorpusError, match="no family of features 'mfcc'; choose one of kaggle, l"):
        features(corpus, family="mfcc")
    with pytest.raises(CorpusError, match=r"windows of 1\.2 s cannot .* at least 1\.25 s"):
        statistics_of(corpus, 1.2)
    with pytest.raises(CorpusError, match="'logmel-statistics' has no second implementation"):
        statistics_of(corpus, reference=True)
    grey = rng.integers(0, 256, (1, 64, 387), dtype=np.uint8)
    np.savez(tmp_path / "mel.npz", X=grey, names=np.array(["fado.a"]))
    with pytest.raises(CorpusError, match=r"mel\.npz: its images have 64 mel bands, .* need 128"):
        statistics_of(open_corpus(tmp_path / "mel.npz"), 3)


def test_the_shortest_window_has_the_columns_that_statistics_need():
    family = FAMILIES[STATISTICS]
    samples = round(family.shortest_s * RATE) + 1
    assert families._recipe(samples).columns == 16
    assert families._recipe(samples - 3).columns == 15
    assert family.allows(1.25)
