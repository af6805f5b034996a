"""The front matter of a model card: what programs read of it."""

from __future__ import annotations

from typing import Any

import yaml

__all__ = ["front_matter"]

# The data set's name on the hub of Hugging Face, and how this project divides it.
_DATASET = "marsyas/gtzan"
_DATASET_NAME = "GTZAN, fault-filtered split"
_SPLITS = {
    "test part": "test",
    "validation part": "validation",
    "training part, out of fold": "train",
}


def front_matter(name: str, card: dict[str, Any], record: dict[str, Any] | None) -> str:
    """Return the front matter of a model's card.

    Parameters
    ----------
    name : str
        Name of the model.
    card : dict
        As in `gtzan_lib.documents.CardDocument`.
    record : dict or None
        Of the test score, as in `gtzan_lib.documents.RecordDocument`.

    Returns
    -------
    str
        YAML between two lines of dashes. Metrics are shares, from 0 to 1; their `args` hold
        the 95 % interval, how it was computed, and the number of predictions.
    """
    results = {
        "task": {"type": "audio-classification", "name": "Music-genre classification"},
        "dataset": {
            "type": _DATASET,
            "name": _DATASET_NAME,
            "config": "default",
            "split": _SPLITS[card["part"]],
        },
        "metrics": [_accuracy(score) for score in card["accuracy"]] + _f1(record),
    }
    fields = {
        "license": "mit",
        "language": "en",
        "library_name": "gtzan-lib",
        "pipeline_tag": "audio-classification",
        "tags": ["audio", "music", "music-genre-classification", "gtzan", card["architecture"]],
        "datasets": [_DATASET],
        "metrics": ["accuracy", "f1"],
        "model-index": [{"name": name, "results": [results]}],
    }
    text = yaml.safe_dump(fields, sort_keys=False, allow_unicode=True, width=1000)
    return f"---\n{text}---\n"


def _accuracy(score: dict[str, Any]) -> dict[str, Any]:
    low, high = 100 * score["low"], 100 * score["high"]
    return {
        "type": "accuracy",
        "name": f"Accuracy, {score['input_s']:.0f} s of sound (95 % interval {low:.1f} to "
        f"{high:.1f} %, {score['interval']}, n = {score['n']})",
        "value": round(score["value"], 4),
        "args": {
            "low": round(score["low"], 4),
            "high": round(score["high"], 4),
            "interval": score["interval"],
            "n": score["n"],
        },
    }


def _f1(record: dict[str, Any] | None) -> list[dict[str, Any]]:
    if record is None:
        return []
    track = record["result"]["track"]
    return [
        {
            "type": "f1",
            "name": "Macro F1, whole clips",
            "value": round(track["macro_f1"], 4),
            "args": {"average": "macro", "n": track["n"]},
        }
    ]
