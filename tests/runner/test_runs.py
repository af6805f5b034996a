"""Runs: merged parameters, and errors before anything is executed."""

import pytest

from gtzan_lib.data.opening import corpus_state
from gtzan_lib.errors import CorpusError, ParameterError, RunError
from gtzan_lib.runner.runs import RunStep, load_run

from .conftest import PARAMETERS, ROOT, write_notebook


def rewrite(project, text):
    (project / "runs" / "small.yml").write_text(text)


def test_precedence_of_parameters(project):
    rewrite(
        project,
        "defaults: {count: 2, name: default}\n"
        "experiments:\n  01_count: {}\n  own: {notebook: 01_count, count: 3}\n",
    )
    experiments = load_run("small").experiments
    assert experiments["01_count"].parameters == {"count": 2, "name": "default", "run": "small"}
    assert experiments["own"].parameters["count"] == 3
    given = {"count": "4", "own.count": "5"}
    for overrides in (given, dict(reversed(given.items()))):
        experiments = load_run("small", overrides).experiments
        assert experiments["01_count"].parameters["count"] == 4
        assert experiments["own"].parameters["count"] == 5


def test_names_of_executed_notebooks(project):
    rewrite(project, "experiments:\n  01_count: {}\n  three: {notebook: 01_count}\n")
    names = [experiment.name for experiment in load_run("small").experiments.values()]
    assert names == ["01_count", "01_count-three"]


def test_defaults_reach_only_notebooks_that_declare_them(project):
    write_notebook(project / "notebooks" / "03_more.ipynb", parameters=PARAMETERS + "more: int = 0")
    rewrite(project, "defaults: {more: 5}\nexperiments:\n  01_count: {}\n  03_more: {}\n")
    experiments = load_run("small").experiments
    assert "more" not in experiments["01_count"].parameters
    assert experiments["03_more"].parameters["more"] == 5


@pytest.mark.parametrize(
    ("text", "error", "sentence"),
    [
        ("experiments: {01_count: {cuont: 3}}", ParameterError, "did you mean 'count'"),
        ("experiments: {01_count: {count: ten}}", ParameterError, "'count' takes int, got 'ten'"),
        ("experiments: {01_count: {count: true}}", ParameterError, "'count' takes int, got True"),
        ("defaults: {nobody: 1}\nexperiments: {01_count: {}}", ParameterError, "'nobody'"),
        ("defaults: {run: x}\nexperiments: {01_count: {}}", ParameterError, "set by the run"),
        (
            "defaults: {01_count.count: 1}\nexperiments: {01_count: {}}",
            ParameterError,
            "no parameter '01_count.count'",
        ),
        (
            "experiments: {01_count: {name: 2026-01-01}}",
            ParameterError,
            "'name' takes str, got datetime.date",
        ),
        ("experiments: {99_none: {}}", RunError, "has no notebook .*; set its key 'notebook' to"),
        ("experiments: {01_cuont: {}}", RunError, "has no notebook .*; did you mean '01_count'"),
        ("experiments: {x: {notebook: ../y}}", RunError, r"x\.notebook: '\.\./y' cannot be a name"),
        ("experiments: {a/b: {notebook: 01_count}}", RunError, "'a/b' cannot be a name; use"),
        (
            "experiments: {1: {notebook: 01_count}}",
            RunError,
            "the key 1 is no text; put it in",
        ),
        ("experiments: {}", RunError, "names no experiments"),
        ("experiments:\n", RunError, "names no experiments"),
        ("", RunError, "must hold the keys"),
        ("experimnts: {01_count: {}}", RunError, "key 'experimnts' is not known; did you mean"),
        ("compose: {1: 2}\nexperiments: {01_count: {}}", RunError, "compose: the key 1 is no text"),
        ("1: 2", RunError, "key 1 is not known; choose among compose, defaults, experiments"),
        (
            "experiments: 01_count",
            RunError,
            "experiments: must be a mapping, got '01_count'",
        ),
        ("experiments: [01_count]", RunError, "experiments: must be a mapping, got "),
        ("experiments: {01_count: quick}", RunError, "01_count: must be a mapping, got 'quick'"),
        ("experiments: {01_count: {1: 2}}", RunError, "01_count: the key 1 is no text"),
        ("defaults: [a]\nexperiments: {01_count: {}}", RunError, "defaults: must be a mapping"),
        (
            "experiments: {01_count: {after: 02}}",
            RunError,
            "must be a list, got '?0?2'?; write",
        ),
        ("experiments: {01_count: {after: [zz]}}", RunError, "experiment 'zz' is not known"),
        ("experiments: {01_count: {after: [01_count]}}", RunError, "01_count after 01_count"),
        (
            "experiments: {01_count: {after: [b]}, b: {notebook: 01_count, after: [01_count]}}",
            RunError,
            "experiments wait for one another",
        ),
        (
            "experiments: {01_count: {threads: two}}",
            RunError,
            "must be a whole number, got 'two'",
        ),
        ("experiments: {01_count: {threads: 0}}", RunError, "must be greater than or equal to 1"),
        ("experiments: {01_count: {title: 3}}", RunError, "must be text, got 3; write .*'title: "),
        ("experiments: {book: {notebook: 01_count}}", RunError, "has the name of another job"),
        ("compose: {artist: 3}\nexperiments: {01_count: {}}", RunError, "did you mean 'artists'?"),
        ("compose: {artists: x}\nexperiments: {01_count: {}}", RunError, "'artists: 5'"),
        ("compose: 3\nexperiments: {01_count: {}}", RunError, "compose: must be a mapping, got 3"),
        ("a: [", RunError, "not valid YAML near line"),
        ("experiments:\n\t01_count: {}", RunError, "near line 2 .*; indent with blanks"),
        ("experiments:\n  01_count: {}\n  01_count: {}\n", RunError, "line 3 .*is given twice"),
        ("a: &a [*a]", RunError, "by anchors too often"),
        ("a: 2026-13-45", RunError, "holds a value that cannot be read"),
        ("[" * 5000, RunError, "nested too deeply"),
        ("just text", RunError, "must hold the keys"),
        (
            "experiments: {02_corpus: {corpus: '${NOT_SET_ANYWHERE}'}}",
            RunError,
            "needs NOT_SET_ANYWHERE, the folder of the corpus",
        ),
    ],
)
def test_refusals(project, text, error, sentence):
    rewrite(project, text)
    with pytest.raises(error, match=sentence) as caught:
        load_run("small")
    assert "small.yml" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-8"])
