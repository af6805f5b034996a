"""Figures of features: over time, by genre, and their variance components."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns

from ..errors import CorpusError
from .style import BLUE, GREEN, RED, YELLOW, genre_colors, new_axes, plain_text, standardised

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from ..data.corpus import Corpus
    from ..signal.features import FeatureTable

__all__ = [
    "correlation_map",
    "distributions",
    "feature_correlations",
    "genre_profile",
    "importance",
    "tag_profile",
    "track_features",
    "variance_components",
]

# Units of the curves; the variance has their squares.
_UNITS = {
    "spectral_centroid": "Hz", "spectral_bandwidth": "Hz", "rolloff": "Hz",
    **{f"mfcc{number}": "dB" for number in range(1, 21)},
}  # fmt: skip

_PITCHES = ("C", "C♯", "D", "D♯", "E", "F", "F♯", "G", "G♯", "A", "A♯", "B")


def track_features(corpus: Corpus, track_id: str, *, seconds: float = 8.0) -> Figure:
    """Draw the series over time from which the features of an excerpt are computed.

    Parameters
    ----------
    corpus : Corpus
        The corpus of the track.
    track_id : str
        Id of the track.
    seconds : float
        Length of the excerpt, from the track's beginning.

    Returns
    -------
    Figure
        From top to bottom: the mel spectrogram with centroid and roll-off,
        chroma, RMS and zero-crossing rate, harmonic and percussive part, and
        onset strength.
    """
    from ..signal.fast_features import HOP_LENGTH, N_FFT, SAMPLE_RATE, frame_features

    y, _ = corpus.load(track_id, sample_rate=SAMPLE_RATE)
    y = y[: int(seconds * SAMPLE_RATE)]
    series = frame_features(y)
    time = np.arange(len(series["rms"])) * HOP_LENGTH / SAMPLE_RATE
    end = len(y) / SAMPLE_RATE
    figure, axes = plt.subplots(
        5, 1, figsize=(8, 9), sharex=True, layout="constrained",
        gridspec_kw={"height_ratios": [2.2, 1.6, 1, 1.2, 1]},
    )  # fmt: skip
    hz = np.fft.rfftfreq(N_FFT, 1 / SAMPLE_RATE)
    rows = _mel_rows(hz, series["level"].shape[1])
    axes[0].imshow(
        series["level"].T, origin="lower", aspect="auto", cmap="magma",
        extent=(0, end, 0, series["level"].shape[1]),
    )  # fmt: skip
    for name, color in (("rolloff", "lightskyblue"), ("spectral_centroid", "white")):
        label = name.replace("spectral_", "").replace("rolloff", "roll-off")
        axes[0].plot(time, np.interp(series[name], hz, rows), color=color, lw=1.2, label=label)
    kilohertz = [0.25, 0.5, 1, 2, 4, 8]
    axes[0].set_yticks(np.interp(np.multiply(kilohertz, 1000), hz, rows), kilohertz)
    axes[0].set(ylabel="frequency (kHz)", title=plain_text(track_id))
    legend = axes[0].legend(loc="upper right", fontsize=8, facecolor="0.15", edgecolor="none")
    for text in legend.get_texts():
        text.set_color("white")
    axes[1].imshow(
        series["chroma_stft"].T, origin="lower", aspect="auto", cmap="Blues", extent=(0, end, 0, 12)
    )
    axes[1].set_yticks(np.arange(12) + 0.5, _PITCHES, fontsize=6)
    axes[1].set_ylabel("chroma")
    axes[2].plot(time, series["rms"], color=BLUE, label="RMS")
    axes[2].plot(time, series["zero_crossing_rate"], color=RED, label="zero-crossing rate")
    axes[2].legend(frameon=False, fontsize=8, loc="upper right")
    axes[2].set_ylabel("RMS, rate")
    sample_time = np.arange(len(y)) / SAMPLE_RATE
    axes[3].plot(sample_time, series["harmony"], color=BLUE, lw=0.3, label="harmonic")
    axes[3].plot(sample_time, series["perceptr"], color=RED, lw=0.3, label="percussive")
    for line in axes[3].legend(frameon=False, fontsize=8, loc="upper right").get_lines():
        line.set_linewidth(2)
    axes[3].set_ylabel("sample value")
    axes[4].plot(time, series["onsets"], color="0.3", lw=0.9)
    axes[4].set(ylabel="onset strength (dB)", xlabel="time (s)", xlim=(0, end))
    for ax in axes[2:]:
        sns.despine(ax=ax)
    return figure


def _mel_rows(hz: np.ndarray, n_mels: int) -> np.ndarray:
    """Return the row of a mel spectrogram for each frequency, from the bands' centres."""
    from ..signal import dsp
    from ..signal.fast_features import N_FFT, SAMPLE_RATE

    weights = dsp.mel_weights(sample_rate=SAMPLE_RATE, n_fft=N_FFT, n_mels=n_mels)
    centres = (weights * hz).sum(axis=1) / weights.sum(axis=1)
    return np.interp(hz, centres, np.arange(n_mels) + 0.5)


