"""The composed corpus: reproducible bytes, complete files and a correct table of faults."""

import csv
import json
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from gtzan_lib.errors import CorpusError
from gtzan_lib.files import sha256_of
from gtzan_lib.genres import GENRES
from gtzan_lib.synthetic import PLANTED_FAULTS, compose, faults, names, players, theory
from gtzan_lib.synthetic.idioms import IDIOMS
from gtzan_lib.synthetic.settings import Settings
from gtzan_lib.synthetic.songs import compose_song
from gtzan_lib.synthetic.studio import render

SMALL = {"artists": 2, "tracks": 2, "seconds": 1.5, "genres": ("blues", "rock")}
FAULTY = {"artists": 4, "tracks": 2, "seconds": 4.0, "genres": ("jazz", "metal", "reggae")}


def digests(folder: Path) -> dict[str, str]:
    """Return the checksum of every file that is not hidden."""
    files = (f for f in folder.rglob("*") if f.is_file() and not f.name.startswith("."))
    return {file.relative_to(folder).as_posix(): sha256_of(file) for file in files}


def audio(folder: Path) -> dict[str, str]:
    """Return the checksum of every recording."""
    return {name: digest for name, digest in digests(folder).items() if name.endswith(".wav")}


def samples(folder: Path, track_id: str) -> np.ndarray:
    genre = track_id.split(".")[0]
    return soundfile.read(folder / "genres_original" / genre / f"{track_id}.wav", dtype="int16")[0]


def rows(file: Path) -> list[dict[str, str]]:
    with file.open(newline="") as stream:
        return list(csv.DictReader(stream))


def compose_elsewhere(folder: Path, **arguments) -> subprocess.Popen:
    """Compose in another process."""
    code = (
        "from gtzan_lib.synthetic import compose\n"
        f"compose({str(folder)!r}, progress=False, **{arguments!r})"
    )
    return subprocess.Popen([sys.executable, "-c", code])


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """A small corpus, not to be changed."""
    return compose(tmp_path_factory.mktemp("small"), **SMALL)


@pytest.fixture(scope="module")
def faulty(tmp_path_factory):
    """A corpus with each fault once, and the same corpus without faults."""
    folder = tmp_path_factory.mktemp("faulty")
    with_faults = compose(folder / "faulty", **FAULTY, faults=dict.fromkeys(PLANTED_FAULTS, 1))
    return with_faults, compose(folder / "clean", **FAULTY)


# --- format ------------------------------------------------------------------


def test_layout_and_format(small):
    expected = {
        f"genres_original/{genre}/{genre}.0000{n}.wav"
        for genre in ("blues", "rock")
        for n in range(4)
    }
    tables = {"tracks.csv", "truth.csv", "settings.json", "corpus.json"}
    assert set(digests(small)) == expected | tables
    for file in expected:
        info = soundfile.info(small / file)
        assert (info.samplerate, info.channels, info.subtype) == (22050, 1, "PCM_16")
        assert info.frames == round(1.5 * 22050)


def test_tables(small):
    tracks = rows(small / "tracks.csv")
    assert [row["track_id"] for row in tracks][:4] == [f"blues.0000{n}" for n in range(4)]
    assert tracks[0]["artist"] == tracks[1]["artist"] != tracks[2]["artist"]
    assert 60 < float(tracks[0]["tempo_bpm"]) < 150
    assert rows(small / "truth.csv") == []
    assert (small / "truth.csv").read_text() == "track_id,fault,detail,source_track\n"
    assert json.loads((small / "corpus.json").read_text())["seed"] == 0


@pytest.mark.parametrize("genre", GENRES)
def test_level_of_every_genre(genre):
    y = render(compose_song(seed=1, genre=genre, artist=0, track=0), seconds=3) / 32768
    assert 0.3 < np.abs(y).max() < 1
    assert np.sqrt(np.mean(y**2)) > 0.02
    assert np.mean(np.abs(y) > 0.99 * np.abs(y).max()) < 0.01


