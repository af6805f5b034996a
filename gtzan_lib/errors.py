"""The errors this package raises on bad input.

Every refusal is a `GtzanError` whose message is one sentence that names the
file or value at fault and what to do about it. Command line and runner print
that sentence and nothing else; a traceback therefore always means a defect of
ours. What can be used all the same is announced by a `GtzanWarning`.
"""

__all__ = [
    "AudioError",
    "CorpusError",
    "GtzanError",
    "GtzanWarning",
    "HealthError",
    "LiveError",
    "ModelError",
    "ParameterError",
    "RecipeError",
    "RecordError",
    "RunError",
    "SplitError",
    "StoreError",
]


class GtzanError(Exception):
    """Base of all errors that the user, not the package, can mend."""


class AudioError(GtzanError):
    """An audio file that cannot be used as it is.

    Parameters
    ----------
    message : str
        The sentence.
    reason : str
        What is wrong with the file, in a few words.
    """

    def __init__(self, message: str, *, reason: str = "") -> None:
        super().__init__(message)
        self.reason = reason


class CorpusError(GtzanError):
    """A folder that is not the music collection it was taken for."""


class HealthError(GtzanError):
    """A health report or a quarantine that cannot be used."""


class SplitError(GtzanError):
    """A split that the data cannot honour."""


class RecipeError(GtzanError):
    """A recipe of spectrograms that does not exist or cannot be made."""


class StoreError(GtzanError):
    """A spectrogram store that is incomplete or made for something else."""


class ModelError(GtzanError):
    """A model folder that cannot be read, or a net that cannot be built."""


class LiveError(GtzanError):
    """A microphone that cannot be heard, or a recording that cannot be kept."""


class ParameterError(GtzanError):
    """A parameter with an unknown name or a value of the wrong type."""


class RecordError(GtzanError):
    """A record of an experiment that is missing or was tampered with."""


class RunError(GtzanError):
    """A run that cannot start, or an experiment in it that failed."""


class GtzanWarning(UserWarning):
    """Something left out, or worth knowing, in a result that can be used."""
