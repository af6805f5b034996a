"""The command `gtzan`."""

from __future__ import annotations

import os
import sys
import warnings
from contextlib import suppress
from importlib.metadata import version as version_of
from io import TextIOWrapper
from json import dumps
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from .errors import GtzanError, GtzanWarning, HealthError, OutputError
from .outputs import STANDARD_OUTPUT, output_file, reason_and_advice

__all__ = ["app", "main"]

app = typer.Typer(
    help="Music-genre classification with GTZAN: the compendium's command line.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

# As in `gtzan_lib.inference.zoo`, which loads PyTorch.
DEFAULT_MODEL = "gtzan-musicnn"
_SHIPPED = Path(__file__).parent / "inference" / "zoo_models"
SHIPPED_RECORDS = [_SHIPPED / name / f"{name}.json" for name in (DEFAULT_MODEL, "gtzan-scratch")]

# What is added to answers that are not to be relied on.
UNFAMILIAR = "unlike anything the model was trained on"
UNSURE = "unsure"

RunFile = Annotated[
    str, typer.Argument(metavar="RUN", help="A name in runs/, a YAML file, or a saved run.json.")
]
Overrides = Annotated[
    list[str] | None,
    typer.Option(
        "--parameter",
        "-p",
        metavar="[EXPERIMENT.]NAME=VALUE",
        help="Set a parameter of all experiments, or of one; repeatable.",
    ),
]
CORES = os.cpu_count() or 1
# A thousand processes take all memory of a machine.
Processes = Annotated[int, typer.Option(help="Number of processes.", min=1, max=256)]
Threads = Annotated[int, typer.Option(help="Number of threads.", min=1, max=256)]
Force = Annotated[bool, typer.Option("--force", help="Replace files that exist.")]


def _show_version(wanted: bool) -> None:
    if wanted:
        print(version_of("gtzan-lib"))
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool,
        typer.Option(
            "--version", help="Show the version and exit.", callback=_show_version, is_eager=True
        ),
    ] = False,
) -> None:
    """Take the options that go without a command."""


@app.command()
def compose(
    folder: Annotated[Path, typer.Argument(help="Folder for the corpus; created if missing.")],
    seed: Annotated[int, typer.Option(help="Seed of all random choices.")] = 0,
    artists: Annotated[int, typer.Option(help="Number of artists per genre.")] = 5,
    tracks: Annotated[int, typer.Option(help="Number of tracks per artist.")] = 2,
    seconds: Annotated[float, typer.Option(help="Length of a track in seconds.")] = 30.0,
    genre: Annotated[
        list[str] | None, typer.Option(help="A genre; repeatable. Default: all.")
    ] = None,
    fault: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=COUNT", help="Plant faults of one kind; repeatable."),
    ] = None,
    jobs: Processes = CORES,
    replace: Annotated[bool, typer.Option(help="Replace a corpus with other settings.")] = False,
) -> None:
    """Compose a synthetic corpus in GTZAN's format."""
    from . import synthetic
    from .genres import GENRES

    faults = {name: _number(text, name) for name, text in _pairs(fault).items()}
    done = synthetic.compose(
        folder,
        seed=seed,
        artists=artists,
        tracks=tracks,
        seconds=seconds,
        genres=tuple(genre) if genre else GENRES,
        faults=faults or None,
        jobs=jobs,
        replace=replace,
    )
    print(done)


@app.command()
def fetch(
    folder: Annotated[Path, typer.Argument(help="Folder for GTZAN; must be new or empty.")],
    archive: Annotated[
        Path | None, typer.Option(help="Unpack this zip or tar file instead of downloading.")
    ] = None,
) -> None:
    """Get GTZAN from Kaggle or from an archive, and verify its checksums."""
    from .data.fetch import fetch as get
    from .data.fetch import verify

    done = get(folder, archive=archive)
    counts = verify(done).value_counts()
    print(", ".join(f"{count} {state}" for state, count in counts.items()), file=sys.stderr)
    print(done)


