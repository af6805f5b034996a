"""How the model `gtzan-scratch` is made from GTZAN's log-mels, without other data."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch

from ..data import logmels
from ..data.loaders import gtzan
from ..errors import CorpusError
from ..inference.ensemble_model import COMPONENTS, StatisticsEnsemble
from ..inference.fitting import artist_folds
from ..inference.model import Model, single_thread
from ..inference.zoo import load_model, save_ensemble, update_card
from ..models.familiarity import Familiarity, fit_familiarity
from ..signal import dsp
from ..signal.logmel_statistics import group_sizes, logmel_statistics
from ..signal.recipes import Recipe
from ..signal.spectrograms import from_log_mels
from ..stats import (
    Score,
    bootstrap_score,
    calibration_score,
    independent_groups,
    wilson_score,
)
from .unfamiliar import detection

__all__ = [
    "LOG_MELS",
    "MEMBERS",
    "SHORT_S",
    "FittedEnsemble",
    "LogMelWindows",
    "fit_scratch",
    "log_mel_excerpts",
    "log_mel_windows",
    "log_mels_of_part",
    "tilted",
    "train_scratch",
]

_TEXTURE = ("band_roughness", "band_rise", "cepstrum_deviation", "delta_deviation")

MEMBERS = {
    "level": ("band_mean", "band_deviation", "band_skewness", "band_quantile", *_TEXTURE),
    "moments": (
        *_TEXTURE,
        "cepstrum_skewness",
        "cepstrum_kurtosis",
        "delta_skewness",
        "delta_kurtosis",
    ),
    "covariance": ("lagged_covariance",),
}
"""Groups of statistics of each member."""

# Weight of the squared coefficients against the mean log loss.
_PENALTIES = {"level": 1e-3, "moments": 1e-4, "covariance": 1e-4}

# Windows of 5 s, so that a stream is answered early.
_WINDOW_S = 5.0
SHORT_S = 3.0
"""Length of short excerpts in seconds."""

LOG_MELS = Path("mel/gtzan_logmel_999.npz")
"""The file of GTZAN's log-mels, below its root."""

# Share of the training weight of tilted windows, and their largest tilt in dB an octave.
_TILTED_SHARE, _STEEPEST = 0.2, 4.0

# Decibels of the grey scale; quieter levels are cut off at 80 dB below the maximum.
_RANGE_DB = 80.0
_PIVOT_HZ = 1000.0
_TEMPERATURES = (0.1, 10.0)


class LogMelWindows(NamedTuple):
    """Windows of tracks.

    Attributes
    ----------
    images : np.ndarray [shape=(n, 128, columns), dtype=uint8]
        Log-mels.
    track : np.ndarray [shape=(n,)]
        The number of each one's track.
    """

    images: np.ndarray
    track: np.ndarray


@dataclasses.dataclass(frozen=True, eq=False)
class FittedEnsemble:
    """The ensemble, and what it predicts for the validation part.

    Attributes
    ----------
    net : StatisticsEnsemble
        Fitted on the training part.
    recipe : Recipe
        Of its images.
    genres : tuple of str
        In the order of its outputs.
    trained_on, selected_on : tuple of str
        Training and validation tracks.
    artists : np.ndarray [shape=(tracks,)]
        Of the validation tracks; their ids where the artist is not known.
    truth : np.ndarray [shape=(tracks,), dtype=int64]
        The column of each validation track's genre.
    windows : np.ndarray [shape=(members, n, genres), dtype=float64]
        Logits of the members for the validation tracks' windows, without temperature.
    track : np.ndarray [shape=(n,)]
        The number of each window's track.
    short : np.ndarray [shape=(members, m, genres), dtype=float64]
        The same for excerpts of 3 s.
    short_track : np.ndarray [shape=(m,)]
        The number of each excerpt's track.
    familiarity : Familiarity
        Of the training windows; tracks of one artist are left out together.
    """

    net: StatisticsEnsemble
    recipe: Recipe
    genres: tuple[str, ...]
    trained_on: tuple[str, ...]
    selected_on: tuple[str, ...]
    artists: np.ndarray
    truth: np.ndarray
    windows: np.ndarray
    track: np.ndarray
    short: np.ndarray
    short_track: np.ndarray
    familiarity: Familiarity

    @property
    def track_accuracy(self) -> Score:
        """Accuracy by track, with Wilson's interval."""
        logits = _by_track(self.windows.mean(axis=0), self.track)
        return wilson_score(logits.argmax(axis=1) == self.truth)

    @property
    def member_accuracies(self) -> dict[str, Score]:
        """Accuracy of each member alone, by track."""
        return {
            name: wilson_score(_by_track(logits, self.track).argmax(axis=1) == self.truth)
            for name, logits in zip(self.net.members, self.windows, strict=True)
        }

    @property
    def short_accuracy(self) -> Score:
        """Accuracy for single excerpts of 3 s, with a bootstrap over artists."""
        correct = self.short.mean(axis=0).argmax(axis=1) == self.truth[self.short_track]
        return bootstrap_score(correct, self.artists[self.short_track])

    def calibration(self, *, calibrated: bool) -> tuple[Score, Score]:
        """Compute the expected calibration error, by track and for single excerpts of 3 s.

        Parameters
        ----------
        calibrated : bool
            Whether logits are divided by the temperature.

        Returns
        -------
        track, short : Score
            With a bootstrap over artists.
        """
        temperature = float(self.net.temperature) if calibrated else 1.0

        def error(logits: np.ndarray, tracks: np.ndarray) -> Score:
            probabilities = np.exp(_log_softmax(logits / temperature))
            correct = probabilities.argmax(axis=1) == self.truth[tracks]
            return calibration_score(probabilities.max(axis=1), correct, self.artists[tracks])

        whole = _by_track(_log_softmax(self.windows.mean(axis=0)), self.track)
        every = np.arange(len(self.truth))
        return error(whole, every), error(self.short.mean(axis=0), self.short_track)


