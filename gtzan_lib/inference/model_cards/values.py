"""The numbers and words that fill the template of a model card."""

from __future__ import annotations

from typing import Any

import pandas as pd

from ...data.loaders import gtzan
from ...stats import independent_groups
from .kinds import Kind

__all__ = ["values"]

# How the facts about GTZAN's clips name the parts that a card may be for.
_PARTITIONS = {"test part": "test", "validation part": "valid"}
_OUT_OF_FOLD = "training part, out of fold"


def values(
    name: str, kind: Kind, card: dict[str, Any], record: dict[str, Any] | None
) -> dict[str, str]:
    """Return what fills the template `card.md`.

    Parameters
    ----------
    name : str
        Name of the model.
    kind : Kind
        What is said of its architecture.
    card : dict
        As in `gtzan_lib.documents.CardDocument`.
    record : dict or None
        Of the test score, as in `gtzan_lib.documents.RecordDocument`; None before the test
        part was asked, when the card has the scores by which the model is chosen.

    Returns
    -------
    dict of str to str
        In Markdown, by the names in the template. Shares are in per cent.
    """
    facts = gtzan.facts()
    scored = facts[facts["partition"] == _PARTITIONS.get(card["part"], "train")]
    return {
        "name": name,
        "summary": kind.summary.format(weights=f"{card['weights']:,}"),
        "n_genres": str(len(card["genres"])),
        "genres": f"{', '.join(card['genres'][:-1])} or {card['genres'][-1]}",
        "part": card["part"],
        "protocol": card["protocol"],
        "n_scored": str(card["accuracy"][0]["n"]),
        "scored_artists": _artists(scored),
        "accuracy": _accuracy(card),
        "whole_clips": _whole_clips(record),
        "recall": _recall(card),
        "limits": _limits(kind, card, facts),
        "trained_on": _trained_on(card, facts),
        "train_artists": _artists(facts.loc[card["trained_on"]]),
        "selected": _selected(card),
        "outside": kind.outside,
        "choice": _choice(kind, card, record),
        "calibrated_on": f"the {'validation part' if card['selected_on'] else _OUT_OF_FOLD}",
        "calibration": _calibration(card),
        "test_calibration": _test_calibration(record),
        "detection": _detection(card),
        "training": kind.training,
        "hours": _hours(record),
        "licence": f"\n\n{kind.licence}" if kind.licence else "",
        "references": kind.references,
    }


def _accuracy(card: dict[str, Any]) -> str:
    rows = [
        [
            f"{score['input_s']:.0f} s",
            _percent(score["value"]),
            _interval(score),
            score["interval"].replace("wilson", "Wilson"),
            str(score["n"]),
        ]
        for score in card["accuracy"]
    ]
    return _table("sound, accuracy %, 95 % interval, interval by, predictions", rows)


def _whole_clips(record: dict[str, Any] | None) -> str:
    if record is None:
        return ""
    result, track = record["result"], record["result"]["track"]
    return (
        f" For whole clips, macro F1 is {_percent(track['macro_f1'])} %, the genre is among the "
        f"two most probable for {_percent(track['top2'])} %, and always naming the most frequent "
        f"genre would be right for {_percent(result['chance'])} %."
    )


def _recall(card: dict[str, Any]) -> str:
    if not card.get("by_genre"):
        return ""
    rows = [
        [row["genre"], _percent(row["value"], 0), _interval(row, 0), str(row["n"])]
        for row in card["by_genre"]
    ]
    table = _table("genre, recall %, 95 % interval, tracks", rows)
    return f"\n\nRecall by genre, for whole clips, with Wilson's intervals:\n\n{table}"


def _limits(kind: Kind, card: dict[str, Any], facts: pd.DataFrame) -> str:
    train, test = (facts[facts["partition"] == part] for part in ("train", "test"))
    shared = test.loc[test["artist"].isin(set(train["artist"].dropna())), "artist"]
    limits = [
        f"**Shared artists.** {shared.nunique()} artists of the test part, with {len(shared)} of "
        "its tracks, are in the training part, too.",
        "**Labels.** GTZAN has one label for each clip, and some of them are wrong or disputed.",
        *(f"{limit}{_agreement(card)}" for limit in kind.limits),
    ]
    if card.get("by_genre"):
        first, second = sorted(card["by_genre"], key=lambda row: row["value"])[:2]
        sizes = [row["n"] for row in card["by_genre"]]
        limits = [
            f"**Weak genres.** Recall is lowest for {first['genre']} "
            f"({_percent(first['value'], 0)} %) and {second['genre']} "
            f"({_percent(second['value'], 0)} %).",
            f"**Few tracks.** A genre has {min(sizes)} to {max(sizes)} test tracks, by few "
            "artists: its interval is wide, and most differences between genres are uncertain.",
            *limits,
        ]
    return "\n".join(f"- {limit}" for limit in limits)


