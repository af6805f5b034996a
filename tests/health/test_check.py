"""Checks of whole collections: every fault, the excluded tracks, and the cache."""

import io
import json
import os
import shutil
import struct
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import pytest
import soundfile

from gtzan_lib.data import cache, tables
from gtzan_lib.data.loaders import gtzan
from gtzan_lib.data.opening import find_tracks, open_corpus
from gtzan_lib.errors import CorpusError, GtzanWarning, HealthError
from gtzan_lib.files import sha256_of
from gtzan_lib.health import inspection
from gtzan_lib.health.check import check_health
from gtzan_lib.health.faults import FAULT_SEVERITIES, Fault, find_faults
from gtzan_lib.health.report import KINDS, HealthReport

from .test_duplicates import RATE, encoded, music

SECONDS = 5.0
FILES = ["genre", "path", *inspection.INSPECTED_FACTS]


def check(source, **arguments) -> HealthReport:
    return check_health(source, progress=False, **arguments)


def faults_by_track(report: HealthReport) -> dict[str, set[str]]:
    """Return the names of each track's faults; those of the whole collection under ''."""
    return report.faults.groupby("track_id")["fault"].agg(set).to_dict()


def tune(number: int, seconds: float = SECONDS) -> np.ndarray:
    """Return noise that is uncorrelated with that of other numbers."""
    rng = np.random.default_rng(number)
    return 0.15 * rng.standard_normal(round(seconds * RATE)).clip(-4, 4)


def write(path: Path, y: np.ndarray, *, rate: int = RATE, container="WAV", encoding="PCM_16"):
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, y, rate, format=container, subtype=encoding)
    return path


def cut(path: Path, share: float) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: round(share * len(content))])


def state_length(path: Path, seconds: float) -> None:
    """Write another length into the header of a WAV file."""
    content = bytearray(path.read_bytes())
    struct.pack_into("<I", content, 40, round(seconds * RATE) * 2)
    path.write_bytes(content)


def with_gaps(y: np.ndarray) -> np.ndarray:
    y = y.copy()
    for start in (20_000, 50_000, 80_000):
        y[start - 1] = 0.3
        y[start : start + 1_500] = 0
    return y


def fading(y: np.ndarray, seconds: float) -> np.ndarray:
    """Fade a sound to silence within some seconds."""
    fade = np.linspace(1, 0, round(seconds * RATE)) ** 3
    return y * np.pad(fade, (0, len(y) - len(fade)))


def write_faulty(folder: Path, genres: list[str], name: str) -> Path:
    """Write one file for each fault that a file can have, and enough files without faults.

    Files have the fault's number; mislabelled copies are in the second genre.
    """
    first, second, others = (folder / genre for genre in (genres[0], genres[1], genres[2]))

    def file(number: int, ending: str = ".wav", *, at: Path = first) -> Path:
        return at / (name.format(genre=at.name, number=number) + ending)

    for number in range(45):
        write(file(number, at=others), tune(number))
    file(0).parent.mkdir()
    file(0).write_bytes(b"RIFF and nothing else")
    cut(write(file(1), tune(101)), 0.6)
    write(file(2), tune(102)[: 2 * RATE])
    write(file(3), tune(103), rate=16_000)
    write(file(4), np.zeros(round(SECONDS * RATE)))
    write(file(5), tune(105))
    write(file(5, at=second), tune(105))
    write(file(6), tune(106))
    write(file(6, ".flac"), tune(116), container="FLAC")
    write(file(7), np.clip(12 * tune(107), -1, 1))
    write(file(8), tune(108) / 2 - 0.1)
    write(file(9), with_gaps(tune(109)))
    write(file(10), fading(tune(110), 1.8))
    write(file(11), np.stack([tune(111), tune(111)], axis=1))
    state_length(write(file(12), tune(112, SECONDS + 3)), SECONDS)
    write(file(13), tune(113, SECONDS + 3))
    write(file(14), tune(114), encoding="PCM_24")
    write(file(15), tune(115), container="AU")
    write(file(16, ".ogg"), tune(117), container="OGG", encoding="VORBIS")
    return folder


EXPECTED = {
    (0, 0): {"unreadable"},
    (0, 1): {"truncated"},
    (0, 2): {"too-short"},
    (0, 3): {"wrong-rate", "too-long"},
    (0, 4): {"silent"},
    (0, 5): {"mislabelled"},
    (1, 5): {"mislabelled"},
    (0, 6): {"same-id"},
    (0, 7): {"clipped"},
    (0, 8): {"dc-offset"},
    (0, 9): {"dropouts"},
    (0, 10): {"long-silence"},
    (0, 11): {"wrong-channels"},
    (0, 12): {"wrong-header"},
    (0, 13): {"too-long"},
    (0, 14): {"wrong-encoding"},
    (0, 15): {"wrong-format"},
}
GTZAN, OTHER = ["blues", "rock", "jazz"], ["fado", "samba", "tango"]


@pytest.fixture(scope="module")
def faulty_gtzan(tmp_path_factory) -> Path:
    """A collection with every fault, not to be changed."""
    return write_faulty(tmp_path_factory.mktemp("gtzan"), GTZAN, "{genre}.{number:05d}")


@pytest.fixture(scope="module")
def report(faulty_gtzan) -> HealthReport:
    return check(faulty_gtzan)


@pytest.fixture
def clean(tmp_path) -> Path:
    """Two genres of three tracks without faults, with names unlike GTZAN's."""
    for number in range(6):
        write(tmp_path / "clean" / OTHER[number % 2] / f"{number}.wav", tune(200 + number))
    return tmp_path / "clean"


# --- every fault --------------------------------------------------------------


def test_every_fault_in_gtzan(report):
    expected = {f"{GTZAN[g]}.{n:05d}": {*names} for (g, n), names in EXPECTED.items()}
    # Files that cannot be decoded are compared by their bytes.
    for number in (0, 1):
        expected[f"blues.{number:05d}"] |= {"unknown-copy"}
    assert faults_by_track(report) == {**expected, "": {"unknown-copy", "not-comparable"}}