def train_scratch(root: str | Path, folder: str | Path, *, seed: int = 0) -> Model:
    """Train `gtzan-scratch` and write it into a folder.

    It takes one to two minutes.

    Parameters
    ----------
    root : str or Path
        GTZAN, with `mel/gtzan_logmel_999.npz`.
    folder : str or Path
        Folder for the model; a model in it is replaced.
    seed : int
        Seed of the tilts.

    Returns
    -------
    Model
        The model. Its card has the scores for the validation part.

    Raises
    ------
    CorpusError
        If the file of log-mels is missing or damaged, or lacks the tracks of the split.
    """
    fitted = fit_scratch(Path(root) / LOG_MELS, seed=seed)
    lengths = logmels.SECONDS, SHORT_S
    scores = fitted.track_accuracy, fitted.short_accuracy
    save_ensemble(
        folder,
        fitted.net,
        fitted.recipe,
        fitted.genres,
        fitted.familiarity,
        corpus="gtzan",
        protocol="official",
        part="validation part",
        trained_on=list(fitted.trained_on),
        selected_on=list(fitted.selected_on),
        accuracy=[
            {"input_s": seconds, **score._asdict()}
            for seconds, score in zip(lengths, scores, strict=True)
        ],
        calibration=[
            {"input_s": seconds, "calibrated": calibrated, **error._asdict()}
            for calibrated in (False, True)
            for seconds, error in zip(
                lengths, fitted.calibration(calibrated=calibrated), strict=True
            )
        ],
    )
    model = load_model(Path(folder).absolute())
    update_card(folder, detection=detection(model))
    return load_model(Path(folder).absolute())


def fit_scratch(path: str | Path, *, seed: int = 0) -> FittedEnsemble:
    """Fit the ensemble on the training part of the published split.

    Training rows are the windows of each track, and the same windows with random tilts.
    The temperatures come from the validation part. Tracks of the test part are not used.

    Parameters
    ----------
    path : str or Path
        The file of log-mels of GTZAN.
    seed : int
        As for `train_scratch`.

    Returns
    -------
    FittedEnsemble
        The ensemble.

    Raises
    ------
    CorpusError
        If the file is missing or damaged, or lacks the tracks of the split.
    """
    recipe = Recipe.preset("mel-gtzan-store", seconds=_WINDOW_S)
    train, valid = (log_mels_of_part(path, part) for part in ("train", "valid"))
    genres, column = np.unique([name.partition(".")[0] for name in train], return_inverse=True)
    truth = np.searchsorted(genres, [name.partition(".")[0] for name in valid])
    rng = np.random.default_rng(seed)
    windows = log_mel_windows(train, recipe)
    slopes = rng.uniform(-_STEEPEST, _STEEPEST, len(windows.images))
    net = StatisticsEnsemble(len(genres), MEMBERS)
    with single_thread:
        _fit(net, windows, tilted(windows.images, slopes), column)
        artists = independent_groups(gtzan.facts()["artist"].loc[list(train)], train)
        familiarity = _fit_familiarity(net, windows, artist_folds(column, artists, seed))
        whole, parts = log_mel_windows(valid, recipe), log_mel_excerpts(valid, recipe)
        logits, short_logits = _member_logits(net, whole), _member_logits(net, parts)
    for number, member in enumerate(net.members.values()):
        found = _temperature(logits[number], whole.track, truth)
        _divide(member, found)
        logits[number] /= found
        short_logits[number] /= found
    net.temperature.fill_(_temperature(logits.mean(axis=0), whole.track, truth))
    return FittedEnsemble(
        net.eval().requires_grad_(False),
        recipe,
        tuple(genres.tolist()),
        tuple(train),
        tuple(valid),
        independent_groups(gtzan.facts()["artist"].loc[list(valid)], valid),
        truth,
        logits,
        whole.track,
        short_logits,
        parts.track,
        familiarity,
    )


