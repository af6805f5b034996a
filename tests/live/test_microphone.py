"""Recording with PortAudio from a file device, and from a simulated sound card."""

from __future__ import annotations

import itertools
import json
import math
import os
import signal
import subprocess
import sys
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from pathlib import Path

import numpy as np
import pytest
import soundfile

from gtzan_lib import cli
from gtzan_lib.errors import GtzanWarning, LiveError
from gtzan_lib.live import microphone
from gtzan_lib.live.microphone import Microphone, Recording, devices, record

from .conftest import device

RATE = 16_000


def refusal(call, *arguments, **named) -> str:
    """Return the error message of a call."""
    with pytest.raises(LiveError) as caught:
        call(*arguments, **named)
    message = str(caught.value)
    assert "\n" not in message
    assert message.endswith(".")
    return message


# --- PortAudio with ALSA's file device -----------------------------------------


def no_portaudio() -> str:
    """Return the reason why PortAudio cannot be tested here, or nothing."""
    if sys.platform != "linux":
        return "ALSA's file device needs Linux"
    try:
        import sounddevice  # noqa: F401
    except OSError:
        return "PortAudio is missing: apt-get install libportaudio2 libasound2-plugins"
    return ""


@pytest.fixture(scope="module")
def tape(tmp_path_factory) -> tuple[np.ndarray, dict[str, str]]:
    """Samples of a file device, and the environment in which it is the only microphone.

    The device delivers samples as fast as they are read, so that a minute is
    recorded in a moment.
    """
    if reason := no_portaudio():
        if os.environ.get("GTZAN_REQUIRE_PORTAUDIO") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    home = tmp_path_factory.mktemp("home")
    samples = np.random.default_rng(1).integers(-(2**15), 2**15, 75 * RATE).astype(np.int16)
    # As floats, the format that PortAudio requests: ALSA loses some periods when it
    # converts samples of a file.
    (samples / np.float32(2**15)).astype("<f4").tofile(home / "tape.raw")
    (home / ".asoundrc").write_text(
        f"""
        pcm.tape {{
            type file  slave.pcm {{ type null }}
            file /dev/null  infile "{home}/tape.raw"  format raw
        }}
        pcm.!default {{
            type plug  slave {{ pcm tape  format FLOAT_LE  rate {RATE}  channels 1 }}
        }}
        """
    )
    return samples, {**os.environ, "HOME": str(home)}