def test_no_two_tracks_are_equal(small):
    assert len(set(audio(small).values())) == 8


def test_artist_names_are_unique():
    artist_names = [
        names.artist_name(genre, index, rng=np.random.default_rng(0))
        for genre in GENRES
        for index in range(names.CAPACITY)
    ]
    assert len(set(artist_names)) == len(artist_names)


# --- determinism --------------------------------------------------------------


@pytest.mark.check
def test_jobs_change_nothing(small, tmp_path):
    assert digests(compose(tmp_path / "c", **SMALL, jobs=2)) == digests(small)


def test_a_track_does_not_depend_on_the_others(small, tmp_path):
    wider = SMALL | {"artists": 3, "genres": ("rock", "pop", "blues")}
    more = audio(compose(tmp_path / "c", **wider))
    assert audio(small).items() <= more.items()
    assert len(more) == 18


def test_another_seed_gives_other_music(small, tmp_path):
    other = audio(compose(tmp_path / "c", **SMALL, seed=1))
    assert not set(other.values()) & set(audio(small).values())


def test_skip_moves_the_recording():
    song = compose_song(seed=0, genre="jazz", artist=1, track=0)
    whole, skipped = render(song, seconds=3), render(song, seconds=3, skip=1)
    count = 2 * 22050
    # Except near the end, which the resampler takes into account.
    assert np.abs(whole[22050:][: count - 500] - skipped[: count - 500].astype(int)).max() <= 1


# --- interruption -------------------------------------------------------------


@pytest.mark.check
def test_a_killed_composition_continues(small, tmp_path):
    folder = tmp_path / "c"
    process = compose_elsewhere(folder, **SMALL)
    deadline = time.monotonic() + 60
    while not list(folder.glob("genres_original/*/[!.]*.wav")):
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.wait()
    leftover = folder / "genres_original/blues/.blues.00003-0123abcd.wav"
    leftover.write_bytes(b"half a file")
    assert not (folder / "corpus.json").exists()
    finished = {
        file: file.stat().st_mtime_ns for file in folder.glob("genres_original/*/[!.]*.wav")
    }
    compose(folder, **SMALL)
    assert digests(folder) == digests(small)
    assert not leftover.exists()
    assert all(file.stat().st_mtime_ns == mtime for file, mtime in finished.items())


def test_missing_files_are_composed_again(small, tmp_path):
    folder = compose(tmp_path / "c", **SMALL)
    (folder / "genres_original/rock/rock.00002.wav").unlink()
    (folder / "corpus.json").unlink()
    assert digests(compose(folder, **SMALL)) == digests(small)
    (folder / "genres_original/blues/blues.00000.wav").unlink()
    assert digests(compose(folder, **SMALL)) == digests(small)


def test_a_complete_corpus_is_not_written_again(tmp_path):
    folder = compose(tmp_path / "c", **SMALL)
    before = {file: file.stat().st_mtime_ns for file in folder.rglob("*.*")}
    compose(folder, **SMALL)
    assert all(file.stat().st_mtime_ns == mtime for file, mtime in before.items())


@pytest.mark.check
def test_two_processes_compose_one_corpus(small, tmp_path):
    processes = [compose_elsewhere(tmp_path / "c", **SMALL) for _ in range(2)]
    assert [process.wait() for process in processes] == [0, 0]
    assert digests(tmp_path / "c") == digests(small)


