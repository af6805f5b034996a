# The run as a graph: corpus -> executed notebooks -> book.
# `gtzan run` calls this with the run that it has saved, all parameters merged; nothing
# here knows a notebook by name.
import json
import shlex
import sys

from gtzan_lib.runner.dependencies import module_files, notebook_files
from gtzan_lib.runner.runs import load_run
from gtzan_lib.runner.site import prose_files

RUN = load_run(config["run"])
BY_NAME = {experiment.name: experiment for experiment in RUN.experiments.values()}
GTZAN = f"{shlex.quote(sys.executable)} -m gtzan_lib"
SAVED = shlex.quote(config["run"])
COMPOSE = shlex.join(RUN.compose_options)


def notebook_inputs(wildcards):
    experiment = BY_NAME[wildcards.name]
    files = [experiment.notebook, *notebook_files(experiment.notebook)]
    files += [f"executed/{RUN.experiments[id].name}.ipynb" for id in experiment.after]
    if experiment.corpus == "synthetic":
        files.append("corpus/corpus.json")
    return files


rule book:
    input:
        expand("executed/{name}.ipynb", name=BY_NAME),
        prose_files(RUN.root),
        # It holds the pages' titles.
        RUN.file,
        # The API pages show every docstring.
        sorted((RUN.root / "gtzan_lib").rglob("*.py")),
    output:
        "site/_build/html/index.html",
    shell:
        "{GTZAN} site {SAVED}"


rule notebook:
    input:
        notebook_inputs,
    output:
        "executed/{name}.ipynb",
    wildcard_constraints:
        name="|".join(BY_NAME),
    params:
        id=lambda wildcards: BY_NAME[wildcards.name].id,
        parameters=lambda wildcards: json.dumps(BY_NAME[wildcards.name].parameters),
        corpus=lambda wildcards: RUN.state_of(BY_NAME[wildcards.name].id),
    threads: lambda wildcards: BY_NAME[wildcards.name].threads
    shell:
        "{GTZAN} execute {SAVED} {params.id}"


rule corpus:
    input:
        module_files(["gtzan_lib.synthetic"]),
    output:
        "corpus/corpus.json",
    params:
        settings=json.dumps(RUN.compose),
    threads: workflow.cores
    shell:
        "{GTZAN} compose corpus {COMPOSE} --replace --jobs {threads}"
