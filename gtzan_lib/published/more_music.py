"""What learning curves of nets and simple models say of more music, in tables and sentences."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd

from ..errors import RecordError
from ..models.registry import ARCHITECTURES
from . import curves as learning
from .intervals import interval_words
from .measures.learning_curve import INPUTS, PARTS
from .nets import PublishedNet, read_nets
from .results import Results

__all__ = [
    "MoreMusic",
    "add_nets",
    "answer_words",
    "bend_words",
    "beyond_words",
    "check_words",
    "choice_words",
    "collector_words",
    "gain_words",
    "net_curve",
    "net_words",
    "next_point",
    "read_more_music",
    "scope_words",
    "slope_words",
    "spread_words",
    "tag_words",
]


class MoreMusic(NamedTuple):
    """Learning curves of nets and of simple models, and all that is computed from them.

    Attributes
    ----------
    material : str
        What they were made from, in words.
    net : dict
        Settings of the nets.
    scope : pd.DataFrame
        Table of the step `learning-curve`.
    curves : dict of (str, str, str) to LearningCurve
        By part, model and choice; the nets are first.
    points, fits, pairs, beyond, checks, choices, gains : pd.DataFrame
        As from `curve_table`, `fit_table`, `compare_doublings`, `extrapolations`,
        `past_extrapolations`, `choice_table` and `artists_or_tracks` of
        `gtzan_lib.published.curves`.
    """

    material: str
    net: dict[str, object]
    scope: pd.DataFrame
    curves: dict[learning.Key, learning.LearningCurve]
    points: pd.DataFrame
    fits: pd.DataFrame
    pairs: pd.DataFrame
    beyond: pd.DataFrame
    checks: pd.DataFrame
    choices: pd.DataFrame
    gains: pd.DataFrame

    @property
    def by_artist(self) -> pd.DataFrame:
        """The points whose training tracks are all those of some artists."""
        return self.points[self.points["choice"] == learning.ARTISTS]

    @property
    def models(self) -> list[str]:
        """Names of the models, that of the nets first."""
        return list(self.points.index.unique())

    @property
    def scored(self) -> pd.DataFrame:
        """The parts that are scored, of `scope`."""
        return self.scope[self.scope["left_out"] == "nothing"]


def read_more_music(
    results: Results, step: str = "learning-curve", nets: str = "share-"
) -> MoreMusic:
    """Read the learning curves of a page.

    Parameters
    ----------
    results : Results
        The results.
    step : str
        Name of the step of simple models.
    nets : str
        What the names of the nets' steps begin with.

    Returns
    -------
    MoreMusic
        The curves, and what is computed from them.

    Raises
    ------
    RecordError
        If the step is not done, or there is no net, or the nets differ in more than their
        share of the artists.
    """
    found = read_nets(results, nets)
    curves = add_nets(learning.read_curves(results, step), found, PARTS[0])
    return MoreMusic(
        results.material(step),
        next(iter(found.values())).settings,
        results.table(step, "scope"),
        curves,
        learning.curve_table(curves),
        learning.fit_table(curves),
        learning.compare_doublings(curves),
        learning.extrapolations(curves),
        learning.past_extrapolations(curves),
        learning.choice_table(curves),
        learning.artists_or_tracks(curves),
    )


def net_curve(
    nets: Mapping[str, PublishedNet], tracks: pd.Index | None = None
) -> learning.LearningCurve:
    """Join nets that differ in nothing but the share of the artists that they were trained on.

    Parameters
    ----------
    nets : mapping of str to PublishedNet
        As from `gtzan_lib.published.nets.read_nets`.
    tracks : pd.Index, optional
        The tracks that count. Default: all that the nets scored.

    Returns
    -------
    LearningCurve
        Its shares are the setting `share` of the nets.

    Raises
    ------
    RecordError
        If they differ in something else, or two have the same share, or there is one share
        only, or they did not score one of the tracks.
    """
    by_share = {net.settings["share"]: net for net in nets.values()}
    rest = [
        {name: value for name, value in net.settings.items() if name not in ("title", "share")}
        for net in nets.values()
    ]
    if len(by_share) < len(nets) or any(one != rest[0] for one in rest):
        raise RecordError(
            f"the nets {', '.join(nets)} differ in more than the share of their artists; give "
            "their steps the same settings."
        )
    if len(by_share) < 2:
        raise RecordError(
            f"the net {', '.join(nets)} was trained on one share of the artists; train it on "
            "another one for a curve."
        )
    by_share = dict(sorted(by_share.items()))
    first = next(iter(by_share.values()))
    sizes = {
        share: {
            size: np.mean([one.result[f"train_{size}"] for one in net.records.values()])
            for size in ("artists", "tracks")
        }
        for share, net in by_share.items()
    }
    correct = {share: net.correct for share, net in by_share.items()}
    groups = pd.Series(first.artists, first.correct.index)
    tracks = groups.index if tracks is None else tracks
    if len(missing := tracks.difference(groups.index)):
        raise RecordError(
            f"the nets did not score track {missing[0]!r}; train them on the same copy of GTZAN as "
            "the other models."
        )
    return learning.LearningCurve(
        pd.DataFrame({share: table.loc[tracks].mean(axis=1) for share, table in correct.items()}),
        groups[tracks].to_numpy(),
        pd.DataFrame({share: table.loc[tracks].mean() for share, table in correct.items()}),
        pd.DataFrame.from_dict(sizes, "index"),
    )


def add_nets(
    curves: Mapping[learning.Key, learning.LearningCurve],
    nets: Mapping[str, PublishedNet],
    part: str,
) -> dict[learning.Key, learning.LearningCurve]:
    """Put the curve of nets before others.

    Parameters
    ----------
    curves : mapping of (str, str, str) to LearningCurve
        As from `gtzan_lib.published.curves.read_curves`.
    nets : mapping of str to PublishedNet
        As for `net_curve`.
    part : str
        What the nets scored; only the tracks count that the other models scored as well.

    Returns
    -------
    dict of (str, str, str) to LearningCurve
        The model is called as the class of the net.

    Raises
    ------
    RecordError
        As in `net_curve`.
    """
    of_part = [curve for key, curve in curves.items() if key[0] == part]
    curve = net_curve(nets, of_part[0].right.index if of_part else None)
    architecture = next(iter(nets.values())).settings["architecture"]
    return {(part, ARCHITECTURES[architecture].__name__, learning.ARTISTS): curve, **curves}


# --- what is measured ---------------------------------------------------------


def scope_words(found: MoreMusic) -> str:
    """Say what was scored, and what was left out."""
    words = f"Material of this page: {found.material}."
    for part, row in found.scored.iterrows():
        folds = f", the mean of {row['folds']:.0f} folds" if row["folds"] > 1 else ""
        words += (
            f" The {part} has {row['tracks']:.0f} scored tracks by {row['artists']:.0f} artists; "
            f"there are up to {row['train_artists']:.0f} artists and {row['train_tracks']:.0f} "
            f"tracks to train on{folds}."
        )
    if (known := found.scored["known"].max()) > 0:
        words += (
            f" {known:.0f} validation tracks by artists of the training part are left out, so "
            "that accuracies differ a little from those of other pages."
        )
    left_out = found.scope.loc[found.scope["left_out"] != "nothing", "left_out"]
    return words + "".join(f" Not scored: the {part}, as {why}." for part, why in left_out.items())


def net_words(found: MoreMusic) -> str:
    """Say what the net is, and how often it was trained."""
    draws = found.points["seeds"].groupby(level=0).max()
    net = found.models[0]
    return (
        f"The artists are drawn {draws.drop(net, errors='ignore').max():.0f} times, and for the "
        f"net {draws[net]:.0f} times. The net is {net} on log-mel windows of "
        f"{found.net['seconds']:g} s, trained from random weights for {found.net['epochs']} "
        "epochs; for it, a draw also sets the initial weights."
    )


def spread_words(found: MoreMusic) -> str:
    """Say how far the draws of the artists differ."""
    below = found.by_artist[found.by_artist["share"] < 1]
    deviations = 100 * below["sd"].dropna()
    if deviations.empty:
        return "There is one draw of the artists, so that no spread is known."
    return (
        f"With fewer than all artists, the standard deviation over the draws is "
        f"{deviations.min():.1f} to {deviations.max():.1f} points; with all, the logistic "
        "regressions are the same in each draw."
    )


# --- what a doubling brings ---------------------------------------------------


def bend_words(found: MoreMusic) -> str:
    """Say which curves flatten, and which still rise over their second half."""
    fits = found.fits
    last = _named(fits[fits["last_low"] > 0])
    words = (
        f"From half of the artists to all, a gain is shown for {len(last)} of {len(fits)} curves"
    )
    return f"{_bends(found)}. {words}{_after_colon(last)}."


def _bends(found: MoreMusic) -> str:
    flat = _named(found.fits[found.fits["bend_high"] < 0])
    steep = _named(found.fits[found.fits["bend_low"] > 0])
    if not flat and not steep:
        return "No curve is shown to flatten or to become steeper"
    shown = [
        f"{word} for {'; '.join(names)}"
        for word, names in (("flattening is shown", flat), ("a steeper end is shown", steep))
        if names
    ]
    return f"Of {len(found.fits)} curves, {', and '.join(shown)}"


def slope_words(found: MoreMusic) -> str:
    """Say which models gain more by a doubling than others."""
    pairs = found.pairs
    if pairs.empty:
        return "There are no two models whose slopes could be compared."
    apart = pairs[(pairs["low"] > 0) | (pairs["high"] < 0)]
    texts = []
    for row in apart.itertuples():
        more, less = (row.first, row.second) if row.points > 0 else (row.second, row.first)
        low, high = sorted(100 * abs(end) for end in (row.low, row.high))
        texts.append(
            f"a doubling brings {100 * abs(row.points):.1f} points more with {more} than with "
            f"{less} ({100 * row.confidence:.3g} % interval {low:.1f} to {high:.1f}; {row.part})"
        )
    words = (
        f"Of {len(pairs)} pairs of slopes on the same tracks, {len(apart) or 'none'} can be told "
        f"apart, by intervals that hold for all pairs of a part together{_after_colon(texts)}."
    )
    if few := (~(apart["points"].abs() > 2 * apart["error"])).sum():
        words += (
            f" For {few} of them, the difference is not known to exceed twice its standard error "
            "over draws: others could change it."
        )
    return words


def tag_words(found: MoreMusic) -> str:
    """Compare the tags with the fewest artists and log-mel statistics with all."""
    own, tags = (found.curves.get((PARTS[1], name, learning.ARTISTS)) for name in INPUTS[1:])
    if tags is None or own is None:
        return "The tags and the log-mel statistics are not both among these results."
    gap = learning.estimate_from(lambda few, many: few[..., 0] - many[..., -1], tags, own)
    verdict = "the two cannot be told apart"
    if gap.low > 0 or gap.high < 0:
        verdict = f"the tags are {'better' if gap.value > 0 else 'worse'}"
    return (
        f"With {tags.sizes['artists'].iloc[0]:.0f} artists, the tags, which were learned from "
        f"other music, reach {100 * tags.right.iloc[:, 0].mean():.0f} %, and with "
        f"{own.sizes['artists'].iloc[-1]:.0f} artists the log-mel statistics "
        f"{100 * own.right.iloc[:, -1].mean():.0f} %; the "
        f"difference is {_points(*gap[:3])}, so that {verdict}."
    )


# --- artists or tracks --------------------------------------------------------


def choice_words(found: MoreMusic) -> str:
    """Say whether as many tracks by more artists are better."""
    gains = found.gains
    if gains.empty:
        return "There are no models that were trained on both choices."
    by_share = found.choices.groupby("share")["points"].mean()
    means = ", ".join(f"{100 * gain:+.1f} at {100 * share:g} %" for share, gain in by_share.items())
    return (
        f"On the mean of all shares below the whole, {_verdicts(gains)}. The intervals hold for "
        f"all {len(gains)} comparisons together. By share of the artists, the mean over the "
        f"comparisons is, in points, {means}."
    )


def _verdicts(gains: pd.DataFrame) -> str:
    """Say where the mean difference is shown to be above zero, below it, and neither."""
    better, worse = gains["mean_low"] > 0, gains["mean_high"] < 0
    texts = [
        f"{word} for {'; '.join(_with_points(gains[rows], 'mean'))}"
        for word, rows in (
            ("more artists are better", better),
            ("more artists are worse", worse),
            ("no difference is shown", ~better & ~worse),
        )
        if rows.any()
    ]
    return ", and ".join(texts)


def gain_words(found: MoreMusic) -> str:
    """Say whether twice the artists or twice the tracks of each bring more."""
    gains = found.gains.dropna()
    if gains.empty:
        return "There are too few artists to part the two."
    by_artists, by_tracks = gains["more_low"] > 0, gains["more_high"] < 0
    texts = [
        f"{words} for {'; '.join(_with_points(gains[rows], 'more'))}"
        for words, rows in (
            ("twice the artists bring more", by_artists),
            ("twice the tracks bring more", by_tracks),
            ("it is open which brings more", ~by_artists & ~by_tracks),
        )
        if rows.any()
    ]
    return f"By the fit, {_helps(gains)}. The first less the second: {', and '.join(texts)}."


def _helps(gains: pd.DataFrame) -> str:
    """Say how often twice the artists, and twice the tracks of each, are shown to help."""
    artists, tracks = ((gains[f"{name}_low"] > 0).sum() for name in ("artists", "tracks"))
    return (
        f"twice the artists with as many tracks are shown to help in {artists or 'none'} of "
        f"{len(gains)} comparisons, and twice the tracks of the same artists in {tracks or 'none'}"
    )


# --- extrapolations -----------------------------------------------------------


def check_words(found: MoreMusic) -> str:
    """Say how far the same extrapolations would have been right for the known artists."""
    checks = found.checks
    if checks.empty:
        return "There are too few shares to try an extrapolation on what is known."
    wrong = ((checks["low"] > 0) | (checks["high"] < 0)).sum()
    width = 100 * (checks["high"] - checks["low"])
    missed = "; ".join(
        f"with the {law}, the score less the prediction is {100 * rows['points'].min():+.1f} to "
        f"{100 * rows['points'].max():+.1f} points"
        for law, rows in checks.groupby("law", sort=False)
    )
    return (
        "Would it have been right before? From the shares up to a half, both laws are "
        f"extrapolated to all artists, which were scored: {missed}. Of {len(checks)} such "
        f"predictions, {wrong or 'none'} {'are' if wrong > 1 else 'is'} shown to be wrong; but the "
        f"95 % intervals of the differences are {width.min():.0f} to {width.max():.0f} points wide."
    )


def beyond_words(found: MoreMusic) -> str:
    """Say what more music than there is would bring, if a law went on to hold."""
    gained = "; ".join(
        f"{_times(times)} the music, {_range(rows)}" for times, rows in _gained(found).items()
    )
    words = f"If the error went on to fall by a power law, the models would gain, with {gained}."
    line = found.beyond[found.beyond["law"] == learning.LAWS[0]]
    if over := (line["high"] > 1).sum():
        words += (
            f" The straight line promises more, and cannot go on for ever: of {len(line)} "
            f"extrapolations by it, {over} {'have' if over > 1 else 'has'} an interval that ends "
            "above 100 %."
        )
    return words


def _gained(found: MoreMusic) -> dict[float, pd.Series]:
    """Return the points that the power law promises, by times of the music."""
    power = found.beyond[found.beyond["law"] == learning.LAWS[1]]
    return {float(str(times)): rows["gain"] for times, rows in power.groupby("times")}


def next_point(found: MoreMusic) -> pd.DataFrame:
    """Compute what the next point of accuracy costs, by the straight lines.

    Parameters
    ----------
    found : MoreMusic
        The curves.

    Returns
    -------
    pd.DataFrame
        Indexed by `model` and `part`: more `artists`, and `tracks` by them, for one point above
        the accuracy with all artists; curves that do not rise are left out.
    """
    keys = [found.by_artist.index, "part"]
    sizes = found.by_artist.groupby(keys, sort=False)[["artists", "tracks"]].max()
    points = found.fits.set_index("part", append=True)["points"]
    rising = points[points > 0]
    return sizes.loc[rising.index].mul(2 ** (0.01 / rising) - 1, axis=0)


def collector_words(found: MoreMusic) -> str:
    """Say what follows for a collection of music."""
    fits, gains, cost = found.fits, found.gains, next_point(found)
    words = (
        f"The slope is shown to be above zero for {(fits['points_low'] > 0).sum()} of {len(fits)} "
        "curves."
    )
    if len(cost):
        artists, tracks = (np.ceil(cost[size]) for size in ("artists", "tracks"))
        words += (
            f" From all artists on, the next point of accuracy costs {artists.min():.0f} to "
            f"{artists.max():.0f} more artists with {tracks.min():.0f} to {tracks.max():.0f} "
            "tracks, by model and by the straight line; after a doubling, it costs twice as much."
        )
    better, worse = (gains["mean_low"] > 0).sum(), (gains["mean_high"] < 0).sum()
    advice = "nothing here speaks for few artists, or for many"
    if better and not worse:
        advice = "nothing here speaks for few artists"
    elif worse:
        advice = "no general advice follows" if better else "nothing here speaks for many artists"
    words += (
        f" With a fixed number of tracks, more artists are shown to be better in "
        f"{better or 'none'} of {len(gains)} comparisons, and worse in {worse or 'none'}: {advice}."
    )
    if helped := (gains["tracks_low"] > 0).sum():
        words += (
            " Further tracks of artists that are in the collection are not wasted for training: "
            f"they are shown to help in {helped} of {len(gains)} comparisons."
        )
    return words


def answer_words(found: MoreMusic) -> str:
    """Answer the question of the page."""
    measured = ". ".join(
        f"Scored on the {part}{', out of fold' if row['folds'] > 1 else ''} "
        f"({row['tracks']:.0f} tracks by {row['artists']:.0f} artists, up to "
        f"{row['train_artists']:.0f} artists to train on), it brings {_doubling(found, str(part))}"
        for part, row in found.scored.iterrows()
    )
    gains = found.gains
    better, worse = (gains["mean_low"] > 0).sum(), (gains["mean_high"] < 0).sum()
    choice = "no difference is shown between few artists and many"
    if better or worse:
        choice = (
            f"taking them from more artists is shown to be better in {better or 'none'} of "
            f"{len(gains)} comparisons, and worse in {worse or 'none'}"
        )
    fit = ""
    if len(fitted := gains.dropna()):
        more, less = (fitted["more_low"] > 0).sum(), (fitted["more_high"] < 0).sum()
        fit = (
            f" By a fit to both choices, {_helps(fitted)}; of the two, the artists are shown to "
            f"bring more in {more or 'none'}, and the tracks in {less or 'none'}."
        )
    times, gained = max(_gained(found).items())
    return (
        f"A doubling of the artists of GTZAN's training part, with all their tracks, raises "
        f"accuracy by {_range(found.fits['points'])}, depending on the model. {measured}. "
        f"{_bends(found)}. With as many tracks of each genre, {choice}.{fit} By a power law, "
        f"{_times(times)} the music would bring {_range(gained)} more: an extrapolation, not a "
        "measurement."
    )


def _doubling(found: MoreMusic, part: str) -> str:
    rows = found.fits[found.fits["part"] == part]
    return "; ".join(
        f"{model} {interval_words(row, 'points', digits=1, unit=' points')}"
        for model, row in rows.iterrows()
    )


def _times(factor: float) -> str:
    return {2.0: "twice", 4.0: "four times"}.get(factor, f"{factor:g} times")


def _range(shares: pd.Series) -> str:
    return f"{100 * shares.min():.0f} to {100 * shares.max():.0f} points"


def _points(value: float, low: float, high: float, confidence: float = 0.95) -> str:
    ends = f"{100 * low:+.1f} to {100 * high:+.1f}"
    return f"{100 * value:+.1f} points ({100 * confidence:.3g} % interval {ends})"


def _with_points(gains: pd.DataFrame, column: str) -> list[str]:
    return [
        f"{model} ({row['part']}), "
        + _points(row[column], row[f"{column}_low"], row[f"{column}_high"], row["confidence"])
        for model, row in gains.iterrows()
    ]


def _named(table: pd.DataFrame) -> list[str]:
    return [f"{model} ({part})" for model, part in table["part"].items()]


def _after_colon(texts: list[str]) -> str:
    return f": {'; '.join(texts)}" if texts else ""