def tilted(images: np.ndarray, slopes: np.ndarray) -> np.ndarray:
    """Tilt the spectra of images around 1 kHz.

    Parameters
    ----------
    images : np.ndarray [shape=(n, 128, columns), dtype=uint8]
        Images of the recipe `mel-gtzan-store`, whose grey scale is taken for 80 dB.
    slopes : np.ndarray [shape=(n,)]
        In dB an octave.

    Returns
    -------
    np.ndarray [shape=(n, 128, columns), dtype=uint8]
        Tilted images; levels more than 80 dB below the new maximum are raised to it.
    """
    recipe = Recipe.preset("mel-gtzan-store")
    weights = dsp.mel_weights(
        sample_rate=recipe.sample_rate, n_fft=recipe.n_fft, n_mels=recipe.n_mels
    )
    centres = weights @ np.fft.rfftfreq(recipe.n_fft, 1 / recipe.sample_rate)
    octaves = np.log2(centres / weights.sum(axis=1) / _PIVOT_HZ)
    gains = np.outer(slopes, octaves) * (255 / _RANGE_DB)
    levels = images.astype(np.float32) + gains.astype(np.float32)[:, :, None]
    levels = np.maximum(levels, levels.max(axis=(1, 2), keepdims=True) - 255)
    lowest = levels.min(axis=(1, 2), keepdims=True)
    span = levels.max(axis=(1, 2), keepdims=True) - lowest
    return np.rint((levels - lowest) * (255 / np.maximum(span, 1))).astype(np.uint8)


def log_mels_of_part(path: str | Path, part: str) -> dict[str, np.ndarray]:
    """Read the log-mels of a part of the published split.

    Parameters
    ----------
    path : str or Path
        The file of log-mels of GTZAN.
    part : {"train", "valid", "test"}
        The part; the test part only for a score that is asked for and noted.

    Returns
    -------
    dict of str to np.ndarray [shape=(128, columns), dtype=uint8]
        Images of whole clips by track id.

    Raises
    ------
    CorpusError
        If the file is missing or damaged, or lacks tracks of the part.
    """
    stored = logmels.read(path)
    facts = gtzan.facts()["partition"]
    wanted = set(facts.index[facts == part])
    images = {
        name: image
        for name, image in zip(stored.names.tolist(), stored.images, strict=True)
        if name in wanted
    }
    # One training track of GTZAN cannot be read.
    if len(images) < len(wanted) - 1 or any(len(i) != logmels.N_MELS for i in images.values()):
        raise CorpusError(
            f"{path}: has {len(images)} of the {len(wanted)} tracks of GTZAN's part {part!r} with "
            f"{logmels.N_MELS} bands; give the file of all clips."
        )
    return images


def log_mel_windows(tracks: dict[str, np.ndarray], recipe: Recipe) -> LogMelWindows:
    """Cut the windows of prediction.

    Parameters
    ----------
    tracks : dict of str to np.ndarray
        As from `log_mels_of_part`.
    recipe : Recipe
        Of the windows.

    Returns
    -------
    LogMelWindows
        In the order of the tracks.
    """
    lengths = gtzan.durations()
    parts = [
        from_log_mels(
            image, recipe, recipe.grid.starts(lengths[name]), duration_s=float(lengths[name])
        )
        for name, image in tracks.items()
    ]
    return LogMelWindows(
        np.concatenate(parts), np.repeat(np.arange(len(parts)), list(map(len, parts)))
    )


