"""A pair of contents is confirmed once, also after an interruption."""

import json
import os
import shutil
from pathlib import Path

import pytest
import soundfile

from gtzan_lib.health import check, confirmation
from gtzan_lib.health.check import check_health
from gtzan_lib.health.confirmation import CachedWaveforms, Confirmation, Waveforms

from .test_confirmation import piece
from .test_duplicates import RATE, clip, music


@pytest.fixture(scope="module")
def house(tmp_path_factory) -> Path:
    """Six pieces of one tempo, of which many are compared, and a copy of one."""
    folder = tmp_path_factory.mktemp("music")
    (folder / "house").mkdir()
    for number, seed in enumerate([*range(6), 4]):
        y = clip(piece(seed), 1.7) if number == 6 else piece(seed)
        soundfile.write(folder / "house" / f"{number}.wav", y, RATE)
    return folder


@pytest.fixture
def folder(house, tmp_path) -> Path:
    """The same files, which a test may change."""
    return shutil.copytree(house, tmp_path / "music")


@pytest.fixture
def read_names(monkeypatch) -> list[str]:
    """Names of the files that were read for a comparison, in order."""
    names, read = [], confirmation._read

    def count(path):
        names.append(Path(path).name)
        return read(path)

    monkeypatch.setattr(confirmation, "_read", count)
    return names


@pytest.fixture
def compared(monkeypatch) -> list[tuple[int, int]]:
    """Pairs whose waveforms were compared, in order."""
    pairs, compare = [], Waveforms.__call__

    def count(self, a, b):
        pairs.append((a, b))
        return compare(self, a, b)

    monkeypatch.setattr(Waveforms, "__call__", count)
    return pairs


def saved(folder: Path, report: Path) -> bytes:
    return check_health(folder, progress=False).save(report).read_bytes()


def results(work: Path) -> list[Path]:
    return sorted((work / ".inspections" / "pairs").glob("*/*.json"))


def test_a_second_check_reads_no_pair_again(folder, read_names, compared, tmp_path, work):
    first = saved(folder, tmp_path / "report.json")
    assert json.loads(first)["duplicates"][0]["b"] == "house.6"
    # Most of the compared pairs are no copies.
    assert len(compared) == len(results(work)) > 5
    assert len(read_names) == 7
    read_names.clear()
    assert saved(folder, tmp_path / "report.json") == first
    assert read_names == []
    shutil.rmtree(work)
    assert saved(folder, tmp_path / "report.json") == first
    assert len(read_names) == 7


def test_only_pairs_of_a_changed_file_are_compared_again(folder, compared, tmp_path):
    saved(folder, tmp_path / "report.json")
    with_copy = [pair for pair in compared if 6 in pair]
    compared.clear()
    soundfile.write(folder / "house" / "6.wav", clip(piece(4), 0.9), RATE)
    changed = saved(folder, tmp_path / "report.json")
    assert (4, 6) in compared
    assert all(6 in pair for pair in compared)
    assert len(compared) <= len(with_copy) + 2
    shutil.rmtree(tmp_path / "work")
    assert saved(folder, tmp_path / "report.json") == changed


def test_names_and_times_do_not_matter(folder, compared, tmp_path):
    first = check_health(folder, progress=False)
    compared.clear()
    moved = (folder / "house").rename(folder / "techno")
    for path in moved.iterdir():
        os.utime(path, ns=(0, 0))
    second = check_health(folder, progress=False)
    assert compared == []
    assert second.duplicates.drop(columns=["a", "b"]).equals(
        first.duplicates.drop(columns=["a", "b"])
    )


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
def test_an_interrupted_search_continues(folder, compared, monkeypatch, tmp_path, work, error):
    undisturbed = saved(folder, tmp_path / "report.json")
    pairs = list(compared)
    shutil.rmtree(work)
    compared.clear()
    compare = Waveforms.__call__

    def stop(self, a, b):
        if len(compared) == 3:
            raise error
        return compare(self, a, b)

    with monkeypatch.context() as patch:
        patch.setattr(Waveforms, "__call__", stop)
        with pytest.raises(error):
            check_health(folder, progress=False)
    assert len(results(work)) == 3
    assert saved(folder, tmp_path / "report.json") == undisturbed
    assert compared == pairs


def test_results_come_back_as_they_were(folder, tmp_path):
    paths = sorted((folder / "house").iterdir())
    plain = Waveforms(paths)
    for _ in range(2):
        cached = CachedWaveforms(paths, [path.name for path in paths], tmp_path / "pairs")
        for pair in ((4, 6), (6, 4), (0, 1)):
            assert cached(*pair) == plain(*pair)
            assert isinstance(cached(*pair), Confirmation)


@pytest.mark.parametrize("content", [b"", b"[0.9", b"[0.9]", b"[1, 2, 3]", b"\xff", b"null", b"7"])
def test_a_damaged_result_is_computed_anew(folder, compared, tmp_path, content):
    paths = [folder / "house" / "4.wav", folder / "house" / "6.wav"]
    cached = CachedWaveforms(paths, ["a", "b"], tmp_path / "pairs")
    agreement = cached(0, 1)
    (stored,) = (tmp_path / "pairs").glob("*/*.json")
    stored.write_bytes(content)
    assert [cached(0, 1), cached(0, 1)] == [agreement] * 2
    assert len(compared) == 2


def test_changed_code_compares_again(folder, compared, monkeypatch, tmp_path):
    paths = [folder / "house" / "4.wav", folder / "house" / "6.wav"]
    CachedWaveforms(paths, ["a", "b"], tmp_path / "pairs")(0, 1)
    monkeypatch.setattr(confirmation, "package_digest", lambda *modules: "0123456789abcdef")
    CachedWaveforms(paths, ["a", "b"], tmp_path / "pairs")(0, 1)
    assert len(compared) == 2


def test_without_a_writable_folder_nothing_is_cached(folder, compared, tmp_path):
    (tmp_path / "file").write_text("text")
    paths = [folder / "house" / "4.wav", folder / "house" / "6.wav"]
    cached = CachedWaveforms(paths, ["a", "b"], tmp_path / "file" / "pairs")
    assert cached(0, 1) == cached(0, 1)
    assert len(compared) == 2
    assert (tmp_path / "file").read_text() == "text"


def test_equal_samples_at_another_rate_are_another_sound(tmp_path, monkeypatch):
    """The digest of floating-point samples does not tell their rate."""
    (tmp_path / "music" / "folk").mkdir(parents=True)
    for rate in (RATE, 2 * RATE):
        path = tmp_path / "music" / "folk" / f"{rate}.wav"
        soundfile.write(path, music(5, seconds=2), rate, subtype="FLOAT")
    seen = []

    def cached(paths, digests, folder):
        seen.extend(digests)
        return CachedWaveforms(paths, digests, folder)

    monkeypatch.setattr(check, "CachedWaveforms", cached)
    report = check.check_health(tmp_path / "music", progress=False)
    assert report.files["sha256"].nunique() == 1
    assert len(set(seen)) == 2
