"""Figures of the health check."""

from __future__ import annotations

from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns

from .audio import read_samples
from .style import BLUE, GREEN, RED, YELLOW, genre_colors, new_axes, plain_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from ..data.corpus import Corpus

__all__ = ["aligned_pair", "artist_shares", "copy_pairs", "duplicates", "faults", "levels"]


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
        pair[0].set_title(f"{fault.replace('-', ' ')}\n{row['detail']}", fontsize=9)
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


def aligned_pair(corpus: Corpus, pair: pd.Series) -> Figure:
    """Draw the waveforms of two copies of one recording on a common time axis.

    Parameters
    ----------
    corpus : Corpus
        The corpus of the tracks.
    pair : pd.Series
        A row of `HealthReport.duplicates`: tracks `a` and `b`, and `lag_s`, by how many
        seconds the recording is later in `a`.

    Returns
    -------
    Figure
        Two waveforms above each other, the second shifted by the lag, and below them
        both in 20 ms around the highest peak that they share, at the same height.
    """
    figure, axes = plt.subplots(
        3, 1, figsize=(8, 5.2), layout="constrained", gridspec_kw={"height_ratios": [1, 1, 1.4]}
    )
    sounds = [read_samples(corpus.tracks.at[pair[name], "path"]) for name in "ab"]
    times = [
        np.arange(len(y)) / rate + shift
        for (y, rate), shift in zip(sounds, (0.0, pair["lag_s"]), strict=True)
    ]
    beginning, end = max(time[0] for time in times), min(time[-1] for time in times)
    y, time = sounds[0][0], times[0]
    # The fine alignment is within one sample; the lag of the search is within a frame.
    shared = (time > beginning + 0.1) & (time < end - 0.1)
    peak = time[shared][np.abs(y[shared]).argmax()]
    shift = _fine_lag(sounds, times, peak)
    for ax, name, (y, _), time, color in zip(
        axes, "ab", sounds, (times[0], times[1] + shift), (BLUE, RED), strict=False
    ):
        near = np.abs(time - peak) < 0.01
        label = plain_text(pair[name])
        ax.plot(time, y, lw=0.3, color=color)
        ax.set(xlim=(min(t[0] for t in times), max(t[-1] for t in times)), yticks=[0])
        ax.set_title(label, fontsize=9, loc="left")
        height = np.abs(y[near]).max() or 1
        style = {"lw": 3, "alpha": 0.45} if name == "a" else {"lw": 1.1}
        axes[2].plot(
            1000 * (time[near] - peak), y[near] / height, color=color, label=label, **style
        )
        sns.despine(ax=ax)
    axes[0].tick_params(labelbottom=False)
    axes[1].set_xlabel("time in the first track (s)")
    axes[2].set(xlabel=f"time from {peak:.2f} s (ms)", yticks=[-1, 0, 1])
    axes[2].legend(frameon=False, fontsize=8, loc="upper right")
    sns.despine(ax=axes[2])
    return figure


def _fine_lag(sounds: list[tuple[np.ndarray, int]], times: list[np.ndarray], peak: float) -> float:
    """Return by how many seconds the second of two copies must still be moved at a peak."""
    (first, rate), (second, _) = sounds
    near = np.abs(times[0] - peak) < 0.05
    # Both on the samples of the first, the second with room for the search.
    steps = np.arange(-round(0.05 * rate), round(0.05 * rate) + 1)
    wide = np.interp(
        np.arange(near.sum() + len(steps) - 1) / rate + times[0][near][0] + steps[0] / rate,
        times[1], second,
    )  # fmt: skip
    return -float(steps[np.correlate(wide, first[near], "valid").argmax()]) / rate


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


def artist_shares(artists: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Draw how the tracks of each genre are divided among artists.

    Parameters
    ----------
    artists : pd.DataFrame
        As from `gtzan_lib.published.measures.collection.tracks_of_artists`: `tracks`, indexed by
        genre, the most tracks first.
    ax : Axes, optional
        Axes to draw into.

    Returns
    -------
    Axes
        One bar a genre, one piece an artist; beside it the number of artists, and the
        effective number.
    """
    genres = sorted(artists.index.unique())
    ax = new_axes(ax, (8, 0.8 + 0.36 * len(genres)))
    colors = genre_colors(genres)
    for y, genre in enumerate(reversed(genres)):
        tracks = artists.loc[[genre], "tracks"].to_numpy()
        left = np.cumsum(tracks) - tracks
        ax.barh(y, tracks, left=left, color=colors[genre], edgecolor="white", lw=0.8, height=0.72)
        effective = tracks.sum() ** 2 / (tracks**2).sum()
        artist = "artist" if len(tracks) == 1 else "artists"
        label = f"{len(tracks)} {artist}, effective {effective:.1f}"
        ax.text(tracks.sum() + 1, y, label, va="center", fontsize=9)
    ax.set_yticks(range(len(genres)), [plain_text(genre) for genre in reversed(genres)])
    longest = artists.groupby(level=0)["tracks"].sum().max()
    ax.set(xlabel="tracks", xlim=(0, 1.36 * longest), ylim=(-0.6, len(genres) - 0.4))
    ax.set_xticks(np.arange(0, longest + 1, 20))
    sns.despine(ax=ax, left=True)
    ax.spines["bottom"].set_bounds(0, longest)
    ax.tick_params(axis="y", length=0)
    return ax


def copy_pairs(pairs: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Draw the similarity of pairs of copies, by genre and kind.

    Parameters
    ----------
    pairs : pd.DataFrame
        As from `gtzan_lib.published.measures.collection.copies_found`.
    ax : Axes, optional
        Axes to draw into.

    Returns
    -------
    Axes
        One marker a pair, in the row of the first track's genre: its shape and colour are
        the kind; hollow where the pair is not on the list of known faults. Pairs of one
        place are drawn side by side.
    """
    genres = sorted(pairs["genre_a"].unique())
    ax = new_axes(ax, (8, 1.1 + 0.5 * len(genres)))
    styles = {
        "identical": ("s", RED), "shifted": ("^", GREEN), "gain": ("D", YELLOW),
        "reencoded": ("o", BLUE),
    }  # fmt: skip
    # Pairs of nearly one similarity are moved apart by rank.
    near = pairs.groupby(["genre_a", (pairs["score"] / 0.025).round()])["score"]
    shift = 0.16 * (near.cumcount() - (near.transform("size") - 1) / 2).clip(-2, 2)
    y = pairs["genre_a"].map({genre: -row for row, genre in enumerate(genres)}) + shift
    for kind, (marker, color) in styles.items():
        for listed in (True, False):
            chosen = (pairs["kind"] == kind) & (pairs["listed"] == listed)
            if chosen.any():
                face = color if listed else "none"
                label = kind if listed else f"{kind}, not on the list"
                ax.plot(
                    pairs["score"][chosen], y[chosen], marker, color=color, mfc=face, ms=7,
                    mew=1.4, alpha=0.85, label=label,
                )  # fmt: skip
    ax.set_yticks([-row for row in range(len(genres))], [plain_text(genre) for genre in genres])
    ax.set(xlabel="similarity (1: identical)", ylim=(-len(genres) + 0.4, 0.6))
    ax.grid(axis="y", color="0.9", lw=0.8)
    ax.set_axisbelow(True)
    ax.legend(frameon=False, fontsize=9, loc="lower center", bbox_to_anchor=(0.5, 1), ncols=3)
    sns.despine(ax=ax, left=True)
    ax.tick_params(axis="y", length=0)
    return ax