def test_every_fault_in_other_music(tmp_path):
    """Other music has all faults but the two that need GTZAN's checksums."""
    report = check(write_faulty(tmp_path, OTHER, "No. {number}"))
    expected = {f"{OTHER[g]}.No. {n}": names for (g, n), names in EXPECTED.items()}
    assert faults_by_track(report) == expected


def test_every_fault_has_a_test():
    elsewhere = {"unknown-copy", "not-comparable", "passed-over", "invalid-samples"}
    assert set().union(*EXPECTED.values()) | elsewhere == set(FAULT_SEVERITIES)


def test_the_table_of_faults(report, faulty_gtzan):
    assert report.faults.columns.tolist() == ["track_id", "path", "fault", "severity", "detail"]
    assert (report.faults["severity"] == report.faults["fault"].map(FAULT_SEVERITIES)).all()
    assert report.faults["detail"].str.len().gt(0).all()
    single = report.faults[report.faults["track_id"] != ""]
    for track_id, path in single[["track_id", "path"]].to_numpy():
        assert Path(path).is_file()
        assert Path(path).stem == track_id
    of_collection = report.faults[report.faults["track_id"] == ""]
    assert set(of_collection["path"]) == {str(faulty_gtzan.resolve())}
    # Two files have one id, two are compared by their bytes, and two faults concern all files.
    assert len(report.faults) == sum(map(len, EXPECTED.values())) + 1 + 2 + 2


def test_details_have_numbers(report):
    details = report.faults.set_index(["track_id", "fault"])["detail"].to_dict()
    for number, fault, expected in [
        (1, "truncated", "ends after 3.00 s of 5.00 s"),
        (2, "too-short", "2.00 s, where 5.0 s are usual"),
        (3, "wrong-rate", "16000 Hz, where 22050 Hz are usual"),
        (5, "mislabelled", "the same recording is rock.00005 in genre rock"),
        (8, "dc-offset", "mean -0.100 of full scale"),
        (9, "dropouts", "3 gaps that begin with a jump"),
        (11, "wrong-channels", "2, where 1 are usual"),
        (12, "wrong-header", "3.00 s of data after the end stated in the header"),
        (14, "wrong-encoding", "PCM_24, where PCM_16 is usual"),
        (15, "wrong-format", "named .wav, holds AU"),
    ]:
        assert details[f"blues.{number:05d}", fault] == expected


def test_measurements_of_all_files(report, faulty_gtzan):
    assert report.files.columns.tolist() == FILES
    assert report.files.index.tolist() == report.track_ids
    assert report.n_files == len(report.files) == 64
    assert report.source == str(faulty_gtzan.resolve())
    row = report.files.loc["jazz.00003"]
    assert row["decoded"]
    assert row["duration_s"] == SECONDS
    assert row["sha256"] == sha256_of(row["path"])
    assert "64 files: 9 errors, 6 warnings, 8 notices, 1 duplicates" in repr(report)


def test_excluded_tracks_and_reasons(report):
    excluded = [0, 1, 2, 3, 4, 5, 6]
    assert report.excluded == [*(f"blues.{n:05d}" for n in excluded), "rock.00005"]
    assert list(report.reasons) == report.excluded
    assert report.reasons["blues.00004"] == "silent (nothing above -200 dB)"
    assert report.reasons["rock.00005"] == (
        "mislabelled (the same recording is blues.00005 in genre blues); "
        "same recording as blues.00005 (identical)"
    )
    assert report.reasons["blues.00006"].count("same-id") == 2
    assert not report.is_clean


def test_a_clean_collection(clean):
    report = check(clean)
    assert report.is_clean
    assert report.excluded == []
    assert report.reasons == {}
    assert report.as_json() == {"files": 6, "faults": [], "duplicates": []}
    assert report.n_files == 6
    assert report.duplicates.columns.tolist() == ["a", "b", "kind", "score", "lag_s"]


def test_a_collection_with_warnings_and_notices_is_clean(clean):
    write(clean / "fado" / "9.wav", tune(209) / 2 + 0.1, encoding="PCM_24")
    report = check(clean)
    assert faults_by_track(report) == {"fado.9": {"dc-offset", "wrong-encoding"}}
    assert report.is_clean
    assert report.excluded == []


def test_a_collection_without_readable_files(tmp_path):
    (tmp_path / "fado").mkdir()
    (tmp_path / "fado" / "a.wav").write_bytes(b"")
    (tmp_path / "fado" / "b.mp3").mkdir()
    (tmp_path / "fado" / "c.wav").symlink_to(tmp_path / "fado" / "c.wav")
    report = check(tmp_path)
    unreadable = {f"fado.{name}": {"unreadable"} for name in "ac"}
    assert faults_by_track(report) == unreadable | {"": {"passed-over"}}
    assert report.files.columns.tolist() == FILES
    assert report.excluded == ["fado.a", "fado.c"]


@pytest.mark.parametrize("folder", ["missing", "empty"])
def test_a_folder_without_a_collection(tmp_path, folder):
    (tmp_path / "empty").mkdir()
    with pytest.raises(CorpusError, match=folder):
        check(tmp_path / folder)


# --- rules --------------------------------------------------------------------


def files_of(rows: dict[str, dict]) -> pd.DataFrame:
    """Return invented measurements of files, by default without faults."""
    usual = {
        "genre": "fado", "decoded": True, "problem": "", "format": "WAV", "encoding": "PCM_16",
        "sample_rate": RATE, "channels": 1, "duration_s": 30.0, "promised_s": 30.0,
        "surplus_s": 0.0, "invalid_samples": 0, "peak_db": -1.0, "rms_db": -15.0, "offset": 0.0,
        "silent": False,
        "longest_silence_s": 0.0, "flat_tops": 0, "dropouts": 0, "sha256": "",
    }  # fmt: skip
    table = pd.DataFrame([{**usual, "path": f"/m/{name}.wav", **row} for name, row in rows.items()])
    return table.set_index(pd.Index(list(rows), name="track_id"))