# --- errors -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        ({"seed": -1}, "seed"),
        ({"artists": 0}, "artists"),
        ({"artists": 101}, "artists"),
        ({"tracks": 1.5}, "tracks"),
        ({"seconds": 0}, "seconds"),
        ({"seconds": float("nan")}, "seconds"),
        ({"genres": ("blues", "polka")}, "polka"),
        ({"genres": ()}, "genres"),
        ({"genres": ("blues", "blues")}, "genres"),
        ({"jobs": 0}, "jobs"),
        ({"faults": {"scratched": 1}}, "scratched"),
        ({"faults": {"silent": -1}}, "silent"),
        ({"faults": {"silent": 7}}, "too many"),
        ({"genres": ("blues",), "faults": {"mislabelled": 1}}, "second genre"),
    ],
)
def test_invalid_arguments_raise_errors(tmp_path, arguments, word):
    with pytest.raises(CorpusError, match=word) as error:
        compose(tmp_path / "c", **(SMALL | arguments))
    assert "\n" not in str(error.value)
    assert not (tmp_path / "c").exists()


def test_a_folder_with_other_files_is_not_changed(tmp_path):
    (tmp_path / "thesis.txt").write_text("mine")
    for replace in (False, True):
        with pytest.raises(CorpusError, match="not composed"):
            compose(tmp_path, **SMALL, replace=replace)
    assert [file.name for file in tmp_path.iterdir()] == ["thesis.txt"]


def test_other_settings_need_replace(tmp_path):
    folder = compose(tmp_path / "c", **SMALL)
    notes = folder / "genres_original/rock/notes.txt"
    notes.write_text("mine")
    before = digests(folder)
    fewer = SMALL | {"artists": 1, "genres": ("blues",)}
    with pytest.raises(CorpusError, match="replace=True"):
        compose(folder, **fewer)
    assert digests(folder) == before
    compose(folder, **fewer, replace=True)
    assert set(audio(folder)) == {f"genres_original/blues/blues.0000{n}.wav" for n in (0, 1)}
    assert notes.read_text() == "mine"


# --- faults -------------------------------------------------------------------


def test_truth_lists_all_changed_tracks(faulty):
    with_faults, clean = faulty
    truth = rows(with_faults / "truth.csv")
    assert Counter(row["fault"] for row in truth) == Counter(PLANTED_FAULTS)
    assert {row["track_id"] for row in truth} == {
        Path(name).stem
        for name, digest in audio(with_faults).items()
        if audio(clean)[name] != digest
    }


@pytest.mark.parametrize("fault", PLANTED_FAULTS)
def test_truth_matches_the_audio(faulty, fault):
    with_faults, clean = faulty
    row = next(row for row in rows(with_faults / "truth.csv") if row["fault"] == fault)
    victim, source = row["track_id"], row["source_track"]
    genre = victim.split(".")[0]
    file = with_faults / "genres_original" / genre / f"{victim}.wav"
    number = re.search(r"[-+]?\d+\.?\d*", row["detail"].replace("mp3", ""))
    amount = float(number[0]) if number else 0.0
    if source:
        assert (source.split(".")[0] == genre) == (fault != "mislabelled")
    if fault == "unreadable":
        with pytest.raises(soundfile.LibsndfileError):
            soundfile.info(file)
        return
    y, original = (
        samples(with_faults, victim).astype(float),
        samples(clean, source or victim).astype(float),
    )
    match fault:
        case "truncated":
            stated = int.from_bytes(file.read_bytes()[40:44], "little")
            assert stated == 2 * len(original)
            assert file.stat().st_size == pytest.approx(amount / 100 * (44 + stated), rel=0.01)
        case "too-short":
            assert len(y) / 22050 == pytest.approx(amount, abs=0.01)
            assert len(y) <= len(original) / 3
        case "wrong-rate":
            info = soundfile.info(file)
            assert info.samplerate == amount != 22050
            assert info.duration == pytest.approx(4.0, abs=0.01)
        case "silent":
            assert np.sqrt(np.mean((y / 32768) ** 2)) < 1e-4
        case "clipped":
            assert np.mean(np.abs(y) >= 32767) > 0.005
            assert 9 <= amount <= 15
        case "dc-offset":
            assert np.mean(y - original) / 32768 == pytest.approx(amount, abs=0.03)
        case "dropouts":
            changed = y != original
            assert np.all(y[changed] == 0)
            assert 0.02 * 22050 < changed.sum() < amount * 0.2 * 22050
        case "identical" | "mislabelled":
            assert np.array_equal(y, original)
        case "reencoded":
            assert len(y) == len(original) and not np.array_equal(y, original)
            assert np.corrcoef(y, original)[0, 1] > 0.97
        case "gain":
            level = 20 * np.log10(np.std(y) / np.std(original))
            assert level == pytest.approx(amount, abs=0.1)
        case "shifted":
            shift = round(amount * 22050)
            overlap = len(y) - shift - 500
            if overlap > 0:
                assert np.corrcoef(y[:overlap], original[shift:][:overlap])[0, 1] > 0.999
            assert np.std(y[-22050:]) > 100