@app.command()
def health(
    path: Annotated[Path, typer.Argument(help="A folder of genre folders, or log-mels (.npz).")],
    json: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write the report there; - for standard output."),
    ] = None,
    quarantine: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Move excluded files there.")
    ] = None,
    restore: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Move the files in there back.")
    ] = None,
    dry_run: Annotated[bool, typer.Option(help="Only show what would be moved.")] = False,
    features: Annotated[
        Path | None, typer.Option(metavar="CSV", help="Also check a table of features.")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="CSV",
            help="Write the rows that are not excluded there; - for standard output.",
        ),
    ] = None,
    force: Force = False,
    jobs: Threads = CORES,
) -> None:
    """Find faults and duplicates; exit code 1 if there are errors or duplicates."""
    from contextlib import ExitStack

    from .health import terminal
    from .health.check import check_health
    from .health.quarantine import quarantine as move_out
    from .health.quarantine import restore as move_back

    if restore is not None:
        if quarantine or features or out or json:
            raise HealthError("--restore goes with --dry-run alone; leave the other options out.")
        terminal.show_moves(move_back(restore, path, dry_run=dry_run), dry_run=dry_run)
        return
    if out is not None and features is None:
        raise HealthError("--out writes the cleaned table; name the table with --features CSV.")
    if json is not None and json == out:
        raise HealthError(f"{json}: cannot be both --json and --out; name two files.")
    with ExitStack() as outputs:
        if json is not None:
            json = outputs.enter_context(output_file(json, force=force))
        if out is not None:
            out = outputs.enter_context(output_file(out, force=force))
        report = check_health(path, jobs=jobs)
        terminal.show_report(report)
        if json is not None:
            report.save(json)
        if features is not None:
            rows = terminal.clean_features(features, out, report, quarantine, replace=force)
            terminal.show_rows(rows)
        if quarantine is not None:
            files = terminal.excluded_files(report)
            moves = move_out(report.source, files, quarantine, dry_run=dry_run)
            terminal.show_moves(moves, dry_run=dry_run)
    if not report.is_clean:
        raise typer.Exit(1)


@app.command()
def spectrograms(
    path: Annotated[
        str, typer.Argument(help="A folder of genre folders, log-mels or `synthetic`.")
    ],
    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder of the store.")],
    recipe: Annotated[str, typer.Option(help="How windows become images.")] = "stft-3s",
    size: Annotated[
        int | None, typer.Option(help="Height and width in pixels. Default: full.")
    ] = None,
    seconds: Annotated[
        float | None, typer.Option(help="Length of a window. Default: the recipe's.")
    ] = None,
    genre: Annotated[
        list[str] | None, typer.Option(help="A genre; repeatable. Default: all.")
    ] = None,
    track: Annotated[
        list[str] | None, typer.Option(help="A track; repeatable. Default: all.")
    ] = None,
    png: Annotated[
        bool, typer.Option("--png", help="Write DIR/png, one image per window.")
    ] = False,
    view: Annotated[
        bool, typer.Option("--view", help="Write DIR/view, one figure per track.")
    ] = False,
    jobs: Threads = CORES,
) -> None:
    """Make the spectrograms of a corpus; an interrupted command resumes."""
    from .data.opening import open_corpus
    from .signal.recipes import Recipe
    from .signal.store import SpectrogramStore

    chosen = Recipe.preset(recipe, size=size, seconds=seconds)
    corpus = open_corpus(path).select(genres=genre or None, tracks=track or None)
    store = SpectrogramStore.build(corpus, chosen, path=out, jobs=jobs)
    if png:
        store.export_png(out / "png")
    if view:
        from .plots.spectrograms import export_views

        export_views(store, out / "view")
    print(out)