def faults_of(row: dict, *, others: int = 9, **common) -> set[str]:
    rows = {f"fado.{n}": common for n in range(others)} | {"fado.x": {**common, **row}}
    faults = find_faults("music", Path("/m"), files_of(rows))
    assert {fault.track_id for fault in faults} <= {"fado.x"}
    return {fault.fault for fault in faults}


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({}, set()),
        ({"flat_tops": 9}, set()),
        ({"flat_tops": 10}, {"clipped"}),
        ({"invalid_samples": 1}, {"invalid-samples"}),
        ({"offset": -0.039}, set()),
        ({"offset": -0.04}, {"dc-offset"}),
        ({"longest_silence_s": 2.95}, set()),
        ({"longest_silence_s": 3.0}, {"long-silence"}),
        ({"duration_s": 27.1}, set()),
        ({"duration_s": 26.9}, {"too-short"}),
        ({"duration_s": 32.9}, set()),
        ({"duration_s": 33.1}, {"too-long"}),
        ({"duration_s": 0.0, "silent": True, "peak_db": np.nan}, {"too-short", "silent"}),
        ({"encoding": "MPEG_LAYER_III", "format": "MP3", "path": "/m/fado.x.mp3"}, set()),
        ({"encoding": "VORBIS", "format": "OGG"}, {"wrong-format"}),
        ({"format": "WAVEX"}, set()),
        ({"path": "/m/fado.x.WAV"}, set()),
    ],
)
def test_limits_of_faults(row, expected):
    assert faults_of(row) == expected


def test_flat_tops_are_counted_per_half_minute():
    assert faults_of({"flat_tops": 19}, duration_s=60.0) == set()
    assert faults_of({"flat_tops": 20}, duration_s=60.0) == {"clipped"}


def test_varied_lengths_rates_and_channels_are_no_faults():
    rows = {
        f"fado.{n}": {
            "duration_s": 20.0 + 40 * n,
            "sample_rate": (22_050, 44_100, 48_000)[n % 3],
            "channels": 1 + n % 2,
            "encoding": ("PCM_16", "PCM_24")[n % 2],
        }
        for n in range(12)
    }
    assert find_faults("music", Path("/m"), files_of(rows)) == []
    rows["fado.0"]["duration_s"] = 2.9
    assert [fault.fault for fault in find_faults("music", Path("/m"), files_of(rows))] == [
        "too-short"
    ]


def test_a_collection_of_short_sounds():
    """Short files are one fault of a collection of, for instance, single drum hits."""
    rows = {f"drums.{n}": {"genre": "drums", "duration_s": 0.2 + 0.1 * n} for n in range(10)}
    (fault,) = find_faults("music", Path("/m"), files_of(rows))
    assert (fault.track_id, fault.fault) == ("", "too-short")
    assert fault.detail == "half of the files last at most 0.65 s, and a window 3 s"


def test_what_is_passed_over_is_counted_and_named(clean):
    """By reason, as notices about the collection."""
    for name in ("a.xyz", "notes.txt", "1.wv", "2.WV", "3.mid", "4.ape"):
        (clean / "fado" / name).write_bytes(b"x")
    shutil.copy(next(clean.glob("fado/*.wav")), clean / "beside.wav")
    (clean / "tango").mkdir()
    report = check(clean)
    notices = report.faults[report.faults["fault"] == "passed-over"]
    assert set(notices["severity"]) == {"notice"}
    assert set(notices["track_id"]) == {""}
    assert sorted(notices["detail"]) == [
        "1 an empty folder (tango)",
        "1 beside the folders of genres (beside.wav)",
        "4 in a format that is not read (fado/1.wv, fado/2.WV, fado/3.mid, ...)",
    ]


def test_severity_belongs_to_the_name():
    assert Fault.of("a", "b", "clipped", "c") == ("a", "b", "clipped", "warning", "c")
    with pytest.raises(KeyError):
        Fault.of("a", "b", "ugly", "c")


# --- copies -------------------------------------------------------------------


def test_kinds_of_copies(tmp_path):
    y = music(1, seconds=26)
    clip = y[: 20 * RATE]
    copies = {
        "0": clip,
        "1 identical": clip,
        "2 gain": clip / 3,
        "3 reencoded": encoded(clip, "OGG", "VORBIS"),
        "4 shifted": y[3 * RATE : 23 * RATE],
    }
    for name, samples in copies.items():
        write(tmp_path / "fado" / f"{name}.wav", samples)
    for number in range(6):
        write(tmp_path / "samba" / f"{number}.wav", music(10 + number))
    report = check(tmp_path)
    assert (report.duplicates["a"] < report.duplicates["b"]).all()
    # Of two identical ones, the first is compared with the others.
    assert len(report.duplicates) == 7
    of_first = report.duplicates[report.duplicates["a"] == "fado.0"].set_index("b")
    for name in copies:
        if name != "0":
            assert of_first.at[f"fado.{name}", "kind"] == name[2:]
            assert of_first.at[f"fado.{name}", "kind"] in KINDS
    assert of_first.at["fado.1 identical", "score"] == 1
    assert of_first["lag_s"].tolist() == pytest.approx([0, 0, 0, 3], abs=0.08)
    # All but the first are excluded.
    assert report.excluded == sorted(f"fado.{name}" for name in copies if name != "0")
    assert faults_by_track(report) == {}


def test_identical_samples_in_different_containers(clean):
    y = soundfile.read(clean / "fado" / "0.wav", dtype="int16")[0]
    write(clean / "fado" / "copy.flac", y, container="FLAC")
    write(clean / "fado" / "copy of copy.au", y, container="AU")
    report = check(clean)
    assert report.duplicates["kind"].tolist() == ["identical"] * 2
    assert report.excluded == ["fado.copy", "fado.copy of copy"]


