"""The list of askings: rows that are only appended, and hashes of configurations."""

import re
import subprocess
import sys

import numpy as np
import pytest
from scipy.stats import binom
from sklearn.decomposition import PCA
from sklearn.ensemble import RandomForestClassifier
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline

from gtzan_lib.data.loaders.gtzan import facts
from gtzan_lib.data.workspace import Workspace
from gtzan_lib.errors import OutputError, RecordError
from gtzan_lib.evaluation.askings import (
    COLUMNS,
    configuration_hash,
    prepare_list,
    read_askings,
    record_asking,
    seeds_of,
)
from gtzan_lib.stats import wilson_score
from gtzan_lib.training.classifier import NetClassifier

from ..askings import PAGE, PUBLISHED, table_in, table_of

SCORE = wilson_score(np.arange(10) < 7)
WORDS = {"corpus": "gtzan", "configuration": "0123456789abcdef", "description": 'a, "b"'}


def test_first_asking_makes_the_list_and_others_are_appended(tmp_path):
    path = tmp_path / "results" / "test_access.csv"
    record_asking(path, SCORE, **WORDS, seeds="1 2", chosen_by="validation part")
    first = path.read_bytes()
    record_asking(path, SCORE, **WORDS | {"description": "two\nlines"})
    assert path.read_bytes().startswith(first)
    one, other = read_askings(path).itertuples(index=False)
    assert re.fullmatch(r"20\d\d-\d\d-\d\d", one.date)
    assert (one.n, one.score, one.low, one.high) == (10, *np.round(SCORE[:3], 6))
    assert (one.description, one.seeds, one.part) == ('a, "b"', "1 2", "test")
    assert (one.chosen_by, other.chosen_by) == ("validation part", "")
    # A row is a line.
    assert other.description == "two%0Alines"
    assert len(path.read_text().splitlines()) == 3
    assert path.read_text().splitlines()[0] == ",".join(COLUMNS)


def test_processes_that_append_at_once_lose_no_row(tmp_path):
    path = tmp_path / "test_access.csv"
    program = (
        "import sys, numpy as np\n"
        "from gtzan_lib.evaluation.askings import record_asking\n"
        "from gtzan_lib.stats import wilson_score\n"
        "for number in range(5):\n"
        "    record_asking(sys.argv[1], wilson_score(np.ones(3)), corpus='x',\n"
        "                  configuration='', description=f'{sys.argv[2]} {number}')\n"
    )
    running = [subprocess.Popen([sys.executable, "-c", program, str(path), name]) for name in "ab"]
    assert [process.wait(timeout=100) for process in running] == [0, 0]
    written = read_askings(path)["description"].tolist()
    assert sorted(written) == [f"{name} {number}" for name in "ab" for number in range(5)]


@pytest.mark.parametrize(
    "content",
    [
        "",
        "track_id,predicted\nblues.00000,blues\n",
        ",".join(COLUMNS) + "\n2026-01-01,gtzan\n",
        ",".join(COLUMNS) + "\n" + ",,,,,,test,many,0.5,0.4,0.6,\n",
        ",".join(COLUMNS) + "\n" + ",,,,,,test,290,59.7,53.9,65.1,\n",
        b"\xff\xfe\x00",
    ],
    ids=["empty", "another table", "cut off", "no number", "percent", "bytes"],
)
def test_other_files_are_refused_and_kept(tmp_path, content):
    path = tmp_path / "test_access.csv"
    before = content if isinstance(content, bytes) else content.encode()
    path.write_bytes(before)
    uses = [read_askings, prepare_list, lambda path: record_asking(path, SCORE, **WORDS)]
    for use in uses:
        with pytest.raises(RecordError, match=r"test_access\.csv: is not a list of askings"):
            use(path)
    assert path.read_bytes() == before


def test_list_that_cannot_be_written_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    path = tmp_path / "file" / "test_access.csv"
    for use in (prepare_list, lambda path: record_asking(path, SCORE, **WORDS)):
        with pytest.raises(OutputError, match=r"test_access\.csv: cannot be written"):
            use(path)


def test_missing_list_is_refused(tmp_path):
    with pytest.raises(RecordError, match="there is no list of askings"):
        read_askings(tmp_path / "none.csv")


def test_default_is_the_list_of_the_workspace(work):
    assert prepare_list(None) == Workspace("any").test_access == work / "test_access.csv"
    assert not work.exists()


# --- configurations -------------------------------------------------------------


