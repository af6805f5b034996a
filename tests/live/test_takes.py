"""Takes: each in its own folder, and nothing is lost."""

from __future__ import annotations

import errno
import json
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import matplotlib.image
import numpy as np
import pytest
import soundfile

from gtzan_lib import cli
from gtzan_lib.errors import AudioError, GtzanWarning, LiveError
from gtzan_lib.inference import zoo
from gtzan_lib.live import takes
from gtzan_lib.live.microphone import Recording
from gtzan_lib.live.takes import Take, load_take, require_room, save_take
from gtzan_lib.signal.denoise import METHODS

RATE = 16_000


class Knowing:
    """A model that has heard it all."""

    name = "knowing"

    def __init__(self, error: str = "") -> None:
        self.error = error
        self.asked: list[np.ndarray] = []

    def images(self, y, sample_rate):
        assert sample_rate in (RATE, 8_000)
        return np.full((int(len(y) / sample_rate), 4, 6), 7, dtype=np.uint8)

    def predict(self, y, *, sample_rate):
        self.asked.append(y)
        if self.error:
            raise AudioError(self.error)
        shares = {"blues": 0.25, "rock": 0.75}
        return SimpleNamespace(as_dict=lambda: {"genre": "rock", "probabilities": shares})


@pytest.fixture
def heard(rng) -> Recording:
    """Half a second of noise, and two of a tone in it, in part above full scale."""
    y = rng.normal(0, 0.05, round(2.5 * RATE))
    y[RATE // 2 :] += 1.1 * np.sin(2 * np.pi * 440 * np.arange(2 * RATE) / RATE)
    return Recording(y=y.astype(np.float32), sample_rate=RATE, device="Mic", lead_s=0.5)


def changed(heard: Recording, **values) -> Recording:
    """The recording with other values."""
    names = ("y", "sample_rate", "device", "lead_s", "overflows", "complete")
    return Recording(**{**{name: getattr(heard, name) for name in names}, **values})


def files(folder: Path) -> set[str]:
    return {file.name for file in folder.iterdir()}


@pytest.fixture
def light(monkeypatch):
    """Without pictures, which take most of the time."""
    monkeypatch.setattr(takes, "_draw", lambda *arguments: None)


PICTURES = {"noisy.png", "noise.png", "denoised.png"}
WHOLE = {"raw.wav", "denoised.wav", "take.json", *PICTURES}


# --- what is kept ------------------------------------------------------------------


def test_take_holds_all_that_was_made(tmp_path, heard):
    model = Knowing()
    take = save_take(tmp_path, heard, model=model)
    assert take.folder == tmp_path / "take-001"
    assert files(take.folder) == WHOLE | {"spectrogram.npy"}
    raw, rate = soundfile.read(take.folder / "raw.wav", dtype="float32")
    assert rate == RATE
    # Neither clipped nor rounded.
    assert np.abs(raw).max() > 1
    np.testing.assert_array_equal(raw, heard.y)
    images = np.load(take.folder / "spectrogram.npy")
    assert (images.shape, images.dtype) == ((2, 4, 6), np.uint8)
    assert take.prediction == {
        "genre": "rock", "probabilities": {"blues": 0.25, "rock": 0.75}
    }  # fmt: skip
    # The model hears what is without noise.
    np.testing.assert_array_equal(model.asked[0], take.denoised)
    assert take.denoised.dtype == np.float32
    assert len(take.denoised) == 2 * RATE
    assert not np.array_equal(take.denoised, heard.music)


def test_settings_tell_how_it_was_made(tmp_path, heard, light):
    settings = save_take(tmp_path, heard, method="subtraction").settings
    assert settings == json.loads((tmp_path / "take-001" / "take.json").read_text())
    told = {name: value for name, value in settings.items() if name not in ("when", "rms_db")}
    assert told == {
        "device": "Mic", "sample_rate": RATE, "seconds": 2.0, "lead_s": 0.5, "complete": True,
        "overflows": 0, "peak_db": pytest.approx(1.9, abs=0.5), "clipping": True,
        "method": "subtraction", "noise": "the recording's beginning", "denoised": True,
        "model": None, "prediction": None, "left_out": [],
    }  # fmt: skip
    assert settings["when"][-6] in "+-", "with its time zone"


@pytest.mark.parametrize("noise", [None, 0.3])
def test_take_is_read_back(tmp_path, heard, light, noise, rng):
    if noise:
        noise = rng.normal(0, 0.05, RATE)
    saved = save_take(tmp_path, heard, model=Knowing(), noise=noise)
    read = load_take(saved.folder)
    assert isinstance(read, Take)
    np.testing.assert_array_equal(read.raw, heard.y)
    np.testing.assert_array_equal(read.denoised, saved.denoised)
    assert (read.sample_rate, read.settings) == (RATE, saved.settings)
    assert "2.5 s at 16000 Hz; rock" in repr(read)
    assert (saved.folder / "noise.wav").exists() == (noise is not None)
    if noise is not None:
        assert read.settings["noise"] == "noise.wav"


@pytest.mark.parametrize("content", [None, "{", "[]", "\xff"])
def test_what_is_no_take_is_refused(tmp_path, content):
    if content is not None:
        (tmp_path / "take.json").write_text(content, encoding="latin-1")
    with pytest.raises(LiveError, match=r"take\.json: cannot be read .*; name the folder of one"):
        load_take(tmp_path)


@pytest.mark.parametrize("method", METHODS)
def test_every_method_makes_a_take(tmp_path, heard, light, method):
    take = save_take(tmp_path, heard, method=method)
    assert take.settings["method"] == method
    assert np.isfinite(take.denoised).all()
    assert len(take.denoised) == len(heard.music)


def test_pictures_are_pictures(tmp_path, heard):
    folder = save_take(tmp_path, heard).folder
    drawn = [matplotlib.image.imread(folder / name) for name in sorted(PICTURES)]
    assert len({picture.shape for picture in drawn}) == 1
    assert drawn[0].shape[1] > drawn[0].shape[0] > 300
    assert not np.array_equal(drawn[0], drawn[2])


# --- what is not usual -------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"lead_s": 0.0}, "there is no noise alone to learn from"),
        ({"lead_s": 9.0}, "it was stopped before the music"),
    ],
)
def test_without_noise_or_music_nothing_is_taken_away(tmp_path, heard, values, words):
    with pytest.warns(GtzanWarning, match=f"take-001: its noise was not taken away: {words}"):
        take = save_take(tmp_path, changed(heard, **values))
    assert take.denoised is None
    assert words in take.settings["left_out"][0]
    assert files(take.folder) < WHOLE
    read = load_take(take.folder)
    np.testing.assert_array_equal(read.raw, heard.y)
    assert read.denoised is None


