"""Fitting a classifier to the tags of tracks, and its scores out of fold."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch

from ..errors import ModelError
from ..evaluation.aggregate import aggregate
from ..models.familiarity import Familiarity, fit_familiarity
from ..models.heads import LogisticHead
from ..stats import Score, bootstrap_score, calibration_score, wilson_score

__all__ = ["FittedHead", "artist_folds", "fit_head"]

# Inverse strengths of regularisation to choose from.
_STRENGTHS = (0.03, 0.1, 0.3, 1.0)
_FOLDS = 5
# Weight of each degraded copy of a track; that of the track itself is 1.
_DEGRADED_WEIGHT = 0.3
# Of the coefficients; standardised inputs need no more digits.
_TOLERANCE = 1e-3
# Range of the temperature.
_TEMPERATURES = (0.2, 5.0)


@dataclasses.dataclass(frozen=True, eq=False)
class FittedHead:
    """A head, and what it predicts for tracks that were left out of its training.

    Attributes
    ----------
    head : LogisticHead
        Fitted on all tracks.
    genres : tuple of str
        In the order of its outputs.
    strength : float
        The inverse strength of the regularisation, scikit-learn's `C`.
    truth : np.ndarray [shape=(tracks,), dtype=int64]
        The column of each track's genre.
    groups : np.ndarray [shape=(tracks,)]
        The artist of each track, or another group that was left out as a whole.
    logits : list of np.ndarray [shape=(n, genres)]
        Logits of the windows of each track, out of fold and not divided by the
        temperature: by heads that were fitted without the track's group. With
        several repetitions, the last.
    folds : np.ndarray [shape=(tracks,), dtype=int64]
        Number of the fold in which each track was left out.
    familiarity : Familiarity
        Fitted on the same tracks; its limits are chosen with the same folds.
    """

    head: LogisticHead
    genres: tuple[str, ...]
    strength: float
    truth: np.ndarray
    groups: np.ndarray
    logits: list[np.ndarray]
    folds: np.ndarray
    familiarity: Familiarity

    @property
    def windows(self) -> list[np.ndarray]:
        """Probabilities of the windows of each track, out of fold [shape=(n, genres)]."""
        return self._probabilities(float(self.head.temperature))

    @property
    def tracks(self) -> np.ndarray:
        """Probabilities of each track, out of fold [shape=(tracks, genres)]."""
        return np.stack([aggregate(rows, "geometric mean") for rows in self.windows])

    @property
    def track_accuracy(self) -> Score:
        """Accuracy by track, out of fold, with Wilson's interval."""
        return wilson_score(self.tracks.argmax(axis=1) == self.truth)

    @property
    def window_accuracy(self) -> Score:
        """Accuracy by window, out of fold, with a bootstrap over groups."""
        correct = [
            rows.argmax(axis=1) == truth
            for rows, truth in zip(self.windows, self.truth, strict=True)
        ]
        groups = np.repeat(self.groups, [len(rows) for rows in correct])
        return bootstrap_score(np.concatenate(correct), groups)

    def calibration(self, unit: str, *, calibrated: bool = True) -> Score:
        """Return the expected calibration error out of fold.

        Parameters
        ----------
        unit : {"track", "window"}
            What is counted.
        calibrated : bool
            Whether logits are divided by the temperature.

        Returns
        -------
        Score
            With a bootstrap over groups.
        """
        windows = self._probabilities(float(self.head.temperature) if calibrated else 1.0)
        if unit == "track":
            rows = np.stack([aggregate(track, "geometric mean") for track in windows])
            truth, groups = self.truth, self.groups
        else:
            lengths = [len(track) for track in windows]
            rows = np.concatenate(windows)
            truth, groups = np.repeat(self.truth, lengths), np.repeat(self.groups, lengths)
        return calibration_score(rows.max(axis=1), rows.argmax(axis=1) == truth, groups)

    def _probabilities(self, temperature: float) -> list[np.ndarray]:
        return [np.exp(_log_softmax(track / temperature)) for track in self.logits]


