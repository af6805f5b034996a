"""Cutting sound into windows while it arrives."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .spectrograms import Recipe

__all__ = ["Cut", "Cutter"]


class Cut(NamedTuple):
    """A window of sound.

    Attributes
    ----------
    start_s : float
        Where it begins, in seconds from the first sample.
    y : np.ndarray [shape=(n,), dtype=float32]
        Its samples.
    """

    start_s: float
    y: np.ndarray


class Cutter:
    """Turns sound that arrives piece by piece into windows.

    It keeps one window of sound, however long the stream.

    Parameters
    ----------
    recipe : Recipe
        Whose windows, and at which sample rate.
    step : float, optional
        Seconds from one window's start to the next. Default: the recipe's.
    """

    def __init__(self, recipe: Recipe, step: float | None = None) -> None:
        self._recipe = recipe
        self._step = max(1, round((recipe.step if step is None else step) * recipe.sample_rate))
        self._kept = np.zeros(0, dtype=np.float32)
        self._first = 0  # number of the first sample that is kept
        self._next = 0  # where the next window begins
        self._last = 0  # where the last one ended

    def push(self, y: np.ndarray) -> list[Cut]:
        """Take the next samples.

        Parameters
        ----------
        y : np.ndarray [shape=(n,), dtype=float32]
            Mono, at the recipe's sample rate.

        Returns
        -------
        list of Cut
            Windows that are complete by now.
        """
        cuts = []
        self._kept = np.concatenate([self._kept, y])
        samples = self._recipe.samples
        while self._next + samples <= self._heard:
            cuts.append(self._cut(self._next, samples))
            self._last = self._next + samples
            self._next += self._step
        # What a last window, which ends where the sound ends, can still need.
        done = max(0, min(self._next, self._heard - samples) - self._first)
        self._kept = self._kept[done:]
        self._first += done
        return cuts

    def finish(self) -> list[Cut]:
        """Tell that there is no more sound.

        Returns
        -------
        list of Cut
            None, or one: a last window that ends where the sound ends, where half a step or
            more was not in any window. Sound shorter than a window is repeated
            until it fills one.
        """
        samples, heard = self._recipe.samples, self._heard
        slack = self._recipe.slack * self._recipe.sample_rate
        if self._last == 0 and 0 < heard < samples:
            cut = self._cut(0, heard)
            short = heard < samples - slack
            return [Cut(0.0, np.resize(cut.y, samples)) if short else cut]
        if self._last and heard - self._last >= min(self._step, samples) / 2:
            return [self._cut(heard - samples, samples)]
        return []

    @property
    def _heard(self) -> int:
        return self._first + len(self._kept)

    def _cut(self, start: int, samples: int) -> Cut:
        place = start - self._first
        return Cut(start / self._recipe.sample_rate, self._kept[place : place + samples])
