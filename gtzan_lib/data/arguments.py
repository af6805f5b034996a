"""Arguments of public functions: one of another kind is refused in one sentence."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import ArrayError, AudioError, CorpusError

__all__ = ["require_array", "require_corpus", "require_windows", "waveform"]

# Sound in files has few channels; an array with more has its axes in the other order.
_MOST_CHANNELS = 32


def require_array(value: Any, name: str) -> None:
    """Raise an `ArrayError` if a value is no array, such as a DataFrame or a store.

    Parameters
    ----------
    value : object
        An argument of a public function.
    name : str
        Its name in the error message.
    """
    if not isinstance(value, np.ndarray):
        raise ArrayError(f"{name} is a {type(value).__name__}; give an array{_advice(value)}.")


def require_corpus(value: Any) -> None:
    """Raise a `CorpusError` if a value is no corpus, such as the path of one.

    Parameters
    ----------
    value : object
        An argument of a public function.
    """
    from .corpus import Corpus

    if not isinstance(value, Corpus):
        raise CorpusError(
            f"corpus is a {type(value).__name__}; open one first, with gl.open_corpus(PATH)."
        )


def require_windows(value: Any) -> None:
    """Raise an `ArrayError` if a value is no table of windows.

    Parameters
    ----------
    value : object
        An argument of a public function.
    """
    import pandas as pd

    columns = ("window_id", "track_id", "genre")
    if not isinstance(value, pd.DataFrame) or not set(columns) <= set(value):
        raise ArrayError(
            f"windows is a {type(value).__name__} without the columns {', '.join(columns)}; give "
            "the windows of a store or of a table of features, store.windows."
        )


def waveform(samples: Any, name: str = "sound", *, channels: bool = False) -> np.ndarray:
    """Return samples as an array, or refuse what cannot be sound.

    Parameters
    ----------
    samples : np.ndarray [shape=(n,) or (n, channels)] or sequence of float
        Samples, time first.
    name : str
        What they are, in error messages.
    channels : bool
        Whether there may be an axis of channels.

    Returns
    -------
    np.ndarray [shape=(n,) or (n, channels)]
        The same samples; an array is not copied.

    Raises
    ------
    AudioError
        If they are no real numbers, have another number of axes, or channels first.
    """
    if hasattr(samples, "to_numpy"):
        raise _refusal(f"the {name} is a {type(samples).__name__}; give an array{_advice(samples)}")
    try:
        y = np.asarray(samples)
    except ValueError as error:
        raise _refusal(f"the {name} is no array of samples ({error}); give numbers") from error
    if y.dtype.kind not in "fiu":
        raise _refusal(f"the {name} holds {y.dtype} and no real numbers; give an array of samples")
    if not channels and y.ndim != 1:
        raise _refusal(
            f"the {name} is an array of shape {y.shape}; give one channel, for instance the mean "
            "over channels"
        )
    if y.ndim not in (1, 2):
        raise _refusal(
            f"the {name} cannot have {y.ndim} axes; give one axis, or two: time and channels"
        )
    if y.ndim == 2 and y.shape[1] > max(len(y), _MOST_CHANNELS):
        raise _refusal(f"the {name} has shape {y.shape}, channels first; give time first, y.T")
    return y


def _refusal(sentence: str) -> AudioError:
    return AudioError(f"{sentence}.", reason="it is no waveform")


def _advice(value: Any) -> str:
    """Return where the array of a value is, as the end of a sentence."""
    places = {"to_numpy": "to_numpy()", "images": "images", "values": "values"}
    place = next((place for name, place in places.items() if hasattr(value, name)), None)
    return f", its {place}" if place else ""
