"""Runs: merged parameters, and errors before anything is executed."""

import pytest

from gtzan_lib.errors import CorpusError, ParameterError, RunError
from gtzan_lib.runner.runs import load_run, saved_error

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
        ("experiments: {99_none: {}}", RunError, "has no notebook"),
        ("experiments: {}", RunError, "names no experiments"),
        ("experimnts: {01_count: {}}", RunError, "key 'experimnts' is not known"),
        ("experiments: {01_count: {after: [zz]}}", RunError, "experiment 'zz' is not known"),
        ("compose: {artist: 3}\nexperiments: {01_count: {}}", RunError, "'artist' is not known"),
        ("a: [", RunError, "not valid YAML near line"),
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


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"file": "a", "experiments": [{}]}', "3"])
def test_a_file_that_is_no_saved_run_is_refused(tmp_path, text):
    path = tmp_path / "run.json"
    path.write_text(text)
    with pytest.raises(RunError, match="is not a saved run; 'gtzan run NAME' writes it again"):
        load_run(path)


def test_missing_run_names_the_existing_ones(project):
    with pytest.raises(RunError, match="choose one of small"):
        load_run("smal")


def test_environment_is_expanded(project, monkeypatch, tmp_path):
    monkeypatch.setenv("MUSIC", str(tmp_path))
    rewrite(project, "experiments: {02_corpus: {corpus: '${MUSIC}'}}")
    run = load_run("small")
    assert run.experiments["02_corpus"].corpus == str(tmp_path)
    with pytest.raises(CorpusError, match="holds no genre folders"):
        run.state_of("02_corpus")


def test_a_relative_corpus_is_relative_to_the_project(project, monkeypatch, music_folder):
    music_folder().rename(project / "music")
    run = load_run("small", {"corpus": "music"})
    monkeypatch.chdir(run.work.path.parent.parent / "book")
    assert run.state_of("02_corpus") == load_run(
        run.file, {"corpus": str(project / "music")}
    ).state_of("02_corpus")


def test_compose_options(project):
    options = load_run("small").compose_options
    assert options[:2] == ["--artists", "1"]
    assert options[-4:] == ["--genre", "blues", "--genre", "rock"]


@pytest.mark.parametrize("name", ["quick", "gtzan"])
def test_runs_of_the_project_are_valid(name, monkeypatch):
    monkeypatch.setenv("GTZAN_ROOT", "/anywhere")
    run = load_run(ROOT / "runs" / f"{name}.yml")
    assert [e.name for e in run.experiments.values()] == [
        "01_data_health",
        "02_spectrograms",
        "03_features",
        "04_model_exploration",
        "05_pca",
        "06_kmeans",
        "07_rnn",
        "08_cnn-minivgg-3s",
        "08_cnn-minivgg-10s",
        "08_cnn-resnet34-3s",
        "08_cnn-resnet34-features",
        "08_cnn-pooled-mel",
        "09_ten_seconds",
        "10_aggregation",
        "12_leakage_audit",
        "13_model_comparison",
        "14_inference",
        "15_live_demo",
        "16_robustness",
        "template",
    ]


def test_an_error_message_is_saved_and_removed(project):
    run = load_run("small")
    with pytest.raises(RunError), saved_error(run, "job"):
        raise RunError("because.")
    assert (run.work.partial / "job.txt").read_text() == "because.\n"
    with saved_error(run, "job"):
        pass
    assert not (run.work.partial / "job.txt").exists()