def fit_head(
    logits: Sequence[np.ndarray],
    genres: Sequence[str],
    groups: Sequence[str],
    *,
    degradations: Sequence[Callable[[np.ndarray], np.ndarray]] = (),
    repetitions: int = 1,
    seed: int = 0,
) -> FittedHead:
    """Fit a logistic regression on the tags of tracks, so that short sound is predicted, too.

    Training rows are the windows of each track and their mean; both halves, and all
    tracks, have the same weight. Copies of a track that are degraded count less than the
    track itself, and are not used to score or to choose. Regularisation and temperature
    minimise the mean log loss of windows and tracks in cross-validation, from which whole
    groups are left out.

    Parameters
    ----------
    logits : sequence of np.ndarray [shape=(windows, tags)]
        One per track, as from `gtzan_lib.inference.musicnn_model.MusicnnModel.tag_logits`.
    genres : sequence of str
        The genre of each track.
    groups : sequence of str
        The artist of each track; its own id where the artist is not known.
    degradations : sequence of callable
        Each takes the tags of a track and returns those of a degraded copy, as
        `gtzan_lib.models.degraded_tags.load_changes` does.
    repetitions : int
        How often the cross-validation is repeated, each time with other folds.
    seed : int
        Seed of the folds.

    Returns
    -------
    FittedHead
        The head, and its predictions out of fold.

    Raises
    ------
    ModelError
        If there are fewer than two genres, or a genre has tracks of fewer than two
        groups.

    References
    ----------
    C. Guo, G. Pleiss, Y. Sun and K. Q. Weinberger, "On calibration of modern neural
    networks", ICML 2017, section 4.2: temperature scaling.
    """
    from scipy.optimize import minimize_scalar

    names, truth = np.unique(np.asarray(genres, dtype=str), return_inverse=True)
    group = np.asarray(groups, dtype=str)
    _require_groups(names, truth, group)
    rows = [np.asarray(track, dtype=np.float64) for track in logits]

    def left_out(strength: float, repetition: int) -> list[np.ndarray]:
        scores: list[np.ndarray] = [np.zeros(0)] * len(rows)
        for train, test in artist_folds(truth, group, seed + repetition):
            head = _fit([rows[i] for i in train], truth[train], strength, degradations)
            for i in test:
                scores[i] = _logits(head, rows[i])
        return scores

    def loss(scores: list[np.ndarray], temperature: float) -> float:
        windows = [
            _log_softmax(track / temperature)[:, k] for track, k in zip(scores, truth, strict=True)
        ]
        means = _log_softmax(np.stack([track.mean(axis=0) for track in scores]) / temperature)
        tracks = means[np.arange(len(truth)), truth]
        return float(-(np.mean([track.mean() for track in windows]) + np.mean(tracks)) / 2)

    by_strength = {
        strength: [left_out(strength, repetition) for repetition in range(repetitions)]
        for strength in _STRENGTHS
    }
    best = min(
        by_strength, key=lambda strength: np.mean([loss(t, 1.0) for t in by_strength[strength]])
    )
    found = minimize_scalar(
        lambda temperature: np.mean([loss(scores, temperature) for scores in by_strength[best]]),
        bounds=_TEMPERATURES,
        method="bounded",
    )
    head = _fit(rows, truth, best, degradations)
    head.temperature.fill_(float(found.x))
    parts = list(artist_folds(truth, group, seed + repetitions - 1))
    folds = np.zeros(len(rows), dtype=np.int64)
    for number, (_, test) in enumerate(parts):
        folds[test] = number
    return FittedHead(
        head.eval(),
        tuple(names.tolist()),
        best,
        truth,
        group,
        by_strength[best][-1],
        folds,
        fit_familiarity(rows, parts),
    )


def _require_groups(names: np.ndarray, truth: np.ndarray, group: np.ndarray) -> None:
    if len(names) < 2:
        raise ModelError(
            f"there is only the genre {', '.join(names)}; give tracks of at least two."
        )
    for column, name in enumerate(names.tolist()):
        if len(set(group[truth == column])) < 2:
            raise ModelError(
                f"all tracks of genre {name!r} are by one artist, or there is only one; give "
                "tracks of at least two artists, of which one can be left out."
            )


def artist_folds(
    truth: np.ndarray, group: np.ndarray, seed: int
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Divide tracks into folds, by artist and with all genres in each.

    Parameters
    ----------
    truth : np.ndarray [shape=(tracks,), dtype=int64]
        The column of each track's genre.
    group : np.ndarray [shape=(tracks,)]
        The artist of each track.
    seed : int
        Seed of the folds.

    Returns
    -------
    iterator of (np.ndarray, np.ndarray)
        Numbers of the tracks to train on and of those left out; five times, or as often
        as the genre with the fewest artists allows.
    """
    from sklearn.model_selection import StratifiedGroupKFold

    fewest = min(len(set(group[truth == column])) for column in np.unique(truth))
    folds = StratifiedGroupKFold(min(_FOLDS, fewest), shuffle=True, random_state=seed)
    return folds.split(truth, truth, group)


def _fit(
    tracks: list[np.ndarray],
    truth: np.ndarray,
    strength: float,
    degradations: Sequence[Callable[[np.ndarray], np.ndarray]],
) -> LogisticHead:
    """Fit a head of temperature 1."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import StandardScaler

    copies = [tracks, *([degrade(track) for track in tracks] for degrade in degradations)]
    rows = [track for copy in copies for track in copy]
    shares = np.repeat([1.0] + [_DEGRADED_WEIGHT] * len(degradations), len(tracks))
    shares /= 1 + _DEGRADED_WEIGHT * len(degradations)
    X = np.concatenate([*rows, np.stack([track.mean(axis=0) for track in rows])])
    lengths, columns = [len(track) for track in rows], np.tile(truth, len(copies))
    y = np.concatenate([np.repeat(columns, lengths), columns])
    weights = np.concatenate([np.repeat(0.5 * shares / np.array(lengths), lengths), 0.5 * shares])
    scaler = StandardScaler().fit(X, sample_weight=weights)
    model = LogisticRegression(C=strength, max_iter=5000, tol=_TOLERANCE)
    model.fit(scaler.transform(X), y, sample_weight=weights)
    head = LogisticHead(len(model.classes_), X.shape[1])
    coefficients, intercepts = model.coef_, model.intercept_
    if len(coefficients) == 1:
        # Of two genres, scikit-learn has the logit of the second alone.
        coefficients = np.concatenate([-coefficients / 2, coefficients / 2])
        intercepts = np.concatenate([-intercepts / 2, intercepts / 2])
    with torch.no_grad():
        head.mean.copy_(torch.from_numpy(scaler.mean_))
        head.deviation.copy_(torch.from_numpy(scaler.scale_))
        head.linear.weight.copy_(torch.from_numpy(coefficients))
        head.linear.bias.copy_(torch.from_numpy(intercepts))
    return head.requires_grad_(False)


def _logits(head: LogisticHead, rows: np.ndarray) -> np.ndarray:
    return head(torch.from_numpy(rows).float()).numpy().astype(np.float64)


def _log_softmax(logits: np.ndarray) -> np.ndarray:
    from scipy.special import log_softmax

    return log_softmax(logits, axis=-1)
