"""Predictions: the probabilities of each window, and the genre of the whole."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np

from ..evaluation.aggregate import SMALLEST, aggregate

__all__ = ["Prediction"]


@dataclasses.dataclass(frozen=True, eq=False)
class Prediction:
    """The prediction of a model for a piece of sound.

    Attributes
    ----------
    genres : tuple of str
        Names of the columns of `windows`.
    windows : np.ndarray [shape=(n, genres), dtype=float32]
        Probabilities of each window; rows sum to one.
    starts_s : np.ndarray [shape=(n,)]
        Start of each window in seconds.
    window_s : float
        Length of a window in seconds.
    aggregation : str
        How the windows are combined, as for `gtzan_lib.evaluation.aggregate.aggregate`.
    distances : np.ndarray [shape=(n,), dtype=float32], optional
        Distance of each window to the training windows of the model, in standard
        deviations; NaN if the model cannot tell.
    distance_limit : float
        The mean distance beyond which the sound is `unfamiliar`; NaN if the model
        cannot tell.
    """

    genres: tuple[str, ...]
    windows: np.ndarray
    starts_s: np.ndarray
    window_s: float
    aggregation: str = "mean"
    distances: np.ndarray | None = None
    distance_limit: float = math.nan

    def __repr__(self) -> str:
        best = ", ".join(f"{genre} {100 * value:.0f} %" for genre, value in self.top(3))
        return f"Prediction({best}; {len(self.windows)} windows of {self.window_s:g} s)"

    @property
    def probabilities(self) -> dict[str, float]:
        """Probabilities by genre, aggregated over windows."""
        whole = aggregate(self.windows, self.aggregation)
        return dict(zip(self.genres, whole.tolist(), strict=True))

    def top(self, k: int = 3) -> list[tuple[str, float]]:
        """Return the most probable genres with their probabilities, best first."""
        return sorted(self.probabilities.items(), key=lambda pair: -pair[1])[:k]

    @property
    def genre(self) -> str:
        """The most probable genre."""
        return self.top(1)[0][0]

    @property
    def confidence(self) -> float:
        """Probability of `genre`; of confident answers, about as many are right."""
        return self.top(1)[0][1]

    @property
    def distance(self) -> float:
        """Distance to the training windows, averaged over windows; NaN if not known."""
        return math.nan if self.distances is None else float(np.mean(self.distances))

    @property
    def unfamiliar(self) -> bool | None:
        """Whether the sound is unlike anything that the model was trained on.

        None if the model cannot tell. One in twenty pieces of music like the training
        tracks is unfamiliar, too.
        """
        if math.isnan(self.distance_limit):
            return None
        return self.distance > self.distance_limit

    @property
    def timeline(self) -> list[dict[str, Any]]:
        """One entry per window: `start_s`, `end_s`, `genre`, `probabilities`."""
        return [
            {
                "start_s": round(float(start), 3),
                "end_s": round(float(start) + self.window_s, 3),
                "genre": self.genres[int(row.argmax())],
                "probabilities": dict(zip(self.genres, row.tolist(), strict=True)),
            }
            for start, row in zip(self.starts_s, self.windows, strict=True)
        ]

    @property
    def decisive_windows(self) -> np.ndarray:
        """The smallest set of windows without which another genre is at least as probable.

        Returns
        -------
        np.ndarray [dtype=int64]
            Numbers of windows, the largest margin over the other genre first. A
            single window is decisive.
        """
        windows = self.windows.astype(np.float64)
        if self.aggregation == "geometric mean":
            # The product decides, and so the sum of logarithms.
            windows = np.log(np.maximum(windows, SMALLEST))
        winner, smallest = self.genres.index(self.genre), None
        for rival in set(range(len(self.genres))) - {winner}:
            margin = windows[:, winner] - windows[:, rival]
            order = np.argsort(-margin, kind="stable")
            left = margin.sum() - np.cumsum(margin[order])
            # Without any window no genre is ahead; this removes the rounding error.
            left[-1] = 0.0
            needed = int(np.argmax(left <= 1e-9)) + 1
            if smallest is None or needed < len(smallest):
                smallest = order[:needed]
        return np.arange(len(windows)) if smallest is None else smallest

    def as_dict(self) -> dict[str, Any]:
        """Return the prediction as JSON values.

        Returns
        -------
        dict
            `genre`, `confidence`, `unfamiliar`, `distance`, `distance_limit`,
            `probabilities` and `timeline`; what the model cannot tell is None.
        """
        knows = self.unfamiliar is not None
        return {
            "genre": self.genre,
            "confidence": self.confidence,
            "unfamiliar": self.unfamiliar,
            "distance": self.distance if knows else None,
            "distance_limit": self.distance_limit if knows else None,
            "probabilities": self.probabilities,
            "timeline": self.timeline,
        }