def log_mel_excerpts(tracks: dict[str, np.ndarray], recipe: Recipe) -> LogMelWindows:
    """Cut excerpts of 3 s, and repeat each until it fills a window.

    Parameters
    ----------
    tracks : dict of str to np.ndarray
        As from `log_mels_of_part`.
    recipe : Recipe
        Of the windows.

    Returns
    -------
    LogMelWindows
        In the order of the tracks.
    """
    short = Recipe.preset(recipe.name, seconds=SHORT_S)
    images, track = log_mel_windows(tracks, short)
    return LogMelWindows(images[:, :, np.arange(recipe.columns) % short.columns], track)


def _fit(
    net: StatisticsEnsemble, windows: LogMelWindows, tilts: np.ndarray, column: np.ndarray
) -> None:
    """Fit all members; genres have the same weight, and tracks of a genre."""
    from sklearn.linear_model import LogisticRegression

    rows = np.concatenate(
        [logmel_statistics(images, net.groups) for images in (windows.images, tilts)]
    )
    genre = np.tile(column[windows.track], 2)
    shares = np.repeat([1 - _TILTED_SHARE, _TILTED_SHARE], len(tilts))
    weights = shares / np.tile(np.bincount(windows.track)[windows.track], 2)
    weights /= np.bincount(column)[genre]
    net.mean.copy_(torch.from_numpy(rows.mean(axis=0, dtype=np.float64)))
    net.deviation.copy_(torch.from_numpy(rows.std(axis=0, dtype=np.float64) + 1e-6))
    standardised = net.standardised(torch.from_numpy(rows)).numpy()
    for name, groups in MEMBERS.items():
        scale = _scale_of(net, groups)
        scaled = standardised[:, net.columns[name].numpy()] * scale
        regression = LogisticRegression(
            C=1 / (_PENALTIES[name] * weights.sum()), max_iter=1000, tol=1e-4
        )
        regression.fit(scaled, genre, sample_weight=weights)
        fitted = {"weight": regression.coef_ * scale, "bias": regression.intercept_}
        net.members[name].load_state_dict({k: torch.from_numpy(v) for k, v in fitted.items()})


def _scale_of(net: StatisticsEnsemble, groups: Sequence[str]) -> np.ndarray:
    """Return factors by which every group has the same variance in all, whatever its size."""
    sizes = group_sizes()
    ordered = [group for group in net.groups if group in groups]
    return np.repeat([sizes[g] ** -0.5 for g in ordered], [sizes[g] for g in ordered])


def _fit_familiarity(
    net: StatisticsEnsemble, windows: LogMelWindows, folds: Iterable[tuple[np.ndarray, np.ndarray]]
) -> Familiarity:
    """Fit the principal components of the first member's statistics, and the distance."""
    from sklearn.decomposition import PCA

    statistics = torch.from_numpy(logmel_statistics(windows.images, net.groups))
    name, groups = next(iter(net.member_groups.items()))
    scale = _scale_of(net, groups)
    rows = net.standardised(statistics)[:, net.columns[name]].numpy() * scale
    components = PCA(COMPONENTS, random_state=0).fit(rows).components_
    net.projection.copy_(torch.from_numpy((components * scale).T))
    represented = net.represent(statistics).numpy()
    starts = np.flatnonzero(np.diff(windows.track)) + 1
    return fit_familiarity(np.split(represented, starts), folds)


def _divide(member: torch.nn.Module, temperature: float) -> None:
    with torch.no_grad():
        for values in member.parameters():
            values.div_(temperature)


def _member_logits(net: StatisticsEnsemble, windows: LogMelWindows) -> np.ndarray:
    rows = torch.from_numpy(logmel_statistics(windows.images, net.groups))
    with torch.inference_mode():
        return net.member_logits(rows).double().numpy()


def _temperature(logits: np.ndarray, track: np.ndarray, truth: np.ndarray) -> float:
    """Return the temperature of the least log loss, of windows and tracks in equal shares."""
    from scipy.optimize import minimize_scalar

    def loss(temperature: float) -> float:
        windows = _log_softmax(logits / temperature)
        tracks = _log_softmax(_by_track(windows, track))
        by_window = windows[np.arange(len(track)), truth[track]].mean()
        return -float(by_window + tracks[np.arange(len(truth)), truth].mean())

    return float(minimize_scalar(loss, bounds=_TEMPERATURES, method="bounded").x)


def _by_track(values: np.ndarray, track: np.ndarray) -> np.ndarray:
    """Return the mean over the windows of each track."""
    totals: Any = np.zeros((track.max() + 1, values.shape[1]))
    np.add.at(totals, track, values)
    return totals / np.bincount(track)[:, None]


def _log_softmax(logits: np.ndarray) -> np.ndarray:
    from scipy.special import log_softmax

    return log_softmax(logits, axis=-1)
