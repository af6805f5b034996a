"""The command `gtzan`."""

from __future__ import annotations

import os
import sys
import warnings
from json import dumps
from pathlib import Path
from typing import Annotated

import typer

from .errors import CorpusError, GtzanError, GtzanWarning, HealthError

__all__ = ["app", "main"]

app = typer.Typer(
    help="Music-genre classification with GTZAN: the compendium's command line.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

RunFile = Annotated[str, typer.Argument(metavar="RUN", help="A name in runs/, or a YAML file.")]
Overrides = Annotated[
    list[str] | None,
    typer.Option("--parameter", "-p", metavar="NAME=VALUE", help="Set a parameter; repeatable."),
]


@app.command()
def compose(
    folder: Annotated[Path, typer.Argument(help="Gets the corpus; is made if missing.")],
    seed: Annotated[int, typer.Option(help="Of every random choice.")] = 0,
    artists: Annotated[int, typer.Option(help="Invented artists a genre.")] = 5,
    tracks: Annotated[int, typer.Option(help="Tracks an artist.")] = 2,
    seconds: Annotated[float, typer.Option(help="Length of a track.")] = 30.0,
    genre: Annotated[list[str] | None, typer.Option(help="A genre; repeatable. All.")] = None,
    fault: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=COUNT", help="Plant faults of a kind; repeatable."),
    ] = None,
    jobs: Annotated[int, typer.Option(help="Processes.", min=1)] = os.cpu_count() or 1,
    replace: Annotated[bool, typer.Option(help="Replace a corpus of other settings.")] = False,
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
    folder: Annotated[Path, typer.Argument(help="Gets GTZAN; must be new or empty.")],
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
    json: Annotated[Path | None, typer.Option(help="Write the report to this file.")] = None,
    quarantine: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Move excluded files there.")
    ] = None,
    restore: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Put them back from there.")
    ] = None,
    dry_run: Annotated[bool, typer.Option(help="Only show what would be moved.")] = False,
    features: Annotated[
        Path | None, typer.Option(metavar="CSV", help="Look through a table of features, too.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="CSV", help="Write the table's good rows there.")
    ] = None,
    jobs: Annotated[int, typer.Option(help="Threads.", min=1)] = os.cpu_count() or 1,
) -> None:
    """Find faults and duplicates; exit code 1 where there are errors or duplicates."""
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
        raise HealthError("--out is the cleaned table; say which table with --features CSV.")
    report = check_health(path, jobs=jobs)
    terminal.show_report(report)
    if json is not None:
        report.save(json)
    if features is not None:
        terminal.show_rows(terminal.look_through(features, out, report, quarantine))
    if quarantine is not None:
        files = terminal.condemned_files(report)
        moves = move_out(report.source, files, quarantine, dry_run=dry_run)
        terminal.show_moves(moves, dry_run=dry_run)
    if not report.is_clean:
        raise typer.Exit(1)


@app.command()
def spectrograms(
    path: Annotated[
        str, typer.Argument(help="A folder of genre folders, log-mels or `synthetic`.")
    ],
    out: Annotated[Path, typer.Option(metavar="DIR", help="Becomes the store.")],
    recipe: Annotated[str, typer.Option(help="How windows become images.")] = "stft-3s",
    size: Annotated[int | None, typer.Option(help="Height and width in pixels. Full.")] = None,
    seconds: Annotated[float | None, typer.Option(help="A window's length. The recipe's.")] = None,
    genre: Annotated[list[str] | None, typer.Option(help="A genre; repeatable. All.")] = None,
    track: Annotated[list[str] | None, typer.Option(help="A track; repeatable. All.")] = None,
    png: Annotated[bool, typer.Option("--png", help="Write DIR/png, a picture a window.")] = False,
    view: Annotated[
        bool, typer.Option("--view", help="Write DIR/view, a labelled figure a track.")
    ] = False,
    jobs: Annotated[int, typer.Option(help="Threads.", min=1)] = os.cpu_count() or 1,
) -> None:
    """Make the spectrograms of a corpus; goes on where it was stopped."""
    from .data.corpus import open_corpus
    from .signal.recipes import Recipe
    from .signal.store import SpectrogramStore

    how = Recipe.preset(recipe, size=size, seconds=seconds)
    corpus = open_corpus(path).select(genres=genre or None, tracks=track or None)
    store = SpectrogramStore.build(corpus, how, path=out, jobs=jobs)
    if png:
        store.export_png(out / "png")
    if view:
        from .plots.spectrograms import export_views

        export_views(store, out / "view")
    print(out)


