"""`gtzan predict`, `gtzan models` and `gtzan listen` on the terminal."""

import json
import re
import sys
import warnings

import numpy as np
import pytest
import soundfile
from typer.testing import CliRunner

from gtzan_lib import cli
from gtzan_lib.errors import AudioError, GtzanError, LiveError, ModelError
from gtzan_lib.inference.zoo import load_model

from .test_model import GENRES, JSON_FIELDS, RECIPES, music, train


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return train(tmp_path_factory.mktemp("models") / "mine", RECIPES["stft-3s"])


@pytest.fixture
def command():
    """Run a command in this process; errors of the package are raised."""

    def run(*arguments):
        result = CliRunner().invoke(cli.app, [*map(str, arguments)])
        if isinstance(result.exception, GtzanError):
            raise result.exception
        assert result.exception is None or isinstance(result.exception, SystemExit)
        return result

    return run


@pytest.fixture
def sounds(tmp_path):
    """Three files with sound, and two that cannot be read."""
    for number, name in enumerate(("a", "b", "c")):
        soundfile.write(tmp_path / f"{name}.wav", music(5 + number, first=number), 12_000)
    (tmp_path / "text.mp3").write_text("Dear diary.\n" * 100)
    return [tmp_path / name for name in ("a.wav", "text.mp3", "b.wav", "none.wav", "c.wav")]


# --- predict ------------------------------------------------------------------


def test_json_has_the_whole_prediction(command, folder, sounds):
    readable = sounds[::2]
    result = command("predict", *readable, "--json", "--model", folder)
    assert (result.exit_code, result.stderr) == (0, "")
    entries, model = json.loads(result.stdout), load_model(folder)
    assert [entry["file"] for entry in entries] == [str(file) for file in readable]
    for entry, file in zip(entries, readable, strict=True):
        assert set(entry) == {"file", "unsure", *JSON_FIELDS}
        probabilities = entry["probabilities"]
        assert entry["genre"] == max(probabilities, key=probabilities.get)
        assert tuple(probabilities) == GENRES
        assert sum(probabilities.values()) == pytest.approx(1)
        for window in entry["timeline"]:
            assert set(window) == {"start_s", "end_s", "genre", "probabilities"}
            assert window["end_s"] - window["start_s"] == pytest.approx(3)
            assert sum(window["probabilities"].values()) == pytest.approx(1)
        assert probabilities == pytest.approx(model.predict(file).probabilities, abs=1e-5)
        mean = np.mean([list(w["probabilities"].values()) for w in entry["timeline"]], axis=0)
        assert list(probabilities.values()) == pytest.approx(mean.tolist(), abs=1e-5)


@pytest.mark.parametrize("jobs", [1, 3])
def test_files_that_cannot_be_read_do_not_stop_the_others(command, folder, sounds, jobs):
    result = command("predict", *sounds, "--json", "--model", folder, "--jobs", jobs)
    assert result.exit_code == 1
    entries = json.loads(result.stdout)
    assert [entry["file"] for entry in entries] == [str(file) for file in sounds]
    assert ["error" in entry for entry in entries] == [False, True, False, True, False]
    for entry in entries[1::2]:
        assert set(entry) == {"file", "error"}
        assert entry["error"].startswith(f"{entry['file']}: ")
    errors = [f"error: {entry['error']}" for entry in entries[1::2]]
    assert result.stderr.splitlines() == errors


def test_lines_on_the_terminal(command, folder, sounds):
    result = command("predict", *sounds, "--model", folder)
    assert result.exit_code == 1
    lines = result.stdout.splitlines()
    model = load_model(folder)
    assert len(lines) == 3
    for line, file in zip(lines, sounds[::2], strict=True):
        assert line.endswith(str(file))
        shares = re.findall(r"(\w+) +(\d+) %", line)
        prediction = model.predict(file)
        assert shares[0][0] == prediction.genre
        assert {genre: int(share) for genre, share in shares} == {
            genre: pytest.approx(100 * share, abs=0.51)
            for genre, share in prediction.probabilities.items()
        }
    assert [line.split(": ")[0] for line in result.stderr.splitlines()] == ["error", "error"]
    assert "text.mp3" in result.stderr
    assert "none.wav: there is no such file" in result.stderr


def test_number_of_genres(command, folder, sounds):
    for top in (1, 2, 50):
        (line,) = command("predict", sounds[0], "--model", folder, "--top", top).stdout.splitlines()
        assert line.count(" %") == min(top, len(GENRES))
    assert command("predict", sounds[0], "--model", folder, "--top", 0).exit_code == 2