@app.command()
def features(
    path: Annotated[
        str, typer.Argument(help="A folder of genre folders, a file of log-mels, or `synthetic`.")
    ],
    window: Annotated[
        float, typer.Option(help="Seconds per row; 30 for whole clips, as Kaggle's table.")
    ] = 3.0,
    family: Annotated[
        str,
        typer.Option(
            help="`kaggle`: the 57 features of Kaggle's tables. `logmel-statistics`: 4608 of "
            "log-mel spectrograms."
        ),
    ] = "kaggle",
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="The new table, CSV or .npz; - for CSV on standard output. Default: "
            "features_3_sec.csv, or logmel-statistics_3_sec.npz.",
        ),
    ] = None,
    force: Force = False,
    jobs: Processes = CORES,
    reference: Annotated[
        bool, typer.Option(help="Call librosa's own functions, for comparison.")
    ] = False,
) -> None:
    """Compute features in the schema of Kaggle's tables; an interrupted command resumes.

    Exit code 1 if a track or a window has no row.
    """
    from .data.corpus import ImageCorpus
    from .data.opening import open_corpus
    from .signal.features import feature_grid
    from .signal.features import features as compute

    grid = feature_grid(window, tail="drop", family=family)
    name = "features_{:g}_sec.csv" if family == "kaggle" else f"{family}_{{:g}}_sec.npz"
    out = out or Path(name.format(window))
    with output_file(out, force=force) as file:
        corpus = open_corpus(path)
        if not isinstance(corpus, ImageCorpus):
            corpus.require_audio()
        table = compute(corpus, family=family, grid=grid, reference=reference, jobs=jobs)
        table.save(file)
    if out != STANDARD_OUTPUT:
        print(out)
    if len(table.left_out):
        raise typer.Exit(1)


@app.command()
def predict(
    paths: Annotated[
        list[Path],
        typer.Argument(metavar="FILE...", help="Audio files, or folders of audio files."),
    ],
    model: Annotated[
        str, typer.Option(help="A name from `gtzan models`, or a folder.")
    ] = DEFAULT_MODEL,
    step: Annotated[
        float | None, typer.Option(help="Seconds between windows. Default: the model's.")
    ] = None,
    top: Annotated[int, typer.Option(help="Number of genres to show, best first.", min=1)] = 3,
    min_confidence: Annotated[
        float,
        typer.Option(help="Say 'unsure' if no genre is as probable.", min=0, max=1),
    ] = 0.0,
    json: Annotated[
        bool, typer.Option("--json", help="Print the complete predictions as JSON.")
    ] = False,
    jobs: Threads = CORES,
) -> None:
    """Predict the genre of files; exit code 1 if a file cannot be used, after all others.

    Sound that is unlike anything that the model was trained on is marked.
    """
    from itertools import chain

    from .files import printable
    from .inference.zoo import load_model
    from .progress import progress_bar

    loaded = load_model(model)
    files: list[Path] = []
    empty: list[tuple[Path, GtzanError]] = []
    for path in paths:
        try:
            files += _sound_files(path)
        except GtzanError as error:
            empty.append((path, error))
    predictions = loaded.predict_files(files, step=step, jobs=jobs)
    shown = progress_bar(predictions, "files", len(files), show=json)
    results: list[dict[str, Any]] = []
    failed = False
    for file, prediction in chain(empty, zip(files, shown, strict=True)):
        name = printable(str(file))
        if isinstance(prediction, GtzanError):
            failed = True
            results.append({"file": name, "error": str(prediction)})
            print(f"error: {prediction}", file=sys.stderr)
            continue
        unsure = prediction.confidence < min_confidence
        results.append({"file": name, "unsure": unsure, **prediction.as_dict()})
        if not json:
            columns = [f"{genre} {100 * share:3.0f} %" for genre, share in prediction.top(top)]
            line = "  ".join([*(f"{column:<16}" for column in columns), name])
            caveats = [UNSURE] * unsure + [UNFAMILIAR] * bool(prediction.unfamiliar)
            print(f"{line}  ({'; '.join(caveats)})" if caveats else line)
    if json:
        _print_json(results)
    if failed:
        raise typer.Exit(1)


def _sound_files(path: Path) -> list[Path]:
    """Return the files that a path names: itself, or those in a folder."""
    if not os.path.isdir(path):  # noqa: PTH112  (a path without permission is none)
        return [path]
    # It loads pandas, which predictions do not need.
    from .data.loaders.search import sound_files

    return sound_files(path)


@app.command()
def train(
    path: Annotated[str, typer.Argument(help="A folder of genre folders.")],
    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder of the model.")],
    force: Force = False,
    jobs: Threads = CORES,
) -> None:
    """Train a model for your own genres; an interrupted command resumes."""
    from .inference.transfer import train_model
    from .inference.zoo import CARD

    if (out / CARD).exists() and not force:
        raise OutputError(f"{out}: holds a model; name another folder, or add --force.")
    for line in train_model(path, out, jobs=jobs).expected_accuracy:
        print(line)
    print(out)


