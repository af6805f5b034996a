"""States of jobs, as a run reads and shows them."""

import dataclasses
import io
import sys

import pytest
from rich.console import Console
from rich.live import Live

from gtzan_lib.errors import CorpusError
from gtzan_lib.runner import jobs
from gtzan_lib.runner.display import Board, LogView, TerminalView, duration, open_view
from gtzan_lib.runner.jobs import (
    BOOK_JOB,
    CORPUS_JOB,
    job,
    job_states,
    planned_jobs,
    priorities,
    write_plan,
)
from gtzan_lib.runner.runs import load_run


@pytest.fixture
def clock(monkeypatch):
    """A clock that the test moves, in seconds."""

    class Clock:
        now = 1000.0

        def time(self):
            return self.now

        monotonic = time

    clock = Clock()
    for module in ("jobs", "display"):
        monkeypatch.setattr(f"gtzan_lib.runner.{module}.time", clock)
    return clock


@pytest.fixture
def run(project):
    return load_run("small")


def done(run, name, clock, seconds):
    with job(run, name):
        clock.now += seconds


def test_a_job_saves_its_state_and_how_long_it_took(run, clock):
    with job(run, "01_count"):
        assert job_states(run) == {"01_count": jobs.JobState("running", 1000.0)}
        clock.now += 12.34
    assert job_states(run) == {"01_count": jobs.JobState("done", 1000.0, seconds=12.3)}


def test_the_duration_before_is_the_estimate_also_after_a_failure(run, clock):
    done(run, "01_count", clock, 12)
    with pytest.raises(CorpusError), job(run, "01_count"):
        clock.now += 2
        raise CorpusError("music: is empty.")
    state = job_states(run)["01_count"]
    assert state == jobs.JobState("failed", 1012.0, 12.0, 2.0, "music: is empty.")
    with pytest.raises(KeyboardInterrupt), job(run, "01_count"):
        raise KeyboardInterrupt
    assert job_states(run)["01_count"].error == ""
    assert job_states(run)["01_count"].last_duration == 12


@pytest.mark.parametrize("content", ["", "{", "[]", '{"state": "done", "older": 1}'])
def test_a_state_of_another_version_or_half_a_file_is_no_state(run, content):
    done_file = run.work.path / "jobs" / "01_count.json"
    done_file.parent.mkdir(parents=True)
    done_file.write_text(content)
    assert job_states(run) == {}
    with job(run, "01_count"):
        pass
    assert job_states(run)["01_count"].state == "done"


def test_a_plan_is_read_in_the_order_of_the_run(run):
    assert planned_jobs(run) == []
    write_plan(run, [BOOK_JOB, "02_corpus", CORPUS_JOB])
    assert planned_jobs(run) == [CORPUS_JOB, "02_corpus", BOOK_JOB]
    jobs.clear_plan(run)
    assert planned_jobs(run) == []


def test_a_board_shows_this_run_only(run, clock):
    done(run, "01_count", clock, 10)
    done(run, "02_corpus", clock, 30)
    board = Board(run, cores=2)
    board.update()
    assert board.lines == []
    write_plan(run, ["01_count", "02_corpus"])
    board.update()
    assert [(line.state, line.estimate) for line in board.lines] == [
        ("waiting", 10),
        ("waiting", 30),
    ]
    assert board.left == 30
    with job(run, "01_count"):
        board.update()
        clock.now += 4
        board.update()
        assert board.lines[0] == ("01_count", "running", 4, 10)
        assert board.left == 30
    with pytest.raises(CorpusError), job(run, "02_corpus"):
        raise CorpusError("music: is empty.")
    board.update()
    assert [line.state for line in board.lines] == ["done", "failed"]
    assert board.finished == 2
    assert board.errors == ["music: is empty."]
    assert Board(run, cores=2).errors == []


def test_the_time_left_is_not_known_before_all_jobs_were_done_once(run, clock):
    done(run, "01_count", clock, 10)
    write_plan(run, ["01_count", "02_corpus", BOOK_JOB])
    board = Board(run, cores=2)
    board.update()
    assert board.left is None
    done(run, "02_corpus", clock, 8)
    done(run, BOOK_JOB, clock, 7)
    board = Board(run, cores=2)
    board.update()
    # 01_count beside 02_corpus, then the book.
    assert board.left == 10 + 7


def test_the_longest_way_to_the_end_goes_first(run, clock):
    def with_experiments(**after):
        first = run.experiments["01_count"]
        experiments = {
            id_: dataclasses.replace(first, id=id_, after=others) for id_, others in after.items()
        }
        return dataclasses.replace(run, experiments=experiments)

    chain = with_experiments(a=(), b=("a",), c=("b",), d=(), e=())
    assert priorities(chain) == {"a": 5, "b": 4, "c": 3, "d": 2, "e": 1}
    for name, seconds in {"a": 5, "b": 20, "c": 10, "d": 32, "e": 50}.items():
        done(chain, name, clock, seconds)
    # Seconds to the end: e 50, a 35, d 32, b 30, c 10.
    assert priorities(chain) == {"e": 5, "a": 4, "d": 3, "b": 2, "c": 1}
    wide = dataclasses.replace(chain.experiments["d"], threads=2)
    both = dataclasses.replace(chain, experiments={**chain.experiments, "d": wide})
    assert priorities(both)["d"] == 6


def test_a_log_has_a_line_when_a_job_starts_and_one_when_it_ends(run, clock, capsys):
    done(run, "01_count", clock, 75)
    write_plan(run, [CORPUS_JOB, "01_count"])
    board, view = Board(run, cores=1), LogView()
    done(run, CORPUS_JOB, clock, 2)
    with job(run, "01_count"):
        for _ in range(3):
            board.update()
            view.show(board)
        clock.now += 80
    board.update()
    view.show(board)
    assert capsys.readouterr().err.splitlines() == [
        "started  compose the corpus",
        "done     compose the corpus (2 s; 1 of 2)",
        "started  01_count (about 1 min 15 s)",
        "done     01_count (1 min 20 s; 2 of 2)",
    ]


@pytest.mark.parametrize("height", [3, 6, 40])
def test_a_terminal_shows_a_line_for_each_job_and_a_bar(run, clock, height):
    done(run, "02_corpus", clock, 75)
    write_plan(run, [CORPUS_JOB, "01_count", "02_corpus", BOOK_JOB])
    board = Board(run, cores=2)
    screen = io.StringIO()
    console = Console(file=screen, force_terminal=True, width=80, height=height, color_system=None)
    with Live(console=console, auto_refresh=False, transient=True) as live:
        view = TerminalView(live)
        view.show(board)
        assert "looking for what has changed" in screen.getvalue()
        done(run, CORPUS_JOB, clock, 2)
        with job(run, "02_corpus"):
            board.update()
            clock.now += 5
            board.update()
            screen.truncate(0)
            view.show(board)
    lines = screen.getvalue()
    assert "done     compose the corpus           2 s" in lines
    assert "running  02_corpus                    5 s  about 1 min 15 s" in lines
    assert ("waiting  01_count" in lines) == (height > 5)
    assert ("and 2 more" in lines) == (height == 3)
    assert "1 of 4" in lines


def test_what_is_no_terminal_is_a_log(monkeypatch):
    with open_view() as view:
        assert isinstance(view, LogView)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    with open_view() as view:
        assert isinstance(view, TerminalView)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.4, "0 s"), (59.4, "59 s"), (59.6, "1 min 00 s"), (425, "7 min 05 s"), (4800, "1 h 20 min")],
)
def test_duration(seconds, text):
    assert duration(seconds) == text