def test_copies_in_two_genres_are_both_excluded(clean):
    shutil.copy(clean / "fado" / "0.wav", clean / "samba" / "z.wav")
    report = check(clean)
    assert faults_by_track(report) == {"fado.0": {"mislabelled"}, "samba.z": {"mislabelled"}}
    assert report.excluded == ["fado.0", "samba.z"]
    assert "fado.0 in genre fado" in report.reasons["samba.z"]


def test_the_first_copy_without_an_error_is_not_excluded(tmp_path):
    """A copy with an error does not count as the first."""
    report = HealthReport(
        "x",
        3,
        pd.DataFrame([Fault.of("a.0", "", "wrong-rate", "8000 Hz")], columns=Fault._fields),
        pd.DataFrame(
            [(a, b, "gain", 0.9, 0.0) for a, b in ("01", "02", "12")],
            columns=["a", "b", "kind", "score", "lag_s"],
        ).assign(a=lambda t: "a." + t["a"], b=lambda t: "a." + t["b"]),
    )
    assert report.excluded == ["a.0", "a.2"]
    assert report.reasons["a.0"].startswith("wrong-rate (8000 Hz); same recording as a.1 (gain)")


def test_silent_and_truncated_files_are_no_copies(clean):
    for number in range(3):
        write(clean / "fado" / f"silent {number}.wav", np.zeros(round(SECONDS * RATE)))
        cut(write(clean / "samba" / f"cut {number}.wav", tune(300)), 0.7)
    report = check(clean)
    assert len(report.duplicates) == 0
    assert (
        sorted(faults_by_track(report).values(), key=str) == [{"silent"}] * 3 + [{"truncated"}] * 3
    )
    assert len(report.excluded) == 6


def test_two_files_with_one_id(clean):
    """They may be copies of each other."""
    y = soundfile.read(clean / "fado" / "0.wav", dtype="int16")[0]
    write(clean / "fado" / "0.flac", y, container="FLAC")
    write(clean / "fado" / "0.au", tune(400), container="AU")
    shutil.copy(clean / "fado" / "0.wav", clean / "samba" / "z.wav")
    report = check(clean)
    assert report.n_files == 9
    same = report.faults[report.faults["fault"] == "same-id"]
    assert [Path(path).name for path in same["path"]] == ["0.au", "0.flac", "0.wav"]
    assert set(same["track_id"]) == {"fado.0"}
    assert report.excluded == ["fado.0", "samba.z"]


# --- GTZAN's checksums --------------------------------------------------------


@pytest.fixture
def as_gtzan(tmp_path, monkeypatch):
    """Four tracks with names of GTZAN, whose checksums are put into the facts."""
    folder = tmp_path / "gtzan"
    for number in range(4):
        write(folder / "blues" / f"blues.{number:05d}.wav", tune(500 + number))
    facts = gtzan.facts().copy()
    for path in folder.glob("blues/*.wav"):
        facts.at[path.stem, "wav_sha256"] = sha256_of(path)
    monkeypatch.setattr(gtzan, "facts", lambda: facts)
    return folder


def test_kaggles_copy_has_no_faults(as_gtzan):
    assert check(as_gtzan).is_clean
    assert faults_by_track(check(as_gtzan)) == {}
    assert find_tracks(as_gtzan)[0] == "gtzan"


def test_lossless_copies_of_kaggles_have_no_faults(as_gtzan):
    for path in sorted(as_gtzan.glob("blues/*.wav")):
        write(path.with_suffix(".flac"), soundfile.read(path, dtype="int16")[0], container="FLAC")
        path.unlink()
    assert faults_by_track(check(as_gtzan)) == {}


def test_a_file_that_differs_from_kaggles(as_gtzan):
    write(as_gtzan / "blues" / "blues.00002.wav", tune(502) * 0.9)
    report = check(as_gtzan)
    assert report.faults[["track_id", "fault", "severity", "detail"]].to_numpy().tolist() == [
        ["blues.00002", "unknown-copy", "notice", "samples differ from Kaggle's file"]
    ]


def test_a_collection_that_differs_from_kaggles(as_gtzan):
    for number in range(3):
        write(as_gtzan / "blues" / f"blues.{number:05d}.wav", tune(500 + number) * 0.9)
    (row,) = check(as_gtzan).faults.to_dict("records")
    assert (row["track_id"], row["fault"]) == ("", "unknown-copy")
    assert row["detail"] == "3 of 4 files differ from Kaggle's in their samples"


@pytest.mark.parametrize("known", [True, False])
def test_a_broken_file_is_compared_by_its_bytes(as_gtzan, known):
    """Kaggle's jazz.00054 cannot be decoded."""
    broken = as_gtzan / "blues" / "blues.00003.wav"
    broken.write_bytes(b"RIFF")
    if known:
        gtzan.facts().at["blues.00003", "wav_sha256"] = sha256_of(broken)
    expected = {"unreadable"} | (set() if known else {"unknown-copy"})
    assert faults_by_track(check(as_gtzan)) == {"blues.00003": expected}


def test_lossy_files_are_not_comparable(as_gtzan):
    write(as_gtzan / "blues" / "blues.00003.wav", tune(503))
    for number in (0, 1, 2):
        path = as_gtzan / "blues" / f"blues.{number:05d}.wav"
        write(path.with_suffix(".ogg"), tune(500 + number), container="OGG", encoding="VORBIS")
        path.unlink()
    (row,) = check(as_gtzan).faults.to_dict("records")
    assert (row["track_id"], row["fault"]) == ("", "not-comparable")
    assert row["detail"].startswith("3 of 4 files are lossy")


def test_names_like_gtzans_in_other_genres(clean):
    """They have no known checksums, but are expected in GTZAN's format."""
    for number in range(3):
        path = clean / "fado" / f"fado.{number:05d}.wav"
        (clean / "fado" / f"{2 * number}.wav").rename(path)
    shutil.rmtree(clean / "samba")
    assert faults_by_track(check(clean)) == {}
    write(clean / "fado" / "fado.00003.wav", tune(700), rate=44_100)
    assert "wrong-rate" in faults_by_track(check(clean))["fado.00003"]


# --- JSON ---------------------------------------------------------------------


