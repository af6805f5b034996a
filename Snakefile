# The run as a graph: corpus -> executed notebooks -> book.
# `gtzan run` calls this in the run's workspace, where it has saved the run with all
# parameters merged; nothing here knows a notebook by name.
import json
import os
import shlex
import subprocess
import sys

from gtzan_lib.runner.dependencies import files_state, module_files, notebook_files
from gtzan_lib.runner.jobs import priorities, write_plan
from gtzan_lib.runner.run_files import BOOK_JOB, CORPUS_JOB
from gtzan_lib.runner.runs import load_run
from gtzan_lib.runner.site import prose_files, published_pages, published_results

RUN = load_run("run.json")
PRIORITIES = priorities(RUN)
BY_NAME = {experiment.name: experiment for experiment in RUN.experiments.values()}
JOBS = {"book": BOOK_JOB, "corpus": CORPUS_JOB}
# Snakemake uses the shell of the system.
PYTHON = shlex.quote(sys.executable) if os.name == "posix" else f'"{sys.executable}"'
GTZAN = f"{PYTHON} -m gtzan_lib"


def name_of(job):
    return JOBS.get(job.rule.name) or BY_NAME[job.wildcards.name].id


onstart:
    write_plan(RUN, map(name_of, workflow.dag.needrun_jobs()))


def book_sources(wildcards):
    # The API pages show every docstring, and the run's file has the pages' titles.
    code = (RUN.root / "gtzan_lib").rglob("*.py")
    published = published_pages(RUN.root)
    files = [*prose_files(RUN.root), RUN.file, *code, *published, *published.values()]
    return files_state([*files, *published_results(RUN.root)], RUN.root)


def notebook_sources(wildcards):
    notebook = BY_NAME[wildcards.name].notebook
    return files_state([notebook, *notebook_files(notebook)], RUN.root)


def notebook_inputs(wildcards):
    experiment = BY_NAME[wildcards.name]
    files = [f"executed/{RUN.experiments[id].name}.ipynb" for id in experiment.after]
    return [*files, "corpus/corpus.json"] if experiment.corpus == "synthetic" else files


rule book:
    input:
        expand("executed/{name}.ipynb", name=BY_NAME),
    output:
        "site/_build/html/index.html",
    params:
        sources=book_sources,
    shell:
        "{GTZAN} site run.json"


rule notebook:
    input:
        notebook_inputs,
    output:
        "executed/{name}.ipynb",
    wildcard_constraints:
        name="|".join(BY_NAME),
    params:
        sources=notebook_sources,
        id=lambda wildcards: BY_NAME[wildcards.name].id,
        parameters=lambda wildcards: json.dumps(BY_NAME[wildcards.name].parameters),
        corpus=lambda wildcards: RUN.state_of(BY_NAME[wildcards.name].id),
    threads: lambda wildcards: BY_NAME[wildcards.name].threads
    priority: lambda wildcards: PRIORITIES[BY_NAME[wildcards.name].id]
    shell:
        "{GTZAN} execute run.json {params.id:q}"


rule corpus:
    output:
        "corpus/corpus.json",
    params:
        sources=files_state(module_files(["gtzan_lib.synthetic"]), RUN.root),
        settings=json.dumps(RUN.compose),
    threads: workflow.cores
    shell:
        "{GTZAN} corpus run.json --jobs {threads}"
