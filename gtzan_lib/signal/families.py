"""Families of features: what is computed from each window, and under which names."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Sequence

import numpy as np

from ..data.corpus import Corpus, ImageCorpus, TableCorpus
from ..data.logmels import COLUMNS_PER_SECOND, N_MELS
from ..data.tables import FEATURE_NAMES
from ..data.windows import Window
from ..errors import CorpusError
from . import fast_features
from .logmel_statistics import MIN_COLUMNS, logmel_statistics, statistic_names
from .recipes import Recipe
from .spectrograms import draw, from_log_mels, windows_of

__all__ = ["FAMILIES", "FeatureFamily", "families_of", "family_named"]

SAMPLE_RATE = fast_features.SAMPLE_RATE
"""Sample rate in Hz of all families."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class FeatureFamily:
    """Features that are computed together.

    Attributes
    ----------
    names : tuple of str
        Names of the features.
    dtype : type
        Type of the values.
    shortest_s : float
        Sound must be as long, in seconds.
    cut : callable
        Takes sound, starts in seconds and length of its windows in samples; returns
        the windows, with the context that `compute` needs.
    compute : callable
        Takes such windows, and their length in samples without context; returns their
        values, one row each.
    reference : callable, optional
        As `compute`, by an independent implementation.
    from_log_mels : callable, optional
        Takes a log-mel spectrogram of a whole sound, starts in seconds, length of the
        windows in samples (0: the whole) and duration of the sound in seconds; returns
        the values of the windows.
    n_mels : int
        Mel bands that such a spectrogram must have.
    modules, reference_modules : tuple of str
        Modules of this package whose code decides the values, and those of `reference`.
    packages, reference_packages : tuple of str
        Other packages whose version may decide them.
    """

    names: tuple[str, ...]
    dtype: type
    shortest_s: float
    cut: Callable[[np.ndarray, np.ndarray, int], list[Window]]
    compute: Callable[[Sequence[Window], int], np.ndarray]
    reference: Callable[[Sequence[Window], int], np.ndarray] | None = None
    from_log_mels: Callable[[np.ndarray, np.ndarray, int, float], np.ndarray] | None = None
    n_mels: int = 0
    modules: tuple[str, ...] = ()
    reference_modules: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()
    reference_packages: tuple[str, ...] = ()

    def allows(self, seconds: float) -> bool:
        """Return whether windows of this length can be computed."""
        # Windows are a sample shorter, and lengths are rounded to samples.
        return self.shortest_s < seconds - 1.5 / SAMPLE_RATE < 3600

    @property
    def shortest_text(self) -> str:
        """The shortest window in seconds, rounded up to 0.05 s."""
        return f"{math.ceil(self.shortest_s * 20) / 20:g} s"


def family_named(name: str) -> FeatureFamily:
    """Return a family of features.

    Parameters
    ----------
    name : str
        A name of `FAMILIES`.

    Returns
    -------
    FeatureFamily
        The family.

    Raises
    ------
    CorpusError
        If there is no such family.
    """
    if name not in FAMILIES:
        raise CorpusError(
            f"there is no family of features {name!r}; choose one of {', '.join(FAMILIES)}."
        )
    return FAMILIES[name]


def families_of(corpus: Corpus, seconds: float = 3.0) -> list[str]:
    """Return the families that can be computed for a corpus.

    Parameters
    ----------
    corpus : Corpus
        A table has Kaggle's features alone; log-mels lack those that need sound.
    seconds : float
        Length of a window.

    Returns
    -------
    list of str
        Names of `FAMILIES`.
    """
    if isinstance(corpus, TableCorpus):
        return ["kaggle"]
    return [
        name
        for name, family in FAMILIES.items()
        if family.allows(seconds) and (family.from_log_mels or not isinstance(corpus, ImageCorpus))
    ]


def _cut_sound(y: np.ndarray, starts_s: np.ndarray, samples: int) -> list[Window]:
    if len(y) < samples:
        y = np.resize(y, samples)
    places = np.round(starts_s * SAMPLE_RATE).astype(int).tolist()
    pairs = zip(starts_s.tolist(), places, strict=True)
    return [Window(start_s, y[first : first + samples]) for start_s, first in pairs]


def _kaggle(windows: Sequence[Window], samples: int) -> np.ndarray:
    return np.stack([fast_features.compute_features(window.y) for window in windows])


def _kaggle_by_librosa(windows: Sequence[Window], samples: int) -> np.ndarray:
    from .librosa_features import compute_features

    return np.stack([compute_features(window.y) for window in windows])


def _recipe(samples: int) -> Recipe:
    return Recipe.preset("mel-gtzan-store", seconds=samples / SAMPLE_RATE)


def _cut_with_context(y: np.ndarray, starts_s: np.ndarray, samples: int) -> list[Window]:
    return windows_of(y, _recipe(samples), starts_s)


def _statistics(windows: Sequence[Window], samples: int) -> np.ndarray:
    return logmel_statistics(draw(windows, _recipe(samples)))


def _statistics_of_log_mels(
    image: np.ndarray, starts_s: np.ndarray, samples: int, duration_s: float
) -> np.ndarray:
    # The whole sound has as many columns as its spectrogram, whatever their density.
    samples = samples or round(image.shape[1] / COLUMNS_PER_SECOND * SAMPLE_RATE)
    recipe = _recipe(samples)
    return logmel_statistics(from_log_mels(image, recipe, starts_s, duration_s=duration_s))


FAMILIES: dict[str, FeatureFamily] = {
    "kaggle": FeatureFamily(
        names=FEATURE_NAMES,
        dtype=np.float64,
        shortest_s=fast_features.MIN_SAMPLES / SAMPLE_RATE,
        cut=_cut_sound,
        compute=_kaggle,
        reference=_kaggle_by_librosa,
        modules=("data.tables", "signal.dsp", "signal.fast_features", "signal.medians"),
        reference_modules=("signal.librosa_features",),
        packages=("numpy", "scipy", "soxr"),
        reference_packages=("librosa",),
    ),
    "logmel-statistics": FeatureFamily(
        names=statistic_names(),
        dtype=np.float32,
        # Half a column less is rounded up.
        shortest_s=(MIN_COLUMNS - 0.5) / COLUMNS_PER_SECOND,
        cut=_cut_with_context,
        compute=_statistics,
        from_log_mels=_statistics_of_log_mels,
        n_mels=N_MELS,
        modules=(
            "data.logmels",
            "signal.dsp",
            "signal.logmel_statistics",
            "signal.recipes",
            "signal.spectrograms",
        ),
        packages=("numpy", "scipy", "soxr"),
    ),
}
"""Families by name: the 57 features of Kaggle's tables, and 4608 statistics of log-mel
spectrograms."""