def forest(**changes):
    return {
        "estimator": make_pipeline(PCA(2, random_state=1), RandomForestClassifier(**changes)),
        "X": {"features": np.arange(6.0).reshape(3, 2)},
        "split": "aa8ae565ec57abcc",
    }


def test_seeds_and_speed_do_not_count():
    first = configuration_hash(forest())
    for changes in ({"random_state": 3}, {"n_jobs": 2}, {"verbose": 1}):
        assert configuration_hash(forest(**changes)) == first
    nets = [NetClassifier(), NetClassifier(seed=1, checkpoint="a", device="cpu", progress=False)]
    assert len({configuration_hash({"estimator": net}) for net in nets}) == 1


def test_all_else_counts():
    known = {configuration_hash(forest())}
    others = [forest(max_depth=3), forest() | {"split": "0"}]
    others += [forest() | {"X": {"features": np.zeros((3, 2))}}]
    others += [forest() | {"X": {"features": np.arange(6.0).reshape(2, 3)}}]
    others += [forest() | {"X": {"features": np.arange(6).reshape(3, 2)}}]
    others += [forest() | {"estimator": KNeighborsClassifier()}]
    others += [forest() | {"estimator": make_pipeline(PCA(3), RandomForestClassifier())}]
    others += [{"estimator": NetClassifier(patience=5)}, {"estimator": NetClassifier(epochs=5)}]
    known |= {configuration_hash(other) for other in others}
    assert len(known) == 1 + len(others)


def test_hash_is_equal_in_every_process():
    """Also with a function among the parameters, which has an address."""
    make = (
        "hashed = configuration_hash({'X': np.ones((70, 2), order='F'), "
        "'estimator': KNeighborsClassifier(weights=np.linalg.norm)})"
    )
    imports = (
        "import numpy as np\n"
        "from sklearn.neighbors import KNeighborsClassifier\n"
        "from gtzan_lib.evaluation.askings import configuration_hash\n"
    )
    other = subprocess.run(
        [sys.executable, "-c", f"{imports}{make}\nprint(hashed)"],
        check=True,
        capture_output=True,
        text=True,
    )
    here = {}
    exec(imports + make, here)
    assert re.fullmatch(r"[0-9a-f]{16}", here["hashed"])
    assert other.stdout.strip() == here["hashed"]


def test_seeds_are_those_of_all_steps():
    assert seeds_of(forest(random_state=12)["estimator"]) == "1 12"
    assert seeds_of(KNeighborsClassifier()) == ""
    assert seeds_of(NetClassifier(seed=42)) == "42"


# --- the list of this project ---------------------------------------------------


def test_page_and_list_of_the_project_agree():
    rows = table_of(read_askings(PUBLISHED))
    assert table_in(PAGE.read_text(encoding="utf-8")) == rows, "run: python -m tests.askings"


def test_list_of_the_project_is_of_the_published_test_part():
    askings = read_askings(PUBLISHED)
    assert len(askings) >= 5
    assert set(askings["corpus"]) == {"gtzan"}
    assert set(askings["part"]) == {"test"}
    n_tests = int((facts()["partition"] == "test").sum())
    for row in askings.itertuples():
        assert row.n <= n_tests
        score = wilson_score(np.arange(row.n) < round(row.score * row.n))
        assert (row.score, row.low, row.high) == pytest.approx(score[:3], abs=1e-6)
        assert row.description
        assert row.chosen_by


def test_first_rows_of_the_list_stay():
    """Askings are never taken back."""
    first = read_askings(PUBLISHED)["score"].head(5)
    assert [f"{100 * score:.1f}" for score in first] == ["59.7", "61.7", "65.5", "79.0", "48.3"]


def test_numbers_of_the_page():
    """The best of several equal models on 290 tracks, by the binomial distribution."""
    page = PAGE.read_text(encoding="utf-8")
    correct = np.arange(291)
    for models, words in ((12, "Of twelve, the best has"), (100, "of a hundred,")):
        of_the_best = np.diff(binom.cdf(correct, 290, 0.65) ** models, prepend=0)
        expected = 100 * (of_the_best * correct).sum() / 290
        assert f"{words} {expected:.1f} %" in page


def test_columns_of_the_page():
    section = PAGE.read_text(encoding="utf-8").split("| column | meaning |\n")[1].split("\n\n")[0]
    assert sorted(re.findall(r"`(\w+)`", "".join(
        line.split("|")[1] for line in section.splitlines()
    ))) == sorted(COLUMNS)  # fmt: skip