@app.command()
def features(
    path: Annotated[str, typer.Argument(help="A folder of genre folders, or `synthetic`.")],
    window: Annotated[
        float, typer.Option(help="Seconds a row; 30 takes clips whole, as Kaggle does.")
    ] = 3.0,
    out: Annotated[
        Path | None, typer.Option(metavar="CSV", help="The new table. features_3_sec.csv.")
    ] = None,
    jobs: Annotated[int, typer.Option(help="Processes.", min=1)] = os.cpu_count() or 1,
    reference: Annotated[
        bool, typer.Option(help="Call librosa's functions one by one, to compare.")
    ] = False,
) -> None:
    """Compute the 57 features in the schema of Kaggle's tables; goes on where it was stopped.

    Exit code 1 where a track or a window has no row.
    """
    from .data.corpus import open_corpus
    from .signal.features import feature_grid
    from .signal.features import features as compute

    out = out or Path(f"features_{window:g}_sec.csv")
    if out.exists():
        raise CorpusError(f"{out}: is there already; name a file that does not exist yet.")
    corpus = open_corpus(path)
    corpus.require_audio()
    grid = feature_grid(window, tail="drop")
    table = compute(corpus, grid=grid, reference=reference, jobs=jobs)
    print(table.save(out))
    if len(table.left_out):
        raise typer.Exit(1)


@app.command()
def predict(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Sound to judge.")],
    model: Annotated[str, typer.Option(help="A name from `gtzan models`, or a folder.")] = "gtzan",
    step: Annotated[
        float | None, typer.Option(help="Seconds between windows. The model's own.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print all there is, as JSON.")] = False,
    jobs: Annotated[int, typer.Option(help="Threads.", min=1)] = os.cpu_count() or 1,
) -> None:
    """Tell the genre of files; exit code 1 where one cannot be used, after all the others."""
    from .files import printable
    from .inference.zoo import load_model
    from .progress import progress_bar

    answers = load_model(model).predict_files(files, step=step, jobs=jobs)
    told, failed = [], False
    for file, answer in zip(
        files, progress_bar(answers, "files", len(files), show=json), strict=True
    ):
        name = printable(str(file))
        if isinstance(answer, GtzanError):
            failed = True
            told.append({"file": name, "error": str(answer)})
            print(f"error: {answer}", file=sys.stderr)
            continue
        told.append({"file": name, **answer.as_dict()})
        if not json:
            likely = sorted(answer.probabilities.items(), key=lambda one: -one[1])[:3]
            shares = [f"{genre} {100 * share:3.0f} %" for genre, share in likely]
            print("  ".join([f"{shares[0]:<16}", *(f"{one:<16}" for one in shares[1:]), name]))
    if json:
        print(dumps(told, ensure_ascii=False))
    if failed:
        raise typer.Exit(1)


@app.command()
def listen(
    file: Annotated[Path | None, typer.Argument(help="A file, as if played. Microphone.")] = None,
    model: Annotated[str, typer.Option(help="A name from `gtzan models`, or a folder.")] = "gtzan",
    device: Annotated[str | None, typer.Option(help="Number or name of an input. Default.")] = None,
    step: Annotated[float, typer.Option(help="Seconds between answers.")] = 1.0,
    average: Annotated[int, typer.Option(help="Windows in the moving average.", min=1)] = 5,
    seconds: Annotated[
        float | None, typer.Option(help="Stop after this much of the microphone. Ctrl-C.")
    ] = None,
) -> None:
    """Say what the music is while it plays, second by second."""
    from contextlib import nullcontext

    from .inference.zoo import load_model
    from .live import streaming
    from .live.microphone import Microphone

    loaded = load_model(model)
    if file is not None:
        opened = nullcontext(file)
    else:
        opened = Microphone(_input(device), seconds=seconds, block_s=streaming.BLOCK_S)
    moment = None
    with opened as source:
        for moment in streaming.listen(source, loaded, step=step, average=average, pace=True):
            print(
                f"{moment.end_s:7.1f} s  {moment.genre:<12}{100 * moment.share:3.0f} %  "
                f"({1000 * moment.latency_s:.0f} ms)",
                flush=True,
            )
    if moment is None:
        raise GtzanError(
            f"{file or 'the microphone'}: gave no window of {loaded.recipe.seconds:g} s that is "
            "not silent; give it more sound."
        )


@app.command()
def models(
    name: Annotated[
        str | None, typer.Argument(help="Show this model's card. All, briefly.")
    ] = None,
) -> None:
    """List the models that are there, with how good they are."""
    from .inference.zoo import load_model
    from .inference.zoo import models as there

    if name is not None:
        print(dumps(load_model(name).card, indent=2, ensure_ascii=False))
        return
    for one, folder in there().items():
        try:
            model = load_model(folder)
        except GtzanError as error:
            print(f"error: {error}", file=sys.stderr)
            continue
        print(f"{one}: {model.card['architecture']}, {len(model.genres)} genres, {folder}")
        for line in model.expectations:
            print(f"  {line}")