def distributions(table: FeatureTable, names: Sequence[str], *, columns: int = 2) -> Figure:
    """Draw how some features are distributed in each genre.

    Parameters
    ----------
    table : FeatureTable
        Features.
    names : sequence of str
        Features to draw.
    columns : int
        Panels in a row.

    Returns
    -------
    Figure
        One panel a feature, one violin a genre, sorted by median.
    """
    frame = table.frame.assign(genre=table.windows["genre"].map(plain_text).to_numpy())
    colors = genre_colors(sorted(frame["genre"].unique()))
    rows = -(-len(names) // columns)
    figure, axes = plt.subplots(
        rows, columns, figsize=(4.6 * columns, 2.6 * rows), squeeze=False, layout="constrained"
    )
    for ax in axes.flat[len(names) :]:
        ax.set_axis_off()
    for ax, name in zip(axes.flat, names, strict=False):
        order = frame.groupby("genre")[name].median().sort_values().index.tolist()
        sns.violinplot(
            data=frame, x="genre", y=name, hue="genre", order=order, hue_order=order, ax=ax,
            palette=colors, legend=False, cut=0, density_norm="width", inner="quart", linewidth=0.7,
        )  # fmt: skip
        ax.set(xlabel="", ylabel="", title=_with_unit(name))
        ax.title.set_fontsize(10)
        ax.tick_params(axis="x", rotation=35, labelsize=8)
        ax.tick_params(axis="y", labelsize=8)
        sns.despine(ax=ax)
    return figure


def _with_unit(name: str) -> str:
    """Return the name of a feature with its unit, if it has one."""
    curve, _, statistic = name.rpartition("_")
    unit = "beats per minute" if name == "tempo" else _UNITS.get(curve, "")
    return f"{name} ({unit}{'²' * (statistic == 'var')})" if unit else name


def genre_profile(table: FeatureTable, ax: Axes | None = None) -> Axes:
    """Draw the difference of each genre's mean of each feature from the mean of all windows.

    Parameters
    ----------
    table : FeatureTable
        Features.
    ax : Axes, optional
        Axes to draw into.

    Returns
    -------
    Axes
        One row a feature, one column a genre, in standard deviations.
    """
    means = standardised(table.frame).groupby(table.windows["genre"].to_numpy()).mean().T
    means = means.rename(columns=plain_text)
    ax = new_axes(ax, (6.2, 10.5))
    bar = {"label": "standard deviations from the mean of all windows", "shrink": 0.4}
    sns.heatmap(means, ax=ax, cmap="vlag", center=0, vmin=-2, vmax=2, cbar_kws=bar)
    ax.set_yticks(np.arange(len(means)) + 0.5, means.index, fontsize=7)
    ax.tick_params(axis="x", rotation=45)
    return ax


def feature_correlations(table: FeatureTable, ax: Axes | None = None) -> Axes:
    """Draw the correlation of every two features, with correlated ones side by side.

    Parameters
    ----------
    table : FeatureTable
        Features; constant ones, which have no correlation, are left out.
    ax : Axes, optional
        Axes to draw into.

    Returns
    -------
    Axes
        Pearson's correlation from -1 to 1. Rows and columns are the features in the
        order of an average-linkage clustering by one minus the absolute correlation.

    Raises
    ------
    CorpusError
        If fewer than two features vary.
    """
    frame = table.frame
    frame = frame.loc[:, frame.nunique() > 1]
    if frame.shape[1] < 2:
        raise CorpusError(
            "fewer than two features vary between the windows, so that there is no correlation; "
            "use more music."
        )
    return correlation_map(frame.corr(), ax)


def tag_profile(profile: pd.DataFrame, ax: Axes | None = None, *, tags: int = 20) -> Axes:
    """Draw the difference of each genre's mean of each tag from the mean of all tracks.

    Parameters
    ----------
    profile : pd.DataFrame
        As from `gtzan_lib.studies.representations.tag_profile`.
    ax : Axes, optional
        Axes to draw into.
    tags : int
        Number of tags; those that differ most between genres come first.

    Returns
    -------
    Axes
        One row a tag, one column a genre, in standard deviations.
    """
    means = profile.head(tags).rename(columns=plain_text)
    ax = new_axes(ax, (6.2, 1.2 + 0.22 * len(means)))
    bar = {"label": "standard deviations from\nthe mean of all tracks", "shrink": 0.8}
    sns.heatmap(means, ax=ax, cmap="vlag", center=0, vmin=-2, vmax=2, cbar_kws=bar)
    ax.set_yticks(np.arange(len(means)) + 0.5, means.index, fontsize=8, rotation=0)
    ax.tick_params(axis="x", rotation=45)
    ax.set(xlabel="", ylabel="")
    return ax


def variance_components(shares: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Draw the shares of each feature's variance due to genre, artist, track and window.

    Parameters
    ----------
    shares : pd.DataFrame
        As from `gtzan_lib.studies.variance.variance_shares`.
    ax : Axes, optional
        Axes to draw into.

    Returns
    -------
    Axes
        One bar a feature, sorted by the genre's share.

    Raises
    ------
    CorpusError
        If the shares are of music of one genre.
    """
    if "genre" not in shares:
        raise CorpusError(
            "music of one genre has no share of the genre in the variance; use music of at least "
            "two."
        )
    colors = {"genre": GREEN, "artist": YELLOW, "track": RED, "window": "0.85"}
    table = shares.dropna().sort_values("genre")
    ax = new_axes(ax, (7, 0.8 + 0.165 * max(len(table), 6)))
    left = np.zeros(len(table))
    for level in table.columns:
        values = table[level].to_numpy()
        ax.barh(range(len(table)), values, left=left, color=colors[level], label=level, height=0.8)
        left += values
    ax.set_yticks(range(len(table)), table.index, fontsize=7 if len(table) > 20 else 9)
    ax.set(xlim=(0, 1), ylim=(-0.6, len(table) - 0.4), xlabel="share of variance")
    ax.legend(
        ncols=len(table.columns), frameon=False, loc="lower center", bbox_to_anchor=(0.5, 1.0)
    )
    sns.despine(ax=ax)
    return ax


def importance(table: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Draw the loss of accuracy if a group of features is shuffled.

    Parameters
    ----------
    table : pd.DataFrame
        As from `gtzan_lib.studies.importance.permutation_importance`.
    ax : Axes, optional
        Axes to draw into.

    Returns
    -------
    Axes
        One line a group, with its 95 % interval, in percentage points.
    """
    ax = new_axes(ax, (6.6, 0.9 + 0.38 * len(table)))
    place = np.arange(len(table))[::-1]
    ax.axvline(0, color="0.5", lw=1, ls="--")
    ax.hlines(place, 100 * table["low"], 100 * table["high"], color=BLUE, lw=5, alpha=0.3)
    ax.plot(100 * table["loss"], place, "o", color=BLUE, ms=7)
    ax.set_yticks(place, [f"{name} ({n})" for name, n in table["features"].items()])
    ax.set(xlabel="loss of window accuracy (percentage points, 95 % interval)")
    sns.despine(ax=ax)
    return ax


def correlation_map(r: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Draw a matrix of correlations, with correlated features side by side.

    Parameters
    ----------
    r : pd.DataFrame [shape=(features, features)]
        Pearson's correlations, with names of features in rows and columns.
    ax : Axes, optional
        Axes to draw into.

    Returns
    -------
    Axes
        As of `feature_correlations`.
    """
    from scipy.cluster.hierarchy import leaves_list, linkage
    from scipy.spatial.distance import squareform

    # Rounding leaves small numbers on the diagonal, which is not a distance then.
    distances = squareform(1 - r.abs().to_numpy(), checks=False).clip(min=0)
    order = leaves_list(linkage(distances, "average"))
    r = r.iloc[order, order]
    ax = new_axes(ax, (9.6, 8.8))
    bar = {"label": "correlation", "shrink": 0.5}
    sns.heatmap(
        r, ax=ax, cmap="vlag", vmin=-1, vmax=1, square=True, cbar_kws=bar, xticklabels=False,
        yticklabels=False,
    )  # fmt: skip
    places = np.arange(len(r)) + 0.5
    ax.set_xticks(places, r.columns, fontsize=6, rotation=90)
    ax.set_yticks(places, r.index, fontsize=6, rotation=0)
    ax.set(xlabel="", ylabel="")
    return ax