def test_without_noise_the_model_hears_what_was_heard(tmp_path, heard, light):
    model = Knowing()
    with pytest.warns(GtzanWarning, match="not taken away"):
        save_take(tmp_path, changed(heard, lead_s=0.0), model=model)
    np.testing.assert_array_equal(model.asked[0], heard.y)


def test_model_that_cannot_tell_does_not_cost_the_take(tmp_path, heard):
    with pytest.warns(GtzanWarning, match="take-001: its genre was not told: it is too short"):
        take = save_take(tmp_path, heard, model=Knowing("it is too short."))
    assert take.prediction is None
    assert files(take.folder) == WHOLE | {"spectrogram.npy"}
    assert load_take(take.folder).settings["model"] == "knowing"


def test_what_is_no_number_is_kept_and_counts_as_silence(tmp_path, heard):
    y = heard.y.copy()
    y[[5, 20_000, 30_000]] = np.nan, np.inf, -np.inf
    with pytest.warns(GtzanWarning, match="3 samples are no numbers"):
        take = save_take(tmp_path, changed(heard, y=y), model=Knowing())
    np.testing.assert_array_equal(load_take(take.folder).raw, y)
    assert np.isfinite(take.denoised).all()
    assert files(take.folder) == WHOLE | {"spectrogram.npy"}


def test_silence_is_kept(tmp_path, heard):
    take = save_take(tmp_path, changed(heard, y=np.zeros_like(heard.y)))
    assert take.settings["peak_db"] is take.settings["rms_db"] is None
    np.testing.assert_array_equal(take.denoised, 0)
    assert files(take.folder) == WHOLE


@pytest.mark.parametrize("length", [0, 1, 300])
def test_hardly_anything_is_kept(tmp_path, heard, length):
    with pytest.warns(GtzanWarning):
        take = save_take(tmp_path, changed(heard, y=heard.y[:length], complete=False))
    np.testing.assert_array_equal(load_take(take.folder).raw, heard.y[:length])
    assert not take.settings["complete"]


# --- whose folder it is ------------------------------------------------------------


def test_no_take_is_ever_overwritten(tmp_path, heard, light):
    (tmp_path / "take-002").mkdir()
    (tmp_path / "take-004").write_text("a file")
    (tmp_path / "take-notes").mkdir()
    names = [save_take(tmp_path, heard).folder.name for _ in range(2)]
    assert names == ["take-005", "take-006"]
    assert (tmp_path / "take-004").read_text() == "a file"
    assert files(tmp_path / "take-002") == set()
    (tmp_path / "take-999").mkdir()
    assert save_take(tmp_path, heard).folder.name == "take-1000"
    assert save_take(tmp_path, heard).folder.name == "take-1001"


def test_takes_saved_at_once_have_their_own_folders(tmp_path, heard, light):
    together = threading.Barrier(8)

    def save(number: int) -> tuple[int, Path]:
        mine = changed(heard, y=heard.y[: RATE + number])
        together.wait()
        return len(mine.y), save_take(tmp_path / "new" / "deep", mine).folder

    with ThreadPoolExecutor(8) as pool:
        done = list(pool.map(save, range(8)))
    assert {folder.name for _, folder in done} == {f"take-{n:03d}" for n in range(1, 9)}
    for length, folder in done:
        assert len(load_take(folder).raw) == length