def test_too_little_confidence_is_said(command, folder, sounds):
    confidence = load_model(folder).predict(sounds[0]).confidence
    for least, unsure in ((confidence - 0.01, False), (confidence + 0.01, True)):
        options = ("--model", folder, "--min-confidence", least)
        line = command("predict", sounds[0], *options).stdout
        assert ("(unsure)" in line) is unsure
        (entry,) = json.loads(command("predict", sounds[0], *options, "--json").stdout)
        assert entry["unsure"] is unsure
    assert command("predict", sounds[0], "--min-confidence", 1.5).exit_code == 2


def test_what_is_no_music_is_marked(command, tmp_path):
    rng = np.random.default_rng(0)
    soundfile.write(tmp_path / "noise.wav", 0.1 * rng.standard_normal(66_150), 22_050)
    options = ("--model", "gtzan-musicnn")
    line = command("predict", tmp_path / "noise.wav", *options).stdout
    assert "unlike anything the model was trained on" in line
    (entry,) = json.loads(command("predict", tmp_path / "noise.wav", *options, "--json").stdout)
    assert entry["unfamiliar"] is True
    assert entry["distance"] > entry["distance_limit"]


def test_a_folder_stands_for_the_files_in_it(command, folder, sounds, tmp_path):
    """Also in folders below; one without sound does not stop the others."""
    music = tmp_path / "music"
    for name in ("b/c.WAV", "a.wav", "b/d/e.wav"):
        (music / name).parent.mkdir(parents=True, exist_ok=True)
        (music / name).write_bytes(sounds[0].read_bytes())
    (music / "notes.txt").write_text("x")
    (tmp_path / "empty").mkdir()
    result = command("predict", music, "--json", "--model", folder)
    files = [str(music / name) for name in ("a.wav", "b/c.WAV", "b/d/e.wav")]
    assert result.exit_code == 0
    assert [entry["file"] for entry in json.loads(result.stdout)] == files
    result = command("predict", tmp_path / "empty", music, sounds[2], "--model", folder, "--json")
    assert result.exit_code == 1
    entries = json.loads(result.stdout)
    assert [entry["file"] for entry in entries[1:]] == [*files, str(sounds[2])]
    assert "empty: holds no audio files; name files" in entries[0]["error"]
    assert result.stderr == f"error: {entries[0]['error']}\n"


def test_only_unreadable_files(command, folder, sounds):
    result = command("predict", sounds[1], "--model", folder, "--json")
    assert result.exit_code == 1
    assert [set(entry) for entry in json.loads(result.stdout)] == [{"file", "error"}]
    assert command("predict", sounds[1], "--model", folder).stdout == ""


def test_step(command, folder, sounds):
    result = command("predict", sounds[0], "--json", "--model", folder, "--step", "0.5")
    (entry,) = json.loads(result.stdout)
    assert [window["start_s"] for window in entry["timeline"]] == [0, 0.5, 1, 1.5, 2]


def test_file_names_that_are_not_ascii_or_not_text(command, folder, tmp_path):
    names = ["Björk – Jóga.wav", "two words.wav", "\udcff.wav"]
    for name in names:
        soundfile.write(tmp_path / "a.wav", music(3), 12_000)
        (tmp_path / "a.wav").rename(tmp_path / name)
    files = [tmp_path / name for name in names]
    entries = json.loads(command("predict", *files, "--json", "--model", folder).stdout)
    assert [entry["file"] for entry in entries] == [
        str(files[0]), str(files[1]), str(tmp_path / "%FF.wav")
    ]  # fmt: skip
    assert "Björk – Jóga.wav" in command("predict", *files, "--model", folder).stdout


@pytest.mark.parametrize(
    "arguments", [[], ["--json"], ["a.wav", "--jobs", "0"], ["a.wav", "--step", "often"]]
)
def test_wrong_usage(command, arguments):
    assert command("predict", *arguments).exit_code == 2


def test_unknown_model_is_refused_before_any_file(command, sounds):
    with pytest.raises(ModelError, match="there is no model 'mien'; choose one of"):
        command("predict", *sounds, "--model", "mien")


@pytest.mark.parametrize("step", ["0", "-1", "nan", "inf"])
def test_impossible_steps_are_refused(command, folder, sounds, step):
    with pytest.raises(ModelError, match=r"a step of .* s is not possible"):
        command("predict", *sounds, "--model", folder, "--step", step)


# --- models -------------------------------------------------------------------


