"""Figures of the health check."""

from __future__ import annotations

from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns

from .audio import read_samples
from .style import BLUE, RED, genre_colors, new_axes, plain_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from ..data.corpus import Corpus

__all__ = ["duplicates", "faults", "levels"]


def levels(facts: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Draw the RMS levels of the tracks of each genre.

    Parameters
    ----------
    facts : pd.DataFrame
        `HealthReport.files`.
    ax : Axes, optional
        Axes to draw into.

    Returns
    -------
    Axes
        One dot a track, in decibels below full scale; silent tracks and those
        that were not decoded are left out.
    """
    ax = new_axes(ax, (8, 3.6))
    table = facts[facts["decoded"].astype(bool) & ~facts["silent"].fillna(True).astype(bool)]
    table = table.assign(genre=table["genre"].map(plain_text))
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
    """Draw an example of every fault of single files.

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
        For each fault the waveform of a track, and below it 30 ms around its
        longest gap, or around its highest peak, where clipping is visible.
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
        _waveform(pair, *read_samples(corpus.tracks.at[row["track_id"], "path"]))
    return figure


def duplicates(corpus: Corpus, truth: pd.DataFrame) -> Figure:
    """Draw the correlation of one duplicate of every kind with its source, by lag.

    Parameters
    ----------
    corpus : Corpus
        A corpus with planted duplicates.
    truth : pd.DataFrame
        Its `truth.csv`.

    Returns
    -------
    Figure
        One curve a kind of duplicate; the dashed line is the threshold above
        which the sound of two tracks is compared.
    """
    from ..health.duplicates import THRESHOLD, correlate
    from ..health.fingerprints import sharp_trace, trace
    from ..health.inspection import inspect

    first = truth.dropna(subset="source_track").groupby("fault", sort=False).first()
    figure, axes = plt.subplots(
        1, len(first), figsize=(2.2 * len(first), 2.4), sharex=True, sharey=True, squeeze=False,
        layout="constrained",
    )  # fmt: skip
    for ax, (fault, row) in zip(axes.flat, first.iterrows(), strict=True):
        pair = (row["track_id"], row["source_track"])
        sharp = [sharp_trace(trace(inspect(corpus.tracks.at[n, "path"]).envelope)) for n in pair]
        ax.plot(*correlate(*sharp), color=BLUE, lw=1)
        ax.axhline(THRESHOLD, color="0.4", lw=1, ls="--")
        ax.set(title=f"{fault}\n{row['detail']}", xlabel="lag (s)", ylim=(-0.2, 1.05))
        ax.title.set_fontsize(9)
        sns.despine(ax=ax)
    axes[0, 0].set_ylabel("correlation")
    return figure


def _waveform(axes: np.ndarray, y: np.ndarray, rate: int) -> None:
    """Draw a whole waveform into the first axes, its gap or peak into the second."""
    if not len(y):
        axes[0].text(0.5, 0.5, "cannot be decoded", ha="center", va="center")
        return
    changes = np.flatnonzero(np.diff(y, prepend=np.nan, append=np.nan))
    gap = int(np.diff(changes).argmax())
    is_gap = rate / 250 < changes[gap + 1] - changes[gap] < len(y) / 10
    middle, half = int(changes[gap] if is_gap else np.abs(y).argmax()), round(0.015 * rate)
    near = np.arange(max(0, middle - half), min(len(y), middle + half))
    axes[0].plot(np.arange(len(y)) / rate, y, lw=0.3, color=BLUE)
    axes[1].plot((near - middle) * 1000 / rate, y[near], lw=1, color=RED)
    for ax in axes:
        ax.set_axis_on()
        ax.set(ylim=(-1.05, 1.05), yticks=[-1, 0, 1])
        ax.tick_params(labelsize=7)
        sns.despine(ax=ax)
    axes[0].set_xlabel("s", fontsize=8, labelpad=0)
    axes[1].set_xlabel("ms", fontsize=8, labelpad=0)
