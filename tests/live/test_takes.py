"""Takes: files, folders, warnings and errors."""

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
from gtzan_lib.inference.image_model import ImageModel
from gtzan_lib.live import takes
from gtzan_lib.live.microphone import Recording
from gtzan_lib.live.takes import (
    Take,
    load_take,
    require_disk_space,
    save_take,
)
from gtzan_lib.signal.denoise import METHODS

RATE = 16_000


class FixedModel(ImageModel):
    """A model with fixed predictions, or an error."""

    name = "fixed"

    def __init__(self, error: str = "") -> None:
        self.error = error
        self.inputs: list[np.ndarray] = []

    def images(self, y, sample_rate):
        assert sample_rate in (RATE, 8_000)
        return np.full((int(len(y) / sample_rate), 4, 6), 7, dtype=np.uint8)

    def predict(self, y, *, sample_rate):
        self.inputs.append(y)
        if self.error:
            raise AudioError(self.error)
        probabilities = {"blues": 0.25, "rock": 0.75}
        prediction = {"genre": "rock", "probabilities": probabilities, "timeline": []}
        return SimpleNamespace(as_dict=lambda: prediction)


@pytest.fixture
def recording(rng) -> Recording:
    """Half a second of noise, then two seconds of a tone in noise, partly above full scale."""
    y = rng.normal(0, 0.05, round(2.5 * RATE))
    y[RATE // 2 :] += 1.1 * np.sin(2 * np.pi * 440 * np.arange(2 * RATE) / RATE)
    return Recording(y=y.astype(np.float32), sample_rate=RATE, device="Mic", lead_s=0.5)


def changed(recording: Recording, **values) -> Recording:
    """Return the recording with other values."""
    names = ("y", "sample_rate", "device", "lead_s", "overflows", "complete")
    return Recording(**{**{name: getattr(recording, name) for name in names}, **values})


def files(folder: Path) -> set[str]:
    return {file.name for file in folder.iterdir()}


@pytest.fixture
def without_figures(monkeypatch):
    """Save takes without figures, which take most of the time."""
    monkeypatch.setattr(takes, "_draw", lambda *arguments: None)


FIGURES = {"noisy.png", "noise.png", "denoised.png"}
FILES = {"raw.wav", "denoised.wav", "take.json", *FIGURES}


# --- files of a take ---------------------------------------------------------------


def test_take_has_all_files(tmp_path, recording):
    model = FixedModel()
    take = save_take(tmp_path, recording, model=model)
    assert take.folder == tmp_path / "take-001"
    assert files(take.folder) == FILES | {"spectrogram.npy"}
    raw, rate = soundfile.read(take.folder / "raw.wav", dtype="float32")
    assert rate == RATE
    # Neither clipped nor rounded.
    assert np.abs(raw).max() > 1
    np.testing.assert_array_equal(raw, recording.y)
    images = np.load(take.folder / "spectrogram.npy")
    assert (images.shape, images.dtype) == ((2, 4, 6), np.uint8)
    assert take.prediction == {
        "genre": "rock", "probabilities": {"blues": 0.25, "rock": 0.75}, "timeline": [],
    }  # fmt: skip
    # The model gets the denoised music.
    np.testing.assert_array_equal(model.inputs[0], take.denoised)
    assert take.denoised.dtype == np.float32
    assert len(take.denoised) == 2 * RATE
    assert not np.array_equal(take.denoised, recording.music)


def test_settings_of_a_take(tmp_path, recording, without_figures):
    settings = save_take(tmp_path, recording, method="subtraction").settings
    assert settings == json.loads((tmp_path / "take-001" / "take.json").read_text())
    fixed = {name: value for name, value in settings.items() if name not in ("when", "rms_db")}
    assert fixed == {
        "version": 1, "device": "Mic", "sample_rate": RATE, "seconds": 2.0, "lead_s": 0.5,
        "complete": True, "overflows": 0, "peak_db": pytest.approx(1.9, abs=0.5), "clipping": True,
        "method": "subtraction", "noise": "the recording's beginning", "denoised": True,
        "model": None, "prediction": None, "left_out": [],
    }  # fmt: skip
    assert settings["when"][-6] in "+-", "the time needs its zone"


@pytest.mark.parametrize("noise", [None, 0.3])
def test_take_is_loaded(tmp_path, recording, without_figures, noise, rng):
    if noise:
        noise = rng.normal(0, 0.05, RATE)
    saved = save_take(tmp_path, recording, model=FixedModel(), noise=noise)
    loaded = load_take(saved.folder)
    assert isinstance(loaded, Take)
    np.testing.assert_array_equal(loaded.raw, recording.y)
    np.testing.assert_array_equal(loaded.denoised, saved.denoised)
    assert (loaded.sample_rate, loaded.settings) == (RATE, saved.settings)
    assert "2.5 s at 16000 Hz; rock" in repr(loaded)
    assert (saved.folder / "noise.wav").exists() == (noise is not None)
    if noise is not None:
        assert loaded.settings["noise"] == "noise.wav"


@pytest.mark.parametrize("content", [None, "{", "[]", "\xff"])
def test_folder_without_a_take_is_refused(tmp_path, content):
    if content is not None:
        (tmp_path / "take.json").write_text(content, encoding="latin-1")
    with pytest.raises(
        LiveError, match=r"take\.json: .*(no such file|is not a take).*; give the folder of"
    ):
        load_take(tmp_path)


@pytest.mark.parametrize("method", METHODS)
def test_takes_of_every_method(tmp_path, recording, without_figures, method):
    take = save_take(tmp_path, recording, method=method)
    assert take.settings["method"] == method
    assert np.isfinite(take.denoised).all()
    assert len(take.denoised) == len(recording.music)


def test_figures_have_one_size(tmp_path, recording):
    folder = save_take(tmp_path, recording).folder
    figures = [matplotlib.image.imread(folder / name) for name in sorted(FIGURES)]
    assert len({figure.shape for figure in figures}) == 1
    assert figures[0].shape[1] > figures[0].shape[0] > 300
    assert not np.array_equal(figures[0], figures[2])


# --- incomplete takes ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"lead_s": 0.0}, "there is no sample of the noise alone"),
        ({"lead_s": 9.0}, "the recording stopped before the music"),
    ],
)
def test_recording_without_lead_or_music_is_not_denoised(tmp_path, recording, values, words):
    with pytest.warns(GtzanWarning, match=f"take-001: it was not denoised: {words}"):
        take = save_take(tmp_path, changed(recording, **values))
    assert take.denoised is None
    assert words in take.settings["left_out"][0]
    assert files(take.folder) < FILES
    loaded = load_take(take.folder)
    np.testing.assert_array_equal(loaded.raw, recording.y)
    assert loaded.denoised is None