def test_encodings_that_name_themselves(project, encoding):
    text = "experiments:\r\n  01_count: {title: Für Elise}\r\n"
    (project / "runs" / "small.yml").write_bytes(text.encode(encoding))
    if encoding == "utf-16-le":
        with pytest.raises(RunError, match=r"small\.yml: holds bytes or signs that are not text"):
            load_run("small")
    else:
        assert load_run("small").experiments["01_count"].title == "Für Elise"


def test_another_encoding_is_refused(project):
    text = "experiments: {01_count: {title: Für Elise}}"
    (project / "runs" / "small.yml").write_bytes(text.encode("latin-1"))
    with pytest.raises(RunError, match=r"not text \(.* at position 33\); save it as UTF-8"):
        load_run("small")


def test_a_thousandth_is_a_number_in_every_notation(project):
    parameters = PARAMETERS + 'rate: "PositiveFloat" = 0.1\nrates: "PositiveFloats" = [0.1]\n'
    write_notebook(project / "notebooks" / "03_more.ipynb", parameters=parameters)
    for number in ("1e-3", "1E-3", "1.0e-3", "0.001", ".1e-2", "10e-4"):
        rewrite(project, f"experiments: {{03_more: {{rate: {number}, rates: [{number}]}}}}")
        given = load_run("small").experiments["03_more"].parameters
        assert (given["rate"], given["rates"]) == (pytest.approx(1e-3), [pytest.approx(1e-3)])
        given = load_run("small", {"rates": f"[{number}]"}).experiments["03_more"].parameters
        assert given["rates"] == [pytest.approx(1e-3)]


def test_a_file_outside_of_a_project_is_refused(project, tmp_path):
    text = (project / "runs" / "small.yml").read_text()
    for folder in (tmp_path, project, tmp_path / "runs"):
        folder.mkdir(exist_ok=True)
        (folder / "mine.yml").write_text(text)
        with pytest.raises(RunError, match="must lie in the folder runs/ of a clone of the projec"):
            load_run(folder / "mine.yml")


def test_two_experiments_of_one_page_are_refused(project):
    write_notebook(project / "notebooks" / "01_count-a.ipynb")
    rewrite(project, "experiments: {a: {notebook: 01_count}, 01_count-a: {}}")
    with pytest.raises(RunError, match="'a' and '01_count-a' are both the page '01_count-a'"):
        load_run("small")


def test_a_notebook_that_is_damaged_is_named(project):
    for text in ("", "{}", "[]", '{"cells": 3, "nbformat": 4, "nbformat_minor": 5}'):
        (project / "notebooks" / "01_count.ipynb").write_text(text)
        with pytest.raises(ParameterError, match=r"01_count\.ipynb: (cannot be read|has 0 cells)"):
            load_run("small")
    write_notebook(project / "notebooks" / "01_count.ipynb", parameters="count: int = (")
    with pytest.raises(ParameterError, match=r"01_count\.ipynb: the parameters cell is not Python"):
        load_run("small")