@app.command()
def listen(
    file: Annotated[
        Path | None, typer.Argument(help="A file to stream. Default: the microphone.")
    ] = None,
    model: Annotated[
        str, typer.Option(help="A name from `gtzan models`, or a folder.")
    ] = DEFAULT_MODEL,
    device: Annotated[
        str | None, typer.Option(help="Number or name of an input. Default: the system's.")
    ] = None,
    step: Annotated[float, typer.Option(help="Seconds between predictions.")] = 1.0,
    average: Annotated[int, typer.Option(help="Windows in the moving average.", min=1)] = 5,
    seconds: Annotated[
        float | None, typer.Option(help="Length of the recording. Default: until Ctrl-C.")
    ] = None,
) -> None:
    """Predict the genre of music while it plays, second by second."""
    from contextlib import AbstractContextManager, nullcontext

    from .inference.zoo import load_model
    from .live import streaming
    from .live.microphone import Microphone

    loaded = load_model(model)
    context: AbstractContextManager[Path | Microphone]
    if file is not None:
        context = nullcontext(file)
    else:
        context = Microphone(_input(device), seconds=seconds, block_s=streaming.BLOCK_S)
    prediction = None
    with context as source:
        for prediction in streaming.listen(source, loaded, step=step, average=average, pace=True):
            print(
                f"{prediction.end_s:7.1f} s  {prediction.genre:<12}"
                f"{100 * prediction.probability:3.0f} %  ({1000 * prediction.latency_s:.0f} ms)"
                f"{f'  {UNFAMILIAR}' if prediction.unfamiliar else ''}",
                flush=True,
            )
    if prediction is None:
        raise GtzanError(
            f"{file or 'the microphone'}: has no window of {loaded.grid.seconds:.3g} s that is not "
            "silent; use more sound."
        )


@app.command()
def models(
    name: Annotated[
        str | None, typer.Argument(help="Show the card of this model. Default: list all.")
    ] = None,
) -> None:
    """Compare the available models: their accuracy, with 95 % intervals."""
    from .inference.zoo import load_model
    from .inference.zoo import models as available

    if name is not None:
        _print_json(load_model(name).card, indent=2)
        return
    rows = [("model", "genres", "accuracy by clip", "accuracy by window", "of what")]
    for model_name, folder in available().items():
        try:
            card = load_model(folder).card
        except GtzanError as error:
            print(f"error: {error}", file=sys.stderr)
            continue
        scores = [
            f"{score['value']:.1%} ({score['low']:.1%} to {score['high']:.1%}), "
            f"n = {score['n']}, {score['input_s']:.3g} s"
            for score in card.get("accuracy", [])
        ]
        scored = [card.get("corpus"), f"protocol {card.get('protocol')}", card.get("part")]
        of_what = ", ".join(filter(None, scored)) if scores else ""
        label = f"{model_name} (default)" if model_name == DEFAULT_MODEL else model_name
        by_clip, by_window = [*scores, "unknown", "unknown"][:2]
        rows.append((label, str(len(card["genres"])), by_clip, by_window, of_what))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True))
        print("  ".join(cells).rstrip())


@app.command()
def leaderboard(
    folder: Annotated[
        Path | None, typer.Argument(help="Folder records/ of a run. Default: the quick run's.")
    ] = None,
) -> None:
    """Compare the records of a run."""
    from .data.workspace import Workspace
    from .evaluation.records import leaderboard as read
    from .evaluation.terminal import show_leaderboard

    show_leaderboard(read(folder or Workspace("quick").records))