def test_model_gets_the_recording_if_it_is_not_denoised(tmp_path, recording, without_figures):
    model = FixedModel()
    with pytest.warns(GtzanWarning, match="not denoised"):
        save_take(tmp_path, changed(recording, lead_s=0.0), model=model)
    np.testing.assert_array_equal(model.inputs[0], recording.y)


def test_take_is_saved_if_the_prediction_fails(tmp_path, recording):
    with pytest.warns(GtzanWarning, match="take-001: its genre was not predicted: it is too short"):
        take = save_take(tmp_path, recording, model=FixedModel("it is too short."))
    assert take.prediction is None
    assert files(take.folder) == FILES | {"spectrogram.npy"}
    assert load_take(take.folder).settings["model"] == "fixed"


def test_samples_that_are_not_finite_are_kept_and_count_as_silence(tmp_path, recording):
    y = recording.y.copy()
    y[[5, 20_000, 30_000]] = np.nan, np.inf, -np.inf
    with pytest.warns(GtzanWarning, match="3 samples are not finite"):
        take = save_take(tmp_path, changed(recording, y=y), model=FixedModel())
    np.testing.assert_array_equal(load_take(take.folder).raw, y)
    assert np.isfinite(take.denoised).all()
    assert files(take.folder) == FILES | {"spectrogram.npy"}


def test_silent_recording_is_saved(tmp_path, recording):
    take = save_take(tmp_path, changed(recording, y=np.zeros_like(recording.y)))
    assert take.settings["peak_db"] is take.settings["rms_db"] is None
    np.testing.assert_array_equal(take.denoised, 0)
    assert files(take.folder) == FILES


@pytest.mark.parametrize("length", [0, 1, 300])
def test_short_recording_is_saved(tmp_path, recording, length):
    with pytest.warns(GtzanWarning):
        take = save_take(tmp_path, changed(recording, y=recording.y[:length], complete=False))
    np.testing.assert_array_equal(load_take(take.folder).raw, recording.y[:length])
    assert not take.settings["complete"]


# --- folders -----------------------------------------------------------------------


def test_takes_are_never_overwritten(tmp_path, recording, without_figures):
    (tmp_path / "take-002").mkdir()
    (tmp_path / "take-004").write_text("a file")
    (tmp_path / "take-notes").mkdir()
    names = [save_take(tmp_path, recording).folder.name for _ in range(2)]
    assert names == ["take-005", "take-006"]
    assert (tmp_path / "take-004").read_text() == "a file"
    assert files(tmp_path / "take-002") == set()
    (tmp_path / "take-999").mkdir()
    assert save_take(tmp_path, recording).folder.name == "take-1000"
    assert save_take(tmp_path, recording).folder.name == "take-1001"


def test_takes_saved_at_the_same_time_have_their_own_folders(tmp_path, recording, without_figures):
    barrier = threading.Barrier(8)

    def save(number: int) -> tuple[int, Path]:
        part = changed(recording, y=recording.y[: RATE + number])
        barrier.wait()
        return len(part.y), save_take(tmp_path / "new" / "deep", part).folder

    with ThreadPoolExecutor(8) as pool:
        saved = list(pool.map(save, range(8)))
    assert {folder.name for _, folder in saved} == {f"take-{n:03d}" for n in range(1, 9)}
    for length, folder in saved:
        assert len(load_take(folder).raw) == length


