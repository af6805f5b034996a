"""Whatever people type or keep in their folders: a result or one sentence, never a traceback.

`make fuzz` tries fifty times as many examples.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import shutil
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
import soundfile
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gtzan_lib import cli
from gtzan_lib.data.opening import corpus_state, open_corpus
from gtzan_lib.errors import GtzanError, GtzanWarning
from gtzan_lib.health.check import check_health
from gtzan_lib.runner.runs import load_run

from .runner.conftest import write_notebook

fuzzed = settings(
    max_examples=10 * settings.default.max_examples,
    suppress_health_check=list(HealthCheck),
)

PARAMETERS = """\
run: str = "manual"
corpus: str = "synthetic"
epochs: "PositiveInt" = 1
rate: "PositiveFloat" = 0.1
healthy: bool = True
protocols: "Protocols" = ["artist"]
arguments: "NetArguments" = {}
anything: list = []
"""


def require_sentence(error: Exception) -> None:
    text = str(error)
    assert text.strip() and "\n" not in text.strip() and "Traceback" not in text, text


# --- run files ----------------------------------------------------------------

scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=6),
    st.dates(),
    st.binary(max_size=4),
    st.sampled_from(["1e-3", "${HOME}", "${NO_SUCH}", "synthetic", "artist", "a", "2026-13-45"]),
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(scalars, inner, max_size=3),
    max_leaves=6,
)
GOOD = {
    "notebook": "a",
    "title": "A title",
    "threads": 2,
    "after": ["a"],
    "corpus": "synthetic",
    "epochs": 3,
    "rate": 1e-3,
    "healthy": False,
    "protocols": ["artist", "track"],
    "arguments": {"hidden": 3},
    "anything": [1, "x"],
}
SETTINGS = {"artists": 3, "seed": 1, "seconds": 5, "genres": ["blues"], "faults": {"silent": 1}}


def mostly(good: dict, *other_keys: st.SearchStrategy[str]) -> st.SearchStrategy[dict]:
    """Mappings with some of these entries, few of which are replaced."""
    keys = st.one_of(st.sampled_from([*good]), *other_keys)
    wild = st.dictionaries(keys, values, max_size=1)
    some = st.sets(st.sampled_from([*good]), max_size=4).map(
        lambda names: {n: good[n] for n in names}
    )
    return st.builds(lambda entries, other: entries | other, some, st.just({}) | wild)


experiments = st.dictionaries(
    st.sampled_from(["a", "b", "c", "a", "b", "c", "corpus", "a/b", "", "d"]),
    mostly(GOOD, st.text(max_size=3)) | st.none(),
    min_size=1,
    max_size=3,
)
run_file = st.builds(
    lambda parts, wild: parts | wild,
    st.fixed_dictionaries(
        {"experiments": experiments},
        optional={"compose": mostly(SETTINGS), "defaults": mostly(GOOD)},
    ),
    st.one_of(
        *[st.just({})] * 5,
        st.dictionaries(
            st.sampled_from(["compose", "defaults", "experiments", "other"]), values, max_size=1
        ),
    ),
)


@st.composite
def yaml_texts(draw) -> bytes:
    """YAML of runs, some of it damaged, and bytes that are none."""
    if draw(st.integers(0, 9)) == 0:
        return draw(st.binary(max_size=60) | st.text(max_size=60).map(lambda t: t.encode("utf-8")))
    content = draw(run_file)
    flow = draw(st.sampled_from([True, False, None]))
    try:
        text = yaml.dump(content, allow_unicode=True, default_flow_style=flow)
    except yaml.YAMLError:
        text = str(content)
    if draw(st.integers(0, 3)) == 0:
        place = draw(st.integers(0, len(text)))
        text = (
            text[:place]
            + draw(st.sampled_from([*"\t{}[]:#&*!|>'\"%@`,?-~", "<<: ", ""]))
            + text[place + draw(st.integers(0, 3)) :]
        )
    encoding = draw(st.sampled_from([*["utf-8"] * 7, "utf-8-sig", "utf-16", "latin-1"]))
    return text.encode(encoding, "replace")


@pytest.fixture(scope="module")
def run_project(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("project")
    (root / "runs").mkdir()
    for name in "abc":
        write_notebook(root / "notebooks" / f"{name}.ipynb", parameters=PARAMETERS)
    return root


@fuzzed
@given(
    content=yaml_texts(),
    overrides=st.dictionaries(
        st.sampled_from(["epochs", "a.epochs", "b.rate", "x", "a.x", ".", "anything", "run"]),
        st.text(max_size=5) | st.sampled_from(["1e-3", "[1", "{a: 1}", "*a", "3", "!!int ''"]),
        max_size=2,
    ),
)
def test_run_files(run_project, content, overrides):
    file = run_project / "runs" / "fuzz.yml"
    file.write_bytes(content)
    try:
        run = load_run(file, overrides)
    except GtzanError as error:
        require_sentence(error)
        assert not overrides or str(file) in str(error) or "command line" in str(error)
    else:
        assert load_run(run.save()) == run


@fuzzed
@given(data=st.data())
def test_saved_runs(run_project, data):
    """One value of a saved run is replaced, or one of its bytes."""
    file = run_project / "runs" / "whole.yml"
    file.write_text("experiments: {a: {epochs: 2}, b: {after: [a]}}")
    saved = load_run(file).save()
    content = json.loads(saved.read_text())
    target = data.draw(st.sampled_from([content, content["experiments"]["a"]]))
    name = data.draw(st.sampled_from([*target, "new"]))
    target[name] = data.draw(st.just(target.get(name)) | values.filter(_is_json))
    text = bytearray(json.dumps(content).encode())
    if data.draw(st.integers(0, 3)) == 0:
        text[data.draw(st.integers(0, len(text) - 1))] = data.draw(st.integers(0, 255))
    saved.write_bytes(text)
    try:
        load_run(saved)
    except GtzanError as error:
        require_sentence(error)


def _is_json(value: object) -> bool:
    with contextlib.suppress(TypeError, ValueError):
        return bool(json.dumps(value))
    return False


# --- trees of files -----------------------------------------------------------


def sound(ending: str, seconds: float) -> bytes:
    stream = io.BytesIO()
    y = np.random.default_rng(0).uniform(-0.1, 0.1, int(seconds * 8000)).astype(np.float32)
    soundfile.write(stream, y, 8000, format=ending.upper())
    return stream.getvalue()


WHOLE = {
    (ending, seconds): sound(ending, seconds)
    for ending in ("wav", "flac", "ogg", "mp3", "au")
    for seconds in (0.02, 1.2)
}
TABLES = st.sampled_from(
    [
        "track_id,artist\na,b\n",
        "track_id;genre;artist\nblues.00000;blues;Bj\xf8rk\n",
        "\ufefftrack_id,artist\r\nblues.00000.wav,x\r\n",
        "",
        "\n\n",
        "track_id\n",
        "track_id,artist,artist\n1,2,3\n",
        'track_id,"artist\n',
        ",,,,\n,,,,\n",
        "filename,length,label\nblues.00000.wav,3,blues\n",
    ]
)
contents = st.one_of(
    st.sampled_from(sorted(WHOLE)).map(WHOLE.__getitem__),
    st.tuples(st.sampled_from(sorted(WHOLE)), st.integers(0, 400)).map(
        lambda cut: WHOLE[cut[0]][: cut[1]]
    ),
    st.tuples(st.sampled_from(sorted(WHOLE)), st.integers(0, 60), st.integers(0, 255)).map(
        lambda c: WHOLE[c[0]][: c[1]] + bytes([c[2]]) + WHOLE[c[0]][c[1] + 1 :]
    ),
    st.binary(max_size=80),
    st.tuples(TABLES, st.sampled_from(["utf-8", "latin-1", "utf-16"])).map(
        lambda table: table[0].encode(table[1], "replace")
    ),
    st.sampled_from(["folder", "dangling", "loop"]),
)
names = st.one_of(
    st.sampled_from(["blues.00000.wav", "blues.00000 (1).wav", "tracks.csv", "jazz.00054.wav"]),
    st.sampled_from(["features_30_sec.csv", "a.FLAC", "b.ogg", "c.mp3", "d.au", "e.opus", "f.m4a"]),
    st.sampled_from(["$x_{.wav", "new\nline.wav", "Bj\udcf8rk.wav", "a" * 250 + ".wav", ".wav"]),
    st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1).map(
        lambda name: name[:20] + ".wav"
    ),
)
folders = st.sampled_from(
    [
        *("", "blues", "rock", "genres_original/blues", "genres_original", "genres/rock", "a/b/c"),
        *("x.flac", "lost+found", "fma_small/000", "fma_metadata", "Bj\udcf8rk"),
    ]
)


@fuzzed
@given(
    tree=st.lists(st.tuples(folders, names, contents), max_size=6),
    check=st.sampled_from([open_corpus, corpus_state, check_health]),
)
def test_trees_of_files(tmp_path_factory, tree, check):
    root = tmp_path_factory.mktemp("tree")
    for folder, name, content in tree:
        path = root / folder / name
        with contextlib.suppress(FileExistsError, NotADirectoryError, IsADirectoryError):
            path.parent.mkdir(parents=True, exist_ok=True)
            if content == "folder":
                path.mkdir()
            elif content == "dangling":
                path.symlink_to("nowhere")
            elif content == "loop":
                path.symlink_to(root)
            elif not path.is_symlink():
                path.write_bytes(content)
    options = {"jobs": 1, "progress": False} if check is check_health else {}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", GtzanWarning)
            result = check(root, **options)
            if check is open_corpus:
                assert len(result.fingerprint) == 16
    except GtzanError as error:
        require_sentence(error)
    finally:
        shutil.rmtree(root)


# --- command lines ------------------------------------------------------------

# None of them does anything long, records or uses the network.
COMMANDS = {
    "compose": ["--artists=1", "--tracks=1", "--seconds=1", "--genre=blues", "--jobs=1"],
    "features": ["--jobs=1"],
    "health": ["--jobs=1"],
    "spectrograms": ["--size=8", "--jobs=1"],
    "predict": ["--jobs=1"],
    "fetch": ["--archive=junk"],
    "models": [],
    "leaderboard": [],
    "score": [],
    "run": [],
    "execute": [],
    "site": [],
    "corpus": [],
    "listen": ["music/blues/short.wav"],
    "record": ["--devices"],
}
PLACES = [
    *("music", "music/blues/short.wav", "junk", "table.csv", "nowhere", "junk/x", "link", "pipe"),
    *("new", "new.csv", "/dev/full", "/dev/null", "-", "", ".", "bad.npz", "\ud83d"),
]
NUMBERS = [
    *("0", "-1", "1", "2", "0.5", "nan", "inf", "-inf", "1e400", "1e-9", "x", "", "10" * 30),
]
WORDS = ["blues", "x", "", "test", "valid", "official", "gtzan", "wiener", "stft-3s", "mel-3s"]
OPTIONS = {
    **{name: PLACES for name in ("json", "out", "quarantine", "restore", "features", "archive")},
    **{name: [*PLACES, *WORDS] for name in ("model", "against", "split")},
    **{name: NUMBERS for name in ("seed", "artists", "tracks", "seconds", "size", "window")},
    **{name: NUMBERS for name in ("step", "average", "jobs", "cores", "device")},
    **{name: WORDS for name in ("genre", "track", "part", "recipe", "method")},
    "fault": ["silent=1", "silent", "x=1", "silent=-1", "=", "silent=" + "9" * 30],
    "parameter": ["epochs=3", "epochs", "=", "a.b=c", "corpus=nowhere"],
}
FLAGS = ["--json", "--force", "--dry-run", "--png", "--view", "--replace", "--help", "--nonsense"]

words = st.one_of(
    st.sampled_from(PLACES),
    st.sampled_from(["quick", "mine", "a", "gtzan", *NUMBERS]),
    st.sampled_from([f"--{name}={value}" for name in OPTIONS for value in OPTIONS[name]]),
    st.sampled_from(FLAGS),
)


@pytest.fixture(scope="module")
def desk(tmp_path_factory) -> Path:
    """A folder with little music, and things that are none."""
    root = tmp_path_factory.mktemp("desk")
    (root / "music" / "blues").mkdir(parents=True)
    (root / "music" / "blues" / "short.wav").write_bytes(WHOLE["wav", 1.2])
    (root / "music" / "blues" / "broken.wav").write_bytes(b"none")
    (root / "junk").write_bytes(b"\0\xff" * 40)
    (root / "bad.npz").write_bytes(b"PK\3\4")
    (root / "table.csv").write_text("filename,length\nx,1\n")
    (root / "link").symlink_to(root / "junk")
    os.mkfifo(root / "pipe")
    return root


def snapshot(folder: Path) -> dict[str, bytes]:
    """The user's files; what commands make has other names."""
    names = ("junk", "bad.npz", "table.csv", "music/blues/short.wav", "music/blues/broken.wav")
    return {name: (folder / name).read_bytes() for name in names} | {
        "link": bytes((folder / "link").readlink())
    }


@fuzzed
@given(
    command=st.sampled_from(sorted(COMMANDS)),
    arguments=st.lists(words, max_size=4),
)
def test_command_lines(desk, command, arguments):
    before = snapshot(desk)
    streams = [io.TextIOWrapper(io.BytesIO(), encoding="utf-8") for _ in range(2)]
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(desk)
        patch.setenv("MPLBACKEND", "agg")
        patch.setattr(warnings, "showwarning", warnings.showwarning)
        patch.setattr(sys, "argv", ["gtzan", command, *COMMANDS[command], *arguments])
        patch.setattr(sys, "stdout", streams[0])
        patch.setattr(sys, "stderr", streams[1])
        with warnings.catch_warnings():
            warnings.simplefilter("always", GtzanWarning)
            with contextlib.suppress(SystemExit):
                cli.main()
    for stream in streams:
        stream.flush()
        assert b"Traceback" not in stream.buffer.getvalue()
    if "--force" not in arguments and not any("--quarantine" in word for word in arguments):
        assert snapshot(desk) == before
    for made in ("new", "new.csv", "store", "features_3_sec.csv"):
        path = desk / made
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
