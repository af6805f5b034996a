"""Features and health checks that are killed and started again, or computed on a cluster."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import joblib
import pytest

from gtzan_lib.data import audio
from gtzan_lib.data.opening import open_corpus
from gtzan_lib.data.workspace import Workspace
from gtzan_lib.health import inspection
from gtzan_lib.health.check import check_health
from gtzan_lib.signal.features import features

from ..conftest import write_music

pytestmark = pytest.mark.check

CLIPS = 40


def compute_features(music: Path, folder: Path) -> bytes:
    corpus = open_corpus(music, work=Workspace(root=folder))
    return features(corpus, 1.0, jobs=2).save(folder / "result").read_bytes()


def compute_health(music: Path, folder: Path) -> bytes:
    report = check_health(music, work=Workspace(root=folder), jobs=2)
    return report.save(folder / "result").read_bytes()


@pytest.fixture(scope="module")
def music(tmp_path_factory) -> Path:
    """Music that takes long enough to be interrupted."""
    folder = tmp_path_factory.mktemp("music")
    return write_music(folder, tracks=CLIPS // 2, seconds=5.2)


@pytest.fixture(scope="module", params=[compute_features, compute_health])
def undisturbed(request, music, tmp_path_factory):
    """A function, and its result of the music."""
    return request.param, request.param(music, tmp_path_factory.mktemp("undisturbed"))


def results(folder: Path) -> dict[Path, int]:
    """When the results of files were written."""
    return {path: path.stat().st_mtime_ns for path in folder.rglob("output.pkl")}


def test_killed_at_half_computes_the_other_half(undisturbed, music, tmp_path):
    compute, expected = undisturbed
    code = (
        "from pathlib import Path\n"
        f"from {compute.__module__} import {compute.__name__} as compute\n"
        f"compute(Path({str(music)!r}), Path({str(tmp_path)!r}))"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code], cwd=Path(__file__).parents[2], start_new_session=True
    )
    while len(results(tmp_path)) < CLIPS // 2 and process.poll() is None:
        time.sleep(0.001)
    # The processes that it started, too.
    os.killpg(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    before = results(tmp_path)
    assert 0 < len(before) < CLIPS
    assert not (tmp_path / "result").exists()
    assert compute(music, tmp_path) == expected
    after = results(tmp_path)
    assert len(after) == CLIPS
    assert before.items() <= after.items()


def decode_nothing(*arguments, **options):
    raise AssertionError("audio was decoded")


def test_two_processes_of_a_cluster_compute_the_same_bytes(
    undisturbed, music, tmp_path, monkeypatch
):
    distributed = pytest.importorskip("distributed")
    compute, expected = undisturbed
    cluster = distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=":0",
        local_directory=str(tmp_path / "dask"),
    )  # fmt: skip
    # Other processes are not affected by this.
    for module in (audio, inspection):
        monkeypatch.setattr(module, "pieces_of", decode_nothing)
    with cluster, distributed.Client(cluster), joblib.parallel_config(backend="dask"):
        assert compute(music, tmp_path / "work") == expected