@app.command()
def score(
    predictions: Annotated[
        Path,
        typer.Argument(metavar="CSV", help="Track, then a probability per genre or one answer."),
    ],
    split: Annotated[
        str, typer.Option(help="`official` or `artist` for GTZAN's, or a saved split.")
    ] = "official",
    part: Annotated[
        str | None,
        typer.Option(
            help="`valid` or `test`. Default: `valid` of an official split, `test` of others. An "
            "official test part that is scored is noted in test_access.csv in the workspace."
        ),
    ] = None,
    chosen_by: Annotated[
        str, typer.Option(help="What the model was chosen by, for that list.")
    ] = "",
    against: Annotated[
        list[Path] | None,
        typer.Option(
            help="Records to compare with; repeatable. Default: those of the package's models."
        ),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print all scores as JSON.")] = False,
) -> None:
    """Score anyone's predictions: interval, table by genre, paired tests, leaderboard."""
    from .evaluation.scoring import score_predictions
    from .evaluation.terminal import show_scores

    records = SHIPPED_RECORDS if against is None else against
    scored = score_predictions(predictions, split, part=part, against=records, chosen_by=chosen_by)
    if json:
        _print_json(scored.as_dict())
    else:
        show_scores(scored)


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def run(
    context: typer.Context,
    run: RunFile = "quick",
    parameter: Overrides = None,
    cores: Annotated[int | None, typer.Option(help="Number of cores. Default: all.")] = None,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Show Snakemake's own report.")
    ] = False,
) -> None:
    """Execute what changed and build the book; arguments after -- are passed to Snakemake."""
    from .runner.launch import launch

    pairs, arguments = _pairs(parameter), context.args
    print(launch(run, overrides=pairs, cores=cores, verbose=verbose, snakemake=arguments))


@app.command()
def publish(
    source: Annotated[
        str | None,
        typer.Argument(metavar="GTZAN_ROOT", help="A copy of GTZAN. Default: make pages only."),
    ] = None,
    run: Annotated[
        str, typer.Option(help="A file in runs/ with steps, or its name.")
    ] = "published",
    results: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Folder of the results. Default: results/gtzan."),
    ] = None,
    again: Annotated[
        list[str] | None, typer.Option(metavar="STEP", help="A step to do again; repeatable.")
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Only name the pages and steps that are out of date.")
    ] = False,
    jobs: Processes = CORES,
) -> None:
    """Measure on GTZAN what is not measured yet, and make the pages that show it."""
    from .published.publish import publish as make
    from .published.publish import stale

    if check:
        for name, reasons in stale(run, results=results).items():
            print(f"{name}: {' and '.join(reasons)} changed")
        return
    for page in make(source, file=run, results=results, again=again or (), jobs=jobs):
        print(page)


@app.command()
def corpus(
    run: RunFile = "quick",
    jobs: Processes = CORES,
) -> None:
    """Compose the synthetic corpus of a run."""
    from .runner.compose import compose_corpus
    from .runner.runs import load_run

    print(compose_corpus(load_run(run), jobs=jobs))


@app.command()
def execute(
    run: RunFile,
    experiment: Annotated[str, typer.Argument(help="One of the run's experiments.")],
    parameter: Overrides = None,
) -> None:
    """Execute one experiment of a run, even if nothing changed."""
    from .runner.execute import execute as execute_one
    from .runner.runs import load_run

    chosen = load_run(run, _pairs(parameter))
    if experiment not in chosen.experiments:
        raise GtzanError(
            f"{chosen.file}: has no experiment {experiment!r}; it has "
            f"{', '.join(chosen.experiments)}."
        )
    print(execute_one(chosen, experiment))