def test_keys_of_the_json(report):
    stored = report.as_json()
    assert list(stored) == ["files", "faults", "duplicates"]
    assert stored["files"] == 64
    for row in stored["faults"]:
        assert list(row) == ["track_id", "path", "fault", "severity", "detail"]
    (copy,) = stored["duplicates"]
    assert copy == {"a": "blues.00005", "b": "rock.00005", "kind": "identical", "score": 1.0}


def test_a_saved_report_is_loaded(report, clean, tmp_path):
    for original in (report, check(clean)):
        path = original.save(tmp_path / "reports" / "report.json")
        assert json.loads(path.read_text(encoding="utf-8")) == {
            "version": 1, **original.as_json()
        }  # fmt: skip
        loaded = HealthReport.load(path)
        assert loaded.as_json() == original.as_json()
        assert loaded.excluded == original.excluded
        assert loaded.reasons == original.reasons
        assert loaded.is_clean == original.is_clean
        assert loaded.files is None
        assert loaded.track_ids == []


@pytest.mark.parametrize(
    "content",
    [
        b"", b"{", b"[]", b"5", b"null", b"\xff\xfe", b'"files"', b'{"files": 1}',
        b'{"files": 1, "faults": 5, "duplicates": []}',
        b'{"files": 1, "faults": [1, 2], "duplicates": []}',
        b'{"files": "many", "faults": [], "duplicates": []}',
    ],
)  # fmt: skip
def test_other_files_raise_errors(tmp_path, content):
    path = tmp_path / "report.json"
    path.write_bytes(content)
    with pytest.raises(HealthError, match=r"report\.json: is not a health report"):
        HealthReport.load(path)


@pytest.mark.parametrize(
    "content",
    [
        '{"files": 1, "faults": [{"x": 1}], "duplicates": []}',
        '{"files": 1, "faults": {"a": 1}, "duplicates": []}',
        '{"files": 1, "faults": null, "duplicates": null}',
        '{"files": Infinity, "faults": [], "duplicates": []}',
        "[" * 100_000,
    ],
)
def test_files_that_resemble_a_report_raise_errors(tmp_path, content):
    """They must not be read as a report that excludes nothing."""
    (tmp_path / "report.json").write_text(content)
    with pytest.raises(HealthError, match=r"report\.json: is not a health report"):
        HealthReport.load(tmp_path / "report.json")


@pytest.mark.parametrize("name", ["missing.json", "."])
def test_a_missing_report_raises_an_error(tmp_path, name):
    message = r"there is no such file; make one with|is not a health report \(Is a directory\)"
    with pytest.raises(HealthError, match=message):
        HealthReport.load(tmp_path / name)


@pytest.mark.skipif(os.name == "nt", reason="names are text there")
def test_invalid_names_can_be_saved(clean, tmp_path):
    odd = Path(os.fsdecode(os.fsencode(clean) + b"/fado/\xff.wav"))
    odd.write_bytes(b"")
    report = check(clean)
    (row,) = HealthReport.load(report.save(tmp_path / "r.json")).faults.to_dict("records")
    assert row["track_id"] == "fado.%FF"
    assert row["fault"] == "unreadable"


# --- log-mel images -----------------------------------------------------------


def images(count: int = 8, *, n_mels: int = 128, frames: int = 387) -> np.ndarray:
    rng = np.random.default_rng(count)
    return rng.integers(0, 256, size=(count, n_mels, frames), dtype=np.uint8)


def save_images(path: Path, x: np.ndarray, names, **arrays) -> Path:
    np.savez(path, X=x, names=np.asarray(names), **arrays)
    return path


def test_copies_among_images(tmp_path):
    x = images()
    x[5] = x[1]
    x[6, :, 30:] = x[2, :, :-30]
    x[7] = np.clip(
        x[0].astype(int) + np.random.default_rng(1).integers(-20, 21, x[0].shape), 0, 255
    )
    names = [f"{genre}.{n:05d}" for genre in ("jazz", "rock") for n in range(4)]
    report = check(save_images(tmp_path / "a.npz", x, names))
    rows = report.duplicates.set_index("a")
    assert rows["b"].to_dict() == {
        "jazz.00000": "rock.00003", "jazz.00001": "rock.00001", "jazz.00002": "rock.00002",
    }  # fmt: skip
    assert rows["kind"].tolist() == ["reencoded", "identical", "shifted"]
    assert rows.at["jazz.00002", "lag_s"] == pytest.approx(-30 * 0.0775, abs=0.01)
    assert report.n_files == 8
    assert report.track_ids == names
    assert report.files is None
    assert set(report.faults["fault"]) == {"mislabelled"}
    assert report.excluded == [
        "jazz.00000", "jazz.00001", "jazz.00002", "rock.00001", "rock.00002", "rock.00003",
    ]  # fmt: skip
    assert HealthReport.load(report.save(tmp_path / "r.json")).as_json() == report.as_json()


def test_clean_images(tmp_path):
    names = [f"fado.{n}" for n in range(8)]
    for n_mels in (32, 64):
        report = check(save_images(tmp_path / "a.npz", images(n_mels=n_mels), names))
        assert report.is_clean
        assert report.as_json() == {"files": 8, "faults": [], "duplicates": []}


def test_a_corpus_of_images_and_its_file_have_one_report(tmp_path):
    x = images()
    x[5] = x[1]
    names = [f"{genre}.{n:05d}" for genre in ("jazz", "rock") for n in range(4)]
    file = save_images(tmp_path / "a.npz", x, names)
    corpus = open_corpus(file)
    assert check(corpus).as_json() == check(file).as_json() == check(str(file)).as_json()
    assert check(corpus.select(genres="jazz")).is_clean
    assert check(corpus.select(genres="jazz")).track_ids == names[:4]


