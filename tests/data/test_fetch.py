"""Download of GTZAN, without a network, and comparison with Kaggle's checksums."""

import shutil
import sys
import types
import zipfile
from pathlib import Path

import pandas as pd
import pytest
import soundfile
from typer.testing import CliRunner

from gtzan_lib import cli
from gtzan_lib.data.fetch import HANDLE, fetch, verify
from gtzan_lib.data.loaders import gtzan
from gtzan_lib.data.opening import open_corpus
from gtzan_lib.errors import CorpusError, GtzanWarning
from gtzan_lib.files import sha256_of


@pytest.fixture
def music(music_folder) -> Path:
    """Return two genres of two tracks in the layout of Kaggle's archive."""
    return music_folder(layout="Data/genres_original", seconds=0.2)


@pytest.fixture
def archive(music, tmp_path) -> Path:
    """Return the same as a zip file."""
    with zipfile.ZipFile(tmp_path / "archive.zip", "w") as opened:
        for file in sorted(music.rglob("*.wav")):
            opened.write(file, file.relative_to(music))
    return tmp_path / "archive.zip"


class Kaggle(types.ModuleType):
    """Stand-in for kagglehub 1.0 without a network, as outside Kaggle's notebooks."""

    def __init__(self, music: Path, cache: Path) -> None:
        super().__init__("kagglehub")
        self.music, self.cache = music, cache
        self.calls: list[tuple[str, str | None]] = []
        self.errors: list[BaseException] = []

    def dataset_download(self, handle, path=None, *, force_download=False, output_dir=None):
        self.calls.append((handle, output_dir))
        folder = Path(output_dir or self.cache)
        marker, partial = folder / ".complete" / "bundle.complete", folder / "1.archive"
        if marker.exists() and not force_download:
            return str(folder)
        if output_dir and folder.exists() and any(folder.iterdir()):
            if not force_download:
                raise FileExistsError(
                    f"output_dir is not empty: {folder}. Set force_download=True to replace it."
                )
            shutil.rmtree(folder)
        folder.mkdir(parents=True, exist_ok=True)
        partial.touch()
        if self.errors:
            raise self.errors.pop()
        partial.unlink()
        shutil.copytree(self.music, folder, dirs_exist_ok=True)
        marker.parent.mkdir()
        marker.touch()
        return str(folder)


@pytest.fixture
def kaggle(music, tmp_path, monkeypatch) -> Kaggle:
    """Replace kagglehub."""
    module = Kaggle(music, tmp_path / "cache" / "kagglehub")
    monkeypatch.setitem(sys.modules, "kagglehub", module)
    return module


@pytest.fixture
def no_kaggle(monkeypatch) -> None:
    """Make the import of kagglehub fail."""
    monkeypatch.setitem(sys.modules, "kagglehub", None)


def contents(folder) -> dict:
    """Return the bytes of all audio files in a folder, by name."""
    return {file.name: file.read_bytes() for file in sorted(Path(folder).rglob("*.wav"))}


# --- downloading --------------------------------------------------------------


def test_download_into_a_new_folder(kaggle, music, tmp_path):
    folder = tmp_path / "deep" / "gtzan"
    assert fetch(folder) == folder
    assert [handle for handle, _ in kaggle.calls] == [HANDLE]
    assert kaggle.calls[0][1] in (str(folder), None)
    assert HANDLE == "andradaolteanu/gtzan-dataset-music-genre-classification"
    assert contents(folder) == contents(music)
    corpus = open_corpus(folder)
    assert corpus.name == "gtzan"
    assert len(corpus) == 4