def run(environment: dict[str, str], *arguments: str) -> str:
    """Return the standard output of Python in a process with another environment."""
    done = subprocess.run(
        [sys.executable, *arguments], env=environment, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


RECORD = """
import json, sys
from pathlib import Path
import numpy as np
from gtzan_lib.live.microphone import Microphone, devices, record

out = Path(sys.argv[1])
recording = record(2, lead_s=0.5, countdown_s=0)
np.save(out / "record.npy", recording.y)
np.save(out / "long.npy", record(70, lead_s=0, countdown_s=0).y)
with Microphone("DEFAULT", seconds=1.23) as microphone:
    settings = [microphone.sample_rate, microphone.device]
    np.save(out / "blocks.npy", np.concatenate(list(microphone)))
with Microphone(sample_rate=44_100, seconds=0.5, block_s=0.02) as microphone:
    count = sum(len(block) for block in microphone)
print(json.dumps({
    "devices": [list(device) for device in devices()],
    "record": [
        recording.sample_rate, recording.device, recording.complete, recording.overflows,
        len(recording.noise),
    ],
    "microphone": settings,
    "count": count,
}))
"""


def test_recorded_samples_are_those_of_the_file(tape, tmp_path):
    samples, environment = tape
    output = json.loads(run(environment, "-c", RECORD, str(tmp_path)))
    for name, seconds in {"record": 2.5, "long": 70, "blocks": 1.23}.items():
        y = np.load(tmp_path / f"{name}.npy")
        assert y.dtype == np.float32
        assert len(y) == round(seconds * RATE)
        np.testing.assert_array_equal(y * 2**15, samples[: len(y)], err_msg=name)
    assert output["record"] == [RATE, "default", True, 0, RATE // 2]
    assert output["microphone"] == [RATE, "default"]
    assert output["count"] == 22_050
    assert any(name == "default" and rate == RATE for name, _, _, rate in output["devices"])


def test_command_saves_a_take(tape, tmp_path):
    samples, environment = tape
    options = ["--seconds", "2", "--lead", "0.5", "--countdown", "0", "--out", str(tmp_path / "t")]
    output = run(environment, "-m", "gtzan_lib", "record", *options)
    folder = Path(output.splitlines()[-1])
    assert folder == tmp_path / "t" / "take-001"
    y, rate = soundfile.read(folder / "raw.wav", dtype="float32")
    assert rate == RATE
    np.testing.assert_array_equal(y * 2**15, samples[: round(2.5 * RATE)])
    assert soundfile.info(folder / "denoised.wav").frames == 2 * RATE
    assert json.loads((folder / "take.json").read_text())["device"] == "default"


def test_machine_without_devices(tape, tmp_path):
    """PortAudio is installed, but there is no device."""
    _, environment = tape
    cards = Path("/proc/asound/cards")
    if cards.exists() and "no soundcards" not in cards.read_text():
        pytest.skip("this machine has a sound card")
    code = "from gtzan_lib.live.microphone import record\nrecord()"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**environment, "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert "LiveError: no input device was found; connect a microphone" in done.stderr


# --- missing software and devices -----------------------------------------------


class FailingImport(MetaPathFinder, Loader):
    """Makes the import of sounddevice fail."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def find_spec(self, name, path, target=None):
        return ModuleSpec(name, self) if name == "sounddevice" else None

    def exec_module(self, module):
        raise self.error


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (OSError("PortAudio library not found"), ["libportaudio2", "conda install", "not found)"]),
        (RuntimeError("Error initializing PortAudio: x [PaErrorCode -1]"), ["PortAudio: x)"]),
        (ModuleNotFoundError("No", name="sounddevice"), ["pip install sounddevice"]),
        (ModuleNotFoundError("No", name="cffi"), ["the package cffi"]),
    ],
)
@pytest.mark.parametrize("call", [record, devices, Microphone])
def test_error_names_the_package_to_install(monkeypatch, error, words, call):
    monkeypatch.delitem(sys.modules, "sounddevice", raising=False)
    monkeypatch.setattr(sys, "meta_path", [FailingImport(error), *sys.meta_path])
    message = refusal(call)
    assert "gtzan predict FILE" in message
    assert all(word in message for word in words)


@pytest.mark.parametrize("call", [record, devices, Microphone])
def test_no_input_device(card, call):
    card.devices = [device("Speaker", 0)]
    message = refusal(call)
    assert message.startswith("no input device was found")
    assert "gtzan predict FILE" in message


def test_devices_are_the_input_devices(card):
    assert devices() == [("Built-in Mic", 1, 1, 8_000), ("USB Mic", 2, 1, 8_000)]


@pytest.mark.parametrize(
    ("wanted", "index"),
    [(None, 1), (2, 2), ("usb", 2), ("USB Mic", 2), ("built-in mic", 1)],
)
def test_device_is_chosen(card, wanted, index):
    Microphone(wanted).close()
    assert card.opened[0]["device"] == index
    assert card.opened[0]["channels"] == 1


@pytest.mark.parametrize("wanted", [0, -1, 7, "Speaker", "headset"])
def test_error_of_an_unknown_device_lists_the_devices(card, wanted):
    message = refusal(Microphone, wanted)
    assert message.startswith(f"device {wanted!r} is none of the input devices (1 'Built-in Mic'")
    assert "gtzan predict FILE" in message


def test_part_of_several_names_is_refused(card):
    assert "matches several (1 'Built-in Mic', 2 'USB Mic')" in refusal(Microphone, "mic")
    # A whole name is one device, even if another name begins with it.
    card.devices.append(device("USB Mic 2"))
    assert Microphone("usb mic").device == "USB Mic"
    # Of entries with the same name the first is used.
    card.devices.append(device("USB Mic 2"))
    assert Microphone("USB Mic 2").device == "USB Mic 2"


def test_first_device_if_the_system_has_no_default(card):
    card.default = None
    assert Microphone().device == "Built-in Mic"


def test_device_that_cannot_be_opened(card):
    card.refusal = "Invalid sample rate"
    message = refusal(Microphone, sample_rate=11)
    assert message.startswith(
        "Built-in Mic: cannot be opened at 11 Hz (Error: Invalid sample rate); "
    )


@pytest.mark.parametrize("value", [0, -1, math.nan, math.inf])
def test_impossible_lengths_are_refused(card, value):
    assert "above zero" in refusal(record, value)
    assert "above zero" in refusal(Microphone, seconds=value)
    assert "above zero" in refusal(Microphone, block_s=value)
    if value:
        assert "lead_s" in refusal(record, lead_s=value)
        assert "countdown_s" in refusal(record, countdown_s=value)
    assert card.opened == []


# --- recording --------------------------------------------------------------------


def test_blocks_are_the_samples_of_the_card(card):
    with Microphone(seconds=1.03, block_s=0.05) as opened:
        assert opened.sample_rate == 8_000
        blocks = list(opened)
        # The stream has its full length.
        assert list(opened) == []
    assert {len(block) for block in blocks[:-1]} == {400}
    np.testing.assert_array_equal(np.concatenate(blocks), card.sound[:8_240])
    assert card.closed == 1


def test_device_is_closed_when_the_loop_ends(card):
    card.stays_active = True
    with Microphone() as opened:
        first = list(itertools.islice(opened, 2))
    assert sum(map(len, first)) == 1_600
    assert card.closed == 1


def test_recording_has_lead_and_music(card, capsys):
    recording = record(1.5, lead_s=0.25, countdown_s=0)
    assert isinstance(recording, Recording)
    assert (recording.sample_rate, recording.device, recording.lead_s) == (
        8_000,
        "Built-in Mic",
        0.25,
    )
    assert recording.complete
    np.testing.assert_array_equal(recording.y, card.sound[:14_000])
    np.testing.assert_array_equal(recording.noise, card.sound[:2_000])
    np.testing.assert_array_equal(recording.music, card.sound[2_000:14_000])
    assert recording.duration_s == 1.75
    assert capsys.readouterr() == ("", "")


def test_lines_during_a_recording(card, monkeypatch):
    lines, slept = [], []

    class Screen:
        def __enter__(self):
            return lines.append

        def __exit__(self, *_):
            pass

    card.sound[12_000:] = 1
    monkeypatch.setattr(microphone, "status_line", lambda show: Screen())
    monkeypatch.setattr("time.sleep", slept.append)
    record(2, lead_s=0.5, countdown_s=2)
    assert lines[:2] == ["recording begins in 2 s", "recording begins in 1 s"]
    assert slept == [1, 1]
    assert lines[2] == "keep quiet"
    assert [text.split(" s ")[0] for text in lines[3:9]] == [
        "keep quiet   0.4", "keep quiet   0.3", "keep quiet   0.2", "keep quiet   0.1",
        "play         2.0", "play         1.9",
    ]  # fmt: skip
    assert all("dBFS" in text for text in lines[3:])
    assert max(map(len, lines)) < 80, "lines must fit into a terminal"
    assert [text.endswith("clipping") for text in lines[3:]] == [False] * 15 + [True] * 10


# --- interrupted recordings ---------------------------------------------------------


@pytest.mark.parametrize("way", ["inactive", "mute", "faulty"])
def test_disconnected_device_has_given_all_its_samples(card, monkeypatch, way):
    monkeypatch.setattr(microphone, "_TIMEOUT_S", 0.15)
    card.stays_active = way == "mute"
    if way == "faulty":
        sounddevice = sys.modules["sounddevice"]

        def fail(stream):
            raise sounddevice.PortAudioError("Unanticipated host error")

        faulty = property(fail, lambda stream, value: None)
        monkeypatch.setattr(sounddevice.InputStream, "active", faulty)
    blocks = []
    with (
        pytest.raises(LiveError, match=r"Built-in Mic: disconnected after 3\.0 s") as caught,
        Microphone() as opened,
    ):
        blocks.extend(opened)
    np.testing.assert_array_equal(np.concatenate(blocks), card.sound)
    assert "gtzan predict FILE" in str(caught.value)
    assert card.closed == 1


def test_recording_of_a_disconnected_device_is_kept(card):
    with pytest.warns(GtzanWarning, match=r"the recording has only 3\.0 s: Built-in Mic: disc"):
        recording = record(10, countdown_s=0)
    assert not recording.complete
    np.testing.assert_array_equal(recording.y, card.sound)
    assert len(recording.noise) == 8_000


def test_device_without_any_samples_is_an_error(card):
    card.sound = card.sound[:0]
    assert "disconnected after 0.0 s" in refusal(record, 1, countdown_s=0)


def test_ctrl_c_keeps_the_recording(card, monkeypatch):
    count = itertools.count(1)

    def press(block):
        if next(count) == 5:
            signal.raise_signal(signal.SIGINT)
        return ""

    monkeypatch.setattr(microphone, "level_bar", press)
    # Processes in the background ignore Ctrl-C.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.warns(GtzanWarning, match=r"recording has only 0\.5 s: .* stopped by Ctrl-C"):
            recording = record(2, countdown_s=0)
    finally:
        signal.signal(signal.SIGINT, before)
    assert not recording.complete
    np.testing.assert_array_equal(recording.y, card.sound[:4_000])
    # It ended before the music.
    assert (len(recording.noise), len(recording.music)) == (4_000, 0)
    assert card.closed == 1


def test_ctrl_c_in_the_countdown_is_raised(card, monkeypatch):
    def interrupt(seconds):
        raise KeyboardInterrupt

    monkeypatch.setattr("time.sleep", interrupt)
    with pytest.raises(KeyboardInterrupt):
        record(1)
    assert card.closed == 1


def test_lost_samples_are_a_warning(card):
    card.overflows = {1, 4}
    with pytest.warns(GtzanWarning, match="Built-in Mic: samples were lost 2 times") as caught:
        recording = record(1, countdown_s=0)
    assert recording.overflows == 2
    assert recording.complete
    assert len(caught) == 1


def test_slow_program_does_not_fill_the_memory(card, monkeypatch):
    monkeypatch.setattr(microphone, "_MAX_QUEUE_S", 1.0)
    blocks = []
    with (
        pytest.warns(GtzanWarning, match="samples were lost 19 times"),
        pytest.raises(LiveError),
        Microphone() as opened,
    ):
        opened._start()
        opened._stream.thread.join()
        blocks.extend(opened)
    np.testing.assert_array_equal(np.concatenate(blocks), card.sound[: 11 * 800])


def test_zeros_are_a_warning(card):
    card.sound[:] = 0
    with pytest.warns(GtzanWarning, match="Built-in Mic: delivers only zeros; unmute"):
        assert record(1, countdown_s=0).complete


# --- the command -------------------------------------------------------------------


def command(monkeypatch, *arguments: str) -> int:
    """Run `gtzan record`; return its exit code."""
    monkeypatch.setattr(sys, "argv", ["gtzan", "record", *arguments])
    monkeypatch.setattr("warnings.showwarning", None)
    with pytest.raises(SystemExit) as caught:
        cli.main()
    return caught.value.code


def test_command_lists_devices(card, monkeypatch, capsys):
    assert command(monkeypatch, "--devices") == 0
    assert capsys.readouterr().out.splitlines() == [
        "1: Built-in Mic (1 channels, 8000 Hz)",
        "2: USB Mic (1 channels, 8000 Hz)",
    ]


@pytest.mark.parametrize("method", ["wiener", "subtraction"])
def test_command_with_noise_of_another_rate(card, monkeypatch, capsys, tmp_path, rng, method):
    soundfile.write(tmp_path / "hum.wav", rng.uniform(-0.1, 0.1, 16_000), 16_000)
    options = ["--seconds", "1", "--lead", "0", "--countdown", "0", "--device", "2"]
    options += ["--noise", str(tmp_path / "hum.wav"), "--method", method]
    assert command(monkeypatch, *options, "--out", str(tmp_path / "out")) == 0
    folder = tmp_path / "out" / "take-001"
    assert capsys.readouterr().out.splitlines()[-1] == str(folder)
    settings = json.loads((folder / "take.json").read_text())
    assert (settings["device"], settings["method"]) == ("USB Mic", method)
    assert soundfile.info(folder / "noise.wav").frames == 8_000
    assert soundfile.info(folder / "denoised.wav").frames == 8_000


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--method", "magic"], "there is no denoising method 'magic'"),
        (["--noise", "nowhere.wav"], "nowhere.wav: there is no such file"),
        (["--device", "headset"], "device 'headset' is none"),
        (["--seconds", "-3"], "seconds=-3.0"),
        (["--out", os.devnull], f"{os.devnull}: cannot be used for takes"),
    ],
)
def test_command_checks_its_options_before_it_records(
    card, monkeypatch, capsys, tmp_path, options, words
):
    where = [] if "--out" in options else ["--out", str(tmp_path / "out")]
    assert command(monkeypatch, *options, *where) == 1
    error = capsys.readouterr().err
    assert error.startswith(f"error: {words}")
    assert error.count("\n") == 1
    assert card.opened == []
    assert list(tmp_path.glob("out/*")) == []
