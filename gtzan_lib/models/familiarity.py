"""How far sound is from everything that a model was trained on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import torch
from torch import nn

__all__ = ["FALSE_ALARMS", "Familiarity", "fit_familiarity"]

FALSE_ALARMS = 0.05
"""Share of music like the training tracks that is nevertheless called unfamiliar."""

_NEIGHBOURS = 5
# More windows would make predictions slower and the file larger.
_MOST_REFERENCES = 5000
# The shortest deviation, so that a constant value does not divide by zero.
_SMALLEST = 1e-6


class Familiarity(nn.Module):
    """The distance of windows to the nearest training windows.

    Parameters
    ----------
    references : int
        Number of training windows.
    values : int
        Number of values that represent a window.
    limits : int
        Number of lengths of sound that have a limit of their own.
    tracks : int
        Number of tracks whose distances are kept.

    Attributes
    ----------
    mean : torch.Tensor [shape=(values,)]
        Of the training windows.
    whitening : torch.Tensor [shape=(values, values)]
        Makes the covariance of the training windows the identity.
    references : torch.Tensor [shape=(references, values)]
        The training windows, whitened.
    limits : torch.Tensor [shape=(limits,)]
        The distance, averaged over 1, 2, ... windows, that only `FALSE_ALARMS` of
        the training tracks exceed when they are left out of the references.
    tracks : torch.Tensor [shape=(tracks,)]
        The distance of each training track, left out in the same way; sorted.

    Notes
    -----
    `fit_familiarity` sets the weights. The book page "Inference" measures what is
    found, and what is not.

    References
    ----------
    Y. Sun, Y. Ming, X. Zhu and Y. Li, "Out-of-distribution detection with deep nearest
    neighbors", ICML 2022.
    """

    mean: torch.Tensor
    whitening: torch.Tensor
    references: torch.Tensor
    limits: torch.Tensor
    tracks: torch.Tensor

    def __init__(self, references: int, values: int, limits: int, tracks: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(values))
        self.register_buffer("whitening", torch.eye(values))
        self.register_buffer("references", torch.zeros(references, values))
        self.register_buffer("limits", torch.zeros(limits))
        self.register_buffer("tracks", torch.zeros(tracks))

    def forward(self, windows: torch.Tensor) -> torch.Tensor:
        """Return the mean distance of each window to its nearest training windows.

        Parameters
        ----------
        windows : torch.Tensor [shape=(n, values), dtype=float32]
            One row per window.

        Returns
        -------
        torch.Tensor [shape=(n,), dtype=float32]
            In standard deviations of the training windows.
        """
        white = (windows - self.mean) @ self.whitening
        distances = torch.cdist(white, self.references)
        nearest = min(_NEIGHBOURS, len(self.references))
        return distances.topk(nearest, dim=1, largest=False).values.mean(dim=1)

    def limit(self, windows: int) -> float:
        """Return the distance beyond which sound is called unfamiliar.

        Parameters
        ----------
        windows : int
            Number of windows over which the distance is averaged.

        Returns
        -------
        float
            The limit.
        """
        return float(self.limits[min(windows, len(self.limits)) - 1])


def fit_familiarity(
    tracks: Sequence[np.ndarray], folds: Iterable[tuple[np.ndarray, np.ndarray]]
) -> Familiarity:
    """Fit the distance on the windows of tracks.

    Parameters
    ----------
    tracks : sequence of np.ndarray [shape=(windows, values)]
        What represents the windows of each track, in order of time.
    folds : iterable of (np.ndarray, np.ndarray)
        Numbers of the tracks that are references and of those that are left out; each
        track is left out once. Limits are chosen by the tracks left out.

    Returns
    -------
    Familiarity
        Whose references are windows of all tracks.
    """
    left_out: list[np.ndarray] = [np.zeros(0)] * len(tracks)
    for references, others in folds:
        fold = _fit([tracks[i] for i in references])
        for i in others:
            left_out[i] = fold(torch.from_numpy(tracks[i]).float()).numpy()
    longest = int(np.median([len(track) for track in tracks]))
    fitted = _fit(tracks, longest, len(tracks))
    means = np.array([distances.mean() for distances in left_out])
    limits = [_limit(left_out, windows) for windows in range(1, longest)]
    limits.append(float(np.quantile(means, 1 - FALSE_ALARMS)))
    fitted.limits.copy_(torch.tensor(limits))
    fitted.tracks.copy_(torch.from_numpy(np.sort(means)))
    return fitted


def _fit(tracks: Sequence[np.ndarray], limits: int = 1, left_out: int = 1) -> Familiarity:
    from sklearn.covariance import LedoitWolf

    rows = np.concatenate(tracks).astype(np.float64)
    # Evenly over all tracks, in their order.
    rows = rows[:: -(-len(rows) // _MOST_REFERENCES)]
    mean, deviation = rows.mean(axis=0), np.maximum(rows.std(axis=0), _SMALLEST)
    covariance = LedoitWolf().fit((rows - mean) / deviation).covariance_
    whitening = np.linalg.cholesky(np.linalg.inv(covariance)) / deviation[:, None]
    fitted = Familiarity(len(rows), rows.shape[1], limits, left_out)
    fitted.mean.copy_(torch.from_numpy(mean))
    fitted.whitening.copy_(torch.from_numpy(whitening))
    fitted.references.copy_(torch.from_numpy((rows - mean) @ whitening))
    return fitted.eval()


def _limit(left_out: list[np.ndarray], windows: int) -> float:
    """Return the limit for means over some successive windows of a track."""
    means = [
        np.convolve(distances, np.full(windows, 1 / windows), mode="valid")
        for distances in left_out
        if len(distances) >= windows
    ]
    # A track counts once, however many windows it has.
    weights = np.concatenate([np.full(len(values), 1 / len(values)) for values in means])
    values = np.concatenate(means)
    order = np.argsort(values)
    share = np.cumsum(weights[order]) / weights.sum()
    return float(values[order][np.searchsorted(share, 1 - FALSE_ALARMS)])