def test_download_to_the_home_folder(kaggle, music, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    assert fetch("~/gtzan") == tmp_path / "home" / "gtzan"
    assert contents(tmp_path / "home" / "gtzan") == contents(music)
    assert not Path("~").exists()


def test_interrupted_download_continues(kaggle, music, tmp_path):
    """Files of the first call are no obstacle for the second one."""
    kaggle.errors = [ConnectionError("the connection was lost")]
    with pytest.raises(CorpusError, match="run the command again"):
        fetch(tmp_path / "gtzan")
    assert contents(fetch(tmp_path / "gtzan")) == contents(music)


def test_download_into_another_folder(kaggle, music, tmp_path, monkeypatch):
    """In notebooks of Colab and Kaggle, kagglehub chooses the folder."""
    download = kaggle.dataset_download
    monkeypatch.setattr(kaggle, "dataset_download", lambda handle, **_: download(handle))
    try:
        folder = fetch(tmp_path / "gtzan")
    except CorpusError as error:
        assert str(kaggle.cache) in str(error)
    else:
        assert contents(folder) == contents(music)


def test_error_for_missing_kagglehub_names_the_alternatives(no_kaggle, tmp_path):
    with pytest.raises(CorpusError, match="python -m pip install kagglehub") as caught:
        fetch(tmp_path / "gtzan")
    message = str(caught.value)
    assert "--archive FILE" in message
    assert message.endswith(".")
    assert "\n" not in message
    assert not (tmp_path / "gtzan").exists()


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (ConnectionError("the line\n is   down."), "(the line is down)"),
        (ValueError(), "(ValueError)"),
        (RuntimeError("403 " + "x" * 1000), "(403 xxx"),
        (OSError(28, "No space left on device"), "No space left on device)"),
    ],
)
def test_error_of_a_failed_download_has_the_reason(kaggle, tmp_path, error, reason):
    kaggle.errors = [error]
    with pytest.raises(CorpusError, match="the download from Kaggle failed") as caught:
        fetch(tmp_path / "gtzan")
    message = str(caught.value)
    assert message.startswith(f"{tmp_path / 'gtzan'}: ")
    assert reason in message
    assert message.endswith("--archive FILE.")
    assert "\n" not in message
    assert len(message) < 500
    assert caught.value.__cause__ is error


def test_an_interrupted_download_is_interrupted(kaggle, tmp_path):
    kaggle.errors = [KeyboardInterrupt()]
    with pytest.raises(KeyboardInterrupt):
        fetch(tmp_path / "gtzan")


def test_folder_with_other_files_is_not_changed(kaggle, tmp_path):
    (tmp_path / "gtzan").mkdir()
    (tmp_path / "gtzan" / "thesis.tex").write_text("text")
    with pytest.raises(CorpusError, match="gtzan: "):
        fetch(tmp_path / "gtzan")
    assert [file.name for file in (tmp_path / "gtzan").iterdir()] == ["thesis.tex"]
    assert (tmp_path / "gtzan" / "thesis.tex").read_text() == "text"


# --- unpacking ----------------------------------------------------------------


def test_archive_needs_no_kagglehub(no_kaggle, archive, music, tmp_path):
    assert fetch(tmp_path / "gtzan", archive=archive) == tmp_path / "gtzan"
    assert contents(tmp_path / "gtzan") == contents(music)
    assert len(open_corpus(tmp_path / "gtzan")) == 4


def test_archive_replaces_the_download(kaggle, archive, music, tmp_path):
    fetch(str(tmp_path / "gtzan"), archive=str(archive))
    assert kaggle.calls == []
    assert contents(tmp_path / "gtzan") == contents(music)


def test_damaged_archive_is_refused(kaggle, tmp_path):
    (tmp_path / "a.zip").write_bytes(b"no archive")
    with pytest.raises(CorpusError, match=r"a\.zip: is neither a zip nor a tar"):
        fetch(tmp_path / "gtzan", archive=tmp_path / "a.zip")
    with pytest.raises(CorpusError, match=r"none\.zip: there is no such file"):
        fetch(tmp_path / "gtzan", archive=tmp_path / "none.zip")
    assert not (tmp_path / "gtzan").exists()
    assert kaggle.calls == []


# --- verifying ----------------------------------------------------------------


@pytest.fixture
def blues_is_known(music, monkeypatch) -> None:
    """Use facts with the checksums of the two tracks of blues."""
    facts = gtzan.facts()
    for number in range(2):
        name = f"blues.{number:05d}"
        facts.loc[name, "wav_sha256"] = sha256_of(
            music / "Data" / "genres_original" / "blues" / f"{name}.wav"
        )
    monkeypatch.setattr(gtzan, "facts", facts.copy)