@app.command()
def leaderboard(
    folder: Annotated[
        Path | None, typer.Argument(help="A run's records/. Those of the quick run.")
    ] = None,
) -> None:
    """Compare the records of a run."""
    from rich.console import Console
    from rich.table import Table

    from .data.workspace import Workspace
    from .evaluation.records import leaderboard as read

    table = Table("experiment", "protocol", "tracks", "accuracy %", "95 % interval", "windows %")
    for name, row in read(folder or Workspace("quick").records).iterrows():
        table.add_row(
            str(name),
            row["protocol"],
            str(row["tracks"]),
            f"{100 * row['accuracy']:.1f}",
            f"{100 * row['low']:.1f} to {100 * row['high']:.1f}",
            f"{100 * row['window_accuracy']:.1f}",
        )
    Console().print(table)


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def run(
    context: typer.Context,
    run: RunFile = "quick",
    parameter: Overrides = None,
    cores: Annotated[int | None, typer.Option(help="At most so many. All.")] = None,
) -> None:
    """Execute what changed and build the book; what follows -- goes to Snakemake."""
    from .runner.launch import launch

    print(launch(run, overrides=_pairs(parameter), cores=cores, snakemake=context.args))


@app.command()
def execute(
    run: RunFile,
    experiment: Annotated[str, typer.Argument(help="One of the run's experiments.")],
    parameter: Overrides = None,
) -> None:
    """Execute one experiment of a run, whether or not anything changed."""
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
    seconds: Annotated[float, typer.Option(help="Length of the music.")] = 10.0,
    out: Annotated[Path, typer.Option(metavar="DIR", help="Gets the take's folder.")] = Path(
        "takes"
    ),
    predict: Annotated[bool, typer.Option("--predict", help="Tell the genre.")] = False,
    model: Annotated[
        str | None, typer.Option(help="A name from `gtzan models`, or a folder. gtzan.")
    ] = None,
    device: Annotated[
        str | None, typer.Option(help="Number, name or part of a name. The system's.")
    ] = None,
    lead: Annotated[float, typer.Option(help="Seconds of quiet before, to learn noise.")] = 1.0,
    countdown: Annotated[int, typer.Option(help="Seconds to wait before.", min=0)] = 3,
    noise: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Noise alone. The quiet before.")
    ] = None,
    method: Annotated[str, typer.Option(help="How noise is taken away.")] = "wiener",
    devices: Annotated[
        bool, typer.Option("--devices", help="List the devices that sound comes in from.")
    ] = False,
) -> None:
    """Record from the microphone and keep the take; its folder is printed last.

    Exit code 1 where the genre was asked for and cannot be told.
    """
    from .data import audio
    from .live import microphone
    from .live.takes import require_method, require_room, save_take

    if devices:
        for one in microphone.devices():
            print(f"{one.index}: {one.name} ({one.channels} channels, {one.sample_rate} Hz)")
        return
    # What can be refused is refused before anybody plays.
    require_method(method)
    require_room(out, lead + seconds)
    asked = None
    if predict or model:
        from .inference.zoo import load_model

        asked = load_model(model or "gtzan")
    hum, rate = audio.load(noise) if noise else (None, 0)
    heard = microphone.record(
        seconds,
        lead_s=lead,
        countdown_s=countdown,
        device=_input(device),
    )
    if hum is not None and rate != heard.sample_rate:
        hum = audio.resample(hum, rate, heard.sample_rate)
    take = save_take(out, heard, model=asked, noise=hum, method=method)
    if predict and take.prediction:
        genre = take.prediction["genre"]
        print(f"{genre} {100 * take.prediction['probabilities'][genre]:.0f} %")
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
    try:
        app()
    except GtzanError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(1)


def _show(message: Warning | str, category: type[Warning], *place: object) -> None:
    """Print a warning of ours as a sentence, and pass others over."""
    if issubclass(category, GtzanWarning):
        print(f"warning: {message}", file=sys.stderr)


def _pairs(options: list[str] | None) -> dict[str, str]:
    pairs = {}
    for option in options or []:
        name, equals, value = option.partition("=")
        if not equals:
            raise GtzanError(f"{option!r} must read NAME=VALUE.")
        pairs[name] = value
    return pairs


def _input(device: str | None) -> int | str | None:
    """Return a device's number where digits are given, else its name."""
    return int(device) if device and device.isdecimal() else device


def _number(text: str, name: str) -> int:
    if not text.isdigit():
        raise GtzanError(f"{name}={text}: must be a whole number.")
    return int(text)