def test_models_of_the_workspace(command, folder, work):
    for name in ("quick/models/mine", "quick/models/broken", "quick/models/strange"):
        copy = work / name
        copy.mkdir(parents=True)
        for file in folder.iterdir():
            (copy / file.name).write_bytes(file.read_bytes())
    (work / "quick" / "models" / "broken" / "model.safetensors").write_bytes(b"")
    card = json.loads((folder / "model.json").read_text())
    strange = work / "quick" / "models" / "strange" / "model.json"
    strange.write_text(json.dumps({**card, "accuracy": "much"}))
    result = command("models")
    assert result.exit_code == 0
    assert re.search(r"^quick/mine +3 +unknown +unknown$", result.stdout, re.M)
    assert "broken" not in result.stdout
    assert result.stderr.count("error: ") == 2
    assert re.search(r"^error: .*broken.*is missing or not the file.*\.$", result.stderr, re.M)
    assert json.loads(command("models", "quick/mine").stdout) == card
    with pytest.raises(ModelError, match="is missing or not the file"):
        command("models", "quick/broken")


def test_models_are_listed_with_their_accuracy(command, folder, work):
    copy = work / "long" / "models" / "good"
    copy.mkdir(parents=True)
    card = json.loads((folder / "model.json").read_text())
    score = {"input_s": 30.0, "value": 0.8125, "low": 0.75, "high": 0.86, "n": 290}
    score["interval"] = "wilson"
    card |= {"corpus": "gtzan", "protocol": "artist", "part": "test part", "accuracy": [score]}
    (copy / "model.json").write_text(json.dumps(card))
    (copy / "model.safetensors").write_bytes((folder / "model.safetensors").read_bytes())
    lines = command("models").stdout.splitlines()
    (line,) = [line for line in lines if line.startswith("long/good")]
    assert re.split("  +", line) == [
        "long/good",
        "3",
        "81.2% (75.0% to 86.0%), n = 290, 30 s",
        "unknown",
        "gtzan, protocol artist, test part",
    ]
    assert lines[0].index("accuracy by clip") == line.index("81.2%")
    assert sum("(default)" in line for line in lines) == 1


# --- listen -------------------------------------------------------------------


def test_listen_to_a_file(command, folder, tmp_path, monkeypatch):
    from gtzan_lib.live import streaming

    monkeypatch.setattr(streaming.time, "sleep", lambda seconds: None)
    soundfile.write(tmp_path / "a.wav", music(6.2), 12_000)
    result = command("listen", tmp_path / "a.wav", "--model", folder, "--average", "2")
    assert result.exit_code == 0
    line = r" +(\d\.0) s  (blues|jazz|rock) +(\d+) %  \(\d+ ms\)"
    printed = [re.fullmatch(line, text).groups() for text in result.stdout.splitlines()]
    assert [end for end, _, _ in printed] == ["3.0", "4.0", "5.0", "6.0"]
    expected = list(streaming.listen(tmp_path / "a.wav", load_model(folder), average=2))
    assert [genre for _, genre, _ in printed] == [prediction.genre for prediction in expected]
    for (_, _, percent), prediction in zip(printed, expected, strict=True):
        assert int(percent) == pytest.approx(100 * prediction.probability, abs=0.51)
    result = command("listen", tmp_path / "a.wav", "--model", folder, "--step", "1.5")
    assert [line.split()[0] for line in result.stdout.splitlines()] == ["3.0", "4.5", "6.0"]


def test_listen_refuses_bad_arguments(command, folder, sounds):
    with pytest.raises(AudioError, match=r"text\.mp3: cannot be decoded"):
        command("listen", sounds[1], "--model", folder)
    with pytest.raises(LiveError, match=r"a step of 0\.0 s"):
        command("listen", sounds[0], "--model", folder, "--step", "0")
    with pytest.raises(ModelError, match="there is no model 'mien'"):
        command("listen", sounds[0], "--model", "mien")
    assert command("listen", sounds[0], "--model", folder, "--average", "0").exit_code == 2


def test_errors_on_the_terminal_are_one_sentence(folder, monkeypatch, capfd, tmp_path):
    monkeypatch.setattr(sys, "argv", ["gtzan", "models", str(tmp_path)])
    monkeypatch.setattr(warnings, "showwarning", warnings.showwarning)
    with pytest.raises(SystemExit) as left:
        cli.main()
    assert left.value.code == 1
    out, err = capfd.readouterr()
    assert out == ""
    assert re.fullmatch(r"error: .*: there is no such file; .*\.\n", err)
