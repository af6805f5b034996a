"""What is correct under several split protocols, and the differences between them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from ..stats import bootstrap_interval, bootstrap_score
from .results import Results

__all__ = [
    "STEPS",
    "TRACKS_BY_ARTIST",
    "accuracy_parts",
    "correct_predictions",
    "leak_differences",
    "leak_scores",
    "leaks_by",
    "models_in",
    "net_predictions",
    "read_leaks",
]

STEPS = {
    "window to track": ("window", "track"),
    "track to artist": ("track", "artist"),
    "window to artist": ("window", "artist"),
    "with copies to without, by track": ("track with copies", "track"),
}
"""Differences: the protocol that leaks more, and the one that leaks less."""

TRACKS_BY_ARTIST = {"1 track": 1, "2 or 3": 3, "4 to 9": 9, "10 or more": np.inf}
"""Sizes of artists: largest number of tracks by the same artist in the corpus."""

_FOLDED = ("window", "track", "artist")
_ABOUT = ["track_id", "genre", "group", "size"]


def correct_predictions(tracks: pd.DataFrame, windows: pd.DataFrame | None = None) -> pd.DataFrame:
    """Return which tracks, or which windows, are predicted correctly.

    Parameters
    ----------
    tracks : pd.DataFrame
        Indexed by `track_id`: `genre`, `group` (the artist, or the track if the artist is
        unknown), and one column for each model and protocol, such as `k-NN, track`, with
        the predicted genre; empty if the track is not scored.
    windows : pd.DataFrame, optional
        Indexed by `window_id`: the same columns of models and protocols, 1 where the
        prediction is correct, 0 where it is not, NaN where the window is not scored. With
        it, windows are returned.

    Returns
    -------
    pd.DataFrame
        Indexed by window or track: `track_id`, `genre`, `group`, `size` (one of
        `TRACKS_BY_ARTIST`), and the columns of models and protocols as in `windows`.
    """
    predicted = tracks.drop(columns=["genre", "group"])
    about = tracks[["genre", "group"]].rename_axis("track_id").reset_index()
    number = about["group"].map(about["group"].value_counts())
    bounds = [0.0, *TRACKS_BY_ARTIST.values()]
    about["size"] = pd.cut(number, bounds, labels=list(TRACKS_BY_ARTIST)).astype(str)
    about = about[_ABOUT].set_index("track_id", drop=False)
    if windows is None:
        correct = predicted.eq(tracks["genre"], axis=0).astype(float)
        return about.join(correct.where(predicted.fillna("") != ""))
    of_window = windows.index.str.rpartition(".").get_level_values(0)
    return about.loc[of_window].set_axis(windows.index).join(windows.astype(float))


def models_in(correct: pd.DataFrame) -> list[str]:
    """Return the models of a table of `correct_predictions`, in its order."""
    names = [name.rpartition(", ")[0] for name in correct.columns.difference(_ABOUT, sort=False)]
    return list(dict.fromkeys(names))


def leak_scores(correct: pd.DataFrame) -> pd.DataFrame:
    """Compute the accuracy of each model under each protocol.

    Parameters
    ----------
    correct : pd.DataFrame
        From `correct_predictions`.

    Returns
    -------
    pd.DataFrame
        Indexed by `model`: `protocol`, the number `n` of scored windows or tracks, and
        `accuracy`, `low`, `high` by a bootstrap over artists.
    """
    rows = []
    for name in correct.columns.difference(_ABOUT, sort=False):
        model, _, protocol = name.rpartition(", ")
        values = correct[name].dropna()
        score = bootstrap_score(values.to_numpy(), correct.loc[values.index, "group"].to_numpy())
        rows.append((model, protocol, score.n, *score[:3]))
    columns = ["model", "protocol", "n", "accuracy", "low", "high"]
    return pd.DataFrame(rows, columns=columns).set_index("model")


def leak_differences(correct: pd.DataFrame) -> pd.DataFrame:
    """Compute what each model loses from protocol to protocol.

    Differences are paired. Those between `window`, `track` and `artist` are all of the
    windows or tracks that each of these protocols scores, so that they add up.

    Parameters
    ----------
    correct : pd.DataFrame
        From `correct_predictions`.

    Returns
    -------
    pd.DataFrame
        Indexed by `model`: `step`, one of `STEPS`; the number `n` of windows or tracks; the
        two accuracies, `leaking` and `strict`; and `points`, their difference, with `low`
        and `high` by a bootstrap over artists.
    """
    rows = [
        (model, step, *_paired(pair, "group", 0.95))
        for model in models_in(correct)
        for step, pair in _steps(correct, model)
    ]
    columns = ["model", "step", "n", "leaking", "strict", "points", "low", "high"]
    return pd.DataFrame(rows, columns=columns).set_index("model")


def leaks_by(correct: pd.DataFrame, column: str, *, confidence: float = 0.95) -> pd.DataFrame:
    """Compute what each model loses, for each genre, artist, or size of artists.

    Parameters
    ----------
    correct : pd.DataFrame
        From `correct_predictions`.
    column : {"genre", "group", "size"}
        Column by which windows or tracks are divided.
    confidence : float
        Confidence level of the intervals.

    Returns
    -------
    pd.DataFrame
        As from `leak_differences`, indexed by the column; with `model`, and the numbers of
        `tracks` and `artists`. Intervals are a bootstrap over artists; those of a single
        artist over its tracks.
    """
    drawn = "track_id" if column == "group" else "group"
    rows = []
    for model in models_in(correct):
        for step, pair in _steps(correct, model):
            for name, part in pair.groupby(column, sort=True):
                counts = part["track_id"].nunique(), part["group"].nunique()
                rows.append((name, model, step, *counts, *_paired(part, drawn, confidence)))
    columns = [column, "model", "step", "tracks", "artists", "n", "leaking", "strict"]
    return pd.DataFrame(rows, columns=[*columns, "points", "low", "high"]).set_index(column)


def accuracy_parts(scores: pd.DataFrame, steps: pd.DataFrame, chance: float) -> pd.DataFrame:
    """Put together what the accuracy of a split by window is made of.

    Parameters
    ----------
    scores : pd.DataFrame
        From `leak_scores`, with the `unit` of each row.
    steps : pd.DataFrame
        From `leak_differences`, with the `unit` of each row.
    chance : float
        Share of the most frequent genre.

    Returns
    -------
    pd.DataFrame
        Indexed by `model`: `unit`; `chance`; the accuracies by `artist`, by `track` and by
        `window`, of the same windows or tracks; and the score of the `official` validation
        part with `low` and `high`, NaN where there is none. Models that are not scored under
        all three protocols are left out.
    """
    rows = []
    for (model, unit), table in steps.groupby(["model", "unit"], sort=False):
        by_step = table.set_index("step")
        if "track to artist" not in by_step.index:
            continue
        known = scores[(scores["unit"] == unit) & (scores["protocol"] == "official")]
        official = known.reindex([model])[["accuracy", "low", "high"]].iloc[0]
        by_track = by_step.loc["track to artist"]
        window = by_step.loc["window to track", "leaking"]
        rows.append(
            (model, unit, chance, by_track["strict"], by_track["leaking"], window, *official)
        )
    columns = ["model", "unit", "chance", "artist", "track", "window", "official", "low", "high"]
    return pd.DataFrame(rows, columns=columns).set_index("model")


def net_predictions(results: Results, unit: str) -> pd.DataFrame:
    """Return what the nets of the steps `leak-net-...` predict correctly.

    Parameters
    ----------
    results : Results
        The published results.
    unit : {"window", "track"}
        What is counted.

    Returns
    -------
    pd.DataFrame
        As from `correct_predictions`, with a column for each protocol; empty unless all
        three are done.
    """
    names = [f"leak-net-{protocol}" for protocol in _FOLDED]
    correct = pd.DataFrame(columns=_ABOUT)
    if not set(names) <= set(results.steps):
        return correct
    for name in names:
        windows = results.table(name, "windows") if unit == "window" else None
        scored = correct_predictions(results.table(name, "tracks"), windows)
        correct = scored if correct.empty else correct.join(scored.drop(columns=_ABOUT))
    return correct


def read_leaks(results: Results) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Read scores and differences of the step `leak`, and add those of nets if there are any.

    Parameters
    ----------
    results : Results
        The published results.

    Returns
    -------
    scores, steps : pd.DataFrame
        As from `leak_scores` and `leak_differences`, with the `unit` of each row, `window`
        or `track`.
    """
    scores, steps = (results.table("leak", name) for name in ("scores", "steps"))
    for unit in ("window", "track"):
        nets = net_predictions(results, unit)
        if len(nets):
            scores = pd.concat([scores, leak_scores(nets).assign(unit=unit)])
            steps = pd.concat([steps, leak_differences(nets).assign(unit=unit)])
    return scores, steps


def _steps(correct: pd.DataFrame, model: str) -> Iterator[tuple[str, pd.DataFrame]]:
    """Yield each step of a model with the rows that it compares."""
    folded = [f"{model}, {name}" for name in _FOLDED]
    common = correct[[name for name in folded if name in correct]].dropna().index
    for step, protocols in STEPS.items():
        pair = [f"{model}, {name}" for name in protocols]
        if not set(pair) <= set(correct.columns):
            continue
        both = correct.loc[common] if set(pair) <= set(folded) else correct.dropna(subset=pair)
        yield step, both[_ABOUT].assign(leaking=both[pair[0]], strict=both[pair[1]])


def _paired(pair: pd.DataFrame, drawn: str, confidence: float) -> tuple[float, ...]:
    gain = (pair["leaking"] - pair["strict"]).to_numpy()
    bounds = bootstrap_interval(gain, pair[drawn].to_numpy(), confidence=confidence)
    return len(gain), pair["leaking"].mean(), pair["strict"].mean(), gain.mean(), *bounds