@app.command()
def record(
    seconds: Annotated[float, typer.Option(help="Length of the music in seconds.")] = 10.0,
    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder for takes.")] = Path("takes"),
    predict: Annotated[bool, typer.Option("--predict", help="Predict the genre.")] = False,
    model: Annotated[
        str | None,
        typer.Option(help="A name from `gtzan models`, or a folder. Default: gtzan-musicnn."),
    ] = None,
    device: Annotated[
        str | None, typer.Option(help="Number, name or part of a name. Default: the system's.")
    ] = None,
    lead: Annotated[float, typer.Option(help="Seconds of noise alone before the music.")] = 1.0,
    countdown: Annotated[int, typer.Option(help="Length of the countdown in seconds.", min=0)] = 3,
    noise: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Noise alone. Default: the lead.")
    ] = None,
    method: Annotated[str, typer.Option(help="Method of denoising.")] = "wiener",
    devices: Annotated[bool, typer.Option("--devices", help="List the input devices.")] = False,
) -> None:
    """Record from the microphone and save the take; its folder is printed last.

    Exit code 1 if the genre is to be predicted and cannot be.
    """
    from .data import audio
    from .live import microphone
    from .live.takes import require_denoising_method, require_disk_space, save_take

    if devices:
        for d in microphone.devices():
            print(f"{d.number}: {d.name} ({d.channels} channels, {d.sample_rate} Hz)")
        return
    # Arguments are checked before the recording starts.
    require_denoising_method(method)
    require_disk_space(out, lead + seconds)
    loaded = None
    if predict or model:
        from .inference.zoo import load_model

        loaded = load_model(model or DEFAULT_MODEL)
    profile, rate = audio.load(noise) if noise else (None, 0)
    recording = microphone.record(
        seconds,
        lead_s=lead,
        countdown_s=countdown,
        device=_input(device),
    )
    if profile is not None and rate != recording.sample_rate:
        profile = audio.resample(profile, rate, recording.sample_rate)
    take = save_take(out, recording, model=loaded, noise=profile, method=method)
    if predict and take.prediction:
        genre = take.prediction["genre"]
        caveat = f"  ({UNFAMILIAR})" if take.prediction.get("unfamiliar") else ""
        print(f"{genre} {100 * take.prediction['probabilities'][genre]:.0f} %{caveat}")
    print(take.folder)
    if predict and not take.prediction:
        raise typer.Exit(1)


@app.command()
def site(run: RunFile = "quick", parameter: Overrides = None) -> None:
    """Build the book from a run's executed notebooks, executing nothing."""
    from .runner.runs import load_run
    from .runner.site import build_site

    print(build_site(load_run(run, _pairs(parameter))))


def main() -> None:
    """Run the command line; bad input ends it with one sentence and exit code 1."""
    warnings.showwarning = _show
    # Figures are written to files; what is set for windows may not be there.
    os.environ["MPLBACKEND"] = "agg"
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            # Names of files need not be text of the terminal's encoding.
            stream.reconfigure(errors="backslashreplace")
    try:
        try:
            _refuse_copied_environment()
            app()
        finally:
            sys.stdout.flush()
    except GtzanError as error:
        _fail(str(error))
    except OSError as error:
        # A full disk or a folder that cannot be written, at any place.
        _fail(reason_and_advice(error))
    except MemoryError as error:
        _fail(f"memory ran out ({error}); use shorter windows, a smaller size or fewer jobs.")


def _fail(sentence: str) -> NoReturn:
    print(f"error: {sentence}", file=sys.stderr)
    with suppress(OSError):
        sys.stdout.flush()
        sys.exit(1)
    # Standard output cannot be written, and Python would say so again at its end.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(1)


def _show(message: Warning | str, category: type[Warning], *args: Any, **kwargs: Any) -> None:
    """Print a warning of this package as one sentence; ignore others."""
    if issubclass(category, GtzanWarning):
        print(f"warning: {message}", file=sys.stderr)


def _refuse_copied_environment() -> None:
    """Refuse the command of an environment that was copied with its checkout.

    Its first line still names the interpreter of the first checkout, and so its code.
    """
    environment = Path(sys.argv[0]).absolute().parent.parent
    copied = (environment / "pyvenv.cfg").is_file() and not environment.samefile(sys.prefix)
    if copied:
        raise GtzanError(
            f"{environment}: was copied from another folder and runs the code of {sys.prefix}; "
            "'make setup' makes it again."
        )


def _print_json(value: Any, *, indent: int | None = None) -> None:
    """Print JSON in UTF-8, whatever the terminal's encoding is."""
    text = dumps(value, indent=indent, ensure_ascii=False)
    sys.stdout.flush()
    sys.stdout.buffer.write(f"{text}\n".encode("utf-8", "backslashreplace"))


def _pairs(options: list[str] | None) -> dict[str, str]:
    pairs = {}
    for option in options or []:
        name, equals, value = option.partition("=")
        if not equals:
            raise GtzanError(f"{option!r} must read NAME=VALUE.")
        pairs[name] = value
    return pairs


def _input(device: str | None) -> int | str | None:
    """Return the number of a device if digits are given, else its name."""
    return int(device) if device and device.isdecimal() else device


def _number(text: str, name: str) -> int:
    if not text.isdigit():
        raise GtzanError(f"{name}={text}: must be a whole number.")
    return int(text)