@pytest.mark.parametrize(
    ("overrides", "error", "sentence"),
    [
        ({"cuont": "3"}, ParameterError, "the command line: there is no parameter 'cuont'"),
        ({"count": "ten"}, ParameterError, "'count' takes int"),
        ({"01_count.count": "ten"}, ParameterError, "experiment '01_count', .*'count' takes int"),
        ({"01_cuont.count": "3"}, RunError, "no experiment '01_cuont'; did you mean '01_count'"),
        ({".count": "3"}, RunError, "no experiment ''; it has 01_count, 02_corpus"),
        ({"x.y.count": "3"}, RunError, "no experiment 'x.y'"),
        (
            {"01_count.cuont": "3"},
            ParameterError,
            "the command line: experiment '01_count': there is no parameter 'cuont'; did you mean",
        ),
        ({"02_corpus.run": "x"}, ParameterError, "parameter 'run' is set by the run itself"),
        # Another experiment has it.
        ({"01_count.corpus": "x"}, ParameterError, "experiment '01_count': there is no parameter"),
    ],
)
def test_refusal_of_the_command_line(project, overrides, error, sentence):
    with pytest.raises(error, match=sentence):
        load_run("small", overrides)


def test_choices_and_ranges_are_checked(project):
    parameters = PARAMETERS + 'protocol: "Protocol" = "artist"\nfolds: "Folds" = 1\n'
    write_notebook(project / "notebooks" / "03_more.ipynb", parameters=parameters)
    for settings, sentence in (("protocol: artst", "mean 'artist'"), ("folds: 2", "of at least 3")):
        rewrite(project, f"experiments:\n  03_more: {{{settings}}}\n")
        with pytest.raises(ParameterError, match=sentence):
            load_run("small")


def test_a_saved_run_is_read_as_it_was(project, monkeypatch, tmp_path):
    monkeypatch.setenv("MUSIC", str(tmp_path))
    rewrite(
        project,
        "compose: {genres: [blues]}\ndefaults: {corpus: '${MUSIC}'}\n"
        "experiments:\n  01_count: {threads: 2}\n"
        "  own: {notebook: 02_corpus, title: Own, after: [01_count]}\n",
    )
    run = load_run("small", {"own.count": "5"})
    saved = run.save()
    assert saved == run.work.path / "run.json"
    monkeypatch.delenv("MUSIC")
    (project / "runs" / "small.yml").unlink()
    assert load_run(saved) == run
    assert run.experiments["own"].corpus == str(tmp_path)
    assert run.experiments["01_count"].corpus is None


def test_a_saved_run_takes_no_parameters(project):
    saved = load_run("small").save()
    with pytest.raises(RunError, match="merged already, so that 'count' cannot be set"):
        load_run(saved, {"count": "3"})


@pytest.mark.parametrize(
    "content",
    [
        *(b"", b"[]", b"{}", b"3", b"\xff", b"[" * 5000, b'{"file": "a", "experiments": [{}]}'),
        b'{"file": "runs/a.yml", "compose": {}, "experiments": {"a": {"id": 3}}}',
    ],
)
def test_a_file_that_is_no_saved_run_is_refused(tmp_path, content):
    path = tmp_path / "run.json"
    path.write_bytes(content)
    with pytest.raises(RunError, match="is not a saved run; 'gtzan run NAME' writes it again"):
        load_run(path)


def test_a_saved_run_whose_notebook_is_gone_is_refused(project):
    saved = load_run("small").save()
    (project / "notebooks" / "01_count.ipynb").unlink()
    with pytest.raises(RunError, match=r"run\.json: the notebook .*01_count\.ipynb no longer exis"):
        load_run(saved)


def test_missing_run_names_the_existing_ones(project):
    with pytest.raises(RunError, match="choose one of small"):
        load_run("smal")


def test_outside_of_a_project_a_clone_is_needed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(RunError, match="go to the root of a clone of the project"):
        load_run("quick")


def test_environment_is_expanded(project, monkeypatch, tmp_path):
    monkeypatch.setenv("MUSIC", str(tmp_path))
    rewrite(project, "experiments: {02_corpus: {corpus: '${MUSIC}'}}")
    run = load_run("small")
    assert run.experiments["02_corpus"].corpus == str(tmp_path)
    with pytest.raises(CorpusError, match="holds no genre folders"):
        run.state_of("02_corpus")


def test_a_relative_corpus_in_the_file_is_relative_to_the_project(
    project, monkeypatch, music_folder
):
    music_folder().rename(project / "music")
    rewrite(project, "defaults: {corpus: music}\nexperiments: {02_corpus: {}}")
    monkeypatch.chdir(project / "book")
    run = load_run(project / "runs/small.yml")
    assert run.experiments["02_corpus"].parameters["corpus"] == "music"
    assert run.state_of("02_corpus") == corpus_state(project / "music")