def test_states_of_all_tracks(blues_is_known, music):
    folder = music / "Data" / "genres_original"
    (folder / "blues" / "blues.00001.wav").rename(folder / "blues" / "blues.00777.wav")
    (folder / "afro").mkdir()
    shutil.copy(folder / "rock" / "rock.00000.wav", folder / "afro" / "song.wav")
    with pytest.warns(GtzanWarning, match="2 of 5 tracks are not GTZAN's"):
        states = verify(music)
    assert states.name == "state"
    assert states.index.name == "track_id"
    assert states.index.is_unique
    assert states.index[:1000].tolist() == gtzan.facts().index.tolist()
    expected = {
        "blues.00000": "same", "rock.00000": "differs", "rock.00001": "differs",
        "blues.00777": "unknown", "afro.song": "unknown",
    }  # fmt: skip
    assert states[states != "missing"].to_dict() == expected
    assert (states == "missing").sum() == 997
    assert len(states) == 1002


def test_one_changed_byte_is_found(blues_is_known, music):
    file = music / "Data" / "genres_original" / "blues" / "blues.00001.wav"
    assert verify(music)["blues.00001"] == "same"
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)
    states = verify(music)
    assert states[["blues.00000", "blues.00001"]].tolist() == ["same", "differs"]


def test_same_samples_in_another_format_differ(blues_is_known, music):
    file = music / "Data" / "genres_original" / "blues" / "blues.00000.wav"
    samples, rate = soundfile.read(file, dtype="int16")
    soundfile.write(file.with_suffix(".flac"), samples, rate, subtype="PCM_16")
    file.unlink()
    assert verify(music)["blues.00000"] == "differs"


def test_verifying_a_corpus_and_its_folder(blues_is_known, music):
    corpus = open_corpus(music)
    pd.testing.assert_series_equal(verify(corpus), verify(str(music)))
    part = verify(corpus.select(genres="rock"))
    assert part.value_counts().to_dict() == {"missing": 998, "differs": 2}


def test_verifying_a_missing_folder(tmp_path):
    with pytest.raises(CorpusError, match="there is no such folder"):
        verify(tmp_path / "none")


def test_other_music_is_unknown(music_folder):
    states = verify(music_folder(genres=["fado"], tracks=3, seconds=0.1))
    assert states.value_counts().to_dict() == {"missing": 1000, "unknown": 3}


# --- the command --------------------------------------------------------------


def gtzan_fetch(*arguments):
    return CliRunner().invoke(cli.app, ["fetch", *map(str, arguments)])


def test_command_prints_the_folder_and_counts(blues_is_known, kaggle, tmp_path):
    result = gtzan_fetch(tmp_path / "gtzan")
    assert result.exit_code == 0, result.output
    assert result.stdout == f"{tmp_path / 'gtzan'}\n"
    counts = sorted(result.stderr.strip().split(", "))
    assert counts == ["2 differs", "2 same", "996 missing"]
    assert kaggle.calls[0][0] == HANDLE


def test_command_takes_an_archive(blues_is_known, no_kaggle, archive, music, tmp_path):
    result = gtzan_fetch(tmp_path / "gtzan", "--archive", archive)
    assert result.exit_code == 0, result.output
    assert result.stdout == f"{tmp_path / 'gtzan'}\n"
    assert "2 same" in result.stderr
    assert contents(tmp_path / "gtzan") == contents(music)


def test_command_fails_with_one_sentence(no_kaggle, tmp_path, monkeypatch, capsys):
    result = gtzan_fetch(tmp_path / "gtzan")
    assert result.exit_code == 1
    assert isinstance(result.exception, CorpusError)
    assert result.stdout == ""
    monkeypatch.setattr(sys, "argv", ["gtzan", "fetch", str(tmp_path / "gtzan")])
    with pytest.raises(SystemExit) as caught:
        cli.main()
    assert caught.value.code == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err == f"error: {result.exception}\n"


def test_archive_without_audio_is_an_error(no_kaggle, tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as opened:
        opened.writestr("readme.txt", "nothing")
    result = gtzan_fetch(tmp_path / "gtzan", "--archive", tmp_path / "a.zip")
    assert isinstance(result.exception, CorpusError)
    assert "holds no genre folders with audio" in str(result.exception)