def _agreement(card: dict[str, Any]) -> str:
    if not card.get("agreement"):
        return ""
    score = card["agreement"]
    return (
        f" The two give the same genre for {_percent(score['value'], 0)} % of {score['n']} "
        f"training tracks with sound (95 % interval {_interval(score, 0)})."
    )


def _trained_on(card: dict[str, Any], facts: pd.DataFrame) -> str:
    used, there = len(card["trained_on"]), int((facts["partition"] == "train").sum())
    return f"all {there} tracks" if used == there else f"{used} of the {there} tracks"


def _selected(card: dict[str, Any]) -> str:
    tracks = len(card["selected_on"])
    return f"; and {tracks} tracks of the validation part, for choosing settings" if tracks else ""


def _choice(kind: Kind, card: dict[str, Any], record: dict[str, Any] | None) -> str:
    if record is None:
        return f"By its scores on the {card['part']}, above. The test part was not asked yet."
    text = card["chosen_by"]
    chosen = f"the {text}" if text.startswith("validation") else f"predictions {text}"
    also = f" {kind.choice}" if kind.choice else ""
    return (
        f"By {chosen}.{also} The test part was scored once for this model, afterwards; nothing was "
        "changed by its score. All scores of the test part that this project has looked at, of "
        "other models and earlier states too, are in `results/gtzan/test_access.csv`."
    )


def _calibration(card: dict[str, Any]) -> str:
    by_length: dict[float, dict[bool, dict[str, Any]]] = {}
    for row in card["calibration"]:
        by_length.setdefault(row["input_s"], {})[row["calibrated"]] = row
    rows = [
        [
            f"{seconds:.0f} s",
            *(f"{_percent(row['value'])} ({_interval(row)})" for row in (both[False], both[True])),
            str(both[True]["n"]),
        ]
        for seconds, both in sorted(by_length.items(), reverse=True)
    ]
    return _table("sound, before, after, predictions", rows)


def _test_calibration(record: dict[str, Any] | None) -> str:
    if record is None:
        return ""
    error = _percent(record["result"]["track"]["calibration_error"])
    return f"\n\nFor whole clips of the test part, after scaling, it is {error} points."


def _detection(card: dict[str, Any]) -> str:
    rows = [
        [row["kind"], str(row["n"]), f"{row['auroc']:.2f}", _percent(row["detected"], 0)]
        for row in card["detection"]
    ]
    return _table("kind, sounds, area under the ROC curve, called unfamiliar %", rows)


def _hours(record: dict[str, Any] | None) -> str:
    made = record["provenance"] if record else {}
    sentences = [
        f"The training took {made['seconds'] / 3600:.2g} hours."
        if made.get("seconds")
        else "The hours of training were not recorded, so that no amount of carbon is given."
    ]
    if made:
        sentences.append(
            f"The test score was computed on {made['cores']} cores, with Python "
            f"{made['python']} and PyTorch {made['versions']['torch']}."
        )
    return " ".join(sentences)


def _table(heads: str, rows: list[list[str]]) -> str:
    """Return a table in Markdown; the heads are separated by commas."""
    names = heads.split(", ")
    lines = [names, ["---"] + ["--:"] * (len(names) - 1), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _percent(share: float, digits: int = 1) -> str:
    return f"{100 * share:.{digits}f}"


def _interval(score: dict[str, Any], digits: int = 1) -> str:
    return f"{_percent(score['low'], digits)} to {_percent(score['high'], digits)}"


def _artists(tracks: pd.DataFrame) -> str:
    """Return the number of artists; each unknown one counts as another."""
    return str(len(set(independent_groups(tracks["artist"], tracks.index))))