def test_a_relative_corpus_of_the_caller_is_relative_to_the_current_folder(
    project, monkeypatch, tmp_path
):
    rewrite(project, "defaults: {corpus: '${MUSIC}/rock'}\nexperiments: {02_corpus: {}}")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MUSIC", "music")
    file = project / "runs/small.yml"

    def corpus_with(**overrides):
        return load_run(file, overrides).experiments["02_corpus"].parameters["corpus"]

    assert corpus_with() == str(tmp_path / "music/rock")
    assert corpus_with(corpus="jazz") == str(tmp_path / "jazz")
    assert corpus_with(corpus="synthetic") == "synthetic"


def test_settings_of_the_synthetic_corpus(project):
    assert load_run("small").compose == {
        "artists": 1,
        "tracks": 1,
        "seconds": 3,
        "genres": ["blues", "rock"],
    }
    rewrite(project, "compose: {artists: 0}\nexperiments: {01_count: {}}")
    with pytest.raises(RunError, match=r"small\.yml: compose: artists is 0: give a whole number"):
        load_run("small")


@pytest.mark.parametrize(
    ("name", "more"),
    [("quick", set()), ("gtzan", {"08_cnn-minivgg-10s", "08_cnn-resnet34-3s"})],
)
def test_runs_of_the_project_are_valid(name, more, monkeypatch):
    monkeypatch.setenv("GTZAN_ROOT", "/anywhere")
    run = load_run(ROOT / "runs" / f"{name}.yml")
    names = {experiment.name for experiment in run.experiments.values()}
    assert more <= names
    assert sorted(names - more) == [
        "01_data_health",
        "02_spectrograms",
        "03_features",
        "04_model_exploration",
        "05_pca",
        "06_kmeans",
        "07_rnn",
        "08_cnn-minivgg-3s",
        "08_cnn-pooled-mel",
        "08_cnn-resnet34-features",
        "09_ten_seconds",
        "10_aggregation",
        "11_transfer",
        "12_leakage_audit",
        "13_model_comparison",
        "14_inference",
        "15_live_demo",
        "16_robustness",
        "metrics",
        "template",
    ]


SEED = PARAMETERS + "seed: int = 42\n"


def test_an_experiment_with_seeds_is_one_for_each(project):
    write_notebook(project / "notebooks" / "03_seed.ipynb", parameters=SEED)
    rewrite(
        project,
        "experiments:\n  03_seed: {seeds: [4, 0]}\n  01_count: {after: [03_seed]}\n",
    )
    run = load_run("small")
    assert list(run.experiments) == ["03_seed", "03_seed-seed-0", "01_count"]
    seeds = [run.experiments[name].parameters.get("seed") for name in run.experiments]
    assert seeds == [4, 0, None]
    assert [one.page for one in run.experiments.values()] == [True, False, True]
    assert run.experiments["01_count"].after == ("03_seed", "03_seed-seed-0")
    # The command line takes precedence.
    run = load_run("small", {"03_seed.seed": "9"})
    assert list(run.experiments) == ["03_seed", "01_count"]
    assert run.experiments["03_seed"].parameters["seed"] == 9
    assert run.experiments["01_count"].after == ("03_seed",)


@pytest.mark.parametrize(
    ("text", "error", "sentence"),
    [
        ("experiments: {03_seed: {seeds: [1, 1]}}", RunError, "names a seed twice"),
        ("experiments: {03_seed: {seeds: [-1]}}", RunError, "seeds"),
        ("experiments: {01_count: {seeds: [1, 2]}}", ParameterError, "'seed'"),
        ("steps: {x: 1}\nexperiments: {01_count: {}}", RunError, "steps.x: must be a mapping"),
        ("experiments: {01_count: {after: [x]}}", RunError, "'x' is not known"),
    ],
)
def test_seeds_and_steps_are_checked(project, text, error, sentence):
    write_notebook(project / "notebooks" / "03_seed.ipynb", parameters=SEED)
    rewrite(project, text)
    with pytest.raises(error, match=sentence):
        load_run("small")


def test_steps_are_kept_and_experiments_may_wait_for_them(project):
    rewrite(project, "steps: {x: {k: 2}, y: }\nexperiments: {01_count: {after: [x]}}\n")
    run = load_run("small")
    assert run.steps == {"x": RunStep("x", {"k": 2}), "y": RunStep("y", {})}
    assert load_run(run.save()) == run
    rewrite(
        project,
        "steps: {x: {step: y, seeds: [3, 5]}}\nexperiments: {01_count: {after: [x]}}\n",
    )
    run = load_run("small")
    assert run.steps == {"x": RunStep("y", {"seed": 3}), "x-seed-5": RunStep("y", {"seed": 5})}
    assert run.experiments["01_count"].after == ("x", "x-seed-5")