@pytest.mark.parametrize(
    ("x", "names"),
    [
        (images(3)[0], ["a", "b", "c"]),
        (images(3), ["a", "b"]),
        (images(3).astype(float), ["a", "b", "c"]),
        (images(3, n_mels=100), ["a", "b", "c"]),
        (images(3).astype(object), ["a", "b", "c"]),
    ],
)
def test_arrays_that_are_no_images(tmp_path, x, names):
    with pytest.raises(CorpusError, match=r"a\.npz: holds no log-mel images"):
        check(save_images(tmp_path / "a.npz", x, names))


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize(
    ("x", "names"),
    [
        (images(3, n_mels=0), ["a", "b", "c"]),
        (images(3), "abc"),
        (images(3), [["a"], ["b"], ["c"]]),
    ],
)
def test_arrays_of_other_shapes_are_no_images(tmp_path, x, names):
    with pytest.raises(CorpusError, match=r"a\.npz: holds no log-mel images"):
        check(save_images(tmp_path / "a.npz", x, names))


@pytest.mark.parametrize("arrays", [{"X": images(2)}, {"names": np.array(["a"])}, {}])
def test_missing_arrays(tmp_path, arrays):
    np.savez(tmp_path / "a.npz", **arrays)
    with pytest.raises(CorpusError, match=r"a\.npz: holds no log-mel images"):
        check(tmp_path / "a.npz")


def archive(x) -> bytes:
    stream = io.BytesIO()
    np.savez(stream, X=x, names=np.array(["a", "b"]))
    return stream.getvalue()


def single_array() -> bytes:
    stream = io.BytesIO()
    np.save(stream, images(2))
    return stream.getvalue()


def flipped(content: bytes) -> bytes:
    return content[:5000] + bytes([content[5000] ^ 255]) + content[5001:]


def test_other_files_are_no_images(tmp_path):
    (tmp_path / "a.npz").write_text("no archive")
    with pytest.raises(CorpusError, match=r"a\.npz: holds no log-mel images"):
        check(tmp_path / "a.npz")
    with pytest.raises(CorpusError, match=r"b\.npz: there is no such file"):
        check(tmp_path / "b.npz")
    (tmp_path / "c.npz").mkdir()
    with pytest.raises(CorpusError, match=r"c\.npz: holds no genre folders"):
        check(tmp_path / "c.npz")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        archive(images(2))[:9000],
        b"PK\x03\x04 and so on",
        flipped(archive(images(2))),
        single_array(),
    ],
    ids=["empty", "cut", "begins like an archive", "a byte changed", "one array"],
)
def test_damaged_archives(tmp_path, content):
    (tmp_path / "a.npz").write_bytes(content)
    with pytest.raises(CorpusError, match=r"a\.npz: holds no log-mel images"):
        check(tmp_path / "a.npz")


# --- tables of features -------------------------------------------------------


def write_table(path: Path, rows: dict[str, int], **changes: str) -> Path:
    """Write a table; rows with equal numbers have equal features."""
    table = pd.DataFrame(
        [np.random.default_rng(seed).random(60).round(6) for seed in rows.values()],
        columns=list(tables.COLUMNS),
    ).astype(str)
    table["filename"], table["length"] = list(rows), "66149"
    table["label"] = [name.split(".")[0] for name in rows]
    for cell, text in changes.items():
        row, column = cell.split("__")
        table.loc[int(row[1:]), column] = text
    table.to_csv(path, index=False)
    return path


def pairs(report: HealthReport) -> list[tuple[str, str]]:
    return list(zip(report.duplicates["a"], report.duplicates["b"], strict=True))


def test_copies_in_a_table(tmp_path):
    rows = {"fado.a.wav": 1, "fado.b.wav": 2, "fado.c.wav": 1, "tango.d.wav": 2, "tango.e.wav": 5}
    file = write_table(tmp_path / "t.csv", rows)
    report = check(file)
    assert pairs(report) == [("fado.a", "fado.c"), ("fado.b", "tango.d")]
    assert set(report.duplicates["kind"]) == {"identical"}
    assert set(report.duplicates["score"]) == {1.0}
    assert report.n_files == 5
    assert report.source == str(file)
    assert report.track_ids == ["fado.a", "fado.b", "fado.c", "tango.d", "tango.e"]
    assert faults_by_track(report) == {"fado.b": {"mislabelled"}, "tango.d": {"mislabelled"}}
    assert report.excluded == ["fado.b", "fado.c", "tango.d"]
    assert not report.is_clean
    assert report.files is None


def test_tracks_of_a_table_are_compared_with_all_windows(tmp_path):
    """Tracks with one window in common are no copies; those with all windows are."""
    rows = {f"fado.{track}.{n}.wav": 10 * n for track in "ab" for n in range(3)}
    other = {f"fado.c.{n}.wav": 10 * n + (n == 2) for n in range(3)}
    assert pairs(check(write_table(tmp_path / "t.csv", {**rows, **other}))) == [
        ("fado.a", "fado.b")
    ]


def test_order_of_a_tracks_rows_does_not_matter(tmp_path):
    """The rows of a table may be shuffled."""
    rows = {"fado.a.0.wav": 1, "fado.a.1.wav": 2, "fado.b.1.wav": 2, "fado.b.0.wav": 1}
    assert pairs(check(write_table(tmp_path / "t.csv", rows))) == [("fado.a", "fado.b")]


def test_each_copy_in_a_table_is_a_pair_with_the_first(tmp_path):
    """Not with one another: the pairs of many names of one file would be too many."""
    report = check(write_table(tmp_path / "t.csv", {f"fado.{name}.wav": 1 for name in "dcab"}))
    assert pairs(report) == [("fado.d", f"fado.{name}") for name in "abc"]
    assert len(report.excluded) == 3


def test_a_clean_table(tmp_path):
    file = write_table(tmp_path / "t.csv", {f"fado.{number}.wav": number for number in range(5)})
    report = check(file)
    assert report.is_clean
    assert report.excluded == []
    assert report.faults.empty
    assert list(report.faults.columns) == list(Fault._fields)
    assert check(open_corpus(file)).as_json() == report.as_json()
    assert check(str(file)).as_json() == report.as_json()


