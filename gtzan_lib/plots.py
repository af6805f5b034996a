"""Every figure of the book, and the players beside them.

Functions draw into `ax`, or into a new figure where none is given, and return
what they drew into.
"""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns

from .data.genres import GENRES

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from .data.corpus import Corpus
    from .data.splits import Split
    from .learn.evaluation import Evaluation
    from .learn.training import NetClassifier
    from .signal.spectrograms import Recipe
    from .signal.store import SpectrogramStore

__all__ = [
    "confusion",
    "copies",
    "faults",
    "genre_colors",
    "history",
    "levels",
    "parts",
    "players",
    "recall",
    "spectrogram",
    "spectrogram_wall",
]


def genre_colors(genres: list[str]) -> dict[str, tuple[float, float, float]]:
    """Return one colour a genre, the same on every page.

    Parameters
    ----------
    genres : list of str
        GTZAN's ten have fixed colours; others get further ones in this order.

    Returns
    -------
    dict of str to (r, g, b)
        Channels from 0 to 1.
    """
    others = [genre for genre in genres if genre not in GENRES]
    palette = sns.husl_palette(len(GENRES) + len(others), l=0.6, s=0.75)
    known = dict(zip([*GENRES, *others], palette, strict=True))
    return {genre: known[genre] for genre in genres}