# --- folders that cannot be written ------------------------------------------------


def fill_up(monkeypatch, name: str) -> None:
    """Simulate a full disk when a file is written."""
    write = Path.write_bytes

    def full(path, content):
        if name in path.name:
            write(path, content[: len(content) // 2])
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(path, content)

    monkeypatch.setattr(Path, "write_bytes", full)


def test_full_disk_leaves_no_folder_without_sound(
    tmp_path, recording, without_figures, monkeypatch
):
    first = save_take(tmp_path, recording)
    before = {file: file.read_bytes() for file in first.folder.iterdir()}
    fill_up(monkeypatch, "raw")
    with pytest.raises(LiveError) as caught:
        save_take(tmp_path, recording)
    message = str(caught.value)
    assert message.startswith(f"{tmp_path / 'take-002' / 'raw.wav'}: cannot be written (No space")
    assert "the recording is still in memory" in message
    assert message.endswith("nothing was saved.")
    assert files(tmp_path) == {"take-001"}
    assert {file: file.read_bytes() for file in first.folder.iterdir()} == before
    monkeypatch.undo()
    assert save_take(tmp_path, recording).folder.name == "take-002"


@pytest.mark.parametrize(
    ("name", "held"),
    [
        ("take-", "raw.wav"),
        ("denoised", "raw.wav, take.json"),
        (".noise-", "denoised.wav, noisy.png, raw.wav, take.json"),
        ("spectrogram", None),
    ],
)
def test_full_disk_keeps_written_files(tmp_path, recording, monkeypatch, name, held):
    fill_up(monkeypatch, name)
    with pytest.raises(LiveError) as caught:
        save_take(tmp_path, recording, model=FixedModel())
    folder = tmp_path / "take-001"
    held = held or ", ".join(sorted(FILES))
    assert str(caught.value).endswith(f"and save it again; {folder} holds {held}.")
    assert files(folder) == set(held.split(", "))
    assert len(soundfile.read(folder / "raw.wav")[0]) == len(recording.y)
    if "take.json" in held:
        assert len(load_take(folder).raw) == len(recording.y)


def test_recording_is_saved_if_the_method_is_unknown(tmp_path, recording):
    with pytest.raises(LiveError, match=r"no denoising method 'magic'; choose one of .*wiener"):
        save_take(tmp_path, recording, method="magic")
    assert len(load_take(tmp_path / "take-001").raw) == len(recording.y)


def test_folder_that_cannot_be_written_is_refused(tmp_path, recording):
    (tmp_path / "file").write_text("")
    for folder in (tmp_path / "file", tmp_path / "file" / "deep"):
        for call in (lambda: save_take(folder, recording), lambda: require_disk_space(folder, 1)):  # noqa: B023
            with pytest.raises(
                LiveError, match=r"file.*: cannot be used for takes .*; choose a folder"
            ):
                call()


def test_disk_space_is_checked(tmp_path):
    require_disk_space(tmp_path / "new", 10)
    assert files(tmp_path / "new") == set()
    with pytest.raises(LiveError, match=r"has \d+ MB free, and a take of 1e\+12 s needs"):
        require_disk_space(tmp_path, 1e12)


# --- the command -------------------------------------------------------------------


@pytest.fixture
def command(card, without_figures, monkeypatch, tmp_path, capsys):
    """Run `gtzan record` with a model; return the exit code, the model's name and the output."""

    def run(model: FixedModel, *options: str) -> tuple[int, list[str]]:
        names = []
        monkeypatch.setattr(zoo, "load_model", lambda name: names.append(name) or model)
        common = ["--seconds", "2", "--lead", "0.5", "--countdown", "0", "--out", str(tmp_path)]
        monkeypatch.setattr(sys, "argv", ["gtzan", "record", *common, *options])
        monkeypatch.setattr("warnings.showwarning", None)
        with pytest.raises(SystemExit) as caught:
            cli.main()
        return caught.value.code, [*names, *capsys.readouterr().out.splitlines()]

    return run


def test_command_prints_the_prediction(command, tmp_path):
    folder = str(tmp_path / "take-001")
    assert command(FixedModel(), "--predict") == (0, ["gtzan-musicnn", "rock 75 %", folder])
    assert load_take(folder).prediction["genre"] == "rock"


def test_command_with_a_model_saves_the_prediction(command, tmp_path):
    folder = str(tmp_path / "take-001")
    assert command(FixedModel(), "--model", "mine") == (0, ["mine", folder])
    assert load_take(folder).settings["model"] == "fixed"


@pytest.mark.filterwarnings("ignore::gtzan_lib.errors.GtzanWarning")
def test_command_saves_the_take_if_the_prediction_fails(command, tmp_path):
    folder = str(tmp_path / "take-001")
    assert command(FixedModel("it is silent."), "--predict") == (1, ["gtzan-musicnn", folder])
    assert load_take(folder).prediction is None