@pytest.mark.parametrize("text", ["nan", "", "inf", "loud"])
def test_rows_with_invalid_numbers_are_faults(tmp_path, text):
    rows = {f"fado.{track}.{n}.wav": 10 * n + k for k, track in enumerate("ab") for n in range(2)}
    reason = f"tempo is {text!r}" if text else "tempo is empty"
    # The track can be used with its other row.
    report = check(write_table(tmp_path / "t.csv", rows, r3__tempo=text))
    (fault,) = report.faults.itertuples()
    assert (fault.track_id, fault.fault, fault.severity) == ("fado.b", "dropouts", "warning")
    assert fault.detail == f"fado.b.1.wav: {reason}"
    assert report.excluded == pairs(report) == []
    assert report.is_clean
    # Without a valid row, it cannot be used.
    report = check(write_table(tmp_path / "t.csv", rows, r2__rms_mean="", r3__tempo=text))
    assert set(report.faults["fault"]) == {"unreadable"}
    assert set(report.faults["severity"]) == {"error"}
    assert report.faults["detail"].tolist() == [
        "fado.b.0.wav: rms_mean is empty", f"fado.b.1.wav: {reason}",
    ]  # fmt: skip
    assert report.excluded == ["fado.b"]
    assert report.reasons["fado.b"].count("unreadable") == 2
    assert not report.is_clean


@pytest.mark.parametrize(
    ("rows", "changes", "reason"),
    [
        (["fado.a.0.wav", "fado.a.0.wav"], {}, "repeats the window of an earlier row"),
        (["fado.a.wav", "fado.a.0.au"], {}, "repeats the window of an earlier row"),
        (["fado.a.0.wav", "fado.a.1.wav"], {"r1__length": "0"}, "length is '0'"),
    ],
)
def test_rows_that_cannot_be_used_are_dropouts(tmp_path, rows, changes, reason):
    file = write_table(tmp_path / "t.csv", {"fado.b.wav": 1})
    table = pd.read_csv(file, dtype=str)
    table = pd.concat([table.assign(filename=name) for name in rows], ignore_index=True)
    for cell, text in changes.items():
        row, column = cell.split("__")
        table.loc[int(row[1:]), column] = text
    table.to_csv(file, index=False)
    (fault,) = check(file).faults.itertuples()
    assert (fault.track_id, fault.path, fault.fault) == ("fado.a", str(file), "dropouts")
    assert fault.detail == f"{rows[1]}: {reason}"


def test_tracks_are_compared_by_their_valid_rows(tmp_path):
    rows = {f"fado.{track}.{n}.wav": n for track in "ab" for n in range(2)}
    both = {"r1__tempo": "nan", "r3__tempo": "nan"}
    assert pairs(check(write_table(tmp_path / "t.csv", rows, **both))) == [("fado.a", "fado.b")]


def test_a_part_of_a_table(tmp_path):
    rows = {"fado.a.wav": 1, "fado.b.wav": 1, "tango.c.wav": 1}
    corpus = open_corpus(write_table(tmp_path / "t.csv", rows, r1__tempo="nan"))
    assert check(corpus.select(genres="tango")).is_clean
    part = check(corpus.exclude(["fado.b"]))
    assert pairs(part) == [("fado.a", "tango.c")]
    assert part.n_files == 2
    # All tracks are excluded: one is unreadable, and two have contradictory labels.
    assert check(corpus).excluded == ["fado.a", "fado.b", "tango.c"]
    with pytest.raises(CorpusError, match="leaves no track"):
        corpus.exclude(check(corpus))


def test_report_of_a_table_is_saved_and_excluded(tmp_path):
    rows = {"fado.a.wav": 1, "fado.b.wav": 1, "fado.c.wav": 3}
    corpus = open_corpus(write_table(tmp_path / "t.csv", rows))
    report = check(corpus)
    loaded = HealthReport.load(report.save(tmp_path / "report.json"))
    assert loaded.excluded == report.excluded == ["fado.b"]
    assert corpus.exclude(loaded).tracks.index.tolist() == ["fado.a", "fado.c"]


def test_other_files_are_no_tables(tmp_path):
    (tmp_path / "t.csv").write_text("a,b\n1,2\n")
    for name in ("t.csv", "none.csv"):
        with pytest.raises(CorpusError, match=name):
            check(tmp_path / name)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("0.50", "0.5"), ("1e2", "100"), (" 7", "7.0"),
        ("0", "-0.0"),
    ],
)  # fmt: skip
def test_equal_numbers_in_different_formats_are_copies(tmp_path, first, second):
    file = write_table(
        tmp_path / "t.csv", {"fado.a.wav": 1, "fado.b.wav": 1}, r0__tempo=first, r1__tempo=second
    )
    assert pairs(check(file)) == [("fado.a", "fado.b")]


def test_tracks_without_numbers_are_no_copies(tmp_path):
    """Like silent and unreadable files."""
    changes = {f"r{row}__{name}": "nan" for row in (0, 1) for name in tables.FEATURE_NAMES}
    report = check(write_table(tmp_path / "t.csv", {"fado.a.wav": 1, "tango.b.wav": 2}, **changes))
    assert pairs(report) == []
    assert set(report.faults["fault"]) == {"unreadable"}


def test_a_folder_named_like_a_table(clean):
    assert check(clean.rename(clean.with_name("x.csv"))).n_files == 6


def test_a_table_whose_tracks_have_changed(tmp_path):
    file = write_table(tmp_path / "t.csv", {"fado.a.wav": 1})
    corpus = open_corpus(file)
    write_table(file, {"fado.b.wav": 1})
    with pytest.raises(CorpusError, match=r"has no row of fado\.a any more; open it again\."):
        check(corpus)