# --- what cannot be written --------------------------------------------------------


def fill_up(monkeypatch, name: str) -> None:
    """Let the disk be full when a file is written."""
    write = Path.write_bytes

    def full(path, content):
        if name in path.name:
            write(path, content[: len(content) // 2])
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(path, content)

    monkeypatch.setattr(Path, "write_bytes", full)


def test_full_disk_leaves_nothing_of_a_take_that_has_no_sound(tmp_path, heard, light, monkeypatch):
    first = save_take(tmp_path, heard)
    before = {file: file.read_bytes() for file in first.folder.iterdir()}
    fill_up(monkeypatch, "raw")
    with pytest.raises(LiveError) as caught:
        save_take(tmp_path, heard)
    message = str(caught.value)
    assert message.startswith(f"{tmp_path / 'take-002' / 'raw.wav'}: cannot be written (No space")
    assert "the recording is still in memory" in message
    assert message.endswith("nothing was saved.")
    assert files(tmp_path) == {"take-001"}
    assert {file: file.read_bytes() for file in first.folder.iterdir()} == before
    monkeypatch.undo()
    assert save_take(tmp_path, heard).folder.name == "take-002"


@pytest.mark.parametrize(
    ("name", "held"),
    [
        ("take-", "raw.wav"),
        ("denoised", "raw.wav, take.json"),
        (".noise-", "denoised.wav, noisy.png, raw.wav, take.json"),
        ("spectrogram", None),
    ],
)
def test_full_disk_keeps_what_was_written(tmp_path, heard, monkeypatch, name, held):
    fill_up(monkeypatch, name)
    with pytest.raises(LiveError) as caught:
        save_take(tmp_path, heard, model=Knowing())
    folder = tmp_path / "take-001"
    held = held or ", ".join(sorted(WHOLE))
    assert str(caught.value).endswith(f"and save it again; {folder} holds {held}.")
    assert files(folder) == set(held.split(", "))
    assert len(soundfile.read(folder / "raw.wav")[0]) == len(heard.y)
    if "take.json" in held:
        assert len(load_take(folder).raw) == len(heard.y)


def test_unknown_method_costs_no_recording(tmp_path, heard):
    with pytest.raises(LiveError, match=r"no method 'magic' .*; choose one of .*wiener"):
        save_take(tmp_path, heard, method="magic")
    assert len(load_take(tmp_path / "take-001").raw) == len(heard.y)


def test_folder_that_cannot_hold_takes(tmp_path, heard):
    (tmp_path / "file").write_text("")
    for folder in (tmp_path / "file", tmp_path / "file" / "deep"):
        for call in (lambda: save_take(folder, heard), lambda: require_room(folder, 1)):  # noqa: B023
            with pytest.raises(LiveError, match=r"file.*: cannot hold takes .*; name a folder"):
                call()


def test_room_is_asked_for_before(tmp_path):
    require_room(tmp_path / "new", 10)
    assert files(tmp_path / "new") == set()
    with pytest.raises(LiveError, match=r"has \d+ MB free, and a take of 1e\+12 s needs"):
        require_room(tmp_path, 1e12)


# --- the command -------------------------------------------------------------------


@pytest.fixture
def command(card, light, monkeypatch, tmp_path, capsys):
    """Run `gtzan record` with a model: exit code, and the lines it prints."""

    def run(model: Knowing, *options: str) -> tuple[int, list[str]]:
        asked = []
        monkeypatch.setattr(zoo, "load_model", lambda name: asked.append(name) or model)
        always = ["--seconds", "2", "--lead", "0.5", "--countdown", "0", "--out", str(tmp_path)]
        monkeypatch.setattr(sys, "argv", ["gtzan", "record", *always, *options])
        monkeypatch.setattr("warnings.showwarning", None)
        with pytest.raises(SystemExit) as caught:
            cli.main()
        return caught.value.code, [*asked, *capsys.readouterr().out.splitlines()]

    return run


def test_command_tells_the_genre(command, tmp_path):
    folder = str(tmp_path / "take-001")
    assert command(Knowing(), "--predict") == (0, ["gtzan", "rock 75 %", folder])
    assert load_take(folder).prediction["genre"] == "rock"


def test_command_with_a_model_keeps_what_it_says(command, tmp_path):
    folder = str(tmp_path / "take-001")
    assert command(Knowing(), "--model", "mine") == (0, ["mine", folder])
    assert load_take(folder).settings["model"] == "knowing"


@pytest.mark.filterwarnings("ignore::gtzan_lib.errors.GtzanWarning")
def test_command_that_cannot_tell_keeps_the_take(command, tmp_path):
    folder = str(tmp_path / "take-001")
    assert command(Knowing("it is silent."), "--predict") == (1, ["gtzan", folder])
    assert load_take(folder).prediction is None