def levels(facts: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Draw how loud the tracks of each genre are.

    Parameters
    ----------
    facts : pd.DataFrame
        `HealthReport.files`.
    ax : Axes, optional
        Where to draw.

    Returns
    -------
    Axes
        One dot a track: its RMS level in decibels below full scale.
    """
    ax = _axes(ax, (8, 3.6))
    table = facts[facts["decoded"].astype(bool) & ~facts["silent"].fillna(True).astype(bool)]
    genres = sorted(table["genre"].unique())
    sns.stripplot(
        data=table, x="genre", y="rms_db", hue="genre", order=genres, ax=ax, legend=False,
        palette=genre_colors(genres), hue_order=genres, size=4.5, alpha=0.8, jitter=0.2,
    )  # fmt: skip
    ax.set(xlabel="", ylabel="RMS level (dB below full scale)")
    ax.tick_params(axis="x", rotation=30)
    sns.despine(ax=ax)
    return ax


def faults(corpus: Corpus, truth: pd.DataFrame, *, columns: int = 4) -> Figure:
    """Draw one track of every kind of fault that a single file can have.

    Parameters
    ----------
    corpus : Corpus
        A corpus with planted faults.
    truth : pd.DataFrame
        Its `truth.csv`.
    columns : int
        Panels in a row.

    Returns
    -------
    Figure
        One waveform a fault: all of it, and below 30 ms around its longest gap,
        else around its highest peak, where clipping shows.
    """
    single = truth[truth["source_track"].isna()].groupby("fault", sort=False).first()
    rows = -(-len(single) // columns)
    figure, axes = plt.subplots(
        2 * rows, columns, figsize=(2.7 * columns, 3.3 * rows), squeeze=False, layout="constrained",
    )  # fmt: skip
    for ax in axes.flat:
        ax.set_axis_off()
    for number, (fault, row) in enumerate(single.iterrows()):
        pair = axes[2 * (number // columns) : 2 * (number // columns) + 2, number % columns]
        pair[0].set_title(f"{fault}\n{row['detail']}", fontsize=9)
        _waveform(pair, *_samples_of(corpus.tracks.at[row["track_id"], "path"]))
    return figure


def copies(corpus: Corpus, truth: pd.DataFrame) -> Figure:
    """Draw how a copy of every kind correlates with its source, lag by lag.

    Parameters
    ----------
    corpus : Corpus
        A corpus with planted copies.
    truth : pd.DataFrame
        Its `truth.csv`.

    Returns
    -------
    Figure
        One curve a kind of copy; the dashed line is where a copy begins.
    """
    from .health.duplicates import THRESHOLD, correlate
    from .health.fingerprints import sharp_trace, trace
    from .health.inspection import inspect

    first = truth.dropna(subset="source_track").groupby("fault", sort=False).first()
    figure, axes = plt.subplots(
        1, len(first), figsize=(2.2 * len(first), 2.4), sharex=True, sharey=True, squeeze=False,
        layout="constrained",
    )  # fmt: skip
    for ax, (fault, row) in zip(axes.flat, first.iterrows(), strict=True):
        pair = (row["track_id"], row["source_track"])
        sharp = [sharp_trace(trace(inspect(corpus.tracks.at[n, "path"]).envelope)) for n in pair]
        ax.plot(*correlate(*sharp), color="#3b6fb6", lw=1)
        ax.axhline(THRESHOLD, color="0.4", lw=1, ls="--")
        ax.set(title=f"{fault}\n{row['detail']}", xlabel="lag (s)", ylim=(-0.2, 1.05))
        ax.title.set_fontsize(9)
        sns.despine(ax=ax)
    axes[0, 0].set_ylabel("correlation")
    return figure


def players(
    corpus: Corpus, tracks: Mapping[str, str] | None = None, *, seconds: float = 5.0
) -> Any:
    """Return audio players, for music that may be passed on.

    Parameters
    ----------
    corpus : Corpus
        Only the synthetic corpus is played; other music belongs to others and
        is not put into pages.
    tracks : mapping of str to str, optional
        Track ids by what is written over each player. Default: the first of
        each genre. Tracks that cannot be decoded are left out.
    seconds : float
        Length of an excerpt.

    Returns
    -------
    IPython.display.HTML
        To be shown by a notebook.
    """
    from IPython.display import HTML

    if corpus.name != "synthetic":
        return HTML("<p><em>Recordings of others are not put into this book.</em></p>")
    if tracks is None:
        first = corpus.tracks.groupby("genre").head(1)
        tracks = {f"{row.genre}: {row.artist}": row.Index for row in first.itertuples()}
    sounds = {caption: _mp3(corpus, track_id, seconds) for caption, track_id in tracks.items()}
    cells = [
        f"<figure style='margin:.2rem;text-align:left'>"
        f"<figcaption style='font-size:.85rem;margin:0;text-align:left'>"
        f"{html.escape(caption)}</figcaption>"
        f"<audio controls preload='none' style='width:15rem;height:2.2rem' "
        f"src='data:audio/mpeg;base64,{sound}'></audio></figure>"
        for caption, sound in sounds.items()
        if sound
    ]
    grid = "display:grid;grid-template-columns:repeat(auto-fill,minmax(15.5rem,1fr))"
    return HTML(f"<div style='{grid}'>{''.join(cells)}</div>")


def spectrogram(
    image: np.ndarray, recipe: Recipe, ax: Axes | None = None, *, title: str = ""
) -> Axes:
    """Draw one image of a store with its axes in seconds and kilohertz.

    Parameters
    ----------
    image : np.ndarray [shape=(size, size), dtype=uint8]
        Frequency by time, lowest frequency first.
    recipe : Recipe
        How it was made.
    ax : Axes, optional
        Where to draw.
    title : str
        Stands above.

    Returns
    -------
    Axes
        The axes drawn into.
    """
    ax = _axes(ax, (4.5, 4))
    columns = recipe.width * recipe.hop / recipe.sample_rate
    edge = (columns - recipe.samples / recipe.sample_rate) / 2
    extent = (-edge, columns - edge, 0, recipe.sample_rate / 2000)
    ax.imshow(
        image, origin="lower", aspect="auto", cmap="magma", extent=extent, vmin=0, vmax=255,
        interpolation="nearest",
    )  # fmt: skip
    ax.set(xlabel="time (s)", ylabel="frequency (kHz)", title=title)
    return ax


def spectrogram_wall(store: SpectrogramStore, *, columns: int = 5) -> Figure:
    """Draw the first window of one track of every genre.

    Parameters
    ----------
    store : SpectrogramStore
        Where the images are.
    columns : int
        Images in a row.

    Returns
    -------
    Figure
        One image a genre.
    """
    first = store.windows.reset_index().groupby("genre").first()
    rows = -(-len(first) // columns)
    figure, axes = plt.subplots(
        rows, columns, figsize=(2.3 * columns, 2.3 * rows), sharex=True, sharey=True,
        squeeze=False, layout="constrained",
    )  # fmt: skip
    for ax in axes.flat[len(first) :]:
        ax.set_axis_off()
    for ax, (genre, window) in zip(axes.flat, first.iterrows(), strict=False):
        spectrogram(store.images[window["index"]], store.recipe, ax, title=genre)
        ax.label_outer()
    return figure


def parts(split: Split, ax: Axes | None = None, *, fold: int = 0) -> Axes:
    """Draw how many tracks of each genre a split puts into each part.

    Parameters
    ----------
    split : Split
        What to draw.
    ax : Axes, optional
        Where to draw.
    fold : int
        Which division.

    Returns
    -------
    Axes
        A table of counts.
    """
    counts = split.parts(fold)
    ax = _axes(ax, (3.6, 0.32 * len(counts) + 1))
    sns.heatmap(counts, annot=True, fmt="d", cmap="crest", cbar=False, linewidths=1, ax=ax)
    ax.set(xlabel="", ylabel="", title=f"tracks by part, split by {split.protocol}")
    ax.tick_params(length=0)
    return ax


def history(estimator: NetClassifier) -> Figure:
    """Draw loss and accuracy over the epochs of a training.

    Parameters
    ----------
    estimator : NetClassifier
        Fitted.

    Returns
    -------
    Figure
        Loss on the left, accuracy on the right.
    """
    table = estimator.history_
    figure, axes = plt.subplots(1, 2, figsize=(9, 3.2), layout="constrained")
    for ax, kind in zip(axes, ("loss", "accuracy"), strict=True):
        for part, color in (("train", "#3b6fb6"), ("valid", "#d1603d")):
            if f"{part}_{kind}" in table:
                ax.plot(
                    table["epoch"], table[f"{part}_{kind}"], color=color, label=part, marker=".",
                )  # fmt: skip
        ax.set(xlabel="epoch", ylabel=f"{kind} of windows", ylim=(0, None))
        ax.legend(frameon=False)
        sns.despine(ax=ax)
    axes[1].set_ylim(0, 1.02)
    return figure


def confusion(evaluation: Evaluation, ax: Axes | None = None, *, unit: str = "track") -> Axes:
    """Draw which genre was taken for which.

    Parameters
    ----------
    evaluation : Evaluation
        What was answered.
    ax : Axes, optional
        Where to draw.
    unit : {"track", "window"}
        What is counted.

    Returns
    -------
    Axes
        True genres down, answers across.
    """
    counts = evaluation.confusion(unit)
    ax = _axes(ax, (5.6, 4.9))
    shares = counts.div(counts.sum(axis=1).clip(lower=1), axis=0)
    labels = counts.astype(str).where(counts > 0, "")
    sns.heatmap(
        shares, annot=labels, fmt="", cmap="rocket_r", vmin=0, vmax=1, square=True, ax=ax,
        linewidths=0.5, cbar_kws={"label": "share of the genre", "shrink": 0.8},
    )  # fmt: skip
    ax.set(xlabel=f"answer ({unit}s)", ylabel="genre")
    ax.tick_params(length=0)
    return ax


def recall(evaluation: Evaluation, ax: Axes | None = None) -> Axes:
    """Draw the share of each genre's tracks that were recognised.

    Parameters
    ----------
    evaluation : Evaluation
        What was answered.
    ax : Axes, optional
        Where to draw.

    Returns
    -------
    Axes
        One dot a genre, with Wilson's 95 % interval.
    """
    table = evaluation.per_genre().sort_values("recall")
    ax = _axes(ax, (6, 3.8))
    colors = genre_colors(sorted(table.index))
    for row, (genre, values) in enumerate(table.iterrows()):
        ax.plot([values["low"], values["high"]], [row, row], color=colors[genre], lw=2.5)
        ax.plot(values["recall"], row, "o", color=colors[genre], ms=8)
    ax.set_yticks(range(len(table)), [f"{g} ({int(n)})" for g, n in table["n"].items()])
    ax.axvline(evaluation.chance, color="0.4", lw=1, ls="--", label="always guessing one genre")
    ax.set(xlim=(-0.02, 1.02), xlabel="share of tracks recognised (95 % interval)")
    ax.legend(frameon=False, loc="lower right", bbox_to_anchor=(1, 1))
    sns.despine(ax=ax)
    return ax


def _axes(ax: Axes | None, size: tuple[float, float]) -> Axes:
    return plt.subplots(figsize=size, layout="constrained")[1] if ax is None else ax


def _waveform(axes: np.ndarray, y: np.ndarray, rate: int) -> None:
    """Draw all of a sound into the first axes, its gap or peak into the second."""
    if not len(y):
        axes[0].text(0.5, 0.5, "nothing to be decoded", ha="center", va="center")
        return
    still = np.flatnonzero(np.diff(y, prepend=np.nan, append=np.nan))
    gap = int(np.diff(still).argmax())
    in_music = rate / 250 < still[gap + 1] - still[gap] < len(y) / 10
    middle, half = int(still[gap] if in_music else np.abs(y).argmax()), round(0.015 * rate)
    near = np.arange(max(0, middle - half), min(len(y), middle + half))
    axes[0].plot(np.arange(len(y)) / rate, y, lw=0.3, color="#3b6fb6")
    axes[1].plot((near - middle) * 1000 / rate, y[near], lw=1, color="#d1603d")
    for ax in axes:
        ax.set_axis_on()
        ax.set(ylim=(-1.05, 1.05), yticks=[-1, 0, 1])
        ax.tick_params(labelsize=7)
        sns.despine(ax=ax)
    axes[0].set_xlabel("s", fontsize=8, labelpad=0)
    axes[1].set_xlabel("ms", fontsize=8, labelpad=0)


def _samples_of(path: str) -> tuple[np.ndarray, int]:
    """Decode what can be decoded of a file."""
    from .data import audio
    from .errors import AudioError

    try:
        with audio.opened(path) as file:
            return file.read(dtype="float32", always_2d=True)[:, 0], file.samplerate
    except AudioError:
        return np.zeros(0, dtype=np.float32), 1


def _mp3(corpus: Corpus, track_id: str, seconds: float) -> str:
    import soundfile

    y, rate = _samples_of(corpus.tracks.at[track_id, "path"])
    if not len(y):
        return ""
    stream = io.BytesIO()
    soundfile.write(stream, y[: int(seconds * rate)], rate, format="MP3")
    return base64.b64encode(stream.getvalue()).decode()