def test_kaggles_table_has_fourteen_pairs(gtzan_root):
    file = gtzan_root / "features" / "features_30_sec.csv"
    if not file.is_file():
        pytest.skip(f"{gtzan_root} holds no features/features_30_sec.csv")
    report = check(file)
    assert len(report.duplicates) == 14
    assert set(report.duplicates["kind"]) == {"identical"}
    assert ("hiphop.00039", "hiphop.00045") in pairs(report)
    assert set(report.faults["fault"]) <= {"mislabelled"}
    assert report.n_files == 1000
    # The pairs are those of equal rows.
    rows = pd.read_csv(file)
    equal = rows[rows.duplicated(list(tables.FEATURE_NAMES), keep=False)]["filename"].str[:-4]
    assert {track_id for pair in pairs(report) for track_id in pair} == set(equal)


# --- corpora ------------------------------------------------------------------


def test_a_corpus_without_the_excluded_tracks(clean):
    shutil.copy(clean / "fado" / "0.wav", clean / "fado" / "copy.wav")
    (clean / "samba" / "broken.wav").write_bytes(b"")
    with pytest.warns(GtzanWarning, match="cannot be read"):
        corpus = open_corpus(clean)
    report = check(corpus)
    assert report.excluded == ["fado.copy", "samba.broken"]
    assert report.source == str(corpus.root)
    remaining = corpus.exclude(report)
    assert len(remaining) == 6
    assert check(remaining).is_clean
    # A smaller corpus may lack some of the excluded tracks.
    assert len(corpus.select(genres="fado").exclude(report)) == 3
    assert report.as_json() == check(clean).as_json()


def test_a_part_of_a_corpus(clean):
    shutil.copy(clean / "fado" / "0.wav", clean / "samba" / "z.wav")
    corpus = open_corpus(clean)
    assert not check(corpus).is_clean
    part = check(corpus.select(genres="samba"))
    assert part.is_clean
    assert part.n_files == 4
    assert part.track_ids == ["samba.1", "samba.3", "samba.5", "samba.z"]


def test_the_synthetic_corpus_by_its_name(monkeypatch, clean):
    from gtzan_lib.health import check as module

    corpora = {"synthetic": open_corpus(clean)}
    monkeypatch.setattr(module, "open_corpus", lambda name, work=None: corpora[name])
    assert check("synthetic").n_files == 6


# --- the cache ----------------------------------------------------------------


@pytest.fixture
def decoded_names(monkeypatch) -> list[str]:
    """Names of the decoded files, in order."""
    names, inspect = [], inspection.inspect

    def count(path):
        names.append(Path(path).name)
        return inspect(path)

    monkeypatch.setattr(inspection, "inspect", count)
    return names


def test_a_second_check_decodes_nothing(clean, decoded_names, work):
    first = check(clean)
    assert sorted(decoded_names) == [f"{n}.wav" for n in range(6)]
    decoded_names.clear()
    second = check(clean)
    assert decoded_names == []
    pd.testing.assert_frame_equal(first.files, second.files)
    assert second.as_json() == first.as_json()
    check(open_corpus(clean).select(genres="fado"))
    assert decoded_names == []
    shutil.rmtree(work)
    check(clean)
    assert len(decoded_names) == 6


@pytest.mark.parametrize("change", ["content", "time"])
def test_a_changed_file_is_decoded_again(clean, decoded_names, change):
    check(clean)
    decoded_names.clear()
    path = clean / "fado" / "2.wav"
    status = path.stat()
    if change == "content":
        write(path, np.zeros(100))
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    else:
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns + 1))
    report = check(clean)
    assert decoded_names == ["2.wav"]
    assert ("fado.2" in faults_by_track(report)) == (change == "content")


def test_changed_code_decodes_again(clean, decoded_names, monkeypatch):
    check(clean)
    decoded_names.clear()
    monkeypatch.setattr(cache, "package_digest", lambda *modules: "0123456789abcdef")
    check(clean)
    assert len(decoded_names) == 6


def test_an_interrupted_check_continues(clean, decoded_names, monkeypatch):
    inspect = inspection.inspect

    def stop(path):
        if len(decoded_names) == 3:
            raise KeyboardInterrupt
        return inspect(path)

    with monkeypatch.context() as patch:
        patch.setattr(inspection, "inspect", stop)
        with pytest.raises(KeyboardInterrupt):
            check(clean)
    assert len(decoded_names) == 3
    check(clean)
    assert len(decoded_names) == 6


def test_without_a_writable_folder_nothing_is_cached(clean, decoded_names, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("x")
    monkeypatch.setenv("GTZAN_WORK", str(tmp_path / "file" / "work"))
    assert check(clean).is_clean
    assert check(clean).is_clean
    assert len(decoded_names) == 12


def test_a_repaired_file_is_decoded_again(clean, decoded_names):
    path = clean / "fado" / "2.wav"
    content = path.read_bytes()
    path.unlink()
    path.symlink_to(path)
    assert faults_by_track(check(clean)) == {"fado.2": {"unreadable"}}
    path.unlink()
    path.write_bytes(content)
    assert check(clean).is_clean


def test_changed_targets_of_links_are_decoded_again(clean, tmp_path):
    """A collection may consist of links."""
    target = write(tmp_path / "elsewhere.wav", tune(600))
    (clean / "fado" / "link.wav").symlink_to(target)
    (clean / "fado" / "lost.wav").symlink_to(tmp_path / "later.wav")
    assert faults_by_track(check(clean)) == {"fado.lost": {"unreadable"}}
    write(target, np.zeros(round(SECONDS * RATE)))
    write(tmp_path / "later.wav", tune(601))
    assert faults_by_track(check(clean)) == {"fado.link": {"silent"}}


@pytest.mark.parametrize("jobs", [2, 3])
def test_jobs_change_nothing(report, faulty_gtzan, jobs):
    several = check(faulty_gtzan, jobs=jobs)
    assert several.as_json() == report.as_json()
    pd.testing.assert_frame_equal(several.files, report.files)


def test_a_check_does_not_change_files(report, faulty_gtzan):
    before = joblib.hash({str(p): p.read_bytes() for p in sorted(faulty_gtzan.glob("*/*.*"))})
    check(faulty_gtzan)
    after = {str(p): p.read_bytes() for p in sorted(faulty_gtzan.rglob("*")) if p.is_file()}
    assert joblib.hash(after) == before