def test_jobs_do_not_change_the_faults(tmp_path):
    planted = {"identical": 2, "dropouts": 1}
    expected = digests(compose(tmp_path / "one", **SMALL, faults=planted))
    assert digests(compose(tmp_path / "two", **SMALL, faults=planted, jobs=2)) == expected


@given(
    seed=st.integers(0, 1000),
    counts=st.dictionaries(st.sampled_from(PLANTED_FAULTS), st.integers(0, 3)),
)
def test_plan_has_the_requested_faults(seed, counts):
    settings = Settings(
        seed=seed, artists=3, tracks=2, seconds=3.0, genres=GENRES[:5], faults=counts
    )
    if sum(counts.values()) > 25:
        with pytest.raises(CorpusError, match="too many"):
            faults.plan_faults(settings)
        return
    plan = faults.plan_faults(settings)
    assert Counter(fault.name for fault in plan.values()) == Counter(counts)
    for track_id, fault in plan.items():
        assert track_id == fault.victim.track_id
        assert (fault.source is not None) == (fault.name in faults.COPIES)
        if fault.source:
            assert fault.source.track_id not in plan
            same_genre = fault.source.genre == fault.victim.genre
            assert same_genre == (fault.name != "mislabelled")


# --- music --------------------------------------------------------------------


@pytest.mark.parametrize("genre", GENRES)
def test_tables_are_well_formed(genre):
    idiom = IDIOMS[genre]
    for groove in idiom.grooves:
        assert groove.keys() <= players.DRUMS.keys()
        assert all(len(p) == 16 and set(p) <= set("Xxo?.") for p in groove.values())
    assert all(len(p) == 16 and set(p) <= set("R3578wa.-") for p in idiom.bass)
    for style, pattern in (c.split(":") for c in idiom.comping):
        assert style in players.STYLES
        assert len(pattern) == 16 and set(pattern) <= set("Xx.-")
    assert all(theory.chart(p) for p in idiom.progressions)
    assert set(idiom.modes) <= theory.SCALES.keys()
    assert all(set(form) <= set("IVCSB") for form in idiom.forms)
    assert set(idiom.neighbours) < set(GENRES) - {genre}
    # Without accompaniment, a break would be silent.
    assert all(band.comp is not None for band in idiom.line_ups)


@given(
    tonic=st.integers(0, 11),
    centre=st.integers(40, 80),
    symbol=st.sampled_from(["I", "iv7", "bVII", "V13", "#IVo", "Vsus4", "i5", "IVmaj7"]),
)
def test_chords_are_in_close_position(tonic, centre, symbol):
    chord = theory.Chord.parse(symbol)
    pitches = theory.pitches_near(chord, tonic=tonic, centre=centre)
    assert all(abs(pitch - centre) <= 6 for pitch in pitches)
    assert {(p - tonic - chord.root) % 12 for p in pitches} == {t % 12 for t in chord.tones}


def test_unknown_chord():
    with pytest.raises(ValueError, match="IX"):
        theory.chart("I | IX")
