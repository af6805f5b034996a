"""Errors and warnings of this package.

A `GtzanError` is raised on bad input. Its message is one sentence that names the
file or value and says what to do. The command line and the runner print only that
sentence, so that a traceback always means a bug of this package. A `GtzanWarning`
is about a result that can still be used.
"""

__all__ = [
    "ArrayError",
    "AudioError",
    "CorpusError",
    "GtzanError",
    "GtzanWarning",
    "HealthError",
    "LiveError",
    "ModelError",
    "OutputError",
    "ParameterError",
    "RecipeError",
    "RecordError",
    "RunError",
    "ScoringError",
    "SplitError",
    "StoreError",
]


class GtzanError(Exception):
    """Base class of all errors that the user can correct."""

    def _render_traceback_(self) -> list[str]:
        """Return what a notebook shows instead of a traceback; IPython calls it."""
        return [f"{type(self).__name__}: {self}"]


class ArrayError(GtzanError):
    """An argument that is not the array or the table that is needed."""


class AudioError(GtzanError):
    """An audio file or sound that cannot be used.

    Parameters
    ----------
    message : str
        The error message.
    reason : str
        The reason in a few words.
    """

    def __init__(self, message: str, *, reason: str = "") -> None:
        super().__init__(message)
        self.reason = reason


class CorpusError(GtzanError):
    """A corpus, table or archive that cannot be used."""


class HealthError(GtzanError):
    """A health report or a quarantine that cannot be used."""


class SplitError(GtzanError):
    """A split that is not possible, or a split file that cannot be used."""


class RecipeError(GtzanError):
    """A spectrogram recipe that does not exist or cannot be computed."""


class StoreError(GtzanError):
    """A spectrogram store that is incomplete, or does not fit the corpus or recipe."""


class ModelError(GtzanError):
    """A model folder that cannot be read, or a network that cannot be built."""


class LiveError(GtzanError):
    """A microphone that cannot be used, or a recording that cannot be saved."""


class OutputError(GtzanError):
    """A file that cannot be written, or must not be replaced."""


class ParameterError(GtzanError):
    """A parameter with an unknown name or a value of the wrong type."""


class RecordError(GtzanError):
    """A record of an experiment that is missing or was changed."""


class ScoringError(GtzanError):
    """A file of predictions that cannot be scored."""


class RunError(GtzanError):
    """A run that cannot start, or that has a failed experiment."""


class GtzanWarning(UserWarning):
    """A result that can be used, but is incomplete or has to be read with care."""
